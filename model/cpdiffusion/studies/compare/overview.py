"""Scenarios at a glance: a row each, all against no policy, when a comparison holds many."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from cpdiffusion.outcomes.catalogue import HEADLINE, RATIOS, Values
from cpdiffusion.outcomes.experiment import NO_POLICY, values_of
from cpdiffusion.outcomes.paired import Interval, draw_means, mean_interval, ratio_difference
from cpdiffusion.runner.parallel import Workers
from cpdiffusion.studies.compare.study import Comparison, run_stretches

if TYPE_CHECKING:
    import pandas as pd

FEWEST = 3  # two scenarios are a pair, which the other tables and figures show better
BENEFIT = "total_benefit_mkrw"
COST = RATIOS["cost_per_additional_adopter_mkrw"]


def overview(result: Comparison) -> pd.DataFrame | None:
    """A row per scenario, most additional adopters first; None for fewer than FEWEST scenarios.

    Columns: scenario, title, replicates; additional_adopters (firms), cost_per_additional_adopter_mkrw
    and benefit_over_no_policy_mkrw, each with _low and _high; public_money_mkrw. The intervals are of
    means over replicates (under a posterior: over its draws), each paired with the same firms and draws
    without any policy.
    """
    import pandas as pd

    if len(result.plan.scenarios) < FEWEST:
        return None
    without = benefit_without_policy(result)
    rows = [_row(name, title, result, without) for name, title in result.plan.titles.items()]
    return pd.DataFrame(rows).sort_values(HEADLINE, ascending=False, kind="stable", ignore_index=True)


def _row(name: str, title: str, result: Comparison, without: Values) -> dict[str, Any]:
    each = result.plan.experiment.seeds_per_draw
    runs = outcome_of(result, name, BENEFIT).size
    additional, money, benefit = (
        draw_means(values, each)
        for values in (
            outcome_of(result, name, HEADLINE),
            outcome_of(result, name, COST.numerator),
            outcome_of(result, name, BENEFIT) - without,
        )
    )
    return {
        "scenario": name, "title": title, "replicates": runs,
        **columns(HEADLINE, mean_interval(additional)),
        COST.numerator: float(money.mean()),
        **columns(COST.id, cost_per_adopter(money, additional)),
        **columns("benefit_over_no_policy_mkrw", mean_interval(benefit)),
    }  # fmt: skip


def outcome_of(result: Comparison, scenario: str, outcome: str) -> Values:
    """An outcome of a scenario in every replicate, shape (K,)."""
    runs = result.runs
    return runs.loc[runs.scenario == scenario, outcome].to_numpy(dtype=float)


def benefit_without_policy(result: Comparison) -> Values:
    """Total benefit without any policy in every replicate of the comparison, shape (K,)."""
    experiment = result.plan.experiment
    same = [name for name, design in experiment.designs.items() if design == NO_POLICY]
    if same:
        return outcome_of(result, same[0], BENEFIT)
    alone = experiment.with_designs({"": NO_POLICY})
    with Workers(result.settings.workers) as workers:
        batches = run_stretches(
            alone, 0, result.replicates, workers, result.settings, "without policy", (BENEFIT,)
        )
    return values_of(batches, "", BENEFIT)


def cost_per_adopter(money: Values, additional: Values) -> Interval:
    """Money per additional adopter, a ratio of means over replicates (K,), with a jackknife interval.

    Unknown without additional adopters. Where zero is within reach of their mean, the ratio is
    unbounded (Fieller 1954), so it has no interval.
    """
    mean = mean_interval(additional)
    if not mean.estimate > 0.0:
        return Interval(math.nan, math.nan, math.nan)
    if not mean.low > 0.0:
        return Interval(float(money.sum() / additional.sum()), math.nan, math.nan)
    return ratio_difference(money, additional, np.zeros(money.size), np.ones(money.size))


def columns(name: str, interval: Interval) -> dict[str, float]:
    """An interval as three columns of a table."""
    return {name: interval.estimate, f"{name}_low": interval.low, f"{name}_high": interval.high}
