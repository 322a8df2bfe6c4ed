"""Region-years predicted by the agent-based simulation, with parameters learned from other rows.

    log ROI of region r in year t = mu + u_r + firms' part (r, t) + luck (r, t),   u_r ~ N(0, tau²)

A candidate of the bank fixes firms' part and the spread of luck; mu and u_r have the priors of the return
model and are learned from the rows, exactly as there, so regions are partially pooled and one without rows
carries the spread between regions. Candidates and tau are weighed by the likelihood of the rows, in which
firms' part is read as a normal of its own mean and variance (a synthetic likelihood, Wood 2010; luck is far
wider and is normal indeed). In predictions firms' part keeps its simulated shape.

Two things are approximated. Rows of a region are independent given its mean, although a lucky year makes
more firms adopt in the next. And a year's investment tells of its return by how far it is from the
region's usual one: how much larger one region's programme is than another's bears on no return in the
simulation, so of a region without rows, whose usual investment is unknown, investment is not used.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cpdiffusion.calibration.bank import Bank, Shape
from cpdiffusion.calibration.observations import Case, Floats, Sample, sample
from cpdiffusion.calibration.predictive import Mixture, condensed
from cpdiffusion.calibration.returns import PRIORS, Priors
from cpdiffusion.evidence.table4 import RegionYear

TAUS, MOST_TAU = 32, 5.0  # denser towards 0; regions that differ more are beyond the prior
LIGHT = 1e-7  # weight of all components of a prediction that are left out together


def first_years(rows: Sequence[RegionYear]) -> dict[str, int]:
    """The calendar year in which each region's programme begins: its first in the table."""
    return {row.region: min(r.year for r in rows if r.region == row.region) for row in rows}


def years_spanned(rows: Sequence[RegionYear]) -> int:
    """Programme years up to the last row of any region."""
    begun = first_years(rows)
    return max(row.year - begun[row.region] for row in rows) + 1


@dataclass(frozen=True, eq=False)
class Levels:
    """Means of mu and of each region given M candidates and T values of tau; all (M, T, ...)."""

    tau: Floats  # (T,)
    mean: Floats  # of mu
    variance: Floats
    region_means: Floats  # (M, R) of the rows, less firms' part
    held: Floats  # (M, T, R) how much of its own mean a region keeps
    log_likelihood: Floats


def levels(known: Sample, left: Floats, variance: Floats, priors: Priors = PRIORS) -> Levels:
    """Normal algebra for rows ``left`` (M, N) when firms' part is taken off, of ``variance`` (M,)."""
    tau, counts = MOST_TAU * (np.arange(1, TAUS + 1) / TAUS) ** 2, known.counts
    member = np.eye(counts.size)[known.region_of]  # (N, R)
    means = left @ member / counts
    squares = ((left - means[:, known.region_of]) ** 2).sum(axis=1)
    of_mean = tau[:, None] ** 2 + variance[:, None, None] / counts  # (M, T, R)
    precision = (1.0 / of_mean).sum(axis=-1) + priors.mean_sd**-2
    pull = (means[:, None] / of_mean).sum(axis=-1) + priors.mean * priors.mean_sd**-2
    fit = squares / variance + (known.log_roi.size - counts.size) * np.log(variance)
    between = (means[:, None] ** 2 / of_mean + np.log(of_mean)).sum(axis=-1)
    logs = -0.5 * (fit[:, None] + between - pull**2 / precision + np.log(precision))
    held = tau[:, None] ** 2 / of_mean
    return Levels(tau, pull / precision, 1.0 / precision, means, held, logs)


class SimulatedPosterior:
    """Candidates of a bank weighed by rows; ``begun`` gives each region's first programme year."""

    def __init__(
        self, bank: Bank, begun: Mapping[str, int], rows: Sequence[RegionYear], priors: Priors = PRIORS
    ) -> None:
        known, self._of, self._begun = sample(rows), bank.candidates, begun
        self.regions = {name: k for k, name in enumerate(known.regions)}
        self.usual = known.sums(known.log_investment) / known.counts  # (R,) mean log investment
        years = [row.year - begun[row.region] for row in rows]
        unusual = known.log_investment - self.usual[known.region_of]
        left = known.log_roi - self._of.profile[:, years] - self._of.slope[:, None] * unusual
        self._levels = levels(known, left, self._of.luck_sd**2 + total_variance(self._of.shape), priors)
        self.weights = self._weights(len(years), priors)

    def _weights(self, rows: int, priors: Priors) -> Floats:
        """Posterior weight of each candidate and tau, (M, T): rows, that they came about, and the prior."""
        tau = self._levels.tau
        prior = priors.log_tau(tau) + 0.5 * np.log(tau)  # the grid is even in the root of tau
        logs = self._levels.log_likelihood + prior + rows * np.log(self._of.made)[:, None]
        weights = np.exp(logs - logs.max())
        return np.asarray(weights / weights.sum())

    @property
    def effective(self) -> float:
        """Kish's effective number of candidates."""
        return float(1.0 / (self.weights.sum(axis=1) ** 2).sum())

    def spreads(self) -> tuple[float, float]:
        """Standard deviations in log ROI of firms' part, all of it, and of luck: root mean squares."""
        weights = self.weights.sum(axis=1)
        firms, luck = weights @ total_variance(self._of.plain_shape), weights @ self._of.luck_sd**2
        return math.sqrt(firms), math.sqrt(luck)

    def predict(self, case: Case) -> Mixture:
        """Log ROI of a region-year, of a region with rows or without; all uncertainty included."""
        year, place = case.year - self._begun[case.region], self.regions.get(case.region)
        if place is None:
            variance = self._levels.variance + self._levels.tau**2
            return self._around(self._levels.mean, variance, self._of.plain_profile[:, year], plain=True)
        unusual = math.log(case.investment_mkrw) - self.usual[place]
        firms = self._of.profile[:, year] + self._of.slope * unusual
        return self._around(*self._region(place), firms, plain=False)

    def _region(self, place: int) -> tuple[Floats, Floats]:
        """Mean and variance (M, T) of mu + u_r of a region with rows."""
        held, found = self._levels.held[..., place], self._levels
        centre = (1.0 - held) * found.mean + held * found.region_means[:, None, place]
        return centre, (1.0 - held) ** 2 * found.variance + (1.0 - held) * found.tau**2

    def _around(self, centre: Floats, variance: Floats, firms: Floats, plain: bool) -> Mixture:
        """A region-year around its region's level: firms' part as simulated, and luck."""
        shape = self._of.plain_shape if plain else self._of.shape
        one, tau = np.nonzero(self.weights > LIGHT / self.weights.size)
        own = shape.variance[one] + self._of.luck_sd[one] ** 2
        means = (centre[one, tau] + firms[one])[:, None] + shape.means[one]  # (pairs, GROUPS)
        variances, weights = (variance[one, tau] + own)[:, None], self.weights[one, tau][:, None]
        return condensed(means, variances, np.broadcast_to(weights, means.shape), LIGHT)


def total_variance(shape: Shape) -> Floats:
    """Variance of firms' part."""
    return np.asarray(shape.variance + (shape.means**2).mean(axis=-1))
