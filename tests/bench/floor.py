"""The floor: what a rule in which firms draw anew each quarter has to do at least.

``listed``: for every firm and quarter one keyed draw and one comparison, one firm at a time, and
the firms that come up are noted down, as by any rule that goes on to do something with them.
``counted``: the same draws and comparisons, but nobody learns who came up; so the compiler draws
for several firms at once. It is no rule's floor, but shows what the draws alone cost. Ratios in
the benchmark are to the first.
"""

from __future__ import annotations

import numpy as np

from cpdiffusion import draws
from cpdiffusion.compiled import compiled
from cpdiffusion.draws import Purpose
from cpdiffusion.world.firms import Ints

REVIEW = int(Purpose.REVIEW)


@compiled
def listed(seed: np.uint64, quarters: int, rate: float, came_up: Ints) -> int:
    """How many came up over all quarters; ``came_up`` has room for all firms, shape (N,)."""
    total = 0
    for quarter in range(quarters):
        total += list_those(draws.stream(seed, REVIEW, quarter), rate, came_up)
    return total


@compiled
def list_those(key: np.uint64, rate: float, came_up: Ints) -> int:
    """Note down who comes up in a quarter; how many did. Without a branch, which would be guessed wrong."""
    number = 0
    for firm in range(came_up.size):
        came_up[number] = firm
        number += draws.uniform(key, firm) < rate
    return number


@compiled
def counted(seed: np.uint64, quarters: int, rate: float, firms: int) -> int:
    """How many came up over all quarters."""
    total = 0
    for quarter in range(quarters):
        key = draws.stream(seed, REVIEW, quarter)
        for firm in range(firms):
            total += draws.uniform(key, firm) < rate
    return total
