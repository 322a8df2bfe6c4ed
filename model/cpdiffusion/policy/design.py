"""What a set of levers means to the engine, split into channels that can be switched one by one.

Cluster support differs from individual support in several ways at once. Each way is a group of
fields here, and a *channel*; any mixture of two designs, channel by channel, is again a design.
So every advantage of a cluster can be switched off, and its share of a difference can be found.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, fields, replace

from cpdiffusion.instruments.catalogue import CATALOGUE
from cpdiffusion.instruments.enactment import Enactments, in_order
from cpdiffusion.policy.levers import Levers, Targeting

ALONE = 1  # a "group" of one firm: individual support


@dataclass(frozen=True)
class Design:
    """One policy, channel by channel. Group sizes are in firms; ALONE means not grouped."""

    budget_mkrw_per_year: float
    programme_years: int
    first_year: int
    batch: int  # firms taken in together; only full batches before the last budget year
    cost_group: int  # firms that share the advice
    coordination_group: int  # firms that must be coordinated
    learning_group: int  # firms that show each other their results
    publishes: bool
    subsidy_rate: float
    integrated_safety: float
    targeting: Targeting
    adviser_skill: float
    adviser_capacity_firms_per_quarter: float
    instruments: Enactments = ()


CHANNELS: dict[str, tuple[str, ...]] = {
    "programme": ("budget_mkrw_per_year", "programme_years", "first_year"),
    "full_cohorts": ("batch",),
    "shared_advice": ("cost_group",),
    "coordination": ("coordination_group",),
    "cohort_learning": ("learning_group",),
    "published_results": ("publishes",),
    "subsidy": ("subsidy_rate",),
    "safety": ("integrated_safety",),
    "targeting": ("targeting",),
    "advisers": ("adviser_skill", "adviser_capacity_firms_per_quarter"),
}

CHANNEL_WORDS: dict[str, str] = {
    "programme": "the programme itself (its budget and years)",
    "full_cohorts": "waiting until a full cohort can be paid",
    "shared_advice": "cheaper advice because firms share it",
    "coordination": "the cost of coordinating a cohort",
    "cohort_learning": "learning from the results of cohort members",
    "published_results": "publishing the programme's results",
    "subsidy": "the subsidy on investment",
    "safety": "integrated safety support",
    "targeting": "which firms are supported first",
    "advisers": "the advisers' skill and number",
}


def design_of(levers: Levers, instruments: Enactments = ()) -> Design:
    """What a scenario's levers and instruments stand for; no support is a programme without money."""
    together = levers.cohort_size if levers.support == "cluster" else ALONE
    publishes, capacity = levers.publishes_results, levers.adviser_capacity_firms_per_quarter
    return Design(
        budget_mkrw_per_year=0.0 if levers.support == "none" else levers.budget_mkrw_per_year,
        programme_years=levers.programme_years,
        first_year=levers.first_year,
        batch=together,
        cost_group=together,
        coordination_group=together,
        learning_group=together,
        publishes=together > ALONE if publishes is None else publishes,
        subsidy_rate=levers.subsidy_rate,
        integrated_safety=levers.integrated_safety,
        targeting=levers.targeting,
        adviser_skill=levers.adviser_skill,
        adviser_capacity_firms_per_quarter=math.inf if capacity is None else float(capacity),
        instruments=instruments,
    )


def differing_channels(baseline: Design, scenario: Design) -> tuple[str, ...]:
    """Channels in which two designs differ, in the order of CHANNELS, then instruments by name.

    An instrument that takes the place of another, which it contradicts, is one channel with it.
    """
    different = {f.name for f in fields(Design) if getattr(baseline, f.name) != getattr(scenario, f.name)}
    one, other = dict(baseline.instruments), dict(scenario.instruments)
    replaced = {name for new in other.keys() - one.keys() for name in CATALOGUE[new].without}
    changed = (n for n in sorted(one | other) if one.get(n) != other.get(n) and n not in replaced)
    return (*(name for name, members in CHANNELS.items() if different & set(members)), *changed)


def mixture(baseline: Design, scenario: Design, switched_on: Collection[str]) -> Design:
    """The baseline with the given channels taken from the scenario."""
    members = [field for channel in switched_on for field in CHANNELS.get(channel, ())]
    taken = {name: e for name, e in scenario.instruments if name in switched_on}
    gone = {*switched_on, *(other for name in taken for other in CATALOGUE[name].without)}
    kept = {name: e for name, e in baseline.instruments if name not in gone}
    return replace(
        baseline,
        **{field: getattr(scenario, field) for field in members},
        instruments=in_order(kept | taken),
    )


def channel_words(channel: str) -> str:
    """A channel in words."""
    return CHANNEL_WORDS[channel] if channel in CHANNEL_WORDS else CATALOGUE[channel].title
