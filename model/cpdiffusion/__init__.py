"""How cleaner production spreads among small and medium manufacturers.

    import cpdiffusion as cpd

    result = cpd.compare(["region=ulsan"])       # cohorts against individual support, paired
    run = cpd.simulate(["region=ulsan"])         # one run, firm by firm
    model = cpd.mesa_model(["region=ulsan"])     # the same run as a Mesa model
    found = cpd.headline(["parameters=own.parquet"])  # the same under a posterior, at every cohort size
    scores = cpd.relative_efficiency()           # which programmes got more out of the same (Table 4)
    split = cpd.allocate(["allocate.budget_mkrw_per_year=4200"])  # a national budget over regions
    seen = cpd.measure(["world.network=brfarmers"])  # how an observed diffusion went
    runs = cpd.open_results("results/sweep-001")     # a sweep's runs, to filter and to query
    own = cpd.from_frames(firms, ties)           # a world of one's own: compare([...], world=own)

Names are loaded when they are first used, so that importing the package is quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cpdiffusion.api import (
        Allocation,
        Comparison,
        Efficiency,
        Headline,
        Measures,
        Opened,
        Settings,
        Simulation,
        allocate,
        compare,
        headline,
        load,
        measure,
        mesa_model,
        open_results,
        relative_efficiency,
        scenarios,
        simulate,
    )  # fmt: skip
    from cpdiffusion.errors import InputError
    from cpdiffusion.world.networks import from_networkx, to_networkx
    from cpdiffusion.world.readers import from_frames, read_world
    from cpdiffusion.world.world import Recipe, World

_HOME = {
    "load": "api", "simulate": "api", "compare": "api", "measure": "api", "mesa_model": "api",
    "scenarios": "api", "Measures": "api", "headline": "api", "Headline": "api",
    "allocate": "api", "Allocation": "api", "relative_efficiency": "api", "Efficiency": "api",
    "open_results": "api", "Opened": "api",
    "Settings": "api", "Simulation": "api", "Comparison": "api", "InputError": "errors",
    "from_networkx": "world.networks", "to_networkx": "world.networks",
    "from_frames": "world.readers", "read_world": "world.readers", "Recipe": "world.world",
    "World": "world.world",
}  # fmt: skip

__all__ = [
    "Allocation", "Comparison", "Efficiency", "Headline", "InputError", "Measures", "Opened", "Recipe",
    "Settings", "Simulation", "World", "allocate", "compare", "from_frames", "from_networkx", "headline",
    "load", "measure", "mesa_model", "open_results", "read_world", "relative_efficiency", "scenarios",
    "simulate", "to_networkx",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'cpdiffusion' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(f"cpdiffusion.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
