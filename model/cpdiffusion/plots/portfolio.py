"""A portfolio: the best combinations of instruments, and which pairs help or hinder each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cpdiffusion.outcomes.paired import CONFIDENCE
from cpdiffusion.plots import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

    from cpdiffusion.outcomes.catalogue import Values

WIDTH_INCHES = 15.0
MOST_ROWS = 12
LABEL_CHARACTERS = 42
CELL_INCHES, NAMES_INCHES, HEAD_AND_FOOT_INCHES = 0.33, 1.7, 1.6  # of the matrix
INTERVAL = f"{CONFIDENCE:.0%} interval".replace("%", " %")
Row = dict[str, Any]


@style.styled
def portfolio_panels(figure: Figure, table: pd.DataFrame, instruments: Sequence[str]) -> list[Axes]:
    """Left the best combinations with intervals, right the interaction of every pair.

    ``table``: one row per combination (ids joined by '+') with instruments (their number), over_base,
    over_base_low, over_base_high, interaction, interaction_low, interaction_high (firms) and
    over_budget; rows without instruments are left out. ``instruments`` orders the matrix.
    ``WIDTH_INCHES`` and ``height_inches`` say how large the figure should be.
    """
    left, right = figure.subplots(1, 2, width_ratios=[1.0, 1.5])
    _draw_best(left, [row for row in style.records(table) if row["instruments"] > 0])
    _draw_pairs(right, [row for row in style.records(table) if row["instruments"] == 2], instruments)
    return [left, right]


def height_inches(instruments: Sequence[str]) -> float:
    """A good height for a figure of so many instruments."""
    rows = style.rows_inches([""] * MOST_ROWS, 2)
    return max(rows, HEAD_AND_FOOT_INCHES + NAMES_INCHES + CELL_INCHES * (len(instruments) - 1))


def words(combination: str) -> str:
    """A combination for a reader; lines break between instruments only."""
    return combination.replace("_", style.NO_BREAK_SPACE).replace("+", f"{style.NO_BREAK_SPACE}+ ")


# --- the best ------------------------------------------------------------------------------------


def best_rows(found: Sequence[Row]) -> list[Row]:
    """The best within the budget; where these are few, the best of the others after them."""
    ranked = sorted(found, key=lambda row: (bool(row["over_budget"]), -row["over_base"]))
    return ranked[:MOST_ROWS]


def _draw_best(ax: Axes, found: Sequence[Row]) -> None:
    within, shown = sum(not row["over_budget"] for row in found), best_rows(found)
    title = f"The best combinations; {within:,} of {len(found):,} stay within the budget"
    style.tidy(ax, title, title_pad_pt=12.0)
    if not shown:
        style.nothing_to_show(ax, "no combination was run")
        return
    ends = ("over_base", "over_base_low", "over_base_high")
    style.around_zero(ax, [row[column] for row in shown for column in ends])
    style.rows(ax, [style.wrapped(words(row["combination"]), LABEL_CHARACTERS) for row in shown])
    style.notes(ax, [style.with_interval(*(row[column] for column in ends)) for row in shown])
    filled = f"dot: mean; line: {INTERVAL} of the mean"
    hollow = "; hollow: spends more than the budget" if any(row["over_budget"] for row in shown) else ""
    ax.set_xlabel(f"Additional adopters over the base (firms)\n{filled}{hollow}")
    for place, row in enumerate(shown):
        _dot(ax, place, row)


def _dot(ax: Axes, place: int, row: Row) -> None:
    name, colour = row["combination"], style.COLOURS[0]
    style.interval(ax, place, row["over_base_low"], row["over_base_high"], colour, name)
    ax.plot(
        [row["over_base"]], [place], marker="o", markersize=6, color=colour, gid=f"dot {name}",
        markerfacecolor="white" if row["over_budget"] else colour,
        markeredgecolor=style.INK, markeredgewidth=0.8,
    )  # fmt: skip


# --- pairs ---------------------------------------------------------------------------------------


def pair_matrix(found: Sequence[Row], instruments: Sequence[str], column: str) -> Values:
    """A column of the pairs as a matrix (n - 1, n - 1), the later instrument in the row; nan if not run."""
    place = {name: k for k, name in enumerate(instruments)}
    size = max(len(instruments) - 1, 0)
    matrix = np.full((size, size), math.nan)
    for row in found:
        one, other = sorted(place[name] for name in row["combination"].split("+"))
        matrix[other - 1, one] = row[column]
    return matrix


def _draw_pairs(ax: Axes, found: Sequence[Row], instruments: Sequence[str]) -> None:
    style.tidy(ax, "Interaction: effect of a pair minus those of its members alone", title_pad_pt=12.0)
    if not found:
        style.nothing_to_show(ax, "no pairs were run")
        return
    value, low, high = (pair_matrix(found, instruments, f"interaction{end}") for end in ("", "_low", "_high"))
    _colour(ax, value)
    _name(ax, instruments)
    for row, column in zip(*np.tril_indices(len(value)), strict=True):
        _mark(ax, int(row), int(column), *(float(m[row, column]) for m in (value, low, high)))
    ax.set_xlabel(f"+ or −: the {INTERVAL} excludes zero;  ×: not run", labelpad=8)


def _colour(ax: Axes, value: Values) -> None:
    largest = float(np.nanmax(np.abs(value))) or 1.0
    shown = ax.imshow(value, cmap=diverging(), vmin=-largest, vmax=largest, aspect="auto", gid="pairs")
    bar = ax.figure.colorbar(shown, ax=ax, shrink=0.7, pad=0.02)
    bar.set_label("Additional adopters (firms)", size=style.TEXT_PT, color=style.INK)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=style.TEXT_PT, labelcolor=style.INK, color=style.FAINT)
    style.numbers_on(bar.ax.yaxis, most=6)


def diverging() -> Colormap:
    """From orange below zero over white to blue above, as in the other figures."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("diverging", [style.COLOURS[1], "white", style.COLOURS[0]])


def _name(ax: Axes, instruments: Sequence[str]) -> None:
    columns, rows = (list(map(words, names)) for names in (instruments[:-1], instruments[1:]))
    ax.set_xticks(range(len(columns)), columns, rotation=90)
    ax.set_yticks(range(len(rows)), rows)
    ax.tick_params(length=0)
    ax.spines[["left", "bottom"]].set_visible(False)


def _mark(ax: Axes, row: int, column: int, value: float, low: float, high: float) -> None:
    clear = low > 0.0 or high < 0.0
    text = "×" if math.isnan(value) else ("+" if value > 0.0 else "−") if clear else ""
    ax.text(
        column, row, text, ha="center", va="center", size=style.TEXT_PT, weight="bold",
        color=style.FAINT if math.isnan(value) else style.INK, gid=f"mark {row} {column}",
    )  # fmt: skip
