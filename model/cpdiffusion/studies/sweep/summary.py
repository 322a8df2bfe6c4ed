"""A sweep in plain words."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from cpdiffusion.factors.factor import Factor
from cpdiffusion.outcomes.catalogue import CATALOGUE
from cpdiffusion.studies.sweep.study import Effort
from cpdiffusion.studies.words import amount, percent

if TYPE_CHECKING:
    from cpdiffusion.studies.sweep.swept import Swept

FEW = 8  # failures, points that are named


def dry_run_text(effort: Effort) -> str:
    """How much there is to do, before it is done."""
    work = effort.work
    names = ", ".join(work.ground.scenarios)
    lines = [
        f"{len(work.points):,} points x {len(work.ground.scenarios)} scenarios ({names}) x "
        f"{work.replicates:,} replicates = {effort.runs:,} runs.",
        f"About {duration(effort.seconds)} on {counted(effort.workers, 'worker')} and "
        f"{size(effort.size_bytes)} of results, measured on the first point.",
    ]
    if effort.done:
        lines.append(f"{effort.runs - effort.runs_to_do:,} runs are done; the same command without "
                     "sweep.dry_run goes on.")  # fmt: skip
    return "\n".join(lines)


def duration(seconds: float) -> str:
    """A time span in words."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def size(of: float) -> str:
    """A size in words."""
    return f"{of / 1e9:,.1f} GB" if of >= 1e9 else f"{max(of / 1e6, 0.1):,.1f} MB"


def counted(number: int, what: str) -> str:
    """A number of things."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def answer(result: Swept) -> str:
    """What was found, in one or two sentences."""
    if result.main_pair is None:
        return f"{_extent(result)}."
    if result.main.empty:
        return f"{_extent(result)}; no point could be computed (see ledger.csv)."
    return f"{_extent(result)}. {_difference(result)}"


def _extent(result: Swept) -> str:
    w = result.work
    runs = len(w.points) * w.replicates * len(w.ground.scenarios)
    return f"{counted(len(w.points), 'point')} of {counted(len(result.factors), 'factor')}, {runs:,} runs"


def _difference(result: Swept) -> str:
    rows, (scenario, baseline) = result.main, result.main_pair or ("", "")
    more = int((rows.difference_low > 0).sum())
    fewer = int((rows.difference_high < 0).sum())
    outcome = CATALOGUE[result.outcome]
    low, middle, high = rows.difference.quantile([0.0, 0.5, 1.0])
    return (
        f"In {outcome.label} '{scenario}' is above '{baseline}' at {counted(more, 'point')} of {len(rows):,} "
        f"(90 % interval above zero), below at {fewer:,}, not told apart at {len(rows) - more - fewer:,}; "
        f"the difference runs from {low:+.3g} to {high:+.3g} {outcome.unit}, with a median of {middle:+.3g}."
    )


# --- the summary ---------------------------------------------------------------------------------


def summary(result: Swept, command: str, out: Path) -> str:
    """The whole summary as Markdown."""
    return "\n\n".join(_parts(result, command, out)) + "\n"


def _parts(result: Swept, command: str, out: Path) -> Iterator[str]:
    yield "# Sweep"
    yield answer(result)
    yield "## What varied\n\n" + _factors(result)
    if result.failed:
        yield "## What could not be computed\n\n" + _failed(result)
    yield "## What this does not say\n\n" + _caveats(result)
    yield "## Where to go on\n\n" + _next(result, command, out)


def _factors(result: Swept) -> str:
    head = "| factor | values | status | goes along with the difference | lowest and highest mean |\n"
    rows = ["|---|---|---|---|---|"]
    found = result.associations.set_index("factor") if result.associations is not None else None
    for factor in result.factors:
        told = ("–", "–")
        if found is not None:
            row = found.loc[factor.key]
            told = (_share(row.share, row.correlation), f"{row.lowest_mean:+.3g} to {row.highest_mean:+.3g}")
        cells = (factor.key, values_words(factor), factor.known.status, *told)
        rows.append(f"| {' | '.join(cells)} |")
    note = (
        "\n\n*Goes along with*: the share of the variance of the difference between points that lies between "
        "equal values of the factor, or between equal parts of its range; in brackets the rank correlation. "
        "The means are those of such groups. Shares of factors that act together overlap."
    )
    return head + "\n".join(rows) + note


def _share(share: float, correlation: float) -> str:
    if share != share:
        return "–"
    return percent(share) + ("" if correlation != correlation else f" ({correlation:+.2f})")


def values_words(factor: Factor) -> str:
    """A range or values, with their unit."""
    unit = f" {factor.known.unit}" if factor.known.unit else ""
    if factor.is_range:
        return f"{amount(factor.low)} to {amount(factor.high)}{unit}"
    shown = ", ".join(str(value) for value in factor.values[:FEW])
    return shown + (" …" if len(factor.values) > FEW else "") + unit


def _failed(result: Swept) -> str:
    lines = [f"- point {point}: {why}" for point, why in sorted(result.failed.items())[:FEW]]
    more = len(result.failed) - len(lines)
    lines += [f"- and {more:,} more"] if more > 0 else []
    return "\n".join([*lines, "", "`ledger.csv` holds, for each of them, the command that repeats it."])


def _caveats(result: Swept) -> str:
    assumed = [f.key for f in result.factors if f.known.status == "assumed"]
    lines = [
        "- Points fill the ranges evenly. How many of them favour a policy is no probability that it is "
        "better: for that, draw parameters from a posterior (parameters=posterior).",
    ]
    if assumed:
        lines.append(f"- The ranges of {', '.join(assumed)} are assumed, not measured.")
    return "\n".join(lines)


def _next(result: Swept, command: str, out: Path) -> str:
    words = [w for w in shlex.split(command) if w.partition("=")[0] not in ("study", "out", "overwrite")]
    kept = [w for w in words[1:] if not w.startswith("sweep.")]

    def line(study: str, *more: str) -> str:
        return shlex.join([words[0], f"study={study}", *kept, *more])

    sql = f"select scenario, avg({result.outcome}) from results group by scenario"
    lines = [
        "```",
        line("sensitivity"),
        line("discover"),
        f"python -c \"import cpdiffusion as cpd; print(cpd.open_results('{out}').query('{sql}'))\"",
        "```",
        "The first says which factors the difference depends on, alone and together; the second under which "
        "conditions the answer turns; the third asks the runs anything in SQL (`runs`, `points`, and both "
        "joined as `results`).",
    ]
    return "\n".join(lines)
