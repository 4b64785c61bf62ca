"""Databricks by its Statement Execution API, on what stands in for it: the suite, and what is its own."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from headwater.connectors.databricks import DatabricksConfig, DatabricksConnector
from headwater.connectors.protocol import Cause, Config, Selection
from headwater.errors import HeadwaterError, InputRefused, Misuse, RetryLater
from headwater.testing import ConnectorConformance
from tests.warehouses.stand_in_databricks import Fault
from tests.warehouses.stand_in_statements import KEY_OF_STORAGE, WAREHOUSE, Statements, statements
from tests.warehouses.test_databricks import DatabricksCase


class StatementsCase(DatabricksCase):
    standing: ClassVar[Statements]

    def config(self) -> DatabricksConfig:
        return (
            super().config().model_copy(update={"fetch": "statements", "http_path": f"/sql/1.0/warehouses/{WAREHOUSE}"})
        )

    def wrong(self, cause: Cause) -> Config:
        if cause == "not_found":
            return self.config().model_copy(update={"catalog": "none"})
        return super().wrong(cause)

    def held(self) -> int:
        return self.standing.running


@pytest.fixture(scope="module", autouse=True)
def _standing() -> Iterator[None]:
    with statements() as StatementsCase.standing, socket.create_server(("127.0.0.1", 0)) as StatementsCase.silent:
        yield


class TestStatements(ConnectorConformance):
    case_type = StatementsCase


@pytest.fixture
def standing() -> Statements:
    """The server, as if nothing had happened."""
    found = StatementsCase.standing
    found.faults.clear()
    for kept in (found.statements, found.bodies, found.cancelled, found.asked):
        kept.clear()
    return found


@pytest.fixture
def many(standing: Statements) -> Selection:
    standing.run("CREATE OR REPLACE TABLE many AS SELECT range AS id, 'x' AS value FROM range(9000)")
    return Selection(table="s1.many", key=("id",), chunk_rows=10_000)


@pytest.fixture
def connector(standing: Statements) -> Iterator[DatabricksConnector]:
    del standing
    case = StatementsCase()
    made = DatabricksConnector(case.config(), case.resolve)
    yield made
    made.close()


def rows(connector: DatabricksConnector, selection: Selection) -> list[int]:
    """The ids of all that a selection means, as they come."""
    found: list[Any] = []
    for chunk in connector.plan(selection).chunks:
        with connector.read(selection, chunk) as batches:
            found += [number for batch in batches for number in batch.column("id").to_pylist()]
    return found


def test_a_result_in_parts_comes_whole_and_in_order(connector: DatabricksConnector, many: Selection) -> None:
    standing = StatementsCase.standing
    assert rows(connector, many) == list(range(9000))
    assert standing.asked.count("GET /chunks") == 4, "9000 rows lie in parts of 2000; the first link came unasked"
    assert all(body["disposition"] == "EXTERNAL_LINKS" for body in standing.bodies)
    assert standing.cancelled == []


def test_values_travel_beside_the_statement(connector: DatabricksConnector, standing: Statements) -> None:
    standing.run("CREATE OR REPLACE TABLE sites AS SELECT 'o''x; --' || range AS id FROM range(5000)")
    selection = Selection(table="s1.sites", key=("id",), chunk_rows=1000)
    found = rows(connector, selection)
    assert (len(found), len(set(found))) == (5000, 5000)
    given = [value["value"] for body in standing.bodies for value in body.get("parameters", ())]
    assert any(value.startswith("o'x; --") for value in given)
    assert not any("o'x; --" in text for text in standing.statements)


def test_a_statement_that_takes_its_time_is_waited_for(connector: DatabricksConnector, many: Selection) -> None:
    plan = connector.plan(many)
    StatementsCase.standing.states = ["PENDING", "RUNNING", "RUNNING", "SUCCEEDED"]
    with connector.read(many, plan.chunks[0]) as batches:
        assert sum(batch.num_rows for batch in batches) == 9000
    assert StatementsCase.standing.asked.count("GET /statements") == 3


def test_a_link_that_has_expired_is_asked_for_anew(connector: DatabricksConnector, many: Selection) -> None:
    plan = connector.plan(many)
    StatementsCase.standing.expired = 1
    with connector.read(many, plan.chunks[0]) as batches:
        assert [number for batch in batches for number in batch.column("id").to_pylist()] == list(range(9000))


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ("POST /statements", 429),
        ("POST /statements", 503),
        ("GET /statements", 429),
        ("GET /statements", 404),
        ("GET /chunks", 500),
        ("GET /chunks", 404),
        ("GET /storage", 503),
    ],
)
def test_what_fails_on_the_way_is_for_later_and_then_reads_each_row_once(
    connector: DatabricksConnector, many: Selection, asked: str, status: int
) -> None:
    standing, plan = StatementsCase.standing, connector.plan(many)
    standing.states = ["PENDING", "SUCCEEDED"]
    standing.faults[asked] = [Fault(status, {"Retry-After": "600"})]
    with pytest.raises(RetryLater), connector.read(many, plan.chunks[0]) as batches:
        list(batches)
    standing.states = []
    assert rows(connector, many) == list(range(9000))
    assert standing.running == 0, "what nobody waits for is cancelled"


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"states": ["PENDING", "CANCELED"]}, RetryLater, "CANCELED"),
        ({"states": ["RUNNING", "CLOSED"]}, RetryLater, "CLOSED"),
        ({"expired": 2}, RetryLater, "refuses two links"),
        ({"cut": 7}, RetryLater, "8,993 rows came of 9,000"),
        ({"truncated": True}, InputRefused, "has cut the result"),
        ({"failure": ("TEMPORARILY_UNAVAILABLE", "come again", "")}, RetryLater, "come again"),
        ({"failure": ("BAD_REQUEST", "[CAST_INVALID_INPUT] no number", "22018")}, InputRefused, "no number"),
        ({"failure": ("BAD_REQUEST", "[PARSE_SYNTAX_ERROR] near FROM", "42601")}, Misuse, "near FROM"),
        ({"failure": ("BAD_REQUEST", "[INSUFFICIENT_PERMISSIONS] no SELECT", "42501")}, Misuse, "a right is missing"),
        ({"failure": ("NO_SUCH_CODE", "something new", "")}, Misuse, "something new"),
    ],
)
def test_a_statement_that_gives_no_whole_result_is_told_by_what_to_do_next(
    connector: DatabricksConnector, many: Selection, changes: dict[str, Any], error: type[HeadwaterError], said: str
) -> None:
    plan = connector.plan(many)
    for name, value in changes.items():
        setattr(StatementsCase.standing, name, value)
    with pytest.raises(error, match=said) as told, connector.read(many, plan.chunks[0]) as batches:
        list(batches)
    StatementsCase.standing.truncated = False
    assert StatementsCase.standing.cancelled == [], "what has ended is not cancelled"
    assert type(told.value) is error
    assert "/storage/" not in str(told.value)
    assert KEY_OF_STORAGE not in str(told.value)
    assert rows(connector, many) == list(range(9000))


def test_a_statement_that_runs_too_long_is_cancelled(many: Selection) -> None:
    case, standing = StatementsCase(), StatementsCase.standing
    connector = DatabricksConnector(case.config().model_copy(update={"statement_timeout": 1}), case.resolve)
    plan = connector.plan(many)
    standing.states = ["RUNNING"]
    with pytest.raises(RetryLater, match="its time was up"), connector.read(many, plan.chunks[0]) as batches:
        list(batches)
    assert (len(standing.cancelled), standing.running) == (1, 0)
    connector.close()


def test_a_warehouse_of_another_time_zone_is_refused_before_anything_is_read(standing: Statements) -> None:
    case = StatementsCase()
    connector = DatabricksConnector(case.config(), case.resolve)
    standing.zone = "Europe/Vienna"
    try:
        (problem,) = connector.validate()
    finally:
        standing.zone = "UTC"
    assert (problem.cause, "Europe/Vienna" in problem.what) == ("config", True)
    assert connector.validate() == []


def test_the_variables_of_the_machine_lead_nowhere_else(
    monkeypatch: pytest.MonkeyPatch, standing: Statements, many: Selection
) -> None:
    for name in ("HOST", "TOKEN", "CONFIG_PROFILE", "WORKSPACE_ID", "CLIENT_ID", "CLIENT_SECRET", "AUTH_TYPE"):
        monkeypatch.setitem(os.environ, f"DATABRICKS_{name}", "https://elsewhere.invalid")
    case = StatementsCase()
    connector = DatabricksConnector(case.config(), case.resolve)
    assert rows(connector, many) == list(range(9000))
    connector.close()
    standing.is_told = False
    assert DatabricksConnector(case.config(), case.resolve).validate() == []
    standing.is_told = True


def test_links_lead_only_to_addresses_that_were_looked_at(connector: DatabricksConnector, many: Selection) -> None:
    def inside(host: str) -> list[str]:
        raise Misuse("this leads into a network behind the server", where="url", value=host)

    connector.client.reach_only(inside)
    with pytest.raises(Misuse, match="behind the server"):
        connector.plan(many)
    connector.client.reach_only(lambda _: ["127.0.0.1"])
    assert rows(connector, many) == list(range(9000))


@pytest.mark.parametrize(
    "changes", [{"http_path": "/sql/protocolv1/o/0/1234"}, {"cloud_fetch": False}], ids=["cluster", "inline"]
)
def test_what_statements_cannot_do_is_refused_in_the_config(changes: dict[str, Any]) -> None:
    given = StatementsCase().config().model_dump()
    with pytest.raises(ValueError, match="statement"):
        DatabricksConfig(**{**given, **changes})
