"""Figures for tests of uncertainty: rows as dictionaries, what is left out is null."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import pyarrow as pa

from headwater.accounting.uncertainty import FIGURES_SCHEMA


def figures(rows: Iterable[Mapping[str, Any]], **extra: pa.DataType) -> pa.Table:
    """A table of `FIGURES_SCHEMA` and further columns, by their types."""
    schema = FIGURES_SCHEMA
    for name, kind in extra.items():
        schema = schema.append(pa.field(name, kind))
    given = [{**row, "co2e_kg": Decimal(str(row["co2e_kg"]))} for row in rows]
    return pa.Table.from_pylist([{name: row.get(name) for name in schema.names} for row in given], schema=schema)
