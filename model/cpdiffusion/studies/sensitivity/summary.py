"""A sensitivity study in plain words."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cpdiffusion.factors.factor import Factor
from cpdiffusion.outcomes.catalogue import CATALOGUE
from cpdiffusion.studies.sensitivity.design import GRID_LEVELS
from cpdiffusion.studies.sensitivity.indices import FEWEST_GROUPS
from cpdiffusion.studies.sensitivity.study import METHODS, Sensitivity, Stage, ranked
from cpdiffusion.studies.sensitivity.table import (
    LITTLE,
    labels_of,
    may_stay,
    morris_table,
    one_number,
    sobol_table,
    title_of_quantity,
    turning_table,
)
from cpdiffusion.studies.sweep.summary import counted, duration
from cpdiffusion.studies.words import amount, percent

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 12  # rows of a table
NAMED = 3  # factors that the answer names
MUCH_NOISE = 0.1  # share of the variance from which more replicates are asked for
WIDE = 0.15  # half an interval from which more samples are asked for
NOTHING_HANDED_ON = (
    "Not run: the screening handed on no factor, so Sobol's indices were not computed. Name factors, and "
    "sensitivity.method=sobol, to compute them all the same."
)
ONE_SAMPLE = {"morris": "trajectory", "sobol": "base sample", "oat": "point"}
SAMPLES = {"morris": "trajectories", "sobol": "base samples", "oat": "points"}


def dry_run_text(points: Mapping[str, int], runs_per_point: int, seconds: float) -> str:
    """How much there is to do, before it is done."""
    lines = [f"{METHODS[name]}: {number:,} points" for name, number in points.items()]
    total = sum(points.values())
    lines.append(f"{total:,} points x {runs_per_point:,} runs = {total * runs_per_point:,} runs, about "
                 f"{duration(seconds)} if every point needs worlds of its own; less where they are "
                 f"shared.")  # fmt: skip
    return "\n".join(lines)


def answer(result: Sensitivity) -> str:
    """What the quantity depends on, in a sentence or two."""
    what = title_of_quantity(result.main, result.asked.outcome)
    told = next(filter(None, (_by_sobol(result), _by_morris(result), _by_ends(result))), None)
    if told is None:
        return f"The {what} could not be told apart between points; see summary.md."
    return f"The {what}, depends most on {told}"


def _by_sobol(result: Sensitivity) -> str | None:
    stage = result.stage("sobol")
    frame = sobol_table(stage, result.main) if stage else None
    if frame is None or frame.empty:
        return None
    labels = labels_of(result)
    words = [
        f"{labels[row.factor]}: {percent(row.first_less_chance)} of its variance alone, "
        f"{percent(row.total_less_chance)} with all it acts together with"
        for row in frame.head(NAMED).itertuples()
    ]
    assert stage is not None
    chance = one_number(stage, result.main, "noise_share")
    return (
        f"{'; '.join(words)}. {_together(frame)} Chance makes {_little(chance)} of what was seen between "
        f"points, and is taken out of these figures.{_unsettled(frame)}"
    )


def _little(share: float) -> str:
    return "less than 1 %" if share < 0.01 else percent(share)


def _together(frame: pd.DataFrame) -> str:
    """What factors do only together, of the variance that they make."""
    left = 1.0 - float(frame.first_less_chance.sum())
    number = counted(len(frame), "factor")
    if left < 0.0:
        return f"The single shares of {number} add up to the whole and more: acting together is not seen."
    return f"Of the variance that {number} make, {percent(left)} is made by factors acting together."


def _unsettled(frame: pd.DataFrame) -> str:
    half = half_width(frame)
    return f" With so few samples a share may be off by ±{100 * half:.0f} points." if half > WIDE else ""


def half_width(frame: pd.DataFrame) -> float:
    """Half the widest interval of a total share."""
    return 0.5 * float((frame.total_high - frame.total_low).max())


def _by_morris(result: Sensitivity) -> str | None:
    stage = result.stage("morris")
    frame = morris_table(stage, result.main) if stage else None
    if frame is None or frame.empty or frame.mu_star.max() == 0:
        return None
    labels, unit = labels_of(result), CATALOGUE[result.asked.outcome].unit
    words = [f"{labels[row.factor]} ({amount(row.mu_star)} {unit})" for row in frame.head(NAMED).itertuples()]
    return (
        f"{'; '.join(words)}: so far does each move it on average over its whole range, whatever the others."
    )


def _by_ends(result: Sensitivity) -> str | None:
    stage = result.stage("oat")
    frame = turning_table(stage, result.main, {}) if stage else None
    if frame is None or frame.empty:
        return None
    labels, unit = labels_of(result), CATALOGUE[result.asked.outcome].unit
    words = [
        f"{labels[row.parameter]} ({amount(row.difference_at_low)} {unit} at {_value(row.low)}, "
        f"{amount(row.difference_at_high)} at {_value(row.high)})"
        for row in frame.head(NAMED).itertuples()
    ]
    return f"{'; '.join(words)}, moved one at a time."


# --- the summary ---------------------------------------------------------------------------------


def summary(result: Sensitivity, command: str, out: Path) -> str:
    """The whole summary as Markdown."""
    return "\n\n".join(_parts(result, command, out)) + "\n"


def _parts(result: Sensitivity, command: str, out: Path) -> Iterator[str]:
    yield "# Sensitivity"
    yield answer(result)
    yield _varied(result)
    if stage := result.stage("oat"):
        yield "## One at a time\n\n" + _ends(result, stage)
    if stage := result.stage("morris"):
        yield "## All moved together (Morris)\n\n" + _screened(result, stage)
    if stage := result.stage("sobol"):
        yield "## Alone and together (Sobol)\n\n" + _shares(result, stage)
    elif "sobol" in result.asked.methods:
        yield "## Alone and together (Sobol)\n\n" + NOTHING_HANDED_ON
    yield "## What may stay at its default\n\n" + _stay(result)
    yield "## What chance contributes\n\n" + _chance(result)
    if any(stage.failed or _left_out(stage, result) for stage in result.stages):
        yield "## What could not be computed\n\n" + _failed(result)
    yield "## What this cannot say\n\n" + _caveats(result)
    yield "## Where to go on\n\n" + _next(result, command, out)


def _varied(result: Sensitivity) -> str:
    asked = result.asked
    lines = [
        f"{counted(len(asked.factors), 'factor')} varied over their ranges (`indices.csv` has every index "
        "of every factor, for the difference and for the level of each scenario), "
        f"{counted(asked.settings.sensitivity.replicates, 'replicate')} of every scenario at every point, "
        "with the same seeds at all of them."
    ]
    if asked.not_read:
        lines.append(
            f"{len(asked.not_read)} further parameters are assumed or calibrated but read by nothing here "
            f"(such as `{asked.not_read[0]}`): they belong to instruments, measures or outcomes that are "
            "not looked at."
        )
    return " ".join(lines)


def _ends(result: Sensitivity, stage: Stage) -> str:
    asked = result.asked
    frame = turning_table(stage, result.main, {})
    if frame.empty:
        return "The default itself could not be computed, so there is nothing to compare with."
    labels, unit = labels_of(result), CATALOGUE[asked.outcome].unit
    head = (
        f"With everything at its default: {amount(frame.difference_at_default.iloc[0])} {unit}. Each factor "
        f"alone at both ends of its range, the {min(SHOWN, len(frame))} with the largest swing:\n\n"
        "| factor | range | at the low end | at the high end |\n|---|---|---|---|\n"
    )
    rows = [
        f"| {labels[r.parameter]} | {_value(r.low)} to {_value(r.high)} {r.unit} | "
        f"{_with(r.difference_at_low, r.at_low_from, r.at_low_to)} | "
        f"{_with(r.difference_at_high, r.at_high_from, r.at_high_to)} |"
        for r in frame.head(SHOWN).itertuples()
    ]
    turns = [labels[r.parameter] for r in frame.itertuples() if r.turns] if result.main.baseline else []
    told = ""
    if result.main.baseline:
        told = "\n\nNo single factor takes away the sign of the difference."
    if turns:
        told = (f"\n\nAt an end of {counted(len(turns), 'factor')} the sign of the difference is no longer "
                "clear, or "
                f"the other: {'; '.join(turns)}.")  # fmt: skip
    return head + "\n".join(rows) + told


def _screened(result: Sensitivity, stage: Stage) -> str:
    frame, labels = morris_table(stage, result.main), labels_of(result)
    if frame.empty:
        return _too_few(stage, result)
    unit = CATALOGUE[result.asked.outcome].unit
    head = (
        "Each factor was moved by two thirds of its range from "
        f"{one_number(stage, result.main, 'groups'):,.0f} random places, with all others anywhere in "
        f"theirs. *Strength* (mu*): by how many {unit} the whole range moves the result on average, up or "
        "down. *Unevenness* (sigma): how much that differs between places; above the strength, the factor "
        "acts mainly together with others or not in proportion. *By chance*: the strength that luck alone "
        "would show.\n\n"
        "| factor | status | strength | direction (mu) | unevenness | by chance "
        "|\n|---|---|---|---|---|---|\n"
    )
    status = {factor.key: factor.known.status for factor in result.asked.factors}
    rows = [
        f"| {labels[r.factor]} | {status[r.factor]} | {_with(r.mu_star, r.low, r.high)} | {amount(r.mu)} | "
        f"{amount(r.sigma)} | {amount(r.by_chance)} |"
        for r in frame.head(SHOWN).itertuples()
    ]
    return head + "\n".join(rows) + _levels(result, stage)


def _levels(result: Sensitivity, stage: Stage) -> str:
    """What the levels depend on, in a line each."""
    lines, labels = [], labels_of(result)
    table = morris_table if stage.method == "morris" else sobol_table
    for quantity in stage.indices:
        frame = table(stage, quantity)
        if quantity != result.main and not frame.empty:
            names = "; ".join(labels[name] for name in frame.factor.head(NAMED))
            lines.append(f"- {title_of_quantity(quantity, result.asked.outcome)}: {names}")
    return "\n\nThe levels depend most on\n\n" + "\n".join(lines) if lines else ""


def _shares(result: Sensitivity, stage: Stage) -> str:
    frame, labels = sobol_table(stage, result.main), labels_of(result)
    if frame.empty:
        return _too_few(stage, result)
    handed = _handed_on(result, len(frame))
    head = (
        "Shares of the variance of the result over the ranges. *Alone* (S1): what would go if the factor "
        "were known. *In total* (ST): what only goes if all others were known; a factor with a total near "
        f"zero may stay at its default.{handed} *Less chance*: the same without what luck adds to the total "
        "or takes from the single shares.\n\n| factor | alone | less chance | in total | less chance "
        "|\n|---|---|---|---|---|\n"
    )
    rows = [
        f"| {labels[r.factor]} | {_with(r.first, r.first_low, r.first_high)} | {r.first_less_chance:.2f} | "
        f"{_with(r.total, r.total_low, r.total_high)} | {r.total_less_chance:.2f} |"
        for r in frame.itertuples()
    ]
    parts = [
        head + "\n".join(rows), *_pairs(result, stage), *_negative(result, stage), *_beyond_one(frame),
        *_wide(frame, result),
    ]  # fmt: skip
    return "\n\n".join(parts) + _levels(result, stage)


def _handed_on(result: Sensitivity, number: int) -> str:
    """That only some factors were looked at, and which would have been the next."""
    screened = result.stage("morris")
    if screened is None:
        return ""
    left = ranked(screened, result.main)[number:]
    if not left:
        return ""
    return (
        f" Only the {number} factors that were strongest in the screening were varied (the next would have "
        f"been {labels_of(result)[left[0].key]}); all others stayed at their defaults, and what they would "
        "add is not in these shares."
    )


def _pairs(result: Sensitivity, stage: Stage) -> Iterator[str]:
    """The strongest pair, if pairs were asked for."""
    pairs = [index for index in stage.indices[result.main] if index.name == "S2"]
    pairs.sort(key=lambda index: -index.estimate)
    keys, labels = [factor.key for factor in stage.design.factors], labels_of(result)
    for index in pairs[:1]:
        yield (
            f"Of two factors together, beyond what each does alone, {labels[keys[index.factor]]} and "
            f"{labels[keys[index.other]]} make most: {_with(index.estimate, index.low, index.high)} of the "
            "variance (S2 in `indices.csv`)."
        )


def _negative(result: Sensitivity, stage: Stage) -> Iterator[str]:
    """Negative estimates explained; they are told as they are."""
    keys = [factor.key.removeprefix("parameters.") for factor in stage.design.factors]
    found = [
        index
        for index in stage.indices[result.main]
        if index.estimate < 0.0 and index.name.partition("_")[0] in ("S1", "ST", "S2")
    ]
    if not found:
        return
    names = sorted(
        {keys[index.factor] + (f" with {keys[index.other]}" if index.other >= 0 else "") for index in found}
    )
    beyond = [index for index in found if index.high < 0.0]
    more = (
        f" {counted(len(beyond), 'interval')} even leave out zero: too few samples to be read at all."
        if beyond else ""
    )  # fmt: skip
    asked = result.asked.settings.sensitivity.base_samples
    yield (
        f"Some estimates are below zero ({', '.join(names)}). A share of a variance cannot be: these are "
        f"errors of estimation around a share that is zero or small, and are shown as they came out.{more} "
        f"More samples bring them to zero (sensitivity.base_samples={4 * asked})."
    )


def _beyond_one(frame: pd.DataFrame) -> Iterator[str]:
    if float(frame[["first", "total"]].max().max()) > 1.0:
        yield "Estimates above one are errors of estimation too: no factor makes more than the whole."


def _wide(frame: pd.DataFrame, result: Sensitivity) -> Iterator[str]:
    half = half_width(frame)
    if half > WIDE:
        asked = result.asked.settings.sensitivity.base_samples
        yield (
            f"The widest interval of a total share is ±{half:.2f}: the order of factors that are near each "
            f"other is not settled. Four times the samples halve it (sensitivity.base_samples={4 * asked})."
        )


def _too_few(stage: Stage, result: Sensitivity) -> str:
    groups = one_number(stage, result.main, "groups")
    if groups < FEWEST_GROUPS:
        return (
            f"Only {groups:.0f} {SAMPLES[stage.method]} could be computed as a whole, and no index is told "
            "from so few; narrow the ranges in which points fail (below), or ask for more."
        )
    return "No factor changes it: all points gave the same."


def _stay(result: Sensitivity) -> str:
    stage = result.stage("morris")
    if stage is not None:
        frames = {quantity: morris_table(stage, quantity) for quantity in stage.indices}
        found = {quantity: may_stay(frame) for quantity, frame in frames.items()}
        nothing = [n for n in found[result.main][0] if all(n in none for none, _ in found.values())]
        only_level = [n for n in found[result.main][0] if n not in nothing]
        told = {
            "changed nothing in any run": nothing,
            "changed levels but never the difference": only_level,
            f"moved it by surely less than {percent(LITTLE)} of what the strongest does (upper end of the "
            "interval of mu*)": found[result.main][1],
        }  # fmt: skip
        lines = [
            f"- {counted(len(keys), 'factor')} {what}{_list(keys)}" for what, keys in told.items() if keys
        ]
        return "\n".join(lines) or "None: all of them move it."
    stage = result.stage("sobol")
    if stage is not None:
        frame = sobol_table(stage, result.main)
        small = list(frame.factor[frame.total_high < 0.05]) if len(frame) else []
        return f"{counted(len(small), 'factor')} with a total share surely below 5 %{_list(small)}"
    return ("One at a time cannot say: a factor that moves nothing at the default may matter elsewhere. Use "
            "sensitivity.method=morris.")  # fmt: skip


def _list(keys: Sequence[str]) -> str:
    return (": " + ", ".join(f"`{key.removeprefix('parameters.')}`" for key in keys) if keys else "") + "."


def _chance(result: Sensitivity) -> str:
    lines = []
    if (stage := result.stage("sobol")) is not None:
        for quantity in stage.indices:
            index = next((i for i in stage.indices[quantity] if i.name == "noise_share"), None)
            if index is not None:
                what = title_of_quantity(quantity, result.asked.outcome)
                lines.append(f"- {what}: {100 * index.estimate:.1f} % ({100 * index.low:.1f} to "
                             f"{100 * index.high:.1f} %) of the variance between points' means is "
                             f"chance")  # fmt: skip
                if index.estimate > MUCH_NOISE:
                    more = 4 * result.asked.settings.sensitivity.replicates
                    lines.append(f"  (much: ask for sensitivity.replicates={more})")
    if (stage := result.stage("morris")) is not None:
        frame = morris_table(stage, result.main)
        if not frame.empty:
            unsure = int((~frame.sure & (frame.mu_star > 0)).sum())
            lines.append(f"- {counted(unsure, 'factor')} of the screening cannot be told apart from chance")
    lines.append(
        "- The luck that all points share (the same seeds everywhere) cancels between points; what is "
        "counted here is the rest, estimated from the replicates."
    )
    return "\n".join(lines)


def _left_out(stage: Stage, result: Sensitivity) -> float:
    return one_number(stage, result.main, "groups_left_out")


def _failed(result: Sensitivity) -> str:
    lines = []
    for stage in result.stages:
        gone, kept = _left_out(stage, result), one_number(stage, result.main, "groups")
        if not (stage.failed or gone):
            continue
        lines.append(
            f"- {METHODS[stage.method]}: {counted(len(stage.failed), 'point')} of "
            f"{len(stage.design.points):,} failed"
            + (
                f". Points of one {ONE_SAMPLE[stage.method]} are of no use without each other, so "
                f"{gone:.0f} of {gone + kept:.0f} {SAMPLES[stage.method]} were left out whole: the indices "
                "hold for the part of the ranges where points can be computed"
                if stage.method != "oat" else ""
            )
        )  # fmt: skip
        reasons = list(dict.fromkeys(stage.failed.values()))
        lines += [f"  - {reason}" for reason in reasons[:NAMED]]
        if not stage.failed:
            lines.append("  - the outcome is not defined there in some replicate")
    return "\n".join([*lines, "", "`failed.csv` holds, for each of them, the command that repeats it."])


def _caveats(result: Sensitivity) -> str:
    lines = [
        "- Every value within a range counts as equally likely, and factors as independent. The shares are "
        "those of the ranges: a wider range makes a factor matter more. The ranges of assumed parameters "
        "are our judgement.",
        "- It says what the result depends on, not which result is right: for that, parameters must be "
        "confronted with evidence (study=calibrate, parameters=posterior).",
        "- Intervals come from resampling points; all points share their seeds.",
    ]
    crowded = [f for f in result.asked.factors if len(f.values) > GRID_LEVELS]
    if result.stage("morris") and crowded:
        lines.append(f"- Morris looks at {GRID_LEVELS} values of each factor, fewer than are listed for "
                     f"{', '.join(f.key for f in crowded)}.")  # fmt: skip
    words = [f for f in result.asked.factors if not f.is_number and len(f.values) > 2]
    if words:
        lines.append(f"- The values of {', '.join(f.key for f in words)} have no order: of strength and "
                     "unevenness "
                     "read the strength only.")  # fmt: skip
    return "\n".join(lines)


def _next(result: Sensitivity, command: str, out: Path) -> str:
    words = [w for w in shlex.split(command) if w.partition("=")[0] not in ("study", "out", "overwrite")]
    kept = [w for w in words[1:] if not w.startswith(("sensitivity.", "factors."))]
    top = [f"factors.{factor.key}={_range(factor)}" for factor in _strongest(result)]

    def line(study: str, *more: str) -> str:
        return shlex.join([words[0], f"study={study}", *kept, *more])

    asked = result.asked.settings.sensitivity
    again = ["sensitivity.method=sobol", "sensitivity.second_order=true",
             f"sensitivity.base_samples={4 * asked.base_samples}"]  # fmt: skip
    lines = ["```", line("sensitivity", *top, *again), line("sweep", *top), line("replicates"), "```"]
    return "\n".join(lines) + (
        "\nThe first looks at the strongest factors more closely, and at every two of them together; the "
        "second keeps every run at many points of them, to see how the result goes; the third says how many "
        "replicates are enough for a comparison."
    )


def _strongest(result: Sensitivity) -> list[Factor]:
    """The factors that the answer names."""
    by_key = {factor.key: factor for factor in result.asked.factors}
    for method, table in (("sobol", sobol_table), ("morris", morris_table)):
        stage = result.stage(method)
        if stage is not None and not (frame := table(stage, result.main)).empty:
            return [by_key[key] for key in frame.factor.head(NAMED)]
    stage = result.stage("oat")
    frame = turning_table(stage, result.main, {}) if stage else None
    return [by_key[key] for key in frame.parameter.head(NAMED)] if frame is not None and len(frame) else []


def _range(factor: Factor) -> str:
    if factor.is_range:
        return f"{factor.low:g}..{factor.high:g}"
    return f"[{','.join(str(v).lower() if isinstance(v, bool) else str(v) for v in factor.values)}]"


def _value(value: object) -> str:
    if isinstance(value, int | float | np.number) and not isinstance(value, bool):
        return amount(float(value))
    return str(value)


def _with(estimate: float, low: float, high: float) -> str:
    if not np.isfinite([low, high]).all():
        return amount(estimate)
    return f"{amount(estimate)} ({amount(low)} to {amount(high)})"
