"""The classic rules of diffusion, each a line: threshold, Bass, independent cascade.

They look at nothing but who has adopted, so they bound what the network alone can explain.
Every rule is synchronous: what neighbours do in a quarter counts from the next one on.
"""

from __future__ import annotations

from enum import IntEnum

from cpdiffusion.compiled import compiled


class Behaviour(IntEnum):
    """How firms without an offer come to adopt; the names in small letters are the settings."""

    PEER_BENEFIT = 0  # the main rule: learning from peers' results, see decision.py
    THRESHOLD = 1
    BASS = 2
    CASCADE = 3

    @property
    def words(self) -> str:
        """The rule in words."""
        return ("the main rule", "the threshold rule", "the Bass rule", "the cascade rule")[self]


@compiled
def crosses_threshold(adopting: int, influencers: int, threshold: float) -> bool:
    """Fractional threshold (Granovetter 1978; Watts 2002): adopting / influencers >= threshold.

    Without influencers never. A division, not a product: 3 of 10 must meet a threshold of 0.3.
    """
    return influencers > 0 and adopting / influencers >= threshold


@compiled
def bass_hazard(innovation: float, imitation: float, adopting: int, influencers: int) -> float:
    """Chance to adopt now if not before: p + q x share of influencers (Bass 1969), at most 1."""
    share = adopting / influencers if influencers > 0 else 0.0
    return min(1.0, innovation + imitation * share)


@compiled
def convinces(draw: float, probability: float, weight: float) -> bool:
    """Whether a new adopter convinces a neighbour: one draw per tie (Kempe, Kleinberg & Tardos 2003)."""
    return draw < probability * weight
