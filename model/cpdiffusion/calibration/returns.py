"""The return model of region-years, fitted exactly.

    log ROI of region r in year t ~ N(mu + u_r - beta · (log investment - centre), sigma²)
    u_r ~ N(0, tau²)

Given tau and sigma all is normal and solved by algebra (Lindley & Smith 1972; Gelman et al. 2013,
chapter 5.4); these two are summed out on a grid. So the posterior is a finite mixture of normals
without Monte Carlo error, the same on every machine, and fast enough to refit for every row left out.
It describes reported returns of supported adopters: see ``observations`` for what that leaves out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cpdiffusion.calibration.observations import Case, Floats, Sample
from cpdiffusion.calibration.predictive import Mixture, mixture
from cpdiffusion.calibration.quadrature import nodes_and_weights

NODES = (64, 24)  # of tau and sigma: doubling them moves no score by 1e-6
FINE = (320, 160)  # where tau and sigma themselves are reported
LEAST_TAU, MOST_TAU = 1e-6, 10.0  # a millionth of the prior lies below
# Amounts are printed to 0.1 eok, so log ROI of a row of some 5 eok is known to about 0.02 at best.
LEAST_SIGMA, MOST_SIGMA = 0.02, 10.0


@dataclass(frozen=True)
class Priors:
    """Weak priors, in log ROI; a table of 37 rows outweighs all of them but that of tau.

    mean, mean_sd
        Of mu: centred on money that just comes back (ROI 1), 95 % between a 360th and 360 times it.
    tau_scale
        Half-normal, of the regions' spread (Gelman 2006 for few groups): regions that differ by more
        than a factor of e² = 7 are not expected.
    sigma_scale
        Half-normal, of the spread of years within a region: up to a factor of e⁴ = 55 either way.
    elasticity_sd
        Of beta, centred on 0 (benefit in proportion to investment); 1 (benefit that does not depend on
        investment) is two standard deviations off.
    """

    mean: float = 0.0
    mean_sd: float = 3.0
    tau_scale: float = 1.0
    sigma_scale: float = 2.0
    elasticity_sd: float = 0.5

    def log_tau(self, tau: Floats) -> Floats:
        """Log density of tau, up to a constant."""
        return np.asarray(-0.5 * (tau / self.tau_scale) ** 2)

    def log_sigma(self, sigma: Floats) -> Floats:
        """Log density of sigma, up to a constant."""
        return np.asarray(-0.5 * (sigma / self.sigma_scale) ** 2)


PRIORS = Priors()


class Evidence:
    """The sums over a sample that the algebra needs; p coefficients: mu and, if asked for, beta."""

    def __init__(self, sample: Sample, elasticity: bool, priors: Priors) -> None:
        self.regions = {name: k for k, name in enumerate(sample.regions)}
        self.centre = float(sample.log_investment.mean())
        self.size, self.elasticity = sample.log_roi.size, elasticity
        design = np.stack([self.design(x) for x in sample.log_investment])
        self.counts = sample.counts
        self.design_sums = np.stack([sample.sums(column) for column in design.T], axis=1)  # (R, p)
        self.roi_sums = sample.sums(sample.log_roi)
        self.products = design.T @ design, design.T @ sample.log_roi, float(sample.log_roi @ sample.log_roi)
        sds = np.array([priors.mean_sd, priors.elasticity_sd][: 1 + elasticity])
        self.prior_mean = np.array([priors.mean, 0.0][: 1 + elasticity])
        self.prior_precision = np.diag(sds**-2.0)

    def design(self, log_investment: float) -> Floats:
        """Row of the design matrix, shape (p,)."""
        return np.array([1.0, self.centre - log_investment][: 1 + self.elasticity])


@dataclass(frozen=True, eq=False)
class Solved:
    """The coefficients given K pairs of tau and sigma: mean (K, p), covariance (K, p, p), and the log
    likelihood of each pair (K,), coefficients and region effects integrated out."""

    mean: Floats
    covariance: Floats
    log_likelihood: Floats


def solve(evidence: Evidence, tau: Floats, sigma: Floats) -> Solved:
    """Normal algebra for K pairs of tau (0 or more) and sigma (above 0), each shape (K,)."""
    per_row = sigma**-2.0
    shared = tau[:, None] ** 2 / _region_variance(evidence, tau, sigma) * per_row[:, None]  # (K, R)
    squares, cross, total = evidence.products
    sums, roi = evidence.design_sums, evidence.roi_sums
    precision = per_row[:, None, None] * squares - np.einsum("kr,rp,rq->kpq", shared, sums, sums)
    precision += evidence.prior_precision
    pull = per_row[:, None] * cross - np.einsum("kr,rp,r->kp", shared, sums, roi)
    pull += evidence.prior_precision @ evidence.prior_mean
    covariance = np.linalg.inv(precision)
    mean = np.einsum("kpq,kq->kp", covariance, pull)
    fit = per_row * total - shared @ roi**2 - np.einsum("kp,kp->k", pull, mean)
    return Solved(mean, covariance, -0.5 * (fit + _log_determinants(evidence, tau, sigma, precision)))


def _region_variance(evidence: Evidence, tau: Floats, sigma: Floats) -> Floats:
    """sigma² + n_r tau², shape (K, R)."""
    return np.asarray(sigma[:, None] ** 2 + evidence.counts * tau[:, None] ** 2)


def _log_determinants(evidence: Evidence, tau: Floats, sigma: Floats, precision: Floats) -> Floats:
    of_regions = np.log(_region_variance(evidence, tau, sigma)).sum(axis=1)
    within = (evidence.size - len(evidence.regions)) * 2.0 * np.log(sigma)
    return np.asarray(within + of_regions + np.linalg.slogdet(precision)[1])


@dataclass(frozen=True, eq=False)
class Posterior:
    """Posterior of the return model: K pairs of tau and sigma with weights, coefficients given each."""

    evidence: Evidence
    tau: Floats
    sigma: Floats
    weights: Floats
    solved: Solved

    @property
    def mean_log_return(self) -> Mixture:
        """mu: mean log ROI of a typical region at the mean log investment of the rows fitted to."""
        return self._coefficient(0)

    @property
    def elasticity(self) -> Mixture | None:
        """beta, how much log ROI falls per unit of log investment; None if it was left out."""
        return self._coefficient(1) if self.evidence.elasticity else None

    def _coefficient(self, k: int) -> Mixture:
        return mixture(self.solved.mean[:, k], np.sqrt(self.solved.covariance[:, k, k]), self.weights)

    def region_effect(self, region: str) -> Mixture:
        """u_r; its prior given the regions' spread for a region without rows."""
        centre, variance = self._effect(region, np.zeros(self.solved.mean.shape[1]))
        return mixture(centre, np.sqrt(variance), self.weights)

    def predict(self, case: Case) -> Mixture:
        """Log ROI of a new region-year, of a region with rows or without; all uncertainty included."""
        design = self.evidence.design(math.log(case.investment_mkrw))
        centre, variance = self._effect(case.region, design)
        return mixture(centre, np.sqrt(variance + self.sigma**2), self.weights)

    def _effect(self, region: str, design: Floats) -> tuple[Floats, Floats]:
        """Mean and variance (K,) of design · coefficients + u_r: the region's own mean is held in part."""
        place = self.evidence.regions.get(region)
        count = 0.0 if place is None else self.evidence.counts[place]
        held = count * self.tau**2 / (self.sigma**2 + count * self.tau**2)
        own = np.zeros_like(design) if place is None else self.evidence.design_sums[place] / count
        roi = 0.0 if place is None else self.evidence.roi_sums[place] / count
        left = design - held[:, None] * own
        centre = np.einsum("kp,kp->k", left, self.solved.mean) + held * roi
        variance = np.einsum("kp,kpq,kq->k", left, self.solved.covariance, left)
        return centre, variance + self.tau**2 * (1.0 - held)

    def spread_quantiles(self, name: str, levels: Floats) -> Floats:
        """Quantiles of ``tau`` or ``sigma``; as fine as the grid, so fit with FINE nodes."""
        values, place = np.unique(getattr(self, name), return_inverse=True)
        weights = np.bincount(place, weights=self.weights)
        return np.exp(np.interp(levels, np.cumsum(weights) - 0.5 * weights, np.log(values)))

    def spread_moments(self, name: str) -> tuple[float, float]:
        """Mean and standard deviation of ``tau`` or ``sigma``."""
        values = getattr(self, name)
        mean = float(self.weights @ values)
        return mean, math.sqrt(float(self.weights @ (values - mean) ** 2))


def fit(
    sample: Sample, elasticity: bool = True, priors: Priors = PRIORS, nodes: tuple[int, int] = NODES
) -> Posterior:
    """Posterior of the return model from a sample of one row or more.

    With one region, tau cannot be told from its prior; with a single row per region, tau and sigma
    cannot be told apart: the posterior then says so by its width.
    """
    evidence = Evidence(sample, elasticity, priors)

    def log_density(log_tau: Floats, log_sigma: Floats) -> Floats:
        tau, sigma = np.exp(log_tau), np.exp(log_sigma)
        jacobian = log_tau + log_sigma  # the grid is even in logs
        likelihood = solve(evidence, tau, sigma).log_likelihood
        return likelihood + jacobian + priors.log_tau(tau) + priors.log_sigma(sigma)

    bounds = [(math.log(LEAST_TAU), math.log(MOST_TAU)), (math.log(LEAST_SIGMA), math.log(MOST_SIGMA))]
    (log_tau, log_sigma), weights = nodes_and_weights(log_density, bounds, nodes)
    return _posterior(evidence, np.exp(log_tau), np.exp(log_sigma), weights)


def at(
    sample: Sample, tau: float, sigma: float, elasticity: bool = True, priors: Priors = PRIORS
) -> Posterior:
    """The posterior if tau and sigma were known."""
    evidence = Evidence(sample, elasticity, priors)
    return _posterior(evidence, np.array([tau]), np.array([sigma]), np.ones(1))


def _posterior(evidence: Evidence, tau: Floats, sigma: Floats, weights: Floats) -> Posterior:
    kept = weights > 1e-13 * weights.max()
    tau, sigma, weights = tau[kept], sigma[kept], weights[kept] / weights[kept].sum()
    return Posterior(evidence, tau, sigma, weights, solve(evidence, tau, sigma))
