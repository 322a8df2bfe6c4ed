"""What a scenario discovery found: answers at points, boxes, and where nothing was found how near it came."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from cpdiffusion.discovery.box import End, Limit
from cpdiffusion.discovery.prim import Patience
from cpdiffusion.discovery.search import FEWEST_HITS, Discovery, Found, How, discover, enough
from cpdiffusion.factors.factor import Factor
from cpdiffusion.factors.known import Values
from cpdiffusion.studies.discover.question import Answer
from cpdiffusion.studies.discover.settings import DiscoverSettings
from cpdiffusion.studies.discover.source import Source
from cpdiffusion.studies.settings import Settings
from cpdiffusion.studies.sweep.table import correlation_ratio, groups_of

if TYPE_CHECKING:
    import pandas as pd

NEAREST = 0.1  # of the points, or as many as a box needs: those nearest to a yes, where too few are


@dataclass(frozen=True, eq=False)
class Discovered:
    """What was asked, answered and found."""

    settings: Settings
    source: Source
    answer: Answer

    @cached_property
    def nearest_instead(self) -> bool:
        """Whether too few points hold, so that the tenth that comes nearest is looked for instead."""
        holds = self.answer.holds
        return not enough(holds) and bool(holds.mean() < 0.5) and enough(self.nearest)

    @cached_property
    def nearest(self) -> Values:
        """The points that hold or come nearest to it (P,); more than asked where several come as near."""
        short = self.answer.short
        count = max(2 * FEWEST_HITS, round(NEAREST * short.size))
        return np.asarray(short <= np.sort(short)[count - 1])

    @property
    def hit(self) -> Values:
        """The points that boxes are looked for (P,)."""
        return self.nearest if self.nearest_instead else self.answer.holds

    @cached_property
    def discovery(self) -> Discovery | None:
        """The boxes; None where there is nothing to tell apart."""
        axes = self.source.axes(self.answer.points)
        return discover(axes, self.hit, how_of(self.settings)) if axes and enough(self.hit) else None

    @property
    def boxes(self) -> list[Found]:
        """The boxes that hold on points kept out."""
        return self.discovery.found if self.discovery else []

    def factor(self, key: str) -> Factor:
        """A factor by its key."""
        return next(f for f in self.source.factors if f.key == key)

    @cached_property
    def told(self) -> list[dict[str, Any]]:
        """Per factor how far the answer's value goes along with it, the most first."""
        rows = [self._told(factor) for factor in self.source.factors]
        return sorted(rows, key=lambda row: -np.nan_to_num(row["share"]))

    def _told(self, factor: Factor) -> dict[str, Any]:
        column = self.source.points.columns[factor.key][self.answer.points]
        group, rank = groups_of(factor, column), self.rank
        means = {g: rank[group == g].mean() for g in np.unique(group)}
        best = group == min(means, key=lambda g: means[g])
        mine = column[best]
        where = (mine.min(), mine.max()) if factor.is_number else (str(mine[0]), str(mine[0]))
        return {
            "factor": factor.key,
            "share": beyond_chance(correlation_ratio(group, rank), len(means), rank.size),
            "nearest_from": where[0], "nearest_to": where[1],
            "mean_value_there": self.answer.value[best].mean(),
            "share_held_there": self.answer.holds[best].mean(),
        }  # fmt: skip

    @cached_property
    def rank(self) -> Values:
        """The points in the order of how far they are from a yes: a few far ones must not hide the others."""
        from scipy.stats import rankdata

        return np.asarray(rankdata(self.answer.short))

    # --- tables ----------------------------------------------------------------------------------

    def points_table(self) -> pd.DataFrame:
        """One row per point: factors, answer, and the numbers of the boxes that it lies in."""
        import pandas as pd

        a, given = self.answer, self.source.points.frame()
        table = pd.DataFrame({
            "point": a.points, "value": a.value, "low": a.low, "high": a.high, "short_of_turning": a.short,
            "holds": a.holds, "looked_for": self.hit,
        })  # fmt: skip
        axes = self.source.axes(a.points)
        for number, found in enumerate(self.boxes, start=1):
            table[f"in_box_{number}"] = found.box.inside(axes)
        if self.discovery:
            table["fitted_on"] = self.discovery.fit
        return given.merge(table, on="point", how="left")

    def boxes_table(self) -> pd.DataFrame:
        """One row per box and restriction."""
        import pandas as pd

        rows = [row for k, found in enumerate(self.boxes, 1) for row in self._restrictions(k, found)]
        return pd.DataFrame(rows, columns=list(BOX_COLUMNS))

    def _restrictions(self, number: int, found: Found) -> list[dict[str, Any]]:
        common = {
            "box": number, "of": "nearest" if self.nearest_instead else "holds",
            "coverage": found.checked.coverage, "density": found.checked.density, "mass": found.checked.mass,
            "points": found.checked.points, "chance": found.chance,
            "coverage_fitted": found.fitted.coverage, "density_fitted": found.fitted.density,
            "mass_fitted": found.fitted.mass,
        }  # fmt: skip
        return [common | self._restriction(found, end, limit) for end, limit in found.box.limits.items()]

    def _restriction(self, found: Found, end: End, limit: Limit) -> dict[str, Any]:
        assert self.discovery is not None
        about = self.factor(end.key).known
        said = (
            " | ".join(sorted(map(str, limit)))
            if isinstance(limit, frozenset)
            else as_value(limit, about.whole)
        )
        return {
            "factor": end.key, "unit": about.unit, "status": about.status, "side": end.side, "value": said,
            "quasi_p": found.quasi_p[end], "p_kept_out": found.checked_p[end],
            "restricted_in_resamples": self.discovery.stability[end.key],
        }  # fmt: skip

    def trajectory_table(self) -> pd.DataFrame:
        """One row per step of each search, also of one that led nowhere."""
        import pandas as pd

        tried = self.discovery.tried if self.discovery else []
        rows = [
            (k, step, s.coverage, s.density, s.mass, len(s.box.keys), one.holds)
            for k, one in enumerate(tried, 1) for step, s in enumerate(one.steps)
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=list(STEP_COLUMNS))

    def factors_table(self) -> pd.DataFrame:
        """One row per factor: range, status, what goes along with it, how often a box restricts it."""
        import pandas as pd

        stability = self.discovery.stability if self.discovery else {}
        rows = []
        for told in self.told:
            factor = self.factor(told["factor"])
            span = (factor.low, factor.high) if factor.is_range else (factor.values[0], factor.values[-1])
            about = {
                "unit": factor.known.unit,
                "status": factor.known.status,
                "low": span[0],
                "high": span[1],
            }
            restricted = stability.get(factor.key, np.nan)
            rows.append(told | about | {"restricted_in_resamples": restricted})
        return pd.DataFrame(rows)


def beyond_chance(share: float, groups: int, points: int) -> float:
    """A correlation ratio less what chance gives to so many groups (Kelley's epsilon squared, 0 or more)."""
    if points <= groups:
        return float("nan")
    return max(0.0, 1.0 - (1.0 - share) * (points - 1) / (points - groups))


BOX_COLUMNS = (
    "box", "of", "factor", "unit", "status", "side", "value", "quasi_p", "p_kept_out",
    "restricted_in_resamples", "coverage", "density", "mass", "points", "chance", "coverage_fitted",
    "density_fitted", "mass_fitted",
)  # fmt: skip
STEP_COLUMNS = ("search", "step", "coverage", "density", "mass", "restricted_factors", "found")


def as_value(limit: float, whole: bool) -> float | int:
    """A limit as the setting takes it."""
    return int(limit) if whole else float(f"{limit:.6g}")


def how_of(settings: Settings) -> How:
    """How the settings want boxes to be looked for."""
    asked: DiscoverSettings = settings.discover
    patience = Patience(asked.peel, asked.least_mass)
    return How(patience, asked.density, asked.boxes, asked.resamples, settings.seed)
