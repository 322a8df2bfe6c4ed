"""The answer in words: a first sentence to read aloud, then what it rests on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from cpdiffusion.outcomes.paired import CONFIDENCE
from cpdiffusion.parameters import REGISTRY, moments_of
from cpdiffusion.policy.design import Design
from cpdiffusion.world.regions import REGIONS

if TYPE_CHECKING:
    import pandas as pd

    from cpdiffusion.studies.compare import Comparison

SHOWN = (
    "additional_adopters", "spillover_adopters", "supported_firms", "supported_adopters",
    "additional_per_supported", "cost_per_additional_adopter_mkrw", "public_money_mkrw",
    "unspent_mkrw", "private_investment_mkrw", "total_benefit_mkrw", "programme_roi",
    "accidents_avoided",
)  # fmt: skip


def headline(result: Comparison) -> str:
    """One sentence per pair, the first for reading aloud."""
    if not result.plan.pairs:
        only = next(iter(result.plan.scenarios))
        row = result.row(only)
        return (
            f"{where(result)}, {result.plan.titles[only]} gives {row['mean']:.1f} additional adopters "
            f"(90 of 100 simulated regions: {row.p05:.0f} to {row.p95:.0f})."
        )
    first, *others = [pair_sentence(result, *pair) for pair in result.plan.pairs]
    turn = turn_sentence(result)
    return " ".join([first, turn, *others]) if turn else " ".join([first, *others])


def pair_sentence(result: Comparison, scenario: str, baseline: str) -> str:
    """Who reaches more additional adopters, by how much, how sure."""
    row, base = result.row(scenario), result.row(baseline)
    titles = result.plan.titles
    numbers = (
        f"({row['mean']:.0f} against {base['mean']:.0f}; {CONFIDENCE:.0%} interval of the difference "
        f"{row.difference_low:.0f} to {row.difference_high:.0f})"
    )
    money = money_words(result.plan.experiment.designs[scenario])
    lead = f"{where(result)}{money}, the scenario '{titles[scenario]}' reaches"
    against = f"than '{titles[baseline]}'"
    if row.difference_low <= 0.0 <= row.difference_high:
        verdict = f"as many additional adopters as '{titles[baseline]}', as far as can be told {numbers}"
    else:
        more = "more" if row.difference > 0 else "fewer"
        verdict = f"{abs(row.difference):.0f} {more} additional adopters {against} {numbers}"
    return (
        f"{lead} {verdict}, and does better in {100 * row.probability_better:.0f} of 100 simulated regions."
    )


def where(result: Comparison) -> str:
    """The region and the years, as the sentence begins."""
    names = [REGIONS[r].name if r in REGIONS else r for r in result.plan.experiment.recipe.regions]
    return (
        f"In {' and '.join(names) if len(names) < 4 else f'{len(names)} regions'} over "
        f"{result.settings.horizon_years} years"
    )


def money_words(design: Design) -> str:
    """The budget in words."""
    if not design.budget_mkrw_per_year:
        return ""
    return (
        f", with {design.budget_mkrw_per_year:,.0f} million KRW a year per region for "
        f"{design.programme_years} years"
    )


def turn_sentence(result: Comparison) -> str:
    """Which single assumption would turn the first pair's answer."""
    if result.turning is None:
        return ""
    turning = result.turning[result.turning.turns]
    if turning.empty:
        return "No single parameter, moved alone to either end of its range, turns this answer."
    names = [f"{row.meaning} ({row.parameter})" for row in turning.head(3).itertuples()]
    return f"It would turn, or no longer be clear, with another value of: {'; '.join(names)}."


def summary(result: Comparison, command: str) -> str:
    """The whole summary as Markdown."""
    return "\n\n".join(_parts(result, command)) + "\n"


def _parts(result: Comparison, command: str) -> Iterator[str]:
    yield headline(result)
    yield "**What this is not.** " + caveats(result)
    yield "## The scenarios\n\n" + "\n".join(
        f"- **{s.title}** (`{name}`): {' '.join(s.stands_for.split())} *Source: {s.source}.*"
        for name, s in result.plan.scenarios.items()
    )
    yield "## The figures\n\n" + figures_table(result)
    yield replicates_words(result)
    if result.why is not None and len(result.why):
        yield "## Why\n\n" + why_words(result.why, result.plan.titles)
    if result.turning is not None:
        yield "## What would turn the answer\n\n" + turning_words(result)
    yield "## Again, and further\n\n" + next_steps(result, command)


def caveats(result: Comparison) -> str:
    """What the data cannot tell."""
    status = [p.status for p in REGISTRY]
    variant = "as printed" if result.settings.table == "as_printed" else "reconciled"
    return (
        f"Of {len(status)} parameters, {status.count('assumed')} are assumed, {status.count('calibrated')} "
        f"estimated from Table 4 ({variant}) and {status.count('measured')} read from the literature. Table "
        "4 describes supported cohorts only: it holds no firm supported alone, so it cannot say by itself "
        "which design is better. The intervals are those of the simulation, not of the assumptions."
    )


def figures_table(result: Comparison) -> str:
    """The main outcomes, a row each, scenarios side by side."""
    names = list(result.plan.scenarios)
    head = "| outcome | unit | " + " | ".join(result.plan.titles[n] for n in names) + " |"
    lines = [head, "|---|---|" + "---:|" * len(names)]
    for outcome in SHOWN:
        rows = [result.row(name, outcome) for name in names]
        cells = [_cell(row) for row in rows]
        lines.append(f"| {rows[0].label} | {rows[0].unit} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n\nMean over runs, in brackets the middle 90 % of runs."


def _cell(row: pd.Series) -> str:
    return f"{_number(row['mean'])} ({_number(row.p05)} to {_number(row.p95)})"


def _number(value: float) -> str:
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def replicates_words(result: Comparison) -> str:
    """How many replicates, and why that is enough."""
    asked = result.settings.replicates
    widths = [
        0.5 * (result.row(s).difference_high - result.row(s).difference_low) for s, _ in result.plan.pairs
    ]
    if not widths:
        return f"{result.replicates} replicates."
    met = "as narrow as asked" if result.reached else "wider than asked: the bound on replicates was met"
    return (
        f"{result.replicates} replicates, paired by common random numbers: the {CONFIDENCE:.0%} interval of "
        f"the difference in additional adopters is ± {max(widths):.2g} firms, {met} (± {asked.half_width:g})."
    )


def why_words(why: pd.DataFrame, titles: dict[str, str]) -> str:
    """Each channel's share of the difference."""
    parts = []
    for (scenario, baseline), rows in why.groupby(["scenario", "baseline"], sort=False):
        parts.append(
            f"'{titles[scenario]}' against '{titles[baseline]}', additional adopters by channel "
            "(Shapley shares; they add up to the difference):"
        )
        parts += [
            f"- {row.words}: {row.share:+.1f} ({row.share_low:+.1f} to {row.share_high:+.1f})"
            for row in rows.itertuples()
        ]
        parts.append("")
    return "\n".join(parts).rstrip()


def turning_words(result: Comparison) -> str:
    """The parameters that move the difference most."""
    assert result.turning is not None
    lines = [
        "| parameter | status | range | difference at low end | at high end |",
        "|---|---|---|---:|---:|",
    ]
    lines += [
        f"| {row.meaning} (`{row.parameter}`) | {row.status} | {row.low:g} to {row.high:g} {row.unit} "
        f"| {row.difference_at_low:.0f} | {row.difference_at_high:.0f} |"
        for row in result.turning.head(8).itertuples()
    ]
    return (
        "Difference in additional adopters of the first pair, with one parameter at a time at the ends of "
        "its range:\n\n" + "\n".join(lines)
    )


def next_steps(result: Comparison, command: str) -> str:
    """The command that repeats this, and what one would try next."""
    effects = moments_of(result.settings.table).region_effects
    known = [r for r in result.plan.experiment.recipe.regions if r in effects]
    other = next(r for r in effects if r not in known) if len(known) < len(effects) else known[0]
    return (
        f"```\n{command}\n```\n\nThen: another region (`region={other}`), the corrected table "
        "(`table=reconciled`), another cohort size (`changes.cluster_25.cohort_size=15`), one's own scenario "
        "(copy a file of `scenarios/`, change a number, name it in `scenarios=[…]`), another value of a "
        "parameter in the table above (`parameters.<name>=<value>`)."
    )
