"""JSON Schema and ODCS of every contract: valid by the standards' own schemas, and true of accepted records."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import jsonschema
import pytest
import yaml

from headwater.contracts import Document, enforce_row, json_schema, odcs_yaml
from headwater.packs.ghg import pack
from headwater.values import TextFormat

DOCUMENTS = pack.documents()
RECORDS = {
    "activity": {
        "activity_id": "1",
        "activity_type": "train",
        "region": "DE",
        "period_start": "2024-01-01",
        "quantity": "1,000",
        "unit": "km",
        "data_quality": "measured",
        "cost": "-3.5",
        "currency": "EUR",
        "note": "ü\n\"'",
    },
    "emission_factor": {
        "factor_id": "1",
        "source": "s",
        "publication_year": "2024",
        "activity_type": "train",
        "region": "DE",
        "unit": "km",
        "scope": "3",
        "category": "6",
        "method": "activity_based",
        "gwp_set": "AR6",
        "co2e_kg_per_unit": "0.0000000001",
        "valid_from": "2024-01-01",
        "valid_to": "2025-01-01",
        "redistributable": "yes",
    },
    "emission": {
        "activity_id": "1",
        "method": "activity_based",
        "gwp_set": "AR6",
        "scope": "1",
        "factor_id": "f",
        "converted_quantity": "123456789012.123456",
        "factor_unit": "km",
        "co2e_kg": "0",
    },
    "energy_instrument": {
        "instrument_id": "1",
        "kind": "certificate",
        "market": "DE",
        "valid_from": "2024-01-01",
        "valid_to": "2025-01-01",
        "energy_mwh": "12.5",
        "co2e_kg_per_kwh": "0",
        "gwp_set": "not_stated",
        "renewable": "true",
    },
    "warming_potential": {"gwp_set": "EPA_2024", "gas": "HFC-134a", "gwp_100": "1300", "source": "s"},
    "organisation_fact": {
        "fact": "headcount",
        "facility_code": "*",
        "period_start": "2024-12-31",
        "quantity": "120",
        "unit": "person",
    },
    "facility_emission": {
        "source": "s",
        "facility_code": "f",
        "year": "2024",
        "gwp_set": "not_stated",
        "longitude": "-179.999999",
        "scope1_co2e_t": "-0.5",
    },
}


def as_json(document: Document, record: dict[str, str]) -> dict[str, Any]:
    """A record as the API would give it: canonical text, but for whole numbers and booleans."""
    result = enforce_row(document, record, TextFormat())
    assert not result.rejected, result.findings
    return {
        field.name: value if value is None or field.type in {"integer", "boolean"} else field.kind.canonical(value)
        for field in document.fields
        for value in [result.values[field.name]]
    }


def validator(document: Document) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(
        json_schema(document), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.reference)
def test_the_json_schema_is_one_and_holds_of_accepted_records(document: Document) -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema(document))
    json.dumps(json_schema(document))
    validator(document).validate(as_json(document, RECORDS[document.name]))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("quantity", "-1.000000"),
        ("quantity", "1.0000000"),
        ("quantity", 1.5),
        ("quantity", "1e3"),
        ("quantity", "٣.000000"),
        ("quantity", "1234567890123.000000"),
        ("unit", ""),
        ("unit", "x" * 33),
        ("unit", None),
        ("data_quality", "guessed"),
        ("currency", "EURO"),
        ("currency", "eur"),
        ("period_start", "2023-02-29"),
        ("period_start", "01.02.2023"),
        ("other", "x"),
    ],
)
def test_the_json_schema_refuses_what_the_document_refuses(field: str, value: object) -> None:
    document = DOCUMENTS[0]
    record = as_json(document, RECORDS["activity"]) | {field: value}
    assert not validator(document).is_valid(record)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.reference)
def test_odcs_tells_every_field_with_its_limits(document: Document) -> None:
    body = yaml.safe_load(odcs_yaml(document))
    assert (body["apiVersion"], body["version"]) == ("v3.2.0", document.version)
    (schema,) = body["schema"]
    properties = {each["name"]: each for each in schema["properties"]}
    assert list(properties) == list(document.by_name)
    for field in document.fields:
        told = properties[field.name]
        options = told.get("logicalTypeOptions", {})
        assert told["required"] is field.required
        assert told.get("primaryKey", False) is field.key
        assert [str(each["value"]) for each in told.get("enum", [])] == list(field.enum)
        assert options.get("maxLength") == field.max_length
        if field.minimum is not None and field.type != "date":
            assert Decimal(str(options["minimum"])) == Decimal(field.minimum)
    rules = [rule for rule in document.rules if rule.kind == "row"]
    assert [each["name"] for each in schema["quality"]] == [rule.id for rule in rules]
    assert all(re.fullmatch(r"[^\s.#/\\@!%&^]+", each["id"]) for each in schema["quality"])
