"""Real files of JSON and XML: what is read is what Python's own parsers make of them, walked by hand."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from headwater.connectors.formats import find_format
from headwater.connectors.inspection import Inspection
from headwater.connectors.nested import NestedConfig, inspect_nested, read_nested
from headwater.errors import InputRefused
from tests.acceptance.raw import SHARED, needs_real_files

pytestmark = needs_real_files
Rows = list[dict[str, str]]


def load(name: str, **said: Any) -> tuple[Inspection[NestedConfig], Rows]:
    path = SHARED / name
    format_ = find_format(path, path.name).format
    found = inspect_nested(path, NestedConfig(**{"format": format_} | said), name=path.name)
    batches = read_nested(path, found.config, name=path.name, decimal=".").batches
    return found, [row for batch in batches for row in batch.rows.to_pylist()]


def raw(name: str) -> Any:
    return json.loads((SHARED / name).read_bytes(), parse_float=Decimal)


@pytest.mark.parametrize(
    ("name", "records", "steps", "count"),
    [
        ("erp/sap/A_PurchaseOrder_envelope_example.json", "d/results", ("d", "results"), 1),
        ("erp/sap/material_stock_envelope_example.json", "d/results", ("d", "results"), 1),
        ("erp/oracle/collection_envelope_example.json", "items", ("items",), 1),
        ("erp/workday/raas_envelope_example.json", "Report_Entry", ("Report_Entry",), 1),
    ],
)
def test_the_records_of_an_erp_are_found_in_their_envelope(
    name: str, records: str, steps: tuple[str, ...], count: int
) -> None:
    found, rows = load(name)
    inside = raw(name)
    for step in steps:
        inside = inside[step]
    assert (found.config.records, found.confidence, len(rows), len(inside)) == (records, 1.0, count, count)
    for row, record in zip(rows, inside, strict=True):
        plain = {key: value for key, value in record.items() if isinstance(value, str | int)}
        assert plain
        assert {key: row[key] for key in plain} == {key: str(value) for key, value in plain.items()}


def test_what_is_nested_in_an_order_has_names_with_dots() -> None:
    _, (order,) = load("erp/sap/A_PurchaseOrder_envelope_example.json")
    assert order["__metadata.type"] == "API_PURCHASEORDER_PROCESS_SRV.A_PurchaseOrderType"
    assert order["CreationDate"] == "/Date(1636934400000)/"
    _, (invoice,) = load("erp/oracle/collection_envelope_example.json")
    assert json.loads(invoice["links"]) == raw("erp/oracle/collection_envelope_example.json")["items"][0]["links"]


def test_one_order_item_is_one_record() -> None:
    found, (item,) = load("erp/sap/purchase-order-item-sample_latonaio.json")
    expected = raw("erp/sap/purchase-order-item-sample_latonaio.json")
    assert found.columns == tuple(expected)
    assert item["IsCompletelyDelivered"] == "TRUE"
    assert item["DeliveryAddressStreetName"] == expected["DeliveryAddressStreetName"]


def test_fixtures_of_seven_tables_are_one() -> None:
    found, rows = load("places/facility_lookups.json")
    fixtures = raw("places/facility_lookups.json")
    assert len(rows) == len(fixtures)
    assert Counter(row["model"] for row in rows) == Counter(each["model"] for each in fixtures)
    assert set(found.columns) == {"model", "pk"}.union(*(each["fields"] for each in fixtures))
    for row, fixture in zip(rows, fixtures, strict=True):
        filled = {key: value for key, value in row.items() if value and key not in {"model", "pk"}}
        expected = {key: value for key, value in fixture["fields"].items() if value not in {None, ""}}
        assert (row["pk"], filled) == (str(fixture["pk"]), {key: str(value) for key, value in expected.items()})


EDM = "{http://schemas.microsoft.com/ado/2008/09/edm}"
EDMX = "erp/sap/API_PURCHASEORDER_PROCESS_SRV.edmx"


def test_metadata_of_sap_has_several_tables_and_is_read_by_the_one_that_is_said() -> None:
    with pytest.raises(InputRefused, match="several elements are repeated") as refused:
        load(EDMX)
    assert "Edmx/DataServices/Schema/EntityType" in str(refused.value.value)
    _, rows = load(EDMX, records="Edmx/DataServices/Schema/EntityType/Property")
    tree = ElementTree.fromstring((SHARED / EDMX).read_bytes())  # noqa: S314 - a file of our own shelf
    properties = tree.findall(f".//{EDM}EntityType/{EDM}Property")
    assert len(rows) == len(properties) == 284
    assert [row["@Name"] for row in rows] == [each.attrib["Name"] for each in properties]
    assert [row["@label"] for row in rows] == [
        each.attrib.get("{http://www.sap.com/Protocols/SAPData}label", "") for each in properties
    ]


@pytest.mark.parametrize("path", sorted((SHARED / "regulation").rglob("*.xsd")), ids=lambda path: path.name)
def test_a_schema_is_read_as_its_types(path: Path) -> None:
    found = inspect_nested(path, NestedConfig(format="xml"), name=path.name)
    kind = (found.config.records or "").rpartition("/")[2]
    tree = ElementTree.fromstring(path.read_bytes())  # noqa: S314 - a file of our own shelf
    names = [each.attrib["name"] for each in tree.findall(f"{{http://www.w3.org/2001/XMLSchema}}{kind}")]
    batches = read_nested(path, found.config, name=path.name, decimal=".").batches
    assert [row["@name"] for batch in batches for row in batch.rows.to_pylist()] == names


def test_json_under_a_csv_name_is_refused_as_what_it_is(tmp_path: Path) -> None:
    renamed = tmp_path / "lookups.csv"
    renamed.write_bytes((SHARED / "places/facility_lookups.json").read_bytes())
    with pytest.raises(InputRefused, match="this is JSON"):
        find_format(renamed, renamed.name)


def real_files() -> list[Path]:
    return sorted(path for path in SHARED.rglob("*") if path.is_file() and path.suffix != ".md")


@pytest.mark.parametrize("path", real_files(), ids=lambda path: path.name)
def test_every_real_file_is_of_the_format_its_name_says(path: Path) -> None:
    expected = {".edmx": "xml", ".xsd": "xml", ".csn": "json", ".txt": "csv"}.get(
        path.suffix, path.suffix.removeprefix(".")
    )
    assert (find_format(path, path.name).format or path.suffix) == expected
