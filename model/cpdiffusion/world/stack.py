"""Worlds of equal size side by side, as one long world: so that what is done to many is done at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from cpdiffusion.world.firms import Firms, Ints
from cpdiffusion.world.ties import Ties
from cpdiffusion.world.world import World


@dataclass(frozen=True)
class Stack:
    """K worlds of N firms, block after block and without ties between them."""

    world: World  # of K N firms
    count: int  # K
    target: Ints  # (M,) of each tie, as a row of its own block

    @property
    def size(self) -> int:
        """Number of firms in a block."""
        return self.world.size // self.count


def stacked(worlds: Sequence[World]) -> Stack:
    """The worlds in the order given; they must hold equally many firms in the same regions."""
    first, ties = worlds[0], [world.ties for world in worlds]
    if len(worlds) == 1:
        return Stack(first, 1, first.ties.target)
    firms = Firms(*map(np.concatenate, zip(*(world.firms for world in worlds), strict=True)))
    long = replace(first, firms=firms, ties=side_by_side(ties, first.size), ids=None)
    return Stack(long, len(worlds), np.concatenate([t.target for t in ties]))


def side_by_side(ties: Sequence[Ties], size: int) -> Ties:
    """Ties of as many blocks of ``size`` firms, with rows of the long world as targets."""
    ends = np.cumsum([0, *(t.target.size for t in ties)])
    starts = [t.start[:-1] + end for t, end in zip(ties, ends, strict=False)]
    return Ties(
        np.concatenate([*starts, ends[-1:]]),
        np.concatenate([t.target + np.int32(k * size) for k, t in enumerate(ties)]),
        np.concatenate([t.layer for t in ties]),
        np.concatenate([t.weight for t in ties]),
    )
