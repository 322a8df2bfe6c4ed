"""Why one scenario beats another: the share of each channel in the additional adopters."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from cpdiffusion.outcomes.paired import CONFIDENCE
from cpdiffusion.plots import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

HEAD, CHANNEL = "head", "channel"
TOTAL = "total"  # a row of the frame with this channel is the total; without it, the sum is
KEY = f"bar: mean; line: {CONFIDENCE:.0%} interval of the mean".replace("%", " %")
NAN = math.nan
HEAD_CHARACTERS = 58


@style.styled
def channel_shares(ax: Axes, why: pd.DataFrame, titles: Mapping[str, str]) -> Axes:
    """A bar from zero for each channel's share of the difference in adopters, and their total.

    ``why``: rows of scenario, baseline, channel, words, share, share_low, share_high (firms), the
    channels of one pair of scenarios in the model's order. Several pairs come one under another.
    ``height_inches`` says how high the figure should be.
    """
    lines = [line for pair in _pairs(why) for line in _lines(pair, titles)]
    style.tidy(ax, "Shares of each channel in the difference")
    ax.set_xlabel(f"Additional adopters over the baseline (firms)\n{KEY}")
    if not lines:
        style.nothing_to_show(ax, "the scenarios do not differ in any channel")
        return ax
    style.around_zero(ax, [value for line in lines for value in line[2:5]])
    style.rows(ax, [line.words if line.kind != HEAD else "" for line in lines])
    style.notes(ax, [style.with_interval(*line[2:5]) if line.kind != HEAD else "" for line in lines])
    for place, line in enumerate(lines):
        _draw(ax, place, line)
    return ax


class Line(NamedTuple):
    """One row of the figure: a pair's heading, a channel or the total."""

    kind: str
    words: str
    share: float
    low: float
    high: float
    name: str


Row = Mapping[str, Any]


def _pairs(why: pd.DataFrame) -> list[list[Row]]:
    pairs: dict[tuple[str, str], list[Row]] = {}
    for row in style.records(why):
        pairs.setdefault((row["scenario"], row["baseline"]), []).append(row)
    return list(pairs.values())


def _lines(pair: Sequence[Row], titles: Mapping[str, str]) -> Iterator[Line]:
    scenario, baseline = pair[0]["scenario"], pair[0]["baseline"]
    heading = f"{style.title_of(scenario, titles)} over {style.title_of(baseline, titles)}"
    yield Line(HEAD, style.wrapped(heading, HEAD_CHARACTERS), NAN, NAN, NAN, scenario)
    channels = [row for row in pair if row["channel"] != TOTAL]
    for row in channels:
        yield _line(CHANNEL, style.wrapped(row["words"]), row)
    given = [row for row in pair if row["channel"] == TOTAL]
    yield _line(TOTAL, TOTAL, given[0] if given else _summed(channels))


def _summed(channels: Sequence[Row]) -> Row:
    total = {"share": sum(r["share"] for r in channels), "share_low": NAN, "share_high": NAN}
    return {"scenario": channels[0]["scenario"], "channel": TOTAL} | total


def _line(kind: str, words: str, row: Row) -> Line:
    name = f"{row['scenario']} {row['channel']}"
    return Line(kind, words, row["share"], row["share_low"], row["share_high"], name)


def _draw(ax: Axes, place: int, line: Line) -> None:
    if line.kind == HEAD:
        _draw_heading(ax, place, line.words)
        return
    positive = line.share >= 0
    colour = style.INK if line.kind == TOTAL else style.COLOURS[0] if positive else style.COLOURS[1]
    ax.barh(
        place, line.share, height=0.55, facecolor=colour, gid=f"share {line.name}",
        edgecolor="white", hatch=None if positive else "////", linewidth=0,
    )  # fmt: skip
    style.interval(
        ax, place, line.low, line.high, style.FAINT if line.kind == TOTAL else style.INK, line.name
    )
    if line.kind == TOTAL:
        ax.axhline(place - 0.5, color=style.FAINT, linewidth=0.8)


def _draw_heading(ax: Axes, place: int, words: str) -> None:
    """Across the axes, over the zero line."""
    ax.text(
        0.0, place, words, transform=ax.get_yaxis_transform(), va="center", weight="bold",
        size=style.TEXT_PT, bbox={"facecolor": "white", "edgecolor": "none", "pad": 2},
    )  # fmt: skip


def height_inches(why: pd.DataFrame) -> float:
    """A good height for the figure of ``why``."""
    lines = [line for pair in _pairs(why) for line in _lines(pair, {})]
    return style.rows_inches([line.words for line in lines], 2)
