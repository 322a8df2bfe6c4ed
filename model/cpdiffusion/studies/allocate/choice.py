"""Choosing one option for each region under a common budget, exactly.

A region's options are kinds of support at budgets on a grid: weights in whole grid units. One option is taken
per region, weights add up to at most the budget (a multiple-choice knapsack; Kellerer, Pferschy & Pisinger
2004, ch. 11). The largest sum of values is found by dynamic programming over units, the smallest maximal
regret by a mixed-integer programme.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cpdiffusion.errors import InputError

Floats = NDArray[np.float64]
Weights = Sequence[int]
Choice = tuple[int, ...]  # number of the option of each region


def best_value(values: Sequence[Floats], weights: Sequence[Weights], capacity: int) -> Floats:
    """Largest total of each of D cases, shape (D,).

    ``values``: for each region (D, options); ``weights``: of each region's options.
    """
    return _tables(values, weights, capacity)[-1][:, capacity]


def best_choice(values: Sequence[Floats], weights: Sequence[Weights], capacity: int) -> Choice:
    """The options with the largest total; values (options,) of each region. Of equals the first option."""
    rows = [value[None, :] for value in values]
    tables = _tables(rows, weights, capacity)
    chosen, left = [], capacity
    for r in range(len(values) - 1, -1, -1):
        before = tables[r][0]
        totals = [
            before[left - w] + v if w <= left else -np.inf for v, w in zip(values[r], weights[r], strict=True)
        ]
        option = int(np.argmax(totals))
        chosen.append(option)
        left -= weights[r][option]
    return tuple(reversed(chosen))


def _tables(values: Sequence[Floats], weights: Sequence[Weights], capacity: int) -> list[Floats]:
    """After 0, 1 ... regions: the largest total with at most so many units, (D, capacity + 1)."""
    cases = len(values[0])
    tables = [np.zeros((cases, capacity + 1))]
    for value, weight in zip(values, weights, strict=True):
        best = np.full((cases, capacity + 1), -np.inf)
        for option, w in enumerate(weight):
            if w <= capacity:
                room = slice(w, capacity + 1)
                best[:, room] = np.maximum(
                    best[:, room], tables[-1][:, : capacity + 1 - w] + value[:, [option]]
                )
        tables.append(best)
    return tables


def regret(values: Sequence[Floats], weights: Sequence[Weights], capacity: int, choice: Choice) -> Floats:
    """What a choice loses in each case to the best choice for that case, shape (D,)."""
    got = sum(value[:, option] for value, option in zip(values, choice, strict=True))
    return best_value(values, weights, capacity) - got


def least_regret(values: Sequence[Floats], weights: Sequence[Weights], capacity: int) -> Choice:
    """The options whose largest regret over the cases is smallest; values (D, options) of each region.

    min t  with  t >= best of case d - total of the choice in case d,  for every d.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    cases, sizes = len(values[0]), [value.shape[1] for value in values]
    count = sum(sizes)
    one_each = np.zeros((len(values), count + 1))
    for r, (begin, size) in enumerate(zip(np.cumsum([0, *sizes]), sizes, strict=False)):
        one_each[r, begin : begin + size] = 1.0
    budget = np.array([[*(w for weight in weights for w in weight), 0.0]])
    covers = np.hstack([np.hstack(list(values)), np.ones((cases, 1))])
    found = milp(
        c=[*([0.0] * count), 1.0],
        integrality=[*([1] * count), 0],
        bounds=Bounds(0.0, [*([1.0] * count), np.inf]),
        constraints=[
            LinearConstraint(one_each, 1.0, 1.0),
            LinearConstraint(budget, -np.inf, capacity),
            LinearConstraint(covers, best_value(values, weights, capacity), np.inf),
        ],
        options={"mip_rel_gap": GAP},
    )
    if found.x is None:
        raise InputError("allocate: no split meets every condition; lower allocate.least_mkrw_per_year.")
    taken = np.split(found.x[:count], np.cumsum(sizes)[:-1])
    return tuple(int(np.argmax(part)) for part in taken)


GAP = 1e-3  # of the largest regret: closer is within what the draws tell, and takes far longer
