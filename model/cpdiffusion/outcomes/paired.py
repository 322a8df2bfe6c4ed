"""Paired differences between policies, with intervals.

Differences are taken replicate by replicate (common random numbers; Law 2015, ch. 11), so the
noise that both policies share cancels. Intervals of a mean are Student's; those of a ratio of
means come from the jackknife. Where successive replicates share a draw of uncertain parameters
they are not independent of one another: intervals then rest on the means of the draws.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cpdiffusion.outcomes.catalogue import CATALOGUE, RATIOS, Outcome, Ratio, Values

if TYPE_CHECKING:
    import pandas as pd

CONFIDENCE = 0.90  # of all intervals
QUANTILES = (0.05, 0.50, 0.95)


@dataclass(frozen=True)
class Interval:
    """An estimate with its interval."""

    estimate: float
    low: float
    high: float

    @property
    def half_width(self) -> float:
        """Half the interval's width."""
        return 0.5 * (self.high - self.low)

    @property
    def excludes_zero(self) -> bool:
        """Whether the sign is clear."""
        return self.low > 0.0 or self.high < 0.0


def mean_interval(values: Values) -> Interval:
    """Mean with Student's interval; values (K,) are independent replicates, nan are left out."""
    values = values[np.isfinite(values)]
    if values.size < 2:
        mean = float(values.mean()) if values.size else math.nan
        return Interval(mean, math.nan, math.nan)
    mean, error = float(values.mean()), float(values.std(ddof=1)) / math.sqrt(values.size)
    reach = student_quantile(values.size - 1) * error
    return Interval(mean, mean - reach, mean + reach)


def draw_means(values: Values, seeds_per_draw: int) -> Values:
    """Mean of each ``seeds_per_draw`` successive replicates, shape (draws,); values (K,), nan left out.

    A draw without any known value is nan. With one replicate per draw the values themselves.
    """
    if seeds_per_draw == 1:
        return values
    by_draw = in_draws(values, seeds_per_draw)
    known = np.isfinite(by_draw)
    number, total = known.sum(axis=1), np.where(known, by_draw, 0.0).sum(axis=1)
    return np.divide(total, number, out=np.full(total.size, math.nan), where=number > 0)


def in_draws(values: Values, seeds_per_draw: int) -> Values:
    """Replicates (K,) as rows of draws, shape (draws, seeds_per_draw); a last draw is filled with nan."""
    missing = -values.size % seeds_per_draw
    filled = np.concatenate([values.astype(float), np.full(missing, math.nan)])
    return filled.reshape(-1, seeds_per_draw)


def student_quantile(degrees: int) -> float:
    """The two-sided Student quantile of CONFIDENCE."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees, 0.5 + 0.5 * CONFIDENCE))


def ratio_difference(
    numerator: Values, denominator: Values, base_numerator: Values, base_denominator: Values
) -> Interval:
    """Difference of two ratios of means with a jackknife interval; all arrays (K,), paired."""
    arrays = (numerator, denominator, base_numerator, base_denominator)
    k = numerator.size
    if k < 2:
        return Interval(math.nan, math.nan, math.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        a, b, c, d = (values.sum() for values in arrays)
        estimate = float(a / b - c / d)
        without = (a - numerator) / (b - denominator) - (c - base_numerator) / (d - base_denominator)
    if not (math.isfinite(estimate) and np.isfinite(without).all()):
        return Interval(math.nan, math.nan, math.nan)
    error = math.sqrt((k - 1) / k * float(((without - without.mean()) ** 2).sum()))
    reach = student_quantile(k - 1) * error
    return Interval(estimate, estimate - reach, estimate + reach)


def probability_better(difference: Values, better: int) -> float:
    """Share of replicates in which the policy does better; ties count half; nan if neither is."""
    known = difference[~np.isnan(difference)]
    if better == 0 or known.size == 0:
        return math.nan
    signed = better * known
    return float((signed > 0).mean() + 0.5 * (signed == 0).mean())


def comparison_table(
    runs: dict[str, pd.DataFrame], baselines: dict[str, str | None], seeds_per_draw: int = 1
) -> pd.DataFrame:
    """One row per scenario and outcome: levels and the paired difference to the baseline.

    ``runs`` holds one frame per scenario, a row per replicate and a column per outcome. So many
    successive replicates share a draw of the parameters; the intervals allow for it.
    """
    import pandas as pd

    outcomes: list[Outcome | Ratio] = [*CATALOGUE.values(), *RATIOS.values()]
    rows = [
        _row(name, baselines[name], outcome, runs, seeds_per_draw) for name in runs for outcome in outcomes
    ]
    return pd.DataFrame(rows)


def _row(
    scenario: str,
    baseline: str | None,
    outcome: Outcome | Ratio,
    runs: dict[str, pd.DataFrame],
    seeds_per_draw: int,
) -> dict[str, object]:
    values = _per_run(runs[scenario], outcome)
    low, middle, high = _quantiles(values)
    row: dict[str, object] = {
        "scenario": scenario, "baseline": baseline or "", "outcome": outcome.id,
        "label": outcome.label, "unit": outcome.unit, "replicates": values.size,
        "mean": _level(runs[scenario], outcome, seeds_per_draw), "p05": low, "p50": middle, "p95": high,
    }  # fmt: skip
    if baseline is None or baseline == scenario:
        return row | dict.fromkeys(DIFFERENCE_COLUMNS, math.nan)
    interval = _difference(runs[scenario], runs[baseline], outcome, seeds_per_draw)
    with np.errstate(invalid="ignore"):
        difference = values - _per_run(runs[baseline], outcome)
    found = (interval.estimate, interval.low, interval.high, probability_better(difference, outcome.better))
    return row | dict(zip(DIFFERENCE_COLUMNS, found, strict=True))


DIFFERENCE_COLUMNS = ("difference", "difference_low", "difference_high", "probability_better")


def _per_run(frame: pd.DataFrame, outcome: Outcome | Ratio) -> Values:
    if isinstance(outcome, Outcome):
        return frame[outcome.id].to_numpy(dtype=float)
    numerator, denominator = frame[outcome.numerator].to_numpy(), frame[outcome.denominator].to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        spent_in_vain = np.where(numerator > 0, math.inf, math.nan)
        return np.where(denominator > 0, numerator / denominator, spent_in_vain)


def _quantiles(values: Values) -> tuple[float, ...]:
    known = values[~np.isnan(values)]
    if known.size == 0:
        return (math.nan,) * len(QUANTILES)
    return tuple(float(q) for q in np.quantile(known, QUANTILES, method="nearest"))


def _level(frame: pd.DataFrame, outcome: Outcome | Ratio, seeds_per_draw: int) -> float:
    if isinstance(outcome, Outcome):
        values = frame[outcome.id].to_numpy(dtype=float)
        return mean_interval(draw_means(values, seeds_per_draw)).estimate
    below = float(frame[outcome.denominator].sum())
    return float(frame[outcome.numerator].sum()) / below if below > 0 else math.nan


def _difference(
    frame: pd.DataFrame, base: pd.DataFrame, outcome: Outcome | Ratio, seeds_per_draw: int
) -> Interval:
    if isinstance(outcome, Outcome):
        values = (frame[outcome.id] - base[outcome.id]).to_numpy(dtype=float)
        return mean_interval(draw_means(values, seeds_per_draw))
    names = (outcome.numerator, outcome.denominator)
    columns = (f[name].to_numpy(dtype=float) for f in (frame, base) for name in names)
    return ratio_difference(*(draw_means(values, seeds_per_draw) for values in columns))
