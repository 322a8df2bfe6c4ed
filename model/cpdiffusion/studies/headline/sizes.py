"""The cohort sizes that the headline finding tries: the same scenario at each size, for the same money."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cpdiffusion.errors import InputError
from cpdiffusion.outcomes.best_size import best_places, curves_of, regrets, unevenness
from cpdiffusion.outcomes.catalogue import HEADLINE_DIFFERENCE, Values
from cpdiffusion.outcomes.experiment import Batch, Experiment, values_of
from cpdiffusion.outcomes.noise import expected_range, split_noise
from cpdiffusion.outcomes.paired import QUANTILES, Interval, draw_means, mean_interval
from cpdiffusion.policy.design import Design
from cpdiffusion.policy.programme import advice_costs
from cpdiffusion.runner.parallel import Workers
from cpdiffusion.studies.compare.study import run_stretches
from cpdiffusion.studies.settings import Settings
from cpdiffusion.studies.setup import Plan, check_design

if TYPE_CHECKING:
    import pandas as pd

SETTING = "headline.cohort_sizes"
ALONE = "individual"
SUPPORTED, MONEY = "supported_firms", "public_money_mkrw"
OUTCOMES = (HEADLINE_DIFFERENCE, SUPPORTED, MONEY)


def sizes_of(settings: Settings, planned: Plan) -> tuple[int, ...]:
    """The sizes asked for and that of the scenario itself, ascending."""
    own = planned.experiment.designs[planned.main_pair[0]].batch
    return tuple(sorted({*settings.headline.cohort_sizes, own}))


def of_size(design: Design, size: int) -> Design:
    """The same design with cohorts of another size."""
    return replace(design, batch=size, cost_group=size, coordination_group=size, learning_group=size)


def check_sizes(planned: Plan, sizes: Sequence[int], settings: Settings) -> None:
    """InputError for a size that no region holds, or of which the whole budget does not pay one cohort."""
    experiment = planned.experiment
    design = experiment.designs[planned.main_pair[0]]
    dearest = dict.fromkeys(sizes, 0.0)
    for k in range(len(experiment.draws)):
        values = experiment.at(k * experiment.seeds_per_draw).parameters
        for size in sizes:
            mine = of_size(design, size)
            check_design(SETTING, mine, experiment.recipe, values, settings.horizon_years)
            dearest[size] = max(dearest[size], float(advice_costs(mine, values)[size]))
    require_payable(dearest, design.budget_mkrw_per_year * design.programme_years, design.batch)


def require_payable(cost_mkrw: Mapping[int, float], budget_mkrw: float, own: int) -> None:
    """InputError unless the budget pays a cohort of each size; ``own`` is that of the scenario itself."""
    payable = [size for size, cost in cost_mkrw.items() if cost <= budget_mkrw]
    if len(payable) == len(cost_mkrw):
        return
    first = next(size for size in cost_mkrw if size not in payable)
    way_out = "raise levers.budget_mkrw_per_year"
    if own in payable and len(payable) > 1:
        way_out += f", or set {SETTING}=[{','.join(map(str, payable))}]"
    raise InputError(
        f"{SETTING}: a cohort of {first} costs up to {cost_mkrw[first]:,.0f} million KRW, more than the "
        f"whole budget of {budget_mkrw:,.0f}; {way_out}."
    )


def run_sizes(
    planned: Plan, sizes: Sequence[int], replicates: int, settings: Settings, workers: Workers
) -> list[Batch]:
    """Individual support and every size, on the worlds and with the draws of the comparison."""
    experiment = planned.experiment
    scenario, baseline = (experiment.designs[name] for name in planned.main_pair)
    designs = {ALONE: baseline} | {str(size): of_size(scenario, size) for size in sizes}
    return run_stretches(
        experiment.with_designs(designs), 0, replicates, workers, settings, "cohort sizes", OUTCOMES
    )


class Sizes:
    """What came out at every size: ``sizes`` (S,), ascending, against individual support."""

    def __init__(self, batches: Sequence[Batch], sizes: Sequence[int], chosen: int, experiment: Experiment):
        self.sizes, self.chosen, self.each = tuple(sizes), chosen, experiment.seeds_per_draw
        self._batches = batches
        alone = self._values(ALONE, HEADLINE_DIFFERENCE)
        self.difference = np.column_stack([self._values(str(s), HEADLINE_DIFFERENCE) - alone for s in sizes])
        self.curves = curves_of(self.difference, sizes, self.each)

    def _values(self, design: str, outcome: str) -> Values:
        return values_of(self._batches, design, outcome)

    @property
    def best_on_average(self) -> int:
        """Place of the size with the highest mean over everything that is not known."""
        return int(self.difference.mean(axis=0).argmax())

    @property
    def best_by_draw(self) -> Values:
        """The size that does best under each draw, shape (draws,)."""
        return np.array(self.sizes)[best_places(self.curves)]

    def behind(self, place: int) -> Interval:
        """By how many adopters a size falls behind the one that is best on average."""
        best = self.difference[:, self.best_on_average]
        return mean_interval(draw_means(best - self.difference[:, place], self.each))

    def mean_of(self, design: str, outcome: str) -> float:
        """Mean of an outcome over all replicates."""
        return float(self._values(design, outcome).mean())

    # --- tables ----------------------------------------------------------------------------------

    def table(self) -> pd.DataFrame:
        """One row per size."""
        import pandas as pd

        return pd.DataFrame([self._row(place, size) for place, size in enumerate(self.sizes)])

    def _row(self, place: int, size: int) -> dict[str, Any]:
        difference = self.difference[:, place]
        mean, noise = mean_interval(draw_means(difference, self.each)), split_noise(difference, self.each)
        low, high = expected_range(noise)
        behind, lost = self.behind(place), regrets(self.curves)[:, place]
        return {
            "cohort_size": size, "difference": mean.estimate, "difference_low": mean.low,
            "difference_high": mean.high, "expected_p05": low, "expected_p95": high,
            "probability_better_on_average": noise.probability_above_zero(),
            "share_best": float((self.best_by_draw == size).mean()),
            "behind_best": behind.estimate, "behind_best_low": behind.low, "behind_best_high": behind.high,
            "regret": float(lost.mean()), "regret_p05": float(np.quantile(lost, QUANTILES[0])),
            "regret_p95": float(np.quantile(lost, QUANTILES[-1])),
            "supported_firms": self.mean_of(str(size), SUPPORTED),
            "public_money_mkrw": self.mean_of(str(size), MONEY),
        }  # fmt: skip

    def best_table(self) -> pd.DataFrame:
        """The best size and what the scenario's own loses to it; a row per figure."""
        import pandas as pd

        best, lost = self.best_by_draw, regrets(self.curves)[:, self.sizes.index(self.chosen)]
        behind = self.behind(self.sizes.index(self.chosen))
        low, high = self.as_good()
        rows = [
            ("best_on_average", "size that is best on average; low and high: sizes not clearly worse",
             "firms", self.sizes[self.best_on_average], low, high),
            ("best_by_draw", "size that is best under a draw: median, 5 % and 95 % of draws", "firms",
             *np.quantile(best, (0.5, QUANTILES[0], QUANTILES[-1]), method="inverted_cdf")),
            ("share_best_at_smallest", "share of draws in which the smallest size tried is best", "share",
             (best == self.sizes[0]).mean(), *[np.nan] * 2),
            ("share_best_at_largest", "share of draws in which the largest size tried is best", "share",
             (best == self.sizes[-1]).mean(), *[np.nan] * 2),
            (f"behind_best_of_{self.chosen}", "lost to the size that is best on average: mean, 90 % interval "
             "of the mean", "adopters", behind.estimate, behind.low, behind.high),
            (f"regret_of_{self.chosen}", "lost to the size that is best under each draw: mean, 5 % and 95 % "
             "of draws", "adopters", lost.mean(), *np.quantile(lost, (QUANTILES[0], QUANTILES[-1]))),
            ("unevenness", "by how much the means at the sizes depart from a smooth curve, root mean square",
             "adopters", unevenness(self.difference, self.sizes), *[np.nan] * 2),
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=["figure", "meaning", "unit", "estimate", "low", "high"])

    def as_good(self) -> tuple[int, int]:
        """Smallest and largest size that is not clearly worse than the best on average."""
        places = range(len(self.sizes))
        good = [s for s, k in zip(self.sizes, places, strict=True) if not self.behind(k).low > 0.0]
        return min(good), max(good)
