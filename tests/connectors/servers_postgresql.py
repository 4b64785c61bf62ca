"""PostgreSQL servers that ask for a password: an installed one, by TLS, and the one that comes with Headwater."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import psycopg
from psycopg import sql

from headwater.connectors.postgresql import PostgresConfig
from headwater.store.embedded import SUPERUSER
from tests.connectors.certificates import make_certificates
from tests.planted import planted
from tests.servers import TestServer, embedded_server, installed_server, own_folder

PASSWORD = planted("a planted secret, & more/of:it")
_RULES = """
local   all  all                trust
host    all  {owner} 127.0.0.1/32  trust
hostssl all  all     127.0.0.1/32  scram-sha-256
"""


@dataclass(frozen=True, kw_only=True)
class Guarded:
    """The server; `config` is that of a login that may read what it is granted."""

    config: PostgresConfig
    owner_url: str
    other_authority: Path | None
    server: TestServer


@contextlib.contextmanager
def guarded_postgresql(binaries: Path) -> Iterator[Guarded]:
    """An installed server on a port of its own."""
    with own_folder() as folder, installed_server(binaries) as server:
        certificates = make_certificates(folder)
        url = server.url(SUPERUSER, "postgres")
        with psycopg.connect(url, autocommit=True) as owner:
            data = _shown(owner, "data_directory")
            for source, name in ((certificates.certificate, "server.crt"), (certificates.key, "server.key")):
                shutil.copyfile(source, data / name)
                shutil.chown(data / name, data.owner(), data.group())
                (data / name).chmod(0o600)
            (data / "pg_hba.conf").write_text(_RULES.format(owner=SUPERUSER), encoding="ascii")
            owner.execute("ALTER SYSTEM SET ssl = on")
            owner.execute(sql.SQL("CREATE ROLE reader LOGIN PASSWORD {}").format(PASSWORD))
            owner.execute("SELECT pg_reload_conf()")
        yield Guarded(
            config=PostgresConfig(
                host="127.0.0.1",
                port=urlsplit(url).port or 0,
                database="postgres",
                user="reader",
                password_ref="env:POSTGRES_PASSWORD",
                ca_file=certificates.authority,
            ),
            owner_url=url,
            other_authority=certificates.other_authority,
            server=server,
        )


@contextlib.contextmanager
def guarded_embedded() -> Iterator[Guarded]:
    """The server that comes with Headwater; it knows no TLS, and is reached as Headwater reaches it."""
    with embedded_server() as server:
        url = server.url(SUPERUSER, "postgres")
        place = dict(parse_qsl(urlsplit(url).query))
        with psycopg.connect(url, autocommit=True) as owner:
            rules = _shown(owner, "hba_file")
            rules.write_text(f"local all reader scram-sha-256\n{rules.read_text(encoding='utf-8')}", encoding="utf-8")
            owner.execute(sql.SQL("CREATE ROLE reader LOGIN PASSWORD {}").format(PASSWORD))
            owner.execute("SELECT pg_reload_conf()")
        yield Guarded(
            config=PostgresConfig(
                host=place["host"],
                port=int(place["port"]),
                database="postgres",
                user="reader",
                password_ref="env:POSTGRES_PASSWORD",
            ),
            owner_url=url,
            other_authority=None,
            server=server,
        )


def _shown(owner: psycopg.Connection, name: str) -> Path:
    row = owner.execute(sql.SQL("SHOW {}").format(sql.Identifier(name))).fetchone()
    assert row is not None
    return Path(row[0])
