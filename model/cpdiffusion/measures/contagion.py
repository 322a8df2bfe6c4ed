"""Infectiousness and susceptibility: adoptions that follow at once upon those next to them.

Let firm i adopt at t, and let w_k discount what lies k periods away: w_k = k, or (1 + r)^(k-1) if
``exponential``. Over the firms j that i influences,

    I_i = [sum_k #(j adopts at t+k) / w_k] / [sum_k #(j adopts at t+k or later) / w_k],   k = 1 .. K

and over the firms j that influence i

    S_i = [sum_k #(j adopts at t-k) / w_k] / [sum_k #(j adopts at t-k or earlier) / w_k]

(Myers 2000; Valente, Dyal, Chu, Wipfli & Fujimoto 2015, who take K = 1). ``normalised`` divides by
the adopters among all firms at t+k (t-k), discounted and summed alike. Nought over nought is 0.

As netdiffuseR's ``infection()`` and ``susceptibility()`` for ties that stay the same over time, except

- those who never adopt are no adopters: netdiffuseR's compiled code reads a missing time as a very
  early one in S, and so counts them among those who adopted earlier, against its own formula;
- ``valued`` weighs each j by its tie, as in the formula: netdiffuseR's code ignores the option.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from cpdiffusion.errors import InputError
from cpdiffusion.measures.exposure import over
from cpdiffusion.measures.pairs import Pairs, distinct_pairs
from cpdiffusion.measures.periods import Adoption, Floats, Ints, adoption_in_periods, whole
from cpdiffusion.measures.rates import adopters_in

if TYPE_CHECKING:
    from cpdiffusion.world.ties import Ties


class Discount(NamedTuple):
    """How many periods count (netdiffuseR's K), and how those further away count less."""

    window: int = 1
    rate: float = 0.5  # r, used if ``exponential``
    exponential: bool = False  # expdiscount

    def weights(self, periods: int) -> Floats:
        """1 / w_k for k = 1 .. K, cut to the T - 1 periods that two adoptions can lie apart."""
        k = np.arange(1, min(whole("window", self.window, 1), periods - 1) + 1)
        if self.exponential and not (self.rate > -1.0 and math.isfinite(self.rate)):
            raise InputError(f"rate: must be above -1, but is {self.rate}.")
        divisor = (1.0 + self.rate) ** (k - 1.0) if self.exponential else k
        return (1.0 / divisor).astype(np.float64)


NEXT_PERIOD = Discount()  # K = 1, as in Valente et al. (2015)


def infectiousness(
    ties: Ties,
    adoption: ArrayLike,
    *,
    first: int | None = None,
    last: int | None = None,
    discount: Discount = NEXT_PERIOD,
    normalised: bool = True,
    valued: bool = False,
) -> Floats:
    """How far those whom a firm influences adopt right after it, shape (N,); nan if it never adopts.

    0 for adopters of the last period and for firms that influence nobody who adopts later. Raises
    InputError for bad ties or times, a window below 1 or a rate of -1 or less.
    """
    when = adoption_in_periods(adoption, first, last)
    pairs = distinct_pairs(ties, when.column.size, valued)
    return infectiousness_of(pairs, when, discount, normalised)


def susceptibility(
    ties: Ties,
    adoption: ArrayLike,
    *,
    first: int | None = None,
    last: int | None = None,
    discount: Discount = NEXT_PERIOD,
    normalised: bool = True,
    valued: bool = False,
) -> Floats:
    """How far a firm adopts right after those who influence it, shape (N,); nan if it never adopts.

    0 for adopters of the first period and for firms whom no earlier adopter influences. Raises
    InputError as ``infectiousness`` does.
    """
    when = adoption_in_periods(adoption, first, last)
    pairs = distinct_pairs(ties, when.column.size, valued)
    return susceptibility_of(pairs, when, discount, normalised)


def infectiousness_of(pairs: Pairs, when: Adoption, discount: Discount, normalised: bool = True) -> Floats:
    """(N,) as ``infectiousness``."""
    weight = discount.weights(when.periods)
    soon, ever = following(pairs, when, weight)
    share = over(pairs.given_by(soon), pairs.given_by(ever))
    at_large = weighted_before(adopters_in(when)[::-1], weight)[::-1]
    return _among_adopters(share, at_large, when, normalised)


def susceptibility_of(pairs: Pairs, when: Adoption, discount: Discount, normalised: bool = True) -> Floats:
    """(N,) as ``susceptibility``."""
    weight = discount.weights(when.periods)
    soon, ever = following(pairs, when, weight)
    share = over(pairs.given_to(soon), pairs.given_to(ever))
    at_large = weighted_before(adopters_in(when), weight)
    return _among_adopters(share, at_large, when, normalised)


def following(pairs: Pairs, when: Adoption, weight: Floats) -> tuple[Floats, Floats]:
    """(P,) each pair's part of numerator and denominator; the same in both measures.

    The influenced firm adopts ``lag`` periods after the influencing one: that meets the numerator's
    condition at k = lag, and the denominator's at every k up to it.
    """
    source, target = when.column[pairs.source], when.column[pairs.target]
    lag = np.where((source >= 0) & (target > source), target - source, 0)
    at, upto = np.zeros(when.periods), np.zeros(when.periods)
    at[1 : weight.size + 1] = weight
    upto[1:] = np.cumsum(at[1:])
    return pairs.value * at[lag], pairs.value * upto[lag]


def weighted_before(adopters: Ints, weight: Floats) -> Floats:
    """(T,) sum over k of the adopters k periods earlier times 1 / w_k."""
    return np.convolve(adopters, np.concatenate([[0.0], weight]))[: adopters.size]


def _among_adopters(share: Floats, at_large: Floats, when: Adoption, normalised: bool) -> Floats:
    if normalised:
        share = over(share, at_large[when.column])
    return np.where(when.adopted, share, np.nan)
