"""Phase 4: firms that review their investments apply the rule."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cpdiffusion import draws
from cpdiffusion.behaviour import decision, learning
from cpdiffusion.compiled import compiled, inlined, merged
from cpdiffusion.draws import Purpose
from cpdiffusion.engine.choice import by_measure, next_open
from cpdiffusion.engine.intake import PENNY, reserve
from cpdiffusion.engine.patience import awaits_diagnosis
from cpdiffusion.engine.setting import Columns, Rule
from cpdiffusion.engine.state import NEVER, Count, State
from cpdiffusion.policy.programme import Programme
from cpdiffusion.terms import NO_PARTNER, Term
from cpdiffusion.world.firms import Flags, Floats, Ints

Rows = NDArray[np.int64]


@inlined
def decide_at_reviews(state: State, columns: Columns, rule: Rule, programme: Programme, now: int) -> None:
    """Firms whose own calendar says so review; the calendar is the same under every policy.

    Who acts anyway takes the package, or the first measure that it has not taken.
    """
    n = reviewing(state, rule, now)
    review = draws.stream(state.seed[0], Purpose.REVIEW, now)
    acts_below = rule.review_rate_per_quarter * rule.act_anyway_probability
    terms = decision.offer(0.0, 1.0, rule.hassle_cost_share, rule.first_cost_weight, 0.0)
    weigh(state, columns, rule, programme, n, terms, False, now)
    candidates, willing, stirred = state.candidates, state.willing, state.stirred
    choosing, adoption, firms = by_measure(state), state.adoption_quarter, state.waiting_list.size
    for k in range(n):
        row = candidates[k]
        firm = row % firms if choosing else row
        acts = draws.uniform(review, firm) < acts_below
        willing[k] |= acts and (not choosing or row == next_open(adoption, firm, firms))
        stirred[row] = False
    go_ahead(state, columns, programme, n, now)


@merged
def go_ahead(state: State, columns: Columns, programme: Programme, n: int, now: int) -> None:
    """The willing among the first ``n`` candidates decide to adopt; ``adopt`` realises it.

    Where an offer was still to come, what was set aside for it is given back.
    """
    candidates, willing, adoption, adopters = (
        state.candidates, state.willing, state.adoption_quarter, state.adopters)  # fmt: skip
    supported, diagnosed, purse = state.supported_quarter, state.diagnosed_quarter, state.purse_mkrw
    region, capital, last = columns.region, columns.capital_need_mkrw, state.counts[Count.ADOPTERS]
    signal, stirred = state.signal, state.stirred
    for k in range(n):
        firm = candidates[k]
        if willing[k]:
            if supported[firm] != NEVER and awaits_diagnosis(diagnosed[firm], NEVER, signal[firm]):
                purse[region[firm]] += reserve(programme.subsidy_rate, capital[firm])
            adoption[firm] = now
            stirred[firm] = False
            adopters[last] = firm
            last += 1
    state.counts[Count.ADOPTERS] = last


@merged
def reviewing(state: State, rule: Rule, now: int) -> int:
    """List the undecided firms that review and may come to another decision; their number.

    A firm that declined declines again until it has learned something new, so it need not be
    asked. Acting anyway takes the lowest part of the review's own draw, which is uniform there.
    """
    review = draws.stream(state.seed[0], Purpose.REVIEW, now)
    stirred, flags = state.stirred, state.flags
    reviews_below = rule.review_rate_per_quarter
    acts_below = reviews_below * rule.act_anyway_probability
    firms = state.waiting_list.size
    for first in range(0, flags.size, firms):  # a firm reviews all its measures together
        these = slice(first, first + firms)
        mark_open_minded(flags[these], stirred[these], review, reviews_below, acts_below)
    return keep_undecided(state.candidates, list_flagged(flags, state.candidates), state.adoption_quarter)


@compiled
def mark_open_minded(
    flags: Flags, stirred: Flags, review: np.uint64, reviews_below: float, acts_below: float
) -> None:
    """Flag the firms that review and have learned something, or act anyway."""
    for firm in range(flags.size):
        draw = draws.uniform(review, firm)
        flags[firm] = ((draw < reviews_below) & stirred[firm]) | (draw < acts_below)


@compiled
def keep_undecided(candidates: Ints, n: int, adoption_quarter: Ints) -> int:
    """Close up the first ``n`` candidates without adopters; their number. Few are, so few are looked at."""
    kept = 0
    for k in range(n):
        candidates[kept] = candidates[k]
        kept += adoption_quarter[candidates[k]] == NEVER
    return kept


@compiled
def list_flagged(flags: Flags, listed: Ints) -> int:
    """Write the rows whose flag is set into ``listed``; their number. No branch, so no stall."""
    n = 0
    for row in range(flags.size):
        listed[n] = row
        n += flags[row]
    return n


@merged
def weigh(
    state: State, columns: Columns, rule: Rule, programme: Programme, n: int, terms: decision.Offer,
    offered: bool, now: int,
) -> None:  # fmt: skip
    """Whether each of the first ``n`` candidates adopts under its terms, those of an offer or its own.

    A column is read where it decides, and not before: among many firms each look waits for memory.
    """
    candidates, willing, seen = state.candidates, state.willing, state.results_seen
    precision, weighted_sum, signal = state.precision, state.weighted_sum, state.signal
    diagnosed, supported = state.diagnosed_quarter, state.supported_quarter
    waits, hurdle, required = columns.waits_for_example, columns.log_hurdle, columns.required_advantage
    liquidity, capital = columns.liquidity_mkrw, columns.capital_need_mkrw
    enacted, mine, partner, adoption = (
        state.counts[Count.ENACTED] > 0, columns.terms, columns.partner, state.adoption_quarter)  # fmt: skip
    row = columns.term_row[now if enacted else 0]
    gain, own_cost, exchange = mine[row[Term.GAIN]], mine[row[Term.LOG_COST]], mine[row[Term.EXCHANGE]]
    choosing, spent, firms = by_measure(state), state.spent_mkrw, state.waiting_list.size
    for k in range(n):
        firm = candidates[k]
        willing[k] = False
        if waits[firm] and decision.lacks_example(seen[firm], supported[firm] != NEVER):
            continue
        mean, variance = learning.predicted_return(precision[firm], weighted_sum[firm], rule.firm_variance)
        if diagnosed[firm] != NEVER:
            mean, variance = learning.after_diagnosis(mean, variance, signal[firm], programme.signal_variance)
        cost, benefit = terms.log_cost, terms.log_benefit
        if enacted:
            benefit += gain[firm]
            if partner.size > 0 and partner[firm] != NO_PARTNER:  # few have one, so few calls
                benefit += exchange_gain(exchange, partner, adoption, firm)
            cost = own_cost[firm]
            if offered:
                cost = enacted_cost(mine, row, firm, terms, rule.first_cost_weight)
        advantage = decision.net_advantage(mean, variance, benefit, cost, hurdle[firm])
        if decision.is_sure_enough(advantage, required[firm]):
            share = enacted_share(mine, row, firm, terms.subsidy_rate) if enacted else terms.own_share
            means = liquidity[firm] - spent[firm % firms] + PENNY if choosing else liquidity[firm]
            willing[k] = decision.can_finance(means, capital[firm], share)
            if choosing and willing[k]:
                spent[firm % firms] += share * capital[firm]


@compiled
def enacted_share(mine: Floats, row: Rows, firm: int, subsidy_rate: float) -> float:
    """Share of the investment that the firm pays at once, after what instruments contribute."""
    paid = subsidy_rate + mine[row[Term.SUBSIDY], firm]
    return decision.own_share(paid, mine[row[Term.CAPITAL], firm])


@compiled
def enacted_cost(mine: Floats, row: Rows, firm: int, terms: decision.Offer, weight: float) -> float:
    """Log cost of an offer with what instruments take off it."""
    hassle = terms.hassle_cost_share * mine[row[Term.HASSLE], firm]
    return decision.log_cost(enacted_share(mine, row, firm, terms.subsidy_rate) + hassle, weight)


@compiled
def exchange_gain(gain: Floats, partner: Ints, adoption: Ints, firm: int) -> float:
    """Log return that exchange with a partner brings, once the partner has adopted."""
    exchanges = partner[firm] != NO_PARTNER and adoption[partner[firm]] != NEVER
    return gain[firm] if exchanges else 0.0
