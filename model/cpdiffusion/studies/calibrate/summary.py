"""What ``study=calibrate`` found, in plain words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from cpdiffusion.calibration.learned import CLEAR_TRADE_OFF, LEARNED, NOT_KNOWN, PARTLY, VERDICTS
from cpdiffusion.calibration.smc import TEMPERATURES
from cpdiffusion.calibration.targets import TABLE_WORDS
from cpdiffusion.studies.calibrate.study import Calibrated, name_of
from cpdiffusion.studies.words import amount, percent

MISSED = 1.0  # tolerances from which a target counts as missed
NAMED = 6  # pairs and sources that are named
FEW_EFFECTIVE = 100.0


def headline(result: Calibrated) -> str:
    """What was learned, what does not fit, and how many candidates it took."""
    tried = int(result.found.generations.evaluated.sum())
    return (
        f"{learned_sentence(result)} {missed_sentence(result)}\n"
        f"{tried:,} candidates were tried; the posterior counts as much as {result.found.effective:.0f} "
        f"independent draws.{few_words(result)}"
    )


def learned_sentence(result: Calibrated) -> str:
    """How many parameters the data tell, which, and which stay assumed."""
    learned, partly, assumed = (_named(result, v) for v in VERDICTS)
    total = len(result.parameters)
    if _named(result, NOT_KNOWN):
        return f"Too few candidates were accepted to say what was learned about {total} parameters."
    parts = [
        f"{len(learned)} learned from the data{_in_brackets(learned)}",
        f"{len(partly)} in part{_in_brackets(partly)}",
        f"{len(assumed)} not at all{_in_brackets(assumed)}",
    ]
    data = name_of(result.settings)
    return f"Of {total} parameters calibrated to {data} and other patterns, {'; '.join(parts)}."


def _named(result: Calibrated, verdict: str) -> list[str]:
    frame = result.parameters
    return list(frame.parameter[frame.verdict == verdict])


def _in_brackets(names: Sequence[str]) -> str:
    return f" ({', '.join(names)})" if names else ""


def missed_sentence(result: Calibrated) -> str:
    """Which targets the calibrated model does not meet."""
    frame = result.fits
    missed = frame[frame.used & (frame.misfit > MISSED)]
    if missed.empty:
        return "Every target is met within its tolerance."
    cases = [
        f"{row['words']} ({amount(row['simulated_mean'])} against {_range(row)})" for row in _rows(missed)
    ]
    return f"Not met within its tolerance: {'; '.join(cases)}."


def few_words(result: Calibrated) -> str:
    """A warning where the posterior rests on few draws."""
    if result.found.effective >= FEW_EFFECTIVE:
        return ""
    return " That is few: raise calibrate.population before anything is built on it."


def _rows(frame: Any) -> Iterable[dict[str, Any]]:
    return frame.to_dict("records")


def _range(row: dict[str, Any]) -> str:
    if row["low"] == row["high"]:
        return amount(row["low"])
    return f"{amount(row['low'])} to {amount(row['high'])}"


# --- the whole summary ---------------------------------------------------------------------------


def summary(result: Calibrated, command: str) -> str:
    """summary.md."""
    sections = {
        "What was learned, parameter by parameter": learned_lines(result),
        "What fits and what does not": fit_lines(result),
        "What cannot be told apart": pair_lines(result),
        "Which pattern says what": source_lines(result),
        "How it was done": method_words(result),
        "What this cannot say": LIMITS,
        "To repeat it, and what next": next_steps(result, command),
    }
    body = "\n\n".join(f"## {title}\n\n{text}" for title, text in sections.items())
    return f"# Calibration\n\n{headline(result)}\n\n{body}\n"


def learned_lines(result: Calibrated) -> str:
    """Posterior beside prior."""
    head = (
        "| parameter | unit | believed before | calibrated mean | 90 % interval | width left | verdict |\n"
        "|---|---|---|---:|---:|---:|---|"
    )
    lines = [
        f"| {row['parameter']} | {row['unit']} | {amount(row['prior_low'])} to "
        f"{amount(row['prior_high'])} | {amount(row['mean'])} | "
        f"{amount(row['q05'])} to {amount(row['q95'])} | "
        f"{percent(row['kept_of_prior'])} | {row['verdict']} |"
        for row in _rows(result.parameters)
    ]
    return "\n".join([head, *lines]) + (
        "\n\n*Width left* is the standard deviation after the calibration over the one before it: up to "
        f"{percent(LEARNED)} counts as learned, up to {percent(PARTLY)} as partly, above as assumed; the "
        "bounds are a convention. The indirect and environmental benefits are fitted exactly and stand in "
        "`posterior.parquet` beside these."
    )


def fit_lines(result: Calibrated) -> str:
    """Targets beside what calibrated candidates say."""
    head = (
        "| pattern | to be met | give or take | calibrated model, 90 % | misses by | source |\n"
        "|---|---:|---:|---:|---:|---|"
    )
    lines = [
        f"| {row['words']}{'' if row['used'] else ' (left out)'} | {_range(row)} | "
        f"{amount(row['tolerance'])} | {amount(row['simulated_mean'])} "
        f"({amount(row['q05'])} to {amount(row['q95'])}) | "
        f"{row['misfit']:.1f} | {row['source']} |"
        for row in _rows(result.fits)
    ]
    return "\n".join([head, *lines]) + (
        "\n\n*Misses by* counts in tolerances, from the mean over calibrated candidates. Tolerances of the "
        "table's own figures are the standard errors that so few rows, and so few simulated histories, give "
        f"them.{not_told(result)}"
    )


def not_told(result: Calibrated) -> str:
    """What the table is too small to be asked for."""
    there = {target.name for target in result.all_targets}
    missing = [words for name, (words, _) in TABLE_WORDS.items() if name not in there]
    parts = [f" So few rows cannot tell: {'; '.join(missing)}."] if missing else []
    if len(result.problem.simulator.layout.regions) == 1:
        parts.append(" With one region, how regions differ cannot be estimated: its effect is taken as none.")
    return "".join(parts)


def pair_lines(result: Calibrated) -> str:
    """The strongest trade-offs."""
    strong = result.pairs[result.pairs.correlation.abs() >= CLEAR_TRADE_OFF].head(NAMED)
    if strong.empty:
        return f"No two parameters are correlated by {CLEAR_TRADE_OFF} or more in the posterior."
    return "\n".join(
        f"- {row['parameter']} and {row['other']}: high values of one go with "
        f"{'high' if row['correlation'] > 0 else 'low'} values of the other "
        f"(correlation {row['correlation']:+.2f})."
        for row in _rows(strong)
    )


def source_lines(result: Calibrated) -> str:
    """For each parameter that was learned at all, which target taught most of it."""
    kept = result.parameters.set_index("parameter").kept_of_prior
    words = result.fits.set_index("target").words
    lines = []
    for name, group in result.sources.groupby("parameter", sort=False):
        if kept[name] > PARTLY:
            continue
        best = group.sort_values("widening_without", ascending=False).iloc[0]
        lines.append(
            f"- {name}: most by '{words[best.target]}'; without it the doubt would be "
            f"{best.widening_without:.1f} times as wide."
        )
    return (
        "\n".join(lines)
        + "\n\nBy a linear approximation around the posterior; all pairs are in `sources.csv`."
    )


def method_words(result: Calibrated) -> str:
    """Sampler, world, histories."""
    asked, problem = result.settings.calibrate, result.problem
    generations = result.found.generations
    return (
        f"Approximate Bayesian computation by sequential Monte Carlo (pyabc): {asked.population} accepted "
        f"candidates in each of {len(TEMPERATURES)} generations at temperatures "
        f"{', '.join(f'{t:g}' for t in TEMPERATURES)}; at temperature 1 each target counts as observed "
        f"with a normal error of its tolerance. In the last generation {generations.accepted.iloc[-1]:,} of "
        f"{generations.evaluated.iloc[-1]:,} candidates were accepted. A candidate's patterns are means over "
        f"{asked.histories} histories of the regional programmes ({len(problem.simulator.layout.regions)} "
        f"regions of {int(problem.simulator.fixed.firms_per_region)} firms, cohorts of 25, "
        f"{problem.simulator.layout.years} years) on one drawn world, the same for all candidates; the "
        "effects of audits and cohorts come from one history of each. Effects of regions are estimated "
        "from the table beforehand, partially pooled, and held: their uncertainty is not in the posterior. "
        "Priors are uniform over the ranges "
        "in the table; all other parameters stand at their values in the registry."
    )


LIMITS = """\
- Table 4 reports supported adopters only and holds no firm that was supported alone: what the cohort
  itself contributes is bracketed by other countries' studies, not measured here.
- Tolerances of patterns that do not come from the table are assumed, and so are the values of all
  parameters that were not calibrated. What would turn an answer is for `study=compare` to say.
- The programmes reported their benefits themselves, over a horizon that is not stated.
- A parameter that is called assumed has its prior's width: whatever is computed with it rests on that
  prior and not on data."""


def next_steps(result: Calibrated, command: str) -> str:
    """The command that repeats it, and how to use the posterior."""
    out = result.settings.out or "results/<this folder>"
    return (
        f"```\n{command}\n```\n\nThen compare policies under it: `cpdiffusion study=compare "
        f"parameters={out}/posterior.parquet`. Leave a target out to see what hangs on it: "
        "`calibrate.leave_out=[audit_effect]`."
    )
