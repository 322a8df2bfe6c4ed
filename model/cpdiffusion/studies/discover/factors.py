"""What varies when nobody says what: every parameter that is not measured and does something, and levers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from cpdiffusion.errors import InputError
from cpdiffusion.factors.factor import Factor, factor_of
from cpdiffusion.factors.known import Value, Values
from cpdiffusion.factors.points import Points, sobol_sequence
from cpdiffusion.outcomes.experiment import run_batch
from cpdiffusion.parameters import REGISTRY
from cpdiffusion.runner.progress import progress_bar
from cpdiffusion.studies.at_point import Ground
from cpdiffusion.studies.compare.turning import may_move

LEVERS = ("cohort_size", "budget_mkrw_per_year", "subsidy_rate")
SIZE = "levers.cohort_size"
PLACES, REPLICATES = 3, 2  # at which each factor is moved to both of its ends
TRIED_WITH_FIRMS = 500  # a region of this size is enough to see whether anything changes
FIRMS = "parameters.firms_per_region"


def usual_factors(ground: Ground, outcomes: Sequence[str]) -> tuple[Factor, ...]:
    """The candidates that change an outcome somewhere."""
    candidates = tuple(candidate_factors(ground))
    return tuple(acting(ground, candidates, outcomes))


def candidate_factors(ground: Ground) -> Iterator[Factor]:
    """Assumed and calibrated parameters under the settings' rule, and levers; but none that is fixed."""
    settings, experiment = ground.settings, ground.plan({}).experiment
    fixed = {f"parameters.{name}" for name in settings.parameters}
    fixed |= {f"levers.{name}" for name in settings.levers}
    fixed |= {f"levers.{name}" for changed in settings.changes.values() for name in changed}
    if settings.discover.question == "size_indifferent":
        fixed.add(SIZE)
    moved = (p for p in REGISTRY if p.status != "measured" and may_move(p, experiment))
    keys = [*(f"levers.{name}" for name in LEVERS), *(f"parameters.{p.name}" for p in moved)]
    return (factor_of(key, None) for key in keys if key not in fixed)


def acting(ground: Ground, candidates: Sequence[Factor], outcomes: Sequence[str]) -> Iterator[Factor]:
    """Those that change an outcome when they are moved to either end, at one of a few places.

    Seeds are the same at both ends, so that any change is the factor's.
    """
    places = sobol_sequence(candidates, PLACES, ground.settings.seed)
    with progress_bar("which factors do anything", len(candidates), ground.settings.progress) as bar:
        bases = [_base(places, k, candidates) for k in range(PLACES)]
        at_base = [_outcomes(ground, base, outcomes) for base in bases]
        for factor in candidates:
            ends = ((k, {**base, factor.key: end}) for k, base in enumerate(bases) for end in _ends(factor))
            if any(_differ(at_base[k], _outcomes(ground, point, outcomes)) for k, point in ends):
                yield factor
            bar.update(1)


def _base(places: Points, place: int, candidates: Sequence[Factor]) -> dict[str, Value]:
    given = places.at(place)
    return {**given, FIRMS: TRIED_WITH_FIRMS} if FIRMS in given else given


def _ends(factor: Factor) -> tuple[Value, Value]:
    first, last = factor.levels(2)[[0, -1]].tolist()
    return first, last


def _outcomes(ground: Ground, point: Mapping[str, Value], outcomes: Sequence[str]) -> Values | None:
    """Outcomes of all scenarios in a few replicates; None where the point cannot be computed."""
    try:
        experiment = ground.plan(point).experiment
    except InputError:
        return None
    found = run_batch(experiment, 0, REPLICATES, outcomes).outcomes
    return np.array([found[name][outcome] for name in found for outcome in outcomes])


def _differ(one: Values | None, other: Values | None) -> bool:
    if one is None or other is None:
        return one is not other
    return not np.array_equal(one, other, equal_nan=True)
