"""The programme's return on investment: as Table 4 reports it and as it is simulated."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cpdiffusion.evidence.table4 import RegionYear, rows_by_region
from cpdiffusion.plots import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

YEAR_WIDTH = 0.8  # of the space that the points of one year share
TABLE_4 = "Table 4"
Row = Mapping[str, Any]
Titles = Mapping[str, str]


@style.styled
def reported_against_simulated(
    ax: Axes, reported: Iterable[RegionYear], simulated: pd.DataFrame, titles: Titles
) -> Axes:
    """Economic ROI (direct benefit / investment) by programme year, on a log axis.

    ``reported``: rows of Table 4, put at their programme year (year - first year of the period
    + 1). ``simulated``: one row per scenario and programme_year (1 ..) with p05, p50 and p95.
    A log axis has no place for zero: medians and reports that are not above 0 are left out.
    """
    style.tidy(ax, "Economic return of the programme, year by year")
    ax.set_ylabel("Direct benefit / investment (ratio, log scale)")
    ax.set_xlabel(
        "Programme year (1: the year in which it began)\n"
        "Simulated: median and 5th to 95th percentile of runs\n"
        "Table 4: results as the programmes reported them themselves"
    )
    points = [row for row in reported if row.roi_economic > 0]
    runs = [row for row in style.records(simulated) if row["p50"] > 0]
    if not points and not runs:
        style.nothing_to_show(ax, "no returns")
        return ax
    _set_scale(ax, points, runs)
    offsets = _offsets(points, runs, titles)
    _draw_reported(ax, points, offsets)
    _draw_simulated(ax, runs, offsets, titles)
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), fontsize=style.TEXT_PT, labelspacing=0.9)
    return ax


def programme_year(row: RegionYear) -> int:
    """1 in the year in which the region's programme began."""
    return row.year - row.period_start[0] + 1


def _offsets(points: Sequence[RegionYear], runs: Sequence[Row], titles: Titles) -> dict[str, float]:
    """Where Table 4 and each scenario stand beside each other around their year."""
    names = [TABLE_4] * bool(points) + style.in_order([row["scenario"] for row in runs], titles)
    steps = YEAR_WIDTH * ((np.arange(len(names)) + 0.5) / len(names) - 0.5)
    return dict(zip(names, map(float, steps), strict=True))


def _set_scale(ax: Axes, points: Sequence[RegionYear], runs: Sequence[Row]) -> None:
    from matplotlib.ticker import LogLocator, MultipleLocator, NullLocator

    values = [row.roi_economic for row in points]
    values += [row[q] for row in runs for q in ("p05", "p50", "p95") if 0 < row[q] < math.inf]
    low, high = min(values) / 1.25, max(values) * 1.25
    years = [*map(programme_year, points), *(int(row["programme_year"]) for row in runs)]
    ax.set_yscale("log")
    ax.set(ylim=(low, high), xlim=(min(years) - 0.6, max(years) + 0.6))
    subs = (1, 2, 5) if high < 1000 * low else (1,)
    style.ticks_on(ax.yaxis, LogLocator(subs=subs))
    ax.yaxis.set_minor_locator(NullLocator())
    style.ticks_on(ax.xaxis, MultipleLocator(math.ceil((max(years) - min(years) + 1) / 15)))
    ax.grid(axis="y", color=style.GRID, linewidth=0.8)
    ax.set_axisbelow(True)


def _draw_reported(ax: Axes, points: Sequence[RegionYear], offsets: Mapping[str, float]) -> None:
    for k, (region, found) in enumerate(rows_by_region(points).items()):
        ax.plot(
            [programme_year(row) + offsets[TABLE_4] for row in found],
            [row.roi_economic for row in found],
            marker=style.MARKERS[k % len(style.MARKERS)], markersize=6, linestyle="none",
            color=style.INK, markerfacecolor="white" if k else style.INK, markeredgewidth=1.2,
            label=f"{TABLE_4}, {region.title()}", gid=f"reported {region}",
        )  # fmt: skip


def _draw_simulated(ax: Axes, runs: Sequence[Row], offsets: Mapping[str, float], titles: Titles) -> None:
    for name in style.in_order([row["scenario"] for row in runs], titles):
        found = [row for row in runs if row["scenario"] == name]
        years = [row["programme_year"] + offsets[name] for row in found]
        look = style.looks([name], titles)[name]
        floor, top = ax.get_ylim()
        low = [max(row["p05"], floor) for row in found]
        high = [min(row["p95"], top) for row in found]
        ax.vlines(years, low, high, color=look.colour, linewidth=2.5, gid=f"interval {name}")
        ax.plot(
            years, [row["p50"] for row in found], marker=look.marker, markersize=6,
            linestyle="none", color=look.colour, markeredgecolor=style.INK, markeredgewidth=0.7,
            label=style.wrapped(style.title_of(name, titles), 28), gid=f"median {name}",
        )  # fmt: skip
