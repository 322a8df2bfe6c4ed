"""``study=efficiency``: Table 4 and a user's own table, files, figures, words and bad input."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cpdiffusion as cpd
from cpdiffusion.cli import main
from cpdiffusion.config import load
from cpdiffusion.evidence.table4 import table4
from cpdiffusion.plots import change, peers
from cpdiffusion.plots import efficiency as drawing
from cpdiffusion.plots.save import figure, save
from cpdiffusion.studies.efficiency.sets import ALL, CLEAN, REGION, REGION_YEAR, rows_of_table4
from cpdiffusion.studies.efficiency.study import Efficiency, efficiency
from cpdiffusion.studies.efficiency.summary import answer, summary
from test_plots import by_gid

QUICK = ["study=efficiency", "efficiency.bootstrap=50", "figures=false", "progress=false"]
COLUMNS = ["efficiency.unit=name", "efficiency.inputs=[money,staff]", "efficiency.outputs=[saved,adopters]"]
OWN = """name,year,money,staff,saved,adopters
부산,2012,10,3,40,5
부산,2013,12,3,30,7
B,2012,8,2,30,0
B,2013,9,2,10,2
C,2012,20,9,50,8
C,2013,22,9,50,9
D,2012,5,2,9,1
D,2013,5,2,9,2
E,2012,5,3,5,2
E,2013,5,3,6,2
"""


@pytest.fixture(scope="module")
def found() -> Efficiency:
    return efficiency(load(QUICK))


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.csv"
    path.write_text(OWN, encoding="utf-8")
    return path


def of_set(found: Efficiency, table: str, rows: str, level: str, orientation: str = "output") -> pd.DataFrame:
    t = found.table
    kept = (t.table == table) & (t.rows == rows) & (t.level == level) & (t.orientation == orientation)
    return t[kept].set_index("unit")


# --- Table 4 -------------------------------------------------------------------------------------


def test_both_tables_are_there_by_region_and_region_year_with_and_without_outliers(found: Efficiency) -> None:
    sizes = found.table.groupby(["table", "rows", "level"]).unit.nunique().to_dict()
    assert sizes == {
        ("as_printed", ALL, REGION): 7, ("as_printed", ALL, REGION_YEAR): 37,
        ("as_printed", CLEAN, REGION): 7, ("as_printed", CLEAN, REGION_YEAR): 34,
        ("reconciled", ALL, REGION): 7, ("reconciled", ALL, REGION_YEAR): 37,
        ("reconciled", CLEAN, REGION): 7, ("reconciled", CLEAN, REGION_YEAR): 35,
    }  # fmt: skip


def test_only_incheon_moves_between_the_tables(found: Efficiency) -> None:
    one, two = (of_set(found, table, ALL, REGION).crs for table in ("as_printed", "reconciled"))
    moved = (one - two).abs() > 1e-9
    assert list(one.index[moved]) == ["Incheon"]


def test_under_variable_returns_nothing_compares_the_seven_regions(found: Efficiency) -> None:
    rows = of_set(found, "as_printed", ALL, REGION)
    assert (rows.vrs == 1.0).all()
    assert rows.vrs_corrected.isna().all()
    assert (rows.units < rows.units_by_rule_of_thumb).all()
    assert "7 of 7" in answer(found)


def test_constant_returns_give_the_same_score_in_both_orientations(found: Efficiency) -> None:
    one = of_set(found, "as_printed", ALL, REGION_YEAR, "input").crs
    two = of_set(found, "as_printed", ALL, REGION_YEAR, "output").crs
    assert one.to_numpy() == pytest.approx(two.to_numpy(), abs=1e-9)


def test_intervals_lie_below_the_score_and_hold_the_corrected_one(found: Efficiency) -> None:
    t = found.table.dropna(subset=["crs_low"])
    assert len(t) > 100
    assert ((t.crs_low <= t.crs_corrected) & (t.crs_corrected <= t.crs_high)).all()
    assert (t.crs_high <= t.crs + 1e-9).all()


def test_the_doubted_row_is_left_out_as_printed_and_kept_reconciled(found: Efficiency) -> None:
    i = found.frame("influence").set_index(["table", "unit"])
    assert bool(i.loc[("as_printed", "Incheon 2008"), "left_out"])
    assert not bool(i.loc[("reconciled", "Incheon 2008"), "left_out"])
    assert bool(i.loc[("as_printed", "Ansan 2014"), "outlier"])


def test_a_region_stands_for_its_mean_year_so_that_a_long_life_is_no_size() -> None:
    units = rows_of_table4("as_printed").units
    listed = [row for row in table4() if row.region == "busan"]
    mean = sum(row.direct_mkrw for row in listed) / len(listed) / 100
    assert units.outputs[units.names.index("Busan"), 0] == pytest.approx(mean)


def test_peers_lie_on_the_frontier_and_units_on_it_have_none(found: Efficiency) -> None:
    p = found.peers
    p = p[(p.table == "as_printed") & (p.rows == ALL) & (p.level == REGION_YEAR) & (p.returns == "crs")]
    scores = of_set(found, "as_printed", ALL, REGION_YEAR).crs
    assert (scores[p.peer.unique()] == 1.0).all()
    assert set(p.unit) == set(scores[scores < 1.0].index)


def test_targets_are_reached_by_no_less_output_and_no_more_input(found: Efficiency) -> None:
    s = found.frame("slacks")
    outputs, inputs = s[s.kind == "output"], s[s.kind == "input"]
    assert (outputs.target >= outputs.value - 1e-6).all()
    assert (inputs.target <= inputs.value + 1e-6).all()
    assert (s.slack >= 0.0).all()


def test_the_index_of_a_pair_of_years_says_on_how_few_units_it_rests(found: Efficiency) -> None:
    m = found.frame("malmquist")
    first = m[(m.table == "as_printed") & (m.rows == ALL) & (m.before == 2007)]
    assert set(first.units_before) == {3}
    assert np.allclose(m["index"], m.efficiency_change * m.technical_change)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(own: Path) -> None:
    words = [*QUICK, f"efficiency.file={own}", *COLUMNS, "efficiency.period=year"]
    one, again, other = (efficiency(load([*words, w])) for w in ("workers=1", "workers=3", "seed=2"))
    assert again.table.to_csv() == one.table.to_csv()
    assert not np.allclose(other.table.crs_low.dropna(), one.table.crs_low.dropna(), atol=1e-6)


def test_the_summary_says_what_few_units_do_and_what_must_not_be_concluded(found: Efficiency) -> None:
    text = summary(found, "cpdiffusion study=efficiency")
    for said in ("What so few units do", "*not comparable*", "must not be concluded", "A zero output",
                 "not measured", "Ansan 2014", "the audit doubts it", "`study=allocate`"):  # fmt: skip
        assert said in text, said
    assert "nan" not in text.lower()


# --- a user's own table --------------------------------------------------------------------------


def test_own_units_are_compared_by_unit_and_by_year(own: Path) -> None:
    result = efficiency(load([*QUICK, f"efficiency.file={own}", *COLUMNS, "efficiency.period=year"]))
    assert {(s.level, s.units.size) for s in result.sets if s.rows == ALL} == {
        ("unit", 5),
        ("unit-period", 10),
    }
    assert "부산 2012" in set(result.table.unit)
    assert "own table" in answer(result)
    assert "nan" not in summary(result, "").lower()


def test_own_units_without_years_are_compared_once(own: Path) -> None:
    own.write_text("\n".join(line for line in OWN.splitlines() if ",2013," not in line), encoding="cp949")
    result = efficiency(load([*QUICK, f"efficiency.file={own}", *COLUMNS]))
    assert {s.level for s in result.sets} == {"unit"}
    assert result.frame("malmquist").empty
    assert result.table.unit.iloc[0] == "부산"


def test_two_units_are_enough_and_the_summary_says_that_no_interval_can_be_given(tmp_path: Path) -> None:
    path = tmp_path / "two.csv"
    path.write_text("name,a,b\nx,1,2\ny,2,1\n")
    words = [f"efficiency.file={path}", "efficiency.unit=name", "efficiency.inputs=a", "efficiency.outputs=b"]
    result = efficiency(load([*QUICK, *words]))
    assert result.table.crs.tolist() == pytest.approx([1.0, 0.25, 1.0, 0.25])
    assert "no interval is given" in summary(result, "")


def edited(old: str, new: str) -> str:
    assert old in OWN
    return OWN.replace(old, new)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (edited("B,2012,8", "B,2012,-8"), "line 4: input 'money' is -8; it must be a number from 0 up"),
        (edited("B,2012,8", "B,2012,eight"), "line 4: column 'money' is 'eight'; it must be a number"),
        (edited("B,2012,8", "B,2012,"), "line 4: column 'money' is empty; it must be a number"),
        (edited("B,2012,8", "B,2012,inf"), "line 4: column 'money' is inf; it must be a finite number"),
        (edited("B,2012,8", 'B,2012,"1,000"'), "without separators"),
        (edited("B,2012,8,2", "B,2012,8"), "line 4: has 5 cells, but the header has 6"),
        (edited("30,0\n", "0,0\n"), "line 4: every output of 'B 2012' is 0"),
        (edited("B,2013", "B,2012"), "line 5: the unit 'B' is there twice in 2012, first on line 4"),
        (edited("B,2012", ",2012"), "line 4: the unit has no name"),
        (edited("B,2012", "B,12th"), "column 'year' is '12th'; it must be a whole number"),
        (edited("name,year,money", "name,year,mony"), "there is no column 'money'; did you mean 'mony'?"),
        (edited("money,staff", "money,money"), "column 'money' occurs twice"),
        (OWN.replace(",", ";"), "has only one column; separate cells by commas"),
        (OWN.splitlines()[0], "has only a header; add a row for each unit"),
        ("", "is empty"),
        ("\n".join(OWN.splitlines()[:3]), "has one unit, '부산'; efficiency is relative"),
        ("\n".join(OWN.splitlines()[:2]), "efficiency is relative, so give two or more to compare"),
        ("\n".join([OWN.splitlines()[0], *(line.rsplit(",", 1)[0] + ",0" for line in OWN.splitlines()[1:])]),
         "output 'adopters' is 0 for every unit and tells nothing apart"),
    ],
)  # fmt: skip
def test_a_bad_table_costs_one_sentence(
    text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text, encoding="utf-8")
    words = [f"efficiency.file={path}", *COLUMNS, "efficiency.period=year", f"out={tmp_path / 'out'}"]
    assert main([*QUICK, *words]) == 2
    message = capsys.readouterr().err
    assert said in message
    assert message.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("name,a\n".encode("utf-16"), "is UTF-16 text; save it as CSV in UTF-8"),
        (b"name,a\n\xff\xfe\x80,1\n", "is not UTF-8 or CP949 text"),
        (b"PK\x03\x04workbook", "is a workbook; save it as CSV"),
    ],
)
def test_what_is_no_csv_text_costs_one_sentence(
    content: bytes, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    assert main([*QUICK, f"efficiency.file={path}", *COLUMNS]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["efficiency.inputs=[money]"], "names a column of efficiency.file, which is not given"),
        (["efficiency.file=own.csv"], "efficiency.unit: say which columns of own.csv these are"),
        (["efficiency.file=nowhere.csv", *COLUMNS], "there is no such file"),
        (["efficiency.file=own.csv", *COLUMNS, "efficiency.period=staff"], "'staff' is named twice"),
        (["efficiency.bootstrap=3"], "must be greater than or equal to 50"),
        (["efficiency.orientation=both"], "must be 'output' or 'input'"),
        (["parameters.mean_log_return=1"], "study=efficiency does not read it"),
        (["parameters=posterior"], "study=efficiency draws no parameters from a posterior"),
    ],
)
def test_settings_that_do_not_fit_cost_one_sentence(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*QUICK, *words]) == 2
    message = capsys.readouterr().err
    assert said in message
    assert message.count("\n") == 1


# --- files and figures ---------------------------------------------------------------------------


def test_the_folder_holds_tables_figures_summary_and_manifest(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main([*QUICK, "figures=true", f"out={out}"]) == 0
    assert {path.name for path in out.iterdir()} == {
        "efficiency.csv", "peers.csv", "slacks.csv", "influence.csv", "windows.csv", "malmquist.csv",
        "scores.png", "peers.png", "change.png", "summary.md", "manifest.json",
    }  # fmt: skip
    assert json.loads((out / "manifest.json").read_text())["outputs"] == [
        "direct_eok", "indirect_eok", "environmental_eok",
    ]  # fmt: skip


def test_a_users_file_is_in_the_manifest(own: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main([*QUICK, f"efficiency.file={own}", *COLUMNS, "efficiency.period=year", f"out={out}"]) == 0
    assert str(own) in json.loads((out / "manifest.json").read_text())["inputs_sha256"]


def test_the_figure_of_scores_shows_score_and_interval_of_every_unit(
    found: Efficiency, tmp_path: Path
) -> None:
    table = found.table
    table = table[(table.orientation == "output") & (table.rows == ALL)]
    drawn = figure(drawing.WIDTH_INCHES, drawing.height_inches(table))
    tables = {"as_printed": "as printed", "reconciled": "reconciled"}
    left, right = drawing.score_panels(drawn, table, tables, {REGION: "regions", REGION_YEAR: "years"})
    save(drawn, tmp_path / "a.png")
    assert len(by_gid(left, "score 0").get_xdata()) == 7
    assert len(by_gid(right, "score 1").get_xdata()) == 37
    low, high = by_gid(right, "interval as_printed Daegu 2012").get_xdata()
    row = of_set(found, "as_printed", ALL, REGION_YEAR).loc["Daegu 2012"]
    assert (low, high) == (row.crs_low, row.crs_high)


def test_the_map_of_peers_says_so_when_there_are_none(tmp_path: Path) -> None:
    drawn = figure(6, 4)
    nobody = pd.DataFrame(columns=["level", "unit", "peer", "weight"])
    (ax,) = peers.peer_maps(drawn, nobody, {REGION: "regions"})
    save(drawn, tmp_path / "a.png")
    assert any("nobody is held against another" in text.get_text() for text in ax.texts)


def test_the_figure_over_time_draws_a_line_per_region(found: Efficiency, tmp_path: Path) -> None:
    windows, index = (found.frame(name) for name in ("windows", "malmquist"))
    kept = [f[(f.table == "as_printed") & (f.rows == ALL)] for f in (windows, index)]
    drawn = figure(change.WIDTH_INCHES, change.HEIGHT_INCHES)
    left, right = change.change_panels(drawn, *kept, 3)
    save(drawn, tmp_path / "a.png")
    assert len(by_gid(left, "score Busan").get_xdata()) == 8
    assert len(by_gid(right, "index Busan").get_xdata()) == 7


def test_the_library_gives_the_same_as_the_command_line(own: Path) -> None:
    words = [*QUICK, f"efficiency.file={own}", *COLUMNS, "efficiency.period=year"]
    assert cpd.relative_efficiency(words[1:]).table.equals(efficiency(load(words)).table)
