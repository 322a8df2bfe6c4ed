"""``study=sweep``: scenarios compared at many points of any settings; every run is kept."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cpdiffusion.errors import InputError
from cpdiffusion.factors.factor import Factor, factors_of, flat
from cpdiffusion.factors.own_points import read_points
from cpdiffusion.factors.points import Points, grid, in_step, latin_hypercube, sobol_sequence
from cpdiffusion.outcomes.catalogue import CATALOGUE
from cpdiffusion.runner.carry_out import carry_out
from cpdiffusion.runner.crew import Computed, compute
from cpdiffusion.runner.manifest import code_hash, file_hash
from cpdiffusion.runner.progress import progress_bar
from cpdiffusion.runner.shards import Shards, as_parquet
from cpdiffusion.runner.unfinished import take_up
from cpdiffusion.runner.work import Chunk, Done
from cpdiffusion.studies.at_point import ground_of
from cpdiffusion.studies.crews import crew_of, workers_of
from cpdiffusion.studies.replicate_work import ReplicateWork, replicate_work
from cpdiffusion.studies.settings import Settings
from cpdiffusion.studies.sweep.opened import POINTS

if TYPE_CHECKING:
    pass

TRIED = 40  # replicates from which time and size are told, and half as many
SPARE = 2.1  # so many times the shards: they and the one file in the end stand beside each other
INDIFFERENT = ("out", "overwrite", "workers", "progress", "figures", "runner", "dask.", "sweep.dry_run")


def sweep_work(settings: Settings, scenario_folder: Path) -> ReplicateWork:
    """What a sweep does, checked before anything is computed."""
    factors = factors_of(settings.factors, settings.beyond_range)
    points = points_of(settings, factors)
    ground = ground_of(settings, scenario_folder, factors)
    return replicate_work(ground, points, settings.sweep.replicates, outcomes_of(settings))


def outcomes_of(settings: Settings) -> tuple[str, ...]:
    """The outcomes asked for, by default all."""
    return tuple(settings.sweep.outcomes or CATALOGUE)


def points_of(settings: Settings, factors: tuple[Factor, ...]) -> Points:
    """The points of the design asked for."""
    asked = settings.sweep
    if asked.file is not None:
        if factors:
            raise InputError(f"factors.{factors[0].key}: the points are those of sweep.file; leave one out.")
        return read_points(asked.file, settings.beyond_range)
    if not factors:
        raise InputError(
            "factors: nothing varies; name one or more, such as factors.levers.cohort_size=5..60, or give "
            "points as sweep.file=<file>.csv."
        )
    designs: dict[str, Callable[[], Points]] = {
        "grid": partial(grid, factors, asked.levels),
        "list": partial(in_step, factors),
        "lhs": partial(latin_hypercube, factors, asked.points, settings.seed),
        "sobol": partial(sobol_sequence, factors, asked.points, settings.seed),
    }
    usual = "sobol" if any(factor.is_range for factor in factors) else "grid"
    return designs[asked.design or usual]()


# --- how long, how much --------------------------------------------------------------------------


@dataclass(frozen=True)
class Effort:
    """What a sweep will take."""

    work: ReplicateWork
    workers: int
    seconds_per_run: float
    bytes_per_run: float
    done: int  # units

    @property
    def runs(self) -> int:
        """All runs, with those that are done."""
        w = self.work
        return len(w.points) * w.replicates * len(w.ground.scenarios)

    @property
    def runs_to_do(self) -> int:
        """Runs that are not done yet."""
        return round(self.runs * (1.0 - self.done / self.work.units))

    @property
    def seconds(self) -> float:
        """Expected time for what is to do."""
        return self.runs_to_do * self.seconds_per_run / self.workers

    @property
    def size_bytes(self) -> float:
        """Expected size of the result."""
        return self.runs * self.bytes_per_run


def effort_of(work: ReplicateWork, settings: Settings, done: int) -> Effort:
    """Measured on a few replicates of the first point, after the model is compiled."""
    half, whole = (_tried(work, few) for few in (TRIED // 2, TRIED))
    runs = TRIED * len(work.ground.scenarios)
    size = 2.0 * (len(whole.shard) - len(half.shard)) / runs  # what a file takes whatever is in it drops out
    return Effort(work, workers_of(settings), whole.seconds / runs, size, done)


def _tried(work: ReplicateWork, replicates: int) -> Computed:
    ground = work.ground.for_replicates(replicates)
    trial = replace(work, ground=ground, replicates=replicates, block=replicates)
    return compute(trial, Chunk(ground.example(work.points)[0], 1))


def require_room(effort: Effort, folder: Path) -> None:
    """InputError when the disk cannot hold the result."""
    nearest = next(p for p in (folder, *folder.absolute().parents) if p.exists())
    free, wanted = shutil.disk_usage(nearest).free, SPARE * effort.size_bytes
    if wanted > free:
        raise InputError(
            f"sweep: {effort.runs:,} runs need about {_gb(wanted)} on the disk of {nearest}, which has "
            f"{_gb(free)} free; ask for fewer points, replicates or sweep.outcomes, or choose another out=."
        )


def _gb(size: float) -> str:
    return f"{size / 1e9:,.1f} GB" if size >= 1e8 else f"{size / 1e6:,.1f} MB"


# --- the work ------------------------------------------------------------------------------------


def run_sweep(work: ReplicateWork, settings: Settings, shards: Shards) -> None:
    """Everything that is not done yet, with progress."""
    done = sum(chunk.size for chunk in shards.chunks())
    each = work.runs_per_unit
    with progress_bar("sweeping", round(work.units * each), settings.progress, round(done * each)) as bar:
        carry_out(work, shards, crew_of(settings), lambda units: bar.update(round(units * each)))


def begun(work: ReplicateWork, settings: Settings, out: Path, asked: Mapping[str, Any]) -> Shards:
    """The store of a sweep, new or as it was left, once there is room for all of it.

    InputError where it was begun with something else than ``asked``.
    """
    require_room(effort_of(work, settings, 0), out)
    shards = Shards(take_up(out, asked))
    shards.write_beside(POINTS, as_parquet(Done(dict(work.points.frame()))))
    return shards


def asked_for(work: ReplicateWork, settings: Settings) -> dict[str, Any]:
    """What must be the same for an unfinished sweep to go on, key by key."""
    content = flat(settings.model_dump(mode="json"))
    kept = {key: value for key, value in content.items() if not key.startswith(INDIFFERENT)}
    scenarios = {f"scenarios.{n}": s.model_dump(mode="json") for n, s in work.ground.scenarios.items()}
    return {**kept, **flat(scenarios), **input_hashes(settings), "code": code_hash()}


def input_hashes(settings: Settings) -> Mapping[str, str]:
    """Hashes of the files that a sweep reads."""
    world = settings.world
    named = {
        "world.firms": world.firms, "world.ties": world.ties, "world.graph": world.graph,
        "sweep.file": settings.sweep.file, "posterior.file": settings.posterior.own_file,
    }  # fmt: skip
    return {f"content of {key}": file_hash(path) for key, path in named.items() if path}
