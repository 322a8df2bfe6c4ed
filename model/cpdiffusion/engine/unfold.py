"""A firm's package unfolded into its measures: the same columns, with a row per firm and measure.

Row i + m F is measure m of firm i among F firms. What a firm is and may spend is the same in all of
its rows. Log returns are counted from what the measure returns on average, so that results of one
measure speak for another; what is typical of a measure stands in its hurdle and in its benefit.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpdiffusion.behaviour import learning
from cpdiffusion.behaviour.cp_measures import CpMeasures
from cpdiffusion.draws import Purpose
from cpdiffusion.engine.setting import Columns
from cpdiffusion.parameters import Parameters
from cpdiffusion.terms import NO_PARTNER, Terms
from cpdiffusion.world.firms import Floats, Ints, normals
from cpdiffusion.world.ties import rows


def columns_by_measure(
    columns: Columns, measures: CpMeasures, potential: Floats, p: Parameters, seed: int
) -> Columns:
    """Columns of F firms with K F rows; ``potential`` (F,) is the firms' own, ``seed`` the world's."""
    count, firms = len(measures.names), columns.region.size
    tiled: dict[str, Any] = {name: np.tile(getattr(columns, name), count) for name in OF_THE_FIRM}
    capital = np.outer(measures.cost_share, columns.capital_need_mkrw)
    accidents = np.zeros(count * firms)
    accidents[:firms] = columns.accident_probability  # a firm has its accidents once
    own = own_deviations(potential, count, p, seed)
    return columns._replace(
        **tiled,
        capital_need_mkrw=capital.ravel(),
        benefit_base_mkrw=(capital * np.exp(measures.log_return)[:, None]).ravel(),
        expected_log_return=(columns.expected_log_return - potential + own).ravel(),
        log_hurdle=np.add.outer(added_log_hurdle(measures), columns.log_hurdle).ravel(),
        accident_probability=accidents,
        **ties_by_measure(columns, count, p),
    )


OF_THE_FIRM = (
    "region", "sector", "liquidity_mkrw", "waits_for_example", "required_advantage",
    "is_early_adopter", "threshold", "influencers",
)  # fmt: skip


def added_log_hurdle(measures: CpMeasures) -> Floats:
    """What effort and typical return of a measure add to a firm's log hurdle, shape (K,)."""
    return measures.difficulty - measures.log_return


def own_deviations(potential: Floats, count: int, p: Parameters, seed: int) -> Floats:
    """Each firm's deviation of log ROI in each measure (K, F).

    They spread as those of packages do, and any two of a firm's are correlated as the parameter says.
    """
    sd, alike = p.firm_log_return_sd, p.measure_return_correlation
    mean = -0.5 * sd**2  # E[exp] = 1, as for packages
    with np.errstate(over="ignore"):
        other = normals(np.uint64(seed), Purpose.MEASURE_POTENTIAL, count * potential.size)
    return (
        mean + math.sqrt(alike) * (potential - mean) + math.sqrt(1.0 - alike) * sd * other.reshape(count, -1)
    )


def ties_by_measure(columns: Columns, count: int, p: Parameters) -> dict[str, Any]:
    """Every tie once per measure, and ties between the measures of a firm: it learns from itself."""
    firms = columns.region.size
    everyone, source = np.arange(firms), np.repeat(np.arange(firms), np.diff(columns.start))
    taught, learns = np.nonzero(~np.eye(count, dtype=np.bool_))
    among_own = np.full(taught.size * firms, own_precision(p))
    precision = np.concatenate([np.tile(columns.precision, count), among_own])
    ties = rows(
        count * firms,
        np.concatenate([on_rows(np.arange(count), source, firms), on_rows(taught, everyone, firms)]),
        np.concatenate([on_rows(np.arange(count), columns.target, firms), on_rows(learns, everyone, firms)]),
        np.zeros(precision.size, np.int8),
        precision,
    )
    return {"start": ties.start, "target": ties.target, "precision": ties.weight, "weight": ties.weight}


def on_rows(measure: NDArray[np.int64], firm: NDArray[Any], firms: int) -> Ints:
    """The row of each firm in each measure, measure after measure."""
    return np.add.outer(measure * firms, firm).astype(np.int32).ravel()


def own_precision(p: Parameters) -> float:
    """Precision that a firm's own result in one measure adds to its belief about another.

    Own results are seen in full; they speak for other measures as far as these are alike.
    """
    return learning.observation_precision(1.0, p.measure_return_correlation, p.firm_log_return_sd**2, 0.0)


def terms_by_measure(terms: Terms, count: int) -> Terms:
    """What instruments contribute (F,) in every row of a firm; whom it meets it tells of each measure."""
    firms = terms.rows.shape[1]
    if firms == 0:
        return terms
    shift, ties = np.arange(count)[:, None], terms.target.size
    partner = np.where(terms.partner == NO_PARTNER, NO_PARTNER, terms.partner + shift * firms)
    return terms._replace(
        rows=np.tile(terms.rows, count),
        informed=on_rows(np.arange(count), terms.informed, firms),
        partner=partner.astype(np.int32).ravel(),
        start=np.append((terms.start[:-1] + shift * ties).ravel(), count * ties),
        target=on_rows(np.arange(count), terms.target, firms),
        precision=np.tile(terms.precision, count),
    )
