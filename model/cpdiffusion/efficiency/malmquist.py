"""The Malmquist index: how the productivity of a unit changed between two periods, and why.

Färe, Grosskopf, Norris & Zhang (1994), under constant returns. With D^a(b) the score of the unit as it was in
period b before the frontier of period a (1 on the frontier, above 1 beyond it),

    efficiency change  E = D^t1(t1) / D^t0(t0)                                    catching up
    technical change   T = sqrt( D^t0(t1) / D^t1(t1)  x  D^t0(t0) / D^t1(t0) )    the frontier itself moved
    index              M = E x T;  above 1 is a gain

Under constant returns the four programmes have a solution whenever every output that the unit makes is made
by somebody in either period; else the index is nan. The frontier of a year with few units is hardly one:
the number of units in both years goes with each index.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from cpdiffusion.efficiency.data import Units
from cpdiffusion.efficiency.frontier import Orientation, Reference, radial, score
from cpdiffusion.efficiency.windows import Panel


@dataclass(frozen=True)
class Change:
    """Of one unit between two successive periods of the panel."""

    unit: str
    before: int
    after: int
    efficiency_change: float
    technical_change: float
    index: float
    units_before: int
    units_after: int


def malmquist(panel: Panel, orientation: Orientation) -> list[Change]:
    """Every unit that is there in two successive periods, in the order of periods and units."""
    periods = sorted(panel)
    return [
        change_of(name, before, after, panel, orientation)
        for before, after in pairwise(periods)
        for name in panel[before].names
        if name in panel[after].names
    ]


def change_of(name: str, before: int, after: int, panel: Panel, orientation: Orientation) -> Change:
    """The index of one unit between two periods in both of which it is there."""

    def d(frontier: int, period: int) -> float:
        return distance(name, panel[period], panel[frontier], orientation)

    efficiency = d(after, after) / d(before, before)
    technical = math.sqrt(d(before, after) / d(after, after) * d(before, before) / d(after, before))
    return Change(
        name, before, after, efficiency, technical, efficiency * technical,
        panel[before].size, panel[after].size,
    )  # fmt: skip


def distance(name: str, as_in: Units, frontier: Units, orientation: Orientation) -> float:
    """Score of a unit as it is in one set before the frontier of another, under constant returns."""
    k = as_in.names.index(name)
    reference = Reference(frontier.inputs, frontier.outputs)
    problem = reference.problem(as_in.inputs[k : k + 1], as_in.outputs[k : k + 1], "constant", orientation)
    return float(score(radial(problem), orientation)[0])
