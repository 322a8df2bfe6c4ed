"""The result folder of ``study=discover``: the runs, the answer at every point, boxes and figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from cpdiffusion.errors import InputError
from cpdiffusion.factors.factor import Factor, factors_of
from cpdiffusion.policy.scenarios import with_changes
from cpdiffusion.runner.shards import Shards
from cpdiffusion.runner.unfinished import finished, unfinished_folder
from cpdiffusion.studies.at_point import Ground, ground_of
from cpdiffusion.studies.discover.factors import SIZE, usual_factors
from cpdiffusion.studies.discover.question import (
    FEWEST_POINTS,
    answer,
    outcome_of,
    require_intervals,
    require_question,
)
from cpdiffusion.studies.discover.source import (
    Source,
    require_outcome,
    source_of_folder,
    source_of_work,
)
from cpdiffusion.studies.discover.study import Discovered
from cpdiffusion.studies.discover.summary import said, summary
from cpdiffusion.studies.folder import Job
from cpdiffusion.studies.replicate_work import ReplicateWork, replicate_work
from cpdiffusion.studies.settings import Settings
from cpdiffusion.studies.sweep.ledger import interrupted, ledger
from cpdiffusion.studies.sweep.opened import LEDGER, POINTS, RUNS
from cpdiffusion.studies.sweep.study import asked_for, begun, effort_of, points_of, run_sweep
from cpdiffusion.studies.sweep.summary import dry_run_text


def discover_to_folder(settings: Settings, scenario_folder: Path, command: str) -> Path | None:
    """Answer the question at many points, find boxes, and write the result folder."""
    if settings.discover.results is not None:
        return _read(settings, command)
    return _run(settings, scenario_folder, command)


# --- a sweep that is finished --------------------------------------------------------------------


def _read(settings: Settings, command: str) -> Path:
    asked = settings.discover
    assert asked.results is not None
    source = source_of_folder(asked.results)
    if settings.factors:
        raise InputError("factors: the points are those of discover.results; leave one out.")
    require_outcome(source, outcome_of(asked))
    job = Job(settings, command, compiled=False)
    found = Discovered(settings, source, answer(source, asked))
    return job.finish(partial(write, found), summary(found, command, job.out), said(found), drawn(found))


# --- runs of its own -----------------------------------------------------------------------------


def _run(settings: Settings, scenario_folder: Path, command: str) -> Path | None:
    job = Job(settings, command)
    work = discover_work(settings, scenario_folder)
    if settings.sweep.dry_run:
        print(f"{len(work.points.columns)} factors vary: {', '.join(work.points.columns)}.")
        print(dry_run_text(effort_of(work, settings, _done(job.out))))
        return None
    shards = begun(work, settings, job.out, asked_of(work, settings))
    try:
        run_sweep(work, settings, shards)
        source = source_of_work(work, settings, shards.folder)
        found = Discovered(settings, source, answer(source, settings.discover))
        told = summary(found, command, job.out)
        out = job.finish(partial(_write_all, found, work, shards, command), told, said(found), drawn(found))
    except KeyboardInterrupt:
        raise interrupted(work, shards, command) from None
    finished(shards.folder)
    return out


def discover_work(settings: Settings, scenario_folder: Path) -> ReplicateWork:
    """What is run, checked before anything is computed."""
    given = factors_of(settings.factors, settings.beyond_range)
    ground = with_sizes(ground_of(settings, scenario_folder, given), given)
    require_question(source_of_ground(ground), settings.discover)
    require_intervals(settings.discover, settings.sweep.replicates)
    outcomes = tuple(dict.fromkeys([outcome_of(settings.discover), *(settings.sweep.outcomes or ())]))
    factors = given or (() if settings.sweep.file else usual_factors(ground, outcomes[:1]))
    points = points_of(settings, factors)
    if len(points) < FEWEST_POINTS:
        raise InputError(
            f"sweep.points={len(points)}: too few for a box, which is found on one half and checked on the "
            f"other; take {FEWEST_POINTS} or more, better several hundred."
        )
    return replicate_work(ground, points, settings.sweep.replicates, outcomes)


def source_of_ground(ground: Ground) -> Source:
    """The scenarios, before there is any run."""
    from cpdiffusion.factors.points import Points
    from cpdiffusion.studies.sweep.opened import Opened

    return Source(Opened(Path()), Points({}), ground.scenarios, ground.settings.baseline, 1)


def with_sizes(ground: Ground, factors: tuple[Factor, ...]) -> Ground:
    """For the question of size: the main scenario at every size in place of the scenarios."""
    asked = ground.settings.discover
    if asked.question != "size_indifferent" or asked.cohort_sizes is None:
        return ground
    if any(factor.key == SIZE for factor in factors):
        raise InputError(
            f"factors.{SIZE}: discover.question=size_indifferent tries sizes itself; leave it out."
        )
    pair = source_of_ground(ground).main_pair
    name = pair[0] if pair else next(iter(ground.scenarios))
    base = ground.scenarios[name]
    if base.levers.support != "cluster":
        raise InputError(
            f"discover.question=size_indifferent: '{name}' does not support cohorts; name a scenario that "
            "does, such as scenarios=[individual,cluster_25]."
        )
    sizes = {f"{name}_of_{size}": with_changes(base, {"cohort_size": size}) for size in asked.cohort_sizes}
    settings = ground.settings.model_copy(update={"baseline": None})
    return replace(ground, scenarios=sizes, settings=settings)


def asked_of(work: ReplicateWork, settings: Settings) -> Mapping[str, Any]:
    """What must be the same to go on: all that the runs depend on, but not how they are looked at."""
    kept = {k: v for k, v in asked_for(work, settings).items() if not k.startswith("discover.")}
    return {**kept, "outcomes": list(work.outcomes), "factors": list(work.points.columns)}


def _done(out: Path) -> int:
    state = unfinished_folder(out)
    return sum(chunk.size for chunk in Shards(state).chunks()) if state.is_dir() else 0


# --- files ---------------------------------------------------------------------------------------


def _write_all(found: Discovered, work: ReplicateWork, shards: Shards, command: str, folder: Path) -> None:
    """The runs too, so that another question can be asked of the folder."""
    shards.merged_into(folder / RUNS)
    work.points.frame().to_parquet(folder / POINTS, index=False)
    (folder / LEDGER).write_text(ledger(work, shards, command), encoding="utf-8")
    write(found, folder)


def write(found: Discovered, folder: Path) -> None:
    """points.csv, boxes.csv, trajectory.csv, factors.csv; figures."""
    tables = {
        "points": found.points_table(), "boxes": found.boxes_table(), "trajectory": found.trajectory_table(),
        "factors": found.factors_table(),
    }  # fmt: skip
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False, float_format="%.10g")
    if found.settings.figures and found.discovery is not None:
        write_figures(found, folder)


def write_figures(found: Discovered, folder: Path) -> None:
    """boxes.png, tradeoff.png, scatter.png."""
    from cpdiffusion.plots import boxes, save

    assert found.discovery is not None
    if found.boxes:
        figure = save.figure(*boxes.bars_inches(found.boxes))
        boxes.restrictions(figure, found.boxes, found.source.factors)
        save.save(figure, folder / "boxes.png")
    figure = save.figure(7.0, 4.8)
    boxes.tradeoff(figure, found.discovery.tried)
    save.save(figure, folder / "tradeoff.png")
    pair = two_factors(found)
    if len(pair) == 2:
        figure = save.figure(7.0, 6.0)
        axes = found.source.axes(found.answer.points)
        first = found.boxes[0].box if found.boxes else None
        boxes.scatter(figure, pair, axes, found.hit, first, found.nearest_instead)
        save.save(figure, folder / "scatter.png")


def two_factors(found: Discovered) -> list[Factor]:
    """The two that the first box is least dense without; filled up with those that matter most."""
    keys: list[str] = []
    if found.boxes:
        first = found.boxes[0]
        keys = list(dict.fromkeys(e.key for e in sorted(first.quasi_p, key=lambda e: first.quasi_p[e])))
    keys += [told["factor"] for told in found.told if told["factor"] not in keys]
    return [found.factor(key) for key in keys[:2]]


def drawn(found: Discovered) -> dict[str, Any]:
    """What the settings came to."""
    source = found.source
    return {
        "scenarios": {n: s.model_dump(mode="json") for n, s in source.scenarios.items()},
        "points": len(source.points), "answered": int(found.answer.points.size),
        "holds": int(found.answer.holds.sum()), "boxes": len(found.boxes),
    }  # fmt: skip
