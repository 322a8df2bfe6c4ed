"""Rounds in which every engine has its turn, so that a busy machine slows all of them."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from bench.effort import Effort
from bench.engines import Engine
from bench.jobs import Task
from bench.timing import Turn, apart, turn

ByLabel = dict[str, float]


class Rounds(NamedTuple):
    """One job at one size. Dictionaries are by an engine's label."""

    turns: list[Turn]
    alone: dict[str, Turn]  # one run per thread, for memory
    seconds_per_firm: ByLabel  # of one turn alone; for those left out as at a smaller size
    left_out: ByLabel  # seconds that a turn would take


def rounds(
    task: Task, tiny: Task, engines: Sequence[Engine], effort: Effort, smaller: Rounds | None
) -> Rounds:
    """All turns at one size; ``smaller`` are the rounds at the size before."""
    known = smaller.seconds_per_firm if smaller else {}
    expected = {engine.label: known.get(engine.label, 0.0) * task.firms for engine in engines}
    left_out = {name: long for name, long in expected.items() if long > effort.longest_turn_seconds}
    taking_part = [engine for engine in engines if engine.label not in left_out]
    turns = all_turns(task, tiny, taking_part, effort)
    single = alone(task, tiny, taking_part, turns)
    return Rounds(
        turns, single, known | {name: each.seconds_per_firm for name, each in single.items()}, left_out
    )


def all_turns(task: Task, tiny: Task, engines: Sequence[Engine], effort: Effort) -> list[Turn]:
    """Round after round; an engine that has had its time sits out."""
    turns: list[Turn] = []
    spent: ByLabel = defaultdict(float)
    for number in range(effort.rounds):
        for engine in engines:
            if spent[engine.label] < effort.seconds_per_engine:
                begin = time.perf_counter()
                runs = engine.runs_per_turn(task, effort.share_of_turn)
                turns.append(apart(partial(turn, task, tiny, engine, number, runs)))
                spent[engine.label] += time.perf_counter() - begin
    return turns


def alone(task: Task, tiny: Task, engines: Sequence[Engine], turns: Sequence[Turn]) -> dict[str, Turn]:
    """A turn of one run per thread of each engine: its first if that was all, else one more."""
    short = {each.label: each for each in reversed(turns) if each.runs == each.threads}
    return {
        engine.label: short.get(engine.label) or apart(partial(turn, task, tiny, engine, 0, engine.threads))
        for engine in engines
    }
