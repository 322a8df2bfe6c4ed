"""Predictions of rows not seen, their scores, and how sure the differences between models are."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cpdiffusion.calibration.methods import METHODS, Method
from cpdiffusion.calibration.observations import Floats, case_of, log_roi
from cpdiffusion.calibration.scores import Score, five_numbers, score
from cpdiffusion.calibration.splits import Split, splits
from cpdiffusion.evidence.table4 import RegionYear
from cpdiffusion.outcomes.paired import Interval, student_quantile

if TYPE_CHECKING:
    import pandas as pd


LEAST_CLUSTERS = 4  # two or three regions may agree by chance and would then seem to be sure


class Prediction(NamedTuple):
    """One row predicted by one model that was not fitted to it."""

    row: RegionYear
    split: str
    method: str
    observed: float  # log ROI
    mean: float
    quantiles: tuple[float, ...]  # at scores.LEVELS
    score: Score


@dataclass(frozen=True)
class Validation:
    """All predictions for one table."""

    table: str
    rows: tuple[RegionYear, ...]
    methods: tuple[Method, ...]
    splits: tuple[Split, ...]
    predictions: tuple[Prediction, ...] = field(repr=False)

    def of(self, split: str, method: str) -> list[Prediction]:
        """The predictions of one model in one split, in the order of the folds."""
        return [p for p in self.predictions if (p.split, p.method) == (split, method)]

    def mean(self, split: str, method: str, figure: str) -> float:
        """Mean over the rows of a figure of Score; coverage is the mean of covered50 or covered90."""
        return float(np.mean([getattr(p.score, figure) for p in self.of(split, method)]))

    def leaders(self, split: str) -> tuple[Method, Method]:
        """The best of our models and the best rival: lowest mean CRPS on the very rows they are judged on."""
        ours, rivals = ([m for m in self.methods if m.is_rival == kind] for kind in (False, True))
        best, rival = (min(able, key=lambda m: self.mean(split, m.name, "crps")) for able in (ours, rivals))
        return best, rival

    def difference(self, split: str, method: str, other: str, figure: str = "crps") -> Interval:
        """Mean difference of a figure over the same rows, ``method`` less ``other``."""
        one, two = self.of(split, method), self.of(split, other)
        differences = [
            getattr(a.score, figure) - getattr(b.score, figure) for a, b in zip(one, two, strict=True)
        ]
        return clustered_mean(np.array(differences), [p.row.region for p in one])


def validate(
    table: str, rows: Sequence[RegionYear], methods: Sequence[Method] = METHODS,
    fitted: Callable[[], object] = lambda: None,
) -> Validation:  # fmt: skip
    """Fit every method to every fold of every split and score it on the rows kept out.

    ``fitted`` is called after each fold of each method. Raises InputError for a row without direct benefit.
    """
    made = tuple(splits(rows))
    found: list[Prediction] = []
    for split in made:
        for method in methods:
            found += predictions(split, method, fitted)
    return Validation(table, tuple(rows), tuple(methods), made, tuple(found))


def predictions(split: Split, method: Method, fitted: Callable[[], object]) -> Iterator[Prediction]:
    """All rows of a split predicted by one method, fold by fold."""
    for fold in split.folds:
        forecast = method.fit(fold.train)
        for row in fold.test:
            predictive, observed = forecast(case_of(row)), log_roi(row)
            yield Prediction(
                row, split.name, method.name, observed, predictive.mean, five_numbers(predictive),
                score(predictive, observed),
            )  # fmt: skip
        fitted()


def clustered_mean(values: Floats, clusters: Sequence[str]) -> Interval:
    """Mean of values (N,) with a jackknife interval that leaves out one cluster at a time.

    Rows of a region share its mean and so are no independent witnesses. Student's quantile with as many
    degrees of freedom as clusters less one. With the regions of Table 4 as clusters such intervals hold
    the truth in 88 to 90 of 100 simulated tables. Below LEAST_CLUSTERS there is none.
    """
    mean = float(values.mean())
    names = np.array(clusters)
    others = [names != name for name in dict.fromkeys(clusters)]
    without = np.array([values[kept].mean() for kept in others if kept.any()])
    if without.size < LEAST_CLUSTERS:
        return Interval(mean, math.nan, math.nan)
    squares = float(((without - without.mean()) ** 2).sum())
    reach = student_quantile(without.size - 1) * math.sqrt((without.size - 1) / without.size * squares)
    return Interval(mean, mean - reach, mean + reach)


# --- tables --------------------------------------------------------------------------------------


def score_table(found: Validation) -> pd.DataFrame:
    """One row per split and model: mean scores, coverage, and the difference to the best rival.

    crps (log ROI, lower is better), log_score (nats, higher is better; nan for draws), coverage50 and
    coverage90 (share of rows inside the central intervals). Differences are model less the rival with the
    best CRPS, with 90 % intervals by jackknife over regions; nan for that rival itself.
    """
    import pandas as pd

    pairs = [(split, method) for split in found.splits for method in found.methods]
    return pd.DataFrame([_scores(found, split, method) for split, method in pairs])


def _scores(found: Validation, split: Split, method: Method) -> dict[str, object]:
    means = {
        "crps": "crps", "log_score": "log_score", "coverage50": "covered50", "coverage90": "covered90"
    }  # fmt: skip
    _, best = found.leaders(split.name)
    return {
        "split": split.name,
        "model": method.name,
        **{column: found.mean(split.name, method.name, figure) for column, figure in means.items()},
        "table": found.table,
        "rows": len(found.of(split.name, method.name)),
        "is_rival": method.is_rival,
        "best_rival": best.name,
        **_over_best(found, split.name, method, best),
    }


def _over_best(found: Validation, split: str, method: Method, best: Method) -> dict[str, float]:
    over: dict[str, float] = {}
    for figure in ("crps", "log_score"):
        interval = Interval(math.nan, math.nan, math.nan)
        if best.name != method.name:
            interval = found.difference(split, method.name, best.name, figure)
        ends = (interval.estimate, interval.low, interval.high)
        over |= {f"{figure}_difference{e}": v for e, v in zip(("", "_low", "_high"), ends, strict=True)}
    return over


def prediction_table(found: Validation) -> pd.DataFrame:
    """One row per prediction: what was expected, what came, and where it fell (pit). All log ROI."""
    import pandas as pd

    return pd.DataFrame([_prediction(found.table, p) for p in found.predictions])


def _prediction(table: str, p: Prediction) -> dict[str, object]:
    q05, q25, q50, q75, q95 = p.quantiles
    return {
        "region": p.row.region, "year": p.row.year, "split": p.split, "model": p.method,
        "observed": p.observed, "mean": p.mean, "q05": q05, "q25": q25, "q50": q50, "q75": q75, "q95": q95,
        "pit": p.score.pit, "crps": p.score.crps, "log_score": p.score.log_score, "table": table,
    }  # fmt: skip
