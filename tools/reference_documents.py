"""Reference pages of documents, made from their classes: mapping, recipe, inventory, contracts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from headwater.accounting.inventory.document import inventory_json_schema
from headwater.accounting.inventory.lines import COLUMNS, KEY, sql_type
from headwater.contracts import Document, FieldSpec
from headwater.mapping.document import mapping_json_schema
from headwater.pipeline.recipe import Recipe
from headwater.services.installation import installed_packs

MAPPING = """\
```yaml
mapping: meters
version: 1.0.0
contract: activity@1
source: {format: csv, delimiter: ";", comment: "#"}
locale: {decimal: ",", group: ".", date_order: DMY}
absent: {"k.A.": not_reported}
skip:
  - {when: "meter = 'Total'", reason: total_line}
fields:
  activity_id: {expression: "meter || '/' || day"}
  activity_type: {column: kind, values: {power: electricity, gas: natural_gas}}
  region: {constant: GB}
  period_start: {column: day}
  quantity: {column: reading}
  unit: {column: unit}
```"""

RECIPE = """\
```yaml
recipe: electricity
version: 1.0.0
source: {path: ../inbox/electricity.csv, name: electricity}
mapping: meters.yaml
load: {strategy: delta}
factors: {methods: [location_based, activity_based]}
```"""

INVENTORY = """\
```yaml
inventory: laboratory_2020
organisation: Laboratory of the example
boundary: {approach: operational_control}
period: {start: 2020-01-01, end: 2021-01-01}
methods: [location_based, market_based]
gwp_sets: [AR5, AR6]
designated: {method: location_based, gwp_set: AR5}
factors:
  sources: ["UK Government GHG Conversion Factors for Company Reporting"]
  types: {electricity: [electricity, electricity_transmission]}
  regions: {DE: [DE, EU]}
  years: {allow: previous, most: 2}
  upstream: true
instruments: {grid_average: true}
ch4_origin: {default: non_fossil}
```"""


def mapping_schema() -> str:
    """The JSON Schema of a mapping, as published."""
    return json.dumps(mapping_json_schema(), indent=2, ensure_ascii=False) + "\n"


def recipe_schema() -> str:
    """The JSON Schema of a recipe, as published."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Recipe.model_json_schema()}
    return json.dumps({**schema, "title": "Headwater recipe"}, indent=2, ensure_ascii=False) + "\n"


def mapping_page(note: str) -> str:
    """Every key of a mapping."""
    intro = (
        "A mapping says how a source's columns become a contract's fields. It is YAML or JSON, has a version, and is\n"
        "kept by its hash with every run that used it. Unknown keys and keys said twice are refused.\n"
        "JSON Schema: [mapping.schema.json](mapping.schema.json). What `expression` and `when` may hold stands under\n"
        "[expressions](expressions.md); how to write one, [here](../how-to/write-a-mapping.md)."
    )
    return document_page("Mapping", note, intro, MAPPING, json.loads(mapping_schema()))


def recipe_page(note: str) -> str:
    """Every key of a recipe."""
    intro = (
        "A recipe says what a run does with a source: `headwater run recipe.yaml`. Paths are taken from its folder.\n"
        "Running it twice changes nothing. JSON Schema: [recipe.schema.json](recipe.schema.json)."
    )
    return document_page("Recipe", note, intro, RECIPE, json.loads(recipe_schema()))


def inventory_schema() -> str:
    """The JSON Schema of an inventory document, as published."""
    return json.dumps(inventory_json_schema(), indent=2, ensure_ascii=False) + "\n"


def inventory_page(note: str) -> str:
    """Every key of an inventory document, and every column of a line."""
    intro = (
        "An inventory document says what is counted, by which methods and with which factors: `headwater inventory\n"
        "calculate inventory.yaml`. It is YAML or JSON; unknown keys and keys said twice are refused. JSON Schema:\n"
        "[inventory.schema.json](inventory.schema.json)."
    )
    page = document_page("Inventory", note, intro, INVENTORY, json.loads(inventory_schema()))
    lines = ["", "## Lines", "", f"A line is known by {', '.join(f'`{name}`' for name in KEY)}.", ""]
    lines += ["| column | type | meaning |", "|---|---|---|"]
    lines += [f"| `{each.name}` | {sql_type(each).lower()} | {each.meaning} |" for each in COLUMNS]
    return page + "\n".join(lines) + "\n"


def contracts_page(note: str) -> str:
    """Every contract that is brought along, with its fields and the rules its author wrote."""
    lines = [
        "# Contracts",
        "",
        note,
        "What records must be. Each field implies rules of its own (its type, whether it is required, its limits);",
        "`headwater contracts show NAME` lists all of them, `headwater contracts export NAME` gives JSON Schema, ODCS",
        "or the table. A rule of severity `reject` sends the record to quarantine, `warn` leaves a finding. A field",
        "with `Since` came with that minor version: it is part of a row's hash only where it has a value, so that rows",
        "loaded before are found unchanged when their file is read again.",
        "",
        "Where the limits say `in site.site_id`, a code must stand in that field when the run is planned: see",
        "[codes that refer to other records](../explanation/the-river.md#codes-that-refer-to-other-records).",
    ]
    for pack in installed_packs():
        for document in pack.documents():
            lines += ["", *_contract(document)]
    return "\n".join(lines) + "\n"


def _contract(document: Document) -> Iterator[str]:
    yield from (f"## {document.reference}", "", f"{document.title}. {document.description}", "")
    if document.calculated_from is not None:
        yield from (f"Calculated from `{document.calculated_from}`: no file is loaded into it.", "")
    yield from ("| field | type | | limits | meaning |", "|---|---|---|---|---|")
    for field in document.fields:
        need = "key" if field.key else "required" if field.required else ""
        yield f"| `{field.name}` | {_field_type(field)} | {need} | {_limits(field)} | {_meaning(field)} |"
    written = [rule for rule in document.rules if rule.kind == "row"]
    if written:
        yield from ("", "| rule | severity | valid | how to mend it |", "|---|---|---|---|")
        yield from (f"| `{rule.id}` | {rule.severity} | {rule.valid} | {rule.repair} |" for rule in written)


def _field_type(field: FieldSpec) -> str:
    size = f"({field.precision},{field.scale})" if field.type == "decimal" else ""
    return f"{field.type}{size}" + (f" in {field.unit}" if field.unit else "")


def _limits(field: FieldSpec) -> str:
    parts = [
        ", ".join(f"`{word}`" for word in field.enum),
        f"from {field.minimum}" if field.minimum is not None else "",
        f"to {field.maximum}" if field.maximum is not None else "",
        f"at most {field.max_length} characters" if field.max_length is not None else "",
        f"`{field.pattern}`" if field.pattern else "",
        f"in `{field.reference}`" if field.reference else "",
        f"else `{field.default}`" if field.default is not None else "",
    ]
    return " ".join(part for part in parts if part)


def _meaning(field: FieldSpec) -> str:
    said = [
        field.description,
        f"After: {field.citation}." if field.citation else "",
        "Personal." if field.personal else "",
        f"Since {field.since}." if field.since else "",
    ]
    return " ".join(part for part in said if part)


def document_page(title: str, note: str, intro: str, example: str, schema: Mapping[str, Any]) -> str:
    """A page of every key of a document, section by section, from its JSON Schema."""
    lines = [f"# {title}", "", note, intro, "", example]
    lines += ["", "## The document", "", *_keys(schema)]
    for name, part in schema["$defs"].items():
        lines += ["", f"## {name}", "", str(part.get("description", "")), "", *_keys(part)]
    return "\n".join(lines) + "\n"


def _keys(schema: Mapping[str, Any]) -> Iterator[str]:
    yield from ("| key | valid | left out | meaning |", "|---|---|---|---|")
    required = schema.get("required", [])
    for key, value in schema["properties"].items():
        default = "must be there" if key in required else _default(value)
        yield f"| `{key}` | {_valid(value)} | {default} | {value.get('description', '')} |"


def _default(value: Mapping[str, Any]) -> str:
    default = value.get("default")
    if default in (None, [], {}) or "$ref" in value:
        return ""
    return f"`{json.dumps(default)}`" if isinstance(default, (list, bool)) else f"`{default}`"


def _valid(value: Mapping[str, Any]) -> str:
    """What a key takes, in words."""
    if "$ref" in value:
        name = value["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in value:
        return " or ".join(_valid(each) for each in value["anyOf"] if each.get("type") != "null")
    if "enum" in value or "const" in value:
        return ", ".join(f"`{word}`" for word in value.get("enum", [value.get("const")]))
    if value["type"] == "boolean":
        return "`true`, `false`"
    if value.get("format") == "date":
        return "a day as in 2024-01-31"
    if value["type"] == "array":
        return f"list of {_valid(value['items'])}"
    if value["type"] == "object":
        return f"text → {_valid(value.get('additionalProperties') or next(iter(value['patternProperties'].values())))}"
    if value["type"] == "integer":
        low, high = value["minimum"], value["maximum"]
        return f"{low} to {high}" if 1000 <= low <= high <= 9999 else f"{low:,} to {high:,}"  # years
    if "pattern" in value:
        return f"`{value['pattern']}`"
    length = value.get("maxLength")
    return "one character" if length == 1 else f"text of at most {length:,} characters" if length else "text"
