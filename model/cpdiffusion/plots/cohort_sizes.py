"""The difference between cohorts and individual support over the size of the cohorts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from cpdiffusion.outcomes.paired import CONFIDENCE
from cpdiffusion.plots import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_INCHES, HEIGHT_INCHES = 9.0, 6.5
LEAST_GAP = 0.035  # of the axis: labels of sizes nearer together would touch
PERCENT = f"{CONFIDENCE:.0%}".replace("%", " %")
Row = dict[str, Any]


@style.styled
def cohort_size_panels(figure: Figure, table: pd.DataFrame, chosen: int) -> list[Axes]:
    """Above the difference over cohort size, below the share of draws in which each size is best.

    ``table``: one row per cohort_size, ascending, with difference, difference_low, difference_high
    (interval of the mean), expected_p05, expected_p95 (range over the posterior; firms) and share_best.
    The size ``chosen`` is marked. Sizes stand on a log scale. The figure should be ``WIDTH_INCHES`` wide
    and ``HEIGHT_INCHES`` high.
    """
    found = style.records(table)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[2.2, 1.0])
    _draw_difference(above, found, chosen)
    _draw_best(below, found, chosen)
    _name_sizes(below, [row["cohort_size"] for row in found])
    return [above, below]


def place_of(size: float) -> float:
    """Where a size stands on the axis."""
    return math.log(size)


def _draw_difference(ax: Axes, found: Sequence[Row], chosen: int) -> None:
    style.tidy(ax, "Cohorts against individual support for the same money")
    places = [place_of(row["cohort_size"]) for row in found]
    column = {name: [row[name] for row in found] for name in found[0]}
    blue = style.COLOURS[0]
    ax.fill_between(
        places, column["expected_p05"], column["expected_p95"], color=blue, alpha=0.22, linewidth=0,
        label=f"{PERCENT} range of the expected difference: what is not known about the parameters",
        gid="range",
    )  # fmt: skip
    ax.fill_between(
        places, column["difference_low"], column["difference_high"], color=blue, alpha=0.55, linewidth=0,
        label=f"{PERCENT} interval of the mean", gid="interval",
    )  # fmt: skip
    ax.plot(
        places, column["difference"], color=style.INK, marker="o", markersize=4, linewidth=1.4,
        label="mean", gid="mean",
    )  # fmt: skip
    ax.axhline(0.0, color=style.INK, linewidth=1.0, zorder=1)
    ax.set_ylabel("Difference in additional adopters (firms)", size=style.TEXT_PT)
    style.numbers_on(ax.yaxis)
    _mark(ax, chosen)
    ax.legend(loc="upper left", fontsize=style.TEXT_PT, reverse=True)
    _make_room(ax)


def _make_room(ax: Axes) -> None:
    """A fifth more above the curve, where the legend stands."""
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + 0.22 * (high - low))


def _draw_best(ax: Axes, found: Sequence[Row], chosen: int) -> None:
    style.tidy(ax, "How often each size is the best of those tried")
    places = [place_of(row["cohort_size"]) for row in found]
    gaps = [after - before for before, after in pairwise(places)]
    shares = [100.0 * row["share_best"] for row in found]
    ax.bar(places, shares, width=0.7 * min(gaps), color=style.COLOURS[0], gid="best")
    for place, share in zip(places, shares, strict=True):
        if share > 0.0:
            ax.annotate(
                label_of(share), (place, share), xytext=(0, 3), textcoords="offset points", ha="center",
                size=style.TEXT_PT, bbox={"facecolor": "white", "edgecolor": "none", "pad": 0},
            )  # fmt: skip
    ax.set_ylim(0.0, 1.2 * max(shares))
    ax.set_ylabel("% of draws", size=style.TEXT_PT)
    style.numbers_on(ax.yaxis, most=3)
    _mark(ax, chosen)


def label_of(percent: float) -> str:
    """A share above 0 for a reader, who would take 0 for never."""
    return f"{percent:.0f}" if percent >= 1.0 else "<1"


def _mark(ax: Axes, chosen: int) -> None:
    ax.axvline(place_of(chosen), color=style.FAINT, linestyle="--", linewidth=1.0, zorder=0, gid="chosen")


def _name_sizes(ax: Axes, sizes: Sequence[int]) -> None:
    named = spaced(sizes)
    ax.set_xticks([place_of(size) for size in named], [str(size) for size in named])
    ax.set_xlabel("Firms per cohort (log scale; dashed: the size of the scenario)")


def spaced(sizes: Sequence[int]) -> list[int]:
    """The sizes that can be labelled without touching each other."""
    least = LEAST_GAP * (place_of(sizes[-1]) - place_of(sizes[0]))
    named = [sizes[0]]
    for size in sizes[1:]:
        if place_of(size) - place_of(named[-1]) >= least:
            named.append(size)
    return named
