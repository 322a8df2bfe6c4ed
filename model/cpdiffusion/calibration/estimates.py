"""What a table says about the return model: posterior beside prior, parameter by parameter."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from cpdiffusion.calibration.heavy import DEGREES, HeavyPosterior
from cpdiffusion.calibration.observations import Floats, Sample, sample
from cpdiffusion.calibration.predictive import Mixture
from cpdiffusion.calibration.returns import FINE, PRIORS, Posterior, fit
from cpdiffusion.calibration.scores import LEVELS
from cpdiffusion.evidence.table4 import RegionYear

if TYPE_CHECKING:
    import pandas as pd

HALF_NORMAL_MEAN, HALF_NORMAL_SD = math.sqrt(2 / math.pi), math.sqrt(1 - 2 / math.pi)  # of scale 1
COLUMNS = ("mean", "sd", "q05", "q25", "q50", "q75", "q95", "prior_mean", "prior_sd")
Figures = tuple[float, ...]


def estimates(table: str, rows: Sequence[RegionYear]) -> pd.DataFrame:
    """One row per model and parameter: mu, tau, sigma, beta and each region's effect, all in log ROI.

    With heavy tails sigma is the scale of Student's t (smaller than its sd) and nu its degrees of freedom.
    ``kept_of_prior`` is posterior sd over prior sd: 1 says that the table taught nothing.
    """
    import pandas as pd

    models = {"with_investment": True, "partially_pooled": False}
    found = [
        (table, model, name, *figures)
        for model, elasticity in models.items()
        for name, figures in _parameters(sample(rows), elasticity)
    ]
    found += [(table, "heavy_tailed", name, *figures) for name, figures in _heavy(sample(rows))]
    frame = pd.DataFrame(found, columns=["table", "model", "parameter", *COLUMNS])
    return frame.assign(kept_of_prior=frame["sd"] / frame["prior_sd"])


def _parameters(known: Sample, elasticity: bool) -> Iterator[tuple[str, Figures]]:
    found, fine = fit(known, elasticity), fit(known, elasticity, nodes=FINE)
    yield "mu", (*_of(found.mean_log_return), PRIORS.mean, PRIORS.mean_sd)
    yield "tau", _spread(fine, "tau", PRIORS.tau_scale)
    yield "sigma", _spread(fine, "sigma", PRIORS.sigma_scale)
    if found.elasticity is not None:
        yield "beta", (*_of(found.elasticity), 0.0, PRIORS.elasticity_sd)
    for region in known.regions:
        yield f"u_{region}", (*_of(found.region_effect(region)), 0.0, PRIORS.tau_scale)


def _heavy(known: Sample) -> Iterator[tuple[str, Figures]]:
    found = HeavyPosterior(known)
    tau, sigma = (scale * HALF_NORMAL_MEAN for scale in (PRIORS.tau_scale, PRIORS.sigma_scale))
    tau_sd, sigma_sd = (scale * HALF_NORMAL_SD for scale in (PRIORS.tau_scale, PRIORS.sigma_scale))
    yield "mu", (*_on_grid(*found.marginal("mu")), PRIORS.mean, PRIORS.mean_sd)
    yield "tau", (*_on_grid(*found.marginal("tau")), tau, tau_sd)
    yield "sigma", (*_on_grid(*found.marginal("sigma")), sigma, sigma_sd)
    yield "nu", (*_on_grid(*found.marginal("nu")), float(np.mean(DEGREES)), float(np.std(DEGREES)))


def _on_grid(values: Floats, weights: Floats) -> Figures:
    """Mean, sd and quantiles of a value on a grid; quantiles are no finer than that."""
    mean = float(weights @ values)
    sd = math.sqrt(float(weights @ (values - mean) ** 2))
    return (mean, sd, *np.interp(LEVELS, np.cumsum(weights) - 0.5 * weights, values).tolist())


def _of(mixture: Mixture) -> Figures:
    return (mixture.mean, mixture.sd, *mixture.quantiles(np.array(LEVELS)).tolist())


def _spread(found: Posterior, name: str, scale: float) -> Figures:
    quantiles = found.spread_quantiles(name, np.array(LEVELS)).tolist()
    return (*found.spread_moments(name), *quantiles, scale * HALF_NORMAL_MEAN, scale * HALF_NORMAL_SD)
