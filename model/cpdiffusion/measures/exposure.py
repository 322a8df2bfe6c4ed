"""Exposure: the share of those who influence a firm that have adopted.

    E_i(t) = sum_j w_ij a_j(t) / sum_j w_ij

with w_ij = 1 (or the weight) where j influences i, and a_j(t) = 1 once j has adopted (Burt 1987;
Valente 1995, ch. 4). This is netdiffuseR's ``exposure()`` with its defaults (outgoing ties of the
one who names, no attribute weights, ``self = FALSE``), for ties that stay the same over time. As
there, a firm whom nobody influences has exposure 0, and so has one whose ties all weigh 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from cpdiffusion.errors import InputError
from cpdiffusion.measures.pairs import Pairs, distinct_pairs
from cpdiffusion.measures.periods import Adoption, Floats, adoption_in_periods, summed, whole

if TYPE_CHECKING:
    from cpdiffusion.world.ties import Ties


def exposure(
    ties: Ties,
    adoption: ArrayLike,
    *,
    first: int | None = None,
    last: int | None = None,
    normalised: bool = True,
    valued: bool = False,
    lags: int = 0,
) -> Floats:
    """Exposure of N firms in T periods, shape (N, T): a share, or a sum if not ``normalised``.

    A sum counts the adopters, or (``valued``) adds their ties' weights. With ``lags`` a column holds
    the exposure that many periods earlier (later, if negative) and is nan where there is no such
    period, as in netdiffuseR. Raises InputError for bad ties or times and for ``lags`` of T or more.
    """
    when = adoption_in_periods(adoption, first, last)
    pairs = distinct_pairs(ties, when.column.size, valued)
    table = exposed_share(pairs, when) if normalised else influence_adopted(pairs, when)
    return lagged(table, checked_lags(lags, when.periods))


def exposed_share(pairs: Pairs, when: Adoption) -> Floats:
    """(N, T) share of the values of a firm's influencers that have adopted by then."""
    return np.minimum(over(influence_adopted(pairs, when), pairs.given_to(pairs.value)[:, None]), 1.0)


def mean_exposure(pairs: Pairs, when: Adoption) -> Floats:
    """Mean exposure over all N firms per period, shape (T,), without a table of firms and periods.

    Firms whom nobody influences count with 0, as in the mean of netdiffuseR's table.
    """
    share = over(pairs.value, pairs.given_to(pairs.value)[pairs.target])
    known = when.adopted[pairs.source]
    gained = summed(when.column[pairs.source[known]], share[known], when.periods)
    return np.minimum(np.cumsum(gained) / pairs.size, 1.0)


def influence_adopted(pairs: Pairs, when: Adoption) -> Floats:
    """(N, T) sum of the values of the ties from those who have adopted by then."""
    known = when.adopted[pairs.source]
    cell = pairs.target[known] * when.periods + when.column[pairs.source[known]]
    table = summed(cell, pairs.value[known], pairs.size * when.periods)
    table = table.reshape(pairs.size, when.periods)
    return np.cumsum(table, axis=1, out=table)


def over(part: Floats, whole_: Floats) -> Floats:
    """part / whole, and 0 where the whole is 0."""
    empty = whole_ == 0
    return np.where(empty, 0.0, part / np.where(empty, 1.0, whole_))


def lagged(table: Floats, lags: int) -> Floats:
    """Columns moved ``lags`` periods later; those without a source are nan."""
    if lags == 0:
        return table
    moved = np.full_like(table, np.nan)
    if lags > 0:
        moved[:, lags:] = table[:, :-lags]
    else:
        moved[:, :lags] = table[:, -lags:]
    return moved


def checked_lags(lags: int, periods: int) -> int:
    """``lags`` as an int; InputError unless it is shorter than the observation."""
    lags = whole("lags", lags)
    if abs(lags) >= periods:
        raise InputError(f"lags: must be between {1 - periods} and {periods - 1}, but is {lags}.")
    return lags
