"""Who hears of whom: layered ties as compressed sparse rows.

Row i lists the firms that firm i *influences*. A synthetic network has three layers, each
undirected: supply chain (large firms have more ties), complex (a ring lattice with random long
ties, as in Watts & Strogatz 1998, part of it within the sector), sector (random). A pair tied in
several layers keeps the first of them in the order of LAYERS: one result is one observation.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cpdiffusion import draws
from cpdiffusion.compiled import compiled
from cpdiffusion.draws import Purpose
from cpdiffusion.parameters import Parameters
from cpdiffusion.world.firms import Firms, Floats, Ints


class Layer(IntEnum):
    """Kinds of ties, each with its own visibility and noise."""

    SUPPLY_CHAIN = 0
    COMPLEX = 1
    SECTOR = 2
    OTHER = 3


PLACE_BITS = 32  # of a key that holds a target above a place
PLACE_MASK = 2**PLACE_BITS - 1
LAYER_BITS = 2  # of a key that holds a target above a Layer
LAYER_MASK = 2**LAYER_BITS - 1
AT_ONCE = 4  # numbers compared without asking first
SPARSE = 16  # possible groups per firm beyond which empty ones are left out

Narrow = np.int32 | np.int64  # the narrower where all numbers fit: much of the time goes into moving them

LAYERS = tuple(layer.name.lower() for layer in Layer)


class Ties(NamedTuple):
    """Influence ties of N firms as compressed sparse rows; M directed ties in all."""

    start: NDArray[np.int64]  # (N+1,) row i is start[i] : start[i+1]
    target: Ints  # (M,) the firm influenced
    layer: NDArray[np.int8]  # (M,) a Layer
    weight: Floats  # (M,) strength, multiplies the layer's visibility


class Groups(NamedTuple):
    """Firms in random order within groups."""

    member: Ints  # (N,) firms, group after group
    start: Ints  # (G+1,)
    group: Ints  # (N,) group of each firm


class Ring(NamedTuple):
    """Groups of which each is a ring."""

    member: Ints  # as in Groups
    start: Ints
    group: Ints
    position: Ints  # (N,) where each firm stands in ``member``


def draw_ties(seed: np.uint64, p: Parameters, firms: Firms, sectors: int) -> Ties:
    """The synthetic network among ``firms``; every draw is keyed by the seed."""
    order = shuffled(seed, firms.region.size)
    region, complex_ = groups(order, firms.region), ring(order, firms.complex)
    same_sector = groups(order, both(firms.region, firms.sector, sectors))
    same_complex = ring(order, both(firms.complex, firms.sector, sectors))
    before = np.cumsum(firms.employees[region.member])
    pairs = (
        chain_pairs(seed, p.supply_chain_degree, region, before.astype(narrowest(before[-1]))),
        complex_pairs(seed, p.complex_degree, complex_, same_complex, p.sector_homophily, p.long_tie_share),
        random_pairs(seed, int(Layer.SECTOR), p.sector_degree, same_sector),
    )
    return both_ways(order.size, pairs)


def narrowest(largest: int) -> np.dtype[Narrow]:
    """The narrower integer if it holds numbers up to ``largest``."""
    return np.dtype(np.int32 if largest < 2**31 else np.int64)


def both(place: Ints, sector: Ints, sectors: int) -> Ints:
    """One group per place and sector; numbered without gaps when there could be very many."""
    last = (int(place.max()) + 1) * sectors - 1
    group = place.astype(narrowest(last), copy=False) * sectors + sector
    if last > SPARSE * group.size:
        group = np.unique(group, return_inverse=True)[1]
    return group.astype(np.int32, copy=False)


@compiled
def shuffled(seed: np.uint64, size: int) -> Ints:
    """Firms 0 .. size-1 in random order (Fisher & Yates)."""
    key = draws.stream(seed, Purpose.RING, 0)
    order = np.arange(size).astype(np.int32)
    for last in range(size - 1, 0, -1):
        other = int(draws.uniform(key, last) * (last + 1))
        order[last], order[other] = order[other], order[last]
    return order


@compiled
def groups(order: Ints, group: Ints) -> Groups:
    """Firms by group, in the given order within each."""
    return Groups(by_group(order, group), starts(group), group)


@compiled
def ring(order: Ints, group: Ints) -> Ring:
    """The same, and where each firm stands."""
    member, position = by_group(order, group), np.empty(group.size, np.int32)
    for place in range(group.size):
        position[member[place]] = place
    return Ring(member, starts(group), group, position)


@compiled
def starts(group: Ints) -> Ints:
    """Where each group of firms starts among the firms by group, shape (G+1,)."""
    start = np.zeros(group.max() + 2, np.int32)
    for g in group:
        start[g + 1] += 1
    return np.cumsum(start).astype(np.int32)


@compiled
def by_group(order: Ints, group: Ints) -> Ints:
    """Firms by group, in the given order within each (a counting sort)."""
    free, member = starts(group), np.empty(group.size, np.int32)
    for firm in order:
        member[free[group[firm]]] = firm
        free[group[firm]] += 1
    return member


@compiled
def group_size(among: Groups | Ring, firm: int) -> int:
    """Number of firms in the firm's group."""
    return among.start[among.group[firm] + 1] - among.start[among.group[firm]]


@compiled
def any_member(among: Groups | Ring, firm: int, pick: float) -> int:
    """The member of the firm's group at quantile ``pick``."""
    return among.member[among.start[among.group[firm]] + int(pick * group_size(among, firm))]


@compiled
def next_member(among: Ring, firm: int, steps: int) -> int:
    """The member ``steps`` further round the firm's ring."""
    first = among.start[among.group[firm]]
    return among.member[first + (among.position[firm] - first + steps) % group_size(among, firm)]


@compiled
def opened_ties(seed: np.uint64, layer: int, degree: float, size: int) -> Ints:
    """Ties that each firm opens: half the mean degree, rounded up or down at random."""
    key = draws.stream(seed, Purpose.TIE_NUMBER, layer)
    opened = np.empty(size, np.int32)
    for firm in range(size):
        opened[firm] = int(0.5 * degree + draws.uniform(key, firm))
    return opened


@compiled
def random_pairs(seed: np.uint64, layer: int, degree: float, among: Groups) -> Ints:
    """Ties to random members of one's group; shape (2, ties)."""
    opened = opened_ties(seed, layer, degree, among.group.size)
    pairs, n = np.empty((2, opened.sum()), np.int32), 0
    for k in range(opened.max()):
        key = draws.stream(seed, Purpose.TIE_PARTNER + layer, k)
        for firm in range(opened.size):
            if k < opened[firm]:
                pairs[0, n], pairs[1, n] = firm, any_member(among, firm, draws.uniform(key, firm))
                n += 1
    return pairs


@compiled
def complex_pairs(
    seed: np.uint64,
    degree: float,
    complex_: Ring,
    same_sector: Ring,
    homophily: float,
    long_tie_share: float,
) -> Ints:
    """Ties to the next members round the ring of the complex, or of one's sector in it."""
    opened = opened_ties(seed, Layer.COMPLEX, degree, complex_.group.size)
    pairs, n = np.empty((2, opened.sum()), np.int32), 0
    for k in range(opened.max()):
        kind = draws.stream(seed, Purpose.TIE_KIND, k)
        key = draws.stream(seed, Purpose.TIE_PARTNER + Layer.COMPLEX, k)
        for firm in range(opened.size):
            if k < opened[firm]:
                alike = draws.uniform(kind, firm) < homophily and group_size(same_sector, firm) > 1
                among = same_sector if alike else complex_
                pick = draws.uniform(key, firm)
                pairs[0, n] = firm
                if pick < long_tie_share:
                    pairs[1, n] = any_member(among, firm, pick / long_tie_share)
                else:
                    pairs[1, n] = next_member(among, firm, k + 1)
                n += 1
    return pairs


@compiled
def chain_pairs(seed: np.uint64, degree: float, region: Groups, employees_before: NDArray[Narrow]) -> Ints:
    """Ties to firms of the region in proportion to their employees (large firms buy from many)."""
    opened = opened_ties(seed, Layer.SUPPLY_CHAIN, degree, region.group.size)
    pairs = np.empty((2, opened.sum()), np.int32)
    wanted = wanted_employees(seed, opened, region, employees_before, pairs[0])
    first_above(employees_before, wanted, pairs[1])
    for n in range(wanted.size):
        last = region.start[region.group[pairs[0, n]] + 1] - 1
        pairs[1, n] = region.member[min(pairs[1, n], last)]
    return pairs


@compiled
def wanted_employees(
    seed: np.uint64, opened: Ints, region: Groups, employees_before: NDArray[Narrow], firms: Ints
) -> Floats:
    """Of each tie an employee of the region, counted from the first firm; who opens it, into ``firms``."""
    wanted, n = np.empty(firms.size), 0
    for k in range(opened.max()):
        key = draws.stream(seed, Purpose.TIE_PARTNER + Layer.SUPPLY_CHAIN, k)
        for firm in range(opened.size):
            if k < opened[firm]:
                first = region.start[region.group[firm]]
                last = region.start[region.group[firm] + 1] - 1
                before = employees_before[first - 1] if first > 0 else 0
                wanted[n] = before + draws.uniform(key, firm) * (employees_before[last] - before)
                firms[n] = firm
                n += 1
    return wanted


@compiled
def first_above(rising: NDArray[Narrow], wanted: Floats, place: Ints) -> None:
    """The first place whose number is above each one wanted, which is not above the last; as searchsorted.

    A guide tells about where (Chen & Asau 1974). It is read in a pass of its own and the next few
    numbers are compared at once, so that no look into memory has to wait for the one before.
    """
    guide = guide_to(rising)
    steps_per_unit = (guide.size - 1) / rising[-1]
    for n in range(wanted.size):
        place[n] = guide[int(wanted[n] * steps_per_unit)]
    for n in range(wanted.size):
        at = place[n]
        while at > 0 and rising[at - 1] > wanted[n]:
            at -= 1
        if at + AT_ONCE <= rising.size:
            here = at
            for ahead in range(AT_ONCE):
                at += rising[here + ahead] <= wanted[n]
        while at < rising.size and rising[at] <= wanted[n]:
            at += 1
        place[n] = at


@compiled
def guide_to(rising: NDArray[Narrow]) -> Ints:
    """For half as many equal steps as there are rising numbers, the first place that may be above each."""
    guide = np.zeros(rising.size // 2 + 2, np.int32)
    steps_per_unit = (guide.size - 1) / rising[-1]
    for place in range(rising.size):
        guide[int(rising[place] * steps_per_unit)] = place + 1
    reached = 0
    for step in range(guide.size):
        guide[step], reached = reached, max(reached, guide[step])
    return guide


def rows(size: int, source: Ints, target: Ints, layer: NDArray[np.int8], weight: Floats) -> Ties:
    """Sparse rows sorted by target; self-ties go, of a repeated pair the first stays."""
    start, keys = sparse_rows(size, source, target)
    chosen = keys & PLACE_MASK
    return Ties(start, (keys >> PLACE_BITS).astype(np.int32), layer[chosen], weight[chosen])


def sparse_rows(size: int, source: Ints, target: Ints) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each row starts (N+1,), and the target of each tie above its place among the given (M,)."""
    start = room(size, (source,))
    keys = np.empty(start[-1], np.int64)
    put(start, keys, source, target, PLACE_BITS, 0, 1)
    return start, keys[: tidy(start, keys, PLACE_BITS)]


def both_ways(size: int, pairs: Sequence[Ints]) -> Ties:
    """Ties of weight 1 in both directions of every pair, given layer after layer, each of shape (2, ties).

    A repeated pair stays in its first layer. So the layer is all that a key must hold beside the target.
    """
    start = room(size, [end for pair in pairs for end in pair])
    keys = np.empty(start[-1], narrowest(size << LAYER_BITS))
    for layer, (one, other) in enumerate(pairs):
        put(start, keys, one, other, LAYER_BITS, layer, 0)
        put(start, keys, other, one, LAYER_BITS, layer, 0)
    keys = keys[: tidy(start, keys, LAYER_BITS)]
    layers = np.empty(keys.size, np.int8)
    part(keys, layers)
    return Ties(start, keys.astype(np.int32, copy=False), layers, np.ones(keys.size))


def room(size: int, sources: Sequence[Ints]) -> NDArray[np.int64]:
    """Where each row starts, with room for all ties from those sources, shape (N+1,)."""
    number = np.zeros(size + 1, np.int64)
    for source in sources:
        count(number, source)
    return np.cumsum(number, out=number)


@compiled
def count(number: NDArray[np.int64], source: Ints) -> None:
    """Add the ties of firm i to number i + 1."""
    for firm in source:
        number[firm + 1] += 1


@compiled
def put(
    free: NDArray[np.int64],
    keys: NDArray[Narrow],
    source: Ints,
    target: Ints,
    bits: int,
    below: int,
    growth: int,
) -> None:
    """Write each target, with a number below it that grows from tie to tie, into its source's row.

    ``free`` is where the next tie of each row goes; in the end that is where the row ends.
    """
    for k in range(source.size):
        firm = source[k]
        keys[free[firm]] = np.int64(target[k]) << bits | (below + growth * k)
        free[firm] += 1


@compiled
def tidy(ends: NDArray[np.int64], keys: NDArray[Narrow], bits: int) -> int:
    """Sort each row, leave out self-ties and repetitions and close the gaps; how many ties stay.

    What is sorted holds all that is needed: no look elsewhere. Ends of rows become their starts.
    """
    kept = first = 0
    for firm in range(ends.size - 1):
        row = keys[first : ends[firm]]
        first, ends[firm] = ends[firm], kept
        sort_short(row)
        previous = firm  # nobody is tied to itself
        for key in row:
            if key >> bits != firm and key >> bits != previous:
                keys[kept] = key
                kept += 1
                previous = key >> bits
    ends[-1] = kept
    return kept


@compiled
def part(keys: NDArray[Narrow], layers: NDArray[np.int8]) -> None:
    """Keys that hold a target above a layer become targets; the layers go into ``layers``."""
    for k in range(keys.size):
        layers[k] = keys[k] & LAYER_MASK
        keys[k] >>= LAYER_BITS


@compiled
def sort_short(row: NDArray[Narrow]) -> None:
    """Sort a short row in place by insertion, a long one as numpy does."""
    if row.size > 64:
        row.sort()
        return
    for k in range(1, row.size):
        key, j = row[k], k - 1
        while j >= 0 and row[j] > key:
            row[j + 1] = row[j]
            j -= 1
        row[j + 1] = key
