"""The plain model in the style of Mesa's tutorials: every firm has its step, and looks around in it.

Firms look at their neighbours each quarter instead of being told, and the DataCollector recounts
them. Ties must be mutual, as those of synthetic worlds are: a firm hears of whom it is tied to.
"""

from __future__ import annotations

from typing import Any

from bench.plain_mesa import REPORTED, PlainFirm, PlainMesa


class SteppedFirm(PlainFirm):
    """A firm that acts once a quarter."""

    def look_around(self) -> None:
        """Learn the results of neighbours that have become visible this quarter."""
        due = self.model.quarter - int(self.model.p.reveal_lag_quarters)
        if not self.undecided:
            return
        for peer in self.cell.neighborhood.agents:
            together = self.cohort is not None and peer.cohort is self.cohort
            if peer.adoption_quarter == due and not together:
                tie = self.model.network.G[peer.row][self.row]
                visibility = tie["weight"] * self.model.visibility[tie["layer"]]
                self.learn_from(peer, visibility, self.model.noise_sd[tie["layer"]])

    def step(self) -> None:
        """Review, and face the quarter's hazards."""
        self.review()
        self.face_accident()


class SteppedMesa(PlainMesa):
    """Firms step in random order; what is reported is counted over the firms."""

    firm_type = SteppedFirm

    def reporters(self) -> dict[str, Any]:
        """Counts over firms; sums of money as they were booked."""
        return {name: name for name in REPORTED} | {
            "adopters": lambda m: sum(not firm.undecided for firm in m.agents),
            "supported": lambda m: sum(firm.supported_quarter is not None for firm in m.agents),
            "supported_adopters": lambda m: sum(
                not firm.undecided and firm.supported_quarter is not None for firm in m.agents
            ),
        }

    def show_results(self, due: int) -> None:
        """Nobody is told: everybody looks."""
        if due >= 0:
            self.agents.do("look_around")

    def let_firms_act(self) -> None:
        """Mesa's usual scheduling."""
        self.agents.shuffle_do("step")
        self.realise_new_adopters()
