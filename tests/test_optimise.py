"""study=optimise: known fronts are approached, whatever is killed; policies in words, figures, bad input."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
import warnings
from multiprocessing import active_children
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cpdiffusion import cli
from cpdiffusion.config import folder_of, load
from cpdiffusion.errors import InputError
from cpdiffusion.factors.factor import factor_of
from cpdiffusion.search import breeding
from cpdiffusion.search.front import dominators, hypervolumes, undominated
from cpdiffusion.search.problem import Draws, Floats
from cpdiffusion.search.robust import max_regret, mean, satisfied, scores, yardstick
from cpdiffusion.studies.optimise.aims import aim_sign, aim_words
from cpdiffusion.studies.optimise.levers_searched import LeversSearched, step_of
from cpdiffusion.studies.optimise.optimised import Optimised
from cpdiffusion.studies.optimise.policy_words import policy_words
from cpdiffusion.studies.optimise.study import Searched, problem_of
from planted_search import Faulty, Planted, search

ROOT = Path(__file__).resolve().parents[1]
NO_THRESHOLDS = np.array([np.nan])

# --- three measures ------------------------------------------------------------------------------

# Savage's kind of table: three policies in three draws, one aim. The first has the best mean, the second
# never loses much, the third is good enough most often.
PAYOFFS = np.array([[9.0, 9.0, 0.0], [6.0, 6.0, 5.0], [4.0, 4.0, 4.0]])[:, :, None]
REFERENCE = np.array([[4.0, 4.0, 4.0]])[:, :, None]


def test_the_three_measures_are_those_of_a_table_by_hand() -> None:
    by = yardstick(PAYOFFS, REFERENCE, NO_THRESHOLDS)
    assert mean(PAYOFFS)[:, 0].tolist() == [6.0, 17.0 / 3.0, 4.0]
    assert max_regret(PAYOFFS, by.best)[:, 0].tolist() == [5.0, 3.0, 5.0]
    assert satisfied(PAYOFFS, by.needed).tolist() == [2.0 / 3.0, 1.0, 1.0]


def test_the_measures_disagree_about_the_best_policy() -> None:
    by = yardstick(PAYOFFS, REFERENCE, NO_THRESHOLDS)
    best = {name: int(scores(name, PAYOFFS, by)[:, 0].argmin()) for name in ("mean", "regret")}
    assert best == {"mean": 0, "regret": 1}


def test_a_threshold_that_is_stated_takes_the_place_of_the_reference() -> None:
    by = yardstick(PAYOFFS, REFERENCE, np.array([5.5]))
    assert satisfied(PAYOFFS, by.needed).tolist() == [2.0 / 3.0, 2.0 / 3.0, 0.0]


def test_regret_does_not_depend_on_the_order_of_the_candidates() -> None:
    values = np.random.default_rng(1).normal(size=(20, 6, 2))
    references, order = values[:1], np.random.default_rng(2).permutation(20)
    none = np.full(2, np.nan)
    one = scores("regret", values, yardstick(values, references, none))
    other = scores("regret", values[order], yardstick(values[order], references, none))
    assert (one[order] == other).all()


def test_a_reference_counts_among_the_best_that_regret_is_measured_against() -> None:
    better = np.full((1, 3, 1), 10.0)
    assert max_regret(PAYOFFS, yardstick(PAYOFFS, better, NO_THRESHOLDS).best)[:, 0].tolist() == [10, 5, 6]


def test_a_policy_that_failed_scores_worst_and_spoils_no_reference_point() -> None:
    values = np.concatenate([PAYOFFS, np.full((1, 3, 1), np.nan)])
    found = scores("regret", values, yardstick(values, REFERENCE, NO_THRESHOLDS))
    assert found[:, 0].tolist() == [5.0, 3.0, 5.0, np.inf]


# --- fronts --------------------------------------------------------------------------------------


def test_the_undominated_are_those_that_no_other_is_as_good_as_and_better() -> None:
    points = np.array([[1.0, 4.0], [2.0, 2.0], [2.0, 3.0], [4.0, 1.0], [2.0, 2.0], [np.inf, 0.0]])
    assert undominated(points).tolist() == [True, True, False, True, True, False]
    assert dominators(points[:5])[2].tolist() == [False, True, False, False, True]


def test_the_hypervolume_is_the_area_by_hand_and_never_falls() -> None:
    points = np.array([[0.0, 1.0], [1.0, 0.0], [0.5, 0.5], [0.9, 0.9]])
    first, second, third = hypervolumes(points, np.array([0, 0, 1, 2]), 3)
    assert first == pytest.approx(2 * 1.1 * 0.1 - 0.01)  # two slabs of 1.1 x 0.1 that share a corner
    assert second == pytest.approx(first + 0.5**2)
    assert third == second


def distance(result: Searched) -> float:
    """Mean distance from the front, without noise, to 1 - sqrt(x) (generational distance)."""
    x = np.linspace(0.0, 1.0, 2001)
    curve = np.column_stack([x, 1.0 - np.sqrt(x)])
    noise = result.problem.run([0], result.plan.draws)[0].mean(axis=0) - np.array([1.0, 10.0 - np.sqrt(10.0)])
    points = result.found.values[result.front].mean(axis=1) - noise
    return float(np.linalg.norm(points[:, None] - curve[None], axis=2).min(axis=1).mean())


NEAR = 0.05


@pytest.fixture(scope="module")
def approached(tmp_path_factory: pytest.TempPathFactory) -> Searched:
    return search(Planted(), tmp_path_factory.mktemp("state"), population=32, generations=30)


def test_a_planted_front_is_approached_along_its_whole_length(approached: Searched) -> None:
    assert distance(approached) < NEAR
    first = approached.found.values[approached.front, :, 0].mean(axis=1)
    assert len(approached.front) == 32
    assert np.histogram(first, bins=5, range=(-0.05, 1.05))[0].min() > 0


def test_a_random_search_of_a_tenth_of_the_effort_stays_far_from_it(tmp_path: Path) -> None:
    assert distance(search(Planted(), tmp_path, population=96, generations=1)) > 10 * NEAR


def test_a_broken_operator_stays_far_from_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = breeding.offspring
    monkeypatch.setattr(breeding, "offspring", lambda c, u, x, f, n, g: sound(c, u, x, -f, n, g))
    monkeypatch.setattr(breeding, "survivors", lambda f, keep, g: np.argsort(-f.sum(axis=1))[:keep])
    assert distance(search(Planted(), tmp_path, population=32, generations=30)) > 2 * NEAR


def test_levers_without_an_order_are_searched_too(tmp_path: Path) -> None:
    found = search(Planted(levels=8, ordered=False), tmp_path, population=32, generations=30)
    assert distance(found) < NEAR
    assert set(np.unique(found.found.shares)) <= set(np.arange(8) / 7)


def test_the_hypervolume_of_the_planted_search_settles(approached: Searched) -> None:
    values = -approached.found.values.mean(axis=1) * approached.problem.signs
    volumes = hypervolumes(values, approached.found.generation, 30)
    assert volumes[-1] > 1.3 * volumes[0]
    assert volumes[-1] - volumes[-6] < 0.02 * volumes[-1]


# --- what is run ---------------------------------------------------------------------------------


def test_no_candidate_is_run_twice_and_the_search_ends_when_all_are_tried(tmp_path: Path) -> None:
    found = search(Planted(levers=2, levels=4), tmp_path, population=8, generations=40).found
    assert len(np.unique(found.shares, axis=0)) == len(found.shares) <= 16
    assert sum(bred.new for bred in found.bred) == len(found.shares)
    assert any(bred.new < bred.candidates for bred in found.bred)


def test_candidates_that_are_no_policy_are_left_out_and_say_why(tmp_path: Path) -> None:
    result = search(Planted(most=0.5), tmp_path, population=16, generations=8)
    found = result.found
    beyond = set(np.flatnonzero(found.shares[:, 0] > 0.5).tolist())
    assert beyond == set(found.reasons) != set()
    assert not beyond & set(result.front.tolist())
    assert set(found.reasons.values()) == {"the first lever is above 0.5."}


def test_a_candidate_that_breaks_the_run_costs_no_other(tmp_path: Path) -> None:
    found = search(Faulty(), tmp_path, population=16, generations=3).found
    for k, x in enumerate(found.shares[:, 0]):
        reason = found.reasons.get(k)
        assert reason == (
            "too much of the first lever." if x > 0.5
            else "ZeroDivisionError: of the model" if x > 0.4 else None
        )  # fmt: skip


def test_a_search_without_any_policy_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no candidate is a policy that can be run; the first: the first"):
        search(Planted(most=-1.0), tmp_path)


def test_luck_of_the_search_is_found_out_under_new_draws(tmp_path: Path) -> None:
    lucky = search(Planted(own=1.0, common=0.0), tmp_path, population=24, generations=6)
    result = Optimised(None, lucky.problem, lucky)  # type: ignore[arg-type]
    assert result.lost.sum() > 0.3  # eight draws of sd 1, the best of many
    assert not result.stands[1:].all()
    sound = search(Planted(common=0.5), tmp_path / "sound", population=24, generations=6)
    result = Optimised(None, sound.problem, sound)  # type: ignore[arg-type]
    assert np.abs(result.lost).max() < 1e-9  # what all policies share cancels
    assert result.stands[1:].all()


# --- the same bytes, whatever happens ------------------------------------------------------------


def as_bytes(result: Searched) -> list[bytes]:
    found = result.found
    arrays = (found.shares, found.generation, found.values, found.references, result.held_out.values)
    return [array.tobytes() for array in (*arrays, result.front)]


def test_two_workers_find_the_same_as_one_and_another_seed_another(tmp_path: Path) -> None:
    one, two = (as_bytes(search(Planted(), tmp_path / f"{n}", workers=n)) for n in (1, 2))
    assert one == two
    assert one != as_bytes(search(Planted(), tmp_path / "other", seed=2))


def test_global_generators_change_nothing(tmp_path: Path) -> None:
    np.random.seed(1)
    one = as_bytes(search(Planted(), tmp_path / "one"))
    np.random.seed(2)
    assert one == as_bytes(search(Planted(), tmp_path / "two"))


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_search_goes_on_and_ends_with_the_same_bytes(workers: int, tmp_path: Path) -> None:
    state = tmp_path / "state"
    code = "import planted_search; planted_search.main()"
    command = [sys.executable, "-c", code, str(state), "0.05", str(workers)]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'model'}{os.pathsep}{ROOT / 'tests'}"}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    while process.poll() is None and not list(state.glob("generation-0002/units-*.parquet")):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    kept = {path: path.read_bytes() for path in state.rglob("units-*.parquet")}
    assert kept
    assert not list(state.glob("generation-0005"))
    resumed = search(Planted(), state, workers=1)
    assert as_bytes(resumed) == as_bytes(search(Planted(), tmp_path / "whole"))
    assert all(path.read_bytes() == content for path, content in kept.items())


def test_a_worker_that_is_killed_costs_nothing_but_its_time(tmp_path: Path) -> None:
    state, killed = tmp_path / "state", []

    def kill_one() -> None:
        while not list(state.glob("generation-0001/units-*.parquet")):
            time.sleep(0.01)
        killed.append(active_children()[0].pid)
        os.kill(killed[0], signal.SIGKILL)

    thread = threading.Thread(target=kill_one)
    thread.start()
    result = search(Planted(seconds=0.05), state, workers=2)
    thread.join()
    assert killed
    assert as_bytes(result) == as_bytes(search(Planted(), tmp_path / "whole"))


# --- policies of the model -----------------------------------------------------------------------

SMALL = ("optimise.population=6", "optimise.generations=2", "optimise.draws=2", "optimise.held_out_draws=3",
         "workers=1", "progress=false", "figures=false")  # fmt: skip


def levers_searched(*words: str) -> LeversSearched:
    return problem_of(load(["study=optimise", *SMALL, *words]), folder_of("scenarios"))


def test_a_candidate_with_the_levers_of_a_reference_does_exactly_the_same() -> None:
    problem = levers_searched("factors.levers.cohort_size=[10,25]", "factors.levers.subsidy_rate=[0,0.3]")
    same, reference = problem.run([np.array([0.75, 0.25]), 1], Draws(0, 2))
    assert problem.references[1] == "cluster_25"
    assert np.array_equal(same, reference)


def test_what_is_run_beside_a_candidate_does_not_change_it() -> None:
    problem = levers_searched()
    shares = problem.canonical(np.random.default_rng(3).random((5, len(problem.factors))))
    together = problem.run([0, *shares], Draws(0, 2))
    alone = [problem.run([one], Draws(0, 2))[0] for one in (0, *shares)]
    assert all(np.array_equal(a, b) for a, b in zip(together, alone, strict=True))


def test_the_search_begins_with_the_references_and_the_front_does_not_repeat_them() -> None:
    problem = levers_searched()
    individual, cluster = (problem.values(row) for row in problem.canonical(problem.starts))
    assert individual["levers.support"] == "individual"
    assert (cluster["levers.cohort_size"], cluster["levers.budget_mkrw_per_year"]) == (25, 600.0)
    designs = [problem.design(row) for row in problem.canonical(problem.starts)]
    assert designs == [problem.design(0), problem.design(1)]


def test_a_reference_that_the_levers_cannot_express_is_no_start() -> None:
    assert len(levers_searched("factors.levers.cohort_size=5..20").starts) == 0
    assert len(levers_searched("factors.levers.cohort_size=5..30").starts) == 1


def test_later_draws_are_others() -> None:
    problem = levers_searched("factors.levers.cohort_size=[10,25]")
    first, later = (problem.run([1], Draws(k, 2))[0] for k in (0, 2))
    assert not np.array_equal(first, later)


def test_every_candidate_is_run_once_whatever_runs_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from cpdiffusion.studies.optimise import levers_searched as module

    problem, run, sizes = levers_searched(), module.run_batch, []
    monkeypatch.setattr(module, "run_batch", lambda e, *a: sizes.append(len(e.designs)) or run(e, *a))
    shares = problem.canonical(np.random.default_rng(3).random((5, len(problem.factors))))
    problem.run([0, *shares], Draws(0, 2))
    assert sum(sizes) == 6


def test_shares_that_mean_the_same_policy_are_equal() -> None:
    problem = levers_searched(
        "factors.levers.support=[individual,cluster]", "factors.levers.cohort_size=5..8",
        "factors.levers.subsidy_rate=0..0.5",
    )  # fmt: skip
    shares = np.array([[0.1, 0.9, 0.301], [0.4, 0.2, 0.299], [0.6, 0.26, 0.5], [0.9, 0.49, 0.501]])
    found = problem.canonical(shares)
    assert (found[0] == found[1]).all()
    assert (found[2] == found[3]).all()
    assert problem.values(found[0]) == {
        "levers.support": "individual", "levers.cohort_size": 5, "levers.subsidy_rate": 0.15,
    }  # fmt: skip
    assert problem.values(found[2])["levers.cohort_size"] == 6


def test_canonical_shares_stay_as_they_are() -> None:
    problem = levers_searched()
    once = problem.canonical(np.random.default_rng(1).random((200, len(problem.factors))))
    assert np.array_equal(problem.canonical(once), once)


@pytest.mark.parametrize(("said", "step"), [("0..0.5", 0.01), ("0..1", 0.02), ("0.2..0.3", 0.002)])
def test_ranges_go_in_round_steps(said: str, step: float) -> None:
    assert step_of(factor_of("levers.subsidy_rate", said)) == pytest.approx(step)


def test_a_cohort_larger_than_the_region_is_no_policy_and_not_fatal() -> None:
    problem = levers_searched("factors.levers.cohort_size=[25,1000]", "parameters.firms_per_region=500")
    fits, too_large = problem.run([np.array([0.25]), np.array([0.75])], Draws(0, 2))
    assert isinstance(fits, np.ndarray)
    assert isinstance(too_large, str)
    assert "larger than the region" in too_large


def test_what_the_command_fixes_is_left_out_of_the_usual_factors() -> None:
    keys = {f.key for f in levers_searched("levers.subsidy_rate=0.1", "instruments.round_table=1").factors}
    assert {"levers.cohort_size", "instruments.adviser_training"} <= keys
    assert not {"levers.subsidy_rate", "instruments.round_table"} & keys


def test_money_that_is_paid_is_to_be_little_and_adopters_many() -> None:
    assert (aim_sign("public_money_mkrw"), aim_sign("adopters"), aim_sign("accidents")) == (-1, 1, -1)
    assert aim_sign("supported_firms") == 0
    assert aim_words("public_money_mkrw") == "less public money"


def test_a_policy_reads_like_a_sentence() -> None:
    levers = {"support": "cluster", "cohort_size": 30, "subsidy_rate": 0.1, "integrated_safety": 0.0,
              "targeting": "exporters", "budget_mkrw_per_year": 1200.0}  # fmt: skip
    assert policy_words(levers, {"round_table": 1.0, "green_procurement": 0.0}) == (
        "cohorts of 30, 1,200 million KRW a year, a subsidy of 10 % of the investment, exporters first; with "
        "round table"
    )


# --- the command ---------------------------------------------------------------------------------


def run(out: Path, *words: str) -> int:
    return cli.main(["study=optimise", *SMALL, f"out={out}", *words])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("results") / "found"
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of a figure too
        assert run(out, "figures=true") == 0
    return out


def test_the_folder_holds_the_front_with_levers_as_values(folder: Path) -> None:
    front = pd.read_csv(folder / "front.csv")
    assert front.policy[:2].tolist() == ["individual", "cluster_25"]
    assert set(front["levers.support"]) <= {"individual", "cluster"}
    assert front["levers.cohort_size"].isna().equals(front["levers.support"] == "individual")
    for aim in load(["study=optimise"]).optimise.aims:
        assert (front[f"{aim}_low"] <= front[aim]).all()
        assert (front[f"{aim}_max_regret"] >= 0).all()
    assert front.satisfied_share.between(0, 1).all()
    assert front.loc[0, "satisfied_share"] == 1.0  # no worse than itself
    assert set(" ".join(front.picked_by.dropna()).split()) == {"mean", "regret", "satisficing"}
    assert (front.undominated == front.beaten_by.isna()).all()


def test_every_candidate_and_generation_is_kept(folder: Path) -> None:
    candidates = pd.read_parquet(folder / "candidates.parquet")
    generations = pd.read_csv(folder / "generations.csv")
    assert len(candidates) == generations.new.sum()
    assert candidates.on_front.sum() == (pd.read_csv(folder / "front.csv").kind == "front").sum()
    assert generations.hypervolume.is_monotonic_increasing
    listed = json.loads((folder / "manifest.json").read_text())["files"]
    assert {"front.csv", "front.png", "levers.png", "summary.md", "candidates.parquet"} <= set(listed)


def test_the_commands_in_the_summary_run_the_policies_that_it_names(folder: Path) -> None:
    text, front = (folder / "summary.md").read_text(), pd.read_csv(folder / "front.csv").set_index("policy")
    lines = text.split("```")[1].strip().splitlines()
    assert len(lines) >= 2
    for name, command in zip(lines[::2], lines[1::2], strict=True):
        settings = load(shlex.split(command)[1:])
        assert (settings.study, settings.posterior.file) == ("compare", "shipped")
        row = front.loc[name.removeprefix("# ")].filter(regex=r"levers\.|instruments\.").dropna()
        changes = settings.changes["cluster_25"].items()
        changed = {f"{group}.{k}": v for k, v in changes for group in ("levers", "instruments")}
        base = {**front.loc["cluster_25"], **changed}
        assert all(base[key] == value for key, value in row.items())


def test_the_figures_of_the_summary_are_those_of_the_held_out_draws(folder: Path) -> None:
    problem = levers_searched()
    individual = problem.run([0], Draws(2, 3))[0].mean(axis=0)
    front = pd.read_csv(folder / "front.csv")
    assert front.loc[0, list(problem.aims)].to_numpy(float) == pytest.approx(individual, rel=1e-9)


def test_ctrl_c_says_what_is_kept_and_the_same_command_ends_with_the_same_bytes(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls, run_candidates = [], LeversSearched.run

    def interrupted(self: LeversSearched, wanted: list[Floats], draws: Draws) -> list[Floats | str]:
        calls.append(len(wanted))
        if len(calls) == 4:
            raise KeyboardInterrupt
        return run_candidates(self, wanted, draws)

    out = tmp_path / "found"
    with monkeypatch.context() as patched:
        patched.setattr(LeversSearched, "run", interrupted)
        assert run(out) == 130
    said = capsys.readouterr().err
    assert "the same command goes on from there" in said
    assert not out.exists()
    assert run(out, "optimise.population=8") == 2
    assert "optimise.population: unfinished work was begun with 6" in capsys.readouterr().err
    assert run(out) == 0
    for name in ("front.csv", "generations.csv", "candidates.parquet"):
        assert (out / name).read_bytes() == (folder / name).read_bytes()
    assert not list(tmp_path.glob(".*"))


def test_where_the_scenarios_beat_everything_the_answer_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("factors.levers.subsidy_rate=[0,0.4]", "optimise.aims=[additional_adopters,subsidy_mkrw]")
    assert run(tmp_path / "out", *words, "figures=true") == 0
    assert "None of 2 policies does better than the scenarios" in capsys.readouterr().out
    assert pd.read_csv(tmp_path / "out/front.csv").policy.tolist() == ["individual", "cluster_25"]


@pytest.mark.parametrize("robust", ["regret", "satisficing"])
def test_the_search_can_follow_each_robust_measure(robust: str, tmp_path: Path) -> None:
    assert run(tmp_path / "out", f"optimise.robust={robust}", "posterior.file=null") == 0
    text = (tmp_path / "out/summary.md").read_text()
    assert {
        "regret": "aim by aim, without any weights, against the best of all",
        "satisficing": "share good enough",
    }[robust] in text
    assert "robust means robust against chance only" in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["optimise.aims=adopters"], "must name two aims or more"),
        (["optimise.aims=[adopters,adopters]"], "must name two aims or more, each once"),
        (["optimise.aims=[adopters,adoptrs]"], "did you mean 'adopters'"),
        (["optimise.aims=[adopters,supported_firms]"], "supported_firms is neither better high nor low"),
        (["factors.levers.cohort_size=25"], "nothing varies"),
        (["factors.parameters.cohort_visibility="], "a parameter is not chosen by a policy"),
        (["factors.region=[ulsan,busan]"], "varies levers and instruments only"),
        (["optimise.thresholds.energy_saved_toe_per_year=9"], "is no aim; the aims are"),
        (["optimise.thresholds.accidents=few"], "thresholds"),
        (["optimise.robust=maximin"], "optimise.robust"),
        (["scenarios=individual", "factors.levers.cohort_size=5..20"], "does nothing, as 'individual'"),
        (["factors.levers.cohort_sise=5..20"], "did you mean 'levers.cohort_size'"),
        (["factors.levers.cohort_size=[900,1000]", "parameters.firms_per_region=500"], "no candidate is a"),
    ],
)  # fmt: skip
def test_bad_input_costs_one_sentence(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path / "out", *words) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert said in line
    assert not (tmp_path / "out").exists()
