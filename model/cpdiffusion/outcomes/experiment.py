"""An experiment: policies side by side on the same worlds with the same draws.

Replicate k has one seed; from it follow its world and all its draws, whatever the policy. So
the difference between two policies in a replicate is what the policy causes, and nothing else.

Where parameters are uncertain, several replicates in a row run under one draw of them, and the next
ones under the next: what differs between draws beyond what differs within them is what is not known.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpdiffusion.behaviour.classic import Behaviour
from cpdiffusion.behaviour.cp_measures import CpMeasures, cp_measures
from cpdiffusion.draws import replicate_seeds
from cpdiffusion.engine.run import Runs, room_for, run_into
from cpdiffusion.engine.setting import Columns, Rule, columns_of, rule_of, setting_of
from cpdiffusion.engine.state import State, new_state
from cpdiffusion.engine.unfold import columns_by_measure, terms_by_measure
from cpdiffusion.evidence.table4 import Variant
from cpdiffusion.instruments.enacting import terms_of
from cpdiffusion.outcomes.catalogue import Run, Values, needs_reference, outcomes_of
from cpdiffusion.parameters import Parameters, moments_of
from cpdiffusion.policy.advised import advised
from cpdiffusion.policy.design import Design, design_of
from cpdiffusion.policy.levers import Levers
from cpdiffusion.policy.programme import Programme, programme_of
from cpdiffusion.policy.targeting import priority
from cpdiffusion.terms import Terms
from cpdiffusion.world.world import Recipe, World

NO_POLICY = design_of(Levers())
FIRMS_AT_ONCE = 2**20  # firms x replicates whose runs are kept at a time


@dataclass(frozen=True)
class Experiment:
    """Designs by name on the worlds of a recipe, for so many quarters."""

    recipe: Recipe
    parameters: Parameters
    designs: Mapping[str, Design]
    horizon_quarters: int
    seed: int
    redraw_world: bool = True  # a new synthetic world per replicate, or one for all
    table: Variant = "as_printed"
    behaviour: Behaviour = Behaviour.PEER_BENEFIT
    by_measure: bool = False  # firms choose among measures instead of deciding on one package
    draws: Sequence[Mapping[str, float]] = ()  # of uncertain parameters; none: all as in ``parameters``
    seeds_per_draw: int = 1  # replicates under one draw; 1 without draws

    def at(self, replicate: int) -> Experiment:
        """The experiment under the parameters of a replicate; itself if all run under the same.

        That is draw ``replicate // seeds_per_draw``; past the last draw the first follows again.
        """
        if not self.draws:
            return self
        drawn = self.draws[replicate // self.seeds_per_draw % len(self.draws)]
        return replace(self, parameters=Parameters({**self.parameters, **drawn}), draws=(), seeds_per_draw=1)

    @property
    def drawn(self) -> tuple[str, ...]:
        """Names of the uncertain parameters; their values in ``parameters`` are used by no replicate."""
        return tuple(self.draws[0]) if self.draws else ()

    def one_per_draw(self, count: int) -> range:
        """So many replicates, each under a draw of its own, for looks that need few."""
        return range(0, count * self.seeds_per_draw, self.seeds_per_draw)

    def with_designs(self, designs: Mapping[str, Design]) -> Experiment:
        """The same experiment with other designs."""
        return replace(self, designs=designs)

    def with_parameters(self, parameters: Parameters) -> Experiment:
        """The same experiment under other parameters."""
        return replace(self, parameters=parameters)

    def world(self, replicate: int) -> World:
        """The world of a replicate."""
        return self.recipe.build(self.world_seed(replicate), self.at(replicate).parameters)

    def world_seed(self, replicate: int) -> int:
        """Seed of the world of a replicate, and of what instruments draw on it."""
        number = replicate if self.redraw_world else 0
        return int(replicate_seeds(self.seed, number, 1)[0])

    def terms(self, design: Design, world: World, replicate: int) -> Terms:
        """What the instruments of a design contribute on the world of a replicate."""
        terms = terms_of(
            design.instruments, world, self.parameters, self.horizon_quarters,
            self.world_seed(replicate), self.regional_mean(),
        )  # fmt: skip
        return terms_by_measure(terms, self.rows_per_firm)

    def columns(self, world: World, replicate: int) -> Columns:
        """The engine's columns of the world of a replicate."""
        columns = columns_of(world, self.parameters, self.regional_mean())
        if self.measures is None:
            return columns
        potential, seed = world.firms.potential_log_return, self.world_seed(replicate)
        return columns_by_measure(columns, self.measures, potential, self.parameters, seed)

    @cached_property
    def measures(self) -> CpMeasures | None:
        """The measures that firms choose from; None if they decide on a package."""
        return cp_measures(self.parameters) if self.by_measure else None

    @property
    def rows_per_firm(self) -> int:
        """Rows of the engine per firm."""
        return len(self.measures.names) if self.measures else 1

    @cached_property
    def rule(self) -> Rule:
        """The rule's constants."""
        return rule_of(self.parameters, self.behaviour)

    @cached_property
    def programmes(self) -> dict[str, Programme]:
        """The programme of every design."""
        return {name: programme_of(design, self.parameters) for name, design in self.advised.items()}

    @cached_property
    def advised(self) -> dict[str, Design]:
        """Every design as its instruments make it."""
        return {name: advised(design, self.parameters) for name, design in self.designs.items()}

    def new_state(self, world: World) -> State:
        """Room for runs on a world of this size."""
        return new_state(world.size, len(world.regions), self.horizon_quarters, self.rows_per_firm)

    def regional_mean(self) -> Values:
        """Mean log return of each region, shape (R,); places that Table 4 does not list get the mean."""
        effects = moments_of(self.table).region_effects
        regions = self.recipe.regions
        return np.array([self.parameters.mean_log_return + effects.get(name, 0.0) for name in regions])


@dataclass(frozen=True)
class Batch:
    """Results of a stretch of replicates: outcomes and summed flows by design."""

    outcomes: dict[str, list[dict[str, float]]]
    flows: dict[str, list[Values]]  # each (Q, len(Flow))


def run_batch(experiment: Experiment, first: int, count: int, only: Collection[str] | None = None) -> Batch:
    """Run replicates ``first .. first+count-1`` of every design; ``only`` limits the outcomes.

    The engine releases the GIL, so batches may run on threads side by side.
    """
    names = list(experiment.designs)
    batch = Batch({name: [] for name in names}, {name: [] for name in names})
    for begin, size in stretches_of_one_draw(experiment, first, count):
        run_draw(experiment.at(begin), begin, size, batch, only)
    return batch


def run_draw(
    experiment: Experiment, first: int, count: int, batch: Batch, only: Collection[str] | None
) -> None:
    """Run replicates that share their parameters and add their results to ``batch``."""
    state: State | None = None
    for begin, size in stretches_of_one_world(experiment, first, count):
        world = experiment.world(begin)
        state = state or experiment.new_state(world)
        for name, runs in run_replicates(experiment, world, begin, size, state, only).items():
            batch.outcomes[name].extend(outcomes_of(run, only) for run in runs)
            batch.flows[name].extend(run.flow.sum(axis=0) for run in runs)


def stretches_of_one_draw(experiment: Experiment, first: int, count: int) -> Iterator[tuple[int, int]]:
    """Stretches of replicates (first, number) that share their parameters."""
    if not experiment.draws:
        yield first, count
        return
    each, end = experiment.seeds_per_draw, first + count
    bounds = [first, *range(first - first % each + each, end, each), end]
    yield from ((a, b - a) for a, b in pairwise(bounds))


def stretches_of_one_world(experiment: Experiment, first: int, count: int) -> Iterator[tuple[int, int]]:
    """Stretches of replicates (first, number) that share a world and fit into memory together."""
    size = experiment.recipe.size(experiment.parameters) * experiment.rows_per_firm
    together = 1 if experiment.redraw_world else max(1, FIRMS_AT_ONCE // size)
    for begin in range(first, first + count, together):
        yield begin, min(together, first + count - begin)


def run_replicate(
    experiment: Experiment,
    world: World,
    replicate: int,
    state: State,
    only: Collection[str] | None = None,
) -> dict[str, Run]:
    """One replicate of every design on a given world, beside no policy where outcomes need it."""
    results = run_replicates(experiment, world, replicate, 1, state, only)
    return {name: runs[0] for name, runs in results.items()}


def run_replicates(
    experiment: Experiment,
    world: World,
    first: int,
    count: int,
    state: State,
    only: Collection[str] | None = None,
) -> dict[str, list[Run]]:
    """So many replicates of every design on one world, each design in one compiled call.

    They must share the parameters of the first.
    """
    experiment = experiment.at(first)
    seeds = replicate_seeds(experiment.seed, first, count)
    columns = experiment.columns(world, first)

    def simulate(programme: Programme, design: Design) -> Runs:
        regions, quarters, _ = state.flow.shape
        runs = room_for(count, world.size, regions, quarters, experiment.rows_per_firm)
        terms = experiment.terms(design, world, first)
        setting = setting_of(columns, experiment.rule, programme, terms)
        with np.errstate(over="ignore"):
            run_into(runs, state, setting, seeds, priority(design.targeting, world))
        return runs

    without: Sequence[Any] = [None] * count
    if needs_reference(only):
        nothing = programme_of(NO_POLICY, experiment.parameters)
        without = [in_any_row(quarter, world) for quarter in simulate(nothing, NO_POLICY).adoption_quarter]
    results = {name: simulate(experiment.programmes[name], d) for name, d in experiment.advised.items()}
    return {
        name: [
            Run(
                experiment.parameters, world,
                in_any_row(r.adoption_quarter[k], world), in_any_row(r.supported_quarter[k], world),
                without[k], r.flow[k], experiment.measures, r.adoption_quarter[k].reshape(-1, world.size),
            )
            for k in range(count)
        ]
        for name, r in results.items()
    }  # fmt: skip


def in_any_row(quarter: NDArray[np.int16], world: World) -> NDArray[np.int16]:
    """When something first happened in any row of a firm, shape (N,)."""
    return quarter.reshape(-1, world.size).min(axis=0)
