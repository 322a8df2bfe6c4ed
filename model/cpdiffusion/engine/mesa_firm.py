"""A firm as Mesa sees it: a view of one row of the engine's columns; it stores nothing itself."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from cpdiffusion.behaviour import decision
from cpdiffusion.engine.mesa_decision import Decision
from cpdiffusion.engine.mesa_import import Cell, FixedAgent
from cpdiffusion.errors import InputError
from cpdiffusion.world.firms import HAZARD_CLASSES, normal_quantiles


class Firm(Decision, FixedAgent):
    """A firm as a view of its rows; what is not yet known is None.

    Four attributes can be set, and count from the next decision on: ``required_confidence``,
    ``waits_for_example``, ``liquidity_mkrw``, ``accepted_payback_years``. Where firms choose among
    measures, a firm has adopted with its first; what it believes and got is told of the first in the
    catalogue, and of each in ``measures``.
    """

    model: Any  # the DiffusionModel that it belongs to

    def __init__(self, model: Any, row: int) -> None:
        FixedAgent.__init__(self, model)
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

    @property
    def rows(self) -> slice:
        """All rows of the firm."""
        return slice(self.row, None, self.model.world.size)

    @property
    def measures(self) -> dict[str, Decision]:
        """Its decision on each measure by name; empty where it decides on a package."""
        rows = range(self.row, len(self.model.state.adoption_quarter), self.model.world.size)
        return {n: Decision(self.model, row) for n, row in zip(self.model.measure_names, rows, strict=False)}

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
        self.model.setting.columns.required_advantage[self.rows] = quantile
        self._reconsider()

    @property
    def waits_for_example(self) -> bool:
        """Whether it adopts only after a peer's result, or with support."""
        return bool(self._fact("waits_for_example"))

    @waits_for_example.setter
    def waits_for_example(self, value: bool) -> None:
        self.model.setting.columns.waits_for_example[self.rows] = value
        self._reconsider()

    @property
    def liquidity_mkrw(self) -> float:
        """What it can spend (million KRW)."""
        return float(self._fact("liquidity_mkrw"))

    @liquidity_mkrw.setter
    def liquidity_mkrw(self, value: float) -> None:
        require(value >= 0.0, "liquidity_mkrw", value, "not be negative")
        self.model.setting.columns.liquidity_mkrw[self.rows] = value
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
        self.model.setting.columns.log_hurdle[self.rows] = hurdle + self.model.added_log_hurdle
        self._reconsider()

    # whom it knows ------------------------------------------------------------------------------

    @property
    def neighbours(self) -> list[Firm]:
        """Firms that hear of its results; where ties are mutual, also those it hears of."""
        ties = self.model.world.ties
        rows = ties.target[ties.start[self.row] : ties.start[self.row + 1]]
        return [self.model.firms[row] for row in rows.tolist()]

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
                state.stirred[self.rows] = True

    def _fact(self, column: str) -> Any:
        return getattr(self.model.world.firms, column)[self.row]


def require(holds: bool, name: str, value: float, rule: str) -> None:
    if not holds:
        raise InputError(f"{name}={value:g}: must {rule}.")
