"""What routes answer, as the OpenAPI document tells it: read from what their functions say that they give back.

It is told, and held to it by tests; while it serves, nothing is spent on comparing answers with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_type_hints

from fastapi import Response
from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from headwater.documents.docstrings import with_fields_told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from headwater.api.access import GuardedRoute

REF = "#/components/schemas/"
JSON = "application/json"


def answer_of(endpoint: Callable[..., Any]) -> Any:
    """The type of what an endpoint gives back to be told as JSON; None for nothing, or a response of its own."""
    told = get_type_hints(endpoint, include_extras=True).get("return")
    is_response = isinstance(told, type) and issubclass(told, Response)
    return None if told is type(None) or is_response else told


def tell_answers(document: dict[str, Any], routes: Iterable[GuardedRoute]) -> None:
    """Put into the document what each route answers where all went well."""
    told = {route.unique_id: route.answer for route in routes if route.answer is not None}
    schemas, parts = schemas_of(told)
    known = document["components"].setdefault("schemas", {})
    taken = {name for name in parts if known.get(name, parts[name]) != parts[name]}
    if taken:
        raise ValueError(f"two shapes are called the same: {sorted(taken)}")
    known.update(parts)
    for methods in document["paths"].values():
        for method in methods.values():
            if method.get("operationId") in schemas:
                success = next(each for status, each in method["responses"].items() if status.startswith("2"))
                success["content"][JSON]["schema"] = schemas[method["operationId"]]


class _Telling(GenerateJsonSchema):
    """Gives to each field what the docstring of its class, or of one that this one goes on from, says of it."""

    def field_is_required(self, field: Any, total: bool) -> bool:  # noqa: FBT001 - as the class has it
        """What is given back has all its fields, those that something stands in for where nothing is said too."""
        return super().field_is_required(field, total) if field["type"] == "typed-dict-field" else True

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - as the class has it
        """It would say the name once more."""
        return False

    def decimal_schema(self, schema: Any) -> dict[str, Any]:  # noqa: ARG002 - as the class has it
        """A text, so that it stays exact."""
        return {"type": "string", "format": "decimal"}

    def typed_dict_schema(self, schema: Any) -> dict[str, Any]:
        """A typed dictionary."""
        return _told(super().typed_dict_schema(schema), schema["cls"])

    def dataclass_schema(self, schema: Any) -> dict[str, Any]:
        """A dataclass."""
        return _told(super().dataclass_schema(schema), schema["cls"])


def schemas_of(told: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The JSON Schema of each type, and the parts that these refer to, by name."""
    adapters = [(name, "serialization", TypeAdapter(kind)) for name, kind in told.items()]
    schemas, rest = TypeAdapter.json_schemas(
        adapters,  # type: ignore[arg-type]  # of any
        ref_template=REF + "{model}",
        schema_generator=_Telling,
    )
    return {name: schema for (name, _), schema in schemas.items()}, rest.get("$defs", {})


def _told(part: dict[str, Any], kind: type) -> dict[str, Any]:
    del part["title"]  # every kind of page has the same, and generators call classes by it
    others = getattr(kind, "__other_fields__", None)
    more = {} if others is None else {"additionalProperties": others}
    return with_fields_told({**part, **more}, kind)
