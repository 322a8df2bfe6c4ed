"""How many independent values are enough: variance stability, width of an interval, power of a test.

Values are paired differences of replicates or, where replicates share a draw of the parameters, of draws.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from cpdiffusion.factors.known import Values
from cpdiffusion.outcomes.paired import CONFIDENCE

TOLERANCE = 0.05  # within which a spread counts as stable
MOST = 10_000_000  # beyond it no number is told


def running_sd(values: Values) -> Values:
    """Standard deviation of the first n values, shape (K,); nan for n = 1."""
    n = np.arange(1.0, values.size + 1.0)
    centred = values - values.mean()
    squares = np.cumsum(centred**2) - np.cumsum(centred) ** 2 / n
    found = np.full(values.size, math.nan)
    found[1:] = np.sqrt(np.maximum(squares[1:], 0.0) / (n[1:] - 1.0))
    return found


def stable_from(running: Values, tolerance: float = TOLERANCE) -> int | None:
    """The smallest n from which a running figure is never again further from that of all than a share of it.

    Variance stability after Lee et al. 2015 (JASSS 18(4)4), who compare all later figures with that at n: its
    own luck would decide, so they are compared with the last. The last figures are near it whatever it is, so
    only n up to half of what was run counts; None where there is none.
    """
    with np.errstate(invalid="ignore"):
        near = np.abs(running - running[-1]) <= tolerance * abs(running[-1])
    outside = np.flatnonzero(~near)
    first = int(outside[-1]) + 2 if outside.size else 1
    return first if first <= running.size // 2 else None


def sd_at_most(sd: float, count: int) -> float:
    """The upper end of the interval of a standard deviation that was estimated from so many values."""
    from scipy.special import chdtri

    if count < 2:
        return math.nan
    return sd * math.sqrt((count - 1) / float(chdtri(count - 1, 0.5 + 0.5 * CONFIDENCE)))


def for_half_width(sd: float, half_width: float) -> int | None:
    """The fewest values whose 90 % interval of the mean (Student) is no wider; None if none are enough."""
    return fewest(lambda n: interval_half_width(n, sd) <= half_width)


def interval_half_width(count: int, sd: float) -> float:
    """Half width of the 90 % interval of a mean."""
    from scipy.special import stdtrit

    return float(stdtrit(count - 1, 0.5 + 0.5 * CONFIDENCE)) * sd / math.sqrt(count)


def for_power(sd: float, difference: float, power: float, alpha: float) -> int | None:
    """The fewest values with which a two-sided t test finds a true mean of ``difference`` so surely.

    (Secchi & Seri 2017 review power in agent-based models and ask for 0.95 at alpha 0.01.)
    """
    return fewest(lambda n: power_of(n, sd, difference, alpha) >= power)


def power_of(count: int, sd: float, difference: float, alpha: float) -> float:
    """Power of the two-sided one-sample t test, from the noncentral t distribution."""
    from scipy.special import nctdtr, ndtr, ndtri, stdtrit

    if sd == 0.0:
        return 1.0 if difference else alpha
    centre = abs(difference) * math.sqrt(count) / sd
    if count > 5000 or centre > 30:  # where the noncentral t is numerically unsafe and normal anyway
        reach = float(ndtri(1.0 - 0.5 * alpha))
        return float(ndtr(centre - reach) + ndtr(-centre - reach))
    reach = float(stdtrit(count - 1, 1.0 - 0.5 * alpha))
    below, above = nctdtr(count - 1, centre, np.array([-reach, reach]))
    return float(1.0 - above + np.nan_to_num(below))


def fewest(enough: Callable[[int], bool]) -> int | None:
    """The smallest n from 2 on that is enough, if more are never worse."""
    high = 2
    while not enough(high):
        if high > MOST:
            return None
        high *= 2
    low = max(2, high // 2)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return low
