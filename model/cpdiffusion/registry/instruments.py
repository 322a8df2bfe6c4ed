"""The numbers of the policy instruments. Hardly any is measured: their ranges begin at no effect."""

from __future__ import annotations

from cpdiffusion.registry.entry import OURS, SHARE, Parameter

NO_ESTIMATE = "the source names the system and gives no figure; " + OURS
COST = {"unit": "million KRW per region and year", "status": "assumed", "source": NO_ESTIMATE}


def effect(
    name: str, value: float, high: float, unit: str, meaning: str, source: str = NO_ESTIMATE
) -> Parameter:
    """An assumed effect; its range begins at none."""
    return Parameter(name, value, unit, 0.0, high, "assumed", source, meaning, most=10.0)


def part(
    name: str, value: float, high: float, meaning: str, source: str = NO_ESTIMATE, low: float = 0.0
) -> Parameter:
    """An assumed share; unless it is said otherwise its range begins at none."""
    return Parameter(
        name, value, low=low, high=high, status="assumed", source=source, meaning=meaning, **SHARE
    )


def cost(name: str, value: float, high: float, meaning: str) -> Parameter:
    """A running cost to the public."""
    return Parameter(name, value, low=0.0, high=high, meaning=meaning, **COST)  # type: ignore[arg-type]


def reported(name: str, value: float, who: str) -> Parameter:
    """A share of the target of green procurement that was reported."""
    source = "001: January to September 2022, against a target of 10 % more than the year before"
    return Parameter(name, value, low=0.0, high=1.0, status="measured", source=source,
                     meaning=f"share of its target of green procurement that {who}", **SHARE)  # fmt: skip


INSTRUMENTS: tuple[Parameter, ...] = (
    # --- the paper (000) -------------------------------------------------------------------------
    effect("violation_log_benefit", 0.2, 0.7, "log ROI",
           "fines and closures that cleaner production spares a firm that broke environmental law"),
    effect("export_rule_log_benefit", 0.3, 1.0, "log ROI",
           "sales that cleaner production keeps for a firm that only exports (REACH, RoHS, WEEE)"),
    effect("export_package_precision", 0.2, 1.0, "1 / (log ROI)^2 per year",
           "weight of what an export package tells an exporter about returns"),
    cost("export_package_cost_mkrw_per_year", 60.0, 200.0, "public cost of export packages"),
    part("round_table_share", 0.1, 0.5, "firms that come to round tables ('happy day')"),
    Parameter("round_table_size", 12, "firms", 6, 30, "assumed", NO_ESTIMATE,
              "firms at one round table", least=2, most=200, whole=True),
    Parameter("round_table_interval_quarters", 2, "quarters", 1, 4, "assumed",
              "the source says 'regularly'; " + OURS, "time between two round tables", least=1, most=40,
              whole=True),
    part("round_table_visibility", 0.3, 0.8, "weight of a result told at a round table"),
    Parameter("round_table_noise_sd", 0.6, "log ROI", 0.1, 1.5, "assumed", NO_ESTIMATE,
              "error with which a result is understood at a round table", most=10, least=0.01),
    cost("round_table_cost_mkrw_per_year", 30.0, 100.0, "public cost of round tables"),
    part("product_service_capital_share", 0.6, 0.9, "investment that a service provider pays"),
    Parameter("product_service_fee_share", 0.25, "share of the return", 0.0, 0.6, "assumed", NO_ESTIMATE,
              "return that the provider keeps as its fee", most=0.99),
    effect("adviser_training_skill_gain", 0.25, 0.75, "of the reference adviser",
           "skill that training and quality control add to advisers"),
    effect("adviser_training_capacity_gain", 0.2, 0.5, "of the capacity",
           "diagnoses that trained advisers can make besides"),
    cost("adviser_training_cost_mkrw_per_year", 50.0, 150.0, "public cost of training and quality control"),
    part("queue_dropout_per_quarter", 0.1, 0.3,
         "firms that leave per quarter while they wait for an adviser",
         "RedES-CAR, Colombia: many committed firms drop out; no rate per quarter"),
    effect("linked_budget_share", 0.5, 1.0, "of the programme's budget",
           "what key-industry programmes add when budgets are pooled",
           "the paper (000) proposes to pool the budgets and gives no share; " + OURS),
    # --- green procurement (001) -----------------------------------------------------------------
    effect("public_demand_log_benefit", 0.5, 1.5, "log ROI",
           "sales to public buyers that a firm living on them gains, were the target met in full"),
    *(reported(f"procurement_achievement_{place}", value, words) for place, value, words in (
        ("busan", 0.716, "Busan reaches"), ("daegu", 0.675, "Daegu reaches"),
        ("daejeon", 0.597, "Daejeon reaches"), ("ansan", 0.676, "Gyeonggi, and so Ansan, reaches"),
        ("best", 0.784, "the best city, South Gyeongsang, reaches"),
        ("mean", 0.658, "a city without a reported figure reaches (mean of the eight reported)"))),
    part("city_learning_per_year", 0.25, 1.0,
         "gap to the best city that a member of the network closes in a year"),
    cost("green_procurement_cost_mkrw_per_year", 20.0, 100.0, "public cost of running green procurement"),
    cost("procurement_network_cost_mkrw_per_year", 30.0, 150.0,
         "public cost of running green procurement and taking part in the network"),
    # --- global technology cooperation (002) -----------------------------------------------------
    part("technology_match_share", 0.05, 0.2, "firms of the six sectors that find a partner abroad"),
    effect("technology_log_return", 0.3, 0.8, "log ROI", "return that technology from abroad adds"),
    Parameter("technology_delay_years", 2, "years", 0, 5, "assumed", NO_ESTIMATE,
              "time from the first matching until technology is ready", most=30, whole=True),
    cost("technology_cooperation_cost_mkrw_per_year", 100.0, 300.0, "public cost of matching and planning"),
    # --- smart green industrial complexes (003) --------------------------------------------------
    part("smart_complex_share", 0.25, 1.0, "complexes of a region that become smart and green", low=0.05),
    part("clean_factory_subsidy_rate", 0.3, 0.7, "investment that the clean-factory scheme pays",
         "003 names the scheme; a supply-chain scheme paid 50 to 75 % (Environment Daily)"),
    part("circulation_match_share", 0.3, 0.6, "firms of the complex that can use another's by-products"),
    effect("circulation_log_return", 0.1, 0.4, "log ROI",
           "return that exchange adds to both partners once both have adopted"),
    part("control_centre_hazard_reduction", 0.183, 0.4, "accidents that a safety control centre avoids",
         "smart factories: accidents down 18.3 % after matching (MSS); another programme"),
    Parameter("control_centre_first_share", 0.2, low=0.0, high=1.0, status="measured",
              source="003: 2 pilot areas in 2020 of 10 planned for 2025",
              meaning="smart complexes that have a safety control centre from the start", **SHARE),
    Parameter("control_centre_years", 5, "years", 1, 10, "measured", "003: from 2020 to 2025",
              "time until every smart complex has a safety control centre", least=1, most=100, whole=True),
    part("shared_digital_hassle_reduction", 0.3, 0.6, "hassle that shared digital infrastructure takes away"),
    cost("smart_complex_cost_mkrw_per_year", 100.0, 500.0,
         "public cost of one part of a smart green complex (centre, infrastructure, exchange)"),
    # --- green customs (004) ---------------------------------------------------------------------
    effect("carbon_border_log_benefit", 0.5, 1.5, "log ROI",
           "carbon cost at the border that cleaner production spares a firm that only exports"),
    Parameter("carbon_border_ramp_years", 8, "years", 1, 12, "assumed",
              "EU regulation 2023/956 phases free allowances out from 2026 to 2034, which 004 does not say",
              "time until the border adjustment weighs in full", least=1, most=100, whole=True),
    Parameter("carbon_border_later_years", 4, "years", 0, 10, "assumed", NO_ESTIMATE,
              "time by which the adjustment reaches other sectors later", most=100, whole=True),
    effect("customs_information_precision", 0.1, 0.5, "1 / (log ROI)^2 per year",
           "weight of what customs consulting tells an exporter about returns"),
    cost("customs_information_cost_mkrw_per_year", 30.0, 100.0, "public cost of customs consulting"),
)  # fmt: skip
