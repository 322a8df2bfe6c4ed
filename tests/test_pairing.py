"""A policy changes what it causes and nothing else; a seed gives one history, whatever the order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cpdiffusion import draws
from cpdiffusion.draws import Purpose, replicate_seeds
from cpdiffusion.engine import run as runs
from cpdiffusion.engine.phases import quarter
from cpdiffusion.engine.start import start
from cpdiffusion.engine.state import NEVER
from cpdiffusion.parameters import Parameters
from cpdiffusion.policy.design import Design, design_of, mixture
from cpdiffusion.policy.levers import Levers
from cpdiffusion.world.ties import Layer
from cpdiffusion.world.world import World
from small_worlds import (
    NOTHING,
    STUBBORN,
    Played,
    calm,
    changed,
    cluster,
    firms_like,
    individual,
    order_of,
    prepared,
    quarter_by_quarter,
    run,
    same_course,
    synthetic,
    ties_between,
    world_of,
)

MANY = Levers(support="cluster", cohort_size=10, subsidy_rate=0.3, integrated_safety=1.0)


# --- no policy is no policy ---------------------------------------------------------------------

ZEROS: dict[str, Levers] = {
    "no support, other levers set": Levers(
        support="none", subsidy_rate=0.5, integrated_safety=1.0, adviser_skill=2.0,
        publishes_results=True, targeting="large", adviser_capacity_firms_per_quarter=1.0,
    ),
    "individual support without money": Levers(support="individual", budget_mkrw_per_year=0.0),
    "cluster support without money": Levers(
        support="cluster", budget_mkrw_per_year=0.0, subsidy_rate=1.0, integrated_safety=1.0
    ),
    "cluster support for zero years": Levers(
        support="cluster", programme_years=0, subsidy_rate=0.5, targeting="connected"
    ),
    "a programme after the horizon": Levers(support="cluster", first_year=11),
}  # fmt: skip


@pytest.mark.parametrize("name", ZEROS)
def test_a_design_with_its_money_at_zero_is_no_policy_to_the_bit(name: str) -> None:
    world, p = synthetic(300, ("ulsan", "busan"))
    for seed in range(3):
        nothing, zero = (run(world, levers, p, seed, 40) for levers in (NOTHING, ZEROS[name]))
        assert same_course(nothing, zero)
        assert np.array_equal(nothing.state.flow, zero.state.flow)
        assert nothing.adopters() > 0


@pytest.mark.parametrize("lever", ["subsidy_rate", "integrated_safety", "adviser_skill"])
def test_the_zero_of_each_lever_is_its_absence(lever: str) -> None:
    """At strength 0 (skill 1) the parameters behind a lever have nothing to act on."""
    behind = {
        "subsidy_rate": {},
        "integrated_safety": {"safety_log_benefit": 0.2, "safety_hazard_reduction": 0.4},
        "adviser_skill": {"skill_log_return_gain": 0.3},
    }[lever]
    neutral, active = (1.0, 2.0) if lever == "adviser_skill" else (0.0, 0.5)
    world, p = synthetic(200)
    other = Parameters({**p, **behind})

    def with_lever(value: float, p: Parameters) -> Played:
        return run(world, Levers(support="cluster", **{lever: value}), p, quarters=40)

    off = with_lever(neutral, p)
    assert np.array_equal(off.state.flow, with_lever(neutral, other).state.flow)
    assert not np.array_equal(off.state.flow, with_lever(active, other).state.flow)


# --- one more supported firm --------------------------------------------------------------------

RING, RINGS = 8, 40


def forty_rings() -> World:
    """320 firms of all kinds in 40 rings of eight; no ring knows of another."""
    world, _ = synthetic(RING * RINGS)
    ends = [(ring * RING + k, ring * RING + (k + 1) % RING) for ring in range(RINGS) for k in range(RING)]
    return replace(world, ties=ties_between(world.size, ends, Layer.COMPLEX))


def lively() -> Parameters:
    """Default parameters with much to learn, so that a disturbance would spread."""
    return synthetic(
        10, act_anyway_probability=0.02, complex_visibility=1.0, complex_noise_sd=0.1,
        mean_log_return=2.0, review_rate_per_quarter=0.6,
    )[1]  # fmt: skip


def reachable(world: World, firm: int) -> set[int]:
    """The firm and all that its results can reach along ties, at any remove."""
    found, frontier = {firm}, [firm]
    while frontier:
        row = frontier.pop()
        new = set(world.ties.target[world.ties.start[row] : world.ties.start[row + 1]].tolist())
        frontier += new - found
        found |= new
    return found


def one_more(
    world: World, p: Parameters, seed: int, firms: int, quarters: int = 40
) -> tuple[Played, Played, int]:
    """The runs with ``firms`` and one more supported firms, and the one more."""
    few, many = (run(world, individual(n), p, seed, quarters) for n in (firms, firms + 1))
    assert np.array_equal(few.supported(), many.supported()[:-1])
    return few, many, int(many.supported()[-1])


def test_one_more_supported_firm_changes_itself_and_what_it_reaches_and_nothing_else() -> None:
    world, p = forty_rings(), lively()
    itself = beyond_itself = 0
    for seed in range(60):
        few, many, firm = one_more(world, p, seed, firms=12)
        ring = reachable(world, firm)
        assert len(ring) == RING
        others = np.setdiff1d(np.arange(world.size), sorted(ring))
        assert same_course(few, many, others)
        neighbours = sorted(ring - {firm})
        itself += few.state.adoption_quarter[firm] != many.state.adoption_quarter[firm]
        beyond_itself += not same_course(few, many, neighbours)
    assert itself >= 10  # there was something to disturb ...
    assert beyond_itself >= 10  # ... and it did spread within the ring


def test_what_one_more_supported_firm_causes_travels_one_tie_per_lag() -> None:
    world, p = forty_rings(), lively()
    lag, spread = int(p.reveal_lag_quarters), 0
    for seed in range(30):
        few, many, firm = one_more(world, p, seed, firms=12)
        first = firm // RING * RING
        for peer in range(first, first + RING):
            apart = abs(peer - firm)
            steps = min(apart, RING - apart)
            too_early = steps * lag - 1
            if steps and too_early >= 0:
                before = run(world, individual(12), p, seed, too_early + 1)
                after = run(world, individual(13), p, seed, too_early + 1)
                assert same_course(before, after, peer)
        spread += not same_course(few, many, [(firm - first + 1) % RING + first])
    assert spread > 5


def test_within_a_drawn_region_one_more_supported_firm_moves_only_its_own_component() -> None:
    world, p = synthetic(
        300, supply_chain_degree=0.0, complex_degree=0.6, sector_degree=0.0, mean_log_return=2.0
    )
    checked = 0
    for seed in range(40):
        few, many, firm = one_more(world, p, seed, firms=10)
        others = np.setdiff1d(np.arange(world.size), sorted(reachable(world, firm)))
        assert others.size > 100
        assert same_course(few, many, others)
        checked += not same_course(few, many)
    assert checked >= 20


def test_published_results_do_reach_firms_that_no_tie_leads_to() -> None:
    """Control: what keeps the others as they were is that nothing is published."""
    world, p = forty_rings(), lively()
    reached = 0
    for seed in range(10):
        few, many = (run(world, individual(n, publishes_results=True), p, seed, 40) for n in (4, 5))
        firm = int(many.supported()[-1])
        others = np.setdiff1d(np.arange(world.size), sorted(reachable(world, firm)))
        reached += not same_course(few, many, others)
    assert reached >= 3


class SequentialToy:
    """How draws must not be made: one shared generator, asked by whoever is still undecided."""

    def __init__(self, world: World) -> None:
        self.world = world

    def run(self, supported: int, seed: int) -> np.ndarray:
        """Quarters of adoption, shape (N,); supported firms adopt at once, others at random."""
        generator = np.random.default_rng(seed)
        adoption = np.full(self.world.size, NEVER)
        adoption[:supported] = 0
        for now in range(20):
            for firm in np.flatnonzero(adoption == NEVER):
                if generator.random() < 0.02:
                    adoption[firm] = now
        return adoption


def test_the_check_would_notice_draws_from_one_shared_sequence() -> None:
    """Control that must fail: the same comparison on a toy with a shared generator."""
    toy = SequentialToy(forty_rings())
    few, many = toy.run(12, seed=1), toy.run(13, seed=1)
    others = np.arange(RING * 2, toy.world.size)  # out of reach of firm 12
    assert not np.array_equal(few[others], many[others])


def test_the_check_would_notice_a_planted_disturbance() -> None:
    """Control that must fail: one bit more in the belief of one firm in another ring."""
    world, p = forty_rings(), lively()
    for disturbance in (0.0, 1e-3):
        plain = run(world, individual(12), p, 1, 40)
        played = prepared(world, individual(13), p, 40)
        firm = int(run(world, individual(13), p, 1, 40).supported()[-1])
        others = np.setdiff1d(np.arange(world.size), sorted(reachable(world, firm)))
        stranger = next(f for f in others if plain.state.adoption_quarter[f] == NEVER)
        with np.errstate(over="ignore"):
            start(played.state, played.setting, np.uint64(1), order_of(world, individual(13)))
            for now in range(40):
                quarter(played.state, played.setting, now)
                if now == 3:
                    played.state.weighted_sum[stranger] += disturbance
        assert same_course(plain, played, others) == (disturbance == 0.0)


# --- the calendar -------------------------------------------------------------------------------


def review_calendar(levers: Levers, p: Parameters) -> np.ndarray:
    """First review of each firm (they act by chance at any review), shape (N,)."""
    world = world_of(firms_like(400, **STUBBORN))
    return run(world, levers, p, quarters=60).state.adoption_quarter


def test_the_review_calendar_is_the_same_under_every_policy() -> None:
    p = calm(review_rate_per_quarter=0.2, act_anyway_probability=1.0)
    plain = review_calendar(NOTHING, p)
    assert len(set(plain)) > 10
    for levers in (MANY, individual(30, years=5), cluster(20, targeting="large")):
        assert np.array_equal(review_calendar(levers, p), plain)


def test_firms_in_the_queue_for_an_adviser_keep_their_calendar() -> None:
    """An offer that waits for its diagnosis must not keep a firm from its own reviews."""
    p = calm(review_rate_per_quarter=0.2, act_anyway_probability=1.0)
    slow = individual(400, adviser_capacity_firms_per_quarter=1.0)
    assert np.array_equal(review_calendar(slow, p), review_calendar(NOTHING, p))


# --- seeds, order and repetition ----------------------------------------------------------------


def collected(
    world: World, policy: Levers | Design, p: Parameters, seeds: np.ndarray, quarters: int = 24
) -> runs.Runs:
    """Replicates in one compiled call."""
    played = prepared(world, policy, p, quarters)
    room = runs.room_for(seeds.size, world.size, len(world.regions), quarters)
    with np.errstate(over="ignore"):
        runs.run_into(room, played.state, played.setting, seeds, order_of(world, policy))
    return room


def equal(one: runs.Runs, other: runs.Runs) -> bool:
    return all(np.array_equal(a, b, equal_nan=True) for a, b in zip(one, other, strict=True))


def test_the_same_seed_repeats_and_replicates_differ() -> None:
    world, p = synthetic(300)
    seeds = replicate_seeds(7, 0, 20)
    first, again = (collected(world, MANY, p, seeds) for _ in range(2))
    assert equal(first, again)
    assert len({row.tobytes() for row in first.adoption_quarter}) == 20
    assert len({row.tobytes() for row in first.supported_quarter}) == 20
    other = collected(world, MANY, p, replicate_seeds(8, 0, 20))
    assert not np.array_equal(first.adoption_quarter, other.adoption_quarter)


def test_replicates_do_not_depend_on_which_others_are_run_with_them() -> None:
    world, p = synthetic(300)
    seeds = replicate_seeds(7, 0, 9)
    together = collected(world, MANY, p, seeds)
    backwards = collected(world, MANY, p, seeds[::-1].copy())
    assert equal(together, runs.Runs(*(part[::-1] for part in backwards)))
    alone = collected(world, MANY, p, replicate_seeds(7, 4, 1))
    assert equal(runs.Runs(*(part[4:5] for part in together)), alone)


def test_a_state_keeps_nothing_of_the_run_before() -> None:
    world, p = synthetic(300, ("ulsan", "busan"))
    policies = [MANY, NOTHING, Levers(support="individual", adviser_capacity_firms_per_quarter=2.0)]
    used = prepared(world, MANY, p, 24)
    for policy in [*policies, *policies[::-1]]:
        setting = prepared(world, policy, p, 24).setting
        runs.run(used.state, setting, np.uint64(3), order_of(world, policy))
        fresh = run(world, policy, p, 3, 24)
        assert same_course(Played(world, p, setting, used.state), fresh)
        assert np.array_equal(used.state.flow, fresh.state.flow)


def test_quarters_stepped_one_by_one_are_the_run() -> None:
    world, p = synthetic(200)
    *_, stepped = quarter_by_quarter(world, MANY, p, 5, 24)
    whole = run(world, MANY, p, 5, 24)
    assert same_course(stepped, whole)
    assert np.array_equal(stepped.state.flow, whole.state.flow)


def test_a_longer_horizon_does_not_change_what_came_before() -> None:
    world, p = synthetic(300)
    short, long = run(world, MANY, p, 5, 16), run(world, MANY, p, 5, 40)
    assert np.array_equal(short.state.flow, long.state.flow[:, :16])
    soon = long.state.adoption_quarter < 16
    assert np.array_equal(short.state.adoption_quarter != NEVER, soon)


def test_results_in_short_form_are_the_states() -> None:
    world, p = synthetic(200)
    room = collected(world, MANY, p, np.array([5], np.uint64))
    state = run(world, MANY, p, 5, 24).state
    assert np.array_equal(room.adoption_quarter[0], state.adoption_quarter)
    assert np.array_equal(room.supported_quarter[0], state.supported_quarter)
    assert room.log_return[0] == pytest.approx(state.log_return, rel=1e-6, nan_ok=True)
    assert np.array_equal(room.flow[0], state.flow)


# --- names and places do not matter -------------------------------------------------------------


def permuted(world: World, order: np.ndarray) -> World:
    """The same world with its firms listed in another order: row k is the old row order[k]."""
    firms = type(world.firms)(*(column[order] for column in world.firms))
    place = np.argsort(order)
    source = np.repeat(np.arange(world.size), np.diff(world.ties.start))
    ends = [(int(place[a]), int(place[b])) for a, b in zip(source, world.ties.target, strict=True) if a < b]
    return replace(world, firms=firms, ties=ties_between(world.size, ends))


@pytest.fixture
def varied() -> tuple[World, Parameters]:
    """Firms of all kinds, tied in one layer; without luck, so that only what they are counts."""
    drawn, _ = synthetic(150)
    first = np.where(np.arange(150) % 10 == 0, 0.0, drawn.firms.required_confidence)
    world = changed(drawn, required_confidence=first)
    source = np.repeat(np.arange(world.size), np.diff(world.ties.start))
    ends = [(int(a), int(b)) for a, b in zip(source, world.ties.target, strict=True) if a < b]
    p = calm(mean_log_return=2.0, complex_noise_sd=0.3, firm_log_return_sd=0.8)
    return replace(world, ties=ties_between(world.size, ends)), p


def test_listing_the_firms_in_another_order_changes_nothing_but_the_order(
    varied: tuple[World, Parameters],
) -> None:
    """Holds without luck and without a lot; draws are keyed by row, so they would be dealt anew."""
    world, p = varied
    plain = run(world, NOTHING, p, quarters=40)
    assert len(set(plain.state.adoption_quarter)) > 4
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(world.size)
        moved = run(permuted(world, order), NOTHING, p, quarters=40).state
        assert np.array_equal(moved.adoption_quarter, plain.state.adoption_quarter[order])
        assert np.array_equal(moved.results_seen, plain.state.results_seen[order])
        assert moved.precision == pytest.approx(plain.state.precision[order])
        assert moved.weighted_sum == pytest.approx(plain.state.weighted_sum[order])


def test_renaming_sectors_and_complexes_changes_nothing() -> None:
    world, p = synthetic(300)
    firms = world.firms
    names = np.random.default_rng(1).permutation(8).astype(np.int32)
    renamed = replace(
        world, firms=firms._replace(sector=names[firms.sector], complex=firms.complex[::-1].copy())
    )
    merged = changed(world, sector=np.int32(0))  # control: one sector for all is another world
    plain = run(world, MANY, p, quarters=40)
    assert same_course(plain, run(renamed, MANY, p, quarters=40))
    assert not same_course(plain, run(merged, MANY, p, quarters=40))


def test_the_order_in_which_channels_are_mixed_does_not_matter() -> None:
    one, many = design_of(Levers(support="individual")), design_of(MANY)
    channels = ["shared_advice", "cohort_learning", "subsidy", "full_cohorts"]
    assert mixture(one, many, channels) == mixture(one, many, channels[::-1])


# --- the draws themselves -----------------------------------------------------------------------


def keyed(seed: int, purpose: int, when: int) -> np.uint64:
    return np.uint64(draws.stream(np.uint64(seed), int(purpose), when))


def test_a_draw_depends_on_each_part_of_its_key_and_on_nothing_else() -> None:
    def draw(seed: int, purpose: int, when: int, firm: int) -> float:
        return draws.uniform(keyed(seed, purpose, when), firm)

    base = (5, int(Purpose.REVIEW), 3, 17)
    assert draw(*base) == draw(*base)
    for part in range(4):
        other = tuple(value + (k == part) for k, value in enumerate(base))
        assert draw(*other) != draw(*base)


def unmixed(value: int) -> int:
    """The key that SplitMix64's finaliser turns into ``value``."""
    mask = 2**64 - 1
    value ^= value >> 31 ^ value >> 62
    value = value * pow(int(draws.MIX_2), -1, 2**64) & mask
    value ^= value >> 27 ^ value >> 54
    value = value * pow(int(draws.MIX_1), -1, 2**64) & mask
    return value ^ value >> 30 ^ value >> 60


@pytest.mark.parametrize("bits", [0, 1, 2**63, 2**64 - 2**11, 2**64 - 1])
def test_even_the_most_extreme_draws_are_finite(bits: int) -> None:
    key = np.uint64(unmixed(bits))
    with np.errstate(over="ignore"):
        assert int(draws.mix(key)) == bits  # the key is indeed the one looked for
        assert 0.0 <= draws.uniform(key, 0) < 1.0
        assert np.isfinite(draws.standard_normal(key, 0))


def test_no_two_purposes_share_a_stream() -> None:
    """Ties to partners take four numbers, one per layer: the next free one is 40."""
    taken = [int(purpose) for purpose in Purpose if purpose is not Purpose.TIE_PARTNER]
    taken += [int(Purpose.TIE_PARTNER) + int(layer) for layer in Layer]
    assert len(set(taken)) == len(taken)
