"""What the model says about the evidence, under any parameters: a table as reported, and other patterns.

One drawn world serves every candidate; its thousands of firms differ from those of another draw far less
than the few hundred that a programme happens to reach. What is left to chance in a history (who is
supported, the luck of years, who reviews when) is drawn anew for each of several histories, the same
ones for every candidate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cpdiffusion.calibration.audited import misfit_to_audits
from cpdiffusion.calibration.observations import Sample
from cpdiffusion.calibration.tables import Layout, by_year, simulated, table_figures
from cpdiffusion.draws import Purpose, replicate_seeds, stream
from cpdiffusion.engine.run import Runs, room_for, run_into
from cpdiffusion.engine.setting import Columns, Rule, columns_of, rule_of, setting_of
from cpdiffusion.engine.state import NEVER, Flow, new_state
from cpdiffusion.engine.year import Year, draw_shocks
from cpdiffusion.parameters import Parameters, RecordingParameters
from cpdiffusion.policy.design import Design, design_of
from cpdiffusion.policy.levers import Levers
from cpdiffusion.policy.programme import Programme, programme_of
from cpdiffusion.policy.targeting import priority
from cpdiffusion.units import quarters
from cpdiffusion.world.firms import draw_firms
from cpdiffusion.world.regions import REGIONS, SECTORS, Region
from cpdiffusion.world.ties import draw_ties
from cpdiffusion.world.world import World, complex_names, synthetic_places

NO_PROGRAMME = design_of(Levers())
REGIONAL_PROGRAMME = Levers(support="cluster", cohort_size=25)
AUTONOMOUS_YEARS = 16  # from the first CP programmes of the 1990s to the paper (000)
AUDITED_SHARE = 0.12  # of the firms: enough to compare, too few to matter to the others
AUDITED_YEARS = 4  # after which audited firms are compared with themselves without an audit

Values = Mapping[str, float]


@dataclass(frozen=True)
class Simulator:
    """Tables and patterns under ``fixed`` parameters with some replaced; the same for the same values.

    ``region_effects`` (R,): of the layout's regions, in log ROI, taken as known: estimated
    beforehand from the table itself, partially pooled (evidence.moments).
    """

    layout: Layout
    region_effects: tuple[float, ...]
    fixed: Parameters
    seed: int
    histories: int

    def patterns(self, values: Values, first: int = 0) -> dict[str, float]:
        """Every pattern as a mean over histories ``first`` to ``first + histories - 1``."""
        p = self._parameters(values)
        world = self._world(p)
        columns, rule = columns_of(world, p, self._regional_mean(p)), rule_of(p)
        programme = self._programme(p)
        runs = self._runs(world, columns, rule, programme, self.layout.years, first, self.histories)
        return {
            **self._of_tables(runs),
            **self._of_support(runs),
            **self._of_effects(world, columns, rule, p, first),
            "audit_misfit": misfit_to_audits(columns, rule, programme, p.benefit_horizon_years),
        }

    def tables(self, values: Values, first: int, count: int) -> list[Sample]:
        """The tables that so many histories would have reported."""
        runs = self._programme_runs(self._parameters(values), first, count)
        return [simulated(flow, self.layout) for flow in runs.flow]

    def without_luck(
        self, values: Values, first: int, count: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Log investment (million KRW) and log ROI of supported adopters, each less its year's luck.

        Both of shape (count, R, Y); nan where nobody adopted with support. All adopters of a region share
        the luck of a year, so it stands in the log ROI as a plain term and can be taken out exactly.
        What it did to later decisions, through results that others saw, stays in.
        """
        p = self._parameters(values)
        amounts = by_year(self._programme_runs(p, first, count).flow)
        invested, direct = amounts[..., Flow.PROGRAMME_INVESTMENT], amounts[..., Flow.PROGRAMME_DIRECT]
        invested = np.where(invested > 0.0, invested, np.nan)
        luck = np.stack([self._luck(seed) for seed in self._seeds(first, count)])
        return np.log(invested), np.log(direct / invested) - p.region_year_log_return_sd * luck

    def _programme_runs(self, p: Parameters, first: int, count: int) -> Runs:
        world = self._world(p)
        columns = columns_of(world, p, self._regional_mean(p))
        return self._runs(world, columns, rule_of(p), self._programme(p), self.layout.years, first, count)

    def _luck(self, seed: np.uint64) -> NDArray[np.float64]:
        """What a history draws for each region and year, as standard normals (R, Y)."""
        drawn = np.empty((self.layout.years, len(self.layout.regions), len(Year)))
        with np.errstate(over="ignore"):
            for year in range(self.layout.years):
                draw_shocks(drawn[year], np.uint64(stream(seed, int(Purpose.REGION_YEAR), year)), 1.0)
        return drawn[..., Year.LOG_RETURN].T

    def _seeds(self, first: int, count: int) -> NDArray[np.uint64]:
        return replicate_seeds(self.seed, 1 + first, count)

    # --- the world -------------------------------------------------------------------------------

    @cached_property
    def _drawn(self) -> tuple[World, set[str]]:
        """A world, and the parameters on which the places and ties of its firms depend."""
        recorder, seed = RecordingParameters(self.fixed), np.uint64(self._world_seed)
        kinds = [REGIONS.get(name, Region(name, name, name, ())) for name in self.layout.regions]
        with np.errstate(over="ignore"):
            places = synthetic_places(seed, recorder, kinds)
            read = set(recorder.read)
            firms = draw_firms(seed, recorder, *places, {})
            recorder.read.clear()
            ties = draw_ties(seed, recorder, firms, len(SECTORS))
        names = complex_names(self.layout.regions, self.fixed)
        return World(firms, ties, self.layout.regions, SECTORS, names), read | recorder.read

    @property
    def _world_seed(self) -> int:
        return int(replicate_seeds(self.seed, 0, 1)[0])

    def fixed_by_world(self) -> set[str]:
        """Parameters that cannot be varied, because the world that all candidates share rests on them."""
        return self._drawn[1]

    def _world(self, p: Parameters) -> World:
        """The firms under parameters ``p``, where and tied as they are."""
        drawn = self._drawn[0]
        here = drawn.firms
        with np.errstate(over="ignore"):
            firms = draw_firms(np.uint64(self._world_seed), p, here.region, here.complex, here.sector, {})
        return replace(drawn, firms=firms)

    def _parameters(self, values: Values) -> Parameters:
        return Parameters({**self.fixed, **values})

    def _regional_mean(self, p: Parameters) -> NDArray[np.float64]:
        return p.mean_log_return + np.array(self.region_effects)

    def _programme(self, p: Parameters) -> Programme:
        levers = REGIONAL_PROGRAMME.model_copy(update={"programme_years": self.layout.years})
        return programme_of(design_of(levers), p)

    # --- runs ------------------------------------------------------------------------------------

    def _runs(
        self, world: World, columns: Columns, rule: Rule, programme: Programme,
        years: int, first: int, count: int,
    ) -> Runs:  # fmt: skip
        regions, horizon = len(world.regions), quarters(years)
        runs = room_for(count, world.size, regions, horizon)
        state, seeds = new_state(world.size, regions, horizon), self._seeds(first, count)
        with np.errstate(over="ignore"):
            run_into(runs, state, setting_of(columns, rule, programme), seeds, priority("random", world))
        return runs

    def _of_tables(self, runs: Runs) -> dict[str, float]:
        found = [table_figures(simulated(flow, self.layout)) for flow in runs.flow]
        return {name: _mean([one[name] for one in found]) for name in found[0]}

    def _of_support(self, runs: Runs) -> dict[str, float]:
        supported = float(runs.flow[..., Flow.SUPPORTED].sum())
        region_years = len(runs.flow) * len(self.layout.regions) * self.layout.years
        invested = float(runs.flow[..., Flow.PROGRAMME_INVESTMENT].sum())
        return {
            "firms_per_region_year": supported / region_years,
            "investment_per_firm_mkrw": invested / supported if supported else np.nan,
        }

    def _of_effects(
        self, world: World, columns: Columns, rule: Rule, p: Parameters, first: int
    ) -> dict[str, float]:
        """The same firms audited alone, audited and brought together, and left alone; one history."""
        alone = self._audit(p)
        together = replace(alone, learning_group=REGIONAL_PROGRAMME.cohort_size)

        def adoption(design: Design, years: int) -> Runs:
            return self._runs(world, columns, rule, programme_of(design, p), years, first, 1)

        left, audited = adoption(NO_PROGRAMME, AUTONOMOUS_YEARS), adoption(alone, AUDITED_YEARS)
        who, until = audited.supported_quarter[0] != NEVER, quarters(AUDITED_YEARS)
        without, alone_share, together_share = (
            float((runs.adoption_quarter[0, who] < until).mean()) if who.any() else np.nan
            for runs in (left, audited, adoption(together, AUDITED_YEARS))
        )
        half = 0.5 / max(int(who.sum()), 1)  # so that a ratio to nobody stays a number
        return {
            "autonomous_share": float((left.adoption_quarter[0] != NEVER).mean()),
            "audit_effect": alone_share - without,
            "cohort_effect": (together_share + half) / (alone_share + half),
        }

    def _audit(self, p: Parameters) -> Design:
        """Audits for a share of the firms, one by one, all in the first year."""
        budget = AUDITED_SHARE * p.firms_per_region * p.individual_advice_cost_mkrw
        return design_of(Levers(support="individual", programme_years=1, budget_mkrw_per_year=budget))


def _mean(values: list[float]) -> float:
    known = np.array(values)[np.isfinite(values)]
    return float(known.mean()) if known.size else np.nan
