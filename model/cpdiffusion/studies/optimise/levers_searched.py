"""Policies of the model as something to search: levers and instruments of one scenario, some varied."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from cpdiffusion.errors import InputError
from cpdiffusion.factors.factor import Factor
from cpdiffusion.factors.known import Value
from cpdiffusion.factors.points import plain
from cpdiffusion.outcomes.experiment import Batch, Experiment, run_batch
from cpdiffusion.outcomes.memo import Memo
from cpdiffusion.outcomes.paired import draw_means
from cpdiffusion.policy.design import Design
from cpdiffusion.policy.scenarios import Scenario
from cpdiffusion.search.problem import Candidate, Draws, Flags, Floats
from cpdiffusion.studies.at_point import Ground
from cpdiffusion.studies.optimise.aims import aim_sign

SUPPORT, COHORT = "levers.support", "levers.cohort_size"
FINEST = 50  # steps of a range, at least: what is finer is no other policy to whoever decides


@dataclass(frozen=True, eq=False)
class LeversSearched:
    """The levers of one scenario as a problem; the scenarios of the ground are its references."""

    ground: Ground
    factors: tuple[Factor, ...]
    start: str  # the scenario whose levers candidates have, but for those that vary
    aims: tuple[str, ...]

    @property
    def signs(self) -> Floats:
        """Which way each aim is better (A,)."""
        return np.array([aim_sign(aim) for aim in self.aims], dtype=float)

    @property
    def references(self) -> tuple[str, ...]:
        """The scenarios."""
        return tuple(self.ground.scenarios)

    @property
    def unordered(self) -> Flags:
        """Levers that take listed values (V,)."""
        return np.array([not factor.is_range for factor in self.factors])

    @cached_property
    def starts(self) -> Floats:
        """The references that the levers that vary can express (S, V)."""
        found = [shares for place in range(len(self.references)) for shares in self._expressed(place)]
        return np.array(found).reshape(-1, len(self.factors))

    def _expressed(self, reference: int) -> Iterator[Floats]:
        """The shares at which a candidate is the very design of a reference, if there are any."""
        values = values_of_scenario(self.ground.scenarios[self.references[reference]], self.factors)
        shares = np.array([share_of(factor, values[factor.key]) for factor in self.factors])
        if np.isnan(shares).any():
            return
        (shares,) = self.canonical(shares[None])
        with contextlib.suppress(InputError):
            if self.design(shares) == self.design(reference):
                yield shares

    def canonical(self, shares: Floats) -> Floats:
        """The middle of each value's part of [0, 1]; ranges in round steps; no size without cohorts."""
        found = np.column_stack([_middle(f, shares[:, k]) for k, f in enumerate(self.factors)])
        keys = [factor.key for factor in self.factors]
        if SUPPORT in keys and COHORT in keys:
            support = self.factors[keys.index(SUPPORT)].at(found[:, keys.index(SUPPORT)])
            unused, size = support != "cluster", keys.index(COHORT)
            found[unused, size] = _middle(self.factors[size], np.zeros(int(unused.sum())))
        return found

    def values(self, shares: Floats) -> dict[str, Value]:
        """What a candidate (V,) is, lever by lever."""
        return {f.key: _value(f, shares[k : k + 1]) for k, f in enumerate(self.factors)}

    def run(self, wanted: Sequence[Candidate], draws: Draws) -> list[Floats | str]:
        """Of each candidate the mean of every aim under each draw (D, A), or why it is no policy."""
        designs: dict[int, Design] = {}
        found: dict[int, Floats | str] = {}
        for place, one in enumerate(wanted):
            try:
                designs[place] = self.design(one)
            except InputError as error:
                found[place] = str(error)
        found |= self._run(designs, draws)
        return [found[place] for place in range(len(wanted))]

    def design(self, one: Candidate) -> Design:
        """A candidate or a reference. InputError if its values do not go together, or not with the region."""
        if isinstance(one, int):
            return self.experiment.designs[self.references[one]]
        changes = {f"changes.{self.start}.{k.partition('.')[2]}": v for k, v in self.values(one).items()}
        return self._alone.plan(changes).experiment.designs[self.start]

    def _run(self, designs: Mapping[int, Design], draws: Draws) -> dict[int, Floats | str]:
        """Those without instruments together, for their replicates can be run at once."""
        groups = [{p: d for p, d in designs.items() if bool(d.instruments) is some} for some in (False, True)]
        return {place: aims for group in groups if group for place, aims in self._group(group, draws).items()}

    def _group(self, designs: Mapping[int, Design], draws: Draws) -> dict[int, Floats | str]:
        experiment = self.experiment.with_designs({str(place): d for place, d in designs.items()})
        each = experiment.seeds_per_draw
        batch = run_batch(experiment, draws.first * each, draws.number * each, self.aims, self._memo)
        return {place: self._aims(batch, str(place), each) for place in designs}

    def _aims(self, batch: Batch, name: str, each: int) -> Floats | str:
        found = np.column_stack([draw_means(batch.outcomes[name][aim], each) for aim in self.aims])
        for aim, column in zip(self.aims, found.T, strict=True):
            if not np.isfinite(column).all():
                return f"{aim} is not defined in some draws, as nothing is there to divide by."
        return found

    @cached_property
    def experiment(self) -> Experiment:
        """The references; candidates run on the same worlds with the same draws."""
        return self.ground.plan({}).experiment

    @cached_property
    def _alone(self) -> Ground:
        return replace(self.ground, scenarios={self.start: self.ground.scenarios[self.start]})

    @cached_property
    def _memo(self) -> Memo:
        return Memo()

    def __getstate__(self) -> dict[str, Any]:
        """What travels: everything that cannot be made again."""
        made = ("experiment", "starts", "_alone", "_memo")
        return {name: value for name, value in self.__dict__.items() if name not in made}


def values_of_scenario(scenario: Scenario, factors: Sequence[Factor]) -> dict[str, Value]:
    """What a scenario has of the levers and instruments that vary; 0 for one that it does not enact."""
    found: dict[str, Value] = {}
    for factor in factors:
        group, _, name = factor.key.partition(".")
        enacted = scenario.instruments.get(name)
        strength = enacted.strength if enacted else 0
        found[factor.key] = getattr(scenario.levers, name) if group == "levers" else strength
    return found


def share_of(factor: Factor, value: Value) -> float:
    """The share at which a factor takes a value; nan if it never does."""
    if factor.values:
        places = [k for k, listed in enumerate(factor.values) if listed == value]
        return (places[0] + 0.5) / len(factor.values) if places else math.nan
    if isinstance(value, str | bool | None) or not factor.low <= value <= factor.high:
        return math.nan
    if factor.known.whole:
        least, parts = math.ceil(factor.low), math.floor(factor.high) - math.ceil(factor.low) + 1
        return (value - least + 0.5) / parts
    return (value - factor.low) / (factor.high - factor.low)


def _middle(factor: Factor, shares: Floats) -> Floats:
    """Shares in the middle of the part that stands for the same value."""
    if factor.is_range and not factor.known.whole:
        return _to_steps(factor, shares)
    parts = len(factor.values) or math.floor(factor.high) - math.ceil(factor.low) + 1
    return (np.minimum(np.floor(shares * parts), parts - 1) + 0.5) / parts


def _to_steps(factor: Factor, shares: Floats) -> Floats:
    """Shares at multiples of a round step, within the range."""
    width, step = factor.high - factor.low, step_of(factor)
    value = np.clip(np.round((factor.low + shares * width) / step) * step, factor.low, factor.high)
    return (value - factor.low) / width


def step_of(factor: Factor) -> float:
    """1, 2 or 5 times a power of ten, the largest of which FINEST or more fit into the range."""
    most = (factor.high - factor.low) / FINEST * (1.0 + 1e-9)
    power = 10.0 ** math.floor(math.log10(most))
    return max(times * power for times in (1.0, 2.0, 5.0) if times * power <= most)


def _value(factor: Factor, share: Floats) -> Value:
    value = plain(factor.at(share)[0])
    return float(f"{value:.9g}") if isinstance(value, float) else value  # 0.30000000000000004 is 0.3
