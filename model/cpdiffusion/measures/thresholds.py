"""Thresholds: a firm's exposure when it adopts (Granovetter 1978; Valente 1995, ch. 5; 1996)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from cpdiffusion.measures.exposure import checked_lags, over
from cpdiffusion.measures.pairs import Pairs, distinct_pairs
from cpdiffusion.measures.periods import Adoption, Floats, adoption_in_periods

if TYPE_CHECKING:
    from cpdiffusion.world.ties import Ties


def thresholds(
    ties: Ties,
    adoption: ArrayLike,
    *,
    first: int | None = None,
    last: int | None = None,
    lags: int = 0,
    valued: bool = False,
    include_censored: bool = False,
) -> Floats:
    """Exposure ``lags`` periods before each firm's own adoption, shape (N,), between 0 and 1.

    nan for firms that never adopt and where the lag leaves the observed periods. Adopters of the
    first period may have adopted before it, when exposure was lower: they are nan as well unless
    ``include_censored``. So netdiffuseR's manual describes ``threshold()``; its code (1.25.0) reports
    them in either case, and equals ``include_censored=True``. Raises InputError as ``exposure`` does.
    """
    when = adoption_in_periods(adoption, first, last)
    pairs = distinct_pairs(ties, when.column.size, valued)
    return exposure_at_adoption(pairs, when, checked_lags(lags, when.periods), include_censored)


def exposure_at_adoption(pairs: Pairs, when: Adoption, lags: int, include_censored: bool) -> Floats:
    """(N,) as ``thresholds``, tie by tie rather than from a table of firms and periods."""
    moment = when.column - lags
    seen = when.adopted & (moment >= 0) & (moment < when.periods)
    if not include_censored:
        seen &= when.column > 0
    adopter = when.column[pairs.source]
    before = (adopter >= 0) & (adopter <= moment[pairs.target])
    reached = over(pairs.given_to(pairs.value * before), pairs.given_to(pairs.value))
    return np.where(seen, np.minimum(reached, 1.0), np.nan)
