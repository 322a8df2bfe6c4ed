"""The programme in figures: what support costs, whom it takes first, what it gives."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cpdiffusion.behaviour import returns
from cpdiffusion.parameters import Parameters
from cpdiffusion.policy.design import ALONE, Design
from cpdiffusion.units import quarters
from cpdiffusion.world.firms import Floats

WIDENING_ROOM = 64  # firms by which a last cohort may outgrow its size to use up the money


class Programme(NamedTuple):
    """A design as the engine reads it; the same in every region, each with its own purse."""

    budget_mkrw_per_year: float
    first_quarter: int  # of the first budget year
    last_year_quarter: int  # first quarter of the last budget year
    batch: int
    advice_cost_mkrw: Floats  # (K,) public cost of advising a batch of k firms, k = 0 .. K-1
    cheapest_mkrw: float  # no firm's support costs less than this
    learning_group: int
    publishes: bool
    subsidy_rate: float
    signal_variance: float  # of a diagnosis
    skill_gain: float  # of the realised log return
    log_benefit: float  # term in the decision of supported firms
    hassle_factor: float  # of the hassle, for supported firms
    hazard_factor: float  # of the accident probability, in diagnosed firms
    capacity_per_quarter: float
    dropout_per_quarter: float  # of firms that wait for their diagnosis


def programme_of(design: Design, p: Parameters) -> Programme:
    """The figures of a design under parameters ``p``."""
    first = quarters(design.first_year - 1)
    costs = advice_costs(design, p)
    safety = design.integrated_safety
    return Programme(
        budget_mkrw_per_year=design.budget_mkrw_per_year if design.programme_years else 0.0,
        first_quarter=first,
        last_year_quarter=first + quarters(max(design.programme_years - 1, 0)),
        batch=design.batch,
        advice_cost_mkrw=costs,
        cheapest_mkrw=float(min(costs[1:].min(), np.diff(costs).min())),
        learning_group=design.learning_group,
        publishes=design.publishes,
        subsidy_rate=design.subsidy_rate,
        signal_variance=p.diagnosis_noise_sd**2 / design.adviser_skill,
        skill_gain=returns.adviser_gain(design.adviser_skill, p.skill_log_return_gain),
        log_benefit=safety * p.safety_log_benefit,
        hassle_factor=1.0 - safety * p.safety_hassle_reduction,
        hazard_factor=1.0 - safety * p.safety_hazard_reduction,
        capacity_per_quarter=design.adviser_capacity_firms_per_quarter,
        dropout_per_quarter=p.queue_dropout_per_quarter,
    )


def advice_costs(design: Design, p: Parameters) -> Floats:
    """Public cost (million KRW) of advising a batch of 0, 1, 2 ... firms, shape (K,).

    A whole cohort of n costs F + c1 n + c2 n (n - 1) / 2, a firm alone costs its own price. In a
    mixture of designs each group keeps its proportion to the batch: half a batch, half a group.
    """
    members = np.arange(design.batch + (WIDENING_ROOM if design.batch > ALONE else 1))
    share = members / design.batch
    advice = shared_advice_per_firm(group_sizes(design.cost_group, share), p)
    partners = group_sizes(design.coordination_group, share) - 1.0
    per_firm = advice + 0.5 * p.coordination_cost_per_pair_mkrw * partners
    safety = 1.0 + design.integrated_safety * p.safety_advice_cost_share
    return members * per_firm * safety


def group_sizes(group: int, share: Floats) -> Floats:
    """Size of a group in batches of other sizes, in proportion; firms alone stay alone."""
    return np.maximum(group * share, 1.0) if group > ALONE else np.ones(share.size)


def shared_advice_per_firm(group: Floats, p: Parameters) -> Floats:
    """Advice cost per firm in groups of the given sizes (million KRW)."""
    together = p.cohort_fixed_cost_mkrw / group + p.cohort_cost_per_firm_mkrw
    return np.where(group > ALONE, together, p.individual_advice_cost_mkrw)
