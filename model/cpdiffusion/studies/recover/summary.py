"""What ``study=recover`` found, in plain words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from cpdiffusion.studies.words import percent

if TYPE_CHECKING:
    from cpdiffusion.studies.recover.study import Recovered

FOUND_AGAIN = 0.5  # doubt left of the prior's, up to which a parameter counts as found again


def headline(result: Recovered) -> str:
    """Coverage over all parameters, and which are found again."""
    everything = result.coverage[result.coverage.parameter == "all"].iloc[0]
    each = result.coverage[result.coverage.parameter != "all"]
    found = list(each.parameter[each.kept_of_prior <= FOUND_AGAIN])
    which = f"found again closely: {', '.join(found)}" if found else "none is found again closely"
    return (
        f"In {everything.plantings} plantings the 90 % intervals of {len(each)} parameters held the planted "
        f"value in {percent(everything.coverage90)} of cases (50 % intervals: "
        f"{percent(everything.coverage50)}); {which}."
    )


def summary(result: Recovered, command: str) -> str:
    """summary.md."""
    return (
        f"# Recovery of planted parameters\n\n{headline(result)}\n\n## Parameter by parameter\n\n"
        f"{lines(result)}\n\n## How sure this is\n\n{error_words(result)}\n\n## To repeat it\n\n"
        f"```\n{command}\n```\n\nThen: `cpdiffusion study=calibrate`, the same on what was really reported.\n"
    )


def lines(result: Recovered) -> str:
    """Coverage and doubt per parameter."""
    head = (
        "| parameter | 50 % intervals hold | 90 % intervals hold | error | width left |\n"
        "|---|---:|---:|---:|---:|"
    )
    rows = [
        f"| {r['parameter']} | {percent(r['coverage50'])} | {percent(r['coverage90'])} | {r['error']:.2f} | "
        f"{percent(r['kept_of_prior'])} |"
        for r in result.coverage.to_dict("records")
    ]
    return "\n".join([head, *rows]) + (
        "\n\n*Error* is the root mean square distance of the calibrated mean from the planted value, over "
        "the prior's standard deviation: 1 is as bad as guessing the middle of the prior. *Width left* is "
        "the mean posterior standard deviation over the prior's."
    )


def error_words(result: Recovered) -> str:
    """How far coverage may stray by chance."""
    plantings = int(result.rows.planting.nunique())
    error = math.sqrt(0.9 * 0.1 / plantings)
    return (
        f"Of {plantings} plantings, a right 90 % interval holds {percent(0.9)} give or take "
        f"{percent(error)} per parameter. Over all parameters the scatter is smaller, though those of one "
        "planting are not independent. Truths are drawn from the prior, so they lie all over its range and "
        "not only where the real evidence points; each truth has a world and histories of its own, which "
        "the calibration to it does not share."
    )
