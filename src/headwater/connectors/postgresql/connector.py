"""PostgreSQL as a source."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from adbc_driver_manager import Error as DriverError
from adbc_driver_postgresql import dbapi

from headwater.connectors.postgresql import catalog
from headwater.connectors.postgresql.config import PostgresConfig
from headwater.connectors.postgresql.dialect import PostgresDialect
from headwater.connectors.postgresql.refusals import problem_of
from headwater.connectors.postgresql.session import PostgresSession, address, session
from headwater.connectors.protocol import ForeignKey, Problem, Selection
from headwater.connectors.sql import Session, SqlTable, probe
from headwater.connectors.sql.server import ServerSource, authority_problem
from headwater.connectors.sql.tables import foreign_keys
from headwater.documents.near import did_you_mean

_FEW = 4
"""Rights that are told by name."""
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)


class PostgresConnector(ServerSource[PostgresConfig]):
    """Tables, views, materialised views, partitioned and foreign tables of one database."""

    dialect = PostgresDialect()

    def session(self) -> AbstractContextManager[PostgresSession]:
        return session(self._config, self._password(), self.reach)

    def tables(self, session: Session, name: str | None = None) -> list[SqlTable]:
        asked = catalog.of_schemas(self._config.schemas) if name is None else catalog.named(name)
        return catalog.tables(self.dialect, session.rows(asked))

    def references(self, session: Session) -> Mapping[str, Sequence[ForeignKey]]:
        return foreign_keys(session.rows(catalog.FOREIGN_KEYS))

    def network(self) -> Problem | None:
        config = self._config
        if problem := authority_problem(config.ca_file):
            return problem
        if config.is_local:
            return probe.socket_problem_of(Path(config.host) / f".s.PGSQL.{config.port}", config.connect_timeout)
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

    def login(self, password: str) -> Problem | None:
        try:
            dbapi.connect(address(self._config, password)).close()
        except DriverError as error:
            return problem_of(error, self._config, password)
        return None

    def nothing(self, session: Session) -> Problem:
        rights = []
        for schema, may_use, may_select in session.rows(catalog.closed(self._config.schemas)):
            quoted = self.dialect.quoted(str(schema))
            rights += [f"USAGE on schema {quoted}"] if may_use != "true" else []
            rights += [f"SELECT on all tables in schema {quoted}"] if may_select != "true" else []
        if rights:
            user = self.dialect.quoted(self._config.user)
            return Problem(
                cause="missing_right",
                what=f"the login {self._config.user!r} may read no table: it has no right {_listed(rights, ', ')}",
                where=self._config.where,
                remedy=_listed([f"GRANT {right} TO {user}" for right in rights], "; "),
            )
        if not self._config.schemas:
            return self.without_tables()
        return Problem(
            cause="not_found",
            what=f"there is no table or view in {', '.join(map(self.dialect.quoted, self._config.schemas))}",
            where=self._config.where,
            remedy="Check `schemas` and `database`: names of schemas are as the catalogue writes them",
        )

    def missing(self, session: Session, table: str) -> Problem:
        found = session.rows(catalog.exists(table))
        if not found:
            return Problem(
                cause="not_found",
                what=f"there is no table or view {table!r}",
                where=self._config.where,
                valid="schema.table, as `discover` tells it",
                remedy=self._likest(session, table),
            )
        schema, name, may_use, has_columns = found[0]
        if has_columns != "true":
            return Problem(
                cause="not_found",
                what=f"{table!r} has no columns",
                where=self._config.where,
                valid="a table with columns",
            )
        source = f"{self.dialect.quoted(str(schema))}.{self.dialect.quoted(str(name))}"
        lacking = f"SELECT on {source}" if may_use == "true" else f"USAGE on schema {self.dialect.quoted(str(schema))}"
        user = self.dialect.quoted(self._config.user)
        return Problem(
            cause="missing_right",
            what=f"the login {self._config.user!r} has no right {lacking}",
            where=f"{self._config.where} {table}",
            remedy=f"GRANT {lacking} TO {user}",
        )

    def _likest(self, session: Session, table: str) -> str | None:
        """A table is asked for without its schema, or almost by its name: that of another is suggested."""
        names = [found.name for found in self.tables(session)]
        bare = [name for name in names if name.partition(".")[2] == table]
        return f"Did you mean {' or '.join(bare)}?" if bare else did_you_mean(table, names)

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


def _listed(parts: Sequence[str], sign: str) -> str:
    """The first of them, and how many more there are."""
    more = len(parts) - _FEW
    return sign.join(parts[:_FEW]) + (f"{sign}and {more:,} more" if more > 0 else "")
