"""A firm as Mesa sees it: a view of one row of the engine's columns; it stores nothing itself."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from cpdiffusion.behaviour import decision
from cpdiffusion.engine.mesa_import import Cell, FixedAgent
from cpdiffusion.engine.state import NEVER, NOBODY
from cpdiffusion.errors import InputError
from cpdiffusion.world.firms import HAZARD_CLASSES, normal_quantiles


class Firm(FixedAgent):
    """A firm as a view of one row; what is not yet known is None.

    Four attributes can be set, and count from the next decision on: ``required_confidence``,
    ``waits_for_example``, ``liquidity_mkrw``, ``accepted_payback_years``.
    """

    model: Any  # the DiffusionModel that it belongs to

    def __init__(self, model: Any, row: int) -> None:
        super().__init__(model)
        self.row = row

    def __repr__(self) -> str:
        fate = f"adopted in quarter {self.adoption_quarter}" if self.adopted else "undecided"
        return f"Firm {self.firm_id} ({self.sector}, {self.complex}, {fate})"

    # what it is ---------------------------------------------------------------------------------

    @property
    def firm_id(self) -> str:
        """Its name in the user's register, or its row."""
        return self.model.world.firm_id(self.row)

    @property
    def region(self) -> str:
        """Name of its region."""
        return self.model.world.regions[int(self._fact("region"))]

    @property
    def complex(self) -> str:
        """Name of its industrial complex."""
        return self.model.world.complexes[int(self._fact("complex"))]

    @property
    def sector(self) -> str:
        """Name of its sector."""
        return self.model.world.sectors[int(self._fact("sector"))]

    @property
    def employees(self) -> int:
        """Number of employees."""
        return int(self._fact("employees"))

    @property
    def capital_need_mkrw(self) -> float:
        """Price of its cleaner-production package (million KRW)."""
        return float(self._fact("capital_need_mkrw"))

    @property
    def potential_log_return(self) -> float:
        """Its own deviation of log ROI from the mean, which it does not know."""
        return float(self._fact("potential_log_return"))

    @property
    def hazard_class(self) -> str:
        """Low, medium or high."""
        return HAZARD_CLASSES[int(self._fact("hazard_class"))]

    @property
    def export_share(self) -> float:
        """Share of sales to markets with environmental rules."""
        return float(self._fact("export_share"))

    @property
    def public_sales_share(self) -> float:
        """Share of sales to public buyers."""
        return float(self._fact("public_sales_share"))

    @property
    def past_violation(self) -> bool:
        """Whether it broke environmental law in the past."""
        return bool(self._fact("past_violation"))

    # what may be changed ------------------------------------------------------------------------

    @property
    def required_confidence(self) -> float:
        """How sure it must be that the package pays (0 to 1)."""
        return float(self._fact("required_confidence"))

    @required_confidence.setter
    def required_confidence(self, value: float) -> None:
        require(0.0 <= value <= 1.0, "required_confidence", value, "lie between 0 and 1")
        self.model.world.firms.required_confidence[self.row] = value
        quantile = normal_quantiles(np.array([float(value)]))[0]
        self.model.setting.columns.required_advantage[self.row] = quantile
        self._reconsider()

    @property
    def waits_for_example(self) -> bool:
        """Whether it adopts only after a peer's result, or with support."""
        return bool(self._fact("waits_for_example"))

    @waits_for_example.setter
    def waits_for_example(self, value: bool) -> None:
        self.model.setting.columns.waits_for_example[self.row] = value
        self._reconsider()

    @property
    def liquidity_mkrw(self) -> float:
        """What it can spend (million KRW)."""
        return float(self._fact("liquidity_mkrw"))

    @liquidity_mkrw.setter
    def liquidity_mkrw(self, value: float) -> None:
        require(value >= 0.0, "liquidity_mkrw", value, "not be negative")
        self.model.setting.columns.liquidity_mkrw[self.row] = value
        self._reconsider()

    @property
    def accepted_payback_years(self) -> float:
        """Longest payback that it accepts (years)."""
        return float(self._fact("accepted_payback_years"))

    @accepted_payback_years.setter
    def accepted_payback_years(self, value: float) -> None:
        require(0.0 < value < math.inf, "accepted_payback_years", value, "be positive")
        self.model.world.firms.accepted_payback_years[self.row] = value
        hurdle = decision.log_hurdle(self.model.parameters.benefit_horizon_years, float(value))
        self.model.setting.columns.log_hurdle[self.row] = hurdle
        self._reconsider()

    # what has happened to it --------------------------------------------------------------------

    @property
    def adopted(self) -> bool:
        """Whether it has adopted."""
        return self.adoption_quarter is not None

    @property
    def adoption_quarter(self) -> int | None:
        """Quarter of its adoption, counted from 0."""
        return _known(self.model.state.adoption_quarter[self.row])

    @property
    def adopted_without_policy(self) -> bool | None:
        """Whether the same firm with the same draws has adopted in the run without policy."""
        beside = self.model.without_policy
        return None if beside is None else bool(beside.adoption_quarter[self.row] != NEVER)

    @property
    def log_return(self) -> float | None:
        """Its realised log ROI."""
        return float(self.model.state.log_return[self.row]) if self.adopted else None

    @property
    def supported(self) -> bool:
        """Whether the programme has taken it in."""
        return self.supported_quarter is not None

    @property
    def supported_quarter(self) -> int | None:
        """Quarter in which the programme took it in."""
        return _known(self.model.state.supported_quarter[self.row])

    @property
    def diagnosed(self) -> bool:
        """Whether an adviser has estimated its return."""
        return self.diagnosed_quarter is not None

    @property
    def diagnosed_quarter(self) -> int | None:
        """Quarter of its diagnosis."""
        return _known(self.model.state.diagnosed_quarter[self.row])

    @property
    def signal(self) -> float | None:
        """The adviser's estimate of its log ROI."""
        return float(self.model.state.signal[self.row]) if self.diagnosed else None

    @property
    def mean_log_return(self) -> float:
        """Its belief about the mean log ROI, before its own diagnosis."""
        state = self.model.state
        return float(state.weighted_sum[self.row] / state.precision[self.row])

    @property
    def sd(self) -> float:
        """Standard deviation of that belief (log ROI)."""
        return 1.0 / math.sqrt(self.model.state.precision[self.row])

    @property
    def results_seen(self) -> int:
        """Number of peers' results that it has seen."""
        return int(self.model.state.results_seen[self.row])

    @property
    def informant(self) -> Firm | None:
        """The firm whose result it saw last before it adopted."""
        row = self.model.state.informant[self.row]
        return None if row == NOBODY else self.model.firms[row]

    # whom it knows ------------------------------------------------------------------------------

    @property
    def neighbours(self) -> list[Firm]:
        """Firms that hear of its results; where ties are mutual, also those it hears of."""
        ties = self.model.world.ties
        rows = ties.target[ties.start[self.row] : ties.start[self.row + 1]]
        return [self.model.firms[row] for row in rows.tolist()]

    @property
    def cohort_mates(self) -> list[Firm]:
        """The other members of the cohort in which it sees results."""
        cohort = self.model.state.cohort
        if cohort[self.row] == NOBODY:
            return []
        rows = np.flatnonzero(cohort == cohort[self.row]).tolist()
        return [self.model.firms[row] for row in rows if row != self.row]

    @property
    def cell(self) -> Cell:
        """Its place in the network of ties; the first look builds ``model.space``."""
        return self.model.space[self.row]

    @cell.setter
    def cell(self, cell: Cell) -> None:
        raise InputError("Firm.cell: ties are fixed during a run; change them in the World instead.")

    def remove(self) -> None:
        """Refused: without its view the engine would go on with the firm all the same."""
        raise InputError("Firm.remove: firms stay for the whole run; leave it out of the World instead.")

    def _reconsider(self) -> None:
        """Ask the firm again at its next review, in both runs."""
        for state in (self.model.state, self.model.without_policy):
            if state is not None:
                state.stirred[self.row] = True

    def _fact(self, column: str) -> Any:
        return getattr(self.model.world.firms, column)[self.row]


def _known(value: np.int32) -> int | None:
    return None if value == NEVER else int(value)


def require(holds: bool, name: str, value: float, rule: str) -> None:
    if not holds:
        raise InputError(f"{name}={value:g}: must {rule}.")
