"""Paired differences, intervals, ratios and Shapley shares, against cases done by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cpdiffusion.engine.state import NEVER, Flow
from cpdiffusion.outcomes.catalogue import CATALOGUE, RATIOS, Results, needs_reference
from cpdiffusion.outcomes.paired import (
    CONFIDENCE,
    comparison_table,
    mean_interval,
    probability_better,
    ratio_difference,
)
from cpdiffusion.outcomes.why import coalitions, mixtures, shapley
from cpdiffusion.parameters import parameters
from cpdiffusion.policy.design import design_of, differing_channels
from cpdiffusion.policy.levers import Levers
from cpdiffusion.world.world import Recipe


def test_the_interval_of_a_mean_is_students() -> None:
    values = np.array([1.0, 4.0, 7.0, 10.0])
    low, high = stats.t.interval(CONFIDENCE, 3, loc=5.5, scale=stats.sem(values))
    found = mean_interval(values)
    assert (found.estimate, found.low, found.high) == pytest.approx((5.5, low, high))


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(1)
    found = [mean_interval(rng.normal(2.0, 3.0, 12)) for _ in range(2000)]
    covered = np.mean([i.low <= 2.0 <= i.high for i in found])
    assert abs(covered - CONFIDENCE) < 4 * math.sqrt(CONFIDENCE * (1 - CONFIDENCE) / 2000)


def test_one_replicate_gives_no_interval() -> None:
    assert math.isnan(mean_interval(np.array([3.0])).low)


def test_pairing_narrows_the_interval_of_a_difference() -> None:
    rng = np.random.default_rng(2)
    shared = rng.normal(0.0, 10.0, 50)
    a, b = shared + 1.0 + rng.normal(0, 0.1, 50), shared + rng.normal(0, 0.1, 50)
    paired, unpaired = mean_interval(a - b), mean_interval(a - rng.permutation(b))
    assert paired.half_width < 0.1 * unpaired.half_width


def test_a_difference_of_ratios_is_one_of_means_not_a_mean_of_ratios() -> None:
    cost, firms = np.array([100.0, 300.0]), np.array([1.0, 9.0])
    none = np.array([10.0, 10.0])
    found = ratio_difference(cost, firms, none, none)
    assert found.estimate == pytest.approx(400 / 10 - 1.0)
    assert found.estimate != pytest.approx(np.mean(cost / firms) - 1.0)


def test_the_jackknife_interval_covers_a_known_ratio() -> None:
    rng = np.random.default_rng(3)

    def covers() -> bool:
        firms = rng.normal(50.0, 5.0, 60)
        cost = 3.0 * firms + rng.normal(0.0, 5.0, 60)
        one = np.ones(60)
        found = ratio_difference(cost, firms, one, one)
        return found.low <= 2.0 <= found.high

    assert 0.85 < np.mean([covers() for _ in range(600)]) < 0.95


def test_a_cost_per_adopter_without_adopters_is_infinite_not_an_error() -> None:
    runs = {name: _runs(additional_adopters=[0.0, 0.0]) for name in ("a", "b")}
    table = comparison_table(runs, {"a": None, "b": "a"})
    row = table[(table.scenario == "b") & (table.outcome == next(iter(RATIOS)))].iloc[0]
    assert math.isinf(row.p50)
    assert math.isnan(row["mean"])
    assert math.isnan(row.difference_low)


def test_ties_count_half_in_the_probability_of_being_better() -> None:
    assert probability_better(np.array([1.0, 0.0, -1.0, 2.0]), +1) == pytest.approx(0.625)
    assert probability_better(np.array([1.0, 0.0, -1.0, 2.0]), -1) == pytest.approx(0.375)
    assert math.isnan(probability_better(np.array([1.0]), 0))


def test_fewer_accidents_are_better() -> None:
    runs = {"a": _runs(accidents=[5.0, 6.0]), "b": _runs(accidents=[4.0, 5.0])}
    table = comparison_table(runs, {"a": None, "b": "a"})
    row = table[(table.scenario == "b") & (table.outcome == "accidents")].iloc[0]
    assert row.difference == -1.0
    assert row.probability_better == 1.0


def test_the_baseline_has_no_difference_to_itself() -> None:
    table = comparison_table({"a": _runs()}, {"a": None})
    assert table.difference.isna().all()


def _runs(**columns: list[float]) -> pd.DataFrame:
    return pd.DataFrame({name: columns.get(name, [1.0, 1.0]) for name in CATALOGUE})


def test_only_outcomes_marked_so_may_look_at_the_run_without_policy() -> None:
    """The run without policy is left out where no outcome needs it; a wrong mark is noticed."""
    world = Recipe(("ulsan",)).build(1, parameters({"firms_per_region": 200}))
    never = np.full((1, world.size), NEVER, np.int16)
    alone = Results(parameters(), world, never, never, None, np.zeros((1, 1, 4, len(Flow))))
    for outcome in CATALOGUE.values():
        if outcome.against_no_policy:
            with pytest.raises(ValueError, match="without policy"):
                outcome.value(alone)
        else:
            outcome.value(alone)
    assert needs_reference(["additional_adopters"])
    assert not needs_reference(["adopters"])


# --- why -----------------------------------------------------------------------------------------


def test_shapley_shares_of_a_two_channel_game_by_hand() -> None:
    value = {frozenset(): 0.0, frozenset("a"): 4.0, frozenset("b"): 1.0, frozenset("ab"): 9.0}
    shares = shapley(("a", "b"), {c: np.array([v]) for c, v in value.items()})
    assert shares["a"][0] == pytest.approx(0.5 * (4.0 + 8.0))
    assert shares["b"][0] == pytest.approx(0.5 * (1.0 + 5.0))


@given(st.lists(st.floats(-100, 100), min_size=16, max_size=16))
def test_shapley_shares_add_up_and_an_idle_channel_gets_nothing(values: list[float]) -> None:
    channels = ("a", "b", "c", "d", "idle")
    active = dict(zip(coalitions(channels[:4]), values, strict=True))
    value = {c: np.array([active[c - {"idle"}]]) for c in coalitions(channels)}
    shares = shapley(channels, value)
    total = value[frozenset(channels)] - value[frozenset()]
    assert sum(s[0] for s in shares.values()) == pytest.approx(total[0], abs=1e-9)
    assert shares["idle"][0] == pytest.approx(0.0, abs=1e-9)


def test_mixtures_run_from_the_baseline_to_the_scenario() -> None:
    individual, cluster = (design_of(Levers(support=s)) for s in ("individual", "cluster"))
    mixed = mixtures(individual, cluster)
    channels = differing_channels(individual, cluster)
    assert mixed[frozenset()] == individual
    assert mixed[frozenset(channels)] == cluster
    assert len(mixed) == 2 ** len(channels)


def test_of_many_channels_a_sample_of_orders_gives_shares_that_add_up_and_come_close() -> None:
    """Thirteen channels: a sum of their own effects and of one pair that works only together."""
    channels = tuple("abcdefghijklm")

    def worth(c: frozenset[str]) -> np.ndarray:
        return np.array([sum(ord(x) - 96 for x in c) + 10.0 * ({"a", "m"} <= c)])

    shares = shapley(channels, {c: worth(c) for c in coalitions(channels)})
    assert sum(shares.values()) == pytest.approx(worth(frozenset(channels)))
    assert shares["b"] == pytest.approx(2.0)
    assert shares["a"] == pytest.approx(1.0 + 5.0)  # an order and its reverse share a pair equally
    assert len(coalitions(channels)) < 2 * 20 * 13 < 2 ** len(channels)
