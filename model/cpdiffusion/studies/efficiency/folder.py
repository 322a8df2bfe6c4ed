"""The result folder of ``study=efficiency``: tables, figures, and what they say in plain words."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from cpdiffusion.studies.efficiency.sets import ALL
from cpdiffusion.studies.efficiency.study import COLUMNS, Efficiency, efficiency
from cpdiffusion.studies.efficiency.summary import TABLES, answer, level_title, summary
from cpdiffusion.studies.folder import Job
from cpdiffusion.studies.settings import Settings


def efficiency_to_folder(settings: Settings, command: str) -> Path:
    """Compare and write the result folder; prints the answer and where it is."""
    job = Job(settings, command, compiled=False)
    result = efficiency(settings)
    return job.finish(partial(write, result), summary(result, command), answer(result), asked(result))


def write(result: Efficiency, folder: Path) -> None:
    """A CSV for each table that has rows, and figures if they are asked for."""
    for name in COLUMNS:
        frame = result.frame(name)
        if len(frame) or name in ("efficiency", "peers"):
            frame.to_csv(folder / f"{name}.csv", index=False, float_format="%.10g")
    if result.settings.figures:
        write_figures(result, folder)


def write_figures(result: Efficiency, folder: Path) -> None:
    """scores.png, peers.png, and change.png where there is time."""
    from cpdiffusion.plots import change, efficiency, peers, save

    found = result.table
    found = found[(found.orientation == result.orientation) & (found.rows == ALL)]
    tables = {one.table: TABLES[one.table] for one in result.tables}
    levels = {level: level_title(result, level) for level in dict.fromkeys(found.level)}
    figure = save.figure(efficiency.WIDTH_INCHES, efficiency.height_inches(found))
    efficiency.score_panels(figure, found, tables, levels)
    save.save(figure, folder / "scores.png")

    of = result.peers
    of = of[(of.table == result.main) & (of.rows == ALL) & (of.returns == "crs")]
    figure = save.figure(peers.WIDTH_INCHES, peers.height_inches(of))
    peers.peer_maps(figure, of, {level: level_title(result, level) for level in levels})
    save.save(figure, folder / "peers.png")

    windows, malmquist = (main_rows(result, name) for name in ("windows", "malmquist"))
    if len(windows):
        figure = save.figure(change.WIDTH_INCHES, change.HEIGHT_INCHES)
        change.change_panels(figure, windows, malmquist, result.settings.efficiency.window)
        save.save(figure, folder / "change.png")


def main_rows(result: Efficiency, name: str) -> Any:
    """Rows of a table about all rows of the table asked for."""
    frame = result.frame(name)
    return frame[(frame.table == result.main) & (frame.rows == ALL)]


def asked(result: Efficiency) -> dict[str, Any]:
    """What the settings came to."""
    return {
        "tables": [one.table for one in result.tables],
        "sets": [
            {
                "table": s.table, "rows": s.rows, "level": s.level, "units": s.units.size,
                "left_out": s.left_out,
            }
            for s in result.sets
        ],
        "inputs": list(result.sets[0].units.input_names),
        "outputs": list(result.sets[0].units.output_names),
    }  # fmt: skip
