"""What a sweep found, read from its runs when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from cpdiffusion.factors.factor import Factor, factor_of
from cpdiffusion.factors.known import Value
from cpdiffusion.runner.shards import Shards
from cpdiffusion.studies.replicate_work import ReplicateWork
from cpdiffusion.studies.settings import Settings
from cpdiffusion.studies.setup import Plan
from cpdiffusion.studies.sweep.ledger import failures
from cpdiffusion.studies.sweep.opened import Opened
from cpdiffusion.studies.sweep.table import association_table, difference_table, main_outcome, told_outcomes

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Swept:
    """What a sweep found."""

    settings: Settings
    work: ReplicateWork
    shards: Shards

    @cached_property
    def factors(self) -> tuple[Factor, ...]:
        """The factors, also of points that were given."""
        return tuple(factor_as_varied(key, self.work) for key in self.work.points.columns)

    @cached_property
    def pairs(self) -> list[tuple[str, str]]:
        """Scenarios with their baselines."""
        return self._example.pairs

    @property
    def main_pair(self) -> tuple[str, str] | None:
        """The pair to read aloud; none for a single scenario."""
        return self._example.main_pair if self.pairs else None

    @cached_property
    def _example(self) -> Plan:
        return self.work.ground.example(self.work.points)[1]

    @property
    def outcome(self) -> str:
        """The outcome to read aloud."""
        return main_outcome(self.work.outcomes)

    @cached_property
    def differences(self) -> pd.DataFrame:
        """One row per point, pair and outcome."""
        each = self.settings.posterior.seeds_per_draw if self.settings.posterior.file else 1
        opened = Opened(self.shards.folder)
        return difference_table(opened, self.pairs, told_outcomes(self.work.outcomes), each)

    @cached_property
    def main(self) -> pd.DataFrame:
        """The differences of the main pair in the main outcome, a row per point."""
        rows = self.differences
        if self.main_pair is None:
            return rows
        return rows[(rows.scenario == self.main_pair[0]) & (rows.outcome == self.outcome)]

    @cached_property
    def associations(self) -> pd.DataFrame | None:
        """One row per factor; none without a pair."""
        if self.main_pair is None:
            return None
        return association_table(
            self.differences, self.work.points, self.factors, self.main_pair, self.outcome
        )

    @cached_property
    def failed(self) -> dict[int, str]:
        """Why a point could not be computed, by its number."""
        return failures(self.work, self.shards)


def factor_as_varied(key: str, work: ReplicateWork) -> Factor:
    """A factor over the values that it takes at the points."""
    column = work.points.columns[key]
    values: Sequence[Value] = sorted(set(column.tolist()), key=str)
    if len(values) > 1 and not isinstance(values[0], str | bool):
        return Factor(factor_of(key, None).known, low=float(column.min()), high=float(column.max()))
    return Factor(factor_of(key, None).known, values=tuple(values))
