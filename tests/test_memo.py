"""Worlds side by side and remembered: faster, and the same bytes."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest

from cpdiffusion.outcomes.experiment import Experiment, run_batch, run_replicate
from cpdiffusion.outcomes.memo import Memo
from cpdiffusion.parameters import REGISTRY, Parameters, parameters
from cpdiffusion.policy.design import design_of
from cpdiffusion.policy.levers import Levers, Targeting
from cpdiffusion.world.stack import stacked
from cpdiffusion.world.world import Recipe

COHORTS = Levers(support="cluster", cohort_size=5, budget_mkrw_per_year=300)


def small(**changes: object) -> Experiment:
    p = parameters({"firms_per_region": 120}, beyond_range=True)
    designs = {"cohorts": design_of(COHORTS)}
    return replace(Experiment(Recipe(("ulsan", "busan")), p, designs, 16, seed=3), **changes)


@pytest.mark.parametrize("rule", get_args(Targeting))
def test_worlds_run_side_by_side_as_they_run_alone(rule: Targeting) -> None:
    experiment = small(designs={"it": design_of(COHORTS.model_copy(update={"targeting": rule}))})
    together = run_batch(experiment, 2, 4)
    for k in range(4):
        alone = run_replicate(experiment, experiment.world(2 + k), 2 + k)["it"]
        assert together.flows["it"][k].tobytes() == alone.flow.sum(axis=0).tobytes()
        assert together.outcomes["it"]["adopters"][k] == alone.adopted.sum()
    assert len({flow.tobytes() for flow in together.flows["it"]}) == 4


@pytest.mark.parametrize("behaviour", ["threshold", "bass", "cascade"])
def test_the_classic_rules_too(behaviour: str) -> None:
    from cpdiffusion.behaviour.classic import Behaviour

    experiment = small(behaviour=Behaviour[behaviour.upper()])
    together = run_batch(experiment, 0, 3)
    for k in range(3):
        alone = run_replicate(experiment, experiment.world(k), k)["cohorts"]
        assert together.flows["cohorts"][k].tobytes() == alone.flow.sum(axis=0).tobytes()


def test_ties_of_a_stack_stay_within_their_blocks() -> None:
    worlds = [small().world(k) for k in range(3)]
    stack = stacked(worlds)
    assert (stack.count, stack.size) == (3, 240)
    for k, world in enumerate(worlds):
        start = stack.world.ties.start[k * 240 : (k + 1) * 240 + 1]
        assert np.array_equal(np.diff(start), np.diff(world.ties.start))
        mine = slice(start[0], start[-1])
        assert np.array_equal(stack.target[mine], world.ties.target)
        assert np.array_equal(stack.world.ties.target[mine], world.ties.target + 240 * k)


@pytest.mark.parametrize("redraw", [True, False])
def test_what_is_remembered_is_what_would_be_computed(redraw: bool) -> None:
    """Every parameter moved in turn and back: nothing stale is found, also where sizes change."""
    memo, experiment = Memo(), small(redraw_world=redraw, horizon_quarters=8)
    base = experiment.parameters
    moved = [p for p in REGISTRY if p.behaviour is None and p.low < p.high]
    for p in [*moved[::3], *moved[:3]]:
        for value in (p.low, p.high):
            there = experiment.with_parameters(Parameters({**base, p.name: value}))
            for asked in (there, experiment):
                remembered, fresh = run_batch(asked, 0, 2, None, memo), run_batch(asked, 0, 2)
                assert remembered.flows["cohorts"].tobytes() == fresh.flows["cohorts"].tobytes(), p.name


def test_a_memo_keeps_what_fits_and_computes_only_what_changed() -> None:
    computed = []

    def work(p: Parameters) -> float:
        computed.append(p.mean_log_return)
        return p.mean_log_return

    memo, owner = Memo(firms_kept=20), object()
    low, high, other = ({"mean_log_return": 0.5}, {"mean_log_return": 1.0}, {"mean_log_return": 0.5})
    for values in (low, other, high, {**low, "assumed_elsewhere": 3.0}):
        assert memo.get(owner, "it", 10, Parameters(values), work) == values["mean_log_return"]
    assert computed == [0.5, 1.0]
    memo.get(object(), "it", 10, Parameters(high), work)  # another owner, and no room for a third
    memo.get(owner, "it", 10, Parameters(low), work)
    assert computed == [0.5, 1.0, 1.0]
    memo.get(owner, "it", 10, Parameters(high), work)
    assert computed == [0.5, 1.0, 1.0, 1.0]
