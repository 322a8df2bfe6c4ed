"""The most memory that a process has held at one time."""

from __future__ import annotations

import ctypes
import gc
import json
import resource
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

OF_THIS_PROCESS = Path("/proc/self")  # on Linux
MIB, KIB = 2**20, 2**10

# A command counts the memory of whoever starts it as its own until it has replaced it, so a small
# process must start it.
LAUNCH = """
import json, resource, subprocess, sys, time
begin = time.perf_counter()
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
seconds = time.perf_counter() - begin
ru_maxrss = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(json.dumps([seconds, ru_maxrss, done.returncode, done.stderr]))
"""


def peak_mib() -> float:
    """Peak of this process so far, as ``ru_maxrss``; a fork starts with what it shares."""
    status = OF_THIS_PROCESS / "status"
    if not status.exists():
        return mib_of(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * KIB / MIB


def mib_of(ru_maxrss: int) -> float:
    """macOS counts bytes, others KiB."""
    return ru_maxrss * (1 if sys.platform == "darwin" else KIB) / MIB


def forget_peak() -> None:
    """Give back what is free and, on Linux, let the peak begin again at what is held now."""
    gc.collect()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
    with suppress(OSError):
        (OF_THIS_PROCESS / "clear_refs").write_text("5")


def run_command(command: Sequence[str], environment: Mapping[str, str]) -> tuple[float, float]:
    """Seconds and peak memory (MiB) of a command; RuntimeError with what it said if it fails."""
    launch = [sys.executable, "-I", "-S", "-c", LAUNCH, *command]
    answer = subprocess.run(launch, env=dict(environment), check=True, capture_output=True, text=True).stdout
    seconds, ru_maxrss, code, said = json.loads(answer)
    if code:
        raise RuntimeError(f"{' '.join(command)} ended with {code}: {said.strip()}")
    return seconds, mib_of(ru_maxrss)
