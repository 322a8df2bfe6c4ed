"""Single units that hold up the frontier: what their leaving would do to all others.

DEA has no room for luck or misprints: a unit with an output that is too high by mistake lowers the scores
of all that are compared with it. So each unit on the frontier is left out in turn. A unit is called an
outlier when its super-efficiency is above ``FAR`` (the screening of Banker & Chang 2006; their simulations
put the screen between 1.2 and 2) *and* leaving it out lifts the mean score of the others by ``MOVES`` or
more; being good is no fault, and being far away without touching anybody does no harm.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpdiffusion.efficiency.data import Floats, Units
from cpdiffusion.efficiency.frontier import ON_FRONTIER, Orientation
from cpdiffusion.efficiency.scores import beyond, within

FAR = 1.6  # super-efficiency
MOVES = 0.02  # of the mean score of the others


@dataclass(frozen=True, eq=False)
class Influence:
    """Of n units under constant returns."""

    super_efficiency: Floats  # (n,), nan where infeasible: nobody else makes what the unit makes
    lifts_others_by: Floats  # (n,) rise of the others' mean score when the unit is left out

    @property
    def outlier(self) -> NDArray[np.bool_]:
        """Which units are outliers by the rule above; infeasible counts as far."""
        far = ~(self.super_efficiency <= FAR)
        return far & (self.lifts_others_by >= MOVES)


def influence(units: Units, orientation: Orientation) -> Influence:
    """Super-efficiency and leave-one-out influence of every unit."""
    own = within(units, "constant", orientation)
    lifts = np.zeros(units.size)
    if units.size > 2:
        for k in np.flatnonzero(own > 1.0 - ON_FRONTIER):
            others = [j for j in range(units.size) if j != k]
            lifts[k] = (within(units.only(others), "constant", orientation) - own[others]).mean()
    return Influence(beyond(units, "constant", orientation), lifts)
