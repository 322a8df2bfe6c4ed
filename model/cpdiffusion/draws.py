"""Random numbers keyed by (seed, purpose, quarter, firm).

A draw is a pure function of its key, so no order of events, number of workers or policy can
shift another firm's draws. The hash is SplitMix64 (Steele, Lea & Flood 2014, "Fast splittable
pseudorandom number generators"): a stream per (seed, purpose, quarter), a position per firm.
Normal deviates come from the inverse distribution function (Wichura 1988, AS 241, PPND16:
relative accuracy about 1e-16), so that one uniform gives one normal.
"""

from __future__ import annotations

import math
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from cpdiffusion.compiled import compiled


class Purpose(IntEnum):
    """What a draw is for. Numbers are part of the results: append, never renumber."""

    REPLICATE = 1
    REVIEW = 2
    DIAGNOSIS = 3
    REGION_YEAR = 4
    INDIRECT = 5
    ENVIRONMENTAL = 6
    ACCIDENT = 7
    WAITING_LIST = 8
    BASS = 9
    CASCADE = 10
    EARLIER_YEAR = 11
    PLACE = 20
    SECTOR = 21
    EMPLOYEES = 22
    CAPITAL = 23
    POTENTIAL = 24
    PAYBACK = 25
    CONFIDENCE = 26
    EXAMPLE = 27
    LIQUIDITY = 28
    HAZARD = 29
    EXPORT = 30
    PUBLIC = 31
    VIOLATION = 32
    RING = 33
    TIE_NUMBER = 34
    TIE_KIND = 35
    TIE_PARTNER = 36  # and 37 to 39: one for each layer
    THRESHOLD = 40
    EARLY = 41
    ROUND_TABLE = 42
    EXCHANGE_PARTNER = 43
    TECHNOLOGY_MATCH = 44
    SMART_COMPLEX = 45
    DROP_OUT = 46
    MEASURE_POTENTIAL = 47


GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
MIX_2 = np.uint64(0x94D049BB133111EB)
S30, S27, S31, S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
PURPOSE_STEP = np.uint64(0xD6E8FEB86659FD93)
QUARTER_STEP = np.uint64(0xA3B195354A39B70D)
UNIT = 2.0**-53
HALF_UNIT = 2.0**-54
LARGEST = 1.0 - UNIT  # below 1 after rounding


@compiled
def mix(key: np.uint64) -> np.uint64:
    """SplitMix64's finaliser: every bit of the key reaches every bit of the result."""
    key = (key ^ (key >> S30)) * MIX_1
    key = (key ^ (key >> S27)) * MIX_2
    return key ^ (key >> S31)


@compiled
def stream(seed: np.uint64, purpose: int, quarter: int) -> np.uint64:
    """The stream of one purpose in one quarter; hoist it out of loops over firms."""
    return mix(mix(seed + np.uint64(purpose) * PURPOSE_STEP) + np.uint64(quarter) * QUARTER_STEP)


@compiled
def uniform(stream_key: np.uint64, firm: int) -> float:
    """Uniform in [0, 1) at the firm's position of a stream."""
    return np.float64(mix(stream_key + np.uint64(firm) * GOLDEN) >> S11) * UNIT


@compiled
def standard_normal(stream_key: np.uint64, firm: int) -> float:
    """Standard normal at the firm's position of a stream; never infinite."""
    return normal_quantile(min(uniform(stream_key, firm) + HALF_UNIT, LARGEST))


@compiled
def normal_quantile(p: float) -> float:
    """Inverse of the standard normal distribution function for 0 < p < 1 (AS 241, PPND16)."""
    q = p - 0.5
    if abs(q) <= 0.425:
        return _central(q)
    r = math.sqrt(-math.log(p if q < 0.0 else 1.0 - p))
    tail = _near_tail(r - 1.6) if r <= 5.0 else _far_tail(r - 5.0)
    return -tail if q < 0.0 else tail


# fmt: off
@compiled
def _central(q: float) -> float:
    r = 0.180625 - q * q
    return q * (((((((2509.0809287301226727 * r + 33430.575583588128105) * r
        + 67265.770927008700853) * r + 45921.953931549871457) * r
        + 13731.693765509461125) * r + 1971.5909503065514427) * r
        + 133.14166789178437745) * r + 3.387132872796366608) / (((((((5226.495278852545925 * r
        + 28729.085735721942674) * r + 39307.89580009271061) * r
        + 21213.794301586595867) * r + 5394.1960214247511077) * r
        + 687.1870074920579083) * r + 42.313330701600911252) * r + 1.0)


@compiled
def _near_tail(r: float) -> float:
    return (((((((7.7454501427834140764e-4 * r + 0.0227238449892691845833) * r
        + 0.24178072517745061177) * r + 1.27045825245236838258) * r
        + 3.64784832476320460504) * r + 5.7694972214606914055) * r
        + 4.6303378461565452959) * r + 1.42343711074968357734) / (((((((1.05075007164441684324e-9 * r
        + 5.475938084995344946e-4) * r + 0.0151986665636164571966) * r
        + 0.14810397642748007459) * r + 0.68976733498510000455) * r
        + 1.6763848301838038494) * r + 2.05319162663775882187) * r + 1.0)


@compiled
def _far_tail(r: float) -> float:
    return (((((((2.01033439929228813265e-7 * r + 2.71155556874348757815e-5) * r
        + 0.0012426609473880784386) * r + 0.026532189526576123093) * r
        + 0.29656057182850489123) * r + 1.7848265399172913358) * r
        + 5.4637849111641143699) * r + 6.6579046435011037772) / (((((((2.04426310338993978564e-15 * r
        + 1.4215117583164458887e-7) * r + 1.8463183175100546818e-5) * r
        + 7.868691311456132591e-4) * r + 0.0148753612908506148525) * r
        + 0.13692988092273580531) * r + 0.59983220655588793769) * r + 1.0)
# fmt: on


def replicate_seeds(seed: int, first: int, count: int) -> NDArray[np.uint64]:
    """Seeds of replicates ``first .. first+count-1``, shape (count,), of one study seed."""
    with np.errstate(over="ignore"):
        key = np.uint64(stream(np.uint64(seed), int(Purpose.REPLICATE), 0))
        return np.array([mix(key + np.uint64(k) * GOLDEN) for k in range(first, first + count)], np.uint64)
