"""Snowflake's connector on fakesnow, which stands in for it: the suite for connectors, and what is its own."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any, ClassVar

import pytest
from starlette.responses import JSONResponse

from headwater.connectors.protocol import Cause, Config, Kind, Selection
from headwater.connectors.snowflake import SnowflakeConfig, SnowflakeConnector, kind
from headwater.errors import InputRefused, Misuse, RetryLater
from headwater.testing import ConnectorConformance, Row
from tests.connectors.duckdb_case import TYPES, DuckdbRowsCase
from tests.warehouses.stand_in_snowflake import PASSWORD, USER, StandIn, stand_in


class SnowflakeCase(DuckdbRowsCase):
    kind: ClassVar[Kind] = kind
    table: ClassVar[str] = "S1.CONFORMANCE"
    columns: ClassVar[tuple[str, str, str]] = ("ID", "AT", "VALUE")
    types: ClassVar[dict[str, str]] = {**TYPES, "array": "JSON"}
    standing: ClassVar[StandIn]
    silent: ClassVar[socket.socket]
    lacks: ClassVar[dict[str, str]] = {
        "missing_right": "Snowflake does not tell a table that a role may not read from one that is not there",
        "memory": "what stands in sends a result as one answer; Snowflake sends it in parts",
        "held": "a result is complete before its first row is given: nothing runs on",
        "enum": "there are no enumerations",
        "uuid": "what stands in has no such type",
        "json: long number": "what stands in keeps numbers of JSON as floating point",
    }

    def config(self) -> SnowflakeConfig:
        return SnowflakeConfig(
            account="fakesnow",
            host="127.0.0.1",
            port=self.standing.port,
            tls="disable",
            user=USER,
            password_ref="env:P",
            database="DB1",
            schemas=("s1",),
            connect_timeout=1,
        )

    def resolve(self, reference: str) -> str:
        assert reference == "env:P"
        return PASSWORD

    def wrong(self, cause: Cause) -> Config:
        if cause == "timeout":
            return self.config().model_copy(update={"port": self.silent.getsockname()[1]})
        return self.config().model_copy(update={"tls": "verify-full"}) if cause == "tls" else super().wrong(cause)

    def make_values(self, sort: str, values: Sequence[Any]) -> Selection:
        # An array is kept as JSON there.
        return super().make_values(sort, [json.dumps(each) if isinstance(each, list) else each for each in values])

    def run(self, statement: str, values: Sequence[Any] = ()) -> None:
        self.standing.run(statement, list(values))


@pytest.fixture(scope="module", autouse=True)
def _standing() -> Iterator[None]:
    with stand_in() as SnowflakeCase.standing, socket.create_server(("127.0.0.1", 0)) as SnowflakeCase.silent:
        yield


class TestSnowflake(ConnectorConformance):
    case_type = SnowflakeCase


def test_a_role_that_may_read_nothing_is_told_so() -> None:
    case = SnowflakeCase()
    case.make([Row(id=1, at=None, value="one")])
    with closing(SnowflakeConnector(case.config(), case.resolve)) as connector:
        assert connector.validate() == []
    elsewhere = case.config().model_copy(update={"schemas": ("none",)})
    with closing(SnowflakeConnector(elsewhere, case.resolve)) as connector:
        (problem,) = connector.validate()
    assert (problem.cause, problem.what) == (
        "missing_right",
        "the role may read no table or view in DB1.none, or there is none: Snowflake does not tell which",
    )


def test_a_statement_that_is_broken_off_is_for_later() -> None:
    case = SnowflakeCase()
    case.make([Row(id=1, at=None, value="one")])
    connector = SnowflakeConnector(case.config(), case.resolve)
    assert connector.sample(case.table).num_rows == 1
    said = {"code": "000604", "message": "SQL execution canceled", "success": False, "data": {"sqlState": "57014"}}
    case.standing.faults.append(JSONResponse(said))
    with pytest.raises(RetryLater, match="broke the statement off"):
        connector.sample(case.table)
    assert connector.sample(case.table).num_rows == 1
    connector.close()


def test_chunks_can_be_of_the_moment_of_the_plan() -> None:
    case = SnowflakeCase()
    case.make([Row(id=1, at=None, value="one")])
    connector = SnowflakeConnector(case.config().model_copy(update={"time_travel": True}), case.resolve)
    with pytest.raises(Misuse, match="does not support time travel"):  # what stands in understands it, and has none
        connector.plan(Selection(table=case.table, key=("ID",)))
    asked = case.standing.asked[-1]
    assert ' FROM "S1"."CONFORMANCE" AT(TIMESTAMP => CAST(\'2' in asked
    assert "Z' AS TIMESTAMP_TZ))" in asked
    connector.close()


def test_a_column_whose_type_changes_after_the_plan_is_refused_by_name() -> None:
    case = SnowflakeCase()
    case.standing.run("CREATE OR REPLACE TABLE S1.MOVED AS SELECT range AS ID, range AS VALUE FROM range(9)", [])
    connector, selection = SnowflakeConnector(case.config(), case.resolve), Selection(table="S1.MOVED", key=("ID",))
    chunk = connector.plan(selection).chunks[0]
    case.standing.run("CREATE OR REPLACE TABLE S1.MOVED AS SELECT range AS ID, 'x' AS VALUE FROM range(9)", [])
    with (
        pytest.raises(InputRefused, match="not of the type that its catalogue says") as refused,
        connector.read(selection, chunk) as batches,
    ):
        list(batches)
    assert str(refused.value.value).lower().startswith("value (")
    connector.close()
