"""Connections kept between requests carry nothing over from whoever had them before."""

from __future__ import annotations

from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus

from headwater.errors import Conflict, Misuse, RetryLater
from headwater.services.imports import import_file
from headwater.services.installation import serving
from headwater.store import runs, source_units
from headwater.store.database import Database
from headwater.store.one_connection import one_snapshot
from headwater.store.pooled import pooled
from headwater.store.requests import HeldRequest, RequestKey, forget_answers
from headwater.telemetry import SilentProgress
from tests.proxy import proxy, reached
from tests.river import River, activities
from tests.servers import Installation
from tests.workers import until

if TYPE_CHECKING:
    from headwater.store.database import TenantConnection


def test_a_connection_is_bound_anew_and_holds_nothing(installation: Installation) -> None:
    other = installation.add_tenant("other")
    with pooled(installation.app_url, most=1) as database:
        with database.snapshot(installation.tenant_id) as connection:
            pid = connection.info.backend_pid
            assert connection.execute("SELECT count(*) FROM tenants").fetchone() == (1,)
            connection.execute("SELECT pg_advisory_lock(7)")
        with database.acting("person/1").connect(other) as connection:
            assert connection.info.backend_pid == pid
            assert connection.actor == "person/1"
            assert connection.execute("SELECT tenant_id FROM tenants").fetchall() == [(other,)]
            assert connection.execute("SELECT pg_advisory_unlock(7)").fetchone() == (False,)
            connection.execute(
                "INSERT INTO api_requests (tenant_id, actor, idempotency_key, request_hash) VALUES (%s, 'a', 'k', %s)",
                (other, bytes(32)),
            )
        with database.connect(installation.tenant_id) as connection:
            assert connection.info.backend_pid == pid
            assert connection.actor == "headwater"
            assert connection.execute("SELECT count(*) FROM api_requests").fetchone() == (0,)


def test_all_that_one_answer_asks_is_asked_of_one_connection(installation: Installation) -> None:
    other = installation.add_tenant("another")
    with pooled(installation.app_url, most=1) as database:
        with one_snapshot(database.acting("person/1"), installation.tenant_id) as held:
            with held.connect(installation.tenant_id) as first:
                pid = first.info.backend_pid
                assert first.actor == "person/1"
            with held.connect(installation.tenant_id) as again:
                assert (again is first, again.info.backend_pid) == (True, pid)
                with pytest.raises(psycopg.errors.ReadOnlySqlTransaction), again.transaction():
                    again.execute("DELETE FROM api_requests")
            with pytest.raises(Misuse, match="another organisation"):
                held.connect(other)
        with database.connect(other) as connection:
            assert connection.info.backend_pid == pid
            assert connection.execute("SELECT tenant_id FROM tenants").fetchall() == [(other,)]


def test_single_questions_begin_no_transaction_but_in_a_snapshot_stay_in_its_own(installation: Installation) -> None:
    own, assigned = installation.tenant_id, "SELECT count(*) FROM units"
    new = "INSERT INTO units (tenant_id, unit_id, kind, name) VALUES (%s, gen_random_uuid(), 'site', 'new')"
    with pooled(installation.app_url, most=1) as database:
        with database.asking(own) as connection:
            assert connection.execute(assigned).fetchone() == (0,)
            assert connection.info.transaction_status is TransactionStatus.IDLE
        with database.connect(own) as connection:
            assert connection.execute(assigned).fetchone() == (0,)
            assert connection.info.transaction_status is TransactionStatus.INTRANS
        with one_snapshot(database, own) as held:
            with held.asking(own) as connection:
                assert connection.execute(assigned).fetchone() == (0,)
            with psycopg.connect(installation.superuser_url) as other:
                other.execute(new, [own])
            with held.asking(own) as connection:
                assert connection.execute(assigned).fetchone() == (0,)
        with database.asking(own) as connection:
            assert connection.execute(assigned).fetchone() == (1,)


def test_what_a_request_asks_goes_by_one_connection_that_is_bound_once_to_whom_it_is_for(
    installation: Installation,
) -> None:
    other, own = installation.add_tenant("third"), installation.tenant_id
    with pooled(installation.app_url, most=2) as database:
        with database.for_one_request() as kept:
            with kept.connect(own) as beside, kept.connect(own) as first:  # the first that is given back is kept
                assert beside.info.backend_pid != first.info.backend_pid
            with kept.acting("person/1").snapshot(own) as again:
                assert again is first
                assert again.actor == "person/1"
                assert again.execute("SHOW transaction_read_only").fetchone() == ("on",)
            with kept.connect(other) as foreign:
                assert foreign is first
                assert (foreign.actor, foreign.read_only) == ("headwater", None)
                assert foreign.execute("SELECT tenant_id FROM tenants").fetchall() == [(other,)]
            with kept.within(frozenset({other})).connect(other) as fewer:
                assert fewer is first
                assert fewer.execute("SELECT current_setting('headwater.units')").fetchone() == (f"{{{other}}}",)
            with kept.connect(other) as all_units:
                assert all_units.execute("SELECT current_setting('headwater.units')").fetchone() == ("",)
        with database.connect(own) as after:
            assert after.execute("SELECT tenant_id FROM tenants").fetchall() == [(own,)]
        with kept.connect(own) as late:  # as what is still sent when the request has ended
            assert late.execute("SELECT tenant_id FROM tenants").fetchall() == [(own,)]


def test_whoever_finds_the_pool_empty_gets_a_connection_beside_it(installation: Installation) -> None:
    own = installation.tenant_id
    with (
        pooled(installation.app_url, most=1) as database,
        database.connect(own) as first,
        database.connect(own) as beside,
    ):
        assert beside.execute("SELECT tenant_id FROM tenants").fetchall() == [(own,)]
        assert not isinstance(beside, type(first))


def test_requests_keep_half_of_the_connections_at_most(installation: Installation) -> None:
    own = installation.tenant_id
    with pooled(installation.app_url, most=2) as database, database.for_one_request() as one:
        with one.connect(own) as first:
            first.execute("SELECT 1")
        with database.for_one_request() as two:
            with two.connect(own) as second:
                assert second is not first
            with database.connect(own) as third:
                assert third is second  # it was given back, and not kept
        with one.connect(own) as again:
            assert again is first


def test_closed_twice_it_is_lent_to_one_only(installation: Installation) -> None:
    own = installation.tenant_id
    with pooled(installation.app_url, most=2) as database, database.for_one_request() as kept:
        with kept.connect(own) as first:
            first.close()
        with kept.connect(own) as again, kept.connect(own) as other:
            assert again is first
            assert other is not first


def test_a_kept_connection_that_broke_is_given_back(installation: Installation) -> None:
    with pooled(installation.app_url, most=1) as database, database.for_one_request() as kept:
        with pytest.raises(RetryLater), kept.connect(installation.tenant_id) as connection:
            connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        with kept.connect(installation.tenant_id) as another:
            assert another is not connection
            assert another.execute("SELECT tenant_id FROM tenants").fetchall() == [(installation.tenant_id,)]


def test_connections_that_the_server_ended_are_given_up(installation: Installation) -> None:
    with pooled(installation.app_url, most=1) as database:
        with database.connect(installation.tenant_id) as connection:
            pid = connection.info.backend_pid
        with psycopg.connect(installation.superuser_url) as superuser:
            superuser.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
        with database.connect(installation.tenant_id) as connection:
            assert connection.info.backend_pid != pid


def test_a_connection_that_breaks_while_it_is_lent_leaves_its_place_to_another(installation: Installation) -> None:
    with pooled(installation.app_url, most=1) as database:
        with pytest.raises(RetryLater), database.connect(installation.tenant_id) as connection:
            connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        database._pool.getconn(timeout=30).close()  # which never came, were the place not given up


def test_the_same_write_is_done_by_one_at_a_time_and_known_when_its_process_was_killed(
    installation: Installation,
) -> None:
    key = RequestKey(tenant_id=installation.tenant_id, actor="token/1", key="k")
    first = HeldRequest(installation.database, key)
    assert first.begin(b"1" * 32) is None
    with pytest.raises(Conflict, match="being done just now"):
        HeldRequest(installation.database, key)
    first._connection.pgconn.finish()  # as the session of a killed process does
    second = held_at_last(installation, key)
    begun = second.begin(b"1" * 32)
    assert begun is not None
    assert begun.status is None
    second.end(201, {"etag": '"1"'}, b"{}")
    second.close()
    third = HeldRequest(installation.database, key)
    answered = third.begin(b"2" * 32)
    third.close()
    assert answered is not None
    assert (answered.request_hash, answered.status, answered.body) == (b"1" * 32, 201, b"{}")


def held_at_last(installation: Installation, key: RequestKey) -> HeldRequest:
    """Once the server has noticed that whoever held it is gone."""
    held: list[HeldRequest] = []

    def is_held() -> bool:
        with suppress(Conflict):
            held.append(HeldRequest(installation.database, key))
        return bool(held)

    until(is_held, "the session of the killed process has ended")
    return held[0]


def test_a_request_that_is_forgotten_while_it_is_done_keeps_no_answer_and_is_not_done_twice(
    installation: Installation,
) -> None:
    tenant_id = installation.tenant_id
    key, own = (RequestKey(tenant_id=tenant_id, actor="token/2", key=name) for name in ("theirs", "own"))
    held, asking = HeldRequest(installation.database, key), HeldRequest(installation.database, own)
    assert (held.begin(b"1" * 32), asking.begin(b"2" * 32)) == (None, None)
    with installation.database.connect(tenant_id) as connection:
        forget_answers(connection, tenant_id, but=own)
    begun = held.begin(b"1" * 32)
    assert begun is not None
    assert (begun.is_forgotten, begun.has_done_nothing) == (True, True)  # had it been killed now, it may be done
    held.end(200, {"location": "/records/her"}, b"her name")
    asking.end(200, {}, b"erased")
    answered, own_answer = held.begin(b"1" * 32), asking.begin(b"2" * 32)
    assert answered is not None
    assert (answered.is_forgotten, answered.has_done_nothing) == (True, False)
    assert (answered.status, answered.headers, answered.body) == (200, None, None)
    assert own_answer is not None
    assert (own_answer.is_forgotten, own_answer.body) == (False, b"erased")
    held.close()
    asking.close()


def end_slowly(connection: TenantConnection) -> None:
    """The session of this connection drops so much before it ends that whoever asks meanwhile finds it there."""
    for number in range(500):
        connection.execute(sql.SQL("CREATE TEMP TABLE {} ()").format(sql.Identifier(f"slow{number}")))
        connection.commit()


def test_what_was_let_go_is_free_before_its_session_has_ended(installation: Installation) -> None:
    key = RequestKey(tenant_id=installation.tenant_id, actor="token/1", key="k")
    held = HeldRequest(installation.database, key)
    end_slowly(held._connection)
    held.close()
    HeldRequest(installation.database, key).close()


@pytest.mark.parametrize("how", ["done", "failed", "closed in the middle"])
def test_what_is_held_is_free_the_moment_that_whoever_held_it_closes(installation: Installation, how: str) -> None:
    with pooled(installation.app_url, most=2) as database:
        held = database.hold(installation.tenant_id, "message 1")
        assert held is not None
        assert database.hold(installation.tenant_id, "message 1") is None
        end_slowly(held)
        if how == "closed in the middle":
            held.execute("SELECT 1")
            held.close()
        else:
            with suppress(ZeroDivisionError), held:
                held.execute("SELECT 1")
                if how == "failed":
                    raise ZeroDivisionError
        again = database.hold(installation.tenant_id, "message 1")
        assert again is not None
        again.close()


def test_a_session_that_is_lost_while_it_holds_is_closed_and_nothing_else(installation: Installation) -> None:
    tenant_id = installation.tenant_id
    held = installation.database.hold(tenant_id, "message 2")
    assert held is not None
    with installation.database.connect(tenant_id) as other:
        other.execute("SELECT pg_terminate_backend(%s)", (held.info.backend_pid,))
    held.close()
    assert held.closed

    def is_free() -> bool:
        again = installation.database.hold(tenant_id, "message 2")
        if again is not None:
            again.close()
        return again is not None

    until(is_free, "the session that was ended has let go")


def test_what_holds_is_closed_though_the_network_swallows_the_answer(installation: Installation) -> None:
    said = conninfo_to_dict(installation.app_url)
    with proxy(lambda: reached(str(said["host"]), int(str(said.get("port", 5432))))) as between:
        url = make_conninfo(installation.app_url, host="127.0.0.1", port=between.port)
        held = Database(url).hold(installation.tenant_id, "message 3")
        assert held is not None
        between.fail("silent", after=1)
        closing = Thread(target=held.close)
        closing.start()
        until(lambda: not closing.is_alive(), "whoever closes waits for no answer that never comes")
        assert held.closed
    closing.join()


def test_a_run_that_has_ended_keeps_its_source_from_nobody(river: River) -> None:
    database, tenant_id = river.installation.database, river.installation.tenant_id
    source = river.folder / "activities.csv"
    source.write_text(activities([{"activity_id": "a", "quantity": "1"}]), encoding="utf-8")
    run_id = import_file(river.installation, source, river.mapping("activity_form"), progress=SilentProgress())
    with database.connect(tenant_id) as connection:
        run = runs.get_run(connection, tenant_id, run_id)
    held = database.holding(tenant_id)
    runs.hold_source(held, tenant_id, run)
    held.commit()
    with database.connect(tenant_id) as connection, pytest.raises(Conflict, match="a run of this source is at work"):
        source_units.hold(connection, tenant_id, run.source_id)
    end_slowly(held)
    held.close()
    with database.connect(tenant_id) as connection:
        source_units.hold(connection, tenant_id, run.source_id)


def test_what_a_run_of_a_server_holds_ends_with_it(river: River) -> None:
    of_this = "database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    held = f"SELECT FROM pg_locks WHERE locktype = 'advisory' AND {of_this}"
    with (
        serving(river.installation) as served,
        served.database.connect(served.tenant_id),
    ):
        source = river.folder / "activities.csv"
        source.write_text(activities([{"activity_id": "a", "quantity": "1"}]), encoding="utf-8")
        import_file(served, source, river.mapping("activity_form"), progress=SilentProgress())
        until(lambda: river.rows(held) == [], "the sessions that held the run have ended")
