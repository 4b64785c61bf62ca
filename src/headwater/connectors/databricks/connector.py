"""Databricks as a source."""

from __future__ import annotations

from headwater.connectors.databricks import catalog
from headwater.connectors.databricks.config import DatabricksConfig
from headwater.connectors.databricks.dialect import DatabricksDialect
from headwater.connectors.databricks.links import Links
from headwater.connectors.databricks.refusals import error_of, problem_of
from headwater.connectors.databricks.session import ArrowSession, DatabricksSession, connect, failures
from headwater.connectors.databricks.statements import FAILURES, without_session
from headwater.connectors.protocol import Problem, Resolve
from headwater.connectors.sql import Session, SqlTable, probe
from headwater.connectors.sql.source import raised
from headwater.connectors.sql.statements import Statement
from headwater.connectors.sql.warehouse import Warehouse
from headwater.errors import HeadwaterError, Misuse


class DatabricksConnector(Warehouse):
    """Tables and views of one catalog."""

    dialect = DatabricksDialect()

    def __init__(self, config: DatabricksConfig, resolve: Resolve) -> None:
        super().__init__()
        self._config = config
        self._resolve = resolve
        self.client = Links(config)

    def opened(self) -> ArrowSession:
        if problem := self._network():
            raise raised(problem)
        token = self._resolve(self._config.token_ref)
        try:
            return self._connected(token)
        except self._failures() as error:
            raise raised(problem_of(error, self._config, token)) from None

    def close(self) -> None:
        super().close()
        self.client.close()

    def tables(self, session: Session, name: str | None = None) -> list[SqlTable]:
        asked = name, [schema.lower() for schema in self._config.schemas]
        return catalog.tables(self.dialect, session.rows(catalog.columns(*asked)), session.rows(catalog.keys(*asked)))

    def reach(self) -> list[Problem]:
        if problem := self._network():
            return [problem]
        token = self._resolve(self._config.token_ref)
        try:
            self._connected(token).close()
        except self._failures() as error:
            return [problem_of(error, self._config, token)]
        return []

    def nothing(self, session: Session) -> Problem:
        del session
        catalog_name = self.dialect.quoted(self._config.catalog)
        within = [f"{catalog_name}.{self.dialect.quoted(schema)}" for schema in self._config.schemas]
        return Problem(
            cause="missing_right",
            what=f"the login may read no table or view in {', '.join(within) or catalog_name}, or there is none:"
            " Databricks does not tell which",
            where=self._config.where,
            remedy=f"GRANT USE CATALOG, USE SCHEMA, SELECT ON CATALOG {catalog_name} TO the login; or check `catalog`"
            " and `schemas`",
        )

    def missing(self, session: Session, table: str) -> Problem:
        schema, _, name = table.partition(".")
        source = f"{self.dialect.quoted(schema)}.{self.dialect.quoted(name)}"
        try:
            session.rows(Statement(f"SELECT 1 FROM {source} LIMIT 0"))
        except Misuse as error:
            if error.what.startswith("a right"):
                return Problem(
                    cause="missing_right",
                    what=f"the login has no right SELECT on {source}",
                    where=self._config.where,
                    remedy=f"GRANT SELECT ON TABLE {source} TO the login, with USE CATALOG and USE SCHEMA",
                )
        return Problem(
            cause="not_found",
            what=f"there is no table or view {table!r}",
            where=self._config.where,
            valid=", ".join(found.name for found in self.tables(session)) or "the login may read no table",
        )

    def _connected(self, token: str) -> ArrowSession:
        """A session. Raises what `_failures` names."""

        def said(error: Exception) -> HeadwaterError:
            return error_of(error, self._config, token)

        if self._config.fetch == "statements":
            return without_session(self._config, token, self.client, said)
        return DatabricksSession(connect(self._config, token), said)

    def _failures(self) -> tuple[type[Exception], ...]:
        return FAILURES if self._config.fetch == "statements" else failures()

    def _network(self) -> Problem | None:
        config = self._config
        return probe.https_problem_of(config.host, config.port, config.connect_timeout, tls=config.tls != "disable")
