"""What instruments change about the programme itself: its advisers, its budget, whom it takes first."""

from __future__ import annotations

from dataclasses import replace

from cpdiffusion.instruments.catalogue import CATALOGUE
from cpdiffusion.instruments.checks import subsidy_of
from cpdiffusion.instruments.enactment import in_order
from cpdiffusion.parameters import Parameters
from cpdiffusion.policy.design import Design


def advised(design: Design, p: Parameters) -> Design:
    """The design as its instruments make it under parameters ``p``; they last as long as the programme.

    What instruments pay of an investment is not paid twice: the programme pays the rest at most.
    """
    for name, enactment in design.instruments:
        if name == "adviser_training":
            design = trained(design, enactment.strength, p)
        elif name == "key_industry_linkage":
            design = linked(design, enactment.strength, p)
    paid = sum(subsidy_of(name, e, p) for name, e in design.instruments)
    design = replace(design, subsidy_rate=min(design.subsidy_rate, max(1.0 - paid, 0.0)))
    own_years = {"first_year": design.first_year, "years": max(design.programme_years, 1)}
    enacted = {
        name: e.model_copy(update=own_years) if CATALOGUE[name].advises else e
        for name, e in design.instruments
    }
    return replace(design, instruments=in_order(enacted))


def trained(design: Design, strength: float, p: Parameters) -> Design:
    """Better advisers, and more of them where they are scarce."""
    return replace(
        design,
        adviser_skill=design.adviser_skill + strength * p.adviser_training_skill_gain,
        adviser_capacity_firms_per_quarter=design.adviser_capacity_firms_per_quarter
        * (1.0 + strength * p.adviser_training_capacity_gain),
    )


def linked(design: Design, strength: float, p: Parameters) -> Design:
    """The pooled budget, spent on the region's key sectors first."""
    budget = design.budget_mkrw_per_year * (1.0 + strength * p.linked_budget_share)
    return replace(design, budget_mkrw_per_year=budget, targeting="key_sectors")
