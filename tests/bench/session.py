"""A session of measurements: all of them in turn, told as they are made, and then written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from bench import figures, tables
from bench.effort import FULL, QUICK, Effort
from bench.engines import engines_of, require_same_on_threads
from bench.instruments import Run, instruments
from bench.jobs import Job
from bench.machine import machine
from bench.other import Cost, Point, curve, other
from bench.rounds import Rounds, rounds
from bench.timing import Turn, apart, warm_up


def measure_into(out: Path, quick: bool = False, everybody: bool = False) -> None:
    """Measure everything, then write everything."""
    effort = QUICK if quick else FULL
    tell(f"{machine()}\n{tables.LEGEND}")
    done = list(all_rounds(effort.with_all() if everybody else effort))
    costs, enacted = list(all_costs(effort)), list(all_enacted(effort))
    write(out, done, costs, enacted, list(all_points(effort)))


def write(
    out: Path, done: Sequence[Rounds], costs: Sequence[Cost], enacted: Sequence[Run], points: Sequence[Point]
) -> None:
    """Tables and figures."""
    rows = [row for each in done for row in tables.rows_of(each)]
    tables.write(out / "bench.csv", tables.Row._fields, rows)
    tables.write(out / "rounds.csv", Turn._fields, [turn for each in done for turn in each.turns])
    tables.write(out / "other.csv", Cost._fields, costs)
    tables.write(out / "instruments.csv", Run._fields, enacted)
    tables.write(out / "scale.csv", Point._fields, points)
    figures.bench(rows, out / "bench.png")
    figures.scale(points, out / "scale.png")
    names = "bench.csv, rounds.csv, other.csv, instruments.csv, scale.csv, bench.png, scale.png"
    tell(f"\nwritten to {out}: {names}")


def tell(text: str) -> None:
    """At once, although minutes may pass before the next line."""
    print(text, flush=True)


def all_rounds(effort: Effort) -> Iterator[Rounds]:
    """Each job at each size, its table printed when it is done."""
    for job, sizes in effort.sizes.items():
        yield from rounds_of(job, sizes, effort)


def rounds_of(job: Job, sizes: Sequence[int], effort: Effort) -> Iterator[Rounds]:
    """One job, from the smallest size to the largest."""
    tiny, done = warm_up(job), None
    for firms in sizes:
        task = job.task(firms, effort.quarters)
        apart(partial(require_same_on_threads, task))
        done = rounds(task, tiny, engines_of(job), effort, done)
        tell(tables.table(done))
        yield done


def all_costs(effort: Effort) -> Iterator[Cost]:
    """What is not a turn."""
    tell("Besides; memory of a command is all of it, of others what they add:")
    for cost in other(effort):
        tell(tables.cost_line(cost))
        yield cost


def all_enacted(effort: Effort) -> Iterator[Run]:
    """Runs with instruments, beside those without."""
    tell("\nOne run of cohorts of 25 with and without ten instruments; more adopters are more work:")
    for run in instruments(effort):
        tell(tables.enacted_line(run))
        yield run


def all_points(effort: Effort) -> Iterator[Point]:
    """The curve over size."""
    tell("\nCohorts of 25 in one region, one thread; memory is of world and run:")
    for point in curve(effort):
        tell(tables.point_line(point))
        yield point
