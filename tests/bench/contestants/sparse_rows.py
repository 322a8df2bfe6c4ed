"""Several rows of sparse rows at once, without a loop over the rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def entries_of(start: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Positions of all entries of the given rows, row after row."""
    lengths = start[rows + 1] - start[rows]
    before = np.cumsum(lengths) - lengths  # entries of the rows before
    return np.arange(lengths.sum()) + np.repeat(start[rows] - before, lengths)
