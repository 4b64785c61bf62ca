"""The OpenAPI document tells the fields of every answer in JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from headwater.api.app import create_app
from headwater.settings import Settings
from tests.api.closed import closed
from tools.reference_answers import reached_from

OPEN = {
    "AuditListed.payload",  # by the action
    "ConnectorKind.config",  # a JSON Schema
    "ConnectorListed.config",  # by the kind of the connector, whose schema `/connector-kinds` tells
    "ConnectorShown.config",
    "InspectionFound.config",  # as mappings take it
    "InventoryShown.document",  # by the schema of inventories
    "JobListed.arguments",  # by the kind of the job
    "JobListed.result",
    "JobShown.arguments",
    "JobShown.result",
    "MappingShown.document",  # by the schema of mappings
    "Notification.data",  # by the event
    "NotificationListed.data",
    "Part.figures",  # by the part
    "ScheduleShown.arguments",  # by the kind of the job
}
"""Fields that are any JSON, and who decides what stands there."""


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return create_app(Settings()).openapi()


def answers(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What each operation answers in JSON where all goes well."""
    for path, methods in document["paths"].items():
        for method, told in methods.items() if path.startswith("/api/v1/") else ():
            for status, answer in told["responses"].items():
                if status.startswith("2") and "application/json" in answer.get("content", {}):
                    yield f"{method.upper()} {path.removeprefix('/api/v1')}", answer["content"]["application/json"]


def untold(schema: dict[str, Any], where: str) -> Iterator[str]:
    """Places of a schema of which nothing is told."""
    if "$ref" in schema:
        return
    for each in schema.get("anyOf", schema.get("oneOf", ())):
        yield from untold(each, where)
    for name, each in schema.get("properties", {}).items():
        yield from untold(each, f"{where}.{name}")
    for each in (schema.get(name) for name in ("items", "additionalProperties") if name in schema):
        yield from untold(each, where) if isinstance(each, dict) else (where,)
    for each in schema.get("prefixItems", ()):
        yield from untold(each, where)
    kinds = {"anyOf", "oneOf", "properties", "additionalProperties", "items", "prefixItems", "enum", "const"}
    if not kinds & schema.keys() and schema.get("type", "object") in {"object", "array"}:
        yield where


def test_every_answer_is_told(document: dict[str, Any]) -> None:
    found = {name for name, answer in answers(document) if list(untold(answer["schema"], ""))}
    assert found == set()
    assert len(list(answers(document))) > 100


def test_every_field_of_an_answer_has_a_type(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    reached = reached_from([answer for _, answer in answers(document)], schemas)
    assert {place for name in reached for place in untold(schemas[name], name)} == OPEN


def test_every_shape_says_what_it_is(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    reached = reached_from([answer for _, answer in answers(document)], schemas)
    assert [
        name for name in sorted(reached) if "properties" in schemas[name] and not schemas[name].get("description")
    ] == []


def test_what_is_held_against_the_document_has_its_fields_and_no_others(document: dict[str, Any]) -> None:
    told = {"$ref": "#/components/schemas/UnitsArchived", "components": closed(document)["components"]}
    strict = jsonschema.Draft202012Validator(told)
    assert strict.is_valid({"archived": 1})
    assert not any(strict.is_valid(each) for each in ({}, {"archived": None}, {"archived": 1, "more": 2}))
