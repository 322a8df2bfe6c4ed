"""A policy in words, and as the settings that run it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from cpdiffusion.factors.known import Value
from cpdiffusion.instruments.catalogue import CATALOGUE
from cpdiffusion.studies.words import amount, percent

FIRST = {
    "violators": "firms that broke environmental law first", "hazardous": "hazardous firms first",
    "exporters": "exporters first", "key_sectors": "key sectors first",
    "connected": "well-connected firms first", "small": "small firms first", "large": "large firms first",
    "random": "firms in the order of a lot",
}  # fmt: skip
OTHER = ("support", "cohort_size", "subsidy_rate", "integrated_safety", "targeting", "budget_mkrw_per_year")
DROPPED = ("study", "out", "overwrite", "factors", "optimise", "runner", "dask", "scenarios", "baseline")


def policy_words(levers: Mapping[str, Any], instruments: Mapping[str, float], where: str = "") -> str:
    """Levers by their plain names, and strengths of instruments, in words; ``where`` follows the budget."""
    parts = [_support(levers), f"{amount(levers['budget_mkrw_per_year'])} million KRW a year{where}"]
    parts += [_subsidy(levers["subsidy_rate"]), _safety(levers["integrated_safety"])]
    parts += [FIRST[levers["targeting"]]] if levers["targeting"] != "random" else []
    parts += [f"{name.replace('_', ' ')} {_said(levers[name])}" for name in levers if name not in OTHER]
    return ", ".join(part for part in parts if part) + _instruments(instruments)


def _support(levers: Mapping[str, Any]) -> str:
    if levers["support"] == "none":
        return "no programme"
    return f"cohorts of {levers['cohort_size']}" if levers["support"] == "cluster" else "firms one by one"


def _subsidy(rate: float) -> str:
    return f"a subsidy of {percent(rate)} of the investment" if rate else "no subsidy"


def _safety(strength: float) -> str:
    return f"safety support at {percent(strength)} of its strength" if strength else ""


def _instruments(strengths: Mapping[str, float]) -> str:
    shown = [
        name.replace("_", " ") + (f" at {percent(strength)}" if strength < 1.0 else "")
        for name, strength in strengths.items() if strength > 0.0
    ]  # fmt: skip
    return f"; with {', '.join(shown)}" if shown else ""


def comparing(
    command: str, scenarios: Sequence[str], start: str, values: Mapping[str, Value], posterior: bool
) -> str:
    """The command that compares a policy, as a change of the scenario ``start``, with the first scenario."""
    words = [w for w in shlex.split(command) if w.partition("=")[0].partition(".")[0] not in DROPPED]
    drawn = any(word.startswith(("parameters=", "posterior.file=")) for word in words)
    words += ["parameters=posterior"] if posterior and not drawn else []
    changes = [f"changes.{start}.{key.partition('.')[2]}={_said(value)}" for key, value in values.items()]
    return shlex.join([words[0], "study=compare", f"scenarios=[{','.join(scenarios)}]", *words[1:], *changes])


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.9g}" if isinstance(value, float) else "null" if value is None else str(value)


def split(values: Mapping[str, Value]) -> tuple[dict[str, Value], dict[str, float]]:
    """Levers by plain name, and strengths of instruments."""
    found = {key.partition(".")[2]: value for key, value in values.items()}
    instruments = {name: float(value) for name, value in found.items() if name in CATALOGUE}
    return {name: value for name, value in found.items() if name not in CATALOGUE}, instruments
