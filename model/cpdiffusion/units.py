"""Time, money and rates: every conversion in the package happens here and nowhere else."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

QUARTERS_PER_YEAR = 4
MKRW_PER_EOK = 100  # 1 eok (억 원) = 100 million KRW; Table 4 is printed in eok


def quarters(years: float) -> int:
    """Whole quarters in ``years``; raises ValueError for a length that is not whole quarters."""
    exact = years * QUARTERS_PER_YEAR
    if not math.isclose(exact, round(exact), abs_tol=1e-9):
        raise ValueError(f"{years} years is not a whole number of quarters")
    return round(exact)


def mkrw_from_eok(amount_eok: float) -> float:
    """Million KRW from 100 million KRW."""
    return amount_eok * MKRW_PER_EOK


def eok_from_mkrw(amount_mkrw: float) -> float:
    """100 million KRW from million KRW."""
    return amount_mkrw / MKRW_PER_EOK


def quarterly_probability(annual_rate: NDArray[np.float64]) -> NDArray[np.float64]:
    """Chance of at least one event in a quarter, for Poisson rates per year: 1 - exp(-rate/4)."""
    return np.asarray(-np.expm1(-np.asarray(annual_rate) / QUARTERS_PER_YEAR))
