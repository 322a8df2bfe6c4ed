"""Scores of relative efficiency: as they come out, and corrected with their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from cpdiffusion.efficiency.bootstrap import CONFIDENCE
from cpdiffusion.plots import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_INCHES = 12.0
ROW_INCHES, LEAST_INCHES, HEAD_AND_FOOT_INCHES = 0.23, 3.6, 1.6
APART = 0.19  # of the tables of one unit from its line
MOST_ROWS = 60
INTERVAL = f"{CONFIDENCE:.0%} interval".replace("%", " %")
Row = Mapping[str, Any]
Titles = Mapping[str, str]


@style.styled
def score_panels(figure: Figure, table: pd.DataFrame, tables: Titles, levels: Titles) -> list[Axes]:
    """One panel per level of units, one line per unit, one mark per table.

    ``table``: rows with table, level, unit, crs, and crs_corrected, crs_low, crs_high (nan where there is
    none), all scores of which 1 is the frontier. ``tables`` and ``levels`` name what is drawn, in order.
    The figure should be ``WIDTH_INCHES`` wide and ``height_inches`` high.
    """
    rows = style.records(table)
    sizes = [len({row["unit"] for row in rows if row["level"] == level}) for level in levels]
    panels = side_by_side(figure, [min(size, MOST_ROWS) for size in sizes])
    for ax, (level, title) in zip(panels, levels.items(), strict=True):
        _draw(ax, [row for row in rows if row["level"] == level], tables, title)
    handles, labels = panels[0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=style.TEXT_PT)
    return panels


def height_inches(table: pd.DataFrame) -> float:
    """A good height: that of the level with most units."""
    most = max((group["unit"].nunique() for _, group in table.groupby("level")), default=1)
    return max(LEAST_INCHES, HEAD_AND_FOOT_INCHES + ROW_INCHES * min(most, MOST_ROWS))


def side_by_side(figure: Figure, lines: Sequence[int], least: int = 6) -> list[Axes]:
    """Panels for so many lines each, all lines of one height; a panel ends where its lines do."""
    ends = [max(least, n) for n in lines]
    steps = sorted(set(ends))
    grid = figure.add_gridspec(
        len(steps), len(lines), height_ratios=[b - a for a, b in pairwise([0, *steps])]
    )
    return [figure.add_subplot(grid[: steps.index(end) + 1, k]) for k, end in enumerate(ends)]


def _draw(ax: Axes, rows: Sequence[Row], tables: Titles, title: str) -> None:
    units = list(dict.fromkeys(str(row["unit"]) for row in rows))
    shown = units[:MOST_ROWS]
    more = f"; the first {MOST_ROWS} of {len(units):,}" if len(units) > MOST_ROWS else ""
    style.tidy(ax, f"{title}{more}")
    style.rows(ax, shown)
    for k, (table, words) in enumerate(tables.items()):
        own = {str(row["unit"]): row for row in rows if row["table"] == table}
        offset = APART * (2 * k + 1 - len(tables))
        _marks(ax, [(shown.index(u) + offset, row) for u, row in own.items() if u in shown], words, k)
    ax.set_xlim(0.0, 1.04)
    ax.axvline(1.0, color=style.INK, linewidth=1.0, zorder=1)
    ax.grid(axis="x", color=style.GRID, linewidth=0.8)
    ax.set_axisbelow(True)
    style.numbers_on(ax.xaxis)
    ax.set_xlabel("Score under constant returns to scale (1: on the frontier)")


def _marks(ax: Axes, rows: Sequence[tuple[float, Row]], words: str, k: int) -> None:
    look = style.look(k)
    for place, row in rows:
        name = f"{row['table']} {row['unit']}"
        style.interval(ax, place, row["crs_low"], row["crs_high"], look.colour, name, 2.4)
    ax.plot(
        [row["crs_corrected"] for _, row in rows], [place for place, _ in rows], linestyle="none",
        marker=look.marker, markersize=4.5, color=look.colour, markeredgecolor=style.INK, markeredgewidth=0.6,
        label=f"{words}: corrected, with {INTERVAL}", gid=f"corrected {k}",
    )  # fmt: skip
    ax.plot(
        [row["crs"] for _, row in rows], [place for place, _ in rows], linestyle="none", marker=look.marker,
        markersize=4.5, markerfacecolor="white", markeredgecolor=look.colour, markeredgewidth=1.2,
        label=f"{words}: score as it comes out", gid=f"score {k}",
    )  # fmt: skip
