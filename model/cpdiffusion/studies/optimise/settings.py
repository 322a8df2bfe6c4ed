"""The settings of ``study=optimise``."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from cpdiffusion.studies.optimise.aims import aim_sign
from cpdiffusion.studies.part import Outcomes, Part


class OptimiseSettings(Part):
    """What a search for policies aims at, over which levers, and how long it goes on."""

    aims: Outcomes = Field(description="outcomes, two or more; the first two are the main ones")
    robust: Literal["mean", "regret", "satisficing"]
    thresholds: dict[str, float] = Field(description="of aims: good enough; else the first scenario's level")
    usual_factors: dict[str, Any] = Field(description="what varies where factors is empty")
    population: int = Field(ge=4, le=10_000, description="candidates per generation")
    generations: int = Field(ge=1, le=100_000)
    front: int = Field(ge=2, le=10_000, description="policies of the front that are told, at most")
    draws: int = Field(ge=2, le=100_000, description="of the parameters, the same for every candidate")
    held_out_draws: int = Field(ge=2, le=100_000, description="on which the front is evaluated again")

    @field_validator("aims")
    @classmethod
    def _can_be_aimed_at(cls, value: list[str]) -> list[str]:
        for name in value:
            if not aim_sign(name):
                raise PydanticCustomError(
                    "no_aim", "{name} is neither better high nor low; aim at another", {"name": name}
                )
        if len(value) < 2 or len(set(value)) < len(value):
            raise PydanticCustomError("too_few", "must name two aims or more, each once")
        return value

    @field_validator("thresholds")
    @classmethod
    def _are_of_aims(cls, value: dict[str, float], known: ValidationInfo) -> dict[str, float]:
        for name in value:
            if name not in (aims := known.data.get("aims", [name])):
                raise PydanticCustomError(
                    "no_aim_of_it", "{name} is no aim; the aims are {aims}, set optimise.aims to change them",
                    {"name": name, "aims": ", ".join(aims)},
                )  # fmt: skip
        return value
