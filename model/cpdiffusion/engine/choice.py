"""Where firms choose among measures: a firm has several rows, and takes them one by one.

Row i + m F is measure m of firm i among F firms. A package is the case of one row per firm.
"""

from __future__ import annotations

from cpdiffusion.behaviour import decision
from cpdiffusion.compiled import compiled, merged
from cpdiffusion.engine.setting import Columns
from cpdiffusion.engine.state import NEVER, NOBODY, TAKEN, WITH_SUPPORT, Flow, MeasureFlow, State
from cpdiffusion.world.firms import Floats, Ints

NONE_OPEN = -1
FLOWS, MEASURE_FLOWS = len(Flow), len(MeasureFlow)


@merged
def by_measure(state: State) -> bool:
    """Whether a firm has more rows than one."""
    return state.waiting_list.size != state.adoption_quarter.size


@compiled
def next_open(adoption_quarter: Ints, row: int, firms: int) -> int:
    """The firm's first undecided row from ``row`` on; NONE_OPEN if it has decided on all of them."""
    while row < adoption_quarter.size and adoption_quarter[row] != NEVER:
        row += firms
    return row if row < adoption_quarter.size else NONE_OPEN


@compiled
def open_capital(capital_need_mkrw: Floats, adoption_quarter: Ints, firm: int, firms: int) -> float:
    """Price of what the firm has not taken yet (million KRW)."""
    total, row = 0.0, next_open(adoption_quarter, firm, firms)
    while row != NONE_OPEN:
        total += capital_need_mkrw[row]
        row = next_open(adoption_quarter, row + firms, firms)
    return total


@compiled
def cohort_on_measure(cohort: int, row: int, firms: int, rows: int) -> int:
    """The learning cohort as members see each other's results on one measure; a number of its own."""
    return NOBODY if cohort == NOBODY else cohort * (rows // firms) + row // firms


@merged
def renew_means(state: State, columns: Columns) -> None:
    """A new year's means; who has spent some of the last year's may now afford what it could not."""
    spent, stirred, adoption = state.spent_mkrw, state.stirred, state.adoption_quarter
    waits, seen, since = columns.waits_for_example, state.results_seen, state.supported_quarter
    for row in range(adoption.size):
        if spent[row % spent.size] > 0.0 and adoption[row] == NEVER:
            stirred[row] |= decision.would_decide(waits[row], seen[row], since[row] != NEVER)
    spent[:] = 0.0


@compiled
def measure_column(measure: int, what: int) -> int:
    """Where a flow of a measure stands in State.flow."""
    return FLOWS + measure * MEASURE_FLOWS + what


@compiled
def take(taken: Ints, row: int, with_support: bool) -> tuple[bool, bool]:
    """Note that a firm takes a measure; whether it is its first, and the first with support."""
    firm = row % taken.size
    first, first_supported = taken[firm] == 0, with_support and taken[firm] != WITH_SUPPORT
    if first_supported:
        taken[firm] = WITH_SUPPORT
    elif first:
        taken[firm] = TAKEN
    return first, first_supported
