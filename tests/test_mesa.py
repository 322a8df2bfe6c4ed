"""The Mesa model is the engine itself: same history byte for byte, and Mesa's habits work on it."""

from __future__ import annotations

import functools
import multiprocessing
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import mesa
import networkx as nx
import numpy as np
import pytest

from cpdiffusion.draws import replicate_seeds
from cpdiffusion.engine.mesa_model import (
    BESIDE_NO_POLICY,
    MODEL_REPORTERS,
    DiffusionModel,
    Firm,
    graph_of,
)
from cpdiffusion.engine.run import room_for, run_into
from cpdiffusion.engine.setting import Setting, columns_of, rule_of
from cpdiffusion.engine.state import NEVER, Count, Flow, new_state
from cpdiffusion.errors import InputError
from cpdiffusion.parameters import Parameters, parameters
from cpdiffusion.policy.design import Design, design_of
from cpdiffusion.policy.levers import Levers
from cpdiffusion.policy.programme import programme_of
from cpdiffusion.policy.targeting import priority
from cpdiffusion.world.ties import Ties
from cpdiffusion.world.world import Recipe, World

SOURCES = Path(__file__).resolve().parents[1] / "model"
PROGRAMME = {"budget_mkrw_per_year": 600.0, "programme_years": 3}
DESIGNS = {
    name: design_of(levers)
    for name, levers in {
        "none": Levers(),
        "individual": Levers(support="individual", **PROGRAMME),
        "cluster": Levers(support="cluster", cohort_size=25, **PROGRAMME),
        "cluster_with_subsidy_and_safety": Levers(
            support="cluster", cohort_size=25, subsidy_rate=0.3, integrated_safety=1.0, **PROGRAMME
        ),
    }.items()
}
# Optimists with money: much happens among few firms. Two regions, so that none is mistaken.
P = Parameters(
    {
        **parameters(),
        "firms_per_region": 75,
        "prior_mean_log_return": 0.5,
        "liquidity_ratio_median": 5,
        "waits_for_example_share": 0.4,
        "complementarity_log_return": 0.1,
    }
)
MEAN = np.array([1.5, 1.8])
SEEDS = replicate_seeds(11, 0, 20)
QUARTERS = 40


def small_world(p: Parameters = P) -> World:
    return Recipe(("ulsan", "busan")).build(5, p)


@functools.cache
def the_world() -> World:
    return small_world()


def model_of(design: str | Design = "cluster", **changes: Any) -> DiffusionModel:
    given = {
        "world": the_world(), "parameters": P, "regional_mean": MEAN, "horizon_quarters": QUARTERS,
        "design": DESIGNS[design] if isinstance(design, str) else design, "seed": int(SEEDS[0]),
    }  # fmt: skip
    return DiffusionModel(**{**given, **changes})


def finished(design: str | Design = "cluster", **changes: Any) -> DiffusionModel:
    model = model_of(design, **changes)
    model.run_model()
    return model


def ensemble(design: Design, seeds: np.ndarray, p: Parameters = P, quarters: int = QUARTERS) -> Any:
    """What the ensembles' compiled call makes of the same world; its state after the last run."""
    world = small_world(p)
    setting = Setting(columns_of(world, p, MEAN), rule_of(p), programme_of(design, p))
    runs = room_for(seeds.size, world.size, 2, quarters)
    state = new_state(world.size, 2, quarters)
    with np.errstate(over="ignore"):
        run_into(runs, state, setting, seeds, priority(design.targeting, world))
    return runs, state


# --- the same history ----------------------------------------------------------------------------


@pytest.mark.parametrize("design", DESIGNS)
def test_twenty_seeds_give_the_ensembles_histories_byte_for_byte(design: str) -> None:
    runs, _ = ensemble(DESIGNS[design], SEEDS)
    for k, seed in enumerate(SEEDS):
        state = finished(design, seed=int(seed), collect=False).state
        assert state.adoption_quarter.astype(np.int16).tobytes() == runs.adoption_quarter[k].tobytes()
        assert state.supported_quarter.astype(np.int16).tobytes() == runs.supported_quarter[k].tobytes()
        assert state.log_return.astype(np.float32).tobytes() == runs.log_return[k].tobytes()
        assert state.flow.tobytes() == runs.flow[k].tobytes()


BELIEFS_AND_FATES = (
    "precision", "weighted_sum", "results_seen", "informant", "signal", "cohort", "log_return",
    "adoption_quarter", "diagnosed_quarter", "purse_mkrw", "counts",
)  # fmt: skip


@pytest.mark.parametrize("design", DESIGNS)
def test_beliefs_signals_and_purses_are_the_engines_to_the_last_bit(design: str) -> None:
    _, expected = ensemble(DESIGNS[design], SEEDS[:1])
    state = finished(design).state
    for column in BELIEFS_AND_FATES:
        assert getattr(state, column).tobytes() == getattr(expected, column).tobytes(), column


def test_the_four_designs_and_the_seeds_differ_so_that_agreement_means_something() -> None:
    flows = {ensemble(design, SEEDS[:2])[0].flow[k].tobytes()
             for design in DESIGNS.values() for k in (0, 1)}  # fmt: skip
    assert len(flows) == 2 * len(DESIGNS)


def test_mesas_own_random_numbers_do_not_reach_the_engine() -> None:
    model = model_of()
    for _ in range(QUARTERS):
        model.agents.shuffle_do(lambda firm: firm.random.random())
        model.rng.random(7)
        model.step()
    assert model.state.flow.tobytes() == finished().state.flow.tobytes()


def test_what_runs_beside_is_the_run_without_any_policy() -> None:
    runs, _ = ensemble(DESIGNS["none"], SEEDS[:1])
    model = finished("cluster")
    assert model.without_policy is not None
    assert model.without_policy.flow.tobytes() == runs.flow[0].tobytes()
    with_policy, without = model.state.adoption_quarter, runs.adoption_quarter[0]
    spilled = (with_policy != NEVER) & (model.state.supported_quarter == NEVER) & (without == NEVER)
    assert model.spillover_adopters == spilled.sum() > 0
    assert model.additional_adopters == (with_policy != NEVER).sum() - (without != NEVER).sum() > 0
    assert [firm.adopted_without_policy for firm in model.firms] == (without != NEVER).tolist()


# --- the same history without compiling ----------------------------------------------------------

FEW = Parameters({**P, "firms_per_region": 30, "act_anyway_probability": 0.05})
SHORT = 24


def save_histories(path: str) -> None:
    """Write the histories of all designs; run in this process and in one that does not compile."""
    histories: dict[str, np.ndarray] = {}
    for name, design in DESIGNS.items():
        runs, _ = ensemble(design, SEEDS[:2], FEW, SHORT)
        state = finished(design, world=small_world(FEW), parameters=FEW, horizon_quarters=SHORT).state
        histories |= {f"{name} ensemble {field}": column for field, column in runs._asdict().items()} | {
            f"{name} state {field}": getattr(state, field) for field in (*BELIEFS_AND_FATES, "flow")
        }
    np.savez(path, **histories)


def test_plain_python_gives_the_compiled_histories_byte_for_byte(tmp_path: Path) -> None:
    plain, compiled = tmp_path / "plain.npz", tmp_path / "compiled.npz"
    code = (
        "import numba, sys, test_mesa; from cpdiffusion.engine import phases; "
        "assert not hasattr(phases.quarter, 'py_func'), 'compiled after all'; "
        "test_mesa.save_histories(sys.argv[1])"
    )
    paths = os.pathsep.join([str(SOURCES), str(Path(__file__).parent)])
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": paths}
    command = [sys.executable, "-W", "error::RuntimeWarning", "-c", code, str(plain)]
    subprocess.run(command, env=environment, check=True)
    save_histories(str(compiled))
    with np.load(plain) as one, np.load(compiled) as other:
        assert set(one) == set(other)
        assert not [name for name in one if one[name].tobytes() != other[name].tobytes()]
        happened = {name: int((other[f"{name} state adoption_quarter"] != NEVER).sum()) for name in DESIGNS}
    assert min(happened.values()) > 3, happened


# --- a firm is a view ----------------------------------------------------------------------------


def test_a_firm_shows_its_row_of_world_and_state() -> None:
    model = finished("cluster_with_subsidy_and_safety")
    firms, state = the_world().firms, model.state
    for row, firm in enumerate(model.firms):
        assert firm.region == the_world().regions[firms.region[row]]
        assert firm.complex == the_world().complexes[firms.complex[row]]
        assert firm.sector == the_world().sectors[firms.sector[row]]
        assert firm.employees == firms.employees[row]
        assert firm.capital_need_mkrw == firms.capital_need_mkrw[row]
        assert firm.required_confidence == firms.required_confidence[row]
        assert firm.hazard_class == ("low", "medium", "high")[firms.hazard_class[row]]
        assert firm.adopted == (state.adoption_quarter[row] != NEVER)
        assert firm.supported == (state.supported_quarter[row] != NEVER)
        assert firm.diagnosed == (state.diagnosed_quarter[row] != NEVER)
        assert firm.mean_log_return == state.weighted_sum[row] / state.precision[row]
        assert firm.sd == pytest.approx(state.precision[row] ** -0.5)
        assert firm.results_seen == state.results_seen[row]


def test_what_a_firm_does_not_know_yet_is_none() -> None:
    model = model_of()
    for _ in range(6):
        model.step()
    idle = next(f for f in model.firms if not (f.adopted or f.supported or f.results_seen))
    unknown = ("adoption_quarter", "supported_quarter", "diagnosed_quarter", "log_return", "signal")
    assert [getattr(idle, name) for name in (*unknown, "informant")] == [None] * 6
    assert idle.cohort_mates == []
    busy = next(f for f in model.firms if f.adopted and f.supported)
    assert all(isinstance(getattr(busy, name), int | float) for name in unknown)


def test_an_informant_is_an_earlier_adopter_among_neighbours_or_cohort_mates() -> None:
    model = finished()
    informed = [firm for firm in model.firms if firm.informant]
    for firm in informed:
        teller = firm.informant
        assert isinstance(teller, Firm)
        assert teller in firm.neighbours or teller in firm.cohort_mates
        assert teller.adoption_quarter is not None
        assert firm.adoption_quarter is None or teller.adoption_quarter < firm.adoption_quarter
    assert len(informed) > 10


def test_cohort_mates_were_taken_in_together_and_know_each_other() -> None:
    model = finished()
    member = next(firm for firm in model.firms if firm.cohort_mates)
    assert len(member.cohort_mates) >= 24
    assert all(member in mate.cohort_mates for mate in member.cohort_mates)
    assert {mate.region for mate in member.cohort_mates} == {member.region}


@pytest.mark.parametrize("name", ["adopted", "supported", "log_return", "capital_need_mkrw", "sector"])
def test_facts_cannot_be_overwritten_unnoticed(name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(model_of().firms[0], name, True)


# --- what a student may change -------------------------------------------------------------------


KEEN = {"required_confidence": 0.0, "waits_for_example": False, "liquidity_mkrw": 1e9}


def make_keen(firm: Firm) -> None:
    for name, value in KEEN.items():
        setattr(firm, name, value)


def idle_row() -> int:
    """A firm that needs all three changes of KEEN, and never adopts by itself."""
    return next(
        f.row for f in finished("none").firms
        if not f.adopted and f.waits_for_example and not f.results_seen
        and f.liquidity_mkrw < f.capital_need_mkrw
        and f.required_confidence > 0.6
    )  # fmt: skip


def history_with(changes: dict[str, Any], row: int, at_quarter: int = 8) -> DiffusionModel:
    model = model_of("none")
    for _ in range(at_quarter):
        model.step()
    for name, value in changes.items():
        setattr(model.firms[row], name, value)
    model.run_model()
    return model


def test_a_firm_made_keen_adopts_at_its_next_review() -> None:
    firm = history_with(KEEN, idle_row()).firms[idle_row()]
    assert firm.adoption_quarter is not None
    assert firm.adoption_quarter >= 8
    assert {name: getattr(firm, name) for name in KEEN} == KEEN


@pytest.mark.parametrize("left_out", KEEN)
def test_it_takes_all_three_changes_to_make_it_adopt(left_out: str) -> None:
    fewer = {name: value for name, value in KEEN.items() if name != left_out}
    if left_out == "required_confidence":
        fewer |= {"required_confidence": 1.0}
    assert not history_with(fewer, idle_row()).firms[idle_row()].adopted


def test_changing_one_firm_changes_no_other_before_it_hears_of_it() -> None:
    changed, usual = history_with(KEEN, idle_row()), finished("none")
    cause = changed.firms[idle_row()].adoption_quarter
    assert cause is not None
    heard = cause + int(P.reveal_lag_quarters)
    for one, other in zip(changed.firms, usual.firms, strict=True):
        if one.adoption_quarter != other.adoption_quarter and one.row != idle_row():
            quarters = (one.adoption_quarter, other.adoption_quarter)
            assert min(quarter for quarter in quarters if quarter is not None) >= heard


def test_writing_the_value_that_is_there_changes_nothing() -> None:
    model = model_of()
    for firm in model.firms:
        for name in (*KEEN, "accepted_payback_years"):
            setattr(firm, name, getattr(firm, name))
    model.run_model()
    assert model.state.flow.tobytes() == finished().state.flow.tobytes()


@pytest.mark.parametrize(("years", "more_adopt"), [(1000.0, True), (0.001, False)])
def test_patience_decides_about_adoption(years: float, more_adopt: bool) -> None:
    without_chance = Parameters({**P, "act_anyway_probability": 0.0})
    model = model_of("none", parameters=without_chance)
    model.agents.set("accepted_payback_years", years)
    model.run_model()
    usual = finished("none", parameters=without_chance).adopters
    assert (model.adopters > 2 * usual) if more_adopt else (model.adopters == 0 < usual)


def test_a_change_stays_in_its_own_model() -> None:
    before = [column.copy() for column in the_world().firms]
    model = model_of()
    model.agents.do(make_keen)
    model.agents.set("accepted_payback_years", 9.0)
    model.run_model()
    assert all(np.array_equal(a, b) for a, b in zip(before, the_world().firms, strict=True))
    assert finished().state.flow.tobytes() != model.state.flow.tobytes()


def test_additional_adopters_are_counted_against_the_same_changed_firms() -> None:
    model = model_of("none")
    model.agents.do(make_keen)
    model.run_model()
    assert model.adopters > 100
    assert model.additional_adopters == model.spillover_adopters == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("required_confidence", 1.5), ("required_confidence", float("nan")),
        ("liquidity_mkrw", -1.0), ("accepted_payback_years", 0.0),
    ],
)  # fmt: skip
def test_an_impossible_value_is_refused_and_changes_nothing(name: str, value: float) -> None:
    firm = model_of().firms[0]
    before = getattr(firm, name)
    with pytest.raises(InputError, match=f"{name}={value:g}: must "):
        setattr(firm, name, value)
    assert getattr(firm, name) == before


# --- Mesa's habits -------------------------------------------------------------------------------


def test_agents_can_be_selected_aggregated_grouped_and_shuffled() -> None:
    model = finished()
    adopters = model.agents.select(lambda firm: firm.adopted)
    quarters = model.state.adoption_quarter[model.state.adoption_quarter != NEVER]
    assert len(adopters) == model.adopters == quarters.size
    assert adopters.agg("adoption_quarter", max) == quarters.max()
    by_sector = model.agents.groupby("sector").agg("adopted", sum)
    assert sum(by_sector.values()) == model.adopters
    assert set(by_sector) == {the_world().sectors[k] for k in the_world().firms.sector}
    rows = [firm.row for firm in model.agents.shuffle()]
    assert sorted(rows) == list(range(the_world().size)) != rows
    assert [firm.row for firm in model.agents] == list(range(the_world().size))
    visited: list[int] = []
    model.agents.do(lambda firm: visited.append(firm.row))
    assert visited == list(range(the_world().size))


def test_the_datacollector_holds_the_start_and_every_quarter_to_the_last() -> None:
    model = finished("cluster_with_subsidy_and_safety", agent_reporters={"adopted": "adopted"})
    frame, flow = model.datacollector.get_model_vars_dataframe(), model.state.flow.sum(axis=0)
    assert tuple(frame) == MODEL_REPORTERS + BESIDE_NO_POLICY
    assert len(frame) == QUARTERS + 1
    assert not frame.iloc[0].any()
    adopters = np.cumsum(flow[:, Flow.ADOPTERS])
    money = np.cumsum(flow[:, Flow.ADVICE] + flow[:, Flow.SUBSIDY])
    assert frame["adopters"].tolist()[1:] == adopters.tolist()
    assert frame["public_money_mkrw"].to_numpy()[1:] == pytest.approx(money)
    assert frame["unspent_mkrw"].to_numpy()[1:] == pytest.approx(flow[:, Flow.UNSPENT])
    agents = model.datacollector.get_agent_vars_dataframe()
    assert agents["adopted"].groupby("Step").sum().tolist() == frame["adopters"].tolist()


def test_every_reporter_says_what_its_flows_say() -> None:
    model = finished("cluster_with_subsidy_and_safety")
    total = {flow: model.state.flow[..., flow].sum() for flow in Flow}
    assert model.adoption_share == model.adopters / the_world().size
    assert model.supported_firms == total[Flow.SUPPORTED] == model.state.counts[Count.SUPPORTED]
    assert model.supported_adopters == total[Flow.SUPPORTED_ADOPTERS] > 0
    assert model.public_money_mkrw == pytest.approx(total[Flow.ADVICE] + total[Flow.SUBSIDY])
    assert model.subsidy_mkrw == pytest.approx(total[Flow.SUBSIDY])
    assert model.subsidy_mkrw > 0
    assert model.private_investment_mkrw == pytest.approx(total[Flow.PRIVATE_INVESTMENT])
    assert model.direct_benefit_mkrw == pytest.approx(total[Flow.DIRECT])
    assert model.indirect_benefit_mkrw == pytest.approx(total[Flow.INDIRECT])
    assert model.environmental_benefit_mkrw == pytest.approx(total[Flow.ENVIRONMENTAL])
    assert (model.accidents, model.accidents_avoided) == (
        total[Flow.ACCIDENTS], total[Flow.ACCIDENTS_AVOIDED])  # fmt: skip
    assert model.accidents_avoided > 0


def test_collecting_can_be_left_to_the_user() -> None:
    model = model_of(collect=False)
    model.step()
    assert model.datacollector.model_vars["adopters"] == []
    model.datacollector.collect(model)
    assert model.datacollector.model_vars["adopters"] == [model.adopters]


def test_without_the_run_beside_nothing_claims_to_be_additional() -> None:
    model = finished(beside_no_policy=False)
    assert tuple(model.datacollector.model_vars) == MODEL_REPORTERS
    assert model.firms[0].adopted_without_policy is None
    with pytest.raises(InputError, match="beside_no_policy"):
        _ = model.additional_adopters


def test_a_subclass_can_act_between_quarters() -> None:
    class Stirred(DiffusionModel):
        def step(self) -> None:
            if self.quarter == 4:
                self.agents.do(make_keen)
            super().step()

    stirred = Stirred(
        world=the_world(),
        parameters=P,
        design=DESIGNS["none"],
        seed=int(SEEDS[0]),
        regional_mean=MEAN,
    )
    stirred.run_model()
    counted = stirred.datacollector.get_model_vars_dataframe()["adopters"]
    assert counted[4] == finished("none").datacollector.model_vars["adopters"][4]
    assert counted[QUARTERS] > 100 > finished("none").adopters


# --- the space -----------------------------------------------------------------------------------


def test_the_cells_of_the_network_are_joined_as_the_ties_are() -> None:
    model = model_of()
    assert isinstance(model.space, mesa.discrete_space.Network)
    ties = the_world().ties
    for row, firm in enumerate(model.firms):
        tied = ties.target[ties.start[row] : ties.start[row + 1]].tolist()
        assert firm.cell.agents == [firm]
        assert sorted(agent.row for agent in firm.cell.neighborhood.agents) == tied
        assert [neighbour.row for neighbour in firm.neighbours] == tied
    assert ties.target.size > 500


def test_the_space_is_built_when_first_asked_for_and_only_once() -> None:
    model = model_of()
    model.step()
    assert "space" not in vars(model)
    cell = model.firms[3].cell
    assert model.space is model.space
    assert cell is model.space[3] is model.firms[3].cell


def test_mutual_ties_make_a_graph_and_one_way_ties_a_directed_one() -> None:
    mutual = graph_of(the_world().ties)
    assert not mutual.is_directed()
    assert 2 * mutual.number_of_edges() == the_world().ties.target.size
    two_ties = Ties(
        np.array([0, 2, 2, 2]),
        np.array([1, 2], np.int32),
        np.array([0, 3], np.int8),
        np.array([1.0, 0.5]),
    )
    directed = graph_of(two_ties)
    assert isinstance(directed, nx.DiGraph)
    assert dict(directed.edges) == {
        (0, 1): {"layer": "supply_chain", "weight": 1.0},
        (0, 2): {"layer": "other", "weight": 0.5},
    }


def test_ties_of_unequal_weight_in_the_two_directions_stay_directed() -> None:
    weight = the_world().ties.weight.copy()
    weight[0] = 0.5
    assert graph_of(the_world().ties._replace(weight=weight)).is_directed()


def test_one_way_ties_lead_to_those_who_hear() -> None:
    one_way = Ties(
        np.array([0, 1, *[1] * (the_world().size - 1)]),
        np.array([7], np.int32),
        np.zeros(1, np.int8),
        np.ones(1),
    )
    model = model_of(world=replace(the_world(), ties=one_way))
    assert [agent.row for agent in model.firms[0].cell.neighborhood.agents] == [7]
    assert list(model.firms[7].cell.neighborhood.agents) == model.firms[7].neighbours == []


def test_firms_neither_move_nor_leave() -> None:
    model = model_of()
    with pytest.raises(InputError, match="ties are fixed"):
        model.firms[0].cell = model.space[1]
    with pytest.raises(InputError, match="stay for the whole run"):
        model.firms[0].remove()
    assert len(model.agents) == the_world().size


# --- the end, and bad beginnings -----------------------------------------------------------------


def test_the_run_ends_at_its_horizon_and_says_so_each_time() -> None:
    model = model_of(horizon_quarters=3)
    assert model.running
    model.run_model()
    assert (model.running, model.quarter, model.steps) == (False, 3, 3)
    history = model.state.flow.tobytes()
    for _ in range(2):
        with pytest.raises(InputError, match="horizon of 3 quarters"):
            model.step()
    assert (model.quarter, model.steps, model.state.flow.tobytes()) == (3, 3, history)
    assert len(model.datacollector.model_vars["adopters"]) == 4


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("regional_mean", np.array([1.5])), ("regional_mean", 1.5), ("seed", -1), ("seed", 2**64),
        ("horizon_quarters", 0),
    ],
)  # fmt: skip
def test_an_argument_out_of_range_is_named(argument: str, value: Any) -> None:
    with pytest.raises(InputError, match=f"^{argument}"):
        model_of(**{argument: value})


def test_the_largest_seed_is_a_seed() -> None:
    largest = 2**64 - 1
    runs, _ = ensemble(DESIGNS["cluster"], np.array([largest], np.uint64))
    assert finished(seed=largest).state.flow.tobytes() == runs.flow[0].tobytes()


# --- a good guest --------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [None, "fork", "forkserver"])
def test_importing_the_mesa_model_leaves_the_start_method_of_processes(method: str | None) -> None:
    if method and method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} here")
    code = (
        "import multiprocessing as m\n"
        f"m.set_start_method({method!r}, force=True)\n"
        "import cpdiffusion.engine.mesa_model\n"
        f"assert m.get_start_method(allow_none=True) == {method!r}, m.get_start_method()"
    )
    environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
