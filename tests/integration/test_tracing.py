from __future__ import annotations

import hashlib
import json

import pytest

from headwater.errors import Misuse
from headwater.services.tracing.trace import Node, Trace
from headwater.services.tracing.tracer import trace_emission, trace_record
from tests.kept import in_clear
from tests.river import River, activities, factors

FACTORS = factors(
    [
        {"factor_id": "grid", "co2e_kg_per_unit": "0.4", "co2_kg_per_unit": "0.39", "licence": "CC BY 4.0"},
        {"factor_id": "gas", "activity_type": "natural_gas", "scope": "1", "method": "activity_based"},
    ]
)


def said(node: Node) -> dict[str, str]:
    """Every title of a tree with what it says; the first where one comes twice."""
    found: dict[str, str] = {}
    waiting = [node]
    while waiting:
        at = waiting.pop(0)
        found.setdefault(at.title, at.value)
        waiting += at.children
    return found


def loaded(river: River) -> bytes:
    river.load(FACTORS, name="factors.csv", mapping="factor_form")
    content = activities([{"activity_id": "a"}, {"activity_id": "b", "quantity": "1,500.5", "unit": "MWh"}]).encode()
    river.load(content, chunk_size=1)
    return content


def test_a_figure_is_followed_to_its_line(river: River) -> None:
    content = loaded(river)
    found = trace_emission(river.installation, "b")

    assert found.figure is not None
    assert found.figure.recomputed
    assert found.figure.values["co2e_kg"] == "600200.000000"
    assert found.figure.formula == ("1500.5 MWh = 1500500 kWh; 1500500 kWh × 0.4 kg CO2e/kWh = 600200 kg CO2e (AR5)")
    assert found.figure.factor.values["licence"] == "CC BY 4.0"
    raw = found.record.raw
    assert (raw.file, raw.line, raw.record_no) == ("activities.csv", 3, 2)
    assert raw.sha256 == hashlib.sha256(content).hexdigest()
    assert raw.text == content.decode().splitlines()[2]
    quantity = next(origin for origin in found.record.fields if origin.field == "quantity")
    assert (quantity.by, quantity.how, quantity.raw) == ("column", "quantity", {"quantity": "1,500.5"})
    assert quantity.value == "1500.500000"
    (entry,) = river.rows(
        "SELECT * FROM audit_entries WHERE resource LIKE '%%/chunk/2' AND action = %(done)s", done="chunk.committed"
    )
    assert found.record.run.audit is not None
    assert (found.record.run.audit.seq, found.record.run.audit.entry_hash) == (entry["seq"], entry["entry_hash"].hex())
    assert found.record.run.lineage is not None


def test_the_factor_is_followed_to_its_own_line(river: River) -> None:
    loaded(river)
    figure = trace_emission(river.installation, "a").figure
    assert figure is not None
    assert figure.factor.record is not None
    assert (figure.factor.record.raw.file, figure.factor.record.raw.line) == ("factors.csv", 2)


def test_a_factor_that_was_changed_since_is_shown_as_it_was_pinned(river: River) -> None:
    loaded(river)
    river.load(FACTORS.replace("0.4,", "0.7,"), name="factors.csv", mapping="factor_form")
    figure = trace_emission(river.installation, "a").figure
    assert figure is not None
    assert figure.factor.values["co2e_kg_per_unit"] == "0.4000000000"
    assert figure.factor.record is None
    assert figure.recomputed


def test_a_pinned_set_changed_behind_its_back_says_so_also_after_it_was_read(river: River) -> None:
    loaded(river)
    figure = trace_emission(river.installation, "a").figure
    assert figure is not None
    assert figure.recomputed

    installation, sha256 = river.installation, bytes.fromhex(figure.factor.factor_set)
    pinned = in_clear(installation, sha256)
    content = pinned.read_text(encoding="utf-8")
    pinned.chmod(0o600)
    pinned.write_text(content.replace("0.4000000000", "0.7000000000"), encoding="utf-8")
    assert pinned.read_text(encoding="utf-8") != content

    changed = trace_emission(river.installation, "a").figure
    assert changed is not None
    assert not changed.recomputed
    assert changed.factor.record is None


def test_a_figure_changed_behind_its_back_says_so(river: River) -> None:
    loaded(river)
    river.change("UPDATE emission_v1 SET co2e_kg = co2e_kg + 1 WHERE activity_id = 'a'")
    found = trace_emission(river.installation, "a")
    assert found.figure is not None
    assert not found.figure.recomputed
    assert said(found.tree())["computed again now"] == "DIFFERS"


def test_the_tree_and_the_json_hold_the_same(river: River) -> None:
    content = loaded(river)
    found = trace_emission(river.installation, "b")
    words = said(found.tree())
    assert words["emission"] == "600200 kg CO2e of b"
    assert words["raw record"] == "factors.csv, line 2"
    body = json.loads(json.dumps(found.as_json()))
    assert body["record"]["raw"]["text"] == content.decode().splitlines()[2]
    assert body["figure"]["formula"] == words["formula"]
    assert words["audit chain"] == f"ends at {found.anchor}"


def test_an_expression_shows_the_cells_it_read(river: River) -> None:
    path = river.folder / "trains.yaml"
    path.write_text(
        """
mapping: trains
version: 1.0.0
contract: activity@1
absent: {"?": not_reported}
fields:
  activity_id: {expression: "'t-' || ticket"}
  activity_type: {constant: train}
  region: {constant: DE}
  period_start: {column: day}
  quantity: {expression: "distance * 2"}
  unit: {constant: km}
  cost: {column: price}
"""
    )
    river.load("ticket,day,distance,price\n7,2024-05-01,12.5,?\n", name="trains.csv", mapping=str(path))
    found = trace_record(river.installation, "activity", "t-7")
    by_field = {origin.field: origin for origin in found.record.fields}
    assert by_field["activity_id"].raw == {"ticket": "7"}
    assert (by_field["quantity"].value, by_field["quantity"].raw) == ("25.000000", {"distance": "12.5"})
    assert (by_field["unit"].by, by_field["unit"].how) == ("constant", "km")
    assert (by_field["cost"].value, by_field["cost"].absent) == (None, "not_reported")
    words = said(found.tree())
    assert words["quantity"] == "25.000000 ← expression distance * 2 with distance = '12.5'"
    assert words["cost"] == "not_reported ← column 'price': '?'"


def test_a_number_of_the_source_is_shown_with_the_sign_by_which_it_was_written(river: River) -> None:
    head = "mapping: trips\nversion: 1.0.0\ncontract: activity@1\nlocale: {decimal: ',', group: '.'}\nfields:\n"
    form = head + "".join(
        f"  {name}: {{{how}}}\n"
        for name, how in {
            "activity_id": "column: ticket", "activity_type": "constant: train", "region": "constant: DE",
            "period_start": "column: day", "quantity": "column: distance", "unit": "constant: km",
            "cost": "expression: price * 2", "currency": "constant: EUR",
        }.items()
    )  # fmt: skip
    path = river.folder / "trips.yaml"
    path.write_text(form)
    row = {"ticket": "7", "day": "2024-05-01", "distance": 1.125, "price": 3}
    river.load(json.dumps([row]), name="trips.json", mapping=str(path))
    found = trace_record(river.installation, "activity", "7")
    assert (found.record.raw.decimal, found.record.raw.cells) == (
        ",", {"ticket": "7", "day": "2024-05-01", "distance": "1,125", "price": "3"},
    )  # fmt: skip
    words = said(found.tree())
    assert words["quantity"] == "1.125000 ← column 'distance': '1,125' (decimal sign ',')"
    assert words["cost"] == "6.00 ← expression price * 2 with price = '3'"
    assert words["numbers"].startswith("those of the source are written with ',' before their decimals")

    river.load('ticket,day,distance,price\n8,2024-05-01,"1,125",3\n', name="trips.csv", mapping=str(path))
    found = trace_record(river.installation, "activity", "8")
    words = said(found.tree())
    assert (found.record.raw.decimal, "numbers" in words) == (None, False)
    assert words["quantity"] == "1.125000 ← column 'distance': '1,125'"


def test_what_was_noticed_and_what_was_replaced_is_shown(river: River) -> None:
    river.load(activities([{"activity_id": "a", "quantity": "2000000000"}]))
    river.load(activities([{"activity_id": "a", "quantity": "3000000000"}]))
    found = trace_record(river.installation, "activity", "a").record
    assert found.past == 1
    assert [finding.partition(":")[0] for finding in found.findings] == [
        "activity.quantity.plausible",
        "calculation.no_factor",
    ]


def test_a_record_in_another_encoding_is_shown_as_text(river: River) -> None:
    content = activities([{"activity_id": "ä", "supplier": "Größe AG"}]).encode("cp1252")
    river.load(content)
    raw = trace_record(river.installation, "activity", "ä").record.raw
    assert raw.encoding == "cp1252"
    assert raw.sha256 == hashlib.sha256(content).hexdigest()
    assert raw.text is not None
    assert "Größe AG" in raw.text


def test_why_there_is_no_figure_is_said(river: River) -> None:
    river.load(activities([{"activity_id": "a"}]))
    with pytest.raises(Misuse, match="no figure") as caught:
        trace_emission(river.installation, "a")
    assert "electricity" in str(caught.value)
    with pytest.raises(Misuse, match="no such record"):
        trace_emission(river.installation, "z")
    with pytest.raises(Misuse, match="not a key of the contract"):
        trace_record(river.installation, "facility_emission", "only-one-part")


def test_a_reused_chunk_leads_to_the_run_that_loaded_it(river: River) -> None:
    loaded(river)
    before: Trace = trace_emission(river.installation, "b")
    river.load(
        activities([{"activity_id": "a"}, {"activity_id": "b", "quantity": "1,500.5", "unit": "MWh"}]), chunk_size=1
    )
    assert trace_emission(river.installation, "b").record == before.record
