"""What changes during a run: one column per fact about the firms, and a few counters."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cpdiffusion import draws
from cpdiffusion.compiled import compiled
from cpdiffusion.draws import Purpose
from cpdiffusion.engine.setting import Setting
from cpdiffusion.world.firms import Flags, Floats, Ints
from cpdiffusion.world.ties import ring

NEVER = 2**15 - 1  # the quarter of what has not happened: after every other, and an int16
NOBODY = -1  # no cohort, no informant


class Count(IntEnum):
    """Positions in State.counts."""

    ADOPTERS = 0  # length of State.adopters
    REALISED = 1  # adopters whose return has been drawn
    REVEALED = 2  # adopters whose result is visible
    SUPPORTED = 3  # length of State.supported
    SERVED = 4  # first places of State.supported that wait for no diagnosis any more
    BATCHES = 5  # batches formed
    COHORT_RESULTS = 6  # length of State.cohort_results


class Flow(IntEnum):
    """What is recorded per region and quarter; amounts in million KRW."""

    ADOPTERS = 0
    SUPPORTED = 1
    SUPPORTED_ADOPTERS = 2
    ADVICE = 3
    SUBSIDY = 4
    PRIVATE_INVESTMENT = 5
    DIRECT = 6
    INDIRECT = 7
    ENVIRONMENTAL = 8
    PROGRAMME_INVESTMENT = 9  # of supported adopters: what Table 4 reports
    PROGRAMME_DIRECT = 10
    ACCIDENTS = 11
    ACCIDENTS_AVOIDED = 12
    UNSPENT = 13  # a stock: the purse at the end of the quarter


class State(NamedTuple):
    """The changing state of one run: N firms, R regions, Q quarters."""

    seed: NDArray[np.uint64]  # (1,)
    precision: Floats  # (N,) of the belief about the mean log return
    weighted_sum: Floats  # (N,) precision x mean
    results_seen: Ints  # (N,)
    informant: Ints  # (N,) whose result it saw last before adopting
    stirred: Flags  # (N,) something has changed since the firm last declined
    supported_quarter: Ints  # (N,)
    diagnosed_quarter: Ints  # (N,)
    signal: Floats  # (N,) the adviser's estimate of the firm's log return; nan before the diagnosis
    cohort: Ints  # (N,) learning cohort
    cohort_read: Ints  # (N,) entries of cohort_results that the firm has gone through
    adoption_quarter: Ints  # (N,)
    log_return: Floats  # (N,) realised, in adopters
    adopters: Ints  # (N,) in order of adoption
    supported: Ints  # (N,) in order of support
    cohort_results: Ints  # (N,) supported adopters in order of the reveal
    batch_size: Ints  # (N,) members of each batch
    batch_region: Ints  # (N,)
    batch_quarter: Ints  # (N,) when it was formed
    waiting_list: Ints  # (N,) firms in order of priority, region after region
    waiting_next: NDArray[np.int64]  # (R,) first place on the list not yet looked at
    waiting_end: NDArray[np.int64]  # (R,)
    supported_in_region: Ints  # (R,)
    purse_mkrw: Floats  # (R,)
    capacity_left: Floats  # (R,) diagnoses that can still be made this quarter
    flags: Flags  # (N,) room for marks
    candidates: Ints  # (N+1,) room for the firms that decide now
    willing: Flags  # (N,) room for what they want
    counts: NDArray[np.int64]  # (len(Count),)
    flow: NDArray[np.float64]  # (R, Q, len(Flow))


def new_state(size: int, regions: int, horizon_quarters: int) -> State:
    """Room for the state of a run; ``start`` fills it."""

    def ints(n: int) -> Ints:
        return np.empty(n, np.int32)

    def floats(n: int) -> Floats:
        return np.empty(n)

    def flags(n: int) -> Flags:
        return np.empty(n, np.bool_)

    return State(
        seed=np.empty(1, np.uint64),
        precision=floats(size), weighted_sum=floats(size),
        results_seen=ints(size), informant=ints(size),
        stirred=flags(size), supported_quarter=ints(size), diagnosed_quarter=ints(size),
        signal=floats(size),
        cohort=ints(size), cohort_read=ints(size),
        adoption_quarter=ints(size), log_return=floats(size),
        adopters=ints(size), supported=ints(size), cohort_results=ints(size),
        batch_size=ints(size), batch_region=ints(size), batch_quarter=ints(size),
        waiting_list=ints(size),
        waiting_next=np.empty(regions, np.int64), waiting_end=np.empty(regions, np.int64),
        supported_in_region=ints(regions),
        purse_mkrw=floats(regions), capacity_left=floats(regions),
        flags=flags(size), candidates=ints(size + 1), willing=flags(size),
        counts=np.empty(len(Count), np.int64),
        flow=np.empty((regions, horizon_quarters, len(Flow))),
    )  # fmt: skip


@compiled
def start(state: State, setting: Setting, seed: np.uint64, priority: Ints) -> None:
    """Fill the state for quarter 0; firms of higher ``priority`` (N,) are supported first."""
    state.seed[0] = seed
    state.precision[:] = setting.rule.prior_precision
    state.weighted_sum[:] = setting.rule.prior_weighted_sum
    state.results_seen[:] = 0
    state.informant[:] = NOBODY
    state.stirred[:] = True
    state.supported_quarter[:] = NEVER
    state.diagnosed_quarter[:] = NEVER
    state.signal[:] = np.nan
    state.cohort[:] = NOBODY
    state.cohort_read[:] = 0
    state.adoption_quarter[:] = NEVER
    state.log_return[:] = np.nan
    state.supported_in_region[:] = 0
    state.purse_mkrw[:] = 0.0
    state.counts[:] = 0
    state.flow[:] = 0.0
    if setting.programme.budget_mkrw_per_year > 0.0:
        queue(state, setting.columns.region, priority)


@compiled
def queue(state: State, region: Ints, priority: Ints) -> None:
    """The waiting list: by region, then priority, then lot; never the order of a list."""
    levels = priority.max() + 1
    group = region * levels + (levels - 1 - priority)
    state.waiting_list[:] = ring(by_lot(state.seed[0], region.size), group).member
    members = np.bincount(region, minlength=state.waiting_end.size)
    state.waiting_end[:] = np.cumsum(members)
    state.waiting_next[:] = state.waiting_end - members


@compiled
def by_lot(seed: np.uint64, size: int) -> Ints:
    """Firms in order of their lots: dealt into as many slots as firms, then put right."""
    key = draws.stream(seed, Purpose.WAITING_LIST, 0)
    lot, slot = np.empty(size), np.empty(size, np.int32)
    for firm in range(size):
        lot[firm] = draws.uniform(key, firm)
        slot[firm] = int(lot[firm] * size)
    order = ring(np.arange(size).astype(np.int32), slot).member
    for k in range(1, size):
        firm, j = order[k], k - 1
        while j >= 0 and lot[order[j]] > lot[firm]:
            order[j + 1] = order[j]
            j -= 1
        order[j + 1] = firm
    return order
