"""What ``study=allocate`` found, in plain words, and what must not be concluded from it."""

from __future__ import annotations

from typing import Any

from cpdiffusion.outcomes.paired import CONFIDENCE
from cpdiffusion.studies.allocate.regions import LEVEL, clean_effects, effect_sd, effects
from cpdiffusion.studies.allocate.run import ADOPTERS, BENEFIT
from cpdiffusion.studies.allocate.splits import (
    BEST,
    EVEN,
    ROBUST,
    SCORED,
    TITLES,
    TODAY,
    Shares,
    super_scores,
)
from cpdiffusion.studies.allocate.study import Allocation
from cpdiffusion.studies.allocate.tables import AS_ESTIMATED, WITHOUT
from cpdiffusion.studies.efficiency.sets import rows_of_table4
from cpdiffusion.studies.words import amount, percent

Row = dict[str, Any]
WORDS = {ADOPTERS: "additional adopters", BENEFIT: "million KRW of additional benefit"}


# --- the answer ----------------------------------------------------------------------------------


def answer(result: Allocation) -> str:
    """What the best split gains on held-out seeds, how surely, and what it hinges on; some sentences."""
    found = comparison(result)
    outcome = result.settings.allocate.benefit
    best, robust = found[AS_ESTIMATED, BEST, outcome], found[AS_ESTIMATED, ROBUST, outcome]
    even = found[AS_ESTIMATED, EVEN, outcome]
    of = result.asked
    start = (
        f"With {of.budget_mkrw:,.0f} million KRW a year for {of.years} years over {len(of.regions)} "
        f"regions, the split that is best on average ({words_of(result, BEST)}) gains "
        f"{amount(best['gain'])} {WORDS[outcome]}, the even split {amount(even['gain'])}"
    )
    clean, robust_clean = (found[WITHOUT, name, outcome] for name in (BEST, ROBUST))
    return " ".join([
        f"{start}: {verdict(best)}",
        f"Much of it hinges on few rows: where regions differ as they do without the outlier rows of Table 4 "
        f"({listed(outliers(result))}), the same split gains {over(clean)} over the even one.",
        f"The split with the least regret ({words_of(result, ROBUST)}) gains {over(robust)} over the even "
        f"one, and {over(robust_clean)} without those rows.",
    ])  # fmt: skip


def verdict(row: Row) -> str:
    """Whether a gain over the even split is more than noise."""
    if row["over_even_low"] == row["over_even_high"] == 0.0:
        return "exactly the same in every held-out run, so moving money gains nothing here."
    sure = f"on {percent(row['share_of_draws_better'])} of the held-out draws it does better"
    if row["over_even_low"] > 0.0:
        return f"{over(row)} on held-out seeds, an interval that excludes zero; {sure}."
    if row["over_even_high"] < 0.0:
        return f"{over(row)} on held-out seeds: it does worse than the even split, beyond chance; {sure}."
    return (
        f"{over(row)} on held-out seeds. The interval does not exclude zero: the split found is not shown "
        f"to be better than the even one; {sure}."
    )


def over(row: Row) -> str:
    """``59 more (90 % interval 51 to 67)``."""
    value = row["over_even"]
    ends = f"{amount(row['over_even_low'])} to {amount(row['over_even_high'])}".replace("-", "−")
    return f"{amount(abs(value))} {'more' if value >= 0 else 'less'} ({percent(CONFIDENCE)} interval {ends})"


def comparison(result: Allocation) -> dict[tuple[str, str, str], Row]:
    """Rows of splits.csv by assumption, split and outcome."""
    rows = result.frame("splits").to_dict("records")
    return {(str(r["regions_differ"]), str(r["split"]), str(r["outcome"])): r for r in rows}


def words_of(result: Allocation, split: str) -> str:
    """Who gets what in a split, largest first."""
    options = sorted(result.splits[split].items(), key=lambda item: -item[1][1])
    paid = [f"{name.title()} {mkrw:,.0f}" for name, (_, mkrw) in options if mkrw > 0.0]
    nothing = [name.title() for name, (_, mkrw) in options if mkrw == 0.0]
    return ", ".join(paid) + (f"; nothing for {listed(nothing)}" if nothing else "")


def listed(names: list[str] | tuple[str, ...]) -> str:
    """Names in a sentence."""
    return ", ".join(names) or "none"


def outliers(result: Allocation) -> list[str]:
    """Rows of Table 4 that are called outliers."""
    return list(rows_of_table4(result.settings.table).outliers)


# --- the summary ---------------------------------------------------------------------------------


def summary(result: Allocation, command: str) -> str:
    """The whole summary as Markdown."""
    parts = [
        f"# Where the next won should go\n\n{answer(result)}",
        splits_part(result),
        regions_part(result),
        why_part(result),
        curse_part(result),
        kinds_part(result),
        how_part(result),
        NOT,
        FILES,
        f"```\n{command}\n```",
    ]
    return "\n\n".join(parts) + "\n"


def splits_part(result: Allocation) -> str:
    """All splits beside the even one."""
    found, outcome = comparison(result), result.settings.allocate.benefit
    lines = [
        "## The splits on seeds and draws that no choice has seen\n",
        "| split | additional adopters | over the even split | better in | additional benefit, million KRW "
        "| over the even split | over the even split without outlier rows, adopters | largest regret |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in result.splits:
        adopters, benefit = (found[AS_ESTIMATED, name, o] for o in (ADOPTERS, BENEFIT))
        clean = found[WITHOUT, name, ADOPTERS]
        even = name == EVEN
        lines.append(
            f"| {TITLES[name]} | {amount(adopters['gain'])} | {'–' if even else short(adopters)} | "
            f"{'–' if even else percent(adopters['share_of_draws_better'])} | {amount(benefit['gain'])} | "
            f"{'–' if even else short(benefit)} | {'–' if even else short(clean)} | "
            f"{amount(float(result.regrets[name].max()))} |"
        )
    text = (
        f"In brackets {percent(CONFIDENCE)} intervals of the mean over "
        f"{result.settings.allocate.held_out_draws} draws, paired: every split runs on the same worlds with "
        "the same draws. *Better in*: share of draws in which the split gains more than the even one. "
        "*Largest regret*: what it loses at most, over the draws it was chosen by, to the split that would "
        f"be best in that draw, in {UNIT[outcome]}. Luck of single seeds makes it somewhat too large for "
        "all."
    )
    return "\n".join(lines) + f"\n\n{text}"


UNIT = {ADOPTERS: "additional adopters", BENEFIT: "million KRW"}


def short(row: Row) -> str:
    """``+59 (51 to 67)``."""
    sign = "+" if row["over_even"] >= 0 else "−"
    ends = f"{amount(row['over_even_low'])} to {amount(row['over_even_high'])}"
    return f"{sign}{amount(abs(row['over_even']))} ({ends})".replace("-", "−")


def regions_part(result: Allocation) -> str:
    """Who gets what, and what the next money would add there."""
    table = result.table
    shown = (EVEN, TODAY, SCORED, BEST, ROBUST)
    lines = [
        "## Who gets what, and what the next 100 million KRW would add\n",
        f"| region | {' | '.join(TITLES[name] for name in shown)} |",
        f"|---|{'---|' * len(shown)}",
    ]
    for region in result.asked.regions:
        rows = {r["split"]: r for r in table[table.region == region].to_dict("records")}
        cells = " | ".join(cell(rows[name]) for name in shown)
        lines.append(f"| {region.title()} | {cells} |")
    even = {r["region"]: r for r in table[table.split == EVEN].to_dict("records")}
    slopes = {name: float(row["marginal_adopters_per_100_mkrw"]) for name, row in even.items()}
    low, high = (pick(slopes, key=lambda name: slopes[name]) for pick in (min, max))
    return "\n".join(lines) + (
        "\n\nMillion KRW a year; in brackets the additional adopters that a further 100 million KRW would "
        f"bring there. In the even split that is {slopes[low]:.1f} in {low.title()} and {slopes[high]:.1f} "
        f"in {high.title()}: what differs between regions is what moving money can gain. Within a region it "
        f"falls slowly ({falling(result)}), so splits that differ much can gain nearly the same. "
        f"{prices_words(result)}"
    )


def prices_words(result: Allocation) -> str:
    """How much each region that is paid matters to the best split."""
    unit = WORDS[result.settings.allocate.benefit]
    told = ", ".join(f"{name.title()} {amount(price)}" for name, price in result.prices.items())
    return (
        f"If one of the regions that it pays got nothing, the best split would lose so many {unit}: {told}."
    )


def cell(row: Row) -> str:
    """``600 (1.5)``."""
    return f"{row['budget_mkrw_per_year']:,.0f} ({row['marginal_adopters_per_100_mkrw']:.1f})"


def falling(result: Allocation) -> str:
    """How far the gain of the next money falls along the curve of one region."""
    region = max(result.splits[BEST], key=lambda r: result.splits[BEST][r][1])
    kind = result.splits[BEST][region][0]
    c = result.frame("curves")
    steps = c[(c.region == region) & (c.kind == kind)].step_adopters_per_100_mkrw.dropna().to_numpy()
    top = float(c[(c.region == region) & (c.kind == kind)].budget_mkrw_per_year.max())
    return (
        f"{region.title()}: from {steps[0]:.1f} for the first step to {steps[-1]:.1f} for the last one up to "
        f"{top:,.0f} million KRW a year"
    )


def why_part(result: Allocation) -> str:
    """How regions differ in the model, and how unsure that is."""
    table = result.settings.table
    now, clean = effects(table), clean_effects(table)
    lines = [
        "## What it rests on\n",
        "In the model regions differ in the return of their firms and in their key sectors, and in nothing "
        "else; all have the same number of firms. The return is estimated from the rows of Table 4, "
        "partially pooled:\n",
        "| region | difference of its mean log return | standard deviation left open | without outlier "
        "rows |",
        "|---|---|---|---|",
        *(
            f"| {name.title()} | {signed(now[name])} | {effect_sd(name, table):.2f} | {signed(clean[name])} |"
            for name in result.asked.regions
        ),
    ]
    drawn = (
        "What is left open is drawn anew in every draw of the parameters, so it is part of all intervals "
        "and of the regret."
        if result.settings.allocate.unsure_regions
        else "It is held at its estimate (allocate.unsure_regions=false), so intervals are too narrow."
    )
    return "\n".join(lines) + f"\n\n{drawn}"


def signed(value: float) -> str:
    """``+0.35``, ``−0.05``."""
    return f"{value:+.2f}".replace("-", "−")


def curse_part(result: Allocation) -> str:
    """What was promised on the replicates chosen by, and what was kept on others."""
    outcome = result.settings.allocate.benefit
    row = comparison(result)[AS_ESTIMATED, BEST, outcome]
    promised, kept = row["promised_over_even"], row["over_even"]
    fell = (
        f"on the others {amount(kept)}: what is missing may be luck that was picked"
        if kept < promised
        else f"on the others {amount(kept)}: no luck was picked that shows"
    )
    return (
        "## Why other seeds\n\nThe best of many options looks better than it is where luck enters: one "
        "picks luck along with merit (the optimiser's curse). So the splits were chosen on "
        f"{result.asked.trained[1]} runs and judged on {result.asked.held_out[1]} others, under other "
        f"draws. On the runs it was chosen by the best split gained {amount(promised)} {WORDS[outcome]} "
        f"over the even one; {fell}."
    )


def kinds_part(result: Allocation) -> str:
    """One kind of support per region, and what that may cost."""
    kinds = {result.splits[BEST][r][0] for r in result.asked.regions if result.splits[BEST][r][1] > 0.0}
    every = [f"'{result.asked.plan.titles[k]}'" for k in result.asked.kinds]
    titles = listed([f"'{result.asked.plan.titles[k]}'" for k in sorted(kinds)])
    gain, outcome = result.mixing_gains, result.settings.allocate.benefit
    more = (
        "no mixture would gain more than one kind"
        if gain < 0.5
        else f"mixtures would gain {amount(gain)} {WORDS[outcome]} more on the runs chosen by"
    )
    return (
        f"## Which kind of support\n\nThe best split uses {titles}. One programme runs in a region at a "
        "time: the model cannot run two kinds side by side in one region, so each region gets one of "
        f"{listed(every)} (or nothing). If the gains of two kinds in one region simply added up, {more}. "
        "The three fixed splits use in every region the kind that gains more at its budget, so what is "
        "compared is the split and not the kind."
    )


def how_part(result: Allocation) -> str:
    """Where parameters, today's split and scores come from."""
    of, settings = result.asked, result.settings
    today = "investment" if settings.allocate.today == "investment" else "number of firms"
    scores: Shares = super_scores(settings.table)
    told = ", ".join(f"{name.title()} {scores[name]:.2f}" for name in of.regions)
    aim = (
        "The aim is additional adopters: they hang on fewer assumptions than benefits, whose horizon is "
        "not known and whose sum a few lucky years decide. The other outcome is reported beside it."
        if settings.allocate.benefit == ADOPTERS
        else "The aim is the additional total benefit; additional adopters are reported beside it."
    )
    floor = settings.allocate.least_mkrw_per_year
    least = f" Every region is left with {floor:,.0f} million KRW a year at least." if floor else ""
    return (
        f"## How\n\n{parameters_words(result)} {aim} Budgets of a region were tried in steps from "
        f"{of.unit_mkrw:,.0f} million KRW a year, the same worlds and draws at each.{least} *Today's split* "
        f"is each region's mean {today} per listed year in Table 4, as public money is not printed there. "
        "*Split by efficiency scores* gives in proportion to the super-efficiency of study=efficiency "
        f"({told}); scores of 1 would hardly tell the regions apart."
    )


def parameters_words(result: Allocation) -> str:
    """Where the parameters come from."""
    of = result.asked
    if of.plan.posterior is not None:
        fixed = " (its level of returns was fixed by a setting)" if LEVEL in of.settings.parameters else ""
        return f"Parameters were drawn from the posterior of the calibration{fixed}."
    reason = f" {of.without_posterior}" if of.without_posterior else ""
    return (
        f"The model was *not* calibrated for this run: parameters are the registry's values.{reason} What "
        "the evidence leaves open about them is not in the intervals."
    )


NOT = """\
## What must not be concluded

- **Not that the gain is proven.** Held-out seeds test the choice within the model, not the model: how the
  regions differ, and how firms decide, is taken to be as estimated.
- **Not that the regions that get nothing should be given up.** The split gains on average over all regions;
  fairness, a minimum for each and regional law are not in it. `allocate.least_mkrw_per_year` sets a floor.
- **Not that these regions are better by nature.** They reported higher returns, by themselves, over one year
  (Gwangju) to eight.
- **Not that money can be moved at once**: advisers, offices and willing firms are taken to be there.
- **Not the size of the region.** All regions have the same assumed number of firms; a larger region is
  exhausted later than the curves say, a smaller one sooner.
- **Not that the average is what comes.** An interval of the mean says nothing about one history."""

FILES = """\
## Files

- `allocation.csv`: split and region: kind of support, budget, gain on held-out seeds, gain of more money
- `splits.csv`: each split's gain and its paired difference to the even one, with and without outlier rows
- `curves.csv`: gain over budget for every region and kind
- `allocation.png`, `curves.png`, `marginal.png`: who gets what, the curves, and what more money adds"""
