"""An experiment: policies side by side on the same worlds with the same draws.

Replicate k has one seed; from it follow its world and all its draws, whatever the policy. So
the difference between two policies in a replicate is what the policy causes, and nothing else.

Where parameters are uncertain, several replicates in a row run under one draw of them, and the next
ones under the next: what differs between draws beyond what differs within them is what is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import pairwise
from typing import TypeVar

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
from cpdiffusion.outcomes.catalogue import Results, Run, Values, needs_reference, outcomes_of
from cpdiffusion.outcomes.memo import Memo
from cpdiffusion.parameters import Parameters, moments_of
from cpdiffusion.policy.advised import advised
from cpdiffusion.policy.design import Design, design_of
from cpdiffusion.policy.levers import Levers
from cpdiffusion.policy.programme import Programme, programme_of
from cpdiffusion.policy.targeting import priority
from cpdiffusion.terms import Terms
from cpdiffusion.world.stack import Stack, stacked
from cpdiffusion.world.world import Recipe, World

NO_POLICY = design_of(Levers())
T = TypeVar("T")
FIRMS_AT_ONCE = 2**20  # firms x replicates whose runs are kept at a time
FIRMS_STACKED = 2**17  # firms x replicates whose worlds are


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

    def looks(self, count: int) -> list[tuple[int, int]]:
        """The same as stretches of replicates (first, number)."""
        return [(k, 1) for k in self.one_per_draw(count)] if self.draws else [(0, count)]

    def with_designs(self, designs: Mapping[str, Design]) -> Experiment:
        """The same experiment with other designs."""
        return replace(self, designs=designs)

    def with_parameters(self, parameters: Parameters) -> Experiment:
        """The same experiment under other parameters."""
        return replace(self, parameters=parameters)

    def world(self, replicate: int) -> World:
        """The world of a replicate."""
        return self.recipe.build(self.world_seed(replicate), self.at(replicate).parameters)

    def stack(self, first: int, count: int) -> Stack:
        """The worlds of so many replicates that share their parameters; one if it is the same for all."""
        return stacked([self.world(first + k) for k in range(count if self.redraw_world else 1)])

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

    def columns(self, stack: Stack, replicate: int) -> Columns:
        """The engine's columns of the worlds from a replicate on."""
        columns = columns_of(stack.world, self.parameters, self.regional_mean())
        if self.measures is None:
            return columns._replace(target=stack.target)
        potential, seed = stack.world.firms.potential_log_return, self.world_seed(replicate)
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

    def new_state(self) -> State:
        """Room for one run."""
        size = self.recipe.size(self.parameters)
        return new_state(size, len(self.recipe.regions), self.horizon_quarters, self.rows_per_firm)

    @property
    def fixed(self) -> tuple[Hashable, ...]:
        """What a replicate's worlds and columns depend on besides its number and the parameters."""
        return self.seed, self.redraw_world, self.table, self.by_measure

    @property
    def takes_stacks(self) -> bool:
        """Whether replicates with worlds of their own can be run together."""
        return not self.by_measure and not any(design.instruments for design in self.designs.values())

    def regional_mean(self) -> Values:
        """Mean log return of each region, shape (R,); places that Table 4 does not list get the mean."""
        effects = moments_of(self.table).region_effects
        regions = self.recipe.regions
        return np.array([self.parameters.mean_log_return + effects.get(name, 0.0) for name in regions])


@dataclass(frozen=True)
class Batch:
    """Results of a stretch of K replicates: outcomes (K,) and summed flows by design."""

    outcomes: dict[str, dict[str, Values]]
    flows: dict[str, Values]  # each (K, Q, len(Flow))


def values_of(batches: Sequence[Batch], design: str, outcome: str) -> Values:
    """An outcome of a design in every replicate of the batches, shape (K,)."""
    return np.concatenate([batch.outcomes[design][outcome] for batch in batches])


def run_batch(
    experiment: Experiment,
    first: int,
    count: int,
    only: Collection[str] | None = None,
    memo: Memo | None = None,
) -> Batch:
    """Run replicates ``first .. first+count-1`` of every design; ``only`` limits the outcomes.

    The engine releases the GIL, so batches may run on threads side by side, each with a ``memo`` of its
    own for what calls have in common.
    """
    parts = list(batches_of(experiment, first, count, only, memo or Memo()))
    if len(parts) == 1:
        return parts[0]
    names = list(experiment.designs)
    outcomes = {
        name: {o: values_of(parts, name, o) for o in parts[0].outcomes[name]} for name in names
    }  # fmt: skip
    return Batch(outcomes, {name: np.concatenate([part.flows[name] for part in parts]) for name in names})


def batches_of(
    experiment: Experiment, first: int, count: int, only: Collection[str] | None, memo: Memo
) -> Iterator[Batch]:
    """The same in as many batches as there are calls of the engine."""
    for begin, size in stretches_of_one_draw(experiment, first, count):
        drawn = experiment.at(begin)
        for start, number in stretches_of_one_call(drawn, begin, size):
            results = run_together(drawn, start, number, only, memo)
            yield Batch(
                {name: outcomes_of(r, only) for name, r in results.items()},
                {name: r.flow.sum(axis=1) for name, r in results.items()},
            )


def stretches_of_one_draw(experiment: Experiment, first: int, count: int) -> Iterator[tuple[int, int]]:
    """Stretches of replicates (first, number) that share their parameters."""
    if not experiment.draws:
        yield first, count
        return
    each, end = experiment.seeds_per_draw, first + count
    bounds = [first, *range(first - first % each + each, end, each), end]
    yield from ((a, b - a) for a, b in pairwise(bounds))


def stretches_of_one_call(experiment: Experiment, first: int, count: int) -> Iterator[tuple[int, int]]:
    """Stretches of replicates (first, number) that the engine takes at once: they must fit into memory."""
    together = replicates_at_once(experiment)
    for begin in range(first, first + count, together):
        yield begin, min(together, first + count - begin)


def replicates_at_once(experiment: Experiment) -> int:
    """How many replicates the engine takes at once."""
    size = experiment.recipe.size(experiment.parameters) * experiment.rows_per_firm
    if not experiment.redraw_world:
        return max(1, FIRMS_AT_ONCE // size)
    return max(1, FIRMS_STACKED // size) if experiment.takes_stacks else 1


def run_replicate(
    experiment: Experiment, world: World, replicate: int, only: Collection[str] | None = None
) -> dict[str, Run]:
    """One replicate of every design on a given world, beside no policy where outcomes need it."""
    experiment, stack = experiment.at(replicate), stacked([world])
    results = run_on(experiment, stack, experiment.columns(stack, replicate), replicate, 1, only)
    return {name: found.single() for name, found in results.items()}


def run_together(
    experiment: Experiment, first: int, count: int, only: Collection[str] | None, memo: Memo
) -> dict[str, Results]:
    """Replicates that share their parameters, each design in one compiled call."""
    span = (first, count) if experiment.redraw_world else ()
    firms = experiment.recipe.size(experiment.parameters) * (count if span else 1)

    def kept(owner: object, compute: Callable[[Experiment], T]) -> T:
        return memo.get(
            owner, (span, *experiment.fixed), firms, experiment.parameters,
            lambda p: compute(experiment.with_parameters(p)),
        )  # fmt: skip

    stack = kept(experiment.recipe, lambda e: e.stack(first, count))
    columns = kept(stack, lambda e: e.columns(stack, first))
    return run_on(experiment, stack, columns, first, count, only)


def run_on(
    experiment: Experiment,
    stack: Stack,
    columns: Columns,
    first: int,
    count: int,
    only: Collection[str] | None,
) -> dict[str, Results]:
    """Replicates on given worlds, beside no policy where outcomes need it."""
    simulate = partial(_simulate, experiment, stack, columns, first, count)
    without = None
    if needs_reference(only):
        nothing = simulate(programme_of(NO_POLICY, experiment.parameters), NO_POLICY)
        without = in_any_row(nothing.adoption_quarter, stack.size)
    return {
        name: _results(experiment, stack, simulate(experiment.programmes[name], design), without)
        for name, design in experiment.advised.items()
    }


def _simulate(
    experiment: Experiment,
    stack: Stack,
    columns: Columns,
    first: int,
    count: int,
    programme: Programme,
    design: Design,
) -> Runs:
    state, seeds = experiment.new_state(), replicate_seeds(experiment.seed, first, count)
    regions, quarters, _ = state.flow.shape
    runs = room_for(count, stack.size, regions, quarters, experiment.rows_per_firm)
    terms = experiment.terms(design, stack.world, first)
    setting = setting_of(columns, experiment.rule, programme, terms)
    with np.errstate(over="ignore"):
        run_into(runs, state, setting, seeds, priority(design.targeting, stack.world))
    return runs


def _results(experiment: Experiment, stack: Stack, runs: Runs, without: NDArray[np.int16] | None) -> Results:
    adopted, supported = (in_any_row(q, stack.size) for q in (runs.adoption_quarter, runs.supported_quarter))
    by_measure = runs.adoption_quarter.reshape(len(adopted), -1, stack.size)
    return Results(
        experiment.parameters, stack.world, adopted, supported, without, runs.flow,
        experiment.measures, by_measure,
    )  # fmt: skip


def in_any_row(quarter: NDArray[np.int16], firms: int) -> NDArray[np.int16]:
    """When something first happened in any row of a firm, shape (K, N); given (K, rows)."""
    if quarter.shape[1] == firms:
        return quarter
    return quarter.reshape(len(quarter), -1, firms).min(axis=1)
