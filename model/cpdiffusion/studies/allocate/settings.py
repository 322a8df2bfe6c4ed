"""The settings of ``study=allocate``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from cpdiffusion.studies.part import Part


class AllocateSettings(Part):
    """What is split over regions, what is to be gained, and how thoroughly it is looked at."""

    budget_mkrw_per_year: float | None = Field(
        gt=0, allow_inf_nan=False, description="public money a year for all; empty: the scenario's for each"
    )
    benefit: Literal["adopters", "total_benefit"] = Field(description="what the split is to gain most of")
    today: Literal["investment", "firms"] = Field(description="what of Table 4 stands for today's split")
    least_mkrw_per_year: float = Field(
        ge=0, allow_inf_nan=False, description="that every region gets of the splits found"
    )
    unsure_regions: bool = Field(
        description="draw how regions differ from what their few rows leave open, or hold it at its estimate"
    )
    draws: int = Field(ge=2, le=10_000, description="of the parameters, to choose by")
    held_out_draws: int = Field(ge=2, le=10_000, description="others, to judge the choice by")
