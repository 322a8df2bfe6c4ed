"""What is said about a number, and the words that several numbers share.

Status says how far a number can be trusted: *measured* was read from a source, *calibrated*
was estimated by us from Table 4, *assumed* is neither and must be swept before anyone builds on it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from cpdiffusion.evidence.moments import ReturnMoments

Status = Literal["measured", "calibrated", "assumed"]


@dataclass(frozen=True)
class Parameter:
    """One number of the model; ``value`` is a figure, or how to read it from Table 4's moments."""

    name: str
    value: float | Callable[[ReturnMoments], float]
    unit: str
    low: float
    high: float
    status: Status
    source: str
    meaning: str
    least: float = 0.0  # hard bounds: beyond them the equations lose their meaning
    most: float = math.inf
    whole: bool = False
    behaviour: str | None = None  # the only rule that looks at it; None: not bound to one
    prior: tuple[float, float] | None = None  # believed before any calibration; None: low to high

    @property
    def prior_range(self) -> tuple[float, float]:
        """Within which every value was as likely as any other before the model was calibrated."""
        return self.prior or (self.low, self.high)

    def at(self, moments: ReturnMoments) -> float:
        """The default under a variant of Table 4."""
        return float(self.value(moments) if callable(self.value) else self.value)


SHARE: dict[str, Any] = {"unit": "share", "most": 1.0}
OURS = "no source; sweep it"
