"""The distance of units to the frontier that others span: radial models, solved as linear programmes.

A unit (x, y) is compared with all mixtures of reference units, sum of lambda_j (x_j, y_j), lambda >= 0:

    input orientation:   min theta   with   sum lambda_j x_j <= theta x,   sum lambda_j y_j >= y
    output orientation:  max phi     with   sum lambda_j x_j <= x,         sum lambda_j y_j >= phi y

Constant returns to scale leave lambda free (Charnes, Cooper & Rhodes 1978), variable ones ask for
sum lambda = 1 (Banker, Charnes & Cooper 1984), non-increasing ones for sum lambda <= 1. Columns are divided
by their mean over the reference before they are solved, so that units of measurement play no role; every
figure is handed out in the units that came in.

Zeros. An output that a unit does not make asks nothing of the mixture, whatever the orientation: the unit
is judged by what it does make, and what it lacks shows as a slack. An input that a unit does not use may
not be used by its mixture either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cpdiffusion.efficiency.data import Floats

Returns = Literal["constant", "variable", "non_increasing"]
Orientation = Literal["input", "output"]
ORIENTATIONS: tuple[Orientation, ...] = ("input", "output")

FEASIBILITY = 1e-10  # of HiGHS; its default of 1e-7 would be seen in the last digits asked of scores
ON_FRONTIER = 1e-7  # a score nearer to 1 counts as 1
SOLVED = 0  # what linprog calls it


class Problem(NamedTuple):
    """p points before k reference units, columns scaled: what the linear programmes are made from."""

    x: Floats  # (p, m)
    y: Floats  # (p, s)
    of_x: Floats  # (k, m) of the reference
    of_y: Floats  # (k, s)
    returns: Returns
    orientation: Orientation
    barred: NDArray[np.bool_]  # (p, k) reference units that a point is not compared with


@dataclass(frozen=True, eq=False)
class Reference:
    """Units that span a frontier, their columns scaled by their means."""

    inputs: Floats  # (k, m)
    outputs: Floats  # (k, s)

    @property
    def scales(self) -> tuple[Floats, Floats]:
        """Mean of each input and of each output; 1 for an output that nobody makes."""
        means = [column.mean(axis=0) for column in (self.inputs, self.outputs)]
        return tuple(np.where(mean > 0.0, mean, 1.0) for mean in means)  # type: ignore[return-value]

    def problem(
        self, inputs: Floats, outputs: Floats, returns: Returns, orientation: Orientation,
        barred: NDArray[np.bool_] | None = None,
    ) -> Problem:  # fmt: skip
        """Points (p, m), (p, s) before this reference; without ``barred`` every unit may be a peer."""
        x, y = self.scales
        nobody = np.zeros((len(inputs), len(self.inputs)), bool)
        return Problem(
            inputs / x, outputs / y, self.inputs / x, self.outputs / y, returns, orientation,
            nobody if barred is None else barred,
        )  # fmt: skip


def radial(problem: Problem) -> Floats:
    """theta or phi of each point, shape (p,); nan where no mixture of the reference will do.

    A phi of 0 (the reference lacks an output that the point makes) is nan as well: no such mixture either.
    All points are one sparse programme, as calling the solver costs more than solving; should one point be
    infeasible, each is solved by itself.
    """
    found = _solve(problem)
    if found is None:
        ones = [_solve(_point(problem, k)) for k in range(len(problem.x))]
        found = np.array([np.nan if one is None else one[0] for one in ones])
    with np.errstate(invalid="ignore"):
        return np.where(found > FEASIBILITY, found, np.nan)


def score(distance: Floats, orientation: Orientation) -> Floats:
    """A score of which 1 is the frontier and less is worse: theta, or 1 / phi."""
    return distance if orientation == "input" else 1.0 / distance


def _point(problem: Problem, k: int) -> Problem:
    rows = slice(k, k + 1)
    return problem._replace(x=problem.x[rows], y=problem.y[rows], barred=problem.barred[rows])


def _solve(problem: Problem) -> Floats | None:
    """Variables are the lambdas of point 0, of point 1 ... and then theta (or phi) of each point."""
    from scipy.optimize import linprog
    from scipy.sparse import csr_array, hstack, kron

    points, members = problem.barred.shape
    each = np.eye(points)
    peers = np.vstack([problem.of_x.T, -problem.of_y.T])
    left = hstack([kron(each, peers), csr_array(_of_radius(problem))])
    right = _right_side(problem)
    sums = hstack([kron(each, np.ones((1, members))), csr_array((points, points))])
    limits: dict[str, object] = {}
    if problem.returns == "variable":
        limits = {"A_eq": sums.tocsr(), "b_eq": np.ones(points)}
    elif problem.returns == "non_increasing":
        left, right = _stacked(left, sums), np.concatenate([right, np.ones(points)])
    upper = np.concatenate([np.where(problem.barred, 0.0, np.inf).ravel(), np.full(points, np.inf)])
    sign = 1.0 if problem.orientation == "input" else -1.0
    objective = np.concatenate([np.zeros(points * members), np.full(points, sign)])
    found = linprog(
        objective, A_ub=left.tocsr(), b_ub=right, bounds=np.column_stack([np.zeros(upper.size), upper]),
        method="highs-ds", options=HIGHS, **limits,
    )  # fmt: skip
    return np.asarray(found.x[points * members :]) if found.status == SOLVED else None


HIGHS = {
    "primal_feasibility_tolerance": FEASIBILITY, "dual_feasibility_tolerance": FEASIBILITY,
    "presolve": False,  # finds nothing to simplify here and costs a third of the time
}  # fmt: skip


def _stacked(above: object, below: object) -> object:
    from scipy.sparse import vstack

    return vstack([above, below])


def _of_radius(problem: Problem) -> Floats:
    """What theta (or phi) of each point adds to the left sides, shape (p (m + s), p)."""
    points, m = problem.x.shape
    rows = m + problem.y.shape[1]
    found = np.zeros((points, rows, points))
    each = np.arange(points)
    if problem.orientation == "input":
        found[each, :m, each] = -problem.x
    else:
        found[each, m:, each] = problem.y
    return found.reshape(points * rows, points)


def _right_side(problem: Problem) -> Floats:
    zero_x, zero_y = np.zeros_like(problem.x), np.zeros_like(problem.y)
    if problem.orientation == "input":
        return np.hstack([zero_x, -problem.y]).ravel()
    return np.hstack([problem.x, zero_y]).ravel()
