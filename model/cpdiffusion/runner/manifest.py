"""The manifest: what is needed to repeat a result and to trust it."""

from __future__ import annotations

import hashlib
import json
import platform
import re
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from cpdiffusion.runner.folder import MANIFEST

PACKAGE = Path(__file__).resolve().parents[1]


def file_hash(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def code_hash() -> str:
    """SHA-256 over the package's sources and data."""
    digest = hashlib.sha256()
    for path in sorted(p for p in PACKAGE.rglob("*") if p.suffix in {".py", ".csv", ".parquet"}):
        digest.update(str(path.relative_to(PACKAGE)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def versions() -> dict[str, str]:
    """Versions of Python, this package and the libraries that every result depends on.

    A study that needs more names it itself: what else is installed changes no result.
    """
    found = {"python": platform.python_version(), "machine": platform.machine()}
    try:
        required = [line for line in metadata.requires("cpdiffusion") or () if "extra ==" not in line]
    except metadata.PackageNotFoundError:  # run from a checkout without installing
        return found
    names = ["cpdiffusion", *(re.split(r"[^\w.-]", line)[0] for line in required)]
    return found | {name: metadata.version(name) for name in names}


def write_manifest(folder: Path, content: Mapping[str, Any], inputs: Iterable[Path] = ()) -> None:
    """Write the manifest of the files that stand in ``folder``; ``inputs`` are files that were read."""
    files = {path.name: file_hash(path) for path in sorted(folder.iterdir())}
    manifest = {
        **content,
        "versions": versions(),
        "code_sha256": code_hash(),
        "inputs_sha256": {str(path): file_hash(path) for path in inputs},
        "files": files,
    }
    text = json.dumps(manifest, indent=2, ensure_ascii=False, sort_keys=False, default=str)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")
