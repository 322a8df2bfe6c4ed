"""The benchmark compares like with like, and writes down what it measured."""

from __future__ import annotations

import csv
import math
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import figures, floor, memory, tables
from bench.bench import main
from bench.contestants.bass import CONTESTANTS
from bench.effort import QUICK, Effort
from bench.engines import (
    ARRAYS,
    COUNTED,
    FLOOR,
    OURS,
    PLAIN,
    PLAIN_TUNED,
    VIEW,
    Engine,
    OwnRuns,
    Run,
    engines_of,
    require_same_on_threads,
)
from bench.instruments import TEN
from bench.jobs import BASS, COHORTS, SEVEN, Job, Task
from bench.plain_mesa import PlainFirm, PlainMesa
from bench.rounds import Rounds, rounds
from bench.stepped_mesa import SteppedMesa
from bench.timing import apart
from cpdiffusion import draws
from cpdiffusion.draws import replicate_seeds
from cpdiffusion.engine.mesa_model import DiffusionModel, Firm
from cpdiffusion.engine.run import room_for, run_into
from cpdiffusion.engine.setting import Setting, columns_of, rule_of
from cpdiffusion.engine.state import Flow, new_state
from cpdiffusion.instruments.catalogue import CATALOGUE
from cpdiffusion.parameters import Parameters, parameters
from cpdiffusion.policy.design import Design, design_of
from cpdiffusion.policy.levers import Levers
from cpdiffusion.policy.programme import programme_of
from cpdiffusion.policy.targeting import priority
from cpdiffusion.world.world import Recipe, World

QUARTERS = 40
SEEDS = 40


def parameters_with(**changes: float) -> Parameters:
    return Parameters({**parameters(), **changes})


# --- plain Mesa without luck: firm by firm -----------------------------------------------------------

NO_LUCK = parameters_with(
    firms_per_region=100,
    review_rate_per_quarter=1.0,
    act_anyway_probability=0.0,
    region_year_log_return_sd=0.0,
    queue_dropout_per_quarter=0.0,
    diagnosis_noise_sd=1e-6,
    # and enough going on to compare
    prior_mean_log_return=0.5,
    complex_visibility=0.6,
    sector_visibility=0.6,
    hassle_cost_share=0.05,
    liquidity_ratio_median=5.0,
    complementarity_log_return=0.3,
    reveal_lag_quarters=3,
    cohort_exchanges_per_quarter=1,
)
REGIONAL_MEAN = np.array([1.5, 2.0])

BY_SIZE = {"targeting": "large", "cohort_size": 10}
DESIGNS = {
    "none": Levers(),
    "individual": Levers(support="individual", **BY_SIZE),
    "cluster": Levers(support="cluster", **BY_SIZE),
    "everything": Levers(
        support="cluster", subsidy_rate=0.5, integrated_safety=1.0, adviser_skill=1.5,
        adviser_capacity_firms_per_quarter=3, first_year=2, programme_years=3, **BY_SIZE,
    ),
}  # fmt: skip


def world_without_lots() -> World:
    """Two regions without two firms of one size, so that targeting by size leaves no lot."""
    world = Recipe(("ulsan", "busan")).build(3, NO_LUCK)
    sizes = np.random.default_rng(1).permutation(world.size).astype(np.int32) + 5
    return replace(world, firms=world.firms._replace(employees=sizes))


def both_models(
    levers: Levers, p: Parameters = NO_LUCK, style: type[PlainMesa] = PlainMesa
) -> tuple[DiffusionModel, PlainMesa]:
    given: dict[str, Any] = {
        "world": world_without_lots(), "parameters": NO_LUCK, "design": design_of(levers),
        "seed": 1, "regional_mean": REGIONAL_MEAN,
    }  # fmt: skip
    engine, plain = DiffusionModel(**given), style(**{**given, "parameters": p})
    for _ in range(QUARTERS):
        engine.step()
        plain.step()
    return engine, plain


def in_row_order(model: DiffusionModel | PlainMesa) -> list[Any]:
    return sorted(model.agents, key=lambda firm: firm.row)


def fates(model: DiffusionModel | PlainMesa) -> list[tuple[int | None, int]]:
    """Adoption quarter and peers' results seen of each firm."""
    seen = "results_seen" if isinstance(model, DiffusionModel) else "examples_seen"
    return [(firm.adoption_quarter, getattr(firm, seen)) for firm in in_row_order(model)]


def beliefs_and_returns(model: DiffusionModel | PlainMesa) -> np.ndarray:
    """Mean and precision of each belief, and the realised log return; shape (N, 3)."""
    of = belief_in_engine if isinstance(model, DiffusionModel) else belief_in_plain_mesa
    return np.array([of(firm) for firm in in_row_order(model)])


def belief_in_engine(firm: Firm) -> tuple[float, float, float]:
    log_return = math.nan if firm.log_return is None else firm.log_return
    return firm.mean_log_return, firm.sd**-2, log_return


def belief_in_plain_mesa(firm: PlainFirm) -> tuple[float, float, float]:
    return firm.belief_mean, firm.belief_precision, firm.log_return


def largest_difference(one: DiffusionModel, other: PlainMesa) -> float:
    apart = np.abs(beliefs_and_returns(one) - beliefs_and_returns(other))
    return float(np.nanmax(apart))


@pytest.mark.parametrize("style", [PlainMesa, SteppedMesa])
@pytest.mark.parametrize("levers", DESIGNS.values(), ids=DESIGNS)
def test_without_luck_every_firm_learns_and_does_the_same(levers: Levers, style: type[PlainMesa]) -> None:
    engine, plain = both_models(levers, style=style)
    assert len({quarter for quarter, _ in fates(engine)}) > 5, "too little happens to compare"
    assert fates(engine) == fates(plain)
    assert largest_difference(engine, plain) < 1e-9
    assert engine.supported_firms == plain.supported
    assert engine.public_money_mkrw == pytest.approx(plain.public_money_mkrw)
    assert engine.direct_benefit_mkrw == pytest.approx(plain.direct_mkrw, rel=1e-9)


NOTICEABLE = (
    "prior_mean_log_return", "complex_visibility", "cross_sector_similarity", "cohort_noise_sd",
    "cohort_visibility", "published_visibility", "complementarity_log_return",
)  # fmt: skip


@pytest.mark.parametrize("name", NOTICEABLE)
def test_without_luck_a_change_of_one_parameter_is_noticed(name: str) -> None:
    engine, plain = both_models(DESIGNS["cluster"], parameters_with(**{**NO_LUCK, name: 0.45}))
    assert largest_difference(engine, plain) > 1e-3


# --- plain Mesa with luck: on average ------------------------------------------------------------

FLOWS = {
    "adopters": (Flow.ADOPTERS,),
    "supported": (Flow.SUPPORTED,),
    "supported_adopters": (Flow.SUPPORTED_ADOPTERS,),
    "public_money_mkrw": (Flow.ADVICE, Flow.SUBSIDY),
    "private_investment_mkrw": (Flow.PRIVATE_INVESTMENT,),
    "direct_mkrw": (Flow.DIRECT,),
    "indirect_mkrw": (Flow.INDIRECT,),
    "environmental_mkrw": (Flow.ENVIRONMENTAL,),
    "accidents": (Flow.ACCIDENTS,),
    "accidents_avoided": (Flow.ACCIDENTS_AVOIDED,),
}
WITH_LUCK = parameters_with(firms_per_region=200)
MEAN = np.array([WITH_LUCK.mean_log_return])
Figures = dict[str, np.ndarray]  # name -> one value per seed


def world_with_lots() -> World:
    return Recipe(("ulsan",)).build(7, WITH_LUCK)


def engine_figures(design: Design, p: Parameters) -> Figures:
    world = world_with_lots()
    setting = Setting(columns_of(world, p, MEAN), rule_of(p), programme_of(design, p))
    runs = room_for(SEEDS, world.size, 1, QUARTERS)
    first, seeds = priority(design.targeting, world), replicate_seeds(1, 0, SEEDS)
    run_into(runs, new_state(world.size, 1, QUARTERS), setting, seeds, first)
    return {name: runs.flow[..., list(flows)].sum(axis=(1, 2, 3)) for name, flows in FLOWS.items()}


def plain_figures(design: Design, p: Parameters) -> Figures:
    models = [
        PlainMesa(world=world_with_lots(), parameters=p, design=design, seed=seed, regional_mean=MEAN)
        for seed in range(SEEDS)
    ]
    for model in models:
        for _ in range(QUARTERS):
            model.step()
    return {name: np.array([getattr(model, name) for model in models]) for name in FLOWS}


def standard_errors_apart(one: Figures, other: Figures) -> dict[str, float]:
    """Differences of means in standard errors of the difference; exact agreement is 0."""
    apart = {}
    for name in FLOWS:
        difference = one[name].mean() - other[name].mean()
        error = np.sqrt((one[name].var(ddof=1) + other[name].var(ddof=1)) / SEEDS)
        apart[name] = 0.0 if abs(difference) < 1e-6 else abs(difference) / max(error, 1e-6)
    return apart


@pytest.fixture(scope="module", params=["individual", "cluster"])
def design(request: pytest.FixtureRequest) -> Design:
    return design_of(Levers(support=request.param, subsidy_rate=0.2, integrated_safety=1.0))


@pytest.fixture(scope="module")
def plain(design: Design) -> Mapping[str, np.ndarray]:
    return plain_figures(design, WITH_LUCK)


def test_over_seeds_both_agree_on_adopters_money_benefits_and_accidents(
    design: Design, plain: Figures
) -> None:
    apart = standard_errors_apart(engine_figures(design, WITH_LUCK), plain)
    assert max(apart.values()) < 4, apart


def test_over_seeds_a_clear_change_of_one_parameter_is_noticed(design: Design, plain: Figures) -> None:
    hopeful = Parameters({**WITH_LUCK, "prior_mean_log_return": 0.5})
    apart = standard_errors_apart(engine_figures(design, hopeful), plain)
    assert apart["adopters"] > 6, apart
    assert apart["accidents"] < 4, "accidents have nothing to do with beliefs"


# --- every engine does the job -------------------------------------------------------------------

RUNS = range(24)


def adopters(engine: Engine, task: Task) -> np.ndarray:
    """At the end of each run."""
    return np.array([engine.make(task, range(seed, seed + 1))()[0] for seed in RUNS])


def errors_apart(one: np.ndarray, other: np.ndarray) -> float:
    """Difference of means in standard errors."""
    return float(abs(one.mean() - other.mean()) / np.sqrt((one.var(ddof=1) + other.var(ddof=1)) / len(RUNS)))


def that_do(job: Job) -> list[Engine]:
    return [
        engine for engine in engines_of(job) if engine.name not in (FLOOR, COUNTED) and engine.threads == 1
    ]


@pytest.mark.parametrize("job", [COHORTS, BASS], ids=["cohorts", "bass"])
def test_all_engines_of_a_job_end_with_as_many_adopters(job: Job) -> None:
    task = job.task(150, QUARTERS)
    ours, *others = that_do(job)
    expected = adopters(ours, task)
    apart_by = {engine.name: errors_apart(adopters(engine, task), expected) for engine in others}
    assert len(apart_by) >= 4
    assert max(apart_by.values()) < 4, apart_by


def test_another_job_would_be_noticed() -> None:
    ours, numpy = (next(e for e in that_do(BASS) if e.name == name) for name in (OURS, "numpy + scipy"))
    task = BASS.task(150, QUARTERS)
    slower = replace(task, parameters=Parameters({**task.parameters, "bass_imitation_per_quarter": 0.05}))
    assert errors_apart(adopters(numpy, slower), adopters(ours, task)) > 5


def test_two_threads_give_the_same_runs_bit_for_bit() -> None:
    require_same_on_threads(COHORTS.task(60, 8))


def test_a_thread_that_does_nothing_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    run_stretch = OwnRuns.run_stretch
    monkeypatch.setattr(OwnRuns, "run_stretch", lambda self, number: number or run_stretch(self, number))
    with pytest.raises(RuntimeError, match="differs on 2 threads"):
        require_same_on_threads(COHORTS.task(60, 8))


def test_seven_regions_each_have_the_programme() -> None:
    task = SEVEN.task(420, 8)
    assert (task.firms, task.world.regions) == (420, SEVEN.regions)
    runs = OwnRuns(task, range(1), 1)
    runs()
    assert (runs.runs.flow[0, :, :, Flow.SUPPORTED].sum(axis=1) > 0).all()


def test_the_floor_lists_those_whose_draw_is_below_the_rate() -> None:
    seed, quarters, came_up = replicate_seeds(1, 0, 1)[0], 3, np.zeros(50, np.int32)
    with np.errstate(over="ignore"):
        keys = [draws.stream(seed, floor.REVIEW, quarter) for quarter in range(quarters)]
        expected = [[firm for firm in range(50) if draws.uniform(key, firm) < 0.25] for key in keys]
        total = sum(map(len, expected))
        assert floor.listed(seed, quarters, 0.25, came_up) == total == floor.counted(seed, quarters, 0.25, 50)
    assert came_up[: len(expected[-1])].tolist() == expected[-1]


# --- measuring -----------------------------------------------------------------------------------


def memory_of(mib: int) -> float:
    memory.forget_peak()
    before = memory.peak_mib()
    np.ones(mib << 17)
    return memory.peak_mib() - before


forks = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


@forks
def test_peak_memory_is_what_was_held_at_one_time() -> None:
    assert apart(lambda: memory_of(64)) == pytest.approx(64, abs=4)


def test_the_memory_of_a_command_is_not_that_of_whoever_starts_it() -> None:
    ballast = np.ones(200 << 17)
    seconds, peak = memory.run_command([sys.executable, "-c", "x = bytearray(50 << 20)"], os.environ)
    assert seconds > 0
    assert 50 < peak < 150 < ballast.nbytes / 2**20


def test_a_command_that_fails_tells_why() -> None:
    command = "import sys; print('no such luck', file=sys.stderr); sys.exit(3)"
    with pytest.raises(RuntimeError, match="ended with 3: no such luck"):
        memory.run_command([sys.executable, "-c", command], os.environ)


@forks
def test_a_measurement_that_fails_is_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError, match="shown above"):
        apart(lambda: 1 // 0)
    assert "ZeroDivisionError" in capfd.readouterr().err


def make_nothing(task: Task, seeds: range) -> Run:
    return lambda: [0 for _ in seeds]


IDLE = {name: Engine(name, make_nothing, 1.0) for name in (FLOOR, "quick", "slow")}


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Turns in this process: looking through all of pytest for rubbish takes long, and here is none."""
    monkeypatch.setattr("bench.rounds.apart", lambda function: function())
    monkeypatch.setattr("gc.collect", lambda: 0)


def rounds_after(effort: Effort, seconds_per_firm: dict[str, float]) -> Rounds:
    task = COHORTS.task(60, 4)
    smaller = Rounds([], {}, seconds_per_firm, {})
    return rounds(task, task, list(IDLE.values()), effort, smaller)


def test_an_engine_that_would_take_too_long_is_left_out_of_this_size_and_larger_ones(here: None) -> None:
    of = rounds_after(QUICK, {"quick": 0.5, "slow": 2.0})
    assert of.left_out == {"slow": 120.0}
    assert {turn.engine for turn in of.turns} == {FLOOR, "quick"}
    assert "left out: slow, about 120 s; all=true runs it" in tables.table(of)
    assert of.seconds_per_firm["slow"] == 2.0
    assert of.seconds_per_firm["quick"] == of.alone["quick"].seconds_per_firm < 0.5


def test_all_true_leaves_nobody_out(here: None) -> None:
    of = rounds_after(QUICK.with_all(), {"slow": 2.0})
    assert {turn.engine for turn in of.turns} == set(IDLE)


def test_an_engine_that_has_had_its_time_sits_out(here: None) -> None:
    of = rounds_after(replace(QUICK, seconds_per_engine=0.0), {})
    assert of.turns == []
    assert set(of.alone) == set(IDLE)


# --- the whole of it, on tiny worlds -------------------------------------------------------------

Rows = list[dict[str, str]]
SCRIPT = Path(__file__).parent / "bench" / "bench.py"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results") / "new"
    command = [sys.executable, str(SCRIPT), "quick=true", f"out={folder}"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (folder / "told").write_text(done.stdout)
    return folder


def rows_in(file: Path) -> Rows:
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_script_writes_tables_and_figures_and_nothing_else(folder: Path) -> None:
    written = {file.name for file in folder.iterdir()} - {"told"}
    figures = {"bench.png", "scale.png"}
    assert written == figures | {"bench.csv", "rounds.csv", "other.csv", "instruments.csv", "scale.csv"}
    assert all((folder / name).read_bytes().startswith(b"\x89PNG") for name in figures)


def test_the_table_has_the_columns_that_others_read(folder: Path) -> None:
    (first, *_) = (folder / "bench.csv").read_text().splitlines()
    assert first == "job,engine,firms,threads,ns_per_firm_quarter,ratio_to_floor,ratio_to_mesa,peak_mib"


def test_every_engine_has_a_row_for_every_size_and_thread(folder: Path) -> None:
    both = {(FLOOR, "1"), (COUNTED, "1"), (OURS, "1"), (OURS, "2")}
    installed = {(each.name, "1") for each in CONTESTANTS if each.is_installed()}
    cohorts = both | {(name, "1") for name in (VIEW, ARRAYS, PLAIN_TUNED, PLAIN)}
    expected = {
        **dict.fromkeys([(COHORTS.name, "60"), (COHORTS.name, "120")], cohorts),
        (SEVEN.name, "420"): both | {(ARRAYS, "1")},
        (BASS.name, "60"): both | installed,
    }
    found: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for row in rows_in(folder / "bench.csv"):
        found.setdefault((row["job"], row["firms"]), set()).add((row["engine"], row["threads"]))
    assert found == expected


def ns_of(rows: Rows, like: dict[str, str], engines: set[str]) -> float | None:
    """ns of the first of these engines in the same job at the same size."""
    same = (row for row in rows if all(row[key] == like[key] for key in ("job", "firms")))
    return next((float(row["ns_per_firm_quarter"]) for row in same if row["engine"] in engines), None)


def test_ratios_are_those_of_the_nanoseconds(folder: Path) -> None:
    rows = rows_in(folder / "bench.csv")
    for row in rows:
        ns = float(row["ns_per_firm_quarter"])
        floor, mesa = ns_of(rows, row, {FLOOR}), ns_of(rows, row, {"plain Mesa", "Mesa"})
        assert floor is not None
        assert float(row["ratio_to_floor"]) == pytest.approx(ns / floor, abs=6e-4)
        assert (row["ratio_to_mesa"] == "") == (mesa is None) == (row["job"] == SEVEN.name)
        assert mesa is None or float(row["ratio_to_mesa"]) == pytest.approx(mesa / ns, abs=6e-4)


def test_nanoseconds_are_medians_over_rounds_and_positive(folder: Path) -> None:
    turns = rows_in(folder / "rounds.csv")
    for row in rows_in(folder / "bench.csv"):
        same = [t for t in turns if all(t[key] == row[key] for key in ("job", "engine", "firms", "threads"))]
        assert [turn["round"] for turn in same] == ["0", "1"]
        ns = [float(turn["ns_per_firm_quarter"]) for turn in same]
        # what is compared is rounded to 0.001 on both sides
        assert 0 < float(row["ns_per_firm_quarter"]) == pytest.approx(statistics.median(ns), abs=1.1e-3)


def test_memory_is_given_for_all_that_have_a_model(folder: Path) -> None:
    for row in rows_in(folder / "bench.csv"):
        assert (row["peak_mib"] == "") == row["engine"].startswith(FLOOR)
        assert row["peak_mib"] == "" or float(row["peak_mib"]) >= 0


def test_worlds_start_up_a_large_command_and_replicates_are_timed(folder: Path) -> None:
    rows = {(row["what"], row["firms"]): row for row in rows_in(folder / "other.csv")}
    assert list(rows) == [
        ("a world, one region", "60"),
        ("a world, one region", "120"),
        ("a world, seven regions", "420"),
        ("cpdiffusion --help, second run", ""),
        ("cpdiffusion study=simulate, second run", "1000"),
        ("cpdiffusion study=simulate region=all", "420"),
        ("10 replicates, the same world", "60"),
        ("10 replicates, each its own world", "60"),
    ]
    assert all(float(row["seconds"]) > 0 for row in rows.values())
    commands = [float(row["peak_mib"]) for (what, _), row in rows.items() if what.startswith("cpdiffusion")]
    assert min(commands) > 5, "a Python alone takes more"


def test_runs_with_ten_instruments_stand_beside_runs_without(folder: Path) -> None:
    rows = {row["case"]: row for row in rows_in(folder / "instruments.csv")}
    plain, idle = rows["without instruments"], rows["ten instruments that change nothing"]
    assert float(plain["ratio"]) == 1.0
    assert idle["adopters"] == plain["adopters"]
    assert len(set(TEN) & set(CATALOGUE)) == 10
    assert float(rows["ten instruments"]["adopters"]) > float(plain["adopters"])
    for row in rows.values():
        assert float(row["ratio"]) == pytest.approx(float(row["seconds"]) / float(plain["seconds"]))


def test_the_curve_has_a_point_for_each_size(folder: Path) -> None:
    rows = rows_in(folder / "scale.csv")
    assert [row["firms"] for row in rows] == ["60", "120"]
    assert all(float(row["world_seconds"]) > 0 < float(row["run_seconds"]) for row in rows)


def test_what_is_told_holds_every_engine_and_where_the_files_are(folder: Path) -> None:
    told = (folder / "told").read_text()
    names = {row["engine"] for row in rows_in(folder / "bench.csv")}
    assert not [name for name in names if f"\n{name} " not in told]
    assert f"written to {folder}" in told


def test_the_figure_has_a_line_for_each_engine_and_its_name() -> None:
    from cpdiffusion.plots import save

    row = tables.Row(COHORTS.name, OURS, 1000, 1, 6.0, 4.0, 400.0, 0.3)
    more = [row._replace(firms=10_000), row._replace(threads=2), row._replace(engine=PLAIN)]
    ax = save.figure(5, 4).add_subplot()
    figures.panel(ax, [row, *more], "title")
    figures.names(ax, {each.label: each for each in (row, *more)})
    labels = {OURS, f"{OURS}, 2 threads", PLAIN}
    assert {line.get_gid() for line in ax.lines} == {text.get_text() for text in ax.texts} == labels
    assert ax.lines[0].get_xdata().tolist() == [1000, 10_000]


# --- the command line ----------------------------------------------------------------------------

MISTAKES = {
    "ouf=elsewhere": "did you mean 'out'?",
    "quick=perhaps": "write quick=true or quick=false",
    "out=": "write out=<folder>",
    "all": "write all=true or all=false",
    "out=a_file": "out=a_file: cannot be made a folder",
}


@pytest.mark.parametrize(("word", "hint"), MISTAKES.items())
def test_a_mistake_is_answered_in_one_sentence(
    word: str, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a_file").touch()
    assert main([word]) == 2
    said = capsys.readouterr().err
    assert said.startswith("bench: ")
    assert hint in said
    assert said.count("\n") == 1
    assert [file.name for file in tmp_path.iterdir()] == ["a_file"]
