"""Phase 1: results whose lag has passed become known, and beliefs move."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cpdiffusion.behaviour import decision, learning
from cpdiffusion.compiled import compiled, inlined, merged
from cpdiffusion.engine.setting import Columns, Rule
from cpdiffusion.engine.state import NEVER, NOBODY, Count, State
from cpdiffusion.policy.programme import Programme
from cpdiffusion.terms import Terms
from cpdiffusion.units import QUARTERS_PER_YEAR
from cpdiffusion.world.firms import Flags, Floats, Ints


@inlined
def reveal(state: State, columns: Columns, rule: Rule, programme: Programme, terms: Terms, now: int) -> None:
    """Results whose lag has passed become visible: to neighbours, cohort members, the region."""
    due = now - rule.reveal_lag_quarters
    if programme.publishes:
        publish(state, columns, rule, due, now)
    show_neighbours(state, columns, due)
    if programme.learning_group > 1:
        note_cohort_results(state, due)
        exchange_in_cohorts(state, columns, rule, terms.meets, terms.start, terms.target)


@compiled
def learn(
    precision: Floats, weighted_sum: Floats, firm: int, added_precision: float, log_return: float
) -> None:
    """One observed log return enters a firm's belief."""
    precision[firm] += added_precision
    weighted_sum[firm] += added_precision * log_return


@merged
def show_neighbours(state: State, columns: Columns, due: int) -> None:
    """Undecided neighbours learn the results that are due; cohort members learn them there."""
    start, target, tie_precision = columns.start, columns.target, columns.precision
    adoption, adopters, cohort = state.adoption_quarter, state.adopters, state.cohort
    precision, weighted_sum, stirred = state.precision, state.weighted_sum, state.stirred
    log_return, seen, informant = state.log_return, state.results_seen, state.informant
    k, end = state.counts[Count.REVEALED], state.counts[Count.ADOPTERS]
    while k < end and adoption[adopters[k]] <= due:
        firm = adopters[k]
        for tie in range(start[firm], start[firm + 1]):
            peer = target[tie]
            together = cohort[firm] != NOBODY and cohort[peer] == cohort[firm]
            if adoption[peer] == NEVER and not together:
                learn(precision, weighted_sum, peer, tie_precision[tie], log_return[firm])
                stirred[peer] = True
                if tie_precision[tie] > 0.0:
                    seen[peer] += 1
                    informant[peer] = firm
        k += 1
    state.counts[Count.REVEALED] = k


@merged
def note_cohort_results(state: State, due: int) -> None:
    """The results of cohort members that are due, in order of support, which is a lot."""
    supported, adoption, cohort = state.supported, state.adoption_quarter, state.cohort
    last_result, next_result = state.last_result, state.next_result
    for k in range(state.counts[Count.SUPPORTED]):
        firm = supported[k]
        if adoption[firm] == due:
            add_result(last_result, next_result, cohort[firm], firm)


@compiled
def add_result(last_result: Ints, next_result: Ints, cohort: int, firm: int) -> None:
    """Put a result at the end of its cohort's ring."""
    last = last_result[cohort]
    next_result[firm] = firm if last == NOBODY else next_result[last]
    if last != NOBODY:
        next_result[last] = firm
    last_result[cohort] = firm


@merged
def exchange_in_cohorts(
    state: State, columns: Columns, rule: Rule, meets: Flags, start: NDArray[np.int64], met: Ints
) -> None:
    """Each undecided member takes in the next results of its cohort, a few per quarter."""
    supported, adoption, cohort, read = (
        state.supported, state.adoption_quarter, state.cohort, state.cohort_read)  # fmt: skip
    precision, weighted_sum, log_return = state.precision, state.weighted_sum, state.log_return
    last_result, next_result, at_most = (
        state.last_result, state.next_result, rule.cohort_exchanges_per_quarter)  # fmt: skip
    sector, since = columns.sector, state.supported_quarter
    for k in range(state.counts[Count.SUPPORTED]):
        firm, taken = supported[k], 0
        if adoption[firm] != NEVER:
            continue
        last = last_result[cohort[firm]]
        while read[firm] != last and taken < at_most:
            peer = next_result[last if read[firm] == NOBODY else read[firm]]
            read[firm] = peer
            due = adoption[peer] + rule.reveal_lag_quarters
            before = due <= since[firm]  # joined later: heard of it as a neighbour, or at a table
            known_already = before and (
                are_tied(columns.start, columns.target, peer, firm)
                or (met_between(meets, due, since[firm]) and are_tied(start, met, peer, firm))
            )
            if not known_already:
                alike = sector[peer] == sector[firm]
                added = rule.cohort_precision_alike if alike else rule.cohort_precision_unlike
                learn(precision, weighted_sum, firm, added, log_return[peer])
                state.stirred[firm] = True
                if added > 0.0:
                    state.results_seen[firm] += 1
                    state.informant[firm] = peer
                taken += 1


@compiled
def are_tied(start: NDArray[np.int64], target: Ints, source: int, firm: int) -> bool:
    """Whether a tie leads from one firm to the other."""
    tie, end = start[source], start[source + 1]
    while tie < end and target[tie] != firm:
        tie += 1
    return tie < end


@compiled
def met_between(meets: Flags, due: int, joined: int) -> bool:
    """Whether there was a meeting after a result was due and before the firm joined."""
    quarter, end = max(due, -1) + 1, min(joined + 1, meets.size)
    while quarter < end and not meets[quarter]:
        quarter += 1
    return quarter < end


@merged
def publish(state: State, columns: Columns, rule: Rule, due: int, now: int) -> None:
    """Once a year each region hears the average of the programme's new results, as one result."""
    if now % QUARTERS_PER_YEAR != 0:
        return
    for region in range(columns.regions):
        average, results = new_results(state, columns, region, due)
        if results > 0:
            noise = rule.published_noise_variance
            precision = learning.observation_precision(
                rule.published_visibility, 1.0, rule.firm_variance / results, noise
            )
            spread_average(state, columns, region, precision, average)


@merged
def new_results(state: State, columns: Columns, region: int, due: int) -> tuple[float, int]:
    """Mean of a region's supported results that fell due within the last year, and of how many firms."""
    supported, adoption, log_return = state.supported, state.adoption_quarter, state.log_return
    total, results, of_firms, last, firms = 0.0, 0, 0, NOBODY, state.waiting_list.size
    for k in range(state.counts[Count.SUPPORTED]):
        firm = supported[k]
        fresh = due - QUARTERS_PER_YEAR < adoption[firm] <= due
        if fresh and columns.region[firm] == region:
            total += log_return[firm]
            results += 1
            of_firms += firm % firms != last  # a firm's measures stand side by side
            last = firm % firms
    return total / max(results, 1), of_firms


@merged
def spread_average(
    state: State, columns: Columns, region: int, added_precision: float, average: float
) -> None:
    """Undecided firms outside the cohorts take in the average; it is no example of a known firm.

    So it does not stir those who still wait for one: they decline whatever they believe.
    """
    of_region, cohort, adoption = columns.region, state.cohort, state.adoption_quarter
    precision, weighted_sum, stirred = state.precision, state.weighted_sum, state.stirred
    seen, waits, since = state.results_seen, columns.waits_for_example, state.supported_quarter
    for firm in range(of_region.size):
        if (of_region[firm] == region) & (cohort[firm] == NOBODY) & (adoption[firm] == NEVER):
            learn(precision, weighted_sum, firm, added_precision, average)
            stirred[firm] |= decision.would_decide(waits[firm], seen[firm], since[firm] != NEVER)
