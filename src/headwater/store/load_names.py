"""The identifiers of a contract's table and of a stage beside it, as the queries of `load` need them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

from headwater.contracts.table import history_name, table_name

if TYPE_CHECKING:
    from headwater.contracts.document import Document

HOUSE_COLUMNS = ("absent", "record_no", "row_hash")


class LoadNames:
    """Composed once for a contract and a stage."""

    def __init__(self, document: Document, stage: str) -> None:
        self.stage = stage
        self.target = table_name(document)
        self.history = history_name(document)
        self.keys = [spec.name for spec in document.fields if spec.key]
        self.columns = [*(spec.name for spec in document.fields), *HOUSE_COLUMNS]

    def same(self, left: str, right: str) -> sql.Composed:
        """The key of `left` equals the key of `right`."""
        return sql.SQL(" AND ").join(
            sql.SQL("{}.{} = {}.{}").format(*(sql.Identifier(part) for part in (left, key, right, key)))
            for key in self.keys
        )

    def parts(self) -> dict[str, sql.Composable]:
        listed = sql.SQL(", ").join
        return {
            "stage": sql.Identifier(self.stage),
            "met": sql.Identifier(f"{self.stage}_met"),
            "target": sql.Identifier(self.target),
            "history": sql.Identifier(self.history),
            "keys": listed(sql.Identifier(key) for key in self.keys),
            "target_keys": listed(sql.Identifier("t", key) for key in self.keys),
            "first_key": sql.Identifier(self.keys[0]),
            "columns": listed(sql.Identifier(column) for column in self.columns),
            "target_columns": listed(sql.Identifier("t", column) for column in self.columns),
            "assignments": listed(
                sql.SQL("{} = {}").format(sql.Identifier(column), sql.Identifier("s", column))
                for column in self.columns
            ),
            "same_key": self.same("t", "s"),
        }
