"""Every policy system of the source documents as an instrument: whom it concerns, where it enters, when.

An instrument is data. Its numbers are parameters of the registry; its words are what the guide and
the scenario table are made of, so that neither can drift from the code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from cpdiffusion.instruments import concerns, schedule
from cpdiffusion.instruments.concerns import Ground
from cpdiffusion.instruments.schedule import Span, Timing
from cpdiffusion.parameters import Parameters
from cpdiffusion.terms import Term
from cpdiffusion.world.firms import Floats

Channel = Literal[
    "pressure", "return", "fee", "subsidy", "capital", "hassle", "hazard", "exchange", "information"
]
TERMS: dict[Channel, tuple[Term, ...]] = {
    "pressure": (Term.GAIN,),
    "return": (Term.GAIN, Term.RETURN),
    "fee": (Term.GAIN, Term.RETURN),
    "subsidy": (Term.SUBSIDY,),
    "capital": (Term.CAPITAL,),
    "hassle": (Term.HASSLE,),
    "hazard": (Term.HAZARD,),
    "exchange": (Term.EXCHANGE,),
    "information": (Term.INFORMATION,),
}
WORDS: dict[Channel, str] = {
    "pressure": "pressure or demand in the decision",
    "return": "return",
    "fee": "a fee on the return",
    "subsidy": "subsidy",
    "capital": "less capital up front",
    "hassle": "less hassle",
    "hazard": "fewer accidents",
    "exchange": "return of partners",
    "information": "information",
}


@dataclass(frozen=True)
class Effect:
    """One way in which an instrument enters the rule; the parameter is its size at full strength."""

    channel: Channel
    parameter: str

    @property
    def terms(self) -> tuple[Term, ...]:
        """The terms that it contributes to."""
        return TERMS[self.channel]

    def on(self, exposure: Floats, p: Parameters) -> Floats:
        """The contribution to each firm, from its exposure times the strength (N,)."""
        size = p[self.parameter] * exposure
        if self.channel != "fee":
            return size
        with np.errstate(divide="ignore"):
            return np.log1p(-size)


@dataclass(frozen=True)
class Instrument:
    """One policy system. ``concerns`` gives (N,) exposures, ``schedule`` when each firm is reached."""

    id: str
    title: str
    source: str
    whom: str
    effects: tuple[Effect, ...] = ()
    cost: str | None = None  # parameter: what running it costs the public
    concerns: Callable[[Ground], Floats] = concerns.everybody
    schedule: Callable[[Ground, Span], Timing] = schedule.at_once
    gathers: bool = False  # firms at round tables
    pairs: bool = False  # firms as exchange partners
    advises: tuple[str, ...] = ()  # parameters by which it changes the programme's advisers or budget
    more_parameters: tuple[str, ...] = ()  # read besides those of effects and cost
    without: tuple[str, ...] = ()  # instruments that it contradicts

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of all its parameters."""
        named = (*(e.parameter for e in self.effects), *self.advises, *self.more_parameters)
        return (*named, self.cost) if self.cost else named

    @property
    def channels(self) -> tuple[str, ...]:
        """Where it enters, in words."""
        words = [WORDS[effect.channel] for effect in self.effects]
        words += ["meetings"] * self.gathers + ["exchange partners"] * self.pairs
        return (*words, *(["the programme"] if self.advises else []))


ACHIEVEMENTS = tuple(f"procurement_achievement_{place}" for place in (*schedule.REPORTING, "mean"))

CATALOGUE: dict[str, Instrument] = {
    instrument.id: instrument
    for instrument in (
        # --- the paper (000) -------------------------------------------------------------------
        Instrument(
            "environmental_law", "Cleaner production for firms that broke environmental law", "000, 3.1",
            "firms with a past violation", (Effect("pressure", "violation_log_benefit"),),
            concerns=concerns.violators,
        ),
        Instrument(
            "export_packages", "Packages for export regulations (REACH, RoHS, WEEE)", "000, 3.1",
            "exporters, by the share of their sales",
            (Effect("pressure", "export_rule_log_benefit"),
             Effect("information", "export_package_precision")),
            cost="export_package_cost_mkrw_per_year", concerns=concerns.exporters,
        ),
        Instrument(
            "round_table", "Expert network, round tables and 'happy day'", "000, 3.2.3",
            "firms that come to round tables", cost="round_table_cost_mkrw_per_year", gathers=True,
            concerns=concerns.everybody,
            more_parameters=("round_table_share", "round_table_size", "round_table_interval_quarters",
                             "round_table_visibility", "round_table_noise_sd"),
        ),
        Instrument(
            "product_service", "Cleaner production as a service (leasing, operation)", "000, 3.2.4",
            "firms that cannot pay the package from their own means",
            (Effect("capital", "product_service_capital_share"),
             Effect("fee", "product_service_fee_share")),
            concerns=concerns.short_of_capital,
        ),
        Instrument(
            "adviser_training", "Training and quality control of advisers", "000, 3.2.2",
            "advisers of the programme", cost="adviser_training_cost_mkrw_per_year",
            concerns=concerns.nobody,
            advises=("adviser_training_skill_gain", "adviser_training_capacity_gain"),
            more_parameters=("queue_dropout_per_quarter",),
        ),
        Instrument(
            "key_industry_linkage", "Linkage with the regional key-industry programmes", "000, 3.2.1",
            "firms of the region's key sectors, supported first", concerns=concerns.nobody,
            advises=("linked_budget_share",),
        ),
        # --- green procurement (001) -----------------------------------------------------------
        Instrument(
            "green_procurement", "Green procurement by cities", "001",
            "firms that sell to public buyers, by the share of their sales",
            (Effect("pressure", "public_demand_log_benefit"),),
            cost="green_procurement_cost_mkrw_per_year", concerns=concerns.public_sellers,
            schedule=schedule.by_city, more_parameters=ACHIEVEMENTS,
            without=("procurement_network",),
        ),
        Instrument(
            "procurement_network", "Green procurement by cities that learn from each other", "001",
            "firms that sell to public buyers, by the share of their sales",
            (Effect("pressure", "public_demand_log_benefit"),),
            cost="procurement_network_cost_mkrw_per_year", concerns=concerns.public_sellers,
            schedule=schedule.by_learning_city,
            more_parameters=(*ACHIEVEMENTS, "procurement_achievement_best", "city_learning_per_year"),
            without=("green_procurement",),
        ),
        # --- global technology cooperation (002) -----------------------------------------------
        Instrument(
            "technology_cooperation", "Global technology cooperation in six high-emission sectors", "002",
            "matched firms of six sectors", (Effect("return", "technology_log_return"),),
            cost="technology_cooperation_cost_mkrw_per_year", concerns=concerns.matched_abroad,
            schedule=schedule.after_development,
            more_parameters=("technology_match_share", "technology_delay_years"),
        ),
        # --- smart green industrial complexes (003) --------------------------------------------
        Instrument(
            "clean_factory", "Clean-factory subsidy in smart green complexes", "003",
            "firms in smart green complexes", (Effect("subsidy", "clean_factory_subsidy_rate"),),
            concerns=concerns.in_smart_complexes, more_parameters=("smart_complex_share",),
        ),
        Instrument(
            "resource_circulation", "Resource circulation between firms of a smart green complex", "003",
            "firms in smart green complexes that find a partner",
            (Effect("exchange", "circulation_log_return"),),
            cost="smart_complex_cost_mkrw_per_year", concerns=concerns.in_smart_complexes, pairs=True,
            more_parameters=("smart_complex_share", "circulation_match_share"),
        ),
        Instrument(
            "safety_control_centre", "Integrated safety control centres by complex", "003",
            "firms in smart green complexes with a centre",
            (Effect("hazard", "control_centre_hazard_reduction"),),
            cost="smart_complex_cost_mkrw_per_year", concerns=concerns.in_smart_complexes,
            schedule=schedule.centre_by_centre,
            more_parameters=("smart_complex_share", "control_centre_first_share", "control_centre_years"),
        ),
        Instrument(
            "shared_digital", "Shared digital infrastructure in smart green complexes", "003",
            "firms in smart green complexes",
            (Effect("hassle", "shared_digital_hassle_reduction"),),
            cost="smart_complex_cost_mkrw_per_year", concerns=concerns.in_smart_complexes,
            more_parameters=("smart_complex_share",),
        ),
        # --- green customs (004) ---------------------------------------------------------------
        Instrument(
            "carbon_border", "Carbon border adjustment", "004",
            "exporters, by the share of their sales; metals and chemicals first",
            (Effect("pressure", "carbon_border_log_benefit"),),
            concerns=concerns.exporters, schedule=schedule.border_phases,
            more_parameters=("carbon_border_ramp_years", "carbon_border_later_years"),
        ),
        Instrument(
            "customs_information", "Customs information and consulting", "004",
            "exporters, by the share of their sales",
            (Effect("information", "customs_information_precision"),),
            cost="customs_information_cost_mkrw_per_year", concerns=concerns.exporters,
        ),
    )
}  # fmt: skip
