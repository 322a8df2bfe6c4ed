"""The scores of a set of units: under constant and variable returns, of scale, and beyond the frontier."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpdiffusion.efficiency.data import Floats, Units
from cpdiffusion.efficiency.frontier import (
    ON_FRONTIER,
    Orientation,
    Reference,
    Returns,
    radial,
    score,
)  # fmt: skip

SAME = 1e-6  # scores nearer to each other count as equal when returns to scale are told


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of n units in one orientation; 1 is the frontier, less is worse.

    ``super_constant`` and ``super_variable`` compare a unit with all *others* (Andersen & Petersen 1993):
    above 1 for a unit on the frontier, and nan where the others cannot be mixed to match it at all, which
    under variable returns is common (Seiford & Zhu 1999).
    """

    orientation: Orientation
    constant: Floats  # (n,)
    variable: Floats
    scale: Floats  # constant / variable: what is lost by being too small or too large
    returns: tuple[str, ...]  # constant, increasing or decreasing
    super_constant: Floats
    super_variable: Floats

    @property
    def on_frontier(self) -> NDArray[np.bool_]:
        """Which units score 1 under constant returns."""
        return np.asarray(self.constant > 1.0 - ON_FRONTIER)


def within(units: Units, returns: Returns, orientation: Orientation) -> Floats:
    """Score of every unit before the frontier of its own set, shape (n,); one within rounding is 1."""
    reference = Reference(units.inputs, units.outputs)
    problem = reference.problem(units.inputs, units.outputs, returns, orientation)
    found = score(radial(problem), orientation)
    return np.where(found > 1.0 - ON_FRONTIER, 1.0, found)


def beyond(units: Units, returns: Returns, orientation: Orientation) -> Floats:
    """Super-efficiency: score before the frontier of all other units; nan where that is infeasible."""
    reference = Reference(units.inputs, units.outputs)
    own = np.eye(units.size, dtype=bool)
    problem = reference.problem(units.inputs, units.outputs, returns, orientation, barred=own)
    return score(radial(problem), orientation)


def scores(units: Units, orientation: Orientation) -> Scores:
    """All scores of a set of units."""
    constant = within(units, "constant", orientation)
    variable = within(units, "variable", orientation)
    limited = within(units, "non_increasing", orientation)
    return Scores(
        orientation, constant, variable, constant / variable,
        tuple(returns_to_scale(*of) for of in zip(constant, variable, limited, strict=True)),
        beyond(units, "constant", orientation), beyond(units, "variable", orientation),
    )  # fmt: skip


def returns_to_scale(constant: float, variable: float, non_increasing: float) -> str:
    """Where a unit's projection lies (Färe, Grosskopf & Lovell 1985): would more of everything pay?"""
    if abs(constant - variable) <= SAME:
        return "constant"
    return "decreasing" if abs(non_increasing - variable) <= SAME else "increasing"
