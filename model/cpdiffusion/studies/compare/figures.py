"""The figures of a comparison, drawn from its tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from cpdiffusion.evidence.table4 import table4
from cpdiffusion.outcomes.catalogue import HEADLINE, Run
from cpdiffusion.outcomes.experiment import run_replicate
from cpdiffusion.plots import adoption, differences, measures, network, overview, roi, save, turning, why
from cpdiffusion.plots.references import beside_reference_paths
from cpdiffusion.studies import left_open
from cpdiffusion.studies.compare.by_measure import ALL, EMISSIONS, TAKEN
from cpdiffusion.studies.compare.references import on_smart_complexes, smart_shares
from cpdiffusion.studies.compare.study import Comparison
from cpdiffusion.studies.setup import Plan

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

MOMENTS = (0.1, 0.3, 0.6, 1.0)  # of the horizon
MOST_CURVES = 8  # of more scenarios the overview says it better
OF_THE_MEAN = "; what the posterior leaves open is wider"
EXPECTED = (HEADLINE, "spillover_adopters", "total_benefit_mkrw", "emissions_avoided_tco2_per_year")
COMPARED = (HEADLINE, "spillover_adopters", "cost_per_additional_adopter_mkrw", "total_benefit_mkrw")


def write_figures(result: Comparison, glance: pd.DataFrame | None, folder: Path) -> None:
    """adoption, differences, why, network, roi, turning, measures, references, overview: each a PNG."""
    titles = result.plan.titles
    curves = result.trajectories[result.trajectories.scenario.isin(leading(result))]
    one_panel(folder, "adoption", 7, 4.5, lambda ax: adoption.adoption_curves(ax, curves, titles))
    one_panel(folder, "roi", 7, 4.5, lambda ax: _roi(result, ax))
    _network(result, folder)
    if 0 < len(result.plan.pairs) <= MOST_CURVES:
        _differences(result, titles, folder)
    write_reasons(result, folder)
    if result.measures is not None:
        _measures(result, titles, folder)
    if on_smart_complexes(result.plan):
        frame = smart_shares(result.plan)
        one_panel(folder, "references", 8, 5, lambda ax: beside_reference_paths(ax, frame, titles))
    if glance is not None:
        figure = save.figure(overview.WIDTH_INCHES, overview.height_inches(glance))
        further = "" if result.draws is None else OF_THE_MEAN
        overview.overview_panels(figure, glance, overview.KEY + further)
        save.save(figure, folder / "overview.png")


def write_reasons(result: Comparison, folder: Path) -> None:
    """why and turning, where they were asked for."""
    titles = result.plan.titles
    if result.why is not None and len(result.why):
        frame = result.why
        one_panel(
            folder, "why", 8, why.height_inches(frame), lambda ax: why.channel_shares(ax, frame, titles)
        )
    if result.turning is not None:
        tornado = result.turning
        height = turning.height_inches(tornado)
        one_panel(folder, "turning", 9, height, lambda ax: turning.turning_points(ax, tornado, titles))


def leading(result: Comparison) -> list[str]:
    """The scenarios drawn as curves: of many, those with most adopters."""
    mean = {name: float(result.row(name)["mean"]) for name in result.plan.scenarios}
    return sorted(mean, key=lambda name: -mean[name])[:MOST_CURVES]


def one_panel(folder: Path, name: str, width: float, height: float, draw: Callable[[Axes], object]) -> None:
    """A figure of one panel (inches) as a PNG."""
    figure = save.figure(width, height)
    draw(figure.add_subplot())
    save.save(figure, folder / f"{name}.png")


def _roi(result: Comparison, ax) -> None:  # type: ignore[no-untyped-def]
    regions = result.plan.experiment.recipe.regions
    reported = [row for row in table4(result.settings.table) if row.region in regions]
    shown = result.roi[result.roi.scenario.isin(leading(result))]
    roi.reported_against_simulated(ax, reported, shown, result.plan.titles)


def _differences(result: Comparison, titles: dict[str, str], folder: Path) -> None:
    """The paired differences: their intervals, or under a posterior what it leaves open of them."""
    table, outcomes, key = result.table, COMPARED, differences.KEY
    if result.noise is not None:
        table, outcomes, key = expected_differences(result), EXPECTED, left_open.KEY
    figure = save.figure(9, differences.panels_height_inches(9, table, titles, outcomes))
    differences.difference_panels(figure, table, titles, outcomes, key)
    save.save(figure, folder / "differences.png")


def expected_differences(result: Comparison) -> pd.DataFrame:
    """The table of differences with the range of the expected difference in place of the interval."""
    noise = result.noise
    assert noise is not None
    columns = ["scenario", "outcome", "expected_p05", "expected_p95"]
    table = result.table.merge(noise[columns], on=["scenario", "outcome"], how="left")
    return table.assign(difference_low=table.expected_p05, difference_high=table.expected_p95)


def _measures(result: Comparison, titles: dict[str, str], folder: Path) -> None:
    """Who took which measure, and the emissions that it avoids."""
    found = result.measures
    assert found is not None
    shown = found[found.scenario.isin(leading(result)) & (found.measure != ALL)]
    figure = save.figure(measures.WIDTH_INCHES, measures.height_inches(shown))
    measures.measure_panels(figure, shown, titles, (TAKEN.name, EMISSIONS.name))
    save.save(figure, folder / "measures.png")


def _network(result: Comparison, folder: Path) -> None:
    """The main pair's scenario, or the only one, in its first replicate."""
    scenario = result.plan.main_pair[0] if result.plan.pairs else next(iter(result.plan.scenarios))
    run = example_run(result.plan, scenario)
    last = result.plan.experiment.horizon_quarters - 1
    quarters = tuple(round(share * last) for share in MOMENTS)
    figure = save.figure(9, 9)
    network.adopters_at(
        figure, run.world, run.adoption_quarter, run.supported_quarter, quarters, result.plan.titles[scenario]
    )
    save.save(figure, folder / "network.png")


def example_run(planned: Plan, scenario: str) -> Run:
    """The first replicate of a scenario, firm by firm."""
    world = planned.experiment.world(0)
    only = planned.experiment.with_designs({scenario: planned.experiment.designs[scenario]})
    return run_replicate(only, world, 0)[scenario]
