"""Records of a contract as they stand: listed page by page, one by its key, its history, and all of them exported."""

from __future__ import annotations

import io
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv as arrow_csv

from headwater.contracts.row_text import canonical_texts
from headwater.contracts.table import history_name, table_name
from headwater.errors import NotFound
from headwater.services.access.keys import seals_of
from headwater.services.access.masking import mask, masked_table, personal_fields, show_records_clear
from headwater.services.access.policy import Right
from headwater.services.answers.kinds import Value
from headwater.services.listing import Listed, Page, Question, ask, by_name, choice_of
from headwater.services.tracing.tracer import no_such_record, parse_key
from headwater.store import listing
from headwater.store.listing import Column, Condition
from headwater.store.sealed import opened_values, opener_of, sealed_key
from headwater.store.stored_rows import find_rows
from headwater.values import OWN_FORMAT

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from headwater.contracts import Document
    from headwater.contracts.document import FieldSpec
    from headwater.documents.delimiters import Delimiter
    from headwater.services.installation import Installation
    from headwater.store.stored_rows import StoredRow

Form = Literal["csv", "parquet", "arrow"]
HOUSE = (
    Column(name="absent", type="text"),
    Column(name="chunk_id", type="uuid", nullable=False),
    Column(name="record_no", type="integer", nullable=False),
    Column(name="row_hash", type="bytea", nullable=False),
    Column(name="unit_id", type="uuid"),
)
PAST = (
    Column(name="superseded_by", type="uuid", nullable=False),
    Column(name="operation", type="text", nullable=False),
)
_ARROW: dict[str, Any] = {
    "text": pa.string(),
    "code": pa.string(),
    "integer": pa.int64(),
    "date": pa.date32(),
    "boolean": pa.bool_(),
    "timestamp": pa.timestamp("us", tz="UTC"),
}


@dataclass(frozen=True, kw_only=True)
class Record:
    """A record as it stands.

    key        fields of a key are joined by `|`
    version    hash of its values: an edit names the one that it was made on
    values     field of the contract → value; decimals as texts, null where it has none
    absent     why values are not there, where the source says so
    chunk_id   the chunk that brought it
    record_no  in the source, from 1
    unit_id    null: the organisation's
    """

    key: str
    version: str
    values: Mapping[str, Value]
    absent: str | None
    chunk_id: str
    record_no: int
    unit_id: str | None = None


def contract_of(installation: Installation, reference: str) -> Document:
    """`activity@1`, or `activity` for its newest major version; NotFound for any other."""
    name, _, major = reference.partition("@")
    if not major:
        known = [
            document.major for pack in installation.packs for document in pack.documents() if document.name == name
        ]
        return installation.contract(name, max(known, default=1))
    if not (major.isascii() and major.isdigit() and len(major) < 6):
        raise NotFound("there is no such contract", where="contract", value=reference, valid="name@major")
    return installation.contract(name, int(major))


def list_records(installation: Installation, reference: str, question: Question, *, clear: bool = False) -> Page:
    """A page of records, by key where no sort is said. What is personal is masked, unless it is asked for in clear:
    then it may be asked by its exact value, too.
    """
    installation = installation.seeing(Right.QUERY if question.filters or question.sort else Right.READ)
    document = contract_of(installation, reference)
    if clear:
        show_records_clear(installation, document)
    page = ask(installation, listed_of(document, installation if clear else None), question)
    return Page(
        items=[vars(record) for record in _records(document, _opened(installation, document, page.items), clear=clear)],
        next_cursor=page.next_cursor,
        total=page.total,
        at_least=page.at_least,
    )


def show_record(installation: Installation, reference: str, key: str, *, clear: bool = False) -> Record:
    """The record of a key, whose fields are joined by `|`."""
    installation = installation.seeing(Right.READ)
    document = contract_of(installation, reference)
    if clear:
        show_records_clear(installation, document)
    row = _find(installation, document, key)
    return Record(
        key=key_text(document, row.values),
        version=row.row_hash.hex(),
        values=_shower(document, clear=clear)(row.values),
        absent=row.absent,
        chunk_id=str(row.chunk_id),
        record_no=row.record_no,
        unit_id=str(row.unit_id) if row.unit_id else None,
    )


def _find(installation: Installation, document: Document, key: str) -> StoredRow:
    named = parse_key(document, key)
    with installation.database.asking(installation.tenant_id) as connection:
        found = find_rows(connection, installation.tenant_id, document, named, units=installation.units)
    if not found:
        raise no_such_record(document, key)
    return found[0]


def history_of(installation: Installation, reference: str, key: str, question: Question) -> Page:
    """The versions of a record that were replaced or deleted; NotFound where it neither stands nor ever stood."""
    installation = installation.seeing(Right.QUERY if question.filters or question.sort else Right.READ)
    document = contract_of(installation, reference)
    with installation.database.connect(installation.tenant_id) as connection:
        values = sealed_key(connection, document, parse_key(document, key))
    columns = by_name([*_columns(document), *HOUSE, *PAST])
    past = Listed(
        what=f"past records of {document.name}",
        table=history_name(document),
        columns=columns,
        order=[],
        key=["superseded_by", "chunk_id", "record_no"],
        filters=frozenset(columns) - personal_fields(document),
    )
    also = [
        Condition(column=columns[spec.name], operator="eq", value=_as_asked(spec, values[spec.name]))
        for spec in document.key
    ]
    page = ask(installation, past, question, also=also)
    if not page.items and not ask(installation, past, Question(limit=1), also=also).items:
        _find(installation, document, key)
    rows = _opened(installation, document, page.items)
    items = [
        vars(record) | {name.name: str(row[name.name]) for name in PAST}
        for record, row in zip(_records(document, rows, clear=False), rows, strict=True)
    ]
    return Page(items=items, next_cursor=page.next_cursor, total=page.total, at_least=page.at_least)


def export(
    installation: Installation,
    reference: str,
    question: Question,
    form: Form,
    *,
    delimiter: Delimiter = ",",
    clear: bool = False,
) -> Generator[bytes]:
    """All records asked for as one file, block by block, whatever their number. Errors come before the first block."""
    installation = installation.seeing(Right.QUERY)
    document = contract_of(installation, reference)
    if clear:
        show_records_clear(installation, document)
    units = None if installation.units is None else sorted(installation.units)
    choice = choice_of(listed_of(document, installation if clear else None), question)
    choice = replace(choice, columns=_fields(document), units=units)
    return _exported(installation, document, choice, form, delimiter, clear=clear)


def _exported(
    installation: Installation, document: Document, choice: listing.Choice, form: Form, delimiter: str, *, clear: bool
) -> Generator[bytes]:
    tenant_id = installation.tenant_id
    hidden = frozenset() if clear else personal_fields(document)
    with installation.database.snapshot(tenant_id) as connection:
        if form == "csv" and not document.personal:
            yield from listing.csv_blocks(connection, tenant_id, choice, delimiter=delimiter)
            return
        whole = pa.schema([(spec.name, _arrow_type(spec)) for spec in document.fields])
        schema = masked_table(document, whole.empty_table()).schema if hidden else whole
        schema = schema.with_metadata({"contract": document.reference, "contract_sha256": document.hash.hex()})
        out = _Blocks()
        with ExitStack() as open_:
            writer = open_.enter_context(_writer(out, schema, form, delimiter))
            for rows in listing.batches(connection, tenant_id, choice):
                named = [dict(zip(whole.names, row, strict=True)) for row in rows] if document.personal else []
                opened = [tuple(row.values()) for row in opened_values(document, named, opener_of(connection))] or rows
                columns = [
                    pa.array(column, kind) for column, kind in zip(zip(*opened, strict=True), whole.types, strict=True)
                ]
                table = pa.table(columns, schema=whole)
                writer.write_table(masked_table(document, table) if hidden else table)
                yield out.take()
        yield out.take()


def _writer(out: _Blocks, schema: pa.Schema, form: Form, delimiter: str) -> Any:
    sink: Any = pa.PythonFile(out, mode="w")
    if form == "csv":
        return arrow_csv.CSVWriter(sink, schema, write_options=arrow_csv.WriteOptions(delimiter=delimiter))
    return pq.ParquetWriter(sink, schema, compression="zstd") if form == "parquet" else pa.ipc.new_stream(sink, schema)


class _Blocks(io.RawIOBase):
    """What a writer writes, to be taken away block by block."""

    def __init__(self) -> None:
        super().__init__()
        self._blocks: list[bytes] = []

    def writable(self) -> bool:
        """It is written to."""
        return True

    def write(self, block: Any) -> int:
        """Keep a block until it is taken."""
        self._blocks.append(bytes(block))
        return len(self._blocks[-1])

    def take(self) -> bytes:
        """What was written since."""
        taken = b"".join(self._blocks)
        self._blocks.clear()
        return taken


def listed_of(document: Document, asking: Installation | None = None) -> Listed:
    """The list of a contract's records. `asking` is whoever may see them in clear, and ask by what is personal."""
    columns = by_name([*_columns(document), *HOUSE])
    return Listed(
        what=f"records of {document.name}",
        table=table_name(document),
        columns=columns,
        order=[],
        key=_order_of(document),
        filters=frozenset(columns) - personal_fields(document),  # an answer to such a question would tell it
        sealed={}
        if asking is None
        else {name: partial(_begins, asking, spec) for name, spec in document.personal.items()},
    )


def _begins(installation: Installation, spec: FieldSpec, value: str) -> str:
    """What the ciphertext of a value begins with; as it stands where it is none of the field's."""
    parsed = spec.kind.parse(value, OWN_FORMAT).value
    with installation.database.connect(installation.tenant_id) as connection:
        seals = seals_of(installation.settings, connection, installation.tenant_id)
        return seals.index(spec.name, value if parsed is None else spec.kind.canonical(parsed))


def _as_asked(spec: FieldSpec, value: object) -> str:
    return str(value) if spec.personal else spec.kind.canonical(value)


def _opened(installation: Installation, document: Document, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of a list with what is personal in clear."""
    if not document.personal:
        return rows
    with installation.database.asking(installation.tenant_id) as connection:
        return opened_values(document, rows, opener_of(connection))


def _order_of(document: Document) -> list[str]:
    """By key; where that is personal, by where records came from, for a cursor would tell the key."""
    names = [spec.name for spec in document.key]
    return ["chunk_id", "record_no"] if personal_fields(document) & set(names) else names


def _fields(document: Document) -> list[Column]:
    return [
        Column(name=spec.name, type=spec.stored_type, nullable=not (spec.key or spec.required))
        for spec in document.fields
    ]


def _columns(document: Document) -> list[Column]:
    taken = {column.name for column in HOUSE}
    return [column for column in _fields(document) if column.name not in taken]


def _arrow_type(spec: Any) -> pa.DataType:
    if spec.type == "decimal":
        return pa.decimal128(spec.kind.precision, spec.kind.scale)
    kind: pa.DataType = _ARROW[spec.type]
    return kind


def _records(document: Document, rows: Sequence[Mapping[str, Any]], *, clear: bool) -> list[Record]:
    shown_of, key = _shower(document, clear=clear), [spec.name for spec in document.key]
    return [_record(row, shown_of(row), key) for row in rows]


def _record(row: Mapping[str, Any], shown: Mapping[str, Any], key: Sequence[str]) -> Record:
    return Record(
        key="|".join(str(shown[name]) for name in key),
        version=bytes(row["row_hash"]).hex(),
        values=shown,
        absent=row["absent"],
        chunk_id=str(row["chunk_id"]),
        record_no=row["record_no"],
        unit_id=str(row["unit_id"]) if row["unit_id"] else None,
    )


def _shower(document: Document, *, clear: bool) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """How rows are shown: whole numbers and booleans as such, all else as canonical text, so that decimals stay exact;
    what is personal masked, but in clear. It is worked out once, for most of a page's time is its values'.
    """
    hidden = frozenset[str]() if clear else personal_fields(document)
    ways = [(spec.name, _way_of(spec, masks=spec.name in hidden)) for spec in document.fields]

    def shown(row: Mapping[str, Any]) -> dict[str, Any]:
        return {name: None if (value := row[name]) is None else way(value) for name, way in ways}

    return shown


def _way_of(spec: FieldSpec, *, masks: bool) -> Callable[[Any], Any]:
    plain = _as_it_is if spec.type in {"integer", "boolean"} else spec.kind.canonical
    return (lambda value: mask(plain(value))) if masks else plain


def _as_it_is(value: object) -> object:
    return value


def key_text(document: Document, values: Mapping[str, Any]) -> str:
    """A record's key as one text."""
    texts = canonical_texts(document, values)
    return "|".join(str(texts[spec.name]) for spec in document.key)
