"""The columns that the tables of a source have, noted each time they are looked at and are not as they were."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from headwater.services.drift import changes_between
from headwater.store import connectors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headwater.connectors.protocol import Column
    from headwater.services.installation import Installation
    from headwater.store.connectors import StoredConnector


def note_columns(
    installation: Installation,
    stored: StoredConnector,
    tables: Mapping[str, Sequence[Column]],
    *,
    asked: Sequence[str] = (),
) -> None:
    """Keep the columns that tables have, each time they are not those of the time before, and what changed: also where
    a sync is then refused for it. Where only some are `asked` for, a column that is not is as it was.
    """
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        for table, columns in tables.items():
            seen_no, before = connectors.schema_seen(connection, tenant_id, stored.connector_id, table)
            now = _with_unasked([_told(column) for column in columns], before, asked)
            if now == before:
                continue
            was = {str(column["name"]): str(column["type"]) for column in before}
            is_now = {str(column["name"]): str(column["type"]) for column in now}
            connectors.note_schema(
                connection, tenant_id, stored.connector_id, table, seen_no=seen_no + 1, columns=now,
                changes=[asdict(change) for change in (changes_between(was, is_now) if before else ())],
            )  # fmt: skip


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
