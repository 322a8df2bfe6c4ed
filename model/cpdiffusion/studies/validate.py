"""``study=validate``: how well the returns of years and regions that were not seen are predicted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cpdiffusion.calibration.estimates import estimates
from cpdiffusion.calibration.methods import METHODS
from cpdiffusion.calibration.splits import splits
from cpdiffusion.calibration.validation import Validation, prediction_table, score_table, validate
from cpdiffusion.evidence.table4 import VARIANTS, RegionYear, table4
from cpdiffusion.runner.progress import progress_bar
from cpdiffusion.studies.own_results import read_results
from cpdiffusion.studies.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

OWN = "own"  # what a user's own table is called in the tables


@dataclass(frozen=True)
class Validated:
    """The result of the study: one validation per table, the one asked for first."""

    settings: Settings
    found: tuple[Validation, ...]
    scores: pd.DataFrame
    predictions: pd.DataFrame
    estimates: pd.DataFrame

    @property
    def main(self) -> Validation:
        """The validation on the table that was asked for."""
        return self.found[0]


def validated(settings: Settings) -> Validated:
    """Validate on Table 4 in both variants, or on the user's own results; nothing is written."""
    import pandas as pd

    tables = tables_of(settings)
    total = sum(len(split.folds) for rows in tables.values() for split in splits(rows)) * len(METHODS)
    with progress_bar("fits", total, settings.progress) as bar:
        found = tuple(validate(name, rows, fitted=bar.update) for name, rows in tables.items())
    return Validated(
        settings,
        found,
        pd.concat([score_table(one) for one in found], ignore_index=True),
        pd.concat([prediction_table(one) for one in found], ignore_index=True),
        pd.concat([estimates(name, rows) for name, rows in tables.items()], ignore_index=True),
    )


def tables_of(settings: Settings) -> dict[str, tuple[RegionYear, ...]]:
    """The table asked for, then any other to compare with."""
    if settings.results is not None:
        return {OWN: read_results(settings.results)}
    return {variant: table4(variant) for variant in sorted(VARIANTS, key=lambda v: v != settings.table)}
