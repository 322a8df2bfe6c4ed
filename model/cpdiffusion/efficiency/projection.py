"""Peers and slacks: the mixture on the frontier that a unit is held against, and what is left over.

Second stage (Ali & Seiford 1993): with theta or phi fixed, the mixture with the largest sum of slacks, each
counted in multiples of its column's mean over the reference, so that units of measurement play no role.
Where several mixtures reach that sum, one of them is found: scores are unique, peers need not be.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cpdiffusion.efficiency.data import Floats, Units
from cpdiffusion.efficiency.frontier import (
    FEASIBILITY,
    HIGHS,
    SOLVED,
    Orientation,
    Problem,
    Reference,
    Returns,
    radial,
)  # fmt: skip

LEAST_WEIGHT = 1e-7  # of a peer; less is rounding
ROOM = 1e-12  # by which a fixed radius may give, so that rounding leaves the second stage feasible


@dataclass(frozen=True, eq=False)
class Projection:
    """What each of n units is held against. Slacks in the units that came in."""

    distance: Floats  # (n,) theta or phi
    weights: Floats  # (n, n): row k holds the weights of the peers of unit k
    input_slacks: Floats  # (n, m): input that could be saved beyond theta
    output_slacks: Floats  # (n, s): output that is missing beyond phi


def projection(units: Units, returns: Returns, orientation: Orientation) -> Projection:
    """Peers and slacks of every unit within its own set."""
    reference = Reference(units.inputs, units.outputs)
    problem = reference.problem(units.inputs, units.outputs, returns, orientation)
    distance = radial(problem)
    found = [_largest_slacks(problem, k, float(distance[k])) for k in range(units.size)]
    members, m = units.size, len(units.input_names)
    values = np.array(found)
    values[values < LEAST_WEIGHT] = 0.0
    scale_x, scale_y = reference.scales
    return Projection(
        distance, values[:, :members], values[:, members : members + m] * scale_x,
        values[:, members + m :] * scale_y,
    )  # fmt: skip


def _largest_slacks(problem: Problem, k: int, distance: float) -> Floats:
    """Weights of all reference units, then input slacks, then output slacks of point k; scaled."""
    from scipy.optimize import linprog

    x, y = problem.x[k], problem.y[k]
    if problem.orientation == "input":
        x = x * distance * (1.0 + ROOM)
    else:
        y = y * distance * (1.0 - ROOM)
    members, m, s = len(problem.of_x), x.size, y.size
    left = np.vstack([
        np.hstack([problem.of_x.T, np.eye(m), np.zeros((m, s))]),
        np.hstack([problem.of_y.T, np.zeros((s, m)), -np.eye(s)]),
    ])  # fmt: skip
    right = np.concatenate([x, y])
    row = np.concatenate([np.ones(members), np.zeros(m + s)])[None, :]
    limits: dict[str, object] = {}
    if problem.returns == "variable":
        left, right = np.vstack([left, row]), np.append(right, 1.0)
    elif problem.returns == "non_increasing":
        limits = {"A_ub": row, "b_ub": np.ones(1)}
    objective = np.concatenate([np.zeros(members), -np.ones(m + s)])
    found = linprog(objective, A_eq=left, b_eq=right, method="highs-ds", options=HIGHS, **limits)
    if found.status != SOLVED:
        raise RuntimeError(f"second stage of unit {k}: {found.message} (tolerance {FEASIBILITY:g})")
    return np.asarray(found.x)
