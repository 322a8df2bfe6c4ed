"""Region-years as a statistician sees them: log ROI, log investment and the number of the region.

Table 4 reports supported adopters only, so it is a *selected* sample: a firm that expects little does
not adopt and is in no row. What is fitted here is the distribution of reported returns. In the
simulation the mean log return of all firms that reproduces the table is lower than the table's mean,
and must be estimated through the simulation's own selection, not read off a fit of these rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cpdiffusion.errors import InputError
from cpdiffusion.evidence.table4 import RegionYear

Floats = NDArray[np.float64]


class Case(NamedTuple):
    """What may be known of a region-year before its result: a prediction is handed nothing else."""

    region: str
    year: int
    investment_mkrw: float


@dataclass(frozen=True, eq=False)
class Sample:
    """Rows to fit to. ``regions``: R names in order of appearance; arrays have shape (N,)."""

    regions: tuple[str, ...]
    region_of: NDArray[np.intp]
    log_roi: Floats
    log_investment: Floats

    def sums(self, values: Floats) -> Floats:
        """Sum of ``values`` (N,) over the rows of each region; shape (R,)."""
        return np.bincount(self.region_of, values, len(self.regions)).astype(np.float64)

    @property
    def counts(self) -> Floats:
        """Rows of each region, shape (R,)."""
        return self.sums(np.ones(self.log_roi.size))


def case_of(row: RegionYear) -> Case:
    """What was known of a row beforehand."""
    return Case(row.region, row.year, row.investment_mkrw)


def log_roi(row: RegionYear) -> float:
    """Natural log of direct benefit over investment; InputError without direct benefit."""
    if row.direct_mkrw <= 0:
        raise InputError(
            f"{row.label}: direct_eok must be above 0 to take the logarithm of its return; give the "
            "benefit or leave the row out."
        )
    return float(np.log(row.direct_mkrw / row.investment_mkrw))


def sample(rows: Sequence[RegionYear]) -> Sample:
    """Rows as arrays; InputError for a row without direct benefit or for no row at all."""
    if not rows:
        raise InputError("There is no region-year to fit to; give at least one.")
    number = {name: k for k, name in enumerate(dict.fromkeys(row.region for row in rows))}
    return Sample(
        regions=tuple(number),
        region_of=np.array([number[row.region] for row in rows], dtype=np.intp),
        log_roi=np.array([log_roi(row) for row in rows]),
        log_investment=np.log([row.investment_mkrw for row in rows]),
    )
