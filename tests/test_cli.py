"""The command line as a user meets it: answers, folders, and one sentence for every mistake."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from cpdiffusion.cli import main
from cpdiffusion.config import known_keys, load
from cpdiffusion.errors import InputError
from cpdiffusion.studies.parameters import parameter_table

ROOT = Path(__file__).resolve().parents[1]
QUICK = [
    "parameters.firms_per_region=200", "replicates.at_least=20", "replicates.at_most=20",
    "horizon_years=6", "figures=false", "turning=false", "progress=false",
]  # fmt: skip


def cpdiffusion(*words: str) -> int:
    return main([*QUICK, *words])


def test_the_last_line_names_the_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cpdiffusion(f"out={tmp_path}/r") == 0
    lines = capsys.readouterr().out.strip().splitlines()
    assert lines[-1] == f"results: {tmp_path}/r"
    assert lines[0].startswith("In Ulsan over 6 years, with 600 million KRW a year")
    summary = (tmp_path / "r" / "summary.md").read_text()
    assert summary.startswith(lines[0])


def test_the_folder_holds_what_is_promised(tmp_path: Path) -> None:
    out = tmp_path / "r"
    assert main([w for w in QUICK if not w.startswith(("figures", "turning"))] + [f"out={out}"]) == 0
    tables = {"comparison.csv", "why.csv", "turning.csv", "roi.csv", "trajectories.parquet", "runs.parquet"}
    figures = {f"{n}.png" for n in ("adoption", "differences", "why", "network", "roi", "turning")}
    assert {p.name for p in out.iterdir()} == tables | figures | {"summary.md", "manifest.json"}
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["settings"]["region"] == "ulsan"
    assert set(manifest["files"]) == tables | figures | {"summary.md"}
    assert manifest["parameters"]["firms_per_region"] == 200
    comparison = pd.read_csv(out / "comparison.csv")
    assert set(comparison.scenario) == {"individual", "cluster_25"}


def test_the_same_seed_gives_the_same_bytes_with_one_and_two_workers(tmp_path: Path) -> None:
    for name, words in {"a": ["workers=1"], "b": ["workers=2"], "c": ["workers=2", "why=false"]}.items():
        assert cpdiffusion(*words, f"out={tmp_path}/{name}") == 0
    a, b, c = ((tmp_path / n / "comparison.csv").read_bytes() for n in "abc")
    assert a == b == c
    assert cpdiffusion("seed=2", f"out={tmp_path}/d") == 0
    assert (tmp_path / "d" / "comparison.csv").read_bytes() != a


def test_shares_in_why_add_up_to_the_difference(tmp_path: Path) -> None:
    assert cpdiffusion(f"out={tmp_path}/r") == 0
    why = pd.read_csv(tmp_path / "r" / "why.csv")
    table = pd.read_csv(tmp_path / "r" / "comparison.csv").set_index(["scenario", "outcome"])
    runs = pd.read_parquet(tmp_path / "r" / "runs.parquet").set_index(["scenario", "replicate"])
    first = runs.adopters.unstack(0).head(why.replicates.iloc[0])
    assert why.share.sum() == pytest.approx((first.cluster_25 - first.individual).mean(), rel=1e-6)
    assert table.loc[("cluster_25", "additional_adopters"), "difference"] == pytest.approx(
        (runs.adopters.unstack(0).cluster_25 - runs.adopters.unstack(0).individual).mean()
    )


def test_more_replicates_are_drawn_until_the_interval_is_narrow(tmp_path: Path) -> None:
    words = ["replicates.at_least=10", "replicates.at_most=2000"]
    half_widths = []
    for asked in (3.0, 1.0):
        out = tmp_path / str(asked)
        assert cpdiffusion(*words, f"replicates.half_width={asked}", "why=false", f"out={out}") == 0
        row = pd.read_csv(out / "comparison.csv").query(
            "scenario == 'cluster_25' and outcome == 'additional_adopters'").iloc[0]  # fmt: skip
        half_widths.append(0.5 * (row.difference_high - row.difference_low))
        assert half_widths[-1] <= asked
    assert half_widths[1] < half_widths[0]


def test_an_assumption_that_turns_the_answer_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Small cohorts share little: they lose to individual support once that is cheap."""
    words = ["scenarios=[individual,cluster_10]", "changes.cluster_10.cohort_size=8", "turning=true"]
    assert cpdiffusion(*words, "why=false", f"out={tmp_path}/r") == 0
    said = capsys.readouterr().out
    assert "It would turn" in said
    assert "`individual_advice_cost_mkrw`" in said
    turning = pd.read_csv(tmp_path / "r" / "turning.csv").set_index("parameter")
    assert turning.turns["individual_advice_cost_mkrw"]
    assert turning.difference_at_low["individual_advice_cost_mkrw"] < 0
    assert not turning.turns["exporter_share"]


def test_one_scenario_alone_is_described(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cpdiffusion("scenarios=individual", f"out={tmp_path}/r") == 0
    assert "additional adopters" in capsys.readouterr().out


def test_all_seven_regions_run_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cpdiffusion("region=all", "why=false", f"out={tmp_path}/r") == 0
    assert capsys.readouterr().out.startswith("In 7 regions")
    table = pd.read_csv(tmp_path / "r" / "comparison.csv").set_index(["scenario", "outcome"])
    assert table.loc[("individual", "public_money_mkrw"), "mean"] == pytest.approx(7 * 3000, rel=0.02)


def test_a_users_own_files_are_compared(tmp_path: Path) -> None:
    rows = [f"f{k},{'metal' if k % 3 else 'food'},c{k % 2},{20 + k}" for k in range(60)]
    (tmp_path / "firms.csv").write_text("firm,sector,complex,employees\n" + "\n".join(rows) + "\n")
    ties = [f"f{k},f{(k + j) % 60}" for k in range(60) for j in (1, 2, 5)]
    (tmp_path / "ties.csv").write_text("source,target\n" + "\n".join(ties) + "\n")
    files = [f"world.{name}={tmp_path}/{name}.csv" for name in ("firms", "ties")]
    assert cpdiffusion(*files, "levers.budget_mkrw_per_year=200", f"out={tmp_path}/r") == 0
    manifest = json.loads((tmp_path / "r" / "manifest.json").read_text())
    assert len(manifest["inputs_sha256"]) == 2


def test_every_setting_of_the_file_is_known() -> None:
    assert {"region", "world.firms", "replicates.half_width", "out"} <= set(known_keys())


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("regoin=ulsan", "regoin: there is no such setting; did you mean 'region'?"),
        ("region=ulsann", "region=ulsann: no such region; did you mean 'ulsan'?"),
        ("study=audt", "study=audt: there is no such study; did you mean 'audit'?"),
        ("scenarios=[cluster_26]", "there is no scenario 'cluster_26'; did you mean 'cluster_25'?"),
        ("levers.subsidy=0.2", "levers.subsidy: not known; did you mean 'subsidy_rate'?"),
        ("levers.subsidy_rate=1.5", "levers.subsidy_rate=1.5: must be less than or equal to 1."),
        ("changes.cluster_24.cohort_size=9", "changes.cluster_24: is not among the scenarios"),
        (
            "changes.cluster_25=9",
            "changes.cluster_25: write changes.<scenario>.<lever or instrument>=<value>.",
        ),
        ("changes.cluster_25.cohort_size=300", "cohort_size=300 is larger than the region (200 firms)"),
        ("parameters.review_rate=1", "not known; did you mean 'review_rate_per_quarter'?"),
        ("parameters.review_rate_per_quarter=7", "outside its range 0.1 to 1"),
        ("parameters.review_rate_per_quarter=x", "parameters.review_rate_per_quarter='x'"),
        ("parameters.firm_log_return_sd=nan", "parameters.firm_log_return_sd"),
        ("horizon_years=0", "horizon_years=0: must be greater than or equal to 1."),
        ("horizon_years=3", "the programme ends in year 5, after the horizon"),
        ("levers.budget_mkrw_per_year=5", "too small for one firm"),
        ("out=/etc/passwd", "is a file"),
        ("world.firms=nowhere.csv", "nowhere.csv"),
        ("seed=${oc.env:HOME}", "is not allowed"),
        ("+foo=1", "replaced, not added"),
        ("foo", "a setting is written name=value"),
        ("region=[ulsan", "cannot be read"),
        ("baseline=nix", "there is no scenario 'nix'"),
        ("levers._target_=os.system", "levers._target_: not known"),
    ],
)
def test_a_mistake_costs_one_sentence(
    words: str, expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cpdiffusion(f"out={tmp_path}/r", words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("cpdiffusion: ")
    assert said.err.count("\n") == 1
    assert expected in said.err
    assert not (tmp_path / "r").exists()


def test_an_earlier_result_is_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cpdiffusion(f"out={tmp_path}/r", "why=false") == 0
    assert cpdiffusion(f"out={tmp_path}/r", "why=false") == 2
    assert "not empty" in capsys.readouterr().err
    assert cpdiffusion(f"out={tmp_path}/r", "why=false", "overwrite=true") == 0


def test_a_mistake_has_no_traceback_in_a_real_process() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cpdiffusion", "regoin=ulsan"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_reader_that_stops_early_is_no_error() -> None:
    command = f"{sys.executable} -m cpdiffusion study=parameters | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("mean_log_return")
    assert done.stderr == ""


def test_the_audit_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["study=audit"]) == 0
    said = capsys.readouterr().out
    for words in ("Incheon 2008", "3,059.3", "97.8", "Ansan", "Reconciled means"):
        assert words in said


def test_the_parameters_are_printed_with_their_status(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["study=parameters"]) == 0
    said = capsys.readouterr().out
    assert "benefit_horizon_years = 3 years  [1 to 5]  assumed" in said


def test_the_parameter_table_in_the_documents_is_that_of_the_code() -> None:
    assert (ROOT / "docs" / "parameters.md").read_text(encoding="utf-8") == parameter_table()


def test_settings_are_immutable_and_checked_in_the_library_too() -> None:
    with pytest.raises(InputError, match="did you mean 'region'"):
        load(["regoin=busan"])
    settings = load(["region=busan"])
    with pytest.raises(ValueError, match="frozen"):
        settings.region = "ulsan"  # type: ignore[misc]
