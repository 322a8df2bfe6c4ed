"""The candidates of a generation as work: a unit is one candidate under all draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from cpdiffusion.runner.shards import Shards
from cpdiffusion.runner.work import Columns, Done, Failed
from cpdiffusion.search.problem import Candidate, Draws, Floats, Problem, plain_error


@dataclass(frozen=True, eq=False)
class SearchWork:
    """Candidates under the same draws, the reference policies before them where they are asked for.

    Rows hold unit, draw and every aim; a candidate that is no policy fails with the reason.
    """

    problem: Problem
    shares: Floats  # (P, V)
    draws: Draws
    with_references: bool

    @property
    def ahead(self) -> int:
        """References before the candidates."""
        return len(self.problem.references) if self.with_references else 0

    @property
    def units(self) -> int:
        """References and candidates."""
        return self.ahead + len(self.shares)

    def run(self, first: int, count: int) -> Done:
        """Candidates together, for they share worlds; one by one where one of them breaks the others."""
        units = range(first, first + count)
        found = self._found([self._candidate(unit) for unit in units])
        failed = [Failed(u, f) for u, f in zip(units, found, strict=True) if isinstance(f, str)]
        rows = {u: f for u, f in zip(units, found, strict=True) if not isinstance(f, str)}
        return Done(self._columns(rows) if rows else {}, failed)

    def _candidate(self, unit: int) -> Candidate:
        return unit if unit < self.ahead else self.shares[unit - self.ahead]

    def _found(self, wanted: Sequence[Candidate]) -> list[Floats | str]:
        try:
            return self.problem.run(wanted, self.draws)
        except Exception as error:
            if len(wanted) == 1:
                return [plain_error(error)]
            return [found for one in wanted for found in self._found([one])]

    def _columns(self, rows: dict[int, Floats]) -> Columns:
        aims, draws = np.concatenate(list(rows.values())), self.draws
        return {
            "unit": np.repeat(np.array(list(rows), np.int32), draws.number),
            "draw": np.tile(np.arange(draws.first, draws.first + draws.number, dtype=np.int32), len(rows)),
            **{name: aims[:, k] for k, name in enumerate(self.problem.aims)},
        }


class Evaluated(NamedTuple):
    """What came out: aims (units, D, A), nan where a candidate failed, and why it did."""

    values: Floats
    reasons: dict[int, str]


def evaluated(work: SearchWork, shards: Shards) -> Evaluated:
    """All units, read from their shards."""
    import pyarrow.parquet as pq

    aims = list(work.problem.aims)
    values = np.full((work.units, work.draws.number, len(aims)), np.nan)
    for path in shards.paths():
        table = pq.read_table(path)
        if table.num_columns:  # in some chunks everything failed
            unit, draw = table["unit"].to_numpy(), table["draw"].to_numpy() - work.draws.first
            values[unit, draw] = np.column_stack([table[name].to_numpy() for name in aims])
    return Evaluated(values, {failed.unit: failed.reason for failed in shards.failed()})
