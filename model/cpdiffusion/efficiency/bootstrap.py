"""How far scores can be trusted: the smoothed homogeneous bootstrap of Simar & Wilson (1998, 2000).

The frontier that units span lies inside the true one, so every score is too good, the more so the fewer the
units and the more their inputs and outputs. Which way and how far is imitated: from the estimated scores
new ones are drawn, each unit is moved to its new distance from the estimated frontier, and the *original*
unit is scored before the frontier that the moved ones span. What the bootstrap does to the estimate is taken
for what the estimate does to the truth.

Written in distances d >= 1 (d = 1 / theta, or phi), for which a correction can never leave its range:

    beta    resampled from the n distances
    d*      1 + |beta - 1 + h e| / sqrt(1 + h^2 / q),  e standard normal, q the mean of (d - 1)^2
    x*      x d* / d   (input)      or      y* = y d / d*  (output)
    corrected   2 d - mean(d^b)              interval   2 d - quantiles of d^b      (basic bootstrap)

Smoothing with reflection at 1 is done on distances mirrored there, and the spread that it adds is taken out
towards 1, which keeps the spread of the mirrored distances. Simar & Wilson (1998) take it out towards the
mean of the draws, after reflection. That moves every draw away from the frontier: before a known frontier it
doubled the correction, and most intervals missed the truth (tests/known_frontier.py is the check).

Bandwidth h: the normal reference rule on the mirrored distances of units that are not on the frontier
(those at 1 are a product of the estimator; Simar & Wilson 2008),

    h = 0.9 min(s, IQR / 1.34) (2k)^(-1/5)  x  2^(1/5)  x  s_k / s_2k

for k such units (Silverman 1986, eq. 3.31; the last two factors undo the mirroring, as in Daraio & Simar
2007, ch. 3). With fewer than ``LEAST`` units off the frontier there is nothing to resample and no interval.

The method takes the distribution of distances to be the same everywhere ("homogeneous") and takes outputs
and inputs as measured without error. It is done for constant and for variable returns, since their scores
differ in bias: the more flexible frontier is nearer to every unit. Every replicate has random numbers of
its own, keyed by (seed, purpose, number): any number of workers gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from cpdiffusion.efficiency.data import Floats, Units
from cpdiffusion.efficiency.frontier import ON_FRONTIER, Orientation, Reference, Returns, radial

CONFIDENCE = 0.90  # as of all intervals of the package
LEAST = 3  # units off the frontier
CHUNK = 25  # replicates to a task; part of no result

Mapped = Callable[[Callable[[int], Floats], Iterable[int]], Iterable[Floats]]


@dataclass(frozen=True, eq=False)
class Bootstrap:
    """Bias-corrected scores with intervals, shape (p,) each; scores as elsewhere, 1 the frontier."""

    score: Floats
    corrected: Floats
    low: Floats
    high: Floats
    replicates: int
    bandwidth: float

    @property
    def bias(self) -> Floats:
        """How much too good the score is."""
        return self.score - self.corrected


def bootstrap(
    units: Units, returns: Returns, orientation: Orientation, replicates: int, key: Sequence[int],
    which: Sequence[int] | None = None, mapped: Mapped = map,
) -> Bootstrap | None:  # fmt: skip
    """Scores of the units numbered ``which`` (default: all) with their correction and intervals.

    ``key`` is (seed, purpose). None when too few units lie off the frontier to draw from.
    """
    points = np.arange(units.size) if which is None else np.asarray(which)
    inputs, outputs = units.inputs[points], units.outputs[points]
    distances = distances_of(units, units.inputs, units.outputs, returns, orientation)
    h = bandwidth(distances)
    if h is None:
        return None

    def replicate(number: int) -> Floats:
        drawn = resampled(distances, h, np.random.default_rng([*key, number]))
        pseudo = moved(units, distances, drawn, orientation)
        return distances_of(pseudo, inputs, outputs, returns, orientation)

    found = np.array(list(in_chunks(replicate, replicates, mapped)))
    return summarised(distances[points], found, h)


def summarised(distances: Floats, found: Floats, h: float) -> Bootstrap:
    """Correction and basic interval from estimates (p,) and replicates (B, p), both distances."""
    tail = 0.5 * (1.0 - CONFIDENCE)
    low, high = np.quantile(found, (tail, 1.0 - tail), axis=0)
    corrected = 2.0 * distances - found.mean(axis=0)
    return Bootstrap(
        1.0 / distances, 1.0 / np.maximum(corrected, 1.0), 1.0 / np.maximum(2.0 * distances - low, 1.0),
        1.0 / np.maximum(2.0 * distances - high, 1.0), len(found), h,
    )  # fmt: skip


def in_chunks(replicate: Callable[[int], Floats], count: int, mapped: Mapped) -> Iterator[Floats]:
    """Replicates 0 .. count - 1 in order, some to a task."""

    def task(first: int) -> Floats:
        return np.array([replicate(k) for k in range(first, min(first + CHUNK, count))])

    for chunk in mapped(task, range(0, count, CHUNK)):
        yield from chunk


def distances_of(
    reference: Units, inputs: Floats, outputs: Floats, returns: Returns, orientation: Orientation
) -> Floats:
    """Distance of points to the frontier of a set: 1 / theta or phi; 1 on the frontier."""
    frontier = Reference(reference.inputs, reference.outputs)
    found = radial(frontier.problem(inputs, outputs, returns, orientation))
    return 1.0 / found if orientation == "input" else found


def bandwidth(distances: Floats) -> float | None:
    """The normal reference rule of the module's text; None for too few units off the frontier."""
    off = distances[distances > 1.0 + ON_FRONTIER]
    if off.size < LEAST:
        return None
    both = np.concatenate([off, 2.0 - off])
    upper, lower = np.quantile(both, (0.75, 0.25))
    spread = min(float(both.std(ddof=1)), float(upper - lower) / 1.34)
    undone = 2.0**0.2 * float(off.std(ddof=1)) / float(both.std(ddof=1))
    return 0.9 * spread * both.size**-0.2 * undone


def resampled(distances: Floats, h: float, generator: np.random.Generator) -> Floats:
    """n new distances, 1 or more, as far from 1 as the old ones in root mean square."""
    beyond = generator.choice(distances, distances.size) - 1.0 + h * generator.standard_normal(distances.size)
    square = float(((distances - 1.0) ** 2).mean())
    return np.asarray(1.0 + np.abs(beyond) / np.sqrt(1.0 + h**2 / square))


def moved(units: Units, distances: Floats, drawn: Floats, orientation: Orientation) -> Units:
    """The units at their new distances from the estimated frontier."""
    ratio = (drawn / distances)[:, None]
    inputs, outputs = units.inputs, units.outputs
    if orientation == "input":
        inputs = inputs * ratio
    else:
        outputs = outputs / ratio
    return Units(units.names, units.input_names, units.output_names, inputs, outputs)
