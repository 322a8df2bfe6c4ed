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
SPARSE = 16  # possible groups per firm beyond which empty ones are left out

LAYERS = tuple(layer.name.lower() for layer in Layer)


class Ties(NamedTuple):
    """Influence ties of N firms as compressed sparse rows; M directed ties in all."""

    start: NDArray[np.int64]  # (N+1,) row i is start[i] : start[i+1]
    target: Ints  # (M,) the firm influenced
    layer: NDArray[np.int8]  # (M,) a Layer
    weight: Floats  # (M,) strength, multiplies the layer's visibility


class Ring(NamedTuple):
    """Firms in random order within groups; each group is a ring."""

    member: Ints  # (N,) firms, group after group
    start: Ints  # (G+1,)
    group: Ints  # (N,) group of each firm
    position: Ints  # (N,) where each firm stands in ``member``


def draw_ties(seed: np.uint64, p: Parameters, firms: Firms, sectors: int) -> Ties:
    """The synthetic network among ``firms``; every draw is keyed by the seed."""
    order = shuffled(seed, firms.region.size)
    region, complex_ = ring(order, firms.region), ring(order, firms.complex)
    same_complex = ring(order, both(firms.complex, firms.sector, sectors))
    same_sector = ring(order, both(firms.region, firms.sector, sectors))
    pairs = (
        chain_pairs(seed, p.supply_chain_degree, region, np.cumsum(firms.employees[region.member])),
        complex_pairs(seed, p.complex_degree, complex_, same_complex, p.sector_homophily, p.long_tie_share),
        random_pairs(seed, int(Layer.SECTOR), p.sector_degree, same_sector),
    )
    start, keys = sparse_rows(order.size, *both_ends(pairs))
    bounds = np.cumsum([2 * pair.shape[1] for pair in pairs])
    target, layer = targets_and_layers(keys, bounds)
    return Ties(start, target, layer, np.ones(keys.size))


def both(place: Ints, sector: Ints, sectors: int) -> Ints:
    """One group per place and sector; numbered without gaps when there could be very many."""
    group = place.astype(np.int64) * sectors + sector
    if group.max() > SPARSE * group.size:
        group = np.unique(group, return_inverse=True)[1]
    return group.astype(np.int32)


def both_ends(pairs: Sequence[Ints]) -> tuple[Ints, Ints]:
    """Source and target of both directions of every pair, kind after kind."""
    source = np.concatenate([pair.ravel() for pair in pairs])
    target = np.concatenate([pair[::-1].ravel() for pair in pairs])
    return source, target


@compiled
def targets_and_layers(keys: NDArray[np.int64], bounds: NDArray[np.int64]) -> tuple[Ints, NDArray[np.int8]]:
    """Of each key its target, and in which layer its place lies; layers end at ``bounds``."""
    target, layer = np.empty(keys.size, np.int32), np.zeros(keys.size, np.int8)
    for k in range(keys.size):
        target[k] = keys[k] >> PLACE_BITS
        for bound in bounds[:-1]:
            layer[k] += keys[k] & PLACE_MASK >= bound
    return target, layer


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
def ring(order: Ints, group: Ints) -> Ring:
    """Firms by group, in the given order within each group (a counting sort)."""
    start = np.zeros(group.max() + 2, np.int32)
    for g in group:
        start[g + 1] += 1
    start = np.cumsum(start).astype(np.int32)
    free = start.copy()
    member, position = np.empty(group.size, np.int32), np.empty(group.size, np.int32)
    for firm in order:
        position[firm] = free[group[firm]]
        member[position[firm]] = firm
        free[group[firm]] += 1
    return Ring(member, start, group, position)


@compiled
def by_group(order: Ints, group: Ints) -> Ints:
    """Firms by group, in the given order within each: the members of a ring, and nothing else."""
    free = np.zeros(group.max() + 2, np.int32)
    for g in group:
        free[g + 1] += 1
    free = np.cumsum(free).astype(np.int32)
    member = np.empty(group.size, np.int32)
    for firm in order:
        member[free[group[firm]]] = firm
        free[group[firm]] += 1
    return member


@compiled
def group_size(among: Ring, firm: int) -> int:
    """Number of firms in the firm's group."""
    return among.start[among.group[firm] + 1] - among.start[among.group[firm]]


@compiled
def any_member(among: Ring, firm: int, pick: float) -> int:
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
def random_pairs(seed: np.uint64, layer: int, degree: float, among: Ring) -> Ints:
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
def chain_pairs(seed: np.uint64, degree: float, region: Ring, employees_before: NDArray[np.int64]) -> Ints:
    """Ties to firms of the region in proportion to their employees (large firms buy from many)."""
    opened = opened_ties(seed, Layer.SUPPLY_CHAIN, degree, region.group.size)
    pairs, n = np.empty((2, opened.sum()), np.int32), 0
    guide = guide_to(employees_before)
    for k in range(opened.max()):
        key = draws.stream(seed, Purpose.TIE_PARTNER + Layer.SUPPLY_CHAIN, k)
        for firm in range(opened.size):
            if k < opened[firm]:
                first = region.start[region.group[firm]]
                last = region.start[region.group[firm] + 1] - 1
                before = employees_before[first - 1] if first > 0 else 0
                wanted = before + draws.uniform(key, firm) * (employees_before[last] - before)
                place = first_above(employees_before, guide, wanted)
                pairs[0, n], pairs[1, n] = firm, region.member[min(place, last)]
                n += 1
    return pairs


@compiled
def guide_to(rising: NDArray[np.int64]) -> Ints:
    """For as many equal steps up to the last of N rising numbers, the first number above each step.

    With it a number's place is found in a step or two (Chen & Asau 1974), wherever it lies; a binary
    search among many firms waits for memory at each of its steps.
    """
    guide, place = np.empty(rising.size, np.int32), 0
    for step in range(rising.size):
        while rising[place] <= step * (rising[-1] / rising.size):
            place += 1
        guide[step] = place
    return guide


@compiled
def first_above(rising: NDArray[np.int64], guide: Ints, wanted: float) -> int:
    """The first place whose number is above ``wanted``, which is below the last; as searchsorted."""
    step = min(int(wanted * rising.size / rising[-1]), rising.size - 1)
    place = guide[step]
    while place > 0 and rising[place - 1] > wanted:
        place -= 1
    while place < rising.size and rising[place] <= wanted:
        place += 1
    return place


@compiled
def rows(size: int, source: Ints, target: Ints, layer: NDArray[np.int8], weight: Floats) -> Ties:
    """Sparse rows sorted by target; self-ties go, of a repeated pair the first stays."""
    start, keys = sparse_rows(size, source, target)
    chosen = keys & PLACE_MASK
    return Ties(start, (keys >> PLACE_BITS).astype(np.int32), layer[chosen], weight[chosen])


@compiled
def sparse_rows(size: int, source: Ints, target: Ints) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each row starts (N+1,), and the target of each tie above its place among the given (M,)."""
    start, free = np.zeros(size + 1, np.int64), np.zeros(size + 1, np.int64)
    for k in range(source.size):
        free[source[k] + 1] += 1
    free = np.cumsum(free)
    begin = free.copy()
    keys = np.empty(source.size, np.int64)  # target and place in one number: what is sorted is at hand
    for k in range(source.size):
        keys[free[source[k]]] = (np.int64(target[k]) << PLACE_BITS) | k
        free[source[k]] += 1
    kept = 0
    for firm in range(size):
        row = keys[begin[firm] : begin[firm + 1]]
        sort_short(row)
        start[firm] = kept
        previous = np.int64(firm)  # nobody is tied to itself
        for key in row:
            if key >> PLACE_BITS != firm and key >> PLACE_BITS != previous:
                keys[kept] = key
                kept += 1
                previous = key >> PLACE_BITS
    start[size] = kept
    return start, keys[:kept]


@compiled
def sort_short(row: NDArray[np.int64]) -> None:
    """Sort a short row in place by insertion, a long one as numpy does; no two numbers are equal."""
    if row.size > 64:
        row.sort()
        return
    for k in range(1, row.size):
        key, j = row[k], k - 1
        while j >= 0 and row[j] > key:
            row[j + 1] = row[j]
            j -= 1
        row[j + 1] = key
