"""The numbers of the registry as values to compute with, and the checks on those that a user sets.

Ranges are the plausible ones; a value outside is refused unless asked for.
"""

from __future__ import annotations

import functools
import math
import numbers
from collections.abc import Iterator, Mapping

from cpdiffusion.errors import InputError, did_you_mean
from cpdiffusion.evidence.moments import ReturnMoments, return_moments
from cpdiffusion.evidence.table4 import Variant, table4
from cpdiffusion.registry.entry import Parameter
from cpdiffusion.registry.instruments import INSTRUMENTS
from cpdiffusion.registry.measures import MEASURES
from cpdiffusion.registry.model import MODEL

REGISTRY: tuple[Parameter, ...] = (*MODEL, *MEASURES, *INSTRUMENTS)
BY_NAME: dict[str, Parameter] = {p.name: p for p in REGISTRY}


class Parameters(Mapping[str, float]):
    """Values by name, immutable; ``p.name`` reads as ``p["name"]``."""

    def __init__(self, values: Mapping[str, float]) -> None:
        self._values = dict(values)

    def __setattr__(self, name: str, value: object) -> None:
        if name in self.__dict__.get("_values", ()):
            raise AttributeError(f"{name} cannot be set; make new parameters({{...}})")
        super().__setattr__(name, value)

    def __getitem__(self, name: str) -> float:
        return self._values[name]

    def __getattr__(self, name: str) -> float:
        try:
            return self.__dict__["_values"][name]
        except KeyError:
            raise AttributeError(name) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Parameters({self._values})"


class RecordingParameters(Parameters):
    """Parameters that remember which of them were read."""

    def __init__(self, values: Mapping[str, float]) -> None:
        super().__init__(values)
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> float:
        self.read.add(name)
        return super().__getitem__(name)

    def __getattr__(self, name: str) -> float:
        value = super().__getattr__(name)
        self.read.add(name)
        return value


@functools.cache
def moments_of(table: Variant) -> ReturnMoments:
    """Moments of a variant of Table 4, estimated once."""
    return return_moments(table4(table))


def parameters(
    overrides: Mapping[str, float] | None = None,
    table: Variant = "as_printed",
    beyond_range: bool = False,
) -> Parameters:
    """The registry's values under a variant of Table 4, with ``overrides`` checked and applied."""
    values = {p.name: p.at(moments_of(table)) for p in REGISTRY}
    for name, value in (overrides or {}).items():
        values[name] = checked(name, value, beyond_range)
    _require_hazard_shares(values)
    return Parameters(values)


def checked(name: str, value: object, beyond_range: bool = False) -> float:
    """``value`` as a number for parameter ``name``; InputError when it cannot be one."""
    if name not in BY_NAME:
        raise InputError(f"parameters.{name}: no such parameter{did_you_mean(name, BY_NAME)}")
    parameter, number = BY_NAME[name], _number(name, value)
    low, high = (parameter.least, parameter.most) if beyond_range else (parameter.low, parameter.high)
    if not (low <= number <= high and math.isfinite(number)):
        possible = parameter.least <= number <= parameter.most
        hint = " (set beyond_range=true to explore it)" if possible else ""
        raise InputError(
            f"parameters.{name}={number:g}: outside its range {low:g} to {high:g} {parameter.unit}{hint}."
        )
    if parameter.whole and number != int(number):
        raise InputError(f"parameters.{name}={number:g}: must be a whole number of {parameter.unit}.")
    return number


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise InputError(f"parameters.{name}={value!r}: must be a number.")
    return float(value)


def _require_hazard_shares(values: Mapping[str, float]) -> None:
    if values["hazard_medium_share"] + values["hazard_high_share"] > 1:
        raise InputError(
            "parameters.hazard_medium_share and hazard_high_share: add up to more than 1; lower one."
        )


def parameter_rows(table: Variant = "as_printed") -> list[dict[str, object]]:
    """The registry as rows for a table: name, value, unit, low, high, status, meaning, source."""
    fields = ("unit", "low", "high", "status", "meaning", "source")
    return [
        {"parameter": p.name, "value": round(p.at(moments_of(table)), 6)}
        | {field: getattr(p, field) for field in fields}
        for p in REGISTRY
    ]
