"""The seven regions of Table 4 as presets, and what each is assumed to be made of."""

from __future__ import annotations

from dataclasses import dataclass

from cpdiffusion.errors import InputError, did_you_mean

SECTORS = (
    "food", "textiles", "chemicals", "metals", "fabricated_metal", "electronics", "machinery", "vehicles",
)  # fmt: skip


@dataclass(frozen=True)
class Region:
    """A region: its names and the sectors that are more frequent there (assumed, no source)."""

    id: str
    name: str
    name_ko: str
    key_sectors: tuple[str, ...]


REGIONS: dict[str, Region] = {
    region.id: region
    for region in (
        Region("busan", "Busan", "부산", ("machinery", "vehicles")),
        Region("incheon", "Incheon", "인천", ("machinery", "metals")),
        Region("daegu", "Daegu", "대구", ("textiles", "fabricated_metal")),
        Region("ulsan", "Ulsan", "울산", ("vehicles", "chemicals")),
        Region("daejeon", "Daejeon", "대전", ("electronics", "chemicals")),
        Region("ansan", "Ansan", "안산", ("electronics", "fabricated_metal")),
        Region("gwangju", "Gwangju", "광주", ("vehicles", "electronics")),
    )
}


def region(name: str) -> Region:
    """A preset by its ASCII id; InputError with a suggestion when there is none."""
    if name not in REGIONS:
        raise InputError(f"region={name}: no such region{did_you_mean(name, REGIONS)}")
    return REGIONS[name]
