"""A MariaDB server of a test's own, which asks for TLS and a password over TCP."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql
import pytest

from headwater.connectors.mysql import MysqlConfig
from headwater.connectors.sql import probe
from tests.connectors.certificates import make_certificates
from tests.planted import planted
from tests.servers import own_folder

ROOT = Path(__file__).parents[2]
PASSWORD = planted("a planted secret, & more/of:it")


@dataclass(frozen=True, kw_only=True)
class MariaDb:
    """The server; `config` is that of a login that may read what it is granted. `kill` leaves its data be."""

    config: MysqlConfig
    socket: Path
    other_authority: Path
    version: str
    kill: Callable[[], None]
    start_again: Callable[[], None]

    def owner(self) -> Any:
        """A connection of the administrator's."""
        return pymysql.connect(unix_socket=str(self.socket), user="root", database="source", autocommit=True)


def mariadb_programs() -> Path:
    """The folder with the programs, as `tools/services` found it; skips where there is none."""
    found, missing = ROOT / ".services/mariadb", ROOT / ".services/mariadb.missing"
    if found.is_file():
        return Path(found.read_text(encoding="utf-8").strip())
    why = missing.read_text(encoding="utf-8").strip() if missing.is_file() else "`make services` was not run"
    pytest.skip(f"no MariaDB: {why}")


@contextlib.contextmanager
def mariadb_server() -> Iterator[MariaDb]:
    """A server on a port of its own; it is stopped at the end, whatever happened."""
    programs = mariadb_programs()
    with own_folder() as folder:
        account = pwd.getpwnam("mysql" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name)
        data = folder / "data"
        certificates = make_certificates(folder)
        if os.geteuid() == 0:
            for path in (folder, certificates.key, certificates.certificate):
                shutil.chown(path, account.pw_uid, account.pw_gid)
        install = shutil.which("mariadb-install-db", path=f"{programs.parent / 'bin'}:{programs}:{os.environ['PATH']}")
        assert install is not None
        made = subprocess.run(
            [
                *(install, "--no-defaults", f"--user={account.pw_name}", f"--datadir={data}", "--skip-test-db"),
                "--auth-root-authentication-method=normal",
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        assert made.returncode == 0, made.stdout + made.stderr
        port = _free_port()
        options = [
            *("--no-defaults", f"--user={account.pw_name}", f"--datadir={data}", "--bind-address=127.0.0.1"),
            *(f"--port={port}", f"--socket={folder / 's'}", f"--pid-file={folder / 'pid'}"),
            *(f"--ssl-cert={certificates.certificate}", f"--ssl-key={certificates.key}", "--skip-name-resolve"),
            *("--innodb-buffer-pool-size=64M", "--innodb-flush-log-at-trx-commit=0", "--skip-log-bin"),
        ]
        log = folder / "log"
        running: list[subprocess.Popen[bytes]] = []

        def start() -> None:
            with log.open("ab") as told:
                running.append(subprocess.Popen([programs / "mariadbd", *options], stdout=told, stderr=told))
            _wait(folder / "s", running[-1], log)

        def kill() -> None:
            running[-1].kill()
            running[-1].wait()

        try:
            start()
            version = _prepare(folder / "s")
            yield MariaDb(
                config=MysqlConfig(
                    host="127.0.0.1",
                    port=port,
                    database="source",
                    user="reader",
                    password_ref="env:MARIADB_PASSWORD",
                    ca_file=certificates.authority,
                ),
                socket=folder / "s",
                other_authority=certificates.other_authority,
                version=version,
                kill=kill,
                start_again=start,
            )
        finally:
            kill()


def _wait(path: Path, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while probe.socket_problem_of(path, 5):
        assert server.poll() is None, log.read_text(encoding="utf-8", errors="replace")
        assert time.monotonic() < deadline, "MariaDB does not answer"


def _prepare(path: Path) -> str:
    connection = pymysql.connect(unix_socket=str(path), user="root", autocommit=True)
    with connection, connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE source CHARACTER SET utf8mb4")
        cursor.execute("CREATE DATABASE closed_to_reader")
        cursor.execute("CREATE USER reader@127.0.0.1 IDENTIFIED BY %s REQUIRE SSL", (PASSWORD,))
        cursor.execute("GRANT SHOW VIEW ON source.* TO reader@127.0.0.1")
        cursor.execute("SELECT VERSION()")
        row = cursor.fetchone()
        assert row is not None
        return str(row[0])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
