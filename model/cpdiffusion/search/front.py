"""Which policies no other beats in all aims, and how much of the space of aims they command."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cpdiffusion.errors import InputError
from cpdiffusion.search.problem import Flags, Floats

BEYOND = 0.1  # of each aim's range by which the reference point of the hypervolume lies beyond the worst


def dominators(scores: Floats) -> NDArray[np.bool_]:
    """Shape (N, N): whether j (column) is no worse than i (row) in every aim and better in one."""
    one, other = scores[:, None, :], scores[None, :, :]
    return np.asarray((other <= one).all(axis=2) & (other < one).any(axis=2))


def undominated(scores: Floats) -> Flags:
    """Shape (N,): whether no other is as good in every aim and better in one; small scores are good.

    Infinite scores are of policies that failed, and never undominated.
    """
    free: Flags = np.asarray(np.isfinite(scores).all(axis=1))
    for k in np.flatnonzero(free):
        others = scores[free]
        free[k] = not ((others <= scores[k]).all(axis=1) & (others < scores[k]).any(axis=1)).any()
    return free


def scaled(scores: Floats) -> Floats:
    """Each aim from 0, its best, to 1, its worst, among the scores that are finite; (N, A)."""
    finite = scores[np.isfinite(scores).all(axis=1)]
    low = finite.min(axis=0)
    width = finite.max(axis=0) - low
    return (scores - low) / np.where(width > 0.0, width, 1.0)


def hypervolumes(scores: Floats, generation: NDArray[np.int_], generations: int) -> list[float]:
    """Hypervolume of all that was seen up to each generation (Zitzler & Thiele 1999).

    Aims are scaled to the range over the whole search; the reference point lies a tenth beyond the worst.
    It can only grow, and a curve that has gone flat says that longer search found nothing new.
    """
    require_pymoo()
    from pymoo.indicators.hv import HV

    failed = ~np.isfinite(scores).all(axis=1)
    if failed.all():
        return [0.0] * generations
    unit, volume = scaled(scores), HV(ref_point=np.full(scores.shape[1], 1.0 + BEYOND))
    found = []
    for g in range(generations):
        seen = unit[(generation <= g) & ~failed]
        found.append(float(volume(seen[undominated(seen)])) if len(seen) else 0.0)
    return found


def require_pymoo() -> None:
    """InputError that says how to get the library, which is an extra."""
    try:
        import pymoo  # noqa: F401
    except ImportError:
        raise InputError(
            "study=optimise: needs pymoo, which is not installed; install it by "
            "pip install 'cpdiffusion[sweep]'."
        ) from None
