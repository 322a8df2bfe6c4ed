"""Relative efficiency over time: scores in moving windows, and the Malmquist index from year to year."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cpdiffusion.plots import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_INCHES, HEIGHT_INCHES = 12.0, 5.2
MOST_UNITS = 10
APART_YEARS = 0.06  # of units from one another, so that marks on one spot can be told apart
Row = Mapping[str, Any]


@style.styled
def change_panels(figure: Figure, windows: pd.DataFrame, malmquist: pd.DataFrame, width: int) -> list[Axes]:
    """Left each unit's mean score over the windows that hold a year; right its index into each year.

    ``windows``: rows with unit, period and crs. ``malmquist``: rows with unit, after and index, nan left out.
    At most ``MOST_UNITS`` units are drawn. The figure should be ``WIDTH_INCHES`` by ``HEIGHT_INCHES``.
    """
    left, right = figure.subplots(1, 2)
    units = list(dict.fromkeys(str(unit) for unit in windows["unit"]))[:MOST_UNITS]
    mean = windows.groupby(["unit", "period"], sort=False)["crs"].mean().reset_index()
    _scores(left, style.records(mean), units, width)
    _index(right, style.records(malmquist), units)
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5, fontsize=style.TEXT_PT)
    return [left, right]


def _scores(ax: Axes, rows: Sequence[Row], units: Sequence[str], width: int) -> None:
    style.tidy(ax, f"Score among all unit-years of windows of {width} years, mean over windows")
    for k, unit in enumerate(units):
        own = sorted((r["period"], r["crs"]) for r in rows if r["unit"] == unit)
        _line(ax, own, unit, k, len(units), "score")
    ax.set_ylim(0.0, 1.05)
    ax.set_ylabel("Score under constant returns (1: frontier)")
    _years(ax)


def _index(ax: Axes, rows: Sequence[Row], units: Sequence[str]) -> None:
    from matplotlib.ticker import LogLocator, NullLocator

    style.tidy(ax, "Malmquist index from the year before (above 1: a gain)")
    known = [row for row in rows if math.isfinite(row["index"])]
    if not known:
        style.nothing_to_show(ax, "no unit is there in two successive years")
        return
    for k, unit in enumerate(units):
        own = sorted((r["after"], r["index"]) for r in known if r["unit"] == unit)
        _line(ax, own, unit, k, len(units), "index")
    ax.axhline(1.0, color=style.INK, linewidth=1.0, zorder=1)
    ax.set_yscale("log")
    style.ticks_on(ax.yaxis, LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.set_ylabel("Index (log scale)")
    _years(ax)


def _line(ax: Axes, points: Sequence[tuple[float, float]], unit: str, k: int, units: int, kind: str) -> None:
    look = style.look(k)
    shift = APART_YEARS * (k - 0.5 * (units - 1))
    ax.plot(
        [year + shift for year, _ in points], [value for _, value in points], color=look.colour,
        linestyle=look.dashes, linewidth=1.3, marker=look.marker, markersize=5.5, markeredgecolor=style.INK,
        markeredgewidth=0.6, label=unit, gid=f"{kind} {unit}",
    )  # fmt: skip


def _years(ax: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.xaxis.set_major_formatter("{x:.0f}")
    ax.grid(axis="y", color=style.GRID, linewidth=0.8)
    ax.set_axisbelow(True)
