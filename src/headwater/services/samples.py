"""The first records of a file as texts, for what is said about it before anything is loaded."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headwater.connectors.csv_file import CsvConfig, inspect_file, is_utf8, to_utf8
from headwater.connectors.csv_file.table import read_csv
from headwater.mapping.document import Source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headwater.connectors.inspection import Inspection
    from headwater.connectors.text_table.parts import Batch

RECORDS = 2_000
"""As many tell what a column holds; a preview counts over these."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """The file's first records that are not blank.

    numbers   line, row or index of each; `parts` the sheet
    ragged    records among them with another number of fields, which quarantine would take
    is_whole  whether the file holds no more
    """

    inspection: Inspection[Any]
    rows: pa.Table
    numbers: tuple[int, ...]
    parts: tuple[str, ...]
    ragged: int
    is_whole: bool


def take_sample(path: Path, hints: CsvConfig, *, records: int = RECORDS) -> Sample:
    """The first records of a file; InputRefused and Misuse as inspection has them."""
    found = inspect_file(path, hints)
    with tempfile.TemporaryDirectory(prefix="headwater-sample-") as folder:
        text = path
        if not is_utf8(found.encoding):
            text = Path(folder) / "text"
            with text.open("wb") as file:
                to_utf8(path, found.encoding, file)
        table = read_csv(text, found.config, name=path.name)
        return _first(found, table.columns, table.batches, records)


def source_keys(sample: Sample) -> dict[str, object]:
    """What a mapping's `source` says of this file; what is found without being said is left out."""
    found = sample.inspection
    keys: dict[str, object] = {"format": found.format}
    if found.member:
        keys["member"] = found.member
    usual = {"encoding": "utf-8", "quote": '"', "comment": "", "preamble": 0, "header_rows": 1, "units_row": 0}
    for name in Source.model_fields:
        value = getattr(found.config, name, None) if is_dataclass(found.config) else None
        if name not in keys and value not in (None, "", (), usual.get(name)) and isinstance(value, (str, int, tuple)):
            keys[name] = value
    if keys.get("encoding") in {"utf-8", "utf-8-sig", "ascii"}:
        keys.pop("encoding")
    return {name: value for name, value in keys.items() if name in Source.model_fields}


def _first(found: Inspection[Any], columns: tuple[str, ...], batches: Iterator[Batch], records: int) -> Sample:
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
