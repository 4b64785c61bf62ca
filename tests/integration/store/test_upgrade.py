from __future__ import annotations

import threading
from dataclasses import replace

import psycopg
import pytest

from headwater.contracts import Document, table_name
from headwater.errors import Misuse, Stopped
from headwater.store.embedded import APP, OWNER, SUPERUSER
from headwater.store.queue import queue_migrations
from headwater.store.upgrade import Migration, migrations, status, upgrade
from tests.servers import Installation

pytestmark = pytest.mark.server
QUEUE = f"queue {list(queue_migrations())[-1]}"


def test_an_upgrade_brings_schema_contracts_and_the_default_organisation(
    empty_database: Installation, documents: tuple[Document, ...]
) -> None:
    before = status(empty_database.app_url)
    assert before.applied == ()
    assert before.pending == (*(migration.name for migration in migrations()), QUEUE)

    done = upgrade(empty_database.owner_url, APP, documents)

    assert done.migrations == before.pending
    assert done.contracts == tuple(sorted(f"{document.name} {document.version}" for document in documents))
    after = status(empty_database.app_url)
    assert [*(name for name, _ in after.applied), QUEUE] == list(before.pending)
    assert after.pending == ()
    assert after.contracts == done.contracts
    with empty_database.database.connect(empty_database.tenant_id) as connection:
        assert connection.execute("SELECT name FROM tenants").fetchall() == [("default",)]
        for document in documents:
            assert connection.execute(f'SELECT count(*) FROM "{table_name(document)}"').fetchone() == (0,)


def test_a_second_upgrade_changes_nothing(installation: Installation, documents: tuple[Document, ...]) -> None:
    done = upgrade(installation.owner_url, APP, documents)
    assert done.migrations == ()
    assert done.contracts == ()


def test_two_upgrades_at_once_are_one_after_the_other(
    empty_database: Installation, documents: tuple[Document, ...]
) -> None:
    done = []
    threads = [
        threading.Thread(target=lambda: done.append(upgrade(empty_database.owner_url, APP, documents)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(each.migrations) for each in done) == [0, 0, len(migrations()) + 1]


def test_a_migration_changed_after_it_was_applied_is_refused(installation: Installation) -> None:
    first, *others = migrations()
    changed = [replace(first, text=first.text + "\n-- a word more"), *others]
    with pytest.raises(Stopped, match="changed after it was applied"):
        upgrade(installation.owner_url, APP, [], known=changed)


def test_a_database_of_a_newer_version_is_refused(installation: Installation) -> None:
    with pytest.raises(Stopped, match="newer version"):
        upgrade(installation.owner_url, APP, [], known=migrations()[:-1])


def test_a_migration_squeezed_in_between_is_refused(installation: Installation) -> None:
    squeezed = Migration(name="0001_zz_forgotten", text="SELECT 1")
    with pytest.raises(Stopped, match="never applied"):
        upgrade(installation.owner_url, APP, [], known=[*migrations(), squeezed])


def test_a_migration_that_fails_leaves_nothing_of_itself(installation: Installation) -> None:
    broken = Migration(name="9998_broken", text="CREATE TABLE half (a integer); SELECT 1 / 0")
    good = Migration(name="9999_good", text="CREATE TABLE whole (a integer)")
    with pytest.raises(Stopped, match="division by zero"):
        upgrade(installation.owner_url, APP, [], known=[*migrations(), broken, good])
    with psycopg.connect(installation.owner_url) as owner:
        assert owner.execute("SELECT to_regclass('half'), to_regclass('whole')").fetchone() == (None, None)
    assert status(installation.owner_url).pending == ()


@pytest.mark.parametrize(
    ("role", "wrong"),
    [
        (OWNER, "it is the owner"),
        (SUPERUSER, "it is a superuser"),
        ("nobody_of_this_name", "there is no such role"),
    ],
)
def test_an_application_role_that_row_security_would_not_bind_is_refused(
    empty_database: Installation, role: str, wrong: str
) -> None:
    with pytest.raises(Misuse, match=wrong):
        upgrade(empty_database.owner_url, role, [])
    assert status(empty_database.owner_url).applied == ()


def test_an_application_role_that_owns_a_table_is_refused(empty_database: Installation) -> None:
    with psycopg.connect(empty_database.superuser_url) as superuser:
        superuser.execute("CREATE TABLE mine (a integer)")
        superuser.execute(f"ALTER TABLE mine OWNER TO {APP}")
    with pytest.raises(Misuse, match="owns 1 relations"):
        upgrade(empty_database.owner_url, APP, [])


def test_a_contract_version_is_published_once(installation: Installation, documents: tuple[Document, ...]) -> None:
    changed = replace(documents[0], description="Something else.")
    with pytest.raises(Misuse, match="published with other content"):
        upgrade(installation.owner_url, APP, [changed])


def test_a_minor_version_adds_nullable_columns_and_keeps_rows(
    installation: Installation, documents: tuple[Document, ...]
) -> None:
    old = next(document for document in documents if document.name == "activity")
    extra = replace(old.by_name["note"], name="meter_serial", since="1.99.0")
    new = replace(old, version="1.99.0", fields=(*old.fields, extra))

    assert upgrade(installation.owner_url, APP, [*documents, new]).contracts == ("activity 1.99.0",)

    with psycopg.connect(installation.superuser_url) as superuser:
        for table in ("activity_v1", "activity_v1_history"):
            found = superuser.execute(
                "SELECT data_type, is_nullable, collation_name FROM information_schema.columns "
                "WHERE table_name = %s AND column_name = 'meter_serial'",
                (table,),
            ).fetchone()
            assert found == ("text", "YES", "C")
    # An installation that still runs the old version goes on.
    assert upgrade(installation.owner_url, APP, documents).contracts == ()


def test_a_major_version_makes_a_new_table(installation: Installation, documents: tuple[Document, ...]) -> None:
    old = next(document for document in documents if document.name == "activity")
    upgrade(installation.owner_url, APP, [replace(old, version="2.0.0")])
    with installation.database.connect(installation.tenant_id) as connection:
        assert connection.execute("SELECT count(*) FROM activity_v2").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM activity_v1").fetchone() == (0,)


def test_a_minor_version_that_breaks_what_was_promised_is_refused(
    installation: Installation, documents: tuple[Document, ...]
) -> None:
    old = next(document for document in documents if document.name == "activity")
    required = replace(old.by_name["note"], name="meter_serial", required=True)
    hashed = replace(old.by_name["note"], name="meter_serial")
    longer = replace(old.by_name["quantity"], scale=2)
    for fields in (
        (*old.fields, required),
        (*old.fields, hashed),
        old.fields[:-1],
        tuple(longer if field.name == "quantity" else field for field in old.fields),
    ):
        with pytest.raises(Misuse, match="breaks it"):
            upgrade(installation.owner_url, APP, [replace(old, version="1.99.0", fields=fields)])
    assert "activity 1.99.0" not in status(installation.owner_url).contracts


def test_tables_of_before_units_get_what_new_ones_have_from_the_start(installation: Installation) -> None:
    made = """
SELECT c.relname, p.polname, pg_get_expr(p.polqual, p.polrelid), p.polpermissive, p.polcmd, i.indexdef
FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid AND p.polname = 'units'
JOIN pg_indexes i ON i.tablename = c.relname AND i.indexname = c.relname || '_unit' ORDER BY 1"""
    names = ("0021_records_of_units", "0030_units_as_the_planner_sees_them")
    units, as_planned = (each.text for name in names for each in migrations() if each.name == name)
    with psycopg.connect(installation.owner_url) as owner:
        before = owner.execute(made).fetchall()
        assert len(before) > 20
        for name, *_ in before:
            owner.execute(f'DROP POLICY units ON "{name}"')
            owner.execute(f'ALTER TABLE "{name}" DROP COLUMN unit_id')
        owner.execute(units[units.index("DO $$") :])
        owner.execute(as_planned)
        assert owner.execute(made).fetchall() == before


def test_columns_of_before_personal_values_were_sealed_become_texts(
    installation: Installation, documents: tuple[Document, ...]
) -> None:
    with psycopg.connect(installation.superuser_url) as superuser:
        superuser.execute("ALTER TABLE erp_worker_v1 ALTER hired_on TYPE date USING hired_on::date")
        superuser.execute(
            "INSERT INTO erp_worker_v1 (tenant_id, worker_id, system, hired_on, chunk_id, record_no, row_hash)"
            " VALUES (gen_random_uuid(), 'hr/1', 'hr', '2019-05-06', gen_random_uuid(), 0, '')"
        )
    upgrade(installation.owner_url, APP, documents)
    with psycopg.connect(installation.superuser_url) as superuser:
        assert superuser.execute("SELECT hired_on FROM erp_worker_v1").fetchall() == [("2019-05-06",)]
