"""A search for policies in plain words, for whoever has to choose one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from cpdiffusion.outcomes.catalogue import CATALOGUE, HEADLINE, Outcome
from cpdiffusion.outcomes.paired import Interval
from cpdiffusion.studies.optimise.aims import PAID, aim_sign, aim_words
from cpdiffusion.studies.optimise.levers_searched import values_of_scenario
from cpdiffusion.studies.optimise.policy_words import comparing, policy_words, split
from cpdiffusion.studies.words import amount, percent

if TYPE_CHECKING:
    from cpdiffusion.studies.optimise.optimised import Optimised

MOST_STEPS = 10  # of the main line that are told
MEASURE_WORDS = {
    "mean": "the best mean",
    "regret": "the smallest largest regret",
    "satisficing": "good enough in most draws",
}
SETTLED = 0.01  # of the final hypervolume


def words_of(result: Optimised, policy: int) -> str:
    """A policy in words, the levers that do not vary among them."""
    name = result.names[policy]
    references = result.problem.ground.scenarios
    scenario = references[name if name in references else result.problem.start]
    levers, instruments = split(result.levers[policy])
    enacted = {key: e.strength for key, e in scenario.instruments.items()}
    shown = {
        name: value
        for name, value in {**scenario.levers.model_dump(), **levers}.items()
        if name in levers or name in SHOWN
    }
    several = len(result.problem.experiment.recipe.regions) > 1
    return policy_words(shown, {**enacted, **instruments}, " per region" if several else "")


SHOWN = ("support", "cohort_size", "subsidy_rate", "integrated_safety", "targeting", "budget_mkrw_per_year")


def level(result: Optimised, policy: int, aim: int) -> str:
    """The mean of an aim with its interval and unit."""
    outcome = CATALOGUE[result.problem.aims[aim]]
    return f"{within(result.interval(policy, aim))} {outcome.unit}"


def within(found: Interval, sign: bool = False) -> str:
    """An estimate with its interval in brackets."""

    def shown(value: float) -> str:
        return ("+" if sign and value > 0 else "") + amount(value)

    if math.isnan(found.low):
        return shown(found.estimate)
    return f"{shown(found.estimate)} ({shown(found.low)} to {shown(found.high)})"


# --- in one paragraph ----------------------------------------------------------------------------


def answer(result: Optimised) -> str:
    """What was found, in two or three sentences."""
    tried, front = len(result.result.found.shares), len(result.order)
    aims = ", ".join(aim_words(aim) for aim in result.problem.aims)
    if not front:
        return f"None of {tried:,} policies does better than the scenarios in one of: {aims}."
    are = "is" if front == 1 else "are"
    found = f"Of {tried:,} policies, {front:,} {are} not beaten by another in all of: {aims}."
    return " ".join([found, *_against(result)])


def _against(result: Optimised) -> Iterator[str]:
    """The best policy in the first aim that is no worse than the last reference in the second."""
    reference = result.number_of_references - 1
    means = result.held_out.mean(axis=1)[:, :2] * result.problem.signs[:2]
    able = [k for k in range(reference + 1, len(means)) if means[k, 1] >= means[reference, 1]]
    name, second = result.names[reference], result.problem.aims[1]
    held = f"{_no_worse(second)} than '{name}' ({_roughly(result, reference, 1)})"
    if not able:
        yield f"None of them comes with {held}."
        return
    best = max(able, key=lambda k: means[k, 0])
    yield (
        f"With {held}, {result.names[best]} does best in {label(CATALOGUE[result.problem.aims[0]])}: "
        f"{words_of(result, best)}. It comes to {level(result, best, 0)} for {_roughly(result, best, 1)}; "
        f"'{name}' comes to {level(result, reference, 0)}, a difference of "
        f"{within(result.over(best, reference, 0), sign=True)}."
    )


def _roughly(result: Optimised, policy: int, aim: int) -> str:
    unit = CATALOGUE[result.problem.aims[aim]].unit
    return f"{amount(float(result.held_out[policy, :, aim].mean()))} {unit}"


def _no_worse(aim: str) -> str:
    return f"no {'less' if aim_sign(aim) > 0 else 'more'} {label(CATALOGUE[aim])}"


def label(outcome: Outcome) -> str:
    """What an outcome is called, without what stands in brackets."""
    return outcome.label.partition(" (")[0]


# --- the summary ---------------------------------------------------------------------------------


def summary(result: Optimised, command: str) -> str:
    """The whole summary as Markdown."""
    return "\n\n".join(_parts(result, command)) + "\n"


def _parts(result: Optimised, command: str) -> Iterator[str]:
    yield "# Policies that no other beats"
    yield answer(result)
    if not len(result.order):
        return
    yield _how_to_read(result)
    yield "## Step by step: " + _main_words(result) + "\n\n" + _steps(result)
    yield "## Which measure picks which policy\n\n" + _picks(result)
    yield "## Every policy by all three measures\n\n" + _measures(result)
    yield "## How far to trust it\n\n" + _trust(result)
    yield "## What it assumes, and what it cannot say\n\n" + _caveats(result)
    yield "## Where to go on\n\n" + _next(result, command)


def _how_to_read(result: Optimised) -> str:
    asked = result.settings.optimise
    chance = (
        f"{asked.held_out_draws:,} draws of the parameters from what the evidence leaves open"
        if result.settings.posterior.file else f"{asked.held_out_draws:,} runs with fixed parameters"
    )  # fmt: skip
    return (
        f"All figures are means over {chance}, none of which the search has seen, with 90 % intervals of the "
        "mean in brackets. All policies are run on the same firms with the same luck."
    )


def _main_words(result: Optimised) -> str:
    first, second = result.problem.aims[:2]
    return f"{aim_words(first)}, {aim_words(second)}"


def _per_unit(result: Optimised) -> str:
    first, second = result.problem.aims[:2]
    if first == HEADLINE and second in PAID:
        return "each further adopter costs (million KRW)"
    return f"{label(CATALOGUE[second])} per further unit of the first"


def _steps(result: Optimised) -> str:
    line = _thinned(result.main_line)
    if not line:
        return "No policy of the front stands against the references in the two main aims."
    head = [f"{label(CATALOGUE[aim])} ({CATALOGUE[aim].unit})" for aim in result.problem.aims[:2]]
    rows = [["policy", "what it is", *head, _per_unit(result)]]
    for before, k in zip([None, *line], line, strict=False):
        cost = "" if before is None else _cost(result.step(k, before))
        cells = [within(result.interval(k, aim)) for aim in (0, 1)]
        rows.append([result.names[k], words_of(result, k), *cells, cost])
    return _table(rows) + "\n\n" + _steps_note(result, line)


def _cost(found: Interval) -> str:
    """What a step costs; not clear where its interval holds zero."""
    return within(found) if found.excludes_zero else f"{amount(found.estimate)} (not clear)"


def _steps_note(result: Optimised, line: Sequence[int]) -> str:
    left_out = len(result.main_line) - len(line)
    more = f" {left_out} more lie between them (`front.csv`)." if left_out else ""
    return (
        "These are the policies that no other beats in both main aims; the last column is the price of going "
        f"from the row above to this one. {_others(result)}{more}"
    )


def _others(result: Optimised) -> str:
    further = " or ".join(label(CATALOGUE[aim]) for aim in result.problem.aims[2:])
    if not further:
        return "The other policies of the front are beaten in both under the new draws."
    return f"The other policies of the front are there for {further}, or are beaten under the new draws."


def _thinned(line: Sequence[int]) -> list[int]:
    """At most MOST_STEPS, both ends among them."""
    if len(line) <= MOST_STEPS:
        return list(line)
    return [line[round(k)] for k in np.linspace(0, len(line) - 1, MOST_STEPS)]


def named(result: Optimised) -> dict[int, list[str]]:
    """Policies to name, with what they are named for."""
    found: dict[int, list[str]] = {}
    for measure, policy in result.picks.items():
        found.setdefault(policy, []).append(MEASURE_WORDS[measure])
    if result.main_line:
        ends = result.main_line[0], result.main_line[-1]
        means = result.held_out.mean(axis=1)
        for aim in (1, 0):
            best = max(ends, key=lambda k: means[k, aim] * result.problem.signs[aim])
            found.setdefault(best, []).append(f"{_superlative(result.problem.aims[aim])}")
    return found


def _superlative(aim: str) -> str:
    return f"{'most' if aim_sign(aim) > 0 else 'least'} {label(CATALOGUE[aim])} on the main line"


def _picks(result: Optimised) -> str:
    lines = []
    for policy, why in named(result).items():
        aims = "; ".join(
            f"{label(CATALOGUE[name])} {level(result, policy, a)}"
            for a, name in enumerate(result.problem.aims)
        )
        lines.append(f"- **{result.names[policy]}** ({', '.join(why)}): {words_of(result, policy)}. {aims}.")
    return "\n".join([*lines, "", _definitions(result)])


def _definitions(result: Optimised) -> str:
    searched = {"mean": "mean", "regret": "largest regret", "satisficing": "share good enough"}
    first = result.names[0]
    thresholds = result.settings.optimise.thresholds
    stated = ", ".join(
        f"{label(CATALOGUE[a])} {'at least' if aim_sign(a) > 0 else 'at most'} {amount(v)}"
        for a, v in thresholds.items()
    )
    rest = f"no worse than '{first}' in the same draw"
    enough = f"{stated}; in other aims {rest}" if stated else rest
    return (
        "*Mean*: every aim from its worst (0) to its best (1) among these policies, averaged over aims that "
        "count alike and over draws. *Regret*: what a policy loses to the best of these policies in the same "
        "draw, in the worst draw and aim, as a share of the aim's range (Savage 1951). *Good enough*: the "
        f"share of draws in which all aims are met at once: {enough} (Starr 1963). They need not agree, and "
        "where they do not, the choice is one of values: average gain, protection against regret, or a "
        f"promise that is kept. This search itself followed the {searched[result.settings.optimise.robust]}, "
        "aim by aim, without any weights" + _regret_of_the_search(result) + "."
    )


def _regret_of_the_search(result: Optimised) -> str:
    if result.settings.optimise.robust != "regret":
        return ""
    return ", against the best of all candidates and scenarios seen up to each generation"


def _measures(result: Optimised) -> str:
    aims = [label(CATALOGUE[aim]) for aim in result.problem.aims]
    head = ["policy", *aims, "mean score", *(f"largest regret: {a}" for a in aims[:2]), "worst regret",
            "good enough in", "beaten by"]  # fmt: skip
    measures, rows = result.measures, [head]
    for k, name in enumerate(result.names):
        values = [amount(v) for v in result.held_out[k].mean(axis=0)]
        regrets = [amount(v) for v in result.regrets[k, :2]]
        rows.append([
            name, *values, f"{measures['mean'][k]:.2f}", *regrets, f"{measures['regret'][k]:.2f}",
            percent(measures["satisficing"][k]), _beaten(result, k),
        ])  # fmt: skip
    return _table(rows)


def _beaten(result: Optimised, policy: int) -> str:
    found = str(result.front.beaten_by[policy]).split()
    return ", ".join(found[:2]) + (f" and {len(found) - 2} more" if len(found) > 2 else "")


def _trust(result: Optimised) -> str:
    return "\n".join(f"- {line}" for line in (_fallen(result), _flattered(result), _settled(result)))


def _fallen(result: Optimised) -> str:
    first = result.number_of_references
    fallen = [result.names[k] for k in range(first, len(result.names)) if not result.stands[k]]
    if not fallen:
        return "Every policy of the front is still unbeaten under draws that the search has not seen."
    return (
        f"{len(fallen)} of {len(result.order)} policies were on the front in the search and are beaten by "
        f"another under new draws ({', '.join(fallen)}): they owed their place to luck."
    )


def _flattered(result: Optimised) -> str:
    outcome = CATALOGUE[result.problem.aims[0]]
    return (
        "The best of many is partly the luckiest (the optimiser's curse, Smith & Winkler 2006). In the "
        f"search the front's lead over '{result.names[0]}' in {label(outcome)} was "
        f"{_changed(result.lost[0])} {outcome.unit} on average than it is here; which draws "
        "were taken has its part in that."
    )


def _changed(by: float) -> str:
    return f"larger by {amount(by)}" if by >= 0.0 else f"not larger, but smaller by {amount(-by)}"


def _settled(result: Optimised) -> str:
    gain, number = result.late_gain, len(result.generations)
    if math.isnan(gain):
        return "Whether the search has settled cannot be told."
    verdict = (
        "so it has about settled" if gain <= SETTLED
        else "so a longer search would still find better ones: raise optimise.generations"
    )  # fmt: skip
    return (
        f"The last quarter of {number} generations added {100 * gain:.1f} % to the hypervolume (the part of "
        f"all combinations of aims that some policy beats; `generations.csv`), {verdict}."
    )


def _caveats(result: Optimised) -> str:
    problem, found = result.problem, result.result.found
    regions = len(problem.experiment.recipe.regions)
    lines = [
        "The search began with the scenarios themselves, as far as the levers that vary can express them.",
        f"Levers that do not vary, such as the years of the programme, are those of '{problem.start}'.",
        "The levers are searched only within the ranges that were asked for; a policy at the end of a "
        "range may be better beyond it.",
        "What instruments do and cost is assumed, not measured (`cpdiffusion study=parameters`). A policy "
        "that rests on one is as good as that assumption.",
        "Two policies whose intervals overlap are not told apart by them, but by a paired comparison, as "
        "below. The intervals do not allow for having looked at many policies.",
        "An unbeaten policy is not yet a good one: which of them to choose depends on how much the aims are "
        "worth to each other, and the model does not know that.",
    ]
    if found.reasons:
        lines.append(f"{len(found.reasons):,} candidates cannot be run, the first because: "
                     f"{next(iter(found.reasons.values()))}")  # fmt: skip
    if regions > 1:
        lines.append(f"Each of the {regions} regions has the same budget and the same levers; how to split "
                     "one budget over regions is not searched here.")  # fmt: skip
    if result.settings.posterior.file is None:
        lines.append("Parameters are fixed: robust means robust against chance only, not against what is not "
                     "known of the parameters.")  # fmt: skip
    return "\n".join(f"- {line}" for line in lines)


def _next(result: Optimised, command: str) -> str:
    lines = ["Each named policy against the first scenario, with reasons and turning points:", "", "```"]
    lines += [f"# {result.names[k]}\n{compare_command(result, k, command)}" for k in named(result)]
    return "\n".join([*lines, "```"])


def compare_command(result: Optimised, policy: int, command: str) -> str:
    """What runs a policy of the front as a comparison."""
    problem, settings = result.problem, result.settings
    base = settings.baseline or (settings.scenarios[0] if len(settings.scenarios) > 1 else "none")
    scenarios = list(dict.fromkeys([base, settings.scenarios[-1]]))
    posterior = settings.posterior.file is not None
    own = values_of_scenario(problem.ground.scenarios[problem.start], problem.factors)
    changed = {key: value for key, value in result.levers[policy].items() if value != own[key]}
    return comparing(command, scenarios, problem.start, changed, posterior)


def _table(rows: Sequence[Sequence[str]]) -> str:
    head, *rest = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([head, "|" + "---|" * len(rows[0]), *rest])
