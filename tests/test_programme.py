"""The programme's money: what support costs, whom it takes, that nothing is lost or left lying."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from cpdiffusion.engine.intake import next_eligible
from cpdiffusion.engine.state import GONE, NEVER, NOBODY, Batch, Flow, Queue
from cpdiffusion.errors import InputError
from cpdiffusion.parameters import BY_NAME, Parameters, parameters
from cpdiffusion.policy.design import (
    CHANNEL_WORDS,
    CHANNELS,
    Design,
    design_of,
    differing_channels,
    mixture,
)
from cpdiffusion.policy.levers import Levers, Targeting
from cpdiffusion.policy.programme import advice_costs, programme_of
from cpdiffusion.policy.targeting import priority
from small_worlds import (
    NOTHING,
    STUBBORN,
    SUPPORT_ONLY,
    Played,
    calm,
    changed,
    firms_like,
    individual,
    quarter_by_quarter,
    run,
    strangers,
    synthetic,
    world_of,
)

CLUSTER = design_of(Levers(support="cluster"))
INDIVIDUAL = design_of(Levers(support="individual"))


# --- what advice costs --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("firms", "expected"),
    [(2, 132.2), (3, 148.6), (10, 269.0), (25, 560.0), (60, 1414.0)],
)
def test_a_cohort_costs_what_the_formula_says_on_paper(firms: int, expected: float) -> None:
    """100 + 16 n + 0.2 n (n - 1) / 2 million KRW."""
    for size in (firms, 60):  # as a whole cohort, and as a smaller one in a larger design
        design = design_of(Levers(support="cluster", cohort_size=size))
        assert advice_costs(design, parameters())[firms] == pytest.approx(expected)


def test_a_firm_alone_costs_its_own_price_in_any_design() -> None:
    p = parameters({"individual_advice_cost_mkrw": 37.0})
    for design in (INDIVIDUAL, CLUSTER):
        assert advice_costs(design, p)[0] == 0.0
        assert advice_costs(design, p)[1] == pytest.approx(37.0)


def test_integrated_safety_adds_its_share_to_all_advice() -> None:
    p = parameters({"safety_advice_cost_share": 0.5})
    for design in (INDIVIDUAL, CLUSTER):
        safe = advice_costs(replace(design, integrated_safety=0.4), p)
        assert safe == pytest.approx(1.2 * advice_costs(design, p))


def test_each_price_enters_the_cost_of_a_cohort_as_often_as_it_should() -> None:
    base = advice_costs(CLUSTER, parameters())[25]
    for name, change, times in (
        ("cohort_fixed_cost_mkrw", 10.0, 1),
        ("cohort_cost_per_firm_mkrw", 2.0, 25),
        ("coordination_cost_per_pair_mkrw", 0.1, 300),
        ("individual_advice_cost_mkrw", 5.0, 0),
    ):
        dearer = parameters({name: BY_NAME[name].at(None) + change})  # type: ignore[arg-type]
        assert advice_costs(CLUSTER, dearer)[25] - base == pytest.approx(times * change), name


def test_costs_per_firm_in_every_mixture_of_cost_channels_are_those_on_paper() -> None:
    """Per firm in a batch of 25: alone 40; shared 100/25 + 16 = 20; coordination 0.1 x 24 = 2.4."""
    for shared, coordinated, together in itertools.product((False, True), repeat=3):
        channels = [
            name
            for name, on in (
                ("shared_advice", shared),
                ("coordination", coordinated),
                ("full_cohorts", together),
            )
            if on
        ]
        costs = advice_costs(mixture(INDIVIDUAL, CLUSTER, channels), parameters())
        batch = 25 if together else 1
        expected = (20.0 if shared else 40.0) + (2.4 if coordinated else 0.0)
        assert costs[batch] / batch == pytest.approx(expected), channels


def test_a_batch_that_outgrows_its_size_costs_no_more_per_firm_than_before() -> None:
    """Without shared advice or coordination a batch is only a way of queueing: 40 per firm."""
    design = mixture(INDIVIDUAL, CLUSTER, ["full_cohorts"])
    costs = advice_costs(design, parameters())
    assert costs[:26] == pytest.approx(40.0 * np.arange(26))
    assert costs[26:] == pytest.approx(40.0 * np.arange(26, costs.size))


PAIR_CHEAPER_THAN_ONE = {  # within the ranges: alone 75, two together 50 + 2 x 8 = 66
    "individual_advice_cost_mkrw": 75.0,
    "cohort_fixed_cost_mkrw": 50.0,
    "cohort_cost_per_firm_mkrw": 8.0,
    "coordination_cost_per_pair_mkrw": 0.0,
}


def test_a_cohort_that_the_purse_can_pay_is_formed_even_if_one_firm_alone_costs_more() -> None:
    world = world_of(firms_like(10, **STUBBORN))
    levers = Levers(support="cluster", cohort_size=2, budget_mkrw_per_year=70.0)
    played = run(world, levers, calm(**PAIR_CHEAPER_THAN_ONE), quarters=4)
    assert played.batches().tolist() == [2]
    assert played.flow(Flow.ADVICE).sum() == pytest.approx(66.0)


def test_advice_is_never_paid_back() -> None:
    """Capacity 1 and a subsidy: money comes back one by one, and last batches grow one by one."""
    world = world_of(firms_like(40, **STUBBORN))
    levers = Levers(
        support="cluster", cohort_size=2, subsidy_rate=0.3, budget_mkrw_per_year=150.0,
        programme_years=1, adviser_capacity_firms_per_quarter=1.0,
    )  # fmt: skip
    played = run(world, levers, calm(**PAIR_CHEAPER_THAN_ONE), quarters=40)
    assert played.supported().size > 2
    assert played.flow(Flow.ADVICE).min() >= 0.0


# --- designs and their channels -----------------------------------------------------------------


def test_every_field_of_a_design_belongs_to_exactly_one_channel() -> None:
    members = [field for channel in CHANNELS.values() for field in channel]
    assert sorted([*members, "instruments"]) == sorted(f.name for f in fields(Design))  # each a channel
    assert CHANNELS.keys() == CHANNEL_WORDS.keys()


FAR_APART = (
    design_of(Levers(support="individual", budget_mkrw_per_year=500.0)),
    design_of(
        Levers(
            support="cluster", cohort_size=20, subsidy_rate=0.2, integrated_safety=0.5,
            targeting="large", adviser_skill=1.5, adviser_capacity_firms_per_quarter=9.0,
            budget_mkrw_per_year=700.0, programme_years=3, first_year=2,
        )
    ),
)  # fmt: skip


def test_a_mixture_of_all_channels_is_the_scenario_and_of_none_the_baseline() -> None:
    baseline, scenario = FAR_APART
    assert mixture(baseline, scenario, ()) == baseline
    assert mixture(baseline, scenario, CHANNELS) == scenario
    assert differing_channels(baseline, scenario) == tuple(CHANNELS)
    assert differing_channels(baseline, baseline) == ()


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_channel_changes_its_own_fields_and_no_others(channel: str) -> None:
    baseline, scenario = FAR_APART
    mixed = mixture(baseline, scenario, [channel])
    for f in fields(Design):
        taken_from = scenario if f.name in CHANNELS[channel] else baseline
        assert getattr(mixed, f.name) == getattr(taken_from, f.name)
    assert differing_channels(baseline, mixed) == (channel,)


def test_individual_and_cluster_support_differ_in_the_channels_of_a_cluster_only() -> None:
    assert differing_channels(INDIVIDUAL, CLUSTER) == (
        "full_cohorts",
        "shared_advice",
        "coordination",
        "cohort_learning",
        "published_results",
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"support": "clusters"},
        {"cohort_size": 1},
        {"subsidy_rate": 1.01},
        {"subsidy_rate": math.nan},
        {"budget_mkrw_per_year": -1.0},
        {"budget_mkrw_per_year": math.inf},
        {"subsidy": 0.3},
    ],
)
def test_levers_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        Levers(**wrong)


# --- no money is lost ---------------------------------------------------------------------------


def granted_by_quarter(levers: Levers, quarters: int) -> np.ndarray:
    """Budget granted to one region until the end of each quarter, shape (Q,)."""
    years = np.arange(quarters) // 4 - (levers.first_year - 1) + 1
    return levers.budget_mkrw_per_year * np.clip(years, 0, levers.programme_years)


def waiting_for_advice(played: Played) -> np.ndarray:
    """Firms whose offer is open: supported, not yet diagnosed, gone ahead by themselves, or gone."""
    state = played.state
    open_still = (state.diagnosed_quarter == NEVER) & (state.adoption_quarter == NEVER)
    return (state.supported_quarter != NEVER) & open_still & (state.signal != GONE)


def reserved(played: Played) -> np.ndarray:
    """Subsidies set aside for offers that are still open, by region."""
    open_offers = np.where(waiting_for_advice(played), played.world.firms.capital_need_mkrw, 0.0)
    rate = played.setting.programme.subsidy_rate
    return rate * np.bincount(played.world.firms.region, open_offers, len(played.world.regions))


def imbalance(world: Any, levers: Levers, p: Parameters, seed: int, quarters: int = 40) -> float:
    """Largest gap, over quarters and regions, between money granted and money accounted for."""
    gaps = []
    for now, played in enumerate(quarter_by_quarter(world, levers, p, seed, quarters)):
        spent = played.flow(Flow.ADVICE) + played.flow(Flow.SUBSIDY)
        unspent = played.flow(Flow.UNSPENT)[:, now]
        total = spent[:, : now + 1].sum(axis=1) + unspent + reserved(played)
        gaps.append(np.abs(total - granted_by_quarter(levers, quarters)[now]).max())
    return float(max(gaps))


DESIGNS = {
    "individual": Levers(support="individual"),
    "cluster": Levers(support="cluster"),
    "subsidised": Levers(support="cluster", cohort_size=11, subsidy_rate=0.3, first_year=3),
    "one by one with subsidy": Levers(support="individual", subsidy_rate=0.6, programme_years=2),
    "queue": Levers(
        support="cluster", subsidy_rate=0.4, adviser_capacity_firms_per_quarter=3.0
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DESIGNS)
def test_all_money_granted_is_advice_subsidy_reserved_or_unspent(name: str) -> None:
    world, p = synthetic(300, ("ulsan", "busan"))
    for seed in range(3):
        assert imbalance(world, DESIGNS[name], p, seed) < 1e-6


def test_money_balances_when_a_firm_declines_the_subsidy_and_then_acts_by_chance() -> None:
    """It said no to the offer, so it must not be paid: the money went back into the purse."""
    p = calm(act_anyway_probability=1.0)
    levers = individual(1, subsidy_rate=0.5, budget_mkrw_per_year=90.0)
    world = strangers(STUBBORN)
    played = run(world, levers, p, quarters=4)
    assert played.state.adoption_quarter.tolist() == [0]
    assert played.state.diagnosed_quarter.tolist() == [0]
    assert played.flow(Flow.SUBSIDY).sum() == 0.0
    assert imbalance(world, levers, p, seed=1, quarters=4) < 1e-6


@pytest.mark.parametrize("name", DESIGNS)
def test_the_purse_is_never_overdrawn(name: str) -> None:
    world, p = synthetic(300, ("ulsan", "busan"))
    for seed in range(10):
        played = run(world, DESIGNS[name], p, seed, quarters=40)
        assert played.flow(Flow.UNSPENT).min() > -1e-6


def test_every_supported_firm_is_paid_for_once() -> None:
    """Advice in the books is the price of the batches that were formed."""
    world, p = synthetic(300, ("ulsan", "busan"))
    for levers in DESIGNS.values():
        played = run(world, levers, p, quarters=40)
        price = advice_costs(design_of(levers), p)
        assert played.flow(Flow.ADVICE).sum() == pytest.approx(price[played.batches()].sum())
        assert played.batches().sum() == played.supported().size


def test_the_budget_of_a_region_is_not_spent_in_another() -> None:
    """80 million KRW each: one firm in the first region (40 stay), five in the second."""
    world = world_of(firms_like(6, **STUBBORN, region=[0, 1, 1, 1, 1, 1]))
    played = run(world, individual(2), calm(), quarters=40)
    assert played.flow(Flow.ADVICE).sum(axis=1).tolist() == [40.0, 80.0]
    assert played.flow(Flow.UNSPENT)[:, -1].tolist() == [40.0, 0.0]


@settings(max_examples=60, deadline=None)
@given(
    support=st.sampled_from(["individual", "cluster"]),
    size=st.integers(2, 60),
    subsidy=st.sampled_from([0.0, 0.3, 0.9]),
    budget=st.floats(1.0, 3000.0),
    years=st.integers(0, 12),
    first=st.integers(1, 4),
    capacity=st.sampled_from([None, 1.0, 7.0]),
    seed=st.integers(0, 100),
)
def test_money_balances_and_the_rules_of_support_hold_for_any_programme(
    support: Any, size: int, subsidy: float, budget: float, years: int, first: int,
    capacity: float | None, seed: int,
) -> None:  # fmt: skip
    levers = Levers(
        support=support, cohort_size=size, subsidy_rate=subsidy, budget_mkrw_per_year=budget,
        programme_years=years, first_year=first, adviser_capacity_firms_per_quarter=capacity,
    )  # fmt: skip
    world, p = WORLD_OF_200
    assert imbalance(world, levers, p, seed, quarters=24) < 1e-6
    played = run(world, levers, p, seed, quarters=24)
    assert played.flow(Flow.UNSPENT).min() > -1e-6
    nobody_is_supported_twice_or_too_late(played)


WORLD_OF_200 = synthetic(200, act_anyway_probability=0.02)


# --- equal money --------------------------------------------------------------------------------


def price_of_one_more(played: Played, levers: Levers) -> float:
    """What the next firm on the list would cost at least: alone, or as one more of a last batch.

    Infinite when the region has no eligible firm left.
    """
    state, p = played.state, played.p
    last_quarter = state.flow.shape[1] - 1  # who adopts alone in it does so when the money is dealt out
    adopted = np.where(state.adoption_quarter == last_quarter, NEVER, state.adoption_quarter)
    begin, end = (int(state.queues[0, at]) for at in (Queue.NEXT, Queue.END))
    place = next_eligible(state.waiting_list, adopted.astype(np.int32), begin, end)
    if place >= end:
        return math.inf
    firm = state.waiting_list[place]
    advice = [p.individual_advice_cost_mkrw]
    if levers.support == "cluster":
        last_year = 4 * (levers.first_year - 1 + levers.programme_years - 1)
        batches = played.batches()
        recent = batches[state.batches[: batches.size, Batch.QUARTER] >= last_year]
        per_pair = p.coordination_cost_per_pair_mkrw
        advice += [p.cohort_cost_per_firm_mkrw + per_pair * n for n in recent[recent > 1]]
        second = p.cohort_fixed_cost_mkrw + 2 * p.cohort_cost_per_firm_mkrw + per_pair
        advice += [second - p.individual_advice_cost_mkrw] * bool((recent == 1).any())
    return min(advice) + levers.subsidy_rate * float(played.world.firms.capital_need_mkrw[firm])


def leaves_money_lying(levers: Levers, p: Parameters, world: Any, seed: int = 1) -> bool:
    played = run(world, levers, p, seed, quarters=40)
    return bool(played.flow(Flow.UNSPENT)[0, -1] >= price_of_one_more(played, levers))


def designs_at_equal_money(years: int) -> list[Levers]:
    money = {"budget_mkrw_per_year": 600.0, "programme_years": years}
    return [
        Levers(support=support, cohort_size=size, subsidy_rate=subsidy, **money)
        for subsidy in (0.0, 0.3)
        for support, sizes in (("individual", [2]), ("cluster", range(2, 61)))
        for size in sizes
    ]


def test_at_equal_money_no_design_leaves_the_price_of_one_more_firm_unspent() -> None:
    world, p = synthetic(600)
    lying = [levers for levers in designs_at_equal_money(5) if leaves_money_lying(levers, p, world)]
    assert not lying


def test_without_a_last_year_to_use_it_up_some_designs_do_leave_money() -> None:
    """Control: the last budget year lies beyond the horizon, so only full cohorts are formed."""
    world, p = synthetic(600)
    lying = [levers for levers in designs_at_equal_money(50) if leaves_money_lying(levers, p, world)]
    assert len(lying) > 50


@settings(max_examples=80, deadline=None)
@example(  # the dear firm at the head of the list goes ahead alone in the very last quarter
    size=2, subsidy=0.5, budget=317.0, years=5, capacity=None, prices=(0.0, 0.0, 0.0, 0.0), seed=5
)
@given(
    size=st.integers(2, 60),
    subsidy=st.sampled_from([0.0, 0.2, 0.5]),
    budget=st.floats(50.0, 2000.0),
    years=st.integers(1, 8),
    capacity=st.sampled_from([None, 20.0]),
    prices=st.tuples(*[st.floats(0.0, 1.0)] * 4),
    seed=st.integers(0, 20),
)
def test_money_is_used_up_whatever_the_prices_and_budgets(
    size: int, subsidy: float, budget: float, years: int, capacity: float | None,
    prices: tuple[float, ...], seed: int,
) -> None:  # fmt: skip
    names = (
        "individual_advice_cost_mkrw",
        "cohort_fixed_cost_mkrw",
        "cohort_cost_per_firm_mkrw",
        "coordination_cost_per_pair_mkrw",
    )
    ranges = [(BY_NAME[name].low, BY_NAME[name].high) for name in names]
    within = [low + share * (high - low) for share, (low, high) in zip(prices, ranges, strict=True)]
    p = parameters(dict(zip(names, within, strict=True)))
    for support in ("individual", "cluster"):
        levers = Levers(
            support=support, cohort_size=size, subsidy_rate=subsidy, budget_mkrw_per_year=budget,
            programme_years=years, adviser_capacity_firms_per_quarter=capacity,
        )  # fmt: skip
        assert not leaves_money_lying(levers, p, WORLD_OF_200[0], seed)


# --- whom it supports, and when -----------------------------------------------------------------


def nobody_is_supported_twice_or_too_late(played: Played) -> None:
    supported, state = played.supported(), played.state
    assert np.unique(supported).size == supported.size
    when, adopted = state.supported_quarter[supported], state.adoption_quarter[supported]
    assert (when != NEVER).all()
    assert ((adopted == NEVER) | (adopted >= when)).all()


@pytest.mark.parametrize("name", DESIGNS)
def test_no_firm_is_supported_twice_or_after_adopting(name: str) -> None:
    world, p = synthetic(300, act_anyway_probability=0.02)
    for seed in range(5):
        nobody_is_supported_twice_or_too_late(run(world, DESIGNS[name], p, seed, quarters=40))


@pytest.mark.parametrize("size", [2, 7, 25, 60])
def test_before_the_last_budget_year_only_full_cohorts_are_formed(size: int) -> None:
    world, p = synthetic(600)
    levers = Levers(support="cluster", cohort_size=size, budget_mkrw_per_year=937.0)
    played = run(world, levers, p, quarters=40)
    batches, formed = played.batches(), played.state.batches[: played.batches().size, Batch.QUARTER]
    assert (batches[formed < 16] == size).all()
    assert np.count_nonzero(formed < 16) > 0
    assert set(formed[formed < 16] % 4) == {0}
    assert set(batches[formed >= 16]) - {size}  # the last year makes use of the rest


def test_the_last_firms_of_a_region_form_a_smaller_cohort_before_the_last_year() -> None:
    world, p = synthetic(60)
    levers = Levers(support="cluster", cohort_size=25, budget_mkrw_per_year=1e5)
    played = run(world, levers, p, quarters=40)
    assert played.batches().tolist() == [25, 25, 10]
    assert (played.state.supported_quarter == 0).all()


def test_members_of_a_cohort_share_it_and_others_do_not() -> None:
    world, p = synthetic(600)
    played = run(world, Levers(support="cluster", cohort_size=20), p, quarters=40)
    cohort = played.state.cohort
    assert np.array_equal(np.bincount(cohort[cohort != NOBODY]), played.batches())
    assert ((cohort != NOBODY) == (played.state.supported_quarter != NEVER)).all()


def test_support_begins_in_its_first_year_and_comes_at_the_start_of_a_year() -> None:
    world, p = synthetic(300)
    levers = Levers(support="individual", first_year=3, programme_years=2)
    when = run(world, levers, p, quarters=40).state.supported_quarter
    assert set(when[when != NEVER]) == {8, 12}


def test_individual_support_takes_as_many_firms_as_the_money_pays() -> None:
    world = world_of(firms_like(100, **STUBBORN))
    when = run(world, individual(7, years=3), calm(), quarters=40).state.supported_quarter
    assert [np.count_nonzero(when == quarter) for quarter in (0, 4, 8)] == [7, 7, 7]
    assert np.count_nonzero(when != NEVER) == 21


# --- advisers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("capacity", [1.0, 3.0, 8.0])
def test_advisers_never_diagnose_more_firms_per_quarter_than_they_can(capacity: float) -> None:
    world, p = synthetic(300, ("ulsan", "busan"))
    levers = Levers(support="cluster", adviser_capacity_firms_per_quarter=capacity)
    played = run(world, levers, p, quarters=40)
    busiest = 0
    for region in range(2):
        when = played.state.diagnosed_quarter[world.firms.region == region]
        busiest = max(busiest, int(np.bincount(when[when != NEVER]).max()))
    assert busiest == capacity


def test_advisers_make_whole_diagnoses() -> None:
    with pytest.raises(ValueError, match="valid integer"):
        Levers(adviser_capacity_firms_per_quarter=2.5)  # type: ignore[arg-type]


def test_the_queue_for_a_diagnosis_follows_the_lot_and_not_the_list() -> None:
    world = world_of(firms_like(60, **STUBBORN))
    correlations = []
    for seed in range(40):
        levers = individual(60, adviser_capacity_firms_per_quarter=1.0)
        played = run(world, levers, calm(), seed, quarters=60)
        when = played.state.diagnosed_quarter
        assert when[played.supported()].tolist() == list(range(60))
        correlations.append(np.corrcoef(when, np.arange(60))[0, 1])
    assert abs(np.mean(correlations)) < 4 / math.sqrt(60 * 40)


def test_a_firm_in_the_queue_decides_on_its_offer_when_it_has_been_diagnosed() -> None:
    world = strangers(*[SUPPORT_ONLY] * 3)
    levers = individual(3, adviser_capacity_firms_per_quarter=1.0)
    played = run(world, levers, calm(review_rate_per_quarter=0.0), quarters=8)
    assert sorted(played.state.adoption_quarter) == [0, 1, 2]
    assert np.array_equal(played.state.adoption_quarter, played.state.diagnosed_quarter)


# --- targeting ----------------------------------------------------------------------------------

LEVEL: dict[Targeting, Callable[[Any], np.ndarray]] = {
    "violators": lambda w: w.firms.past_violation,
    "hazardous": lambda w: w.firms.hazard_class,
    "exporters": lambda w: w.firms.export_share > 0,
    "key_sectors": lambda w: np.isin(w.firms.sector, [2, 7]),  # Ulsan: chemicals, vehicles
    "connected": lambda w: np.bincount(w.ties.target, minlength=w.size),
    "small": lambda w: -w.firms.employees,
    "large": lambda w: w.firms.employees,
}


def in_order_of_support(rule: Targeting, seed: int = 1, firms: int = 200) -> tuple[Any, np.ndarray]:
    """The world and all its firms in the order in which a rich programme would take them."""
    world, p = synthetic(firms)
    levers = Levers(support="individual", targeting=rule, budget_mkrw_per_year=1e6)
    return world, run(world, levers, p, seed, quarters=1).supported()


def test_every_rule_of_targeting_is_tested_here() -> None:
    assert set(get_args(Targeting)) == {"random", *LEVEL}


@pytest.mark.parametrize("rule", LEVEL)
def test_a_rule_supports_higher_levels_first(rule: Targeting) -> None:
    world, order = in_order_of_support(rule)
    level = LEVEL[rule](world)[order].astype(int)
    assert order.size == world.size
    assert np.unique(level).size > 1
    assert (np.diff(level) <= 0).all()
    _, by_lot = in_order_of_support("random")  # control: a lot knows no levels
    assert (np.diff(LEVEL[rule](world)[by_lot].astype(int)) > 0).any()


@pytest.mark.parametrize("rule", ["random", "violators", "hazardous"])
def test_ties_are_broken_by_a_lot_that_differs_by_seed_and_ignores_list_order(
    rule: Targeting,
) -> None:
    seeds, size = 80, 200
    orders = [in_order_of_support(rule, seed, size)[1] for seed in range(seeds)]
    assert len({order.tobytes() for order in orders}) == seeds
    world, _ = in_order_of_support(rule)
    level = priority(rule, world)
    for value in np.unique(level):
        rows = np.flatnonzero(level == value)
        ranks = [np.argsort(order)[rows] for order in orders]
        listed = [np.corrcoef(rank, rows)[0, 1] for rank in ranks]
        assert abs(np.mean(listed)) < 4 / math.sqrt(len(rows) * seeds)
        between = np.corrcoef(ranks)[np.triu_indices(seeds, 1)]
        assert abs(np.mean(between)) < 0.05


def test_every_firm_has_the_same_chance_of_the_first_place() -> None:
    world = world_of(firms_like(10, **STUBBORN))
    first = [int(run(world, individual(), calm(), s, 1).supported()[0]) for s in range(3000)]
    assert np.bincount(first, minlength=10) == pytest.approx(np.full(10, 300), abs=80)


def test_random_is_never_list_order() -> None:
    for size in (5, 50, 500):
        world = world_of(firms_like(size, **STUBBORN))
        orders = [run(world, individual(size), calm(), seed, 1).supported().tolist() for seed in range(9)]
        assert all(sorted(order) == list(range(size)) for order in orders)
        assert orders.count(list(range(size))) <= (1 if size == 5 else 0)


def test_the_same_lot_is_drawn_under_every_design() -> None:
    world, p = synthetic(300)
    one = run(world, DESIGNS["individual"], p, quarters=1).supported()
    many = run(world, DESIGNS["cluster"], p, quarters=1).supported()
    few = min(one.size, many.size)
    assert few > 10
    assert np.array_equal(one[:few], many[:few])


def test_key_sectors_need_a_region_that_has_some() -> None:
    world = strangers(STUBBORN)
    with pytest.raises(InputError, match="key_sectors: none of the world's sectors is a key"):
        priority("key_sectors", world)


def test_key_sectors_are_those_of_the_firms_own_region() -> None:
    world, _ = synthetic(200, ("ulsan", "daegu"))
    names = [world.sectors[k] for k in world.firms.sector]
    keys = ({"vehicles", "chemicals"}, {"textiles", "fabricated_metal"})
    expected = [name in keys[r] for name, r in zip(names, world.firms.region, strict=True)]
    assert priority("key_sectors", world).astype(bool).tolist() == expected


# --- the programme's figures --------------------------------------------------------------------


def test_a_designs_figures_follow_from_levers_and_parameters_as_on_paper() -> None:
    p = calm(
        diagnosis_noise_sd=0.6, skill_log_return_gain=0.2, safety_log_benefit=0.1,
        safety_hassle_reduction=0.5, safety_hazard_reduction=0.4,
    )  # fmt: skip
    levers = Levers(
        support="cluster", adviser_skill=1.5, integrated_safety=0.5, first_year=2, programme_years=3
    )
    programme = programme_of(design_of(levers), p)
    assert (programme.first_quarter, programme.last_year_quarter) == (4, 12)
    assert programme.signal_variance == pytest.approx(0.36 / 1.5)
    assert programme.skill_gain == pytest.approx(0.1)
    assert programme.log_benefit == pytest.approx(0.05)
    assert programme.hassle_factor == pytest.approx(0.75)
    assert programme.hazard_factor == pytest.approx(0.8)
    assert programme.capacity_per_quarter == math.inf


def test_no_support_and_zero_years_have_no_budget() -> None:
    for levers in (NOTHING, Levers(support="cluster", programme_years=0)):
        assert programme_of(design_of(levers), parameters()).budget_mkrw_per_year == 0.0


def test_cohorts_publish_unless_told_otherwise_and_single_firms_do_not() -> None:
    for support, said, expected in (
        ("cluster", None, True), ("cluster", False, False),
        ("individual", None, False), ("individual", True, True), ("none", None, False),
    ):  # fmt: skip
        assert design_of(Levers(support=support, publishes_results=said)).publishes is expected


def test_a_dearer_package_reserves_a_larger_subsidy() -> None:
    """Budget 140: two firms at 40 + 0.3 x 100 = 70 each; at 200 a head only one (100)."""
    for capital, expected in ((100.0, 2), (200.0, 1)):
        world = changed(world_of(firms_like(5, **SUPPORT_ONLY)), capital_need_mkrw=capital)
        levers = individual(subsidy_rate=0.3, budget_mkrw_per_year=140.0)
        played = run(world, levers, calm(), quarters=4)
        assert played.supported().size == expected
        assert played.flow(Flow.SUBSIDY).sum() == pytest.approx(expected * 0.3 * capital)
