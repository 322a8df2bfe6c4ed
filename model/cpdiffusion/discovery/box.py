"""Boxes in the space of factors: the ends of ranges and the values that are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Values = NDArray[Any]
Mask = NDArray[np.bool_]
Kind = Literal["number", "whole", "words"]
Side = Literal["from", "to", "only"]


class Axis(NamedTuple):
    """One factor at P points. Whole numbers and listed numbers are ``whole``; words are not in order."""

    key: str
    column: Values  # (P,)
    kind: Kind

    @property
    def in_order(self) -> bool:
        """Whether its values can be below and above each other."""
        return self.kind != "words"


class End(NamedTuple):
    """Where a restriction is: the lower or the upper end of a range, or the words that are kept."""

    key: str
    side: Side


Limit = float | frozenset[Any]


@dataclass(frozen=True)
class Box:
    """Restrictions that hold together; none is everywhere."""

    limits: Mapping[End, Limit] = field(default_factory=dict)

    @property
    def keys(self) -> tuple[str, ...]:
        """The factors that are restricted, each once."""
        return tuple(dict.fromkeys(end.key for end in self.limits))

    def without(self, end: End) -> Box:
        """The box with one restriction lifted."""
        return Box({e: limit for e, limit in self.limits.items() if e != end})

    def with_limit(self, end: End, limit: Limit) -> Box:
        """The box with one restriction new or replaced; its place stays."""
        return Box({**self.limits, end: limit})

    def inside(self, axes: Sequence[Axis]) -> Mask:
        """Which points lie in it, (P,)."""
        columns = {axis.key: axis.column for axis in axes}
        held = np.ones(len(axes[0].column), dtype=bool)
        for end, limit in self.limits.items():
            held &= meets(columns[end.key], end.side, limit)
        return held


def meets(column: Values, side: Side, limit: Limit) -> Mask:
    """Which values keep within one restriction; ends belong to the box."""
    if isinstance(limit, frozenset):
        return np.array([value in limit for value in column.tolist()], dtype=bool)
    return np.asarray(column >= limit if side == "from" else column <= limit)


def at_rows(axes: Sequence[Axis], rows: Values) -> list[Axis]:
    """The same axes at some of the points."""
    return [axis._replace(column=axis.column[rows]) for axis in axes]
