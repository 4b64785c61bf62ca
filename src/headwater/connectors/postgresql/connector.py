"""PostgreSQL as a source."""

from __future__ import annotations

import struct
from contextlib import AbstractContextManager
from pathlib import Path

from adbc_driver_manager import Error as DriverError
from adbc_driver_postgresql import dbapi

from headwater.connectors.postgresql import catalog
from headwater.connectors.postgresql.config import PostgresConfig
from headwater.connectors.postgresql.dialect import PostgresDialect
from headwater.connectors.postgresql.refusals import problem_of
from headwater.connectors.postgresql.session import PostgresSession, address, session
from headwater.connectors.protocol import Problem, Resolve, Selection
from headwater.connectors.sql import Session, Source, SqlTable, probe

_SSL_REQUEST = struct.pack("!ii", 8, 80877103)


class PostgresConnector(Source):
    """Tables, views, materialised views, partitioned and foreign tables of one database."""

    dialect = PostgresDialect()

    def __init__(self, config: PostgresConfig, resolve: Resolve) -> None:
        self._config = config
        self._resolve = resolve

    def session(self) -> AbstractContextManager[PostgresSession]:
        return session(self._config, self._password(), self.reach)

    def tables(self, session: Session, name: str | None = None) -> list[SqlTable]:
        asked = catalog.of_schemas(self._config.schemas) if name is None else catalog.named(name)
        return catalog.tables(self.dialect, session.rows(asked))

    def reach(self) -> list[Problem]:
        config = self._config
        if config.ca_file is not None and not config.ca_file.is_file():
            return [
                Problem(
                    cause="config",
                    what="there is no such file",
                    where=f"ca_file {config.ca_file}",
                    remedy="Name a file of certificates, or leave `ca_file` out to trust those the machine trusts",
                )
            ]
        password = self._password()
        problem = (
            probe.socket_problem_of(Path(config.host) / f".s.PGSQL.{config.port}", config.connect_timeout)
            if config.is_local
            else self._network()
        )
        if problem:
            return [problem]
        try:
            dbapi.connect(address(config, password)).close()
        except DriverError as error:
            return [problem_of(error, config, password)]
        return []

    def _network(self) -> Problem | None:
        config = self._config
        if problem := probe.problem_of(config.host, config.port, config.connect_timeout):
            return problem
        said = probe.answer(config.host, config.port, config.connect_timeout, _SSL_REQUEST, 1)
        if isinstance(said, Problem):
            return said
        if said == b"N" and config.sslmode != "disable":
            return Problem(
                cause="tls",
                what="the server has no TLS",
                where=config.where,
                remedy="Switch it on there (ssl = on), or set sslmode to disable where the network is trusted",
            )
        if said not in {b"N", b"S"}:
            return Problem(
                cause="protocol",
                what="what answers is no PostgreSQL server",
                where=config.where,
                remedy="Check the port",
            )
        return None

    def missing(self, session: Session, table: str) -> Problem:
        found = session.rows(catalog.exists(table))
        if not found:
            return Problem(
                cause="not_found",
                what=f"there is no table or view {table!r}",
                where=self._config.where,
                valid="schema.table, as `discover` tells it",
            )
        schema, name, may_use = found[0]
        source = f"{self.dialect.quoted(str(schema))}.{self.dialect.quoted(str(name))}"
        lacking = f"SELECT on {source}" if may_use == "true" else f"USAGE on schema {self.dialect.quoted(str(schema))}"
        user = self.dialect.quoted(self._config.user)
        return Problem(
            cause="missing_right",
            what=f"the login {self._config.user!r} has no right {lacking}",
            where=f"{self._config.where} {table}",
            remedy=f"GRANT {lacking} TO {user}",
        )

    def mistakes(self, session: Session, table: SqlTable, selection: Selection) -> list[Problem]:
        closed = {str(row[0]) for row in session.rows(catalog.unreadable(table.name))}
        refused = [
            name for name in dict.fromkeys([*selection.columns, *selection.key, selection.cursor]) if name in closed
        ]
        if not refused:
            return super().mistakes(session, table, selection)
        listed = ", ".join(self.dialect.quoted(str(name)) for name in refused)
        right = f"SELECT ({listed}) on {table.source}"
        return [
            Problem(
                cause="missing_right",
                what=f"the login {self._config.user!r} has no right {right}",
                where=f"{self._config.where} {table.name}",
                remedy=f"GRANT {right} TO {self.dialect.quoted(self._config.user)}",
            )
        ]

    def _password(self) -> str:
        return "" if self._config.password_ref is None else self._resolve(self._config.password_ref)
