"""The levers of a policy scenario, as a planner sets them: names, units, ranges, meanings."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Support = Literal["none", "individual", "cluster"]
Targeting = Literal[
    "random", "violators", "hazardous", "exporters", "key_sectors", "connected", "small", "large"
]

LARGEST_COHORT = 1000


class Levers(BaseModel):
    """One policy design. Everything at zero is no policy."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    support: Support = Field("none", description="no programme, firms one by one, or cohorts")
    cohort_size: int = Field(25, ge=2, le=LARGEST_COHORT, description="firms supported together")
    subsidy_rate: float = Field(0.0, ge=0, le=1, description="share of the investment that is paid")
    integrated_safety: float = Field(
        0.0, ge=0, le=1, description="strength of safety support given with the environmental visit"
    )
    publishes_results: bool | None = Field(
        None, description="publish average results to the region (empty: cohorts do, others do not)"
    )
    targeting: Targeting = Field("random", description="which eligible firms come first")
    adviser_skill: float = Field(1.0, ge=0.25, le=2, description="1 is the reference adviser")
    adviser_capacity_firms_per_quarter: int | None = Field(
        None, ge=1, description="diagnoses that advisers can make per region (empty: no limit)"
    )
    budget_mkrw_per_year: float = Field(
        600.0, ge=0, le=1e7, description="public money per region and programme year"
    )
    programme_years: int = Field(5, ge=0, le=100, description="years in which the budget is granted")
    first_year: int = Field(1, ge=1, le=100, description="year in which the programme starts")
