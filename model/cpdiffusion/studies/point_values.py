"""An outcome at every point in every replicate, read from shards column by column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from cpdiffusion.factors.known import Values
from cpdiffusion.runner.shards import Shards

Pair = tuple[str, str]


class Quantity(NamedTuple):
    """What is looked at: the level of a scenario, or its paired difference to a baseline."""

    scenario: str
    baseline: str = ""

    @property
    def kind(self) -> str:
        """``level`` or ``difference``."""
        return "difference" if self.baseline else "level"


def point_values(shards: Shards, outcome: str, points: int, replicates: int) -> dict[str, Values]:
    """The outcome of each scenario, shape (P, K); nan where a point failed or the outcome is not defined.

    Only the columns that are needed are read, a shard at a time.
    """
    import pyarrow.parquet as pq

    found: dict[str, Values] = {}
    for path in shards.with_rows():
        table = pq.read_table(path, columns=["point", "scenario", "replicate", outcome])
        for name, rows in table.to_pandas().groupby("scenario", sort=False):
            values = found.setdefault(str(name), np.full((points, replicates), np.nan))
            values[rows["point"].to_numpy(), rows["replicate"].to_numpy()] = rows[outcome].to_numpy(float)
    return found


def quantities(
    values: Mapping[str, Values], scenarios: Sequence[str], pair: Pair | None, points: int, replicates: int
) -> dict[Quantity, Values]:
    """The difference of the pair first, then the level of each scenario; each (P, K)."""
    nothing = np.full((points, replicates), np.nan)
    level = {name: values.get(name, nothing) for name in scenarios}
    difference = {Quantity(*pair): level[pair[0]] - level[pair[1]]} if pair else {}
    return difference | {Quantity(name): found for name, found in level.items()}
