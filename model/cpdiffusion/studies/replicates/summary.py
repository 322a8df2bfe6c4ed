"""How many replicates are enough, in plain words."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cpdiffusion.outcomes.catalogue import CATALOGUE, HEADLINE
from cpdiffusion.studies.replicates.enough import TOLERANCE
from cpdiffusion.studies.replicates.study import MAIN_POWER, POWERS, SEEDS, draws_for, is_told, power_column
from cpdiffusion.studies.words import amount, percent

if TYPE_CHECKING:
    from cpdiffusion.studies.replicates.study import Enough


def answer(found: Enough) -> str:
    """The recommended number and what it rests on."""
    row, what = found.row(), _what(found)
    if not found.varies:
        return (
            f"The difference in additional adopters ({found.pair[0]} over {found.pair[1]}) is the same in "
            f"all {row.run:,} {what}: it does not vary, and more of them would add nothing."
        )
    power, alpha = MAIN_POWER
    parts = [
        f"To know the difference in additional adopters ({found.pair[0]} over {found.pair[1]}) to "
        f"±{amount(found.asked)} firms (90 % interval) takes {_number(row.for_half_width_at_most)} {what}; "
        f"to find a true difference of {amount(found.asked)} firms with {percent(power)} power at the "
        f"{percent(alpha)} level {_number(row[power_column(power, alpha)])}; its spread is {_stable(row)}."
    ]
    parts.append(_recommended(found))
    parts.append(_worth(row.unpaired_times))
    return " ".join(parts)


def _recommended(found: Enough) -> str:
    if found.recommended is None:
        return (
            f"No number can be recommended from the {int(found.row().run)} that were run: run more, with "
            "replicates.at_most."
        )
    decides = max(found.wanted, key=lambda name: found.wanted[name])
    if not found.drawn:
        return f"Recommended: {found.recommended:,} replicates, for the sake of {decides}."
    each = found.seeds_per_draw
    return (
        f"Recommended: {found.recommended:,} draws of {each} replicates each, {found.recommended * each:,} "
        f"replicates in all, for the sake of {decides}."
    )


def _worth(times: float) -> str:
    if times < 1.0:
        return "Pairing by common random numbers did not help here."
    return f"Without common random numbers it would take {times:.1f} times as many."


def _what(found: Enough) -> str:
    return f"draws of {found.seeds_per_draw} replicates" if found.drawn else "replicates"


def _number(value: Any) -> str:
    return f"{int(value):,}" if is_told(value) else "–"


def _stable(row: Any) -> str:
    """From where on a spread is stable, in words."""
    if not row.sd > 0.0:
        return "does not vary"
    if not is_told(row.stable_from):
        return f"not yet stable within the {row.run:,} that were run"
    return f"stable from {int(row.stable_from):,} on"


# --- the summary ---------------------------------------------------------------------------------


def summary(found: Enough, command: str) -> str:
    """The whole summary as Markdown."""
    return "\n\n".join(_parts(found, command)) + "\n"


def _parts(found: Enough, command: str) -> Iterator[str]:
    yield "# How many replicates are enough"
    yield answer(found)
    yield "## By outcome\n\n" + _by_outcome(found)
    if found.varies:
        yield "## Power\n\n" + _power(found)
    yield "## Whether the spread is stable\n\n" + _stability(found)
    if found.drawn:
        yield "## Draws, and seeds under each\n\n" + _draws(found)
    yield "## What this cannot say\n\n" + _caveats(found)
    yield "## Where to go on\n\n" + _next(found, command)


def _by_outcome(found: Enough) -> str:
    share = found.share_asked
    others = f"; of the other outcomes to the same share of their larger level, {100.0 * share:.1f} %"
    head = (
        f"Of the difference between {found.pair[0]} and {found.pair[1]}, asked to ±{amount(found.asked)} "
        f"firms{others if is_told(share) else ''}. Numbers are {_what(found)}, counted with the spread at "
        "the upper end of its own interval. *Unpaired*: how many times as many two separate sets of runs "
        "would need.\n\n"
        "| outcome | difference (90 % interval) | asked to ± | enough | unpaired |\n|---|---|---|---|---|\n"
    )
    return head + "\n".join(_outcome_row(found, outcome) for outcome in found.levels)


def _outcome_row(found: Enough, outcome: str) -> str:
    row, about = found.row(outcome), CATALOGUE[outcome]
    times = f"{row.unpaired_times:.1f} times" if is_told(row.unpaired_times) else "–"
    cells = (
        f"{about.label} ({about.unit})", f"{amount(row['mean'])} ({amount(row.low)} to {amount(row.high)})",
        amount(row.asked), _number(row.for_half_width_at_most), times,
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _power(found: Enough) -> str:
    row = found.row()
    head = (
        f"The fewest {_what(found)} with which a two-sided t test of the paired difference finds a true "
        f"difference of {amount(found.asked)} firms ({row.effect_size_asked:.2f} standard deviations; the "
        f"difference that was seen is {row.effect_size:.2f}). Secchi & Seri (2017) ask agent-based models "
        "for 95 % at the 1 % level.\n\n"
        "| power | level | enough |\n|---|---|---|\n"
    )
    rows = [f"| {percent(p)} | {percent(a)} | {_number(row[power_column(p, a)])} |" for p, a in POWERS]
    return head + "\n".join(rows)


def _stability(found: Enough) -> str:
    frame = found.table
    unit = "draw" if found.drawn else "replicate"
    head = (
        f"The {unit} from which the standard deviation, over the first n, is never again further than "
        f"{percent(TOLERANCE)} from that of all (variance stability, after Lee et al. 2015). *Variation*: "
        "the standard deviation in parts of the mean.\n\n| outcome | of | variation | spread "
        "|\n|---|---|---|---|\n"
    )
    rows = [
        f"| {CATALOGUE[r.outcome].label} | {r.quantity} | {amount(r.variation)} | {_stable(r)} |"
        for r in frame.itertuples()
    ]
    return head + "\n".join(rows)


def _draws(found: Enough) -> str:
    noise = found.noise(HEADLINE)
    told = [(seeds, draws_for(found, seeds)) for seeds in SEEDS]
    head = (
        "Replicates under one draw of the parameters are not independent, so draws are counted. Of the "
        f"variance of the difference between runs {percent(noise.share_parameters)} comes from the "
        f"parameters, and more seeds under a draw take nothing from it. For ±{amount(found.asked)} "
        "firms:\n\n"
        "| seeds under each draw | draws | replicates in all |\n|---|---|---|\n"
    )
    rows = [
        f"| {seeds} | {_number(draws)} | {_number(None if draws is None else draws * seeds)} |"
        for seeds, draws in told
    ]
    return (
        head
        + "\n".join(rows)
        + (
            "\n\nFewest seeds under a draw cost the fewest runs; two are the fewest that tell chance from "
            "parameters."
        )
    )


def _caveats(found: Enough) -> str:
    lines = [
        "- More replicates narrow what chance leaves open. They do not narrow what the assumptions leave "
        "open (study=sensitivity) nor whether the model is right.",
        f"- A difference of {amount(found.asked)} firms is what replicates.half_width asks for; whether it "
        "matters is for the planner to say. A large enough number finds differences that are of no use.",
        "- At other settings the spread is another one: ask again where they are far from these.",
    ]
    needs = {outcome: found.row(outcome).for_half_width_at_most for outcome in found.levels}
    told = {outcome: number for outcome, number in needs.items() if is_told(number)}
    most = max(told, key=lambda outcome: told[outcome], default=HEADLINE)
    if most != HEADLINE and told[most] > told.get(HEADLINE, 0):
        lines.append(
            f"- {CATALOGUE[most].label.capitalize()} needs more for its interval: {_number(told[most])}."
        )
    return "\n".join(lines)


def _next(found: Enough, command: str) -> str:
    words = [w for w in shlex.split(command) if w.partition("=")[0] not in ("study", "out", "overwrite")]
    kept = [w for w in words[1:] if not w.startswith(("replicates.at_", "factors."))]

    def line(study: str, *more: str) -> str:
        return shlex.join([words[0], f"study={study}", *kept, *more])

    if not found.varies:
        return f"```\n{line('compare')}\n```"
    if found.recommended is None:
        return f"```\n{line('replicates', f'replicates.at_most={4 * found.work.replicates}')}\n```"
    number = found.recommended * found.seeds_per_draw
    lines = [line("compare", f"replicates.at_least={number}", f"replicates.at_most={number}")]
    if not found.drawn:
        lines.append(line("sweep", "factors.levers.cohort_size=", f"sweep.replicates={number}"))
    return (
        "```\n"
        + "\n".join(lines)
        + "\n```\n"
        + (
            "A comparison stops by itself once its interval is as narrow as replicates.half_width asks. In "
            "a sweep so many are needed only where each point is read alone; an index or an average over "
            "many points needs far fewer at each."
        )
    )
