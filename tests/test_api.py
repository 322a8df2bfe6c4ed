"""The library as notebooks use it: frames in, frames out, one run in three views."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pandas as pd
import pytest

import cpdiffusion as cpd

QUICK = [
    "parameters.firms_per_region=200", "replicates.at_least=20", "replicates.at_most=20",
    "horizon_years=6", "turning=false", "progress=false",
]  # fmt: skip


def own_frames() -> tuple[pd.DataFrame, pd.DataFrame]:
    names = [f"firm {k}" for k in range(80)]
    firms = pd.DataFrame({"firm": names, "sector": ["a", "b"] * 40, "complex": "c", "employees": 30})
    pairs = [(names[k], names[(k + step) % 80]) for k in range(80) for step in (1, 7)]
    return firms, pd.DataFrame(pairs, columns=["source", "target"])


def test_a_comparison_is_the_same_each_time_and_cannot_be_changed() -> None:
    result = cpd.compare([*QUICK, "why=false"])
    pd.testing.assert_frame_equal(result.table, cpd.compare([*QUICK, "why=false"]).table)
    before, changed = result.table, result.table
    changed["mean"] = 0.0
    pd.testing.assert_frame_equal(result.table, before)
    with pytest.raises(AttributeError):
        result.replicates = 1  # type: ignore[misc]


def test_a_simulation_is_the_replicate_of_the_comparison() -> None:
    runs = cpd.compare([*QUICK, "why=false"]).runs.set_index(["scenario", "replicate"])
    run = cpd.simulate(QUICK, scenario="individual", replicate=3)
    pd.testing.assert_series_equal(
        run.outcomes, runs.loc[("individual", 3)], check_names=False, check_dtype=False
    )
    assert run.firms.adoption_quarter.notna().sum() == run.outcomes.adopters
    assert run.trajectory.adopters.sum() == run.outcomes.adopters


def test_the_mesa_model_is_the_same_run() -> None:
    run, model = cpd.simulate(QUICK, replicate=2), cpd.mesa_model(QUICK, replicate=2)
    while model.running:
        model.step()
    by_row = {firm.row: firm.adoption_quarter for firm in model.agents}
    theirs = [np.nan if by_row[row] is None else by_row[row] for row in range(len(by_row))]
    np.testing.assert_array_equal(run.firms.adoption_quarter, theirs)


def test_a_world_can_be_given_as_frames_and_as_a_graph() -> None:
    firms, ties = own_frames()
    from_frames = cpd.simulate(QUICK, world=cpd.from_frames(firms, ties))
    graph = nx.DiGraph(list(ties.itertuples(index=False)))
    nx.set_node_attributes(graph, firms.set_index("firm").to_dict("index"))
    from_graph = cpd.simulate(QUICK, world=graph)
    assert list(from_frames.firms.index) == list(firms.firm)
    pd.testing.assert_frame_equal(
        from_frames.firms[["sector", "complex", "employees"]].sort_index(),
        from_graph.firms[["sector", "complex", "employees"]].sort_index(),
    )
    assert cpd.to_networkx(from_frames.world).number_of_edges() == len(ties)


def test_a_frame_is_checked_like_a_file() -> None:
    firms, ties = own_frames()
    with pytest.raises(cpd.InputError, match="'employees' is missing"):
        cpd.from_frames(firms.drop(columns="employees"), ties)
    with pytest.raises(cpd.InputError, match="firms row 3: employees"):
        cpd.from_frames(firms.assign(employees=[30, 30, 30, -1, *[30] * 76]), ties)
    with pytest.raises(cpd.InputError, match="has no rows"):
        cpd.from_frames(firms.iloc[:0], ties)


def test_a_world_of_another_kind_is_refused() -> None:
    with pytest.raises(cpd.InputError, match="world: is a int"):
        cpd.simulate(QUICK, world=3)


def test_an_unknown_scenario_is_refused() -> None:
    with pytest.raises(cpd.InputError, match="scenario=nix: is not among individual, cluster_25"):
        cpd.simulate(QUICK, scenario="nix")


def test_an_observed_diffusion_is_measured_on_one_s_own_graph() -> None:
    graph = nx.path_graph(["a", "b", "c"], create_using=nx.DiGraph)
    nx.set_node_attributes(graph, {"a": 2001, "b": 2003}, "time_of_adoption")
    measured = cpd.measure(world=graph)
    assert measured.periods.adopters.tolist() == [1, 0, 1]
    assert measured.firms.loc["b", "threshold"] == 1.0  # a, which influences it, had adopted
    assert np.isnan(measured.firms.loc["c", "time_of_adoption"])


def test_a_run_is_measured_like_an_observation() -> None:
    words = ["study=simulate", "behaviour=threshold", "world.network=medInnovations"]
    run = cpd.simulate(words)
    graph = cpd.to_networkx(run.world)
    when = {firm: step for firm, step in zip(run.ids, run.adoption_step, strict=True) if step == step}
    nx.set_node_attributes(graph, when, "time_of_adoption")
    seen = cpd.measure(world=graph)
    assert seen.firms.threshold.equals(run.measures.firms.threshold)
    assert seen.network.moran_i == run.measures.network.moran_i
