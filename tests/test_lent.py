"""Columns that are lent: the same columns, and nobody's count is touched."""

from __future__ import annotations

import sys
from typing import NamedTuple

import numpy as np
import pytest

from cpdiffusion.compiled import compiled
from cpdiffusion.lent import lent


class Inner(NamedTuple):
    values: np.ndarray
    level: float


class Outer(NamedTuple):
    marks: np.ndarray
    inner: Inner


@compiled
def raise_all(outer: Outer) -> float:
    """Adds the level to every value and says what the values then add up to."""
    own = lent(outer)
    values = own.inner.values
    for k in range(values.size):
        values[k] += own.inner.level
    own.marks[0] = True
    return float(values.sum())


def test_what_is_lent_is_the_very_same_column() -> None:
    outer = Outer(np.zeros(3, np.bool_), Inner(np.arange(4.0), 0.5))
    assert raise_all(outer) == 8.0
    assert outer.inner.values.tolist() == [0.5, 1.5, 2.5, 3.5]
    assert outer.marks.tolist() == [True, False, False]


def test_lending_leaves_no_reference_behind_and_takes_none_away() -> None:
    outer = Outer(np.zeros(3, np.bool_), Inner(np.arange(4.0), 0.5))
    raise_all(outer)
    before = sys.getrefcount(outer.inner.values), sys.getrefcount(outer.marks)
    for _ in range(50):
        raise_all(outer)
    assert (sys.getrefcount(outer.inner.values), sys.getrefcount(outer.marks)) == before


@pytest.mark.parametrize(
    "thing", [Inner(np.ones(2), 1.0), Outer(np.ones(1, np.bool_), Inner(np.ones(1), 2.0))]
)
def test_outside_compiled_code_lending_does_nothing(thing: NamedTuple) -> None:
    assert lent(thing) is thing
