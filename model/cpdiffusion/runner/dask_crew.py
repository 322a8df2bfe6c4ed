"""A crew on a Dask cluster: one that runs already, one of this machine, or Slurm jobs."""

from __future__ import annotations

import contextlib
import pickle
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any

from cpdiffusion.errors import InputError
from cpdiffusion.runner.crew import Computed, Crew, compute, packed
from cpdiffusion.runner.manifest import code_hash
from cpdiffusion.runner.processes import WorkerDied
from cpdiffusion.runner.work import Chunk, Work

DIED_TOO_OFTEN = (
    "the workers that computed one part of this study died again and again (often for lack of memory); give "
    "the same command again to go on, with more memory per worker or fewer replicates."
)
LOST = "the Dask scheduler went away; give the same command again to go on where this stopped."


@dataclass(frozen=True)
class ClusterAsked:
    """Where the cluster is, or how it is started; as in the settings."""

    address: str | None
    cluster: str
    jobs: int
    cores: int
    memory: str
    walltime: str
    queue: str | None
    account: str | None
    options: Sequence[str]
    wait_seconds: float


@contextlib.contextmanager
def dask_crew(work: Work, asked: ClusterAsked, local_workers: int) -> Iterator[Crew]:
    """All workers of the cluster; Dask runs again what was lost with a worker.

    InputError where nothing listens, no worker comes, or workers have other code than this process.
    """
    distributed = require_dask()
    with contextlib.ExitStack() as stack:
        client = stack.enter_context(_client(distributed, asked, local_workers, stack))
        _require_workers(client, asked)
        _require_same_code(client)
        held = client.submit(pickle.loads, packed(work), key=f"work-{id(client)}")  # made again if lost
        pool = stack.enter_context(client.get_executor(pure=False))
        try:
            threads = sum(client.nthreads().values())
            yield Crew(threads, lambda chunk: pool.submit(_compute_held, held, tuple(chunk)))
        except distributed.scheduler.KilledWorker:
            raise WorkerDied(DIED_TOO_OFTEN) from None
        except (CancelledError, distributed.comm.CommClosedError, distributed.client.FutureCancelledError):
            raise InputError(LOST) from None


def _compute_held(work: Work, chunk: tuple[int, int]) -> Computed:
    return compute(work, Chunk(*chunk))


def _client(distributed: Any, asked: ClusterAsked, local_workers: int, stack: contextlib.ExitStack) -> Any:
    if asked.address:
        return _connected(distributed, asked.address, asked.wait_seconds)
    start = (
        partial(_slurm, asked) if asked.cluster == "slurm" else partial(_local, distributed, local_workers)
    )
    return distributed.Client(stack.enter_context(start()))


def _connected(distributed: Any, address: str, wait_seconds: float) -> Any:
    try:
        return distributed.Client(address, timeout=wait_seconds)
    except (OSError, ValueError) as error:
        raise InputError(
            f"dask.address={address}: no Dask scheduler answers there ({type(error).__name__}); start one by "
            "'dask scheduler' and give the address that it prints."
        ) from None


def _local(distributed: Any, workers: int) -> Any:
    return distributed.LocalCluster(
        n_workers=workers, threads_per_worker=1, dashboard_address=None, silence_logs=50
    )


def _slurm(asked: ClusterAsked) -> Any:
    try:
        jobqueue: Any = import_module("dask_jobqueue")
    except ImportError:
        raise InputError(
            "dask.cluster=slurm: needs dask-jobqueue, which is not installed; install it by "
            "pip install 'cpdiffusion[dask]'."
        ) from None
    return jobqueue.SLURMCluster(
        queue=asked.queue, account=asked.account, cores=asked.cores, processes=asked.cores,
        memory=asked.memory, walltime=asked.walltime, job_extra_directives=list(asked.options),
        n_workers=asked.jobs * asked.cores,
    )  # fmt: skip


def _require_workers(client: Any, asked: ClusterAsked) -> None:
    try:
        client.wait_for_workers(1, timeout=asked.wait_seconds)
    except TimeoutError:
        where = asked.address or f"dask.cluster={asked.cluster}"
        raise InputError(
            f"{where}: no worker came within {asked.wait_seconds:g} seconds; start some by 'dask worker "
            "<address>', or wait longer with dask.wait_seconds."
        ) from None


def _require_same_code(client: Any) -> None:
    """Results of two versions must not stand in one store."""
    mine = code_hash()
    others = {name for name, code in client.run(code_hash, on_error="return").items() if code != mine}
    if others:
        raise InputError(
            f"the Dask worker {min(others)} has no cpdiffusion or another version of it; install there what "
            "runs here."
        )


def require_dask() -> Any:
    """InputError that says how to get the library, which is an extra."""
    try:
        import distributed
    except ImportError:
        raise InputError(
            "runner=dask: needs dask, which is not installed; install it by pip install 'cpdiffusion[dask]'."
        ) from None
    return distributed
