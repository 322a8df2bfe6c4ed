"""The points of a sensitivity study: one factor at a time, Morris' trajectories, Saltelli's sample.

SALib samples shares in the unit cube; what a share means is for the factors to say, so that whole numbers,
lists and words are sampled like ranges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cpdiffusion.errors import InputError
from cpdiffusion.factors.factor import Factor
from cpdiffusion.factors.known import Value, Values
from cpdiffusion.factors.points import Points, of_shares, plain
from cpdiffusion.studies.sensitivity.settings import SensitivitySettings

GRID_LEVELS = 4  # of a range in Morris' trajectories; a step is two thirds of the range


class SomeSet(Points):
    """Points at which a factor may be left as it is: its value is then None."""

    def at(self, place: int) -> dict[str, Value]:
        """The values of the factors that are set."""
        return {
            key: plain(column[place]) for key, column in self.columns.items() if column[place] is not None
        }


@dataclass(frozen=True, eq=False)
class Design:
    """The points of one method. ``together`` successive points are of no use one without the other.

    ``shares``: where each factor stands between its ends, (P, D) in [0, 1]; none for ``oat``.
    ``moved``: of ``oat``, per point the number of the factor that is moved; -1 at the default.
    """

    method: str
    factors: tuple[Factor, ...]
    points: Points
    together: int
    shares: Values | None = None
    moved: Values | None = None
    second_order: bool = False


def one_at_a_time(factors: Sequence[Factor]) -> Design:
    """The default, then every factor at both ends of its range, or at every value that is listed."""
    ends = [(k, value) for k, factor in enumerate(factors) for value in ends_of(factor)]
    columns = {factor.key: np.full(1 + len(ends), None, dtype=object) for factor in factors}
    for place, (k, value) in enumerate(ends, start=1):
        columns[factors[k].key][place] = value
    moved = np.array([-1, *(k for k, _ in ends)])
    return Design("oat", tuple(factors), SomeSet(columns), 1, moved=moved)


def ends_of(factor: Factor) -> list[Value]:
    """The values that one at a time looks at."""
    return [plain(value) for value in factor.levels(2)]


def trajectories(factors: Sequence[Factor], asked: SensitivitySettings, seed: int) -> Design:
    """Morris' trajectories (Morris 1991): D + 1 points each, one factor moved between neighbours."""
    require_salib()
    from SALib.sample import morris

    shares = morris.sample(problem_of(len(factors)), asked.trajectories, GRID_LEVELS, seed=seed_of(seed))
    return Design("morris", tuple(factors), of_shares(factors, shares), len(factors) + 1, shares)


def saltelli(factors: Sequence[Factor], asked: SensitivitySettings, seed: int) -> Design:
    """Saltelli's sample (Saltelli et al. 2010): D + 2 points per base sample, 2 D + 2 with second order."""
    require_salib()
    from SALib.sample import sobol

    second = asked.second_order and len(factors) > 1
    together = (2 if second else 1) * len(factors) + 2
    shares = sobol.sample(
        problem_of(len(factors)), asked.base_samples, calc_second_order=second, seed=seed_of(seed)
    )
    return Design("sobol", tuple(factors), of_shares(factors, shares), together, shares, second_order=second)


def problem_of(factors: int) -> dict[str, Any]:
    """So many factors in the unit cube, as SALib wants it said."""
    names = [f"x{k}" for k in range(factors)]
    return {"num_vars": factors, "names": names, "bounds": [[0.0, 1.0]] * factors}


def seed_of(seed: int) -> int:
    """A seed that SALib takes for one: it reads 0 as none."""
    return seed + 1


def require_salib() -> None:
    """InputError that says how to get the library, which is an extra."""
    try:
        import SALib  # noqa: F401
    except ImportError:
        raise InputError(
            "sensitivity.method: morris and sobol need SALib, which is not installed; install it by pip "
            "install 'cpdiffusion[sweep]', or use sensitivity.method=oat, which does not need it."
        ) from None
