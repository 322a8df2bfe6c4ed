"""Three simple predictions of a region-year that any model has to beat.

Pooled
    One log-normal for all regions and years.
Region mean
    Each region has a mean of its own that owes nothing to the others (no pooling), the spread of years
    is shared. A region without rows has no mean; it falls back to the pooled prediction.
Partially pooled
    Regions differ by a spread that is itself learned: the return model without investment. The
    strongest simple one.

All three carry the uncertainty of what they estimate, under the priors of the return model, so that a
difference in scores is one of structure.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from cpdiffusion.calibration.observations import Case, Floats, Sample
from cpdiffusion.calibration.predictive import Mixture, mixture
from cpdiffusion.calibration.quadrature import nodes_and_weights
from cpdiffusion.calibration.returns import LEAST_SIGMA, MOST_SIGMA, PRIORS, Priors, fit

Forecast = Callable[[Case], Mixture]
NODES = 40
EVERYWHERE = "all regions"


def pooled(sample: Sample, priors: Priors = PRIORS) -> Forecast:
    """The same prediction for every region-year."""
    one = replace(sample, regions=(EVERYWHERE,), region_of=np.zeros_like(sample.region_of))
    everywhere = own_means(one, priors)[EVERYWHERE]
    return lambda case: everywhere


def region_mean(sample: Sample, priors: Priors = PRIORS) -> Forecast:
    """Each region by its own rows; one without rows by the pooled prediction."""
    known, other = own_means(sample, priors), pooled(sample, priors)
    return lambda case: known.get(case.region) or other(case)


def partially_pooled(sample: Sample, priors: Priors = PRIORS) -> Forecast:
    """The return model without investment."""
    return fit(sample, elasticity=False, priors=priors).predict


def own_means(sample: Sample, priors: Priors) -> dict[str, Mixture]:
    """Prediction for each region from a mean of its own and a shared spread, by conjugate algebra."""
    counts = sample.counts
    means = sample.sums(sample.log_roi) / counts
    squares = float(((sample.log_roi - means[sample.region_of]) ** 2).sum())

    def log_density(log_sigma: Floats) -> Floats:
        sigma = np.exp(log_sigma)
        of_mean = sigma[:, None] ** 2 + counts * priors.mean_sd**2
        fit_of_means = (np.log(of_mean) + counts * (means - priors.mean) ** 2 / of_mean).sum(axis=1)
        within = 2.0 * (counts.sum() - counts.size) * log_sigma + squares / sigma**2
        return np.asarray(-0.5 * (within + fit_of_means) + log_sigma + priors.log_sigma(sigma))

    bounds = [(math.log(LEAST_SIGMA), math.log(MOST_SIGMA))]
    (log_sigma,), weights = nodes_and_weights(log_density, bounds, [NODES])
    sigma = np.exp(log_sigma)
    found = zip(sample.regions, counts, means, strict=True)
    return {name: _own(priors, n, mean, sigma, weights) for name, n, mean in found}


def _own(priors: Priors, count: float, mean: float, sigma: Floats, weights: Floats) -> Mixture:
    precision = count / sigma**2 + priors.mean_sd**-2
    centre = (count * mean / sigma**2 + priors.mean * priors.mean_sd**-2) / precision
    return mixture(centre, np.sqrt(1.0 / precision + sigma**2), weights)
