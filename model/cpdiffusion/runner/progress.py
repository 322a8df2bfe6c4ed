"""A progress bar on the terminal, silent when asked to be or when nobody watches."""

from __future__ import annotations

import sys
from typing import Any


def progress_bar(description: str, total: int, show: bool, done: int = 0) -> Any:
    """A tqdm bar that starts at ``done``; hidden unless ``show`` and standard error is a terminal."""
    from tqdm import tqdm

    hidden = not (show and sys.stderr.isatty())
    return tqdm(desc=description, total=total, initial=done, disable=hidden, leave=False, unit="run")


def announce_compilation(show: bool) -> None:
    """Say why the very first run, and the first after an edit of the rule, takes longer."""
    from cpdiffusion.compiled import is_cached

    if show and not is_cached("cpdiffusion.engine.run"):
        print("compiling the model; this happens once and takes about a minute ...", file=sys.stderr)
