"""Moran's I: whether firms tied to one another have like values (Moran 1950).

    I = (N / W) sum_ij w_ij (x_i - m)(x_j - m) / sum_i (x_i - m)^2,     W = sum_ij w_ij

with w_ij where j influences i, and m the mean of x. Its mean and variance are those under random
permutation of the values over the firms (Cliff & Ord 1981). As netdiffuseR's ``moran()``, which takes
them from the R package ape; there rows are those who name and columns those they named, as here.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from cpdiffusion.errors import InputError, did_you_mean
from cpdiffusion.measures.exposure import over
from cpdiffusion.measures.pairs import Pairs, distinct_pairs
from cpdiffusion.measures.periods import Floats, Mask, firm_values, summed

if TYPE_CHECKING:
    import scipy.sparse as sp

    from cpdiffusion.world.ties import Ties

Alternative = Literal["two-sided", "less", "greater"]
ALTERNATIVES: tuple[Alternative, ...] = ("two-sided", "less", "greater")
ROUNDING = 1e-12  # relative: a variance below this much of the second moment is none


class Moran(NamedTuple):
    """Moran's I of N firms; nan where it is not defined."""

    observed: float
    expected: float  # -1 / (N - 1)
    sd: float
    p_value: float
    firms: int  # N, those with a value


def morans_i(
    ties: Ties,
    values: ArrayLike,
    *,
    row_normalised: bool = True,
    valued: bool = False,
    alternative: Alternative = "two-sided",
) -> Moran:
    """Moran's I of ``values`` (N,), such as times of adoption; firms of value nan are left out.

    They go with their ties, before each firm's influences are made to sum to one
    (``row_normalised``); netdiffuseR stops at a missing value. ``valued`` takes the ties' weights.
    All is nan without ties or where all values are equal, as are sd and p-value below four firms or
    where no permutation would change I. Raises InputError for bad ties or values.
    """
    if alternative not in ALTERNATIVES:
        hint = did_you_mean(str(alternative), ALTERNATIVES)
        raise InputError(f"alternative: there is no '{alternative}'{hint}")
    x = firm_values(values, "values")
    return moran_of(distinct_pairs(ties, x.size, valued), x, row_normalised, alternative)


def moran_of(
    pairs: Pairs, x: Floats, row_normalised: bool = True, alternative: Alternative = "two-sided"
) -> Moran:
    """As ``morans_i``, of distinct pairs."""
    known = ~np.isnan(x)
    w, centred = _weights(pairs, known, row_normalised), _centred(x[known])
    n, total = centred.size, float(w.sum())
    square = float(centred @ centred)
    if total == 0.0 or square == 0.0:
        return Moran(math.nan, math.nan, math.nan, math.nan, n)
    observed, expected = n / total * float(centred @ (w @ centred)) / square, -1.0 / (n - 1)
    sd = _sd(w, n, total, n * float((centred**4).sum()) / square**2)
    return Moran(observed, expected, sd, p_value(observed, expected, sd, alternative), n)


def _centred(x: Floats) -> Floats:
    """Distance to the mean; exactly 0 where all values are equal, which rounding could miss."""
    if x.size == 0 or x.min() == x.max():
        return np.zeros(x.size)
    return x - x.mean()


def _weights(pairs: Pairs, known: Mask, row_normalised: bool) -> sp.csr_array:
    """Who is influenced x who influences, among the known firms."""
    import scipy.sparse as sp

    number, size = np.cumsum(known) - 1, int(known.sum())
    both = known[pairs.source] & known[pairs.target]
    row, column, value = number[pairs.target[both]], number[pairs.source[both]], pairs.value[both]
    if row_normalised:
        value = over(value, summed(row, value, size)[row])
    return sp.coo_array((value, (row, column)), shape=(size, size)).tocsr()


def _sd(w: sp.csr_array, n: int, total: float, kurtosis: float) -> float:
    """Standard deviation of I under permutation (Cliff & Ord 1981, eq. 2.6); needs four firms."""
    if n < 4:
        return math.nan
    # sum (w + w')^2 / 2, opened up so that no matrix of the union of both patterns is needed
    s1 = float(w.power(2).sum() + w.multiply(w.T).sum())
    s2 = float(((w.sum(axis=0) + w.sum(axis=1)) ** 2).sum())
    s4 = (n * n - 3 * n + 3) * s1 - n * s2 + 3 * total**2
    s5 = n * (n - 1) * s1 - 2 * n * s2 + 6 * total**2
    second = (n * s4 - kurtosis * s5) / ((n - 1) * (n - 2) * (n - 3) * total**2)
    variance = second - 1.0 / (n - 1) ** 2
    return math.sqrt(variance) if variance > ROUNDING * second else math.nan


def p_value(observed: float, expected: float, sd: float, alternative: Alternative) -> float:
    """Probability of an I as far out if values were permuted, by the normal approximation."""
    z = (observed - expected) / sd / math.sqrt(2.0)
    less, greater = 0.5 * math.erfc(-z), 0.5 * math.erfc(z)
    return {"less": less, "greater": greater, "two-sided": 2.0 * min(less, greater)}[alternative]
