"""The result folder of ``study=validate``: scores, predictions, estimates and figures."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from cpdiffusion.calibration.methods import SIMULATION, TITLES, Method
from cpdiffusion.calibration.validation import Validation
from cpdiffusion.studies.folder import Job
from cpdiffusion.studies.settings import Settings
from cpdiffusion.studies.validate.study import Validated, validated
from cpdiffusion.studies.validate.summary import headline, summary


def validate_to_folder(settings: Settings, command: str) -> Path:
    """Validate and write the result folder; prints the answer and where it is."""
    job = Job(settings, command)
    result = validated(settings)
    return job.finish(partial(write, result), summary(result, command), headline(result), drawn(result))


def write(result: Validated, folder: Path) -> None:
    """validation.csv, predictions.csv, estimates.csv; figures if they are asked for."""
    for name, frame in {
        "validation": result.scores, "predictions": result.predictions, "estimates": result.estimates
    }.items():  # fmt: skip
        frame.to_csv(folder / f"{name}.csv", index=False, float_format="%.10g")
    if result.settings.figures:
        write_figures(result, folder)


def write_figures(result: Validated, folder: Path) -> None:
    """scores.png, and predictions_<split>.png for each split."""
    from cpdiffusion.plots import save, validation

    main = result.main
    scores = result.scores[result.scores.table == main.table]
    words = {split.name: split.words for split in main.splits}
    figure = save.figure(validation.SCORES_WIDTH_INCHES, validation.scores_height_inches(len(main.methods)))
    validation.score_panels(figure, scores, TITLES, words)
    save.save(figure, folder / "scores.png")
    for name, said in words.items():
        titles = {method.name: method.title for method in shown(main, name)}
        rows = result.predictions
        rows = rows[(rows.table == main.table) & (rows.split == name) & rows.model.isin(list(titles))]
        height = validation.predictions_height_inches(rows.region.nunique())
        figure = save.figure(validation.PREDICTIONS_WIDTH_INCHES, height)
        validation.prediction_panels(figure, rows, titles, said)
        save.save(figure, folder / f"predictions_{name}.png")


def shown(found: Validation, split: str) -> tuple[Method, Method]:
    """Which models are drawn in a split: the simulation, or without it the best of ours; the best rival."""
    best, rival = found.leaders(split)
    (one,) = [method for method in found.methods if method.name == SIMULATION[0]] or [best]
    return one, rival


def drawn(result: Validated) -> dict[str, Any]:
    """What the settings came to."""
    return {
        "tables": [found.table for found in result.found],
        "region_years": len(result.main.rows),
        "splits": {split.name: split.words for split in result.main.splits},
        "models": [method.name for method in result.main.methods],
    }
