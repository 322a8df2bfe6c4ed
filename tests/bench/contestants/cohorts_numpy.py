"""The model of this project with programmes, as arrays over firms: numpy and scipy, no compiler.

Each phase of a quarter is a handful of array operations. Results travel from new adopters only,
along their own rows of ties; what a cohort exchanges is read in rounds, in each of which every
member hears one result. The programme of each region is in ``cohorts_office``. Inputs and what is
reported are those of ``plain_mesa``; chance is one numpy generator.
"""

from __future__ import annotations

import math
from collections import defaultdict
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from bench.contestants.cohorts_office import Office
from bench.contestants.sparse_rows import entries_of
from cpdiffusion.parameters import Parameters
from cpdiffusion.policy.design import Design
from cpdiffusion.policy.programme import WIDENING_ROOM, programme_of
from cpdiffusion.policy.targeting import priority
from cpdiffusion.world.ties import LAYERS
from cpdiffusion.world.world import World

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]  # firms, by their row in the world
REPORTED = (
    "adopters", "supported", "supported_adopters", "public_money_mkrw", "private_investment_mkrw",
    "direct_mkrw", "indirect_mkrw", "environmental_mkrw", "accidents", "accidents_avoided",
)  # fmt: skip
NEVER = -1  # instead of a quarter
NONE = -1  # instead of a cohort
NO_KEY = np.iinfo(np.int64).max  # so that a search ends on some key
NOBODY = np.empty(0, np.int64)


class NumpyCohorts:
    """One run; ``step`` is a quarter. Arrays are over firms, shape (N,), unless told otherwise."""

    def __init__(
        self, *, world: World, parameters: Parameters, design: Design, seed: int,
        regional_mean: np.ndarray,
    ) -> None:  # fmt: skip
        self.p = SimpleNamespace(**parameters)  # plain attributes are quick to read
        self.programme = programme_of(design, parameters)
        self.random = np.random.default_rng(seed)
        self.quarter = 0
        self.totals: dict[str, float] = dict.fromkeys(REPORTED, 0)
        self.history: list[dict[str, float]] = []  # of each quarter's end
        self.set_firms(world, regional_mean)
        self.set_histories(world.size)
        self.set_ties(world, parameters)
        self.set_cohorts(world.size)
        self.new_adopters: list[Rows] = []
        self.adopters_of: dict[int, Rows] = defaultdict(lambda: NOBODY)
        self.offices = self.open_offices(world, priority(design.targeting, world))

    # --- what is known at the start ---

    def set_firms(self, world: World, regional_mean: np.ndarray) -> None:
        """What firms are."""
        p, firms = self.p, world.firms
        self.region, self.capital_need = firms.region, firms.capital_need_mkrw
        self.liquidity, self.required_confidence = firms.liquidity_mkrw, firms.required_confidence
        self.waits_for_example = firms.waits_for_example
        self.log_hurdle = np.log(p.benefit_horizon_years / firms.accepted_payback_years)
        elasticity = p.investment_elasticity * np.log(self.capital_need / p.capital_need_mean_mkrw)
        self.expected_log_return = regional_mean[self.region] + firms.potential_log_return - elasticity
        per_worker = p.accident_rate_per_worker_year * p.hazard_class_ratio ** (firms.hazard_class - 1.0)
        self.accident_probability = -np.expm1(-per_worker * firms.employees / 4)

    def set_histories(self, size: int) -> None:
        """What firms believe, and that nothing has happened to them."""
        self.precision = np.full(size, self.p.prior_log_return_sd**-2)
        self.precision_times_mean = self.precision * self.p.prior_mean_log_return
        self.examples_seen = np.zeros(size, np.int64)
        self.supported_quarter = np.full(size, NEVER)
        self.offer_open, self.diagnosed = np.zeros(size, bool), np.zeros(size, bool)
        self.signal = np.zeros(size)
        self.adoption_quarter = np.full(size, NEVER)
        self.log_return = np.full(size, math.nan)

    def set_ties(self, world: World, p: Parameters) -> None:
        """The precision that a result has along each tie, shape (M,), and keys to find ties by."""
        ties, sector = world.ties, world.firms.sector
        source = np.repeat(np.arange(world.size), np.diff(ties.start))
        visibility = np.array([p[f"{layer}_visibility"] for layer in LAYERS])[ties.layer] * ties.weight
        noise_sd = np.array([p[f"{layer}_noise_sd"] for layer in LAYERS])[ties.layer]
        gain = visibility * self.similarity(sector[source], sector[ties.target])
        self.tie_precision = gain / (p.firm_log_return_sd**2 + noise_sd**2)
        self.start, self.target, self.sector = ties.start, ties.target, sector
        key = source * world.size + ties.target  # rising, as rows are sorted by target
        self.tie_key = np.append(key, NO_KEY)

    def similarity(self, one: NDArray[np.int32], other: NDArray[np.int32]) -> Floats:
        """How much firms of two sectors learn from each other."""
        return np.where(one == other, 1.0, self.p.cross_sector_similarity)

    def set_cohorts(self, size: int) -> None:
        """Nobody is in a cohort yet; a cohort's results stand in a row in the order they came."""
        self.cohort, self.results_read = np.full(size, NONE), np.zeros(size, np.int64)
        self.place = np.zeros(size, np.int64)  # in the order of support
        self.in_cohorts = NOBODY
        self.cohorts = 0
        self.results = np.zeros((1, self.programme.batch + WIDENING_ROOM), np.int64)  # (room, most)
        self.results_known = np.zeros(1, np.int64)  # (room,)

    def open_offices(self, world: World, first: NDArray[np.int32]) -> list[Office]:
        """One per region; its firms by priority, and among equals by lot."""
        order = np.lexsort((self.random.random(world.size), -first.astype(np.int64)))
        return [Office(self, r, order[self.region[order] == r]) for r in range(len(world.regions))]

    # --- a quarter ---

    def step(self) -> None:
        """All phases in their order."""
        if self.quarter % 4 == 0:
            self.begin_year()
        self.reveal(self.quarter - int(self.p.reveal_lag_quarters))
        for office in self.offices:
            office.run()
        self.review()
        self.face_accidents()
        self.quarter += 1
        self.history.append(dict(self.totals))

    def __getattr__(self, name: str) -> Any:
        """Totals so far, by name."""
        if name in REPORTED:
            return self.totals[name]
        raise AttributeError(name)

    # --- learning ---

    @property
    def belief_mean(self) -> Floats:
        """Mean of each firm's belief."""
        return self.precision_times_mean / self.precision

    def is_undecided(self, rows: Rows | NDArray[np.int32]) -> NDArray[np.bool_]:
        """Whether these firms have not adopted."""
        return self.adoption_quarter[rows] == NEVER

    def learn(self, rows: Rows, log_return: Floats | float, precision: Floats | float) -> None:
        """Each firm is here at most once."""
        self.precision[rows] += precision
        self.precision_times_mean[rows] += precision * log_return

    def reveal(self, due: int) -> None:
        """Results of firms that adopted in quarter ``due``."""
        if self.programme.publishes and self.quarter % 4 == 0:
            self.publish(due)
        self.show_neighbours(self.adopters_of[due])
        if self.programme.learning_group > 1:
            self.file_results(self.adopters_of[due])
            self.exchange_in_cohorts()

    def publish(self, due: int) -> None:
        """A year's average result of supported firms, to the firms outside cohorts in the region."""
        year = np.concatenate([self.adopters_of[quarter] for quarter in range(due - 3, due + 1)])
        year = year[self.supported_quarter[year] != NEVER]
        outside = np.flatnonzero((self.cohort == NONE) & (self.adoption_quarter == NEVER))
        for region in np.unique(self.region[year]):
            results = self.log_return[year[self.region[year] == region]]
            variance = self.p.firm_log_return_sd**2 / results.size + self.p.published_noise_sd**2
            learners = outside[self.region[outside] == region]
            self.learn(learners, results.mean(), self.p.published_visibility / variance)

    def show_neighbours(self, adopters: Rows) -> None:
        """To undecided firms that they are tied to, but for those in the same cohort."""
        tie = entries_of(self.start, adopters)
        source = np.repeat(adopters, self.start[adopters + 1] - self.start[adopters])
        target = self.target[tie]
        together = (self.cohort[source] != NONE) & (self.cohort[source] == self.cohort[target])
        kept = self.is_undecided(target) & ~together
        source, target, precision = source[kept], target[kept], self.tie_precision[tie[kept]]
        np.add.at(self.precision, target, precision)
        np.add.at(self.precision_times_mean, target, precision * self.log_return[source])
        np.add.at(self.examples_seen, target, precision > 0)

    def file_results(self, adopters: Rows) -> None:
        """New results at the end of their cohorts' rows, in the order in which firms joined."""
        members = adopters[self.cohort[adopters] != NONE]
        for firm in members[np.argsort(self.place[members])]:
            cohort = self.cohort[firm]
            self.results[cohort, self.results_known[cohort]] = firm
            self.results_known[cohort] += 1

    def exchange_in_cohorts(self) -> None:
        """So many new results for each undecided member; what it had heard before is passed over."""
        self.in_cohorts = readers = self.in_cohorts[self.is_undecided(self.in_cohorts)]
        left = np.full(readers.size, int(self.p.cohort_exchanges_per_quarter))
        while True:
            more = (left > 0) & (self.results_read[readers] < self.results_known[self.cohort[readers]])
            readers, left = readers[more], left[more]
            if not readers.size:
                return
            peers = self.results[self.cohort[readers], self.results_read[readers]]
            self.results_read[readers] += 1
            new = ~self.had_heard_of(readers, peers)
            self.learn_in_cohort(readers[new], peers[new])
            left -= new

    def had_heard_of(self, readers: Rows, peers: Rows) -> NDArray[np.bool_]:
        """Whether each knew the result as a neighbour before it joined the cohort."""
        due = self.adoption_quarter[peers] + int(self.p.reveal_lag_quarters)
        key = peers * self.region.size + readers
        tied = self.tie_key[np.searchsorted(self.tie_key, key)] == key
        return (due <= self.supported_quarter[readers]) & tied

    def learn_in_cohort(self, readers: Rows, peers: Rows) -> None:
        """One result for each reader."""
        p = self.p
        visibility = p.cohort_visibility * self.similarity(self.sector[readers], self.sector[peers])
        precision = visibility / (p.firm_log_return_sd**2 + p.cohort_noise_sd**2)
        self.learn(readers, self.log_return[peers], precision)
        self.examples_seen[readers] += precision > 0

    def found_cohort(self) -> int:
        """Number of a new cohort."""
        self.cohorts += 1
        return self.cohorts - 1

    def put_in_cohort(self, cohort: int, rows: Rows) -> None:
        """Firms that join it now; room for results is doubled when it runs out."""
        self.cohort[rows] = cohort
        self.in_cohorts = np.concatenate([self.in_cohorts, rows])
        if cohort >= len(self.results):
            self.results = np.concatenate([self.results, np.zeros_like(self.results)])
            self.results_known = np.concatenate([self.results_known, np.zeros_like(self.results_known)])

    # --- deciding ---

    def review(self) -> None:
        """Firms that review their investments in this quarter, and adopt without an offer."""
        undecided = np.flatnonzero(self.adoption_quarter == NEVER)
        due = self.random.random(undecided.size) < self.p.review_rate_per_quarter
        rows = undecided[due]
        anyway = self.random.random(rows.size) < self.p.act_anyway_probability
        adopting = rows[anyway | self.convinced(rows, 0.0, self.p.hassle_cost_share, 0.0)]
        self.adopt(adopting, 0.0)
        for office in self.offices:
            office.withdraw(adopting[self.offer_open[adopting] & (self.region[adopting] == office.region)])
        self.realise_new_adopters()

    def convinced(self, rows: Rows, subsidy: float, hassle: float, log_benefit: float) -> NDArray[np.bool_]:
        """Whether each would adopt."""
        cost_share = 1 - subsidy + hassle
        log_cost = self.p.first_cost_weight * math.log(cost_share) if cost_share else -math.inf
        mean, variance = self.prediction(rows)
        z = (mean + log_benefit - log_cost - self.log_hurdle[rows]) / np.sqrt(variance)
        informed = (self.examples_seen[rows] > 0) | (self.supported_quarter[rows] != NEVER)
        return (
            (informed | ~self.waits_for_example[rows])
            & ((1 - subsidy) * self.capital_need[rows] <= self.liquidity[rows])
            & (ndtr(z) >= self.required_confidence[rows])
        )

    def prediction(self, rows: Rows) -> tuple[Floats, Floats]:
        """Mean and variance of what each expects its own log return to be."""
        precision = self.precision[rows]
        mean, variance = self.precision_times_mean[rows] / precision, 1 / precision
        variance += self.p.firm_log_return_sd**2
        weight = self.diagnosed[rows] * variance / (variance + self.programme.signal_variance)
        return mean + weight * (self.signal[rows] - mean), (1 - weight) * variance

    # --- adopting ---

    def adopt(self, rows: Rows, subsidy_rate: float) -> None:
        """Capital is spent."""
        capital, totals = self.capital_need[rows].sum(), self.totals
        self.adoption_quarter[rows] = self.quarter
        totals["adopters"] += rows.size
        totals["supported_adopters"] += np.count_nonzero(self.supported_quarter[rows] != NEVER)
        totals["public_money_mkrw"] += subsidy_rate * capital
        totals["private_investment_mkrw"] += (1 - subsidy_rate) * capital
        self.new_adopters.append(rows)

    def realise_new_adopters(self) -> None:
        """Returns and benefits of firms that have just adopted."""
        rows = np.concatenate([NOBODY, *self.new_adopters])
        self.new_adopters = []
        self.adopters_of[self.quarter] = np.concatenate([self.adopters_of[self.quarter], rows])
        self.log_return[rows] = self.realised_log_return(rows)
        capital, totals = self.capital_need[rows], self.totals
        totals["direct_mkrw"] += capital @ np.exp(self.log_return[rows])
        totals["indirect_mkrw"] += capital @ self.indirect_ratio[self.region[rows]]
        totals["environmental_mkrw"] += capital @ self.environmental_ratio[self.region[rows]]

    def begin_year(self) -> None:
        """What the firms of each region will share in this year."""
        p = self.p
        self.luck = self.random.normal(0, p.region_year_log_return_sd, len(self.offices))
        self.indirect_ratio = self.side_ratios(
            p.indirect_zero_share, p.indirect_log_ratio, p.indirect_log_ratio_sd
        )
        self.environmental_ratio = self.side_ratios(
            p.environmental_zero_share, p.environmental_log_ratio, p.environmental_log_ratio_sd
        )

    def side_ratios(self, zero_share: float, log_ratio: float, log_ratio_sd: float) -> Floats:
        """Further benefits per capital in each region, of which some have none."""
        size = len(self.offices)
        some = self.random.random(size) >= zero_share
        return some * self.random.lognormal(log_ratio, log_ratio_sd, size)

    def realised_log_return(self, rows: Rows) -> Floats:
        """With the luck of region and year, the adviser's skill and adopting neighbours."""
        log_return = self.expected_log_return[rows] + self.luck[self.region[rows]]
        log_return += self.diagnosed[rows] * self.programme.skill_gain
        if self.p.complementarity_log_return:
            ties = self.start[rows + 1] - self.start[rows]
            adopted = self.adoption_quarter[self.target[entries_of(self.start, rows)]] != NEVER
            adopting = np.bincount(np.repeat(np.arange(rows.size), ties), adopted, rows.size)
            log_return += self.p.complementarity_log_return * adopting / np.maximum(ties, 1)
        return log_return

    # --- accidents ---

    def face_accidents(self) -> None:
        """At most one per firm; some would have happened without the safety support."""
        draw = self.random.random(self.region.size)
        hit = np.flatnonzero(draw < self.accident_probability)
        lower = self.programme.hazard_factor * self.accident_probability[hit]
        avoided = np.count_nonzero(self.diagnosed[hit] & (draw[hit] >= lower))
        self.totals["accidents_avoided"] += avoided
        self.totals["accidents"] += hit.size - avoided
