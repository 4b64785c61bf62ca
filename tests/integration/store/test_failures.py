"""What the caller is told when PostgreSQL fails, tried on a real server."""

from __future__ import annotations

import contextlib
import socket
import threading
import traceback
from uuid import uuid4

import psycopg
import pytest

from headwater.errors import HeadwaterError, Misuse, RetryLater, Stopped
from headwater.store.database import Database
from headwater.store.failures import translate, translated
from tests.servers import Installation

pytestmark = pytest.mark.server


def test_a_server_that_is_not_there_may_come_back() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"postgresql://headwater_app@127.0.0.1:{taken.getsockname()[1]}/x"
        with pytest.raises(RetryLater, match="connect to the database"):
            Database(url).connect(uuid4())


def test_a_wrong_name_in_the_url_is_for_the_caller_to_correct(installation: Installation) -> None:
    for wrong in (("headwater_app@", "nobody_here@"), (installation.name, "no_such_database")):
        with pytest.raises(Misuse, match="does not exist"):
            Database(installation.app_url.replace(*wrong)).connect(installation.tenant_id)


@pytest.mark.parametrize("url", ["postgresql://x@/y?secret=1", "postgresql://x:100%secret@h/y", "x://secret"])
def test_a_url_that_cannot_be_read_is_refused_without_being_quoted(url: str) -> None:
    with pytest.raises(Misuse, match="the database URL cannot be read") as told:
        Database(url).connect(uuid4())
    assert "secret" not in "".join(traceback.format_exception(told.value)).replace(url, "")
    assert told.value.__cause__ is None


def test_a_connection_cut_in_the_middle_may_be_made_anew(installation: Installation) -> None:
    def cut() -> None:
        with (
            installation.database.connect(installation.tenant_id) as session,
            psycopg.connect(installation.superuser_url, autocommit=True) as superuser,
        ):
            superuser.execute("SELECT pg_terminate_backend(%s)", (session.info.backend_pid,))
            session.execute("SELECT 1")

    with pytest.raises(RetryLater, match="terminating connection"):
        cut()


def test_two_who_wait_for_each_other_may_try_again(installation: Installation) -> None:
    """A deadlock: both rows of audit heads locked in opposite order."""
    tenant_id = installation.tenant_id
    lock = "SELECT pg_advisory_xact_lock(%s)"
    met = threading.Barrier(2)
    found: list[HeadwaterError] = []

    def work(first: int, second: int) -> None:
        try:
            with installation.database.connect(tenant_id) as session:
                session.execute(lock, (first,))
                met.wait()
                session.execute(lock, (second,))
        except HeadwaterError as error:
            found.append(error)

    threads = [threading.Thread(target=work, args=pair) for pair in ((1, 2), (2, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [type(error) for error in found] == [RetryLater]


@pytest.mark.parametrize(
    ("statement", "kind", "remedy"),
    [
        ("SELECT * FROM no_such_table", Stopped, "db upgrade"),
        ("SELECT no_such_column FROM runs", Stopped, "db upgrade"),
        ("SELECT no_such_function()", Stopped, "db upgrade"),
        ("DELETE FROM runs", Misuse, "db upgrade"),
        ("SELECT 1 / 0", Stopped, "report"),
        ("SET LOCAL statement_timeout = 1; SELECT pg_sleep(10)", RetryLater, "try again"),
        ("SET TRANSACTION READ ONLY; INSERT INTO findings DEFAULT VALUES", Stopped, "read-only"),
        (
            "INSERT INTO tenants (tenant_id, name) VALUES (gen_random_uuid(), 'x')",
            Misuse,
            "db upgrade",
        ),
        (
            "INSERT INTO audit_heads SELECT nullif(current_setting('headwater.tenant', true), '')::uuid, -1, ''",
            Stopped,
            "nothing was saved",
        ),
    ],
)
def test_a_statement_that_fails_is_sorted_by_what_to_do(
    installation: Installation, statement: str, kind: type[HeadwaterError], remedy: str
) -> None:
    with (
        pytest.raises(kind, match=remedy) as told,
        installation.database.connect(installation.tenant_id) as session,
    ):
        session.execute(statement)
    assert type(told.value) is kind
    assert isinstance(told.value.__cause__, psycopg.Error)


def test_a_full_disk_stops() -> None:
    """The server's error; that it comes is for the fault tests, which fill a disk."""
    with pytest.raises(Stopped, match="Free space"), translated("load"):
        raise psycopg.errors.DiskFull("could not extend file")


def test_other_errors_pass_as_they_are(installation: Installation) -> None:
    with pytest.raises(ZeroDivisionError), installation.database.connect(installation.tenant_id):
        raise ZeroDivisionError


def test_an_error_of_psycopg_without_words_is_told_all_the_same() -> None:
    told = translate(psycopg.InterfaceError(), where="here")
    assert type(told) is Stopped
    assert "InterfaceError" in str(told)


def test_what_failed_in_a_block_is_undone(installation: Installation) -> None:
    with contextlib.suppress(Stopped), installation.database.connect(installation.tenant_id) as session:
        session.execute(
            "INSERT INTO audit_heads SELECT nullif(current_setting('headwater.tenant', true), '')::uuid, 0, sha256('x')"
        )
        session.execute("SELECT 1 / 0")
    with installation.database.connect(installation.tenant_id) as session:
        assert session.execute("SELECT count(*) FROM audit_heads").fetchone() == (0,)
