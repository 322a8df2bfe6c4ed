"""A user's own firms and ties, checked against the data contract.

``columns.csv`` beside this file is the contract: what each column is called, may hold and means,
and what happens when it is absent. Cells arrive as text, from files or from a graph's attributes,
and leave as the typed columns of a Recipe.
"""

from __future__ import annotations

import csv
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cpdiffusion.errors import InputError, did_you_mean
from cpdiffusion.world.firms import DRAWN_COLUMNS, Flags, Floats, Ints
from cpdiffusion.world.regions import REGIONS
from cpdiffusion.world.ties import Ties, rows
from cpdiffusion.world.world import PLACES, Recipe

if TYPE_CHECKING:
    import pyarrow as pa

FIRMS, TIES = "firms.csv", "ties.csv"
OBSERVED = "time_of_adoption"
EVERYWHERE = "all"  # the one sector and the one complex of firms of which neither is known
MOST_TO_SUGGEST_FROM = 1000  # comparing a name with each of 600,000 would take longer than reading


class Column(NamedTuple):
    """One line of the contract."""

    file: str
    name: str
    if_absent: str  # "required" or "required by ..." a study, "drawn", or what every row then has
    type: str  # a key of CONVERTERS, or "name" or "label" for text
    allowed: str  # an interval such as "(0, 1]", or words with their synonyms, in index order
    unit: str
    meaning: str


@cache
def contract(file: str) -> dict[str, Column]:
    """The columns of ``firms.csv`` or ``ties.csv`` by name."""
    text = files(__package__).joinpath("columns.csv").read_text("utf-8")
    columns = (Column(*cells) for cells in csv.reader(text.splitlines()[1:]))
    return {column.name: column for column in columns if column.file == file}


@dataclass(frozen=True)
class Table:
    """Rows of text cells without surrounding blanks, and how to name a row in a message."""

    source: str  # the file, or "graph"
    columns: dict[str, pa.StringArray]  # (rows,) each
    place: Callable[[int], str]  # such as "firms.csv line 5"


def recipe(
    firms: Table,
    ties: Table | None = None,
    region: str = "own",
    directed: bool = True,
    label_order: Mapping[str, Sequence[str]] | None = None,
) -> Recipe:
    """The recipe of a world with these firms and these ties (None: drawn ones).

    ``label_order`` says which labels take the first indices; others follow as they first appear.
    Raises InputError at the first cell that breaks the contract.
    """
    ids = firm_names(firms)
    given, names = places(firms, region, label_order or {})
    typed = {name: converted(firms, FIRMS, name) for name in firms.columns if name in DRAWN_COLUMNS}
    observed = converted(firms, FIRMS, OBSERVED) if OBSERVED in firms.columns else None
    return Recipe(
        regions=names["region"],
        sectors=names["sector"],
        complexes=names["complex"],
        ids=tuple(ids.to_pylist()),
        given={**given, **typed},
        ties=tie_rows(ties, ids, directed) if ties else None,
        time_of_adoption=observed,  # type: ignore[arg-type]
    )


# --- firms ---------------------------------------------------------------------------------------


def firms_in_ties(ties: Table) -> Table:
    """The firms that occur in ties: those that influence in order of appearance, then the rest."""
    import pyarrow as pa

    names = pa.concat_arrays([text_column(ties, TIES, end) for end in ("source", "target")])
    return Table(ties.source, {"firm": names.unique()}, ties.place)


def firm_names(firms: Table) -> pa.StringArray:
    """Name of each firm; InputError when two have the same or there is none."""
    names = text_column(firms, FIRMS, "firm")
    first = names.dictionary_encode().indices.to_numpy()
    is_new = first == np.arange(first.size)  # codes count firms, so equal rows until one repeats
    if not is_new.all():
        again = int(np.argmin(is_new))
        raise InputError(
            f"{firms.place(again)}: firm '{names[again]}' is already in "
            f"{firms.place(int(first[again]))}; keep one of them."
        )
    return names


def places(
    firms: Table, region: str, label_order: Mapping[str, Sequence[str]]
) -> tuple[dict[str, Ints], dict[str, tuple[str, ...]]]:
    """Indices of region, complex and sector of each firm, and the labels behind them."""
    import pyarrow as pa

    indices, names, size = {}, {}, len(firms.columns["firm"])
    absent = {"region": region, "complex": EVERYWHERE, "sector": EVERYWHERE}
    for name in PLACES:
        known = name in firms.columns
        labels = text_column(firms, FIRMS, name) if known else pa.repeat(absent[name], size)
        indices[name], names[name] = coded(labels, label_order.get(name, ()))
    warn_of_lost_presets(names["region"])
    return indices, names


def coded(labels: pa.StringArray, first: Sequence[str]) -> tuple[Ints, tuple[str, ...]]:
    """Index of each label, and the labels: ``first`` before the others in order of appearance."""
    import pyarrow as pa

    encoded = pa.concat_arrays([pa.array(first, pa.string()), labels]).dictionary_encode()
    index = np.array(encoded.indices.to_numpy()[len(first) :], np.int32)
    return index, tuple(encoded.dictionary.to_pylist())


def warn_of_lost_presets(regions: Iterable[str]) -> None:
    """A region that is meant as a preset but spelt otherwise would silently lose its effect."""
    spelt = {word: r.id for r in REGIONS.values() for word in (r.id, r.name.lower(), r.name_ko)}
    for name in regions:
        preset = spelt.get(name.lower(), name)
        if preset != name:
            message = f"region '{name}' is taken as a region of its own; the preset is '{preset}'."
            warnings.warn(message, UserWarning, stacklevel=2)


# --- ties ----------------------------------------------------------------------------------------


def tie_rows(ties: Table, ids: pa.StringArray, directed: bool) -> Ties:
    """Sparse rows; of a pair in several layers the first in LAYERS stays, then the first given."""
    source, target = (ends(ties, name, ids) for name in ("source", "target"))
    full = with_defaults(ties, TIES)
    layer, weight = (converted(full, TIES, name) for name in ("layer", "weight"))
    require_ties(ties, source == target)
    columns: tuple[NDArray[np.generic], ...] = (source, target, layer, weight)
    if not directed:
        columns = both_ways(*columns)
    order = np.argsort(columns[2], kind="stable")
    return rows(len(ids), *(column[order] for column in columns))  # type: ignore[arg-type]


def with_defaults(table: Table, file: str) -> Table:
    """The table with the columns that it lacks, filled with the contract's default."""
    import pyarrow as pa

    size = len(next(iter(table.columns.values())))
    absent = [column for column in contract(file).values() if column.name not in table.columns]
    filled = {column.name: pa.repeat(column.if_absent, size) for column in absent}
    return Table(table.source, {**table.columns, **filled}, table.place)


def ends(ties: Table, name: str, ids: pa.StringArray) -> Ints:
    """Row of the firm at one end of each tie; InputError when there is no such firm."""
    import pyarrow.compute as pc

    firms = text_column(ties, TIES, name)
    found: Ints = pc.index_in(firms, value_set=ids).fill_null(-1).to_numpy()
    if (found < 0).any():
        row = int(np.argmax(found < 0))
        few = len(ids) <= MOST_TO_SUGGEST_FROM
        hint = did_you_mean(str(firms[row]), ids.to_pylist()) if few else "."
        raise InputError(f"{ties.place(row)}: {name} '{firms[row]}' is not among the firms{hint}")
    return found


def require_ties(ties: Table, with_itself: Flags) -> None:
    """InputError when only ties of firms with themselves are given; warns when there are some."""
    if with_itself.all():
        raise InputError(f"{ties.source}: no tie joins two firms; give at least one.")
    if with_itself.any():
        first, number = ties.place(int(np.argmax(with_itself))), with_itself.sum()
        message = f"{first}: a firm is tied to itself; {number} such ties are left out in all."
        warnings.warn(message, UserWarning, stacklevel=2)


def both_ways(*columns: NDArray[np.generic]) -> tuple[NDArray[np.generic], ...]:
    """Each tie followed by its reverse, so that the first given decides in both directions."""
    source, target, layer, weight = columns
    there, back = np.stack((source, target), axis=1), np.stack((target, source), axis=1)
    return there.ravel(), back.ravel(), np.repeat(layer, 2), np.repeat(weight, 2)


# --- cells ---------------------------------------------------------------------------------------


def text_column(table: Table, file: str, name: str) -> pa.StringArray:
    """Cells of a column of names or labels, none of them empty."""
    import pyarrow.compute as pc

    cells = table.columns[name]
    is_filled = pc.not_equal(cells, "").to_numpy(zero_copy_only=False)
    require(is_filled, table, contract(file)[name])
    return cells


def converted(table: Table, file: str, name: str) -> NDArray[np.generic]:
    """A column as numbers, flags or indices; InputError at the first cell that is not allowed."""
    column = contract(file)[name]
    values, is_allowed = CONVERTERS[column.type](table.columns[name], column.allowed)
    require(is_allowed, table, column)
    return values


def require(is_allowed: Flags, table: Table, column: Column) -> None:
    """InputError at the first cell that is not allowed: where it is, what it is, what is right."""
    if is_allowed.all():
        return
    row = int(np.argmin(is_allowed))
    cell, may_go = str(table.columns[column.name][row]), not column.if_absent.startswith("required")
    found = f"'{cell:.60}'" if cell else "empty"
    hint = "; fill in all or leave them all out" if not cell and may_go else ""
    raise InputError(f"{table.place(row)}: {column.name} must be {wanted(column)}, but is {found}{hint}.")


def wanted(column: Column) -> str:
    """What the contract allows, in words."""
    unit = f" ({column.unit})" if column.unit else ""
    if column.type in ("name", "label"):
        return f"a {column.type}"
    if column.type == "period":
        return f"a whole number {interval(column.allowed)}{unit}, or empty for never"
    if column.type not in ("whole", "number"):
        return f"one of {', '.join(column.allowed.replace(',', '').split())}"
    return f"a {'whole ' * (column.type == 'whole')}number {interval(column.allowed)}{unit}"


def interval(allowed: str) -> str:
    """An interval such as ``(0, 1]`` in words."""
    low, high = allowed[1:-1].split(", ")
    if allowed[0] + allowed[-1] == "[]":
        return f"from {low} to {high}"
    above = f"of at least {low}" if allowed[0] == "[" else f"above {low}"
    below = f"at most {high}" if allowed[-1] == "]" else f"below {high}"
    return above if high == "inf" else f"{above} and {below}"


Converted = tuple[NDArray[np.generic], Flags]


def number(cells: pa.StringArray, allowed: str) -> tuple[Floats, Flags]:
    """Numbers, shape (N,), and whether each lies in the interval (NaN and infinity never do)."""
    values = parsed(cells)
    low, high = (float(bound) for bound in allowed[1:-1].split(","))
    above = values >= low if allowed[0] == "[" else values > low
    return values, above & (values <= high if allowed[-1] == "]" else values < high)


def whole(cells: pa.StringArray, allowed: str) -> Converted:
    """Whole numbers, shape (N,), and whether each is one and lies in the interval."""
    values, is_inside = number(cells, allowed)
    is_whole = is_inside & (values == np.rint(values))
    return np.where(is_whole, values, 0).astype(np.int32), is_whole


def period(cells: pa.StringArray, allowed: str) -> tuple[Floats, Flags]:
    """Whole numbers or NaN for an empty cell, shape (N,), and whether each is one of these."""
    import pyarrow.compute as pc

    values, is_inside = number(cells, allowed)
    is_empty = pc.equal(cells, "").to_numpy(zero_copy_only=False)
    return values, is_empty | (is_inside & (values == np.rint(values)))


def choice(dtype: type[np.generic]) -> Callable[[pa.StringArray, str], Converted]:
    """Converts words, capital or not, to the index of their group of synonyms."""

    def convert(cells: pa.StringArray, allowed: str) -> Converted:
        import pyarrow as pa
        import pyarrow.compute as pc

        groups = enumerate(allowed.split(","))
        index = {word: k for k, words in groups for word in words.split()}
        word = pc.index_in(pc.utf8_lower(cells), value_set=pa.array(index)).fill_null(-1).to_numpy()
        return np.array(list(index.values()))[word].astype(dtype), word >= 0

    return convert


CONVERTERS: dict[str, Callable[[pa.StringArray, str], Converted]] = {
    "number": number,
    "whole": whole,
    "period": period,
    "flag": choice(np.bool_),
    "class": choice(np.int32),
    "layer": choice(np.int8),
}


def parsed(cells: pa.StringArray) -> Floats:
    """Cells as numbers, NaN for what is not one."""
    import pyarrow as pa

    try:
        return np.array(cells.cast(pa.float64()).to_numpy())  # a copy that can be written to
    except pa.ArrowInvalid:
        return np.array([number_or_nan(cell) for cell in cells.to_pylist()], np.float64)


def number_or_nan(cell: str) -> float:
    """A cell as a number; Python's own ``1_000`` is none in a table."""
    try:
        return float(cell.replace("_", "no number"))
    except ValueError:
        return np.nan


def cells(values: Iterable[object]) -> pa.StringArray:
    """Attributes as the text that would stand in a file."""
    import pyarrow as pa

    return pa.array([cell(value) for value in values], pa.string())


def cell(value: object) -> str:
    """An attribute as text; a whole float, as R writes every number, without its point."""
    if isinstance(value, float) and value.is_integer():
        return f"{value:.0f}"
    return "" if value is None or str(value) in ("nan", "<NA>") else str(value).strip()
