"""Time the compiled engine against other ways to do the same jobs, on this machine, in one run.

    python tests/bench/bench.py [out=results/bench] [all=true] [quick=true]

Every engine gets the same worlds (``jobs``). At each size engines take turns, round after round,
and each turn is a process of its own (``timing``). What each must make before its first quarter is
shown apart and is in no ratio. The floor is measured in the same rounds: one keyed draw and one
comparison per firm and quarter, one firm at a time, those that come up noted down (``floor``).
``ratio_to_floor`` is how many times longer an engine takes than that on one thread,
``ratio_to_mesa`` how many times faster it is than the job in the style of Mesa's tutorials.

An engine whose turn would take more than a minute is left out unless ``all=true``. ``quick=true``
measures a little of everything in seconds, to see that it works; its figures say nothing about
speed.

Written to the folder ``out``: ``bench.csv`` and ``bench.png``, every turn in ``rounds.csv``, the
curve over size in ``scale.csv`` and ``scale.png``, and in ``other.csv`` what is not a turn: worlds,
start-up, a large command, many replicates. ``instruments.csv`` has runs with and without ten
instruments at once (``instruments``).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cpdiffusion.errors import InputError, did_you_mean


@dataclass(frozen=True)
class Options:
    """What the command line asks for."""

    out: Path = Path("results/bench")
    all: bool = False
    quick: bool = False


def options_of(words: Sequence[str]) -> Options:
    """From ``name=value``; InputError names the word that is wrong."""
    given: dict[str, object] = {}
    for word in words:
        name, _, value = word.partition("=")
        if name not in Options.__dataclass_fields__:
            raise InputError(f"'{word}': no such option{did_you_mean(name, Options.__dataclass_fields__)}")
        given[name] = Path(value) if name == "out" and value else truth(word, value)
    return Options(**given)  # type: ignore[arg-type]


def truth(word: str, value: str) -> bool:
    """``true`` or ``false``."""
    if value not in ("true", "false"):
        right = (
            "out=<folder>"
            if word.startswith("out")
            else "{0}=true or {0}=false".format(word.partition("=")[0])
        )
        raise InputError(f"'{word}': write {right}.")
    return value == "true"


def folder_for(path: Path) -> Path:
    """The folder, made if need be, before minutes are spent; InputError when it cannot be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"out={path}: cannot be made a folder ({error.strerror}).") from None
    if not os.access(path, os.W_OK):
        raise InputError(f"out={path}: cannot be written to; name another folder.")
    return path


def main(words: Sequence[str]) -> int:
    """Measure, print and write; 2 for a mistake on the command line."""
    try:
        options = options_of(words)
        folder = folder_for(options.out)
    except InputError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    from bench.session import measure_into  # after a mistake has been answered; it takes seconds

    measure_into(folder, quick=options.quick, everybody=options.all)
    return 0


def run_as_script() -> None:
    """Modules here are bench.this, never this alone; one thread is one thread, in numpy too."""
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    for library in ("OPENBLAS", "OMP", "MKL"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    run_as_script()
