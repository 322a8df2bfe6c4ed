"""Diminishing returns: what a region gains from more money, by kind of support, and where splits stand."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from cpdiffusion.plots import style
from cpdiffusion.plots.by_region import region_panels, shape

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANEL_INCHES, FOOT_INCHES = 2.6, 0.9
WIDTH_INCHES = 13.0
MARGINAL_INCHES = (8.5, 4.6)
Row = Mapping[str, Any]
Titles = Mapping[str, str]


@style.styled
def response_panels(
    figure: Figure, curves: pd.DataFrame, table: pd.DataFrame, kinds: Titles, splits: Titles
) -> dict[str, Axes]:
    """One panel per region: additional adopters over the budget, a curve per kind, a mark per split.

    ``curves``: rows with region, kind, budget_mkrw_per_year, additional_adopters and its ends with _low and
    _high. ``table``: rows with region, split, kind and budget_mkrw_per_year. Marks stand on the curve of
    their kind. The figure should be ``WIDTH_INCHES`` wide and ``height_inches`` high. Returns the axes by
    region.
    """
    rows, marks = style.records(curves), style.records(table)
    regions = list(dict.fromkeys(str(row["region"]) for row in rows))
    grid, panels = region_panels(figure, regions)
    columns = shape(len(regions))[1]
    for region, ax in panels.items():
        own = [row for row in rows if row["region"] == region]
        style.tidy(ax, region.title())
        _draw(ax, own, [row for row in marks if row["region"] == region], kinds, splits)
    for ax in grid[: len(regions) : columns]:
        ax.set_ylabel("Additional adopters (firms)")
    for ax in grid[max(0, len(regions) - columns) : len(regions)]:
        ax.set_xlabel("Million KRW a year")
        ax.tick_params(axis="x", labelbottom=True)
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower left", ncols=4, fontsize=style.TEXT_PT)
    return panels


def height_inches(regions: int) -> float:
    """A good height for a figure of so many regions."""
    return FOOT_INCHES + PANEL_INCHES * shape(regions)[0]


def _draw(ax: Axes, rows: Sequence[Row], marks: Sequence[Row], kinds: Titles, splits: Titles) -> None:
    points: dict[str, list[tuple[float, float]]] = {}
    for k, (kind, title) in enumerate(kinds.items()):
        own = sorted((r for r in rows if r["kind"] == kind), key=lambda r: float(r["budget_mkrw_per_year"]))
        x = [0.0, *(row["budget_mkrw_per_year"] for row in own)]
        y, low, high = (
            [0.0, *(row[f"additional_adopters{end}"] for row in own)] for end in ("", "_low", "_high")
        )
        look = style.look(k)
        ax.fill_between(x, low, high, color=look.colour, alpha=0.25, linewidth=0)
        ax.plot(
            x, y, color=look.colour, linestyle=look.dashes, linewidth=1.6, label=style.capital(title),
            gid=f"curve {kind}",
        )  # fmt: skip
        points[kind] = list(zip(x, y, strict=True))
    for k, (split, title) in enumerate(splits.items()):
        (row,) = [mark for mark in marks if mark["split"] == split]
        mkrw = float(row["budget_mkrw_per_year"])
        value = _on(points.get(str(row["kind"]), [(0.0, 0.0)]), mkrw)
        ax.plot(
            [mkrw], [value], linestyle="none", marker=style.MARKERS[k], markersize=7, alpha=0.9,
            color="white", markeredgecolor=style.INK, markeredgewidth=1.2, label=title, gid=f"split {split}",
            zorder=5, clip_on=False,
        )  # fmt: skip
    ax.grid(color=style.GRID, linewidth=0.8)
    ax.set_axisbelow(True)
    style.numbers_on(ax.xaxis, most=4)
    style.numbers_on(ax.yaxis)


@style.styled
def marginal_gains(ax: Axes, curves: pd.DataFrame, kind: str, title: str, even_mkrw: float) -> None:
    """What each further step of money adds, over the budget: a line per region, for one kind of support.

    ``curves``: rows with region, kind, budget_mkrw_per_year and step_adopters_per_100_mkrw, nan for budgets
    between steps. A step is drawn at its middle. The even share is marked.
    """
    style.tidy(ax, f"What the next 100 million KRW add: {title}")
    rows = [row for row in style.records(curves) if row["kind"] == kind]
    steps = [row for row in rows if not math.isnan(row["step_adopters_per_100_mkrw"])]
    for k, region in enumerate(dict.fromkeys(str(row["region"]) for row in steps)):
        own = [row for row in steps if row["region"] == region]
        ends = [0.0, *(float(row["budget_mkrw_per_year"]) for row in own)]
        middles = [0.5 * (a + b) for a, b in pairwise(ends)]
        look = style.look(k)
        ax.plot(
            middles, [row["step_adopters_per_100_mkrw"] for row in own], color=look.colour,
            linestyle=look.dashes, linewidth=1.4, marker=look.marker, markersize=5.5,
            markeredgecolor=style.INK, markeredgewidth=0.6, label=region.title(), gid=f"steps {region}",
        )  # fmt: skip
    ax.axvline(even_mkrw, color=style.FAINT, linestyle="--", linewidth=1.0, zorder=0)
    ax.set_xlabel("Budget of the region, million KRW a year (dashed: an even share)")
    ax.set_ylabel("Additional adopters per further 100 million KRW")
    ax.set_ylim(bottom=0.0)
    ax.grid(axis="y", color=style.GRID, linewidth=0.8)
    ax.set_axisbelow(True)
    style.numbers_on(ax.xaxis)
    style.numbers_on(ax.yaxis)
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), fontsize=style.TEXT_PT)


def _on(points: Sequence[tuple[float, float]], x: float) -> float:
    """Height of the curve at a budget."""
    import numpy as np

    return float(np.interp(x, [a for a, _ in points], [b for _, b in points]))
