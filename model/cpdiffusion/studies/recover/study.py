"""``study=recover``: does the calibration find parameters that were planted?"""

from __future__ import annotations

import json
from concurrent.futures import as_completed
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cpdiffusion.calibration.recovery import coverage_table, planted, recovered
from cpdiffusion.calibration.smc import Problem
from cpdiffusion.runner.folder import write_whole
from cpdiffusion.runner.parallel import available_cores
from cpdiffusion.runner.processes import processes
from cpdiffusion.runner.progress import progress_bar
from cpdiffusion.studies.calibrate.study import compile_once
from cpdiffusion.studies.settings import Settings

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Recovered:
    """The result of the study."""

    settings: Settings
    rows: pd.DataFrame  # planting x parameter
    coverage: pd.DataFrame  # per parameter, and over all


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
