"""A case whose rows are put into DuckDB, be it the source or what stands behind one."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from headwater.connectors.protocol import Selection
from headwater.testing import Case, Row

TYPES = {
    "integer": "BIGINT",
    "decimal": "DECIMAL(38,10)",
    "float": "DOUBLE",
    "text": "VARCHAR",
    "bytes": "BLOB",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "timestamptz": "TIMESTAMPTZ",
    "time": "TIME",
    "json": "JSON",
    "array": "BIGINT[]",
    "enum": "ENUM ('verified', 'not ''yet'' sure')",
    "uuid": "UUID",
}


class DuckdbRowsCase(Case):
    """`run` is given by the case; names are of `table` and `columns`, written as those are."""

    types: ClassVar[dict[str, str]] = TYPES

    @abstractmethod
    def run(self, statement: str, values: Sequence[Any] = ()) -> None:
        """Run a statement of DuckDB's, in the schema of the table."""

    def make(self, rows: Sequence[Row]) -> None:
        key = "PRIMARY KEY" if all(row.id is not None for row in rows) else ""
        number, moment, value = self.columns
        self.run(
            f'CREATE OR REPLACE TABLE {self._name} ("{number}" BIGINT {key}, "{moment}" TIMESTAMPTZ, "{value}" VARCHAR)'
        )
        self.insert(rows)

    def insert(self, rows: Sequence[Row]) -> None:
        moments = [row.at.isoformat() if row.at else None for row in rows]
        self.run(
            f"INSERT INTO {self._name} SELECT unnest(?::BIGINT[]), unnest(?::TIMESTAMPTZ[]), unnest(?::VARCHAR[])",
            [[row.id for row in rows], moments, [row.value for row in rows]],
        )

    def update(self, rows: Sequence[Row]) -> None:
        number, moment, value = self.columns
        for row in rows:
            self.run(
                f'UPDATE {self._name} SET "{moment}" = ?, "{value}" = ? WHERE "{number}" = ?',
                [row.at, row.value, row.id],
            )

    def delete(self, ids: Sequence[int]) -> None:
        self.run(f'DELETE FROM {self._name} WHERE list_contains(?::BIGINT[], "{self.columns[0]}")', [list(ids)])

    def make_values(self, sort: str, values: Sequence[Any]) -> Selection:
        number, _, value = self.columns
        table = "LOSSLESS" if self._name.isupper() else "lossless"
        declared = self.types[sort]
        given = [each.isoformat() if hasattr(each, "isoformat") else each for each in values]
        rows = ", ".join(f"({place}, CAST(? AS {declared}))" for place in range(1, len(given) + 1))
        self.run(f'CREATE OR REPLACE TABLE {table} ("{number}" INT PRIMARY KEY, "{value}" {declared})')
        self.run(f"INSERT INTO {table} VALUES {rows}", given)
        return Selection(table=f"{self.table.partition('.')[0]}.{table}", key=(number,))

    @property
    def _name(self) -> str:
        return self.table.rpartition(".")[2]
