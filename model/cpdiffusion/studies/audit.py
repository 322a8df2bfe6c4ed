"""``study=audit``: what is wrong, odd or unexplained in Table 4."""

from __future__ import annotations

import textwrap

from cpdiffusion.evidence.audit import audit, format_findings, reconciliation
from cpdiffusion.evidence.table4 import CORRECTIONS, Variant
from cpdiffusion.units import eok_from_mkrw


def print_audit(variant: Variant) -> None:
    """Print every discrepancy, and which printed totals each variant of the table meets."""
    print(f"Table 4, {variant.replace('_', ' ')}\n")
    print(format_findings(audit(variant)))
    print("\nPrinted totals against the rows, as printed and reconciled:")
    for total in reconciliation():
        print(
            f"  {total.column:<14}{_figure(total.printed, total.unit):>9} {total.unit:<6}"
            f"as printed {_figure(total.as_printed, total.unit):>9} {_mark(total.matches_as_printed):<8}"
            f"reconciled {_figure(total.reconciled, total.unit):>9} {_mark(total.matches_reconciled)}"
        )
    print("\nReconciled means:")
    for correction in CORRECTIONS:
        print(
            textwrap.fill(
                f"{correction.region.title()} {correction.year}: "
                f"direct {eok_from_mkrw(correction.direct_mkrw):g}, "
                f"indirect {eok_from_mkrw(correction.indirect_mkrw):g}, "
                f"total {eok_from_mkrw(correction.total_mkrw):g} eok, "
                f"ROI {correction.roi_economic} and {correction.roi_total}. {correction.reason}",
                100,
                initial_indent="  ",
                subsequent_indent="  ",
            )
        )


def _mark(matches: bool) -> str:
    return "matches" if matches else "differs"


def _figure(value: float, unit: str) -> str:
    return f"{value:,.0f}" if unit == "firms" else f"{value:,.2f}" if unit == "ROI" else f"{value:,.1f}"
