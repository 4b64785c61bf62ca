"""Inventories as stored: added whole and never changed; a publication gives one of them a number."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import TYPE_CHECKING, Any, BinaryIO
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import class_row, dict_row

from headwater.contracts.table import table_name
from headwater.errors import Stopped
from headwater.store import audit
from headwater.store.failures import translated
from headwater.store.queries import named_queries
from headwater.store.stored_rows import canonical, row_batches

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    import pyarrow as pa

    from headwater.contracts.document import Document

QUERIES = named_queries("inventories")
ROWS = named_queries("stored_rows")
BLOCK = 2**20
DISCARDED, RESTORED = "inventory.discarded", "inventory.restored"
"""Actions of the audit chain. Nothing of an inventory is deleted: the chain says whether it is to be seen."""


@dataclass(frozen=True, kw_only=True)
class NewInventory:
    """An inventory to be stored. Everything it was made of stands as SHA-256."""

    inventory_id: UUID
    name: str
    document: bytes
    activities: bytes
    factors: bytes
    instruments: bytes
    potentials: bytes
    rates: bytes | None
    lines: bytes
    logic: str
    activity_count: int
    line_count: int


@dataclass(frozen=True, kw_only=True)
class StoredInventory(NewInventory):
    """An inventory as it stands; `number` where it was published, `discarded_at` where it was put away."""

    calculated_at: datetime
    number: int | None
    published_at: datetime | None
    discarded_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class StoredFinding:
    """A finding about an inventory.

    rule_id     by which it was noticed
    subject     what it is about
    message     in a sentence
    activities  how many it concerns
    quantity    of these, in `unit`; None where they are of several units
    co2e_kg     kg CO2e that it is about; None where there is no figure
    """

    rule_id: str
    subject: str
    message: str
    method: str | None
    stage: str | None
    activities: int
    quantity: Decimal | None
    unit: str | None
    co2e_kg: Decimal | None

    @property
    def how_much(self) -> str | None:
        """The quantity in its unit, else the CO2e, without zeros at the end."""
        if self.quantity is not None:
            return f"{self.quantity.normalize():,f} {self.unit or ''}".rstrip()
        return None if self.co2e_kg is None else f"{self.co2e_kg.normalize():,f} kg CO2e"


@dataclass(frozen=True, kw_only=True)
class LineSum:
    """Lines alike in all that must not be added across."""

    gwp_set: str
    method: str
    scope: int | None
    category: int | None
    stage: str
    tier: str | None
    basis: str
    missing_sets: str | None
    lines: int
    co2e_kg: Decimal
    biogenic_co2_kg: Decimal | None


def pin_rows(
    connection: psycopg.Connection[Any],
    out: Any,
    document: Document,
    *,
    span: tuple[str, str] | None = None,
    start: date | None = None,
    end: date | None = None,
) -> None:
    """Write the contract's rows that stand to `out`, by key: canonical texts, `absent`, and the row hash.

    span: two fields, dates; only rows from the one to before the other that have a day from start to before end. Those
    that begin before it are written first.
    """
    table: sql.Composable = sql.Identifier(table_name(document))
    first: list[sql.Composable] = []
    if span is not None:
        begins, ends = map(sql.Identifier, span)
        table = sql.SQL("(SELECT * FROM {} WHERE {} < {} AND ({} >= {} OR {} > {})) AS within").format(
            table, begins, sql.Literal(end), begins, sql.Literal(start), ends, sql.Literal(start)
        )
        first = [sql.SQL("{} >= {}").format(begins, sql.Literal(start))]
    hashed = sql.SQL("encode(row_hash, 'hex') AS row_hash")
    columns = [*map(canonical, document.fields), sql.Identifier("absent"), hashed]
    order = first + [
        _by_bytes(spec.name) if spec.type in {"code", "text"} else sql.Identifier(spec.name) for spec in document.key
    ]
    listed = sql.SQL(", ").join
    statement = sql.SQL(ROWS["copy_rows"]).format(columns=listed(columns), tables=table, order=listed(order))
    with translated("pin rows"), connection.cursor() as cursor, cursor.copy(statement) as copy:
        for block in copy:
            out.write(block)


def _by_bytes(name: str) -> sql.Composed:
    """The same order on every server."""
    return sql.SQL('{} COLLATE "C"').format(sql.Identifier(name))


def add_inventory(
    connection: psycopg.Connection[Any],
    tenant_id: UUID,
    inventory: NewInventory,
    *,
    columns: Sequence[str],
    lines: BinaryIO,
    findings: Sequence[Mapping[str, Any]],
) -> None:
    """Store an inventory in the open transaction. `lines` is its file: CSV of canonical texts in these columns."""
    whose = {"tenant_id": tenant_id, "inventory_id": inventory.inventory_id}
    connection.execute(QUERIES["add"], {"tenant_id": tenant_id, **asdict(inventory)})
    listed = sql.SQL(", ").join(map(sql.Identifier, columns))
    connection.execute(sql.SQL(QUERIES["make_stage"]).format(columns=listed))
    with connection.cursor() as cursor, cursor.copy(sql.SQL(QUERIES["fill_stage"]).format(columns=listed)) as copy:
        while block := lines.read(BLOCK):
            copy.write(block)
    connection.execute(sql.SQL(QUERIES["keep_lines"]).format(columns=listed), whose)
    with connection.cursor() as cursor:
        cursor.executemany(
            QUERIES["add_finding"],
            [{**whose, "finding_no": number, **finding} for number, finding in enumerate(findings, start=1)],
        )


def all_inventories(connection: psycopg.Connection[Any], tenant_id: UUID) -> list[StoredInventory]:
    """Every inventory, the latest first."""
    with connection.cursor(row_factory=class_row(StoredInventory)) as cursor:
        return cursor.execute(QUERIES["all"], {"tenant_id": tenant_id}).fetchall()


def findings_of(connection: psycopg.Connection[Any], tenant_id: UUID, inventory_id: UUID) -> list[StoredFinding]:
    """The findings of an inventory in order."""
    return list(findings_by_number(connection, tenant_id, inventory_id).values())


def findings_by_number(
    connection: psycopg.Connection[Any], tenant_id: UUID, inventory_id: UUID
) -> dict[int, StoredFinding]:
    """The findings of an inventory by number, in order."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(QUERIES["findings"], {"tenant_id": tenant_id, "inventory_id": inventory_id}).fetchall()
    return {row.pop("finding_no"): StoredFinding(**row) for row in rows}


def sums_of(connection: psycopg.Connection[Any], tenant_id: UUID, inventory_id: UUID) -> list[LineSum]:
    """The lines of an inventory summed up by all that must not be added across."""
    with connection.cursor(row_factory=class_row(LineSum)) as cursor:
        return cursor.execute(QUERIES["sums"], {"tenant_id": tenant_id, "inventory_id": inventory_id}).fetchall()


def lines_of(
    connection: psycopg.Connection[Any],
    tenant_id: UUID,
    inventory_id: UUID,
    *,
    columns: Sequence[str],
    activity_id: str | None = None,
    facility_code: str | None = None,
    gwp_set: str | None = None,
    method: str | None = None,
    scope: int | None = None,
    limit: int | None = None,
) -> tuple[list[dict[str, Any]], int]:
    """Lines of an inventory in order, at most `limit`, and how many there are of those asked for."""
    values = {
        "tenant_id": tenant_id, "inventory_id": inventory_id, "activity_id": activity_id,
        "facility_code": facility_code, "gwp_set": gwp_set, "method": method, "scope": scope, "limit": limit,
    }  # fmt: skip
    listed = sql.SQL(", ").join(map(sql.Identifier, columns))
    with connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(sql.SQL(QUERIES["lines"]).format(columns=listed), values).fetchall()
    row = connection.execute(QUERIES["count_lines"], values).fetchone()
    return found, int(row[0]) if row else 0


def values_near(
    connection: psycopg.Connection[Any], tenant_id: UUID, inventory_id: UUID, column: str, wanted: str
) -> list[str]:
    """Values that lines of an inventory have in a column of codes, those most like `wanted` first; not all of many."""
    statement = sql.SQL(QUERIES["values_near"]).format(column=sql.Identifier(column))
    values = {"tenant_id": tenant_id, "inventory_id": inventory_id, "wanted": wanted}
    rows = connection.execute(statement, values).fetchall()
    return [value for (value,) in rows]


@dataclass(frozen=True, kw_only=True)
class LineDifference:
    """An activity whose figure differs between two totals; None where it is in one of them only.

    difference_in_all  of all figures that both have; only_a, only_b: how many only one has, and how many kg
    """

    activity_id: str
    activity_type: str
    stage: str
    kg_a: Decimal | None
    kg_b: Decimal | None
    difference_kg: Decimal | None
    rests_on_a: str | None
    rests_on_b: str | None
    differing: int
    difference_in_all: Decimal | None
    only_a: int
    only_a_kg: Decimal
    only_b: int
    only_b_kg: Decimal


def differences_of(
    connection: psycopg.Connection[Any],
    tenant_id: UUID,
    inventory_id: UUID,
    one: tuple[str, str],
    other: tuple[str, str],
    *,
    accept_other_sets: bool,
    limit: int,
) -> list[LineDifference]:
    """What differs between two totals of an inventory, each named by set and method; the largest first."""
    values = {
        "tenant_id": tenant_id, "inventory_id": inventory_id, "set_a": one[0], "method_a": one[1], "set_b": other[0],
        "method_b": other[1], "accept": accept_other_sets, "limit": limit,
    }  # fmt: skip
    with connection.cursor(row_factory=class_row(LineDifference)) as cursor:
        return cursor.execute(QUERIES["differences"], values).fetchall()


def activities_in_totals(
    connection: psycopg.Connection[Any],
    tenant_id: UUID,
    inventory_id: UUID,
    *,
    sets: Sequence[str],
    methods: Sequence[str],
    own: tuple[str, str],
    accept_other_sets: bool,
) -> tuple[int, int]:
    """How many activities are in any of the totals of an inventory, and how many in its own (set, method)."""
    values = {
        "tenant_id": tenant_id, "inventory_id": inventory_id, "sets": list(sets), "methods": list(methods),
        "own_set": own[0], "own_method": own[1], "accept": accept_other_sets,
    }  # fmt: skip
    row = connection.execute(QUERIES["activities_in_totals"], values).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)


def factors_used(
    connection: psycopg.Connection[Any], tenant_id: UUID, inventory_id: UUID
) -> list[tuple[str | None, str | None, int]]:
    """Factor or instrument, and how many lines rest on it; the most used first."""
    return connection.execute(
        QUERIES["factors_used"], {"tenant_id": tenant_id, "inventory_id": inventory_id}
    ).fetchall()


def stored_lines(
    connection: psycopg.Connection[Any], inventory_id: UUID, columns: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    """Every line of an inventory as canonical texts, in the order of its file."""
    return row_batches(
        connection,
        columns=[_text_of(name) for name in columns],
        tables=_lines_of(inventory_id),
        order=_line_order(),
    )


def _lines_of(inventory_id: UUID) -> sql.Composed:
    return sql.SQL(QUERIES["stored_lines"].partition("\n")[2]).format(inventory_id=sql.Literal(inventory_id))


def _line_order() -> list[sql.Composable]:
    """The order of the file of lines."""
    return [*map(_by_bytes, ("activity_id", "method", "gwp_set", "stage")), sql.SQL("stored.part")]


def check_lines(
    connection: psycopg.Connection[Any], tenant_id: UUID, inventory: StoredInventory, columns: Sequence[str]
) -> None:
    """Hold the lines that stand against the number and the SHA-256 that the inventory has of them; Stopped if others.

    The hash is that of their file: a header in quotes, then what PostgreSQL copies out, to the byte.
    """
    whose = {"tenant_id": tenant_id, "inventory_id": inventory.inventory_id}
    row = connection.execute(QUERIES["count_all_lines"], whose).fetchone()
    count = int(row[0]) if row else 0
    if count != inventory.line_count:
        raise _changed(inventory, value=f"{count:,} lines", valid=f"{inventory.line_count:,} lines")
    digest = sha256(",".join(f'"{name}"' for name in columns).encode())
    statement = sql.SQL(ROWS["copy_rows"]).format(
        columns=sql.SQL(", ").join(map(_text_of, columns)),
        tables=_lines_of(inventory.inventory_id),
        order=sql.SQL(", ").join(_line_order()),
    )
    with translated("read lines"), connection.cursor() as cursor, cursor.copy(statement) as copy:
        blocks = iter(copy)
        digest.update(_after_header(blocks))
        for block in blocks:
            digest.update(block)
    if digest.digest() != inventory.lines:
        raise _changed(inventory, value=digest.hexdigest(), valid=inventory.lines.hex())


def _after_header(blocks: Iterator[Any]) -> bytes:
    """What follows the first line, its end included: PostgreSQL writes names without quotes."""
    head = bytearray()
    for block in blocks:
        head += block
        if b"\n" in head:
            break
    return bytes(head[head.index(b"\n") :])


def _changed(inventory: StoredInventory, *, value: str, valid: str) -> Stopped:
    return Stopped(
        "the lines of the inventory are not those that were calculated",
        where=f"inventory {inventory.name} {inventory.inventory_id}",
        value=value,
        valid=valid,
        remedy="`headwater verify` names every line that was changed, added or taken away.",
    )


def _text_of(name: str) -> sql.Composed:
    column = sql.Identifier(name)
    return sql.SQL("CAST({} AS text) AS {}").format(column, column)


def owners(connection: psycopg.Connection[Any], tenant_id: UUID) -> list[tuple[str, UUID]]:
    """The inventories that lines and findings say they are of, by table."""
    return connection.execute(QUERIES["owners"], {"tenant_id": tenant_id}).fetchall()


def publications(connection: psycopg.Connection[Any], tenant_id: UUID) -> dict[int, tuple[UUID, str]]:
    """Every number that was given: to which inventory, under which name."""
    rows = connection.execute(QUERIES["publications"], {"tenant_id": tenant_id})
    return {number: (inventory_id, name) for number, inventory_id, name in rows}


def publish(connection: psycopg.Connection[Any], tenant_id: UUID, inventory: StoredInventory) -> int:
    """Give an inventory the next number in the open transaction; nobody else gets it meanwhile."""
    audit.lock_head(connection, tenant_id)
    row = connection.execute(QUERIES["next_number"], {"tenant_id": tenant_id}).fetchone()
    number = int(row[0]) if row else 1
    values = {
        "tenant_id": tenant_id, "number": number, "inventory_id": inventory.inventory_id, "name": inventory.name,
    }  # fmt: skip
    connection.execute(QUERIES["publish"], values)
    return number
