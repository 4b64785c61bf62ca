"""Rows that a run has read of a contract's table, beside the rows that stand there and stood there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from headwater.contracts.bulk import quoted
from headwater.pipeline.replay.differences import ROW

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwater.pipeline.replay.rows import ContractRows

Unlike = tuple[int, str, str | None, str | None]


def not_stored(rows: ContractRows, read: pa.Table, fields: Sequence[str]) -> list[Unlike]:
    """Of rows as they were read, those that neither stand nor stood so: place in `read`, field (`ROW` where there is no
    such row), what is stored, what was read. Of fields without a value the states are compared.

    read  the fields and the key as texts, blank where missing, and `_row_hash` (hexadecimal), `_absent`
    """
    connection, stored = rows.stored
    keys = [quoted(spec.name) for spec in rows.document.key]
    columns = {name: f"r.{quoted(name)}" for name in fields} | {"absent": "r._absent"}
    distinct = ", ".join(dict.fromkeys([*keys, *map(quoted, columns), "row_hash"]))
    beside = " AND ".join(f"s.{key} = r.{key}" for key in keys)
    told = [
        f"s.{quoted(name)} AS stored_{number}, {text} AS read_{number}, {_unlike(name, text)} AS unlike_{number}"
        for number, (name, text) in enumerate(columns.items())
    ]
    parts = [f"SELECT _place, '{ROW}', NULL, NULL FROM met WHERE is_missing"]
    parts += [
        f"SELECT _place, '{name}', stored_{number}, read_{number} FROM met WHERE NOT is_missing AND unlike_{number}"
        for number, name in enumerate(columns)
    ]
    numbered = read.append_column("_place", pa.array(range(read.num_rows), pa.int64()))
    connection.register("rows_read", numbered)
    try:
        return connection.execute(
            f"WITH s AS (SELECT DISTINCT {distinct} FROM {stored}"
            f"  WHERE row_hash IN (SELECT _row_hash FROM rows_read)),"
            f" met AS (SELECT _place, s.row_hash IS NULL AS is_missing, {', '.join(told)}"
            f"  FROM rows_read AS r LEFT JOIN s ON s.row_hash = r._row_hash AND {beside})"
            f" {' UNION ALL '.join(parts)} ORDER BY 1, 2"
        ).fetchall()
    finally:
        connection.unregister("rows_read")


def _unlike(name: str, text: str) -> str:
    """What is stored and what was read differ, where the row does not say why there is no value."""
    differ = f"coalesce(s.{quoted(name)}, '') <> coalesce({text}, '')"
    return differ if name == "absent" else f"{differ} AND NOT contains(';' || coalesce(s.absent, ''), ';{name}=not_')"
