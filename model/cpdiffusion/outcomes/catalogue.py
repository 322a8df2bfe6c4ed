"""The outcomes of a run: name, unit, which way is better, and how it is computed."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

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
        """Who has adopted by the end, shape (N,)."""
        return self.adoption_quarter != NEVER


@dataclass(frozen=True, eq=False)
class Results:
    """K replicates of one policy, beside the same firms and draws without any policy.

    ``world`` holds the N firms of all replicates, or those of each, block after block.
    """

    parameters: Parameters
    world: World
    adoption_quarter: NDArray[np.int16]  # (K, N)
    supported_quarter: NDArray[np.int16]  # (K, N)
    without_policy: NDArray[np.int16] | None  # (K, N) adoption quarters under no policy, if asked for
    flow: Values  # (K, R, Q, flows), as in engine.state.State
    measures: CpMeasures | None = None  # M that firms chose from; None: they decided on a package
    adoption_by_measure: NDArray[np.int16] | None = None  # (K, M, N)

    def single(self) -> Run:
        """The first replicate, firm by firm."""
        without, by_measure = self.without_policy, self.adoption_by_measure
        return Run(
            self.parameters, self.world, self.adoption_quarter[0], self.supported_quarter[0],
            None if without is None else without[0], self.flow[0], self.measures,
            None if by_measure is None else by_measure[0],
        )  # fmt: skip

    @cached_property
    def adopted(self) -> NDArray[np.bool_]:
        """Who has adopted by the end, shape (K, N)."""
        return self.adoption_quarter != NEVER

    @cached_property
    def adopted_anyway(self) -> NDArray[np.bool_]:
        """Who has adopted by the end without any policy, shape (K, N)."""
        if self.without_policy is None:
            raise ValueError("the run without policy was left out; mark the outcome against_no_policy")
        return self.without_policy != NEVER

    def firms(self, column: str) -> NDArray[Any]:
        """A column of the firms, shape (K, N), or (1, N) where all replicates have the same."""
        values: NDArray[Any] = getattr(self.world.firms, column)
        return values.reshape(-1, self.adoption_quarter.shape[1])

    def total(self, *flows: Flow) -> Values:
        """Sum of flows over regions and quarters, shape (K,)."""
        return np.asarray(sum(self._totals[:, flow] for flow in flows))

    def of_measures(self, what: MeasureFlow) -> Values:
        """Sum of a flow of each measure, shape (K, M)."""
        return self._totals[:, len(Flow) + what :: len(MeasureFlow)]

    @cached_property
    def _totals(self) -> Values:
        return self.flow.reshape(len(self.flow), -1, self.flow.shape[-1]).sum(axis=1)


@dataclass(frozen=True)
class Outcome:
    """One figure per run. ``better`` is +1 if more is better, -1 if less is, 0 if neither."""

    id: str
    label: str
    unit: str
    better: int
    value: Callable[[Results], Values]  # of shape (K,)
    against_no_policy: bool = False  # whether it needs the run without policy


def _additional(runs: Results) -> Values:
    return _number(runs.adopted) - _number(runs.adopted_anyway)


def _spillover(runs: Results) -> Values:
    unsupported = runs.adopted & (runs.supported_quarter == NEVER)
    return _number(unsupported & ~runs.adopted_anyway)


def _number(marked: NDArray[np.bool_]) -> Values:
    """How many firms are marked in each replicate, shape (K,)."""
    return np.count_nonzero(marked, axis=1).astype(float)


def _share(part: Values, whole: Values) -> Values:
    """Part over whole; nan where the whole is nothing."""
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole != 0.0)


def _groups_reached(runs: Results, column: str) -> Values:
    """Of the groups that have members, the share of those that have adopters."""
    group = runs.firms(column)
    groups, count = int(group.max()) + 1, len(runs.adopted)
    place = group + groups * np.arange(count, dtype=np.int32)[:, None]  # of each replicate's groups
    reached, there = (np.zeros(count * groups, np.bool_) for _ in range(2))
    reached[place[runs.adopted]] = True
    there[place[: len(group)].ravel()] = True
    members = _number(there.reshape(count, groups)[: len(group)])
    return _share(_number(reached.reshape(count, groups)), np.broadcast_to(members, count))


def _small_share(runs: Results) -> Values:
    small = runs.firms("employees") < SMALL_FIRM_EMPLOYEES
    return _share(_number(small & runs.adopted), _number(runs.adopted))


def _per_year(runs: Results) -> Values:
    """Direct benefit of all adopters (million KRW per year)."""
    return runs.total(Flow.DIRECT) / runs.parameters.benefit_horizon_years


def _energy(runs: Results) -> Values:
    p, m = runs.parameters, runs.measures
    saved = _saved(runs, m.energy_share) if m else _per_year(runs) * p.energy_share_of_benefit
    return saved / p.energy_price_mkrw_per_toe


def _materials(runs: Results) -> Values:
    p, m = runs.parameters, runs.measures
    return _saved(runs, m.materials_share) if m else _per_year(runs) * p.materials_share_of_benefit


def _saved(runs: Results, share: Values) -> Values:
    """A share of each measure's direct benefit (million KRW per year)."""
    saved = (runs.of_measures(MeasureFlow.DIRECT) * share).sum(axis=1)
    return np.asarray(saved / runs.parameters.benefit_horizon_years)


def _exports_at_risk(runs: Results) -> Values:
    exporting = runs.firms("export_share") * runs.firms("employees")
    at_risk = np.where(runs.adopted, 0.0, exporting).sum(axis=1)
    return _share(at_risk, np.broadcast_to(exporting.sum(axis=1), at_risk.shape))


BENEFITS = (Flow.DIRECT, Flow.INDIRECT, Flow.ENVIRONMENTAL)

CATALOGUE: dict[str, Outcome] = {
    outcome.id: outcome
    for outcome in (
        Outcome("additional_adopters", "additional adopters (against no policy)", "firms", 1, _additional,
                against_no_policy=True),
        Outcome("adopters", "adopters", "firms", 1, lambda r: r.total(Flow.ADOPTERS)),
        Outcome("adoption_share", "share of firms that adopted", "share", 1,
                lambda r: r.adopted.mean(axis=1)),
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
                lambda r: r.flow[:, :, -1, Flow.UNSPENT].sum(axis=1)),
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
                lambda r: _groups_reached(r, "complex")),
        Outcome("sectors_reached", "sectors with an adopter", "share", 1,
                lambda r: _groups_reached(r, "sector")),
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


def outcomes_of(runs: Results, only: Collection[str] | None = None) -> dict[str, Values]:
    """All outcomes of K runs, or those asked for, each of shape (K,)."""
    return {name: CATALOGUE[name].value(runs) for name in (only or CATALOGUE)}


def outcomes_of_one(run: Run) -> dict[str, float]:
    """All outcomes of one run."""
    without, by_measure = run.without_policy, run.adoption_by_measure
    alone = Results(
        run.parameters, run.world, run.adoption_quarter[None], run.supported_quarter[None],
        None if without is None else without[None], run.flow[None], run.measures,
        None if by_measure is None else by_measure[None],
    )  # fmt: skip
    return {name: float(values[0]) for name, values in outcomes_of(alone).items()}


def needs_reference(only: Collection[str] | None) -> bool:
    """Whether the outcomes asked for compare a run with no policy."""
    return any(CATALOGUE[name].against_no_policy for name in (only or CATALOGUE))
