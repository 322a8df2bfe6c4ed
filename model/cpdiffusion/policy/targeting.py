"""Which eligible firms a programme takes first; among equals a lot decides, never list order."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cpdiffusion.errors import InputError
from cpdiffusion.policy.levers import Targeting
from cpdiffusion.world.firms import Flags, Ints
from cpdiffusion.world.regions import REGIONS
from cpdiffusion.world.world import World


def priority(rule: Targeting, world: World) -> Ints:
    """Priority level of each firm, shape (N,), 0 or more; higher comes first."""
    if rule == "random":
        return np.zeros(world.size, np.int32)
    _, level = np.unique(RULES[rule](world), return_inverse=True)
    return level.astype(np.int32)


def _key_sectors(world: World) -> Flags:
    keys = [set(REGIONS[r].key_sectors) if r in REGIONS else set() for r in world.regions]
    is_key = np.array([[name in key for name in world.sectors] for key in keys])
    if not is_key.any():
        raise InputError(
            "targeting=key_sectors: none of the world's sectors is a key sector of its region; "
            "use another rule, or the sector names of the presets."
        )
    return np.asarray(is_key[world.firms.region, world.firms.sector])


RULES: dict[Targeting, Callable[[World], NDArray[np.generic]]] = {
    "random": lambda world: np.zeros(world.size),
    "violators": lambda world: world.firms.past_violation,
    "hazardous": lambda world: world.firms.hazard_class,
    "exporters": lambda world: world.firms.export_share > 0,
    "key_sectors": _key_sectors,
    "connected": lambda world: np.diff(world.ties.start),
    "small": lambda world: -world.firms.employees,
    "large": lambda world: world.firms.employees,
}
