"""What ``study=validate`` found, in plain words."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from cpdiffusion.calibration.heavy import DEGREES
from cpdiffusion.calibration.methods import TITLES
from cpdiffusion.calibration.splits import SPLITS
from cpdiffusion.calibration.validation import Validation
from cpdiffusion.evidence.table4 import RegionYear
from cpdiffusion.outcomes.paired import CONFIDENCE, Interval
from cpdiffusion.studies.validate import simulation as validate_simulation
from cpdiffusion.studies.validate.simulation import NAME, TITLE
from cpdiffusion.studies.validate.study import OWN, Validated
from cpdiffusion.studies.validate.words import NOISE, covered, interval, percent, verdict_on

SURPRISES = 3
LEFT_OUT_ROW = "left_out_row"


# --- the answer ----------------------------------------------------------------------------------


def headline(result: Validated) -> str:
    """One sentence on all splits, then one for each."""
    main = result.main
    verdicts = [verdict(main, split.name) for split in main.splits]
    lines = [split_sentence(main, split.name) for split in main.splits]
    lines += [validate_simulation.in_short(main)] if result.bank else []
    return "\n".join([f"On {_table(main)}, {_overall(verdicts)}.", "", *(f"- {line}" for line in lines)])


def _overall(verdicts: list[str]) -> str:
    """The verdicts of all splits as one sentence."""
    where = "in at least one way of keeping rows out"
    if not {"better", "worse"} & set(verdicts):
        return (
            "region-years that were not seen are predicted by our models and by simple rivals equally well "
            "as far as these rows can tell: no difference is more than noise"
        )
    if "worse" not in verdicts:
        return f"a model of ours predicts better than the best simple rival {where}, and nowhere worse"
    better = ", and a model of ours better than any rival in another" if "better" in verdicts else ""
    return f"a simple rival predicts better than any model of ours {where}{better}"


def verdict(found: Validation, split: str) -> str:
    """Whether the best of ours is better or worse than the best rival by more than noise, or a tie."""
    ours, rival = found.leaders(split)
    return verdict_on(found.difference(split, ours.name, rival.name))


def split_sentence(found: Validation, split: str) -> str:
    """Who is best in a split, by how much, and whether that is more than noise."""
    ours, rival = found.leaders(split)
    over = found.difference(split, ours.name, rival.name)
    words = next(one.words for one in found.splits if one.name == split)
    rows, end = len(found.of(split, rival.name)), NOISE[verdict(found, split)]
    return (
        f"Predicting {words} ({rows} region-year{'s' * (rows != 1)}): {ours.title}, CRPS "
        f"{found.mean(split, ours.name, 'crps'):.3f}; best rival, {rival.title}, "
        f"{found.mean(split, rival.name, 'crps'):.3f}; difference {interval(over)}, {end}."
    )


def _table(found: Validation) -> str:
    return "your own table" if found.table == OWN else f"Table 4 {found.table.replace('_', ' ')}"


# --- the summary ---------------------------------------------------------------------------------


def summary(result: Validated, command: str) -> str:
    """The whole summary as Markdown."""
    return "\n\n".join(_parts(result, command)) + "\n"


def _parts(result: Validated, command: str) -> Iterator[str]:
    main = result.main
    yield headline(result)
    yield f"**What must not be concluded.** {caveats(main)}"
    yield f"## Scores\n\n{score_lines(result)}\n\n{score_words()}"
    yield f"## Coverage\n\n{coverage_words(main)}"
    yield f"## The simulation itself\n\n{validate_simulation.words(result)}"
    if any(split.name == LEFT_OUT_ROW for split in main.splits):
        yield f"## The most surprising region-years\n\n{surprise_lines(main)}"
    if len(result.found) > 1:
        yield f"## As printed and reconciled\n\n{variant_words(result)}"
    yield f"## What the table says about the return model\n\n{estimate_lines(result)}"
    yield f"## Again, and further\n\n{next_steps(result, command)}"


def caveats(found: Validation) -> str:
    """What no score on this table can tell."""
    regions = len({row.region for row in found.rows})
    shared = (
        "These are returns that programmes reported themselves, of supported adopters only: a selected "
        "sample, without any individually supported group to compare with, and without the number of years "
        "over which benefits were added up. So nothing here says that cohorts do better than individual "
        "support, that support caused these returns, or what a firm earns in a year; in a model that "
        "simulates who adopts, the mean return of all firms must lie below the mean of this table. "
    )
    missing = [name.replace("_", " ") for name in SPLITS if name not in {s.name for s in found.splits}]
    not_done = f" Too few rows for: {', '.join(missing)}." if missing else ""
    return (
        f"{shared}{len(found.rows)} rows from {regions} region{'s' * (regions != 1)} are few: a tie says "
        "that they cannot tell the models apart, not that the models are alike. The best rival was picked on "
        f"the very rows it is judged on, which flatters it, and so was the best of ours.{not_done}"
    )


def score_lines(result: Validated) -> str:
    """The scores of all models in all splits, best CRPS first."""
    head = (
        "| predicted | model | CRPS | less best rival | log score | in 50 % | in 90 % |\n"
        "|---|---|---:|---:|---:|---:|---:|"
    )
    main = result.main
    words = {split.name: split.words for split in main.splits}
    rows = result.scores[result.scores.table == main.table].sort_values(["split", "crps"], kind="stable")
    ordered = [row for name in words for row in rows[rows.split == name].to_dict("records")]
    return "\n".join([head, *(_score_line(row, words[row["split"]]) for row in ordered)])


def _score_line(row: dict[str, Any], words: str) -> str:
    over = Interval(*(row[f"crps_difference{end}"] for end in ("", "_low", "_high")))
    best = row["model"] == row["best_rival"]
    ends = "" if math.isnan(over.low) else f" ({over.low:+.3f} to {over.high:+.3f})"
    less = "best rival" if best else f"{over.estimate:+.3f}{ends}"
    title = TITLES[row["model"]] + (" (rival)" if row["is_rival"] else "")
    cells = (words, title, f"{row['crps']:.3f}", less, f"{row['log_score']:.3f}")
    return f"| {' | '.join(cells)} | {percent(row['coverage50'])} | {percent(row['coverage90'])} |"


def score_words() -> str:
    """What the figures mean."""
    return (
        "All scores are on the scale of log ROI = log(direct benefit / investment). CRPS: the mean absolute "
        "error that is left, in log ROI (0.1 is about a tenth of the return), lower is better. Log score: "
        "mean log density at what came, in nats, higher is better; one row far out can decide it. "
        f"Differences are paired, row by row; their {percent(CONFIDENCE)} intervals leave out one region at "
        "a time (jackknife), since rows of a region are no independent witnesses. Every prediction carries "
        "the uncertainty of what was estimated. A region that was not seen has no mean, so there the "
        "region mean is the pooled prediction."
    )


def coverage_words(found: Validation) -> str:
    """How often intervals held what came, and what chance alone would do."""
    lines = []
    for split in found.splits:
        ours, rival = found.leaders(split.name)
        rows = len(found.of(split.name, ours.name))
        shown = "; ".join(f"{m.title}: {covered(found, split.name, m.name)}" for m in (ours, rival))
        low, high = chance_range(rows)
        lines.append(
            f"- Predicting {split.words}: {shown}. Were its 90 % intervals right, a model would "
            f"hold {low} to {high} of {rows} rows in nineteen of twenty such tables."
        )
    return "\n".join(lines)


def chance_range(rows: int, central: float = 0.9) -> tuple[int, int]:
    """How many of so many independent rows right intervals hold, in 95 of 100 cases."""
    from scipy.special import bdtr

    shares = [float(bdtr(k, rows, central)) for k in range(rows + 1)]
    return (
        next(k for k, share in enumerate(shares) if share > 0.025),
        next(k for k, share in enumerate(shares) if share >= 0.975),
    )


def surprise_lines(found: Validation) -> str:
    """The rows that the best rival gave least density to, each predicted from all others."""
    _, rival = found.leaders(LEFT_OUT_ROW)
    names = [method.name for method in found.methods]
    chances = {name: [_chance(p.score.pit) for p in found.of(LEFT_OUT_ROW, name)] for name in names}
    logs = [p.score.log_score for p in found.of(LEFT_OUT_ROW, rival.name)]
    worst = sorted(range(len(logs)), key=logs.__getitem__)[:SURPRISES]
    head = ["region-year", "ROI", *(TITLES[name] for name in names)]
    body = [[*_row_words(found.rows[k]), *(chances[name][k] for name in names)] for k in worst]
    table = [head, ["---", *["---:"] * (len(head) - 1)], *body]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in table) + (
        "\n\nThe cells give the chance that each model, fitted without the row, gave to a return as far out "
        "or further on the same side. Among so many rows one with a chance of 1 % is to be expected now and "
        "then, one of 0.01 % is not: there the normal tails are too light, or the row has another cause. "
        + heavy_words(found, worst[0])
    )


def _row_words(row: RegionYear) -> tuple[str, str]:
    return row.label, f"{row.direct_mkrw / row.investment_mkrw:.1f}"


def heavy_words(found: Validation, furthest: int) -> str:
    """What heavy tails gain in log score over normal ones, and how much of it one row decides."""
    heavy, normal = (found.of(LEFT_OUT_ROW, name) for name in ("heavy_tailed", "partially_pooled"))
    gains = [a.score.log_score - b.score.log_score for a, b in zip(heavy, normal, strict=True)]
    rest = (sum(gains) - gains[furthest]) / (len(gains) - 1)
    return (
        "Heavy tails in place of normal ones change the log score (partially pooled either way) by "
        f"{sum(gains) / len(gains):+.3f} per row, but by {rest:+.3f} without {heavy[furthest].row.label}."
    )


def _chance(pit: float) -> str:
    return f"{100 * min(pit, 1.0 - pit):.2g} %"


def variant_words(result: Validated) -> str:
    """What changes when Incheon 2008 is corrected."""
    kinds = {"best rival": _of_best_rival, **({TITLE: _of_simulation} if result.bank else {})}
    columns = [(kind, found) for kind in kinds for found in result.found]
    heads = [f"{kind}, {found.table.replace('_', ' ')}" for kind, found in columns]
    head = ["predicted", "best of ours against the best rival", *heads]
    lines = [head, ["---", "---", *["---:"] * len(columns)]]
    for split in result.main.splits:
        verdicts = " and ".join(dict.fromkeys(verdict(found, split.name) for found in result.found))
        figures = [f"{kinds[kind](found, split.name):.3f}" for kind, found in columns]
        lines.append([split.words, verdicts, *figures])
    return (
        "Reconciled, Incheon 2008 returns 2.0 instead of 2.8 times its investment; no other row differs. "
        "CRPS:\n\n" + "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    )


def _of_best_rival(found: Validation, split: str) -> float:
    return found.mean(split, found.leaders(split)[1].name, "crps")


def _of_simulation(found: Validation, split: str) -> float:
    return found.mean(split, NAME, "crps")


# --- estimates -----------------------------------------------------------------------------------

MEANINGS = {
    "mu": "mean log ROI of a typical region",
    "tau": "spread between regions (sd of log ROI)",
    "sigma": "spread of years within a region (sd of log ROI)",
    "beta": "how much log ROI falls per unit of log investment",
}


def estimate_lines(result: Validated) -> str:
    """The return model with investment: posterior beside prior."""
    frame = result.estimates
    rows = frame[(frame.table == result.main.table) & (frame.model == "with_investment")].to_dict("records")
    head = "| parameter | mean | 90 % interval | of the prior's width |\n|---|---:|---:|---:|"
    lines = [
        f"| {_parameter(row['parameter'])} | {row['mean']:.2f} | {row['q05']:.2f} to {row['q95']:.2f} | "
        f"{percent(row['kept_of_prior'])} |"
        for row in rows
    ]
    return "\n".join([head, *lines]) + f"\n\n{not_estimated(result.main)}{tail_words(result)}"


def tail_words(result: Validated) -> str:
    """What the fit with heavy tails says of them."""
    frame = result.estimates
    (nu,) = frame[(frame.table == result.main.table) & (frame.parameter == "nu")].to_dict("records")
    return (
        f"With Student's t for the years, its degrees of freedom are {nu['q50']:.0f} (90 % interval "
        f"{nu['q05']:.0f} to {nu['q95']:.0f}; beforehand all from {min(DEGREES):.0f} to "
        f"{max(DEGREES):.0f} on the grid are equally likely; few mean heavy tails). "
        "All estimates are in `estimates.csv`."
    )


def _parameter(name: str) -> str:
    if name.startswith("u_"):
        return f"effect of {name.removeprefix('u_').title()}"
    return f"{name}: {MEANINGS[name]}"


def not_estimated(found: Validation) -> str:
    """Which parameters the rows cannot inform, as sentences that end in a blank."""
    regions = {row.region for row in found.rows}
    if len(regions) == 1:
        return (
            "With one region, how regions differ cannot be estimated: tau and the region's effect are their "
            "priors, and predictions of another region rest on them. "
        )
    if len(regions) == len(found.rows):
        return (
            "With one row per region, spreads between regions and between years cannot be told apart: only "
            "both together are estimated. "
        )
    return ""


def next_steps(result: Validated, command: str) -> str:
    """The command that repeats this, and what to try."""
    other = "reconciled" if result.settings.table == "as_printed" else "as_printed"
    further = (
        "without `results=` it is Table 4 that is fitted and predicted"
        if result.main.table == OWN
        else f"figures and words for the other variant (`table={other}`), or your own results in its place "
        "(`results=<file.csv>`, with the columns of Table 4)"
    )
    return (
        f"```\n{command}\n```\n\nThen: {further}. Every prediction is in `predictions.csv`, every score in "
        "`validation.csv`."
    )
