"""Points from a user's CSV: a header of factors, a line per point."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from cpdiffusion.errors import InputError
from cpdiffusion.factors.factor import as_column, value_of
from cpdiffusion.factors.known import Known, Value, known
from cpdiffusion.factors.points import Points, require_few

IGNORED = "point"  # a column that our own points.csv has
WORDS = {"true": True, "false": False}


def read_points(path: Path, beyond_range: bool = False) -> Points:
    """The points in a file. InputError names the line and the column of what is wrong."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _points(path, list(csv.reader(file)), beyond_range)
    except FileNotFoundError:
        raise InputError(f"sweep.file: there is no file {path}.") from None
    except UnicodeDecodeError:
        raise InputError(f"{path.name}: is not UTF-8 text; save it as UTF-8.") from None
    except OSError as error:
        raise InputError(f"{path.name}: cannot be read ({error.strerror}).") from None
    except csv.Error as error:
        raise InputError(f"{path.name}: is not a CSV file ({error}).") from None


def _points(path: Path, lines: list[list[str]], beyond_range: bool) -> Points:
    if not lines or not any(lines[0]):
        raise InputError(f"{path.name}: is empty; write a header of factors, such as levers.cohort_size.")
    header = [name.strip() for name in lines[0]]
    _require_once(path, header)
    about = [None if name == IGNORED else _known(path, name) for name in header]
    rows = [
        [_value(path, line, a, text, beyond_range) for a, text in zip(about, row, strict=True) if a]
        for line, row in _filled(path, lines, len(header))
    ]
    if not rows or not rows[0]:
        raise InputError(f"{path.name}: holds no point; write one line for each below the header.")
    require_few(len(rows), "a file")
    names = [a.key for a in about if a]
    return Points({n: as_column(column) for n, column in zip(names, zip(*rows, strict=True), strict=True)})


def _require_once(path: Path, header: Sequence[str]) -> None:
    for name in header:
        if header.count(name) > 1:
            raise InputError(f"{path.name}: has the column '{name}' twice; keep one.")


def _known(path: Path, name: str) -> Known:
    try:
        return known(name)
    except InputError as error:
        raise InputError(f"{path.name}: {error}") from None


def _filled(path: Path, lines: list[list[str]], columns: int) -> Iterator[tuple[int, list[str]]]:
    for line, row in enumerate(lines[1:], start=2):
        if any(text.strip() for text in row):
            if len(row) != columns:
                raise InputError(
                    f"{path.name} line {line}: has {len(row)} values where the header names {columns}."
                )
            yield line, row


def _value(path: Path, line: int, about: Known, text: str, beyond_range: bool) -> Value:
    text = text.strip()
    said = text if about.choices else _number(text)
    if about.choices and isinstance(about.choices[0], bool):
        said = WORDS.get(text.lower(), text)
    try:
        return value_of(about, said, beyond_range)
    except InputError as error:
        raise InputError(f"{path.name} line {line}: {str(error).removeprefix('factors.')}") from None


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
