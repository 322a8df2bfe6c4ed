"""A sweep's results, opened: tidy frames with the factors as values, and queries in SQL."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cpdiffusion.errors import InputError
from cpdiffusion.runner.shards import Shards

if TYPE_CHECKING:
    import pandas as pd

RUNS, POINTS, LEDGER = "runs.parquet", "points.parquet", "ledger.csv"


@dataclass(frozen=True)
class Opened:
    """The folder of a sweep, finished or not; files are read when they are asked for."""

    folder: Path

    @cached_property
    def points(self) -> pd.DataFrame:
        """One row per point: its number and the values of the factors."""
        import pandas as pd

        return pd.read_parquet(self.folder / POINTS)

    def runs(self, columns: list[str] | None = None) -> pd.DataFrame:
        """One row per point, scenario and replicate; all outcomes, or those asked for."""
        import pandas as pd
        import pyarrow.parquet as pq

        keys = ["point", "scenario", "replicate"]
        wanted = None if columns is None else [*keys, *columns]
        if not self._files:
            return pd.DataFrame(columns=wanted or keys)
        return pq.read_table(self._files, columns=wanted).to_pandas()

    def tidy(self, columns: list[str] | None = None) -> pd.DataFrame:
        """The same with the values of the factors beside them."""
        return self.points.merge(self.runs(columns), on="point")

    @cached_property
    def ledger(self) -> pd.DataFrame:
        """One row per point: done, failed (why, and the command that repeats it) or to do.

        An unfinished sweep has one once it was interrupted; before that there are no rows.
        """
        import pandas as pd

        path = self.folder / LEDGER
        columns = ["point", "state", "reason", "command"]
        return pd.read_csv(path) if path.exists() else pd.DataFrame(columns=columns)

    def query(self, sql: str) -> pd.DataFrame:
        """The answer to SQL over ``runs``, ``points`` and ``results``, which is both joined.

        Columns with a dot in their names are quoted: ``select "levers.cohort_size" from points``.
        Raises InputError for SQL that cannot be answered, or without duckdb.
        """
        duckdb = require_duckdb()
        with duckdb.connect() as connection:
            connection.execute(f"create view runs as from read_parquet({[str(f) for f in self._files]!r})")
            connection.execute(f"create view points as from read_parquet({str(self.folder / POINTS)!r})")
            connection.execute("create view results as from points join runs using (point)")
            try:
                found: pd.DataFrame = connection.execute(sql).df()
                return found
            except duckdb.Error as error:
                raise InputError(f"query: {str(error).splitlines()[0]}") from None

    @cached_property
    def _files(self) -> list[Path]:
        whole = self.folder / RUNS
        return [whole] if whole.exists() else Shards(self.folder).with_rows()


def open_results(folder: Path | str) -> Opened:
    """The results of a sweep in a folder. InputError if there are none."""
    found = Opened(Path(folder))
    if not (found.folder / POINTS).is_file():
        raise InputError(f"{folder}: holds no results of a sweep; give the folder that study=sweep wrote.")
    return found


def require_duckdb() -> Any:
    """InputError that says how to get the library, which is an extra."""
    try:
        import duckdb
    except ImportError:
        raise InputError(
            "query: needs duckdb, which is not installed; install it by pip install 'cpdiffusion[sweep]', or "
            "use tidy(), which does not need it."
        ) from None
    return duckdb
