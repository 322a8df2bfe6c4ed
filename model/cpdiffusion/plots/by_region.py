"""One panel for each region, on common axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 4


def shape(regions: int) -> tuple[int, int]:
    """Lines and columns of panels."""
    columns = max(1, min(COLUMNS, regions))
    return math.ceil(regions / columns) or 1, columns


def region_panels(figure: Figure, regions: Sequence[str]) -> tuple[Any, dict[str, Axes]]:
    """All places for panels, line by line (an array), and the axes of each region; the rest is blank."""
    lines, columns = shape(len(regions))
    grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for ax in grid[len(regions) :]:
        ax.set_axis_off()
    return grid, dict(zip(regions, grid, strict=False))
