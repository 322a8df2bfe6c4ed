"""The settings of ``study=calibrate``."""

from __future__ import annotations

from pydantic import Field

from cpdiffusion.studies.part import Part, Words


class CalibrateSettings(Part):
    """What is calibrated to what, and how thoroughly."""

    parameters: Words | None = Field(min_length=1, max_length=40, description="empty: the usual twelve")
    leave_out: Words = Field(description="targets that are not to be met")
    population: int = Field(ge=10, le=100_000, description="accepted candidates per generation")
    histories: int = Field(ge=1, le=1000, description="over which a candidate's patterns are averaged")
    firms_per_region: int = Field(ge=200, le=5000)
    plantings: int = Field(ge=2, le=10_000, description="of study=recover")
