"""Which cohort size does best, draw by draw of the uncertain parameters, less the luck of the seeds.

Each draw of the parameters is run at every size with a few seeds. The size with the highest mean of those
few seeds would be a poor estimate of the draw's best size: where sizes lie close together luck chooses, and
the highest of many lucky means is too high. So, as in :mod:`cpdiffusion.outcomes.noise`,

    d_ij(s) = mu(s) + a_i(s) + e_ij(s)

for replicate j under draw i at size s. mu, the mean over all draws, is taken as a curve of fourth order in
log size: it rests on all runs and can show a peak of its own. What it leaves out is how well whole cohorts
happen to fit one budget, which makes neighbouring sizes a little better and worse by turns and would decide
between sizes that are as good (``unevenness`` says by how much; the means themselves keep it). How a draw
departs from mu, a_i, is a curve of third order: no draw has runs enough for more, and what a parameter
changes (a cost per firm, what is learned from a member) changes smoothly with size. The four coefficients of
a_i are random effects. Their covariance A is that between the draws' means less what the seeds leave in it,
W / seeds (one-way analysis of variance, Searle, Casella & McCulloch 1992, ch. 11), with negative eigenvalues
set to 0.

Each draw's coefficients are then moved by the smallest linear map under which their covariance becomes A:
T = S^-1/2 (S^1/2 A S^1/2)^1/2 S^-1/2 with S = A + W / seeds (optimal transport between normal laws, Olkin &
Pukelsheim 1982). For a single number that is the root of the shrinkage, which ``Noise.expected`` uses too
(Louis 1984; for several, Ghosh 1992). Means shrunk the whole way would spread too little over draws and
means as they are too much; only a spread that is right gives the right share of draws in which a size is
best. W is scaled to the luck of each draw: where little happens, little is luck.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cpdiffusion.outcomes.catalogue import Values
from cpdiffusion.outcomes.noise import luck_of

MEAN_ORDER = 4  # of the mean curve
ORDER = 3  # of the curve by which a draw departs from it


def curves_of(difference: Values, sizes: Sequence[float], seeds_per_draw: int) -> Values:
    """The expected difference at each size under each draw, shape (draws, sizes), less the seeds' luck.

    ``difference`` (K, sizes): one row per replicate, ``seeds_per_draw`` (two or more) successive ones under
    each draw, at least two draws, none missing.
    """
    basis = curve_basis(sizes, ORDER)
    by_draw = (difference @ basis).reshape(-1, seeds_per_draw, basis.shape[1])
    coefficients = by_draw.mean(axis=1)
    within = by_draw - coefficients[:, None]
    noise = np.einsum("ijp,ijq->pq", within, within) / (len(by_draw) * (seeds_per_draw - 1)) / seeds_per_draw
    departures = coefficients - coefficients.mean(axis=0)
    real = without_negative(np.cov(departures, rowvar=False).reshape(noise.shape) - noise)
    moved = [
        departure @ map_between(real + scale * noise, real)
        for departure, scale in zip(departures, relative_luck(by_draw), strict=True)
    ]
    return smooth_mean(difference, sizes) + (np.array(moved) - np.mean(moved, axis=0)) @ basis.T


def smooth_mean(difference: Values, sizes: Sequence[float]) -> Values:
    """The mean over replicates as a smooth curve of size, shape (sizes,)."""
    basis = curve_basis(sizes, MEAN_ORDER)
    return np.asarray(basis @ (basis.T @ difference.mean(axis=0)))


def unevenness(difference: Values, sizes: Sequence[float]) -> float:
    """By how much the means at the sizes depart from their smooth curve, root mean square."""
    departure = difference.mean(axis=0) - smooth_mean(difference, sizes)
    return float(np.sqrt((departure**2).mean()))


def curve_basis(sizes: Sequence[float], order: int) -> Values:
    """Orthonormal polynomials in log size up to an order, shape (sizes, order + 1); the first is constant."""
    place = np.log(np.asarray(sizes, dtype=float))
    place = (place - place.mean()) / (np.ptp(place) or 1.0)
    powers = np.vander(place, min(order + 1, len(sizes)), increasing=True)
    return np.asarray(np.linalg.qr(powers)[0])


def relative_luck(by_draw: Values) -> Values:
    """How lucky each draw's level is compared with the others, shape (draws,), mean 1."""
    level = by_draw[:, :, 0]
    squares = ((level - level.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    luck = luck_of(level.mean(axis=1), np.full(len(level), float(level.shape[1])), squares)
    return luck / luck.mean() if luck.mean() > 0 else np.ones(luck.size)


def map_between(start: Values, end: Values) -> Values:
    """The symmetric map that turns a covariance into another and moves least (P, P)."""
    root, inverse = power(start, 0.5), power(start, -0.5)
    return np.asarray(inverse @ power(root @ end @ root, 0.5) @ inverse)


def power(matrix: Values, exponent: float) -> Values:
    """A power of a symmetric matrix without negative eigenvalues; those that are 0 stay 0."""
    values, vectors = np.linalg.eigh(0.5 * (matrix + matrix.T))
    known = values > values.max(initial=0.0) * 1e-12
    raised = np.where(known, np.where(known, values, 1.0) ** exponent, 0.0)
    return np.asarray((vectors * raised) @ vectors.T)


def without_negative(matrix: Values) -> Values:
    """The nearest covariance to a symmetric matrix: its negative eigenvalues set to 0."""
    values, vectors = np.linalg.eigh(0.5 * (matrix + matrix.T))
    return np.asarray((vectors * np.maximum(values, 0.0)) @ vectors.T)


def best_places(curves: Values) -> Values:
    """Place of the size that does best under each draw, shape (draws,); of equals the smallest size."""
    return np.asarray(curves.argmax(axis=1))


def regrets(curves: Values) -> Values:
    """What each size loses to the one that does best under the same draw, shape (draws, sizes)."""
    return np.asarray(curves.max(axis=1, keepdims=True) - curves)
