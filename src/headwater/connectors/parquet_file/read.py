"""A Parquet file: what it is, and its rows batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from headwater.connectors.csv_file.layout import MAX_COLUMNS, column_names
from headwater.connectors.csv_file.records import MAX_RECORD_BYTES
from headwater.connectors.inspection import SAMPLE_ROWS, Inspection
from headwater.connectors.parquet_file.texts import Column, Leaf, is_bytes, leaves
from headwater.connectors.text_table import Batch, Table
from headwater.documents.counted import counted
from headwater.errors import InputRefused, Misuse

_BATCH_CELLS = 200_000
_BATCH_ROWS = 10_000
_BUFFER = 1024 * 1024


def inspect_parquet(path: Path, *, name: str) -> Inspection[None]:
    """Inspect a file; it tells everything itself. Raises InputRefused where it is damaged, encrypted or too wide."""
    with _opened(path, name) as file:
        header, types = _columns(file, name)
        meta = file.metadata
        about = (
            f"{counted(meta.num_rows, 'row')} in {counted(meta.num_row_groups, 'row group')},"
            f" written by {meta.created_by or 'unknown'}"
        )
        told = ", ".join(f"{cell}: {kind}" for cell, kind in islice(zip(header, types, strict=True), 50))
        first = next(_batches(file, name, header, "."), None)
    rows = [tuple(row) for row in zip(*(c.to_pylist() for c in first.rows.columns), strict=True)] if first else []
    columns = column_names(list(header))
    return Inspection(
        format="parquet",
        name=name,
        size=path.stat().st_size,
        encoding="",
        confidence=1.0,
        evidence=(about, told),
        config=None,
        header_line=0,
        preamble=(),
        columns=columns,
        sample=tuple(rows[:SAMPLE_ROWS]),
        sample_lines=tuple(range(1, len(rows[:SAMPLE_ROWS]) + 1)),
        warnings=tuple(_warnings(header, columns, types, meta.num_rows)),
    )


def read_parquet(path: Path, *, name: str, decimal: str) -> Table:
    """Read a file; rows are counted from 1. Raises InputRefused, while batches are taken too."""
    with _opened(path, name) as file:
        header, _ = _columns(file, name)
    return Table(columns=column_names(list(header)), header=header, batches=_all_batches(path, name, header, decimal))


def _all_batches(path: Path, name: str, header: tuple[str, ...], decimal: str) -> Iterator[Batch]:
    with _opened(path, name) as file:
        yield from _batches(file, name, header, decimal)


@contextmanager
def _opened(path: Path, name: str) -> Iterator[pq.ParquetFile]:
    if not path.is_file():
        raise Misuse("there is no such file", where=str(path), valid="a file that exists and may be read")
    with _in_words(name):
        file = pq.ParquetFile(path, buffer_size=_BUFFER, pre_buffer=False)
    with file:
        yield file


@contextmanager
def _in_words(name: str) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, ValueError) as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        if "crypt" in why.lower():
            raise InputRefused(
                "the file is encrypted", where=name, value=why, remedy="Write it without encryption."
            ) from error
        raise InputRefused(
            "the Parquet file is damaged, or uses what is not read",
            where=name,
            value=why,
            valid="a Parquet file that can be read whole",
            remedy="Fetch it again, or write it again with another tool.",
        ) from error


def _columns(file: pq.ParquetFile, name: str) -> tuple[tuple[str, ...], list[pa.DataType]]:
    """Header cells and types of the leaves; found on an empty table of the schema."""
    with _in_words(name):
        schema = file.schema_arrow
    if len(file.schema) > MAX_COLUMNS:
        raise InputRefused(
            "too many columns",
            where=name,
            value=len(file.schema),
            valid=f"at most {MAX_COLUMNS:,} columns",
            remedy="A wide table is better turned into rows first.",
        )
    header, types = [], []
    for field in schema:
        with _in_words(name):
            found = leaves(pa.array([], field.type), field)
        for leaf in found:
            column = ".".join(leaf.path)
            _texts_of(leaf, column, f"{name}, column {column}", ".")
            header.append(column)
            types.append(leaf.column.type)
    return tuple(header), types


def _batches(file: pq.ParquetFile, name: str, header: tuple[str, ...], decimal: str) -> Iterator[Batch]:
    names = list(column_names(list(header)))
    rows = max(1, min(_BATCH_ROWS, _BATCH_CELLS // max(1, len(header))))
    number = 1
    with _in_words(name):
        batches = file.iter_batches(batch_size=rows, use_threads=False)
    while True:
        with _in_words(name):
            batch = next(batches, None)
        if batch is None:
            return
        found = [leaf for at, field in enumerate(batch.schema) for leaf in leaves(batch.column(at), field)]
        where = f"{name}, rows {number} to {number + batch.num_rows - 1}"
        columns = [_texts_of(leaf, ".".join(leaf.path), where, decimal) for leaf in found]
        if batch.num_rows and columns:
            yield Batch(part="", first_number=number, rows=pa.table(columns, names=names))
        number += batch.num_rows


def _texts_of(leaf: Leaf, column: str, where: str, decimal: str) -> Column:
    try:
        made = leaf.texts(decimal)
    except TypeError as error:
        raise InputRefused(
            f"the column {column} is of a type that has no text",
            where=where,
            value=str(leaf.column.type),
            valid="numbers, texts, dates, times, booleans, and structs and lists of them",
            remedy="Leave the column out, or write it as another type.",
        ) from error
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise InputRefused(
            f"the column {column} holds a value that is no {leaf.column.type}",
            where=where,
            value=str(error).splitlines()[0],
            remedy="Write the file again; texts must be UTF-8, time zones known.",
        ) from error
    if pc.any(pc.match_substring(made, "\0")).as_py():
        raise InputRefused(
            f"the column {column} holds a zero character, which no text can",
            where=where,
            valid="Unicode text without U+0000",
            remedy="Mend the record where it comes from.",
        )
    lengths: Column = pc.binary_length(made)
    longest: int = pc.max(lengths).as_py() or 0
    if longest > MAX_RECORD_BYTES:
        raise InputRefused(
            f"the column {column} holds a value of more than {MAX_RECORD_BYTES // 1024 // 1024} MB",
            where=where,
            value=longest,
            remedy="Leave the column out.",
        )
    return made


def _warnings(header: tuple[str, ...], columns: tuple[str, ...], types: list[pa.DataType], rows: int) -> Iterator[str]:
    for number, (cell, column, kind) in enumerate(zip(header, columns, types, strict=True), start=1):
        if cell != column:
            yield f"column {number} has a name that stands before it already, or none; it is called {column}"
        if is_bytes(kind):
            yield f"column {column} holds bytes, shown as 0x…; if they are texts, write it with a text type"
    if not rows:
        yield "there are no records"
