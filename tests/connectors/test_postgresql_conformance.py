"""The suite for connectors, on the PostgreSQL versions named as proven: over TCP with TLS, and by a Unix socket."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import psycopg
import pytest
from psycopg import sql

from headwater.connectors.postgresql import PostgresConfig, kind
from headwater.connectors.postgresql.connector import PostgresConnector
from headwater.connectors.protocol import Cause, Config, Kind
from headwater.testing import ConnectorConformance, Row
from tests.connectors.servers_postgresql import PASSWORD, guarded_embedded, guarded_postgresql
from tests.connectors.sql_reading import ServerCase

pytestmark = pytest.mark.server
TYPES = {
    "integer": "bigint",
    "decimal": "numeric(38,10)",
    "float": "double precision",
    "text": "text",
    "bytes": "bytea",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp",
    "timestamptz": "timestamptz",
    "time": "time",
    "json": "json",
    "array": "integer[]",
    "enum": "mood",
    "uuid": "uuid",
}


class PostgresCase(ServerCase):
    kind: ClassVar[Kind] = kind
    table: ClassVar[str] = "public.conformance"
    lacks: ClassVar[dict[str, str]] = {}
    revoked: ClassVar[str] = "REVOKE SELECT ON conformance FROM reader"

    def config(self) -> PostgresConfig:
        config: PostgresConfig = self.server.config
        return config

    def resolve(self, reference: str) -> str:
        assert reference == "env:POSTGRES_PASSWORD"
        return PASSWORD

    def against(self) -> str:
        with psycopg.connect(self.server.owner_url) as owner:
            return f"PostgreSQL {owner.info.server_version // 10_000}"

    def make(self, rows: Sequence[Row]) -> None:
        key = "PRIMARY KEY" if all(row.id is not None for row in rows) else ""
        self.execute(
            "DROP TABLE IF EXISTS conformance;"
            f" CREATE TABLE conformance (id bigint {key}, at timestamptz, value text);"
            " GRANT SELECT ON conformance TO reader"
        )
        self.insert(rows)

    def insert(self, rows: Sequence[Row]) -> None:
        with (
            psycopg.connect(self.server.owner_url) as owner,
            owner.cursor() as cursor,
            cursor.copy("COPY conformance FROM STDIN") as copy,
        ):
            for row in rows:
                copy.write_row((row.id, row.at, row.value))

    def update(self, rows: Sequence[Row]) -> None:
        with psycopg.connect(self.server.owner_url) as owner, owner.cursor() as cursor:
            cursor.executemany(
                "UPDATE conformance SET at = %s, value = %s WHERE id = %s",
                [(row.at, row.value, row.id) for row in rows],
            )

    def delete(self, ids: Sequence[int]) -> None:
        with psycopg.connect(self.server.owner_url) as owner:
            owner.execute("DELETE FROM conformance WHERE id = ANY(%s)", [list(ids)])

    def make_values(self, sort: str, values: Sequence[Any]) -> str:
        declared = TYPES[sort]
        self.execute(
            "DROP TABLE IF EXISTS lossless; DROP TYPE IF EXISTS mood;"
            " CREATE TYPE mood AS ENUM ('verified', 'not ''yet'' sure');"
            f" CREATE TABLE lossless (id int PRIMARY KEY, value {declared}); GRANT SELECT ON lossless TO reader"
        )
        statement = sql.SQL("INSERT INTO lossless VALUES (%s, CAST(%s AS {}))").format(sql.SQL(declared))
        with psycopg.connect(self.server.owner_url) as owner, owner.cursor() as cursor:
            cursor.executemany(statement, list(enumerate(values, 1)))
        return "public.lossless"

    def held(self) -> int:
        """Sessions of the reader's. One that was given up ends when its server process next looks."""
        deadline = time.monotonic() + 10
        with psycopg.connect(self.server.owner_url, autocommit=True) as owner:
            while True:
                row = owner.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = 'reader'").fetchone()
                assert row is not None
                if row[0] == 0 or time.monotonic() > deadline:
                    return int(row[0])

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.server.owner_url) as owner:
            owner.execute(statement.encode())


class EmbeddedCase(PostgresCase):
    lacks: ClassVar[dict[str, str]] = {"tls": "the server that comes with Headwater is built without"}

    def wrong(self, cause: Cause) -> Config:
        config = super().wrong(cause)
        # Nothing waits at a socket; a host that keeps silent is one on the network.
        network = {"host": "127.0.0.1", "sslmode": "disable"}
        return config.model_copy(update=network) if cause == "timeout" else config


@pytest.fixture(scope="module")
def _installed(installed_postgres: Any) -> Iterator[None]:
    with (
        guarded_postgresql(installed_postgres) as PostgresCase.server,
        socket.create_server(("127.0.0.1", 0)) as PostgresCase.silent,
    ):
        yield


@pytest.fixture(scope="module")
def _embedded() -> Iterator[None]:
    with (
        guarded_embedded() as EmbeddedCase.server,
        socket.create_server(("127.0.0.1", 0)) as EmbeddedCase.silent,
    ):
        yield


@pytest.mark.always
@pytest.mark.usefixtures("_installed", "_embedded")
def test_the_versions_named_as_proven_are_those_of_the_two_servers() -> None:
    assert kind.proven_against == tuple(case().against() for case in (PostgresCase, EmbeddedCase))


@pytest.mark.usefixtures("_installed")
def test_a_wrong_password_is_told_in_our_words_and_a_missing_rule_in_the_servers() -> None:
    config = PostgresCase.server.config

    def told(changes: dict[str, Any], password: str) -> tuple[str, str | None]:
        (problem,) = PostgresConnector(config.model_copy(update=changes), lambda _: password).validate()
        return problem.what, problem.remedy

    server = f"{config.host}:{config.port}"
    assert told({}, "wrong") == (
        f"the user 'reader' is refused by {server}",
        "Correct `user`, or what `password_ref` leads to (env:POSTGRES_PASSWORD)",
    )
    assert told({"database": "none"}, PASSWORD)[0] == f"{server} does not know the database 'none'"
    plain = told({"sslmode": "disable"}, PASSWORD)[0]
    assert plain.startswith(
        f"no connection to {server} can be made that both sides trust (TLS); what came back: no pg_hba"
    )


@pytest.mark.always
@pytest.mark.usefixtures("_installed")
class TestInstalled(ConnectorConformance):
    case_type = PostgresCase


@pytest.mark.always
@pytest.mark.usefixtures("_embedded")
class TestEmbedded(ConnectorConformance):
    case_type = EmbeddedCase
