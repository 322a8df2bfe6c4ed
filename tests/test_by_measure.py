"""What is told of each measure: the table, the summary, the figure, files of single firms, Mesa's view."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import cpdiffusion as cpd
from cpdiffusion.behaviour.cp_measures import NAMES, WORDS
from cpdiffusion.engine.state import Flow
from cpdiffusion.outcomes.experiment import Experiment
from cpdiffusion.outcomes.paired import mean_interval
from cpdiffusion.parameters import parameters
from cpdiffusion.plots import measures as plot
from cpdiffusion.plots import save
from cpdiffusion.studies.compare.by_measure import ALL, QUANTITIES, TAKEN, measure_table
from cpdiffusion.studies.compare.summary import summary
from cpdiffusion.world.world import Recipe

REFERENCE = Path(__file__).parent / "reference" / "measures.csv"
SETTINGS = ["measures=catalogue", "replicates.at_least=20", "replicates.at_most=20", "why=false",
            "turning=false", "parameters.firms_per_region=400", "progress=false", "seed=1"]  # fmt: skip


@pytest.fixture(scope="module")
def result() -> cpd.Comparison:
    return cpd.compare([*SETTINGS, "scenarios=[none,individual,cluster_25]", "baseline=none"])


@pytest.fixture(scope="module")
def table(result: cpd.Comparison) -> pd.DataFrame:
    found = result.measures
    assert found is not None
    return found


def figures(table: pd.DataFrame) -> pd.DataFrame:
    return table.pivot_table(index=["scenario", "measure"], columns="quantity", values="mean", sort=False)


def test_each_measure_gives_its_reviewed_figures(table: pd.DataFrame) -> None:
    reference = pd.read_csv(REFERENCE, index_col=["scenario", "measure"])
    pd.testing.assert_frame_equal(figures(table), reference, check_names=False, rtol=1e-9)


def test_there_is_a_row_per_scenario_measure_and_quantity(table: pd.DataFrame) -> None:
    assert len(table) == 3 * (len(NAMES) + 1) * len(QUANTITIES)
    assert not table.duplicated(["scenario", "measure", "quantity"]).any()
    assert set(table.measure) == {*NAMES, ALL}


def test_measures_add_up_to_the_outcomes_of_the_comparison(
    result: cpd.Comparison, table: pd.DataFrame
) -> None:
    same = ("direct_benefit_mkrw", "energy_saved_toe_per_year", "materials_saved_mkrw_per_year",
            "emissions_avoided_tco2_per_year")  # fmt: skip
    for quantity in same:
        for scenario in ("none", "individual", "cluster_25"):
            rows = table[(table.scenario == scenario) & (table.quantity == quantity)].set_index("measure")
            assert rows.loc[ALL, "mean"] == pytest.approx(rows.drop(ALL)["mean"].sum())
            assert rows.loc[ALL, "mean"] == pytest.approx(result.row(scenario, quantity)["mean"])


def test_differences_are_paired_replicate_by_replicate() -> None:
    rng = np.random.default_rng(3)
    flows = {name: rng.random((12, 4, len(Flow) + 3 * len(NAMES))) for name in ("base", "other")}
    experiment = Experiment(Recipe(("ulsan",)), parameters(), {}, 4, seed=1, by_measure=True)
    found = measure_table(flows, {"base": None, "other": "base"}, experiment)
    row = found[(found.scenario == "other") & (found.measure == NAMES[2]) & (found.quantity == "taken")]
    column = len(Flow) + 3 * 2
    by_hand = [
        sum(flows["other"][k, q, column] - flows["base"][k, q, column] for q in range(4)) for k in range(12)
    ]
    expected = mean_interval(np.array(by_hand))
    assert row.difference.item() == pytest.approx(expected.estimate)
    assert row.difference_low.item() == pytest.approx(expected.low)
    assert found[found.scenario == "base"].difference.isna().all()


def test_of_a_package_nothing_is_told_by_measure() -> None:
    package = cpd.compare([*SETTINGS[1:], "measures=package", "scenarios=cluster_25"])
    assert package.measures is None
    assert "By measure" not in summary(package, "")


def test_the_summary_names_each_measure_and_says_what_an_adopter_is(result: cpd.Comparison) -> None:
    text = summary(result, "")
    assert all(f"| {words} |" in text for words in WORDS.values())
    assert "took at least one" in text


def test_firms_show_when_they_took_which_measure() -> None:
    run = cpd.simulate(SETTINGS, "cluster_25")
    quarters = run.firms[[f"{name}_quarter" for name in NAMES]]
    first = quarters.min(axis=1)
    pd.testing.assert_series_equal(first, run.firms.adoption_quarter, check_names=False)
    assert quarters.notna().any().all(), "some firm takes each of them"


@pytest.mark.parametrize("redraw", ["true", "false"])
@pytest.mark.parametrize("replicate", [0, 2])
def test_the_mesa_view_gives_the_same_bytes(redraw: str, replicate: int) -> None:
    settings = [*SETTINGS, f"world.redraw={redraw}", "horizon_years=8", "instruments.round_table=1",
                "instruments.resource_circulation=1"]  # fmt: skip
    model = cpd.mesa_model(settings, "cluster_25", replicate)
    model.run_model()
    run = cpd.simulate(settings, "cluster_25", replicate).run
    assert model.state.flow.tobytes() == run.flow.tobytes()
    assert run.adoption_by_measure is not None
    assert model.state.adoption_quarter.astype(np.int16).tobytes() == run.adoption_by_measure.tobytes()
    assert model.adopters == run.adopted.sum() == model.total(Flow.ADOPTERS)
    assert model.supported_firms == np.unique(np.flatnonzero(model.state.supported_quarter < 99) % 400).size


def test_a_firm_shows_its_decision_on_each_measure() -> None:
    model = cpd.mesa_model([*SETTINGS, "horizon_years=8"], "cluster_25")
    model.run_model()
    firm: Any = max(model.firms, key=lambda f: sum(d.adopted for d in f.measures.values()))
    taken = {name: d.adoption_quarter for name, d in firm.measures.items() if d.adopted}
    assert tuple(firm.measures) == NAMES
    assert len(taken) > 1
    assert firm.adoption_quarter == min(taken.values())
    assert all(firm.measures[name].log_return is not None for name in taken)
    assert all(d.log_return is None for d in firm.measures.values() if not d.adopted)


def test_what_is_set_on_a_firm_counts_for_all_its_measures() -> None:
    model = cpd.mesa_model([*SETTINGS, "horizon_years=5", "scenarios=none"])
    firm: Any = model.firms[7]
    before = model.setting.columns.log_hurdle[firm.rows].copy()
    firm.accepted_payback_years = firm.accepted_payback_years
    np.testing.assert_array_equal(model.setting.columns.log_hurdle[firm.rows], before)
    firm.required_confidence, firm.waits_for_example, firm.liquidity_mkrw = 0.0, False, 1e9
    model.run_model()
    assert all(d.adopted for d in firm.measures.values())


def test_the_figure_marks_every_mean(table: pd.DataFrame) -> None:
    shown = table[table.measure != ALL]
    figure = save.figure(plot.WIDTH_INCHES, plot.height_inches(shown))
    axes = plot.measure_panels(figure, shown, {"none": "No policy"}, (TAKEN.name, "direct_benefit_mkrw"))
    for ax, quantity in zip(axes, (TAKEN.name, "direct_benefit_mkrw"), strict=True):
        drawn = {line.get_gid(): line.get_xdata()[0] for line in ax.lines if "mean" in (line.get_gid() or "")}
        rows = shown[shown.quantity == quantity]
        expected = {f"mean {quantity} {r.scenario} {r.measure}": r.mean for r in rows.itertuples()}
        assert drawn == expected


if __name__ == "__main__":
    settings = [*SETTINGS, "scenarios=[none,individual,cluster_25]", "baseline=none"]
    figures(cpd.compare(settings).measures).to_csv(REFERENCE, float_format="%.12g")
