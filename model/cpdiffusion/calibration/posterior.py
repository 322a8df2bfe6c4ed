"""What the evidence leaves open about the parameters: a weighted sample, read from a small file.

A Parquet file holds one row per draw, a column ``weight`` and one column for each parameter of the
registry that was estimated. How it was made stands in the file's metadata, under the key
``cpdiffusion``, as JSON.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import tempfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cpdiffusion.errors import InputError, did_you_mean
from cpdiffusion.parameters import BY_NAME

if TYPE_CHECKING:
    import pyarrow as pa

Floats = NDArray[np.float64]
WEIGHT = "weight"
METADATA = b"cpdiffusion"
ROUNDING = 1e-9  # of a sum of weights that is meant to be 1


@dataclass(frozen=True, eq=False)
class Posterior:
    """K weighted draws of P parameters, and how they came about."""

    names: tuple[str, ...]
    values: Floats  # (K, P), each column in its parameter's unit
    weights: Floats  # (K,), not below 0, sum 1
    provenance: Mapping[str, Any]  # command, seed, versions, table ... as far as they are known

    def draws(self, count: int, seed: int) -> list[dict[str, float]]:
        """``count`` parameter sets, each row as often as its weight says, in an order that is random.

        Systematic resampling (Kitagawa 1996; Douc, Cappé & Moulines 2005): one uniform number shifts
        ``count`` equally spaced points along the cumulated weights, so a row of weight w is drawn
        floor(count w) or ceil(count w) times, and count w times on average; less is left to luck than
        by independent draws. The points follow the order of the rows, so the draws are shuffled
        afterwards: in each place every row then turns up with the probability of its weight, and a
        mean over the first so many draws of a longer list is unbiased, wherever one stops (only the
        whole list is balanced). The same ``seed`` and ``count`` give the same list; another ``count``
        gives another one.
        """
        generator = np.random.default_rng(seed)
        points = (generator.random() + np.arange(count)) / count
        upto = np.cumsum(self.weights) / self.weights.sum()
        # the clip is for a point that is rounded up to 1
        rows = np.minimum(np.searchsorted(upto, points, side="right"), np.flatnonzero(self.weights)[-1])
        generator.shuffle(rows)
        return [dict(zip(self.names, self.values[row].tolist(), strict=True)) for row in rows]

    def without(self, fixed: Collection[str]) -> Posterior:
        """The same draws without some of the parameters; the others are not conditioned on them."""
        kept = [k for k, name in enumerate(self.names) if name not in fixed]
        return replace(self, names=tuple(self.names[k] for k in kept), values=self.values[:, kept])


def shipped_posterior() -> Path:
    """Where the posterior that comes with the package is, if one does."""
    return Path(__file__).parent / "posterior.parquet"


# --- reading -------------------------------------------------------------------------------------


def read_posterior(path: Path) -> Posterior:
    """The posterior in a file; weights that do not sum to 1 are scaled.

    InputError for a file that is missing, no Parquet or empty, a column that is no parameter, weights
    that are none, and a value that its parameter cannot have.
    """
    table = _table(path)
    name = path.name
    _require_columns(name, table.column_names)
    columns = {column: _numbers(name, table, column) for column in table.column_names}
    weights = _weights(name, columns.pop(WEIGHT))
    for parameter, values in columns.items():
        _require_possible(name, parameter, values)
    return Posterior(tuple(columns), np.column_stack([*columns.values()]), weights, _provenance(name, table))


def _table(path: Path) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        raise InputError(_missing(path))
    try:
        return pq.ParquetFile(path).read()
    except OSError as error:
        raise InputError(f"{path.name}: cannot be read ({error.strerror or 'it is damaged'}).") from None
    except pa.ArrowException:
        raise InputError(f"{path.name}: is no Parquet file; give one that study=calibrate wrote.") from None


def _missing(path: Path) -> str:
    if path == shipped_posterior():
        return (
            "parameters=posterior: no posterior comes with this version; make one with "
            "'cpdiffusion study=calibrate' and name its file, parameters=<file>.parquet."
        )
    return f"{path}: there is no such file; name a posterior that study=calibrate wrote."


def _require_columns(name: str, columns: list[str]) -> None:
    """InputError unless there are weights and parameters, each once, and nothing else."""
    if WEIGHT not in columns:
        raise InputError(f"{name}: has no column '{WEIGHT}'; give each row its weight (1 for all if equal).")
    if len(columns) < 2:
        raise InputError(f"{name}: has no column but '{WEIGHT}'; add one for each parameter.")
    for column in columns:
        if column != WEIGHT and column not in BY_NAME:
            raise InputError(f"{name}: column '{column}' is no parameter{did_you_mean(column, BY_NAME)}")
        if columns.count(column) > 1:
            raise InputError(f"{name}: column '{column}' is there twice; keep one.")


def _numbers(name: str, table: pa.Table, column: str) -> Floats:
    import pyarrow.types as kinds

    found = table.column(column)
    if not (kinds.is_floating(found.type) or kinds.is_integer(found.type)):
        raise InputError(f"{name}: column '{column}' holds {found.type} values; it must hold numbers.")
    return np.asarray(found.to_numpy(), dtype=float)  # missing values become nan


def _weights(name: str, weights: Floats) -> Floats:
    if not weights.size:
        raise InputError(f"{name}: has no rows; a posterior needs at least one draw.")
    bad = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if bad.size:
        raise InputError(
            f"{name} row {bad[0] + 1}: the weight is {weights[bad[0]]:g}; weights are numbers from 0 up."
        )
    total = float(weights.sum())
    if not 0.0 < total < math.inf:
        raise InputError(f"{name}: the weights sum to {total:g}; at least one must be above 0.")
    return weights if abs(total - 1.0) <= ROUNDING else weights / total


def _require_possible(name: str, parameter: str, values: Floats) -> None:
    """InputError for the first value that the parameter's equations have no meaning for."""
    entry = BY_NAME[parameter]
    possible = np.isfinite(values) & (values >= entry.least) & (values <= entry.most)
    if entry.whole:
        possible &= values == np.floor(values)
    if not possible.all():
        row = int(np.flatnonzero(~possible)[0])
        upto = f" to {entry.most:g}" if math.isfinite(entry.most) else " or more"
        whole = ", in whole numbers" if entry.whole else ""
        raise InputError(
            f"{name} row {row + 1}: {parameter}={values[row]:g} is impossible; it can be {entry.least:g}"
            f"{upto} {entry.unit}{whole}."
        )


def _provenance(name: str, table: pa.Table) -> dict[str, Any]:
    text = (table.schema.metadata or {}).get(METADATA, b"{}")
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise InputError(f"{name}: how it was made (metadata '{METADATA.decode()}') is no JSON object.")
    return found


# --- writing -------------------------------------------------------------------------------------


def write_posterior(posterior: Posterior, path: Path) -> None:
    """Write the file as a whole; the same content gives the same bytes (with one version of pyarrow).

    InputError if it cannot be written.
    """
    try:
        with _staged(path) as staging:
            _write(posterior, staging)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}).") from error


def _write(posterior: Posterior, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {WEIGHT: posterior.weights}
    columns |= {name: posterior.values[:, k] for k, name in enumerate(posterior.names)}
    text = json.dumps(dict(posterior.provenance), ensure_ascii=False, sort_keys=True, default=str)
    table = pa.table({name: np.asarray(column, dtype=float) for name, column in columns.items()})
    table = table.replace_schema_metadata({METADATA: text.encode()})
    pq.write_table(table, path, compression="zstd", use_dictionary=False)


@contextlib.contextmanager
def _staged(path: Path) -> Iterator[Path]:
    """A file beside the target that takes its place once it is whole and on the disk."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    os.close(handle)
    try:
        yield Path(name)
        with open(name, "rb") as file:
            os.fsync(file.fileno())
        os.chmod(name, 0o644)  # mkstemp keeps others out
        os.replace(name, path)
    finally:
        Path(name).unlink(missing_ok=True)
