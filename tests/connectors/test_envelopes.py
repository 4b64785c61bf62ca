"""Paging, windows and faults, on servers that speak the envelopes of REST services, Oracle Fusion and Workday."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from headwater.connectors import oracle_fusion, rest, workday
from headwater.connectors.oracle_fusion.connector import FusionConnector
from headwater.connectors.protocol import Kind, Selection
from headwater.connectors.rest.connector import RestConnector
from headwater.connectors.workday.connector import WorkdayConnector
from headwater.errors import HeadwaterError, InputRefused, Misuse, RetryLater
from headwater.testing import Row
from tests.connectors.servers_envelopes import (
    PASSWORD,
    REFRESH_TOKEN,
    TOKEN_SECRET,
    USER,
    Fusion,
    Held,
    Plain,
    Service,
    Workday,
)
from tests.connectors.servers_http import Asked, Reply, http_server, json_reply

SECRETS = {"env:P": PASSWORD, "env:S": TOKEN_SECRET, "env:R": REFRESH_TOKEN}
BASIC = {"kind": "basic", "user": USER, "password_ref": "env:P"}
START = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
ITEMS = Selection(table="items", chunk_rows=10)

Connector = RestConnector | FusionConnector | WorkdayConnector


def rows(count: int, *, apart: datetime.timedelta = datetime.timedelta(hours=7)) -> list[Row]:
    return [Row(id=number, at=START + number * apart, value=f"v{number}") for number in range(1, count + 1)]


@pytest.fixture
def held() -> Iterator[Held]:
    made = Held()
    made.make(rows(37))
    yield made
    made.close()


def opened(kind: Kind, **said: Any) -> Any:
    config = kind.config(**{"requests_a_minute": 100_000, **said})
    return kind.open(config, SECRETS.__getitem__)


def declared(url: str, pages: dict[str, Any], **said: Any) -> RestConnector:
    table = {"name": "items", "path": "items", "records": "data/rows", "key": ["id"], "pages": pages, **said}
    made: RestConnector = opened(rest.kind, url=url, auth=BASIC, tables=[table])
    return made


def fusion(url: str, **said: Any) -> FusionConnector:
    resources = [{"name": "items", "key": ["id"], "cursors": ["at"]}]
    made: FusionConnector = opened(oracle_fusion.kind, url=url, auth=BASIC, resources=resources, **said)
    return made


def tenant(url: str, **said: Any) -> WorkdayConnector:
    auth = {
        "kind": "refresh_token",
        "token_url": f"{url}/ccx/oauth2/tests/token",
        "client_id": "client",
        "client_secret_ref": "env:S",
        "refresh_token_ref": "env:R",
    }
    fields = [{"name": "id", "kind": "number"}, {"name": "at", "kind": "datetime"}, {"name": "value"}]
    queries = [{"name": "items", "source": "items", "key": ["id"], "fields": fields}]
    reports = [{"name": "report", "owner": "o", "report": "items", "key": ["id"]}]
    made: WorkdayConnector = opened(
        workday.kind, url=url, tenant="tests", auth=auth, **{"queries": queries, "reports": reports, **said}
    )
    return made


def read_all(connector: Connector, selection: Selection = ITEMS) -> list[dict[str, str | None]]:
    found: list[dict[str, str | None]] = []
    try:
        for chunk in connector.plan(selection).chunks:
            with connector.read(selection, chunk) as batches:
                found += [row for batch in batches for row in batch.to_pylist()]
    finally:
        connector.close()
    return found


def numbers(found: list[dict[str, str | None]]) -> list[int]:
    return [int(row["id"] or 0) for row in found]


PAGES: list[dict[str, Any]] = [
    {"kind": "offset", "size": 5},
    {"kind": "page", "size": 5, "size_param": "limit"},
    {"kind": "token", "param": "token", "at": "next", "size": 5, "size_param": "limit"},
    {"kind": "link_header", "size": 5, "size_param": "limit"},
    {"kind": "next_url", "at": "url", "size": 5, "size_param": "limit"},
]


@pytest.mark.parametrize("pages", PAGES, ids=lambda pages: str(pages["kind"]))
@pytest.mark.parametrize("count", [0, 1, 5, 37])
@pytest.mark.parametrize("total", ["total", None])
def test_paging_reads_each_row_once(held: Held, pages: dict[str, Any], count: int, total: str | None) -> None:
    held.make(rows(count))
    with http_server(Plain(held)) as server:
        found = read_all(declared(server.url, pages, total=total))
    assert numbers(found) == list(range(1, count + 1))


def test_an_offset_goes_on_from_what_came_however_little(held: Held) -> None:
    service = Plain(held, longest=3)
    with http_server(service) as server:
        assert numbers(read_all(declared(server.url, {"kind": "offset", "size": 100}))) == list(range(1, 38))


def test_pages_that_change_their_length_are_to_be_read_again(held: Held) -> None:
    def answer(asked: Asked) -> Reply:
        service.longest = 5 if asked.params["page"] == "1" else 4
        return service(asked)

    service = Plain(held)
    with http_server(answer) as server, pytest.raises(RetryLater, match="length"):
        read_all(declared(server.url, {"kind": "page", "size_param": "limit", "size": 5}, key=[]))


def test_rows_that_move_between_pages_are_to_be_read_again(held: Held) -> None:
    def answer(asked: Asked) -> Reply:
        if asked.params.get("offset") == "5":
            held.insert([Row(id=0, at=START, value="new")])
        return service(asked)

    service = Plain(held)
    with http_server(answer) as server, pytest.raises(RetryLater, match="twice"):
        read_all(declared(server.url, {"kind": "offset", "size": 5}))


def test_rows_that_go_between_pages_are_missed_by_the_count(held: Held) -> None:
    def answer(asked: Asked) -> Reply:
        if asked.params.get("offset") == "5":
            held.delete([1])
        reply = service(asked)
        return replace(reply, body=reply.body.replace(b'"total": 36', b'"total": 37'))

    service = Plain(held)
    with http_server(answer) as server, pytest.raises(RetryLater, match="36 rows came"):
        read_all(declared(server.url, {"kind": "offset", "size": 5}, total="total"))


@pytest.mark.parametrize(
    ("pages", "answer", "word"),
    [
        ({"kind": "token", "param": "t", "at": "next"}, {"next": "a"}, "circle"),
        ({"kind": "next_url", "at": "next"}, {"next": "/items?x=1"}, "circle"),
        ({"kind": "next_url", "at": "next"}, {"next": "https://evil.example/items"}, "another host"),
        ({"kind": "next_url", "at": "next"}, {"next": {"a": 1}}, "no URL"),
        ({"kind": "token", "param": "t", "at": "next"}, {"next": {"a": 1}}, "neither"),
        ({"kind": "offset"}, {"data": {"rows": {}}}, "where they should be"),
        ({"kind": "offset"}, {"data": {"rows": [1]}}, "no object"),
    ],
)
def test_answers_that_are_not_as_declared_are_refused(pages: dict[str, Any], answer: dict[str, Any], word: str) -> None:
    with (
        http_server(lambda _: json_reply({"data": {"rows": []}, **answer})) as server,
        pytest.raises(InputRefused, match=word),
    ):
        read_all(declared(server.url, pages))


def test_a_service_that_never_ends_is_stopped() -> None:
    with http_server(lambda asked: json_reply([{"id": asked.params["offset"]}])) as server:
        table = {"name": "items", "path": "items", "pages": {"kind": "offset"}}
        connector = opened(rest.kind, url=server.url, tables=[table], max_rows=20)
        with pytest.raises(Misuse, match="max_rows"):
            read_all(connector)


@pytest.mark.parametrize("step", [1, 2, 30])
def test_windows_hold_each_row_once_whatever_bounds_the_service_includes(held: Held, step: int) -> None:
    cursor: dict[str, Any] = {"field": "at", "since": "from", "until": "to", "newest": {"order": "-at"}}
    cursor |= {"start": "2024-01-01T00:00:00Z", "window_days": step}
    tied = Row(id=99, at=START + datetime.timedelta(days=1), value="")
    held.make([*rows(31, apart=datetime.timedelta(hours=12)), tied])
    with http_server(Plain(held)) as server:
        connector = declared(server.url, {"kind": "offset", "size": 7}, cursor=cursor)
        selection = replace(ITEMS, cursor="at")
        plan = connector.plan(selection)
        assert sorted(numbers(read_all(connector, selection))) == sorted([*range(1, 32), 99])
    assert len(plan.chunks) == {1: 16, 2: 8, 30: 1}[step]
    assert plan.upto == "2024-01-16T12:00:00Z"


@pytest.mark.parametrize(
    ("kind", "written"), [("date", "2024-01-02"), ("epoch", "1704239999"), ("epoch_ms", "1704239999999"), ("iso", None)]
)
def test_moments_are_sent_as_the_service_takes_them(held: Held, kind: str, written: str | None) -> None:
    cursor = {"field": "at", "since": "since", "format": kind}
    with http_server(Plain(held)) as server:
        connector = declared(server.url, {"kind": "offset"}, cursor=cursor)
        chunk = connector.plan(replace(ITEMS, cursor="at", since="2024-01-03T00:00:00Z")).chunks[-1]
        if kind in {"iso", "date"}:
            with connector.read(ITEMS, chunk) as batches:
                assert all((row["at"] or "") >= "2024-01-03" for batch in batches for row in batch.to_pylist())
        else:
            with connector.read(ITEMS, chunk) as batches, pytest.raises(InputRefused, match="no moment"):
                list(batches)
        connector.close()
    assert server.asked[-1].params["since"] == (written or "2024-01-02T23:59:59Z")


def test_fields_that_no_record_had_at_the_plan_are_kept() -> None:
    then = '[{"id": 1, "a": {"b": 1.10, "c": "new"}, "d": [1, 2.50], "e": null}]'
    answers = iter(['[{"id": 1, "a": {"b": 1.10}}]', then])
    with http_server(lambda _: json_reply(next(answers))) as server:
        connector = opened(rest.kind, url=server.url, tables=[{"name": "items", "path": "items"}])
        (row,) = read_all(connector)
    more = json.dumps({"a.c": "new", "d": "[1,2.50]"}, separators=(",", ":"))
    assert row == {"id": "1", "a.b": "1.10", "_more": more}


def test_types_are_told_as_the_first_records_have_them() -> None:
    answer = (
        '[{"id": 1, "a": {"b": 1.10, "on": true}, "d": [1], "e": null, "f": "x"},'
        ' {"id": "2", "a": {"b": null, "on": false}, "e": null, "f": "1"}]'
    )
    said = {"name": "items", "path": "items", "key": ["no"]}
    with http_server(lambda _: json_reply(answer)) as server:
        connector = opened(rest.kind, url=server.url, tables=[said])
        (table,) = connector.discover()
        plan = connector.plan(ITEMS)
        connector.close()
    assert {column.name: column.type for column in table.columns} == {
        "id": "number or string", "a.b": "number", "a.on": "boolean", "d": "array", "e": "null", "f": "string",
        "no": "JSON", "_more": "JSON",
    }  # fmt: skip
    assert {column.type for column in plan.columns} == {"JSON"}  # else a sync told other types as changed columns


@pytest.mark.parametrize("path", ["https://evil.example/x", "//evil.example", "a/../../b", "a?b=c", "a#b"])
def test_a_path_stays_below_the_service(path: str) -> None:
    with pytest.raises(ValueError, match="below url"):
        rest.RestConfig.model_validate({"url": "https://host", "tables": [{"name": "a", "path": path}]})


SERVICES: list[tuple[type[Service], Any]] = [
    (Plain, lambda url, **said: declared(url, {"kind": "offset", "size": 5}, **said)),
    (Fusion, lambda url, **said: fusion(url, page_rows=5, **said)),
    (Workday, lambda url, **said: tenant(url, page_rows=5, **said)),
]
FAULTS: list[tuple[Reply, type[HeadwaterError], float | None]] = [
    (Reply(status=429, headers={"Retry-After": "9"}), RetryLater, 9),
    (Reply(status=503), RetryLater, None),
    (Reply(status=500, body=b"<html>"), RetryLater, None),
    (Reply(body=b'{"items": [{"id": 1}]}', cut_after=9), RetryLater, None),
    (Reply(body=b'{"items": [{"id"'), InputRefused, None),
    (Reply(body=b"<html>log in</html>"), InputRefused, None),
    (Reply(status=403), Misuse, None),
]


@pytest.mark.parametrize(("service_type", "make"), SERVICES, ids=["rest", "fusion", "workday"])
@pytest.mark.parametrize(("fault", "error", "after"), FAULTS, ids=["429", "503", "500", "cut", "half", "page", "403"])
@pytest.mark.parametrize("place", [0, 1, 4])
def test_whatever_fails_is_told_and_the_next_try_reads_all(  # noqa: PLR0917 - pytest passes them by name
    held: Held,
    service_type: type[Service],
    make: Any,
    fault: Reply,
    error: type[HeadwaterError],
    after: float | None,
    place: int,
) -> None:
    service = service_type(held)
    selection = replace(ITEMS, chunk_rows=100)
    with http_server(service) as server:
        connector = make(server.url)
        plan = connector.plan(selection)
        waiting = iter([None] * place + [fault])

        def failing(asked: Asked) -> Reply:
            if asked.path.endswith(("/token", "/describe")):
                return service(asked)
            return next(waiting, None) or service(asked)

        server.answer = failing
        with pytest.raises(error) as raised, connector.read(selection, plan.chunks[0]) as batches:
            list(batches)
        assert getattr(raised.value, "after", None) == after
        assert not any(secret in str(raised.value) for secret in SECRETS.values())
        with connector.read(selection, plan.chunks[0]) as batches:
            found = [row for batch in batches for row in batch.to_pylist()]
        connector.close()
    assert numbers(found) == list(range(1, 38))


@pytest.mark.parametrize("table", ["items", "report"])
def test_a_token_that_ends_in_mid_sync_is_renewed(held: Held, table: str) -> None:
    service = Workday(held)
    selection = replace(ITEMS, table=table)
    with http_server(service) as server:
        connector = tenant(server.url)
        plan = connector.plan(selection)
        found = []
        for chunk in plan.chunks:
            service.tokens.clear()
            with connector.read(selection, chunk) as batches:
                found += [row for batch in batches for row in batch.to_pylist()]
        connector.close()
    assert numbers(found) == list(range(1, 38))
    bought = [asked for asked in server.asked if asked.path.endswith("/token")]
    assert len(bought) == 1 + len(plan.chunks)


def test_oracle_answers_fewer_rows_than_asked_for(held: Held) -> None:
    with http_server(Fusion(held, longest=4)) as server:
        assert numbers(read_all(fusion(server.url))) == list(range(1, 38))


def test_oracle_is_asked_in_its_own_language(held: Held) -> None:
    with http_server(Fusion(held)) as server:
        connector = fusion(server.url)
        selection = Selection(table="items", columns=("value",), cursor="at", since="2024-01-05T00:00:00Z", lag=3600)
        assert len(read_all(connector, selection)) == 24
    asked = server.asked[-1]
    assert asked.path == "/fscmRestApi/resources/11.13.18.05/items"
    assert asked.headers["rest-framework-version"] == "4"
    assert dict(asked.params) == {
        "q": "at >= '2024-01-04T23:00:00+00:00'",
        "orderBy": "id:asc",
        "fields": "value,id",
        "onlyData": "true",
        "limit": "499",
        "totalResults": "true",
    }


def test_the_collections_that_come_declared() -> None:
    config = oracle_fusion.FusionConfig(url="https://pod.example")
    assert [each.name for each in config.resources] == ["invoices", "purchaseRequisitions", "accountCombinationsLOV"]


def test_workday_is_asked_in_wql_and_instances_come_as_two_columns(held: Held) -> None:
    def answer(asked: Asked) -> Reply:
        if asked.path.endswith("/token"):
            return service(asked)
        record = {"id": "W-1", "worker": {"id": "a", "descriptor": "Ada"}, "pay": {"value": 1.50, "currency": "EUR"}}
        return json_reply({"total": 1, "data": [record]})

    service = Workday(held)
    fields = [{"name": "id"}, {"name": "worker", "kind": "instance"}, {"name": "pay", "kind": "currency"}]
    queries = [{"name": "workers", "source": "allWorkers", "key": ["id"], "fields": fields}]
    with http_server(answer) as server:
        (row,) = read_all(tenant(server.url, queries=queries), Selection(table="workers"))
    assert row == {
        "id": "W-1",
        "worker.id": "a",
        "worker.descriptor": "Ada",
        "pay.value": "1.5",
        "pay.currency": "EUR",
        "_more": None,
    }
    assert server.asked[-1].params["query"] == "SELECT id, worker, pay FROM allWorkers ORDER BY id ASC"
    assert server.asked[-1].path == "/ccx/api/wql/v1/tests/data"


def test_a_text_cannot_leave_its_literal(held: Held) -> None:
    held.make([Row(id=1, at=START, value="a' OR 1=1 --"), Row(id=2, at=START, value="b")])
    fields = [{"name": "id", "kind": "number"}, {"name": "value"}]
    queries = [{"name": "items", "source": "items", "key": ["value", "id"], "fields": fields}]
    with http_server(Workday(held)) as server:
        found = read_all(tenant(server.url, queries=queries, page_rows=1), Selection(table="items", chunk_rows=1))
    assert numbers(found) == [1, 2]


def test_a_report_is_read_from_disk_record_by_record(held: Held) -> None:
    with http_server(Workday(held)) as server:
        found = read_all(tenant(server.url, max_answer_mb=0.0001), Selection(table="report"))
        assert numbers(found) == list(range(1, 38))
        connector = tenant(server.url, max_file_mb=0.0001)
        with pytest.raises(InputRefused, match="max_file_mb"):
            connector.plan(Selection(table="report"))
        connector.close()


def test_all_tables_of_a_tenant_are_told(held: Held) -> None:
    with http_server(Workday(held)) as server:
        connector = tenant(server.url)
        assert [table.name for table in connector.discover()] == ["items", "report"]
        assert not connector.validate()
        assert [problem.cause for problem in connector.validate(Selection(table="gone"))] == ["not_found"]
        connector.close()
