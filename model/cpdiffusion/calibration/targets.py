"""What a calibrated model must reproduce: patterns, how closely, and who says so.

A target is a range; a simulated pattern inside it fits, one outside misses by its distance from the
range in units of the tolerance. The tolerance of a figure of the results table is the standard error with
which so small a table shows it: even the true model would come no closer to the one history that there
was. Tolerances of the other patterns are assumed.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cpdiffusion.calibration.observations import Sample, sample
from cpdiffusion.calibration.tables import table_errors, table_figures
from cpdiffusion.errors import InputError, did_you_mean
from cpdiffusion.evidence.moments import return_moments
from cpdiffusion.evidence.table4 import RegionYear

HISTORIES = 4  # over which the patterns of a candidate are averaged
LEAST_TOLERANCE_FIRMS = 2.0
INVESTMENT_TOLERANCE = 0.25  # of the figure: the table may count firms of years that it does not list


@dataclass(frozen=True)
class Target:
    """One pattern: a mean over histories should lie between ``low`` and ``high``, give or take."""

    name: str
    words: str
    unit: str
    low: float
    high: float
    tolerance: float
    source: str
    weight: float = 1.0  # of its squared misfit; 0 leaves it out

    def misfit(self, value: float) -> float:
        """Distance from the range in tolerances; infinite for a pattern that cannot be computed."""
        if not math.isfinite(value):
            return math.inf
        return max(self.low - value, value - self.high, 0.0) / self.tolerance


def log_likelihood(targets: Sequence[Target], patterns: Mapping[str, float]) -> float:
    """Log of the kernel by which candidates are weighed: -1/2 of the sum of weighted squared misfits.

    0 for a candidate that fits everything. It reads each target as observed with a normal error of its
    tolerance (Wilkinson 2013).
    """
    return -0.5 * sum(t.weight * t.misfit(patterns[t.name]) ** 2 for t in targets if t.weight > 0.0)


def targets_of(
    rows: Sequence[RegionYear], name: str = "Table 4", histories: int = HISTORIES
) -> tuple[Target, ...]:
    """All targets; those of the results table as far as so few rows can tell them."""
    return (*table_targets(sample(rows), name, histories), *firm_targets(rows, name), *OTHER_TARGETS)


def table_targets(of: Sample, name: str, histories: int = HISTORIES) -> tuple[Target, ...]:
    """Figures of returns with the standard errors that the size of the table gives them.

    A candidate's figures are means over ``histories`` tables of that size and err too, by as much less.
    """
    figures, errors, both = table_figures(of), table_errors(of), math.sqrt(1.0 + 1.0 / histories)
    return tuple(
        Target(key, words, unit, figures[key], figures[key], errors[key] * both, name)
        for key, (words, unit) in TABLE_WORDS.items()
        if math.isfinite(figures[key]) and 0.0 < errors[key] < math.inf
    )


TABLE_WORDS = {
    "mean_log_roi": ("mean log ROI of region-years", "log ROI"),
    "within_region_sd": ("spread of log ROI within regions", "log ROI"),
    "investment_slope": ("slope of log ROI on log investment within regions", "log/log"),
    "largest_over_median": ("log of the largest ROI over the median", "log ROI"),
}


def firm_targets(rows: Sequence[RegionYear], name: str) -> tuple[Target, Target]:
    """How many firms take part and what they invest."""
    moments = return_moments(rows)
    per_year = np.array(list(moments.firms_per_region_year.values()))
    middle, per_firm = float(np.median(per_year)), moments.investment_per_firm_mkrw
    spread = 1.4826 * float(np.median(np.abs(per_year - middle)))  # as of a normal, outliers disregarded
    return (
        Target(
            "firms_per_region_year", "firms supported per region and year", "firms", middle, middle,
            max(spread, LEAST_TOLERANCE_FIRMS), f"{name}: median over regions",
        ),
        Target(
            "investment_per_firm_mkrw", "investment per supported firm", "million KRW", per_firm, per_firm,
            INVESTMENT_TOLERANCE * per_firm, f"{name}: total over participating firms; tolerance assumed",
        ),
    )  # fmt: skip


OTHER_TARGETS = (
    Target(
        "autonomous_share", "firms that adopt within sixteen years without any programme", "share",
        0.0, 0.05, 0.02,
        "the paper (000): after sixteen years not spread among SMEs; smart factories 5 % in 2019 (003); "
        "range and tolerance assumed",
    ),
    Target(
        "audit_effect", "what an audit adds to adoption within four years", "share",
        0.10, 0.20, 0.05,
        "Schleich & Fleiter 2019: 10 to 20 percentage points per measure; Ryan found none; tolerance assumed",
    ),
    Target(
        "cohort_effect", "adoption in cohorts over adoption after single audits, same firms", "ratio",
        1.0, 2.0, 0.25,
        "from no effect (Stede 2019, control group) to doubling (LEEN networks' own claim); "
        "tolerance assumed",
    ),
    Target(
        "audit_misfit", "distance from how adoption falls with payback", "share",
        0.0, 0.015, 0.005,
        "US Industrial Assessment Centers 1981-2000: shape of the fall up to five years; "
        "range and tolerance assumed",
    ),
)  # fmt: skip


def kept(targets: Sequence[Target], left_out: Collection[str]) -> tuple[Target, ...]:
    """Targets without some; InputError for a name that is none of them, or if none is left."""
    names = [target.name for target in targets]
    for name in left_out:
        if name not in names:
            raise InputError(f"calibrate.leave_out: {name} is no target here{did_you_mean(name, names)}")
    left = tuple(target for target in targets if target.name not in left_out)
    if not left:
        raise InputError("calibrate.leave_out: leaves no target; keep at least one.")
    return left
