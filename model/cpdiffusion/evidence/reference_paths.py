"""Paths that the smart green complexes are to follow (003), to be shown beside a simulation.

Source: press article of 2021-12-17 on the government's plan for seven smart green industrial
complexes. Each path is a reported start and a target; the line between them is ours.
"""

from __future__ import annotations

from typing import NamedTuple


class ReferencePath(NamedTuple):
    """From a reported share in one year to a target in another."""

    name: str
    first_year: int
    first_share: float
    last_year: int
    last_share: float

    @property
    def years(self) -> int:
        """Length of the path."""
        return self.last_year - self.first_year


REFERENCE_PATHS = (
    ReferencePath("smart factories, share of firms", 2019, 0.05, 2022, 0.15),  # 1,921 to 5,250 firms
    ReferencePath("renewable share of electricity", 2020, 0.006, 2025, 0.10),
    ReferencePath("gain in energy efficiency", 2020, 0.0, 2025, 0.16),
)
