"""What was computed under some parameters, found again for as long as none that it read has changed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any, NamedTuple, TypeVar

from cpdiffusion.parameters import Parameters, RecordingParameters

T = TypeVar("T")
FIRMS_KEPT = 2**18  # over all that is kept: some hundred MiB with their ties


class Kept(NamedTuple):
    """A result, with all that it depends on."""

    owner: object
    key: Hashable
    read: dict[str, float]
    firms: int
    result: Any


class Memo:
    """Worlds and columns of the last calls; what has not been asked for longest goes first.

    A sweep runs thousands of points on the same worlds. Which parameters a world depends on is not
    written down anywhere: it is recorded as they are read. Threads may share it.
    """

    def __init__(self, firms_kept: int = FIRMS_KEPT) -> None:
        self._kept: list[Kept] = []
        self._room = firms_kept
        self._lock = threading.Lock()

    def get(
        self, owner: object, key: Hashable, firms: int, p: Parameters, compute: Callable[[Parameters], T]
    ) -> T:
        """``compute(p)``, done or found: ``owner`` is compared by identity, and ``compute`` not at all."""
        with self._lock:
            kept = self._find(owner, key, p)
        if kept:
            found: T = kept.result
            return found
        recorder = RecordingParameters(p)
        result = compute(recorder)
        with self._lock:
            self._keep(Kept(owner, key, {name: p[name] for name in recorder.read}, firms, result))
        return result

    def _find(self, owner: object, key: Hashable, p: Parameters) -> Kept | None:
        for place, kept in enumerate(self._kept):
            if kept.owner is owner and kept.key == key and _as_read(kept, p):
                self._kept.append(self._kept.pop(place))
                return kept
        return None

    def _keep(self, new: Kept) -> None:
        self._kept.append(new)
        while len(self._kept) > 1 and sum(kept.firms for kept in self._kept) > self._room:
            self._kept.pop(0)


def _as_read(kept: Kept, p: Parameters) -> bool:
    return all(p[name] == value for name, value in kept.read.items())
