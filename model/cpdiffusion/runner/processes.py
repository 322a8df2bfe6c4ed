"""A pool of processes that leaves Ctrl-C to its parent and never outlives it."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from multiprocessing.connection import Connection

from cpdiffusion.errors import InputError


class WorkerDied(InputError):
    """A process was ended from outside, and what it was computing is lost."""


ENDED_FROM_OUTSIDE = (
    "one of the processes of this study was ended from outside (often for lack of memory); give the same "
    "command again to go on, with a smaller workers= if memory is short."
)


@contextlib.contextmanager
def processes(workers: int, prepare: Callable[[], object] = int) -> Iterator[Executor | None]:
    """A pool of processes, or none for a single worker. Fresh ones: a fork would share our threads' locks.

    ``prepare`` is called once in each.
    """
    if workers == 1:
        yield None
        return
    context = get_context("spawn")
    lifeline, held = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(workers, context, initializer=hang_on, initargs=(lifeline, prepare))
    try:
        with _deaf_to_interrupts(), _nameless_main():
            for _ in range(workers):  # each starts one process, as none is idle yet
                pool.submit(int)
        yield pool
    except BrokenProcessPool:
        raise WorkerDied(ENDED_FROM_OUTSIDE) from None
    except BaseException:
        held.close()  # what is under way is not waited for
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        held.close()


def hang_on(lifeline: Connection, prepare: Callable[[], object]) -> None:
    """In a process of the pool: leave Ctrl-C to the parent, and end when it lets go or was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(lifeline,), daemon=True).start()
    prepare()


def _end_with(lifeline: Connection) -> None:
    lifeline.poll(None)  # nothing is ever sent: it returns at the other end's close
    os._exit(1)


@contextlib.contextmanager
def _nameless_main() -> Iterator[None]:
    """A process that starts here does not run the caller's script, which may lack a __main__ guard."""
    names: dict[str, object] = vars(sys.modules["__main__"])
    kept: dict[str, object] = {name: names[name] for name in ("__spec__", "__file__") if name in names}
    names.update(dict.fromkeys(kept))
    try:
        yield
    finally:
        names.update(kept)


@contextlib.contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """A process that starts here ignores Ctrl-C from its first moment; only the main thread may ask that."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
