"""When an instrument works: groups of firms with weights (N,), each with a profile (Q,) over quarters.

A profile is 0 when the instrument is not at work and at most 1; it changes only with the year.
"""

from __future__ import annotations

import numpy as np

from cpdiffusion.instruments.concerns import FIRST_AT_THE_BORDER, in_sectors, smart_rank
from cpdiffusion.instruments.enactment import Enactment
from cpdiffusion.parameters import Parameters
from cpdiffusion.units import QUARTERS_PER_YEAR
from cpdiffusion.world.firms import Floats
from cpdiffusion.world.world import World

Groups = list[tuple[Floats, Floats]]

REPORTING = ("busan", "daegu", "daejeon", "ansan")  # regions whose achievement 001 gives


def years_at_work(enactment: Enactment, quarters: int) -> Floats:
    """Years since the instrument began, (Q,); negative before, nan once it has ended."""
    year = np.arange(quarters) // QUARTERS_PER_YEAR - (enactment.first_year - 1.0)
    ended = year >= enactment.years if enactment.years else np.zeros(quarters, np.bool_)
    return np.where(ended, np.nan, year)


def from_year(years: Floats, delay: float = 0.0, ramp: float = 1.0) -> Floats:
    """0 until ``delay`` years have passed, then up to 1 in ``ramp`` yearly steps."""
    steps = np.clip((years - delay + 1.0) / max(ramp, 1.0), 0.0, 1.0)
    return np.nan_to_num(np.where(years >= delay, steps, 0.0))


def at_once(world: World, p: Parameters, seed: np.uint64, years: Floats) -> Groups:
    """From the first year on."""
    return [(np.ones(world.size), from_year(years))]


def after_development(world: World, p: Parameters, seed: np.uint64, years: Floats) -> Groups:
    """Once the technology is ready."""
    return [(np.ones(world.size), from_year(years, p.technology_delay_years))]


def border_phases(world: World, p: Parameters, seed: np.uint64, years: Floats) -> Groups:
    """Rising over years; sectors that are not among the first follow later."""
    first = in_sectors(world, FIRST_AT_THE_BORDER)
    ramp, later = p.carbon_border_ramp_years, p.carbon_border_later_years
    return [
        (first.astype(np.float64), from_year(years, 0.0, ramp)),
        ((~first).astype(np.float64), from_year(years, later, ramp)),
    ]


def centre_by_centre(world: World, p: Parameters, seed: np.uint64, years: Floats) -> Groups:
    """A safety control centre in some smart complexes at once, in all of them after some years."""
    rank, count = smart_rank(world, p, seed), int(p.control_centre_years)
    reached = (
        p.control_centre_first_share + (1.0 - p.control_centre_first_share) * np.arange(count + 1) / count
    )
    begins = np.searchsorted(reached, rank, "right")
    return [((begins == k).astype(np.float64), from_year(years, k)) for k in range(count + 1)]


def by_city(world: World, p: Parameters, seed: np.uint64, years: Floats) -> Groups:
    """Each city at the share of its target that it reports."""
    return city_groups(world, p, years, 0.0)


def by_learning_city(world: World, p: Parameters, seed: np.uint64, years: Floats) -> Groups:
    """Each city nearer to the best every year."""
    return city_groups(world, p, years, p.city_learning_per_year)


def city_groups(world: World, p: Parameters, years: Floats, learning: float) -> Groups:
    """Every region with the achievement of its city, year by year."""
    groups = []
    for index, name in enumerate(world.regions):
        start = p[f"procurement_achievement_{name if name in REPORTING else 'mean'}"]
        gap = max(p.procurement_achievement_best - start, 0.0)
        learned = gap * (1.0 - (1.0 - learning) ** np.nan_to_num(np.maximum(years, 0.0)))
        achieved = (start + learned) * from_year(years)
        groups.append(((world.firms.region == index).astype(np.float64), achieved))
    return groups
