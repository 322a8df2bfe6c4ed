"""What a sweep found: at every point the paired difference, and what it goes along with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cpdiffusion.factors.factor import Factor
from cpdiffusion.factors.points import Points
from cpdiffusion.outcomes.catalogue import CATALOGUE, HEADLINE, Values
from cpdiffusion.outcomes.paired import draw_means, mean_interval, probability_better
from cpdiffusion.studies.sweep.opened import Opened

if TYPE_CHECKING:
    import pandas as pd

TOLD = (HEADLINE, "total_benefit_mkrw", "public_money_mkrw", "accidents_avoided")
COLUMNS = (
    "point", "scenario", "baseline", "outcome", "mean_scenario", "mean_baseline", "difference",
    "difference_low", "difference_high", "probability_better", "replicates",
)  # fmt: skip
Pair = tuple[str, str]


def main_outcome(outcomes: Sequence[str]) -> str:
    """The outcome to read aloud: additional adopters if they were kept."""
    return HEADLINE if HEADLINE in outcomes else outcomes[0]


def told_outcomes(outcomes: Sequence[str]) -> tuple[str, ...]:
    """The outcomes of which differences are written for every point; all others are in the runs."""
    main = main_outcome(outcomes)
    return (main, *(name for name in TOLD if name in outcomes and name != main))


def levels(opened: Opened, outcome: str, scenarios: Sequence[str]) -> tuple[Values, dict[str, Values]]:
    """Numbers of the points that were computed (P,), and the outcome of each scenario there (P, K).

    A point that failed in some replicates only is left out: the ledger calls it failed.
    """
    runs = opened.runs([outcome])
    number = runs.groupby("point").point.transform("size")
    runs = runs[number == number.max()]
    runs = runs.sort_values(["scenario", "point", "replicate"], kind="stable")
    points = np.unique(runs.point.to_numpy())
    found = {}
    for name in scenarios:
        values = runs.loc[runs.scenario == name, outcome].to_numpy(dtype=float)
        found[name] = values.reshape(points.size, -1)
    return points, found


def difference_table(
    opened: Opened, pairs: Sequence[Pair], outcomes: Sequence[str], seeds_per_draw: int
) -> pd.DataFrame:
    """One row per point, pair and outcome, with the 90 % interval of the paired difference."""
    import pandas as pd

    rows = [row for o in outcomes for row in _rows(opened, pairs, o, seeds_per_draw)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _rows(opened: Opened, pairs: Sequence[Pair], outcome: str, each: int) -> list[tuple[Any, ...]]:
    points, found = levels(opened, outcome, sorted({name for pair in pairs for name in pair}))
    better, rows = CATALOGUE[outcome].better, []
    for scenario, baseline in pairs:
        for point, mine, base in zip(points, found[scenario], found[baseline], strict=True):
            difference = mine - base
            interval = mean_interval(draw_means(difference, each))
            known = np.isfinite(difference)
            means = (mine[known].mean(), base[known].mean()) if known.any() else (np.nan, np.nan)
            ends = (interval.estimate, interval.low, interval.high)
            chance = probability_better(difference, better)
            rows.append((point, scenario, baseline, outcome, *means, *ends, chance, mine.size))
    return rows


def association_table(
    differences: pd.DataFrame, points: Points, factors: Sequence[Factor], pair: Pair, outcome: str
) -> pd.DataFrame:
    """Per factor how far the difference goes along with it: rank correlation, and the range of means.

    ``correlation``: Spearman's, of factors that are numbers. ``share``: of the variance of the
    difference between points, what lies between groups of equal values, or between parts of a range
    (the correlation ratio): also where the way goes up and down again, or values are words.
    """
    import pandas as pd

    asked = (differences.scenario == pair[0]) & (differences.baseline == pair[1])
    mine = differences[asked & (differences.outcome == outcome)]
    rows = []
    for factor in factors:
        column = points.columns[factor.key][mine.point.to_numpy()]
        rows.append(_association(factor, column, mine.difference.to_numpy()))
    return pd.DataFrame(rows).sort_values("share", ascending=False, kind="stable", ignore_index=True)


def _association(factor: Factor, column: Values, difference: Values) -> dict[str, Any]:
    known = np.isfinite(difference)
    column, difference = column[known], difference[known]
    group = groups_of(factor, column)
    means = [difference[group == g].mean() for g in np.unique(group)]
    about = factor.known
    return {
        "factor": factor.key, "unit": about.unit, "status": about.status,
        "correlation": rank_correlation(column, difference) if factor.is_number else np.nan,
        "share": correlation_ratio(group, difference),
        "lowest_mean": min(means, default=np.nan), "highest_mean": max(means, default=np.nan),
    }  # fmt: skip


MOST_GROUPS = 10


def groups_of(factor: Factor, column: Values) -> Values:
    """A group number for each point: of equal values, or a part of a range with enough points in it."""
    groups = max(2, min(MOST_GROUPS, int(column.size**0.5)))
    values, place = np.unique(column.astype(str) if column.dtype == object else column, return_inverse=True)
    if values.size <= groups or not factor.is_number:
        return np.asarray(place)
    low, high = float(values[0]), float(values[-1])
    return np.minimum(((column - low) / (high - low) * groups).astype(int), groups - 1)


def correlation_ratio(group: Values, values: Values) -> float:
    """Share of the variance that lies between groups (Pearson's eta squared); nan without variance."""
    total = float(((values - values.mean()) ** 2).sum()) if values.size else 0.0
    if total == 0.0:
        return float("nan")
    parts = (values[group == g] for g in np.unique(group))
    return float(sum(p.size * (p.mean() - values.mean()) ** 2 for p in parts)) / total


def rank_correlation(column: Values, values: Values) -> float:
    """Spearman's; nan where one of them does not vary."""
    from scipy.stats import rankdata

    if column.size < 3 or np.ptp(column.astype(float)) == 0 or np.ptp(values) == 0:
        return float("nan")
    return float(np.corrcoef(rankdata(column), rankdata(values))[0, 1])
