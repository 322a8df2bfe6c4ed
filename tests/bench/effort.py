"""How much is measured: all of it for people, or a little of everything for the tests."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from bench.jobs import BASS, COHORTS, SEVEN, Job


@dataclass(frozen=True)
class Effort:
    """Sizes, and how often."""

    sizes: dict[Job, tuple[int, ...]]  # firms
    curve: tuple[int, ...]  # firms
    quarters: int
    rounds: int  # at most
    share_of_turn: float  # of the firm-quarters that an engine runs in a turn
    seconds_per_engine: float  # at one size; after them it takes no further turn
    longest_turn_seconds: float  # an engine that is expected to need more is left out
    replicates: int
    instrument_sizes: tuple[int, ...]  # firms
    large: int  # firms per region of the whole command
    first_run: bool  # whether to time a command that has to compile everything

    def with_all(self) -> Effort:
        """Nobody is left out."""
        return replace(self, longest_turn_seconds=math.inf)


SIZES = (1_000, 10_000, 100_000, 600_000)
FULL = Effort(
    sizes={COHORTS: SIZES, SEVEN: (600_000,), BASS: SIZES},
    curve=(100, 1_000, 10_000, 100_000, 1_000_000),
    quarters=40, rounds=7, share_of_turn=1.0, seconds_per_engine=8.0, longest_turn_seconds=60.0,
    replicates=10_000, instrument_sizes=(1_000, 20_000), large=85_715, first_run=True,
)  # fmt: skip
QUICK = Effort(
    sizes={COHORTS: (60, 120), SEVEN: (420,), BASS: (60,)},
    curve=(60, 120),
    quarters=8, rounds=2, share_of_turn=1e-4, seconds_per_engine=8.0, longest_turn_seconds=60.0,
    replicates=10, instrument_sizes=(60,), large=60, first_run=False,
)  # fmt: skip
