"""A comparison over a posterior: read, resampled, run draw by draw, and split into what is not known
and what is chance."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import cpdiffusion as cpd
from cpdiffusion.calibration import posterior as posteriors
from cpdiffusion.calibration.posterior import Posterior, read_posterior, write_posterior
from cpdiffusion.cli import main
from cpdiffusion.config import load, validated
from cpdiffusion.errors import InputError
from cpdiffusion.outcomes.experiment import Experiment, run_batch, stretches_of_one_draw, values_of
from cpdiffusion.outcomes.noise import split_noise
from cpdiffusion.outcomes.paired import draw_means, mean_interval
from cpdiffusion.parameters import BY_NAME, parameters
from cpdiffusion.policy.design import design_of
from cpdiffusion.policy.levers import Levers
from cpdiffusion.studies import draws as study_draws
from cpdiffusion.studies.compare.by_measure import ALL
from cpdiffusion.world.world import Recipe

QUICK = [
    "parameters.firms_per_region=200", "replicates.at_least=20", "replicates.at_most=20",
    "horizon_years=6", "figures=false", "turning=false", "why=false", "progress=false",
]  # fmt: skip
MADE_BY = {"command": "cpdiffusion study=calibrate", "seed": 7, "table": "as_printed"}
SPREAD = {
    "mean_log_return": [1.3, 1.5, 1.7, 1.9, 2.0],
    "benefit_horizon_years": [5.0, 4.0, 3.0, 2.0, 1.5],
    "cohort_visibility": [0.2, 0.9, 0.5, 0.7, 0.4],
}


def made_up(
    columns: Mapping[str, list[float]],
    weights: list[float] | None = None,
    made_by: Mapping[str, Any] = MADE_BY,
) -> Posterior:
    values = np.array(list(columns.values()), dtype=float).T
    share = np.full(len(values), 1 / len(values)) if weights is None else np.array(weights)
    return Posterior(tuple(columns), values, share, made_by)


def written(folder: Path, posterior: Posterior, name: str = "p") -> Path:
    write_posterior(posterior, folder / f"{name}.parquet")
    return folder / f"{name}.parquet"


@pytest.fixture(scope="module")
def spread(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five draws of three parameters that matter."""
    return written(tmp_path_factory.mktemp("posterior"), made_up(SPREAD))


@pytest.fixture(scope="module")
def result(spread: Path) -> cpd.Comparison:
    """40 draws of them with 5 seeds each."""
    return cpd.compare(
        [*QUICK, f"parameters={spread}", "replicates.at_least=200", "replicates.at_most=200",
         "posterior.seeds_per_draw=5"]
    )  # fmt: skip


# --- the file ------------------------------------------------------------------------------------


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    posterior = made_up(SPREAD, [0.1, 0.2, 0.3, 0.4, 0.0], {**MADE_BY, "note": "울산"})
    found = read_posterior(written(tmp_path, posterior))
    assert found.names == posterior.names
    assert np.array_equal(found.values, posterior.values)
    assert np.array_equal(found.weights, posterior.weights)
    assert found.provenance == posterior.provenance
    assert [path.name for path in tmp_path.iterdir()] == ["p.parquet"]


def test_the_same_posterior_gives_the_same_bytes(tmp_path: Path) -> None:
    reversed_keys = dict(reversed(MADE_BY.items()))
    a = written(tmp_path, made_up(SPREAD), "a").read_bytes()
    assert a == written(tmp_path, made_up(SPREAD, made_by=reversed_keys), "b").read_bytes()
    assert a != written(tmp_path, made_up(SPREAD, [0.3, 0.1, 0.2, 0.2, 0.2]), "c").read_bytes()


def test_weights_that_are_counts_are_scaled(tmp_path: Path) -> None:
    found = read_posterior(written(tmp_path, made_up(SPREAD, [1, 2, 3, 4, 0])))
    assert found.weights == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.0])


def test_a_file_without_word_of_its_making_is_read(tmp_path: Path) -> None:
    pq.write_table(pa.table({"weight": [1, 1], "reveal_lag_quarters": [2, 4]}), tmp_path / "p.parquet")
    found = read_posterior(tmp_path / "p.parquet")
    assert (found.provenance, found.values.tolist()) == ({}, [[2.0], [4.0]])


GOOD: dict[str, list[Any]] = {"weight": [0.5, 0.5], "benefit_horizon_years": [2.0, 3.0]}


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"weight": [1.0], "benefit_horizon": [3.0]}, "did you mean 'benefit_horizon_years'?"),
        ({"benefit_horizon_years": [3.0]}, "has no column 'weight'"),
        ({"weight": [1.0]}, "has no column but 'weight'"),
        ({**GOOD, "weight": [1.5, -0.5]}, "row 2: the weight is -0.5"),
        ({**GOOD, "weight": [math.nan, 1.0]}, "row 1: the weight is nan"),
        ({**GOOD, "weight": [None, 1.0]}, "row 1: the weight is nan"),
        ({**GOOD, "weight": [math.inf, 1.0]}, "row 1: the weight is inf"),
        ({**GOOD, "weight": [0.0, 0.0]}, "the weights sum to 0"),
        ({**GOOD, "weight": ["a", "b"]}, "column 'weight' holds string values"),
        ({**GOOD, "benefit_horizon_years": [2.0, 31.0]}, "row 2: benefit_horizon_years=31 is impossible"),
        ({**GOOD, "benefit_horizon_years": [None, 3.0]}, "row 1: benefit_horizon_years=nan is impossible"),
        ({"weight": [1.0], "reveal_lag_quarters": [1.5]}, "in whole numbers"),
        ({name: pa.array([], pa.float64()) for name in GOOD}, "has no rows"),
    ],
)  # fmt: skip
def test_a_posterior_that_cannot_be_used_is_refused_in_a_sentence(
    columns: dict[str, Any], expected: str, tmp_path: Path
) -> None:
    pq.write_table(pa.table(columns), tmp_path / "mine.parquet")
    with pytest.raises(InputError, match=r"mine\.parquet") as refused:
        read_posterior(tmp_path / "mine.parquet")
    assert expected in str(refused.value)
    assert str(refused.value).endswith((".", "?"))


def test_a_column_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    table = pa.table([pa.array([1.0])] * 3, names=["weight", "mean_log_return", "mean_log_return"])
    pq.write_table(table, tmp_path / "p.parquet")
    with pytest.raises(InputError, match="is there twice"):
        read_posterior(tmp_path / "p.parquet")


@pytest.mark.parametrize("content", [b"", b"weight,mean_log_return\n1,1.5\n", b"PAR1" + b"\0" * 40])
def test_a_file_that_is_no_parquet_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "p.parquet").write_bytes(content)
    with pytest.raises(InputError, match=r"p\.parquet: is no Parquet file"):
        read_posterior(tmp_path / "p.parquet")


def test_metadata_that_is_no_json_is_refused(tmp_path: Path) -> None:
    table = pa.table(GOOD).replace_schema_metadata({b"cpdiffusion": b"by hand"})
    pq.write_table(table, tmp_path / "p.parquet")
    with pytest.raises(InputError, match="is no JSON object"):
        read_posterior(tmp_path / "p.parquet")


def test_a_file_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        write_posterior(made_up(SPREAD), tmp_path / "nowhere" / "p.parquet")


# --- resampling ----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("count", [1, 7, 40, 1001])
def test_each_row_is_drawn_as_often_as_its_weight_says_to_less_than_one(seed: int, count: int) -> None:
    weights = np.random.default_rng(seed).dirichlet(np.ones(13))
    weights[4] = 0.0
    weights /= weights.sum()
    posterior = made_up({"firms_per_region": list(range(200, 213))}, weights.tolist())
    drawn = [int(draw["firms_per_region"]) - 200 for draw in posterior.draws(count, seed)]
    times = np.bincount(drawn, minlength=13)
    assert times.sum() == count
    assert (np.abs(times - count * weights) < 1).all()
    assert times[4] == 0


def test_whatever_place_of_the_list_is_looked_at_every_row_has_its_weight() -> None:
    weights = [0.5, 0.3, 0.15, 0.05]
    posterior = made_up({"firms_per_region": [200, 201, 202, 203]}, weights)
    lists = [[draw["firms_per_region"] for draw in posterior.draws(12, seed)] for seed in range(4000)]
    for place in (0, 5, 11):
        share = np.bincount([int(drawn[place]) - 200 for drawn in lists]) / len(lists)
        assert share == pytest.approx(weights, abs=0.025)  # three standard errors


def test_a_seed_gives_one_list_and_another_seed_another() -> None:
    posterior = made_up(SPREAD)
    assert posterior.draws(40, 3) == posterior.draws(40, 3)
    assert posterior.draws(40, 3) != posterior.draws(40, 4)


def test_a_list_is_not_in_the_order_of_the_rows() -> None:
    drawn = [draw["mean_log_return"] for draw in made_up(SPREAD).draws(40, 1)]
    assert drawn != sorted(drawn)


# --- replicates under their own draws ------------------------------------------------------------


def small(**changes: Any) -> Experiment:
    alone = Levers(support="individual", budget_mkrw_per_year=300)
    together = Levers(support="cluster", cohort_size=5, budget_mkrw_per_year=300)
    designs = {"one": design_of(alone), "many": design_of(together)}
    fixed = parameters({"firms_per_region": 200})
    draws = made_up(SPREAD).draws(5, seed=3)
    return Experiment(
        Recipe(("ulsan",)), fixed, designs, 20, seed=1, **{"draws": draws, "seeds_per_draw": 3} | changes
    )


@pytest.mark.parametrize("redraw", [True, False])
def test_each_replicate_runs_as_if_its_draw_were_the_only_truth(redraw: bool) -> None:
    experiment = small(redraw_world=redraw)
    found = run_batch(experiment, 0, 15)
    adopters = []
    for k in range(15):
        draw = experiment.draws[k // 3]
        alone = small(draws=(), seeds_per_draw=1, redraw_world=redraw).with_parameters(
            parameters({"firms_per_region": 200, **draw}, beyond_range=True)
        )
        expected = run_batch(alone, k, 1)
        for name in experiment.designs:
            for outcome, values in expected.outcomes[name].items():
                np.testing.assert_equal(found.outcomes[name][outcome][k], values[0])
            assert np.array_equal(found.flows[name][k], expected.flows[name][0])
        adopters.append(expected.outcomes["one"]["adopters"][0])
    assert len(set(adopters)) > 3


def test_stretches_never_straddle_draws() -> None:
    assert [*stretches_of_one_draw(small(), 2, 9)] == [(2, 1), (3, 3), (6, 3), (9, 2)]
    assert [*stretches_of_one_draw(small(draws=(), seeds_per_draw=1), 2, 9)] == [(2, 9)]


def test_replicates_cut_into_any_stretches_are_the_same() -> None:
    whole = run_batch(small(), 0, 12)
    parts = [run_batch(small(), first, count) for first, count in ((0, 4), (4, 1), (5, 7))]
    for name in ("one", "many"):
        for outcome, values in whole.outcomes[name].items():
            np.testing.assert_equal(values, values_of(parts, name, outcome))


def test_draws_may_differ_in_the_number_of_firms() -> None:
    draws = made_up({"firms_per_region": [120.0, 260.0]}).draws(4, seed=1)
    found = run_batch(small(draws=draws), 0, 12)
    share = found.outcomes["one"]["adoption_share"] / found.outcomes["one"]["adopters"]
    expected = [1 / draw["firms_per_region"] for draw in draws for _ in range(3)]
    assert share == pytest.approx(expected)


def test_without_draws_an_experiment_is_itself_at_every_replicate() -> None:
    fixed = small(draws=(), seeds_per_draw=1)
    assert fixed.at(7) is fixed
    assert fixed.looks(3) == [(0, 3)]
    assert small().looks(3) == [(0, 1), (3, 1), (6, 1)]


def test_past_the_last_draw_the_first_follows() -> None:
    assert small().at(15).parameters == small().at(0).parameters


def test_a_posterior_of_the_registrys_own_values_gives_the_same_runs_byte_for_byte(tmp_path: Path) -> None:
    names = ("mean_log_return", "firm_log_return_sd", "benefit_horizon_years", "cohort_visibility")
    own = written(tmp_path, made_up({name: [parameters()[name]] for name in names}))
    for name, words in {"fixed": [], "drawn": [f"parameters={own}"]}.items():
        assert main([*QUICK, *words, f"out={tmp_path}/{name}"]) == 0
    for file in ("runs.parquet", "trajectories.parquet", "roi.csv"):
        assert (tmp_path / "fixed" / file).read_bytes() == (tmp_path / "drawn" / file).read_bytes()
    fixed, drawn = (pd.read_csv(tmp_path / name / "comparison.csv") for name in ("fixed", "drawn"))
    same = ["mean", "p05", "p50", "p95", "difference", "probability_better"]
    pd.testing.assert_frame_equal(fixed[same], drawn[same], rtol=1e-9)
    assert not (tmp_path / "fixed" / "noise.csv").exists()


def test_a_single_run_of_the_library_is_that_replicate_of_the_comparison(
    result: cpd.Comparison, spread: Path
) -> None:
    runs = result.runs.set_index(["scenario", "replicate"])
    for replicate in (0, 7):
        alone = cpd.simulate(result.settings, "cluster_25", replicate)
        assert alone.outcomes.adopters == runs.loc[("cluster_25", replicate), "adopters"]
        draws = result.draws
        assert draws is not None
        assert alone.run.parameters.mean_log_return == draws.mean_log_return[replicate // 5]


def test_a_mesa_model_runs_under_the_draw_of_its_replicate(result: cpd.Comparison) -> None:
    draws = result.draws
    assert draws is not None
    model = cpd.mesa_model(result.settings, "cluster_25", 7, collect=False)
    assert model.parameters.mean_log_return == draws.mean_log_return[7 // 5]
    assert model.parameters.firms_per_region == 200
    runs = result.runs.set_index(["scenario", "replicate"])
    for _ in range(24):
        model.step()
    assert model.adopters == runs.loc[("cluster_25", 7), "adopters"]


# --- what is not known, and what is chance -------------------------------------------------------


def planted(
    sd_parameters: float, sd_seeds: float, draws: int, seeds: int, rng: np.random.Generator, mean: float = 2.0
) -> np.ndarray:
    expected = mean + sd_parameters * rng.normal(size=(draws, 1))
    return (expected + sd_seeds * rng.normal(size=(draws, seeds))).ravel()


@pytest.mark.parametrize(("sd_parameters", "sd_seeds"), [(3.0, 1.0), (1.0, 3.0)])
def test_planted_parts_of_the_variance_are_recovered(sd_parameters: float, sd_seeds: float) -> None:
    rng = np.random.default_rng(5)
    found = [split_noise(planted(sd_parameters, sd_seeds, 60, 4, rng), 4) for _ in range(300)]
    assert np.mean([n.variance_parameters for n in found]) == pytest.approx(sd_parameters**2, rel=0.05)
    assert np.mean([n.variance_seeds for n in found]) == pytest.approx(sd_seeds**2, rel=0.05)
    assert found[0].share_parameters == pytest.approx(
        found[0].variance_parameters / (found[0].variance_parameters + found[0].variance_seeds)
    )


def test_parts_are_recovered_where_some_replicates_are_unknown() -> None:
    rng = np.random.default_rng(6)
    parts = []
    for _ in range(300):
        values = planted(2.0, 2.0, 60, 4, rng)
        values[rng.random(values.size) < 0.3] = math.nan
        found = split_noise(values, 4)
        parts.append((found.variance_parameters, found.variance_seeds))
    assert np.mean(parts, axis=0) == pytest.approx([4.0, 4.0], rel=0.06)


def test_nothing_is_put_down_to_parameters_when_all_draws_are_equal() -> None:
    rng = np.random.default_rng(7)
    found = [split_noise(planted(0.0, 2.0, 200, 4, rng), 4) for _ in range(100)]
    assert np.mean([n.share_parameters for n in found]) < 0.02
    assert min(n.share_parameters for n in found) == 0.0


@pytest.mark.parametrize("truth", [0.5, 0.8, 0.95])
@pytest.mark.parametrize("seeds", [2, 4])
def test_the_probability_is_that_of_the_expected_difference_not_of_noisy_means(
    truth: float, seeds: int
) -> None:
    from scipy.special import ndtri

    rng = np.random.default_rng(8)
    runs = [planted(1.0, 2.0, 400, seeds, rng, mean=float(ndtri(truth))) for _ in range(60)]
    found = np.mean([split_noise(run, seeds).probability_above_zero() for run in runs])
    noisy = np.mean([(draw_means(run, seeds) > 0).mean() for run in runs])
    assert found == pytest.approx(truth, abs=0.015)
    assert truth == 0.5 or abs(found - truth) < abs(noisy - truth) / 3


def test_a_small_difference_that_is_sure_stays_so_beside_large_ones_that_vary() -> None:
    """Luck grows with the difference, as it does in counts of firms; all expected differences are > 0."""
    rng = np.random.default_rng(9)
    expected = rng.lognormal(2.0, 1.0, (300, 1))
    runs = expected * (1 + 0.5 * rng.normal(size=(300, 4)))
    assert split_noise(runs.ravel(), 4).probability_above_zero() > 0.99


def test_the_range_of_the_expected_difference_is_narrower_than_that_of_draw_means() -> None:
    rng = np.random.default_rng(10)
    noise = split_noise(planted(2.0, 4.0, 2000, 4, rng), 4)
    low, high = np.quantile(noise.expected, (0.05, 0.95))
    assert (low, high) == pytest.approx((2 - 1.645 * 2, 2 + 1.645 * 2), abs=0.3)
    assert np.quantile(noise.means, 0.95) > high + 1.0


def test_no_difference_at_all_is_neither_better_nor_worse() -> None:
    nothing = split_noise(np.zeros(40), 4)
    assert nothing.probability_above_zero() == 0.5
    assert math.isnan(nothing.share_parameters)
    assert split_noise(np.ones(40), 4).probability_above_zero() == 1.0
    assert split_noise(-np.ones(40), 4).probability_above_zero() == 0.0


@pytest.mark.parametrize("values", [np.arange(4.0), np.full(12, math.nan), np.empty(0)])
def test_what_cannot_be_told_is_not_a_number(values: np.ndarray) -> None:
    found = split_noise(values, 4)
    assert math.isnan(found.variance_parameters)
    assert math.isnan(found.probability_above_zero())


def test_means_of_draws_leave_out_what_is_not_known() -> None:
    nan = math.nan
    assert draw_means(np.array([1.0, 3.0, nan, 5.0, nan, nan, 7.0]), 2) == pytest.approx(
        [2.0, 5.0, nan, 7.0], nan_ok=True
    )


def test_intervals_are_wider_than_if_replicates_were_independent(result: cpd.Comparison) -> None:
    row, runs = result.row("cluster_25"), result.runs.pivot(
        index="replicate", columns="scenario", values="additional_adopters"
    )  # fmt: skip
    difference = (runs.cluster_25 - runs.individual).to_numpy()
    naive, right = mean_interval(difference), mean_interval(difference.reshape(40, 5).mean(axis=1))
    assert (row.difference_low, row.difference_high) == pytest.approx((right.low, right.high))
    assert row.difference == pytest.approx(naive.estimate)
    assert right.half_width > 1.5 * naive.half_width


def test_intervals_of_ratios_rest_on_draws_too(result: cpd.Comparison) -> None:
    runs = result.runs.set_index(["scenario", "replicate"])
    sums = {
        name: runs.loc[name, ["public_money_mkrw", "additional_adopters"]].to_numpy().reshape(40, 5, 2).sum(1)
        for name in ("cluster_25", "individual")
    }

    def ratio(kept: np.ndarray) -> float:
        a, b = (sums[name][kept].sum(axis=0) for name in ("cluster_25", "individual"))
        return float(a[0] / a[1] - b[0] / b[1])

    without = np.array([ratio(np.arange(40) != k) for k in range(40)])
    error = math.sqrt(39 / 40 * ((without - without.mean()) ** 2).sum())
    row = result.row("cluster_25", "cost_per_additional_adopter_mkrw")
    assert row.difference == pytest.approx(ratio(np.arange(40) >= 0))
    assert row.difference_high - row.difference == pytest.approx(1.6849 * error, rel=1e-3)


def test_the_table_of_noise_holds_what_the_runs_say(result: cpd.Comparison) -> None:
    noise, table = result.noise, result.table
    assert noise is not None
    assert not noise.duplicated(["scenario", "baseline", "outcome"]).any()
    for outcome in ("additional_adopters", "accidents", "public_money_mkrw"):
        line = noise[noise.outcome == outcome].iloc[0]
        row = table[(table.scenario == "cluster_25") & (table.outcome == outcome)].iloc[0]
        assert line["mean"] == pytest.approx(row.difference)
        assert line.probability_better_in_a_region == pytest.approx(row.probability_better, nan_ok=True)
        assert (line.draws, line.seeds_per_draw) == (40, 5)
    more = noise[noise.outcome == "additional_adopters"].iloc[0]
    assert 0.2 < more.share_parameters < 1.0
    assert more.expected_p05 < more["mean"] < more.expected_p95
    assert math.isnan(noise[noise.outcome == "public_money_mkrw"].iloc[0].probability_better_on_average)


def test_less_is_better_where_the_outcome_says_so(result: cpd.Comparison) -> None:
    noise = result.noise
    assert noise is not None
    line = noise.set_index("outcome")
    assert line["mean"]["exports_at_risk_share"] < 0
    assert line.probability_better_on_average["exports_at_risk_share"] > 0.9
    assert line.probability_better_on_average["total_benefit_mkrw"] > 0.9


# --- the study -----------------------------------------------------------------------------------


def test_replicates_are_whole_draws_and_stop_by_the_interval_over_draws(spread: Path) -> None:
    words = [w for w in QUICK if "replicates" not in w]
    found = cpd.compare(
        [*words, f"parameters={spread}", "posterior.seeds_per_draw=3", "replicates.at_least=10",
         "replicates.at_most=2000", "replicates.half_width=4"]
    )  # fmt: skip
    assert found.reached
    assert 12 < found.replicates < 1998
    assert found.replicates % 3 == 0
    row = found.row("cluster_25")
    assert 0.5 * (row.difference_high - row.difference_low) <= 4


def test_the_bound_on_replicates_holds_whole_draws(spread: Path) -> None:
    words = ["replicates.at_least=50", "replicates.at_most=50", "posterior.seeds_per_draw=7"]
    found = cpd.compare([*QUICK, f"parameters={spread}", *words])
    assert found.replicates == 49
    assert found.draws is not None
    assert len(found.draws) == 7


@pytest.mark.parametrize("redraw", ["true", "false"])
def test_workers_do_not_matter(redraw: str, spread: Path, tmp_path: Path) -> None:
    words = [f"parameters={spread}", "why=true", "replicates.at_least=48", "replicates.at_most=48"]
    words += [f"world.redraw={redraw}"]
    for workers in (1, 3):
        assert main([*QUICK, *words, f"workers={workers}", f"out={tmp_path}/{workers}"]) == 0
    files = ("comparison.csv", "noise.csv", "draws.csv", "why.csv", "runs.parquet")
    one, three = ([(tmp_path / w / file).read_bytes() for file in files] for w in ("1", "3"))
    assert one == three


def test_the_command_line_works_end_to_end(
    spread: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep = [w for w in QUICK if not w.startswith(("figures", "why", "turning"))]
    words = [f"parameters={spread}", "scenarios=[individual,cluster_10,cluster_25]", "baseline=individual"]
    assert main([*keep, *words, "replicates.at_least=40", "replicates.at_most=40", f"out={tmp_path}/r"]) == 0
    said, out = capsys.readouterr().out, tmp_path / "r"
    assert "does better on average with probability" in said
    assert "of the spread of the difference between runs is what is not known about the parameters" in said
    assert "with the estimated numbers drawn at random, if the assumed ones hold" in said
    summary = (out / "summary.md").read_text(encoding="utf-8")
    assert summary.startswith(said.splitlines()[0])
    assert "made by `cpdiffusion study=calibrate`, seed 7, Table 4 as printed" in summary
    draws = pd.read_csv(out / "draws.csv")
    assert list(draws.columns) == ["draw", *SPREAD]
    different = len(draws.drop_duplicates([*SPREAD]))
    assert (
        f"40 replicates, 4 under each of 10 draws of the parameters ({different} different ones)" in summary
    )
    assert "with one of the other parameters at a time" in summary
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert list(manifest["inputs_sha256"]) == [str(spread)]
    assert manifest["posterior"] == {"parameters": list(SPREAD), "made_by": MADE_BY}
    assert not set(SPREAD) & set(manifest["parameters"])
    assert {"noise.csv", "draws.csv", "differences.png", "overview.png"} <= set(manifest["files"])
    assert len(draws) == 10


def test_one_scenario_alone_has_no_difference_to_split(
    spread: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*QUICK, f"parameters={spread}", "scenarios=individual", f"out={tmp_path}/r"]) == 0
    assert "with the estimated numbers drawn at random" in capsys.readouterr().out
    assert "made by `cpdiffusion study=calibrate`" in (tmp_path / "r" / "summary.md").read_text()
    assert (tmp_path / "r" / "draws.csv").exists()
    assert not (tmp_path / "r" / "noise.csv").exists()


def test_parameters_of_the_posterior_are_not_moved_to_see_what_turns_the_answer(spread: Path) -> None:
    words = [w for w in QUICK if w != "turning=false"]
    found = cpd.compare([*words, f"parameters={spread}", "parameters.cohort_visibility=0.6"]).turning
    assert found is not None
    moved = set(found.parameter)
    assert not {"mean_log_return", "benefit_horizon_years"} & moved
    assert "individual_advice_cost_mkrw" in moved
    line = found.set_index("parameter").loc["cohort_visibility"]  # fixed, so it may be moved
    assert line.default == 0.6


def test_shares_in_why_add_up_to_the_difference_over_the_same_draws(spread: Path) -> None:
    words = [w for w in QUICK if w != "why=false"]
    found = cpd.compare([*words, f"parameters={spread}"])
    why, row = found.why, found.row("cluster_25")
    assert why is not None
    assert why.replicates.unique().tolist() == [20]
    assert why.share.sum() == pytest.approx(row.difference)


def test_measures_are_told_under_the_draw_of_each_replicate(spread: Path) -> None:
    found = cpd.compare([*QUICK, f"parameters={spread}", "measures=catalogue"])
    table = found.measures
    assert table is not None
    for quantity in ("energy_saved_toe_per_year", "emissions_avoided_tco2_per_year"):
        for scenario in ("individual", "cluster_25"):
            rows = table[(table.scenario == scenario) & (table.quantity == quantity)].set_index("measure")
            assert rows.loc[ALL, "mean"] == pytest.approx(found.row(scenario, quantity)["mean"])
            assert rows.drop(ALL)["mean"].sum() == pytest.approx(rows.loc[ALL, "mean"])
    both = table[(table.scenario == "cluster_25") & (table.measure == ALL)].set_index("quantity")
    row = found.row("cluster_25", "energy_saved_toe_per_year")
    assert both.difference_low["energy_saved_toe_per_year"] == pytest.approx(row.difference_low)


# --- settings ------------------------------------------------------------------------------------


def test_a_value_fixed_beside_a_posterior_replaces_its_column_and_leaves_the_others(spread: Path) -> None:
    free, held = (
        cpd.compare([*QUICK, f"parameters={spread}", *words])
        for words in ([], ["parameters.benefit_horizon_years=3"])
    )
    assert free.draws is not None
    assert held.draws is not None
    assert "benefit_horizon_years" not in held.draws
    pd.testing.assert_frame_equal(free.draws.drop(columns="benefit_horizon_years"), held.draws)
    assert cpd.simulate(held.settings, replicate=9).run.parameters.benefit_horizon_years == 3
    assert not free.runs.equals(held.runs)


def test_the_order_of_fixed_values_and_posterior_does_not_matter(spread: Path) -> None:
    words = [f"parameters={spread}", "parameters.benefit_horizon_years=3"]
    assert load(words) == load(words[::-1])
    assert load(words).parameters == {"benefit_horizon_years": 3.0}


def test_the_short_form_is_the_long_one(spread: Path) -> None:
    assert load([f"parameters={spread}"]) == load([f"posterior.file={spread}"])
    assert load(["parameters=posterior"]).posterior.file == "shipped"
    content = load().model_dump()
    assert validated({**content, "parameters": "posterior"}) == load(["parameters=posterior"])
    assert validated({**content, "parameters": str(spread)}) == load([f"parameters={spread}"])


def test_without_a_shipped_posterior_a_sentence_says_how_to_make_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in (posteriors, study_draws):
        monkeypatch.setattr(module, "shipped_posterior", lambda: tmp_path / "posterior.parquet")
    assert main(["parameters=posterior", "progress=false", f"out={tmp_path}/r"]) == 2
    assert "make one with 'cpdiffusion study=calibrate'" in capsys.readouterr().err


def test_the_shipped_posterior_is_what_parameters_posterior_draws_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = written(tmp_path, made_up(SPREAD), "posterior")
    monkeypatch.setattr(study_draws, "shipped_posterior", lambda: shipped)
    found = cpd.compare([*QUICK, "parameters=posterior"])
    assert found.draws is not None
    assert list(found.draws.columns) == ["draw", *SPREAD]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["parameters=prior"], "parameters=prior: write parameters=posterior, parameters=<file>.parquet"),
        (["parameters={mean_log_return:1.5}"], "write parameters=posterior"),
        (["parameters=nowhere.parquet"], "nowhere.parquet: there is no such file"),
        (["posterior.file=mine.csv"], "must be 'shipped' or a file that ends in .parquet"),
        (["posterior.seeds_per_draw=1"], "posterior.seeds_per_draw=1: must be greater than or equal to 2"),
        (["posterior.seed=1"], "posterior.seed: there is no such setting"),
        (["parameters=SPREAD", "table=reconciled"], "was estimated from Table 4 as printed"),
        (["parameters=SPREAD", "replicates.at_most=7"], "set it to 8 or more"),
        (["parameters=SPREAD", "parameters.mean_log_return=9"], "outside its range"),
        (
            ["parameters=SPREAD", *(f"parameters.{name}={BY_NAME[name].low}" for name in SPREAD)],
            "every parameter in it is fixed",
        ),
    ],
)
def test_settings_that_cannot_be_meant_are_refused_in_a_sentence(
    words: list[str], expected: str, spread: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [word.replace("SPREAD", str(spread)) for word in words]
    assert main([*asked, "progress=false", f"out={tmp_path}/r"]) == 2
    said = capsys.readouterr().err
    assert expected in said
    assert said.count("\n") == 1
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize("study", ["simulate", "measures", "portfolio", "validate", "audit", "parameters"])
@pytest.mark.parametrize("given", ["posterior", "mine.parquet"])
def test_studies_that_do_not_draw_parameters_refuse_a_posterior(
    study: str, given: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([f"study={study}", f"parameters={given}", f"out={tmp_path}/r"]) == 2
    said = f"parameters={given}: study={study} draws no parameters from a posterior"
    assert said in capsys.readouterr().err


def test_a_draw_that_contradicts_itself_is_refused(tmp_path: Path) -> None:
    columns = {"hazard_medium_share": [0.3, 0.7], "hazard_high_share": [0.1, 0.6]}
    path = written(tmp_path, made_up(columns))
    with pytest.raises(InputError, match="add up to more than 1"):
        cpd.compare([*QUICK, f"parameters={path}"])


def test_a_design_that_cannot_work_under_some_draw_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, made_up({"firms_per_region": [400.0, 20.0]}))
    with pytest.raises(InputError, match=r"larger than the region \(20 firms\)"):
        cpd.compare([*QUICK[1:], f"parameters={path}"])
