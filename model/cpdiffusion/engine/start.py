"""How a run begins: beliefs at the prior, early adopters in place, the waiting list drawn."""

from __future__ import annotations

import numpy as np

from cpdiffusion import draws
from cpdiffusion.compiled import compiled
from cpdiffusion.draws import Purpose
from cpdiffusion.engine.adopt import realise
from cpdiffusion.engine.choice import by_measure, measure_column
from cpdiffusion.engine.setting import Setting
from cpdiffusion.engine.state import BEFORE, NEVER, NOBODY, Count, Flow, MeasureFlow, Queue, State
from cpdiffusion.engine.year import draw_shocks
from cpdiffusion.world.firms import Ints
from cpdiffusion.world.ties import by_group

HAND = 1000  # firms in a hand of lots, about


@compiled
def start(state: State, setting: Setting, seed: np.uint64, priority: Ints) -> None:
    """Fill the state for quarter 0; firms of higher ``priority`` (N,) are supported first."""
    state.seed[0] = seed
    state.precision[:] = setting.rule.prior_precision
    state.weighted_sum[:] = setting.rule.prior_weighted_sum
    state.results_seen[:] = 0
    state.informant[:] = NOBODY
    state.stirred[:] = ~setting.columns.waits_for_example
    state.supported_quarter[:] = NEVER
    state.diagnosed_quarter[:] = NEVER
    state.signal[:] = np.nan
    state.cohort[:] = NOBODY
    state.cohort_read[:] = NOBODY
    state.last_result[:] = NOBODY
    state.adoption_quarter[:] = NEVER
    state.log_return[:] = np.nan
    state.speaking_for[:] = 0
    state.survival[:] = 1.0
    state.queues[:] = 0
    state.purse_mkrw[:] = 0.0
    state.counts[:] = 0
    state.counts[Count.ENACTED] = setting.terms.acts.size > 0
    state.flow[:] = 0.0
    if by_measure(state):
        state.taken[:] = 0
        state.spent_mkrw[:] = 0.0
    if state.counts[Count.ENACTED]:
        state.flow[:, :, Flow.INSTRUMENTS] = setting.terms.public_cost_mkrw
    place_early_adopters(state, setting)
    if setting.programme.budget_mkrw_per_year > 0.0:
        queue(state, setting.columns.region[: priority.size], priority)


@compiled
def place_early_adopters(state: State, setting: Setting) -> None:
    """Firms that have adopted before the first quarter count as adopters; their money is long spent."""
    columns, n = setting.columns, 0
    is_early, region, flow, firms = (
        columns.is_early_adopter, columns.region, state.flow, state.waiting_list.size)  # fmt: skip
    adoption, adopters, choosing = state.adoption_quarter, state.adopters, by_measure(state)
    for firm in range(is_early.size):
        if is_early[firm]:
            adoption[firm] = BEFORE
            adopters[n] = firm
            flow[region[firm], 0, Flow.ADOPTERS] += firm < firms  # of all measures at once
            if choosing:
                flow[region[firm], 0, measure_column(firm // firms, MeasureFlow.ADOPTERS)] += 1.0
            n += 1
    if n > 0:
        state.counts[Count.ADOPTERS] = n
        luck = draws.stream(state.seed[0], Purpose.EARLIER_YEAR, 0)
        draw_shocks(state.year, luck, setting.rule.region_year_log_return_sd)
        realise(state, columns, setting.rule, setting.programme, BEFORE)
        state.counts[Count.REALISED] = n


@compiled
def queue(state: State, region: Ints, priority: Ints) -> None:
    """The waiting list: by region, then priority, then lot; never the order of a list."""
    levels = priority.max() + 1
    group = region * levels + (levels - 1 - priority)
    state.waiting_list[:] = by_group(by_lot(state.seed[0], region.size), group)
    queues, end = state.queues, 0
    members = np.bincount(region, minlength=queues.shape[0])
    for place in range(members.size):
        queues[place, Queue.NEXT] = end
        end += members[place]
        queues[place, Queue.END] = end


@compiled
def by_lot(seed: np.uint64, size: int) -> Ints:
    """Firms in order of their lots: dealt into hands, each hand into as many slots, then put right.

    Among many firms a hand stays close at hand in memory.
    """
    key = draws.stream(seed, Purpose.WAITING_LIST, 0)
    hands = 1 + size // HAND
    order, begin = deal(key, np.arange(size).astype(np.int32), 0.0, hands, hands)
    for hand in range(hands):
        first, last = begin[hand], begin[hand + 1]
        if hands > 1 and last > first:
            order[first:last] = deal(
                key, order[first:last], hand / hands, hands * (last - first), last - first
            )[0]
    put_right(key, order)
    return order


@compiled
def deal(key: np.uint64, firms: Ints, lowest: float, per_lot: float, slots: int) -> tuple[Ints, Ints]:
    """Firms by lot in slots, ``per_lot`` of them to 1 from ``lowest`` on, and where each slot begins."""
    slot, begin = np.empty(firms.size, np.int32), np.zeros(slots + 1, np.int32)
    for k in range(firms.size):
        place = int((draws.uniform(key, firms[k]) - lowest) * per_lot)
        slot[k] = min(place, slots - 1)
        begin[slot[k] + 1] += 1
    begin = np.cumsum(begin).astype(np.int32)
    free, order = begin.copy(), np.empty(firms.size, np.int32)
    for k in range(firms.size):
        order[free[slot[k]]] = firms[k]
        free[slot[k]] += 1
    return order, begin


@compiled
def put_right(key: np.uint64, order: Ints) -> None:
    """Sort by lots what is nearly sorted (insertion)."""
    for k in range(1, order.size):
        firm, j = order[k], k - 1
        lot = draws.uniform(key, firm)  # drawn again: quicker than looking it up among many
        while j >= 0 and draws.uniform(key, order[j]) > lot:
            order[j + 1] = order[j]
            j -= 1
        order[j + 1] = firm
