"""The settings of ``study=sweep``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from cpdiffusion.studies.part import Outcomes, Part


class SweepSettings(Part):
    """At which points a sweep looks, and how often."""

    design: Literal["grid", "list", "lhs", "sobol"] | None = Field(
        description="empty: a grid where every factor lists its values, else a Sobol sequence"
    )
    points: int = Field(ge=1, le=10_000_000, description="of a Latin hypercube or a Sobol sequence")
    levels: int = Field(ge=2, le=10_000, description="of a range in a grid")
    file: Path | None = Field(description="points of the user's own (.csv) in place of a design")
    replicates: int = Field(
        ge=1, le=1_000_000, description="at every point, paired over points and scenarios"
    )
    outcomes: Outcomes | None = Field(min_length=1, description="that are kept; empty: all")
    dry_run: bool = Field(description="only say how many runs, how long and how much room")
