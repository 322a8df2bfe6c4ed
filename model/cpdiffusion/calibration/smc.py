"""Approximate Bayesian computation by sequential Monte Carlo (pyabc).

A candidate is accepted with probability ``exp(log_likelihood / temperature)``; at temperature 1 this is
the posterior itself, if each target is read as observed with a normal error of its tolerance (Wilkinson
2013). Earlier generations are warmer and only show the later ones where to look (Sisson et al. 2007).

The state after each generation stands in a file, so that a run that was killed goes on after its last
whole generation and ends with the same posterior.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cpdiffusion.calibration.priors import Floats, Prior
from cpdiffusion.calibration.simulator import Simulator
from cpdiffusion.calibration.targets import Target, log_likelihood
from cpdiffusion.errors import InputError
from cpdiffusion.runner.processes import processes

if TYPE_CHECKING:
    import pandas as pd

    from cpdiffusion.calibration.keyed import Told

TEMPERATURES = (160.0, 50.0, 18.0, 7.0, 3.0, 1.6, 1.0)


@dataclass(frozen=True)
class Problem:
    """What is asked: which parameters reproduce the targets in the simulation."""

    simulator: Simulator
    prior: Prior
    targets: tuple[Target, ...]

    def __call__(self, scores: Mapping[str, float]) -> dict[str, float]:
        """The patterns of a candidate, given by the scores of its parameters."""
        return self.simulator.patterns(self.prior.candidate(scores))


@dataclass(frozen=True)
class Found:
    """Weighted draws from the posterior, and how it was reached."""

    scores: Floats  # (K, P) normal scores of the parameters
    values: Floats  # (K, P) parameters
    weights: Floats  # (K,) sum 1
    patterns: pd.DataFrame  # (K, patterns)
    generations: pd.DataFrame  # temperature, accepted, evaluated

    @property
    def effective(self) -> float:
        """Kish's effective number of draws."""
        return float(1.0 / (self.weights**2).sum())


def sample_posterior(
    problem: Problem, population: int, seed: int, history: Path, workers: int = 1,
    temperatures: Sequence[float] = TEMPERATURES, told: Told = lambda *_: None,
) -> Found:  # fmt: skip
    """The posterior from ``population`` accepted candidates; goes on where ``history`` ends.

    ``history`` is pyabc's SQLite file, written generation by generation. ``told`` hears of progress.
    """
    require_pyabc()
    with processes(workers) as pool, _history_refusals(history):
        inference = _inference(problem, population, temperatures, pool, workers, seed, told)
        _open(inference, history, problem)
        left = len(temperatures) - (inference.history.max_t + 1)
        if left > 0:  # without the least temperature at which pyabc would stop, even before the last of ours
            inference.run(minimum_epsilon=0.0, max_nr_populations=left)
        return _found(inference.history, problem, len(temperatures) - 1)


@contextlib.contextmanager
def _history_refusals(history: Path) -> Iterator[None]:
    """InputError where the file of the state cannot be read or written, as on a full disk."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise InputError(
            f"{history}: cannot be read or written ({reason}); make room or delete it, and give the same "
            "command again."
        ) from None


def require_pyabc() -> None:
    """InputError that says how to get the library, which is an extra."""
    try:
        import pyabc  # noqa: F401
    except ImportError:
        raise InputError(
            "study=calibrate: needs pyabc, which is not installed; install it by "
            "pip install 'cpdiffusion[calibrate]'."
        ) from None
    logging.getLogger("ABC").setLevel(logging.ERROR)  # it warns of weights that are small only in scale


def _inference(
    problem: Problem, population: int, temperatures: Sequence[float],
    pool: Executor | None, workers: int, seed: int, told: Told,
) -> Any:  # fmt: skip
    import pyabc
    from pyabc.distance.kernel import SCALE_LOG, FunctionKernel

    from cpdiffusion.calibration.keyed import Best, KeyedSampler, Moves, NormalScores

    return pyabc.ABCSMC(
        models=pyabc.FunctionModel(problem, name="cpdiffusion"),
        parameter_priors=NormalScores(problem.prior.names),
        distance_function=FunctionKernel(partial(kernel, problem.targets), SCALE_LOG, pdf_max=0.0),
        population_size=population,
        transitions=Moves(),
        eps=pyabc.ListTemperature(list(temperatures)),
        acceptor=Best(),
        sampler=KeyedSampler(pool, workers, seed, told),
    )


def kernel(targets: Sequence[Target], x: Mapping[str, float], *_: Any, **__: Any) -> float:
    """Log likelihood of the targets as pyabc asks for it."""
    return log_likelihood(targets, x)


def _open(inference: Any, history: Path, problem: Problem) -> None:
    """The history that is there, or else a new one; put there whole, as a part of one could not go on."""
    observed = {target.name: target.low for target in problem.targets}
    if not history.exists():
        begun = history.with_name(f"{history.name}.begun")
        begun.unlink(missing_ok=True)
        inference.new(_address(begun), observed)
        begun.replace(history)
    try:
        inference.load(_address(history), observed_sum_stat=observed)
    except ValueError:
        raise InputError(
            f"{history}: holds no calibration; delete it and give the same command again."
        ) from None


def _address(history: Path) -> str:
    """SQLAlchemy's address of a file. InputError for a path in which it would see more than a path."""
    if set("%?") & set(str(history)):
        raise InputError(
            f"study=calibrate: {history.parent} has % or ? in it, which the file of its state cannot have; "
            "choose another out=."
        )
    return f"sqlite:///{history}"


def _found(history: Any, problem: Problem, last: int) -> Found:
    import pandas as pd

    scores, weights = history.get_distribution(m=0, t=last)
    _, patterns = history.get_weighted_sum_stats(t=last)
    generations = history.get_all_populations()
    generations = generations[generations.t.between(0, last)]
    points = scores[list(problem.prior.names)].to_numpy()
    return Found(
        points,
        problem.prior.values(points),
        np.asarray(weights) / np.sum(weights),
        pd.DataFrame([{name: float(v) for name, v in one.items()} for one in patterns]),
        pd.DataFrame({
            "temperature": generations.epsilon.to_numpy(), "evaluated": generations.samples.to_numpy(),
            "accepted": generations.particles.to_numpy(),
        }),
    )  # fmt: skip
