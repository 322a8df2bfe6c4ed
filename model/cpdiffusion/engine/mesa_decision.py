"""A decision as Mesa sees it: a view of one row of the engine's columns."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from cpdiffusion.engine.state import NEVER, NOBODY
from cpdiffusion.world.firms import Ints


class Decision:
    """A view of one row of the engine's columns: a firm and its package, or one of its measures.

    What is not yet known is None.
    """

    def __init__(self, model: Any, row: int) -> None:
        self.model, self.row = model, row

    @property
    def rows(self) -> slice:
        """The rows that tell when something happened to it."""
        return slice(self.row, self.row + 1)

    @property
    def adopted(self) -> bool:
        """Whether it has adopted."""
        return self.adoption_quarter is not None

    @property
    def adoption_quarter(self) -> int | None:
        """Quarter of its adoption, counted from 0."""
        return _first(self.model.state.adoption_quarter[self.rows])

    @property
    def adopted_without_policy(self) -> bool | None:
        """Whether the same firm with the same draws has adopted in the run without policy."""
        beside = self.model.without_policy
        return None if beside is None else _first(beside.adoption_quarter[self.rows]) is not None

    @property
    def log_return(self) -> float | None:
        """Its realised log ROI; of a measure, above what that measure returns on average."""
        return _number(self.model.state.log_return[self.row])

    @property
    def supported(self) -> bool:
        """Whether the programme has taken it in."""
        return self.supported_quarter is not None

    @property
    def supported_quarter(self) -> int | None:
        """Quarter in which the programme took it in."""
        return _first(self.model.state.supported_quarter[self.rows])

    @property
    def diagnosed(self) -> bool:
        """Whether an adviser has estimated its return."""
        return self.diagnosed_quarter is not None

    @property
    def diagnosed_quarter(self) -> int | None:
        """Quarter of its diagnosis."""
        return _first(self.model.state.diagnosed_quarter[self.rows])

    @property
    def signal(self) -> float | None:
        """The adviser's estimate of its log ROI."""
        return _number(self.model.state.signal[self.row])

    @property
    def mean_log_return(self) -> float:
        """Its belief about the mean log ROI, before its own diagnosis."""
        state = self.model.state
        return float(state.weighted_sum[self.row] / state.precision[self.row])

    @property
    def sd(self) -> float:
        """Standard deviation of that belief (log ROI)."""
        return 1.0 / math.sqrt(self.model.state.precision[self.row])

    @property
    def results_seen(self) -> int:
        """Number of peers' results that it has seen."""
        return int(self.model.state.results_seen[self.row])

    @property
    def informant(self) -> Any:
        """The firm whose result it saw last before it adopted."""
        row = self.model.state.informant[self.row]
        return None if row == NOBODY else self.model.firms[row % self.model.world.size]

    @property
    def cohort_mates(self) -> list[Any]:
        """The other members of the cohort in which it sees results."""
        cohort = self.model.state.cohort
        if cohort[self.row] == NOBODY:
            return []
        rows = np.flatnonzero(cohort == cohort[self.row]).tolist()
        return [self.model.firms[row % self.model.world.size] for row in rows if row != self.row]


def _first(quarters: Ints) -> int | None:
    first = quarters.min()
    return None if first == NEVER else int(first)


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
