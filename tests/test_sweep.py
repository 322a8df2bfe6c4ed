"""study=sweep: every point is the comparison that it stands for, and nothing that happens loses a run."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cpdiffusion as cpd
from cpdiffusion.cli import main
from cpdiffusion.config import folder_of, load
from cpdiffusion.errors import InputError
from cpdiffusion.factors.factor import factors_of
from cpdiffusion.runner.crew import compute
from cpdiffusion.runner.work import Chunk
from cpdiffusion.studies.replicate_work import ReplicateWork
from cpdiffusion.studies.sweep.opened import open_results
from cpdiffusion.studies.sweep.study import sweep_work
from cpdiffusion.studies.sweep.table import correlation_ratio, rank_correlation

SMALL = ["study=sweep", "parameters.firms_per_region=200", "horizon_years=6", "sweep.replicates=6",
         "workers=1", "progress=false"]  # fmt: skip
TWO = ["factors.levers.cohort_size=[5,20]", "factors.parameters.cohort_visibility=0.2..0.8",
       "sweep.design=grid", "sweep.levels=2"]  # fmt: skip


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sweep") / "it"
    assert main([*SMALL, *TWO, f"out={out}"]) == 0
    return out


def test_a_point_is_the_comparison_that_it_stands_for(swept: Path) -> None:
    opened = open_results(swept)
    runs, points = opened.runs(), opened.points
    assert len(points) == 4
    for row in points.to_dict("records"):
        words = [f"{key}={value}" for key, value in row.items() if key != "point"]
        fixed = ["parameters.firms_per_region=200", "horizon_years=6", "workers=1", "progress=false"]
        replicates = ["replicates.at_least=6", "replicates.at_most=6", "why=false", "turning=false"]
        alone = cpd.compare([*fixed, *replicates, *words]).runs
        mine = runs[runs.point == row["point"]].drop(columns="point")
        both = [f.sort_values(["scenario", "replicate"], ignore_index=True) for f in (alone, mine)]
        pd.testing.assert_frame_equal(both[0], both[1][both[0].columns], check_dtype=False, check_exact=True)


def test_the_folder_says_what_differs_and_what_goes_along_with_it(swept: Path) -> None:
    found = pd.read_csv(swept / "differences.csv")
    runs = open_results(swept).tidy(["additional_adopters"])
    row = found[(found.point == 3) & (found.outcome == "additional_adopters")].iloc[0]
    both = runs[runs.point == 3].pivot(index="replicate", columns="scenario", values="additional_adopters")
    assert row.difference == pytest.approx((both.cluster_25 - both.individual).mean())
    assert row.difference_low < row.difference < row.difference_high
    associated = pd.read_csv(swept / "factors.csv")
    assert set(associated.factor) == {"levers.cohort_size", "parameters.cohort_visibility"}
    assert (swept / "factors.png").stat().st_size > 10_000
    text = (swept / "summary.md").read_text()
    assert "4 points of 2 factors, 48 runs" in text
    assert "assumed" in text
    manifest = json.loads((swept / "manifest.json").read_text())
    assert manifest["runs"] == 48
    assert "runs.parquet" in manifest["files"]


@pytest.mark.parametrize("words", [["workers=2"], ["workers=3", "runner=local"]])
def test_workers_do_not_change_a_byte(words: list[str], swept: Path, tmp_path: Path) -> None:
    assert main([*SMALL, *TWO, f"out={tmp_path}/it", *words]) == 0
    for name in ("runs.parquet", "points.parquet", "differences.csv", "factors.csv", "ledger.csv"):
        assert (tmp_path / "it" / name).read_bytes() == (swept / name).read_bytes(), name


def test_units_are_the_same_however_replicates_are_cut() -> None:
    work = sweep_work(load([*SMALL, *TWO]), folder_of("scenarios"))
    pieces = ReplicateWork(work.ground, work.points, work.replicates, work.outcomes, 4)
    assert (work.units, pieces.units) == (4, 8)

    def rows(of: ReplicateWork) -> pd.DataFrame:
        keys = ["point", "scenario", "replicate"]
        return pd.DataFrame(of.run(0, of.units).columns).sort_values(keys, ignore_index=True)

    pd.testing.assert_frame_equal(rows(work), rows(pieces), check_exact=True)


def test_worlds_of_every_point_are_its_own(tmp_path: Path) -> None:
    """Parameters of the world vary: what is remembered of other points must not be used."""
    words = ["factors.parameters.long_tie_share=[0,0.5]", "factors.parameters.employees_median=[15,60]",
             "factors.region=[ulsan,ansan]", "sweep.design=grid", "sweep.outcomes=[adopters]"]  # fmt: skip
    work = sweep_work(load([*SMALL, *words]), folder_of("scenarios"))
    together = work.run(0, work.units).columns["adopters"].reshape(work.units, -1)
    for unit in range(work.units):
        fresh = sweep_work(load([*SMALL, *words]), folder_of("scenarios"))
        assert np.array_equal(fresh.run(unit, 1).columns["adopters"], together[unit])
    assert len({row.tobytes() for row in together}) == work.units


def test_draws_of_a_posterior_are_those_of_a_comparison() -> None:
    words = ["parameters=posterior", "sweep.replicates=8", "factors.changes.cluster_25.cohort_size=[10]"]
    work = sweep_work(load([*SMALL, *words]), folder_of("scenarios"))
    mine = pd.DataFrame(work.run(0, work.units).columns)
    alone = cpd.compare(
        ["parameters.firms_per_region=200", "horizon_years=6", "parameters=posterior", "why=false",
         "replicates.at_least=8", "replicates.half_width=99", "turning=false", "progress=false",
         "changes.cluster_25.cohort_size=10"]
    ).runs  # fmt: skip
    both = [f.sort_values(["scenario", "replicate"], ignore_index=True) for f in (alone, mine)]
    assert len(mine) == 16
    pd.testing.assert_frame_equal(both[0], both[1][both[0].columns], check_dtype=False, check_exact=True)


# --- failures -------------------------------------------------------------------------------------


def test_a_point_that_cannot_be_costs_no_other_and_says_how_to_repeat_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*SMALL, "factors.levers.cohort_size=[20,400]", "sweep.design=grid", f"out={tmp_path}/it"]
    assert main(words) == 0
    ledger = pd.read_csv(tmp_path / "it" / "ledger.csv")
    assert ledger.state.tolist() == ["done", "failed"]
    assert "larger than the region (200 firms)" in ledger.reason[1]
    assert set(open_results(tmp_path / "it").runs().point) == {0}
    opened = open_results(tmp_path / "it").ledger
    assert opened.point[opened.state == "failed"].tolist() == [1]
    again = shlex.split(ledger.command[1])
    assert again[:2] == ["cpdiffusion", "study=compare"]
    assert "levers.cohort_size=400" in again
    capsys.readouterr()
    assert main([*again[1:], f"out={tmp_path}/again"]) == 2
    assert "larger than the region (200 firms)" in capsys.readouterr().err


def test_the_first_point_may_be_the_one_that_cannot_be(tmp_path: Path) -> None:
    assert main([*SMALL, "factors.levers.cohort_size=[400,20]", f"out={tmp_path}/it"]) == 0
    assert pd.read_csv(tmp_path / "it" / "ledger.csv").state.tolist() == ["failed", "done"]


def test_a_sweep_of_nothing_but_failures_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*SMALL, "factors.levers.cohort_size=[400,300]", f"out={tmp_path}/it"]) == 2
    assert "no point can be computed; the first because of this: " in capsys.readouterr().err


def test_a_point_that_fails_in_some_replicates_only_is_left_out_of_the_tables(tmp_path: Path) -> None:
    from cpdiffusion.runner.shards import Shards, as_parquet
    from cpdiffusion.studies.sweep.opened import Opened
    from cpdiffusion.studies.sweep.table import levels

    work = sweep_work(load([*SMALL, *TWO]), folder_of("scenarios"))
    halves = ReplicateWork(work.ground, work.points, work.replicates, work.outcomes, 3)
    shards = Shards(tmp_path)
    for unit in (*range(6), 7):  # the second block of point 2 is not there
        shards.write(Chunk(unit, 1), as_parquet(halves.run(unit, 1)))
    points, found = levels(Opened(tmp_path), "adopters", ["individual", "cluster_25"])
    assert points.tolist() == [0, 1, 3]
    assert {values.shape for values in found.values()} == {(3, 6)}


def test_a_fault_in_the_model_costs_only_its_point(monkeypatch: pytest.MonkeyPatch) -> None:
    work = sweep_work(load([*SMALL, *TWO]), folder_of("scenarios"))
    plan = type(work.ground).plan

    def faulty(ground: object, point: dict[str, object]) -> object:
        if point["levers.cohort_size"] == 20:
            raise ZeroDivisionError("a fault of ours")
        return plan(ground, point)  # type: ignore[arg-type]

    monkeypatch.setattr(type(work.ground), "plan", faulty)
    done = work.run(0, 4)
    assert [f.unit for f in done.failed] == [2, 3]
    assert "ZeroDivisionError: a fault of ours" in done.failed[0].reason
    assert set(done.columns["point"]) == {0, 1}


BAD = [
    ([], "factors: nothing varies"),
    (["factors.levers.cohort_sise=5..60"], "did you mean 'levers.cohort_size'"),
    (["factors.levers.cohort_size=60..5"], "is an empty range"),
    (["factors.levers.cohort_size=[]"], "holds no value"),
    (["sweep.file=none.csv"], "there is no file none.csv"),
    ([*TWO, "sweep.outcomes=[adoptors]"], "did you mean 'adopters'"),
    ([*TWO, "sweep.design=random"], "sweep.design='random'"),
    ([*TWO, "sweep.points=0"], "sweep.points=0"),
    (["factors.levers.cohort_size=5..60", "sweep.design=list"], "is a range"),
    (
        ["runner=dask", "dask.address=tcp://127.0.0.1:9", "dask.wait_seconds=1", *TWO],
        "no Dask scheduler answers",
    ),
    (["runner=slurm", *TWO], "runner='slurm'"),
]


@pytest.mark.parametrize(("words", "said"), BAD)
def test_bad_input_is_one_sentence(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*SMALL, *words, f"out={tmp_path}/it"]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1
    assert "Traceback" not in told
    assert not (tmp_path / "it").exists()


def test_a_design_too_large_for_the_disk_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1_000_000))
    words = [*SMALL, "factors.levers.subsidy_rate=0..0.5", "sweep.points=500", f"out={tmp_path}/it"]
    assert main(words) == 2
    told = capsys.readouterr().err
    assert "6,000 runs need about" in told
    assert "1.0 MB free" in told


def test_a_dry_run_says_how_much_there_is_to_do_and_does_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*SMALL, *TWO, f"out={tmp_path}/it", "sweep.dry_run=true"]) == 0
    told = capsys.readouterr().out
    assert "4 points x 2 scenarios (individual, cluster_25) x 6 replicates = 48 runs" in told
    assert "on 1 worker and" in told
    assert not list(tmp_path.iterdir())


# --- going on -------------------------------------------------------------------------------------


def unfinished(folder: Path, units: int) -> Path:
    """A sweep of which some units are done, as a kill leaves it."""
    assert main([*SMALL, *TWO, f"out={folder}/it"]) == 0  # for what it asks
    from cpdiffusion.runner.shards import Shards
    from cpdiffusion.runner.unfinished import take_up
    from cpdiffusion.studies.sweep.study import asked_for

    settings = load([*SMALL, *TWO])
    work = sweep_work(settings, folder_of("scenarios"))
    state = take_up(folder / "half", asked_for(work, settings))
    Shards(state).write(Chunk(0, units), compute(work, Chunk(0, units)).shard)
    return state


def test_another_command_does_not_go_on_with_an_unfinished_sweep(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = unfinished(tmp_path, 3)
    for words, key in ((["seed=2"], "seed"), (["sweep.replicates=7"], "sweep.replicates"),
                       (["levers.subsidy_rate=0.1"], "levers.subsidy_rate")):  # fmt: skip
        assert main([*SMALL, *TWO, *words, f"out={tmp_path}/half"]) == 2
        assert f"{key}: unfinished work was begun with" in capsys.readouterr().err
    assert len(list(state.glob("units-*"))) == 1


def test_the_same_command_goes_on_and_ends_with_the_same_bytes(
    swept: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = unfinished(tmp_path, 3)
    capsys.readouterr()
    assert main([*SMALL, *TWO, f"out={tmp_path}/half", "sweep.dry_run=true"]) == 0
    assert "36 runs are done" in capsys.readouterr().out
    assert main([*SMALL, *TWO, f"out={tmp_path}/half", "workers=2"]) == 0
    assert (tmp_path / "half" / "runs.parquet").read_bytes() == (swept / "runs.parquet").read_bytes()
    assert not state.exists()


def test_an_interrupt_says_what_is_kept_and_how_to_go_on(tmp_path: Path) -> None:
    """A real Ctrl-C to the whole group of a real command with two workers, while it is at work."""
    words = ["study=sweep", "parameters.firms_per_region=200", "sweep.replicates=400", "sweep.points=64",
             "factors.levers.subsidy_rate=0..0.5", "sweep.outcomes=[adopters]", "workers=2",
             f"out={tmp_path}/it"]  # fmt: skip
    command = [sys.executable, "-m", "cpdiffusion", *words]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    state = tmp_path / ".it.unfinished"
    while not list(state.glob("units-*")) and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    told = process.communicate(timeout=120)[1]
    assert process.returncode == 130
    assert "and the same command goes on from there" in told
    assert "Traceback" not in told
    ledger = pd.read_csv(state / "ledger.csv")
    assert set(ledger.state) <= {"done", "to do"}
    done = (ledger.state == "done").sum() * 800
    assert f"interrupted; {done:,} of 51,200 runs are kept" in told


# --- opened ---------------------------------------------------------------------------------------


def test_results_are_queried_in_sql_with_levers_as_values(swept: Path) -> None:
    pytest.importorskip("duckdb")
    opened = cpd.open_results(swept)
    asked = (
        'select "levers.cohort_size" as size, avg(adopters) as adopters from results '
        "where scenario = 'cluster_25' group by size order by size"
    )
    found = opened.query(asked)
    tidy = opened.tidy(["adopters"])
    expected = tidy[tidy.scenario == "cluster_25"].groupby("levers.cohort_size").adopters.mean()
    assert found.adopters.tolist() == pytest.approx(expected.tolist())
    assert found["size"].tolist() == [5, 20]
    with pytest.raises(InputError, match="query: "):
        opened.query("select nothing from nowhere")


def test_a_folder_without_a_sweep_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no results of a sweep"):
        cpd.open_results(tmp_path)


# --- what goes along with the difference ----------------------------------------------------------


def test_a_correlation_ratio_sees_what_goes_up_and_down_again() -> None:
    x = np.repeat(np.arange(5), 40)
    noise = np.random.default_rng(1).normal(0, 0.1, x.size)
    assert correlation_ratio(x, (x - 2.0) ** 2 + noise) > 0.98
    assert abs(rank_correlation(x, (x - 2.0) ** 2 + noise)) < 0.1
    assert correlation_ratio(x, noise) < 0.1
    assert rank_correlation(x, 3.0 * x + noise) > 0.95


def test_the_commands_and_the_query_of_the_guide_work(
    swept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guide = (Path(__file__).parents[1] / "docs" / "sweeps.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text("study: sweep\nfactors.levers.cohort_size: 5..60\n")
    Path("points.csv").write_text("levers.cohort_size\n5\n")
    commands = re.findall(r"^cpdiffusion (?:.*\\\n)*.*$", guide.replace("    #", "  #"), flags=re.MULTILINE)
    assert len(commands) > 5
    for command in commands:
        words = shlex.split(command.replace("\\\n", " "), comments=True)[1:]
        if "study=replicates" not in words:
            sweep_work(load(words), folder_of("scenarios"))
    pytest.importorskip("duckdb")
    (sql,) = re.findall(r'query\("""(.*?)"""\)', guide, flags=re.DOTALL)
    assert open_results(swept).query(sql)["size"].tolist() == [5, 5, 20, 20]


# --- settings in a file ---------------------------------------------------------------------------


def test_a_file_of_settings_says_what_words_would_say(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        "study: sweep\nregion: busan\nfactors:\n  levers.cohort_size: 5..60\n  parameters:\n"
        "    cohort_visibility:\nsweep: {points: 8}\nscenarios: [none, cluster_25]\n"
    )
    words = ["study=sweep", "region=busan", "factors.levers.cohort_size=5..60", "sweep.points=8",
             "factors.parameters.cohort_visibility=null", "scenarios=[none,cluster_25]"]  # fmt: skip
    assert load([str(file)]) == load(words)
    assert load([str(file), "sweep.points=9", "region=daegu"]) == load(
        [*(w for w in words if "points" not in w and "region" not in w), "sweep.points=9", "region=daegu"]
    )


def test_settings_of_a_manifest_are_a_file_of_settings(swept: Path, tmp_path: Path) -> None:
    import yaml

    file = tmp_path / "again.yaml"
    settings = json.loads((swept / "manifest.json").read_text())["settings"]
    file.write_text(yaml.safe_dump(settings, allow_unicode=True))
    assert main([str(file), f"out={tmp_path}/it"]) == 0
    assert (tmp_path / "it" / "runs.parquet").read_bytes() == (swept / "runs.parquet").read_bytes()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("regoin: busan\n", "mine.yaml: there is no setting 'regoin'; did you mean 'region'?"),
        ("region: !!python/object:os.system x\n", "the tag"),
        ("- region\n", "must hold 'name: value' lines"),
        ("factors: 5\n", "factors=5"),
    ],
)
def test_a_file_of_settings_that_is_wrong_is_one_sentence(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(InputError, match=said.replace("?", r"\?")):
        load([str(tmp_path / "mine.yaml")])


def test_factors_of_a_sweep_reach_the_library() -> None:
    assert [f.key for f in factors_of(load([*SMALL, *TWO]).factors)] == [
        "levers.cohort_size", "parameters.cohort_visibility",
    ]  # fmt: skip
