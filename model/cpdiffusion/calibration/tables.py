"""A table of region-years, reported or simulated, and what it comes to in a few figures.

The same function makes the figures of both, so that they can be compared.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cpdiffusion.calibration.observations import Floats, Sample
from cpdiffusion.engine.state import Flow
from cpdiffusion.evidence.table4 import RegionYear
from cpdiffusion.units import QUARTERS_PER_YEAR


@dataclass(frozen=True)
class Layout:
    """Which region-years a table lists: N rows of R regions, years counted from a region's first row.

    A programme is taken to begin in the first year that the table lists.
    """

    regions: tuple[str, ...]
    region_of: tuple[int, ...]
    year_of: tuple[int, ...]

    @property
    def years(self) -> int:
        """Programme years up to the last row."""
        return max(self.year_of) + 1

    @cached_property
    def places(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Region and year of each row as an index."""
        return np.array(self.region_of, np.intp), np.array(self.year_of, np.intp)


def layout_of(rows: Sequence[RegionYear]) -> Layout:
    """The layout of a table of one row or more."""
    regions = tuple(dict.fromkeys(row.region for row in rows))
    first = {name: min(row.year for row in rows if row.region == name) for name in regions}
    return Layout(
        regions,
        tuple(regions.index(row.region) for row in rows),
        tuple(row.year - first[row.region] for row in rows),
    )


def simulated(flow: Floats, layout: Layout) -> Sample:
    """What a programme would have reported: supported adopters' returns by region-year.

    ``flow`` (R, Q, flows) as in State. Region-years without a supported adopter are left out.
    """
    rows = by_year(flow)[layout.places]
    investment, direct = rows[:, Flow.PROGRAMME_INVESTMENT], rows[:, Flow.PROGRAMME_DIRECT]
    made = investment > 0.0
    log_investment = np.log(investment[made])
    return Sample(
        layout.regions, layout.places[0][made], np.log(direct[made]) - log_investment, log_investment
    )


def by_year(flow: Floats) -> Floats:
    """Flows (..., Q, flows) by quarter as flows (..., Y, flows) by year."""
    *before, quarters, kinds = flow.shape
    years = quarters // QUARTERS_PER_YEAR
    return np.asarray(flow.reshape(*before, years, QUARTERS_PER_YEAR, kinds).sum(axis=-2))


def table_figures(of: Sample) -> dict[str, float]:
    """Level, spread within regions, relation to investment and tail of the log ROI; nan if it has none.

    mean_log_roi
        Plain mean over rows.
    within_region_sd
        Pooled standard deviation within regions, over all rows if no region has two.
    investment_slope
        Slope of log ROI on log investment within regions.
    largest_over_median
        Log of the largest ROI over the median.
    """
    if of.log_roi.size < 2:
        return dict.fromkeys(TABLE_FIGURES, math.nan)
    roi, invested, freedom = _within(of)
    squares = float(invested @ invested)
    return {
        "mean_log_roi": float(of.log_roi.mean()),
        "within_region_sd": math.sqrt(float(roi @ roi) / freedom),
        "investment_slope": float(invested @ roi) / squares if squares > NO_SPREAD else math.nan,
        "largest_over_median": float(of.log_roi.max() - np.median(of.log_roi)),
    }


TABLE_FIGURES = ("mean_log_roi", "within_region_sd", "investment_slope", "largest_over_median")
NO_SPREAD = 1e-12


def table_errors(of: Sample) -> dict[str, float]:
    """Standard errors of ``table_figures`` as of normal rows; infinite where rows are too few."""
    rows = of.log_roi.size
    if rows < 2:
        return dict.fromkeys(TABLE_FIGURES, math.inf)
    roi, invested, freedom = _within(of)
    sd, squares = math.sqrt(float(roi @ roi) / freedom), float(invested @ invested)
    slope = float(invested @ roi) / squares if squares > NO_SPREAD else 0.0
    left = float(((roi - slope * invested) ** 2).sum()) / max(freedom - 1, 1)
    return {
        "mean_log_roi": sd / math.sqrt(rows),
        "within_region_sd": sd / math.sqrt(2.0 * freedom),
        "investment_slope": math.sqrt(left / squares) if squares > NO_SPREAD and freedom > 1 else math.inf,
        "largest_over_median": sd * spread_of_largest(rows),
    }


def spread_of_largest(rows: int) -> float:
    """Standard deviation of the largest of so many standard normals, by the limit law of Gumbel."""
    return math.pi / math.sqrt(6.0) / math.sqrt(2.0 * math.log(max(rows, 3)))


def _within(of: Sample) -> tuple[Floats, Floats, int]:
    """Deviations of log ROI and log investment from their region's mean, and the degrees of freedom."""
    counts = of.counts
    freedom = of.log_roi.size - int(np.count_nonzero(counts))
    if freedom == 0:
        return (
            of.log_roi - of.log_roi.mean(),
            of.log_investment - of.log_investment.mean(),
            of.log_roi.size - 1,
        )
    means = [of.sums(values) / np.maximum(counts, 1.0) for values in (of.log_roi, of.log_investment)]
    return of.log_roi - means[0][of.region_of], of.log_investment - means[1][of.region_of], freedom
