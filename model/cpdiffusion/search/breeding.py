"""NSGA-II (Deb et al. 2002) by pymoo, one generation at a time and without memory.

Everything random comes from the generator that is handed in; what a generation is follows from it and
from the scores before, and from nothing else. Import this module only where a search runs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from pymoo.algorithms.moo.nsga2 import binary_tournament
from pymoo.core.duplicate import DefaultDuplicateElimination
from pymoo.core.mating import Mating
from pymoo.core.population import Population
from pymoo.core.problem import Problem as Box
from pymoo.core.repair import Repair
from pymoo.operators.crossover.sbx import SBX
from pymoo.operators.mutation.pm import PM
from pymoo.operators.selection.tournament import TournamentSelection
from pymoo.operators.survival.rank_and_crowding import RankAndCrowding

from cpdiffusion.search.problem import Flags, Floats

Ints = NDArray[np.int_]
Canonical = Callable[[Floats], Floats]


def first_shares(canonical: Canonical, starts: Floats, count: int, generator: Generator) -> Floats:
    """Starts (S, V), then a Latin hypercube (McKay et al. 1979), each policy once, shape (P, V)."""
    from scipy.stats import qmc

    spread = qmc.LatinHypercube(starts.shape[1], rng=generator).random(max(count - len(starts), 0))
    shares = canonical(np.concatenate([starts, spread])[:count])
    _, place = np.unique(shares, axis=0, return_index=True)
    return shares[np.sort(place)]


def survivors(scores: Floats, keep: int, generator: Generator) -> Ints:
    """Places of the best: front after front, within the last one those that stand most alone."""
    found = _ranked(np.zeros((len(scores), 1)), scores, keep, generator)
    return np.array([one.data["place"] for one in found], dtype=int)


def offspring(
    canonical: Canonical, unordered: Flags, shares: Floats, scores: Floats, count: int, generator: Generator
) -> Floats:
    """``count`` candidates from parents (P, V), unlike them and each other; fewer if none are left."""
    parents = _ranked(shares, scores, len(shares), generator)
    mating = Mating(
        TournamentSelection(func_comp=binary_tournament), Crossing(unordered), Mutation(unordered),
        repair=Canonically(canonical), eliminate_duplicates=DefaultDuplicateElimination(),
    )  # fmt: skip
    made = mating.do(_box(shares.shape[1]), parents, count, algorithm=_Tournament(generator),
                     random_state=generator)  # fmt: skip
    return np.asarray(made.get("X"), dtype=float).reshape(-1, shares.shape[1])


class _Tournament:
    """What pymoo's tournament asks its algorithm for."""

    tournament_type = "comp_by_dom_and_crowding"

    def __init__(self, generator: Generator) -> None:
        self.random_state = generator


class Crossing(SBX):
    """Simulated binary crossover; levers without an order go to one child or the other as they are."""

    def __init__(self, unordered: Flags) -> None:
        super().__init__(eta=15, prob=0.9)
        self.unordered = unordered

    def _do(self, problem: Any, X: Floats, *args: Any, random_state: Any = None, **kwargs: Any) -> Floats:
        children: Floats = super()._do(problem, X, *args, random_state=random_state, **kwargs)
        swapped = random_state.random(X.shape[1:]) < 0.5
        as_they_are = np.where(swapped, X[::-1], X)
        return np.where(self.unordered, as_they_are, children)


class Mutation(PM):
    """Polynomial mutation; a lever without an order takes any of its values. One lever changes on average."""

    def __init__(self, unordered: Flags) -> None:
        super().__init__(prob=1.0, eta=20, prob_var=1.0 / unordered.size)
        self.unordered = unordered

    def _do(self, problem: Any, X: Floats, *args: Any, random_state: Any = None, **kwargs: Any) -> Floats:
        moved: Floats = super()._do(problem, X, *args, random_state=random_state, **kwargs)
        anywhere = random_state.random(X.shape)
        drawn = random_state.random(X.shape) < 1.0 / self.unordered.size
        return np.where(self.unordered, np.where(drawn, anywhere, X), moved)


class Canonically(Repair):
    """Shares that mean the same policy become equal."""

    def __init__(self, canonical: Canonical) -> None:
        super().__init__()
        self._canonical = canonical

    def _do(self, problem: Any, X: Floats, **kwargs: Any) -> Floats:
        return self._canonical(np.asarray(X, dtype=float))


def _ranked(shares: Floats, scores: Floats, keep: int, generator: Generator) -> Any:
    """pymoo's individuals with rank and crowding; those that failed come last."""
    failed = np.asarray(~np.isfinite(scores).all(axis=1))
    found = Population.new(
        X=shares, F=np.where(failed[:, None], 0.0, scores), G=failed[:, None].astype(float)
    )
    found.set("place", np.arange(len(scores)))
    for name in ("rank", "crowding"):  # of those that failed, which are not sorted
        found.set(name, np.full(len(scores), len(scores)))
    # of many aims the crowding distance says little (Kukkonen & Deb 2006): nearest neighbours do
    crowding = "cd" if scores.shape[1] == 2 else "mnn"
    rank = RankAndCrowding(crowding_func=crowding)
    return rank.do(_box(shares.shape[1]), found, n_survive=keep, random_state=generator)


def _box(levers: int) -> Any:
    return Box(n_var=levers, n_obj=2, n_ieq_constr=1, xl=0.0, xu=1.0)
