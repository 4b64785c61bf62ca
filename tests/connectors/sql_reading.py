"""What tests of SQL sources share: a selection planned and read as a sync does it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pyarrow as pa

from headwater.connectors.parquet_file.texts import texts
from headwater.connectors.protocol import Connector, Selection, SourceChunk, SourcePlan


def read(connector: Connector, selection: Selection, chunk: SourceChunk) -> pa.Table:
    """A chunk, known by its locator alone, as JSON keeps it."""
    again = replace(chunk, locator=json.loads(json.dumps(dict(chunk.locator))))
    with connector.read(selection, again) as batches:
        return pa.Table.from_batches(list(batches))


def read_all(connector: Connector, selection: Selection, plan: SourcePlan | None = None) -> list[dict[str, Any]]:
    """Every row of a plan, chunk after chunk."""
    plan = plan or connector.plan(selection)
    return [row for chunk in plan.chunks for row in read(connector, selection, chunk).to_pylist()]


def as_texts(table: pa.Table) -> list[dict[str, str | None]]:
    """Rows as they reach the river: texts, nothing only where the source has NULL."""
    columns = {}
    for name in table.column_names:
        column = table.column(name).combine_chunks()
        said = texts(column, ".").to_pylist()
        columns[name] = [
            text if valid else None for text, valid in zip(said, column.is_valid().to_pylist(), strict=True)
        ]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
