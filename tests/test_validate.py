"""study=validate: no row is used to predict itself, a folder that says what was found, bad tables."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from cpdiffusion.calibration import validation as room
from cpdiffusion.calibration.methods import METHODS, TITLES, Method
from cpdiffusion.calibration.observations import Case, log_roi
from cpdiffusion.calibration.predictive import Draws, Predictive
from cpdiffusion.calibration.splits import SPLITS, splits
from cpdiffusion.calibration.validation import clustered_mean, prediction_table, score_table, validate
from cpdiffusion.cli import main
from cpdiffusion.config import load
from cpdiffusion.evidence.table4 import COLUMNS, RegionYear, table4
from cpdiffusion.plots import validation as drawing
from cpdiffusion.plots.save import figure, save
from cpdiffusion.studies.validate import summary as validate_summary
from cpdiffusion.studies.validate.study import tables_of
from cpdiffusion.studies.validate.summary import chance_range
from test_plots import extent, visible_texts

SMALL = tuple(row for row in table4() if row.region in ("daegu", "ulsan", "ansan") and row.year >= 2011)
WHOLE = (*(f"{name}.csv" for name in ("validation", "predictions", "estimates")), "summary.md", "scores.png")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The result on Table 4 as printed: computed once, read by many tests."""
    out = tmp_path_factory.mktemp("validate") / "r"
    assert main(["study=validate", f"out={out}", "progress=false"]) == 0
    return out


# --- splits --------------------------------------------------------------------------------------


def test_no_row_is_both_learned_from_and_predicted() -> None:
    for split in splits(table4()):
        for fold in split.folds:
            assert not set(map(id, fold.train)) & set(map(id, fold.test))


def test_the_splits_are_the_ones_that_were_asked_for() -> None:
    years, region, row = splits(table4())
    (fold,) = years.folds
    assert {r.year for r in fold.train} == set(range(2007, 2013))
    assert {r.year for r in fold.test} == {2013, 2014}
    assert len(fold.test) == 10
    assert [{r.region for r in f.test} & {r.region for r in f.train} for f in region.folds] == [set()] * 7
    assert [len(f.train) for f in row.folds] == [36] * 37
    for split in (region, row):
        assert sorted(r.label for f in split.folds for r in f.test) == sorted(r.label for r in table4())


def test_one_region_cannot_be_predicted_from_others() -> None:
    own = tuple(row for row in table4() if row.region == "busan")
    assert [split.name for split in splits(own)] == ["later_years", "left_out_row"]
    assert [split.name for split in splits(own[-2:])] == []


def test_a_row_left_out_has_no_part_in_its_prediction() -> None:
    """Its result is made absurd: neither its own prediction nor a digit of it may move."""
    chosen = next(row for row in SMALL if row.label == "Ulsan 2013")
    spoiled = tuple(replace(row, direct_mkrw=1e9) if row is chosen else row for row in SMALL)
    before, after = (
        [p for p in validate("t", rows).predictions if p.row.label == chosen.label]
        for rows in (SMALL, spoiled)
    )
    assert len(before) == len(METHODS) * len(SPLITS)
    for one, two in zip(before, after, strict=True):
        assert (one.method, one.mean, one.quantiles) == (two.method, two.mean, two.quantiles)
        assert one.score.crps != two.score.crps


def test_a_result_that_was_learned_from_does_move_the_prediction() -> None:
    """The control of the test above."""
    spoiled = tuple(replace(r, direct_mkrw=1e9) if r.label == "Ulsan 2012" else r for r in SMALL)
    one, two = (
        validate("t", rows).of("later_years", "partially_pooled")[0].mean for rows in (SMALL, spoiled)
    )
    assert abs(one - two) > 0.1


# --- scores and tables ---------------------------------------------------------------------------


def oracle(rows: Sequence[RegionYear]) -> Any:
    """A stand-in for a model that gives draws, spread around 1.6 whatever the case."""
    draws = Draws(1.6 + 0.6 * np.random.default_rng(len(rows)).standard_normal(4000))

    def forecast(case: Case) -> Predictive:
        return draws

    return forecast


def test_whatever_gives_draws_is_one_more_model() -> None:
    found = validate("t", SMALL, [*METHODS, Method("draws", "a model of draws", False, oracle)])
    table = score_table(found).set_index(["split", "model"])
    row = table.loc[("left_out_row", "draws")]
    assert math.isfinite(row.crps)
    assert math.isnan(row.log_score)
    assert row.crps == pytest.approx(table.loc[("left_out_row", "pooled")].crps, abs=0.15)
    assert prediction_table(found).query("model == 'draws'").q50.between(1.5, 1.7).all()


def test_the_score_of_a_split_is_the_mean_over_its_rows(folder: Path) -> None:
    scores, found = (pd.read_csv(folder / f"{name}.csv") for name in ("validation", "predictions"))
    keys = ["split", "model", "table"]
    mean = found.groupby(keys)[["crps", "log_score"]].mean()
    held = found.assign(
        coverage50=(found.observed >= found.q25) & (found.observed <= found.q75),
        coverage90=(found.observed >= found.q05) & (found.observed <= found.q95),
    ).groupby(keys)[["coverage50", "coverage90"]].mean()  # fmt: skip
    scores = scores.set_index(keys).sort_index()
    for column, expected in {**mean, **held}.items():
        assert scores[column].to_numpy() == pytest.approx(expected.sort_index().to_numpy(), rel=1e-8)


def test_the_table_begins_with_the_columns_that_were_promised(folder: Path) -> None:
    scores = pd.read_csv(folder / "validation.csv")
    first = ["split", "model", "crps", "log_score", "coverage50", "coverage90", "table", "rows"]
    assert list(scores.columns[:8]) == first
    assert set(scores.table) == {"as_printed", "reconciled"}
    assert set(scores.model) == set(TITLES)
    assert scores.groupby("split").rows.unique().map(list).to_dict() == {
        "later_years": [10], "left_out_region": [37], "left_out_row": [37],
    }  # fmt: skip


def test_every_observed_value_is_that_of_the_table(folder: Path) -> None:
    found = pd.read_csv(folder / "predictions.csv").query("table == 'as_printed' and split == 'left_out_row'")
    expected = {(row.region, row.year): log_roi(row) for row in table4()}
    for row in found.itertuples():
        assert row.observed == pytest.approx(expected[row.region, row.year], rel=1e-9)
    assert len(found) == 37 * len(TITLES)


def test_a_region_not_seen_has_the_pooled_prediction_under_region_means(folder: Path) -> None:
    found = pd.read_csv(folder / "predictions.csv").query("split == 'left_out_region'")
    one, two = (
        found.query(f"model == '{m}'")[["mean", "q05", "q95"]].to_numpy() for m in ("pooled", "region_mean")
    )
    assert (one == two).all()


def test_a_mean_with_clusters_is_the_jackknife_by_hand() -> None:
    values, regions = np.array([1.0, 2.0, 3.0, 10.0, 4.0]), ["a", "a", "b", "c", "d"]
    without = np.array([17 / 3, 17 / 4, 10 / 4, 16 / 4])
    error = math.sqrt(3 / 4 * ((without - without.mean()) ** 2).sum())
    found = clustered_mean(values, regions)
    assert found.estimate == 4.0
    assert found.half_width == pytest.approx(2.353363 * error, rel=1e-5)  # Student, 3 degrees of freedom
    assert math.isnan(clustered_mean(values, ["a", "a", "b", "c", "c"]).low)


def test_rows_that_share_a_region_make_the_interval_wider() -> None:
    rng = np.random.default_rng(1)
    regions = [str(k // 8) for k in range(64)]
    shared = np.repeat(rng.standard_normal(8), 8) + 0.1 * rng.standard_normal(64)
    alone = clustered_mean(shared, [str(k) for k in range(64)])
    assert clustered_mean(shared, regions).half_width > 2.0 * alone.half_width


def test_intervals_of_differences_hold_zero_about_as_often_as_they_say() -> None:
    """With the regions of Table 4 as clusters, whether rows of a region are alike or not."""
    rng = np.random.default_rng(0)
    regions = [row.region for row in table4()]
    number = np.unique(regions, return_inverse=True)[1]
    for alike in (0.0, 0.5):
        held = 0
        for _ in range(600):
            values = alike * rng.standard_normal(7)[number] + (1 - alike) * rng.standard_normal(37)
            found = clustered_mean(values, regions)
            held += found.low <= 0.0 <= found.high
        assert 0.84 < held / 600 < 0.95


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        (["tie", "unknown"], "equally well as far as these rows can tell"),
        (["tie", "better"], "a model of ours predicts better than the best simple rival"),
        (["worse", "tie"], "a simple rival predicts better"),
        (["worse", "better"], "a model of ours better than any rival in another"),
    ],
)
def test_verdicts_are_put_into_words_that_hide_nothing(verdicts: list[str], expected: str) -> None:
    assert expected in validate_summary._overall(verdicts)


def test_right_intervals_hold_so_many_rows_by_chance() -> None:
    assert chance_range(10) == (7, 10)
    low, high = chance_range(37)
    held = np.random.default_rng(3).binomial(37, 0.9, 20_000)
    assert np.mean((held >= low) & (held <= high)) >= 0.94


# --- the folder ----------------------------------------------------------------------------------


def test_the_folder_holds_what_is_promised(folder: Path) -> None:
    figures = {f"predictions_{split}.png" for split in SPLITS}
    assert {path.name for path in folder.iterdir()} == {*WHOLE, *figures, "manifest.json"}
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["tables"] == ["as_printed", "reconciled"]
    assert manifest["region_years"] == 37


def test_the_summary_says_who_is_best_how_sure_and_what_not_to_conclude(folder: Path) -> None:
    said = (folder / "summary.md").read_text()
    scores = pd.read_csv(folder / "validation.csv").query("table == 'as_printed'")
    ties = True
    for _, rows in scores.groupby("split"):
        ours = rows[~rows.is_rival].sort_values("crps").iloc[0]
        assert f"{TITLES[ours.model]}, CRPS {ours.crps:.3f}; best rival, {TITLES[ours.best_rival]}" in said
        ties &= ours.crps_difference_low <= 0 <= ours.crps_difference_high
    assert ties == ("no difference is more than noise" in said)
    for words in (
        "without any individually supported group", "number of years", "selected", "Ansan 2014", "Ulsan 2012",
        "Incheon 2008", "log ROI", "higher is better",
    ):  # fmt: skip
        assert words in said


def test_the_same_command_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    assert main(["study=validate", f"out={tmp_path}/r", "progress=false"]) == 0
    for path in folder.iterdir():
        if path.suffix in (".csv", ".png"):
            assert path.read_bytes() == (tmp_path / "r" / path.name).read_bytes(), path.name


def test_the_table_asked_for_comes_first() -> None:
    assert list(tables_of(load(["study=validate", "table=reconciled"]))) == ["reconciled", "as_printed"]


# --- one's own table -----------------------------------------------------------------------------

GOOD = [
    "north,40,2010.1-2012.12,2010,10,40,1,,41,4,4.1",
    "north,40,2010.1-2012.12,2011,12,50,1,,51,4.2,4.3",
    "north,40,2010.1-2012.12,2012,9,20,1,,21,2.2,2.3",
    "south,40,2010.1-2012.12,2011,20,150,1,,151,7.5,7.6",
]
HEAD = ",".join(COLUMNS)


def a_file(folder: Path, *lines: str) -> Path:
    path = folder / "own.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def run(folder: Path, path: Path) -> int:
    return main(["study=validate", f"results={path}", f"out={folder}/r", "progress=false", "figures=false"])


def test_one_s_own_table_takes_the_place_of_table_4(tmp_path: Path) -> None:
    path = a_file(tmp_path, HEAD, *GOOD)
    assert main(["study=validate", f"results={path}", f"out={tmp_path}/r", "progress=false"]) == 0
    scores = pd.read_csv(tmp_path / "r" / "validation.csv")
    assert set(scores.table) == {"own"}
    assert set(pd.read_csv(tmp_path / "r" / "predictions.csv").region) == {"north", "south"}
    assert (tmp_path / "r" / "summary.md").read_text().startswith("On your own table")
    manifest = json.loads((tmp_path / "r" / "manifest.json").read_text())
    assert list(manifest["inputs_sha256"]) == [str(path)]


def test_one_region_is_fitted_and_what_it_cannot_tell_is_said(tmp_path: Path) -> None:
    path = a_file(tmp_path, HEAD, *GOOD[:3])
    assert main(["study=validate", f"results={path}", f"out={tmp_path}/r", "progress=false"]) == 0
    said = (tmp_path / "r" / "summary.md").read_text()
    assert "With one region, how regions differ cannot be estimated" in said
    assert "Too few rows for: later years, left out region." in said
    assert "too few regions for an interval" in said
    estimates = pd.read_csv(tmp_path / "r" / "estimates.csv").set_index(["model", "parameter"])
    assert estimates.kept_of_prior[("partially_pooled", "tau")] > 0.9


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([HEAD.replace(",direct_eok", ""), *GOOD], "own.csv line 1: column 'direct_eok' is missing"),
        ([HEAD.replace("year,", "yaer,"), *GOOD], "own.csv line 1: column 'year' is missing"),
        ([f"{HEAD},note", *GOOD], "own.csv line 1: unknown column 'note'"),
        (
            [HEAD.replace(",", ";"), *GOOD],
            "own.csv line 1: has only one column; separate these by commas: region",
        ),
        (
            [HEAD, *GOOD[:2], GOOD[2].replace(",9,", ",0,")],
            "own.csv line 4: North 2012: investment must be above 0, but is 0 million KRW",
        ),
        (
            [HEAD, GOOD[0].replace(",10,", ",-10,"), *GOOD[1:]],
            "own.csv line 2: North 2010: investment must be above",
        ),
        (
            [HEAD, "", *GOOD[:3], GOOD[3].replace(",150,", ",much,")],
            "own.csv line 6: direct_eok must be a number such as 12.5, but is 'much'",
        ),
        (
            [HEAD, GOOD[0].replace(",10,", ",nan,"), *GOOD[1:]],
            "own.csv line 2: North 2010: investment must be",
        ),
        ([HEAD, GOOD[0].replace(",10,", ",,"), *GOOD[1:]], "own.csv line 2: investment_eok is empty"),
        (
            [HEAD, "", GOOD[0].replace(",40,1,", ",0,1,"), *GOOD[1:]],
            "own.csv line 3: North 2010: direct_eok must be above 0",
        ),
        (
            [HEAD, *GOOD, GOOD[1]],
            "own.csv line 6: North 2011 is listed twice, first on line 3; a region-year is one row",
        ),
        ([HEAD, GOOD[0] + ",7", *GOOD[1:]], "own.csv line 2: expected 11 cells"),
        (
            [HEAD, *GOOD[:2]],
            "own.csv: has 2 region-years; to learn from some and predict another takes 3 or more",
        ),
        ([HEAD], "own.csv: has 0 region-years"),
        ([""], "own.csv: is empty"),
    ],
)
def test_a_wrong_table_costs_one_sentence(
    lines: list[str], expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, a_file(tmp_path, *lines)) == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert said.err.startswith(f"cpdiffusion: {expected}")
    assert not (tmp_path / "r").exists()


def test_a_file_that_is_missing_or_another_study_costs_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, tmp_path / "nowhere.csv") == 2
    assert "nowhere.csv: there is no such file" in capsys.readouterr().err
    assert main(["study=audit", f"results={a_file(tmp_path, HEAD, *GOOD)}"]) == 2
    assert "only study=validate, calibrate and recover read it" in capsys.readouterr().err


# --- figures -------------------------------------------------------------------------------------


def prediction_figure(folder: Path, split: str) -> tuple[Figure, dict[str, Any], pd.DataFrame]:
    rows = pd.read_csv(folder / "predictions.csv").query(f"table == 'as_printed' and split == '{split}'")
    titles = {name: TITLES[name] for name in ("heavy_tailed", "partially_pooled")}
    rows = rows[rows.model.isin(list(titles))]
    made = figure(drawing.PREDICTIONS_WIDTH_INCHES, drawing.predictions_height_inches(rows.region.nunique()))
    panels = drawing.prediction_panels(made, rows, titles, "each region-year from all others")
    return made, panels, rows


def score_figure(folder: Path) -> Figure:
    scores = pd.read_csv(folder / "validation.csv").query("table == 'as_printed'")
    words = {split.name: split.words for split in splits(table4())}
    made = figure(drawing.SCORES_WIDTH_INCHES, drawing.scores_height_inches(len(TITLES)))
    drawing.score_panels(made, scores, TITLES, words)
    return made


def line(ax: Any, gid: str) -> Any:
    (found,) = [artist for artist in ax.get_children() if artist.get_gid() == gid]
    return found


@pytest.mark.parametrize("split", SPLITS)
def test_every_mean_and_every_observation_drawn_is_that_of_the_table(folder: Path, split: str) -> None:
    _, panels, rows = prediction_figure(folder, split)
    assert set(panels) == set(rows.region)
    for (region, model), own in rows.groupby(["region", "model"]):
        drawn = line(panels[region], f"mean {model} {region}")
        assert drawn.get_ydata() == pytest.approx(np.exp(own["mean"]).to_numpy())
        observed = line(panels[region], f"observed {region}")
        assert observed.get_xdata() == pytest.approx(own.year.to_numpy())
        assert observed.get_ydata() == pytest.approx(np.exp(own.observed).to_numpy())
        for band, low, high in (("band50", "q25", "q75"), ("band90", "q05", "q95")):
            ends = np.array(
                [s[:, 1] for s in line(panels[region], f"{band} {model} {region}").get_segments()]
            )
            assert ends == pytest.approx(np.exp(own[[low, high]].to_numpy()))


def test_every_dot_of_the_scores_is_that_of_the_table(folder: Path) -> None:
    scores = pd.read_csv(folder / "validation.csv").query("table == 'as_printed'")
    for ax, (_, own) in zip(score_figure(folder).axes, scores.groupby("split", sort=False), strict=True):
        for row in own.itertuples():
            best = row.model == row.best_rival
            (x,) = line(ax, f"dot {row.model}").get_xdata()
            assert x == pytest.approx(0.0 if best else row.crps_difference)
            if not best:
                ends = line(ax, f"interval {row.model}").get_xdata()
                assert list(ends) == pytest.approx([row.crps_difference_low, row.crps_difference_high])


def all_figures(folder: Path) -> list[Figure]:
    return [score_figure(folder), *(prediction_figure(folder, split)[0] for split in SPLITS)]


def test_no_text_overlaps_or_is_cut_off(folder: Path) -> None:
    for made in all_figures(folder):
        texts = visible_texts(made)
        boxes = [extent(text).padded(-1) for text in texts]
        for (a, one), (b, other) in itertools.combinations(zip(texts, boxes, strict=True), 2):
            assert not one.overlaps(other), (a.get_text(), b.get_text())
        edges = made.bbox.padded(1)
        for text, box in zip(texts, boxes, strict=True):
            assert edges.x0 <= box.x0 <= box.x1 <= edges.x1, text.get_text()
            assert edges.y0 <= box.y0 <= box.y1 <= edges.y1, text.get_text()
        assert min(float(text.get_fontsize()) for text in texts) >= 9


def test_a_figure_without_splits_says_so(folder: Path, tmp_path: Path) -> None:
    made = figure(8, 3)
    drawing.score_panels(made, pd.read_csv(folder / "validation.csv").iloc[:0], TITLES, {})
    assert "no split was possible" in [text.get_text() for text in visible_texts(made)]
    assert save(made, tmp_path / "none.png").exists()


def test_fits_are_counted_for_the_progress_bar() -> None:
    seen: list[int] = []
    room.validate("t", SMALL, METHODS[2:3], fitted=lambda: seen.append(1))
    assert len(seen) == sum(len(split.folds) for split in splits(SMALL))


def test_a_parameter_that_the_study_does_not_read_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["study=validate", "parameters.mean_log_return=1.2"]) == 2
    assert "parameters.mean_log_return: study=validate does not read it" in capsys.readouterr().err
