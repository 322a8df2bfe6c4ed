"""Each region as a world of its own: its seed, its parameters, and how unsure its difference is.

Regions share the draws of the parameters (one truth for all) and nothing else: firms, ties and luck are drawn
by a seed of each region's own. How a region's returns differ from the mean is estimated from a few rows of
Table 4, and everything in an allocation hangs on it. So beside the parameters that difference is drawn too,
from what the partial pooling leaves open: normal around its estimate with variance

    between^2 within^2 / (rows between^2 + within^2)

(the variance of the best linear unbiased prediction for known variance components). It enters as a shift of
the mean log return in the region's own experiment.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from cpdiffusion.calibration.posterior import read_posterior, shipped_posterior
from cpdiffusion.errors import InputError
from cpdiffusion.evidence.moments import ReturnMoments, return_moments
from cpdiffusion.evidence.table4 import Variant, rows_by_region, table4
from cpdiffusion.outcomes.experiment import Experiment
from cpdiffusion.parameters import moments_of
from cpdiffusion.studies.efficiency.sets import rows_of_table4
from cpdiffusion.studies.settings import SHIPPED, Settings
from cpdiffusion.world.regions import REGIONS

LEVEL = "mean_log_return"
Draw = Mapping[str, float]


def calibrated(settings: Settings) -> tuple[Settings, str]:
    """The settings, without the shipped posterior where it cannot be used; and why, as a sentence."""
    if settings.posterior.file != SHIPPED:
        return settings, ""
    path = shipped_posterior()
    if not path.is_file():
        return _uncalibrated(settings), "No posterior comes with this version."
    made_from = read_posterior(path).provenance.get("table")
    if made_from not in (None, settings.table):
        words = str(made_from).replace("_", " ")
        return _uncalibrated(
            settings
        ), f"The posterior that comes with the package was made from Table 4 {words}."
    return settings, ""


def _uncalibrated(settings: Settings) -> Settings:
    return settings.model_copy(update={"posterior": settings.posterior.model_copy(update={"file": None})})


def region_experiments(base: Experiment, settings: Settings, clean: bool = False) -> dict[str, Experiment]:
    """The experiment of each region of ``base``.

    ``clean``: regions differ as estimated without the outlier rows of Table 4, for a look at what hinges on
    them.
    """
    return {name: _experiment(base, name, settings, clean) for name in base.recipe.regions}


def _experiment(base: Experiment, name: str, settings: Settings, clean: bool) -> Experiment:
    number = list(REGIONS).index(name)
    seed = int(np.random.SeedSequence([settings.seed, number]).generate_state(1, np.uint64)[0])
    shift = clean_effects(settings.table)[name] - effects(settings.table)[name] if clean else 0.0
    shifts = shift + unsureness(name, settings)
    return replace(
        base, recipe=replace(base.recipe, regions=(name,)), seed=seed,
        draws=shifted(base, shifts), seeds_per_draw=settings.posterior.seeds_per_draw,
    )  # fmt: skip


def unsureness(name: str, settings: Settings) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """By how much the region's mean log return is off its estimate in each draw."""
    if not settings.allocate.unsure_regions:
        return np.zeros(draws_in_all(settings))
    generator = np.random.default_rng([settings.seed, list(REGIONS).index(name)])
    parts = (settings.allocate.draws, settings.allocate.held_out_draws)
    spread = np.concatenate([stratified_normals(count, generator) for count in parts])
    return effect_sd(name, settings.table) * spread


def stratified_normals(
    count: int, generator: np.random.Generator
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Standard normals, one from each of so many equally likely parts, in random order.

    A mean over few draws is then not decided by a few lucky differences between regions.
    """
    from scipy.special import ndtri

    points = (np.arange(count) + generator.random(count)) / count
    return np.asarray(generator.permutation(ndtri(np.clip(points, 1e-12, 1.0 - 1e-12))))


def shifted(
    base: Experiment, shifts: Sequence[float] | np.ndarray[tuple[int], np.dtype[np.float64]]
) -> list[Draw]:
    """The draws of the experiment with the region's level in each; the fixed values where there are none."""
    level = base.parameters[LEVEL]
    draws: Sequence[Draw] = base.draws or [{}]
    return [
        {**(draw := draws[k % len(draws)]), LEVEL: draw.get(LEVEL, level) + float(shift)}
        for k, shift in enumerate(shifts)
    ]


def draws_in_all(settings: Settings) -> int:
    """Draws to choose by and draws to judge by."""
    return settings.allocate.draws + settings.allocate.held_out_draws


# --- how regions differ --------------------------------------------------------------------------


def effects(table: Variant) -> Mapping[str, float]:
    """Estimated difference of each region's mean log return; 0 for one that Table 4 does not list."""
    found = moments_of(table).region_effects
    return {name: found.get(name, 0.0) for name in REGIONS}


def clean_effects(table: Variant) -> Mapping[str, float]:
    """The same from Table 4 without outlier rows, against the same mean as before."""
    outliers = rows_of_table4(table).outliers
    kept = return_moments([row for row in table4(table) if row.label not in outliers])
    change = kept.mean_log_roi - moments_of(table).mean_log_roi
    return {name: kept.region_effects.get(name, 0.0) + change for name in REGIONS}


def effect_sd(name: str, table: Variant) -> float:
    """Standard deviation that the rows of Table 4 leave of a region's difference."""
    of: ReturnMoments = moments_of(table)
    rows = len(rows_by_region(table4(table)).get(name, ()))
    between, within = of.between_region_sd**2, of.within_region_sd**2
    return math.sqrt(between * within / (rows * between + within))


def require_presets(settings: Settings) -> None:
    """InputError for a world of one's own, which has no regions to split over."""
    world = settings.world
    if any((world.firms, world.ties, world.graph, world.network)):
        raise InputError(
            "world: study=allocate splits over the preset regions; leave out files and networks of your own."
        )
