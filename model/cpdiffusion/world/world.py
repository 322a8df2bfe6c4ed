"""A world: firms, their ties and the names of things; and the recipe that builds one per seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cpdiffusion.compiled import compiled
from cpdiffusion.draws import Purpose
from cpdiffusion.parameters import Parameters
from cpdiffusion.world.firms import Firms, Floats, Ints, draw_firms, uniforms
from cpdiffusion.world.regions import SECTORS, Region, region
from cpdiffusion.world.ties import Ties, draw_ties


@dataclass(frozen=True)
class World:
    """N firms in R regions and the M directed ties along which results become known."""

    firms: Firms
    ties: Ties
    regions: tuple[str, ...]
    sectors: tuple[str, ...]
    complexes: tuple[str, ...]
    ids: tuple[str, ...] | None = None  # the user's own firm names; None: numbered from 0

    @property
    def size(self) -> int:
        """Number of firms."""
        return int(self.firms.region.size)

    def firm_id(self, row: int) -> str:
        """Name of the firm in a row."""
        return self.ids[row] if self.ids else str(row)


@dataclass(frozen=True)
class Recipe:
    """How to build a world from a seed: what is given stays, the rest is drawn.

    ``given`` holds columns of a user's own register (shape (N,), with ``region``, ``complex`` and
    ``sector`` as indices); ``ties`` a user's own network. Both absent: a synthetic region.
    """

    regions: tuple[str, ...]
    sectors: tuple[str, ...] = SECTORS
    complexes: tuple[str, ...] = ()
    ids: tuple[str, ...] | None = None
    given: Mapping[str, NDArray[np.generic]] = field(default_factory=dict)
    ties: Ties | None = None
    time_of_adoption: Floats | None = None  # (N,) as observed, NaN for never; for measures only

    def build(self, seed: int, p: Parameters) -> World:
        """The world of one seed under parameters ``p``."""
        with np.errstate(over="ignore"):
            return self._build(np.uint64(seed), p)

    def _build(self, seed: np.uint64, p: Parameters) -> World:
        places = self._places(seed, p)
        rest = {name: column for name, column in self.given.items() if name not in PLACES}
        firms = draw_firms(seed, p, *places, rest)
        ties = self.ties or draw_ties(seed, p, firms, len(self.sectors))
        complexes = self.complexes or complex_names(self.regions, p)
        return World(firms, ties, self.regions, self.sectors, complexes, self.ids)

    def _places(self, seed: np.uint64, p: Parameters) -> tuple[Ints, Ints, Ints]:
        if self.given:
            return tuple(self.given[name].astype(np.int32) for name in PLACES)  # type: ignore[return-value]
        return synthetic_places(seed, p, [region(name) for name in self.regions])

    def size(self, p: Parameters) -> int:
        """Number of firms that ``build`` will make."""
        return len(self.given["region"]) if self.given else len(self.regions) * int(p.firms_per_region)

    def smallest_region(self, p: Parameters) -> int:
        """Number of firms in the smallest region."""
        if not self.given:
            return int(p.firms_per_region)
        region_of = self.given["region"].astype(np.int64)
        return int(np.bincount(region_of, minlength=len(self.regions)).min())


PLACES = ("region", "complex", "sector")


def complexes_per_region(p: Parameters) -> int:
    """Number of industrial complexes in a synthetic region."""
    return max(1, round(p.firms_per_region / p.firms_per_complex))


def complex_names(regions: Sequence[str], p: Parameters) -> tuple[str, ...]:
    """Names of the complexes of synthetic regions."""
    return tuple(f"{name} {k + 1}" for name in regions for k in range(complexes_per_region(p)))


def synthetic_places(seed: np.uint64, p: Parameters, regions: Sequence[Region]) -> tuple[Ints, Ints, Ints]:
    """Region, complex and sector of every firm; regions, and complexes in them, one after the other.

    Firms that are tied stand side by side, so that among many firms less time is lost on memory.
    """
    per_region, complexes = int(p.firms_per_region), complexes_per_region(p)
    of_region = np.repeat(np.arange(len(regions), dtype=np.int32), per_region)
    place = uniforms(seed, Purpose.PLACE, of_region.size)
    pick = uniforms(seed, Purpose.SECTOR, of_region.size)
    bounds = np.array([sector_bounds(r, p) for r in regions])
    return of_region, sorted_complexes(of_region, place, complexes), sectors_of(of_region, pick, bounds)


@compiled
def sorted_complexes(of_region: Ints, place: Floats, complexes: int) -> Ints:
    """The complexes that the firms' places in their regions lie in, in rising order (N,)."""
    number = np.zeros((of_region[-1] + 1) * complexes, np.int32)
    for firm in range(place.size):
        number[of_region[firm] * complexes + int(place[firm] * complexes)] += 1
    return np.repeat(np.arange(number.size).astype(np.int32), number)


@compiled
def sectors_of(of_region: Ints, pick: Floats, bounds: Floats) -> Ints:
    """In which sector of its region each pick lies; ``bounds`` (R, S-1) as of ``sector_bounds``."""
    sector = np.zeros(pick.size, np.int32)
    for firm in range(pick.size):
        for bound in bounds[of_region[firm]]:
            sector[firm] += bound <= pick[firm]
    return sector


def sector_bounds(of: Region, p: Parameters) -> Floats:
    """Upper bounds in (0, 1) of the sectors' shares, the last one left out."""
    weight = np.array([p.key_sector_weight if name in of.key_sectors else 1.0 for name in SECTORS])
    return np.cumsum(weight)[:-1] / weight.sum()
