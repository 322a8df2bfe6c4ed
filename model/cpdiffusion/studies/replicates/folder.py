"""The result folder of ``study=replicates``: numbers by outcome, a figure, a summary."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from cpdiffusion.errors import Interrupted
from cpdiffusion.outcomes.catalogue import CATALOGUE
from cpdiffusion.runner.shards import Shards
from cpdiffusion.runner.unfinished import finished, take_up
from cpdiffusion.studies.folder import Job
from cpdiffusion.studies.replicates.enough import running_sd
from cpdiffusion.studies.replicates.study import Enough, run_replicates, work_of
from cpdiffusion.studies.replicates.summary import answer, summary
from cpdiffusion.studies.settings import Settings
from cpdiffusion.studies.sweep.opened import RUNS
from cpdiffusion.studies.sweep.study import asked_for

INTERRUPTED = (
    "interrupted; {done:,} of {all:,} runs are kept in {folder}, and the same command goes on from there."
)


def replicates_to_folder(settings: Settings, scenario_folder: Path, command: str) -> Path:
    """Run the replicates and write the folder; an interrupted study goes on by the same command."""
    work = work_of(settings, scenario_folder)
    job = Job(settings, command)
    state = take_up(job.out, asked_for(work, settings))
    shards = Shards(state)
    try:
        found = run_replicates(work, settings, shards)
        told = summary(found, command)
        out = job.finish(partial(write, found, shards), told, answer(found), drawn(found))
    except KeyboardInterrupt:
        done = sum(chunk.size for chunk in shards.chunks())
        runs = [round(units * work.runs_per_unit) for units in (done, work.units)]
        raise Interrupted(INTERRUPTED.format(done=runs[0], all=runs[1], folder=state)) from None
    finished(state)
    return out


def write(found: Enough, shards: Shards, folder: Path) -> None:
    """replicates.csv, runs.parquet, replicates.png."""
    found.table.to_csv(folder / "replicates.csv", index=False, float_format="%.10g")
    shards.merged_into(folder / RUNS)
    if found.settings.figures and found.varies:
        write_figure(found, folder)


def write_figure(found: Enough, folder: Path) -> None:
    """Stability, width and power against the number, as one figure."""
    from cpdiffusion.plots import replicates, save

    spreads = {CATALOGUE[o].label.partition(" (")[0]: running_sd(found.difference(o)) for o in found.levels}
    row = found.row()
    figure = save.figure(*replicates.SIZE_INCHES)
    replicates.how_many(
        figure, spreads, sd=float(row.sd), sd_unpaired=float(row.sd_unpaired), asked=found.asked,
        what="draws" if found.drawn else "replicates", recommended=found.recommended,
    )  # fmt: skip
    save.save(figure, folder / "replicates.png")


def drawn(found: Enough) -> dict[str, Any]:
    """What the settings came to."""
    planned = found.work.ground.plan({})
    return {**planned.asked, "replicates": found.work.replicates, "recommended": found.recommended}
