"""A reviewed figure per scenario: results do not change unnoticed.

After a change that is meant to alter results, look at the new figures, say so in CHANGELOG.md and
write them with ``python tests/test_regression.py``.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import cpdiffusion as cpd

REFERENCE = Path(__file__).parent / "reference" / "scenarios.csv"
WORDS = ["seed=1", "replicates.at_least=20", "replicates.at_most=20", "why=false", "turning=false",
         "parameters.firms_per_region=400", "progress=false"]  # fmt: skip
OUTCOMES = ["adopters", "additional_adopters", "spillover_adopters", "supported_firms",
            "public_money_mkrw", "total_benefit_mkrw", "accidents_avoided"]  # fmt: skip


def figures() -> pd.DataFrame:
    table = cpd.compare([*WORDS, f"scenarios=[{','.join(cpd.scenarios())}]", "baseline=none"]).table
    wide = table[table.outcome.isin(OUTCOMES)].pivot_table(index="scenario", columns="outcome", values="mean")
    return wide[OUTCOMES]


def test_every_scenario_gives_its_reviewed_figures() -> None:
    reference = pd.read_csv(REFERENCE, index_col="scenario")
    pd.testing.assert_frame_equal(figures(), reference, check_names=False, rtol=1e-9)


def test_the_figures_do_depend_on_the_seed() -> None:
    WORDS[0] = "seed=2"
    try:
        changed = figures()
    finally:
        WORDS[0] = "seed=1"
    reference = pd.read_csv(REFERENCE, index_col="scenario")
    assert (changed.adopters != pytest.approx(reference.adopters)).any()


if __name__ == "__main__":
    figures().to_csv(REFERENCE, float_format="%.12g")
