"""Whom an instrument concerns, and how much: one figure from 0 (not at all) to 1 per firm, shape (N,)."""

from __future__ import annotations

import numpy as np

from cpdiffusion.draws import Purpose
from cpdiffusion.parameters import Parameters
from cpdiffusion.world.firms import Floats, uniforms
from cpdiffusion.world.world import World

# 002 names six sectors by their research institutes: machinery, chemistry, vehicles, electronics
# and production technology, which we read as metals and fabricated metal.
HIGH_EMISSION = ("chemicals", "metals", "fabricated_metal", "machinery", "vehicles", "electronics")
# The first goods of the border adjustment: iron, steel, aluminium, fertilisers, hydrogen (and cement).
FIRST_AT_THE_BORDER = ("metals", "fabricated_metal", "chemicals")


def everybody(world: World, p: Parameters, seed: np.uint64) -> Floats:
    """All firms alike."""
    return np.ones(world.size)


def nobody(world: World, p: Parameters, seed: np.uint64) -> Floats:
    """No firm directly: the instrument works on the programme, or by meetings."""
    return np.zeros(world.size)


def violators(world: World, p: Parameters, seed: np.uint64) -> Floats:
    """Firms that broke environmental law."""
    return world.firms.past_violation.astype(np.float64)


def exporters(world: World, p: Parameters, seed: np.uint64) -> Floats:
    """By the share of sales that goes to markets with environmental rules."""
    return world.firms.export_share


def public_sellers(world: World, p: Parameters, seed: np.uint64) -> Floats:
    """By the share of sales to public buyers."""
    return world.firms.public_sales_share


def short_of_capital(world: World, p: Parameters, seed: np.uint64) -> Floats:
    """Firms that cannot pay the package from their own means: others would rather keep the return."""
    return (world.firms.liquidity_mkrw < world.firms.capital_need_mkrw).astype(np.float64)


def matched_abroad(world: World, p: Parameters, seed: np.uint64) -> Floats:
    """Firms of the six high-emission sectors that find a partner, by lot."""
    lots = uniforms(seed, Purpose.TECHNOLOGY_MATCH, world.size)
    return (in_sectors(world, HIGH_EMISSION) & (lots < p.technology_match_share)).astype(np.float64)


def in_smart_complexes(world: World, p: Parameters, seed: np.uint64) -> Floats:
    """Firms of the complexes that become smart and green, by lot in each region."""
    return (smart_rank(world, p, seed) < 1.0).astype(np.float64)


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


def in_sectors(world: World, names: tuple[str, ...]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Whether each firm is of one of the sectors, shape (N,)."""
    return np.isin(world.sectors, names)[world.firms.sector]
