"""What routes answer, from the OpenAPI document: a line at each route, and a table for each shape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

JSON = "application/json"
WORDS = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false", "null": "null"}
FORMATS = {"date-time": "moment", "date": "day", "uuid": "id", "decimal": "decimal as text", "binary": "file"}


def answer_line(told: dict[str, Any]) -> str | None:
    """What a route answers where all goes well; None where it is no JSON."""
    for status, answer in told["responses"].items():
        if status.startswith("2") and JSON in answer.get("content", {}):
            return f"Answers {status}: {kind_of(answer['content'][JSON]['schema'])}."
    return None


def shapes(document: dict[str, Any]) -> Iterator[str]:
    """Each shape that an answer has or is made of, by name."""
    schemas = document["components"]["schemas"]
    answers = [
        answer["content"]
        for methods in document["paths"].values()
        for told in methods.values()
        for status, answer in told["responses"].items()
        if status.startswith("2") and JSON in answer.get("content", {})
    ]
    for name in sorted(reached_from(answers, schemas), key=str.lower):
        yield from ("", f"### {called(name)}", "")
        yield " ".join(schemas[name].get("description", "").split())
        yield ""
        yield "| field | | |"
        yield "|---|---|---|"
        required = schemas[name].get("required", ())
        for field, told in schemas[name].get("properties", {}).items():
            often = "" if field in required else ", or left out"
            yield f"| `{field}` | {kind_of(told)}{often} | {' '.join(told.get('description', '').split())} |"
        if isinstance(others := schemas[name].get("additionalProperties"), dict):
            yield f"| others | {kind_of(others)} | Fields of the contract. |"


def called(name: str) -> str:
    """A shape's name, as generated clients call it."""
    return name.replace("_", "")


def kind_of(schema: dict[str, Any]) -> str:
    """What may stand there, in words, with links to shapes."""
    if "$ref" in schema:
        name = called(schema["$ref"].rpartition("/")[2])
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(kind_of(each) for each in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{each}`" for each in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"list of {_of_a_list(schema)}"
    if schema.get("type") == "object":
        of = schema.get("additionalProperties")
        return f"map of {kind_of(of)}" if isinstance(of, dict) and of else "object"
    return FORMATS.get(schema.get("format", ""), WORDS.get(schema.get("type", ""), "any"))


def _of_a_list(schema: dict[str, Any]) -> str:
    if "prefixItems" in schema:
        return "(" + ", ".join(kind_of(each) for each in schema["prefixItems"]) + ")"
    return kind_of(schema.get("items", {}))


def reached_from(parts: Any, schemas: dict[str, Any]) -> set[str]:
    """Names of the schemas that something refers to, by others too."""
    found: set[str] = set()
    rest = [parts]
    while rest:
        match rest.pop():
            case dict() as part:
                name = str(part.get("$ref", "")).rpartition("/")[2]
                if name and name not in found:
                    found.add(name)
                    rest.append(schemas[name])
                rest.extend(part.values())
            case list() as several:
                rest.extend(several)
    return found
