"""Compiled code: the same bytes as plain Python, and never a stale rule from the cache."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest

from cpdiffusion import compiled, draws
from cpdiffusion.compiled import PACKAGE, ROOMS, source_hash, sources_behind
from cpdiffusion.draws import Purpose, replicate_seeds
from cpdiffusion.engine import decide, reveal
from cpdiffusion.engine.run import room_for, run_into
from cpdiffusion.engine.setting import Setting, columns_of, rule_of
from cpdiffusion.engine.state import NEVER, NOBODY, new_state
from cpdiffusion.policy.design import design_of
from cpdiffusion.policy.levers import Levers
from cpdiffusion.policy.programme import programme_of
from cpdiffusion.policy.targeting import priority
from cpdiffusion.world.ties import Ties
from cpdiffusion.world.world import World
from small_worlds import calm, firms_like, prepared, synthetic

TESTS = Path(__file__).parent


# --- in another process ---------------------------------------------------------------------------


def elsewhere(function: str, package: Path, **environment: str) -> Any:
    """What a function of this file returns in a new Python that imports the given package."""
    code = (
        f"import json, cpdiffusion, test_compiled; assert cpdiffusion.__path__[0] == {str(package)!r};"
        f"print(json.dumps(test_compiled.{function}()))"
    )
    path = os.pathsep.join([str(package.parent), str(TESTS)])
    settings = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", **environment}
    command = [sys.executable, "-W", "ignore::RuntimeWarning", "-c", code]
    done = subprocess.run(command, env=settings, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# --- the same bytes -------------------------------------------------------------------------------

DESIGNS = {
    "none": Levers(),
    "individual": Levers(support="individual", publishes_results=True, targeting="small"),
    "cluster": Levers(support="cluster", cohort_size=8, subsidy_rate=0.3, integrated_safety=1.0),
    "queue": Levers(
        support="cluster", cohort_size=5, subsidy_rate=0.6, adviser_skill=1.5, programme_years=2,
        adviser_capacity_firms_per_quarter=2.0, targeting="connected",
    ),
}  # fmt: skip


def digest(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16]


def fingerprints() -> dict[str, list[str]]:
    """Digests of a drawn world and of three replicates of each design on it."""
    world, p = synthetic(60, ("ulsan", "busan"), complementarity_log_return=0.2, act_anyway_probability=0.02)
    found = {
        "firms": [digest(column) for column in world.firms],
        "ties": [digest(column) for column in world.ties],
    }
    for name, levers in DESIGNS.items():
        setting = prepared(world, levers, p, 24).setting
        runs, state = room_for(3, world.size, 2, 24), new_state(world.size, 2, 24)
        with np.errstate(all="ignore"):
            run_into(runs, state, setting, replicate_seeds(1, 0, 3), priority(levers.targeting, world))
        kept = (runs.adoption_quarter, runs.supported_quarter, runs.log_return, runs.flow)
        found[name] = [digest(array) for array in (*kept, state.log_return, state.weighted_sum)]
        assert (runs.adoption_quarter != NEVER).any(), name
    return found


def test_plain_python_gives_the_same_bytes_as_compiled_code() -> None:
    assert not numba.config.DISABLE_JIT
    here = fingerprints()
    assert elsewhere("fingerprints", PACKAGE, NUMBA_DISABLE_JIT="1") == here
    assert len({tuple(found) for found in here.values()}) == len(here)  # designs do differ


def key_and_draws() -> list[float]:
    key = np.uint64(draws.stream(np.uint64(2**63 + 5), int(Purpose.REVIEW), 3))
    with np.errstate(over="ignore"):
        return [float(int(key) >> 11), *(draws.standard_normal(key, firm) for firm in range(50))]


def test_a_draw_asked_for_from_python_is_the_compiled_one() -> None:
    assert elsewhere("key_and_draws", PACKAGE, NUMBA_DISABLE_JIT="1") == key_and_draws()


# --- editing the rule -----------------------------------------------------------------------------


def tiny_simulation() -> list[float]:
    """Adoption and beliefs in a ring of 60 firms over eight quarters without a policy.

    It calls the phases one by one, so that little has to be compiled.
    """
    size, p = 60, calm(reveal_lag_quarters=1, review_rate_per_quarter=0.7, mean_log_return=0.3)
    row = np.arange(size)
    around = np.sort(np.stack([(row - 1) % size, (row + 1) % size], axis=1)).astype(np.int32)
    ties = Ties(2 * np.arange(size + 1), around.ravel(), np.ones(2 * size, np.int8), np.ones(2 * size))
    sure = np.where(row % 10 == 0, 0.0, 0.5)
    firms = firms_like(size, required_confidence=sure, potential_log_return=np.sin(row))
    world = World(firms, ties, ("region",), ("sector",), ("complex",))
    columns, rule = columns_of(world, p, np.array([p.mean_log_return])), rule_of(p)
    setting = Setting(columns, rule, programme_of(design_of(Levers()), p))
    state = new_state(size, 1, 8)
    for column, value in CLEAN.items():
        getattr(state, column)[:] = value
    state.precision[:], state.weighted_sum[:] = rule.prior_precision, rule.prior_weighted_sum
    state.log_return[:] = columns.expected_log_return  # what each gets should it adopt
    for now in range(8):
        reveal.show_neighbours(state, setting.columns, now - rule.reveal_lag_quarters)
        decide.decide_at_reviews(state, setting.columns, rule, setting.programme, now)
    return [*state.adoption_quarter.tolist(), *state.weighted_sum.tolist()]


CLEAN = {
    "seed": np.uint64(1), "results_seen": 0, "informant": NOBODY, "supported_quarter": NEVER,
    "diagnosed_quarter": NEVER, "stirred": True, "signal": 0.0, "cohort": NOBODY,
    "adoption_quarter": NEVER, "counts": 0, "flow": 0.0,
}  # fmt: skip


def copy_of_the_package(folder: Path) -> Path:
    copy = folder / "model" / PACKAGE.name
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert text.count(old) == 1, f"{file.name} no longer holds '{old}' once"
    file.write_text(text.replace(old, new), "utf-8")


def trust_strangers_more(package: Path) -> None:
    """One line of the rule: every mean is believed to be 0.3 higher."""
    line = "return weighted_sum / precision,"
    edit(package / "behaviour" / "learning.py", line, f"{line.replace('return', 'return 0.3 +')}")


def never_notice_an_edit(package: Path) -> None:
    edit(package / "compiled.py", "return digest.hexdigest()[:16]", 'return "always the same"')


def test_an_edit_of_the_rule_changes_results_at_once(tmp_path: Path) -> None:
    package, cache = copy_of_the_package(tmp_path), str(tmp_path / "cache")
    before = elsewhere("tiny_simulation", package, XDG_CACHE_HOME=cache)
    assert len(set(before[:60])) > 3  # quarters of adoption: something does happen
    assert list(Path(cache).rglob("*.nbi"))
    assert elsewhere("tiny_simulation", package, XDG_CACHE_HOME=cache) == before  # from the cache
    assert elsewhere("tiny_simulation", package, NUMBA_DISABLE_JIT="1") == before
    trust_strangers_more(package)
    after = elsewhere("tiny_simulation", package, XDG_CACHE_HOME=cache)
    assert after != before
    assert after == elsewhere("tiny_simulation", package, NUMBA_DISABLE_JIT="1")


def test_without_the_hash_of_the_sources_the_edit_would_go_unnoticed(tmp_path: Path) -> None:
    """Control: the trap is real, and the test above would fall into it."""
    package, cache = copy_of_the_package(tmp_path), str(tmp_path / "cache")
    never_notice_an_edit(package)
    before = elsewhere("tiny_simulation", package, XDG_CACHE_HOME=cache)
    trust_strangers_more(package)
    assert elsewhere("tiny_simulation", package, XDG_CACHE_HOME=cache) == before
    assert elsewhere("tiny_simulation", package, NUMBA_DISABLE_JIT="1") != before


# --- which sources count ----------------------------------------------------------------------------


def rooms() -> list[str]:
    return [name.removesuffix(".py") for name in ROOMS]


def room_of(module: str) -> str:
    return module.split(".")[1]


def hashes(package: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setattr(compiled, "PACKAGE", package)
    modules = [f"cpdiffusion.{room}.any" for room in rooms()] + ["elsewhere"]
    return {module: source_hash.__wrapped__(module) for module in modules}


@pytest.mark.parametrize("room", rooms())
def test_an_edit_counts_for_its_own_room_and_all_later_ones(
    room: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = copy_of_the_package(tmp_path)
    before = hashes(package, monkeypatch)
    for file in sources_behind(f"cpdiffusion.{room}.any"):
        if room not in (file.stem, file.parent.name):
            continue
        text = file.read_bytes()
        file.write_bytes(text + b"\n")
        edited = hashes(package, monkeypatch)
        file.write_bytes(text)
        expected = {
            module for module in before
            if module == "elsewhere" or rooms().index(room_of(module)) >= rooms().index(room)
        }  # fmt: skip
        assert {module for module in before if edited[module] != before[module]} == expected, file
    assert hashes(package, monkeypatch) == before


def modules() -> Iterator[tuple[str, ast.Module]]:
    for file in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(["cpdiffusion", *file.relative_to(PACKAGE).with_suffix("").parts])
        yield name, ast.parse(file.read_text("utf-8"))


COMPILING = {"compiled", "inlined", "merged"}


def compiled_functions(tree: ast.Module) -> list[ast.FunctionDef]:
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and any(isinstance(d, ast.Name) and d.id in COMPILING for d in node.decorator_list)
    ]


def own_imports(tree: ast.Module) -> dict[str, str]:
    """{name in the module: room of the package that it comes from}."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("cpdiffusion"):
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found[alias.asname or alias.name] = whole.split(".")[1]
    return found


def used_from_other_rooms(tree: ast.Module) -> set[str]:
    """Rooms that the bodies of compiled functions draw on (annotations are not compiled)."""
    imports, used = own_imports(tree), set()
    for function in compiled_functions(tree):
        for statement in function.body:
            names = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
            used |= {imports[name] for name in names & imports.keys()}
    return used


def test_all_that_compiled_code_is_made_of_counts() -> None:
    checked_functions = 0
    for name, tree in modules():
        if not compiled_functions(tree):
            continue
        checked_functions += len(compiled_functions(tree))
        assert room_of(name) in rooms(), f"{name} compiles, but its room is not in ROOMS"
        known = rooms()[: rooms().index(room_of(name)) + 1]
        assert used_from_other_rooms(tree) <= set(known), name
    assert checked_functions > 60


def test_a_planted_use_of_a_room_that_does_not_count_is_seen() -> None:
    planted = (
        "from cpdiffusion.compiled import compiled\nfrom cpdiffusion.parameters import X\n"
        "from cpdiffusion.errors import Y\n@compiled\ndef f(a: Y) -> float:\n    return a * X\n"
    )
    assert used_from_other_rooms(ast.parse(planted)) == {"parameters"}


# --- where it is kept -------------------------------------------------------------------------------


def test_the_cache_is_where_the_user_says_and_elsewhere_if_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = compiled.cache_folder("cpdiffusion.engine.run")
    assert folder == tmp_path / "cpdiffusion" / source_hash("cpdiffusion.engine.run")
    assert folder.is_dir()
    (tmp_path / "a_file").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "a_file"))
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "temporary"))
    other = compiled.cache_folder("cpdiffusion.engine.run")
    assert other.parent == tmp_path / "temporary" / "cpdiffusion"


def test_compiling_leaves_numbas_own_settings_as_they_were(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(numba.config, "CACHE_DIR", "kept")
    compiled.compiled(lambda_free)
    assert numba.config.CACHE_DIR == "kept"


def lambda_free(x: float) -> float:
    return x + 1.0


def test_compiled_code_does_not_reorder_sums() -> None:
    """With relaxed arithmetic a compiler may turn (a + b) - b into a."""
    dispatcher: Any = reveal.learn
    assert dispatcher.targetoptions.get("fastmath", False) is False
    assert dispatcher.targetoptions["nogil"] is True
    precision, weighted_sum = np.array([1e16]), np.array([0.0])
    reveal.learn(precision, weighted_sum, 0, 1.0, 0.0)
    assert precision[0] == 1e16
