"""A user's own table of units, with any inputs and outputs, in place of Table 4."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cpdiffusion.efficiency.data import units_of
from cpdiffusion.errors import InputError, did_you_mean
from cpdiffusion.studies.efficiency.sets import OWN, Rows
from cpdiffusion.studies.efficiency.settings import EfficiencySettings
from cpdiffusion.world.readers import bytes_of, numbered_rows, utf_8

Line = tuple[int, list[str]]  # its number in the file, its cells


def read_units(asked: EfficiencySettings) -> Rows:
    """The rows of ``efficiency.file``, in the file's own units of measurement; UTF-8 or CP949.

    InputError that names file, line and column for what is no table, a column that is missing, a cell that
    is no number, a unit given twice in a period, and whatever :func:`units_of` refuses.
    """
    path, name = require_file(asked), require_file(asked).name
    inputs, outputs = require_columns_named(asked)
    (line, header), *body = list(numbered_rows(utf_8(bytes_of(path), path.name), name))
    header = [column.strip() for column in header]
    columns = [str(asked.unit), *inputs, *outputs, *([asked.period] if asked.period else [])]
    place = {column: place_of(column, header, f"{name} line {line}") for column in columns}
    require_body(body, len(header), name)
    units = [cells[place[str(asked.unit)]].strip() for _, cells in body]
    periods = years(body, place[asked.period], asked.period, name) if asked.period else None
    require_distinct(units, periods, [number for number, _ in body], name)
    labels = [f"{u} {p}" for u, p in zip(units, periods, strict=True)] if periods else units
    pooled = units_of(
        labels, inputs, outputs, numbers(body, place, inputs, name), numbers(body, place, outputs, name),
        lambda k: f"{name} line {body[k][0]}", name,
    )  # fmt: skip
    require_two(units, name)
    return Rows(OWN, tuple(units), periods, pooled)


def require_file(asked: EfficiencySettings) -> Path:
    """The file; InputError where columns are named and no file is."""
    if asked.file is None:
        raise InputError("efficiency.file: name the table that the columns are in.")
    return asked.file


def require_columns_named(asked: EfficiencySettings) -> tuple[list[str], list[str]]:
    """Names of inputs and outputs; InputError unless all are named, each once."""
    for key in ("unit", "inputs", "outputs"):
        if not getattr(asked, key):
            raise InputError(f"efficiency.{key}: say which columns of {asked.file} these are.")
    inputs, outputs = list(asked.inputs or ()), list(asked.outputs or ())
    named = [str(asked.unit), *inputs, *outputs, *([asked.period] if asked.period else [])]
    for column in named:
        if named.count(column) > 1:
            raise InputError(f"efficiency: the column '{column}' is named twice; give each column one role.")
    return inputs, outputs


def place_of(column: str, header: Sequence[str], where: str) -> int:
    """Where a column stands; InputError if it is missing or there twice."""
    if len(header) == 1 and any(mark in header[0] for mark in ";\t|"):
        raise InputError(f"{where}: has only one column; separate cells by commas.")
    if column not in header:
        raise InputError(f"{where}: there is no column '{column}'{did_you_mean(column, header)}")
    if header.count(column) > 1:
        raise InputError(f"{where}: column '{column}' occurs twice; keep one.")
    return header.index(column)


def require_body(body: Sequence[Line], width: int, name: str) -> None:
    """InputError for a table without rows, and for a row with too many or too few cells."""
    if not body:
        raise InputError(f"{name}: has only a header; add a row for each unit.")
    for line, cells in body:
        if len(cells) != width:
            raise InputError(
                f"{name} line {line}: has {len(cells)} cells, but the header has {width}; give each column "
                "one cell."
            )


def numbers(
    body: Sequence[Line], place: dict[str, int], columns: Sequence[str], name: str
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Cells of some columns as numbers, shape (rows, columns)."""
    return np.array(
        [[number(cells[place[c]], f"{name} line {line}", c) for c in columns] for line, cells in body]
    )


def number(cell: str, where: str, column: str) -> float:
    """A cell as a number."""
    try:
        value = float(cell)
    except ValueError:
        found = f"'{cell.strip()}'" if cell.strip() else "empty"
        raise InputError(
            f"{where}: column '{column}' is {found}; it must be a number such as 12.5, without separators."
        ) from None
    if not math.isfinite(value):
        raise InputError(f"{where}: column '{column}' is {value:g}; it must be a finite number.")
    return value


def years(body: Sequence[Line], place: int, column: str, name: str) -> tuple[int, ...]:
    """The periods as whole numbers."""
    found = []
    for line, cells in body:
        text = cells[place].strip()
        if not (text.isascii() and text.isdigit()):
            raise InputError(
                f"{name} line {line}: column '{column}' is '{text}'; it must be a whole number such as 2012."
            )
        found.append(int(text))
    return tuple(found)


def require_distinct(
    units: Sequence[str], periods: Sequence[int] | None, lines: Sequence[int], name: str
) -> None:
    """InputError for a unit without a name, and for one given twice in a period."""
    first: dict[tuple[str, int], int] = {}
    for k, (unit, line) in enumerate(zip(units, lines, strict=True)):
        if not unit:
            raise InputError(f"{name} line {line}: the unit has no name; give it one.")
        earlier = first.setdefault((unit, periods[k] if periods else 0), line)
        if earlier != line:
            when = f" in {periods[k]}" if periods else ""
            more = "" if periods else ", or name its column of years with efficiency.period"
            raise InputError(
                f"{name} line {line}: the unit '{unit}' is there twice{when}, first on line {earlier}; give "
                f"it one row{more}."
            )


def require_two(units: Sequence[str], name: str) -> None:
    """InputError for a table of one unit in several periods."""
    if len(set(units)) < 2:
        raise InputError(
            f"{name}: has one unit, '{units[0]}'; efficiency is relative, so give two or more to compare."
        )
