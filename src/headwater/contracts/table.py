"""The PostgreSQL tables of a contract: what stands, and what it replaced; both are closed to other tenants."""

from __future__ import annotations

from headwater.contracts.document import Document, FieldSpec

UNITS_POLICY = (
    "(SELECT 1 WHERE nullif(current_setting('headwater.units', true), '') IS NULL) IS NOT NULL"
    " OR unit_id = ANY ((SELECT nullif(current_setting('headwater.units', true), '')::uuid[])::uuid[])"
)
"""Whoever is bound to units sees their rows only. It narrows what the policy of tenants lets through.

Of `IS NOT NULL` the planner takes it that nearly every row passes, as it does; of `IS NULL` that one in 200 does, and
joins by a loop what has a million rows.
"""

# Without tenant context the setting is NULL or empty, the comparison NULL, and no row is seen.
TENANT_POLICY = "tenant_id = (SELECT nullif(current_setting('headwater.tenant', true), '')::uuid)"


def table_name(document: Document) -> str:
    """`<contract>_v<major>`: minor versions share a table, a major version makes a new one."""
    return f"{document.name.replace('.', '_')}_v{document.major}"


def history_name(document: Document) -> str:
    """Where rows go that were updated or deleted."""
    return f"{table_name(document)}_history"


def column_definition(field: FieldSpec) -> str:
    """`"unit" text COLLATE "C" NOT NULL`; a field added by a minor version is optional, so that old rows stay right."""
    required = " NOT NULL" if field.required else ""
    return f'"{field.name}" {field.stored_type}{required}'


def table_ddl(document: Document) -> str:
    """CREATE statements for a new major version. Rights are given by the store."""
    table, history = table_name(document), history_name(document)
    columns = [
        "tenant_id uuid NOT NULL",
        *(column_definition(field) for field in document.fields),
        "absent text",
        "chunk_id uuid NOT NULL",
        "record_no integer NOT NULL",
        "row_hash bytea NOT NULL",
        "unit_id uuid",
    ]
    key = ", ".join(f'"{field.name}"' for field in document.key)
    past = [
        *columns,
        "superseded_by uuid NOT NULL",
        "operation text NOT NULL CHECK (operation IN ('update', 'delete'))",
    ]
    return "\n".join(
        [
            _create(table, [*columns, f"PRIMARY KEY (tenant_id, {key})"]),
            _create(history, [*past, f"PRIMARY KEY (tenant_id, {key}, superseded_by, chunk_id, record_no)"]),
            *_closed(table),
            *_closed(history),
            _of_units(table, key),
            _of_units(history, f"{key}, superseded_by, chunk_id, record_no"),
        ]
    )


def _create(table: str, parts: list[str]) -> str:
    return f'CREATE TABLE "{table}" (\n    ' + ",\n    ".join(parts) + "\n);"


def _closed(table: str) -> list[str]:
    return [
        f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY;',
        f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY;',
        f'CREATE POLICY tenant ON "{table}" USING ({TENANT_POLICY}) WITH CHECK ({TENANT_POLICY});',
        f'CREATE POLICY units ON "{table}" AS RESTRICTIVE FOR SELECT USING ({UNITS_POLICY});',
    ]


def _of_units(table: str, key: str) -> str:
    """Rows without a unit are not in it, and cost a load nothing."""
    return f'CREATE INDEX "{table}_unit" ON "{table}" (tenant_id, unit_id, {key}) WHERE unit_id IS NOT NULL;'
