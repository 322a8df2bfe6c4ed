"""How many replicates are enough: known numbers, planted spreads, draws of a posterior, the command line."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cpdiffusion.cli import main
from cpdiffusion.config import folder_of, load
from cpdiffusion.factors.known import Values
from cpdiffusion.outcomes.catalogue import HEADLINE
from cpdiffusion.runner.shards import Shards
from cpdiffusion.studies.replicates.enough import (
    for_half_width,
    for_power,
    interval_half_width,
    power_of,
    running_sd,
    sd_at_most,
    stable_from,
)
from cpdiffusion.studies.replicates.study import Enough, draws_for, work_of
from cpdiffusion.studies.replicates.summary import answer, summary

SCENARIOS = folder_of("scenarios")
QUICK = [
    "study=replicates", "parameters.firms_per_region=200", "horizon_years=6", "replicates.at_most=60",
    "workers=1", "progress=false",
]  # fmt: skip


# --- numbers -------------------------------------------------------------------------------------


def test_the_running_spread_is_that_of_the_first_values() -> None:
    values = np.random.default_rng(1).normal(1e6, 3.0, 40)
    found = running_sd(values)
    assert math.isnan(found[0])
    assert found[1:] == pytest.approx([values[:n].std(ddof=1) for n in range(2, 41)])


def test_a_spread_is_stable_from_where_it_never_moves_again() -> None:
    running = np.array([np.nan, 3.0, 2.0, 1.3, 1.0, 1.03, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    assert stable_from(running) == 5
    late = running.copy()
    late[-1] = 1.2
    assert stable_from(late) is None


def test_a_spread_that_settles_in_the_second_half_is_not_called_stable() -> None:
    running = np.concatenate([np.linspace(3.0, 1.0, 60), np.ones(40)])
    assert stable_from(running) is None
    assert stable_from(np.concatenate([running, np.ones(100)])) in range(55, 61)


@pytest.mark.parametrize(
    ("effect", "power", "alpha", "number"),
    [(0.5, 0.80, 0.05, 34), (0.5, 0.95, 0.05, 54), (0.2, 0.80, 0.05, 199), (0.8, 0.95, 0.05, 23)],
)
def test_numbers_for_power_are_those_of_gpower(
    effect: float, power: float, alpha: float, number: int
) -> None:
    """G*Power 3.1, t tests, means: difference from constant (one sample), two-sided."""
    assert for_power(1.0, effect, power, alpha) == number
    assert for_power(10.0, 10.0 * effect, power, alpha) == number


def test_the_power_told_is_how_often_the_test_finds_the_difference() -> None:
    samples = np.random.default_rng(3).normal(0.6, 2.0, (4000, 45))
    found = stats.ttest_1samp(samples, 0.0, axis=1).pvalue < 0.10
    assert found.mean() == pytest.approx(power_of(45, 2.0, 0.6, 0.10), abs=0.02)


def test_power_is_smooth_where_the_normal_takes_over() -> None:
    below, above = power_of(5000, 30.0, 1.0, 0.05), power_of(5001, 30.0, 1.0, 0.05)
    assert below == pytest.approx(above, abs=1e-3)


def test_the_number_for_a_width_is_the_smallest_that_reaches_it() -> None:
    number = for_half_width(10.0, 2.0)
    assert number is not None
    assert interval_half_width(number, 10.0) <= 2.0 < interval_half_width(number - 1, 10.0)
    assert number == pytest.approx((1.645 * 10.0 / 2.0) ** 2, abs=3)


def test_nothing_is_told_where_no_number_would_be_enough() -> None:
    assert for_half_width(1e9, 1e-3) is None


def test_the_upper_end_of_a_spread_is_above_the_true_one_nineteen_times_in_twenty() -> None:
    samples = np.random.default_rng(5).normal(0.0, 2.0, (4000, 20)).std(axis=1, ddof=1)
    assert np.mean([sd_at_most(sd, 20) > 2.0 for sd in samples]) == pytest.approx(0.95, abs=0.015)


# --- planted spreads -----------------------------------------------------------------------------


def planted(mine: Values, base: Values, *words: str) -> Enough:
    settings = load([*QUICK, *words])
    return Enough(
        settings, work_of(settings, SCENARIOS), ("cluster_25", "individual"), {HEADLINE: (mine, base)}
    )


def test_what_pairing_is_worth_is_the_ratio_of_the_variances() -> None:
    rng, size = np.random.default_rng(2), 20_000
    shared, one, other = rng.normal(0, 3, size), rng.normal(0, 1, size), rng.normal(0, 1, size)
    found = planted(100 + 5 + shared + one, 100 + shared + other, "replicates.half_width=0.1").row()
    assert found["mean"] == pytest.approx(5.0, abs=0.05)
    assert found.sd == pytest.approx(math.sqrt(2.0), rel=0.02)
    assert found.unpaired_times == pytest.approx((9 + 1 + 9 + 1) / 2, rel=0.05)
    assert found.for_half_width_unpaired == pytest.approx(10 * found.for_half_width, rel=0.1)


def test_pairing_that_does_not_help_is_said_not_to() -> None:
    rng = np.random.default_rng(2)
    shared = rng.normal(0, 3, 400)
    assert "did not help" in answer(planted(100 + shared, 100 - shared))


def test_the_recommended_number_meets_width_power_and_stability() -> None:
    rng = np.random.default_rng(4)
    found = planted(rng.normal(30, 12, 3000), rng.normal(10, 9, 3000))
    row, number = found.row(), found.recommended
    assert number is not None
    assert number % 10 == 0
    assert number >= max(row.for_half_width_at_most, row.power_95_at_5, row.stable_from)
    assert number < 10 + max(row.for_half_width_at_most, row.power_95_at_5, row.stable_from)
    assert power_of(number, row.sd, 2.0, 0.05) >= 0.95


def in_draws(seeds: int, draws: int, sd_draw: float, sd_seed: float) -> tuple[Values, Values]:
    """Levels whose difference varies between draws and, under each, between seeds."""
    rng = np.random.default_rng(6)
    difference = np.repeat(rng.normal(20, sd_draw, draws), seeds) + rng.normal(0, sd_seed, draws * seeds)
    return 50 + difference, np.full(draws * seeds, 50.0)


def test_under_a_posterior_draws_are_counted_and_not_replicates() -> None:
    found = planted(*in_draws(4, 2000, 6.0, 3.0), "parameters=posterior", "posterior.seeds_per_draw=4")
    row = found.row()
    assert row.run == 2000
    assert row.sd == pytest.approx(math.sqrt(36 + 9 / 4), rel=0.05)
    told = answer(found)
    assert f"{found.recommended:,} draws of 4 replicates each" in told
    assert f"{4 * (found.recommended or 0):,} replicates in all" in told


def test_more_seeds_under_a_draw_take_away_luck_and_nothing_else() -> None:
    found = planted(*in_draws(4, 4000, 6.0, 3.0), "parameters=posterior", "posterior.seeds_per_draw=4")
    for seeds in (2, 8):
        wanted = for_half_width(math.sqrt(36 + 9 / seeds), 2.0)
        assert draws_for(found, seeds) == pytest.approx(wanted, rel=0.1)


def test_a_difference_that_never_varies_asks_for_nothing() -> None:
    found = planted(np.full(30, 12.0), np.full(30, 10.0))
    assert "does not vary" in answer(found)
    assert found.recommended is None
    assert "study=compare" in summary(found, "cpdiffusion study=replicates")


# --- from the command line -----------------------------------------------------------------------


def cpdiffusion(*words: str) -> int:
    return main([*QUICK, *words])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("command") / "r"
    assert cpdiffusion(f"out={out}", "replicates.half_width=3") == 0
    return out


def test_the_folder_holds_numbers_runs_a_figure_and_words(folder: Path) -> None:
    listed = {path.name for path in folder.iterdir()}
    assert listed == {"replicates.csv", "runs.parquet", "replicates.png", "summary.md", "manifest.json"}
    assert not (folder.parent / f".{folder.name}.unfinished").exists()


def test_the_numbers_are_those_of_the_runs_beside_them(folder: Path) -> None:
    runs = pd.read_parquet(folder / "runs.parquet").pivot(
        index="replicate", columns="scenario", values=HEADLINE
    )
    difference = runs.cluster_25 - runs.individual
    table = pd.read_csv(folder / "replicates.csv").set_index(["outcome", "quantity"])
    row = table.loc[(HEADLINE, "difference")]
    assert (row.run, row["mean"]) == (60, pytest.approx(difference.mean()))
    assert row.sd == pytest.approx(difference.std())
    assert row.asked == 3.0
    unpaired = runs.cluster_25.var() + runs.individual.var()
    assert row.unpaired_times == pytest.approx(unpaired / difference.var())


def test_other_outcomes_are_asked_for_to_the_same_share_of_their_level(folder: Path) -> None:
    table = pd.read_csv(folder / "replicates.csv").set_index(["outcome", "quantity"])
    shares = []
    for outcome in (HEADLINE, "total_benefit_mkrw"):
        levels = [table.loc[(outcome, f"level {name}"), "mean"] for name in ("individual", "cluster_25")]
        shares.append(table.loc[(outcome, "difference"), "asked"] / max(levels))
    assert shares[0] == pytest.approx(shares[1])


def test_a_comparison_with_the_number_for_the_width_is_as_narrow_as_asked(
    folder: Path, tmp_path: Path
) -> None:
    table = pd.read_csv(folder / "replicates.csv").set_index(["outcome", "quantity"])
    number = int(table.loc[(HEADLINE, "difference"), "for_half_width_at_most"])
    words = [f"replicates.at_least={number}", f"replicates.at_most={number}", "why=false", "turning=false"]
    assert main(["study=compare", *QUICK[1:], *words, "figures=false", f"out={tmp_path}/c"]) == 0
    found = pd.read_csv(tmp_path / "c" / "comparison.csv")
    row = found[(found.scenario == "cluster_25") & (found.outcome == HEADLINE)].iloc[0]
    assert row.replicates == number
    assert 0.5 * (row.difference_high - row.difference_low) <= 3.0 * 1.3  # the spread of few is itself unsure


def test_an_interrupted_study_goes_on_to_the_same_bytes(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import cpdiffusion.studies.replicate_work as works

    monkeypatch.setattr(works, "FIRMS_STACKED", 200 * 15)  # four blocks
    write = Shards.write

    def interrupting(self: Shards, *chunk: object) -> None:
        write(self, *chunk)  # type: ignore[arg-type]
        monkeypatch.setattr(Shards, "write", write)
        raise KeyboardInterrupt

    monkeypatch.setattr(Shards, "write", interrupting)
    words = ["replicates.half_width=3", "figures=false", f"out={tmp_path}/r"]
    assert cpdiffusion(*words) == 130
    assert "30 of 120 runs are kept" in capsys.readouterr().err
    assert cpdiffusion(*words) == 0
    assert (tmp_path / "r" / "replicates.csv").read_bytes() == (folder / "replicates.csv").read_bytes()


def test_a_posterior_is_drawn_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cpdiffusion("parameters=posterior", "figures=false", f"out={tmp_path}/r") == 0
    assert "draws of 4 replicates" in capsys.readouterr().out
    table = pd.read_csv(tmp_path / "r" / "replicates.csv")
    assert set(table.run) == {15}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["scenarios=[individual]"], "study=replicates compares two"),
        (["factors.levers.cohort_size="], "study=replicates looks at one point"),
        (["replicates.half_width=0"], "must be greater than 0"),
        (["replicates.at_most=1"], "must be greater than or equal to 2"),
        (["levers.cohort_size=300"], "larger than the region"),
    ],
)
def test_bad_input_is_one_sentence(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cpdiffusion(*words, f"out={tmp_path}/r") == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())
