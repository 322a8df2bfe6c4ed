"""What the answer depends on among the parameters that were estimated and drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cpdiffusion.outcomes.paired import CONFIDENCE
from cpdiffusion.plots import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

WIDTH_INCHES = 9.0
MOST_ROWS = 10
LABEL_CHARACTERS = 44
ENDS = ("low", "high")
FACE = {"low": "white", "high": style.COLOURS[0]}
OFFSET = {"low": -0.14, "high": 0.14}
SPAN = f"{CONFIDENCE:.0%}".replace("%", " %")
Row = Mapping[str, Any]


@style.styled
def dependence(ax: Axes, table: pd.DataFrame, mean: float) -> Axes:
    """The difference with each parameter at both ends of its draws, and its share of what is not known.

    ``table``: one row per parameter with meaning, unit, low, high, difference_at_low, difference_at_high,
    their intervals (_from, _to; firms) and share, the largest share first; ten are drawn. ``mean``: the
    mean difference. ``WIDTH_INCHES`` and ``height_inches`` say how large the figure should be.
    """
    found = style.records(table)[:MOST_ROWS]
    style.tidy(ax, "What the difference depends on, of what was estimated", title_pad_pt=24)
    if not found:
        style.nothing_to_show(ax, "too few different draws of the parameters to tell")
        return ax
    ax.set_xlabel(
        f"Difference in additional adopters (firms); line: {SPAN} interval\n"
        f"Right: share of the variance that the parameters cause"
    )
    style.around_zero(ax, [mean, *(value for row in found for value in _values(row))])
    style.rows(ax, [_row_label(row) for row in found])
    style.notes(ax, [share_words(row["share"]) for row in found])
    ax.axvline(mean, color=style.FAINT, linewidth=1.0, linestyle="--", gid="mean")
    for place, row in enumerate(found):
        _draw(ax, place, row, mean)
    _key(ax)
    return ax


def height_inches(table: pd.DataFrame) -> float:
    """A good height for the figure of ``table``."""
    labels = [_row_label(row) for row in style.records(table)[:MOST_ROWS]]
    return 0.4 + style.rows_inches(labels, 2)


def share_words(share: float) -> str:
    """A share in per cent; the little that luck took it below 0 is 0."""
    return style.number(max(0.0, 100.0 * share), 0) + " %"


def _values(row: Row) -> list[float]:
    return [row[f"difference_at_{end}{which}"] for end in ENDS for which in ("", "_from", "_to")]


def _row_label(row: Row) -> str:
    spread = f"{style.number(row['low'])} to {style.number(row['high'])} {row['unit']}"
    return f"{style.wrapped(style.capital(row['meaning']), LABEL_CHARACTERS)}\n{style.wrapped(spread)}"


def _draw(ax: Axes, place: int, row: Row, mean: float) -> None:
    for end in ENDS:
        value, y, name = row[f"difference_at_{end}"], place + OFFSET[end], f"{end} {row['parameter']}"
        ax.barh(
            y, value - mean, left=mean, height=0.28, facecolor=FACE[end], edgecolor=style.INK,
            linewidth=0.8, gid=f"bar {name}",
        )  # fmt: skip
        low, high = row[f"difference_at_{end}_from"], row[f"difference_at_{end}_to"]
        style.interval(ax, y, low, high, style.INK, name, width_pt=1.0)


def _key(ax: Axes) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    words: Sequence[tuple[str, str]] = (("low", "low end of the draws (5 %)"), ("high", "high end (95 %)"))
    handles: list[Patch | Line2D] = [
        Patch(facecolor=FACE[end], edgecolor=style.INK, linewidth=0.8, label=word) for end, word in words
    ]
    handles.append(Line2D([], [], color=style.FAINT, linestyle="--", linewidth=1, label="mean"))
    ax.legend(
        handles=handles, loc="lower left", bbox_to_anchor=(0, 1), ncols=3, fontsize=style.TEXT_PT,
        borderaxespad=0.2, borderpad=0.2, columnspacing=1.2, handlelength=1.4,
    )  # fmt: skip
