"""Work in units: chunks, shards, processes; what is killed, full or read-only costs nothing that was done."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import textwrap
import time
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cpdiffusion.errors import InputError
from cpdiffusion.runner import carry_out as at_work
from cpdiffusion.runner.carry_out import Cutter, carry_out
from cpdiffusion.runner.crew import local_crew
from cpdiffusion.runner.processes import WorkerDied
from cpdiffusion.runner.shards import ROWS_PER_GROUP, Shards, as_parquet, in_groups
from cpdiffusion.runner.work import Chunk, Done
from planted_work import Squares

HERE = Path(__file__).parent
UNITS = 40
FAILING = (0, 7, 8, 39)


def carried_out(folder: Path, work: Squares, workers: int = 1) -> Shards:
    folder.mkdir(exist_ok=True)
    shards = Shards(folder)
    carry_out(work, shards, partial(local_crew, workers=workers), lambda units: None)
    return shards


def merged(shards: Shards) -> bytes:
    path = shards.folder / "all"
    shards.merged_into(path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    shards = carried_out(tmp_path_factory.mktemp("whole"), Squares(UNITS, FAILING))
    return merged(shards)


def test_every_unit_is_computed_once_and_failures_say_why(tmp_path: Path) -> None:
    shards = carried_out(tmp_path, Squares(UNITS, FAILING))
    assert shards.to_do(UNITS) == []
    merged(shards)
    rows = pd.read_parquet(tmp_path / "all")
    expected = [u for u in range(UNITS) if u not in FAILING for _ in range(u % 3 + 1)]
    assert rows.unit.tolist() == expected
    assert rows.square.tolist() == [float(u) ** 2 for u in expected]
    assert [failed.unit for failed in shards.failed()] == list(FAILING)
    assert shards.failed()[1].reason == "unit 7 cannot be computed"


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_the_bytes_do_not_depend_on_the_number_of_workers(workers: int, whole: bytes, tmp_path: Path) -> None:
    assert merged(carried_out(tmp_path, Squares(UNITS, FAILING, seconds=0.002), workers)) == whole


def test_what_is_done_is_not_done_again(whole: bytes, tmp_path: Path) -> None:
    shards = Shards(tmp_path)
    for first, size in ((3, 4), (20, 1), (38, 2)):
        chunk = Chunk(first, size)
        shards.write(chunk, as_parquet(Squares(UNITS, FAILING).run(*chunk)))
    assert shards.to_do(UNITS) == [Chunk(0, 3), Chunk(7, 13), Chunk(21, 17)]
    told: list[int] = []
    carry_out(Squares(UNITS, FAILING), shards, partial(local_crew, workers=1), told.append)
    assert sum(told) == UNITS - 7
    assert merged(shards) == whole


def test_rows_are_cut_into_groups_of_one_size_however_they_came() -> None:
    import pyarrow as pa

    rows = 2 * ROWS_PER_GROUP + 17
    table = pa.table({"row": np.arange(rows)})
    for size in (rows, 999, ROWS_PER_GROUP):
        parts = iter([table.slice(begin, size) for begin in range(0, rows, size)])
        found = list(in_groups(parts))
        assert [part.num_rows for part in found] == [ROWS_PER_GROUP, ROWS_PER_GROUP, 17]
        assert pa.concat_tables(found)["row"].to_pylist() == list(range(rows))


# --- how work is cut ------------------------------------------------------------------------------


def test_chunks_grow_to_the_time_that_they_should_take_and_shrink_towards_the_end() -> None:
    cutter, sizes = Cutter([Chunk(0, 10_000)], workers=2), []
    while chunk := cutter.next():
        sizes.append(chunk.size)
        cutter.took(chunk, 0.001 * chunk.size)
    assert sizes[0] == 1
    assert max(sizes) == pytest.approx(at_work.LEAST_SECONDS / 0.001, rel=0.05)
    assert sizes[-1] == 1
    assert sum(sizes) == 10_000
    assert len(sizes) < 60


def test_slow_units_are_handed_out_one_by_one() -> None:
    cutter = Cutter([Chunk(5, 6), Chunk(20, 2)], workers=2)
    found = []
    while chunk := cutter.next():
        found.append(chunk)
        cutter.took(chunk, 100.0)
    assert found == [Chunk(u, 1) for u in (5, 6, 7, 8, 9, 10, 20, 21)]


# --- what dies ------------------------------------------------------------------------------------


def test_a_worker_that_dies_costs_its_chunk_which_is_computed_again(whole: bytes, tmp_path: Path) -> None:
    work = Squares(UNITS, FAILING, 0.005, fatal=23, marker=str(tmp_path / "died"))
    shards = carried_out(tmp_path / "store", work, workers=2)
    assert (tmp_path / "died").exists()
    assert merged(shards) == whole


def test_work_that_kills_every_worker_ends_in_a_sentence_and_the_rest_is_kept(tmp_path: Path) -> None:
    with pytest.raises(WorkerDied, match="ended from outside"):
        carried_out(tmp_path, Squares(6, fatal=5), workers=2)
    left = [unit for gap in Shards(tmp_path).to_do(6) for unit in range(gap.first, gap.end)]
    assert 5 in left
    assert len(left) < 6


def child(folder: Path, code: str = "", work: str = "Squares(40, (0, 7, 8, 39), 0.03)") -> list[str]:
    """A command that carries out work in another process, with two workers."""
    text = f"""
        import sys
        sys.path[:0] = [{str(HERE)!r}, {str(HERE.parent / "model")!r}]
        from functools import partial
        from pathlib import Path
        from cpdiffusion.runner.carry_out import carry_out
        from cpdiffusion.runner.crew import local_crew
        from cpdiffusion.runner.shards import Shards
        from planted_work import Squares
        {code}
        carry_out({work}, Shards(Path({str(folder)!r})), partial(local_crew, workers=2), print)
    """
    return [sys.executable, "-u", "-c", textwrap.dedent(text)]


def test_twenty_kills_at_random_moments_cost_nothing_that_was_done(whole: bytes, tmp_path: Path) -> None:
    """Not a word of a guard in the child's script: processes that it starts must not run it again."""
    chance, store = random.Random(1), Shards(tmp_path)
    found = [0]
    for _ in range(20):
        process = subprocess.Popen(child(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert process.stdout is not None
        for _ in range(chance.randint(0, 3)):  # chunks, as far as there are any
            process.stdout.readline()
        time.sleep(chance.uniform(0.0, 0.05))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        found.append(sum(chunk.size for chunk in store.chunks()))
    assert found == sorted(found)
    assert len(set(found)) > 4, "some were killed in the midst of it"
    subprocess.run(child(tmp_path), check=True, capture_output=True)
    assert store.to_do(UNITS) == []
    assert merged(store) == whole


def test_a_full_disk_is_one_sentence_and_loses_nothing_that_was_written(whole: bytes, tmp_path: Path) -> None:
    """The limit on the size of files makes the system refuse to write, as a full disk does."""
    small = as_parquet(Squares(UNITS, FAILING).run(0, 1))
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({len(small) + 300},) * 2)"
    ended = subprocess.run(
        child(tmp_path, limit, "Squares(40, (0, 7, 8, 39))"), capture_output=True, text=True
    )
    assert ended.returncode != 0
    assert "cannot be written (File too large); what was done before is kept" in ended.stderr
    before = {path.name: path.read_bytes() for path in Shards(tmp_path).paths()}
    assert before
    assert not list(tmp_path.glob(".*")), "nothing half-written is left"
    subprocess.run(child(tmp_path), check=True, capture_output=True)
    assert {name: (tmp_path / name).read_bytes() for name in before} == before
    assert merged(Shards(tmp_path)) == whole


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    shards = Shards(tmp_path / "gone")
    with pytest.raises(InputError, match="cannot be written"):
        shards.write(Chunk(0, 1), as_parquet(Done({"unit": np.zeros(1)})))


def test_a_half_written_shard_of_a_killed_process_is_not_taken_for_one(tmp_path: Path) -> None:
    (tmp_path / ".units-000000000-000000003.parquet.part").write_bytes(b"PAR1 torn")
    assert Shards(tmp_path).to_do(4) == [Chunk(0, 4)]
