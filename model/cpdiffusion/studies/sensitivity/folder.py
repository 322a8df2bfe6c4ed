"""The result folder of ``study=sensitivity``: indices, points and runs of all stages, figures, a summary."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cpdiffusion.errors import Interrupted
from cpdiffusion.outcomes.catalogue import CATALOGUE
from cpdiffusion.runner.crew import compute
from cpdiffusion.runner.shards import write_in_groups
from cpdiffusion.runner.unfinished import finished, take_up
from cpdiffusion.runner.work import Chunk
from cpdiffusion.studies.compare.figures import one_panel
from cpdiffusion.studies.crews import workers_of
from cpdiffusion.studies.folder import Job
from cpdiffusion.studies.replicate_work import only_points
from cpdiffusion.studies.sensitivity.study import (
    Asked,
    Sensitivity,
    Stage,
    asked_of,
    planned_points,
    run_sensitivity,
    stage_shards,
)
from cpdiffusion.studies.sensitivity.summary import answer, dry_run_text, summary
from cpdiffusion.studies.sensitivity.table import (
    in_short,
    labels_of,
    morris_table,
    sobol_table,
    title_of_quantity,
    turning_table,
)
from cpdiffusion.studies.settings import Settings
from cpdiffusion.studies.sweep.ledger import as_csv, repeating
from cpdiffusion.studies.sweep.opened import POINTS, RUNS
from cpdiffusion.studies.sweep.study import asked_for

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

INTERRUPTED = "interrupted; {done} are kept in {folder}, and the same command goes on from there."


def sensitivity_to_folder(settings: Settings, scenario_folder: Path, command: str) -> Path | None:
    """Run a sensitivity study and write its folder; an interrupted one goes on by the same command."""
    asked = asked_of(settings, scenario_folder)
    job = Job(settings, command)
    if settings.sensitivity.dry_run:
        print(dry_run(asked))
        return None
    state = take_up(job.out, {**asked_for(asked.base, settings), **libraries(asked)})
    try:
        result = run_sensitivity(asked, state)
        told = summary(result, command, job.out)
        out = job.finish(partial(write, result, command), told, answer(result), drawn(result))
    except KeyboardInterrupt:
        raise Interrupted(INTERRUPTED.format(done=kept_so_far(asked, state), folder=state)) from None
    finished(state)
    return out


def libraries(asked: Asked) -> dict[str, str]:
    """The version of the library that the points come from."""
    return {} if asked.methods == ("oat",) else {"SALib": metadata.version("SALib")}


def kept_so_far(asked: Asked, state: Path) -> str:
    """How much of each stage is done, in words."""
    points = planned_points(asked)
    runs = asked.base.replicates * len(asked.scenarios)
    units = {name: number * asked.base.units for name, number in points.items()}
    done = {name: sum(chunk.size for chunk in stage_shards(state, name).chunks()) for name in points}
    total, of = (sum(round(d[n] / asked.base.units * runs) for n in points) for d in (done, units))
    return f"{total:,} of {of:,} runs"


def dry_run(asked: Asked) -> str:
    """What it would take, measured at the default with worlds of its own."""
    compute(only_points(asked.base, asked.base.points), Chunk(0, 1))
    fresh = only_points(asked.base, asked.base.points)  # that remembers no worlds
    tried = compute(fresh, Chunk(0, 1))
    points = planned_points(asked)
    seconds = tried.seconds * asked.base.units * sum(points.values()) / workers_of(asked.settings)
    return dry_run_text(points, asked.base.replicates * len(asked.scenarios), seconds)


# --- files ---------------------------------------------------------------------------------------


def write(result: Sensitivity, command: str, folder: Path) -> None:
    """indices.csv, points.parquet, runs.parquet, one_at_a_time.csv, failed.csv; figures."""
    result.table.to_csv(folder / "indices.csv", index=False, float_format="%.10g")
    points_frame(result).to_parquet(folder / POINTS, index=False)
    write_runs(result, folder / RUNS)
    if (stage := result.stage("oat")) is not None:
        table = turning_table(stage, result.main, defaults_of(result))
        table.to_csv(folder / "one_at_a_time.csv", index=False, float_format="%.10g")
    if any(stage.failed for stage in result.stages):
        (folder / "failed.csv").write_text(failed_text(result, command), encoding="utf-8")
    if result.asked.settings.figures:
        write_figures(result, folder)


def defaults_of(result: Sensitivity) -> dict[str, Any]:
    """Where parameters stand when they are not moved; a lever is as its scenario says."""
    values = result.asked.base.ground.plan({}).experiment.parameters
    return {f"parameters.{name}": value for name, value in values.items()}


def numbered(result: Sensitivity) -> Iterator[tuple[int, Stage]]:
    """Every stage with the number of its first point: they are counted through."""
    first = 0
    for stage in result.stages:
        yield first, stage
        first += len(stage.design.points)


def points_frame(result: Sensitivity) -> pd.DataFrame:
    """One row per point: its number, method, and the factors; empty where one is left as it is."""
    import pandas as pd

    frames = []
    for first, stage in numbered(result):
        frame = stage.design.points.frame().assign(method=stage.method)
        frames.append(frame.assign(point=frame.point + first).astype(object))
    whole = pd.concat(frames, ignore_index=True)
    for factor in result.asked.factors:
        if factor.key in whole and factor.is_number:
            whole[factor.key] = pd.to_numeric(whole[factor.key])
    whole["point"] = whole["point"].astype("int64")
    return whole[["point", "method", *(name for name in whole if name not in ("point", "method"))]]


def write_runs(result: Sensitivity, path: Path) -> None:
    """All runs of all stages as one file, a stage at a time; none if nothing could be computed."""
    write_in_groups(_tables(result), path)


def _tables(result: Sensitivity) -> Iterator[pa.Table]:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    for first, stage in numbered(result):
        for path in stage.shards.with_rows():
            table = pq.read_table(path).replace_schema_metadata(None)
            yield table.set_column(0, "point", pc.add(table["point"], pa.scalar(first, pa.int32())))


def failed_text(result: Sensitivity, command: str) -> str:
    """Failed points as CSV."""
    rows = [
        (first + point, stage.method, why, repeating(stage.work, point, command))
        for first, stage in numbered(result)
        for point, why in sorted(stage.failed.items())
    ]
    return as_csv(("point", "method", "reason", "command"), rows)


def drawn(result: Sensitivity) -> dict[str, Any]:
    """What the settings came to."""
    asked = result.asked
    return {
        "scenarios": {n: s.model_dump(mode="json") for n, s in asked.base.ground.scenarios.items()},
        "pair": asked.pair,
        "factors": [factor.key for factor in asked.factors],
        "not_read": list(asked.not_read),
        "points": {stage.method: len(stage.design.points) for stage in result.stages},
        "failed_points": {stage.method: len(stage.failed) for stage in result.stages},
        "analysis": libraries(asked),
    }


# --- figures -------------------------------------------------------------------------------------


def write_figures(result: Sensitivity, folder: Path) -> None:
    """one_at_a_time.png, morris.png, sobol.png."""
    from cpdiffusion.plots import save, sensitivity

    labels, unit = labels_of(result), CATALOGUE[result.asked.outcome].unit
    _tornado(result, folder)
    if (stage := result.stage("morris")) is not None and (panels := _panels(result, stage)):
        figure = save.figure(sensitivity.WIDTH_INCHES, sensitivity.plane_height_inches(panels))
        sensitivity.morris_planes(figure, panels, labels, unit)
        save.save(figure, folder / "morris.png")
    if (stage := result.stage("sobol")) is not None and (panels := _panels(result, stage)):
        figure = save.figure(sensitivity.WIDTH_INCHES, sensitivity.bars_height_inches(panels, labels))
        sensitivity.sobol_bars(figure, panels, labels)
        save.save(figure, folder / "sobol.png")


def _panels(result: Sensitivity, stage: Stage) -> dict[str, pd.DataFrame]:
    """The main quantity and the levels of its scenarios, by title; those without indices are left out."""
    table = morris_table if stage.method == "morris" else sobol_table
    shown = [q for q in stage.indices if q == result.main or q.scenario in (result.main[:2])]
    frames = {title_of_quantity(q, result.asked.outcome): table(stage, q) for q in shown}
    return {title[:1].upper() + title[1:]: frame for title, frame in frames.items() if not frame.empty}


def _tornado(result: Sensitivity, folder: Path) -> None:
    from cpdiffusion.plots import turning

    stage = result.stage("oat")
    if stage is None or not result.main.baseline:
        return
    table, asked = turning_table(stage, result.main, {}), result.asked
    if table.empty:
        return
    about = CATALOGUE[asked.outcome]
    titles = {name: scenario.title for name, scenario in asked.base.ground.scenarios.items()}
    one_panel(
        folder, "one_at_a_time", 9, turning.height_inches(table),
        lambda ax: turning.turning_points(ax, table, titles, f"{in_short(asked.outcome)} ({about.unit})"),
    )  # fmt: skip
