"""Where the points of a scenario discovery come from: runs of its own, or a sweep that is finished."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from cpdiffusion.discovery.box import Axis
from cpdiffusion.errors import InputError
from cpdiffusion.factors.factor import Factor, as_column
from cpdiffusion.factors.known import Values, known
from cpdiffusion.factors.points import Points
from cpdiffusion.instruments.enactment import in_order
from cpdiffusion.policy.design import design_of
from cpdiffusion.policy.scenarios import Scenario
from cpdiffusion.studies.replicate_work import ReplicateWork
from cpdiffusion.studies.settings import Settings
from cpdiffusion.studies.setup import baselines_of
from cpdiffusion.studies.sweep.opened import RUNS, Opened, open_results

MANIFEST = "manifest.json"


@dataclass(frozen=True, eq=False)
class Source:
    """Runs at points, with the scenarios behind them."""

    opened: Opened
    points: Points
    scenarios: Mapping[str, Scenario]
    baseline: str | None  # the one asked for
    seeds_per_draw: int
    folder: Path | None = None  # of the sweep that it was read from
    command: str = ""  # that ran it

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Scenarios with their baselines."""
        found = baselines_of(dict(self.scenarios), self.baseline)
        return [(name, base) for name, base in found.items() if base is not None]

    @property
    def main_pair(self) -> tuple[str, str] | None:
        """The first pair in which both sides spend money, else the first; none for a single scenario."""
        spends = {name for name, s in self.scenarios.items() if spends_money(s)}
        return next((pair for pair in self.pairs if set(pair) <= spends), next(iter(self.pairs), None))

    @cached_property
    def factors(self) -> tuple[Factor, ...]:
        """The factors that vary, over the values that they take."""
        varied = (factor_as_varied(key, column) for key, column in self.points.columns.items())
        return tuple(factor for factor in varied if factor is not None)

    def axes(self, rows: Values) -> list[Axis]:
        """The factors at some of the points."""
        return [axis_of(factor, self.points.columns[factor.key][rows]) for factor in self.factors]


def spends_money(scenario: Scenario) -> bool:
    """Whether a scenario has a programme with a budget."""
    return design_of(scenario.levers, in_order(scenario.instruments)).budget_mkrw_per_year > 0


def factor_as_varied(key: str, column: Values) -> Factor | None:
    """A factor over the values that it takes; None if it takes only one."""
    about, values = known(key), sorted(set(column.tolist()), key=str)
    if len(values) < 2:
        return None
    if about.choices:
        return Factor(about, values=tuple(values))
    low, high = float(column.min()), float(column.max())
    near = NEAR * (high - low)  # points do not lie on the very ends of a range
    return Factor(
        about,
        low=about.low if abs(low - about.low) <= near else low,
        high=about.high if abs(high - about.high) <= near else high,
    )


NEAR = 0.02


def axis_of(factor: Factor, column: Values) -> Axis:
    """Words as words; whole numbers, and numbers of which there are few, as values; all others as a range."""
    if not factor.is_number:
        return Axis(factor.key, column, "words")
    few = np.unique(column).size < FEW_VALUES * column.size
    return Axis(factor.key, column.astype(float), "whole" if factor.known.whole or few else "number")


FEW_VALUES = 0.2  # different values per point, below which a number was listed and not drawn from a range


def source_of_work(work: ReplicateWork, settings: Settings, folder: Path) -> Source:
    """Runs of one's own, as far as they are done."""
    each = settings.posterior.seeds_per_draw if settings.posterior.file else 1
    return Source(Opened(folder), work.points, work.ground.scenarios, settings.baseline, each)


def source_of_folder(folder: Path) -> Source:
    """A finished sweep's. InputError for a folder that holds none."""
    if not folder.is_dir():
        raise InputError(f"discover.results={folder}: there is no such folder; give one of a finished sweep.")
    opened = open_results(folder)
    if not (folder / MANIFEST).is_file() or not (folder / RUNS).is_file():
        raise InputError(
            f"discover.results={folder}: is not finished; give the sweep's command again, and then this one."
        )
    asked = _manifest(folder)
    settings, posterior = asked["settings"], asked["settings"].get("posterior", {})
    frame = opened.points.drop(columns="point")
    columns = {key: as_column(frame[key].tolist()) for key in frame}
    scenarios = {name: Scenario.model_validate(content) for name, content in asked["scenarios"].items()}
    each = posterior["seeds_per_draw"] if posterior.get("file") else 1
    command = str(asked.get("command", ""))
    return Source(opened, Points(columns), scenarios, settings["baseline"], each, folder, command)


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        asked: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except ValueError:
        asked = {}
    if not {"settings", "scenarios"} <= asked.keys():
        raise InputError(
            f"{folder / MANIFEST}: is not that of a sweep; give the folder that study=sweep wrote."
        )
    return asked


def cohort_scenarios(scenarios: Mapping[str, Scenario]) -> dict[str, int]:
    """Scenarios with cohorts, and their sizes."""
    return {n: s.levers.cohort_size for n, s in scenarios.items() if s.levers.support == "cluster"}


def require_outcome(source: Source, outcome: str) -> None:
    """InputError for an outcome that was not kept."""
    import pyarrow.parquet as pq

    kept: Sequence[str] = pq.read_schema(source.opened.folder / RUNS).names
    if outcome not in kept:
        raise InputError(
            f"discover.outcome={outcome}: {source.folder} does not hold it; it holds {', '.join(kept[3:])}."
        )
