"""The programme takes in firms for as long as its purse pays.

Before the last budget year only full batches are formed and the rest of the money is carried
over. From the last budget year on, a smaller batch and then wider ones use up what is left, so
that designs are compared at equal money. A subsidy is reserved with the offer.
"""

from __future__ import annotations

from cpdiffusion.compiled import compiled, inlined, merged
from cpdiffusion.engine.choice import NONE_OPEN, cohort_on_measure, next_open, open_capital
from cpdiffusion.engine.setting import Columns
from cpdiffusion.engine.state import NOBODY, Batch, Count, Flow, Queue, State
from cpdiffusion.policy.programme import Programme
from cpdiffusion.units import QUARTERS_PER_YEAR
from cpdiffusion.world.firms import Floats, Ints

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


@inlined
def grant(state: State, programme: Programme, now: int) -> None:
    """The year's budget comes into every region's purse, at the start of each budget year."""
    budget_year = programme.first_quarter <= now <= programme.last_year_quarter
    if budget_year and now % QUARTERS_PER_YEAR == 0:
        state.purse_mkrw[:] += programme.budget_mkrw_per_year


@merged
def intake(state: State, columns: Columns, programme: Programme, now: int) -> int:
    """Take in what the purses pay for; number of firms newly supported, in all regions."""
    before = state.counts[Count.SUPPORTED]
    for region in range(columns.regions):
        take_batches(state, columns, programme, region, now)
    return state.counts[Count.SUPPORTED] - before


@merged
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
def next_eligible(waiting_list: Ints, adoption_quarter: Ints, place: int, end: int) -> int:
    """First place on the waiting list, from ``place`` to ``end``, with a firm that is undecided."""
    while place < end and next_open(adoption_quarter, waiting_list[place], waiting_list.size) == NONE_OPEN:
        place += 1
    return place


@compiled
def reserve(subsidy_rate: float, capital_need_mkrw: float) -> float:
    """Subsidy set aside for a firm with an offer (million KRW); one not taken up gives it back."""
    return subsidy_rate * capital_need_mkrw


@merged
def affordable(state: State, columns: Columns, programme: Programme, region: int) -> int:
    """How many of the next firms, up to one batch, the purse pays for together."""
    waiting, adoption, end = state.waiting_list, state.adoption_quarter, state.queues[region, Queue.END]
    cost, rate, capital = programme.advice_cost_mkrw, programme.subsidy_rate, columns.capital_need_mkrw
    money, members, paid, reserved = state.purse_mkrw[region] + PENNY, 0, 0, 0.0
    place = next_eligible(waiting, adoption, state.queues[region, Queue.NEXT], end)
    while members < programme.batch and place < end:
        members += 1
        reserved += reserve(rate, open_capital(capital, adoption, waiting[place], waiting.size))
        if cost[members] + reserved <= money:
            paid = members  # a larger batch may cost less than a smaller one
        place = next_eligible(waiting, adoption, place + 1, end)
    return paid


@merged
def exhausted(state: State, region: int, members: int) -> bool:
    """Whether the region has no eligible firm beyond the next ``members``."""
    waiting, adoption, end = state.waiting_list, state.adoption_quarter, state.queues[region, Queue.END]
    place = state.queues[region, Queue.NEXT]
    for _ in range(members):
        place = next_eligible(waiting, adoption, place, end) + 1
    return next_eligible(waiting, adoption, place, end) >= end


@merged
def next_place(state: State, region: int) -> int:
    """The region's next eligible place on the waiting list."""
    begin, end = state.queues[region, Queue.NEXT], state.queues[region, Queue.END]
    return next_eligible(state.waiting_list, state.adoption_quarter, begin, end)


@merged
def form_batch(
    state: State, columns: Columns, programme: Programme, region: int, members: int, now: int
) -> None:
    """Support the next firms on the list together and pay for their advice."""
    batch = state.counts[Count.BATCHES]
    state.counts[Count.BATCHES] += 1
    state.batches[batch, Batch.SIZE] = 0
    state.batches[batch, Batch.REGION] = region
    state.batches[batch, Batch.QUARTER] = now
    add_members(state, columns, programme, region, batch, members, now)


@merged
def add_members(
    state: State, columns: Columns, programme: Programme, region: int, batch: int, members: int, now: int
) -> None:
    """The next firms on the list join a batch: their advice is paid, their subsidy reserved."""
    waiting, adoption, end = state.waiting_list, state.adoption_quarter, state.queues[region, Queue.END]
    since, stirred, cohort, supported = (
        state.supported_quarter, state.stirred, state.cohort, state.supported)  # fmt: skip
    cost, capital, rate = programme.advice_cost_mkrw, columns.capital_need_mkrw, programme.subsidy_rate
    purse, flow, queues, firms = state.purse_mkrw, state.flow, state.queues, waiting.size
    size, total = state.batches[batch, Batch.SIZE], state.counts[Count.SUPPORTED]
    place = queues[region, Queue.NEXT]
    for _ in range(members):
        place = next_eligible(waiting, adoption, place, end)
        firm = waiting[place]
        advice = cost[size + 1] - cost[size]
        purse[region] -= advice + reserve(rate, open_capital(capital, adoption, firm, firms))
        flow[region, now, Flow.ADVICE] += advice
        flow[region, now, Flow.SUPPORTED] += 1
        group = learning_cohort(state, programme, batch, region)
        row = next_open(adoption, firm, firms)
        while row != NONE_OPEN:
            since[row], stirred[row] = now, True
            cohort[row] = cohort_on_measure(group, row, firms, adoption.size)
            supported[total] = row
            total += 1
            row = next_open(adoption, row + firms, firms)
        size, place = size + 1, place + 1
        queues[region, Queue.SUPPORTED] += 1
    state.batches[batch, Batch.SIZE], state.counts[Count.SUPPORTED] = size, total
    queues[region, Queue.NEXT] = place


@merged
def learning_cohort(state: State, programme: Programme, batch: int, region: int) -> int:
    """The cohort in which the region's next firm sees results: its batch, or the region's latest group."""
    queues, counts = state.queues, state.counts
    if programme.learning_group <= 1:
        return NOBODY
    if programme.learning_group == programme.batch:
        return batch
    if queues[region, Queue.SUPPORTED] % programme.learning_group == 0:
        queues[region, Queue.GROUP] = counts[Count.GROUPS]
        counts[Count.GROUPS] += 1
    return int(queues[region, Queue.GROUP])


@merged
def widen(state: State, columns: Columns, programme: Programme, region: int, now: int) -> bool:
    """Add one firm to the smallest batch of the last budget year that can be paid; False if none."""
    place = next_place(state, region)
    if place >= state.queues[region, Queue.END]:
        return False
    waiting, adoption = state.waiting_list, state.adoption_quarter
    capital = open_capital(columns.capital_need_mkrw, adoption, waiting[place], waiting.size)
    reserved = reserve(programme.subsidy_rate, capital)
    batch = smallest_payable(state, programme, region, state.purse_mkrw[region] - reserved + PENNY)
    if batch == NO_BATCH:
        return False
    add_members(state, columns, programme, region, batch, 1, now)
    return True


@merged
def smallest_payable(state: State, programme: Programme, region: int, money_mkrw: float) -> int:
    """The smallest batch of the last budget year whose next member costs no more; NO_BATCH if none."""
    cost, batches = programme.advice_cost_mkrw, state.batches
    smallest, size_of_smallest = NO_BATCH, cost.size
    for batch in range(state.counts[Count.BATCHES]):
        here = batches[batch, Batch.REGION] == region
        fresh = batches[batch, Batch.QUARTER] >= programme.last_year_quarter
        size = batches[batch, Batch.SIZE]
        room = size + 1 < cost.size and cost[size + 1] - cost[size] <= money_mkrw
        if here and fresh and room and size < size_of_smallest:
            smallest, size_of_smallest = batch, size
    return smallest
