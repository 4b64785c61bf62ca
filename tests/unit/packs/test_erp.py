"""Contracts and mappings of the pack `erp`: published as they are, rules that speak up, rows of three systems alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from headwater.accounting.units import SPELLINGS
from headwater.connectors.parquet_file.texts import texts
from headwater.contracts import Document, enforce_row
from headwater.mapping import load_mapping
from headwater.packs.erp import pack
from headwater.packs.ghg import pack as ghg
from headwater.values import TextFormat
from tests.mapped import mapped_by

DOCUMENTS: dict[str, Document] = {document.reference: document for document in pack.documents()}
MAPPINGS = {path.stem: load_mapping(path) for path in sorted(Path(str(pack.mappings)).glob("*.yaml"))}
NEWEST = {f"{document.name}@{document.major}": document for each in (ghg, pack) for document in each.documents()}

ORDER = {"order_id": "sap/1", "system": "sap", "order_number": "1", "document_type": "order", "supplier_id": "S"}
ORDER |= {"order_date": "2024-03-01"}
ITEM = {"item_id": "sap/1/10", "system": "sap", "order_id": "sap/1", "item_number": "10"}
STOCK = {"stock_id": "sap/M", "system": "sap", "material": "M", "quantity": "1", "quantity_unit": "kg"}
CATEGORY = {"category": "sap/R100", "method": "mass", "activity_type": "purchased.steel"}
INVOICE = {"line_id": "oracle/1", "system": "oracle", "invoice_number": "1", "invoice_date": "2024-03-01"}
INVOICE |= {"amount": "12.5", "currency": "EUR"}
ACCOUNT = {"account_id": "oracle/1", "system": "oracle", "account_code": "101-10"}
WORKER = {"worker_id": "workday/1", "system": "workday"}
TRAVEL = {"travel_id": "workday/1", "system": "workday", "travel_date": "2024-03-01", "mode": "train"}
TRAVEL |= {"distance": "300", "distance_unit": "km"}


def test_versions_and_fields_are_those_published() -> None:
    """A published document never changes: another hash needs another version."""
    assert {reference: document.hash.hex()[:16] for reference, document in DOCUMENTS.items()} == {
        "erp.purchase_order@1.1.0": "59707fe328b5086c",
        "erp.purchase_order_item@1.1.0": "6313823546e70775",
        "erp.material_stock@1.0.0": "a3853cc59d73d858",
        "erp.purchase_category@1.0.0": "0affc8dc6eb148eb",
        "erp.invoice_line@1.1.0": "060b05c1d69750fa",
        "erp.ledger_account@1.0.0": "ff1e215ddfa5dfd6",
        "erp.worker@1.0.0": "f4db688860809e05",
        "erp.travel@1.2.0": "6abe2adfaa555289",
    }


def test_personal_data_is_marked() -> None:
    marked = {f"{each.name}.{field.name}" for each in DOCUMENTS.values() for field in each.fields if field.personal}
    assert marked == {
        "erp.purchase_order.created_by", "erp.worker.worker_id", "erp.worker.name", "erp.worker.hired_on",
        "erp.worker.left_on", "erp.travel.worker_id", "erp.travel.origin", "erp.travel.destination",
    }  # fmt: skip


@pytest.mark.parametrize("mapping", MAPPINGS.values(), ids=lambda mapping: mapping.mapping)
def test_mappings_fill_what_is_required(mapping: Any) -> None:
    document = NEWEST[mapping.contract]
    required = {each.name for each in document.fields if each.required and each.default is None}
    assert required <= mapping.fields.keys() <= document.by_name.keys()


@pytest.mark.parametrize(
    ("contract", "good", "change", "broken"),
    [
        ("purchase_order", ORDER, {}, []),
        ("purchase_order", ORDER, {"supplier_id": ""}, ["purchase_order.supplier_id.given"]),
        ("purchase_order", ORDER, {"supplier_id": "", "document_type": "stock_transfer"}, []),
        ("purchase_order", ORDER, {"order_date": "1924-03-01"}, ["purchase_order.order_date.plausible"]),
        ("purchase_order", ORDER, {"currency": "EURO"}, ["purchase_order.currency.enum"]),
        ("purchase_order", ORDER, {"supplier_country": "UK"}, ["purchase_order.supplier_country.enum"]),
        ("purchase_order", ORDER, {"system": "SAP"}, ["purchase_order.system.pattern"]),
        ("purchase_order_item", ITEM, {"net_amount": "5"}, ["purchase_order_item.net_amount.currency"]),
        ("purchase_order_item", ITEM, {"quantity": "5"}, ["purchase_order_item.quantity.unit"]),
        ("purchase_order_item", ITEM, {"net_amount": "-5", "currency": "EUR"}, ["purchase_order_item.net_amount.sign"]),
        ("material_stock", STOCK, {"quantity": "-1"}, ["material_stock.quantity.sign"]),
        ("purchase_category", CATEGORY, {}, []),
        ("purchase_category", CATEGORY, {"activity_type": ""}, ["purchase_category.activity_type.given"]),
        ("purchase_category", CATEGORY, {"method": "not_counted"}, ["purchase_category.note.given"]),
        ("invoice_line", INVOICE, {"includes_tax": "true"}, ["invoice_line.amount.tax"]),
        ("invoice_line", INVOICE, {"includes_tax": "false", "amount": "-3"}, []),
        ("invoice_line", INVOICE, {"quantity": "3"}, ["invoice_line.quantity.unit"]),
        ("invoice_line", INVOICE, {"invoice_date": "1924-03-01"}, ["invoice_line.invoice_date.plausible"]),
        ("ledger_account", ACCOUNT, {"valid_from": "2024-01-01", "valid_to": "2023-01-01"},
         ["ledger_account.valid.order"]),
        ("worker", WORKER, {"hired_on": "2024-01-01", "left_on": "2023-01-01"}, ["worker.left_on.order"]),
        ("worker", WORKER, {"fte": "100"}, ["worker.fte.plausible"]),
        ("travel", TRAVEL, {}, []),
        ("travel", TRAVEL, {"distance": "", "nights": "2", "mode": "hotel"}, []),
        ("travel", TRAVEL, {"distance": ""}, ["travel.mode.measured"]),
        ("travel", TRAVEL, {"distance_unit": ""}, ["travel.distance.unit"]),
        ("travel", TRAVEL, {"amount": "3"}, ["travel.amount.currency"]),
        ("travel", TRAVEL, {"cabin_class": "economy"}, ["travel.cabin_class.flight"]),
    ],
)  # fmt: skip
def test_rules_speak_up(contract: str, good: dict[str, str], change: dict[str, str], broken: list[str]) -> None:
    document = next(each for each in DOCUMENTS.values() if each.name == f"erp.{contract}")
    result = enforce_row(document, good | change, TextFormat())
    assert [finding.rule_id for finding in result.findings] == [f"erp.{rule}" for rule in broken]


def mapped(name: str, *records: dict[str, str]) -> list[dict[str, str | None]]:
    """Values as texts of records, each a row with what it says and blanks beside."""
    mapping = MAPPINGS[name]
    columns = list(dict.fromkeys(column for record in records for column in record))
    lines = [";".join(record.get(column, "") for column in columns) for record in records]
    rows = mapped_by(mapping, NEWEST[mapping.contract], "\n".join([";".join(columns), *lines]) + "\n")
    fields = [*mapping.fields, "skip", "unmapped"]
    return [{field: None if row[field] is None else str(row[field]) for field in fields} for row in rows]


SAP_ORDER = dict.fromkeys(
    ("PurchaseOrderType", "SupplyingPlant", "PurchasingDocumentDeletionCode", "AddressName", "AddressCountry"), ""
) | {
    "PurchasingProcessingStatus": "02",
    "PurchasingCompletenessStatus": "false",
    "ReleaseIsNotCompleted": "false",
    "PurchaseOrder": "4500000001",
    "CompanyCode": "1000",
    "PurchaseOrderDate": "2024-03-01",
    "Supplier": "17300001",
    "DocumentCurrency": "EUR",
    "CreatedByUser": "MEIER",
    "LastChangeDateTime": "2024-03-02T08:30:00.123000Z",
}
SAP_ITEM = dict.fromkeys(("PurchasingDocumentDeletionCode", "AccountAssignmentCategory", "PurchaseRequisition"), "") | {
    "PurchaseOrderItemCategory": "0",
    "ExpectedOverallLimitAmount": "0.000",
    "PurchasingItemIsFreeOfCharge": "false",
    "PurchasingParentItem": "0",
    "PurgDocAggrgdSubitemCategory": "",
    "IsCompletelyDelivered": "false",
    "IsFinallyInvoiced": "",
    "PurchaseOrder": "4500000001",
    "PurchaseOrderItem": "10",
    "PurchaseOrderItemText": "Sheet",
    "Material": "M1",
    "MaterialGroup": "R100",
    "Plant": "1010",
    "DeliveryAddressCountry": "DE",
    "OrderQuantity": "1200.000",
    "PurchaseOrderQuantityUnit": "KG",
    "OrderPriceUnitToOrderUnitNmrtr": "1",
    "OrdPriceUnitToOrderUnitDnmntr": "1",
    "DocumentCurrency": "EUR",
    "NetPriceAmount": "85.000",
    "NetPriceQuantity": "100",
    "IsReturnsItem": "false",
}


def test_orders_of_sap() -> None:
    order, transfer, deleted = mapped(
        "sap_purchase_orders",
        SAP_ORDER,
        {**SAP_ORDER, "PurchaseOrderType": "NB", "SupplyingPlant": "1020", "Supplier": ""},
        {**SAP_ORDER, "PurchasingDocumentDeletionCode": "L", "AddressCountry": "XI"},
    )
    assert (order["order_id"], order["document_type"]) == ("sap/4500000001", "order")
    assert (order["order_date"], order["changed_at"]) == ("2024-03-01", "2024-03-02 08:30:00.123000+00:00")
    assert transfer["document_type"] == "stock_transfer"
    assert deleted["supplier_country"] == "GB"
    assert "is_cancelled" not in deleted  # its items say so
    assert [row["is_marked_for_deletion"] for row in (order, deleted)] == ["False", "True"]


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({}, "released"),
        ({"PurchasingProcessingStatus": "05"}, "released"),
        ({"PurchasingProcessingStatus": "03"}, "in_release"),
        ({"PurchasingProcessingStatus": "05", "ReleaseIsNotCompleted": "true"}, "in_release"),
        ({"PurchasingProcessingStatus": "08", "ReleaseIsNotCompleted": "true"}, "rejected"),
        ({"PurchasingProcessingStatus": "01"}, "held"),
        ({"PurchasingCompletenessStatus": "true"}, "held"),
        ({"PurchasingProcessingStatus": ""}, None),
        ({"PurchasingProcessingStatus": "13"}, None),
    ],
)
def test_how_far_an_order_of_sap_is_released(change: dict[str, str], state: str | None) -> None:
    (order,) = mapped("sap_purchase_orders", SAP_ORDER | change)
    assert order["release_state"] == state


@pytest.mark.parametrize(
    ("flag", "state"),
    [("", "released"), ("ReleaseIsNotCompleted", "in_release"), ("PurchasingCompletenessStatus", "held")],
)
def test_yes_and_no_of_an_order_of_sap_are_read_as_a_sync_writes_them(flag: str, state: str) -> None:
    flags = {name: name == flag for name in ("ReleaseIsNotCompleted", "PurchasingCompletenessStatus")}
    (order,) = mapped("sap_purchase_orders", SAP_ORDER | {"PurchasingProcessingStatus": "02"} | as_synced(flags))
    assert order["release_state"] == state


@pytest.mark.parametrize("flag", ["IsCompletelyDelivered", "IsFinallyInvoiced"])
def test_yes_and_no_of_an_item_of_sap_are_read_as_a_sync_writes_them(flag: str) -> None:
    flags = {"IsCompletelyDelivered": False, "IsFinallyInvoiced": False}
    marked = SAP_ITEM | {"PurchasingDocumentDeletionCode": "L"}
    items = mapped("sap_purchase_order_items", *(marked | as_synced(flags | {flag: given}) for given in (False, True)))
    assert [item["is_cancelled"] for item in items] == ["True", "False"]


def as_synced(flags: dict[str, bool]) -> dict[str, str]:
    return dict(zip(flags, texts(pa.array(flags.values(), pa.bool_()), ".").to_pylist(), strict=True))


@pytest.mark.parametrize(
    ("change", "amount"),
    [
        ({}, "1020.00"),  # 1200 kg at 85 per 100 kg
        ({"NetPriceQuantity": "0"}, "102000.00"),
        ({"OrderPriceUnitToOrderUnitNmrtr": "5", "OrdPriceUnitToOrderUnitDnmntr": "2"}, "2550.00"),
        ({"OrderPriceUnitToOrderUnitNmrtr": "5", "OrdPriceUnitToOrderUnitDnmntr": "0"}, "1020.00"),
        ({"OrderQuantity": "3", "NetPriceAmount": "0.335", "NetPriceQuantity": "1"}, "1.01"),  # 1.005, half up
        ({"NetPriceAmount": ""}, "None"),
        # A limit counts by what is expected to be spent; a price that stands there is not multiplied as well.
        ({"PurchaseOrderItemCategory": "A", "ExpectedOverallLimitAmount": "4000.000", "OrderQuantity": "1"}, "4000.00"),
        ({"PurchaseOrderItemCategory": "1"}, "1020.00"),
        ({"ExpectedOverallLimitAmount": "4000.000"}, "1020.00"),
    ],
)
def test_the_value_of_an_item_of_sap(change: dict[str, str], amount: str) -> None:
    (item,) = mapped("sap_purchase_order_items", SAP_ITEM | change)
    assert str(item["net_amount"]) == amount


def test_an_item_of_sap_is_cancelled_where_it_was_not_delivered_or_invoiced() -> None:
    marked = {**SAP_ITEM, "PurchasingDocumentDeletionCode": "L"}
    changes = [{}, {"IsCompletelyDelivered": "true"}, {"IsFinallyInvoiced": "true"}, {"IsCompletelyDelivered": ""}]
    changes.append({"PurchasingDocumentDeletionCode": "S"})
    items = mapped("sap_purchase_order_items", SAP_ITEM, *(marked | change for change in changes))
    assert [item["is_cancelled"] for item in items] == ["False", "True", "False", "False", "True", "False"]


def test_items_and_stock_of_sap() -> None:
    item, asset = mapped(
        "sap_purchase_order_items",
        SAP_ITEM,
        {**SAP_ITEM, "AccountAssignmentCategory": "A", "IsReturnsItem": "true", "PurchaseOrderQuantityUnit": "KAR"},
    )
    assert (item["item_id"], item["category"], item["quantity_unit"]) == ("sap/4500000001/10", "sap/R100", "kg")
    assert (asset["is_capital_good"], asset["is_return"], asset["quantity_unit"]) == ("True", "True", "KAR")
    assert (item["item_type"], item["parent_item"], item["has_subitems"]) == ("standard", None, "False")
    part, whole, given = mapped(
        "sap_purchase_order_items",
        {**SAP_ITEM, "PurchasingParentItem": "10", "PurchaseOrderItemCategory": "9", "IsFinallyInvoiced": "true"},
        {**SAP_ITEM, "PurgDocAggrgdSubitemCategory": "1", "PurchaseOrderItemCategory": "K"},
        {**SAP_ITEM, "PurchasingItemIsFreeOfCharge": "true"},
    )
    assert (part["parent_item"], part["item_type"], part["is_invoiced"]) == ("10", "service", "True")
    assert (whole["has_subitems"], whole["item_type"], given["is_free_of_charge"]) == ("True", None, "True")
    keys = ["Material", "Plant", "StorageLocation", "Batch", "Supplier", "Customer", "WBSElementInternalID"]
    keys += ["SDDocument", "SDDocumentItem", "InventorySpecialStockType", "InventoryStockType"]
    stock = dict.fromkeys(keys, "") | {"Material": "M1", "Plant": "1010", "InventoryStockType": "01"}
    stock |= {"MatlWrhsStkQtyInMatlBaseUnit": "12.12345678901234", "MaterialBaseUnit": "TO"}
    free, blocked = mapped("sap_material_stock", stock, {**stock, "InventoryStockType": "07"})
    assert (free["quantity"], free["quantity_unit"]) == ("12.123457", "t")
    assert free["stock_id"] != blocked["stock_id"]
    assert str(free["stock_id"]).startswith("sap/M1/1010/")


def test_records_of_oracle_fusion() -> None:
    invoice = dict.fromkeys(("PurchaseOrderNumber", "CanceledDate", "Description"), "") | {
        "CanceledFlag": "false", "ValidationStatus": "Validated", "InvoiceType": "Standard",
        "InvoiceId": "300100000000001", "InvoiceNumber": "A-1", "InvoiceDate": "2024-03-01", "BusinessUnit": "Works",
        "TaxationCountry": "Germany", "SupplierNumber": "1252", "Supplier": "Haulier", "InvoiceAmount": "119",
        "InvoiceCurrency": "EUR",
    }  # fmt: skip
    (bill,) = mapped("oracle_fusion_invoices", invoice)
    assert (bill["line_id"], bill["country"], bill["amount"]) == ("oracle/300100000000001", "DE", "119.00")
    assert (bill["category"], bill["includes_tax"], bill["is_cancelled"]) == ("oracle/supplier/1252", "True", "False")
    assert (bill["release_state"], bill["invoice_type"]) == ("released", "standard")
    states = ("Canceled", "Needs revalidation", "Not validated", "")
    changed = [{**invoice, "ValidationStatus": state} for state in states]
    changed += [{**invoice, "CanceledFlag": "true"}, {**invoice, "CanceledDate": "2024-04-01"}]
    told = [(row["release_state"], row["is_cancelled"]) for row in mapped("oracle_fusion_invoices", *changed)]
    assert told == [(None, "True"), ("held", "False"), ("in_release", "False"), (None, "False"),
                    ("released", "True"), ("released", "True")]  # fmt: skip
    credit, ahead, new = mapped(
        "oracle_fusion_invoices",
        *({**invoice, "InvoiceType": kind} for kind in ("Credit memo", "PREPAYMENT", "Barter")),
    )
    assert (credit["invoice_type"], ahead["invoice_type"], new["unmapped"]) == ("credit", "prepayment", "True")
    requisition = {"RequisitionHeaderId": "7", "Requisition": "R-7", "CreationDate": "2024-03-01T10:00:00+00:00"}
    requisition |= {"RequisitioningBU": "Works", "DocumentStatus": "Canceled", "PreparerId": "100010"}
    (asked,) = mapped("oracle_fusion_requisitions", requisition)
    assert (asked["document_type"], asked["order_date"], asked["is_cancelled"]) == ("requisition", "2024-03-01", "True")
    account = {"_CODE_COMBINATION_ID": "13573", "_CHART_OF_ACCOUNTS_ID": "101", "AccountType": "E", "EnabledFlag": "Y"}
    account |= {f"_SEGMENT{n}": segment for n, segment in enumerate(("101", "10", "60230", "", "000", ""), start=1)}
    (booked,) = mapped("oracle_fusion_ledger_accounts", account | {"StartDateActive": "", "EndDateActive": ""})
    assert (booked["account_code"], booked["account_type"]) == ("101-10-60230-000", "expense")
    assert booked["is_enabled"] == "True"


def test_records_of_workday() -> None:
    worker = {"Employee_ID": "00001", "Worker_Type": "Contingent Worker", "FTE_Percent": "62.5", "Active": "1"}
    worker |= {
        "Hire_Date": "2020-05-01T00:00:00.000-07:00",
        "Termination_Date": "",
        "Company": "C",
        "Location": "Leeds",
    }
    (found,) = mapped("workday_workers", worker | {"Cost_Center": "CC-100", "Location_Country": "GB"})
    assert (found["worker_id"], found["worker_type"], found["fte"]) == ("workday/00001", "contingent", "0.6250")
    assert (found["hired_on"], found["is_active"]) == ("2020-05-01", "True")
    line = dict.fromkeys(("Class_of_Service", "Origination_Location", "Destination_Location", "Quantity"), "") | {
        "Expense_Report_Line_ID": "EXP-7-1", "Expense_Report_Number": "EXP-7", "Employee_ID": "00001",
        "Expense_Report_Line_Date": "2024-03-01", "Expense_Item": "Train", "Country": "GB", "Distance": "300",
        "Distance_Unit": "km", "Total_Amount": "80", "Currency": "GBP", "Expense_Report_Status": "Approved",
    }  # fmt: skip
    train, mileage, meals, unknown, hotel = mapped(
        "workday_travel",
        line,
        {**line, "Expense_Item": "Mileage", "Quantity": "42", "Distance": "", "Distance_Unit": "miles"},
        {**line, "Expense_Item": "Meals"},
        {**line, "Expense_Item": "Helicopter"},
        {**line, "Expense_Item": "Hotel", "Quantity": "3", "Distance": "", "Distance_Unit": ""},
    )
    assert (train["mode"], train["distance"], train["nights"]) == ("train", "300.000000", None)
    assert (mileage["mode"], mileage["distance"], mileage["distance_unit"]) == ("own_car", "42.000000", "mi")
    assert (meals["skip"], unknown["unmapped"], hotel["nights"]) == ("not_travel", "True", "3.00")
    assert (train["release_state"], train["is_cancelled"]) == ("released", "False")
    states = ("Draft", "In Progress", "Denied", "Canceled", "Lost")
    told = mapped("workday_travel", *({**line, "Expense_Report_Status": state} for state in states))
    assert [row["release_state"] for row in told[:4]] == ["held", "in_release", "rejected", "rejected"]
    assert [row["is_cancelled"] for row in told[:4]] == ["False", "False", "False", "True"]
    assert told[4]["unmapped"] == "True"
    billed = {"Supplier_Invoice_Line_ID": "SIL-1", "Invoice_Number": "9", "Line_Order": "1", "Company": "C"}
    billed |= {"Invoice_Date": "2024-03-01", "Company_Country": "GB", "Supplier_ID": "S-1", "Supplier": "Law"}
    billed |= {"Item_Description": "Advice", "Spend_Category_ID": "LEGAL", "Purchase_Order_Number": "", "Canceled": "0"}
    billed |= {"Ledger_Account_ID": "6000", "Quantity": "", "Unit_of_Measure": "", "Extended_Amount": "1000.5"}
    billed |= {"Currency": "GBP", "Invoice_Status": "Approved", "On_Hold": "0", "Prepaid": "0"}
    law, held, off, ahead = mapped(
        "workday_supplier_invoice_lines",
        billed,
        {**billed, "On_Hold": "1"},
        {**billed, "Extended_Amount": "-3", "Invoice_Status": "Canceled"},
        {**billed, "Prepaid": "1", "Invoice_Status": "Draft"},
    )
    assert (law["category"], law["amount"], law["includes_tax"]) == ("workday/LEGAL", "1000.50", "False")
    said = [(row["release_state"], row["invoice_type"], row["is_cancelled"]) for row in (law, held, off, ahead)]
    assert said == [("released", "standard", "False"), ("held", "standard", "False"), ("rejected", "credit", "True"),
                    ("held", "prepayment", "False")]  # fmt: skip


def test_the_units_of_sap_mean_the_same_in_every_mapping() -> None:
    """A mapping stands alone, to be copied and kept by its hash: its words are in it, and the same in all."""
    tables = {
        (name, field): rule.values
        for name, mapping in MAPPINGS.items()
        for field, rule in mapping.fields.items()
        if name.startswith("sap_") and field.endswith("unit") and rule.values
    }
    assert tables.keys() == {("sap_purchase_order_items", "quantity_unit"), ("sap_material_stock", "quantity_unit")}
    (one,) = {tuple(sorted(values.items())) for values in tables.values()}
    assert {unit for _, unit in one} <= SPELLINGS.keys()


PURCHASE = dict.fromkeys(("plant", "order_id.supplier_name", "order_id.is_cancelled", "is_cancelled"), "") | {
    **dict.fromkeys(("is_delivered", "is_invoiced", "item_type", "is_free_of_charge", "parent_item"), ""),
    **dict.fromkeys(("has_subitems", "order_id.release_state", "order_id.is_marked_for_deletion"), ""),
    "item_id": "sap/1/10", "is_capital_good": "false", "is_return": "false", "delivery_country": "DE",
    "quantity": "1200.000000", "quantity_unit": "kg", "net_amount": "1020.00", "currency": "EUR",
    "order_id.document_type": "order", "order_id.order_date": "2024-03-01", "order_id.order_number": "1",
    "order_id.supplier_id": "S", "category.method": "mass", "category.activity_type": "purchased.steel",
    "category": "sap/R100", "_net": "1200.000000",
}  # fmt: skip


def counted(row: dict[str, str | None]) -> tuple[str | None, ...]:
    return row["activity_type"], row["quantity"], row["unit"], row["skip"]


def test_purchases_count_by_mass_or_spend() -> None:
    spend = {**PURCHASE, "category.method": "spend", "_net": "1020.00"}
    mass, spent, asset, returned, transfer, elsewhere, unknown, free, free_mass = mapped(
        "purchases_to_activities",
        PURCHASE,
        spend,
        {**spend, "is_capital_good": "true"},
        {**PURCHASE, "is_return": "true", "_net": "0.000000"},
        {**PURCHASE, "order_id.document_type": "stock_transfer"},
        {**PURCHASE, "category.method": "not_counted", "category.activity_type": ""},
        {**PURCHASE, "category.method": "", "category.activity_type": "", "_net": ""},
        {**spend, "net_amount": "0.00"},
        {**PURCHASE, "net_amount": "0.00"},
    )
    assert counted(mass) == ("purchased.steel", "1200.000000", "kg", None)
    assert counted(spent) == ("purchased.steel", "1020.000000", "EUR_2024", None)
    assert (spent["supplier"], spent["cost"], spent["region"]) == ("S", "1020.00", "DE")
    assert counted(asset)[:2] == ("capital_goods.purchased.steel", "1020.000000")
    assert [row["skip"] for row in (returned, transfer, elsewhere)] == ["returned", "no_purchase", "not_counted"]
    assert counted(unknown) == (None, None, None, None)  # refused: nothing says what it counts as
    assert (free["skip"], counted(free_mass)) == ("no_value", counted(mass))
    assert "EUR_2024" in SPELLINGS


MARKED = {"order_id.is_marked_for_deletion": "true"}
SPEND = {"category.method": "spend"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"order_id.release_state": "released"}, None),
        ({"order_id.release_state": "held"}, "held"),
        ({"order_id.release_state": "in_release", "is_delivered": "false", "is_invoiced": "false"}, "in_release"),
        ({"order_id.release_state": "rejected"}, "rejected"),
        ({"order_id.release_state": "in_release", "is_delivered": "true"}, None),  # changed after it was delivered
        ({"order_id.release_state": "held", "is_invoiced": "true"}, None),
        (MARKED, "cancelled"),
        (MARKED | {"is_delivered": "true"}, None),  # archived
        (MARKED | {"is_invoiced": "true"}, None),
        ({"item_type": "stock_transfer"}, "no_purchase"),
        ({"item_type": "limit"}, None),
        ({"has_subitems": "true", "net_amount": "0.00"}, "in_subitems"),
        ({"has_subitems": "true"}, None),
        ({"parent_item": "10", "net_amount": "0.00"}, "in_parent_item"),
        ({"parent_item": "10", "net_amount": ""}, "in_parent_item"),
        ({"parent_item": "10"}, None),
        ({"parent_item": "10", "net_amount": "0.00", "is_free_of_charge": "true"}, None),
        ({"is_free_of_charge": "true", "net_amount": "0.00"}, None),
        (SPEND | {"is_free_of_charge": "true", "net_amount": "0.00"}, "free_of_charge"),
        (SPEND | {"is_free_of_charge": "true"}, "free_of_charge"),
    ],
)
def test_what_is_no_purchase_yet_or_no_more_is_left_out(change: dict[str, str], reason: str | None) -> None:
    (row,) = mapped("purchases_to_activities", PURCHASE | change)
    assert row["skip"] == reason


def test_invoices_count_where_no_order_does() -> None:
    invoice = dict.fromkeys(("quantity", "quantity_unit", "order_number", "supplier_id"), "") | {
        "line_id": "sap/1", "system": "sap", "is_cancelled": "false", "includes_tax": "false", "amount": "1000.50",
        "currency": "GBP", "country": "GB", "invoice_date": "2024-03-01", "invoice_number": "9",
        "supplier_name": "Law", "category.method": "spend", "category.activity_type": "purchased.legal",
        "release_state": "", "invoice_type": "", "company": "C", "category": "x", "_net": "1000.50",
    }  # fmt: skip
    states: tuple[dict[str, str], ...] = (
        {"release_state": "released", "invoice_type": "standard"}, {"release_state": "held"},
        {"release_state": "in_release"}, {"release_state": "rejected"}, {"invoice_type": "prepayment"},
        {"invoice_type": "interest"}, {"invoice_type": "tax"}, {"is_cancelled": "true", "amount": "0.00"},
    )  # fmt: skip
    told = mapped("invoices_to_activities", *(invoice | state for state in states))
    assert [row["skip"] for row in told] == [
        None, "held", "in_release", "rejected", "prepayment", "no_purchase", "no_purchase", "cancelled",
    ]  # fmt: skip
    plain, ordered, of_workday, of_oracle, credit, taxed = mapped(
        "invoices_to_activities",
        invoice,
        {**invoice, "order_number": "4500000001"},
        {**invoice, "line_id": "workday/1", "system": "workday", "order_number": "PO-1"},
        {**invoice, "line_id": "oracle/1", "system": "oracle", "order_number": "PO-1"},
        {**invoice, "amount": "-5.00", "_net": "0.00"},
        {**invoice, "includes_tax": "true"},
    )
    assert counted(plain) == ("purchased.legal", "1000.500000", "GBP_2024", None)
    assert [row["skip"] for row in (ordered, credit)] == ["counted_as_ordered", "credited"]
    # The orders of these systems are not loaded, so nothing but the invoice says what was spent.
    assert counted(of_workday) == counted(of_oracle) == counted(plain)
    assert (plain["data_quality"], taxed["data_quality"]) == ("calculated", "estimated")


@pytest.mark.parametrize(
    ("trip", "counts_as"),
    [
        ({"mode": "flight"}, ("travel.flight.short-haul.average_passenger.with_rf", "pkm")),
        ({"mode": "flight", "cabin_class": "first"}, ("travel.flight.short-haul.business.with_rf", "pkm")),
        ({"mode": "flight", "distance": "3700.1", "cabin_class": "premium_economy"},
         ("travel.flight.long-haul.premium_economy.with_rf", "pkm")),
        ({"mode": "flight", "distance": "3700"}, ("travel.flight.short-haul.average_passenger.with_rf", "pkm")),
        ({"mode": "flight", "distance": "2300", "distance_unit": "mi"},
         ("travel.flight.long-haul.average_passenger.with_rf", "pmi")),
        ({"mode": "train"}, ("travel.rail.national_rail", "pkm")),
        ({"mode": "own_car", "distance_unit": "mi"}, ("travel.car.average_car.unknown", "mi")),
        ({"mode": "ferry"}, ("travel.ferry.average_all_passenger", "pkm")),
        ({"mode": "hotel", "nights": "2.00"}, ("travel.hotel", "night")),
    ],
)  # fmt: skip
def test_travel_counts_by_distance_and_nights(trip: dict[str, str], counts_as: tuple[str, str]) -> None:
    usual = {"travel_id": "workday/1", "cabin_class": "", "country": "GB", "travel_date": "2024-03-01", "nights": ""}
    usual |= {"distance": "300.000000", "distance_unit": "km", "report_number": "EXP-7", "amount": "", "currency": ""}
    usual |= {"release_state": "", "is_cancelled": ""}
    row, held, cancelled, refund = mapped(
        "travel_to_activities",
        usual | trip,
        usual | trip | {"release_state": "held"},
        usual | trip | {"release_state": "rejected", "is_cancelled": "true"},
        usual | trip | {"release_state": "released", "amount": "-80.00"},
    )
    assert [each["skip"] for each in (row, held, cancelled, refund)] == [None, "held", "cancelled", "refund"]
    assert (row["activity_type"], row["unit"]) == counts_as
    assert "document_no" not in row  # the report's number leads to a person
    assert counts_as[1] in SPELLINGS
