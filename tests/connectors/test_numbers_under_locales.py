"""Numbers of a source are the same under every locale of the mapping, whatever they come as; texts are what it says."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml

from headwater.connectors.http.text_columns import batch
from headwater.connectors.nested.text import Number
from headwater.connectors.parquet_file.texts import leaves
from headwater.connectors.postgresql import PostgresConfig, PostgresConnector, catalog
from headwater.connectors.rest import RestConfig
from headwater.connectors.rest.connector import RestConnector
from headwater.pipeline.recipe import Recipe
from headwater.services.connectors.keeping import add
from headwater.services.connectors.planning import plan_sync
from headwater.services.imports import carry_out
from headwater.services.verification import verify
from headwater.store.chunks import Ledger
from headwater.telemetry import SilentProgress
from tests.connectors.servers_http import Asked, Reply, http_server, json_reply
from tests.connectors.sql_reading import cells, no_secret
from tests.river import River
from tests.synced import MAPPING, Synced

pytestmark = pytest.mark.server
GERMAN = {"decimal": ",", "group": ".", "date_order": "DMY"}
AMERICAN = {"decimal": ".", "group": ",", "date_order": "MDY"}
RIGHT = {str(n): Decimal(n) * Decimal("1.5") for n in range(1, 1001)}


def sync(river: River, recipe: Recipe, mapping: Mapping[str, Any]) -> tuple[UUID, Ledger]:
    Path(recipe.mapping).write_text(yaml.safe_dump(dict(mapping)))
    run_id = plan_sync(river.installation, recipe, river.folder)
    carry_out(river.installation, run_id, progress=SilentProgress())
    return run_id, river.ledger(run_id)


def loaded(river: River) -> dict[str, Decimal]:
    return {row["activity_id"]: row["quantity"] for row in river.rows("SELECT activity_id, quantity FROM activity_v1")}


def waiting(river: River) -> int:
    return len(river.rows("SELECT quarantine_id FROM quarantine WHERE state = 'open'"))


def reconciled(river: River, run_id: UUID) -> dict[str, Any]:
    (row,) = river.rows("SELECT reconciliation FROM runs WHERE run_id = %(run_id)s", run_id=run_id)
    found: dict[str, Any] = row["reconciliation"]
    return found


# ---------------------------------------------------------------------------------------------------------- PostgreSQL


@pytest.mark.parametrize("locale", [GERMAN, AMERICAN])
def test_numeric_of_postgresql_is_the_same_number(synced: Synced, locale: dict[str, str]) -> None:
    """And a day the same day, which the order of dates says nothing of."""
    synced.at_source("UPDATE meter_reading SET month = '2024-03-04' WHERE reading_id = 1")
    run_id, ledger = sync(synced.river, synced.recipe(), {**MAPPING, "locale": locale})
    assert (ledger.inserted, ledger.quarantined_raw) == (1000, 0)
    assert loaded(synced.river) == RIGHT
    (day,) = synced.river.rows("SELECT period_start::text AS day FROM activity_v1 WHERE activity_id = '1'")
    assert day["day"] == "2024-03-04"
    (compared,) = reconciled(synced.river, run_id)["fields"].values()
    assert Decimal(compared["difference"]) == 0
    assert verify(synced.river.installation, progress=SilentProgress()).differences == ()


def test_what_was_read_before_numbers_were_marked_is_replayed_as_it_was(
    synced: Synced, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing moves by the mark alone, and what was a thousand times too large is mended by the next sync."""
    recipe = synced.recipe()
    with monkeypatch.context() as before:
        before.setattr(catalog, "_NUMBERS", set())
        sync(synced.river, recipe, MAPPING)
    _, ledger = sync(synced.river, recipe, MAPPING)
    assert (ledger.read, ledger.unchanged, ledger.updated) == (1000, 1000, 0)
    with monkeypatch.context() as before:
        before.setattr(catalog, "_NUMBERS", set())
        sync(synced.river, recipe, {**MAPPING, "version": "1.1.0", "locale": GERMAN})
    # "1500.000" is no number there, and "900.000" another.
    assert loaded(synced.river) == {name: value * 1000 if value < 1000 else value for name, value in RIGHT.items()}
    assert waiting(synced.river) == sum(value >= 1000 for value in RIGHT.values())
    assert verify(synced.river.installation, progress=SilentProgress()).differences == ()
    _, ledger = sync(synced.river, recipe, {**MAPPING, "version": "1.1.0", "locale": GERMAN})
    assert (ledger.updated, ledger.unchanged) == (666, 334)
    assert (loaded(synced.river), waiting(synced.river)) == (RIGHT, 0)
    assert verify(synced.river.installation, progress=SilentProgress()).differences == ()


@pytest.mark.parametrize("variant", [GERMAN, AMERICAN])
def test_the_locale_of_the_variant_that_holds_is_the_one_that_counts(synced: Synced, variant: dict[str, str]) -> None:
    """Numbers written as the mapping itself says, and read as its variant does, were a thousand times too large."""
    other = AMERICAN if variant == GERMAN else GERMAN
    mapping = {**MAPPING, "locale": other, "when": [{"columns": ["changed_at"], "locale": variant}]}
    _, ledger = sync(synced.river, synced.recipe(), mapping)
    assert (ledger.inserted, ledger.quarantined_raw, waiting(synced.river)) == (1000, 0, 0)
    assert loaded(synced.river) == RIGHT
    assert verify(synced.river.installation, progress=SilentProgress()).differences == ()


def test_every_type_of_postgresql_that_is_a_number_is_one(synced: Synced) -> None:
    synced.at_source("CREATE DOMAIN tonnes AS numeric(12,3)")
    synced.at_source("CREATE DOMAIN tonnes_shipped AS tonnes CHECK (value > 0)")
    synced.at_source("CREATE DOMAIN dollars AS money")
    synced.at_source("CREATE DOMAIN share AS double precision")
    synced.at_source("CREATE DOMAIN label AS text")
    synced.at_source(
        "CREATE TABLE kinds (id int PRIMARY KEY, n numeric, shipped tonnes_shipped, paid money, dollars dollars,"
        " share share, f real, said text, label label, j jsonb, listed numeric[], many jsonb, version bigint)"
    )
    synced.at_source(
        "INSERT INTO kinds VALUES (1, 7.500, 1.234, 1234.50, 1.25, 0.125, 0.5, '1.234', '1.234', '7.5', '{1.5}',"
        """ '{"a": 1.5}', 9007199254740993), (2, 'NaN', 0.001, -0.5, -1.25, 'Infinity', 2, '', NULL, '"7.5"', '{}',"""
        " NULL, NULL)"
    )
    synced.at_source("CREATE VIEW seen AS SELECT id, n * 2 AS doubled, n::text AS written FROM kinds WHERE id = 1")
    said = synced.river.rows("SELECT config FROM connectors")[0]["config"]
    connector = PostgresConnector(PostgresConfig.model_validate(said), no_secret)
    first, second = cells(connector, "public.kinds", ",")
    assert first == {
        "id": "1", "n": "7,500", "shipped": "1,234", "paid": "1234,50", "dollars": "1,25", "share": "0,125", "f": "0,5",
        "said": "1.234", "label": "1.234", "j": "7,5", "listed": "[1.5]", "many": '{"a": 1.5}',
        "version": "9007199254740993",
    }  # fmt: skip
    assert (second["n"], second["share"], second["j"], second["paid"]) == ("NaN", "Infinity", '"7.5"', "-0,50")
    assert cells(connector, "public.seen", ",") == [{"id": "1", "doubled": "15,000", "written": "7.500"}]
    assert cells(connector, "public.kinds", ".")[0]["n"] == "7.500"


# -------------------------------------------------------------------------------------------------------------- SQLite


@pytest.mark.parametrize(
    ("declared", "table"), [("NUMERIC(12,3)", "readings"), ("", "readings"), ("", "seen"), ("REAL", "seen")]
)
def test_numbers_of_sqlite_are_numbers_and_texts_beside_them_are_texts(
    river: River, tmp_path: Path, declared: str, table: str
) -> None:
    path = tmp_path / "plant.sqlite"
    with closing(sqlite3.connect(path)) as source, source:
        source.execute(f"CREATE TABLE readings (reading_id INTEGER PRIMARY KEY, site TEXT, month DATE, kwh {declared})")
        source.execute("CREATE VIEW seen AS SELECT reading_id, site, month, kwh FROM readings")
        values: list[Any] = [7.5, 1.234, 8, 1234567.125, "1.234,5", None if declared else "1.234"]
        rows = [(number, value) for number, value in enumerate(values, 1) if value is not None]
        source.executemany("INSERT INTO readings VALUES (?, 'site-1', '2024-03-04', ?)", rows)
    add(river.installation, "plant", "sqlite", {"path": str(path)})
    said = {"recipe": "readings", "source": {"connector": "plant", "table": table, "key": ["reading_id"]}}
    recipe = Recipe.model_validate({**said, "mapping": str(river.folder / "readings.yaml")})
    run_id, ledger = sync(river, recipe, {**MAPPING, "locale": GERMAN})
    assert ledger.quarantined_raw == 0
    right = [Decimal(text) for text in ("7.5", "1.234", "8", "1234567.125", "1234.5", "1234")]
    assert loaded(river) == {str(number): value for number, value in enumerate(right[: len(rows)], 1)}
    assert verify(river.installation, progress=SilentProgress()).differences == ()
    with closing(sqlite3.connect(path)) as source, source:
        source.execute("DELETE FROM readings WHERE reading_id > 4")
    run_id, _ = sync(river, recipe, {**MAPPING, "locale": GERMAN})
    assert Decimal(reconciled(river, run_id)["sums_read"]["kwh"]) == Decimal("1234583.859")


# ---------------------------------------------------------------------------------------------------------------- JSON


def answer(asked: Asked) -> Reply:
    del asked
    return json_reply([{"id": 1, "n": 1.2345e3, "s": "1.234", "o": {"x": 7.5}, "l": [1.5], "b": True, "late": 0.5}])


def test_numbers_of_json_are_numbers_and_texts_beside_them_are_texts() -> None:
    with http_server(answer) as server:
        columns = ("id", "n", "s", "o.x", "l", "b")
        tables = [{"name": "t", "path": "t", "key": ["id"], "pages": {"kind": "none"}, "columns": columns}]
        said = {"url": server.url, "auth": {"kind": "none"}, "tables": tables}
        connector = RestConnector(RestConfig.model_validate(said), no_secret)
        with closing(connector):
            (row,) = cells(connector, "t", ",")
    assert row == {
        "id": "1", "n": "1234,5", "s": "1.234", "o.x": "7,5", "l": "[1.5]", "b": "TRUE", "_more": '{"late":"0.5"}',
    }  # fmt: skip


def test_what_a_source_declares_to_be_a_number_is_one_though_its_json_has_a_string() -> None:
    record = {"declared": "1.234", "amount": Number("1.5"), "said": "1.234"}
    made = batch([record], tuple(record), "a test", decimal=",", numbers={"declared", "amount"})
    found = [leaf.texts(",").to_pylist() for at, field in enumerate(made.schema) for leaf in leaves(made[at], field)]
    assert found == [["1,234"], ["1,5"], ["1.234"]]
