"""Window analysis (Charnes et al. 1985): each unit in each period, among the periods of a moving window.

Within a window every unit-period is a unit of its own, so few units become comparable with themselves in
other years; a unit-period is scored once in every window that holds it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cpdiffusion.efficiency.data import Floats, Units
from cpdiffusion.efficiency.frontier import Orientation, Returns
from cpdiffusion.efficiency.scores import within

Panel = Mapping[int, Units]  # period: the units that were there; ascending


@dataclass(frozen=True, eq=False)
class Window:
    """Scores of all unit-periods of one window."""

    first: int
    last: int
    period: tuple[int, ...]  # (n,)
    unit: tuple[str, ...]  # (n,)
    score: Floats  # (n,)


def windows(panel: Panel, width: int, returns: Returns, orientation: Orientation) -> list[Window]:
    """Every window of so many successive periods of the panel; one window of all if there are fewer."""
    periods = sorted(panel)
    width = min(width, len(periods))
    spans = (periods[k : k + width] for k in range(len(periods) - width + 1))
    return [_window(panel, span, returns, orientation) for span in spans]


def _window(panel: Panel, span: list[int], returns: Returns, orientation: Orientation) -> Window:
    pooled = together([panel[period] for period in span])
    period = tuple(p for p in span for _ in panel[p].names)
    return Window(span[0], span[-1], period, pooled.names, within(pooled, returns, orientation))


def together(parts: list[Units]) -> Units:
    """Units of several periods as one set; names may repeat."""
    first = parts[0]
    return Units(
        tuple(name for part in parts for name in part.names), first.input_names, first.output_names,
        np.vstack([part.inputs for part in parts]), np.vstack([part.outputs for part in parts]),
    )  # fmt: skip
