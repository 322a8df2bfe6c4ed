"""When a firm adopts: it must be sure enough, able to pay, and have its example.

Payback cut-offs and the heavier weight of first cost follow the audit literature
(Anderson & Newell 2004; Woodruff et al. 1997).
"""

from __future__ import annotations

import math
from typing import NamedTuple

from cpdiffusion.compiled import compiled


@compiled
def own_share(subsidy_rate: float, upfront_share: float) -> float:
    """Share of the investment that the firm pays at once, after subsidy and with a provider's help."""
    return (1.0 - subsidy_rate) * upfront_share


@compiled
def log_cost(cost_share: float, first_cost_weight: float) -> float:
    """Log cost as the firm feels it; first cost weighs more than savings. Free is -inf."""
    if cost_share <= 0.0:
        return -math.inf
    return first_cost_weight * math.log(cost_share)


@compiled
def log_hurdle(benefit_horizon_years: float, accepted_payback_years: float) -> float:
    """Log of the return over the horizon that the longest accepted payback asks for."""
    return math.log(benefit_horizon_years / accepted_payback_years)


@compiled
def net_advantage(
    mean: float, variance: float, terms: float, log_cost_share: float, log_hurdle_return: float
) -> float:
    """How many standard deviations the expected log return lies above cost and hurdle."""
    return (mean + terms - log_cost_share - log_hurdle_return) / math.sqrt(variance)


@compiled
def is_sure_enough(advantage: float, required_advantage: float) -> bool:
    """Phi(z) >= theta, compared on the z scale: required_advantage is Phi^-1(theta)."""
    return advantage >= required_advantage


@compiled
def can_finance(liquidity_mkrw: float, capital_need_mkrw: float, own_share: float) -> bool:
    """Whether the firm's own share of the investment is within its means."""
    return own_share * capital_need_mkrw <= liquidity_mkrw


@compiled
def lacks_example(results_seen: int, is_supported: bool) -> bool:
    """A firm that waits for an example needs one peer's result, or support."""
    return results_seen == 0 and not is_supported


@compiled
def would_decide(waits_for_example: bool, results_seen: int, is_supported: bool) -> bool:
    """Whether a firm decides by what it believes, because it lacks no example."""
    return (not waits_for_example) | (not lacks_example(results_seen, is_supported))


class Offer(NamedTuple):
    """Terms under which a firm decides: its own, or those that policy offers it."""

    subsidy_rate: float
    hassle_cost_share: float
    own_share: float  # of the investment
    log_cost: float  # of own share and hassle
    log_benefit: float  # extra benefit terms


@compiled
def offer(
    subsidy_rate: float, upfront_share: float, hassle_cost_share: float, weight: float, log_benefit: float
) -> Offer:
    """The terms that follow from a subsidy, a hassle and extra benefits; first cost has ``weight``."""
    own = own_share(subsidy_rate, upfront_share)
    cost = log_cost(own + hassle_cost_share, weight)
    return Offer(subsidy_rate, hassle_cost_share, own, cost, log_benefit)
