"""What changes during a run: one column per fact about the firms, and a few counters."""

from __future__ import annotations

import math
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cpdiffusion.world.firms import Flags, Floats, Ints

NEVER = 2**15 - 1  # the quarter of what has not happened: after every other, and an int16
BEFORE = -1  # the quarter of those that adopted before the first
NOBODY = -1  # no cohort, no informant
GONE = -math.inf  # in place of a diagnosis: the firm did not wait for it


class Count(IntEnum):
    """Positions in State.counts."""

    ADOPTERS = 0  # length of State.adopters
    REALISED = 1  # adopters whose return has been drawn
    REVEALED = 2  # adopters whose result is visible
    SUPPORTED = 3  # length of State.supported
    SERVED = 4  # first places of State.supported that wait for no diagnosis any more
    BATCHES = 5  # batches formed
    COHORT_RESULTS = 6  # length of State.cohort_results
    PASSED_ON = 7  # adopters that count with those whom they influence (classic rules)
    TOLD = 8  # adopters whose result has been told at a meeting
    ENACTED = 9  # 1 if there are instruments


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
    INSTRUMENTS = 14  # public cost of running instruments
    INSTRUMENT_SUBSIDY = 15  # paid by instruments
    PROVIDER_INVESTMENT = 16  # paid by whoever provides the package as a service


PROGRAMME_MONEY = (Flow.ADVICE, Flow.SUBSIDY)
PUBLIC_MONEY = (*PROGRAMME_MONEY, Flow.INSTRUMENTS, Flow.INSTRUMENT_SUBSIDY)
SUBSIDIES = (Flow.SUBSIDY, Flow.INSTRUMENT_SUBSIDY)


class State(NamedTuple):
    """The changing state of one run: N firms, R regions, Q quarters."""

    seed: NDArray[np.uint64]  # (1,)
    precision: Floats  # (N,) of the belief about the mean log return
    weighted_sum: Floats  # (N,) precision x mean
    results_seen: Ints  # (N,)
    informant: Ints  # (N,) whose result it saw last before adopting
    stirred: Flags  # (N,) what has changed since the firm last declined may change its mind
    supported_quarter: Ints  # (N,)
    diagnosed_quarter: Ints  # (N,)
    signal: Floats  # (N,) the adviser's estimate of its log return; nan before, GONE if it left
    cohort: Ints  # (N,) learning cohort
    cohort_read: Ints  # (N,) entries of cohort_results that the firm has gone through
    adoption_quarter: Ints  # (N,)
    log_return: Floats  # (N,) realised, in adopters
    speaking_for: Ints  # (N,) influencers that have adopted, or convinced it (classic rules)
    survival: Floats  # (N,) probability of not having adopted yet (Bass)
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
        speaking_for=ints(size), survival=floats(size),
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
