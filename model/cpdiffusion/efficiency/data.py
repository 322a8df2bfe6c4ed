"""Units to be compared: what each puts in and what comes out, checked before anything is solved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpdiffusion.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Units:
    """n units with m inputs and s outputs, in any units of measurement.

    A zero is allowed: an input that is not used, an output that is not made. A unit with nothing but zero
    inputs, or nothing but zero outputs, cannot be compared and is refused by :func:`units_of`.
    """

    names: tuple[str, ...]
    input_names: tuple[str, ...]
    output_names: tuple[str, ...]
    inputs: Floats  # (n, m), not below 0
    outputs: Floats  # (n, s), not below 0

    @property
    def size(self) -> int:
        """Number of units."""
        return len(self.names)

    @property
    def enough(self) -> int:
        """How many units the rule of thumb asks for: max(m s, 3 (m + s)) (Cooper, Seiford & Tone 2007)."""
        m, s = len(self.input_names), len(self.output_names)
        return max(m * s, 3 * (m + s))

    def only(self, rows: Sequence[int]) -> Units:
        """Some of the units; not checked again."""
        kept = list(rows)
        names = tuple(self.names[k] for k in kept)
        return Units(names, self.input_names, self.output_names, self.inputs[kept], self.outputs[kept])

    def without(self, names: Sequence[str]) -> Units:
        """All units but those named."""
        return self.only([k for k, name in enumerate(self.names) if name not in set(names)])


def units_of(
    names: Sequence[str],
    input_names: Sequence[str],
    output_names: Sequence[str],
    inputs: Floats,
    outputs: Floats,
    place: Callable[[int], str] | None = None,
    table: str = "the table",
) -> Units:
    """Units that can be compared; ``place`` says where row k is, for messages about ``table``.

    Raises InputError for fewer than two units, a name given twice, a value that is negative or no finite
    number, a column that is zero throughout, and a unit without any input or without any output.
    """
    where = place or (lambda k: f"{table}, {names[k]}")
    if len(names) < 2:
        raise InputError(
            f"{table}: has {len(names)} unit; efficiency is relative, so give two or more to compare."
        )
    _require_once(names, where)
    for kind, columns, values in (("input", input_names, inputs), ("output", output_names, outputs)):
        _require_amounts(kind, columns, values, where, table)
        _require_some(kind, names, values, where)
    return Units(
        tuple(names), tuple(input_names), tuple(output_names), inputs.astype(float), outputs.astype(float)
    )


def _require_once(names: Sequence[str], where: Callable[[int], str]) -> None:
    first: dict[str, int] = {}
    for k, name in enumerate(names):
        if first.setdefault(name, k) != k:
            raise InputError(f"{where(k)}: the unit '{name}' is there twice; give each unit one row.")


def _require_amounts(
    kind: str, columns: Sequence[str], values: Floats, where: Callable[[int], str], table: str
) -> None:
    """InputError for a value below 0 or not finite, and for a column of zeros."""
    for j, column in enumerate(columns):
        bad = np.flatnonzero(~(np.isfinite(values[:, j]) & (values[:, j] >= 0.0)))
        if bad.size:
            raise InputError(
                f"{where(int(bad[0]))}: {kind} '{column}' is {values[bad[0], j]:g}; it must be a number from "
                "0 up."
            )
        if not values[:, j].any():
            raise InputError(
                f"{table}: {kind} '{column}' is 0 for every unit and tells nothing apart; leave it out."
            )


def _require_some(kind: str, names: Sequence[str], values: Floats, where: Callable[[int], str]) -> None:
    """InputError for a unit whose inputs, or whose outputs, are all 0."""
    empty = np.flatnonzero(~values.any(axis=1))
    if empty.size:
        k = int(empty[0])
        raise InputError(
            f"{where(k)}: every {kind} of '{names[k]}' is 0, so it cannot be compared; leave it out or give "
            f"it an {kind}."
        )
