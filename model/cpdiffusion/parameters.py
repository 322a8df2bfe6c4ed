"""Every number of the model once: value, unit, range, source and status.

Status says how far a number can be trusted: *measured* was read from a source, *calibrated*
was estimated by us from Table 4, *assumed* is neither and must be swept before anyone builds
on it. Ranges are the plausible ones; a value outside is refused unless asked for.
"""

from __future__ import annotations

import functools
import math
import numbers
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from cpdiffusion.errors import InputError, did_you_mean
from cpdiffusion.evidence.moments import ReturnMoments, return_moments
from cpdiffusion.evidence.table4 import Variant, table4

Status = Literal["measured", "calibrated", "assumed"]


@dataclass(frozen=True)
class Parameter:
    """One number of the model; ``value`` is a figure, or how to read it from Table 4's moments."""

    name: str
    value: float | Callable[[ReturnMoments], float]
    unit: str
    low: float
    high: float
    status: Status
    source: str
    meaning: str
    least: float = 0.0  # hard bounds: beyond them the equations lose their meaning
    most: float = math.inf
    whole: bool = False
    behaviour: str | None = None  # the only rule that looks at it; None: not bound to one

    def at(self, moments: ReturnMoments) -> float:
        """The default under a variant of Table 4."""
        return float(self.value(moments) if callable(self.value) else self.value)


SHARE: dict[str, Any] = {"unit": "share", "most": 1.0}
TABLE_4 = "Table 4 of the source paper (000), 2007-2014"
OURS = "no source; sweep it"
NOT_PERSUADING = (
    "Banerjee et al. 2013: informing is not persuading; sixteen years of published results have "
    "not spread cleaner production (000); " + OURS
)

# how a result is seen: layer, words, visibility and its highest, noise sd and its lowest
WAYS_OF_SEEING = (
    ("supply_chain", "a supply-chain tie", 0.4, 0.8, 0.5, 0.1),
    ("complex", "a tie in the complex", 0.3, 0.6, 0.5, 0.1),
    ("sector", "a tie in the sector", 0.3, 0.6, 0.7, 0.1),
    ("other", "a tie of unstated kind", 0.3, 0.6, 0.6, 0.1),
    ("cohort", "the cohort", 0.8, 1.0, 0.3, 0.1),
    ("published", "the programme's published average", 0.01, 0.1, 0.6, 0.5),  # shares a year's luck
)

REGISTRY: tuple[Parameter, ...] = (
    # --- returns -------------------------------------------------------------------------------
    Parameter("mean_log_return", lambda m: m.mean_log_roi, "log ROI", 1.3, 2.0, "calibrated",
              f"{TABLE_4}: mean of log(direct effect / investment) over region-years",
              "national mean of the log return over the benefit horizon", least=-10, most=10),
    Parameter("firm_log_return_sd", 0.8, "log ROI", 0.4, 1.2, "assumed",
              "Table 4 holds averages over more than twenty firms and cannot tell; " + OURS,
              "spread of firms' own potential around their region's mean", most=5, least=0.01),
    Parameter("region_year_log_return_sd", lambda m: m.within_region_sd, "log ROI", 0.3, 0.7,
              "calibrated", f"{TABLE_4}: pooled standard deviation within regions",
              "luck that all adopters of a region share in a year", most=5),
    Parameter("investment_elasticity", lambda m: max(0.0, m.investment_elasticity), "log/log", 0.0, 0.6,
              "calibrated", f"{TABLE_4}: slope of log ROI on log investment within regions",
              "how much the return per won falls as a package grows", most=2),
    Parameter("benefit_horizon_years", 3.0, "years", 1.0, 5.0, "assumed",
              "Table 4 does not say; press reports on the same cohorts differ by about five",
              "years of saving that the reported benefit adds up", least=0.25, most=30),
    Parameter("skill_log_return_gain", 0.1, "log ROI per unit of skill", 0.0, 0.3, "assumed", OURS,
              "what better advisers add to the realised return", most=3),
    Parameter("complementarity_log_return", 0.0, "log ROI", 0.0, 0.3, "assumed", OURS,
              "gain when all neighbours have adopted too (shared recycling)", most=3),
    Parameter("indirect_zero_share", lambda m: m.indirect.zero_share, low=0.0, high=0.2,
              status="calibrated", source=f"{TABLE_4}: region-years without indirect effect",
              meaning="adopters without indirect benefit", **SHARE),
    Parameter("indirect_log_ratio", lambda m: m.indirect.mean_log_ratio, "log ratio", -3.5, -1.0,
              "calibrated", f"{TABLE_4}: mean of log(indirect / investment) where there is any",
              "indirect benefit per won invested", least=-10, most=5),
    Parameter("indirect_log_ratio_sd", lambda m: m.indirect.sd_log_ratio, "log ratio", 0.5, 1.8,
              "calibrated", f"{TABLE_4}: standard deviation of the same",
              "spread of the indirect benefit", most=5),
    Parameter("environmental_zero_share", lambda m: m.environmental.zero_share, low=0.2, high=0.6,
              status="calibrated", source=f"{TABLE_4}: region-years without environmental effect",
              meaning="adopters without priced environmental benefit", **SHARE),
    Parameter("environmental_log_ratio", lambda m: m.environmental.mean_log_ratio, "log ratio",
              -5.0, -2.0, "calibrated",
              f"{TABLE_4}: mean of log(environmental / investment) where there is any",
              "environmental benefit per won invested", least=-15, most=5),
    Parameter("environmental_log_ratio_sd", lambda m: m.environmental.sd_log_ratio, "log ratio",
              0.5, 2.0, "calibrated", f"{TABLE_4}: standard deviation of the same",
              "spread of the environmental benefit", most=5),
    # --- firms ---------------------------------------------------------------------------------
    Parameter("firms_per_region", 1000, "firms", 200, 5000, "assumed",
              "the sources give no number; registers hold thousands (KICOX: 217,048 factories)",
              "SMEs in a region",
              least=1, most=1_000_000, whole=True),
    Parameter("firms_per_complex", 125, "firms", 20, 500, "assumed", OURS,
              "SMEs in one industrial complex", least=1, most=1_000_000, whole=True),
    Parameter("employees_median", 25.0, "employees", 10, 60, "assumed",
              "KOSTAT 2012: mean 43 in establishments with ten or more workers",
              "median size of an SME", least=1, most=299),
    Parameter("employees_log_sd", 0.9, "log employees", 0.5, 1.3, "assumed", OURS,
              "spread of firm sizes (cut at 1 and 299 employees)", most=3),
    Parameter("capital_need_mean_mkrw", lambda m: m.investment_per_firm_mkrw, "million KRW", 30, 150,
              "calibrated", f"{TABLE_4}: total investment over 851 participating firms; Ansan's "
              "firms before 2012 are counted without their investment",
              "mean price of a firm's cleaner-production package", least=0.001),
    Parameter("capital_need_log_sd", 0.8, "log KRW", 0.4, 1.2, "assumed", OURS,
              "spread of package prices among firms of one size", most=3),
    Parameter("capital_size_elasticity", 0.5, "log/log", 0.0, 1.0, "assumed", OURS,
              "how package prices grow with employees", most=2),
    Parameter("accepted_payback_median_years", 1.5, "years", 1.0, 3.0, "assumed",
              "chosen between Anderson & Newell 2004 (at most 15 months) and Woodruff et al. 1997 "
              "(mostly 2 years), both of US plants",
              "median of the longest payback that a firm accepts", least=0.05, most=30),
    Parameter("accepted_payback_log_sd", 0.4, "log years", 0.2, 0.8, "assumed", OURS,
              "spread of the longest accepted paybacks", most=3),
    Parameter("required_confidence_median", 0.7, low=0.5, high=0.9, status="assumed", source=OURS,
              meaning="how sure the median firm must be that the package pays", **SHARE),
    Parameter("required_confidence_probit_sd", 0.5, "probit", 0.0, 1.0, "assumed", OURS,
              "spread of the confidence that firms require", most=3),
    Parameter("waits_for_example_share", 0.7, low=0.3, high=1.0, status="assumed",
              source="the paper (000) says that most SMEs wait until a known firm has gained; no share",
              meaning="firms that adopt only after a peer's result, or with support", **SHARE),
    Parameter("liquidity_ratio_median", 2.0, "package prices", 0.5, 5.0, "assumed",
              "Kalantzis & Revoltella 2019: audits do nothing for firms without finance; no figure",
              "what the median firm can spend, in prices of its package"),
    Parameter("liquidity_ratio_log_sd", 1.0, "log ratio", 0.5, 1.5, "assumed", OURS,
              "spread of what firms can spend, in prices of their package", most=5),
    Parameter("hazard_medium_share", 0.35, low=0.1, high=0.6, status="assumed", source=OURS,
              meaning="firms in the medium hazard class", **SHARE),
    Parameter("hazard_high_share", 0.15, low=0.05, high=0.4, status="assumed", source=OURS,
              meaning="firms in the high hazard class", **SHARE),
    Parameter("accident_rate_per_worker_year", 0.006, "accidents per worker and year", 0.003, 0.012,
              "assumed", "order of the national injury rate in manufacturing, which is public but "
              "not among our sources", "accident rate in the medium hazard class", most=1),
    Parameter("hazard_class_ratio", 2.0, "ratio", 1.0, 4.0, "assumed", OURS,
              "accident rate of a hazard class over that of the class below", least=1, most=20),
    Parameter("exporter_share", 0.3, low=0.1, high=0.6, status="assumed", source=OURS,
              meaning="firms that export to markets with environmental rules", **SHARE),
    Parameter("public_seller_share", 0.2, low=0.05, high=0.5, status="assumed", source=OURS,
              meaning="firms that sell to public buyers", **SHARE),
    Parameter("past_violation_share", 0.1, low=0.02, high=0.25, status="assumed", source=OURS,
              meaning="firms that broke environmental law in the past", **SHARE),
    Parameter("key_sector_weight", 2.0, "ratio", 1.0, 4.0, "assumed", OURS,
              "how much more frequent a region's key sectors are there", least=0.01, most=100),
    # --- ties ----------------------------------------------------------------------------------
    Parameter("supply_chain_degree", 2.0, "ties per firm", 0.0, 4.0, "assumed", OURS,
              "mean ties to suppliers and customers; large firms have more", most=200),
    Parameter("complex_degree", 5.0, "ties per firm", 2.0, 10.0, "assumed", OURS,
              "mean ties within the industrial complex", most=200),
    Parameter("sector_degree", 3.0, "ties per firm", 1.0, 6.0, "assumed", OURS,
              "mean ties to competitors and fellow members of an association", most=200),
    Parameter("sector_homophily", 0.3, low=0.0, high=0.8, status="assumed", source=OURS,
              meaning="ties in the complex that look for the same sector first", **SHARE),
    Parameter("long_tie_share", 0.2, low=0.0, high=1.0, status="assumed",
              source="Eckles et al. 2024: which of long or clustered ties spread faster depends on noise",
              meaning="ties in the complex that are random instead of to the next neighbours", **SHARE),
    # --- beliefs -------------------------------------------------------------------------------
    Parameter("prior_mean_log_return", 0.0, "log ROI", -0.7, 0.7, "assumed",
              "the paper (000): SMEs hold back; 0 is break-even over the horizon",
              "mean log return that a firm believes in before it sees a result", least=-10, most=10),
    Parameter("prior_log_return_sd", 0.8, "log ROI", 0.4, 1.5, "assumed", OURS,
              "how unsure a firm is of its first belief about the return", least=0.01, most=10),
    Parameter("cross_sector_similarity", 0.5, low=0.2, high=1.0, status="assumed",
              source="Baranzini et al. 2017: firms heed other companies of their kind more; sign only",
              meaning="weight of a result from another sector", **SHARE),
    *(parameter for layer, words, visibility, most_visible, noise, least_noise in WAYS_OF_SEEING
      for parameter in (
          Parameter(f"{layer}_visibility", visibility, low=0.0, high=most_visible, status="assumed",
                    source=NOT_PERSUADING if layer == "published" else OURS,
                    meaning=f"weight of a result seen through {words}", **SHARE),
          Parameter(f"{layer}_noise_sd", noise, "log ROI", least_noise, 1.5, "assumed", OURS,
                    f"error with which a result is seen through {words}", most=10, least=0.01))),
    Parameter("reveal_lag_quarters", 4, "quarters", 1, 12, "assumed",
              "a programme year; the sources do not say when results were known",
              "time from adoption until a result is visible", least=1, most=400, whole=True),
    Parameter("cohort_exchanges_per_quarter", 4, "results", 1, 30, "assumed",
              "meetings are few; " + OURS,
              "cohort results that a member can take in per quarter", least=0, most=10_000, whole=True),
    # --- decision ------------------------------------------------------------------------------
    Parameter("review_rate_per_quarter", 0.25, "probability per quarter", 0.1, 1.0, "assumed", OURS,
              "chance that a firm reviews its investments in a quarter", most=1),
    Parameter("act_anyway_probability", 0.002, "probability per review", 0.0, 0.02, "assumed",
              "Eckles et al. 2024: sub-threshold noise decides which ties spread; no figure",
              "chance of adopting at a review whatever the prospects", most=1),
    Parameter("hassle_cost_share", 0.2, "share of the investment", 0.0, 0.5, "assumed", OURS,
              "a firm's own trouble with a package", most=10),
    Parameter("first_cost_weight", 1.4, "ratio", 1.0, 1.6, "measured",
              "Anderson & Newell 2004: plants respond 40 % more to cost than to savings",
              "weight of log cost against log return", most=10),
    Parameter("diagnosis_noise_sd", 0.5, "log ROI", 0.2, 1.0, "assumed", OURS,
              "error of a reference adviser's estimate of a firm's own return",
              least=0.01, most=10),
    # --- classic rules -------------------------------------------------------------------------
    Parameter("early_adopter_share", 0.0, low=0.0, high=0.1, status="assumed",
              source="few adopt on their own (000), so none is the default; no share",
              meaning="firms that have adopted before the first quarter", **SHARE),
    Parameter("threshold_mean", 0.25, low=0.0, high=0.6, status="assumed",
              source="Granovetter 1978 takes 0.25 as an example; " + OURS, behaviour="threshold",
              meaning="mean share of its influencers that makes a firm follow", **SHARE),
    Parameter("threshold_sd", 0.1, low=0.0, high=0.3, status="assumed",
              source="Granovetter 1978: the spread decides how far it goes; no figure",
              behaviour="threshold",
              meaning="spread of that share among firms (normal, cut at 0 and 1)", **SHARE),
    Parameter("bass_innovation_per_quarter", 0.0075, "probability per quarter", 0.0, 0.1, "assumed",
              "Sultan, Farley & Lehmann 1990: mean p of 0.03 a year over 213 applications, most of them "
              "consumer goods", "p of Bass 1969: chance to adopt without any example", most=1,
              behaviour="bass"),
    Parameter("bass_imitation_per_quarter", 0.095, "probability per quarter", 0.0, 0.5, "assumed",
              "Sultan, Farley & Lehmann 1990: mean q of 0.38 a year, as above",
              "q of Bass 1969: chance to adopt when all influencers have", most=1, behaviour="bass"),
    Parameter("cascade_probability", 0.1, "probability per tie", 0.0, 0.5, "assumed",
              "Kempe, Kleinberg & Tardos 2003 compare 0.01 and 0.1; " + OURS,
              "chance that a new adopter convinces a firm over a tie of weight 1", most=1,
              behaviour="cascade"),
    # --- programme -----------------------------------------------------------------------------
    Parameter("individual_advice_cost_mkrw", 40.0, "million KRW per firm", 20.0, 75.0, "assumed",
              "between cohort costs in the press (20-30) and three times that (Iacovone et al.: group "
              "consulting costs about a third of individual for the same gain)",
              "public cost of advising one firm alone", least=0.001),
    Parameter("cohort_fixed_cost_mkrw", 100.0, "million KRW per cohort", 50.0, 200.0, "assumed",
              "split assumed; the total for 20 firms lies near the press (Daegu 570-600, Ulsan 494)",
              "public cost of running a cohort at all"),
    Parameter("cohort_cost_per_firm_mkrw", 16.0, "million KRW per firm", 8.0, 24.0, "assumed",
              "split assumed, as above", "public cost of advice per cohort member", least=0.001),
    Parameter("coordination_cost_per_pair_mkrw", 0.2, "million KRW per pair", 0.0, 0.5, "assumed",
              "split assumed, as above", "public cost of coordination per pair of cohort members"),
    Parameter("safety_log_benefit", 0.05, "log ROI", 0.0, 0.2, "assumed",
              "no causal estimate exists; the range starts at no effect",
              "avoided losses that integrated safety support adds to the prospect", most=3),
    Parameter("safety_hassle_reduction", 0.25, low=0.0, high=0.5, status="assumed",
              source="no causal estimate exists; the range starts at no effect",
              meaning="trouble saved by one visit for environment and safety", **SHARE),
    Parameter("safety_hazard_reduction", 0.183, low=0.0, high=0.4, status="assumed",
              source="smart factories: accidents down 18.3 % after matching (MSS); another programme",
              meaning="accidents avoided in firms with integrated support", **SHARE),
    Parameter("safety_advice_cost_share", 0.2, "share of the advice cost", 0.0, 0.5, "assumed", OURS,
              "what safety adds to the cost of advice", most=10),
)  # fmt: skip

BY_NAME: dict[str, Parameter] = {p.name: p for p in REGISTRY}


class Parameters(Mapping[str, float]):
    """Values by name, immutable; ``p.name`` reads as ``p["name"]``."""

    def __init__(self, values: Mapping[str, float]) -> None:
        self._values = dict(values)

    def __setattr__(self, name: str, value: object) -> None:
        if name in self.__dict__.get("_values", ()):
            raise AttributeError(f"{name} cannot be set; make new parameters({{...}})")
        super().__setattr__(name, value)

    def __getitem__(self, name: str) -> float:
        return self._values[name]

    def __getattr__(self, name: str) -> float:
        try:
            return self.__dict__["_values"][name]
        except KeyError:
            raise AttributeError(name) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Parameters({self._values})"


class RecordingParameters(Parameters):
    """Parameters that remember which of them were read."""

    def __init__(self, values: Mapping[str, float]) -> None:
        super().__init__(values)
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> float:
        self.read.add(name)
        return super().__getitem__(name)

    def __getattr__(self, name: str) -> float:
        value = super().__getattr__(name)
        self.read.add(name)
        return value


@functools.cache
def moments_of(table: Variant) -> ReturnMoments:
    """Moments of a variant of Table 4, estimated once."""
    return return_moments(table4(table))


def parameters(
    overrides: Mapping[str, float] | None = None,
    table: Variant = "as_printed",
    beyond_range: bool = False,
) -> Parameters:
    """The registry's values under a variant of Table 4, with ``overrides`` checked and applied."""
    values = {p.name: p.at(moments_of(table)) for p in REGISTRY}
    for name, value in (overrides or {}).items():
        values[name] = checked(name, value, beyond_range)
    _require_hazard_shares(values)
    return Parameters(values)


def checked(name: str, value: object, beyond_range: bool = False) -> float:
    """``value`` as a number for parameter ``name``; InputError when it cannot be one."""
    if name not in BY_NAME:
        raise InputError(f"parameters.{name}: no such parameter{did_you_mean(name, BY_NAME)}")
    parameter, number = BY_NAME[name], _number(name, value)
    low, high = (parameter.least, parameter.most) if beyond_range else (parameter.low, parameter.high)
    if not (low <= number <= high and math.isfinite(number)):
        possible = parameter.least <= number <= parameter.most
        hint = " (set beyond_range=true to explore it)" if possible else ""
        raise InputError(
            f"parameters.{name}={number:g}: outside its range {low:g} to {high:g} {parameter.unit}{hint}."
        )
    if parameter.whole and number != int(number):
        raise InputError(f"parameters.{name}={number:g}: must be a whole number of {parameter.unit}.")
    return number


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise InputError(f"parameters.{name}={value!r}: must be a number.")
    return float(value)


def _require_hazard_shares(values: Mapping[str, float]) -> None:
    if values["hazard_medium_share"] + values["hazard_high_share"] > 1:
        raise InputError(
            "parameters.hazard_medium_share and hazard_high_share: add up to more than 1; lower one."
        )


def parameter_rows(table: Variant = "as_printed") -> list[dict[str, object]]:
    """The registry as rows for a table: name, value, unit, low, high, status, meaning, source."""
    fields = ("unit", "low", "high", "status", "meaning", "source")
    return [
        {"parameter": p.name, "value": round(p.at(moments_of(table)), 6)}
        | {field: getattr(p, field) for field in fields}
        for p in REGISTRY
    ]
