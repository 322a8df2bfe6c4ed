"""Firms as columns: one array per attribute, one row per firm."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cpdiffusion import draws
from cpdiffusion.compiled import compiled
from cpdiffusion.draws import Purpose
from cpdiffusion.parameters import Parameters

SME_EMPLOYEES = (1, 299)  # the legal bound for a manufacturing SME used by the programme
HAZARD_CLASSES = ("low", "medium", "high")
SQRT_2 = math.sqrt(2.0)

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Flags = NDArray[np.bool_]


class Firms(NamedTuple):
    """Attributes of N firms, each an array of shape (N,)."""

    region: Ints  # index into World.regions
    complex: Ints  # index into World.complexes: the industrial complex or other place
    sector: Ints  # index into World.sectors
    employees: Ints
    capital_need_mkrw: Floats  # price of the firm's cleaner-production package
    potential_log_return: Floats  # the firm's own deviation of log ROI; E[exp] = 1
    accepted_payback_years: Floats  # longest payback that it accepts
    required_confidence: Floats  # theta: how sure it must be that the package pays
    waits_for_example: Flags
    liquidity_mkrw: Floats
    hazard_class: Ints  # index into HAZARD_CLASSES
    export_share: Floats  # of sales, to markets with environmental rules
    public_sales_share: Floats
    past_violation: Flags
    threshold: Floats  # share of its influencers that makes it follow (behaviour=threshold)
    seed: Flags  # has adopted before the first quarter


def uniforms(seed: np.uint64, purpose: Purpose, size: int) -> Floats:
    """Keyed uniforms for firms 0 .. size-1."""
    column = np.empty(size)  # by numpy, which asks for large pages of memory; Numba does not
    _uniforms(seed, purpose.value, column)  # a plain int: Numba is slow to type an enum
    return column


@compiled
def _uniforms(seed: np.uint64, purpose: int, column: Floats) -> None:
    key = draws.stream(seed, purpose, 0)
    for firm in range(column.size):
        column[firm] = draws.uniform(key, firm)


def normals(seed: np.uint64, purpose: Purpose, size: int) -> Floats:
    """Keyed standard normals for firms 0 .. size-1."""
    column = np.empty(size)  # by numpy, which asks for large pages of memory; Numba does not
    _normals(seed, purpose.value, column)  # a plain int: Numba is slow to type an enum
    return column


@compiled
def _normals(seed: np.uint64, purpose: int, column: Floats) -> None:
    key = draws.stream(seed, purpose, 0)
    for firm in range(column.size):
        column[firm] = draws.standard_normal(key, firm)


@compiled
def normal_probabilities(quantiles: Floats) -> Floats:
    """Standard normal distribution function, element by element."""
    column = np.empty(quantiles.size)
    for row in range(quantiles.size):
        column[row] = 0.5 * math.erfc(-quantiles[row] / SQRT_2)
    return column


@compiled
def normal_quantiles(probability: Floats) -> Floats:
    """Its inverse; 0 and 1 give minus and plus infinity."""
    column = np.empty(probability.size)
    for row in range(probability.size):
        if 0.0 < probability[row] < 1.0:
            column[row] = draws.normal_quantile(probability[row])
        else:
            column[row] = math.inf if probability[row] >= 1.0 else -math.inf
    return column


def draw_firms(
    seed: np.uint64,
    p: Parameters,
    region: Ints,
    complex_: Ints,
    sector: Ints,
    given: Mapping[str, NDArray[np.generic]],
) -> Firms:
    """Firms at given places: columns in ``given`` are taken as they are, the rest are drawn.

    Every draw is keyed by the firm's row, so a column that is given shifts no other column.
    """
    size = region.size
    columns: dict[str, NDArray[np.generic]] = {
        "region": region,
        "complex": complex_,
        "sector": sector,
        **given,
    }
    for name, draw in DRAWN_COLUMNS.items():
        if name not in columns:
            columns[name] = draw(seed, p, size, columns)
    return Firms(**columns)  # type: ignore[arg-type]


Columns = Mapping[str, NDArray[Any]]


def _employees(seed: np.uint64, p: Parameters, size: int, _: Columns) -> Ints:
    spread = np.exp(p.employees_log_sd * normals(seed, Purpose.EMPLOYEES, size))
    return np.clip(np.rint(p.employees_median * spread), *SME_EMPLOYEES).astype(np.int32)


def _capital_need(seed: np.uint64, p: Parameters, size: int, columns: Columns) -> Floats:
    relative_size = columns["employees"] / p.employees_median
    scale = relative_size**p.capital_size_elasticity
    spread = np.exp(p.capital_need_log_sd * normals(seed, Purpose.CAPITAL, size))
    return spread * scale * (p.capital_need_mean_mkrw / _mean_capital_factor(p))


def _mean_capital_factor(p: Parameters) -> float:
    """Mean of spread x size^elasticity for log-normal sizes (their cut-off is neglected)."""
    size_variance = (p.capital_size_elasticity * p.employees_log_sd) ** 2
    return math.exp(0.5 * (p.capital_need_log_sd**2 + size_variance))


def _potential(seed: np.uint64, p: Parameters, size: int, _: Columns) -> Floats:
    sd = p.firm_log_return_sd
    return sd * normals(seed, Purpose.POTENTIAL, size) - 0.5 * sd * sd


def _payback(seed: np.uint64, p: Parameters, size: int, _: Columns) -> Floats:
    spread = np.exp(p.accepted_payback_log_sd * normals(seed, Purpose.PAYBACK, size))
    return p.accepted_payback_median_years * spread


def _confidence(seed: np.uint64, p: Parameters, size: int, _: Columns) -> Floats:
    centre = normal_quantiles(np.array([p.required_confidence_median]))
    spread = p.required_confidence_probit_sd * normals(seed, Purpose.CONFIDENCE, size)
    return normal_probabilities(centre + spread)


def _waits(seed: np.uint64, p: Parameters, size: int, _: Columns) -> Flags:
    return uniforms(seed, Purpose.EXAMPLE, size) < p.waits_for_example_share


def _liquidity(seed: np.uint64, p: Parameters, size: int, columns: Columns) -> Floats:
    spread = np.exp(p.liquidity_ratio_log_sd * normals(seed, Purpose.LIQUIDITY, size))
    return p.liquidity_ratio_median * spread * columns["capital_need_mkrw"]


def _hazard(seed: np.uint64, p: Parameters, size: int, _: Columns) -> Ints:
    draw = uniforms(seed, Purpose.HAZARD, size)
    at_least_medium = draw < p.hazard_high_share + p.hazard_medium_share
    return at_least_medium.astype(np.int32) + (draw < p.hazard_high_share)


def _share_among(purpose: Purpose, parameter: str) -> Draw:
    """A share that is zero for most firms and uniform in (0, 1) among the others."""

    def draw(seed: np.uint64, p: Parameters, size: int, _: Columns) -> Floats:
        share, among = uniforms(seed, purpose, size), p[parameter]
        return np.where(share < among, share / among if among else 0.0, 0.0)

    return draw


def _violation(seed: np.uint64, p: Parameters, size: int, _: Columns) -> Flags:
    return uniforms(seed, Purpose.VIOLATION, size) < p.past_violation_share


def _threshold(seed: np.uint64, p: Parameters, size: int, _: Columns) -> Floats:
    drawn = p.threshold_mean + p.threshold_sd * normals(seed, Purpose.THRESHOLD, size)
    return np.clip(drawn, 0.0, 1.0)


def _seed(seed: np.uint64, p: Parameters, size: int, _: Columns) -> Flags:
    return uniforms(seed, Purpose.EARLY, size) < p.early_adopter_share


Draw = Callable[[np.uint64, Parameters, int, Columns], NDArray[np.generic]]

DRAWN_COLUMNS: dict[str, Draw] = {
    "employees": _employees,
    "capital_need_mkrw": _capital_need,
    "potential_log_return": _potential,
    "accepted_payback_years": _payback,
    "required_confidence": _confidence,
    "waits_for_example": _waits,
    "liquidity_mkrw": _liquidity,
    "hazard_class": _hazard,
    "export_share": _share_among(Purpose.EXPORT, "exporter_share"),
    "public_sales_share": _share_among(Purpose.PUBLIC, "public_seller_share"),
    "past_violation": _violation,
    "threshold": _threshold,
    "seed": _seed,
}
