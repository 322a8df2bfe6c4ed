"""Problems of which the best policies are known; light, as each process of a pool imports it."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cpdiffusion.errors import InputError
from cpdiffusion.search.problem import Candidate, Draws, Flags, Floats
from cpdiffusion.search.search import Plan
from cpdiffusion.search.standing import StandingCrew
from cpdiffusion.studies.optimise.study import Searched, searched


@dataclass(frozen=True)
class Planted:
    """ZDT1 (Zitzler, Deb & Thiele 2000): the front is 1 - sqrt(x), where all levers but the first are 0.

    Draws add noise: ``common`` to all candidates, and ``own`` to each but the reference. ``levels`` above 0
    make levers take so many values; ``most`` is the first lever's largest value that is a policy.
    """

    levers: int = 6
    common: float = 0.05
    own: float = 0.0
    levels: int = 0
    most: float = 1.0
    seconds: float = 0.0  # that a candidate takes
    ordered: bool = True
    aims: tuple[str, ...] = ("first", "second")
    references: tuple[str, ...] = ("all ones",)

    @property
    def signs(self) -> Floats:
        return np.array([-1.0, -1.0])

    @property
    def unordered(self) -> Flags:
        return np.full(self.levers, not self.ordered)

    @property
    def starts(self) -> Floats:
        return np.empty((0, self.levers))

    def canonical(self, shares: Floats) -> Floats:
        parts = self.levels or 1000
        return np.minimum(np.floor(shares * parts), parts - 1) / (parts - 1)

    def run(self, wanted: Sequence[Candidate], draws: Draws) -> list[Floats | str]:
        return [self._one(np.ones(self.levers) if isinstance(w, int) else w, draws, w) for w in wanted]

    def _one(self, x: Floats, draws: Draws, asked: Candidate) -> Floats | str:
        time.sleep(self.seconds)
        if x[0] > self.most and not isinstance(asked, int):
            return f"the first lever is above {self.most:g}."
        return zdt1(x) + self._noise(draws, x, 0.0 if isinstance(asked, int) else self.own)

    def _noise(self, draws: Draws, x: Floats, own: float) -> Floats:
        of_draws = np.random.default_rng(7).normal(0.0, self.common, (1000, 2))
        of_policy = np.random.default_rng([*x.view(np.uint32)]).normal(0.0, own, (1000, 2))
        return (of_draws + of_policy)[draws.first : draws.first + draws.number]


def zdt1(x: Floats) -> Floats:
    g = 1.0 + 9.0 * float(x[1:].mean())
    return np.array([x[0], g * (1.0 - np.sqrt(x[0] / g))])


@dataclass(frozen=True)
class Faulty(Planted):
    """One policy in two is beyond what our own code can do; another breaks whatever runs with it."""

    def _one(self, x: Floats, draws: Draws, asked: Candidate) -> Floats | str:
        if not isinstance(asked, int) and x[0] > 0.5:
            raise InputError("too much of the first lever.")
        if not isinstance(asked, int) and x[0] > 0.4:
            raise ZeroDivisionError("of the model")
        return super()._one(x, draws, asked)


def search(
    problem: Planted,
    folder: Path,
    population: int = 12,
    generations: int = 6,
    workers: int = 1,
    seed: int = 1,
) -> Searched:
    """A search with the front run again under ten draws that it has not seen."""
    folder.mkdir(exist_ok=True)
    plan = Plan(population, generations, population, Draws(0, 8), "mean", np.full(2, np.nan), seed)
    with StandingCrew(problem, workers) as crew:
        return searched(problem, plan, 10, folder, crew, lambda _: None)


def main() -> None:
    """``python -c "import planted_search as p; p.main()" <folder> <seconds per candidate> <workers>``.

    Imported and not run, so that processes which it starts find the same problem.
    """
    search(Planted(seconds=float(sys.argv[2])), Path(sys.argv[1]), workers=int(sys.argv[3]))
