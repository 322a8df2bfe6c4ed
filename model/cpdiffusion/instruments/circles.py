"""Ties that instruments create: round tables across sectors, and partners who exchange by-products."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cpdiffusion.behaviour import learning
from cpdiffusion.compiled import compiled
from cpdiffusion.draws import Purpose
from cpdiffusion.parameters import Parameters
from cpdiffusion.terms import NO_PARTNER
from cpdiffusion.world.firms import Flags, Floats, Ints, uniforms
from cpdiffusion.world.ties import PLACE_BITS, Ties, sparse_rows
from cpdiffusion.world.world import World

Rows = np.ndarray[tuple[int], np.dtype[np.int64]]


class Meetings(NamedTuple):
    """Whom each firm meets, as sparse rows, and the precision that a result told there adds."""

    start: Rows  # (N+1,)
    target: Ints  # (M,)
    precision: Floats  # (M,)


def round_tables(world: World, p: Parameters, seed: np.uint64, eligible: Flags) -> Meetings:
    """Firms at one table, in each region by lot and dealt so that sectors mix.

    Pairs that are tied anyway are left out: one result is one observation.
    """
    lots = uniforms(seed, Purpose.ROUND_TABLE, world.size)
    guests = np.flatnonzero(eligible & (lots < p.round_table_share))
    table = tables(world, guests, lots, int(p.round_table_size))
    start, keys = sparse_rows(world.size, *new_pairs(table, guests, world.ties))
    met = (keys >> PLACE_BITS).astype(np.int32)
    return Meetings(start, met, told_precision(world, p, start, met))


def tables(world: World, guests: Rows, lots: Floats, size: int) -> Rows:
    """Table of each guest: guests in order of sector and lot are dealt round the tables of their region."""
    table, free = np.empty(guests.size, np.int64), 0
    region = world.firms.region[guests]
    for index in range(len(world.regions)):
        here = np.flatnonzero(region == index)
        order = here[np.lexsort((lots[guests[here]], world.firms.sector[guests[here]]))]
        number = max(1, round(here.size / size))
        table[order] = free + np.arange(here.size) % number
        free += number
    return table


def new_pairs(table: Rows, guests: Rows, ties: Ties) -> tuple[Ints, Ints]:
    """All ordered pairs of firms at the same table that no tie of the world connects in that order."""
    order = np.argsort(table, kind="stable")
    at_most = int((np.bincount(table) ** 2).sum())
    return untied_pairs(table[order], guests[order].astype(np.int32), at_most, ties.start, ties.target)


@compiled
def untied_pairs(
    table: Rows, guests: Ints, at_most: int, start: Rows, target: Ints
) -> tuple[Ints, Ints]:  # fmt: skip
    """The same for guests in order of their tables; ``start`` and ``target`` are the world's ties."""
    one, other = np.empty(at_most, np.int32), np.empty(at_most, np.int32)
    n = 0
    for k in range(guests.size):
        first, last = np.searchsorted(table, table[k]), np.searchsorted(table, table[k], "right")
        for peer in guests[first:last]:
            if peer != guests[k] and not is_tied(start, target, guests[k], peer):
                one[n], other[n] = guests[k], peer
                n += 1
    return one[:n], other[:n]


@compiled
def is_tied(start: Rows, target: Ints, source: int, firm: int) -> bool:
    """Whether a tie leads from one firm to the other; the targets of each firm are sorted."""
    mine = target[start[source] : start[source + 1]]
    place = np.searchsorted(mine, firm)
    return bool(place < mine.size and mine[place] == firm)


def told_precision(world: World, p: Parameters, start: Rows, target: Ints) -> Floats:
    """Precision that a result told at a table adds, by whether the sectors are alike."""
    unlike, alike = (
        learning.observation_precision(
            p.round_table_visibility, learning.similarity(same, p.cross_sector_similarity),
            p.firm_log_return_sd**2, p.round_table_noise_sd**2,
        )
        for same in (False, True)
    )  # fmt: skip
    source = np.repeat(np.arange(world.size), np.diff(start))
    return np.where(world.firms.sector[source] == world.firms.sector[target], alike, unlike)


def exchange_partners(world: World, p: Parameters, seed: np.uint64, eligible: Flags) -> Ints:
    """Partner of each firm in its complex, of another sector, by lot; NO_PARTNER for the rest, (N,)."""
    lots = uniforms(seed, Purpose.EXCHANGE_PARTNER, world.size)
    seeking = np.flatnonzero(eligible & (lots < p.circulation_match_share))
    firms = world.firms
    order = seeking[np.lexsort((lots[seeking], firms.sector[seeking], firms.complex[seeking]))]
    here, offset = places_and_offsets(firms.complex[order], firms.sector[order])
    number = np.bincount(firms.complex[order], minlength=len(world.complexes))[firms.complex[order]]
    first = np.flatnonzero(here < np.minimum(offset, number - offset))
    one, other = order[first], order[first + offset[first]]
    partner = np.full(world.size, NO_PARTNER, np.int32)
    partner[one], partner[other] = other, one
    return partner


def places_and_offsets(place: Ints, sector: Ints) -> tuple[Rows, Rows]:
    """Place of each firm within its complex, and how much further its partner stands; sorted by both.

    Half a complex further, or the size of its largest sector if that is more: so sectors differ, and
    as many firms as possible find a partner.
    """
    begin, end = np.searchsorted(place, place, "left"), np.searchsorted(place, place, "right")
    pair = place.astype(np.int64) * (int(sector.max(initial=0)) + 1) + sector
    alike = np.searchsorted(pair, pair, "right") - np.searchsorted(pair, pair, "left")
    largest = np.zeros(int(place.max(initial=0)) + 1, np.int64)
    np.maximum.at(largest, place, alike)
    return np.arange(place.size) - begin, np.maximum((end - begin) // 2, largest[place])
