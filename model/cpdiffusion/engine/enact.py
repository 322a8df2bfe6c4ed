"""Phase 0: the policy's instruments change terms, inform firms and bring them together."""

from __future__ import annotations

from cpdiffusion.behaviour import decision
from cpdiffusion.compiled import inlined, merged
from cpdiffusion.engine.reveal import learn
from cpdiffusion.engine.setting import Columns
from cpdiffusion.engine.state import NEVER, NOBODY, Count, State
from cpdiffusion.terms import Term, Terms
from cpdiffusion.units import QUARTERS_PER_YEAR
from cpdiffusion.world.firms import Floats, Ints


@inlined
def enact(state: State, columns: Columns, terms: Terms, now: int) -> None:
    """What instruments do in a quarter in which they act; firms whose terms moved think again."""
    for term in (Term.GAIN, Term.LOG_COST, Term.CAPITAL, Term.SUBSIDY, Term.EXCHANGE):
        row, before = terms.row[now, term], terms.row[max(now - 1, 0), term]
        if row != before:
            stir(state, columns, terms.rows[row], terms.rows[before])
    if now % QUARTERS_PER_YEAR == 0:
        added = terms.rows[terms.row[now, Term.INFORMATION]]
        inform(state, columns, terms.informed, added, terms.message)
    if terms.meets[now]:
        meet(state, terms)


@merged
def stir(state: State, columns: Columns, row: Floats, before: Floats) -> None:
    """Firms whose terms differ may decide otherwise than before, unless they lack an example."""
    stirred, seen, waits, since = (
        state.stirred, state.results_seen, columns.waits_for_example, state.supported_quarter)  # fmt: skip
    for firm in range(stirred.size):
        decides = decision.would_decide(waits[firm], seen[firm], since[firm] != NEVER)
        stirred[firm] |= (row[firm] != before[firm]) & decides


@merged
def inform(state: State, columns: Columns, informed: Ints, added: Floats, message: Floats) -> None:
    """Once a year informed firms that are undecided hear what the package returns on average."""
    region, adoption, stirred = columns.region, state.adoption_quarter, state.stirred
    precision, weighted_sum = state.precision, state.weighted_sum
    waits, seen, since = columns.waits_for_example, state.results_seen, state.supported_quarter
    for k in range(informed.size):
        firm = informed[k]
        if added[firm] > 0.0 and adoption[firm] == NEVER:
            learn(precision, weighted_sum, firm, added[firm], message[region[firm]])
            stirred[firm] |= decision.would_decide(waits[firm], seen[firm], since[firm] != NEVER)


@merged
def meet(state: State, terms: Terms) -> None:
    """Adopters tell whom they meet the results that have become known since the last meeting."""
    start, target, added, cohort = terms.start, terms.target, terms.precision, state.cohort
    precision, weighted_sum, log_return = state.precision, state.weighted_sum, state.log_return
    adopters, adoption = state.adopters, state.adoption_quarter
    for k in range(state.counts[Count.TOLD], state.counts[Count.REVEALED]):
        firm = adopters[k]
        for tie in range(start[firm], start[firm + 1]):
            peer = target[tie]
            together = cohort[firm] != NOBODY and cohort[peer] == cohort[firm]
            if adoption[peer] == NEVER and not together:
                learn(precision, weighted_sum, peer, added[tie], log_return[firm])
                state.stirred[peer] = True
                if added[tie] > 0.0:
                    state.results_seen[peer] += 1
                    state.informant[peer] = firm
    state.counts[Count.TOLD] = state.counts[Count.REVEALED]
