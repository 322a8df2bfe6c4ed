"""Points: values of all factors together. A grid, lists in step, a Latin hypercube, a Sobol sequence."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cpdiffusion.errors import InputError
from cpdiffusion.factors.factor import Factor
from cpdiffusion.factors.known import Value, Values

if TYPE_CHECKING:
    import pandas as pd

MOST_POINTS = 10_000_000  # that are held in memory
MOST_SOBOL = 21_201  # dimensions of scipy's direction numbers


@dataclass(frozen=True, eq=False)
class Points:
    """P points: a column for each factor, by its key."""

    columns: Mapping[str, Values]  # each (P,)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def at(self, place: int) -> dict[str, Value]:
        """One point, with plain values."""
        return {key: plain(column[place]) for key, column in self.columns.items()}

    def frame(self) -> pd.DataFrame:
        """A row per point, numbered from 0, a column per factor."""
        import pandas as pd

        return pd.DataFrame(dict(self.columns)).rename_axis("point").reset_index()


def plain(value: Any) -> Value:
    """A numpy scalar as Python's own."""
    found: Value = value.item() if isinstance(value, np.generic) else value
    return found


def grid(factors: Sequence[Factor], levels: int) -> Points:
    """Every combination; ranges at so many levels. The last factor changes fastest."""
    each = [factor.levels(levels) for factor in factors]
    require_few(math.prod(len(column) for column in each), "a grid")
    places = np.indices([len(column) for column in each]).reshape(len(each), -1)
    return Points({f.key: column[row] for f, column, row in zip(factors, each, places, strict=True)})


def in_step(factors: Sequence[Factor]) -> Points:
    """The first values of all lists, the second values, and so on; a single value stays."""
    for factor in factors:
        if factor.is_range:
            raise InputError(
                f"factors.{factor.key}: is a range; sweep.design=list takes lists of equal length, such as "
                "[5,10,25]."
            )
    longest = max(len(factor.values) for factor in factors)
    for factor in factors:
        if len(factor.values) not in (1, longest):
            raise InputError(
                f"factors.{factor.key}: lists {len(factor.values)} values where another lists {longest}; "
                "sweep.design=list takes the first of all, then the second of all, so give equally many."
            )
    return Points({f.key: np.resize(f.levels(0), longest) for f in factors})


def latin_hypercube(factors: Sequence[Factor], count: int, seed: int) -> Points:
    """Points of which each factor has one in every ``1 / count`` of its range (McKay et al. 1979)."""
    from scipy.stats import qmc

    require_few(count, "a Latin hypercube")
    return of_shares(factors, qmc.LatinHypercube(len(factors), rng=np.random.default_rng(seed)).random(count))


def sobol_sequence(factors: Sequence[Factor], count: int, seed: int) -> Points:
    """The first points of a scrambled Sobol sequence (Owen 1998); most even at powers of 2."""
    from scipy.stats import qmc

    require_few(count, "a Sobol sequence")
    if len(factors) > MOST_SOBOL:
        raise InputError(f"factors: a Sobol sequence takes at most {MOST_SOBOL}; use sweep.design=lhs.")
    sequence = qmc.Sobol(len(factors), rng=np.random.default_rng(seed))
    return of_shares(factors, sequence.random_base2(math.ceil(math.log2(max(count, 1))))[:count])


def of_shares(factors: Sequence[Factor], shares: Values) -> Points:
    """Points (P,) at shares (P, factors) of the way through every factor."""
    return Points({factor.key: factor.at(shares[:, k]) for k, factor in enumerate(factors)})


def require_few(count: int, design: str) -> None:
    """InputError for a design that would not fit into memory."""
    if count > MOST_POINTS:
        raise InputError(
            f"sweep: {design} of {count:,} points is too large; ask for at most {MOST_POINTS:,}, with fewer "
            "factors, levels or points."
        )
