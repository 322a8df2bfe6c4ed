"""Phases 1 and 4 of the classic rules: adoption itself is what spreads, not its results."""

from __future__ import annotations

from cpdiffusion import draws
from cpdiffusion.behaviour import classic
from cpdiffusion.behaviour.classic import Behaviour
from cpdiffusion.compiled import merged
from cpdiffusion.draws import Purpose
from cpdiffusion.engine.decide import go_ahead, list_flagged
from cpdiffusion.engine.setting import Columns, Rule
from cpdiffusion.engine.state import NEVER, Count, State
from cpdiffusion.policy.programme import Programme


@merged
def pass_on(state: State, columns: Columns, rule: Rule) -> None:
    """Adopters of earlier quarters count with those whom they influence; each does so once."""
    start, target, weight = columns.start, columns.target, columns.weight
    adopters, speaking_for = state.adopters, state.speaking_for
    is_cascade = rule.behaviour == Behaviour.CASCADE
    for k in range(state.counts[Count.PASSED_ON], state.counts[Count.ADOPTERS]):
        firm = adopters[k]
        chance = draws.stream(state.seed[0], Purpose.CASCADE, firm)
        for tie in range(start[firm], start[firm + 1]):
            peer = target[tie]
            draw = draws.uniform(chance, peer)
            if not is_cascade or classic.convinces(draw, rule.cascade_probability, weight[tie]):
                speaking_for[peer] += 1
    state.counts[Count.PASSED_ON] = state.counts[Count.ADOPTERS]


@merged
def decide_by_contagion(state: State, columns: Columns, rule: Rule, programme: Programme, now: int) -> None:
    """Undecided firms follow the adopters of earlier quarters."""
    if rule.behaviour == Behaviour.THRESHOLD:
        mark_by_threshold(state, columns)
    elif rule.behaviour == Behaviour.BASS:
        mark_by_bass(state, columns, rule)
    else:
        mark_by_cascade(state)
    n = list_flagged(state.flags, state.candidates)
    state.willing[:n] = True
    go_ahead(state, columns, programme, n, now)


@merged
def mark_by_threshold(state: State, columns: Columns) -> None:
    """Flag the undecided firms whose threshold the share of adopting influencers meets."""
    flags, adoption, adopting = state.flags, state.adoption_quarter, state.speaking_for
    influencers, threshold = columns.influencers, columns.threshold
    for firm in range(flags.size):
        meets = classic.crosses_threshold(adopting[firm], influencers[firm], threshold[firm])
        flags[firm] = meets & (adoption[firm] == NEVER)


@merged
def mark_by_bass(state: State, columns: Columns, rule: Rule) -> None:
    """Flag the undecided firms whose patience ends: one draw per firm against its survival.

    A firm adopts once the probability of not having adopted falls to its draw, which has the law
    of one draw per quarter and pairs scenarios better (Sellke 1983).
    """
    flags, adoption, adopting = state.flags, state.adoption_quarter, state.speaking_for
    influencers, survival = columns.influencers, state.survival
    p, q = rule.bass_innovation_per_quarter, rule.bass_imitation_per_quarter
    patience = draws.stream(state.seed[0], Purpose.BASS, 0)
    for firm in range(flags.size):
        survival[firm] *= 1.0 - classic.bass_hazard(p, q, adopting[firm], influencers[firm])
        flags[firm] = (survival[firm] <= draws.uniform(patience, firm)) & (adoption[firm] == NEVER)


@merged
def mark_by_cascade(state: State) -> None:
    """Flag the undecided firms that a new adopter has convinced."""
    flags, adoption, convincing = state.flags, state.adoption_quarter, state.speaking_for
    for firm in range(flags.size):
        flags[firm] = (convincing[firm] > 0) & (adoption[firm] == NEVER)
