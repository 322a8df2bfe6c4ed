"""Adoption in smart green complexes, year by year, to be shown beside the paths planned for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cpdiffusion.instruments.catalogue import CATALOGUE
from cpdiffusion.instruments.concerns import in_smart_complexes, smart_rank
from cpdiffusion.outcomes.catalogue import Run, Values
from cpdiffusion.outcomes.experiment import Experiment, run_replicate
from cpdiffusion.studies.setup import Plan
from cpdiffusion.units import QUARTERS_PER_YEAR

if TYPE_CHECKING:
    import pandas as pd

REPLICATES = 20  # a mean for the eye; the comparison itself rests on its own number


def on_smart_complexes(planned: Plan) -> list[str]:
    """Scenarios that enact an instrument of smart green complexes."""
    designs = planned.experiment.designs.items()
    return [
        name
        for name, design in designs
        if any(CATALOGUE[i].concerns is in_smart_complexes for i, _ in design.instruments)
    ]


def smart_shares(planned: Plan) -> pd.DataFrame:
    """Rows scenario, year, share: adopters among the firms of smart green complexes, mean over runs."""
    import pandas as pd

    experiment = planned.experiment
    runs = [shares_of(experiment.at(k), k) for k in experiment.one_per_draw(REPLICATES)]
    years = np.arange(1, experiment.horizon_quarters // QUARTERS_PER_YEAR + 1)
    return pd.concat(
        pd.DataFrame({"scenario": name, "year": years, "share": np.mean([run[name] for run in runs], axis=0)})
        for name in experiment.designs
    )


def shares_of(experiment: Experiment, replicate: int) -> dict[str, Values]:
    """Share of each scenario in one replicate, at the end of each year."""
    world = experiment.world(replicate)
    seed = np.uint64(experiment.world_seed(replicate))
    smart = smart_rank(world, experiment.parameters, seed) < 1.0
    runs = run_replicate(experiment, world, replicate, ("adopters",))
    return {name: share_by_year(run, smart, experiment.horizon_quarters) for name, run in runs.items()}


def share_by_year(run: Run, among: np.ndarray[tuple[int], np.dtype[np.bool_]], quarters: int) -> Values:
    """Adopters among some firms at the end of each year, as a share."""
    ends = np.arange(QUARTERS_PER_YEAR, quarters + 1, QUARTERS_PER_YEAR)
    return np.array([(run.adoption_quarter[among] < end).mean() for end in ends])
