"""Which units ``study=efficiency`` compares: regions and region-years, with and without outlier rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cpdiffusion.efficiency.data import Units, units_of
from cpdiffusion.efficiency.influence import Influence, influence
from cpdiffusion.evidence.audit import audit
from cpdiffusion.evidence.table4 import BENEFITS, Variant, firms_by_region, rows_by_region, table4
from cpdiffusion.units import eok_from_mkrw

REGION, REGION_YEAR = "region", "region-year"
UNIT, UNIT_PERIOD = "unit", "unit-period"  # of a user's own table
ALL, CLEAN = "all", "without outliers"
OWN = "own"
POOLED = (REGION_YEAR, UNIT_PERIOD)
# Checks of the audit that put the *amounts* of a row in doubt; the others concern rounding or totals.
DOUBTED = ("repeated_row", "row_total")


@dataclass(frozen=True, eq=False)
class Rows:
    """A table of units, each in one period or more; row k is one unit in one period."""

    table: str  # as_printed, reconciled or own
    unit: tuple[str, ...]  # (n,)
    period: tuple[int, ...] | None  # (n,); None: one row per unit, without time
    pooled: Units  # the rows as units of their own, under names such as 'Ulsan 2012'
    doubted: tuple[str, ...] = ()  # rows whose amounts the audit doubts

    @cached_property
    def influence(self) -> Influence:
        """What each row holds up. The orientation plays no role under constant returns."""
        return influence(self.pooled, "output")

    @property
    def outliers(self) -> tuple[str, ...]:
        """Rows that are outliers by their influence, or doubted by the audit."""
        found = self.influence.outlier
        return tuple(n for n, far in zip(self.pooled.names, found, strict=True) if far or n in self.doubted)

    def without(self, names: Sequence[str]) -> Rows:
        """The table without some rows."""
        kept = [k for k, name in enumerate(self.pooled.names) if name not in names]
        period = None if self.period is None else tuple(self.period[k] for k in kept)
        return Rows(self.table, tuple(self.unit[k] for k in kept), period, self.pooled.only(kept))

    @property
    def units(self) -> Units:
        """Each unit in its typical period: the mean of its rows, so that a long life is not a large size."""
        names = tuple(dict.fromkeys(self.unit))
        rows = [[k for k, name in enumerate(self.unit) if name == one] for one in names]
        p = self.pooled
        inputs, outputs = (np.array([a[k].mean(axis=0) for k in rows]) for a in (p.inputs, p.outputs))
        return Units(names, p.input_names, p.output_names, inputs, outputs)

    @property
    def panel(self) -> Mapping[int, Units]:
        """The units of each period, ascending; empty without periods."""
        found = {}
        for year in sorted(set(self.period or ())):
            rows = [k for k, p in enumerate(self.period or ()) if p == year]
            part = self.pooled.only(rows)
            names = tuple(self.unit[k] for k in rows)
            found[year] = Units(names, part.input_names, part.output_names, part.inputs, part.outputs)
        return found


@dataclass(frozen=True, eq=False)
class UnitSet:
    """Units that are compared with one another."""

    table: str
    rows: str  # ALL or CLEAN
    level: str
    units: Units
    panel: Mapping[int, Units]  # of a pooled set; empty for others
    left_out: tuple[str, ...]


def rows_of_table4(variant: Variant) -> Rows:
    """Table 4: inputs investment and firms, outputs the three effects, in eok (100 million KRW) as printed.

    Firms of a region-year are the region's firms over its listed years, as only their sum is printed.
    """
    rows = table4(variant)
    firms, listed = firms_by_region(rows), rows_by_region(rows)
    yearly = {region: firms[region] / len(listed[region]) for region in listed}
    inputs = [(eok_from_mkrw(row.investment_mkrw), yearly[row.region]) for row in rows]
    outputs = [[eok_from_mkrw(getattr(row, f"{benefit}_mkrw")) for benefit in BENEFITS] for row in rows]
    names = tuple(row.label for row in rows)
    pooled = units_of(
        names, INPUTS, OUTPUTS, np.array(inputs), np.array(outputs), table=f"Table 4 ({variant})"
    )
    doubted = {f.where.partition(",")[0] for f in audit(variant) if f.check in DOUBTED}
    return Rows(
        variant, tuple(row.region.title() for row in rows), tuple(row.year for row in rows), pooled,
        tuple(name for name in names if name in doubted),
    )  # fmt: skip


INPUTS = ("investment_eok", "firms")
OUTPUTS = tuple(f"{benefit}_eok" for benefit in BENEFITS)


def sets_of_table4(variant: Variant) -> list[UnitSet]:
    """Regions and region-years, with all rows and without outliers."""
    return list(sets_of(rows_of_table4(variant), REGION, REGION_YEAR))


def sets_of(rows: Rows, level: str = UNIT, pooled: str = UNIT_PERIOD) -> Iterator[UnitSet]:
    """The sets of a table: by unit, and by unit and period where there are any; the same without outliers."""
    yield from _levels(rows, ALL, (), level, pooled)
    outliers = rows.outliers
    clean = rows.without(outliers)
    if outliers and enough_left(clean):
        yield from _levels(clean, CLEAN, outliers, level, pooled)


def enough_left(rows: Rows) -> bool:
    """Whether what is left can still be compared: two units, and somebody makes each output."""
    made = bool(rows.pooled.inputs.any(axis=0).all() and rows.pooled.outputs.any(axis=0).all())
    return len(set(rows.unit)) > 1 and made


def _levels(rows: Rows, which: str, left_out: tuple[str, ...], level: str, pooled: str) -> Iterator[UnitSet]:
    yield UnitSet(rows.table, which, level, rows.units, {}, left_out)
    if rows.period is not None:
        yield UnitSet(rows.table, which, pooled, rows.pooled, rows.panel, left_out)
