"""What an adopter gets: the realised log return and the benefits that follow from it."""

from __future__ import annotations

import math

from cpdiffusion.compiled import compiled


@compiled
def expected_log_return(
    regional_mean: float, potential: float, elasticity: float, relative_investment: float
) -> float:
    """The firm's own log return before the year's luck: larger packages return less per won."""
    return regional_mean + potential - elasticity * math.log(relative_investment)


@compiled
def realised_log_return(
    expected: float, region_year_shock: float, skill_gain: float, complementarity_gain: float
) -> float:
    """Expected log return, the region-year's shock, what advice and neighbours add."""
    return expected + region_year_shock + skill_gain + complementarity_gain


@compiled
def adviser_gain(adviser_skill: float, gain_per_skill: float) -> float:
    """Log return that advice adds when advisers are better than the reference (skill 1)."""
    return gain_per_skill * (adviser_skill - 1.0)


@compiled
def side_benefit_ratio(
    zero_share: float, log_ratio_mean: float, log_ratio_sd: float, draw: float, normal: float
) -> float:
    """Indirect or environmental benefit per won invested: often none, else log-normal."""
    if draw < zero_share:
        return 0.0
    return math.exp(log_ratio_mean + log_ratio_sd * normal)
