"""What all adopters of a region share in a year: luck with their returns, and what else came of it.

Side benefits belong here and not to the firm: Table 4 reports region-years of more than twenty firms
without any environmental benefit, which firms that each have their own chance could not bring about.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from cpdiffusion import draws
from cpdiffusion.behaviour import returns
from cpdiffusion.compiled import compiled, merged
from cpdiffusion.draws import Purpose
from cpdiffusion.engine.setting import Rule
from cpdiffusion.engine.state import State
from cpdiffusion.world.firms import Floats


class Year(IntEnum):
    """Columns of State.year."""

    LOG_RETURN = 0  # shock to the log return
    INDIRECT = 1  # indirect benefit per won invested
    ENVIRONMENTAL = 2  # environmental benefit per won invested


@merged
def begin_year(state: State, rule: Rule, year: int) -> None:
    """Draw what the regions' adopters of a year will share; the same under every policy."""
    seed = state.seed[0]
    draw_shocks(state.year, draws.stream(seed, Purpose.REGION_YEAR, year), rule.region_year_log_return_sd)
    draw_ratios(
        state.year[:, Year.INDIRECT], seed, Purpose.INDIRECT, year,
        rule.indirect_zero_share, rule.indirect_log_ratio, rule.indirect_log_ratio_sd,
    )  # fmt: skip
    draw_ratios(
        state.year[:, Year.ENVIRONMENTAL], seed, Purpose.ENVIRONMENTAL, year,
        rule.environmental_zero_share, rule.environmental_log_ratio, rule.environmental_log_ratio_sd,
    )  # fmt: skip


@compiled
def draw_shocks(shared: Floats, key: np.uint64, sd: float) -> None:
    """Shock to the log return of each region, into (R, len(Year))."""
    for region in range(shared.shape[0]):
        shared[region, Year.LOG_RETURN] = sd * draws.standard_normal(key, region)


@compiled
def draw_ratios(
    ratio: Floats, seed: np.uint64, purpose: int, year: int,
    zero_share: float, log_ratio: float, log_ratio_sd: float,
) -> None:  # fmt: skip
    """Side benefit per won invested in each region, into (R,)."""
    whether, how_much = draws.stream(seed, purpose, 2 * year), draws.stream(seed, purpose, 2 * year + 1)
    for region in range(ratio.size):
        draw, normal = draws.uniform(whether, region), draws.standard_normal(how_much, region)
        ratio[region] = returns.side_benefit_ratio(zero_share, log_ratio, log_ratio_sd, draw, normal)
