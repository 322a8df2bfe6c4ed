"""Adoption in smart green complexes beside the paths that were planned for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cpdiffusion.evidence.reference_paths import REFERENCE_PATHS, ReferencePath
from cpdiffusion.plots import style
from cpdiffusion.plots.ends import LABEL_CHARACTERS, End, name_at_ends

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


@style.styled
def beside_reference_paths(ax: Axes, shares: pd.DataFrame, titles: Mapping[str, str]) -> Axes:
    """Simulated share of adopters by year (rows scenario, year, share), and the planned paths, in grey.

    The paths tell of other things than cleaner production; they are shown for the pace alone.
    """
    style.tidy(ax, "Adoption in smart green complexes, beside what is planned for them")
    ax.set_xlabel("Years since the start\ngrey: reported start and target (003), of other quantities")
    ax.set_ylabel("Share of firms, or as named (%)")
    for path in REFERENCE_PATHS:
        _path(ax, path)
    curves = [_curve(ax, shares, name, titles) for name in style.in_order(shares["scenario"], titles)]
    ax.set_xlim(0.0, max(float(shares["year"].max()), max(path.years for path in REFERENCE_PATHS)))
    highest = max(100 * path.last_share for path in REFERENCE_PATHS)
    ax.set_ylim(0.0, 1.05 * max([highest, *(end.y for end in curves)]))
    style.numbers_on(ax.xaxis, most=10)
    style.numbers_on(ax.yaxis, most=6)
    name_at_ends(ax, curves)
    return ax


def _path(ax: Axes, path: ReferencePath) -> None:
    """A line named at its end: beside it, or before it where longer lines pass."""
    x, y = [0, path.years], [100 * path.first_share, 100 * path.last_share]
    ax.plot(x, y, color=style.FAINT, linewidth=1.0, marker="o", markersize=3, gid=f"path {path.name}")
    is_passed = path.years < max(other.years for other in REFERENCE_PATHS)
    ax.annotate(
        style.wrapped(f"{path.name}, {path.first_year} to {path.last_year}", LABEL_CHARACTERS),
        (x[-1], y[-1]), (-6, 0) if is_passed else (6, 0), textcoords="offset points",
        ha="right" if is_passed else "left", va="bottom" if is_passed else "center",
        size=style.TEXT_PT, color=style.FAINT,
    )  # fmt: skip


def _curve(ax: Axes, shares: pd.DataFrame, name: str, titles: Mapping[str, str]) -> End:
    rows, look = shares[shares["scenario"] == name], style.looks([name], titles)[name]
    x, y = [0, *rows["year"]], [0.0, *(100 * rows["share"])]
    ax.plot(
        x, y, color=look.colour, linestyle=look.dashes, marker=look.marker, markersize=5,
        clip_on=False, zorder=3, gid=f"mean {name}",
    )  # fmt: skip
    return End(x[-1], y[-1], style.wrapped(style.title_of(name, titles), LABEL_CHARACTERS), look.colour)
