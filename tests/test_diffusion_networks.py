"""The classic networks: what the files hold, who counts as never, which way a tie runs."""

from __future__ import annotations

import csv
from collections import Counter
from importlib.resources import files

import numpy as np
import pytest

from cpdiffusion.errors import InputError
from cpdiffusion.evidence.diffusion_networks import (
    NAMES,
    NEVER_CODES,
    DiffusionNetwork,
    diffusion_network,
    tie_values,
)

FOLDER = files("cpdiffusion.evidence").joinpath("diffusion_networks")
# Source: netdiffuseR 1.25.0, R/data.r, table under "Diffusion Network Datasets": respondents,
# communities, highest and lowest saturation.
PUBLISHED = {"medInnovations": (125, 4, 0.89, 0.81), "brfarmers": (692, 11, 0.98, 0.29)}


def rows(file: str) -> list[dict[str, str]]:
    return list(csv.DictReader(FOLDER.joinpath(file).read_text("utf-8").splitlines()))


def saturation(network: DiffusionNetwork, adopted: np.ndarray) -> list[float]:
    """Share of adopters in each group, lowest first."""
    groups = np.array(network.group)
    return sorted(float(adopted[groups == group].mean()) for group in set(network.group))


@pytest.mark.parametrize("name", NAMES)
def test_sizes_and_final_shares_are_those_that_netdiffuser_publishes(name: str) -> None:
    network = diffusion_network(name)
    firms, groups, highest, lowest = PUBLISHED[name]
    assert (len(network.firms), len(set(network.group))) == (firms, groups)
    shares = saturation(network, ~np.isnan(network.time_of_adoption))
    assert (round(shares[-1], 2), round(shares[0], 2)) == (highest, lowest)


def test_the_published_shares_are_missed_if_another_year_counts_as_never() -> None:
    network = diffusion_network("brfarmers")
    everybody = np.ones(len(network.firms), bool)
    assert saturation(network, everybody)[0] == 1.0
    assert round(saturation(network, network.time_of_adoption < network.last_period)[0], 2) < 0.29


@pytest.mark.parametrize(
    ("name", "ties", "never", "periods"),
    [("medInnovations", 294, 16, (1, 17)), ("brfarmers", 1900 - 46, 152, (1946, 1964))],
)
def test_counts_of_ties_never_adopters_and_periods(
    name: str, ties: int, never: int, periods: tuple[int, int]
) -> None:
    network = diffusion_network(name)
    assert network.source.size == network.target.size == network.value.size == ties
    assert int(np.isnan(network.time_of_adoption).sum()) == never
    assert (network.first_period, network.last_period) == periods
    times = network.time_of_adoption[~np.isnan(network.time_of_adoption)]
    assert (times.min(), times.max()) == periods


@pytest.mark.parametrize("name", NAMES)
def test_every_row_of_the_files_is_in_the_network_and_nothing_else(name: str) -> None:
    network = diffusion_network(name)
    found = {
        (network.firms[target], network.firms[source], float(value))
        for source, target, value in zip(network.source, network.target, network.value, strict=True)
    }
    edges = [row for row in rows(f"{name}_edges.csv") if row["ego"] != row["alter"]]
    assert found == {(row["ego"], row["alter"], float(row["value"])) for row in edges}
    times = np.where(np.isnan(network.time_of_adoption), network.never_code, network.time_of_adoption)
    nodes = rows(f"{name}_nodes.csv")
    assert [(n, g, t) for n, g, t in zip(network.firms, network.group, times, strict=True)] == [
        (row["node_id"], row["group"], float(row["toa"])) for row in nodes
    ]


def test_a_tie_runs_from_the_doctor_named_to_the_one_who_named_them() -> None:
    network = diffusion_network("medInnovations")  # the first row: 1001 names 1008
    first = network.firms[network.source[0]], network.firms[network.target[0]]
    assert first == ("1008", "1001")


@pytest.mark.parametrize("name", NAMES)
def test_no_tie_leaves_its_town_loops_or_repeats(name: str) -> None:
    network = diffusion_network(name)
    groups = np.array(network.group)
    assert (groups[network.source] == groups[network.target]).all()
    assert (network.source != network.target).all()
    assert max(Counter(zip(network.source, network.target, strict=True)).values()) == 1


def test_of_planted_self_ties_and_repeats_only_the_first_tie_stays() -> None:
    planted = [("a", "a", 9), ("a", "b", 2), ("b", "a", 3), ("a", "b", 5)]
    edges = [{"ego": ego, "alter": alter, "value": str(value)} for ego, alter, value in planted]
    assert tie_values(edges, ("a", "b")) == {(1, 0): 2.0, (0, 1): 3.0}


def test_a_network_cannot_be_changed_for_its_other_readers() -> None:
    network = diffusion_network("brfarmers")
    assert diffusion_network("brfarmers") is network
    for array in (network.source, network.target, network.value, network.time_of_adoption):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_an_unknown_network_is_refused_with_a_hint() -> None:
    with pytest.raises(
        InputError, match="network=brfarmer: there is no such data set; did you mean 'brfarmers'"
    ):
        diffusion_network("brfarmer")


def test_licence_with_its_copyright_line_and_sources_stand_beside_the_data() -> None:
    licence = FOLDER.joinpath("LICENSE-netdiffuseR").read_text("utf-8")
    assert "MIT License" in licence
    assert "Copyright (c) 2018 Thomas W. Valente" in licence
    sources = FOLDER.joinpath("SOURCES.md").read_text("utf-8")
    assert all(str(code) in sources and name in sources for name, code in NEVER_CODES.items())
