"""The Bass curve fitted to a diffusion by least squares (Bass 1969; Srinivasan & Mason 1986).

    F(t) = m (1 - e^-(p+q)t) / (1 + (q/p) e^-(p+q)t),     t = 1, 2, ... in periods

is the share that has adopted by period t; p is innovation and q imitation, per period, and m the
share that will ever adopt. netdiffuseR's ``fitbass()`` fits the same equation with m = 1 to the same
shares by R's ``nls``. Of a diffusion in discrete periods, such as a run under ``behaviour=bass``, it
finds a somewhat lower p and higher q than the chances per period (p 9 % lower at the defaults).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from cpdiffusion.errors import InputError
from cpdiffusion.measures.periods import Floats, Mask, firm_values

if TYPE_CHECKING:
    from scipy.optimize import OptimizeResult

# Where the search begins, p and q per period: Bass's consumer durables lie near 0.01 and 0.4, slow
# and fast diffusions around them. The best of all ends counts.
STARTS = ((0.01, 0.4), (0.03, 0.1), (0.003, 0.8), (0.1, 0.02), (0.3, 1.0))
LEAST_P = 1e-12  # the curve divides by p
AT_BOUND = 1e-8
PRECISION = 1e-15


class BassFit(NamedTuple):
    """Coefficients per period with standard errors; nan is the error of one at its bound or fixed."""

    p: float
    q: float
    m: float  # share that will ever adopt; 1 unless fitted
    p_se: float
    q_se: float
    m_se: float
    residual_se: float  # of the cumulative share
    periods: int


def bass_curve(t: ArrayLike, p: float, q: float, m: float = 1.0) -> Floats:
    """Share that has adopted by time ``t`` in periods, any shape; p above 0, q 0 or more."""
    e = np.exp(-(p + q) * np.asarray(t, dtype=np.float64))
    return m * p * (1.0 - e) / (p + q * e)


def fit_bass(share: ArrayLike, *, ceiling: bool = False) -> BassFit:
    """p and q (and with ``ceiling`` m) of the cumulative share of adopters per period (T,).

    The first entry is period 1, as in netdiffuseR. p is above 0, q at least 0 and m at most 1; R's
    ``nls`` knows no bounds and can return a negative q where imitation is nil. Standard errors are
    those of a linear model at the optimum, as ``nls`` gives them; the residuals of a cumulative curve
    are not independent, so they flatter. Raises InputError where the shares do not rise from period
    to period between 0 and 1, or have too few periods with adoption to fit (3; with ceiling 4).
    """
    shares = firm_values(share, "share")
    _require_diffusion(shares, 3 + ceiling)
    best = min((_search(shares, start, ceiling) for start in _starts(shares)), key=lambda r: float(r.cost))
    return _as_fit(best, shares.size)


def bass_gradient(t: Floats, p: float, q: float, m: float = 1.0) -> Floats:
    """Derivatives of ``bass_curve`` by p, q and m, shape (T, 3)."""
    e = np.exp(-(p + q) * t)
    above, below = p * (1.0 - e), p + q * e
    by_p = (1.0 - e + p * t * e) * below - above * (1.0 - q * t * e)
    by_q = p * t * e * below - above * (e - q * t * e)
    return np.column_stack([m * by_p / below**2, m * by_q / below**2, above / below])


def _require_diffusion(shares: Floats, needed: int) -> None:
    gained = np.diff(shares, prepend=0.0)
    if np.isnan(shares).any() or shares[-1] > 1.0 or (gained < 0.0).any():
        raise InputError("share: must rise from period to period, from 0 or more to at most 1.")
    found = int((gained > 0.0).sum())
    if found < needed:
        raise InputError(f"share: a Bass curve needs {needed} periods with adoption, but has {found}.")


def _starts(shares: Floats) -> list[tuple[float, float, float]]:
    """Points (p, q, m) to search from; the first is netdiffuseR's own."""
    pairs = ((max(float(shares[0]), 1e-4), 0.5), *STARTS)
    return [(p, q, 0.5 * (1.0 + float(shares[-1]))) for p, q in pairs]


def _search(shares: Floats, start: tuple[float, float, float], ceiling: bool) -> OptimizeResult:
    from scipy.optimize import least_squares

    t, free = np.arange(1.0, shares.size + 1.0), 2 + ceiling
    return least_squares(
        lambda x: bass_curve(t, *x) - shares,
        start[:free],
        jac=lambda x: bass_gradient(t, *x)[:, :free],
        bounds=([LEAST_P, 0.0, 0.0][:free], [np.inf, np.inf, 1.0][:free]),
        x_scale="jac",
        ftol=PRECISION, xtol=PRECISION, gtol=PRECISION,
    )  # fmt: skip


def _as_fit(found: OptimizeResult, periods: int) -> BassFit:
    error = math.sqrt(2.0 * found.cost / (periods - found.x.size))
    errors, free = np.full(found.x.size, math.nan), ~_at_bound(found.x)
    errors[free] = error * _unit_errors(found.jac[:, free])
    p, q, m = np.append(found.x, 1.0)[:3].tolist()
    p_se, q_se, m_se = np.append(errors, math.nan)[:3].tolist()
    return BassFit(p, q, m, p_se, q_se, m_se, error, periods)


def _unit_errors(jacobian: Floats) -> Floats:
    """Standard errors for residuals of standard deviation 1; nan if the coefficients are not told apart."""
    _, size, rotation = np.linalg.svd(jacobian, full_matrices=False)
    if size[-1] <= np.finfo(float).eps * max(jacobian.shape) * size[0]:
        return np.full(size.size, math.nan)
    return np.sqrt(((rotation / size[:, None]) ** 2).sum(axis=0))


def _at_bound(x: Floats) -> Mask:
    p, q, m = np.append(x, 0.5)[:3]
    return np.array([p <= 10 * LEAST_P, q <= AT_BOUND, m >= 1.0 - AT_BOUND])[: x.size]
