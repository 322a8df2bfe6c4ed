"""Network Bass diffusion with numpy, tuned: an adopter tells its neighbours once.

Shares grow with each new adopter instead of being made anew from all ties in each step, and only
firms that are still undecided draw.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.contestants.bass import AdoptersPerStep, BassJob, Run
from bench.contestants.sparse_rows import entries_of


def make(job: BassJob, seed: int) -> Run:
    """What each tie adds to a share, and the run over it."""
    gain, rng = 1 / job.influencers[job.ties.target], np.random.default_rng(seed)
    return lambda: adopters_per_step(job, gain, rng)


def adopters_per_step(job: BassJob, gain: NDArray[np.float64], rng: np.random.Generator) -> AdoptersPerStep:
    """All steps; ``gain`` is one over the influencers of each tie's target, shape (M,)."""
    share, undecided = np.zeros(job.size), np.arange(job.size)
    adopters = np.empty(job.steps, np.int64)
    for step in range(job.steps):
        new = rng.random(undecided.size) < job.innovation + job.imitation * share[undecided]
        told = entries_of(job.ties.start, undecided[new])
        np.add.at(share, job.ties.target[told], gain[told])
        undecided = undecided[~new]
        adopters[step] = job.size - undecided.size
    return adopters
