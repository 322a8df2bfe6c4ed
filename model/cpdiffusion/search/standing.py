"""A crew that stays from generation to generation, so that nobody starts or builds worlds anew."""

from __future__ import annotations

import contextlib
import functools
import pickle
from collections.abc import Iterator
from concurrent.futures import Executor
from concurrent.futures.process import BrokenProcessPool
from types import TracebackType

from cpdiffusion.runner.crew import Computed, Crew, compute, local_crew
from cpdiffusion.runner.processes import ENDED_FROM_OUTSIDE, WorkerDied, processes
from cpdiffusion.runner.work import Chunk, Work
from cpdiffusion.search.problem import Draws, Floats, Problem
from cpdiffusion.search.work import SearchWork


class StandingCrew:
    """Processes of this machine that hold a problem; opened for one generation's work after the other."""

    def __init__(self, problem: Problem, workers: int) -> None:
        self._problem, self._workers = problem, workers
        self._stack = contextlib.ExitStack()
        self._pool: Executor | None = None

    def __enter__(self) -> StandingCrew:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool = None
        self._stack.__exit__(kind, error, trace)

    @contextlib.contextmanager
    def __call__(self, work: Work) -> Iterator[Crew]:
        """The crew at one work. WorkerDied when a process was ended; the next call has new ones."""
        assert isinstance(work, SearchWork)
        if self._workers == 1:
            with local_crew(work, 1) as crew:
                yield crew
            return
        pool = self._pool = self._pool or self._started()
        asked = work.shares, work.draws, work.with_references
        try:
            yield Crew(self._workers, lambda chunk: pool.submit(_compute_held, *asked, chunk))
        except BrokenProcessPool:
            self._pool = None
            self._stack.close()
            raise WorkerDied(ENDED_FROM_OUTSIDE) from None

    def _started(self) -> Executor:
        blob = pickle.dumps(self._problem, protocol=pickle.HIGHEST_PROTOCOL)
        pool = self._stack.enter_context(processes(self._workers, functools.partial(_hold, blob)))
        assert pool is not None
        return pool


_held: Problem | None = None  # in a process of the pool: what is searched, with the worlds that it remembers


def _hold(blob: bytes) -> None:
    global _held
    _held = pickle.loads(blob)


def _compute_held(shares: Floats, draws: Draws, with_references: bool, chunk: Chunk) -> Computed:
    assert _held is not None
    return compute(SearchWork(_held, shares, Draws(*draws), with_references), Chunk(*chunk))
