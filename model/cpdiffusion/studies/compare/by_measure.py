"""Results by measure, where firms choose among measures: who took what, and what it saves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cpdiffusion.behaviour.cp_measures import WORDS, CpMeasures
from cpdiffusion.engine.state import Flow, MeasureFlow
from cpdiffusion.outcomes.catalogue import Values
from cpdiffusion.outcomes.experiment import Experiment, stretches_of_one_draw
from cpdiffusion.outcomes.paired import (
    DIFFERENCE_COLUMNS,
    QUANTILES,
    draw_means,
    mean_interval,
    probability_better,
)
from cpdiffusion.parameters import Parameters

if TYPE_CHECKING:
    import pandas as pd

ALL = "all"  # in the column of measures: their sum


class Quantity(NamedTuple):
    """Something that is told of each measure: name, label, unit, which way is better."""

    name: str
    label: str
    unit: str
    better: int


TAKEN = Quantity("taken", "firms that took it", "firms", 1)
INVESTMENT = Quantity("investment_mkrw", "investment", "million KRW", 0)
BENEFIT = Quantity("direct_benefit_mkrw", "direct economic benefit", "million KRW", 1)
ENERGY = Quantity("energy_saved_toe_per_year", "energy saved", "toe per year", 1)
MATERIALS = Quantity("materials_saved_mkrw_per_year", "materials saved", "million KRW per year", 1)
EMISSIONS = Quantity("emissions_avoided_tco2_per_year", "emissions avoided", "t CO2 per year", 1)
QUANTITIES = (TAKEN, INVESTMENT, BENEFIT, ENERGY, MATERIALS, EMISSIONS)


def measure_table(
    flows: Mapping[str, Values], baselines: Mapping[str, str | None], experiment: Experiment
) -> pd.DataFrame:
    """One row per scenario, measure and quantity: level, and paired difference to the baseline.

    ``flows`` holds (replicates, Q, flows) per scenario, as ``engine.state.State`` orders them, of the
    first replicates of an experiment in which firms choose among measures.
    """
    import pandas as pd

    assert experiment.measures is not None
    names, each = experiment.measures.names, experiment.seeds_per_draw
    found = {name: quantities_by_draw(flow, experiment) for name, flow in flows.items()}
    rows = [
        {"scenario": name, "baseline": baselines[name] or "", "measure": measure,
         "words": WORDS.get(measure, measure), "quantity": q.name, "label": q.label, "unit": q.unit}
        | figures(values[q][:, k], found[base][q][:, k] if (base := baselines[name]) else None, q, each)
        for name, values in found.items()
        for k, measure in enumerate((*names, ALL))
        for q in QUANTITIES
    ]  # fmt: skip
    return pd.DataFrame(rows)


def quantities_by_draw(flow: Values, experiment: Experiment) -> dict[Quantity, Values]:
    """Each quantity in every replicate (K, ...), each under its own parameters; as ``quantities``."""
    parts = []
    for first, count in stretches_of_one_draw(experiment, 0, flow.shape[0]):
        there = experiment.at(first)
        assert there.measures is not None
        parts.append(quantities(flow[first : first + count], there.measures, there.parameters))
    return {q: np.concatenate([part[q] for part in parts]) for q in QUANTITIES}


def quantities(flow: Values, measures: CpMeasures, p: Parameters) -> dict[Quantity, Values]:
    """Each quantity in every replicate, by measure and summed up, shape (replicates, K + 1)."""

    def summed(what: MeasureFlow) -> Values:
        return flow[:, :, len(Flow) + what :: len(MeasureFlow)].sum(axis=1)

    direct = summed(MeasureFlow.DIRECT)
    energy = direct * measures.energy_share / p.benefit_horizon_years / p.energy_price_mkrw_per_toe
    found = {
        TAKEN: summed(MeasureFlow.ADOPTERS),
        INVESTMENT: summed(MeasureFlow.INVESTMENT),
        BENEFIT: direct,
        ENERGY: energy,
        MATERIALS: direct * measures.materials_share / p.benefit_horizon_years,
        EMISSIONS: energy * p.emission_factor_tco2_per_toe,
    }
    return {q: np.column_stack([values, values.sum(axis=1)]) for q, values in found.items()}


def figures(values: Values, base: Values | None, quantity: Quantity, seeds_per_draw: int) -> dict[str, float]:
    """Level of one quantity over replicates (K,), and its difference to ``base``."""
    low, middle, high = (float(q) for q in np.quantile(values, QUANTILES))
    row = {"replicates": values.size, "mean": float(values.mean()), "p05": low, "p50": middle, "p95": high}
    if base is None:
        return row | dict.fromkeys(DIFFERENCE_COLUMNS, float("nan"))
    interval = mean_interval(draw_means(values - base, seeds_per_draw))
    better = probability_better(values - base, quantity.better)
    found = (interval.estimate, interval.low, interval.high, better)
    return row | dict(zip(DIFFERENCE_COLUMNS, found, strict=True))
