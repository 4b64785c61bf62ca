"""The chain as PostgreSQL keeps it."""

from __future__ import annotations

import threading
from uuid import UUID

import psycopg
import pytest

from headwater.audit.chain import START, Break, parse_anchor, verify_entries
from headwater.errors import Misuse
from headwater.store import audit, inventories
from tests.servers import Installation

pytestmark = pytest.mark.server


def write(installation: Installation, tenant_id: UUID, count: int, *, actor: str = "ann") -> None:
    for number in range(count):
        with installation.database.connect(tenant_id) as session:
            audit.append(
                session,
                tenant_id,
                actor=actor,
                action="chunk.committed",
                resource=f"run/1/chunk/{number}",
                payload={"rows": number, "name": "Zähler 'ä' \\ \u2028"},
            )


def verify(installation: Installation, tenant_id: UUID, *anchors: str) -> Break | None:
    with installation.database.connect(tenant_id) as session:
        return verify_entries(
            audit.entries(session, tenant_id),
            tenant_id=tenant_id,
            head=audit.head(session, tenant_id),
            anchors=[parse_anchor(anchor) for anchor in anchors],
        )


def test_what_is_read_back_is_what_was_hashed(installation: Installation) -> None:
    write(installation, installation.tenant_id, 5)
    assert verify(installation, installation.tenant_id) is None
    with installation.database.connect(installation.tenant_id) as session:
        assert [entry.seq for entry in audit.entries(session, installation.tenant_id, first=4)] == [4, 5]
        assert audit.head(session, installation.tenant_id).seq == 5


def test_before_the_first_entry_there_is_a_head_too(installation: Installation) -> None:
    with installation.database.connect(installation.tenant_id) as session:
        assert audit.head(session, installation.tenant_id) == START
    assert verify(installation, installation.tenant_id, str(START)) is None


def test_many_writers_make_one_chain_without_gaps(installation: Installation) -> None:
    tenant_id = installation.tenant_id
    threads = [
        threading.Thread(target=write, args=(installation, tenant_id, 10), kwargs={"actor": f"writer {number}"})
        for number in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verify(installation, tenant_id) is None
    with installation.database.connect(tenant_id) as session:
        assert audit.head(session, tenant_id).seq == 40


def test_an_entry_is_there_only_if_what_it_tells_of_is(installation: Installation) -> None:
    tenant_id = installation.tenant_id
    write(installation, tenant_id, 1)
    with installation.database.connect(tenant_id) as session:
        audit.append(session, tenant_id, action="run.started", resource="run/2", payload={})
        session.rollback()
    write(installation, tenant_id, 1)
    assert verify(installation, tenant_id) is None
    with installation.database.connect(tenant_id) as session:
        assert audit.head(session, tenant_id).seq == 2


def test_each_organisation_has_a_chain_of_its_own(installation: Installation) -> None:
    other = installation.add_tenant("other")
    write(installation, installation.tenant_id, 3)
    write(installation, other, 2)
    assert verify(installation, installation.tenant_id) is None
    assert verify(installation, other) is None
    with (
        pytest.raises(Misuse, match="row-level security"),
        installation.database.connect(other) as session,
    ):
        audit.append(session, installation.tenant_id, action="a", resource="r", payload={})


CHANGES = {
    "tenant_id": "'00000000-0000-0000-0000-000000000001'",
    "seq": "seq + 100",
    "at": "at + interval '1 microsecond'",
    "actor": "actor || ' '",
    "action": "upper(action)",
    "resource": "replace(resource, '1', '2')",
    "result": "'refused'",
    "payload": "replace(payload, ':', ': ')",
    "prev_hash": "set_byte(prev_hash, 31, get_byte(prev_hash, 31) # 1)",
    "entry_hash": "set_byte(entry_hash, 0, get_byte(entry_hash, 0) # 128)",
}


def test_there_is_a_change_for_every_column(installation: Installation) -> None:
    with psycopg.connect(installation.superuser_url) as superuser:
        columns = superuser.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'audit_entries'::regclass AND attnum > 0"
        )
        assert {name for (name,) in columns} == set(CHANGES)


@pytest.mark.parametrize("seq", [1, 3, 5])
@pytest.mark.parametrize("column", CHANGES)
def test_a_change_by_the_superuser_is_found_and_named(installation: Installation, column: str, seq: int) -> None:
    write(installation, installation.tenant_id, 5)
    with psycopg.connect(installation.superuser_url) as superuser:
        superuser.execute("SET session_replication_role = replica")
        changed = superuser.execute(f"UPDATE audit_entries SET {column} = {CHANGES[column]} WHERE seq = {seq}")
        assert changed.rowcount == 1
    found = verify(installation, installation.tenant_id)
    assert found is not None
    assert found.seq == seq


def test_a_cut_tail_shows_against_an_anchor_even_if_the_head_was_set_back(installation: Installation) -> None:
    tenant_id = installation.tenant_id
    write(installation, tenant_id, 5)
    with installation.database.connect(tenant_id) as session:
        noted = str(audit.head(session, tenant_id))
    with psycopg.connect(installation.superuser_url) as superuser:
        superuser.execute("DELETE FROM audit_entries WHERE seq > 3")
    found = verify(installation, tenant_id)
    assert found == Break(seq=4, what="the chain ends at entry 3, its head says 5")
    with psycopg.connect(installation.superuser_url) as superuser:
        superuser.execute(
            "UPDATE audit_heads SET seq = 3, entry_hash = (SELECT entry_hash FROM audit_entries WHERE seq = 3)"
        )
    assert verify(installation, tenant_id) is None
    assert verify(installation, tenant_id, noted) == Break(seq=4, what="the tail was cut: an anchor names entry 5")
    write(installation, tenant_id, 4)
    found = verify(installation, tenant_id, noted)
    assert found is not None
    assert found.seq == 5


def test_the_tenant_is_looked_up_once_a_statement(installation: Installation) -> None:
    """Else the policy would cost something on every row."""
    with installation.database.connect(installation.tenant_id) as session:
        for table in ("audit_entries", "activity_v1", "quarantine"):
            plan = "\n".join(line for (line,) in session.execute(f"EXPLAIN (VERBOSE) SELECT * FROM {table}"))
            asked = [line.strip() for line in plan.splitlines() if "current_setting" in line]
            assert any("headwater.tenant" in line for line in asked), plan
            # Of an InitPlan, and not of each row.
            assert all(line.startswith(("Output: ", "One-Time Filter: ")) for line in asked), plan
            assert plan.count("InitPlan") >= len(asked), plan


def test_entries_are_found_by_what_they_are_about(installation: Installation) -> None:
    """A trace and a list of inventories ask for few of many entries: neither reads the chain."""
    with psycopg.connect(installation.superuser_url, cursor_factory=psycopg.ClientCursor) as session:
        session.execute(
            "INSERT INTO audit_entries (tenant_id, seq, at, actor, action, resource, result, payload, prev_hash,"
            " entry_hash) SELECT %s, n, now(), 'a', 'chunk.committed', 'run/' || n || '/chunk/0', 'done', '{}', h, h"
            " FROM generate_series(1, 3000) AS n, sha256('') AS h",
            (installation.tenant_id,),
        )
        session.execute("ANALYZE audit_entries")
        values = {"tenant_id": installation.tenant_id, "resource": "run/7"}
        for index, query in {
            "audit_entries_by_resource": audit.QUERIES["of_resource"],
            "audit_entries_of_discarding": inventories.QUERIES["all"],
        }.items():
            plan = "\n".join(line for (line,) in session.execute(f"EXPLAIN {query}", values))
            assert index in plan
            assert "Seq Scan on audit_entries" not in plan
        found = session.execute(audit.QUERIES["of_resource"], values).fetchall()
        assert [row[5] for row in found] == ["run/7/chunk/0"]  # neither run/70 nor run/700
