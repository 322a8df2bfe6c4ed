"""The model of this project as one would write it in Mesa without the engine.

Firms are ordinary Python objects in the cells of a network, chance is Python's own generator,
learning is a method that a firm calls on its neighbours. It is here to be timed and to check the
engine from a second, independent hand; it shares no compiled code with it. It is tuned: results
are pushed to neighbours once, when they are due, and totals are kept instead of recounted.
``stepped_mesa`` is the same model in the style of Mesa's tutorials. Designs are whole (individual
or cohort), not mixtures.
"""

from __future__ import annotations

import inspect
import math
from collections import defaultdict, deque
from collections.abc import Iterator
from itertools import accumulate, islice
from types import SimpleNamespace
from typing import Any

import mesa
import networkx as nx
import numpy as np
from mesa.discrete_space import Cell, FixedAgent, Network

from cpdiffusion.parameters import Parameters
from cpdiffusion.policy.design import Design
from cpdiffusion.policy.programme import WIDENING_ROOM
from cpdiffusion.policy.targeting import priority
from cpdiffusion.world.ties import LAYERS
from cpdiffusion.world.world import World

PENNY = 1e-9  # million KRW
REPORTED = (
    "adopters", "supported", "supported_adopters", "public_money_mkrw", "private_investment_mkrw",
    "direct_mkrw", "indirect_mkrw", "environmental_mkrw", "accidents", "accidents_avoided",
)  # fmt: skip


class PlainFirm(FixedAgent):
    """A firm with its attributes, its belief and its history as plain attributes."""

    def __init__(self, model: PlainMesa, cell: Cell, row: int) -> None:
        super().__init__(model)
        firms, p = model.world.firms, model.p
        self.cell = cell
        self.row = row
        self.region = int(firms.region[row])
        self.sector = int(firms.sector[row])
        self.employees = int(firms.employees[row])
        self.capital_need_mkrw = float(firms.capital_need_mkrw[row])
        self.liquidity_mkrw = float(firms.liquidity_mkrw[row])
        self.required_confidence = float(firms.required_confidence[row])
        self.waits_for_example = bool(firms.waits_for_example[row])
        self.log_hurdle = math.log(p.benefit_horizon_years / firms.accepted_payback_years[row])
        relative_investment = self.capital_need_mkrw / p.capital_need_mean_mkrw
        self.expected_log_return = (
            model.regional_mean[self.region]
            + float(firms.potential_log_return[row])
            - p.investment_elasticity * math.log(relative_investment)
        )
        yearly = p.accident_rate_per_worker_year * p.hazard_class_ratio ** (int(firms.hazard_class[row]) - 1)
        self.accident_probability = 1 - math.exp(-yearly * self.employees / 4)
        self.belief_mean = p.prior_mean_log_return
        self.belief_precision = p.prior_log_return_sd**-2
        self.examples_seen = 0
        self.cohort: Cohort | None = None
        self.cohort_results_read = 0
        self.supported_quarter: int | None = None
        self.offer_open = False
        self.signal: float | None = None
        self.adoption_quarter: int | None = None
        self.log_return = math.nan

    @property
    def undecided(self) -> bool:
        return self.adoption_quarter is None

    # --- learning ---

    def learn(self, log_return: float, precision: float) -> None:
        total = self.belief_precision + precision
        self.belief_mean += (log_return - self.belief_mean) * precision / total
        self.belief_precision = total

    def show_neighbours(self) -> None:
        edges = self.model.network.G[self.row]
        for peer in self.cell.neighborhood.agents:
            in_cohort = self.cohort is not None and peer.cohort is self.cohort
            if peer.undecided and not in_cohort:
                tie = edges[peer.row]
                visibility = tie["weight"] * self.model.visibility[tie["layer"]]
                noise_sd = self.model.noise_sd[tie["layer"]]
                peer.learn_from(self, visibility, noise_sd)

    def learn_from(self, peer: PlainFirm, visibility: float, noise_sd: float) -> None:
        p = self.model.p
        similarity = 1.0 if peer.sector == self.sector else p.cross_sector_similarity
        precision = visibility * similarity / (p.firm_log_return_sd**2 + noise_sd**2)
        self.learn(peer.log_return, precision)
        self.examples_seen += precision > 0

    def learn_in_cohort(self, cohort: Cohort) -> None:
        p, left = self.model.p, self.model.p.cohort_exchanges_per_quarter
        while left and self.cohort_results_read < len(cohort.results):
            peer = cohort.results[self.cohort_results_read]
            self.cohort_results_read += 1
            if not self.had_heard_of(peer):
                self.learn_from(peer, p.cohort_visibility, p.cohort_noise_sd)
                left -= 1

    def had_heard_of(self, peer: PlainFirm) -> bool:
        """Whether it knew the result as a neighbour before it joined the cohort."""
        due = peer.adoption_quarter + self.model.p.reveal_lag_quarters
        return due <= self.supported_quarter and self.row in self.model.network.G[peer.row]

    # --- deciding ---

    def is_convinced(self, subsidy_rate: float, hassle: float, log_benefit: float) -> bool:
        if self.waits_for_example and not self.examples_seen and self.supported_quarter is None:
            return False
        if (1 - subsidy_rate) * self.capital_need_mkrw > self.liquidity_mkrw:
            return False
        cost_share = 1 - subsidy_rate + hassle
        log_cost = self.model.p.first_cost_weight * math.log(cost_share) if cost_share else -math.inf
        mean, variance = self.prediction()
        z = (mean + log_benefit - log_cost - self.log_hurdle) / math.sqrt(variance)
        return 0.5 * math.erfc(-z / math.sqrt(2)) >= self.required_confidence

    def prediction(self) -> tuple[float, float]:
        """Mean and variance of what it expects its own log return to be."""
        mean, variance = self.belief_mean, 1 / self.belief_precision
        variance += self.model.p.firm_log_return_sd**2
        if self.signal is None:
            return mean, variance
        noise = self.model.signal_sd**2
        weight = variance / (variance + noise)
        return mean + weight * (self.signal - mean), (1 - weight) * variance

    def review(self) -> None:
        if self.adoption_quarter is not None:
            return
        p, random = self.model.p, self.random
        if random.random() < p.review_rate_per_quarter and (
            random.random() < p.act_anyway_probability or self.is_convinced(0.0, p.hassle_cost_share, 0.0)
        ):
            self.adopt(subsidy_rate=0.0)
            if self.offer_open:
                self.model.offices[self.region].withdraw(self)

    def decide_on_offer(self) -> bool:
        model, p = self.model, self.model.p
        self.offer_open = False
        safety = model.design.integrated_safety
        hassle = p.hassle_cost_share * (1 - safety * p.safety_hassle_reduction)
        accepts = self.is_convinced(model.design.subsidy_rate, hassle, safety * p.safety_log_benefit)
        if accepts:
            self.adopt(model.design.subsidy_rate)
        return accepts

    # --- adopting ---

    def adopt(self, subsidy_rate: float) -> None:
        model, subsidy = self.model, subsidy_rate * self.capital_need_mkrw
        self.adoption_quarter = model.quarter
        model.adopters += 1
        model.supported_adopters += self.supported_quarter is not None
        model.public_money_mkrw += subsidy
        model.private_investment_mkrw += self.capital_need_mkrw - subsidy
        model.new_adopters.append(self)

    def realise(self) -> None:
        model, p = self.model, self.model.p
        self.log_return = self.expected_log_return + model.luck[self.region]
        if self.signal is not None:
            self.log_return += model.skill_gain
        if p.complementarity_log_return:
            peers = list(self.cell.neighborhood.agents)
            adopting = sum(not peer.undecided for peer in peers)
            self.log_return += p.complementarity_log_return * adopting / max(1, len(peers))
        model.direct_mkrw += self.capital_need_mkrw * math.exp(self.log_return)
        model.indirect_mkrw += self.capital_need_mkrw * model.indirect_ratio[self.region]
        model.environmental_mkrw += self.capital_need_mkrw * model.environmental_ratio[self.region]

    # --- accidents ---

    def face_accident(self) -> None:
        draw = self.random.random()
        if draw >= self.accident_probability:
            return
        model = self.model
        if self.signal is not None and draw >= model.hazard_factor * self.accident_probability:
            model.accidents_avoided += 1
        else:
            model.accidents += 1


class Cohort:
    """Firms supported together; in a cohort of several they see each other's results."""

    def __init__(self, quarter: int) -> None:
        self.quarter = quarter
        self.members: list[PlainFirm] = []
        self.results: list[PlainFirm] = []


class Office:
    """The programme in one region: its purse, its waiting list and its advisers."""

    def __init__(self, model: PlainMesa, firms: list[PlainFirm], first: np.ndarray) -> None:
        self.model, self.design = model, model.design
        self.purse_mkrw = 0.0
        lots = {firm: (-int(first[firm.row]), model.random.random()) for firm in firms}
        self.waiting = deque(sorted(firms, key=lots.__getitem__))
        self.cohorts: list[Cohort] = []
        self.undiagnosed: deque[PlainFirm] = deque()

    def advice_cost(self, members: int) -> float:
        p = self.model.p
        if members > 1:
            pairs = members * (members - 1) / 2
            cost = p.cohort_fixed_cost_mkrw + p.cohort_cost_per_firm_mkrw * members
            cost += p.coordination_cost_per_pair_mkrw * pairs
        else:
            cost = p.individual_advice_cost_mkrw * members
        return cost * (1 + self.design.integrated_safety * p.safety_advice_cost_share)

    def reserve(self, firm: PlainFirm) -> float:
        return self.design.subsidy_rate * firm.capital_need_mkrw

    @property
    def last_year_quarter(self) -> int:
        return 4 * (self.design.first_year + self.design.programme_years - 2)

    def run(self) -> None:
        """Grant, intake, diagnosis and offers; what declined offers free is spent at the end."""
        now, design = self.model.quarter, self.design
        if now < 4 * (design.first_year - 1) or not design.budget_mkrw_per_year:
            return
        new_year, last_year = now % 4 == 0, now >= self.last_year_quarter
        if new_year and now <= self.last_year_quarter:
            self.purse_mkrw += design.budget_mkrw_per_year
        capacity = design.adviser_capacity_firms_per_quarter
        self.let_go()
        more = True
        while more:
            more = (new_year or last_year) and self.take_in(last_year)
            capacity = self.diagnose(capacity)
            more = more and last_year

    def take_in(self, last_year: bool) -> bool:
        before = sum(len(cohort.members) for cohort in self.cohorts)
        self.waiting = deque(firm for firm in self.waiting if firm.undecided)
        while members := self.affordable():
            short = len(members) < self.design.batch
            if short and not last_year and len(members) < len(self.waiting):
                break
            cohort = Cohort(self.model.quarter)
            self.cohorts.append(cohort)
            for _ in members:
                self.join(cohort)
        if last_year and self.design.batch > 1:
            while (smallest := self.cohort_to_widen()) is not None:
                self.join(smallest)
        return sum(len(cohort.members) for cohort in self.cohorts) > before

    def affordable(self) -> list[PlainFirm]:
        """The largest batch of the next firms that the purse pays for."""
        candidates = list(islice(self.waiting, self.design.batch))
        reserved = accumulate(self.reserve(firm) for firm in candidates)
        paid = [
            size
            for size, reserve in enumerate(reserved, start=1)
            if self.advice_cost(size) + reserve <= self.purse_mkrw + PENNY
        ]
        return candidates[: max(paid, default=0)]

    def join(self, cohort: Cohort) -> None:
        firm = self.waiting.popleft()
        size = len(cohort.members)
        advice = self.advice_cost(size + 1) - self.advice_cost(size)
        self.purse_mkrw -= advice + self.reserve(firm)
        self.model.public_money_mkrw += advice
        self.model.supported += 1
        cohort.members.append(firm)
        firm.supported_quarter, firm.offer_open = self.model.quarter, True
        firm.cohort = cohort if self.design.learning_group > 1 else None
        self.undiagnosed.append(firm)

    def cohort_to_widen(self) -> Cohort | None:
        if not self.waiting:
            return None
        money = self.purse_mkrw - self.reserve(self.waiting[0]) + PENNY
        open_cohorts = [
            cohort
            for cohort in self.cohorts
            if cohort.quarter >= self.last_year_quarter
            and len(cohort.members) + 1 < self.design.batch + WIDENING_ROOM
            and self.marginal_cost(cohort) <= money
        ]
        return min(open_cohorts, key=lambda cohort: len(cohort.members), default=None)

    def marginal_cost(self, cohort: Cohort) -> float:
        size = len(cohort.members)
        return self.advice_cost(size + 1) - self.advice_cost(size)

    def withdraw(self, firm: PlainFirm) -> None:
        """A firm that did not wait for its diagnosis leaves its subsidy to others."""
        firm.offer_open = False
        self.undiagnosed.remove(firm)
        self.purse_mkrw += self.reserve(firm)

    def let_go(self) -> None:
        """Some firms are tired of waiting."""
        for firm in list(self.undiagnosed):
            if self.model.random.random() < self.model.p.queue_dropout_per_quarter:
                self.withdraw(firm)

    def diagnose(self, capacity: float) -> float:
        """Diagnose in order of support, then let all decide; the capacity that is left."""
        diagnosed = []
        while self.undiagnosed and capacity >= 1:
            firm = self.undiagnosed.popleft()
            expected = firm.expected_log_return + self.model.skill_gain
            firm.signal = self.model.random.gauss(expected, self.model.signal_sd)
            diagnosed.append(firm)
            capacity -= 1
        for firm in diagnosed:
            if not firm.decide_on_offer():
                self.purse_mkrw += self.reserve(firm)
        self.model.realise_new_adopters()
        return capacity


class PlainMesa(mesa.Model):
    """The diffusion model with Mesa objects; the same inputs as ``engine.mesa_model``."""

    firm_type = PlainFirm

    def __init__(
        self, *, world: World, parameters: Parameters, design: Design, seed: int,
        regional_mean: np.ndarray,
    ) -> None:  # fmt: skip
        super().__init__(rng=seed)
        self.world, self.design = world, design
        self.p = SimpleNamespace(**parameters)  # plain attributes are quick to read
        self.regional_mean = [float(mean) for mean in regional_mean]
        self.visibility = {layer: parameters[f"{layer}_visibility"] for layer in LAYERS}
        self.noise_sd = {layer: parameters[f"{layer}_noise_sd"] for layer in LAYERS}
        self.signal_sd = parameters.diagnosis_noise_sd / math.sqrt(design.adviser_skill)
        self.skill_gain = parameters.skill_log_return_gain * (design.adviser_skill - 1)
        self.hazard_factor = 1 - design.integrated_safety * parameters.safety_hazard_reduction
        self.quarter = 0
        for name in REPORTED:
            setattr(self, name, 0)
        self.new_adopters: list[PlainFirm] = []
        self.adopters_of: dict[int, list[PlainFirm]] = defaultdict(list)
        self.network = network_of(world, self)
        firms = [self.firm_type(self, self.network[row], row) for row in range(world.size)]
        first = priority(design.targeting, world)
        self.offices = [
            Office(self, [firm for firm in firms if firm.region == region], first)
            for region in range(len(world.regions))
        ]
        self.datacollector = mesa.DataCollector(model_reporters=self.reporters())
        self.datacollector.collect(self)

    def reporters(self) -> dict[str, Any]:
        return {name: name for name in REPORTED}

    def step(self) -> None:
        if self.quarter % 4 == 0:
            self.begin_year()
        self.reveal()
        for office in self.offices:
            office.run()
        self.let_firms_act()
        self.quarter += 1
        self.datacollector.collect(self)

    def begin_year(self) -> None:
        p = self.p
        self.luck = [self.random.gauss(0.0, p.region_year_log_return_sd) for _ in self.offices]
        self.indirect_ratio = self.side_ratios(
            p.indirect_zero_share, p.indirect_log_ratio, p.indirect_log_ratio_sd
        )
        self.environmental_ratio = self.side_ratios(
            p.environmental_zero_share, p.environmental_log_ratio, p.environmental_log_ratio_sd
        )

    def side_ratios(self, zero_share: float, log_ratio: float, log_ratio_sd: float) -> list[float]:
        def ratio() -> float:
            none = self.random.random() < zero_share
            return 0.0 if none else self.random.lognormvariate(log_ratio, log_ratio_sd)

        return [ratio() for _ in self.offices]

    def let_firms_act(self) -> None:
        self.agents.do("review")
        self.realise_new_adopters()
        self.agents.do("face_accident")

    def reveal(self) -> None:
        due = self.quarter - int(self.p.reveal_lag_quarters)
        if self.design.publishes and self.quarter % 4 == 0:
            self.publish(due)
        self.show_results(due)
        if self.design.learning_group > 1:
            self.exchange_in_cohorts(due)

    def show_results(self, due: int) -> None:
        for firm in self.adopters_of.get(due, []):
            firm.show_neighbours()

    def publish(self, due: int) -> None:
        for region in range(len(self.offices)):
            results = [
                firm.log_return
                for quarter in range(due - 3, due + 1)
                for firm in self.adopters_of.get(quarter, [])
                if firm.supported_quarter is not None and firm.region == region
            ]
            if results:
                variance = self.p.firm_log_return_sd**2 / len(results)
                variance += self.p.published_noise_sd**2
                self.spread(region, sum(results) / len(results), variance)

    def spread(self, region: int, average: float, variance: float) -> None:
        for firm in self.agents:
            if firm.region == region and firm.cohort is None and firm.undecided:
                firm.learn(average, self.p.published_visibility / variance)

    def exchange_in_cohorts(self, due: int) -> None:
        for cohort in self.cohorts():
            cohort.results += [firm for firm in cohort.members if firm.adoption_quarter == due]
        for cohort in self.cohorts():
            for firm in cohort.members:
                if firm.undecided:
                    firm.learn_in_cohort(cohort)

    def cohorts(self) -> Iterator[Cohort]:
        return (cohort for office in self.offices for cohort in office.cohorts)

    def realise_new_adopters(self) -> None:
        for firm in self.new_adopters:
            firm.realise()
            self.adopters_of[self.quarter].append(firm)
        self.new_adopters = []


def network_of(world: World, model: mesa.Model) -> Network:
    """A Mesa network of the world's ties, without the layout that newer versions would draw."""
    graph = nx.DiGraph()
    graph.add_nodes_from(range(world.size))
    ties = world.ties
    for source in range(world.size):
        for tie in range(ties.start[source], ties.start[source + 1]):
            layer, weight = LAYERS[ties.layer[tie]], float(ties.weight[tie])
            graph.add_edge(source, int(ties.target[tie]), layer=layer, weight=weight)
    layout = {"layout": None} if "layout" in inspect.signature(Network).parameters else {}
    return Network(graph, random=model.random, **layout)
