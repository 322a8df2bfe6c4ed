"""A quarter's phases in worlds of a few firms, against figures worked out on paper.

The paper's firm (see small_worlds): belief -0.5 with precision 1, so the sums are (1, -0.5); a
result x of a neighbour adds (1, x), one of a cohort-mate adds (2, 2x); it adopts once its mean
is 0 or more. Realised log returns are 1 plus the firm's potential.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cpdiffusion import draws
from cpdiffusion.draws import Purpose
from cpdiffusion.engine.reveal import learn
from cpdiffusion.engine.state import NEVER, NOBODY, Count, Flow
from cpdiffusion.errors import InputError
from cpdiffusion.policy.design import design_of, mixture
from cpdiffusion.policy.levers import Levers
from cpdiffusion.world.ties import Layer, rows
from small_worlds import (
    CALM,
    EAGER,
    NOTHING,
    STUBBORN,
    SUPPORT_ONLY,
    Played,
    alone,
    calm,
    changed,
    clique,
    cluster,
    firms_like,
    individual,
    one_by_one,
    pair,
    quarter_by_quarter,
    run,
    star,
    strangers,
    synthetic,
    ties_between,
    world_of,
)

FIRST, SECOND, THIRD = 0, 1, 2
IN_COHORT_FIRST = {"past_violation": True}  # with targeting="violators": takes its place up front


def stream(seed: int, purpose: Purpose, quarter: int) -> np.uint64:
    """A stream's key; compiled code hands it to Python as an int, which is no key any more."""
    return np.uint64(draws.stream(np.uint64(seed), int(purpose), quarter))


def uniform(seed: int, purpose: Purpose, quarter: int, firm: int) -> float:
    return draws.uniform(stream(seed, purpose, quarter), int(firm))


def normal(seed: int, purpose: Purpose, quarter: int, firm: int) -> float:
    return draws.standard_normal(stream(seed, purpose, quarter), int(firm))


def adoption(played: Played) -> list[int]:
    return played.state.adoption_quarter.tolist()


def sums(played: Played, firm: int) -> tuple[float, float]:
    """Precision and weighted sum of a firm's belief."""
    return float(played.state.precision[firm]), float(played.state.weighted_sum[firm])


def sums_by_quarter(firm: int, *args: Any, **kwargs: Any) -> list[tuple[float, float]]:
    return [sums(played, firm) for played in quarter_by_quarter(*args, **kwargs)]


# --- one firm alone -----------------------------------------------------------------------------


def test_a_firm_alone_whose_prior_clears_the_hurdle_adopts_at_its_first_review() -> None:
    played = run(alone(), NOTHING, calm(prior_mean_log_return=0.1))
    assert adoption(played) == [0]
    assert played.state.log_return[0] == pytest.approx(1.0)


def test_a_firm_alone_whose_prior_falls_short_never_adopts() -> None:
    assert adoption(run(alone(), NOTHING, calm(), quarters=40)) == [NEVER]


def test_hassle_and_hurdle_are_subtracted_from_the_prior_as_on_paper() -> None:
    """log(1.2) = 0.182, weighted 1.4: 0.255; log(3 / 2) = 0.405; together 0.661."""
    firm = alone(accepted_payback_years=2.0)
    needed = 1.4 * math.log(1.2) + math.log(1.5)
    terms = {"hassle_cost_share": 0.2, "first_cost_weight": 1.4}
    for prior, expected in ((needed + 1e-6, 0), (needed - 1e-6, NEVER)):
        played = run(firm, NOTHING, calm(prior_mean_log_return=prior, **terms))
        assert adoption(played) == [expected]


def test_required_confidence_is_held_against_the_predictive_spread() -> None:
    """z = m / sqrt(1 / precision + 0.25) = m / sqrt(1.25); Phi(z) = 0.7 at z = 0.5244."""
    firm = alone(required_confidence=0.7)
    needed = 0.5244005127080407 * math.sqrt(1.25)
    for prior, expected in ((needed + 1e-9, 0), (needed - 1e-9, NEVER)):
        assert adoption(run(firm, NOTHING, calm(prior_mean_log_return=prior))) == [expected]


def test_reviews_come_at_their_mean_rate() -> None:
    """Eager firms adopt at their first review: geometric waiting times."""
    p = calm(review_rate_per_quarter=0.25)
    world = world_of(firms_like(20_000, **EAGER))
    waited = run(world, NOTHING, p, quarters=80).state.adoption_quarter
    assert waited.mean() == pytest.approx(3.0, abs=0.1)  # (1 - 0.25) / 0.25
    assert np.mean(waited == 0) == pytest.approx(0.25, abs=0.01)


def test_chance_adoptions_come_at_reviews_at_their_own_rate() -> None:
    world = world_of(firms_like(20_000, **STUBBORN))
    p = calm(review_rate_per_quarter=0.5, act_anyway_probability=0.02)
    played = run(world, NOTHING, p, quarters=1)
    assert played.adopters() / world.size == pytest.approx(0.01, abs=0.003)
    assert run(world, NOTHING, calm(), quarters=40).adopters() == 0  # control: no chance, no one


# --- a pair: learning from one peer -------------------------------------------------------------


def test_a_peers_result_moves_the_belief_after_the_lag_as_on_paper() -> None:
    """A adopts at quarter 0 and gets 1 + 0.4 = 1.4: B's sums become (2, -0.5 + 1.4)."""
    world = pair({**EAGER, "potential_log_return": 0.4}, STUBBORN)
    beliefs = sums_by_quarter(SECOND, world, NOTHING, calm(), quarters=6)
    assert beliefs[:4] == [(1.0, -0.5)] * 4
    assert beliefs[4:] == [pytest.approx((2.0, 0.9))] * 2


def test_the_peer_adopts_in_the_very_quarter_in_which_it_sees_the_result() -> None:
    played = run(pair(EAGER, {}), NOTHING, calm())
    assert adoption(played) == [0, 4]
    assert played.state.informant.tolist() == [NOBODY, FIRST]
    unconvincing = pair({**EAGER, "potential_log_return": -0.51}, {})  # -0.5 + 0.49 < 0
    assert adoption(run(unconvincing, NOTHING, calm())) == [0, NEVER]


@pytest.mark.parametrize("lag", [1, 2, 7])
def test_news_travels_one_tie_per_lag(lag: int) -> None:
    chain = world_of(one_by_one(EAGER, {}, {}), [(0, 1), (1, 2)])
    played = run(chain, NOTHING, calm(reveal_lag_quarters=lag), quarters=20)
    assert adoption(played) == [0, lag, 2 * lag]


def test_a_result_says_less_across_sectors_and_through_a_weaker_layer() -> None:
    """Similarity 0.5 halves the precision; a sector tie has 0.4 / (0.25 + 0.75) = 0.4."""
    p = calm(sector_visibility=0.4, sector_noise_sd=math.sqrt(0.75))
    for world, added in (
        (pair(EAGER, STUBBORN), 1.0),
        (pair(EAGER, {**STUBBORN, "sector": 1}), 0.5),
        (pair(EAGER, STUBBORN, Layer.SECTOR), 0.4),
    ):
        belief = sums(run(world, NOTHING, p, quarters=5), SECOND)
        assert belief == pytest.approx((1.0 + added, -0.5 + added * 1.0))


def test_a_tie_of_double_weight_counts_double() -> None:
    world = pair(EAGER, STUBBORN)
    heavy = replace(world, ties=world.ties._replace(weight=2.0 * world.ties.weight))
    assert sums(run(heavy, NOTHING, calm()), SECOND) == pytest.approx((3.0, 1.5))


def test_influence_runs_along_the_direction_of_a_tie() -> None:
    one_way = rows(2, np.array([0], np.int32), np.array([1], np.int32), np.ones(1, np.int8), np.ones(1))
    heard = replace(pair(EAGER, {}), ties=one_way)
    unheard = replace(pair({}, EAGER), ties=one_way)
    assert adoption(run(heard, NOTHING, calm())) == [0, 4]
    assert adoption(run(unheard, NOTHING, calm())) == [NEVER, 0]


def test_self_ties_and_repeated_ties_count_once_and_the_first_layer_stays() -> None:
    source = np.array([0, 0, 0, 1, 0], np.int32)
    target = np.array([1, 0, 1, 1, 1], np.int32)
    layer = np.array([Layer.SUPPLY_CHAIN, *[Layer.SECTOR] * 4], np.int8)
    ties = rows(2, source, target, layer, np.ones(5))
    assert (ties.start.tolist(), ties.target.tolist()) == ([0, 1, 1], [1])
    assert ties.layer.tolist() == [Layer.SUPPLY_CHAIN]
    world = replace(pair(EAGER, STUBBORN), ties=ties)
    p = calm(supply_chain_visibility=0.5, supply_chain_noise_sd=0.5, sector_visibility=1.0)
    assert sums(run(world, NOTHING, p), SECOND) == pytest.approx((2.0, 0.5))


def test_firms_that_decide_in_the_same_quarter_do_not_see_each_other() -> None:
    played = run(clique(EAGER, EAGER, EAGER), NOTHING, calm())
    assert adoption(played) == [0, 0, 0]
    assert played.state.results_seen.tolist() == [0, 0, 0]


def test_an_adopter_no_longer_learns() -> None:
    played = run(pair(EAGER, EAGER), NOTHING, calm(review_rate_per_quarter=0.3), quarters=40)
    early, late = sorted((FIRST, SECOND), key=lambda f: played.state.adoption_quarter[f])
    assert sums(played, early) == (1.0, -0.5)
    assert played.state.results_seen[early] == 0
    gap = played.state.adoption_quarter[late] - played.state.adoption_quarter[early]
    assert played.state.results_seen[late] == (gap >= 4)


def test_two_peers_count_twice_and_the_order_of_ties_does_not_matter() -> None:
    good, poor = {**EAGER, "potential_log_return": 1.0}, {**EAGER, "potential_log_return": -1.0}
    for leaves in ((good, poor), (poor, good)):
        belief = sums(run(star(STUBBORN, *leaves), NOTHING, calm()), FIRST)
        assert belief == pytest.approx((3.0, -0.5 + 2.0 + 0.0))


def test_a_bad_result_deters_a_firm_that_a_good_one_convinced() -> None:
    good, bad = {**EAGER, "potential_log_return": 0.0}, {**EAGER, "potential_log_return": -2.0}
    assert adoption(run(star({}, good), NOTHING, calm()))[FIRST] == 4
    assert adoption(run(star({}, good, good), NOTHING, calm()))[FIRST] == 4  # control: two good
    assert adoption(run(star({}, good, bad), NOTHING, calm(), quarters=40))[FIRST] == NEVER


# --- waiting for an example, and paying ---------------------------------------------------------

WAITS = {"waits_for_example": True}
OPTIMISTS = {"prior_mean_log_return": 0.5}


def test_a_convinced_firm_that_waits_adopts_only_after_a_peers_result() -> None:
    p = calm(**OPTIMISTS)
    assert adoption(run(pair(EAGER, WAITS), NOTHING, p)) == [0, 4]
    assert adoption(run(pair(EAGER, {}), NOTHING, p)) == [0, 0]  # control: does not wait
    assert adoption(run(pair(STUBBORN, WAITS), NOTHING, p, quarters=40)) == [NEVER, NEVER]


def test_support_stands_in_for_an_example() -> None:
    world = alone(**SUPPORT_ONLY)
    assert adoption(run(world, individual(), calm())) == [0]
    assert adoption(run(world, NOTHING, calm(), quarters=40)) == [NEVER]


@pytest.mark.parametrize(("layer", "visibility"), [("complex", 0.0), ("complex", 1e-9)])
def test_a_result_that_is_not_visible_is_no_example(layer: str, visibility: float) -> None:
    """A layer that is switched off must not set free the firms that wait for an example."""
    p = calm(**OPTIMISTS, **{f"{layer}_visibility": visibility})
    expected = 4 if visibility else NEVER
    assert adoption(run(pair(EAGER, WAITS), NOTHING, p)) == [0, expected]


def test_a_firm_that_cannot_pay_does_not_adopt_unless_the_subsidy_closes_the_gap() -> None:
    poor = alone(**EAGER, liquidity_mkrw=60.0)
    assert adoption(run(poor, individual(), calm(), quarters=40)) == [NEVER]
    subsidised = individual(subsidy_rate=0.4, budget_mkrw_per_year=80.0)
    assert adoption(run(poor, subsidised, calm())) == [0]
    too_little = individual(subsidy_rate=0.39, budget_mkrw_per_year=80.0)
    assert adoption(run(poor, too_little, calm(), quarters=40)) == [NEVER]


def test_the_subsidy_is_an_offer_for_one_moment_and_not_for_later_reviews() -> None:
    """Stubborn at the offer, convinced by a peer at quarter 4: it then pays all by itself."""
    world = pair(EAGER, IN_COHORT_FIRST)
    offer = individual(subsidy_rate=0.2, budget_mkrw_per_year=60.0, targeting="violators")
    p = calm(diagnosis_noise_sd=10, prior_mean_log_return=-3.0, complex_visibility=1.0)
    played = run(world, offer, p)  # the tie adds precision 2: (3, -3 + 2) is still below 0 ...
    assert adoption(played)[SECOND] == NEVER
    p = calm(diagnosis_noise_sd=10, prior_mean_log_return=-1.5, complex_visibility=1.0)
    played = run(world, offer, p)  # ... and (3, -1.5 + 2) above
    assert played.state.supported_quarter.tolist() == [NEVER, 0]
    assert adoption(played)[SECOND] == 4
    assert played.flow(Flow.SUBSIDY).sum() == 0.0
    assert played.flow(Flow.PRIVATE_INVESTMENT).sum() == 200.0


# --- diagnosis ----------------------------------------------------------------------------------


def test_a_diagnosis_convinces_as_on_paper() -> None:
    """Predictive N(-0.5, 1.25); a signal s of variance 0.25 gives (-0.4 + 4 s) / 4.8: s >= 0.1.

    The signal is the firm's own log return, 1, plus 0.5 times its draw.
    """
    signal = 1.0 + 0.5 * normal(1, Purpose.DIAGNOSIS, 0, 0)
    for potential, expected in ((0.1 - signal + 1e-9, 0), (0.1 - signal - 1e-9, NEVER)):
        played = run(alone(potential_log_return=potential), individual(), calm(), seed=1)
        assert played.state.signal[0] == pytest.approx(signal + potential)
        assert adoption(played) == [expected]


def test_better_advisers_err_less_and_add_to_the_return() -> None:
    world = world_of(firms_like(4000, **EAGER))
    for skill in (1.0, 2.0):
        levers = individual(4000, adviser_skill=skill)
        played = run(world, levers, calm(skill_log_return_gain=0.1), quarters=1)
        own = 1.0 + 0.1 * (skill - 1.0)
        assert played.state.log_return == pytest.approx(np.full(4000, own))
        error = played.state.signal - own
        assert error.mean() == pytest.approx(0.0, abs=0.03)
        assert error.std() == pytest.approx(0.5 / math.sqrt(skill), rel=0.04)


def test_a_diagnosis_leaves_the_belief_about_others_alone() -> None:
    played = run(alone(**STUBBORN), individual(), calm())
    assert played.state.diagnosed_quarter.tolist() == [0]
    assert sums(played, 0) == (1.0, -0.5)


# --- cohorts ------------------------------------------------------------------------------------


def test_a_cohort_of_three_learns_from_the_one_that_adopts_and_not_twice() -> None:
    """A's result 1 adds (2, 2) in the cohort, half of it across sectors; the ties add nothing."""
    world = clique(SUPPORT_ONLY, STUBBORN, {**STUBBORN, "sector": 1})
    assert adoption(run(world, cluster(3), calm())) == [0, NEVER, NEVER]
    for firm, added in ((SECOND, 2.0), (THIRD, 1.0)):
        beliefs = sums_by_quarter(firm, world, cluster(3), calm(), quarters=8)
        assert beliefs[3] == (1.0, -0.5)
        assert beliefs[4] == pytest.approx((1.0 + added, -0.5 + added))
        assert beliefs[7] == beliefs[4]


def test_without_cohort_learning_the_ties_carry_the_result() -> None:
    world = clique(SUPPORT_ONLY, STUBBORN, {**STUBBORN, "sector": 1})
    design = replace(design_of(cluster(3)), learning_group=1, publishes=False)
    played = run(world, design, calm())
    assert sums(played, SECOND) == pytest.approx((2.0, 0.5))
    assert sums(played, THIRD) == pytest.approx((1.5, 0.0))


def test_strangers_learn_in_the_cohort_and_outsiders_do_not() -> None:
    firms = [SUPPORT_ONLY, STUBBORN, STUBBORN]
    world = strangers(*[{**firm, **IN_COHORT_FIRST} for firm in firms], STUBBORN)
    policy = cluster(3, targeting="violators", publishes_results=False)
    played = run(world, policy, calm())
    assert played.supported().size == 3
    assert played.state.results_seen.tolist() == [0, 1, 1, 0]
    assert sums(played, 3) == (1.0, -0.5)


def test_two_cohorts_keep_their_results_to_themselves() -> None:
    world = strangers(*[SUPPORT_ONLY] * 2, *[STUBBORN] * 4)
    money = {"budget_mkrw_per_year": 2 * cluster(3).budget_mkrw_per_year}
    played = run(world, cluster(3, **money, publishes_results=False), calm())
    assert played.batches().tolist() == [3, 3]
    cohort, seen = played.state.cohort, played.state.results_seen
    adopters_in = np.bincount(cohort[:2], minlength=2)
    assert seen[2:].tolist() == adopters_in[cohort[2:]].tolist()


@pytest.mark.parametrize(
    ("exchanges", "seen"), [(0, [0] * 4), (1, [1, 2, 3, 4]), (3, [3, 4, 4, 4]), (4, [4] * 4)]
)
def test_a_member_takes_in_only_so_many_results_per_quarter(exchanges: int, seen: list[int]) -> None:
    world = strangers(*[SUPPORT_ONLY] * 4, STUBBORN)
    p = calm(cohort_exchanges_per_quarter=exchanges)
    shown = quarter_by_quarter(world, cluster(5), p, quarters=8)
    assert [int(played.state.results_seen[4]) for played in shown][4:] == seen


def test_which_results_come_first_in_a_cohort_is_a_lot_and_not_list_order() -> None:
    world = strangers(*[SUPPORT_ONLY] * 4, STUBBORN)
    p = calm(cohort_exchanges_per_quarter=1)
    first = [int(run(world, cluster(5), p, seed, 5).state.informant[4]) for seed in range(60)]
    assert all(first.count(peer) >= 5 for peer in range(4))  # 15 each on average


def late_joiner(*, tied: bool, published: bool = False) -> Played:
    """A is supported at quarter 0 and adopts; B joins A's learning group at quarter 4.

    In the quarter in which B joins, A's result is already on the table.
    """
    a, b = {**SUPPORT_ONLY, **IN_COHORT_FIRST}, STUBBORN
    world = pair(a, b) if tied else strangers(a, b)
    levers = individual(1, years=2, targeting="violators", publishes_results=published)
    return run(world, replace(design_of(levers), learning_group=2), calm())


def test_a_firm_that_joins_a_cohort_late_still_hears_what_it_missed() -> None:
    played = late_joiner(tied=False)
    assert played.state.supported_quarter.tolist() == [0, 4]
    assert sums(played, SECOND) == pytest.approx((3.0, 1.5))


def test_a_firm_that_joins_a_cohort_late_does_not_hear_a_neighbours_result_twice() -> None:
    played = late_joiner(tied=True)
    assert played.state.results_seen[SECOND] == 1
    assert sums(played, SECOND) in (pytest.approx((2.0, 0.5)), pytest.approx((3.0, 1.5)))


# --- the published average ----------------------------------------------------------------------


def published_world() -> tuple[Any, Levers]:
    """Two supported adopters with results 1.4 and 0.8; two outsiders, one in another region."""
    supported = [{**SUPPORT_ONLY, **IN_COHORT_FIRST, "potential_log_return": x} for x in (0.4, -0.2)]
    world = strangers(*supported, STUBBORN, {**STUBBORN, "region": 1})
    return world, individual(2, targeting="violators", publishes_results=True)


def test_the_published_average_moves_an_outsiders_belief_as_on_paper() -> None:
    """Two results: 0.5 / (0.25 / 2 + 0.25) = 4/3 at their mean 1.1, once, after the lag."""
    world, levers = published_world()
    beliefs = sums_by_quarter(2, world, levers, calm(), quarters=24)
    assert beliefs[:4] == [(1.0, -0.5)] * 4
    assert beliefs[4:] == [pytest.approx((7 / 3, -0.5 + 4 / 3 * 1.1))] * 20


def test_what_is_not_published_does_not_travel_and_what_is_stays_in_its_region() -> None:
    world, levers = published_world()
    silent = run(world, levers.model_copy(update={"publishes_results": False}), calm())
    assert sums(silent, 2) == (1.0, -0.5)
    played = run(world, levers, calm())
    assert played.state.supported_quarter.tolist() == [0, 0, NEVER, 0]
    assert sums(played, 3) == (1.0, -0.5)
    assert sums(played, 2) != (1.0, -0.5)


def test_results_of_a_whole_year_are_published_together_and_only_once() -> None:
    """Capacity 1: diagnoses, so adoptions, at quarters 0 to 3; with lag 4 all are due by 7."""
    world = strangers(*[{**SUPPORT_ONLY, **IN_COHORT_FIRST}] * 4, STUBBORN)
    levers = individual(4, targeting="violators", publishes_results=True)
    capped = levers.model_copy(update={"adviser_capacity_firms_per_quarter": 1.0})
    p = calm(review_rate_per_quarter=0.0)  # so that a firm adopts when its offer comes
    beliefs = sums_by_quarter(4, world, capped, p, quarters=24)
    one, three = 0.5 / (0.25 + 0.25), 0.5 / (0.25 / 3 + 0.25)
    assert beliefs[4:8] == [pytest.approx((1.0 + one, -0.5 + one))] * 4
    assert beliefs[8:] == [pytest.approx((1.0 + one + three, -0.5 + one + three))] * 16


def test_a_published_average_is_no_example_of_a_known_firm() -> None:
    supported = {**SUPPORT_ONLY, **IN_COHORT_FIRST}
    levers = individual(1, targeting="violators", publishes_results=True)
    p = calm(published_visibility=1.0, prior_mean_log_return=-0.1)
    assert adoption(run(strangers(supported, {}), levers, p))[SECOND] == 4
    assert adoption(run(strangers(supported, WAITS), levers, p, quarters=40))[SECOND] == NEVER


# --- directions, each with a control in which the lever has nothing to act on -------------------


def adopters_on_average(policy: Levers, quarters: int = 40, **changes: float) -> float:
    """Mean adopters over 30 seeds in one drawn world of 300 firms."""
    world, p = synthetic(300, **changes)
    return float(np.mean([run(world, policy, p, s, quarters).adopters() for s in range(30)]))


SOME = Levers(support="individual", budget_mkrw_per_year=400.0)
TIES_OFF = {f"{layer}_visibility": 0.0 for layer in ("supply_chain", "complex", "sector")}


def test_more_visible_peers_convince_more_firms() -> None:
    def adopters(visibility: float, **changes: float) -> float:
        return adopters_on_average(SOME, complex_visibility=visibility, mean_log_return=1.6, **changes)

    assert adopters(0.6) > adopters(0.1) + 5
    unseen = {"reveal_lag_quarters": 100}
    assert adopters(0.6, **unseen) == adopters(0.1, **unseen)


def test_a_longer_lag_slows_adoption() -> None:
    def adopters(lag: int, **changes: float) -> float:
        lively = {"act_anyway_probability": 0.02, "mean_log_return": 2.0}
        return adopters_on_average(SOME, reveal_lag_quarters=lag, **lively, **changes)

    assert adopters(1) > adopters(4) + 0.5 > adopters(12) + 2
    deaf = {**TIES_OFF, "waits_for_example_share": 0.0}
    assert adopters(1, **deaf) == adopters(12, **deaf) > 0


def test_a_richer_subsidy_wins_more_of_the_supported_firms() -> None:
    def supported_adopters(rate: float, **levers: Any) -> float:
        policy = individual(300, subsidy_rate=rate, **levers)
        world, p = synthetic(300)
        runs = [run(world, policy, p, s, 1) for s in range(30)]
        return float(np.mean([r.flow(Flow.SUPPORTED_ADOPTERS).sum() for r in runs]))

    plenty = {"budget_mkrw_per_year": 1e6}
    assert (
        supported_adopters(0.6, **plenty)
        > supported_adopters(0.3, **plenty) + 5
        > supported_adopters(0.0, **plenty) + 10
    )
    broke = {"budget_mkrw_per_year": 0.0}
    assert supported_adopters(0.6, **broke) == supported_adopters(0.0, **broke) == 0.0


def test_worse_realised_returns_lead_to_fewer_adopters_through_what_peers_see() -> None:
    def adopters(mean: float, **changes: float) -> float:
        return adopters_on_average(NOTHING, mean_log_return=mean, **changes)

    noisy = {"act_anyway_probability": 0.02}
    assert adopters(1.6, **noisy) > adopters(-1.0, **noisy) + 5
    deaf = {**noisy, **TIES_OFF}  # control: results that no one sees deter no one
    assert adopters(1.6, **deaf) == adopters(-1.0, **deaf)


# --- realised returns ---------------------------------------------------------------------------


def test_adopters_of_a_region_and_year_share_their_luck_and_no_others_do() -> None:
    p = calm(region_year_log_return_sd=0.5, review_rate_per_quarter=0.2)
    world = world_of(firms_like(200, **EAGER, region=np.arange(200) % 2))
    played = run(world, NOTHING, p, quarters=12)
    year = played.state.adoption_quarter // 4
    luck: dict[tuple[int, int], set[float]] = {}
    quarters: dict[tuple[int, int], set[int]] = {}
    for firm in np.flatnonzero(played.state.adoption_quarter != NEVER):
        key = int(world.firms.region[firm]), int(year[firm])
        luck.setdefault(key, set()).add(float(played.state.log_return[firm]))
        quarters.setdefault(key, set()).add(int(played.state.adoption_quarter[firm]))
    assert len(luck) == 6
    assert all(len(values) == 1 for values in luck.values())
    assert max(len(q) for q in quarters.values()) > 1  # shared over several quarters
    assert len(set.union(*luck.values())) == 6


def test_the_region_years_luck_has_its_spread() -> None:
    p = calm(region_year_log_return_sd=0.5)
    world = alone(**EAGER)
    luck = [run(world, NOTHING, p, s, 1).state.log_return[0] - 1.0 for s in range(2000)]
    assert np.mean(luck) == pytest.approx(0.0, abs=0.04)
    assert np.std(luck) == pytest.approx(0.5, rel=0.06)


def test_adopting_neighbours_add_to_the_return_as_on_paper() -> None:
    """B adopts at quarter 4 with two of its three neighbours ahead of it: 1 + 0.3 x 2/3."""
    world = star({}, EAGER, EAGER, STUBBORN)
    played = run(world, NOTHING, calm(complementarity_log_return=0.3))
    assert adoption(played) == [4, 0, 0, NEVER]
    assert played.state.log_return[FIRST] == pytest.approx(1.2)
    plain = run(world, NOTHING, calm())  # control
    assert plain.state.log_return[FIRST] == pytest.approx(1.0)


def test_larger_packages_return_less_per_won() -> None:
    p = calm(investment_elasticity=0.5, capital_need_mean_mkrw=100.0)
    world = strangers({**EAGER, "capital_need_mkrw": 400.0}, EAGER)
    returned = run(world, NOTHING, p).state.log_return
    assert returned == pytest.approx([1.0 - 0.5 * math.log(4.0), 1.0])


# --- accidents ----------------------------------------------------------------------------------


def test_accidents_happen_at_the_rate_of_their_class() -> None:
    p = calm(accident_rate_per_worker_year=0.01, hazard_class_ratio=3.0)
    world = world_of(firms_like(6000, hazard_class=np.arange(6000) // 2000, employees=20))
    apart = changed(world, region=np.arange(6000) // 2000)
    apart = replace(apart, regions=("low", "medium", "high"))
    per_firm = run(apart, NOTHING, p, quarters=40).flow(Flow.ACCIDENTS).mean(axis=1) / 2000
    expected = [1 - math.exp(-0.01 * 20 * ratio / 4) for ratio in (1 / 3, 1, 3)]
    assert per_firm == pytest.approx(expected, rel=0.05)


def test_safety_support_avoids_some_of_the_very_same_accidents() -> None:
    world, p = synthetic(400)
    plain, safe = (Levers(support="cluster", integrated_safety=strength) for strength in (0.0, 1.0))
    before, after = (run(world, policy, p, quarters=40) for policy in (plain, safe))
    avoided = after.flow(Flow.ACCIDENTS_AVOIDED)
    happened = after.flow(Flow.ACCIDENTS)
    assert avoided.sum() > 0
    assert np.array_equal(before.flow(Flow.ACCIDENTS), happened + avoided)
    assert before.flow(Flow.ACCIDENTS_AVOIDED).sum() == 0
    other = run(world, plain, p, seed=2, quarters=40)  # control: other draws, other accidents
    assert not np.array_equal(other.flow(Flow.ACCIDENTS), happened + avoided)


def test_safety_support_avoids_its_share_of_accidents_where_it_was_given() -> None:
    p = calm(safety_hazard_reduction=0.3, accident_rate_per_worker_year=0.02)
    world = world_of(firms_like(4000, employees=40, hazard_class=1))
    policy = individual(4000, integrated_safety=0.5, budget_mkrw_per_year=1e6)
    played = run(world, policy, p, quarters=8)
    avoided, happened = (played.flow(kind).sum() for kind in (Flow.ACCIDENTS_AVOIDED, Flow.ACCIDENTS))
    assert avoided / (avoided + happened) == pytest.approx(0.15, abs=0.01)


# --- the record ---------------------------------------------------------------------------------


def by_quarter(played: Played, firms: Any, amount: Any = 1.0) -> Any:
    """Amounts of the marked adopters by region and quarter of adoption."""
    expected = np.zeros((len(played.world.regions), played.state.flow.shape[1]))
    amounts = np.broadcast_to(amount, played.world.size)
    where = played.world.firms.region[firms], played.state.adoption_quarter[firms]
    np.add.at(expected, where, amounts[firms])
    return expected


POLICIES = {
    "none": NOTHING,
    "individual": SOME,
    "cluster": Levers(support="cluster", subsidy_rate=0.3, integrated_safety=1.0),
    "queue": Levers(
        support="cluster", cohort_size=12, subsidy_rate=0.5, adviser_capacity_firms_per_quarter=4.0
    ),
}


@pytest.mark.parametrize("name", POLICIES)
def test_recorded_flows_add_up_to_what_the_firms_did(name: str) -> None:
    world, p = synthetic(300, ("ulsan", "busan"))
    played = run(world, POLICIES[name], p, quarters=40)
    state, capital = played.state, world.firms.capital_need_mkrw
    adopted = state.adoption_quarter != NEVER
    supported = adopted & (state.supported_quarter != NEVER)
    direct = capital * np.exp(np.where(adopted, state.log_return, 0.0))
    assert adopted.sum() == played.adopters() > 0
    for kind, expected in (
        (Flow.ADOPTERS, by_quarter(played, adopted)),
        (Flow.SUPPORTED_ADOPTERS, by_quarter(played, supported)),
        (Flow.DIRECT, by_quarter(played, adopted, direct)),
        (Flow.PROGRAMME_INVESTMENT, by_quarter(played, supported, capital)),
        (Flow.PROGRAMME_DIRECT, by_quarter(played, supported, direct)),
    ):
        assert played.flow(kind) == pytest.approx(expected), kind
    invested = played.flow(Flow.PRIVATE_INVESTMENT) + played.flow(Flow.SUBSIDY)
    assert invested == pytest.approx(by_quarter(played, adopted, capital))
    assert np.isnan(state.log_return[~adopted]).all()


@pytest.mark.parametrize("name", POLICIES)
def test_recorded_support_and_subsidy_are_those_of_the_supported_firms(name: str) -> None:
    world, p = synthetic(300, ("ulsan", "busan"), act_anyway_probability=0.0)
    played = run(world, POLICIES[name], p, quarters=40)
    state, when = played.state, played.state.supported_quarter
    for region in range(2):
        here = (when != NEVER) & (world.firms.region == region)
        expected = np.bincount(when[here], minlength=40)
        assert np.array_equal(played.flow(Flow.SUPPORTED)[region], expected)
    on_offer = (state.adoption_quarter != NEVER) & (state.adoption_quarter == state.diagnosed_quarter)
    rate = POLICIES[name].subsidy_rate
    expected = by_quarter(played, on_offer, rate * world.firms.capital_need_mkrw)
    assert played.flow(Flow.SUBSIDY) == pytest.approx(expected)


def test_side_benefits_are_the_keyed_draws_of_each_region_and_year() -> None:
    world, p = synthetic(300, ("ulsan", "busan"))
    seed = 5
    played = run(world, SOME, p, seed, quarters=40)
    adopters = np.flatnonzero(played.state.adoption_quarter != NEVER)
    for kind, name, purpose in (
        (Flow.INDIRECT, "indirect", Purpose.INDIRECT),
        (Flow.ENVIRONMENTAL, "environmental", Purpose.ENVIRONMENTAL),
    ):
        amount = np.zeros(world.size)
        for firm in adopters:
            year, region = played.state.adoption_quarter[firm] // 4, world.firms.region[firm]
            if uniform(seed, purpose, 2 * year, region) >= p[f"{name}_zero_share"]:
                z = normal(seed, purpose, 2 * year + 1, region)
                ratio = math.exp(p[f"{name}_log_ratio"] + p[f"{name}_log_ratio_sd"] * z)
                amount[firm] = ratio * world.firms.capital_need_mkrw[firm]
        assert np.count_nonzero(amount) > 0
        assert played.flow(kind) == pytest.approx(by_quarter(played, adopters, amount))


def test_the_lists_of_adopters_and_supported_firms_are_complete_and_in_order() -> None:
    world, p = synthetic(300)
    played = run(world, POLICIES["queue"], p, quarters=40)
    adopters = played.state.adopters[: played.adopters()]
    assert sorted(adopters) == np.flatnonzero(played.state.adoption_quarter != NEVER).tolist()
    assert (np.diff(played.state.adoption_quarter[adopters]) >= 0).all()
    assert sorted(played.supported()) == np.flatnonzero(played.state.supported_quarter != NEVER).tolist()
    assert played.state.counts[Count.REALISED] == played.adopters()


# --- how much is learned in all -----------------------------------------------------------------


def test_precision_holds_exactly_the_results_that_a_firm_has_seen() -> None:
    """Without cohorts and publication: one tie's precision per revealed neighbour, no more."""
    world, p = synthetic(300)
    quarters = 40
    played = run(world, SOME, p, quarters=quarters)
    state, columns = played.state, played.setting.columns
    expected = np.full(world.size, played.setting.rule.prior_precision)
    seen = np.zeros(world.size, int)
    lag = int(p.reveal_lag_quarters)
    for firm in np.flatnonzero(state.adoption_quarter != NEVER):
        shown = state.adoption_quarter[firm] + lag
        for tie in range(columns.start[firm], columns.start[firm + 1]):
            peer = columns.target[tie]
            until = min(state.adoption_quarter[peer], quarters)
            if shown <= min(until, quarters - 1):
                expected[peer] += columns.precision[tie]
                seen[peer] += 1
    assert state.precision == pytest.approx(expected)
    assert np.array_equal(state.results_seen, seen)
    assert seen.sum() > 20


def test_beliefs_stay_finite_at_the_hard_bounds_of_spread_and_noise() -> None:
    """No spread among firms and no noise: 1 / 0, unless such parameters are refused."""
    try:
        p = calm(firm_log_return_sd=0.0, complex_noise_sd=0.0)
    except InputError:
        return
    assert np.isfinite(sums(run(pair(EAGER, STUBBORN), NOTHING, p), SECOND)).all()


def test_learning_is_two_additions() -> None:
    precision, weighted_sum = np.array([1.0, 1.0]), np.array([-0.5, -0.5])
    learn(precision, weighted_sum, 1, 0.5, 2.0)
    assert precision.tolist() == [1.0, 1.5]
    assert weighted_sum.tolist() == [-0.5, 0.5]


def test_every_channel_of_a_cohort_is_off_when_its_field_is() -> None:
    """Cluster support with all its channels switched off is individual support, to the bit."""
    world, p = synthetic(200)
    one, many = (design_of(Levers(support=s, budget_mkrw_per_year=500.0)) for s in ("individual", "cluster"))
    off = run(world, mixture(one, many, ()), p, quarters=40)
    assert np.array_equal(off.state.flow, run(world, one, p, quarters=40).state.flow)
    assert not np.array_equal(off.state.flow, run(world, many, p, quarters=40).state.flow)


def test_calm_parameters_are_all_known() -> None:
    assert set(CALM) <= set(calm())
    assert ties_between(2, [(0, 1)]).target.tolist() == [1, 0]
