"""The engine through Mesa's eyes: a model to step, agents to look at, and a space to walk.

``DiffusionModel`` steps the very same compiled quarter over the very same arrays as the ensembles
do, so one seed gives one history, here and there. A ``Firm`` stores nothing: it shows one row of
the columns. AgentSet, DataCollector, the network space and Mesa's viewer work on it as usual.
Mesa's own random numbers (``model.random``, ``model.rng``) serve what a user adds, such as
shuffling; none of them enters the engine.

To step through the rule with a debugger, start Python with ``NUMBA_DISABLE_JIT=1``: then
``model.step()`` runs the same functions uncompiled, and a breakpoint in ``engine/phases.py`` or
``behaviour/decision.py`` is hit. With ``beside_no_policy=False`` it is hit by this run alone.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from cpdiffusion.behaviour.classic import Behaviour
from cpdiffusion.behaviour.cp_measures import CpMeasures
from cpdiffusion.engine import phases
from cpdiffusion.engine.mesa_firm import Firm, require
from cpdiffusion.engine.mesa_import import DataCollector, Model, Network
from cpdiffusion.engine.setting import Setting, columns_of, rule_of, setting_of
from cpdiffusion.engine.start import start
from cpdiffusion.engine.state import NEVER, PUBLIC_MONEY, SUBSIDIES, Flow, State, new_state
from cpdiffusion.engine.unfold import added_log_hurdle, columns_by_measure
from cpdiffusion.errors import InputError
from cpdiffusion.parameters import Parameters
from cpdiffusion.policy.design import Design
from cpdiffusion.policy.programme import programme_of
from cpdiffusion.policy.targeting import priority
from cpdiffusion.terms import NO_TERMS, Terms
from cpdiffusion.world.firms import Flags, Floats, Ints
from cpdiffusion.world.ties import LAYERS, Ties
from cpdiffusion.world.world import World

LARGEST_SEED = 2**64 - 1

MODEL_REPORTERS = (
    "adopters", "adoption_share", "supported_firms", "supported_adopters", "public_money_mkrw",
    "subsidy_mkrw", "unspent_mkrw", "private_investment_mkrw", "direct_benefit_mkrw",
    "indirect_benefit_mkrw", "environmental_benefit_mkrw", "accidents", "accidents_avoided",
)  # fmt: skip
BESIDE_NO_POLICY = ("additional_adopters", "spillover_adopters")


class DiffusionModel(Model):
    """One run of the engine as a Mesa model; a step is one quarter.

    ``seed`` is a replicate's seed (0 to 2^64 - 1) and ``regional_mean`` the mean log return of each
    region, shape (R,). ``behaviour`` is the rule of firms without an offer, ``terms`` what instruments
    contribute for as many quarters as the horizon has. With ``measures`` firms choose among them;
    what a firm's measures can return is then drawn from ``world_seed``. ``collect`` records the
    model reporters at the start and after each step, ``agent_reporters`` adds reporters on firms in
    DataCollector's notation. ``beside_no_policy`` steps the same firms with the same draws, but no
    programme, alongside: additional and spill-over adopters are counted against it. The world is
    copied where it can be changed, so that runs do not disturb each other. Raises InputError when an
    argument is out of its range.
    """

    def __init__(
        self,
        *,
        world: World,
        parameters: Parameters,
        design: Design,
        seed: int,
        regional_mean: Floats,
        behaviour: Behaviour = Behaviour.PEER_BENEFIT,
        horizon_quarters: int = 40,
        terms: Terms = NO_TERMS,
        measures: CpMeasures | None = None,
        world_seed: int | None = None,
        collect: bool = True,
        agent_reporters: Mapping[str, Any] | None = None,
        beside_no_policy: bool = True,
    ) -> None:
        _check(world, seed, regional_mean, horizon_quarters)
        super().__init__(rng=int(seed))
        self.world, self.parameters = with_own_columns(world), parameters
        self.horizon_quarters, self.quarter = horizon_quarters, 0
        columns = columns_of(self.world, parameters, np.asarray(regional_mean, np.float64))
        self.measure_names: tuple[str, ...] = ()
        self.added_log_hurdle = np.zeros(1)
        if measures:
            own = self.world.firms.potential_log_return
            drawn_from = seed if world_seed is None else world_seed
            columns = columns_by_measure(columns, measures, own, parameters, drawn_from)
            self.measure_names, self.added_log_hurdle = measures.names, added_log_hurdle(measures)
        no_policy = replace(design, budget_mkrw_per_year=0.0)
        rule = rule_of(parameters, behaviour)
        self.setting = setting_of(columns, rule, programme_of(design, parameters), terms)
        self.setting_without_policy = Setting(columns, rule, programme_of(no_policy, parameters))
        first = priority(design.targeting, self.world)
        self.state = self._started(self.setting, seed, first)
        self.without_policy = (
            self._started(self.setting_without_policy, seed, first) if beside_no_policy else None
        )
        self.firms = tuple(Firm(self, row) for row in range(world.size))
        self.collects = collect
        self.datacollector = self._datacollector(agent_reporters)
        self._collect()

    def _started(self, setting: Setting, seed: int, first: Ints) -> State:
        rows_per_firm = setting.columns.region.size // self.world.size
        state = new_state(self.world.size, setting.columns.regions, self.horizon_quarters, rows_per_firm)
        with np.errstate(over="ignore"):  # uncompiled, the hash's wrap-around would warn
            start(state, setting, np.uint64(seed), first)
        return state

    def _datacollector(self, agent_reporters: Mapping[str, Any] | None) -> DataCollector:
        names = MODEL_REPORTERS + (BESIDE_NO_POLICY if self.without_policy else ())
        return DataCollector(model_reporters={name: name for name in names}, agent_reporters=agent_reporters)

    def step(self) -> None:
        """One quarter, in the phases that ``engine.phases`` lists.

        After the last quarter ``running`` is False; a further step raises InputError.
        """
        self._require_quarters_left()
        with np.errstate(over="ignore"):
            phases.quarter(self.state, self.setting, self.quarter)
            if self.without_policy:
                phases.quarter(self.without_policy, self.setting_without_policy, self.quarter)
        self.quarter += 1
        self.running = self.quarter < self.horizon_quarters
        self._collect()

    def _wrapped_step(self, *args: Any, **kwargs: Any) -> None:
        """What ``model.step()`` calls in Mesa; refused before Mesa has counted a step."""
        self._require_quarters_left()
        super()._wrapped_step(*args, **kwargs)

    def _require_quarters_left(self) -> None:
        if self.quarter == self.horizon_quarters:
            raise InputError(
                f"step: the run ended with its horizon of {self.horizon_quarters} quarters; make a "
                "new model with a larger horizon_quarters."
            )

    def _collect(self) -> None:
        if self.collects:
            self.datacollector.collect(self)

    @cached_property
    def space(self) -> Network:
        """The network of ties; each firm stands in the cell of its row. Built at first use."""
        space = Network(graph_of(self.world.ties), random=self.random, **no_layout())
        for firm in self.firms:
            space[firm.row].add_agent(firm)
        return space

    # what is reported; all to date ---------------------------------------------------------------

    def total(self, *flows: Flow) -> float:
        """Sum of flows over regions and the quarters so far."""
        return float(sum(self.state.flow[:, : self.quarter, flow].sum() for flow in flows))

    @property
    def adopters(self) -> int:
        """Firms that have adopted."""
        return int(np.count_nonzero(self._adopted(self.state)))

    @property
    def adoption_share(self) -> float:
        """Share of firms that have adopted."""
        return self.adopters / self.world.size

    @property
    def supported_firms(self) -> int:
        """Firms that the programme has taken in."""
        return int(self.total(Flow.SUPPORTED))

    @property
    def supported_adopters(self) -> int:
        """Adopters among them."""
        return int(self.total(Flow.SUPPORTED_ADOPTERS))

    @property
    def additional_adopters(self) -> int:
        """Adopters more than without policy, at the same quarter."""
        return self.adopters - int(np.count_nonzero(self._adopted(self._beside())))

    @property
    def spillover_adopters(self) -> int:
        """Adopters without support that have not adopted without policy by the same quarter."""
        supported = self._any_row(self.state.supported_quarter != NEVER)
        anyway = self._adopted(self._beside())
        return int(np.count_nonzero(self._adopted(self.state) & ~supported & ~anyway))

    @property
    def public_money_mkrw(self) -> float:
        """Advice, subsidies and the running of instruments (million KRW)."""
        return self.total(*PUBLIC_MONEY)

    @property
    def subsidy_mkrw(self) -> float:
        """Subsidy paid (million KRW)."""
        return self.total(*SUBSIDIES)

    @property
    def unspent_mkrw(self) -> float:
        """What is left in the purse (million KRW)."""
        return float(self.state.purse_mkrw.sum())

    @property
    def private_investment_mkrw(self) -> float:
        """What adopters invested themselves (million KRW)."""
        return self.total(Flow.PRIVATE_INVESTMENT)

    @property
    def direct_benefit_mkrw(self) -> float:
        """Direct economic benefit (million KRW)."""
        return self.total(Flow.DIRECT)

    @property
    def indirect_benefit_mkrw(self) -> float:
        """Indirect economic benefit (million KRW)."""
        return self.total(Flow.INDIRECT)

    @property
    def environmental_benefit_mkrw(self) -> float:
        """Environmental benefit (million KRW)."""
        return self.total(Flow.ENVIRONMENTAL)

    @property
    def accidents(self) -> int:
        """Firm-quarters with an accident."""
        return int(self.total(Flow.ACCIDENTS))

    @property
    def accidents_avoided(self) -> int:
        """Firm-quarters in which safety support avoided one."""
        return int(self.total(Flow.ACCIDENTS_AVOIDED))

    def _adopted(self, state: State) -> Flags:
        return self._any_row(state.adoption_quarter != NEVER)

    def _any_row(self, holds: Flags) -> Flags:
        """Whether something holds of any row of a firm, shape (N,)."""
        return np.any(holds.reshape(-1, self.world.size), axis=0)

    def _beside(self) -> State:
        if self.without_policy is None:
            raise InputError("beside_no_policy=False: set it to True to compare with no policy.")
        return self.without_policy


def _check(world: World, seed: int, regional_mean: Floats, horizon_quarters: int) -> None:
    regions = (len(world.regions),)
    if np.shape(regional_mean) != regions:  # compiled code would read beyond the end
        raise InputError(f"regional_mean: has shape {np.shape(regional_mean)}, must have {regions}.")
    require(0 <= seed <= LARGEST_SEED, "seed", seed, "lie between 0 and 2^64 - 1")
    require(horizon_quarters >= 1, "horizon_quarters", horizon_quarters, "be at least 1")


def with_own_columns(world: World) -> World:
    """The world with copies of the columns that a Firm can change."""
    firms = world.firms
    return replace(
        world,
        firms=firms._replace(
            required_confidence=firms.required_confidence.copy(),
            waits_for_example=firms.waits_for_example.copy(),
            liquidity_mkrw=firms.liquidity_mkrw.copy(),
            accepted_payback_years=firms.accepted_payback_years.copy(),
        ),
    )


# --- the space -----------------------------------------------------------------------------------


def graph_of(ties: Ties) -> nx.Graph:
    """Ties as a networkx graph of rows, with layer and weight; directed unless all are mutual."""
    size, mutual = ties.start.size - 1, are_mutual(ties)
    graph = nx.Graph() if mutual else nx.DiGraph()
    graph.add_nodes_from(range(size))
    source = sources_of(ties).tolist()
    for tie in zip(source, *(column.tolist() for column in ties[1:]), strict=True):
        graph.add_edge(tie[0], tie[1], layer=LAYERS[tie[2]], weight=tie[3])
    return graph


def are_mutual(ties: Ties) -> bool:
    """Whether each tie has its like in the other direction."""
    source = sources_of(ties)
    there, back = np.lexsort((ties.target, source)), np.lexsort((source, ties.target))
    pairs = ((source, ties.target), (ties.target, source), (ties.layer,) * 2, (ties.weight,) * 2)
    return all(np.array_equal(one[there], other[back]) for one, other in pairs)


def sources_of(ties: Ties) -> NDArray[np.int64]:
    """The influencing firm of each tie, shape (M,)."""
    return np.repeat(np.arange(ties.start.size - 1), np.diff(ties.start))


def no_layout() -> dict[str, None]:
    """From Mesa 3.4 on, Network would spend seconds on a spring layout that nobody looks at."""
    return {"layout": None} if "layout" in inspect.signature(Network).parameters else {}
