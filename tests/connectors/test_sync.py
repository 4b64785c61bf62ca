"""A table of a PostgreSQL server synced into the river: once, again, what changed, what went, what failed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
import pytest
import yaml
from psycopg.conninfo import conninfo_to_dict

from headwater.errors import Misuse
from headwater.pipeline.recipe import Recipe
from headwater.services.connectors.keeping import add
from headwater.services.connectors.planning import plan_sync
from headwater.services.imports import carry_out
from headwater.services.tracing import trace_emission
from headwater.services.verification import verify
from headwater.store.chunks import Ledger
from headwater.telemetry import SilentProgress
from tests.river import River, factors
from tests.servers import Installation, TestServer

TABLE = """
CREATE TABLE meter_reading (
    reading_id   bigint PRIMARY KEY,
    site         text NOT NULL,
    month        date NOT NULL,
    kwh          numeric(12,3) NOT NULL,
    changed_at   timestamptz NOT NULL
)"""
MAPPING = {
    "mapping": "meter_readings",
    "version": "1.0.0",
    "contract": "activity@1",
    "fields": {
        "activity_id": {"column": "reading_id"},
        "activity_type": {"constant": "electricity"},
        "facility_code": {"column": "site"},
        "region": {"constant": "DE"},
        "period_start": {"column": "month"},
        "quantity": {"column": "kwh"},
        "unit": {"constant": "kWh"},
    },
}


@dataclass(frozen=True, kw_only=True)
class Scene:
    """An installation, and a source with readings 1 to 1,000 that were changed second by second."""

    river: River
    source: Installation

    def at_source(self, statement: str, *values: Any) -> None:
        with psycopg.connect(self.source.superuser_url, autocommit=True) as connection:
            connection.execute(statement, values or None)  # type: ignore[arg-type]

    def recipe(self, **said: Any) -> Recipe:
        path = self.river.folder / "meter_readings.yaml"
        path.write_text(yaml.safe_dump(MAPPING))
        source = {"connector": "plant", "table": "public.meter_reading", **said.pop("source", {})}
        load = {"chunk_size": 100, **said.pop("load", {})}
        return Recipe.model_validate({"recipe": "readings", "source": source, "mapping": str(path), "load": load})

    def sync(self, **said: Any) -> tuple[UUID, Ledger]:
        installation = self.river.installation
        run_id = plan_sync(installation, self.recipe(**said), self.river.folder)
        carry_out(installation, run_id, progress=SilentProgress())
        return run_id, self.river.ledger(run_id)

    def loaded(self) -> dict[str, str]:
        rows = self.river.rows("SELECT activity_id, quantity::text AS quantity FROM activity_v1")
        return {row["activity_id"]: row["quantity"] for row in rows}

    def state(self) -> dict[str, Any]:
        (row,) = self.river.rows(
            "SELECT s.* FROM connector_sync_state s JOIN runs USING (tenant_id, source_id) WHERE kind = 'sync' LIMIT 1"
        )
        return row


@pytest.fixture
def source(server: TestServer) -> Iterator[Installation]:
    made = server.empty()
    yield made
    server.drop(made)


@pytest.fixture
def scene(river: River, source: Installation) -> Scene:
    scene = Scene(river=river, source=source)
    scene.at_source(TABLE)
    scene.at_source(
        "INSERT INTO meter_reading SELECT n, 'site-' || n % 7, date '2024-01-01' + (n % 300)::integer, n * 1.5,"
        " timestamptz '2024-06-01 00:00:00+00' + n * interval '1 second' FROM generate_series(1, 1000) n"
    )
    river.load(factors([{"factor_id": "f", "valid_from": "2020-01-01", "valid_to": "2030-01-01"}]),
               name="factors.csv", mapping="factor_form")  # fmt: skip
    said = conninfo_to_dict(source.superuser_url)
    config = {"host": said["host"], "database": said["dbname"], "user": said["user"], "sslmode": "disable"}
    if "port" in said:
        config["port"] = int(str(said["port"]))
    add(river.installation, "plant", "postgresql", config)
    return scene


def test_every_row_comes_once_with_its_figure_and_is_proven(scene: Scene) -> None:
    _, ledger = scene.sync()
    assert (ledger.committed, ledger.read, ledger.inserted) == (10, 1000, 1000)
    assert scene.loaded() == {str(n): f"{n * 1.5:.6f}" for n in range(1, 1001)}
    found = verify(scene.river.installation, progress=SilentProgress())
    assert found.differences == ()
    assert found.not_recomputed == {}
    told = trace_emission(scene.river.installation, "17")
    assert told.record is not None
    assert told.record.raw.cells == {
        "reading_id": "17", "site": "site-3", "month": "2024-01-18", "kwh": "25.500",
        "changed_at": "2024-06-01T00:00:17Z",
    }  # fmt: skip


def test_the_same_again_changes_nothing(scene: Scene) -> None:
    scene.sync()
    _, ledger = scene.sync()
    assert (ledger.read, ledger.inserted, ledger.updated, ledger.unchanged) == (1000, 0, 0, 1000)


def test_with_a_cursor_only_what_changed_is_read(scene: Scene) -> None:
    by_cursor = {"source": {"cursor": "changed_at"}}
    scene.sync(**by_cursor)
    scene.at_source("UPDATE meter_reading SET kwh = 0, changed_at = '2024-07-01 00:00:00+00' WHERE reading_id = 5")
    scene.at_source("INSERT INTO meter_reading VALUES (1001, 'site-1', '2024-02-01', 9, '2024-07-01 00:00:00+00')")
    _, ledger = scene.sync(**by_cursor)
    assert ledger.read < 20  # those, and whoever shares the last moment read before
    assert (ledger.inserted, ledger.updated) == (1, 1)
    assert scene.loaded()["5"] == "0.000000"


def test_what_the_source_no_longer_holds_goes_with_a_full_sync(scene: Scene) -> None:
    full = {"load": {"strategy": "full"}}
    scene.sync(**full)
    scene.at_source("DELETE FROM meter_reading WHERE reading_id > 990")
    scene.sync(**full)
    assert len(scene.loaded()) == 990
    assert verify(scene.river.installation, progress=SilentProgress()).differences == ()


def test_what_changed_in_the_columns_is_noted_even_where_the_sync_is_refused_for_it(scene: Scene) -> None:
    scene.sync()
    scene.at_source("ALTER TABLE meter_reading RENAME COLUMN site TO sites")
    scene.at_source("ALTER TABLE meter_reading ADD COLUMN remark text")
    with pytest.raises(Misuse, match="there is no column 'site'"):
        scene.sync()
    noted = scene.river.rows("SELECT seen_no, changes FROM source_schema_cache ORDER BY seen_no")
    assert [row["seen_no"] for row in noted] == [1, 2]
    changes = {(each["kind"], each["before"], each["after"]) for each in noted[1]["changes"]}
    assert changes == {("renamed", "site", "sites"), ("added", None, "remark")}


def test_bad_rows_are_refused_with_their_place_and_mended(scene: Scene) -> None:
    scene.at_source("UPDATE meter_reading SET kwh = -1 WHERE reading_id IN (7, 700)")
    _, ledger = scene.sync()
    assert (ledger.read, ledger.inserted, ledger.quarantined) == (1000, 998, 2)
    refused = scene.river.rows("SELECT raw ->> 'reading_id' AS id, state FROM quarantine ORDER BY record_no")
    assert [(row["id"], row["state"]) for row in refused] == [("7", "open"), ("700", "open")]
    scene.at_source("UPDATE meter_reading SET kwh = 1 WHERE reading_id IN (7, 700)")
    scene.sync(load={"strategy": "full"})
    assert {row["state"] for row in scene.river.rows("SELECT state FROM quarantine")} == {"expired"}
    assert len(scene.loaded()) == 1000
    found = verify(scene.river.installation, progress=SilentProgress())
    assert (found.differences, found.not_recomputed) == ((), {})


@pytest.mark.parametrize("column", ["locator", "records", "cursor_to", "window_start", "chunk_no"])
def test_one_value_of_the_plan_changed_is_found(scene: Scene, column: str) -> None:
    scene.sync(source={"cursor": "changed_at"})
    changed = {"locator": "locator || '{\"x\": 1}'", "records": "records + 1", "chunk_no": "chunk_no + 100"}
    scene.river.change("ALTER TABLE source_chunks DROP CONSTRAINT source_chunks_tenant_id_run_id_chunk_no_fkey")
    value = changed.get(column, "'x'")
    scene.river.change(f"UPDATE source_chunks SET {column} = {value} WHERE chunk_no = 2")
    found = verify(scene.river.installation, progress=SilentProgress())
    assert any("its plan" in each.key for each in found.differences)


def test_one_byte_of_what_was_read_changed_is_found(scene: Scene) -> None:
    scene.sync()
    (row,) = scene.river.rows("SELECT extract_sha256 FROM chunks WHERE chunk_no = 3")
    installation = scene.river.installation
    path = installation.blobs.path(installation.tenant_id, bytes(row["extract_sha256"]))
    path.chmod(0o600)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    assert not verify(installation, progress=SilentProgress()).ok
