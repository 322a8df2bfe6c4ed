"""The return model and its rivals: against brute force, in their limits, and on planted tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from scipy import stats

from cpdiffusion.calibration import heavy, rivals
from cpdiffusion.calibration.heavy import HeavyPosterior, spread_shares
from cpdiffusion.calibration.observations import Case, Floats, Sample, sample
from cpdiffusion.calibration.predictive import Mixture
from cpdiffusion.calibration.returns import FINE, NODES, PRIORS, Evidence, Priors, at, fit, solve
from cpdiffusion.calibration.scores import LEVELS, crps
from cpdiffusion.errors import InputError
from cpdiffusion.evidence.moments import return_moments
from cpdiffusion.evidence.table4 import table4

TABLE_4 = sample(table4())
AT_LEVELS = np.array(LEVELS)
NORMAL = (1e9,)  # degrees of freedom with which Student's t is a normal


def a_sample(counts: Sequence[int], seed: int = 1, sd: float = 0.5) -> Sample:
    """Regions 'r0', 'r1' ... with so many rows each."""
    rng = np.random.default_rng(seed)
    region_of = np.repeat(np.arange(len(counts)), counts)
    y = 1.5 + 0.4 * rng.standard_normal(len(counts))[region_of] + sd * rng.standard_normal(region_of.size)
    names = tuple(f"r{k}" for k in range(len(counts)))
    return Sample(names, region_of, y, rng.normal(7.0, 0.8, region_of.size))


def a_case(region: str, log_investment: float = 7.4) -> Case:
    return Case(region, 2015, math.exp(log_investment))


def quantiles(predicted: Mixture) -> list[float]:
    return predicted.quantiles(AT_LEVELS).tolist()


# --- exactness -----------------------------------------------------------------------------------


def brute_force(known: Sample, region: str, log_investment: float, y: Floats) -> tuple[Floats, float]:
    """Predictive density at ``y`` and posterior mean of beta, from the joint normal of all rows.

    No algebra in common with the code under test: covariances between rows, conditional normals by
    linear solves, tau and sigma on a plain grid that is even in tau and sigma themselves.
    """
    centre = known.log_investment.mean()
    x = centre - np.append(known.log_investment, log_investment)
    regions = np.append(known.region_of, known.regions.index(region) if region in known.regions else 99)
    same = (regions[:, None] == regions).astype(float)
    fixed = PRIORS.mean_sd**2 + PRIORS.elasticity_sd**2 * np.outer(x, x)
    density, slope, total = np.zeros(y.size), 0.0, 0.0
    for tau in 0.05 * (0.5 + np.arange(100)):  # midpoints
        for sigma in 0.05 * (0.5 + np.arange(120)):
            joint = fixed + tau**2 * same + sigma**2 * np.eye(x.size)
            known_part, cross = joint[:-1, :-1], joint[-1, :-1]
            weight = math.exp(-0.5 * tau**2 - 0.5 * (sigma / PRIORS.sigma_scale) ** 2) * math.exp(
                stats.multivariate_normal.logpdf(known.log_roi, np.zeros(x.size - 1), known_part)
            )
            solved = np.linalg.solve(known_part, np.column_stack([known.log_roi, cross]))
            variance = joint[-1, -1] - cross @ solved[:, 1]
            density += weight * stats.norm.pdf(y, cross @ solved[:, 0], math.sqrt(variance))
            slope += weight * PRIORS.elasticity_sd**2 * (x[:-1] @ solved[:, 0])
            total += weight
    return density / total, slope / total


@pytest.mark.parametrize("region", ["r1", "a new one"])
def test_the_prediction_is_that_of_brute_force(region: str) -> None:
    known, y = a_sample([3, 4, 2], sd=0.6), np.array([0.0, 1.3, 2.0, 4.0])
    density, slope = brute_force(known, region, 7.9, y)
    found = fit(known)
    predicted = found.predict(a_case(region, 7.9))
    assert [math.exp(predicted.log_density(v)) for v in y] == pytest.approx(density.tolist(), rel=1e-4)
    assert found.elasticity is not None
    assert found.elasticity.mean == pytest.approx(slope, rel=1e-4)


def test_the_likelihood_is_that_of_the_joint_normal() -> None:
    known = a_sample([3, 1, 4])
    tau, sigma = np.array([0.0, 0.3, 2.0, 0.7]), np.array([0.4, 0.9, 0.2, 1.5])
    found = solve(Evidence(known, True, PRIORS), tau, sigma).log_likelihood
    x = known.log_investment.mean() - known.log_investment
    same = known.region_of[:, None] == known.region_of
    fixed = PRIORS.mean_sd**2 + PRIORS.elasticity_sd**2 * np.outer(x, x)
    exact = [
        stats.multivariate_normal.logpdf(known.log_roi, None, fixed + t**2 * same + s**2 * np.eye(x.size))
        for t, s in zip(tau, sigma, strict=True)
    ]
    assert np.diff(found).tolist() == pytest.approx(np.diff(exact).tolist(), abs=1e-9)


@pytest.mark.parametrize("region", ["ulsan", "gwangju", "nowhere"])
def test_more_nodes_change_no_digit_that_is_reported(region: str) -> None:
    few, many = (fit(TABLE_4, nodes=nodes).predict(a_case(region)) for nodes in (NODES, (128, 60)))
    for observed in (0.5, 1.7, 3.77):
        assert crps(few, observed) == pytest.approx(crps(many, observed), abs=1e-6)
        assert few.log_density(observed) == pytest.approx(many.log_density(observed), abs=1e-6)
    assert quantiles(few) == pytest.approx(quantiles(many), abs=1e-5)


def test_quantiles_of_the_spreads_are_those_of_a_finer_grid() -> None:
    fine, finer = (fit(TABLE_4, nodes=nodes) for nodes in (FINE, (640, 240)))
    for name in ("tau", "sigma"):
        one, two = (found.spread_quantiles(name, AT_LEVELS).tolist() for found in (fine, finer))
        assert one == pytest.approx(two, rel=3e-3)


def test_the_pooled_rival_is_student_s_where_the_priors_do_not_matter() -> None:
    """With the reference prior 1/sigma the predictive is Student's t in closed form."""
    rng = np.random.default_rng(3)
    y = 1.5 + 0.6 * rng.standard_normal(60)
    flat = Priors(mean_sd=1e3, sigma_scale=1e6)
    found = rivals.pooled(Sample(("r",), np.zeros(60, np.intp), y, np.zeros(60)), flat)(a_case("r"))
    # A flat prior of sigma itself has one degree of freedom less than 1/sigma.
    scale = math.sqrt(((y - y.mean()) ** 2).sum() / 58 * (1 + 1 / 60))
    exact = stats.t(58, y.mean(), scale)
    assert quantiles(found) == pytest.approx(exact.ppf(AT_LEVELS).tolist(), abs=1e-5)
    assert found.log_density(3.5) == pytest.approx(exact.logpdf(3.5), abs=1e-5)


def test_the_order_of_the_rows_does_not_matter() -> None:
    turned = sample(table4()[::-1])
    for region in ("busan", "nowhere"):
        one, two = (fit(rows).predict(a_case(region)) for rows in (TABLE_4, turned))
        assert quantiles(one) == pytest.approx(quantiles(two), abs=1e-9)


def test_the_same_rows_give_the_same_bytes() -> None:
    one, two = (fit(sample(table4())).predict(a_case("daegu")) for _ in range(2))
    assert one.means.tobytes() == two.means.tobytes()
    assert one.weights.tobytes() == two.weights.tobytes()


# --- limits --------------------------------------------------------------------------------------


def test_without_differences_between_regions_it_is_the_pooled_rival() -> None:
    alike = Priors(tau_scale=1e-3)
    for region in ("ulsan", "nowhere"):
        one = rivals.partially_pooled(TABLE_4, alike)(a_case(region))
        two = rivals.pooled(TABLE_4, alike)(a_case(region))
        assert quantiles(one) == pytest.approx(quantiles(two), abs=1e-4)


def test_with_boundless_differences_it_is_the_mean_of_each_region() -> None:
    known, sigma = a_sample([3, 5, 1]), 0.4
    found = at(known, tau=1e4, sigma=sigma, elasticity=False)
    for k, count in enumerate([3, 5, 1]):
        predicted = found.predict(a_case(f"r{k}"))
        assert predicted.mean == pytest.approx(known.log_roi[known.region_of == k].mean(), abs=1e-6)
        assert predicted.sd == pytest.approx(sigma * math.sqrt(1 + 1 / count), rel=1e-6)


def test_the_mean_of_a_region_owes_nothing_to_other_regions() -> None:
    known = a_sample([6, 6, 6])
    moved = replace(known, log_roi=known.log_roi + 3.0 * (known.region_of == 2))
    one, two = (rivals.region_mean(rows)(a_case("r0")) for rows in (known, moved))
    assert quantiles(one) == pytest.approx(quantiles(two), abs=1e-3)  # through the shared spread alone
    assert one.mean == pytest.approx(known.log_roi[known.region_of == 0].mean(), abs=0.02)


def test_a_region_without_rows_falls_back_to_the_pooled_prediction() -> None:
    unseen = rivals.region_mean(TABLE_4)(a_case("nowhere"))
    assert quantiles(unseen) == rivals.pooled(TABLE_4)(a_case("x")).quantiles(AT_LEVELS).tolist()


def test_an_elasticity_that_is_not_believed_in_is_as_good_as_none() -> None:
    with_it = fit(TABLE_4, True, Priors(elasticity_sd=1e-5)).predict(a_case("ulsan", 9.0))
    without = fit(TABLE_4, False).predict(a_case("ulsan", 9.0))
    assert quantiles(with_it) == pytest.approx(quantiles(without), abs=1e-6)


def test_a_larger_investment_lowers_the_prediction_by_the_elasticity() -> None:
    known = fit(TABLE_4)
    assert known.elasticity is not None
    low, high = (known.predict(a_case("nowhere", x)).mean for x in (7.0, 8.0))
    assert low - high == pytest.approx(known.elasticity.mean, rel=1e-6)


def test_the_fit_lies_near_the_plain_moments_of_the_table() -> None:
    moments, found = return_moments(table4()), fit(TABLE_4)
    assert found.mean_log_return.mean == pytest.approx(moments.mean_log_roi, abs=2 * moments.mean_log_roi_se)
    assert found.elasticity is not None
    assert found.elasticity.mean == pytest.approx(moments.investment_elasticity, abs=0.1)
    assert found.spread_moments("sigma")[0] == pytest.approx(moments.within_region_sd, rel=0.1)
    shrunken = {region: found.region_effect(region).mean for region in TABLE_4.regions}
    assert shrunken["ansan"] > shrunken["busan"] > shrunken["daejeon"]


# --- little data ---------------------------------------------------------------------------------


def test_with_one_region_the_spread_of_regions_stays_at_its_prior() -> None:
    found = fit(a_sample([12]), elasticity=False, nodes=FINE)
    prior = stats.halfnorm.ppf([0.25, 0.5, 0.75])
    assert found.spread_quantiles("tau", np.array([0.25, 0.5, 0.75])).tolist() == pytest.approx(
        prior, rel=0.1
    )


def test_a_single_row_can_be_fitted_and_says_how_little_it_knows() -> None:
    one = fit(a_sample([1])).predict(a_case("r0"))
    assert one.sd > 2.0 * fit(a_sample([8, 8, 8])).predict(a_case("r0")).sd


def test_rows_that_are_all_alike_have_a_spread_that_rounding_allows() -> None:
    known = a_sample([4, 4], sd=0.0)
    alike = replace(known, log_roi=np.full(8, 1.5))
    for forecast in (fit(alike).predict, rivals.pooled(alike), HeavyPosterior(alike).predict):
        predicted = forecast(a_case("r0"))
        assert 0.01 < predicted.sd < 0.3
        assert predicted.mean == pytest.approx(1.5, abs=0.05)


def test_a_row_without_direct_benefit_is_named() -> None:
    with pytest.raises(InputError, match="Busan 2007: direct_eok must be above 0"):
        sample([replace(table4()[0], direct_mkrw=0.0)])
    with pytest.raises(InputError, match="no region-year"):
        sample([])


# --- recovery ------------------------------------------------------------------------------------


def planted(rng: np.random.Generator) -> tuple[Sample, dict[str, float]]:
    """A table of the size and shape of Table 4 from parameters drawn from the priors, and the truth.

    The truth holds a new region-year of a known region and one of an unseen region.
    """
    mu, beta = rng.normal(PRIORS.mean, PRIORS.mean_sd), rng.normal(0.0, PRIORS.elasticity_sd)
    tau, sigma = abs(rng.normal(0.0, PRIORS.tau_scale)), abs(rng.normal(0.0, PRIORS.sigma_scale))
    u = tau * rng.standard_normal(8)
    x = np.append(TABLE_4.log_investment, [7.4, 7.4]) - TABLE_4.log_investment.mean()
    region_of = np.append(TABLE_4.region_of, [3, 7])
    y = mu + u[region_of] - beta * x + sigma * rng.standard_normal(39)
    truth = {"mu": mu, "beta": beta, "tau": tau, "sigma": sigma, "u": u[3], "known": y[-2], "unseen": y[-1]}
    return replace(TABLE_4, log_roi=y[:-2]), truth


def intervals(known: Sample, levels: Floats) -> dict[str, Floats]:
    found = fit(known)
    assert found.elasticity is not None
    mixtures = {
        "mu": found.mean_log_return, "beta": found.elasticity, "u": found.region_effect("ulsan"),
        "known": found.predict(a_case("ulsan")), "unseen": found.predict(a_case("nowhere")),
    }  # fmt: skip
    spreads = {name: found.spread_quantiles(name, levels) for name in ("tau", "sigma")}
    return {name: part.quantiles(levels) for name, part in mixtures.items()} | spreads


def test_planted_parameters_are_recovered_with_intervals_that_hold_what_they_promise() -> None:
    """Simulation-based calibration: over 200 plantings coverage is off by binomial chance only."""
    rng, plantings = np.random.default_rng(11), 200
    inside: dict[str, list[tuple[bool, bool]]] = {}
    for _ in range(plantings):
        known, truth = planted(rng)
        for name, (q05, q25, _, q75, q95) in intervals(known, AT_LEVELS).items():
            inside.setdefault(name, []).append((q25 < truth[name] < q75, q05 < truth[name] < q95))
    for name, found in inside.items():
        for share, central in zip(np.mean(found, axis=0), (0.5, 0.9), strict=True):
            tolerance = 3.5 * math.sqrt(central * (1 - central) / plantings)
            assert abs(share - central) < tolerance, (name, central, share)


def test_parameters_like_those_of_table_4_are_recovered_without_bias() -> None:
    """What weak priors and 37 rows allow: mu, beta and sigma; tau is pulled to its prior."""
    rng, errors = np.random.default_rng(5), []
    for _ in range(40):
        u = 0.3 * rng.standard_normal(7)
        noise = 0.5 * rng.standard_normal(37)
        x = TABLE_4.log_investment - TABLE_4.log_investment.mean()
        found = fit(replace(TABLE_4, log_roi=1.6 + u[TABLE_4.region_of] - 0.25 * x + noise))
        assert found.elasticity is not None
        sigma = found.spread_moments("sigma")[0]
        errors.append((found.mean_log_return.mean - 1.6, found.elasticity.mean - 0.25, sigma - 0.5))
    bias, error = np.mean(errors, axis=0), np.std(errors, axis=0, ddof=1) / math.sqrt(40)
    assert (np.abs(bias) < 3.5 * error + [0.0, 0.02, 0.02]).all(), (bias, error)


# --- heavy tails ---------------------------------------------------------------------------------


@pytest.mark.parametrize("degrees", heavy.DEGREES)
def test_the_grid_of_spreads_is_student_s_t(degrees: float) -> None:
    shares = spread_shares(np.array([degrees]))[0]
    spreads = np.exp(heavy.STEP * heavy.TAIL)
    for z in (0.0, 0.7, 2.0, 5.0, 12.0):
        assert shares @ stats.norm.pdf(z, scale=spreads) == pytest.approx(stats.t.pdf(z, degrees), rel=2e-3)


@pytest.mark.parametrize("region", ["ulsan", "gwangju", "nowhere"])
def test_with_normal_tails_it_is_the_exact_model(region: str) -> None:
    """Two ways to the same posterior: algebra here, sums over places there."""
    exact = fit(TABLE_4, elasticity=False).predict(a_case(region))
    found = HeavyPosterior(TABLE_4, degrees=NORMAL).predict(a_case(region))
    assert found.mean == pytest.approx(exact.mean, abs=1e-3)
    assert quantiles(found) == pytest.approx(quantiles(exact), abs=5e-3)
    assert crps(found, 3.77) == pytest.approx(crps(exact, 3.77), abs=1e-3)


def test_regions_that_differ_far_more_than_their_years_are_told_apart() -> None:
    known = a_sample([6, 6, 6, 6], sd=0.05)
    known = replace(known, log_roi=known.log_roi + 2.0 * known.region_of)
    exact, found = (fit(known, elasticity=False), HeavyPosterior(known, degrees=NORMAL))
    for region in ("r0", "r3"):
        one, two = exact.predict(a_case(region)), found.predict(a_case(region))
        assert two.mean == pytest.approx(one.mean, abs=0.01)
        assert two.sd == pytest.approx(one.sd, rel=0.3)
    assert found.predict(a_case("new")).sd == pytest.approx(exact.predict(a_case("new")).sd, rel=0.1)


def test_a_finer_grid_changes_no_digit_that_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = HeavyPosterior(TABLE_4).predict(a_case("ulsan"))
    monkeypatch.setattr(heavy, "PER_SPREAD", 10.0)
    finer = HeavyPosterior(TABLE_4).predict(a_case("ulsan"))
    assert quantiles(plain) == pytest.approx(quantiles(finer), abs=1e-5)
    assert crps(plain, 3.77) == pytest.approx(crps(finer, 3.77), abs=1e-5)


def test_one_row_far_out_moves_heavy_tails_less_than_normal_ones() -> None:
    y = a_sample([6, 6, 6], sd=0.3)
    far = replace(y, log_roi=y.log_roi + 3.0 * (np.arange(18) == 2))
    fits = (partial(fit, elasticity=False), HeavyPosterior)
    moved = [method(far).predict(a_case("r0")).mean - method(y).predict(a_case("r0")).mean for method in fits]
    assert 0 < moved[1] < 0.7 * moved[0]


def test_heavy_tails_are_told_from_normal_ones_with_enough_rows() -> None:
    rng = np.random.default_rng(2)
    region_of = np.repeat(np.arange(8), 30)
    names, x = tuple("abcdefgh"), np.full(240, 7.0)
    heavy_weights, normal_weights = (
        HeavyPosterior(Sample(names, region_of, 1.5 + 0.4 * noise, x)).marginal("nu")[1]
        for noise in (rng.standard_t(3, 240), rng.standard_normal(240))
    )
    assert heavy_weights[:2].sum() > 0.9  # 3 or 4 degrees of freedom
    assert normal_weights[-3:].sum() > 0.7  # 16 and more
