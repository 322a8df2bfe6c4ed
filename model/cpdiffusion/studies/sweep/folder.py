"""The result folder of ``study=sweep``: every run, what differs where, and what to ask next."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from typing import Any

from cpdiffusion.runner.shards import Shards
from cpdiffusion.runner.unfinished import finished, unfinished_folder
from cpdiffusion.studies.folder import Job
from cpdiffusion.studies.replicate_work import ReplicateWork
from cpdiffusion.studies.settings import Settings
from cpdiffusion.studies.sweep.ledger import interrupted, ledger
from cpdiffusion.studies.sweep.opened import LEDGER, POINTS, RUNS
from cpdiffusion.studies.sweep.study import asked_for, begun, effort_of, run_sweep, sweep_work
from cpdiffusion.studies.sweep.summary import answer, dry_run_text, summary
from cpdiffusion.studies.sweep.swept import Swept


def sweep_to_folder(settings: Settings, scenario_folder: Path, command: str) -> Path | None:
    """Run a sweep and write its result folder; an interrupted one goes on by the same command."""
    work = sweep_work(settings, scenario_folder)
    job = Job(settings, command)
    if settings.sweep.dry_run:
        _only_say(work, settings, job.out)
        return None
    shards = begun(work, settings, job.out, asked_for(work, settings))
    try:
        run_sweep(work, settings, shards)
        result = Swept(settings, work, shards)
        told = summary(result, command, job.out)
        out = job.finish(partial(write, result, command), told, answer(result), drawn(result))
    except KeyboardInterrupt:
        raise interrupted(work, shards, command) from None
    finished(shards.folder)
    return out


def _only_say(work: ReplicateWork, settings: Settings, out: Path) -> None:
    state = unfinished_folder(out)
    done = sum(chunk.size for chunk in Shards(state).chunks()) if state.is_dir() else 0
    print(dry_run_text(effort_of(work, settings, done)))


# --- files ---------------------------------------------------------------------------------------


def write(result: Swept, command: str, folder: Path) -> None:
    """runs.parquet, points.parquet, points.csv, differences.csv, factors.csv, ledger.csv; figures."""
    shards = result.shards
    shards.merged_into(folder / RUNS)
    points = result.work.points.frame()
    shutil.copyfile(shards.folder / POINTS, folder / POINTS)
    points.to_csv(folder / "points.csv", index=False)
    (folder / LEDGER).write_text(ledger(result.work, shards, command), encoding="utf-8")
    if result.pairs:
        result.differences.to_csv(folder / "differences.csv", index=False, float_format="%.10g")
    if result.associations is not None:
        result.associations.to_csv(folder / "factors.csv", index=False, float_format="%.10g")
        if result.settings.figures:
            write_figures(result, folder)


def write_figures(result: Swept, folder: Path) -> None:
    """factors.png."""
    from cpdiffusion.plots import factors, save

    varied = [f for f in result.factors if len(set(result.work.points.columns[f.key].tolist())) > 1]
    figure = save.figure(*factors.size_inches(len(varied)))
    factors.differences_by_factor(figure, varied, result.work.points, result.main, result.outcome)
    save.save(figure, folder / "factors.png")


def drawn(result: Swept) -> dict[str, Any]:
    """What the settings came to."""
    w = result.work
    return {
        "points": len(w.points),
        "scenarios": {n: s.model_dump(mode="json") for n, s in w.ground.scenarios.items()},
        "replicates": w.replicates,
        "runs": len(w.points) * w.replicates * len(w.ground.scenarios),
        "failed_points": len(result.failed),
    }
