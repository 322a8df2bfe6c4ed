"""Which rows a prediction may learn from, and which it is judged on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from cpdiffusion.evidence.table4 import RegionYear, rows_by_region

Rows = tuple[RegionYear, ...]
LAST_YEARS = 2  # kept out: 2013 and 2014 of Table 4
LEAST_TRAINING_ROWS = 2


class Fold(NamedTuple):
    """Rows to learn from and rows to predict; no row is in both."""

    train: Rows
    test: Rows


class Split(NamedTuple):
    """One way of keeping rows out: its name in tables, what it is in words, and its folds."""

    name: str
    words: str
    folds: tuple[Fold, ...]


def later_years(rows: Rows) -> Iterator[Fold]:
    """Learn from all but the last two calendar years, predict these."""
    first = first_kept_out(rows)
    yield Fold(tuple(r for r in rows if r.year < first), tuple(r for r in rows if r.year >= first))


def left_out_region(rows: Rows) -> Iterator[Fold]:
    """Predict each region in turn from all others, as one that has just begun."""
    for region, own in rows_by_region(rows).items():
        yield Fold(tuple(row for row in rows if row.region != region), tuple(own))


def left_out_row(rows: Rows) -> Iterator[Fold]:
    """Predict each row in turn from all others, later years included."""
    for row in rows:
        yield Fold(tuple(other for other in rows if other is not row), (row,))


def first_kept_out(rows: Sequence[RegionYear]) -> int:
    """The first of the calendar years that ``later_years`` keeps out."""
    return max(row.year for row in rows) - LAST_YEARS + 1


SPLITS: dict[str, Callable[[Rows], Iterator[Fold]]] = {
    "later_years": later_years,
    "left_out_region": left_out_region,
    "left_out_row": left_out_row,
}


def splits(rows: Sequence[RegionYear]) -> list[Split]:
    """All splits that the rows allow: a fold with too few rows to learn from or none to predict is no
    fold, and a split without folds is left out."""
    whole = tuple(rows)
    made = [Split(name, words(name, whole), _usable(make(whole))) for name, make in SPLITS.items()]
    return [split for split in made if split.folds]


def words(name: str, rows: Sequence[RegionYear]) -> str:
    """What a split does, for a reader."""
    first = first_kept_out(rows)
    return {
        "later_years": f"{first} and later from the years before",
        "left_out_region": "each region from all others",
        "left_out_row": "each region-year from all others",
    }[name]


def _usable(folds: Iterator[Fold]) -> tuple[Fold, ...]:
    return tuple(fold for fold in folds if len(fold.train) >= LEAST_TRAINING_ROWS and fold.test)
