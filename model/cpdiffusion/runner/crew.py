"""Who does the work: this process, several processes of this machine, or a Dask cluster."""

from __future__ import annotations

import contextlib
import functools
import pickle
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import NamedTuple

from cpdiffusion.runner.processes import processes
from cpdiffusion.runner.shards import as_parquet
from cpdiffusion.runner.work import Chunk, Work


class Computed(NamedTuple):
    """A chunk as a worker hands it back."""

    shard: bytes  # Parquet
    seconds: float
    failed: int


def compute(work: Work, chunk: Chunk) -> Computed:
    """Compute a chunk where the worker is."""
    began = time.perf_counter()
    done = work.run(*chunk)
    return Computed(as_parquet(done), time.perf_counter() - began, len(done.failed))


def packed(work: Work) -> bytes:
    """Work as it travels."""
    return pickle.dumps(work, protocol=pickle.HIGHEST_PROTOCOL)


@dataclass(frozen=True)
class Crew:
    """So many workers, each of which computes one chunk at a time."""

    workers: int
    submit: Callable[[Chunk], Future[Computed]]


OpenCrew = Callable[[Work], contextlib.AbstractContextManager[Crew]]


@contextlib.contextmanager
def local_crew(work: Work, workers: int) -> Iterator[Crew]:
    """Processes of this machine; a single worker is this process itself.

    InputError (runner.processes) when one of them is ended from outside.
    """
    if workers == 1:
        yield Crew(1, functools.partial(_at_once, work))
        return
    with processes(workers, functools.partial(_take, packed(work))) as pool:
        assert pool is not None
        yield Crew(workers, lambda chunk: pool.submit(_compute_taken, chunk))


def _at_once(work: Work, chunk: Chunk) -> Future[Computed]:
    """A future that is done; an interrupt comes through."""
    future: Future[Computed] = Future()
    try:
        future.set_result(compute(work, chunk))
    except Exception as error:
        future.set_exception(error)
    return future


_taken: Work | None = None  # in a process of the pool: what it works on


def _take(blob: bytes) -> None:
    global _taken
    _taken = pickle.loads(blob)


def _compute_taken(chunk: Chunk) -> Computed:
    assert _taken is not None
    return compute(_taken, Chunk(*chunk))
