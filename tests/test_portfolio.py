"""Which instruments to add under a given budget: money, interactions, choice, files, figure."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from cpdiffusion.cli import main
from cpdiffusion.config import folder_of, load
from cpdiffusion.instruments.catalogue import CATALOGUE
from cpdiffusion.instruments.enactment import Enactment
from cpdiffusion.outcomes.catalogue import HEADLINE
from cpdiffusion.outcomes.experiment import run_replicate
from cpdiffusion.parameters import BY_NAME
from cpdiffusion.plots import portfolio as drawing
from cpdiffusion.plots.save import figure, save
from cpdiffusion.policy.design import Design, design_of
from cpdiffusion.policy.scenarios import load_scenario
from cpdiffusion.studies.portfolio import study
from cpdiffusion.studies.portfolio.folder import headline, summary
from cpdiffusion.studies.portfolio.study import BASE, BENEFIT, MONEY, Candidates, Members, Portfolio
from test_plots import by_gid, extent, visible_texts

SCENARIOS = folder_of("scenarios")
YEARS, FIRMS, REPLICATES = 6, 200, 6
QUICK = [
    "study=portfolio", f"parameters.firms_per_region={FIRMS}", f"horizon_years={YEARS}",
    "levers.budget_mkrw_per_year=400", "levers.programme_years=2", f"portfolio.replicates={REPLICATES}",
    "figures=false", "progress=false",
]  # fmt: skip
TOTAL = 800.0  # two programme years of 400
THREE = ("export_packages", "product_service", "customs_information")
COSTS = {"export_packages": 60.0 * YEARS, "product_service": 0.0, "customs_information": 30.0 * YEARS}


def asked(*words: str) -> Candidates:
    return study.candidates(load([*QUICK, *words]), SCENARIOS)


def named(names: Sequence[str]) -> str:
    return f"portfolio.instruments=[{','.join(names)}]"


@pytest.fixture(scope="module")
def three() -> Portfolio:
    return study.run_portfolio(asked(named(THREE)))


# --- the money -----------------------------------------------------------------------------------


def test_running_costs_over_the_run_come_out_of_the_programme(three: Portfolio) -> None:
    for members, combination in three.candidates.tried.items():
        costs = sum(COSTS[m] for m in members)
        assert combination.running_costs_mkrw == pytest.approx(costs)
        assert combination.design.budget_mkrw_per_year == pytest.approx((TOTAL - costs) / 2)
    assert three.candidates.budget_mkrw == TOTAL
    assert len({c.design.budget_mkrw_per_year for c in three.candidates.tried.values()}) == 4


def test_what_is_spent_is_running_costs_and_the_programme(three: Portfolio) -> None:
    for members, combination in three.candidates.tried.items():
        programme = three.money_mkrw(members) - combination.running_costs_mkrw
        cap = combination.design.budget_mkrw_per_year * 2
        assert 0.8 * cap < programme <= cap
        assert not three.over_budget(members)


def test_without_a_programme_running_costs_are_all_that_is_spent() -> None:
    found = study.run_portfolio(asked("scenarios=none", "portfolio.budget_mkrw=540", named(THREE)))
    assert found.candidates.tried[THREE].design.budget_mkrw_per_year == 0.0
    assert found.money_mkrw(THREE) == pytest.approx(540.0)
    assert found.money_mkrw(BASE) == 0.0
    assert not found.over_budget(THREE)  # all of the budget is not more than the budget


def test_a_subsidy_that_follows_demand_can_exceed_the_budget_and_is_marked() -> None:
    words = ["scenarios=none", named(["clean_factory"]), "parameters.smart_complex_share=1"]
    marks = {}
    for budget in (1.0, 1e6):
        found = study.run_portfolio(asked(*words, f"portfolio.budget_mkrw={budget}"))
        assert found.money_mkrw(("clean_factory",)) > 1.0
        marks[budget] = found.over_budget(("clean_factory",))
        assert (("clean_factory",) in found.within_budget) is not marks[budget]
        assert found.table.over_budget.tolist() == [False, marks[budget]]
    assert marks == {1.0: True, 1e6: False}


def test_instruments_of_the_base_are_paid_too_and_not_added_again() -> None:
    found = asked("instruments.round_table=0.5", "portfolio.largest=1")
    assert found.budget_mkrw == TOTAL + 0.5 * 30.0 * YEARS
    assert found.tried[BASE].design.budget_mkrw_per_year == 400.0
    assert dict(found.tried["carbon_border",].design.instruments)["round_table"].strength == 0.5
    assert "round_table" not in found.instruments
    assert "round_table" in asked("portfolio.largest=1").instruments


def test_another_budget_is_the_base_s_too() -> None:
    found = asked("portfolio.budget_mkrw=2000", named(THREE))
    assert found.tried[BASE].design.budget_mkrw_per_year == 1000.0
    assert found.tried["export_packages",].design.budget_mkrw_per_year == (2000 - 360) / 2


def test_what_running_costs_alone_exceed_is_left_out_with_all_that_holds_it() -> None:
    words = [named(["safety_control_centre", "carbon_border"])]  # 100 million KRW a year and 0
    for budget, is_run in ((599.0, False), (601.0, True)):
        found = asked(*words, f"portfolio.budget_mkrw={budget}")
        for members in (("safety_control_centre",), ("safety_control_centre", "carbon_border")):
            assert (members in found.tried) is is_run
        assert ("safety_control_centre",) in found.tried or found.left_out == {
            (
                "safety_control_centre",
            ): "safety_control_centre: running costs of 600 million KRW alone exceed the budget of 599."
        }


def test_an_adviser_is_not_trained_for_a_programme_without_money() -> None:
    words = [named(["adviser_training", "safety_control_centre", "carbon_border"])]
    found = asked(*words, "portfolio.budget_mkrw=701")  # training lasts 2 years: 100, the centre 600
    pair = ("adviser_training", "safety_control_centre")
    assert found.left_out == {
        pair: "adviser_training+safety_control_centre: running costs leave nothing for the programme that "
        "it changes."
    }
    assert ("safety_control_centre", "carbon_border") in found.tried
    assert pair in asked(*words, "portfolio.budget_mkrw=800").tried


# --- which combinations --------------------------------------------------------------------------


def test_all_sizes_up_to_the_largest_are_tried() -> None:
    for largest, number in ((1, 3), (2, 6), (3, 7), (9, 7)):
        found = asked(named(THREE), f"portfolio.largest={largest}")
        assert len(found.tried) == 1 + number
        assert found.runs == (1 + number) * REPLICATES
    by_hand = {c for k in (1, 2, 3) for c in itertools.combinations(THREE, k)}
    assert set(found.tried) - {BASE} == by_hand


def test_instruments_that_contradict_each_other_are_not_combined() -> None:
    names = ["green_procurement", "procurement_network", "carbon_border"]
    found = asked(named(names))
    pair = ("green_procurement", "procurement_network")
    assert [m for m in found.tried if set(pair) <= set(m)] == []
    assert list(found.left_out) == [pair]
    assert "contradict each other" in found.left_out[pair]
    for name in pair:  # the control: each with the third is tried
        assert (name, "carbon_border") in found.tried
    assert len(found.tried) == 1 + 3 + 2


@pytest.mark.parametrize(("rate", "fits"), [(0.8, False), (0.6, True)])
def test_by_default_what_contradicts_the_base_is_not_tried(rate: float, fits: bool) -> None:
    found = asked(f"levers.subsidy_rate={rate}", "portfolio.largest=1")
    assert ("clean_factory" in found.instruments) is fits
    assert len(found.instruments) == len(CATALOGUE) - (not fits)


def test_at_full_strength_everywhere_to_the_end() -> None:
    for members, combination in asked(named(THREE)).tried.items():
        assert dict(combination.design.instruments) == {m: Enactment() for m in members}


# --- effects and interactions --------------------------------------------------------------------


def design_by_hand(members: Members) -> Design:
    """The combination as its own scenario would have it."""
    levers = {"budget_mkrw_per_year": (TOTAL - sum(COSTS[m] for m in members)) / 2, "programme_years": 2}
    scenario = load_scenario("cluster_25", SCENARIOS, levers)
    return design_of(scenario.levers, tuple((m, Enactment()) for m in sorted(members)))


def adopters_by_hand(three: Portfolio, members: Members) -> list[float]:
    """Adopters in each replicate, one design and one run at a time."""
    experiment = three.candidates.plan.experiment.with_designs({"it": design_by_hand(members)})
    found = []
    for k in range(REPLICATES):
        world = experiment.world(k)
        run = run_replicate(experiment, world, k)["it"]
        found.append(float(run.adopted.sum()))
    return found


def test_an_interaction_is_the_combination_minus_its_members_alone(three: Portfolio) -> None:
    alone = {m: adopters_by_hand(three, (m,)) for m in THREE}
    base, table = adopters_by_hand(three, ()), three.table.set_index("combination")
    for members in (THREE[:2], THREE):
        together = adopters_by_hand(three, members)
        effect = [t - b for t, b in zip(together, base, strict=True)]
        beyond = [effect[k] - sum(alone[m][k] - base[k] for m in members) for k in range(REPLICATES)]
        row = table.loc["+".join(members)]
        for column, values in (("over_base", effect), ("interaction", beyond)):
            ends = stats.t.interval(0.9, REPLICATES - 1, loc=np.mean(values), scale=stats.sem(values))
            found = row[[column, f"{column}_low", f"{column}_high"]].to_numpy(dtype=float)
            assert found == pytest.approx([np.mean(values), *ends])
        assert np.mean(beyond) != 0.0
        without_base = np.mean([together[k] - sum(alone[m][k] for m in members) for k in range(REPLICATES)])
        assert row.interaction != pytest.approx(without_base)  # the control


def test_single_instruments_have_no_interaction_and_the_base_no_effect(three: Portfolio) -> None:
    table = three.table
    assert table.interaction.isna().tolist() == (table.instruments < 2).tolist()
    assert table.over_base.isna().tolist() == (table.instruments == 0).tolist()
    assert table.combination[0] == "cluster_25"


def test_an_instrument_without_effect_and_cost_changes_no_replicate() -> None:
    effects = {}
    for size in (0.0, 0.7):
        words = [named(["environmental_law"]), f"parameters.violation_log_benefit={size}"]
        found = study.run_portfolio(asked(*words, "parameters.past_violation_share=0.25"))
        effects[size] = found.effects["environmental_law",]
    assert not effects[0.0].any()
    assert effects[0.7].any()


def test_the_study_is_the_same_however_many_designs_run_at_once(
    three: Portfolio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study, "DESIGNS_AT_ONCE", 3)
    pd.testing.assert_frame_equal(study.run_portfolio(three.candidates).table, three.table)
    other = study.run_portfolio(asked(named(THREE), "seed=2"))
    assert not other.table.equals(three.table)


# --- the choice ----------------------------------------------------------------------------------


def made_up(values: dict[Members, Sequence[float]], money: dict[Members, float]) -> Portfolio:
    """A result with given additional adopters and money; benefit is ten times the adopters."""
    names = list(dict.fromkeys(m for members in values for m in members))
    candidates = asked(named(names), "portfolio.largest=2")
    figures = {
        members: {
            HEADLINE: np.array(v, float), BENEFIT: 10.0 * np.array(v, float),
            MONEY: np.full(len(v), money.get(members, 0.9 * TOTAL)),
        }
        for members, v in values.items()
    }  # fmt: skip
    candidates = dataclasses.replace(candidates, tried={m: candidates.tried[m] for m in values})
    return Portfolio(candidates, figures)


A, B = ("carbon_border",), ("customs_information",)
BOTH = (*A, *B)


def test_the_best_is_the_one_with_most_additional_adopters_within_the_budget() -> None:
    values = {BASE: [1, 2, 3, 4], A: [3, 5, 4, 9], B: [4, 4, 4, 4], BOTH: [9, 9, 9, 9]}
    dear = made_up(values, {BOTH: 1.01 * TOTAL})
    assert dear.ranking == [BOTH, A, B]
    assert dear.within_budget == [A, B]
    assert dear.chance(A, B) == pytest.approx((2 + 0.5) / 4)  # 3 < 4, 5 > 4, 4 = 4, 9 > 4
    assert "gains most from carbon border: +3 additional adopters" in headline(dear)
    assert "the runner-up, customs information, in 62 of 100" in headline(dear)
    assert "carbon border + customs information \\*" in summary(dear, "command")
    cheap = made_up(values, {})
    assert cheap.within_budget[0] == BOTH
    assert "\\*" not in summary(cheap, "command").replace("\\* spends", "")


def test_where_nothing_clearly_helps_the_headline_says_so() -> None:
    found = made_up({BASE: [3, 3, 3], A: [3, 4, 2], B: [2, 2, 2]}, {})
    assert "clearly does better than 'Cohorts of 25 firms' alone; the best is carbon border: +0" in headline(
        found
    )
    beyond = made_up({BASE: [3, 3, 3], A: [9, 9, 9]}, {A: 2 * TOTAL})
    assert "stays within the budget" in headline(beyond)
    assert "gains most from" in headline(made_up({BASE: [3, 3, 3], A: [9, 9, 9]}, {}))


def test_the_cost_is_per_adopter_that_there_would_not_be_without_any_policy() -> None:
    row = made_up({BASE: [2, 2], A: [3, 5]}, {A: 400.0}).table.iloc[1]
    assert row.cost_per_additional_adopter_mkrw == pytest.approx(400.0 / 4.0)
    assert row.total_benefit_mkrw == 40.0
    assert row.benefit_over_base_mkrw == 20.0


def test_the_words_say_that_effects_are_assumed_and_they_are() -> None:
    said = summary(made_up({BASE: [1, 2], A: [3, 5], B: [3, 4]}, {}), "command")
    assert "All effects of instruments are assumed numbers" in said
    sizes = {e.parameter for i in CATALOGUE.values() for e in i.effects}
    sizes |= {name for i in CATALOGUE.values() for name in i.advises}
    assert {BY_NAME[name].status for name in sizes} == {"assumed"}
    others = {name for i in CATALOGUE.values() for name in i.more_parameters}
    assert {BY_NAME[name].status for name in others} > {"assumed"}  # the control


# --- the command ---------------------------------------------------------------------------------


def test_the_folder_and_the_terminal_hold_what_is_promised(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, words = tmp_path / "r", [*QUICK, named(THREE), "portfolio.budget_mkrw=500", "figures=true"]
    assert main([*words, f"out={out}"]) == 0
    lines = capsys.readouterr().out.splitlines()
    table = pd.read_csv(out / "portfolio.csv")
    assert len(table) == 6  # of eight; export packages and customs information together cost 540
    assert lines[0].startswith("5 combinations of 3 instruments, and the base alone")
    assert lines[0].endswith(f"{len(table) * REPLICATES} runs.")
    assert lines[1].startswith("left out, with all that holds them: export_packages+customs_information:")
    assert lines[2].startswith("In Ulsan over 6 years, with 500 million KRW of public money per region")
    assert lines[-1] == f"results: {out}"
    assert {p.name for p in out.iterdir()} == {
        "portfolio.csv", "portfolio.png", "summary.md", "manifest.json",
    }  # fmt: skip
    assert lines[2] in (out / "summary.md").read_text()
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["study"] == "portfolio"
    assert manifest["budget_mkrw_per_region"] == 500.0
    assert list(manifest["left_out"]) == ["export_packages+customs_information"]


def test_the_same_seed_gives_the_same_bytes_with_one_and_two_workers(tmp_path: Path) -> None:
    words = [*QUICK, named(THREE[:2]), "portfolio.replicates=22"]
    for name, more in {"a": ["workers=1"], "b": ["workers=2"], "c": ["workers=2", "seed=2"]}.items():
        assert main([*words, *more, f"out={tmp_path}/{name}"]) == 0
    a, b, c = ((tmp_path / name / "portfolio.csv").read_bytes() for name in "abc")
    assert a == b
    assert a != c


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("scenarios=[individual,cluster_25]", "study=portfolio adds instruments to one design; name one."),
        ("baseline=none", "baseline: study=portfolio compares with its one scenario; leave it empty."),
        ("portfolio.instruments=[round_tabel]", "no instrument 'round_tabel'; did you mean 'round_table'?"),
        ("portfolio.instruments=[round_table,round_table]", "is named twice; name it once."),
        ("portfolio.instruments=[]", "portfolio.instruments=[]"),
        ("portfolio.budget_mkrw=0", "portfolio.budget_mkrw=0: must be greater than 0."),
        ("portfolio.budget_mkrw=inf", "portfolio.budget_mkrw=inf: must be a finite number."),
        (
            "portfolio.budget_mkrw=5",
            "is too small for the base 'cluster_25', which needs at least 40; raise it.",
        ),
        ("portfolio.largest=0", "portfolio.largest=0: must be greater than or equal to 1."),
        ("portfolio.replicates=1", "portfolio.replicates=1: must be greater than or equal to 2."),
        ("portfolio.larget=2", "did you mean 'portfolio.largest'?"),
        ("scenarios=none", "the base 'none' spends nothing; say how much may be spent."),
        ("instruments.round_table=0.5 portfolio.instruments=round_table", "is already part of the base"),
        ("scenarios=none portfolio.budget_mkrw=9 portfolio.instruments=adviser_training", "there is none"),
        ("levers.subsidy_rate=0.8 portfolio.instruments=clean_factory", "subsidies add up to 1.1"),
    ],
)
def test_a_mistake_costs_one_sentence(
    words: str, expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*QUICK, f"out={tmp_path}/r", *words.split()]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("cpdiffusion: ")
    assert said.err.count("\n") == 1
    assert expected in said.err
    assert not (tmp_path / "r").exists()


# --- the figure ----------------------------------------------------------------------------------


def a_table(names: Sequence[str], over: Sequence[str] = ()) -> pd.DataFrame:
    """Made-up rows: effects fall with the place of the last instrument, interactions alternate."""
    rows = [{"combination": "cluster_25", "instruments": 0, "over_budget": False}]
    for size in (1, 2, 3):
        for k, members in enumerate(itertools.combinations(names, size)):
            effect, beyond = 100.0 * size - k, (-1.0) ** k * (k % 7)
            rows.append({
                "combination": "+".join(members), "instruments": size,
                "over_budget": "+".join(members) in over,
                "over_base": effect, "over_base_low": effect - 5, "over_base_high": effect + 5,
                "interaction": beyond, "interaction_low": beyond - 2.5, "interaction_high": beyond + 2.5,
            })  # fmt: skip
    return pd.DataFrame(rows)


def drawn(table: pd.DataFrame, names: Sequence[str]) -> tuple[Figure, Axes, Axes]:
    made = figure(drawing.WIDTH_INCHES, drawing.height_inches(names))
    left, right = drawing.portfolio_panels(made, table, names)
    return made, left, right


def test_no_text_of_the_figure_overlaps_or_is_cut_off() -> None:
    names = list(CATALOGUE)
    made, _, _ = drawn(a_table(names), names)
    texts = visible_texts(made)
    boxes = [extent(text).padded(-1) for text in texts]
    for (a, one), (b, other) in itertools.combinations(zip(texts, boxes, strict=True), 2):
        assert not one.overlaps(other), (a.get_text(), b.get_text())
    edges = made.bbox.padded(1)
    for text, box in zip(texts, boxes, strict=True):
        assert edges.x0 <= box.x0 <= box.x1 <= edges.x1, text.get_text()
        assert edges.y0 <= box.y0 <= box.y1 <= edges.y1, text.get_text()
    assert min(float(text.get_fontsize()) for text in texts) >= 9
    squeezed = figure(drawing.WIDTH_INCHES, 0.5 * drawing.height_inches(names))  # the control
    drawing.portfolio_panels(squeezed, a_table(names), names)
    crowded = [extent(text).padded(-1) for text in visible_texts(squeezed)]
    assert any(one.overlaps(other) for one, other in itertools.combinations(crowded, 2))


def test_the_left_panel_has_the_best_twelve_within_the_budget() -> None:
    names = list(CATALOGUE)[:8]
    first = "+".join(names[:3])
    _, left, _ = drawn(a_table(names, over=[first]), names)
    labels = [label.get_text().replace("\n", " ").replace("\u00a0", " ") for label in left.get_yticklabels()]
    assert len(labels) == 12
    assert labels[0] == "environmental law + export packages + product service"
    assert "round table" not in labels[0]  # the first triple, with round tables, is over the budget
    _, left, _ = drawn(a_table(names), names)
    assert "round" in left.get_yticklabels()[0].get_text()
    assert by_gid(left, f"interval {first}").get_xdata().tolist() == [295.0, 305.0]


def test_what_spends_more_fills_up_hollow() -> None:
    names = list(CATALOGUE)[:2]
    both = "+".join(names)
    _, left, _ = drawn(a_table(names, over=[both]), names)
    assert len(left.get_yticklabels()) == 3
    assert by_gid(left, f"dot {both}").get_markerfacecolor() == "white"
    assert by_gid(left, f"dot {names[0]}").get_markerfacecolor() != "white"
    assert "hollow" in left.get_xlabel()
    _, left, _ = drawn(a_table(names), names)
    assert "hollow" not in left.get_xlabel()


def test_a_cell_is_the_interaction_of_its_row_and_column() -> None:
    names = list(CATALOGUE)[:5]
    table = a_table(names)
    table = table[table.combination != "+".join(names[3:])]
    _, _, right = drawn(table, names)
    shown = by_gid(right, "pairs")
    low, high = shown.get_clim()
    assert low == -high
    value, rows = shown.get_array(), table.set_index("combination")
    columns, lines = (
        [label.get_text().replace("\u00a0", "_") for label in labels]
        for labels in (right.get_xticklabels(), right.get_yticklabels())
    )
    for (k, line), (j, column) in itertools.product(enumerate(lines), enumerate(columns)):
        pair = f"{column}+{line}"
        if pair not in rows.index:
            assert np.ma.is_masked(value[k, j]) or math.isnan(value[k, j])
            continue
        row = rows.loc[pair]
        assert value[k, j] == row.interaction
        clear = row.interaction_low > 0 or row.interaction_high < 0
        mark = by_gid(right, f"mark {k} {j}").get_text()
        assert mark == (("+" if row.interaction > 0 else "−") if clear else "")
    assert by_gid(right, "mark 3 3").get_text() == "×"
    assert {by_gid(right, f"mark {k} {j}").get_text() for k in range(4) for j in range(k)} >= {"+", "−", ""}


def test_without_pairs_or_combinations_there_is_a_figure_too(tmp_path: Path) -> None:
    names = list(CATALOGUE)[:1]
    table = a_table(names)
    assert save(drawn(table, names)[0], tmp_path / "one.png").exists()
    assert save(drawn(table[:1], names)[0], tmp_path / "none.png").exists()
