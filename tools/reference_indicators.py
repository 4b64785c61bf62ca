"""The reference page of indicators: every key of a document, what they are taken from, and the starting set."""

from __future__ import annotations

import json

from headwater.accounting.indicators import expression, json_schema, read_indicators
from headwater.documents.strict_yaml import parse_yaml
from headwater.services.installation import installed_packs
from tools.reference_documents import document_page

EXAMPLE = """\
```yaml
indicators:
  floor_area_heated:
    title: Heated floor area
    unit: m2
    sum: {of: organisation_fact@1, field: quantity, where: "fact = 'heated_area'", state: true}
  heating:
    title: Emissions of heating
    unit: kgCO2e
    sum: {of: emissions, field: co2e_kg, where: "activity_type IN ('natural_gas', 'district_heating')"}
  heating_per_area:
    title: Heating per heated floor area
    unit: kgCO2e/m2
    by: [site]
    ratio: {of: heating, per: floor_area_heated}
```"""

SOURCES = """\
## What they are taken from

| `of` | a row is | with `--inventory` | without |
|---|---|---|---|
| `emissions` | a figure | a line that counts in the total asked for | every figure that stands |
| `activities` | an activity | one that has a line | every activity that stands |
| `electricity` | an activity that instruments may cover | as pinned, with or without a figure | not available |
| `market_electricity` | a part of one, with what it rests on | its `tier`, `renewable`, `part_kwh` | not available |
| `organisation_fact@1` | a record of that contract, or any other | those that begin in the period | all |

Fields are those of a [line](inventory.md#lines), of the [contracts](contracts.md) `emission` and `activity` together,
or of the contract. Rows are told apart by any of their codes, texts and whole numbers, by `year` and by `month`; `site`
is `facility_code`. With an inventory, `year` is that in which its period begins; where the period is longer than a
year, that of the line. In `where` stand fields, text in single quotes, numbers, dates, AND, OR, NOT, = <> < <= > >=,
IS NULL, IN, BETWEEN, + - *, as in a contract's rules.
"""


def indicators_schema() -> str:
    """The JSON Schema of a document of indicators, as published."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def indicators_page(note: str) -> str:
    """Every key, the sources, expressions, and the starting set."""
    intro = (
        "An indicator is a sum over rows, or made of other indicators. A document holds them by name; those of a\n"
        "document go before those that packs bring. JSON Schema: [indicators.schema.json](indicators.schema.json).\n"
        "How to write and compute them: [here](../how-to/indicators.md)."
    )
    page = document_page("Indicators", note, intro, EXAMPLE, json.loads(indicators_schema()))
    allowed = str(expression.__doc__).split("\n\n")[1]
    return "\n".join([page, SOURCES, "## Expressions", "", allowed, "", "## The starting set", "", *_starting_set()])


def _starting_set() -> list[str]:
    lines = ["| name | kind | title | unit | by |", "|---|---|---|---|---|"]
    for pack in installed_packs():
        if pack.indicators is None:
            continue
        for entry in sorted(pack.indicators.iterdir(), key=lambda each: each.name):
            found = read_indicators(parse_yaml(entry.read_text(encoding="utf-8"), where=entry.name), where=entry.name)
            for name, each in found.items():
                cells = (f"`{name}`", each.kind.replace("_", " "), each.title, each.unit or "", ", ".join(each.by))
                lines.append(f"| {' | '.join(cells)} |")
    return [*lines, ""]
