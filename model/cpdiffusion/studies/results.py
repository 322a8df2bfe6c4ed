"""The result folder of a comparison: tables, figures, summary and manifest, written as a whole."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from cpdiffusion.runner.folder import check_target, next_free, staged
from cpdiffusion.runner.manifest import write_manifest
from cpdiffusion.runner.progress import announce_compilation
from cpdiffusion.studies.compare import Comparison, compare
from cpdiffusion.studies.settings import Settings
from cpdiffusion.studies.summary import headline, summary


def compare_to_folder(settings: Settings, scenario_folder: Path, command: str) -> Path:
    """Run the comparison and write its result folder; prints the answer and where it is."""
    started = time.perf_counter()
    out = settings.out or next_free(Path("results"), "compare")
    check_target(out, settings.overwrite)
    announce_compilation(settings.progress)
    result = compare(settings, scenario_folder)
    with staged(out, settings.overwrite) as folder:
        write_tables(result, folder)
        if settings.figures:
            from cpdiffusion.studies.figures import write_figures

            write_figures(result, folder)
        (folder / "summary.md").write_text(summary(result, command), encoding="utf-8")
        write_manifest(folder, manifest_of(result, command, time.perf_counter() - started), inputs(settings))
    print(headline(result))
    print(f"results: {out}")
    return out


def write_tables(result: Comparison, folder: Path) -> None:
    """comparison.csv, trajectories.parquet, runs.parquet, roi.csv, why.csv, turning.csv."""
    result.table.to_csv(folder / "comparison.csv", index=False, float_format="%.10g")
    result.trajectories.to_parquet(folder / "trajectories.parquet", index=False)
    result.runs.to_parquet(folder / "runs.parquet", index=False)
    result.roi.to_csv(folder / "roi.csv", index=False, float_format="%.10g")
    for name, frame in (("why", result.why), ("turning", result.turning)):
        if frame is not None:
            frame.to_csv(folder / f"{name}.csv", index=False, float_format="%.10g")


def manifest_of(result: Comparison, command: str, seconds: float) -> dict[str, Any]:
    """What was asked, and what was drawn to answer it."""
    return {
        "study": "compare",
        "command": command,
        "settings": result.settings.model_dump(mode="json"),
        "scenarios": {n: s.model_dump(mode="json") for n, s in result.plan.scenarios.items()},
        "baselines": result.plan.baselines,
        "parameters": dict(result.plan.experiment.parameters),
        "seed": result.settings.seed,
        "replicates": result.replicates,
        "intervals_as_narrow_as_asked": result.reached,
        "duration_seconds": round(seconds, 3),
    }


def inputs(settings: Settings) -> list[Path]:
    """Files of the user that went into the result."""
    named = (settings.world.firms, settings.world.ties, settings.world.graph)
    scenarios = [Path(name) for name in settings.scenarios if name.endswith((".yaml", ".yml"))]
    return [path for path in named if path] + scenarios
