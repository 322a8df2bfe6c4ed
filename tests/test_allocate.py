"""Splitting a budget over regions: the choice itself, what it is held against, and what is said of it."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st

import cpdiffusion as cpd
from cpdiffusion.cli import main
from cpdiffusion.config import folder_of, load
from cpdiffusion.errors import InputError
from cpdiffusion.evidence.table4 import table4
from cpdiffusion.parameters import moments_of
from cpdiffusion.plots import allocation as drawing
from cpdiffusion.plots import response
from cpdiffusion.plots.save import figure, save
from cpdiffusion.studies.allocate import study
from cpdiffusion.studies.allocate.choice import GAP, best_choice, best_value, least_regret, regret
from cpdiffusion.studies.allocate.folder import OUTCOME_TITLES
from cpdiffusion.studies.allocate.regions import (
    LEVEL,
    clean_effects,
    effect_sd,
    effects,
    region_experiments,
    unsureness,
)
from cpdiffusion.studies.allocate.run import ADOPTERS, BENEFIT, MONEY, asked
from cpdiffusion.studies.allocate.splits import BEST, EVEN, ROBUST, SCORED, TITLES, TODAY, fixed_splits
from cpdiffusion.studies.allocate.study import Allocation
from cpdiffusion.studies.allocate.summary import answer, summary, verdict
from cpdiffusion.studies.allocate.tables import AS_ESTIMATED, WITHOUT, steps_of
from cpdiffusion.world.regions import REGIONS
from test_plots import by_gid

SCENARIOS = folder_of("scenarios")
QUICK = [
    "study=allocate", "region=[ulsan,daejeon,ansan]", "parameters.firms_per_region=200", "horizon_years=6",
    "levers.budget_mkrw_per_year=200", "levers.programme_years=2", "allocate.draws=4",
    "allocate.held_out_draws=5", "posterior.seeds_per_draw=2", "progress=false", "figures=false",
]  # fmt: skip


@pytest.fixture(scope="module")
def found() -> Allocation:
    return study.allocate(load(QUICK), SCENARIOS)


# --- the choice ----------------------------------------------------------------------------------

problems = st.integers(0, 10**6)


def problem(seed: int, regions: int = 3, cases: int = 4) -> tuple[list[np.ndarray], list[list[int]], int]:
    """Random gains of some options in each case; option 0 costs and gains nothing."""
    generator = np.random.default_rng(seed)
    weights = [[0, *generator.integers(1, 9, 4).tolist()] for _ in range(regions)]
    values = [np.hstack([np.zeros((cases, 1)), generator.normal(3, 3, (cases, 4))]) for _ in range(regions)]
    return values, weights, 7


def every_choice(weights: list[list[int]], capacity: int) -> list[tuple[int, ...]]:
    """All choices that the budget allows, one by one."""
    options = itertools.product(*(range(len(weight)) for weight in weights))
    return [c for c in options if sum(w[o] for w, o in zip(weights, c, strict=True)) <= capacity]


def totals(values: list[np.ndarray], choice: tuple[int, ...]) -> np.ndarray:
    return np.asarray(sum(value[:, option] for value, option in zip(values, choice, strict=True)))


@how(max_examples=30, deadline=None)
@given(seed=problems)
def test_no_choice_within_the_budget_gains_more_than_the_best(seed: int) -> None:
    values, weights, capacity = problem(seed)
    means = [value.mean(axis=0) for value in values]
    best = best_choice(means, weights, capacity)
    gains = {c: float(totals(values, c).mean()) for c in every_choice(weights, capacity)}
    assert gains[best] == pytest.approx(max(gains.values()))


@how(max_examples=30, deadline=None)
@given(seed=problems)
def test_the_best_value_of_each_case_is_that_of_trying_everything(seed: int) -> None:
    values, weights, capacity = problem(seed)
    tried = np.array([totals(values, c) for c in every_choice(weights, capacity)])
    assert best_value(values, weights, capacity) == pytest.approx(tried.max(axis=0))


@how(max_examples=30, deadline=None)
@given(seed=problems)
def test_no_choice_within_the_budget_has_a_smaller_largest_regret(seed: int) -> None:
    values, weights, capacity = problem(seed)
    choice = least_regret(values, weights, capacity)
    worst = {c: regret(values, weights, capacity, c).max() for c in every_choice(weights, capacity)}
    assert worst[choice] <= min(worst.values()) * (1 + 2 * GAP) + 1e-6


def test_the_best_on_average_is_not_the_least_regret_where_it_can_go_badly_wrong() -> None:
    values = [np.array([[0.0, 6.0], [0.0, 6.0], [0.0, -6.0]]), np.array([[0.0, 1.5]] * 3)]
    weights = [[0, 1], [0, 1]]
    assert best_choice([value.mean(axis=0) for value in values], weights, 1) == (1, 0)
    assert least_regret(values, weights, 1) == (0, 1)
    assert regret(values, weights, 1, (1, 0)) == pytest.approx([0, 0, 7.5])
    assert regret(values, weights, 1, (0, 1)) == pytest.approx([4.5, 4.5, 0])


def test_with_diminishing_returns_money_is_spread_and_without_them_it_is_not() -> None:
    spread = [np.array([0.0, 10, 15, 17]), np.array([0.0, 9, 13, 15])]
    straight = [np.array([0.0, 10, 20, 30]), np.array([0.0, 9, 18, 27])]
    weights = [[0, 1, 2, 3]] * 2
    assert best_choice(spread, weights, 3) == (2, 1)
    assert best_choice(straight, weights, 3) == (3, 0)


# --- what is run ---------------------------------------------------------------------------------


def test_no_replicate_and_no_draw_is_used_both_to_choose_and_to_judge() -> None:
    of = asked(load(QUICK), SCENARIOS)
    (first, count), (later, more) = of.trained, of.held_out
    assert (first, count, later, more) == (0, 8, 8, 10)
    experiment = next(iter(region_experiments(of.plan.experiment, of.settings).values()))
    assert len(experiment.draws) * experiment.seeds_per_draw == later + more  # so no draw comes round again


def test_every_split_spends_the_budget_and_not_more(found: Allocation) -> None:
    for name, split in found.splits.items():
        spent = sum(mkrw for _, mkrw in split.values())
        assert spent <= found.asked.budget_mkrw * (1 + 1e-9), name
        assert spent == pytest.approx(found.asked.budget_mkrw) or name in (BEST, ROBUST)


def test_each_region_has_the_same_curves_whatever_others_are_asked_for(found: Allocation) -> None:
    fewer = load([*QUICK, "region=[ansan,ulsan]", "allocate.budget_mkrw_per_year=400"])
    other = study.allocate(fewer, SCENARIOS)
    option = ("cluster_25", 200.0)
    for outcome in (ADOPTERS, BENEFIT):
        same = found.curves["ansan"][option][outcome], other.curves["ansan"][option][outcome]
        assert same[0].tobytes() == same[1].tobytes()


def test_regions_have_luck_of_their_own_and_parameters_in_common() -> None:
    of = asked(load([*QUICK, "allocate.unsure_regions=false"]), SCENARIOS)
    one, two, _ = region_experiments(of.plan.experiment, of.settings).values()
    assert one.seed != two.seed
    assert list(one.draws) == list(two.draws)


def test_how_a_region_differs_is_drawn_as_widely_as_its_rows_leave_it_open() -> None:
    settings = load([*QUICK, "allocate.draws=2000", "allocate.held_out_draws=2000", "posterior.file=null"])
    of = asked(settings, SCENARIOS)
    for name, experiment in region_experiments(of.plan.experiment, of.settings).items():
        drawn = np.array([draw[LEVEL] for draw in experiment.draws])
        for part in (drawn[:2000], drawn[2000:]):  # to choose by, to judge by
            assert part.std() == pytest.approx(effect_sd(name, "as_printed"), rel=0.02)
            assert part.mean() == pytest.approx(of.plan.experiment.parameters[LEVEL], abs=0.002)


def test_how_one_region_differs_says_nothing_about_another() -> None:
    settings = load([*QUICK, "allocate.draws=500", "allocate.held_out_draws=500", "posterior.file=null"])
    one, two, _ = (unsureness(name, settings) for name in ("ulsan", "daejeon", "ansan"))
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.1


def test_a_region_with_one_row_is_the_least_sure_and_none_is_less_sure_than_without_rows() -> None:
    spread = {name: effect_sd(name, "as_printed") for name in REGIONS}
    assert max(spread, key=lambda name: spread[name]) == "gwangju"
    assert max(spread.values()) < moments_of("as_printed").between_region_sd


def test_without_the_outlier_rows_ansan_is_no_longer_the_best_region() -> None:
    before, after = effects("as_printed"), clean_effects("as_printed")
    assert max(before, key=lambda name: before[name]) == "ansan"
    assert after["ansan"] < after["ulsan"]


def test_what_hinges_on_the_outlier_rows_is_shown(found: Allocation) -> None:
    clean = found.total(EVEN, BENEFIT, found.judged_clean)
    assert clean.mean() < found.total(EVEN, BENEFIT).mean()  # Ansan 2014 lifts Ansan


def test_the_same_seed_gives_the_same_bytes_on_any_number_of_threads(found: Allocation) -> None:
    again = study.allocate(load([*QUICK, "workers=3"]), SCENARIOS)
    for name in ("allocation", "splits", "curves"):
        assert again.frame(name).to_csv() == found.frame(name).to_csv()


def test_more_money_never_gains_less_by_more_than_luck(found: Allocation) -> None:
    curves = found.frame("curves")
    for _, rows in curves.groupby(["region", "kind"]):
        gains = rows.additional_adopters.to_numpy()
        assert gains[-1] > gains[0]


def test_a_split_of_nothing_gains_nothing(found: Allocation) -> None:
    nothing = found.curves["ulsan"]["individual", 0.0]
    assert not nothing[ADOPTERS].any()
    assert not nothing[MONEY].any()


def test_no_public_money_beyond_the_budget_is_spent(found: Allocation) -> None:
    rows = found.table
    spent = rows.groupby("split").public_money_mkrw.sum()
    assert (spent <= found.asked.budget_mkrw * found.asked.years * (1 + 1e-9)).all()
    assert (spent > 0).all()


# --- what it is held against ---------------------------------------------------------------------


def test_todays_split_is_the_mean_investment_per_listed_year() -> None:
    split = fixed_splits(list(REGIONS), "as_printed", "investment")[TODAY]
    yearly = {n: np.mean([r.investment_mkrw for r in table4() if r.region == n]) for n in REGIONS}
    assert split == pytest.approx({n: v / sum(yearly.values()) for n, v in yearly.items()})


@pytest.mark.parametrize("today", ["investment", "firms"])
def test_shares_of_every_fixed_split_sum_to_one(today: str) -> None:
    for split in fixed_splits(["ulsan", "busan"], "reconciled", today).values():
        assert sum(split.values()) == pytest.approx(1.0)
        assert min(split.values()) > 0.0


def test_differences_are_paired_and_the_even_split_differs_from_itself_in_nothing(found: Allocation) -> None:
    rows = found.frame("splits").set_index(["regions_differ", "split", "outcome"])
    assert np.isnan(rows.loc[(AS_ESTIMATED, EVEN, ADOPTERS), "over_even"])
    one = rows.loc[(WITHOUT, BEST, BENEFIT)]
    even = rows.loc[(WITHOUT, EVEN, BENEFIT)]
    assert one.over_even == pytest.approx(one.gain - even.gain)


def test_no_split_has_a_smaller_largest_regret_than_the_one_chosen_for_it(found: Allocation) -> None:
    worst = {name: values.max() for name, values in found.regrets.items()}
    assert worst[ROBUST] <= worst[BEST] * (1 + 2 * GAP) + 1e-6
    assert min(values.min() for name, values in found.regrets.items() if name in (BEST, ROBUST)) >= -1e-9


def test_the_price_of_a_region_is_what_the_best_split_without_it_loses(found: Allocation) -> None:
    paid = {region for region, (_, mkrw) in found.splits[BEST].items() if mkrw > 0.0}
    assert set(found.prices) == paid
    assert all(price >= -1e-9 for price in found.prices.values())


def test_the_best_split_promises_at_least_what_any_split_on_the_grid_does(found: Allocation) -> None:
    assert found.promised(BEST, ADOPTERS) >= found.promised(EVEN, ADOPTERS) - 1e-9
    assert found.promised(BEST, ADOPTERS) >= found.promised(ROBUST, ADOPTERS) - 1e-9
    assert found.mixing_gains >= -1e-9


def test_steps_are_gains_per_hundred_million_won_of_public_money() -> None:
    assert steps_of([(0.0, 0.0), (100.0, 6.0), (300.0, 8.0)], years=2) == pytest.approx(
        {100.0: 3, 300.0: 0.5}
    )


def test_every_region_is_left_with_the_least_that_was_asked_for() -> None:
    result = study.allocate(load([*QUICK, "allocate.least_mkrw_per_year=100"]), SCENARIOS)
    for name in (BEST, ROBUST):
        assert all(mkrw >= 100.0 for _, mkrw in result.splits[name].values())


# --- what is said --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (1.0, 9.0, "an interval that excludes zero"),
        (-1.0, 9.0, "is not shown to be better than the even one"),
        (-9.0, -1.0, "it does worse than the even split, beyond chance"),
        (0.0, 0.0, "moving money gains nothing here"),
    ],
)
def test_the_summary_says_whether_the_interval_excludes_zero(low: float, high: float, said: str) -> None:
    row = {"over_even": (low + high) / 2, "over_even_low": low, "over_even_high": high}
    assert said in verdict({**row, "share_of_draws_better": 0.5})


def test_the_summary_says_what_is_assumed_and_what_must_not_be_concluded(found: Allocation) -> None:
    text = summary(found, "cpdiffusion study=allocate")
    for said in ("posterior of the calibration", "optimiser's curse", "must not be concluded", "one kind",
                 "side by side", "without outlier rows", "public money is not printed"):  # fmt: skip
        assert said in text.replace("each region gets one of", "one kind"), said
    assert "nan" not in text.lower()
    assert answer(found) in text


def test_without_a_posterior_the_summary_says_that_nothing_is_calibrated() -> None:
    result = study.allocate(load([*QUICK, "posterior.file=null"]), SCENARIOS)
    assert "*not* calibrated" in summary(result, "")


def test_a_posterior_of_the_other_table_is_not_used_and_the_summary_says_why() -> None:
    result = study.allocate(load([*QUICK, "table=reconciled"]), SCENARIOS)
    assert result.asked.plan.posterior is None
    assert "made from Table 4 as printed" in summary(result, "")


# --- what cannot be split ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["region=ulsan"], "nothing to split over one region"),
        (["scenarios=[none,cluster_25]"], "'none' has no programme to give money to"),
        (["scenarios=[cluster_25,round_table]"], "'round_table' enacts instruments"),
        (["changes.cluster_25.programme_years=3"], "the same first_year and programme_years"),
        (["allocate.budget_mkrw_per_year=1"], "too small to advise one firm"),
        (["allocate.least_mkrw_per_year=300"], "more than an even share of the budget"),
        (["allocate.budget_mkrw_per_year=0"], "must be greater than 0"),
        (["allocate.benefit=profit"], "must be 'adopters' or 'total_benefit'"),
        (["world.network=brfarmers"], "splits over the preset regions"),
        (["region=[ulsan,seoul]"], "no such region"),
        (["allocate.draw=3"], "did you mean 'allocate.draws'"),
    ],
)
def test_what_cannot_be_split_costs_one_sentence(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main([*QUICK, *words, f"out={tmp_path / 'out'}"]) == 2
    message = capsys.readouterr().err
    assert said in message
    assert message.count("\n") == 1
    assert not (tmp_path / "out").exists()


# --- files and figures ---------------------------------------------------------------------------


def test_the_folder_holds_tables_figures_summary_and_manifest(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main([*QUICK, "figures=true", f"out={out}"]) == 0
    assert {path.name for path in out.iterdir()} == {
        "allocation.csv", "splits.csv", "curves.csv", "allocation.png", "curves.png", "marginal.png",
        "summary.md", "manifest.json",
    }  # fmt: skip
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["replicates"] == {"to_choose_by": 8, "held_out": 10}
    table = pd.read_csv(out / "allocation.csv")
    assert set(table.split) == set(TITLES) == {EVEN, TODAY, SCORED, BEST, ROBUST}
    assert len(table) == 15


def test_the_figure_of_splits_shows_every_interval(found: Allocation, tmp_path: Path) -> None:
    drawn = figure(drawing.WIDTH_INCHES, drawing.HEIGHT_INCHES)
    axes = drawing.allocation_panels(drawn, found.table, found.frame("splits"), TITLES, OUTCOME_TITLES)
    save(drawn, tmp_path / "a.png")
    for ax in axes[1:]:
        for assumption in (AS_ESTIMATED, WITHOUT):
            assert by_gid(ax, f"interval {assumption} {BEST}")


def test_marks_of_splits_stand_on_the_curves(found: Allocation) -> None:
    kinds = {"individual": "one by one", "cluster_25": "cohorts"}
    drawn = figure(response.WIDTH_INCHES, response.height_inches(3))
    panels = response.response_panels(drawn, found.frame("curves"), found.table, kinds, TITLES)
    mark = by_gid(panels["ulsan"], f"split {EVEN}")
    kind, mkrw = found.splits[EVEN]["ulsan"]
    gain = found.curves["ulsan"][kind, mkrw][ADOPTERS].mean()
    assert (mark.get_xdata()[0], mark.get_ydata()[0]) == pytest.approx((mkrw, gain))


def test_the_library_gives_the_same_as_the_command_line(found: Allocation) -> None:
    words = [word for word in QUICK if not word.startswith("study=")]
    assert cpd.allocate(words).table.equals(found.table)


def test_a_bad_setting_of_the_library_is_an_input_error() -> None:
    with pytest.raises(InputError, match="nothing to split"):
        cpd.allocate(["region=ulsan"])
