"""``study=headline``: how much better cohorts are than individual support at equal money, how surely,
through which channels, at which cohort sizes, and what would turn the answer.

The comparison itself is that of ``study=compare`` under a posterior, with its channels and turning points.
Beside it the cohort scenario is run at other sizes on the same worlds with the same draws, and the
difference is regressed on the parameters that were drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cpdiffusion.errors import InputError
from cpdiffusion.outcomes.catalogue import HEADLINE
from cpdiffusion.outcomes.depends import Regression, regression
from cpdiffusion.outcomes.noise import split_noise
from cpdiffusion.parameters import BY_NAME
from cpdiffusion.runner.parallel import Workers
from cpdiffusion.studies.compare.study import Comparison, compare, why_table
from cpdiffusion.studies.headline.sizes import Sizes, check_sizes, run_sizes, sizes_of
from cpdiffusion.studies.settings import Settings
from cpdiffusion.studies.setup import Plan, plan
from cpdiffusion.world.world import Recipe

if TYPE_CHECKING:
    import pandas as pd

WHY_RUNS = 100_000  # so many allow the channels of the paper's contrast every replicate: they then add up
DIFFERENCE = ("difference", "difference_low", "difference_high")


@dataclass(frozen=True)
class Headline:
    """The result of the study. It does not change: each frame that it hands out is a copy."""

    comparison: Comparison
    sizes: Sizes = field(repr=False)
    _frames: Mapping[str, pd.DataFrame] = field(repr=False)

    @property
    def settings(self) -> Settings:
        """What was asked."""
        return self.comparison.settings

    @property
    def table(self) -> pd.DataFrame:
        """Outcome: both levels, the difference with its interval and range, probabilities, noise split."""
        return self._frames["headline"].copy()

    @property
    def cohort_sizes(self) -> pd.DataFrame:
        """Cohort size: the difference to individual support, and what the size loses to the best."""
        return self._frames["cohort_sizes"].copy()

    @property
    def best_size(self) -> pd.DataFrame:
        """The best size with what is open about it, and what the scenario's own size loses to it."""
        return self._frames["best_size"].copy()

    @property
    def depends_on(self) -> pd.DataFrame:
        """Drawn parameter: what it does to the difference; no rows if there are too few draws to tell."""
        return self._frames["depends_on"].copy()

    @property
    def draws(self) -> pd.DataFrame:
        """Draw: its parameters, the mean difference of its replicates, and its best cohort size."""
        return self._frames["draws"].copy()

    @property
    def why(self) -> pd.DataFrame | None:
        """Channel: its share of the difference; None if not asked for."""
        return self.comparison.why

    @property
    def turning(self) -> pd.DataFrame | None:
        """Parameter that was not drawn: the difference at both ends of its range; None if not asked for."""
        return self.comparison.turning

    @property
    def explained(self) -> float:
        """Share of what the drawn parameters do to the difference that a linear regression sees."""
        return float(self._frames["depends_on"].share.sum())


def headline(settings: Settings, scenario_folder: Path, recipe: Recipe | None = None) -> Headline:
    """Run the study that the settings describe, on a world of one's own; nothing is written."""
    settings, planned = candidates(settings, scenario_folder, recipe)
    sizes = sizes_of(settings, planned)
    check_sizes(planned, sizes, settings)
    result = compare(settings.model_copy(update={"why": False}), scenario_folder, recipe)
    result = replace(result, settings=settings)
    with Workers(settings.workers) as workers:
        batches = run_sizes(planned, sizes, result.replicates, settings, workers)
        if settings.why:
            number = result.replicates
            result = result.with_why(why_table(planned, number, settings, workers, number, WHY_RUNS))
    chosen = planned.experiment.designs[planned.main_pair[0]].batch
    found = Sizes(batches, sizes, chosen, planned.experiment)
    return Headline(result, found, frames_of(result, found))


def frames_of(result: Comparison, sizes: Sizes) -> dict[str, pd.DataFrame]:
    """The tables beside those of the comparison."""
    draws, difference = result.draws, difference_by_replicate(result)
    assert draws is not None
    means = difference.reshape(-1, sizes.each).mean(axis=1)
    return {
        "headline": headline_table(result),
        "cohort_sizes": sizes.table(),
        "best_size": sizes.best_table(),
        "depends_on": depends_table(result, difference, sizes.each),
        "draws": draws.assign(difference=means, best_size=sizes.best_by_draw),
    }


# --- what is asked -------------------------------------------------------------------------------


def candidates(
    settings: Settings, scenario_folder: Path, recipe: Recipe | None = None
) -> tuple[Settings, Plan]:
    """The settings with individual support as the baseline, and their plan.

    InputError without a posterior, or unless one scenario supports in cohorts, one singly, at equal money.
    """
    require_posterior(settings)
    planned = plan(settings, scenario_folder, recipe)
    kinds = {name: scenario.levers.support for name, scenario in planned.scenarios.items()}
    if sorted(kinds.values()) != ["cluster", "individual"]:
        raise InputError(
            f"scenarios=[{', '.join(kinds)}]: study=headline compares one scenario with support: cluster "
            "with one with support: individual; name one of each."
        )
    alone = next(name for name, kind in kinds.items() if kind == "individual")
    require_equal_money(planned)
    settings = settings.model_copy(update={"baseline": alone})
    return settings, plan(settings, scenario_folder, recipe)


def require_posterior(settings: Settings) -> None:
    """InputError for fixed parameters: how sure a finding is cannot be told from them."""
    if settings.posterior.file is None:
        raise InputError(
            "posterior.file: study=headline says how sure the finding is, and needs a posterior for it; set "
            "parameters=posterior or parameters=<file>.parquet, or use study=compare for fixed parameters."
        )


def require_equal_money(planned: Plan) -> None:
    """InputError unless both scenarios have the same budget in the same years."""
    budgets = {
        name: (d.budget_mkrw_per_year, d.first_year, d.programme_years)
        for name, d in planned.experiment.designs.items()
    }
    one, other = budgets
    if budgets[one] != budgets[other]:
        told = (f"'{n}' has {b[0]:g} million KRW in each of {b[2]} years" for n, b in budgets.items())
        raise InputError(
            f"scenarios: {' and '.join(told)}; study=headline compares at equal money, so give both the same "
            "budget_mkrw_per_year, first_year and programme_years."
        )


# --- tables --------------------------------------------------------------------------------------


def headline_table(result: Comparison) -> pd.DataFrame:
    """One row per outcome of the comparison, additional adopters first."""
    assert result.noise is not None
    scenario, baseline = result.plan.main_pair
    levels = result.table.set_index(["scenario", "outcome"])
    found = result.noise.drop(columns="mean")
    mine, base = levels.loc[scenario].loc[found.outcome], levels.loc[baseline].loc[found.outcome]
    found.insert(5, "mean_scenario", mine["mean"].to_numpy())
    found.insert(6, "mean_baseline", base["mean"].to_numpy())
    for place, column in enumerate(DIFFERENCE, start=7):
        found.insert(place, column, mine[column].to_numpy())
    return found.sort_values("outcome", key=lambda names: names != HEADLINE, kind="stable", ignore_index=True)


def difference_by_replicate(result: Comparison) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Additional adopters of cohorts over individual support in each replicate, shape (K,)."""
    runs = result.runs.pivot(index="replicate", columns="scenario", values=HEADLINE)
    scenario, baseline = result.plan.main_pair
    return (runs[scenario] - runs[baseline]).to_numpy(dtype=float)


def depends_table(result: Comparison, difference: Any, seeds_per_draw: int) -> pd.DataFrame:
    """One row per drawn parameter that varies, the largest share first."""
    import pandas as pd

    assert result.draws is not None
    drawn = result.draws[list(result.plan.experiment.drawn)]
    drawn = drawn.loc[:, drawn.std() > 0]
    noise = split_noise(difference, seeds_per_draw)
    luck = noise.variance_seeds / seeds_per_draw
    found = regression(drawn.to_numpy(), noise.means, luck) if drawn.shape[1] else None
    rows = depends_rows(drawn, found, noise.mean) if found else []
    frame = pd.DataFrame(rows, columns=COLUMNS)
    return frame.sort_values("share", ascending=False, kind="stable", ignore_index=True)


COLUMNS = [
    "parameter", "meaning", "unit", "drawn_mean", "drawn_sd", "low", "high",
    *(f"{figure}{end}" for figure in ("per_sd", "share", "difference_at_low", "difference_at_high")
      for end in ("", "_from", "_to")),
    "turns",
]  # fmt: skip


def depends_rows(drawn: pd.DataFrame, found: Regression, mean: float) -> list[list[Any]]:
    """Values of COLUMNS for each parameter; low and high are the 5 % and 95 % quantile of its draws."""
    rows = []
    for name, one in zip(drawn.columns, found.parameters, strict=True):
        values, parameter = drawn[name], BY_NAME[name]
        figures = (one.per_sd, one.share, one.at_low, one.at_high)
        rows.append([
            name, parameter.meaning, parameter.unit, values.mean(), values.std(),
            values.quantile(0.05), values.quantile(0.95),
            *(end for i in figures for end in (i.estimate, i.low, i.high)),
            min(one.at_low.estimate * mean, one.at_high.estimate * mean) < 0,
        ])  # fmt: skip
    return rows
