"""Whom an instrument concerns, and how much: one figure from 0 (not at all) to 1 per firm, shape (N,)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cpdiffusion.draws import Purpose
from cpdiffusion.parameters import Parameters
from cpdiffusion.world.firms import Flags, Floats, uniforms
from cpdiffusion.world.world import World

# 002 names six sectors by their research institutes: machinery, chemistry, vehicles, electronics
# and production technology, which we read as metals and fabricated metal.
HIGH_EMISSION = ("chemicals", "metals", "fabricated_metal", "machinery", "vehicles", "electronics")
# The first goods of the border adjustment: iron, steel, aluminium, fertilisers, hydrogen (and cement).
FIRST_AT_THE_BORDER = ("metals", "fabricated_metal", "chemicals")


@dataclass(frozen=True)
class Ground:
    """A world on which instruments are enacted, with what several of them draw on it."""

    world: World
    p: Parameters
    seed: np.uint64

    @cached_property
    def smart_rank(self) -> Floats:
        """See the function of this name, shape (N,)."""
        return smart_rank(self.world, self.p, self.seed)


def everybody(ground: Ground) -> Floats:
    """All firms alike."""
    return np.ones(ground.world.size)


def nobody(ground: Ground) -> Floats:
    """No firm directly: the instrument works on the programme, or by meetings."""
    return np.zeros(ground.world.size)


def violators(ground: Ground) -> Floats:
    """Firms that broke environmental law."""
    return ground.world.firms.past_violation.astype(np.float64)


def exporters(ground: Ground) -> Floats:
    """By the share of sales that goes to markets with environmental rules."""
    return ground.world.firms.export_share


def public_sellers(ground: Ground) -> Floats:
    """By the share of sales to public buyers."""
    return ground.world.firms.public_sales_share


def short_of_capital(ground: Ground) -> Floats:
    """Firms that cannot pay the package from their own means: others would rather keep the return."""
    firms = ground.world.firms
    return (firms.liquidity_mkrw < firms.capital_need_mkrw).astype(np.float64)


def matched_abroad(ground: Ground) -> Floats:
    """Firms of the six high-emission sectors that find a partner, by lot."""
    lots = uniforms(ground.seed, Purpose.TECHNOLOGY_MATCH, ground.world.size)
    matched = lots < ground.p.technology_match_share
    return (in_sectors(ground.world, HIGH_EMISSION) & matched).astype(np.float64)


def in_smart_complexes(ground: Ground) -> Floats:
    """Firms of the complexes that become smart and green, by lot in each region."""
    return (ground.smart_rank < 1.0).astype(np.float64)


def smart_rank(world: World, p: Parameters, seed: np.uint64) -> Floats:
    """Place of each firm's complex among its region's smart ones, in [0, 1); 1 or more for others."""
    lots = uniforms(seed, Purpose.SMART_COMPLEX, len(world.complexes))
    region_of = np.zeros(len(world.complexes), np.int64)
    region_of[world.firms.complex] = world.firms.region
    rank = np.empty(lots.size)
    for region in range(len(world.regions)):
        here = np.flatnonzero(region_of == region)
        smart = max(1, round(p.smart_complex_share * here.size))
        rank[here[np.argsort(lots[here], kind="stable")]] = np.arange(here.size) / smart
    return rank[world.firms.complex]


def in_sectors(world: World, names: tuple[str, ...]) -> Flags:
    """Whether each firm is of one of the sectors, shape (N,)."""
    return among(world.sectors, names)[world.firms.sector]


def among(places: tuple[str, ...], names: tuple[str, ...]) -> Flags:
    """Whether each of a few places is named."""
    return np.array([place in names for place in places], np.bool_)
