"""Which factors the answer depends on: indices with known values, chance apart, points that fail, files."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cpdiffusion.cli import main
from cpdiffusion.config import folder_of, load
from cpdiffusion.factors.factor import Factor, factors_of
from cpdiffusion.factors.known import Known, Values
from cpdiffusion.outcomes.experiment import run_batch
from cpdiffusion.parameters import BY_NAME, Parameters
from cpdiffusion.runner.crew import local_crew
from cpdiffusion.runner.shards import Shards
from cpdiffusion.runner.work import Done, Failed, joined
from cpdiffusion.studies.point_values import Quantity, quantities
from cpdiffusion.studies.sensitivity.design import Design, one_at_a_time, saltelli, trajectories
from cpdiffusion.studies.sensitivity.indices import Index, elementary_effects, indices, whole_groups
from cpdiffusion.studies.sensitivity.settings import SensitivitySettings
from cpdiffusion.studies.sensitivity.study import Sensitivity, analysed, asked_of, run_sensitivity, values_at
from cpdiffusion.studies.sensitivity.summary import summary
from cpdiffusion.studies.sweep.opened import open_results

SCENARIOS = folder_of("scenarios")
ASKED = load(["study=sensitivity"]).sensitivity
QUICK = [
    "study=sensitivity", "parameters.firms_per_region=200", "horizon_years=6", "sensitivity.replicates=3",
    "sensitivity.trajectories=4", "sensitivity.base_samples=16", "sensitivity.most=2", "workers=1",
    "progress=false",
]  # fmt: skip
FEW = ["factors.parameters.cohort_visibility=", "factors.parameters.prior_mean_log_return=",
       "factors.levers.cohort_size=5..40"]  # fmt: skip
SOME_FAIL = [*FEW[:2], "factors.levers.cohort_size=5..240", "sensitivity.trajectories=12"]  # of 200 firms


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
    work = Planted(trajectories(idle, asked(trajectories=300), 1), replicates=5, own_sd=4.0)
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


# --- what is varied by default -------------------------------------------------------------------


def test_all_unsure_parameters_that_are_read_are_varied_and_no_others() -> None:
    study = asked_of(load(["study=sensitivity", "parameters.cohort_visibility=0.5"]), SCENARIOS)
    names = {factor.key.removeprefix("parameters.") for factor in study.factors}
    assert {"mean_log_return", "required_confidence_median", "individual_advice_cost_mkrw"} <= names
    assert "cohort_visibility" not in names, "it is fixed"
    assert not names & {"threshold_mean", "cascade_probability"}, "of other rules"
    assert "round_table_share" in study.not_read
    assert all(factor.known.status in ("assumed", "calibrated") for factor in study.factors)
    assert not names & set(study.not_read)


def test_parameters_that_only_the_outcome_reads_are_varied_with_it() -> None:
    study = asked_of(load([*QUICK, "sensitivity.outcome=emissions_avoided_tco2_per_year"]), SCENARIOS)
    assert "parameters.energy_price_mkrw_per_toe" in {factor.key for factor in study.factors}
    assert "energy_price_mkrw_per_toe" in asked_of(load(QUICK), SCENARIOS).not_read


def test_an_instrument_that_is_enacted_brings_its_parameters() -> None:
    study = asked_of(load(["study=sensitivity", "instruments.round_table=0.5"]), SCENARIOS)
    names = {factor.key for factor in study.factors}
    assert "parameters.round_table_share" in names
    assert "parameters.product_service_fee_share" not in names


@pytest.mark.parametrize("outcome", ["additional_adopters", "emissions_avoided_tco2_per_year"])
def test_a_parameter_that_is_not_read_changes_nothing(outcome: str) -> None:
    study = asked_of(load([*QUICK, f"sensitivity.outcome={outcome}"]), SCENARIOS)
    experiment = study.base.ground.plan({}).experiment
    assert study.not_read
    values = []
    for end in ("low", "high"):
        moved = {name: getattr(BY_NAME[name], end) for name in study.not_read}
        there = experiment.with_parameters(Parameters({**experiment.parameters, **moved}))
        outcomes = run_batch(there, 0, 3, study.base.outcomes).outcomes
        values.append([found[outcome].tolist() for found in outcomes.values()])
    assert values[0] == values[1]
    assert np.ptp(values[0]) > 0


def test_the_factors_that_morris_finds_strongest_are_handed_on_to_sobol(tmp_path: Path) -> None:
    study = asked_of(load([*QUICK, *FEW]), SCENARIOS)
    result = run_sensitivity(study, tmp_path)
    screened, shares = result.stage("morris"), result.stage("sobol")
    assert screened is not None
    assert shares is not None
    stars = [i for i in screened.indices[result.main] if i.name == "mu_star"]
    strongest = sorted(stars, key=lambda i: -i.estimate)[:2]
    assert {f.key for f in shares.design.factors} == {study.factors[i.factor].key for i in strongest}
    assert [stage.method for stage in result.stages] == ["oat", "morris", "sobol"]


# --- from the command line -----------------------------------------------------------------------


def cpdiffusion(*words: str) -> int:
    return main([*QUICK, *words])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("command") / "s"
    assert cpdiffusion(*SOME_FAIL, f"out={out}") == 0
    return out


def test_the_folder_holds_indices_points_runs_figures_and_words(folder: Path) -> None:
    listed = {path.name for path in folder.iterdir()}
    assert listed == {
        "indices.csv", "points.parquet", "runs.parquet", "one_at_a_time.csv", "failed.csv", "summary.md",
        "manifest.json", "one_at_a_time.png", "morris.png", "sobol.png",
    }  # fmt: skip
    table = pd.read_csv(folder / "indices.csv")
    assert set(table.method) == {"oat", "morris", "sobol"}
    assert set(zip(table.quantity, table.scenario, strict=True)) == {
        ("difference", "cluster_25"), ("level", "individual"), ("level", "cluster_25"),
    }  # fmt: skip
    assert not (folder.parent / f".{folder.name}.unfinished").exists()


def test_every_run_is_kept_with_its_point(folder: Path) -> None:
    opened = open_results(folder)
    tidy = opened.tidy()
    failed = pd.read_csv(folder / "failed.csv")
    assert len(tidy) == (len(opened.points) - len(failed)) * 2 * 3
    assert set(opened.points.method) == {"oat", "morris", "sobol"}
    assert opened.points.point.tolist() == list(range(len(opened.points)))
    assert set(failed.point).isdisjoint(tidy.point)


def test_a_cohort_larger_than_the_region_is_told_and_costs_whole_samples(folder: Path) -> None:
    summary = (folder / "summary.md").read_text("utf-8")
    assert "cohort_size=240 is larger than the region (200 firms)" in summary
    assert "left out whole" in summary
    table = pd.read_csv(folder / "indices.csv")
    gone = table[(table["index"] == "groups_left_out") & (table.quantity == "difference")]
    assert (gone.set_index("method").estimate[["morris", "sobol"]] > 0).all()
    command = pd.read_csv(folder / "failed.csv").command[0]
    assert command.startswith("cpdiffusion study=compare")
    assert "levers.cohort_size=240" in command


def test_the_change_of_one_factor_is_that_of_a_comparison_of_the_same_replicates(folder: Path) -> None:
    """One at a time is paired with the default: the same seeds, the other value."""
    table = pd.read_csv(folder / "indices.csv")
    row = table[(table["index"] == "change") & (table.quantity == "difference") & (table["at"] == 5)]
    experiment = asked_of(load([*QUICK, *FEW]), SCENARIOS).base.ground
    levels = []
    for point in ({}, {"levers.cohort_size": 5}):
        found = run_batch(experiment.plan(point).experiment, 0, 3, ("additional_adopters",)).outcomes
        levels.append(found["cluster_25"]["additional_adopters"] - found["individual"]["additional_adopters"])
    assert row.estimate.item() == pytest.approx((levels[1] - levels[0]).mean())


def test_an_interrupted_study_goes_on_to_the_same_bytes(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*SOME_FAIL, "figures=false", f"out={tmp_path}/s"]
    written, write = [], Shards.write

    def interrupting(self: Shards, *chunk: object) -> None:
        write(self, *chunk)  # type: ignore[arg-type]
        written.append(self.folder.name)
        if written.count("morris") == 3 or written.count("sobol") == 2:
            monkeypatch.setattr(Shards, "write", write)
            raise KeyboardInterrupt

    monkeypatch.setattr(Shards, "write", interrupting)
    assert cpdiffusion(*words) == 130
    said = capsys.readouterr().err
    assert "are kept in" in said
    assert "the same command goes on" in said
    assert written[-1] == "morris"
    assert cpdiffusion(*words, "seed=2") == 2
    assert "seed: unfinished work was begun with 1" in capsys.readouterr().err
    assert cpdiffusion(*words) == 0
    for name in ("indices.csv", "runs.parquet", "points.parquet"):
        assert (tmp_path / "s" / name).read_bytes() == (folder / name).read_bytes(), name


def test_a_single_scenario_is_looked_at_by_its_level(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["scenarios=[cluster_25]", "sensitivity.method=sobol", "sensitivity.second_order=true"]
    assert cpdiffusion(*words, *FEW, f"out={tmp_path}/s") == 0
    assert "additional adopters (against no policy), cluster_25, depends most on" in capsys.readouterr().out
    table = pd.read_csv(tmp_path / "s" / "indices.csv")
    assert set(table.quantity) == {"level"}
    assert (table["index"] == "S2").sum() == 3


def test_where_the_screening_tells_nothing_the_summary_says_why_sobol_was_left_out(tmp_path: Path) -> None:
    """Of four trajectories so few are whole that none is told."""
    assert cpdiffusion(*SOME_FAIL, "sensitivity.trajectories=4", "figures=false", f"out={tmp_path}/s") == 0
    told = (tmp_path / "s" / "summary.md").read_text("utf-8")
    assert "no index is told from so few" in told
    assert "the screening handed on no factor, so Sobol's indices were not computed" in told


def test_a_dry_run_counts_the_points_that_are_run(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cpdiffusion(*SOME_FAIL, "sensitivity.dry_run=true", f"out={tmp_path}/s") == 0
    said = capsys.readouterr().out
    points = open_results(folder).points
    assert f"\n{len(points):,} points x 6 runs" in said
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["factors.parameters.cohort_visibilty="], "did you mean 'parameters.cohort_visibility'?"),
        (["factors.levers.cohort_size=60..5"], "is an empty range"),
        (["factors.levers.cohort_size=25"], "has a single value, so nothing can depend on it"),
        (["sensitivity.method=sobl"], "must be 'staged', 'oat', 'morris' or 'sobol'"),
        (["sensitivity.base_samples=100"], "must be a power of 2"),
        (["sensitivity.base_samples=8"], "must be greater than or equal to 16"),
        (["sensitivity.trajectories=3"], "must be greater than or equal to 4"),
        (["sensitivity.replicates=1"], "must be greater than or equal to 2"),
        (["sensitivity.outcome=adoptrs"], "must be an outcome; did you mean 'adopters'"),
        (["sensitivity.base_samples=1048576", "sensitivity.method=sobol"], "do not fit into memory"),
        (["parameters=posterior"], "draws no parameters from a posterior"),
    ],
)
def test_bad_input_is_one_sentence(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cpdiffusion(*words, f"out={tmp_path}/s") == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_without_salib_one_sentence_says_how_to_get_it_and_oat_still_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "SALib", None)
    assert cpdiffusion(*FEW, f"out={tmp_path}/s") == 2
    assert "pip install 'cpdiffusion[sweep]'" in capsys.readouterr().err
    assert cpdiffusion(*FEW, "sensitivity.method=oat", "figures=false", f"out={tmp_path}/s") == 0
    assert "moved one at a time" in capsys.readouterr().out


# --- words ---------------------------------------------------------------------------------------


def with_first(result: Sensitivity, estimate: float) -> Sensitivity:
    """The same result with another first index of the first factor."""
    stage = result.stages[-1]
    changed = {
        q: [i._replace(estimate=estimate) if i.name == "S1" and i.factor == 0 else i for i in found]
        for q, found in stage.indices.items()
    }
    return replace(result, stages=(*result.stages[:-1], replace(stage, indices=changed)))


def test_a_negative_share_is_shown_and_explained_in_words(tmp_path: Path) -> None:
    result = run_sensitivity(asked_of(load([*QUICK, *FEW]), SCENARIOS), tmp_path)
    told = summary(with_first(result, -0.0625), "cpdiffusion study=sensitivity", Path("r"))
    assert "-0.0625" in told
    assert "errors of estimation around a share that is zero or small" in told
    assert "sensitivity.base_samples=64" in told
