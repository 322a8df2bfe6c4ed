"""Every setting that can vary, with the range over which it usually does."""

from __future__ import annotations

import types
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin

import numpy as np
from numpy.typing import NDArray

from cpdiffusion.behaviour.classic import Behaviour
from cpdiffusion.errors import InputError, did_you_mean
from cpdiffusion.instruments.catalogue import CATALOGUE
from cpdiffusion.parameters import BY_NAME
from cpdiffusion.policy.levers import Levers
from cpdiffusion.world.regions import REGIONS

Value = float | int | str | bool
Values = NDArray[Any]


class Usual(NamedTuple):
    """The range of a lever that a planner would think of, and its unit."""

    low: float
    high: float
    unit: str


LEVERS = {
    "cohort_size": Usual(2, 60, "firms"),
    "subsidy_rate": Usual(0.0, 0.5, "share"),
    "integrated_safety": Usual(0.0, 1.0, "strength"),
    "adviser_skill": Usual(0.5, 1.5, "ratio"),
    "adviser_capacity_firms_per_quarter": Usual(2, 40, "firms per quarter"),
    "budget_mkrw_per_year": Usual(200.0, 2000.0, "million KRW per year"),
    "programme_years": Usual(1, 8, "years"),
    "first_year": Usual(1, 3, "year"),
}
HORIZON_YEARS = Usual(5, 20, "years")
CHOICES: dict[str, tuple[Value, ...]] = {
    "region": tuple(REGIONS),
    "behaviour": tuple(rule.name.lower() for rule in Behaviour),
    "measures": ("package", "catalogue"),
    "table": ("as_printed", "reconciled"),
    "world.redraw": (True, False),
}
GROUPS = ("parameters", "levers", "instruments", "changes")


@dataclass(frozen=True)
class Known:
    """What can be said of a setting before anybody chooses values."""

    key: str
    unit: str = ""
    status: str = "chosen"  # by whoever decides; of a parameter: measured, calibrated or assumed
    meaning: str = ""
    low: float = 0.0  # the usual range
    high: float = 1.0
    least: float = 0.0  # beyond which it means nothing
    most: float = 1.0
    whole: bool = False
    choices: tuple[Value, ...] = ()  # instead of numbers


def known(key: str) -> Known:
    """What can be said of a setting; InputError with a suggestion if it cannot vary."""
    group, _, name = key.partition(".")
    if key in CHOICES:
        return Known(key, choices=CHOICES[key])
    if key == "horizon_years":
        return Known(key, HORIZON_YEARS.unit, low=HORIZON_YEARS.low, high=HORIZON_YEARS.high,
                     least=1, most=100, whole=True)  # fmt: skip
    if group == "parameters" and name in BY_NAME:
        return _parameter(key, name)
    scenario, _, last = name.rpartition(".")
    changed = group == "changes" and bool(scenario)
    if (changed or (group == "levers" and not scenario)) and last in Levers.model_fields:
        return _lever(key, last)
    if (changed or (group == "instruments" and not scenario)) and last in CATALOGUE:
        return Known(key, "strength", meaning=CATALOGUE[last].title)
    raise InputError(f"factors.{key}: nothing of this name can vary{did_you_mean(key, known_keys())}")


def known_keys() -> list[str]:
    """Every key, but for those of single scenarios (changes.<scenario>.<lever or instrument>)."""
    names: dict[str, Iterable[str]] = {
        "parameters": BY_NAME,
        "levers": Levers.model_fields,
        "instruments": CATALOGUE,
    }
    dotted = [f"{group}.{name}" for group, of_group in names.items() for name in of_group]
    return [*CHOICES, "horizon_years", *dotted]


def _parameter(key: str, name: str) -> Known:
    p = BY_NAME[name]
    return Known(key, p.unit, p.status, p.meaning, p.low, p.high, p.least, p.most, p.whole)


def _lever(key: str, name: str) -> Known:
    field = Levers.model_fields[name]
    meaning = field.description or ""
    if choices := _choices(field.annotation):
        return Known(key, meaning=meaning, choices=choices)
    usual, (least, most) = LEVERS[name], _bounds(field.metadata)
    whole = int in _kinds(field.annotation)
    return Known(key, usual.unit, "chosen", meaning, usual.low, usual.high, least, most, whole)


def _choices(annotation: Any) -> tuple[Value, ...]:
    """The values of a Literal, or of a switch; none for numbers."""
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return (False, True) if bool in _kinds(annotation) else ()


def _kinds(annotation: Any) -> tuple[Any, ...]:
    is_union = get_origin(annotation) in (Union, types.UnionType)
    return get_args(annotation) if is_union else (annotation,)


def _bounds(metadata: list[Any]) -> tuple[float, float]:
    """What pydantic allows."""
    low = [b for m in metadata if (b := getattr(m, "ge", getattr(m, "gt", None))) is not None]
    high = [b for m in metadata if (b := getattr(m, "le", getattr(m, "lt", None))) is not None]
    return (low or [-np.inf])[0], (high or [np.inf])[0]
