"""The splits that an allocation is held against: today's, an even one, and one guided by scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cpdiffusion.efficiency.scores import beyond
from cpdiffusion.evidence.table4 import Variant, firms_by_region, rows_by_region, table4
from cpdiffusion.studies.efficiency.sets import rows_of_table4

EVEN, TODAY, SCORED, BEST, ROBUST = "even", "today", "efficiency", "best_mean", "least_regret"
FIXED = (EVEN, TODAY, SCORED)
TITLES = {
    EVEN: "even split", TODAY: "today's split", SCORED: "split by efficiency scores",
    BEST: "best on average", ROBUST: "least regret",
}  # fmt: skip
Shares = Mapping[str, float]


def fixed_splits(regions: Sequence[str], table: Variant, today: str) -> dict[str, Shares]:
    """Share of each region in the splits that need no simulation; each sums to 1."""
    return {
        EVEN: shares(dict.fromkeys(regions, 1.0)),
        TODAY: shares({name: todays(table, today)[name] for name in regions}),
        SCORED: shares({name: super_scores(table)[name] for name in regions}),
    }


def shares(weights: Mapping[str, float]) -> Shares:
    """Weights as shares."""
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items()}


def todays(table: Variant, today: str) -> Shares:
    """Mean investment (million KRW) or firms of each region per listed year of Table 4.

    The table prints no public money: either is a stand-in for how large a region's programme is.
    """
    listed = rows_by_region(table4(table))
    if today == "firms":
        firms = firms_by_region(table4(table))
        return {name: firms[name] / len(rows) for name, rows in listed.items()}
    return {name: sum(row.investment_mkrw for row in rows) / len(rows) for name, rows in listed.items()}


def super_scores(table: Variant) -> Shares:
    """Super-efficiency of each region's mean year under constant returns: a score without ties at 1."""
    units = rows_of_table4(table).units
    found = beyond(units, "constant", "output")
    return {name.lower(): float(score) for name, score in zip(units.names, found, strict=True)}
