"""What would turn the answer: parameters moved one at a time to the ends of their ranges.

One at a time finds what matters most, not what matters together; the sensitivity study does.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from cpdiffusion.engine.state import State
from cpdiffusion.outcomes.catalogue import CATALOGUE, HEADLINE_DIFFERENCE
from cpdiffusion.outcomes.experiment import Experiment, run_replicate
from cpdiffusion.outcomes.paired import Interval, mean_interval
from cpdiffusion.parameters import REGISTRY, Parameter, Parameters, RecordingParameters
from cpdiffusion.runner.parallel import Workers
from cpdiffusion.runner.progress import progress_bar
from cpdiffusion.studies.settings import Settings
from cpdiffusion.studies.setup import Plan
from cpdiffusion.world.world import World

if TYPE_CHECKING:
    import pandas as pd

REPLICATES = 24  # paired at both ends and at the default, so that swings stand out of the noise
LARGEST_KEPT = 20_000  # firms: larger worlds are built again instead of kept in memory

End = tuple[str, float]
DEFAULT: End = ("", 0.0)


def turning_points(planned: Plan, settings: Settings, workers: Workers) -> pd.DataFrame:
    """The main pair's difference in additional adopters at both ends of every parameter's range."""
    import pandas as pd

    scenario, baseline = planned.main_pair
    designs = planned.experiment.designs
    experiment = planned.experiment.with_designs({n: designs[n] for n in (scenario, baseline)})
    moved = [p for p in REGISTRY if may_move(p, experiment)]
    ends = [DEFAULT, *((p.name, end) for p in moved for end in (p.low, p.high))]
    worlds = kept_worlds(experiment)
    job = partial(difference_at, experiment, scenario, baseline, worlds)
    found: dict[End, Interval] = {}
    with progress_bar("what would turn it", len(ends), settings.progress) as bar:
        for end, interval in zip(ends, workers.map(job, ends), strict=True):
            found[end] = interval
            bar.update(1)
    rows = [_row(p, experiment.parameters[p.name], found) for p in moved]
    frame = pd.DataFrame(rows)
    frame.insert(0, "scenario", scenario)
    frame.insert(1, "baseline", baseline)
    swing = (frame.difference_at_high - frame.difference_at_low).abs()
    return frame.loc[swing.sort_values(ascending=False, kind="stable").index].reset_index(drop=True)


def may_move(parameter: Parameter, experiment: Experiment) -> bool:
    """Size and price units are no uncertainty of the answer for a world that is given."""
    return not (experiment.recipe.given and parameter.name == "firms_per_region")


def kept_worlds(experiment: Experiment) -> tuple[list[World], set[str]]:
    """The worlds of the replicates, and the parameters that went into them."""
    recorder = RecordingParameters(experiment.parameters)
    size = experiment.recipe.size(experiment.parameters)
    Experiment.world(_with(experiment, recorder), 0)
    keep = REPLICATES if size <= LARGEST_KEPT else 0
    return [experiment.world(k) for k in range(keep)], recorder.read


def _with(experiment: Experiment, parameters: Parameters) -> Experiment:
    return replace(experiment, parameters=parameters)


def difference_at(
    experiment: Experiment,
    scenario: str,
    baseline: str,
    worlds: tuple[list[World], set[str]],
    end: End,
) -> Interval:
    """The paired difference with one parameter at one end, all else as it was."""
    name, value = end
    kept, read_by_world = worlds
    if name:
        experiment = _with(experiment, Parameters({**experiment.parameters, name: value}))
    same_world = bool(kept) and name not in read_by_world
    state: State | None = None
    differences = np.empty(REPLICATES)
    for k in range(REPLICATES):
        world = kept[k] if same_world else experiment.world(k)
        state = state or experiment.new_state(world)
        runs = run_replicate(experiment, world, k, state, (HEADLINE_DIFFERENCE,))
        count = CATALOGUE[HEADLINE_DIFFERENCE].value
        differences[k] = count(runs[scenario]) - count(runs[baseline])
    return mean_interval(differences)


def _row(parameter: Parameter, default: float, found: dict[End, Interval]) -> dict[str, Any]:
    low, high = found[parameter.name, parameter.low], found[parameter.name, parameter.high]
    return {
        "parameter": parameter.name, "meaning": parameter.meaning, "unit": parameter.unit,
        "status": parameter.status, "default": default, "low": parameter.low, "high": parameter.high,
        "difference_at_default": found[DEFAULT].estimate,
        "difference_at_low": low.estimate, "at_low_from": low.low, "at_low_to": low.high,
        "difference_at_high": high.estimate, "at_high_from": high.low, "at_high_to": high.high,
        "turns": _turns(found[DEFAULT], low) or _turns(found[DEFAULT], high),
    }  # fmt: skip


def _turns(default: Interval, moved: Interval) -> bool:
    """Whether the sign is no longer clear, or clearly the other, at an end."""
    return default.excludes_zero and not (moved.excludes_zero and default.low * moved.low > 0)
