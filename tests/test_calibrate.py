"""study=calibrate and study=recover: targets, simulated tables, what was learned, going on after a kill."""

from __future__ import annotations

import json
import math
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cpdiffusion.calibration import learned
from cpdiffusion.calibration.audited import shape_misfit
from cpdiffusion.calibration.learned import pair_table, source_table, verdict, weighted_quantiles
from cpdiffusion.calibration.observations import Sample, sample
from cpdiffusion.calibration.posterior import read_posterior, shipped_posterior
from cpdiffusion.calibration.priors import CALIBRATED, Prior, prior_of
from cpdiffusion.calibration.recovery import coverage_table, planted
from cpdiffusion.calibration.side_benefits import side_benefit_draws
from cpdiffusion.calibration.simulator import Simulator
from cpdiffusion.calibration.smc import Found
from cpdiffusion.calibration.tables import layout_of, simulated, table_errors, table_figures
from cpdiffusion.calibration.targets import Target, kept, log_likelihood, table_targets, targets_of
from cpdiffusion.cli import main
from cpdiffusion.config import load
from cpdiffusion.engine.state import Flow
from cpdiffusion.errors import InputError
from cpdiffusion.evidence.audits import audited
from cpdiffusion.evidence.moments import return_moments
from cpdiffusion.evidence.table4 import COLUMNS, RegionYear, table4
from cpdiffusion.parameters import parameters
from cpdiffusion.runner.unfinished import take_up
from cpdiffusion.studies.calibrate.study import problem_of, what_matters
from cpdiffusion.studies.words import percent

OWN = (
    "north,60,2010.1-2012.12,2010,10,40,1,0.5,41.5,4,4.2",
    "north,60,2010.1-2012.12,2011,12,70,1,,71,5.8,5.9",
    "north,60,2010.1-2012.12,2012,9,30,,0.2,30.2,3.3,3.4",
    "south,44,2011.1-2012.12,2011,8,44,2,,46,5.5,5.8",
    "south,44,2011.1-2012.12,2012,11,30,1,0.1,31.1,2.7,2.8",
)
QUICK = [
    "study=calibrate", "calibrate.population=12", "calibrate.firms_per_region=200", "calibrate.histories=2",
    "calibrate.parameters=[mean_log_return,act_anyway_probability]", "progress=false",
]  # fmt: skip


def own_table(folder: Path, rows: Sequence[str] = OWN) -> Path:
    path = folder / "own.csv"
    path.write_text("\n".join([",".join(COLUMNS), *rows]) + "\n", encoding="utf-8")
    return path


def simulator(rows: Sequence[RegionYear] = (), firms: int = 200, **fixed: float) -> Simulator:
    layout = layout_of(rows or table4())
    p = parameters({"firms_per_region": firms, **fixed}, beyond_range=True)
    return Simulator(layout, (0.0,) * len(layout.regions), p, seed=3, histories=2)


# --- the table, reported and simulated --------------------------------------------------------------


def test_the_layout_counts_years_from_a_regions_first_row() -> None:
    layout = layout_of(table4())
    assert len(layout.regions) == 7
    assert layout.years == 8
    ansan = [y for r, y in zip(layout.region_of, layout.year_of, strict=True) if layout.regions[r] == "ansan"]
    assert ansan == [0, 1, 2]


def test_the_figures_of_a_table_are_those_that_one_computes_by_hand() -> None:
    """Regions (1, 3) and (2, 4, 6) in log ROI against investments (0, 1) and (0, 1, 2): slope 2 within."""
    made = Sample(
        ("a", "b"), np.array([0, 0, 1, 1, 1]), np.array([1.0, 3, 2, 4, 6]), np.array([0.0, 1, 0, 1, 2])
    )
    assert table_figures(made) == pytest.approx({
        "mean_log_roi": 3.2, "within_region_sd": math.sqrt(10 / 3), "investment_slope": 2.0,
        "largest_over_median": 3.0,
    })  # fmt: skip
    errors = table_errors(made)
    assert errors["mean_log_roi"] == pytest.approx(math.sqrt(10 / 3 / 5))
    assert errors["investment_slope"] == pytest.approx(0.0, abs=1e-12)


def test_the_standard_errors_of_a_tables_figures_are_those_of_many_such_tables() -> None:
    generator, layout = np.random.default_rng(5), layout_of(table4())
    region_of = np.array(layout.region_of)

    def table() -> Sample:
        invested = generator.normal(0.0, 0.8, region_of.size)
        return Sample(
            layout.regions, region_of, 1.6 - 0.2 * invested + generator.normal(0, 0.5, 37), invested
        )

    figures = pd.DataFrame([table_figures(table()) for _ in range(1500)])
    errors = pd.DataFrame([table_errors(table()) for _ in range(200)]).mean()
    for name, tolerance in (("mean_log_roi", 0.1), ("within_region_sd", 0.1), ("investment_slope", 0.1)):
        assert errors[name] == pytest.approx(figures[name].std(), rel=tolerance), name
    assert errors["largest_over_median"] == pytest.approx(figures["largest_over_median"].std(), rel=0.35)


def test_a_simulated_table_holds_the_programmes_flows_of_each_region_year() -> None:
    layout = layout_of([row for row in table4() if row.region in ("daejeon", "gwangju")])
    flow = np.zeros((2, 20, len(Flow)))
    flow[0, :, Flow.PROGRAMME_INVESTMENT] = 1.0
    flow[0, 4:8, Flow.PROGRAMME_DIRECT] = 2.0
    flow[0, :4, Flow.PROGRAMME_DIRECT] = flow[0, 8:, Flow.PROGRAMME_DIRECT] = 5.0
    made = simulated(flow, layout)  # Gwangju's only year has no adopter
    assert made.log_roi == pytest.approx(np.log([5, 2, 5, 5, 5]))
    assert made.log_investment == pytest.approx([math.log(4)] * 5)
    assert made.counts.tolist() == [5.0, 0.0]


# --- targets ----------------------------------------------------------------------------------------


def test_inside_its_range_a_target_fits_and_outside_it_misses_by_tolerances() -> None:
    target = Target("t", "t", "", 1.0, 2.0, 0.5, "")
    assert [target.misfit(v) for v in (0.0, 1.0, 1.7, 2.0, 3.0)] == [2.0, 0.0, 0.0, 0.0, 2.0]
    assert target.misfit(math.nan) == math.inf
    other = replace(target, name="u", weight=0.25)
    assert log_likelihood([target, other], {"t": 3.0, "u": 3.0}) == pytest.approx(-0.5 * (4 + 0.25 * 4))
    assert log_likelihood([replace(target, weight=0.0)], {"t": math.nan}) == 0.0


def test_the_targets_of_table_4_are_its_figures() -> None:
    by_name = {target.name: target for target in targets_of(table4(), histories=4)}
    assert by_name["mean_log_roi"].low == pytest.approx(1.629, abs=5e-4)
    assert by_name["mean_log_roi"].tolerance == pytest.approx(
        0.5447 / math.sqrt(37) * math.sqrt(1.25), rel=1e-3
    )
    assert by_name["firms_per_region_year"].low == pytest.approx(22.75)
    assert by_name["investment_per_firm_mkrw"].low == pytest.approx(57220 / 851, rel=1e-3)
    assert all(target.source and target.tolerance > 0 for target in by_name.values())


def test_what_so_few_rows_cannot_tell_is_no_target() -> None:
    three = [row for row in table4() if row.region == "ansan"][:2]
    names = {target.name for target in table_targets(sample(three), "own")}
    assert names == {"mean_log_roi", "within_region_sd", "largest_over_median"}


def test_a_target_can_be_left_out_and_a_wrong_name_is_refused() -> None:
    targets = targets_of(table4())
    assert "audit_effect" not in {t.name for t in kept(targets, ["audit_effect"])}
    with pytest.raises(InputError, match=r"audit_efect is no target here; did you mean 'audit_effect'"):
        kept(targets, ["audit_efect"])
    with pytest.raises(InputError, match="leaves no target"):
        kept(targets, [t.name for t in targets])


# --- audits -----------------------------------------------------------------------------------------


def test_the_audit_data_are_the_nine_classes_up_to_five_years() -> None:
    classes = audited()
    assert len(classes) == 9
    assert sum(one.recommendations for one in classes) == 54_408
    assert classes[0].rate == pytest.approx(6847 / 11442)
    rates = [one.rate for one in classes]
    assert rates[:8] == sorted(rates[:8], reverse=True)


def test_a_curve_of_the_observed_shape_fits_whatever_its_level() -> None:
    rates, weights = np.array([0.6, 0.5, 0.42]), np.array([0.5, 0.3, 0.2])
    shares = (rates - 0.3) / 0.4
    assert shape_misfit(shares, rates, weights) == pytest.approx(0.0, abs=1e-9)
    flat = shape_misfit(np.full(3, 0.5), rates, weights)
    spread = math.sqrt(weights @ (rates - weights @ rates) ** 2)
    assert flat == pytest.approx(spread)
    assert shape_misfit(shares[::-1].copy(), rates, weights) == pytest.approx(spread)  # rising: the wrong way


def test_the_fitted_shares_of_plants_never_leave_what_is_possible() -> None:
    """Found by trying all pairs on a grid: no possible pair fits better, in random cases."""
    generator = np.random.default_rng(2)
    grid = [(a, w) for a in np.linspace(0, 1, 101) for w in np.linspace(0, 1, 101) if a + w <= 1.0 + 1e-12]
    for _ in range(60):
        shares, rates = np.sort(generator.random(5)), generator.random(5)
        weights = generator.dirichlet(np.ones(5))
        best = min(math.sqrt(weights @ (rates - a - w * shares) ** 2) for a, w in grid)
        assert shape_misfit(shares, rates, weights) == pytest.approx(best, abs=0.01)
        assert shape_misfit(shares, rates, weights) <= best + 1e-9


# --- the simulator ----------------------------------------------------------------------------------


def test_the_same_candidate_has_the_same_patterns_in_any_simulator() -> None:
    values = {"mean_log_return": 1.2, "act_anyway_probability": 0.003}
    one = simulator()
    assert one.patterns(values) == simulator().patterns(values)
    assert one.patterns({**values, "mean_log_return": 1.0}) != one.patterns(values)
    assert one.patterns(values) == one.patterns(values)


def test_candidates_share_the_world_that_their_parameters_do_not_shape() -> None:
    one = simulator()
    shaped = one.fixed_by_world()
    assert {"complex_degree", "firms_per_region", "sector_homophily"} <= shaped
    assert not shaped & set(CALIBRATED)


def test_patterns_move_with_the_parameters_that_they_are_to_inform() -> None:
    one = simulator(firms=300)
    base = one.patterns({})
    assert one.patterns({"act_anyway_probability": 0.02})["autonomous_share"] > base["autonomous_share"] + 0.1
    assert one.patterns({"mean_log_return": 2.4})["mean_log_roi"] > base["mean_log_roi"] + 0.3
    calmer = one.patterns({"region_year_log_return_sd": 0.05, "firm_log_return_sd": 0.4})
    assert calmer["within_region_sd"] < base["within_region_sd"] - 0.1
    assert (
        one.patterns({"cohort_cost_per_firm_mkrw": 24.0})["firms_per_region_year"]
        < base["firms_per_region_year"]
    )
    assert (
        one.patterns({"capital_need_mean_mkrw": 470.0})["investment_per_firm_mkrw"]
        > 1.5 * base["investment_per_firm_mkrw"]
    )
    assert one.patterns({"mean_log_return": -1.0})["audit_effect"] < base["audit_effect"] - 0.1
    deaf = one.patterns({"cohort_visibility": 0.0})["cohort_effect"]
    assert deaf < one.patterns({"cohort_visibility": 1.0, "cohort_noise_sd": 0.1})["cohort_effect"]


def test_selection_lifts_the_reported_return_above_that_of_all_firms() -> None:
    one = simulator(firms=300, investment_elasticity=0.0, skill_log_return_gain=0.0)
    values = {"mean_log_return": 1.0, "firm_log_return_sd": 0.8}
    firms_mean = 1.0 - 0.5 * 0.8**2
    assert one.patterns(values)["mean_log_roi"] > firms_mean + 0.3


def test_the_registrys_values_reproduce_what_table_4_reports() -> None:
    """Level, spread and investment of the reported table, from all parameters at their defaults."""
    rows = table4()
    layout, effects = layout_of(rows), return_moments(rows).region_effects
    p = parameters({"firms_per_region": 500})
    one = Simulator(layout, tuple(effects[name] for name in layout.regions), p, seed=1, histories=40)
    patterns = one.patterns({})
    for target in targets_of(rows, histories=40):
        if target.name in {"mean_log_roi", "within_region_sd", "investment_per_firm_mkrw"}:
            assert target.misfit(patterns[target.name]) < 0.7, target.name


# --- side benefits, fitted exactly ------------------------------------------------------------------


def test_the_exact_posterior_of_side_benefits_has_the_moments_of_the_textbook() -> None:
    rows, count = table4(), 40_000
    drawn = side_benefit_draws(rows, count, np.random.default_rng(1))
    ratios = np.array([row.environmental_mkrw / row.investment_mkrw for row in rows])
    logs = np.log(ratios[ratios > 0])
    n, zeros = logs.size, int((ratios == 0).sum())
    assert drawn["environmental_zero_share"].mean() == pytest.approx((1 + zeros) / (2 + 37), abs=0.003)
    assert drawn["environmental_log_ratio"].mean() == pytest.approx(logs.mean(), abs=0.01)
    student_sd = logs.std(ddof=1) / math.sqrt(n) * math.sqrt((n - 1) / (n - 3))
    assert drawn["environmental_log_ratio"].std() == pytest.approx(student_sd, rel=0.03)
    assert (drawn["environmental_log_ratio_sd"] ** 2).mean() == pytest.approx(
        logs.var(ddof=1) * (n - 1) / (n - 3), rel=0.03
    )


def test_a_benefit_that_hardly_ever_occurs_is_not_estimated() -> None:
    rows = [replace(row, environmental_mkrw=0.0) for row in table4()]
    assert {name.partition("_")[0] for name in side_benefit_draws(rows, 5, np.random.default_rng(1))} == {
        "indirect"
    }


# --- what was learned ------------------------------------------------------------------------------


def linear_found(slopes: np.ndarray, tolerance: float, size: int = 4000) -> tuple[Found, Prior, list[Target]]:
    """Draws of scores with patterns that are exactly linear in them."""
    scores = np.random.default_rng(4).standard_normal((size, slopes.shape[1]))
    names = ("mean_log_return", "firm_log_return_sd", "benefit_horizon_years")[: slopes.shape[1]]
    patterns = pd.DataFrame(scores @ slopes.T, columns=[f"t{k}" for k in range(len(slopes))])
    targets = [Target(f"t{k}", "", "", 0.0, 0.0, tolerance, "") for k in range(len(slopes))]
    found = Found(scores, scores, np.full(size, 1 / size), patterns, pd.DataFrame({"evaluated": [size]}))
    return found, prior_of(names), targets


def test_what_a_target_teaches_is_that_of_normal_algebra() -> None:
    """A target of slope 2 and tolerance 0.5 leaves 1 / sqrt(1 + 16) of one prior and all of the other."""
    found, prior, targets = linear_found(np.array([[2.0, 0.0], [0.0, 1.0]]), 0.5)
    table = source_table(found, prior, targets).set_index(["parameter", "target"])
    assert table.kept_by_it_alone["mean_log_return", "t0"] == pytest.approx(1 / math.sqrt(17))
    assert table.kept_by_it_alone["firm_log_return_sd", "t0"] == pytest.approx(1.0)
    assert table.widening_without["mean_log_return", "t0"] == pytest.approx(math.sqrt(17))
    assert table.widening_without["mean_log_return", "t1"] == pytest.approx(1.0)


def test_two_parameters_that_only_their_sum_shows_are_told_as_a_trade_off() -> None:
    found, prior, _ = linear_found(np.eye(2), 1.0)
    weights = np.exp(-0.5 * ((found.scores.sum(axis=1)) / 0.1) ** 2)
    pairs = pair_table(replace(found, weights=weights / weights.sum()), prior)
    assert pairs.correlation[0] < -0.95


def test_weighted_quantiles_lie_between_the_middles_of_the_values_weights() -> None:
    """Sorted: 1 with half the weight (middle at 0.25), 2 (middle at 0.65), 3 (middle at 0.9)."""
    values, weights = np.array([3.0, 1.0, 2.0]), np.array([0.2, 0.5, 0.3])
    found = weighted_quantiles(values, weights, (0.1, 0.25, 0.45, 0.65, 0.95))
    assert found == pytest.approx([1.0, 1.0, 1.5, 2.0, 3.0])


@pytest.mark.parametrize(
    ("kept_of_prior", "effective", "said"),
    [
        (0.2, 400, "learned from the data"),
        (0.7, 400, "partly"),
        (0.95, 400, "assumed"),
        (0.1, 5, "not known"),
    ],
)
def test_the_verdict_follows_from_the_width_that_is_left(
    kept_of_prior: float, effective: float, said: str
) -> None:
    assert verdict(kept_of_prior, effective) == said


def test_the_prior_is_uniform_over_its_range() -> None:
    prior, generator = prior_of(("benefit_horizon_years",)), np.random.default_rng(1)
    drawn = np.array([prior.draw(generator)["benefit_horizon_years"] for _ in range(4000)])
    assert 1.0 <= drawn.min() < 1.01
    assert 4.99 < drawn.max() <= 5.0
    assert np.histogram(drawn, 4, (1.0, 5.0))[0] == pytest.approx([1000] * 4, abs=120)


# --- plantings -------------------------------------------------------------------------------------


def test_a_planting_is_seen_through_one_table_of_its_own_world() -> None:
    problem = problem_of(load(["study=recover", "calibrate.firms_per_region=200", "calibrate.histories=2"]))
    one, again, other = planted(problem, 0, 7), planted(problem, 0, 7), planted(problem, 1, 7)
    assert one == again
    assert one.truth != other.truth
    assert {t.name for t in one.targets} <= {t.name for t in problem.targets}
    assert all(t.low == t.high for t in one.targets)


def test_coverage_counts_truths_inside_the_central_intervals() -> None:
    rows = pd.DataFrame({
        "planting": [0, 1, 2, 3], "parameter": "a", "truth": [0.0, 0, 0, 0], "mean": [1.0, -1, 1, -1],
        "sd": 0.5, "kept_of_prior": 0.25, "below_truth": 0.0, "covered50": [True, False, False, False],
        "covered90": [True, True, True, False],
    })  # fmt: skip
    table = coverage_table(rows).set_index("parameter")
    assert table.loc["a", ["coverage50", "coverage90", "error"]].tolist() == [0.25, 0.75, 0.5]
    assert table.loc["all", "plantings"] == 4


# --- the command -----------------------------------------------------------------------------------


def calibrate(folder: Path, name: str, *more: str) -> Path:
    out = folder / name
    words = [*QUICK, f"results={own_table(folder)}", f"out={out}", *more]
    assert main(words) == 0
    return out


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An uninterrupted calibration to a small table of one's own, by one process."""
    return calibrate(
        tmp_path_factory.mktemp("calibrate"), "r", "workers=1", "calibrate.leave_out=[audit_misfit]"
    )


def test_a_calibration_writes_its_posterior_and_says_what_was_learned(whole: Path) -> None:
    posterior = read_posterior(whole / "posterior.parquet")
    assert posterior.names[:2] == ("mean_log_return", "act_anyway_probability")
    assert "indirect_log_ratio" in posterior.names
    assert posterior.weights.sum() == pytest.approx(1.0)
    assert posterior.provenance["table"] == "own.csv"
    fits = pd.read_csv(whole / "fits.csv").set_index("target")
    assert not fits.used["audit_misfit"]
    assert fits.used["audit_effect"]
    said = (whole / "summary.md").read_text(encoding="utf-8")
    assert "Too few candidates were accepted to say what was learned" in said  # twelve are too few to tell
    assert "(left out)" in said
    assert {p.name for p in whole.glob("*.png")} == {"learned.png", "fits.png", "pairs.png", "sources.png"}
    assert not list(whole.parent.glob(".r.unfinished"))
    manifest = json.loads((whole / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["calibrated"] == ["mean_log_return", "act_anyway_probability"]


def test_a_posterior_of_ones_own_carries_a_comparison(whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "c"
    words = [
        f"parameters={whole / 'posterior.parquet'}", "parameters.firms_per_region=200",
        "replicates.at_least=8", "replicates.at_most=8", "horizon_years=6", "why=false", "turning=false",
        "figures=false", "progress=false",
    ]  # fmt: skip
    assert main([*words, f"out={out}"]) == 0
    assert (out / "noise.csv").exists()


def test_a_killed_calibration_goes_on_and_ends_with_the_same_bytes(whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "r"
    words = [
        *QUICK,
        f"results={own_table(tmp_path)}",
        f"out={out}",
        "workers=1",
        "calibrate.leave_out=[audit_misfit]",
    ]
    command = [sys.executable, "-m", "cpdiffusion", *words]
    history = tmp_path / ".r.unfinished" / "history.db"
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while generations(history) < 3 and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not out.exists()
    assert 1 <= generations(history) < 7
    assert main(words) == 0
    one, other = (read_posterior(p / "posterior.parquet") for p in (whole, out))
    assert np.array_equal(one.values, other.values)
    assert np.array_equal(one.weights, other.weights)
    for name in ("parameters", "fits", "pairs", "sources", "generations"):
        assert (whole / f"{name}.csv").read_bytes() == (out / f"{name}.csv").read_bytes(), name


def generations(history: Path) -> int:
    """Whole generations in a history that another process may be writing."""
    try:
        with sqlite3.connect(f"file:{history}?mode=ro", uri=True) as base:
            return int(base.execute("select count(*) from populations where t >= 0").fetchone()[0])
    except sqlite3.Error:
        return 0


def test_unfinished_work_is_not_finished_under_another_setting(tmp_path: Path) -> None:
    out = tmp_path / "r"
    take_up(out, {"seed": 1, "code": "abc"})
    take_up(out, {"seed": 1, "code": "abc"})
    with pytest.raises(
        InputError, match=r"seed: unfinished work was begun with 1 and is now asked for with 2"
    ):
        take_up(out, {"seed": 2, "code": "abc"})
    with pytest.raises(InputError, match="code: unfinished work was begun with"):
        take_up(out, {"seed": 1, "code": "abd"})


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["calibrate.parameters=[mean_log_retrun]"], "did you mean 'mean_log_return'"),
        (["calibrate.parameters=[reveal_lag_quarters]"], "counts whole quarters"),
        (["calibrate.parameters=[complex_degree]"], "shapes the network that all candidates share"),
        (["calibrate.parameters=[]"], "calibrate.parameters"),
        (["calibrate.leave_out=[audits]"], "is no target here"),
        (["parameters.mean_log_return=1.5"], "is calibrated and cannot be fixed too"),
        (["calibrate.population=5"], "calibrate.population"),
    ],
)
def test_a_wrong_question_costs_one_sentence_and_leaves_nothing(
    words: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = ["study=calibrate", "calibrate.firms_per_region=200", f"out={tmp_path / 'r'}", "progress=false"]
    assert main([*base, *words]) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1
    assert os.listdir(tmp_path) == []


def test_one_region_only_is_fitted_as_far_as_it_goes(tmp_path: Path) -> None:
    table = own_table(tmp_path, [row for row in OWN if row.startswith("north")])
    out = tmp_path / "r"
    assert main([*QUICK, f"results={table}", f"out={out}", "workers=1", "figures=false"]) == 0
    assert "investment_slope" in pd.read_csv(out / "fits.csv").target.tolist()
    said = (out / "summary.md").read_text(encoding="utf-8")
    assert "how regions differ cannot be estimated" in said
    assert "So few rows cannot tell" not in said


def test_a_summary_names_what_two_rows_cannot_tell(whole: Path, tmp_path: Path) -> None:
    table = own_table(tmp_path, [OWN[0], OWN[1], OWN[3]])  # one region with two rows, one with one
    out = tmp_path / "r"
    assert main([*QUICK, f"results={table}", f"out={out}", "workers=1", "figures=false"]) == 0
    said = (out / "summary.md").read_text(encoding="utf-8")
    assert "So few rows cannot tell: slope of log ROI on log investment within regions." in said
    assert "how regions differ cannot be estimated" not in said
    assert "So few rows" not in (whole / "summary.md").read_text(encoding="utf-8")


def test_planted_parameters_are_recovered_by_the_command(tmp_path: Path) -> None:
    out = tmp_path / "r"
    words = [
        *QUICK[1:],
        "study=recover",
        "calibrate.plantings=2",
        f"results={own_table(tmp_path)}",
        "workers=1",
    ]
    assert main([*words, f"out={out}"]) == 0
    rows = pd.read_csv(out / "recovery.csv")
    assert rows.groupby("parameter").planting.nunique().tolist() == [2, 2]
    assert rows.below_truth.between(0.0, 1.0).all()
    assert "In 2 plantings the 90 % intervals" in (out / "summary.md").read_text(encoding="utf-8").replace(
        "90%", "90 %"
    )


def test_the_bounds_of_the_verdict_are_those_that_the_summary_prints(whole: Path) -> None:
    said = (whole / "summary.md").read_text(encoding="utf-8")
    assert (
        f"up to {percent(learned.LEARNED)} counts as learned, up to {percent(learned.PARTLY)} as partly"
        in said
    )


# --- the posterior that comes with the package -------------------------------------------------------


def test_the_posterior_that_is_shipped_says_how_it_was_made() -> None:
    posterior = read_posterior(shipped_posterior())
    made = posterior.provenance
    assert posterior.names[: len(CALIBRATED)] == CALIBRATED
    assert made["command"] == "cpdiffusion study=calibrate"
    assert (made["seed"], made["table"], made["fixed"]) == (1, "as_printed", {})
    assert {"python", "numpy", "numba", "pyabc"} <= set(made["versions"])
    assert made["targets"] == [target.name for target in targets_of(table4())]
    assert 1.0 / (posterior.weights**2).sum() > learned.LEAST_EFFECTIVE


def test_the_posterior_that_is_shipped_meets_the_reported_return_in_the_model_of_today() -> None:
    """Weighted over some of its draws, simulated anew: if the model changes, calibrate again."""
    posterior, problem = read_posterior(shipped_posterior()), problem_of(load(["study=calibrate"]))
    drawn = [dict(zip(CALIBRATED, map(draw.get, CALIBRATED), strict=True)) for draw in posterior.draws(40, 1)]
    found = pd.DataFrame([problem.simulator.patterns(draw) for draw in drawn]).mean()  # type: ignore[arg-type]
    for target in problem.targets:
        assert target.misfit(float(found[target.name])) < 2.5, target.name
    assert found["mean_log_roi"] == pytest.approx(1.63, abs=0.1)


def test_where_a_calibration_goes_is_no_part_of_how_its_posterior_was_made() -> None:
    said = what_matters("cpdiffusion study=calibrate out='my results' workers=2 overwrite=true seed=3")
    assert said == "cpdiffusion study=calibrate seed=3"
