"""Measures of diffusion: against plain loops, by hand, by published figures, by property."""

from __future__ import annotations

import math
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import FrozenInstanceError
from itertools import pairwise
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpdiffusion.errors import InputError
from cpdiffusion.evidence.diffusion_networks import NAMES, diffusion_network
from cpdiffusion.measures.bass import bass_curve, bass_gradient, fit_bass
from cpdiffusion.measures.contagion import Discount, infectiousness, susceptibility
from cpdiffusion.measures.exposure import exposure
from cpdiffusion.measures.moran import ALTERNATIVES, Alternative, morans_i
from cpdiffusion.measures.rates import (
    cumulative_adopters,
    cumulative_share,
    growth_rate,
    hazard_rate,
    new_adopters,
)
from cpdiffusion.measures.table import Measures, measures_of
from cpdiffusion.measures.thresholds import thresholds
from cpdiffusion.world.classic import ties_of
from cpdiffusion.world.ties import Ties

NEVER = math.nan
Edge = tuple[int, int, float]  # influencing firm, influenced firm, weight


def ties(size: int, edges: Sequence[tuple[float, ...]]) -> Ties:
    """Rows as they come: unsorted, with self-ties and repeats, in layers that alternate."""
    by_row = sorted(edges, key=lambda edge: edge[0])
    start = np.concatenate([[0], np.cumsum(np.bincount([int(e[0]) for e in by_row], minlength=size))])
    layer = (np.arange(len(by_row)) % 4).astype(np.int8)
    weight = np.array([float(e[2]) if len(e) > 2 else 1.0 for e in by_row])
    return Ties(start.astype(np.int64), np.array([e[1] for e in by_row], np.int32), layer, weight)


def close(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


# --- the same measures by plain loops, sharing nothing with the package ---------------------------


class Plain:
    """A diffusion as sets and dicts: ``by[i][j]`` is the weight with which j influences i."""

    def __init__(self, times: Sequence[float], edges: Sequence[Edge], valued: bool, span: tuple[int, int]):
        self.times = list(times)
        self.first, self.last = span
        self.by: dict[int, dict[int, float]] = {i: {} for i in range(len(self.times))}
        for source, target, weight in edges:
            if source != target and source not in self.by[target]:
                self.by[target][source] = weight if valued else 1.0

    def exposure(self, i: int, t: int, normalised: bool = True) -> float:
        if not self.first <= t <= self.last:
            return NEVER
        reached = sum(w for j, w in self.by[i].items() if self.times[j] <= t)
        everyone = sum(self.by[i].values())
        if not normalised:
            return reached
        return reached / everyone if everyone else 0.0

    def exposure_table(self, normalised: bool = True, lags: int = 0) -> list[list[float]]:
        periods = range(self.first, self.last + 1)
        return [[self.exposure(i, t - lags, normalised) for t in periods] for i in self.by]

    def threshold(self, i: int, lags: int, include_censored: bool) -> float:
        t = self.times[i]
        if math.isnan(t) or (t == self.first and not include_censored):
            return NEVER
        return self.exposure(i, int(t) - lags)

    def contagion(self, i: int, sign: int, discount: Discount, normalised: bool) -> float:
        """Infectiousness (sign 1) or susceptibility (sign -1), period by period."""
        if math.isnan(self.times[i]):
            return NEVER
        near = self.by[i] if sign < 0 else {j: own[i] for j, own in self.by.items() if i in own}
        soon = ever = at_large = 0.0
        for k in range(1, discount.window + 1):
            w = (1 + discount.rate) ** (k - 1) if discount.exponential else k
            t = self.times[i] + sign * k
            if self.first <= t <= self.last:
                soon += sum(x for j, x in near.items() if self.times[j] == t) / w
                ever += sum(x for j, x in near.items() if sign * self.times[j] >= sign * t) / w
                at_large += sum(other == t for other in self.times) / w
        share = soon / ever if ever else 0.0
        return share / (at_large if at_large else 1.0) if normalised else share

    def moran(self, x: Sequence[float], row_normalised: bool) -> tuple[float, float, float, float]:
        known = [i for i in self.by if not math.isnan(x[i])]
        n, mean = len(known), sum(x[i] for i in known) / len(known)
        w = {i: {j: v for j, v in self.by[i].items() if j in set(known)} for i in known}
        if row_normalised:
            w = {i: {j: v / sum(row.values()) for j, v in row.items()} for i, row in w.items()}
        total = sum(sum(row.values()) for row in w.values())
        top = sum(v * (x[i] - mean) * (x[j] - mean) for i, row in w.items() for j, v in row.items())
        second, fourth = (sum((x[i] - mean) ** power for i in known) for power in (2, 4))
        s1 = sum((w[i].get(j, 0) + w[j].get(i, 0)) ** 2 for i in known for j in known) / 2
        s2 = sum((sum(w[i].values()) + sum(row.get(i, 0) for row in w.values())) ** 2 for i in known)
        s4 = (n**2 - 3 * n + 3) * s1 - n * s2 + 3 * total**2
        s5 = n * (n - 1) * s1 - 2 * n * s2 + 6 * total**2
        square = (n * s4 - fourth / n / (second / n) ** 2 * s5) / ((n - 1) * (n - 2) * (n - 3) * total**2)
        observed, expected = n / total * top / second, -1 / (n - 1)
        sd = math.sqrt(square - expected**2)
        tail = NormalDist(expected, sd).cdf(observed)
        return observed, expected, sd, 2 * min(tail, 1 - tail)


class Classic:
    """A classic network for the package and for the plain loops alike."""

    def __init__(self, name: str, valued: bool = False, never_is_nan: bool = True):
        network = diffusion_network(name)
        edges = zip(network.source.tolist(), network.target.tolist(), network.value.tolist(), strict=True)
        times = network.time_of_adoption
        if not never_is_nan:  # netdiffuseR's own reading
            times = np.where(np.isnan(times), network.never_code, times)
        self.ties, self.times, self.valued = ties_of(network), times, valued
        self.span = (network.first_period, network.last_period + (not never_is_nan))
        self.options: dict[str, Any] = {"first": self.span[0], "last": self.span[1], "valued": valued}
        self.plain = Plain(times.tolist(), list(edges), valued, self.span)


CLASSICS = [
    pytest.param(Classic(name, valued, nan), id=f"{name}-{'valued' if valued else 'plain'}-{nan}")
    for name in NAMES
    for valued in (False, True)
    for nan in (True, False)
]
UNVALUED = [param for param in CLASSICS if not param.values[0].valued]


@pytest.mark.parametrize("normalised", [True, False])
@pytest.mark.parametrize("lags", [0, 1, 3, -2])
@pytest.mark.parametrize("classic", CLASSICS)
def test_exposure_of_the_classics_is_that_of_plain_loops(
    classic: Classic, lags: int, normalised: bool
) -> None:
    found = exposure(classic.ties, classic.times, lags=lags, normalised=normalised, **classic.options)
    close(found, classic.plain.exposure_table(normalised, lags))


@pytest.mark.parametrize("include_censored", [True, False])
@pytest.mark.parametrize("lags", [0, 1, -1])
@pytest.mark.parametrize("classic", CLASSICS)
def test_thresholds_of_the_classics_are_those_of_plain_loops(
    classic: Classic, lags: int, include_censored: bool
) -> None:
    options: dict[str, Any] = {"lags": lags, "include_censored": include_censored, **classic.options}
    found = thresholds(classic.ties, classic.times, **options)
    close(found, [classic.plain.threshold(i, lags, include_censored) for i in classic.plain.by])


@pytest.mark.parametrize("classic", UNVALUED)
def test_rates_of_the_classics_are_those_of_plain_loops(classic: Classic) -> None:
    span: dict[str, Any] = {"first": classic.span[0], "last": classic.span[1]}
    times = classic.times.tolist()
    by = [sum(t <= period for t in times) for period in range(classic.span[0], classic.span[1] + 1)]
    steps = list(pairwise(by))
    close(new_adopters(times, **span), [by[0]] + [after - before for before, after in steps])
    close(cumulative_adopters(times, **span), by)
    close(cumulative_share(times, **span), [q / len(times) for q in by])
    close(growth_rate(times, **span), [0] + [(after - before) / before for before, after in steps])
    hazard = [(after - before) / (len(times) - before) for before, after in steps]
    close(hazard_rate(times, **span), [0, *hazard])


DISCOUNTS = [
    Discount(),
    Discount(window=3),
    Discount(window=5, rate=0.1, exponential=True),
    Discount(window=99),
]


@pytest.mark.parametrize("normalised", [True, False])
@pytest.mark.parametrize("discount", DISCOUNTS)
@pytest.mark.parametrize("classic", CLASSICS)
def test_contagion_in_the_classics_is_that_of_plain_loops(
    classic: Classic, discount: Discount, normalised: bool
) -> None:
    options: dict[str, Any] = {"discount": discount, "normalised": normalised, **classic.options}
    for measure, sign in ((infectiousness, 1), (susceptibility, -1)):
        expected = [classic.plain.contagion(i, sign, discount, normalised) for i in classic.plain.by]
        close(measure(classic.ties, classic.times, **options), expected)


@pytest.mark.parametrize("row_normalised", [True, False])
@pytest.mark.parametrize("classic", CLASSICS)
def test_morans_i_of_the_classics_is_that_of_plain_loops(classic: Classic, row_normalised: bool) -> None:
    found = morans_i(classic.ties, classic.times, row_normalised=row_normalised, valued=classic.valued)
    close(found[:4], classic.plain.moran(classic.times.tolist(), row_normalised))


@pytest.mark.parametrize("name", NAMES)
def test_ties_turned_round_would_be_noticed(name: str) -> None:
    classic = Classic(name)
    network = diffusion_network(name)
    turned = ties(len(network.firms), list(zip(network.target, network.source, strict=True)))
    for measure in (exposure, thresholds, infectiousness, susceptibility):
        right, wrong = (np.nan_to_num(measure(t, classic.times)) for t in (classic.ties, turned))
        assert np.abs(right - wrong).max() > 0.1


# --- published figures ---------------------------------------------------------------------------


# Source: netdiffuseR 1.25.0, tests/testthat/test-infect_suscept.R: firm 5 names the others, or is
# named by them; K = 1, K = 2, K = 1 and K = 2 with r = 0.1, not normalised.
TESTED_BY_NETDIFFUSER = [
    (Discount(), 1 / 3, 1 / 3),
    (Discount(window=2), 2 / 4, 1 / 2),
    (Discount(rate=0.1, exponential=True), 1 / 3, 1 / 3),
    (Discount(2, 0.1, True), (1 + 2 / 1.1) / (3 + 2 / 1.1), (1 + 2 / 1.1) / (3 + 2 / 1.1)),
]


@pytest.mark.parametrize(("discount", "susceptible", "infectious"), TESTED_BY_NETDIFFUSER)
def test_contagion_in_netdiffusers_own_tests_is_met(
    discount: Discount, susceptible: float, infectious: float
) -> None:
    named, naming = ties(5, [(j, 4) for j in range(4)]), ties(5, [(0, j) for j in range(1, 5)])
    found = susceptibility(named, [1, 4, 1, 2, 3], discount=discount, normalised=False)
    close(found[4], susceptible)
    found = infectiousness(naming, [2, 1, 3, 4, 4], discount=discount, normalised=False)
    close(found[0], infectious)


def steps_from(start: int, named: dict[int, set[int]], furthest: int) -> dict[int, int]:
    """Steps along nominations to each firm within reach (breadth first)."""
    steps, queue = {start: 0}, deque([start])
    while queue:
        i = queue.popleft()
        for j in named[i] - steps.keys() if steps[i] < furthest else ():
            steps[j] = steps[i] + 1
            queue.append(j)
    return steps


def test_morans_i_that_netdiffusers_workshop_prints_is_met() -> None:
    """Of having adopted in month 1, with weights 1 / steps up to 6, as netdiffuseR approximates them.

    Source: github.com/USCCANA/netdiffuser-workshop, docs/stats.html at commit fbca395, "Moran's I".
    """
    classic = Classic("medInnovations")
    named = {i: set(row) for i, row in classic.plain.by.items()}
    near = [(j, i, 1 / d) for i in named for j, d in steps_from(i, named, 6).items() if d]
    found = morans_i(ties(125, near), classic.times == 1, valued=True)
    printed = (0.06624028, -0.008064516, 0.03265066, 0.02286087)
    np.testing.assert_allclose(found[:4], printed, rtol=1e-6)
    longer = [(j, i, 1 / d) for i in named for j, d in steps_from(i, named, 3).items() if d]
    assert abs(morans_i(ties(125, longer), classic.times == 1, valued=True).observed - printed[0]) > 1e-3


# --- by hand -------------------------------------------------------------------------------------

# Firm 0 is influenced by 1 (weight 2) and 2 (1) and 3 (1); 1 by 0; 2 by 1 and 3; 3 by nobody; 4 is alone.
FIVE = ties(5, [(1, 0, 2), (2, 0, 1), (3, 0, 1), (0, 1, 1), (1, 2, 3), (3, 2, 1)])
YEARS = [1963, 1961, 1962, NEVER, 1961]


def test_exposure_of_five_firms_by_hand() -> None:
    third = 1 / 3
    expected = [[third, 2 * third, 2 * third], [0, 0, 1], [0.5, 0.5, 0.5], [0, 0, 0], [0, 0, 0]]
    close(exposure(FIVE, YEARS), expected)


def test_weights_and_counts_of_five_firms_by_hand() -> None:
    close(exposure(FIVE, YEARS, valued=True)[0], [0.5, 0.75, 0.75])
    close(exposure(FIVE, YEARS, normalised=False)[0], [1, 2, 2])
    close(exposure(FIVE, YEARS, normalised=False, valued=True)[0], [2, 3, 3])


def test_lagged_exposure_of_five_firms_by_hand() -> None:
    close(exposure(FIVE, YEARS, lags=1)[0], [NEVER, 1 / 3, 2 / 3])
    close(exposure(FIVE, YEARS, lags=-2)[1], [1, NEVER, NEVER])


def test_thresholds_of_five_firms_by_hand() -> None:
    close(thresholds(FIVE, YEARS), [2 / 3, NEVER, 0.5, NEVER, NEVER])
    close(thresholds(FIVE, YEARS, include_censored=True), [2 / 3, 0, 0.5, NEVER, 0])
    close(thresholds(FIVE, YEARS, lags=1), [2 / 3, NEVER, 0.5, NEVER, NEVER])
    close(thresholds(FIVE, YEARS, lags=2), [1 / 3, NEVER, NEVER, NEVER, NEVER])


def test_first_adopters_are_not_censored_when_observation_began_earlier() -> None:
    close(thresholds(FIVE, YEARS, first=1960), [2 / 3, 0, 0.5, NEVER, 0])


def test_rates_of_five_firms_by_hand() -> None:
    close(new_adopters(YEARS), [2, 1, 1])
    close(cumulative_share(YEARS), [0.4, 0.6, 0.8])
    close(growth_rate(YEARS), [0, 1 / 2, 1 / 3])
    close(hazard_rate(YEARS), [0, 1 / 3, 1 / 2])


def test_contagion_of_five_firms_by_hand() -> None:
    # 1 (1961) influences 0 (1963) and 2 (1962); 2 influences 0; 0, 1 and 4 influence no later adopter.
    close(infectiousness(FIVE, YEARS, normalised=False), [0, 1 / 2, 1, NEVER, 0])
    close(infectiousness(FIVE, YEARS, valued=True, normalised=False), [0, 3 / 5, 1, NEVER, 0])
    wide = Discount(window=2)
    close(infectiousness(FIVE, YEARS, discount=wide, normalised=False)[1], (1 + 1 / 2) / (2 + 1 / 2))
    # 0 adopts after 1 (two years) and 2 (one year); 3 never adopts and so is no earlier adopter.
    close(susceptibility(FIVE, YEARS, normalised=False), [1 / 2, 0, 1, NEVER, 0])
    # two firms adopt in 1961, the year before 2 does; one in 1962, the year before 0 does
    close(susceptibility(FIVE, YEARS), [1 / 2, 0, 1 / 2, NEVER, 0])


def test_a_never_adopter_counted_as_an_early_one_would_lower_susceptibility() -> None:
    """What netdiffuseR's compiled code does with a missing time, and its formula does not."""
    early = [1963, 1961, 1962, 1960, 1961]
    as_formula = susceptibility(FIVE, YEARS, first=1960, normalised=False)
    as_code = susceptibility(FIVE, early, first=1960, normalised=False)
    close([as_formula[2], as_code[2]], [1, 1 / 2])


def test_morans_i_of_a_path_by_hand() -> None:
    # 0 - 1 - 2 - 3, both ways, values 1 2 3 4: mean 2.5, deviations -1.5 -0.5 0.5 1.5, squares sum to 5
    path = ties(4, [(0, 1), (1, 0), (1, 2), (2, 1), (2, 3), (3, 2)])
    found = morans_i(path, [1, 2, 3, 4], row_normalised=False)
    close(found.observed, 4 / 6 * 2 * (0.75 - 0.25 + 0.75) / 5)
    # over the rows: 1/1 * 0.75, 1/2 (0.75 - 0.25), twice; the weights sum to 4
    close(morans_i(path, [1, 2, 3, 4]).observed, 4 / 4 * 2 * (0.75 + 0.25) / 5)
    assert (found.expected, found.firms) == (-1 / 3, 4)
    # S1 = 6 (2^2) / 2 = 12, S2 = 2^2 + 4^2 + 4^2 + 2^2 = 40, kurtosis 4 * 10.25 / 25 = 1.64,
    # S4 = 7 * 12 - 4 * 40 + 3 * 36 = 32, S5 = 4 * 3 * 12 - 8 * 40 + 6 * 36 = 40
    close(found.sd, math.sqrt((4 * 32 - 1.64 * 40) / (3 * 2 * 1 * 36) - 1 / 9))


def test_tails_of_morans_i_add_up() -> None:
    classic = Classic("brfarmers")
    less, greater, both = (
        morans_i(classic.ties, classic.times, alternative=side).p_value
        for side in ("less", "greater", "two-sided")
    )
    close([less + greater, both], [1, 2 * min(less, greater)])


def test_farmers_cluster_in_time_and_shuffled_farmers_do_not() -> None:
    classic = Classic("brfarmers")
    assert morans_i(classic.ties, classic.times).p_value < 1e-6
    shuffled = np.random.default_rng(3).permutation(classic.times)
    assert morans_i(classic.ties, shuffled).p_value > 0.05


def test_permuted_values_have_the_mean_and_spread_that_are_stated() -> None:
    rng = np.random.default_rng(7)
    edges = [(i, int(j)) for i in range(12) for j in rng.integers(0, 12, 3)]
    net, x = ties(12, edges), rng.exponential(size=12)
    stated = morans_i(net, x)
    drawn = np.array([morans_i(net, rng.permutation(x)).observed for _ in range(4000)])
    assert abs(drawn.mean() - stated.expected) < 4 * stated.sd / math.sqrt(4000)
    assert drawn.std() == pytest.approx(stated.sd, rel=0.05)


# --- Bass ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("p", "q"), [(0.003, 0.38), (0.03, 0.1), (0.2, 0.01), (1e-4, 0.9), (0.5, 1.5)])
def test_an_exact_bass_curve_gives_its_coefficients_back(p: float, q: float) -> None:
    fit = fit_bass(bass_curve(np.arange(1, 31), p, q))
    assert (fit.p, fit.q) == (pytest.approx(p, rel=1e-6), pytest.approx(q, rel=1e-6))
    assert fit.residual_se < 1e-9


@pytest.mark.parametrize("m", [0.2, 0.6, 0.95])
def test_an_exact_curve_with_a_ceiling_gives_it_back(m: float) -> None:
    share = bass_curve(np.arange(1, 31), 0.01, 0.35, m)
    fit = fit_bass(share, ceiling=True)
    np.testing.assert_allclose((fit.p, fit.q, fit.m), (0.01, 0.35, m), rtol=1e-6)
    assert fit_bass(share).residual_se > 0.01  # control: without the ceiling it does not fit


def test_the_bass_curve_obeys_its_own_differential_equation() -> None:
    p, q, t, step = 0.02, 0.4, np.linspace(0.5, 20, 9), 1e-6
    slope = (bass_curve(t + step, p, q) - bass_curve(t - step, p, q)) / (2 * step)
    share = bass_curve(t, p, q)
    np.testing.assert_allclose(slope, (p + q * share) * (1 - share), rtol=1e-7)
    close(bass_curve(0.0, p, q), 0)


def test_the_gradient_of_the_bass_curve_is_that_of_differences() -> None:
    t, x, step = np.arange(1.0, 15.0), (0.02, 0.4, 0.8), 1e-6
    for k, column in enumerate(bass_gradient(t, *x).T):
        up, down = (bass_curve(t, *(v + d * (j == k) for j, v in enumerate(x))) for d in (step, -step))
        np.testing.assert_allclose(column, (up - down) / (2 * step), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("classic", UNVALUED)
def test_bass_fits_of_the_classics_are_those_of_curve_fit(classic: Classic) -> None:
    from scipy.optimize import curve_fit

    share = cumulative_share(classic.times, first=classic.span[0], last=classic.span[1])
    t, fit = np.arange(1.0, share.size + 1.0), fit_bass(share)

    def model(t: Any, p: float, q: float) -> Any:
        return (1 - np.exp(-(p + q) * t)) / (1 + q / p * np.exp(-(p + q) * t))

    best, covariance = curve_fit(model, t, share, p0=(0.02, 0.3))
    np.testing.assert_allclose((fit.p, fit.q), best, rtol=1e-5)
    np.testing.assert_allclose((fit.p_se, fit.q_se), np.sqrt(np.diag(covariance)), rtol=1e-4)
    residual = math.sqrt(float(((model(t, *best) - share) ** 2).sum()) / (share.size - 2))
    assert fit.residual_se == pytest.approx(residual, rel=1e-8)
    assert (fit.m, fit.periods) == (1.0, share.size)


def test_bass_errors_are_the_spread_over_repeated_noise() -> None:
    rng, t, noise = np.random.default_rng(5), np.arange(1, 21), 0.002
    exact = bass_curve(t, 0.03, 0.4, 0.9)
    noisy = [np.sort(np.clip(exact + rng.normal(0, noise, t.size), 0, 1)) for _ in range(200)]
    fits = [fit_bass(share, ceiling=True) for share in noisy]
    for name in ("p", "q", "m"):
        spread = np.std([getattr(fit, name) for fit in fits])
        assert np.mean([getattr(fit, f"{name}_se") for fit in fits]) == pytest.approx(spread, rel=0.25)


def test_without_imitation_q_rests_on_its_bound_and_has_no_error() -> None:
    slowing = np.cumsum(0.5 ** np.arange(1, 9)) ** 0.5 * 0.9  # falls off faster than any p alone
    fit = fit_bass(slowing)
    assert fit.q == pytest.approx(0, abs=1e-6)
    assert math.isnan(fit.q_se)
    assert fit.p_se > 0


def test_of_two_optima_the_better_is_taken() -> None:
    share = np.array([0.18, 0.82, 0.83, 0.88, 0.88, 0.88, 0.91, 0.91, 0.92, 0.92, 0.94, 0.95, 0.95, 0.99])
    t = np.arange(1, share.size + 1)

    def squares(p: float, q: float) -> float:
        return float(((bass_curve(t, p, q) - share) ** 2).sum())

    best = min(squares(p, q) for p in np.geomspace(0.01, 2, 60) for q in np.linspace(0, 4, 60))
    without_imitation = min(squares(p, 0.0) for p in np.geomspace(0.01, 2, 500))
    fit = fit_bass(share)  # netdiffuseR's start alone ends at q = 0
    assert squares(fit.p, fit.q) <= best < 0.95 * without_imitation


def test_a_slow_start_before_the_first_adopter_can_be_fitted() -> None:
    share = cumulative_share([5, 6, 6, 7, 7, 7, 8, 8, 9, NEVER], first=1, last=9)
    fit = fit_bass(share)
    assert fit.q > fit.p > 0
    assert fit.residual_se < 0.1


@pytest.mark.parametrize(
    ("share", "ceiling", "message"),
    [
        ([0.1, 0.2, 0.2, 0.2], False, "needs 3 periods with adoption, but has 2"),
        ([0.1, 0.2, 0.3], True, "needs 4 periods with adoption, but has 3"),
        ([0.0, 0.0, 0.0], False, "has 0"),
        ([1.0, 1.0, 1.0], False, "has 1"),
        ([0.1, 0.3, 0.2, 0.4], False, "must rise"),
        ([0.1, NEVER, 0.2, 0.4], False, "must rise"),
        ([-0.1, 0.1, 0.2, 0.4], False, "must rise"),
        ([11, 20, 29, 40], False, "at most 1"),
        ([], False, "one number per firm"),
    ],
)
def test_a_share_that_no_bass_curve_fits_is_refused(share: list[float], ceiling: bool, message: str) -> None:
    with pytest.raises(InputError, match=message):
        fit_bass(share, ceiling=ceiling)


# --- edges of the domain -------------------------------------------------------------------------


def test_nobody_adopts() -> None:
    nobody: list[float] = [NEVER] * 5
    span: dict[str, Any] = {"first": 2000, "last": 2003}
    close(exposure(FIVE, nobody, **span), np.zeros((5, 4)))
    close(hazard_rate(nobody, **span), np.zeros(4))
    close(growth_rate(nobody, **span), [0, NEVER, NEVER, NEVER])
    for measure in (thresholds, infectiousness, susceptibility):
        close(measure(FIVE, nobody, **span), [NEVER] * 5)
    assert all(map(math.isnan, morans_i(FIVE, nobody)[:4]))
    with pytest.raises(InputError, match="first: must be given when nobody adopts"):
        exposure(FIVE, nobody)


def test_all_adopt_in_the_first_period() -> None:
    close(exposure(FIVE, [7] * 5), [[1], [1], [1], [0], [0]])
    close(exposure(FIVE, [7] * 5, last=9)[0], [1, 1, 1])
    close(hazard_rate([7] * 5, last=9), [0, 0, 0])
    close(growth_rate([7] * 5, last=9), [0, 0, 0])
    close(thresholds(FIVE, [7] * 5), [NEVER] * 5)
    close(infectiousness(FIVE, [7] * 5), np.zeros(5))
    close(susceptibility(FIVE, [7] * 5, last=9), np.zeros(5))
    assert all(map(math.isnan, morans_i(FIVE, [7] * 5)[:4]))


def test_a_single_firm_and_firms_without_ties() -> None:
    close(exposure(ties(1, []), [3], first=1), [[0, 0, 0]])
    close(thresholds(ties(1, []), [3], first=1), [0])
    alone = measures_of(ties(3, []), [1, 2, NEVER])
    close(alone.firms["threshold"], [NEVER, 0, NEVER])
    assert alone.network["ties"] == 0
    assert math.isnan(alone.network["moran_i"])


def test_a_single_firm_tied_to_itself_alone_has_no_exposure() -> None:
    close(exposure(ties(1, [(0, 0)]), [3]), [[0]])
    assert measures_of(ties(1, [(0, 0)]), [3]).firms["in_degree"].tolist() == [0]


def test_ties_of_weight_nought_count_as_ties_but_carry_no_value() -> None:
    idle = ties(2, [(0, 1, 0.0)])
    close(exposure(idle, [1, 2])[1], [1, 1])
    close(exposure(idle, [1, 2], valued=True)[1], [0, 0])
    assert math.isnan(morans_i(idle, [1, 2], valued=True).observed)


def test_a_pair_tied_twice_counts_once_with_the_first_weight() -> None:
    twice = ties(3, [(0, 2, 3), (1, 2, 1), (0, 2, 7), (2, 2, 9)])
    close(exposure(twice, [1, 2, 3])[2], [0.5, 1, 1])
    close(exposure(twice, [1, 2, 3], valued=True)[2], [0.75, 1, 1])
    assert measures_of(twice, [1, 2, 3]).network["ties"] == 2


def test_equal_values_that_their_mean_misses_by_a_rounding_have_no_morans_i() -> None:
    values = [0.1] * 6
    assert np.mean(values) != 0.1
    assert math.isnan(morans_i(ties(6, [(i, i + 1) for i in range(5)]), values).observed)


def test_among_firms_all_tied_no_order_of_values_changes_morans_i() -> None:
    everyone = ties(6, [(i, j) for i in range(6) for j in range(6) if i != j])
    found = morans_i(everyone, [1, 1, 2, 3, 5, 8])
    close(found.observed, found.expected)
    assert math.isnan(found.sd)
    assert math.isnan(found.p_value)


def test_three_firms_have_a_morans_i_but_no_spread() -> None:
    found = morans_i(ties(3, [(0, 1), (1, 2)]), [1, 2, 4])
    assert math.isfinite(found.observed)
    assert math.isnan(found.sd)


BAD_TIMES = [
    ([1, 2.5, 3, 4, 5], {}, "must be a whole period .* but is 2.5 for firm 1"),
    ([1, 2, math.inf, 4, 5], {}, "must be finite.* but is inf for firm 2"),
    ([1, 2, 3, 4, 5], {"first": 2}, "within first to last, 2 to 5 .* but is 1.0 for firm 0"),
    ([1, 2, 3, 4, 5], {"last": 4}, "but is 5.0 for firm 4"),
    ([1, 2, 3, 4, 5], {"first": 6, "last": 3}, "last: must be 6"),
    ([1, 2, 3, 4, 5], {"first": 0.5}, "first: must be a whole number, but is 0.5"),
    ([1, 2, 3, 4], {}, "ties: must be those of the 4 firms"),
    ([[1, 2, 3, 4, 5]], {}, r"one number per firm, but has the shape \(1, 5\)"),
    (["a", 2, 3, 4, 5], {}, "must be numbers"),
    ([], {}, "one number per firm"),
]


@pytest.mark.parametrize(("times", "span", "message"), BAD_TIMES)
@pytest.mark.parametrize("measure", [exposure, thresholds, infectiousness, susceptibility, measures_of])
def test_bad_times_are_refused(measure: Any, times: Any, span: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        measure(FIVE, times, **span)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (FIVE._replace(target=FIVE.target + 3), "target must be a firm from 0 to 4"),
        (FIVE._replace(target=FIVE.target - 1), "target must be a firm"),
        (FIVE._replace(start=FIVE.start[::-1].copy()), "start must rise"),
        (FIVE._replace(start=FIVE.start + 1), "start must rise"),
        (FIVE._replace(weight=-FIVE.weight), "weight must be finite and 0 or more"),
        (FIVE._replace(weight=FIVE.weight * math.nan), "weight must be finite"),
        (FIVE._replace(weight=FIVE.weight[1:]), "weight must be one per tie"),
    ],
)
def test_bad_ties_are_refused(bad: Ties, message: str) -> None:
    for measure in (exposure, thresholds, infectiousness, susceptibility, morans_i, measures_of):
        with pytest.raises(InputError, match=message):
            measure(bad, YEARS, valued=True)


@pytest.mark.parametrize(
    ("attempt", "message"),
    [
        (lambda: exposure(FIVE, YEARS, lags=3), "lags: must be between -2 and 2, but is 3"),
        (lambda: thresholds(FIVE, YEARS, lags=-3), "lags: must be between"),
        (lambda: exposure(FIVE, YEARS, lags=0.5), "lags: must be a whole number"),  # type: ignore[arg-type]
        (lambda: infectiousness(FIVE, YEARS, discount=Discount(0)), "window: .* of 1 or more, but is 0"),
        (lambda: susceptibility(FIVE, YEARS, discount=Discount(2, -1.0, True)), "rate: must be above -1"),
        (lambda: susceptibility(FIVE, YEARS, discount=Discount(2, NEVER, True)), "rate: must be above"),
        (lambda: morans_i(FIVE, YEARS, alternative="les"), "did you mean 'less'"),  # type: ignore[arg-type]
        (lambda: morans_i(FIVE, [1, 2, 3, math.inf, 5]), "values: must be finite"),
        (lambda: measures_of(FIVE, YEARS, ids=["a"]), "ids: must name each of the 5 firms"),
    ],
)
def test_bad_options_are_refused(attempt: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        attempt()


# --- properties ----------------------------------------------------------------------------------


@st.composite
def diffusions(draw: st.DrawFn) -> tuple[list[float], list[Edge]]:
    """Up to 8 firms, times from 1959, and any ties: repeated, looping, of weight 0."""
    size = draw(st.integers(1, 8))
    times = draw(st.lists(st.integers(1959, 1964) | st.just(NEVER), min_size=size, max_size=size))
    firm = st.integers(0, size - 1)
    weight = st.sampled_from([0.0, 0.1, 0.5, 1.0, 3.0])
    return times, draw(st.lists(st.tuples(firm, firm, weight), max_size=30))


SPAN: dict[str, Any] = {"first": 1958, "last": 1965}


@given(diffusions(), st.booleans(), st.integers(-3, 3), st.sampled_from(DISCOUNTS))
def test_any_diffusion_measures_as_by_plain_loops(
    case: tuple[list[float], list[Edge]], valued: bool, lags: int, discount: Discount
) -> None:
    times, edges = case
    plain, net = Plain(times, edges, valued, (1958, 1965)), ties(len(times), edges)
    close(exposure(net, times, lags=lags, valued=valued, **SPAN), plain.exposure_table(lags=lags))
    found = thresholds(net, times, lags=lags, valued=valued, **SPAN)
    close(found, [plain.threshold(i, lags, False) for i in plain.by])
    for measure, sign in ((infectiousness, 1), (susceptibility, -1)):
        found = measure(net, times, discount=discount, valued=valued, **SPAN)
        close(found, [plain.contagion(i, sign, discount, True) for i in plain.by])


@given(diffusions(), st.booleans())
def test_exposure_is_a_share_that_never_falls(case: tuple[list[float], list[Edge]], valued: bool) -> None:
    times, edges = case
    share = exposure(ties(len(times), edges), times, valued=valued, **SPAN)
    assert ((share >= 0) & (share <= 1)).all()
    assert (np.diff(share, axis=1) >= 0).all()


@given(diffusions())
def test_rates_and_contagion_stay_between_nought_and_one(case: tuple[list[float], list[Edge]]) -> None:
    times, edges = case
    net = ties(len(times), edges)
    for values in (
        hazard_rate(times, **SPAN),
        infectiousness(net, times, **SPAN),
        susceptibility(net, times, valued=True, **SPAN),
        thresholds(net, times, **SPAN),
    ):
        known = values[~np.isnan(values)]
        assert ((known >= 0) & (known <= 1)).all()


def all_measures(times: Sequence[float], edges: Sequence[Edge]) -> Measures:
    options: dict[str, Any] = {"valued": True, "discount": Discount(3), **SPAN}
    return measures_of(ties(len(times), edges), times, **options)


@given(diffusions(), st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_other_labels_of_the_firms_only_permute_the_results(
    case: tuple[list[float], list[Edge]], random: Any
) -> None:
    times, edges = case
    label = list(range(len(times)))
    random.shuffle(label)
    moved_times = [times[label.index(i)] for i in range(len(times))]
    plain, moved = (
        all_measures(times, edges),
        all_measures(moved_times, [(label[s], label[t], w) for s, t, w in edges]),
    )
    close(moved.firms.to_numpy()[label], plain.firms.to_numpy())
    close(moved.periods.to_numpy(), plain.periods.to_numpy())
    np.testing.assert_allclose(moved.network, plain.network, rtol=1e-6, atol=1e-9)


@given(diffusions(), st.integers(-2000, 2000))
@settings(max_examples=40)
def test_another_calendar_changes_no_measure(case: tuple[list[float], list[Edge]], shift: int) -> None:
    times, edges = case
    net, later = ties(len(times), edges), [t + shift for t in times]
    close(
        thresholds(net, later, first=1958 + shift, last=1965 + shift),
        thresholds(net, times, **SPAN),
    )
    close(exposure(net, later, first=1958 + shift, last=1965 + shift), exposure(net, times, **SPAN))


@given(diffusions(), st.sampled_from(ALTERNATIVES))
def test_morans_i_is_a_number_with_a_probability_or_nan(
    case: tuple[list[float], list[Edge]], side: Alternative
) -> None:
    times, edges = case
    found = morans_i(ties(len(times), edges), times, alternative=side)
    assert math.isnan(found.p_value) or 0 <= found.p_value <= 1
    assert found.firms == sum(not math.isnan(t) for t in times)
    assert math.isnan(found.observed) or not math.isinf(found.observed)


# --- the table -----------------------------------------------------------------------------------


@pytest.mark.parametrize("classic", CLASSICS)
def test_the_table_holds_what_each_measure_gives(classic: Classic) -> None:
    net, times, wide = classic.ties, classic.times, Discount(4)
    found = measures_of(net, times, lags=1, discount=wide, **classic.options)
    share = exposure(net, times, **classic.options)
    span: dict[str, Any] = {"first": classic.span[0], "last": classic.span[1]}
    close(found.periods["mean_exposure"], share.mean(axis=0))
    close(found.periods["hazard_rate"], hazard_rate(times, **span))
    close(found.periods["growth_rate"], growth_rate(times, **span))
    assert found.periods["period"].tolist() == list(range(classic.span[0], classic.span[1] + 1))
    close(found.firms["threshold"], thresholds(net, times, lags=1, **classic.options))
    close(found.firms["infectiousness"], infectiousness(net, times, discount=wide, **classic.options))
    close(found.firms["susceptibility"], susceptibility(net, times, discount=wide, **classic.options))
    close(found.firms["time_of_adoption"], times)
    moran, bass = morans_i(net, times, valued=classic.valued), fit_bass(cumulative_share(times, **span))
    names = ["moran_i", "moran_expected", "moran_sd", "moran_p_value", "bass_p", "bass_q"]
    close(found.network[names], [*moran[:4], bass.p, bass.q])


def test_degrees_of_the_table_count_those_who_influence_and_those_influenced() -> None:
    found = measures_of(FIVE, YEARS).firms
    assert found["in_degree"].tolist() == [3, 1, 2, 0, 0]
    assert found["out_degree"].tolist() == [1, 2, 1, 2, 0]


def test_firms_of_the_table_bear_the_names_given() -> None:
    network = diffusion_network("medInnovations")
    found = measures_of(ties_of(network), network.time_of_adoption, ids=network.firms)
    assert found.firms.index.tolist() == list(network.firms)
    assert found.firms.loc["1002", "time_of_adoption"] == 12


def test_what_cannot_be_computed_is_nan_in_the_table() -> None:
    found = measures_of(FIVE, [NEVER] * 5, first=0, last=3)
    assert found.network[["bass_p", "bass_q", "moran_i", "mean_threshold"]].isna().all()
    assert found.network[["share", "adopters"]].tolist() == [0, 0]


def test_a_table_handed_out_can_be_changed_without_changing_the_result() -> None:
    found = measures_of(FIVE, YEARS)
    periods, firms, network = found.periods, found.firms, found.network
    periods["share"] = firms["threshold"] = network["ties"] = -1.0
    assert found.periods["share"].tolist() == [0.4, 0.6, 0.8]
    assert found.firms["threshold"].max() == 2 / 3
    assert found.network["ties"] == 6
    with pytest.raises(FrozenInstanceError):
        found._firms = None  # type: ignore[misc]


def test_a_classic_network_keeps_its_ties_and_values() -> None:
    network = diffusion_network("brfarmers")
    made = ties_of(network)
    source = np.repeat(np.arange(made.start.size - 1), np.diff(made.start))
    found = set(zip(source.tolist(), made.target.tolist(), made.weight.tolist(), strict=True))
    assert found == set(
        zip(network.source.tolist(), network.target.tolist(), network.value.tolist(), strict=True)
    )


def test_the_room_opens_without_the_heavy_libraries() -> None:
    code = "import cpdiffusion.measures.table, sys; print(*sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert not {"scipy", "pandas", "numba", "networkx"} & set(shown.stdout.split())


def test_the_tables_hold_the_exposure_of_every_firm_in_every_period() -> None:
    network = diffusion_network("medInnovations")
    ties = ties_of(network)
    table = measures_of(ties, network.time_of_adoption, ids=network.firms).exposure
    assert table.index.tolist() == list(network.firms)
    assert table.columns.tolist() == list(range(1, 18))
    assert np.array_equal(table.to_numpy(), exposure(ties, network.time_of_adoption))
