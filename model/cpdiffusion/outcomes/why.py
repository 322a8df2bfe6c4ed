"""Why one policy beats another: the share of each channel, by Shapley values.

Channels are switched from the baseline's setting to the scenario's in all orders; a channel's
share is its mean contribution over the orders (Shapley 1953). Shares add up to the difference.
"""

from __future__ import annotations

from itertools import combinations
from math import factorial

import numpy as np

from cpdiffusion.outcomes.catalogue import Values
from cpdiffusion.policy.design import Design, differing_channels, mixture

Coalition = frozenset[str]


def coalitions(channels: tuple[str, ...]) -> list[Coalition]:
    """All subsets of the channels, the empty one first."""
    return [frozenset(c) for size in range(len(channels) + 1) for c in combinations(channels, size)]


def mixtures(baseline: Design, scenario: Design) -> dict[Coalition, Design]:
    """The design of every coalition of the channels in which the two differ."""
    channels = differing_channels(baseline, scenario)
    return {c: mixture(baseline, scenario, c) for c in coalitions(channels)}


def shapley(channels: tuple[str, ...], value: dict[Coalition, Values]) -> dict[str, Values]:
    """Share of each channel per replicate, shape (K,), from the value of every coalition (K,)."""
    n = len(channels)
    shares = {}
    for channel in channels:
        others = tuple(c for c in channels if c != channel)
        shares[channel] = sum(
            (
                (value[c | {channel}] - value[c])
                * (factorial(len(c)) * factorial(n - len(c) - 1) / factorial(n))
                for c in coalitions(others)
            ),
            start=np.zeros_like(value[frozenset()]),
        )
    return shares
