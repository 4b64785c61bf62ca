"""The page of the HTTP interface, made from its OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from headwater.api.access import PREFIX
from headwater.api.app import DESCRIPTION, create_app
from headwater.settings import Settings
from tools.reference_answers import answer_line, shapes

SHAPES = """What answers in JSON have in them. A later version may add fields, and takes none away; it is said where
null may stand, and which fields may be left out. Clients made from the document have classes of these names."""
METHODS = ("get", "head", "post", "put", "patch", "delete", "options")


def api_page(note: str) -> str:
    """Every route with its right, parameters and body, by resource."""
    document = _document()
    lines = [
        "# HTTP interface",
        "",
        note,
        *DESCRIPTION.strip().splitlines(),
        "",
        f"All below `{PREFIX}`. The OpenAPI document, from which clients can be made, is served as",
        f"`{PREFIX}/openapi.json`. [How to use it with curl](../how-to/use-the-api.md). Beside stand `/healthz` (the",
        "process answers), `/readyz` (the database does, and is at this version's schema) and `/metrics` (Prometheus).",
        "",
        *_problems(document),
    ]
    by_tag: dict[str, list[tuple[str, str, dict[str, Any]]]] = {}
    for path, methods in document["paths"].items():
        for method in METHODS:
            if method in methods and path.startswith(PREFIX):
                told = methods[method]
                by_tag.setdefault(told["tags"][0], []).append((method.upper(), path.removeprefix(PREFIX), told))
    for tag, routes in by_tag.items():
        lines += ["", f"## {tag}", ""]
        for method, path, told in routes:
            lines += [f"### {method} {path}", "", *_route(told, document), ""]
    lines += ["", "## Shapes of answers", "", SHAPES, *shapes(document)]
    return "\n".join(lines).rstrip() + "\n"


def _document() -> dict[str, Any]:
    return create_app(Settings()).openapi()


def _problems(document: dict[str, Any]) -> Iterator[str]:
    yield "## Errors"
    yield ""
    yield "| field | |"
    yield "|---|---|"
    for name, told in document["components"]["schemas"]["Problem"]["properties"].items():
        yield f"| `{name}` | {told.get('description', '')} |"
    yield ""
    yield "| status | when |"
    yield "|---|---|"
    yield from (
        "| 400 | the request is malformed |",
        "| 401 | there is no token, or it holds no more |",
        "| 403 | the token's holder lacks the right that `value` names |",
        "| 404 | there is no such thing in the organisation |",
        "| 408 | the body comes too slowly |",
        "| 409 | it is in another state, taken, or being done just now |",
        "| 412 | it was changed since the version that If-Match names: `mine` and `theirs` |",
        "| 413 | the body is too large |",
        "| 415 | the body is of another type than the route takes |",
        "| 422 | a value is wrong, or a file is refused |",
        "| 429 | there are too many requests: Retry-After |",
        "| 503 | it may pass by itself: Retry-After; or a person must look at the installation |",
    )


def _route(told: dict[str, Any], document: dict[str, Any]) -> Iterator[str]:
    yield " ".join(str(told.get("description", "")).split())
    yield ""
    where = " in the organisation or a unit" if told.get("x-anywhere") else ""
    yield f"Right: `{told['x-right']}`{where}."
    rows = [
        (each["name"], each["in"], each.get("description", "")) for each in told.get("parameters", ())
        if each["in"] != "path" and each["name"] != "Idempotency-Key"
    ]  # fmt: skip
    body = told.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    named = body.get("$ref", "").rpartition("/")[2]
    schema = document["components"]["schemas"].get(named, {})
    rows += [(name, "body", fact.get("description", "")) for name, fact in schema.get("properties", {}).items()]
    if answered := answer_line(told):
        yield ""
        yield answered
    if rows:
        yield ""
        yield "| | | |"
        yield "|---|---|---|"
        yield from (f"| `{name}` | {place} | {' '.join(text.split())} |" for name, place, text in rows)
