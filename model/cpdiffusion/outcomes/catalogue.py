"""The outcomes of a run: name, unit, which way is better, and how it is computed."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cpdiffusion.behaviour.cp_measures import CpMeasures
from cpdiffusion.engine.state import NEVER, PROGRAMME_MONEY, PUBLIC_MONEY, SUBSIDIES, Flow, MeasureFlow
from cpdiffusion.parameters import Parameters
from cpdiffusion.world.world import World

SMALL_FIRM_EMPLOYEES = 50  # below it a firm is small in Korean and EU statistics
Values = NDArray[np.float64]


class Run(NamedTuple):
    """One replicate of one policy, beside the same firms and draws without any policy."""

    parameters: Parameters
    world: World
    adoption_quarter: NDArray[np.int16]  # (N,)
    supported_quarter: NDArray[np.int16]  # (N,)
    without_policy: NDArray[np.int16] | None  # (N,) adoption quarters under no policy, if asked for
    flow: Values  # (R, Q, flows), as in engine.state.State
    measures: CpMeasures | None = None  # K that firms chose from; None: they decided on a package
    adoption_by_measure: NDArray[np.int16] | None = None  # (K, N)

    @property
    def adopted(self) -> NDArray[np.bool_]:
        """Who has adopted by the end."""
        return self.adoption_quarter != NEVER

    @property
    def adopted_anyway(self) -> NDArray[np.bool_]:
        """Who has adopted by the end without any policy."""
        if self.without_policy is None:
            raise ValueError("the run without policy was left out; mark the outcome against_no_policy")
        return self.without_policy != NEVER

    def total(self, *flows: Flow) -> float:
        """Sum of flows over regions and quarters."""
        return float(sum(self.flow[:, :, flow].sum() for flow in flows))

    def of_measures(self, what: MeasureFlow) -> Values:
        """Sum of a flow of each measure, shape (K,)."""
        return self.flow[:, :, len(Flow) + what :: len(MeasureFlow)].sum(axis=(0, 1))


@dataclass(frozen=True)
class Outcome:
    """One figure per run. ``better`` is +1 if more is better, -1 if less is, 0 if neither."""

    id: str
    label: str
    unit: str
    better: int
    value: Callable[[Run], float]
    against_no_policy: bool = False  # whether it needs the run without policy


def _additional(run: Run) -> float:
    return float(run.adopted.sum() - run.adopted_anyway.sum())


def _spillover(run: Run) -> float:
    unsupported = run.adopted & (run.supported_quarter == NEVER)
    return float((unsupported & ~run.adopted_anyway).sum())


def _share(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


def _groups_reached(run: Run, group: NDArray[np.int32]) -> float:
    members, adopters = np.bincount(group), np.bincount(group[run.adopted], minlength=group.max() + 1)
    return _share(int(np.count_nonzero(adopters)), int(np.count_nonzero(members)))


def _small_share(run: Run) -> float:
    small = run.world.firms.employees < SMALL_FIRM_EMPLOYEES
    return _share(float((small & run.adopted).sum()), float(run.adopted.sum()))


def _per_year(run: Run) -> float:
    """Direct benefit of all adopters (million KRW per year)."""
    return run.total(Flow.DIRECT) / run.parameters.benefit_horizon_years


def _energy(run: Run) -> float:
    p, m = run.parameters, run.measures
    saved = _saved(run, m.energy_share) if m else _per_year(run) * p.energy_share_of_benefit
    return saved / p.energy_price_mkrw_per_toe


def _materials(run: Run) -> float:
    p, m = run.parameters, run.measures
    return _saved(run, m.materials_share) if m else _per_year(run) * p.materials_share_of_benefit


def _saved(run: Run, share: Values) -> float:
    """A share of each measure's direct benefit (million KRW per year)."""
    return float(share @ run.of_measures(MeasureFlow.DIRECT)) / run.parameters.benefit_horizon_years


def _exports_at_risk(run: Run) -> float:
    firms = run.world.firms
    exporting = firms.export_share * firms.employees
    return _share(float(exporting[~run.adopted].sum()), float(exporting.sum()))


BENEFITS = (Flow.DIRECT, Flow.INDIRECT, Flow.ENVIRONMENTAL)

CATALOGUE: dict[str, Outcome] = {
    outcome.id: outcome
    for outcome in (
        Outcome("additional_adopters", "additional adopters (against no policy)", "firms", 1, _additional,
                against_no_policy=True),
        Outcome("adopters", "adopters", "firms", 1, lambda r: r.total(Flow.ADOPTERS)),
        Outcome("adoption_share", "share of firms that adopted", "share", 1,
                lambda r: float(r.adopted.mean())),
        Outcome("supported_firms", "firms supported", "firms", 0, lambda r: r.total(Flow.SUPPORTED)),
        Outcome("supported_adopters", "adopters that were supported", "firms", 1,
                lambda r: r.total(Flow.SUPPORTED_ADOPTERS)),
        Outcome("spillover_adopters", "spill-over adopters (unsupported, not without policy)", "firms", 1,
                _spillover, against_no_policy=True),
        Outcome("additional_per_supported", "additional adopters per supported firm", "firms per firm", 1,
                lambda r: _share(_additional(r), r.total(Flow.SUPPORTED)), against_no_policy=True),
        Outcome("public_money_mkrw", "public money", "million KRW", 0, lambda r: r.total(*PUBLIC_MONEY)),
        Outcome("programme_money_mkrw", "of which the programme's", "million KRW", 0,
                lambda r: r.total(*PROGRAMME_MONEY)),
        Outcome("instrument_money_mkrw", "of which other instruments'", "million KRW", 0,
                lambda r: r.total(Flow.INSTRUMENTS, Flow.INSTRUMENT_SUBSIDY)),
        Outcome("subsidy_mkrw", "of which subsidy", "million KRW", 0,
                lambda r: r.total(*SUBSIDIES)),
        Outcome("unspent_mkrw", "public money unspent at the end", "million KRW", 0,
                lambda r: float(r.flow[:, -1, Flow.UNSPENT].sum())),
        Outcome("private_investment_mkrw", "private investment", "million KRW", 0,
                lambda r: r.total(Flow.PRIVATE_INVESTMENT)),
        Outcome("provider_investment_mkrw", "investment of service providers", "million KRW", 0,
                lambda r: r.total(Flow.PROVIDER_INVESTMENT)),
        Outcome("direct_benefit_mkrw", "direct economic benefit", "million KRW", 1,
                lambda r: r.total(Flow.DIRECT)),
        Outcome("indirect_benefit_mkrw", "indirect economic benefit", "million KRW", 1,
                lambda r: r.total(Flow.INDIRECT)),
        Outcome("environmental_benefit_mkrw", "environmental benefit", "million KRW", 1,
                lambda r: r.total(Flow.ENVIRONMENTAL)),
        Outcome("total_benefit_mkrw", "total benefit", "million KRW", 1, lambda r: r.total(*BENEFITS)),
        Outcome("programme_roi", "economic ROI of supported adopters, as in Table 4", "ratio", 1,
                lambda r: _share(r.total(Flow.PROGRAMME_DIRECT), r.total(Flow.PROGRAMME_INVESTMENT))),
        Outcome("energy_saved_toe_per_year", "energy saved", "toe per year", 1, _energy),
        Outcome("materials_saved_mkrw_per_year", "materials saved", "million KRW per year", 1,
                _materials),
        Outcome("emissions_avoided_tco2_per_year", "emissions avoided", "t CO2 per year", 1,
                lambda r: _energy(r) * r.parameters.emission_factor_tco2_per_toe),
        Outcome("exports_at_risk_share", "exports (by employees) of firms without cleaner production",
                "share", -1, _exports_at_risk),
        Outcome("accidents", "firm-quarters with an accident", "firm-quarters", -1,
                lambda r: r.total(Flow.ACCIDENTS)),
        Outcome("accidents_avoided", "firm-quarters with an accident avoided", "firm-quarters", 1,
                lambda r: r.total(Flow.ACCIDENTS_AVOIDED)),
        Outcome("complexes_reached", "complexes with an adopter", "share", 1,
                lambda r: _groups_reached(r, r.world.firms.complex)),
        Outcome("sectors_reached", "sectors with an adopter", "share", 1,
                lambda r: _groups_reached(r, r.world.firms.sector)),
        Outcome("small_share_of_adopters", "adopters with fewer than 50 employees", "share", 0,
                _small_share),
    )
}  # fmt: skip

HEADLINE = "additional_adopters"
# In a difference of two policies the run without policy cancels: adopters do as well, and cheaper.
HEADLINE_DIFFERENCE = "adopters"


@dataclass(frozen=True)
class Ratio:
    """A figure that only makes sense as a ratio of means over runs."""

    id: str
    label: str
    unit: str
    better: int
    numerator: str
    denominator: str


RATIOS: dict[str, Ratio] = {
    "cost_per_additional_adopter_mkrw": Ratio(
        "cost_per_additional_adopter_mkrw", "public money per additional adopter",
        "million KRW per firm", -1, "public_money_mkrw", HEADLINE,
    )
}  # fmt: skip


def outcomes_of(run: Run, only: Collection[str] | None = None) -> dict[str, float]:
    """All outcomes of one run, or those asked for."""
    return {name: CATALOGUE[name].value(run) for name in (only or CATALOGUE)}


def needs_reference(only: Collection[str] | None) -> bool:
    """Whether the outcomes asked for compare a run with no policy."""
    return any(CATALOGUE[name].against_no_policy for name in (only or CATALOGUE))
