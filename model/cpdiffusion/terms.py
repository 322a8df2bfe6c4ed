"""What instruments contribute, as the engine reads it: one row of figures per term, and ties.

An instrument never changes a firm. It adds to a few terms, for some firms and years; what all
instruments contribute to a term is summed up before a run, so they combine freely and in any
order, and a run only looks up which row holds this quarter.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Flags = NDArray[np.bool_]


class Term(IntEnum):
    """Where instruments enter the rule. Shares that are left are products, all else are sums."""

    GAIN = 0  # log return that weighs in the decision, whether it is a return or spares a loss
    RETURN = 1  # log return, the part of the gain that is realised
    SUBSIDY = 2  # share of the investment that is paid
    CAPITAL = 3  # share of the rest that the firm must pay at once
    HASSLE = 4  # share of the hassle that is left
    LOG_COST = 5  # log cost of a firm without an offer, which follows from the three above
    HAZARD = 6  # share of the accident probability that is left
    EXCHANGE = 7  # log return once the firm's exchange partner has adopted too
    INFORMATION = 8  # precision of a message on the region's mean log return, each year


LEFT = (Term.CAPITAL, Term.HASSLE, Term.HAZARD)  # what is left: 1 without an instrument
NO_PARTNER = -1


class Terms(NamedTuple):
    """What all instruments contribute: N firms, R regions, Q quarters, U different rows, M meeting ties."""

    rows: Floats  # (U, N)
    row: NDArray[np.int64]  # (Q, len(Term)) which row holds a term in a quarter
    acts: Flags  # (Q,) whether a row changes, or firms are informed or meet
    public_cost_mkrw: Floats  # (R, Q) of running the instruments
    informed: Ints  # (I,) firms that are ever informed
    partner: Ints  # (N,) with whom a firm can exchange by-products; (0,) if nobody can
    meets: Flags  # (Q,) whether there is a meeting
    start: NDArray[np.int64]  # (N+1,) whom a firm meets is target[start[i] : start[i+1]]
    target: Ints  # (M,)
    precision: Floats  # (M,) that a result told at a meeting adds
    message: Floats  # (R,) mean log return of which firms are informed


NO_TERMS = Terms(
    rows=np.zeros((1, 0)),
    row=np.zeros((1, len(Term)), np.int64),
    acts=np.zeros(0, np.bool_),
    public_cost_mkrw=np.zeros((0, 0)),
    informed=np.zeros(0, np.int32),
    partner=np.zeros(0, np.int32),
    meets=np.zeros(0, np.bool_),
    start=np.zeros(0, np.int64),
    target=np.zeros(0, np.int32),
    precision=np.zeros(0),
    message=np.zeros(0),
)
