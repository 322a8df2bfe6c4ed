"""Sequential Monte Carlo by key: known posteriors, any number of processes, going on after a stop."""

from __future__ import annotations

import math
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy import integrate, stats

from cpdiffusion.calibration.smc import Found, sample_posterior
from cpdiffusion.errors import InputError
from cpdiffusion.runner.processes import processes
from linear_problem import NAMES, TOLERANCES, exact_posterior, linear_problem, scores_of

pytest.importorskip("pyabc", reason="the calibrate extra is not installed")

from cpdiffusion.calibration import keyed
from cpdiffusion.calibration.keyed import DEGREES, SHRUNK, Best, Moves, NormalScores

Floats = NDArray[np.float64]

TEMPERATURES = (20.0, 4.0, 1.0)


def standard_errors_off(found: Found) -> float:
    """The largest distance of a mean or sd from the exact one, in Monte Carlo standard errors."""
    scores = scores_of(found.values)
    mean = found.weights @ scores
    sd = np.sqrt(found.weights @ (scores - mean) ** 2)
    exact_mean, exact_sd = exact_posterior()
    of_mean = np.abs(mean - exact_mean) / exact_sd * math.sqrt(found.effective)
    of_sd = np.abs(sd / exact_sd - 1.0) * math.sqrt(2.0 * found.effective)
    return float(max(of_mean.max(), of_sd.max()))


def as_bytes(found: Found) -> tuple[bytes, ...]:
    tables = (found.patterns.to_numpy(), found.generations.to_numpy())
    return tuple(np.ascontiguousarray(a).tobytes() for a in (found.values, found.weights, *tables))


# --- the posterior -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Found:
    history = tmp_path_factory.mktemp("known") / "history.db"
    return sample_posterior(linear_problem(), 400, 1, history, 1, TEMPERATURES)


def test_a_posterior_that_is_known_by_algebra_is_found(known: Found) -> None:
    assert known.effective > 200
    assert standard_errors_off(known) < 4.0


@pytest.mark.parametrize("which", range(len(NAMES)))
def test_one_tolerance_taken_twice_as_wide_would_be_noticed(which: int, tmp_path: Path) -> None:
    wrong = TOLERANCES * np.where(np.arange(len(NAMES)) == which, 2.0, 1.0)
    found = sample_posterior(linear_problem(wrong), 400, 1, tmp_path / "h.db", 1, (5.0, 1.0))
    assert standard_errors_off(found) > 5.0


def test_a_temperature_above_one_at_the_end_would_be_noticed(tmp_path: Path) -> None:
    found = sample_posterior(linear_problem(), 400, 1, tmp_path / "h.db", 1, (5.0, 2.0))
    assert standard_errors_off(found) > 5.0


def test_draws_lie_beside_the_patterns_and_generations_that_belong_to_them(known: Found) -> None:
    simulator = linear_problem().simulator
    again = [simulator.patterns(dict(zip(NAMES, row, strict=True))) for row in known.values.tolist()]
    pd.testing.assert_frame_equal(known.patterns, pd.DataFrame(again), rtol=1e-6, atol=1e-9, check_like=True)
    assert known.weights.sum() == pytest.approx(1.0)
    assert known.generations.temperature.tolist() == list(TEMPERATURES)
    assert known.generations.accepted.tolist() == [400] * len(TEMPERATURES)
    assert (known.generations.evaluated > 400).all()


def test_another_seed_gives_other_draws(tmp_path: Path) -> None:
    one, other = (sample_posterior(linear_problem(), 5, k, tmp_path / f"{k}.db", 1, (9.0,)) for k in (1, 2))
    assert not np.intersect1d(one.values, other.values).size


# --- better than the best so far -----------------------------------------------------------------


def fit_at(density: float) -> Callable[..., float]:
    def distance(*_: object) -> float:
        return density

    distance.ret_scale, distance.pdf_max = "SCALE_LOG", 0.0  # type: ignore[attr-defined]
    return distance


def accepted_by(best: float, density: float, temperature: float) -> tuple[bool, float]:
    acceptor = Best()
    found = pd.DataFrame({"distance": [best - 3.0, best], "w": [0.5, 0.5]})
    acceptor.initialize(1, lambda: found, fit_at(density), {})
    result = acceptor(fit_at(density), lambda t: temperature, {}, {}, 1, {})
    return bool(result.accept), float(result.weight)


def test_a_better_fit_than_the_best_so_far_is_accepted_and_weighs_more() -> None:
    assert accepted_by(best=-5.0, density=-1.0, temperature=2.0) == (True, pytest.approx(math.exp(2.0)))


def test_a_worse_fit_is_accepted_as_often_as_it_deserves_and_weighs_as_one() -> None:
    np.random.seed(3)
    trials = [accepted_by(best=-5.0, density=-7.0, temperature=2.0) for _ in range(2000)]
    assert {weight for accepted, weight in trials if accepted} == {1.0}
    assert np.mean([accepted for accepted, _ in trials]) == pytest.approx(math.exp(-1.0), abs=0.04)


@pytest.mark.parametrize("weighed", [True, False])
def test_where_all_fit_better_than_the_best_so_far_only_weights_keep_the_posterior(
    weighed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def poor_best(self: Best, t: int, *_: object) -> None:
        self.pdf_norms[t], self.apply_importance_weighting = -6.0, weighed

    monkeypatch.setattr(Best, "_update", poor_best)
    found = sample_posterior(linear_problem(), 600, 2, tmp_path / "h.db", 1, (5.0, 1.0))
    assert (standard_errors_off(found) < 4.0) == weighed


def test_the_first_generation_is_measured_against_a_perfect_fit() -> None:
    acceptor = Best()
    acceptor.initialize(0, lambda: pytest.fail("needs no candidates"), fit_at(-1.0), {})
    assert acceptor.pdf_norms == {0: 0.0}
    assert not acceptor.requires_calibration()


# --- where candidates move -----------------------------------------------------------------------


def fitted(size: int) -> tuple[Moves, pd.DataFrame, Floats]:
    generator = np.random.default_rng(size)
    mixed = generator.standard_normal((60, size)) @ generator.standard_normal((size, size)) + 0.5
    names = [f"s{k}" for k in range(size)]
    weights = generator.dirichlet(np.full(60, 5.0))
    points = pd.DataFrame(mixed, columns=names)
    moves = Moves()
    moves.fit(points, weights)
    return moves, points, weights


def students_t(points: pd.DataFrame, weights: Floats) -> stats._multivariate.multivariate_t_frozen:
    """What Moves should be, by SciPy from the weighted moments."""
    spread = np.atleast_2d(np.cov(points.to_numpy().T, aweights=weights, ddof=0))
    own = np.diag(np.diag(spread))
    wider = 1.0 + keyed.UNSURE * points.shape[1] * float((weights**2).sum())
    shape = wider * ((1.0 - SHRUNK) * spread + SHRUNK * own + keyed.LEAST_VARIANCE * np.eye(len(spread)))
    return stats.multivariate_t(weights @ points.to_numpy(), shape, df=DEGREES)


@pytest.mark.parametrize("size", [1, 2, 5, 12])
def test_moves_have_the_density_of_students_t(size: int) -> None:
    moves, points, weights = fitted(size)
    expected = students_t(points, weights)
    for row in (*points.head(5).to_numpy(), np.full(size, 9.0)):
        density = moves.pdf(dict(zip(points.columns, row, strict=True)))
        assert density == pytest.approx(float(expected.pdf(row)), rel=1e-9)


def test_the_density_of_moves_integrates_to_one() -> None:
    moves = fitted(1)[0]
    assert integrate.quad(lambda a: moves.pdf({"s0": a}), -np.inf, np.inf)[0] == pytest.approx(1.0, abs=1e-6)


def test_the_density_of_moves_in_two_dimensions_integrates_to_one() -> None:
    moves, points, _ = fitted(2)
    reach = 60.0 * float(points.to_numpy().std())
    grid = np.linspace(-1.0, 1.0, 161) ** 3 * reach  # fine near the middle
    middle = points.mean()
    density = [[moves.pdf({"s0": middle.s0 + a, "s1": middle.s1 + b}) for b in grid] for a in grid]
    assert integrate.trapezoid(integrate.trapezoid(density, grid), grid) == pytest.approx(1.0, abs=5e-3)


def test_moves_are_drawn_from_their_density() -> None:
    moves, points, weights = fitted(4)
    np.random.seed(1)
    drawn = moves.rvs(4000).to_numpy()
    expected = students_t(points, weights)
    apart = drawn - expected.loc
    squares = np.einsum("ki,ij,kj->k", apart, np.linalg.inv(expected.shape), apart)
    assert stats.kstest(squares / 4.0, stats.f(4.0, DEGREES).cdf).pvalue > 0.001
    whitened = np.linalg.solve(np.linalg.cholesky(expected.shape), apart.T)
    assert np.abs(np.sign(whitened).mean(axis=1)).max() < 4.0 / math.sqrt(4000)


def test_one_particle_that_holds_all_the_weight_still_leaves_room_to_move() -> None:
    moves = Moves()
    moves.fit(pd.DataFrame({"a": [0.0, 1.0], "b": [0.0, 1.0]}), np.array([1.0, 0.0]))
    assert math.isfinite(moves.pdf({"a": 0.0, "b": 0.0}))


def test_the_prior_of_scores_is_standard_normal_and_draws_from_it() -> None:
    scores = NormalScores(("a", "b"))
    assert scores.pdf({"a": 0.3, "b": -2.0}) == pytest.approx(stats.norm.pdf(0.3) * stats.norm.pdf(-2.0))
    np.random.seed(1)
    drawn = pd.DataFrame([scores.rvs() for _ in range(2000)])
    assert all(stats.kstest(drawn[name], "norm").pvalue > 0.001 for name in ("a", "b"))
    assert abs(drawn.corr().iloc[0, 1]) < 0.1


# --- processes -----------------------------------------------------------------------------------


def test_two_processes_find_what_one_finds(tmp_path: Path) -> None:
    alone, together = (
        sample_posterior(linear_problem(), 60, 4, tmp_path / f"{workers}.db", workers, (8.0, 2.0, 1.0))
        for workers in (1, 2)
    )
    assert as_bytes(alone) == as_bytes(together)


@pytest.mark.parametrize("chunk", [1, 7])
def test_how_candidates_are_bundled_into_tasks_is_part_of_no_result(
    chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = sample_posterior(linear_problem(), 30, 4, tmp_path / "usual.db", 1, (8.0, 1.0))
    monkeypatch.setattr(keyed, "CHUNK", chunk)
    other = sample_posterior(linear_problem(), 30, 4, tmp_path / "other.db", 1, (8.0, 1.0))
    assert as_bytes(usual) == as_bytes(other)


def test_the_generators_of_the_caller_are_left_as_they_were(tmp_path: Path) -> None:
    np.random.seed(5)
    random.seed(5)
    expected = np.random.RandomState(5).random_sample(), random.Random(5).random()
    sample_posterior(linear_problem(), 5, 1, tmp_path / "h.db", 1, (9.0, 3.0))
    assert (np.random.random_sample(), random.random()) == expected


def test_a_process_that_is_ended_from_outside_costs_one_sentence() -> None:
    with processes(1) as none:
        assert none is None
    with pytest.raises(InputError, match="ended from outside"):
        lose_a_process()


def lose_a_process() -> None:
    with processes(2) as pool:
        assert pool is not None
        pool.submit(os._exit, 1).result()


INTERRUPTED = """
import time
from cpdiffusion.runner.processes import processes
if __name__ == "__main__":
    try:
        with processes(2) as pool:
            hours = [pool.submit(time.sleep, 3600) for _ in range(3)]
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        print("stopped")
"""


def test_stopping_waits_for_no_process_and_shows_no_traceback(tmp_path: Path) -> None:
    script = tmp_path / "interrupted.py"
    script.write_text(INTERRUPTED, "utf-8")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "stopped\n", "")


# --- going on ------------------------------------------------------------------------------------

SCHEDULE = (8.0, 2.0, 1.0)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Found:
    return sample_posterior(linear_problem(), 40, 2, tmp_path_factory.mktemp("whole") / "h.db", 1, SCHEDULE)


@pytest.mark.parametrize("generations", [1, 2, 3])
def test_a_history_that_was_cut_off_goes_on_to_the_same_posterior(
    generations: int, uninterrupted: Found, tmp_path: Path
) -> None:
    begun, copy = tmp_path / "begun.db", tmp_path / "copy.db"
    sample_posterior(linear_problem(), 40, 2, begun, 1, SCHEDULE[:generations])
    shutil.copy(begun, copy)
    assert as_bytes(sample_posterior(linear_problem(), 40, 2, copy, 1, SCHEDULE)) == as_bytes(uninterrupted)


def test_a_run_stopped_within_a_generation_goes_on_to_the_same_posterior(
    uninterrupted: Found, tmp_path: Path
) -> None:
    def stop(generation: int, accepted: int, _: int) -> None:
        if generation == 1 and accepted > 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sample_posterior(linear_problem(), 40, 2, tmp_path / "h.db", 1, SCHEDULE, stop)
    found = sample_posterior(linear_problem(), 40, 2, tmp_path / "h.db", 1, SCHEDULE)
    assert as_bytes(found) == as_bytes(uninterrupted)


def test_a_run_stopped_while_its_history_was_laid_out_begins_anew(
    uninterrupted: Found, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyabc

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(pyabc.History, "store_pre_population", stop)
        with pytest.raises(KeyboardInterrupt):
            sample_posterior(linear_problem(), 40, 2, tmp_path / "h.db", 1, SCHEDULE)
    found = sample_posterior(linear_problem(), 40, 2, tmp_path / "h.db", 1, SCHEDULE)
    assert as_bytes(found) == as_bytes(uninterrupted)
    assert [file.name for file in tmp_path.iterdir()] == ["h.db"]


def test_a_finished_history_is_read_without_a_new_candidate(tmp_path: Path) -> None:
    first = sample_posterior(linear_problem(), 10, 2, tmp_path / "h.db", 1, (8.0, 2.0))
    broken = replace(linear_problem(), simulator=None)
    assert as_bytes(sample_posterior(broken, 10, 2, tmp_path / "h.db", 1, (8.0, 2.0))) == as_bytes(first)


def test_of_a_longer_history_the_generation_that_was_asked_for_is_read(tmp_path: Path) -> None:
    shorter = sample_posterior(linear_problem(), 10, 2, tmp_path / "short.db", 1, (8.0,))
    sample_posterior(linear_problem(), 10, 2, tmp_path / "h.db", 1, (8.0, 2.0))
    assert as_bytes(sample_posterior(linear_problem(), 10, 2, tmp_path / "h.db", 1, (8.0,))) == as_bytes(
        shorter
    )


def test_every_temperature_is_gone_through_also_after_the_first_one(tmp_path: Path) -> None:
    found = sample_posterior(linear_problem(), 10, 2, tmp_path / "h.db", 1, (4.0, 1.0, 1.0))
    assert found.generations.temperature.tolist() == [4.0, 1.0, 1.0]


def test_progress_is_told_by_generation(tmp_path: Path) -> None:
    heard: list[tuple[int, int, int]] = []
    found = sample_posterior(
        linear_problem(), 25, 2, tmp_path / "h.db", 1, (8.0, 2.0), lambda *told: heard.append(told)
    )
    ends = {generation: (accepted, evaluated) for generation, accepted, evaluated in heard}
    assert ends == {t: (25, n) for t, n in enumerate(found.generations.evaluated)}
    assert heard == sorted(heard)


# --- one sentence --------------------------------------------------------------------------------


def test_without_pyabc_one_sentence_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyabc", None)
    with pytest.raises(InputError, match=r"needs pyabc, which is not installed; .*\[calibrate\]") as caught:
        sample_posterior(linear_problem(), 5, 1, tmp_path / "h.db")
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["50%", "what?"])
def test_a_folder_that_the_history_cannot_lie_in_costs_one_sentence(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(InputError, match="choose another out="):
        sample_posterior(linear_problem(), 5, 1, tmp_path / name / "h.db", 1, (9.0,))


@pytest.mark.parametrize("name", ["결과 폴더", "a#b", "a&b=c", "a;b:c@d"])
def test_a_history_may_lie_in_a_folder_of_an_unusual_name(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    sample_posterior(linear_problem(), 5, 1, tmp_path / name / "h.db", 1, (9.0,))
    with sqlite3.connect(tmp_path / name / "h.db") as history:
        assert history.execute("select count(*) from populations where t >= 0").fetchone() == (1,)


def test_targets_out_of_reach_end_in_one_sentence_and_not_in_an_endless_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyed, "HOPELESS", 300)
    with pytest.raises(InputError, match=r"of 300 candidates of generation 1, 0 came near the targets"):
        sample_posterior(linear_problem(TOLERANCES / 1e5), 5, 1, tmp_path / "h.db", 1, (160.0, 1.0))


def test_a_pattern_that_cannot_be_computed_and_is_no_target_is_kept_as_such(tmp_path: Path) -> None:
    problem = replace(linear_problem(), simulator=Unknown())
    found = sample_posterior(problem, 5, 1, tmp_path / "h.db", 1, (1e6,))
    assert found.patterns["of nobody"].isna().all()
    assert found.patterns["pattern 0"].notna().all()


class Unknown:
    """A simulator of which one pattern is never known."""

    def patterns(self, _: Mapping[str, float]) -> dict[str, float]:
        return {"pattern 0": 1.0, "pattern 1": 1.0, "pattern 2": 1.0, "of nobody": math.nan}


QUIET = """
import sys
from pathlib import Path
from linear_problem import linear_problem
from cpdiffusion.calibration.smc import sample_posterior
if __name__ == "__main__":
    sample_posterior(linear_problem(), 12, 1, Path(sys.argv[1]), 2, (8.0, 2.0))
"""


def test_a_user_sees_no_warning_of_a_library(tmp_path: Path) -> None:
    script = tmp_path / "quiet.py"
    script.write_text(f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}){QUIET}", "utf-8")
    command = [sys.executable, "-W", "default", str(script), str(tmp_path / "h.db")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_state_that_holds_no_calibration_costs_one_sentence(tmp_path: Path) -> None:
    history = tmp_path / "h.db"
    history.touch()
    with pytest.raises(InputError, match="holds no calibration; delete it"):
        sample_posterior(linear_problem(), 5, 1, history, 1, (9.0, 3.0))
