"""``study=replicates``: how many replicates are enough for the difference asked.

A number of replicates (``replicates.at_most``) is run; from the spread of their paired differences follows
how many it takes. Computed and kept like a sweep of a single point, so it can be interrupted and goes on.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cpdiffusion.errors import InputError
from cpdiffusion.factors.known import Values
from cpdiffusion.outcomes.catalogue import CATALOGUE, HEADLINE
from cpdiffusion.outcomes.noise import Noise, split_noise
from cpdiffusion.outcomes.paired import draw_means, mean_interval
from cpdiffusion.runner.carry_out import carry_out
from cpdiffusion.runner.progress import progress_bar
from cpdiffusion.runner.shards import Shards
from cpdiffusion.studies.at_point import ground_of
from cpdiffusion.studies.crews import crew_of
from cpdiffusion.studies.point_values import Pair, point_values
from cpdiffusion.studies.replicate_work import ReplicateWork, replicate_work
from cpdiffusion.studies.replicates.enough import (
    for_half_width,
    for_power,
    running_sd,
    sd_at_most,
    stable_from,
)
from cpdiffusion.studies.sensitivity.design import SomeSet
from cpdiffusion.studies.settings import Settings
from cpdiffusion.studies.sweep.table import TOLD

if TYPE_CHECKING:
    import pandas as pd

POWERS = ((0.80, 0.10), (0.80, 0.05), (0.95, 0.10), (0.95, 0.05), (0.95, 0.01))  # power at alpha
MAIN_POWER = (0.95, 0.05)
ROUNDED = 10  # to which a recommended number is rounded up
SEEDS = (2, 4, 8)  # per draw, for which draws are told


@dataclass(frozen=True, eq=False)
class Enough:
    """What was run: ``levels`` holds, for each outcome, scenario and baseline in every replicate (K,)."""

    settings: Settings
    work: ReplicateWork
    pair: Pair
    levels: Mapping[str, tuple[Values, Values]] = field(repr=False)

    @property
    def seeds_per_draw(self) -> int:
        """Replicates that share a draw of the parameters; 1 where they are fixed."""
        return self.settings.posterior.seeds_per_draw if self.settings.posterior.file else 1

    @property
    def drawn(self) -> bool:
        """Whether parameters are drawn, so that draws are counted and not replicates."""
        return self.seeds_per_draw > 1

    @property
    def asked(self) -> float:
        """The difference worth finding, and the half width wanted, of the main outcome (firms)."""
        return self.settings.replicates.half_width

    @cached_property
    def share_asked(self) -> float:
        """The same as a share of the larger of the two levels, by which it is asked of other outcomes."""
        larger = self._larger_level(HEADLINE)
        return self.asked / larger if larger > 0.0 else math.nan

    def asked_of(self, outcome: str) -> float:
        """The difference worth finding of an outcome, in its unit."""
        return self.asked if outcome == HEADLINE else self.share_asked * self._larger_level(outcome)

    def _larger_level(self, outcome: str) -> float:
        return max(abs(float(np.nanmean(values))) for values in self.levels[outcome])

    def independent(self, values: Values) -> Values:
        """Replicates, or means of draws: what is independent; those that are not known left out."""
        found = draw_means(values, self.seeds_per_draw)
        return found[np.isfinite(found)]

    def difference(self, outcome: str) -> Values:
        """The paired difference of every replicate or draw."""
        mine, base = self.levels[outcome]
        return self.independent(mine - base)

    def noise(self, outcome: str) -> Noise:
        """The paired difference split into what the parameters and what the seeds make of it."""
        mine, base = self.levels[outcome]
        return split_noise(mine - base, self.seeds_per_draw)

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per outcome and quantity (the difference, and both levels)."""
        import pandas as pd

        return pd.DataFrame([row for outcome in self.levels for row in rows_of(self, outcome)])

    def row(self, outcome: str = HEADLINE) -> pd.Series:
        """The line of a difference."""
        t = self.table
        return t[(t.outcome == outcome) & (t.quantity == "difference")].iloc[0]

    @property
    def varies(self) -> bool:
        """Whether the difference of the main outcome is not the same in all replicates."""
        return bool(self.row().sd > 0.0)

    @cached_property
    def recommended(self) -> int | None:
        """Replicates, or draws: what interval, power and stability of the main outcome ask for together."""
        wanted = self.wanted.values()
        if not all(is_told(number) for number in wanted):
            return None
        return math.ceil(max(wanted) / ROUNDED) * ROUNDED

    @property
    def wanted(self) -> dict[str, float]:
        """What each of the three asks for; nan or None where it cannot be told."""
        row = self.row()
        return {
            "the width of the interval": row.for_half_width_at_most,
            "power": row[power_column(*MAIN_POWER)],
            "a stable spread": row.stable_from,
        }


def power_column(power: float, alpha: float) -> str:
    """The name of a column of numbers for a power at an alpha."""
    return f"power_{100 * power:.0f}_at_{100 * alpha:.0f}"


COUNTED = (
    "effect_size", "effect_size_asked", "for_half_width", "for_half_width_at_most",
    *(power_column(power, alpha) for power, alpha in POWERS),
    "sd_unpaired", "unpaired_times", "for_half_width_unpaired",
)  # fmt: skip


def is_told(number: float | None) -> bool:
    """Whether there is a number: a table holds None or nan where there is none."""
    return number is not None and math.isfinite(number)


def work_of(settings: Settings, scenario_folder: Path) -> ReplicateWork:
    """The replicates to run, checked; under a posterior those of whole draws."""
    if settings.factors:
        raise InputError(
            "factors: study=replicates looks at one point; fix settings by levers.<name>= and so on."
        )
    ground = ground_of(settings, scenario_folder, ())
    each = settings.posterior.seeds_per_draw if settings.posterior.file else 1
    count = settings.replicates.at_most // each * each
    work = replicate_work(ground, SomeSet({"": np.array([None])}), count, TOLD)
    if not ground.plan({}).pairs:
        raise InputError(
            "scenarios: study=replicates compares two; name a second one, as in [individual,cluster_25]."
        )
    return work


def run_replicates(work: ReplicateWork, settings: Settings, shards: Shards) -> Enough:
    """All replicates that are not run yet; then what they say."""
    each = work.runs_per_unit
    done = round(sum(chunk.size for chunk in shards.chunks()) * each)
    with progress_bar("replicates", round(work.units * each), settings.progress, done) as bar:
        carry_out(work, shards, crew_of(settings), lambda units: bar.update(round(units * each)))
    for failed in shards.failed():
        raise InputError(failed.reason)
    pair = work.ground.plan({}).main_pair
    return Enough(settings, work, pair, levels_of(work, shards, pair))


def levels_of(work: ReplicateWork, shards: Shards, pair: Pair) -> dict[str, tuple[Values, Values]]:
    """Scenario and baseline of each outcome, read back."""
    found = {o: point_values(shards, o, 1, work.replicates) for o in work.outcomes}
    return {o: (values[pair[0]][0], values[pair[1]][0]) for o, values in found.items()}


# --- the table -----------------------------------------------------------------------------------


def rows_of(found: Enough, outcome: str) -> Iterator[dict[str, Any]]:
    """The difference, and the level of both scenarios."""
    yield difference_row(found, outcome)
    for name, values in zip(found.pair, found.levels[outcome], strict=True):
        yield _about(found, outcome, f"level {name}", found.independent(values))


def difference_row(found: Enough, outcome: str) -> dict[str, Any]:
    """How many of the paired difference are enough for what is asked, and how many unpaired would be.

    None where the difference does not vary: a single replicate shows it.
    """
    values, asked = found.difference(outcome), found.asked_of(outcome)
    row = _about(found, outcome, "difference", values)
    sd = row["sd"]
    if not sd > 0.0:
        return row | {"asked": asked} | dict.fromkeys(COUNTED)
    surely = sd_at_most(sd, values.size)
    apart = math.sqrt(sum(float(found.independent(v).var(ddof=1)) for v in found.levels[outcome]))
    numbers = (
        row["mean"] / sd, asked / sd, for_half_width(sd, asked), for_half_width(surely, asked),
        *(for_power(surely, asked, power, alpha) for power, alpha in POWERS),
        apart, (apart / sd) ** 2, for_half_width(apart, asked),
    )  # fmt: skip
    return row | {"asked": asked} | dict(zip(COUNTED, numbers, strict=True))


def _about(found: Enough, outcome: str, quantity: str, values: Values) -> dict[str, Any]:
    about, interval = CATALOGUE[outcome], mean_interval(values)
    sd = float(values.std(ddof=1)) if values.size > 1 else math.nan
    return {
        "outcome": outcome, "unit": about.unit, "quantity": quantity, "run": values.size,
        "mean": interval.estimate, "low": interval.low, "high": interval.high, "sd": sd,
        "variation": sd / abs(interval.estimate) if interval.estimate else math.nan,
        "stable_from": stable_from(running_sd(values)) if sd > 0 else None,
    }  # fmt: skip


def draws_for(found: Enough, seeds: int) -> int | None:
    """Draws that the half width asked for takes, with so many seeds under each; None if it cannot be told.

    The mean of a draw varies by what the parameters make of it and by the luck of its seeds.
    """
    noise = found.noise(HEADLINE)
    if math.isnan(noise.variance_parameters):
        return None
    sd = math.sqrt(noise.variance_parameters + noise.variance_seeds / seeds)
    return for_half_width(sd_at_most(sd, noise.means.size), found.asked)
