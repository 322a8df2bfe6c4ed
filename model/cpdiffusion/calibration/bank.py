"""Many simulated programmes under parameters drawn from the prior, made once and used for every fold.

What a simulated programme says about returns is kept in parts, so that nothing is left to chance that
need not be:

    log ROI of a region-year = level + firms' part + luck of the region's year

Luck enters as a plain normal term with the candidate's own spread and can be taken out exactly. The level
is no part of a candidate either. If the years that benefits are added up over change by a factor, and with
them what firms reckon with (mean_log_return, prior_mean_log_return and the log of benefit_horizon_years
move by the same amount), every firm decides as before and each log ROI moves by that amount: a table can be
shifted in level, exactly, and the level is left to be learned from the rows. So a bank knows nothing of any
table but how many years it spans.

Firms' part is what a simulation adds to a statistical model of such a table: who adopts, how returns change
as the programme goes on, how they fall with investment, how far region-years differ by their firms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from cpdiffusion.calibration.observations import Floats
from cpdiffusion.calibration.priors import Prior, prior_of
from cpdiffusion.calibration.simulator import Simulator
from cpdiffusion.calibration.tables import Layout
from cpdiffusion.errors import InputError
from cpdiffusion.parameters import parameters

VARIED = (
    "mean_log_return", "firm_log_return_sd", "region_year_log_return_sd", "investment_elasticity",
    "benefit_horizon_years", "accepted_payback_median_years", "required_confidence_median",
    "prior_mean_log_return",
)  # fmt: skip
CANDIDATES = 600
REGIONS, HISTORIES = 7, 4  # 28 region-years of each programme year per candidate
FIRMS_PER_REGION = 500  # some twenty of them supported in a year
GROUPS = 8  # of equally many region-years, by which the shape of firms' part is kept
LEAST_MADE = 0.5  # candidates whose programmes leave more region-years than that without any adopter
MOST_YEARS = 40

# Applies a function to each number, results in their order: on threads, or one after another (``map``).
Mapper = Callable[[Callable[[int], "Candidate | None"], Iterable[int]], Iterator["Candidate | None"]]


class Shape(NamedTuple):
    """Deviations of firms' part of log ROI: means of GROUPS equally likely groups, their inner variance."""

    means: Floats  # (..., GROUPS), mean 0
    variance: Floats  # (...)


class Candidate(NamedTuple):
    """What one draw of the parameters says about returns; Y programme years.

    The same region-years are described twice: with what a year's investment tells of its return, for
    regions whose usual investment is known, and without.
    """

    luck_sd: Floats  # ()
    made: Floats  # () share of region-years with a supported adopter
    slope: Floats  # () of log ROI on log investment
    profile: Floats  # (Y,) mean of firms' part in each year, at the mean investment of all years
    shape: Shape  # of deviations from profile and slope
    plain_profile: Floats  # (Y,) mean in each year whatever was invested
    plain_shape: Shape


@dataclass(frozen=True)
class Bank:
    """Candidates of equal prior weight: every array of Candidate with a first axis of M."""

    candidates: Candidate

    @property
    def years(self) -> int:
        """Programme years that were simulated."""
        return int(self.candidates.profile.shape[-1])


def bank_of(years: int, seed: int, mapper: Mapper = map, candidates: int = CANDIDATES) -> Bank:
    """Candidates that bring region-years about, of so many programme years.

    The same for the same years and seed, whatever ``mapper`` does to be fast. Raises InputError for more
    than MOST_YEARS years.
    """
    if years > MOST_YEARS:
        raise InputError(
            f"the table spans {years} years; the simulation is compared with tables of up to {MOST_YEARS}."
        )
    simulator = simulator_of(years, seed)
    simulator.fixed_by_world()  # draws the world before threads ask for it
    found = mapper(partial(candidate, simulator, prior_of(VARIED)), range(candidates))
    return Bank(stacked([one for one in found if one is not None]))


def simulator_of(years: int, seed: int) -> Simulator:
    """Regions that are alike beforehand: how they differ is learned from the rows."""
    names = tuple(f"region {k + 1}" for k in range(REGIONS))
    places = [(region, year) for region in range(REGIONS) for year in range(years)]
    region_of, year_of = zip(*places, strict=True)
    fixed = parameters({"firms_per_region": FIRMS_PER_REGION})
    return Simulator(Layout(names, region_of, year_of), (0.0,) * REGIONS, fixed, seed, HISTORIES)


def candidate(simulator: Simulator, prior: Prior, number: int) -> Candidate | None:
    """Candidate ``number`` of a bank from draws of its own; None if hardly a region-year comes about."""
    values = prior.draw(np.random.default_rng((simulator.seed, number)))
    invested, log_roi = simulator.without_luck(values, HISTORIES * number, HISTORIES)
    made = np.isfinite(invested)
    every_year = made.any(axis=(0, 1)).all()
    if made.mean() < LEAST_MADE or not every_year:
        return None
    return described(invested, log_roi, values["region_year_log_return_sd"])


def described(invested: Floats, log_roi: Floats, luck_sd: float) -> Candidate:
    """A candidate from log investment and log ROI without luck, both (histories, R, Y), nan if not made."""
    mean_roi, mean_invested = (np.nanmean(values, axis=(0, 1)) for values in (log_roi, invested))
    roi, more = log_roi - mean_roi, invested - mean_invested
    squares = np.nansum(more * more)
    slope = np.nansum(more * roi) / squares if squares > 0.0 else 0.0
    return Candidate(
        np.array(luck_sd),
        np.isfinite(invested).mean(),
        np.array(slope),
        mean_roi - slope * (mean_invested - mean_invested.mean()),
        shape_of(roi - slope * more),
        mean_roi,
        shape_of(roi),
    )


def shape_of(deviations: Floats) -> Shape:
    """The shape of deviations (any shape, nan left out); their variance is kept exactly."""
    ordered = np.sort(deviations[np.isfinite(deviations)])
    group = np.arange(ordered.size) * GROUPS // ordered.size
    sizes = np.maximum(np.bincount(group, minlength=GROUPS), 1)
    means = np.bincount(group, ordered, GROUPS) / sizes
    means -= means.mean()
    return Shape(means, np.maximum(ordered.var() - (means**2).mean(), 0.0))


def stacked(found: list[Candidate]) -> Candidate:
    """Candidates as one, every array with a first axis of M."""
    luck_sd, made, slope, profile, shape, plain_profile, plain_shape = zip(*found, strict=True)
    return Candidate(
        np.stack(luck_sd), np.stack(made), np.stack(slope), np.stack(profile), _shapes(shape),
        np.stack(plain_profile), _shapes(plain_shape),
    )  # fmt: skip


def _shapes(found: Iterable[Shape]) -> Shape:
    means, variance = zip(*found, strict=True)
    return Shape(np.stack(means), np.stack(variance))
