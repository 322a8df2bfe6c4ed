"""Results by measure: two panels that share their rows, one row per measure, a dot per scenario."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from cpdiffusion.outcomes.paired import CONFIDENCE
from cpdiffusion.plots import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_INCHES = 11.0
LEGEND_LINE_INCHES = 0.25
KEY = f"Mark: mean over runs; line: the middle {CONFIDENCE:.0%} of runs".replace("%", " %")
LABEL_CHARACTERS = 24
ROOM = 0.7  # of a row that its scenarios share


@style.styled
def measure_panels(
    figure: Figure, table: pd.DataFrame, titles: Mapping[str, str], quantities: Sequence[str]
) -> list[Axes]:
    """A panel per quantity; in each a row per measure, with the mean and spread of every scenario.

    ``table``: rows of scenario, measure, words, quantity, label, unit, mean, p05, p95.
    """
    names = style.in_order(table["scenario"], titles)
    measures = list(dict.fromkeys(table["words"]))
    axes = [figure.add_subplot(1, len(quantities), k + 1) for k in range(len(quantities))]
    for ax, quantity in zip(axes, quantities, strict=True):
        _draw(ax, table[table["quantity"] == quantity], measures, names, titles)
    for ax in axes[1:]:
        ax.set_yticklabels([])
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=1, frameon=False, fontsize=style.TEXT_PT)
    figure.supxlabel(KEY, x=0.01, ha="left", size=style.TEXT_PT, color=style.FAINT)
    return axes


def height_inches(table: pd.DataFrame) -> float:
    """A good height for the figure of ``table``."""
    scenarios = table["scenario"].nunique()
    rows = style.rows_inches(list(dict.fromkeys(table["words"])), scenarios)
    return rows + LEGEND_LINE_INCHES * (scenarios + 1)


def _draw(
    ax: Axes, table: pd.DataFrame, measures: Sequence[str], names: Sequence[str], titles: Mapping[str, str]
) -> None:
    first = table.iloc[0]
    style.tidy(ax, style.capital(first["label"]))
    ax.set_xlabel(first["unit"])
    style.rows(ax, [style.wrapped(style.capital(words), LABEL_CHARACTERS) for words in measures])
    style.around_zero(ax, [*table["p05"], *table["p95"]])
    looks = style.looks(names, titles)
    for place, name in enumerate(names):
        shift = ROOM * ((place + 0.5) / len(names) - 0.5)
        _scenario(ax, table[table["scenario"] == name], shift, looks[name], style.title_of(name, titles))


def _scenario(ax: Axes, table: pd.DataFrame, shift: float, look: style.Look, title: str) -> None:
    for row, found in enumerate(style.records(table)):
        name = f"{found['quantity']} {found['scenario']} {found['measure']}"
        style.interval(ax, row + shift, found["p05"], found["p95"], look.colour, name)
        ax.plot(
            [found["mean"]], [row + shift], marker=look.marker, markersize=6, color=look.colour, linestyle="",
            markeredgecolor=style.INK, markeredgewidth=0.6, label=title if row == 0 else None,
            gid=f"mean {name}",
        )  # fmt: skip
