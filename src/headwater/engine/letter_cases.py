"""The engine's letter cases, asked of it: Python has others, and each engine its own of every version of Unicode."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

_LETTERS = ((0x80, 0xD800), (0xE000, 0x20000))
"""Beyond the second plane of Unicode no letter has a case; between the two are halves of surrogate pairs."""


def letter_cases(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
    """Of `lower` and `upper`: each letter beyond ASCII that they change, and what it becomes."""
    return {name: _changed(connection, name) for name in ("lower", "upper")}


def _changed(connection: duckdb.DuckDBPyConnection, name: str) -> dict[str, str]:
    signs = " UNION ALL ".join(f"SELECT chr(range::INTEGER) AS sign FROM range({a}, {b})" for a, b in _LETTERS)
    rows = connection.execute(f"SELECT sign, {name}(sign) FROM ({signs}) WHERE {name}(sign) <> sign ORDER BY 1")
    return dict(rows.fetchall())
