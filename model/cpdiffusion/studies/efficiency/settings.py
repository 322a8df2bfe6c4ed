"""The settings of ``study=efficiency``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from cpdiffusion.studies.part import Part, Words


class EfficiencySettings(Part):
    """Which units are compared, and how."""

    file: Path | None = Field(description="the user's own table (.csv) in place of Table 4")
    unit: str | None = Field(description="its column of names")
    inputs: Words | None = Field(min_length=1, description="its columns that are put in")
    outputs: Words | None = Field(min_length=1, description="its columns that come out")
    period: str | None = Field(description="its column of years, if units are there more than once")
    orientation: Literal["output", "input"] = Field(
        description="peers, slacks, intervals and changes: more from the same, or the same with less"
    )
    window: int = Field(ge=1, le=100, description="years in a window")
    bootstrap: int = Field(ge=50, le=100_000, description="replicates behind each interval")
