"""Records of a few lines of CSV through one mapping, without a database."""

from __future__ import annotations

import csv
import io
from typing import Any

import duckdb
import pyarrow as pa

from headwater.contracts import Document
from headwater.contracts.bulk import enforcement
from headwater.mapping import Mapping, compile_mapping


def mapped_by(mapping: Mapping, document: Document, text: str, delimiter: str = ";") -> list[dict[str, Any]]:
    """Fields as texts and values, reason to skip, of each record of a CSV; blank cells are as a file's."""
    rows = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    compiled = compile_mapping(mapping, document, rows[0])
    rules = enforcement(document, compiled.format)
    texts = ", ".join(f'{sql} AS "{field}__text"' for field, sql in compiled.texts.items())
    readings = ", ".join(f'{sql} AS "{column}"' for column, sql in rules.readings.items())
    values = ", ".join(f'{sql} AS "{column}"' for column, sql in (rules.outcomes | rules.values).items())
    unmapped = " OR ".join(compiled.unmapped.values()) or "false"
    query = f"""
        WITH mapped AS (SELECT {texts}, {compiled.skip} AS skip, {unmapped} AS unmapped FROM {compiled.source("raw")}),
             read AS (SELECT *, {readings} FROM mapped)
        SELECT *, {values} FROM read"""
    with duckdb.connect(config={"threads": 1}) as con:
        columns = {name: pa.array([row[place] for row in rows[1:]], pa.string()) for place, name in enumerate(rows[0])}
        con.register("raw", pa.table(columns))
        return [dict(row) for row in con.sql(query).to_arrow_table().to_pylist()]
