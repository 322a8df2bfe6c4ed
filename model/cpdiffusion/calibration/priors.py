"""What is calibrated, and what was believed before: each value of a range as likely as any other.

Candidates are moved about as normal scores: a parameter is ``low + (high - low) · Phi(score)``, its prior
is then a standard normal score. Scores know no bounds, so that no move of a candidate ever leaves the
prior; with a dozen parameters, most of them wide open, nearly all moves within bounds would.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpdiffusion.errors import InputError, did_you_mean
from cpdiffusion.parameters import BY_NAME

CALIBRATED = (
    "mean_log_return", "firm_log_return_sd", "region_year_log_return_sd", "investment_elasticity",
    "benefit_horizon_years", "capital_need_mean_mkrw", "accepted_payback_median_years",
    "required_confidence_median", "prior_mean_log_return", "act_anyway_probability",
    "cohort_visibility", "cohort_cost_per_firm_mkrw",
)  # fmt: skip

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Prior:
    """Independent uniform priors of P parameters."""

    names: tuple[str, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    def values(self, scores: Floats) -> Floats:
        """Parameters that belong to normal scores, both (..., P)."""
        from scipy.special import ndtr

        low, high = np.array(self.low), np.array(self.high)
        return np.asarray(low + (high - low) * ndtr(scores))

    def candidate(self, scores: Mapping[str, float]) -> dict[str, float]:
        """Parameters by name from scores by name."""
        found = self.values(np.array([scores[name] for name in self.names]))
        return dict(zip(self.names, found.tolist(), strict=True))

    def draw(self, generator: np.random.Generator) -> dict[str, float]:
        """Parameters drawn from the prior."""
        scores = generator.standard_normal(len(self.names))
        return dict(zip(self.names, self.values(scores).tolist(), strict=True))


def prior_of(names: Sequence[str] = CALIBRATED) -> Prior:
    """The prior of the named parameters, their ranges from the registry.

    Raises InputError for no name, a name given twice, an unknown one, and one that counts whole things.
    """
    if not names or len(set(names)) < len(names):
        raise InputError(f"calibrate.parameters={list(names)}: name one or more parameters, each once.")
    for name in names:
        if name not in BY_NAME:
            raise InputError(f"calibrate.parameters: {name} is no parameter{did_you_mean(name, BY_NAME)}")
        if BY_NAME[name].whole:
            raise InputError(
                f"calibrate.parameters: {name} counts whole {BY_NAME[name].unit}; name one that may take "
                "any value of its range."
            )
    ranges = [BY_NAME[name].prior_range for name in names]
    return Prior(tuple(names), tuple(low for low, _ in ranges), tuple(high for _, high in ranges))
