"""Inventories through the store: pinned, stored, shown, published, frozen."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
import yaml

from headwater.accounting.inventory.lines import COLUMNS, NAMES, sql_type
from headwater.errors import Conflict, Misuse, Stopped
from headwater.services import deletions
from headwater.services.comparison.inventories import compare_inventories
from headwater.services.indicators import compute_indicators, defined_indicators
from headwater.services.installation import Installation
from headwater.services.inventories.calculating import calculate
from headwater.services.inventories.choosing import choices, recomputed_lines
from headwater.services.inventories.exporting import OF_FACTOR, LinesWritten, write_lines, write_report
from headwater.services.inventories.publishing import discard, publish
from headwater.services.inventories.tracing import trace_line
from headwater.services.inventories.viewing import (
    differences,
    find_inventory,
    list_inventories,
    list_lines,
    show_inventory,
)
from headwater.services.uncertainty import inventory_uncertainty
from headwater.services.verification import verify
from headwater.store import audit
from headwater.telemetry import SilentProgress
from tests.kept import in_clear
from tests.river import River, activities, factors

pytestmark = pytest.mark.server

GASES = {
    "co2e_kg_per_unit": "0.2",
    "co2_kg_per_unit": "0.19175",
    "ch4_kg_per_unit": "0.0002",
    "n2o_kg_per_unit": "0.00001",
}
FACTORS = [
    {"factor_id": "grid", "co2e_kg_per_unit": "0.4", "licence": "CC BY 4.0"},
    {"factor_id": "gas", "activity_type": "natural_gas", "unit": "kWh_gross", "scope": "1", "method": "activity_based",
     **GASES},
    {"factor_id": "train", "activity_type": "train", "unit": "km", "scope": "3", "category": "6",
     "method": "activity_based", "co2e_kg_per_unit": "0.03", "redistributable": "false"},
]  # fmt: skip
ACTIVITIES = [
    {"activity_id": "power", "quantity": "1000"},
    {"activity_id": "heat", "activity_type": "natural_gas", "unit": "kWh_gross", "quantity": "500"},
    {"activity_id": "trip", "activity_type": "train", "unit": "km", "quantity": "200"},
    {"activity_id": "abroad", "region": "FR", "quantity": "10"},
    {"activity_id": "before", "period_start": "2023-12-31"},
]


def document(river: River, **given: Any) -> Path:
    body: dict[str, Any] = {
        "inventory": "plant_2024",
        "organisation": "Plant",
        "boundary": {"approach": "operational_control"},
        "period": {"start": "2024-01-01", "end": "2025-01-01"},
        "gwp_sets": ["AR5", "AR6"],
        "ch4_origin": {"default": "fossil"},
        "instruments": {"grid_average": True},
    }
    path = river.folder / "inventory.yaml"
    path.write_text(yaml.safe_dump(body | given))
    return path


def loaded(river: River, **given: Any) -> UUID:
    river.load(factors(FACTORS), name="factors.csv", mapping="factor_form")
    river.load(activities(ACTIVITIES))
    return calculate(river.installation, document(river, **given), progress=SilentProgress()).inventory_id


def test_columns_of_the_table_are_those_of_a_line(river: River) -> None:
    found = river.rows(
        "SELECT attname, format_type(atttypid, atttypmod) AS type FROM pg_attribute "
        "WHERE attrelid = 'inventory_lines'::regclass AND attnum > 0 ORDER BY attnum"
    )
    assert [row["attname"] for row in found[2:]] == list(NAMES)
    kinds = {"VARCHAR": "text", "DATE": "date", "BIGINT": "bigint", "BOOLEAN": "boolean"}
    wanted = [sql_type(column) for column in COLUMNS]
    assert [row["type"] for row in found[2:]] == [
        kinds.get(kind, kind.replace("DECIMAL", "numeric")) for kind in wanted
    ]


def test_an_inventory_is_calculated_and_shown(river: River) -> None:
    view = show_inventory(river.installation, str(loaded(river)))
    own = view.designated
    assert (own.gwp_set, own.method) == ("AR5", "location_based")
    assert own.scopes == {1: Decimal(100), 2: Decimal(400), 3: Decimal(6)}
    assert own.categories == {6: Decimal(6)}
    assert own.co2e_kg == 506
    by_ar6 = next(total for total in view.totals if (total.gwp_set, total.method) == ("AR6", "location_based"))
    # 95.875 kg CO2 + 0.1 kg fossil CH4 × 29.8 + 0.005 kg N2O × 273; the others exist by AR5 only
    assert by_ar6.scopes == {1: Decimal("100.22")}
    assert view.inventory.activity_count == 4
    rules = {finding.rule_id for finding in view.findings}
    assert rules == {
        "inventory.no_figure", "inventory.other_sets", "inventory.substitution", "inventory.grid_average",
    }  # fmt: skip
    licences = {(licence.source, licence.licence, licence.redistributable) for licence in view.licences}
    assert licences == {("test", "CC0", True), ("test", "CC BY 4.0", True), ("test", "CC0", False)}
    assert json.dumps(view.as_json(), default=str)


def test_a_bill_that_reaches_into_the_period_is_pinned_and_told(river: River) -> None:
    early = {"activity_id": "a bill", "period_start": "2023-12-15", "period_end": "2024-01-15", "quantity": "70"}
    river.load(activities([early, early | {"activity_id": "over", "period_end": "2024-01-01"}]), name="early.csv")
    view = show_inventory(river.installation, str(loaded(river)))
    assert (view.inventory.activity_count, view.designated.scopes[2]) == (4, 400)
    told = [each for each in view.findings if each.rule_id == "inventory.begins_before"]
    assert [(each.subject, each.activities, each.quantity) for each in told] == [("electricity in DE, kWh", 1, 70)]
    assert verify(river.installation, progress=SilentProgress()).ok


def test_the_same_again_is_the_same_inventory(river: River) -> None:
    first = loaded(river)
    again = calculate(river.installation, document(river), progress=SilentProgress())
    assert (again.inventory_id, again.is_new) == (first, False)
    assert len(list_inventories(river.installation)) == 1
    other = calculate(river.installation, document(river, gwp_sets=["AR6"]), progress=SilentProgress())
    assert other.inventory_id != first


def test_what_is_loaded_later_changes_nothing_that_stands(river: River) -> None:
    first = loaded(river)
    before = river.rows("SELECT * FROM inventory_lines ORDER BY row_hash")
    river.load(activities([{"activity_id": "power", "quantity": "9"}]), name="later.csv")
    river.load(factors([FACTORS[0] | {"co2e_kg_per_unit": "9"}]), name="later_factors.csv", mapping="factor_form")
    assert river.rows("SELECT * FROM inventory_lines ORDER BY row_hash") == before
    second = calculate(river.installation, document(river), progress=SilentProgress())
    assert second.is_new
    assert show_inventory(river.installation, str(first)).designated.scopes[2] == 400
    assert show_inventory(river.installation, str(second.inventory_id)).designated.scopes[2] == 81


def test_publishing_gives_numbers_for_good(river: River) -> None:
    first = loaded(river)
    assert publish(river.installation, str(first)) == 1
    with pytest.raises(Misuse, match="published already, under the number 1"):
        publish(river.installation, "plant_2024")
    river.load(activities([{"activity_id": "power", "quantity": "9"}]), name="later.csv")
    calculate(river.installation, document(river), progress=SilentProgress())
    assert publish(river.installation, "plant_2024") == 2
    assert find_inventory(river.installation, "1").inventory_id == first
    assert [each.number for each in list_inventories(river.installation)] == [2, 1]
    hanging = deletions.hanging_on(river.installation, "activity", ["power"])
    assert hanging.published.keys() == {"1", "2"}
    with pytest.raises(Conflict, match="the published inventory 1, 2 stands on it"):
        deletions.destroy(river.installation, "activity", ["power"], reason="x", confirmation=hanging.confirmation)
    deletions.delete(river.installation, "activity", ["power"], reason="what is published stands all the same")

    river.load(activities([{"activity_id": "late", "quantity": "5"}]), name="late.csv")
    draft = calculate(river.installation, document(river), progress=SilentProgress()).inventory_id
    hanging = deletions.hanging_on(river.installation, "activity", ["late"])
    assert (hanging.drafts.keys(), hanging.published) == ({"plant_2024"}, {})
    deletions.destroy(river.installation, "activity", ["late"], reason="x", confirmation=hanging.confirmation)
    with pytest.raises(Conflict, match="destroyed since it was calculated"):
        publish(river.installation, str(draft))
    assert verify(river.installation, progress=SilentProgress()).ok


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE inventories SET name = 'x'",
        "UPDATE inventory_lines SET co2e_kg = 0",
        "DELETE FROM inventory_lines",
        "UPDATE inventory_publications SET number = 9",
        "DELETE FROM inventory_publications",
        "DELETE FROM inventories",
        "UPDATE inventory_findings SET message = ''",
    ],
)
def test_the_application_can_change_nothing_of_it(river: River, statement: str) -> None:
    loaded(river)
    installation = river.installation
    with (
        pytest.raises(Misuse, match="permission denied"),
        installation.database.connect(installation.tenant_id) as session,
    ):
        session.execute(statement)


def later(river: River, table: str, changed: str) -> str:
    """An INSERT of the table's rows once more, under another key."""
    columns = [row["attname"] for row in river.rows(
        f"SELECT attname FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum > 0 ORDER BY attnum"
    )]  # fmt: skip
    others = ", ".join("99" if name == changed else name for name in columns)
    return f"INSERT INTO {table} ({', '.join(columns)}) SELECT {others} FROM {table} LIMIT 1"


@pytest.mark.parametrize(("table", "changed"), [("inventory_lines", "part"), ("inventory_findings", "finding_no")])
def test_the_application_can_add_nothing_to_it(river: River, table: str, changed: str) -> None:
    inventory_id = str(loaded(river))
    publish(river.installation, inventory_id)
    before = show_inventory(river.installation, inventory_id).totals, river.rows(f"SELECT * FROM {table}")
    installation = river.installation
    statement = later(river, table, changed).replace(f"INTO {table}", f"INTO public.{table}")
    shadow = "CREATE TEMP TABLE inventories AS SELECT *, pg_current_xact_id()::xid AS mine FROM inventories"
    for first in ("SELECT", shadow, "SET search_path = pg_temp, public, pg_catalog", "SAVEPOINT one"):
        with (
            pytest.raises(Stopped, match="come with their inventory, and none is added later"),
            installation.database.connect(installation.tenant_id) as session,
            session.transaction(),
        ):
            session.execute(f"{first}; {statement}")
    assert (show_inventory(installation, inventory_id).totals, river.rows(f"SELECT * FROM {table}")) == before


USES: tuple[Callable[[Installation, str], object], ...] = (
    show_inventory,
    list_lines,
    publish,
    lambda installation, inventory: differences(installation, inventory, limit=1),
    lambda installation, inventory: write_lines(installation, inventory, Path("never.csv")),
    lambda installation, inventory: inventory_uncertainty(installation, inventory, draws=100, seed=1, first=1),
    lambda installation, inventory: compare_inventories(installation, inventory, inventory),
    lambda installation, inventory: compute_indicators(
        installation, defined_indicators(), ["emissions"], inventories=[inventory]
    ),
)


def test_lines_that_are_not_those_calculated_are_not_shown(river: River) -> None:
    """Whoever changed them could change anything: the number and the hash that the inventory has of them still tell."""
    inventory_id = str(loaded(river))
    for statement, said in (
        ("UPDATE inventory_lines SET substitutions = 'x' WHERE activity_id = 'trip'", "SHA-256|[0-9a-f]{64}"),
        (later(river, "inventory_lines", "part"), "lines"),
    ):
        with psycopg.connect(river.superuser_url, autocommit=True) as superuser:
            superuser.execute("SET session_replication_role = replica")
            superuser.execute(statement)

        for use in USES:
            with pytest.raises(Stopped, match="not those that were calculated") as told:
                use(river.installation, inventory_id)
            assert re.search(said, str(told.value))


def test_a_file_of_lines_that_was_changed_is_not_worked_with(river: River) -> None:
    """Indicators, uncertainty and exports read the file, not the table."""
    inventory_id = str(loaded(river))
    installation = river.installation
    path = in_clear(installation, find_inventory(installation, inventory_id).lines)
    path.chmod(0o600)
    path.write_bytes(path.read_bytes().replace(b"400.000000", b"300.000000"))
    for use in USES[4:]:
        with pytest.raises(Stopped, match="the file of lines is not the one that was calculated"):
            use(installation, inventory_id)


def test_a_draft_is_discarded_and_comes_back_when_it_is_calculated_again(river: River) -> None:
    installation = river.installation
    first = str(loaded(river))
    other = calculate(installation, document(river, gwp_sets=["AR6"]), progress=SilentProgress()).inventory_id
    assert discard(installation, "plant_2024").inventory_id == other  # the latest of the name
    assert [str(each.inventory_id) for each in list_inventories(installation)] == [first]
    assert str(find_inventory(installation, "plant_2024").inventory_id) == first
    put_away = find_inventory(installation, str(other))
    assert put_away.discarded_at is not None
    assert {each.inventory_id for each in list_inventories(installation, discarded=True)} == {other, UUID(first)}
    for refused, said in ((publish, "it was discarded"), (discard, "it was discarded before")):
        with pytest.raises(Misuse, match=said):
            refused(installation, str(other))
    assert verify(installation, progress=SilentProgress()).ok

    again = calculate(installation, document(river, gwp_sets=["AR6"]), progress=SilentProgress())
    assert (again.inventory_id, again.is_new, again.was_discarded) == (other, False, True)
    assert publish(installation, "plant_2024") == 1
    with pytest.raises(Misuse, match="published under the number 1, and what is published stands"):
        discard(installation, "1")
    with installation.database.connect(installation.tenant_id) as connection:
        told = audit.entries_of(connection, installation.tenant_id, f"inventory/{other}")
    assert [each.action.partition(".")[2] for each in told] == ["calculated", "discarded", "restored", "published"]
    assert verify(installation, progress=SilentProgress()).ok


def test_lines_are_listed_and_the_twin_computes_each_again(river: River) -> None:
    inventory_id = loaded(river)
    lines, total = list_lines(river.installation, str(inventory_id))
    assert total == len(lines)
    assert {line["activity_id"] for line in lines} == {"power", "heat", "trip"}
    inventory = find_inventory(river.installation, str(inventory_id))
    for activity_id in ("power", "heat", "trip", "abroad"):
        _, again = recomputed_lines(river.installation, inventory, activity_id)
        assert again == [line for line in lines if line["activity_id"] == activity_id]
    some, total = list_lines(river.installation, str(inventory_id), scope=2, gwp_set="AR5", limit=1)
    assert (len(some), total) == (1, 2)


@pytest.mark.parametrize(
    ("asked", "option", "near"),
    [({"activity": "powr"}, "--activity", "power"), ({"facility": "NOWHERE"}, "--facility", ""),
     ({"gwp_set": "AR9"}, "--gwp-set", "AR"), ({"method": "location"}, "--method", "location_based")],
)  # fmt: skip
def test_lines_of_what_is_not_there_are_refused_with_what_is_near(
    river: River, asked: dict[str, Any], option: str, near: str
) -> None:
    inventory_id = str(loaded(river))
    with pytest.raises(Misuse, match="no line of the inventory is of this") as refused:
        list_lines(river.installation, inventory_id, **asked)
    assert (refused.value.where, near in str(refused.value.valid)) == (f"inventory plant_2024, {option}", True)
    assert list_lines(river.installation, inventory_id, activity="power", scope=3) == ([], 0)


def test_choices_show_every_candidate_with_its_reason(river: River) -> None:
    inventory_id = str(loaded(river))
    found = choices(river.installation, inventory_id, "power")
    assert [(each.stage, each.method, each.taken) for each in found] == [
        ("use", "location_based", "grid"), ("use", "market_based", "grid"),
    ]  # fmt: skip
    (abroad, *_) = choices(river.installation, inventory_id, "abroad")
    assert abroad.taken is None
    assert abroad.candidates == (("grid", "test", "it is for region DE; for FR only FR may be taken"),)
    with pytest.raises(Misuse, match="no such activity"):
        choices(river.installation, inventory_id, "before")


def test_differences_between_sets_and_methods_are_told_activity_by_activity(river: River) -> None:
    found = differences(river.installation, str(loaded(river)), limit=10)
    assert [(each.other, each.differing) for each in found] == [
        (("AR5", "market_based"), 0), (("AR6", "location_based"), 3), (("AR6", "market_based"), 3),
    ]  # fmt: skip
    by_set = found[1]
    assert (by_set.difference_kg, by_set.only_own) == (Decimal("0.22"), (2, Decimal(406)))
    heat = next(line for line in by_set.lines if line.activity_id == "heat")
    assert (heat.kg_a, heat.kg_b) == (Decimal(100), Decimal("100.22"))
    assert (heat.rests_on_a, heat.rests_on_b) == ("published gas", "derived gas")


def test_a_figure_of_one_set_only_is_not_available_in_another_and_in_no_difference(river: River) -> None:
    river.load(factors(FACTORS), name="factors.csv", mapping="factor_form")
    river.load(activities(ACTIVITIES))
    ours, gases = document(river, methods=["location_based"]), {"power": Decimal(400), "trip": Decimal(6)}
    inventory_id = str(calculate(river.installation, ours, progress=SilentProgress()).inventory_id)
    (found,) = differences(river.installation, inventory_id, limit=10)
    assert {line.activity_id: (line.kg_a, line.kg_b, line.difference_kg) for line in found.lines} == {
        "heat": (Decimal(100), Decimal("100.22"), Decimal("0.22")),
        **{name: (kg, None, None) for name, kg in gases.items()},
    }
    assert (found.differing, found.difference_kg) == (3, Decimal("0.22"))
    assert (found.only_own, found.only_other) == ((2, Decimal(406)), (0, Decimal(0)))


def test_an_inventory_says_how_many_activities_are_in_no_total(river: River) -> None:
    view = show_inventory(river.installation, str(loaded(river)))
    assert (view.inventory.activity_count, view.in_no_total, view.not_in_own) == (4, 1, 1)
    assert view.heading == f"1 of 4 activities are in no total; {len(view.findings)} findings"
    (abroad,) = {each.how_much for each in view.findings if each.rule_id == "inventory.no_figure"}
    assert abroad == "10 kWh"
    path = document(river, designated={"gwp_set": "AR6"})
    other = show_inventory(
        river.installation, str(calculate(river.installation, path, progress=SilentProgress()).inventory_id)
    )
    assert (other.in_no_total, other.not_in_own) == (1, 3)
    assert "3 of 4 are not in the inventory's own (AR6, location-based)" in other.heading


def test_an_empty_period_has_no_total(river: River, tmp_path: Path) -> None:
    inventory_id = str(loaded(river, period={"start": "1999-01-01", "end": "2000-01-01"}))
    view = show_inventory(river.installation, inventory_id)
    assert {total.co2e_kg for total in view.totals} == {None}
    assert (view.without_total, view.left_out) == ("no activities", 1)
    assert view.heading == "no activities; 1 finding"
    assert differences(river.installation, inventory_id, limit=10)[0].difference_kg is None
    write_report(river.installation, inventory_id, tmp_path / "r.html")
    assert "<b>no activities</b>" in (tmp_path / "r.html").read_text()


def test_a_line_is_followed_to_factor_activity_and_record(river: River) -> None:
    loaded(river)
    found = trace_line(river.installation, "plant_2024|power|location_based")
    assert found.recomputed
    assert found.is_same_row
    assert found.factor is not None
    assert (found.factor["factor_id"], found.record.raw.file, found.record.raw.line) == ("grid", "activities.csv", 2)
    assert found.factor_record is not None
    assert found.factor_record.record.raw.file == "factors.csv"
    tree = found.tree()
    assert (tree.title, tree.value) == ("inventory line", "400 kg CO2e of power")
    formulas = [node.value for node in tree.children if node.title == "formula"]
    assert formulas == ["1000 kWh × 0.4 kg CO2e/kWh = 400 kg CO2e (AR5)"]
    assert json.dumps(found.as_json(), default=str)
    with pytest.raises(Misuse, match="several such lines"):
        trace_line(river.installation, "plant_2024|power")
    with pytest.raises(Misuse, match="no such line"):
        trace_line(river.installation, "plant_2024|abroad")
    river.load(activities([{"activity_id": "power", "quantity": "9"}]), name="later.csv")
    later = trace_line(river.installation, "plant_2024|power|location_based")
    assert (later.recomputed, later.is_same_row, later.line["quantity"]) == (True, False, "1000.000000")
    assert (later.record.raw.file, later.record.values["quantity"]) == ("activities.csv", "1000.000000")
    river.load(activities([{"activity_id": "other"}]), name="later.csv", strategy="full")
    gone = trace_line(river.installation, "plant_2024|power|location_based")
    assert (gone.recomputed, gone.is_same_row, gone.record.raw.file) == (True, False, "activities.csv")


def test_report_and_lines_are_written(river: River, tmp_path: Path) -> None:
    loaded(river)
    write_report(river.installation, "plant_2024", tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text()
    assert "0.506" in page
    assert "business travel" in page
    assert "http://" not in page
    assert "<script" not in page


def test_lines_go_out_without_figures_of_factors_that_may_not_be_passed_on(river: River, tmp_path: Path) -> None:
    """Quantity and CO2e of a line together are its factor; so are hashes from which it could be found by trying."""
    loaded(river)
    path = tmp_path / "l.csv"
    written = write_lines(river.installation, "plant_2024", path)
    assert (written.left_out, written.left_out_kg) == (1, 6)  # by AR5; it has no figure by AR6
    assert [(each.licence, each.redistributable) for each in written.licences] == [("CC0", False)]
    with path.open(newline="") as file:
        lines = {line["activity_id"]: line for line in csv.DictReader(file)}
    trip = lines["trip"]
    assert (trip["quantity"], trip["factor_id"]) == ("200.000000", "train")
    assert not any(trip[name] for name in OF_FACTOR)
    assert trip["left_out"] == "its licence does not let it be passed on"
    assert all(
        line["co2e_kg"] and line["row_hash"] and not line["left_out"] for name, line in lines.items() if name != "trip"
    )

    river.load(factors([FACTORS[2] | {"redistributable": "true"}]), name="may.csv", mapping="factor_form")
    calculate(river.installation, document(river), progress=SilentProgress())
    assert write_lines(river.installation, "plant_2024", path, delimiter=";") == LinesWritten()
    with path.open(newline="") as file:
        other = list(csv.DictReader(file, delimiter=";"))
    assert write_lines(river.installation, "plant_2024", path) == LinesWritten()
    with path.open(newline="") as file:
        assert other == list(csv.DictReader(file))
    inventory = find_inventory(river.installation, "plant_2024")
    assert hashlib.sha256(path.read_bytes()).digest() == inventory.lines  # to the byte as they are kept


def test_a_document_that_is_wrong_stores_nothing(river: River) -> None:
    with pytest.raises(Misuse, match="no such set of warming potentials"):
        loaded(river, gwp_sets=["AR99"])
    assert list_inventories(river.installation) == []
    with pytest.raises(Misuse, match="none has been calculated"):
        show_inventory(river.installation, "plant_2024")


def test_money_is_exchanged_by_the_rates_that_the_document_names(river: River) -> None:
    spend = {"factor_id": "hotel", "activity_type": "hotel", "unit": "GBP", "scope": "3", "category": "6",
             "method": "spend_based", "co2e_kg_per_unit": "0.2"}  # fmt: skip
    river.load(factors([spend]), name="factors.csv", mapping="factor_form")
    river.load(activities([{"activity_id": "stay", "activity_type": "hotel", "unit": "EUR", "quantity": "1000"}]))
    without = calculate(river.installation, document(river), progress=SilentProgress())
    (finding,) = show_inventory(river.installation, str(without.inventory_id)).findings
    assert "name a file of dated rates under factors.rates" in finding.message
    (river.folder / "rates.csv").write_text("Date,GBP\n2023-12-29,0.86905\n")
    named = document(river, factors={"rates": "rates.csv"})
    made = calculate(river.installation, named, progress=SilentProgress())
    (river.folder / "rates.csv").unlink()  # it is pinned
    (line,) = list_lines(river.installation, str(made.inventory_id))[0]
    # 1000 EUR × 0.86905 GBP × 0.2 kg
    assert (line["converted_quantity"], line["co2e_kg"]) == (Decimal("869.05"), Decimal("173.81"))
    assert line["substitutions"] == "EUR exchanged for GBP at 0.86905 GBP/EUR of 2023-12-29 (rates.csv)"
    assert verify(river.installation, progress=SilentProgress()).ok


def test_nothing_at_all_is_an_inventory_too(river: River) -> None:
    made = calculate(river.installation, document(river), progress=SilentProgress())
    assert (made.lines, made.activities) == (0, 0)
    assert show_inventory(river.installation, "plant_2024").designated.co2e_kg is None


def test_another_organisation_sees_none_of_it(river: River) -> None:
    loaded(river)
    with psycopg.connect(river.superuser_url) as superuser:
        superuser.execute("INSERT INTO tenants (tenant_id, name) VALUES (gen_random_uuid(), 'other')")
        (other,) = superuser.execute("SELECT tenant_id FROM tenants WHERE name = 'other'").fetchone() or (None,)
    assert other is not None
    with river.installation.database.connect(other) as session:
        for table in ("inventories", "inventory_lines", "inventory_findings", "inventory_publications"):
            assert session.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
