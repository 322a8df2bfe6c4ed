"""``study=optimise``: which policies no other beats in all aims at once, robust over the posterior.

Candidates are levers and instruments of one scenario. Each is run under the same draws of the parameters
and the same seeds, so that what differs between two is what the policies cause. What was best in the
search was partly lucky there (the optimiser's curse, Smith & Winkler 2006): the front is run again under
draws and seeds that the search has not seen, and those are the figures that are told.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from cpdiffusion.errors import InputError
from cpdiffusion.factors.factor import Factor, factors_of, flat
from cpdiffusion.runner.crew import OpenCrew
from cpdiffusion.runner.manifest import code_hash, file_hash
from cpdiffusion.runner.progress import progress_bar
from cpdiffusion.search.problem import Draws, Problem
from cpdiffusion.search.search import Found, Plan, Search, computed, front_of
from cpdiffusion.search.standing import StandingCrew
from cpdiffusion.search.work import Evaluated, SearchWork
from cpdiffusion.studies.at_point import Ground, ground_of
from cpdiffusion.studies.crews import crew_of, workers_of
from cpdiffusion.studies.optimise.levers_searched import COHORT, SUPPORT, LeversSearched
from cpdiffusion.studies.settings import Settings

VARIED = ("levers", "instruments")  # groups that whoever decides can choose
INDIFFERENT = ("out", "overwrite", "workers", "progress", "figures", "runner", "dask.", "sweep.")
HELD_OUT = "held-out"


# --- what is asked -------------------------------------------------------------------------------


def problem_of(settings: Settings, scenario_folder: Path) -> LeversSearched:
    """What is searched, checked before anything is computed."""
    asked = with_draws(settings)
    factors = varied(asked)
    ground = ground_of(asked, scenario_folder, factors)
    start = list(ground.scenarios)[-1]
    problem = LeversSearched(_first_is_baseline(ground), factors, start, tuple(asked.optimise.aims))
    _require_scenarios(problem)
    _require_effect(problem)
    return problem


def with_draws(settings: Settings) -> Settings:
    """The same with as many replicates as the search and the evaluation after it need."""
    asked = settings.optimise
    each = settings.posterior.seeds_per_draw if settings.posterior.file else 1
    number = (asked.draws + asked.held_out_draws) * each
    replicates = settings.replicates.model_copy(update={"at_least": 2, "at_most": number})
    return settings.model_copy(update={"replicates": replicates})


def varied(settings: Settings) -> tuple[Factor, ...]:
    """The factors asked for, or the usual ones but for those that are fixed."""
    factors = factors_of(settings.factors or _not_fixed(settings), settings.beyond_range)
    for factor in factors:
        _require_choosable(factor)
    found = tuple(factor for factor in factors if factor.is_range or len(factor.values) > 1)
    if not found:
        raise InputError(
            "factors: nothing varies; give a lever a range or several values, such as "
            "factors.levers.cohort_size=5..60, or leave factors out for the usual ones."
        )
    return factors


def _not_fixed(settings: Settings) -> dict[str, Any]:
    """The usual factors without those that the command fixes."""
    usual = settings.optimise.usual_factors
    fixed = {**settings.levers, **settings.instruments}
    return {group: {n: v for n, v in usual[group].items() if n not in fixed} for group in usual}


def _require_choosable(factor: Factor) -> None:
    group = factor.key.partition(".")[0]
    if group == "parameters":
        raise InputError(
            f"factors.{factor.key}: a parameter is not chosen by a policy; leave it out (it is drawn from "
            f"the posterior, or fixed by {factor.key}=<value>), or use study=sweep."
        )
    if group not in VARIED:
        raise InputError(
            f"factors.{factor.key}: study=optimise varies levers and instruments only; set "
            f"{factor.key}=<value>, or use study=sweep."
        )


def _first_is_baseline(ground: Ground) -> Ground:
    """What the others must not be worse than comes first."""
    wanted = ground.settings.baseline
    first = Path(wanted).stem if wanted and wanted.endswith((".yaml", ".yml")) else wanted
    if first is None:
        return ground
    rest = {name: scenario for name, scenario in ground.scenarios.items() if name != first}
    return Ground(ground.settings, {first: ground.scenarios[first], **rest}, ground.recipe, ground.posterior)


def _require_scenarios(problem: LeversSearched) -> None:
    """InputError for references that cannot be run; what a scenario has too much of, a candidate may lack."""
    _ = problem.experiment


def _require_effect(problem: LeversSearched) -> None:
    """InputError for a lever of cohorts where nobody is supported in cohorts."""
    keys = [factor.key for factor in problem.factors]
    support = problem.ground.scenarios[problem.start].levers.support
    if COHORT in keys and SUPPORT not in keys and support != "cluster":
        raise InputError(
            f"factors.{COHORT}: does nothing, as '{problem.start}' does not support firms in cohorts; name "
            "a scenario with cohorts last in scenarios, or let "
            f"factors.{SUPPORT}=[individual,cluster] vary too."
        )


def plan_of(settings: Settings) -> Plan:
    """How the search is done."""
    asked = settings.optimise
    thresholds = np.array([asked.thresholds.get(aim, np.nan) for aim in asked.aims], dtype=float)
    return Plan(
        asked.population, asked.generations, asked.front, Draws(0, asked.draws), asked.robust, thresholds,
        settings.seed,
    )  # fmt: skip


def asked_for(problem: LeversSearched, settings: Settings) -> dict[str, Any]:
    """What must be the same for an unfinished search to go on, key by key."""
    from importlib.metadata import version

    content = flat(settings.model_dump(mode="json"))
    kept = {key: value for key, value in content.items() if not key.startswith(INDIFFERENT)}
    scenarios = {f"scenarios.{n}": s.model_dump(mode="json") for n, s in problem.ground.scenarios.items()}
    made_by = {"code": code_hash(), **{f"version of {name}": version(name) for name in ("numpy", "pymoo")}}
    return {**kept, **flat(scenarios), **_input_hashes(settings), **made_by}


def _input_hashes(settings: Settings) -> dict[str, str]:
    world = settings.world
    named = {"world.firms": world.firms, "world.ties": world.ties, "world.graph": world.graph,
             "posterior.file": settings.posterior.own_file}  # fmt: skip
    return {f"content of {key}": file_hash(path) for key, path in named.items() if path}


# --- the work ------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Searched:
    """A search with its front run again under what it has not seen."""

    problem: Problem
    plan: Plan
    found: Found
    front: np.ndarray[Any, np.dtype[np.int_]]  # (F,) places among the candidates that were found
    held_out: Evaluated  # (R + F, H, A): the references, then the front


def searched(
    problem: Problem, plan: Plan, held_out: int, state: Path, open_crew: OpenCrew, told: Callable[[int], None]
) -> Searched:
    """Search, then run references and front under ``held_out`` draws that follow those of the search."""
    found = Search(problem, plan, state, open_crew, told).run()
    front = front_of(problem, plan, found)
    draws = Draws(plan.draws.first + plan.draws.number, held_out)
    work = SearchWork(problem, found.shares[front], draws, with_references=True)
    return Searched(problem, plan, found, front, computed(work, state / HELD_OUT, open_crew, told))


def run_optimise(problem: LeversSearched, settings: Settings, state: Path) -> Searched:
    """The study as settings ask for it, with progress; what the state folder holds is not done again."""
    plan = plan_of(settings)
    most = plan.population * plan.generations + plan.front + 2 * len(problem.references)
    with (
        progress_bar("searching", most, settings.progress) as bar,
        crew_for(problem, settings) as open_crew,
    ):
        held_out = settings.optimise.held_out_draws
        return searched(problem, plan, held_out, state, open_crew, partial(_told, bar))


def _told(bar: Any, candidates: int) -> None:
    bar.update(candidates)


@contextlib.contextmanager
def crew_for(problem: Problem, settings: Settings) -> Iterator[OpenCrew]:
    """Processes that stay for the whole search; a Dask cluster is met anew for each generation."""
    if settings.runner == "dask":
        yield crew_of(settings)
        return
    with StandingCrew(problem, workers_of(settings)) as crew:
        yield crew
