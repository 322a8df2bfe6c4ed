"""Network Bass diffusion as a job for several libraries, and the list of them.

Nobody has adopted at the start. In each step, all at once, a firm that has not adopted does so
with probability ``innovation + imitation * share``; ``share`` is that of adopters among the firms
that influence it as the step begins, 0 for a firm that nobody influences (Bass 1969; on a network
as in Rahmandad & Sterman 2008). A contestant's module is imported when it is first asked to make
a model, so that a library which is absent harms nobody but itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module, metadata
from importlib.util import find_spec
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cpdiffusion.world.ties import Ties

AdoptersPerStep = NDArray[np.int64]  # (Q,) firms that have adopted by the end of each step
Run = Callable[[], AdoptersPerStep]


class BassJob(NamedTuple):
    """Who influences whom (each pair once, nobody itself), for how long and how strongly."""

    ties: Ties  # N firms; only ``start`` and ``target`` matter
    steps: int = 40  # Q, quarters
    innovation: float = 0.0075  # p per quarter
    imitation: float = 0.095  # q per quarter

    @property
    def size(self) -> int:
        """N."""
        return self.ties.start.size - 1

    @property
    def source(self) -> NDArray[np.int64]:
        """The firm that influences, of each tie; shape (M,)."""
        return np.repeat(np.arange(self.size), np.diff(self.ties.start))

    @property
    def influencers(self) -> NDArray[np.int64]:
        """How many firms influence each firm; shape (N,)."""
        return np.bincount(self.ties.target, minlength=self.size)


@dataclass(frozen=True)
class Contestant:
    """One library's way to do the job."""

    name: str  # as shown
    module: str  # in this package
    distribution: str  # as on PyPI
    imports: tuple[str, ...]  # what its module needs

    def is_installed(self) -> bool:
        """Whether ``make`` can work here."""
        return all(find_spec(name) is not None for name in self.imports)

    def version(self) -> str:
        """The library's version."""
        return metadata.version(self.distribution)

    def make(self, job: BassJob, seed: int) -> Run:
        """A model ready for its first step; the result runs all steps and may be called once."""
        return import_module(f"{__package__}.{self.module}").make(job, seed)


CONTESTANTS = (
    Contestant("numpy + scipy", "bass_numpy", "scipy", ("scipy",)),
    Contestant("numpy, tuned", "bass_numpy_tuned", "numpy", ("numpy",)),
    Contestant("Starsim", "bass_starsim", "starsim", ("starsim",)),
    Contestant("Mesa", "bass_mesa", "mesa", ("mesa", "networkx")),
    Contestant("Mesa, tuned", "bass_mesa_tuned", "mesa", ("mesa", "networkx")),
    Contestant("AgentPy", "bass_agentpy", "agentpy", ("agentpy", "networkx")),
    # NDlib 6.0.1 imports six without asking for it.
    Contestant("NDlib", "bass_ndlib", "ndlib", ("ndlib", "six", "networkx")),
)
