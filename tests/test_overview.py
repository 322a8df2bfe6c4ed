"""Many scenarios at a glance: a row each, paired with no policy, and a figure that can be read."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from cpdiffusion.api import compare
from cpdiffusion.cli import main
from cpdiffusion.outcomes.experiment import NO_POLICY, run_replicate
from cpdiffusion.plots import overview as drawing
from cpdiffusion.plots.save import figure, save
from cpdiffusion.studies.compare.overview import cost_per_adopter, overview
from cpdiffusion.studies.compare.study import Comparison
from test_plots import by_gid, extent, visible_texts

QUICK = [
    "parameters.firms_per_region=200", "replicates.at_least=8", "replicates.at_most=8", "horizon_years=6",
    "figures=false", "turning=false", "why=false", "progress=false",
]  # fmt: skip
NAMES = ("individual", "cluster_10", "cluster_25")


@pytest.fixture(scope="module")
def result() -> Comparison:
    return compare([*QUICK, f"scenarios=[{','.join(NAMES)}]"])


def by_scenario(result: Comparison) -> pd.DataFrame:
    found = overview(result)
    assert found is not None
    return found.set_index("scenario")


def interval(row: pd.Series, column: str) -> list[float]:
    return row[[column, f"{column}_low", f"{column}_high"]].tolist()


def student(values: np.ndarray) -> list[float]:
    ends = stats.t.interval(0.9, values.size - 1, loc=values.mean(), scale=stats.sem(values))
    return [values.mean(), *ends]


# --- the table -----------------------------------------------------------------------------------


def test_each_figure_is_that_of_runs_beside_runs_without_policy(result: Comparison) -> None:
    """Every design and no policy run one at a time; adopters and benefits subtracted by hand."""
    experiment = result.plan.experiment.with_designs({**result.plan.experiment.designs, "nothing": NO_POLICY})
    adopters, benefit = ({name: [] for name in experiment.designs} for _ in range(2))
    for k in range(result.replicates):
        world = experiment.world(k)
        for name, run in run_replicate(experiment, world, k).items():
            adopters[name].append(float(run.adopted.sum()))
            benefit[name].append(run.flow[:, :, 6:9].sum())  # direct, indirect, environmental
    table = by_scenario(result)
    for name in NAMES:
        more = np.array(adopters[name]) - np.array(adopters["nothing"])
        gain = np.array(benefit[name]) - np.array(benefit["nothing"])
        assert interval(table.loc[name], "additional_adopters") == pytest.approx(student(more))
        assert interval(table.loc[name], "benefit_over_no_policy_mkrw") == pytest.approx(student(gain))
        assert gain.mean() != pytest.approx(np.mean(benefit[name]))  # the control: not the level


def test_money_and_cost_agree_with_the_comparison(result: Comparison) -> None:
    table = by_scenario(result)
    for name in NAMES:
        for outcome in ("public_money_mkrw", "cost_per_additional_adopter_mkrw", "additional_adopters"):
            assert table.loc[name, outcome] == pytest.approx(result.row(name, outcome)["mean"])
    assert table.cost_per_additional_adopter_mkrw.nunique() == 3


def test_most_additional_adopters_come_first(result: Comparison) -> None:
    found = overview(result)
    assert found is not None
    assert found.additional_adopters.is_monotonic_decreasing
    assert found.scenario.tolist() != list(NAMES)  # the control: not the order in which they were named


def test_no_policy_is_a_row_only_if_it_is_asked_for(result: Comparison) -> None:
    assert set(by_scenario(result).index) == set(NAMES)
    with_none = by_scenario(compare([*QUICK, "scenarios=[none,individual,cluster_10,cluster_25]"]))
    row = with_none.loc["none"]
    assert interval(row, "additional_adopters") == [0.0, 0.0, 0.0]
    assert interval(row, "benefit_over_no_policy_mkrw") == [0.0, 0.0, 0.0]
    assert math.isnan(row.cost_per_additional_adopter_mkrw)
    pd.testing.assert_frame_equal(with_none.drop("none"), by_scenario(result))


def test_two_scenarios_are_a_pair_and_get_no_overview(tmp_path: Path) -> None:
    for names in (NAMES[:2], NAMES):
        out = tmp_path / str(len(names))
        words = [w for w in QUICK if w != "figures=false"]
        assert main([*words, f"scenarios=[{','.join(names)}]", f"out={out}"]) == 0
        made = {path.name for path in out.glob("overview.*")}
        assert made == ({"overview.csv", "overview.png"} if len(names) > 2 else set())


def test_the_cost_has_the_jackknife_interval_of_a_ratio_of_means() -> None:
    money, firms = np.array([100.0, 120.0, 90.0, 110.0]), np.array([4.0, 6.0, 3.0, 5.0])
    left = [np.delete(money, k).sum() / np.delete(firms, k).sum() for k in range(4)]
    error = math.sqrt(3 / 4 * sum((value - np.mean(left)) ** 2 for value in left))
    reach = stats.t.ppf(0.95, 3) * error
    found = cost_per_adopter(money, firms)
    assert (found.estimate, found.low, found.high) == pytest.approx(
        (420 / 18, 420 / 18 - reach, 420 / 18 + reach)
    )
    assert found.estimate != pytest.approx(np.mean(money / firms))


def test_a_cost_is_not_told_where_there_may_be_no_additional_adopters() -> None:
    money = np.full(4, 100.0)
    unsure = cost_per_adopter(money, np.array([1.0, -1.0, 2.0, 0.0]))
    assert unsure.estimate == pytest.approx(200.0)
    assert math.isnan(unsure.low)
    for none in (np.zeros(4), np.array([-1.0, -2.0, -1.0, -3.0])):
        assert math.isnan(cost_per_adopter(money, none).estimate)
    assert math.isfinite(cost_per_adopter(money, np.array([5.0, 6.0, 5.0, 7.0])).low)  # the control


# --- the figure ----------------------------------------------------------------------------------


def a_table(rows: int, spread: float = 1.5) -> pd.DataFrame:
    """Made-up scenarios with long titles; costs grow by ``spread``; the last two have none to tell."""
    found = []
    for k in range(rows):
        row = {
            "scenario": f"s{k}",
            "title": f"Cohorts of {k + 5} firms, exporters first, with packages and visits",
        }
        for column, value in (
            ("additional_adopters", 400.0 * 0.7**k), ("cost_per_additional_adopter_mkrw", 20.0 * spread**k),
            ("benefit_over_no_policy_mkrw", 210_000.0 * 0.7**k),
        ):  # fmt: skip
            row |= {column: value, f"{column}_low": 0.9 * value, f"{column}_high": 1.1 * value}
        found.append(row)
    table = pd.DataFrame(found)
    cost = [c for c in table if c.startswith("cost")]
    table.loc[rows - 1, cost] = math.nan
    table.loc[rows - 2, cost] = 0.0
    return table


def drawn(table: pd.DataFrame) -> tuple[Figure, list[Axes]]:
    made = figure(drawing.WIDTH_INCHES, drawing.height_inches(table))
    return made, drawing.overview_panels(made, table)


@pytest.mark.parametrize("rows", [3, 8, 24])
def test_no_text_overlaps_or_is_cut_off(rows: int) -> None:
    made, _ = drawn(a_table(rows))
    texts = visible_texts(made)
    boxes = [extent(text).padded(-1) for text in texts]
    for (a, one), (b, other) in itertools.combinations(zip(texts, boxes, strict=True), 2):
        assert not one.overlaps(other), (a.get_text(), b.get_text())
    edges = made.bbox.padded(1)
    for text, box in zip(texts, boxes, strict=True):
        assert edges.x0 <= box.x0 <= box.x1 <= edges.x1, text.get_text()
        assert edges.y0 <= box.y0 <= box.y1 <= edges.y1, text.get_text()
    assert min(float(text.get_fontsize()) for text in texts) >= 9


def test_a_figure_too_low_would_be_noticed() -> None:
    table = a_table(24)
    squeezed = figure(drawing.WIDTH_INCHES, 0.4 * drawing.height_inches(table))
    drawing.overview_panels(squeezed, table)
    boxes = [extent(text).padded(-1) for text in visible_texts(squeezed)]
    assert any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))


def test_rows_are_shared_sorted_and_titled() -> None:
    table = a_table(8)
    _, panels = drawn(table.iloc[::-1])
    labels = [label.get_text().replace("\n", " ") for label in panels[0].get_yticklabels()]
    assert labels == table.title.tolist()
    assert len({ax.get_ylim() for ax in panels}) == 1
    assert [ax.get_xlabel() for ax in panels] == ["firms", "million KRW per firm", "million KRW"]


def test_dots_and_lines_are_the_figures_of_the_table() -> None:
    table = a_table(8)
    _, panels = drawn(table)
    for ax, panel in zip(panels, drawing.PANELS, strict=True):
        for k, row in enumerate(table.head(6).to_dict("records")):
            name = f"{panel.column} {row['scenario']}"
            assert by_gid(ax, f"dot {name}").get_xydata().tolist() == [[row[panel.column], k]]
            ends = [row[f"{panel.column}_low"], row[f"{panel.column}_high"]]
            assert by_gid(ax, f"interval {name}").get_xdata().tolist() == ends


def test_where_there_is_no_cost_to_tell_words_say_so() -> None:
    _, panels = drawn(a_table(8))
    said = [text.get_text() for text in panels[1].texts]
    assert said.count(drawing.UNCLEAR) == said.count(drawing.FREE) == 1
    assert not [
        a for a in panels[1].findobj() if a.get_gid() in {f"dot {drawing.COST.column} s{k}" for k in (6, 7)}
    ]
    others = [text.get_text() for ax in (panels[0], panels[2]) for text in ax.texts]
    assert not {drawing.UNCLEAR, drawing.FREE} & set(others)


def test_costs_that_lie_far_apart_get_a_log_scale_and_no_other_panel_does() -> None:
    for spread, scale in ((1.1, "linear"), (3.0, "log")):
        _, panels = drawn(a_table(16, spread))  # adopters and benefits lie far apart in both
        assert [ax.get_xscale() for ax in panels] == ["linear", scale, "linear"]
        assert ("log scale" in panels[1].get_xlabel()) is (scale == "log")


def test_an_empty_table_and_infinite_ends_give_a_figure(tmp_path: Path) -> None:
    table = a_table(3)
    table.loc[0, "cost_per_additional_adopter_mkrw_high"] = math.inf
    assert save(drawn(table)[0], tmp_path / "infinite.png").exists()
    assert save(drawn(table.iloc[:0])[0], tmp_path / "empty.png").exists()


def test_the_same_table_gives_the_same_bytes(tmp_path: Path) -> None:
    one, two, other = (
        save(drawn(table)[0], tmp_path / f"{k}.png").read_bytes()
        for k, table in enumerate((a_table(5), a_table(5), a_table(6)))
    )
    assert one == two != other
