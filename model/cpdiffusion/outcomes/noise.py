"""What is not known and what is chance in a difference between two policies.

Replicates come in draws of the uncertain parameters, several seeds under each. The paired difference
of replicate j under draw i is taken as

    d_ij = mu + a_i + e_ij,    var a_i = sd_parameters^2,    var e_ij = sd_seeds^2

(one-way random effects; Searle, Casella & McCulloch 1992, ch. 3). mu + a_i is what one may *expect*
if draw i is the truth; e_ij is the luck of a single history. Variances are the usual unbiased ones,
from the mean squares between and within draws, for draws of any size; where that of the parameters
comes out below 0 it is set to 0.

The mean of a draw is spread wider than mu + a_i, by the luck that its few seeds leave in it. So the
probability that the *expected* difference is above 0 is not the share of draw means above 0. Given its
draw's mean, mu + a_i is taken as normal (empirical Bayes, Morris 1983): with v_i the variance between
seeds under draw i and the shrinkage b_i = sd_parameters^2 / (sd_parameters^2 + v_i / seeds),

    mean  mu + b_i (mean of the draw - mu),    variance  (1 - b_i) sd_parameters^2 + (1 - b_i)^2 var(mu)

where var(mu) is what a finite number of draws leaves open about mu. The probability is the mean over
draws of that normal's mass above 0. It is normal around each draw only, so a skewed spread of the
parameters' effect is kept. Luck is larger where more happens: one variance for all would deny a small
but sure difference its sureness. A draw's own few seeds tell too little, so v_i is the variance within
the draws whose means are nearest in rank (``ALIKE``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cpdiffusion.outcomes.catalogue import CATALOGUE, Outcome, Values
from cpdiffusion.outcomes.paired import CONFIDENCE, draw_means, in_draws, probability_better

if TYPE_CHECKING:
    import pandas as pd


ALIKE = (5, 25)  # a quarter of the draws share an estimate of luck, but so many at least and at most


@dataclass(frozen=True)
class Noise:
    """A difference split into what the parameters and what the seeds make of it; nan: cannot be told.

    ``means``, ``seeds`` and ``luck``: mean, number of known replicates and variance between seeds of
    each draw, shape (draws,).
    """

    means: Values
    seeds: Values
    luck: Values
    variance_parameters: float
    variance_seeds: float

    @property
    def mean(self) -> float:
        """Mean over draws, each with the same weight."""
        return float(self.means.mean()) if self.means.size else math.nan

    @property
    def share_parameters(self) -> float:
        """Share of the variance between runs that comes from the parameters; nan if nothing varies."""
        total = self.variance_parameters + self.variance_seeds
        return self.variance_parameters / total if total > 0 else math.nan

    @property
    def shrinkage(self) -> Values:
        """How far each draw's mean is to be believed, 0 to 1, shape (draws,)."""
        total = self.variance_parameters + self.luck / self.seeds
        return np.divide(self.variance_parameters, total, out=np.zeros(total.size), where=total > 0)

    @property
    def expected(self) -> Values:
        """The expected difference under each draw, spread as wide as ``variance_parameters`` says.

        Draw means drawn towards the mean by the root of the shrinkage (Louis 1984), for quantiles.
        """
        return self.mean + np.sqrt(self.shrinkage) * (self.means - self.mean)

    def probability_above_zero(self) -> float:
        """Probability that the expected difference is above 0; nan if the variances are not known."""
        if math.isnan(self.variance_parameters):
            return math.nan
        b = self.shrinkage
        of_mean = float((self.variance_parameters + self.luck / self.seeds).mean()) / b.size
        variance = (1 - b) * self.variance_parameters + (1 - b) ** 2 * of_mean
        return float(mass_above_zero(self.mean + b * (self.means - self.mean), variance).mean())


def mass_above_zero(mean: Values, variance: Values) -> Values:
    """Mass of normal laws above 0; of one without spread all, none, or half where it sits on 0."""
    from scipy.special import ndtr

    certain = variance <= 0.0
    return np.where(
        certain, 0.5 + 0.5 * np.sign(mean), ndtr(mean / np.sqrt(np.where(certain, 1.0, variance)))
    )


def split_noise(difference: Values, seeds_per_draw: int) -> Noise:
    """The parts of a difference (K,), so many successive replicates under each draw; nan are left out."""
    by_draw = in_draws(difference, seeds_per_draw)
    by_draw = by_draw[np.isfinite(by_draw).any(axis=1)]
    seeds = np.isfinite(by_draw).sum(axis=1).astype(float)
    means = draw_means(by_draw.ravel(), seeds_per_draw)
    squares = np.nansum((by_draw - means[:, None]) ** 2, axis=1)
    return Noise(means, seeds, luck_of(means, seeds, squares), *variances(means, seeds, squares))


def luck_of(means: Values, seeds: Values, squares: Values) -> Values:
    """Variance between seeds under each draw, from the draws whose means are nearest in rank (draws,).

    ``squares``: sum of squares of each draw's replicates around its mean.
    """
    draws, order = means.size, np.argsort(means, kind="stable")
    width = min(draws, max(min(ALIKE), min(max(ALIKE), draws // 4)))
    first = np.clip(np.arange(draws) - width // 2, 0, draws - width)

    def of_alike(values: Values) -> Values:
        return np.lib.stride_tricks.sliding_window_view(values[order], width).sum(axis=1)[first]

    found, freedom = np.full(draws, math.nan), of_alike(seeds - 1.0)
    found[order] = np.divide(of_alike(squares), freedom, out=np.full(draws, math.nan), where=freedom > 0)
    return found


def variances(means: Values, seeds: Values, squares: Values) -> tuple[float, float]:
    """Variance between parameters and between seeds, from draw means, their sizes and squares within."""
    draws, runs = means.size, float(seeds.sum())
    if draws < 2 or runs <= draws:
        return math.nan, math.nan
    of_seeds = float(squares.sum()) / (runs - draws)
    grand = float(seeds @ means) / runs
    between = float(seeds @ (means - grand) ** 2) / (draws - 1)
    typical_size = (runs - float(seeds @ seeds) / runs) / (draws - 1)
    return max(0.0, (between - of_seeds) / typical_size), of_seeds


def noise_table(
    runs: Mapping[str, pd.DataFrame], pairs: Sequence[tuple[str, str]], seeds_per_draw: int
) -> pd.DataFrame:
    """One row per pair and outcome: the mean difference, its spread by cause, and who does better.

    ``runs`` as in :func:`comparison_table`; ratios of means have no value per run and are left out.
    """
    import pandas as pd

    rows = [
        _row(scenario, baseline, outcome, runs, seeds_per_draw)
        for scenario, baseline in pairs
        for outcome in CATALOGUE.values()
    ]
    return pd.DataFrame(rows)


def _row(
    scenario: str, baseline: str, outcome: Outcome, runs: Mapping[str, pd.DataFrame], seeds_per_draw: int
) -> dict[str, object]:
    difference = (runs[scenario][outcome.id] - runs[baseline][outcome.id]).to_numpy(dtype=float)
    noise = split_noise(difference, seeds_per_draw)
    low, high = expected_range(noise)
    above = noise.probability_above_zero()
    return {
        "scenario": scenario, "baseline": baseline, "outcome": outcome.id, "label": outcome.label,
        "unit": outcome.unit, "mean": noise.mean, "expected_p05": low, "expected_p95": high,
        "sd_parameters": math.sqrt(noise.variance_parameters), "sd_seeds": math.sqrt(noise.variance_seeds),
        "share_parameters": noise.share_parameters,
        "probability_better_in_a_region": probability_better(difference, outcome.better),
        "probability_better_on_average": {1: above, -1: 1.0 - above}.get(outcome.better, math.nan),
        "draws": noise.means.size, "seeds_per_draw": seeds_per_draw,
    }  # fmt: skip


def expected_range(noise: Noise) -> tuple[float, float]:
    """The middle CONFIDENCE of what the expected difference may be; nan if the variances are not known."""
    if math.isnan(noise.variance_parameters):
        return math.nan, math.nan
    tail = 0.5 * (1.0 - CONFIDENCE)
    low, high = np.quantile(noise.expected, (tail, 1.0 - tail))
    return float(low), float(high)
