"""Many scenarios at a glance: three panels that share their rows, one row per scenario."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from cpdiffusion.outcomes.paired import CONFIDENCE
from cpdiffusion.plots import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_INCHES = 12.0
LABEL_CHARACTERS = 40
HEAD_AND_FOOT_INCHES = 0.5  # beyond what a figure of rows has
KEY = f"Dot: mean over runs; line: {CONFIDENCE:.0%} interval of the mean; runs are paired with runs of "
KEY = KEY.replace("%", " %") + "the same firms without any policy"
UNCLEAR = "too few additional adopters to tell"
FREE = "no public money"
FAR_APART = 30.0  # the largest cost over the smallest from which on a log scale is used
FEW_TICKS = 300.0  # the same, from which on powers of ten are enough
Row = dict[str, Any]


class Panel(NamedTuple):
    """A column of the table with its interval, and how its axis is labelled."""

    column: str
    title: str
    unit: str


PANELS = (
    Panel("additional_adopters", "Additional adopters", "firms"),
    Panel("cost_per_additional_adopter_mkrw", "Public money per additional adopter", "million KRW per firm"),
    Panel("benefit_over_no_policy_mkrw", "Additional total benefit", "million KRW"),
)
COST = PANELS[1]


@style.styled
def overview_panels(figure: Figure, table: pd.DataFrame, key: str = KEY) -> list[Axes]:
    """Dot and interval of each scenario in three panels, most additional adopters on top.

    ``table``: one row per scenario with title and, for the column of each panel, also _low and
    _high. Where there is no cost, or its interval is unknown, words say so instead of a dot. ``key`` says
    what dots and lines are.
    ``WIDTH_INCHES`` and ``height_inches`` say how large the figure should be.
    """
    found = sorted(style.records(table), key=lambda row: -row[PANELS[0].column])
    axes = [figure.add_subplot(1, len(PANELS), k + 1) for k in range(len(PANELS))]
    for ax, panel in zip(axes, PANELS, strict=True):
        _draw(ax, panel, found)
    for ax in axes[1:]:
        ax.set_yticklabels([])
    figure.suptitle("All against no policy", x=0.01, ha="left", size=style.TITLE_PT, weight="bold")
    figure.supxlabel(key, x=0.01, ha="left", size=style.TEXT_PT, color=style.FAINT)
    return axes


def height_inches(table: pd.DataFrame) -> float:
    """A good height for the figure of ``table``."""
    return HEAD_AND_FOOT_INCHES + style.rows_inches(_labels(style.records(table)), 1)


def _labels(found: Sequence[Row]) -> list[str]:
    return [style.wrapped(row["title"], LABEL_CHARACTERS) for row in found]


def _draw(ax: Axes, panel: Panel, found: Sequence[Row]) -> None:
    style.tidy(ax, panel.title)
    if not found:
        style.nothing_to_show(ax, "nothing to compare")
        return
    scale = _scale(ax, panel, found)
    style.rows(ax, _labels(found))
    style.notes(ax, ["–" if instead(row, panel) else style.number(row[panel.column]) for row in found])
    ax.set_xlabel(panel.unit + scale)
    for place, row in enumerate(found):
        ax.axhline(place, color=style.GRID, linewidth=0.8, zorder=0)
        if words := instead(row, panel):
            _say(ax, place, words)
        else:
            _dot(ax, place, panel.column, row)


def _scale(ax: Axes, panel: Panel, found: Sequence[Row]) -> str:
    """Limits and ticks; what the axis label has to say of them. Costs that lie far apart get a log scale."""
    shown = [row for row in found if not instead(row, panel)]
    values = [row[column] for row in shown for column in ends_of(panel.column)]
    above = [value for value in values if 0.0 < value < math.inf]
    far = panel is COST and above and max(above) > FAR_APART * min(above)
    if not far:
        style.around_zero(ax, values)
        return ""
    from matplotlib.ticker import LogLocator, NullLocator

    ax.set_xscale("log")
    ax.set_xlim(min(above) / 1.5, max(above) * 1.5)
    ax.xaxis.set_minor_locator(NullLocator())
    style.ticks_on(ax.xaxis, LogLocator(subs=(1.0, 3.0) if max(above) < FEW_TICKS * min(above) else (1.0,)))
    return " (log scale)"


def ends_of(column: str) -> tuple[str, str, str]:
    """A column with both ends of its interval."""
    return column, f"{column}_low", f"{column}_high"


def instead(row: Row, panel: Panel) -> str:
    """What is written instead of a dot: a cost without an interval divides by next to nothing."""
    if panel is not COST:
        return ""
    if math.isnan(row[f"{panel.column}_low"]):
        return UNCLEAR
    return FREE if row[panel.column] == 0.0 else ""


def _dot(ax: Axes, place: int, column: str, row: Row) -> None:
    name, colour = f"{column} {row['scenario']}", style.COLOURS[0]
    style.interval(ax, place, row[f"{column}_low"], row[f"{column}_high"], colour, name)
    ax.plot(
        [row[column]], [place], marker="o", markersize=6, color=colour,
        markeredgecolor=style.INK, markeredgewidth=0.8, gid=f"dot {name}",
    )  # fmt: skip


def _say(ax: Axes, place: int, words: str) -> None:
    ax.text(
        0.5, place, words, transform=ax.get_yaxis_transform(), ha="center", va="center",
        color=style.FAINT, size=style.TEXT_PT, bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
    )  # fmt: skip
