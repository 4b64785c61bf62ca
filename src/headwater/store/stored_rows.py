"""Rows of a contract's table as canonical text: what is hashed, pinned and compared when figures are verified."""

from __future__ import annotations

import io
import tempfile
from contextlib import nullcontext
from dataclasses import dataclass
from functools import lru_cache
from typing import IO, TYPE_CHECKING, Any, Protocol

import pyarrow as pa
from psycopg import sql
from pyarrow import csv as arrow_csv

from headwater.contracts.table import history_name, table_name
from headwater.store.failures import translated
from headwater.store.queries import named_queries
from headwater.store.sealed import opened_batches, opened_house, opened_rows, opener_of, sealed_key

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from uuid import UUID

    import psycopg

    from headwater.contracts.document import Document, FieldSpec
    from headwater.store.sealed import Opener

QUERIES = named_queries("stored_rows")
BLOCK_BYTES = 8 * 2**20
PAST = ("superseded_by", "operation")
HASHES = ("source_id", "raw_hash", "key_hash")
HOUSE_COLUMNS = {
    "quarantine": (
        "quarantine_id", "occurrence", "source_id", "raw_hash", "contract", "chunk_id", "record_no", "line",
        "last_chunk_id", "raw", "findings", "state", "state_reason", "key_hash",
    ),
    "quarantine_repairs": (
        "quarantine_id", "occurrence", "repair_no", "chunk_id", "record_no", "outcome", "findings", "actor",
    ),
    "findings": ("chunk_id", "record_no", "rule_id", "field", "value", "message"),
}  # fmt: skip
"""What is evidence in these tables; when a row was written is not."""


class Writes(Protocol):
    """Where rows are written to: a file, or a blob."""

    def write(self, block: bytes, /) -> object:
        """Take some more bytes."""


def current_rows(connection: psycopg.Connection[Any], document: Document) -> bytes:
    """The contract's rows that stand, as CSV of canonical texts, by key; equal rows give equal bytes."""
    out = io.BytesIO()
    _copy(
        connection,
        out,
        columns=[canonical(spec) for spec in document.fields],
        tables=sql.Identifier(table_name(document)),
        order=[sql.Identifier(spec.name) for spec in document.key],
    )
    return out.getvalue()


ROW_HASH, ROW_ABSENT = "_row_hash", "_absent"
"""Of each row in a file of records: its hash, and why some of its fields hold no value."""


@dataclass(frozen=True, kw_only=True)
class RecordColumn:
    """A column of a file of records.

    of     the field that is followed to the row that has it; None for the row itself
    words  state -> what is written where the field holds no value for that reason; else a blank is
    """

    of: str | None
    spec: FieldSpec
    words: Mapping[str, str]


def write_records(
    connection: psycopg.Connection[Any],
    out: Writes,
    document: Document,
    followed: Mapping[str, Document],
    columns: Mapping[str, RecordColumn],
) -> None:
    """Rows that stand, each with the rows that some of its fields hold the key of, as CSV of canonical texts, by key.
    Of each row stands there, too, its hash and what it says of missing values.
    """
    tables = [sql.SQL("{} AS record").format(sql.Identifier(table_name(document)))]
    tables += [
        sql.SQL(QUERIES["followed"]).format(
            table=sql.Identifier(table_name(other)),
            alias=sql.Identifier(_alias(field)),
            key=sql.Identifier(other.key[0].name),
            field=sql.Identifier(field),
        )
        for field, other in followed.items()
    ]
    personal = {name: column.spec for name, column in columns.items() if column.spec.personal}
    with tempfile.TemporaryFile(prefix="headwater-records-") if personal else nullcontext(out) as written:
        _copy(
            connection,
            written,
            columns=[
                *(_cell(name, column) for name, column in columns.items()),
                *(column for field in (None, *followed) for column in _told_of(field)),
            ],
            tables=sql.SQL(" ").join(tables),
            order=[sql.Identifier("record", spec.name) for spec in document.key],
        )
        if personal:
            _open(written, out, personal, opener_of(connection))


def _open(written: Any, out: Writes, personal: Mapping[str, FieldSpec], opener: Opener | None) -> None:
    """What was written, with these columns in clear; of who was erased nothing stands there."""
    written.seek(0)
    out.write(written.readline())
    written.seek(0)
    unquoted_nulls = arrow_csv.WriteOptions(include_header=False, quoting_style="all_valid")
    for batch in opened_batches(parsed_batches(written), personal, opener, keep=False):
        block = io.BytesIO()
        arrow_csv.write_csv(batch, block, unquoted_nulls)
        out.write(block.getvalue())


def _alias(field: str | None) -> str:
    return "record" if field is None else f"of_{field}"


def house_column(of: str | None, name: str) -> str:
    """What a column is called that holds the hash or the states of a row."""
    return name if of is None else f"{of}.{name}"


def _told_of(field: str | None) -> tuple[sql.Composed, sql.Composed]:
    row_hash, absent = (sql.Identifier(_alias(field), name) for name in ("row_hash", "absent"))
    return (
        sql.SQL("encode({}, 'hex') AS {}").format(row_hash, sql.Identifier(house_column(field, ROW_HASH))),
        sql.SQL("{} AS {}").format(absent, sql.Identifier(house_column(field, ROW_ABSENT))),
    )


def _cell(name: str, column: RecordColumn) -> sql.Composed:
    """A value, or the word that says why there is none."""
    table = _alias(column.of)
    text = canonical_text(column.spec, table=table)
    if column.words and not column.spec.required:
        said = sql.SQL("';' || {} || ';'").format(sql.Identifier(table, "absent"))
        words = [
            sql.SQL("WHEN strpos({}, {}) > 0 THEN {}").format(
                said, sql.Literal(f";{column.spec.name}={state};"), sql.Literal(word)
            )
            for state, word in column.words.items()
        ]
        text = sql.SQL("CASE {} ELSE CAST({} AS text) END").format(sql.SQL(" ").join(words), text)
    return sql.SQL("{} AS {}").format(text, sql.Identifier(name))


def write_codes(
    connection: psycopg.Connection[Any], out: Writes, fields: Mapping[str, Sequence[tuple[Document, FieldSpec]]]
) -> None:
    """What stands in these fields, by the name under which each is referred to, as CSV of `reference` and `code`:
    sorted, each code once, in whichever of its tables it stands; equal codes give equal bytes.
    """
    parts = [
        sql.SQL(QUERIES["codes"]).format(
            reference=sql.Literal(reference), column=canonical(spec), table=sql.Identifier(table_name(document))
        )
        for reference, tables in fields.items()
        for document, spec in tables
    ]
    names = [sql.Identifier("reference"), sql.Identifier("code")]
    union = sql.SQL("({}) AS codes").format(sql.SQL(" UNION ").join(parts))
    _copy(connection, out, columns=names, tables=union, order=names)


def code_batches(
    connection: psycopg.Connection[Any], fields: Mapping[str, Sequence[tuple[Document, FieldSpec]]]
) -> Iterator[pa.RecordBatch]:
    """The same as texts, batch by batch."""
    with tempfile.TemporaryFile(prefix="headwater-codes-") as file:
        write_codes(connection, file, fields)
        file.seek(0)
        yield from parsed_batches(file)


@dataclass(frozen=True, kw_only=True)
class StoredRow:
    """One row as it stands: values by field, and where it came from."""

    values: Mapping[str, Any]
    absent: str | None
    chunk_id: UUID
    record_no: int  # in the chunk, from 0
    row_hash: bytes
    unit_id: UUID | None = None


def canonical(spec: FieldSpec) -> sql.Composed:
    """A column as the canonical text of its kind, under its own name."""
    return sql.SQL("{} AS {}").format(canonical_text(spec), sql.Identifier(spec.name))


def canonical_text(spec: FieldSpec, *, table: str | None = None) -> sql.Composable:
    """A column as the canonical text of its kind, as which PostgreSQL prints most types; what is personal is a text."""
    column = sql.Identifier(spec.name) if table is None else sql.Identifier(table, spec.name)
    if spec.personal:
        return column
    if spec.type == "boolean":
        return sql.SQL("CAST({} AS text)").format(column)
    if spec.type == "timestamp":
        form = sql.Literal('YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
        return sql.SQL("to_char({} AT TIME ZONE 'UTC', {})").format(column, form)
    return column


def find_rows(
    connection: psycopg.Connection[Any],
    tenant_id: UUID,
    document: Document,
    key: Mapping[str, object],
    *,
    units: Collection[UUID] | None = None,
) -> list[StoredRow]:
    """Rows with these values in some or all of the key's fields, by key; 50 at most. Of these units only, if any."""
    order = tuple(spec.name for spec in document.key)
    query = composed(QUERIES["by_key"], table_name(document), _stored(document), tuple(key), order)
    told = {"tenant_id": tenant_id, "of_units": None if units is None else list(units)}
    values = {**sealed_key(connection, document, key), **told}
    return _rows(connection, document, connection.execute(query, values).fetchall())


def find_past(
    connection: psycopg.Connection[Any],
    tenant_id: UUID,
    document: Document,
    key: Mapping[str, object],
    *,
    row_hash: bytes,
) -> StoredRow | None:
    """The version of a row that has this hash, where it was replaced or deleted since."""
    query = composed(QUERIES["past"], history_name(document), _stored(document), tuple(key))
    values = {**sealed_key(connection, document, key), "tenant_id": tenant_id, "row_hash": row_hash}
    return next(iter(_rows(connection, document, connection.execute(query, values).fetchall())), None)


def _stored(document: Document) -> tuple[str, ...]:
    return (*(spec.name for spec in document.fields), "absent", "chunk_id", "record_no", "row_hash")


@lru_cache(maxsize=256)  # composing it takes longer than PostgreSQL needs to answer
def composed(
    statement: str, table: str, columns: tuple[str, ...], key: tuple[str, ...], order: tuple[str, ...] = ()
) -> bytes:
    """A statement of our own files for these names, which are those of contracts."""
    same = (sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in key)
    return (
        sql.SQL(statement)
        .format(
            table=sql.Identifier(table),
            columns=_listed(columns),
            condition=sql.SQL(" AND ").join(same),
            order=_listed(order),
        )
        .as_bytes(None)
    )


def _rows(connection: psycopg.Connection[Any], document: Document, rows: Sequence[Sequence[Any]]) -> list[StoredRow]:
    fields = [spec.name for spec in document.fields]
    found = [
        StoredRow(
            values=dict(zip(fields, row, strict=False)),
            absent=row[-5],
            chunk_id=row[-4],
            record_no=row[-3],
            row_hash=bytes(row[-2]),
            unit_id=row[-1],
        )
        for row in rows
    ]
    return opened_rows(document, found, opener_of(connection))


def _listed(names: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def stored_batches(connection: psycopg.Connection[Any], document: Document, *, past: bool) -> Iterator[pa.RecordBatch]:
    """Every row of a contract, or of its past, as canonical texts with all its columns, ordered by chunk. A personal
    value that does not open, because its key is gone, stays the ciphertext.
    """
    house = [sql.Identifier(name) for name in ("absent", "chunk_id", "record_no", *(PAST if past else ()))]
    batches = row_batches(
        connection,
        columns=[*map(canonical, document.fields), *house, _hexadecimal("row_hash")],
        tables=sql.Identifier(history_name(document) if past else table_name(document)),
        order=[sql.Identifier("chunk_id")],
    )
    return opened_batches(batches, document.personal, opener_of(connection), keep=True)


def house_batches(connection: psycopg.Connection[Any], table: str) -> Iterator[pa.RecordBatch]:
    """Every row of quarantine, quarantine_repairs or findings as texts, opened as rows of contracts, by chunk."""
    batches = row_batches(
        connection,
        columns=[_hexadecimal(name) if name in HASHES else sql.Identifier(name) for name in HOUSE_COLUMNS[table]],
        tables=sql.Identifier(table),
        order=[sql.Identifier("chunk_id")],
    )
    opener = opener_of(connection)
    return (opened_house(batch, opener) for batch in batches)


def _hexadecimal(name: str) -> sql.Composed:
    return sql.SQL("encode({}, 'hex') AS {}").format(sql.Identifier(name), sql.Identifier(name))


def row_batches(
    connection: psycopg.Connection[Any],
    *,
    columns: Sequence[sql.Composable],
    tables: sql.Composable,
    order: Sequence[sql.Composable],
) -> Iterator[pa.RecordBatch]:
    """Rows of any tables, ordered, as texts; by way of a temp file, for a table may be larger than memory."""
    with tempfile.TemporaryFile(prefix="headwater-rows-") as file:
        _copy(connection, file, columns=columns, tables=tables, order=order)
        file.seek(0)
        yield from parsed_batches(file)


def parsed_batches(file: IO[bytes]) -> Iterator[pa.RecordBatch]:
    """What was written here, batch by batch, from where the file stands."""
    start = file.tell()
    header = file.readline()
    file.seek(start)
    yield from arrow_csv.open_csv(
        file,
        read_options=arrow_csv.ReadOptions(use_threads=False, block_size=BLOCK_BYTES),
        parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
        convert_options=_options(header),
    )


def parsed_header(file: IO[bytes]) -> list[str]:
    """The names of the columns of what was written here."""
    return _names(file.readline())


def _copy(
    connection: psycopg.Connection[Any],
    out: Writes,
    *,
    columns: Sequence[sql.Composable],
    tables: sql.Composable,
    order: Sequence[sql.Composable],
) -> None:
    listed = sql.SQL(", ").join
    statement = sql.SQL(QUERIES["copy_rows"]).format(columns=listed(columns), tables=tables, order=listed(order))
    with translated("read stored rows"), connection.cursor() as cursor, cursor.copy(statement) as copy:
        for block in copy:
            out.write(bytes(block))


def parse_rows(content: bytes) -> pa.Table:
    """A table of texts from what `current_rows` wrote; a missing value is null."""
    return arrow_csv.read_csv(
        io.BytesIO(content),
        read_options=arrow_csv.ReadOptions(use_threads=False, block_size=max(len(content), 1)),
        parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
        convert_options=_options(content[: content.index(b"\n")]),
    )


def _options(header: bytes) -> arrow_csv.ConvertOptions:
    """All columns texts; what is quoted is a text however empty, what is not is null."""
    names = _names(header)
    return arrow_csv.ConvertOptions(
        column_types={name: pa.string() for name in names},
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        null_values=[""],
    )


def _names(header: bytes) -> list[str]:
    return header.decode().strip().replace('"', "").split(",")
