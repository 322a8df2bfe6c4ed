"""What is timed besides turns: worlds, start-up, a large command, many replicates, a curve over size."""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from bench import memory
from bench.effort import Effort
from bench.engines import OwnRuns
from bench.jobs import COHORTS, COHORTS_OF_25, SEVEN, Job
from bench.timing import TINY, apart, seconds
from cpdiffusion.outcomes.experiment import Experiment, run_batch
from cpdiffusion.parameters import parameters

FIRMS_IN_ALL = 1_000_000  # so many together are built or run to time one size


class Cost(NamedTuple):
    """What something took once; a median where it is quick."""

    what: str
    firms: int | None
    seconds: float
    peak_mib: float


class Point(NamedTuple):
    """One size of the curve."""

    firms: int
    world_seconds: float
    run_seconds: float
    peak_mib: float  # of building the world and running on it, above what the process held before


def other(effort: Effort) -> Iterator[Cost]:
    """One after the other."""
    yield from worlds(effort)
    with tempfile.TemporaryDirectory() as folder:
        yield from commands(effort, Path(folder))
    yield from replicates(effort)


# --- worlds --------------------------------------------------------------------------------------


def worlds(effort: Effort) -> Iterator[Cost]:
    """Building a world of each size."""
    for job, words in ((COHORTS, "one region"), (SEVEN, "seven regions")):
        for firms in effort.sizes[job]:
            yield apart(partial(world_cost, job, firms, f"a world, {words}"))


def world_cost(job: Job, firms: int, what: str) -> Cost:
    """Measured in this process."""
    size = job.recipe().size(job.parameters(firms))
    before = memory_before()
    return Cost(what, size, world_seconds(job, firms), memory.peak_mib() - before)


def memory_before() -> float:
    """What this process holds (MiB) once it has done everything with a tiny world."""
    run_seconds(*TINY, 1)
    memory.forget_peak()
    return memory.peak_mib()


def world_seconds(job: Job, firms: int) -> float:
    """Median over seeds."""
    p, recipe = job.parameters(firms), job.recipe()
    seeds = range(times_for(firms))
    return statistics.median(seconds(partial(recipe.build, seed, p))[0] for seed in seeds)


def times_for(firms: int) -> int:
    """How often, for a median: often where it is quick."""
    return min(100, max(5, FIRMS_IN_ALL // firms))


# --- commands ------------------------------------------------------------------------------------


def commands(effort: Effort, folder: Path) -> Iterator[Cost]:
    """The first run finds an empty cache folder; later commands find what it has left there."""
    environment = dict(os.environ)
    if effort.first_run:
        environment["XDG_CACHE_HOME"] = str(folder / "cache")
    cost = partial(command_cost, environment=environment)
    simulate = ["study=simulate", "scenarios=cluster_25", f"out={folder / 'out'}", "overwrite=true"]
    for run in ["first run", "second run"] if effort.first_run else ["second run"]:
        yield cost(f"cpdiffusion --help, {run}", None, ["--help"])
        yield cost(f"cpdiffusion study=simulate, {run}", int(parameters().firms_per_region), simulate)
    firms = effort.large * len(SEVEN.regions)
    everywhere = ["region=all", f"parameters.firms_per_region={effort.large}", "beyond_range=true"]
    whole = [*simulate, *everywhere, "horizon_years=10", "figures=true"]
    yield cost("cpdiffusion study=simulate region=all", firms, whole)


def command_cost(what: str, firms: int | None, words: list[str], environment: dict[str, str]) -> Cost:
    """The whole command, as a user starts it."""
    command = [sys.executable, "-m", "cpdiffusion", *words]
    return Cost(what, firms, *memory.run_command(command, environment))


# --- replicates ----------------------------------------------------------------------------------


def replicates(effort: Effort) -> Iterator[Cost]:
    """Many runs on one thread, for the number of adopters."""
    firms, number = effort.sizes[COHORTS][0], effort.replicates
    for redraw, words in ((False, "the same world"), (True, "each its own world")):
        experiment = experiment_of(firms, effort.quarters, redraw)
        run = partial(run_batch, experiment, 0, number, ("adopters",))
        yield apart(partial(cost_of, f"{number:,} replicates, {words}", firms, run))


def experiment_of(firms: int, quarters: int, redraw: bool) -> Experiment:
    """Cohorts of 25 in one region."""
    designs = {"cluster_25": COHORTS_OF_25}
    return Experiment(COHORTS.recipe(), COHORTS.parameters(firms), designs, quarters, 1, redraw)


def cost_of(what: str, firms: int, function: Callable[[], object]) -> Cost:
    """Measured in this process."""
    before = memory_before()
    taken, _ = seconds(function)
    return Cost(what, firms, taken, memory.peak_mib() - before)


# --- time and memory against size ----------------------------------------------------------------


def curve(effort: Effort) -> Iterator[Point]:
    """Cohorts of 25 in one region, on one thread."""
    for firms in effort.curve:
        yield apart(partial(point, firms, effort.quarters))


def point(firms: int, quarters: int) -> Point:
    """Measured in this process: first the peak of one world and one run, then medians."""
    before = memory_before()
    run_seconds(firms, quarters, 1)
    peak = memory.peak_mib() - before
    run = run_seconds(firms, quarters, times_for(firms))
    return Point(firms, world_seconds(COHORTS, firms), run, peak)


def run_seconds(firms: int, quarters: int, times: int) -> float:
    """Median over runs in the same memory, as the runs of an ensemble are made; the first fetches it."""
    run = OwnRuns(COHORTS.task(firms, quarters), range(1), 1)
    run()
    return statistics.median(seconds(run)[0] for _ in range(times))
