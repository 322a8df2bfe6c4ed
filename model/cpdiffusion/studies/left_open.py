"""In words: what the parameters' posterior leaves open in a comparison, and what is chance."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cpdiffusion.calibration.posterior import Posterior
from cpdiffusion.outcomes.catalogue import HEADLINE
from cpdiffusion.outcomes.paired import CONFIDENCE, QUANTILES
from cpdiffusion.parameters import BY_NAME
from cpdiffusion.studies.draws import VARIANTS
from cpdiffusion.studies.settings import SHIPPED

if TYPE_CHECKING:
    import pandas as pd

    from cpdiffusion.studies.compare.study import Comparison

SHOWN = (
    HEADLINE, "spillover_adopters", "supported_adopters", "private_investment_mkrw", "total_benefit_mkrw",
    "emissions_avoided_tco2_per_year", "accidents_avoided",
)  # fmt: skip
KEY = (
    f"dot: mean difference; line: {CONFIDENCE:.0%} range of the expected difference over the posterior"
).replace("%", " %")
UNDER = "with the estimated numbers drawn at random, if the assumed ones hold"
SECTION = "What is not known, and what is chance"


def intervals(section: str = SECTION) -> str:
    """What an interval says and what it does not; ``section`` tells how far the difference is open."""
    return (
        "An interval of a mean says how far more runs could still move it; how far the difference itself is "
        f"open is told under *{section}*. The parameters outside the posterior are taken as they stand."
    )


def sentence(result: Comparison, scenario: str, baseline: str) -> str:
    """How probable it is that the scenario does better on average, and why runs differ; empty if fixed."""
    if result.noise is None:
        return ""
    row = _row(result.noise, scenario, baseline)
    return (
        "Over what Table 4 and the other evidence leave open, "
        f"'{result.plan.titles[scenario]}' does better on average with probability "
        f"{probability(row.probability_better_on_average)} (expected difference: "
        f"{expected(row)} firms, {CONFIDENCE:.0%} range); {cause(row.share_parameters)}."
    )


def short_line(result: Comparison, scenario: str, baseline: str) -> str:
    """One line for a further pair."""
    assert result.noise is not None
    row, titles = _row(result.noise, scenario, baseline), result.plan.titles
    return (
        f"- {titles[scenario]}: {row['mean']:+.0f} ({expected(row)}) against '{titles[baseline]}', better on "
        f"average with probability {probability(row.probability_better_on_average)}."
    )


def expected(row: Any) -> str:
    """The range of the expected difference."""
    return f"{whole(row.expected_p05)} to {whole(row.expected_p95)}"


def whole(value: float) -> str:
    """A whole number with its sign; 0 has none."""
    return f"{value:+.0f}" if abs(value) >= 0.5 else "0"


def cause(share_parameters: float) -> str:
    """Which part of the spread is not known and which is chance."""
    if math.isnan(share_parameters):
        return "the difference is the same in all runs"
    return (
        f"{100 * share_parameters:.0f} % of the spread of the difference between runs is what is not known "
        "about the parameters, the rest is chance"
    )


def probability(value: float) -> str:
    """Two decimals, and never the certainty that no simulation gives."""
    if math.isnan(value):
        return "–"
    return "above 0.99" if value > 0.99 else "below 0.01" if value < 0.01 else f"{value:.2f}"


def replicates_words(result: Comparison) -> str:
    """How the replicates are spread over draws; empty if the parameters are fixed."""
    if result.draws is None:
        return ""
    each, number = result.plan.experiment.seeds_per_draw, len(result.draws)
    different = len(result.draws.drop(columns="draw").drop_duplicates())
    once = f" ({different} different ones)" if different < number else ""
    return f", {each} under each of {number} draws of the parameters{once}"


def words(result: Comparison, file: str = "noise.csv") -> str:
    """The posterior and where it comes from, what was drawn, and the parts of each difference.

    ``file`` holds them for all outcomes.
    """
    return "\n\n".join(_parts(result, file))


def _parts(result: Comparison, file: str) -> Iterator[str]:
    yield made_by(result)
    yield drawn_table(result)
    for scenario, baseline in result.plan.pairs:
        yield noise_words(result, scenario, baseline)
    if not result.plan.pairs:
        return
    yield (
        "*Expected difference*: the mean over many regions under one draw of the parameters; in brackets the "
        f"middle {CONFIDENCE:.0%} over draws. *Better in one region*: share of runs that do better. *Not "
        "known* and *chance*: shares of the variance between runs that come from the parameters and from "
        f"the seeds. All outcomes are in `{file}`, the draws in `draws.csv`."
    )


def made_by(result: Comparison) -> str:
    """Which posterior it is, by which command, and what was fixed on top of it."""
    posterior, asked = result.plan.posterior, result.settings
    assert posterior is not None
    file = asked.posterior.file
    name = "the one that comes with the package" if file == SHIPPED else f"`{file}`"
    held = [f"`{n}` at {v:g}" for n, v in asked.parameters.items() if n in posterior.names]
    fixed = (
        f" Held fixed instead: {', '.join(held)}; the others are drawn as they stand, not adjusted to it."
        if held
        else ""
    )
    return (
        f"The parameters below are drawn from a posterior ({name}, {provenance(posterior)}); each draw is "
        f"run with {asked.posterior.seeds_per_draw} seeds.{fixed}"
    )


def provenance(posterior: Posterior) -> str:
    """How the posterior was made, as far as its file says."""
    told = posterior.provenance
    parts = [f"made by `{told['command']}`"] if "command" in told else []
    parts += [f"seed {told['seed']}"] if "seed" in told else []
    parts += [f"Table 4 {VARIANTS[told['table']]}"] if told.get("table") in VARIANTS else []
    versions = told.get("versions")
    version = versions.get("cpdiffusion") if isinstance(versions, dict) else None
    parts += [f"version {version}"] if version else []
    return ", ".join(parts) or "which does not say how it was made"


def drawn_table(result: Comparison) -> str:
    """Each parameter that was drawn: its default, and mean and middle 90 % of the draws."""
    draws = result.draws
    assert draws is not None
    default = result.plan.experiment.parameters
    lines = ["| parameter | unit | default | drawn: mean (middle 90 %) |", "|---|---|---:|---:|"]
    for name in result.plan.experiment.drawn:
        low, _, high = draws[name].quantile(QUANTILES)
        lines.append(
            f"| {BY_NAME[name].meaning} (`{name}`) | {BY_NAME[name].unit} | {default[name]:.3g} "
            f"| {draws[name].mean():.3g} ({low:.3g} to {high:.3g}) |"
        )
    return "\n".join(lines)


def noise_words(result: Comparison, scenario: str, baseline: str) -> str:
    """The parts of the difference of one pair, outcome by outcome."""
    assert result.noise is not None
    titles = result.plan.titles
    lines = [
        f"'{titles[scenario]}' against '{titles[baseline]}':\n",
        "| outcome | unit | expected difference | better on average | better in one region "
        "| not known | chance |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    lines += [noise_line(_row(result.noise, scenario, baseline, outcome)) for outcome in SHOWN]
    return "\n".join(lines)


def noise_line(row: Any) -> str:
    """One outcome as a line of the table."""
    span = f"{number(row['mean'])} ({number(row.expected_p05)} to {number(row.expected_p95)})"
    share, odds = row.share_parameters, row.probability_better_in_a_region
    start = f"| {row.label} | {row.unit} "
    if math.isnan(share):
        return f"{start}| {number(row['mean'])} | – | – | – | – |"
    in_one = "–" if math.isnan(odds) else f"{100 * odds:.0f} of 100"
    return (
        f"{start}| {span} | {probability(row.probability_better_on_average)} | {in_one} "
        f"| {100 * share:.0f} % | {100 - round(100 * share):.0f} % |"
    )


def number(value: float) -> str:
    """A difference with its sign; 0 has none."""
    if value == 0:
        return "0"
    return f"{value:+,.0f}" if abs(value) >= 100 else f"{value:+.3g}"


def _row(noise: pd.DataFrame, scenario: str, baseline: str, outcome: str = HEADLINE) -> Any:
    found = noise[(noise.scenario == scenario) & (noise.baseline == baseline) & (noise.outcome == outcome)]
    return found.iloc[0]
