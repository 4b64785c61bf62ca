"""What a kind's config holds, key by key: its JSON Schema with words, and the same as lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from headwater.connectors.protocol import Config
from headwater.documents.docstrings import with_fields_told

_TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "array": "list",
    "object": "keys with values",
}


@dataclass(frozen=True, kw_only=True)
class ConfigField:
    """A key of a config.

    name     as `--set` takes it; of one that stands in each item of a list with `[]` behind the list
    type     in words; the words themselves where only some are valid
    needed   whether it must be said
    default  what holds where nothing is said, as JSON has it; None where that is nothing
    words    what it is for; "" where nobody says
    of       of a part that has several forms the `kind` of the form; "" for all
    """

    name: str
    type: str
    needed: bool
    default: Any
    words: str
    of: str = ""


class _Telling(GenerateJsonSchema):
    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - as the class has it
        """It would say the name once more."""
        return False

    def model_schema(self, schema: Any) -> dict[str, Any]:
        """With what docstrings say of the fields."""
        return with_fields_told(super().model_schema(schema), schema["cls"])


@cache
def schema_of(config: type[Config]) -> dict[str, Any]:
    """The JSON Schema of a config, with words beside each key."""
    return config.model_json_schema(schema_generator=_Telling)


def fields_of(config: type[Config]) -> Sequence[ConfigField]:
    """The keys of a config, those within others behind them; those that are needed first."""
    schema = schema_of(config)
    found = list(_fields(schema, schema.get("$defs", {})))
    tops = {each.name: each.needed for each in found}
    return sorted(found, key=lambda each: not tops[each.name.replace("[]", "").partition(".")[0]])


def _fields(part: Mapping[str, Any], parts: Mapping[str, Any], within: str = "", of: str = "") -> Iterator[ConfigField]:
    required = part.get("required", ())
    for name, field in part.get("properties", {}).items():
        if of and name == "kind":
            continue  # it stands with the part itself
        forms, many = _forms(field, parts)
        default = field.get("default")
        yield ConfigField(
            name=f"{within}{name}",
            type=_type(field, parts),
            needed=name in required,
            default=default if isinstance(default, str | int | float) else None,
            words=str(field.get("description", "")).rstrip("."),
            of=of,
        )
        below = f"{within}{name}{'[]' if many else ''}."
        for kind, form in forms:
            yield from _fields(form, parts, below, kind if len(forms) > 1 else of)


def _forms(field: Mapping[str, Any], parts: Mapping[str, Any]) -> tuple[list[tuple[str, Mapping[str, Any]]], bool]:
    """The parts with keys of their own that may stand there, each with its `kind`; whether there may be many."""
    many = "items" in field
    found: list[tuple[str, Mapping[str, Any]]] = []
    for each in _choices(field["items"] if many else field):
        if "items" in each:
            inner, _ = _forms(each, parts)
            found, many = found + inner, True
        elif "$ref" in each:
            form = parts[each["$ref"].rpartition("/")[2]]
            if "properties" in form:
                found.append((str(form["properties"].get("kind", {}).get("const", "")), form))
    return found, many


def _choices(field: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    choices: list[Mapping[str, Any]] = field.get("anyOf") or field.get("oneOf") or [field]
    return [each for each in choices if each.get("type") != "null"]


def _type(field: Mapping[str, Any], parts: Mapping[str, Any]) -> str:
    forms, many = _forms(field, parts)
    if len(forms) > 1 and not many:
        return f"keys with values, by its kind: {', '.join(kind for kind, _ in forms)}"
    return " or ".join(dict.fromkeys(_word(each, parts) for each in _choices(field)))


def _word(field: Mapping[str, Any], parts: Mapping[str, Any]) -> str:
    if "$ref" in field:
        return _type(parts[field["$ref"].rpartition("/")[2]], parts)
    if "enum" in field:
        return ", ".join(map(str, field["enum"]))
    if "const" in field:
        return str(field["const"])
    if field.get("format") == "path":
        return "path"
    kind = _TYPES.get(str(field.get("type")), "text")
    low, high = field.get("minimum"), field.get("maximum")
    if low is not None and high is not None:
        return f"{kind}, {low} to {high}"
    return kind
