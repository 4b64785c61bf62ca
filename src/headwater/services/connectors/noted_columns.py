"""What the tables of a source are, noted each time they are looked at and are not as they were: their columns; where
they are discovered, also their keys and what they refer to, and which tables are gone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from headwater.connectors.http.text_columns import NOT_LOOKED_AT
from headwater.services.drift import changes_between
from headwater.store import connectors
from headwater.store.connectors import SchemaSeen

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headwater.connectors.protocol import Column, ForeignKey, Table
    from headwater.services.answers.connectors import SourceChange
    from headwater.services.installation import Installation
    from headwater.store.connectors import StoredConnector


def note_columns(
    installation: Installation, stored: StoredConnector, table: str, columns: Sequence[Column], asked: Sequence[str]
) -> None:
    """Keep the columns that a table has, where they are not those of the time before, and what changed: also where a
    sync is then refused for it. Where only some are `asked` for, a column that is not is as it was.
    """
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        before = connectors.schemas_seen(connection, tenant_id, stored.connector_id, table).get(table)
        was = before or SchemaSeen(table_name=table, seen_no=0, columns=[])
        types = {column["name"]: column["type"] for column in was.columns}
        told = [_told(column) for column in columns]
        for column in told:
            if column["type"] == NOT_LOOKED_AT:  # by a plan, and by a discovery perhaps
                column["type"] = types.get(column["name"], NOT_LOOKED_AT)
        told = _with_unasked(told, was.columns, asked)
        now = replace(was, columns=told, is_gone=False)
        if now != before:
            _note(connection, tenant_id, stored, before, now)


def note_tables(installation: Installation, stored: StoredConnector, found: Sequence[Table]) -> None:
    """Keep what the tables are that a discovery found, where they are not as they were, and what changed. One that an
    earlier discovery found and this did not is gone, or may not be read any more.
    """
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        seen = connectors.schemas_seen(connection, tenant_id, stored.connector_id)
        names = {each.name for each in found}
        present = [_seen(table, seen.get(table.name)) for table in found]
        gone = [
            replace(each, is_gone=True)
            for each in seen.values()
            if each.key_columns is not None and each.table_name not in names
        ]
        for now in (*present, *gone):
            before = seen.get(now.table_name)
            if now != before:
                _note(connection, tenant_id, stored, before, now)


def _note(connection: Any, tenant_id: Any, stored: StoredConnector, before: SchemaSeen | None, now: SchemaSeen) -> None:
    changes = [] if before is None else list(_changes(before, now))
    connectors.note_schema(
        connection, tenant_id, stored.connector_id, replace(now, seen_no=now.seen_no + 1), changes
    )  # fmt: skip


def _seen(table: Table, before: SchemaSeen | None) -> SchemaSeen:
    return SchemaSeen(
        table_name=table.name,
        seen_no=before.seen_no if before else 0,
        columns=[_told(column) for column in table.columns],
        key_columns=list(table.key),
        foreign_keys=sorted((_reference(each) for each in table.references), key=str),
    )


def _changes(before: SchemaSeen, now: SchemaSeen) -> Iterator[SourceChange]:
    """What became of a table, and of its columns, its key and what it refers to where both times tell of these."""
    if before.is_gone != now.is_gone:
        yield _change("table_gone" if now.is_gone else "table_back", None, None, None)
    was = {str(column["name"]): column for column in before.columns}
    has = {str(column["name"]): column for column in now.columns}
    # Where nobody but plans has told of the table, what they have not looked at is not known.
    unknown = NOT_LOOKED_AT if before.key_columns is None else None
    for each in changes_between(_types(was, unknown), _types(has)):
        yield _change(each.kind, each.column, each.before, each.after)
    for name in (name for name in was if name in has):
        if was[name]["nullable"] != has[name]["nullable"]:
            yield _change("nullable", name, *(_null(column[name]) for column in (was, has)))
    if None not in (before.key_columns, now.key_columns) and before.key_columns != now.key_columns:
        yield _change("key", None, *(", ".join(each.key_columns or ()) or None for each in (before, now)))
    if before.foreign_keys is not None and now.foreign_keys is not None:
        for kept, other, is_new in ((before, now, False), (now, before, True)):
            for key in kept.foreign_keys or ():
                if key not in (other.foreign_keys or ()):
                    meant = f"{key['table']} ({', '.join(key['to'])})"
                    columns = ", ".join(key["columns"])
                    yield _change("reference", columns, None if is_new else meant, meant if is_new else None)


def _change(kind: str, column: str | None, before: str | None, after: str | None) -> SourceChange:
    return {"kind": kind, "column": column, "before": before, "after": after}


def _types(columns: dict[str, dict[str, Any]], unknown: str | None = None) -> dict[str, str]:
    return {name: "" if column["type"] == unknown else str(column["type"]) for name, column in columns.items()}


def _null(column: dict[str, Any]) -> str:
    return "may be null" if column["nullable"] else "never null"


def _with_unasked(
    now: list[dict[str, Any]], before: Sequence[dict[str, Any]], asked_for: Sequence[str]
) -> list[dict[str, Any]]:
    """Where only some columns are asked for, the others as they were, in the order there was."""
    if not asked_for:
        return now
    left = {column["name"]: column for column in now}
    asked = {*asked_for, *left}
    kept = [left.pop(each["name"], each) for each in before if each["name"] in left or each["name"] not in asked]
    return [*kept, *left.values()]


def _told(column: Column) -> dict[str, Any]:
    return {"name": column.name, "type": column.type, "nullable": column.nullable}


def _reference(key: ForeignKey) -> dict[str, Any]:
    return {"columns": list(key.columns), "table": key.table, "to": list(key.to)}
