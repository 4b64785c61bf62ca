"""What is left of somebody who is erased: which rows were theirs, without the hashes by which values are tested."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from psycopg import sql

from headwater.store.queries import named_queries
from headwater.store.sealed import opened_refusals, opener_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from uuid import UUID

    import psycopg

QUERIES = named_queries("erasures")
Origin = tuple["UUID", int]
"""Where a row came from: its chunk, and its record's number in that."""


class RowsOfSubject:
    """The rows of one subject, in the caller's transaction. `mark` is what their ciphertexts hold."""

    def __init__(self, connection: psycopg.Connection[Any], tenant_id: UUID, mark: str) -> None:
        self._connection = connection
        self._values = {"tenant_id": tenant_id, "mark": mark}

    def origins(self, table: str, fields: Collection[str]) -> list[tuple[Origin, str]]:
        """Where the rows of a table came from that hold a value of theirs in one of these fields; the hash of each, in
        hexadecimal digits.
        """
        return [((chunk, number), row_hash) for chunk, number, row_hash in self._run("rows_of", table, fields)]

    def strip(self, table: str, fields: Collection[str]) -> None:
        """Take the hashes off these rows."""
        self._run("strip", table, fields)

    def strip_marks(self) -> None:
        """And off keys that were deleted by hand."""
        self._run("strip_marks", "deleted_records", ["record_key"])

    def _run(self, query: str, table: str, fields: Collection[str]) -> psycopg.Cursor[tuple[Any, ...]]:
        column = {name: sql.Identifier("t", name) for name in fields}
        bare = {
            name: sql.SQL(r"regexp_replace({}, 'enc1\.[\w-]+(\.[\w-]+\.)', 'enc1.\1', 'g')").format(column[name])
            for name in fields
        }
        stripped: Iterable[sql.Composed] = bare.values()
        if query == "strip":
            stripped = (sql.SQL("{} = {}").format(sql.Identifier(name), text) for name, text in bare.items())
        statement = sql.SQL(QUERIES[query]).format(
            table=sql.Identifier(table),
            theirs=sql.SQL(" OR ").join(sql.SQL("strpos({}, %(mark)s) > 0").format(each) for each in column.values()),
            stripped=sql.SQL(", ").join(stripped),
        )
        return self._connection.execute(statement, self._values)


def hold_erasing(connection: psycopg.Connection[Any], tenant_id: UUID) -> None:
    """Wait for whoever erases somebody of the organisation, and keep others waiting until the transaction ends."""
    connection.execute(QUERIES["hold"], {"tenant_id": tenant_id})


def first_records(connection: psycopg.Connection[Any], tenant_id: UUID, chunks: Collection[UUID]) -> Mapping[UUID, int]:
    """The number in its file of the first record of each chunk."""
    values = {"tenant_id": tenant_id, "chunks": list(chunks)}
    return dict(connection.execute(QUERIES["first_records"], values).fetchall())


def refused_by_run(
    connection: psycopg.Connection[Any], tenant_id: UUID, contract: str
) -> Iterator[tuple[UUID, list[tuple[UUID, Mapping[str, str | None], UUID]]]]:
    """Records in quarantine of a major version (`erp.worker@1.`), by the run that refused them last: id, cells, and its
    chunk.
    """
    rows = connection.execute(QUERIES["refused"], {"tenant_id": tenant_id, "contract": contract}).fetchall()
    cells = opened_refusals([row[2] for row in rows], opener_of(connection))
    records = [(run, (found, raw, chunk)) for (run, found, _, chunk), raw in zip(rows, cells, strict=True)]
    for run, each in groupby(records, key=lambda record: record[0]):
        yield run, [record for _, record in each]
