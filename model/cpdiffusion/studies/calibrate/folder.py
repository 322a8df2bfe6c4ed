"""The result folder of ``study=calibrate``: the posterior, what was learned, what fits, figures."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from cpdiffusion.calibration.posterior import write_posterior
from cpdiffusion.calibration.smc import TEMPERATURES, require_pyabc
from cpdiffusion.errors import Interrupted
from cpdiffusion.runner.unfinished import finished, take_up
from cpdiffusion.studies.calibrate.study import Calibrated, asked_for, calibrated, problem_of
from cpdiffusion.studies.calibrate.summary import headline, summary
from cpdiffusion.studies.folder import Job
from cpdiffusion.studies.settings import Settings

POSTERIOR = "posterior.parquet"
TABLES = ("parameters", "fits", "pairs", "sources")


def calibrate_to_folder(settings: Settings, command: str) -> Path:
    """Calibrate and write the result folder; an interrupted run goes on by the same command."""
    require_pyabc()
    problem_of(settings)  # its refusals before anything is left on the disk
    job = Job(settings, command)
    state = take_up(job.out, asked_for(settings))
    try:
        result = calibrated(settings, state)
    except KeyboardInterrupt:
        raise Interrupted(
            f"interrupted; the generations that were whole are kept in {state}, and the same command goes on "
            "from there."
        ) from None
    out = job.finish(
        partial(write, result, command), summary(result, command), headline(result), drawn(result)
    )
    finished(state)
    return out


def write(result: Calibrated, command: str, folder: Path) -> None:
    """posterior.parquet, parameters.csv, fits.csv, pairs.csv, sources.csv, generations.csv; figures."""
    write_posterior(result.posterior(command), folder / POSTERIOR)
    for name in TABLES:
        getattr(result, name).to_csv(folder / f"{name}.csv", index=False, float_format="%.10g")
    result.found.generations.to_csv(folder / "generations.csv", index=False, float_format="%.10g")
    if result.settings.figures:
        write_figures(result, folder)


def write_figures(result: Calibrated, folder: Path) -> None:
    """learned.png, fits.png, pairs.png, sources.png."""
    from cpdiffusion.plots import learned, save

    found, prior = result.found, result.problem.prior
    drawings = {
        "learned": partial(learned.marginals, values=found.values, weights=found.weights),
        "fits": partial(learned.fits, frame=result.fits),
        "pairs": partial(learned.pairs, frame=result.pairs),
        "sources": partial(learned.sources, frame=result.sources),
    }
    for name, draw in drawings.items():
        figure = save.figure(*learned.size_inches(name, len(prior.names), len(result.problem.targets)))
        draw(figure, result.parameters)
        save.save(figure, folder / f"{name}.png")


def drawn(result: Calibrated) -> dict[str, Any]:
    """What the settings came to."""
    return {
        "calibrated": list(result.problem.prior.names),
        "targets": [target.name for target in result.problem.targets],
        "temperatures": list(TEMPERATURES),
        "candidates": int(result.found.generations.evaluated.sum()),
        "effective_draws": round(result.found.effective, 1),
        "region_years": len(result.rows),
    }
