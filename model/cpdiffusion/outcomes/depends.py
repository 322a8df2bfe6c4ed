"""Which uncertain parameters a result depends on: a linear regression over draws of them.

    y_i = b_0 + sum_k b_k (x_ik - mean x_k) / sd x_k + rest

y_i is a draw's mean over its seeds. b_k says how far the result moves with one standard deviation of
parameter k, the others as they are. Its share of what the parameters do to the result are CAR scores
(Zuber & Strimmer 2011; Genizi 1993): the parameters are turned into the uncorrelated ones nearest to them,
so that the squared correlations with y add up to R squared, also where a posterior's parameters go
together. Each is lowered by what luck alone would give it, (1 - R^2) / (n - P - 1), so that they add up to
the adjusted R squared, and is divided by the share of var(y) that is not the luck of the seeds. What is
missing from a sum of 1 are bends and interactions, which a linear regression does not see.

Intervals are Student's with the jackknife's error, one distinct parameter set left out at a time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cpdiffusion.outcomes.catalogue import Values
from cpdiffusion.outcomes.paired import QUANTILES, Interval, student_quantile

SETS_PER_PARAMETER = 2  # distinct parameter sets that a regression needs for each parameter, at least


@dataclass(frozen=True)
class Dependence:
    """What one parameter does to the result, in the result's unit where nothing else is said."""

    per_sd: Interval  # for a parameter higher by one standard deviation
    share: Interval  # of the variance that the parameters cause
    at_low: Interval  # at the 5 % quantile of the parameter's draws, the others at their mean
    at_high: Interval  # at the 95 % quantile


@dataclass(frozen=True)
class Regression:
    """One dependence per parameter, and the share of the parameter variance that they explain together."""

    parameters: tuple[Dependence, ...]
    share: float


def regression(drawn: Values, result: Values, luck: float) -> Regression | None:
    """The dependence of ``result`` (draws,) on ``drawn`` (draws, P); None if there are too few draws.

    ``luck``: variance that the seeds leave in a draw's result. Parameters must vary.
    """
    distinct, group = np.unique(drawn, axis=0, return_inverse=True)
    group, parameters = group.reshape(-1), drawn.shape[1]
    if len(distinct) < SETS_PER_PARAMETER * (parameters + 1):
        return None
    ends = np.quantile(drawn, (QUANTILES[0], QUANTILES[-1]), axis=0)
    found = figures(drawn, result, luck, ends)
    without = [figures(drawn[group != k], result[group != k], luck, ends) for k in range(len(distinct))]
    intervals = jackknifed(found, np.array(without))
    columns = [[intervals[row * parameters + k] for row in range(4)] for k in range(parameters)]
    shares = found[parameters : 2 * parameters]
    return Regression(tuple(Dependence(*column) for column in columns), float(shares.sum()))


def figures(drawn: Values, result: Values, luck: float, ends: Values) -> Values:
    """Slopes, shares, and results at both ends, for each parameter; shape (4 P,)."""
    spread = drawn.std(axis=0, ddof=1)
    standard = (drawn - drawn.mean(axis=0)) / spread
    slopes = np.linalg.lstsq(standard, result - result.mean(), rcond=None)[0]
    low, high = result.mean() + slopes * (ends - drawn.mean(axis=0)) / spread
    return np.concatenate([slopes, shares_of(standard, result, luck), low, high])


def shares_of(standard: Values, result: Values, luck: float) -> Values:
    """Share of the parameter variance that each parameter explains, shape (P,); nan if there is none."""
    draws, parameters = standard.shape
    variance = float(result.var(ddof=1))
    if variance - luck <= 0.0:
        return np.full(parameters, math.nan)
    together = standard.T @ standard / (draws - 1)
    with_result = standard.T @ (result - result.mean()) / (draws - 1) / math.sqrt(variance)
    scores = (inverse_root(together) @ with_result) ** 2
    by_luck = (1.0 - scores.sum()) / (draws - parameters - 1)
    return np.asarray((scores - by_luck) * variance / (variance - luck))


def inverse_root(correlation: Values) -> Values:
    """The symmetric inverse root of a correlation matrix; directions without spread are left out."""
    values, vectors = np.linalg.eigh(correlation)
    known = values > 1e-10
    roots = np.where(known, 1.0 / np.sqrt(np.where(known, values, 1.0)), 0.0)
    return np.asarray((vectors * roots) @ vectors.T)


def jackknifed(found: Values, without: Values) -> list[Interval]:
    """Each figure with its interval; ``without`` holds them with one group left out, shape (groups, F)."""
    groups = len(without)
    error = np.sqrt((groups - 1) / groups * ((without - without.mean(axis=0)) ** 2).sum(axis=0))
    reach = student_quantile(groups - 1) * error
    return [Interval(float(f), float(f - r), float(f + r)) for f, r in zip(found, reach, strict=True)]
