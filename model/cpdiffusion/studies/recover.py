"""``study=recover``: does the calibration find parameters that were planted?"""

from __future__ import annotations

import json
from concurrent.futures import as_completed
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cpdiffusion.calibration.processes import processes
from cpdiffusion.calibration.recovery import coverage_table, planted, recovered
from cpdiffusion.calibration.smc import Problem, require_pyabc
from cpdiffusion.errors import Interrupted
from cpdiffusion.runner.folder import write_whole
from cpdiffusion.runner.parallel import available_cores
from cpdiffusion.runner.progress import progress_bar
from cpdiffusion.runner.unfinished import finished, take_up
from cpdiffusion.studies.calibrate import asked_for, compile_once, problem_of
from cpdiffusion.studies.folder import Job
from cpdiffusion.studies.recover_summary import headline, summary
from cpdiffusion.studies.settings import Settings

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Recovered:
    """The result of the study."""

    settings: Settings
    rows: pd.DataFrame  # planting x parameter
    coverage: pd.DataFrame  # per parameter, and over all


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


def all_recovered(problem: Problem, settings: Settings, state: Path) -> Recovered:
    """Every planting, in its own process, each calibrated from the start to the end by one."""
    import pandas as pd

    compile_once(problem)
    numbers = range(settings.calibrate.plantings)
    workers = settings.workers or available_cores()
    job = partial(one_recovered, problem, settings.calibrate.population, settings.seed, state)
    with progress_bar("plantings", len(numbers), settings.progress) as bar, processes(workers) as pool:
        if pool is None:
            for number in numbers:
                job(number)
                bar.update(1)
        else:
            for done in as_completed([pool.submit(job, number) for number in numbers]):
                done.result()
                bar.update(1)
    rows = [row for number in numbers for row in json.loads(_file(state, number).read_text(encoding="utf-8"))]
    frame = pd.DataFrame(rows)
    return Recovered(settings, frame, coverage_table(frame))


def one_recovered(problem: Problem, population: int, seed: int, state: Path, number: int) -> None:
    """Calibrate to one planting unless its result is there already."""
    file, history = _file(state, number), state / f"planting-{number:04d}.db"
    if file.exists():
        return
    rows = recovered(problem, planted(problem, number, seed), population, seed, history)
    write_whole(file, json.dumps(rows))
    history.unlink(missing_ok=True)


def _file(state: Path, number: int) -> Path:
    return state / f"planting-{number:04d}.json"


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
