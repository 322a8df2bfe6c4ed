"""Measuring: each turn in a process of its own, so that nobody pays for what another leaves behind.

The process is a fork of one that has imported everything, has done every job once on a tiny world
and holds the world of the turn. So making the process costs milliseconds, nothing is compiled in
a turn, and peak memory is what an engine adds to the world that it is given.
"""

from __future__ import annotations

import gc
import multiprocessing
import statistics
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import NamedTuple, TypeVar

from bench import memory
from bench.engines import Engine, engines_of, label_of
from bench.jobs import Job, Task

Result = TypeVar("Result")
FORK = multiprocessing.get_context("fork")
TINY = (60, 4)  # firms, quarters


class Turn(NamedTuple):
    """One turn of an engine."""

    job: str
    engine: str
    firms: int
    quarters: int
    threads: int
    round: int
    runs: int
    ns_per_firm_quarter: float
    make_seconds: float  # before the first quarter, for all runs of the turn
    adopters: float  # at the end, mean over runs
    peak_mib: float  # above what the process held before the engine was made

    @property
    def label(self) -> str:
        """The engine's name for people."""
        return label_of(self.engine, self.threads)

    @property
    def seconds_per_firm(self) -> float:
        """Of making and of all runs of the turn."""
        return self.make_seconds / self.firms + self.ns_per_firm_quarter * self.quarters * self.runs / 1e9


def apart(function: Callable[[], Result]) -> Result:
    """What ``function`` returns in a fork of this process; RuntimeError when it does not."""
    receiver, sender = FORK.Pipe(duplex=False)
    process = FORK.Process(target=_answer, args=(function, sender))
    process.start()
    sender.close()
    try:
        return receiver.recv()
    except EOFError:
        raise RuntimeError("a measurement has failed; its error is shown above") from None
    finally:
        process.join()


def _answer(function: Callable[[], Result], sender: Connection) -> None:
    sender.send(function())


def seconds(function: Callable[[], Result]) -> tuple[float, Result]:
    """Seconds that one call takes, and what it returns; rubbish of others is taken out first."""
    gc.collect()
    begin = time.perf_counter()
    result = function()
    return time.perf_counter() - begin, result


def warm_up(job: Job) -> Task:
    """Everything that a job needs imported and compiled; the tiny task that it was done with."""
    tiny = job.task(*TINY)
    for engine in engines_of(job):
        engine.make(tiny, range(engine.threads))()
    gc.freeze()  # what is imported need not be looked through again in each turn
    return tiny


def turn(task: Task, tiny: Task, engine: Engine, number: int, runs: int) -> Turn:
    """One turn, measured in this process."""
    engine.make(tiny, range(engine.threads))()  # brings in what a fork shares only by promise
    memory.forget_peak()
    before = memory.peak_mib()
    make_seconds, run = seconds(lambda: engine.make(task, range(number * runs, (number + 1) * runs)))
    run_seconds, adopters = seconds(run)
    return Turn(
        task.job.name, engine.name, task.firms, task.quarters, engine.threads, number, runs,
        1e9 * run_seconds / runs / task.firm_quarters, make_seconds,
        statistics.mean(adopters), memory.peak_mib() - before,
    )  # fmt: skip
