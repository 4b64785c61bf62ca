"""The MariaDB server that rows are read from, on a port of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pymysql

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVICES: Final = Path(__file__).resolve().parents[1] / ".services"
_SECONDS_TO_START: Final = 60


@dataclass(frozen=True, kw_only=True)
class MariaDb:
    """A running server with an empty database `plant`, which `bench` may read with the password `unused`."""

    process: int
    port: int
    socket: Path
    client: Path
    _owner: Any

    def execute(self, statement: str) -> int:
        """Run a statement as the administrator, always by the same session; how many rows it changed."""
        with self._owner.cursor() as cursor:
            return int(cursor.execute(statement))


def programs() -> Path | None:
    """The folder with the server, as `make services` found it."""
    found = SERVICES / "mariadb"
    return Path(found.read_text(encoding="utf-8").strip()) if found.is_file() else None


@contextmanager
def running_mariadb(folder: Path) -> Iterator[MariaDb]:
    """Start a server in `folder`, made anew; stop it and delete the folder at the end."""
    binaries = programs()
    if binaries is None:
        raise FileNotFoundError("there is no MariaDB: `make services` installs it")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    account = pwd.getpwnam("mysql" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name)
    if os.geteuid() == 0:
        shutil.chown(folder, account.pw_uid, account.pw_gid)
    path = f"{binaries.parent / 'bin'}:{binaries}:{os.environ['PATH']}"
    install, client = (shutil.which(name, path=path) for name in ("mariadb-install-db", "mariadb"))
    if install is None or client is None:
        raise FileNotFoundError(f"mariadb-install-db or mariadb is missing in {path}")
    common = ["--no-defaults", f"--user={account.pw_name}", f"--datadir={folder / 'data'}"]
    subprocess.run(
        [install, *common, "--skip-test-db", "--auth-root-authentication-method=normal"],
        capture_output=True,
        check=True,
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    options = [*common, "--bind-address=127.0.0.1", f"--port={port}", f"--socket={folder / 's'}",
               f"--pid-file={folder / 'pid'}", "--skip-log-bin", "--innodb-buffer-pool-size=256M",
               "--local-infile=1"]  # fmt: skip
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([binaries / "mariadbd", *options], stdout=log, stderr=log)
    try:
        owner = _connected(folder / "s", server)
        yield MariaDb(process=server.pid, port=port, socket=folder / "s", client=Path(client), _owner=owner)
        owner.close()
    finally:
        server.kill()
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _connected(path: Path, server: subprocess.Popen[bytes]) -> Any:
    deadline = time.monotonic() + _SECONDS_TO_START
    while True:
        try:
            owner = pymysql.connect(unix_socket=str(path), user="root", autocommit=True, local_infile=True)
        except pymysql.Error:
            if server.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            break
    with owner.cursor() as cursor:
        cursor.execute("SET SESSION sql_mode = 'STRICT_ALL_TABLES'")
        cursor.execute("CREATE DATABASE plant CHARACTER SET utf8mb4")
        cursor.execute("CREATE USER bench@'127.0.0.1' IDENTIFIED BY 'unused'")
        cursor.execute("GRANT SELECT ON plant.* TO bench@'127.0.0.1'")
        cursor.execute("USE plant")
    return owner
