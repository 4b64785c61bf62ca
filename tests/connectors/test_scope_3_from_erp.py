"""From purchase orders on a real OData server to scope 3 and back: both pages word for word, figures by hand."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from headwater.cli.main import app
from headwater.services.tracing.tracer import trace_emission
from tests.connectors.servers_odata import PASSWORD, USER, ODataServer
from tests.docs.walkthrough import LOADED_WITH_QUARANTINE, follow_here
from tests.river import River, make_river
from tests.servers import Installation

HOW_TO = Path(__file__).parents[2] / "docs/how-to"
EXAMPLES = Path(__file__).parents[2] / "examples/scope-3-from-sap"
SERVICE = "API_PURCHASEORDER_PROCESS_SRV"
SERVICE_PATH = "api-purchaseorder-process-srv"
Headwater = Callable[[list[str]], tuple[int, str]]


def order(number: int, date: str, **more: Any) -> dict[str, Any]:
    return {
        "PurchaseOrder": f"45{number:08}",
        "PurchaseOrderType": "NB",
        "CompanyCode": "1000",
        "PurchaseOrderDate": date,
        "Supplier": "17300001",
        "DocumentCurrency": "EUR",
        "LastChangeDateTime": f"{date}T12:00:00.000Z",
        "PurchasingProcessingStatus": "02",
        "PurchasingCompletenessStatus": False,
        "ReleaseIsNotCompleted": False,
        **more,
    }


def item(where: tuple[int, int], group: str, ordered: tuple[str, str], price: str, **more: Any) -> dict[str, Any]:
    (order_no, number), (quantity, unit) = where, ordered
    return {
        "PurchaseOrder": f"45{order_no:08}",
        "PurchaseOrderItem": str(number),
        "MaterialGroup": group,
        "Plant": "1010",
        "DeliveryAddressCountry": "DE",
        "OrderQuantity": quantity,
        "PurchaseOrderQuantityUnit": unit,
        "DocumentCurrency": "EUR",
        "NetPriceAmount": price,
        "NetPriceQuantity": "1",
        "PurchaseOrderItemCategory": "0",
        "IsReturnsItem": False,
        **more,
    }


ORDERS = [
    order(1, "2024-03-01"),
    order(2, "2024-05-15"),
    order(3, "2023-12-20"),
    order(4, "2024-06-01", DocumentCurrency="USD"),
    order(5, "2024-06-02", PurchaseOrderType="UB", SupplyingPlant="1020", Supplier=""),
    order(6, "2024-07-01", ReleaseIsNotCompleted=True),  # only this says that it is not released
]
ITEMS = [
    item((1, 10), "R100", ("1200", "KG"), "85", NetPriceQuantity="100"),
    item((1, 20), "T300", ("1", "LE"), "300"),
    item((1, 30), "R100", ("50", "KG"), "85", NetPriceQuantity="100", IsReturnsItem=True),
    item((2, 10), "S200", ("8", "TAG"), "1250"),
    item((2, 20), "M500", ("1", "ST"), "40000", AccountAssignmentCategory="A"),
    item((2, 30), "S200", ("1", "TAG"), "999", PurchasingDocumentDeletionCode="L"),
    item((2, 40), "E400", ("1", "LE"), "5000"),
    item((2, 50), "X900", ("1", "LE"), "70"),
    item((3, 10), "S200", ("1", "TAG"), "1000"),
    item((4, 10), "S200", ("1", "TAG"), "500", DocumentCurrency="USD"),
    item((5, 10), "R100", ("900", "KG"), "0"),
    item((6, 10), "S200", ("1", "TAG"), "7777"),
    item((6, 20), "T300", ("1", "AU"), "0", PurchaseOrderItemCategory="A", ExpectedOverallLimitAmount="100"),
]
CHANGED = "2024-08-01T12:00:00.000Z"
FIGURES = {
    "sap/4500000001/10": (1, Decimal(1200 - 50) * Decimal("1.85")),  # kg of steel, less what went back
    "sap/4500000001/20": (4, Decimal("300.00") * Decimal("0.62")),  # EUR of 2024
    "sap/4500000002/10": (1, Decimal(8) * Decimal(1250) * Decimal("0.11")),
    "sap/4500000002/20": (2, Decimal(40000) * Decimal("0.35")),
    "workday/EXP-7-1": (6, Decimal(300) * Decimal("0.03694")),  # passenger kilometres
}


@pytest.fixture
def sap(odata_server: ODataServer) -> ODataServer:
    """The server with the orders and items, and nothing else."""
    if not odata_server.has_sap_services:
        pytest.skip("the descriptions of SAP's services are not at hand: ../shared/data/erp")
    odata_server.run(f"{SERVICE}.A_PurchaseOrder", remove=True, insert=ORDERS)
    odata_server.run(f"{SERVICE}.A_PurchaseOrderItem", remove=True, insert=ITEMS)
    return odata_server


@pytest.fixture
def headwater(installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Headwater:
    """`headwater ARGUMENT…` in an empty folder, by somebody who types the password where one is asked for."""
    monkeypatch.setenv("HEADWATER_DATABASE_URL", installation.app_url)
    monkeypatch.setenv("HEADWATER_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.chdir(tmp_path)

    def run(words: list[str]) -> tuple[int, str]:
        done = CliRunner().invoke(app, words, input=PASSWORD, prog_name="headwater")
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.exit_code, done.output

    return run


def page_for(name: str, server: ODataServer, **more: str) -> str:
    """The page with this server's address and user in place of the example's."""
    text = (HOW_TO / name).read_text(encoding="utf-8")
    for on_page, here in {
        f"https://my300000.s4hana.cloud.sap/sap/opu/odata/sap/{SERVICE}": server.service(SERVICE_PATH, "v2"),
        "user: HEADWATER": f"user: {USER}",
        **more,
    }.items():
        assert on_page in text
        text = text.replace(on_page, here)
    return text


@pytest.mark.server
@pytest.mark.slow
def test_sap_is_connected_and_its_purchases_become_figures(
    sap: ODataServer, headwater: Headwater, installation: Installation, tmp_path: Path
) -> None:
    sap.run(f"{SERVICE}.A_PurchaseOrder", remove=True, insert=ORDERS[:1])
    unknown = item((1, 20), "X900", ("1", "LE"), "70")
    sap.run(f"{SERVICE}.A_PurchaseOrderItem", remove=True, insert=[ITEMS[0], unknown])
    assert follow_here(page_for("connect-sap.md", sap), headwater) == 5
    river = make_river(installation, tmp_path)
    (emission,) = river.rows("SELECT activity_id, category, scope, co2e_kg FROM emission_v1")
    assert emission == {
        "activity_id": "sap/4500000001/10", "category": 1, "scope": 3, "co2e_kg": 1200 * Decimal("1.85"),
    }  # fmt: skip
    assert "t CO2e" in (tmp_path / "purchases.html").read_text(encoding="utf-8")


@pytest.mark.server
@pytest.mark.slow
def test_purchases_of_sap_become_scope_3_and_lead_back(
    sap: ODataServer, headwater: Headwater, installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAP_PASSWORD", PASSWORD)
    page = page_for("scope-3-from-erp.md", sap, **{"export SAP_PASSWORD='…'\n": ""})
    assert follow_here(page, headwater) == 7
    written = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir() if path.is_file()}
    examples = {path.name: path.read_text(encoding="utf-8") for path in EXAMPLES.iterdir()}
    assert written.keys() == examples.keys() - {"README.md"}
    assert [name for name in written if written[name] != examples[name]] == ["sap.yaml"]

    river = make_river(installation, tmp_path)
    emissions = river.rows("SELECT activity_id, category, scope, co2e_kg FROM emission_v1")
    assert {row["activity_id"]: (row["category"], row["co2e_kg"]) for row in emissions} == FIGURES
    assert {row["scope"] for row in emissions} == {3}
    mismatched = river.rows("SELECT value FROM findings WHERE rule_id = 'calculation.unit_mismatch' ORDER BY value")
    assert [row["value"] for row in mismatched] == ["EUR_2023", "USD_2024"]

    for recipe in ("orders", "items", "purchases"):  # a second time, with nothing new
        done, told = headwater(["run", f"{recipe}.recipe.yaml"])
        assert done in {0, LOADED_WITH_QUARANTINE}, told
    assert len(river.rows("SELECT activity_id FROM emission_v1")) == len(FIGURES)
    _what_changes_at_the_source_changes_the_figures(sap, headwater, river)


def _what_changes_at_the_source_changes_the_figures(sap: ODataServer, headwater: Headwater, river: River) -> None:
    """An item that is gone takes its figure with it; of one that was changed since, the trace says what."""
    kept = [each for each in ITEMS if (each["PurchaseOrder"], each["PurchaseOrderItem"]) != ("4500000002", "10")]
    kept[0] = kept[0] | {"OrderQuantity": "1000"}
    archived = {"PurchasingDocumentDeletionCode": "L", "IsFinallyInvoiced": True}
    kept.append(item((2, 60), "S200", ("1", "TAG"), "200", **archived))  # beside 30, which is cancelled
    sap.run(f"{SERVICE}.A_PurchaseOrderItem", remove=True, insert=kept)
    assert headwater(["run", "items.recipe.yaml"])[0] == 0
    trace = trace_emission(river.installation, "sap/4500000001/10").tree()
    told = [node.value for node in trace.children if node.title == "activity" for node in node.children]
    assert "erp.purchase_order_item sap/4500000001/10, changed since: quantity, net_amount" in told
    gone = trace_emission(river.installation, "sap/4500000002/10").record.made_from[0]
    assert (gone.key, gone.is_gone) == ("sap/4500000002/10", True)
    assert gone.record is not None  # as it was read, down to the row that SAP gave
    assert gone.record.raw.place.startswith("connector sap, table A_PurchaseOrderItem, PurchaseOrder = 4500000002")
    # Nothing is deleted while a record is refused: the group that the table lacks is given first.
    Path("more.csv").write_text(
        "category,title,method,activity_type,note\nsap/X900,Fees,not_counted,,Paid to the state\n"
    )
    assert headwater(["import", "more.csv", "--mapping", "purchase_category_form"])[0] == 0
    # An order that was released since counts, its limit with what is expected to be spent.
    released = {"PurchasingProcessingStatus": "05", "ReleaseIsNotCompleted": False, "LastChangeDateTime": CHANGED}
    sap.run(f"{SERVICE}.A_PurchaseOrder", remove=True, insert=[*ORDERS[:-1], ORDERS[-1] | released])
    assert headwater(["run", "orders.recipe.yaml"])[0] == 0
    assert headwater(["run", "purchases.recipe.yaml"])[0] == 0
    emissions = river.rows("SELECT activity_id, co2e_kg FROM emission_v1")
    expected = {key: figure for key, (_, figure) in FIGURES.items() if key != "sap/4500000002/10"}
    expected["sap/4500000001/10"] = Decimal(1000 - 50) * Decimal("1.85")
    expected["sap/4500000002/60"] = Decimal(200) * Decimal("0.11")
    expected["sap/4500000006/10"] = Decimal(7777) * Decimal("0.11")
    expected["sap/4500000006/20"] = Decimal(100) * Decimal("0.62")
    assert {row["activity_id"]: row["co2e_kg"] for row in emissions} == expected
