"""Firms that are tired of waiting for an adviser leave the programme; their subsidy is set free."""

from __future__ import annotations

from cpdiffusion import draws
from cpdiffusion.compiled import compiled, inlined
from cpdiffusion.draws import Purpose
from cpdiffusion.engine.intake import reserve
from cpdiffusion.engine.setting import Columns
from cpdiffusion.engine.state import GONE, NEVER, Count, State
from cpdiffusion.policy.programme import Programme


@inlined
def let_go(state: State, columns: Columns, programme: Programme, now: int) -> None:
    """What was set aside for firms that leave goes back to the purse; their advice is lost.

    Each has one draw against the share of firms that waits so long.
    """
    supported, since, signal = state.supported, state.supported_quarter, state.signal
    patience = draws.stream(state.seed[0], Purpose.DROP_OUT, 0)
    purse, region, capital, firms = (
        state.purse_mkrw, columns.region, columns.capital_need_mkrw, state.waiting_list.size)  # fmt: skip
    for k in range(state.counts[Count.SERVED], state.counts[Count.SUPPORTED]):
        firm = supported[k]
        staying = (1.0 - programme.dropout_per_quarter) ** (now - since[firm])
        waits = awaits_diagnosis(state.diagnosed_quarter[firm], state.adoption_quarter[firm], signal[firm])
        if waits and draws.uniform(patience, firm % firms) >= staying:
            signal[firm] = GONE
            purse[region[firm]] += reserve(programme.subsidy_rate, capital[firm])


@compiled
def awaits_diagnosis(diagnosed_quarter: int, adoption_quarter: int, signal: float) -> bool:
    """Whether a supported firm's offer is open: not diagnosed, not gone ahead without, not gone."""
    return diagnosed_quarter == NEVER and adoption_quarter == NEVER and signal != GONE
