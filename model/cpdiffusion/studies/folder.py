"""What every study that writes a result folder does: choose it, fill it, say in it what was asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cpdiffusion.runner.folder import check_target, next_free, staged
from cpdiffusion.runner.manifest import write_manifest
from cpdiffusion.runner.progress import announce_compilation
from cpdiffusion.studies.going_on import with_next_commands
from cpdiffusion.studies.settings import Settings


class Job:
    """One command from its start: its result folder, checked before anything is computed.

    ``compiled``: whether the study runs the compiled model.
    """

    def __init__(self, settings: Settings, command: str, compiled: bool = True) -> None:
        self._started = time.perf_counter()
        self.settings, self.command = settings, command
        self.out = settings.out or next_free(Path("results"), settings.study)
        check_target(self.out, settings.overwrite)
        announce_compilation(settings.progress and compiled)

    def finish(
        self, write: Callable[[Path], None], summary: str, answer: str, drawn: Mapping[str, Any] | None = None
    ) -> Path:
        """Write the folder as a whole, print the answer and where it is.

        ``write`` puts tables and figures into a folder; ``drawn`` is added to the manifest.
        """
        with staged(self.out, self.settings.overwrite) as folder:
            write(folder)
            told = with_next_commands(summary, self.settings.study, self.command)
            (folder / "summary.md").write_text(told, encoding="utf-8")
            write_manifest(folder, {**self._asked(), **(drawn or {})}, self._inputs())
        print(answer)
        print(f"results: {self.out}")
        return self.out

    def _asked(self) -> dict[str, Any]:
        return {
            "study": self.settings.study,
            "command": self.command,
            "settings": self.settings.model_dump(mode="json"),
            "seed": self.settings.seed,
            "duration_seconds": round(time.perf_counter() - self._started, 3),
        }

    def _inputs(self) -> list[Path]:
        """Files of the user that went into the result."""
        world = self.settings.world
        posterior = self.settings.posterior.own_file
        own = (self.settings.results, self.settings.efficiency.file)
        named = (world.firms, world.ties, world.graph, *own, posterior)
        scenarios = [Path(name) for name in self.settings.scenarios if name.endswith((".yaml", ".yml"))]
        return [path for path in named if path] + scenarios
