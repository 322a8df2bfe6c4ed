"""What ``study=validate`` says of the agent-based simulation, in plain words."""

from __future__ import annotations

from collections.abc import Iterator

from cpdiffusion.calibration.bank import CANDIDATES, Bank
from cpdiffusion.calibration.methods import SIMULATION
from cpdiffusion.calibration.simulated import SimulatedPosterior, first_years
from cpdiffusion.calibration.splits import Split
from cpdiffusion.calibration.validation import Validation
from cpdiffusion.studies.validate.study import Validated
from cpdiffusion.studies.validate.words import NOISE, covered, interval, verdict_on

NAME, TITLE = SIMULATION
AGAINST = {
    "better": "better by more than noise", "worse": "worse by more than noise",
    "tie": "no difference beyond noise", "unknown": "too few regions to tell",
}  # fmt: skip


def in_short(found: Validation) -> str:
    """How the simulation does against the best rival of each split, in one sentence."""
    by_verdict: dict[str, list[str]] = {}
    for split in found.splits:
        by_verdict.setdefault(_verdict(found, split), []).append(split.words)
    said = [f"{AGAINST[one]} predicting {' and '.join(words)}" for one, words in by_verdict.items()]
    if len(by_verdict) == 1:
        said = [AGAINST[_verdict(found, found.splits[0])]]
    return f"The {TITLE} itself, against the best rival: {'; '.join(said)}."


def _verdict(found: Validation, split: Split) -> str:
    return verdict_on(found.difference(split.name, NAME, found.leaders(split.name)[1].name))


def words(result: Validated) -> str:
    """The section: scores by split, how it was made, what it adds; or why it was left out."""
    if result.bank is None:
        return f"The {TITLE} is left out: {result.without_simulation}"
    return "\n\n".join(["\n".join(_split_lines(result.main)), _made(result.bank, result.main), _adds(result)])


def _split_lines(found: Validation) -> Iterator[str]:
    for split in found.splits:
        _, rival = found.leaders(split.name)
        over = [found.difference(split.name, NAME, rival.name, figure) for figure in ("crps", "log_score")]
        yield (
            f"- Predicting {split.words}: CRPS {found.mean(split.name, NAME, 'crps'):.3f}, less that of the "
            f"{rival.title} {interval(over[0])}, {NOISE[verdict_on(over[0])]}; log score less the rival's "
            f"{interval(over[1])}; {covered(found, split.name, NAME)}."
        )


def _made(bank: Bank, found: Validation) -> str:
    size, posterior = bank.candidates.slope.size, _posterior(bank, found)
    return (
        f"Beforehand, without a look at any result, {CANDIDATES} sets of the parameters that bear on returns "
        "and on who adopts were drawn from their ranges, and programmes simulated under each; under "
        f"{size} of them firms adopted in most region-years. For each prediction these are weighed by how "
        "well they fit the rows learned from (with all rows, the weights are worth "
        f"{posterior.effective:.0f} equally good sets). The level of returns and the differences between "
        "regions are learned from the rows as in the partially pooled log-normal, since the simulation says "
        "nothing of them. Of a region that was not seen, the investment of a year is not used: what is usual "
        "there is unknown."
    )


def _adds(result: Validated) -> str:
    assert result.bank is not None
    firms, luck = _posterior(result.bank, result.main).spreads()
    return (
        "What it adds is the firms: who adopts, how returns change as a programme goes on and with what is "
        f"invested. Their part of a region-year's log ROI varies by {firms:.2f} (standard deviation), the "
        f"luck of the year by {luck:.2f}; the rows tell both together, hardly how much is whose. A tie "
        "therefore says that the simulation is no worse than a good fit of these returns, not that its "
        "account of why firms adopt is right: on that this table is silent."
    )


def _posterior(bank: Bank, found: Validation) -> SimulatedPosterior:
    return SimulatedPosterior(bank, first_years(found.rows), found.rows)
