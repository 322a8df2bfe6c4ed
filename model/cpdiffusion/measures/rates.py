"""How fast adoption goes: adopters, their share, growth and hazard per period.

With q(t) the number of firms that have adopted by period t and N that of all firms,

    growth(t) = [q(t) - q(t-1)] / q(t-1)        hazard(t) = [q(t) - q(t-1)] / [N - q(t-1)]

(Allison 1984; Valente 1995). These are the rows ``prop`` and ``rate`` of netdiffuseR's
``cumulative_adopt_count()`` and its ``hazard_rate()``. As there, both rates are 0 in the first
period, of which nobody knows who had adopted before it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cpdiffusion.measures.exposure import over
from cpdiffusion.measures.periods import Adoption, Floats, Ints, adoption_in_periods


def new_adopters(adoption: ArrayLike, *, first: int | None = None, last: int | None = None) -> Ints:
    """Firms that adopt in each period, shape (T,)."""
    return adopters_in(adoption_in_periods(adoption, first, last))


def cumulative_adopters(adoption: ArrayLike, *, first: int | None = None, last: int | None = None) -> Ints:
    """Firms that have adopted by each period, shape (T,)."""
    return np.cumsum(new_adopters(adoption, first=first, last=last))


def cumulative_share(adoption: ArrayLike, *, first: int | None = None, last: int | None = None) -> Floats:
    """Share of all firms that have adopted by each period, shape (T,)."""
    when = adoption_in_periods(adoption, first, last)
    return np.cumsum(adopters_in(when)) / when.column.size


def growth_rate(adoption: ArrayLike, *, first: int | None = None, last: int | None = None) -> Floats:
    """New adopters per earlier adopter, shape (T,), 0 in the first period.

    nan while nobody has adopted before, where netdiffuseR divides by 1e-15 instead.
    """
    return growth_of(adopters_in(adoption_in_periods(adoption, first, last)))


def hazard_rate(adoption: ArrayLike, *, first: int | None = None, last: int | None = None) -> Floats:
    """Share of the firms without that adopt in each period, shape (T,), 0 in the first period.

    0 once all firms have adopted, as in netdiffuseR.
    """
    when = adoption_in_periods(adoption, first, last)
    return hazard_of(adopters_in(when), when.column.size)


def adopters_in(when: Adoption) -> Ints:
    """(T,) firms that adopt in each period."""
    return np.bincount(when.column[when.adopted], minlength=when.periods)


def growth_of(adopters: Ints) -> Floats:
    """(T,) growth from the adopters per period (T,)."""
    earlier = np.cumsum(adopters) - adopters
    rate = np.where(earlier > 0, adopters / np.maximum(earlier, 1), np.nan)
    rate[0] = 0.0
    return rate


def hazard_of(adopters: Ints, firms: int) -> Floats:
    """(T,) hazard from the adopters per period (T,) among so many firms."""
    without = firms - (np.cumsum(adopters) - adopters)
    rate = over(adopters.astype(np.float64), without.astype(np.float64))
    rate[0] = 0.0
    return rate
