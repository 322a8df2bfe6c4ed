"""Mesa, imported without a change to the process around it."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def start_method_kept() -> Iterator[None]:
    """Mesa 3.3.1 switches the whole process to 'spawn' at import; put back what was there."""
    method = multiprocessing.get_start_method(allow_none=True)
    yield
    multiprocessing.set_start_method(method, force=True)


with start_method_kept():
    from mesa import DataCollector, Model
    from mesa.discrete_space import Cell, FixedAgent, Network

__all__ = ["Cell", "DataCollector", "FixedAgent", "Model", "Network"]
