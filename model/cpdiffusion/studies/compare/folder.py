"""The result folder of a comparison: tables, figures, summary and manifest, written as a whole."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cpdiffusion.studies.compare.overview import overview
from cpdiffusion.studies.compare.study import Comparison, compare
from cpdiffusion.studies.compare.summary import headline, summary
from cpdiffusion.studies.folder import Job
from cpdiffusion.studies.settings import Settings

if TYPE_CHECKING:
    import pandas as pd


def compare_to_folder(settings: Settings, scenario_folder: Path, command: str) -> Path:
    """Run the comparison and write its result folder; prints the answer and where it is."""
    job = Job(settings, command)
    result = compare(settings, scenario_folder)
    glance = overview(result)
    return job.finish(
        partial(write, result, glance), summary(result, command), headline(result), drawn(result)
    )


def write(result: Comparison, glance: pd.DataFrame | None, folder: Path) -> None:
    """Tables, and figures if they are asked for."""
    write_tables(result, glance, folder)
    if result.settings.figures:
        from cpdiffusion.studies.compare.figures import write_figures

        write_figures(result, glance, folder)


def write_tables(result: Comparison, glance: pd.DataFrame | None, folder: Path) -> None:
    """comparison, trajectories, runs, roi, and where there are any why, turning, measures, overview,
    noise and draws."""
    result.table.to_csv(folder / "comparison.csv", index=False, float_format="%.10g")
    result.trajectories.to_parquet(folder / "trajectories.parquet", index=False)
    result.runs.to_parquet(folder / "runs.parquet", index=False)
    result.roi.to_csv(folder / "roi.csv", index=False, float_format="%.10g")
    further = {
        "why": result.why, "turning": result.turning, "measures": result.measures, "overview": glance,
        "noise": result.noise, "draws": result.draws,
    }  # fmt: skip
    for name, frame in further.items():
        if frame is not None:
            frame.to_csv(folder / f"{name}.csv", index=False, float_format="%.10g")


def drawn(result: Comparison) -> dict[str, Any]:
    """What the settings came to, and how much was drawn to answer them."""
    return {
        **result.plan.asked,
        "replicates": result.replicates,
        "intervals_as_narrow_as_asked": result.reached,
    }
