"""What stays fixed during a run: the world and the rule as plain columns and constants."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cpdiffusion.behaviour import decision, learning, returns
from cpdiffusion.behaviour.classic import Behaviour
from cpdiffusion.compiled import compiled
from cpdiffusion.parameters import BY_NAME, Parameters
from cpdiffusion.policy.programme import Programme
from cpdiffusion.terms import NO_TERMS, Terms
from cpdiffusion.units import quarterly_probability
from cpdiffusion.world.firms import Firms, Flags, Floats, Ints, normal_quantiles
from cpdiffusion.world.ties import LAYERS, Ties
from cpdiffusion.world.world import World


class Rule(NamedTuple):
    """Constants of the rule; those that bear a parameter's name are that parameter."""

    behaviour: int  # of behaviour.classic.Behaviour
    prior_precision: float
    prior_weighted_sum: float
    firm_variance: float
    region_year_log_return_sd: float
    reveal_lag_quarters: int
    cohort_precision_alike: float  # of a cohort member's result, same sector
    cohort_precision_unlike: float
    cohort_exchanges_per_quarter: int
    published_visibility: float
    published_noise_variance: float
    review_rate_per_quarter: float
    act_anyway_probability: float
    hassle_cost_share: float
    first_cost_weight: float
    complementarity_log_return: float
    indirect_zero_share: float
    indirect_log_ratio: float
    indirect_log_ratio_sd: float
    environmental_zero_share: float
    environmental_log_ratio: float
    environmental_log_ratio_sd: float
    bass_innovation_per_quarter: float
    bass_imitation_per_quarter: float
    cascade_probability: float


class Columns(NamedTuple):
    """What the engine reads of N firms and M ties; with a choice among measures see ``State``."""

    region: Ints  # (N,)
    sector: Ints  # (N,)
    capital_need_mkrw: Floats  # (N,)
    benefit_base_mkrw: Floats  # (N,) direct benefit at a log return of 0
    liquidity_mkrw: Floats  # (N,)
    waits_for_example: Flags  # (N,)
    expected_log_return: Floats  # (N,) before luck, advice and neighbours
    log_hurdle: Floats  # (N,)
    required_advantage: Floats  # (N,) Phi^-1(required confidence)
    accident_probability: Floats  # (N,) per quarter
    is_early_adopter: Flags  # (N,) has adopted before the first quarter
    threshold: Floats  # (N,) share of influencers
    influencers: Ints  # (N,)
    start: NDArray[np.int64]  # (N+1,)
    target: Ints  # (M,)
    precision: Floats  # (M,) that a result adds to the target's belief
    weight: Floats  # (M,)
    terms: Floats  # (U, N) what instruments contribute, see Terms.rows
    term_row: NDArray[np.int64]  # (Q, len(Term))
    partner: Ints  # (N,) with whom a firm can exchange by-products
    regions: int


class Setting(NamedTuple):
    """Everything that a run reads and never writes."""

    columns: Columns
    rule: Rule
    programme: Programme
    terms: Terms = NO_TERMS


def setting_of(columns: Columns, rule: Rule, programme: Programme, terms: Terms = NO_TERMS) -> Setting:
    """A setting with the terms that instruments contribute."""
    held = columns._replace(terms=terms.rows, term_row=terms.row, partner=terms.partner)
    return Setting(held, rule, programme, terms)


@compiled
def block_of(setting: Setting, block: int, rows: int) -> Setting:
    """The setting of one block of so many rows; ties are looked up where they are.

    Terms of instruments are not cut: they hold for a single world only.
    """
    c, a, b = setting.columns, block * rows, (block + 1) * rows
    columns = Columns(
        c.region[a:b], c.sector[a:b], c.capital_need_mkrw[a:b], c.benefit_base_mkrw[a:b],
        c.liquidity_mkrw[a:b], c.waits_for_example[a:b], c.expected_log_return[a:b], c.log_hurdle[a:b],
        c.required_advantage[a:b], c.accident_probability[a:b], c.is_early_adopter[a:b], c.threshold[a:b],
        c.influencers[a:b], c.start[a : b + 1], c.target, c.precision, c.weight,
        c.terms, c.term_row, c.partner, c.regions,
    )  # fmt: skip
    return Setting(columns, setting.rule, setting.programme, setting.terms)


def rule_of(p: Parameters, behaviour: Behaviour = Behaviour.PEER_BENEFIT) -> Rule:
    """The rule's constants under parameters ``p``."""
    precision = p.prior_log_return_sd**-2
    firm_variance = p.firm_log_return_sd**2
    cohort = [
        learning.observation_precision(
            p.cohort_visibility, learning.similarity(alike, p.cross_sector_similarity),
            firm_variance, p.cohort_noise_sd**2,
        )
        for alike in (True, False)
    ]  # fmt: skip
    derived = {
        "behaviour": int(behaviour),
        "prior_precision": precision,
        "prior_weighted_sum": precision * p.prior_mean_log_return,
        "firm_variance": firm_variance,
        "cohort_precision_alike": cohort[0],
        "cohort_precision_unlike": cohort[1],
        "published_noise_variance": p.published_noise_sd**2,
    }
    given = {name: whole_or_not(name, p) for name in Rule._fields if name not in derived}
    return Rule(**derived, **given)  # type: ignore[arg-type]


def whole_or_not(name: str, p: Parameters) -> float:
    """A parameter as the kind of number that it counts in."""
    return int(p[name]) if BY_NAME[name].whole else p[name]


def columns_of(world: World, p: Parameters, regional_mean: Floats) -> Columns:
    """The engine's columns; ``regional_mean`` is the mean log return of each region, shape (R,)."""
    firms, ties = world.firms, world.ties
    visibility = np.array([p[f"{layer}_visibility"] for layer in LAYERS])
    noise_variance = np.array([p[f"{layer}_noise_sd"] for layer in LAYERS]) ** 2
    return Columns(
        region=firms.region,
        sector=firms.sector,
        capital_need_mkrw=firms.capital_need_mkrw,
        benefit_base_mkrw=firms.capital_need_mkrw,
        liquidity_mkrw=firms.liquidity_mkrw,
        waits_for_example=firms.waits_for_example,
        expected_log_return=expected_log_returns(
            firms, regional_mean, p.investment_elasticity, p.capital_need_mean_mkrw
        ),
        log_hurdle=log_hurdles(firms.accepted_payback_years, p.benefit_horizon_years),
        required_advantage=normal_quantiles(firms.required_confidence),
        accident_probability=accident_probabilities(firms, p),
        is_early_adopter=firms.seed,
        threshold=firms.threshold,
        influencers=np.bincount(ties.target, minlength=world.size).astype(np.int32),
        start=ties.start,
        target=ties.target,
        precision=tie_precisions(
            ties, firms.sector, visibility, noise_variance,
            p.firm_log_return_sd**2, p.cross_sector_similarity,
        ),
        weight=ties.weight,
        terms=NO_TERMS.rows,
        term_row=NO_TERMS.row,
        partner=NO_TERMS.partner,
        regions=len(world.regions),
    )  # fmt: skip


@compiled
def expected_log_returns(
    firms: Firms, regional_mean: Floats, elasticity: float, mean_investment_mkrw: float
) -> Floats:
    """Each firm's log return before luck, advice and neighbours, shape (N,)."""
    expected = np.empty(firms.region.size)
    for firm in range(expected.size):
        expected[firm] = returns.expected_log_return(
            regional_mean[firms.region[firm]], firms.potential_log_return[firm],
            elasticity, firms.capital_need_mkrw[firm] / mean_investment_mkrw,
        )  # fmt: skip
    return expected


@compiled
def log_hurdles(accepted_payback_years: Floats, benefit_horizon_years: float) -> Floats:
    """Each firm's log hurdle, shape (N,)."""
    hurdle = np.empty(accepted_payback_years.size)
    for firm in range(hurdle.size):
        hurdle[firm] = decision.log_hurdle(benefit_horizon_years, accepted_payback_years[firm])
    return hurdle


@compiled
def tie_precisions(
    ties: Ties,
    sector: Ints,
    visibility: Floats,
    noise_variance: Floats,
    firm_variance: float,
    cross_sector_similarity: float,
) -> Floats:
    """Precision that a result adds along each tie, shape (M,)."""
    precision = np.empty(ties.target.size)
    for source in range(sector.size):
        for k in range(ties.start[source], ties.start[source + 1]):
            layer = ties.layer[k]
            alike = sector[source] == sector[ties.target[k]]
            precision[k] = learning.observation_precision(
                ties.weight[k] * visibility[layer],
                learning.similarity(alike, cross_sector_similarity),
                firm_variance, noise_variance[layer],
            )  # fmt: skip
    return precision


def accident_probabilities(firms: Firms, p: Parameters) -> Floats:
    """Chance of at least one accident in a quarter, shape (N,)."""
    by_class = p.accident_rate_per_worker_year * p.hazard_class_ratio ** np.array([-1.0, 0.0, 1.0])
    return quarterly_probability(by_class[firms.hazard_class] * firms.employees)
