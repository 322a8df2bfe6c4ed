"""``study=sensitivity``: which assumptions the answer depends on, alone and together, with chance apart.

One factor at a time, then Morris' screening of all, then Sobol's indices of the few that matter most; each
stage is points in replicates, computed and kept like a sweep's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cpdiffusion.errors import InputError
from cpdiffusion.factors.factor import Factor, factor_of, factors_of
from cpdiffusion.factors.known import Values
from cpdiffusion.factors.points import Points
from cpdiffusion.outcomes.catalogue import outcomes_of
from cpdiffusion.outcomes.experiment import Experiment, run_on
from cpdiffusion.parameters import REGISTRY, RecordingParameters
from cpdiffusion.runner.carry_out import carry_out
from cpdiffusion.runner.crew import OpenCrew
from cpdiffusion.runner.progress import progress_bar
from cpdiffusion.runner.shards import Shards
from cpdiffusion.runner.work import Work
from cpdiffusion.studies.at_point import ground_of
from cpdiffusion.studies.compare.turning import may_move
from cpdiffusion.studies.crews import crew_of
from cpdiffusion.studies.point_values import Pair, Quantity, point_values, quantities
from cpdiffusion.studies.replicate_work import ReplicateWork, only_points, replicate_work
from cpdiffusion.studies.sensitivity.design import (
    Design,
    SomeSet,
    ends_of,
    one_at_a_time,
    require_salib,
    saltelli,
    trajectories,
)
from cpdiffusion.studies.sensitivity.indices import Index, indices
from cpdiffusion.studies.settings import Settings
from cpdiffusion.studies.sweep.ledger import failures

if TYPE_CHECKING:
    import pandas as pd

METHODS = {"oat": "one at a time", "morris": "Morris", "sobol": "Sobol"}
UNSURE = ("assumed", "calibrated")
MOST_VALUES = 50_000_000  # points x replicates x scenarios that are held in memory


@dataclass(frozen=True, eq=False)
class Asked:
    """What a sensitivity study does, checked before anything is computed.

    ``not_read``: parameters that were left out because nothing reads them.
    """

    settings: Settings
    factors: tuple[Factor, ...]
    not_read: tuple[str, ...]
    base: ReplicateWork  # at the default alone

    @property
    def methods(self) -> tuple[str, ...]:
        """In the order in which they are run."""
        method = self.settings.sensitivity.method
        return tuple(METHODS) if method == "staged" else (method,)

    @cached_property
    def scenarios(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(self.base.ground.scenarios)

    @cached_property
    def pair(self) -> Pair | None:
        """The pair whose difference is looked at; none for a single scenario."""
        planned = self.base.ground.plan({})
        return planned.main_pair if planned.pairs else None

    @property
    def outcome(self) -> str:
        """The outcome looked at."""
        return self.settings.sensitivity.outcome


def asked_of(settings: Settings, scenario_folder: Path) -> Asked:
    """The study that settings describe. InputError for factors, scenarios or a method that cannot be."""
    if settings.sensitivity.method != "oat":
        require_salib()
    named = factors_of(settings.factors, settings.beyond_range)
    _require_varying(named)
    ground = ground_of(settings, scenario_folder, named)
    outcomes = (settings.sensitivity.outcome,)
    base = replicate_work(ground, SomeSet({"": np.array([None])}), settings.sensitivity.replicates, outcomes)
    chosen = (named, ()) if named else usual_factors(settings, base)
    asked = Asked(settings, *chosen, base)
    _require_memory(asked)
    return asked


def _require_varying(factors: tuple[Factor, ...]) -> None:
    for factor in factors:
        if len(factor.levels(2)) < 2:
            raise InputError(
                f"factors.{factor.key}: has a single value, so nothing can depend on it; give a range or "
                "several values."
            )


def _require_memory(asked: Asked) -> None:
    """InputError for points and values that would not fit into memory."""
    points = max(planned_points(asked).values())
    each = max(asked.base.replicates * (len(asked.scenarios) + 1), len(asked.factors))
    if points * each > MOST_VALUES:
        raise InputError(
            f"sensitivity: {points:,} points of {len(asked.factors):,} factors in {asked.base.replicates:,} "
            "replicates do not fit into memory; ask for fewer factors, samples or sensitivity.replicates."
        )


def planned_points(asked: Asked) -> dict[str, int]:
    """Points of each stage."""
    s, factors = asked.settings.sensitivity, len(asked.factors)
    few = min(s.most, factors) if s.method == "staged" else factors
    counts = {
        "oat": 1 + sum(len(ends_of(factor)) for factor in asked.factors),
        "morris": s.trajectories * (factors + 1),
        "sobol": s.base_samples * ((2 if s.second_order and few > 1 else 1) * few + 2),
    }
    return {name: counts[name] for name in asked.methods}


def usual_factors(settings: Settings, base: ReplicateWork) -> tuple[tuple[Factor, ...], tuple[str, ...]]:
    """Every assumed or calibrated parameter that the rule and the scenarios read, and those left out.

    Parameters that the settings fix stay as they are.
    """
    experiment = base.ground.plan({}).experiment
    may = [p.name for p in REGISTRY if p.status in UNSURE and may_move(p, experiment)]
    read = read_by(experiment, base.outcomes)
    free = [name for name in may if name in read and name not in settings.parameters]
    if not free:
        raise InputError("factors: every assumed parameter is fixed; name what varies as factors.<setting>=.")
    factors = tuple(factor_of(f"parameters.{name}", None, settings.beyond_range) for name in free)
    return factors, tuple(name for name in may if name not in read)


def read_by(experiment: Experiment, outcomes: tuple[str, ...]) -> set[str]:
    """The parameters that a replicate of every scenario looks at: its world, its run and these outcomes."""
    recorder = RecordingParameters(experiment.parameters)
    watched = experiment.with_parameters(recorder)
    recorder.read.clear()  # making it has read them all
    stack = watched.stack(0, 1)
    for results in run_on(watched, stack, watched.columns(stack, 0), 0, 1, outcomes).values():
        outcomes_of(results, outcomes)
    return recorder.read


# --- stages --------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Stage:
    """One method's points with what was found there: values (P, K) of every quantity."""

    design: Design
    work: ReplicateWork
    shards: Shards
    values: Mapping[Quantity, Values] = field(repr=False)
    indices: Mapping[Quantity, list[Index]] = field(repr=False)

    @property
    def method(self) -> str:
        """oat, morris or sobol."""
        return self.design.method

    @cached_property
    def failed(self) -> dict[int, str]:
        """Why a point could not be computed, by its number."""
        return failures(self.work, self.shards)


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """What a sensitivity study found, stage by stage."""

    asked: Asked
    stages: tuple[Stage, ...]

    @property
    def main(self) -> Quantity:
        """The quantity to read aloud: the difference of the main pair, or the level of the only scenario."""
        return Quantity(*self.asked.pair) if self.asked.pair else Quantity(self.asked.scenarios[0])

    def stage(self, method: str) -> Stage | None:
        """A stage, if it was run."""
        return next((stage for stage in self.stages if stage.method == method), None)

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per method, quantity, factor and index."""
        import pandas as pd

        return pd.DataFrame([row for stage in self.stages for row in rows_of(stage)])


def rows_of(stage: Stage) -> Iterator[dict[str, Any]]:
    """The indices of a stage as rows of indices.csv."""
    keys = [factor.key for factor in stage.design.factors]
    for quantity, found in stage.indices.items():
        for index in found:
            yield {
                "method": stage.method, "quantity": quantity.kind, "scenario": quantity.scenario,
                "baseline": quantity.baseline, "factor": keys[index.factor] if index.factor >= 0 else "",
                "with_factor": keys[index.other] if index.other >= 0 else "",
                "at": "" if index.at is None else index.at, "index": index.name,
                "estimate": index.estimate, "low": index.low, "high": index.high,
            }  # fmt: skip


def run_sensitivity(asked: Asked, state: Path) -> Sensitivity:
    """All stages, each in a folder of its own below ``state``; what is there already is not run again."""
    stages: tuple[Stage, ...] = ()
    for method in asked.methods:
        so_far = Sensitivity(asked, stages)
        design = design_of(method, so_far)
        if design is None:
            continue
        shards = stage_shards(state, method)
        stages = (*stages, run_stage(asked, design, shards))
    return Sensitivity(asked, stages)


def stage_shards(state: Path, method: str) -> Shards:
    """Where a stage keeps what it has computed."""
    folder = state / method
    folder.mkdir(exist_ok=True)
    return Shards(folder)


def design_of(method: str, so_far: Sensitivity) -> Design | None:
    """The points of a method; Sobol's over the factors that Morris hands on. None where nothing matters."""
    asked = so_far.asked
    settings = asked.settings
    if method == "oat":
        return one_at_a_time(asked.factors)
    if method == "morris":
        return trajectories(asked.factors, settings.sensitivity, settings.seed)
    screened = so_far.stage("morris")
    factors = asked.factors
    if screened:
        factors = in_order_of_asking(ranked(screened, so_far.main)[: settings.sensitivity.most], factors)
    return saltelli(factors, settings.sensitivity, settings.seed) if factors else None


def ranked(screened: Stage, main: Quantity) -> list[Factor]:
    """Factors by their mean elementary effect on the main quantity, the largest first; none without any."""
    stars = [index for index in screened.indices[main] if index.name == "mu_star" and index.estimate > 0.0]
    stars.sort(key=lambda index: -index.estimate)
    return [screened.design.factors[index.factor] for index in stars]


def in_order_of_asking(chosen: list[Factor], factors: tuple[Factor, ...]) -> tuple[Factor, ...]:
    """The chosen ones as they stand among all."""
    keys = {factor.key for factor in chosen}
    return tuple(factor for factor in factors if factor.key in keys)


def run_stage(asked: Asked, design: Design, shards: Shards) -> Stage:
    """A stage carried out as far as it is not done yet, and analysed."""
    work = only_points(asked.base, design.points)
    each = work.runs_per_unit
    done = round(sum(chunk.size for chunk in shards.chunks()) * each)
    show = asked.settings.progress
    with progress_bar(METHODS[design.method], round(work.units * each), show, done) as bar:
        values = values_at(
            work, shards, crew_of(asked.settings), lambda units: bar.update(round(units * each)),
            design.points, work.replicates, asked.outcome,
        )  # fmt: skip
    found = quantities(values, asked.scenarios, asked.pair, len(design.points), work.replicates)
    return Stage(design, work, shards, found, analysed(design, found, asked.settings.seed))


def values_at(
    work: Work, shards: Shards, crew: OpenCrew, told: Callable[[int], None],
    points: Points, replicates: int, outcome: str,
) -> dict[str, Values]:  # fmt: skip
    """Any work over points in replicates, carried out and read back: each scenario's outcome (P, K)."""
    carry_out(work, shards, crew, told)
    return point_values(shards, outcome, len(points), replicates)


def analysed(design: Design, values: Mapping[Quantity, Values], seed: int) -> dict[Quantity, list[Index]]:
    """The indices of every quantity."""
    return {quantity: indices(design, found, seed) for quantity, found in values.items()}
