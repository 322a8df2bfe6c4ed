"""The settings of ``study=portfolio``."""

from __future__ import annotations

from pydantic import Field

from cpdiffusion.studies.part import Part, Words


class PortfolioSettings(Part):
    """Which combinations of instruments are tried, and what they may cost together."""

    instruments: Words | None = Field(min_length=1, description="empty: all that fit the base")
    largest: int = Field(ge=1, description="instruments in one combination")
    budget_mkrw: float | None = Field(
        gt=0, allow_inf_nan=False, description="public money per region over the run; empty: the base's"
    )
    replicates: int = Field(ge=2, le=100_000)
