"""How many replicates are enough: whether the spread is stable, the interval narrow, the test strong."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from cpdiffusion.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE_INCHES = (9.0, 9.6)
BAND = 0.05
LEVEL, WANTED = 0.05, 0.95  # of the test, and the power wanted
FIRST_SHOWN = 10
Z = 1.6449  # of a 90 % interval


@style.styled
def how_many(
    figure: Figure, spreads: Mapping[str, Any], sd: float, sd_unpaired: float, asked: float, what: str,
    recommended: int | None,
) -> list[Axes]:  # fmt: skip
    """Three panels over the number of replicates or draws (``what``).

    ``spreads``: by outcome the standard deviation of the paired difference over the first n, (K,). ``sd``,
    ``sd_unpaired`` and ``asked`` are of the first outcome (firms).
    """
    axes = [figure.add_subplot(3, 1, k + 1) for k in range(3)]
    run = len(next(iter(spreads.values())))
    last = 1.6 * max(run, recommended or 0)
    _stable(axes[0], spreads)
    numbers = np.unique(np.geomspace(2, last, 200).astype(int))
    for ax, draw in ((axes[1], _width), (axes[2], _power)):
        draw(ax, numbers, sd, "paired, by common random numbers", 0, asked)
        draw(ax, numbers, sd_unpaired, "unpaired", 2, asked)
    _finish(axes, what, last, run, recommended, asked)
    return axes


def _stable(ax: Axes, spreads: Mapping[str, Any]) -> None:
    style.tidy(ax, "Is the spread of the difference stable?")
    for place, (label, running) in enumerate(spreads.items()):
        if not running[-1] > 0:
            continue
        look, n = style.look(place), np.arange(1, len(running) + 1)
        shown = n >= min(FIRST_SHOWN, len(n) - 1)
        ax.plot(
            n[shown], running[shown] / running[-1], color=look.colour, linestyle=look.dashes,
            label=style.wrapped(label, 40), gid=f"spread {label}",
        )  # fmt: skip
    ax.axhspan(1 - BAND, 1 + BAND, color=style.GRID, zorder=0, label="within 5 %")
    ax.set_ylabel("Standard deviation of the first n\nover that of all")


def _width(ax: Axes, numbers: Any, sd: float, label: str, place: int, asked: float) -> None:
    look = style.look(place)
    ax.plot(
        numbers, Z * sd / np.sqrt(numbers), color=look.colour, linestyle=look.dashes, label=label,
        gid=f"width {label}",
    )  # fmt: skip
    ax.set_yscale("log")


def _power(ax: Axes, numbers: Any, sd: float, label: str, place: int, asked: float) -> None:
    from scipy.special import ndtr, ndtri

    look = style.look(place)
    centre = asked * np.sqrt(numbers) / sd if sd > 0 else np.full(len(numbers), math.inf)
    reach = ndtri(1 - LEVEL / 2)
    ax.plot(
        numbers, ndtr(centre - reach) + ndtr(-centre - reach), color=look.colour, linestyle=look.dashes,
        label=label, gid=f"power {label}",
    )  # fmt: skip


def _finish(
    axes: list[Axes], what: str, last: float, run: int, recommended: int | None, asked: float
) -> None:
    width, power = axes[1], axes[2]
    style.tidy(width, "How wide is the 90 % interval?")
    width.axhline(asked, color=style.FAINT, linewidth=1.0, label=f"asked: ±{style.number(asked)} firms")
    width.set_ylabel("Half width (firms)")
    style.tidy(power, f"How surely is a true difference of {style.number(asked)} firms found (5 % level)?")
    power.axhline(WANTED, color=style.FAINT, linewidth=1.0, label="95 %")
    power.set(ylim=(0, 1.03), ylabel="Power", xlabel=f"Number of {what} (logarithmic)")
    for ax in axes:
        ax.set(xscale="log", xlim=(FIRST_SHOWN if last > 5 * FIRST_SHOWN else 2, last))
        if recommended:
            ax.axvline(
                recommended, color=style.INK, linewidth=1.2, linestyle=":",
                label=f"recommended: {recommended:,}", gid="recommended",
            )  # fmt: skip
        ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=style.TEXT_PT)
        style.ticks_on(ax.xaxis, _decades())
    style.ticks_on(width.yaxis, _decades())


def _decades() -> Any:
    from matplotlib.ticker import LogLocator

    return LogLocator(subs=(1.0, 2.0, 5.0))
