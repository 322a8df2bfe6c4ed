"""Other libraries do the benchmark's jobs right, so that timing them is fair."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import cache
from typing import Any, TypeVar

import numpy as np
import pytest

from bench.contestants.bass import CONTESTANTS, BassJob, Contestant
from bench.contestants.cohorts_numpy import NEVER, REPORTED, NumpyCohorts
from bench.plain_mesa import PlainMesa
from cpdiffusion.parameters import Parameters, parameters
from cpdiffusion.policy.design import design_of
from cpdiffusion.policy.levers import Levers
from cpdiffusion.world.ties import Ties, rows
from cpdiffusion.world.world import Recipe

# --- network Bass diffusion ----------------------------------------------------------------------

SEEDS = range(24)
REFERENCE_SEEDS = range(80)
STEPS = 12

by_each = pytest.mark.parametrize(
    "contestant",
    [
        pytest.param(
            each, marks=pytest.mark.skipif(not each.is_installed(), reason=f"{each.name} is not installed")
        )
        for each in CONTESTANTS
    ],
    ids=[each.module for each in CONTESTANTS],
)


def ties_between(size: int, pairs: set[tuple[int, int]]) -> Ties:
    """Ties from the first to the second of each pair."""
    source, target = np.array(sorted(pairs), np.int32).reshape(-1, 2).T.copy()
    return rows(size, source, target, np.zeros(source.size, np.int8), np.ones(source.size))


def one_way_ties() -> Ties:
    """600 firms: the first third influences all but 60, and nobody else influences anyone."""
    choose = random.Random(1)
    pairs = {(choose.randrange(200), firm) for firm in range(540) for _ in range(5)}
    return ties_between(600, {(source, target) for source, target in pairs if source != target})


ONE_WAY = BassJob(one_way_ties(), STEPS, innovation=0.03, imitation=0.4)


def influencers_of(job: BassJob) -> list[list[int]]:
    """Lists of the firms that influence each firm."""
    lists: list[list[int]] = [[] for _ in range(job.size)]
    for source in range(job.size):
        for target in job.ties.target[job.ties.start[source] : job.ties.start[source + 1]]:
            lists[target].append(source)
    return lists


def reference(job: BassJob, seed: int, *, at_once: bool = True) -> list[int]:
    """The job's definition, firm by firm, and a wrong one in which the next firm sees the last."""
    draw, influencers = random.Random(seed).random, influencers_of(job)
    adopted, adopters = [False] * job.size, []
    for _ in range(job.steps):
        seen = list(adopted) if at_once else adopted
        for firm in range(job.size):
            peers = influencers[firm]
            share = sum(seen[peer] for peer in peers) / len(peers) if peers else 0.0
            adopted[firm] = adopted[firm] or draw() < job.innovation + job.imitation * share
        adopters.append(sum(adopted))
    return adopters


def reference_curves(job: BassJob, *, at_once: bool = True) -> np.ndarray:
    """Adopters per seed and step; shape (seeds, Q)."""
    return np.array([reference(job, seed, at_once=at_once) for seed in REFERENCE_SEEDS])


@cache
def curves(contestant: Contestant) -> np.ndarray:
    """Adopters per seed and step; shape (seeds, Q)."""
    return np.array([contestant.make(ONE_WAY, seed)() for seed in SEEDS])


def standard_errors_apart(one: np.ndarray, other: np.ndarray) -> float:
    """Largest difference of mean curves over steps, in standard errors of the difference."""
    error = np.sqrt(sum(curves.var(axis=0, ddof=1) / len(curves) for curves in (one, other)))
    return float(np.max(np.abs(one.mean(axis=0) - other.mean(axis=0)) / error))


@pytest.fixture(scope="module")
def right() -> np.ndarray:
    return reference_curves(ONE_WAY)


@pytest.fixture(scope="module")
def wrong() -> dict[str, np.ndarray]:
    """What a contestant would show that has the rule a little wrong."""
    reverse = ties_between(600, set(zip(ONE_WAY.ties.target.tolist(), ONE_WAY.source.tolist(), strict=True)))
    return {
        "imitation": reference_curves(ONE_WAY._replace(imitation=0.32)),
        "innovation": reference_curves(ONE_WAY._replace(innovation=0.04)),
        "direction": reference_curves(ONE_WAY._replace(ties=reverse)),
        "one step more": reference_curves(ONE_WAY._replace(steps=STEPS + 1))[:, 1:],
        "one after the other": reference_curves(ONE_WAY, at_once=False),
    }


@by_each
def test_mean_adopters_are_those_of_the_definition(contestant: Contestant, right: np.ndarray) -> None:
    assert standard_errors_apart(curves(contestant), right) < 3.5


@by_each
def test_a_rule_a_little_wrong_would_be_noticed(contestant: Contestant, wrong: dict[str, np.ndarray]) -> None:
    apart = {name: standard_errors_apart(curves(contestant), those) for name, those in wrong.items()}
    assert min(apart.values()) > 4.5, apart


@by_each
def test_a_run_is_the_same_again_for_its_seed_whatever_else_is_made(contestant: Contestant) -> None:
    first, other = contestant.make(ONE_WAY, 3), contestant.make(ONE_WAY, 4)
    assert other().tolist() != first().tolist() == curves(contestant)[3].tolist()


@by_each
def test_adopters_are_whole_numbers_that_never_fall(contestant: Contestant) -> None:
    assert curves(contestant).dtype == np.int64
    assert curves(contestant).shape == (len(SEEDS), STEPS)
    assert (np.diff(curves(contestant), axis=1) >= 0).all()


NO_TIES = ties_between(600, set())
ALONE = {
    "nobody is influenced": BassJob(NO_TIES, STEPS, innovation=0.1, imitation=0.9),
    "nobody imitates": ONE_WAY._replace(innovation=0.1, imitation=0.0),
}


@by_each
@pytest.mark.parametrize("job", ALONE.values(), ids=ALONE)
def test_without_influence_adopters_are_one_minus_the_power(contestant: Contestant, job: BassJob) -> None:
    seeds = range(5)
    share = np.mean([contestant.make(job, seed)() for seed in seeds], axis=0) / job.size
    expected = 1 - (1 - job.innovation) ** np.arange(1, STEPS + 1)
    error = np.sqrt(expected * (1 - expected) / (job.size * len(seeds)))
    assert np.max(np.abs(share - expected) / error) < 4


@by_each
def test_when_adoption_is_certain_all_adopt_in_the_first_step(contestant: Contestant) -> None:
    assert contestant.make(ONE_WAY._replace(innovation=1.0), 1)().tolist() == [600] * STEPS


@by_each
def test_without_innovation_nobody_begins(contestant: Contestant) -> None:
    assert contestant.make(ONE_WAY._replace(innovation=0.0), 1)().tolist() == [0] * STEPS


@by_each
def test_a_contestant_tells_its_version(contestant: Contestant) -> None:
    assert contestant.version()[0].isdigit()


def test_an_absent_library_is_not_installed() -> None:
    assert not Contestant("none", "bass_none", "none", ("scipy", "no_such_library")).is_installed()


# --- the model with programmes, as arrays over firms: without luck, firm by firm -----------------

QUARTERS = 40
NO_LUCK = {
    "review_rate_per_quarter": 1.0,
    "act_anyway_probability": 0.0,
    "region_year_log_return_sd": 0.0,
    "queue_dropout_per_quarter": 0.0,
    "diagnosis_noise_sd": 1e-6,
    # and enough going on to compare
    "prior_mean_log_return": 0.5,
    "complex_visibility": 0.6,
    "sector_visibility": 0.6,
    "hassle_cost_share": 0.05,
    "liquidity_ratio_median": 5.0,
    "complementarity_log_return": 0.3,
    "reveal_lag_quarters": 1,
    "cohort_exchanges_per_quarter": 1,
}
DESIGNS = {
    "none": Levers(),
    "individual": Levers(support="individual", targeting="large", publishes_results=True),
    "cluster": Levers(support="cluster", targeting="large", cohort_size=10),
    "everything": Levers(
        support="cluster", targeting="large", cohort_size=10, subsidy_rate=0.5, integrated_safety=1.0,
        adviser_skill=1.5, adviser_capacity_firms_per_quarter=3, first_year=2, programme_years=3,
    ),
    "money comes back": Levers(
        support="cluster", targeting="large", cohort_size=10, subsidy_rate=0.5, programme_years=2,
    ),
    "money comes back late": Levers(  # so that a cohort grows by firms that know of its results
        support="cluster", targeting="large", subsidy_rate=0.2, programme_years=3,
        adviser_capacity_firms_per_quarter=3,
    ),
}  # fmt: skip


def given(
    levers: Levers, regions: tuple[str, ...], firms_per_region: int, **changes: float
) -> dict[str, Any]:
    """What both models are made from, but for the seed."""
    p = Parameters({**parameters(), "firms_per_region": firms_per_region, **changes})
    mean = np.linspace(1.5, 2.0, len(regions))
    world = Recipe(regions).build(3, p)
    return {"world": world, "parameters": p, "design": design_of(levers), "regional_mean": mean}


def without_luck(levers: Levers, **changes: float) -> dict[str, Any]:
    """Two regions without two firms of one size, so that targeting by size leaves no lot."""
    inputs = given(levers, ("ulsan", "busan"), 100, **NO_LUCK)
    world, p = inputs["world"], Parameters({**inputs["parameters"], **changes})
    sizes = np.random.default_rng(1).permutation(world.size).astype(np.int32) + 5
    firms = world.firms._replace(employees=sizes)
    return {**inputs, "world": replace(world, firms=firms), "parameters": p}


Model = TypeVar("Model", PlainMesa, NumpyCohorts)


def after_all_quarters(style: type[Model], inputs: dict[str, Any], seed: int = 1) -> Model:
    model = style(**inputs, seed=seed)
    for _ in range(QUARTERS):
        model.step()
    return model


def fates(plain: PlainMesa) -> dict[str, np.ndarray]:
    """What becomes of each firm, by the names that the arrays have."""
    firms = sorted(plain.agents, key=lambda firm: firm.row)
    return {
        "adoption_quarter": quarters_of([firm.adoption_quarter for firm in firms]),
        "supported_quarter": quarters_of([firm.supported_quarter for firm in firms]),
        "examples_seen": np.array([firm.examples_seen for firm in firms]),
        "belief_mean": np.array([firm.belief_mean for firm in firms]),
        "precision": np.array([firm.belief_precision for firm in firms]),
        "log_return": np.array([firm.log_return for firm in firms]),
    }


def quarters_of(values: list[int | None]) -> np.ndarray:
    return np.array([NEVER if value is None else value for value in values])


def largest_difference(numpy: NumpyCohorts, plain: PlainMesa) -> float:
    expected = fates(plain)
    return max(float(np.nanmax(np.abs(getattr(numpy, name) - those))) for name, those in expected.items())


@pytest.mark.parametrize("levers", DESIGNS.values(), ids=DESIGNS)
def test_without_luck_every_firm_learns_and_does_the_same(levers: Levers) -> None:
    inputs = without_luck(levers)
    numpy, plain = after_all_quarters(NumpyCohorts, inputs), after_all_quarters(PlainMesa, inputs)
    assert len(set(numpy.adoption_quarter.tolist())) > 5, "too little happens to compare"
    assert largest_difference(numpy, plain) < 1e-5, "the diagnosis has a noise of 1e-6"
    assert (np.isnan(numpy.log_return) == (numpy.adoption_quarter == NEVER)).all()
    for name in ("supported_adopters", "public_money_mkrw", "private_investment_mkrw", "direct_mkrw"):
        assert getattr(numpy, name) == pytest.approx(getattr(plain, name), rel=1e-9), name


NOTICEABLE = (
    "complex_visibility", "cross_sector_similarity", "cohort_noise_sd", "cohort_visibility",
    "published_visibility", "complementarity_log_return", "hassle_cost_share", "first_cost_weight",
)  # fmt: skip


@pytest.mark.parametrize("name", NOTICEABLE)
def test_without_luck_a_change_of_one_parameter_is_noticed(name: str) -> None:
    plain = after_all_quarters(PlainMesa, without_luck(DESIGNS["cluster"]))
    changed = after_all_quarters(NumpyCohorts, without_luck(DESIGNS["cluster"], **{name: 0.45}))
    assert largest_difference(changed, plain) > 1e-3


# --- the model with programmes: with luck, on average --------------------------------------------

Figures = dict[str, np.ndarray]  # name -> one value per seed
RUNS = range(40)


def figures(style: type[Model], inputs: dict[str, Any]) -> Figures:
    models = [after_all_quarters(style, inputs, seed) for seed in RUNS]
    return {name: np.array([getattr(model, name) for model in models]) for name in REPORTED}


def errors_apart(one: Figures, other: Figures) -> dict[str, float]:
    """Differences of means in standard errors of the difference; exact agreement is 0."""
    apart = {}
    for name in REPORTED:
        difference = abs(one[name].mean() - other[name].mean())
        error = np.sqrt((one[name].var(ddof=1) + other[name].var(ddof=1)) / len(RUNS))
        apart[name] = 0.0 if difference < 1e-6 else float(difference / max(error, 1e-6))
    return apart


@pytest.fixture(scope="module", params=["individual", "cluster"])
def levers(request: pytest.FixtureRequest) -> Levers:
    return Levers(support=request.param, subsidy_rate=0.2, integrated_safety=1.0)


@pytest.fixture(scope="module")
def plain_figures(levers: Levers) -> Figures:
    return figures(PlainMesa, given(levers, ("ulsan",), 200))


def test_over_seeds_money_benefits_and_accidents_agree(levers: Levers, plain_figures: Figures) -> None:
    apart = errors_apart(figures(NumpyCohorts, given(levers, ("ulsan",), 200)), plain_figures)
    assert max(apart.values()) < 4, apart


CLEAR_CHANGES = {
    "adopters": {"act_anyway_probability": 0.12},
    "accidents": {"accident_rate_per_worker_year": 0.008},
    "accidents_avoided": {"safety_hazard_reduction": 0.5},
    "indirect_mkrw": {"indirect_zero_share": 0.95},
}


def test_over_seeds_a_clear_change_is_noticed(levers: Levers, plain_figures: Figures) -> None:
    for name, change in CLEAR_CHANGES.items():
        apart = errors_apart(figures(NumpyCohorts, given(levers, ("ulsan",), 200, **change)), plain_figures)
        assert apart[name] > 4.5, (name, apart)


def test_arrays_end_the_same_again_for_their_seed() -> None:
    inputs = given(DESIGNS["everything"], ("ulsan",), 60)
    first, again, other = (after_all_quarters(NumpyCohorts, inputs, seed) for seed in (1, 1, 2))
    assert first.history == again.history != other.history
    assert len(first.history) == QUARTERS
    assert first.history[-1] == first.totals
