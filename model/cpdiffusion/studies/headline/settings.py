"""The settings of ``study=headline``."""

from __future__ import annotations

from itertools import pairwise

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from cpdiffusion.policy.levers import LARGEST_COHORT
from cpdiffusion.studies.part import SMALLEST_COHORT, Part


class HeadlineSettings(Part):
    """At which cohort sizes the headline finding is looked at."""

    cohort_sizes: list[int] = Field(description="firms per cohort, two sizes or more, ascending")

    @field_validator("cohort_sizes")
    @classmethod
    def _ascend(cls, value: list[int]) -> list[int]:
        if len(value) < 2:
            raise PydanticCustomError("too_few", "must hold two cohort sizes or more, as in [10,25]")
        if not (value[0] >= SMALLEST_COHORT and value[-1] <= LARGEST_COHORT):
            raise PydanticCustomError(
                "no_size", f"must hold cohort sizes from {SMALLEST_COHORT} to {LARGEST_COHORT} firms"
            )
        if any(after <= before for before, after in pairwise(value)):
            raise PydanticCustomError("order", "must ascend, each cohort size once")
        return value
