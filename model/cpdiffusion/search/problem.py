"""What a search needs to know of whatever it searches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from cpdiffusion.errors import InputError

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Candidate = NDArray[np.float64] | int  # shares in [0, 1] of the way through each lever, or a reference


class Draws(NamedTuple):
    """States of the world under which a candidate is run: the same for all, by number."""

    first: int
    number: int


class Problem(Protocol):
    """V levers, A aims and R reference policies; it travels to processes and to other machines."""

    @property
    def aims(self) -> Sequence[str]:
        """Names of the aims."""

    @property
    def signs(self) -> Floats:
        """Shape (A,): +1 where more of an aim is better, -1 where less is."""

    @property
    def references(self) -> Sequence[str]:
        """Policies that candidates are held against; the first one sets what is good enough."""

    @property
    def unordered(self) -> Flags:
        """Shape (V,): levers whose values have no order, so that none lies between two others."""

    @property
    def starts(self) -> Floats:
        """Candidates (S, V) that the first generation begins with: what is known to be good."""

    def canonical(self, shares: Floats) -> Floats:
        """Shares (P, V) of which any two that mean the same policy are equal."""

    def run(self, wanted: Sequence[Candidate], draws: Draws) -> list[Floats | str]:
        """Of each candidate its aims (D, A), or why there is no such policy."""


def plain_error(error: Exception) -> str:
    """Why something could not be computed: our own sentence, or the name of a fault of ours."""
    return str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
