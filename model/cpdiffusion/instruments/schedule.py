"""When an instrument works: each firm follows one of a few profiles over the years of a run.

A profile is the share at which the instrument is at work in each year: 0 when it is not, at most 1.
Profiles follow from the enactment and the registry alone, so they are made once for all worlds.
"""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import numpy as np

from cpdiffusion.instruments.concerns import FIRST_AT_THE_BORDER, Ground, in_sectors
from cpdiffusion.instruments.enactment import Enactment
from cpdiffusion.units import QUARTERS_PER_YEAR
from cpdiffusion.world.firms import Ints

Profile = tuple[float, ...]  # (Y,)

REPORTING = ("busan", "daegu", "daejeon", "ansan")  # regions whose achievement 001 gives


class Span(NamedTuple):
    """The years of an enactment within a run of so many years."""

    first_year: int
    years: int | None
    horizon_years: int


class Timing(NamedTuple):
    """Which profile each firm follows."""

    group: Ints  # (N,)
    profiles: tuple[Profile, ...]  # one of each group


def span_of(enactment: Enactment, quarters: int) -> Span:
    """When an enactment is at work in a run of so many quarters; a year that has begun counts."""
    return Span(enactment.first_year, enactment.years, math.ceil(quarters / QUARTERS_PER_YEAR))


def years_at_work(span: Span) -> list[float]:
    """Years since the instrument began, (Y,); negative before, nan once it has ended."""
    since = [year - (span.first_year - 1.0) for year in range(span.horizon_years)]
    return [math.nan if span.years and year >= span.years else year for year in since]


@functools.lru_cache(1024)
def from_year(span: Span, delay: float = 0.0, ramp: float = 1.0) -> Profile:
    """0 until ``delay`` years have passed, then up to 1 in ``ramp`` yearly steps."""
    return tuple(
        min((year - delay + 1.0) / max(ramp, 1.0), 1.0) if year >= delay else 0.0
        for year in years_at_work(span)
    )


def at_once(ground: Ground, span: Span) -> Timing:
    """From the first year on."""
    return together(ground, from_year(span))


def after_development(ground: Ground, span: Span) -> Timing:
    """Once the technology is ready."""
    return together(ground, from_year(span, ground.p.technology_delay_years))


def together(ground: Ground, profile: Profile) -> Timing:
    """All firms alike."""
    return Timing(np.zeros(ground.world.size, np.int32), (profile,))


def border_phases(ground: Ground, span: Span) -> Timing:
    """Rising over years; sectors that are not among the first follow later."""
    later = ~in_sectors(ground.world, FIRST_AT_THE_BORDER)
    ramp, delay = ground.p.carbon_border_ramp_years, ground.p.carbon_border_later_years
    return Timing(later.astype(np.int32), (from_year(span, 0.0, ramp), from_year(span, delay, ramp)))


def centre_by_centre(ground: Ground, span: Span) -> Timing:
    """A safety control centre in some smart complexes at once, in all of them after some years."""
    p, count = ground.p, int(ground.p.control_centre_years)
    reached = (
        p.control_centre_first_share + (1.0 - p.control_centre_first_share) * np.arange(count + 1) / count
    )
    begins = np.searchsorted(reached, ground.smart_rank, "right")
    never = (0.0,) * span.horizon_years
    return Timing(begins.astype(np.int32), (*(from_year(span, k) for k in range(count + 1)), never))


def by_city(ground: Ground, span: Span) -> Timing:
    """Each city at the share of its target that it reports."""
    return of_cities(ground, span, 0.0)


def by_learning_city(ground: Ground, span: Span) -> Timing:
    """Each city nearer to the best every year."""
    return of_cities(ground, span, ground.p.city_learning_per_year)


def of_cities(ground: Ground, span: Span, learning: float) -> Timing:
    """Every region with the achievement of its city, year by year."""
    world, p = ground.world, ground.p
    starts = [p[f"procurement_achievement_{name if name in REPORTING else 'mean'}"] for name in world.regions]
    best = p.procurement_achievement_best
    return Timing(world.firms.region, tuple(achievement(span, start, best, learning) for start in starts))


@functools.lru_cache(1024)
def achievement(span: Span, start: float, best: float, learning: float) -> Profile:
    """A city's share of its target from the start on, nearer to the best by a share every year."""
    years = np.array(years_at_work(span))
    gap = max(best - start, 0.0)
    learned = gap * (1.0 - (1.0 - learning) ** np.nan_to_num(np.maximum(years, 0.0)))
    return tuple(((start + learned) * from_year(span)).tolist())
