"""One decorator, ``@compiled``: machine code by Numba, plain Python under NUMBA_DISABLE_JIT=1.

Numba's own disk cache looks only at the file that defines a function, so an edit in another
module, inlined there, would silently go unnoticed. The cache folder is therefore named after
a hash of every source file that compiled code may draw on: edit one line of the rule and the
next run compiles afresh.
"""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

import numba

P = ParamSpec("P")
R = TypeVar("R")

PACKAGE = Path(__file__).parent
# They look at compiled code and are no part of it.
VIEWS = {"mesa_decision.py", "mesa_firm.py", "mesa_import.py", "mesa_model.py"}
KEPT_SECONDS = 30 * 24 * 3600
# In import order: code in a room can only contain code of its own and earlier rooms, so an edit
# of the rule does not make the world compile again.
ROOMS = (
    "units.py",
    "compiled.py",
    "lent.py",
    "draws.py",
    "world",
    "behaviour",
    "terms.py",
    "instruments",
    "policy",
    "engine",
    "calibration",
)


@functools.cache
def source_hash(module: str) -> str:
    """Hash of all sources whose text can end up in the compiled code of ``module``."""
    digest = hashlib.sha256(numba.__version__.encode())
    for file in sources_behind(module):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def sources_behind(module: str) -> list[Path]:
    """Source files of the module's room and of those before it; all rooms for a foreign module."""
    room = [*module.split("."), ""][1] if module.startswith("cpdiffusion.") else ""
    names = [name.removesuffix(".py") for name in ROOMS]
    upto = ROOMS[: names.index(room) + 1] if room in names else ROOMS
    return [file for name in upto for file in _files(PACKAGE / name)]


def _files(room: Path) -> list[Path]:
    files = [room] if room.suffix else sorted(room.glob("*.py"))
    return [file for file in files if file.name not in VIEWS]


def cache_folder(module: str) -> Path:
    """Where compiled code is kept: the user's cache folder, or a temporary one if that is read-only."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    for root in (Path(home), Path(tempfile.gettempdir())):
        folder = root / "cpdiffusion" / source_hash(module)
        try:
            if not folder.exists():
                folder.mkdir(parents=True, exist_ok=True)
                forget_old(folder.parent)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    return Path(tempfile.mkdtemp(prefix="cpdiffusion-"))


def forget_old(root: Path) -> None:
    """Remove compiled code of versions that nobody has added to for a month."""
    for folder in root.iterdir():
        if folder.stat().st_mtime < time.time() - KEPT_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)


def is_cached(module: str) -> bool:
    """Whether a module's functions need no compiling, now or ever."""
    name = module.rpartition(".")[2]
    return bool(numba.config.DISABLE_JIT) or any(cache_folder(module).rglob(f"{name}.*.nbc"))


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile ``function`` without the GIL and without relaxed arithmetic, cached on disk.

    ``fastmath`` stays off: it would let the compiler reorder sums, and the same seed would no
    longer give the same bytes with and without compilation. ``inf`` is used as a value.
    """
    return _compiled(function)


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """As ``compiled``, but copied into its callers before they are compiled: for the phases.

    Handing over many columns takes longer than a short step with them.
    """
    return _compiled(function, inline="always")


def merged(function: Callable[P, R]) -> Callable[P, R]:
    """As ``compiled``, but made part of its callers' machine code: for steps within phases.

    Left to itself the compiler decides by size, and differently after any small edit. It takes longer
    to compile than ``inlined``.
    """
    return _compiled(function, forceinline=True)


def _compiled(function: Callable[P, R], **how: object) -> Callable[P, R]:
    if numba.config.DISABLE_JIT:
        return function
    others = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(cache_folder(function.__module__))
    try:
        return numba.njit(nogil=True, cache=True, error_model="numpy", **how)(function)
    finally:
        numba.config.CACHE_DIR = others
