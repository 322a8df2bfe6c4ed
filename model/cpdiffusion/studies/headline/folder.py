"""The result folder of ``study=headline``: tables, figures, and the finding in plain words."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from cpdiffusion.studies.compare.folder import drawn
from cpdiffusion.studies.folder import Job
from cpdiffusion.studies.headline.study import Headline, headline
from cpdiffusion.studies.headline.summary import finding, summary
from cpdiffusion.studies.settings import Settings


def headline_to_folder(settings: Settings, scenario_folder: Path, command: str) -> Path:
    """Run the study and write its result folder; prints the finding and where it is."""
    job = Job(settings, command)
    result = headline(settings, scenario_folder)
    return job.finish(partial(write, result), summary(result, command), finding(result), asked(result))


def write(result: Headline, folder: Path) -> None:
    """headline, cohort_sizes, best_size, depends_on, draws, why and turning, and figures if asked for."""
    tables = {
        "headline": result.table, "cohort_sizes": result.cohort_sizes, "best_size": result.best_size,
        "depends_on": result.depends_on, "draws": result.draws, "why": result.why, "turning": result.turning,
    }  # fmt: skip
    for name, frame in tables.items():
        if frame is not None:
            frame.to_csv(folder / f"{name}.csv", index=False, float_format="%.10g")
    if result.settings.figures:
        write_figures(result, folder)


def write_figures(result: Headline, folder: Path) -> None:
    """cohort_sizes and depends_on, and those of the comparison on why and turning points."""
    from cpdiffusion.plots import cohort_sizes, depends, save
    from cpdiffusion.studies.compare.figures import one_panel, write_reasons

    figure = save.figure(cohort_sizes.WIDTH_INCHES, cohort_sizes.HEIGHT_INCHES)
    cohort_sizes.cohort_size_panels(figure, result.cohort_sizes, result.sizes.chosen)
    save.save(figure, folder / "cohort_sizes.png")
    table, mean = result.depends_on, float(result.table.difference[0])
    one_panel(
        folder, "depends_on", depends.WIDTH_INCHES, depends.height_inches(table),
        lambda ax: depends.dependence(ax, table, mean),
    )  # fmt: skip
    write_reasons(result.comparison, folder)


def asked(result: Headline) -> dict[str, Any]:
    """What the settings came to, and how much was drawn to answer them."""
    return {**drawn(result.comparison), "cohort_sizes": list(result.sizes.sizes)}
