"""What instruments cost the engine: the same runs without any, and with ten at once."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from bench.effort import Effort
from bench.engines import OwnRuns
from bench.jobs import COHORTS, Task
from bench.timing import apart, seconds
from cpdiffusion.instruments.enactment import Enactment, in_order
from cpdiffusion.parameters import Parameters, parameters

TEN = (
    "carbon_border", "customs_information", "environmental_law", "export_packages", "procurement_network",
    "product_service", "resource_circulation", "round_table", "safety_control_centre",
    "technology_cooperation",
)  # fmt: skip
HARDLY = 1e-6  # a strength at which every term is looked up and next to nobody decides otherwise
FIRM_QUARTERS = 1_000_000  # of the runs that are timed together


class Case(NamedTuple):
    """One way to run: in words, strength of ten instruments, chance of acting anyway."""

    words: str
    strength: float
    act_anyway_probability: float

    def task(self, plain: Task) -> Task:
        """The same world in this way."""
        enacted = in_order({name: Enactment(strength=self.strength) for name in TEN} if self.strength else {})
        design = replace(plain.job.design, instruments=enacted)
        changed = {**plain.parameters, "act_anyway_probability": self.act_anyway_probability}
        return replace(plain, job=replace(plain.job, design=design), parameters=Parameters(changed))


USUAL = parameters().act_anyway_probability
CASES = (
    Case("without instruments", 0.0, USUAL),
    Case("ten instruments that change nothing", HARDLY, USUAL),
    Case("ten instruments", 1.0, USUAL),
    Case("without instruments, more adopters", 0.0, 6 * USUAL),
)


class Run(NamedTuple):
    """One run of a case, median over turns."""

    case: str
    firms: int
    seconds: float
    ratio: float  # to the run without instruments
    adopters: float


def instruments(effort: Effort) -> Iterator[Run]:
    """Every case on one world of each size, turn and turn about."""
    for firms in effort.instrument_sizes:
        yield from apart(partial(runs_of, firms, effort.quarters, effort.rounds))


def runs_of(firms: int, quarters: int, rounds: int) -> list[Run]:
    """Measured in this process."""
    count = max(1, FIRM_QUARTERS // (firms * quarters))
    ways = [OwnRuns(case.task(COHORTS.task(firms, quarters)), range(count), 1) for case in CASES]
    adopters = [sum(way()) / count for way in ways]  # compiles, too
    turns = [[seconds(way)[0] / count for way in ways] for _ in range(rounds)]
    taken = [statistics.median(column) for column in zip(*turns, strict=True)]
    return [
        Run(case.words, firms, each, each / taken[0], found)
        for case, each, found in zip(CASES, taken, adopters, strict=True)
    ]
