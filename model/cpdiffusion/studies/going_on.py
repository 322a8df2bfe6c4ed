"""What to ask next: the commands at the end of a summary, with the settings of the one that was given."""

from __future__ import annotations

import shlex

MARK = "## Where to go on"
WORLD = (
    "region", "behaviour", "measures", "horizon_years", "scenarios", "baseline", "levers", "instruments",
    "changes", "world", "parameters", "beyond_range", "table",
)  # fmt: skip
PLACE = tuple(key for key in WORLD if key not in ("scenarios", "baseline", "changes", "instruments"))
TABLE = ("table", "results")
NEXT: dict[str, tuple[tuple[str, tuple[str, ...], str], ...]] = {
    "compare": (
        (
            "headline",
            PLACE,
            "the main contrast under all that the evidence leaves open, at every cohort size",
        ),
        ("sensitivity", WORLD, "which assumptions the difference depends on, alone and together"),
        ("replicates", WORLD, "how many replicates are enough for the difference that matters"),
    ),
    "headline": (
        ("discover", WORLD, "under which conditions individual support wins"),
        ("optimise", WORLD, "whether other policies do better in several aims at once"),
    ),
    "portfolio": (("optimise", WORLD, "instruments together with cohort size, subsidy and budget"),),
    "simulate": (("compare", WORLD, "the same in many runs, against another policy, with intervals"),),
    "measures": (("simulate", ("world", "behaviour"), "a simulated diffusion on the same network"),),
    "validate": (("calibrate", TABLE, "which parameters of the simulation fit the table"),),
    "recover": (("calibrate", TABLE, "the calibration itself"),),
    "efficiency": (("allocate", TABLE[:1], "what moving the budget between regions would bring"),),
    "allocate": (("compare", WORLD, "the kinds of support in one region: why they differ, what turns it"),),
}


def with_next_commands(summary: str, study: str, command: str) -> str:
    """The summary with the commands that suggest themselves, unless it ends with its own."""
    if study not in NEXT or MARK in summary:
        return summary
    lines = [f"{following(command, other, kept)}  # {why}" for other, kept, why in NEXT[study]]
    return "\n".join([summary.rstrip(), "", MARK, "", "```", *lines, "```", ""])


def following(command: str, study: str, kept: tuple[str, ...]) -> str:
    """The command of another study with those settings of this one that it reads."""
    first, *words = shlex.split(command)
    own = [word for word in words if word.partition("=")[0].partition(".")[0] in kept]
    return shlex.join([first, f"study={study}", *own])
