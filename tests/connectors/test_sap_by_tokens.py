"""SAP's services on a real OData server, behind tokens that end in the middle of a sync: everything comes, once."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from headwater.errors import Misuse
from headwater.pipeline.recipe import Recipe
from headwater.services.connectors.keeping import add
from headwater.services.connectors.planning import plan_sync
from headwater.services.imports import carry_out
from headwater.services.runs_view import show_run
from headwater.services.verification import verify
from headwater.telemetry import SilentProgress
from tests.connectors.servers_odata import ODataServer
from tests.connectors.servers_tokens import CLIENT, SECRET, Front, front_of
from tests.connectors.test_scope_3_from_erp import SERVICE, SERVICE_PATH, item, order
from tests.river import River

pytestmark = pytest.mark.server
ROWS, PAGE, CHUNK = 60, 4, 10
GOOD_FOR = 7
"""Requests; a sync of 60 rows in pages of 4 needs more than two tokens."""


@pytest.fixture
def sap(odata_server: ODataServer) -> ODataServer:
    """The server with so many orders of one item each; half of the orders were changed at the same moment."""
    if not odata_server.has_sap_services:
        pytest.skip("the descriptions of SAP's services are not at hand: ../shared/data/erp")
    orders = [order(n, "2024-03-01" if n % 2 else f"2024-03-{2 + n % 28:02}") for n in range(ROWS)]
    items = [item((n, 10), "R100", (str(n + 1), "KG"), "2.5") for n in range(ROWS)]
    odata_server.run(f"{SERVICE}.A_PurchaseOrder", remove=True, insert=orders)
    odata_server.run(f"{SERVICE}.A_PurchaseOrderItem", remove=True, insert=items)
    return odata_server


def connected(river: River, front: Front, version: str) -> None:
    auth = {
        "kind": "client_credentials",
        "token_url": f"{front.url}/oauth/token",
        "client_id": CLIENT,
        "client_secret_ref": "env:SAP_CLIENT_SECRET",
    }
    config = {
        "url": f"{front.url}/odata/{version}/{SERVICE_PATH}",
        "auth": auth,
        "page_rows": PAGE,
        "requests_a_minute": 100_000,
    }
    add(river.installation, "sap", "odata", config)


def synced(river: River, source: dict[str, Any], mapping: str) -> UUID:
    """The run of a sync."""
    said = {"recipe": mapping, "source": {"connector": "sap", **source}, "mapping": mapping}
    recipe = Recipe.model_validate({**said, "load": {"chunk_size": CHUNK}})
    run_id = plan_sync(river.installation, recipe, river.folder)
    carry_out(river.installation, run_id, progress=SilentProgress())
    return run_id


@pytest.mark.parametrize("version", ["v2", "v4"])
def test_a_sync_whose_tokens_end_under_way_brings_every_row_once(
    sap: ODataServer, river: River, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAP_CLIENT_SECRET", SECRET)
    with front_of(sap.url, GOOD_FOR) as front:
        connected(river, front, version)
        run_id = synced(river, {"table": "A_PurchaseOrderItem"}, "sap_purchase_order_items")
        assert front.let_through > 2 * GOOD_FOR
        assert front.given > 2
        assert front.refused, "what ended a token was told only to whoever sent it"
    ledger = river.ledger(run_id)
    assert (ledger.committed, ledger.failed, ledger.read, ledger.inserted) == (ROWS // CHUNK, 0, ROWS, ROWS)
    found = river.rows("SELECT item_id, quantity FROM erp_purchase_order_item_v1")
    assert {row["item_id"]: row["quantity"] for row in found} == {
        f"sap/45{n:08}/10": Decimal(n + 1) for n in range(ROWS)
    }
    sums = (show_run(river.installation, run_id).run.reconciliation or {})["fields"]
    assert [Decimal(each["difference"]) for each in sums.values()] == [0] * len(sums)
    assert verify(river.installation, progress=SilentProgress()).differences == ()


def test_what_changed_since_comes_by_tokens_too(
    sap: ODataServer, river: River, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAP_CLIENT_SECRET", SECRET)
    source = {"table": "A_PurchaseOrder", "cursor": "LastChangeDateTime"}
    with front_of(sap.url, GOOD_FOR) as front:
        connected(river, front, "v2")
        assert river.ledger(synced(river, source, "sap_purchase_orders")).inserted == ROWS
        changed = [order(n, "2024-03-01", LastChangeDateTime="2024-08-01T12:00:00.000Z", Supplier="9") for n in (3, 7)]
        sap.run(
            f"{SERVICE}.A_PurchaseOrder",
            remove=[{"PurchaseOrder": each["PurchaseOrder"]} for each in changed],
            insert=changed,
        )
        given = front.given
        ledger = river.ledger(synced(river, source, "sap_purchase_orders"))
        assert (ledger.inserted, ledger.updated) == (0, 2)
        assert front.given > given
    (counted,) = river.rows(
        "SELECT count(*) AS n, count(DISTINCT order_id) AS ids, count(*) FILTER (WHERE supplier_id = '9') AS changed"
        " FROM erp_purchase_order_v1"
    )
    assert tuple(counted.values()) == (ROWS, ROWS, 2)
    assert verify(river.installation, progress=SilentProgress()).differences == ()


def test_a_client_whose_secret_is_wrong_is_let_through_nowhere(
    sap: ODataServer, river: River, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAP_CLIENT_SECRET", "another")
    with front_of(sap.url, GOOD_FOR) as front:
        connected(river, front, "v4")
        with pytest.raises(Misuse, match="no token is given") as refused:
            synced(river, {"table": "A_PurchaseOrderItem"}, "sap_purchase_order_items")
        assert "client_secret_ref" in str(refused.value)
        assert (front.given, front.let_through) == (0, 0)
