"""What a session sees that is bound to units, walked over the catalogue: rows of these, and of no other."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from tests.integration.store.test_tenants_never_meet import SAMPLE, changed, tenant_tables
from tests.servers import Installation

pytestmark = pytest.mark.server

SHARED = {
    "tenants": "the organisation itself",
    "units": "the services show each their own",
    "documents": "mappings and recipes that runs cite, by hash; the list of them is for the whole organisation",
    "blobs": "what runs cite, by hash; there is no list of them",
    "audit_heads": "the end of the chain, which whoever adds to it must know",
    "api_requests": "each their own, by name",
    "emission_sums": "one row of all units, which nobody sees who is bound to some: see test_kept_sums",
    "source_turns": "when whom may be asked next; names no record",
    "source_requests": "when whom may be asked next; names no record",
    "subject_keys": "keys that say of nobody whose they are; one opens values of records in several units",
    **dict.fromkeys(
        ("people", "person_keys", "organisation_keys", "memberships", "grants", "passwords", "sign_in_identities",
         "sign_in_failures", "one_time_links", "sessions", "api_tokens"),
        "people and how they sign in belong to no source; the services ask in which unit",
    ),
}  # fmt: skip
"""Tables without rows of units, and why."""


def test_who_is_bound_to_a_unit_sees_its_rows_and_no_others(installation: Installation) -> None:
    mine, others = uuid4(), uuid4()
    with psycopg.connect(installation.superuser_url) as superuser:
        superuser.execute("SET session_replication_role = replica")
        for table, constraint in superuser.execute(
            "SELECT conrelid::regclass::text, conname FROM pg_constraint"
            " WHERE contype = 'c' AND connamespace = 'public'::regnamespace"
        ).fetchall():
            superuser.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{constraint}"')
        tables = [table for table in tenant_tables(superuser) if table not in SHARED]
        for number, unit in enumerate((mine, others, None)):
            ids = {"run_id": uuid4(), "chunk_id": uuid4(), "source_id": bytes([number]) * 32, "unit_id": unit}
            for table in tables:
                if table != "source_units" or unit is not None:
                    fill(superuser, table, ids | {"tenant_id": installation.tenant_id})
    with installation.database.within(frozenset({mine})).connect(installation.tenant_id) as bound:
        seen = {table: seen_of(bound, table) for table in tables}
        assert bound.execute("SELECT count(*) FROM connector_sync_logs").fetchone() == (1,)
    assert {table for table, count in seen.items() if count > 1} == set()
    assert {"runs", "chunks", "quarantine", "findings", "imports", "jobs", "deleted_records", "audit_entries"} <= {
        table for table, count in seen.items() if count == 1
    }
    with installation.database.within(frozenset()).connect(installation.tenant_id) as nowhere:
        for table in tables:
            assert nowhere.execute(f'SELECT count(*) FROM "{table}"').fetchone() == (0,), table
    with installation.database.connect(installation.tenant_id) as whole:
        for table in tables:
            wanted = 2 if table == "source_units" else 3
            assert whole.execute(f'SELECT count(*) FROM "{table}"').fetchone() == (wanted,), table


def seen_of(bound: psycopg.Connection, table: str) -> int:
    """How many rows are seen; they are of one run and source, and no others are changed."""
    (count,) = bound.execute(f'SELECT count(*) FROM "{table}"').fetchone() or (0,)
    for column, own in columns_of_one(bound, table).items():
        told = bound.execute(f'SELECT DISTINCT "{column}" FROM "{table}"').fetchall()
        assert [value for (value,) in told] == [own], (table, column)
    bound.commit()
    for attempt in (
        f'UPDATE "{table}" SET tenant_id = tenant_id',
        f'DELETE FROM "{table}" WHERE tenant_id IS NOT NULL',
    ):
        assert changed(bound, attempt) in {0, count}, attempt
    return int(count)


def fill(superuser: psycopg.Connection, table: str, ids: dict[str, Any]) -> None:
    """A row that belongs to the run, chunk, source and unit that are named."""
    columns = superuser.execute(
        "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute"
        " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
        (table,),
    ).fetchall()
    values = dict(ids) | {"kind": "resume", "resource": f"run/{ids['run_id']}/chunk/1"}
    values |= {"arguments": f'{{"run_id": "{ids["run_id"]}"}}'}
    said = [
        sql.Placeholder(name) if name in values else sql.SQL(_sample(name, kind, ids["source_id"][0]))
        for name, kind in columns
    ]
    names = sql.SQL(", ").join(sql.Identifier(name) for name, _ in columns)
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        sql.Identifier(table), names, sql.SQL(", ").join(said)
    )
    superuser.execute(statement, values)


def _sample(name: str, kind: str, number: int) -> str:
    """Keys differ from unit to unit."""
    if kind == "text":
        return f"'{name}{number}'"
    if kind == "bytea":
        return f"decode(repeat('0{number}', 32), 'hex')"
    return str(number + 1) if kind in {"integer", "bigint", "smallint"} else SAMPLE[kind]


def columns_of_one(connection: psycopg.Connection, table: str) -> dict[str, Any]:
    """What the one row of a table that is seen names: its run, chunk or source."""
    row = connection.execute(f'SELECT * FROM "{table}" LIMIT 1')
    names = [column.name for column in row.description or ()]
    found = row.fetchone()
    return {} if found is None else {n: v for n, v in zip(names, found, strict=True) if n in {"run_id", "source_id"}}
