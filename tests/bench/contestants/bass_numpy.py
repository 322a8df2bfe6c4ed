"""Network Bass diffusion with numpy and scipy: one product with a sparse matrix per step."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from bench.contestants.bass import AdoptersPerStep, BassJob, Run


def make(job: BassJob, seed: int) -> Run:
    """The matrix that turns adopters into shares, and the run over it."""
    listening, rng = shares(job), np.random.default_rng(seed)
    return lambda: adopters_per_step(job, listening, rng)


def shares(job: BassJob) -> csr_array:
    """Row i adds up to 1 over the firms that influence firm i; shape (N, N)."""
    weight = 1 / job.influencers[job.ties.target]
    influence = csr_array((weight, job.ties.target, job.ties.start), (job.size, job.size))
    return influence.T.tocsr()


def adopters_per_step(job: BassJob, listening: csr_array, rng: np.random.Generator) -> AdoptersPerStep:
    """All steps."""
    adopted = np.zeros(job.size)
    adopters = np.empty(job.steps, np.int64)
    for step in range(job.steps):
        chance = job.innovation + job.imitation * (listening @ adopted)
        adopted[rng.random(job.size) < chance] = 1.0
        adopters[step] = np.count_nonzero(adopted)
    return adopters
