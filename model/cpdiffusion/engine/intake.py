"""The programme takes in firms for as long as its purse pays.

Before the last budget year only full batches are formed and the rest of the money is carried
over. From the last budget year on, a smaller batch and then wider ones use up what is left, so
that designs are compared at equal money. A subsidy is reserved with the offer.
"""

from __future__ import annotations

from cpdiffusion.compiled import compiled
from cpdiffusion.engine.setting import Columns
from cpdiffusion.engine.state import NEVER, NOBODY, Count, Flow, State
from cpdiffusion.policy.programme import Programme
from cpdiffusion.units import QUARTERS_PER_YEAR
from cpdiffusion.world.firms import Floats

NO_BATCH = -1
PENNY = 1e-9  # million KRW: rounding must not stop the last affordable firm


@compiled
def intake_is_due(purse_mkrw: Floats, programme: Programme, now: int) -> bool:
    """At the start of each budget year; later whenever a purse may pay for another firm."""
    if programme.budget_mkrw_per_year <= 0.0 or now < programme.first_quarter:
        return False
    if now <= programme.last_year_quarter and now % QUARTERS_PER_YEAR == 0:
        return True
    fullest = float(purse_mkrw.max())
    return now >= programme.last_year_quarter and fullest >= programme.cheapest_mkrw - PENNY


@compiled
def grant(state: State, programme: Programme, now: int) -> None:
    """The year's budget comes into every region's purse, at the start of each budget year."""
    budget_year = programme.first_quarter <= now <= programme.last_year_quarter
    if budget_year and now % QUARTERS_PER_YEAR == 0:
        state.purse_mkrw[:] += programme.budget_mkrw_per_year


@compiled
def intake(state: State, columns: Columns, programme: Programme, now: int) -> int:
    """Take in what the purses pay for; number of firms newly supported, in all regions."""
    before = state.counts[Count.SUPPORTED]
    for region in range(columns.regions):
        take_batches(state, columns, programme, region, now)
    return state.counts[Count.SUPPORTED] - before


@compiled
def take_batches(state: State, columns: Columns, programme: Programme, region: int, now: int) -> None:
    """Full batches while the purse pays; at the end also a smaller one, then wider ones."""
    last_year = now >= programme.last_year_quarter
    while True:
        members = affordable(state, columns, programme, region)
        short = members < programme.batch
        if members == 0 or (short and not last_year and not exhausted(state, region, members)):
            break
        form_batch(state, columns, programme, region, members, now)
    if last_year and programme.batch > 1:
        while widen(state, columns, programme, region, now):
            pass


@compiled
def next_eligible(state: State, place: int, region: int) -> int:
    """First place at or after ``place`` on the waiting list with a firm that has not adopted."""
    while place < state.waiting_end[region] and state.adoption_quarter[state.waiting_list[place]] != NEVER:
        place += 1
    return place


@compiled
def reserve(columns: Columns, programme: Programme, firm: int) -> float:
    """Subsidy set aside for a firm with an offer (million KRW)."""
    return programme.subsidy_rate * columns.capital_need_mkrw[firm]


@compiled
def give_back(state: State, columns: Columns, programme: Programme, firm: int) -> None:
    """An offer that was not taken up leaves its reserve to others."""
    state.purse_mkrw[columns.region[firm]] += reserve(columns, programme, firm)


@compiled
def affordable(state: State, columns: Columns, programme: Programme, region: int) -> int:
    """How many of the next firms, up to one batch, the purse pays for together."""
    members, paid, reserved = 0, 0, 0.0
    place = next_eligible(state, state.waiting_next[region], region)
    while members < programme.batch and place < state.waiting_end[region]:
        members += 1
        reserved += reserve(columns, programme, state.waiting_list[place])
        if programme.advice_cost_mkrw[members] + reserved <= state.purse_mkrw[region] + PENNY:
            paid = members  # a larger batch may cost less than a smaller one
        place = next_eligible(state, place + 1, region)
    return paid


@compiled
def exhausted(state: State, region: int, members: int) -> bool:
    """Whether the region has no eligible firm beyond the next ``members``."""
    place = state.waiting_next[region]
    for _ in range(members):
        place = next_eligible(state, place, region) + 1
    return next_eligible(state, place, region) >= state.waiting_end[region]


@compiled
def form_batch(
    state: State, columns: Columns, programme: Programme, region: int, members: int, now: int
) -> None:
    """Support the next firms on the list together and pay for their advice."""
    batch = state.counts[Count.BATCHES]
    state.counts[Count.BATCHES] += 1
    state.batch_size[batch] = 0
    state.batch_region[batch] = region
    state.batch_quarter[batch] = now
    for _ in range(members):
        add_member(state, columns, programme, region, batch, now)


@compiled
def add_member(
    state: State, columns: Columns, programme: Programme, region: int, batch: int, now: int
) -> None:
    """The next firm on the list joins a batch: its advice is paid, its subsidy reserved."""
    place = next_eligible(state, state.waiting_next[region], region)
    firm, size = state.waiting_list[place], state.batch_size[batch]
    state.waiting_next[region] = place + 1
    state.batch_size[batch] = size + 1
    cost = programme.advice_cost_mkrw
    advice = cost[size + 1] - cost[size]
    state.purse_mkrw[region] -= advice + reserve(columns, programme, firm)
    state.flow[region, now, Flow.ADVICE] += advice
    state.flow[region, now, Flow.SUPPORTED] += 1
    state.supported_quarter[firm] = now
    state.stirred[firm] = True
    state.cohort[firm] = learning_cohort(state, columns, programme, region, batch)
    state.supported[state.counts[Count.SUPPORTED]] = firm
    state.supported_in_region[region] += 1
    state.counts[Count.SUPPORTED] += 1


@compiled
def learning_cohort(state: State, columns: Columns, programme: Programme, region: int, batch: int) -> int:
    """The cohort in which a firm sees results: its batch, or the next group of its region."""
    if programme.learning_group <= 1:
        return NOBODY
    if programme.learning_group == programme.batch:
        return batch
    group = state.supported_in_region[region] // programme.learning_group
    return group * columns.regions + region


@compiled
def widen(state: State, columns: Columns, programme: Programme, region: int, now: int) -> bool:
    """Add one firm to the smallest batch of the last budget year that can be paid; False if none."""
    place = next_eligible(state, state.waiting_next[region], region)
    if place >= state.waiting_end[region]:
        return False
    reserved = reserve(columns, programme, state.waiting_list[place])
    batch = smallest_payable(state, programme, region, state.purse_mkrw[region] - reserved + PENNY)
    if batch == NO_BATCH:
        return False
    add_member(state, columns, programme, region, batch, now)
    return True


@compiled
def smallest_payable(state: State, programme: Programme, region: int, money_mkrw: float) -> int:
    """The smallest batch of the last budget year whose next member costs no more; NO_BATCH if none."""
    cost, sizes = programme.advice_cost_mkrw, state.batch_size
    smallest = NO_BATCH
    for batch in range(state.counts[Count.BATCHES]):
        here = state.batch_region[batch] == region
        fresh = state.batch_quarter[batch] >= programme.last_year_quarter
        size = sizes[batch]
        room = size + 1 < cost.size and cost[size + 1] - cost[size] <= money_mkrw
        if here and fresh and room and (smallest == NO_BATCH or size < sizes[smallest]):
            smallest = batch
    return smallest
