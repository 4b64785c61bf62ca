"""The first records of a file as texts, for what is said about it before anything is loaded."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headwater.connectors.files import WORKBOOKS, inspect_file, table_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from headwater.connectors.files import FileConfig
    from headwater.connectors.inspection import Inspection
    from headwater.connectors.text_table.parts import Batch
    from headwater.mapping import Mapping

RECORDS = 2_000
"""As many tell what a column holds; a preview counts over these."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """The file's first records that are not blank.

    numbers   line, row or index of each; `parts` the sheet
    ragged    records among them with another number of fields, which quarantine would take
    is_whole  whether the file holds no more
    """

    inspection: Inspection[FileConfig]
    rows: pa.Table
    numbers: tuple[int, ...]
    parts: tuple[str, ...]
    ragged: int
    is_whole: bool


def take_sample(path: Path, hints: FileConfig, *, records: int = RECORDS, mapping: Mapping | None = None) -> Sample:
    """The first records of a file; InputRefused and Misuse as inspection has them. With a mapping, numbers that the
    file stores as numbers are written under the locale that it has for these columns.
    """
    found = inspect_file(path, hints)
    if mapping is not None:
        decimal = mapping.for_columns(found.columns).locale.decimal
        found = replace(found, config=replace(found.config, decimal=decimal))
    with table_of(path, found.config, name=found.name) as table:
        return _first(found, table.columns, table.batches, records)


@contextmanager
def every_record(path: Path, hints: FileConfig) -> Iterator[tuple[pa.Schema, Iterator[pa.RecordBatch]]]:
    """All records of a file that are not blank, as texts, as long as the block lasts; refused as `take_sample` does."""
    found = inspect_file(path, hints)
    with table_of(path, found.config, name=found.name) as table:
        schema = pa.schema([(column, pa.string()) for column in table.columns])
        filled = (batch.rows.filter(pa.array(_filled(batch.rows))).cast(schema) for batch in table.batches)
        yield schema, (each for rows in filled for each in rows.to_batches())


def source_keys(found: Inspection[FileConfig]) -> dict[str, object]:
    """What a mapping's `source` says of this file: what tells its layout, without what is usual."""
    config = found.config
    keys: dict[str, object] = {"format": found.format}
    if found.member is not None:
        keys["member"] = found.member
    if found.format == "csv":
        said = config.csv
        keys["delimiter"] = said.delimiter
        keys |= {"encoding": said.encoding} if (said.encoding or "utf-8") not in _UTF8 else {}
        keys |= {"quote": said.quote} if said.quote not in {'"', "", None} else {}
        keys |= {"comment": said.comment} if said.comment else {}
        keys |= {"preamble": said.preamble} if said.preamble else {}
    elif found.format in WORKBOOKS:
        keys |= _of_workbook(found)
    elif config.nested.records not in {None, "/"}:
        keys["records"] = config.nested.records
    return keys


_UTF8 = frozenset({"utf-8", "utf-8-sig", "ascii"})


def _of_workbook(found: Inspection[FileConfig]) -> dict[str, object]:
    layouts = found.config.workbook.layouts or ()
    is_only_one = len([sheet for sheet in found.sheets if sheet.state == "visible"]) == 1 == len(layouts)
    keys: dict[str, object] = {} if is_only_one else {"sheets": tuple(layout.name for layout in layouts)}
    for name, usual in (("header", 1), ("header_rows", 1), ("units_row", 0)):
        values = {getattr(layout, name) for layout in layouts}
        if len(values) == 1 and values != {usual}:
            keys[name] = values.pop()
    return keys


def _first(found: Inspection[FileConfig], columns: tuple[str, ...], batches: Iterator[Batch], records: int) -> Sample:
    tables, numbers, parts = [], list[int](), list[str]()
    ragged, is_whole = 0, True
    for batch in batches:
        if len(numbers) >= records:
            is_whole = False
            break
        places = np.flatnonzero(_filled(batch.rows))
        left = records - len(numbers)
        if len(places) > left:
            places, is_whole = places[:left], False
        ragged += sum(1 for _ in batch.ragged)
        tables.append(batch.rows.take(places))
        each = len(batch.columns) or 1
        numbers += [batch.first_number + place // each for place in places.tolist()]
        parts += [batch.part] * len(places)
    empty = pa.table({column: pa.array([], pa.string()) for column in columns})
    return Sample(
        inspection=found,
        rows=pa.concat_tables([empty, *tables]),
        numbers=tuple(numbers),
        parts=tuple(parts),
        ragged=ragged,
        is_whole=is_whole,
    )


def _filled(rows: pa.Table) -> Any:
    """Which rows hold a text."""
    filled = np.zeros(rows.num_rows, bool)
    for column in rows.columns:
        filled |= pc.not_equal(pc.utf8_trim_whitespace(column), pa.scalar("")).to_numpy(zero_copy_only=False)
    return filled
