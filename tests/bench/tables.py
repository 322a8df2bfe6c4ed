"""What was measured, as tables: for people, and as files of comma-separated values.

A ratio is that of medians over rounds, so that it can be recomputed from the column of
nanoseconds. ``ratio_to_floor`` is how many times longer an engine takes than the floor on one
thread, ``ratio_to_mesa`` how many times faster it is than the same job written in the style of
Mesa's tutorials; empty where that was left out.
"""

from __future__ import annotations

import csv
import os
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.engines import FLOOR, MESA, label_of
from bench.instruments import Run
from bench.other import Cost, Point
from bench.rounds import Rounds
from bench.timing import Turn


class Row(NamedTuple):
    """One engine in one job at one size; its fields are the columns of ``bench.csv``."""

    job: str
    engine: str
    firms: int
    threads: int
    ns_per_firm_quarter: float
    ratio_to_floor: float
    ratio_to_mesa: float | None
    peak_mib: float | None  # of one run per thread, without the world

    @property
    def label(self) -> str:
        """The engine's name for people."""
        return label_of(self.engine, self.threads)


def rows_of(of: Rounds) -> list[Row]:
    """Medians over rounds, in the order of the engines' first turns."""
    ns = {label: round(statistics.median(each), 3) for label, each in ns_by_label(of.turns).items()}
    mesa = next((ns[label] for label in ns if label in MESA), None)
    return [
        Row(
            one.job, one.engine, one.firms, one.threads, ns[label],
            round(ns[label] / ns[FLOOR], 3),
            None if mesa is None else round(mesa / ns[label], 3),
            None if one.engine.startswith(FLOOR) else round(one.peak_mib, 2),
        )
        for label, one in of.alone.items()
    ]  # fmt: skip


def ns_by_label(turns: Iterable[Turn]) -> dict[str, list[float]]:
    """ns per firm-quarter of each engine, round after round."""
    found: dict[str, list[float]] = {}
    for turn in turns:
        found.setdefault(turn.label, []).append(turn.ns_per_firm_quarter)
    return found


# --- for people ----------------------------------------------------------------------------------

LEGEND = """\
ns per firm-quarter: median over rounds, over all runs of a turn, by the clock on the wall.
times floor: against one keyed draw and one comparison per firm and quarter on one thread, one
  firm at a time, those that come up noted down. "floor, vectorised" only counts them.
times faster than Mesa: than the job in the style of Mesa's tutorials; ratio of medians, and the
  least and most of the rounds.
making: what each does before the first quarter with a world that is there; in no ratio.
peak: the most memory at one time of making and running once per thread, without the world.
"""
HEAD = (
    f"{'':28}{'ns per':>13}{'times':>9}{'times faster than Mesa':>28}{'making':>10}{'peak':>9}\n"
    f"{'':28}{'firm-quarter':>13}{'floor':>9}{'median (least - most)':>28}{'ms':>10}{'MiB':>9}"
)


def table(of: Rounds) -> str:
    """One job at one size."""
    first, number = of.turns[0], max(turn.round for turn in of.turns) + 1
    title = f"{first.job}: {first.firms:,} firms x {first.quarters} quarters, up to {number} rounds"
    lines = [line(row, of) for row in rows_of(of)]
    missing = [
        f"  left out: {name}, about {long:,.0f} s; all=true runs it" for name, long in of.left_out.items()
    ]
    return "\n".join([title, HEAD, *lines, *missing, ""])


def line(row: Row, of: Rounds) -> str:
    """One engine."""
    peak = "" if row.peak_mib is None else f"{row.peak_mib:,.1f}"
    making = "" if row.engine.startswith(FLOOR) else f"{1e3 * of.alone[row.label].make_seconds:,.1f}"
    faster = times_faster(row, of)
    return (
        f"{row.label:28}{row.ns_per_firm_quarter:13,.2f}{row.ratio_to_floor:9,.1f}{faster:>28}"
        f"{making:>10}{peak:>9}"
    )


def times_faster(row: Row, of: Rounds) -> str:
    """Than Mesa: the ratio of medians, and its range over the rounds in which both had a turn."""
    if row.ratio_to_mesa is None or row.engine in MESA:
        return ""
    ns = ns_by_label(of.turns)
    mesa = next(ns[label] for label in ns if label in MESA)
    ratios = [one / other for one, other in zip(mesa, ns[row.label], strict=False)]
    middle, least, most = (
        f"{ratio:,.{1 if ratio < 10 else 0}f}" for ratio in (row.ratio_to_mesa, min(ratios), max(ratios))
    )
    return middle if len(ratios) == 1 else f"{middle} ({least} - {most})"


def cost_line(cost: Cost) -> str:
    """What something else took."""
    firms = "" if cost.firms is None else f"{cost.firms:,} firms"
    return f"{cost.what:44}{firms:>16}{cost.seconds:11.4f} s{cost.peak_mib:9,.1f} MiB"


def enacted_line(run: Run) -> str:
    """One way to run, in relation to runs without instruments."""
    return (
        f"{run.case:36}{run.firms:>9,} firms{1e3 * run.seconds:10.3f} ms, x{run.ratio:.2f},"
        f"{run.adopters:9,.0f} adopters"
    )


def point_line(point: Point) -> str:
    """One size of the curve."""
    return (
        f"{point.firms:>12,} firms: world{point.world_seconds:10.4f} s, run{point.run_seconds:10.5f} s,"
        f"{point.peak_mib:9,.1f} MiB"
    )


# --- for other programs --------------------------------------------------------------------------


def write(file: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A file with these columns, whole or not at all."""
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with unfinished.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow(columns)
            writer.writerows([map(digits, row) for row in rows])
            stream.flush()
            os.fsync(stream.fileno())
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)


def digits(value: object) -> object:
    """More than eight digits of a measurement are noise."""
    return f"{value:.8g}" if isinstance(value, float) else value
