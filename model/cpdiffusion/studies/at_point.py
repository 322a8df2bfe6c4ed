"""What a study is at one point of its factors: everything read once, then a plan per point."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from cpdiffusion.calibration.posterior import Posterior
from cpdiffusion.errors import InputError, did_you_mean
from cpdiffusion.factors.factor import Factor
from cpdiffusion.factors.points import Points
from cpdiffusion.policy.scenarios import Scenario, with_changes
from cpdiffusion.studies.draws import posterior_of
from cpdiffusion.studies.settings import Settings
from cpdiffusion.studies.setup import Plan, assemble, read_scenarios, recipe_of, regions_of
from cpdiffusion.world.world import Recipe

Point = Mapping[str, Any]
SCENARIOS = ("levers", "instruments")  # groups that change every scenario; ``changes`` changes one


@dataclass(frozen=True, eq=False)
class Ground:
    """The settings of a study and all that their files hold; it travels to other machines."""

    settings: Settings
    scenarios: dict[str, Scenario]
    recipe: Recipe
    posterior: Posterior | None
    replicates: int | None = None  # that are run at every point; as many draws are made

    def for_replicates(self, replicates: int) -> Ground:
        """The same for so many replicates; the draws are those of a comparison that may take as many."""
        most = max(self.settings.replicates.at_most, replicates)
        asked = self.settings.replicates.model_copy(update={"at_most": most})
        settings = self.settings.model_copy(update={"replicates": asked})
        return replace(self, settings=settings, replicates=replicates)

    def plan(self, point: Point) -> Plan:
        """The plan at a point. InputError where its values do not go together."""
        parts = {group: _of_group(point, group) for group in ("parameters", *SCENARIOS, "changes", "world")}
        rest = {key: value for key, value in point.items() if "." not in key}
        settings = self.settings.model_copy(update=rest | self._updated(parts))
        scenarios, recipe = self._scenarios(parts), self._recipe(settings)
        return assemble(settings, scenarios, recipe, self.posterior, self.replicates)

    def example(self, points: Points) -> tuple[int, Plan]:
        """The first point at which there can be a plan, and that plan. InputError where there is none."""
        reason = ""
        for place in range(len(points)):
            try:
                return place, self.plan(points.at(place))
            except InputError as error:
                reason = reason or str(error)
        raise InputError(f"factors: no point can be computed; the first because of this: {reason}")

    def _updated(self, parts: Mapping[str, Point]) -> dict[str, Any]:
        updated: dict[str, Any] = {}
        if parts["parameters"]:
            updated["parameters"] = {**self.settings.parameters, **parts["parameters"]}
        if parts["world"]:
            updated["world"] = self.settings.world.model_copy(update=dict(parts["world"]))
        return updated

    def _scenarios(self, parts: Mapping[str, Point]) -> dict[str, Scenario]:
        common = {**parts["levers"], **parts["instruments"]}
        found = {}
        for name, scenario in self.scenarios.items():
            found[name] = with_changes(scenario, {**common, **_of_group(parts["changes"], name)})
        return found

    def _recipe(self, settings: Settings) -> Recipe:
        if settings.region == self.settings.region:
            return self.recipe
        region = str(settings.region)
        return self._recipes.setdefault(region, Recipe(regions_of(region)))

    @cached_property
    def _recipes(self) -> dict[str, Recipe]:
        """One recipe per region, so that its worlds are found again."""
        return {}


def _of_group(point: Point, group: str) -> dict[str, Any]:
    before = f"{group}."
    return {key.removeprefix(before): value for key, value in point.items() if key.startswith(before)}


def ground_of(settings: Settings, scenario_folder: Path, factors: tuple[Factor, ...]) -> Ground:
    """Everything read and checked as far as it can be before a point is known."""
    scenarios = read_scenarios(settings, scenario_folder)
    for factor in factors:
        _require_fitting(factor, settings, scenarios)
    return Ground(settings, scenarios, recipe_of(settings), posterior_of(settings))


def _require_fitting(factor: Factor, settings: Settings, scenarios: Mapping[str, Scenario]) -> None:
    """InputError for a factor that another setting fixes, or that has nothing to change."""
    group, _, name = factor.key.partition(".")
    scenario = name.rpartition(".")[0]
    if group == "changes" and scenario not in scenarios:
        raise InputError(
            f"factors.{factor.key}: is not among the scenarios{did_you_mean(scenario, scenarios)}"
        )
    fixed: Mapping[str, Any] = getattr(settings, group) if group in ("parameters", *SCENARIOS) else {}
    if name in fixed:
        raise InputError(f"factors.{factor.key}: is fixed by {factor.key}={fixed[name]}; leave one out.")
    world = settings.world
    own = next((what for what in ("firms", "ties", "graph", "network") if getattr(world, what)), None)
    if own and factor.key in ("region", "world.redraw"):
        raise InputError(f"factors.{factor.key}: the world is that of world.{own}; leave one out.")
