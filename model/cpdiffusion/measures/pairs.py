"""Ties as distinct pairs: who influences whom, once, and never oneself."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cpdiffusion.errors import InputError
from cpdiffusion.measures.periods import Floats, Ints, Mask, summed

if TYPE_CHECKING:
    from cpdiffusion.world.ties import Ties


class Pairs(NamedTuple):
    """P distinct ordered pairs among N firms."""

    size: int  # N
    source: Ints  # (P,) who influences
    target: Ints  # (P,) who is influenced
    value: Floats  # (P,) the tie's weight, or 1

    def given_to(self, value: Floats) -> Floats:
        """(N,) sum of ``value`` (P,) over the pairs in which a firm is influenced."""
        return summed(self.target, value, self.size)

    def given_by(self, value: Floats) -> Floats:
        """(N,) sum of ``value`` (P,) over the pairs in which a firm influences."""
        return summed(self.source, value, self.size)


def distinct_pairs(ties: Ties, size: int, valued: bool = False) -> Pairs:
    """The pairs of ``ties`` among ``size`` firms, all of value 1 or (``valued``) of their weight.

    Self-ties go, of a pair tied repeatedly (in several layers, say) the first tie stays. Raises
    InputError for ties that are not those of ``size`` firms, or with a negative or infinite weight.
    """
    _require_rows(ties, size)
    source = np.repeat(np.arange(size), np.diff(ties.start))
    target = ties.target.astype(np.int64)
    value = _weights(ties) if valued else np.ones(target.size)
    kept = _first_of_each(source * size + target, source != target)
    return Pairs(size, source[kept], target[kept], value[kept])


def _require_rows(ties: Ties, size: int) -> None:
    firms, count = ties.start.size - 1, ties.target.size
    if firms != size:
        raise InputError(
            f"ties: must be those of the {size} firms that are measured, but are of {firms} firms."
        )
    if ties.start[0] != 0 or ties.start[-1] != count or (np.diff(ties.start) < 0).any():
        raise InputError(f"ties: start must rise from 0 to the number of ties, {count}.")
    if count and not 0 <= ties.target.min() <= ties.target.max() < size:
        raise InputError(f"ties: target must be a firm from 0 to {size - 1}.")


def _weights(ties: Ties) -> Floats:
    weight = ties.weight.astype(np.float64)
    if weight.size != ties.target.size:
        raise InputError(f"ties: weight must be one per tie, but there are {weight.size}.")
    if not (np.isfinite(weight) & (weight >= 0)).all():
        raise InputError("ties: weight must be finite and 0 or more on every tie.")
    return weight


def _first_of_each(key: Ints, wanted: Mask) -> Ints:
    """Positions of the wanted keys, of equal keys the first."""
    places = np.flatnonzero(wanted)
    if (np.diff(key[places]) > 0).all():  # already sorted and distinct, as ``rows`` leaves them
        return places
    return places[np.unique(key[places], return_index=True)[1]]
