"""Records of Oracle Fusion and Workday, as their connectors bring them, through the mappings of the pack `erp`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headwater.connectors import oracle_fusion, workday
from headwater.connectors.oracle_fusion.connector import FusionConnector
from headwater.connectors.protocol import Connector, FileStore
from headwater.connectors.workday.connector import WorkdayConnector
from headwater.mapping import load_mapping
from headwater.packs.erp import pack
from tests.connectors.servers_http import Asked, Reply, http_server, json_reply
from tests.mapped import mapped_by

DOCUMENTS = {f"{document.name}@{document.major}": document for document in pack.documents()}
BASIC = {"kind": "basic", "user": "reader", "password_ref": "env:P"}
LEDGER = {f"_SEGMENT{number}": segment for number, segment in enumerate(("101", "10", "60230", "462", "000", "000"), 1)}
FUSION: Mapping[str, dict[str, Any]] = {
    "invoices": {
        "InvoiceId": 300100187048034, "InvoiceNumber": "1000183-3", "InvoiceCurrency": "USD", "InvoiceAmount": 130.8,
        "InvoiceDate": "2019-08-01", "BusinessUnit": "Vision Operations", "Supplier": "Advanced Network Devices",
        "SupplierNumber": "1252", "Description": "Supplies", "PurchaseOrderNumber": None, "CanceledDate": None,
        "TaxationCountry": "United States", "CanceledFlag": False, "ValidationStatus": "Validated",
        "InvoiceType": "Standard",
    },
    "purchaseRequisitions": {
        "RequisitionHeaderId": 7, "Requisition": "R-7", "RequisitioningBU": "Vision Operations", "PreparerId": 100010,
        "DocumentStatus": "Approved", "CreationDate": "2019-08-01T10:00:00.000+00:00",
    },
    "accountCombinationsLOV": {
        "_CODE_COMBINATION_ID": 13573, "_CHART_OF_ACCOUNTS_ID": 101, "AccountType": "E", "EnabledFlag": "Y",
        "StartDateActive": None, "EndDateActive": None, **LEDGER,
    },
}  # fmt: skip
WORKDAY: Mapping[str, dict[str, str]] = {
    "workers": {
        "Employee_ID": "00001", "Worker_Type": "Employee", "Company": "C-1", "Cost_Center": "CC-100",
        "Location": "Leeds", "Location_Country": "GB", "FTE_Percent": "62.5", "Hire_Date": "2020-05-01",
        "Termination_Date": "", "Active": "1",
    },
    "travel": {
        "Expense_Report_Line_ID": "EXP-7-1", "Expense_Report_Number": "EXP-7", "Employee_ID": "00001",
        "Expense_Report_Line_Date": "2024-04-11", "Expense_Item": "Airfare", "Class_of_Service": "Business",
        "Origination_Location": "LBA", "Destination_Location": "AMS", "Country": "GB", "Quantity": "1",
        "Distance": "520", "Distance_Unit": "km", "Total_Amount": "310.00", "Currency": "GBP",
        "Expense_Report_Status": "Approved",
    },
    "transactions": {
        "Supplier_Invoice_Line_ID": "SIL-1", "Invoice_Number": "9", "Line_Order": "1", "Invoice_Date": "2024-03-01",
        "Company": "C-1", "Company_Country": "GB", "Supplier_ID": "S-1", "Supplier": "Law", "Quantity": "2.5",
        "Item_Description": "Advice", "Spend_Category_ID": "LEGAL", "Purchase_Order_Number": "",
        "Ledger_Account_ID": "6000", "Unit_of_Measure": "Hour", "Extended_Amount": "1000.5", "Currency": "GBP",
        "Canceled": "0", "Invoice_Status": "Approved", "On_Hold": "0", "Prepaid": "0",
    },
}  # fmt: skip


def fusion(asked: Asked) -> Reply:
    name = asked.path.removeprefix("/fscmRestApi/resources/11.13.18.05/").removesuffix("/describe")
    record = FUSION[name]
    if asked.path.endswith("/describe"):
        described = [{"name": field, "type": "string", "queryable": True} for field in record]
        return json_reply({"Resources": {name: {"attributes": described}}})
    rest = {"count": 1, "hasMore": False, "limit": 25, "offset": 0, "totalResults": 1, "links": []}
    return json_reply({"items": [record], **rest})


def tenant(asked: Asked) -> Reply:
    if asked.path.endswith("/token"):
        return json_reply({"access_token": "token", "expires_in": 3600, "token_type": "Bearer"})
    return json_reply({"Report_Entry": [WORKDAY[asked.path.rpartition("/")[2]]]})


def mapped(connector: Connector | FileStore, table: str, mapping: str) -> dict[str, Any]:
    """The fields of the one record of a table, as texts and values."""
    assert isinstance(connector, FusionConnector | WorkdayConnector)
    (record,) = connector.sample(table).to_pylist()
    found = load_mapping(Path(str(pack.mappings)) / f"{mapping}.yaml")
    text = "\n".join((";".join(record), ";".join("" if value is None else str(value) for value in record.values()), ""))
    (row,) = mapped_by(found, DOCUMENTS[found.contract], text)
    assert row["skip"] is None
    assert not row["unmapped"]
    return row


def test_what_oracle_fusion_answers_fills_the_contracts() -> None:
    with http_server(fusion) as server:
        connector = oracle_fusion.kind.open(
            oracle_fusion.FusionConfig.model_validate({"url": server.url, "auth": BASIC}), lambda _: "p"
        )
        invoice = mapped(connector, "invoices", "oracle_fusion_invoices")
        requisition = mapped(connector, "purchaseRequisitions", "oracle_fusion_requisitions")
        account = mapped(connector, "accountCombinationsLOV", "oracle_fusion_ledger_accounts")
        connector.close()
    assert (invoice["line_id"], str(invoice["amount"]), invoice["country"]) == (
        "oracle/300100187048034",
        "130.80",
        "US",
    )
    assert (invoice["release_state"], invoice["invoice_type"], invoice["is_cancelled"]) == (
        "released", "standard", False,
    )  # fmt: skip
    assert (requisition["order_id"], str(requisition["order_date"])) == ("oracle/7", "2019-08-01")
    assert (account["account_id"], account["account_code"]) == ("oracle/13573", "101-10-60230-462-000-000")


def test_what_workday_reports_fills_the_contracts() -> None:
    with http_server(tenant) as server:
        auth = {
            "kind": "refresh_token", "token_url": f"{server.url}/token", "client_id": "c",
            "client_secret_ref": "env:S", "refresh_token_ref": "env:R",
        }  # fmt: skip
        reports = [{"name": name, "owner": "o", "report": name, "key": [next(iter(WORKDAY[name]))]} for name in WORKDAY]
        said = {"url": server.url, "tenant": "tests", "auth": auth, "reports": reports}
        connector = workday.kind.open(workday.WorkdayConfig.model_validate(said), lambda _: "p")
        worker = mapped(connector, "workers", "workday_workers")
        travel = mapped(connector, "travel", "workday_travel")
        line = mapped(connector, "transactions", "workday_supplier_invoice_lines")
        connector.close()
    assert (worker["worker_id"], str(worker["fte"]), worker["is_active"]) == ("workday/00001", "0.6250", True)
    assert (travel["mode"], travel["cabin_class"], str(travel["distance"])) == ("flight", "business", "520.000000")
    assert (travel["release_state"], line["release_state"], line["invoice_type"]) == (
        "released", "released", "standard",
    )  # fmt: skip
    assert (line["category"], line["quantity_unit"], str(line["amount"])) == ("workday/LEGAL", "h", "1000.50")
