"""Who has adopted at four moments: the firms, their ties, and the places where they are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cpdiffusion import draws
from cpdiffusion.plots import style
from cpdiffusion.units import QUARTERS_PER_YEAR
from cpdiffusion.world.world import World

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DOTS_AT_MOST = 3000  # firms; above, one disc per complex
TIES_AT_MOST = 6000
SPRING_AT_MOST = 400  # firms; a spring layout of 800 takes seconds
SPRING_SEED, SPRING_STEPS = 1, 50
GOLDEN_ANGLE = math.pi * (3.0 - math.sqrt(5.0))
DISC_FILL = 0.8  # radius of a complex's disc as a share of half its cell
TIE_COLOUR, TIE_ALPHA = "#9a9a9a", 0.14

Floats = NDArray[np.float64]
Pairs = NDArray[np.int64]
Flags = NDArray[np.bool_]
Quarters = NDArray[np.integer]


@style.styled
def adopters_at(
    figure: Figure,
    world: World,
    adoption_quarter: Quarters,
    supported_quarter: Quarters,
    quarters: Sequence[int],
    title: str,
) -> list[Axes]:
    """A panel per quarter, two side by side: who has adopted by its end, and with what support.

    ``adoption_quarter`` and ``supported_quarter`` (N,) are of one run, NEVER in firms without; a
    firm counts as a supported adopter when its support came no later than its adoption. Up to 3,000 firms are
    dots, complex by complex, the best connected in the middle of each; of more than 6,000 ties a
    fixed choice is drawn, and the caption says so. Of more than 3,000 firms each complex is a disc
    with its share of adopters.
    """
    axes = _panels(figure, len(quarters), title)
    if not axes:
        return axes
    if world.size > DOTS_AT_MOST:
        _draw_discs(figure, axes, world, adoption_quarter, quarters)
    else:
        _draw_dots(figure, axes, world, adoption_quarter, supported_quarter, quarters)
    for ax, quarter in zip(axes, quarters, strict=True):
        ax.set_title(_heading(quarter, adoption_quarter, supported_quarter), size=style.TEXT_PT)
    return axes


def _panels(figure: Figure, panels: int, title: str) -> list[Axes]:
    figure.suptitle(style.wrapped(title, int(figure.get_figwidth() * 10)), size=style.TITLE_PT, weight="bold")
    columns = 1 if panels == 1 else 2
    axes = [figure.add_subplot(math.ceil(panels / columns), columns, k + 1) for k in range(panels)]
    for ax in axes:
        ax.set_axis_off()
        ax.set_aspect("equal")
    return axes


def _heading(quarter: int, adopted: Quarters, supported: Quarters) -> str:
    kinds = kinds_at(adopted, supported, quarter)
    years, own, helped = (quarter + 1) / QUARTERS_PER_YEAR, kinds.own.sum(), kinds.helped.sum()
    unit = "year" if years == 1 else "years"
    return f"After {years:g} {unit}\n{own + helped:,} adopters, {helped:,} of them supported"


# --- who is what ---------------------------------------------------------------------------------


class Kinds(NamedTuple):
    """Four kinds of firms, each (N,); every firm is of one kind."""

    waiting: Flags
    invited: Flags  # supported, not adopted
    own: Flags  # adopted by own choice
    helped: Flags  # adopted with support


def kinds_at(adopted: Quarters, supported: Quarters, quarter: int) -> Kinds:
    """The kinds at the end of a quarter."""
    has_adopted = adopted <= quarter
    has_support = supported <= quarter
    helped = has_adopted & has_support & (supported <= adopted)
    return Kinds(~has_adopted & ~has_support, ~has_adopted & has_support, has_adopted & ~helped, helped)


# --- firms as dots -------------------------------------------------------------------------------


def _draw_dots(
    figure: Figure,
    axes: Sequence[Axes],
    world: World,
    adopted: Quarters,
    supported: Quarters,
    quarters: Sequence[int],
) -> None:
    place, pairs = layout(world), undirected_pairs(world)
    drawn = chosen_pairs(pairs, TIES_AT_MOST)
    for ax, quarter in zip(axes, quarters, strict=True):
        _draw_ties(ax, place[drawn])
        _draw_firms(ax, place, kinds_at(adopted, supported, quarter))
    number = f"all {len(pairs):,}" if len(drawn) == len(pairs) else f"{len(drawn):,} of {len(pairs):,}"
    _key(figure, axes, f"Lines: {number} ties")


def _draw_ties(ax: Axes, segments: Floats) -> None:
    from matplotlib.collections import LineCollection

    ties = LineCollection(list(segments), colors=TIE_COLOUR, linewidths=0.4, alpha=TIE_ALPHA)
    ties.set_gid("ties")
    ax.add_collection(ties, autolim=False)


def _draw_firms(ax: Axes, place: Floats, kinds: Kinds) -> None:
    size = dot_points(len(place))
    styles = (
        ("not adopted", "o", 0.6, "#b4b4b4", "none"),
        ("supported, not adopted", "o", 0.9, "white", style.INK),
        ("adopted by own choice", "o", 1.1, style.COLOURS[0], "white"),
        ("adopted with support", "^", 1.3, style.COLOURS[2], "white"),
    )
    for (words, marker, scale, face, edge), mask in zip(styles, kinds, strict=True):
        ax.plot(
            *place[mask].T, linestyle="none", marker=marker, markersize=size * scale,
            markerfacecolor=face, markeredgecolor=edge, markeredgewidth=0.6, label=words, gid=words,
        )  # fmt: skip
    _frame(ax, place)


def dot_points(firms: int) -> float:
    """Diameter of a dot in points, so that the dots of all firms fill part of a panel."""
    return min(6.5, max(2.5, 150.0 / math.sqrt(firms)))


def _frame(ax: Axes, place: Floats) -> None:
    (left, bottom), (right, top) = place.min(axis=0), place.max(axis=0)
    margin = 0.03 * max(right - left, top - bottom) or 1.0
    ax.set(xlim=(left - margin, right + margin), ylim=(bottom - margin, top + margin))


def _key(figure: Figure, axes: Sequence[Axes], caption: str) -> None:
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=2 if figure.get_figwidth() < 8 else 4,
        fontsize=style.TEXT_PT, title=caption, title_fontsize=style.TEXT_PT,
    )  # fmt: skip


# --- ties ----------------------------------------------------------------------------------------


def undirected_pairs(world: World) -> Pairs:
    """Each tied pair of firms once, shape (T, 2), ascending; both directions are one tie."""
    source = np.repeat(np.arange(world.size), np.diff(world.ties.start))
    target = world.ties.target.astype(np.int64)
    key = np.unique(np.minimum(source, target) * world.size + np.maximum(source, target))
    return np.stack(np.divmod(key, world.size), axis=1)


def chosen_pairs(pairs: Pairs, most: int) -> Pairs:
    """At most so many pairs, picked by a hash of the pair: the same ties whatever the order."""
    if len(pairs) <= most:
        return pairs
    lot = pairs.astype(np.uint64) * np.array([draws.GOLDEN, draws.MIX_1])
    return pairs[np.sort(np.argsort(lot[:, 0] ^ lot[:, 1], kind="stable")[:most])]


# --- where firms are -----------------------------------------------------------------------------


def layout(world: World) -> Floats:
    """Positions (N, 2): a small single complex by its ties, others as discs in a grid."""
    if world.size <= SPRING_AT_MOST and np.ptp(world.firms.complex) == 0:
        return spring(world)
    return discs_of_firms(world)


def spring(world: World) -> Floats:
    """Tied firms near each other (Fruchterman & Reingold 1991), the same on every call."""
    import networkx as nx

    graph = nx.empty_graph(world.size)
    graph.add_edges_from(undirected_pairs(world).tolist())
    found = nx.spring_layout(graph, seed=SPRING_SEED, iterations=SPRING_STEPS)
    return np.array([found[firm] for firm in range(world.size)])


def discs_of_firms(world: World) -> Floats:
    """Each complex a sunflower disc, area by firms, the best connected firms in its middle."""
    _, complex_, members = np.unique(world.firms.complex, return_inverse=True, return_counts=True)
    degree = np.diff(world.ties.start)
    order = np.lexsort((-degree, complex_))
    rank = np.empty(world.size, np.int64)
    rank[order] = np.arange(world.size) - np.repeat(np.cumsum(members) - members, members)
    radius = disc_radii(members)[complex_] * np.sqrt((rank + 0.5) / members[complex_])
    angle = GOLDEN_ANGLE * rank
    spiral = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return grid(members.size)[complex_] + radius[:, None] * spiral


def disc_radii(members: NDArray[np.integer]) -> Floats:
    """Radii in a grid of unit cells, areas in proportion to members."""
    return 0.5 * DISC_FILL * np.sqrt(members / members.max())


def grid(cells: int) -> Floats:
    """Centres (cells, 2) row by row from the top left, the last row in the middle."""
    columns = math.ceil(math.sqrt(cells))
    row, column = np.divmod(np.arange(cells), columns)
    in_last = cells - columns * (math.ceil(cells / columns) - 1)
    shift = np.where(row == row.max(), 0.5 * (columns - in_last), 0.0)
    return np.stack([column + shift, -row.astype(float)], axis=1)


# --- complexes as discs --------------------------------------------------------------------------


def _draw_discs(
    figure: Figure, axes: Sequence[Axes], world: World, adopted: Quarters, quarters: Sequence[int]
) -> None:
    from matplotlib.collections import EllipseCollection

    _, complex_, members = np.unique(world.firms.complex, return_inverse=True, return_counts=True)
    centres, width = grid(members.size), 2.0 * disc_radii(members)
    shares = [100.0 * share_by_group(adopted, q, complex_, members) for q in quarters]
    top = max((float(share.max()) for share in shares), default=0.0) or 1.0
    for ax, share in zip(axes, shares, strict=True):
        discs = EllipseCollection(
            width, width, np.zeros(members.size), units="xy", offsets=centres,
            offset_transform=ax.transData, cmap="Blues", edgecolors=style.INK, linewidths=0.4,
        )  # fmt: skip
        discs.set(array=share, clim=(0.0, top), gid="complexes")
        ax.add_collection(discs, autolim=False)
        _frame(ax, np.concatenate([centres - 0.5, centres + 0.5]))
    bar = figure.colorbar(discs, ax=list(axes), location="bottom", shrink=0.6, aspect=40, pad=0.02)
    bar.set_label(f"Adopters (% of the firms of a complex; {members.size:,} complexes, area by firms)")


def share_by_group(
    adopted: Quarters, quarter: int, group: NDArray[np.integer], members: NDArray[np.integer]
) -> Floats:
    """Share of each group's firms that has adopted by the end of a quarter."""
    has_adopted = adopted <= quarter
    return np.bincount(group, has_adopted, members.size) / members
