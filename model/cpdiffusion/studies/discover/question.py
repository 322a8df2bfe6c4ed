"""What is asked at every point, and the answer: by the runs, with how far a point is from turning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cpdiffusion.errors import InputError
from cpdiffusion.factors.known import Values
from cpdiffusion.outcomes.catalogue import CATALOGUE, HEADLINE
from cpdiffusion.outcomes.paired import CONFIDENCE, draw_means, mean_interval
from cpdiffusion.studies.discover.settings import DiscoverSettings
from cpdiffusion.studies.discover.source import Source, cohort_scenarios
from cpdiffusion.studies.sweep.table import levels
from cpdiffusion.studies.words import amount

FEWEST_POINTS = 40  # so that each half has twenty
OF_PAIR = ("individual_wins", "unclear", "difference")


@dataclass(frozen=True, eq=False)
class Answer:
    """One row per point whose runs are known."""

    asks: str  # "individual support does better than ...", to stand before "at so many points"
    of: str  # what the value is
    unit: str
    points: Values  # (P,) numbers
    value: Values  # (P,)
    low: Values  # of the 90 % interval; nan where there is none
    high: Values
    short: Values  # by how much the value (or its interval) misses; where it holds, 0 or less
    unknown: int  # points that failed or have no value

    @property
    def holds(self) -> Values:
        """Where the answer is yes (P,)."""
        return np.asarray(self.short <= 0)


def outcome_of(asked: DiscoverSettings) -> str:
    """The outcome that the question is about."""
    return asked.outcome or HEADLINE


def answer(source: Source, asked: DiscoverSettings) -> Answer:
    """The question answered at every point. InputError where it cannot be."""
    require_question(source, asked)
    questions: dict[str, Callable[[Source, DiscoverSettings], Answer]] = {
        "individual_wins": _individual_wins, "unclear": _unclear, "size_indifferent": _size_indifferent,
        "difference": _expression, "level": _expression,
    }  # fmt: skip
    if not source.factors:
        raise InputError(
            "discover: no factor takes more than one value at these points; let one or more vary."
        )
    found = questions[asked.question](source, asked)
    if found.points.size < FEWEST_POINTS:
        raise InputError(
            f"discover: {found.points.size} points are too few for a box, which is found on one half and "
            f"checked on the other; take {FEWEST_POINTS} or more, better several hundred."
        )
    return found


# --- whether it can be asked ---------------------------------------------------------------------


def require_question(source: Source, asked: DiscoverSettings) -> None:
    """InputError for a question that does not fit the scenarios, the outcome or the bounds."""
    where, outcome = f"discover.question={asked.question}", outcome_of(asked)
    bounded = asked.question in ("difference", "level")
    if bounded and asked.above is None and asked.below is None:
        raise InputError(
            f"{where}: needs a bound; set discover.above=<number>, discover.below=<number> or both."
        )
    if not bounded and (asked.above is not None or asked.below is not None):
        name = "above" if asked.above is not None else "below"
        raise InputError(
            f"discover.{name}: {where} does not read it; use discover.question=difference or level."
        )
    if asked.question in OF_PAIR and source.main_pair is None:
        only = next(iter(source.scenarios))
        raise InputError(
            f"{where}: compares two scenarios, and there is only '{only}'; name two, such as "
            f"scenarios=[individual,cluster_25], or use discover.question=level."
        )
    if asked.question == "individual_wins":
        _require_individual(source, where, outcome)
    if asked.question == "size_indifferent" and len(cohort_scenarios(source.scenarios)) < 2:
        raise InputError(
            f"{where}: needs cohorts of several sizes; set discover.cohort_sizes=[5,10,25,50], or name "
            "scenarios such as [cluster_10,cluster_25]."
        )


def require_intervals(asked: DiscoverSettings, replicates: int) -> None:
    """InputError where an interval is asked of a single replicate."""
    if asked.surely and asked.question != "size_indifferent" and replicates < 2:
        raise InputError(
            "discover.surely=true: an interval needs two replicates or more; raise sweep.replicates, or set "
            "discover.surely=false."
        )


def _require_individual(source: Source, where: str, outcome: str) -> None:
    assert source.main_pair is not None
    scenario, baseline = source.main_pair
    if source.scenarios[baseline].levers.support != "individual":
        raise InputError(
            f"{where}: '{scenario}' is compared with '{baseline}', which does not support firms one by one; "
            "set baseline=individual, or use discover.question=difference discover.below=0."
        )
    if not CATALOGUE[outcome].better:
        raise InputError(
            f"{where}: neither more nor less of {outcome} is better; use discover.question=difference."
        )


# --- the questions -------------------------------------------------------------------------------


def _individual_wins(source: Source, asked: DiscoverSettings) -> Answer:
    scenario, baseline = source.main_pair or ("", "")
    points, low, mean, high = _differences(source, asked)
    better = CATALOGUE[outcome_of(asked)].better
    nearest = (high if asked.surely else mean) if better > 0 else -(low if asked.surely else mean)
    label = CATALOGUE[outcome_of(asked)].label
    asks = f"individual support ('{baseline}') does better than '{scenario}' in {label}{_how(asked)}"
    return _answer(
        asks, f"'{scenario}' minus '{baseline}'", asked, points, (low, mean, high), strictly(nearest)
    )


def strictly(short: Values) -> Values:
    """How far from turning where a tie does not count: no better is not better, 0 is not above 0."""
    return np.where(short == 0, np.nextafter(0.0, 1.0), short)


def _unclear(source: Source, asked: DiscoverSettings) -> Answer:
    scenario, baseline = source.main_pair or ("", "")
    points, low, mean, high = _differences(source, asked)
    about = CATALOGUE[outcome_of(asked)]
    small = np.abs(mean) - asked.within
    short = np.minimum(small, np.maximum(low, -high)) if asked.surely else small
    zero = f"the {CONFIDENCE:.0%} interval holds zero or ".replace("%", " %") if asked.surely else ""
    asks = (
        f"'{scenario}' and '{baseline}' hardly differ in {about.label} ({zero}the difference is at most "
        f"{amount(asked.within)} {about.unit})"
    )
    return _answer(asks, f"'{scenario}' minus '{baseline}'", asked, points, (low, mean, high), short)


def _size_indifferent(source: Source, asked: DiscoverSettings) -> Answer:
    sizes, about = cohort_scenarios(source.scenarios), CATALOGUE[outcome_of(asked)]
    points, found = levels(source.opened, about.id, list(sizes))
    means = np.stack([found[name].mean(axis=1) for name in sizes])
    spread = means.max(axis=0) - means.min(axis=0)
    none = np.full(spread.size, np.nan)
    listed = ", ".join(str(size) for size in sorted(sizes.values()))
    asks = (
        f"the cohort size hardly matters (between cohorts of {listed}, {about.label} differ by at most "
        f"{amount(asked.within)} {about.unit})"
    )
    what = "best minus worst cohort size"
    return _answer(asks, what, asked, points, (none, spread, none), spread - asked.within)


def _expression(source: Source, asked: DiscoverSettings) -> Answer:
    about = CATALOGUE[outcome_of(asked)]
    if asked.question == "difference":
        scenario, baseline = source.main_pair or ("", "")
        what, found = f"'{scenario}' minus '{baseline}'", _differences(source, asked)
    else:
        name = (source.main_pair or tuple(source.scenarios))[0]
        points, runs = levels(source.opened, about.id, [name])
        what, found = f"'{name}'", (points, *_intervals(runs[name], source.seeds_per_draw))
    points, low, mean, high = found
    misses = []
    if asked.above is not None:
        misses.append(asked.above - (low if asked.surely else mean))
    if asked.below is not None:
        misses.append((high if asked.surely else mean) - asked.below)
    bounds = [f"above {amount(asked.above)}"] if asked.above is not None else []
    bounds += [f"below {amount(asked.below)}"] if asked.below is not None else []
    of = "the difference " if asked.question == "difference" else ""
    asks = f"{of}{what} in {about.label} is {' and '.join(bounds)} {about.unit}{_how(asked)}"
    return _answer(asks, what, asked, points, (low, mean, high), strictly(np.max(misses, axis=0)))


def _how(asked: DiscoverSettings) -> str:
    return f", by its whole {100 * CONFIDENCE:.0f} % interval," if asked.surely else ", on average,"


def _differences(source: Source, asked: DiscoverSettings) -> tuple[Values, Values, Values, Values]:
    scenario, baseline = source.main_pair or ("", "")
    points, found = levels(source.opened, outcome_of(asked), [scenario, baseline])
    return points, *_intervals(found[scenario] - found[baseline], source.seeds_per_draw)


def _intervals(values: Values, each: int) -> tuple[Values, Values, Values]:
    """Lower end, mean and upper end at every point, from values (P, K)."""
    found = [mean_interval(draw_means(row, each)) for row in values]
    low, mean, high = np.array([(i.low, i.estimate, i.high) for i in found]).reshape(-1, 3).T
    return low, mean, high


def _answer(
    asks: str, what: str, asked: DiscoverSettings, points: Values, interval: tuple[Values, Values, Values],
    short: Values,
) -> Answer:  # fmt: skip
    low, mean, high = interval
    known = np.isfinite(short)
    if points.size and not known.any():
        require_intervals(asked, 1)
    about = CATALOGUE[outcome_of(asked)]
    at, value, lower, upper, missing = (a[known] for a in (points, mean, low, high, short))
    unknown = int((~known).sum())
    what = f"{what} in {about.label}"
    return Answer(asks, what, about.unit, at, value, lower, upper, missing, unknown)
