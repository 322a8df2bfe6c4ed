"""Whether the instruments of a scenario exist, fit the world and do not contradict each other."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from cpdiffusion.errors import InputError, did_you_mean
from cpdiffusion.instruments.catalogue import CATALOGUE
from cpdiffusion.instruments.enactment import Enactment, Enactments
from cpdiffusion.parameters import Parameters
from cpdiffusion.world.regions import REGIONS, SECTORS


def require_known(scenario: str, names: Mapping[str, Enactment]) -> None:
    """InputError for an instrument that does not exist."""
    for name in names:
        if name not in CATALOGUE:
            raise InputError(f"{scenario}: there is no instrument '{name}'{did_you_mean(name, CATALOGUE)}")


def check_enacted(
    scenario: str,
    enacted: Enactments,
    regions: Sequence[str],
    sectors: Sequence[str],
    horizon_years: int,
) -> None:
    """InputError for a place, a sector or a year that the world or the run does not have."""
    for name, enactment in enacted:
        where = f"{scenario}: {name}"
        _require_among(
            f"{where}.regions", enactment.regions, regions, dict.fromkeys((*regions, *REGIONS)), "region"
        )
        _require_among(
            f"{where}.sectors", enactment.sectors, sectors, dict.fromkeys((*sectors, *SECTORS)), "sector"
        )
        if enactment.first_year > horizon_years:
            raise InputError(
                f"{where}.first_year={enactment.first_year}: is after the last year of the run; choose "
                f"at most {horizon_years}, or set horizon_years to more."
            )


def _require_among(
    key: str, wanted: Sequence[str] | None, present: Sequence[str], known: Collection[str], word: str
) -> None:
    for name in wanted or ():
        if name not in known:
            raise InputError(f"{key}={name}: there is no such {word}{did_you_mean(name, known)}")
    if wanted is not None and not set(wanted) & set(present):
        raise InputError(
            f"{key}={list(wanted)}: this run has none of them; its {word}s are {', '.join(present)}."
        )


def require_consistent(scenario: str, enacted: Enactments, subsidy_rate: float, p: Parameters) -> None:
    """InputError for instruments that exclude each other, or that pay more than the investment."""
    names = [name for name, _ in enacted]
    for name in names:
        for other in CATALOGUE[name].without:
            if other in names:
                raise InputError(f"{scenario}: {name} and {other} contradict each other; choose one of them.")
    paid = {name: share for name, e in enacted if (share := subsidy_of(name, e, p)) > 0.0}
    total = sum(paid.values(), subsidy_rate)
    if total > 1.0:
        parts = [f"subsidy_rate {subsidy_rate:g}", *(f"{name} {share:g}" for name, share in paid.items())]
        raise InputError(
            f"{scenario}: subsidies add up to {total:g} of the investment ({', '.join(parts)}); "
            "lower one, so that they come to 1 at most."
        )


def subsidy_of(name: str, enactment: Enactment, p: Parameters) -> float:
    """Share of the investment that an instrument pays."""
    rates = [p[e.parameter] for e in CATALOGUE[name].effects if e.channel == "subsidy"]
    return enactment.strength * sum(rates)


def require_programme(scenario: str, enacted: Enactments, has_programme: bool, targeting: str) -> None:
    """InputError for an instrument that changes a programme where there is none, or otherwise set."""
    for name, enactment in enacted:
        if not CATALOGUE[name].advises:
            continue
        if not has_programme:
            raise InputError(
                f"{scenario}: {name} changes a programme, but there is none; set support to individual "
                "or cluster."
            )
        if enactment.model_copy(update={"strength": 1.0}) != Enactment():
            raise InputError(
                f"{scenario}: {name} lasts as long as the programme, everywhere; give its strength only."
            )
        if name == "key_industry_linkage" and targeting not in ("random", "key_sectors"):
            raise InputError(
                f"{scenario}: {name} and targeting={targeting} contradict each other; leave one out."
            )


def require_key_sectors(
    scenario: str, enacted: Enactments, regions: Sequence[str], sectors: Sequence[str]
) -> None:
    """InputError for a linkage with key-industry programmes where no sector is a key sector."""
    keys = {sector for region in regions if region in REGIONS for sector in REGIONS[region].key_sectors}
    if any(name == "key_industry_linkage" for name, _ in enacted) and not keys & set(sectors):
        raise InputError(
            f"{scenario}: key_industry_linkage supports key sectors first, but none of this run's sectors "
            "is a key sector of its region; use the presets' sector names, or leave it out."
        )
