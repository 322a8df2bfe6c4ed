"""A user's own firms and ties: checked against the data contract, and to and from networkx.

``columns.csv`` beside this file is the contract: what each column is called, may hold and means,
and what happens when it is absent. Cells arrive as text, from files or from a graph's attributes,
and leave as the typed columns of a Recipe.
"""

from __future__ import annotations

import csv
import json
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cpdiffusion.errors import InputError, did_you_mean
from cpdiffusion.world.firms import DRAWN_COLUMNS, HAZARD_CLASSES, Flags, Floats, Ints
from cpdiffusion.world.regions import REGIONS
from cpdiffusion.world.ties import LAYERS, Ties, rows
from cpdiffusion.world.world import PLACES, Recipe, World

if TYPE_CHECKING:
    import networkx as nx
    import pyarrow as pa

FIRMS, TIES = "firms.csv", "ties.csv"
EVERYWHERE = "all"  # the one sector and the one complex of firms of which neither is known
LABEL_ORDER = "cpdiffusion_labels"  # graph attribute: labels in the order of their indices
MOST_TO_SUGGEST_FROM = 1000  # comparing a name with each of 600,000 would take longer than reading


class Column(NamedTuple):
    """One line of the contract."""

    file: str
    name: str
    if_absent: str  # "required", "drawn", or what every row then has
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
    return Recipe(
        regions=names["region"],
        sectors=names["sector"],
        complexes=names["complex"],
        ids=tuple(ids.to_pylist()),
        given={**given, **typed},
        ties=tie_rows(ties, ids, directed) if ties else None,
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
    cell, may_go = str(table.columns[column.name][row]), column.if_absent != "required"
    found = f"'{cell:.60}'" if cell else "empty"
    hint = "; fill in all or leave them all out" if not cell and may_go else ""
    raise InputError(f"{table.place(row)}: {column.name} must be {wanted(column)}, but is {found}{hint}.")


def wanted(column: Column) -> str:
    """What the contract allows, in words."""
    unit = f" ({column.unit})" if column.unit else ""
    if column.type in ("name", "label"):
        return f"a {column.type}"
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


# --- networkx ------------------------------------------------------------------------------------


def from_networkx(graph: nx.Graph, region: str = "own") -> Recipe:
    """The recipe of a world whose firms are a graph's nodes, in their order.

    Node attributes named like columns of firms.csv are used and the other columns drawn; without
    ``sector`` or ``complex`` all firms share one (``all``), without ``region`` they are in
    ``region``. Edges, from the firm that influences to the one influenced, may have ``layer`` and
    ``weight``; those of an undirected graph count both ways. Other attributes are left out with a
    warning, unless they look like a misspelt column. Raises InputError for a bad attribute and for
    a graph without ties.
    """
    return recipe_of_graph(graph, "graph", region)


def recipe_of_graph(graph: nx.Graph, source: str, region: str, directed: bool = True) -> Recipe:
    """As ``from_networkx``; ``source`` is the graph's name in messages."""
    if not graph.number_of_edges():
        raise InputError(f"{source}: no tie joins two firms; give at least one.")
    firms, ties = firm_table(graph, source), tie_table(graph, source)
    one_way = directed and graph.is_directed()
    return recipe(firms, ties, region, one_way, label_order_of(graph, source))


def firm_table(graph: nx.Graph, source: str) -> Table:
    """Nodes as rows of text cells; an attribute that some nodes lack leaves an empty cell."""
    nodes, rows = list(graph), [data for _, data in graph.nodes(data=True)]
    default = graph.graph.get("node_default", {})  # GraphML's, which networkx does not fill in
    known = contract(FIRMS).keys() - {"firm"}
    used = used_attributes({*default, *chain.from_iterable(rows)}, known, f"{source} nodes")
    columns = {name: cells(row.get(name, default.get(name)) for row in rows) for name in used}
    place = f"{source} node"
    return Table(source, {"firm": cells(nodes), **columns}, lambda row: f"{place} {nodes[row]!r}")


def tie_table(graph: nx.Graph, source: str) -> Table:
    """Edges as rows of text cells; an edge without layer or weight has the contract's default."""
    ties = list(graph.edges(data=True))
    rows, optional = [data for *_, data in ties], contract(TIES).keys() - {"source", "target"}
    default = {name: contract(TIES)[name].if_absent for name in optional}
    default |= graph.graph.get("edge_default", {})
    attributes = {*default, *chain.from_iterable(rows)} - {"id"}  # networkx adds GraphML's own
    used = used_attributes(attributes, optional, f"{source} edges")
    columns = {name: cells(row.get(name, default[name]) for row in rows) for name in used}
    columns |= {end: cells(tie[k] for tie in ties) for k, end in enumerate(("source", "target"))}
    return Table(source, columns, lambda row: f"{source} edge {ties[row][0]!r} to {ties[row][1]!r}")


def used_attributes(found: Iterable[Any], known: Iterable[str], where: str) -> list[str]:
    """Attributes that the contract knows; InputError for one that looks like a misspelt one."""
    names, known = {str(name) for name in found}, set(known)
    others = sorted(name for name in names - known if not name.startswith("note"))
    for name in others:
        if get_close_matches(name, known, n=1, cutoff=0.8):
            raise InputError(f"{where}: unknown attribute '{name}'{did_you_mean(name, known)}")
    if others:
        message = f"{where}: attributes without meaning here are left out: {', '.join(others)}."
        warnings.warn(message, UserWarning, stacklevel=2)
    return sorted(names & known)


def cells(values: Iterable[object]) -> pa.StringArray:
    """Attributes as the text that would stand in a file."""
    import pyarrow as pa

    return pa.array([cell(value) for value in values], pa.string())


def cell(value: object) -> str:
    """An attribute as text; a whole float, as R writes every number, without its point."""
    if isinstance(value, float) and value.is_integer():
        return f"{value:.0f}"
    return "" if value is None else str(value).strip()


def label_order_of(graph: nx.Graph, source: str) -> dict[str, list[str]]:
    """Labels in the order of their indices, if the graph came from ``to_networkx``."""
    if LABEL_ORDER not in graph.graph:
        return {}
    try:
        labels = json.loads(graph.graph[LABEL_ORDER])
        order = {name: [str(label) for label in labels[name]] for name in PLACES}
    except (KeyError, TypeError, ValueError):
        problem = f"{source}: graph attribute {LABEL_ORDER} is damaged; take it out"
        raise InputError(f"{problem} (labels are then numbered as they appear).") from None
    left = {cell(region) for _, region in graph.nodes(data="region")}
    return order | {"region": [name for name in order["region"] if name in left]}  # a part of it


def to_networkx(world: World) -> nx.DiGraph:
    """The world as a graph that ``from_networkx`` and GraphML can carry without loss.

    Nodes are firm ids with the columns of firms.csv as attributes (labels, not indices); edges run
    from the firm that influences to the one influenced, with ``layer`` (its name) and ``weight``.
    """
    import networkx as nx

    order = {"region": world.regions, "complex": world.complexes, "sector": world.sectors}
    graph = nx.DiGraph(**{LABEL_ORDER: json.dumps(order, ensure_ascii=False)})
    names = [world.firm_id(row) for row in range(world.size)]
    graph.add_nodes_from(zip(names, attributes_of(world, order), strict=True))
    ties = world.ties
    sources = np.repeat(np.arange(world.size), np.diff(ties.start))
    columns = (sources, ties.target, ties.layer, ties.weight)
    graph.add_edges_from(
        (names[source], names[target], {"layer": LAYERS[layer], "weight": weight})
        for source, target, layer, weight in zip(*(c.tolist() for c in columns), strict=True)
    )
    return graph


def attributes_of(world: World, order: Mapping[str, Sequence[str]]) -> Iterable[dict[str, Any]]:
    """The columns of firms.csv of each firm, indices replaced by labels."""
    labels = {**order, "hazard_class": HAZARD_CLASSES}
    columns = {name: column.tolist() for name, column in world.firms._asdict().items()}
    columns |= {name: [names[k] for k in columns[name]] for name, names in labels.items()}
    return (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))
