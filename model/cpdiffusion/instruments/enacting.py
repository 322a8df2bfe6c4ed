"""From instruments in words to the terms that the engine reads, on one world."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpdiffusion.instruments.catalogue import CATALOGUE, Instrument
from cpdiffusion.instruments.circles import Meetings, exchange_partners, round_tables
from cpdiffusion.instruments.concerns import Ground, among, in_sectors
from cpdiffusion.instruments.enactment import Enactment, Enactments
from cpdiffusion.instruments.rows import Contribution, members, rows_of
from cpdiffusion.instruments.schedule import from_year, span_of
from cpdiffusion.parameters import Parameters
from cpdiffusion.terms import NO_TERMS, Term, Terms
from cpdiffusion.units import QUARTERS_PER_YEAR
from cpdiffusion.world.firms import Flags, Floats, Ints
from cpdiffusion.world.world import World


def terms_of(
    enacted: Enactments, world: World, p: Parameters, quarters: int, seed: int, message: Floats
) -> Terms:
    """The terms of all instruments on a world of ``seed``; ``message`` is each region's mean log return."""
    if not enacted:
        return NO_TERMS
    ground = Ground(world, p, np.uint64(seed))
    parts = [part for name, e in enacted for part in contributions(CATALOGUE[name], e, ground, quarters)]
    rows, row = rows_of(parts, world.size, p, math.ceil(quarters / QUARTERS_PER_YEAR))
    meetings, meets = meetings_of(enacted, ground, quarters)
    informs = any(Term.INFORMATION in part.terms for part in parts)
    return Terms(
        rows=rows,
        row=by_quarter(row, quarters),
        acts=quarters_of_action(by_quarter(row, quarters), meets, informs),
        public_cost_mkrw=public_costs(enacted, world, p, quarters),
        informed=informed_by(rows, row),
        partner=partners_of(enacted, ground),
        meets=meets,
        start=meetings.start,
        target=meetings.target,
        precision=meetings.precision,
        message=np.asarray(message, np.float64),
    )


def informed_by(rows: Floats, row: NDArray[np.int64]) -> Ints:
    """Firms that are informed in some year, shape (I,)."""
    different = sorted(set(row[:, Term.INFORMATION].tolist()))
    return np.flatnonzero(rows[different].any(axis=0)).astype(np.int32)


def by_quarter(table: NDArray[Any], quarters: int) -> NDArray[Any]:
    """A table with a row per year as one with a row per quarter."""
    return np.repeat(table, QUARTERS_PER_YEAR, axis=0)[:quarters]


def quarters_of_action(row: NDArray[np.int64], meets: Flags, informs: bool) -> Flags:
    """Quarters in which a row changes, or firms meet or may be informed, shape (Q,)."""
    changed = np.zeros(meets.size, np.bool_)
    changed[1:] = (row[1:] != row[:-1]).any(axis=1)
    new_year = np.arange(meets.size) % QUARTERS_PER_YEAR == 0
    return changed | meets | (new_year & informs)


def contributions(
    instrument: Instrument, enactment: Enactment, ground: Ground, quarters: int
) -> Iterator[Contribution]:
    """All that one instrument adds, without what is zero for everybody or never."""
    exposure = instrument.concerns(ground) * reach(enactment, ground.world) * enactment.strength
    group, profiles = instrument.schedule(ground, span_of(enactment, quarters))
    for effect in instrument.effects:
        strength = effect.on(exposure, ground.p)
        felt = members(strength, group, len(profiles)).tolist()
        shares = tuple(
            profile if number else (0.0,) * len(profile)
            for profile, number in zip(profiles, felt, strict=True)
        )
        if any(map(any, shares)):
            yield Contribution(effect.terms, strength, group, shares)


def reach(enactment: Enactment, world: World) -> Flags:
    """Firms of the regions and sectors in which the instrument is enacted, (N,); (1,) if it is everywhere."""
    within = np.ones(1, np.bool_)
    if enactment.regions is not None:
        within = within & where(enactment, world)[world.firms.region]
    if enactment.sectors is not None:
        within = within & in_sectors(world, enactment.sectors)
    return within


def public_costs(enacted: Enactments, world: World, p: Parameters, quarters: int) -> Floats:
    """What running the instruments costs the public, in million KRW, shape (R, Q)."""
    total = np.zeros((len(world.regions), math.ceil(quarters / QUARTERS_PER_YEAR)))
    for name, enactment in enacted:
        cost = CATALOGUE[name].cost
        if cost:
            at_work = from_year(span_of(enactment, quarters))
            strength, price = enactment.strength, p[cost]
            due = [share * strength * price / QUARTERS_PER_YEAR for share in at_work]
            total[where(enactment, world)] += due
    return np.ascontiguousarray(by_quarter(total.T, quarters).T)


def where(enactment: Enactment, world: World) -> Flags:
    """Regions in which an instrument is enacted, shape (R,)."""
    return among(world.regions, world.regions if enactment.regions is None else enactment.regions)


def meetings_of(enacted: Enactments, ground: Ground, quarters: int) -> tuple[Meetings, Flags]:
    """Who meets whom, and in which quarters (Q,)."""
    world, p = ground.world, ground.p
    for name, enactment in enacted:
        if CATALOGUE[name].gathers:
            found = round_tables(world, p, ground.seed, reach(enactment, world))
            at_work = by_quarter(np.array(from_year(span_of(enactment, quarters))) > 0.0, quarters)
            due = np.arange(quarters) % int(p.round_table_interval_quarters) == 0
            return found._replace(precision=found.precision * enactment.strength), at_work & due
    empty = Meetings(np.zeros(world.size + 1, np.int64), np.zeros(0, np.int32), np.zeros(0))
    return empty, np.zeros(quarters, np.bool_)


def partners_of(enacted: Enactments, ground: Ground) -> Ints:
    """Exchange partner of each firm, shape (N,); empty where no instrument pairs firms."""
    for name, enactment in enacted:
        if CATALOGUE[name].pairs:
            eligible = (CATALOGUE[name].concerns(ground) > 0.0) & reach(enactment, ground.world)
            return exchange_partners(ground.world, ground.p, ground.seed, eligible)
    return NO_TERMS.partner
