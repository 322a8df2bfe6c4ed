"""Sensitivity indices from values at points in replicates, with what chance does to them.

Every point is run with the same seeds. The mean of a point over K replicates is

    m(x) = f(x) + r + e(x)

where r, the luck that all points share, cancels in every comparison of points, and e is what is left of
luck: the interaction of point and seed. A quadratic form Q (a variance, a product of two differences, as all
Sobol estimators are) of means is then Q(f) + Q(e) on average, and of single replicates Q(f) + K Q(e). So

    Q(f) = (K Q(means) - mean over replicates of Q(replicate)) / (K - 1)

has no part of chance in it on average, whatever luck at one point has to do with luck at another: indices
*less chance* are made of such forms. Q(e) / Q(means) of the variance is the *noise share*.

A point that failed breaks the structure of its group (a base sample of Saltelli's, a trajectory of Morris'),
so the whole group is left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from cpdiffusion.factors.known import Value, Values
from cpdiffusion.outcomes.paired import CONFIDENCE, mean_interval
from cpdiffusion.studies.sensitivity.design import GRID_LEVELS, Design, problem_of, seed_of

RESAMPLES = 200
FEWEST_GROUPS = 4  # of which indices are told


class Index(NamedTuple):
    """One index of a factor, of two, or ``at`` a value of it; ``factor`` -1: of none in particular."""

    name: str
    estimate: float
    low: float = math.nan
    high: float = math.nan
    factor: int = -1
    other: int = -1
    at: Value | None = None


def indices(design: Design, values: Values, seed: int) -> list[Index]:
    """All indices of a design from values (P, K); ``groups`` and ``groups_left_out``: what they rest on."""
    whole = whole_groups(values, design.together)
    counts = [Index("groups", float(whole.sum())), Index("groups_left_out", float((~whole).sum()))]
    if design.method == "oat":
        return [*counts, *one_at_a_time_indices(design, values)]
    if whole.sum() < FEWEST_GROUPS:
        return counts
    kept = np.repeat(whole, design.together)
    of_method = morris_indices if design.method == "morris" else sobol_indices
    return [*counts, *of_method(design, kept, values[kept], seed)]


def whole_groups(values: Values, together: int) -> Values:
    """Which groups of successive points have all their values, shape (groups,)."""
    known = np.isfinite(values).all(axis=1)
    return np.asarray(known.reshape(-1, together).all(axis=1))


def bootstrap(groups: int, seed: int, statistic: Callable[[Values], Values]) -> tuple[Values, Values]:
    """Ends of the interval of each number that ``statistic`` makes of resampled groups (quantiles)."""
    rng = np.random.default_rng(seed_of(seed))
    found = np.array([statistic(rng.integers(groups, size=groups)) for _ in range(RESAMPLES)])
    tail = 0.5 * (1.0 - CONFIDENCE)
    low, high = np.quantile(found, (tail, 1.0 - tail), axis=0)
    return low, high


# --- one at a time -------------------------------------------------------------------------------


def one_at_a_time_indices(design: Design, values: Values) -> Iterator[Index]:
    """The change from the default at both ends, or at every value that is listed; paired over replicates."""
    assert design.moved is not None
    for place, factor in enumerate(design.moved[1:], start=1):
        change = mean_interval(values[place] - values[0])
        at = design.points.at(place)[design.factors[factor].key]
        yield Index("change", change.estimate, change.low, change.high, int(factor), at=at)


# --- Morris --------------------------------------------------------------------------------------


def morris_indices(design: Design, kept: Values, values: Values, seed: int) -> Iterator[Index]:
    """mu_star, mu, sigma of the elementary effects (Campolongo et al. 2007), and what chance makes of them.

    In the unit of the outcome per whole range of the factor. ``mu_star_by_chance``: the mu_star that a factor
    without any effect would show. mu_star and its interval are SALib's.
    """
    assert design.shares is not None
    from SALib.analyze import morris

    factors = len(design.factors)
    shares, means = design.shares[kept], values.mean(axis=1)
    found = morris.analyze(
        problem_of(factors), shares, means, num_resamples=RESAMPLES, conf_level=CONFIDENCE,
        num_levels=GRID_LEVELS, seed=seed_of(seed),
    )  # fmt: skip
    effects = elementary_effects(shares, values)
    mean_effects = effects.mean(axis=2)
    noise = effects.var(axis=2, ddof=1) / values.shape[1]
    (mu_low, sd_low), (mu_high, sd_high) = bootstrap(
        len(effects),
        seed,
        lambda r: np.array([mean_effects[r].mean(axis=0), mean_effects[r].std(axis=0, ddof=1)]),
    )
    by_chance = math.sqrt(2.0 / math.pi) * np.sqrt(noise).mean(axis=0)
    for k in range(factors):
        star, reach = float(found["mu_star"][k]), float(found["mu_star_conf"][k])
        yield Index("mu_star", star, star - reach, star + reach, k)
        yield Index("mu", float(found["mu"][k]), float(mu_low[k]), float(mu_high[k]), k)
        yield Index("sigma", float(found["sigma"][k]), float(sd_low[k]), float(sd_high[k]), k)
        yield Index("mu_star_by_chance", float(by_chance[k]), factor=k)
        yield Index("sigma_by_chance", math.sqrt(noise[:, k].mean()), factor=k)


def elementary_effects(shares: Values, values: Values) -> Values:
    """Change per step as if over the whole range, (trajectories, D, K), from points (P, D) and (P, K)."""
    factors = shares.shape[1]
    steps = np.diff(shares.reshape(-1, factors + 1, factors), axis=1)
    changes = np.diff(values.reshape(-1, factors + 1, values.shape[1]), axis=1)
    moved = np.abs(steps).argmax(axis=2)
    step = np.take_along_axis(steps, moved[..., None], axis=2)
    effects = np.empty_like(changes)
    np.put_along_axis(effects, moved[..., None], changes / step, axis=1)
    return effects


# --- Sobol ---------------------------------------------------------------------------------------


def sobol_indices(design: Design, kept: Values, values: Values, seed: int) -> Iterator[Index]:
    """S1 and ST (Saltelli et al. 2010), S2 if asked for (Saltelli 2002), with SALib's intervals.

    ``S1_less_chance`` and ``ST_less_chance``: the same without what chance adds or takes away;
    ``noise_share``: of the variance between the points' means, what is chance.
    """
    factors, means = len(design.factors), values.mean(axis=1)
    if np.ptp(means) <= 1e-12 * max(1.0, float(np.abs(means).max())):
        return
    yield from _of_salib(design, means, seed)
    forms = Forms(values.reshape(-1, design.together, values.shape[1]), factors)
    low, high = bootstrap(len(forms.variance), seed, forms.at)
    estimates = forms.at(np.arange(len(forms.variance)))

    def told(name: str, place: int, factor: int = -1) -> Index:
        return Index(name, float(estimates[place]), float(low[place]), float(high[place]), factor)

    yield told("noise_share", 0)
    for k in range(factors):
        yield told("S1_less_chance", 1 + k, k)
        yield told("ST_less_chance", 1 + factors + k, k)


def _of_salib(design: Design, means: Values, seed: int) -> Iterator[Index]:
    from SALib.analyze import sobol

    factors = len(design.factors)
    found = sobol.analyze(
        problem_of(factors), means, design.second_order, RESAMPLES, CONFIDENCE, seed=seed_of(seed)
    )
    for k in range(factors):
        for name in ("S1", "ST"):
            yield _around(name, found[name][k], found[f"{name}_conf"][k], k)
    if design.second_order:
        for k in range(factors):
            for other in range(k + 1, factors):
                yield _around("S2", found["S2"][k, other], found["S2_conf"][k, other], k, other)


def _around(name: str, estimate: float, reach: float, factor: int, other: int = -1) -> Index:
    return Index(name, float(estimate), float(estimate - reach), float(estimate + reach), factor, other)


class Forms:
    """The quadratic forms of Saltelli's estimators without their part of chance, per base sample.

    ``values``: (base samples, points of each, K); the first of them is A, the last B, between them A with one
    column of B each.
    """

    def __init__(self, values: Values, factors: int) -> None:
        centred = values - values[:, [0, -1]].mean(axis=(0, 1))
        a, b = centred[:, 0], centred[:, -1]
        mixed = [centred[:, 1 + k] for k in range(factors)]
        self.variance = 0.5 * (less_chance(a, a) + less_chance(b, b))
        self.variance_of_means = 0.5 * (a.mean(axis=1) ** 2 + b.mean(axis=1) ** 2)
        self.first = [less_chance(b, m - a) for m in mixed]
        self.total = [0.5 * less_chance(a - m, a - m) for m in mixed]

    def at(self, chosen: Values) -> Values:
        """Noise share, then S1 and ST less chance of every factor, from the chosen base samples."""
        variance = self.variance[chosen].mean()
        share = 1.0 - variance / self.variance_of_means[chosen].mean()
        if variance <= 0.0:  # nothing but chance
            return np.array([share, *[math.nan] * (2 * len(self.first))])
        parts = (form[chosen].mean() / variance for form in (*self.first, *self.total))
        return np.array([share, *parts])


def less_chance(one: Values, other: Values) -> Values:
    """Product of two quantities (groups, K) as it would be without chance, shape (groups,)."""
    replicates = one.shape[1]
    of_means, each = one.mean(axis=1) * other.mean(axis=1), (one * other).mean(axis=1)
    found: Values = (replicates * of_means - each) / (replicates - 1)
    return found
