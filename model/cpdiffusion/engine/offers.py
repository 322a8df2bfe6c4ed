"""Phases 3 and 4 for supported firms: advisers diagnose, and the firms decide on their offers."""

from __future__ import annotations

import math

from cpdiffusion import draws
from cpdiffusion.behaviour import decision
from cpdiffusion.compiled import merged
from cpdiffusion.draws import Purpose
from cpdiffusion.engine.decide import go_ahead, weigh
from cpdiffusion.engine.intake import reserve
from cpdiffusion.engine.patience import awaits_diagnosis
from cpdiffusion.engine.setting import Columns, Rule
from cpdiffusion.engine.state import NOBODY, Count, State
from cpdiffusion.policy.programme import Programme


@merged
def diagnose(state: State, columns: Columns, programme: Programme, now: int) -> int:
    """Supported firms are diagnosed in order of support, as far as the advisers' capacity goes.

    They stand in ``State.candidates``; returns their number.
    """
    noise = draws.stream(state.seed[0], Purpose.DIAGNOSIS, 0)
    noise_sd = math.sqrt(programme.signal_variance)
    supported, candidates, signal = state.supported, state.candidates, state.signal
    left, region, expected = state.capacity_left, columns.region, columns.expected_log_return
    diagnosed, adoption, stirred = state.diagnosed_quarter, state.adoption_quarter, state.stirred
    served, n, firms, visited = state.counts[Count.SERVED], 0, state.waiting_list.size, NOBODY
    for k in range(served, state.counts[Count.SUPPORTED]):
        firm = supported[k]
        waits = awaits_diagnosis(diagnosed[firm], adoption[firm], signal[firm])
        if waits and firm % firms != visited and left[region[firm]] >= 1.0:
            visited = firm % firms  # one visit for all of its measures, which stand side by side
            left[region[firm]] -= 1.0
            diagnosed[visited] = min(diagnosed[visited], now)  # it is safer from now on
        if waits and firm % firms == visited:
            own = expected[firm] + programme.skill_gain
            signal[firm] = own + noise_sd * draws.standard_normal(noise, visited)
            diagnosed[firm] = now
            stirred[firm] = True
            candidates[n] = firm
            n += 1
            waits = False
        if k == served and not waits:
            served += 1
    state.counts[Count.SERVED] = served
    return n


@merged
def decide_on_offers(
    state: State, columns: Columns, rule: Rule, programme: Programme, diagnosed: int, now: int
) -> None:
    """The firms just diagnosed decide on their offer; what decliners leave goes back to the purse."""
    hassle = rule.hassle_cost_share * programme.hassle_factor
    terms = decision.offer(programme.subsidy_rate, 1.0, hassle, rule.first_cost_weight, programme.log_benefit)
    weigh(state, columns, rule, programme, diagnosed, terms, True, now)
    candidates, willing, purse = state.candidates, state.willing, state.purse_mkrw
    region, capital = columns.region, columns.capital_need_mkrw
    for k in range(diagnosed):
        if not willing[k]:
            purse[region[candidates[k]]] += reserve(programme.subsidy_rate, capital[candidates[k]])
    go_ahead(state, columns, programme, diagnosed, now)
