"""The audit of Table 4: each printed figure against the rows and rules that it should follow.

The checks know nothing of this particular table; they run on any region-years. Sums and ratios are
taken in decimal, so that a printed 6.3 for 6.25 is not lost to binary floats. Amounts appear here
in eok (100 million KRW), as printed, so that a reader finds them in the paper.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations

from cpdiffusion.evidence.table4 import (
    AMOUNTS,
    BENEFITS,
    PRINTED_TOTALS,
    STATED_COHORT_FIRMS,
    TEXT_FIGURES,
    PrintedTotals,
    QuotedFigure,
    RegionYear,
    Variant,
    firms_by_region,
    rows_by_region,
    table4,
)
from cpdiffusion.units import eok_from_mkrw

_ROIS = {"roi_economic": "direct", "roi_total": "total"}  # column -> what it divides by investment
_ROI_NAMES = {"roi_economic": "economic ROI", "roi_total": "total ROI"}
_NUMBER_FORMATS = {"eok": ",.1f", "ROI": ",.2f", "firms": ",.0f", "year": ".0f", "years": ".0f"}
_WIDTH = 108


@dataclass(frozen=True)
class Finding:
    """One disagreement. ``difference`` is ``recomputed`` minus ``printed``, in ``unit``.

    ``check`` is one of row_total, rounded_roi, repeated_row, missing_years, outside_period,
    cohort_size, column_total, firms_count, text_against_table. ``unit`` is eok, ROI, firms, year
    or years.
    """

    check: str
    where: str
    printed: float
    recomputed: float
    difference: float
    unit: str
    remark: str


@dataclass(frozen=True)
class TotalUnderVariants:
    """A printed total beside the same total recomputed from the rows of both variants."""

    column: str
    unit: str
    printed: float
    as_printed: float
    reconciled: float
    matches_as_printed: bool
    matches_reconciled: bool


def audit(variant: Variant = "as_printed") -> tuple[Finding, ...]:
    """Every disagreement in Table 4, its totals line and the figures in the paper's text.

    Raises InputError for an unknown variant.
    """
    return audit_rows(table4(variant), PRINTED_TOTALS, TEXT_FIGURES)


def audit_rows(
    rows: Sequence[RegionYear],
    totals: PrintedTotals | None = None,
    quoted: Iterable[QuotedFigure] = (),
    cohort_firms: tuple[int, int] = STATED_COHORT_FIRMS,
) -> tuple[Finding, ...]:
    """The same checks on any table; without ``totals`` or ``quoted`` theirs are left out.

    ``cohort_firms`` is the smallest and largest number of firms that one row should stand for.
    """
    lines = _lines(rows, totals)
    return (
        *check_row_totals(lines),
        *check_rounded_rois(lines),
        *check_repeated_rows(rows),
        *check_missing_years(rows),
        *check_rows_outside_period(rows),
        *check_cohort_sizes(rows, cohort_firms),
        *(() if totals is None else check_column_totals(rows, totals)),
        *check_text_against_table(rows, quoted),
    )


def check_row_totals(lines: Iterable[RegionYear | PrintedTotals]) -> Iterator[Finding]:
    """The total of a line is the sum of its three benefits."""
    for line in lines:
        recomputed = sum((_eok(line, benefit) for benefit in BENEFITS), Decimal(0))
        if recomputed != _eok(line, "total"):
            remark = "The direct, indirect and environmental benefits do not add up to the total."
            where = f"{line.label}, total"
            yield _finding("row_total", where, _eok(line, "total"), recomputed, "eok", remark)


def check_rounded_rois(lines: Sequence[RegionYear | PrintedTotals]) -> Iterator[Finding]:
    """A printed return is benefit / investment, off by no more than half its last digit."""
    for column, benefit in _ROIS.items():
        # A column has one precision: "5" among "4.9" and "5.1" stands for 5.0.
        half = _half_digit(_roi(line, column) for line in lines)
        amount_half = _half_digit(_eok(line, amount) for line in lines for amount in AMOUNTS)
        for line in lines:
            printed, recomputed = _roi(line, column), _ratio(line, benefit)
            if abs(recomputed - printed) > half:
                explained = _rounding_explains(line, benefit, printed, half, amount_half)
                where = f"{line.label}, {_ROI_NAMES[column]}"
                remark = _roi_remark(line, benefit, explained)
                yield _finding("rounded_roi", where, printed, recomputed, "ROI", remark)


def check_repeated_rows(rows: Iterable[RegionYear]) -> Iterator[Finding]:
    """Two years of a region hardly share all three benefits to the last digit."""
    for listed in rows_by_region(rows).values():
        for earlier, later in combinations(listed, 2):
            if all(_eok(earlier, benefit) == _eok(later, benefit) for benefit in BENEFITS):
                where = f"{later.label}, benefits"
                printed, before = _eok(later, "total"), _eok(earlier, "total")
                remark = _repeat_remark(earlier, later)
                yield _finding("repeated_row", where, printed, before, "eok", remark)


def check_missing_years(rows: Sequence[RegionYear]) -> Iterator[Finding]:
    """Every full programme year up to the table's last year has its row.

    A programme year starts in the month in which the period starts and carries the year in which
    it begins; the months that remain at the end of a period are not counted as one.
    """
    last = max((row.year for row in rows), default=0)
    for region, listed in rows_by_region(rows).items():
        expected = [year for year in _programme_years(listed[0]) if year <= last]
        missing = sorted(set(expected) - {row.year for row in listed})
        if missing:
            where = f"{region.title()}, rows"
            remark = (
                f"The period {listed[0].period} covers {_years(missing)}, which the table leaves "
                "out, while the number of firms may include them."
            )
            present = len(expected) - len(missing)
            yield _finding("missing_years", where, len(expected), present, "years", remark)


def check_rows_outside_period(rows: Iterable[RegionYear]) -> Iterator[Finding]:
    """No row lies in a calendar year before the printed period begins or after it has ended."""
    for row in rows:
        first, last = row.period_start[0], row.period_end[0]
        nearest = min(max(row.year, first), last)
        if row.year != nearest:
            remark = f"The period {row.period} does not reach {row.year}, which has a row."
            where = f"{row.label}, period"
            yield _finding("outside_period", where, nearest, row.year, "year", remark)


def check_cohort_sizes(rows: Sequence[RegionYear], cohort_firms: tuple[int, int]) -> Iterator[Finding]:
    """Firms per listed row lie within the stated size of a cohort."""
    firms = firms_by_region(rows)
    for region, listed in rows_by_region(rows).items():
        size = Decimal(firms[region]) / len(listed)
        stated = min(max(size, Decimal(cohort_firms[0])), Decimal(cohort_firms[1]))
        if size != stated:
            where = f"{region.title()}, firms per row"
            years = "1 listed year" if len(listed) == 1 else f"{len(listed)} listed years"
            remark = (
                f"{firms[region]} firms over {years} lies outside the stated cohort of "
                f"{cohort_firms[0]} to {cohort_firms[1]} firms{_later_cohorts(listed)}."
            )
            yield _finding("cohort_size", where, stated, size, "firms", remark)


def check_column_totals(rows: Sequence[RegionYear], totals: PrintedTotals) -> Iterator[Finding]:
    """The totals line is the sum of the rows; its returns are those of the summed amounts."""
    for column, unit, printed, recomputed, tolerance in _column_sums(rows, totals):
        if abs(recomputed - printed) > tolerance:
            check = "firms_count" if unit == "firms" else "column_total"
            remark = f"The {len(rows)} rows do not yield the {column} figure of the totals line."
            where = f"{totals.label}, {column}"
            yield _finding(check, where, printed, recomputed, unit, remark)


def check_text_against_table(rows: Sequence[RegionYear], quoted: Iterable[QuotedFigure]) -> Iterator[Finding]:
    """A yearly figure quoted in the text is the sum of that year's rows."""
    for figure in quoted:
        amount = figure.column.removesuffix("_mkrw")
        printed = _decimal_eok(figure.amount_mkrw)
        recomputed = sum((_eok(r, amount) for r in rows if r.year == figure.year), Decimal(0))
        if recomputed != printed:
            where = f"text for {figure.year}, {amount}"
            remark = _text_remark(rows, figure.year)
            yield _finding("text_against_table", where, printed, recomputed, "eok", remark)


def reconciliation() -> tuple[TotalUnderVariants, ...]:
    """Which printed totals the rows meet, as printed and reconciled; returns to printed digits."""
    printed_rows = _column_sums(table4("as_printed"), PRINTED_TOTALS)
    reconciled_rows = _column_sums(table4("reconciled"), PRINTED_TOTALS)
    return tuple(
        TotalUnderVariants(
            column=column,
            unit=unit,
            printed=float(printed),
            as_printed=float(before),
            reconciled=float(after),
            matches_as_printed=abs(before - printed) <= tolerance,
            matches_reconciled=abs(after - printed) <= tolerance,
        )
        for (column, unit, printed, before, tolerance), (_, _, _, after, _) in zip(
            printed_rows, reconciled_rows, strict=True
        )
    )


def format_findings(findings: Sequence[Finding]) -> str:
    """The findings as plain text for a terminal of 110 columns, each with its remark beneath."""
    if not findings:
        return "No findings: every check agrees with the printed figures."
    head = ("check", "where", "printed", "recomputed", "difference", "unit")
    table = [head, *(_cells(finding) for finding in findings)]
    widths = [max(len(line[i]) for line in table) for i in range(len(head))]
    lines = [_aligned(line, widths) for line in table]
    remarks = ["-" * max(map(len, lines)), *(_indented(finding.remark) for finding in findings)]
    return "\n".join(text for pair in zip(lines, remarks, strict=True) for text in pair)


def _cells(finding: Finding) -> tuple[str, ...]:
    number = _NUMBER_FORMATS[finding.unit]
    return (
        finding.check,
        finding.where,
        format(finding.printed, number),
        format(finding.recomputed, number),
        format(finding.difference, f"+{number}") if finding.difference else "0",
        finding.unit,
    )


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    left = [cell.ljust(width) for cell, width in zip(cells[:2], widths[:2], strict=True)]
    right = [cell.rjust(width) for cell, width in zip(cells[2:5], widths[2:5], strict=True)]
    return "  ".join([*left, *right, cells[5]])


def _indented(remark: str) -> str:
    return textwrap.fill(remark, _WIDTH, initial_indent="    ", subsequent_indent="    ")


def _lines(rows: Sequence[RegionYear], totals: PrintedTotals | None) -> list[RegionYear | PrintedTotals]:
    return [*rows] if totals is None else [*rows, totals]


def _finding(
    check: str,
    where: str,
    printed: Decimal | int,
    recomputed: Decimal | int,
    unit: str,
    remark: str,
) -> Finding:
    difference = float(recomputed - printed)
    return Finding(check, where, float(printed), float(recomputed), difference, unit, remark)


def _decimal_eok(amount_mkrw: float) -> Decimal:
    # The shortest text of the float is the figure as printed; its binary expansion is not.
    return Decimal(str(float(eok_from_mkrw(amount_mkrw))))


def _eok(line: RegionYear | PrintedTotals, amount: str) -> Decimal:
    return _decimal_eok(getattr(line, f"{amount}_mkrw"))


def _roi(line: RegionYear | PrintedTotals, column: str) -> Decimal:
    return Decimal(str(float(getattr(line, column))))


def _ratio(line: RegionYear | PrintedTotals, benefit: str) -> Decimal:
    return _eok(line, benefit) / _eok(line, "investment")


def _half_digit(printed: Iterable[Decimal]) -> Decimal:
    """Half a unit in the last decimal place that any of the figures uses."""
    return min((Decimal((0, (5,), _exponent(figure) - 1)) for figure in printed), default=Decimal(0))


def _exponent(figure: Decimal) -> int:
    exponent = figure.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def _rounding_explains(
    line: RegionYear | PrintedTotals,
    benefit: str,
    printed: Decimal,
    half: Decimal,
    amount_half: Decimal,
) -> bool:
    """Whether unrounded amounts exist that print as these do and give the printed return."""
    gain, investment = _eok(line, benefit), _eok(line, "investment")
    lowest = (gain - amount_half) / (investment + amount_half)
    # Never 0: an investment is at least one whole last digit.
    highest = (gain + amount_half) / (investment - amount_half)
    return lowest <= printed + half and printed - half <= highest


def _roi_remark(line: RegionYear | PrintedTotals, benefit: str, explained: bool) -> str:
    ratio = f"{benefit} / investment = {_eok(line, benefit)} / {_eok(line, 'investment')}"
    cause = (
        "is printed otherwise, though amounts rounded in the same way could give it"
        if explained
        else "is printed otherwise, by more than any rounding of the amounts allows"
    )
    return f"{ratio} {cause}."


def _repeat_remark(earlier: RegionYear, later: RegionYear) -> str:
    before, now = _eok(earlier, "investment"), _eok(later, "investment")
    invested = (
        f"although {now} instead of {before} eok was invested"
        if now != before
        else f"and so is the investment of {now} eok"
    )
    return f"All three benefits are those of {earlier.year}, {invested}."


def _text_remark(rows: Sequence[RegionYear], year: int) -> str:
    silent = [
        region.title()
        for region, listed in rows_by_region(rows).items()
        if year in _programme_years(listed[0]) and year not in {row.year for row in listed}
    ]
    if not silent:
        return f"The rows of {year} give another sum than the text, and no region lacks its row."
    return (
        f"The rows of {year} give another sum than the text; {', '.join(silent)} was under way "
        "without a row, which may be the difference."
    )


def _later_cohorts(listed: Sequence[RegionYear]) -> str:
    end_year, end_month = listed[0].period_end
    if end_year <= max(row.year for row in listed):
        return ""
    return f"; the period runs to {end_year}.{end_month}, so later cohorts may be counted"


def _programme_years(row: RegionYear) -> range:
    """Years in which a full programme year began; a period below twelve months counts as one."""
    (first, first_month), (last, last_month) = row.period_start, row.period_end
    months = (last - first) * 12 + last_month - first_month + 1
    return range(first, first + max(1, months // 12))


def _years(years: Sequence[int]) -> str:
    unbroken = len(years) > 2 and years[-1] - years[0] == len(years) - 1
    return f"{years[0]} to {years[-1]}" if unbroken else ", ".join(map(str, years))


def _column_sums(
    rows: Sequence[RegionYear], totals: PrintedTotals
) -> Iterator[tuple[str, str, Decimal, Decimal, Decimal]]:
    """Column, unit, printed total, total of the rows, and the difference that rounding allows."""
    exact = Decimal(0)
    firms = Decimal(sum(firms_by_region(rows).values()))
    yield "firms", "firms", Decimal(totals.firms), firms, exact
    sums = {amount: sum((_eok(row, amount) for row in rows), exact) for amount in AMOUNTS}
    for amount in AMOUNTS:
        yield amount, "eok", _eok(totals, amount), sums[amount], exact
    for column, benefit in _ROIS.items():
        half = _half_digit(_roi(line, column) for line in _lines(rows, totals))
        roi = sums[benefit] / sums["investment"] if rows else exact
        yield _ROI_NAMES[column], "ROI", _roi(totals, column), roi, half
