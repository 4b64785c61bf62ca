"""SQL Server as a source."""

from __future__ import annotations

from contextlib import AbstractContextManager

from headwater.connectors.protocol import Problem
from headwater.connectors.sql import Session, SqlTable, probe
from headwater.connectors.sql.server import ServerSource
from headwater.connectors.sqlserver import catalog
from headwater.connectors.sqlserver.config import SqlServerConfig
from headwater.connectors.sqlserver.dialect import SqlServerDialect
from headwater.connectors.sqlserver.session import SqlServerSession, address, driver, problem_of, session


class SqlServerConnector(ServerSource[SqlServerConfig]):
    """Tables and views of one database."""

    dialect = SqlServerDialect()

    def session(self) -> AbstractContextManager[SqlServerSession]:
        return session(self._config, self._password(), self.reach)

    def tables(self, session: Session, name: str | None = None) -> list[SqlTable]:
        return catalog.tables(self.dialect, session.rows(catalog.columns(name)), session.rows(catalog.unique(name)))

    def network(self) -> Problem | None:
        return probe.problem_of(self._config.host, self._config.port, self._config.connect_timeout)

    def login(self, password: str) -> Problem | None:
        library = driver()
        try:
            library.connect(address(self._config, password), timeout=self._config.connect_timeout).close()
        except library.Error as error:
            return problem_of(error, self._config, password)
        return None

    def nothing(self, session: Session) -> Problem:
        if session.rows(catalog.IS_WIDE):
            return self.without_tables()
        database, user = self.dialect.quoted(self._config.database), self.dialect.quoted(self._config.user)
        return Problem(
            cause="missing_right",
            what=f"the login {self._config.user!r} has no right SELECT on any table of {database}, or there is none:"
            " the server does not tell such a login",
            where=self._config.where,
            remedy=f"GRANT SELECT TO {user}, in {database}; or ON a schema or a table of it",
        )

    def missing(self, session: Session, table: str) -> Problem:
        found = session.rows(catalog.exists(table))
        if not found:
            return Problem(
                cause="not_found",
                what=f"there is no table or view {table!r}, or the login has no right on it at all",
                where=self._config.where,
                valid=", ".join(each.name for each in self.tables(session)) or "the login may read no table",
            )
        right = f"SELECT on {'.'.join(self.dialect.quoted(str(part)) for part in found[0])}"
        return Problem(
            cause="missing_right",
            what=f"the login {self._config.user!r} has no right {right}",
            where=self._config.where,
            remedy=f"GRANT {right} TO {self.dialect.quoted(self._config.user)}",
        )
