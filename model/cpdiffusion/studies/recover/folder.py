"""The result folder of ``study=recover``."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from cpdiffusion.calibration.smc import require_pyabc
from cpdiffusion.errors import Interrupted
from cpdiffusion.runner.unfinished import finished, take_up
from cpdiffusion.studies.calibrate.study import asked_for, problem_of
from cpdiffusion.studies.folder import Job
from cpdiffusion.studies.recover.study import Recovered, all_recovered
from cpdiffusion.studies.recover.summary import headline, summary
from cpdiffusion.studies.settings import Settings


def recover_to_folder(settings: Settings, command: str) -> Path:
    """Plant, calibrate, compare, and write the result folder; interrupted work goes on where it was."""
    require_pyabc()
    problem = problem_of(settings)
    job = Job(settings, command)
    state = take_up(job.out, {**asked_for(settings), "plantings": settings.calibrate.plantings})
    try:
        result = all_recovered(problem, settings, state)
    except KeyboardInterrupt:
        raise Interrupted(
            f"interrupted; the plantings that were finished are kept in {state}, and the same command goes "
            "on from there."
        ) from None
    out = job.finish(partial(write, result), summary(result, command), headline(result), drawn(result))
    finished(state)
    return out


def write(result: Recovered, folder: Path) -> None:
    """recovery.csv, coverage.csv and recovery.png."""
    result.rows.to_csv(folder / "recovery.csv", index=False, float_format="%.10g")
    result.coverage.to_csv(folder / "coverage.csv", index=False, float_format="%.10g")
    if result.settings.figures:
        from cpdiffusion.plots import learned, save

        parameters = len(result.coverage) - 1
        figure = save.figure(*learned.size_inches("learned", parameters, 0))
        learned.planted(figure, result.rows, result.coverage)
        save.save(figure, folder / "recovery.png")


def drawn(result: Recovered) -> dict[str, Any]:
    """What the settings came to."""
    return {
        "plantings": int(result.rows.planting.nunique()),
        "candidates": int(result.rows.groupby("planting").candidates.first().sum()),
    }
