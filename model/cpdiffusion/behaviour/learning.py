"""What a firm believes about the log return of cleaner production, and how it learns.

Normal-normal learning from neighbours' outcomes (Bala & Goyal 1998, "Learning from
neighbours"; weights as in DeGroot 1974). A belief is kept as two sums, its precision and its
precision-weighted mean, so a result is learned by two additions, in any order.
"""

from __future__ import annotations

from cpdiffusion.compiled import compiled


@compiled
def observation_precision(
    visibility: float, similarity: float, firm_variance: float, noise_variance: float
) -> float:
    """Precision that one peer's result adds: visibility x similarity / (firm + noise variance)."""
    return visibility * similarity / (firm_variance + noise_variance)


@compiled
def similarity(same_sector: bool, cross_sector_similarity: float) -> float:
    """How far a peer's result speaks for one's own: 1 in the same sector, less across sectors."""
    return 1.0 if same_sector else cross_sector_similarity


@compiled
def predicted_return(precision: float, weighted_sum: float, firm_variance: float) -> tuple[float, float]:
    """Mean and variance of the firm's own log return: N(m, 1/precision + firm variance)."""
    return weighted_sum / precision, 1.0 / precision + firm_variance


@compiled
def after_diagnosis(
    mean: float, variance: float, signal: float, signal_variance: float
) -> tuple[float, float]:
    """Prediction combined with an adviser's noisy signal of the firm's own log return."""
    precision = 1.0 / variance + 1.0 / signal_variance
    return (mean / variance + signal / signal_variance) / precision, 1.0 / precision
