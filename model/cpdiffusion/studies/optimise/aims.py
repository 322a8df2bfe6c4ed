"""Which way an outcome is better, as an aim of a policy."""

from __future__ import annotations

from cpdiffusion.outcomes.catalogue import CATALOGUE

# A comparison does not call more or less money better, for it buys something. As an aim beside what it
# buys, less of what the public pays is.
PAID = ("public_money_mkrw", "programme_money_mkrw", "instrument_money_mkrw", "subsidy_mkrw")


def aim_sign(outcome: str) -> int:
    """+1 where more is better, -1 where less is, 0 where neither."""
    return -1 if outcome in PAID else CATALOGUE[outcome].better


def aim_words(outcome: str) -> str:
    """An aim in words."""
    about = CATALOGUE[outcome]
    less = "fewer" if about.unit.startswith("firm") else "less"
    return f"{'more' if aim_sign(outcome) > 0 else less} {about.label.partition(' (')[0]}"
