"""The identifiers of a contract's table and of a stage beside it, as the queries of `load` need them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

from headwater.contracts.table import history_name, table_name
from headwater.store.stored_rows import canonical_text

if TYPE_CHECKING:
    from headwater.contracts.document import Document

FOREIGN = sql.SQL("(%(unit)s::uuid IS NOT NULL AND t.unit_id IS DISTINCT FROM %(unit)s::uuid)")
"""Of a row `t` that stands: that it is not of the unit that the source at hand belongs to."""
HOUSE_COLUMNS = ("absent", "record_no", "row_hash")


class LoadNames:
    """Composed once for a contract and a stage.

    `ahead` says of a staged row `s` and the row `t` that stands under its key, of chunk `c`, which may replace the
    other, whatever came first: 1 the staged one, -1 the one that stands, 0 what the order of arrival says.
    """

    def __init__(self, document: Document, stage: str, *, ahead: sql.Composable | None = None) -> None:
        self.document = document
        self.stage = stage
        self.met = f"{stage}_met"
        self._ahead = ahead or sql.SQL("0")
        self.target = table_name(document)
        self.history = history_name(document)
        self.keys = [spec.name for spec in document.fields if spec.key]
        self.decimals = {spec.name: spec.stored_type for spec in document.fields if spec.type == "decimal"}
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
            "met": sql.Identifier(self.met),
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
            "key_hash": key_hash(self.document, "s"),
            "ahead": self._ahead,
            "foreign": FOREIGN,
        }


def contract_of(document: Document) -> str:
    """`activity@1`: what a table of a contract holds records of, whatever its minor version."""
    return f"{document.name}@{document.major}"


def key_hash(document: Document, table: str) -> sql.Composed:
    """SHA-256 of organisation, contract and key, by which `deleted_records` knows a record; `headwater.values` and
    `pipeline.replay.deleted` have the twin.
    """
    parts = [sql.SQL("{}::text").format(canonical_text(spec, table=table)) for spec in document.key]
    return sql.SQL("sha256(convert_to(concat_ws(chr(31), {tenant}::uuid::text, {contract}, {key}), 'UTF8'))").format(
        tenant=sql.Placeholder("tenant"),
        contract=sql.Literal(contract_of(document)),
        key=sql.SQL(", ").join(parts),
    )


def by_version(field: str) -> sql.Composed:
    """The higher version of the two; a row without one is older than any that has one."""
    return sql.SQL(
        "CASE WHEN s.{version} IS NOT DISTINCT FROM t.{version} THEN 0"
        " WHEN t.{version} IS NULL OR s.{version} > t.{version} THEN 1 ELSE -1 END"
    ).format(version=sql.Identifier(field))


def by_chunk() -> sql.Composed:
    """Of two readings of a row in one run the one of the later chunk: that read a higher range of the cursor."""
    return sql.SQL(
        "CASE WHEN c.run_id <> {run} OR c.chunk_no = {chunk} THEN 0 WHEN c.chunk_no < {chunk} THEN 1 ELSE -1 END"
    ).format(run=sql.Placeholder("run"), chunk=sql.Placeholder("chunk_no"))


def with_parent(met: str) -> sql.Composed:
    """What was calculated from a record goes where the record went."""
    return sql.SQL("coalesce((SELECT p.ahead FROM {met} p WHERE p.record_no = s.record_no), 0)").format(
        met=sql.Identifier(met)
    )
