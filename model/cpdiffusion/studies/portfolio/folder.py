"""The result folder of ``study=portfolio``: table, figure, and the answer in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from cpdiffusion.behaviour.classic import Behaviour
from cpdiffusion.instruments.catalogue import CATALOGUE
from cpdiffusion.outcomes.paired import CONFIDENCE, Interval
from cpdiffusion.parameters import BY_NAME
from cpdiffusion.studies.folder import Job
from cpdiffusion.studies.portfolio.study import (
    BASE,
    Candidates,
    Members,
    Portfolio,
    candidates,
    run_portfolio,
)
from cpdiffusion.studies.settings import Settings
from cpdiffusion.world.regions import REGIONS

SHOWN = 12  # combinations and pairs in the summary
SAID = 5  # combinations left out that are named on the terminal


def portfolio_to_folder(settings: Settings, scenario_folder: Path, command: str) -> Path:
    """Run the study and write its result folder; prints the number of runs, the answer and where it is."""
    asked = candidates(settings, scenario_folder)
    job = Job(settings, command)
    print(announcement(asked), flush=True)
    result = run_portfolio(asked)
    return job.finish(partial(write, result), summary(result, command), headline(result), drawn(asked))


def write(result: Portfolio, folder: Path) -> None:
    """portfolio.csv, and portfolio.png if figures are asked for."""
    result.table.to_csv(folder / "portfolio.csv", index=False, float_format="%.10g")
    if result.candidates.settings.figures:
        from cpdiffusion.plots import portfolio, save

        instruments = result.candidates.instruments
        figure = save.figure(portfolio.WIDTH_INCHES, portfolio.height_inches(instruments))
        portfolio.portfolio_panels(figure, result.table, instruments)
        save.save(figure, folder / "portfolio.png")


def drawn(asked: Candidates) -> dict[str, Any]:
    """What the settings came to, and how much was drawn to answer them."""
    return {
        **asked.plan.asked,
        "instruments": list(asked.instruments),
        "budget_mkrw_per_region": asked.budget_mkrw,
        "combinations": len(asked.tried) - 1,
        "left_out": {"+".join(members): reason for members, reason in asked.left_out.items()},
        "replicates": asked.settings.portfolio.replicates,
    }


def announcement(asked: Candidates) -> str:
    """How much there is to run, and what is not."""
    start = (
        f"{len(asked.tried) - 1:,} combinations of {len(asked.instruments)} instruments, and the base alone, "
        f"{asked.settings.portfolio.replicates} replicates each: {asked.runs:,} runs."
    )
    reasons = list(asked.left_out.values())
    lines = [f"left out, with all that holds them: {reason}" for reason in reasons[:SAID]]
    more = [f"left out: {len(reasons) - SAID} more, see summary.md"] if len(reasons) > SAID else []
    return "\n".join([start, *lines, *more])


# --- the answer ----------------------------------------------------------------------------------


def headline(result: Portfolio) -> str:
    """The best combination within the budget, how sure, and what beats it only with more money."""
    asked, best = result.candidates, next(iter(result.within_budget), None)
    base = f"'{asked.plan.titles[asked.base]}'"
    start = (
        f"In {places(asked)} over {asked.settings.horizon_years} years{under_rule(asked)}, with "
        f"{asked.budget_mkrw:,.0f} million KRW of public money per region,"
    )
    if best is None:
        return f"{start} no combination of instruments with {base} stays within the budget."
    found = result.effect(best)
    if not found.low > 0.0:
        return (
            f"{start} no combination of instruments that stays within it clearly does better than {base} "
            f"alone; the best is {named(best)}: {firms(found)}."
        )
    return f"{start} {base} gains most from {named(best)}: {firms(found)}. {runner_up_sentence(result)}"


def runner_up_sentence(result: Portfolio) -> str:
    """How surely the best is better than the second."""
    best, *others = result.within_budget
    if not others:
        return "No other combination stays within the budget."
    chance = 100 * result.chance(best, others[0])
    return (
        f"It does better than the runner-up, {named(others[0])}, in {chance:.0f} of 100 simulated regions if "
        "the assumed numbers hold."
    )


def firms(found: Interval) -> str:
    """An effect in words."""
    return (
        f"{found.estimate:+.0f} additional adopters ({CONFIDENCE:.0%} interval {found.low:+.0f} to "
        f"{found.high:+.0f})"
    )


def named(members: Members) -> str:
    """A combination in words."""
    return " + ".join(member.replace("_", " ") for member in members) or "the base alone"


def places(asked: Candidates) -> str:
    """Where it is, as a sentence goes on."""
    names = [REGIONS[r].name if r in REGIONS else r for r in asked.plan.experiment.recipe.regions]
    return " and ".join(names) if len(names) < 4 else f"{len(names)} regions"


def under_rule(asked: Candidates) -> str:
    """Which rule firms without an offer follow, if not the main one."""
    behaviour = asked.plan.experiment.behaviour
    return "" if behaviour == Behaviour.PEER_BENEFIT else f" under {behaviour.words}"


# --- the summary ---------------------------------------------------------------------------------


def summary(result: Portfolio, command: str) -> str:
    """The whole summary as Markdown."""
    return "\n\n".join(_parts(result, command)) + "\n"


def _parts(result: Portfolio, command: str) -> Iterator[str]:
    yield headline(result)
    yield f"**What this is not.** {caveats(result)}"
    yield "## The combinations\n\n" + best_table(result)
    if any(len(members) == 2 for members in result.ranking):
        yield "## What helps or hinders each other\n\n" + pairs_words(result)
    yield "## The money\n\n" + money_words(result)
    yield "## The instruments\n\n" + instruments_table(result)
    if result.candidates.left_out:
        yield "## Left out\n\n" + left_out_words(result.candidates)
    yield "## Again, and further\n\n" + next_steps(result, command)


def caveats(result: Portfolio) -> str:
    """What the numbers cannot tell."""
    used = {name for member in result.candidates.instruments for name in CATALOGUE[member].parameters}
    status = [BY_NAME[name].status for name in used]
    return (
        "All effects of instruments are assumed numbers: the sources name these systems and hardly give a "
        f"figure. Of the {len(used)} parameters behind the instruments tried here, {status.count('assumed')} "
        "are assumed, and most of their ranges begin at no effect. So the order of the combinations is the "
        "order of our assumptions, worked out with their costs and with each other; it is no evidence that "
        "one instrument works better than another. The intervals are those of the simulation, not of the "
        "assumptions. And the best of many is partly lucky: its own figure is flattered, so run it again "
        "with another seed."
    )


def best_table(result: Portfolio) -> str:
    """The base and the best combinations, those beyond the budget marked."""
    head = (
        "| combination | additional adopters over the base | public money | per additional adopter | "
        "total benefit | interaction |\n|---|---:|---:|---:|---:|---:|"
    )
    chosen = dict.fromkeys([*result.ranking[:SHOWN], *result.within_budget[:SHOWN]])
    ordered = [BASE, *(members for members in result.ranking if members in chosen)]
    rows = dict(zip([BASE, *result.ranking], result.table.to_dict("records"), strict=True))
    lines = [_line(result, members, rows[members]) for members in ordered]
    return "\n".join([head, *lines]) + (
        "\n\n\\* spends more than the budget on average. Additional adopters and interaction are paired "
        f"differences with {CONFIDENCE:.0%} intervals; money and benefit are in million KRW, means over "
        f"{result.candidates.settings.portfolio.replicates} replicates in all regions; the cost is public "
        f"money per adopter that there would not be without any policy. All {len(result.ranking):,} "
        "combinations are in `portfolio.csv`."
    )


def _line(result: Portfolio, members: Members, row: dict[str, Any]) -> str:
    over = result.effect(members) if members else None
    together = result.interaction(members) if len(members) > 1 else None
    cells = [
        named(members) + (" \\*" if row["over_budget"] else ""), _cell(over),
        f"{row['public_money_mkrw']:,.0f}", f"{row['cost_per_additional_adopter_mkrw']:,.1f}",
        f"{row['total_benefit_mkrw']:,.0f}", _cell(together),
    ]  # fmt: skip
    return f"| {' | '.join('–' if cell == 'nan' else cell for cell in cells)} |"


def _cell(found: Interval | None) -> str:
    return "" if found is None else f"{found.estimate:+.1f} ({found.low:+.1f} to {found.high:+.1f})"


def pairs_words(result: Portfolio) -> str:
    """Pairs whose interaction is clear, the largest first."""
    pairs = [members for members in result.ranking if len(members) == 2]
    meaning = (
        "The interaction is the effect of a pair minus the sum of the effects of its members alone: above "
        "zero they help each other, below zero one makes part of the other superfluous, or together they "
        "leave the programme too little money."
    )
    found = {pair: result.interaction(pair) for pair in pairs}
    clear = sorted((p for p in pairs if found[p].excludes_zero), key=lambda p: -abs(found[p].estimate))
    lines = [f"- {named(pair)}: {_cell(found[pair])}" for pair in clear[:SHOWN]]
    end = f"{len(clear)} of {len(pairs)} pairs have an interval that excludes zero"
    chance = (
        f"; about {(1 - CONFIDENCE) * len(pairs):.0f} would by chance alone if no pair had any interaction."
    )
    return "\n\n".join([meaning, *(["\n".join(lines)] if lines else []), end + chance])


def money_words(result: Portfolio) -> str:
    """What is paid from what."""
    asked = result.candidates
    beyond = len(result.ranking) - len(result.within_budget)
    free = [member for member in asked.instruments if CATALOGUE[member].cost is None]
    words = (
        f"Each region has {asked.budget_mkrw:,.0f} million KRW for the whole run. The planned running costs "
        "of a combination's instruments come out of it, and the programme has what is left, in equal parts "
        "over its years. Subsidies that instruments pay follow demand, and money that other programmes pool "
        f"comes on top: neither can be planned, so {beyond:,} of {len(result.ranking):,} combinations spend "
        "more than the budget on average; they are marked and never the best."
    )
    costless = (
        f" Running these costs the public nothing here, which is an assumption too and puts them ahead: "
        f"{', '.join(map(_plain, free))}."
    )
    return words + (costless if free else "")


def _plain(name: str) -> str:
    return name.replace("_", " ")


def instruments_table(result: Portfolio) -> str:
    """What each instrument is, and what running it costs."""
    tried = result.candidates.tried
    own = tried[BASE].running_costs_mkrw
    lines = ["| instrument | what it is | source | running costs |", "|---|---|---|---:|"]
    for member in result.candidates.instruments:
        costs = f"{tried[member,].running_costs_mkrw - own:,.0f}" if (member,) in tried else "not run"
        instrument = CATALOGUE[member]
        lines.append(f"| {_plain(member)} | {instrument.title} | {instrument.source} | {costs} |")
    return "\n".join(lines) + "\n\nRunning costs are in million KRW per region over the run."


def left_out_words(asked: Candidates) -> str:
    """Combinations that were not run, with the reason."""
    lines = [f"- {reason}" for reason in asked.left_out.values()]
    return "With all larger combinations that hold them:\n\n" + "\n".join(lines)


def next_steps(result: Portfolio, command: str) -> str:
    """The command that repeats this, and how the best is tried again."""
    best = next(iter(result.within_budget), result.candidates.instruments[:1])
    seed = result.candidates.settings.seed + 1
    return (
        f"```\n{command}\n```\n\nThen: the best alone with other draws "
        f"(`portfolio.instruments=[{','.join(best)}] seed={seed} portfolio.replicates=200`), another budget "
        "(`portfolio.budget_mkrw=…`), another base (`scenarios=[individual]`), an assumed effect at the end "
        "of its range (`parameters.<name>=<value>`; `study=parameters` lists them)."
    )
