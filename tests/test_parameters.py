"""Every number of the model has a unit, a range, a source and a status, and bad ones are refused."""

from __future__ import annotations

import copy
import math
import pickle
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpdiffusion.errors import InputError
from cpdiffusion.evidence.table4 import Variant, table4
from cpdiffusion.parameters import (
    BY_NAME,
    REGISTRY,
    Parameters,
    checked,
    moments_of,
    parameter_rows,
    parameters,
)
from cpdiffusion.registry.entry import Parameter
from cpdiffusion.registry.model import PRICE_PER_INVESTMENT, SELECTION_LIFT, YEARS_OWN_SHARE

BOTH: tuple[Variant, ...] = ("as_printed", "reconciled")
WHOLE = [p for p in REGISTRY if p.whole]
each = pytest.mark.parametrize("parameter", REGISTRY, ids=lambda p: p.name)


# --- the registry -------------------------------------------------------------------------------


@each
def test_a_parameter_says_what_it_is_where_it_is_from_and_how_far_to_trust_it(
    parameter: Parameter,
) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]+", parameter.name)
    assert parameter.unit.strip()
    assert len(parameter.source) > 10
    assert len(parameter.meaning) > 10
    assert parameter.status in ("measured", "calibrated", "assumed")


@each
def test_a_range_is_a_range_within_the_hard_bounds_and_contains_the_value(
    parameter: Parameter,
) -> None:
    assert parameter.low < parameter.high
    assert parameter.least <= parameter.low
    assert parameter.high <= parameter.most
    for variant in BOTH:
        assert parameter.low <= parameter.at(moments_of(variant)) <= parameter.high


@each
def test_what_is_calibrated_is_read_from_table_4_and_nothing_else_is(parameter: Parameter) -> None:
    calibrated = parameter.status == "calibrated"
    assert callable(parameter.value) == calibrated
    assert parameter.source.startswith("Table 4 of the source paper") == calibrated


@each
def test_a_measured_value_cites_a_year_and_an_assumed_one_claims_no_measurement(
    parameter: Parameter,
) -> None:
    if parameter.status == "measured":
        assert re.search(r"\b(19|20)\d\d\b", parameter.source)
    if parameter.status == "assumed":
        assert parameter.name in ASSUMED_WITH_A_HINT or "no source" in parameter.source


ASSUMED_WITH_A_HINT = {  # not measured, but some source gives an order or a direction
    "accepted_payback_median_years", "benefit_horizon_years", "firms_per_region",
    "employees_median", "waits_for_example_share",
    "liquidity_ratio_median", "accident_rate_per_worker_year", "long_tie_share",
    "prior_mean_log_return", "cross_sector_similarity", "reveal_lag_quarters",
    "act_anyway_probability", "individual_advice_cost_mkrw", "cohort_fixed_cost_mkrw",
    "cohort_cost_per_firm_mkrw", "coordination_cost_per_pair_mkrw", "safety_log_benefit",
    "safety_hassle_reduction", "safety_hazard_reduction", "early_adopter_share", "threshold_sd",
    "bass_innovation_per_quarter", "bass_imitation_per_quarter",
    "queue_dropout_per_quarter", "clean_factory_subsidy_rate", "control_centre_hazard_reduction",
    "carbon_border_ramp_years",
}  # fmt: skip


def test_names_are_unique_and_the_unit_is_in_the_name_where_there_is_money_or_time() -> None:
    assert len(BY_NAME) == len(REGISTRY)
    for parameter in REGISTRY:
        for unit, word in (("million KRW", "mkrw"), ("years", "years"), ("quarters", "quarters")):
            if parameter.unit.split(" per ")[0] == unit:
                assert re.search(rf"_{word}(_per_\w+)?$", parameter.name), parameter.name


def test_shares_cannot_leave_zero_to_one() -> None:
    shares = [p for p in REGISTRY if p.unit == "share" or p.unit.startswith("probability")]
    assert len(shares) > 15
    assert all((p.least, p.most) == (0.0, 1.0) for p in shares)


# --- the table behind it ------------------------------------------------------------------------


def test_exactly_what_rests_on_incheon_2008_moves_with_the_reconciled_table() -> None:
    """Its direct and indirect benefits are corrected; its investment and firms are not."""
    printed, reconciled = (parameters(table=variant) for variant in BOTH)
    assert {name for name in printed if printed[name] != reconciled[name]} == {
        "mean_log_return",
        "region_year_log_return_sd",
        "investment_elasticity",
        "indirect_log_ratio",
        "indirect_log_ratio_sd",
    }


def test_the_mean_moves_by_what_one_of_37_rows_weighs() -> None:
    (row,) = [row for row in table4("as_printed") if row.label == "Incheon 2008"]
    expected = (math.log(1310.0) - math.log(row.direct_mkrw)) / 37
    printed, reconciled = (parameters(table=variant).mean_log_return for variant in BOTH)
    assert reconciled - printed == pytest.approx(expected)


def test_defaults_follow_the_figures_of_the_table() -> None:
    """Mean log ROI 1.63, sd 0.54; 57,220 million KRW invested by 851 firms: less what selection does."""
    p = parameters()
    assert p.mean_log_return + SELECTION_LIFT == pytest.approx(1.63, abs=0.005)
    assert p.region_year_log_return_sd / YEARS_OWN_SHARE == pytest.approx(0.54, abs=0.005)
    assert p.capital_need_mean_mkrw / PRICE_PER_INVESTMENT == pytest.approx(57220 / 851)


# --- overrides ----------------------------------------------------------------------------------


def message(name: str, value: Any, beyond_range: bool = False) -> str:
    """The one sentence with which a value is refused."""
    with pytest.raises(InputError) as refused:
        parameters({name: value}, beyond_range=beyond_range)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_an_override_changes_its_own_value_and_no_other() -> None:
    plain, other = parameters(), parameters({"hassle_cost_share": 0.4})
    assert other.hassle_cost_share == 0.4
    assert {name for name in plain if plain[name] != other[name]} == {"hassle_cost_share"}
    assert parameters() == plain  # and nothing stays behind


def test_an_override_wins_over_the_table() -> None:
    assert parameters({"mean_log_return": 1.5}, table="reconciled").mean_log_return == 1.5


def test_an_unknown_name_is_refused_with_a_suggestion() -> None:
    assert message("mean_log_retrun", 1.6) == (
        "parameters.mean_log_retrun: no such parameter; did you mean 'mean_log_return'?"
    )
    assert message("qwzx", 1.0) == "parameters.qwzx: no such parameter."


def test_a_value_out_of_range_is_refused_with_range_unit_and_a_way_out() -> None:
    assert message("reveal_lag_quarters", 13) == (
        "parameters.reveal_lag_quarters=13: outside its range 1 to 12 quarters "
        "(set beyond_range=true to explore it)."
    )


def test_a_value_that_no_one_can_explore_is_refused_without_a_way_out() -> None:
    for beyond in (False, True):
        assert "beyond_range" not in message("cohort_visibility", 1.5, beyond)
    assert message("cohort_visibility", 1.5, True) == (
        "parameters.cohort_visibility=1.5: outside its range 0 to 1 share."
    )


@each
def test_the_ends_of_a_range_are_in_it_and_beyond_them_only_the_hard_bounds_hold(
    parameter: Parameter,
) -> None:
    name = parameter.name
    for bound in (parameter.low, parameter.high):
        assert checked(name, bound) == bound
    for bound, limit in ((parameter.low, parameter.least), (parameter.high, parameter.most)):
        if limit != bound and math.isfinite(limit):
            assert f"={limit:g}: outside its range" in message(name, limit)
            assert checked(name, limit, beyond_range=True) == limit
    assert "outside its range" in message(name, parameter.least - 1.0, beyond_range=True)
    if math.isfinite(parameter.most):
        assert "outside its range" in message(name, parameter.most + 1.0, beyond_range=True)


def is_refused(name: str, value: float, beyond_range: bool) -> bool:
    try:
        checked(name, value, beyond_range)
    except InputError as error:
        return str(error).startswith(f"parameters.{name}=")
    return False


@pytest.mark.parametrize("beyond", [False, True])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_finite_number_is_never_a_value(value: float, beyond: bool) -> None:
    """An infinite price makes 0 x inf, so nan, out of the cost of no advice at all."""
    taken = [p.name for p in REGISTRY if not is_refused(p.name, value, beyond)]
    assert not taken


@pytest.mark.parametrize("value", [True, False, "0.2", "", None, [0.2], 0.2j, {}])
def test_what_is_no_number_is_refused(value: Any) -> None:
    assert message("hassle_cost_share", value) == (
        f"parameters.hassle_cost_share={value!r}: must be a number."
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hassle_cost_share", np.float64(0.25)),
        ("hassle_cost_share", np.float32(0.25)),
        ("reveal_lag_quarters", np.int64(3)),
        ("reveal_lag_quarters", np.int32(3)),
        ("reveal_lag_quarters", 3),
        ("reveal_lag_quarters", 3.0),
    ],
)
def test_numbers_of_numpy_are_numbers(name: str, value: Any) -> None:
    """A sweep over np.arange or a column of a table hands them over."""
    taken = parameters({name: value})[name]
    assert taken == value
    assert type(taken) is float


@pytest.mark.parametrize("value", [np.bool_(True), np.array([0.2]), np.array(0.2)])
def test_truth_values_and_arrays_of_numpy_are_not(value: Any) -> None:
    assert message("hassle_cost_share", value).endswith("must be a number.")


@pytest.mark.parametrize("parameter", WHOLE, ids=lambda p: p.name)
def test_what_is_counted_must_be_whole(parameter: Parameter) -> None:
    between = parameter.low + 0.5
    assert message(parameter.name, between).endswith(
        f"={between:g}: must be a whole number of {parameter.unit}."
    )
    assert "whole" in message(parameter.name, between, beyond_range=True)


def test_counts_are_whole_by_default() -> None:
    assert {p.name for p in WHOLE} == {
        "firms_per_region",
        "firms_per_complex",
        "reveal_lag_quarters",
        "cohort_exchanges_per_quarter",
        "round_table_size",
        "round_table_interval_quarters",
        "technology_delay_years",
        "control_centre_years",
        "carbon_border_ramp_years",
        "carbon_border_later_years",
    }
    assert all(parameters()[p.name] == int(parameters()[p.name]) for p in WHOLE)


def test_hazard_classes_cannot_hold_more_than_all_firms() -> None:
    shares = {"hazard_medium_share": 0.7, "hazard_high_share": 0.4}
    with pytest.raises(InputError, match="hazard_high_share: add up to more than 1"):
        parameters(shares, beyond_range=True)
    exactly_all = parameters({"hazard_medium_share": 0.6, "hazard_high_share": 0.4})
    assert exactly_all.hazard_high_share == 0.4


@given(data=st.data())
def test_every_value_within_its_range_is_taken_as_it_is(data: st.DataObject) -> None:
    parameter = data.draw(st.sampled_from([p for p in REGISTRY if not p.whole]))
    value = data.draw(st.floats(parameter.low, parameter.high))
    assert checked(parameter.name, value) == value


@given(data=st.data(), factor=st.floats(1e-6, 1e6))
def test_every_value_outside_is_refused(data: st.DataObject, factor: float) -> None:
    parameter = data.draw(st.sampled_from(REGISTRY))
    side = data.draw(st.sampled_from([-1, 1]))
    outside = (parameter.low if side < 0 else parameter.high) + side * factor
    assert "outside its range" in message(parameter.name, outside)


# --- values by name -----------------------------------------------------------------------------


def test_values_read_alike_by_attribute_and_by_key() -> None:
    p = parameters()
    assert set(p) == set(BY_NAME)
    assert len(p) == len(REGISTRY)
    assert all(getattr(p, name) == p[name] for name in p)
    with pytest.raises(AttributeError):
        _ = p.no_such_parameter
    with pytest.raises(KeyError):
        _ = p["no_such_parameter"]


def test_values_cannot_be_changed() -> None:
    p: Any = parameters()
    with pytest.raises(TypeError):
        p["hassle_cost_share"] = 0.4
    with pytest.raises(AttributeError):
        p.hassle_cost_share = 0.4
    assert p.hassle_cost_share == p["hassle_cost_share"] == 0.2


def test_what_values_were_made_from_can_change_without_changing_them() -> None:
    source = dict(parameters())
    p = Parameters(source)
    source["hassle_cost_share"] = 9.0
    assert p.hassle_cost_share == 0.2


def test_values_survive_copying_and_the_way_to_a_worker() -> None:
    p = parameters({"hassle_cost_share": 0.4})
    for other in (copy.copy(p), copy.deepcopy(p), pickle.loads(pickle.dumps(p))):
        assert other == p
        assert other.hassle_cost_share == 0.4


@pytest.mark.parametrize("variant", BOTH)
def test_the_printed_table_has_a_row_for_each_parameter(variant: Variant) -> None:
    rows = parameter_rows(variant)
    assert [row["parameter"] for row in rows] == [p.name for p in REGISTRY]
    columns = ["parameter", "value", "unit", "low", "high", "status", "meaning", "source"]
    assert all(list(row) == columns for row in rows)
    assert all(
        row["value"] == pytest.approx(parameters(table=variant)[str(row["parameter"])], abs=1e-6)
        for row in rows
    )
