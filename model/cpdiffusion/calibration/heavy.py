"""The return model with heavy tails: now and then a region-year is far out, and that says little of others.

    log ROI = mu + u_r + e,   u_r ~ N(0, tau²),   e = sigma · Student's t with nu degrees of freedom

Student's t is a normal whose spread is drawn anew for each row. With these spreads on a grid of logs,
likelihood and prediction alike are finite mixtures of normals; what is unknown (mu, tau, sigma, nu) is
summed out on grids, the region effects by convolution over the place of a region's mean. Investment
is left out: on rows not seen it helps in one split and harms in another.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cpdiffusion.calibration.observations import Case, Floats, Sample
from cpdiffusion.calibration.predictive import Mixture, mixture
from cpdiffusion.calibration.returns import LEAST_SIGMA, PRIORS, Priors

# Equal weight on steps of about one and a half: from the heaviest tail that has a variance to one that
# 37 rows cannot tell from a normal.
DEGREES = (3.0, 4.0, 6.0, 10.0, 16.0, 25.0, 40.0)
STEP = 0.12  # of the grid of log spreads
TAIL = np.arange(-13, 39)  # steps from log sigma to the log spread of a row; beyond lies 1e-6
SIGMA_RANGE = 5.0  # times the sample's own spread, either way
PER_SPREAD = 6.0  # places in one spread within regions
MOST_PLACES = 400  # bounds the work when regions differ by far more than their years do
MOST_TAUS = 48
TINY = 1e-300
LIGHT = 1e-7  # weight of all components of a prediction that are left out together


@dataclass(frozen=True, eq=False)
class Grid:
    """Places (M,) of regions' means, sigma (S,), spreads of rows (S + J - 1,), tau (T,) from 0."""

    places: Floats
    sigma: Floats
    spreads: Floats
    tau: Floats


def grid_for(sample: Sample, priors: Priors = PRIORS) -> Grid:
    """A grid as fine as the sample's own spread asks for.

    The sum over places is exact for a tau of one spacing or more, and the sum over tau, whose integrand
    is even, may begin at 0. Where regions differ by far more than their years do, MOST_PLACES leaves
    sigma a floor that places resolve: the prediction is then a little wider than it would have to be.
    """
    y, within = sample.log_roi, own_spread(sample)
    most_tau = 2.5 * min(priors.tau_scale, float(y.std()) + within) + within
    low, high = float(y.min()) - 1.5 * most_tau, float(y.max()) + 1.5 * most_tau
    spacing = max(within / PER_SPREAD, (high - low) / MOST_PLACES)
    steps = _steps_of_sigma(max(within, spacing), spacing)
    spreads = np.arange(steps[0] + TAIL[0], steps[-1] + TAIL[-1] + 1)
    return Grid(
        np.arange(low, high + spacing, spacing), np.exp(STEP * steps), np.exp(STEP * spreads),
        np.linspace(0.0, most_tau, min(math.ceil(most_tau / spacing), MOST_TAUS) + 1),
    )  # fmt: skip


def _steps_of_sigma(within: float, spacing: float) -> NDArray[np.int_]:
    """Whole steps of log sigma around the sample's own spread that places so far apart resolve."""
    middle, reach = round(math.log(within) / STEP), math.ceil(math.log(SIGMA_RANGE) / STEP)
    floor = math.ceil(math.log(spacing) / STEP)
    return np.arange(max(middle - reach, floor), middle + reach + 1)


def own_spread(sample: Sample) -> float:
    """Standard deviation within regions, over all rows if no region has two; not below what rows can tell."""
    means = sample.sums(sample.log_roi) / sample.counts
    freedom = sample.log_roi.size - len(sample.regions)
    squares = float(((sample.log_roi - means[sample.region_of]) ** 2).sum())
    found = math.sqrt(squares / freedom) if freedom else float(sample.log_roi.std())
    return max(found, 2.0 * LEAST_SIGMA)


def spread_shares(degrees: Floats) -> Floats:
    """Share of rows at each spread of TAIL for each nu, shape (V, J): Student's t as a scale mixture."""
    log_precision = -2.0 * STEP * TAIL
    logs = 0.5 * degrees[:, None] * (log_precision - np.exp(log_precision))
    shares = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


class HeavyPosterior:
    """Posterior over mu, tau, sigma and nu on a grid; predictions are mixtures of normals."""

    def __init__(self, sample: Sample, priors: Priors = PRIORS, degrees: tuple[float, ...] = DEGREES) -> None:
        self.regions = {name: k for k, name in enumerate(sample.regions)}
        self.grid, self.degrees = grid_for(sample, priors), np.array(degrees)
        self._shares = spread_shares(self.degrees)
        self._of_region, log_scale = self._likelihoods(sample)
        self.weights = self._posterior(log_scale, priors)
        self._known: dict[str, Mixture] = {}

    # --- likelihood ------------------------------------------------------------------------------

    def _likelihoods(self, sample: Sample) -> tuple[Floats, Floats]:
        """Each region's likelihood (R, V, S, M) over the place of its mean, its largest value taken out;
        and the sum of the logs of what was taken out, (V, S)."""
        shape = (len(sample.regions), self.degrees.size, self.grid.sigma.size, self.grid.places.size)
        logs = np.zeros(shape)
        for k, log_roi in zip(sample.region_of, sample.log_roi, strict=True):
            logs[k] += self._row_likelihood(log_roi)
        largest = logs.max(axis=-1, keepdims=True)
        return np.exp(logs - largest), np.asarray(largest.sum(axis=0)[..., 0])

    def _row_likelihood(self, log_roi: float) -> Floats:
        """Log density of a row given nu, sigma and the place of its region's mean, (V, S, M)."""
        grid = self.grid
        z = (log_roi - grid.places) / grid.spreads[:, None]
        normal = np.exp(-0.5 * z * z) / grid.spreads[:, None]  # (S + J - 1, M)
        found = [self._shares @ normal[k : k + TAIL.size] for k in range(grid.sigma.size)]
        return np.asarray(np.log(np.maximum(np.stack(found, axis=1), TINY)))

    def _kernel(self, tau: float) -> Floats:
        """Density of a region's place around mu, times the spacing: (M, M), symmetric."""
        places = self.grid.places
        if tau == 0.0:
            return np.eye(places.size)
        z = (places[:, None] - places) / tau
        return np.asarray(np.exp(-0.5 * z * z) * (places[1] - places[0]) / (tau * math.sqrt(2.0 * math.pi)))

    @staticmethod
    def _seen_from(of_region: Floats, kernel: Floats) -> Floats:
        """A region's likelihood over mu, its own place summed out; never quite 0, for its logarithm."""
        return np.maximum(of_region @ kernel, TINY)

    @cached_property
    def _kernels(self) -> list[Floats]:
        return [self._kernel(float(tau)) for tau in self.grid.tau]

    # --- posterior -------------------------------------------------------------------------------

    def _posterior(self, log_scale: Floats, priors: Priors) -> Floats:
        """Weights of (tau, nu, sigma, mu), shape (T, V, S, M), sum 1."""
        grid = self.grid
        logs = np.stack([np.log(self._seen_from(self._of_region, k)).sum(axis=0) for k in self._kernels])
        logs += (log_scale + np.log(grid.sigma) + priors.log_sigma(grid.sigma))[..., None]
        logs += -0.5 * ((grid.places - priors.mean) / priors.mean_sd) ** 2
        logs += priors.log_tau(grid.tau)[:, None, None, None]
        weights = np.exp(logs - logs.max())
        weights[0] *= 0.5  # the trapezoid rule's edge, at tau = 0
        return np.asarray(weights / weights.sum())

    def marginal(self, name: str) -> tuple[Floats, Floats]:
        """Values of ``mu``, ``tau``, ``sigma`` or ``nu`` on the grid and their posterior weights."""
        grid = self.grid
        axes = {"tau": grid.tau, "nu": self.degrees, "sigma": grid.sigma, "mu": grid.places}
        place = list(axes).index(name)
        return axes[name], np.asarray(self.weights.sum(axis=tuple(k for k in range(4) if k != place)))

    def place(self, region: str) -> Floats:
        """Posterior of the place of a region's mean with nu and sigma, shape (V, S, M), sum 1."""
        k = self.regions.get(region)
        if k is None:
            found = sum(w @ kernel for w, kernel in zip(self.weights, self._kernels, strict=True))
        else:
            own = self._of_region[k]
            pairs = zip(self.weights, self._kernels, strict=True)
            found = own * sum((w / self._seen_from(own, kernel)) @ kernel for w, kernel in pairs)
        return np.asarray(found / np.sum(found))

    def predict(self, case: Case) -> Mixture:
        """Log ROI of a new region-year of a region with rows or without, all uncertainty included."""
        if case.region not in self._known:
            self._known[case.region] = self._prediction(self.place(case.region))
        return self._known[case.region]

    def _prediction(self, place: Floats) -> Mixture:
        weights = np.zeros((self.grid.spreads.size, self.grid.places.size))
        for k in range(self.grid.sigma.size):
            weights[k : k + TAIL.size] += self._shares.T @ place[:, k]
        return mixture(self.grid.places, self.grid.spreads[:, None], weights, LIGHT)


def heavy_tailed(sample: Sample) -> HeavyPosterior:
    """The fit as the other methods are called."""
    return HeavyPosterior(sample)
