"""Which settings vary, over what, and at which points together."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cpdiffusion.config import folder_of, load
from cpdiffusion.errors import InputError
from cpdiffusion.factors.factor import factor_of, factors_of
from cpdiffusion.factors.known import LEVERS, known, known_keys
from cpdiffusion.factors.own_points import read_points
from cpdiffusion.factors.points import grid, in_step, latin_hypercube, sobol_sequence
from cpdiffusion.outcomes.experiment import Experiment
from cpdiffusion.parameters import BY_NAME
from cpdiffusion.policy.levers import Levers
from cpdiffusion.studies.at_point import Ground, ground_of

SIZE, RATE, RULE = "levers.cohort_size", "levers.subsidy_rate", "behaviour"


def test_a_parameter_varies_over_its_range_in_the_registry() -> None:
    factor = factor_of("parameters.cohort_visibility", None)
    p = BY_NAME["cohort_visibility"]
    assert (factor.low, factor.high) == (p.low, p.high)
    assert (factor.known.status, factor.known.unit) == (p.status, p.unit)


def test_every_lever_that_is_a_number_has_a_usual_range_within_its_bounds() -> None:
    numbers = [name for name in Levers.model_fields if not known(f"levers.{name}").choices]
    assert set(numbers) == set(LEVERS)
    for name in numbers:
        about = known(f"levers.{name}")
        assert about.least <= about.low < about.high <= about.most
        for value in (about.low, about.high):
            Levers.model_validate({name: int(value) if about.whole else value})


def test_whole_numbers_come_equally_often_and_never_beyond_the_ends() -> None:
    shares = (np.arange(4000) + 0.5) / 4000
    values, counts = np.unique(factor_of(SIZE, "5..8").at(shares), return_counts=True)
    assert values.tolist() == [5, 6, 7, 8]
    assert set(counts) == {1000}
    last = factor_of(SIZE, "5..8").at(np.array([0.0, np.nextafter(1.0, 0.0)]))
    assert last.tolist() == [5, 8]


def test_words_and_switches_come_back_as_values() -> None:
    targeting = factor_of("levers.targeting", "")
    assert set(targeting.at(np.linspace(0, 0.999, 50))) == set(targeting.values)
    assert factor_of("levers.publishes_results", None).levels(2).tolist() == [False, True]
    assert factor_of(RULE, ["bass", "threshold"]).at(np.array([0.1, 0.6])).tolist() == ["bass", "threshold"]


@pytest.mark.parametrize(
    ("key", "said", "words"),
    [
        ("levers.cohort_sise", None, "did you mean 'levers.cohort_size'"),
        ("parameters.nonsense", None, "nothing of this name can vary"),
        ("seed", None, "nothing of this name can vary"),
        (SIZE, "60..5", "empty range; write the smaller number first"),
        (SIZE, "5..5", "empty range"),
        (SIZE, "five..60", "is not a number of firms"),
        (SIZE, "many", "write a range as 5..60"),
        (SIZE, "2.5..60", "whole numbers of firms"),
        (SIZE, [], "holds no value"),
        (SIZE, [10, 10], "names a value twice"),
        (SIZE, [True], "is not a number"),
        (RATE, "0..1.5", "outside 0 to 1"),
        (RATE, [0.1, float("nan")], "is not a number"),
        ("parameters.cohort_visibility", "0..3", "outside 0 to 1"),
        ("parameters.mean_log_return", "0.5..9", "set beyond_range=true to explore it"),
        (RULE, ["bas"], "did you mean 'bass'"),
        ("levers.publishes_results", [1], "no such value"),
    ],
)
def test_what_makes_no_factor_is_one_sentence(key: str, said: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        factors_of({key: said})


def test_nested_and_dotted_keys_are_the_same() -> None:
    nested = factors_of({"levers": {"cohort_size": "5..60"}, "behaviour": None})
    dotted = factors_of({SIZE: "5..60", RULE: ""})
    assert nested == dotted


# --- designs --------------------------------------------------------------------------------------


def test_a_grid_holds_every_combination_once() -> None:
    points = grid(factors_of({SIZE: [5, 10], RATE: "0..0.4", RULE: ["bass"]}), levels=3)
    found = [tuple(points.at(k).values()) for k in range(len(points))]
    assert found == [(size, rate, "bass") for size in (5, 10) for rate in (0.0, 0.2, 0.4)]
    assert [type(value) for value in found[0]] == [int, float, str]


def test_lists_go_in_step() -> None:
    points = in_step(factors_of({SIZE: [5, 10, 25], RATE: [0.1]}))
    assert points.columns[SIZE].tolist() == [5, 10, 25]
    assert points.columns[RATE].tolist() == [0.1] * 3
    with pytest.raises(InputError, match="lists 2 values where another lists 3"):
        in_step(factors_of({SIZE: [5, 10, 25], RATE: [0.1, 0.2]}))
    with pytest.raises(InputError, match="is a range"):
        in_step(factors_of({SIZE: "5..60"}))


def test_a_latin_hypercube_has_one_point_in_every_part_of_each_range() -> None:
    points = latin_hypercube(factors_of({RATE: "0..1", "parameters.cohort_visibility": "0..1"}), 50, seed=4)
    for column in points.columns.values():
        assert sorted((column * 50).astype(int)) == list(range(50))


def test_designs_follow_the_seed() -> None:
    factors = factors_of({RATE: "0..1", SIZE: None})
    for design in (latin_hypercube, sobol_sequence):
        one, same, other = (design(factors, 33, seed).columns[RATE] for seed in (1, 1, 2))
        assert np.array_equal(one, same)
        assert not np.array_equal(one, other)
        assert len(one) == 33


def test_a_sobol_sequence_is_evener_than_chance() -> None:
    shares = sobol_sequence(factors_of({RATE: "0..1"}), 256, seed=1).columns[RATE]
    assert np.bincount((shares * 256).astype(int), minlength=256).max() == 1


def test_a_grid_beyond_all_bounds_is_refused_before_it_is_made() -> None:
    many = factors_of({f"parameters.{name}": None for name in list(BY_NAME)[:20] if not BY_NAME[name].whole})
    with pytest.raises(InputError, match="is too large"):
        grid(many, levels=100)


# --- points of one's own --------------------------------------------------------------------------


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "points.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_points_are_read_as_values(tmp_path: Path) -> None:
    header = "\ufeffpoint,levers.cohort_size,behaviour,levers.publishes_results"
    text = f"{header}\n0,5,bass,true\n1, 60 ,bass,False\n\n"
    points = read_points(written(tmp_path, text))
    assert points.at(0) == {SIZE: 5, RULE: "bass", "levers.publishes_results": True}
    assert points.at(1) == {SIZE: 60, RULE: "bass", "levers.publishes_results": False}
    assert len(points) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("levers.cohort_size\n", "holds no point"),
        ("point\n1\n", "holds no point"),
        ("levers.cohort_sise\n5\n", "points.csv: factors.levers.cohort_sise: nothing of this name"),
        ("levers.cohort_size\n5\nfive\n", "points.csv line 3: levers.cohort_size=five: is not a number"),
        (
            "parameters.cohort_visibility\n0.5\n7\n",
            "points.csv line 3: parameters.cohort_visibility=7.0: outside",
        ),
        ("levers.cohort_size,levers.subsidy_rate\n5\n", "line 2: has 1 values where the header names 2"),
        ("levers.cohort_size,levers.cohort_size\n5,6\n", "has the column 'levers.cohort_size' twice"),
        ("levers.support\nclub\n", "line 2: levers.support=club: no such value"),
        (b"levers.cohort_size\n\xff\xfe\n", "is not UTF-8 text"),
    ],
)
def test_a_file_of_points_that_is_wrong_names_its_line(text: str | bytes, words: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=words):
        read_points(written(tmp_path, text))


def test_a_file_of_points_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no file"):
        read_points(tmp_path / "none.csv")


# --- points in a study ----------------------------------------------------------------------------


@pytest.mark.parametrize("key", known_keys())
def test_everything_that_can_vary_is_known_to_a_study(key: str) -> None:
    """At both ends of its usual range, or at every choice, it either makes a plan or says why not."""
    settings = load(["study=sweep", "scenarios=[individual,cluster_25]", "horizon_years=12"])
    factor = factor_of(key, None)
    ground = ground_of(settings, folder_of("scenarios"), (factor,))
    plans = [plan for value in factor.levels(2).tolist() if (plan := plan_or_none(ground, {key: value}))]
    assert plans, "none of its values could be used"
    if len(plans) > 1:
        assert described(plans[0]) != described(plans[-1]), "its values make no difference"


def plan_or_none(ground: Ground, point: dict[str, Any]) -> Experiment | None:
    with contextlib.suppress(InputError):
        return ground.plan(point).experiment
    return None


def described(experiment: Experiment) -> str:
    return repr((experiment.designs, dict(experiment.parameters), experiment.recipe.regions,
                 experiment.horizon_quarters, experiment.behaviour, experiment.by_measure,
                 experiment.table, experiment.redraw_world))  # fmt: skip


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["factors.changes.cluster_52.cohort_size="], "is not among the scenarios"),
        (["factors.levers.cohort_size=", "levers.cohort_size=9"], "is fixed by levers.cohort_size=9"),
        (["factors.parameters.cohort_visibility=", "parameters.cohort_visibility=0.5"], "is fixed by"),
        (["factors.region=", "world.network=brfarmers"], "the world is that of world.network"),
    ],
)
def test_a_factor_that_cannot_vary_in_this_study_is_one_sentence(words: list[str], said: str) -> None:
    settings = load(["study=sweep", *words])
    with pytest.raises(InputError, match=said):
        ground_of(settings, folder_of("scenarios"), factors_of(settings.factors))
