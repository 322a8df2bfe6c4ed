"""Result folders that are whole or not there.

Everything is written into a staging folder beside the target and moved in at the end, the
manifest last, so that a killed process or a full disk leaves no half-written result.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from cpdiffusion.errors import InputError

MANIFEST = "manifest.json"


def next_free(parent: Path, name: str) -> Path:
    """The first of ``parent/name-001``, ``-002`` ... that does not exist."""
    return next(p for n in range(1, 1_000_000) if not (p := parent / f"{name}-{n:03d}").exists())


def check_target(out: Path, overwrite: bool) -> None:
    """InputError unless results may be written to ``out``; nothing is changed on disk."""
    if out.exists() and not out.is_dir():
        raise InputError(f"out={out}: is a file; give the name of a folder.")
    if out.is_dir() and any(out.iterdir()):
        if not overwrite:
            raise InputError(
                f"out={out}: the folder is not empty; choose another, or set overwrite=true to replace "
                "the result in it."
            )
        if not (out / MANIFEST).is_file():
            raise InputError(
                f"out={out}: the folder holds files but no earlier result ({MANIFEST}), so it is not "
                "overwritten; choose another folder."
            )
    _check_writable(out)


def _check_writable(out: Path) -> None:
    nearest = next(p for p in (out, *out.absolute().parents) if p.exists())
    try:
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        raise InputError(f"out={out}: {nearest} cannot be written to ({error.strerror}).") from None


@contextlib.contextmanager
def staged(out: Path, overwrite: bool) -> Iterator[Path]:
    """A folder to write into; its files replace the earlier result in ``out`` when all went well."""
    check_target(out, overwrite)
    staging: Path | None = None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
        yield staging
        publish(staging, out)
    except OSError as error:
        raise InputError(f"out={out}: the result could not be written ({error.strerror}).") from error
    finally:
        if staging is not None:
            shutil.rmtree(staging, ignore_errors=True)


def publish(staging: Path, out: Path) -> None:
    """Move the staged files into ``out``, the manifest last; files of the earlier result go."""
    out.mkdir(exist_ok=True)
    new = {path.name for path in staging.iterdir()}
    old = set(files_of_result(out))
    (out / MANIFEST).unlink(missing_ok=True)
    for name in sorted(new, key=lambda n: (n == MANIFEST, n)):
        _sync(staging / name)
        os.replace(staging / name, out / name)
    for name in old - new:
        (out / name).unlink(missing_ok=True)


def files_of_result(out: Path) -> list[str]:
    """Files that the result in a folder says it is made of; plain names only."""
    try:
        listed = json.loads((out / MANIFEST).read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [name for name in listed if isinstance(name, str) and Path(name).name == name]


def write_whole(path: Path, text: str) -> None:
    """Write a text file so that it is on the disk as a whole, or not there."""
    write_bytes_whole(path, text.encode())


def write_bytes_whole(path: Path, content: bytes) -> None:
    """Write a file so that it is on the disk as a whole, or not there."""
    staging = path.with_name(f".{path.name}.part")
    try:
        staging.write_bytes(content)
        _sync(staging)
        staging.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            staging.unlink(missing_ok=True)
        raise


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
