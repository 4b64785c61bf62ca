"""The queue's schema: procrastinate's own, in a schema of its own, for ids only."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql

from headwater.errors import Stopped
from headwater.store.embedded import APP
from headwater.store.queue import queue_migrations, upgrade_queue
from headwater.store.upgrade import status, unguarded, upgrade
from tests.servers import Installation

pytestmark = pytest.mark.server

MADE = """
SELECT 'column', table_name || '.' || column_name, data_type || coalesce(column_default, '')
FROM information_schema.columns WHERE table_schema = 'headwater_queue'
UNION ALL
SELECT 'function', proname, pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'headwater_queue'::regnamespace
UNION ALL
SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'headwater_queue'
UNION ALL
SELECT 'trigger', tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
  AND tgrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'headwater_queue'::regnamespace)
ORDER BY 1, 2, 3"""


def test_an_older_queue_is_brought_up_by_procrastinates_own_migrations(
    installation: Installation, empty_database: Installation
) -> None:
    """From its first migration on, and to the same tables and functions as a queue made anew."""
    ours = queue_migrations()
    first = list(ours)[:24]
    with psycopg.connect(empty_database.owner_url, autocommit=True) as owner:
        owner.execute("CREATE SCHEMA headwater_queue")
        with owner.transaction():
            owner.execute("SET LOCAL search_path = headwater_queue")
            for name in first:
                owner.execute(ours[name])
        owner.execute("CREATE TABLE headwater_queue.applied_migrations (name text PRIMARY KEY, procrastinate text)")
        for name in first:
            owner.execute("INSERT INTO headwater_queue.applied_migrations VALUES (%s, '1.0')", (name,))
        assert upgrade_queue(owner) == tuple(f"queue {name}" for name in list(ours)[24:])
        assert upgrade_queue(owner) == ()
        brought_up = owner.execute(MADE).fetchall()
    with psycopg.connect(installation.owner_url) as owner:
        anew = owner.execute(MADE).fetchall()
    ours_alone = {row for row in [*anew, *brought_up] if "applied_migrations" in row[1]}
    assert set(anew) - ours_alone == set(brought_up) - ours_alone


def test_a_queue_of_a_newer_procrastinate_is_refused_and_one_of_an_older_is_pending(installation: Installation) -> None:
    newest = list(queue_migrations())[-1]
    with psycopg.connect(installation.owner_url, autocommit=True) as owner:
        owner.execute("DELETE FROM headwater_queue.applied_migrations WHERE name = %s", (newest,))
        assert status(installation.app_url).pending == (f"queue {newest}",)
        owner.execute("INSERT INTO headwater_queue.applied_migrations VALUES ('99.00.00_01_pre_new', '99.0')")
    with pytest.raises(Stopped, match=r"99\.00\.00_01_pre_new.*newer version of procrastinate"):
        upgrade(installation.owner_url, APP, [])


def test_the_queue_takes_ids_and_nothing_else(installation: Installation) -> None:
    add = sql.SQL(
        "SELECT headwater_queue.procrastinate_defer_jobs_v1("
        "ARRAY[ROW('default', 'carry_out', 0, NULL, NULL, {}::jsonb, NULL)"
        "::headwater_queue.procrastinate_job_to_defer_v1])"
    )
    ids = '{"tenant_id": "00000000-0000-0000-0000-000000000001", "id": "00000000-0000-0000-0000-000000000002"}'
    with psycopg.connect(installation.app_url, autocommit=True) as app:
        assert app.execute(add.format(sql.Literal(ids))).fetchone() is not None
        for told in ('{"tenant_id": "acme", "id": "x"}', ids.replace("}", ', "file": "x"}')):
            with pytest.raises(psycopg.errors.CheckViolation, match="ids_only"):
                app.execute(add.format(sql.Literal(told)))


def test_only_the_named_tables_of_the_queue_are_the_exception(installation: Installation) -> None:
    with psycopg.connect(installation.owner_url) as owner:
        assert unguarded(owner, APP) == []
        owner.execute(f"CREATE TABLE headwater_queue.leak (a integer); GRANT INSERT ON headwater_queue.leak TO {APP}")
        assert unguarded(owner, APP) == [("leak", "it has no tenant, and the application may write it")]
