"""MySQL and MariaDB as a source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from headwater.connectors.mysql import catalog
from headwater.connectors.mysql.config import MysqlConfig
from headwater.connectors.mysql.dialect import MysqlDialect
from headwater.connectors.mysql.refusals import problem_of
from headwater.connectors.mysql.session import FAILURES, MysqlSession, connect, session
from headwater.connectors.protocol import ForeignKey, Problem, Selection
from headwater.connectors.sql import Session, SqlTable, probe
from headwater.connectors.sql.server import ServerSource, authority_problem
from headwater.connectors.sql.statements import Statement
from headwater.connectors.sql.tables import foreign_keys
from headwater.errors import Misuse

_TLS_OFFERED = 0x0800  # CLIENT_SSL, of the lower two bytes of the server's capabilities


class MysqlConnector(ServerSource[MysqlConfig]):
    """Tables and views of one database."""

    dialect = MysqlDialect()

    def session(self) -> AbstractContextManager[MysqlSession]:
        return session(self._config, self._password(), self.reach)

    def tables(self, session: Session, name: str | None = None) -> list[SqlTable]:
        asked = [catalog.columns(name), catalog.unique(name), catalog.partial(name)]
        if session.rows(catalog.TELLS_CHECKS):
            asked.append(catalog.valid_json(name))
        return catalog.tables(self.dialect, *(session.rows(statement) for statement in asked))

    def is_at_once(self, session: Session, table: SqlTable, locator: Mapping[str, Any]) -> bool:
        # The others that keep rows on disk, MyISAM and Aria, know no transactions: a statement has a moment of its own.
        # Of a view it is not known which tables it reads.
        del locator
        return session.rows(catalog.engine(table.name)) == [("InnoDB",)]

    def references(self, session: Session) -> Mapping[str, Sequence[ForeignKey]]:
        return foreign_keys(session.rows(catalog.FOREIGN_KEYS))

    def network(self) -> Problem | None:
        """Whether a server of this kind answers. It speaks first: length, number, version 10, name, …, capabilities."""
        config = self._config
        if problem := authority_problem(config.ca_file):
            return problem
        if config.is_local:
            return probe.socket_problem_of(Path(config.host), config.connect_timeout)
        if problem := probe.problem_of(config.host, config.port, config.connect_timeout):
            return problem
        said = probe.answer(config.host, config.port, config.connect_timeout, b"", 512)
        if isinstance(said, Problem):
            return said
        if said[4:5] == b"\xff":  # it refuses before any login: too many connections, host blocked
            return Problem(
                cause="refused",
                what=f"the server takes no connection: {said[7:].decode('utf-8', 'replace')}",
                where=config.where,
                remedy="Ask whoever runs the server",
            )
        if said[4:5] != b"\x0a":
            return Problem(
                cause="protocol",
                what="what answers is no MySQL or MariaDB server",
                where=config.where,
                remedy="Check the port",
            )
        after = said.find(b"\0", 5) + 1 + 4 + 8 + 1
        offered = int.from_bytes(said[after : after + 2], "little")
        if not offered & _TLS_OFFERED and config.tls != "disable":
            return Problem(
                cause="tls",
                what="the server has no TLS",
                where=config.where,
                remedy="Switch it on there (ssl_cert, ssl_key), or set tls to disable where the network is trusted",
            )
        return None

    def login(self, password: str) -> Problem | None:
        try:
            connect(self._config, password).close()
        except FAILURES as error:
            return problem_of(error, self._config, password)
        return None

    def nothing(self, session: Session) -> Problem:
        right = f"SELECT on {self.dialect.quoted(self._config.database)}.*"
        if session.rows(catalog.SOME):
            return self._lacking(right)
        if not session.rows(catalog.IS_WIDE):
            return self._lacking(f"{right}, or there is no table: the server does not tell such a login")
        return self.without_tables()

    def missing(self, session: Session, table: str) -> Problem:
        right = f"SELECT on {self.dialect.quoted(self._config.database)}.{self.dialect.quoted(table)}"
        if session.rows(catalog.exists(table)):
            return self._lacking(right)
        # Of a table on which a login has no right at all the server does not tell whether there is one, unless the
        # login has a right in the whole database.
        if not session.rows(catalog.IS_WIDE):
            return self._lacking(f"{right}, or there is no such table: the server does not tell such a login")
        return Problem(
            cause="not_found",
            what=f"there is no table or view {table!r}",
            where=self._config.where,
            valid=", ".join(found.name for found in self.tables(session)) or "the login may read no table",
        )

    def mistakes(self, session: Session, table: SqlTable, selection: Selection) -> list[Problem]:
        names = {field.name for field in table.fields}
        asked = [*selection.columns, *selection.key, *([selection.cursor] if selection.cursor else [])]
        for name in (name for name in dict.fromkeys(asked) if name not in names):
            try:
                session.rows(Statement(f"SELECT {self.dialect.quoted(name)} FROM {table.source} LIMIT 0"))
            except Misuse as error:
                if "right" in error.what:
                    return [self._lacking(f"SELECT ({self.dialect.quoted(name)}) on {table.source}")]
        return super().mistakes(session, table, selection)

    def _lacking(self, right: str) -> Problem:
        right = right.replace("%%", "%")
        return Problem(
            cause="missing_right",
            what=f"the login {self._config.user!r} has no right {right}",
            where=self._config.where,
            remedy=f"GRANT {right} TO the login",
        )
