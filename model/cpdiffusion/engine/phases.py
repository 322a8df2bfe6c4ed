"""What happens in a quarter, in order.

1. reveal: results of adopters become visible along ties, in cohorts and by publication.
2. intake: at the start of a programme year the programme spends its purse on support.
3. diagnose: advisers estimate the return of supported firms.
4. decide: firms just diagnosed, and firms that review their investments, apply the rule.
5. adopt: capital is spent, the subsidy paid, the return realised.
6. accidents: drawn by hazard.
7. record: the quarter's flows are complete; stocks are noted.

From the last budget year on, phases 2 to 5 are repeated within a quarter while money that
declined offers set free still pays for one more firm.

A note on speed: every column taken out of a NamedTuple costs a reference count in compiled code,
so loops over firms or ties name their columns once, before the loop.
"""

from __future__ import annotations

import math

import numpy as np

from cpdiffusion import draws
from cpdiffusion.behaviour import decision, learning, returns
from cpdiffusion.compiled import compiled
from cpdiffusion.draws import Purpose
from cpdiffusion.engine.intake import give_back, grant, intake, intake_is_due
from cpdiffusion.engine.setting import Columns, Rule, Setting
from cpdiffusion.engine.state import NEVER, NOBODY, Count, Flow, State
from cpdiffusion.policy.programme import Programme
from cpdiffusion.units import QUARTERS_PER_YEAR
from cpdiffusion.world.firms import Flags, Floats, Ints


@compiled
def quarter(state: State, setting: Setting, now: int) -> None:
    """One quarter: the seven phases in the order of this module's description."""
    columns, rule, programme = setting
    reveal(state, columns, rule, programme, now)
    grant(state, programme, now)
    waiting = state.counts[Count.SERVED] < state.counts[Count.SUPPORTED]
    if waiting or intake_is_due(state.purse_mkrw, programme, now):
        support(state, columns, rule, programme, now)
    decide_at_reviews(state, columns, rule, programme, now)
    if state.counts[Count.REALISED] < state.counts[Count.ADOPTERS]:
        adopt(state, columns, rule, programme, 0.0, now)
    accidents(state, columns, programme, now)
    record(state, now)


@compiled
def support(state: State, columns: Columns, rule: Rule, programme: Programme, now: int) -> None:
    """Phases 2 to 5 for the programme's firms, as often as declined offers pay for another firm."""
    state.capacity_left[:] = programme.capacity_per_quarter
    while True:
        due = intake_is_due(state.purse_mkrw, programme, now)
        newly_supported = intake(state, columns, programme, now) if due else 0
        diagnosed = diagnose(state, columns, programme, now)
        decide_on_offers(state, columns, rule, programme, diagnosed, now)
        adopt(state, columns, rule, programme, programme.subsidy_rate, now)
        if newly_supported == 0 or now < programme.last_year_quarter:
            break


# --- 1. reveal -----------------------------------------------------------------------------------


@compiled
def reveal(state: State, columns: Columns, rule: Rule, programme: Programme, now: int) -> None:
    """Results whose lag has passed become visible: to neighbours, cohort members, the region."""
    due = now - rule.reveal_lag_quarters
    if programme.publishes:
        publish(state, columns, rule, due, now)
    show_neighbours(state, columns, due)
    if programme.learning_group > 1:
        note_cohort_results(state, due)
        exchange_in_cohorts(state, columns, rule)


@compiled
def learn(
    precision: Floats, weighted_sum: Floats, firm: int, added_precision: float, log_return: float
) -> None:
    """One observed log return enters a firm's belief."""
    precision[firm] += added_precision
    weighted_sum[firm] += added_precision * log_return


@compiled
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


@compiled
def note_cohort_results(state: State, due: int) -> None:
    """List the results of cohort members that are due, in order of support, which is a lot."""
    supported, adoption, results = state.supported, state.adoption_quarter, state.cohort_results
    n = state.counts[Count.COHORT_RESULTS]
    for k in range(state.counts[Count.SUPPORTED]):
        if adoption[supported[k]] == due:
            results[n] = supported[k]
            n += 1
    state.counts[Count.COHORT_RESULTS] = n


@compiled
def exchange_in_cohorts(state: State, columns: Columns, rule: Rule) -> None:
    """Each undecided member takes in the next results of its cohort, a few per quarter."""
    supported, adoption, cohort, read = (
        state.supported, state.adoption_quarter, state.cohort, state.cohort_read)  # fmt: skip
    precision, weighted_sum, log_return = state.precision, state.weighted_sum, state.log_return
    results, sector = state.cohort_results, columns.sector
    for k in range(state.counts[Count.SUPPORTED]):
        firm, taken = supported[k], 0
        if adoption[firm] != NEVER:
            continue
        while read[firm] < state.counts[Count.COHORT_RESULTS] and (taken < rule.cohort_exchanges_per_quarter):
            peer = results[read[firm]]
            read[firm] += 1
            due = adoption[peer] + rule.reveal_lag_quarters
            before = due <= state.supported_quarter[firm]  # joined later: heard of it as a neighbour
            if cohort[peer] == cohort[firm] and not (before and are_tied(columns, peer, firm)):
                alike = sector[peer] == sector[firm]
                added = rule.cohort_precision_alike if alike else rule.cohort_precision_unlike
                learn(precision, weighted_sum, firm, added, log_return[peer])
                state.stirred[firm] = True
                if added > 0.0:
                    state.results_seen[firm] += 1
                    state.informant[firm] = peer
                taken += 1


@compiled
def are_tied(columns: Columns, source: int, target: int) -> bool:
    """Whether a tie leads from one firm to the other."""
    for tie in range(columns.start[source], columns.start[source + 1]):
        if columns.target[tie] == target:
            return True
    return False


@compiled
def publish(state: State, columns: Columns, rule: Rule, due: int, now: int) -> None:
    """Once a year each region hears the average of the programme's new results, as one result."""
    if now % QUARTERS_PER_YEAR != 0:
        return
    for region in range(columns.regions):
        total, results = new_results(state, columns, region, due)
        if results > 0:
            noise = rule.published_noise_variance
            precision = learning.observation_precision(
                rule.published_visibility, 1.0, rule.firm_variance / results, noise
            )
            spread_average(state, columns, region, precision, total / results)


@compiled
def new_results(state: State, columns: Columns, region: int, due: int) -> tuple[float, int]:
    """Sum and number of a region's supported results that fell due within the last year."""
    supported, adoption, log_return = state.supported, state.adoption_quarter, state.log_return
    total, results = 0.0, 0
    for k in range(state.counts[Count.SUPPORTED]):
        firm = supported[k]
        fresh = due - QUARTERS_PER_YEAR < adoption[firm] <= due
        if fresh and columns.region[firm] == region:
            total += log_return[firm]
            results += 1
    return total, results


@compiled
def spread_average(
    state: State, columns: Columns, region: int, added_precision: float, average: float
) -> None:
    """Undecided firms outside the cohorts take in the average; it is no example of a known firm."""
    of_region, cohort, adoption = columns.region, state.cohort, state.adoption_quarter
    precision, weighted_sum, stirred = state.precision, state.weighted_sum, state.stirred
    for firm in range(of_region.size):
        if of_region[firm] == region and cohort[firm] == NOBODY and adoption[firm] == NEVER:
            learn(precision, weighted_sum, firm, added_precision, average)
            stirred[firm] = True


# --- 3. diagnose ---------------------------------------------------------------------------------


@compiled
def diagnose(state: State, columns: Columns, programme: Programme, now: int) -> int:
    """Supported firms are diagnosed in order of support, as far as the advisers' capacity goes.

    They stand in ``State.candidates``; returns their number.
    """
    noise = draws.stream(state.seed[0], Purpose.DIAGNOSIS, 0)
    noise_sd = math.sqrt(programme.signal_variance)
    supported, candidates, signal = state.supported, state.candidates, state.signal
    left, region, expected = state.capacity_left, columns.region, columns.expected_log_return
    diagnosed, adoption, stirred = state.diagnosed_quarter, state.adoption_quarter, state.stirred
    served, n = state.counts[Count.SERVED], 0
    for k in range(served, state.counts[Count.SUPPORTED]):
        firm = supported[k]
        if awaits_diagnosis(diagnosed[firm], adoption[firm]) and left[region[firm]] >= 1.0:
            own = expected[firm] + programme.skill_gain
            signal[firm] = own + noise_sd * draws.standard_normal(noise, firm)
            diagnosed[firm] = now
            stirred[firm] = True
            left[region[firm]] -= 1.0
            candidates[n] = firm
            n += 1
        if k == served and not awaits_diagnosis(diagnosed[firm], adoption[firm]):
            served += 1
    state.counts[Count.SERVED] = served
    return n


@compiled
def awaits_diagnosis(diagnosed_quarter: int, adoption_quarter: int) -> bool:
    """Whether a supported firm's offer is open: not yet diagnosed, nor gone ahead without."""
    return diagnosed_quarter == NEVER and adoption_quarter == NEVER


# --- 4. decide -----------------------------------------------------------------------------------


@compiled
def decide_on_offers(
    state: State, columns: Columns, rule: Rule, programme: Programme, diagnosed: int, now: int
) -> None:
    """The firms just diagnosed decide on their offer; what decliners leave goes back to the purse."""
    hassle = rule.hassle_cost_share * programme.hassle_factor
    terms = decision.offer(programme.subsidy_rate, hassle, rule.first_cost_weight, programme.log_benefit)
    weigh(state, columns, rule, programme, diagnosed, terms)
    for k in range(diagnosed):
        firm = state.candidates[k]
        if state.willing[k]:
            note_adoption(state, firm, now)
        else:
            give_back(state, columns, programme, firm)


@compiled
def decide_at_reviews(state: State, columns: Columns, rule: Rule, programme: Programme, now: int) -> None:
    """Firms whose own calendar says so review; the calendar is the same under every policy."""
    n = reviewing(state, rule, now)
    review = draws.stream(state.seed[0], Purpose.REVIEW, now)
    acts_below = rule.review_rate_per_quarter * rule.act_anyway_probability
    terms = decision.offer(0.0, rule.hassle_cost_share, rule.first_cost_weight, 0.0)
    weigh(state, columns, rule, programme, n, terms)
    candidates, willing, stirred = state.candidates, state.willing, state.stirred
    for k in range(n):
        firm = candidates[k]
        stirred[firm] = False
        if willing[k] or draws.uniform(review, firm) < acts_below:
            supported = state.supported_quarter[firm] != NEVER
            if supported and state.diagnosed_quarter[firm] == NEVER:  # ahead of its offer
                give_back(state, columns, programme, firm)
            note_adoption(state, firm, now)


@compiled
def reviewing(state: State, rule: Rule, now: int) -> int:
    """List the undecided firms that review and may come to another decision; their number.

    A firm that declined declines again until it has learned something new, so it need not be
    asked. Acting anyway takes the lowest part of the review's own draw, which is uniform there.
    """
    review = draws.stream(state.seed[0], Purpose.REVIEW, now)
    adoption, stirred, flags = state.adoption_quarter, state.stirred, state.flags
    reviews_below = rule.review_rate_per_quarter
    acts_below = reviews_below * rule.act_anyway_probability
    for firm in range(flags.size):
        draw = draws.uniform(review, firm)
        open_minded = ((draw < reviews_below) & stirred[firm]) | (draw < acts_below)
        flags[firm] = open_minded & (adoption[firm] == NEVER)
    return list_flagged(flags, state.candidates)


@compiled
def list_flagged(flags: Flags, listed: Ints) -> int:
    """Write the rows whose flag is set into ``listed``; their number. No branch, so no stall."""
    n = 0
    for row in range(flags.size):
        listed[n] = row
        n += flags[row]
    return n


@compiled
def weigh(
    state: State, columns: Columns, rule: Rule, programme: Programme, n: int, terms: decision.Offer
) -> None:
    """Whether each of the first ``n`` candidates adopts under the terms it has."""
    candidates, willing, seen = state.candidates, state.willing, state.results_seen
    precision, weighted_sum, signal = state.precision, state.weighted_sum, state.signal
    diagnosed, supported = state.diagnosed_quarter, state.supported_quarter
    waits, hurdle, required = columns.waits_for_example, columns.log_hurdle, columns.required_advantage
    liquidity, capital = columns.liquidity_mkrw, columns.capital_need_mkrw
    for k in range(n):
        firm = candidates[k]
        willing[k] = False
        if decision.lacks_example(waits[firm], seen[firm], supported[firm] != NEVER):
            continue
        mean, variance = learning.predicted_return(precision[firm], weighted_sum[firm], rule.firm_variance)
        if diagnosed[firm] != NEVER:
            mean, variance = learning.after_diagnosis(mean, variance, signal[firm], programme.signal_variance)
        willing[k] = decision.adopts(
            mean, variance, hurdle[firm], required[firm], liquidity[firm], capital[firm], terms
        )


@compiled
def note_adoption(state: State, firm: int, now: int) -> None:
    """The decision stands; ``adopt`` realises it once all have decided."""
    state.adoption_quarter[firm] = now
    state.adopters[state.counts[Count.ADOPTERS]] = firm
    state.counts[Count.ADOPTERS] += 1


# --- 5. adopt ------------------------------------------------------------------------------------


@compiled
def adopt(
    state: State, columns: Columns, rule: Rule, programme: Programme, subsidy_rate: float, now: int
) -> None:
    """New adopters invest and realise their return."""
    year = draws.stream(state.seed[0], Purpose.REGION_YEAR, now // QUARTERS_PER_YEAR)
    adopters, log_return, diagnosed = state.adopters, state.log_return, state.diagnosed_quarter
    region, expected = columns.region, columns.expected_log_return
    for k in range(state.counts[Count.REALISED], state.counts[Count.ADOPTERS]):
        firm = adopters[k]
        log_return[firm] = returns.realised_log_return(
            expected[firm],
            rule.region_year_log_return_sd * draws.standard_normal(year, region[firm]),
            programme.skill_gain if diagnosed[firm] != NEVER else 0.0,
            rule.complementarity_log_return * adopting_share(state, columns, firm)
            if rule.complementarity_log_return > 0.0 else 0.0,
        )  # fmt: skip
    book(state, columns, rule, subsidy_rate, now)
    state.counts[Count.REALISED] = state.counts[Count.ADOPTERS]


@compiled
def adopting_share(state: State, columns: Columns, firm: int) -> float:
    """Share of the firm's ties that lead to adopters."""
    start, end = columns.start[firm], columns.start[firm + 1]
    adopting = 0
    for tie in range(start, end):
        adopting += state.adoption_quarter[columns.target[tie]] != NEVER
    return adopting / (end - start) if end > start else 0.0


@compiled
def book(state: State, columns: Columns, rule: Rule, subsidy_rate: float, now: int) -> None:
    """What new adopters invest and gain (million KRW), by region."""
    adopters, log_return, supported = state.adopters, state.log_return, state.supported_quarter
    region, capital = columns.region, columns.capital_need_mkrw
    flow = state.flow
    for k in range(state.counts[Count.REALISED], state.counts[Count.ADOPTERS]):
        firm = adopters[k]
        r, investment = region[firm], capital[firm]
        subsidy = subsidy_rate * investment
        direct = investment * math.exp(log_return[firm])
        indirect, environmental = side_benefits(state.seed[0], rule, firm, investment)
        flow[r, now, Flow.ADOPTERS] += 1.0
        flow[r, now, Flow.SUBSIDY] += subsidy
        flow[r, now, Flow.PRIVATE_INVESTMENT] += investment - subsidy
        flow[r, now, Flow.DIRECT] += direct
        flow[r, now, Flow.INDIRECT] += indirect
        flow[r, now, Flow.ENVIRONMENTAL] += environmental
        if supported[firm] != NEVER:
            flow[r, now, Flow.SUPPORTED_ADOPTERS] += 1.0
            flow[r, now, Flow.PROGRAMME_INVESTMENT] += investment
            flow[r, now, Flow.PROGRAMME_DIRECT] += direct


@compiled
def side_benefits(seed: np.uint64, rule: Rule, firm: int, investment_mkrw: float) -> tuple[float, float]:
    """Indirect and environmental benefit (million KRW), the same whenever the firm adopts."""
    indirect = side_benefit(
        seed, Purpose.INDIRECT, firm, investment_mkrw,
        rule.indirect_zero_share, rule.indirect_log_ratio, rule.indirect_log_ratio_sd,
    )  # fmt: skip
    environmental = side_benefit(
        seed, Purpose.ENVIRONMENTAL, firm, investment_mkrw,
        rule.environmental_zero_share, rule.environmental_log_ratio, rule.environmental_log_ratio_sd,
    )  # fmt: skip
    return indirect, environmental


@compiled
def side_benefit(
    seed: np.uint64, purpose: int, firm: int, investment_mkrw: float,
    zero_share: float, log_ratio: float, log_ratio_sd: float,
) -> float:  # fmt: skip
    """One firm's draw of one side benefit (million KRW)."""
    draw = draws.uniform(draws.stream(seed, purpose, 0), firm)
    normal = draws.standard_normal(draws.stream(seed, purpose, 1), firm)
    return returns.side_benefit(investment_mkrw, zero_share, log_ratio, log_ratio_sd, draw, normal)


# --- 6. accidents --------------------------------------------------------------------------------


@compiled
def accidents(state: State, columns: Columns, programme: Programme, now: int) -> None:
    """Firms with an accident this quarter; safety support avoids some of the very same accidents."""
    key = draws.stream(state.seed[0], Purpose.ACCIDENT, now)
    probability, flags = columns.accident_probability, state.flags
    for firm in range(flags.size):
        flags[firm] = draws.uniform(key, firm) < probability[firm]
    hit, region, diagnosed = state.candidates, columns.region, state.diagnosed_quarter
    flow = state.flow
    for k in range(list_flagged(flags, hit)):
        firm = hit[k]
        safer = programme.hazard_factor * probability[firm]
        avoided = diagnosed[firm] != NEVER and draws.uniform(key, firm) >= safer
        flow[region[firm], now, Flow.ACCIDENTS_AVOIDED if avoided else Flow.ACCIDENTS] += 1.0


# --- 7. record -----------------------------------------------------------------------------------


@compiled
def record(state: State, now: int) -> None:
    """Flows were booked where they happened; the purse is a stock."""
    for region in range(state.purse_mkrw.size):
        state.flow[region, now, Flow.UNSPENT] = state.purse_mkrw[region]
