"""What would turn the answer: parameters moved one at a time to the ends of their ranges.

One at a time finds what matters most, not what matters together; the sensitivity study does. Parameters
that are drawn from a posterior are not moved: each replicate has its own draw of them, at both ends as at
the default.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cpdiffusion.outcomes.catalogue import HEADLINE_DIFFERENCE
from cpdiffusion.outcomes.experiment import Experiment, run_batch, values_of
from cpdiffusion.outcomes.memo import Memo
from cpdiffusion.outcomes.paired import Interval, mean_interval
from cpdiffusion.parameters import REGISTRY, Parameters
from cpdiffusion.registry.entry import Parameter
from cpdiffusion.runner.parallel import Workers
from cpdiffusion.runner.progress import progress_bar
from cpdiffusion.studies.draws import FEWEST_DRAWS
from cpdiffusion.studies.settings import Settings
from cpdiffusion.studies.setup import Plan

if TYPE_CHECKING:
    import pandas as pd

SCREENED_WITH = 6  # replicates with which every parameter is tried
LOOKED_AT = 12  # parameters with the largest swings, which are tried again with
REPLICATES = FEWEST_DRAWS  # under a posterior each has a draw of its own

End = tuple[str, Any]
DEFAULT: End = ("", 0.0)
Found = dict[End, Interval]


class Moved(NamedTuple):
    """What is moved to two ends: a parameter has the same, another setting says it with this."""

    name: str
    meaning: str
    unit: str
    status: str
    low: Any
    high: Any


def turning_points(planned: Plan, settings: Settings, workers: Workers) -> pd.DataFrame:
    """The main pair's difference in additional adopters at both ends of every parameter's range.

    One row per parameter, the largest swing first; all ends are paired with the default.
    """
    import pandas as pd

    scenario, baseline = planned.main_pair
    designs = planned.experiment.designs
    experiment = planned.experiment.with_designs({n: designs[n] for n in (scenario, baseline)})
    moved = [p for p in REGISTRY if may_move(p, experiment)]
    job = partial(difference_at, experiment, scenario, baseline, Memo())
    screened = differences(job, moved, SCREENED_WITH, settings, workers)
    moved.sort(key=lambda p: -swing(p, screened))
    found = differences(job, moved[:LOOKED_AT], REPLICATES, settings, workers)
    values = experiment.parameters
    rows = [row_of_ends(p, values[p.name], found, REPLICATES) for p in moved[:LOOKED_AT]]
    # too few replicates in the screening to judge; those with small swings do not turn anything
    rows += [row_of_ends(p, values[p.name], screened, SCREENED_WITH, False) for p in moved[LOOKED_AT:]]
    frame = pd.DataFrame(rows)
    frame.insert(0, "scenario", scenario)
    frame.insert(1, "baseline", baseline)
    return frame


def differences(
    job: Callable[[int, End], Interval], moved: Sequence[Parameter], replicates: int,
    settings: Settings, workers: Workers,
) -> Found:  # fmt: skip
    """The difference at the default and at both ends of the given parameters."""
    ends = [DEFAULT, *((p.name, end) for p in moved for end in (p.low, p.high))]
    found: Found = {}
    with progress_bar("what would turn it", len(ends), settings.progress) as bar:
        results = workers.map(partial(job, replicates), ends)
        for end, interval in zip(ends, results, strict=True):
            found[end] = interval
            bar.update(1)
    return found


def swing(parameter: Parameter | Moved, found: Found) -> float:
    """How far the difference moves over a parameter's range (firms)."""
    ends = [found[parameter.name, end].estimate for end in (parameter.low, parameter.high)]
    return max(*ends, found[DEFAULT].estimate) - min(*ends, found[DEFAULT].estimate)


def may_move(parameter: Parameter, experiment: Experiment) -> bool:
    """Every parameter but those of other rules, the number of firms where the user gave them, and those
    that are drawn."""
    is_given = bool(experiment.recipe.given) and parameter.name == "firms_per_region"
    is_drawn = parameter.name in experiment.drawn
    return not (is_given or is_drawn) and parameter.behaviour in (None, experiment.behaviour.name.lower())


def difference_at(
    experiment: Experiment, scenario: str, baseline: str, memo: Memo, replicates: int, end: End
) -> Interval:
    """The paired difference with one parameter at one end, all else as it was."""
    name, value = end
    if name:
        experiment = experiment.with_parameters(Parameters({**experiment.parameters, name: value}))
    batches = [run_batch(experiment, *s, (HEADLINE_DIFFERENCE,), memo) for s in experiment.looks(replicates)]
    levels = (values_of(batches, design, HEADLINE_DIFFERENCE) for design in (scenario, baseline))
    return mean_interval(np.subtract(*levels))


def row_of_ends(
    parameter: Parameter | Moved, default: Any, found: Found, replicates: int, judged: bool = True
) -> dict[str, Any]:
    """One parameter's line in the table; ``judged``: whether to say that it turns the answer."""
    low, high = found[parameter.name, parameter.low], found[parameter.name, parameter.high]
    return {
        "parameter": parameter.name, "meaning": parameter.meaning, "unit": parameter.unit,
        "status": parameter.status, "default": default, "low": parameter.low, "high": parameter.high,
        "difference_at_default": found[DEFAULT].estimate,
        "difference_at_low": low.estimate, "at_low_from": low.low, "at_low_to": low.high,
        "difference_at_high": high.estimate, "at_high_from": high.low, "at_high_to": high.high,
        "replicates": replicates,
        "turns": judged and any(_turns(found[DEFAULT], end) for end in (low, high)),
    }  # fmt: skip


def _turns(default: Interval, moved: Interval) -> bool:
    """Whether the sign is no longer clear, or clearly the other, at an end."""
    return default.excludes_zero and not (moved.excludes_zero and default.low * moved.low > 0)
