"""What each scenario changes against its baseline, paired run by run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cpdiffusion.errors import InputError, did_you_mean
from cpdiffusion.outcomes.paired import CONFIDENCE
from cpdiffusion.plots import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KEY = f"dot: mean difference; line: {CONFIDENCE:.0%} interval of the mean".replace("%", " %")
LABEL_INCHES, PANEL_INCHES = 2.3, 3.3  # of the row labels; of a panel with its numbers
TITLE_CHARACTERS = 38
Row = Mapping[str, Any]
Titles = Mapping[str, str]


@style.styled
def paired_differences(
    ax: Axes, comparison: pd.DataFrame, titles: Titles, outcomes: str | Sequence[str]
) -> Axes:
    """Dot and interval of each scenario's difference to its baseline, with the numbers beside.

    ``comparison``: one row per scenario and outcome with baseline, label, unit, difference,
    difference_low, difference_high and probability_better (a share of runs). A baseline's own row
    is left out. Several ``outcomes`` need one unit: InputError if they differ, or for an outcome
    that ``comparison`` does not hold.
    """
    names = [outcomes] if isinstance(outcomes, str) else list(outcomes)
    found = [row for name in names for row in _rows_of(comparison, titles, name)]
    unit = _one_unit(found)
    _draw(ax, found, titles)
    against = f"Difference to {_baseline(found, titles)}" + (f" ({unit})" if unit else "")
    ax.set_xlabel(f"{style.wrapped(against, 60)}\n{KEY}")
    return ax


@style.styled
def difference_panels(
    figure: Figure, comparison: pd.DataFrame, titles: Titles, outcomes: Sequence[str], key: str = KEY
) -> list[Axes]:
    """One panel per outcome, each in its own unit; as many side by side as the width holds.

    ``key`` says what dots and lines are, if the lines are something else than intervals of means.
    ``panels_height_inches`` says how high the figure should be. Same ``comparison`` and errors
    as in paired_differences.
    """
    columns = panel_columns(figure.get_figwidth(), len(outcomes))
    panels: list[Axes] = []
    for k, outcome in enumerate(outcomes):
        ax = figure.add_subplot(math.ceil(len(outcomes) / columns), columns, k + 1)
        found = _rows_of(comparison, titles, outcome)
        _draw(ax, found, titles)
        ax.set_xlabel(f"Difference ({_one_unit(found)})" if found else "")
        if k % columns:
            ax.set_yticklabels([])
        panels.append(ax)
    _head_and_foot(figure, comparison, titles, key)
    return panels


def panels_height_inches(
    width_inches: float, comparison: pd.DataFrame, titles: Titles, outcomes: Sequence[str]
) -> float:
    """A good height for a figure of panels of this width."""
    panels = [_rows_of(comparison, titles, outcome) for outcome in outcomes]
    heights = [style.rows_inches([_row_label(r, found, titles) for r in found]) for found in panels]
    lines = math.ceil(len(panels) / panel_columns(width_inches, len(panels)))
    return 0.5 + lines * max(heights, default=0.0)


def panel_columns(width_inches: float, panels: int) -> int:
    """How many panels stand side by side."""
    return max(1, min(panels, int((width_inches - LABEL_INCHES) / PANEL_INCHES)))


def _rows_of(comparison: pd.DataFrame, titles: Titles, outcome: str) -> list[Row]:
    """Rows of one outcome in the order of ``titles``, without those of a baseline."""
    if len(comparison) and outcome not in set(comparison["outcome"]):
        hint = did_you_mean(outcome, set(comparison["outcome"]))
        raise InputError(f"outcome '{outcome}' is not in the comparison{hint}")
    found = [row for row in style.records(comparison) if row["outcome"] == outcome and has_baseline(row)]
    place = {name: k for k, name in enumerate(style.in_order([r["scenario"] for r in found], titles))}
    return sorted(found, key=lambda row: place[row["scenario"]])


def has_baseline(row: Row) -> bool:
    """Whether the row is of a scenario that is compared with another one."""
    return bool(row["baseline"]) and row["baseline"] != row["scenario"]


def _one_unit(found: Sequence[Row]) -> str:
    units = list(dict.fromkeys(row["unit"] for row in found))
    if len(units) > 1:
        raise InputError(f"outcomes in {' and '.join(units)} cannot share an axis; draw them in panels.")
    return units[0] if units else ""


def _baseline(found: Sequence[Row], titles: Titles) -> str:
    baselines = {row["baseline"] for row in found}
    return style.title_of(baselines.pop(), titles) if len(baselines) == 1 else "the baseline"


def _draw(ax: Axes, found: Sequence[Row], titles: Titles) -> None:
    labels = list(dict.fromkeys(row["label"] for row in found))
    style.tidy(
        ax,
        style.wrapped(style.capital(labels[0]), TITLE_CHARACTERS)
        if len(labels) == 1
        else "Paired differences",
    )
    if not found:
        style.nothing_to_show(ax, "nothing to compare")
        return
    columns = ("difference", "difference_low", "difference_high")
    style.around_zero(ax, [row[column] for row in found for column in columns])
    style.rows(ax, [_row_label(row, found, titles) for row in found])
    style.notes(ax, [_note(row) for row in found])
    for place, row in enumerate(found):
        _dot(ax, place, row, titles)


def _dot(ax: Axes, place: int, row: Row, titles: Titles) -> None:
    name = row["scenario"]
    look = style.looks([name], titles)[name]
    style.interval(ax, place, row["difference_low"], row["difference_high"], look.colour, name)
    ax.plot(
        [row["difference"]], [place], marker=look.marker, markersize=7, color=look.colour,
        markeredgecolor=style.INK, markeredgewidth=0.8, gid=f"difference {name}",
    )  # fmt: skip


def _row_label(row: Row, found: Sequence[Row], titles: Titles) -> str:
    label, several = style.title_of(row["scenario"], titles), len({r["outcome"] for r in found}) > 1
    if len({r["baseline"] for r in found}) > 1:
        label += f", against {style.title_of(row['baseline'], titles)}"
    if several:
        label = f"{style.capital(row['label'])}: {label}"
    return style.wrapped(label, 44 if several else style.ROW_LABEL_CHARACTERS)


def _note(row: Row) -> str:
    note = style.with_interval(row["difference"], row["difference_low"], row["difference_high"])
    share = row["probability_better"]
    return note if math.isnan(share) else f"{note}\nbetter in {100 * share:.0f} % of runs"


def _head_and_foot(figure: Figure, comparison: pd.DataFrame, titles: Titles, key: str) -> None:
    found = [row for row in style.records(comparison) if has_baseline(row)]
    characters = int(figure.get_figwidth() * 10)
    title = style.wrapped(f"Difference to {_baseline(found, titles)}", characters)
    figure.suptitle(title, x=0.01, ha="left", size=style.TITLE_PT, weight="bold")
    figure.supxlabel(style.capital(key), x=0.01, ha="left", size=style.TEXT_PT, color=style.FAINT)
