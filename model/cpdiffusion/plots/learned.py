"""What a calibration learned: posterior over prior, what fits, what goes together, what says what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cpdiffusion.plots import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]
COLUMNS, PANEL_INCHES, BINS = 4, 2.1, 24
ROW_INCHES, CELL_INCHES, FOOT_INCHES = 0.42, 0.52, 1.3
FURTHEST = 4.0  # tolerances that are drawn; beyond, an arrow's place
COLOURS = {"learned from the data": style.COLOURS[0], "partly": style.COLOURS[1]}  # grey: assumed
LEGIBLE_ON_DARK = 0.75  # share of the scale from which text is white


def size_inches(name: str, parameters: int, targets: int) -> tuple[float, float]:
    """A good size for one of the figures by its name."""
    return {
        "learned": (12.0, FOOT_INCHES + PANEL_INCHES * -(-parameters // COLUMNS)),
        "fits": (10.5, FOOT_INCHES + ROW_INCHES * targets),
        "pairs": (4.2 + CELL_INCHES * parameters, 3.4 + CELL_INCHES * parameters),
        "sources": (4.6 + 0.75 * targets, 3.0 + CELL_INCHES * parameters),
    }[name]


@style.styled
def marginals(figure: Figure, parameters: pd.DataFrame, values: Floats, weights: Floats) -> None:
    """One panel per parameter: the posterior's weight over the prior's range, and how flat the prior was.

    ``values`` (K, P), ``weights`` (K,), columns in the order of the rows of ``parameters``.
    """
    rows = style.records(parameters)
    lines = -(-len(rows) // COLUMNS)
    grid = figure.subplots(lines, min(COLUMNS, len(rows)), squeeze=False).ravel()
    for ax in grid[len(rows) :]:
        ax.set_axis_off()
    for k, (ax, row) in enumerate(zip(grid, rows, strict=False)):
        _posterior_over_prior(ax, row, values[:, k], weights)
    figure.suptitle(
        "What was believed before (line) and what is believed after (bars)", fontsize=style.TITLE_PT
    )


def _posterior_over_prior(ax: Axes, row: Mapping[str, Any], values: Floats, weights: Floats) -> None:
    low, high = row["prior_low"], row["prior_high"]
    height, edges = np.histogram(values, BINS, (low, high), weights=weights)
    colour = COLOURS.get(row["verdict"], style.COLOURS[3])
    ax.bar(
        edges[:-1],
        height * BINS,
        np.diff(edges),
        align="edge",
        color=colour,
        edgecolor="white",
        linewidth=0.4,
    )
    ax.axhline(1.0, color=style.INK, linewidth=1.0)
    ax.axvline(row["mean"], color=style.INK, linewidth=1.0, linestyle=(0, (2, 2)))
    ax.set_xlim(low, high)
    ax.set_yticks([])
    ax.set_title(row["parameter"], fontsize=style.TEXT_PT, loc="left")
    ax.set_xlabel(f"{row['unit']}: {row['verdict']}")
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)


@style.styled
def fits(figure: Figure, parameters: pd.DataFrame, frame: pd.DataFrame) -> None:
    """Each target on a scale of its tolerances: where calibrated candidates lie about its range."""
    rows = style.records(frame)[::-1]
    ax = figure.subplots()
    for place, row in enumerate(rows):
        _fit(ax, place, row)
    ax.axvspan(-1, 1, color=style.GRID, zorder=0)
    ax.axvline(0, color=style.FAINT, linewidth=1.0, zorder=1)
    ax.set_yticks(range(len(rows)), [_fit_label(row) for row in rows])
    ax.set_xlim(-FURTHEST, FURTHEST)
    ax.set_xlabel("distance from what was to be met, in tolerances (shaded: within one)")
    ax.set_title(
        "What the calibrated model says, beside what was to be met", fontsize=style.TITLE_PT, loc="left"
    )


def _fit(ax: Axes, place: int, row: Mapping[str, Any]) -> None:
    low, middle, high = (_apart(row, row[key]) for key in ("q05", "simulated_mean", "q95"))
    colour = style.COLOURS[0] if row["used"] else style.COLOURS[3]
    ax.plot([low, high], [place, place], color=colour, linewidth=5, solid_capstyle="butt", zorder=2)
    ax.plot(middle, place, "o", color=style.INK, markersize=5, zorder=3)


def _apart(row: Mapping[str, Any], value: float) -> float:
    """Signed distance from the target's range in tolerances, kept within what is drawn."""
    distance = max(row["low"] - value, 0.0) * -1.0 + max(value - row["high"], 0.0)
    return float(np.clip(distance / row["tolerance"], -FURTHEST, FURTHEST))


def _fit_label(row: Mapping[str, Any]) -> str:
    ends = [style.number(row[end]) for end in ("low", "high")]
    met = " to ".join(dict.fromkeys(ends))
    return f"{row['words']}\n{met} {row['unit']}{'' if row['used'] else ' (left out)'}"


@style.styled
def pairs(figure: Figure, parameters: pd.DataFrame, frame: pd.DataFrame) -> None:
    """Correlation of every pair of parameters in the posterior, as a triangle of numbers."""
    names = list(parameters.parameter)
    table = np.full((len(names), len(names)), np.nan)
    for row in style.records(frame):
        i, j = sorted((names.index(row["parameter"]), names.index(row["other"])))
        table[j, i] = row["correlation"]
    ax = figure.subplots()
    _heat(ax, table, names, names, "{:+.2f}", 1.0)
    ax.set_title(
        "Which parameters cannot be told apart: correlation after the calibration",
        fontsize=style.TITLE_PT,
        loc="left",
    )


@style.styled
def sources(figure: Figure, parameters: pd.DataFrame, frame: pd.DataFrame) -> None:
    """How many times as wide each parameter's doubt would be without each target."""
    names, used = list(parameters.parameter), list(dict.fromkeys(frame.target))
    table = frame.pivot(index="parameter", columns="target", values="widening_without").loc[names, used]
    ax = figure.subplots()
    _heat(ax, table.to_numpy() - 1.0, names, used, "{:.2f}", None, 1.0)
    ax.set_title(
        "Doubt about a parameter if a pattern were left out, over doubt with all",
        fontsize=style.TITLE_PT,
        loc="left",
    )


def _heat(
    ax: Axes, table: Floats, rows: list[str], columns: list[str], form: str, most: float | None,
    shown_above: float = 0.0,
) -> None:  # fmt: skip
    """Numbers on cells that are the darker the further from 0."""
    dark = np.abs(table) / (most or max(1.0, float(np.nanmax(np.abs(table)))))
    ax.imshow(np.ma.masked_invalid(dark), cmap="Greys", vmin=0.0, vmax=1.2, aspect="auto")
    for (i, j), share in np.ndenumerate(dark):
        if np.isfinite(share):
            ink = "white" if share > LEGIBLE_ON_DARK else style.INK
            ax.text(
                j,
                i,
                form.format(table[i, j] + shown_above).replace("-", "−"),
                ha="center",
                va="center",
                color=ink,
                fontsize=8,
            )
    ax.set_yticks(range(len(rows)), rows)
    ax.set_xticks(range(len(columns)), columns, rotation=40, ha="right")
    ax.tick_params(length=0)
    for side in ("top", "right", "left", "bottom"):
        ax.spines[side].set_visible(False)


@style.styled
def planted(figure: Figure, rows: pd.DataFrame, coverage: pd.DataFrame) -> None:
    """One panel per parameter: planted value against calibrated mean, with two standard deviations."""
    covered = {row["parameter"]: row for row in style.records(coverage)}
    names = list(dict.fromkeys(rows.parameter))
    grid = figure.subplots(-(-len(names) // COLUMNS), min(COLUMNS, len(names)), squeeze=False).ravel()
    for ax in grid[len(names) :]:
        ax.set_axis_off()
    for ax, name in zip(grid, names, strict=False):
        _recovered(ax, rows[rows.parameter == name], covered[name])
    figure.suptitle(
        "Planted (across) and recovered (up), with two standard deviations", fontsize=style.TITLE_PT
    )


def _recovered(ax: Axes, rows: pd.DataFrame, covered: Mapping[str, Any]) -> None:
    ends = [float(rows.truth.min()), float(rows.truth.max())]
    ax.errorbar(
        rows.truth, rows["mean"], 2.0 * rows.sd, fmt="o", color=style.COLOURS[0], ecolor=style.COLOURS[3],
        markersize=4, linewidth=1.0,
    )  # fmt: skip
    ax.plot(ends, ends, color=style.INK, linewidth=1.0)
    ax.set_title(covered["parameter"], fontsize=style.TEXT_PT, loc="left")
    ax.set_xlabel(f"90 % intervals hold {100 * covered['coverage90']:.0f} %")
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
