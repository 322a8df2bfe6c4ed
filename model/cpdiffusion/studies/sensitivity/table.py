"""What a sensitivity study found, as the summary and the figures read it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cpdiffusion.factors.factor import Factor
from cpdiffusion.outcomes.catalogue import CATALOGUE
from cpdiffusion.outcomes.paired import mean_interval
from cpdiffusion.studies.compare.turning import DEFAULT, Found, Moved, row_of_ends, swing
from cpdiffusion.studies.point_values import Quantity
from cpdiffusion.studies.sensitivity.study import Sensitivity, Stage

if TYPE_CHECKING:
    import pandas as pd

SURELY = 1.96 / math.sqrt(2.0 / math.pi)  # times its mean that luck exceeds in one case of twenty
LITTLE = 0.1  # of the strongest factor's effect: what a factor that may stay at its default has at most


def label_of_factor(factor: Factor) -> str:
    """What a factor is, in words and as it is set."""
    name = factor.key.removeprefix("parameters.")
    return f"{factor.known.meaning} ({name})" if factor.known.meaning else name


def labels_of(result: Sensitivity) -> dict[str, str]:
    """The same for every factor, by its key."""
    return {factor.key: label_of_factor(factor) for factor in result.asked.factors}


def title_of_quantity(quantity: Quantity, outcome: str) -> str:
    """A quantity in words."""
    label = CATALOGUE[outcome].label
    if quantity.baseline:
        return f"difference in {in_short(outcome)}, {quantity.scenario} over {quantity.baseline}"
    return f"{label}, {quantity.scenario}"


def in_short(outcome: str) -> str:
    """An outcome's label without what stands in brackets: in a difference it cancels."""
    return CATALOGUE[outcome].label.partition(" (")[0]


def one_number(stage: Stage, quantity: Quantity, name: str) -> float:
    """An index of no factor in particular; nan if there is none."""
    found = (index.estimate for index in stage.indices[quantity] if index.name == name)
    return next(found, float("nan"))


# --- one at a time -------------------------------------------------------------------------------


def turning_table(stage: Stage, quantity: Quantity, defaults: Mapping[str, Any]) -> pd.DataFrame:
    """The quantity with one factor at either end of its range, the largest swing first.

    The table of turning points (studies.turning); of listed values the ends are those with the lowest and the
    highest result.
    """
    import pandas as pd

    found = found_at_ends(stage, quantity)
    if found[DEFAULT].estimate != found[DEFAULT].estimate:
        return pd.DataFrame()
    moved = [m for factor in stage.design.factors if (m := _moved(factor, found)) is not None]
    moved.sort(key=lambda m: -swing(m, found))
    replicates = stage.work.replicates
    rows = [row_of_ends(m, defaults.get(m.name, ""), found, replicates) for m in moved]
    frame = pd.DataFrame(rows)
    if quantity.baseline:
        frame.insert(0, "scenario", quantity.scenario)
        frame.insert(1, "baseline", quantity.baseline)
    return frame


def found_at_ends(stage: Stage, quantity: Quantity) -> Found:
    """The quantity at the default and at every point of one at a time."""
    values, design = stage.values[quantity], stage.design
    assert design.moved is not None
    found: Found = {DEFAULT: mean_interval(values[0])}
    for place in range(1, len(design.points)):
        ((key, value),) = design.points.at(place).items()
        found[key, value] = mean_interval(values[place])
    return found


def _moved(factor: Factor, found: Found) -> Moved | None:
    """A factor with the two of its values that are told; None where fewer than two could be computed."""
    about = factor.known
    known = [end for end, i in found.items() if end[0] == factor.key and i.estimate == i.estimate]
    if len(known) < 2:
        return None
    if not factor.is_range:
        known.sort(key=lambda end: found[end].estimate)
    meaning = about.meaning or factor.key
    return Moved(factor.key, meaning, about.unit, about.status, known[0][1], known[-1][1])


# --- Morris --------------------------------------------------------------------------------------


def morris_table(stage: Stage, quantity: Quantity) -> pd.DataFrame:
    """A row per factor: mu_star with low and high, mu, sigma, by_chance, sure; the strongest first.

    ``sure``: mu_star is more than luck would make in one case of twenty, even if it were the same luck at all
    places.
    """
    import pandas as pd

    rows: dict[int, dict[str, Any]] = {}
    for index in stage.indices[quantity]:
        if index.factor < 0:
            continue
        row = rows.setdefault(index.factor, {"factor": stage.design.factors[index.factor].key})
        row[index.name] = index.estimate
        if index.name == "mu_star":
            row |= {"low": index.low, "high": index.high}
    frame = pd.DataFrame(list(rows.values())).rename(columns={"mu_star_by_chance": "by_chance"})
    if frame.empty:
        return frame
    frame["sure"] = frame.mu_star > SURELY * frame.by_chance
    return frame.sort_values("mu_star", ascending=False, ignore_index=True)


def may_stay(frame: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Factors of a Morris table that change nothing in any run, and those whose effect is surely little."""
    if frame.empty:
        return [], []
    nothing = frame.mu_star == 0.0
    little = ~nothing & (frame.high < LITTLE * frame.mu_star.max())
    return list(frame.factor[nothing]), list(frame.factor[little])


# --- Sobol ---------------------------------------------------------------------------------------

SOBOL = {"S1": "first", "ST": "total"}


def sobol_table(stage: Stage, quantity: Quantity) -> pd.DataFrame:
    """A row per factor: first and total with _low, _high and _less_chance; the largest total first."""
    import pandas as pd

    rows: dict[int, dict[str, Any]] = {}
    for index in stage.indices[quantity]:
        name, _, less = index.name.partition("_less_")
        if name not in SOBOL:
            continue
        row = rows.setdefault(index.factor, {"factor": stage.design.factors[index.factor].key})
        which = SOBOL[name]
        if less:
            row[f"{which}_less_chance"] = index.estimate
        else:
            row |= {which: index.estimate, f"{which}_low": index.low, f"{which}_high": index.high}
    frame = pd.DataFrame(list(rows.values()))
    return frame if frame.empty else frame.sort_values("total", ascending=False, ignore_index=True)
