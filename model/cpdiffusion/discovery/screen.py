"""Which factors have anything to do with the hits, so that a box is not peeled along those that have not.

With many factors and few hits there is always some side of some factor from which a small part can be
peeled without losing a hit; boxes then close in on chance. So a factor is peeled only if the share of hits
differs between its two sides (or between one word and the others) by more than the most different of all
factors does when the hits are dealt out anew: the largest standardised two-sample statistic over all cuts
(Miller & Siegmund 1982, Biometrics 38:1011-1016), with the permutation distribution of its maximum over all
factors (Westfall & Young 1993, "Resampling-based multiple testing", single-step maxT).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cpdiffusion.discovery.box import Axis, Mask, Values

LEVEL = 0.05  # chance that any factor without effect is let in
DEALT = 200  # times that the hits are dealt out anew
LEAST_SIDE = 0.05  # of the points on the smaller side of a cut


def relevant(axes: Sequence[Axis], hit: Mask, seed: int) -> list[Axis]:
    """The axes along which the share of hits differs by more than chance allows."""
    if hit.all() or not hit.any():
        return []
    generator = np.random.default_rng((seed, 2))
    dealt = np.stack([hit, *(generator.permutation(hit) for _ in range(DEALT))]).astype(np.float32)
    largest = np.array([largest_difference(axis, dealt) for axis in axes])
    bound = np.quantile(largest[:, 1:].max(axis=0), 1.0 - LEVEL)
    return [axis for axis, found in zip(axes, largest[:, 0], strict=True) if found > bound]


def largest_difference(axis: Axis, dealt: Values) -> Values:
    """The largest standardised difference over all cuts, for each row of hits (B, P): shape (B,)."""
    below, count = _cuts(axis, dealt)
    points = dealt.shape[1]
    fitting = np.minimum(count, points - count) >= max(1.0, LEAST_SIDE * points)
    if not fitting.any():
        return np.zeros(len(dealt))
    below, count = below[:, fitting], count[fitting]
    share = dealt[0].mean()
    spread = np.sqrt(share * (1.0 - share) * count * (points - count) / max(points - 1, 1))
    return np.asarray((np.abs(below - share * count) / spread).max(axis=1))


def _cuts(axis: Axis, dealt: Values) -> tuple[Values, Values]:
    """Hits on the one side of every cut (B, C), and points there (C,)."""
    if axis.kind == "words":
        words = np.array([str(value) for value in axis.column.tolist()])
        sides = np.stack([words == word for word in np.unique(words)]).astype(np.float32)
        return dealt @ sides.T, sides.sum(axis=1)
    order = np.argsort(axis.column, kind="stable")
    last = np.flatnonzero(np.diff(axis.column[order]) > 0)  # of each value but the highest
    return np.cumsum(dealt[:, order], axis=1)[:, last], last + 1.0
