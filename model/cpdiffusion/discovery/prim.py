"""Patient rule induction: a box is peeled little by little towards the points that are looked for.

Friedman & Fisher 1999, "Bump hunting in high-dimensional data", Statistics and Computing 9:123-143: each
step peels off a small part ``peel`` of the points in the box at one side of one factor; at the end sides
are moved out again (pasted). Which side: the one with the highest gain in density per point given up, the
"lenient" objective of Kwakkel & Jaxa-Rozen 2016 (Environmental Modelling & Software 79:311-321), so that a
factor with few values, from which only much can be peeled at once, has no advantage. Words are peeled value
by value. Where a peel at a side gains nothing, two and four at once are tried there: with some dozen points
in the box, two hits at its very side would else stop the peeling.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from cpdiffusion.discovery.box import Axis, Box, End, Mask, Values, at_rows

REACH = (1, 2, 4)  # peels at once: the first at a side that gains; a few hits at its very end do not stop it


@dataclass(frozen=True)
class Patience:
    """How slowly boxes are peeled, and how small they may become."""

    peel: float = 0.05  # share of the points in the box that one step takes away (or of up to four)
    least_mass: float = 0.05  # share of all points that a box must hold


class Step(NamedTuple):
    """One box on the way from everywhere to the densest, and what it holds."""

    box: Box
    points: int
    hits: int
    of_points: int
    of_hits: int

    @property
    def coverage(self) -> float:
        """Share of all hits that lie in the box."""
        return self.hits / self.of_hits if self.of_hits else float("nan")

    @property
    def density(self) -> float:
        """Share of the points in the box that are hits; nan in an empty one."""
        return self.hits / self.points if self.points else float("nan")

    @property
    def mass(self) -> float:
        """Share of all points that lie in the box."""
        return self.points / self.of_points


def harmonic_mean(step: Step) -> float:
    """Of coverage and density: high where both are."""
    total = step.points + step.of_hits  # 2cd / (c + d), with the hits in the box cancelled
    return 2.0 * step.hits / total if total else 0.0


def step_of(box: Box, axes: Sequence[Axis], hit: Mask) -> Step:
    """What a box holds of points and hits (P,)."""
    inside = box.inside(axes) if box.limits else np.ones(hit.size, dtype=bool)
    return Step(box, int(inside.sum()), int(hit[inside].sum()), hit.size, int(hit.sum()))


def trajectory(axes: Sequence[Axis], hit: Mask, patience: Patience) -> list[Step]:
    """From everywhere to the last box that a peel made denser without making it too small."""
    box, steps = Box(), [step_of(Box(), axes, hit)]
    least = max(1.0, patience.least_mass * hit.size)
    while axes and steps[-1].hits < steps[-1].points:
        peeled = best_peel(box, axes, hit, patience.peel, least)
        if peeled is None:
            break
        box = peeled
        steps.append(step_of(box, axes, hit))
    return steps


def best_peel(box: Box, axes: Sequence[Axis], hit: Mask, peel: float, least: float) -> Box | None:
    """The box after the best step; None where no step makes it denser."""
    rows = np.flatnonzero(box.inside(axes))
    inner, mine = at_rows(axes, rows), hit[rows]
    best: tuple[tuple[float, int], Box] | None = None
    gained: set[End] = set()
    for end, kept, limit in candidates(inner, peel):
        count = int(kept.sum())
        if not least <= count < mine.size or (end.side != "only" and end in gained):
            continue
        gain = float((mine[kept].mean() - mine.mean()) / (mine.size - count))
        if gain > 0:
            gained.add(end)
            rank = (gain, -(end.key not in box.keys))  # of equal gains the one without another factor
            if best is None or rank > best[0]:
                best = (rank, box.with_limit(end, limit))
    return best[1] if best else None


Candidate = tuple[End, Mask, float | frozenset[object]]


def candidates(inner: Sequence[Axis], peel: float) -> Iterator[Candidate]:
    """Every peel of the points in a box, the smaller first: where, which points stay, and the new limit."""
    for axis in inner:
        if axis.kind == "words":
            yield from _words(axis)
        else:
            yield from (found for times in REACH for found in _sides(axis, times * peel))


def _sides(axis: Axis, peel: float) -> Iterator[Candidate]:
    """Off the lower and off the upper side: so many points or fewer, but all of one value at least."""
    ordered = np.sort(axis.column)
    taken = max(1, int(peel * ordered.size))
    if ordered[0] == ordered[-1]:
        return
    low, high = ordered[taken], ordered[-taken - 1]
    if low == ordered[0]:
        low = ordered[np.searchsorted(ordered, low, side="right")]
    if high == ordered[-1]:
        high = ordered[np.searchsorted(ordered, high, side="left") - 1]
    yield End(axis.key, "from"), axis.column >= low, _between(axis, ordered, low, "left")
    yield End(axis.key, "to"), axis.column <= high, _between(axis, ordered, high, "right")


def _between(axis: Axis, ordered: Values, kept: float, side: str) -> float:
    """Half-way between the last value kept and the first one given up; of whole numbers the one kept."""
    if axis.kind == "whole":
        return float(kept)
    if side == "left":
        return float(0.5 * (kept + ordered[np.searchsorted(ordered, kept, side="left") - 1]))
    return float(0.5 * (kept + ordered[np.searchsorted(ordered, kept, side="right")]))


def _words(axis: Axis) -> Iterator[Candidate]:
    """Every word given up in turn."""
    words = axis.column.tolist()
    present = sorted(set(words), key=str)
    if len(present) > 1:
        for word in present:
            kept = np.array([value != word for value in words])
            yield End(axis.key, "only"), kept, frozenset(present) - {word}


# --- pasting -------------------------------------------------------------------------------------


def pasted(box: Box, axes: Sequence[Axis], hit: Mask, patience: Patience, density: float) -> Box:
    """The box with its ends moved out as long as that wins more coverage than it loses density.

    Friedman & Fisher paste as long as the mean rises. Here the harmonic mean of both has to rise, by which
    boxes are chosen too, and the density may not fall below ``density``, or further below.
    """
    while wider := _best_paste(box, axes, hit, patience.peel, density):
        box = wider
    return box


def _best_paste(box: Box, axes: Sequence[Axis], hit: Mask, peel: float, density: float) -> Box | None:
    now = step_of(box, axes, hit)
    least = min(now.density, density)
    tried = (step_of(wider, axes, hit) for wider in _wider(box, axes, now.points, peel))
    fitting = [s for s in tried if s.density >= least and harmonic_mean(s) > harmonic_mean(now)]
    return max(fitting, key=harmonic_mean).box if fitting else None


def _wider(box: Box, axes: Sequence[Axis], points: int, peel: float) -> Iterator[Box]:
    """Boxes with one end moved out by a part of the points, or with one word more."""
    by_key = {axis.key: axis for axis in axes}
    for end, limit in box.limits.items():
        axis, open_box = by_key[end.key], box.without(end)
        outside = axis.column[open_box.inside(axes) & ~box.inside(axes)]
        if isinstance(limit, frozenset):
            yield from (_with_word(box, end, limit, word, axis) for word in set(outside.tolist()))
        elif outside.size:
            yield _moved(box, end, outside, max(1, int(peel * points)), axis)


def _with_word(box: Box, end: End, limit: frozenset[object], word: object, axis: Axis) -> Box:
    wider = limit | {word}
    return box.without(end) if wider >= set(axis.column.tolist()) else box.with_limit(end, wider)


def _moved(box: Box, end: End, outside: Values, taken: int, axis: Axis) -> Box:
    """One end moved out over so many of the points that only it keeps out; gone if none is left."""
    ordered = np.sort(outside)[:: 1 if end.side == "to" else -1]
    if taken >= ordered.size:
        return box.without(end)
    last, beyond = ordered[taken - 1], ordered[taken]
    limit = float(last) if axis.kind == "whole" else float(0.5 * (last + beyond))
    return box.with_limit(end, limit)
