"""Snowflake as a source."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from headwater.connectors.protocol import Problem, Resolve, Selection, SourcePlan
from headwater.connectors.snowflake import catalog
from headwater.connectors.snowflake.config import SnowflakeConfig
from headwater.connectors.snowflake.dialect import SnowflakeDialect, as_text
from headwater.connectors.snowflake.refusals import error_of, problem_of
from headwater.connectors.snowflake.session import SnowflakeSession, connect, driver, trusted
from headwater.connectors.sql import Session, SqlTable, probe
from headwater.connectors.sql.planning import plan
from headwater.connectors.sql.source import raised
from headwater.connectors.sql.statements import Statement
from headwater.connectors.sql.warehouse import Warehouse
from headwater.errors import Misuse

_REFERENCES = ("private_key_ref", "private_key_passphrase_ref", "token_ref", "password_ref")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")


class SnowflakeConnector(Warehouse):
    """Tables and views of one database."""

    dialect = SnowflakeDialect()

    def __init__(self, config: SnowflakeConfig, resolve: Resolve) -> None:
        super().__init__()
        self._config = config
        self._resolve = resolve

    def opened(self) -> SnowflakeSession:
        secrets = self._secrets()
        if problem := self._network():
            raise raised(problem)
        shown = tuple(secrets.values())
        failure = driver().Error
        try:
            connection = connect(self._config, secrets)
        except (failure, OSError) as error:
            raise raised(problem_of(error, self._config, shown)) from None
        return SnowflakeSession(connection, failure, lambda error: error_of(error, self._config, shown))

    def tables(self, session: Session, name: str | None = None) -> list[SqlTable]:
        schemas = [] if name is not None else [in_capitals(schema) for schema in self._config.schemas]
        found = catalog.tables(self.dialect, session.rows(catalog.columns(name, schemas)))
        if not found:
            return []
        keys = catalog.keys(session.rows(catalog.primary_keys(found[0] if name is not None else None)))
        return [replace(table, key=_known(keys.get(table.name, ()), table)) for table in found]

    def reach(self) -> list[Problem]:
        secrets = self._secrets()
        if problem := self._network():
            return [problem]
        failure = driver().Error
        try:
            connect(self._config, secrets).close(retry=False)
        except (failure, OSError) as error:
            return [problem_of(error, self._config, tuple(secrets.values()))]
        return []

    def nothing(self, session: Session) -> Problem:
        del session
        within = [f"{self._config.database}.{schema}" for schema in self._config.schemas]
        there = ", ".join(within) or self._config.database
        return Problem(
            cause="missing_right",
            what=f"the role may read no table or view in {there}, or there is none: Snowflake does not tell which",
            where=self._config.where,
            remedy="GRANT USAGE on the database and its schemas, and SELECT on their tables, TO the role; or check "
            "`database`, `schemas` and `role`",
        )

    def missing(self, session: Session, table: str) -> Problem:
        return Problem(
            cause="not_found",
            what=f"there is no table or view {table!r}, or the role has no right on it: Snowflake does not tell which",
            where=self._config.where,
            valid=", ".join(found.name for found in self.tables(session)) or "the role may read no table",
        )

    def plan(self, selection: Selection) -> SourcePlan:
        """As every source of SQL; with `time_travel` all chunks are of the moment of the plan."""
        if not self._config.time_travel:
            return super().plan(selection)
        with self.session() as session:
            now = as_text("zoned", "CURRENT_TIMESTAMP()")
            said = str(session.rows(Statement(f"SELECT {now}"))[0][0]).replace(" ", "T", 1)
            at = re.split(r"[ +Z]", said)[0] + "Z"
            table = at_moment(self._table(session, selection.table), {"at": at})
            made = plan(self.dialect, table, selection, session.rows)
        chunks = tuple(replace(chunk, locator={**chunk.locator, "at": at}) for chunk in made.chunks)
        return replace(made, chunks=chunks)

    def located(self, session: Session, name: str, locator: Mapping[str, Any]) -> SqlTable:
        return at_moment(super().located(session, name, locator), locator)

    def is_at_once(self, session: Session, table: SqlTable, locator: Mapping[str, Any]) -> bool:
        del session, table
        return "at" in locator

    def _network(self) -> Problem | None:
        config = self._config
        tls = config.tls != "disable"
        return probe.https_problem_of(
            config.server, config.port, config.connect_timeout, tls=tls, trusted=trusted() if tls else None
        )

    def _secrets(self) -> dict[str, str]:
        given = {name: getattr(self._config, name) for name in _REFERENCES}
        return {name: self._resolve(reference) for name, reference in given.items() if reference is not None}


def in_capitals(name: str) -> str:
    """A name of SQL as Snowflake keeps it: in capitals, unless it stands in quotes."""
    return name[1:-1].replace('""', '"') if name.startswith('"') and name.endswith('"') else name.upper()


def at_moment(table: SqlTable, locator: Mapping[str, Any]) -> SqlTable:
    """The table as it was at the moment that a locator names."""
    if "at" not in locator:
        return table
    if not _MOMENT.fullmatch(str(locator["at"])):
        raise Misuse("this is no moment", where=table.name, value=locator["at"], valid="what a plan gave")
    return replace(table, source=f"{table.source} AT(TIMESTAMP => CAST('{locator['at']}' AS TIMESTAMP_TZ))")


def _known(key: Sequence[str], table: SqlTable) -> tuple[str, ...]:
    """The key, if every column of it may be read."""
    return tuple(key) if set(key) <= {field.name for field in table.fields} else ()
