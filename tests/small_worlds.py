"""Worlds small enough to compute by hand; a factory takes only what a test is about.

Unless told otherwise, a firm can pay for its package (100 million KRW), waits for nobody and
adopts as soon as it believes in a log return of 0 or more. Under ``calm`` parameters it starts at
-0.5 with precision 1, a tie in the complex adds precision 1 to that and a cohort-mate's result
adds 2; firms review every quarter, nothing is left to luck, and results show after four quarters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cpdiffusion.behaviour.classic import Behaviour
from cpdiffusion.engine.phases import quarter
from cpdiffusion.engine.run import run as run_compiled
from cpdiffusion.engine.setting import Setting, columns_of, rule_of
from cpdiffusion.engine.start import start
from cpdiffusion.engine.state import Batch, Count, Flow, State, new_state
from cpdiffusion.parameters import Parameters, parameters
from cpdiffusion.policy.design import Design, design_of
from cpdiffusion.policy.levers import Levers
from cpdiffusion.policy.programme import programme_of
from cpdiffusion.policy.targeting import priority
from cpdiffusion.world.firms import Firms
from cpdiffusion.world.ties import Layer, Ties, rows
from cpdiffusion.world.world import Recipe, World

NOTHING = Levers()
EAGER = {"required_confidence": 0.0}  # adopts at its first review, whatever it believes
STUBBORN = {"required_confidence": 1.0}  # never adopts, so that one can watch it learn
SUPPORT_ONLY = {"required_confidence": 0.0, "waits_for_example": True}  # until a peer's result

CALM = {
    "mean_log_return": 1.0,
    "firm_log_return_sd": 0.5,
    "region_year_log_return_sd": 0.0,
    "investment_elasticity": 0.0,
    "benefit_horizon_years": 3.0,
    "skill_log_return_gain": 0.0,
    "complementarity_log_return": 0.0,
    "indirect_zero_share": 1.0,
    "environmental_zero_share": 1.0,
    "prior_mean_log_return": -0.5,
    "prior_log_return_sd": 1.0,
    "cross_sector_similarity": 0.5,
    "complex_visibility": 0.5,
    "complex_noise_sd": 0.5,
    "cohort_visibility": 1.0,
    "cohort_noise_sd": 0.5,
    "published_visibility": 0.5,
    "published_noise_sd": 0.5,
    "reveal_lag_quarters": 4,
    "review_rate_per_quarter": 1.0,
    "act_anyway_probability": 0.0,
    "hassle_cost_share": 0.0,
    "first_cost_weight": 1.0,
    "diagnosis_noise_sd": 0.5,
    "safety_log_benefit": 0.0,
    "queue_dropout_per_quarter": 0.0,
}
FIRM: dict[str, tuple[Any, Any]] = {
    "region": (0, np.int32),
    "complex": (0, np.int32),
    "sector": (0, np.int32),
    "employees": (10, np.int32),
    "capital_need_mkrw": (100.0, np.float64),
    "potential_log_return": (0.0, np.float64),
    "accepted_payback_years": (3.0, np.float64),
    "required_confidence": (0.5, np.float64),
    "waits_for_example": (False, np.bool_),
    "liquidity_mkrw": (1e6, np.float64),
    "hazard_class": (0, np.int32),
    "export_share": (0.0, np.float64),
    "public_sales_share": (0.0, np.float64),
    "past_violation": (False, np.bool_),
    "threshold": (0.5, np.float64),
    "seed": (False, np.bool_),
}
Pairs = Iterable[tuple[int, int]]


def calm(**changes: float) -> Parameters:
    """Parameters without luck, of round figures; see the top of this file."""
    return parameters({**CALM, **changes}, beyond_range=True)


def firms_like(size: int, **columns: ArrayLike) -> Firms:
    """``size`` equal firms, but for the given columns (one value, or one per firm)."""
    unknown = columns.keys() - FIRM.keys()
    assert not unknown, unknown
    return Firms(
        **{name: np.full(size, columns.get(name, default), dtype) for name, (default, dtype) in FIRM.items()}
    )


def one_by_one(*firms: dict[str, Any]) -> Firms:
    """Firms described one by one, each by what sets it apart."""
    return firms_like(
        len(firms),
        **{
            name: [firm.get(name, FIRM[name][0]) for firm in firms]
            for name in FIRM
            if any(name in firm for firm in firms)
        },
    )


def ties_between(size: int, pairs: Pairs, layer: Layer = Layer.COMPLEX) -> Ties:
    """Ties in both directions between the pairs, through the sorting that all ties go through."""
    ends = np.array(list(pairs), np.int32).reshape(-1, 2)
    source = np.concatenate([ends[:, 0], ends[:, 1]])
    target = np.concatenate([ends[:, 1], ends[:, 0]])
    return rows(size, source, target, np.full(source.size, layer, np.int8), np.ones(source.size))


def world_of(firms: Firms, pairs: Pairs = (), layer: Layer = Layer.COMPLEX) -> World:
    """A world of these firms, tied in pairs."""
    size = firms.region.size
    regions = tuple(f"region {k}" for k in range(int(firms.region.max()) + 1))
    sectors = tuple(f"sector {k}" for k in range(int(firms.sector.max()) + 1))
    return World(firms, ties_between(size, pairs, layer), regions, sectors, ("complex",))


def alone(**firm: Any) -> World:
    """One firm that knows nobody."""
    return world_of(one_by_one(firm))


def pair(a: dict[str, Any], b: dict[str, Any], layer: Layer = Layer.COMPLEX) -> World:
    """Two firms that know each other."""
    return world_of(one_by_one(a, b), [(0, 1)], layer)


def star(centre: dict[str, Any], *leaves: dict[str, Any]) -> World:
    """Firm 0 knows all the others, which do not know each other."""
    return world_of(one_by_one(centre, *leaves), [(0, k + 1) for k in range(len(leaves))])


def clique(*firms: dict[str, Any]) -> World:
    """Everybody knows everybody."""
    size = len(firms)
    return world_of(one_by_one(*firms), [(a, b) for b in range(size) for a in range(b)])


def strangers(*firms: dict[str, Any]) -> World:
    """Nobody knows anybody."""
    return world_of(one_by_one(*firms))


def synthetic(
    firms: int, regions: tuple[str, ...] = ("ulsan",), seed: int = 1, **changes: float
) -> tuple[World, Parameters]:
    """A drawn world with ``firms`` firms per region, and the parameters behind it."""
    p = parameters({**changes, "firms_per_region": firms}, beyond_range=True)
    return Recipe(regions).build(seed, p), p


@dataclass(frozen=True)
class Played:
    """A world after some quarters of a policy."""

    world: World
    p: Parameters
    setting: Setting
    state: State

    def flow(self, kind: Flow) -> NDArray[np.float64]:
        """One flow by region and quarter, shape (R, Q)."""
        return self.state.flow[:, :, kind]

    def adopters(self) -> int:
        return int(self.state.counts[Count.ADOPTERS])

    def supported(self) -> NDArray[np.int32]:
        """Supported firms in order of support."""
        return self.state.supported[: self.state.counts[Count.SUPPORTED]]

    def batches(self) -> NDArray[np.int32]:
        """Sizes of the batches in the order in which they were formed."""
        return self.state.batches[: self.state.counts[Count.BATCHES], Batch.SIZE]

    def mean(self, firm: int) -> float:
        """What the firm believes the log return to be on average."""
        return float(self.state.weighted_sum[firm] / self.state.precision[firm])


def prepared(
    world: World, policy: Levers | Design, p: Parameters, quarters: int,
    behaviour: Behaviour = Behaviour.PEER_BENEFIT,
) -> Played:  # fmt: skip
    """Room for a run; every region has the national mean return."""
    design = policy if isinstance(policy, Design) else design_of(policy)
    columns = columns_of(world, p, np.full(len(world.regions), p.mean_log_return))
    setting = Setting(columns, rule_of(p, behaviour), programme_of(design, p))
    return Played(world, p, setting, new_state(world.size, len(world.regions), quarters))


def run(
    world: World, policy: Levers | Design, p: Parameters, seed: int = 1, quarters: int = 12,
    behaviour: Behaviour = Behaviour.PEER_BENEFIT,
) -> Played:  # fmt: skip
    """One run from its first to its last quarter."""
    played = prepared(world, policy, p, quarters, behaviour)
    with np.errstate(over="ignore"):
        run_compiled(played.state, played.setting, np.uint64(seed), order_of(world, policy))
    return played


def quarter_by_quarter(
    world: World, policy: Levers | Design, p: Parameters, seed: int = 1, quarters: int = 12
) -> Iterator[Played]:
    """The same run, shown after each of its quarters (one state, changed in place)."""
    played = prepared(world, policy, p, quarters)
    with np.errstate(over="ignore"):
        start(played.state, played.setting, np.uint64(seed), order_of(world, policy))
        for now in range(quarters):
            quarter(played.state, played.setting, now)
            yield played


def order_of(world: World, policy: Levers | Design) -> NDArray[np.int32]:
    """Levels of priority by the policy's targeting rule."""
    return priority(policy.targeting, world)


def individual(firms_per_year: int = 1, years: int = 1, **levers: Any) -> Levers:
    """Individual support with money for the advice of some firms a year (40 million KRW each)."""
    money = {"budget_mkrw_per_year": 40.0 * firms_per_year, "programme_years": years}
    return Levers(**{"support": "individual", **money, **levers})


def cluster(size: int, **levers: Any) -> Levers:
    """One cohort, paid to the last won, in the first year."""
    money = {"budget_mkrw_per_year": cohort_advice_mkrw(size), "programme_years": 1}
    return Levers(**{"support": "cluster", "cohort_size": size, **money, **levers})


def cohort_advice_mkrw(firms: int) -> float:
    """Advice for a cohort at the default prices: 100, 16 per firm and 0.2 per pair."""
    return 100.0 + 16.0 * firms + 0.2 * firms * (firms - 1) / 2


def changed(world: World, **columns: ArrayLike) -> World:
    """The same world with some columns of its firms replaced."""
    dtypes = {name: FIRM[name][1] for name in columns}
    new = {name: np.full(world.size, value, dtypes[name]) for name, value in columns.items()}
    return replace(world, firms=world.firms._replace(**new))


def same_course(one: Played, other: Played, firms: Any = slice(None)) -> bool:
    """Whether (some) firms went the same way in two runs, to the last bit."""
    return all(
        np.array_equal(getattr(one.state, c)[firms], getattr(other.state, c)[firms], equal_nan=True)
        for c in COURSE
    )


COURSE = (
    "adoption_quarter",
    "log_return",
    "precision",
    "weighted_sum",
    "results_seen",
    "informant",
    "supported_quarter",
    "diagnosed_quarter",
    "signal",
)
