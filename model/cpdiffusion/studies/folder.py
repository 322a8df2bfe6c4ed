"""What every study that writes a result folder does: choose it, and say in it what was asked."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from cpdiffusion.runner.folder import check_target, next_free
from cpdiffusion.runner.progress import announce_compilation
from cpdiffusion.studies.settings import Settings


class Job:
    """One command from its start: its result folder, checked before anything is computed."""

    def __init__(self, settings: Settings, command: str) -> None:
        self._started = time.perf_counter()
        self.settings, self.command = settings, command
        self.out = settings.out or next_free(Path("results"), settings.study)
        check_target(self.out, settings.overwrite)
        announce_compilation(settings.progress)

    def asked(self) -> dict[str, Any]:
        """The part of the manifest that all studies share."""
        return {
            "study": self.settings.study,
            "command": self.command,
            "settings": self.settings.model_dump(mode="json"),
            "seed": self.settings.seed,
            "duration_seconds": round(time.perf_counter() - self._started, 3),
        }

    def inputs(self) -> list[Path]:
        """Files of the user that went into the result."""
        world = self.settings.world
        named = (world.firms, world.ties, world.graph)
        scenarios = [Path(name) for name in self.settings.scenarios if name.endswith((".yaml", ".yml"))]
        return [path for path in named if path] + scenarios
