"""Parts of pyabc that draw by key; import this module only where a calibration runs, pyabc is slow to load.

pyabc evaluates candidates in whatever order its processes finish, from generators seeded by the clock.
Here candidate k of generation t has a stream of its own, keyed by (seed, t, k), and the first accepted by
number are kept: how many processes share the work changes nothing.
"""

from __future__ import annotations

import contextlib
import math
import pickle
import random
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from itertools import count
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyabc.acceptor import StochasticAcceptor
from pyabc.parameters import Parameter
from pyabc.random_variables import DistributionBase
from pyabc.sampler.base import Sampler
from pyabc.transition.base import Transition

from cpdiffusion.errors import InputError

CHUNK = 20  # candidates to a task; part of no result
AHEAD = 3  # tasks per process that wait or run: what is done in vain at the end of a generation
HOPELESS = 10_000  # candidates for one that is accepted
DEGREES = 8.0  # of the proposals: heavier in the tails than what was found
UNSURE = 2.0  # wider by so many times parameters over effective particles
SHRUNK = 0.1  # of the correlations, which few particles tell badly
LEAST_VARIANCE = 1e-4

Told = Callable[[int, int, int], None]  # generation, accepted and evaluated so far in it
Evaluated = list[Any | None]  # accepted particles, None for a candidate that was not


class NormalScores(DistributionBase):
    """Independent standard normals by name."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)

    def rvs(self, *args: Any, **kwargs: Any) -> Parameter:
        """One draw of all."""
        return Parameter(dict(zip(self.names, np.random.standard_normal(len(self.names)), strict=True)))

    def pdf(self, x: Any) -> float:
        """Density at a point."""
        squares = sum(x[name] ** 2 for name in self.names)
        return math.exp(-0.5 * squares) / math.sqrt(2.0 * math.pi) ** len(self.names)

    def get_parameter_names(self) -> list[str]:
        """Names, as pyabc asks for them."""
        return list(self.names)


class Moves(Transition):
    """One broad Student's t around all particles of a generation.

    pyabc's kernel density around every particle spreads too far or weighs too unevenly among a dozen
    parameters; on normal scores one elliptical distribution with heavy tails covers what was found.
    """

    def fit(self, X: pd.DataFrame, w: NDArray[np.float64]) -> None:
        """Take mean and spread (K, P) of weighted particles."""
        points = X.to_numpy()
        self._names, self._centre = list(X.columns), w @ points
        apart = (points - self._centre) * np.sqrt(w)[:, None]
        spread = apart.T @ apart
        wider = 1.0 + UNSURE * len(self._names) * float((w**2).sum())
        spread = wider * ((1.0 - SHRUNK) * spread + np.diag(SHRUNK * np.diag(spread) + LEAST_VARIANCE))
        self._factor = np.linalg.cholesky(spread)
        self._whiten = np.linalg.inv(self._factor)
        self._log_constant = _log_t_constant(len(self._names)) - float(np.log(np.diag(self._factor)).sum())

    def rvs_single(self) -> Parameter:
        """A draw."""
        size = len(self._names)
        stretch = math.sqrt(DEGREES / np.random.chisquare(DEGREES))
        drawn = self._centre + stretch * (self._factor @ np.random.standard_normal(size))
        return Parameter(dict(zip(self._names, drawn.tolist(), strict=True)))

    def pdf(self, x: Any) -> float:
        """Density at a point."""
        z = self._whiten @ (np.array([x[name] for name in self._names]) - self._centre)
        half = 0.5 * (DEGREES + len(self._names))
        return math.exp(self._log_constant - half * math.log1p(float(z @ z) / DEGREES))


def _log_t_constant(size: int) -> float:
    """Log of the constant of Student's t in so many dimensions, of unit scale."""
    gammas = math.lgamma(0.5 * (DEGREES + size)) - math.lgamma(0.5 * DEGREES)
    return gammas - 0.5 * size * math.log(DEGREES * math.pi)


class Best(StochasticAcceptor):
    """Acceptance relative to the best fit of the generation before, which only that generation decides.

    Better fits than that one weigh more in return (pyabc's importance weights), so that nothing is
    distorted; and a run that is taken up again goes on exactly as if it had not been interrupted.
    """

    def requires_calibration(self) -> bool:
        """The first generation is measured against a perfect fit."""
        return False

    def _update(self, t: int, get_weighted_distances: Callable[[], pd.DataFrame], *_: Any) -> None:
        self.pdf_norms[t] = float(get_weighted_distances()["distance"].max()) if t > 0 else 0.0


class KeyedSampler(Sampler):
    """Candidates in order of their numbers, evaluated here or by a pool of processes."""

    def __init__(self, pool: Executor | None, workers: int, seed: int, told: Told) -> None:
        super().__init__()
        self.pool, self.workers, self.seed, self.told = pool, workers, seed, told

    def sample_until_n_accepted(
        self, n: int, simulate_one: Callable[[], Any], t: int, *,
        max_eval: float = math.inf, all_accepted: bool = False, ana_vars: Any = None,
    ) -> Any:  # fmt: skip
        """The first ``n`` accepted candidates of generation ``t``."""
        sample, accepted = self._create_empty_sample(), 0
        for number, particle in enumerate(self._candidates(simulate_one, t), start=1):
            if particle is not None:
                sample.append(particle)
                accepted += 1
            if number % CHUNK == 0 or accepted == n:
                self.told(t, accepted, number)
                _require_hope(t, accepted, number)
            if accepted == n:
                self.nr_evaluations_ = number
                return sample
        raise AssertionError("candidates have no end")

    def _candidates(self, simulate_one: Callable[[], Any], t: int) -> Iterator[Any | None]:
        key = (self.seed, t)
        if self.pool is None:
            for first in count(0, CHUNK):
                with _generators_kept():
                    found = evaluated(simulate_one, key, first)
                yield from found
        else:
            yield from self._from_pool(self.pool, pickle.dumps(simulate_one), key)

    def _from_pool(self, pool: Executor, blob: bytes, key: tuple[int, int]) -> Iterator[Any | None]:
        firsts, waiting = count(0, CHUNK), deque[Future[Evaluated]]()
        try:
            while True:
                while len(waiting) < AHEAD * self.workers:
                    waiting.append(pool.submit(evaluated_from, blob, key, next(firsts)))
                yield from waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _require_hope(t: int, accepted: int, number: int) -> None:
    """InputError where hardly any candidate is accepted: the generation would never end."""
    if number >= HOPELESS and accepted * HOPELESS < number:
        raise InputError(
            f"study=calibrate: of {number} candidates of generation {t + 1}, {accepted} came near the "
            "targets; leave out a target that the model cannot reach, or one that is known too exactly "
            "(calibrate.leave_out=)."
        )


@contextlib.contextmanager
def _generators_kept() -> Iterator[None]:
    """What is drawn here leaves the common generators as they were: they may be somebody else's."""
    state, other = np.random.get_state(), random.getstate()
    try:
        yield
    finally:
        np.random.set_state(state)
        random.setstate(other)


def evaluated(simulate_one: Callable[[], Any], key: tuple[int, int], first: int) -> Evaluated:
    """Candidates ``first`` to ``first + CHUNK - 1``, each from its own stream."""
    found: Evaluated = []
    for number in range(first, first + CHUNK):
        words = np.random.SeedSequence((*key, number)).generate_state(4)
        np.random.seed(words)
        random.seed(int(words[0]))
        particle = simulate_one()
        found.append(particle if particle.accepted else None)
    return found


_latest: tuple[bytes, Callable[[], Any]] | None = None  # in a process of the pool: what it evaluates now


def evaluated_from(blob: bytes, key: tuple[int, int], first: int) -> Evaluated:
    """As ``evaluated``, in a process of the pool; the work of a generation is unpacked once."""
    global _latest
    if _latest is None or _latest[0] != blob:
        _latest = (blob, pickle.loads(blob))
    return evaluated(_latest[1], key, first)
