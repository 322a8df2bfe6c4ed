"""A factor: one setting with the range or the values over which it varies."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cpdiffusion.errors import InputError, did_you_mean
from cpdiffusion.factors.known import Known, Value, Values, known

RANGE = re.compile(r"\s*([^\s.][^\s]*?|\.\d[^\s]*?)\.\.([^\s]+)\s*")
HOW = "write a range as 5..60, values as [10,25], or nothing for the usual range"


@dataclass(frozen=True)
class Factor:
    """A setting that varies between two numbers, or over values that are listed."""

    known: Known
    low: float = math.nan
    high: float = math.nan
    values: tuple[Value, ...] = ()  # listed; empty: every number from low to high

    @property
    def key(self) -> str:
        """The setting, as it is written on the command line."""
        return self.known.key

    @property
    def is_range(self) -> bool:
        """Whether it is a range and no list."""
        return not self.values

    @property
    def is_number(self) -> bool:
        """Whether its values are numbers and not words."""
        return not self.known.choices

    def at(self, share: Values) -> Values:
        """Values at shares in [0, 1) of the way, shape (P,); every listed value has an equal part."""
        if self.values:
            place = np.minimum((share * len(self.values)).astype(int), len(self.values) - 1)
            return as_column(self.values)[place]
        if self.known.whole:
            steps = math.floor(self.high) - math.ceil(self.low) + 1
            return np.minimum((share * steps).astype(int), steps - 1) + math.ceil(self.low)
        return self.low + share * (self.high - self.low)

    def levels(self, count: int) -> Values:
        """Equally spaced values, both ends among them; all that are listed."""
        if self.values:
            return as_column(self.values)
        spaced = np.linspace(self.low, self.high, count)
        return np.unique(np.rint(spaced).astype(int)) if self.known.whole else spaced


def as_column(values: Sequence[Value]) -> Values:
    """Values as a column: whole numbers, numbers, or objects for words and switches."""
    if any(isinstance(value, str | bool) for value in values):
        return np.array(values, dtype=object)
    return np.array(values)


def factors_of(given: Mapping[str, Any], beyond_range: bool = False) -> tuple[Factor, ...]:
    """The factors of settings: nested or dotted keys, each with a range, values or nothing."""
    return tuple(factor_of(key, said, beyond_range) for key, said in flat(given).items())


def flat(given: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Nested keys as dotted ones."""
    found: dict[str, Any] = {}
    for name, said in given.items():
        key = f"{before}{name}"
        found |= flat(said, f"{key}.") if isinstance(said, Mapping) else {key: said}
    return found


def factor_of(key: str, said: Any, beyond_range: bool = False) -> Factor:
    """One factor from what is said of it. InputError for what makes no range and no values."""
    about = known(key)
    if said is None or said == "":
        return Factor(about, about.low, about.high, about.choices)
    if isinstance(said, list | tuple):
        return _listed(about, said, beyond_range)
    if isinstance(said, str) and (ends := RANGE.fullmatch(said)) and not about.choices:
        return _between(about, said, ends[1], ends[2], beyond_range)
    return _listed(about, [said], beyond_range)


def _listed(about: Known, said: Sequence[Any], beyond_range: bool) -> Factor:
    if not said:
        raise InputError(f"factors.{about.key}=[]: holds no value; {HOW}.")
    values = tuple(value_of(about, one, beyond_range) for one in said)
    if len(set(values)) < len(values):
        raise InputError(f"factors.{about.key}: names a value twice; name each once.")
    return Factor(about, values=values)


def _between(about: Known, said: str, low: str, high: str, beyond_range: bool) -> Factor:
    ends = [float(value_of(about, _number(end), beyond_range, said)) for end in (low, high)]
    if not ends[0] < ends[1]:
        raise InputError(f"factors.{about.key}={said}: is an empty range; write the smaller number first.")
    return Factor(about, low=ends[0], high=ends[1])


def value_of(about: Known, said: Any, beyond_range: bool = False, within: str = "") -> Value:
    """A value that the setting can take. InputError if it cannot; ``within`` is the range it stands in."""
    where = f"factors.{about.key}={within or said}"
    if about.choices:
        if said not in about.choices or isinstance(said, bool) is not isinstance(about.choices[0], bool):
            raise InputError(f"{where}: no such value{did_you_mean(str(said), map(str, about.choices))}")
        value: Value = said
        return value
    if isinstance(said, bool) or not isinstance(said, int | float) or not math.isfinite(said):
        raise InputError(f"{where}: is not a number{f' of {about.unit}' if about.unit else ''}; {HOW}.")
    low, high = _allowed(about, beyond_range)
    if not low <= said <= high:
        hint = " (set beyond_range=true to explore it)" if about.least <= said <= about.most else ""
        raise InputError(f"{where}: outside {low:g} to {high:g} {about.unit}{hint}.")
    if about.whole and said != int(said):
        raise InputError(f"{where}: must be whole numbers of {about.unit}.")
    return int(said) if about.whole else float(said)


def _allowed(about: Known, beyond_range: bool) -> tuple[float, float]:
    """Of a parameter its plausible range; a lever may be anything that means something."""
    if about.key.startswith("parameters.") and not beyond_range:
        return about.low, about.high
    return about.least, about.most


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
