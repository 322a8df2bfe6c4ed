"""How many firms have adopted, quarter by quarter, under each scenario."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cpdiffusion.plots import style
from cpdiffusion.plots.ends import LABEL_CHARACTERS, End, name_at_ends
from cpdiffusion.units import QUARTERS_PER_YEAR

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

VARIABLE = "adopters"


@style.styled
def adoption_curves(ax: Axes, trajectories: pd.DataFrame, titles: Mapping[str, str]) -> Axes:
    """Cumulative adopters against years: the mean over runs and the band that holds 90 % of them.

    ``trajectories``: one row per scenario, quarter (0 ..) and variable, with mean, p05 and p95;
    the variable "adopters" is drawn as it stands, so it must be cumulative. Quarter q is put at
    its end, (q + 1) / 4 years. ``titles`` gives each scenario its name and, by its order, its look.
    """
    style.tidy(ax, "Firms that have adopted")
    ax.set_xlabel("Years since the start\nline: mean; band: 5th to 95th percentile of runs")
    ax.set_ylabel("Adopters, cumulative (firms)")
    adopters = trajectories[trajectories["variable"] == VARIABLE]
    if adopters.empty:
        style.nothing_to_show(ax, "no trajectories")
        return ax
    _set_limits(ax, adopters)
    ends = [_draw(ax, adopters, name, titles) for name in style.in_order(adopters["scenario"], titles)]
    name_at_ends(ax, ends)
    return ax


def _set_limits(ax: Axes, adopters: pd.DataFrame) -> None:
    top = float(adopters[["mean", "p95"]].max().max())
    ax.set_ylim(0.0, 1.05 * top if top > 0 else 1.0)
    ax.set_xlim(0.0, (int(adopters["quarter"].max()) + 1) / QUARTERS_PER_YEAR)
    style.numbers_on(ax.xaxis, most=10)
    style.numbers_on(ax.yaxis, most=6, whole=True)
    ax.grid(axis="y", color=style.GRID, linewidth=0.8)
    ax.set_axisbelow(True)


def _draw(ax: Axes, adopters: pd.DataFrame, name: str, titles: Mapping[str, str]) -> End:
    curve = adopters[adopters["scenario"] == name].sort_values("quarter")
    years = (curve["quarter"].to_numpy() + 1) / QUARTERS_PER_YEAR
    mean, look = curve["mean"].to_numpy(), style.looks([name], titles)[name]
    ax.fill_between(
        years, curve["p05"].to_numpy(), curve["p95"].to_numpy(), color=look.colour, alpha=0.15,
        linewidth=0, gid=f"band {name}",
    )  # fmt: skip
    ax.plot(
        years, mean, color=look.colour, linestyle=look.dashes, marker=look.marker, markersize=5,
        markevery=(QUARTERS_PER_YEAR - 1, QUARTERS_PER_YEAR), clip_on=False, zorder=3,
        gid=f"mean {name}",
    )  # fmt: skip
    return End(
        years[-1],
        mean[-1],
        style.wrapped(style.title_of(name, titles), LABEL_CHARACTERS),
        look.colour,
    )
