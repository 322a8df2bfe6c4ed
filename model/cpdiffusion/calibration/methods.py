"""The models that are validated, in one list: the return model, its variants, the simulation, the rivals.

One more model is one more Method. A forecast is any ``Predictive``; one of draws goes without a log score.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from cpdiffusion.calibration import rivals
from cpdiffusion.calibration.bank import Bank
from cpdiffusion.calibration.heavy import HeavyPosterior
from cpdiffusion.calibration.observations import Case, sample
from cpdiffusion.calibration.predictive import Predictive
from cpdiffusion.calibration.returns import fit
from cpdiffusion.calibration.simulated import SimulatedPosterior, first_years
from cpdiffusion.evidence.table4 import RegionYear

Forecast = Callable[[Case], Predictive]


class Method(NamedTuple):
    """A model as it is validated: fitted to rows, it forecasts cases that it knows no result of."""

    name: str
    title: str
    is_rival: bool
    fit: Callable[[Sequence[RegionYear]], Forecast]


def with_investment(rows: Sequence[RegionYear]) -> Forecast:
    """The return model: regions partially pooled, log ROI falling with log investment."""
    return fit(sample(rows), elasticity=True).predict


def heavy_tailed(rows: Sequence[RegionYear]) -> Forecast:
    """Regions partially pooled, years within them with Student's t in place of the normal."""
    return HeavyPosterior(sample(rows)).predict


def simulation(bank: Bank, rows: Sequence[RegionYear]) -> Method:
    """The agent-based simulation, for folds of a table: of its rows it is told when each region began."""
    begun = first_years(rows)
    return Method(*SIMULATION, False, lambda train: SimulatedPosterior(bank, begun, train).predict)


def all_methods(bank: Bank | None, rows: Sequence[RegionYear]) -> tuple[Method, ...]:
    """Every model for a table of rows; without a bank, without the simulation."""
    return (*OURS, *([simulation(bank, rows)] if bank else []), *RIVALS)


SIMULATION = ("simulation", "agent-based simulation")
OURS = (
    Method("with_investment", "return model with investment", False, with_investment),
    Method("heavy_tailed", "return model with heavy tails", False, heavy_tailed),
)
RIVALS = (
    Method("pooled", "pooled log-normal", True, lambda rows: rivals.pooled(sample(rows))),
    Method("region_mean", "region mean", True, lambda rows: rivals.region_mean(sample(rows))),
    Method(
        "partially_pooled", "partially pooled log-normal", True,
        lambda rows: rivals.partially_pooled(sample(rows)),
    ),
)  # fmt: skip
METHODS = (*OURS, *RIVALS)  # those that need no simulation
TITLES = dict([*((m.name, m.title) for m in OURS), SIMULATION, *((m.name, m.title) for m in RIVALS)])
