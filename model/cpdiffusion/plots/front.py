"""A front: policies in their two main aims, and what their levers are along it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cpdiffusion.factors.factor import Factor
from cpdiffusion.outcomes.catalogue import CATALOGUE
from cpdiffusion.plots import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FRONT_INCHES = (9.0, 6.2)
WIDTH_INCHES, LEVER_INCHES, SWITCH_INCHES, AIR_INCHES = 9.0, 1.25, 0.26, 1.6
LINE, OTHER, BEATEN, REFERENCE = style.COLOURS[0], "white", style.FAINT, style.COLOURS[2]
# Where a label stands from its dot, in points. Down to the right is what policies beat: room for labels.
FAR, NEAR = (48, -5), (7, -14)


@style.styled
def front(figure: Figure, table: pd.DataFrame, aims: Sequence[str], line: Sequence[str]) -> Axes:
    """The second aim to the right, the first upwards, both with held-out intervals; references are named.

    ``line`` names the policies that no other beats in these two aims. ``table`` has a row per policy:
    policy, kind (reference or front), undominated, picked_by and, for both aims, the mean with _low and
    _high.
    """
    ax = figure.add_subplot()
    rows = style.records(table)
    for row in rows:
        _interval(ax, row, aims)
    _dots(ax, rows, line, aims)
    _labels(ax, rows, line, aims)
    style.tidy(ax, style.wrapped("Policies that no other beats in all aims, under draws not searched", 80))
    for axis, aim in ((ax.xaxis, aims[1]), (ax.yaxis, aims[0])):
        axis.set_label_text(f"{style.capital(CATALOGUE[aim].label)} ({CATALOGUE[aim].unit})")
        style.numbers_on(axis)
    ax.legend(loc="best", fontsize=style.TEXT_PT)
    return ax


def _interval(ax: Axes, row: dict[str, Any], aims: Sequence[str]) -> None:
    x, y = row[aims[1]], row[aims[0]]
    ends = [[[row[a] - row[f"{a}_low"]], [row[f"{a}_high"] - row[a]]] for a in (aims[1], aims[0])]
    ax.errorbar(
        x, y, xerr=ends[0], yerr=ends[1], fmt="none", ecolor=style.FAINT, elinewidth=0.8, zorder=1,
        gid=f"interval {row['policy']}",
    )  # fmt: skip


def _dots(ax: Axes, rows: Sequence[dict[str, Any]], line: Sequence[str], aims: Sequence[str]) -> None:
    x, y = aims[1], aims[0]
    by_name = {row["policy"]: row for row in rows}
    ax.plot([by_name[n][x] for n in line], [by_name[n][y] for n in line], color=LINE, linewidth=1.0, zorder=1)
    groups = (
        ("unbeaten in these two aims", "o", LINE, 46, [by_name[name] for name in line]),
        ("unbeaten by virtue of another aim", "o", OTHER, 34, _others(rows, line, stands=True)),
        ("beaten by another under new draws", "x", BEATEN, 34, _others(rows, line, stands=False)),
        ("reference scenarios", "D", REFERENCE, 60, [row for row in rows if row["kind"] == "reference"]),
    )
    for label, marker, face, size, group in groups:
        if group:
            edge = None if marker == "x" else style.INK  # a cross has no edge
            ax.scatter(
                [row[x] for row in group], [row[y] for row in group], marker=marker, s=size, color=face,
                label=label, zorder=3, edgecolors=edge, linewidths=1.2 if edge is None else 0.9,
            )  # fmt: skip


def _others(rows: Sequence[dict[str, Any]], line: Sequence[str], stands: bool) -> list[dict[str, Any]]:
    return [
        row for row in rows
        if row["kind"] == "front" and row["policy"] not in line and bool(row["undominated"]) is stands
    ]  # fmt: skip


def _labels(ax: Axes, rows: Sequence[dict[str, Any]], line: Sequence[str], aims: Sequence[str]) -> None:
    """References, both ends of the line and whatever a measure picks."""
    for row in rows:
        if row["kind"] == "reference":
            _label(ax, row, aims, row["policy"], FAR, "bold")
        elif row["picked_by"] or row["policy"] in (*line[:1], *line[-1:]):
            why = f": {row['picked_by'].replace(' ', ', ')}" if row["picked_by"] else ""
            _label(ax, row, aims, f"{row['policy']}{why}", NEAR, "normal")
    ax.margins(0.09)


def _label(
    ax: Axes, row: dict[str, Any], aims: Sequence[str], text: str, offset: tuple[int, int], weight: str
) -> None:
    """Rimmed in white, so that it can be read over lines; dots stay above it."""
    from matplotlib.patheffects import withStroke

    ax.annotate(
        text, (row[aims[1]], row[aims[0]]), offset, textcoords="offset points", size=style.TEXT_PT,
        weight=weight, color=style.INK, gid=f"label {row['policy']}", zorder=2,
        arrowprops={"arrowstyle": "-", "color": style.FAINT, "linewidth": 0.8} if offset == FAR else None,
        path_effects=[withStroke(linewidth=2.5, foreground="white")],
    )  # fmt: skip


# --- levers --------------------------------------------------------------------------------------


def levers_inches(factors: Sequence[Factor]) -> tuple[float, float]:
    """A good size for so many levers."""
    switches = sum(map(is_switch, factors))
    heights = LEVER_INCHES * (len(factors) - switches) + SWITCH_INCHES * switches + AIR_INCHES
    return WIDTH_INCHES, heights


def is_switch(factor: Factor) -> bool:
    """Whether it is on or off."""
    return set(factor.values) in ({0, 1}, {False, True})


@style.styled
def levers_along(figure: Figure, line: pd.DataFrame, factors: Sequence[Factor], aim: str) -> list[Axes]:
    """A panel per lever, and one for all that is on or off; a column per policy, in the order of ``line``.

    ``line`` has a row per policy, by name: the levers by key, and the aim.
    """
    levers = [factor for factor in factors if not is_switch(factor)]
    switches = [factor for factor in factors if is_switch(factor)]
    heights = [LEVER_INCHES] * len(levers) + [SWITCH_INCHES * len(switches)] * bool(switches)
    panels = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    for ax, factor in zip(panels, levers, strict=False):
        _lever(ax, factor, list(line[factor.key]))
    if switches:
        _switches(panels[-1], switches, line)
    names = [f"{name}\n{style.number(value)}" for name, value in zip(line.index, line[aim], strict=True)]
    panels[-1].set_xticks(range(len(line)), names)
    panels[-1].set_xlabel(f"Policy, with its {CATALOGUE[aim].label} ({CATALOGUE[aim].unit})")
    figure.suptitle("Levers along the line of policies unbeaten in both main aims", fontsize=style.TITLE_PT)
    return list(panels)


def _name(factor: Factor) -> str:
    return factor.key.rpartition(".")[2].replace("_", " ").removesuffix(" mkrw per year")


def _lever(ax: Axes, factor: Factor, values: Sequence[Any]) -> None:
    unit = f" ({factor.known.unit})" if factor.known.unit else ""
    style.tidy(ax, "")
    ax.set_title(_name(factor) + unit, loc="left", size=style.TEXT_PT)
    if factor.is_number:
        known = [(k, v) for k, v in enumerate(values) if v is not None and v == v]
        ax.set_ylim(*_limits(factor))
        style.numbers_on(ax.yaxis, most=3)
    else:
        labels = [str(value) for value in factor.values]
        known = [(k, labels.index(str(v))) for k, v in enumerate(values)]
        ax.set_yticks(range(len(labels)), [label.replace("_", " ") for label in labels])
        ax.set_ylim(-0.6, len(labels) - 0.4)
    ax.plot(*zip(*known, strict=True) if known else ([], []), "o", color=LINE, markeredgecolor=style.INK)
    ax.grid(axis="x", color=style.GRID, linewidth=0.6)
    ax.tick_params(axis="x", length=0)


def _limits(factor: Factor) -> tuple[float, float]:
    low, high = (factor.low, factor.high) if factor.is_range else (min(factor.values), max(factor.values))
    margin = 0.08 * (float(high) - float(low))
    return float(low) - margin, float(high) + margin


def _switches(ax: Axes, switches: Sequence[Factor], line: pd.DataFrame) -> None:
    """A filled square where it is on, an empty one where it is off."""
    style.tidy(ax, "")
    ax.set_title("instruments: filled where enacted", loc="left", size=style.TEXT_PT)
    style.rows(ax, [_name(factor) for factor in switches])
    for row, factor in enumerate(switches):
        for column, value in enumerate(line[factor.key]):
            ax.scatter(
                column, row, marker="s", s=46, color=style.INK if value else "white", edgecolors=style.INK,
                linewidths=0.8, zorder=2,
            )  # fmt: skip
    ax.tick_params(axis="x", length=0)
