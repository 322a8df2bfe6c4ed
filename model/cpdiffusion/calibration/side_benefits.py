"""Indirect and environmental benefits, fitted exactly: they follow adoption and never cause it.

Nothing that spreads depends on them, so their posterior needs no simulation. Per region-year the benefit
is absent with some probability (uniform prior, so a beta posterior) and else log-normal in relation to the
investment (Jeffreys' prior, so a scaled inverse chi-squared variance and a normal mean; Gelman et al. 2013,
chapter 3).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cpdiffusion.calibration.observations import Floats
from cpdiffusion.evidence.table4 import RegionYear
from cpdiffusion.parameters import BY_NAME

LEAST_ROWS = 3  # with the benefit, for a spread


def side_benefit_draws(
    rows: Sequence[RegionYear], count: int, generator: np.random.Generator
) -> dict[str, Floats]:
    """``count`` draws (K,) of each parameter that the rows can tell; none of a benefit that is too rare."""
    found: dict[str, Floats] = {}
    for kind in ("indirect", "environmental"):
        ratio = np.array([getattr(row, f"{kind}_mkrw") / row.investment_mkrw for row in rows])
        found |= _draws(kind, ratio, count, generator)
    return found


def _draws(kind: str, ratio: Floats, count: int, generator: np.random.Generator) -> dict[str, Floats]:
    logs = np.log(ratio[ratio > 0])
    if logs.size < LEAST_ROWS or logs.std() == 0.0:
        return {}
    zeros = ratio.size - logs.size
    sd = np.sqrt((logs.size - 1) * logs.var(ddof=1) / generator.chisquare(logs.size - 1, count))
    mean = logs.mean() + sd / np.sqrt(logs.size) * generator.standard_normal(count)
    drawn = {
        f"{kind}_zero_share": generator.beta(1 + zeros, 1 + logs.size, count),
        f"{kind}_log_ratio": mean,
        f"{kind}_log_ratio_sd": sd,
    }
    return {name: np.clip(values, BY_NAME[name].least, BY_NAME[name].most) for name, values in drawn.items()}
