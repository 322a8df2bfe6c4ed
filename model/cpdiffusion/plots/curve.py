"""One diffusion over time: who adopts in each period, and how many have so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import MaxNLocator

from cpdiffusion.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

NEW, SO_FAR = style.COLOURS[3], style.COLOURS[0]


@style.styled
def adoption_curve(
    ax: Axes,
    period: NDArray[np.integer],
    adopters: NDArray[np.integer],
    firms: int,
    title: str,
    period_name: str = "Step",
) -> Axes:
    """New adopters as bars and adopters so far as a line, both (T,), of so many firms."""
    style.tidy(ax, title)
    ax.set_xlabel(f"{period_name}\nbars: new adopters; line: adopters so far, of {firms:,} firms")
    ax.set_ylabel("Firms")
    new = np.diff(adopters, prepend=0)
    ax.bar(period, new, width=0.8, color=NEW, gid="new adopters")
    dots = "o" if period.size <= 60 else ""
    ax.plot(period, adopters, color=SO_FAR, marker=dots, markersize=4, gid="adopters so far", clip_on=False)
    ax.set_ylim(0.0, 1.05 * max(int(adopters[-1]), 1))
    ax.set_xlim(period[0] - 0.6, period[-1] + 0.6)
    ax.xaxis.set_major_locator(MaxNLocator(10, integer=True))
    ax.xaxis.set_major_formatter("{x:.0f}")  # 1955 is a year, not 1,955
    style.numbers_on(ax.yaxis, most=6, whole=True)
    return ax
