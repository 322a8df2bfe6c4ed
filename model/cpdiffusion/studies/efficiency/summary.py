"""What ``study=efficiency`` found, in plain words, and what must not be concluded from it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from cpdiffusion.efficiency.bootstrap import CONFIDENCE
from cpdiffusion.efficiency.frontier import ON_FRONTIER
from cpdiffusion.efficiency.influence import FAR, MOVES
from cpdiffusion.studies.efficiency.sets import ALL, CLEAN, OWN, REGION, REGION_YEAR, UNIT_PERIOD, UnitSet
from cpdiffusion.studies.efficiency.study import Efficiency
from cpdiffusion.studies.words import percent

if TYPE_CHECKING:
    import pandas as pd

TABLES = {"as_printed": "as printed", "reconciled": "reconciled", OWN: "own table"}
SHOWN = 12  # units in a list of the summary
LARGE_GAIN = 2.0  # a Malmquist index beyond which, or below one over which, a year is named


# --- the answer ----------------------------------------------------------------------------------


def answer(result: Efficiency) -> str:
    """Who is on the frontier and who is not, and how far that can be trusted; some sentences."""
    main = of_set(result, result.main, ALL, False)
    on = [row["unit"] for row in main if on_frontier(row["crs"])]
    off = sorted((row for row in main if not on_frontier(row["crs"])), key=lambda row: row["crs"])
    behind = ", ".join(f"{row['unit']} {row['crs']:.2f}" for row in off[:SHOWN]) or "nobody"
    first = (
        f"Of {len(main)} {plural(result)} ({TABLES[result.main]}), {len(on)} "
        f"{'lies' if len(on) == 1 else 'lie'} on the frontier under constant returns to scale "
        f"({listed(on)}); behind it: {behind} (1 is the frontier)."
    )
    return " ".join([first, few(result, main), steady(result)]).strip()


def few(result: Efficiency, main: Sequence[dict[str, Any]]) -> str:
    """What the small number of units does, if there are too few."""
    units = units_of_main(result)
    variable = sum(on_frontier(row["vrs"]) for row in main)
    if units.size >= units.enough:
        return f"Under variable returns {variable} do."
    columns = len(units.input_names) + len(units.output_names)
    return (
        f"Under variable returns {variable} of {len(main)} do: with so few units and {columns} columns a "
        "unit scores 1 as soon as no mixture of the others is like it (the rule of thumb asks for "
        f"{units.enough} units)."
    )


def steady(result: Efficiency) -> str:
    """Who is off the frontier whichever rows are used."""
    sets = [s for s in result.sets if s.level == result.sets[0].level]
    if len(sets) < 2:
        return ""
    scores = {unit: [scores_of(result, s, unit) for s in sets] for unit in sets[0].units.names}
    behind = {u: [v for v in found if v is not None] for u, found in scores.items()}
    never = [u for u, found in behind.items() if found and max(found) < 1.0 - ON_FRONTIER]
    if not never:
        return f"Nobody is behind in all {len(sets)} ways of taking the rows."
    ranges = ", ".join(f"{u} ({min(behind[u]):.2f} to {max(behind[u]):.2f})" for u in never[:SHOWN])
    ways = (
        "as printed, reconciled, with and without outlier rows" if result.main != OWN else "with and without"
    )
    return f"Behind in all {len(sets)} ways of taking the rows ({ways}): {ranges}."


def on_frontier(score: float) -> bool:
    """Whether a score is 1."""
    return score > 1.0 - ON_FRONTIER


def listed(names: Sequence[str]) -> str:
    """Names in a sentence; the first ones if there are many."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return (", ".join(names[:SHOWN]) or "none") + more


def plural(result: Efficiency) -> str:
    """What the units are called."""
    return "units" if result.main == OWN else "regional programmes in their mean year"


def level_title(result: Efficiency, level: str) -> str:
    """A level for a reader, with how many of its units score 1."""
    found = next(s for s in result.sets if (s.table, s.rows, s.level) == (result.main, ALL, level))
    on = sum(on_frontier(row["crs"]) for row in rows_of(result, found))
    words = {REGION: "Regions, mean year", REGION_YEAR: "Region-years", UNIT_PERIOD: "Units in each year"}
    return f"{words.get(level, 'Units')}: {on} of {found.units.size} on the frontier"


# --- what is looked up ---------------------------------------------------------------------------


def of_set(result: Efficiency, table: str, rows: str, pooled: bool) -> list[dict[str, Any]]:
    """Rows of efficiency.csv of a set, in the main orientation; none if there is no such set."""
    found = result.set_of(table, rows, pooled)
    return rows_of(result, found) if found else []


def rows_of(result: Efficiency, one: UnitSet) -> list[dict[str, Any]]:
    """Rows of efficiency.csv of a set, in the main orientation."""
    t = result.table
    kept = (t.table == one.table) & (t.rows == one.rows) & (t.level == one.level)
    return list(t[kept & (t.orientation == result.orientation)].to_dict("records"))


def scores_of(result: Efficiency, one: UnitSet, unit: str) -> float | None:
    """Score of a unit in a set under constant returns; None if it is not in it."""
    return next((float(row["crs"]) for row in rows_of(result, one) if row["unit"] == unit), None)


def units_of_main(result: Efficiency) -> Any:
    """The units of the table asked for, without time."""
    found = result.set_of(result.main, ALL, False)
    assert found is not None
    return found.units


# --- the summary ---------------------------------------------------------------------------------


def summary(result: Efficiency, command: str) -> str:
    """The whole summary as Markdown."""
    parts = [
        f"# Relative efficiency\n\n{answer(result)}",
        scores_part(result),
        few_part(result),
        pooled_part(result),
        outlier_part(result),
        time_part(result),
        how_part(result),
        not_part(result),
        FILES,
        f"```\n{command}\n```",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def scores_part(result: Efficiency) -> str:
    """The table of units with all ways of taking the rows."""
    sets = [s for s in result.sets if s.level == result.sets[0].level]
    heads = [f"{TABLES[s.table]}, {s.rows}" for s in sets]
    lines = [
        f"## Scores under constant returns, corrected with {percent(CONFIDENCE)} interval in brackets\n",
        f"| | {' | '.join(heads)} | returns to scale | beyond the frontier | benchmarks |",
        f"|---|{'---|' * (len(sets) + 3)}",
        *(unit_line(result, sets, unit) for unit in sets[0].units.names[: 4 * SHOWN]),
    ]
    text = (
        "*Beyond the frontier* compares a unit with all others (super-efficiency): above 1 it stands out "
        "by so much. *Benchmarks* are the peers that a unit behind the frontier is held against, of the "
        "first column. A corrected score allows for the frontier of few units lying inside the true one, "
        "so it is below the score, for units at 1 as well."
    )
    return "\n".join(lines) + "\n\n" + text


def unit_line(result: Efficiency, sets: Sequence[UnitSet], unit: str) -> str:
    """One unit in the table."""
    found = [next((r for r in rows_of(result, s) if r["unit"] == unit), None) for s in sets]
    cells = [with_interval(row) if row else "–" for row in found]
    main = found[0]
    assert main is not None
    beyond = "–" if math.isnan(main["super_crs"]) else f"{main['super_crs']:.2f}"
    own = peers_of(result, sets[0], unit)
    return f"| {unit} | {' | '.join(cells)} | {main['returns_to_scale']} | {beyond} | {own} |"


def with_interval(row: dict[str, Any]) -> str:
    """``0.89 [0.80: 0.73 to 0.87]``."""
    if math.isnan(row["crs_corrected"]):
        return f"{row['crs']:.2f}"
    return f"{row['crs']:.2f} [{row['crs_corrected']:.2f}: {row['crs_low']:.2f} to {row['crs_high']:.2f}]"


def peers_of(result: Efficiency, one: UnitSet, unit: str) -> str:
    """The peers of a unit with weights, the heaviest first."""
    p = result.peers
    kept = (p.table == one.table) & (p.rows == one.rows) & (p.level == one.level) & (p.returns == "crs")
    found = p[kept & (p.unit == unit)].sort_values("weight", ascending=False)
    return ", ".join(f"{row.peer} {row.weight:.2f}" for row in found.itertuples()) or "–"


def few_part(result: Efficiency) -> str:
    """What few units do to scores and to intervals."""
    units = units_of_main(result)
    if units.size >= units.enough:
        return ""
    m, s = len(units.input_names), len(units.output_names)
    main = of_set(result, result.main, ALL, False)
    constant, variable = (sum(on_frontier(row[r]) for row in main) for r in ("crs", "vrs"))
    none = [row["unit"] for row in main if math.isnan(row["super_vrs"])]
    alone = (
        f" No mixture of the others is of the size of {listed(none)}: a 1 under variable returns says "
        "nothing about them."
        if none
        else ""
    )
    return (
        f"## What so few units do\n\n{units.size} units with {counted(m, 'input')} and "
        f"{counted(s, 'output')} are fewer than the {units.enough} that the usual rule asks for (inputs "
        "times outputs, and three times their sum). Each column is one more way to be best at something: "
        f"{constant} of {units.size} score 1 under constant returns, {variable} under variable ones. Many "
        f"of these ones mean *not comparable*, not *efficient*.{alone} {intervals_words(main)}"
    )


def intervals_words(main: Sequence[dict[str, Any]]) -> str:
    """What the intervals rest on, or why there are none."""
    behind = {r: sum(not on_frontier(row[r]) for row in main) for r in ("crs", "vrs")}
    there = {r: not math.isnan(main[0][f"{r}_corrected"]) for r in behind}
    if not there["crs"]:
        return f"Only {behind['crs']} lie behind the frontier: too few to draw from, so no interval is given."
    rough = (
        f"Intervals rest on the {behind['crs']} units that are behind, and are themselves rough: on a "
        f"simulated frontier with 15 units, intervals of {percent(CONFIDENCE)} held the truth in about "
        "three cases of four."
    )
    none = (
        f" Under variable returns {behind['vrs']} are behind: too few to draw from, so no interval is given."
    )
    return rough if there["vrs"] else rough + none


def counted(number: int, word: str) -> str:
    """``1 input``, ``2 inputs``."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def pooled_part(result: Efficiency) -> str:
    """The units in each period."""
    found = result.set_of(result.main, ALL, True)
    if found is None:
        return ""
    rows = sorted(rows_of(result, found), key=lambda row: row["crs"])
    on = [row["unit"] for row in rows if on_frontier(row["crs"])]
    last = ", ".join(f"{row['unit']} {row['crs']:.2f}" for row in rows[:5])
    p = result.peers
    p = p[(p.table == found.table) & (p.rows == ALL) & (p.level == found.level) & (p.returns == "crs")]
    counts = p.peer.value_counts()
    benchmarks = ", ".join(f"{name} ({count})" for name, count in counts.head(5).items()) or "none"
    scale = sum(row["returns_to_scale"] == "increasing" for row in rows)
    spread = [row["crs_high"] - row["crs_low"] for row in rows if not math.isnan(row["crs_low"])]
    wide = f" The interval of a row is {sum(spread) / len(spread):.2f} wide on average." if spread else ""
    return (
        f"## Each year by itself: {found.units.size} {'region-years' if result.main != OWN else 'rows'}\n\n"
        f"On the frontier: {listed(on)}. Most often a benchmark (for so many rows): {benchmarks}. Furthest "
        f"behind: {last}. {scale} rows lie where larger scale would pay (increasing returns).{wide}"
    )


def outlier_part(result: Efficiency) -> str:
    """Which rows were left out of the clean sets and why, and what that changes."""
    lines = [
        f"- {TABLES[rows.table]}: {'; '.join(reasons(result, rows.table)) or 'none'}"
        for rows in result.tables
    ]
    clean = any(s.rows == CLEAN for s in result.sets)
    moved = clean_effect(result) if clean else ""
    rule = (
        f"A row is an outlier if, measured against all other rows, it scores above {FAR:g} *and* leaving it "
        f"out lifts the mean score of the others by {MOVES:g} or more; also a row whose amounts the audit "
        "of Table 4 doubts."
    )
    return f"## Outlier rows\n\n{rule}\n\n" + "\n".join(lines) + (f"\n\n{moved}" if moved else "")


def reasons(result: Efficiency, table: str) -> Iterator[str]:
    """Each row left out, with its figures."""
    i = result.frame("influence")
    for row in i[(i.table == table) & i.left_out].to_dict("records"):
        if row["doubted_by_audit"] and not row["outlier"]:
            yield f"{row['unit']} (the audit doubts it)"
        else:
            far = "nobody else makes what it makes"
            beyond = far if math.isnan(row["super_crs"]) else f"{row['super_crs']:.2f} against the others"
            yield f"{row['unit']} ({beyond}; without it the others rise by {row['lifts_others_by']:.3f})"


def clean_effect(result: Efficiency) -> str:
    """What leaving outliers out does to the scores of the units."""
    before = {row["unit"]: row["crs"] for row in of_set(result, result.main, ALL, False)}
    after = {row["unit"]: row["crs"] for row in of_set(result, result.main, CLEAN, False)}
    moves = {u: after[u] - before[u] for u in before if u in after}
    if not moves:
        return ""
    unit = max(moves, key=lambda u: abs(moves[u]))
    return (
        f"Without them the score of {unit} moves most, from {before[unit]:.2f} to {after[unit]:.2f}; the "
        f"others move by {max((abs(v) for u, v in moves.items() if u != unit), default=0.0):.2f} at most."
    )


def time_part(result: Efficiency) -> str:
    """Windows and the Malmquist index in words."""
    m = result.frame("malmquist")
    m = m[(m.table == result.main) & (m.rows == ALL)]
    if not len(m):
        return ""
    known = m[m["index"].notna()]
    large = known[(known["index"] >= LARGE_GAIN) | (known["index"] <= 1.0 / LARGE_GAIN)]
    jumps = ", ".join(f"{r.unit} {r.after} ({r.index_:.2f})" for r in _named(large)) or "none"
    few_units = int(m[["units_before", "units_after"]].min(axis=1).min())
    unknown = f" {len(m) - len(known)} could not be told." if len(m) > len(known) else ""
    middle = math.exp(sum(math.log(v) for v in known["index"]) / len(known)) if len(known) else math.nan
    return (
        f"## Over time\n\n{len(m)} changes from one year to the next (Malmquist index; above 1: more from "
        f"the same), geometric mean {middle:.2f}.{unknown} Halved or doubled: {jumps}. A year's frontier "
        f"rests on as few as {few_units} units, so single steps are mostly noise: a large one is usually "
        f"one unusual year coming or going. Windows of {result.settings.efficiency.window} years compare "
        "each unit with itself in other years too and move less; see change.png."
    )


def _named(frame: pd.DataFrame) -> Any:
    return frame.rename(columns={"index": "index_"}).itertuples()


def how_part(result: Efficiency) -> str:
    """Inputs, outputs, zeros, and what a row of Table 4 stands for."""
    units = units_of_main(result)
    zeros = int((units.outputs == 0.0).sum())
    pooled = result.set_of(result.main, ALL, True)
    rows = (
        ""
        if pooled is None
        else f", and in {int((pooled.units.outputs == 0.0).sum())} cells of the single rows"
    )
    own = "" if result.main == OWN else TABLE_4
    more = (
        "more output from the same input"
        if result.orientation == "output"
        else "the same output with less input"
    )
    return (
        f"## How\n\nInputs: {', '.join(units.input_names)}. Outputs: {', '.join(units.output_names)}. A "
        f"score asks for {more}; the other orientation is in efficiency.csv. A unit with several years "
        f"stands for its mean year.{own} A zero output (here {zeros} among the units{rows}) asks nothing: "
        "the unit is judged by what it does make and what it lacks shows as a slack in slacks.csv. So a "
        "zero never lowers a score, and a unit may look good by being bad at something. A unit with "
        "nothing but zeros is refused."
    )


TABLE_4 = (
    " The number of firms is printed only as a region's sum over its years, and is spread over its listed "
    "years evenly; for Gwangju the one listed year then counts all 40 firms. A dash in the table counts as "
    "zero, though it may mean *not measured*."
)


def not_part(result: Efficiency) -> str:
    """What the scores do not say."""
    table_4 = "" if result.main == OWN else OF_TABLE_4
    return f"{NOT}{table_4}"


NOT = """\
## What must not be concluded

- **Not that a unit with a score of 1 is efficient.** It is merely not beaten by a mixture of the others.
- **Not that a unit behind could reach the frontier**, or that its management is to blame: industries, firms
  and luck differ, and none of them is in the columns. The method knows no chance: luck counts as skill.
- **Not that money moved to a benchmark would earn the benchmark's return.** Scores are averages of the past;
  the next firm is another one, and returns diminish. `study=allocate` asks that question of the simulation.
- **Not that ranks are firm.** Where intervals overlap, the order of two units is open.
- **Not that scores of different sets can be compared**: each has its own frontier."""
OF_TABLE_4 = """
- **Not how well public money was spent.** Table 4 prints investment without saying whose; what the
  programmes themselves cost is not in it. Benefits are reported by the programmes, over an unstated number
  of years, and a firm that would have acted anyway counts in full."""

FILES = """\
## Files

- `efficiency.csv`: scores of every unit in every set, both orientations, scale, super-efficiency, intervals
- `peers.csv`, `slacks.csv`: whom each unit is held against, what is left over, and the target on the frontier
- `influence.csv`: what each row holds up; `windows.csv`, `malmquist.csv`: over time, where there are periods
- `scores.png`, `peers.png`, `change.png`"""
