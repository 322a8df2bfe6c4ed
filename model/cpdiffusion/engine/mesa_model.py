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
import math
import multiprocessing
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from cpdiffusion.behaviour import decision
from cpdiffusion.engine import phases
from cpdiffusion.engine.setting import Setting, columns_of, rule_of
from cpdiffusion.engine.state import NEVER, Count, Flow, State, new_state, start
from cpdiffusion.errors import InputError
from cpdiffusion.parameters import Parameters
from cpdiffusion.policy.design import Design
from cpdiffusion.policy.programme import programme_of
from cpdiffusion.policy.targeting import priority
from cpdiffusion.world.firms import HAZARD_CLASSES, Floats, Ints, normal_quantiles
from cpdiffusion.world.ties import LAYERS, Ties
from cpdiffusion.world.world import World


@contextmanager
def start_method_kept() -> Iterator[None]:
    """Mesa 3.3.1 switches the whole process to 'spawn' at import; put back what was there."""
    method = multiprocessing.get_start_method(allow_none=True)
    yield
    multiprocessing.set_start_method(method, force=True)


with start_method_kept():
    import mesa
    from mesa.discrete_space import Cell, FixedAgent, Network

LARGEST_SEED = 2**64 - 1

MODEL_REPORTERS = (
    "adopters", "adoption_share", "supported_firms", "supported_adopters", "public_money_mkrw",
    "subsidy_mkrw", "unspent_mkrw", "private_investment_mkrw", "direct_benefit_mkrw",
    "indirect_benefit_mkrw", "environmental_benefit_mkrw", "accidents", "accidents_avoided",
)  # fmt: skip
BESIDE_NO_POLICY = ("additional_adopters", "spillover_adopters")


# --- one firm ------------------------------------------------------------------------------------


class Firm(FixedAgent):
    """A firm as a view of one row; what is not yet known is None.

    Four attributes can be set, and count from the next decision on: ``required_confidence``,
    ``waits_for_example``, ``liquidity_mkrw``, ``accepted_payback_years``.
    """

    model: DiffusionModel

    def __init__(self, model: DiffusionModel, row: int) -> None:
        super().__init__(model)
        self.row = row

    def __repr__(self) -> str:
        fate = f"adopted in quarter {self.adoption_quarter}" if self.adopted else "undecided"
        return f"Firm {self.firm_id} ({self.sector}, {self.complex}, {fate})"

    # what it is ---------------------------------------------------------------------------------

    @property
    def firm_id(self) -> str:
        """Its name in the user's register, or its row."""
        return self.model.world.firm_id(self.row)

    @property
    def region(self) -> str:
        """Name of its region."""
        return self.model.world.regions[int(self._fact("region"))]

    @property
    def complex(self) -> str:
        """Name of its industrial complex."""
        return self.model.world.complexes[int(self._fact("complex"))]

    @property
    def sector(self) -> str:
        """Name of its sector."""
        return self.model.world.sectors[int(self._fact("sector"))]

    @property
    def employees(self) -> int:
        """Number of employees."""
        return int(self._fact("employees"))

    @property
    def capital_need_mkrw(self) -> float:
        """Price of its cleaner-production package (million KRW)."""
        return float(self._fact("capital_need_mkrw"))

    @property
    def potential_log_return(self) -> float:
        """Its own deviation of log ROI from the mean, which it does not know."""
        return float(self._fact("potential_log_return"))

    @property
    def hazard_class(self) -> str:
        """Low, medium or high."""
        return HAZARD_CLASSES[int(self._fact("hazard_class"))]

    @property
    def export_share(self) -> float:
        """Share of sales to markets with environmental rules."""
        return float(self._fact("export_share"))

    @property
    def public_sales_share(self) -> float:
        """Share of sales to public buyers."""
        return float(self._fact("public_sales_share"))

    @property
    def past_violation(self) -> bool:
        """Whether it broke environmental law in the past."""
        return bool(self._fact("past_violation"))

    # what may be changed ------------------------------------------------------------------------

    @property
    def required_confidence(self) -> float:
        """How sure it must be that the package pays (0 to 1)."""
        return float(self._fact("required_confidence"))

    @required_confidence.setter
    def required_confidence(self, value: float) -> None:
        _require(0.0 <= value <= 1.0, "required_confidence", value, "lie between 0 and 1")
        self.model.world.firms.required_confidence[self.row] = value
        quantile = normal_quantiles(np.array([float(value)]))[0]
        self.model.setting.columns.required_advantage[self.row] = quantile
        self._reconsider()

    @property
    def waits_for_example(self) -> bool:
        """Whether it adopts only after a peer's result, or with support."""
        return bool(self._fact("waits_for_example"))

    @waits_for_example.setter
    def waits_for_example(self, value: bool) -> None:
        self.model.setting.columns.waits_for_example[self.row] = value
        self._reconsider()

    @property
    def liquidity_mkrw(self) -> float:
        """What it can spend (million KRW)."""
        return float(self._fact("liquidity_mkrw"))

    @liquidity_mkrw.setter
    def liquidity_mkrw(self, value: float) -> None:
        _require(value >= 0.0, "liquidity_mkrw", value, "not be negative")
        self.model.setting.columns.liquidity_mkrw[self.row] = value
        self._reconsider()

    @property
    def accepted_payback_years(self) -> float:
        """Longest payback that it accepts (years)."""
        return float(self._fact("accepted_payback_years"))

    @accepted_payback_years.setter
    def accepted_payback_years(self, value: float) -> None:
        _require(0.0 < value < math.inf, "accepted_payback_years", value, "be positive")
        self.model.world.firms.accepted_payback_years[self.row] = value
        hurdle = decision.log_hurdle(self.model.parameters.benefit_horizon_years, float(value))
        self.model.setting.columns.log_hurdle[self.row] = hurdle
        self._reconsider()

    # what has happened to it --------------------------------------------------------------------

    @property
    def adopted(self) -> bool:
        """Whether it has adopted."""
        return self.adoption_quarter is not None

    @property
    def adoption_quarter(self) -> int | None:
        """Quarter of its adoption, counted from 0."""
        return _known(self.model.state.adoption_quarter[self.row])

    @property
    def adopted_without_policy(self) -> bool | None:
        """Whether the same firm with the same draws has adopted in the run without policy."""
        beside = self.model.without_policy
        return None if beside is None else bool(beside.adoption_quarter[self.row] != NEVER)

    @property
    def log_return(self) -> float | None:
        """Its realised log ROI."""
        return float(self.model.state.log_return[self.row]) if self.adopted else None

    @property
    def supported(self) -> bool:
        """Whether the programme has taken it in."""
        return self.supported_quarter is not None

    @property
    def supported_quarter(self) -> int | None:
        """Quarter in which the programme took it in."""
        return _known(self.model.state.supported_quarter[self.row])

    @property
    def diagnosed(self) -> bool:
        """Whether an adviser has estimated its return."""
        return self.diagnosed_quarter is not None

    @property
    def diagnosed_quarter(self) -> int | None:
        """Quarter of its diagnosis."""
        return _known(self.model.state.diagnosed_quarter[self.row])

    @property
    def signal(self) -> float | None:
        """The adviser's estimate of its log ROI."""
        return float(self.model.state.signal[self.row]) if self.diagnosed else None

    @property
    def mean_log_return(self) -> float:
        """Its belief about the mean log ROI, before its own diagnosis."""
        state = self.model.state
        return float(state.weighted_sum[self.row] / state.precision[self.row])

    @property
    def sd(self) -> float:
        """Standard deviation of that belief (log ROI)."""
        return 1.0 / math.sqrt(self.model.state.precision[self.row])

    @property
    def results_seen(self) -> int:
        """Number of peers' results that it has seen."""
        return int(self.model.state.results_seen[self.row])

    @property
    def informant(self) -> Firm | None:
        """The firm whose result it saw last before it adopted."""
        row = _known(self.model.state.informant[self.row])
        return None if row is None else self.model.firms[row]

    # whom it knows ------------------------------------------------------------------------------

    @property
    def neighbours(self) -> list[Firm]:
        """Firms that hear of its results; where ties are mutual, also those it hears of."""
        ties = self.model.world.ties
        rows = ties.target[ties.start[self.row] : ties.start[self.row + 1]]
        return [self.model.firms[row] for row in rows.tolist()]

    @property
    def cohort_mates(self) -> list[Firm]:
        """The other members of the cohort in which it sees results."""
        cohort = self.model.state.cohort
        if cohort[self.row] == NEVER:
            return []
        rows = np.flatnonzero(cohort == cohort[self.row]).tolist()
        return [self.model.firms[row] for row in rows if row != self.row]

    @property
    def cell(self) -> Cell:
        """Its place in the network of ties; the first look builds ``model.space``."""
        return self.model.space[self.row]

    @cell.setter
    def cell(self, cell: Cell) -> None:
        raise InputError("Firm.cell: ties are fixed during a run; change them in the World instead.")

    def remove(self) -> None:
        """Refused: without its view the engine would go on with the firm all the same."""
        raise InputError("Firm.remove: firms stay for the whole run; leave it out of the World instead.")

    def _reconsider(self) -> None:
        """Ask the firm again at its next review, in both runs."""
        for state in (self.model.state, self.model.without_policy):
            if state is not None:
                state.stirred[self.row] = True

    def _fact(self, column: str) -> Any:
        return getattr(self.model.world.firms, column)[self.row]


def _known(value: np.int32) -> int | None:
    return None if value == NEVER else int(value)


def _require(holds: bool, name: str, value: float, rule: str) -> None:
    if not holds:
        raise InputError(f"{name}={value:g}: must {rule}.")


# --- one run -------------------------------------------------------------------------------------


class DiffusionModel(mesa.Model):
    """One run of the engine as a Mesa model; a step is one quarter.

    ``seed`` is a replicate's seed (0 to 2^64 - 1) and ``regional_mean`` the mean log return of each
    region, shape (R,). ``collect`` records the model reporters at the start and after each step,
    ``agent_reporters`` adds reporters on firms in DataCollector's notation. ``beside_no_policy``
    steps the same firms with the same draws, but no programme, alongside: additional and spill-over
    adopters are counted against it. The world is copied where it can be changed, so that runs do
    not disturb each other. Raises InputError when an argument is out of its range.
    """

    def __init__(
        self,
        *,
        world: World,
        parameters: Parameters,
        design: Design,
        seed: int,
        regional_mean: Floats,
        horizon_quarters: int = 40,
        collect: bool = True,
        agent_reporters: Mapping[str, Any] | None = None,
        beside_no_policy: bool = True,
    ) -> None:
        _check(world, seed, regional_mean, horizon_quarters)
        super().__init__(rng=int(seed))
        self.world, self.parameters = with_own_columns(world), parameters
        self.horizon_quarters, self.quarter = horizon_quarters, 0
        columns = columns_of(self.world, parameters, np.asarray(regional_mean, np.float64))
        no_policy = replace(design, budget_mkrw_per_year=0.0)
        rule = rule_of(parameters)
        self.setting = Setting(columns, rule, programme_of(design, parameters))
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
        state = new_state(self.world.size, setting.columns.regions, self.horizon_quarters)
        with np.errstate(over="ignore"):  # uncompiled, the hash's wrap-around would warn
            start(state, setting, np.uint64(seed), first)
        return state

    def _datacollector(self, agent_reporters: Mapping[str, Any] | None) -> mesa.DataCollector:
        names = MODEL_REPORTERS + (BESIDE_NO_POLICY if self.without_policy else ())
        return mesa.DataCollector(
            model_reporters={name: name for name in names}, agent_reporters=agent_reporters
        )

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
        return int(self.state.counts[Count.ADOPTERS])

    @property
    def adoption_share(self) -> float:
        """Share of firms that have adopted."""
        return self.adopters / self.world.size

    @property
    def supported_firms(self) -> int:
        """Firms that the programme has taken in."""
        return int(self.state.counts[Count.SUPPORTED])

    @property
    def supported_adopters(self) -> int:
        """Adopters among them."""
        return int(self.total(Flow.SUPPORTED_ADOPTERS))

    @property
    def additional_adopters(self) -> int:
        """Adopters more than without policy, at the same quarter."""
        return self.adopters - int(self._beside().counts[Count.ADOPTERS])

    @property
    def spillover_adopters(self) -> int:
        """Adopters without support that have not adopted without policy by the same quarter."""
        state, never = self.state, self._beside().adoption_quarter == NEVER
        unsupported = (state.adoption_quarter != NEVER) & (state.supported_quarter == NEVER)
        return int(np.count_nonzero(unsupported & never))

    @property
    def public_money_mkrw(self) -> float:
        """Advice and subsidy (million KRW)."""
        return self.total(Flow.ADVICE, Flow.SUBSIDY)

    @property
    def subsidy_mkrw(self) -> float:
        """Subsidy paid (million KRW)."""
        return self.total(Flow.SUBSIDY)

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

    def _beside(self) -> State:
        if self.without_policy is None:
            raise InputError("beside_no_policy=False: set it to True to compare with no policy.")
        return self.without_policy


def _check(world: World, seed: int, regional_mean: Floats, horizon_quarters: int) -> None:
    regions = (len(world.regions),)
    if np.shape(regional_mean) != regions:  # compiled code would read beyond the end
        raise InputError(f"regional_mean: has shape {np.shape(regional_mean)}, must have {regions}.")
    _require(0 <= seed <= LARGEST_SEED, "seed", seed, "lie between 0 and 2^64 - 1")
    _require(horizon_quarters >= 1, "horizon_quarters", horizon_quarters, "be at least 1")


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
