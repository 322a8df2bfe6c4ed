"""Generation after generation, each computed by whatever crew there is and kept in shards.

A generation follows from the seed, its number and the results before, so a search that was interrupted
reads what its shards hold, breeds the same candidates again and goes on where nothing is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cpdiffusion.errors import InputError
from cpdiffusion.runner.carry_out import carry_out
from cpdiffusion.runner.crew import OpenCrew
from cpdiffusion.runner.shards import Shards
from cpdiffusion.search.front import require_pymoo, undominated
from cpdiffusion.search.problem import Draws, Floats, Problem
from cpdiffusion.search.robust import Robust, scores, yardstick
from cpdiffusion.search.work import Evaluated, SearchWork, evaluated

BREED, SELECT, PRUNE = range(3)  # what a generator is for
Told = Callable[[int], None]


@dataclass(frozen=True)
class Plan:
    """How a search is done."""

    population: int
    generations: int
    front: int  # policies of the front, at most
    draws: Draws
    robust: Robust
    thresholds: Floats  # (A,), in the aims' own units; nan: no worse than the first reference
    seed: int

    def generator(self, generation: int, purpose: int) -> np.random.Generator:
        """The generator of one purpose in one generation."""
        return np.random.default_rng([self.seed, generation, purpose])


@dataclass(frozen=True)
class Bred:
    """What one generation came to."""

    candidates: int
    new: int  # that had not been run before
    infeasible: int  # of the new ones


@dataclass(frozen=True, eq=False)
class Found:
    """All candidates of a search, in the order in which they were first bred."""

    shares: Floats  # (N, V)
    generation: NDArray[np.int_]  # (N,) in which each was bred first
    values: Floats  # (N, D, A), nan for those that are no policy
    references: Floats  # (R, D, A)
    reasons: dict[int, str]  # why a candidate is no policy
    bred: list[Bred]


class Search:
    """A search under way."""

    def __init__(self, problem: Problem, plan: Plan, folder: Path, open_crew: OpenCrew, told: Told) -> None:
        require_pymoo()
        self.problem, self.plan, self.folder = problem, plan, folder
        self.open_crew, self.told = open_crew, told
        self._place: dict[bytes, int] = {}  # of candidates that were seen
        self._reasons: dict[int, str] = {}
        levers, aims = problem.unordered.size, len(problem.aims)
        self._shares, self._values = np.empty((0, levers)), np.empty((0, plan.draws.number, aims))
        self._references = np.empty((0, plan.draws.number, aims))
        self._generation: list[int] = []
        self._bred: list[Bred] = []

    def run(self) -> Found:
        """All generations, or as many as there are policies to try."""
        parents = np.empty(0, dtype=int)
        for g in range(self.plan.generations):
            wanted = self._bred_from(parents, g)
            if not len(wanted):
                break
            children = self._evaluate(wanted, g)
            both = np.concatenate([parents, children])
            kept = self._survivors(both, g)
            parents = both[kept]
        return Found(
            self._shares, np.array(self._generation, dtype=int), self._values, self._references,
            self._reasons, self._bred,
        )  # fmt: skip

    def _bred_from(self, parents: NDArray[np.int_], generation: int) -> Floats:
        from cpdiffusion.search import breeding

        problem, size = self.problem, self.plan.population
        generator = self.plan.generator(generation, BREED)
        if generation == 0:
            return breeding.first_shares(problem.canonical, problem.starts, size, generator)
        return breeding.offspring(
            problem.canonical,
            problem.unordered,
            self._shares[parents],
            self.scores()[parents],
            size,
            generator,
        )

    def _survivors(self, places: NDArray[np.int_], generation: int) -> NDArray[np.int_]:
        from cpdiffusion.search import breeding

        generator = self.plan.generator(generation, SELECT)
        return breeding.survivors(self.scores()[places], self.plan.population, generator)

    def scores(self) -> Floats:
        """Of everything seen so far, each whole generation at once: no order within it matters."""
        return scores_of(self.problem, self.plan, self._values, self._references)

    def _evaluate(self, wanted: Floats, generation: int) -> NDArray[np.int_]:
        """Run what was not seen before; places of all that are wanted."""
        new = np.array([row for row in wanted if row.tobytes() not in self._place]).reshape(
            -1, wanted.shape[1]
        )
        work = SearchWork(self.problem, new, self.plan.draws, with_references=generation == 0)
        found = computed(work, self.folder / f"generation-{generation:04d}", self.open_crew, self.told)
        self._take_in(new, found, work.ahead, generation)
        self._bred.append(Bred(len(wanted), len(new), len(found.reasons)))
        self.told(len(wanted) - len(new))
        return np.array([self._place[row.tobytes()] for row in wanted], dtype=int)

    def _take_in(self, new: Floats, found: Evaluated, ahead: int, generation: int) -> None:
        for unit, reason in found.reasons.items():
            if unit < ahead:
                raise InputError(f"{self.problem.references[unit]}: {reason}")
            self._reasons[len(self._shares) + unit - ahead] = reason
        for k, row in enumerate(new):
            self._place[row.tobytes()] = len(self._shares) + k
        self._shares = np.concatenate([self._shares, new])
        self._values = np.concatenate([self._values, found.values[ahead:]])
        self._references = np.concatenate([self._references, found.values[:ahead]])
        self._generation += [generation] * len(new)
        if generation == 0 and len(self._reasons) == len(new):
            raise InputError(f"no candidate is a policy that can be run; the first: {self._reasons[0]}")


def computed(work: SearchWork, folder: Path, open_crew: OpenCrew, told: Told) -> Evaluated:
    """Carry work out into a folder of its own, as far as that is not done, and read what came out."""
    folder.mkdir(exist_ok=True)
    shards = Shards(folder)
    told(sum(chunk.size for chunk in shards.chunks()))
    if work.units:
        carry_out(work, shards, open_crew, told)
    return evaluated(work, shards)


def scores_of(problem: Problem, plan: Plan, values: Floats, references: Floats) -> Floats:
    """What the search makes small, (N, A), for policies and references in the aims' own units."""
    signs = problem.signs
    signed, by = values * signs, yardstick(values * signs, references * signs, plan.thresholds * signs)
    return scores(plan.robust, signed, by)


def front_of(problem: Problem, plan: Plan, found: Found) -> NDArray[np.int_]:
    """Places of the undominated candidates of the whole search, by scores over all that was seen.

    The references are left out, for they are there anyway. Where there are more than are wanted, first
    those that are undominated in the first two aims alone, up to half, then those that stand most alone.
    """
    score = scores_of(problem, plan, found.values, found.references)
    known = {row.tobytes() for row in problem.canonical(problem.starts)}
    new = np.array([row.tobytes() not in known for row in found.shares])
    places = np.flatnonzero(undominated(score) & new)
    line = places[undominated(score[places][:, :2])]
    first = most_alone(score[:, :2], line, max(plan.front // 2, 1), plan)
    others = most_alone(score, np.setdiff1d(places, first), plan.front - len(first), plan)
    return np.sort(np.concatenate([first, others]))


def most_alone(score: Floats, places: NDArray[np.int_], number: int, plan: Plan) -> NDArray[np.int_]:
    """At most so many of these places."""
    from cpdiffusion.search import breeding

    if len(places) <= number:
        return places
    return places[breeding.survivors(score[places], number, plan.generator(plan.generations, PRUNE))]
