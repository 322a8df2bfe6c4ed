"""The settings of ``study=sensitivity``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from cpdiffusion.studies.part import AnOutcome, Part


class SensitivitySettings(Part):
    """Which settings are varied is for ``factors``; how, and how thoroughly, is said here."""

    method: Literal["staged", "oat", "morris", "sobol"]
    most: int = Field(ge=1, le=1000, description="of staged: factors that Morris hands on to Sobol")
    trajectories: int = Field(ge=4, le=100_000, description="of Morris, each of factors + 1 points")
    base_samples: int = Field(ge=16, le=2**20, description="of Sobol, each of factors + 2 points")
    second_order: bool = Field(description="Sobol: also of every two factors together")
    replicates: int = Field(ge=2, le=100_000, description="at every point; two or more tell chance apart")
    outcome: AnOutcome
    dry_run: bool = Field(description="only say how many runs and how long")

    @field_validator("base_samples")
    @classmethod
    def _is_a_power_of_two(cls, value: int) -> int:
        if value & (value - 1):
            raise PydanticCustomError("no_power", "must be a power of 2, such as 256 or 512")
        return value
