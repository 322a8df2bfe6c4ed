"""Table 4 of the source paper: 37 region-years of the regional eco-innovation programme.

The figures stand in ``table4.csv`` as printed, in eok (100 million KRW); everything that leaves
this module is in million KRW. ``SOURCES.md`` beside the file says where they come from.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Literal

from cpdiffusion.errors import InputError, did_you_mean
from cpdiffusion.units import mkrw_from_eok

if TYPE_CHECKING:
    import pandas as pd

Variant = Literal["as_printed", "reconciled"]
VARIANTS: tuple[Variant, ...] = ("as_printed", "reconciled")

BENEFITS = ("direct", "indirect", "environmental")
AMOUNTS = ("investment", *BENEFITS, "total")
COLUMNS = (
    "region",
    "firms_cumulative",
    "period",
    "year",
    *(f"{amount}_eok" for amount in AMOUNTS),
    "roi_economic",
    "roi_total",
)

# Source: 000, section 1: firms that a programme should support at the same time.
STATED_COHORT_FIRMS = (20, 30)

_PERIOD = re.compile(r"(\d{4})\.(0?[1-9]|1[0-2])-(\d{4})\.(0?[1-9]|1[0-2])")
_DECIMALS_TO_THE_WON = 6  # 1 won = 1e-6 million KRW


@dataclass(frozen=True)
class RegionYear:
    """One row of Table 4: a region's programme in one year.

    Amounts are million KRW. ``firms_cumulative`` counts the region's firms over all its years and
    so repeats on each of its rows. ``period`` is the programme's term, ``2007.7-2012.6`` for July
    2007 to June 2012. A printed dash is 0.0, and its column (``indirect_mkrw`` ...) is listed in
    ``dashes``: the paper does not say whether a dash means none or not measured.
    The two returns on investment (ROI) are the printed ones, rounding included.

    Raises InputError for an investment that is not above 0, a benefit below 0 or an odd period.
    """

    region: str
    year: int
    firms_cumulative: int
    period: str
    investment_mkrw: float
    direct_mkrw: float
    indirect_mkrw: float
    environmental_mkrw: float
    total_mkrw: float
    roi_economic: float
    roi_total: float
    dashes: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if not self.investment_mkrw > 0:
            found = f"{self.investment_mkrw:g} million KRW"
            raise InputError(f"{self.label}: investment must be above 0, but is {found}.")
        for column in (*(f"{amount}_mkrw" for amount in AMOUNTS), "roi_economic", "roi_total"):
            if not 0 <= getattr(self, column) < math.inf:
                found = f"{getattr(self, column):g}"
                raise InputError(f"{self.label}: {column} must be 0 or more, but is {found}.")
        _period_bounds(self.period, self.label)

    @property
    def label(self) -> str:
        """Region and year as a reader would write them: ``Daegu 2012``."""
        return f"{self.region.title()} {self.year}"

    @property
    def period_start(self) -> tuple[int, int]:
        """Year and month (1-12) in which the programme began."""
        return _period_bounds(self.period, self.label)[0]

    @property
    def period_end(self) -> tuple[int, int]:
        """Year and month (1-12) in which the programme ended, that month included."""
        return _period_bounds(self.period, self.label)[1]


@dataclass(frozen=True)
class PrintedTotals:
    """The last line of the table as printed; amounts in million KRW."""

    firms: int
    investment_mkrw: float
    direct_mkrw: float
    indirect_mkrw: float
    environmental_mkrw: float
    total_mkrw: float
    roi_economic: float
    roi_total: float
    label: str = "totals line"


@dataclass(frozen=True)
class QuotedFigure:
    """A yearly amount that the paper's text gives for the whole programme, in million KRW.

    ``column`` is the RegionYear field that it can be compared with.
    """

    name: str
    year: int
    column: str
    amount_mkrw: float


@dataclass(frozen=True)
class Correction:
    """Values that replace those printed for one region-year under ``reconciled``, and why."""

    region: str
    year: int
    direct_mkrw: float
    indirect_mkrw: float
    total_mkrw: float
    roi_economic: float
    roi_total: float
    reason: str


def clean_mkrw(amount_eok: float) -> float:
    """Million KRW from eok, rounded to the won so that 2.3 eok is 230.0 and not 229.99999999999997.

    Rounding to the won keeps whatever a table prints and removes only the residue of binary floats.
    """
    return round(mkrw_from_eok(amount_eok), _DECIMALS_TO_THE_WON)


# Source: 000, Table 4, last line.
PRINTED_TOTALS = PrintedTotals(
    firms=851,
    investment_mkrw=clean_mkrw(572.2),
    direct_mkrw=clean_mkrw(3053.6),
    indirect_mkrw=clean_mkrw(120.4),
    environmental_mkrw=clean_mkrw(15.0),
    total_mkrw=clean_mkrw(3189.0),
    roi_economic=5.3,
    roi_total=5.6,
)

# Source: 000, section 3.1, the sentence after Table 4.
TEXT_FIGURES = (
    QuotedFigure("invested_2011", 2011, "investment_mkrw", clean_mkrw(97.8)),
    QuotedFigure("returned_2011", 2011, "total_mkrw", clean_mkrw(543.6)),
)

# The one place in which a figure is changed.
CORRECTIONS = (
    Correction(
        region="incheon",
        year=2008,
        direct_mkrw=clean_mkrw(13.1),
        indirect_mkrw=clean_mkrw(2.4),
        total_mkrw=clean_mkrw(15.5),
        roi_economic=2.0,
        roi_total=2.3,
        reason=(
            "The row repeats the benefits and returns of 2007 although its investment differs, so "
            "its returns fit no rounding; with these values every printed column total is met. "
            "A likely misprint, inferred and not proven."
        ),
    ),
)


def table4(variant: Variant = "as_printed") -> tuple[RegionYear, ...]:
    """The 37 region-years in printed order, read once.

    ``as_printed`` is the paper's table; ``reconciled`` applies CORRECTIONS to it.
    Raises InputError for any other variant.
    """
    if variant not in VARIANTS:
        hint = did_you_mean(str(variant), VARIANTS)
        raise InputError(f"Table 4 has no variant '{variant}'{hint}")
    return _table4(variant)


@cache
def _table4(variant: Variant) -> tuple[RegionYear, ...]:
    lines = files("cpdiffusion.evidence").joinpath("table4.csv").read_text("utf-8").splitlines()
    rows = read_region_years(lines, "table4.csv")
    return rows if variant == "as_printed" else tuple(_corrected(row) for row in rows)


def table4_frame(variant: Variant = "as_printed") -> pd.DataFrame:
    """Table 4 as a data frame of 37 rows, one column per RegionYear field, amounts in million KRW.

    Dashes are 0.0 with True in ``direct_is_dash``, ``indirect_is_dash`` or
    ``environmental_is_dash``. Raises InputError for an unknown variant.
    """
    import pandas as pd

    return pd.DataFrame([_record(row) for row in table4(variant)])


def firms_by_region(rows: Iterable[RegionYear]) -> dict[str, int]:
    """Each region's number of participating firms: the largest cumulative count on its rows."""
    firms: dict[str, int] = {}
    for row in rows:
        firms[row.region] = max(row.firms_cumulative, firms.get(row.region, 0))
    return firms


def rows_by_region(rows: Iterable[RegionYear]) -> dict[str, list[RegionYear]]:
    """The rows of each region, regions and rows in the order in which they appear."""
    grouped: dict[str, list[RegionYear]] = {}
    for row in rows:
        grouped.setdefault(row.region, []).append(row)
    return grouped


def read_region_years(lines: Iterable[str], name: str) -> tuple[RegionYear, ...]:
    """Region-years from the lines of a CSV laid out as COLUMNS: amounts in eok, empty for a dash.

    ``name`` is the file's name, for messages. Raises InputError that names file and line for a
    missing or unknown column, a cell that is no number, or a region-year given twice.
    """
    reader = csv.DictReader(lines)
    _require_columns(reader.fieldnames or (), name)
    return tuple(_parsed(reader, name))


def _require_columns(found: Sequence[str], name: str) -> None:
    for column in COLUMNS:
        if column not in found:
            raise InputError(f"{name} line 1: column '{column}' is missing; add it.")
    for column in found:
        if column not in COLUMNS:
            hint = did_you_mean(column, COLUMNS)
            raise InputError(f"{name} line 1: unknown column '{column}'{hint}")


def _parsed(reader: csv.DictReader[str], name: str) -> Iterator[RegionYear]:
    lines: dict[tuple[str, int], int] = {}
    for cells in reader:
        try:
            yield _new(_row(cells), lines, reader.line_num)
        except InputError as problem:
            raise InputError(f"{name} line {reader.line_num}: {problem}") from None


def _new(row: RegionYear, lines: dict[tuple[str, int], int], line: int) -> RegionYear:
    """The row, its line noted; InputError if its region-year was there before."""
    first = lines.setdefault((row.region, row.year), line)
    if first != line:
        raise InputError(f"{row.label} is listed twice, first on line {first}; a region-year is one row.")
    return row


def _row(cells: dict[str, str]) -> RegionYear:
    # DictReader files surplus cells under None and fills absent ones with None.
    if len(cells) != len(COLUMNS) or None in cells.values():
        raise InputError(f"expected {len(COLUMNS)} cells, one for each column.")
    return RegionYear(
        region=_text(cells, "region").lower(),
        year=_whole(cells, "year"),
        firms_cumulative=_whole(cells, "firms_cumulative"),
        period=_text(cells, "period"),
        roi_economic=_number(cells, "roi_economic"),
        roi_total=_number(cells, "roi_total"),
        investment_mkrw=clean_mkrw(_number(cells, "investment_eok")),
        direct_mkrw=_benefit(cells, "direct_eok"),
        indirect_mkrw=_benefit(cells, "indirect_eok"),
        environmental_mkrw=_benefit(cells, "environmental_eok"),
        total_mkrw=clean_mkrw(_number(cells, "total_eok")),
        dashes=frozenset(f"{b}_mkrw" for b in BENEFITS if not cells[f"{b}_eok"].strip()),
    )


def _text(cells: dict[str, str], column: str) -> str:
    text = cells[column].strip()
    if not text:
        raise InputError(f"{column} is empty.")
    return text


def _benefit(cells: dict[str, str], column: str) -> float:
    return clean_mkrw(_number(cells, column)) if cells[column].strip() else 0.0


def _number(cells: dict[str, str], column: str) -> float:
    text = _text(cells, column)
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{column} must be a number such as 12.5, but is '{text}'.") from None


def _whole(cells: dict[str, str], column: str) -> int:
    text = _text(cells, column)
    if not (text.isascii() and text.isdigit()):
        raise InputError(f"{column} must be a whole number such as 2012, but is '{text}'.")
    return int(text)


def _period_bounds(period: str, label: str) -> tuple[tuple[int, int], tuple[int, int]]:
    match = _PERIOD.fullmatch(period)
    if match is None:
        raise InputError(f"{label}: period must look like 2007.7-2012.6, but is '{period}'.")
    begin_year, begin_month, end_year, end_month = map(int, match.groups())
    if (end_year, end_month) < (begin_year, begin_month):
        raise InputError(f"{label}: period '{period}' ends before it begins.")
    return (begin_year, begin_month), (end_year, end_month)


def _corrected(row: RegionYear) -> RegionYear:
    for correction in CORRECTIONS:
        if (correction.region, correction.year) == (row.region, row.year):
            changes = asdict(correction)
            del changes["reason"]
            return replace(row, **changes)
    return row


def _record(row: RegionYear) -> dict[str, object]:
    record = asdict(row)
    dashes = record.pop("dashes")
    return record | {f"{benefit}_is_dash": f"{benefit}_mkrw" in dashes for benefit in BENEFITS}
