"""Runs: one replicate, and many replicates of one world in a single compiled call."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cpdiffusion.compiled import compiled
from cpdiffusion.engine.phases import quarter
from cpdiffusion.engine.setting import Setting, block_of
from cpdiffusion.engine.start import start
from cpdiffusion.engine.state import State, flows_of
from cpdiffusion.lent import lent
from cpdiffusion.world.firms import Ints


class Runs(NamedTuple):
    """Results of K replicates: what each firm did, and the flows by region and quarter."""

    adoption_quarter: NDArray[np.int16]  # (K, N); -1 is never
    supported_quarter: NDArray[np.int16]  # (K, N)
    log_return: NDArray[np.float32]  # (K, N); nan without adoption
    flow: NDArray[np.float64]  # (K, R, Q, flows), as in State


@compiled
def run(state: State, setting: Setting, seed: np.uint64, priority: Ints) -> None:
    """One replicate from its first to its last quarter."""
    start(state, setting, seed, priority)
    for now in range(state.flow.shape[1]):
        quarter(state, setting, now)


@compiled
def run_into(runs: Runs, state: State, setting: Setting, seeds: NDArray[np.uint64], priority: Ints) -> None:
    """One replicate per seed, results into ``runs``.

    All on one world, or each on its own: then the columns hold the seeds' worlds block after block.
    """
    state, setting = lent(state), lent(setting)
    firms, rows = state.waiting_list.size, state.adoption_quarter.size
    for k in range(seeds.size):
        block = k if setting.columns.region.size > rows else 0
        ranks = priority[block * firms : (block + 1) * firms]
        run(state, block_of(setting, block, rows), seeds[k], ranks)
        runs.adoption_quarter[k] = state.adoption_quarter
        runs.supported_quarter[k] = state.supported_quarter
        runs.log_return[k] = state.log_return
        runs.flow[k] = state.flow


def room_for(replicates: int, firms: int, regions: int, horizon_quarters: int, measures: int = 1) -> Runs:
    """Empty results of the right shapes."""
    size = firms * measures
    return Runs(
        np.empty((replicates, size), np.int16),
        np.empty((replicates, size), np.int16),
        np.empty((replicates, size), np.float32),
        np.empty((replicates, regions, horizon_quarters, flows_of(measures))),
    )
