"""Phase 5: new adopters invest, and what they gain is booked."""

from __future__ import annotations

import math

from cpdiffusion.behaviour import decision, returns
from cpdiffusion.compiled import inlined, merged
from cpdiffusion.engine.choice import by_measure, measure_column, take
from cpdiffusion.engine.decide import exchange_gain
from cpdiffusion.engine.setting import Columns, Rule
from cpdiffusion.engine.state import BEFORE, NEVER, Count, Flow, MeasureFlow, State
from cpdiffusion.engine.year import Year
from cpdiffusion.policy.programme import Programme
from cpdiffusion.terms import NO_PARTNER, Term


@inlined
def adopt(
    state: State, columns: Columns, rule: Rule, programme: Programme, subsidy_rate: float, now: int
) -> None:
    """New adopters invest and realise their return."""
    if columns.partner.size > 0:
        share_with_partners(state, columns, now)
    realise(state, columns, rule, programme, now)
    book(state, columns, subsidy_rate, now)
    state.counts[Count.REALISED] = state.counts[Count.ADOPTERS]


@inlined
def realise(state: State, columns: Columns, rule: Rule, programme: Programme, now: int) -> None:
    """The log return of new adopters."""
    adopters, log_return, diagnosed = state.adopters, state.log_return, state.diagnosed_quarter
    region, expected, year = columns.region, columns.expected_log_return, state.year
    enacted = state.counts[Count.ENACTED] > 0 and now != BEFORE
    mine, row = columns.terms, columns.term_row[now if enacted else 0]
    more, exchange = mine[row[Term.RETURN]], mine[row[Term.EXCHANGE]]
    partner, adoption = columns.partner, state.adoption_quarter
    for k in range(state.counts[Count.REALISED], state.counts[Count.ADOPTERS]):
        firm = adopters[k]
        log_return[firm] = returns.realised_log_return(
            expected[firm],
            year[region[firm], Year.LOG_RETURN],
            programme.skill_gain if diagnosed[firm] != NEVER else 0.0,
            rule.complementarity_log_return * adopting_share(state, columns, firm)
            if rule.complementarity_log_return > 0.0 else 0.0,
        )  # fmt: skip
        if enacted:
            log_return[firm] += more[firm]
            if partner.size > 0:
                log_return[firm] += exchange_gain(exchange, partner, adoption, firm)


@merged
def share_with_partners(state: State, columns: Columns, now: int) -> None:
    """Partners that adopted before gain from then on too; others think again.

    Partners that adopt now have no return yet, and gain when they realise it. What was revealed of
    a partner's result stays as it was.
    """
    adopters, adoption, log_return = state.adopters, state.adoption_quarter, state.log_return
    partners, gains = columns.partner, columns.terms[columns.term_row[now, Term.EXCHANGE]]
    for k in range(state.counts[Count.REALISED], state.counts[Count.ADOPTERS]):
        partner = partners[adopters[k]]
        if partner == NO_PARTNER:
            continue
        if adoption[partner] == NEVER:
            state.stirred[partner] |= decision.would_decide(
                columns.waits_for_example[partner], state.results_seen[partner],
                state.supported_quarter[partner] != NEVER,
            )  # fmt: skip
        elif not math.isnan(log_return[partner]):
            gain = math.expm1(gains[partner])
            direct = gain * (columns.benefit_base_mkrw[partner] * math.exp(log_return[partner]))
            state.flow[columns.region[partner], now, Flow.DIRECT] += direct
            if by_measure(state):
                column = measure_column(partner // state.taken.size, MeasureFlow.DIRECT)
                state.flow[columns.region[partner], now, column] += direct


@merged
def adopting_share(state: State, columns: Columns, firm: int) -> float:
    """Share of the firm's ties to others that lead to adopters."""
    target, adoption, firms = columns.target, state.adoption_quarter, state.waiting_list.size
    adopting, others = 0, 0
    for tie in range(columns.start[firm], columns.start[firm + 1]):
        is_other = target[tie] % firms != firm % firms
        others += is_other
        adopting += is_other & (adoption[target[tie]] != NEVER)
    return adopting / others if others > 0 else 0.0


@inlined
def book(state: State, columns: Columns, subsidy_rate: float, now: int) -> None:
    """What new adopters invest and gain (million KRW), by region."""
    adopters, log_return, supported = state.adopters, state.log_return, state.supported_quarter
    region, capital, base = columns.region, columns.capital_need_mkrw, columns.benefit_base_mkrw
    choosing, taken, year = by_measure(state), state.taken, state.year
    flow, enacted, mine = state.flow, state.counts[Count.ENACTED] > 0, columns.terms
    row = columns.term_row[now if enacted else 0]
    paid_share, own_share = mine[row[Term.SUBSIDY]], mine[row[Term.CAPITAL]]
    for k in range(state.counts[Count.REALISED], state.counts[Count.ADOPTERS]):
        firm = adopters[k]
        r, investment = region[firm], capital[firm]
        subsidy = subsidy_rate * investment
        others = 0.0
        if enacted:
            paid = paid_share[firm] * investment
            provided = (1.0 - own_share[firm]) * (investment - subsidy - paid)
            flow[r, now, Flow.INSTRUMENT_SUBSIDY] += paid
            flow[r, now, Flow.PROVIDER_INVESTMENT] += provided
            others = paid + provided
        direct = base[firm] * math.exp(log_return[firm])
        is_new, with_support = True, supported[firm] != NEVER
        if choosing:
            is_new, with_support = take(taken, firm, with_support)
            measure = firm // taken.size
            flow[r, now, measure_column(measure, MeasureFlow.ADOPTERS)] += 1.0
            flow[r, now, measure_column(measure, MeasureFlow.INVESTMENT)] += investment
            flow[r, now, measure_column(measure, MeasureFlow.DIRECT)] += direct
        flow[r, now, Flow.ADOPTERS] += is_new
        flow[r, now, Flow.SUBSIDY] += subsidy
        flow[r, now, Flow.PRIVATE_INVESTMENT] += investment - subsidy - others
        flow[r, now, Flow.DIRECT] += direct
        flow[r, now, Flow.INDIRECT] += year[r, Year.INDIRECT] * investment
        flow[r, now, Flow.ENVIRONMENTAL] += year[r, Year.ENVIRONMENTAL] * investment
        if supported[firm] != NEVER:
            flow[r, now, Flow.SUPPORTED_ADOPTERS] += with_support
            flow[r, now, Flow.PROGRAMME_INVESTMENT] += investment
            flow[r, now, Flow.PROGRAMME_DIRECT] += direct
