"""Time the compiled engine against plain Mesa objects: the same world, programme and quarters.

    python tests/bench/engine_against_mesa.py [out=results/bench]

Both run in one process on one core, in turns, so that a busy machine slows both. The engine is
timed as whole runs, each from its ``start``; plain Mesa as ``step`` after step. What each must
make before its first quarter is shown apart and is in no ratio. Peak memory is Python's and
numpy's (tracemalloc), of making and running one model. The floor is one keyed draw and one
comparison per firm and quarter, compiled.
"""

from __future__ import annotations

import csv
import gc
import os
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

if __package__ in (None, ""):  # run as a script
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.plain_mesa import PlainMesa
from bench.stepped_mesa import SteppedMesa
from cpdiffusion import draws
from cpdiffusion.compiled import compiled
from cpdiffusion.draws import replicate_seeds
from cpdiffusion.engine.mesa_model import DiffusionModel
from cpdiffusion.engine.run import room_for, run_into
from cpdiffusion.engine.setting import Setting, columns_of, rule_of
from cpdiffusion.engine.state import new_state
from cpdiffusion.parameters import Parameters, moments_of, parameters
from cpdiffusion.policy.design import Design, design_of
from cpdiffusion.policy.levers import Levers
from cpdiffusion.policy.programme import programme_of
from cpdiffusion.policy.targeting import priority
from cpdiffusion.world.world import Recipe, World

REGION = "ulsan"
COLUMNS = (
    "job", "engine", "firms", "threads", "ns_per_firm_quarter", "ratio_to_floor", "ratio_to_mesa",
    "peak_mib",
)  # fmt: skip
FLOOR, ENGINE, VIEW = "floor", "compiled engine", "engine seen through Mesa"
MESA, TUNED = "plain Mesa", "plain Mesa, tuned"
Run = Callable[[], object]


@dataclass(frozen=True)
class Sizes:
    """How much is timed."""

    firms: int = 1000
    quarters: int = 40
    rounds: int = 7  # in which every engine has its turn
    engine_seeds: int = 100  # runs per turn
    mesa_seeds: int = 3
    worlds: int = 200  # of which the median time to build is shown

    @property
    def firm_quarters(self) -> int:
        """Firm-quarters in one run."""
        return self.firms * self.quarters


@dataclass(frozen=True)
class Task:
    """What both engines are given: cohorts of 25, with the default budget."""

    sizes: Sizes
    parameters: Parameters
    recipe: Recipe
    world: World
    design: Design
    regional_mean: np.ndarray


def task_of(sizes: Sizes) -> Task:
    """The default programme on a world of the wanted size."""
    p = Parameters({**parameters(), "firms_per_region": sizes.firms})
    recipe, design = Recipe((REGION,)), design_of(Levers(support="cluster"))
    effect = moments_of("as_printed").region_effects[REGION]
    mean = np.array([p.mean_log_return + effect])
    return Task(sizes, p, recipe, recipe.build(1, p), design, mean)


# --- the contestants: each makes its model and returns one run of it -----------------------------


def make_engine(task: Task, seeds: int) -> Run:
    """Whole runs in one compiled call, as an ensemble makes them."""
    setting = setting_of(task)
    state = new_state(task.world.size, 1, task.sizes.quarters)
    runs = room_for(seeds, task.world.size, 1, task.sizes.quarters)
    keys, first = replicate_seeds(1, 0, seeds), priority(task.design.targeting, task.world)
    return lambda: run_into(runs, state, setting, keys, first)


def setting_of(task: Task) -> Setting:
    """What the engine makes of a world before its first run."""
    columns = columns_of(task.world, task.parameters, task.regional_mean)
    return Setting(columns, rule_of(task.parameters), programme_of(task.design, task.parameters))


def make_plain_mesa(task: Task, seed: int, style: type[PlainMesa] = SteppedMesa) -> Run:
    """One model of plain Mesa objects."""
    model = style(
        world=task.world, parameters=task.parameters, design=task.design, seed=seed,
        regional_mean=task.regional_mean,
    )  # fmt: skip
    return lambda: steps(model, task.sizes.quarters)


def make_view(task: Task, seed: int) -> Run:
    """The engine behind its Mesa model, with the DataCollector at work as in plain Mesa."""
    model = DiffusionModel(
        world=task.world, parameters=task.parameters, design=task.design, seed=seed,
        regional_mean=task.regional_mean, horizon_quarters=task.sizes.quarters,
        beside_no_policy=False,
    )  # fmt: skip
    return lambda: steps(model, task.sizes.quarters)


def steps(model: PlainMesa | DiffusionModel, quarters: int) -> None:
    """So many steps of a Mesa model."""
    for _ in range(quarters):
        model.step()


@compiled
def floor_of(seed: np.uint64, firms: int, quarters: int, rate: float) -> int:
    """One keyed draw and one comparison per firm and quarter: how many came up."""
    hits = 0
    for quarter in range(quarters):
        key = draws.stream(seed, 2, quarter)
        for firm in range(firms):
            hits += draws.uniform(key, firm) < rate
    return hits


def make_floor(task: Task, seeds: int) -> Run:
    """As many bare draws as the engine has firm-quarters."""
    keys, sizes = replicate_seeds(1, 0, seeds), task.sizes
    rate = task.parameters.review_rate_per_quarter
    return lambda: [floor_of(key, sizes.firms, sizes.quarters, rate) for key in keys]


# --- timing --------------------------------------------------------------------------------------


def seconds(run: Run) -> float:
    """Seconds that one call takes; rubbish of others is taken out first."""
    gc.collect()
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


def one_round(task: Task, number: int) -> dict[str, float]:
    """ns per firm-quarter of each contestant, one after the other."""
    sizes = task.sizes
    seeds = range(number * sizes.mesa_seeds, (number + 1) * sizes.mesa_seeds)
    engine, floor = make_engine(task, sizes.engine_seeds), make_floor(task, sizes.engine_seeds)
    taken = {
        FLOOR: seconds(floor) / sizes.engine_seeds,
        ENGINE: seconds(engine) / sizes.engine_seeds,
        VIEW: statistics.mean(seconds(make_view(task, seed)) for seed in seeds),
        TUNED: statistics.mean(seconds(make_plain_mesa(task, seed, PlainMesa)) for seed in seeds),
        MESA: statistics.mean(seconds(make_plain_mesa(task, seed)) for seed in seeds),
    }
    return {name: 1e9 * time_taken / sizes.firm_quarters for name, time_taken in taken.items()}


def peak_mib(make: Callable[[], Run]) -> float:
    """Most memory at one time while a model is made and run (MiB)."""
    gc.collect()
    tracemalloc.start()
    make()()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20


def peaks(task: Task) -> dict[str, float]:
    """Peak memory of one run of each contestant that has a model."""
    return {
        ENGINE: peak_mib(lambda: make_engine(task, 1)),
        VIEW: peak_mib(lambda: make_view(task, 0)),
        TUNED: peak_mib(lambda: make_plain_mesa(task, 0, PlainMesa)),
        MESA: peak_mib(lambda: make_plain_mesa(task, 0)),
    }


def median_ms(make: Callable[[int], object], times: int) -> float:
    """Median milliseconds over seeds 0, 1, 2 ..."""
    return 1e3 * statistics.median(seconds(partial(make, seed)) for seed in range(times))


def preparations(task: Task) -> dict[str, float]:
    """What comes before the first quarter (ms), in no ratio."""
    few = task.sizes.rounds
    return {
        "a world": median_ms(lambda seed: task.recipe.build(seed, task.parameters), task.sizes.worlds),
        f"{ENGINE}: its columns": median_ms(lambda _: setting_of(task), few),
        f"{VIEW}: its agents": median_ms(lambda seed: make_view(task, seed), few),
        f"{MESA}: its agents and network": median_ms(lambda seed: make_plain_mesa(task, seed), few),
    }


# --- what is shown and kept ----------------------------------------------------------------------


@dataclass(frozen=True)
class Measured:
    """Medians over rounds, and the spread of how many times faster than plain Mesa."""

    task: Task
    ns: dict[str, float]
    times_mesa: dict[str, tuple[float, float, float]]  # least, median, most
    peak: dict[str, float]
    ms: dict[str, float]


def measure(sizes: Sizes) -> Measured:
    """Everything compiled once by a tiny task, then the rounds."""
    tiny = task_of(replace(sizes, firms=60, engine_seeds=1, mesa_seeds=1))
    one_round(tiny, 0)
    task = task_of(sizes)
    rounds = [one_round(task, number) for number in range(sizes.rounds)]
    ns = {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}
    times = {name: spread([each[MESA] / each[name] for each in rounds]) for name in ns}
    return Measured(task, ns, times, peaks(task), preparations(task))


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Least, median and most."""
    return min(values), statistics.median(values), max(values)


def table(of: Measured) -> str:
    """The figures for people."""
    sizes = of.task.sizes
    lines = [
        f"{sizes.firms:,} firms x {sizes.quarters} quarters, cohorts of 25, one core, "
        f"medians of {sizes.rounds} rounds",
        f"{'':26}{'ns per':>13}{'times':>8}   faster than plain Mesa{'peak':>8}",
        f"{'':26}{'firm-quarter':>13}{'floor':>8}   {'median (least - most)':>22}{'MiB':>8}",
    ]
    lines += [line_of(of, name) for name in of.ns]
    lines += ["Before the first quarter, in no ratio (ms):"]
    lines += [f"  {name:42}{ms:10.2f}" for name, ms in of.ms.items()]
    return "\n".join(lines)


def line_of(of: Measured, name: str) -> str:
    """One contestant's line."""
    least, median, most = of.times_mesa[name]
    faster = "" if name == MESA else f"{median:,.0f} ({least:,.0f} - {most:,.0f})"
    peak = f"{of.peak[name]:.2f}" if name in of.peak else ""
    times_floor = of.ns[name] / of.ns[FLOOR]
    return f"{name:26}{of.ns[name]:13.2f}{times_floor:8.1f}   {faster:>22}{peak:>8}"


def rows(of: Measured) -> list[dict[str, object]]:
    """The figures for other programs, in the order of COLUMNS."""
    return [
        {
            "job": f"{of.task.sizes.quarters} quarters, cohorts of 25",
            "engine": name.replace(",", "").replace(" ", "_"),
            "firms": of.task.sizes.firms,
            "threads": 1,
            "ns_per_firm_quarter": round(ns, 3),
            "ratio_to_floor": round(ns / of.ns[FLOOR], 3),
            "ratio_to_mesa": round(of.times_mesa[name][1], 3),
            "peak_mib": round(of.peak[name], 3) if name in of.peak else "",
        }
        for name, ns in of.ns.items()
    ]


def write(out: Path, of: Measured) -> Path:
    """``bench.csv`` in the folder, whole or not at all."""
    out.mkdir(parents=True, exist_ok=True)
    file = out / "bench.csv"
    unfinished = out / f".bench.csv.{os.getpid()}"
    with unfinished.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerows(rows(of))
        stream.flush()
        os.fsync(stream.fileno())
    unfinished.replace(file)
    return file


def main(arguments: Sequence[str], sizes: Sizes | None = None) -> int:
    """Measure, print and write; 2 for an argument other than ``out=``."""
    out = "results/bench"
    for argument in arguments:
        key, _, value = argument.partition("=")
        if key != "out" or not value:
            print(f"{argument}: not understood; the only argument is out=<folder>", file=sys.stderr)
            return 2
        out = value
    measured = measure(sizes or Sizes())
    print(table(measured))
    print(f"written: {write(Path(out), measured)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
