"""The difference between two policies against every factor, one panel for each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cpdiffusion.factors.factor import Factor
from cpdiffusion.factors.points import Points
from cpdiffusion.outcomes.catalogue import CATALOGUE
from cpdiffusion.plots import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS, PANEL_INCHES, HEAD_INCHES = 3, 2.7, 0.7
GROUPS = 12  # of a range, for the line of medians
MOST_DOTS = 3000  # in a panel; more are thinned out evenly


def size_inches(factors: int) -> tuple[float, float]:
    """A good size for so many factors."""
    columns = min(COLUMNS, max(factors, 1))
    return 1.0 + PANEL_INCHES * max(columns, 2), HEAD_INCHES + PANEL_INCHES * math.ceil(factors / COLUMNS)


@style.styled
def differences_by_factor(
    figure: Figure, factors: Sequence[Factor], points: Points, differences: pd.DataFrame, outcome: str
) -> list[Axes]:
    """A dot per point, filled where the interval leaves out zero; a line of medians along each factor.

    ``differences`` has a row per point with point, scenario, baseline, difference, difference_low and
    difference_high.
    """
    about = CATALOGUE[outcome]
    drawn: list[Axes] = []
    rows, columns = math.ceil(len(factors) / COLUMNS), min(COLUMNS, max(len(factors), 1))
    for k, factor in enumerate(factors):
        ax = figure.add_subplot(rows, columns, k + 1, sharey=drawn[0] if drawn else None)
        _panel(ax, factor, points, differences)
        ax.set_ylabel(f"Difference ({about.unit})" if k % columns == 0 else "")
        drawn.append(ax)
    _title(figure, differences, about.label)
    return drawn


def _title(figure: Figure, differences: pd.DataFrame, label: str) -> None:
    first = differences.iloc[0] if len(differences) else None
    between = f"{first.scenario} against {first.baseline}" if first is not None else ""
    figure.suptitle(
        style.wrapped(f"Difference in {label}: {between}. Filled: the 90 % interval leaves out zero", 90),
        fontsize=style.TITLE_PT,
    )


def _panel(ax: Axes, factor: Factor, points: Points, differences: pd.DataFrame) -> None:
    every = max(1, math.ceil(len(differences) / MOST_DOTS))
    column = points.columns[factor.key][differences.point.to_numpy()]
    place, labels = _places(factor, column)
    value = differences.difference.to_numpy()
    clear = ((differences.difference_low > 0) | (differences.difference_high < 0)).to_numpy()
    for marked, face in ((clear, style.COLOURS[0]), (~clear, "none")):
        ax.scatter(
            place[marked][::every], value[marked][::every], s=14, linewidths=0.7, alpha=0.75,
            facecolors=face, edgecolors=style.COLOURS[0],
        )  # fmt: skip
    _medians(ax, place, value)
    ax.axhline(0.0, color=style.FAINT, linewidth=0.8, zorder=0)
    name = factor.key.rpartition(".")[2].replace("_", " ")
    ax.set_xlabel(style.wrapped(f"{name} ({factor.known.unit})" if factor.known.unit else name, 34))
    if labels:
        ax.set_xticks(range(len(labels)), [style.wrapped(label, 12) for label in labels])


def _places(factor: Factor, column: Any) -> tuple[Any, list[str]]:
    """Where points stand along the axis, and labels if values are words."""
    if factor.is_number:
        return column.astype(float), []
    labels = sorted({str(value) for value in column})
    return np.array([labels.index(str(value)) for value in column], float), labels


def _medians(ax: Axes, place: Any, value: Any) -> None:
    distinct = np.unique(place)
    if distinct.size > GROUPS:
        edges = np.linspace(distinct[0], distinct[-1], GROUPS + 1)
        group = np.clip(np.searchsorted(edges, place, side="right") - 1, 0, GROUPS - 1)
    else:
        group = np.searchsorted(distinct, place)
    found = [(place[group == g].mean(), np.median(value[group == g])) for g in np.unique(group)]
    ax.plot(*zip(*found, strict=True), color=style.INK, linewidth=1.6, marker="o", markersize=3)
