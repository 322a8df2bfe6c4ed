"""Data envelopment analysis: scores against other software and exact fractions, and what they must obey."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from Pyfrontier.frontier_model import EnvelopDEA

from cpdiffusion.efficiency.bootstrap import bandwidth, bootstrap, resampled
from cpdiffusion.efficiency.data import Floats, Units, units_of
from cpdiffusion.efficiency.frontier import ORIENTATIONS, Orientation, Returns
from cpdiffusion.efficiency.influence import influence
from cpdiffusion.efficiency.malmquist import malmquist
from cpdiffusion.efficiency.projection import projection
from cpdiffusion.efficiency.scores import beyond, scores, within
from cpdiffusion.efficiency.windows import windows
from cpdiffusion.errors import InputError
from cpdiffusion.evidence.table4 import VARIANTS
from cpdiffusion.studies.efficiency.sets import REGION, REGION_YEAR, sets_of_table4
from exact_simplex import multiplier_score
from known_frontier import TRUE_SCORE, coverage

# Pyfrontier calls PuLP in a way that PuLP 4 will end; PuLP is pinned below it.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

BOTH: tuple[Returns, ...] = ("constant", "variable")
LIBRARY = {"constant": "CRS", "variable": "VRS", "input": "in", "output": "out"}


def made(inputs: list[list[float]], outputs: list[list[float]]) -> Units:
    """Units A, B ... from a row of each input and a row of each output."""
    x, y = np.array(inputs, float).T, np.array(outputs, float).T
    return units_of(
        [chr(65 + k) for k in range(len(x))], [f"x{k}" for k in range(x.shape[1])],
        [f"y{k}" for k in range(y.shape[1])], x, y,
    )  # fmt: skip


# Coelli 1996, A Guide to DEAP 2.1 (CEPA working paper 96/08), examples 1 and 2 with their printed results;
# also Coelli, Rao, O'Donnell & Battese 2005, chapter 6.
COELLI = made([[2, 2, 6, 3, 6], [5, 4, 6, 2, 2]], [[1, 2, 3, 1, 2]])
COELLI_SCORES = [0.500, 1.000, 0.833, 0.714, 1.000]
COELLI_SCALE = made([[2, 4, 3, 5, 6]], [[1, 2, 3, 4, 5]])
# Cooper, Seiford & Tone 2007, Data Envelopment Analysis, 2nd ed., example 2.2 and table 2.2.
COOPER = made([[4, 7, 8, 4, 2, 10], [3, 3, 1, 2, 4, 1]], [[1, 1, 1, 1, 1, 1]])
COOPER_SCORES = [6 / 7, 12 / 19, 1, 1, 1, 1]

TABLE_4 = {
    f"{variant} {level}": next(
        s.units for s in sets_of_table4(variant) if (s.level, s.rows) == (level, "all")
    )
    for variant in VARIANTS
    for level in (REGION, REGION_YEAR)
}
SETS = {"Coelli": COELLI, "Coelli, scale": COELLI_SCALE, "Cooper": COOPER, **TABLE_4}


# --- against others ------------------------------------------------------------------------------


def by_the_library(
    units: Units, returns: Returns, orientation: Orientation, beyond_it: bool = False
) -> Floats:
    """Scores by Pyfrontier, which gives six decimals."""
    model = EnvelopDEA(LIBRARY[returns], LIBRARY[orientation], super_efficiency=beyond_it)
    model.fit(units.inputs, units.outputs)
    found = np.array([result.score for result in model.result])
    return found if orientation == "input" else 1.0 / found


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("returns", BOTH)
@pytest.mark.parametrize("name", SETS)
def test_scores_are_those_of_an_independent_library(
    name: str, returns: Returns, orientation: Orientation
) -> None:
    ours, theirs = within(SETS[name], returns, orientation), by_the_library(SETS[name], returns, orientation)
    assert ours == pytest.approx(theirs, abs=1e-6)


def test_super_efficiency_is_that_of_an_independent_library() -> None:
    units = TABLE_4["as_printed region"]
    theirs = by_the_library(units, "constant", "input", beyond_it=True)
    assert beyond(units, "constant", "input") == pytest.approx(theirs, abs=1e-6)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("returns", BOTH)
@pytest.mark.parametrize("name", ["Coelli", "Cooper", "as_printed region", "reconciled region"])
def test_scores_are_those_of_exact_fractions(name: str, returns: Returns, orientation: Orientation) -> None:
    units = SETS[name]
    exact = [
        float(multiplier_score(units.inputs.tolist(), units.outputs.tolist(), k, returns, orientation))
        for k in range(units.size)
    ]
    assert within(units, returns, orientation) == pytest.approx(exact, abs=1e-12)


@pytest.mark.parametrize("returns", BOTH)
def test_scores_of_region_years_are_those_of_exact_fractions(returns: Returns) -> None:
    units = TABLE_4["as_printed region-year"]
    ours = within(units, returns, "output")
    for k in (0, 36):
        exact = multiplier_score(units.inputs.tolist(), units.outputs.tolist(), k, returns, "output")
        assert ours[k] == pytest.approx(float(exact), abs=1e-12)


def test_the_scores_peers_and_slacks_that_coelli_prints_are_found() -> None:
    found = projection(COELLI, "constant", "input")
    assert within(COELLI, "constant", "input") == pytest.approx(COELLI_SCORES, abs=5e-4)
    assert found.weights[0] == pytest.approx([0, 0.5, 0, 0, 0], abs=1e-9)
    assert found.weights[2] == pytest.approx([0, 1, 0, 0, 0.5], abs=1e-9)
    assert found.weights[3] == pytest.approx([0, 0.214, 0, 0, 0.286], abs=5e-4)
    assert found.input_slacks[0] == pytest.approx([0, 0.5], abs=1e-8)


def test_the_scale_efficiencies_that_coelli_prints_are_found() -> None:
    found = scores(COELLI_SCALE, "input")
    assert found.constant == pytest.approx([0.5, 0.5, 1.0, 0.8, 0.833], abs=5e-4)
    assert found.variable == pytest.approx([1.0, 0.625, 1.0, 0.9, 1.0], abs=5e-4)
    assert found.scale == pytest.approx([0.5, 0.8, 1.0, 0.889, 0.833], abs=5e-4)
    assert found.returns == ("increasing", "increasing", "constant", "decreasing", "decreasing")


def test_the_scores_that_cooper_seiford_and_tone_print_are_found() -> None:
    assert within(COOPER, "constant", "input") == pytest.approx(COOPER_SCORES, abs=1e-9)
    assert projection(COOPER, "constant", "input").input_slacks[5] == pytest.approx([2, 0], abs=1e-7)


# --- what scores obey ----------------------------------------------------------------------------


def drawn_units(seed: int, size: int = 8, zeros: bool = True) -> Units:
    """Two inputs and three outputs, some outputs zero."""
    generator = np.random.default_rng(seed)
    x, y = generator.lognormal(size=(size, 2)), generator.lognormal(size=(size, 3))
    if zeros:
        y[generator.random((size, 3)) < 0.3] = 0.0
        y[:, 0] += 0.1
    y[0] += 0.1  # no column without any
    return made(x.T.tolist(), y.T.tolist())


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_some_unit_is_on_the_frontier_and_none_is_beyond_it(seed: int) -> None:
    units = drawn_units(seed)
    for orientation in ORIENTATIONS:
        found = scores(units, orientation)
        assert found.constant.max() == 1.0
        assert (found.constant <= found.variable + 1e-9).all()
        assert (found.variable <= 1.0).all()
        assert (found.constant > 0.0).all()
        assert (found.scale <= 1.0 + 1e-9).all()


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), powers=st.lists(st.integers(-6, 6), min_size=5, max_size=5))
def test_scores_do_not_change_with_the_units_of_measurement(seed: int, powers: list[int]) -> None:
    units, factor = drawn_units(seed), 10.0 ** np.array(powers)
    other = replace(units, inputs=units.inputs * factor[:2], outputs=units.outputs * factor[2:])
    for returns in BOTH:
        for orientation in ORIENTATIONS:
            one, two = projection(units, returns, orientation), projection(other, returns, orientation)
            assert one.distance == pytest.approx(two.distance, rel=1e-8)
            slack = two.output_slacks / factor[2:]
            size = units.outputs.mean(axis=0)
            assert (one.output_slacks / size).sum(axis=1) + (
                one.input_slacks / units.inputs.mean(axis=0)
            ).sum(axis=1) == pytest.approx(
                (slack / size).sum(axis=1)
                + (two.input_slacks / factor[:2] / units.inputs.mean(axis=0)).sum(axis=1),
                abs=1e-5,
            )


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_projection_lies_on_the_frontier(seed: int) -> None:
    units = drawn_units(seed)
    found = projection(units, "variable", "output")
    target_x = units.inputs - found.input_slacks
    target_y = units.outputs * found.distance[:, None] + found.output_slacks
    assert found.weights @ units.inputs == pytest.approx(target_x, abs=1e-6)
    assert found.weights @ units.outputs == pytest.approx(target_y, abs=1e-6)
    assert found.weights.sum(axis=1) == pytest.approx(np.ones(units.size), abs=1e-6)


def test_doubling_every_output_of_a_unit_halves_how_far_it_is_from_the_frontier() -> None:
    units = made([[2, 2, 4]], [[1, 4, 3]])
    doubled = made([[2, 2, 4]], [[2, 4, 3]])
    assert within(doubled, "constant", "output")[0] == 2 * within(units, "constant", "output")[0]


def test_an_output_that_a_unit_does_not_make_asks_nothing_of_it() -> None:
    units = made([[1, 1, 2]], [[2, 1, 3], [0, 4, 4]])
    only_first = made([[1, 1, 2]], [[2, 1, 3]])
    for returns in BOTH:
        with_zero = within(units, returns, "output")[0]
        assert with_zero == pytest.approx(within(only_first, returns, "output")[0], abs=1e-12)


def test_what_a_unit_with_a_zero_lacks_shows_as_a_slack() -> None:
    units = made([[1, 1]], [[2, 2], [0, 3]])
    found = projection(units, "constant", "output")
    assert within(units, "constant", "output")[0] == 1.0
    assert found.output_slacks[0] == pytest.approx([0, 3], abs=1e-6)


def test_super_efficiency_says_how_far_a_unit_stands_out() -> None:
    units = made([[1, 1, 1]], [[6, 2, 3]])
    assert beyond(units, "constant", "output") == pytest.approx([2, 1 / 3, 1 / 2])
    assert beyond(units, "constant", "input") == pytest.approx([2, 1 / 3, 1 / 2])


def test_super_efficiency_that_does_not_exist_is_nan_and_not_a_number() -> None:
    found = beyond(made([[1, 2, 3]], [[1, 2, 9]]), "variable", "input")
    assert np.isnan(found[2])  # nobody else makes 9, at any input
    assert np.isfinite(found[:2]).all()


def test_an_output_that_only_one_unit_makes_cannot_be_compared_with_the_others() -> None:
    units = made([[1, 1, 1]], [[1, 2, 3], [1, 0, 0]])
    assert np.isnan(beyond(units, "constant", "output")[0])


# --- outliers ------------------------------------------------------------------------------------


def test_a_misprint_that_holds_up_the_frontier_is_an_outlier() -> None:
    units = made([[1] * 6], [[10, 1, 0.9, 0.8, 0.95, 1]])
    assert influence(units, "output").outlier.tolist() == [True] + [False] * 5


def test_a_good_unit_among_good_ones_is_no_outlier() -> None:
    units = made([[1] * 6], [[1.05, 1, 0.9, 0.8, 0.95, 1]])
    assert not influence(units, "output").outlier.any()


def test_a_far_unit_that_nobody_is_compared_with_is_no_outlier() -> None:
    units = made([[1] * 5], [[1, 1, 1, 0.9, 0.8], [9, 0.1, 0.1, 0.09, 0.08]])
    found = influence(units, "output")
    assert found.super_efficiency[0] > 2
    assert not found.outlier[0]


# --- over time -----------------------------------------------------------------------------------


def test_with_one_input_and_one_output_the_malmquist_index_is_the_ratio_of_productivities() -> None:
    before, after = made([[2, 4, 3]], [[1, 2, 3]]), made([[2, 4, 3]], [[1, 3, 4]])
    found = malmquist({2001: before, 2002: after}, "output")
    assert [c.index for c in found] == pytest.approx([1.0, 1.5, 4 / 3])
    assert [c.technical_change for c in found] == pytest.approx([4 / 3] * 3)
    assert [c.efficiency_change for c in found] == pytest.approx([0.75, 1.125, 1.0])


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_a_frontier_that_moves_as_a_whole_is_technical_change_alone(orientation: Orientation) -> None:
    before = drawn_units(3)
    after = replace(before, outputs=before.outputs * 1.2)
    for change in malmquist({1: before, 2: after}, orientation):
        assert change.technical_change == pytest.approx(1.2)
        assert change.efficiency_change == pytest.approx(1.0)


def test_the_index_is_unknown_where_a_year_lacks_an_output() -> None:
    before = replace(made([[1, 1]], [[1, 2], [1, 1]]), outputs=np.array([[1.0, 0.0], [2.0, 0.0]]))
    after = made([[1, 1]], [[1, 2], [1, 1]])
    assert all(np.isnan(change.index) for change in malmquist({1: before, 2: after}, "output"))


def test_only_units_of_both_years_have_an_index() -> None:
    one, two = made([[1, 2]], [[1, 1]]), made([[1, 2, 3]], [[1, 1, 2]])
    assert [(c.unit, c.units_before, c.units_after) for c in malmquist({1: one, 2: two}, "input")] == [
        ("A", 2, 3), ("B", 2, 3),
    ]  # fmt: skip


def test_every_window_scores_its_unit_periods_together() -> None:
    years = {k: made([[1, 1]], [[k, 2 * k]]) for k in (1, 2, 3)}
    found = windows(years, 2, "constant", "output")
    assert [(w.first, w.last) for w in found] == [(1, 2), (2, 3)]
    assert found[0].score == pytest.approx([0.25, 0.5, 0.5, 1.0])
    assert found[1].score == pytest.approx([1 / 3, 2 / 3, 0.5, 1.0])


def test_a_window_wider_than_the_panel_holds_all_of_it() -> None:
    years = {k: made([[1, 1]], [[k, 2 * k]]) for k in (1, 2)}
    (found,) = windows(years, 9, "constant", "output")
    assert (found.first, found.last, len(found.score)) == (1, 2, 4)


# --- bootstrap -----------------------------------------------------------------------------------


def test_intervals_hold_the_true_score_of_a_known_frontier_about_as_often_as_they_say() -> None:
    # 60 sets at 90 %: a true coverage below 0.75 or of 1 with a centre elsewhere would hardly pass; the
    # thorough check is tests/known_frontier.py
    share, score, corrected = coverage(number=40, replicates=100, trials=60)
    assert share >= 0.78
    assert score > TRUE_SCORE + 0.005  # the estimate is too good
    assert abs(corrected - TRUE_SCORE) < 0.5 * (score - TRUE_SCORE)  # and the correction halves it at least


def test_the_uncorrected_score_would_fail_the_check_of_coverage() -> None:
    from known_frontier import estimate

    found = [estimate(40, 50, seed) for seed in range(15)]
    assert all(one.score[0] > one.high[0] - 1e-12 for one in found)


def test_a_corrected_score_is_below_the_score_and_inside_its_interval() -> None:
    found = bootstrap(TABLE_4["as_printed region-year"], "constant", "output", 40, (1, 2))
    assert found is not None
    assert (found.low < found.corrected).all()
    assert (found.corrected < found.high).all()
    assert (found.high <= found.score).all()
    assert (found.low > 0.0).all()


def test_the_same_seed_gives_the_same_bytes_on_any_number_of_threads() -> None:
    units = drawn_units(5, 12)
    alone = bootstrap(units, "variable", "input", 60, (7, 1))
    with ThreadPoolExecutor(3) as pool:
        together = bootstrap(units, "variable", "input", 60, (7, 1), mapped=pool.map)
    assert alone is not None
    assert together is not None
    assert alone.low.tobytes() == together.low.tobytes()
    assert alone.corrected.tobytes() == together.corrected.tobytes()


def test_another_seed_and_another_purpose_give_other_numbers() -> None:
    units = drawn_units(5, 12)
    found = [bootstrap(units, "variable", "input", 20, key) for key in ((7, 1), (8, 1), (7, 2))]
    assert len({one.low.tobytes() for one in found if one is not None}) == 3


def test_without_units_off_the_frontier_there_is_no_bootstrap() -> None:
    assert bootstrap(made([[1, 1, 1]], [[1, 1, 1]]), "constant", "output", 10, (1, 1)) is None
    assert bandwidth(np.array([1.0, 1.0, 1.5, 1.2])) is None


def test_drawn_distances_stay_outside_the_frontier_and_keep_mean_and_spread() -> None:
    distances = np.array([1.0, 1.1, 1.3, 1.6, 2.0, 1.2, 1.0, 1.4])
    h = bandwidth(distances)
    assert h is not None
    drawn = np.concatenate([resampled(distances, h, np.random.default_rng(k)) for k in range(2000)])
    assert drawn.min() >= 1.0
    assert drawn.std() == pytest.approx(distances.std(), rel=0.2)
    assert drawn.mean() == pytest.approx(distances.mean(), rel=0.05)


# --- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inputs", "outputs", "said"),
    [
        ([[1]], [[1]], "efficiency is relative, so give two or more"),
        ([[1, -2]], [[1, 1]], "input 'x0' is -2; it must be a number from 0 up"),
        ([[1, 2]], [[1, float("nan")]], "output 'y0' is nan; it must be a number from 0 up"),
        ([[1, 2], [0, 0]], [[1, 1]], "input 'x1' is 0 for every unit and tells nothing apart"),
        ([[1, 2]], [[1, 1], [0, 0]], "output 'y1' is 0 for every unit"),
        ([[1, 2]], [[1, 0]], "every output of 'B' is 0, so it cannot be compared"),
        ([[1, 0]], [[1, 2]], "every input of 'B' is 0"),
    ],
)
def test_what_cannot_be_compared_costs_one_sentence(
    inputs: list[list[float]], outputs: list[list[float]], said: str
) -> None:
    with pytest.raises(InputError) as error:
        made(inputs, outputs)
    assert said in str(error.value)
    assert str(error.value).count(". ") == 0


def test_a_unit_given_twice_is_refused() -> None:
    with pytest.raises(InputError, match="the unit 'a' is there twice"):
        units_of(["a", "a"], ["x"], ["y"], np.ones((2, 1)), np.ones((2, 1)))


def test_table_4_has_as_many_units_as_it_has_regions_and_rows() -> None:
    assert TABLE_4["as_printed region"].size == 7 < TABLE_4["as_printed region"].enough == 15
    assert TABLE_4["as_printed region-year"].size == 37
