"""A synthetic world has the firms and ties that its parameters ask for, and the same every time."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri
from scipy.stats import kstest

from cpdiffusion import draws
from cpdiffusion.draws import Purpose, replicate_seeds
from cpdiffusion.parameters import Parameters, parameters
from cpdiffusion.world.firms import (
    DRAWN_COLUMNS,
    SME_EMPLOYEES,
    Firms,
    normal_quantiles,
    normals,
    uniforms,
)
from cpdiffusion.world.regions import REGIONS, SECTORS
from cpdiffusion.world.ties import Layer, both_ways, by_group, first_above, narrowest, rows
from cpdiffusion.world.world import PLACES, Recipe, World

P = parameters({"early_adopter_share": 0.1})  # so that no column is constant
SEEDS = range(12)
SEVEN = tuple(REGIONS)
MANY = 20_000


def with_values(**values: float) -> Parameters:
    """The defaults with some values replaced, wherever their plausible range ends."""
    return Parameters({**P, **values})


@cache
def a_world(seed: int = 1, regions: tuple[str, ...] = ("ulsan",), **values: float) -> World:
    return Recipe(regions).build(seed, with_values(**values))


def many_firms(region: str = "ulsan", **values: float) -> Firms:
    return a_world(1, (region,), firms_per_region=MANY, **values).firms


def arrays(world: World) -> dict[str, np.ndarray]:
    return {**world.firms._asdict(), **world.ties._asdict()}


def sources(world: World) -> np.ndarray:
    """The firm that influences, for each tie."""
    return np.repeat(np.arange(world.size), np.diff(world.ties.start))


def mean_degree(world: World, layer: Layer) -> float:
    return float((world.ties.layer == layer).sum() / world.size)


def ties_in(world: World, layer: Layer) -> set[tuple[int, int]]:
    chosen = world.ties.layer == layer
    return set(zip(sources(world)[chosen].tolist(), world.ties.target[chosen].tolist(), strict=True))


def share_within_sector(world: World, layer: Layer) -> float:
    pairs, sector = np.array(list(ties_in(world, layer))), world.firms.sector
    return float((sector[pairs[:, 0]] == sector[pairs[:, 1]]).mean())


def clustering(world: World, layer: Layer) -> float:
    graph = nx.empty_graph(world.size)
    graph.add_edges_from(ties_in(world, layer))
    return float(nx.average_clustering(graph))


def mean_over_seeds(values: list[float]) -> tuple[float, float]:
    """Mean and its standard error."""
    return float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(len(values)))


# --- ties ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "parameter", "lost_at_most"),
    [  # a tie is lost when it repeats another, or leads back to its own firm
        (Layer.SUPPLY_CHAIN, "supply_chain_degree", 0.01),
        (Layer.COMPLEX, "complex_degree", 0.04),
        (Layer.SECTOR, "sector_degree", 0.05),
    ],
)
def test_a_layers_mean_degree_is_its_parameter(layer: Layer, parameter: str, lost_at_most: float) -> None:
    degrees = [mean_degree(a_world(seed), layer) for seed in SEEDS]
    mean, error = mean_over_seeds(degrees)
    assert P[parameter] * (1 - lost_at_most) - 4 * error < mean < P[parameter] + 4 * error


@pytest.mark.parametrize("layer", [Layer.SUPPLY_CHAIN, Layer.COMPLEX, Layer.SECTOR])
@pytest.mark.parametrize("degree", [0.0, 1.0, 2.5, 8.0])
def test_a_layers_degree_follows_its_parameter_and_no_other_layers(layer: Layer, degree: float) -> None:
    only = {"supply_chain_degree": 0.0, "complex_degree": 0.0, "sector_degree": 0.0}
    only[f"{layer.name.lower()}_degree"] = degree
    world = a_world(5, firms_per_region=2000, **only)
    assert mean_degree(world, layer) == pytest.approx(degree, rel=0.05)
    assert world.ties.target.size == (world.ties.layer == layer).sum()


def test_the_mean_degree_is_about_ten() -> None:
    degrees = [a_world(seed).ties.target.size / a_world(seed).size for seed in SEEDS]
    assert mean_over_seeds(degrees)[0] == pytest.approx(10, rel=0.05)


def test_no_tie_is_of_unstated_kind_and_all_weigh_one() -> None:
    assert mean_degree(a_world(), Layer.OTHER) == 0
    assert set(a_world().ties.weight) == {1.0}


def test_large_firms_have_more_supply_chain_ties() -> None:
    def correlation(layer: Layer) -> float:
        world = a_world(1, firms_per_region=3000)
        degree = np.bincount(sources(world)[world.ties.layer == layer], minlength=world.size)
        return float(np.corrcoef(np.log(world.firms.employees), degree)[0, 1])

    assert correlation(Layer.SUPPLY_CHAIN) > 0.4
    assert abs(correlation(Layer.COMPLEX)) < 0.1


def test_homophily_brings_ties_in_the_complex_within_the_sector() -> None:
    shares = {
        homophily: [
            share_within_sector(a_world(seed, sector_homophily=homophily), Layer.COMPLEX) for seed in SEEDS
        ]
        for homophily in (0.0, 0.3, 0.8)
    }
    by_chance = [float(np.square(np.bincount(a_world(s).firms.sector) / 1000).sum()) for s in SEEDS]
    gain = np.subtract(shares[0.3], shares[0.0])
    assert gain.min() > 0.15
    assert np.subtract(shares[0.8], shares[0.3]).min() > 0.15
    assert np.mean(shares[0.0]) == pytest.approx(np.mean(by_chance), abs=0.02)  # the control


def test_homophily_leaves_the_supply_chain_alone() -> None:
    one, other = a_world(2, sector_homophily=0.0), a_world(2, sector_homophily=0.8)
    assert ties_in(one, Layer.SUPPLY_CHAIN) == ties_in(other, Layer.SUPPLY_CHAIN)
    assert ties_in(one, Layer.COMPLEX) != ties_in(other, Layer.COMPLEX)


def test_long_ties_lower_the_clustering_of_the_complex() -> None:
    def clusterings(share: float) -> list[float]:
        worlds = (a_world(seed, firms_per_region=500, long_tie_share=share) for seed in range(5))
        return [clustering(world, Layer.COMPLEX) for world in worlds]

    none, some, all_long = (np.array(clusterings(share)) for share in (0.0, 0.2, 1.0))
    assert (none - some).min() > 0.05
    assert (some - all_long).min() > 0.05
    by_chance = P.complex_degree / P.firms_per_complex
    assert all_long.mean() < 3 * by_chance  # the control: nothing but homophily is left
    assert none.mean() > 6 * by_chance


def test_long_ties_leave_the_supply_chain_alone() -> None:
    one, other = a_world(2, long_tie_share=0.0), a_world(2, long_tie_share=1.0)
    assert ties_in(one, Layer.SUPPLY_CHAIN) == ties_in(other, Layer.SUPPLY_CHAIN)
    assert ties_in(one, Layer.COMPLEX) != ties_in(other, Layer.COMPLEX)


def test_regions_are_not_tied_to_each_other() -> None:
    world = a_world(4, SEVEN, firms_per_region=200)
    region = world.firms.region
    assert np.bincount(region).tolist() == [200] * 7
    assert (region[sources(world)] == region[world.ties.target]).all()
    assert np.bincount(region[world.ties.target]).min() > 200  # each has ties of its own


def test_ties_stay_within_the_place_of_their_layer() -> None:
    world = a_world(4, SEVEN, firms_per_region=200)
    source, target, layer = sources(world), world.ties.target, world.ties.layer
    same = {name: column[source] == column[target] for name, column in arrays(world).items()
            if name in PLACES}  # fmt: skip
    assert same["complex"][layer == Layer.COMPLEX].all()
    assert same["sector"][layer == Layer.SECTOR].all()
    assert not same["complex"][layer == Layer.SECTOR].all()
    assert not same["sector"][layer == Layer.SUPPLY_CHAIN].all()


DEGREES = st.sampled_from([0.0, 0.01, 1.0, 2.0, 5.5, 40.0])
SHARES = st.sampled_from([0.0, 1e-9, 0.3, 1.0])


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 2**64 - 1),
    regions=st.lists(st.sampled_from(SEVEN), min_size=1, max_size=7, unique=True),
    firms_per_region=st.integers(1, 5) | st.integers(6, 150),
    firms_per_complex=st.sampled_from([1, 2, 30, 10_000]),
    supply_chain_degree=DEGREES,
    complex_degree=DEGREES,
    sector_degree=DEGREES,
    sector_homophily=SHARES,
    long_tie_share=SHARES,
)
def test_ties_are_mutual_sorted_and_single_whatever_the_world(
    seed: int, regions: list[str], **values: float
) -> None:
    world = Recipe(tuple(regions)).build(seed, with_values(**values))
    ties, source, size = world.ties, sources(world), world.size
    assert size == len(regions) * values["firms_per_region"]
    assert (ties.start[0], ties.start[-1]) == (0, ties.target.size)
    assert (np.diff(ties.start) >= 0).all()
    assert ((ties.target >= 0) & (ties.target < size)).all()
    assert (source != ties.target).all()
    key = source.astype(np.int64) * size + ties.target
    assert (np.diff(key) > 0).all()  # sorted within rows, none twice
    back = ties.target.astype(np.int64) * size + source
    there, again = np.argsort(key), np.argsort(back)
    assert (key[there] == back[again]).all()
    assert (ties.layer[there] == ties.layer[again]).all()
    assert (world.firms.region[source] == world.firms.region[ties.target]).all()


@pytest.mark.parametrize("size", [1, 2, 5])
def test_the_smallest_worlds_can_be_built(size: int) -> None:
    world = a_world(1, firms_per_region=size)
    assert world.size == size
    assert ties_in(world, Layer.COMPLEX) <= {(a, b) for a in range(size) for b in range(size)}
    assert (world.ties.target.size == 0) == (size == 1)


# --- the same every time -------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_bytes() -> None:
    one, other = (Recipe(SEVEN).build(11, with_values(firms_per_region=100)) for _ in range(2))
    for name, column in arrays(one).items():
        assert column.tobytes() == arrays(other)[name].tobytes(), name


def test_another_seed_gives_other_bytes_in_every_drawn_column() -> None:
    one, other = arrays(a_world(1)), arrays(a_world(2))
    constant = {"region", "weight"}
    for name in one.keys() - constant:
        assert one[name].tobytes() != other[name].tobytes(), name
    assert one["region"].tobytes() == other["region"].tobytes()


DIGEST = """
import hashlib, sys
from cpdiffusion.parameters import Parameters, parameters
from cpdiffusion.world.ties import shuffled
from cpdiffusion.world.world import Recipe
p = Parameters({**parameters(), "firms_per_region": 150})
world = Recipe(("ulsan", "daegu")).build(5, p)
digest = hashlib.sha256()
for column in (*world.firms, *world.ties):
    digest.update(str(column.dtype).encode() + column.tobytes())
print(type(shuffled).__name__, digest.hexdigest())
"""


def digest_in_a_new_python(disable_jit: str) -> list[str]:
    path = str(Path(__file__).parents[1] / "model")
    environment = {**os.environ, "PYTHONPATH": path, "NUMBA_DISABLE_JIT": disable_jit}
    command = [sys.executable, "-c", DIGEST]
    shown = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return shown.stdout.split()


def test_plain_python_builds_the_very_same_world() -> None:
    (plain, plain_digest), (compiled, compiled_digest) = map(digest_in_a_new_python, "10")
    assert (plain, compiled) == ("function", "CPUDispatcher")
    assert plain_digest == compiled_digest


# --- firms ---------------------------------------------------------------------------------------


def places_of(world: World) -> dict[str, np.ndarray]:
    return {name: getattr(world.firms, name) for name in PLACES}


def follows_from(column: str) -> set[str]:
    """Columns whose draw is scaled by another column's value."""
    return {
        "employees": {"capital_need_mkrw", "liquidity_mkrw"},
        "capital_need_mkrw": {"liquidity_mkrw"},
    }.get(column, set())


@pytest.mark.parametrize("given_column", DRAWN_COLUMNS)
def test_a_given_column_shifts_no_drawn_one(given_column: str) -> None:
    world = a_world(9)
    column = getattr(world.firms, given_column)[::-1].copy()
    recipe = Recipe(("ulsan",), given={**places_of(world), given_column: column})
    firms = recipe.build(9, P).firms
    for name in Firms._fields:
        unmoved = np.array_equal(getattr(firms, name), getattr(world.firms, name))
        assert unmoved == (name not in {given_column, *follows_from(given_column)}), name
    assert np.array_equal(getattr(firms, given_column), column)


def test_given_places_alone_leave_everything_else_as_drawn() -> None:
    world = a_world(9)
    again = Recipe(("ulsan",), complexes=world.complexes, given=places_of(world)).build(9, P)
    assert all(np.array_equal(column, arrays(again)[k]) for k, column in arrays(world).items())


def test_firms_that_are_larger_need_more_capital_and_have_more_money() -> None:
    world = a_world(9)
    sizes = (np.full(world.size, employees, np.int32) for employees in (60, 20))
    large, small = (
        Recipe(("ulsan",), given={**places_of(world), "employees": employees}).build(9, P).firms
        for employees in sizes
    )
    for name in ("capital_need_mkrw", "liquidity_mkrw"):
        ratio = getattr(large, name) / getattr(small, name)
        np.testing.assert_allclose(ratio, 3**P.capital_size_elasticity, rtol=1e-12)


def near(value: float, expected: float, sd: float) -> bool:
    """Within 4.5 standard errors for MANY firms."""
    return abs(value - expected) < 4.5 * sd / np.sqrt(MANY)


@pytest.mark.parametrize(
    ("column", "parameter"),
    [
        ("waits_for_example", "waits_for_example_share"),
        ("past_violation", "past_violation_share"),
        ("export_share", "exporter_share"),
        ("public_sales_share", "public_seller_share"),
    ],
)
def test_shares_of_firms_are_their_parameters(column: str, parameter: str) -> None:
    for share in (0.0, P[parameter], 1.0):
        values = getattr(many_firms("ulsan", **{parameter: share}), column) > 0
        assert near(values.mean(), share, np.sqrt(share * (1 - share)) + 1e-9), share


@pytest.mark.parametrize("column", ["export_share", "public_sales_share"])
def test_shares_of_sales_are_uniform_among_those_that_have_any(column: str) -> None:
    shares = getattr(many_firms(), column)
    assert ((shares >= 0) & (shares < 1)).all()
    assert kstest(shares[shares > 0], "uniform").pvalue > 0.001


def test_hazard_classes_have_their_shares() -> None:
    shares = np.bincount(many_firms().hazard_class, minlength=3) / MANY
    expected = [P.hazard_medium_share, P.hazard_high_share]
    for share, wanted in zip(shares, [1 - sum(expected), *expected], strict=True):
        assert near(share, wanted, np.sqrt(wanted * (1 - wanted)))


@pytest.mark.parametrize(
    ("transformed", "centre", "sd"),
    [
        (lambda f: np.log(f.accepted_payback_years), np.log(P.accepted_payback_median_years),
         P.accepted_payback_log_sd),
        (lambda f: ndtri(f.required_confidence), ndtri(P.required_confidence_median),
         P.required_confidence_probit_sd),
        (lambda f: np.log(f.liquidity_mkrw / f.capital_need_mkrw),
         np.log(P.liquidity_ratio_median), P.liquidity_ratio_log_sd),
        (lambda f: f.potential_log_return, -0.5 * P.firm_log_return_sd**2, P.firm_log_return_sd),
    ],
    ids=["payback", "confidence", "liquidity", "potential"],
)  # fmt: skip
def test_log_normal_columns_have_their_centre_and_spread(
    transformed: Callable[[Firms], np.ndarray], centre: float, sd: float
) -> None:
    standardised = (transformed(many_firms()) - centre) / sd
    assert kstest(standardised, "norm").pvalue > 0.001
    assert kstest(standardised + 0.1, "norm").pvalue < 1e-6  # the control


def test_a_firms_own_potential_does_not_move_the_mean_return() -> None:
    ratio = np.exp(many_firms().potential_log_return)
    assert near(ratio.mean(), 1.0, np.sqrt(np.exp(P.firm_log_return_sd**2) - 1))


def test_sizes_have_their_median_and_stay_small_and_medium() -> None:
    employees = many_firms().employees
    assert np.median(employees) == pytest.approx(P.employees_median, abs=1)
    assert [employees.min(), employees.max()] == list(SME_EMPLOYEES)
    spread = np.log(np.quantile(employees, 0.8) / np.median(employees)) / ndtri(0.8)
    assert spread == pytest.approx(P.employees_log_sd, rel=0.05)


def test_the_mean_package_price_is_its_parameter() -> None:
    prices = many_firms().capital_need_mkrw
    error = prices.std() / np.sqrt(MANY)
    cut_off = 0.01 * P.capital_need_mean_mkrw  # sizes beyond the SME bound are left out of it
    assert abs(prices.mean() - P.capital_need_mean_mkrw) < 4 * error + cut_off
    dearer = many_firms(capital_need_mean_mkrw=2 * P.capital_need_mean_mkrw).capital_need_mkrw
    np.testing.assert_allclose(dearer, 2 * prices)


@pytest.mark.parametrize("region", SEVEN)
def test_key_sectors_are_more_frequent_in_their_region(region: str) -> None:
    keys = [SECTORS.index(name) for name in REGIONS[region].key_sectors]
    for weight in (1.0, P.key_sector_weight):
        sector = many_firms(region, key_sector_weight=weight).sector
        expected = weight * len(keys) / (weight * len(keys) + len(SECTORS) - len(keys))
        share = np.isin(sector, keys).mean()
        assert near(share, expected, np.sqrt(expected * (1 - expected)))
        assert set(sector) == set(range(len(SECTORS)))


def test_a_key_sector_is_the_same_in_all_regions_at_weight_one() -> None:
    one, other = (many_firms(region, key_sector_weight=1.0).sector for region in ("ulsan", "daegu"))
    assert np.array_equal(one, other)
    assert not np.array_equal(many_firms("ulsan").sector, many_firms("daegu").sector)


def test_complexes_are_of_about_the_size_asked_for_and_named() -> None:
    world = a_world(1, ("ulsan", "busan"), firms_per_region=1000, firms_per_complex=100)
    assert world.complexes[:2] == ("ulsan 1", "ulsan 2")
    assert len(world.complexes) == 20
    sizes = np.bincount(world.firms.complex, minlength=20)
    assert sizes.sum() == 2000
    assert sizes.min() > 60
    assert sizes.max() < 140
    of_region = np.array([name.startswith("busan") for name in world.complexes])
    assert (of_region[world.firms.complex] == world.firms.region).all()


# --- draws ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("purpose", [Purpose.REVIEW, Purpose.CAPITAL, Purpose.TIE_PARTNER])
def test_uniform_draws_are_uniform_over_firms(purpose: Purpose) -> None:
    values = uniforms(np.uint64(3), purpose, 200_000)
    assert ((values >= 0) & (values < 1)).all()
    assert values.mean() == pytest.approx(0.5, abs=4.5 / np.sqrt(12 * 200_000))
    assert values.var() == pytest.approx(1 / 12, rel=0.01)
    assert kstest(values, "uniform").pvalue > 0.001
    assert abs(np.corrcoef(values[:-1], values[1:])[0, 1]) < 0.01


def test_uniform_draws_are_uniform_over_seeds_and_over_quarters() -> None:
    def first_draw(seed: np.uint64, quarter: int) -> float:
        key = draws.stream(seed, int(Purpose.REVIEW), quarter)
        return draws.uniform(np.uint64(key), 0)  # Numba hands the key out as a Python integer

    with np.errstate(over="ignore"):
        of_seeds = [first_draw(np.uint64(seed), 0) for seed in replicate_seeds(1, 0, 5000)]
        of_quarters = [first_draw(np.uint64(1), quarter) for quarter in range(5000)]
    assert kstest(of_seeds, "uniform").pvalue > 0.001
    assert kstest(of_quarters, "uniform").pvalue > 0.001


def test_draws_for_different_purposes_and_seeds_are_unrelated() -> None:
    streams = [uniforms(np.uint64(s), p, 50_000) for s in (1, 2) for p in Purpose]
    correlation = np.corrcoef(streams) - np.eye(len(streams))
    assert np.abs(correlation).max() < 6 / np.sqrt(50_000)


def test_normal_draws_are_standard_normal() -> None:
    values = normals(np.uint64(3), Purpose.POTENTIAL, 200_000)
    assert np.isfinite(values).all()
    assert values.mean() == pytest.approx(0, abs=4.5 / np.sqrt(200_000))
    assert values.var() == pytest.approx(1, rel=0.015)
    assert kstest(values, "norm").pvalue > 0.001


def test_the_normal_quantile_agrees_with_scipys() -> None:
    middle = np.linspace(0, 1, 100_001)[1:-1]
    tails = np.logspace(-300, -2, 20_001)
    for probability in (middle, tails, 1 - np.logspace(-15, -2, 2_001)):
        expected = ndtri(probability)
        np.testing.assert_allclose(normal_quantiles(probability), expected, rtol=1e-14, atol=1e-16)


def test_the_normal_quantile_is_infinite_only_at_the_ends() -> None:
    at_ends = normal_quantiles(np.array([0.0, 5e-324, 0.5, 1 - 2**-53, 1.0]))
    assert at_ends[[0, 2, 4]].tolist() == [-np.inf, 0.0, np.inf]
    assert np.isfinite(at_ends[[1, 3]]).all()


def test_replicates_have_seeds_of_their_own_that_do_not_depend_on_how_many() -> None:
    seeds = replicate_seeds(1, 0, 10_000)
    assert len(set(seeds.tolist())) == 10_000
    assert np.array_equal(replicate_seeds(1, 400, 3), seeds[400:403])
    assert not set(replicate_seeds(2, 0, 10_000).tolist()) & set(seeds.tolist())


# --- places among rising numbers -----------------------------------------------------------------


@settings(deadline=None)  # the first call may compile
@given(
    steps=st.lists(st.integers(1, 300), min_size=1, max_size=60), share=st.floats(0.0, 1.0, exclude_max=True)
)
def test_a_guided_search_finds_what_a_binary_search_finds(steps: list[int], share: float) -> None:
    rising = np.cumsum(np.array(steps, np.int64))
    wanted = np.array([share * rising[-1], *rising, *(rising - 0.5)])
    place = np.empty(wanted.size, np.int32)
    for width in (np.int32, np.int64):
        first_above(rising.astype(width), wanted, place)
        assert place.tolist() == np.searchsorted(rising, wanted, "right").tolist()


@settings(deadline=None)
@given(group=st.lists(st.integers(0, 5), min_size=1, max_size=40))
def test_firms_by_group_keep_their_order_within_a_group(group: list[int]) -> None:
    order = np.arange(len(group)).astype(np.int32)[::-1].copy()
    expected = sorted(order.tolist(), key=lambda firm: group[firm])  # stable
    assert by_group(order, np.array(group, np.int32)).tolist() == expected


def test_many_ties_of_one_firm_are_sorted_like_few() -> None:
    target = np.random.default_rng(1).permutation(np.arange(1, 200)).astype(np.int32)
    ties = rows(200, np.zeros(199, np.int32), target, np.zeros(199, np.int8), target.astype(float))
    assert ties.target.tolist() == list(range(1, 200))
    assert ties.weight.tolist() == list(map(float, range(1, 200)))


ENDS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=30)


@settings(deadline=None)
@given(layers=st.tuples(ENDS, ENDS, ENDS))
def test_pairs_become_the_rows_of_their_ties_in_both_directions_first_layer_first(
    layers: tuple[list[tuple[int, int]], ...],
) -> None:
    pairs = [np.array(ends, np.int32).reshape(-1, 2).T.copy() for ends in layers]
    source, target = np.hstack([np.hstack((pair, pair[::-1])) for pair in pairs])
    layer = np.repeat(np.arange(3, dtype=np.int8), [2 * pair.shape[1] for pair in pairs])
    expected = rows(6, source.copy(), target.copy(), layer, np.ones(layer.size))
    for found, column in zip(both_ways(6, pairs), expected, strict=True):
        assert found.dtype == column.dtype
        assert found.tolist() == column.tolist()


def test_numbers_are_narrow_only_where_the_largest_fits() -> None:
    assert narrowest(np.iinfo(np.int32).max) == np.int32
    assert narrowest(np.iinfo(np.int32).max + 1) == np.int64
