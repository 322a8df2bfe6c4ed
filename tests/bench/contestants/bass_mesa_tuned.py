"""Network Bass diffusion with Mesa, tuned: what does not change is looked up only once.

A firm holds the firms that it looks at in a list, those that have adopted are out of the schedule,
and adopters are counted as they adopt.
"""

from __future__ import annotations

from typing import Any

from bench.contestants.bass import BassJob, Run
from bench.contestants.bass_mesa import BassModel, Firm


class TunedFirm(Firm):
    """A firm that knows its peers by heart."""

    peers: list[TunedFirm]

    def meet_peers(self) -> None:
        """The firms in neighbouring cells, which never move."""
        self.peers = [firm for cell in self.cell.connections.values() for firm in cell.agents]

    def wants_to_adopt(self) -> bool:
        """Looks at the others as they are at the beginning of the step."""
        chance, peers = self.model.innovation, self.peers
        if peers:
            chance += self.model.imitation * sum([peer.adopted for peer in peers]) / len(peers)
        return self.random.random() < chance


class TunedModel(BassModel):
    """Keeps the firms that are still undecided, and a total."""

    firm_type = TunedFirm

    def __init__(self, job: BassJob, seed: int) -> None:
        super().__init__(job, seed)
        self.agents.do("meet_peers")
        self.undecided: list[TunedFirm] = list(self.agents)
        self.adopters = 0

    def reporter(self) -> Any:
        """The total is at hand."""
        return "adopters"

    def step(self) -> None:
        """One step of all undecided firms at once."""
        new = [firm for firm in self.undecided if firm.wants_to_adopt()]
        for firm in new:
            firm.adopted = True
        if new:
            self.undecided = [firm for firm in self.undecided if not firm.adopted]
        self.adopters += len(new)
        self.datacollector.collect(self)


def make(job: BassJob, seed: int) -> Run:
    """A Mesa model."""
    model = TunedModel(job, seed)
    return lambda: model.run(job.steps)
