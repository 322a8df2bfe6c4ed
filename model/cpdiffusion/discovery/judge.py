"""Which box of a trajectory is taken, which of its restrictions do something, and whether it holds.

A box is fitted, so that its density is too good. It counts as found only if it also holds on points that
were kept out of the search (Bryant & Lempert 2010, "Thinking inside the box", Technological Forecasting &
Social Change 77:34-49, advise both tests used here).
"""

from __future__ import annotations

from collections.abc import Sequence

from cpdiffusion.discovery.box import Axis, Box, End, Mask
from cpdiffusion.discovery.prim import Step, harmonic_mean, step_of

NOTHING = 0.05  # a restriction with a higher quasi-p-value does nothing
BY_CHANCE = 0.01  # a box is found where points kept out are as dense by chance less often than this


def wanted_density(share: float, asked: float) -> float:
    """The density asked for, or half of the way from the share of all points to 1 where that is more."""
    return max(asked, 0.5 * (1.0 + share))


def chosen(steps: Sequence[Step], density: float) -> Step:
    """Of the boxes that are dense enough the one with the highest harmonic mean of coverage and density.

    Where none is dense enough, of all. A box that were only just dense enough would reach beyond its edges.
    """
    dense = [step for step in steps if step.density >= density]
    return max(dense or steps, key=lambda step: (harmonic_mean(step), -len(step.box.limits)))


# --- restrictions that do nothing ----------------------------------------------------------------


def quasi_p(box: Box, end: End, axes: Sequence[Axis], hit: Mask) -> float:
    """How often chance alone would make the box as dense as it is with one restriction lifted.

    The one-sided binomial test of Bryant & Lempert 2010, appendix A; *quasi*, for the box was fitted.
    """
    from scipy.stats import binom

    with_it, lifted = step_of(box, axes, hit), step_of(box.without(end), axes, hit)
    return float(binom.sf(with_it.hits - 1, with_it.points, lifted.density))


def pruned(box: Box, axes: Sequence[Axis], hit: Mask) -> Box:
    """The box without the restrictions that do nothing, the worst lifted first."""
    while box.limits:
        found = {end: quasi_p(box, end, axes, hit) for end in box.limits}
        worst = max(found, key=lambda end: found[end])
        if found[worst] <= NOTHING:
            break
        box = box.without(worst)
    return box


# --- points that were kept out -------------------------------------------------------------------


def chance_of(step: Step) -> float:
    """How often as many points drawn blindly would hold as many hits (hypergeometric, one-sided)."""
    from scipy.stats import hypergeom

    return float(hypergeom.sf(step.hits - 1, step.of_points, step.of_hits, step.points))
