"""What a model says about one number before it is known: a mixture of normals, or draws.

Any model that can give one of these can be scored: the fitted ones give mixtures, a simulation draws.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from cpdiffusion.calibration.observations import Floats

NEGLIGIBLE = 1e-9  # weight of all components that are left out together
HALVINGS = 60  # of the bracket around a quantile: far below the last digit that is written
# Of components that are put together: the mean in standard deviations, and the log of these, which decide
# the density far out.
CELL_OF_MEAN, CELL_OF_SD = 0.25, 0.07
PAIRS_AT_ONCE = 30_000  # of a mixture's mean difference: what a processor's cache holds


class Predictive(Protocol):
    """A predictive distribution of one number; in this room log ROI."""

    @property
    def mean(self) -> float:
        """Expected value."""

    @property
    def sd(self) -> float:
        """Standard deviation."""

    @property
    def mean_difference(self) -> float:
        """Expected absolute difference of two independent draws."""

    def distance_to(self, value: float) -> float:
        """Expected absolute difference of a draw from ``value``."""

    def cdf(self, value: float) -> float:
        """Probability of a draw up to ``value``."""

    def quantiles(self, levels: Floats) -> Floats:
        """Values below which a draw stays with the given probabilities; same shape."""

    def log_density(self, value: float) -> float:
        """Natural log of the density at ``value``; nan where there is no density to speak of."""


def expected_size(mean: Floats, sd: Floats) -> Floats:
    """E|X| of X ~ N(mean, sd²), elementwise; sd above 0 (Grimit et al. 2006, equation 4)."""
    from scipy.special import ndtr

    z = mean / sd
    density = np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
    return np.asarray(2.0 * sd * density + mean * (2.0 * ndtr(z) - 1.0))


@dataclass(frozen=True, eq=False)
class Mixture:
    """A finite mixture of normals: ``means``, ``sds`` (above 0) and ``weights`` (sum 1), shape (K,)."""

    means: Floats
    sds: Floats
    weights: Floats

    @property
    def mean(self) -> float:
        """Expected value."""
        return float(self.weights @ self.means)

    @property
    def sd(self) -> float:
        """Standard deviation."""
        return math.sqrt(float(self.weights @ (self.sds**2 + (self.means - self.mean) ** 2)))

    @cached_property
    def mean_difference(self) -> float:
        """Expected absolute difference of two independent draws, exactly, pair by pair."""
        at_once = max(1, PAIRS_AT_ONCE // self.means.size)
        return sum(self._shared(first, first + at_once) for first in range(0, self.means.size, at_once))

    def _shared(self, first: int, end: int) -> float:
        """What components ``first`` to ``end`` add together with themselves and all later ones."""
        variances = self.sds**2
        spread = np.sqrt(variances[first:end, None] + variances[first:])
        size = expected_size(self.means[first:end, None] - self.means[first:], spread)
        own, later = self.weights[first:end], self.weights[first:]
        # A pair of different blocks stands for both orders; within a block both are there.
        return float(own @ (2.0 * (size @ later) - size[:, : own.size] @ own))

    def distance_to(self, value: float) -> float:
        """Expected absolute difference of a draw from ``value``."""
        return float(self.weights @ expected_size(self.means - value, self.sds))

    def cdf(self, value: float) -> float:
        """Probability of a draw up to ``value``."""
        return float(self._cdf(np.array([value]))[0])

    def _cdf(self, values: Floats) -> Floats:
        from scipy.special import ndtr

        return np.asarray(ndtr((values[:, None] - self.means) / self.sds) @ self.weights)

    def quantiles(self, levels: Floats) -> Floats:
        """Quantiles at ``levels`` (Q,) between 0 and 1, by halving a bracket that holds them all."""
        reach = 40.0 * self.sds
        low = np.full(levels.shape, float((self.means - reach).min()))
        high = np.full(levels.shape, float((self.means + reach).max()))
        for _ in range(HALVINGS):
            middle = 0.5 * (low + high)
            below = self._cdf(middle) < levels
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return np.asarray(0.5 * (low + high))

    def log_density(self, value: float) -> float:
        """Natural log of the density at ``value``; finite however far it lies out."""
        from scipy.special import logsumexp

        z = (value - self.means) / self.sds
        return float(logsumexp(-0.5 * z * z - np.log(self.sds) - 0.5 * math.log(2 * math.pi), b=self.weights))


def mixture(means: Floats, sds: Floats, weights: Floats, negligible: float = NEGLIGIBLE) -> Mixture:
    """A mixture without the lightest components, which together weigh less than ``negligible``."""
    means, sds, weights = (np.ravel(part) for part in np.broadcast_arrays(means, sds, weights))
    order = np.argsort(weights, kind="stable")
    kept = np.sort(order[np.cumsum(weights[order]) > negligible * weights.sum()])
    return Mixture(means[kept], sds[kept], weights[kept] / weights[kept].sum())


def condensed(means: Floats, variances: Floats, weights: Floats, negligible: float = NEGLIGIBLE) -> Mixture:
    """A mixture of far fewer normals that is all but the same: those alike are put together.

    Components whose mean and log standard deviation fall into the same small cell become one with their
    common mean and variance, so that the mixture's own mean and variance stay exactly what they were.
    """
    full = mixture(means, np.sqrt(variances), weights, negligible)
    size = np.floor(np.log(full.sds) / CELL_OF_SD)
    place = np.floor(full.means / (CELL_OF_MEAN * np.exp(CELL_OF_SD * size)))
    _, cell = np.unique((place - place.min()) * (np.ptp(size) + 1.0) + size - size.min(), return_inverse=True)
    total: Floats = np.bincount(cell, full.weights).astype(np.float64)
    mean = np.bincount(cell, full.weights * full.means) / total
    variance = np.bincount(cell, full.weights * (full.sds**2 + (full.means - mean[cell]) ** 2)) / total
    return Mixture(mean, np.sqrt(variance), total)


@dataclass(frozen=True, eq=False)
class Draws:
    """Independent draws of a predictive distribution, shape (S,), as a simulation gives them."""

    values: Floats

    def __post_init__(self) -> None:
        if self.values.ndim != 1 or self.values.size < 2 or not np.isfinite(self.values).all():
            raise ValueError("Draws need a column of at least 2 finite values.")

    @cached_property
    def _ascending(self) -> Floats:
        return np.sort(self.values)

    @property
    def mean(self) -> float:
        """Mean of the draws."""
        return float(self.values.mean())

    @property
    def sd(self) -> float:
        """Standard deviation of the draws, ddof 1."""
        return float(self.values.std(ddof=1))

    @property
    def mean_difference(self) -> float:
        """Mean over all pairs of *different* draws: unbiased, which makes the CRPS the fair one.

        Counting each draw with itself as well would reward few draws (Ferro 2014).
        """
        size = self.values.size
        ranks = 2.0 * np.arange(1, size + 1) - size - 1.0
        return float(2.0 * (ranks @ self._ascending) / (size * (size - 1)))

    def distance_to(self, value: float) -> float:
        """Mean absolute difference of the draws from ``value``."""
        return float(np.abs(self.values - value).mean())

    def cdf(self, value: float) -> float:
        """Share of draws below ``value``; those equal to it count half."""
        return float(np.mean(self.values < value) + np.mean(self.values <= value)) / 2.0

    def quantiles(self, levels: Floats) -> Floats:
        """Quantiles between the order statistics, by linear interpolation."""
        return np.asarray(np.quantile(self.values, levels))

    def log_density(self, value: float) -> float:
        """Not a number: draws have no density. A smoothed one would be decided, in the tail where this
        score is lost or won, by the width of the smoothing and not by the model."""
        return math.nan
