"""The lines of an inventory as an exported file works them: the engine's, text by text, whatever rows and document."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import given, settings

from headwater.accounting.inventory.lines import NAMES, canonical
from headwater.accounting.units import registry_text
from headwater.replay.choosing import Policy
from headwater.replay.figures import Units
from headwater.replay.inventory_lines import Line, LineMaker
from tests.examples import examples
from tests.inventories import POTENTIALS, document, make
from tests.property.test_inventory import activities, documents, library, small_per_unit

UNITS = Units(registry_text())
SMALL = Decimal("999999.999999")


def texts(row: dict[str, Any]) -> dict[str, str | None]:
    return {name: canonical(value) for name, value in row.items()}


def line_maker(factors: list[dict[str, Any]], body: dict[str, Any]) -> LineMaker:
    given = {name: value for name, value in body.items() if name not in {"policy", "use"}}
    found = document(**given, factors=body["policy"], instruments=body["use"]).model_dump(mode="json")
    return LineMaker(
        document=found,
        units=UNITS,
        policy=Policy(map(texts, factors), UNITS, found["factors"]),
        instruments={},
        potentials={name: {gas: Fraction(value) for gas, value in of.items()} for name, of in POTENTIALS.items()},
    )


@settings(max_examples=examples(40), deadline=None)
@given(rows=activities(), factors=library(), body=documents, figure=small_per_unit)
def test_the_lines_are_the_engines(
    rows: list[dict[str, Any]], factors: list[dict[str, Any]], body: dict[str, Any], figure: Decimal
) -> None:
    # Parts that instruments cover are dealt out by the engine alone, and figures too large are findings.
    body |= {"use": body["use"] | {"types": ["nothing"]}}
    rows = [row | {"quantity": min(row["quantity"], SMALL)} for row in rows]
    factors = [row | {name: figure for name in row if name.endswith("_per_unit") and row[name]} for row in factors]
    maker = line_maker(factors, body)
    written: list[Line] = []
    for row in rows:
        made = list(maker.lines(texts(row) | {"row_hash": row["activity_row_hash"]}))
        made.sort(key=lambda line: tuple(str(line[name]) for name in ("method", "gwp_set", "stage")))
        written += made
    expected = make(rows, factors, **body).lines
    names = [name for name in NAMES if name != "row_hash"]
    assert [[line.get(name) for name in names] for line in written] == [
        [canonical(line[name]) for name in names] for line in expected
    ]
