"""A problem of calibration whose posterior is known; light, as each process of a pool imports it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from cpdiffusion.calibration.priors import Prior
from cpdiffusion.calibration.smc import Problem
from cpdiffusion.calibration.targets import Target

Floats = NDArray[np.float64]

# Patterns are SLOPES @ scores: with normal errors and normal scores the posterior is a normal too.
NAMES = ("level", "trend", "spread")
SLOPES = np.array([[1.0, 0.6, 0.0], [0.0, 1.0, -0.5], [0.5, 0.0, 1.0]])
OBSERVED = np.array([0.8, -0.3, 0.5])
TOLERANCES = np.array([0.3, 0.4, 0.5])
PRIOR = Prior(NAMES, (0.0, -1.0, 10.0), (1.0, 3.0, 20.0))


@dataclass(frozen=True)
class LinearSimulator:
    """Stands in for the model; its patterns are linear in the scores."""

    def patterns(self, values: Mapping[str, float]) -> dict[str, float]:
        scores = scores_of(np.array([values[name] for name in NAMES]))
        return {f"pattern {k}": float(value) for k, value in enumerate((SLOPES * scores).sum(axis=1))}


def scores_of(values: Floats) -> Floats:
    """Normal scores of parameters, both (..., P)."""
    low, high = np.array(PRIOR.low), np.array(PRIOR.high)
    within = 1e-15  # of the edges of the prior, where rounding would make a score infinite
    return np.asarray(ndtri(np.clip((values - low) / (high - low), within, 1.0 - within)))


def linear_problem(tolerances: Floats = TOLERANCES) -> Problem:
    """What is asked, perhaps with another tolerance than the one that the exact posterior takes."""
    targets = tuple(
        Target(f"pattern {k}", "", "", value, value, tolerance, "")
        for k, (value, tolerance) in enumerate(zip(OBSERVED, tolerances, strict=True))
    )
    return Problem(LinearSimulator(), PRIOR, targets)


def exact_posterior() -> tuple[Floats, Floats]:
    """Means and standard deviations of the scores, by the algebra of normals."""
    precision = np.eye(len(NAMES)) + SLOPES.T @ np.diag(TOLERANCES**-2.0) @ SLOPES
    covariance = np.linalg.inv(precision)
    return covariance @ SLOPES.T @ (OBSERVED / TOLERANCES**2), np.sqrt(np.diag(covariance))
