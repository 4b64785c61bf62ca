"""A JSON or XML file as a table of texts: once through for the columns, once more for the records."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

from headwater.connectors.csv_file.layout import MAX_COLUMNS, column_names
from headwater.connectors.nested.cells import SEP, Cells, columns_of
from headwater.connectors.nested.config import NestedConfig
from headwater.connectors.nested.json_records import JsonRecords
from headwater.connectors.nested.xml_records import XmlRecords
from headwater.connectors.text_table import Batch, Table
from headwater.errors import InputRefused, Misuse

_BATCH_RECORDS = 5_000
_BATCH_CELLS = 500_000
_BATCH_CHARACTERS = 16_000_000


class Records(Protocol):
    """What both kinds of file are read as."""

    part: str
    first_number: int
    header: tuple[str, ...]

    def cells(self, decimal: str, /) -> Iterator[Cells]:
        """Each record in order."""

    def is_settled(self) -> bool:
        """Whether going through once more would give the same paths."""

    def column(self, path: str) -> str:
        """The header cell of a path."""

    def place(self, number: int) -> str:
        """Where a record is, for people."""


def records_of(path: Path, config: NestedConfig, name: str) -> Records:
    """Raises Misuse where inspection has not completed the config."""
    left = [key for key in ("format", "records", "encoding", "shape") if getattr(config, key) is None]
    if left:
        raise Misuse(
            "how the file is nested is not known",
            where=f"source.{left[0]}",
            remedy="Inspect the file first, and read it with the config that inspection gives.",
        )
    return XmlRecords(path, config, name) if config.format == "xml" else JsonRecords(path, config, name)


def read_nested(path: Path, config: NestedConfig, *, name: str, decimal: str) -> Table:
    """Read a file as `inspect_nested` found it. Raises InputRefused, while batches are taken too."""
    records = records_of(path, config, name)
    paths, _ = paths_of(records, name)
    header = tuple(map(records.column, paths))
    return Table(
        columns=column_names(list(header)),
        header=header,
        batches=_batches(records, paths, decimal),
    )


def paths_of(records: Records, name: str, sample: int = 0) -> tuple[tuple[str, ...], list[Cells]]:
    """The columns' paths in the order they appear, and the first records. Reads the file through, at most twice."""
    paths, first = _surveyed(records, name, sample)
    if not records.is_settled():
        paths, first = _surveyed(records, name, sample)
    return _in_order(paths, records), first


def _in_order(paths: tuple[str, ...], records: Records) -> tuple[str, ...]:
    """Paths of one name (`{"a.b": 1, "a": {"b": 2}}`) in the same order in every file, so that their columns are."""
    alike: dict[str, list[str]] = {}
    for path in paths:
        alike.setdefault(records.column(path), []).append(path)
    for group in alike.values():
        group.sort(key=lambda path: (not path.startswith(SEP), path.count(SEP), path), reverse=True)
    return tuple(alike[records.column(path)].pop() for path in paths)


def _surveyed(records: Records, name: str, sample: int) -> tuple[tuple[str, ...], list[Cells]]:
    seen: dict[str, bool] = {}
    first: list[Cells] = []
    for number, label in enumerate(records.header, start=1):
        seen[f"{SEP}{number:06}{SEP}{label}"] = True
    for count, cells in enumerate(records.cells(".")):
        if count < sample:
            first.append(cells)
        for path, value in cells.items():
            if not seen.get(path):
                _check_path(path, seen, records, records.first_number + count, name)
                seen[path] = value is not None
    return columns_of(seen), first


def _check_path(path: str, seen: dict[str, bool], records: Records, number: int, name: str) -> None:
    if path not in seen and len(seen) >= MAX_COLUMNS:
        raise InputRefused(
            "too many columns",
            where=name,
            value=f"more than {MAX_COLUMNS:,} different names in the records",
            valid=f"at most {MAX_COLUMNS:,} columns",
            remedy='See that source.records is right; for objects keyed by id its last step is "*".',
        )
    column = records.column(path)
    if SEP in column or not _is_text(column):
        raise _no_text("a name", records.place(number), column)


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _batches(records: Records, paths: tuple[str, ...], decimal: str) -> Iterator[Batch]:
    if not paths:
        return
    number = records.first_number
    most = max(1, min(_BATCH_RECORDS, _BATCH_CELLS // len(paths)))
    rows = records.cells(decimal)
    names = column_names(list(map(records.column, paths)))
    while batch := _bounded(rows, most):
        columns = [_column([row.get(path) or "" for row in batch], records, number) for path in paths]
        yield Batch(part=records.part, first_number=number, rows=pa.table(columns, names=list(names)))
        number += len(batch)


def _bounded(rows: Iterator[Cells], most: int) -> list[Cells]:
    batch: list[Cells] = []
    size = 0
    for cells in islice(rows, most):
        batch.append(cells)
        size += sum(len(text) for text in cells.values() if text)
        if size > _BATCH_CHARACTERS:
            break
    return batch


def _column(values: list[str], records: Records, number: int) -> pa.StringArray:
    try:
        made = pa.array(values, pa.string())
    except UnicodeEncodeError as error:
        at = next(at for at, value in enumerate(values) if not _is_text(value))
        raise _no_text("a text", records.place(number + at), values[at]) from error
    if pc.any(pc.match_substring(made, "\0")).as_py():
        at = next(at for at, value in enumerate(values) if "\0" in value)
        raise _no_text("a text", records.place(number + at), values[at])
    return made


def _no_text(what: str, place: str, value: str) -> InputRefused:
    return InputRefused(
        f"{what} holds a zero character or half of a surrogate pair, which no text can",
        where=place,
        value=ascii(value)[:200],
        valid="Unicode text without U+0000",
        remedy="Mend the record where it comes from; it was damaged on its way.",
    )
