"""A user's own table of results, in place of Table 4 and with its columns."""

from __future__ import annotations

import io
from pathlib import Path

from cpdiffusion.calibration.observations import log_roi
from cpdiffusion.errors import InputError
from cpdiffusion.evidence.table4 import COLUMNS, RegionYear, read_region_years
from cpdiffusion.world.readers import bytes_of, numbered_rows, utf_8

LEAST_ROWS = 3


def read_results(path: Path) -> tuple[RegionYear, ...]:
    """Region-years from a CSV file with the columns of Table 4, amounts in eok (100 million KRW).

    UTF-8 or CP949. Raises InputError that names file, line and column for a missing or unknown column,
    text where a number must be, an investment or a direct benefit that is not above 0, a region-year
    given twice, and for fewer than three rows.
    """
    content = utf_8(bytes_of(path), path.name)
    header, *body = numbered_rows(content, path.name)
    if len(header[1]) == 1:
        raise InputError(
            f"{path.name} line {header[0]}: has only one column; separate these by commas: "
            f"{', '.join(COLUMNS)}."
        )
    rows = read_region_years(io.StringIO(content.decode(), newline=""), path.name)
    if len(rows) < LEAST_ROWS:
        raise InputError(
            f"{path.name}: has {len(rows)} region-years; to learn from some and predict another takes "
            f"{LEAST_ROWS} or more."
        )
    for (line, _), row in zip(body, rows, strict=True):
        _require_a_return(row, f"{path.name} line {line}")
    return rows


def _require_a_return(row: RegionYear, place: str) -> None:
    try:
        log_roi(row)
    except InputError as problem:
        raise InputError(f"{place}: {problem}") from None
