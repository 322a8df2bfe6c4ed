"""The classic rules: as NDlib has them, as on paper, and under every policy as pure as the main rule."""

from __future__ import annotations

import ast
import functools
import hashlib
import itertools
import json
import math
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import ndlib.models.epidemics as ndlib_models
import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from ndlib.models.ModelConfig import Configuration

import cpdiffusion as cpd
from cpdiffusion import draws
from cpdiffusion.behaviour.classic import Behaviour
from cpdiffusion.draws import Purpose, replicate_seeds
from cpdiffusion.engine.phases import quarter
from cpdiffusion.engine.run import room_for, run_into
from cpdiffusion.engine.run import run as run_compiled
from cpdiffusion.engine.start import start
from cpdiffusion.engine.state import BEFORE, GONE, NEVER, Flow, new_state
from cpdiffusion.evidence.diffusion_networks import diffusion_network
from cpdiffusion.parameters import Parameters, parameters
from cpdiffusion.policy.levers import Levers
from cpdiffusion.units import QUARTERS_PER_YEAR
from cpdiffusion.world.ties import Layer, Ties, rows
from cpdiffusion.world.world import World
from small_worlds import (
    EAGER,
    NOTHING,
    STUBBORN,
    SUPPORT_ONLY,
    Played,
    alone,
    calm,
    changed,
    clique,
    cluster,
    firms_like,
    individual,
    one_by_one,
    order_of,
    pair,
    prepared,
    run,
    same_course,
    star,
    strangers,
    synthetic,
    ties_between,
    world_of,
)

PEERS, THRESHOLD, BASS, CASCADE = Behaviour
CLASSIC = (THRESHOLD, BASS, CASCADE)
PACKAGE = Path(cpd.__file__).parent
EARLY = {"seed": True}

Node = Any
Steps = dict[Node, int]  # step in which each node adopted; those who never did are left out
by_rule = pytest.mark.parametrize("behaviour", CLASSIC, ids=[rule.name for rule in CLASSIC])


# --- worlds ---------------------------------------------------------------------------------------


def with_fates(graph: nx.Graph, threshold: Mapping[Node, float], early: Iterable[Node]) -> nx.Graph:
    """The graph with the attributes that the rules look at."""
    told, early = graph.copy(), set(early)
    for node, attributes in told.nodes(data=True):
        attributes.clear()
        attributes.update(threshold=threshold[node], seed=node in early)
    return told


def world_of_graph(graph: nx.Graph) -> World:
    return cpd.from_networkx(graph).build(1, parameters())


def one_way(size: int, pairs: Iterable[tuple[int, int]], weight: float = 1.0, **firms: Any) -> World:
    """Firms of which the first of each pair influences the second, and not the other way round."""
    ends = np.array(list(pairs), np.int32).reshape(-1, 2)
    layer, weights = np.full(len(ends), Layer.OTHER, np.int8), np.full(len(ends), weight)
    ties = rows(size, ends[:, 0].copy(), ends[:, 1].copy(), layer, weights)
    return replace(world_of(firms_like(size, **firms)), ties=ties)


def complete(size: int) -> World:
    """Everybody influences everybody."""
    others = np.tile(np.arange(size, dtype=np.int32), (size, 1))[~np.eye(size, dtype=bool)]
    start_of = np.arange(size + 1, dtype=np.int64) * (size - 1)
    ties = Ties(start_of, others, np.zeros(others.size, np.int8), np.ones(others.size))
    return replace(world_of(firms_like(size)), ties=ties)


def first_ones(size: int, early: int) -> np.ndarray:
    return np.arange(size) < early


def steps_of(played: Played) -> list[int | None]:
    """Step of adoption of each firm; 0 is before the first quarter."""
    return [None if q == NEVER else q - BEFORE for q in played.state.adoption_quarter.tolist()]


def ensemble(
    world: World, behaviour: Behaviour, p: Parameters, replicates: int, quarters: int, seed: int = 1
) -> np.ndarray:
    """Steps of adoption of each firm in each replicate, shape (K, N); never is a large number."""
    played = prepared(world, NOTHING, p, quarters, behaviour)
    runs = room_for(replicates, world.size, len(world.regions), quarters)
    seeds = replicate_seeds(seed, 0, replicates)
    run_into(runs, played.state, played.setting, seeds, order_of(world, NOTHING))
    return runs.adoption_quarter.astype(np.int64) - BEFORE


def adopters_by_step(steps: np.ndarray, last: int) -> np.ndarray:
    """Adopters up to each step in each replicate, shape (K, last + 1)."""
    return (steps[:, :, None] <= np.arange(last + 1)).sum(axis=1)


def mean_and_error(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return values.mean(axis=0), values.std(axis=0, ddof=1) / math.sqrt(len(values))


# --- the threshold rule beside NDlib --------------------------------------------------------------


def ndlib_threshold(graph: nx.Graph, threshold: Mapping[Node, float], early: Iterable[Node]) -> Steps:
    """NDlib's ThresholdModel until nothing changes any more."""
    state = np.random.get_state()  # NDlib seeds numpy's shared generator
    model = ndlib_models.ThresholdModel(graph, seed=1)
    configuration, early = Configuration(), list(early)
    configuration.add_model_initial_configuration("Infected", early)
    for node in graph:
        configuration.add_node_configuration("threshold", node, threshold[node])
    model.set_initial_status(configuration)
    np.random.set_state(state)
    steps = dict.fromkeys(early, 0)
    model.iteration()
    while (now := model.iteration())["status"]:
        steps |= dict.fromkeys(now["status"], now["iteration"])
    return steps


def our_threshold(graph: nx.Graph, threshold: Mapping[Node, float], early: Iterable[Node]) -> Steps:
    """The same through the library as a user calls it."""
    simulated = cpd.simulate(simulation_settings("threshold"), world=with_fates(graph, threshold, early))
    adopted = zip(graph, simulated.adoption_step.tolist(), strict=True)
    return {node: int(step) for node, step in adopted if not math.isnan(step)}


@functools.cache
def simulation_settings(behaviour: str) -> cpd.Settings:
    return cpd.load(["study=simulate", f"behaviour={behaviour}", "progress=false"])


def classic_data(name: str) -> nx.DiGraph:
    data = diffusion_network(name)
    graph = nx.DiGraph()
    graph.add_nodes_from(data.firms)
    named = zip(data.source.tolist(), data.target.tolist(), data.value.tolist(), strict=True)
    graph.add_edges_from((data.firms[a], data.firms[b], {"weight": value}) for a, b, value in named)
    return graph


def who_imports_whom() -> nx.DiGraph:
    """The modules of this package: a real directed network that is always at hand."""
    graph = nx.DiGraph()
    for file in sorted(PACKAGE.rglob("*.py")):
        module = ".".join(["cpdiffusion", *file.relative_to(PACKAGE).with_suffix("").parts])
        graph.add_node(module)
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("cpdiffusion."):
                graph.add_edge(node.module, module)
    return graph


def one_way_of(graph: nx.Graph) -> nx.DiGraph:
    """An undirected network with most ties in one direction, in either, and some in both."""
    chance, directed = np.random.default_rng(7), nx.DiGraph()
    directed.add_nodes_from(graph)
    for a, b in graph.edges:
        draw = chance.random()
        directed.add_edges_from([(a, b)] * (draw < 0.6) + [(b, a)] * (draw > 0.4))
    return directed


NETWORKS: dict[str, Callable[[], nx.Graph]] = {
    "karate club": nx.karate_club_graph,
    "les miserables": nx.les_miserables_graph,
    "florentine families": nx.florentine_families_graph,
    "southern women": nx.davis_southern_women_graph,
    "modules of the package": who_imports_whom,
    "medInnovations": lambda: classic_data("medInnovations"),
    "brfarmers": lambda: classic_data("brfarmers"),
}


@functools.cache
def network(name: str, directed: bool) -> nx.Graph:
    """A network without what its nodes and ties were told."""
    told = NETWORKS[name]()
    graph = (told if told.is_directed() else one_way_of(told)) if directed else nx.Graph(told)
    bare = graph.__class__()
    bare.add_nodes_from(graph)
    bare.add_edges_from(graph.edges)
    return bare


def cases(graph: nx.Graph) -> Iterable[tuple[dict[Node, float], list[Node]]]:
    """Three kinds of thresholds, each from three sets of early adopters."""
    nodes, chance = list(graph), np.random.default_rng(3)
    sizes = (1, math.ceil(0.1 * len(nodes)), math.ceil(0.3 * len(nodes)))
    drawn = dict(zip(nodes, chance.uniform(0.0, 1.0, len(nodes)).tolist(), strict=True))
    for threshold in (dict.fromkeys(nodes, 0.2), dict.fromkeys(nodes, 0.5), drawn):
        for size in sizes:
            yield threshold, [nodes[k] for k in chance.permutation(len(nodes))[:size]]


real_network = pytest.mark.parametrize(
    ("name", "directed"), [(name, directed) for name in NETWORKS for directed in (False, True)]
)


@real_network
def test_on_real_networks_everybody_adopts_in_the_step_in_which_ndlib_says(name: str, directed: bool) -> None:
    graph, spread, stuck = network(name, directed), 0, 0
    for threshold, early in cases(graph):
        expected = ndlib_threshold(graph, threshold, early)
        assert our_threshold(graph, threshold, early) == expected
        spread += len(expected) > len(early)
        stuck += len(expected) < len(graph)
    assert spread >= 3  # something happened ...
    assert stuck >= 3  # ... and not to everybody


def by_hand(
    graph: nx.Graph, threshold: Mapping[Node, float], early: Iterable[Node], *,
    at_once: bool = True, more_than: bool = False, wrong_way: bool = False, late: int = 0,
) -> Steps:  # fmt: skip
    """The definition, node by node, and wrong ones: in turn, strictly more, backwards, a step late."""
    influencers = graph.successors if graph.is_directed() and wrong_way else None
    influencers = influencers or (graph.predecessors if graph.is_directed() else graph.neighbors)
    steps, now = dict.fromkeys(early, 0), 0
    while True:
        now += 1
        seen = steps.copy() if at_once else steps
        new: Steps = {}
        for node in (node for node in graph if node not in steps):
            around = list(influencers(node))
            share = sum(n in seen for n in around) / len(around) if around else -1.0
            if share > threshold[node] or (share == threshold[node] and not more_than):
                new[node] = now + late
                steps.update({} if at_once else new)
        if not new:
            return steps
        steps |= new


WRONG: dict[str, dict[str, Any]] = {
    "in turn": {"at_once": False},
    "more than the threshold": {"more_than": True},
    "a step late": {"late": 1},
    "against the ties": {"wrong_way": True},
}


def agreements(**variant: Any) -> list[bool]:
    """Whether a variant gives NDlib's steps, on small directed networks."""
    graphs = [network(name, True) for name in ("karate club", "les miserables", "florentine families")]
    return [
        by_hand(graph, threshold, early, **variant) == ndlib_threshold(graph, threshold, early)
        for graph in graphs
        for threshold, early in cases(graph)
    ]


def test_the_definition_by_hand_agrees_with_ndlib_too() -> None:
    assert all(agreements())


@pytest.mark.parametrize("variant", WRONG)
def test_the_comparison_would_notice_a_rule_that_is_slightly_wrong(variant: str) -> None:
    assert not all(agreements(**WRONG[variant]))


@st.composite
def any_graph(draw: st.DrawFn) -> nx.Graph:
    """A few nodes, some alone, ties one way or both, some of them to oneself."""
    size = draw(st.integers(2, 12))
    graph = nx.DiGraph() if draw(st.booleans()) else nx.Graph()
    graph.add_nodes_from(range(size))
    node = st.integers(0, size - 1)
    graph.add_edges_from(draw(st.lists(st.tuples(node, node), min_size=1, max_size=40)))
    return graph


SHARES = st.one_of(st.sampled_from([0.0, 1.0, 0.5, 1 / 3, 2 / 3, 0.3, 0.1]), st.floats(0.0, 1.0))


@settings(max_examples=250, deadline=None)
@given(graph=any_graph(), data=st.data())
def test_on_any_graph_with_any_thresholds_ndlib_says_the_same(graph: nx.Graph, data: st.DataObject) -> None:
    without_loops = graph.copy()
    without_loops.remove_edges_from(list(nx.selfloop_edges(graph)))
    assume(without_loops.number_of_edges() > 0)
    threshold = {node: data.draw(SHARES) for node in graph}
    early = [node for node in graph if data.draw(st.booleans())]
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        world = world_of_graph(with_fates(graph, threshold, early))
    loops = graph.number_of_edges() - without_loops.number_of_edges()
    assert [f"{loops} such ties are left out" in str(w.message) for w in said] == [True] * (loops > 0)
    played = run(world, NOTHING, parameters(), quarters=len(graph) + 1, behaviour=THRESHOLD)
    ours = {node: step for node, step in zip(graph, steps_of(played), strict=True) if step is not None}
    assert ours == ndlib_threshold(without_loops, threshold, early)


# --- the threshold rule by hand -------------------------------------------------------------------


def under(behaviour: Behaviour, world: World, quarters: int = 12, **changes: float) -> list[int | None]:
    """Steps of adoption without a policy."""
    return steps_of(run(world, NOTHING, calm(**changes), quarters=quarters, behaviour=behaviour))


def surrounded(adopting: int, influencers: int, threshold: float) -> int | None:
    """Step in which a firm adopts of whose influencers so many have adopted; these never change."""
    ones = [{"seed": k < adopting, "threshold": 1.0} for k in range(influencers)]
    firms = one_by_one({"threshold": threshold}, *ones)
    world = one_way(influencers + 1, [(k + 1, 0) for k in range(influencers)])
    return under(THRESHOLD, replace(world, firms=firms))[0]


def test_exactly_the_share_is_enough_whatever_the_rounding() -> None:
    """3 of 10 meet 0.3, although 0.3 x 10 is rounded up to more than 3 in other such cases."""
    assert 3 / 10 >= 0.3
    for influencers in range(1, 60):
        for adopting in range(1, influencers + 1):
            if influencers in (10, 25, 49, 59):
                share = adopting / influencers
                assert surrounded(adopting, influencers, share) == 1
                just_above = min(1.0, math.nextafter(share, 2.0))
                assert (surrounded(adopting, influencers, just_above) == 1) == (just_above == share)


def test_one_less_than_the_share_is_not_enough() -> None:
    assert surrounded(2, 10, 0.3) is None
    assert surrounded(3, 10, 0.3) == 1


def test_the_test_would_notice_a_product_in_place_of_the_division() -> None:
    """Control: for some of the shares above, threshold x influencers exceeds the number of adopters."""
    pairs = [(k, n) for n in (10, 25, 49, 59) for k in range(1, n + 1)]
    assert any(k / n * n > k for k, n in pairs)


def test_a_threshold_of_zero_is_met_in_the_first_step_by_whoever_has_an_influencer() -> None:
    world = one_way(3, [(0, 1)], threshold=0.0)
    assert under(THRESHOLD, world) == [None, 1, None]


def test_a_threshold_of_one_asks_for_all() -> None:
    assert surrounded(4, 5, 1.0) is None
    assert surrounded(5, 5, 1.0) == 1


def test_ties_count_from_the_one_who_influences_only() -> None:
    heard = one_way(3, [(0, 1), (1, 2)], threshold=1.0, seed=first_ones(3, 1))
    assert under(THRESHOLD, heard) == [0, 1, 2]
    unheard = one_way(3, [(1, 0), (2, 1)], threshold=1.0, seed=first_ones(3, 1))
    assert under(THRESHOLD, unheard) == [0, None, None]


def test_a_tie_to_oneself_is_no_influencer() -> None:
    """Counted, it would halve the share; as an influencer of itself a firm could start alone."""
    world = one_way(2, [(0, 1), (1, 1)], threshold=1.0, seed=first_ones(2, 1))
    assert under(THRESHOLD, world) == [0, 1]
    assert under(THRESHOLD, one_way(1, [(0, 0)], threshold=0.0)) == [None]


def test_a_repeated_tie_counts_once_and_its_weight_does_not_count() -> None:
    thrice = [(0, 2), (0, 2), (0, 2), (1, 2)]
    world = one_way(3, thrice, weight=9.0, threshold=0.6, seed=first_ones(3, 1))
    assert under(THRESHOLD, world) == [0, None, None]
    assert under(THRESHOLD, changed(world, threshold=0.5)) == [0, None, 1]


@pytest.mark.parametrize("order", [1, -1])
def test_steps_are_taken_at_once_whatever_the_order_of_the_list(order: int) -> None:
    """Along a chain one firm a step, be the chain numbered forwards or backwards."""
    chain = list(range(6))[::order]
    world = one_way(6, itertools.pairwise(chain), threshold=1.0, seed=np.arange(6) == chain[0])
    assert [under(THRESHOLD, world)[firm] for firm in chain] == [0, 1, 2, 3, 4, 5]


@by_rule
def test_a_classic_rule_does_not_look_at_returns_or_money(behaviour: Behaviour) -> None:
    """Firms that would adopt at once under the main rule do not start, and poor ones follow."""
    p = {"cascade_probability": 1.0, "bass_innovation_per_quarter": 0.0, "bass_imitation_per_quarter": 1.0}
    keen = clique(EAGER, EAGER)
    assert under(PEERS, keen) == [1, 1]
    assert under(behaviour, keen, **p) == [None, None]
    poor = {**STUBBORN, "liquidity_mkrw": 0.0, "waits_for_example": True}
    assert under(behaviour, pair(EARLY, poor), **p) == [0, 1]
    assert under(PEERS, pair(EARLY, poor), 40) == [0, None]


# --- the cascade ----------------------------------------------------------------------------------


def ndlib_cascade(graph: nx.Graph, probability: float, early: list[Node], runs: int, last: int) -> np.ndarray:
    """Adopters up to each step in runs of NDlib's IndependentCascadesModel, shape (runs, last + 1)."""
    state = np.random.get_state()
    model = ndlib_models.IndependentCascadesModel(graph, seed=11)
    configuration = Configuration()
    configuration.add_model_initial_configuration("Infected", early)
    for edge in graph.edges:
        configuration.add_edge_configuration("threshold", edge, probability)
    model.set_initial_status(configuration)
    adopters = np.full((runs, last + 1), len(early))
    for k in range(runs):
        model.reset(early)
        for step in range(last + 1):
            count = model.iteration(node_status=False)["node_count"]
            adopters[k, step:] = count[1] + count[2]
            if count[1] == 0:
                break
    np.random.set_state(state)
    return adopters


def our_cascade(graph: nx.Graph, probability: float, early: list[Node], runs: int, last: int) -> np.ndarray:
    world = world_of_graph(with_fates(graph, dict.fromkeys(graph, 0.5), early))
    p = parameters({"cascade_probability": probability}, beyond_range=True)
    return adopters_by_step(ensemble(world, CASCADE, p, runs, last), last)


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """Largest distance of two mean curves in standard errors."""
    (mean, error), (their_mean, their_error) = mean_and_error(one), mean_and_error(other)
    gap, spread = np.abs(mean - their_mean), np.hypot(error, their_error)
    assert (gap[spread == 0.0] == 0.0).all()
    return float((gap[spread > 0.0] / spread[spread > 0.0]).max())


@pytest.mark.parametrize(
    ("name", "directed", "probability"),
    [
        ("karate club", False, 0.15),
        ("karate club", True, 0.3),
        ("les miserables", False, 0.1),
        ("les miserables", True, 0.25),
    ],
)
def test_the_mean_cascade_is_that_of_ndlib(name: str, directed: bool, probability: float) -> None:
    graph, last = network(name, directed), 8
    early = sorted(graph, key=graph.degree)[-2:]
    theirs = ndlib_cascade(graph, probability, early, 400, last)
    ours = our_cascade(graph, probability, early, 4000, last)
    assert ours[:, -1].mean() > len(early) + 2
    assert apart(ours, theirs) < 3.0
    for other in (0.75 * probability, 1.25 * probability):
        wrong = our_cascade(graph, other, early, 4000, last)
        assert apart(wrong, theirs) > 3.0  # control: enough runs to notice another probability


def test_along_a_path_each_tie_is_a_chance_of_its_own() -> None:
    """a to b to c: b with p, c with p squared, and never before its turn."""
    chance, runs = 0.4, 40_000
    world = one_way(3, [(0, 1), (1, 2)], seed=first_ones(3, 1))
    steps = ensemble(world, CASCADE, calm(cascade_probability=chance), runs, 6)
    assert set(map(tuple, steps.tolist())) == {
        (0, NEVER + 1, NEVER + 1), (0, 1, NEVER + 1), (0, 1, 2)}  # fmt: skip
    for firm, expected in ((1, chance), (2, chance**2)):
        error = math.sqrt(expected * (1 - expected) / runs)
        assert abs((steps[:, firm] == firm).mean() - expected) < 3 * error


def test_in_a_star_the_leaves_are_convinced_independently_with_one_chance_each() -> None:
    """The number convinced by the centre is binomial, and after the first step nobody follows."""
    leaves, chance, runs = 6, 0.3, 40_000
    world = one_way(leaves + 1, [(0, k + 1) for k in range(leaves)], seed=first_ones(leaves + 1, 1))
    steps = ensemble(world, CASCADE, calm(cascade_probability=chance), runs, 40)[:, 1:]
    assert set(np.unique(steps)) == {1, NEVER + 1}
    convinced = (steps == 1).sum(axis=1)
    for k in range(leaves + 1):
        expected = math.comb(leaves, k) * chance**k * (1 - chance) ** (leaves - k)
        error = math.sqrt(expected * (1 - expected) / runs)
        assert abs((convinced == k).mean() - expected) < 3.5 * error


def test_two_influencers_are_two_independent_chances() -> None:
    chance, runs = 0.3, 40_000
    world = one_way(3, [(0, 2), (1, 2)], seed=first_ones(3, 2))
    steps = ensemble(world, CASCADE, calm(cascade_probability=chance), runs, 4)[:, 2]
    expected = 1 - (1 - chance) ** 2
    assert abs((steps == 1).mean() - expected) < 3 * math.sqrt(expected * (1 - expected) / runs)


def test_a_weight_multiplies_the_probability() -> None:
    runs = 40_000
    for weight, chance, expected in ((0.5, 0.6, 0.3), (2.0, 0.2, 0.4), (3.0, 0.4, 1.0), (1.0, 0.0, 0.0)):
        world = one_way(2, [(0, 1)], weight, seed=first_ones(2, 1))
        steps = ensemble(world, CASCADE, calm(cascade_probability=chance), runs, 2)[:, 1]
        error = math.sqrt(expected * (1 - expected) / runs)
        assert abs((steps == 1).mean() - expected) <= 3 * error


def live_ties(world: World, seed: int, probability: float) -> nx.DiGraph:
    """The ties over which an adopter would convince, whenever it adopts."""
    graph, ties = nx.DiGraph(), world.ties
    graph.add_nodes_from(range(world.size))
    for firm in range(world.size):
        key = np.uint64(draws.stream(np.uint64(seed), int(Purpose.CASCADE), firm))
        for tie in range(ties.start[firm], ties.start[firm + 1]):
            peer = int(ties.target[tie])
            if draws.uniform(key, peer) < probability * ties.weight[tie]:
                graph.add_edge(firm, peer)
    return graph


@pytest.mark.parametrize("directed", [False, True])
def test_a_cascade_is_the_spread_over_ties_that_were_drawn_beforehand(directed: bool) -> None:
    """Kempe, Kleinberg & Tardos 2003: the step of adoption is the distance over live ties.

    So a firm convinces the same neighbours whenever it adopts, and whoever else has.
    """
    world = world_of_graph(with_fates(g := network("les miserables", directed), dict.fromkeys(g, 0.5), []))
    weight = np.random.default_rng(2).uniform(0.3, 2.0, world.ties.weight.size)
    world = replace(world, ties=world.ties._replace(weight=weight))
    p, spread = parameters({"cascade_probability": 0.2}), 0
    for seed in range(30):
        live = live_ties(world, seed, 0.2)
        for early in ([0], [5, 11], list(range(20, 30))):
            told = changed(world, seed=np.isin(np.arange(world.size), early))
            played = run(told, NOTHING, p, seed, 40, CASCADE)
            distance = nx.multi_source_dijkstra_path_length(live, set(early), weight=None)
            assert steps_of(played) == [distance.get(firm) for firm in range(world.size)]
            spread += len(distance) > len(early) + 5
    assert spread > 20


def steps_or_never(played: Played) -> np.ndarray:
    return np.where(played.state.adoption_quarter == NEVER, 10**6, played.state.adoption_quarter)


MORE = {
    CASCADE: [{"cascade_probability": p} for p in (0.05, 0.1, 0.2, 0.4)],
    BASS: [
        {"bass_innovation_per_quarter": p, "bass_imitation_per_quarter": q}
        for p, q in ((0.0, 0.1), (0.01, 0.1), (0.01, 0.3), (0.05, 0.5))
    ],
}


@pytest.mark.parametrize("behaviour", MORE)
def test_with_the_same_draws_more_influence_or_more_early_adopters_never_slow_anyone(
    behaviour: Behaviour,
) -> None:
    world, sooner = world_of_graph(network("karate club", False)), 0
    for seed in range(25):
        for early in (1, 4, 12):
            told = changed(world, seed=first_ones(world.size, early))
            more_told = changed(world, seed=first_ones(world.size, early + 3))
            by_strength = [run(told, NOTHING, calm(**p), seed, 20, behaviour) for p in MORE[behaviour]]
            for less, more in itertools.pairwise(by_strength):
                assert (steps_or_never(more) <= steps_or_never(less)).all()
                sooner += int((steps_or_never(more) < steps_or_never(less)).sum())
            more_early = run(more_told, NOTHING, calm(**MORE[behaviour][1]), seed, 20, behaviour)
            assert (steps_or_never(more_early) <= steps_or_never(by_strength[1])).all()
    assert sooner > 100


# --- Bass -----------------------------------------------------------------------------------------


def bass(innovation: float, imitation: float) -> Parameters:
    return calm(bass_innovation_per_quarter=innovation, bass_imitation_per_quarter=imitation)


def expected_adopters(size: int, p: float, q: float, last: int, early: int = 0) -> np.ndarray:
    """Mean adopters up to each step among firms that all know each other, shape (last + 1,).

    Exact: the number of adopters is a Markov chain, and those who join are binomial.
    """
    chance, mean = np.eye(size + 1)[early], [float(early)]
    for _ in range(last):
        after = np.zeros(size + 1)
        for k in range(size + 1):
            hazard, left = min(1.0, p + q * k / (size - 1)), size - k
            for joining in range(left + 1):
                law = math.comb(left, joining) * hazard**joining * (1 - hazard) ** (left - joining)
                after[k + joining] += chance[k] * law
        chance = after
        mean.append(float(chance @ np.arange(size + 1)))
    return np.array(mean)


def largest_miss(adopters: np.ndarray, expected: np.ndarray) -> float:
    """Largest distance of a mean curve from the expected one in standard errors."""
    mean, error = mean_and_error(adopters)
    moves = error > 0
    assert mean[~moves] == pytest.approx(expected[~moves], abs=1e-3)
    return float((np.abs(mean - expected)[moves] / error[moves]).max())


@pytest.mark.parametrize(("p", "q", "early"), [(0.02, 0.3, 0), (0.0, 0.5, 1), (0.1, 0.0, 0), (0.3, 1.0, 3)])
def test_bass_among_thirty_firms_follows_the_exact_expectation(p: float, q: float, early: int) -> None:
    size, last = 30, 16
    world = changed(complete(size), seed=first_ones(size, early))
    adopters = adopters_by_step(ensemble(world, BASS, bass(p, q), 6000, last), last)
    assert largest_miss(adopters, expected_adopters(size, p, q, last, early)) < 3.0


def test_the_comparison_would_notice_a_wrong_coefficient() -> None:
    """Control: q or p a tenth off, or the share taken of all firms in place of all others."""
    size, last = 30, 16
    adopters = adopters_by_step(ensemble(complete(size), BASS, bass(0.02, 0.3), 6000, last), last)
    for p, q in ((0.02, 0.27), (0.02, 0.33), (0.022, 0.3), (0.02, 0.3 * 29 / 30)):
        assert largest_miss(adopters, expected_adopters(size, p, q, last)) > 3.0


def test_bass_among_a_thousand_firms_follows_the_recursion() -> None:
    size, last, p, q = 1000, 24, 0.02, 0.4
    share = [0.0]
    for _ in range(last):
        share.append(share[-1] + (1 - share[-1]) * (p + q * share[-1]))
    adopters = adopters_by_step(ensemble(complete(size), BASS, bass(p, q), 40, last), last) / size
    assert largest_miss(adopters, np.array(share)) < 3.0
    mean = adopters.mean(axis=0)
    assert mean[last // 2] > 0.3  # it took off, which innovation alone would not have
    assert 1 - (1 - p) ** (last // 2) < 0.25


def test_who_has_no_influencers_adopts_by_innovation_alone() -> None:
    """Geometric waiting times, although q is at its largest and others have adopted."""
    size, p = 20_000, 0.1
    world = world_of(firms_like(size, seed=first_ones(size, size // 2)))
    steps = ensemble(world, BASS, bass(p, 1.0), 1, 20)[0, size // 2 :]
    for step in (1, 2, 5, 10, 20):
        expected = 1 - (1 - p) ** step
        assert abs((steps <= step).mean() - expected) < 3 * math.sqrt(expected * (1 - expected) / steps.size)


def test_a_hazard_of_one_or_more_lets_nobody_wait() -> None:
    assert under(BASS, strangers({}, {}), bass_innovation_per_quarter=1.0) == [1, 1]
    beyond = {"bass_innovation_per_quarter": 0.7, "bass_imitation_per_quarter": 0.9}
    assert under(BASS, pair(EARLY, {}), **beyond) == [0, 1]
    many = world_of(firms_like(2000, seed=np.arange(2000) % 2 == 0), [(k, k + 1) for k in range(0, 2000, 2)])
    assert set(under(BASS, many, **beyond)) == {0, 1}


def test_without_innovation_and_examples_nobody_starts() -> None:
    nothing = {"bass_innovation_per_quarter": 0.0, "bass_imitation_per_quarter": 1.0}
    assert under(BASS, clique({}, {}, {}), 40, **nothing) == [None] * 3


def test_imitation_counts_influencers_only_and_their_share() -> None:
    """One of four influencers has adopted, and those influenced do not count: q / 4 a quarter."""
    groups, q = 4000, 0.4
    pairs = [(6 * g + k, 6 * g) for g in range(groups) for k in (1, 2, 3, 4)]
    pairs += [(6 * g, 6 * g + 5) for g in range(groups)]
    kind = np.arange(6 * groups) % 6
    world = one_way(6 * groups, pairs, seed=(kind == 1) | (kind == 5))
    steps = ensemble(world, BASS, bass(0.0, q), 1, 6)[0, kind == 0]
    for step in (1, 3, 6):
        expected = 1 - (1 - q / 4) ** step
        assert abs((steps <= step).mean() - expected) < 3 * math.sqrt(expected * (1 - expected) / groups)


# --- policies -------------------------------------------------------------------------------------

STATE_OF_CONTAGION = ("speaking_for", "survival")
LIVELY_RULE = {
    "bass_innovation_per_quarter": 0.005, "bass_imitation_per_quarter": 0.5, "cascade_probability": 0.3,
    "early_adopter_share": 0.05,
}  # fmt: skip
ZEROS = {
    "no support, other levers set": Levers(
        support="none", subsidy_rate=0.5, integrated_safety=1.0, publishes_results=True
    ),
    "no money": Levers(support="cluster", budget_mkrw_per_year=0.0, subsidy_rate=1.0),
    "no years": Levers(support="individual", programme_years=0, targeting="connected"),
    "after the horizon": Levers(support="cluster", first_year=11),
}


def same_history(one: Played, other: Played) -> bool:
    return (
        same_course(one, other)
        and np.array_equal(one.state.flow, other.state.flow)
        and all(np.array_equal(getattr(one.state, c), getattr(other.state, c)) for c in STATE_OF_CONTAGION)
    )


@by_rule
def test_with_its_money_at_zero_a_design_is_no_policy_to_the_bit(behaviour: Behaviour) -> None:
    world, p = synthetic(300, ("ulsan", "busan"), **LIVELY_RULE)
    for seed in range(3):
        nothing = run(world, NOTHING, p, seed, 24, behaviour)
        assert nothing.adopters() > world.firms.seed.sum() > 0
        for zero in ZEROS.values():
            assert same_history(nothing, run(world, zero, p, seed, 24, behaviour))
    some = Levers(support="cluster", budget_mkrw_per_year=600.0)
    assert not same_history(nothing, run(world, some, p, seed, 24, behaviour))  # control


ALWAYS = {"cascade_probability": 1.0, "bass_innovation_per_quarter": 0.0, "bass_imitation_per_quarter": 1.0}


@by_rule
def test_a_supported_firm_that_adopts_counts_for_its_neighbours_from_the_next_quarter_on(
    behaviour: Behaviour,
) -> None:
    """It is convinced by its offer, its neighbours by it, and theirs by them, a quarter each."""
    chosen = {**SUPPORT_ONLY, "past_violation": True}
    chain = world_of(one_by_one(STUBBORN, chosen, STUBBORN, STUBBORN), [(0, 1), (1, 2), (2, 3)])
    levers = individual(1, targeting="violators", first_year=2)
    world, p = changed(chain, threshold=0.5), calm(**ALWAYS)
    played = run(world, levers, p, behaviour=behaviour)
    expected = [6, 5, 6, 7]
    if behaviour == BASS:  # a hazard of one half leaves the fourth quarter to chance
        assert steps_of(played)[:2] == expected[:2]
        assert None not in steps_of(run(world, levers, p, quarters=60, behaviour=behaviour))
    else:
        assert steps_of(played) == expected
    assert played.supported().tolist() == [1]
    assert steps_of(run(world, NOTHING, p, quarters=40, behaviour=behaviour)) == [None] * 4


def test_an_offer_is_decided_by_the_main_rule_and_declined_offers_do_not_spread() -> None:
    world = changed(pair({**STUBBORN, "past_violation": True}, {}), threshold=1.0)
    played = run(world, individual(1, targeting="violators"), calm(), behaviour=THRESHOLD)
    assert played.supported().tolist() == [0]
    assert steps_of(played) == [None, None]


# one more adopter

RING, RINGS = 8, 40


def forty_rings(**firms: Any) -> World:
    """320 firms of all kinds in 40 rings of eight; no ring knows of another."""
    world, _ = synthetic(RING * RINGS)
    ends = [(ring * RING + k, ring * RING + (k + 1) % RING) for ring in range(RINGS) for k in range(RING)]
    return changed(replace(world, ties=ties_between(world.size, ends)), **firms)


def disturbed(one: Played, other: Played) -> set[int]:
    """Firms whose course differs between two runs, in anything that the engine keeps."""
    return {
        firm
        for firm in range(one.world.size)
        if not same_course(one, other, [firm])
        or any(getattr(one.state, c)[firm] != getattr(other.state, c)[firm] for c in STATE_OF_CONTAGION)
    }


@by_rule
def test_one_more_adopter_changes_its_own_ring_and_nothing_else(behaviour: Behaviour) -> None:
    p = Parameters({**parameters(), **LIVELY_RULE, "mean_log_return": 2.0})
    world, spread = forty_rings(threshold=0.5), 0
    for seed in range(20):
        few, many = (run(world, individual(n), p, seed, 24, behaviour) for n in (12, 13))
        assert np.array_equal(few.supported(), many.supported()[:-1])
        ring = int(many.supported()[-1]) // RING
        changed_ones = disturbed(few, many)
        assert {firm // RING for firm in changed_ones} <= {ring}
        spread += len(changed_ones) > 1
    assert spread >= 4


@by_rule
def test_the_check_would_notice_a_planted_adopter_in_another_ring(behaviour: Behaviour) -> None:
    p, world = Parameters({**parameters(), **LIVELY_RULE}), forty_rings(threshold=0.5)
    elsewhere = changed(world, seed=np.arange(world.size) == 5 * RING)
    one, other = (run(w, individual(12), p, 3, 24, behaviour) for w in (world, elsewhere))
    assert {firm // RING for firm in disturbed(one, other)} == {5}


@pytest.mark.parametrize("behaviour", [THRESHOLD, BASS, CASCADE])
def test_what_an_early_adopter_causes_travels_one_tie_a_quarter(behaviour: Behaviour) -> None:
    p, world = Parameters({**parameters(), **LIVELY_RULE}), forty_rings(threshold=0.5)
    planted = changed(world, seed=np.arange(world.size) == 5 * RING)
    furthest = []
    for quarters in range(1, 6):
        one, other = (run(w, NOTHING, p, 3, quarters, behaviour) for w in (world, planted))
        away = [abs(firm - 5 * RING) for firm in disturbed(one, other)]
        furthest.append(max(min(steps, RING - steps) for steps in away))
    assert all(distance <= quarters for quarters, distance in enumerate(furthest, start=1))
    assert furthest[-1] >= 1


# the purse

QUEUE = {"subsidy_rate": 0.5, "adviser_capacity_firms_per_quarter": 1}


def open_offers(played: Played) -> np.ndarray:
    state = played.state
    undecided = (state.diagnosed_quarter == NEVER) & (state.adoption_quarter == NEVER)
    return (state.supported_quarter != NEVER) & undecided & (state.signal != GONE)


def went_ahead(played: Played) -> np.ndarray:
    """Firms that adopted while their offer was open."""
    state = played.state
    undiagnosed = (state.supported_quarter != NEVER) & (state.diagnosed_quarter == NEVER)
    return undiagnosed & (state.adoption_quarter != NEVER)


@by_rule
def test_an_offer_still_open_when_a_firm_follows_its_neighbours_is_given_back(behaviour: Behaviour) -> None:
    """Three firms for 270: 120 is advice, 50 each is set aside; one is diagnosed and declines."""
    levers = individual(3, **QUEUE, budget_mkrw_per_year=270.0)
    known = star({**STUBBORN, **EARLY}, *[STUBBORN] * 3)
    unknown = strangers({**STUBBORN, **EARLY}, *[STUBBORN] * 3)  # control: nobody to follow
    for world, following, unspent in ((known, 3, 150.0), (unknown, 0, 50.0)):
        told = changed(world, threshold=1.0)
        played = run(told, levers, calm(**ALWAYS), quarters=1, behaviour=behaviour)
        assert played.supported().size == 3
        assert went_ahead(played).sum() == max(following - 1, 0)
        assert played.flow(Flow.SUBSIDY).sum() == 0.0
        assert played.flow(Flow.ADVICE).sum() == 120.0
        assert played.flow(Flow.UNSPENT)[0, 0] == pytest.approx(unspent)
        assert played.flow(Flow.PRIVATE_INVESTMENT).sum() == 100.0 * following


def test_a_limited_capacity_is_a_number_of_the_same_kind_as_an_unlimited_one() -> None:
    """Another kind of number is another type to Numba, which then compiles the whole engine again."""
    # RED: policy/design.py hands on the lever's int, where no limit is a float (math.inf).
    kinds = {
        type(prepared(alone(), individual(1, **levers), calm(), 1).setting.programme.capacity_per_quarter)
        for levers in ({}, QUEUE)
    }
    assert kinds == {float}


PROGRAMMES = {
    "individual": Levers(support="individual", subsidy_rate=0.4),
    "cluster": Levers(support="cluster", cohort_size=11, subsidy_rate=0.3, first_year=2),
    "queue": Levers(support="cluster", subsidy_rate=0.4, adviser_capacity_firms_per_quarter=3),
    "slow": Levers(support="individual", subsidy_rate=0.6, adviser_capacity_firms_per_quarter=1),
}


def money_lost(world: World, levers: Levers, p: Parameters, seed: int, behaviour: Behaviour) -> float:
    """Largest gap, over quarters and regions, between money granted and accounted for."""
    played, quarters, gaps = prepared(world, levers, p, 28, behaviour), 28, []
    firms, size = world.firms, len(world.regions)
    with np.errstate(over="ignore"):
        start(played.state, played.setting, np.uint64(seed), order_of(world, levers))
        for now in range(quarters):
            quarter(played.state, played.setting, now)
            years = min(max(now // QUARTERS_PER_YEAR - levers.first_year + 2, 0), levers.programme_years)
            aside = np.bincount(firms.region, np.where(open_offers(played), firms.capital_need_mkrw, 0), size)
            spent = (played.flow(Flow.ADVICE) + played.flow(Flow.SUBSIDY)).sum(axis=1)
            unspent = played.flow(Flow.UNSPENT)[:, now]
            assert unspent.min() > -1e-6
            granted = levers.budget_mkrw_per_year * years
            gaps.append(np.abs(spent + unspent + levers.subsidy_rate * aside - granted).max())
    return float(max(gaps))


@by_rule
@pytest.mark.parametrize("programme", PROGRAMMES)
def test_all_money_granted_is_advice_subsidy_set_aside_or_unspent(
    programme: str, behaviour: Behaviour
) -> None:
    world, p = synthetic(200, ("ulsan", "busan"), **LIVELY_RULE)
    for seed in range(3):
        assert money_lost(world, PROGRAMMES[programme], p, seed, behaviour) < 1e-6


@by_rule
def test_in_those_programmes_firms_do_follow_while_their_offer_is_open(behaviour: Behaviour) -> None:
    """Control: otherwise the books would balance without anything being given back."""
    world, p = synthetic(200, ("ulsan", "busan"), **LIVELY_RULE, capital_need_mean_mkrw=70.0)
    found = [
        went_ahead(run(world, PROGRAMMES[name], p, 1, 28, behaviour)).sum() for name in ("queue", "slow")
    ]
    assert min(found) > 0


# one history in every view

VIEWS = [
    "horizon_years=6", "parameters.firms_per_region=200", "parameters.early_adopter_share=0.05",
    "parameters.threshold_mean=0.45",
    "scenarios=[none,cluster_25_subsidy_30]", "progress=false",
]  # fmt: skip


@pytest.mark.parametrize("behaviour", Behaviour, ids=[rule.name for rule in Behaviour])
def test_the_mesa_view_has_the_same_history(behaviour: Behaviour) -> None:
    words = cpd.load([*VIEWS, f"behaviour={behaviour.name.lower()}"])
    histories = []
    for scenario in words.scenarios:
        for replicate in range(3):
            simulated = cpd.simulate(words, scenario, replicate)
            model = cpd.mesa_model(words, scenario, replicate, collect=False)
            assert model.adopters == simulated.world.firms.seed.sum() > 0
            while model.running:
                model.step()
            seen = [math.nan if (q := firm.adoption_quarter) is None else q for firm in model.firms]
            np.testing.assert_array_equal(simulated.firms.adoption_quarter, seen)
            assert simulated.run.flow.tobytes() == model.state.flow.tobytes()
            assert model.without_policy is not None
            np.testing.assert_array_equal(model.without_policy.adoption_quarter, simulated.run.without_policy)
            histories.append(tuple(seen))
    assert len({str(history) for history in histories}) == len(histories)


@by_rule
def test_a_comparison_does_not_depend_on_the_number_of_workers(behaviour: Behaviour) -> None:
    words = [
        *VIEWS, f"behaviour={behaviour.name.lower()}", "replicates.at_least=12", "replicates.at_most=12",
        "why=false", "turning=false",
    ]  # fmt: skip
    one, two = (cpd.compare([*words, f"workers={workers}"]) for workers in (1, 2))
    pd.testing.assert_frame_equal(one.table, two.table)
    pd.testing.assert_frame_equal(one.runs, two.runs)
    assert one.runs.adopters.nunique() > 5
    third = cpd.simulate(words, "none", 3).outcomes
    row = one.runs.set_index(["scenario", "replicate"]).loc[("none", 3)]
    pd.testing.assert_series_equal(third, row, check_names=False, check_dtype=False)


def fingerprints() -> dict[str, list[str]]:
    """Digests of replicates under each rule; called here and in a Python that does not compile."""
    world, p = synthetic(40, ("ulsan", "busan"), **{**LIVELY_RULE, "early_adopter_share": 0.1})
    designs = {"none": NOTHING, "queue": Levers(support="cluster", cohort_size=5, **QUEUE)}
    found = {}
    for behaviour in Behaviour:
        for name, levers in designs.items():
            setting, state = prepared(world, levers, p, 12, behaviour).setting, new_state(world.size, 2, 12)
            runs = room_for(2, world.size, 2, 12)
            with np.errstate(over="ignore"):
                run_into(runs, state, setting, replicate_seeds(1, 0, 2), order_of(world, levers))
            kept = (*runs, *(getattr(state, column) for column in (*STATE_OF_CONTAGION, "log_return")))
            found[f"{behaviour.name} {name}"] = [hashlib.sha256(a.tobytes()).hexdigest()[:16] for a in kept]
    return found


def test_plain_python_gives_the_same_bytes_under_every_rule() -> None:
    code = "import json, test_classic; print(json.dumps(test_classic.fingerprints()))"
    path = os.pathsep.join([str(PACKAGE.parent), str(Path(__file__).parent)])
    environment = {**os.environ, "PYTHONPATH": path, "NUMBA_DISABLE_JIT": "1"}
    command = [sys.executable, "-W", "error::RuntimeWarning", "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    here = fingerprints()
    assert json.loads(done.stdout) == here
    assert len({tuple(found) for found in here.values()}) == len(here)


def test_a_state_keeps_nothing_of_a_run_under_another_rule() -> None:
    world, p = synthetic(150, **LIVELY_RULE)
    levers = Levers(support="cluster", cohort_size=5, **QUEUE)
    used = new_state(world.size, 1, 20)
    for behaviour in (CASCADE, BASS, PEERS, BASS, THRESHOLD, CASCADE, THRESHOLD, PEERS, CASCADE):
        fresh = run(world, levers, p, 3, 20, behaviour)
        run_compiled(used, fresh.setting, np.uint64(3), order_of(world, levers))
        assert same_history(fresh, Played(world, p, fresh.setting, used))


# --- early adopters -------------------------------------------------------------------------------


def test_an_early_adopter_counts_from_the_first_quarter_on_and_its_money_is_long_spent() -> None:
    played = run(strangers(EARLY, STUBBORN), NOTHING, calm())
    assert played.state.adoption_quarter.tolist() == [BEFORE, NEVER]
    assert BEFORE == -1
    assert played.flow(Flow.ADOPTERS)[0].tolist() == [1.0, *[0.0] * 11]
    money = (Flow.PRIVATE_INVESTMENT, Flow.SUBSIDY, Flow.DIRECT, Flow.INDIRECT, Flow.ENVIRONMENTAL)
    assert sum(played.flow(kind).sum() for kind in (*money, Flow.PROGRAMME_INVESTMENT)) == 0.0
    assert played.state.log_return[0] == pytest.approx(1.0)


@pytest.mark.parametrize("lag", [1, 4, 9])
def test_the_result_of_an_early_adopter_shows_a_lag_after_the_quarter_before_the_first(lag: int) -> None:
    """The neighbour learns 1.4 with precision 1 at quarter lag - 1, and adopts in that quarter."""
    played = run(pair({**EARLY, "potential_log_return": 0.4}, {}), NOTHING, calm(reveal_lag_quarters=lag))
    assert played.state.adoption_quarter.tolist() == [BEFORE, lag - 1]
    assert played.state.weighted_sum[1] == pytest.approx(-0.5 + 1.4)
    assert played.flow(Flow.PRIVATE_INVESTMENT).sum() == 100.0
    assert np.repeat(np.arange(12), played.flow(Flow.ADOPTERS)[0].astype(int)).tolist() == [0, lag - 1]


def test_early_adopters_are_not_supported_and_leave_the_money_to_others() -> None:
    world = strangers(EARLY, SUPPORT_ONLY, EARLY, SUPPORT_ONLY)
    for levers in (individual(4), cluster(4)):
        played = run(world, levers, calm())
        assert sorted(played.supported().tolist()) == [1, 3]
        assert steps_of(played) == [0, 1, 0, 1]
    all_early = changed(world, seed=True)
    for levers in (individual(4), cluster(4)):
        played = run(all_early, levers, calm())
        assert played.supported().size == 0
        assert played.flow(Flow.UNSPENT)[0].tolist() == [levers.budget_mkrw_per_year] * 12
        assert played.adopters() == 4


def test_early_adopters_share_the_luck_of_a_year_of_their_own() -> None:
    world = strangers(EARLY, EARLY, EAGER, EAGER)
    played = run(world, NOTHING, calm(region_year_log_return_sd=0.7))
    early, other_early, first, other_first = played.state.log_return.tolist()
    assert early == other_early
    assert first == other_first
    assert early != first
    many = [run(alone(**EARLY), NOTHING, calm(region_year_log_return_sd=0.7), s, 1) for s in range(2000)]
    luck = np.array([played.state.log_return[0] for played in many]) - 1.0
    assert abs(luck.mean()) < 3 * 0.7 / math.sqrt(2000)
    assert luck.std() == pytest.approx(0.7, rel=0.06)


def test_early_adopters_complement_each_other() -> None:
    """Both have adopted, so each has all its neighbours adopting, whichever is first in the list."""
    played = run(pair(EARLY, EARLY), NOTHING, calm(complementarity_log_return=0.3))
    assert played.state.log_return.tolist() == pytest.approx([1.3, 1.3])


def test_the_share_of_early_adopters_is_that_of_the_parameter_and_lots_are_nested() -> None:
    none, some, more = (synthetic(20_000, early_adopter_share=share)[0].firms for share in (0.0, 0.03, 0.1))
    assert none.seed.sum() == 0
    for firms, share in ((some, 0.03), (more, 0.1)):
        assert abs(firms.seed.mean() - share) < 3 * math.sqrt(share * (1 - share) / 20_000)
    assert not (some.seed & ~more.seed).any()
    for name in some._fields:
        if name != "seed":
            np.testing.assert_array_equal(getattr(none, name), getattr(more, name), err_msg=name)


def test_early_adopters_are_adopters_of_every_policy_and_additional_under_none() -> None:
    words = [*VIEWS[:2], "parameters.early_adopter_share=0.05", "progress=false"]
    simulated = cpd.simulate(words, "cluster_25")
    early = simulated.firms.seed
    assert early.sum() > 0
    assert (simulated.firms.adoption_quarter[early] == BEFORE).all()
    assert (simulated.firms.adoption_quarter[~early] != BEFORE).all()
    assert simulated.firms.supported_quarter[early].isna().all()
    assert simulated.trajectory.adopters.sum() == simulated.outcomes.adopters
    without = cpd.simulate(words, "cluster_25").firms.adoption_quarter_without_policy.notna()
    assert simulated.outcomes.adopters - without.sum() == simulated.outcomes.additional_adopters
    assert without[early].all()
