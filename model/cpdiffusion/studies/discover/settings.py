"""The settings of ``study=discover``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from cpdiffusion.policy.levers import LARGEST_COHORT
from cpdiffusion.studies.part import SMALLEST_COHORT, AnOutcome, Part


class DiscoverSettings(Part):
    """Under which conditions something holds: the question, and how boxes are looked for."""

    question: Literal["individual_wins", "unclear", "size_indifferent", "difference", "level"]
    outcome: AnOutcome | None = Field(description="empty: additional adopters")
    above: float | None = Field(allow_inf_nan=False, description="of question=difference or level")
    below: float | None = Field(allow_inf_nan=False, description="of question=difference or level")
    surely: bool = Field(description="by the 90 % interval (else by the mean)")
    within: float = Field(
        ge=0, allow_inf_nan=False, description="what hardly matters, in units of the outcome"
    )
    cohort_sizes: list[int] | None = Field(min_length=2, description="empty: the scenarios as they are")
    results: Path | None = Field(description="of a finished sweep; nothing is run then")
    density: float = Field(gt=0, lt=1, description="share of the points in a box at which it is to hold")
    peel: float = Field(gt=0, le=0.2, description="share of the points that one step takes off a box")
    least_mass: float = Field(gt=0, lt=0.5, description="share of all points that a box must hold")
    boxes: int = Field(ge=1, le=20, description="at most")
    resamples: int = Field(ge=0, le=10_000, description="that tell how stable the choice of factors is")

    @field_validator("cohort_sizes")
    @classmethod
    def _are_sizes(cls, value: list[int] | None) -> list[int] | None:
        if value and (
            len(set(value)) < len(value) or not SMALLEST_COHORT <= min(value) <= max(value) <= LARGEST_COHORT
        ):
            raise PydanticCustomError(
                "no_size",
                f"must hold cohort sizes from {SMALLEST_COHORT} to {LARGEST_COHORT} firms, each once",
            )
        return value
