"""How often audited plants carried out what was recommended, by payback.

Recommendations of 1981 to 2000 to small and medium US manufacturers, aggregated from the database of
the Industrial Assessment Centers of the US Department of Energy (see SOURCES.md). They are single
measures, about seven to a plant.
"""

from __future__ import annotations

import csv
import functools
import math
from pathlib import Path
from typing import NamedTuple

FILE = Path(__file__).with_name("audits.csv")
# Beyond, few are recommended and more of them are done than in between: such advice was chosen for
# other reasons than its payback.
LONGEST_PAYBACK_YEARS = 5.0


class Audited(NamedTuple):
    """One class of paybacks."""

    payback_years: float  # typical of the class: the geometric mean of its ends, half of the first end
    recommendations: int
    adopted: int

    @property
    def rate(self) -> float:
        """Share of the recommendations that was carried out."""
        return self.adopted / self.recommendations

    @property
    def standard_error(self) -> float:
        """Of the rate, as if recommendations were independent."""
        return math.sqrt(self.rate * (1.0 - self.rate) / self.recommendations)


@functools.cache
def audited() -> tuple[Audited, ...]:
    """Classes up to LONGEST_PAYBACK_YEARS, shortest payback first."""
    with FILE.open(encoding="utf-8", newline="") as lines:
        rows = [(row["payback_years"], row) for row in csv.DictReader(lines)]
    classes = [(tuple(map(float, ends.split("-"))), row) for ends, row in rows if "-" in ends]
    return tuple(
        Audited(math.sqrt(low * high) if low else high / 2, int(row["recommendations"]), int(row["adopted"]))
        for (low, high), row in classes
        if high <= LONGEST_PAYBACK_YEARS
    )
