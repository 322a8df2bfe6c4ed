"""Rows of terms: what all instruments contribute to each firm, summed up once before a run."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cpdiffusion.behaviour import decision
from cpdiffusion.compiled import compiled
from cpdiffusion.instruments.schedule import Profile
from cpdiffusion.parameters import Parameters
from cpdiffusion.terms import LEFT, Term
from cpdiffusion.world.firms import Flags, Floats, Ints

Rows = NDArray[np.int64]

SUMMED = tuple(term for term in Term if term != Term.LOG_COST)
OF_COST = (Term.SUBSIDY, Term.CAPITAL, Term.HASSLE)
AT_ONCE = 2048  # firms: few enough that their figures stay at hand while all contributions are added


class Contribution(NamedTuple):
    """What an instrument adds to terms of the firms, or takes from them: strength times a share."""

    terms: tuple[Term, ...]
    strength: Floats  # (N,)
    group: Ints  # (N,) whose share the firm gets
    profiles: tuple[Profile, ...]  # the shares of each group


class Line(NamedTuple):
    """One row to be: a term, and the share at which each group of each contribution enters it."""

    term: Term
    shares: list[float]  # (G,) groups of all contributions, one after the other


def rows_of(parts: Sequence[Contribution], size: int, p: Parameters, years: int) -> tuple[Floats, Rows]:
    """Each term of each firm whenever it is another one (U, N), and which row holds in a year (Y, terms)."""
    lines, row = lines_of(parts, years)
    cases = [tuple(case) for case in row[:, OF_COST].tolist()]
    row[:, Term.LOG_COST] = places(cases, len(lines))
    costs = np.array(list(dict.fromkeys(cases)), np.int64)
    rows = np.empty((len(lines) + len(costs), size))
    sum_up(rows, lines, parts)
    log_costs(rows, len(lines), costs, p.hassle_cost_share, p.first_cost_weight)
    return rows, row


def lines_of(parts: Sequence[Contribution], years: int) -> tuple[list[Line], Rows]:
    """The sums or products that occur, and which of them holds for a term in a year."""
    lines: list[Line] = []
    row = np.empty((years, len(Term)), np.int64)
    groups = [(part.terms, profile) for part in parts for profile in part.profiles]
    for term in SUMMED:
        mine = [group for group, (terms, _) in enumerate(groups) if term in terms]
        shares = list(zip(*(groups[group][1] for group in mine), strict=True)) or [()] * years
        row[:, term] = places(shares, len(lines))
        lines += [Line(term, spread(each, mine, len(groups))) for each in dict.fromkeys(shares)]
    return lines, row


def spread(values: Sequence[float], positions: Sequence[int], length: int) -> list[float]:
    """A list of so many zeros, with the values in their positions."""
    full = [0.0] * length
    for position, value in zip(positions, values, strict=True):
        full[position] = value
    return full


def places(keys: Sequence[Hashable], first: int) -> list[int]:
    """Which of the different keys each one is, in the order in which they come, counted from ``first``."""
    found: dict[Hashable, int] = {}
    return [first + found.setdefault(key, len(found)) for key in keys]


def sum_up(rows: Floats, lines: Sequence[Line], parts: Sequence[Contribution]) -> None:
    """Fill the first rows with the sums, or products, of the lines."""
    begin = np.cumsum([0, *(len(part.profiles) for part in parts)])
    is_left = np.array([line.term in LEFT for line in lines])
    shares = np.array([line.shares for line in lines])
    group = np.array([part.group for part in parts], np.int32).reshape(-1, rows.shape[1])
    strength = np.array([part.strength for part in parts]).reshape(-1, rows.shape[1])
    add_up(rows, is_left, shares, begin, group, strength)


@compiled
def add_up(
    rows: Floats, is_left: Flags, shares: Floats, begin: Rows, group: Ints, strength: Floats
) -> None:  # fmt: skip
    """Each row from shares (U, groups) of strengths (P, N), for a stretch of firms at a time."""
    for first in range(0, rows.shape[1], AT_ONCE):
        here = slice(first, first + AT_ONCE)
        for line in range(is_left.size):
            rows[line, here] = 1.0 if is_left[line] else 0.0
            for part in range(strength.shape[0]):
                share = shares[line, begin[part] : begin[part + 1]]
                if share.max() > 0.0:
                    add(rows[line, here], is_left[line], share, group[part, here], strength[part, here])


@compiled
def add(row: Floats, is_left: bool, share: Floats, group: Ints, strength: Floats) -> None:
    """Add a contribution at the share of each firm's group; of what is left, take it away."""
    alike = share.min() == share.max()
    for firm in range(row.size):
        part = (share[0] if alike else share[group[firm]]) * strength[firm]
        row[firm] = row[firm] * (1.0 - part) if is_left else row[firm] + part


@compiled
def members(strength: Floats, group: Ints, number: int) -> Rows:
    """How many firms of each of a number of groups feel an effect."""
    counted = np.zeros(number, np.int64)
    for firm in range(strength.size):
        counted[group[firm]] += strength[firm] != 0.0
    return counted


@compiled
def log_costs(rows: Floats, first: int, cases: Rows, hassle_cost_share: float, weight: float) -> None:
    """Log cost of each firm without an offer, from the rows of its subsidy, capital and hassle."""
    for case in range(cases.shape[0]):
        subsidy, capital, hassle = rows[cases[case, 0]], rows[cases[case, 1]], rows[cases[case, 2]]
        cost = rows[first + case]
        for firm in range(cost.size):
            mine = hassle_cost_share * hassle[firm]
            cost[firm] = decision.offer(subsidy[firm], capital[firm], mine, weight, 0.0).log_cost
