"""Numbers as the summaries write them."""

from __future__ import annotations

import math


def amount(value: float) -> str:
    """A number with separators; small ones with three digits; – if unknown."""
    if not math.isfinite(value):
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def percent(share: float) -> str:
    """A share in per cent, with a blank before the sign."""
    return f"{100.0 * share:.0f} %"
