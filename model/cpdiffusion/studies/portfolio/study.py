"""``study=portfolio``: which instruments to add to one design when the public money is given.

Every combination of instruments is the base design with them at full strength. Their planned running
costs come out of the same total, so the programme's yearly budget is lowered by as much. All
combinations run on the same worlds with the same draws as the base.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cpdiffusion.errors import InputError, did_you_mean
from cpdiffusion.instruments.catalogue import CATALOGUE
from cpdiffusion.instruments.enacting import public_costs
from cpdiffusion.instruments.enactment import Enactment, in_order
from cpdiffusion.outcomes.catalogue import HEADLINE, Values
from cpdiffusion.outcomes.experiment import Batch, values_of
from cpdiffusion.outcomes.paired import Interval, mean_interval, probability_better
from cpdiffusion.policy.advised import advised
from cpdiffusion.policy.design import Design
from cpdiffusion.policy.programme import advice_costs
from cpdiffusion.runner.parallel import Workers
from cpdiffusion.studies.compare.overview import BENEFIT, COST, columns, cost_per_adopter
from cpdiffusion.studies.compare.study import run_stretches
from cpdiffusion.studies.settings import Settings
from cpdiffusion.studies.setup import Plan, check_instruments, has_programme, plan
from cpdiffusion.world.world import Recipe, World

if TYPE_CHECKING:
    import pandas as pd

Members = tuple[str, ...]  # ids of instruments, in the order of CATALOGUE
BASE: Members = ()
MONEY = COST.numerator
OUTCOMES = (HEADLINE, MONEY, BENEFIT)
DESIGNS_AT_ONCE = 64  # part of no result; bounds the memory of a large world
ROUNDING = 1e-9  # of the budget


# --- what is tried -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Combination:
    """Instruments added to the base, within the same total."""

    members: Members
    design: Design
    running_costs_mkrw: float  # planned, per region over the run

    @property
    def id(self) -> str:
        """Its name in tables."""
        return "+".join(self.members)


@dataclass(frozen=True)
class Candidates:
    """Everything that is tried, checked before anything is computed."""

    settings: Settings
    plan: Plan
    budget_mkrw: float  # per region over the run
    instruments: Members
    tried: dict[Members, Combination]  # the base first, then by size
    left_out: dict[Members, str]  # and whatever holds it besides; why, as a sentence

    @property
    def base(self) -> str:
        """Id of the base scenario."""
        return next(iter(self.plan.scenarios))

    @property
    def regions(self) -> int:
        """Regions, each with the budget."""
        return len(self.plan.experiment.recipe.regions)

    @property
    def runs(self) -> int:
        """Runs of the model that the study takes."""
        return len(self.tried) * self.settings.portfolio.replicates


def candidates(settings: Settings, scenario_folder: Path, recipe: Recipe | None = None) -> Candidates:
    """What the settings ask for; InputError for more than one design, or a budget for nobody."""
    require_one(settings)
    planned = plan(settings, scenario_folder, recipe)
    purse = Purse(planned, settings)
    names = instruments_of(purse, settings.portfolio.instruments)
    tried, left_out = all_combinations(purse, names, settings.portfolio.largest)
    return Candidates(settings, planned, purse.total_mkrw, names, tried, left_out)


def require_one(settings: Settings) -> None:
    """InputError unless there is exactly one base."""
    if len(settings.scenarios) != 1:
        raise InputError(
            f"scenarios={settings.scenarios}: study=portfolio adds instruments to one design; name one."
        )
    if settings.baseline is not None:
        raise InputError("baseline: study=portfolio compares with its one scenario; leave it empty.")


def instruments_of(purse: Purse, wanted: Sequence[str] | None) -> Members:
    """The instruments asked for, or all that the base does not hold or contradict."""
    if wanted is None:
        fitting = tuple(name for name in CATALOGUE if not unusable(name, purse))
        if not fitting:
            raise InputError(
                f"scenarios=[{purse.base}]: holds or contradicts every instrument; add to another."
            )
        return fitting
    for name in wanted:
        problem = unusable(name, purse) or ("is named twice; name it once." * (wanted.count(name) > 1))
        if problem:
            raise InputError(f"portfolio.instruments: {problem}")
    return tuple(name for name in CATALOGUE if name in wanted)


def unusable(name: str, purse: Purse) -> str:
    """Why an instrument cannot be added to the base; empty if it can."""
    if name not in CATALOGUE:
        return f"there is no instrument '{name}'{did_you_mean(name, CATALOGUE)}"
    if name in purse.own:
        return f"'{name}' is already part of the base '{purse.base}'; leave it out."
    return purse.contradiction((name,))


def all_combinations(
    purse: Purse, names: Members, largest: int
) -> tuple[dict[Members, Combination], dict[Members, str]]:
    """The base and all combinations that can be paid, and the smallest that cannot, with the reason."""
    tried = {BASE: purse.combination(BASE)}
    left_out: dict[Members, str] = {}
    for members in subsets(names, largest):
        if any(set(smaller) <= set(members) for smaller in left_out):
            continue
        if reason := purse.contradiction(members) or purse.shortage(members):
            left_out[members] = reason
        else:
            tried[members] = purse.combination(members)
    return tried, left_out


def subsets(names: Members, largest: int) -> Iterator[Members]:
    """Combinations of one, two ... so many names, in the order given."""
    for size in range(1, min(largest, len(names)) + 1):
        yield from combinations(names, size)


class Purse:
    """The total that a combination may cost, and what is left of it for the programme."""

    def __init__(self, planned: Plan, settings: Settings) -> None:
        self._plan, self._horizon_years = planned, settings.horizon_years
        ((self.base, self._design),) = planned.experiment.designs.items()
        self.own = dict(self._design.instruments)
        self.total_mkrw = settings.portfolio.budget_mkrw or self._own_total_mkrw()
        self._require_enough()

    @cached_property
    def _world(self) -> World:
        return self._plan.experiment.world(0)

    def _own_total_mkrw(self) -> float:
        programme = self._design.budget_mkrw_per_year * self._design.programme_years
        return programme + self.running_costs_mkrw(BASE)

    def _require_enough(self) -> None:
        if self.total_mkrw <= 0.0:
            raise InputError(
                f"portfolio.budget_mkrw: the base '{self.base}' spends nothing; say how much may be spent."
            )
        if self.left_mkrw(BASE) < self._cheapest_mkrw:
            raise InputError(
                f"portfolio.budget_mkrw={self.total_mkrw:g}: is too small for the base '{self.base}', which "
                f"needs at least {self.running_costs_mkrw(BASE) + self._cheapest_mkrw:g}; raise it."
            )

    @property
    def _cheapest_mkrw(self) -> float:
        """What supporting one firm costs; nothing without a programme."""
        p = self._plan.experiment.parameters
        return float(advice_costs(self._design, p)[1]) if has_programme(self._design) else 0.0

    def with_members(self, members: Members) -> Design:
        """The base with instruments at full strength, its budget as it was."""
        return replace(self._design, instruments=in_order(self.own | {m: Enactment() for m in members}))

    def running_costs_mkrw(self, members: Members) -> float:
        """Planned public running costs of all instruments over the run, per region on average."""
        experiment = self._plan.experiment
        enacted = advised(self.with_members(members), experiment.parameters).instruments
        costs = public_costs(enacted, self._world, experiment.parameters, experiment.horizon_quarters)
        return float(costs.sum()) / costs.shape[0]

    def left_mkrw(self, members: Members) -> float:
        """What running costs leave for the programme, per region over its years; below zero if nothing."""
        left = self.total_mkrw - self.running_costs_mkrw(members)
        return 0.0 if abs(left) <= ROUNDING * self.total_mkrw else left

    def combination(self, members: Members) -> Combination:
        """The base with instruments and what they leave of the budget."""
        design = self.with_members(members)
        if has_programme(self._design):
            yearly = self.left_mkrw(members) / design.programme_years
            design = replace(design, budget_mkrw_per_year=yearly)
        return Combination(members, design, self.running_costs_mkrw(members))

    def contradiction(self, members: Members) -> str:
        """Why instruments do not fit the base or each other; empty if they do."""
        experiment = self._plan.experiment
        try:
            check_instruments(
                "+".join(members), self.with_members(members), experiment.recipe, experiment.parameters,
                self._horizon_years,
            )  # fmt: skip
        except InputError as error:
            return str(error)
        return ""

    def shortage(self, members: Members) -> str:
        """Why instruments cannot be paid; empty if they can."""
        name, left = "+".join(members), self.left_mkrw(members)
        if left < 0.0:
            return (
                f"{name}: running costs of {self.running_costs_mkrw(members):,.0f} million KRW alone exceed "
                f"the budget of {self.total_mkrw:,.0f}."
            )
        if left < self._cheapest_mkrw and any(CATALOGUE[m].advises for m in members):
            return f"{name}: running costs leave nothing for the programme that it changes."
        return ""


# --- what comes out ------------------------------------------------------------------------------


Figures = dict[str, Values]  # outcome: its value in every replicate, shape (K,)


@dataclass(frozen=True)
class Portfolio:
    """The result of the study. It does not change: the table that it hands out is a copy."""

    candidates: Candidates
    _figures: dict[Members, Figures] = field(repr=False)

    @cached_property
    def effects(self) -> dict[Members, Values]:
        """Additional adopters of each combination over the base, replicate by replicate (K,)."""
        base = self._figures[BASE][HEADLINE]
        return {members: found[HEADLINE] - base for members, found in self._figures.items()}

    def effect(self, members: Members) -> Interval:
        """Mean additional adopters over the base."""
        return mean_interval(self.effects[members])

    def interaction(self, members: Members) -> Interval:
        """Effect of the combination minus the sum of its members' effects alone (firms)."""
        alone = sum(self.effects[member,] for member in members)
        return mean_interval(self.effects[members] - alone)

    def money_mkrw(self, members: Members) -> float:
        """Public money that is spent, mean over replicates, in all regions."""
        return float(self._figures[members][MONEY].mean())

    def over_budget(self, members: Members) -> bool:
        """Whether more is spent on average than the budget: subsidies follow demand."""
        limit = self.candidates.budget_mkrw * self.candidates.regions
        return self.money_mkrw(members) > limit * (1.0 + ROUNDING)

    @cached_property
    def ranking(self) -> list[Members]:
        """Combinations by additional adopters, most first; of equals the one with fewer instruments."""
        return sorted(list(self.effects)[1:], key=lambda members: -float(self.effects[members].mean()))

    @cached_property
    def within_budget(self) -> list[Members]:
        """The ranking without those that spend more than the budget."""
        return [members for members in self.ranking if not self.over_budget(members)]

    def chance(self, members: Members, other: Members) -> float:
        """Share of replicates in which one combination does better than another; ties count half."""
        return probability_better(self.effects[members] - self.effects[other], 1)

    @cached_property
    def _table(self) -> pd.DataFrame:
        import pandas as pd

        return pd.DataFrame([self._row(members) for members in (BASE, *self.ranking)])

    @property
    def table(self) -> pd.DataFrame:
        """The base, then a row per combination, most additional adopters first.

        Money is in million KRW: running costs and the programme's budget per region, all else the total
        of all regions. Columns with _low and _high are the interval of the mean before them.
        """
        return self._table.copy()

    def _row(self, members: Members) -> dict[str, Any]:
        combination, found = self.candidates.tried[members], self._figures[members]
        benefit = found[BENEFIT] - self._figures[BASE][BENEFIT]
        row = {
            "combination": combination.id or self.candidates.base, "instruments": len(members),
            "running_costs_mkrw": combination.running_costs_mkrw,
            "programme_budget_mkrw_per_year": combination.design.budget_mkrw_per_year,
            "replicates": benefit.size, "additional_adopters": float(found[HEADLINE].mean()),
        }  # fmt: skip
        row |= columns("over_base", self.effect(members)) if members else {}
        row |= {"probability_better_than_base": self.chance(members, BASE)} if members else {}
        row |= {MONEY: self.money_mkrw(members), "over_budget": self.over_budget(members)}
        row |= columns(COST.id, cost_per_adopter(found[MONEY], found[HEADLINE]))
        row |= {BENEFIT: float(found[BENEFIT].mean())}
        row |= columns("benefit_over_base_mkrw", mean_interval(benefit)) if members else {}
        return row | (columns("interaction", self.interaction(members)) if len(members) > 1 else {})


def run_portfolio(asked: Candidates) -> Portfolio:
    """Run every combination; nothing is written."""
    everything = list(asked.tried)
    parts = [everything[k : k + DESIGNS_AT_ONCE] for k in range(0, len(everything), DESIGNS_AT_ONCE)]
    figures: dict[Members, Figures] = {}
    with Workers(asked.settings.workers) as workers:
        for k, part in enumerate(parts):
            figures |= run_part(asked, part, f"portfolio, part {k + 1} of {len(parts)}", workers)
    return Portfolio(asked, figures)


def run_part(
    asked: Candidates, part: Sequence[Members], description: str, workers: Workers
) -> dict[Members, Figures]:
    """Some of the combinations in all replicates."""
    settings = asked.settings
    experiment = asked.plan.experiment.with_designs({asked.tried[m].id: asked.tried[m].design for m in part})
    batches = run_stretches(
        experiment, 0, settings.portfolio.replicates, workers, settings, description, OUTCOMES
    )
    return {members: figures_of(batches, asked.tried[members].id) for members in part}


def figures_of(batches: Sequence[Batch], name: str) -> Figures:
    """The outcomes of one design in every replicate."""
    return {outcome: values_of(batches, name, outcome) for outcome in OUTCOMES}


def portfolio(settings: Settings, scenario_folder: Path, recipe: Recipe | None = None) -> Portfolio:
    """Run the portfolio study that the settings describe, on a world of one's own; nothing is written."""
    return run_portfolio(candidates(settings, scenario_folder, recipe))
