"""The headline finding: the best cohort size, what the difference depends on, equal money, files, words."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import cpdiffusion as cpd
from cpdiffusion.calibration import posterior as posterior_room
from cpdiffusion.calibration.posterior import Posterior, write_posterior
from cpdiffusion.cli import main
from cpdiffusion.config import load
from cpdiffusion.errors import InputError
from cpdiffusion.outcomes.best_size import best_places, curves_of, map_between, regrets, unevenness
from cpdiffusion.outcomes.catalogue import HEADLINE, Values
from cpdiffusion.outcomes.depends import Regression, regression
from cpdiffusion.plots import cohort_sizes, depends
from cpdiffusion.plots.save import figure
from cpdiffusion.policy.programme import advice_costs
from cpdiffusion.studies import draws
from cpdiffusion.studies.headline.sizes import of_size
from cpdiffusion.studies.headline.study import Headline
from cpdiffusion.studies.headline.summary import as_good, finding, span, summary
from cpdiffusion.studies.words import amount
from test_plots import by_gid, visible_texts

SIZES = (2, 3, 4, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60)
PLACE = np.log(SIZES)
EACH = 4  # seeds per draw


# --- planted curves ------------------------------------------------------------------------------


def bump(peak: Values, height: Values | float = 30.0) -> Values:
    """Difference over size under each draw (draws, sizes), highest at ``peak`` (draws,)."""
    return np.asarray(height)[..., None] * np.exp(-0.5 * ((PLACE - np.log(peak)[:, None]) / 1.2) ** 2)


def runs_of(curves: Values, luck: float, generator: np.random.Generator) -> Values:
    """Replicates (K, sizes): luck of their own at each size and luck that all sizes share."""
    shape = (len(curves), EACH)
    noise = generator.standard_normal((*shape, len(SIZES))) + 1.5 * generator.standard_normal((*shape, 1))
    return (curves[:, None] + luck * noise).reshape(-1, len(SIZES))


def means_of(runs: Values) -> Values:
    return runs.reshape(-1, EACH, len(SIZES)).mean(axis=1)


def share_best(curves: Values) -> Values:
    return np.bincount(best_places(curves), minlength=len(SIZES)) / len(curves)


def test_a_planted_best_size_is_found_where_luck_makes_the_means_jump() -> None:
    runs = runs_of(bump(np.full(120, 12.0)), 3.0, np.random.default_rng(1))
    assert share_best(means_of(runs))[SIZES.index(12)] < 0.7  # the control: means as they are
    found = curves_of(runs, SIZES, EACH)
    assert share_best(found)[SIZES.index(12)] > 0.85
    assert np.median(best_places(found)) == SIZES.index(12)


@pytest.mark.parametrize(("peak", "end"), [(1.0, 0), (150.0, -1)])
def test_a_planted_best_size_at_an_end_of_those_tried_is_found_there(peak: float, end: int) -> None:
    runs = runs_of(bump(np.full(100, peak)), 3.0, np.random.default_rng(2))
    assert share_best(curves_of(runs, SIZES, EACH))[end] == 1.0


def test_best_sizes_that_differ_between_draws_spread_as_they_were_planted() -> None:
    generator = np.random.default_rng(3)
    spread_of = []
    for _ in range(5):
        planted = bump(np.exp(generator.normal(np.log(13), 0.5, 150)), generator.uniform(10, 60, 150))
        runs = runs_of(planted, 6.0, generator)
        ways = (planted, curves_of(runs, SIZES, EACH), means_of(runs))
        spread_of.append([PLACE[best_places(way)].std() for way in ways])
    truth, found, as_they_are = np.mean(spread_of, axis=0)
    assert abs(found - truth) < 0.04
    assert as_they_are - truth > 0.04  # the control


def test_half_of_the_draws_at_each_end_stay_there() -> None:
    peaks = np.where(np.arange(100) % 2, 1.0, 150.0)
    best = share_best(curves_of(runs_of(bump(peaks), 3.0, np.random.default_rng(4)), SIZES, EACH))
    assert (best[0], best[-1]) == (0.5, 0.5)


def test_regret_is_not_made_of_luck() -> None:
    flat = runs_of(np.zeros((150, len(SIZES))), 6.0, np.random.default_rng(5))
    place = SIZES.index(25)
    assert regrets(means_of(flat))[:, place].mean() > 3.0  # the control: the luckiest of 14
    assert regrets(curves_of(flat, SIZES, EACH))[:, place].mean() < 1.2
    planted = bump(np.full(150, 12.0))
    found = regrets(curves_of(runs_of(planted, 6.0, np.random.default_rng(6)), SIZES, EACH))
    assert found[:, place].mean() == pytest.approx(regrets(planted)[:, place].mean(), abs=0.8)


def test_without_luck_curves_that_the_orders_hold_come_back_as_they_were() -> None:
    generator = np.random.default_rng(7)
    curves = generator.normal(size=(30, 4)) @ np.vander(PLACE, 4).T
    found = curves_of(np.repeat(curves, EACH, axis=0), SIZES, EACH)
    assert found == pytest.approx(curves, abs=1e-6 * np.abs(curves).max())


def test_what_whole_cohorts_do_to_single_sizes_is_told_and_decides_nothing() -> None:
    bumpy = bump(np.full(60, 25.0))
    bumpy[:, SIZES.index(40)] += 3.0
    runs = runs_of(bumpy, 0.01, np.random.default_rng(8))
    assert set(best_places(means_of(runs))) == {SIZES.index(40)}  # the control
    assert SIZES.index(40) not in best_places(curves_of(runs, SIZES, EACH))
    assert 0.3 < unevenness(runs, SIZES) < 1.0
    assert unevenness(runs_of(bump(np.full(60, 25.0)), 0.01, np.random.default_rng(8)), SIZES) < 0.3


def test_two_sizes_are_enough() -> None:
    runs = np.repeat([[1.0, 3.0], [2.0, 5.0], [4.0, 3.5]], EACH, axis=0)
    assert best_places(curves_of(runs, (5, 25), EACH)).tolist() == [1, 1, 0]


def test_the_map_between_covariances_is_the_root_of_the_shrinkage_for_one_number() -> None:
    assert map_between(np.array([[5.0]]), np.array([[2.0]]))[0, 0] == pytest.approx(np.sqrt(2 / 5))
    a, b = np.array([[4.0, 1.0], [1.0, 2.0]]), np.array([[1.0, 0.3], [0.3, 0.2]])
    moved = map_between(a, b)
    assert moved @ a @ moved.T == pytest.approx(b)
    assert moved == pytest.approx(moved.T)
    assert not map_between(a, np.zeros((2, 2))).any()


# --- what the difference depends on --------------------------------------------------------------


def planted_regression(luck: float, draws: int = 150) -> Regression:
    """Difference 20 + 3 x - 1 y + 0 z with x and y correlated."""
    generator = np.random.default_rng(9)
    x, z, rest = generator.standard_normal((3, draws))
    drawn = np.column_stack([x, 0.6 * x + 0.8 * rest, 10 + 5 * z])
    result = 20 + 3 * drawn[:, 0] - drawn[:, 1] + np.sqrt(luck) * generator.standard_normal(draws)
    found = regression(drawn, result, luck)
    assert found is not None
    return found


def test_planted_slopes_and_shares_are_found() -> None:
    found = planted_regression(1.0)
    for one, slope in zip(found.parameters, (3.0, -1.0, 0.0), strict=True):
        assert one.per_sd.estimate == pytest.approx(slope, abs=0.35)
        assert 0.05 < one.per_sd.half_width < 0.35
    assert found.share == pytest.approx(1.0, abs=0.1)  # luck is not laid to the parameters
    x, y, z = found.parameters
    assert x.share.estimate > 0.8
    assert not z.share.excludes_zero
    assert x.at_low.estimate < 20 < x.at_high.estimate
    assert y.at_low.estimate > 20 > y.at_high.estimate


def test_shares_of_uncorrelated_parameters_are_squared_correlations() -> None:
    drawn = np.array([[a, b] for a in (-1.0, 0.0, 1.0) for b in (-1.0, 0.0, 1.0)])
    found = regression(drawn, 4 * drawn[:, 0] + 3 * drawn[:, 1], 0.0)
    assert found is not None
    assert [p.share.estimate for p in found.parameters] == pytest.approx([16 / 25, 9 / 25])
    spread = drawn[:, 0].std(ddof=1)
    assert [p.per_sd.estimate for p in found.parameters] == pytest.approx([4 * spread, 3 * spread])


def test_intervals_of_slopes_cover_as_they_promise() -> None:
    generator, covered = np.random.default_rng(10), []
    for _ in range(200):
        drawn = generator.standard_normal((40, 2))
        found = regression(drawn, drawn @ [1.0, 0.0] + generator.standard_normal(40), 1.0)
        assert found is not None
        sd = drawn.std(axis=0, ddof=1)
        for one, slope in zip(found.parameters, (1.0 * sd[0], 0.0), strict=True):
            covered.append(one.per_sd.low < slope < one.per_sd.high)
    assert 0.85 < np.mean(covered) < 0.96


def test_too_few_different_draws_are_not_regressed_on() -> None:
    generator = np.random.default_rng(11)
    rows = generator.standard_normal((7, 3))
    assert regression(np.repeat(rows, 10, axis=0), generator.standard_normal(70), 0.0) is None
    rows = generator.standard_normal((8, 3))
    assert regression(np.repeat(rows, 10, axis=0), generator.standard_normal(80), 0.0) is not None


def test_draws_that_repeat_do_not_make_it_look_surer() -> None:
    generator = np.random.default_rng(12)
    drawn, result = generator.standard_normal((30, 2)), generator.standard_normal(30)
    once, often = (regression(np.repeat(drawn, n, 0), np.repeat(result, n), 0.0) for n in (1, 5))
    assert once is not None
    assert often is not None
    widths = [one.parameters[0].per_sd.half_width for one in (once, often)]
    assert widths[1] == pytest.approx(widths[0], rel=0.1)


# --- the study -----------------------------------------------------------------------------------

QUICK = [
    "study=headline", "parameters.firms_per_region=200", "horizon_years=6", "headline.cohort_sizes=[2,5,25]",
    "levers.budget_mkrw_per_year=400", "levers.programme_years=3", "replicates.at_least=48",
    "replicates.at_most=48", "turning=false", "why=false", "figures=false", "progress=false",
]  # fmt: skip
BUDGET = 1200.0
DRAWN = {
    "mean_log_return": (1.3, 1.9), "benefit_horizon_years": (1.2, 4.0), "cohort_cost_per_firm_mkrw": (12, 20),
}  # fmt: skip


@pytest.fixture(scope="module")
def posterior(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve draws of three parameters."""
    generator = np.random.default_rng(13)
    values = np.column_stack([generator.uniform(low, high, 12) for low, high in DRAWN.values()])
    path = tmp_path_factory.mktemp("posterior") / "p.parquet"
    write_posterior(Posterior(tuple(DRAWN), values, np.full(12, 1 / 12), {"table": "as_printed"}), path)
    return path


@pytest.fixture(scope="module")
def result(posterior: Path) -> Headline:
    return cpd.headline([*QUICK[1:], f"parameters={posterior}", "why=true", "headline.cohort_sizes=[2,5,15]"])


def test_the_scenario_s_own_size_is_tried_too_and_is_the_comparison(result: Headline) -> None:
    sizes = result.cohort_sizes.set_index("cohort_size")
    assert list(sizes.index) == [2, 5, 15, 25]
    head = result.table.set_index("outcome").loc[HEADLINE]
    own = sizes.loc[25]
    columns = ["difference", "difference_low", "difference_high", "expected_p05", "expected_p95"]
    assert own[columns].to_numpy(dtype=float) == pytest.approx(head[columns].to_numpy(dtype=float))
    assert own.probability_better_on_average == pytest.approx(head.probability_better_on_average)
    assert result.table.outcome[0] == HEADLINE
    other = sizes.loc[5, "difference"]
    assert other != pytest.approx(head.difference)  # the control


def test_every_size_is_what_a_comparison_of_that_size_gives(result: Headline, posterior: Path) -> None:
    words = [w for w in QUICK if not w.startswith(("study", "headline"))]
    by_hand = cpd.compare([*words, f"parameters={posterior}", "changes.cluster_25.cohort_size=5"])
    row = result.cohort_sizes.set_index("cohort_size").loc[5]
    assert row.difference == pytest.approx(by_hand.row("cluster_25").difference)
    assert row.supported_firms == pytest.approx(by_hand.row("cluster_25", "supported_firms")["mean"])


def test_every_size_spends_the_same_money(result: Headline) -> None:
    experiment = result.comparison.plan.experiment
    design = experiment.designs["cluster_25"]
    for row in result.cohort_sizes.itertuples():
        costs = [
            np.diff(advice_costs(of_size(design, row.cohort_size), experiment.at(k).parameters)).max()
            for k in experiment.one_per_draw(12)
        ]
        assert BUDGET - max(costs) <= row.public_money_mkrw <= BUDGET
    alone = result.table.set_index("outcome").loc["public_money_mkrw"].mean_baseline
    assert BUDGET - 40.0 <= alone <= BUDGET  # what advising one firm alone costs


def test_channels_add_up_to_the_difference(result: Headline) -> None:
    assert result.why is not None
    assert result.why.share.sum() == pytest.approx(result.table.difference[0])
    assert set(result.why.replicates) == {48}


def test_shares_of_draws_and_losses_fit_together(result: Headline) -> None:
    sizes = result.cohort_sizes
    assert sizes.share_best.sum() == pytest.approx(1.0)
    assert sizes.behind_best.min() == 0.0
    best = sizes.cohort_size[sizes.difference.argmax()]
    figures = result.best_size.set_index("figure").estimate
    assert figures["best_on_average"] == best
    own = sizes.set_index("cohort_size").loc[25]
    assert figures["behind_best_of_25"] == own.behind_best
    assert own.behind_best == pytest.approx(sizes.difference.max() - own.difference)
    assert figures["regret_of_25"] == own.regret
    counted = result.draws.best_size.value_counts(normalize=True)
    assert {k: v for k, v in zip(sizes.cohort_size, sizes.share_best, strict=True) if v} == pytest.approx(
        dict(counted)
    )


def test_draws_hold_the_mean_difference_of_their_replicates(result: Headline) -> None:
    runs = result.comparison.runs.pivot(index="replicate", columns="scenario", values="adopters")
    difference = (runs.cluster_25 - runs.individual).to_numpy().reshape(-1, EACH).mean(axis=1)
    assert result.draws.difference.to_numpy() == pytest.approx(difference)
    assert set(DRAWN) < set(result.draws.columns)


def test_the_slopes_are_those_of_a_regression_by_hand(result: Headline) -> None:
    draws = result.draws
    standard = (draws[list(DRAWN)] - draws[list(DRAWN)].mean()) / draws[list(DRAWN)].std()
    design = np.column_stack([np.ones(len(draws)), standard])
    by_hand = np.linalg.solve(design.T @ design, design.T @ draws.difference)
    found = result.depends_on.set_index("parameter").per_sd
    assert found[list(DRAWN)].to_numpy() == pytest.approx(by_hand[1:])
    assert result.depends_on.share.is_monotonic_decreasing


def test_a_parameter_that_is_fixed_is_not_regressed_on(posterior: Path) -> None:
    found = cpd.headline([*QUICK[1:], f"parameters={posterior}", "parameters.benefit_horizon_years=2"])
    assert set(found.depends_on.parameter) == set(DRAWN) - {"benefit_horizon_years"}


# --- the words -----------------------------------------------------------------------------------


def test_the_finding_says_what_the_tables_say(result: Headline) -> None:
    said, head = finding(result), result.table.iloc[0]
    assert f"reaches {head.difference:.0f} more additional adopters" in said
    assert f"({head.mean_scenario:.0f} against {head.mean_baseline:.0f};" in said
    assert f"{span(head.expected_p05, head.expected_p95)} in 90 of 100" in said
    largest = result.why.loc[result.why.share.abs().idxmax()]  # type: ignore[union-attr]
    assert f"The largest part comes through '{largest.words}' ({largest.share:+.0f} adopters)" in said
    best = int(result.best_size.set_index("figure").estimate["best_on_average"])
    assert f"cohorts of {best} firms do best" in said
    assert said.count(". ") == 1  # two sentences
    assert "with 400 million KRW a year per region for 3 years" in said


def test_the_summary_begins_with_the_finding_and_holds_its_sections(result: Headline) -> None:
    said = summary(result, "the command")
    assert said.startswith(finding(result))
    assert re.findall(r"^## (.*)$", said, flags=re.MULTILINE) == [
        "How much", "How sure", "Through which channels", "Which cohort size", "What would turn it",
        "What this cannot say", "Again, and further",
    ]  # fmt: skip
    assert "is told under *How sure*" in said
    assert "All outcomes are in `headline.csv`" in said
    assert "the command" in said


def test_the_numbers_of_the_summary_are_those_of_the_tables(result: Headline) -> None:
    said = summary(result, "the command")
    for row in result.cohort_sizes.itertuples():
        line = next(text for text in said.splitlines() if text.startswith(f"| {row.cohort_size} |"))
        assert f"{row.difference:+.1f} ({row.difference_low:+.1f} to {row.difference_high:+.1f})" in line
        assert f"{100 * row.share_best:.0f} % | {row.behind_best:.1f} |" in line
    figures = result.best_size.set_index("figure")
    regret = figures.loc["regret_of_25"]
    assert (
        f"{regret.estimate:.1f} on average ({regret.low:.1f} to {regret.high:.1f} in 90 % of draws)" in said
    )
    for row in result.depends_on.itertuples():
        start = f"| {row.meaning} (`{row.parameter}`)"
        (_, line) = (text for text in said.splitlines() if text.startswith(start))  # drawn; what it does
        assert f"{amount(row.low)} to {amount(row.high)} {row.unit}" in line
    assert f"explain {100 * min(result.explained, 1):.0f} %" in said
    for row in result.why.itertuples():  # type: ignore[union-attr]
        assert f"- {row.words}: {row.share:+.1f} (" in said


def test_sizes_that_lose_a_twentieth_at_most_do_about_as_well(result: Headline) -> None:
    sizes = result.cohort_sizes.set_index("cohort_size")
    first, last = as_good(result)
    limit = 0.05 * sizes.difference.max()
    for size, row in sizes.iterrows():
        assert (row.behind_best <= limit) == (first <= size <= last)


def test_the_words_know_when_cohorts_do_worse(posterior: Path) -> None:
    words = ["parameters.individual_advice_cost_mkrw=2", "beyond_range=true", "turning=false"]
    found = cpd.headline([*QUICK[1:], f"parameters={posterior}", *words])
    head, said = found.table.iloc[0], finding(found)
    assert head.expected_p95 < 0
    assert f"reaches {-head.difference:.0f} fewer additional adopters" in said
    assert f"{-head.expected_p95:.0f} to {-head.expected_p05:.0f} fewer in 90 of 100" in said
    assert "the probability that cohorts do better on average is below 0.01" in said


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (8.2, 67.0, "8 to 67 more"), (-67.0, -8.2, "8 to 67 fewer"), (0.4, 2.6, "0.4 to 2.6 more"),
        (-3.4, 12.0, "3 fewer to 12 more"), (0.0, 0.0, "as many"), (0.01, 5.0, "as many to 5 more"),
    ],
)  # fmt: skip
def test_a_range_is_said_as_one_would(low: float, high: float, said: str) -> None:
    assert span(low, high) == said


def test_where_nothing_differs_nothing_is_said_to_do_best(posterior: Path) -> None:
    nobody_can_pay = ["parameters.liquidity_ratio_median=0.001", "parameters.liquidity_ratio_log_sd=0.01"]
    words = [*nobody_can_pay, "beyond_range=true", "why=true"]
    found = cpd.headline([*QUICK[1:], f"parameters={posterior}", *words])
    assert not found.cohort_sizes.difference.any()
    said = finding(found)
    assert (
        "reaches as many additional adopters as 'Firms supported one by one' (0 against 0; as many in" in said
    )
    assert "the probability is 0.50 that cohorts do" in said
    assert "All cohort sizes tried, from 2 to 25, do about as well." in said
    assert summary(found, "the command")


def test_a_size_that_the_title_does_not_say_is_said(posterior: Path) -> None:
    found = cpd.headline([*QUICK[1:], f"parameters={posterior}", "changes.cluster_25.cohort_size=15"])
    assert "'Cohorts of 25 firms' (15 firms per cohort)" in finding(found)
    assert "regret_of_15" in set(found.best_size.figure)
    assert 15 in set(found.cohort_sizes.cohort_size)


# --- the command ---------------------------------------------------------------------------------

FILES = {
    "headline.csv", "cohort_sizes.csv", "best_size.csv", "depends_on.csv", "draws.csv", "why.csv",
    "turning.csv", "summary.md", "manifest.json", "cohort_sizes.png", "depends_on.png", "why.png",
    "turning.png",
}  # fmt: skip


def test_the_folder_holds_what_is_promised(
    posterior: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*QUICK, f"parameters={posterior}", "figures=true", "why=true", "turning=true", "horizon_years=3"]
    assert main([*words, f"out={tmp_path}/r"]) == 0
    out = tmp_path / "r"
    assert {path.name for path in out.iterdir()} == FILES
    said = capsys.readouterr().out.splitlines()
    assert said[0] in (out / "summary.md").read_text()
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["study"] == "headline"
    assert manifest["cohort_sizes"] == [2, 5, 25]
    assert manifest["replicates"] == 48
    assert list(manifest["inputs_sha256"]) == [str(posterior)]
    turning = pd.read_csv(out / "turning.csv")
    assert not set(DRAWN) & set(turning.parameter)
    assert f"over which the difference is {turning.difference_at_default[0]:+.0f}" in (
        out / "summary.md"
    ).read_text().replace("is 0 with", "is +0 with")


def test_the_same_seed_gives_the_same_bytes_with_one_and_two_workers(posterior: Path, tmp_path: Path) -> None:
    for workers, seed in ((1, 1), (2, 1), (2, 2)):
        words = [*QUICK, f"parameters={posterior}", "why=true", f"workers={workers}", f"seed={seed}"]
        assert main([*words, f"out={tmp_path}/{workers}{seed}"]) == 0
    for name in ("headline", "cohort_sizes", "best_size", "depends_on", "draws", "why"):
        one, two, other = ((tmp_path / f / f"{name}.csv").read_bytes() for f in ("11", "21", "22"))
        assert one == two
        assert one != other


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["headline.cohort_sizes=[]"], "headline.cohort_sizes=[]: must hold two cohort sizes or more"),
        (["headline.cohort_sizes=[25]"], "must hold two cohort sizes or more"),
        (["headline.cohort_sizes=25"], "headline.cohort_sizes=25: must be a valid list"),
        (["headline.cohort_sizes=[1,25]"], "must hold cohort sizes from 2 to 1000 firms"),
        (["headline.cohort_sizes=[2,1001]"], "must hold cohort sizes from 2 to 1000 firms"),
        (["headline.cohort_sizes=[25,10]"], "must ascend, each cohort size once"),
        (["headline.cohort_sizes=[10,25,25]"], "must ascend, each cohort size once"),
        (["headline.cohort_sizes=[2,many]"], "must be a valid integer"),
        (["headline.cohort_sizes=[2,61]", "parameters.firms_per_region=60", "beyond_range=true"],
         "headline.cohort_sizes: cohort_size=61 is larger than the region (60 firms); choose at most 60."),
        (["headline.cohort_sizes=[2,100]"],
         "more than the whole budget of 1,200; raise levers.budget_mkrw_per_year, or set "
         "headline.cohort_sizes=[2,25]."),
        (["levers.budget_mkrw_per_year=100"], "budget of 300; raise levers.budget_mkrw_per_year."),
        (["scenarios=[individual,none]"], "compares one scenario with support: cluster with one"),
        (["scenarios=[individual,cluster_10,cluster_25]"], "name one of each"),
        (["changes.individual.budget_mkrw_per_year=500"], "compares at equal money"),
        (["changes.individual.programme_years=4"], "compares at equal money"),
        (["posterior.file=null"], "posterior.file: study=headline says how sure the finding is"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_in_a_sentence(
    words: Sequence[str], expected: str, posterior: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named = [] if "posterior.file=null" in words else [f"parameters={posterior}"]
    assert main([*QUICK, *named, *words, f"out={tmp_path}/r"]) == 2
    said = capsys.readouterr().err
    assert expected in said
    assert said.count("\n") == 1
    assert not (tmp_path / "r").exists()


def test_sizes_beyond_sixty_are_tried_where_money_and_firms_allow(posterior: Path) -> None:
    found = cpd.headline([*QUICK[1:], f"parameters={posterior}", "headline.cohort_sizes=[25,61]",
                          "levers.budget_mkrw_per_year=1000"])  # fmt: skip
    assert list(found.cohort_sizes.cohort_size) == [25, 61]


def test_by_default_the_posterior_that_comes_with_the_package_is_asked_for() -> None:
    assert load(["study=headline"]).posterior.file == "shipped"
    assert load(["study=compare"]).posterior.file is None


def test_without_a_posterior_the_study_says_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in (posterior_room, draws):
        monkeypatch.setattr(module, "shipped_posterior", lambda: tmp_path / "posterior.parquet")
    assert main(["study=headline", "progress=false"]) == 2
    assert "no posterior comes with this version; make one" in capsys.readouterr().err


def test_through_the_library_fixed_parameters_are_refused() -> None:
    with pytest.raises(InputError, match="study=headline says how sure the finding is"):
        cpd.headline(load(["progress=false"]))


# --- the figures ---------------------------------------------------------------------------------


def test_the_figure_of_sizes_draws_what_the_table_holds(result: Headline) -> None:
    made = figure(cohort_sizes.WIDTH_INCHES, cohort_sizes.HEIGHT_INCHES)
    above, below = cohort_sizes.cohort_size_panels(made, result.cohort_sizes, 25)
    (mean,) = [line for line in above.lines if line.get_gid() == "mean"]
    assert list(mean.get_ydata()) == list(result.cohort_sizes.difference)
    heights = [patch.get_height() for patch in below.patches]
    assert heights == pytest.approx(list(100 * result.cohort_sizes.share_best))
    assert [label.get_text() for label in below.get_xticklabels()] == ["2", "5", "15", "25"]


def test_labels_of_sizes_do_not_touch() -> None:
    assert cohort_sizes.spaced(SIZES) == list(SIZES)
    named = cohort_sizes.spaced(range(2, 61))
    gaps = np.diff(np.log(named)) / np.log(30)
    assert gaps.min() >= cohort_sizes.LEAST_GAP
    assert 10 < len(named) < 30


def test_the_figure_of_dependence_draws_both_ends_and_the_share(result: Headline) -> None:
    table, mean = result.depends_on, float(result.table.difference[0])
    made = figure(depends.WIDTH_INCHES, depends.height_inches(table))
    ax = depends.dependence(made.add_subplot(), table, mean)
    for row in table.itertuples():
        for end in ("low", "high"):
            bar = by_gid(ax, f"bar {end} {row.parameter}")
            ends = sorted((bar.get_x(), bar.get_x() + bar.get_width()))
            assert ends == pytest.approx(sorted((mean, getattr(row, f"difference_at_{end}"))))
    assert depends.share_words(table.share[0]) in [text.get_text() for text in visible_texts(made)]
    empty = depends.dependence(figure(5, 3).add_subplot(), table.head(0), mean)
    assert "too few different draws" in empty.texts[0].get_text()


def test_the_interval_of_a_mean_is_student_s(result: Headline) -> None:
    values = result.draws.difference
    low, high = stats.t.interval(0.9, len(values) - 1, loc=values.mean(), scale=stats.sem(values))
    head = result.table.iloc[0]
    assert (head.difference_low, head.difference_high) == pytest.approx((low, high))
