"""The answer in words: a first sentence to read aloud, then what it rests on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cpdiffusion.behaviour.classic import Behaviour
from cpdiffusion.outcomes.paired import CONFIDENCE
from cpdiffusion.outcomes.why import EXACT_CHANNELS
from cpdiffusion.parameters import REGISTRY, moments_of
from cpdiffusion.policy.design import Design
from cpdiffusion.studies import left_open
from cpdiffusion.studies.compare.by_measure import TAKEN
from cpdiffusion.world.regions import REGIONS

if TYPE_CHECKING:
    import pandas as pd

    from cpdiffusion.studies.compare.study import Comparison

SHOWN = (
    "additional_adopters", "spillover_adopters", "supported_firms", "supported_adopters",
    "additional_per_supported", "cost_per_additional_adopter_mkrw", "public_money_mkrw",
    "unspent_mkrw", "private_investment_mkrw", "total_benefit_mkrw", "programme_roi",
    "emissions_avoided_tco2_per_year",
    "accidents_avoided",
)  # fmt: skip


def headline(result: Comparison) -> str:
    """A sentence on the main pair to read aloud, what would turn it, then a line per other pair."""
    if not result.plan.pairs:
        return single_sentence(result)
    main = result.plan.main_pair
    others = [short_line(result, *pair) for pair in result.plan.pairs if pair != main]
    sentences = (pair_sentence(result, *main), left_open.sentence(result, *main), turn_sentence(result))
    first = " ".join(sentence for sentence in sentences if sentence)
    return "\n".join([first, *others])


def single_sentence(result: Comparison) -> str:
    """What the only scenario reaches."""
    only = next(iter(result.plan.scenarios))
    row = result.row(only)
    under = "" if result.draws is None else f", {left_open.UNDER}"
    return (
        f"{where(result)}, the scenario '{result.plan.titles[only]}' reaches {row['mean']:.0f} additional "
        f"adopters (in 90 of 100 simulated regions {row.p05:.0f} to {row.p95:.0f}{under})."
    )


def pair_sentence(result: Comparison, scenario: str, baseline: str) -> str:
    """Who reaches more additional adopters, by how much, how sure."""
    row, base, titles = result.row(scenario), result.row(baseline), result.plan.titles
    numbers = f"({row['mean']:.0f} against {base['mean']:.0f}{interval_words(result, row)})"
    lead = f"{where(result)}{money_words(result.plan.experiment.advised[scenario])}, the scenario"
    odds = f"{100 * row.probability_better:.0f} of 100 simulated regions"
    under = "if the assumed numbers hold" if result.noise is None else left_open.UNDER
    sure = f"and does better in {odds} {under}."
    return f"{lead} '{titles[scenario]}' reaches {verdict(row, titles[baseline])} {numbers}, {sure}"


def interval_words(result: Comparison, row: pd.Series) -> str:
    """The interval of the difference; under a posterior a sentence of its own tells how open it is."""
    if result.noise is not None:
        return " on average"
    return (
        f"; {CONFIDENCE:.0%} interval of the difference {row.difference_low:.0f} to {row.difference_high:.0f}"
    )


def verdict(row: pd.Series, baseline_title: str) -> str:
    """More, fewer, or no telling."""
    if row.difference_low <= 0.0 <= row.difference_high:
        return f"as many additional adopters as '{baseline_title}', as far as can be told"
    more = "more" if row.difference > 0 else "fewer"
    return f"{rounded(abs(row.difference))} {more} additional adopters than '{baseline_title}'"


def rounded(firms: float) -> str:
    """A number of firms; small ones with a decimal."""
    return f"{firms:.0f}" if firms >= 3 else f"{firms:.1f}"


def short_line(result: Comparison, scenario: str, baseline: str) -> str:
    """One line for a further pair."""
    if result.noise is not None:
        return left_open.short_line(result, scenario, baseline)
    row, titles = result.row(scenario), result.plan.titles
    interval = f"({row.difference_low:+.0f} to {row.difference_high:+.0f})"
    return (
        f"- {titles[scenario]}: {row.difference:+.0f} {interval} against '{titles[baseline]}', "
        f"better in {100 * row.probability_better:.0f} of 100."
    )


def where(result: Comparison) -> str:
    """The region and the years, as the sentence begins."""
    names = [REGIONS[r].name if r in REGIONS else r for r in result.plan.experiment.recipe.regions]
    return (
        f"In {' and '.join(names) if len(names) < 4 else f'{len(names)} regions'} over "
        f"{result.settings.horizon_years} years{under_rule(result)}"
    )


def under_rule(result: Comparison) -> str:
    """Which rule firms without an offer follow, if not the main one."""
    behaviour = result.plan.experiment.behaviour
    return "" if behaviour == Behaviour.PEER_BENEFIT else f" under {behaviour.words}"


def money_words(design: Design) -> str:
    """The budget in words."""
    if not design.budget_mkrw_per_year:
        return ""
    return (
        f", with {design.budget_mkrw_per_year:,.0f} million KRW a year per region for "
        f"{design.programme_years} years"
    )


def turn_sentence(result: Comparison) -> str:
    """Which single parameter would turn the main pair's answer, and at which value."""
    if result.turning is None:
        return ""
    turning = result.turning[result.turning.turns]
    if turning.empty:
        others = "" if result.draws is None else " besides the estimated ones"
        return f"No single parameter{others}, moved alone to either end of its range, turns this answer."
    cases = [turn_case(row) for row in turning.head(3).itertuples()]
    return f"It would turn, or no longer be clear, if {'; or if '.join(cases)}."


def turn_case(row: Any) -> str:
    """A parameter's value that turns the answer, beside the value used."""
    same_side = row.at_low_from * row.difference_at_default > 0
    end = row.high if same_side and _clear(row.at_low_from, row.at_low_to) else row.low
    return f"`{row.parameter}` ({row.meaning}) were {end:g} instead of {row.default:g} {row.unit}"


def _clear(low: float, high: float) -> bool:
    return low > 0 or high < 0


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
    if result.measures is not None:
        yield "## By measure\n\n" + measures_table(result.measures, result.plan.titles)
    yield replicates_words(result)
    if result.draws is not None:
        yield f"## {left_open.SECTION}\n\n" + left_open.words(result)
    if result.why is not None and len(result.why):
        yield "## Why\n\n" + why_words(result.why, result.plan.titles)
    if result.turning is not None:
        yield "## What would turn the answer\n\n" + turning_words(result)
    yield "## Again, and further\n\n" + next_steps(result, command)


def caveats(result: Comparison, section: str = left_open.SECTION) -> str:
    """What the data cannot tell; ``section`` says what the posterior leaves open."""
    drawn = result.plan.experiment.drawn
    status = [p.status for p in REGISTRY if p.name not in drawn]
    variant = "as printed" if result.settings.table == "as_printed" else "reconciled"
    from_posterior = f"{len(drawn)} are drawn from a posterior, " if drawn else ""
    intervals = left_open.intervals(section) if drawn else INTERVALS
    return (
        f"Of {len(REGISTRY)} parameters, {from_posterior}{status.count('assumed')} are assumed, "
        f"{status.count('calibrated')} "
        f"estimated from Table 4 ({variant}) and {status.count('measured')} read from the literature. Table "
        "4 describes supported cohorts only: it holds no firm supported alone, so it cannot say by itself "
        f"which design is better. {intervals}"
    )


INTERVALS = "The intervals are those of the simulation, not of the assumptions."


def figures_table(result: Comparison) -> str:
    """The main outcomes, a row each, scenarios side by side."""
    names = list(result.plan.scenarios)
    head = "| outcome | unit | " + " | ".join(result.plan.titles[n] for n in names) + " |"
    lines = [head, "|---|---|" + "---:|" * len(names)]
    for outcome in SHOWN:
        rows = [result.row(name, outcome) for name in names]
        cells = [_cell(row) for row in rows]
        lines.append(f"| {rows[0].label} | {rows[0].unit} | " + " | ".join(cells) + " |")
    each = "" if result.draws is None else ", each run under its own draw of the parameters"
    return "\n".join(lines) + f"\n\nMean over runs, in brackets the middle 90 % of runs{each}."


def _cell(row: pd.Series) -> str:
    return f"{_number(row['mean'])} ({_number(row.p05)} to {_number(row.p95)})"


def _number(value: float) -> str:
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def measures_table(found: pd.DataFrame, titles: dict[str, str]) -> str:
    """Firms that took each measure, scenarios side by side."""
    taken = found[found.quantity == TAKEN.name]
    names = list(dict.fromkeys(taken.scenario))
    lines = ["| measure | " + " | ".join(titles[n] for n in names) + " |", "|---|" + "---:|" * len(names)]
    for words, rows in taken.set_index("scenario").groupby("words", sort=False):
        lines.append(f"| {words} | " + " | ".join(_cell(rows.loc[name]) for name in names) + " |")
    return (
        "\n".join(lines) + "\n\nFirms that took it: mean over runs, in brackets the middle 90 % of runs. "
        "An adopter, elsewhere, is a firm that took at least one. What measures cost and return in "
        "relation to each other is assumed; `measures.csv` has what they save."
    )


def replicates_words(result: Comparison) -> str:
    """How many replicates, and why that is enough."""
    asked = result.settings.replicates
    widths = [
        0.5 * (result.row(s).difference_high - result.row(s).difference_low) for s, _ in result.plan.pairs
    ]
    if not widths:
        return f"{result.replicates} replicates."
    met = "as narrow as asked" if result.reached else "wider than asked: the bound on replicates was met"
    spread = left_open.replicates_words(result)
    kind = "mean difference" if spread else "difference"
    width = f"{max(widths):.2g}" if result.reached else f"{max(widths):.3g}"
    return (
        f"{result.replicates} replicates{spread}, paired by common random numbers: the {CONFIDENCE:.0%} "
        f"interval of the {kind} in additional adopters is ± {width} firms, {met} "
        f"(± {asked.half_width:g})."
    )


def sampled_words(channels: int) -> str:
    """Whether all orders were looked at."""
    if channels <= EXACT_CHANNELS:
        return ""
    return f"; of the orders of {channels} channels a sample, so single shares carry some error besides"


def why_words(why: pd.DataFrame, titles: dict[str, str]) -> str:
    """Each channel's share of the difference."""
    parts = []
    for (scenario, baseline), rows in why.groupby(["scenario", "baseline"], sort=False):
        parts.append(
            f"'{titles[scenario]}' against '{titles[baseline]}', additional adopters by channel "
            f"(Shapley shares; they add up to the difference over the first {rows.replicates.iloc[0]} "
            f"replicates{sampled_words(len(rows))}):"
        )
        parts += [
            f"- {row.words}: {row.share:+.1f} ({row.share_low:+.1f} to {row.share_high:+.1f})"
            for row in rows.itertuples()
        ]
        parts.append("")
    return "\n".join(parts).rstrip()


def whole(value: float) -> str:
    """A whole number; what rounds to 0 has no sign."""
    return f"{value:.0f}".replace("-0", "0") if abs(value) < 0.5 else f"{value:.0f}"


def turning_words(result: Comparison) -> str:
    """The parameters that move the difference most."""
    assert result.turning is not None
    names = " over ".join(f"'{result.plan.titles[name]}'" for name in result.plan.main_pair)
    lines = [
        "| parameter | status | range | difference at low end | at high end |",
        "|---|---|---|---:|---:|",
    ]
    lines += [
        f"| {row.meaning} (`{row.parameter}`) | {row.status} | {row.low:g} to {row.high:g} {row.unit} "
        f"| {whole(row.difference_at_low)} | {whole(row.difference_at_high)} |"
        for row in result.turning.head(8).itertuples()
    ]
    one, others = "one parameter", ""
    if result.draws is not None:
        one = "one of the other parameters"
        others = " (those of the posterior stay as they are drawn, a draw for each replicate)"
    return (
        f"Difference in additional adopters ({names}), with {one} at a time at the ends of "
        f"its range{others}:\n\n" + "\n".join(lines)
    )


def next_steps(result: Comparison, command: str) -> str:
    """The command that repeats this, and what one would try next."""
    effects = moments_of(result.settings.table).region_effects
    known = [r for r in result.plan.experiment.recipe.regions if r in effects]
    other = next(r for r in effects if r not in known) if len(known) < len(effects) else known[0]
    return (
        f"```\n{command}\n```\n\nThen: another region (`region={other}`), "
        f"{another_table(result)}{another_size(result)}one's own scenario "
        "(copy a file of `scenarios/`, change a number, name it in `scenarios=[…]`), another value of a "
        "parameter in the table above (`parameters.<name>=<value>`)."
    )


def another_table(result: Comparison) -> str:
    """The corrected table, where the parameters do not come from a posterior made with the other."""
    return "" if result.draws is not None else "the corrected table (`table=reconciled`), "


def another_size(result: Comparison) -> str:
    """How to try another cohort size, where there is a cohort."""
    cohorts = [n for n, s in result.plan.scenarios.items() if s.levers.support == "cluster"]
    return f"another cohort size (`changes.{cohorts[0]}.cohort_size=15`), " if cohorts else ""
