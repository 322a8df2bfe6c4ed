"""The result folder of ``study=optimise``: the front, everything that was tried, and what to ask next."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from cpdiffusion.errors import Interrupted
from cpdiffusion.runner.shards import Shards
from cpdiffusion.runner.unfinished import finished, take_up
from cpdiffusion.search.front import require_pymoo
from cpdiffusion.studies.folder import Job
from cpdiffusion.studies.optimise.optimised import Optimised
from cpdiffusion.studies.optimise.study import asked_for, problem_of, run_optimise, with_draws
from cpdiffusion.studies.optimise.summary import answer, summary
from cpdiffusion.studies.settings import Settings

INTERRUPTED = (
    "interrupted; {done:,} candidates of {generations:,} generations are kept in {folder}, and the same "
    "command goes on from there."
)


def optimise_to_folder(settings: Settings, scenario_folder: Path, command: str) -> Path:
    """Search and write the result folder; an interrupted search goes on by the same command."""
    require_pymoo()
    problem = problem_of(settings, scenario_folder)
    job = Job(settings, command)
    state = take_up(job.out, asked_for(problem, settings))
    try:
        result = Optimised(settings, problem, run_optimise(problem, settings, state))
        told = summary(result, command)
        out = job.finish(partial(write, result), told, answer(result), drawn(result))
    except KeyboardInterrupt:
        raise Interrupted(interrupted(state)) from None
    finished(state)
    return out


def interrupted(state: Path) -> str:
    """How much is kept, and how to go on."""
    folders = [path for path in state.iterdir() if path.is_dir()]
    done = sum(chunk.size for folder in folders for chunk in Shards(folder).chunks())
    return INTERRUPTED.format(done=done, generations=len(folders), folder=state)


def write(result: Optimised, folder: Path) -> None:
    """front.csv, candidates.parquet, generations.csv; front.png and levers.png."""
    result.front.to_csv(folder / "front.csv", index=False, float_format="%.10g")
    result.generations.to_csv(folder / "generations.csv", index=False, float_format="%.10g")
    _plain(result.candidates).to_parquet(folder / "candidates.parquet", index=False)
    if result.settings.figures:
        write_figures(result, folder)


def _plain(frame: Any) -> Any:
    """Columns of one kind each, so that Parquet takes them: numbers, or words."""
    words = {name: frame[name].map(type).eq(str).any() for name in frame.columns}
    return frame.astype({name: "string" if is_word else frame[name].infer_objects().dtype
                         for name, is_word in words.items()})  # fmt: skip


def write_figures(result: Optimised, folder: Path) -> None:
    """The front in its main aims, and the levers along it."""
    from cpdiffusion.plots import front, save

    along = [result.names[k] for k in result.main_line]
    figure = save.figure(*front.FRONT_INCHES)
    front.front(figure, result.front, result.problem.aims[:2], along)
    save.save(figure, folder / "front.png")
    if not along:
        return
    figure = save.figure(*front.levers_inches(result.problem.factors))
    front.levers_along(figure, result.front.set_index("policy").loc[along], result.problem.factors,
                       result.problem.aims[0])  # fmt: skip
    save.save(figure, folder / "levers.png")


def drawn(result: Optimised) -> dict[str, Any]:
    """What the settings came to, and how much was run."""
    found, problem = result.result.found, result.problem
    each = problem.experiment.seeds_per_draw
    runs = found.values.shape[0] * result.settings.optimise.draws * each
    asked = problem.ground.plan({}).asked
    return {
        **{key: value for key, value in asked.items() if key != "baselines"},
        "start": problem.start,
        "factors": {f.key: list(f.values) or [f.low, f.high] for f in problem.factors},
        "draws": with_draws(result.settings).optimise.draws, "replicates_per_draw": each,
        "candidates": len(found.shares), "infeasible": len(found.reasons), "runs_of_candidates": runs,
        "versions_of_search": {name: _version(name) for name in ("pymoo",)},
    }  # fmt: skip


def _version(name: str) -> str:
    from importlib.metadata import version

    return version(name)
