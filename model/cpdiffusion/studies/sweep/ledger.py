"""The ledger of a sweep: which points are done, which failed and why, and what repeats one."""

from __future__ import annotations

import csv
import io
import shlex
from collections.abc import Sequence
from typing import Any

from cpdiffusion.errors import Interrupted
from cpdiffusion.factors.known import Value
from cpdiffusion.runner.shards import Shards
from cpdiffusion.studies.replicate_work import ReplicateWork
from cpdiffusion.studies.sweep.opened import LEDGER

INTERRUPTED = (
    "interrupted; {done:,} of {all:,} runs are kept in {folder}, and the same command goes on from there."
)
DROPPED = ("study", "out", "overwrite", "factors", "sweep", "sensitivity", "runner", "dask")


def failures(work: ReplicateWork, shards: Shards) -> dict[int, str]:
    """Why a point could not be computed, by its number."""
    return {failed.unit % len(work.points): failed.reason for failed in shards.failed()}


def ledger(work: ReplicateWork, shards: Shards, command: str) -> str:
    """Every point as CSV: done, failed (why, and what repeats it) or to do."""
    blocks, failed = done_blocks(work, shards), failures(work, shards)
    needed = work.units // len(work.points)
    rows = []
    for point in range(len(work.points)):
        state = "failed" if point in failed else "done" if blocks[point] == needed else "to do"
        again = repeating(work, point, command) if point in failed else ""
        rows.append((point, state, failed.get(point, ""), again))
    return as_csv(("point", "state", "reason", "command"), rows)


def interrupted(work: ReplicateWork, shards: Shards, command: str) -> Interrupted:
    """What is kept of work that was stopped, and how it goes on; its ledger is put beside the shards."""
    shards.write_beside(LEDGER, ledger(work, shards, command).encode())
    done = sum(chunk.size for chunk in shards.chunks())
    runs, whole = (round(units * work.runs_per_unit) for units in (done, work.units))
    return Interrupted(INTERRUPTED.format(done=runs, all=whole, folder=shards.folder))


def done_blocks(work: ReplicateWork, shards: Shards) -> list[int]:
    """How many blocks of each point are done."""
    blocks = [0] * len(work.points)
    for chunk in shards.chunks():
        for unit in range(chunk.first, chunk.end):
            blocks[unit % len(blocks)] += 1
    return blocks


def repeating(work: ReplicateWork, point: int, command: str) -> str:
    """The command that runs one point again as a comparison, with exactly its values."""
    words = [w for w in shlex.split(command) if w.partition("=")[0].partition(".")[0] not in DROPPED]
    values = [f"{key}={_written(value)}" for key, value in work.points.at(point).items()]
    return shlex.join([words[0], "study=compare", *words[1:], *values])


def _written(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def as_csv(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Rows as the text of a CSV file."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue()
