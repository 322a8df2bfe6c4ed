"""``study=efficiency``: who gets more out of the same, beside whom, and how far that can be trusted.

Data envelopment analysis of the seven regional programmes of Table 4, as printed and reconciled, by region
and by region-year, with and without outlier rows; or of a user's own units.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cpdiffusion.efficiency.bootstrap import Bootstrap, bootstrap
from cpdiffusion.efficiency.frontier import ORIENTATIONS, Orientation, Returns
from cpdiffusion.efficiency.malmquist import malmquist
from cpdiffusion.efficiency.projection import LEAST_WEIGHT, projection
from cpdiffusion.efficiency.scores import Scores, scores
from cpdiffusion.efficiency.windows import windows
from cpdiffusion.errors import InputError
from cpdiffusion.evidence.table4 import VARIANTS
from cpdiffusion.runner.parallel import Workers
from cpdiffusion.runner.progress import progress_bar
from cpdiffusion.studies.efficiency.file import read_units
from cpdiffusion.studies.efficiency.sets import (
    ALL,
    POOLED,
    REGION,
    REGION_YEAR,
    UNIT,
    UNIT_PERIOD,
    Rows,
    UnitSet,
    rows_of_table4,
    sets_of,
)
from cpdiffusion.studies.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

BOTH: tuple[tuple[str, Returns], ...] = (("crs", "constant"), ("vrs", "variable"))


@dataclass(frozen=True)
class Efficiency:
    """The result of the study. It does not change: each frame that it hands out is a copy."""

    settings: Settings
    tables: tuple[Rows, ...]  # the one asked for first
    sets: tuple[UnitSet, ...]
    _frames: Mapping[str, pd.DataFrame] = field(repr=False)

    @property
    def orientation(self) -> Orientation:
        """Of peers, slacks, intervals and changes."""
        return self.settings.efficiency.orientation

    @property
    def main(self) -> str:
        """Name of the table asked for."""
        return self.tables[0].table

    def set_of(self, table: str, rows: str, pooled: bool) -> UnitSet | None:
        """One of the sets; None if there is no such."""
        found = (s for s in self.sets if (s.table, s.rows, s.level in POOLED) == (table, rows, pooled))
        return next(found, None)

    def frame(self, name: str) -> pd.DataFrame:
        """One of the tables: efficiency, peers, slacks, influence, windows, malmquist."""
        return self._frames[name].copy()

    @property
    def table(self) -> pd.DataFrame:
        """Table, rows, level, unit and orientation: scores, corrected scores with intervals, scale."""
        return self.frame("efficiency")

    @property
    def peers(self) -> pd.DataFrame:
        """Each unit off the frontier with its peers (benchmarks) and their weights."""
        return self.frame("peers")


def efficiency(settings: Settings) -> Efficiency:
    """Compare the units that the settings name; nothing is written."""
    import pandas as pd

    tables = tables_of(settings)
    levels = (UNIT, UNIT_PERIOD) if settings.efficiency.file else (REGION, REGION_YEAR)
    sets = tuple(one for rows in tables for one in sets_of(rows, *levels))
    trusted = bootstraps(sets, settings)
    orientation = settings.efficiency.orientation
    rows: dict[str, list[dict[str, Any]]] = {
        "efficiency": [row for k, one in enumerate(sets) for row in score_rows(one, trusted, k, orientation)],
        "peers": [row for one in sets for row in peer_rows(one, orientation)],
        "slacks": [row for one in sets for row in slack_rows(one, orientation)],
        "influence": [row for one in tables for row in influence_rows(one)],
        "windows": [row for one in sets for row in window_rows(one, settings)],
        "malmquist": [row for one in sets for row in malmquist_rows(one, orientation)],
    }
    frames = {name: pd.DataFrame(found, columns=COLUMNS[name]) for name, found in rows.items()}
    return Efficiency(settings, tables, sets, frames)


def tables_of(settings: Settings) -> tuple[Rows, ...]:
    """The user's own table, or both variants of Table 4 with the one asked for first."""
    asked = settings.efficiency
    if asked.file is not None:
        return (read_units(asked),)
    for key in ("unit", "inputs", "outputs", "period"):
        if getattr(asked, key) is not None:
            raise InputError(
                f"efficiency.{key}: names a column of efficiency.file, which is not given; give it, or leave "
                "both out for Table 4."
            )
    return tuple(rows_of_table4(v) for v in sorted(VARIANTS, key=lambda v: v != settings.table))


# --- intervals -----------------------------------------------------------------------------------

Trusted = Mapping[tuple[int, str], Bootstrap | None]  # (number of the set, returns)


def bootstraps(sets: tuple[UnitSet, ...], settings: Settings) -> Trusted:
    """Correction and intervals of the sets that have any, under constant and variable returns."""
    wanted = [k for k, one in enumerate(sets) if has_intervals(one, sets[0].table)]
    asked = settings.efficiency
    total = 2 * len(wanted) * asked.bootstrap
    with Workers(settings.workers) as workers, progress_bar("intervals", total, settings.progress) as bar:

        def mapped(function: Any, numbers: Any) -> Iterator[Any]:
            for chunk in workers.map(function, numbers):
                bar.update(len(chunk))
                yield chunk

        return {
            (k, name): bootstrap(
                sets[k].units, returns, asked.orientation, asked.bootstrap, (settings.seed, k, number),
                mapped=mapped,
            )
            for k in wanted
            for number, (name, returns) in enumerate(BOTH)
        }  # fmt: skip


def has_intervals(one: UnitSet, main: str) -> bool:
    """All sets but the large ones without outliers of the table that was not asked for: they take longest."""
    return one.rows == ALL or one.table == main or one.level not in POOLED


# --- rows of the tables --------------------------------------------------------------------------

PLACE = ["table", "rows", "level"]
INTERVAL = [f"{r}_{figure}" for r, _ in BOTH for figure in ("corrected", "low", "high")]
COLUMNS: dict[str, list[str]] = {
    "efficiency": [
        *PLACE, "unit", "orientation", "crs", "vrs", "scale", "returns_to_scale", "super_crs", "super_vrs",
        *INTERVAL, "units", "units_by_rule_of_thumb",
    ],
    "peers": [*PLACE, "orientation", "returns", "unit", "peer", "weight"],
    "slacks": [*PLACE, "orientation", "returns", "unit", "column", "kind", "value", "slack", "target"],
    "influence": ["table", "unit", "super_crs", "lifts_others_by", "outlier", "doubted_by_audit", "left_out"],
    "windows": [*PLACE, "orientation", "first", "last", "unit", "period", "crs"],
    "malmquist": [
        *PLACE, "orientation", "unit", "before", "after", "efficiency_change", "technical_change", "index",
        "units_before", "units_after",
    ],
}  # fmt: skip


def place(one: UnitSet) -> dict[str, Any]:
    """Which set a row belongs to."""
    return {"table": one.table, "rows": one.rows, "level": one.level}


def score_rows(one: UnitSet, trusted: Trusted, number: int, main: Orientation) -> Iterator[dict[str, Any]]:
    """Rows of efficiency.csv: one per orientation and unit; intervals in the main orientation."""
    for orientation in ORIENTATIONS:
        found = scores(one.units, orientation)
        intervals = {name: trusted.get((number, name)) for name, _ in BOTH} if orientation == main else {}
        for k, unit in enumerate(one.units.names):
            yield {
                **place(one), "unit": unit, "orientation": orientation, **score_cells(found, k),
                **{cell: value for name, b in intervals.items() if b for cell, value in cells(name, b, k)},
                "units": one.units.size, "units_by_rule_of_thumb": one.units.enough,
            }  # fmt: skip


def score_cells(found: Scores, k: int) -> dict[str, Any]:
    """The scores of unit k."""
    return {
        "crs": found.constant[k], "vrs": found.variable[k], "scale": found.scale[k],
        "returns_to_scale": found.returns[k], "super_crs": found.super_constant[k],
        "super_vrs": found.super_variable[k],
    }  # fmt: skip


def cells(name: str, found: Bootstrap, k: int) -> Iterator[tuple[str, float]]:
    """The corrected score of unit k with its interval."""
    for figure in ("corrected", "low", "high"):
        yield f"{name}_{figure}", getattr(found, figure)[k]


def peer_rows(one: UnitSet, orientation: Orientation) -> Iterator[dict[str, Any]]:
    """Rows of peers.csv; a unit on the frontier is its own peer and has no row."""
    names = one.units.names
    for returns_name, returns in BOTH:
        weights = projection(one.units, returns, orientation).weights
        for k, j in zip(*weights.nonzero(), strict=True):
            if k != j and weights[k, j] > LEAST_WEIGHT:
                yield {
                    **place(one), "orientation": orientation, "returns": returns_name, "unit": names[k],
                    "peer": names[j], "weight": weights[k, j],
                }  # fmt: skip


def slack_rows(one: UnitSet, orientation: Orientation) -> Iterator[dict[str, Any]]:
    """Rows of slacks.csv: of every input and output its value, what the frontier has besides, the target."""
    units = one.units
    for returns_name, returns in BOTH:
        found = projection(units, returns, orientation)
        factor = found.distance[:, None]
        x = units.inputs * (factor if orientation == "input" else 1.0) - found.input_slacks
        y = units.outputs * (factor if orientation == "output" else 1.0) + found.output_slacks
        sides = (
            ("input", units.input_names, units.inputs, found.input_slacks, x),
            ("output", units.output_names, units.outputs, found.output_slacks, y),
        )
        for k, unit in enumerate(units.names):
            for kind, columns, values, slack, target in sides:
                for j, column in enumerate(columns):
                    yield {
                        **place(one), "orientation": orientation, "returns": returns_name, "unit": unit,
                        "column": column, "kind": kind, "value": values[k, j], "slack": slack[k, j],
                        "target": target[k, j],
                    }  # fmt: skip


def influence_rows(rows: Rows) -> Iterator[dict[str, Any]]:
    """Rows of influence.csv: every row of the table, and whether it is left out of the clean sets."""
    found = rows.influence
    for k, name in enumerate(rows.pooled.names):
        yield {
            "table": rows.table, "unit": name, "super_crs": found.super_efficiency[k],
            "lifts_others_by": found.lifts_others_by[k], "outlier": bool(found.outlier[k]),
            "doubted_by_audit": name in rows.doubted, "left_out": name in rows.outliers,
        }  # fmt: skip


def window_rows(one: UnitSet, settings: Settings) -> Iterator[dict[str, Any]]:
    """Rows of windows.csv, under constant returns: windows are too small to tell scale apart."""
    if len(one.panel) < 2:
        return
    orientation = settings.efficiency.orientation
    for window in windows(one.panel, settings.efficiency.window, "constant", orientation):
        for unit, period, score in zip(window.unit, window.period, window.score, strict=True):
            yield {
                **place(one), "orientation": orientation, "first": window.first, "last": window.last,
                "unit": unit, "period": period, "crs": score,
            }  # fmt: skip


def malmquist_rows(one: UnitSet, orientation: Orientation) -> Iterator[dict[str, Any]]:
    """Rows of malmquist.csv."""
    for change in malmquist(one.panel, orientation):
        yield {**place(one), "orientation": orientation, **vars(change)}
