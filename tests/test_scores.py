"""Scores: against numerical integration, textbook formulas and plain sums over draws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from cpdiffusion.calibration import predictive
from cpdiffusion.calibration.predictive import Draws, Mixture, mixture
from cpdiffusion.calibration.scores import LEVELS, covers, crps, five_numbers, log_score, pit, score

THREE = Mixture(np.array([0.5, 1.5, 4.0]), np.array([0.3, 0.6, 2.0]), np.array([0.3, 0.6, 0.1]))


def normal(mean: float, sd: float) -> Mixture:
    return Mixture(np.array([mean]), np.array([sd]), np.ones(1))


def by_integration(found: Mixture, observed: float) -> float:
    """The definition: squared distance of the cdf from the step at what came."""

    def squared(x: float) -> float:
        return (found.cdf(x) - (x >= observed)) ** 2

    parts = [(-40.0, observed), (observed, 40.0)]
    return float(sum(integrate.quad(squared, *part, limit=400, epsabs=1e-11)[0] for part in parts))


@pytest.mark.parametrize("observed", [-3.0, 0.4, 1.5, 2.2, 9.0])
def test_crps_of_a_mixture_is_its_definition(observed: float) -> None:
    assert crps(THREE, observed) == pytest.approx(by_integration(THREE, observed), abs=1e-8)


@settings(max_examples=40, deadline=None)
@given(st.floats(-5, 5), st.floats(0.05, 4), st.floats(-8, 8))
def test_crps_of_a_normal_is_the_textbook_s(mean: float, sd: float, observed: float) -> None:
    """Gneiting & Raftery 2007, equation 21."""
    z = (observed - mean) / sd
    exact = sd * (z * (2 * stats.norm.cdf(z) - 1) + 2 * stats.norm.pdf(z) - 1 / math.sqrt(math.pi))
    assert crps(normal(mean, sd), observed) == pytest.approx(exact, abs=1e-10)


def test_crps_of_a_sure_prediction_is_the_absolute_error() -> None:
    assert crps(normal(1.0, 1e-9), 3.5) == pytest.approx(2.5)


def test_pairs_in_blocks_add_up_to_the_pairs_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    parts = rng.normal(size=53), rng.uniform(0.1, 2.0, 53), rng.dirichlet(np.ones(53))
    whole = Mixture(*parts).mean_difference
    apart = parts[0][:, None] - parts[0]
    plain = parts[2] @ predictive.expected_size(apart, np.hypot(parts[1][:, None], parts[1])) @ parts[2]
    assert whole == pytest.approx(plain, rel=1e-13)
    monkeypatch.setattr(predictive, "PAIRS_AT_ONCE", 300)
    assert Mixture(*parts).mean_difference == pytest.approx(whole, rel=1e-13)


def test_the_fair_estimator_is_the_sum_over_pairs_of_different_draws() -> None:
    draws = np.random.default_rng(4).normal(size=17)
    pairs = np.abs(draws[:, None] - draws).sum() / (17 * 16)
    assert crps(Draws(draws), 0.7) == pytest.approx(np.abs(draws - 0.7).mean() - 0.5 * pairs)


def test_two_draws_score_as_well_as_many_on_average() -> None:
    """That is what fair means; the plain estimator would be off by more than a tenth here."""
    rng, exact = np.random.default_rng(6), crps(normal(0.0, 1.0), 0.5)
    few = [crps(Draws(rng.standard_normal(2)), 0.5) for _ in range(20_000)]
    assert np.mean(few) == pytest.approx(exact, abs=4 * np.std(few) / math.sqrt(20_000))


def test_many_draws_of_a_mixture_score_like_the_mixture() -> None:
    rng = np.random.default_rng(8)
    which = rng.choice(3, 200_000, p=THREE.weights)
    draws = Draws(rng.normal(THREE.means[which], THREE.sds[which]))
    for observed in (0.2, 1.5, 5.0):
        assert crps(draws, observed) == pytest.approx(crps(THREE, observed), abs=0.01)
        assert pit(draws, observed) == pytest.approx(pit(THREE, observed), abs=0.01)
    assert five_numbers(draws) == pytest.approx(five_numbers(THREE), abs=0.05)
    assert (draws.mean, draws.sd) == pytest.approx((THREE.mean, THREE.sd), abs=0.02)


def test_the_truth_scores_best_on_average() -> None:
    """Both scores are proper: no other prediction does better than what the data come from."""
    y = np.random.default_rng(9).normal(1.0, 0.5, 4000)
    others = [normal(1.0, 0.5), normal(1.2, 0.5), normal(1.0, 0.35), normal(1.0, 0.8)]
    assert np.argmin([np.mean([crps(p, v) for v in y]) for p in others]) == 0
    assert np.argmax([np.mean([log_score(p, v) for v in y]) for p in others]) == 0


def test_the_log_score_is_the_log_density_and_finite_far_out() -> None:
    assert log_score(normal(1.0, 0.5), 1.8) == pytest.approx(stats.norm.logpdf(1.8, 1.0, 0.5))
    assert log_score(normal(0.0, 0.1), 100.0) == pytest.approx(stats.norm.logpdf(100.0, 0.0, 0.1))
    mixed = np.log(np.sum(THREE.weights * stats.norm.pdf(2.0, THREE.means, THREE.sds)))
    assert log_score(THREE, 2.0) == pytest.approx(mixed)


def test_draws_have_no_log_score_but_all_others() -> None:
    found = score(Draws(np.linspace(0.0, 2.0, 101)), 1.0)
    assert math.isnan(found.log_score)
    assert found.pit == pytest.approx(0.5)
    assert found.covered50
    assert found.covered90
    with pytest.raises(ValueError, match="at least 2 finite"):
        Draws(np.array([1.0, math.nan]))


def test_draws_equal_to_what_came_count_half() -> None:
    assert pit(Draws(np.array([1.0, 2.0, 2.0, 3.0])), 2.0) == 0.5


def test_quantiles_invert_the_distribution() -> None:
    for level, value in zip(LEVELS, five_numbers(THREE), strict=True):
        assert pit(THREE, value) == pytest.approx(level, abs=1e-12)


def test_a_calibrated_prediction_has_uniform_pits_and_covers_what_it_says() -> None:
    rng = np.random.default_rng(12)
    which = rng.choice(3, 4000, p=THREE.weights)
    found = [score(THREE, v) for v in rng.normal(THREE.means[which], THREE.sds[which])]
    assert stats.kstest([s.pit for s in found], "uniform").pvalue > 0.001
    assert np.mean([s.covered50 for s in found]) == pytest.approx(0.5, abs=0.03)
    assert np.mean([s.covered90 for s in found]) == pytest.approx(0.9, abs=0.02)


def test_a_central_interval_includes_its_ends() -> None:
    assert covers(0.25, 0.5)
    assert covers(0.95, 0.9)
    assert not covers(0.96, 0.9)
    assert not covers(0.01, 0.9)


def test_components_that_weigh_nothing_are_left_out_and_change_nothing() -> None:
    parts = np.array([0.5, 1.0, 99.0]), np.array([0.2, 0.3, 5.0]), np.array([0.5, 0.5 - 1e-12, 1e-12])
    found = mixture(*parts)
    assert found.means.tolist() == [0.5, 1.0]
    assert found.weights.sum() == pytest.approx(1.0, abs=1e-15)
    assert crps(found, 0.9) == pytest.approx(crps(Mixture(*parts), 0.9), abs=1e-9)
