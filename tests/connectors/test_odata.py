"""The OData connector against a real server, in V2 and V4."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import count
from typing import Any

import pyarrow as pa
import pytest

from headwater.connectors.odata import ODataConfig, kind
from headwater.connectors.odata.connector import ODataConnector
from headwater.connectors.protocol import Selection, SourcePlan, Window
from headwater.errors import InputRefused, Misuse, RetryLater
from tests.connectors.servers_http import Asked, Reply, http_server, json_reply
from tests.connectors.servers_odata import PASSWORD, USER, ODataServer

VERSIONS = ("v2", "v4")
ORDERS, ITEMS = "API_PURCHASEORDER_PROCESS_SRV.A_PurchaseOrder", "API_PURCHASEORDER_PROCESS_SRV.A_PurchaseOrderItem"


def opened(url: str, **said: Any) -> ODataConnector:
    basic = {"kind": "basic", "user": USER, "password_ref": "env:P"}
    config = ODataConfig(**{"url": url, "auth": basic, "requests_a_minute": 100_000, **said})
    connector = kind.open(config, lambda _: PASSWORD)
    assert isinstance(connector, ODataConnector)
    return connector


@pytest.fixture(params=VERSIONS)
def open_service(odata_server: ODataServer, request: pytest.FixtureRequest) -> Iterator[Callable[..., ODataConnector]]:
    made: list[ODataConnector] = []

    def make(name: str, **said: Any) -> ODataConnector:
        made.append(opened(odata_server.service(name, request.param), **said))
        return made[-1]

    yield make
    for connector in made:
        connector.close()


Open = Callable[..., ODataConnector]


def read_all(connector: ODataConnector, selection: Selection, plan: SourcePlan) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for chunk in plan.chunks:
        with connector.read(selection, chunk) as batches:
            rows += [row for batch in batches for row in batch.to_pylist()]
    return rows


@pytest.fixture
def sap(odata_server: ODataServer) -> ODataServer:
    if not odata_server.has_sap_services:
        pytest.skip("the descriptions of SAP's services are not at hand: ../shared/data/erp")
    return odata_server


def order(number: int, changed: str | None, **more: Any) -> dict[str, Any]:
    return {
        "PurchaseOrder": f"45{number:08}",
        "CompanyCode": "1000",
        "PurchaseOrderDate": "2021-11-15",
        "LastChangeDateTime": changed,
        "CashDiscount1Percent": "1.125",
        **more,
    }


@pytest.mark.usefixtures("sap")
def test_the_service_says_what_tables_it_has(open_service: Open) -> None:
    connector = open_service("api-purchaseorder-process-srv")
    tables = {table.name: table for table in connector.discover()}
    assert len(tables) == 8
    orders = tables["A_PurchaseOrder"]
    assert orders.key == ("PurchaseOrder",)
    assert orders.cursors == ("LastChangeDateTime",)
    assert {"PurchaseOrderDate", "CreationDate"} < set(orders.times)
    columns = {column.name: column for column in orders.columns}
    assert len(columns) == 57
    assert columns["CashDiscount1Percent"].arrow == pa.decimal128(5, 3)
    assert columns["CashDiscount1Percent"].type == "Edm.Decimal(5,3)"
    assert tables["A_PurchaseOrderItem"].key == ("PurchaseOrder", "PurchaseOrderItem")


def test_orders_come_with_exact_types(sap: ODataServer, open_service: Open) -> None:
    sap.run(ORDERS, remove=True, insert=[order(1, "2021-11-15T08:30:00.123Z"), order(2, None)])
    connector = open_service("api-purchaseorder-process-srv")
    first, second = connector.sample("A_PurchaseOrder").to_pylist()
    assert first["PurchaseOrder"] == "4500000001"
    assert first["CashDiscount1Percent"] == Decimal("1.125")
    assert first["PurchaseOrderDate"] == datetime.date(2021, 11, 15)
    moment = first["LastChangeDateTime"]
    moment = datetime.datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    assert moment == datetime.datetime(2021, 11, 15, 8, 30, 0, 123_000, tzinfo=datetime.UTC)
    assert second["LastChangeDateTime"] is None


def test_stock_comes_with_fourteen_places(sap: ODataServer, open_service: Open) -> None:
    name = "API_MATERIAL_STOCK_SRV.A_MatlStkInAcctMod"
    quantity = "12345678901234567.12345678901234"
    rows = [{"Material": f"M{n}", "Plant": "1000", "MatlWrhsStkQtyInMatlBaseUnit": quantity} for n in range(3)]
    keys = ("StorageLocation", "Batch", "Supplier", "Customer", "WBSElementInternalID", "SDDocument")
    empty = dict.fromkeys((*keys, "SDDocumentItem", "InventorySpecialStockType", "InventoryStockType"), "")
    sap.run(name, remove=True, insert=[{**empty, **row} for row in rows])
    connector = open_service("api-material-stock-srv")
    selection = Selection(table="A_MatlStkInAcctMod", chunk_rows=2)
    plan = connector.plan(selection)
    assert [chunk.locator["by"] for chunk in plan.chunks] == ["key_range", "key_range"]
    found = read_all(connector, selection, plan)
    assert [row["Material"] for row in found] == ["M0", "M1", "M2"]
    # SQLite, on which the server stands, keeps decimals as doubles; what the server says is kept to the last digit.
    assert all(abs(row["MatlWrhsStkQtyInMatlBaseUnit"] - Decimal(quantity)) < 4 for row in found)


def test_items_are_cut_by_their_key_of_two(sap: ODataServer, open_service: Open) -> None:
    rows = [
        {
            "PurchaseOrder": f"45{order:08}",
            "PurchaseOrderItem": str(item * 10),
            "PurchaseOrderItemText": "O'Brien & Söhne",
        }
        for order in range(9)
        for item in range(1, 8)
    ]
    sap.run(ITEMS, remove=True, insert=rows)
    connector = open_service("api-purchaseorder-process-srv", page_rows=4)
    selection = Selection(
        table="A_PurchaseOrderItem", chunk_rows=10, columns=("PurchaseOrderItem", "PurchaseOrderItemText")
    )
    plan = connector.plan(selection)
    assert len(plan.chunks) == 7
    assert plan.chunks[0].locator["to"] == ["4500000001", "40"]
    found = read_all(connector, selection, plan)
    assert len(found) == 63
    assert set(found[0]) == {"PurchaseOrderItem", "PurchaseOrderItemText"}
    assert found[0]["PurchaseOrderItemText"] == "O'Brien & Söhne"


@pytest.mark.parametrize("window", [None, "day", "week"])
def test_what_changed_is_read_by_windows(sap: ODataServer, open_service: Open, window: Window | None) -> None:
    moments = [f"2024-01-{day:02}T00:00:00.{n}Z" for day in (1, 2, 3) for n in ("001", "001", "001", "500")]
    rows = [order(number, moment) for number, moment in enumerate(moments)] + [order(99, None)]
    sap.run(ORDERS, remove=True, insert=rows)
    connector = open_service("api-purchaseorder-process-srv")
    selection = Selection(
        table="A_PurchaseOrder", cursor="LastChangeDateTime", chunk_rows=2, columns=("PurchaseOrder",), window=window
    )
    plan = connector.plan(selection)
    assert [chunk.locator["by"] for chunk in plan.chunks] == ["blank"] + ["time_window"] * (len(plan.chunks) - 1)
    assert plan.chunks[-1].window_end is None
    assert plan.window == window
    if window == "day":
        begun = {str(chunk.locator["from"]) for chunk in plan.chunks[2:]}
        assert {f"2024-01-0{day}T00:00:00Z" for day in (2, 3)} <= begun
    assert sorted(row["PurchaseOrder"] for row in read_all(connector, selection, plan)) == sorted(
        row["PurchaseOrder"] for row in rows
    )
    since = replace(selection, since=plan.upto, lag=86400)
    again = connector.plan(since)
    read_again = [row["PurchaseOrder"] for row in read_all(connector, since, again)]
    assert sorted(read_again) == sorted(row["PurchaseOrder"] for row in rows[-6:]), "rows of a day, and that without"
    assert again.upto == plan.upto


def test_a_right_that_is_missing_is_told(odata_server: ODataServer) -> None:
    connector = opened(odata_server.service("closed", "v4"))
    with pytest.raises(Misuse) as raised:
        connector.plan(Selection(table="Items"))
    assert "403" in str(raised.value)
    connector.close()


def test_another_version_than_said(odata_server: ODataServer) -> None:
    connector = opened(odata_server.service("conformance", "v2"), version="v4")
    with pytest.raises(Misuse, match="version"):
        connector.discover()
    connector.close()


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ({"columns": ("gone",)}, "column"),
        ({"key": ("gone",)}, "column"),
        ({"cursor": "value"}, "changed"),
        ({"cursor": "at", "since": "yesterday"}, "compared"),
        ({"table": "gone"}, "entity set"),
    ],
)
def test_a_selection_that_cannot_be_read_is_misuse(open_service: Open, said: dict[str, Any], word: str) -> None:
    connector = open_service("conformance")
    selection = replace(Selection(table="Items"), **said)
    with pytest.raises(Misuse, match=word):
        connector.plan(selection)
    assert connector.validate(selection) or "since" in said


METADATA = """<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>
<Schema Namespace="S" xmlns="http://docs.oasis-open.org/odata/ns/edm">
<EntityType Name="T"><Key><PropertyRef Name="id"/></Key>
<Property Name="id" Type="Edm.Int32" Nullable="false"/></EntityType>
<EntityType Name="N"><Property Name="id" Type="Edm.Int32"/></EntityType>
<EntityContainer Name="C"><EntitySet Name="T" EntityType="S.T"/><EntitySet Name="N" EntityType="S.N"/></EntityContainer>
</Schema></edmx:DataServices></edmx:Edmx>"""


def ids(*numbers: int) -> list[dict[str, int]]:
    return [{"id": number} for number in numbers]


def answering(values: Callable[[Asked], Any], total: str = "3") -> Callable[[Asked], Reply]:
    """A service of V4 that answers pages of the table as a test says, and counts as it is told."""

    def answer(asked: Asked) -> Reply:
        if asked.path.endswith("$metadata"):
            return Reply(body=METADATA.encode())
        if asked.path.endswith("$count"):
            return Reply(body=total.encode())
        found = values(asked)
        return found if isinstance(found, Reply) else json_reply(found)

    return answer


WHOLE = Selection(table="T")


def read_whole(url: str, selection: Selection = WHOLE, **said: Any) -> list[Any]:
    connector = opened(url, **said)
    try:
        return read_all(connector, selection, connector.plan(selection))
    finally:
        connector.close()


def test_a_link_to_another_host_is_not_followed() -> None:
    with http_server(
        answering(lambda _: {"value": ids(1), "@odata.nextLink": "https://evil.example/T?$skiptoken=1"})
    ) as at:
        with pytest.raises(InputRefused, match="another host"):
            read_whole(at.url)
        assert all("authorization" in asked.headers for asked in at.asked)


def test_links_in_a_circle_end() -> None:
    numbers = count()
    with (
        http_server(answering(lambda _: {"value": ids(next(numbers)), "@odata.nextLink": "T?$skiptoken=1"})) as at,
        pytest.raises(InputRefused, match="circle"),
    ):
        read_whole(at.url)


def test_a_row_that_comes_twice_is_to_be_read_again() -> None:
    with (
        http_server(answering(lambda _: {"value": ids(1, 1), "@odata.count": 3})) as at,
        pytest.raises(RetryLater, match="twice"),
    ):
        read_whole(at.url)


def test_rows_that_do_not_come_are_to_be_read_again() -> None:
    def page(asked: Asked) -> Any:
        return {"value": [] if "gt" in asked.params.get("$filter", "") else ids(1, 2), "@odata.count": 3}

    with http_server(answering(page)) as at, pytest.raises(RetryLater, match="2 rows came"):
        read_whole(at.url)


def test_rows_deleted_meanwhile_explain_fewer_rows() -> None:
    def page(asked: Asked) -> Any:
        return {"value": [] if "gt" in asked.params.get("$filter", "") else ids(1, 2), "@odata.count": 3}

    with http_server(answering(page, total="2")) as at:
        assert read_whole(at.url) == ids(1, 2)


def test_a_service_that_answers_fewer_rows_than_asked_for_is_read_whole() -> None:
    def page(asked: Asked) -> Any:
        after = int((asked.params.get("$filter", "id gt 0")).rpartition(" ")[2])
        return {"value": ids(*range(after + 1, min(after + 3, 8))), "@odata.count": 7 - after}

    with http_server(answering(page, total="7")) as at:
        assert read_whole(at.url) == ids(*range(1, 8))


def test_a_table_without_key_is_read_whole_up_to_a_limit() -> None:
    with http_server(answering(lambda _: {"value": ids(1, 1, 2)})) as at:
        assert read_whole(at.url, Selection(table="N")) == ids(1, 1, 2)
        assert "$top" not in at.asked[-1].params
        with pytest.raises(Misuse, match="max_whole_rows"):
            read_whole(at.url, Selection(table="N"), max_whole_rows=2)


def test_a_storm_of_429_says_how_long_to_wait() -> None:
    with http_server(answering(lambda _: Reply(status=429, headers={"Retry-After": "12"}))) as at:
        with pytest.raises(RetryLater) as raised:
            read_whole(at.url)
        assert raised.value.after == 12


def test_a_table_that_is_cut_twice_gives_equal_chunks(open_service: Open, odata_server: ODataServer) -> None:
    odata_server.run("Conformance.SevenAtOnce", remove=True, insert=[{"id": n} for n in range(40)])
    connector = open_service("conformance", page_rows=10)
    selection = Selection(table="SevenAtOnce", chunk_rows=19)
    assert connector.plan(selection) == connector.plan(selection)
    assert [row["id"] for row in read_all(connector, selection, connector.plan(selection))] == list(range(40))


def test_closing_early_asks_for_nothing_more() -> None:
    numbers: Sequence[int] = range(1, 100)
    with http_server(answering(lambda _: {"value": ids(*numbers), "@odata.count": 200}, total="200")) as at:
        connector = opened(at.url)
        plan = connector.plan(Selection(table="T", chunk_rows=1000))
        asked = len(at.asked)
        with connector.read(WHOLE, plan.chunks[0]) as batches:
            next(batches)
        connector.close()
        assert len(at.asked) == asked + 1
