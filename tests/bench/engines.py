"""Who takes part in which job, and how each makes its runs.

``make(task, seeds)`` does what comes before the first quarter, one run per seed; the result runs
them all, once, and tells how many firms had adopted at the end of each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from bench import floor
from bench.contestants.bass import CONTESTANTS, Contestant
from bench.contestants.cohorts_numpy import NumpyCohorts
from bench.jobs import BASS, COHORTS, Job, Task
from bench.plain_mesa import PlainMesa
from bench.stepped_mesa import SteppedMesa
from cpdiffusion.draws import replicate_seeds
from cpdiffusion.engine.mesa_model import DiffusionModel
from cpdiffusion.engine.run import Runs, room_for, run_into
from cpdiffusion.engine.state import Flow, new_state
from cpdiffusion.runner.parallel import Workers

Run = Callable[[], list[int]]
Make = Callable[[Task, range], Run]
Model = PlainMesa | DiffusionModel | NumpyCohorts

FLOOR, COUNTED = "floor", "floor, vectorised"
OURS, VIEW = "cpdiffusion", "cpdiffusion through Mesa"
PLAIN, PLAIN_TUNED, ARRAYS = "plain Mesa", "plain Mesa, tuned", "numpy"
MESA = {PLAIN, "Mesa"}  # whom ratios to Mesa are to: in the style of Mesa's tutorials, in either job
COMPILED, VECTORS, OBJECTS = 8e6, 4e5, 1.2e5  # firm-quarters that take about a tenth of a second


@dataclass(frozen=True)
class Engine:
    """One way to do a job."""

    name: str
    make: Make
    firm_quarters_per_turn: float
    threads: int = 1

    @property
    def label(self) -> str:
        """Its name for people."""
        return label_of(self.name, self.threads)

    def runs_per_turn(self, task: Task, effort: float = 1.0) -> int:
        """Runs in one turn, the same number for each thread."""
        wanted = effort * self.firm_quarters_per_turn / task.firm_quarters / self.threads
        return self.threads * max(1, round(wanted))


def label_of(name: str, threads: int) -> str:
    """An engine's name for people."""
    return name if threads == 1 else f"{name}, {threads} threads"


def engines_of(job: Job) -> list[Engine]:
    """All that do a job here, the floors first."""
    return [*FLOORS, *OWN, *others_of(job)]


def others_of(job: Job) -> list[Engine]:
    """Seven regions are for those that are quick enough to do them besides."""
    if job is BASS:
        return [bass_engine(each) for each in CONTESTANTS if each.is_installed()]
    return [engine for engine in IN_COHORTS if job is COHORTS or engine.name == ARRAYS]


def missing() -> list[Contestant]:
    """Contestants whose library is not installed."""
    return [each for each in CONTESTANTS if not each.is_installed()]


# --- this project --------------------------------------------------------------------------------


class OwnRuns:
    """Runs of the compiled engine; stretches of them on threads, as ensembles are run."""

    def __init__(self, task: Task, seeds: range, threads: int) -> None:
        size, regions = task.firms, len(task.job.regions)
        self.setting, self.priority = task.setting(), task.priority()
        self.states = [new_state(size, regions, task.quarters) for _ in range(threads)]
        self.runs = room_for(len(seeds), size, regions, task.quarters)
        self.keys = replicate_seeds(1, seeds.start, len(seeds))

    def __call__(self) -> list[int]:
        """Adopters at the end of each run."""
        if len(self.states) == 1:
            self.run_stretch(0)
        else:
            with Workers(len(self.states)) as workers:
                list(workers.map(self.run_stretch, range(len(self.states))))
        return self.runs.flow[..., Flow.ADOPTERS].sum(axis=(1, 2)).astype(int).tolist()

    def run_stretch(self, number: int) -> None:
        """One thread's share, with a state of its own."""
        first, last = (len(self.keys) * n // len(self.states) for n in (number, number + 1))
        runs = Runs(*(column[first:last] for column in self.runs))
        run_into(runs, self.states[number], self.setting, self.keys[first:last], self.priority)


def require_same_on_threads(task: Task, threads: int = 2) -> None:
    """RuntimeError unless runs on threads are, bit for bit, those on one."""
    one, several = (OwnRuns(task, range(threads), number) for number in (1, threads))
    one(), several()
    for name, this, that in zip(Runs._fields, one.runs, several.runs, strict=True):
        if this.tobytes() != that.tobytes():
            raise RuntimeError(f"{task.job.name}, {task.firms} firms: {name} differs on {threads} threads")


OWN = [Engine(OURS, partial(OwnRuns, threads=number), COMPILED, number) for number in (1, 2)]

# --- models that step ----------------------------------------------------------------------------


def make_models(task: Task, seeds: range, model_of: Callable[[Task, int], Model]) -> Run:
    """A model per seed."""
    models = [model_of(task, seed) for seed in seeds]
    return lambda: [adopters_of(model, task.quarters) for model in models]


def adopters_of(model: Model, quarters: int) -> int:
    """Adopters after so many steps."""
    for _ in range(quarters):
        model.step()
    return int(model.adopters)


def model_of(task: Task, seed: int, style: type[PlainMesa] | type[NumpyCohorts]) -> Model:
    """A model that shares no compiled code with the engine."""
    return style(
        world=task.world, parameters=task.parameters, design=task.job.design, seed=seed,
        regional_mean=task.regional_mean,
    )  # fmt: skip


def view_of(task: Task, seed: int) -> Model:
    """The engine behind its Mesa model, with the DataCollector at work as in plain Mesa."""
    return DiffusionModel(
        world=task.world, parameters=task.parameters, design=task.job.design, seed=seed,
        regional_mean=task.regional_mean, horizon_quarters=task.quarters, beside_no_policy=False,
    )  # fmt: skip


def stepping(name: str, model_of: Callable[[Task, int], Model], firm_quarters_per_turn: float) -> Engine:
    """An engine of models that step."""
    return Engine(name, partial(make_models, model_of=model_of), firm_quarters_per_turn)


IN_COHORTS = [
    stepping(VIEW, view_of, VECTORS),
    stepping(ARRAYS, partial(model_of, style=NumpyCohorts), VECTORS),
    stepping(PLAIN_TUNED, partial(model_of, style=PlainMesa), OBJECTS),
    stepping(PLAIN, partial(model_of, style=SteppedMesa), OBJECTS),
]


# --- other libraries, and the floors -------------------------------------------------------------


def bass_engine(contestant: Contestant) -> Engine:
    """A library's way to do the Bass job."""
    is_numpy = contestant.module.startswith("bass_numpy")
    return Engine(contestant.name, partial(make_bass, contestant), VECTORS if is_numpy else OBJECTS)


def make_bass(contestant: Contestant, task: Task, seeds: range) -> Run:
    """A model per seed."""
    runs = [contestant.make(task.bass(), seed) for seed in seeds]
    return lambda: [int(run()[-1]) for run in runs]


def make_listed(task: Task, seeds: range) -> Run:
    """Bare draws, and who came up."""
    came_up: NDArray[np.int32] = np.zeros(task.firms, np.int32)
    rate, keys = task.parameters.review_rate_per_quarter, replicate_seeds(1, seeds.start, len(seeds))
    return lambda: [floor.listed(key, task.quarters, rate, came_up) for key in keys]


def make_counted(task: Task, seeds: range) -> Run:
    """Bare draws."""
    rate, keys = task.parameters.review_rate_per_quarter, replicate_seeds(1, seeds.start, len(seeds))
    return lambda: [floor.counted(key, task.quarters, rate, task.firms) for key in keys]


FLOORS = [Engine(FLOOR, make_listed, COMPILED), Engine(COUNTED, make_counted, COMPILED)]
