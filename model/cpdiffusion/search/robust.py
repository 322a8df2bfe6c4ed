"""How good a policy is when it is not known which state of the world holds: three measures that disagree.

All take aims signed so that more is better, shape (N, D, A): N policies, D draws, A aims. McPhail et al.
2018 (Earth's Future 6, 169-191) compare such measures and show that they order policies differently.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from cpdiffusion.search.problem import Flags, Floats

Robust = Literal["mean", "regret", "satisficing"]


class Yardstick(NamedTuple):
    """What the policies of one comparison are measured by, shape (D, A) each, signed like them."""

    best: Floats  # of all policies, in each draw
    needed: Floats  # what is good enough


def yardstick(values: Floats, references: Floats, thresholds: Floats) -> Yardstick:
    """From policies (N, D, A), nan where they failed, and references (R, D, A).

    ``thresholds`` (A,), signed; where nan, what is good enough is the first reference in the same draw.
    """
    together = np.concatenate([references, values])
    needed = np.where(np.isnan(thresholds), references[0], thresholds)
    return Yardstick(np.nanmax(together, axis=0), needed)


def mean(values: Floats) -> Floats:
    """Mean over draws, shape (N, A): all draws count alike (Laplace)."""
    return values.mean(axis=1)


def max_regret(values: Floats, best: Floats) -> Floats:
    """Largest loss over draws, shape (N, A), against the best policy in the same draw (Savage 1951).

    The best is taken among all policies of the comparison; a policy that comes to it later can only raise
    regret (Lempert, Groves, Popper & Bankes 2006).
    """
    return (best - values).max(axis=1)


def met(values: Floats, needed: Floats) -> Flags:
    """Shape (N, D, A): whether an aim is good enough in a draw."""
    return np.asarray(values >= needed)


def satisfied(values: Floats, needed: Floats) -> Floats:
    """Share of draws, shape (N,), in which every aim is good enough (the domain criterion of Starr 1963)."""
    return met(values, needed).all(axis=2).mean(axis=1)


def scores(robust: Robust, values: Floats, by: Yardstick) -> Floats:
    """What a search makes small, aim by aim, shape (N, A); inf for policies that failed."""
    failed = np.asarray(np.isnan(values).any(axis=(1, 2)))
    if robust == "mean":
        found = -mean(values)
    elif robust == "regret":
        found = max_regret(values, by.best)
    else:
        found = -np.asarray(met(values, by.needed).mean(axis=1))
    return np.where(failed[:, None], np.inf, found)
