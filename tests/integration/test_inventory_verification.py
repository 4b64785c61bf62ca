"""Inventories in `verify`: computed again from their pins, and the first line that differs is named."""

from __future__ import annotations

import psycopg
import pytest

from headwater.accounting.inventory import tables
from headwater.services.inventories import calculating
from headwater.services.inventories.calculating import calculate
from headwater.services.inventories.publishing import publish
from headwater.services.verification import Verification, verify
from headwater.telemetry import SilentProgress
from tests.integration.test_inventories import document, loaded
from tests.integration.test_verification import CHANGED
from tests.kept import in_clear
from tests.plugin_skips import Some
from tests.river import River, activities

pytestmark = [pytest.mark.server, pytest.mark.long]


def checked(river: River) -> Verification:
    return verify(river.installation, progress=SilentProgress(), shown=1000)


def changed(river: River, statement: str) -> Verification:
    """As a superuser whom nothing holds back."""
    with psycopg.connect(river.superuser_url, autocommit=True) as superuser:
        superuser.execute("SET session_replication_role = replica")
        superuser.execute(statement)
    return checked(river)


def test_what_nobody_touched_is_verified_whatever_came_later(river: River) -> None:
    loaded(river)
    publish(river.installation, "plant_2024")
    river.load(activities([{"activity_id": "power", "quantity": "9"}]), name="later.csv")
    calculate(river.installation, document(river), progress=SilentProgress())
    found = checked(river)
    assert found.differences == ()
    assert found.ok
    assert found.checked["inventories"] == 2
    (count,) = river.rows("SELECT count(*) AS n FROM inventory_lines")
    assert found.checked["inventory_lines"] == count["n"]


@pytest.mark.parametrize(
    ("statement", "table", "key", "column"),
    [
        ("UPDATE inventory_lines SET co2e_kg = 401 WHERE activity_id = 'power' AND method = 'location_based'",
         "inventory_lines", "power|location_based|AR5|use|0", "co2e_kg"),
        ("UPDATE inventory_lines SET substitutions = 'x' WHERE activity_id = 'trip'",
         "inventory_lines", "trip|activity_based|AR5|use|0", "substitutions"),
        ("DELETE FROM inventory_lines WHERE activity_id = 'trip'",
         "inventory_lines", "trip|activity_based|AR5|use|0", ""),
        ("UPDATE inventory_lines SET part = 7 WHERE activity_id = 'trip'",
         "inventory_lines", "trip|activity_based|AR5|use|7", ""),
        ("UPDATE inventory_findings SET message = 'x' WHERE finding_no = 1", "inventory_findings", "|1", "message"),
        ("DELETE FROM inventory_findings WHERE finding_no = 1", "inventory_findings", "|1", ""),
        ("UPDATE inventories SET line_count = 1", "inventories", "", "line_count"),
        ("UPDATE inventories SET logic = 'x'", "inventories", "", "logic"),
        ("UPDATE inventories SET lines = factors", "inventories", "", "lines"),
        ("UPDATE inventory_publications SET number = 5", "inventory_publications", "1", ""),
        ("UPDATE inventory_publications SET name = 'x'", "inventory_publications", "1", "name"),
        ("DELETE FROM inventories", "inventories", "", ""),
    ],
)  # fmt: skip
def test_what_was_changed_is_named(river: River, statement: str, table: str, key: str, column: str) -> None:
    loaded(river)
    publish(river.installation, "plant_2024")
    found = changed(river, statement)
    assert not found.ok
    named = [(each.table, each.column) for each in found.differences if key in each.key]
    assert (table, column) in named, found.differences
    if table == "inventory_lines":
        assert found.differences[0].table == table


def test_a_changed_pin_is_found(river: River) -> None:
    loaded(river)
    (row,) = river.rows("SELECT activities FROM inventories")
    path = in_clear(river.installation, bytes(row["activities"]))
    content = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(content.replace(b'"1000.000000"', b'"2000.000000"'))
    found = checked(river)
    assert found.differences[0].table == "blob store"
    assert ("inventory_lines", "co2e_kg") in {(each.table, each.column) for each in found.differences}


def test_other_code_that_gives_the_same_lines_is_no_difference(river: River, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded(river)
    monkeypatch.setattr(calculating, "INVENTORY_VERSION", "next")
    found = checked(river)
    assert found.differences == ()
    assert found.ok
    named = changed(river, "UPDATE inventory_lines SET co2e_kg = 1 WHERE activity_id = 'trip'").differences
    assert [(each.table, each.column) for each in named] == [("inventory_lines", "co2e_kg")]


def test_other_code_that_gives_other_lines_is_said_and_the_file_holds(
    river: River, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded(river)
    monkeypatch.setattr(calculating, "INVENTORY_VERSION", "next")
    monkeypatch.setattr(tables, "GRID_SAID", "the grid's average")  # stands on lines
    found = checked(river)
    assert found.differences == ()
    (why,) = found.not_recomputed.values()
    assert "gives other lines; they are held against their file" in why
    named = changed(river, "UPDATE inventory_lines SET co2e_kg = 1 WHERE activity_id = 'trip'").differences
    assert [(each.table, each.column, each.why) for each in named] == [
        ("inventory_lines", "co2e_kg", "as its file of lines says"),
    ]


TABLES = ("inventories", "inventory_findings", "inventory_lines", "inventory_publications")


@pytest.mark.slow
def test_one_value_changed_in_any_column_is_found_and_named(river: River, some: Some) -> None:
    river.load(activities([{"activity_id": f"z{number}"} for number in range(60)]), name="more.csv")
    loaded(river)
    publish(river.installation, "plant_2024")
    columns = river.rows(
        "SELECT table_name, column_name, data_type FROM information_schema.columns "
        "WHERE table_schema = 'public' AND table_name = ANY(%(tables)s) AND column_name NOT LIKE '%%_at' ORDER BY 1, 2",
        tables=list(TABLES),
    )
    missed = []
    with psycopg.connect(river.superuser_url, autocommit=True) as superuser:
        superuser.execute("SET session_replication_role = replica")
        for table, name in superuser.execute(
            "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE contype IN ('c', 'f')"
            " AND connamespace = 'public'::regnamespace AND conrelid::regclass::text LIKE 'inventor%'"
        ).fetchall():
            superuser.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
        waiting = some(((row["table_name"], row["column_name"], row["data_type"]) for row in columns), 3)
        while waiting:
            places = {
                table: [place for (place,) in superuser.execute(f"SELECT ctid::text FROM {table} ORDER BY ctid")]
                for table in TABLES
            }
            taken: list[tuple[str, str, str, str]] = []
            left: list[tuple[str, str, str, str]] = []
            for table, name, kind in waiting:
                # One column of `inventories` at a time: what its other columns say is compared by what this one says.
                is_free = places[table] and not (table == "inventories" and any(each[0] == table for each in taken))
                (taken if is_free else left).append((table, name, kind, places[table].pop() if is_free else ""))
            old = {table: superuser.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES}
            for table, name, kind, place in taken:
                new = CHANGED[kind].format(f'"{name}"')
                superuser.execute(f'UPDATE {table} SET "{name}" = {new} WHERE ctid = %s', [place])
            found = {(each.table, each.column) for each in checked(river).differences}
            missed += [
                f"{table}.{name}"
                for table, name, _, _ in taken
                if (table, name) not in found and (table, "") not in found
            ]
            for table, rows in old.items():
                superuser.execute(f"TRUNCATE {table} CASCADE")
                for row in rows:
                    superuser.execute(f"INSERT INTO {table} VALUES ({', '.join(['%s'] * len(row))})", list(row))
            waiting = [each[:3] for each in left]
    assert missed == []
