"""Boxes one after the other, each found on one half of the points and checked on the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from cpdiffusion.discovery.box import Axis, Box, End, Mask, Values, at_rows
from cpdiffusion.discovery.judge import BY_CHANCE, chance_of, chosen, pruned, quasi_p, wanted_density
from cpdiffusion.discovery.prim import Patience, Step, harmonic_mean, pasted, step_of, trajectory
from cpdiffusion.discovery.screen import relevant

FEWEST_HITS = 10  # in each half, and as many points that are none; with fewer no box can be checked

PACES = (1, 2)  # times the peel asked for


@dataclass(frozen=True)
class How:
    """How boxes are looked for."""

    patience: Patience
    density: float  # asked of a box
    boxes: int  # at most
    resamples: int
    seed: int


@dataclass(frozen=True)
class Found:
    """One box with what it holds in both halves; shares are of what earlier boxes left over."""

    box: Box
    steps: list[Step]  # the trajectory that it was chosen from
    fitted: Step
    checked: Step
    chance: float  # of doing as well on the points kept out
    quasi_p: Mapping[End, float]
    checked_p: Mapping[End, float]  # the same test on the points kept out: no longer quasi

    @property
    def holds(self) -> bool:
        """Whether it counts: denser than chance allows where it was not fitted."""
        return bool(self.box.limits) and self.chance <= BY_CHANCE


@dataclass(frozen=True)
class Discovery:
    """What was looked for among P points, and what was found."""

    axes: Sequence[Axis]
    hit: Mask
    fit: Mask  # points on which boxes were fitted; the others check them
    tried: Sequence[Found]  # the last one may not hold
    stability: Mapping[str, float]  # share of resamples in which a factor is restricted by the first box

    @property
    def found(self) -> list[Found]:
        """The boxes that hold."""
        return [one for one in self.tried if one.holds]


def enough(hit: Mask) -> bool:
    """Whether there are hits and others enough for a search and its check."""
    return bool(min(hit.sum(), hit.size - hit.sum()) >= 2 * FEWEST_HITS)


def discover(axes: Sequence[Axis], hit: Mask, how: How) -> Discovery:
    """Boxes in which ``hit`` (P,) is dense. The points must be ``enough``."""
    fit = halves(hit, how.seed)
    mine, others = np.flatnonzero(fit), np.flatnonzero(~fit)
    tried: list[Found] = []
    while len(tried) < how.boxes and min(hit[mine].sum(), hit[others].sum()) >= FEWEST_HITS:
        found = one_box(axes, hit, mine, others, how)
        tried.append(found)
        if not found.holds:
            break
        inside = found.box.inside(axes)
        mine, others = mine[~inside[mine]], others[~inside[others]]
    return Discovery(axes, hit, fit, tried, stability(axes, hit, np.flatnonzero(fit), how))


def halves(hit: Mask, seed: int) -> Mask:
    """True for one half of the points, drawn so that both halves hold as many hits."""
    order = np.random.default_rng(seed).permutation(hit.size)
    fit = np.zeros(hit.size, dtype=bool)
    for group in (order[hit[order]], order[~hit[order]]):
        fit[group[::2]] = True
    return fit


def one_box(axes: Sequence[Axis], hit: Mask, mine: Values, others: Values, how: How) -> Found:
    """The box of one half, and how it does on the other."""
    inner, target = at_rows(axes, mine), hit[mine]
    steps, box = fitted_box(inner, target, how)
    kept_out, their_target = at_rows(axes, others), hit[others]
    checked = step_of(box, kept_out, their_target)
    values = {end: quasi_p(box, end, inner, target) for end in box.limits}
    their_values = {end: quasi_p(box, end, kept_out, their_target) for end in box.limits}
    return Found(box, steps, step_of(box, inner, target), checked, chance_of(checked), values, their_values)


def fitted_box(axes: Sequence[Axis], hit: Mask, how: How) -> tuple[list[Step], Box]:
    """Peeled along the factors that matter; those that matter inside the box join in, until none does."""
    taken = {axis.key for axis in relevant(axes, hit, how.seed)}
    while True:
        steps, box = peeled_box([axis for axis in axes if axis.key in taken], hit, how)
        rows = np.flatnonzero(box.inside(axes))
        left = [axis for axis in at_rows(axes, rows) if axis.key not in taken]
        joining = {axis.key for axis in relevant(left, hit[rows], how.seed)} if taken and left else set()
        if not joining:
            return steps, box
        taken |= joining


def peeled_box(axes: Sequence[Axis], hit: Mask, how: How) -> tuple[list[Step], Box]:
    """The better box of a slow and a faster peeling; everywhere if there are no axes.

    Each step is the best one by itself, so that one may lead astray (a word given up too early); two ways
    that differ seldom both do.
    """
    if not axes:
        return trajectory(axes, hit, how.patience), Box()
    paces = (replace(how.patience, peel=pace * how.patience.peel) for pace in PACES)
    return max((_at_pace(axes, hit, how, pace) for pace in paces), key=lambda one: _worth(one[1], axes, hit))


def _at_pace(axes: Sequence[Axis], hit: Mask, how: How, pace: Patience) -> tuple[list[Step], Box]:
    """Peeled, chosen, freed of what does nothing, pasted."""
    steps, density = trajectory(axes, hit, pace), wanted_density(float(hit.mean()), how.density)
    box = pruned(chosen(steps, density).box, axes, hit)
    return steps, pruned(pasted(box, axes, hit, pace, density), axes, hit)


def _worth(box: Box, axes: Sequence[Axis], hit: Mask) -> float:
    return harmonic_mean(step_of(box, axes, hit))


def stability(axes: Sequence[Axis], hit: Mask, mine: Values, how: How) -> dict[str, float]:
    """How often the first box restricts each factor when the points are drawn again (bootstrap)."""
    generator, counted = np.random.default_rng((how.seed, 1)), Counter[str]()
    for _ in range(how.resamples):
        drawn = generator.choice(mine, mine.size)
        _, box = fitted_box(at_rows(axes, drawn), hit[drawn], how)
        counted.update(box.keys)
    return {axis.key: counted[axis.key] / max(how.resamples, 1) for axis in axes}
