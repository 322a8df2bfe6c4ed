"""The scenario files as one table: what each changes against its baseline, and what that rests on."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from cpdiffusion.instruments.catalogue import CATALOGUE
from cpdiffusion.instruments.enactment import Enactment, in_order
from cpdiffusion.parameters import BY_NAME
from cpdiffusion.policy.design import Design, channel_words, design_of, differing_channels
from cpdiffusion.policy.scenarios import Scenario, load_scenario, scenario_ids

HEADER = """\
# Scenarios

Every policy that can be opened by name, generated from `scenarios/`, the catalogue of instruments and
the registry of parameters. *Changes* is what a scenario does differently from the one that it is
compared with; *rests on* are the parameters that give those changes their size, by
[status](parameters.md). What an instrument stands for is in the [guide](instruments.md).

| scenario | title | source | compared with | changes | rests on |
|---|---|---|---|---|---|
"""

# Parameters behind the channels of the levers; those of instruments stand in the catalogue.
RESTS_ON: dict[str, tuple[str, ...]] = {
    "programme": ("individual_advice_cost_mkrw", "diagnosis_noise_sd", "skill_log_return_gain"),
    "full_cohorts": (),
    "shared_advice": (
        "individual_advice_cost_mkrw", "cohort_fixed_cost_mkrw", "cohort_cost_per_firm_mkrw",
    ),
    "coordination": ("coordination_cost_per_pair_mkrw",),
    "cohort_learning": ("cohort_visibility", "cohort_noise_sd", "cohort_exchanges_per_quarter"),
    "published_results": ("published_visibility", "published_noise_sd"),
    "subsidy": ("first_cost_weight",),
    "safety": (
        "safety_log_benefit", "safety_hassle_reduction", "safety_hazard_reduction",
        "safety_advice_cost_share",
    ),
    "targeting": (),  # see TARGETS
    "advisers": ("diagnosis_noise_sd", "skill_log_return_gain", "queue_dropout_per_quarter"),
}  # fmt: skip
TARGETS: dict[str, tuple[str, ...]] = {
    "violators": ("past_violation_share",),
    "hazardous": ("hazard_medium_share", "hazard_high_share"),
    "exporters": ("exporter_share",),
    "key_sectors": ("key_sector_weight",),
}


def scenario_table(folder: Path) -> str:
    """The scenarios of ``folder`` as a Markdown table; InputError for a faulty file or baseline."""
    return HEADER + "".join(line(load_scenario(name, folder), folder) for name in scenario_ids(folder))


def line(scenario: Scenario, folder: Path) -> str:
    """One scenario as a line of the table."""
    mine, changed = design(scenario), changes(scenario, folder)
    cells = (
        f"`{scenario.id}`", scenario.title, scenario.source.strip(),
        f"`{scenario.baseline}`" if scenario.baseline else "",
        "; ".join(in_words(channel, mine) for channel in changed),
        by_status(name for channel in changed for name in parameters_of(channel, mine)),
    )  # fmt: skip
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |\n"


def design(scenario: Scenario) -> Design:
    """The design of a scenario."""
    return design_of(scenario.levers, in_order(scenario.instruments))


def changes(scenario: Scenario, folder: Path) -> tuple[str, ...]:
    """Channels in which a scenario differs from its baseline; none without a baseline."""
    if scenario.baseline is None:
        return ()
    return differing_channels(design(load_scenario(scenario.baseline, folder)), design(scenario))


def in_words(channel: str, mine: Design) -> str:
    """A change as the table says it: a lever's channel in words, an instrument with where it enters."""
    if channel not in CATALOGUE:
        return channel_words(channel)
    link, enacted = f"[`{channel}`](instruments.md#{channel})", dict(mine.instruments)
    if channel not in enacted:
        return f"without {link}"
    one = CATALOGUE[channel]
    return f"{link}{how(enacted[channel])}: {', '.join(one.channels)}, for {one.whom}"


def how(enactment: Enactment) -> str:
    """How an instrument is enacted, where it is not at full strength, always and everywhere."""
    special = enactment.model_dump(mode="json", exclude_defaults=True)
    return f" ({', '.join(f'{name} {value}' for name, value in special.items())})" if special else ""


def parameters_of(channel: str, mine: Design) -> tuple[str, ...]:
    """Parameters that give a change its size; what is left out of the baseline has none here."""
    if channel in CATALOGUE:
        return CATALOGUE[channel].parameters if channel in dict(mine.instruments) else ()
    return RESTS_ON[channel] + (TARGETS.get(mine.targeting, ()) if channel == "targeting" else ())


def by_status(names: Iterable[str]) -> str:
    """Parameters, each once and in order of appearance, behind their status."""
    groups: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        groups.setdefault(BY_NAME[name].status, []).append(f"`{name}`")
    return "; ".join(f"{status}: {', '.join(groups[status])}" for status in sorted(groups))
