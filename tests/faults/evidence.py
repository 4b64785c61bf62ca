"""Everything a database holds of what was loaded, in a form that two runs of the same files must agree on.

Left out, as law 1 has it: times, run ids and audit entries. Chunks are named by run (in the order of their start) and
number, for their ids are made from the run's. What is personal is sealed by keys that are drawn: its row's
hash tells it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from headwater.audit.chain import verify_entries
from headwater.store import audit
from headwater.store.sealed import SEALED
from tests.servers import Installation

Evidence = Mapping[str, list[tuple[Any, ...]]]

TIMES = {"created_at", "updated_at", "started_at", "finished_at", "committed_at"}
# How often a chunk was tried, and by which request, is no part of what was loaded.
LEFT_OUT = TIMES | {"attempts", "correlation_id"}
CHUNK_COLUMNS = {"chunk_id", "superseded_by", "last_chunk_id", "reused_chunk_id"}
TABLES = (
    "activity_v1", "activity_v1_history", "emission_v1", "emission_v1_history", "emission_factor_v1",
    "emission_factor_v1_history", "quarantine", "quarantine_repairs", "findings", "runs", "chunks",
    "connector_sync_state", "documents", "blobs",
)  # fmt: skip


def evidence_of(installation: Installation) -> Evidence:
    """Every table, as superuser, sorted."""
    with psycopg.connect(installation.superuser_url, row_factory=dict_row) as connection:
        names = _names(connection)
        return {
            table: sorted(
                (_named(row, names) for row in connection.execute(f"SELECT * FROM {table}")),
                key=repr,
            )
            for table in TABLES
        }


def differences(found: Evidence, wanted: Evidence) -> list[str]:
    """What is not as it should be, table by table, a few rows of each; nothing where all is equal."""
    said = []
    for table in TABLES:
        here, there = set(map(repr, found[table])), set(map(repr, wanted[table]))
        superfluous, missing = sorted(here - there), sorted(there - here)
        if found[table] != wanted[table]:
            said.append(
                f"{table}: {len(found[table])} rows, wanted {len(wanted[table])}; "
                f"{len(superfluous)} superfluous: {superfluous[:2]}; {len(missing)} missing: {missing[:2]}"
            )
    return said


_LOADED = """
SELECT coalesce(sum(inserted), 0)::bigint AS inserted, coalesce(sum(updated), 0)::bigint AS replaced,
       0::bigint AS deleted
FROM chunks JOIN runs USING (tenant_id, run_id)
WHERE chunks.state = 'committed' AND contract_hash IN (SELECT hash FROM contract_registry WHERE name = 'activity')
"""
_CALCULATED = """
SELECT coalesce(sum((calculation -> 'inserted')::bigint), 0)::bigint AS inserted,
       coalesce(sum((calculation -> 'updated')::bigint), 0)::bigint AS replaced,
       coalesce(sum((calculation -> 'deleted')::bigint), 0)::bigint AS deleted
FROM chunks WHERE state = 'committed'
"""
_KEPT = """
SELECT count(*) FILTER (WHERE operation = 'update') AS replaced, count(*) FILTER (WHERE operation = 'delete') AS deleted
FROM {table}_v1_history
"""
_CHAINED = """
SELECT count(*) AS entries, count(DISTINCT resource) AS chunks FROM audit_entries WHERE action = 'chunk.committed'
"""


def assert_books_balance(installation: Installation) -> None:
    """Law 2 over whole tables, and the audit chain: one entry for each committed chunk, none of it broken."""
    with psycopg.connect(installation.superuser_url, row_factory=dict_row) as connection:

        def one(query: str) -> dict[str, Any]:
            return connection.execute(query).fetchone() or {}

        for table, ledger in (("activity", _LOADED), ("emission", _CALCULATED)):
            brought, kept = one(ledger), one(_KEPT.format(table=table))
            rows = one(f"SELECT count(*) AS n FROM {table}_v1")["n"]
            assert {"inserted": rows + kept["deleted"], **kept} == brought, table
        committed = one("SELECT count(*) AS n FROM chunks WHERE state = 'committed'")["n"]
        assert one(_CHAINED) == {"entries": committed, "chunks": committed}
    with installation.database.connect(installation.tenant_id) as tenant:
        tenant_id = installation.tenant_id
        head = audit.head(tenant, tenant_id)
        assert verify_entries(audit.entries(tenant, tenant_id), tenant_id=tenant_id, head=head) is None


def _names(connection: psycopg.Connection[Any]) -> Callable[[str], str]:
    """What to call an id: `run 2`, or `run 2 chunk 7`; another id is left as it is."""
    names = {}
    runs = connection.execute("SELECT run_id FROM runs ORDER BY started_at").fetchall()
    for number, run in enumerate(runs, 1):
        names[str(run["run_id"])] = f"run {number}"
        for chunk in connection.execute("SELECT chunk_id, chunk_no FROM chunks WHERE run_id = %s", [run["run_id"]]):
            names[str(chunk["chunk_id"])] = f"run {number} chunk {chunk['chunk_no']}"
    return lambda text: names.get(text, text)


def _named(row: Mapping[str, Any], name: Callable[[str], str]) -> tuple[Any, ...]:
    return tuple(_value(column, value, name) for column, value in row.items() if column not in LEFT_OUT)


def _value(column: str, value: Any, name: Callable[[str], str]) -> Any:
    if isinstance(value, UUID):
        return name(str(value))
    if column == "relies_on":
        return sorted((name(chunk), count) for chunk, count in value)
    if column == "state_reason" and value is not None:
        return " ".join(map(name, value.split(" ")))
    if isinstance(value, dict | list):
        value = json.dumps(value, sort_keys=True)
    return SEALED.sub("sealed", value) if isinstance(value, str) else value
