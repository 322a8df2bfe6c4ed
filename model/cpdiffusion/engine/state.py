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
TAKEN, WITH_SUPPORT = 1, 2  # a firm has taken a measure, without support only or with
GONE = -math.inf  # in place of a diagnosis: the firm did not wait for it


class Count(IntEnum):
    """Positions in State.counts."""

    ADOPTERS = 0  # length of State.adopters
    REALISED = 1  # adopters whose return has been drawn
    REVEALED = 2  # adopters whose result is visible
    SUPPORTED = 3  # length of State.supported
    SERVED = 4  # first places of State.supported that wait for no diagnosis any more
    BATCHES = 5  # batches formed
    GROUPS = 6  # learning groups formed that are no batches
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


class Batch(IntEnum):
    """What is known of a batch of firms supported together."""

    SIZE = 0
    REGION = 1
    QUARTER = 2  # in which it was formed


class Queue(IntEnum):
    """Where a region's part of the waiting list stands."""

    NEXT = 0  # first place not yet looked at
    END = 1
    SUPPORTED = 2  # firms supported so far
    GROUP = 3  # the latest learning group, if groups are no batches


class MeasureFlow(IntEnum):
    """What is recorded per measure and quarter, where firms choose among measures."""

    ADOPTERS = 0
    INVESTMENT = 1  # million KRW, whoever pays it
    DIRECT = 2  # million KRW


def flows_of(measures: int) -> int:
    """Number of flows; of a package nothing is recorded by measure."""
    return len(Flow) + (measures * len(MeasureFlow) if measures > 1 else 0)


class State(NamedTuple):
    """The changing state of one run: N rows of F firms, R regions, Q quarters.

    A row is a firm that decides on its package. Where firms choose among K measures it is a firm
    and a measure, N = K F, and measure m of firm i stands in row i + m F; whatever is said of "a
    firm" then holds of one of its measures, unless it is (F,).
    """

    seed: NDArray[np.uint64]  # (1,)
    precision: Floats  # (N,) of the belief about the mean log return
    weighted_sum: Floats  # (N,) precision x mean
    results_seen: Ints  # (N,)
    informant: Ints  # (N,) whose result it saw last before adopting
    stirred: Flags  # (N,) what has changed since the firm last declined may change its mind
    supported_quarter: Ints  # (N,)
    diagnosed_quarter: Ints  # (N,)
    signal: Floats  # (N,) the adviser's estimate of its log return; nan before, GONE if it left
    cohort: Ints  # (N,) number of the learning cohort
    cohort_read: Ints  # (N,) the result in its cohort that the firm has taken in last
    adoption_quarter: Ints  # (N,)
    log_return: Floats  # (N,) realised, in adopters
    speaking_for: Ints  # (N,) influencers that have adopted, or convinced it (classic rules)
    survival: Floats  # (N,) probability of not having adopted yet (Bass)
    adopters: Ints  # (N,) in order of adoption
    supported: Ints  # (N,) in order of support
    last_result: Ints  # (N,) the result in each cohort that was revealed last
    next_result: Ints  # (N,) the result in the same cohort that was revealed next; after the last, the first
    batches: Ints  # (F, len(Batch))
    waiting_list: Ints  # (F,) firms in order of priority, region after region
    queues: NDArray[np.int64]  # (R, len(Queue))
    purse_mkrw: Floats  # (R,)
    capacity_left: Floats  # (R,) diagnoses that can still be made this quarter
    flags: Flags  # (N,) room for marks
    candidates: Ints  # (N+1,) room for the firms that decide now
    willing: Flags  # (N,) room for what they want
    counts: NDArray[np.int64]  # (len(Count),)
    year: Floats  # (R, 3) what the regions' adopters of this year share, see engine.year
    flow: NDArray[np.float64]  # (R, Q, flows_of(K)) Flow, then MeasureFlow of each measure
    taken: Ints  # (F,) 0, TAKEN or WITH_SUPPORT; used where firms choose among measures
    spent_mkrw: Floats  # (F,) of this year's means; likewise


def new_state(firms: int, regions: int, horizon_quarters: int, measures: int = 1) -> State:
    """Room for the state of a run; ``start`` fills it."""
    size = firms * measures

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
        adopters=ints(size), supported=ints(size),
        last_result=ints(size), next_result=ints(size),
        batches=np.empty((firms, len(Batch)), np.int32),
        waiting_list=ints(firms), queues=np.empty((regions, len(Queue)), np.int64),
        purse_mkrw=floats(regions), capacity_left=floats(regions),
        flags=flags(size), candidates=ints(size + 1), willing=flags(size),
        counts=np.empty(len(Count), np.int64), year=np.empty((regions, 3)),
        flow=np.empty((regions, horizon_quarters, flows_of(measures))),
        taken=ints(firms), spent_mkrw=floats(firms),
    )  # fmt: skip
