"""A contract as Open Data Contract Standard v3.2 YAML, for catalogues and tools outside."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import yaml

from headwater.contracts.document import Document, FieldSpec, RuleSpec
from headwater.contracts.expression import CHECK_DIGITS
from headwater.contracts.table import table_name
from headwater.values import record_id

API_VERSION = "v3.2.0"

_LOGICAL_TYPES = {
    "text": "string",
    "code": "string",
    "decimal": "number",
    "integer": "integer",
    "date": "date",
    "timestamp": "timestamp",
    "boolean": "boolean",
}
# The standard knows seven dimensions; what we call validity it calls conformity.
_DIMENSIONS = {"validity": "conformity"}


def odcs_yaml(document: Document) -> str:
    """Everything the standard has words for; our own words, such as the unit of a field, stand in customProperties."""
    table = table_name(document)
    body = {
        "apiVersion": API_VERSION,
        "kind": "DataContract",
        "id": str(record_id("contract", document.name)),
        "name": document.title,
        "version": document.version,
        "status": "active",
        "description": {"purpose": document.description},
        "schema": [
            {
                "name": document.name,
                "physicalName": table,
                "physicalType": "table",
                "logicalType": "object",
                "description": document.description,
                "properties": [_property(document, field) for field in document.fields],
                "quality": [_quality(rule, table) for rule in document.rules if rule.kind == "row"],
            }
        ],
        "customProperties": _custom(
            {"documentSha256": document.hash.hex(), "calculatedFrom": document.calculated_from}
        ),
    }
    return yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=120)


def _property(document: Document, field: FieldSpec) -> dict[str, Any]:
    key = [each.name for each in document.key]
    entry: dict[str, Any] = {
        "name": field.name,
        "logicalType": _LOGICAL_TYPES[field.type],
        "physicalType": field.stored_type,
        "description": field.description,
        "required": field.required,
    }
    if field.key:
        entry |= {"primaryKey": True, "primaryKeyPosition": key.index(field.name) + 1}
    if options := _options(field):
        entry["logicalTypeOptions"] = options
    if field.enum:
        entry["enum"] = [{"value": int(word) if field.type == "integer" else word} for word in field.enum]
    if field.personal:
        entry["classification"] = "personal"
    if field.reference:
        entry["relationships"] = [{"type": "foreignKey", "to": field.reference}]
    custom = _custom({"unit": field.unit, "default": field.default, "citation": field.citation, "since": field.since})
    return {**entry, "customProperties": custom} if custom else entry


def _options(field: FieldSpec) -> dict[str, Any]:
    options: dict[str, Any] = {
        "minLength": field.min_length,
        "maxLength": field.max_length,
        "pattern": None if field.pattern is None else f"^(?:{field.pattern})$",
        "minimum": _bound(field, field.minimum),
        "maximum": _bound(field, field.maximum),
        "timezone": True if field.type == "timestamp" else None,
    }
    return {name: value for name, value in options.items() if value is not None}


def _bound(field: FieldSpec, text: str | None) -> str | int | float | None:
    """Numbers as YAML numbers, whole ones without a point; days as text."""
    if text is None or field.type == "date":
        return text
    number = Decimal(text)
    return int(number) if number == number.to_integral_value() else float(number)


def _quality(rule: RuleSpec, table: str) -> dict[str, Any]:
    body = {
        "id": rule.id.replace(".", "-"),
        "name": rule.id,
        "description": f"{rule.message} Valid: {rule.valid}. {rule.repair}",
        "dimension": _DIMENSIONS.get(rule.dimension, rule.dimension),
        "severity": "error" if rule.severity == "reject" else "warning",
    }
    if any(f"{function}(" in str(rule.expression) for function in CHECK_DIGITS):
        return {**body, "type": "text"}  # no database has the function: the words alone say what is valid
    query = f"SELECT count(*) FROM {table} WHERE NOT ({rule.expression})"
    return {**body, "type": "sql", "query": query, "mustBe": 0}


def _custom(facts: dict[str, str | None]) -> list[dict[str, str]]:
    return [{"property": name, "value": value} for name, value in facts.items() if value is not None]
