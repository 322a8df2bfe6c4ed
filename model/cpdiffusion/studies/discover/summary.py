"""A scenario discovery in plain words."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cpdiffusion.discovery.box import Box, End, Limit, meets
from cpdiffusion.discovery.judge import BY_CHANCE, NOTHING
from cpdiffusion.discovery.search import FEWEST_HITS, Found
from cpdiffusion.factors.factor import Factor
from cpdiffusion.factors.known import Value
from cpdiffusion.factors.points import plain
from cpdiffusion.parameters import parameters
from cpdiffusion.studies.discover.question import OF_PAIR
from cpdiffusion.studies.discover.source import axis_of
from cpdiffusion.studies.discover.study import Discovered, as_value
from cpdiffusion.studies.sweep.summary import counted, values_words
from cpdiffusion.studies.words import amount, percent

FEW_HITS = 30  # of which a share is told together with the numbers
SHOWN = 10  # factors in a table that would be long, and those of boxes
DROPPED = (
    "study",
    "out",
    "overwrite",
    "factors",
    "sweep",
    "runner",
    "dask",
    "discover",
)


def said(found: Discovered) -> str:
    """The answer in a few sentences."""
    return " ".join([holds_words(found), *_boxes_words(found)])


def holds_words(found: Discovered) -> str:
    """At how many points it holds."""
    holds, asks = found.answer.holds, found.answer.asks
    number, of = int(holds.sum()), holds.size
    if number in (0, of):
        where = f"None of {of:,} points is" if number == 0 else f"Every one of {of:,} points is"
        return f"{where} such that {asks.rstrip(',')}.{signs_words(found)}"
    share = percent(number / of)
    return f"{asks[0].upper()}{asks[1:]} at {number:,} of {of:,} points ({share}).{signs_words(found)}"


def signs_words(found: Discovered) -> str:
    """Of a paired difference: at how many points it is on which side; empty for other questions."""
    a, asked = found.answer, found.settings.discover
    if asked.question not in OF_PAIR or not asked.surely:
        return ""
    held = int(((a.low <= 0) & (a.high >= 0)).sum())
    return (
        f" (The mean difference is below zero at {int((a.value < 0).sum()):,} points; at {held:,} the "
        "interval holds zero.)"
    )


def _boxes_words(found: Discovered) -> Iterator[str]:
    if found.nearest_instead:
        yield near_words(found)
    if found.discovery is None:
        yield too_few_words(found)
        return
    if not found.boxes:
        yield none_words(found)
    for number, one in enumerate(found.boxes, start=1):
        yield box_words(found, number, one)


def too_few_words(found: Discovered) -> str:
    """Why no box is looked for."""
    holds = found.answer.holds
    if holds.all() or not holds.any():
        return f"There is nothing to tell apart, so no box is given. {near_words(found, boxes=False)}"
    return (
        f"A box needs at least {2 * FEWEST_HITS} points at which it holds and as many at which it does not, "
        "so none is given."
    )


def none_words(found: Discovered) -> str:
    """No box that holds."""
    what = "The points that come nearest lie" if found.nearest_instead else "These points lie"
    return (
        f"{what} in no box of conditions that holds where it was checked: either they are scattered over the "
        "ranges, or they follow from many factors together."
    )


def near_words(found: Discovered, boxes: bool = True) -> str:
    """How near a question comes to turning where it holds at too few points, and what comes nearest."""
    a = found.answer
    if a.holds.all():
        k = int(np.argmax(a.short))
        return f"The point nearest to a no: {a.of} is {_measured(a.value[k], a)}{_interval(found, k)}."
    k = int(np.argmin(a.short))
    told = found.told[0]
    factor = found.factor(told["factor"])
    which = (
        "That is too few points for a box. The clearest" if a.holds.any() else "The point that comes nearest"
    )
    text = (
        f"{which}: {a.of} is {_measured(a.value[k], a)}{_interval(found, k)}. Of all "
        f"factors {named(factor)} goes along with it most ({percent(told['share'])} of the variance of their "
        f"order); {_where(factor, told)} the mean is {_measured(told['mean_value_there'], a)}."
    )
    if boxes and found.nearest_instead:
        text += f" The {int(found.hit.sum()):,} points that come nearest are described instead."
    return text


def _where(factor: Factor, told: Mapping[str, Any]) -> str:
    if not factor.is_number:
        return f"at {told['nearest_from']}"
    return f"from {amount(told['nearest_from'])} to {amount(told['nearest_to'])}{_unit(factor)}"


def _interval(found: Discovered, place: int) -> str:
    low, high = found.answer.low[place], found.answer.high[place]
    return f" (90 % interval {low:+.3g} to {high:+.3g})" if np.isfinite(low) and np.isfinite(high) else ""


def _measured(value: float, a: Any) -> str:
    return f"{value:+.3g} {a.unit}"


def box_words(found: Discovered, number: int, one: Found) -> str:
    """A box as a sentence, with what it holds among the points kept out."""
    these = "the points that come nearest" if found.nearest_instead else "these points"
    left = "" if number == 1 else " that are left"
    such = "among them" if found.nearest_instead else "such"
    c = one.checked
    few = f" ({c.hits} of {c.of_hits} that were kept out)" if c.of_hits < FEW_HITS else ""
    mostly = " Even there it mostly is not so." if c.density < 0.5 and not found.nearest_instead else ""
    return (
        f"{percent(c.coverage)} of {these}{left}{few} lie where {conditions(found, one.box)}; of the points "
        f"there {percent(c.density)} are {such}, against {percent(c.of_hits / c.of_points)} of all{left}."
        f"{mostly}"
    )


def conditions(found: Discovered, box: Box) -> str:
    """All restrictions of a box in words."""
    parts = []
    for key in box.keys:
        limits = {end: limit for end, limit in box.limits.items() if end.key == key}
        parts.append(f"{named(found.factor(key))} is {_limited(found.factor(key), limits)}")
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _limited(factor: Factor, limits: Mapping[End, Limit]) -> str:
    sides = {end.side: limit for end, limit in limits.items()}
    only = sides.get("only")
    if isinstance(only, frozenset):
        given_up = {str(value) for value in factor.values} - {str(value) for value in only}
        short = 0 < len(given_up) < len(only)
        return ("anything but " if short else "") + " or ".join(sorted(given_up if short else map(str, only)))
    shown = {
        side: _number(factor, limit) for side, limit in sides.items() if not isinstance(limit, frozenset)
    }
    unit, whole = _unit(factor), factor.known.whole
    if len(shown) == 2:
        return f"from {shown['from']} to {shown['to']}{unit}"
    if "from" in shown:
        return f"{shown['from']}{unit} or more" if whole else f"above {shown['from']}{unit}"
    return f"{shown['to']}{unit} or less" if whole else f"below {shown['to']}{unit}"


def _number(factor: Factor, limit: float) -> str:
    return amount(as_value(limit, factor.known.whole))


def _unit(factor: Factor) -> str:
    return f" {factor.known.unit}" if factor.known.unit else ""


def named(factor: Factor) -> str:
    """A factor in words: a parameter by its meaning, a lever by its name."""
    group, _, name = factor.key.partition(".")
    if group == "parameters" and factor.known.meaning:
        return f"'{factor.known.meaning}'"
    last = factor.key.rpartition(".")[2]
    words = last.removesuffix("_mkrw_per_year").replace("_", " ")
    return f"the {words}" + (f" of '{name.rpartition('.')[0]}'" if group == "changes" else "")


# --- the summary ---------------------------------------------------------------------------------


def summary(found: Discovered, command: str, out: Path) -> str:
    """The whole summary as Markdown."""
    return "\n\n".join(_parts(found, command, out)) + "\n"


def _parts(found: Discovered, command: str, out: Path) -> Iterator[str]:
    yield "# Under which conditions"
    yield said(found)
    for number, one in enumerate(found.boxes, start=1):
        yield _box(found, number, one)
    yield "## What goes along with it\n\n" + _factors(found)
    yield "## How the boxes were found\n\n" + _how(found)
    yield "## What this does not say\n\n" + _caveats(found)
    yield "## Where to go on\n\n" + _next(found, command, out)


def _box(found: Discovered, number: int, one: Found) -> str:
    of = "the points that come nearest" if found.nearest_instead else "the points where it holds"
    head = (
        f"## Box {number}\n\n| | on points kept out | on points it was fitted to |\n|---|---:|---:|\n"
        f"| coverage: share of {of} that lie in it | {percent(one.checked.coverage)} "
        f"| {percent(one.fitted.coverage)} |\n"
        f"| density: share of the points in it that are such | {percent(one.checked.density)} "
        f"| {percent(one.fitted.density)} |\n"
        f"| points in it | {one.checked.points:,} of {one.checked.of_points:,} "
        f"| {one.fitted.points:,} of {one.fitted.of_points:,} |\n\n"
    )
    rows = ["| factor | where | default | status | does it do anything? | restricted when drawn again |"]
    rows.append("|---|---|---|---|---|---:|")
    return head + "\n".join([*rows, *(_row(found, one, key) for key in one.box.keys)])


def _row(found: Discovered, one: Found, key: str) -> str:
    factor = found.factor(key)
    limits = {end: limit for end, limit in one.box.limits.items() if end.key == key}
    tests = "; ".join(f"{_chance(one.checked_p[end])} (fitted {_chance(one.quasi_p[end])})" for end in limits)
    assert found.discovery is not None
    stable = percent(found.discovery.stability[key]) if found.settings.discover.resamples else "–"
    return (
        f"| {factor.key} | {_limited(factor, limits)} (varied: {values_words(factor)}) "
        f"| {_default(found, factor, limits)} | {factor.known.status} | {tests} | {stable} |"
    )


def _default(found: Discovered, factor: Factor, limits: Mapping[End, Limit]) -> str:
    """The value where nothing is set, and whether it lies in the box."""
    value = default_of(found, factor)
    if value is None:
        return "–"
    inside = all(meets(np.array([value]), end.side, limit)[0] for end, limit in limits.items())
    shown = str(value) if isinstance(value, str | bool) else amount(value)
    return f"{shown} ({'inside' if inside else 'outside'})"


def default_of(found: Discovered, factor: Factor) -> Value | None:
    """Of a parameter the registry's, of a lever the main scenario's; None where there is none."""
    group, _, name = factor.key.partition(".")
    if group == "parameters":
        return parameters({}, found.settings.table)[name]
    pair = found.source.main_pair or tuple(found.source.scenarios)
    value: Value | None = getattr(found.source.scenarios[pair[0]].levers, name, None)
    return value if group == "levers" else None


def _chance(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def _factors(found: Discovered) -> str:
    rows = [
        "| factor | varied | status | goes along with it | comes nearest | restricted |",
        "|---|---|---|---:|---|---:|",
    ]
    stability = found.discovery.stability if found.discovery else {}
    restricted_by = {key for one in found.boxes for key in one.box.keys}
    told_of = [t for k, t in enumerate(found.told) if k < SHOWN or t["factor"] in restricted_by]
    for told in told_of:
        factor = found.factor(told["factor"])
        restricted = (
            percent(stability[factor.key]) if stability and found.settings.discover.resamples else "–"
        )
        share = percent(told["share"]) if told["share"] == told["share"] else "–"
        cells = (
            factor.key,
            values_words(factor),
            factor.known.status,
            share,
            _where(factor, told),
            restricted,
        )
        rows.append(f"| {' | '.join(cells)} |")
    note = (
        "\n\n*Goes along with it*: put in the order of how far they are from a yes, points differ in rank; "
        "this is the share of that variance that lies between equal parts of the factor's range, less what "
        "chance alone would give. It is of each factor alone: the shares of factors that act together "
        "overlap, and a factor that turns only a few points has a small one. *Comes nearest*: the part of "
        "the range with the lowest mean rank. *Restricted*: how often the first box restricts it when "
        f"points are drawn again. `factors.csv` has all {counted(len(found.source.factors), 'factor')}."
    )
    return "\n".join(rows) + note


def _how(found: Discovered) -> str:
    a, asked = found.answer, found.settings.discover
    failed = len(found.source.points) - a.points.size
    where = f", read from `{found.source.folder}`" if found.source.folder else ""
    lost = f" ({failed:,} more could not be computed or have no value)" if failed else ""
    lines = [
        f"{a.points.size:,} points of {counted(len(found.source.factors), 'factor')}{lost}{where}. PRIM "
        "(patient rule induction; Friedman & Fisher 1999, Bryant & Lempert 2010): a box is peeled by "
        f"{percent(asked.peel)} of its points at a time (once more by twice as much), along factors whose "
        "two sides differ by more than chance allows, and its sides are moved out again where that wins "
        "more coverage than it loses in density.",
        "The box taken has the highest harmonic mean of coverage and density among those with a density of "
        f"{percent(asked.density)} or more (and at least half-way from the share of all points to 1), or "
        f"among all where none is so dense. Restrictions with a quasi-p-value above {NOTHING:g} are lifted.",
        "Half of the points find a box, the other half check it: coverage and density in the sentences above "
        "are those of the points kept out. A box is given only if chance alone would make it so dense there "
        f"in at most {percent(BY_CHANCE)} of cases. Each further box is looked for outside the earlier ones.",
    ]
    return "\n\n".join(lines)


def _caveats(found: Discovered) -> str:
    lines = [
        "- Points fill the ranges evenly. The share of points at which something holds is no probability "
        "that it does, and a density is none either."
    ]
    keys = {key for one in found.boxes for key in one.box.keys}
    assumed = sorted(key for key in keys if found.factor(key).known.status == "assumed")
    if assumed:
        lines.append(f"- Assumed, not measured: the ranges of {', '.join(assumed)}.")
    if found.settings.discover.surely and np.isfinite(found.answer.low).any():
        lines.append(
            "- Where two policies do equally well, chance alone puts one point in twenty below zero by its "
            "interval, and one above; more replicates make more points clear."
        )
    if found.settings.discover.question == "size_indifferent":
        lines.append(
            "- Chance widens the gap between the best and the worst of several sizes: with more replicates "
            "the gap shrinks, and it holds at more points."
        )
    return "\n".join(lines)


# --- where to go on ------------------------------------------------------------------------------


def _next(found: Discovered, command: str, out: Path) -> str:
    words = shlex.split(found.source.command or command)
    kept = [w for w in words[1:] if w.partition("=")[0].partition(".")[0] not in DROPPED]
    folder = found.source.folder or out
    lines: list[tuple[str, str]] = []

    def offer(what: str, study: str, *more: str) -> None:
        lines.append((what, shlex.join([words[0], f"study={study}", *kept, *more])))

    if found.boxes:
        offer("Whether the conditions of the first box alone, all else as it is, turn it", "compare",
              *_middle(found, found.boxes[0].box))  # fmt: skip
    if found.settings.discover.question in OF_PAIR:
        other = "unclear" if found.settings.discover.question != "unclear" else "individual_wins"
        offer("Another question to the same runs", "discover", f"discover.question={other}",
              f"discover.results={folder}")  # fmt: skip
    offer("How much each factor matters", "sensitivity")
    if (place := clearest(found)) is not None and found.settings.discover.question in OF_PAIR:
        which = "inside the first box that is most clearly so" if found.boxes else "that comes nearest"
        offer(f"The point {which}, with more replicates", "compare", *_at(found, place))
    return "\n\n".join(f"{what}:\n```\n{line}\n```" for what, line in lines)


def _middle(found: Discovered, box: Box) -> Iterator[str]:
    """For each restricted factor the middle of what is left of its range, or the first word."""
    for key in box.keys:
        factor = found.factor(key)
        sides = {end.side: limit for end, limit in box.limits.items() if end.key == key}
        if isinstance(only := sides.get("only"), frozenset):
            yield f"{key}={_written(min(only, key=str))}"
        else:
            column = found.source.points.columns[key][found.answer.points]
            inside = column[Box({e: v for e, v in box.limits.items() if e.key == key}).inside([
                axis_of(factor, column)])]  # fmt: skip
            yield f"{key}={_written(plain(np.sort(inside)[inside.size // 2]))}"


def clearest(found: Discovered) -> int | None:
    """Place of the point of the first box (else the nearest point) that is most clearly so."""
    short = found.answer.short.astype(float)
    if found.boxes:
        inside = found.boxes[0].box.inside(found.source.axes(found.answer.points))
        short = np.where(inside, short, np.inf)
    return int(np.argmin(short)) if short.size else None


def _at(found: Discovered, place: int) -> Sequence[str]:
    """The settings of one point."""
    point = int(found.answer.points[place])
    return [f"{key}={_written(plain(c[point]))}" for key, c in found.source.points.columns.items()]


def _written(value: Value) -> str:
    return (
        str(value).lower()
        if isinstance(value, bool)
        else f"{value:.6g}"
        if isinstance(value, float)
        else str(value)
    )
