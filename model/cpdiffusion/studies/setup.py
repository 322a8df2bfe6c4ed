"""From settings to an experiment: scenarios read, parameters checked, the world's recipe chosen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cpdiffusion.behaviour.classic import Behaviour
from cpdiffusion.calibration.posterior import Posterior
from cpdiffusion.errors import InputError, did_you_mean
from cpdiffusion.instruments.checks import (
    check_enacted,
    require_consistent,
    require_key_sectors,
    require_programme,
)
from cpdiffusion.instruments.enactment import in_order
from cpdiffusion.outcomes.experiment import Experiment
from cpdiffusion.parameters import Parameters, parameters
from cpdiffusion.policy.design import Design, design_of
from cpdiffusion.policy.programme import advice_costs
from cpdiffusion.policy.scenarios import Scenario, load_scenario
from cpdiffusion.studies.draws import all_parameters, draws_of, posterior_of
from cpdiffusion.studies.settings import Settings
from cpdiffusion.units import quarters
from cpdiffusion.world.regions import REGIONS, region
from cpdiffusion.world.world import Recipe


@dataclass(frozen=True)
class Plan:
    """An experiment with the scenarios behind its designs and what each is compared with."""

    experiment: Experiment
    scenarios: dict[str, Scenario]
    baselines: dict[str, str | None]
    posterior: Posterior | None = None  # what parameters are drawn from, but for those that are fixed

    @property
    def titles(self) -> dict[str, str]:
        """Title of each scenario by its id."""
        return {name: scenario.title for name, scenario in self.scenarios.items()}

    @property
    def asked(self) -> dict[str, Any]:
        """What the settings came to, for a manifest: scenarios with their levers, and every parameter.

        Of those drawn from a posterior the name, and how the posterior was made.
        """
        drawn, fixed = self.experiment.drawn, self.experiment.parameters
        asked = {
            "scenarios": {n: s.model_dump(mode="json") for n, s in self.scenarios.items()},
            "baselines": self.baselines,
            "parameters": {name: value for name, value in fixed.items() if name not in drawn},
        }
        if self.posterior is not None:
            asked["posterior"] = {"parameters": drawn, "made_by": self.posterior.provenance}
        return asked

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Scenarios with their baselines, in the order given."""
        return [(name, base) for name, base in self.baselines.items() if base is not None]

    @property
    def main_pair(self) -> tuple[str, str]:
        """The first pair in which both sides spend money, else the first: the one to read aloud."""
        spends = {name for name, d in self.experiment.designs.items() if d.budget_mkrw_per_year}
        return next((pair for pair in self.pairs if set(pair) <= spends), self.pairs[0])


def plan(settings: Settings, scenario_folder: Path, recipe: Recipe | None = None) -> Plan:
    """Everything checked before anything is computed; ``recipe`` replaces the settings' world."""
    parameters(settings.parameters, settings.table, settings.beyond_range)
    posterior = posterior_of(settings)
    require_one_rule(settings)
    recipe = recipe or recipe_of(settings)
    return assemble(settings, read_scenarios(settings, scenario_folder), recipe, posterior)


def assemble(
    settings: Settings, scenarios: dict[str, Scenario], recipe: Recipe, posterior: Posterior | None,
    replicates: int | None = None,
) -> Plan:  # fmt: skip
    """A plan from what was read, checked; no file is looked at.

    Where only so many ``replicates`` are wanted, later draws from the posterior are left out.
    """
    p = parameters(settings.parameters, settings.table, settings.beyond_range)
    draws: Sequence[Mapping[str, float]] = draws_of(posterior, settings) if posterior else ()
    if replicates:
        draws = draws[: math.ceil(replicates / settings.posterior.seeds_per_draw)]
    require_one_rule(settings)
    designs = {name: design_of(s.levers, in_order(s.instruments)) for name, s in scenarios.items()}
    for values in all_parameters(p, draws, settings):
        for name, design in designs.items():
            check_design(name, design, recipe, values, settings.horizon_years)
            check_instruments(name, design, recipe, values, settings.horizon_years)
    experiment = Experiment(
        recipe, p, designs, quarters(settings.horizon_years), settings.seed,
        settings.world.redraw, settings.table, Behaviour[settings.behaviour.upper()],
        settings.measures == "catalogue", draws, settings.posterior.seeds_per_draw if draws else 1,
    )  # fmt: skip
    return Plan(experiment, scenarios, baselines_of(scenarios, settings.baseline), posterior)


def require_one_rule(settings: Settings) -> None:
    """InputError when firms are to choose among measures by a rule that knows none."""
    if settings.measures == "catalogue" and settings.behaviour != "peer_benefit":
        raise InputError(
            f"measures=catalogue: needs behaviour=peer_benefit; under behaviour={settings.behaviour} firms "
            "do not weigh measures, so use measures=package."
        )


def recipe_of(settings: Settings, any_network: bool = False) -> Recipe:
    """The user's own world where files are named, else the preset regions.

    ``any_network``: of a register only the firms' names are needed.
    """
    world = settings.world
    files = (world.firms, world.ties, world.graph)
    if world.network:
        from cpdiffusion.world.classic import classic_network

        if any(files):
            raise InputError("world.network: is a world of its own; leave out firms, ties and graph.")
        return classic_network(world.network, world.directed)
    if any(files):
        from cpdiffusion.world.readers import read_world

        own = isinstance(settings.region, list) or settings.region == "all"
        name = "own" if own else str(settings.region)
        return read_world(*files, world.directed, name, any_network)
    return Recipe(regions_of(settings.region))


def regions_of(wanted: str | Sequence[str]) -> tuple[str, ...]:
    """Preset ids; 'all' is every region of Table 4."""
    names = tuple(REGIONS) if wanted == "all" else (wanted,) if isinstance(wanted, str) else tuple(wanted)
    if not names or len(set(names)) < len(names):
        raise InputError(f"region={list(names)}: name each region once.")
    return tuple(region(name).id for name in names)


def read_scenarios(settings: Settings, folder: Path) -> dict[str, Scenario]:
    """Scenarios by id, in the order given; the baseline is added if it is not among them."""
    names = list(settings.scenarios)
    if settings.baseline and settings.baseline not in names:
        names.insert(0, settings.baseline)
    scenarios: dict[str, Scenario] = {}
    for name in names:
        key = Path(name).stem if name.endswith((".yaml", ".yml")) else name
        if key in scenarios:
            raise InputError(f"scenarios: '{key}' is named twice; name each scenario once.")
        scenarios[key] = load_scenario(
            name, folder, {**settings.levers, **settings.instruments, **settings.changes.get(key, {})}
        )
    if unknown := set(settings.changes) - set(scenarios):
        name = sorted(unknown)[0]
        raise InputError(f"changes.{name}: is not among the scenarios{did_you_mean(name, scenarios)}")
    return scenarios


def baselines_of(scenarios: dict[str, Scenario], wanted: str | None) -> dict[str, str | None]:
    """What each scenario is compared with: the one asked for, its own, or the first."""
    first = next(iter(scenarios))
    common = Path(wanted).stem if wanted and wanted.endswith((".yaml", ".yml")) else wanted
    chosen: dict[str, str | None] = {}
    for name, scenario in scenarios.items():
        own = scenario.baseline if scenario.baseline in scenarios else first
        base = common or own
        chosen[name] = None if base == name else base
    return chosen


def check_instruments(name: str, design: Design, recipe: Recipe, p: Parameters, horizon_years: int) -> None:
    """InputError when instruments do not fit the world, the years, the programme or each other."""
    enacted = design.instruments
    check_enacted(name, enacted, recipe.regions, recipe.sectors, horizon_years)
    require_consistent(name, enacted, design.subsidy_rate, p)
    require_programme(name, enacted, has_programme(design), design.targeting)
    require_key_sectors(name, enacted, recipe.regions, recipe.sectors)


def has_programme(design: Design) -> bool:
    """Whether there is a programme that spends money."""
    return design.budget_mkrw_per_year > 0.0 and design.programme_years > 0


def check_design(name: str, design: Design, recipe: Recipe, p: Parameters, horizon_years: int) -> None:
    """InputError when a programme cannot work: a cohort too large, a budget for nobody, too late."""
    if not has_programme(design):
        return
    smallest = recipe.smallest_region(p)
    if design.batch > smallest:
        raise InputError(
            f"{name}: cohort_size={design.batch} is larger than the region ({smallest} firms); "
            f"choose at most {smallest}."
        )
    budget, cost = design.budget_mkrw_per_year * design.programme_years, advice_costs(design, p)[1]
    if budget < cost:
        raise InputError(
            f"{name}: the budget of {budget:g} million KRW is too small for one firm, whose advice "
            f"costs {cost:g}; raise budget_mkrw_per_year or programme_years."
        )
    last_year = design.first_year + design.programme_years - 1
    if last_year > horizon_years:
        raise InputError(
            f"{name}: the programme ends in year {last_year}, after the horizon; set horizon_years to "
            f"{last_year} or more, or fewer programme_years."
        )
