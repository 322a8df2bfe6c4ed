"""Predictions of region-years not seen: bands beside what came, and scores beside the best rival's."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cpdiffusion.outcomes.paired import CONFIDENCE
from cpdiffusion.plots import style
from cpdiffusion.plots.by_region import region_panels, shape

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANEL_INCHES, FOOT_INCHES = 2.5, 1.1
PREDICTIONS_WIDTH_INCHES = 13.0
SCORES_WIDTH_INCHES = 15.0
APART_YEARS = 0.19  # of each model's band from the dot
INTERVAL = f"{CONFIDENCE:.0%} interval".replace("%", " %")
Row = Mapping[str, Any]
Titles = Mapping[str, str]
Grid = Any  # an array of Axes


# --- predictions ---------------------------------------------------------------------------------


@style.styled
def prediction_panels(
    figure: Figure, predictions: pd.DataFrame, titles: Titles, words: str
) -> dict[str, Axes]:
    """One panel per region: each year's observed return between the bands of one or two models.

    ``predictions``: rows of one split with region, year, model, observed, mean, q05, q25, q75 and q95 in
    log ROI; they are drawn as ROI on a log axis, so a mean is a geometric one. ``titles`` names the
    models and orders them; ``words`` say what was predicted from what. Returns the axes by region.
    """
    rows = style.records(predictions)
    regions = list(dict.fromkeys(str(row["region"]) for row in rows))
    grid, panels = region_panels(figure, regions)
    columns = shape(len(regions))[1]
    for region, ax in panels.items():
        _draw_region(ax, region, [row for row in rows if row["region"] == region], titles)
    _scale(list(panels.values()), rows)
    _label(figure, grid, columns, len(regions), words)
    return panels


def predictions_height_inches(regions: int) -> float:
    """A good height for a figure of so many regions."""
    return FOOT_INCHES + PANEL_INCHES * shape(regions)[0]


def _draw_region(ax: Axes, region: str, rows: Sequence[Row], titles: Titles) -> None:
    style.tidy(ax, region.title())
    for k, (model, title) in enumerate(titles.items()):
        own = [row for row in rows if row["model"] == model]
        _draw_bands(
            ax, own, f"{model} {region}", title, style.look(k), APART_YEARS * (2 * k + 1 - len(titles))
        )
    observed = {row["year"]: math.exp(row["observed"]) for row in rows}
    ax.plot(
        list(observed), list(observed.values()), linestyle="none", marker="o", markersize=5, color=style.INK,
        label="reported", gid=f"observed {region}", zorder=4,
    )  # fmt: skip


def _draw_bands(
    ax: Axes, rows: Sequence[Row], name: str, title: str, look: style.Look, offset: float
) -> None:
    years = [row["year"] + offset for row in rows]
    value = {key: [math.exp(row[key]) for row in rows] for key in ("mean", "q05", "q25", "q75", "q95")}
    ax.vlines(years, value["q05"], value["q95"], color=look.colour, linewidth=1.4, gid=f"band90 {name}")
    ax.vlines(years, value["q25"], value["q75"], color=look.colour, linewidth=5.0, gid=f"band50 {name}")
    ax.plot(
        years, value["mean"], linestyle="none", marker=look.marker, markersize=5, color=look.colour,
        markeredgecolor=style.INK, markeredgewidth=0.6, label=title, gid=f"mean {name}",
    )  # fmt: skip


def _scale(panels: Sequence[Axes], rows: Sequence[Row]) -> None:
    """The same years and the same log axis of returns in all panels."""
    from matplotlib.ticker import LogLocator, MultipleLocator, NullLocator

    years = [int(row["year"]) for row in rows]
    ends = [math.exp(row[key]) for row in rows for key in ("q05", "q95", "observed")]
    for ax in panels:
        ax.set_yscale("log")
        ax.set(ylim=(min(ends) / 1.3, max(ends) * 1.3), xlim=(min(years) - 0.6, max(years) + 0.6))
        style.ticks_on(ax.yaxis, LogLocator(subs=(1, 2, 5) if max(ends) < 1000 * min(ends) else (1,)))
        ax.yaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_major_locator(MultipleLocator(math.ceil((max(years) - min(years) + 1) / 4)))
        ax.xaxis.set_major_formatter("{x:.0f}")
        ax.grid(axis="y", color=style.GRID, linewidth=0.8)
        ax.set_axisbelow(True)


def _label(figure: Figure, grid: Grid, columns: int, panels: int, words: str) -> None:
    """Axis labels at the edges, one legend below; the last panel of each column shows its years."""
    for ax in grid[:panels:columns]:
        ax.set_ylabel("Direct benefit /\ninvestment (ratio)")
    for ax in grid[max(0, panels - columns) : panels]:
        ax.tick_params(axis="x", labelbottom=True)
    figure.suptitle(
        f"Predicted: {words}. Thick: 50 %, thin: 90 % of the prediction", x=0.01, ha="left",
        size=style.TITLE_PT, color=style.INK,
    )  # fmt: skip
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower left", ncols=3, fontsize=style.TEXT_PT)


# --- scores --------------------------------------------------------------------------------------


@style.styled
def score_panels(figure: Figure, scores: pd.DataFrame, titles: Titles, splits: Titles) -> list[Axes]:
    """One panel per split: each model's mean CRPS less that of the best rival, with its interval.

    ``scores``: rows of one table with split, model, rows, is_rival, best_rival, crps_difference and its
    _low and _high (log ROI). ``titles`` names and orders the models, ``splits`` the splits.
    """
    found = style.records(scores)
    made = list(figure.subplots(1, max(1, len(splits)), squeeze=False)[0])
    for place, (ax, split) in enumerate(zip(made, splits, strict=False)):
        own = {row["model"]: row for row in found if row["split"] == split}
        _draw_split(ax, own, titles, splits[split])
        if place:
            ax.set_yticklabels([])
    if not splits:
        style.nothing_to_show(made[0], "no split was possible")
    return made


def scores_height_inches(models: int) -> float:
    """A good height for a figure of so many models."""
    return style.rows_inches([""] * models, 3) + 0.5


def _draw_split(ax: Axes, own: Mapping[str, Row], titles: Titles, words: str) -> None:
    best, rows = _best(own.values())
    style.tidy(ax, f"{style.wrapped(style.capital(words), 40)}:\n{rows} rows", title_pad_pt=10.0)
    shown = [own[model] for model in titles if model in own]
    ends = ("crps_difference", "crps_difference_low", "crps_difference_high")
    style.around_zero(ax, [row[end] for row in shown for end in ends])
    style.rows(ax, [_named(row, titles) for row in shown])
    ax.set_xlabel(
        f"CRPS less that of the best rival (log ROI)\nLeft of 0 is better; line: {INTERVAL} over regions\n"
        "Few rows: an interval that holds 0 is a tie"
    )
    texts = []
    for place, row in enumerate(shown):
        difference, low, high = (0.0 if row["model"] == best else row[end] for end in ends)
        style.interval(ax, place, low, high, style.COLOURS[0], row["model"])
        ax.plot(
            [difference], [place], marker="D" if row["model"] == best else "o", markersize=6,
            color=style.COLOURS[0], markeredgecolor=style.INK, markeredgewidth=0.8, gid=f"dot {row['model']}",
        )  # fmt: skip
        texts.append("best rival" if row["model"] == best else _with_interval(difference, low, high))
    style.notes(ax, texts)


def _named(row: Row, titles: Titles) -> str:
    return style.wrapped(titles[row["model"]]) + ("\n(rival)" if row["is_rival"] else "")


def _with_interval(difference: float, low: float, high: float) -> str:
    middle, *ends = (style.number(value, 3, sign=True) for value in (difference, low, high))
    return middle if math.isnan(low) else f"{middle}\n({ends[0]} to {ends[1]})"


def _best(rows: Iterable[Row]) -> tuple[str, int]:
    row = next(iter(rows))
    return str(row["best_rival"]), int(row["rows"])
