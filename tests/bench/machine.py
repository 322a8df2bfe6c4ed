"""What the measurements were made on and with."""

from __future__ import annotations

import platform
import textwrap
from datetime import date
from importlib import metadata
from pathlib import Path

from bench.contestants.bass import CONTESTANTS
from bench.engines import missing
from cpdiffusion.runner.parallel import available_cores


def machine() -> str:
    """Processor, Python and libraries, and which of them are not here."""
    versions = {each.distribution: each.version() for each in CONTESTANTS if each.is_installed()}
    versions["numba"] = metadata.version("numba")
    parts = [
        f"{date.today()}, {processor()}, {available_cores()} cores, Python {platform.python_version()}",
        *(f"{name} {version}" for name, version in versions.items()),
    ]
    absent = [f"{each.name} is not installed: left out." for each in missing()]
    return "\n".join([*textwrap.wrap(", ".join(parts), 94), *absent, ""])


def processor() -> str:
    """Its name where the system tells it."""
    told = Path("/proc/cpuinfo")
    lines = told.read_text().splitlines() if told.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
