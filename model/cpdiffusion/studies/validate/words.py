"""Phrases about scores that several parts of the summary share."""

from __future__ import annotations

import math

from cpdiffusion.calibration.validation import Validation
from cpdiffusion.outcomes.paired import CONFIDENCE, Interval

NOISE = {
    "better": "more than noise", "worse": "more than noise, against us", "tie": "within noise",
    "unknown": "which may be noise or not",
}  # fmt: skip


def verdict_on(over: Interval) -> str:
    """Whether a difference to a rival is better or worse by more than noise, or a tie."""
    if math.isnan(over.low):
        return "unknown"
    return "better" if over.high < 0.0 else "worse" if over.low > 0.0 else "tie"


def interval(over: Interval, decimals: int = 3) -> str:
    """A difference with its interval, or why it has none."""
    if not over.low <= over.high:
        return f"{over.estimate:+.{decimals}f} (too few regions for an interval)"
    ends = f"{over.low:+.{decimals}f} to {over.high:+.{decimals}f}"
    return f"{over.estimate:+.{decimals}f} ({percent(CONFIDENCE)} interval {ends})"


def percent(share: float) -> str:
    """A share in whole percent."""
    return f"{100 * share:.0f} %"


def covered(found: Validation, split: str, method: str) -> str:
    """How many rows the intervals of a model held."""
    scores = [p.score for p in found.of(split, method)]
    return (
        f"50 % intervals held {sum(s.covered50 for s in scores)} of {len(scores)} rows, 90 % intervals "
        f"{sum(s.covered90 for s in scores)}"
    )
