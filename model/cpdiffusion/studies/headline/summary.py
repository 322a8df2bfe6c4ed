"""The headline finding in words: one or two sentences to read aloud, then what they rest on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cpdiffusion.outcomes.paired import CONFIDENCE
from cpdiffusion.studies import left_open
from cpdiffusion.studies.compare.summary import (
    caveats,
    money_words,
    turn_case,
    turn_sentence,
    turning_words,
    where,
    why_words,
)
from cpdiffusion.studies.headline.study import Headline
from cpdiffusion.studies.words import amount

if TYPE_CHECKING:
    import pandas as pd

SHOWN = (
    "supported_firms", "supported_adopters", "spillover_adopters", "private_investment_mkrw",
    "total_benefit_mkrw", "emissions_avoided_tco2_per_year",
)  # fmt: skip
COST = "cost_per_additional_adopter_mkrw"
NAMED = 3  # parameters in a sentence
SEEN_IN_PRACTICE = (6, 40)  # firms per cohort in the sources: Sweden from 6, Table 4 up to Gwangju's 40
LEAST = 0.05  # firms: a smaller difference is none
OPEN = 0.05  # a probability nearer than this to 0 or 1 is taken as clear


def finding(result: Headline) -> str:
    """How much better and how sure; then through what, at which size, and what would turn it."""
    reasons = [reason(result), best_range(result), dependence(result), turn(result)]
    return f"{how_much(result)} {'; '.join(part for part in reasons if part)}."


def how_much(result: Headline) -> str:
    """The difference, its range over the posterior, and the probability that cohorts are better."""
    row, (cohorts, alone) = result.table.iloc[0], titles(result)
    comparison = result.comparison
    money = money_words(comparison.plan.experiment.designs[comparison.plan.main_pair[0]])
    return (
        f"{where(comparison)}{money}, the scenario {cohorts} reaches {many(row.difference)} additional "
        f"adopters {'as' if same(row.difference) else 'than'} {alone} ({row.mean_scenario:.0f} against "
        f"{row.mean_baseline:.0f}; {span(row.expected_p05, row.expected_p95)} in 90 of 100 cases that the "
        f"evidence leaves open), and {sureness(row.probability_better_on_average)}."
    )


def same(difference: float) -> bool:
    """Whether a difference would be written as none."""
    return abs(difference) < LEAST


def many(difference: float) -> str:
    """How many more or fewer."""
    if same(difference):
        return "as many"
    return f"{whole(abs(difference))} {'more' if difference > 0 else 'fewer'}"


def span(low: float, high: float) -> str:
    """A range of differences."""
    if low * high > 0 and not (same(low) or same(high)):
        near, far = sorted((abs(low), abs(high)))
        return f"{whole(near)} to {whole(far)} {'more' if low > 0 else 'fewer'}"
    return many(low) if same(low) and same(high) else f"{many(low)} to {many(high)}"


def sureness(probability: float) -> str:
    """Whether cohorts do better on average, with the probability."""
    told = left_open.probability(probability)
    if math.isnan(probability):
        return "how surely cannot be told"
    if OPEN <= probability <= 1.0 - OPEN:
        return f"which of them does better on average is open: the probability is {told} that cohorts do"
    return f"the probability that cohorts do better on average is {told}"


def reason(result: Headline) -> str:
    """The channel with the largest share, as the beginning of a sentence."""
    if result.why is None or result.why.empty:
        return ""
    largest = result.why.iloc[result.why.share.abs().argmax()]
    if same(largest.share):
        return ""
    return f"The largest part comes through '{largest.words}' ({largest.share:+.0f} adopters)"


def best_range(result: Headline) -> str:
    """Which sizes do about as well as the best."""
    first, last = as_good(result)
    sizes, begins = result.sizes.sizes, not reason(result)
    best = sizes[result.sizes.best_on_average]
    if (first, last) == (sizes[0], sizes[-1]):
        return f"{'A' if begins else 'a'}ll cohort sizes tried, from {first} to {last}, do about as well"
    start = "Of" if begins else "of"
    found = f"{start} the sizes tried cohorts of {best} firms do best"
    return found if first == last else f"{found}, and those of {first} to {last} about as well"


def dependence(result: Headline) -> str:
    """The estimated parameter on which the difference depends most."""
    clear = depends_clearly(result)
    return "" if clear.empty else f"the difference depends most on the {clear.meaning.iloc[0]}"


def turn(result: Headline) -> str:
    """What turns the answer, if it is clear: an estimated parameter first, then an assumed one."""
    probability = result.table.probability_better_on_average[0]
    if result.turning is None or not (probability < OPEN or probability > 1.0 - OPEN):
        return ""
    cases = [*map(end_case, result.depends_on[result.depends_on.turns].itertuples())]
    cases += map(turn_case, result.turning[result.turning.turns].itertuples())
    if not cases:
        return "no single parameter, moved alone over its range, turns the answer"
    return f"it would turn, or no longer be clear, if {cases[0]}"


def end_case(row: Any) -> str:
    """The end of an estimated parameter's draws at which the difference has the other sign."""
    low = abs(row.difference_at_low) < abs(row.difference_at_high)  # the mean lies between the ends
    return f"`{row.parameter}` ({row.meaning}) were {amount(row.low if low else row.high)} {row.unit}"


def as_good(result: Headline) -> tuple[int, int]:
    """The sizes around the best that lose at most a twentieth of its difference on average."""
    table, best = result.cohort_sizes, result.sizes.best_on_average
    good = (table.behind_best <= OPEN * abs(table.difference[best])).to_numpy()
    first = last = best
    while first > 0 and good[first - 1]:
        first -= 1
    while last < len(good) - 1 and good[last + 1]:
        last += 1
    return int(table.cohort_size[first]), int(table.cohort_size[last])


def titles(result: Headline) -> tuple[str, str]:
    """Both scenarios as they are called within a sentence."""
    plan = result.comparison.plan
    cohorts, alone = (f"'{plan.titles[name]}'" for name in plan.main_pair)
    size = result.sizes.chosen
    return (cohorts if str(size) in cohorts else f"{cohorts} ({size} firms per cohort)"), alone


def whole(value: float) -> str:
    """A number of firms; small ones with a decimal."""
    return f"{value:.0f}" if abs(value) >= 3 else f"{value:.1f}"


# --- the summary ---------------------------------------------------------------------------------


def summary(result: Headline, command: str) -> str:
    """The whole summary as Markdown."""
    return "\n\n".join(_parts(result, command)) + "\n"


def _parts(result: Headline, command: str) -> Iterator[str]:
    yield finding(result)
    yield "## How much\n\n" + amount_words(result)
    yield "## How sure\n\n" + left_open.words(result.comparison, "headline.csv")
    if result.why is not None and len(result.why):
        yield "## Through which channels\n\n" + why_words(result.why, result.comparison.plan.titles)
    yield "## Which cohort size\n\n" + size_words(result)
    yield "## What would turn it\n\n" + "\n\n".join(turn_parts(result))
    yield "## What this cannot say\n\n" + limits(result)
    yield "## Again, and further\n\n" + next_steps(result, command)


def amount_words(result: Headline) -> str:
    """Levels and difference of the main outcomes, and what an additional adopter costs."""
    table, (cohorts, alone) = result.table.set_index("outcome"), titles(result)
    lines = [f"| outcome | unit | {cohorts} | {alone} | difference |", "|---|---|---:|---:|---:|"]
    lines += [_line(table.loc[outcome]) for outcome in (table.index[0], *SHOWN)]
    comparison = result.comparison
    costs = [comparison.row(name, COST)["mean"] for name in comparison.plan.main_pair]
    each = (
        f"An additional adopter costs {costs[0]:,.0f} million KRW of public money in cohorts and "
        f"{costs[1]:,.0f} singly."
    )
    return (
        "\n".join(lines)
        + f"\n\nMeans; in brackets the {percent()} interval of the mean difference, which "
        f"more runs would narrow. {each if all(map(math.isfinite, costs)) else ''}".rstrip()
    )


def _line(row: Any) -> str:
    span = f"{amount(row.difference_low)} to {amount(row.difference_high)}"
    return (
        f"| {row.label} | {row.unit} | {amount(row.mean_scenario)} | {amount(row.mean_baseline)} "
        f"| {amount(row.difference)} ({span}) |"
    )


def percent() -> str:
    """The confidence of all intervals."""
    return f"{CONFIDENCE:.0%}".replace("%", " %")


# --- sizes ---------------------------------------------------------------------------------------


def size_words(result: Headline) -> str:
    """The best size, how open it is, what the scenario's own size loses, and the table."""
    uneven = result.best_size.set_index("figure").estimate["unevenness"]
    return "\n\n".join([size_sentences(result), size_table(result), SIZE_NOTES.format(uneven=uneven)])


def size_sentences(result: Headline) -> str:
    """Best on average, best under single draws, and regret."""
    best = result.best_size.set_index("figure")
    average, by_draw = best.loc["best_on_average"], best.loc["best_by_draw"]
    first, last = as_good(result)
    return (
        f"Averaged over everything that is not known, cohorts of {average.estimate:.0f} do best of the sizes "
        f"tried; those from {first} to {last} lose at most a twentieth of the difference. Under single draws "
        f"of the parameters the best size is {by_draw.estimate:.0f} in the middle and lies between "
        f"{by_draw.low:.0f} and {by_draw.high:.0f} in {percent()} of draws{at_the_ends(result)}. "
        f"{regret_sentence(result)}"
    )


def at_the_ends(result: Headline) -> str:
    """Whether the best size may lie outside of what was tried."""
    best, sizes = result.best_size.set_index("figure").estimate, result.sizes.sizes
    small, large = best["share_best_at_smallest"], best["share_best_at_largest"]
    if not small and not large:
        return "; in none is it the smallest or largest size tried"
    ends = [(small, f"smallest tried ({sizes[0]})"), (large, f"largest tried ({sizes[-1]})")]
    told = " and ".join(f"in {100 * share:.0f} % it is the {which}" for share, which in ends if share)
    return f"; {told}, so that it may lie beyond"


def regret_sentence(result: Headline) -> str:
    """What choosing the scenario's size costs."""
    best, chosen = result.best_size.set_index("figure"), result.sizes.chosen
    behind, lost = best.loc[f"behind_best_of_{chosen}"], best.loc[f"regret_of_{chosen}"]
    if behind.estimate == 0.0:
        average = f"{chosen} is that size"
    else:
        average = (
            f"{chosen} loses {behind.estimate:.1f} adopters to it ({percent()} interval {behind.low:.1f} to "
            f"{behind.high:.1f})"
        )
    return (
        f"To choose: {average}; to the size that would be best if every number were known it loses "
        f"{lost.estimate:.1f} on average ({lost.low:.1f} to {lost.high:.1f} in {percent()} of draws)."
    )


def size_table(result: Headline) -> str:
    """A line per size."""
    lines = [
        "| firms per cohort | firms supported | difference | expected difference, range | better on average "
        "| best in | behind the best |",
        "|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in result.cohort_sizes.itertuples():
        mean = f"{row.difference:+.1f} ({row.difference_low:+.1f} to {row.difference_high:+.1f})"
        lines.append(
            f"| {row.cohort_size} | {row.supported_firms:.0f} | {mean} "
            f"| {left_open.whole(row.expected_p05)} to {left_open.whole(row.expected_p95)} "
            f"| {left_open.probability(row.probability_better_on_average)} | {100 * row.share_best:.0f} % "
            f"| {row.behind_best:.1f} |"
        )
    return "\n".join(lines)


SIZE_NOTES = (
    "Every size spends the same money on the same worlds. *Difference*: additional adopters over individual "
    f"support, with the {percent()} interval of the mean. *Best in*: share of draws of the parameters in "
    "which the size does best, from a smooth curve over size for each draw: the luck of its few runs is "
    "taken out, as it would make the best size jump, and so is how well whole cohorts happen to fit this "
    "budget (here ± {uneven:.1f} adopters from size to size). *Behind the best*: adopters lost on average to "
    "the size that is best on average."
)


# --- what would turn it --------------------------------------------------------------------------


def turn_parts(result: Headline) -> Iterator[str]:
    """First what was estimated and drawn, then what is assumed."""
    yield depends_sentence(result)
    if len(result.depends_on):
        yield depends_table(result)
    if result.turning is not None:
        yield f"{turn_sentence(result.comparison)} {turning_runs(result)}"
        yield turning_words(result.comparison)


def turning_runs(result: Headline) -> str:
    """On how many draws this rests, and what the difference is over these."""
    assert result.turning is not None
    first = result.turning.iloc[0]
    return (
        f"This is tried with one run under each of the first {first.replicates} draws, over which the "
        f"difference is {left_open.whole(first.difference_at_default)} with every parameter as it stands."
    )


def depends_sentence(result: Headline) -> str:
    """Which drawn parameters the difference depends on, and whether any of them turns it."""
    found = result.depends_on
    if found.empty:
        return "There are too few different draws to tell which of the estimated parameters it depends on."
    clear = depends_clearly(result).head(NAMED)
    if clear.empty:
        return "On none of the estimated parameters does the difference clearly depend."
    cases = [f"`{r.parameter}` ({r.meaning}; {percent_of(r.share)})" for r in clear.itertuples()]
    turns = found[found.turns]
    ends = (
        "within the range in which it was drawn, none of them alone turns the sign"
        if turns.empty
        else f"the sign turns at an end of the draws of {', '.join(f'`{n}`' for n in turns.parameter)}"
    )
    return (
        f"Of what was estimated, the difference depends most on {', '.join(cases)}; in brackets what each "
        f"makes of the variance between draws. As a straight line has it, {ends}."
    )


def depends_clearly(result: Headline) -> pd.DataFrame:
    """The estimated parameters whose effect has a clear sign, the largest share first."""
    found = result.depends_on
    return found[(found.per_sd_from > 0) | (found.per_sd_to < 0)]


def percent_of(share: float) -> str:
    """A share in per cent; what luck took below 0 is 0, what it took above 1 is 1."""
    return "an unknown share" if math.isnan(share) else f"{100 * min(max(share, 0.0), 1.0):.0f} %"


def depends_table(result: Headline) -> str:
    """A line per drawn parameter."""
    lines = [
        "| estimated parameter | drawn from ... to | difference at the low end | at the high end | share |",
        "|---|---|---:|---:|---:|",
    ]
    for r in result.depends_on.itertuples():
        lines.append(
            f"| {r.meaning} (`{r.parameter}`) | {amount(r.low)} to {amount(r.high)} {r.unit} "
            f"| {ranged(r.difference_at_low, r.difference_at_low_from, r.difference_at_low_to)} "
            f"| {ranged(r.difference_at_high, r.difference_at_high_from, r.difference_at_high_to)} "
            f"| {percent_of(r.share)} |"
        )
    return (
        "\n".join(lines) + "\n\nFrom a linear regression over the draws, the others at their mean: the ends "
        f"are the 5 % and 95 % quantile of the draws, in brackets {percent()} intervals, *share* is that of "
        "the variance which the drawn parameters cause. Together they explain "
        f"{percent_of(result.explained)} of it; the rest are bends and interactions."
    )


def ranged(value: float, low: float, high: float) -> str:
    """A difference with its interval."""
    return f"{left_open.whole(value)} ({left_open.whole(low)} to {left_open.whole(high)})"


# --- limits --------------------------------------------------------------------------------------


def limits(result: Headline) -> str:
    """What neither the data nor the model can tell."""
    return "\n\n".join([caveats(result.comparison, "How sure"), extrapolation(result), PROBABILITY])


def extrapolation(result: Headline) -> str:
    """Which sizes nobody has tried."""
    least, most = SEEN_IN_PRACTICE
    beyond = [str(size) for size in result.sizes.sizes if not least <= size <= most]
    if not beyond:
        return OBSERVED
    return f"{OBSERVED} The sizes {', '.join(beyond)} are the model's extrapolation."


OBSERVED = (
    "Table 4 describes cohorts of 20 to 40 firms, programmes elsewhere had 6 to 16; what a cohort's size "
    "does to its cost and its learning is assumed."
)
PROBABILITY = (
    "The probability is that of the model's answer, given its equations, the parameters that are assumed and "
    "the posterior. It is not the probability that a cohort programme succeeds."
)


def next_steps(result: Headline, command: str) -> str:
    """The command that repeats this, and what one would try next."""
    return (
        f"```\n{command}\n```\n\nThen: another region (`region=busan`), another budget "
        "(`levers.budget_mkrw_per_year=1000`), other sizes (`headline.cohort_sizes=[5,10,15,20,25,30]`), an "
        "assumed parameter at the end of its range (`parameters.<name>=<value>`), and with the same "
        "posterior any other designs (`study=compare`)."
    )
