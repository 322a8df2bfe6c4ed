"""Worlds to and from networkx: firms as nodes, ties as edges, columns as their attributes."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from cpdiffusion.errors import InputError, did_you_mean
from cpdiffusion.world.contract import (
    FIRMS,
    TIES,
    Table,
    cell,
    cells,
    contract,
    recipe,
)
from cpdiffusion.world.firms import HAZARD_CLASSES
from cpdiffusion.world.ties import LAYERS
from cpdiffusion.world.world import PLACES, Recipe, World

if TYPE_CHECKING:
    import networkx as nx

LABEL_ORDER = "cpdiffusion_labels"  # graph attribute: labels in the order of their indices


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
