"""Firms that choose among measures: the catalogue, a firm's rows, what it takes when, and what is booked.

The heart is ``Plain``: the rule written a second time, in loops over firms and measures, from its
description and with the same keyed draws. It must take every measure of every firm in the same quarter.
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from cpdiffusion import draws
from cpdiffusion.behaviour.cp_measures import NAMES, CpMeasures, cp_measures
from cpdiffusion.cli import main
from cpdiffusion.draws import Purpose, replicate_seeds
from cpdiffusion.engine.phases import quarter
from cpdiffusion.engine.run import room_for, run_into
from cpdiffusion.engine.run import run as run_compiled
from cpdiffusion.engine.setting import Columns, setting_of
from cpdiffusion.engine.start import start
from cpdiffusion.engine.state import GONE, NEVER, NOBODY, Flow, MeasureFlow, new_state
from cpdiffusion.engine.unfold import columns_by_measure, own_deviations, terms_by_measure
from cpdiffusion.instruments.catalogue import CATALOGUE
from cpdiffusion.instruments.enacting import terms_of
from cpdiffusion.instruments.enactment import Enactment, in_order
from cpdiffusion.outcomes.catalogue import outcomes_of_one
from cpdiffusion.outcomes.experiment import Batch, Experiment, run_batch, run_replicate, values_of
from cpdiffusion.parameters import BY_NAME, Parameters, parameters
from cpdiffusion.policy.advised import advised
from cpdiffusion.policy.design import Design, design_of
from cpdiffusion.policy.levers import Levers
from cpdiffusion.policy.programme import WIDENING_ROOM, programme_of
from cpdiffusion.registry.measures import MEASURES
from cpdiffusion.runner.parallel import Workers
from cpdiffusion.terms import NO_PARTNER, Terms
from cpdiffusion.world.ties import LAYERS
from cpdiffusion.world.world import Recipe, World
from small_worlds import (
    COURSE,
    EAGER,
    NOTHING,
    STUBBORN,
    Played,
    alone,
    calm,
    changed,
    cluster,
    cohort_advice_mkrw,
    individual,
    order_of,
    pair,
    prepared,
    same_course,
    star,
    strangers,
    synthetic,
    ties_between,
)
from small_worlds import run as run_package

SOURCES = Path(__file__).resolve().parents[1] / "model"
ALL = len(NAMES)
WORLD_SEED = 1
FOURTHS = (0.25, 0.25, 0.25, 0.25)
TOGETHER = {name: 0.7 for name in CATALOGUE if name != "green_procurement"}  # all that can be combined


# --- running with measures ------------------------------------------------------------------------


def classes(*cost_share: float, difficulty: Any = 0.0, log_return: Any = 0.0) -> CpMeasures:
    """Measures of these cost shares, otherwise alike unless told."""
    count = len(cost_share)

    def each(value: Any) -> np.ndarray:
        return np.full(count, value, np.float64)

    return CpMeasures(
        tuple(f"measure {k}" for k in range(count)), np.array(cost_share),
        each(log_return), each(difficulty), each(0.2), each(0.1),
    )  # fmt: skip


def with_measures(
    world: World, policy: Levers | Design, p: Parameters, quarters: int = 12,
    measures: CpMeasures | None = None, instruments: Mapping[str, float] | None = None,
    steady: bool = False,
) -> Played:  # fmt: skip
    """Room for a run with measures; ``steady``: each measure of a firm returns what its package does."""
    measures = measures or cp_measures(p)
    count, mean = len(measures.names), np.full(len(world.regions), p.mean_log_return)
    design = policy if isinstance(policy, Design) else design_of(policy)
    enacted = in_order({name: Enactment(strength=s) for name, s in (instruments or {}).items()})
    design = advised(replace(design, instruments=enacted), p)
    package = prepared(world, design, p, quarters).setting
    with np.errstate(over="ignore"):
        columns = columns_by_measure(
            package.columns, measures, world.firms.potential_log_return, p, WORLD_SEED
        )
        terms = terms_of(design.instruments, world, p, quarters, WORLD_SEED, mean)
    if steady:
        columns = columns._replace(expected_log_return=np.tile(package.columns.expected_log_return, count))
    setting = setting_of(columns, package.rule, programme_of(design, p), terms_by_measure(terms, count))
    return Played(world, p, setting, new_state(world.size, len(world.regions), quarters, count))


def run(
    world: World, policy: Levers | Design, p: Parameters, seed: int = 1, quarters: int = 12, **how: Any
) -> Played:
    """One run with measures from its first to its last quarter."""
    played = with_measures(world, policy, p, quarters, **how)
    with np.errstate(over="ignore"):
        run_compiled(played.state, played.setting, np.uint64(seed), order_of(world, policy))
    return played


def step_by_step(
    world: World, policy: Levers | Design, p: Parameters, seed: int = 1, quarters: int = 12, **how: Any
) -> Iterator[Played]:
    """The same run, shown after each quarter (one state, changed in place)."""
    played = with_measures(world, policy, p, quarters, **how)
    with np.errstate(over="ignore"):
        start(played.state, played.setting, np.uint64(seed), order_of(world, policy))
        for now in range(quarters):
            quarter(played.state, played.setting, now)
            yield played


def by_measure(played: Played, column: str) -> np.ndarray:
    """A column of the state, or of the engine's columns, as (K, F)."""
    source = played.state if hasattr(played.state, column) else played.setting.columns
    return np.asarray(getattr(source, column).reshape(-1, played.world.size))


def taken_in(played: Played) -> list[list[int]]:
    """Quarters in which measures were taken, measure by measure."""
    found = by_measure(played, "adoption_quarter").tolist()
    return [[int(quarter) for quarter in row] for row in found]


def of_measures(played: Played, what: MeasureFlow) -> np.ndarray:
    """A flow of each measure by region and quarter, (R, Q, K)."""
    return np.asarray(played.state.flow[:, :, len(Flow) + what :: len(MeasureFlow)])


def lively(
    firms: int = 15, regions: tuple[str, ...] = ("ulsan", "busan"), **changes: Any
) -> tuple[World, Parameters]:
    """A drawn world and parameters under which measures are taken early, late and never."""
    settings: dict[str, Any] = {
        "review_rate_per_quarter": 0.5, "act_anyway_probability": 0.03, "complex_visibility": 0.8,
        "mean_log_return": 1.2, "prior_mean_log_return": 0.2, "liquidity_ratio_median": 0.4,
        "measure_return_correlation": 0.3, "reveal_lag_quarters": 2, **changes,
    }  # fmt: skip
    return synthetic(firms, regions, **settings)


# --- 1. the catalogue -----------------------------------------------------------------------------

SHARES = ("energy_share_of_benefit", "materials_share_of_benefit")


def drawn_parameters(seed: int) -> Parameters:
    """Every number of the measures, and of what a package saves, anywhere in its range."""
    generator = np.random.default_rng(seed)
    names = [parameter.name for parameter in MEASURES] + list(SHARES)
    return parameters({name: generator.uniform(BY_NAME[name].low, BY_NAME[name].high) for name in names})


def test_all_measures_together_are_the_package_whatever_their_numbers() -> None:
    whole = 0
    for seed in range(300):
        p = drawn_parameters(seed)
        m = cp_measures(p)
        benefit = m.cost_share * np.exp(m.log_return)
        assert m.cost_share.sum() == pytest.approx(1.0, rel=1e-12)
        assert benefit.sum() == pytest.approx(1.0, rel=1e-12)
        assert (m.cost_share * m.difficulty).sum() == pytest.approx(0.0, abs=1e-12)
        assert min(m.cost_share.min(), m.energy_share.min(), m.materials_share.min()) > 0.0
        saved = np.array([(benefit * share).sum() for share in (m.energy_share, m.materials_share)])
        asked = np.array([p[name] for name in SHARES])
        assert (saved <= asked * (1.0 + 1e-12)).all()
        if (m.energy_share + m.materials_share).max() < 1.0 - 1e-12:  # none saves all that it returns
            whole += 1
            assert saved == pytest.approx(asked, rel=1e-12)
    assert 150 < whole < 300


def test_scaling_keeps_what_sets_measures_apart() -> None:
    p = drawn_parameters(3)
    m = cp_measures(p)

    def given(what: str) -> np.ndarray:
        return np.array([p[f"{name}_{what}"] for name in NAMES])

    for scaled, what in ((m.cost_share, "cost_share"), (m.energy_share, "energy"),
                         (m.materials_share, "materials")):  # fmt: skip
        assert scaled / scaled[0] == pytest.approx(given(what) / given(what)[0], rel=1e-12)
    for shifted, what in ((m.log_return, "log_return"), (m.difficulty, "difficulty")):
        assert shifted - shifted[0] == pytest.approx(given(what) - given(what)[0], abs=1e-12)


def test_measures_without_a_difference_are_equal_parts_of_the_package() -> None:
    neutral = {"cost_share": 1 / ALL, "log_return": 0.0, "difficulty": 0.0, "energy": 1.0, "materials": 1.0}
    p = parameters({f"{name}_{what}": value for name in NAMES for what, value in neutral.items()})
    m = cp_measures(p)
    assert m.cost_share == pytest.approx(np.full(ALL, 1 / ALL))
    assert np.abs(m.log_return).max() < 1e-12
    assert np.abs(m.difficulty).max() < 1e-12
    assert m.energy_share == pytest.approx(np.full(ALL, p.energy_share_of_benefit))
    assert m.materials_share == pytest.approx(np.full(ALL, p.materials_share_of_benefit))


@pytest.mark.parametrize("name", NAMES)
def test_a_measure_saves_no_more_than_it_returns_and_energy_and_materials_give_way_alike(name: str) -> None:
    others = {f"{other}_energy": 0.02 for other in NAMES if other != name}
    p = parameters({f"{name}_energy": 4.0, f"{name}_cost_share": 0.02, **others})
    m, k = cp_measures(p), NAMES.index(name)
    benefit = m.cost_share * np.exp(m.log_return)

    def uncapped(what: str, of_package: float) -> np.ndarray:
        relative = np.array([p[f"{each}_{what}"] for each in NAMES])
        return np.asarray(of_package * relative / (benefit * relative).sum())

    energy = uncapped("energy", p.energy_share_of_benefit)
    materials = uncapped("materials", p.materials_share_of_benefit)
    assert energy[k] + materials[k] > 1.0
    assert m.energy_share[k] + m.materials_share[k] == pytest.approx(1.0)
    assert m.energy_share[k] / m.materials_share[k] == pytest.approx(energy[k] / materials[k])
    rest = np.arange(ALL) != k
    assert m.energy_share[rest] == pytest.approx(energy[rest])
    assert m.materials_share[rest] == pytest.approx(materials[rest])


@pytest.mark.parametrize("parameter", MEASURES, ids=lambda parameter: str(parameter.name))
def test_each_number_of_a_measure_can_be_swept_over_its_range(parameter: Any) -> None:
    for value in np.linspace(parameter.low, parameter.high, 5):
        require_sound(cp_measures(parameters({parameter.name: value})))


def require_sound(m: CpMeasures) -> None:
    """All figures are known, and nothing costs or saves less than nothing or more than there is."""
    assert all(np.isfinite(column).all() for column in m[1:])
    assert m.cost_share.sum() == pytest.approx(1.0)
    assert (m.cost_share > 0.0).all()
    assert (m.energy_share > 0.0).all()
    assert (m.materials_share > 0.0).all()
    assert (m.energy_share + m.materials_share <= 1.0 + 1e-12).all()


def test_what_a_package_saves_can_be_swept_over_its_range_with_measures_too() -> None:
    for name in SHARES:
        for value in (BY_NAME[name].low, BY_NAME[name].high):
            require_sound(cp_measures(parameters({name: value})))


IN_THE_PAPER = {  # the words of its Tables 2 and 3, and of section 2, and the class that stands for them
    "good housekeeping": "good_housekeeping",
    "process diagnosis and better management": "good_housekeeping",
    "waste management": "waste_management",
    "reuse of heat, saving of energy": "energy_efficiency",
    "internal recycling": "in_process_recycling",
    "process modification": "process_modification",
    "new source processes": "process_modification",
    "substitution of harmful inputs": "input_substitution",
    "eco-materials": "input_substitution",
    "design change": "product_design",
}


def test_every_class_of_the_papers_tables_is_a_measure_and_no_other_is() -> None:
    assert set(IN_THE_PAPER.values()) == set(NAMES)
    assert len(NAMES) == len(set(NAMES)) == 7


NO_DIFFERENCE = {"cost_share": 1 / 7, "log_return": 0.0, "difficulty": 0.0, "energy": 1.0, "materials": 1.0}


@pytest.mark.parametrize("what", NO_DIFFERENCE)
def test_numbers_of_measures_are_assumed_and_may_make_no_difference(what: str) -> None:
    for name in NAMES:
        parameter = BY_NAME[f"{name}_{what}"]
        assert parameter.status == "assumed"
        assert parameter.low < NO_DIFFERENCE[what] < parameter.high
        assert parameter.low <= parameter.at(None) <= parameter.high  # type: ignore[arg-type]
        assert "Tables 2 and 3" in parameter.source
    alike = BY_NAME["measure_return_correlation"]
    assert alike.status == "assumed"
    assert (alike.low, alike.high) == (0.0, 1.0)  # nothing in common, and all


def test_by_default_the_order_of_the_catalogue_is_from_easy_to_hard() -> None:
    m = cp_measures(parameters())
    assert (np.diff(m.difficulty - m.log_return) >= -1e-12).all()
    assert (np.diff(m.difficulty) >= -1e-12).all()


# --- 2. a firm's rows -----------------------------------------------------------------------------

OF_A_FIRM = (
    "region", "sector", "liquidity_mkrw", "waits_for_example", "required_advantage", "is_early_adopter",
    "threshold", "influencers",
)  # fmt: skip


def unfolded(**changes: Any) -> tuple[World, Parameters, Columns, Columns, CpMeasures]:
    """A world, its columns with a package and with measures."""
    world, p = lively(40, **changes)
    measures = cp_measures(p)
    package = prepared(world, NOTHING, p, 4).setting.columns
    return world, p, package, with_measures(world, NOTHING, p, 4).setting.columns, measures


def test_what_a_firm_is_stands_in_all_of_its_rows() -> None:
    world, _, package, columns, _ = unfolded()
    for name in OF_A_FIRM:
        rows = getattr(columns, name).reshape(ALL, world.size)
        assert rows.dtype == getattr(package, name).dtype
        assert (rows == getattr(package, name)).all(), name
    assert columns.regions == package.regions


def test_prices_and_typical_benefits_of_a_firms_measures_add_up_to_its_package() -> None:
    world, _, package, columns, m = unfolded()
    capital = columns.capital_need_mkrw.reshape(ALL, world.size)
    benefit = columns.benefit_base_mkrw.reshape(ALL, world.size)
    assert capital.sum(axis=0) == pytest.approx(package.capital_need_mkrw, rel=1e-12)
    assert benefit.sum(axis=0) == pytest.approx(package.benefit_base_mkrw, rel=1e-12)
    assert capital[2] == pytest.approx(m.cost_share[2] * package.capital_need_mkrw)
    assert benefit[2] / capital[2] == pytest.approx(np.full(world.size, math.exp(m.log_return[2])))
    hurdle = columns.log_hurdle.reshape(ALL, world.size) - package.log_hurdle
    assert hurdle == pytest.approx(
        np.repeat(m.difficulty - m.log_return, world.size).reshape(ALL, -1), abs=1e-12
    )


def test_a_firm_has_its_accidents_once() -> None:
    world, _, package, columns, _ = unfolded()
    rows = columns.accident_probability.reshape(ALL, world.size)
    assert (rows[0] == package.accident_probability).all()
    assert not rows[1:].any()
    assert package.accident_probability.min() > 0.0


def test_measures_that_are_all_alike_return_what_the_package_does() -> None:
    world, _, package, columns, _ = unfolded(measure_return_correlation=1.0)
    rows = columns.expected_log_return.reshape(ALL, world.size)
    assert rows == pytest.approx(np.tile(package.expected_log_return, (ALL, 1)), abs=1e-12)


@pytest.mark.parametrize("alike", [0.0, 0.2, 0.5, 0.9, 1.0])
def test_potentials_keep_their_spread_and_are_as_alike_as_the_parameter_says(alike: float) -> None:
    """Among 20,000 firms 0.02 is at least 2.8 standard errors of each figure; the seed is fixed."""
    size, sd = 20_000, 0.8
    p = parameters({"measure_return_correlation": alike, "firm_log_return_sd": sd})
    with np.errstate(over="ignore"):
        key = np.uint64(draws.stream(np.uint64(5), int(Purpose.POTENTIAL), 0))
        normal = np.array([draws.standard_normal(key, firm) for firm in range(size)])
        potential = sd * normal - 0.5 * sd**2
        own = own_deviations(potential, 3, p, 5)
    assert own.shape == (3, size)
    assert own.mean(axis=1) == pytest.approx([-0.5 * sd**2] * 3, abs=0.02)
    assert own.std(axis=1) == pytest.approx([sd] * 3, abs=0.02)
    correlations = [np.corrcoef(own[a], own[b])[0, 1] for a, b in ((0, 1), (0, 2), (1, 2))]
    assert correlations == pytest.approx([alike] * 3, abs=0.02)
    with_package = np.corrcoef(own[0], potential)[0, 1]
    assert with_package == pytest.approx(math.sqrt(alike), abs=0.02)


def edges(columns: Columns) -> dict[tuple[int, int], float]:
    """{(influencing row, influenced row): precision}."""
    source = np.repeat(np.arange(columns.start.size - 1), np.diff(columns.start))
    pairs = list(zip(source.tolist(), columns.target.tolist(), strict=True))
    assert len(set(pairs)) == len(pairs)
    return dict(zip(pairs, columns.precision.tolist(), strict=True))


@pytest.mark.parametrize("alike", [0.0, 0.4])
def test_ties_stay_within_a_measure_and_those_between_measures_within_a_firm(alike: float) -> None:
    world, p, package, columns, _ = unfolded(measure_return_correlation=alike)
    size = world.size
    expected = {
        (a + m * size, b + m * size): precision
        for (a, b), precision in edges(package).items()
        for m in range(ALL)
    }
    own = alike / p.firm_log_return_sd**2
    expected |= {
        (firm + m * size, firm + n * size): own
        for firm in range(size) for m in range(ALL) for n in range(ALL) if n != m
    }  # fmt: skip
    found = edges(columns)
    assert found.keys() == expected.keys()
    assert all(found[tie] == pytest.approx(expected[tie], rel=1e-12) for tie in expected)
    assert len(package.target) > 3 * size


def enacted_terms(count: int) -> tuple[World, Terms, Terms]:
    """Terms of all instruments for firms, and for their rows."""
    world, p = lively(40)
    enacted = in_order({name: Enactment(strength=strength) for name, strength in TOGETHER.items()})
    with np.errstate(over="ignore"):
        terms = terms_of(enacted, world, p, 24, WORLD_SEED, np.full(2, p.mean_log_return))
    return world, terms, terms_by_measure(terms, count)


def test_what_instruments_contribute_reaches_every_row_of_a_firm() -> None:
    world, terms, rows = enacted_terms(ALL)
    assert rows.rows.shape == (terms.rows.shape[0], ALL * world.size)
    assert (rows.rows.reshape(-1, ALL, world.size) == terms.rows[:, None, :]).all()
    for name in ("row", "acts", "public_cost_mkrw", "meets", "message"):
        assert np.array_equal(getattr(rows, name), getattr(terms, name))


def test_partners_and_meetings_stay_within_a_measure() -> None:
    world, terms, rows = enacted_terms(3)
    size, partner = world.size, rows.partner.reshape(3, world.size)
    assert rows.partner.dtype == terms.partner.dtype
    for m in range(3):
        assert np.array_equal(partner[m] == NO_PARTNER, terms.partner == NO_PARTNER)
        has = terms.partner != NO_PARTNER
        assert np.array_equal(partner[m][has], terms.partner[has] + m * size)
        for firm in range(size):
            here = slice(terms.start[firm], terms.start[firm + 1])
            there = slice(rows.start[firm + m * size], rows.start[firm + m * size + 1])
            assert np.array_equal(rows.target[there], terms.target[here] + m * size)
            assert np.array_equal(rows.precision[there], terms.precision[here])
    assert has.any()
    assert terms.target.size > 0
    assert rows.start.size == 3 * size + 1


def test_without_instruments_there_is_nothing_to_unfold() -> None:
    played = with_measures(*lively_nothing())
    assert played.setting.terms.rows.shape[1] == 0
    assert played.setting.terms.acts.size == 0


def lively_nothing() -> tuple[World, Levers, Parameters]:
    world, p = lively()
    return world, NOTHING, p


# --- 3. one measure is the package ----------------------------------------------------------------

POLICIES: dict[str, Levers] = {
    "none": NOTHING,
    "individual": Levers(
        support="individual", budget_mkrw_per_year=150.0, programme_years=3, subsidy_rate=0.4,
        integrated_safety=1.0, publishes_results=True,
    ),
    "cluster": Levers(
        support="cluster", cohort_size=5, budget_mkrw_per_year=260.0, programme_years=2, subsidy_rate=0.3,
    ),
    "cluster, unpaid": Levers(
        support="cluster", cohort_size=4, budget_mkrw_per_year=200.0, programme_years=3,
        adviser_skill=1.5, targeting="large", first_year=2,
    ),
    "queue": Levers(
        support="individual", budget_mkrw_per_year=300.0, programme_years=2, subsidy_rate=0.5,
        adviser_capacity_firms_per_quarter=1,
    ),
}  # fmt: skip
TIRED: dict[str, Any] = {"queue_dropout_per_quarter": 0.2}


@pytest.mark.parametrize("policy", POLICIES)
def test_a_single_measure_is_the_package_to_the_bit(policy: str) -> None:
    world, p = lively(60, **TIRED, measure_return_correlation=1.0)
    package = run_package(world, POLICIES[policy], p, quarters=24)
    single = with_measures(world, POLICIES[policy], p, 24, measures=classes(1.0))
    columns = single.setting.columns
    for name in set(Columns._fields) - {"expected_log_return", "weight"}:  # no rule here reads weights
        assert np.array_equal(getattr(columns, name), getattr(package.setting.columns, name)), name
    expected = package.setting.columns.expected_log_return  # taken apart and put together again
    assert columns.expected_log_return == pytest.approx(expected, abs=1e-14)
    exact = columns._replace(expected_log_return=expected)
    single = replace(single, setting=single.setting._replace(columns=exact))
    run_compiled(single.state, single.setting, np.uint64(1), order_of(world, POLICIES[policy]))
    assert same_course(single, package)
    assert single.state.flow.tobytes() == package.state.flow.tobytes()
    assert package.adopters() > 5


@pytest.mark.parametrize("policy", ["none", "individual"])
def test_measures_without_any_difference_are_taken_together_when_the_package_would_be(policy: str) -> None:
    """What is assumed of measures can only be swept from no effect if no effect is the package."""
    neutral = classes(*FOURTHS)
    world, p = lively(
        60, measure_return_correlation=1.0, liquidity_ratio_median=1e3, act_anyway_probability=0.0
    )
    levers = POLICIES[policy].model_copy(update={"publishes_results": False, "subsidy_rate": 0.0})
    world = changed(world, seed=np.arange(world.size) % 20 == 0)
    package = run_package(world, levers, p, quarters=24)
    assert package.adopters() > 5
    together = [package.state.adoption_quarter.tolist()] * 4
    assert taken_in(run(world, levers, p, quarters=24, measures=neutral)) == together


def test_a_catalogue_of_one_in_an_experiment_records_nothing_by_measure() -> None:
    assert with_measures(*lively_nothing(), measures=classes(1.0)).state.flow.shape[2] == len(Flow)
    assert with_measures(*lively_nothing()).state.flow.shape[2] == len(Flow) + ALL * len(MeasureFlow)


# --- 4. which measures come first -----------------------------------------------------------------


def adoption_shares(difficulty: tuple[float, ...]) -> np.ndarray:
    """Share of firms that have taken each of equally large measures, (K,)."""
    world, p = lively(150, act_anyway_probability=0.002, liquidity_ratio_median=3.0)
    share = [1.0 / len(difficulty)] * len(difficulty)
    played = run(world, NOTHING, p, quarters=24, measures=classes(*share, difficulty=difficulty))
    return np.asarray((by_measure(played, "adoption_quarter") != NEVER).mean(axis=1))


def test_the_easier_a_measure_the_more_firms_take_it() -> None:
    shares = adoption_shares((-0.6, 0.0, 0.6))
    assert shares[0] > 1.5 * shares[1]
    assert shares[1] > 1.5 * shares[2] > 0.0


def test_with_difficulties_reversed_the_order_is_reversed() -> None:
    """Control that must fail the test above: it is ease that counts, not the place in the list."""
    shares = adoption_shares((0.6, 0.0, -0.6))
    assert shares[2] > 1.5 * shares[1]
    assert shares[1] > 1.5 * shares[0] > 0.0


def test_a_measure_that_returns_more_comes_first_as_if_it_were_easier() -> None:
    world, p = lively(150, act_anyway_probability=0.0, liquidity_ratio_median=3.0)
    richer = classes(0.5, 0.5, log_return=(-0.5, 0.5))
    easier = classes(0.5, 0.5, difficulty=(0.5, -0.5))
    first, second = (
        by_measure(run(world, NOTHING, p, quarters=24, measures=m), "adoption_quarter")
        for m in (richer, easier)
    )
    assert np.array_equal(first, second)  # the decision weighs the two alike ...
    assert (first[1] != NEVER).sum() > (first[0] != NEVER).sum() + 10


def test_firms_take_measures_on_average_earlier_the_easier_they_are() -> None:
    world, p = lively(200, act_anyway_probability=0.0, liquidity_ratio_median=3.0)
    played = run(world, NOTHING, p, quarters=40, measures=classes(0.5, 0.5, difficulty=(-0.5, 0.5)))
    easy, hard = np.minimum(by_measure(played, "adoption_quarter"), 40)
    assert easy.mean() + 2.0 < hard.mean()
    assert (easy <= hard).mean() > 0.9


# --- 5. what a firm can pay for -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cost_share", "liquidity_mkrw", "expected"),
    [
        (FOURTHS, 1e6, [0, 0, 0, 0]),
        (FOURTHS, 100.0, [0, 0, 0, 0]),
        (FOURTHS, 99.0, [0, 0, 0, 4]),
        (FOURTHS, 50.0, [0, 0, 4, 4]),
        (FOURTHS, 49.0, [0, 4, 8, NEVER]),  # twelve quarters
        (FOURTHS, 24.0, [NEVER] * 4),
        ((0.5, 0.125, 0.375), 37.5, [NEVER, 0, 4]),  # what is out of reach holds up nothing
        ((0.125, 0.5, 0.375), 50.0, [0, 4, 0]),  # the next that it can still pay for
    ],
)
def test_a_firm_takes_the_first_that_it_can_pay_for_and_the_rest_in_later_years(
    cost_share: tuple[float, ...], liquidity_mkrw: float, expected: list[int]
) -> None:
    world = alone(**EAGER, liquidity_mkrw=liquidity_mkrw)
    played = run(world, NOTHING, calm(), measures=classes(*cost_share))
    assert [quarters[0] for quarters in taken_in(played)] == expected


def test_a_year_ends_with_its_last_quarter_and_not_four_quarters_after_spending() -> None:
    world = alone(**EAGER, liquidity_mkrw=25.0, waits_for_example=True)
    policy = individual(first_year=2)  # supported in quarter 4: until then it waits for an example
    assert taken_in(run(world, policy, calm(), quarters=16, measures=classes(*FOURTHS))) == [
        [4], [8], [12], [NEVER]
    ]  # fmt: skip
    late = calm(act_anyway_probability=0.0, review_rate_per_quarter=0.3)
    for seed in range(20):
        quarters = np.array(taken_in(run(alone(**EAGER, liquidity_mkrw=25.0), NOTHING, late, seed,
                                         quarters=40, measures=classes(*FOURTHS))))  # fmt: skip
        years = quarters[quarters != NEVER] // 4
        assert len(set(years.tolist())) == years.size  # one a year, whenever in the year


@pytest.mark.parametrize("subsidy_rate", [0.5, 1.0])
def test_what_a_subsidy_pays_does_not_use_up_the_firms_means(subsidy_rate: float) -> None:
    world = alone(**EAGER, liquidity_mkrw=25.0)
    policy = individual(firms_per_year=4, subsidy_rate=subsidy_rate)
    played = run(world, policy, calm(), measures=classes(*FOURTHS))
    own = (1.0 - subsidy_rate) * 25.0
    at_once = 4 if own == 0.0 else int(25.0 / own)
    assert [quarters[0] for quarters in taken_in(played)][:at_once] == [0] * at_once
    paid = played.flow(Flow.SUBSIDY).sum()
    assert paid == pytest.approx(at_once * 25.0 * subsidy_rate)  # an offer is for one moment


@pytest.mark.parametrize("policy", POLICIES)
def test_in_no_year_does_a_firm_spend_more_than_it_has(policy: str) -> None:
    world, p = lively(60, act_anyway_probability=0.0)
    levers = POLICIES[policy]
    bound = 0
    for seed in range(3):
        played = run(world, levers, p, seed, quarters=24)
        adopted, capital = by_measure(played, "adoption_quarter"), by_measure(played, "capital_need_mkrw")
        offered = by_measure(played, "diagnosed_quarter") == adopted
        own = capital * np.where(offered, 1.0 - levers.subsidy_rate, 1.0)
        for year in range(6):
            spent = np.where(adopted // 4 == year, own, 0.0).sum(axis=0)
            assert (spent <= world.firms.liquidity_mkrw + 1e-9).all()
            bound += int(((spent > 0.0) & (spent + capital.min(axis=0) > world.firms.liquidity_mkrw)).sum())
    assert bound > 10  # it did hold somebody back


def test_a_firm_that_has_just_the_price_of_its_package_can_take_all_of_it_at_once() -> None:
    p = calm()
    for price in range(50, 100):
        world = alone(**EAGER, capital_need_mkrw=float(price), liquidity_mkrw=float(price))
        assert run_package(world, NOTHING, p).state.adoption_quarter[0] == 0
        assert taken_in(run(world, NOTHING, p)) == [[0]] * ALL, price


# --- 6. what measures teach each other ------------------------------------------------------------

EASY_AND_HARD = classes(0.5, 0.5, difficulty=(-0.6, 0.0))  # at a prior mean of -0.5: one at once


@pytest.mark.parametrize(("alike", "expected"), [(0.0, NEVER), (0.12, NEVER), (0.13, 4), (1.0, 4)])
def test_own_success_makes_a_firm_try_another_measure_after_the_lag(alike: float, expected: int) -> None:
    """Belief about the second measure: (-0.5 + 4 r) / (1 + 4 r), which is above 0 from r = 0.125 on."""
    p = calm(measure_return_correlation=alike)
    played = run(alone(), NOTHING, p, measures=EASY_AND_HARD, steady=True)
    assert taken_in(played) == [[0], [expected]]
    belief = played.state.weighted_sum[1] / played.state.precision[1]
    assert belief == pytest.approx((-0.5 + 4.0 * alike) / (1.0 + 4.0 * alike))


@pytest.mark.parametrize(("alike", "expected"), [(0.0, 4), (0.5, NEVER)])
def test_own_disappointment_deters_from_what_the_firm_would_have_taken_next_year(
    alike: float, expected: int
) -> None:
    p = calm(measure_return_correlation=alike, mean_log_return=-2.0, reveal_lag_quarters=1)
    both_easy = classes(0.5, 0.5, difficulty=-1.0)
    played = run(alone(liquidity_mkrw=50.0), NOTHING, p, measures=both_easy, steady=True)
    assert taken_in(played) == [[0], [expected]]


def test_the_more_alike_measures_are_the_more_of_them_successful_firms_take() -> None:
    """Nobody sees a peer: whatever comes later is the firm's own learning."""
    later = []
    for alike in (0.0, 0.2, 0.6):
        world, p = lively(
            100, act_anyway_probability=0.0, complex_visibility=0.0, sector_visibility=0.0,
            supply_chain_visibility=0.0, waits_for_example_share=0.0, liquidity_ratio_median=5.0,
            mean_log_return=2.0, measure_return_correlation=alike, review_rate_per_quarter=1.0,
        )  # fmt: skip
        adopted = by_measure(run(world, NOTHING, p, quarters=24), "adoption_quarter")
        began = (adopted == 0).any(axis=0)
        later.append(int(((adopted > 0) & (adopted != NEVER) & began).sum()))
        assert not (adopted[:, ~began] != NEVER).any()  # who took nothing at first has nothing to learn from
    means_renewed = later[0]  # what new means alone bring
    assert later[1] > means_renewed + 20
    assert later[2] > later[1] + 20


def test_a_firm_hears_of_a_peers_result_in_that_measure_only() -> None:
    p = calm(measure_return_correlation=0.0)
    world = pair({}, STUBBORN)
    played = run(world, NOTHING, p, measures=classes(0.5, 0.5, difficulty=(-0.6, 9.0)), steady=True)
    assert taken_in(played) == [[0, NEVER], [NEVER, NEVER]]
    precision, seen = by_measure(played, "precision"), by_measure(played, "results_seen")
    assert precision[:, 1].tolist() == [2.0, 1.0]
    assert seen[:, 1].tolist() == [1, 0]
    assert by_measure(played, "informant")[:, 1].tolist() == [0, NOBODY]


SURE_AND_NEVER = classes(0.5, 0.5, difficulty=(-9.0, 9.0))


@pytest.mark.parametrize("alike", [0.0, 0.5])
def test_a_cohort_members_result_informs_about_that_measure_only(alike: float) -> None:
    p = calm(measure_return_correlation=alike)
    world = strangers({}, STUBBORN, STUBBORN)
    for seed in range(20):  # until the lot takes in the firm that adopts
        policy = cluster(2, publishes_results=False)  # an average tells of all measures at once
        played = run(world, policy, p, seed, measures=SURE_AND_NEVER, steady=True)
        supported = by_measure(played, "supported_quarter")[0] != NEVER
        if supported[0]:
            break
    assert supported.tolist().count(True) == 2
    member, outsider = (1, 2) if supported[1] else (2, 1)
    precision, sums = by_measure(played, "precision"), by_measure(played, "weighted_sum")
    assert precision[:, member].tolist() == [3.0, 1.0]
    assert sums[:, member] == pytest.approx([-0.5 + 2.0 * played.state.log_return[0], -0.5])
    assert precision[:, outsider].tolist() == [1.0, 1.0]


def test_in_a_cohort_a_firm_still_learns_from_its_own_measures() -> None:
    p = calm(measure_return_correlation=0.5)
    world = strangers({}, STUBBORN)
    played = run(world, cluster(2), p, measures=SURE_AND_NEVER, steady=True)
    assert taken_in(played) == [[0, NEVER], [NEVER, NEVER]]
    assert played.state.cohort.reshape(2, 2)[:, 0].tolist() != [NOBODY, NOBODY]
    assert by_measure(played, "precision")[1, 0] == pytest.approx(1.0 + 0.5 / 0.25)


def test_each_measure_of_a_cohort_is_a_learning_group_of_its_own() -> None:
    world, p = lively(60)
    played = run(world, POLICIES["cluster"], p)
    cohort = by_measure(played, "cohort")
    members = cohort[:, (cohort != NOBODY).any(axis=0)]
    groups = [set(row[row != NOBODY].tolist()) for row in members]
    assert sum(len(group) for group in groups) == len(set.union(*groups)) > ALL
    for one in members[:, None] - members[0]:
        taken_before = (members[0] == NOBODY) | (one[0] + members[0] == NOBODY)
        assert len(set(one[0][~taken_before].tolist())) == 1  # the same division in every measure


def test_a_firm_that_knows_nobody_gains_nothing_from_recycling_with_neighbours() -> None:
    p = calm(complementarity_log_return=0.3)
    assert run_package(alone(**EAGER), NOTHING, p).state.log_return[0] == 1.0
    played = run(alone(**EAGER), NOTHING, p, measures=classes(*FOURTHS), steady=True)
    assert played.state.log_return.tolist() == [1.0] * 4


# --- 7. support -----------------------------------------------------------------------------------


def test_support_is_one_visit_at_one_price_for_all_measures() -> None:
    world = strangers(EAGER | {"waits_for_example": True}, STUBBORN, STUBBORN)
    played = run(world, individual(3, adviser_capacity_firms_per_quarter=1), calm())
    diagnosed = by_measure(played, "diagnosed_quarter")
    assert (diagnosed == diagnosed[0]).all()
    assert sorted(diagnosed[0].tolist()) == [0, 1, 2]
    assert (by_measure(played, "supported_quarter") == 0).all()
    assert played.flow(Flow.SUPPORTED).sum() == 3.0
    assert played.flow(Flow.ADVICE).sum() == 120.0
    assert sorted(played.supported().tolist()) == list(range(3 * ALL))
    assert played.batches().tolist() == [1, 1, 1]


@pytest.mark.parametrize("size", [2, 3])
def test_a_cohort_is_priced_by_firms_and_not_by_measures(size: int) -> None:
    world = strangers(*[STUBBORN] * 4)
    played = run(world, cluster(size), calm())
    assert played.flow(Flow.ADVICE).sum() == pytest.approx(cohort_advice_mkrw(size))
    assert played.batches().tolist() == [size]


def test_support_covers_what_is_open_and_leaves_what_was_taken_before() -> None:
    easy = classes(0.4, 0.6, difficulty=(-0.6, 9.0))
    world, p = alone(), calm()
    played = run(world, individual(4, first_year=2, subsidy_rate=0.5), p, measures=easy, steady=True)
    assert by_measure(played, "supported_quarter")[:, 0].tolist() == [NEVER, 4]
    assert taken_in(played) == [[0], [NEVER]]
    assert played.flow(Flow.SUPPORTED).sum() == 1.0
    assert played.flow(Flow.SUPPORTED_ADOPTERS).sum() == 0.0
    assert played.flow(Flow.UNSPENT)[0, -1] == pytest.approx(160.0 - 40.0)


def test_a_firm_that_has_taken_everything_is_not_supported() -> None:
    played = run(strangers(EAGER, STUBBORN), individual(2, first_year=2), calm())
    assert (by_measure(played, "supported_quarter") != NEVER).any(axis=0).tolist() == [False, True]


def test_the_subsidy_set_aside_is_for_open_measures_only_and_decides_whom_the_purse_pays() -> None:
    """It has taken 40 of 100 before; 40 of advice and half of the other 60 make 70."""
    easy, p = classes(0.4, 0.6, difficulty=(-0.6, 9.0)), calm()
    for budget, supported in ((69.9, 0), (70.0, 1)):
        policy = Levers(
            support="individual", budget_mkrw_per_year=budget, programme_years=1, first_year=2,
            subsidy_rate=0.5,
        )  # fmt: skip
        played = run(alone(), policy, p, measures=easy, steady=True)
        assert played.flow(Flow.SUPPORTED).sum() == supported, budget


def test_safety_support_protects_a_firm_that_took_its_first_measure_before_the_visit() -> None:
    easy = classes(0.4, 0.6, difficulty=(-0.6, 9.0))
    p = calm(accident_rate_per_worker_year=0.9, safety_hazard_reduction=0.5)
    world = alone(employees=100)
    played = run(
        world, individual(4, first_year=2, integrated_safety=1.0), p, measures=easy, steady=True, quarters=80
    )
    assert played.flow(Flow.ACCIDENTS_AVOIDED)[0, 4:].sum() > 0
    assert played.flow(Flow.ACCIDENTS_AVOIDED)[0, :4].sum() == 0


def set_aside(played: Played, subsidy_rate: float) -> float:
    """Subsidy of offers that are still open (million KRW)."""
    waits = (played.state.supported_quarter != NEVER) & (played.state.diagnosed_quarter == NEVER)
    waits &= (played.state.adoption_quarter == NEVER) & (played.state.signal != GONE)
    return subsidy_rate * float(played.setting.columns.capital_need_mkrw[waits].sum())


@pytest.mark.parametrize("policy", [name for name in POLICIES if name != "none"])
def test_advice_subsidies_open_offers_and_the_purse_add_up_to_the_budget_in_every_quarter(
    policy: str,
) -> None:
    world, p = lively(40, **TIRED)
    levers = POLICIES[policy]
    waited = 0.0
    for now, played in enumerate(step_by_step(world, levers, p, quarters=24)):
        spent = played.flow(Flow.ADVICE).sum() + played.flow(Flow.SUBSIDY).sum()
        open_offers = set_aside(played, levers.subsidy_rate)
        waited += open_offers
        years = min(max(0, now // 4 + 2 - levers.first_year), levers.programme_years)
        granted = 2 * years * levers.budget_mkrw_per_year
        left = played.state.purse_mkrw
        assert spent + open_offers + left.sum() == pytest.approx(granted, abs=1e-6), now
        assert np.array_equal(left, played.flow(Flow.UNSPENT)[:, now])
        assert left.min() > -1e-6
    assert played.flow(Flow.SUPPORTED).sum() > 4
    assert (waited > 0.0) == (policy == "queue")


def test_firms_that_are_tired_of_waiting_leave_with_all_their_measures() -> None:
    left = 0
    for seed in range(5):
        world, p = lively(40, queue_dropout_per_quarter=0.3, capital_need_mean_mkrw=70.0)
        played = run(world, POLICIES["queue"], p, seed, quarters=16)
        gone, adopted = by_measure(played, "signal") == GONE, by_measure(played, "adoption_quarter")
        supported, diagnosed = (by_measure(played, c) for c in ("supported_quarter", "diagnosed_quarter"))
        for firm in np.flatnonzero(gone.any(axis=0)):
            left += 1
            assert (diagnosed[:, firm] == NEVER).all()
            stays = (supported[:, firm] != NEVER) & ~gone[:, firm]
            assert (adopted[stays, firm] != NEVER).all()  # only what it went ahead with
    assert left > 10


# --- 8. what is counted and booked ----------------------------------------------------------------

ENACTED: dict[str, tuple[Levers, dict[str, float]]] = {
    **{name: (levers, {}) for name, levers in POLICIES.items()},
    "all instruments": (POLICIES["cluster, unpaid"], TOGETHER),
    "exchange of by-products": (NOTHING, {"resource_circulation": 1.0}),
    "leasing": (NOTHING, {"product_service": 1.0}),
}


def of_the_kind(name: str, quarters: int = 24) -> Played:
    levers, instruments = ENACTED[name]
    world, p = lively(60, **TIRED)
    return run(world, levers, p, quarters=quarters, instruments=instruments)


@pytest.mark.parametrize("name", ENACTED)
def test_a_firm_counts_once_when_it_takes_its_first_measure(name: str) -> None:
    played = of_the_kind(name)
    adopted, supported = (by_measure(played, c) for c in ("adoption_quarter", "supported_quarter"))
    region, quarters = played.world.firms.region, range(24)

    def by_region(first: np.ndarray) -> np.ndarray:
        return np.array([[((first == q) & (region == r)).sum() for q in quarters] for r in (0, 1)])

    with_support = np.where(supported != NEVER, adopted, NEVER)
    assert np.array_equal(played.flow(Flow.ADOPTERS), by_region(adopted.min(axis=0)))
    assert np.array_equal(played.flow(Flow.SUPPORTED_ADOPTERS), by_region(with_support.min(axis=0)))
    assert np.array_equal(played.flow(Flow.SUPPORTED), by_region(supported.min(axis=0)))
    assert (adopted != NEVER).sum() > (adopted != NEVER).any(axis=0).sum() > 0


@pytest.mark.parametrize("name", ENACTED)
def test_flows_of_measures_are_those_of_the_firms_taken_apart(name: str) -> None:
    played = of_the_kind(name)
    adopted, capital = by_measure(played, "adoption_quarter"), by_measure(played, "capital_need_mkrw")
    adopters, invested = (of_measures(played, w) for w in (MeasureFlow.ADOPTERS, MeasureFlow.INVESTMENT))
    for m in range(ALL):
        for q in range(24):
            assert adopters[:, q, m].sum() == (adopted[m] == q).sum()
            assert invested[:, q, m].sum() == pytest.approx(capital[m][adopted[m] == q].sum())
    payers = (Flow.PRIVATE_INVESTMENT, Flow.SUBSIDY, Flow.PROVIDER_INVESTMENT, Flow.INSTRUMENT_SUBSIDY)
    paid = sum(played.flow(payer) for payer in payers)
    assert invested.sum(axis=2) == pytest.approx(paid, rel=1e-9, abs=1e-9)
    direct = of_measures(played, MeasureFlow.DIRECT).sum(axis=2)
    assert direct == pytest.approx(played.flow(Flow.DIRECT), rel=1e-9, abs=1e-9)
    base, log_return = by_measure(played, "benefit_base_mkrw"), by_measure(played, "log_return")
    own = np.nansum(base * np.exp(log_return), where=adopted != NEVER)
    exchanged = played.flow(Flow.DIRECT).sum() / own - 1.0
    if name in ("all instruments", "exchange of by-products"):
        assert exchanged > 1e-4  # partners gained once the other had followed
    else:
        assert abs(exchanged) < 1e-9


@pytest.mark.parametrize("name", ["individual", "cluster", "queue"])
def test_programme_flows_are_those_of_measures_taken_with_support(name: str) -> None:
    played = of_the_kind(name)
    supported = by_measure(played, "supported_quarter") != NEVER
    chosen = supported & (by_measure(played, "adoption_quarter") != NEVER)
    invested = by_measure(played, "capital_need_mkrw")[chosen].sum()
    gained = by_measure(played, "benefit_base_mkrw") * np.exp(by_measure(played, "log_return"))
    assert played.flow(Flow.PROGRAMME_INVESTMENT).sum() == pytest.approx(invested)
    assert played.flow(Flow.PROGRAMME_DIRECT).sum() == pytest.approx(gained[chosen].sum())
    assert invested > 0.0


def test_who_had_adopted_before_counts_by_measure_as_it_does_among_firms() -> None:
    played = run(alone(seed=True), NOTHING, calm())
    assert played.flow(Flow.ADOPTERS)[0, 0] == 1.0
    assert of_measures(played, MeasureFlow.ADOPTERS)[0, 0].tolist() == [1.0] * ALL


def test_who_had_adopted_before_has_all_measures_and_no_money_to_book() -> None:
    played = run(star({"seed": True}, STUBBORN), NOTHING, calm())
    assert by_measure(played, "adoption_quarter")[:, 0].tolist() == [-1] * ALL
    assert played.flow(Flow.ADOPTERS).sum() == 1.0
    assert played.flow(Flow.DIRECT).sum() == 0.0
    assert (by_measure(played, "results_seen")[:, 1] == 1).all()


@pytest.mark.parametrize("seed", [1, 2])
def test_without_a_policy_the_same_accidents_happen_with_and_without_a_choice(seed: int) -> None:
    world, p = lively(100, accident_rate_per_worker_year=0.05)
    package, choosing = (play(world, NOTHING, p, seed, 24) for play in (run_package, run))
    assert np.array_equal(package.flow(Flow.ACCIDENTS), choosing.flow(Flow.ACCIDENTS))
    assert package.flow(Flow.ACCIDENTS).sum() > 20


def test_safety_support_avoids_some_of_the_very_same_accidents() -> None:
    world, p = lively(100, accident_rate_per_worker_year=0.05, safety_hazard_reduction=0.5)
    without, safer = (run(world, policy, p, quarters=24) for policy in (NOTHING, POLICIES["individual"]))
    happened = safer.flow(Flow.ACCIDENTS) + safer.flow(Flow.ACCIDENTS_AVOIDED)
    assert np.array_equal(happened, without.flow(Flow.ACCIDENTS))
    assert safer.flow(Flow.ACCIDENTS_AVOIDED).sum() > 0


# --- 9. the same history --------------------------------------------------------------------------


def test_supporting_nobody_is_no_policy_to_the_bit() -> None:
    world, p = lively(60)
    nobody = Levers(support="cluster", budget_mkrw_per_year=0.0, subsidy_rate=1.0, integrated_safety=1.0)
    for seed in range(3):
        nothing, zero = (run(world, policy, p, seed, 24) for policy in (NOTHING, nobody))
        assert same_course(nothing, zero)
        assert np.array_equal(nothing.state.flow, zero.state.flow)
        assert nothing.adopters() > 0


RING, RINGS = 6, 20


def rings() -> tuple[World, Parameters]:
    """120 firms of all kinds in twenty rings of six; no ring knows of another."""
    world, p = lively(RING * RINGS, ("ulsan",), complex_noise_sd=0.1, mean_log_return=2.0)
    ends = [(ring * RING + k, ring * RING + (k + 1) % RING) for ring in range(RINGS) for k in range(RING)]
    return replace(world, ties=ties_between(world.size, ends)), p


def elsewhere(world: World, firm: int) -> np.ndarray:
    """Rows of all measures of the firms outside the firm's ring."""
    others = np.flatnonzero(np.arange(world.size) // RING != firm // RING)
    return np.add.outer(np.arange(ALL) * world.size, others).ravel()


def test_one_more_supported_firm_changes_its_own_ring_and_nothing_else() -> None:
    world, p = rings()
    changed = beyond_itself = 0
    for seed in range(20):
        few, many = (run(world, individual(n), p, seed, 24) for n in (6, 7))
        firm = int(many.supported()[-1]) % world.size
        assert same_course(few, many, elsewhere(world, firm))
        changed += not same_course(few, many)
        ring = np.arange(firm // RING * RING, firm // RING * RING + RING)
        neighbours = np.add.outer(np.arange(ALL) * world.size, ring[ring != firm]).ravel()
        beyond_itself += not same_course(few, many, neighbours)
    assert changed == 20
    assert beyond_itself >= 5


def test_published_results_do_reach_other_rings() -> None:
    """Control: what keeps the others as they were is that nothing is published."""
    world, p = rings()
    few, many = (run(world, individual(n, publishes_results=True), p, 1, 24) for n in (6, 7))
    assert not same_course(few, many, elsewhere(world, int(many.supported()[-1]) % world.size))


def test_quarters_stepped_one_by_one_are_the_run() -> None:
    world, p = lively(40)
    *_, stepped = step_by_step(world, POLICIES["queue"], p, quarters=24)
    whole = run(world, POLICIES["queue"], p, quarters=24)
    assert same_course(stepped, whole)
    assert np.array_equal(stepped.state.flow, whole.state.flow)


def test_a_longer_horizon_does_not_change_what_came_before() -> None:
    world, p = lively(40)
    short, long = (run(world, POLICIES["cluster"], p, quarters=q) for q in (12, 24))
    assert np.array_equal(short.state.flow, long.state.flow[:, :12])


def experiment(redraw: bool = True) -> Experiment:
    """Four designs on drawn worlds in which firms choose among measures."""
    _, p = lively(40, **TIRED)
    designs = {name: design_of(POLICIES[name]) for name in ("none", "individual", "cluster", "queue")}
    return Experiment(Recipe(("ulsan", "busan")), p, designs, 16, 7, redraw, by_measure=True)


def merged(batches: list[Batch], name: str) -> bytes:
    flows = np.concatenate([batch.flows[name] for batch in batches])
    values = [values_of(batches, name, outcome) for outcome in batches[0].outcomes[name]]
    return flows.tobytes() + np.array(values).tobytes()


@pytest.mark.parametrize("redraw", [True, False])
def test_workers_and_batches_do_not_matter(redraw: bool) -> None:
    e = experiment(redraw)
    stretches = [(0, 2), (2, 1), (3, 2)]

    def on(workers: int) -> list[Batch]:
        with Workers(workers) as crew:
            return list(crew.map(lambda stretch: run_batch(e, *stretch), stretches))

    one, two, whole = on(1), on(2), [run_batch(e, 0, 5)]
    for name in e.designs:
        assert merged(one, name) == merged(two, name) == merged(whole, name)
    assert len({merged(whole, name) for name in e.designs}) == 4
    assert len({flow.tobytes() for flow in whole[0].flows["none"]}) == 5


@pytest.mark.parametrize("only", [("adopters",), ("additional_adopters",), ("energy_saved_toe_per_year",)])
def test_outcomes_asked_for_alone_are_those_asked_for_together(only: tuple[str, ...]) -> None:
    e = experiment()
    some, all_of_them = run_batch(e, 0, 3, only), run_batch(e, 0, 3)
    for name in e.designs:
        assert [flow.tobytes() for flow in some.flows[name]] == [
            flow.tobytes() for flow in all_of_them.flows[name]
        ]
        assert tuple(some.outcomes[name]) == only
        for outcome, values in some.outcomes[name].items():
            assert np.array_equal(values, all_of_them.outcomes[name][outcome])


def test_a_design_is_the_same_whatever_stands_beside_it() -> None:
    e = experiment()
    alone_ = run_batch(e.with_designs({"cluster": e.designs["cluster"]}), 0, 2)
    assert merged([alone_], "cluster") == merged([run_batch(e, 0, 2)], "cluster")


def fingerprints() -> list[str]:
    """Digests of runs with measures; called here and in a Python that does not compile."""
    world, p = lively(8, **TIRED, complementarity_log_return=0.1)
    found = []
    for name in ("none", "individual", "cluster", "queue", "all instruments"):
        levers, instruments = ENACTED[name]
        played = with_measures(world, levers, p, 12, instruments=instruments)
        results = room_for(2, world.size, 2, 12, ALL)
        with np.errstate(all="ignore"):
            seeds = replicate_seeds(1, 0, 2)
            run_into(results, played.state, played.setting, seeds, order_of(world, levers))
        columns = [getattr(played.state, column) for column in COURSE]
        found += [digest(array) for array in (*results, *columns, played.state.spent_mkrw)]
        assert (results.adoption_quarter != NEVER).any()
    return found


def digest(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16]


def test_plain_python_gives_the_compiled_histories_to_the_bit() -> None:
    code = (
        "import json, test_cp_measures as t; from cpdiffusion.engine import phases; "
        "assert not hasattr(phases.quarter, 'py_func'), 'compiled after all'; "
        "print(json.dumps(t.fingerprints()))"
    )
    paths = os.pathsep.join([str(SOURCES), str(Path(__file__).parent)])
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": paths}
    command = [sys.executable, "-W", "ignore::RuntimeWarning", "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == fingerprints()
    assert len(set(fingerprints())) > 30


# --- 10. outcomes -----------------------------------------------------------------------------------


def test_what_is_saved_is_that_of_each_measure_taken() -> None:
    e = experiment()
    world = e.world(0)
    run_ = run_replicate(e, world, 0)["individual"]
    m, p = cp_measures(e.parameters), e.parameters
    column = len(Flow) + MeasureFlow.DIRECT
    direct = run_.flow[:, :, column :: len(MeasureFlow)].sum(axis=(0, 1)) / p.benefit_horizon_years
    found = outcomes_of_one(run_)
    assert found["energy_saved_toe_per_year"] == pytest.approx(
        sum(direct * m.energy_share) / p.energy_price_mkrw_per_toe
    )
    assert found["materials_saved_mkrw_per_year"] == pytest.approx(sum(direct * m.materials_share))
    assert direct.min() > 0.0


def test_a_firm_is_an_adopter_from_its_first_measure_in_every_outcome() -> None:
    e = experiment()
    world = e.world(0)
    results = run_replicate(e, world, 0)
    for run_ in results.values():
        assert run_.adoption_by_measure is not None
        assert run_.adoption_by_measure.shape == (ALL, world.size)
        assert np.array_equal(run_.adoption_quarter, run_.adoption_by_measure.min(axis=0))
        found = outcomes_of_one(run_)
        assert found["adopters"] == (run_.adoption_by_measure != NEVER).any(axis=0).sum()
        assert found["adoption_share"] == pytest.approx(found["adopters"] / world.size)
        assert found["additional_adopters"] == found["adopters"] - (run_.without_policy != NEVER).sum()
    assert outcomes_of_one(results["none"])["additional_adopters"] == 0.0
    assert outcomes_of_one(results["cluster"])["additional_adopters"] > 0.0


# --- 11. the rule written a second time -----------------------------------------------------------

Place = tuple[int, int]  # a firm and a measure


class Plain:
    """Firms and measures in plain loops: one dictionary entry per firm and measure, no instruments."""

    def __init__(self, world: World, levers: Levers, p: Parameters, seed: int) -> None:
        self.f, self.p, self.seed = world.firms, p, seed
        self.d, self.m = design_of(levers), cp_measures(p)
        self.firms, self.kinds, self.regions = range(world.size), range(ALL), range(len(world.regions))
        every = [(i, m) for m in self.kinds for i in self.firms]
        self.adopted: dict[Place, int] = {}
        self.result: dict[Place, float] = {}
        self.precision = dict.fromkeys(every, p.prior_log_return_sd**-2)
        self.sums = {k: p.prior_mean_log_return * self.precision[k] for k in every}
        self.seen = dict.fromkeys(every, 0)
        self.signal: dict[Place, float] = {}
        self.since: dict[Place, int] = {}  # supported since; in order of support
        self.offers: set[Place] = set()  # supported, and still waits for the visit
        self.order: list[int] = []  # firms in order of support
        self.cohort: dict[Place, int] = {}
        self.results: list[Place] = []  # of supported firms, in the order in which they became known
        self.read = dict.fromkeys(every, 0)
        self.spent = dict.fromkeys(self.firms, 0.0)
        self.purse, self.paid = dict.fromkeys(self.regions, 0.0), 0.0
        self.batches: list[list[int]] = []  # [region, quarter, size]
        self.new: list[Place] = []
        self.ties = {i: self.heard_by(world, i) for i in self.firms}
        self.price = {(i, m): self.m.cost_share[m] * self.f.capital_need_mkrw[i] for i, m in every}
        first = priority_of(levers, world)
        self.waiting = sorted(self.firms, key=lambda i: (-first[i], self.draw(Purpose.WAITING_LIST, 0, i)))

    # what is drawn, and what a firm is

    def key(self, purpose: Purpose, when: int, seed: int | None = None) -> np.uint64:
        return np.uint64(draws.stream(np.uint64(self.seed if seed is None else seed), int(purpose), when))

    def draw(self, purpose: Purpose, when: int, place: int) -> float:
        return float(draws.uniform(self.key(purpose, when), place))

    def normal(self, purpose: Purpose, when: int, place: int, seed: int | None = None) -> float:
        return float(draws.standard_normal(self.key(purpose, when, seed), place))

    def row(self, i: int, m: int) -> int:
        return i + m * len(self.firms)

    def heard_by(self, world: World, i: int) -> list[tuple[int, float]]:
        ties, p = world.ties, self.p
        found = []
        for t in range(ties.start[i], ties.start[i + 1]):
            j, layer = int(ties.target[t]), LAYERS[ties.layer[t]]
            alike = 1.0 if self.f.sector[i] == self.f.sector[j] else p.cross_sector_similarity
            variance = p.firm_log_return_sd**2 + p[f"{layer}_noise_sd"] ** 2
            found.append((j, ties.weight[t] * p[f"{layer}_visibility"] * alike / variance))
        return found

    def own_return(self, i: int, m: int) -> float:
        """Expected log return above what the measure returns on average."""
        p, sd = self.p, self.p.firm_log_return_sd
        alike = p.measure_return_correlation
        other = self.normal(Purpose.MEASURE_POTENTIAL, 0, self.row(i, m), WORLD_SEED)
        shared = self.f.potential_log_return[i] + 0.5 * sd**2
        potential = -0.5 * sd**2 + math.sqrt(alike) * shared + math.sqrt(1 - alike) * sd * other
        larger = math.log(self.f.capital_need_mkrw[i] / p.capital_need_mean_mkrw)
        return p.mean_log_return + potential - p.investment_elasticity * larger

    # learning

    def learn(self, k: Place, log_return: float, precision: float, example: bool = True) -> None:
        self.precision[k] += precision
        self.sums[k] += precision * log_return
        self.seen[k] += example and precision > 0

    def reveal(self, now: int) -> None:
        due = now - int(self.p.reveal_lag_quarters)
        if self.d.publishes and now % 4 == 0:
            for region in self.regions:
                self.publish(region, due)
        for (i, m), when in list(self.adopted.items()):
            if when == due:
                self.tell(i, m)
        if self.d.learning_group > 1:
            self.results += [(i, m) for i in self.order for m in self.kinds
                             if self.adopted.get((i, m)) == due and (i, m) in self.since]  # fmt: skip
            for j in self.order:
                for m in self.kinds:
                    if (j, m) in self.since and (j, m) not in self.adopted:
                        self.listen_in_cohort((j, m))

    def publish(self, region: int, due: int) -> None:
        fresh = [k for k in self.since if self.f.region[k[0]] == region
                 and due - 4 < self.adopted.get(k, 10**6) <= due]  # fmt: skip
        if not fresh:
            return
        average, p = sum(self.result[k] for k in fresh) / len(fresh), self.p
        variance = p.firm_log_return_sd**2 / len({i for i, _ in fresh}) + p.published_noise_sd**2
        for k in self.precision:
            if self.f.region[k[0]] == region and k not in self.cohort and k not in self.adopted:
                self.learn(k, average, p.published_visibility / variance, example=False)

    def tell(self, i: int, m: int) -> None:
        for j, precision in self.ties[i]:
            together = (i, m) in self.cohort and self.cohort.get((j, m)) == self.cohort[i, m]
            if (j, m) not in self.adopted and not together:
                self.learn((j, m), self.result[i, m], precision)
        for n in self.kinds:
            if n != m and (i, n) not in self.adopted:
                self.learn((i, n), self.result[i, m], self.own_precision())

    def own_precision(self) -> float:
        return self.p.measure_return_correlation / self.p.firm_log_return_sd**2

    def speaks_for(self, peer: Place, k: Place) -> bool:
        return peer[1] == k[1] and self.cohort[peer] == self.cohort[k]

    def listen_in_cohort(self, k: Place) -> None:
        p, left = self.p, self.p.cohort_exchanges_per_quarter
        while left and self.read[k] < len(self.results):
            peer = self.results[self.read[k]]
            self.read[k] += 1
            known = self.adopted[peer] + p.reveal_lag_quarters <= self.since[k] and (
                k[0] in [j for j, _ in self.ties[peer[0]]]
            )
            if self.speaks_for(peer, k) and not known:
                same = self.f.sector[peer[0]] == self.f.sector[k[0]]
                alike = p.cohort_visibility * (1.0 if same else p.cross_sector_similarity)
                self.learn(k, self.result[peer], alike / (p.firm_log_return_sd**2 + p.cohort_noise_sd**2))
                left -= 1

    # deciding

    def order_of_measures(self) -> list[int]:
        return list(self.kinds)

    def convinced(self, k: Place, subsidy: float, hassle: float, more: float) -> bool:
        (i, m), p = k, self.p
        if self.f.waits_for_example[i] and not self.seen[k] and k not in self.since:
            return False
        mean = self.sums[k] / self.precision[k]
        variance = 1 / self.precision[k] + p.firm_log_return_sd**2
        if k in self.signal:
            weight = variance / (variance + p.diagnosis_noise_sd**2 / self.d.adviser_skill)
            mean, variance = mean + weight * (self.signal[k] - mean), (1 - weight) * variance
        cost = 1 - subsidy + hassle
        hurdle = math.log(p.benefit_horizon_years / self.f.accepted_payback_years[i])
        z = mean + more + self.m.log_return[m] - self.m.difficulty[m] - hurdle
        z -= p.first_cost_weight * math.log(cost)
        own = (1 - subsidy) * self.price[k]
        if NormalDist().cdf(z / math.sqrt(variance)) < self.f.required_confidence[i]:
            return False
        if own > self.f.liquidity_mkrw[i] - self.spent[i]:
            return False
        self.spent[i] += own
        return True

    def review(self, now: int) -> None:
        p, willing = self.p, []
        for m in self.order_of_measures():
            for i in self.firms:
                draw = self.draw(Purpose.REVIEW, now, i)
                if (i, m) in self.adopted or draw >= p.review_rate_per_quarter:
                    continue
                acts = draw < p.review_rate_per_quarter * p.act_anyway_probability
                anyway = acts and (i, m) == self.open_measures(i)[0]
                if self.convinced((i, m), 0.0, p.hassle_cost_share, 0.0) or anyway:
                    willing.append((i, m))
        for i, m in willing:
            if (i, m) in self.offers:
                self.withdraw((i, m))
            self.adopted[i, m] = now
            self.new.append((i, m))
        self.realise(now)

    def realise(self, now: int) -> None:
        for i, m in self.new:
            luck = self.normal(Purpose.REGION_YEAR, now // 4, self.f.region[i])
            self.result[i, m] = self.own_return(i, m) + self.p.region_year_log_return_sd * luck
            if (i, m) in self.signal:
                self.result[i, m] += self.skill_gain
        self.new = []

    # the programme

    @property
    def skill_gain(self) -> float:
        return (self.d.adviser_skill - 1) * self.p.skill_log_return_gain

    def open_measures(self, i: int) -> list[Place]:
        return [(i, m) for m in self.order_of_measures() if (i, m) not in self.adopted]

    def reserve(self, i: int) -> float:
        return self.d.subsidy_rate * sum(self.price[k] for k in self.open_measures(i))

    def withdraw(self, k: Place) -> None:
        self.offers.remove(k)
        self.purse[self.f.region[k[0]]] += self.d.subsidy_rate * self.price[k]

    def advice(self, members: int) -> float:
        p, n = self.p, members
        cost = p.individual_advice_cost_mkrw * n
        if self.d.batch > 1:  # a group in proportion to the batch
            cost = p.cohort_fixed_cost_mkrw + p.cohort_cost_per_firm_mkrw * n if n > 1 else cost
            cost += p.coordination_cost_per_pair_mkrw * n * (n - 1) / 2
        return cost * (1 + self.d.integrated_safety * p.safety_advice_cost_share)

    def support(self, now: int) -> None:
        d = self.d
        first, last = 4 * (d.first_year - 1), 4 * (d.first_year + d.programme_years - 2)
        if not d.budget_mkrw_per_year or now < first:
            return
        new_year = now % 4 == 0 and now <= last
        for region in self.regions:
            self.purse[region] += new_year * d.budget_mkrw_per_year
        whole = d.adviser_capacity_firms_per_quarter
        visits = dict.fromkeys(self.regions, whole)
        self.let_go(now)
        while True:
            before = len(self.order)
            for region in self.regions if new_year or now >= last else ():
                self.take_in(region, now, now >= last)
            self.visit_all(visits, now)
            if len(self.order) == before or now < last:
                return

    def take_in(self, region: int, now: int, last_year: bool) -> None:
        while True:
            queue = [i for i in self.waiting if self.f.region[i] == region and self.open_measures(i)]
            sizes = range(1, min(self.d.batch, len(queue)) + 1)
            money = self.purse[region] + 1e-9
            paid = [n for n in sizes if self.advice(n) + sum(map(self.reserve, queue[:n])) <= money]
            n = max(paid, default=0)
            if n == 0 or (n < self.d.batch and not last_year and n < len(queue)):
                break
            self.batches.append([region, now, 0])
            for i in queue[:n]:
                self.join(i, len(self.batches) - 1, now)
        while last_year and self.d.batch > 1 and self.widen(region, now):
            pass

    def widen(self, region: int, now: int) -> bool:
        queue = [i for i in self.waiting if self.f.region[i] == region and self.open_measures(i)]
        last, money = 4 * (self.d.first_year + self.d.programme_years - 2), self.purse[region] + 1e-9
        fitting = [
            (size, b) for b, (where, when, size) in enumerate(self.batches)
            if queue and where == region and when >= last and size + 1 < self.d.batch + WIDENING_ROOM
            and self.advice(size + 1) - self.advice(size) + self.reserve(queue[0]) <= money
        ]  # fmt: skip
        if fitting:
            self.join(queue[0], min(fitting)[1], now)
        return bool(fitting)

    def join(self, i: int, batch: int, now: int) -> None:
        size, region = self.batches[batch][2], self.f.region[i]
        cost = self.advice(size + 1) - self.advice(size)
        self.purse[region] -= cost + self.reserve(i)
        self.paid += cost
        self.batches[batch][2] += 1
        self.waiting.remove(i)
        self.order.append(i)
        for k in self.open_measures(i):
            self.since[k] = now
            self.offers.add(k)
            if self.d.learning_group > 1:
                self.cohort[k] = batch

    def let_go(self, now: int) -> None:
        for k in sorted(self.offers):
            staying = (1 - self.p.queue_dropout_per_quarter) ** (now - self.since[k])
            if self.draw(Purpose.DROP_OUT, 0, k[0]) >= staying:
                self.withdraw(k)

    def visit_all(self, visits: dict[int, float], now: int) -> None:
        visited = []
        for i in self.order:
            offered = [(i, m) for m in self.order_of_measures() if (i, m) in self.offers]
            if offered and visits[self.f.region[i]] >= 1:
                visits[self.f.region[i]] -= 1
                visited += offered
        d, p = self.d, self.p
        hassle = p.hassle_cost_share * (1 - d.integrated_safety * p.safety_hassle_reduction)
        for i, m in visited:
            error = self.normal(Purpose.DIAGNOSIS, 0, i)
            error *= p.diagnosis_noise_sd / math.sqrt(d.adviser_skill)
            self.signal[i, m] = self.own_return(i, m) + self.skill_gain + error
        for k in visited:
            if self.convinced(k, d.subsidy_rate, hassle, d.integrated_safety * p.safety_log_benefit):
                self.offers.remove(k)
                self.paid += d.subsidy_rate * self.price[k]
                self.adopted[k] = now
                self.new.append(k)
            else:
                self.withdraw(k)
        self.realise(now)

    def renew_means(self, now: int) -> None:
        if now % 4 == 0:
            self.spent = dict.fromkeys(self.firms, 0.0)

    def run(self, quarters: int) -> Plain:
        for now in range(quarters):
            self.renew_means(now)
            self.reveal(now)
            self.support(now)
            self.review(now)
        return self

    def quarters_of_adoption(self) -> list[list[int]]:
        return [[self.adopted.get((i, m), NEVER) for i in self.firms] for m in self.kinds]


def priority_of(levers: Levers, world: World) -> list[int]:
    return [int(level) for level in order_of(world, levers)]


def small(seed: int) -> tuple[World, Parameters]:
    """Thirty firms in two regions, tied closely, so that much is learned and much is out of reach."""
    settings = lively(15, **TIRED, cohort_exchanges_per_quarter=2)[1]
    return Recipe(("ulsan", "busan")).build(seed, settings), settings


@functools.cache
def engines(policy: str, seed: int) -> Played:
    world, p = small(seed)
    return run(world, POLICIES[policy], p, seed, quarters=20)


@pytest.mark.parametrize("policy", POLICIES)
def test_plain_loops_take_every_measure_of_every_firm_in_the_same_quarter(policy: str) -> None:
    for seed in range(1, 5):
        world, p = small(seed)
        with np.errstate(over="ignore"):
            plain = Plain(world, POLICIES[policy], p, seed).run(20)
        played = engines(policy, seed)
        assert plain.quarters_of_adoption() == by_measure(played, "adoption_quarter").tolist()
        spent = played.flow(Flow.ADVICE).sum() + played.flow(Flow.SUBSIDY).sum()
        assert plain.paid == pytest.approx(spent, abs=1e-6)
        assert list(plain.purse.values()) == pytest.approx(played.state.purse_mkrw.tolist(), abs=1e-6)
        assert list(plain.spent.values()) == pytest.approx(played.state.spent_mkrw.tolist(), abs=1e-6)
        found = {k: float(by_measure(played, "log_return")[k[1], k[0]]) for k in plain.result}
        assert plain.result == pytest.approx(found)
        belief = by_measure(played, "weighted_sum")
        undecided = [k for k in plain.sums if k not in plain.adopted]
        assert [plain.sums[k] for k in undecided] == pytest.approx([belief[m, i] for i, m in undecided])
        supported = by_measure(played, "supported_quarter")
        assert {(i, m): when for (i, m), when in plain.since.items()} == {
            (int(i), int(m)): int(supported[m, i]) for m, i in np.argwhere(supported != NEVER)
        }


class DeafToItself(Plain):
    def own_precision(self) -> float:
        return 0.0


class HardOnesFirst(Plain):
    def order_of_measures(self) -> list[int]:
        return list(self.kinds)[::-1]


class MeansOnce(Plain):
    def renew_means(self, now: int) -> None:
        """What is spent is gone for good."""


class AllInOneCohort(Plain):
    def speaks_for(self, peer: Place, k: Place) -> bool:
        return self.cohort[peer] == self.cohort[k]


class MeansWithoutEnd(Plain):
    def renew_means(self, now: int) -> None:
        self.spent = dict.fromkeys(self.firms, 0.0)


@pytest.mark.parametrize(
    ("wrong", "policy"),
    [(DeafToItself, "none"), (HardOnesFirst, "individual"), (MeansOnce, "none"),
     (AllInOneCohort, "cluster, unpaid"), (MeansWithoutEnd, "none")],
)  # fmt: skip
def test_a_rule_a_little_wrong_would_be_noticed(wrong: type[Plain], policy: str) -> None:
    """Control that must fail: the same comparison with one thing changed."""
    different = 0
    for seed in range(1, 5):
        world, p = small(seed)
        with np.errstate(over="ignore"):
            plain = wrong(world, POLICIES[policy], p, seed).run(20)
        different += plain.quarters_of_adoption() != taken_in(engines(policy, seed))
    assert different >= 2


def test_the_small_worlds_hold_measures_taken_early_late_and_never() -> None:
    for policy in POLICIES:
        adopted = np.array([taken_in(engines(policy, seed)) for seed in range(1, 5)])
        assert 0.1 < (adopted == NEVER).mean() < 0.9
        assert len(np.unique(adopted)) > 10


# --- 12. settings ---------------------------------------------------------------------------------

QUICK = [
    "scenarios=[none,cluster_25]", "parameters.firms_per_region=200", "horizon_years=5", "progress=false",
    "figures=false", "turning=false", "why=false", "replicates.at_least=2", "replicates.at_most=2",
]  # fmt: skip


def refused(capsys: pytest.CaptureFixture[str], folder: Path, *words: str) -> str:
    """The sentence with which a command is refused, before anything is computed."""
    code = main([*QUICK, f"out={folder}/out", *words])
    said = capsys.readouterr()
    assert code == 2, said.out
    assert said.out == ""
    assert not (folder / "out").exists()
    assert said.err.startswith("cpdiffusion: ")
    assert said.err.count("\n") == 1
    assert said.err.strip()[-1] in ".?"
    return said.err


@pytest.mark.parametrize("behaviour", ["threshold", "bass", "cascade"])
def test_a_rule_that_weighs_no_measures_is_refused_with_the_catalogue(
    behaviour: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sentence = refused(capsys, tmp_path, "measures=catalogue", f"behaviour={behaviour}")
    for piece in ("measures=catalogue", f"behaviour={behaviour}", "measures=package"):
        assert piece in sentence


def test_the_catalogue_is_accepted_with_the_main_rule(tmp_path: Path) -> None:
    """Control: what is refused below is refused for its own reason."""
    assert main([*QUICK, "measures=catalogue", f"out={tmp_path}/out"]) == 0
    assert (tmp_path / "out" / "comparison.csv").exists()


WRONG_SETTINGS = {
    "an unknown choice": (["measures=catalog"], ["measures", "catalog", "'catalogue'"]),
    "a number": (["measures=7"], ["measures", "'package'"]),
    "an unknown number of a measure": (
        ["measures=catalogue", "parameters.good_housekeping_energy=1"], ["good_housekeeping_energy"]
    ),
    "a share beyond its range": (
        ["measures=catalogue", "parameters.product_design_cost_share=0.9"],
        ["product_design_cost_share", "0.9"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG_SETTINGS)
def test_a_wrong_setting_of_measures_is_refused_in_one_sentence(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words, pieces = WRONG_SETTINGS[case]
    sentence = refused(capsys, tmp_path, *words)
    assert not [piece for piece in pieces if piece not in sentence], sentence


def test_numbers_of_measures_do_not_matter_to_the_package() -> None:
    other = {parameter.name: parameter.high for parameter in MEASURES}
    for by_measure_, alike in ((False, True), (True, False)):  # the second is the control
        e = replace(experiment(), by_measure=by_measure_)
        one, two = (run_batch(x, 0, 1) for x in (e, e.with_parameters(Parameters({**e.parameters, **other}))))
        assert (merged([one], "cluster") == merged([two], "cluster")) == alike
