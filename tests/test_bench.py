"""Plain Mesa objects are the same model as the engine, so that timing them side by side is fair."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.engine_against_mesa import COLUMNS, Sizes, main
from bench.plain_mesa import PlainFirm, PlainMesa
from bench.stepped_mesa import SteppedMesa
from cpdiffusion.draws import replicate_seeds
from cpdiffusion.engine.mesa_model import DiffusionModel, Firm
from cpdiffusion.engine.run import room_for, run_into
from cpdiffusion.engine.setting import Setting, columns_of, rule_of
from cpdiffusion.engine.state import Flow, new_state
from cpdiffusion.parameters import Parameters, parameters
from cpdiffusion.policy.design import Design, design_of
from cpdiffusion.policy.levers import Levers
from cpdiffusion.policy.programme import programme_of
from cpdiffusion.policy.targeting import priority
from cpdiffusion.world.world import Recipe, World

QUARTERS = 40
SEEDS = 40


def parameters_with(**changes: float) -> Parameters:
    return Parameters({**parameters(), **changes})


# --- without luck: firm by firm ------------------------------------------------------------------

NO_LUCK = parameters_with(
    firms_per_region=100,
    review_rate_per_quarter=1.0,
    act_anyway_probability=0.0,
    region_year_log_return_sd=0.0,
    diagnosis_noise_sd=1e-6,
    # and enough going on to compare
    prior_mean_log_return=0.5,
    complex_visibility=0.6,
    sector_visibility=0.6,
    hassle_cost_share=0.05,
    liquidity_ratio_median=5.0,
    complementarity_log_return=0.3,
    reveal_lag_quarters=3,
    cohort_exchanges_per_quarter=1,
)
REGIONAL_MEAN = np.array([1.5, 2.0])

BY_SIZE = {"targeting": "large", "cohort_size": 10}
DESIGNS = {
    "none": Levers(),
    "individual": Levers(support="individual", **BY_SIZE),
    "cluster": Levers(support="cluster", **BY_SIZE),
    "everything": Levers(
        support="cluster", subsidy_rate=0.5, integrated_safety=1.0, adviser_skill=1.5,
        adviser_capacity_firms_per_quarter=3, first_year=2, programme_years=3, **BY_SIZE,
    ),
}  # fmt: skip


def world_without_lots() -> World:
    """Two regions without two firms of one size, so that targeting by size leaves no lot."""
    world = Recipe(("ulsan", "busan")).build(3, NO_LUCK)
    sizes = np.random.default_rng(1).permutation(world.size).astype(np.int32) + 5
    return replace(world, firms=world.firms._replace(employees=sizes))


def both_models(
    levers: Levers, p: Parameters = NO_LUCK, style: type[PlainMesa] = PlainMesa
) -> tuple[DiffusionModel, PlainMesa]:
    given: dict[str, Any] = {
        "world": world_without_lots(), "parameters": NO_LUCK, "design": design_of(levers),
        "seed": 1, "regional_mean": REGIONAL_MEAN,
    }  # fmt: skip
    engine, plain = DiffusionModel(**given), style(**{**given, "parameters": p})
    for _ in range(QUARTERS):
        engine.step()
        plain.step()
    return engine, plain


def in_row_order(model: DiffusionModel | PlainMesa) -> list[Any]:
    return sorted(model.agents, key=lambda firm: firm.row)


def fates(model: DiffusionModel | PlainMesa) -> list[tuple[int | None, int]]:
    """Adoption quarter and peers' results seen of each firm."""
    seen = "results_seen" if isinstance(model, DiffusionModel) else "examples_seen"
    return [(firm.adoption_quarter, getattr(firm, seen)) for firm in in_row_order(model)]


def beliefs_and_returns(model: DiffusionModel | PlainMesa) -> np.ndarray:
    """Mean and precision of each belief, and the realised log return; shape (N, 3)."""
    of = belief_in_engine if isinstance(model, DiffusionModel) else belief_in_plain_mesa
    return np.array([of(firm) for firm in in_row_order(model)])


def belief_in_engine(firm: Firm) -> tuple[float, float, float]:
    log_return = math.nan if firm.log_return is None else firm.log_return
    return firm.mean_log_return, firm.sd**-2, log_return


def belief_in_plain_mesa(firm: PlainFirm) -> tuple[float, float, float]:
    return firm.belief_mean, firm.belief_precision, firm.log_return


def largest_difference(one: DiffusionModel, other: PlainMesa) -> float:
    apart = np.abs(beliefs_and_returns(one) - beliefs_and_returns(other))
    return float(np.nanmax(apart))


@pytest.mark.parametrize("style", [PlainMesa, SteppedMesa])
@pytest.mark.parametrize("levers", DESIGNS.values(), ids=DESIGNS)
def test_without_luck_every_firm_learns_and_does_the_same(levers: Levers, style: type[PlainMesa]) -> None:
    engine, plain = both_models(levers, style=style)
    assert len({quarter for quarter, _ in fates(engine)}) > 5, "too little happens to compare"
    assert fates(engine) == fates(plain)
    assert largest_difference(engine, plain) < 1e-9
    assert engine.supported_firms == plain.supported
    assert engine.public_money_mkrw == pytest.approx(plain.public_money_mkrw)
    assert engine.direct_benefit_mkrw == pytest.approx(plain.direct_mkrw, rel=1e-9)


NOTICEABLE = (
    "prior_mean_log_return", "complex_visibility", "cross_sector_similarity", "cohort_noise_sd",
    "cohort_visibility", "published_visibility", "complementarity_log_return",
)  # fmt: skip


@pytest.mark.parametrize("name", NOTICEABLE)
def test_without_luck_a_change_of_one_parameter_is_noticed(name: str) -> None:
    engine, plain = both_models(DESIGNS["cluster"], parameters_with(**{**NO_LUCK, name: 0.45}))
    assert largest_difference(engine, plain) > 1e-3


# --- with luck: on average -----------------------------------------------------------------------

FLOWS = {
    "adopters": (Flow.ADOPTERS,),
    "supported": (Flow.SUPPORTED,),
    "supported_adopters": (Flow.SUPPORTED_ADOPTERS,),
    "public_money_mkrw": (Flow.ADVICE, Flow.SUBSIDY),
    "private_investment_mkrw": (Flow.PRIVATE_INVESTMENT,),
    "direct_mkrw": (Flow.DIRECT,),
    "indirect_mkrw": (Flow.INDIRECT,),
    "environmental_mkrw": (Flow.ENVIRONMENTAL,),
    "accidents": (Flow.ACCIDENTS,),
    "accidents_avoided": (Flow.ACCIDENTS_AVOIDED,),
}
WITH_LUCK = parameters_with(firms_per_region=200)
MEAN = np.array([WITH_LUCK.mean_log_return])
Figures = dict[str, np.ndarray]  # name -> one value per seed


def world_with_lots() -> World:
    return Recipe(("ulsan",)).build(7, WITH_LUCK)


def engine_figures(design: Design, p: Parameters) -> Figures:
    world = world_with_lots()
    setting = Setting(columns_of(world, p, MEAN), rule_of(p), programme_of(design, p))
    runs = room_for(SEEDS, world.size, 1, QUARTERS)
    first, seeds = priority(design.targeting, world), replicate_seeds(1, 0, SEEDS)
    run_into(runs, new_state(world.size, 1, QUARTERS), setting, seeds, first)
    return {name: runs.flow[..., list(flows)].sum(axis=(1, 2, 3)) for name, flows in FLOWS.items()}


def plain_figures(design: Design, p: Parameters) -> Figures:
    models = [
        PlainMesa(world=world_with_lots(), parameters=p, design=design, seed=seed, regional_mean=MEAN)
        for seed in range(SEEDS)
    ]
    for model in models:
        for _ in range(QUARTERS):
            model.step()
    return {name: np.array([getattr(model, name) for model in models]) for name in FLOWS}


def standard_errors_apart(one: Figures, other: Figures) -> dict[str, float]:
    """Differences of means in standard errors of the difference; exact agreement is 0."""
    apart = {}
    for name in FLOWS:
        difference = one[name].mean() - other[name].mean()
        error = np.sqrt((one[name].var(ddof=1) + other[name].var(ddof=1)) / SEEDS)
        apart[name] = 0.0 if abs(difference) < 1e-6 else abs(difference) / max(error, 1e-6)
    return apart


@pytest.fixture(scope="module", params=["individual", "cluster"])
def design(request: pytest.FixtureRequest) -> Design:
    return design_of(Levers(support=request.param, subsidy_rate=0.2, integrated_safety=1.0))


@pytest.fixture(scope="module")
def plain(design: Design) -> Mapping[str, np.ndarray]:
    return plain_figures(design, WITH_LUCK)


def test_over_seeds_both_agree_on_adopters_money_benefits_and_accidents(
    design: Design, plain: Figures
) -> None:
    apart = standard_errors_apart(engine_figures(design, WITH_LUCK), plain)
    assert max(apart.values()) < 4, apart


def test_over_seeds_a_clear_change_of_one_parameter_is_noticed(design: Design, plain: Figures) -> None:
    hopeful = Parameters({**WITH_LUCK, "prior_mean_log_return": 0.5})
    apart = standard_errors_apart(engine_figures(design, hopeful), plain)
    assert apart["adopters"] > 6, apart
    assert apart["accidents"] < 4, "accidents have nothing to do with beliefs"


# --- the script ----------------------------------------------------------------------------------

SMALL = Sizes(firms=60, quarters=4, rounds=2, engine_seeds=2, mesa_seeds=1, worlds=2)


def test_the_script_writes_one_complete_table_and_nothing_else(tmp_path: Path) -> None:
    assert main([f"out={tmp_path / 'new'}"], SMALL) == 0
    (file,) = (tmp_path / "new").iterdir()
    with file.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        rows = {row["engine"]: row for row in reader}
    assert tuple(reader.fieldnames or ()) == COLUMNS
    assert set(rows) == {
        "floor", "compiled_engine", "engine_seen_through_Mesa", "plain_Mesa_tuned", "plain_Mesa",
    }  # fmt: skip
    assert all(float(row["ns_per_firm_quarter"]) > 0 for row in rows.values())
    assert {row["firms"] for row in rows.values()} == {"60"}
    assert rows["floor"]["ratio_to_floor"] == rows["plain_Mesa"]["ratio_to_mesa"] == "1.0"
    assert float(rows["plain_Mesa"]["peak_mib"]) > float(rows["compiled_engine"]["peak_mib"]) > 0


def test_the_script_refuses_an_argument_that_it_does_not_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["ouf=elsewhere"], SMALL) == 2
    assert "ouf=elsewhere" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
