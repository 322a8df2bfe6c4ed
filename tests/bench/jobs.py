"""The jobs that every engine is given: a world of so many firms, 40 quarters, and one rule.

"cohorts of 25" is the main rule with the default programme. Up to 600,000 firms stand in one
region, with the budget of one region, so that at large sizes the programme reaches few of them;
in "seven regions" each region has its own budget. "bass" is network diffusion after Bass without
a programme, which any library can do. The engine of this project runs the whole quarter in it,
accidents and returns included; the others do nothing but the diffusion.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bench.contestants.bass import BassJob
from cpdiffusion.behaviour.classic import Behaviour
from cpdiffusion.engine.setting import Setting, columns_of, rule_of, setting_of
from cpdiffusion.instruments.enacting import terms_of
from cpdiffusion.parameters import Parameters, moments_of, parameters
from cpdiffusion.policy.design import Design, design_of
from cpdiffusion.policy.levers import Levers
from cpdiffusion.policy.programme import programme_of
from cpdiffusion.policy.targeting import priority
from cpdiffusion.world.firms import Floats, Ints
from cpdiffusion.world.regions import REGIONS
from cpdiffusion.world.world import Recipe, World


@dataclass(frozen=True)
class Job:
    """What is to be simulated, whatever the number of firms."""

    name: str
    regions: tuple[str, ...]
    behaviour: Behaviour
    design: Design

    def parameters(self, firms: int) -> Parameters:
        """The registry's values for regions of equal size that together have at least so many firms."""
        return Parameters({**parameters(), "firms_per_region": math.ceil(firms / len(self.regions))})

    def recipe(self) -> Recipe:
        """How its worlds are made."""
        return Recipe(self.regions)

    def task(self, firms: int, quarters: int) -> Task:
        """The job on the world of seed 1."""
        p = self.parameters(firms)
        return Task(self, quarters, p, self.recipe().build(1, p))


@dataclass(frozen=True)
class Task:
    """A job on one world: what every engine is given before the clock starts."""

    job: Job
    quarters: int  # Q
    parameters: Parameters
    world: World

    @property
    def firms(self) -> int:
        """N."""
        return self.world.size

    @property
    def firm_quarters(self) -> int:
        """Firm-quarters in one run."""
        return self.firms * self.quarters

    @cached_property
    def regional_mean(self) -> Floats:
        """Mean log return of each region, shape (R,)."""
        effects = moments_of("as_printed").region_effects
        return np.array([self.parameters.mean_log_return + effects[name] for name in self.job.regions])

    def priority(self) -> Ints:
        """Who is offered support first, shape (N,)."""
        return priority(self.job.design.targeting, self.world)

    def setting(self) -> Setting:
        """What this project's engine makes of a world before its first run."""
        columns = columns_of(self.world, self.parameters, self.regional_mean)
        rule = rule_of(self.parameters, self.job.behaviour)
        terms = terms_of(
            self.job.design.instruments, self.world, self.parameters, self.quarters, 1, self.regional_mean
        )
        return setting_of(columns, rule, programme_of(self.job.design, self.parameters), terms)

    def bass(self) -> BassJob:
        """The same ties and probabilities for other libraries."""
        p = self.parameters
        return BassJob(
            self.world.ties, self.quarters, p.bass_innovation_per_quarter, p.bass_imitation_per_quarter
        )


COHORTS_OF_25 = design_of(Levers(support="cluster"))
COHORTS = Job("cohorts of 25", ("ulsan",), Behaviour.PEER_BENEFIT, COHORTS_OF_25)
SEVEN = Job("cohorts of 25, seven regions", tuple(REGIONS), Behaviour.PEER_BENEFIT, COHORTS_OF_25)
BASS = Job("bass", ("ulsan",), Behaviour.BASS, design_of(Levers()))
