"""Moments of the returns in a table of region-years, from which the model's priors start.

All logarithms are natural. A row averages over some twenty firms or more, so the spreads here are
those of region-years; single firms differ more.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cpdiffusion.errors import InputError
from cpdiffusion.evidence.table4 import RegionYear, firms_by_region, rows_by_region

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class BenefitRatio:
    """How a benefit that is often absent relates to the investment of its row.

    ``zero_share``: share of all rows in which the benefit is 0 or a dash.
    ``mean_log_ratio``, ``sd_log_ratio`` (ddof 1): of log(benefit / investment) over the other
    rows; 0.0 when too few rows are left to estimate them (none for the mean, one for the spread).
    """

    zero_share: float
    mean_log_ratio: float
    sd_log_ratio: float


@dataclass(frozen=True)
class ReturnMoments:
    """What a table says about log ROI = log(direct / investment), from unrounded quotients.

    rows, regions
        Number of region-years and of regions.
    mean_log_roi
        Plain mean over the rows: regions with more rows weigh more.
    mean_log_roi_se
        Standard error of that mean, clustered by region through the one-way random-effects model:
        sqrt(within²/N + between² · Σ n_r² / N²). It is plain sd/√N where ``between`` is 0. The
        sandwich form would understate it with so few regions.
    sd_log_roi
        Standard deviation over the rows, ddof 1.
    median_roi
        Median of direct / investment.
    correlation_with_log_investment
        Pearson, over the rows; 0.0 when either does not vary.
    within_region_sd
        Square root of the pooled squares around the regions' means over (rows - regions). Where
        each region has a single row, within and between cannot be told apart: all spread is then
        taken as within and no region effect is claimed.
    between_region_sd
        One-way random effects by the method of moments (DerSimonian-Laird with weights
        n_r / within²), not below 0; 0.0 for a single region.
    region_effects
        Region -> shrunken deviation of its mean log ROI from ``mean_log_roi``: the raw deviation
        times between² / (between² + within² / n_r), the BLUP with the row mean as centre, so that
        ``mean_log_roi + region_effects[r]`` predicts region r.
    investment_elasticity, investment_elasticity_se
        b in log ROI = region mean - b · (log investment - region's mean of log investment), by
        least squares within regions, and its standard error with rows - regions - 1 degrees of
        freedom. Investment stands on both sides, so errors in it push b up. 0.0 with an infinite
        standard error when investment does not vary within regions; the standard error is also
        infinite without a degree of freedom left.
    investment_per_firm_mkrw
        Investment of all rows over the firms of all regions, million KRW. In Table 4 this is
        likely too low, since firms seem to be counted over more years than the rows list. The 80
        of Ansan may include those of 2007 to 2011. Or else all counts run to 2015: with one more
        year wherever 2014 is listed, each region comes to between 20 and 21 firms a year. Nor does
        the table say whose capital is counted.
    firms_per_region_year
        Region -> cumulative firms / rows listed; in Table 4 too high where the above holds.
    indirect, environmental
        The other two benefits relative to investment.
    """

    rows: int
    regions: int
    mean_log_roi: float
    mean_log_roi_se: float
    sd_log_roi: float
    median_roi: float
    correlation_with_log_investment: float
    within_region_sd: float
    between_region_sd: float
    region_effects: Mapping[str, float] = field(hash=False)
    investment_elasticity: float
    investment_elasticity_se: float
    investment_per_firm_mkrw: float
    firms_per_region_year: Mapping[str, float] = field(hash=False)
    indirect: BenefitRatio
    environmental: BenefitRatio


def return_moments(rows: Sequence[RegionYear]) -> ReturnMoments:
    """Moments of any table with at least two rows, one or more regions.

    Raises InputError for fewer rows, a row without direct benefit (its logarithm does not exist),
    or a table without firms.
    """
    _require_usable(rows)
    region_of = _region_index(rows)
    investment = np.array([row.investment_mkrw for row in rows])
    roi = np.array([row.direct_mkrw for row in rows]) / investment
    log_roi, log_investment = np.log(roi), np.log(investment)
    within, between = _variance_components(log_roi, region_of)
    slope, slope_se = _within_slope(log_roi, log_investment, region_of)
    firms = firms_by_region(rows)
    return ReturnMoments(
        rows=len(rows),
        regions=len(firms),
        mean_log_roi=float(log_roi.mean()),
        mean_log_roi_se=_clustered_se(within, between, region_of),
        sd_log_roi=float(log_roi.std(ddof=1)),
        median_roi=float(np.median(roi)),
        correlation_with_log_investment=_correlation(log_roi, log_investment),
        within_region_sd=math.sqrt(within),
        between_region_sd=math.sqrt(between),
        region_effects=_region_effects(log_roi, region_of, list(firms), within, between),
        investment_elasticity=0.0 - slope,
        investment_elasticity_se=slope_se,
        investment_per_firm_mkrw=float(investment.sum()) / sum(firms.values()),
        firms_per_region_year={
            region: firms[region] / len(listed) for region, listed in rows_by_region(rows).items()
        },
        indirect=_benefit_ratio(np.array([row.indirect_mkrw for row in rows]), investment),
        environmental=_benefit_ratio(np.array([row.environmental_mkrw for row in rows]), investment),
    )


def _require_usable(rows: Sequence[RegionYear]) -> None:
    if len(rows) < 2:
        raise InputError(f"Moments of returns need at least 2 region-years, but got {len(rows)}.")
    for row in rows:
        if row.direct_mkrw <= 0:
            raise InputError(
                f"{row.label}: direct benefit must be above 0 to take the logarithm of its return; "
                "leave the row out or give its benefit."
            )
    if sum(firms_by_region(rows).values()) <= 0:
        raise InputError("firms_cumulative is 0 on all rows; at least one firm must have taken part.")


def _region_index(rows: Sequence[RegionYear]) -> NDArray[np.intp]:
    """Per row the number of its region, regions numbered in order of appearance; shape (N,)."""
    number = {region: i for i, region in enumerate(rows_by_region(rows))}
    return np.array([number[row.region] for row in rows], dtype=np.intp)


def _region_means(values: Floats, region_of: NDArray[np.intp]) -> Floats:
    """Mean of the rows (N,) of each region; shape (R,)."""
    return np.asarray(np.bincount(region_of, weights=values) / np.bincount(region_of))


def _deviations(values: Floats, region_of: NDArray[np.intp]) -> Floats:
    """Rows (N,) less the mean of their region; shape (N,)."""
    return np.asarray(values - _region_means(values, region_of)[region_of])


def _variance_components(log_roi: Floats, region_of: NDArray[np.intp]) -> tuple[float, float]:
    """Variance within and between regions."""
    counts = np.bincount(region_of)
    rows, regions = len(log_roi), len(counts)
    if regions == 1 or rows == regions:
        return float(log_roi.var(ddof=1)), 0.0
    within = float(np.sum(_deviations(log_roi, region_of) ** 2)) / (rows - regions)
    offsets = _region_means(log_roi, region_of) - log_roi.mean()
    mean_square_between = float(counts @ offsets**2) / (regions - 1)
    effective_rows = (rows - float(counts @ counts) / rows) / (regions - 1)
    return within, max(0.0, (mean_square_between - within) / effective_rows)


def _clustered_se(within: float, between: float, region_of: NDArray[np.intp]) -> float:
    counts = np.bincount(region_of)
    rows = len(region_of)
    return math.sqrt(within / rows + between * float(counts @ counts) / rows**2)


def _region_effects(
    log_roi: Floats,
    region_of: NDArray[np.intp],
    names: Sequence[str],
    within: float,
    between: float,
) -> dict[str, float]:
    if between == 0.0:
        return dict.fromkeys(names, 0.0)
    raw = _region_means(log_roi, region_of) - log_roi.mean()
    kept = between / (between + within / np.bincount(region_of))
    return dict(zip(names, (raw * kept).tolist(), strict=True))


def _within_slope(y: Floats, x: Floats, region_of: NDArray[np.intp]) -> tuple[float, float]:
    """Slope of y on x within regions and its standard error; (0, inf) when x does not vary."""
    dy, dx = _deviations(y, region_of), _deviations(x, region_of)
    if np.allclose(dx, 0.0, atol=1e-12):
        return 0.0, math.inf
    squares = float(dx @ dx)
    slope = float(dx @ dy) / squares
    freedom = len(y) - int(region_of.max() + 1) - 1
    if freedom < 1:
        return slope, math.inf
    residual = dy - slope * dx
    return slope, math.sqrt(float(residual @ residual) / freedom / squares)


def _correlation(x: Floats, y: Floats) -> float:
    if np.allclose(x, x[0], atol=1e-12) or np.allclose(y, y[0], atol=1e-12):
        return 0.0
    return float(np.corrcoef(x, y)[0, 1])


def _benefit_ratio(benefit: Floats, investment: Floats) -> BenefitRatio:
    present = benefit > 0
    logs = np.log(benefit[present] / investment[present])
    return BenefitRatio(
        zero_share=float(np.mean(~present)),
        mean_log_ratio=float(logs.mean()) if len(logs) > 0 else 0.0,
        sd_log_ratio=float(logs.std(ddof=1)) if len(logs) > 1 else 0.0,
    )
