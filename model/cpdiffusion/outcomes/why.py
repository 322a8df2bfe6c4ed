"""Why one policy beats another: the share of each channel, by Shapley values.

Channels are switched from the baseline's setting to the scenario's in all orders; a channel's
share is its mean contribution over the orders (Shapley 1953). Shares add up to the difference.
Of more than a few channels a sample of orders is taken, each with its reverse (Castro, Gómez &
Tejada 2009; antithetic, Mitchell et al. 2022): shares still add up, but carry some sampling error.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from math import factorial

import numpy as np

from cpdiffusion.outcomes.catalogue import Values
from cpdiffusion.policy.design import Design, differing_channels, mixture

Coalition = frozenset[str]
EXACT_CHANNELS = 8  # up to 256 mixtures
ORDERS = 20  # of many channels, besides as many reverses


def coalitions(channels: tuple[str, ...]) -> list[Coalition]:
    """The subsets of the channels that are looked at, the empty one first: all if they are few."""
    if len(channels) > EXACT_CHANNELS:
        begun = (frozenset(o[:size]) for o in sampled_orders(channels) for size in range(len(o) + 1))
        return list(dict.fromkeys(begun))
    return [frozenset(c) for size in range(len(channels) + 1) for c in combinations(channels, size)]


def sampled_orders(channels: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Random orders and their reverses; the same for the same channels."""
    generator = np.random.default_rng(len(channels))
    drawn = [tuple(channels[k] for k in generator.permutation(len(channels))) for _ in range(ORDERS)]
    return [order for one in drawn for order in (one, one[::-1])]


def mixtures(baseline: Design, scenario: Design) -> dict[Coalition, Design]:
    """The design of every coalition of the channels in which the two differ."""
    channels = differing_channels(baseline, scenario)
    return {c: mixture(baseline, scenario, c) for c in coalitions(channels)}


def shapley(channels: tuple[str, ...], value: Mapping[Coalition, Values]) -> dict[str, Values]:
    """Share of each channel per replicate, shape (K,), from the value of every coalition (K,)."""
    if len(channels) > EXACT_CHANNELS:
        return shapley_of_orders(channels, value)
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


def shapley_of_orders(channels: tuple[str, ...], value: Mapping[Coalition, Values]) -> dict[str, Values]:
    """Mean contribution of each channel over the sampled orders."""
    shares = {channel: np.zeros_like(value[frozenset()]) for channel in channels}
    orders = sampled_orders(channels)
    for order in orders:
        for place, channel in enumerate(order):
            before = frozenset(order[:place])
            shares[channel] += (value[before | {channel}] - value[before]) / len(orders)
    return shares
