"""Network Bass diffusion with Mesa in the style of its tutorials.

Firms stand in the cells of a network and look at their neighbourhood when they step. All decide
before any adopts, as the cells of Mesa's game of life do; a DataCollector counts after each step.
"""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from bench.contestants.bass import AdoptersPerStep, BassJob, Run
from bench.contestants.graphs import listening_graph
from cpdiffusion.engine.mesa_import import Cell, DataCollector, FixedAgent, Model, Network


class Firm(FixedAgent):
    """A firm that has adopted or not."""

    def __init__(self, model: BassModel, cell: Cell) -> None:
        super().__init__(model)
        self.cell = cell
        self.adopted = False
        self.will_adopt = False

    def share(self) -> float:
        """Adopters among the firms that it looks at."""
        neighborhood = self.cell.neighborhood
        if not len(neighborhood):
            return 0.0
        return sum(firm.adopted for firm in neighborhood.agents) / len(neighborhood)

    def decide(self) -> None:
        """Looks at the others as they are at the beginning of the step."""
        if not self.adopted:
            chance = self.model.innovation + self.model.imitation * self.share()
            self.will_adopt = self.random.random() < chance

    def step(self) -> None:
        """Does what it decided."""
        self.adopted = self.adopted or self.will_adopt


class BassModel(Model):
    """All firms."""

    firm_type: type[Firm] = Firm

    def __init__(self, job: BassJob, seed: int) -> None:
        super().__init__(rng=seed)
        self.innovation, self.imitation = job.innovation, job.imitation
        self.network = Network(listening_graph(job), random=self.random, **no_layout())
        for cell in self.network.all_cells:
            self.firm_type(self, cell)
        self.datacollector = DataCollector(model_reporters={"adopters": self.reporter()})

    def reporter(self) -> Any:
        """How the DataCollector counts."""
        return lambda model: sum(firm.adopted for firm in model.agents)

    def step(self) -> None:
        """One step of all firms at once."""
        self.agents.do("decide")
        self.agents.do("step")
        self.datacollector.collect(self)

    def run(self, steps: int) -> AdoptersPerStep:
        """So many steps."""
        for _ in range(steps):
            self.step()
        return np.array(self.datacollector.model_vars["adopters"])


def no_layout() -> dict[str, None]:
    """Newer versions of Mesa would draw the network, which takes longer than to run it."""
    return {"layout": None} if "layout" in inspect.signature(Network).parameters else {}


def make(job: BassJob, seed: int) -> Run:
    """A Mesa model."""
    model = BassModel(job, seed)
    return lambda: model.run(job.steps)
