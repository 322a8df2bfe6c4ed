"""The classic data sets of the diffusion of innovations as worlds."""

from __future__ import annotations

import numpy as np

from cpdiffusion.evidence.diffusion_networks import DiffusionNetwork, diffusion_network
from cpdiffusion.world.contract import EVERYWHERE
from cpdiffusion.world.ties import Layer, Ties, rows
from cpdiffusion.world.world import Recipe


def classic_network(name: str, directed: bool = True) -> Recipe:
    """The recipe of a data set: its people as firms, their groups as complexes.

    Who adopted in the first observed period is an adopter from the start. With
    ``directed=False`` naming somebody is a tie in both directions. Raises InputError for an unknown
    name.
    """
    data = diffusion_network(name)
    groups, group = np.unique(np.array(data.group), return_inverse=True)
    nowhere = np.zeros(len(data.firms), np.int32)
    return Recipe(
        regions=(data.name,),
        sectors=(EVERYWHERE,),
        complexes=tuple(groups.tolist()),
        ids=data.firms,
        given={
            "region": nowhere, "sector": nowhere, "complex": group.astype(np.int32),
            "seed": data.time_of_adoption == data.first_period,
        },
        ties=ties_of(data, directed),
        time_of_adoption=data.time_of_adoption,
    )  # fmt: skip


def ties_of(data: DiffusionNetwork, directed: bool = True) -> Ties:
    """A tie from each person named to the one who named it, or both ways; weighted by nominations."""
    # copies, because the compiled function takes arrays open to writing
    source, target, weight = data.source.copy(), data.target.copy(), data.value.copy()
    if not directed:
        source, target = np.concatenate((source, target)), np.concatenate((target, source))
        weight = np.concatenate((weight, weight))
    return rows(len(data.firms), source, target, np.full(source.size, Layer.OTHER, np.int8), weight)
