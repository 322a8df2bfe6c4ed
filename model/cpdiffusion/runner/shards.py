"""The store: one Parquet file per chunk, whole or not there; and all of them as one file in the end.

A shard is written beside its place, synced and renamed; its name says which units it holds, and its
metadata which of them failed and why. So the files themselves are the ledger: whatever was killed when,
what is there counts, and the rest is to do.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cpdiffusion.errors import InputError
from cpdiffusion.runner.folder import write_bytes_whole
from cpdiffusion.runner.work import Chunk, Done, Failed

if TYPE_CHECKING:
    import pyarrow as pa

FAILED = b"failed"
NAME = re.compile(r"units-(\d+)-(\d+)\.parquet")
ROWS_PER_GROUP = 50_000  # of the one file in the end: what is in memory at a time


def as_parquet(done: Done) -> bytes:
    """Rows and failures as the bytes of a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    failed = json.dumps([list(one) for one in done.failed], ensure_ascii=False)
    table = pa.table(dict(done.columns)).replace_schema_metadata({FAILED: failed.encode()})
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer, **how(table.schema))
    written: bytes = buffer.getvalue().to_pybytes()
    return written


def how(schema: pa.Schema) -> dict[str, Any]:
    """Words are written once and counted; measured numbers hardly repeat, and trying costs time."""
    import pyarrow as pa

    words = [field.name for field in schema if pa.types.is_string(field.type)]
    return {"compression": "zstd", "use_dictionary": words}


class Shards:
    """The shards in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, chunk: Chunk, shard: bytes) -> None:
        """Put a chunk's shard in its place. InputError when the disk is full or read-only."""
        self.write_beside(f"units-{chunk.first:09d}-{chunk.end - 1:09d}.parquet", shard)

    def write_beside(self, name: str, content: bytes) -> None:
        """Put another file beside the shards, whole. Errors as in ``write``."""
        try:
            write_bytes_whole(self.folder / name, content)
        except OSError as error:
            raise InputError(
                f"{self.folder}: cannot be written ({error.strerror}); what was done before is kept: make "
                "room, and give the same command again to go on."
            ) from None

    def chunks(self) -> list[Chunk]:
        """What is done, in order."""
        names = (NAME.fullmatch(path.name) for path in self.folder.iterdir())
        spans = sorted((int(m[1]), int(m[2])) for m in names if m)
        return [Chunk(first, last - first + 1) for first, last in spans]

    def to_do(self, units: int) -> list[Chunk]:
        """The gaps between what is done, in order."""
        gaps, begin = [], 0
        for chunk in [*self.chunks(), Chunk(units, 0)]:
            if chunk.first > begin:
                gaps.append(Chunk(begin, chunk.first - begin))
            begin = max(begin, chunk.end)
        return gaps

    def failed(self) -> list[Failed]:
        """Units that could not be computed, in order."""
        import pyarrow.parquet as pq

        found = (pq.read_metadata(path).metadata.get(FAILED, b"[]") for path in self.paths())
        return [Failed(*one) for text in found for one in json.loads(text)]

    def paths(self) -> list[Path]:
        """The files, in order of their units."""
        return sorted(path for path in self.folder.iterdir() if NAME.fullmatch(path.name))

    def with_rows(self) -> list[Path]:
        """Those files that hold rows: where every unit of a chunk failed, there are not even columns."""
        import pyarrow.parquet as pq

        return [path for path in self.paths() if pq.read_metadata(path).num_columns]

    def merged_into(self, path: Path) -> None:
        """All rows in order as one file; its bytes do not depend on how the work was cut."""
        write_in_groups(self._tables(), path)

    def _tables(self) -> Iterator[pa.Table]:
        import pyarrow.parquet as pq

        for path in self.with_rows():
            yield pq.read_table(path).replace_schema_metadata(None)


def write_in_groups(tables: Iterator[pa.Table], path: Path) -> None:
    """Tables one after the other as one file, a group of rows at a time; no file without a table."""
    import pyarrow.parquet as pq

    with contextlib.ExitStack() as stack:
        writer: Any = None
        for table in in_groups(tables):
            if writer is None:
                writer = stack.enter_context(pq.ParquetWriter(path, table.schema, **how(table.schema)))
            writer.write_table(table, row_group_size=ROWS_PER_GROUP)


def in_groups(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """The same rows in tables of ROWS_PER_GROUP, the last one shorter."""
    waiting: list[pa.Table] = []
    for table in tables:
        waiting.append(table)
        if sum(part.num_rows for part in waiting) >= ROWS_PER_GROUP:
            *full, rest = _cut(waiting)
            yield from full
            waiting = [rest]
    yield from (part for part in _cut(waiting) if part.num_rows) if waiting else ()


def _cut(tables: Sequence[pa.Table]) -> list[pa.Table]:
    import pyarrow as pa

    whole = pa.concat_tables(tables).unify_dictionaries().combine_chunks()
    bounds = range(0, whole.num_rows + 1, ROWS_PER_GROUP)
    return [whole.slice(begin, ROWS_PER_GROUP) for begin in bounds]
