"""Boxes of conditions: where they lie in the ranges, what they cover, and how dense they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cpdiffusion.discovery.box import Axis, Box
from cpdiffusion.discovery.search import Found
from cpdiffusion.factors.factor import Factor
from cpdiffusion.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BAR, INDENT = 0.5, 0.015
MOST_DOTS = 3000


def label_of(factor: Factor) -> str:
    """A factor's name and unit."""
    name = (
        factor.key.rpartition(".")[2].removesuffix("_mkrw_per_year").removesuffix("_mkrw").replace("_", " ")
    )
    return style.wrapped(f"{name} ({factor.known.unit})" if factor.known.unit else name, 34)


def bars_inches(found: Sequence[Found]) -> tuple[float, float]:
    """A good size for so many restrictions."""
    return 7.6, 0.3 + 0.62 * sum(len(one.box.keys) + 1 for one in found)


@style.styled
def restrictions(figure: Figure, found: Sequence[Found], factors: Sequence[Factor]) -> list[Axes]:
    """Of each box a panel, of each restricted factor a bar: its range, and the part inside the box."""
    by_key = {factor.key: factor for factor in factors}
    heights = [len(one.box.keys) + 1 for one in found]
    panels = figure.subplots(len(found), 1, squeeze=False, height_ratios=heights)[:, 0]
    for number, (ax, one) in enumerate(zip(panels, found, strict=True), start=1):
        _panel(ax, one, by_key)
        checked = one.checked
        title = (
            f"Box {number}: coverage {checked.coverage:.0%}, density {checked.density:.0%} (points kept out)"
        )
        style.tidy(ax, title.replace("%", f"{style.NO_BREAK_SPACE}%"))
        ax.spines["left"].set_visible(False)
        ax.spines["bottom"].set_visible(False)
    return list(panels)


def _panel(ax: Axes, one: Found, by_key: Mapping[str, Factor]) -> None:
    keys = one.box.keys
    style.rows(ax, [label_of(by_key[key]) for key in keys])
    ax.set(xlim=(-0.02, 1.02), xticks=[])
    for row, key in enumerate(keys):
        limits = {end.side: limit for end, limit in one.box.limits.items() if end.key == key}
        if "only" in limits:
            _words_bar(ax, row, by_key[key], limits["only"])
        else:
            _range_bar(ax, row, by_key[key], limits)


def _range_bar(ax: Axes, row: int, factor: Factor, limits: Mapping[Any, Any]) -> None:
    low, high = (factor.low, factor.high) if factor.is_range else (factor.values[0], factor.values[-1])
    span = float(high) - float(low)
    begin = (limits.get("from", low) - low) / span
    end = (limits.get("to", high) - low) / span
    _outline(ax, row)
    ax.barh(row, end - begin, BAR, left=begin, color=style.COLOURS[0], edgecolor=style.INK, linewidth=0.8)
    _inside_ends(ax, row, float(low), float(high))
    for side, place in (("from", begin), ("to", end)):
        if side in limits:
            ax.annotate(
                style.number(float(f"{limits[side]:.3g}")), (place, row - BAR / 2), (0, 1.5),
                textcoords="offset points", ha="center", va="bottom", size=style.TEXT_PT,
            )  # fmt: skip


def _outline(ax: Axes, row: int) -> None:
    ax.barh(row, 1.0, BAR, color="#f2f2f2", edgecolor=style.FAINT, linewidth=0.8)


def _inside_ends(ax: Axes, row: int, low: float, high: float) -> None:
    for place, value, side in ((INDENT, low, "left"), (1.0 - INDENT, high, "right")):
        text = style.number(float(f"{value:.3g}"))
        ax.text(place, row, text, ha=side, va="center", size=style.TEXT_PT - 1, color=style.INK)


def _words_bar(ax: Axes, row: int, factor: Factor, kept: Any) -> None:
    words = list(factor.values or factor.known.choices)
    for k, word in enumerate(words):
        inside = word in kept
        ax.barh(
            row, 1.0 / len(words), BAR, left=k / len(words), edgecolor=style.INK if inside else style.FAINT,
            color=style.COLOURS[0] if inside else "#f2f2f2", linewidth=0.8,
        )  # fmt: skip
        text = style.wrapped(str(word).replace("_", " "), 9)
        ax.text((k + 0.5) / len(words), row, text, ha="center", va="center", size=style.TEXT_PT - 1)


@style.styled
def tradeoff(figure: Figure, tried: Sequence[Found]) -> Axes:
    """Coverage against density along each peeling; the box taken is marked, filled if it holds."""
    ax: Axes = figure.subplots()
    for k, one in enumerate(tried):
        look = style.look(k)
        steps = one.steps
        ax.plot(
            [s.coverage for s in steps], [s.density for s in steps], color=look.colour, linestyle=look.dashes,
            marker=look.marker, markersize=3.5, linewidth=1.2,
            label=f"search {k + 1}" + ("" if one.holds else ": nothing that holds"),
        )  # fmt: skip
        for step, face, size in ((one.fitted, "none", 12), (one.checked, look.colour, 10)):
            if one.holds:
                ax.plot(
                    [step.coverage], [step.density], marker=look.marker, markersize=size, linestyle="none",
                    markerfacecolor=face, markeredgecolor=style.INK,
                )  # fmt: skip
    ax.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.05), xlabel="Coverage: share of the points looked for",
           ylabel="Density: share of the points in the box")  # fmt: skip
    note = "Large, open: the box where it was fitted; filled: on points kept out"
    style.tidy(
        ax, style.wrapped(note if any(o.holds for o in tried) else "No box holds on points kept out", 70)
    )
    ax.legend(loc="lower left")
    return ax


@style.styled
def scatter(
    figure: Figure, pair: Sequence[Factor], axes: Sequence[Axis], hit: NDArray[np.bool_], box: Box | None,
    nearest: bool,
) -> Axes:  # fmt: skip
    """The points over two factors; those looked for filled, the box's restrictions as lines and shade."""
    ax: Axes = figure.subplots()
    by_key = {axis.key: axis for axis in axes}
    x, y = (_place(ax, factor, by_key[factor.key], way) for factor, way in zip(pair, "xy", strict=True))
    every = max(1, -(-hit.size // MOST_DOTS))
    looked_for = "comes nearest" if nearest else "holds"
    ax.scatter(
        x[~hit][::every], y[~hit][::every], s=12, facecolors="none", edgecolors=style.FAINT, linewidths=0.6,
        label="other",
    )  # fmt: skip
    ax.scatter(x[hit][::every], y[hit][::every], s=22, color=style.COLOURS[2], marker="^", label=looked_for)
    sides = (
        (pair[0], ax.get_xlim(), ax.axvline, ax.axvspan),
        (pair[1], ax.get_ylim(), ax.axhline, ax.axhspan),
    )
    for end, limit in (box.limits if box else {}).items():
        for factor, shown, line, span in sides:
            if end.key == factor.key and not isinstance(limit, frozenset):
                line(limit, color=style.INK, linewidth=1.2, linestyle="--")
                ends = (shown[0], limit) if end.side == "from" else (limit, shown[1])
                span(*ends, color="#bbbbbb", alpha=0.35, linewidth=0, zorder=0)
    ax.set(xlim=sides[0][1], ylim=sides[1][1])
    style.tidy(ax, style.wrapped("Points over two factors; grey: outside the first box", 70))
    ax.set(xlabel=label_of(pair[0]), ylabel=label_of(pair[1]))
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return ax


def _place(ax: Axes, factor: Factor, axis: Axis, way: str) -> NDArray[Any]:
    if factor.is_number:
        return axis.column.astype(float)
    words = sorted({str(value) for value in axis.column.tolist()})
    (ax.set_xticks if way == "x" else ax.set_yticks)(range(len(words)), words)
    apart = np.random.default_rng(0).uniform(-0.3, 0.3, axis.column.size)  # else words would lie on a line
    return np.array([words.index(str(value)) for value in axis.column.tolist()]) + apart
