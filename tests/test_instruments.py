"""Every policy instrument: what it does, to whom, when, at what cost, and that at zero it does nothing.

Each effect is shown beside a control in which it must be absent. With ``DEAF`` parameters no result
is visible, so firms do not influence each other and an instrument can reach only those it concerns.
"""

from __future__ import annotations

import functools
import itertools
import math
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpdiffusion import draws
from cpdiffusion.behaviour.classic import Behaviour
from cpdiffusion.cli import main
from cpdiffusion.config import folder_of, load
from cpdiffusion.draws import Purpose, replicate_seeds
from cpdiffusion.engine.mesa_model import DiffusionModel
from cpdiffusion.engine.phases import quarter
from cpdiffusion.engine.run import Runs, room_for, run_into
from cpdiffusion.engine.run import run as run_compiled
from cpdiffusion.engine.setting import columns_of, rule_of, setting_of
from cpdiffusion.engine.start import start
from cpdiffusion.engine.state import BEFORE, GONE, NEVER, Flow, new_state
from cpdiffusion.errors import InputError
from cpdiffusion.instruments.catalogue import CATALOGUE
from cpdiffusion.instruments.checks import require_consistent
from cpdiffusion.instruments.circles import Meetings, exchange_partners, round_tables
from cpdiffusion.instruments.enacting import terms_of
from cpdiffusion.instruments.enactment import Enactment, Enactments, in_order
from cpdiffusion.outcomes.catalogue import outcomes_of_one
from cpdiffusion.outcomes.experiment import Experiment, run_batch, run_replicate
from cpdiffusion.outcomes.why import coalitions, mixtures, shapley
from cpdiffusion.parameters import Parameters, parameters
from cpdiffusion.policy.advised import advised
from cpdiffusion.policy.design import Design, channel_words, design_of, differing_channels, mixture
from cpdiffusion.policy.levers import Levers
from cpdiffusion.policy.programme import programme_of
from cpdiffusion.policy.scenarios import load_scenario
from cpdiffusion.policy.targeting import priority
from cpdiffusion.runner.parallel import Workers
from cpdiffusion.studies.setup import plan
from cpdiffusion.terms import LEFT, NO_PARTNER, Term, Terms
from cpdiffusion.world.world import Recipe, World
from small_worlds import (
    EAGER,
    NOTHING,
    STUBBORN,
    SUPPORT_ONLY,
    Played,
    alone,
    calm,
    changed,
    cluster,
    firms_like,
    individual,
    pair,
    same_course,
    strangers,
    synthetic,
    ties_between,
    world_of,
)

SOURCES = Path(__file__).resolve().parents[1] / "model"
FULL = Enactment(strength=1.0)
ADVISING = [name for name, instrument in CATALOGUE.items() if instrument.advises]
DIRECT = [name for name in CATALOGUE if name not in ADVISING]  # those that reach firms themselves
SMART = ["clean_factory", "resource_circulation", "safety_control_centre", "shared_digital"]
EXPORT = ["export_packages", "carbon_border", "customs_information"]
PUBLIC = ["green_procurement", "procurement_network"]
TOGETHER = {name: 0.7 for name in CATALOGUE if name != "green_procurement"}  # all that can be combined
Given = Mapping[str, float | Enactment]


# --- running with instruments -------------------------------------------------------------------


def enacted(instruments: Given) -> Enactments:
    """Strengths, or whole enactments, as a design holds them."""
    return in_order(
        {name: e if isinstance(e, Enactment) else Enactment(strength=e) for name, e in instruments.items()}
    )


def terms_on(world: World, instruments: Given, p: Parameters, quarters: int = 24, seed: int = 1) -> Terms:
    """Terms of the instruments on a world whose draws have ``seed``."""
    mean = np.full(len(world.regions), p.mean_log_return)
    with np.errstate(over="ignore"):
        return terms_of(enacted(instruments), world, p, quarters, seed, mean)


def held(terms: Terms, term: Term) -> np.ndarray:
    """A term of every firm in every quarter, shape (Q, N)."""
    return terms.rows[terms.row[:, term]]


def policy_of(instruments: Given, levers: Levers | Design, p: Parameters) -> Design:
    design = levers if isinstance(levers, Design) else design_of(levers)
    return advised(replace(design, instruments=enacted(instruments)), p)


def prepared(
    world: World, instruments: Given, p: Parameters, levers: Levers | Design = NOTHING, quarters: int = 12,
    behaviour: Behaviour = Behaviour.PEER_BENEFIT,
) -> Played:  # fmt: skip
    design, mean = policy_of(instruments, levers, p), np.full(len(world.regions), p.mean_log_return)
    terms = terms_on(world, dict(design.instruments), p, quarters)
    columns = columns_of(world, p, mean)
    setting = setting_of(columns, rule_of(p, behaviour), programme_of(design, p), terms)
    return Played(world, p, setting, new_state(world.size, len(world.regions), quarters))


def play(
    world: World, instruments: Given, p: Parameters, levers: Levers | Design = NOTHING, seed: int = 1,
    quarters: int = 12, behaviour: Behaviour = Behaviour.PEER_BENEFIT,
) -> Played:  # fmt: skip
    """One run under levers and instruments; what instruments draw has seed 1 whatever the run's seed."""
    played = prepared(world, instruments, p, levers, quarters, behaviour)
    order = priority(policy_of(instruments, levers, p).targeting, world)
    with np.errstate(over="ignore"):
        run_compiled(played.state, played.setting, np.uint64(seed), order)
    return played


def steps(
    world: World, instruments: Given, p: Parameters, levers: Levers | Design = NOTHING, seed: int = 1,
    quarters: int = 12,
) -> Iterator[Played]:  # fmt: skip
    """The same run, shown after each of its quarters."""
    played = prepared(world, instruments, p, levers, quarters)
    order = priority(policy_of(instruments, levers, p).targeting, world)
    with np.errstate(over="ignore"):
        start(played.state, played.setting, np.uint64(seed), order)
        for now in range(quarters):
            quarter(played.state, played.setting, now)
            yield played


def adoption(played: Played) -> list[int]:
    return played.state.adoption_quarter.tolist()


def sums(played: Played, firm: int) -> tuple[float, float]:
    return float(played.state.precision[firm]), float(played.state.weighted_sum[firm])


def lot(seed: int, purpose: Purpose, position: int) -> float:
    with np.errstate(over="ignore"):
        return draws.uniform(np.uint64(draws.stream(np.uint64(seed), int(purpose), 0)), position)


def same_run(one: Played, other: Played) -> bool:
    return same_course(one, other) and np.array_equal(one.state.flow, other.state.flow)


# --- worlds -------------------------------------------------------------------------------------

DEAF = {f"{way}_visibility": 0.0 for way in ("supply_chain", "complex", "sector", "cohort", "published")}
MIXED = {  # many firms of every kind, half of which adopt by themselves; effects near their upper end
    "past_violation_share": 0.4, "exporter_share": 0.6, "public_seller_share": 0.6,
    "firms_per_complex": 20, "smart_complex_share": 0.5, "technology_match_share": 0.5,
    "round_table_share": 0.5, "circulation_match_share": 0.8, "waits_for_example_share": 0.0,
    "prior_mean_log_return": 1.4, "mean_log_return": 2.5, "review_rate_per_quarter": 0.5,
    "hassle_cost_share": 0.4, "accident_rate_per_worker_year": 0.03,
    "violation_log_benefit": 0.6, "export_rule_log_benefit": 1.0, "public_demand_log_benefit": 1.5,
    "carbon_border_log_benefit": 1.5, "customs_information_precision": 0.5, "technology_log_return": 0.8,
    "shared_digital_hassle_reduction": 0.6, "circulation_log_return": 0.4,
}  # fmt: skip


@functools.cache
def mixed(**changes: float) -> tuple[World, Parameters]:
    """400 firms in two regions of ten complexes each, half of them smart."""
    return synthetic(200, ("ulsan", "busan"), **{**MIXED, **changes})


def deaf(**changes: float) -> tuple[World, Parameters]:
    return mixed(**DEAF, **changes)


QUEUE = Levers(
    support="cluster", cohort_size=10, subsidy_rate=0.3, integrated_safety=0.5,
    adviser_capacity_firms_per_quarter=5, budget_mkrw_per_year=900.0, programme_years=3,
)  # fmt: skip


# --- 1. strength zero is absence ----------------------------------------------------------------


@pytest.mark.parametrize("name", CATALOGUE)
def test_an_instrument_of_strength_zero_is_absent_to_the_bit(name: str) -> None:
    world, p = mixed()
    for seed in (1, 2):
        absent, zero, full = (
            play(world, instruments, p, QUEUE, seed, 20) for instruments in ({}, {name: 0.0}, {name: 1.0})
        )
        assert same_run(absent, zero)
        assert not np.array_equal(absent.state.flow, full.state.flow)  # control
        assert absent.adopters() > 20


NEUTRAL = {
    "adviser_training": ["adviser_training_skill_gain", "adviser_training_capacity_gain"],
    "round_table": ["round_table_visibility"],
    **{name: [e.parameter for e in CATALOGUE[name].effects] for name in DIRECT if name != "round_table"},
}


@pytest.mark.parametrize("name", NEUTRAL)
def test_an_instrument_whose_effects_are_zero_costs_money_and_changes_nothing_else(name: str) -> None:
    """The lower end of their ranges: enacted at full strength, so the engine goes through it all."""
    waiting = {"waits_for_example_share": 0.7, "reveal_lag_quarters": 1}
    world, p = mixed(**waiting)
    zero = Parameters({**p, **dict.fromkeys(NEUTRAL[name], 0.0)})
    absent, none, full = (
        play(world, instruments, q, QUEUE, quarters=20)
        for instruments, q in (({}, p), ({name: FULL}, zero), ({name: FULL}, p))
    )
    assert not np.array_equal(absent.state.flow, full.state.flow)  # control
    assert same_course(absent, none)
    costs = none.flow(Flow.INSTRUMENTS)
    assert (costs.sum() > 0.0) == (CATALOGUE[name].cost is not None)
    rest = [flow for flow in Flow if flow is not Flow.INSTRUMENTS]
    assert np.array_equal(absent.state.flow[:, :, rest], none.state.flow[:, :, rest])


SCENARIO = "title: T\nstands_for: S\nsource: me\nlevers: {{support: cluster, cohort_size: 20}}\n{}"


def own_scenario(folder: Path, instruments: str = "", name: str = "mine") -> str:
    path = folder / f"{name}.yaml"
    path.write_text(SCENARIO.format(f"instruments:\n{instruments}" if instruments else ""), "utf-8")
    return str(path)


def experiment_of(*words: str) -> Experiment:
    quick = ["parameters.firms_per_region=200", "horizon_years=5"]
    return plan(load([*quick, *words]), folder_of("scenarios")).experiment


def test_a_scenario_file_with_every_instrument_at_zero_is_the_file_without_them(tmp_path: Path) -> None:
    zeros = "".join(f"  {name}: {{strength: 0, first_year: 2, years: 1}}\n" for name in CATALOGUE)
    small = "  environmental_law: {strength: 0.01}\n"
    paths = [
        own_scenario(tmp_path, text, name)
        for name, text in (("plain", ""), ("zeros", zeros), ("small", small))
    ]
    experiment = experiment_of(f"scenarios=[{','.join(paths)}]")
    designs = experiment.designs
    assert designs["plain"] == designs["zeros"] != designs["small"]
    world = experiment.world(0)
    runs = run_replicate(experiment, world, 0)
    assert np.array_equal(runs["plain"].flow, runs["zeros"].flow)
    assert np.array_equal(runs["plain"].adoption_quarter, runs["zeros"].adoption_quarter)


@pytest.mark.parametrize("word", ["false", "no", "off", "[]", "''", "", "true"])
def test_an_instrument_is_not_switched_on_or_off_by_a_word(word: str, tmp_path: Path) -> None:
    """YAML reads 'off' as false, and what is empty as nothing: neither may become a strength."""
    own_scenario(tmp_path, f"  round_table: {word}\n")
    with pytest.raises(InputError, match=r"mine\.yaml: .*round_table"):
        load_scenario("mine", tmp_path)


def test_a_number_is_a_strength_and_what_is_not_said_is_everywhere_at_full_strength(tmp_path: Path) -> None:
    own_scenario(tmp_path, "  round_table: {}\n  clean_factory: 0.5\n  carbon_border: {first_year: 2}\n")
    assert load_scenario("mine", tmp_path).instruments == {
        "round_table": FULL,
        "clean_factory": Enactment(strength=0.5),
        "carbon_border": Enactment(first_year=2),
    }
    changed_ = load_scenario("mine", tmp_path, {"round_table": 0.3, "cohort_size": 7})
    assert changed_.instruments["round_table"] == Enactment(strength=0.3)
    assert changed_.instruments["clean_factory"] == Enactment(strength=0.5)
    assert changed_.levers.cohort_size == 7


# --- 2. directions ------------------------------------------------------------------------------

MORE_ADOPTERS = [name for name in DIRECT if name != "safety_control_centre"]


def adopters(world: World, instruments: Given, p: Parameters, quarters: int = 24) -> int:
    return sum(play(world, instruments, p, seed=seed, quarters=quarters).adopters() for seed in range(3))


@pytest.mark.parametrize("name", MORE_ADOPTERS)
def test_more_of_an_instrument_means_strictly_more_adopters(name: str) -> None:
    world, p = deaf()
    counts = [adopters(world, {name: strength}, p) for strength in (0.0, 0.4, 1.0)]
    assert counts[0] < counts[1] < counts[2], counts
    assert counts[0] > 100


def is_smart(world: World, p: Parameters) -> np.ndarray:
    return np.array([rank < 1.0 for rank in ranks(world, p)])


def ranks(world: World, p: Parameters, seed: int = 1) -> list[float]:
    """Place of each firm's complex in its region by lot, in units of the smart ones."""
    place: dict[int, float] = {}
    for region in range(len(world.regions)):
        here = sorted(set(world.firms.complex[world.firms.region == region].tolist()))
        smart = max(1, round(p.smart_complex_share * len(here)))
        by_lot = sorted(here, key=lambda k: lot(seed, Purpose.SMART_COMPLEX, k))
        place |= {k: position / smart for position, k in enumerate(by_lot)}
    return [place[k] for k in world.firms.complex.tolist()]


SIX = ("chemicals", "metals", "fabricated_metal", "machinery", "vehicles", "electronics")


def concerned(name: str, world: World, p: Parameters) -> np.ndarray:
    """Whom an instrument concerns, from the firms' own columns and lots, shape (N,)."""
    firms, rows = world.firms, range(world.size)
    if name == "environmental_law":
        return firms.past_violation
    if name in EXPORT:
        return firms.export_share > 0.0
    if name in PUBLIC:
        return firms.public_sales_share > 0.0
    if name == "product_service":
        return firms.liquidity_mkrw < firms.capital_need_mkrw
    if name == "round_table":
        return np.array([lot(1, Purpose.ROUND_TABLE, k) < p.round_table_share for k in rows])
    if name == "technology_cooperation":
        matched = [lot(1, Purpose.TECHNOLOGY_MATCH, k) < p.technology_match_share for k in rows]
        return np.array([world.sectors[s] in SIX for s in firms.sector]) & matched
    return is_smart(world, p)


@pytest.mark.parametrize("name", DIRECT)
def test_firms_that_an_instrument_does_not_concern_go_their_way(name: str) -> None:
    world, p = deaf()
    whom = concerned(name, world, p)
    assert 40 < whom.sum() < 360
    without, with_it = (play(world, instruments, p, quarters=24) for instruments in ({}, {name: 1.0}))
    assert same_course(without, with_it, ~whom)
    if name != "safety_control_centre":
        assert not same_course(without, with_it, whom)
    assert without.adopters() > 50


NOBODY_CONCERNED: dict[str, dict[str, Any]] = {
    "environmental_law": {"past_violation": False},
    **{name: {"export_share": 0.0} for name in EXPORT},
    **{name: {"public_sales_share": 0.0} for name in PUBLIC},
    "product_service": {"liquidity_mkrw": 1e9},
    "technology_cooperation": {"sector": np.int32(1)},  # textiles are not among the six
    "resource_circulation": {"sector": np.int32(3)},  # partners must be of different sectors
}


@pytest.mark.parametrize("name", NOBODY_CONCERNED)
def test_where_an_instrument_concerns_nobody_it_does_nothing(name: str) -> None:
    drawn, p = mixed()
    world = changed(drawn, **NOBODY_CONCERNED[name])
    assert same_course(*(play(world, instruments, p, quarters=24) for instruments in ({}, {name: 1.0})))
    some, all_ = (play(drawn, instruments, p, quarters=24) for instruments in ({}, {name: 1.0}))
    assert not same_course(some, all_)  # control: the drawn world has such firms


@pytest.mark.parametrize("name", DIRECT)
def test_an_instrument_for_a_sector_or_a_region_reaches_no_other(name: str) -> None:
    """Sector 3 is metals, of both first and high-emission sectors; region 1 is Busan."""
    world, p = deaf()
    metals, busan = world.firms.sector == 3, world.firms.region == 1
    absent = play(world, {}, p, quarters=24)
    for limits, inside in (({"sectors": ("metals",)}, metals), ({"regions": ("busan",)}, busan)):
        limited = play(world, {name: Enactment(**limits)}, p, quarters=24)
        assert same_course(absent, limited, ~inside)
        if name == "safety_control_centre":
            avoided = limited.flow(Flow.ACCIDENTS_AVOIDED).sum(axis=1)
            assert avoided[1] > 0.0
            assert "regions" not in limits or avoided[0] == 0.0
        elif not (name == "resource_circulation" and "sectors" in limits):  # no partner of another sector
            assert not same_course(absent, limited, inside)
    nowhere = changed(world, sector=np.int32(0))  # control: no metals at all
    without = play(nowhere, {}, p, quarters=24)
    assert same_course(without, play(nowhere, {name: Enactment(sectors=("metals",))}, p, quarters=24))


def test_a_safety_control_centre_avoids_some_of_the_very_same_accidents_and_moves_nothing_else() -> None:
    world, p = mixed()
    plain, half, full = (
        play(world, {"safety_control_centre": strength}, p, quarters=40) for strength in (0.0, 0.5, 1.0)
    )
    happened = [played.flow(Flow.ACCIDENTS).sum() for played in (plain, half, full)]
    assert happened[0] > happened[1] > happened[2]
    avoided = full.flow(Flow.ACCIDENTS_AVOIDED)
    assert np.array_equal(plain.flow(Flow.ACCIDENTS), full.flow(Flow.ACCIDENTS) + avoided)
    assert plain.flow(Flow.ACCIDENTS_AVOIDED).sum() == 0.0
    assert same_course(plain, full)


def test_a_centre_avoids_its_share_of_accidents_in_smart_complexes_and_none_elsewhere() -> None:
    """3000 firms, two complexes of which one is smart: 0.4 of the accidents there."""
    size = 3000
    firms = firms_like(size, complex=np.arange(size) % 2, employees=100, hazard_class=2)
    world = replace(world_of(firms), complexes=("a", "b"), regions=("region 0",))
    p = calm(control_centre_hazard_reduction=0.4, control_centre_first_share=1.0, smart_complex_share=0.5)
    smart = is_smart(world, p)
    assert smart.sum() == size // 2
    apart = replace(changed(world, region=np.where(smart, 0, 1)), regions=("smart", "other"))
    # a region's first complex by lot is always smart, so the terms come from the undivided world
    terms = terms_on(world, {"safety_control_centre": 1.0}, p)
    played = prepared(apart, {"safety_control_centre": 1.0}, p, quarters=24)
    setting = setting_of(played.setting.columns, played.setting.rule, played.setting.programme,
                         terms._replace(public_cost_mkrw=np.zeros((2, 24))))  # fmt: skip
    with np.errstate(over="ignore"):
        run_compiled(played.state, setting, np.uint64(1), priority("random", apart))
    happened, avoided = (played.flow(f).sum(axis=1) for f in (Flow.ACCIDENTS, Flow.ACCIDENTS_AVOIDED))
    assert avoided[1] == 0.0 < happened[1]
    assert avoided[0] / (avoided[0] + happened[0]) == pytest.approx(0.4, abs=0.03)


@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_technology_from_abroad_adds_its_return_once_it_is_ready(strength: float) -> None:
    """0.3 for matched firms of the six sectors, from year 3 on: quarter 8."""
    world, p = deaf(prior_mean_log_return=3.0, review_rate_per_quarter=0.1, technology_log_return=0.3)
    plain, better = (
        play(world, instruments, p, quarters=24) for instruments in ({}, {"technology_cooperation": strength})
    )
    both = (plain.state.adoption_quarter == better.state.adoption_quarter) & (
        plain.state.adoption_quarter != NEVER
    )
    gain = (better.state.log_return - plain.state.log_return)[both]
    late = better.state.adoption_quarter[both] >= 8
    matched = concerned("technology_cooperation", world, p)[both]
    assert gain == pytest.approx(np.where(late & matched, 0.3 * strength, 0.0), abs=1e-12)
    assert min((late & matched).sum(), (~late & matched).sum(), (late & ~matched).sum()) > 5


def test_pressure_and_demand_convince_but_do_not_pay() -> None:
    """A benefit of avoiding a loss is weighed; the realised return of the package is as before."""
    world, p = deaf()
    plain = play(world, {}, p, quarters=24)
    for name in ("environmental_law", "export_packages", "green_procurement", "carbon_border"):
        pressed = play(world, {name: 1.0}, p, quarters=24)
        both = (plain.state.adoption_quarter // 4 == pressed.state.adoption_quarter // 4) & (
            plain.state.adoption_quarter != NEVER
        )
        assert np.array_equal(plain.state.log_return[both], pressed.state.log_return[both])
        assert both.sum() > 50


@pytest.mark.parametrize("name", ["export_packages", "customs_information"])
def test_information_moves_a_belief_to_the_regions_mean_year_by_year_as_on_paper(name: str) -> None:
    """Half its sales exported at strength 0.5: 0.25 x 0.8 = 0.2 a year at the mean of 1."""
    parameter = next(e.parameter for e in CATALOGUE[name].effects if e.channel == "information")
    p = calm(**{parameter: 0.8})
    world = strangers({**STUBBORN, "export_share": 0.5}, STUBBORN)
    enactment = Enactment(strength=0.5, first_year=2, years=2)
    beliefs = [(sums(played, 0), sums(played, 1)) for played in steps(world, {name: enactment}, p)]
    told = [0] * 4 + [1] * 4 + [2] * 4
    assert [belief for belief, _ in beliefs] == [pytest.approx((1.0 + 0.2 * n, -0.5 + 0.2 * n)) for n in told]
    assert {other for _, other in beliefs} == {(1.0, -0.5)}


def test_information_is_no_example_of_a_known_firm() -> None:
    p = calm(customs_information_precision=5.0)
    firm = {"export_share": 1.0}
    world = strangers(firm, {**firm, "waits_for_example": True})
    assert adoption(play(world, {"customs_information": 1.0}, p)) == [0, NEVER]


def test_under_a_classic_rule_instruments_move_money_and_accidents_but_no_firm() -> None:
    """Threshold, Bass and cascade know no benefit to weigh; partners and meetings must do no harm."""
    world, p = mixed(early_adopter_share=0.1)
    for behaviour in (Behaviour.THRESHOLD, Behaviour.BASS, Behaviour.CASCADE):
        instruments = {name: e for name, e in TOGETHER.items() if name not in ADVISING}
        plain, busy = (
            play(world, given_, p, quarters=20, behaviour=behaviour) for given_ in ({}, instruments)
        )
        assert adoption(plain) == adoption(busy)
        assert plain.adopters() > (plain.state.adoption_quarter == BEFORE).sum() > 20
        assert busy.flow(Flow.INSTRUMENTS).sum() > 0.0
        assert busy.flow(Flow.ACCIDENTS).sum() < plain.flow(Flow.ACCIDENTS).sum()


def mean_after(prior: float, signal: float, noise_sd: float) -> float:
    """Expected log return of a calm firm after a diagnosis: predictive variance 1 + 0.25."""
    own, told = 1.0 / 1.25, noise_sd**-2
    return (own * prior + told * signal) / (own + told)


@pytest.mark.parametrize("offered", [False, True])
def test_all_that_instruments_and_an_offer_contribute_is_weighed_together_as_on_paper(offered: bool) -> None:
    """Offered: (1 - 0.2 - 0.3) x 0.4 + 1.0 x 0.5 x 0.6 = 0.5; not offered: 0.7 x 0.4 + 1.0 x 0.6 = 0.88.

    The service keeps a quarter of the return, the law adds 0.2, safety support 0.1 to offers only.
    """
    world = alone(liquidity_mkrw=60.0, past_violation=True)
    instruments = dict.fromkeys(
        ("clean_factory", "product_service", "shared_digital", "environmental_law"), 1.0
    )
    levers = individual(subsidy_rate=0.2, integrated_safety=1.0, budget_mkrw_per_year=100.0)
    policy = levers if offered else NOTHING
    figures = {
        "clean_factory_subsidy_rate": 0.3, "product_service_capital_share": 0.6,
        "product_service_fee_share": 0.25, "shared_digital_hassle_reduction": 0.4,
        "violation_log_benefit": 0.2, "safety_hassle_reduction": 0.5, "safety_log_benefit": 0.1,
        "hassle_cost_share": 1.0, "first_cost_weight": 1.4, "diagnosis_noise_sd": 2.0,
    }  # fmt: skip
    asked = calm(**figures)
    signal = float(play(world, instruments, asked, policy).state.signal[0]) if offered else 0.0
    cost = 1.4 * math.log(0.5 if offered else 0.88)
    needed = cost - math.log(0.75) - 0.2 - (0.1 if offered else 0.0)  # of the expected log return
    if offered:  # the prior that, after the signal, comes to what is needed
        needed += (needed - signal) * (2.0**-2) / (1.0 / 1.25)
        assert mean_after(needed, signal, 2.0) == pytest.approx(cost - math.log(0.75) - 0.3)
    for prior, adopts in ((needed + 1e-9, True), (needed - 1e-9, False)):
        played = play(world, instruments, calm(**figures, prior_mean_log_return=prior), policy, quarters=1)
        assert (adoption(played) == [0]) == adopts


def test_a_centre_and_safety_support_leave_the_product_of_their_shares() -> None:
    """3000 diagnosed firms: 0.5 x 0.6 of the accidents are left; those without support keep 0.6."""
    world = world_of(firms_like(3000, **STUBBORN, employees=100, hazard_class=2))
    p = calm(safety_hazard_reduction=0.5, control_centre_hazard_reduction=0.4)
    for levers, left in ((individual(3000, integrated_safety=1.0), 0.3), (NOTHING, 0.6)):
        levers = levers.model_copy(update={"budget_mkrw_per_year": 1e6})
        played = play(world, {"safety_control_centre": 1.0}, p, levers, quarters=24)
        happened, avoided = (played.flow(f).sum() for f in (Flow.ACCIDENTS, Flow.ACCIDENTS_AVOIDED))
        assert happened / (happened + avoided) == pytest.approx(left, abs=0.02)


# --- firms think again --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["environmental_law", "clean_factory", "shared_digital", "product_service"])
def test_a_firm_that_has_declined_thinks_again_when_its_terms_change(name: str) -> None:
    """It declines at its review in quarter 0 and adopts in quarter 8, when year 3 begins."""
    p = calm(
        violation_log_benefit=1.0, clean_factory_subsidy_rate=0.9, shared_digital_hassle_reduction=1.0,
        product_service_capital_share=0.9, product_service_fee_share=0.1,
        hassle_cost_share=1.0 if name == "shared_digital" else 0.0,
        prior_mean_log_return=0.3 if name == "shared_digital" else -0.5,
    )  # fmt: skip
    poor = name == "product_service"
    firm = {"past_violation": True, "liquidity_mkrw": 50.0 if poor else 1e6}
    world = alone(**firm)
    assert adoption(play(world, {name: Enactment(first_year=3)}, p)) == [8]
    assert adoption(play(world, {}, p, quarters=40)) == [NEVER]  # control


def test_a_firm_that_declined_reconsiders_when_its_exchange_partner_adopts() -> None:
    """It declines at its review in quarter 0, in which its partner adopts, and adopts at the next."""
    world = strangers(EAGER, {"sector": 1})
    p = calm(circulation_match_share=1.0, circulation_log_return=1.0)
    assert adoption(play(world, {}, p, quarters=40)) == [0, NEVER]  # control
    assert adoption(play(world, {"resource_circulation": 1.0}, p)) == [0, 1]


@pytest.mark.parametrize("waits", [False, True])
def test_a_supported_firm_that_declined_thinks_again_whether_or_not_it_waits(waits: bool) -> None:
    """Support stands in for an example, so such a firm is asked again although it has seen none."""
    world = alone(past_violation=True, waits_for_example=waits)
    p = calm(violation_log_benefit=3.0, mean_log_return=-1.0)
    played = play(world, {"environmental_law": Enactment(first_year=2)}, p, individual())
    assert played.state.supported_quarter.tolist() == [0]
    assert adoption(played) == [4]


@pytest.mark.parametrize("waits", [False, True])
def test_a_supported_firm_that_is_informed_thinks_again_whether_or_not_it_waits(waits: bool) -> None:
    world = alone(export_share=1.0, waits_for_example=waits)
    p = calm(customs_information_precision=5.0, prior_mean_log_return=-2.0, diagnosis_noise_sd=9.0)
    played = play(world, {"customs_information": Enactment(first_year=2)}, p, individual())
    assert played.state.supported_quarter.tolist() == [0]
    assert adoption(played) == [4]


# --- 3. terms -----------------------------------------------------------------------------------

YEARS = 7
FIRST_AT_THE_BORDER = ("metals", "fabricated_metal", "chemicals")
ACHIEVED = {"busan": 0.716, "daegu": 0.675, "daejeon": 0.597, "ansan": 0.676}


@functools.cache
def three_regions() -> tuple[World, Parameters]:
    return synthetic(
        30, ("busan", "ulsan", "ansan"), firms_per_complex=5, smart_complex_share=0.6,
        exporter_share=0.5, public_seller_share=0.5, past_violation_share=0.4, technology_match_share=0.5,
        carbon_border_ramp_years=3, carbon_border_later_years=2, control_centre_years=3,
    )  # fmt: skip


@functools.cache
def ranks_of_three_regions() -> list[float]:
    return ranks(*three_regions())


def plain(name: str, s: float, firm: int, t: int) -> dict[Term, float]:
    """What an instrument of strength ``s`` contributes to a firm ``t`` years after it began."""
    world, p = three_regions()
    firms, sector = world.firms, world.sectors[world.firms.sector[firm]]
    region, rank = world.regions[firms.region[firm]], ranks_of_three_regions()[firm]
    export, public = float(firms.export_share[firm]), float(firms.public_sales_share[firm])
    if name == "environmental_law":
        return {Term.GAIN: s * p.violation_log_benefit * bool(firms.past_violation[firm])}
    if name == "export_packages":
        return {Term.GAIN: s * p.export_rule_log_benefit * export,
                Term.INFORMATION: s * p.export_package_precision * export}  # fmt: skip
    if name == "customs_information":
        return {Term.INFORMATION: s * p.customs_information_precision * export}
    if name == "carbon_border":
        late = 0 if sector in FIRST_AT_THE_BORDER else int(p.carbon_border_later_years)
        ramp = min(max(t - late + 1, 0) / p.carbon_border_ramp_years, 1.0)
        return {Term.GAIN: s * p.carbon_border_log_benefit * export * ramp}
    if name in PUBLIC:
        achieved = ACHIEVED.get(region, p.procurement_achievement_mean)
        for _ in range(t if name == "procurement_network" else 0):
            achieved += p.city_learning_per_year * (0.784 - achieved)
        return {Term.GAIN: s * p.public_demand_log_benefit * public * achieved}
    if name == "product_service":
        if firms.liquidity_mkrw[firm] >= firms.capital_need_mkrw[firm]:
            return {}
        kept = math.log(1.0 - s * p.product_service_fee_share)
        return {Term.CAPITAL: 1.0 - s * p.product_service_capital_share, Term.GAIN: kept, Term.RETURN: kept}
    if name == "technology_cooperation":
        matched = sector in SIX and lot(1, Purpose.TECHNOLOGY_MATCH, firm) < p.technology_match_share
        gain = s * p.technology_log_return * (matched and t >= p.technology_delay_years)
        return {Term.GAIN: gain, Term.RETURN: gain}
    if name in SMART and rank < 1.0:
        return plain_in_smart_complex(name, s, rank, t, p)
    return {}


def plain_in_smart_complex(name: str, s: float, rank: float, t: int, p: Parameters) -> dict[Term, float]:
    if name == "clean_factory":
        return {Term.SUBSIDY: s * p.clean_factory_subsidy_rate}
    if name == "resource_circulation":
        return {Term.EXCHANGE: s * p.circulation_log_return}
    if name == "shared_digital":
        return {Term.HASSLE: 1.0 - s * p.shared_digital_hassle_reduction}
    years, first = int(p.control_centre_years), p.control_centre_first_share
    has_centre = rank < first + (1.0 - first) * min(t, years) / years
    return {Term.HAZARD: 1.0 - s * p.control_centre_hazard_reduction} if has_centre else {}


def is_reached(e: Enactment, firm: int) -> bool:
    world, _ = three_regions()
    region = world.regions[world.firms.region[firm]]
    sector = world.sectors[world.firms.sector[firm]]
    return (e.regions is None or region in e.regions) and (e.sectors is None or sector in e.sectors)


def years_in(e: Enactment, year: int) -> int | None:
    """Years since the instrument began; None when it is not at work in a year (from 0)."""
    t = year - (e.first_year - 1)
    return t if t >= 0 and (e.years is None or t < e.years) else None


def plain_terms(instruments: Mapping[str, Enactment], firm: int, year: int) -> dict[Term, float]:
    """All terms of a firm in a year: shares that are left multiplied, the rest added."""
    total = {term: 1.0 if term in (Term.CAPITAL, Term.HASSLE, Term.HAZARD) else 0.0 for term in Term}
    for name, e in instruments.items():
        t = years_in(e, year)
        if t is None or not is_reached(e, firm):
            continue
        for term, value in plain(name, e.strength, firm, t).items():
            total[term] = total[term] * value if term in LEFT else total[term] + value
    _, p = three_regions()
    cost = (1.0 - total[Term.SUBSIDY]) * total[Term.CAPITAL] + p.hassle_cost_share * total[Term.HASSLE]
    return total | {Term.LOG_COST: p.first_cost_weight * math.log(cost)}


def some_of(names: tuple[str, ...]) -> st.SearchStrategy[Any]:
    return st.none() | st.lists(st.sampled_from(names), min_size=1, unique=True).map(tuple)


ENACTMENTS = st.builds(
    Enactment,
    strength=st.floats(0.01, 1.0),
    first_year=st.integers(1, YEARS),
    years=st.none() | st.integers(1, 4),
    regions=some_of(("busan", "ulsan", "ansan")),
    sectors=some_of(("food", "textiles", "chemicals", "metals", "vehicles", "machinery")),
)
COMBINATIONS = st.dictionaries(st.sampled_from(DIRECT), ENACTMENTS, min_size=1, max_size=6)


@settings(max_examples=25, deadline=None)
@given(instruments=COMBINATIONS)
def test_terms_of_any_combination_are_those_computed_firm_by_firm_and_year_by_year(
    instruments: dict[str, Enactment],
) -> None:
    world, p = three_regions()
    terms = terms_on(world, instruments, p, 4 * YEARS)
    found = np.stack([held(terms, term) for term in Term], axis=2)  # (Q, N, terms)
    assert np.array_equal(found[::4], found[3::4])  # terms change with the year only
    for year in range(YEARS):
        expected = [list(plain_terms(instruments, firm, year).values()) for firm in range(world.size)]
        assert found[4 * year] == pytest.approx(np.array(expected), rel=1e-12, abs=1e-14)


@settings(max_examples=25, deadline=None)
@given(instruments=COMBINATIONS)
def test_instruments_cost_their_registered_price_per_region_and_year_at_work(
    instruments: dict[str, Enactment],
) -> None:
    world, p = three_regions()
    cost = terms_on(world, instruments, p, 4 * YEARS).public_cost_mkrw
    by_year = cost.reshape(3, YEARS, 4).sum(axis=2)
    for (k, region), year in itertools.product(enumerate(world.regions), range(YEARS)):
        due = sum(
            e.strength * p[price]
            for name, e in instruments.items()
            if (price := CATALOGUE[name].cost)
            and years_in(e, year) is not None
            and (e.regions is None or region in e.regions)
        )
        assert by_year[k, year] == pytest.approx(due)


def same_terms(one: Terms, other: Terms) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_the_order_in_which_instruments_are_named_does_not_matter(tmp_path: Path) -> None:
    world, p = mixed()
    forwards, backwards = dict(TOGETHER), dict(reversed(TOGETHER.items()))
    assert list(forwards) != list(backwards)
    assert same_terms(terms_on(world, forwards, p), terms_on(world, backwards, p))
    one, other = (play(world, g, p, QUEUE, quarters=20) for g in (forwards, backwards))
    assert same_run(one, other)
    lines = [f"  {name}: {{strength: {s}, first_year: 2}}\n" for name, s in TOGETHER.items()]
    lines = [line.replace(", first_year: 2", "") if line.split(":")[0].strip() in ADVISING else line
             for line in lines]  # fmt: skip
    paths = [own_scenario(tmp_path, "".join(order), name)
             for name, order in (("forwards", lines), ("backwards", lines[::-1]))]  # fmt: skip
    designs = experiment_of(f"scenarios=[{','.join(paths)}]").designs
    assert designs["forwards"] == designs["backwards"]
    assert len(designs["forwards"].instruments) == len(TOGETHER)


def test_two_instruments_together_are_the_sum_or_the_product_of_each_alone() -> None:
    world, p = mixed()
    pair_ = {"environmental_law": 0.5, "export_packages": 0.8}
    alone_ = [held(terms_on(world, {name: s}, p), Term.GAIN) for name, s in pair_.items()]
    both = held(terms_on(world, pair_, p), Term.GAIN)
    assert both == pytest.approx(sum(alone_))
    assert (both > np.maximum(*alone_)).any()


def test_reach_and_lots_of_one_instrument_do_not_depend_on_the_others() -> None:
    world, p = mixed()
    for name in DIRECT:
        others = {n: s for n, s in TOGETHER.items() if n != "procurement_network"} | {name: 0.7}
        for part in ("partner", "target", "precision", "meets"):
            pairs, gathers = CATALOGUE[name].pairs, CATALOGUE[name].gathers
            if pairs if part == "partner" else gathers:
                one, all_ = (getattr(terms_on(world, g, p), part) for g in ({name: 0.7}, others))
                assert np.array_equal(one, all_)
                assert one.size > 0


def test_what_instruments_draw_follows_the_worlds_seed_and_nothing_else() -> None:
    world, p = mixed()
    one, same, other = (terms_on(world, TOGETHER, p, seed=seed) for seed in (1, 1, 2))
    assert same_terms(one, same)
    assert not np.array_equal(one.partner, other.partner)
    assert not np.array_equal(one.target, other.target)


# --- 4. timing ----------------------------------------------------------------------------------


def neutral(terms: Terms) -> np.ndarray:
    """Quarters in which no term differs from what it is without instruments, and nothing is paid, (Q,)."""
    base = np.array([1.0 if term in LEFT else 0.0 for term in Term])
    without_cost = [term for term in Term if term is not Term.LOG_COST]
    found = np.stack([held(terms, term) for term in without_cost], axis=2)
    quiet = (found == base[without_cost]).all(axis=(1, 2))
    return quiet & ~terms.meets & (terms.public_cost_mkrw == 0.0).all(axis=0)


@pytest.mark.parametrize("name", DIRECT)
def test_an_instrument_is_at_work_from_its_first_year_until_it_ends(name: str) -> None:
    world, p = mixed(technology_delay_years=0, carbon_border_later_years=0)
    terms = terms_on(world, {name: Enactment(first_year=2, years=3)}, p)
    year = np.arange(24) // 4
    at_work = (year >= 1) & (year <= 3)
    found = ~neutral(terms)
    if name == "round_table":
        at_work &= np.arange(24) % 2 == 0  # a meeting every other quarter; what it costs is paid in all
        found = terms.meets
    assert found.tolist() == at_work.tolist()


@pytest.mark.parametrize("name", DIRECT)
def test_nothing_happens_before_the_first_year_and_firms_decide_freely_after_the_last(name: str) -> None:
    world, p = mixed(technology_delay_years=0)
    absent, later = (play(world, g, p, quarters=24) for g in ({}, {name: Enactment(first_year=3)}))
    assert np.array_equal(absent.state.flow[:, :8], later.state.flow[:, :8])
    soon = absent.state.adoption_quarter < 8
    assert np.array_equal(later.state.adoption_quarter < 8, soon)
    assert same_course(absent, later, soon)
    assert not np.array_equal(absent.state.flow[:, 8:], later.state.flow[:, 8:])  # control


def test_pressure_that_has_ended_convinces_nobody() -> None:
    """A firm that reviews for the first time in the year after adopts under pressure only."""
    p = calm(violation_log_benefit=1.0, review_rate_per_quarter=0.2)
    world = world_of(firms_like(60, past_violation=True))
    when = np.array(adoption(play(world, {"environmental_law": Enactment(first_year=2, years=1)}, p)))
    assert set(when) <= {4, 5, 6, 7, NEVER}
    assert 10 < (when != NEVER).sum() < 60
    still = np.array(adoption(play(world, {"environmental_law": Enactment(first_year=2)}, p)))
    assert (still != NEVER).sum() > (when != NEVER).sum()


def gain_of(name: str, firm: dict[str, Any], p: Parameters, horizon: int = 12, **limits: Any) -> list[float]:
    """Log benefit of a firm in each year of an instrument, in a world of the preset sectors."""
    world = replace(alone(**firm), sectors=Recipe(("ulsan",)).sectors)
    found = held(terms_on(world, {name: Enactment(**limits)}, p, 4 * horizon), Term.GAIN)[::4, 0]
    return found.tolist()


def test_the_border_adjustment_ramps_over_years_and_reaches_other_sectors_later() -> None:
    """0.8 in eight steps for metals from year 2 on, for food four years later; half is exported."""
    p = calm(carbon_border_log_benefit=1.6, carbon_border_ramp_years=8, carbon_border_later_years=4)
    ramp = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
    for sector, before in ((3, 1), (4, 1), (2, 1), (0, 5), (5, 5), (7, 5)):
        firm = {"export_share": 0.5, "sector": sector}
        expected = [0.0] * before + ramp + [0.8] * (15 - before - 8)
        assert gain_of("carbon_border", firm, p, 15, first_year=2) == pytest.approx(expected)
    assert set(gain_of("carbon_border", {"export_share": 0.0, "sector": 3}, p)) == {0.0}


@pytest.mark.parametrize("delay", [0, 1, 3])
def test_technology_from_abroad_comes_after_its_delay(delay: int) -> None:
    p = calm(technology_match_share=1.0, technology_log_return=0.4, technology_delay_years=delay)
    found = gain_of("technology_cooperation", {"sector": 6}, p, 8, first_year=2)
    assert found == pytest.approx([0.0] * (1 + delay) + [0.4] * (7 - delay))
    assert set(gain_of("technology_cooperation", {"sector": 1}, p, 8)) == {0.0}  # textiles


def test_a_project_that_ends_before_its_technology_is_ready_gives_nothing_and_costs_all_the_same() -> None:
    p = calm(technology_match_share=1.0, technology_delay_years=2)
    assert set(gain_of("technology_cooperation", {"sector": 6}, p, 8, years=2)) == {0.0}
    world = replace(alone(sector=6), sectors=Recipe(("ulsan",)).sectors)
    terms = terms_on(world, {"technology_cooperation": Enactment(years=2)}, p, 32)
    assert terms.public_cost_mkrw.sum() == pytest.approx(2 * p.technology_cooperation_cost_mkrw_per_year)


def test_safety_control_centres_open_one_complex_after_the_other() -> None:
    """Ten smart complexes: two at once, all after five years; 0.2 + 0.16 a year of ten, rounded up."""
    firms = firms_like(10, complex=np.arange(10))
    world = replace(world_of(firms), complexes=tuple("abcdefghij"))
    p = calm(smart_complex_share=1.0, control_centre_first_share=0.2, control_centre_years=5)
    left = held(terms_on(world, {"safety_control_centre": Enactment(first_year=2)}, p, 32), Term.HAZARD)
    with_centre = (left < 1.0)[::4]
    assert with_centre.sum(axis=1).tolist() == [0, 2, 4, 6, 7, 9, 10, 10]
    assert (np.diff(with_centre.astype(int), axis=0) >= 0).all()  # none closes again
    assert set(left.ravel()) == {1.0, 1.0 - p.control_centre_hazard_reduction}


CITIES = ("busan", "incheon", "daegu", "ulsan", "daejeon", "ansan", "gwangju")


def demand_by_city(name: str, p: Parameters, years: int = 10) -> np.ndarray:
    """Log benefit of a firm that lives on public buyers, by year and city."""
    firms = firms_like(len(CITIES), region=np.arange(len(CITIES)), public_sales_share=1.0)
    world = replace(world_of(firms), regions=CITIES)
    return held(terms_on(world, {name: 1.0}, p, 4 * years), Term.GAIN)[::4]


@pytest.mark.parametrize("mean", [0.0, 0.658, 0.9])
def test_a_city_that_learns_is_never_behind_one_that_does_not(mean: float) -> None:
    p = parameters({"procurement_achievement_mean": mean})
    alone_, learning = (demand_by_city(name, p) for name in PUBLIC)
    assert (learning >= alone_).all()
    assert np.array_equal(learning[0], alone_[0])
    if mean < 0.784:
        assert (learning[1:] > alone_[1:]).all()
    still = Parameters({**p, "city_learning_per_year": 0.0})  # control: nothing to learn
    assert np.array_equal(demand_by_city("procurement_network", still), demand_by_city(PUBLIC[0], still))


def test_a_city_demands_as_much_as_it_reports_and_nears_the_best_as_on_paper() -> None:
    """Busan 71.6 %, Ulsan (no figure) 65.8 %; the gap to 78.4 % closes by a quarter a year."""
    p = parameters({"public_demand_log_benefit": 1.0})
    alone_, learning = (demand_by_city(name, p) for name in PUBLIC)
    assert alone_[:, [0, 3]] == pytest.approx(np.tile([0.716, 0.658], (10, 1)))
    assert learning[1, 0] == pytest.approx(0.716 + 0.25 * 0.068)
    assert learning[2, 3] == pytest.approx(0.784 - 0.126 * 0.75**2)


@pytest.mark.parametrize(
    ("interval", "enactment", "told"),
    [(1, FULL, 5), (2, FULL, 6), (3, FULL, 6), (7, FULL, 7), (4, Enactment(first_year=3), 8),
     (1, Enactment(years=1), NEVER), (2, Enactment(first_year=2, years=1), 6)],
)  # fmt: skip
def test_results_are_told_at_meetings_and_only_in_their_quarters(
    interval: int, enactment: Enactment, told: int
) -> None:
    """Adopted at quarter 0, known from 4 on, so told at the next meeting after that."""
    p = calm(**TABLE, round_table_interval_quarters=interval)
    world = strangers(EAGER, {**STUBBORN, "sector": 1})
    beliefs = [sums(played, 1) for played in steps(world, {"round_table": enactment}, p)]
    assert beliefs == [(1.0, -0.5) if now < told else pytest.approx((2.0, 0.5)) for now in range(12)]


# --- 5. round tables and exchange partners ------------------------------------------------------

TABLE = {  # a result told across sectors adds precision 0.5 / (0.25 + 0.25) = 1, within a sector 2
    "round_table_share": 1.0, "round_table_size": 12, "round_table_visibility": 1.0,
    "round_table_noise_sd": 0.5,
}  # fmt: skip


def without_ties(world: World) -> World:
    return replace(world, ties=ties_between(world.size, []))


def met(world: World, p: Parameters, seed: int = 1, eligible: np.ndarray | None = None) -> list[set[int]]:
    """Whom each firm meets."""
    found = meetings(world, p, seed, eligible)
    return [set(found.target[a:b].tolist()) for a, b in itertools.pairwise(found.start.tolist())]


def meetings(world: World, p: Parameters, seed: int = 1, eligible: np.ndarray | None = None) -> Meetings:
    who = np.ones(world.size, np.bool_) if eligible is None else eligible
    with np.errstate(over="ignore"):
        return round_tables(world, p, np.uint64(seed), who)


def tables_of(peers: list[set[int]]) -> list[set[int]]:
    """The tables: sets of firms of which each meets all the others."""
    found: list[set[int]] = []
    for firm, others in enumerate(peers):
        table = others | {firm}
        if others and table not in found:
            found.append(table)
    return found


@pytest.mark.parametrize(("share", "size"), [(0.1, 12), (0.5, 6), (1.0, 12), (0.7, 30), (1.0, 2)])
def test_round_tables_part_the_guests_by_region_into_tables_that_mix_sectors(share: float, size: int) -> None:
    world, p = mixed(round_table_share=share, round_table_size=size)
    world = without_ties(world)
    region, sector = world.firms.region, world.firms.sector
    tables = tables_of(met(world, p))
    guests = [k for k in range(world.size) if lot(1, Purpose.ROUND_TABLE, k) < share]
    assert sorted(itertools.chain(*tables)) == guests  # every guest at one table, nobody at two
    for k in range(2):
        here = [sorted(table) for table in tables if set(region[list(table)]) == {k}]
        sizes = [len(table) for table in here]
        assert max(sizes) - min(sizes) <= 1
        assert abs(np.mean(sizes) - size) <= 0.5 * size / len(here) + 1e-9
        counts = np.array([np.bincount(sector[table], minlength=8) for table in here])
        assert (counts.max(axis=0) - counts.min(axis=0) <= 1).all()  # sectors dealt evenly
        assert ((counts > 0).sum(axis=1) >= 2).all()
    assert all(len(set(region[list(table)])) == 1 for table in tables)


def test_nobody_meets_where_no_firm_comes_and_other_seeds_seat_otherwise() -> None:
    world, p = mixed()
    nobody = Parameters({**p, "round_table_share": 0.0})
    assert not any(met(world, nobody))
    assert met(world, p, 1) == met(world, p, 1) != met(world, p, 2)


def test_firms_outside_the_regions_or_sectors_asked_for_are_not_invited() -> None:
    world, p = mixed(round_table_share=1.0)
    asked = (world.firms.region == 1) & (world.firms.sector < 4)
    peers = met(without_ties(world), p, eligible=asked)
    assert [bool(others) for others in peers] == asked.tolist()


def test_pairs_that_are_tied_anyway_are_left_out_and_no_others() -> None:
    world, p = mixed(round_table_share=1.0, round_table_size=30)
    start_, target = world.ties.start, world.ties.target
    tied = [set(target[a:b].tolist()) for a, b in itertools.pairwise(start_.tolist())]
    with_ties, all_pairs = met(world, p), met(without_ties(world), p)
    assert with_ties == [peers - known for peers, known in zip(all_pairs, tied, strict=True)]
    assert sum(map(len, with_ties)) < sum(map(len, all_pairs))


def test_a_result_told_at_a_table_weighs_by_sector_and_strength() -> None:
    world, p = mixed(**TABLE, firm_log_return_sd=0.5)
    alike = 1.0 / (0.25 + 0.25)
    for strength in (0.5, 1.0):
        terms = terms_on(world, {"round_table": strength}, p)
        source = np.repeat(np.arange(world.size), np.diff(terms.start))
        same = world.firms.sector[source] == world.firms.sector[terms.target]
        expected = np.where(same, alike, alike * p.cross_sector_similarity) * strength
        assert terms.precision == pytest.approx(expected)
        assert 0 < same.sum() < same.size


def test_a_result_is_told_to_each_firm_at_the_table_once_and_to_nobody_else() -> None:
    """Adopters 0 and 1, listeners 2 and 3, a firm of another region: each listener hears two results."""
    world = strangers(EAGER, {**EAGER, "sector": 1}, {**STUBBORN, "sector": 1},
                      {**STUBBORN, "sector": 2}, {**STUBBORN, "region": 1})  # fmt: skip
    played = play(world, {"round_table": 1.0}, calm(**TABLE), quarters=40)
    assert played.state.results_seen.tolist() == [0, 0, 2, 2, 0]
    assert sums(played, 2) == pytest.approx((1.0 + 1.0 + 2.0, -0.5 + 1.0 + 2.0))
    assert sums(played, 3) == pytest.approx((1.0 + 1.0 + 1.0, -0.5 + 1.0 + 1.0))
    assert sums(played, 4) == (1.0, -0.5)
    assert {int(played.state.informant[k]) for k in (2, 3)} <= {0, 1}
    unmet = play(world, {}, calm(**TABLE), quarters=40)  # control: strangers tell each other nothing
    assert unmet.state.results_seen.tolist() == [0] * 5


def test_a_result_that_a_neighbour_has_seen_is_not_told_again_at_the_table() -> None:
    p = calm(**TABLE)
    for world, quarters_ in ((pair(EAGER, {**STUBBORN, "sector": 1}), 4),
                             (strangers(EAGER, {**STUBBORN, "sector": 1}), 6)):  # fmt: skip
        beliefs = [sums(played, 1)[0] for played in steps(world, {"round_table": 1.0}, p, quarters=20)]
        assert len(set(beliefs)) == 2
        assert beliefs.index(beliefs[-1]) == quarters_


def test_a_cohort_mates_result_is_not_told_again_at_the_table() -> None:
    world = strangers({**SUPPORT_ONLY, "past_violation": True}, {**STUBBORN, "sector": 1})
    levers = cluster(2, publishes_results=False)
    plain_, tables = (play(world, g, calm(**TABLE), levers, quarters=20) for g in ({}, {"round_table": 1.0}))
    assert sums(plain_, 1) == sums(tables, 1)
    assert tables.state.results_seen.tolist() == [0, 1]


@pytest.mark.parametrize(("interval", "first_year"), [(2, 1), (3, 1), (5, 1), (2, 3), (8, 1), (4, 5)])
def test_a_firm_that_joins_a_cohort_late_hears_a_result_once_whenever_the_meetings_are(
    interval: int, first_year: int
) -> None:
    """Known from quarter 1 on, joined at 4: told at the table before, or by the cohort, not by both."""
    world = strangers({**SUPPORT_ONLY, "past_violation": True}, {**STUBBORN, "sector": 1})
    levers = individual(1, years=2, targeting="violators", publishes_results=False)
    p = calm(**TABLE, reveal_lag_quarters=1, round_table_interval_quarters=interval)
    tables = {"round_table": Enactment(first_year=first_year)}
    for instruments in ({}, tables):
        played = play(world, instruments, p, replace(design_of(levers), learning_group=2), quarters=24)
        assert played.state.supported_quarter.tolist() == [0, 4]
        assert played.state.results_seen.tolist() == [0, 1]
        assert sums(played, 1) == pytest.approx((2.0, 0.5))  # here or there, across sectors it adds 1


def test_a_result_told_at_a_table_sets_free_a_firm_that_waits_for_an_example() -> None:
    world = strangers(EAGER, {"sector": 1, "waits_for_example": True})
    p = calm(**TABLE, prior_mean_log_return=0.5)
    assert adoption(play(world, {"round_table": 1.0}, p)) == [0, 6]
    assert adoption(play(world, {}, p, quarters=40)) == [0, NEVER]


def test_a_result_that_nobody_heeds_at_a_table_is_no_example() -> None:
    world = strangers(EAGER, {"sector": 1, "waits_for_example": True})
    p = calm(**{**TABLE, "round_table_visibility": 0.0}, prior_mean_log_return=0.5)
    assert adoption(play(world, {"round_table": 1.0}, p, quarters=40)) == [0, NEVER]


def partners_in(world: World, p: Parameters, seed: int = 1) -> np.ndarray:
    with np.errstate(over="ignore"):
        return exchange_partners(world, p, np.uint64(seed), is_smart(world, p))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_exchange_partners_are_mutual_of_one_complex_and_of_different_sectors(seed: int) -> None:
    world, p = mixed(circulation_match_share=0.8)
    partner, firms = partners_in(world, p, seed), world.firms
    has = partner != NO_PARTNER
    one = np.flatnonzero(has)
    other = partner[has]
    assert np.array_equal(partner[other], one)
    assert (firms.complex[one] == firms.complex[other]).all()
    assert (firms.sector[one] != firms.sector[other]).all()
    seeking = np.array([lot(seed, Purpose.EXCHANGE_PARTNER, k) < 0.8 for k in range(world.size)])
    smart = is_smart(world, p)
    assert not (has & ~(seeking & smart)).any()
    assert has.sum() > 0.7 * (seeking & smart).sum()  # most of those who look for one find one


@pytest.mark.parametrize(("sectors", "pairs"), [("AAAAB", 1), ("AABBC", 2), ("ABBBBC", 2), ("AAA", 0)])
def test_as_many_firms_of_a_complex_find_a_partner_as_can(sectors: str, pairs: int) -> None:
    firms = firms_like(len(sectors), sector=[ord(letter) - ord("A") for letter in sectors])
    p = calm(circulation_match_share=1.0)
    with np.errstate(over="ignore"):
        partner = exchange_partners(world_of(firms), p, np.uint64(1), np.ones(len(sectors), np.bool_))
    assert (partner != NO_PARTNER).sum() == 2 * pairs


def test_firms_of_one_sector_or_of_no_smart_complex_find_no_partner() -> None:
    world, p = mixed(circulation_match_share=0.8)
    assert (partners_in(changed(world, sector=np.int32(2)), p) == NO_PARTNER).all()
    outside = partners_in(world, p)[~is_smart(world, p)]
    assert outside.size > 50
    assert (outside == NO_PARTNER).all()
    assert terms_on(world, {"clean_factory": 1.0}, p).partner.size == 0


EXCHANGE = {"circulation_match_share": 1.0, "circulation_log_return": 0.1}
EARLY: dict[str, Any] = {**EAGER}
LATE: dict[str, Any] = {}  # convinced by the other's result after four quarters
BOTH = 200.0 * math.exp(1.1)


@pytest.mark.parametrize(
    ("a", "b", "when", "direct"),
    [
        (EARLY, LATE, [0, 4], BOTH),
        (LATE, EARLY, [4, 0], BOTH),
        (EARLY, EARLY, [0, 0], BOTH),
        (EARLY, STUBBORN, [0, NEVER], 100.0 * math.e),
        (STUBBORN, EARLY, [NEVER, 0], 100.0 * math.e),
    ],
)
def test_partners_both_gain_once_both_have_adopted_whoever_is_first(
    a: dict[str, Any], b: dict[str, Any], when: list[int], direct: float
) -> None:
    """Packages of 100 with log return 1; exchange adds 0.1 to both."""
    world, p = pair({**a, "sector": 0}, {**b, "sector": 1}), calm(**EXCHANGE)
    played = play(world, {"resource_circulation": 1.0}, p)
    assert adoption(played) == when
    assert played.flow(Flow.DIRECT).sum() == pytest.approx(direct)
    plain_ = play(world, {}, p)  # control: without exchange
    assert plain_.flow(Flow.DIRECT).sum() == pytest.approx(100.0 * math.e * sum(q != NEVER for q in when))


def test_what_the_first_partner_gains_is_booked_when_the_second_adopts() -> None:
    world, p = pair({**EARLY, "sector": 0}, {**LATE, "sector": 1}), calm(**EXCHANGE)
    played = play(world, {"resource_circulation": 0.5}, p)
    first, later = played.flow(Flow.DIRECT)[0, 0], played.flow(Flow.DIRECT)[0, 4]
    assert first == pytest.approx(100.0 * math.e)
    assert later == pytest.approx(100.0 * math.exp(1.05) + 100.0 * math.e * math.expm1(0.05))
    assert played.state.log_return.tolist() == pytest.approx([1.0, 1.05])


def test_partners_of_which_one_is_supported_and_one_is_not_gain_in_the_same_quarter() -> None:
    """The supported one goes first within the quarter, the other at its own review."""
    world = strangers({**SUPPORT_ONLY, "past_violation": True}, {**EAGER, "sector": 1})
    levers = individual(1, targeting="violators")
    played = play(world, {"resource_circulation": 1.0}, calm(**EXCHANGE), levers)
    assert played.state.supported_quarter.tolist() == [0, NEVER]
    assert adoption(played) == [0, 0]
    assert played.flow(Flow.DIRECT)[0].tolist()[:2] == pytest.approx([BOTH, 0.0])


def test_exchange_counts_in_the_decision_of_the_second_and_not_of_the_first() -> None:
    """Prior -0.05: too little alone, enough with 0.1 from a partner that has adopted before."""
    p = calm(**EXCHANGE, prior_mean_log_return=-0.05)
    early, second = {**EARLY, "seed": True}, {"sector": 1}
    assert adoption(play(strangers(early, second), {"resource_circulation": 1.0}, p)) == [BEFORE, 0]
    assert adoption(play(strangers(early, second), {}, p)) == [BEFORE, NEVER]
    undecided = strangers({}, second)
    assert adoption(play(undecided, {"resource_circulation": 1.0}, p)) == [NEVER, NEVER]


def test_partners_that_adopt_after_the_exchange_has_ended_gain_nothing() -> None:
    world, p = pair({**EARLY, "sector": 0}, {**LATE, "sector": 1}), calm(**EXCHANGE)
    played = play(world, {"resource_circulation": Enactment(years=1)}, p)
    assert adoption(played) == [0, 4]
    assert played.flow(Flow.DIRECT).sum() == pytest.approx(200.0 * math.e)


# --- 6. money -----------------------------------------------------------------------------------


def investment(played: Played, among: np.ndarray | None = None) -> np.ndarray:
    """What adopters (of some firms) have invested, by region."""
    bought = (played.state.adoption_quarter != NEVER) & (played.state.adoption_quarter != BEFORE)
    amount = np.where(bought & (True if among is None else among), played.world.firms.capital_need_mkrw, 0.0)
    return np.bincount(played.world.firms.region, amount, len(played.world.regions))


PAYERS = (Flow.PRIVATE_INVESTMENT, Flow.SUBSIDY, Flow.INSTRUMENT_SUBSIDY, Flow.PROVIDER_INVESTMENT)


@pytest.mark.parametrize("levers", [NOTHING, QUEUE, Levers(support="individual", subsidy_rate=0.5)])
def test_firms_subsidies_and_providers_together_pay_what_adopters_invest(levers: Levers) -> None:
    world, p = mixed(early_adopter_share=0.05)
    for instruments in ({}, {"clean_factory": 0.6}, {"product_service": 1.0}, TOGETHER):
        played = play(world, instruments, p, levers, quarters=24)
        paid = sum(played.flow(flow).sum(axis=1) for flow in PAYERS)
        assert paid == pytest.approx(investment(played), rel=1e-12)
        for flow, payer in ((Flow.INSTRUMENT_SUBSIDY, "clean_factory"),
                            (Flow.PROVIDER_INVESTMENT, "product_service")):  # fmt: skip
            assert (played.flow(flow) >= 0.0).all()
            assert (played.flow(flow).sum() > 0.0) == (payer in instruments)
        assert (played.flow(Flow.PRIVATE_INVESTMENT) >= 0.0).all()


def test_the_clean_factory_scheme_pays_its_share_in_smart_complexes() -> None:
    world, p = mixed(clean_factory_subsidy_rate=0.4)
    played = play(world, {"clean_factory": 0.5}, p, quarters=24)
    paid = played.flow(Flow.INSTRUMENT_SUBSIDY).sum(axis=1)
    assert paid == pytest.approx(0.2 * investment(played, is_smart(world, p)))
    assert played.flow(Flow.PRIVATE_INVESTMENT).sum(axis=1) == pytest.approx(investment(played) - paid)


def test_a_provider_pays_what_the_programme_and_the_firm_do_not() -> None:
    """100: the programme pays 30, the clean-factory scheme 20, the firm 0.4 x 50, the provider the rest."""
    world = alone(**EAGER, liquidity_mkrw=20.0)
    p = calm(clean_factory_subsidy_rate=0.2, product_service_capital_share=0.6)
    levers = individual(subsidy_rate=0.3, budget_mkrw_per_year=70.0)
    played = play(world, {"clean_factory": 1.0, "product_service": 1.0}, p, levers)
    assert adoption(played) == [0]
    assert [played.flow(flow).sum() for flow in PAYERS] == pytest.approx([20.0, 30.0, 20.0, 30.0])


@pytest.mark.parametrize(
    ("means", "strength", "adopts"),
    [(40.0, 1.0, True), (39.9, 1.0, False), (70.0, 0.5, True), (69.9, 0.5, False)],
)
def test_a_firm_without_means_adopts_when_a_provider_pays_the_rest(
    means: float, strength: float, adopts: bool
) -> None:
    """At full strength a provider pays 60 of 100 and keeps a quarter of the return."""
    world = alone(**EAGER, liquidity_mkrw=means)
    played = play(world, {"product_service": strength}, calm())
    assert (adoption(played) == [0]) == adopts
    if adopts:
        own = 100.0 - 60.0 * strength
        assert [played.flow(flow).sum() for flow in PAYERS] == pytest.approx([own, 0.0, 0.0, 100.0 - own])
        assert played.state.log_return[0] == pytest.approx(1.0 + math.log(1.0 - 0.25 * strength))
    assert adoption(play(world, {}, calm(), quarters=40)) == [NEVER]  # control


def test_a_firm_with_means_keeps_its_return_and_pays_itself() -> None:
    world = alone(**EAGER, liquidity_mkrw=100.0)
    played, without = (play(world, g, calm()) for g in ({"product_service": 1.0}, {}))
    assert same_run(played, without)
    assert played.state.log_return.tolist() == [1.0]


def test_the_highest_fee_leaves_the_years_before_the_service_alone() -> None:
    """A fee of the whole return would weigh minus infinity, and nothing of that is not a number."""
    world = alone(liquidity_mkrw=10.0)
    service = {"product_service": Enactment(first_year=2)}
    gain = held(terms_on(world, service, calm(product_service_fee_share=0.99)), Term.GAIN)[:, 0]
    assert gain[:4].tolist() == [0.0] * 4
    assert gain[4:] == pytest.approx(np.full(20, math.log(0.01)))
    with pytest.raises(InputError, match="product_service_fee_share=1: outside its range"):
        calm(product_service_fee_share=1.0)


@pytest.mark.parametrize("name", [name for name in CATALOGUE if CATALOGUE[name].cost])
def test_running_an_instrument_costs_the_public_its_price_in_each_region_and_year(name: str) -> None:
    world, p = mixed()
    price = p[CATALOGUE[name].cost]
    levers = QUEUE if name in ADVISING else NOTHING
    years = 3 if name in ADVISING else 6
    for strength in (0.5, 1.0):
        played = play(world, {name: strength}, p, levers, quarters=24)
        by_year = played.flow(Flow.INSTRUMENTS).reshape(2, 6, 4).sum(axis=2)
        expected = np.where(np.arange(6) < years, price * strength, 0.0)
        assert by_year == pytest.approx(np.tile(expected, (2, 1)))
    assert play(world, {}, p, levers, quarters=24).flow(Flow.INSTRUMENTS).sum() == 0.0


def test_public_money_is_what_the_programme_and_the_instruments_spend() -> None:
    experiment = experiment_of("scenarios=[cluster_25]", "levers.subsidy_rate=0.3")
    design = replace(experiment.designs["cluster_25"], instruments=enacted(TOGETHER))
    world = experiment.world(0)
    run_ = run_replicate(experiment.with_designs({"all": design}), world, 0)["all"]
    spent = (Flow.ADVICE, Flow.SUBSIDY, Flow.INSTRUMENTS, Flow.INSTRUMENT_SUBSIDY)
    each = [float(run_.flow[:, :, flow].sum()) for flow in spent]
    assert min(each) > 0.0
    assert outcomes_of_one(run_)["public_money_mkrw"] == pytest.approx(sum(each))


# --- 7. advisers and budgets --------------------------------------------------------------------


def test_trained_advisers_are_better_and_more_in_proportion_to_strength() -> None:
    p = parameters({"adviser_training_skill_gain": 0.4, "adviser_training_capacity_gain": 0.5})
    levers = Levers(support="individual", adviser_skill=1.2, adviser_capacity_firms_per_quarter=10)
    for strength in (0.5, 1.0):
        design = policy_of({"adviser_training": strength}, levers, p)
        assert design.adviser_skill == pytest.approx(1.2 + 0.4 * strength)
        assert design.adviser_capacity_firms_per_quarter == pytest.approx(10 * (1.0 + 0.5 * strength))
    unlimited = policy_of({"adviser_training": 1.0}, Levers(support="individual"), p)
    assert unlimited.adviser_capacity_firms_per_quarter == math.inf
    assert policy_of({}, levers, p) == design_of(levers)


def test_trained_advisers_err_less_and_add_to_the_return() -> None:
    world = world_of(firms_like(2000, **EAGER))
    p = calm(adviser_training_skill_gain=1.0, skill_log_return_gain=0.1)
    errors = []
    for strength, gain in ((0.0, 0.0), (1.0, 0.1)):
        played = play(world, {"adviser_training": strength}, p, individual(2000), quarters=1)
        assert played.state.log_return == pytest.approx(np.full(2000, 1.0 + gain))
        errors.append(float((played.state.signal - played.state.log_return).std()))
    assert errors[1] / errors[0] == pytest.approx(math.sqrt(0.5), rel=1e-9)  # the very same draws


def diagnosed(instruments: Given, capacity: int, quarters: int = 12, **changes: float) -> int:
    world = world_of(firms_like(200, **STUBBORN))
    p = calm(queue_dropout_per_quarter=0.0, **changes)
    levers = individual(200, adviser_capacity_firms_per_quarter=capacity)
    played = play(world, instruments, p, levers, quarters=quarters)
    return int((played.state.diagnosed_quarter != NEVER).sum())


@pytest.mark.parametrize("capacity", [1, 4, 5, 10])
def test_trained_advisers_diagnose_a_fifth_more(capacity: int) -> None:
    """Over twelve quarters: 1.2 times as many, but for a part of one diagnosis."""
    assert diagnosed({}, capacity) == 12 * capacity
    more = diagnosed({"adviser_training": 1.0}, capacity, adviser_training_capacity_gain=0.2)
    assert abs(more - 1.2 * 12 * capacity) < 1.0
    none = diagnosed({"adviser_training": 1.0}, capacity, adviser_training_capacity_gain=0.0)
    assert none == 12 * capacity  # control


IMPATIENT = {"queue_dropout_per_quarter": 0.15, "diagnosis_noise_sd": 0.5}


@pytest.mark.parametrize("rate", [0.0, 0.15, 1.0])
def test_firms_leave_the_queue_exactly_as_their_own_draws_say(rate: float) -> None:
    """Recomputed: a firm leaves once its draw reaches (1 - rate)^quarters; then the next are served."""
    world = world_of(firms_like(200, **STUBBORN))
    p = calm(queue_dropout_per_quarter=rate)
    levers = individual(200, adviser_capacity_firms_per_quarter=7)
    played = play(world, {}, p, levers, seed=5, quarters=20)
    queue, served, gone = played.supported().tolist(), {}, set()
    assert len(queue) == 200
    for now in range(20):
        waiting = [firm for firm in queue if firm not in served and firm not in gone]
        gone |= {f for f in waiting if lot(5, Purpose.DROP_OUT, f) >= (1.0 - rate) ** now}
        served |= dict.fromkeys([f for f in waiting if f not in gone][:7], now)
    when = played.state.diagnosed_quarter
    assert {f: int(when[f]) for f in range(200) if when[f] != NEVER} == served
    assert set(np.flatnonzero(played.state.signal == GONE).tolist()) == gone
    assert (len(gone) == 0) == (rate == 0.0)
    assert rate != 1.0 or len(gone) == 193


def test_of_firms_that_wait_a_stated_share_leaves_per_quarter() -> None:
    world = world_of(firms_like(4000, **STUBBORN))
    levers = individual(4000, adviser_capacity_firms_per_quarter=1)
    for rate in (0.1, 0.3):
        shares = []
        for played in steps(world, {}, calm(queue_dropout_per_quarter=rate), levers, quarters=6):
            shares.append(float((played.state.signal == GONE).mean()))
        assert shares[0] == 0.0
        assert shares == pytest.approx([1.0 - (1.0 - rate) ** k for k in range(6)], abs=0.025)


def test_nobody_leaves_where_nobody_waits() -> None:
    world = world_of(firms_like(200, **STUBBORN))
    played = play(world, {}, calm(queue_dropout_per_quarter=1.0), individual(200), quarters=20)
    assert (played.state.diagnosed_quarter == 0).all()
    assert not (played.state.signal == GONE).any()


def imbalance(instruments: Given, levers: Levers, world: World, p: Parameters, seed: int) -> float:
    """Largest gap between money granted and money accounted for, over quarters and regions."""
    gaps, firms = [], world.firms
    for now, played in enumerate(steps(world, instruments, p, levers, seed, 24)):
        state, programme = played.state, played.setting.programme
        waits = (state.supported_quarter != NEVER) & (state.diagnosed_quarter == NEVER)
        waits &= (state.adoption_quarter == NEVER) & (state.signal != GONE)
        set_aside = np.bincount(firms.region, np.where(waits, firms.capital_need_mkrw, 0.0), 2)
        spent = (played.flow(Flow.ADVICE) + played.flow(Flow.SUBSIDY))[:, : now + 1].sum(axis=1)
        granted = programme.budget_mkrw_per_year * min(now // 4 + 1, levers.programme_years)
        total = spent + played.flow(Flow.UNSPENT)[:, now] + programme.subsidy_rate * set_aside
        gaps.append(np.abs(total - granted).max())
        assert (state.purse_mkrw > -1e-6).all()
    return float(max(gaps))


@pytest.mark.parametrize("support", ["individual", "cluster"])
def test_what_was_set_aside_for_firms_that_left_goes_back_to_the_purse_once(support: Any) -> None:
    """Some of those who left adopt by themselves later, and must not be paid or booked again."""
    world, p = mixed(queue_dropout_per_quarter=0.3, act_anyway_probability=0.05)
    levers = Levers(
        support=support, cohort_size=10, subsidy_rate=0.4, adviser_capacity_firms_per_quarter=2,
        budget_mkrw_per_year=2000.0, programme_years=3,
    )  # fmt: skip
    for seed, instruments in ((1, {}), (2, TOGETHER)):
        assert imbalance(instruments, levers, world, p, seed) < 1e-6
        state = play(world, instruments, p, levers, seed, 24).state
        gone = state.signal == GONE
        assert (gone & (state.adoption_quarter != NEVER)).sum() > 3
        assert (gone & (state.adoption_quarter == NEVER)).sum() > 3
        assert not (gone & (state.diagnosed_quarter != NEVER)).any()


def test_a_firm_that_left_is_never_paid_a_subsidy() -> None:
    world = world_of(firms_like(30, **SUPPORT_ONLY))
    p = calm(queue_dropout_per_quarter=1.0, review_rate_per_quarter=0.0)
    levers = individual(30, subsidy_rate=0.5, budget_mkrw_per_year=30 * 90.0,
                        adviser_capacity_firms_per_quarter=4)  # fmt: skip
    played = play(world, {}, p, levers, quarters=12)
    assert played.adopters() == 4
    assert played.flow(Flow.SUBSIDY).sum() == pytest.approx(4 * 50.0)
    assert played.flow(Flow.UNSPENT)[0, -1] == pytest.approx(26 * 50.0)


def test_pooled_budgets_add_their_share() -> None:
    p = parameters({"linked_budget_share": 0.4})
    levers = Levers(support="individual", budget_mkrw_per_year=500.0)
    for strength in (0.5, 1.0):
        design = policy_of({"key_industry_linkage": strength}, levers, p)
        assert design.budget_mkrw_per_year == pytest.approx(500.0 * (1.0 + 0.4 * strength))
        assert programme_of(design, p).budget_mkrw_per_year == design.budget_mkrw_per_year
        assert design.targeting == "key_sectors"


def test_a_linked_programme_spends_more_and_supports_the_regions_key_sectors_first() -> None:
    """Key sectors: vehicles and chemicals in Ulsan, machinery and vehicles in Busan."""
    world, p = mixed(linked_budget_share=0.5)
    levers = Levers(support="individual", budget_mkrw_per_year=600.0, programme_years=1)
    keys = {"ulsan": ("vehicles", "chemicals"), "busan": ("machinery", "vehicles")}
    names = zip(world.firms.sector, world.firms.region, strict=True)
    is_key = np.array([world.sectors[s] in keys[world.regions[r]] for s, r in names])
    by_lot, linked = (play(world, g, p, levers, quarters=4) for g in ({}, {"key_industry_linkage": 1.0}))
    assert is_key[linked.supported()].all()
    assert not is_key[by_lot.supported()].all()  # control
    assert by_lot.flow(Flow.ADVICE).sum(axis=1).tolist() == [600.0] * 2
    assert linked.flow(Flow.ADVICE).sum(axis=1) == pytest.approx([880.0] * 2)  # 22 firms of 40; 20 are left
    rich = levers.model_copy(update={"budget_mkrw_per_year": 1e6})
    order = is_key[play(world, {"key_industry_linkage": 1.0}, p, rich, quarters=1).supported()].astype(int)
    for k in range(2):
        of_region = order[world.firms.region[play(world, {"key_industry_linkage": 1.0}, p, rich,
                                                  quarters=1).supported()] == k]  # fmt: skip
        assert (np.diff(of_region) <= 0).all()


def test_advice_lasts_as_long_as_the_programme() -> None:
    levers = Levers(support="cluster", first_year=2, programme_years=3)
    design = policy_of({"adviser_training": 0.5, "round_table": FULL}, levers, parameters())
    kept = dict(design.instruments)
    assert kept["adviser_training"] == Enactment(strength=0.5, first_year=2, years=3)
    assert kept["round_table"] == FULL


# --- 8. one engine, however it is looked at -----------------------------------------------------


def few() -> tuple[World, Parameters]:
    lively = {"firms_per_complex": 10, "waits_for_example_share": 0.4, "act_anyway_probability": 0.02}
    return synthetic(40, ("ulsan", "busan"), **{**MIXED, **lively})


def ensemble(instruments: Given, seeds: np.ndarray, quarters: int = 20) -> Runs:
    world, p = few()
    played = prepared(world, instruments, p, QUEUE, quarters)
    runs = room_for(seeds.size, world.size, 2, quarters)
    order = priority(policy_of(instruments, QUEUE, p).targeting, world)
    with np.errstate(over="ignore"):
        run_into(runs, played.state, played.setting, seeds, order)
    return runs


@pytest.mark.parametrize("name", [*CATALOGUE, "all together"])
def test_the_mesa_model_has_the_ensembles_history_to_the_bit(name: str) -> None:
    instruments = TOGETHER if name == "all together" else {name: 1.0}
    world, p = few()
    seeds = replicate_seeds(3, 0, 2)
    runs, design = ensemble(instruments, seeds), policy_of(instruments, QUEUE, p)
    for k, seed in enumerate(seeds):
        model = DiffusionModel(
            world=world, parameters=p, design=design, seed=int(seed), horizon_quarters=20, collect=False,
            regional_mean=np.full(2, p.mean_log_return), beside_no_policy=False,
            terms=terms_on(world, dict(design.instruments), p, 20),
        )  # fmt: skip
        model.run_model()
        assert model.state.adoption_quarter.astype(np.int16).tobytes() == runs.adoption_quarter[k].tobytes()
        assert model.state.log_return.astype(np.float32).tobytes() == runs.log_return[k].tobytes()
        assert model.state.flow.tobytes() == runs.flow[k].tobytes()
    without = ensemble({}, seeds)
    assert not np.array_equal(without.flow, runs.flow)  # agreement means something


def save_runs(path: str) -> None:
    """All instruments together and none; called here and in a Python that does not compile."""
    seeds = replicate_seeds(3, 0, 2)
    terms = terms_on(*few()[:1], TOGETHER, few()[1], 20)
    np.savez(
        path,
        **{f"runs {key}": value for key, value in ensemble(TOGETHER, seeds)._asdict().items()},
        **{f"without {key}": value for key, value in ensemble({}, seeds)._asdict().items()},
        **{f"terms {key}": value for key, value in terms._asdict().items()},
    )


def test_plain_python_gives_the_compiled_histories_of_all_instruments_to_the_bit(tmp_path: Path) -> None:
    compiled, uncompiled = tmp_path / "compiled.npz", tmp_path / "uncompiled.npz"
    code = (
        "import sys, test_instruments; from cpdiffusion.engine import phases; "
        "assert not hasattr(phases.quarter, 'py_func'), 'compiled after all'; "
        "test_instruments.save_runs(sys.argv[1])"
    )
    paths = os.pathsep.join([str(SOURCES), str(Path(__file__).parent)])
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": paths}
    command = [sys.executable, "-W", "error::RuntimeWarning", "-c", code, str(uncompiled)]
    subprocess.run(command, env=environment, check=True)
    save_runs(str(compiled))
    with np.load(compiled) as one, np.load(uncompiled) as other:
        assert set(one) == set(other)
        assert not [name for name in one if one[name].tobytes() != other[name].tobytes()]
        assert one["runs flow"].tobytes() != one["without flow"].tobytes()
        assert (one["runs adoption_quarter"] != NEVER).sum() > 20


def test_one_worker_and_two_come_to_the_same(tmp_path: Path) -> None:
    instruments = "".join(f"  {name}: {strength}\n" for name, strength in TOGETHER.items())
    experiment = experiment_of(f"scenarios=[none,{own_scenario(tmp_path, instruments)}]")
    stretches = [(0, 3), (3, 2), (5, 3)]

    def batches(number: int) -> list[Any]:
        with Workers(number) as workers:
            return list(workers.map(lambda s: run_batch(experiment, *s), stretches))

    def flows(found: list[Any]) -> np.ndarray:
        return np.array([flow for batch in found for flow in batch.flows["mine"]])

    one, two = flows(batches(1)), flows(batches(2))
    assert np.array_equal(one, two)
    assert np.array_equal(one, flows([run_batch(experiment, 0, 8)]))  # however it is cut
    assert len({flow.tobytes() for flow in one}) == 8


# --- 9. bad input -------------------------------------------------------------------------------

QUICK = ["parameters.firms_per_region=200", "horizon_years=5", "progress=false", "figures=false",
         "turning=false", "why=false", "replicates.at_least=2", "replicates.at_most=2"]  # fmt: skip


def refused(capsys: pytest.CaptureFixture[str], folder: Path, *words: str) -> str:
    """The sentence with which a command is refused."""
    code = main([*QUICK, f"out={folder}/out", *words])
    said = capsys.readouterr()
    assert code == 2, said.out
    assert not (folder / "out").exists()
    assert said.out == ""
    assert said.err.startswith("cpdiffusion: ")
    assert said.err.count("\n") == 1
    assert said.err.strip()[-1] in ".?"
    return said.err


WRONG_IN_FILE = {
    "unknown instrument": ("  round_tabel: 1\n", [], ["mine", "round_tabel", "did you mean 'round_table'?"]),
    "unknown region": ("  round_table: {regions: [ulsann]}\n", [],
                       ["mine", "round_table.regions=ulsann", "did you mean 'ulsan'?"]),
    "region not in this run": ("  round_table: {regions: [busan, daegu]}\n", [],
                               ["mine", "round_table.regions", "busan", "none of them", "ulsan"]),
    "unknown sector": ("  carbon_border: {sectors: [metal]}\n", [],
                       ["mine", "carbon_border.sectors=metal", "did you mean 'metals'?"]),
    "begins after the horizon": ("  carbon_border: {first_year: 6}\n", [],
                                 ["mine", "carbon_border.first_year=6", "at most 5", "horizon_years"]),
    "too strong": ("  round_table: 1.5\n", [], ["mine", "round_table", "1.5", "less than or equal to 1"]),
    "too weak": ("  round_table: {strength: -1}\n", [],
                 ["mine", "round_table.strength=-1", "greater than or equal to 0"]),
    "not a number at all": ("  round_table: .nan\n", [], ["mine", "round_table", "nan"]),
    "for no year": ("  round_table: {years: 0}\n", [], ["mine", "round_table.years=0"]),
    "before the first year": ("  round_table: {first_year: 0}\n", [], ["mine", "round_table.first_year=0"]),
    "for no region": ("  round_table: {regions: []}\n", [], ["mine", "round_table.regions"]),
    "a list": ("  - round_table\n", [], ["mine", "'instruments' must be a list of 'name: strength' lines"]),
    "twice": ("  round_table: 1\n  round_table: 0.5\n", [], ["mine", "'round_table' is there twice"]),
    "a contradictory pair": ("  green_procurement: 1\n  procurement_network: 0.5\n", [],
                             ["mine", "green_procurement", "procurement_network", "contradict"]),
    "subsidies above 1": ("  clean_factory: 1\n", ["levers.subsidy_rate=0.8"],
                          ["mine", "1.1", "subsidy_rate 0.8", "clean_factory 0.3"]),
    "training without a programme": ("  adviser_training: 1\n", ["levers.support=none"],
                                     ["mine", "adviser_training", "support"]),
    "linkage without a programme": ("  key_industry_linkage: 1\n", ["levers.budget_mkrw_per_year=0"],
                                    ["mine", "key_industry_linkage", "programme"]),
    "linkage with another targeting": ("  key_industry_linkage: 1\n", ["levers.targeting=violators"],
                                       ["mine", "key_industry_linkage", "targeting=violators"]),
    "training in one region only": ("  adviser_training: {regions: [ulsan]}\n", [],
                                    ["mine", "adviser_training", "strength only"]),
    "training of a programme of no years": ("  adviser_training: 1\n", ["levers.programme_years=0"],
                                            ["mine", "adviser_training", "programme"]),
    "in words": ("  round_table: much\n", [], ["mine", "round_table", "much", "number"]),
    "an unknown key": ("  round_table: {first: 2}\n", [], ["mine", "round_table.first", "first_year"]),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG_IN_FILE)
def test_a_scenario_with_a_wrong_instrument_is_refused_in_one_sentence(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    instruments, words, pieces = WRONG_IN_FILE[case]
    path = own_scenario(tmp_path, instruments)
    sentence = refused(capsys, tmp_path, f"scenarios=[{path}]", *words)
    assert not [piece for piece in pieces if piece not in sentence], sentence
    # repeats all that the file enacts.
    assert not [jargon for jargon in ("Enactment", "value error") if jargon in sentence], sentence


WRONG_ON_COMMAND_LINE = {
    "unknown": (["instruments.roundtable=1"], ["instruments.roundtable", "did you mean 'round_table'?"]),
    "too strong": (["instruments.round_table=1.5"], ["instruments.round_table", "1.5"]),
    "too weak in one scenario": (["changes.cluster_25.round_table=-1"], ["round_table", "-1"]),
    "where there is no programme": (["instruments.adviser_training=1"], ["none", "adviser_training"]),
    "unknown in one scenario": (["changes.cluster_25.roundtable=1"], ["roundtable", "'round_table'"]),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG_ON_COMMAND_LINE)
def test_a_wrong_instrument_on_the_command_line_is_refused_in_one_sentence(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words, pieces = WRONG_ON_COMMAND_LINE[case]
    sentence = refused(capsys, tmp_path, "scenarios=[none,cluster_25]", *words)
    assert not [piece for piece in pieces if piece not in sentence], sentence


def test_linkage_where_no_region_has_key_sectors_is_refused_by_its_own_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    register = tmp_path / "firms.csv"
    rows = "".join(f"f{k},s{k % 3},c{k % 2},30\n" for k in range(60))
    register.write_text("firm,sector,complex,employees\n" + rows, "utf-8")
    sentence = refused(
        capsys, tmp_path, "scenarios=[individual]", "instruments.key_industry_linkage=1",
        f"world.firms={register}",
    )  # fmt: skip
    assert "individual" in sentence
    assert "key_industry_linkage" in sentence


def test_what_is_at_the_edge_of_the_allowed_is_accepted(tmp_path: Path) -> None:
    """Control: subsidies of exactly 1, the last year, one region of two, a sector that occurs."""
    text = (
        "  clean_factory: 1\n  carbon_border: {first_year: 5, sectors: [metals]}\n"
        "  round_table: {regions: [ulsan, busan], years: 100}\n  key_industry_linkage: 1\n"
    )
    path = own_scenario(tmp_path, text)
    experiment = experiment_of(
        f"scenarios=[{path}]", "levers.subsidy_rate=0.7", "levers.targeting=key_sectors"
    )
    assert len(experiment.designs["mine"].instruments) == 4


# --- 10. why ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CATALOGUE)
def test_each_instrument_is_a_channel_of_its_own(name: str) -> None:
    baseline = design_of(Levers(support="cluster"))
    scenario = replace(baseline, instruments=enacted({name: 0.5}))
    weaker = replace(baseline, instruments=enacted({name: 0.2}))
    assert differing_channels(baseline, scenario) == (name,)
    assert differing_channels(weaker, scenario) == (name,)
    assert differing_channels(scenario, scenario) == ()
    assert mixture(baseline, scenario, [name]) == scenario == mixture(scenario, scenario, ())
    assert mixture(weaker, scenario, ()) == weaker
    assert mixture(scenario, baseline, [name]) == baseline
    assert channel_words(name) == CATALOGUE[name].title


@pytest.mark.parametrize(
    ("baseline", "scenario"),
    [
        (design_of(Levers(), enacted({"green_procurement": 1.0})),
         design_of(Levers(), enacted({"procurement_network": 1.0}))),
        (design_of(Levers(support="cluster", subsidy_rate=0.8)),
         design_of(Levers(support="cluster"), enacted({"clean_factory": 1.0}))),
    ],
)  # fmt: skip
def test_every_mixture_that_is_run_to_find_out_why_is_a_policy_that_could_be_enacted(
    baseline: Design, scenario: Design
) -> None:
    p = parameters()
    for raw in (baseline, scenario, *mixtures(baseline, scenario).values()):
        design = advised(raw, p)  # the programme pays at most what the instruments leave
        require_consistent("mixture", design.instruments, design.subsidy_rate, p)
    assert advised(scenario, p).subsidy_rate == scenario.subsidy_rate  # control: nothing else is cut


def test_why_lists_each_instrument_and_its_shares_add_up_to_the_difference(tmp_path: Path) -> None:
    names = ["clean_factory", "environmental_law", "product_service", "round_table"]
    own_scenario(tmp_path, "".join(f"  {name}: 1\n" for name in names))
    quick = [word for word in QUICK if not word.startswith(("why", "replicates"))]
    words = [*quick, "replicates.at_least=20", "replicates.at_most=20", "levers.support=none",
             f"scenarios=[none,{tmp_path}/mine.yaml]", f"out={tmp_path}/out"]  # fmt: skip
    assert main(words) == 0
    why = pd.read_csv(tmp_path / "out" / "why.csv").set_index("channel")
    assert list(why.index) == names
    assert why.words.tolist() == [CATALOGUE[name].title for name in names]
    runs = pd.read_parquet(tmp_path / "out" / "runs.parquet").set_index(["scenario", "replicate"])
    first = runs.adopters.unstack(0).head(int(why.replicates.iloc[0]))
    assert why.share.sum() == pytest.approx((first.mine - first["none"]).mean(), rel=1e-6)
    assert (first.mine - first["none"]).mean() > 1.0


def test_of_many_instruments_the_shares_add_up_as_well() -> None:
    """More channels than all mixtures can be run of; values are made up, a sum with an interaction."""
    baseline = design_of(Levers())
    scenario = design_of(Levers(support="cluster"), enacted(TOGETHER))
    channels = differing_channels(baseline, scenario)
    assert set(TOGETHER) <= set(channels)
    assert len(channels) > 15
    found = coalitions(channels)
    assert len(found) < 1000
    worth = {channel: float(k + 1) for k, channel in enumerate(channels)}

    def value(coalition: frozenset[str]) -> np.ndarray:
        extra = 10.0 if {"round_table", "carbon_border"} <= coalition else 0.0
        return np.array([sum(worth[channel] for channel in coalition) + extra])

    shares = shapley(channels, {coalition: value(coalition) for coalition in found})
    assert sum(share[0] for share in shares.values()) == pytest.approx(value(frozenset(channels))[0])
    assert shares["clean_factory"][0] == pytest.approx(worth["clean_factory"])
    both = shares["round_table"][0] - worth["round_table"]
    assert both == pytest.approx(5.0)  # each order has its reverse, so an interaction is halved
