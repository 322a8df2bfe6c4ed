"""From instruments in words to the terms that the engine reads, on one world."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cpdiffusion.behaviour.decision import offer
from cpdiffusion.instruments.catalogue import CATALOGUE, Instrument
from cpdiffusion.instruments.circles import Meetings, exchange_partners, round_tables
from cpdiffusion.instruments.enactment import Enactment, Enactments
from cpdiffusion.instruments.schedule import from_year, years_at_work
from cpdiffusion.parameters import Parameters
from cpdiffusion.terms import LEFT, NO_TERMS, Term, Terms
from cpdiffusion.units import QUARTERS_PER_YEAR
from cpdiffusion.world.firms import Flags, Floats, Ints
from cpdiffusion.world.world import World


class Contribution(NamedTuple):
    """What an instrument adds to one term of a group of firms, or takes from it."""

    term: Term
    strength: Floats  # (N,)
    profile: Floats  # (Q,)


def terms_of(
    enacted: Enactments, world: World, p: Parameters, quarters: int, seed: int, message: Floats
) -> Terms:
    """The terms of all instruments on a world of ``seed``; ``message`` is each region's mean log return."""
    if not enacted:
        return NO_TERMS
    key = np.uint64(seed)
    parts = [
        part for name, e in enacted for part in contributions(CATALOGUE[name], e, world, p, quarters, key)
    ]
    rows, row = rows_of(parts, world.size, p, quarters)
    meetings, meets = meetings_of(enacted, world, p, quarters, key)
    return Terms(
        rows=rows,
        row=row,
        acts=quarters_of_action(row, meets, any(part.term == Term.INFORMATION for part in parts)),
        public_cost_mkrw=public_costs(enacted, world, p, quarters),
        partner=partners_of(enacted, world, p, key),
        meets=meets,
        start=meetings.start,
        target=meetings.target,
        precision=meetings.precision,
        message=np.asarray(message, np.float64),
    )


def rows_of(
    parts: Sequence[Contribution], size: int, p: Parameters, quarters: int
) -> tuple[Floats, NDArray[np.int64]]:
    """Each term of each firm whenever it is another one (U, N), and which row holds in a quarter."""
    rows: list[Floats] = []
    row = np.empty((quarters, len(Term)), np.int64)
    for term in Term:
        if term != Term.LOG_COST:
            mine = [part for part in parts if part.term == term]
            times, held = distinct(np.array([part.profile for part in mine]).reshape(len(mine), quarters).T)
            row[:, term] = held + len(rows)
            rows += [summed(term, mine, shares, size) for shares in times]
    cases, held = distinct(row[:, [Term.SUBSIDY, Term.CAPITAL, Term.HASSLE]])
    row[:, Term.LOG_COST] = held + len(rows)
    rows += [log_costs(rows[s], rows[c], rows[h], p) for s, c, h in cases]
    return np.array(rows), row


def distinct(table: NDArray[Any]) -> tuple[list[NDArray[Any]], NDArray[np.int64]]:
    """The different rows of a table as they first come, and which of them each row is."""
    first: dict[bytes, int] = {}
    held = [first.setdefault(line.tobytes(), len(first)) for line in table]
    return [table[held.index(k)] for k in range(len(first))], np.array(held, np.int64)


def summed(term: Term, parts: Sequence[Contribution], shares: Iterable[float], size: int) -> Floats:
    """One term of each firm from all contributions, each at its share of its strength, shape (N,)."""
    total = np.full(size, 1.0 if term in LEFT else 0.0)
    for part, share in zip(parts, shares, strict=True):
        if term in LEFT:
            total *= 1.0 - share * part.strength
        else:
            total += share * part.strength
    return total


def log_costs(subsidy: Floats, capital: Floats, hassle: Floats, p: Parameters) -> Floats:
    """Log cost of each firm without an offer, (N,); by the engine's own function, so to the last bit."""
    cases = list(zip(subsidy.tolist(), capital.tolist(), hassle.tolist(), strict=True))
    known = {
        (s, c, h): offer(s, c, p.hassle_cost_share * h, p.first_cost_weight, 0.0).log_cost
        for s, c, h in set(cases)
    }
    return np.array([known[case] for case in cases])


def quarters_of_action(row: NDArray[np.int64], meets: Flags, informs: bool) -> Flags:
    """Quarters in which a row changes, or firms meet or may be informed, shape (Q,)."""
    changed = np.zeros(meets.size, np.bool_)
    changed[1:] = (np.diff(row, axis=0) != 0).any(axis=1)
    new_year = np.arange(meets.size) % QUARTERS_PER_YEAR == 0
    return changed | meets | (new_year & informs)


def contributions(
    instrument: Instrument, enactment: Enactment, world: World, p: Parameters, quarters: int, seed: np.uint64
) -> list[Contribution]:
    """All that one instrument adds, without what is zero for everybody or never."""
    exposure = instrument.concerns(world, p, seed) * reach(enactment, world) * enactment.strength
    groups = instrument.schedule(world, p, seed, years_at_work(enactment, quarters))
    parts = [
        Contribution(term, effect.on(exposure * weight, p), profile)
        for effect in instrument.effects
        for term in effect.terms
        for weight, profile in groups
    ]
    return [part for part in parts if part.strength.any() and part.profile.any()]


def reach(enactment: Enactment, world: World) -> Flags:
    """Firms of the regions and sectors in which the instrument is enacted, shape (N,)."""
    within = np.ones(world.size, np.bool_)
    if enactment.regions is not None:
        within &= np.isin(world.regions, enactment.regions)[world.firms.region]
    if enactment.sectors is not None:
        within &= np.isin(world.sectors, enactment.sectors)[world.firms.sector]
    return within


def public_costs(enacted: Enactments, world: World, p: Parameters, quarters: int) -> Floats:
    """What running the instruments costs the public, in million KRW, shape (R, Q)."""
    total = np.zeros((len(world.regions), quarters))
    for name, enactment in enacted:
        cost = CATALOGUE[name].cost
        if cost:
            at_work = from_year(years_at_work(enactment, quarters))
            total += np.outer(
                where(enactment, world), at_work * enactment.strength * p[cost] / QUARTERS_PER_YEAR
            )
    return total


def where(enactment: Enactment, world: World) -> Flags:
    """Regions in which an instrument is enacted, shape (R,)."""
    everywhere = np.ones(len(world.regions), np.bool_)
    return everywhere if enactment.regions is None else np.isin(world.regions, enactment.regions)


def meetings_of(
    enacted: Enactments, world: World, p: Parameters, quarters: int, seed: np.uint64
) -> tuple[Meetings, Flags]:
    """Who meets whom, and in which quarters (Q,)."""
    for name, enactment in enacted:
        if CATALOGUE[name].gathers:
            found = round_tables(world, p, seed, reach(enactment, world))
            at_work = from_year(years_at_work(enactment, quarters)) > 0.0
            due = np.arange(quarters) % int(p.round_table_interval_quarters) == 0
            return found._replace(precision=found.precision * enactment.strength), at_work & due
    empty = Meetings(np.zeros(world.size + 1, np.int64), np.zeros(0, np.int32), np.zeros(0))
    return empty, np.zeros(quarters, np.bool_)


def partners_of(enacted: Enactments, world: World, p: Parameters, seed: np.uint64) -> Ints:
    """Exchange partner of each firm, shape (N,); empty where no instrument pairs firms."""
    for name, enactment in enacted:
        if CATALOGUE[name].pairs:
            eligible = CATALOGUE[name].concerns(world, p, seed) > 0.0
            return exchange_partners(world, p, seed, eligible & reach(enactment, world))
    return NO_TERMS.partner
