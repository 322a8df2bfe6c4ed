"""The tables of ``study=allocate``: what each region gets, how the splits compare, and the curves."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from cpdiffusion.outcomes.catalogue import Values
from cpdiffusion.outcomes.noise import expected_range, split_noise
from cpdiffusion.outcomes.paired import Interval, draw_means, mean_interval
from cpdiffusion.studies.allocate.run import ADOPTERS, BENEFIT, MONEY, OUTCOMES, SUPPORTED, Judged, Option
from cpdiffusion.studies.allocate.splits import EVEN

if TYPE_CHECKING:
    import pandas as pd

PER_MKRW = 100.0  # marginal figures are per 100 million KRW
AS_ESTIMATED, WITHOUT = "as estimated", "without outlier rows"
Row = dict[str, Any]


def allocation_table(of: Judged) -> pd.DataFrame:
    """One row per split and region; gains on held-out seeds, the marginal gain on those chosen by."""
    import pandas as pd

    rows = [
        {
            "split": name, "region": region, "kind": kind if mkrw > 0.0 else "none",
            "budget_mkrw_per_year": mkrw, "share": mkrw / of.asked.budget_mkrw,
            **levels(of, of.judged[region][kind, mkrw]),
            "marginal_adopters_per_100_mkrw": marginal(of, region, (kind, mkrw)),
        }
        for name, split in of.splits.items()
        for region, (kind, mkrw) in split.items()
    ]  # fmt: skip
    return pd.DataFrame(rows)


def levels(of: Judged, figures: Mapping[str, Values]) -> Row:
    """Mean gains with intervals, firms supported and money spent."""
    row: Row = {}
    for outcome, title in ((ADOPTERS, "additional_adopters"), (BENEFIT, "additional_benefit_mkrw")):
        row |= ends(title, mean_interval(draw_means(figures[outcome], of.each)))
    return row | {name: float(figures[name].mean()) for name in (SUPPORTED, MONEY)}


def ends(name: str, interval: Interval) -> Row:
    """An interval as three columns."""
    return {name: interval.estimate, f"{name}_low": interval.low, f"{name}_high": interval.high}


def marginal(of: Judged, region: str, option: Option) -> float:
    """Additional adopters per further 100 million KRW around a budget, by the curve of its kind.

    Without a budget that of the kind whose first step gains most. Slope between the neighbouring budgets that
    were run, below and above; at an end between it and the one neighbour.
    """
    kind, mkrw = option
    if mkrw == 0.0:
        kind = max(of.asked.kinds, key=lambda k: slope(*curve(of, region, k)[:2]))
    points = curve(of, region, kind)
    budgets = [b for b, _ in points]
    at = min(range(len(budgets)), key=lambda k: abs(budgets[k] - mkrw))
    return slope(points[max(at - 1, 0)], points[min(at + 1, len(points) - 1)]) / of.asked.years * PER_MKRW


def slope(low: tuple[float, float], high: tuple[float, float]) -> float:
    """Of the line through two points."""
    return (high[1] - low[1]) / (high[0] - low[0])


def curve(of: Judged, region: str, kind: str, outcome: str = ADOPTERS) -> list[tuple[float, float]]:
    """Budgets a year on the grid with the mean gain at each, ascending, from nothing on."""
    unit = of.asked.unit_mkrw
    on_grid = {round(n * unit, 6) for n in of.asked.levels}
    found = {b: float(f[outcome].mean()) for (k, b), f in of.curves[region].items() if k == kind and b > 0.0}
    return [(0.0, 0.0), *sorted((b, v) for b, v in found.items() if round(b, 6) in on_grid)]


def split_table(of: Judged) -> pd.DataFrame:
    """One row per assumption, split and outcome: the total, and the paired difference to the even split."""
    import pandas as pd

    cases = {AS_ESTIMATED: of.judged, WITHOUT: of.judged_clean}
    rows = [
        {
            "regions_differ": words, "split": name, "outcome": outcome, "unit": UNITS[outcome],
            **ends("gain", mean_interval(draw_means(of.total(name, outcome, runs), of.each))),
            **against_even(of, name, outcome, of.total(name, outcome, runs) - of.total(EVEN, outcome, runs)),
        }
        for words, runs in cases.items()
        for name in of.splits
        for outcome in OUTCOMES
    ]  # fmt: skip
    return pd.DataFrame(rows)


UNITS = {ADOPTERS: "firms", BENEFIT: "million KRW"}


def against_even(of: Judged, split: str, outcome: str, difference: Values) -> Row:
    """Difference to the even split with its interval, and in how many draws it is above zero."""
    if split == EVEN:
        return dict.fromkeys(COMPARED, math.nan)
    means = draw_means(difference, of.each)
    noise = split_noise(difference, of.each)
    low, high = expected_range(noise)
    promised = of.promised(split, outcome) - of.promised(EVEN, outcome)
    values = (*ends("", mean_interval(means)).values(), low, high, float(np.mean(means > 0.0)), promised)
    return dict(zip(COMPARED, values, strict=True))


COMPARED = (
    "over_even", "over_even_low", "over_even_high", "expected_p05", "expected_p95", "share_of_draws_better",
    "promised_over_even",
)  # fmt: skip


def curve_table(of: Judged) -> pd.DataFrame:
    """One row per region, kind and budget on the replicates chosen by.

    The last column is what the step from the grid's budget below adds; nan for budgets off the grid.
    """
    import pandas as pd

    rows = []
    for region, options in of.curves.items():
        for kind in of.asked.kinds:
            steps = steps_of(curve(of, region, kind), of.asked.years)
            for mkrw, figures in sorted((b, f) for (k, b), f in options.items() if k == kind and b > 0.0):
                rows.append({
                    "region": region, "kind": kind, "budget_mkrw_per_year": mkrw, **levels(of, figures),
                    "step_adopters_per_100_mkrw": steps.get(mkrw, math.nan),
                })  # fmt: skip
    return pd.DataFrame(rows)


def steps_of(points: list[tuple[float, float]], years: int) -> dict[float, float]:
    """What the step up to each budget of a curve adds per 100 million KRW."""
    return {high[0]: slope(low, high) / years * PER_MKRW for low, high in pairwise(points)}


TABLES: dict[str, Callable[[Judged], pd.DataFrame]] = {
    "allocation": allocation_table, "splits": split_table, "curves": curve_table,
}  # fmt: skip
