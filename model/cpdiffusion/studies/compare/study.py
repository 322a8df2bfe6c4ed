"""``study=compare``: any number of scenarios against a baseline, paired, with intervals and reasons."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cpdiffusion.outcomes.catalogue import HEADLINE, HEADLINE_DIFFERENCE
from cpdiffusion.outcomes.experiment import Batch, Experiment, run_batch, values_of
from cpdiffusion.outcomes.noise import noise_table
from cpdiffusion.outcomes.paired import Interval, comparison_table, draw_means, mean_interval
from cpdiffusion.outcomes.why import mixtures, shapley
from cpdiffusion.policy.design import channel_words, differing_channels
from cpdiffusion.runner.parallel import Workers
from cpdiffusion.runner.progress import progress_bar
from cpdiffusion.studies.compare.by_measure import measure_table
from cpdiffusion.studies.compare.tables import long_runs, outcome_frame, programme_roi, trajectories
from cpdiffusion.studies.settings import Settings
from cpdiffusion.studies.setup import Plan, plan
from cpdiffusion.world.world import Recipe

if TYPE_CHECKING:
    import pandas as pd

STRETCH = 10  # replicates per task; part of no result
WHY_REPLICATES = 100
WHY_RUNS = 12_800  # bound on mixtures x replicates, so that many channels stay affordable
WHY_LEAST = 10


@dataclass(frozen=True)
class Comparison:
    """The result of a comparison. It does not change: each frame that it hands out is a copy."""

    settings: Settings
    plan: Plan
    replicates: int
    reached: bool  # whether the intervals are as narrow as asked
    _frames: Mapping[str, pd.DataFrame] = field(repr=False)

    @property
    def table(self) -> pd.DataFrame:
        """Scenario x outcome: levels, paired difference with interval, probability of being better."""
        return self._frames["table"].copy()

    @property
    def runs(self) -> pd.DataFrame:
        """One row per scenario and replicate, one column per outcome."""
        return self._frames["runs"].copy()

    @property
    def trajectories(self) -> pd.DataFrame:
        """Scenario x quarter x variable: mean and quantiles over replicates."""
        return self._frames["trajectories"].copy()

    @property
    def roi(self) -> pd.DataFrame:
        """Scenario x programme year: economic ROI of supported adopters."""
        return self._frames["roi"].copy()

    @property
    def why(self) -> pd.DataFrame | None:
        """Scenario x channel: its share of the difference; None if not asked for."""
        return self._frames["why"].copy() if "why" in self._frames else None

    @property
    def turning(self) -> pd.DataFrame | None:
        """Parameter: the difference at both ends of its range; None if not asked for."""
        return self._frames["turning"].copy() if "turning" in self._frames else None

    @property
    def measures(self) -> pd.DataFrame | None:
        """Scenario x measure x quantity; None where firms decide on a package."""
        return self._frames["measures"].copy() if "measures" in self._frames else None

    @property
    def noise(self) -> pd.DataFrame | None:
        """Scenario x outcome: what the parameters and what chance make of the difference, and the
        probability that its expected value is better; None without a posterior or a baseline."""
        return self._frames["noise"].copy() if "noise" in self._frames else None

    @property
    def draws(self) -> pd.DataFrame | None:
        """One row per draw from the posterior, one column per parameter drawn; None without one."""
        return self._frames["draws"].copy() if "draws" in self._frames else None

    def with_why(self, why: pd.DataFrame) -> Comparison:
        """The same comparison with channels that were looked at on their own."""
        return replace(self, _frames={**self._frames, "why": why})

    def row(self, scenario: str, outcome: str = HEADLINE) -> pd.Series:
        """One line of the table."""
        t = self._frames["table"]
        return t[(t.scenario == scenario) & (t.outcome == outcome)].iloc[0]


def compare(settings: Settings, scenario_folder: Path, recipe: Recipe | None = None) -> Comparison:
    """Run the comparison that the settings describe, on a world of one's own; nothing is written."""
    from cpdiffusion.studies.compare.turning import turning_points

    planned = plan(settings, scenario_folder, recipe)
    with Workers(settings.workers) as workers:
        batches, reached = run_until_narrow(planned, settings, workers)
        frames = frames_of(planned, batches)
        replicates = len(values_of(batches, next(iter(planned.scenarios)), HEADLINE_DIFFERENCE))
        if settings.why and planned.pairs:
            frames["why"] = why_table(planned, replicates, settings, workers)
        if settings.turning and planned.pairs:
            frames["turning"] = turning_points(planned, settings, workers)
    return Comparison(settings, planned, replicates, reached, frames)


def frames_of(planned: Plan, batches: list[Batch]) -> dict[str, pd.DataFrame]:
    """What the runs say, before anything is asked about why."""
    experiment, each = planned.experiment, planned.experiment.seeds_per_draw
    runs = {name: outcome_frame(batches, name) for name in planned.scenarios}
    flows = {name: np.concatenate([b.flows[name] for b in batches]) for name in planned.scenarios}
    frames = {
        "table": comparison_table(runs, planned.baselines, each),
        "runs": long_runs(runs),
        "trajectories": trajectories(flows),
        "roi": programme_roi(flows),
    }
    if experiment.measures:
        frames["measures"] = measure_table(flows, planned.baselines, experiment)
    if experiment.draws and planned.pairs:
        frames["noise"] = noise_table(runs, planned.pairs, each)
    if experiment.draws:
        frames["draws"] = draws_frame(experiment, len(next(iter(flows.values()))) // each)
    return frames


def draws_frame(experiment: Experiment, count: int) -> pd.DataFrame:
    """The first so many draws, a row each; replicate k ran under row ``k // seeds_per_draw``."""
    import pandas as pd

    return pd.DataFrame([*experiment.draws[:count]]).rename_axis("draw").reset_index()


# --- replicates ----------------------------------------------------------------------------------


def run_until_narrow(planned: Plan, settings: Settings, workers: Workers) -> tuple[list[Batch], bool]:
    """Replicates until every paired difference is known as narrowly as asked, or the bound is met.

    Under a posterior their number is that of whole draws, two or more, within the bound.
    """
    asked, each, batches, done = settings.replicates, planned.experiment.seeds_per_draw, [], 0
    most = asked.at_most // each * each
    wanted = min(whole_draws(max(asked.at_least, 2 * each), each), most)
    while True:
        batches += run_stretches(planned.experiment, done, wanted - done, workers, settings, "comparing")
        done = wanted
        widest = max((i.half_width for i in headline_differences(planned, batches)), default=0.0)
        if widest <= asked.half_width or done >= most:
            return batches, widest <= asked.half_width
        wanted = min(whole_draws(next_number(done, widest / asked.half_width), each), most)


def whole_draws(replicates: int, seeds_per_draw: int) -> int:
    """The replicates of as many whole draws as it takes to have at least so many."""
    return math.ceil(replicates / seeds_per_draw) * seeds_per_draw


def next_number(done: int, too_wide: float) -> int:
    """Replicates to aim at: the width falls with the root of their number; at most doubled at once."""
    needed = done * too_wide**2 * 1.05
    return math.ceil(min(needed, 2 * done) / STRETCH) * STRETCH


def run_stretches(
    experiment: Experiment,
    first: int,
    count: int,
    workers: Workers,
    settings: Settings,
    description: str,
    only: Sequence[str] | None = None,
) -> list[Batch]:
    """Replicates ``first .. first+count-1`` in stretches, in order, with a progress bar."""
    stretches = list(_stretches(first, count, experiment.seeds_per_draw))
    job = partial(_run_stretch, experiment, only)
    batches = []
    with progress_bar(description, count, settings.progress) as bar:
        for batch, (_, size) in zip(workers.map(job, stretches), stretches, strict=True):
            batches.append(batch)
            bar.update(size)
    return batches


def _run_stretch(experiment: Experiment, only: Sequence[str] | None, stretch: tuple[int, int]) -> Batch:
    return run_batch(experiment, *stretch, only)


def _stretches(first: int, count: int, seeds_per_draw: int) -> Iterator[tuple[int, int]]:
    """Tasks of some STRETCH replicates; no draw is split between two, as it would be set up twice."""
    size = whole_draws(STRETCH, seeds_per_draw)
    for start in range(first, first + count, size):
        yield start, min(size, first + count - start)


def headline_differences(planned: Plan, batches: list[Batch]) -> list[Interval]:
    """Paired difference in additional adopters of every scenario to its baseline."""
    each = planned.experiment.seeds_per_draw
    return [
        mean_interval(draw_means(values_of(batches, s, HEADLINE) - values_of(batches, b, HEADLINE), each))
        for s, b in planned.pairs
    ]


# --- why -----------------------------------------------------------------------------------------


def why_table(
    planned: Plan, replicates: int, settings: Settings, workers: Workers,
    most: int = WHY_REPLICATES, runs: int = WHY_RUNS,
) -> pd.DataFrame:  # fmt: skip
    """Channels of every pair: at most ``most`` replicates of each mixture, about ``runs`` runs a pair."""
    import pandas as pd

    rows = [
        row
        for scenario, baseline in planned.pairs
        for row in why_rows(planned, scenario, baseline, replicates, settings, workers, most, runs)
    ]
    columns = ["scenario", "baseline", "channel", "words", "share", "share_low", "share_high", "replicates"]
    return pd.DataFrame(rows, columns=columns)


def why_rows(
    planned: Plan, scenario: str, baseline: str, replicates: int, settings: Settings, workers: Workers,
    most: int = WHY_REPLICATES, runs: int = WHY_RUNS,
) -> list[dict[str, Any]]:  # fmt: skip
    """Shapley share of each channel in the difference of additional adopters.

    The first ``replicates`` of the comparison are used, fewer when there are many mixtures; under a
    posterior the first draws, with all of their replicates.
    """
    designs = planned.experiment.designs
    channels = differing_channels(designs[baseline], designs[scenario])
    mixed = mixtures(designs[baseline], designs[scenario])
    experiment = planned.experiment.with_designs({_key(c): design for c, design in mixed.items()})
    each = experiment.seeds_per_draw
    affordable = min(most, max(WHY_LEAST, runs // len(mixed)))
    count = min(replicates, whole_draws(max(affordable, 2 * each if experiment.draws else 1), each))
    batches = run_stretches(
        experiment, 0, count, workers, settings, f"why {scenario}", (HEADLINE_DIFFERENCE,)
    )
    value = {c: values_of(batches, _key(c), HEADLINE_DIFFERENCE) for c in mixed}
    rows = []
    for channel, shares in shapley(channels, value).items():
        share = mean_interval(draw_means(shares, each))
        rows.append({
            "scenario": scenario, "baseline": baseline, "channel": channel,
            "words": channel_words(channel), "share": share.estimate,
            "share_low": share.low, "share_high": share.high, "replicates": count,
        })  # fmt: skip
    return rows


def _key(coalition: frozenset[str]) -> str:
    return "+".join(sorted(coalition)) or "baseline"
