"""Real PostgreSQL servers for tests, the embedded one and one installed on the machine, each in a folder of its own."""

from __future__ import annotations

import contextlib
import os
import pwd
import shlex
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count
from pathlib import Path
from uuid import UUID

import psycopg
from psycopg import sql

from headwater.contracts import Document
from headwater.store.database import Database
from headwater.store.embedded import APP, OWNER, SUPERUSER, EmbeddedServer
from headwater.store.server_folder import Account, run_as
from headwater.store.tenants import add_tenant, tenant_id
from headwater.store.upgrade import upgrade

# Tests kill processes, whose pages the system keeps; that a machine loses power they do not try, and fsync is slow.
UNSYNCED = "fsync=off"


@dataclass(frozen=True, kw_only=True)
class Installation:
    """An upgraded database of a test's own."""

    name: str
    owner_url: str
    app_url: str
    superuser_url: str

    @property
    def tenant_id(self) -> UUID:
        """The organisation everybody has."""
        return tenant_id("default")

    @property
    def database(self) -> Database:
        """As the application sees it."""
        return Database(self.app_url)

    def add_tenant(self, name: str) -> UUID:
        """Another organisation."""
        with psycopg.connect(self.owner_url) as owner:
            return add_tenant(owner, name)


@dataclass(frozen=True, kw_only=True)
class TestServer:
    """A running server that makes databases, each a copy of an upgraded one, which takes a moment only."""

    __test__ = False

    url: Callable[[str, str], str]  # of a role in a database
    start_again: Callable[[], None]  # after it was killed; returns when it answers
    _templates: dict[str, str] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=count)

    def administrate(self, statement: sql.SQL | sql.Composed) -> None:
        """Run a statement as superuser outside a transaction."""
        with psycopg.connect(self.url(SUPERUSER, "postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def empty(self) -> Installation:
        """A database of the owner's, never upgraded."""
        return self._create(sql.SQL("CREATE DATABASE {name} OWNER headwater_owner TEMPLATE template0"))

    def upgraded(self, documents: Sequence[Document]) -> Installation:
        """A database with the tables of these contracts."""
        kind = sha256(b"".join(document.hash for document in documents)).hexdigest()
        if kind not in self._templates:
            template = self.empty()
            upgrade(template.owner_url, APP, documents)
            self._templates[kind] = template.name
        return self._copy(self._templates[kind])

    def copy(self, installation: Installation) -> Installation:
        """A database with all that is in another one, to which nobody may be connected."""
        return self._copy(installation.name)

    def drop(self, installation: Installation) -> None:
        """Remove a database, whoever is connected."""
        self.administrate(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(installation.name)))

    def _copy(self, name: str) -> Installation:
        made = self._create(
            sql.SQL("CREATE DATABASE {name} OWNER headwater_owner TEMPLATE {copied}"), copied=sql.Identifier(name)
        )
        # Rights on a database are not copied with it; those in it are.
        self.administrate(
            sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO headwater_app").format(sql.Identifier(made.name))
        )
        return made

    def _create(self, statement: sql.SQL, **names: sql.Composable) -> Installation:
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        self.administrate(statement.format(name=sql.Identifier(name), **names))
        return Installation(
            name=name,
            owner_url=self.url(OWNER, name),
            app_url=self.url(APP, name),
            superuser_url=self.url(SUPERUSER, name),
        )


def rows_that_tell(installation: Installation, words: list[str]) -> list[tuple[str, str]]:
    """Of each table in which any of these stands one row with it: the table's name, and the row as text."""
    one = sql.SQL("(SELECT {name}, t::text FROM {table} t WHERE EXISTS {found} LIMIT 1)")
    found = sql.SQL("(SELECT FROM unnest(%(words)s::text[]) word WHERE strpos(t::text, word) > 0)")
    with psycopg.connect(installation.superuser_url) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        each = [one.format(name=sql.Literal(name), table=sql.Identifier(name), found=found) for (name,) in tables]
        return connection.execute(sql.SQL(" UNION ALL ").join(each), {"words": words}).fetchall()


@contextlib.contextmanager
def own_folder() -> Iterator[Path]:
    """A folder that a server's account can reach; pytest's own ones are closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="headwater-test-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def embedded_server() -> Iterator[TestServer]:
    """The server that comes with Headwater."""
    with own_folder() as folder, EmbeddedServer.start(folder / "postgres") as server:
        found = TestServer(url=server.url, start_again=lambda: _attach(folder / "postgres"))
        found.administrate(sql.SQL(f"ALTER SYSTEM SET {UNSYNCED}"))
        found.administrate(sql.SQL("SELECT pg_reload_conf()"))
        yield found


def _attach(folder: Path) -> None:
    """Start the server where it does not run, and let go of it: whoever started it first goes on holding it."""
    EmbeddedServer.start(folder).stop()


@contextlib.contextmanager
def installed_server(binaries: Path) -> Iterator[TestServer]:
    """A server installed on the machine, reached over TCP as a server on the network is."""
    entry = pwd.getpwnam("postgres") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    account = Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)
    with own_folder() as folder:
        data = folder / "data"
        data.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(data, account.uid, account.gid)
        _run(account, folder, binaries / "initdb", "-D", data, "-A", "trust", "-U", SUPERUSER, "--locale=C.UTF-8")
        port = free_port()
        settings = ("listen_addresses=127.0.0.1", f"port={port}", f"unix_socket_directories={data}", UNSYNCED)
        options = shlex.join(word for setting in settings for word in ("-c", setting))
        server = (binaries / "pg_ctl", "-D", data, "-w", "-s")
        start = (*server, "-l", data / "server.log", "-o", options, "start")
        _run(account, folder, *start)
        try:
            found = TestServer(
                url=lambda role, name: f"postgresql://{role}@127.0.0.1:{port}/{name}",
                start_again=lambda: _run_until_done(account, folder, *start),
            )
            for role in (OWNER, APP):
                found.administrate(sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOBYPASSRLS").format(sql.Identifier(role)))
            yield found
        finally:
            _run(account, folder, *server, "-m", "immediate", "stop")


def _run(account: Account, folder: Path, *command: object) -> None:
    done = run_as(account, [str(part) for part in command], folder=folder)
    assert done.returncode == 0, done.stdout


def _run_until_done(account: Account, folder: Path, *command: object) -> None:
    """The sessions of a killed server hold its memory for a moment, and as long no new one starts."""
    deadline = time.monotonic() + 60
    while run_as(account, [str(part) for part in command], folder=folder).returncode != 0:
        assert time.monotonic() < deadline, f"{command[0]} does not come to an end"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
