"""Columns lent for a call, without counting who holds them.

Numba counts references to every array whenever a tuple of them is handed over: two locked additions
per column and call, a tenth of a run's time. Whoever lends must hold the arrays until the call that
it lends them to has ended.
"""

from __future__ import annotations

from typing import Any, TypeVar

from numba import extending, types
from numba.core import cgutils

R = TypeVar("R")


def lent(columns: R) -> R:
    """The same NamedTuple; in compiled code, of arrays whose references are not counted."""
    return columns


@extending.overload(lent)
def _lent(columns):  # type: ignore[no-untyped-def]  # Numba wants it without annotations
    return lambda columns: _without_counts(columns)


@extending.intrinsic
def _without_counts(_: Any, columns: Any) -> Any:
    """The same arrays without the pointer to their counter, in however nested tuples."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _uncounted(context, builder, signature.args[0], arguments[0])

    return columns(columns), generate


def _uncounted(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    if isinstance(kind, types.Array):
        array = context.make_array(kind)(context, builder, value)
        array.meminfo = cgutils.get_null_value(array.meminfo.type)
        return array._getvalue()
    if isinstance(kind, types.BaseTuple):
        items = [builder.extract_value(value, place) for place in range(len(kind))]
        pairs = zip(kind.types, items, strict=True)
        lent_items = [_uncounted(context, builder, each, item) for each, item in pairs]
        return context.make_tuple(builder, kind, lent_items)
    return value
