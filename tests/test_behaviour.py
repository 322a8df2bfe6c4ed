"""The rule on paper: learning, the decision, returns; each function against figures and limits."""

from __future__ import annotations

import itertools
import math
import random

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from cpdiffusion.behaviour.decision import (
    Offer,
    can_finance,
    is_sure_enough,
    lacks_example,
    log_cost,
    log_hurdle,
    net_advantage,
    offer,
    would_decide,
)
from cpdiffusion.behaviour.learning import (
    after_diagnosis,
    observation_precision,
    predicted_return,
    similarity,
)
from cpdiffusion.behaviour.returns import (
    adviser_gain,
    expected_log_return,
    realised_log_return,
    side_benefit_ratio,
)
from cpdiffusion.engine.reveal import learn
from cpdiffusion.world.firms import normal_probabilities, normal_quantiles

log_returns = st.floats(-5.0, 5.0)
variances = st.floats(0.01, 10.0)
shares = st.floats(0.0, 1.0)
precisions = st.floats(0.0, 10.0)
results = st.lists(st.tuples(precisions, log_returns), min_size=1, max_size=30)

unhurried = settings(deadline=None)  # the first call of a function compiles it

PRIOR = (1.0, -0.5)  # precision, precision x mean


def belief_after(seen: list[tuple[float, float]], prior: tuple[float, float] = PRIOR) -> tuple[float, float]:
    """Precision and weighted sum once the engine has learned the (precision, result) pairs."""
    precision, weighted_sum = np.array([prior[0]]), np.array([prior[1]])
    for added, log_return in seen:
        learn(precision, weighted_sum, 0, added, log_return)
    return float(precision[0]), float(weighted_sum[0])


def adopts(
    mean: float, variance: float, hurdle: float, required: float, liquidity: float, price: float, terms: Offer
) -> bool:
    """As the engine asks: convinced first, then able to pay."""
    advantage = net_advantage(mean, variance, terms.log_benefit, terms.log_cost, hurdle)
    return is_sure_enough(advantage, required) and can_finance(liquidity, price, terms.own_share)


# --- one firm, one peer, one quarter, on paper --------------------------------------------------


def test_one_firm_one_peer_one_quarter() -> None:
    """A metal firm (m = 0, sd 0.8) sees a chemical firm's ROI of 4 through its complex.

    Weight: 0.3 x 0.5 / (0.8^2 + 0.5^2) = 0.15 / 0.89 = 0.168539; prior 1 / 0.64 = 1.5625.
    Sum: 0.168539 ln 4 = 0.233645; precision 1.731039; mean 0.134974.
    Predictive variance: 1 / 1.731039 + 0.64 = 1.217688.
    Cost: 1.4 ln(1 - 0.3 + 0.2) = -0.147505; hurdle ln(3 / 2.5) = 0.182322; benefit term 0.05.
    z = (0.134974 + 0.05 + 0.147505 - 0.182322) / 1.103489 = 0.136075.
    """
    weight = observation_precision(0.3, similarity(False, 0.5), 0.64, 0.25)
    assert weight == pytest.approx(0.168539, abs=1e-6)
    precision, weighted_sum = belief_after([(weight, math.log(4.0))], (1.5625, 0.0))
    mean, variance = predicted_return(precision, weighted_sum, 0.64)
    assert (mean, variance) == pytest.approx((0.134974, 1.217688), abs=2e-6)
    terms = offer(0.3, 1.0, 0.2, 1.4, 0.05)
    hurdle = log_hurdle(3.0, 2.5)
    assert (terms.log_cost, hurdle) == pytest.approx((-0.147505, 0.182322), abs=2e-6)
    z = net_advantage(mean, variance, terms.log_benefit, terms.log_cost, hurdle)
    assert z == pytest.approx(0.136075, abs=5e-6)
    for required, expected in ((0.1360, True), (0.1362, False)):
        assert adopts(mean, variance, hurdle, required, 70.0, 100.0, terms) is expected
    assert adopts(mean, variance, hurdle, 0.1360, 69.9, 100.0, terms) is False  # cannot pay 70


def test_an_advisers_signal_on_paper() -> None:
    """N(0.2, 1) and a signal 1.0 of variance 0.25: (0.2 + 4) / 5 = 0.84, variance 0.2."""
    assert after_diagnosis(0.2, 1.0, 1.0, 0.25) == pytest.approx((0.84, 0.2))


def test_a_realised_return_on_paper() -> None:
    """1.6 + 0.3 - 0.2 ln(2) = 1.761371; luck -0.4, advice 0.05, neighbours 0.1: 1.511371."""
    expected = expected_log_return(1.6, 0.3, 0.2, 2.0)
    assert expected == pytest.approx(1.761371, abs=1e-6)
    assert realised_log_return(expected, -0.4, 0.05, 0.1) == pytest.approx(1.511371, abs=1e-6)


# --- learning -----------------------------------------------------------------------------------


@unhurried
@given(seen=results, shuffle=st.randoms(use_true_random=False))
def test_the_order_of_results_does_not_matter(
    seen: list[tuple[float, float]], shuffle: random.Random
) -> None:
    mixed = list(seen)
    shuffle.shuffle(mixed)
    assert belief_after(mixed) == pytest.approx(belief_after(seen), rel=1e-12, abs=1e-12)


@unhurried
@given(seen=results)
def test_two_sums_hold_what_the_textbook_updates_step_by_step(
    seen: list[tuple[float, float]],
) -> None:
    """m <- (t m + w x) / (t + w), t <- t + w."""
    t, m = 1.0, -0.5
    for w, x in seen:
        t, m = t + w, (t * m + w * x) / (t + w)
    mean, variance = predicted_return(*belief_after(seen), 0.64)
    assert mean == pytest.approx(m, rel=1e-9, abs=1e-9)
    assert variance == pytest.approx(1.0 / t + 0.64)


@unhurried
@given(seen=results, added=st.floats(0.01, 10.0), x=log_returns)
def test_one_more_peer_shrinks_the_doubt_and_pulls_the_mean_to_its_result(
    seen: list[tuple[float, float]], added: float, x: float
) -> None:
    mean, variance = predicted_return(*belief_after(seen), 0.64)
    new_mean, new_variance = predicted_return(*belief_after([*seen, (added, x)]), 0.64)
    assert new_variance < variance
    assert abs(new_mean - x) <= abs(mean - x) + 1e-9
    unseen = predicted_return(*belief_after([*seen, (0.0, x)]), 0.64)
    assert unseen == (mean, variance)  # control: a result without weight changes nothing


def test_with_many_peers_only_the_firms_own_spread_remains() -> None:
    mean, variance = predicted_return(*belief_after([(0.5, 1.3)] * 100_000), 0.64)
    assert variance == pytest.approx(0.64, abs=1e-4)
    assert variance > 0.64
    assert mean == pytest.approx(1.3, abs=1e-4)


@unhurried
@given(visibility=shares, alike=shares, firm=variances, noise=variances)
def test_a_results_weight_is_proportional_to_visibility_and_similarity(
    visibility: float, alike: float, firm: float, noise: float
) -> None:
    whole = observation_precision(1.0, 1.0, firm, noise)
    weight = observation_precision(visibility, alike, firm, noise)
    assert weight == pytest.approx(visibility * alike * whole)
    assert 0.0 <= weight <= whole == pytest.approx(1.0 / (firm + noise))
    assert observation_precision(0.0, alike, firm, noise) == 0.0
    assert observation_precision(1.0, 1.0, firm, noise + 1.0) < whole


def test_one_sector_is_fully_alike_and_two_are_as_alike_as_the_parameter_says() -> None:
    assert [similarity(True, 0.3), similarity(False, 0.3)] == [1.0, 0.3]


@unhurried
@given(mean=log_returns, variance=variances, signal=log_returns, error=variances)
def test_a_diagnosis_lies_between_belief_and_signal_and_is_surer_than_both(
    mean: float, variance: float, signal: float, error: float
) -> None:
    new_mean, new_variance = after_diagnosis(mean, variance, signal, error)
    assert min(mean, signal) - 1e-9 <= new_mean <= max(mean, signal) + 1e-9
    assert new_variance < min(variance, error)
    assert new_variance == pytest.approx(variance * error / (variance + error))
    assert new_mean == pytest.approx((error * mean + variance * signal) / (variance + error))


def test_a_useless_diagnosis_changes_nothing_and_a_perfect_one_settles_it() -> None:
    assert after_diagnosis(0.3, 0.9, 5.0, math.inf) == pytest.approx((0.3, 0.9))
    mean, variance = after_diagnosis(0.3, 0.9, 5.0, 1e-12)
    assert (mean, variance) == pytest.approx((5.0, 0.0), abs=1e-9)


# --- the decision -------------------------------------------------------------------------------


@unhurried
@given(
    mean=log_returns, variance=variances, hassle=st.floats(0.0, 1.0),
    subsidy=st.floats(0.0, 0.9), more=st.floats(0.01, 0.1), hurdle=log_returns,
)  # fmt: skip
def test_the_advantage_falls_with_cost_and_rises_with_subsidy(
    mean: float, variance: float, hassle: float, subsidy: float, more: float, hurdle: float
) -> None:
    def z(subsidy: float, hassle: float, benefit: float = 0.0) -> float:
        terms = offer(subsidy, 1.0, hassle, 1.4, benefit)
        return net_advantage(mean, variance, terms.log_benefit, terms.log_cost, hurdle)

    assert z(subsidy, hassle + more) < z(subsidy, hassle) < z(subsidy + more, hassle)
    assert z(subsidy, hassle) < z(subsidy, hassle, benefit=more)


@unhurried
@given(mean=log_returns, variance=variances, cost=log_returns, hurdle=log_returns)
def test_doubt_pulls_the_advantage_towards_zero_and_leaves_its_sign(
    mean: float, variance: float, cost: float, hurdle: float
) -> None:
    assume(abs(mean - cost - hurdle) > 1e-6)
    z = net_advantage(mean, variance, 0.0, cost, hurdle)
    doubtful = net_advantage(mean, 2.0 * variance, 0.0, cost, hurdle)
    assert z == pytest.approx((mean - cost - hurdle) / math.sqrt(variance))
    assert abs(doubtful) < abs(z)
    assert doubtful * z > 0


@unhurried
@given(z=st.floats(-6.0, 6.0), theta=st.floats(0.001, 0.999))
def test_comparing_on_the_z_scale_is_comparing_the_chance_that_it_pays(z: float, theta: float) -> None:
    """Phi(z) >= theta, with Phi and its inverse from another library."""
    assume(abs(norm.cdf(z) - theta) > 1e-9)
    required = float(normal_quantiles(np.array([theta]))[0])
    assert is_sure_enough(z, required) == (norm.cdf(z) >= theta)


@unhurried
@given(
    mean=log_returns, variance=variances, hurdle=log_returns,
    required=st.floats(-8.0, 8.0), price=st.floats(0.01, 1e6),
)  # fmt: skip
def test_what_is_free_is_adopted_however_sure_a_firm_wants_to_be(
    mean: float, variance: float, hurdle: float, required: float, price: float
) -> None:
    free = offer(1.0, 1.0, 0.0, 1.4, 0.0)
    assert free.log_cost == -math.inf
    assert adopts(mean, variance, hurdle, required, 0.0, price, free)
    assert not adopts(mean, variance, hurdle, math.inf, 1e9, price, offer(0.9, 1.0, 0.0, 1.4, 0.0))


def test_a_confidence_of_one_is_reached_by_nothing_that_costs_and_of_zero_by_all() -> None:
    never, always = normal_quantiles(np.array([1.0, 0.0]))
    terms = offer(0.0, 1.0, 0.0, 1.0, 0.0)
    assert not adopts(1e6, 1.0, 0.0, never, 1e9, 1.0, terms)
    assert adopts(-1e6, 1.0, 0.0, always, 1e9, 1.0, terms)


def test_first_cost_weighs_as_much_more_as_the_weight_says() -> None:
    """Doubling the cost needs 2^1.4 times the return."""
    assert log_cost(2.0, 1.4) == pytest.approx(1.4 * math.log(2.0))
    assert log_cost(1.0, 1.4) == 0.0
    assert log_cost(0.0, 1.4) == log_cost(-0.1, 1.4) == -math.inf


@unhurried
@given(subsidy=shares, hassle=shares)
def test_the_firm_pays_what_the_subsidy_leaves_and_its_own_trouble(subsidy: float, hassle: float) -> None:
    own = 1.0 - subsidy
    expected = Offer(subsidy, hassle, own, log_cost(own + hassle, 1.4), 0.2)
    assert offer(subsidy, 1.0, hassle, 1.4, 0.2) == expected
    assert offer(subsidy, 0.5, hassle, 1.4, 0.2).own_share == 0.5 * own  # a provider pays the other half


@unhurried
@given(horizon=st.floats(0.25, 30.0), payback=st.floats(0.05, 30.0))
def test_a_return_at_the_hurdle_pays_back_in_the_longest_accepted_time(
    horizon: float, payback: float
) -> None:
    """Payback = horizon / ROI."""
    roi = math.exp(log_hurdle(horizon, payback))
    assert horizon / roi == pytest.approx(payback)


def test_a_firm_can_finance_its_own_share_to_the_last_won() -> None:
    assert can_finance(75.0, 100.0, 0.75)
    assert not can_finance(74.999, 100.0, 0.75)
    assert can_finance(0.0, 100.0, 0.0)


def test_a_firm_decides_unless_it_waits_for_an_example_that_it_lacks() -> None:
    cases = itertools.product((False, True), (0, 5), (False, True))
    assert [case for case in cases if not would_decide(*case)] == [(True, 0, False)]


def test_an_example_is_lacking_without_any_result_and_without_support() -> None:
    cases = itertools.product((0, 1, 5), (False, True))
    assert [case for case in cases if lacks_example(*case)] == [(0, False)]


# --- returns ------------------------------------------------------------------------------------


@unhurried
@given(size=st.floats(0.01, 100.0), elasticity=st.floats(0.0, 2.0))
def test_the_return_per_won_falls_by_the_elasticity_as_a_package_grows(
    size: float, elasticity: float
) -> None:
    small = expected_log_return(1.6, 0.3, elasticity, size)
    large = expected_log_return(1.6, 0.3, elasticity, 2.0 * size)
    assert large - small == pytest.approx(-elasticity * math.log(2.0), abs=1e-9)
    assert expected_log_return(1.6, 0.3, elasticity, 1.0) == pytest.approx(1.9)


def test_only_better_than_reference_advice_adds_to_the_return_and_only_with_support() -> None:
    assert adviser_gain(1.5, 0.2) == pytest.approx(0.1)
    assert adviser_gain(0.5, 0.2) == pytest.approx(-0.1)
    assert adviser_gain(1.0, 0.2) == 0.0


def test_a_side_benefit_is_often_none_and_otherwise_so_much_per_won_invested() -> None:
    """exp(-2 + 0.5 x 1) = 0.22313 of the investment."""
    assert side_benefit_ratio(0.4, -2.0, 0.5, 0.39, 1.0) == 0.0
    assert side_benefit_ratio(0.4, -2.0, 0.5, 0.40, 1.0) == pytest.approx(0.22313, abs=1e-5)
    assert side_benefit_ratio(1.0, -2.0, 0.5, 0.999999, 1.0) == 0.0
    assert side_benefit_ratio(0.0, -2.0, 0.5, 0.0, 1.0) > 0.0


# --- the normal distribution ----------------------------------------------------------------------


def test_the_normal_distribution_and_its_inverse_undo_each_other_and_keep_their_ends() -> None:
    z = np.linspace(-6.0, 6.0, 241)
    assert normal_probabilities(z) == pytest.approx(norm.cdf(z), rel=1e-12)
    assert normal_quantiles(normal_probabilities(z)) == pytest.approx(z, abs=1e-7)
    assert normal_quantiles(np.array([0.0, 1.0])).tolist() == [-math.inf, math.inf]
    assert normal_probabilities(np.array([-math.inf, math.inf])).tolist() == [0.0, 1.0]
