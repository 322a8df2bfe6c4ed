"""What ``study=allocate`` runs: the curves of every region, the splits found from them, and how these do.

Every region is simulated at budgets on a grid under each kind of support, with the same draws at every
budget. From these curves the split with the largest expected benefit and the one with the least regret are
found, and then all splits are run again on seeds and draws that no choice has seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from cpdiffusion.errors import InputError
from cpdiffusion.outcomes.catalogue import Values
from cpdiffusion.outcomes.experiment import NO_POLICY, Experiment
from cpdiffusion.outcomes.paired import draw_means
from cpdiffusion.policy.design import Design
from cpdiffusion.policy.programme import advice_costs
from cpdiffusion.runner.parallel import Workers
from cpdiffusion.studies.allocate.choice import best_choice, best_value, least_regret
from cpdiffusion.studies.allocate.regions import (
    calibrated,
    draws_in_all,
    region_experiments,
    require_presets,
)
from cpdiffusion.studies.allocate.splits import BEST, ROBUST, fixed_splits
from cpdiffusion.studies.compare.study import run_stretches
from cpdiffusion.studies.compare.tables import outcome_frame
from cpdiffusion.studies.settings import Settings
from cpdiffusion.studies.setup import Plan, plan

ADOPTERS, BENEFIT = "adopters", "total_benefit"
OUTCOMES = {ADOPTERS: "adopters", BENEFIT: "total_benefit_mkrw"}
MONEY, SUPPORTED = "public_money_mkrw", "supported_firms"
RECORDED = (*OUTCOMES.values(), MONEY, SUPPORTED)
PARTS = 4  # grid units in an even share
LEVELS = (0, 1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 24)  # budgets on the grid, in units; and the whole budget
NOTHING = "nothing"

Option = tuple[str, float]  # kind of support, million KRW a year
Split = Mapping[str, Option]  # what each region gets
Figures = Mapping[str, Values]  # outcome: gain over no programme, or level of money and firms; (K,)
Runs = Mapping[str, Mapping[Option, Figures]]  # region: option


# --- what is asked -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """Everything that is tried, checked before anything is computed."""

    settings: Settings
    plan: Plan
    budget_mkrw: float  # a year, all regions together
    without_posterior: str  # why the registry's values are used; empty if they are not, or were asked for

    @property
    def regions(self) -> tuple[str, ...]:
        """Ids of the regions."""
        return self.plan.experiment.recipe.regions

    @property
    def kinds(self) -> dict[str, Design]:
        """Kinds of support by scenario."""
        return dict(self.plan.experiment.designs)

    @property
    def years(self) -> int:
        """Programme years."""
        return next(iter(self.kinds.values())).programme_years

    @property
    def capacity(self) -> int:
        """The budget in grid units."""
        return PARTS * len(self.regions)

    @property
    def unit_mkrw(self) -> float:
        """A grid unit, million KRW a year."""
        return self.budget_mkrw / self.capacity

    @property
    def levels(self) -> list[int]:
        """Budgets of a region that are tried, in units."""
        least = self.settings.allocate.least_mkrw_per_year / self.unit_mkrw
        tried = sorted({*(n for n in LEVELS if n < self.capacity), self.capacity})
        return [n for n in tried if n >= least - 1e-9]

    @property
    def fixed(self) -> dict[str, dict[str, float]]:
        """Million KRW a year of each region in the splits that need no simulation."""
        found = fixed_splits(self.regions, self.settings.table, self.settings.allocate.today)
        return {name: {r: self.budget_mkrw * s for r, s in of.items()} for name, of in found.items()}

    @property
    def trained(self) -> tuple[int, int]:
        """First replicate to choose by, and how many."""
        return 0, self.settings.allocate.draws * self.settings.posterior.seeds_per_draw

    @property
    def held_out(self) -> tuple[int, int]:
        """First replicate to judge by, and how many."""
        first = self.trained[1]
        return first, self.settings.allocate.held_out_draws * self.settings.posterior.seeds_per_draw


def asked(settings: Settings, scenario_folder: Path) -> Asked:
    """What the settings ask for; InputError for what cannot be split."""
    require_presets(settings)
    settings, why_not = calibrated(settings)
    most = draws_in_all(settings) * settings.posterior.seeds_per_draw
    wide = settings.replicates.model_copy(update={"at_most": most})
    planned = plan(settings.model_copy(update={"replicates": wide}), scenario_folder)
    designs = planned.experiment.designs
    require_kinds(designs)
    regions = planned.experiment.recipe.regions
    if len(regions) < 2:
        raise InputError(f"region={regions[0]}: there is nothing to split over one region; name two or more.")
    first = next(iter(designs.values()))
    budget = settings.allocate.budget_mkrw_per_year or first.budget_mkrw_per_year * len(regions)
    found = Asked(settings, planned, budget, why_not)
    require_budget(found)
    return found


def require_kinds(designs: Mapping[str, Design]) -> None:
    """InputError unless every scenario is a programme without instruments, in the same years."""
    years = {(d.first_year, d.programme_years) for d in designs.values()}
    for name, design in designs.items():
        if not design.budget_mkrw_per_year or not design.programme_years:
            raise InputError(f"scenarios: '{name}' has no programme to give money to; leave it out.")
        if design.instruments:
            raise InputError(
                f"scenarios: '{name}' enacts instruments, which cost money beside the budget; leave them "
                "out, or weigh them with study=portfolio."
            )
    if len(years) > 1:
        raise InputError(
            "scenarios: give all the same first_year and programme_years, so that money is equal."
        )


def require_budget(of: Asked) -> None:
    """InputError when the budget is too small for one firm, or for what each region is to be left with."""
    p = of.plan.experiment.parameters
    cost = min(float(advice_costs(design, p)[1]) for design in of.kinds.values())
    if of.budget_mkrw * of.years < cost:
        raise InputError(
            f"allocate.budget_mkrw_per_year={of.budget_mkrw:g}: is too small to advise one firm, which costs "
            f"{cost:g} million KRW; raise it."
        )
    least, even = of.settings.allocate.least_mkrw_per_year, of.budget_mkrw / len(of.regions)
    if least > even:
        raise InputError(
            f"allocate.least_mkrw_per_year={least:g}: is more than an even share of the budget ({even:g} "
            "million KRW); lower it."
        )


# --- curves --------------------------------------------------------------------------------------


def run_options(
    experiments: Mapping[str, Experiment], options: Mapping[str, Iterable[Option]], of: Asked,
    stretch: tuple[int, int], workers: Workers, words: str,
) -> Runs:  # fmt: skip
    """Every option of every region in a stretch of replicates, less what happens without a programme."""
    return {
        name: run_region(experiment, list(options[name]), of, stretch, workers, f"{words}, {name}")
        for name, experiment in experiments.items()
    }


def run_region(
    experiment: Experiment, options: Sequence[Option], of: Asked, stretch: tuple[int, int], workers: Workers,
    words: str,
) -> dict[Option, Figures]:  # fmt: skip
    """The options of one region on the same worlds with the same draws."""
    paid = [(kind, mkrw) for kind, mkrw in options if mkrw > 0.0]
    designs = {f"{kind} {mkrw!r}": replace(of.kinds[kind], budget_mkrw_per_year=mkrw) for kind, mkrw in paid}
    batches = run_stretches(
        experiment.with_designs({NOTHING: NO_POLICY, **designs}),
        *stretch,
        workers,
        of.settings,
        words,
        RECORDED,
    )
    base = outcome_frame(batches, NOTHING)
    found: dict[Option, Figures] = {}
    for kind, mkrw in options:
        frame = outcome_frame(batches, f"{kind} {mkrw!r}" if mkrw > 0.0 else NOTHING)
        gains = {short: (frame[name] - base[name]).to_numpy(float) for short, name in OUTCOMES.items()}
        found[kind, mkrw] = {**gains, **{name: frame[name].to_numpy(float) for name in (MONEY, SUPPORTED)}}
    return found


def grid_of(of: Asked) -> list[Option]:
    """Every kind at every budget on the grid; nothing at all once, under the first kind."""
    first = next(iter(of.kinds))
    levels = [n * of.unit_mkrw for n in of.levels]
    return [(kind, mkrw) for kind in of.kinds for mkrw in levels if mkrw > 0.0 or kind == first]


def tried_of(of: Asked) -> dict[str, list[Option]]:
    """Options of each region: the grid, and what the fixed splits give it."""
    kinds = list(of.kinds)
    extra = {r: [(kind, split[r]) for split in of.fixed.values() for kind in kinds] for r in of.regions}
    return {r: list(dict.fromkeys([*grid_of(of), *extra[r]])) for r in of.regions}


# --- the result ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Judged:
    """All splits with the runs that they were chosen by and the runs that they are judged by."""

    asked: Asked
    splits: Mapping[str, Split]
    curves: Runs = field(repr=False)  # to choose by
    judged: Runs = field(repr=False)  # the splits' options on held-out seeds and draws
    judged_clean: Runs = field(repr=False)  # the same where regions differ as without outlier rows

    @property
    def settings(self) -> Settings:
        """What was asked."""
        return self.asked.settings

    @property
    def each(self) -> int:
        """Replicates under each draw."""
        return self.settings.posterior.seeds_per_draw

    def total(self, split: str, outcome: str, runs: Runs | None = None) -> Values:
        """Gain of a split over all regions in each held-out replicate (K,)."""
        runs = self.judged if runs is None else runs
        return np.sum([runs[r][option][outcome] for r, option in self.splits[split].items()], axis=0)

    def promised(self, split: str, outcome: str) -> float:
        """Mean gain of a split on the replicates that it was chosen by."""
        return float(self.total(split, outcome, self.curves).mean())

    @cached_property
    def regrets(self) -> dict[str, Values]:
        """What each split loses in each draw chosen by to the best split for that draw, (draws,)."""
        of, outcome = self.asked, self.settings.allocate.benefit
        best = best_value(values_by_draw(of, self.curves), weights_of(of), of.capacity)
        got = {name: draw_means(self.total(name, outcome, self.curves), self.each) for name in self.splits}
        return {name: best - value for name, value in got.items()}

    @cached_property
    def prices(self) -> dict[str, float]:
        """What the best split loses on the runs chosen by if a region gets nothing; regions that it pays."""
        of = self.asked
        values = [v.mean(axis=0, keepdims=True) for v in values_by_draw(of, self.curves)]
        best = float(best_value(values, weights_of(of), of.capacity)[0])
        paid = [(k, r) for k, r in enumerate(of.regions) if self.splits[BEST][r][1] > 0.0]
        return {r: best - best_without(values, weights_of(of), of.capacity, k) for k, r in paid}

    @cached_property
    def mixing_gains(self) -> float:
        """What both kinds in one region could add to the best split at most, if they did not touch."""
        return mixed_bound(self.asked, self.curves) - self.promised(BEST, self.settings.allocate.benefit)


def judge(settings: Settings, scenario_folder: Path) -> Judged:
    """Find the splits that the settings ask for, and run them again on seeds and draws not seen."""
    of = asked(settings, scenario_folder)
    base = of.plan.experiment
    tried = tried_of(of)
    with Workers(of.settings.workers) as workers:
        regions = region_experiments(base, of.settings)
        curves = run_options(regions, tried, of, of.trained, workers, "curves")
        splits = chosen(of, curves)
        used = {r: dict.fromkeys(split[r] for split in splits.values()) for r in of.regions}
        judged = run_options(regions, used, of, of.held_out, workers, "held out")
        clean = region_experiments(base, of.settings, clean=True)
        judged_clean = run_options(clean, used, of, of.held_out, workers, "without outliers")
    return Judged(of, splits, curves, judged, judged_clean)


def chosen(of: Asked, curves: Runs) -> dict[str, Split]:
    """All splits: the fixed ones with the better kind in each region, then the two that are found."""
    outcome = of.settings.allocate.benefit
    fixed: dict[str, Split] = {
        name: {r: better_kind(of, curves[r], mkrw, outcome) for r, mkrw in split.items()}
        for name, split in of.fixed.items()
    }
    grid, by_draw, weights = grid_of(of), values_by_draw(of, curves), weights_of(of)
    best = best_choice([values.mean(axis=0) for values in by_draw], weights, of.capacity)
    robust = least_regret(by_draw, weights, of.capacity)
    found = {BEST: best, ROBUST: robust}
    return fixed | {
        name: {r: grid[option] for r, option in zip(of.regions, options, strict=True)}
        for name, options in found.items()
    }


def values_by_draw(of: Asked, curves: Runs) -> list[Values]:
    """Gain of every option of the grid in each draw, (draws, options) for each region."""
    outcome, each = of.settings.allocate.benefit, of.settings.posterior.seeds_per_draw
    return [
        np.array([draw_means(curves[r][option][outcome], each) for option in grid_of(of)]).T
        for r in of.regions
    ]


def best_without(values: Sequence[Values], weights: Sequence[Sequence[int]], capacity: int, k: int) -> float:
    """The largest total if region ``k`` is left out."""
    others = [j for j in range(len(values)) if j != k]
    return float(best_value([values[j] for j in others], [weights[j] for j in others], capacity)[0])


def weights_of(of: Asked) -> list[list[int]]:
    """Budgets of the grid's options in units, for each region."""
    return [[round(mkrw / of.unit_mkrw) for _, mkrw in grid_of(of)]] * len(of.regions)


def better_kind(of: Asked, curves: Mapping[Option, Figures], mkrw: float, outcome: str) -> Option:
    """The kind of support that gains more at a budget, on the replicates to choose by."""
    return max(((kind, mkrw) for kind in of.kinds), key=lambda o: float(curves[o][outcome].mean()))


def mixed_bound(of: Asked, curves: Runs) -> float:
    """Largest expected gain if every region could have several kinds whose gains simply add up."""
    outcome, grid = of.settings.allocate.benefit, grid_of(of)
    values, weights = [], []
    for region in of.regions:
        for kind in of.kinds:
            own = [o for o in grid if o[0] == kind and o[1] > 0.0]
            values.append(np.array([[0.0, *(float(curves[region][o][outcome].mean()) for o in own)]]))
            weights.append([0, *(round(mkrw / of.unit_mkrw) for _, mkrw in own)])
    return float(best_value(values, weights, of.capacity)[0])
