"""The rule beside what audited plants did: does adoption fall with payback as it did there?

Of single measures most of what happens is not a matter of payback: some are done whatever they
return and some are not done however good they are. So the rule is asked for the shape of the fall only:

    rate(payback) = anyway + weighed · (share of firms that the rule says would adopt at this payback)

with the two shares of plants, not below 0 and together not above 1, fitted by weighted least squares.
"""

from __future__ import annotations

import math

import numpy as np

from cpdiffusion.behaviour import decision, learning
from cpdiffusion.calibration.observations import Floats
from cpdiffusion.compiled import compiled
from cpdiffusion.engine.setting import Columns, Rule
from cpdiffusion.evidence.audits import audited
from cpdiffusion.policy.programme import Programme

FIRMS_ASKED = 1000


def misfit_to_audits(columns: Columns, rule: Rule, programme: Programme, horizon_years: float) -> float:
    """Root mean square over classes of payback of rate observed less rate fitted."""
    classes = audited()
    log_returns = np.array([math.log(horizon_years / one.payback_years) for one in classes])
    own_cost = decision.offer(0.0, 1.0, rule.hassle_cost_share, rule.first_cost_weight, 0.0).log_cost
    shares = would_adopt(
        columns.log_hurdle[:FIRMS_ASKED], columns.required_advantage[:FIRMS_ASKED], log_returns,
        rule.prior_precision, rule.prior_weighted_sum, rule.firm_variance,
        programme.signal_variance, own_cost,
    )  # fmt: skip
    rates = np.array([one.rate for one in classes])
    weights = np.array([one.recommendations for one in classes], float)
    return shape_misfit(shares, rates, weights / weights.sum())


@compiled
def would_adopt(
    log_hurdle: Floats, required: Floats, log_returns: Floats, precision: float, weighted_sum: float,
    firm_variance: float, signal_variance: float, log_cost: float,
) -> Floats:  # fmt: skip
    """Share of firms (N,) that a report of each log return (K,) persuades, with no peer's result known."""
    prior, variance = learning.predicted_return(precision, weighted_sum, firm_variance)
    shares = np.zeros(log_returns.size)
    for k in range(log_returns.size):
        mean, left = learning.after_diagnosis(prior, variance, log_returns[k], signal_variance)
        for firm in range(log_hurdle.size):
            advantage = decision.net_advantage(mean, left, 0.0, log_cost, log_hurdle[firm])
            shares[k] += decision.is_sure_enough(advantage, required[firm])
    return shares / log_hurdle.size


def shape_misfit(shares: Floats, rates: Floats, weights: Floats) -> float:
    """Weighted root mean square distance of ``rates`` (K,) from the nearest anyway + weighed · shares.

    The best pair lies inside the triangle of possible pairs or on one of its edges, so each is tried.
    """
    mean_share, mean_rate = float(weights @ shares), float(weights @ rates)
    spread = float(weights @ (shares - mean_share) ** 2)
    slope = float(weights @ ((shares - mean_share) * (rates - mean_rate)) / spread) if spread > 0 else 0.0
    pairs = [(mean_rate - slope * mean_share, slope)]
    if not _possible(*pairs[0]):
        pairs = [
            (mean_rate, 0.0),
            (0.0, _edge(shares, rates, weights)),
            _all_weigh_or_act(shares, rates, weights),
        ]
    distances = [float(weights @ (rates - a - w * shares) ** 2) for a, w in pairs if _possible(a, w)]
    return math.sqrt(min(distances))


def _possible(anyway: float, weighed: float) -> bool:
    return anyway >= 0.0 and weighed >= 0.0 and anyway + weighed <= 1.0


def _edge(shares: Floats, rates: Floats, weights: Floats) -> float:
    """Best share that weighs if nobody acts anyway."""
    squares = float(weights @ shares**2)
    return min(1.0, float(weights @ (shares * rates)) / squares) if squares > 0 else 0.0


def _all_weigh_or_act(shares: Floats, rates: Floats, weights: Floats) -> tuple[float, float]:
    """Best pair if nobody is closed to every measure."""
    squares = float(weights @ (1.0 - shares) ** 2)
    weighed = float(weights @ ((1.0 - shares) * (1.0 - rates))) / squares if squares > 0 else 1.0
    weighed = min(max(weighed, 0.0), 1.0)
    return 1.0 - weighed, weighed
