"""The programme in one region: purse, waiting list and advisers, batch after batch.

Batches are few and each changes what the next may cost, so this is a loop over batches; within a
batch it is arrays over firms.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cpdiffusion.policy.programme import WIDENING_ROOM

if TYPE_CHECKING:
    from bench.contestants.cohorts_numpy import NumpyCohorts

Rows = NDArray[np.int64]
PENNY = 1e-9  # million KRW


class Office:
    """What one region's programme has and has promised."""

    def __init__(self, model: NumpyCohorts, region: int, waiting: Rows) -> None:
        self.model, self.programme, self.region = model, model.programme, region
        self.purse_mkrw = 0.0
        self.waiting = waiting  # first come first
        self.undiagnosed = waiting[:0]
        self.last_sizes: dict[int, int] = {}  # members of the cohorts of the last year, by number

    def run(self) -> None:
        """Grant, intake, diagnosis and offers; what declined offers free is spent at the end."""
        now, programme = self.model.quarter, self.programme
        if now < programme.first_quarter or not programme.budget_mkrw_per_year:
            return
        new_year, last_year = now % 4 == 0, now >= programme.last_year_quarter
        if new_year and now <= programme.last_year_quarter:
            self.purse_mkrw += programme.budget_mkrw_per_year
        capacity, more = programme.capacity_per_quarter, True
        while more:
            more = (new_year or last_year) and self.take_in(last_year)
            capacity = self.diagnose(capacity)
            more = more and last_year

    # --- intake ---

    def take_in(self, last_year: bool) -> bool:
        """As many batches as the purse pays for; whether anybody was taken in."""
        self.waiting = before = self.waiting[self.model.is_undecided(self.waiting)]
        while size := self.affordable():
            short = size < self.programme.batch
            if short and not last_year and size < self.waiting.size:
                break
            self.support(size, self.model.found_cohort(), 0)
        if last_year and self.programme.batch > 1:
            self.widen()
        return self.waiting.size < before.size

    def reserve(self, rows: Rows) -> NDArray[np.float64]:
        """Subsidy that each firm would get (million KRW)."""
        return self.programme.subsidy_rate * self.model.capital_need[rows]

    def affordable(self) -> int:
        """The largest batch of the next firms that the purse pays for."""
        reserved = np.cumsum(self.reserve(self.waiting[: self.programme.batch]))
        cost = self.programme.advice_cost_mkrw[1 : reserved.size + 1] + reserved
        paid = np.flatnonzero(cost <= self.purse_mkrw + PENNY)
        return int(paid[-1]) + 1 if paid.size else 0

    def support(self, size: int, cohort: int, members: int) -> None:
        """The next firms join a cohort that has so many members."""
        model, costs = self.model, self.programme.advice_cost_mkrw
        rows, self.waiting = self.waiting[:size], self.waiting[size:]
        advice = costs[members + size] - costs[members]
        self.purse_mkrw -= advice + self.reserve(rows).sum()
        model.place[rows] = model.totals["supported"] + np.arange(size)
        model.totals["public_money_mkrw"] += advice
        model.totals["supported"] += size
        model.supported_quarter[rows] = model.quarter
        model.offer_open[rows] = True
        if self.programme.learning_group > 1:
            model.put_in_cohort(cohort, rows)
        self.undiagnosed = np.concatenate([self.undiagnosed, rows])
        if model.quarter >= self.programme.last_year_quarter:
            self.last_sizes[cohort] = members + size

    def widen(self) -> None:
        """In the last year the smallest cohorts grow by single firms while there is money."""
        while self.waiting.size and (smallest := self.cohort_to_widen()) is not None:
            self.support(1, smallest, self.last_sizes[smallest])

    def cohort_to_widen(self) -> int | None:
        """The first of the smallest that may grow and whose next member can be paid."""
        money = self.purse_mkrw - self.reserve(self.waiting[:1])[0] + PENNY
        marginal, most = np.diff(self.programme.advice_cost_mkrw), self.programme.batch + WIDENING_ROOM
        growing = [
            cohort for cohort, size in self.last_sizes.items() if size + 1 < most and marginal[size] <= money
        ]
        return min(growing, key=self.last_sizes.__getitem__, default=None)

    # --- diagnosis and offers ---

    def diagnose(self, capacity: float) -> float:
        """Diagnose in order of support, then let all decide; the capacity that is left."""
        size = self.undiagnosed.size if math.isinf(capacity) else min(self.undiagnosed.size, int(capacity))
        rows, self.undiagnosed = self.undiagnosed[:size], self.undiagnosed[size:]
        if size:
            self.signal_to(rows)
            self.offer_to(rows)
        return capacity - size

    def signal_to(self, rows: Rows) -> None:
        """Each learns, with noise, what it may expect."""
        model, programme = self.model, self.programme
        expected = model.expected_log_return[rows] + programme.skill_gain
        model.signal[rows] = model.random.normal(expected, math.sqrt(programme.signal_variance))
        model.diagnosed[rows] = True

    def offer_to(self, rows: Rows) -> None:
        """Who declines leaves its subsidy to others."""
        model, programme = self.model, self.programme
        hassle = model.p.hassle_cost_share * programme.hassle_factor
        accepts = model.convinced(rows, programme.subsidy_rate, hassle, programme.log_benefit)
        model.offer_open[rows] = False
        model.adopt(rows[accepts], programme.subsidy_rate)
        self.purse_mkrw += self.reserve(rows[~accepts]).sum()
        model.realise_new_adopters()

    def withdraw(self, rows: Rows) -> None:
        """Firms that did not wait for their diagnosis leave their subsidy to others."""
        if rows.size:
            self.model.offer_open[rows] = False
            self.undiagnosed = self.undiagnosed[self.model.is_undecided(self.undiagnosed)]
            self.purse_mkrw += self.reserve(rows).sum()
