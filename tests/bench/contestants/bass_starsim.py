"""Network Bass diffusion with Starsim: a static network and a module of one's own.

Starsim acts at every point of its time line, both ends included, so that Q steps run from 1 to Q.
An edge's ``beta`` is what one adopter adds to the share of the firm it influences.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.contestants.bass import AdoptersPerStep, BassJob, Run

os.environ.setdefault("STARSIM_INSTALL_FONTS", "0")  # or its import rewrites matplotlib's font cache

import starsim as ss


class Ties(ss.Network):
    """Edges that stay as they are."""

    def step(self) -> None:
        """Nothing: without this Starsim warns that it may have been forgotten."""


class Bass(ss.Module):
    """Who has adopted, and who does next."""

    def __init__(self, pars: dict[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__()
        self.define_pars(innovation=0.0075, imitation=0.095)
        self.update_pars(pars, **kwargs)
        self.define_states(ss.BoolState("adopted", default=False))
        self.adopts = ss.bernoulli(p=self.chance)

    @staticmethod
    def chance(module: Bass, sim: ss.Sim, uids: ss.uids) -> NDArray[np.float64]:
        """Probability that each of these firms adopts in this step."""
        ties = sim.networks.ties
        heard = ties.beta * module.adopted[ties.p1]
        share = np.bincount(ties.p2, weights=heard, minlength=len(sim.people))
        return module.pars.innovation + module.pars.imitation * share[uids]

    def step(self) -> None:
        """One step of all firms at once."""
        new = self.adopts.filter(~self.adopted)
        self.adopted[new] = True


def make(job: BassJob, seed: int) -> Run:
    """An initialised Starsim simulation; it counts adopters by itself."""
    target = job.ties.target
    ties = Ties(p1=job.source, p2=target, beta=1 / job.influencers[target], name="ties")
    bass = Bass(innovation=job.innovation, imitation=job.imitation, name="bass")
    sim = ss.Sim(
        n_agents=job.size, networks=ties, modules=bass, start=1, stop=job.steps, dt=1,
        rand_seed=seed, verbose=0,
    )  # fmt: skip
    sim.init()
    return lambda: run(sim)


def run(sim: ss.Sim) -> AdoptersPerStep:
    """All steps."""
    sim.run()
    return np.asarray(sim.results.bass.n_adopted).astype(np.int64)
