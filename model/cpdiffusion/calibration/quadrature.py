"""Integrals over one or two unknowns by a grid that finds where the mass is.

On an integrand that fades at both ends the trapezoid rule converges faster than any power of the
spacing (Trefethen & Weideman 2014), so a few dozen nodes per unknown give all digits that matter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from cpdiffusion.calibration.observations import Floats

LogDensity = Callable[..., Floats]  # of one array (K,) per unknown; shape (K,), up to a constant
SCOUTS = 60  # per unknown, to find where the mass is
FAINT = 25.0  # log density below its maximum at which the grid ends: a share of 1e-11


def nodes_and_weights(
    log_density: LogDensity, bounds: Sequence[tuple[float, float]], nodes: Sequence[int]
) -> tuple[list[Floats], Floats]:
    """Coordinates, one array (K,) per unknown, and weights (K,) that add up to 1.

    ``bounds`` hold all that is possible; the grid of ``nodes`` per unknown covers the part of them in
    which the density is not FAINT.
    """
    axes = [np.linspace(low, high, SCOUTS) for low, high in bounds]
    found = _on(log_density, axes)
    box = [_where(found, axes, dimension) for dimension in range(len(axes))]
    axes = [np.linspace(low, high, count) for (low, high), count in zip(box, nodes, strict=True)]
    logs = _on(log_density, axes)
    weights = np.exp(logs - logs.max()) * _trapezoid(logs.shape)
    return [part.ravel() for part in np.meshgrid(*axes, indexing="ij")], (weights / weights.sum()).ravel()


def _on(log_density: LogDensity, axes: Sequence[Floats]) -> Floats:
    grid = np.meshgrid(*axes, indexing="ij")
    return log_density(*(part.ravel() for part in grid)).reshape(grid[0].shape)


def _where(found: Floats, axes: Sequence[Floats], dimension: int) -> tuple[float, float]:
    others = tuple(k for k in range(found.ndim) if k != dimension)
    profile = found.max(axis=others)
    strong = np.flatnonzero(profile >= profile.max() - FAINT)
    axis = axes[dimension]
    return float(axis[max(strong[0] - 1, 0)]), float(axis[min(strong[-1] + 1, axis.size - 1)])


def _trapezoid(shape: tuple[int, ...]) -> Floats:
    """1 inside, a half on each edge."""
    weights = np.ones(shape)
    for dimension, size in enumerate(shape):
        edge = np.ones(size)
        edge[[0, -1]] = 0.5
        weights = weights * np.expand_dims(edge, tuple(k for k in range(len(shape)) if k != dimension))
    return weights
