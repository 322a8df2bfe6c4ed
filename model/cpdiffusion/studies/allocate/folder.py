"""The result folder of ``study=allocate``: tables, figures, and what they say in plain words."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from cpdiffusion.studies.allocate.run import ADOPTERS, BENEFIT
from cpdiffusion.studies.allocate.splits import BEST, TITLES
from cpdiffusion.studies.allocate.study import Allocation, allocate
from cpdiffusion.studies.allocate.summary import answer, summary
from cpdiffusion.studies.allocate.tables import TABLES
from cpdiffusion.studies.folder import Job
from cpdiffusion.studies.settings import Settings

OUTCOME_TITLES = {
    ADOPTERS: "Additional adopters (firms)",
    BENEFIT: "Additional total benefit (million KRW)",
}


def allocate_to_folder(settings: Settings, scenario_folder: Path, command: str) -> Path:
    """Split, judge and write the result folder; prints the answer and where it is."""
    job = Job(settings, command)
    result = allocate(settings, scenario_folder)
    return job.finish(partial(write, result), summary(result, command), answer(result), asked(result))


def write(result: Allocation, folder: Path) -> None:
    """allocation.csv, splits.csv and curves.csv, and figures if they are asked for."""
    for name in TABLES:
        result.frame(name).to_csv(folder / f"{name}.csv", index=False, float_format="%.10g")
    if result.settings.figures:
        write_figures(result, folder)


def write_figures(result: Allocation, folder: Path) -> None:
    """allocation.png, curves.png and marginal.png."""
    from cpdiffusion.plots import allocation, response, save

    table = result.table
    figure = save.figure(allocation.WIDTH_INCHES, allocation.HEIGHT_INCHES)
    allocation.allocation_panels(figure, table, result.frame("splits"), TITLES, OUTCOME_TITLES)
    save.save(figure, folder / "allocation.png")
    kinds = {name: title for name, title in result.asked.plan.titles.items() if name in result.asked.kinds}
    figure = save.figure(response.WIDTH_INCHES, response.height_inches(len(result.asked.regions)))
    response.response_panels(figure, result.frame("curves"), table, kinds, TITLES)
    save.save(figure, folder / "curves.png")
    kind = usual_kind(result)
    figure = save.figure(*response.MARGINAL_INCHES)
    even = result.asked.budget_mkrw / len(result.asked.regions)
    response.marginal_gains(figure.add_subplot(), result.frame("curves"), kind, kinds[kind], even)
    save.save(figure, folder / "marginal.png")


def usual_kind(result: Allocation) -> str:
    """The kind of support that the best split gives most money to."""
    money = dict.fromkeys(result.asked.kinds, 0.0)
    for kind, mkrw in result.splits[BEST].values():
        money[kind] += mkrw
    return max(money, key=lambda kind: money[kind])


def asked(result: Allocation) -> dict[str, Any]:
    """What the settings came to, and how much was drawn to answer them."""
    of = result.asked
    return {
        **of.plan.asked,
        "budget_mkrw_per_year": of.budget_mkrw,
        "grid_mkrw_per_year": [level * of.unit_mkrw for level in of.levels],
        "why_no_posterior": of.without_posterior,
        "replicates": {"to_choose_by": of.trained[1], "held_out": of.held_out[1]},
    }
