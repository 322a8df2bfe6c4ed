"""Work in units that do not depend on each other, as everything in this room sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Columns = Mapping[str, NDArray[Any]]  # a table: columns of equal length


class Failed(NamedTuple):
    """A unit that could not be computed."""

    unit: int
    reason: str


class Done(NamedTuple):
    """The rows of some units, in order, and those that failed, which have none."""

    columns: Columns
    failed: Sequence[Failed] = ()


class Work(Protocol):
    """What is to be done; it travels to processes and to other machines."""

    @property
    def units(self) -> int:
        """How many units there are."""

    def run(self, first: int, count: int) -> Done:
        """Units ``first .. first+count-1``; the same rows however units are put together."""


class Chunk(NamedTuple):
    """Units that are computed together."""

    first: int
    size: int

    @property
    def end(self) -> int:
        """The unit after the last."""
        return self.first + self.size


def joined(parts: Sequence[Done]) -> Done:
    """Several as one, in the order given."""
    names = next((list(part.columns) for part in parts if part.columns), [])
    columns = {n: np.concatenate([part.columns[n] for part in parts if part.columns]) for n in names}
    return Done(columns, [failed for part in parts for failed in part.failed])
