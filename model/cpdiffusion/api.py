"""The library for notebooks and other programs: load, simulate, compare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from cpdiffusion.config import folder_of, load
from cpdiffusion.draws import replicate_seeds
from cpdiffusion.engine.state import NEVER, Flow
from cpdiffusion.errors import InputError
from cpdiffusion.outcomes.catalogue import Run, outcomes_of
from cpdiffusion.outcomes.experiment import run_replicate
from cpdiffusion.policy.scenarios import scenario_ids
from cpdiffusion.studies.compare import Comparison
from cpdiffusion.studies.compare import compare as _compare
from cpdiffusion.studies.settings import Settings
from cpdiffusion.studies.setup import Plan, plan
from cpdiffusion.world.world import Recipe, World

__all__ = ["Comparison", "Settings", "Simulation", "compare", "load", "mesa_model", "scenarios", "simulate"]

if TYPE_CHECKING:
    import pandas as pd

    from cpdiffusion.engine.mesa_model import DiffusionModel


@dataclass(frozen=True)
class Simulation:
    """One scenario in one replicate: who adopted when, and what came of it."""

    scenario: str
    replicate: int
    seed: int
    settings: Settings
    run: Run

    @property
    def world(self) -> World:
        """The firms and their ties."""
        return self.run.world

    @cached_property
    def firms(self) -> pd.DataFrame:
        """One row per firm: its attributes, when it was supported and when it adopted (NaN: never)."""
        import pandas as pd

        world = self.world
        frame = pd.DataFrame(world.firms._asdict())
        for name, labels in (
            ("region", world.regions),
            ("complex", world.complexes),
            ("sector", world.sectors),
        ):
            frame[name] = np.asarray(labels, dtype=object)[frame[name]]
        frame.index = pd.Index([world.firm_id(row) for row in range(world.size)], name="firm")
        frame["supported_quarter"] = _quarters(self.run.supported_quarter)
        frame["adoption_quarter"] = _quarters(self.run.adoption_quarter)
        if self.run.without_policy is not None:
            frame["adoption_quarter_without_policy"] = _quarters(self.run.without_policy)
        return frame

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

        return pd.Series(outcomes_of(self.run), name=self.scenario)


OwnWorld = Any  # a Recipe (see from_frames, from_networkx) or a networkx graph


def simulate(
    settings: Settings | Sequence[str] = (),
    scenario: str | None = None,
    replicate: int = 0,
    world: OwnWorld = None,
) -> Simulation:
    """Run one scenario once; by default the last of the settings' scenarios, replicate 0.

    ``settings`` come from :func:`load` or are overrides for it. ``world`` is one's own: a recipe
    from :func:`from_frames` or :func:`from_networkx`, or a networkx graph. Raises InputError.
    """
    settings = _settings(settings)
    planned = plan(settings, folder_of("scenarios"), _recipe(world))
    name = _chosen(planned, scenario)
    experiment = planned.experiment.with_designs({name: planned.experiment.designs[name]})
    built = experiment.world(replicate)
    run = run_replicate(experiment, built, replicate, experiment.new_state(built))[name]
    return Simulation(name, replicate, _seed(settings, replicate), settings, run)


def compare(settings: Settings | Sequence[str] = (), world: OwnWorld = None) -> Comparison:
    """Compare scenarios, paired by common random numbers; arguments as in :func:`simulate`."""
    return _compare(_settings(settings), folder_of("scenarios"), _recipe(world))


def mesa_model(
    settings: Settings | Sequence[str] = (),
    scenario: str | None = None,
    replicate: int = 0,
    world: OwnWorld = None,
    **options: Any,
) -> DiffusionModel:
    """The same run as :func:`simulate` as a Mesa model that is stepped by hand."""
    from cpdiffusion.engine.mesa_model import DiffusionModel

    settings = _settings(settings)
    planned = plan(settings, folder_of("scenarios"), _recipe(world))
    experiment = planned.experiment
    return DiffusionModel(
        world=experiment.world(replicate), parameters=experiment.parameters,
        design=experiment.designs[_chosen(planned, scenario)], seed=_seed(settings, replicate),
        regional_mean=experiment.regional_mean(), horizon_quarters=experiment.horizon_quarters, **options,
    )  # fmt: skip


def _recipe(world: OwnWorld) -> Recipe | None:
    if world is None or isinstance(world, Recipe):
        return world
    if hasattr(world, "nodes") and hasattr(world, "edges"):
        from cpdiffusion.world.networks import from_networkx

        return from_networkx(world)
    raise InputError(
        f"world: is a {type(world).__name__}; give a networkx graph, or what from_frames, "
        "from_networkx or read_world return."
    )


def scenarios() -> list[str]:
    """Ids of the scenarios that come with the package."""
    return scenario_ids(folder_of("scenarios"))


def _settings(settings: Settings | Sequence[str]) -> Settings:
    return settings if isinstance(settings, Settings) else load(settings)


def _seed(settings: Settings, replicate: int) -> int:
    return int(replicate_seeds(settings.seed, replicate, 1)[0])


def _chosen(planned: Plan, scenario: str | None) -> str:
    name = scenario or list(planned.scenarios)[-1]
    if name not in planned.scenarios:
        raise InputError(f"scenario={name}: is not among {', '.join(planned.scenarios)}.")
    return name


def _quarters(column: np.ndarray) -> np.ndarray:
    return np.where(column == NEVER, np.nan, column.astype(float))
