"""A user's own region from files: a register of firms, their ties, or both as GraphML.

``columns.csv`` beside this file says which columns the files have and what these may hold.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from cpdiffusion.errors import InputError, did_you_mean
from cpdiffusion.world.contract import FIRMS, TIES, Table, cells, contract, firms_in_ties, recipe
from cpdiffusion.world.networks import recipe_of_graph
from cpdiffusion.world.world import Recipe

if TYPE_CHECKING:
    import networkx as nx
    import pandas as pd
    import pyarrow as pa

ENCODINGS = ("utf-8", "cp949")  # the second is Korean Windows's own
UTF_8_MARK = b"\xef\xbb\xbf"
OTHER_FORMATS = {  # what a file begins with that people take for CSV
    b"PK\x03\x04": "a workbook",
    b"\xd0\xcf\x11\xe0": "a workbook",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
}
CONTROL_BYTES = bytes(set(range(32)) - set(b"\t\n\f\r"))


def read_world(
    firms: Path | None = None,
    ties: Path | None = None,
    graph: Path | None = None,
    directed: bool = True,
    region: str = "own",
    any_network: bool = False,
) -> Recipe:
    """The recipe of a user's own world; what the files do not give is drawn from the seed.

    ``firms`` and ``ties`` are CSV files (``columns.csv`` in this folder lists their columns) in
    UTF-8 or CP949. Without ``ties`` the ties are drawn as in the presets. Without ``firms`` the
    firms are those that occur in ``ties``; they share one sector and one complex (both ``all``),
    and every other column is drawn. ``graph`` is a GraphML file in place of both, with the same
    columns as attributes of nodes and edges. A tie runs from the firm that influences (source) to
    the firm influenced; ``directed=False`` adds the reverse of each. Of a pair in several layers
    the first of LAYERS stays, of a repeated pair the first. ``region`` is where all firms are when
    the files have no ``region``; with a preset's id its effect applies. ``any_network`` asks of
    ``firms`` no more than the names: sector and complex are then ``all`` where they are not given.

    Raises InputError with file, line and column at the first thing that breaks the contract.
    Warns (UserWarning) of ties of a firm with itself, which are left out.
    """
    if graph is not None:
        if firms is not None or ties is not None:
            raise InputError("graph: holds firms and ties itself; give it alone or not at all.")
        return recipe_of_graph(read_graphml(Path(graph)), Path(graph).name, region, directed)
    return recipe_of_files(firms, ties, directed, region, any_network)


def from_frames(
    firms: pd.DataFrame,
    ties: pd.DataFrame | None = None,
    directed: bool = True,
    region: str = "own",
    any_network: bool = False,
) -> Recipe:
    """The recipe of a world in pandas frames with the columns of ``firms.csv`` and ``ties.csv``."""
    tie_table = None if ties is None else frame_table(ties, TIES, "ties")
    return recipe(frame_table(firms, FIRMS, "firms", any_network), tie_table, region, directed)


def frame_table(frame: pd.DataFrame, file: str, name: str, any_network: bool = False) -> Table:
    """A frame as columns of text, under the same contract as the file."""
    require_columns([str(column) for column in frame.columns], file, name, any_network)
    if frame.empty:
        raise InputError(f"{name}: has no rows; add at least one.")
    columns = {str(c): cells(frame[c]) for c in frame.columns if not str(c).startswith("note")}
    return Table(name, columns, lambda row: f"{name} row {row}")


def recipe_of_files(
    firms: Path | None, ties: Path | None, directed: bool, region: str, any_network: bool
) -> Recipe:
    """The recipe of firms.csv, of ties.csv or of both."""
    register = None if firms is None else read_table(Path(firms), FIRMS, any_network)
    tie_table = None if ties is None else read_table(Path(ties), TIES)
    if register is None and tie_table is not None:
        register = firms_in_ties(tie_table)
    if register is None:
        raise InputError("A world of your own needs a file: give firms, ties or graph.")
    return recipe(register, tie_table, region, directed)


def read_graphml(path: Path) -> nx.Graph:
    """A GraphML file as networkx reads it."""
    import networkx as nx

    content = io.BytesIO(bytes_of(path))
    try:
        return nx.read_graphml(content)
    except Exception as error:  # the XML parser and networkx raise a dozen kinds of them
        raise InputError(f"{path.name}: is not GraphML as networkx reads it ({error}).") from None


def read_table(path: Path, file: str, any_network: bool = False) -> Table:
    """A CSV file as columns of text; ``file`` is the contract (FIRMS or TIES) that it follows.

    Raises InputError for what is no CSV text, for columns that the contract does not have or
    requires, and for rows that are longer or shorter than the header.
    """
    name, content = path.name, utf_8(bytes_of(path), path.name)
    rows = numbered_rows(content, name)
    line, first = next(rows)
    header = [column.strip() for column in first]
    require_columns(header, file, f"{name} line {line}", any_network)
    if next(rows, None) is None:
        raise InputError(f"{name}: has only a header; add at least one row.")
    columns = columns_below(header, content, name)
    return Table(name, columns, lambda row: f"{name} line {line_of(row, content, name)}")


def bytes_of(path: Path) -> bytes:
    """The content of a file; InputError when there is none."""
    if not path.exists():
        raise InputError(f"{path}: there is no such file; check the path.")
    if path.is_dir():
        raise InputError(f"{path}: is a folder; name a file in it.")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check its rights.") from None
    if not content.removeprefix(UTF_8_MARK).strip():
        raise InputError(f"{path.name}: is empty; it must hold at least a header and a row.")
    return content


def utf_8(content: bytes, name: str) -> bytes:
    """Text in one of ENCODINGS as UTF-8 without mark; InputError for what is no such text."""
    for mark, kind in OTHER_FORMATS.items():
        if content.startswith(mark):
            raise InputError(f"{name}: is {kind}; save it as CSV in UTF-8.")
    if content.translate(None, CONTROL_BYTES) != content:
        raise InputError(f"{name}: is not text; save it as CSV in UTF-8.")
    unmarked, furthest = content.removeprefix(UTF_8_MARK), 0
    for encoding in ENCODINGS if unmarked == content else ENCODINGS[:1]:
        bad = first_bad_byte(unmarked, encoding)
        if bad is None:
            return unmarked.decode(encoding).encode()
        furthest = max(bad, furthest)
    line = unmarked.count(b"\n", 0, furthest) + 1
    raise InputError(f"{name} line {line}: is not UTF-8 or CP949 text; save the file in UTF-8.")


def first_bad_byte(content: bytes, encoding: str) -> int | None:
    """Where the bytes stop being text in this encoding; None when all of them are."""
    try:
        content.decode(encoding)
    except UnicodeDecodeError as error:
        return error.start
    return None


def numbered_rows(content: bytes, name: str) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not blank, each with the line of the file on which it begins (header: 1)."""
    reader = csv.reader(io.TextIOWrapper(io.BytesIO(content), "utf-8", newline=None), strict=True)
    begins = 1
    try:
        for row in reader:
            if row:
                yield begins, row
            begins = reader.line_num + 1
    except csv.Error as error:
        problem = f"{name} line {begins}: is not CSV ({error})"
        raise InputError(f"{problem}; close each quotation mark and double those within.") from None


def require_columns(header: Sequence[str], file: str, where: str, any_network: bool = False) -> None:
    """InputError for an unknown, repeated or missing column; ``note...`` may stand anywhere."""
    required = {"required"} if any_network else {"required", "required by compare"}
    known = contract(file)
    if len(header) == 1 and any(mark in header[0] for mark in ";\t|"):
        raise InputError(f"{where}: has only one column; separate cells by commas.")
    for k, column in enumerate(header):
        if not column:
            raise InputError(f"{where}: column {k + 1} has no name; name it or take it out.")
        if column in header[:k]:
            raise InputError(f"{where}: column '{column}' occurs twice; keep one.")
        if column not in known and not column.startswith("note"):
            raise InputError(f"{where}: unknown column '{column}'{did_you_mean(column, known)}")
    for column in known:
        if known[column].if_absent in required and column not in header:
            raise InputError(f"{where}: column '{column}' is missing; add it.")


def columns_below(header: Sequence[str], content: bytes, name: str) -> dict[str, pa.StringArray]:
    """Cells below the header by column, without surrounding blanks; notes are left out."""
    import pyarrow as pa
    import pyarrow.compute as pc

    has_quotes = b'"' in content
    if has_quotes:  # Arrow would take an open quotation mark to reach to the end of the file
        require_width(len(header), content, name)
    try:
        table = arrow_table(len(header), content, has_quotes)
    except pa.ArrowInvalid as error:
        require_width(len(header), content, name)
        raise InputError(f"{name}: is not CSV ({error}).") from None
    columns = zip(header, table.columns, strict=True)
    kept = ((column, cells) for column, cells in columns if not column.startswith("note"))
    return {column: pc.utf8_trim_whitespace(cells.combine_chunks()) for column, cells in kept}


def arrow_table(width: int, content: bytes, line_breaks_in_cells: bool) -> pa.Table:
    """All rows as text columns, the header among them; blank lines left out."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    names = [str(k) for k in range(width)]
    return arrow_csv.read_csv(
        pa.py_buffer(content),
        arrow_csv.ReadOptions(column_names=names),
        arrow_csv.ParseOptions(newlines_in_values=line_breaks_in_cells),
        arrow_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
    ).slice(1)


def require_width(width: int, content: bytes, name: str) -> None:
    """InputError at the first row that has not as many cells as the header, or is not CSV."""
    for line, row in numbered_rows(content, name):
        if len(row) != width:
            cells = f"{len(row)} cells, but the header has {width}"
            raise InputError(f"{name} line {line}: has {cells}; give each column one cell.")


def line_of(row: int, content: bytes, name: str) -> int:
    """Line of the file on which a row below the header begins; found only when it is asked for."""
    return next(islice(numbered_rows(content, name), row + 1, None))[0]
