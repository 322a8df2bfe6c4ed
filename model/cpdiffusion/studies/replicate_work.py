"""Points x replicates as work: a unit is one point with a block of replicates of all its scenarios."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from cpdiffusion.errors import InputError
from cpdiffusion.factors.points import Points
from cpdiffusion.outcomes.experiment import FIRMS_STACKED, run_batch
from cpdiffusion.outcomes.memo import Memo
from cpdiffusion.runner.work import Columns, Done, Failed, joined
from cpdiffusion.studies.at_point import Ground
from cpdiffusion.studies.compare.study import whole_draws


@dataclass(frozen=True, eq=False)
class ReplicateWork:
    """Every point in every replicate; rows hold point, scenario, replicate and outcomes.

    Units are counted point by point, block after block: points that follow each other share worlds.
    """

    ground: Ground
    points: Points
    replicates: int
    outcomes: tuple[str, ...]
    block: int  # replicates in a unit

    @property
    def units(self) -> int:
        """Points x blocks."""
        return len(self.points) * -(-self.replicates // self.block)

    @property
    def runs_per_unit(self) -> float:
        """Runs on average, the last block being smaller."""
        return len(self.points) * self.replicates * len(self.ground.scenarios) / self.units

    def run(self, first: int, count: int) -> Done:
        """Units one after the other; one that cannot be computed says why and costs no other."""
        return joined([self._unit(unit) for unit in range(first, first + count)])

    def _unit(self, unit: int) -> Done:
        block, point = divmod(unit, len(self.points))
        begin = block * self.block
        try:
            return Done(self._rows(point, begin, min(self.block, self.replicates - begin)))
        except InputError as error:
            return Done({}, [Failed(unit, str(error))])
        except Exception as error:  # a fault of ours: it must not cost the other points
            return Done({}, [Failed(unit, f"{type(error).__name__}: {error}")])

    def _rows(self, point: int, first: int, count: int) -> Columns:
        experiment = self.ground.plan(self.points.at(point)).experiment
        found = run_batch(experiment, first, count, self.outcomes, self._memo).outcomes
        names = list(found)
        return {
            "point": np.full(count * len(names), point, np.int32),
            "scenario": np.repeat(np.array(names), count),
            "replicate": np.tile(np.arange(first, first + count, dtype=np.int32), len(names)),
            **{o: np.concatenate([found[n][o] for n in names]) for o in self.outcomes},
        }

    @cached_property
    def _memo(self) -> Memo:
        return Memo()

    def __getstate__(self) -> dict[str, Any]:
        """What travels: everything but the memo."""
        return {name: value for name, value in self.__dict__.items() if name != "_memo"}


def replicate_work(ground: Ground, points: Points, replicates: int, outcomes: Sequence[str]) -> ReplicateWork:
    """The work of all points, in blocks whose worlds fit into memory; no draw is split."""
    ground = ground.for_replicates(replicates)
    first = ground.example(points)[1].experiment
    size = first.recipe.size(first.parameters)
    block = whole_draws(min(replicates, max(1, FIRMS_STACKED // size)), first.seeds_per_draw)
    return ReplicateWork(ground, points, replicates, tuple(outcomes), block)


def only_points(work: ReplicateWork, points: Points) -> ReplicateWork:
    """The same work at other points."""
    return replace(work, points=points)
