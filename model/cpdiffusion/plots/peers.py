"""The map of peers: whom each unit off the frontier is held against, and with what weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cpdiffusion.plots import style
from cpdiffusion.plots.efficiency import side_by_side

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_INCHES = 12.0
ROW_INCHES, LEAST_INCHES, HEAD_AND_FOOT_INCHES = 0.24, 3.8, 2.4
MOST_ROWS = 50
DARK = 0.55  # a share above which white letters can be read better
Row = Mapping[str, Any]


@style.styled
def peer_maps(figure: Figure, table: pd.DataFrame, levels: Mapping[str, str]) -> list[Axes]:
    """One panel per level: a line per unit off the frontier, a column per peer, the weight in the field.

    ``table``: rows with level, unit, peer and weight. Fields are shaded by a peer's share of a unit's
    weights.
    The figure should be ``WIDTH_INCHES`` wide and ``height_inches`` high.
    """
    rows = style.records(table)
    sizes = [len({row["unit"] for row in rows if row["level"] == level}) for level in levels]
    panels = side_by_side(figure, [min(size, MOST_ROWS) for size in sizes])
    for ax, (level, title) in zip(panels, levels.items(), strict=True):
        _draw(ax, [row for row in rows if row["level"] == level], title)
    return panels


def height_inches(table: pd.DataFrame) -> float:
    """A good height: that of the level with most units."""
    most = max((group["unit"].nunique() for _, group in table.groupby("level")), default=1)
    return max(LEAST_INCHES, HEAD_AND_FOOT_INCHES + ROW_INCHES * min(most, MOST_ROWS))


def shown(weight: float) -> str:
    """A weight for a reader, who would take 0.00 for none."""
    return f"{weight:.2f}" if weight >= 0.01 else "<0.01"


def _draw(ax: Axes, rows: Sequence[Row], title: str) -> None:
    style.tidy(ax, title, title_pad_pt=12.0)
    if not rows:
        style.nothing_to_show(ax, "every unit is on the frontier:\nnobody is held against another")
        return
    units = list(dict.fromkeys(str(row["unit"]) for row in rows))[:MOST_ROWS]
    counts: dict[str, int] = {}
    for row in rows:
        counts[str(row["peer"])] = counts.get(str(row["peer"]), 0) + 1
    peers = sorted(counts, key=lambda name: -counts[name])
    weight = np.zeros((len(units), len(peers)))
    for row in rows:
        if row["unit"] in units:
            weight[units.index(row["unit"]), peers.index(row["peer"])] = row["weight"]
    share = weight / weight.sum(axis=1, keepdims=True)
    ax.imshow(share, cmap="Blues", vmin=0.0, vmax=1.0, aspect="auto", gid="shares")
    for line, column in zip(*np.nonzero(weight), strict=True):
        ax.text(
            column, line, shown(weight[line, column]), ha="center", va="center", size=style.TEXT_PT - 1,
            color="white" if share[line, column] > DARK else style.INK,
        )  # fmt: skip
    ax.set_xticks(range(len(peers)), [f"{name} ({counts[name]})" for name in peers], rotation=45, ha="right")
    ax.set_yticks(range(len(units)), units)
    ax.tick_params(length=0)
    ax.spines[["left", "bottom"]].set_visible(False)
    ax.set_xlabel("Peer (of how many units)")
