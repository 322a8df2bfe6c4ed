"""Work whose answer is known: for the runner's tests, in a module that other processes can import."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cpdiffusion.runner.work import Done, Failed, joined


@dataclass(frozen=True)
class Squares:
    """Unit u has ``u % 3 + 1`` rows with its square; units in ``failing`` have none.

    ``seconds`` is what a unit takes. The first to compute unit ``fatal`` ends its process, once if
    ``marker`` is a file's name, else every time.
    """

    units: int
    failing: tuple[int, ...] = ()
    seconds: float = 0.0
    fatal: int = -1
    marker: str = ""

    def run(self, first: int, count: int) -> Done:
        return joined([self._unit(unit) for unit in range(first, first + count)])

    def _unit(self, unit: int) -> Done:
        time.sleep(self.seconds)
        if unit == self.fatal:
            self._die()
        if unit in self.failing:
            return Done({}, [Failed(unit, f"unit {unit} cannot be computed")])
        rows = unit % 3 + 1
        return Done({
            "unit": np.full(rows, unit, np.int32), "name": np.full(rows, f"of {unit}"),
            "square": np.full(rows, float(unit) ** 2),
        })  # fmt: skip

    def _die(self) -> None:
        if self.marker and Path(self.marker).exists():
            return
        if self.marker:
            Path(self.marker).touch()
        os._exit(1)
