"""Which factors matter: Morris' plane of strength and interaction, and bars of Sobol's indices."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cpdiffusion.plots import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_INCHES, PLANE_INCHES, CAPTION_INCHES = 9.0, 3.5, 0.7
NUMBERED = 9  # factors of Morris' plane that are named
KEY_CHARACTERS = 46
PLANE_KEY = (
    "Full dot: more than chance; hollow: cannot be told from it. Line: 90 % interval of mu*. Small dots: all "
    "other factors. "
    "Above the dashed line a factor acts mainly together with others, or not in proportion."
)
CHANCE = style.COLOURS[2]
FIRST, TOTAL = -0.19, 0.19  # where a factor's two bars stand in its row
Panels = Mapping[str, "pd.DataFrame"]
Row = dict[str, Any]


# --- Morris --------------------------------------------------------------------------------------


def plane_height_inches(panels: Panels) -> float:
    """A good height for ``morris_planes``."""
    return PLANE_INCHES * len(panels) + CAPTION_INCHES


@style.styled
def morris_planes(figure: Figure, panels: Panels, labels: Mapping[str, str], unit: str) -> list[Axes]:
    """For each quantity (title) how strongly its factors act, and how unevenly.

    ``panels``: by title a row per factor with factor, mu_star, low, high, sigma, sure. The strongest factors
    are numbered and named at the side by ``labels``; full dots are surely more than chance.
    """
    grid = figure.add_gridspec(len(panels), 2, width_ratios=(1.25, 1.0))
    drawn = []
    for place, (title, frame) in enumerate(panels.items()):
        ax = figure.add_subplot(grid[place, 0])
        found = sorted(style.records(frame), key=lambda row: -row["mu_star"])
        _plane(ax, title, found, unit)
        _named(figure.add_subplot(grid[place, 1]), found[:NUMBERED], labels)
        drawn.append(ax)
    figure.supxlabel(style.wrapped(PLANE_KEY, 120), size=style.TEXT_PT, ha="left", x=0.02)
    return drawn


def _plane(ax: Axes, title: str, found: Sequence[Row], unit: str) -> None:
    style.tidy(ax, style.wrapped(title, 54))
    if not any(row["mu_star"] > 0 for row in found):
        style.nothing_to_show(ax, "no factor changes it")
        return
    far = 1.08 * max(max(row["high"], row["sigma"]) for row in found)
    lowest = min(0.0, *(row["low"] for row in found[:NUMBERED]))
    ax.set(xlim=(lowest - 0.02 * far, far), ylim=(-0.03 * far, far))
    ax.plot([0, far], [0, far], color=style.FAINT, linewidth=0.9, linestyle="--", gid="even")
    for row in reversed(found[NUMBERED:]):
        ax.plot([row["mu_star"]], [row["sigma"]], "o", markersize=3.5, color=style.FAINT, gid="unnamed")
    for number, row in reversed(list(enumerate(found[:NUMBERED], start=1))):
        _numbered(ax, number, row)
    ax.set_xlabel(f"Strength: mean change over the whole range, mu* ({unit})")
    ax.set_ylabel(f"Unevenness: sigma ({unit})")
    style.numbers_on(ax.xaxis)
    style.numbers_on(ax.yaxis)


def _numbered(ax: Axes, number: int, row: Row) -> None:
    sure = row["sure"]
    style.interval(ax, row["sigma"], row["low"], row["high"], style.FAINT, row["factor"], 1.2)
    ax.plot(
        [row["mu_star"]], [row["sigma"]], "o", markersize=12, markeredgecolor=style.INK,
        markerfacecolor=style.INK if sure else "white", markeredgewidth=1.0, gid=f"factor {row['factor']}",
    )  # fmt: skip
    ax.text(
        row["mu_star"], row["sigma"], str(number), ha="center", va="center_baseline",
        size=style.TEXT_PT - 1, color="white" if sure else style.INK,
    )  # fmt: skip


def _named(ax: Axes, found: Sequence[Row], labels: Mapping[str, str]) -> None:
    """What the numbers stand for."""
    ax.set_axis_off()
    telling = [row for row in found if row["mu_star"] > 0]
    lines = [f"{n}  {_after_first(labels[row['factor']])}" for n, row in enumerate(telling, start=1)]
    ax.text(0.0, 1.0, "\n".join(lines), va="top", size=style.TEXT_PT, linespacing=style.LINE_SPACING)


def _after_first(label: str) -> str:
    """Wrapped, with the second line under the first's words."""
    return style.wrapped(label, KEY_CHARACTERS).replace("\n", "\n    ")


# --- Sobol ---------------------------------------------------------------------------------------


def bars_height_inches(panels: Panels, labels: Mapping[str, str]) -> float:
    """A good height for ``sobol_bars``."""
    return sum(style.rows_inches(_row_labels(frame, labels), 3) for frame in panels.values()) + 0.4


@style.styled
def sobol_bars(figure: Figure, panels: Panels, labels: Mapping[str, str]) -> list[Axes]:
    """For each quantity (title) the share of its variance that each factor explains, alone and in total.

    ``panels``: by title a row per factor with factor, first, first_low, first_high, first_less_chance, and
    the same of total. The factor with the largest total on top. A tick marks the index less chance.
    """
    heights = [max(len(frame), 2) for frame in panels.values()]
    grid = figure.add_gridspec(len(panels), 1, height_ratios=heights)
    drawn = []
    for place, (title, frame) in enumerate(panels.items()):
        ax = figure.add_subplot(grid[place, 0])
        _bars(ax, title, _ordered(frame), labels)
        _between(ax, panels.values())
        drawn.append(ax)
    if drawn:
        _key(drawn[0])
        drawn[-1].set_xlabel("Share of the variance between points")
    return drawn


def _between(ax: Axes, frames: Iterable[pd.DataFrame]) -> None:
    """The same limits for all panels: they hold every interval, and the whole of a share."""
    ends = [f"{which}_{end}" for which in FACES for end in ("low", "high")]
    values = [value for frame in frames for value in frame[ends].to_numpy().ravel()]
    ax.set_xlim(min(-0.02, 1.05 * min(values)), max(1.0, 1.05 * max(values)))


def _ordered(frame: pd.DataFrame) -> list[Row]:
    return sorted(style.records(frame), key=lambda row: -row["total"])


def _row_labels(frame: pd.DataFrame, labels: Mapping[str, str]) -> list[str]:
    return [style.wrapped(labels[row["factor"]], 40) for row in _ordered(frame)]


def _bars(ax: Axes, title: str, found: Sequence[Row], labels: Mapping[str, str]) -> None:
    style.tidy(ax, style.wrapped(title, 60), title_pad_pt=26)
    if not found:
        style.nothing_to_show(ax, "no factor changes it, or too few points could be computed")
        return
    style.around_zero(ax, [0.0, 1.0])
    style.rows(ax, [style.wrapped(labels[row["factor"]], 40) for row in found])
    for place, row in enumerate(found):
        _bar(ax, place + FIRST, row, "first")
        _bar(ax, place + TOTAL, row, "total")


FACES: dict[str, dict[str, Any]] = {
    "first": {"facecolor": style.COLOURS[0]},
    "total": {"facecolor": "white", "hatch": "////"},
}


def _bar(ax: Axes, y: float, row: Row, which: str) -> None:
    name = f"{which} {row['factor']}"
    face = FACES[which]
    ax.barh(y, row[which], height=0.34, edgecolor=style.INK, linewidth=0.8, gid=f"bar {name}", **face)
    style.interval(ax, y, row[f"{which}_low"], row[f"{which}_high"], style.INK, name, 1.4)
    at = row[f"{which}_less_chance"]
    if math.isfinite(at):
        ax.plot([at, at], [y - 0.21, y + 0.21], color=CHANCE, linewidth=2.2, gid=f"less chance {name}")


def _key(ax: Axes) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    edge: dict[str, Any] = {"edgecolor": style.INK, "linewidth": 0.8}
    handles: list[Patch | Line2D] = [
        Patch(**edge, label="alone (S1)", **FACES["first"]),
        Patch(**edge, label="with all it acts together with (ST)", **FACES["total"]),
        Line2D([], [], color=style.INK, linewidth=1.4, label="90 % interval"),
        Line2D([], [], color=CHANCE, linewidth=2.2, marker="|", linestyle="none", markersize=9,
               markeredgewidth=2.2, label="less chance"),
    ]  # fmt: skip
    ax.legend(
        handles=handles, loc="lower right", bbox_to_anchor=(1, 1), ncols=4, fontsize=style.TEXT_PT,
        borderaxespad=0.2, borderpad=0.2, columnspacing=1.1, handlelength=1.5,
    )  # fmt: skip
