"""Databricks' connector on what stands in for it: the suite for connectors, and what is its own."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any, ClassVar

import pytest

from headwater.connectors.databricks import DatabricksConfig, DatabricksConnector, kind
from headwater.connectors.protocol import Cause, Config, Kind, Selection
from headwater.errors import InputRefused, RetryLater
from headwater.testing import ConnectorConformance, Row
from tests.connectors.duckdb_case import DuckdbRowsCase
from tests.warehouses.stand_in_databricks import HTTP_PATH, TOKEN, Fault, StandIn, stand_in


class DatabricksCase(DuckdbRowsCase):
    kind: ClassVar[Kind] = kind
    table: ClassVar[str] = "s1.conformance"
    standing: ClassVar[StandIn]
    silent: ClassVar[socket.socket]
    lacks: ClassVar[dict[str, str]] = {
        "memory": "the engine of what stands in works in this process, and takes more than what is read",
        "time": "there is no such type",
        "enum": "there are no enumerations",
        "uuid": "there is no such type",
        "json: long number": "what stands in keeps numbers of JSON as floating point",
    }

    def config(self) -> DatabricksConfig:
        return DatabricksConfig(
            host="127.0.0.1",
            port=self.standing.port,
            http_path=HTTP_PATH,
            tls="disable",
            token_ref="env:TOKEN",
            catalog="main",
            schemas=("s1",),
            connect_timeout=1,
        )

    def resolve(self, reference: str) -> str:
        assert reference == "env:TOKEN"
        return TOKEN

    def wrong(self, cause: Cause) -> Config:
        if cause == "missing_right":
            self.standing.closed("conformance")
            return self.config()
        if cause == "timeout":
            return self.config().model_copy(update={"port": self.silent.getsockname()[1]})
        return self.config().model_copy(update={"tls": "verify-full"}) if cause == "tls" else super().wrong(cause)

    def make(self, rows: Sequence[Row]) -> None:
        self.standing.closed()
        super().make(rows)

    def run(self, statement: str, values: Sequence[Any] = ()) -> None:
        self.standing.run(statement, list(values))

    def held(self) -> int:
        return len(self.standing.operations)


@pytest.fixture(scope="module", autouse=True)
def _standing() -> Iterator[None]:
    with stand_in() as DatabricksCase.standing, socket.create_server(("127.0.0.1", 0)) as DatabricksCase.silent:
        yield


class TestDatabricks(ConnectorConformance):
    case_type = DatabricksCase


def test_a_login_that_may_read_nothing_is_told_so() -> None:
    case = DatabricksCase()
    elsewhere = case.config().model_copy(update={"schemas": ("none",)})
    with closing(DatabricksConnector(elsewhere, case.resolve)) as connector:
        (problem,) = connector.validate()
    assert (problem.cause, problem.what) == (
        "missing_right",
        "the login may read no table or view in `main`.`none`, or there is none: Databricks does not tell which",
    )


@pytest.fixture
def many() -> Selection:
    DatabricksCase.standing.run("CREATE OR REPLACE TABLE many AS SELECT range AS id, 'x' AS value FROM range(9000)")
    return Selection(table="s1.many", key=("id",), chunk_rows=10_000)


@pytest.mark.parametrize(("method", "status"), [("ExecuteStatement", 503), ("FetchResults", 500)])
def test_what_fails_at_the_server_is_for_later(many: Selection, method: str, status: int) -> None:
    case, standing = DatabricksCase(), DatabricksCase.standing
    connector = DatabricksConnector(case.config(), case.resolve)
    chunk = connector.plan(many).chunks[0]
    standing.faults[method] = [Fault(status, {"Retry-After": "1"}) for _ in range(9)]
    with pytest.raises(RetryLater, match="gave up"), connector.read(many, chunk) as batches:
        list(batches)
    standing.faults.clear()
    with connector.read(many, chunk) as batches:
        assert sum(batch.num_rows for batch in batches) == 9000
    connector.close()
    assert (standing.operations, standing.sessions) == ({}, 0)


def test_a_catalog_and_a_warehouse_that_are_not_there_are_told() -> None:
    case = DatabricksCase()
    for changes in ({"catalog": "none"}, {"http_path": "/sql/1.0/warehouses/none"}):
        connector = DatabricksConnector(case.config().model_copy(update=changes), case.resolve)
        assert [problem.cause for problem in connector.validate()] == ["not_found"], changes


def test_a_column_whose_type_changes_after_the_plan_is_refused_by_name() -> None:
    case = DatabricksCase()
    DatabricksCase.standing.run("CREATE OR REPLACE TABLE moved AS SELECT range AS id, range AS value FROM range(9)")
    connector, selection = DatabricksConnector(case.config(), case.resolve), Selection(table="s1.moved", key=("id",))
    chunk = connector.plan(selection).chunks[0]
    DatabricksCase.standing.run("CREATE OR REPLACE TABLE moved AS SELECT range AS id, 'x' AS value FROM range(9)")
    with (
        pytest.raises(InputRefused, match="not of the type that its catalogue says") as refused,
        connector.read(selection, chunk) as batches,
    ):
        list(batches)
    assert str(refused.value.value).lower().startswith("value (")
    connector.close()
