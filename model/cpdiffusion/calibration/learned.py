"""What a calibration has learned: posterior beside prior, what cannot be told apart, what says what."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from cpdiffusion.calibration.observations import Floats
from cpdiffusion.calibration.scores import LEVELS
from cpdiffusion.calibration.targets import Target
from cpdiffusion.parameters import BY_NAME

if TYPE_CHECKING:
    import pandas as pd

    from cpdiffusion.calibration.priors import Prior
    from cpdiffusion.calibration.smc import Found

# Posterior sd over prior sd up to which a parameter counts as learned, and as partly learned: a convention.
LEARNED, PARTLY = 0.5, 0.85
VERDICTS = ("learned from the data", "partly", "assumed")
NOT_KNOWN = "not known"  # too few draws to tell a narrow posterior from a sample that has collapsed
LEAST_EFFECTIVE = 50.0  # draws, with which a standard deviation is known to a tenth
UNIFORM_SD = 1.0 / math.sqrt(12.0)
CLEAR_TRADE_OFF = 0.3  # correlation from which two parameters are named as hard to tell apart


def verdict(kept_of_prior: float, effective: float) -> str:
    """In words, how much of what is claimed comes from the data; ``effective``: draws it rests on."""
    if effective < LEAST_EFFECTIVE:
        return NOT_KNOWN
    return VERDICTS[0 if kept_of_prior <= LEARNED else 1 if kept_of_prior <= PARTLY else 2]


def parameter_table(found: Found, prior: Prior) -> pd.DataFrame:
    """One row per parameter: prior range, posterior mean, sd and quantiles, kept_of_prior, verdict.

    ``kept_of_prior`` is posterior sd over prior sd: 1 says that the data taught nothing.
    """
    import pandas as pd

    return pd.DataFrame([_parameter(found, prior, k) for k in range(len(prior.names))])


def _parameter(found: Found, prior: Prior, k: int) -> dict[str, object]:
    name, low, high = prior.names[k], prior.low[k], prior.high[k]
    mean, sd = weighted_moments(found.values[:, k], found.weights)
    kept = sd / (UNIFORM_SD * (high - low))
    quantiles = weighted_quantiles(found.values[:, k], found.weights, LEVELS)
    return {
        "parameter": name, "meaning": BY_NAME[name].meaning, "unit": BY_NAME[name].unit,
        "prior_low": low, "prior_high": high, "mean": mean, "sd": sd,
        **dict(zip(("q05", "q25", "q50", "q75", "q95"), quantiles.tolist(), strict=True)),
        "kept_of_prior": kept, "verdict": verdict(kept, found.effective),
    }  # fmt: skip


def weighted_moments(values: Floats, weights: Floats) -> tuple[float, float]:
    """Mean and standard deviation of weighted values (K,)."""
    mean = float(weights @ values)
    return mean, math.sqrt(float(weights @ (values - mean) ** 2))


def weighted_quantiles(values: Floats, weights: Floats, levels: Sequence[float]) -> Floats:
    """Quantiles of weighted values (K,), interpolated between them."""
    order = np.argsort(values, kind="stable")
    upto = np.cumsum(weights[order]) - 0.5 * weights[order]
    return np.interp(levels, upto, values[order])


def fit_table(found: Found, targets: Sequence[Target]) -> pd.DataFrame:
    """One row per target: what was to be met, what calibrated candidates say, and the misfit."""
    import pandas as pd

    return pd.DataFrame([_fit(found, target) for target in targets])


def _fit(found: Found, target: Target) -> dict[str, object]:
    values = found.patterns[target.name].to_numpy()
    mean, sd = weighted_moments(values, found.weights)
    low, middle, high = weighted_quantiles(values, found.weights, (0.05, 0.5, 0.95)).tolist()
    return {
        "target": target.name, "words": target.words, "unit": target.unit, "low": target.low,
        "high": target.high, "tolerance": target.tolerance, "weight": target.weight,
        "simulated_mean": mean, "simulated_sd": sd, "q05": low, "q50": middle, "q95": high,
        "misfit": target.misfit(mean), "source": target.source,
    }  # fmt: skip


def pair_table(found: Found, prior: Prior) -> pd.DataFrame:
    """One row per pair of parameters: weighted correlation of their scores, the strongest first."""
    import pandas as pd

    correlation = _correlations(found.scores, found.weights)
    rows = [
        {"parameter": a, "other": b, "correlation": float(correlation[i, j])}
        for (i, a), (j, b) in combinations(enumerate(prior.names), 2)
    ]
    frame = pd.DataFrame(rows, columns=["parameter", "other", "correlation"])
    return frame.sort_values("correlation", key=abs, ascending=False, kind="stable", ignore_index=True)


def _correlations(points: Floats, weights: Floats) -> Floats:
    apart = points - weights @ points
    spread = np.sqrt(weights @ apart**2)
    scaled = apart / np.where(spread > 0, spread, 1.0)
    return np.asarray((scaled * weights[:, None]).T @ scaled)


def source_table(found: Found, prior: Prior, targets: Sequence[Target]) -> pd.DataFrame:
    """One row per parameter and target: what the target alone would teach, and what is lost without it.

    Around the posterior each pattern is taken as linear in the scores (weighted least squares over the
    accepted candidates), so that prior and targets together are a normal distribution whose width is
    known with any of them left out. ``kept_by_it_alone``: sd left of the prior's if this were the only
    target; ``widening_without``: sd if it were left out over sd with all. A range counts as an
    observation with the spread of a uniform of its width, on top of the tolerance.
    """
    import pandas as pd

    slopes = _slopes(found, targets)
    information = [np.outer(b, b) * t.weight / _variance(t) for b, t in zip(slopes, targets, strict=True)]
    alone = [_sds(one) for one in information]
    everything = _sds(sum(information, np.zeros((len(prior.names),) * 2)))
    without = [_sds(sum(information, np.zeros((len(prior.names),) * 2)) - one) for one in information]
    return pd.DataFrame([
        {
            "parameter": name, "target": target.name, "kept_by_it_alone": float(alone[j][k]),
            "widening_without": float(without[j][k] / everything[k]),
        }
        for k, name in enumerate(prior.names)
        for j, target in enumerate(targets)
    ])  # fmt: skip


def _variance(target: Target) -> float:
    return target.tolerance**2 + (UNIFORM_SD * (target.high - target.low)) ** 2


def _slopes(found: Found, targets: Sequence[Target]) -> list[Floats]:
    """Change of each pattern per unit of each score, (P,)."""
    root = np.sqrt(found.weights)[:, None]
    design = np.column_stack([np.ones(len(found.weights)), found.scores]) * root
    patterns = np.column_stack([found.patterns[target.name] for target in targets]) * root
    return list(np.linalg.lstsq(design, patterns, rcond=None)[0][1:].T)


def _sds(information: Floats) -> Floats:
    """Standard deviation of each score, of which the prior is a standard normal."""
    return np.asarray(np.sqrt(np.diag(np.linalg.inv(np.eye(len(information)) + information))))
