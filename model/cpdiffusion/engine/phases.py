"""What happens in a quarter, in order.

0. policy: the year's luck is drawn; instruments change terms, inform, bring firms together and cost money.
1. reveal: results of adopters become visible along ties, in cohorts and by publication.
2. intake: at the start of a programme year the programme spends its purse on support.
3. diagnose: advisers estimate the return of supported firms.
4. decide: firms just diagnosed apply the main rule; so do, by default, firms that review their
   investments. Under a classic rule undecided firms follow earlier adopters instead.
5. adopt: capital is spent, the subsidy paid, the return realised.
6. accidents: drawn by hazard.
7. record: the quarter's flows are complete; stocks are noted.

From the last budget year on, phases 2 to 5 are repeated within a quarter while money that
declined offers set free still pays for one more firm.

A note on speed: every column taken out of a NamedTuple costs a reference count in compiled code,
so loops over firms or ties name their columns once, before the loop. Handing all columns over to
a quarter costs more than a small quarter itself, so a run contains its quarters.
"""

from __future__ import annotations

import math

from cpdiffusion.behaviour.classic import Behaviour
from cpdiffusion.compiled import compiled, inlined
from cpdiffusion.engine.accidents import accidents
from cpdiffusion.engine.adopt import adopt
from cpdiffusion.engine.choice import by_measure, renew_means
from cpdiffusion.engine.contagion import decide_by_contagion, pass_on
from cpdiffusion.engine.decide import decide_at_reviews
from cpdiffusion.engine.enact import enact
from cpdiffusion.engine.intake import grant, intake, intake_is_due
from cpdiffusion.engine.offers import decide_on_offers, diagnose
from cpdiffusion.engine.patience import let_go
from cpdiffusion.engine.reveal import reveal
from cpdiffusion.engine.setting import Columns, Rule, Setting
from cpdiffusion.engine.state import Count, Flow, State
from cpdiffusion.engine.year import begin_year
from cpdiffusion.policy.programme import Programme
from cpdiffusion.units import QUARTERS_PER_YEAR


@inlined
def quarter(state: State, setting: Setting, now: int) -> None:
    """One quarter: the phases in the order of this module's description."""
    columns, rule, programme, terms = setting
    if now % QUARTERS_PER_YEAR == 0:
        begin_year(state, rule, now // QUARTERS_PER_YEAR)
    if state.counts[Count.ENACTED] and terms.acts[now]:
        enact(state, columns, terms, now)
    if by_measure(state) and now % QUARTERS_PER_YEAR == 0:
        renew_means(state, columns)
    reveal(state, columns, rule, programme, terms, now)
    if rule.behaviour != Behaviour.PEER_BENEFIT:
        pass_on(state, columns, rule)
    grant(state, programme, now)
    waiting = state.counts[Count.SERVED] < state.counts[Count.SUPPORTED]
    if waiting or intake_is_due(state.purse_mkrw, programme, now):
        support(state, columns, rule, programme, now)
    if rule.behaviour == Behaviour.PEER_BENEFIT:
        decide_at_reviews(state, columns, rule, programme, now)
    else:
        decide_by_contagion(state, columns, rule, programme, now)
    if state.counts[Count.REALISED] < state.counts[Count.ADOPTERS]:
        adopt(state, columns, rule, programme, 0.0, now)
    accidents(state, columns, programme, now)
    record(state, now)


@inlined
def support(state: State, columns: Columns, rule: Rule, programme: Programme, now: int) -> None:
    """Phases 2 to 5 for the programme's firms, as often as declined offers pay for another firm."""
    state.capacity_left[:] = whole_diagnoses(programme.capacity_per_quarter, now)
    let_go(state, columns, programme, now)
    while True:
        due = intake_is_due(state.purse_mkrw, programme, now)
        newly_supported = intake(state, columns, programme, now) if due else 0
        diagnosed = diagnose(state, columns, programme, now)
        decide_on_offers(state, columns, rule, programme, diagnosed, now)
        if state.counts[Count.REALISED] < state.counts[Count.ADOPTERS]:
            adopt(state, columns, rule, programme, programme.subsidy_rate, now)
        if newly_supported == 0 or now < programme.last_year_quarter:
            break


@compiled
def whole_diagnoses(capacity_per_quarter: float, now: int) -> float:
    """Diagnoses of this quarter: whole ones, which add up to the capacity over the quarters."""
    if math.isinf(capacity_per_quarter):
        return capacity_per_quarter
    return math.floor(capacity_per_quarter * (now + 1)) - math.floor(capacity_per_quarter * now)


@inlined
def record(state: State, now: int) -> None:
    """Flows were booked where they happened; the purse is a stock."""
    for region in range(state.purse_mkrw.size):
        state.flow[region, now, Flow.UNSPENT] = state.purse_mkrw[region]
