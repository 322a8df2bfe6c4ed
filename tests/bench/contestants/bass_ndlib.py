"""Network Bass diffusion with NDlib: a model of one's own, as its manual describes them.

Iteration 0 of NDlib shows the initial state, so that it takes one iteration more than steps. NDlib
cannot start without an adopter by itself: an empty list of "Infected" nodes is given.
"""

from __future__ import annotations

import random
from typing import Any

import networkx as nx
import numpy as np
from ndlib.models.DiffusionModel import DiffusionModel
from ndlib.models.ModelConfig import Configuration

from bench.contestants.bass import AdoptersPerStep, BassJob, Run
from bench.contestants.graphs import influence_graph

UNDECIDED, ADOPTED = 0, 1
PROBABILITY = {"range": [0, 1], "optional": False}


class BassModel(DiffusionModel):
    """Firms are "Susceptible" until they adopt and "Infected" afterwards."""

    def __init__(self, graph: nx.DiGraph, seed: int) -> None:
        super().__init__(graph, seed)
        self.name = "Bass"
        self.available_statuses = {"Susceptible": UNDECIDED, "Infected": ADOPTED}
        self.parameters["model"] = {
            "innovation": PROBABILITY | {"descr": "Adoption without influence"},
            "imitation": PROBABILITY | {"descr": "Adoption by influence"},
        }
        self.random = random.Random(seed)  # NDlib's own is numpy's global one, shared by all models

    def iteration(self, node_status: bool = True) -> dict[str, Any]:
        """One step of all firms at once."""
        new_status = dict(self.status)
        if self.actual_iteration > 0:
            for firm, status in self.status.items():
                if status == UNDECIDED and self.random.random() < self.chance(firm):
                    new_status[firm] = ADOPTED
        delta, count, count_delta = self.status_delta(new_status)
        self.status = new_status
        self.actual_iteration += 1
        return {
            "iteration": self.actual_iteration - 1,
            "status": delta if node_status else {},
            "node_count": count,
            "status_delta": count_delta,
        }

    def chance(self, firm: int) -> float:
        """Looks at the others as they are at the beginning of the step."""
        parameters = self.params["model"]
        influencers = self.graph.predecessors(firm)
        if not influencers:
            return parameters["innovation"]
        adopters = sum([self.status[peer] for peer in influencers])
        return parameters["innovation"] + parameters["imitation"] * adopters / len(influencers)


def make(job: BassJob, seed: int) -> Run:
    """A configured NDlib model."""
    model, configuration = BassModel(influence_graph(job), seed), Configuration()
    configuration.add_model_parameter("innovation", job.innovation)
    configuration.add_model_parameter("imitation", job.imitation)
    configuration.add_model_initial_configuration("Infected", [])
    model.set_initial_status(configuration)
    return lambda: run(model, job.steps)


def run(model: BassModel, steps: int) -> AdoptersPerStep:
    """The initial state, which is left out, and so many steps."""
    iterations = model.iteration_bunch(steps + 1, node_status=False)
    (trends,) = model.build_trends(iterations)
    return np.array(trends["trends"]["node_count"][ADOPTED][1:])
