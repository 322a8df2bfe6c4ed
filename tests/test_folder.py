"""Result folders are whole or not there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cpdiffusion.errors import InputError
from cpdiffusion.runner.folder import MANIFEST, check_target, next_free, staged
from cpdiffusion.runner.manifest import write_manifest


def write(out: Path, overwrite: bool = False, **files: str) -> None:
    with staged(out, overwrite) as folder:
        for name, text in files.items():
            (folder / name).write_text(text)
        write_manifest(folder, {"study": "test"})


def write_and_raise(out: Path, error: BaseException) -> None:
    with staged(out, overwrite=True) as folder:
        (folder / "a").write_text("new")
        raise error


def test_a_result_appears_whole(tmp_path: Path) -> None:
    write(tmp_path / "deep" / "out", a="1", b="2")
    assert {p.name for p in (tmp_path / "deep" / "out").iterdir()} == {"a", "b", MANIFEST}
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["out"]


def test_an_error_midway_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        write_and_raise(tmp_path / "out", RuntimeError())
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_midway_keeps_the_earlier_result(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, a="old")
    with pytest.raises(KeyboardInterrupt):
        write_and_raise(out, KeyboardInterrupt())
    assert (out / "a").read_text() == "old"


def test_a_full_disk_is_one_sentence_and_keeps_the_earlier_result(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, a="old")
    with pytest.raises(InputError, match="No space left"):
        write_and_raise(out, OSError(28, "No space left on device"))
    assert (out / "a").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_result_is_refused_unless_overwriting_is_asked_for(tmp_path: Path) -> None:
    write(tmp_path / "out", a="1")
    with pytest.raises(InputError, match="not empty"):
        write(tmp_path / "out", a="2")
    write(tmp_path / "out", overwrite=True, a="2")
    assert (tmp_path / "out" / "a").read_text() == "2"


def test_overwriting_removes_the_earlier_result_and_nothing_else(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, a="1", b="1")
    (out / "my notes.txt").write_text("mine")
    write(out, overwrite=True, a="2")
    assert {p.name for p in out.iterdir()} == {"a", "my notes.txt", MANIFEST}


def test_a_folder_that_is_no_result_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match="no earlier result"):
        check_target(tmp_path, overwrite=True)


def test_a_manifest_cannot_name_files_elsewhere(tmp_path: Path) -> None:
    out = tmp_path / "out"
    (tmp_path / "precious").write_text("x")
    write(out, a="1")
    (out / MANIFEST).write_text('{"files": {"../precious": "", "a": ""}}')
    write(out, overwrite=True, b="1")
    assert (tmp_path / "precious").exists()
    assert not (out / "a").exists()


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="is a file"):
        check_target(tmp_path / "file", overwrite=True)


@pytest.mark.skipif(not Path("/proc/version").exists(), reason="needs a folder nobody can write to")
def test_an_unwritable_folder_is_named() -> None:
    with pytest.raises(InputError, match="cannot be written"):
        check_target(Path("/proc/cpdiffusion/out"), overwrite=False)


def test_the_next_free_folder_does_not_exist(tmp_path: Path) -> None:
    os.mkdir(tmp_path / "compare-001")
    assert next_free(tmp_path, "compare").name == "compare-002"
