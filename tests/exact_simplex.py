"""Data envelopment analysis in exact fractions: a second route to the scores, with no tolerance at all.

The multiplier form, the dual of what the package solves, by a two-phase simplex with Bland's rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

Row = list[Fraction]
Numbers = Sequence[Sequence[float]]


def exact(values: Numbers) -> list[Row]:
    """Decimal figures as the fractions that they are printed as."""
    return [[Fraction(str(float(value))) for value in row] for row in values]


def multiplier_score(
    inputs: Numbers, outputs: Numbers, unit: int, returns: str, orientation: str
) -> Fraction:
    """theta, or 1 / phi, of one unit.

    input:  max u y0 + w,  v x0 = 1,  u yj + w <= v xj         (w = 0 under constant returns)
    output: min v x0 + w,  u y0 = 1,  v xj + w >= u yj
    """
    x, y = exact(inputs), exact(outputs)
    m, s, free = len(x[0]), len(y[0]), returns == "variable"
    sign = 1 if orientation == "input" else -1
    width = m + s + (2 if free else 0)  # v, u, and w as a difference
    rows, right = [], []
    for k, (xk, yk) in enumerate(zip(x, y, strict=True)):  # v xk - u yk - sign w - slack = 0
        slack = [Fraction(int(j == k)) for j in range(len(x))]
        w = [Fraction(-sign), Fraction(sign)] if free else []
        rows.append([*xk, *(-value for value in yk), *w, *(-value for value in slack)])
        right.append(Fraction(0))
    nothing = [Fraction(0)] * (width + len(x))
    normal, cost = list(nothing), list(nothing)
    if orientation == "input":
        normal[:m], cost[m : m + s] = x[unit], [-value for value in y[unit]]
    else:
        normal[m : m + s], cost[:m] = y[unit], x[unit]
    if free:
        cost[m + s : width] = [Fraction(-sign), Fraction(sign)]
    best = minimum(cost, [*rows, normal], [*right, Fraction(1)])
    return -best if orientation == "input" else 1 / best


def minimum(cost: Row, rows: list[Row], right: Row) -> Fraction:
    """min cost z with rows z = right, z >= 0; right not below 0."""
    count, width = len(rows), len(cost)
    table = [
        [*row, *(Fraction(int(j == k)) for j in range(count)), b]
        for k, (row, b) in enumerate(zip(rows, right, strict=True))
    ]
    basis = list(range(width, width + count))
    infeasible = run(table, basis, [Fraction(0)] * width + [Fraction(1)] * count, width + count)
    assert infeasible == 0
    drive_out(table, basis, width)
    return run(table, basis, [*cost, *([Fraction(0)] * count)], width)


def drive_out(table: list[Row], basis: list[int], width: int) -> None:
    """Artificial variables at 0 leave the basis where they can; else their row says nothing."""
    for k, variable in enumerate(basis):
        if variable >= width:
            column = next((j for j in range(width) if table[k][j] != 0), None)
            if column is not None:
                pivot(table, basis, k, column)


def run(table: list[Row], basis: list[int], cost: Row, usable: int) -> Fraction:
    """Pivot to the optimum by Bland's rule, which cannot go in a circle; returns the minimum."""
    while True:
        priced = [cost[variable] for variable in basis]
        enters = next(
            (
                j
                for j in range(usable)
                if j not in basis and cost[j] < sum(p * row[j] for p, row in zip(priced, table, strict=True))
            ),
            None,
        )
        if enters is None:
            return sum((p * row[-1] for p, row in zip(priced, table, strict=True)), Fraction(0))
        ratios = [(row[-1] / row[enters], basis[k], k) for k, row in enumerate(table) if row[enters] > 0]
        assert ratios, "unbounded"
        pivot(table, basis, min(ratios)[2], enters)


def pivot(table: list[Row], basis: list[int], leaves: int, enters: int) -> None:
    divisor = table[leaves][enters]
    table[leaves] = [value / divisor for value in table[leaves]]
    for k, row in enumerate(table):
        if k != leaves and row[enters] != 0:
            factor = row[enters]
            table[k] = [a - factor * b for a, b in zip(row, table[leaves], strict=True)]
    basis[leaves] = enters
