"""What would turn the result: the difference at both ends of each assumption."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cpdiffusion.errors import InputError
from cpdiffusion.plots import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

MOST_ROWS = 10
LABEL_CHARACTERS = 44
DEFAULT = "difference_at_default"
ENDS = ("low", "high")
FACE = {"low": "white", "high": style.COLOURS[0]}
OFFSET = {"low": -0.16, "high": 0.16}
TURNS, UNCLEAR = "turns", "unclear"
Row = Mapping[str, Any]


@style.styled
def turning_points(
    ax: Axes, turning: pd.DataFrame, titles: Mapping[str, str], what: str = "additional adopters (firms)"
) -> Axes:
    """A tornado: bars from the difference as it is to that at both ends of a parameter's range.

    ``turning``: one row per parameter with meaning, status, low, high, difference_at_low,
    difference_at_high, difference_at_default (firms). The ten with the largest swing are drawn,
    largest on top. Optional columns: unit of the parameter; scenario and baseline (one pair,
    InputError for more); at_low_from, at_low_to, at_high_from, at_high_to (intervals, drawn as
    lines); turns (False: no mark). An end with the other sign is marked "turns", one whose
    interval holds zero "unclear". ``what`` the difference is in, with its unit. ``height_inches`` says how
    high the figure should be.
    """
    found = most_telling(turning)
    style.tidy(ax, "The difference at the ends of each assumption's range", title_pad_pt=24)
    ax.set_xlabel(_axis_label(found, titles, what))
    if not found:
        style.nothing_to_show(ax, "no assumption was varied")
        return ax
    style.around_zero(ax, [value for row in found for value in (*_differences(row), *_reach(row))])
    style.rows(ax, [_row_label(row) for row in found])
    style.notes(ax, [_note(row) for row in found])
    ax.axvline(found[0][DEFAULT], color=style.FAINT, linewidth=1.0, linestyle="--", gid="default")
    for place, row in enumerate(found):
        for end in ENDS:
            _draw(ax, place + OFFSET[end], row, end)
    _key(ax)
    return ax


def height_inches(turning: pd.DataFrame) -> float:
    """A good height for the figure of ``turning``."""
    return 0.4 + style.rows_inches([_row_label(row) for row in most_telling(turning)], 2)


def most_telling(turning: pd.DataFrame) -> Sequence[Row]:
    """The ten rows with the largest swing, largest first."""
    return sorted(style.records(turning), key=swing, reverse=True)[:MOST_ROWS]


def swing(row: Row) -> float:
    """How far the difference moves over the range, its default included; unknown ends aside."""
    known = [value for value in _differences(row) if math.isfinite(value)]
    return max(known) - min(known) if known else 0.0


def mark(row: Row, end: str) -> str:
    """What becomes of the result at an end: TURNS, UNCLEAR or nothing to say."""
    if not row.get("turns", True):
        return ""
    if row[f"difference_at_{end}"] * row[DEFAULT] < 0:
        return TURNS
    low, high = _interval(row, end)
    return UNCLEAR if low <= 0 <= high else ""


def _differences(row: Row) -> list[float]:
    return [float(row[f"difference_at_{point}"]) for point in (*ENDS, "default")]


def _interval(row: Row, end: str) -> tuple[float, float]:
    """The interval of the difference at an end; nan where the table has none."""
    return row.get(f"at_{end}_from", math.nan), row.get(f"at_{end}_to", math.nan)


def _reach(row: Row) -> list[float]:
    return [value for end in ENDS for value in _interval(row, end)]


def _axis_label(found: Sequence[Row], titles: Mapping[str, str], what: str) -> str:
    pairs = {(row["scenario"], row["baseline"]) for row in found if "scenario" in row}
    if len(pairs) > 1:
        raise InputError("turning points: one pair of scenarios per figure; the table holds more.")
    lines = [f"Difference in {what}"]
    for scenario, baseline in pairs:
        lines.append(f"{style.title_of(scenario, titles)} over {style.title_of(baseline, titles)}")
    return "\n".join(style.wrapped(line, 60) for line in lines)


def _row_label(row: Row) -> str:
    spread = f"{_value(row['low'])} to {_value(row['high'])} {row.get('unit', '')}".strip()
    meaning = style.wrapped(style.capital(row["meaning"]), LABEL_CHARACTERS)
    return f"{meaning}\n" + style.wrapped(f"{spread} ({row['status']})", LABEL_CHARACTERS)


def _value(value: Any) -> str:
    """A number as on a tick, a word or a switch as it is."""
    return str(value) if isinstance(value, str | bool) else style.tick(value)


def _note(row: Row) -> str:
    marks = {end: mark(row, end) for end in ENDS}
    return "\n".join(f"{word} at the {end} end" for end, word in marks.items() if word)


def _draw(ax: Axes, y: float, row: Row, end: str) -> None:
    start, value, name = row[DEFAULT], row[f"difference_at_{end}"], f"{end} {row['parameter']}"
    ax.barh(
        y, value - start, left=start, height=0.3, facecolor=FACE[end], edgecolor=style.INK,
        linewidth=0.8, gid=f"bar {name}",
    )  # fmt: skip
    style.interval(ax, y, *_interval(row, end), colour=style.INK, name=name, width_pt=1.0)
    ax.plot(
        [value], [y], marker="X" if mark(row, end) else "o", markersize=6, linestyle="none",
        markerfacecolor=FACE[end], markeredgecolor=style.INK, gid=f"end {name}",
    )  # fmt: skip


def _key(ax: Axes) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Patch | Line2D] = [
        Patch(facecolor=FACE[end], edgecolor=style.INK, linewidth=0.8, label=f"{end} end") for end in ENDS
    ]
    handles.append(Line2D([], [], color=style.FAINT, linestyle="--", linewidth=1, label="default"))
    handles.append(Line2D([], [], color=style.INK, marker="X", linestyle="none", label="turns or unclear"))
    ax.legend(
        handles=handles, loc="lower left", bbox_to_anchor=(0, 1), ncols=4, fontsize=style.TEXT_PT,
        borderaxespad=0.2, borderpad=0.2, columnspacing=1.2, handlelength=1.4,
    )  # fmt: skip
