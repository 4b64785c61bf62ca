"""JSON Schema 2020-12 of a record in canonical form: decimals are text, so that no digit is lost."""

from __future__ import annotations

import json
from typing import Any

from headwater.contracts.document import Document, FieldSpec

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(document: Document) -> dict[str, Any]:
    """Row rules, references and bounds of decimals and dates are beyond JSON Schema; bounds stand in `x-` keywords."""
    return {
        "$schema": DIALECT,
        "$id": f"urn:headwater:contract:{document.name}:{document.version}",
        "title": document.title,
        "description": document.description,
        "type": "object",
        "properties": {field.name: _property(field) for field in document.fields},
        "required": [field.name for field in document.fields if field.required],
        "additionalProperties": False,
        "x-key": [field.name for field in document.key],
        "x-document": document.hash.hex(),
        **({"x-calculated-from": document.calculated_from} if document.calculated_from is not None else {}),
    }


def _property(field: FieldSpec) -> dict[str, Any]:
    shape = _shape(field)
    if field.enum:
        shape["enum"] = [int(word) if field.type == "integer" else word for word in field.enum]
    if not field.required:
        shape["type"] = [shape["type"], "null"]
        if field.enum:
            shape["enum"].append(None)
    if field.default is not None:
        shape["default"] = json.loads(field.default) if field.type in ("integer", "boolean") else field.default
    extras = {
        "description": field.description,
        "x-unit": field.unit,
        "x-reference": field.reference,
        "x-citation": field.citation,
        "x-personal": field.personal or None,
        "x-since": field.since,
    }
    return {**shape, **{key: value for key, value in extras.items() if value is not None}}


def _shape(field: FieldSpec) -> dict[str, Any]:
    bounds = {"minimum": field.minimum, "maximum": field.maximum}
    given = {side: bound for side, bound in bounds.items() if bound is not None}
    match field.type:
        case "integer":
            return {"type": "integer", **{side: int(bound) for side, bound in given.items()}}
        case "boolean":
            return {"type": "boolean"}
        case "decimal":
            shape: dict[str, Any] = {"type": "string", "pattern": _decimal_pattern(field)}
        case "date":
            shape = {"type": "string", "format": "date"}
        case "timestamp":
            shape = {"type": "string", "format": "date-time"}
        case _:
            shape = {"type": "string", "minLength": field.min_length or 1}
            if field.max_length is not None:
                shape["maxLength"] = field.max_length
            if field.pattern is not None:
                shape["pattern"] = f"^(?:{field.pattern})$"
    return {**shape, **{f"x-{side}": bound for side, bound in given.items()}}


def _decimal_pattern(field: FieldSpec) -> str:
    scale = field.scale or 0
    whole = (field.precision or 0) - scale
    sign = "" if field.minimum is not None and not field.minimum.startswith("-") else "-?"
    fraction = rf"\.[0-9]{{{scale}}}" if scale else ""
    return rf"^{sign}[0-9]{{1,{whole}}}{fraction}$"
