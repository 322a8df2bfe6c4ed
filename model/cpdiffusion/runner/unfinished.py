"""Long work that was interrupted goes on by the same command, and by no other.

Beside the result folder stands a hidden one with the state of the work and what was asked. The same
command finds it and goes on; another one is told what differs, for what is half done under one setting
must not be finished under another.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cpdiffusion.errors import InputError
from cpdiffusion.runner.folder import write_whole

ASKED = "asked.json"


def unfinished_folder(out: Path) -> Path:
    """Where the state of work on a result folder stands."""
    return out.parent / f".{out.name}.unfinished"


def take_up(out: Path, asked: Mapping[str, Any]) -> Path:
    """The folder of unfinished work on ``out``, new or as it was left.

    ``asked`` is plain data, compared key by key. InputError when the work was begun with another one, or
    when the folder cannot be written.
    """
    folder, plain = unfinished_folder(out), json.loads(json.dumps(asked, default=str))
    try:
        if (folder / ASKED).exists():
            _require_same(folder, plain)
        else:
            folder.mkdir(parents=True, exist_ok=True)
            write_whole(folder / ASKED, json.dumps(plain, indent=1, ensure_ascii=False))
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror}).") from None
    return folder


def finished(folder: Path) -> None:
    """Forget the state: the result is written."""
    shutil.rmtree(folder, ignore_errors=True)


def _require_same(folder: Path, asked: Mapping[str, Any]) -> None:
    try:
        begun = json.loads((folder / ASKED).read_text(encoding="utf-8"))
    except ValueError:
        begun = {}
    for key in sorted({*begun, *asked}):
        if begun.get(key) != asked.get(key):
            raise InputError(
                f"{key}: unfinished work was begun with {_said(begun.get(key))} and is now asked for with "
                f"{_said(asked.get(key))}; finish it as it was begun, choose another out=, or delete "
                f"{folder}."
            )


def _said(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."
