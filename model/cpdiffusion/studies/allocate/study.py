"""``study=allocate``: how to split a national budget over regions, and which kind of support each gets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cpdiffusion.studies.allocate.run import Judged, judge
from cpdiffusion.studies.allocate.tables import TABLES
from cpdiffusion.studies.settings import Settings

if TYPE_CHECKING:
    import pandas as pd


class Allocation(Judged):
    """The result of the study. It does not change: each frame is made anew."""

    def frame(self, name: str) -> pd.DataFrame:
        """One of the tables: allocation, splits, curves."""
        return TABLES[name](self)

    @property
    def table(self) -> pd.DataFrame:
        """Split and region: kind of support, budget, gain on held-out seeds, what more money would add."""
        return self.frame("allocation")


def allocate(settings: Settings, scenario_folder: Path) -> Allocation:
    """Find and judge the splits that the settings ask for; nothing is written."""
    found = judge(settings, scenario_folder)
    return Allocation(found.asked, found.splits, found.curves, found.judged, found.judged_clean)
