"""What a search found, as tables: the front under draws that the search has not seen, and three measures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from cpdiffusion.factors.known import Value
from cpdiffusion.outcomes.paired import Interval, mean_interval, ratio_difference
from cpdiffusion.search.front import dominators, hypervolumes
from cpdiffusion.search.problem import Flags, Floats
from cpdiffusion.search.robust import Yardstick, max_regret, mean, met, satisfied, scores, yardstick
from cpdiffusion.search.search import scores_of
from cpdiffusion.studies.optimise.levers_searched import COHORT, SUPPORT, LeversSearched, values_of_scenario
from cpdiffusion.studies.optimise.study import Searched
from cpdiffusion.studies.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

MEASURES = {
    "mean": "mean_score",
    "regret": "worst_regret",
    "satisficing": "satisfied_share",
}


@dataclass(frozen=True, eq=False)
class Optimised:
    """The result of the study."""

    settings: Settings
    problem: LeversSearched
    result: Searched

    # --- policies: the references first, then the front in the order of the second aim ---

    @property
    def names(self) -> list[str]:
        """The reference scenarios, then P01, P02 ..., the best in the second aim first."""
        return [*self.problem.references, *(f"P{k + 1:02d}" for k in range(len(self.order)))]

    @property
    def number_of_references(self) -> int:
        """How many of the policies are references."""
        return len(self.problem.references)

    @cached_property
    def order(self) -> np.ndarray[Any, np.dtype[np.int_]]:
        """The front in the order in which it is told."""
        found = self.result.held_out.values[self.number_of_references :].mean(axis=1) * self.problem.signs
        return np.lexsort((-found[:, 0], -found[:, 1]))

    @cached_property
    def held_out(self) -> Floats:
        """Aims of all policies under the held-out draws (N, H, A), in their own units."""
        references = self.number_of_references
        values = self.result.held_out.values
        return np.concatenate([values[:references], values[references:][self.order]])

    @cached_property
    def searched(self) -> Floats:
        """The same under the draws of the search (N, D, A)."""
        found = self.result.found
        return np.concatenate([found.references, found.values[self.result.front[self.order]]])

    @cached_property
    def levers(self) -> list[Mapping[str, Value]]:
        """Values of the levers that vary, policy by policy."""
        shares = self.result.found.shares[self.result.front[self.order]]
        return [*map(self._of_scenario, self.problem.references), *map(self.candidate, shares)]

    def candidate(self, shares: Floats) -> dict[str, Value]:
        """Levers of a candidate, without those that do nothing."""
        return _that_act(self.problem.values(shares), self.support)

    @property
    def support(self) -> str:
        """How the scenario that candidates start from supports firms."""
        return self.problem.ground.scenarios[self.problem.start].levers.support

    def _of_scenario(self, name: str) -> dict[str, Value]:
        scenario = self.problem.ground.scenarios[name]
        return _that_act(values_of_scenario(scenario, self.problem.factors), scenario.levers.support)

    # --- three measures under the held-out draws ---

    @cached_property
    def _signed(self) -> Floats:
        return self.held_out * self.problem.signs

    @cached_property
    def _by(self) -> Yardstick:
        thresholds = self.result.plan.thresholds * self.problem.signs
        number = self.number_of_references
        return yardstick(self._signed[number:], self._signed[:number], thresholds)

    @cached_property
    def regrets(self) -> Floats:
        """Largest loss against the best of these policies in the same draw, aim by aim (N, A)."""
        return max_regret(self._signed, self._by.best)

    @cached_property
    def good_enough(self) -> Floats:
        """Share of draws in which an aim is good enough (N, A)."""
        return met(self._signed, self._by.needed).mean(axis=1)

    @cached_property
    def measures(self) -> dict[str, Floats]:
        """One figure per policy (N,) of each robust measure; aims count alike, by their range here."""
        means = mean(self._signed)
        width = np.ptp(means, axis=0)
        width = np.where(width > 0.0, width, 1.0)
        return {
            "mean": ((means - means.min(axis=0)) / width).mean(axis=1),
            "regret": (self.regrets / width).max(axis=1),
            "satisficing": satisfied(self._signed, self._by.needed),
        }

    @cached_property
    def picks(self) -> dict[str, int]:
        """The policy of the front that each measure puts first; of equals the one with the better mean."""
        first = self.number_of_references
        if first == len(self.names):  # the references beat everything that was tried
            return {}
        found = self.measures
        by = {"mean": found["mean"], "regret": -found["regret"], "satisficing": found["satisficing"]}
        return {name: first + int(np.lexsort((-found["mean"][first:], -by[name][first:]))[0]) for name in by}

    # --- the front ---

    @cached_property
    def _dominators(self) -> Flags:
        """By the search's own measure under the held-out draws (N, N)."""
        return dominators(scores(self.result.plan.robust, self._signed, self._by))

    @cached_property
    def stands(self) -> Flags:
        """Policies (N,) that no other beats in all aims under the held-out draws."""
        return np.asarray(~self._dominators.any(axis=1))

    @cached_property
    def main_line(self) -> list[int]:
        """Policies of the front that no other policy beats in both main aims, on held-out means."""
        means = self._signed.mean(axis=1)[:, :2]
        free = np.flatnonzero(~dominators(-means).any(axis=1)).tolist()
        return [k for k in free if k >= self.number_of_references]

    def interval(self, policy: int, aim: int) -> Interval:
        """Mean over the held-out draws."""
        return mean_interval(self.held_out[policy, :, aim])

    def over(self, policy: int, other: int, aim: int) -> Interval:
        """Paired difference over the held-out draws."""
        return mean_interval(self.held_out[policy, :, aim] - self.held_out[other, :, aim])

    def step(self, policy: int, other: int) -> Interval:
        """What one unit more of the first aim costs in the second, from the other policy to this one."""
        more = self.held_out[policy, :, :2] - self.held_out[other, :, :2]
        nothing = np.zeros(len(more))
        return ratio_difference(more[:, 1], more[:, 0], nothing, nothing + 1.0)

    @cached_property
    def lost(self) -> Floats:
        """By how much the search flattered the front over the first reference, mean per aim (A,), signed."""
        first = self.number_of_references

        def lead(values: Floats) -> Floats:
            ahead = (values[first:] - values[0]) * self.problem.signs
            return ahead.mean(axis=(0, 1))

        return lead(self.searched) - lead(self.held_out)

    @cached_property
    def front(self) -> pd.DataFrame:
        """One row per policy: levers as values, aims with intervals, three measures, whether it stands."""
        import pandas as pd

        return pd.DataFrame([self._row(k) for k in range(len(self.names))])

    def _row(self, k: int) -> dict[str, Any]:
        reference = k < self.number_of_references
        row: dict[str, Any] = {"policy": self.names[k], "kind": "reference" if reference else "front"}
        row |= {factor.key: self.levers[k].get(factor.key) for factor in self.problem.factors}
        for a, aim in enumerate(self.problem.aims):
            interval = self.interval(k, a)
            row |= {aim: interval.estimate, f"{aim}_low": interval.low, f"{aim}_high": interval.high}
            row |= {f"{aim}_in_search": float(self.searched[k, :, a].mean())}
            row |= {f"{aim}_max_regret": self.regrets[k, a], f"{aim}_good_enough": self.good_enough[k, a]}
        row |= {MEASURES[name]: values[k] for name, values in self.measures.items()}
        beaten_by = [self.names[j] for j in np.flatnonzero(self._dominators[k])]
        picked = [name for name, place in self.picks.items() if place == k]
        return row | {
            "undominated": bool(self.stands[k]), "beaten_by": " ".join(beaten_by),
            "picked_by": " ".join(picked),
        }  # fmt: skip

    # --- the search ---

    @cached_property
    def candidates(self) -> pd.DataFrame:
        """One row per candidate: when it was bred, its levers, means of the aims, scores, why it is none."""
        import pandas as pd

        found = self.result.found
        frame = pd.DataFrame({"candidate": np.arange(len(found.shares)), "generation": found.generation})
        values = [self.candidate(row) for row in found.shares]
        for factor in self.problem.factors:
            frame[factor.key] = [value.get(factor.key) for value in values]
        for a, aim in enumerate(self.problem.aims):
            frame[aim] = found.values[:, :, a].mean(axis=1)
            frame[f"{aim}_score"] = self._scores[:, a]
        front = set(self.result.front.tolist())
        frame["on_front"] = [k in front for k in frame.candidate]
        return frame.assign(reason=[found.reasons.get(k, "") for k in frame.candidate])

    @cached_property
    def _scores(self) -> Floats:
        found = self.result.found
        return scores_of(self.problem, self.result.plan, found.values, found.references)

    @cached_property
    def generations(self) -> pd.DataFrame:
        """One row per generation: how many candidates, and the hypervolume of all that was seen so far."""
        import pandas as pd

        found = self.result.found
        volumes = hypervolumes(self._scores, found.generation, len(found.bred))
        rows = [
            {"generation": g, "candidates": bred.candidates, "new": bred.new, "infeasible": bred.infeasible,
             "hypervolume": volume}
            for g, (bred, volume) in enumerate(zip(found.bred, volumes, strict=True))
        ]  # fmt: skip
        return pd.DataFrame(rows)

    @property
    def late_gain(self) -> float:
        """Share of the final hypervolume that the last quarter of the generations added."""
        volumes = self.generations.hypervolume.to_numpy()
        before = volumes[max(0, math.ceil(0.75 * len(volumes)) - 1)]
        return float(1.0 - before / volumes[-1]) if volumes[-1] > 0.0 else math.nan


def _that_act(values: Mapping[str, Value], otherwise: str) -> dict[str, Value]:
    """Levers without the cohort size where nobody is supported in cohorts."""
    in_cohorts = values.get(SUPPORT, otherwise) == "cluster"
    return {key: value for key, value in values.items() if key != COHORT or in_cohorts}
