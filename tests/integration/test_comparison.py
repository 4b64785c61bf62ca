"""Runs and inventories compared: each cause by a case that moves by it alone, and by hand."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from headwater.accounting.comparison.causes import Comparison
from headwater.errors import Misuse, NotFound
from headwater.services.comparison.compare import compare
from headwater.services.comparison.page import page_of
from headwater.services.inventories.calculating import calculate
from headwater.services.reports.figure_page import write_page
from headwater.telemetry import SilentProgress
from tests.river import ACTIVITY_COLUMNS, River, activities, factors

pytestmark = [pytest.mark.server, pytest.mark.long]

ROWS = [
    {"activity_id": "a", "quantity": "1000", "facility_code": "LON"},
    {"activity_id": "b", "quantity": "500", "facility_code": "PAR"},
]
GRID = {"factor_id": "grid", "co2e_kg_per_unit": "0.4", "co2_kg_per_unit": "0.3", "ch4_kg_per_unit": "0.001",
        "n2o_kg_per_unit": "0.0001"}  # fmt: skip


def moved(found: Comparison) -> dict[str, Decimal]:
    """Causes that moved something, in kg."""
    assert sum((move.co2e_kg for move in found.moves), Decimal(0)) == found.difference
    return {move.cause: move.co2e_kg for move in found.moves if move.co2e_kg}


def run(river: River, rows: list[dict[str, str]], **how: Any) -> str:
    run_id, _ = river.load(activities(rows), **how)
    return str(run_id)


def mapping(river: River, **fields: dict[str, str]) -> str:
    """A mapping whose fields are columns of their own names, but for some."""
    body = {
        "mapping": "activity_form", "version": "2.0.0", "contract": "activity@1",
        "fields": {name: {"column": name} for name in ACTIVITY_COLUMNS} | fields,
    }  # fmt: skip
    path = river.folder / "second.yaml"
    path.write_text(yaml.safe_dump(body))
    return str(path)


def test_each_cause_of_runs_moves_what_is_its_own(river: River) -> None:
    river.load(factors([GRID]), name="factors.csv", mapping="factor_form")
    first = run(river, ROWS)
    assert moved(compare(river.installation, first, first)) == {}

    (licence,) = compare(river.installation, first, first).licences
    assert (licence.licence, licence.factors, licence.lines) == ("CC0", 1, 2)

    corrected = run(river, [ROWS[0] | {"quantity": "900"}, ROWS[1], {"activity_id": "c", "quantity": "10"}])
    assert moved(compare(river.installation, first, corrected)) == {"input": Decimal(-36)}

    doubled = run(river, ROWS, mapping=mapping(river, quantity={"expression": "quantity * 2"}))
    assert moved(compare(river.installation, first, doubled)) == {"mapping": Decimal(600)}

    river.load(factors([GRID | {"co2e_kg_per_unit": "0.5"}]), name="factors.csv", mapping="factor_form")
    newer = run(river, ROWS)
    found = compare(river.installation, first, newer)
    assert moved(found) == {"factor": Decimal(150)}
    assert (found.a.co2e_kg, found.b.co2e_kg) == (Decimal(600), Decimal(750))
    moves = [(mover.name, mover.moves["factor"]) for mover in found.by_activity]
    assert moves == [("a", Decimal(100)), ("b", Decimal(50))]
    assert moved(compare(river.installation, newer, first)) == {"factor": Decimal(-150)}

    river.load(
        factors([GRID | {"co2e_kg_per_unit": "0.6", "gwp_set": "AR6"}]), name="factors.csv", mapping="factor_form"
    )
    other_set = run(river, ROWS)
    found = compare(river.installation, newer, other_set)
    assert moved(found) == {"gwp_set": Decimal(150)}
    assert (found.a.gwp_set, found.b.gwp_set) == ("AR5", "AR6")
    both = run(river, [ROWS[0] | {"quantity": "2000"}], name="other.csv")
    assert moved(compare(river.installation, first, both)) == {
        "input": Decimal(200), "gwp_set": Decimal(400),
    }  # fmt: skip


def test_a_mapping_that_does_not_fit_the_other_file_is_told(river: River) -> None:
    river.load(factors([GRID]), name="factors.csv", mapping="factor_form")
    first = run(river, ROWS)
    content = activities(ROWS).replace("quantity,", "menge,", 1).replace("1000", "700")
    second, _ = river.load(content, mapping=mapping(river, quantity={"column": "menge"}))
    found = compare(river.installation, first, str(second))
    assert moved(found) == {"input": Decimal(-120)}
    assert "does not fit" in next(move.note for move in found.moves if move.cause == "input")


def test_what_cannot_be_compared_is_refused(river: River) -> None:
    factor_run, _ = river.load(factors([GRID]), name="factors.csv", mapping="factor_form")
    first = run(river, ROWS)
    with pytest.raises(Misuse, match="calculates nothing"):
        compare(river.installation, first, str(factor_run))
    with pytest.raises(NotFound, match="neither such an inventory nor such a run"):
        compare(river.installation, first, "nothing")
    twin = f"{first[:-1]}{'0' if first[-1] != '0' else '1'}"
    river.change(
        "INSERT INTO runs SELECT (jsonb_populate_record(r, jsonb_build_object('run_id', %(twin)s::text))).*"
        " FROM runs AS r WHERE run_id = %(first)s::uuid",
        twin=twin, first=first,
    )  # fmt: skip
    with pytest.raises(Misuse, match="more than one run begins so"):
        compare(river.installation, first, first[:8])
    calculate(river.installation, document(river), progress=SilentProgress())
    with pytest.raises(Misuse, match="cannot be compared with a run"):
        compare(river.installation, first, "lab")


def document(river: River, **given: Any) -> Path:
    body = {
        "inventory": "lab", "organisation": "Laboratory", "boundary": {"approach": "operational_control"},
        "period": {"start": "2024-01-01", "end": "2025-01-01"}, "gwp_sets": ["AR5"],
        "designated": {"method": "location_based"}, "methods": ["location_based"],
    }  # fmt: skip
    path = river.folder / "inventory.yaml"
    path.write_text(yaml.safe_dump(body | given))
    return path


def inventory(river: River, **given: Any) -> str:
    made = calculate(river.installation, document(river, **given), progress=SilentProgress())
    return str(made.inventory_id)


def test_each_cause_of_inventories_moves_what_is_its_own(river: River, tmp_path: Path) -> None:
    river.load(factors([GRID]), name="factors.csv", mapping="factor_form")
    run(river, ROWS)
    first = inventory(river)
    assert moved(compare(river.installation, first, first)) == {}

    def against(made: str) -> dict[str, Decimal]:
        return moved(compare(river.installation, first, made))

    london = inventory(river, boundary={"approach": "operational_control", "facilities": ["LON"]})
    assert against(london) == {"boundary": Decimal(-200)}
    half = inventory(river, boundary={"approach": "equity_share", "shares": {"LON": "0.5", "PAR": "1"}})
    assert against(half) == {"boundary": Decimal(-200)}

    doubled = mapping(river, quantity={"expression": "quantity * 2"})
    run(river, ROWS, mapping=doubled)
    assert against(inventory(river)) == {"mapping": Decimal(600)}
    run(river, [*ROWS, {"activity_id": "c", "quantity": "10"}], mapping=doubled)
    assert against(inventory(river)) == {"input": Decimal(8), "mapping": Decimal(600)}
    run(river, ROWS)
    river.load(factors([GRID | {"co2e_kg_per_unit": "0.5"}]), name="factors.csv", mapping="factor_form")
    newer = inventory(river)
    found = compare(river.installation, first, newer)
    assert moved(found) == {"input": Decimal(8), "factor": Decimal(152)}

    both = inventory(river, gwp_sets=["AR6"])
    found = compare(river.installation, newer, both)
    assert moved(found) == {"gwp_set": Decimal(-760)}
    assert [move.note for move in found.moves if move.co2e_kg] == [
        "left out, not reduced: 0.76 t CO2e that exist by AR5 only"
    ]
    assert "the total of B lacks 0.76 t CO2e that exist by AR5 only" in found.notes
    page = write_page(page_of(compare(river.installation, first, both)), tmp_path / "page.html")
    text = page.read_text(encoding="utf-8")
    assert "<svg" in text
    assert "with no rest" in text
