"""Phase 6: accidents, and those that safety support avoids."""

from __future__ import annotations

from cpdiffusion import draws
from cpdiffusion.compiled import inlined
from cpdiffusion.draws import Purpose
from cpdiffusion.engine.decide import list_flagged
from cpdiffusion.engine.setting import Columns
from cpdiffusion.engine.state import NEVER, Count, Flow, State
from cpdiffusion.policy.programme import Programme
from cpdiffusion.terms import Term


@inlined
def accidents(state: State, columns: Columns, programme: Programme, now: int) -> None:
    """Firms with an accident this quarter; safety support avoids some of the very same accidents."""
    key = draws.stream(state.seed[0], Purpose.ACCIDENT, now)
    probability, flags = columns.accident_probability, state.flags
    for firm in range(flags.size):
        flags[firm] = draws.uniform(key, firm) < probability[firm]
    hit, region, diagnosed = state.candidates, columns.region, state.diagnosed_quarter
    flow, enacted = state.flow, state.counts[Count.ENACTED] > 0
    left = columns.terms[columns.term_row[now if enacted else 0, Term.HAZARD]]
    for k in range(list_flagged(flags, hit)):
        firm = hit[k]
        safer = probability[firm]
        if diagnosed[firm] != NEVER:
            safer *= programme.hazard_factor
        if enacted:
            safer *= left[firm]
        avoided = safer < probability[firm] and draws.uniform(key, firm) >= safer
        flow[region[firm], now, Flow.ACCIDENTS_AVOIDED if avoided else Flow.ACCIDENTS] += 1.0
