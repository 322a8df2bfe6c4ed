"""Planted parameters, and whether a calibration finds them again.

Parameters are drawn from the prior; the simulation, on a world and with histories of its own, then gives
a table of the same size and the other patterns, these with an error of their tolerance. To that the model
is calibrated as to the real evidence. If the posterior is right, the planted value lies below its 5 %
quantile in 5 of 100 cases, and so on at every level (Cook, Gelman & Rubin 2006; Talts et al. 2018).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cpdiffusion.calibration.learned import UNIFORM_SD, weighted_moments
from cpdiffusion.calibration.simulator import Simulator
from cpdiffusion.calibration.smc import TEMPERATURES, Found, Problem, sample_posterior
from cpdiffusion.calibration.tables import TABLE_FIGURES
from cpdiffusion.calibration.targets import Target, table_targets

if TYPE_CHECKING:
    import pandas as pd

CENTRAL = {"covered50": (0.25, 0.75), "covered90": (0.05, 0.95)}


@dataclass(frozen=True)
class Planting:
    """A truth, and what the world that it rules has left to be seen."""

    number: int
    truth: Mapping[str, float]
    targets: tuple[Target, ...]


def planted(problem: Problem, number: int, seed: int) -> Planting:
    """Planting ``number`` of a study of this ``seed``: truth, its one table, its other patterns."""
    generator = np.random.default_rng([seed, number])
    world = replace(problem.simulator, seed=int(generator.integers(2**62)))
    truth = problem.prior.draw(generator)
    return Planting(number, truth, tuple(_seen(problem, world, truth, generator)))


def _seen(
    problem: Problem, world: Simulator, truth: Mapping[str, float], generator: np.random.Generator
) -> Sequence[Target]:
    (table,) = world.tables(truth, world.histories, 1)
    patterns = world.patterns(truth)
    of_table = table_targets(table, "planted", world.histories)
    others = [target for target in problem.targets if target.name not in TABLE_FIGURES]
    return [
        *(target for target in of_table if target.name in {t.name for t in problem.targets}),
        *(_observed(t, patterns[t.name] + t.tolerance * generator.standard_normal()) for t in others),
    ]


def _observed(target: Target, value: float) -> Target:
    """The target as a figure that was seen, give or take its tolerance."""
    return replace(target, low=value, high=value, source="planted")


def recovered(
    problem: Problem, planting: Planting, population: int, seed: int, history: Path,
    temperatures: Sequence[float] = TEMPERATURES,
) -> list[dict[str, float | int | str | bool]]:  # fmt: skip
    """One row per parameter: truth, posterior, and where in the posterior the truth lies.

    The calibration's own world and histories are others than those of the truth.
    """
    asked = replace(problem, targets=planting.targets)
    asked = replace(asked, simulator=replace(problem.simulator, seed=seed + 1 + planting.number))
    found = sample_posterior(asked, population, seed + planting.number, history, 1, temperatures)
    return [_row(found, asked, planting, k) for k in range(len(asked.prior.names))]


def _row(found: Found, problem: Problem, planting: Planting, k: int) -> dict[str, float | int | str | bool]:
    name, prior = problem.prior.names[k], problem.prior
    values, truth = found.values[:, k], planting.truth[name]
    mean, sd = weighted_moments(values, found.weights)
    below = float(found.weights[values < truth].sum())
    return {
        "planting": planting.number, "parameter": name, "truth": truth, "mean": mean, "sd": sd,
        "kept_of_prior": sd / (UNIFORM_SD * (prior.high[k] - prior.low[k])), "below_truth": below,
        **{name: low <= below <= high for name, (low, high) in CENTRAL.items()},
        "effective_draws": found.effective, "candidates": int(found.generations.evaluated.sum()),
    }  # fmt: skip


def coverage_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Per parameter and over all: share of plantings within the central intervals, error, doubt left.

    ``error``: root mean square of posterior mean less truth, over the prior's sd; 1 is a guess of the
    prior's mean.
    """
    import pandas as pd

    whole = rows.assign(parameter="all")
    return pd.DataFrame(
        [
            _covered(str(name), group)
            for name, group in pd.concat([rows, whole]).groupby("parameter", sort=False)
        ]
    )


def _covered(name: str, group: pd.DataFrame) -> dict[str, object]:
    prior_sd = group.sd / group.kept_of_prior
    error = ((group["mean"] - group.truth) / prior_sd).pow(2).mean() ** 0.5
    return {
        "parameter": name, "plantings": int(group.planting.nunique()),
        "coverage50": float(group.covered50.mean()), "coverage90": float(group.covered90.mean()),
        "error": float(error), "kept_of_prior": float(group.kept_of_prior.mean()),
    }  # fmt: skip
