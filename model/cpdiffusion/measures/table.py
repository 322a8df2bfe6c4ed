"""All measures of one diffusion, collected in three tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from cpdiffusion.errors import InputError
from cpdiffusion.measures.bass import BassFit, fit_bass
from cpdiffusion.measures.contagion import NEXT_PERIOD, Discount, infectiousness_of, susceptibility_of
from cpdiffusion.measures.exposure import checked_lags, exposed_share, mean_exposure
from cpdiffusion.measures.moran import moran_of
from cpdiffusion.measures.pairs import Pairs, distinct_pairs
from cpdiffusion.measures.periods import Adoption, Floats, adoption_in_periods
from cpdiffusion.measures.rates import adopters_in, growth_of, hazard_of
from cpdiffusion.measures.thresholds import exposure_at_adoption

if TYPE_CHECKING:
    import pandas as pd

    from cpdiffusion.world.ties import Ties


@dataclass(frozen=True)
class Measures:
    """The measures of one diffusion. They do not change: each table handed out is a copy."""

    _periods: pd.DataFrame = field(repr=False)
    _firms: pd.DataFrame = field(repr=False)
    _network: pd.Series = field(repr=False)
    _pairs: Pairs = field(repr=False)
    _when: Adoption = field(repr=False)

    @property
    def exposure(self) -> pd.DataFrame:
        """One row per firm, one column per period: the share of its influencers that have adopted."""
        import pandas as pd

        return pd.DataFrame(
            exposed_share(self._pairs, self._when), index=self._firms.index, columns=self._periods["period"]
        )

    @property
    def periods(self) -> pd.DataFrame:
        """One row per period: adopters, cumulative, share, growth and hazard rate, mean exposure."""
        return self._periods.copy()

    @property
    def firms(self) -> pd.DataFrame:
        """One row per firm: time of adoption, threshold, contagion, in_degree (influencers), out_degree."""
        return self._firms.copy()

    @property
    def network(self) -> pd.Series:
        """One number each: sizes, means, Moran's I of the times of adoption, the Bass coefficients."""
        return self._network.copy()


def measures_of(
    ties: Ties,
    adoption: ArrayLike,
    *,
    first: int | None = None,
    last: int | None = None,
    lags: int = 0,
    discount: Discount = NEXT_PERIOD,
    valued: bool = False,
    include_censored: bool = False,
    ids: Sequence[object] | None = None,
) -> Measures:
    """Every measure of the diffusion of N firms over T periods, with the options of each.

    ``lags`` and ``include_censored`` go to the thresholds, ``discount`` to infectiousness and
    susceptibility, ``valued`` to all that look at ties. ``ids`` (N,) name the rows of ``firms``.
    A first period in which nobody has adopted is time 0 of the Bass curve, where it is 0 by
    definition; netdiffuseR's ``fitbass()`` counts every first period as time 1.
    What cannot be computed is nan: the Bass coefficients of fewer than 3 periods with adoption, say.
    Raises InputError as the measures do.
    """
    when = adoption_in_periods(adoption, first, last)
    pairs, lags = distinct_pairs(ties, when.column.size, valued), checked_lags(lags, when.periods)
    firms = firm_table(pairs, when, exposure_at_adoption(pairs, when, lags, include_censored), discount, ids)
    periods = period_table(pairs, when)
    return Measures(periods, firms, network_series(pairs, periods, firms), pairs, when)


def period_table(pairs: Pairs, when: Adoption) -> pd.DataFrame:
    """One row per period."""
    import pandas as pd

    adopters = adopters_in(when)
    cumulative = np.cumsum(adopters)
    return pd.DataFrame(
        {
            "period": np.arange(when.first, when.last + 1),
            "adopters": adopters,
            "cumulative": cumulative,
            "share": cumulative / pairs.size,
            "growth_rate": growth_of(adopters),
            "hazard_rate": hazard_of(adopters, pairs.size),
            "mean_exposure": mean_exposure(pairs, when),
        }
    )


def firm_table(
    pairs: Pairs, when: Adoption, threshold: Floats, discount: Discount, ids: Sequence[object] | None
) -> pd.DataFrame:
    """One row per firm."""
    import pandas as pd

    if ids is not None and len(ids) != pairs.size:
        raise InputError(f"ids: must name each of the {pairs.size} firms, but there are {len(ids)}.")
    return pd.DataFrame(
        {
            "time_of_adoption": np.where(when.adopted, when.column + float(when.first), np.nan),
            "threshold": threshold,
            "infectiousness": infectiousness_of(pairs, when, discount),
            "susceptibility": susceptibility_of(pairs, when, discount),
            "in_degree": np.bincount(pairs.target, minlength=pairs.size),
            "out_degree": np.bincount(pairs.source, minlength=pairs.size),
        },
        index=pd.Index(np.arange(pairs.size) if ids is None else list(ids), name="firm"),
    )


def network_series(pairs: Pairs, periods: pd.DataFrame, firms: pd.DataFrame) -> pd.Series:
    """One number each for the diffusion as a whole."""
    import pandas as pd

    moran = moran_of(pairs, firms["time_of_adoption"].to_numpy())
    bass = _bass(periods["share"].to_numpy())
    numbers: dict[str, float] = {
        "firms": pairs.size,
        "ties": pairs.source.size,
        "adopters": moran.firms,
        "share": periods["share"].iloc[-1],
        "mean_threshold": firms["threshold"].mean(),
        "mean_infectiousness": firms["infectiousness"].mean(),
        "mean_susceptibility": firms["susceptibility"].mean(),
        "moran_i": moran.observed,
        "moran_expected": moran.expected,
        "moran_sd": moran.sd,
        "moran_p_value": moran.p_value,
    }
    for name in ("p", "q", "p_se", "q_se", "residual_se"):
        numbers[f"bass_{name}"] = math.nan if bass is None else getattr(bass, name)
    return pd.Series(numbers, dtype=float)


def _bass(share: Floats) -> BassFit | None:
    try:
        return fit_bass(share[1:] if share[0] == 0.0 else share)
    except InputError:
        return None
