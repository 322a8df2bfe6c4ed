"""Network Bass diffusion with AgentPy, after its tutorials on networks."""

from __future__ import annotations

import agentpy as ap
import numpy as np

from bench.contestants.bass import AdoptersPerStep, BassJob, Run
from bench.contestants.graphs import listening_graph


class Firm(ap.Agent):
    """A firm that has adopted or not."""

    def setup(self) -> None:
        """Nobody has adopted at the start."""
        self.adopted = False
        self.will_adopt = False

    def share(self) -> float:
        """Adopters among the firms that it looks at."""
        peers = [firm.adopted for firm in self.network.neighbors(self)]
        return sum(peers) / len(peers) if peers else 0.0

    def decide(self) -> None:
        """Looks at the others as they are at the beginning of the step."""
        if not self.adopted:
            chance = self.p.innovation + self.p.imitation * self.share()
            self.will_adopt = self.model.random.random() < chance

    def adopt(self) -> None:
        """Does what it decided."""
        self.adopted = self.adopted or self.will_adopt


class BassModel(ap.Model):
    """All firms."""

    def setup(self) -> None:
        """Firms on their network."""
        self.firms = ap.AgentList(self, self.p.graph.number_of_nodes(), Firm)
        self.network = self.firms.network = ap.Network(self, self.p.graph)
        self.network.add_agents(self.firms, self.network.nodes)

    def step(self) -> None:
        """One step of all firms at once."""
        self.firms.decide()
        self.firms.adopt()
        self.record("adopters", sum(self.firms.adopted))


def make(job: BassJob, seed: int) -> Run:
    """An AgentPy model after its setup."""
    model = BassModel(
        {
            "graph": listening_graph(job), "steps": job.steps, "seed": seed,
            "innovation": job.innovation, "imitation": job.imitation,
        }
    )  # fmt: skip
    model.sim_setup()
    return lambda: run(model)


def run(model: BassModel) -> AdoptersPerStep:
    """What ``Model.run`` does after the setup."""
    while model.running:
        model.sim_step()
    model.end()
    model.create_output()
    return np.array(model.output.variables.BassModel["adopters"])
