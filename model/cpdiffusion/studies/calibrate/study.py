"""``study=calibrate``: which parameters reproduce the reported returns and the other patterns."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cpdiffusion.calibration.learned import fit_table, pair_table, parameter_table, source_table
from cpdiffusion.calibration.posterior import Posterior
from cpdiffusion.calibration.priors import CALIBRATED, prior_of
from cpdiffusion.calibration.side_benefits import side_benefit_draws
from cpdiffusion.calibration.simulator import Simulator
from cpdiffusion.calibration.smc import TEMPERATURES, Found, Problem, sample_posterior
from cpdiffusion.calibration.tables import layout_of
from cpdiffusion.calibration.targets import Target, kept, targets_of
from cpdiffusion.errors import InputError
from cpdiffusion.evidence.moments import return_moments
from cpdiffusion.evidence.table4 import RegionYear, table4
from cpdiffusion.parameters import parameters
from cpdiffusion.runner.manifest import code_hash, file_hash, versions
from cpdiffusion.runner.parallel import available_cores
from cpdiffusion.runner.progress import progress_bar
from cpdiffusion.studies.own_results import read_results
from cpdiffusion.studies.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

HISTORY = "history.db"
INDIFFERENT = ("out", "overwrite", "workers", "progress", "figures")


@dataclass(frozen=True, eq=False)
class Calibrated:
    """The result of the study; frames are made on demand."""

    settings: Settings
    rows: tuple[RegionYear, ...]
    all_targets: tuple[Target, ...]
    problem: Problem
    found: Found

    @cached_property
    def parameters(self) -> pd.DataFrame:
        """Posterior beside prior, with a verdict per parameter."""
        return parameter_table(self.found, self.problem.prior)

    @cached_property
    def fits(self) -> pd.DataFrame:
        """Every target, also those left out, beside what calibrated candidates say."""
        names = {target.name for target in self.problem.targets}
        frame = fit_table(self.found, self.all_targets)
        return frame.assign(used=frame.target.isin(names))

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """Pairs of parameters by correlation."""
        return pair_table(self.found, self.problem.prior)

    @cached_property
    def sources(self) -> pd.DataFrame:
        """Which target informs which parameter."""
        return source_table(self.found, self.problem.prior, self.problem.targets)

    def posterior(self, command: str) -> Posterior:
        """Draws with the side benefits' exact ones beside them, and how they were made."""
        side = side_benefit_draws(
            self.rows, len(self.found.weights), np.random.default_rng([self.settings.seed, len(self.rows)])
        )
        return Posterior(
            (*self.problem.prior.names, *side),
            np.column_stack([self.found.values, *side.values()]),
            self.found.weights,
            self._provenance(command),
        )

    def _provenance(self, command: str) -> dict[str, Any]:
        settings = self.settings
        return {
            "command": what_matters(command),
            "seed": settings.seed,
            "table": settings.results.name if settings.results else settings.table,
            "targets": [target.name for target in self.problem.targets],
            "temperatures": list(TEMPERATURES),
            "candidates": int(self.found.generations.evaluated.sum()),
            "firms_per_region": settings.calibrate.firms_per_region,
            "histories": settings.calibrate.histories,
            "fixed": dict(settings.parameters),
            "versions": versions() | pyabc_version(),
        }


def what_matters(command: str) -> str:
    """The command without what changes nothing in the posterior: where it goes, and who computes it."""
    words = shlex.split(command)
    return shlex.join(word for word in words if word.partition("=")[0] not in INDIFFERENT)


def pyabc_version() -> dict[str, str]:
    """Version of the library that drives the calibration."""
    from importlib import metadata

    return {"pyabc": metadata.version("pyabc")}


def calibrated(settings: Settings, folder: Path) -> Calibrated:
    """Calibrate, going on from the state in ``folder`` if there is one; no result is written."""
    problem = problem_of(settings)
    found = run(problem, settings, folder / HISTORY)
    return Calibrated(settings, rows_of(settings), all_targets(settings), problem, found)


def problem_of(settings: Settings) -> Problem:
    """What is calibrated to what, checked."""
    targets = kept(all_targets(settings), settings.calibrate.leave_out)
    prior = prior_of(settings.calibrate.parameters or CALIBRATED)
    problem = Problem(simulator_of(rows_of(settings), settings), prior, targets)
    require_free(problem, settings)
    return problem


def compile_once(problem: Problem) -> None:
    """Evaluate a candidate here, so that not every process compiles the model for itself."""
    problem(dict.fromkeys(problem.prior.names, 0.0))


def all_targets(settings: Settings) -> tuple[Target, ...]:
    """Every target that there is, also those to be left out."""
    return targets_of(rows_of(settings), name_of(settings), settings.calibrate.histories)


def run(problem: Problem, settings: Settings, history: Path) -> Found:
    """The posterior, with progress."""
    compile_once(problem)
    population, generations = settings.calibrate.population, len(TEMPERATURES)
    workers = settings.workers or available_cores()
    with progress_bar("calibrating", population * generations, settings.progress) as bar:

        def told(generation: int, accepted: int, evaluated: int) -> None:
            bar.set_postfix_str(f"generation {generation + 1} of {generations}, {evaluated} tried")
            bar.update(generation * population + accepted - bar.n)

        return sample_posterior(problem, population, settings.seed, history, workers, told=told)


def rows_of(settings: Settings) -> tuple[RegionYear, ...]:
    """The user's own results, or Table 4."""
    return read_results(settings.results) if settings.results else table4(settings.table)


def name_of(settings: Settings) -> str:
    """What the results table is called in sources."""
    if settings.results:
        return settings.results.name
    return "Table 4" if settings.table == "as_printed" else "Table 4, reconciled"


def simulator_of(rows: Sequence[RegionYear], settings: Settings) -> Simulator:
    """The simulation of the programmes that the rows report."""
    layout, effects = layout_of(rows), return_moments(rows).region_effects
    chosen = {"firms_per_region": settings.calibrate.firms_per_region, **settings.parameters}
    return Simulator(
        layout, tuple(effects[region] for region in layout.regions),
        parameters(chosen, settings.table, settings.beyond_range), settings.seed,
        settings.calibrate.histories,
    )  # fmt: skip


def require_free(problem: Problem, settings: Settings) -> None:
    """InputError for a parameter that is fixed by another setting or by the world that all share."""
    for name in problem.prior.names:
        if name in settings.parameters:
            raise InputError(
                f"parameters.{name}: is calibrated and cannot be fixed too; leave one out "
                "(calibrate.parameters lists what is calibrated)."
            )
        if name in problem.simulator.fixed_by_world():
            raise InputError(
                f"calibrate.parameters: {name} shapes the network that all candidates share; it can be fixed "
                f"by parameters.{name}= but not calibrated."
            )


def asked_for(settings: Settings) -> dict[str, Any]:
    """What must be the same for unfinished work to go on."""
    content = settings.model_dump(mode="json")
    kept_keys = ("parameters", "table", "seed", "calibrate", "beyond_range")
    asked = {key: content[key] for key in kept_keys}
    asked |= {f"calibrate.{key}": value for key, value in asked.pop("calibrate").items()}
    results = {"results": file_hash(settings.results)} if settings.results else {"results": None}
    return {**asked, **results, "code": code_hash(), "pyabc": pyabc_version()["pyabc"]}
