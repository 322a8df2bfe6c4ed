"""Two figures: engines against each other over size, and this project's time and memory over size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.engines import COUNTED, FLOOR, OURS
from bench.jobs import BASS, COHORTS, SEVEN
from cpdiffusion.plots import save, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bench.other import Point
    from bench.tables import Row

# Places in the style's sequence, by family: the same library looks the same in both panels.
LOOKS = {
    OURS: 0, "cpdiffusion through Mesa": 9, "numpy": 1, "numpy + scipy": 1, "numpy, tuned": 7,
    "Starsim": 3, "plain Mesa": 2, "Mesa": 2, "plain Mesa, tuned": 6, "Mesa, tuned": 6, "NDlib": 4,
    "AgentPy": 5,
}  # fmt: skip
ROOM_FOR_NAMES = 80  # the axis of firms begins so many times below the first point
NAME_HEIGHT = 0.042  # of the axes
LINES_END = "A line ends where a turn would take more than a minute."
WHOLE_QUARTER = "cpdiffusion runs the whole quarter, the others the diffusion alone."
GUIDE = {"color": style.FAINT, "linestyle": (0, (1, 2)), "linewidth": 1.0}


# --- engines against each other ------------------------------------------------------------------


@style.styled
def bench(rows: Sequence[Row], file: Path) -> None:
    """Nanoseconds per firm-quarter against firms, a panel per job."""
    figure = save.figure(11.5, 6)
    main, bass = figure.subplots(1, 2, sharey=True)
    panel(main, of_job(rows, COHORTS.name), "Main rule, cohorts of 25")
    panel(bass, of_job(rows, BASS.name), "Bass diffusion on the same network")
    seven_regions(main, of_job(rows, SEVEN.name))
    main.set_ylabel("Nanoseconds per firm and quarter")
    main.set_xlabel(f"Firms\n{LINES_END}")
    bass.set_xlabel(f"Firms\n{WHOLE_QUARTER}")
    for ax, job in ((main, COHORTS.name), (bass, BASS.name)):
        names(ax, {row.label: row for row in reversed(of_job(rows, job))})
    save.save(figure, file)


def of_job(rows: Sequence[Row], job: str) -> list[Row]:
    """Those of one job."""
    return [row for row in rows if row.job == job]


def panel(ax: Axes, rows: Sequence[Row], title: str) -> None:
    """One job: a line per engine over the sizes at which it took part."""
    style.tidy(ax, title)
    ax.set(xscale="log", yscale="log")
    for label in dict.fromkeys(row.label for row in rows):
        draw(ax, [row for row in rows if row.label == label])
    sizes = sorted({row.firms for row in rows})
    ax.set_xlim(sizes[0] / ROOM_FOR_NAMES, sizes[-1] * 1.5)
    label_ticks(ax, sizes)


def label_ticks(ax: Axes, sizes: Sequence[int]) -> None:
    """Numbers as a reader writes them."""
    ax.set_xticks(sizes, [style.tick(size) for size in sizes])
    ax.yaxis.set_major_formatter(style.tick)
    ax.minorticks_off()


def draw(ax: Axes, rows: Sequence[Row]) -> None:
    """One engine; a floor is a dashed line, two threads are hollow."""
    firms, ns = [row.firms for row in rows], [row.ns_per_firm_quarter for row in rows]
    first = rows[0]
    if first.engine in (FLOOR, COUNTED):
        ax.plot(firms, ns, color=style.FAINT, linestyle=(0, (4, 3)), linewidth=1.2, gid=first.label)
        return
    look = style.look(LOOKS.get(first.engine, len(LOOKS)))
    ax.plot(
        firms, ns, color=look.colour, marker=look.marker, markersize=5.5, gid=first.label,
        linewidth=2.6 if first.engine == OURS else 1.5,
        markerfacecolor=look.colour if first.threads == 1 else "white",
    )  # fmt: skip


def names(ax: Axes, firsts: dict[str, Row]) -> None:
    """Each engine's name to the left of its first point, moved apart where they would overlap."""
    labels = sorted(firsts, key=lambda label: firsts[label].ns_per_firm_quarter)
    low, high = np.log10(ax.get_ylim())
    wanted = [(np.log10(firsts[label].ns_per_firm_quarter) - low) / (high - low) for label in labels]
    places = style.spread(wanted, [NAME_HEIGHT] * len(labels))
    for label, place in zip(labels, places, strict=True):
        write_name(ax, firsts[label], 10 ** (low + place * (high - low)))


def write_name(ax: Axes, first: Row, y: float) -> None:
    """A name, and a thin line from it to the first point."""
    ax.annotate(
        first.label, (first.firms, first.ns_per_firm_quarter), (first.firms / 1.7, y),
        ha="right", va="center",
        color=style.FAINT if first.engine in (FLOOR, COUNTED) else style.INK,
        weight="bold" if first.engine == OURS else "normal",
        arrowprops={"arrowstyle": "-", "color": style.GRID, "shrinkA": 1, "shrinkB": 4},
    )  # fmt: skip


def seven_regions(ax: Axes, rows: Sequence[Row]) -> None:
    """The programme in all regions, as crosses beside the line for one region."""
    for row in rows:
        if row.engine == OURS and row.threads == 1:
            place = (row.firms, row.ns_per_firm_quarter)
            ax.plot(*place, "x", color=style.COLOURS[LOOKS[OURS]], markersize=8, markeredgewidth=2)
            ax.annotate("seven regions", place, (4, 9), textcoords="offset points", ha="right")


# --- this project over size ----------------------------------------------------------------------


@style.styled
def scale(points: Sequence[Point], file: Path) -> None:
    """Time and memory against firms."""
    figure = save.figure(10, 4.6)
    time, memory = figure.subplots(1, 2)
    curve(time, points, "building the world", lambda point: point.world_seconds, place=1)
    curve(time, points, "one run", lambda point: point.run_seconds, place=0, above=False)
    curve(memory, points, "world and run", lambda point: point.peak_mib, place=0)
    guide(time, points, [point.run_seconds for point in points])
    guide(memory, points, [point.peak_mib for point in points])
    style.tidy(time, "Time of 40 quarters, cohorts of 25, one thread")
    style.tidy(memory, "Memory")
    time.set_ylabel("Seconds")
    memory.set_ylabel("Peak above what Python and libraries take (MiB)")
    save.save(figure, file)


def curve(
    ax: Axes, points: Sequence[Point], name: str, of: Callable[[Point], float], place: int, above: bool = True
) -> None:
    """A line, and its name above it to the left or below it to the right."""
    look, firms, values = style.look(place), [point.firms for point in points], list(map(of, points))
    ax.set(xscale="log", yscale="log", xlabel="Firms")
    ax.plot(firms, values, color=look.colour, marker=look.marker, gid=name)
    ax.annotate(
        name, (firms[-2], values[-2]), (-9, 6) if above else (9, -6), textcoords="offset points",
        ha="right" if above else "left", va="bottom" if above else "top",
    )  # fmt: skip
    label_ticks(ax, firms)


def guide(ax: Axes, points: Sequence[Point], values: Sequence[float]) -> None:
    """Slope 1 through the last point: what it would be if it grew as the firms do."""
    firms = np.array([point.firms for point in points])
    ax.plot(firms, values[-1] * firms / firms[-1], zorder=0, gid="slope 1", **GUIDE)
    ax.annotate(
        "slope 1", (firms[0], values[-1] * firms[0] / firms[-1]), (14, -2), textcoords="offset points",
        color=style.FAINT, va="center",
    )  # fmt: skip
