"""One look for every figure: it survives colour blindness, a grey printer and long titles."""

from __future__ import annotations

import functools
import math
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec, TypeVar

import matplotlib
from matplotlib.ticker import FuncFormatter, Locator, MaxNLocator

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

P = ParamSpec("P")
R = TypeVar("R")

TEXT_PT, TITLE_PT = 9.0, 11.0
LINE_SPACING = 1.25
ROW_LABEL_CHARACTERS = 32
ROW_AIR_INCHES, HEAD_AND_FOOT_INCHES = 0.06, 1.1
FAR = 1e300  # stands for infinity, which no line can reach
NO_BREAK_SPACE = "\u00a0"
INK, FAINT, GRID = "#262626", "#767676", "#e2e2e2"

# Source: Petroff 2021, "Accessible color sequences for data visualization" (petroff10).
COLOURS = (
    "#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6",
    "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd",
)  # fmt: skip
DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.4)), (0, (6, 2, 1, 2)), (0, (9, 2)))
MARKERS = "os^DvPX<>h"

STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # comes with Matplotlib: the same letters on every machine
    "font.size": TEXT_PT,
    "text.color": INK,
    "text.usetex": False,
    "axes.unicode_minus": True,
    "axes.facecolor": "white",
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.grid": False,
    "figure.constrained_layout.h_pad": 0.07,  # inches
    "hatch.linewidth": 0.8,
    "legend.frameon": False,
    "lines.linewidth": 2.0,
    "savefig.bbox": None,
    "savefig.facecolor": "white",
    "savefig.transparent": False,
}


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Run ``draw`` under STYLE and leave the global rcParams as they were."""

    @functools.wraps(draw)
    def in_style(*args: P.args, **kwargs: P.kwargs) -> R:
        with matplotlib.rc_context(STYLE):
            return draw(*args, **kwargs)

    return in_style


# --- scenarios -----------------------------------------------------------------------------------


class Look(NamedTuple):
    """How one scenario is drawn; dashes and markers tell scenarios apart without colour."""

    colour: str
    dashes: Any
    marker: str


def in_order(names: Iterable[str], titles: Mapping[str, str]) -> list[str]:
    """Each name once: first those of ``titles`` in its order, then the others as they come."""
    present = dict.fromkeys(names)
    return [name for name in titles if name in present] + [n for n in present if n not in titles]


def title_of(name: str, titles: Mapping[str, str]) -> str:
    """What a scenario is called; its id when it has no title."""
    return titles.get(name, name)


def looks(names: Iterable[str], titles: Mapping[str, str]) -> dict[str, Look]:
    """A look per scenario by its place in ``titles``: it keeps its look from figure to figure."""
    return {name: look(k) for k, name in enumerate(dict.fromkeys([*titles, *names]))}


def look(place: int) -> Look:
    """The look at a place in the sequence; 50 places differ."""
    return Look(
        COLOURS[place % len(COLOURS)],
        DASHES[place % len(DASHES)],
        MARKERS[(place + place // len(COLOURS)) % len(MARKERS)],
    )


# --- words and numbers ---------------------------------------------------------------------------


def wrapped(text: str, characters: int = ROW_LABEL_CHARACTERS) -> str:
    """``text`` in lines of at most so many characters; a dollar sign stays a dollar sign."""
    unbroken = text.replace(" %", NO_BREAK_SPACE + "%")
    return textwrap.fill(unbroken, characters).replace("$", r"\$")


def capital(text: str) -> str:
    """``text`` with a capital first letter, the rest as it is (``ROI`` stays ``ROI``)."""
    return text[:1].upper() + text[1:]


def number(value: float, decimals: int | None = None, sign: bool = False) -> str:
    """A number for a reader: thousands separators, a true minus, three digits that count."""
    if math.isnan(value):
        return "–"
    places = decimals_for(value) if decimals is None else decimals
    digits = _digits(abs(value), places)
    if not any(c in "123456789∞" for c in digits):
        return digits
    return ("−" if value < 0 else "+" if sign else "") + digits


def _digits(size: float, decimals: int) -> str:
    if math.isinf(size):
        return "∞"
    if size and not 1e-4 <= size < 1e12:
        return powers_of_ten(size)
    return f"{size:,.{decimals}f}"


SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def powers_of_ten(size: float) -> str:
    """``1.2×10⁹`` for 1.2e9."""
    mantissa, exponent = f"{size:.2e}".split("e")
    return f"{float(mantissa):g}×10{str(int(exponent)).translate(SUPERSCRIPT)}"


def decimals_for(*values: float) -> int:
    """Decimals that show three digits of the largest value; none if all are whole numbers."""
    finite = [abs(value) for value in values if math.isfinite(value)]
    if all(value.is_integer() for value in map(float, finite)):
        return 0
    return min(6, max(0, 2 - math.floor(math.log10(max(finite)))))


def with_interval(middle: float, low: float, high: float) -> str:
    """``+12.3`` and, on a line of its own, ``(+8.0 to +16.4)``; no interval if it is unknown."""
    decimals = decimals_for(middle, low, high)
    shown = [number(value, decimals, sign=True) for value in (middle, low, high)]
    if math.isnan(low) or math.isnan(high):
        return shown[0]
    return f"{shown[0]}\n({shown[1]} to {shown[2]})"


def tick(value: float, _position: int | None = None) -> str:
    """A tick label: ``12,500``, ``−0.5``, ``2×10⁸``."""
    if value and not 1e-4 <= abs(value) < 1e7:
        return ("−" if value < 0 else "") + powers_of_ten(abs(value))
    return f"{value:,.10g}".replace("-", "−")


# --- axes ----------------------------------------------------------------------------------------


def tidy(ax: Axes, title: str, title_pad_pt: float = 8.0) -> None:
    """Two thin spines and sizes that can be read, also on axes made under another style."""
    ax.set_facecolor("white")
    ax.grid(False)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set(color=FAINT, linewidth=0.8)
    ax.tick_params(labelsize=TEXT_PT, labelcolor=INK, color=FAINT)
    for label in (ax.xaxis.label, ax.yaxis.label):
        label.set(size=TEXT_PT, color=INK)
    ax.set_title(title, loc="left", size=TITLE_PT, color=INK, pad=title_pad_pt)


def numbers_on(axis: Axis, most: int = 5, whole: bool = False) -> None:
    """At most ``most`` intervals between ticks, with thousands separators."""
    ticks_on(axis, MaxNLocator(nbins=most, steps=[1, 2, 2.5, 5, 10], integer=whole))


def ticks_on(axis: Axis, locator: Locator) -> None:
    """Ticks where ``locator`` puts them, labelled for a reader."""
    axis.set_major_locator(locator)
    axis.set_major_formatter(FuncFormatter(tick))


def nothing_to_show(ax: Axes, why: str) -> None:
    """Say on empty axes why they are empty."""
    ax.set(xticks=[], yticks=[])
    ax.text(0.5, 0.5, why, transform=ax.transAxes, ha="center", va="center", color=FAINT)


# --- rows: one estimate per line -----------------------------------------------------------------


def rows(ax: Axes, labels: Sequence[str]) -> None:
    """Rows 0, 1, ... from the top, each with its label to the left."""
    ax.set_yticks(range(len(labels)), labels, size=TEXT_PT, color=INK)
    ax.set_ylim(len(labels) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)


def rows_inches(labels: Sequence[str], most_note_lines: int = 3) -> float:
    """A good height for a figure of rows with these labels, its title and axis label included."""
    lines = max([most_note_lines, *(label.count("\n") + 1 for label in labels)])
    pitch = lines * TEXT_PT * LINE_SPACING / 72 + ROW_AIR_INCHES
    return HEAD_AND_FOOT_INCHES + pitch * max(len(labels), 2)


def notes(ax: Axes, texts: Sequence[str]) -> None:
    """A text beside each row, to the right of the axes."""
    for row, text in enumerate(texts):
        ax.text(
            1.03, row, text, transform=ax.get_yaxis_transform(), va="center", size=TEXT_PT,
            linespacing=LINE_SPACING,
        )  # fmt: skip


def around_zero(ax: Axes, values: Iterable[float]) -> None:
    """Limits that hold zero and all finite values, a line at zero, and readable ticks."""
    finite = [0.0, *(value for value in values if math.isfinite(value))]
    low, high = min(finite), max(finite)
    margin = 0.06 * (high - low) or 1.0
    ax.set_xlim(low - margin, high + margin)
    ax.axvline(0.0, color=INK, linewidth=1.0, zorder=1)
    numbers_on(ax.xaxis, most=4 if high - low < 10_000 else 3)  # long numbers need room


def interval(
    ax: Axes, row: float, low: float, high: float, colour: str, name: str, width_pt: float = 2.0
) -> None:
    """A horizontal interval; unknown ends leave it out, an infinite one reaches out of the axes."""
    if math.isnan(low) or math.isnan(high):
        return
    ends = [min(max(end, -FAR), FAR) for end in (low, high)]
    ax.plot(
        ends, [row, row], color=colour, linewidth=width_pt, solid_capstyle="butt",
        gid=f"interval {name}",
    )  # fmt: skip


def spread(wanted: Sequence[float], heights: Sequence[float]) -> list[float]:
    """Centres in [0, 1] as near to ``wanted`` as they can be without overlap.

    ``wanted`` must ascend. Pools adjacent labels that would overlap (least squares); labels that
    together are higher than 1 run over the top.
    """
    below = [sum(heights[:k]) + height / 2 for k, height in enumerate(heights)]
    pools: list[list[float]] = []
    for place in (want - offset for want, offset in zip(wanted, below, strict=True)):
        pools.append([place])
        while len(pools) > 1 and _mean(pools[-2]) > _mean(pools[-1]):
            pools[-2:] = [pools[-2] + pools[-1]]
    room = max(0.0, 1.0 - sum(heights))
    free = [min(max(_mean(pool), 0.0), room) for pool in pools for _ in pool]
    return [place + offset for place, offset in zip(free, below, strict=True)]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


# --- frames --------------------------------------------------------------------------------------


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a frame as dictionaries."""
    return frame.to_dict("records")
