"""Work is carried out: chunk by chunk into shards, in whatever order, until nothing is to do."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from time import perf_counter

from cpdiffusion.runner.crew import Computed, Crew, OpenCrew
from cpdiffusion.runner.processes import WorkerDied
from cpdiffusion.runner.shards import Shards
from cpdiffusion.runner.work import Chunk, Work

AHEAD = 2  # chunks per worker that wait or run, so that nobody waits for the next one
LEAST_SECONDS, MOST_SECONDS = 1.0, 30.0  # that a chunk is meant to take
CHUNKS_AT_ANY_TIME = 20  # a chunk takes this part of the time so far: few files, little lost
REMEMBERED = 4  # chunks from which the speed is told
MOST_DEATHS = 3  # of workers without any chunk finished between them

Told = Callable[[int], None]  # units finished


def carry_out(work: Work, shards: Shards, open_crew: OpenCrew, told: Told) -> None:
    """Compute every unit that no shard holds yet; chunks of workers that died are computed again.

    InputError where workers keep dying. An interrupt leaves whole shards.
    """
    deaths = 0
    while to_do := shards.to_do(work.units):
        before = len(shards.chunks())
        try:
            with open_crew(work) as crew:
                Pass(crew, shards, Cutter(to_do, crew.workers), told).run()
        except WorkerDied:
            deaths = deaths + 1 if len(shards.chunks()) == before else 1
            if deaths >= MOST_DEATHS:
                raise


class Pass:
    """One crew's time at work: until all is done, or one of its workers dies."""

    def __init__(self, crew: Crew, shards: Shards, cutter: Cutter, told: Told) -> None:
        self.crew, self.shards, self.cutter, self.told = crew, shards, cutter, told
        self.under_way: dict[Future[Computed], Chunk] = {}

    def run(self) -> None:
        """Hand out chunks and write what comes back."""
        self._hand_out()
        while self.under_way:
            for future in wait(self.under_way, return_when=FIRST_COMPLETED).done:
                self._take_in(future)
            self._hand_out()

    def _hand_out(self) -> None:
        room = self.crew.workers * AHEAD if self.crew.workers > 1 else 1
        while len(self.under_way) < room and (chunk := self.cutter.next()):
            self.under_way[self.crew.submit(chunk)] = chunk

    def _take_in(self, future: Future[Computed]) -> None:
        chunk = self.under_way.pop(future)
        computed = future.result()
        self.shards.write(chunk, computed.shard)
        self.cutter.took(chunk, computed.seconds)
        self.told(chunk.size)


class Cutter:
    """Cuts what is to do into chunks that take about as long as they should, by measurement."""

    def __init__(self, to_do: Iterable[Chunk], workers: int) -> None:
        self._gaps = deque(to_do)
        self._left = sum(gap.size for gap in self._gaps)
        self._workers = workers
        self._seconds_per_unit: deque[float] = deque(maxlen=REMEMBERED)
        self._began = perf_counter()

    def next(self) -> Chunk | None:
        """The next chunk; None when everything is handed out."""
        if not self._gaps:
            return None
        gap = self._gaps.popleft()
        chunk = Chunk(gap.first, min(self._size(), gap.size))
        if chunk.size < gap.size:
            self._gaps.appendleft(Chunk(chunk.end, gap.end - chunk.end))
        self._left -= chunk.size
        return chunk

    def took(self, chunk: Chunk, seconds: float) -> None:
        """Learn from a chunk how long a unit takes."""
        self._seconds_per_unit.append(seconds / chunk.size)

    def _size(self) -> int:
        """One unit before anything is known; towards the end less, so that all workers end together."""
        if not self._seconds_per_unit:
            return 1
        elapsed = perf_counter() - self._began
        wanted = min(max(elapsed / CHUNKS_AT_ANY_TIME, LEAST_SECONDS), MOST_SECONDS)
        fair = self._left // (AHEAD * self._workers)
        return max(1, min(int(wanted / max(min(self._seconds_per_unit), 1e-9)), fair))
