"""Names of curves at their ends, so that no legend has to be matched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from cpdiffusion.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LABEL_CHARACTERS = 28


class End(NamedTuple):
    """Where a curve ends and what to call it there."""

    x: float
    y: float
    text: str
    colour: str


def name_at_ends(ax: Axes, ends: Sequence[End]) -> None:
    """Name each curve at its end; names that would overlap are moved apart and led to."""
    ends = sorted(ends, key=lambda end: end.y)
    top = ax.get_ylim()[1]
    heights = [_text_height(ax, end.text) for end in ends]
    for end, place in zip(ends, style.spread([e.y / top for e in ends], heights), strict=True):
        ax.annotate(
            end.text, (end.x, end.y), (1.04, place), "data", "axes fraction", size=style.TEXT_PT,
            color=style.INK, va="center", linespacing=style.LINE_SPACING, annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": end.colour, "linewidth": 1.2,
                        "shrinkA": 1, "shrinkB": 2, "relpos": (0, 0.5)},
        )  # fmt: skip


def _text_height(ax: Axes, text: str) -> float:
    """Height of a label, with a little air, as a fraction of the axes' height."""
    points = (text.count("\n") + 1.3) * style.TEXT_PT * style.LINE_SPACING
    figure = ax.get_figure(root=True)
    assert figure is not None
    return points / 72 / (ax.get_position().height * figure.get_figheight())
