"""Times of adoption as columns of a table of periods."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cpdiffusion.errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

MOST_PERIODS = 10_000  # a table has a row for each
NEVER = -1  # column of a firm that has not adopted by the last period


class Adoption(NamedTuple):
    """When each of N firms adopted, in T observed periods."""

    column: Ints  # (N,) 0 .. T-1, or NEVER
    first: int
    last: int

    @property
    def periods(self) -> int:
        """T, the number of observed periods."""
        return self.last - self.first + 1

    @property
    def adopted(self) -> Mask:
        """(N,) whether the firm ever adopts."""
        return self.column != NEVER


def adoption_in_periods(adoption: ArrayLike, first: int | None = None, last: int | None = None) -> Adoption:
    """Times of adoption (N,), nan for never, in the periods ``first`` to ``last``, both included.

    Left out, ``first`` and ``last`` are the earliest and the latest adoption. Raises InputError for
    times that are not whole or lie outside the periods, and where nobody adopts and a bound is missing.
    """
    times = firm_values(adoption, "adoption")
    adopted = ~np.isnan(times)
    _refuse("a whole period (nan = never)", times, adopted & (times != np.floor(times)))
    begin, end = _bound("first", first, times[adopted], np.min), _bound("last", last, times[adopted], np.max)
    if end - begin >= MOST_PERIODS:
        raise InputError(
            f"adoption: spans {end - begin + 1:,} periods, from {begin} to {end}; count in longer ones, "
            f"so that there are at most {MOST_PERIODS:,}."
        )
    if begin > end:
        raise InputError(f"last: must be {begin} (first) or later, but is {end}.")
    outside = adopted & ((times < begin) | (times > end))
    _refuse(f"within first to last, {begin} to {end} (nan = not by then)", times, outside)
    column = np.where(adopted, times - begin, NEVER).astype(np.int64)
    return Adoption(column, begin, end)


def firm_values(values: ArrayLike, name: str) -> Floats:
    """One finite number or nan per firm, shape (N,); InputError for anything else."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name}: must be numbers, one per firm, nan where there is none.") from None
    if array.ndim != 1 or array.size == 0:
        raise InputError(f"{name}: must be one number per firm, but has the shape {array.shape}.")
    _refuse("finite, nan where there is none", array, np.isinf(array), name)
    return array


def _refuse(wanted: str, values: Floats, bad: Mask, name: str = "adoption") -> None:
    if bad.any():
        firm = int(np.argmax(bad))
        raise InputError(f"{name}: must be {wanted}, but is {float(values[firm])} for firm {firm}.")


def _bound(name: str, given: int | None, times: Floats, extreme: Callable[[Floats], float]) -> int:
    if given is not None:
        return whole(name, given)
    if times.size == 0:
        raise InputError(f"{name}: must be given when nobody adopts, since no period can be seen.")
    return int(extreme(times))


def whole(name: str, value: float, least: int | None = None) -> int:
    """A whole number of ``least`` or more as an int; InputError otherwise."""
    is_whole = isinstance(value, (int, np.integer)) or (isinstance(value, float) and value.is_integer())
    if not is_whole or (least is not None and value < least):
        bound = "" if least is None else f" of {least} or more"
        raise InputError(f"{name}: must be a whole number{bound}, but is {value}.")
    return int(value)


def summed(place: Ints, value: Floats, size: int) -> Floats:
    """(size,) sum of the values (P,) that go to each place (P,)."""
    return np.bincount(place, value, size).astype(np.float64, copy=False)
