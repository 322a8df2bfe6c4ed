"""``study=simulate``: one scenario in one replicate, firm by firm."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cpdiffusion.draws import replicate_seeds
from cpdiffusion.engine.state import BEFORE, NEVER, Flow
from cpdiffusion.errors import InputError
from cpdiffusion.measures.table import Measures, measures_of
from cpdiffusion.outcomes.catalogue import Run, Values, outcomes_of_one
from cpdiffusion.outcomes.experiment import run_replicate
from cpdiffusion.studies.settings import Settings
from cpdiffusion.studies.setup import Plan, plan, recipe_of
from cpdiffusion.world.world import Recipe, World

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Simulation:
    """One scenario in one replicate: who adopted when, and what came of it.

    Step 0 is before the first quarter, where early adopters stand; step t is quarter t - 1.
    """

    scenario: str
    replicate: int
    seed: int
    settings: Settings
    plan: Plan
    run: Run

    @property
    def world(self) -> World:
        """The firms and their ties."""
        return self.run.world

    @property
    def steps(self) -> int:
        """Number of steps after step 0: the quarters of the horizon."""
        return int(self.run.flow.shape[1])

    @property
    def adoption_step(self) -> Values:
        """Step in which each firm adopted, shape (N,), NaN for never."""
        return _or_nan(self.run.adoption_quarter) - BEFORE

    @cached_property
    def firms(self) -> pd.DataFrame:
        """One row per firm: its attributes, when it was supported and when it adopted (NaN: never).

        Adoption quarter -1 is before the first.
        """
        import pandas as pd

        world = self.world
        frame = pd.DataFrame(world.firms._asdict())
        for name, labels in (
            ("region", world.regions),
            ("complex", world.complexes),
            ("sector", world.sectors),
        ):
            frame[name] = np.asarray(labels, dtype=object)[frame[name]]
        frame.index = pd.Index(self.ids, name="firm")
        frame["supported_quarter"] = _or_nan(self.run.supported_quarter)
        frame["adoption_quarter"] = _or_nan(self.run.adoption_quarter)
        if self.run.measures and self.run.adoption_by_measure is not None:
            for name, quarter in zip(self.run.measures.names, self.run.adoption_by_measure, strict=True):
                frame[f"{name}_quarter"] = _or_nan(quarter)
        if self.run.without_policy is not None:
            frame["adoption_quarter_without_policy"] = _or_nan(self.run.without_policy)
        return frame

    @property
    def ids(self) -> list[str]:
        """Names of the firms, row by row."""
        return [self.world.firm_id(row) for row in range(self.world.size)]

    @property
    def adoptions(self) -> pd.DataFrame:
        """One row per firm: firm, adoption_step (missing: never)."""
        import pandas as pd

        step = pd.array(self.adoption_step, dtype="Int64")
        return pd.DataFrame({"firm": self.ids, "adoption_step": step})

    @property
    def curve(self) -> pd.DataFrame:
        """One row per step from 0: new adopters, adopters so far and their share."""
        import pandas as pd

        step = self.adoption_step
        new = np.bincount(step[~np.isnan(step)].astype(np.int64), minlength=self.steps + 1)
        adopters = new.cumsum()
        frame = pd.DataFrame({"new_adopters": new, "adopters": adopters, "share": adopters / step.size})
        return frame.rename_axis("step").reset_index()

    @cached_property
    def measures(self) -> Measures:
        """Exposure, thresholds at adoption, hazard, contagion, Moran's I and Bass fit of this run."""
        step = self.adoption_step
        return measures_of(self.world.ties, step, first=0, last=self.steps, ids=self.ids)

    @cached_property
    def trajectory(self) -> pd.DataFrame:
        """One row per quarter, one column per flow (million KRW, firms), summed over regions."""
        import pandas as pd

        columns = [flow.name.lower() for flow in Flow]
        return pd.DataFrame(self.run.flow.sum(axis=0), columns=columns).rename_axis("quarter")

    @cached_property
    def outcomes(self) -> pd.Series:
        """All outcomes of the run."""
        import pandas as pd

        return pd.Series(outcomes_of_one(self.run), name=self.scenario)


def simulate(
    settings: Settings,
    scenario_folder: Path,
    scenario: str | None = None,
    replicate: int = 0,
    recipe: Recipe | None = None,
) -> Simulation:
    """Run one scenario once: the one named, or the last of the settings. Nothing is written."""
    planned = plan(settings, scenario_folder, recipe or recipe_of(settings, any_network=True))
    name = chosen(planned, scenario)
    experiment = planned.experiment.with_designs({name: planned.experiment.designs[name]})
    experiment = experiment.at(replicate)
    world = experiment.world(replicate)
    run = run_replicate(experiment, world, replicate)[name]
    return Simulation(name, replicate, seed_of(settings, replicate), settings, planned, run)


def seed_of(settings: Settings, replicate: int) -> int:
    """Seed of a replicate."""
    return int(replicate_seeds(settings.seed, replicate, 1)[0])


def chosen(planned: Plan, scenario: str | None) -> str:
    """A scenario of the plan, by default the last."""
    name = scenario or list(planned.scenarios)[-1]
    if name not in planned.scenarios:
        raise InputError(f"scenario={name}: is not among {', '.join(planned.scenarios)}.")
    return name


def _or_nan(quarter: np.ndarray) -> Values:
    return np.where(quarter == NEVER, np.nan, quarter.astype(float))
