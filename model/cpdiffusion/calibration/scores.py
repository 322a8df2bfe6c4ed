"""How good a prediction was once the number is known. All numbers in this room are log ROI.

CRPS and its differences are in units of log ROI (0.1 is about a tenth of the return itself); lower is
better, and for a point forecast it is the absolute error. The log score is in nats; higher is better.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cpdiffusion.calibration.predictive import Predictive

CENTRAL = (0.50, 0.90)  # probability that the reported intervals should hold
LEVELS = (0.05, 0.25, 0.50, 0.75, 0.95)


@dataclass(frozen=True)
class Score:
    """One prediction against what came: see the functions of the same names."""

    crps: float
    log_score: float
    pit: float
    covered50: bool
    covered90: bool


def crps(predictive: Predictive, observed: float) -> float:
    """Continuous ranked probability score, E|X - y| - E|X - X'| / 2 (Gneiting & Raftery 2007).

    In log ROI, 0 at best. Closed form for mixtures of normals (Grimit et al. 2006), the fair estimator
    for draws (Ferro 2014), which can come out slightly below 0.
    """
    return predictive.distance_to(observed) - 0.5 * predictive.mean_difference


def log_score(predictive: Predictive, observed: float) -> float:
    """Natural log of the predictive density at what came, in nats: higher is better. nan for draws."""
    return predictive.log_density(observed)


def pit(predictive: Predictive, observed: float) -> float:
    """Probability that had been given to a value up to what came: uniform on [0, 1] if calibrated."""
    return predictive.cdf(observed)


def covers(place: float, central: float) -> bool:
    """Whether the central interval of that probability holds the observation whose PIT is ``place``."""
    return abs(place - 0.5) <= 0.5 * central


def score(predictive: Predictive, observed: float) -> Score:
    """All scores of one prediction."""
    place = pit(predictive, observed)
    inside = (covers(place, central) for central in CENTRAL)
    return Score(crps(predictive, observed), log_score(predictive, observed), place, *inside)


def five_numbers(predictive: Predictive) -> tuple[float, ...]:
    """Quantiles of the predictive at LEVELS."""
    return tuple(predictive.quantiles(np.array(LEVELS)).tolist())
