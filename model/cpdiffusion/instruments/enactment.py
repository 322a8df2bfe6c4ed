"""How an instrument is enacted: how strongly, when and where."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Enactment(BaseModel):
    """One instrument in a scenario. At strength 0 it is as if it were not there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    strength: float = Field(1.0, ge=0, le=1, description="1 is what the registry's numbers say")
    first_year: int = Field(1, ge=1, le=100, description="year in which it starts")
    years: int | None = Field(None, ge=1, le=100, description="how long it lasts (empty: to the end)")
    regions: tuple[str, ...] | None = Field(None, min_length=1, description="where (empty: everywhere)")
    sectors: tuple[str, ...] | None = Field(None, min_length=1, description="for whom (empty: all sectors)")


Enactments = tuple[tuple[str, Enactment], ...]  # by name, in alphabetical order


def in_order(enacted: dict[str, Enactment]) -> Enactments:
    """Instruments that do something, in one order whatever the order in which they were named."""
    return tuple((name, enacted[name]) for name in sorted(enacted) if enacted[name].strength > 0.0)
