"""Which factors the answer depends on: indices with known values, chance apart, points that fail, files."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cpdiffusion.cli import main
from cpdiffusion.config import folder_of, load
from cpdiffusion.errors import InputError
from cpdiffusion.factors.factor import Factor, factors_of
from cpdiffusion.factors.known import Known, Values
from cpdiffusion.runner.crew import local_crew
from cpdiffusion.runner.shards import Shards
from cpdiffusion.runner.work import Done, Failed, joined
from cpdiffusion.studies.indices import Index, elementary_effects, indices, whole_groups
from cpdiffusion.studies.point_values import Quantity, quantities
from cpdiffusion.studies.sensitivity import Asked, analysed, asked_of, read_by, run_sensitivity, values_at
from cpdiffusion.studies.sensitivity_design import Design, one_at_a_time, saltelli, trajectories
from cpdiffusion.studies.settings import SensitivitySettings

SCENARIOS = folder_of("scenarios")
ASKED = load(["study=sensitivity"]).sensitivity
QUICK = [
    "study=sensitivity", "parameters.firms_per_region=200", "horizon_years=4", "sensitivity.replicates=3",
    "sensitivity.trajectories=4", "sensitivity.base_samples=16", "sensitivity.most=2", "workers=1",
    "progress=false",
]  # fmt: skip
FEW = ["factors.parameters.cohort_visibility=", "factors.parameters.prior_mean_log_return=",
       "factors.levers.cohort_size=5..40"]  # fmt: skip


def asked(**changes: object) -> SensitivitySettings:
    return ASKED.model_copy(update=changes)


# --- Ishigami's function along the path of a sweep -----------------------------------------------

ANGLES = [Factor(Known(f"x{k}"), low=-np.pi, high=np.pi) for k in (1, 2, 3)]
FIRST, TOTAL = (0.3139, 0.4424, 0.0), (0.5576, 0.4424, 0.2437)  # a = 7, b = 0.1
VARIANCE = 7**2 / 8 + 0.1 * np.pi**4 / 5 + 0.1**2 * np.pi**8 / 18 + 0.5


def ishigami(x: Values) -> Values:
    """Ishigami & Homma 1990, at points (P, 3)."""
    return np.asarray(np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0]))


@dataclass(frozen=True, eq=False)
class Planted:
    """Ishigami's function as work: a unit is a point, with luck of its own and luck that all points share.

    The scenario 'raised' is the function and 3 more.
    """

    design: Design
    replicates: int = 2
    own_sd: float = 0.0
    shared_sd: float = 0.0
    failing: frozenset[int] = frozenset()

    @property
    def units(self) -> int:
        return len(self.design.points)

    def run(self, first: int, count: int) -> Done:
        return joined([self._unit(unit) for unit in range(first, first + count)])

    def _unit(self, unit: int) -> Done:
        if unit in self.failing:
            return Done({}, [Failed(unit, "planted")])
        x = np.array([[column[unit] for column in self.design.points.columns.values()]])
        own = self.own_sd * np.random.default_rng([7, unit]).standard_normal(self.replicates)
        shared = self.shared_sd * np.random.default_rng(8).standard_normal(self.replicates)
        values = ishigami(x)[0] + own + shared
        return Done({
            "point": np.full(2 * self.replicates, unit, np.int32),
            "scenario": np.repeat(["ishigami", "raised"], self.replicates),
            "replicate": np.tile(np.arange(self.replicates, dtype=np.int32), 2),
            "outcome": np.concatenate([values, values + 3.0]),
        })  # fmt: skip


def told_of(work: Planted, folder: Path) -> dict[Quantity, list[Index]]:
    """Carried out, kept in shards, read back and analysed as the study does it."""
    folder.mkdir(exist_ok=True)
    values = values_at(
        work, Shards(folder), partial(local_crew, workers=1), lambda _: None, work.design.points,
        work.replicates, "outcome",
    )  # fmt: skip
    found = quantities(
        values, ("ishigami", "raised"), ("raised", "ishigami"), len(work.design.points), work.replicates
    )
    return analysed(work.design, found, seed=1)


def of(found: dict[Quantity, list[Index]], name: str, scenario: str = "ishigami") -> list[Index]:
    return [index for index in found[Quantity(scenario)] if index.name == name]


def estimates(found: dict[Quantity, list[Index]], name: str) -> list[float]:
    return [index.estimate for index in of(found, name)]


def sample(**changes: object) -> Design:
    return saltelli(ANGLES, asked(base_samples=2048, **changes), seed=1)


@pytest.fixture(scope="module")
def exact(tmp_path_factory: pytest.TempPathFactory) -> dict[Quantity, list[Index]]:
    return told_of(Planted(sample(second_order=True)), tmp_path_factory.mktemp("exact"))


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> dict[Quantity, list[Index]]:
    """Luck of a variance of 4 times the function's own in a run, so of the same size in a mean of four."""
    work = Planted(sample(), replicates=4, own_sd=2 * VARIANCE**0.5, shared_sd=100.0)
    return told_of(work, tmp_path_factory.mktemp("noisy"))


def test_sobol_indices_of_ishigami_match_their_known_values(exact: dict[Quantity, list[Index]]) -> None:
    assert estimates(exact, "S1") == pytest.approx(FIRST, abs=0.03)
    assert estimates(exact, "ST") == pytest.approx(TOTAL, abs=0.03)
    for index, known in zip([*of(exact, "S1"), *of(exact, "ST")], [*FIRST, *TOTAL], strict=True):
        assert index.high - index.low < 0.2
        assert index.low - 0.02 <= known <= index.high + 0.02


def test_second_order_finds_the_one_interaction_of_ishigami(exact: dict[Quantity, list[Index]]) -> None:
    by_pair = {(index.factor, index.other): index.estimate for index in of(exact, "S2")}
    assert by_pair == pytest.approx({(0, 1): 0.0, (0, 2): 0.2437, (1, 2): 0.0}, abs=0.05)


def test_without_luck_there_is_nothing_to_take_away(exact: dict[Quantity, list[Index]]) -> None:
    assert estimates(exact, "noise_share") == pytest.approx([0.0], abs=1e-9)
    assert estimates(exact, "S1_less_chance") == pytest.approx(estimates(exact, "S1"), abs=0.01)
    assert estimates(exact, "ST_less_chance") == pytest.approx(estimates(exact, "ST"), abs=0.01)


def test_luck_of_known_variance_is_told_as_its_own_share(noisy: dict[Quantity, list[Index]]) -> None:
    (share,) = of(noisy, "noise_share")
    assert share.estimate == pytest.approx(0.5, abs=0.03)
    assert share.low < 0.5 < share.high


def test_luck_halves_first_order_indices_and_lifts_total_ones(noisy: dict[Quantity, list[Index]]) -> None:
    assert estimates(noisy, "S1") == pytest.approx([0.5 * s for s in FIRST], abs=0.06)
    assert estimates(noisy, "ST") == pytest.approx([0.5 * s + 0.5 for s in TOTAL], abs=0.06)


def test_indices_less_chance_find_the_known_values_under_luck(noisy: dict[Quantity, list[Index]]) -> None:
    assert estimates(noisy, "S1_less_chance") == pytest.approx(FIRST, abs=0.1)
    assert estimates(noisy, "ST_less_chance") == pytest.approx(TOTAL, abs=0.1)


def test_luck_that_all_points_share_is_no_noise(tmp_path: Path) -> None:
    work = Planted(saltelli(ANGLES, asked(base_samples=256), 1), replicates=3, shared_sd=100.0)
    found = told_of(work, tmp_path / "s")
    assert estimates(found, "noise_share") == pytest.approx([0.0], abs=1e-9)
    assert estimates(found, "S1") == pytest.approx(FIRST, abs=0.1)


def test_a_difference_that_no_factor_changes_has_no_indices(exact: dict[Quantity, list[Index]]) -> None:
    names = {index.name for index in exact[Quantity("raised", "ishigami")]}
    assert names == {"groups", "groups_left_out"}


def test_negative_estimates_are_told_as_they_were_found() -> None:
    found = []
    for seed in range(4):
        design = saltelli(ANGLES, asked(base_samples=64), seed)
        values = ishigami(np.column_stack(list(design.points.columns.values())))[:, None] + np.zeros(2)
        found += [index for index in indices(design, values, seed) if index.name == "S1"]
    negative = [index for index in found if index.estimate < 0.0]
    assert negative
    assert {index.factor for index in negative} == {2}, "the factor that does nothing alone"
    assert all(index.high > 0.0 for index in negative)


def test_the_same_seed_gives_the_same_intervals_and_another_one_others() -> None:
    design = saltelli(ANGLES, asked(base_samples=64), 0)
    values = ishigami(np.column_stack(list(design.points.columns.values())))[:, None] + np.zeros(2)
    first, again, other = (indices(design, values, seed) for seed in (0, 0, 5))
    assert first == again
    assert first != other


# --- points that fail ----------------------------------------------------------------------------


def test_a_failed_point_costs_its_base_sample_and_no_other(tmp_path: Path) -> None:
    design = saltelli(ANGLES, asked(base_samples=128), 1)
    failing = frozenset({0, 3, 17})  # two in the first base sample of five points, one in the fourth
    found = told_of(Planted(design, failing=failing), tmp_path / "s")
    assert estimates(found, "groups_left_out") == [2.0]
    assert estimates(found, "groups") == [126.0]

    x = np.column_stack(list(design.points.columns.values()))
    kept = np.repeat([k not in (0, 3) for k in range(128)], 5)
    alone = [i for i in indices(design, _with_gap(ishigami(x), ~kept), 1) if i.name == "ST"]
    assert [i.estimate for i in of(found, "ST")] == [i.estimate for i in alone]
    assert estimates(found, "ST") == pytest.approx(TOTAL, abs=0.2)


def _with_gap(values: Values, gap: Values) -> Values:
    return np.where(gap, np.nan, values)[:, None] + np.zeros(2)


def test_a_trajectory_with_a_failed_point_is_left_out_whole(tmp_path: Path) -> None:
    design = trajectories(ANGLES, asked(trajectories=10), 1)
    found = told_of(Planted(design, failing=frozenset({5})), tmp_path / "s")
    assert (estimates(found, "groups"), estimates(found, "groups_left_out")) == ([9.0], [1.0])
    assert all(np.isfinite(index.estimate) for index in of(found, "mu_star"))


def test_no_index_is_told_where_hardly_a_base_sample_is_whole(tmp_path: Path) -> None:
    design = saltelli(ANGLES, asked(base_samples=16), 1)
    found = told_of(Planted(design, failing=frozenset(range(0, 80, 5))), tmp_path / "s")
    assert {index.name for index in found[Quantity("ishigami")]} == {"groups", "groups_left_out"}
    assert estimates(found, "groups") == [0.0]


def test_a_point_without_one_of_its_replicates_counts_as_failed() -> None:
    values = np.ones((6, 2))
    values[4, 1] = np.nan
    assert whole_groups(values, 3).tolist() == [True, False]


# --- Morris --------------------------------------------------------------------------------------


def test_elementary_effects_of_a_plane_are_its_slopes() -> None:
    flat = [Factor(Known(f"x{k}"), low=0.0, high=1.0) for k in range(3)]
    design = trajectories(flat, asked(trajectories=6), 2)
    assert design.shares is not None
    slopes = np.array([5.0, -2.0, 0.0])
    effects = elementary_effects(design.shares, (design.shares @ slopes)[:, None] + np.zeros(2))
    assert effects == pytest.approx(np.broadcast_to(slopes[None, :, None], (6, 3, 2)))


def test_morris_ranks_the_factors_of_ishigami_and_knows_the_one_that_only_acts_together(
    tmp_path: Path,
) -> None:
    found = told_of(Planted(trajectories(ANGLES, asked(trajectories=200), 1)), tmp_path / "s")
    star, mu, sigma = (estimates(found, name) for name in ("mu_star", "mu", "sigma"))
    assert min(star) > 1.0
    assert abs(mu[2]) < 0.25 * star[2]  # up as often as down
    assert sigma[2] > star[2]
    assert all(i.low < i.estimate < i.high for i in [*of(found, "mu_star"), *of(found, "sigma")])


def test_a_factor_without_effect_shows_the_mu_star_that_chance_alone_makes(tmp_path: Path) -> None:
    idle = [*ANGLES, Factor(Known("x4"), low=0.0, high=1.0)]

    @dataclass(frozen=True, eq=False)
    class Idle(Planted):
        pass

    work = Idle(trajectories(idle, asked(trajectories=300), 1), replicates=5, own_sd=4.0)
    found = told_of(work, tmp_path / "s")
    star, chance = estimates(found, "mu_star")[3], estimates(found, "mu_star_by_chance")[3]
    assert star == pytest.approx(chance, rel=0.15)
    assert estimates(found, "sigma")[3] == pytest.approx(estimates(found, "sigma_by_chance")[3], rel=0.15)


# --- whole numbers and words ---------------------------------------------------------------------


def test_whole_numbers_and_words_are_sampled_like_ranges() -> None:
    factors = factors_of({"levers.cohort_size": "5..8", "region": ["busan", "ulsan", "daegu"]})
    columns = saltelli(factors, asked(base_samples=256), 1).points.columns
    for key, values in (("levers.cohort_size", {5, 6, 7, 8}), ("region", {"busan", "ulsan", "daegu"})):
        found, counts = np.unique(columns[key].astype(str), return_counts=True)
        assert set(found) == {str(v) for v in values}
        assert counts.min() > 0.8 * counts.max()


def test_one_at_a_time_moves_one_and_leaves_the_others_as_they_are() -> None:
    design = one_at_a_time(factors_of({"levers.cohort_size": "5..8", "region": ["busan", "ulsan"]}))
    points = [design.points.at(k) for k in range(len(design.points))]
    assert points == [{}, {"levers.cohort_size": 5}, {"levers.cohort_size": 8}, {"region": "busan"},
                      {"region": "ulsan"}]  # fmt: skip
    values = np.array([[10.0, 20.0], [11.0, 21.0], [14.0, 24.0], [9.0, 19.0], [10.0, 20.0]])
    changes = [i for i in indices(design, values, 1) if i.name == "change"]
    assert [(i.at, i.estimate) for i in changes] == [(5, 1.0), (8, 4.0), ("busan", -1.0), ("ulsan", 0.0)]
