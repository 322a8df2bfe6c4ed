"""``study=validate``: how well the returns of years and regions that were not seen are predicted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cpdiffusion.calibration.bank import CANDIDATES, Bank, Candidate, bank_of
from cpdiffusion.calibration.estimates import estimates
from cpdiffusion.calibration.methods import all_methods
from cpdiffusion.calibration.simulated import years_spanned
from cpdiffusion.calibration.splits import splits
from cpdiffusion.calibration.validation import Validation, prediction_table, score_table, validate
from cpdiffusion.errors import InputError
from cpdiffusion.evidence.table4 import VARIANTS, RegionYear, table4
from cpdiffusion.runner.parallel import Workers
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
    bank: Bank | None  # what was simulated
    without_simulation: str  # why it was not; else empty

    @property
    def main(self) -> Validation:
        """The validation on the table that was asked for."""
        return self.found[0]


def validated(settings: Settings) -> Validated:
    """Validate on Table 4 in both variants, or on the user's own results; nothing is written."""
    import pandas as pd

    tables = tables_of(settings)
    bank, why_not = simulated(settings, max(years_spanned(rows) for rows in tables.values()))
    found = tuple(validations(settings, tables, bank))
    return Validated(
        settings,
        found,
        pd.concat([score_table(one) for one in found], ignore_index=True),
        pd.concat([prediction_table(one) for one in found], ignore_index=True),
        pd.concat([estimates(name, rows) for name, rows in tables.items()], ignore_index=True),
        bank,
        why_not,
    )


def validations(
    settings: Settings, tables: dict[str, tuple[RegionYear, ...]], bank: Bank | None
) -> Iterator[Validation]:
    """Every model on every table."""
    methods = {name: all_methods(bank, rows) for name, rows in tables.items()}
    total = sum(len(s.folds) * len(methods[name]) for name, rows in tables.items() for s in splits(rows))
    with progress_bar("fits", total, settings.progress) as bar:
        for name, rows in tables.items():
            yield validate(name, rows, methods[name], bar.update)


def simulated(settings: Settings, years: int) -> tuple[Bank | None, str]:
    """Programmes of so many years simulated once for all tables and folds, or why they were not."""
    with (
        Workers(settings.workers) as workers,
        progress_bar("simulated programmes", CANDIDATES, settings.progress) as bar,
    ):

        def mapped(
            function: Callable[[int], Candidate | None], numbers: Iterable[int]
        ) -> Iterator[Candidate | None]:
            for one in workers.map(function, numbers):
                bar.update()
                yield one

        try:
            return bank_of(years, settings.seed, mapped), ""
        except InputError as problem:
            return None, str(problem)


def tables_of(settings: Settings) -> dict[str, tuple[RegionYear, ...]]:
    """The table asked for, then any other to compare with."""
    if settings.results is not None:
        return {OWN: read_results(settings.results)}
    return {variant: table4(variant) for variant in sorted(VARIANTS, key=lambda v: v != settings.table)}
