"""Parts of the settings, and what several of them are made of."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict
from pydantic_core import PydanticCustomError

from cpdiffusion.errors import did_you_mean
from cpdiffusion.outcomes.catalogue import CATALOGUE

SMALLEST_COHORT = 2


class Part(BaseModel):
    """Settings that belong together; they do not change, and hold nothing that is not known."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def one_is_a_list_too(value: Any) -> Any:
    """A single word as a list of it."""
    return [value] if isinstance(value, str) else value


def an_outcome(name: str) -> str:
    """An outcome of the catalogue."""
    if name not in CATALOGUE:
        raise PydanticCustomError("no_outcome", "must be an outcome{hint}", {"hint": _hint(name)})
    return name


def outcomes(names: list[str]) -> list[str]:
    """Outcomes of the catalogue."""
    for name in names:
        if name not in CATALOGUE:
            raise PydanticCustomError("no_outcome", "must be outcomes{hint}", {"hint": _hint(name)})
    return names


def _hint(name: str) -> str:
    return did_you_mean(name, CATALOGUE).rstrip(".?")


Words = Annotated[list[str], BeforeValidator(one_is_a_list_too)]
AnOutcome = Annotated[str, AfterValidator(an_outcome)]
Outcomes = Annotated[list[str], BeforeValidator(one_is_a_list_too), AfterValidator(outcomes)]
