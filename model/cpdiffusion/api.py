"""The library for notebooks and other programs: every study as a function that returns its result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cpdiffusion.config import folder_of, load
from cpdiffusion.errors import InputError
from cpdiffusion.measures.table import Measures
from cpdiffusion.policy.scenarios import scenario_ids
from cpdiffusion.studies.allocate.study import Allocation
from cpdiffusion.studies.allocate.study import allocate as _allocate
from cpdiffusion.studies.compare.study import Comparison
from cpdiffusion.studies.compare.study import compare as _compare
from cpdiffusion.studies.efficiency.study import Efficiency
from cpdiffusion.studies.efficiency.study import efficiency as _efficiency
from cpdiffusion.studies.headline.study import Headline
from cpdiffusion.studies.headline.study import headline as _headline
from cpdiffusion.studies.measures.folder import observed_measures
from cpdiffusion.studies.settings import Settings
from cpdiffusion.studies.setup import plan, recipe_of
from cpdiffusion.studies.simulate.study import Simulation, chosen, seed_of
from cpdiffusion.studies.simulate.study import simulate as _simulate
from cpdiffusion.studies.sweep.opened import Opened, open_results
from cpdiffusion.world.world import Recipe

__all__ = [
    "Allocation",
    "Comparison",
    "Efficiency",
    "Headline",
    "Measures",
    "Opened",
    "Settings",
    "Simulation",
    "allocate",
    "compare",
    "headline",
    "load",
    "measure",
    "mesa_model",
    "open_results",
    "relative_efficiency",
    "scenarios",
    "simulate",
]  # fmt: skip

if TYPE_CHECKING:
    from cpdiffusion.engine.mesa_model import DiffusionModel


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
    return _simulate(_settings(settings), folder_of("scenarios"), scenario, replicate, _recipe(world))


def compare(settings: Settings | Sequence[str] = (), world: OwnWorld = None) -> Comparison:
    """Compare scenarios, paired by common random numbers; arguments as in :func:`simulate`."""
    return _compare(_settings(settings), folder_of("scenarios"), _recipe(world))


def headline(settings: Settings | Sequence[str] = (), world: OwnWorld = None) -> Headline:
    """The main finding under a posterior: cohorts against individual support at equal money.

    Arguments as in :func:`simulate`; overrides are those of ``study=headline``, which draws from the
    posterior that comes with the package unless ``parameters=<file>.parquet`` names another.
    """
    asked = settings if isinstance(settings, Settings) else load(["study=headline", *settings])
    return _headline(asked, folder_of("scenarios"), _recipe(world))


def allocate(settings: Settings | Sequence[str] = ()) -> Allocation:
    """How to split a national budget over regions and kinds of support; overrides of ``study=allocate``."""
    asked = settings if isinstance(settings, Settings) else load(["study=allocate", *settings])
    return _allocate(asked, folder_of("scenarios"))


def relative_efficiency(settings: Settings | Sequence[str] = ()) -> Efficiency:
    """Who gets more out of the same, beside whom (data envelopment analysis); overrides of
    ``study=efficiency``.

    Not called ``efficiency``: that name is the package's room with the method itself.
    """
    return _efficiency(settings if isinstance(settings, Settings) else load(["study=efficiency", *settings]))


def measure(settings: Settings | Sequence[str] = (), world: OwnWorld = None) -> Measures:
    """Network-diffusion measures of observed times of adoption; arguments as in :func:`simulate`.

    The world must hold times of adoption (column or attribute ``time_of_adoption``) and ties. Those of
    a run are in :attr:`Simulation.measures`.
    """
    return observed_measures(_settings(settings), _recipe(world))


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
    recipe = _recipe(world) or recipe_of(settings, any_network=True)
    planned = plan(settings, folder_of("scenarios"), recipe)
    experiment = planned.experiment.at(replicate)
    world, design = experiment.world(replicate), experiment.advised[chosen(planned, scenario)]
    return DiffusionModel(
        world=world, parameters=experiment.parameters, design=design, seed=seed_of(settings, replicate),
        terms=experiment.terms(design, world, replicate),
        behaviour=experiment.behaviour, measures=experiment.measures,
        world_seed=experiment.world_seed(replicate),
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
