"""Two classic diffusion networks: who named whom, and when each adopted.

medInnovations: 125 doctors of four towns and the months in which they first prescribed
tetracycline (Coleman, Katz & Menzel 1966). brfarmers: 692 farmers of eleven Brazilian villages and
the years in which they took up hybrid corn (Rogers, Ascroft & Röling 1970; Valente 1995).
``diffusion_networks/SOURCES.md`` says where the files come from and what was checked.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from cpdiffusion.errors import InputError, did_you_mean

# Source: SOURCES.md. The code that the files give to those who had not adopted when asked: one
# period after the last in which an adoption was seen.
NEVER_CODES = {"medInnovations": 18, "brfarmers": 1965}
NAMES = tuple(NEVER_CODES)

Edge = tuple[int, int]
Array = TypeVar("Array", bound=NDArray[Any])


@dataclass(frozen=True, eq=False)
class DiffusionNetwork:
    """N respondents ("firms"), the P ties by which one influences another, and their adoption.

    A tie runs from the one who was named (``source``) to the one who named them (``target``): the
    latter is the one influenced. ``value`` counts the questions to which the name was the answer.
    ``time_of_adoption`` is nan for those who never adopted. The arrays are read-only.
    """

    name: str
    firms: tuple[str, ...]  # (N,) id of each
    source: NDArray[np.int32]  # (P,) who influences, a position in ``firms``
    target: NDArray[np.int32]  # (P,) who is influenced
    value: NDArray[np.float64]  # (P,) nominations, 1 or more
    time_of_adoption: NDArray[np.float64]  # (N,) month or year, nan = never
    group: tuple[str, ...]  # (N,) town or village
    first_period: int
    last_period: int  # the last in which an adoption could be seen
    never_code: int  # what the file, and netdiffuseR with it, writes for "never"


def diffusion_network(name: str) -> DiffusionNetwork:
    """One of NAMES, read once. Raises InputError for any other name."""
    if name not in NAMES:
        raise InputError(f"world.network={name}: there is no such data set{did_you_mean(str(name), NAMES)}")
    return _diffusion_network(name)


@cache
def _diffusion_network(name: str) -> DiffusionNetwork:
    nodes, edges = _rows(f"{name}_nodes.csv"), _rows(f"{name}_edges.csv")
    firms = tuple(row["node_id"] for row in nodes)
    counts = tie_values(edges, firms)
    alter_to_ego = np.array(list(counts), np.int32).reshape(-1, 2)
    coded, never = np.array([float(row["toa"]) for row in nodes]), NEVER_CODES[name]
    return DiffusionNetwork(
        name=name,
        firms=firms,
        source=_locked(alter_to_ego[:, 0]),
        target=_locked(alter_to_ego[:, 1]),
        value=_locked(np.array(list(counts.values()))),
        time_of_adoption=_locked(np.where(coded == never, np.nan, coded)),
        group=tuple(row["group"] for row in nodes),
        first_period=int(coded.min()),
        last_period=never - 1,
        never_code=never,
    )


def _rows(file: str) -> list[dict[str, str]]:
    lines = files("cpdiffusion.evidence").joinpath("diffusion_networks", file).read_text("utf-8").splitlines()
    return list(csv.DictReader(lines))


def tie_values(edges: list[dict[str, str]], firms: Sequence[str]) -> dict[Edge, float]:
    """{(alter, ego): value} in the order of the file; self-ties go, of a repeated pair the first stays."""
    position = {firm: k for k, firm in enumerate(firms)}
    ties: dict[Edge, float] = {}
    for row in edges:
        if row["ego"] != row["alter"]:
            ties.setdefault((position[row["alter"]], position[row["ego"]]), float(row["value"]))
    return ties


def _locked(array: Array) -> Array:
    """The array itself, closed to writing: a cached network belongs to all its readers."""
    array.setflags(write=False)
    return array
