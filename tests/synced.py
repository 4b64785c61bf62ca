"""A source of meter readings on a PostgreSQL server, and an installation that syncs from it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import yaml
from psycopg.conninfo import conninfo_to_dict

from headwater.pipeline.recipe import Recipe
from headwater.services.connectors.keeping import add
from headwater.services.connectors.planning import plan_sync
from headwater.services.imports import carry_out
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
class Synced:
    """An installation, and a source with readings 1 to 1,000 that were changed second by second."""

    river: River
    source: Installation

    def at_source(self, statement: str, *values: Any) -> None:
        with psycopg.connect(self.source.superuser_url, autocommit=True) as connection:
            connection.execute(statement, values or None)

    def recipe(self, **said: Any) -> Recipe:
        path = self.mapping()
        source = {"connector": "plant", "table": "public.meter_reading", **said.pop("source", {})}
        load = {"chunk_size": 100, **said.pop("load", {})}
        return Recipe.model_validate({"recipe": "readings", "source": source, "mapping": str(path), "load": load})

    def mapping(self) -> Path:
        path = self.river.folder / "meter_readings.yaml"
        path.write_text(yaml.safe_dump(MAPPING))
        return path

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


@contextmanager
def synced_source(river: River, server: TestServer) -> Iterator[Synced]:
    """Readings 1 to 1,000, changed second by second, and the connector `plant`; nothing synced yet."""
    source = server.empty()
    scene = Synced(river=river, source=source)
    scene.at_source(TABLE)
    scene.at_source(
        "INSERT INTO meter_reading SELECT n, 'site-' || n % 7, date '2024-01-01' + (n % 300)::integer, n * 1.5,"
        " timestamptz '2024-06-01 00:00:00+00' + n * interval '1 second' FROM generate_series(1, 1000) n"
    )
    valid = {"factor_id": "f", "valid_from": "2020-01-01", "valid_to": "2030-01-01"}
    river.load(factors([valid]), name="factors.csv", mapping="factor_form")
    said = conninfo_to_dict(source.superuser_url)
    config = {"host": said["host"], "database": said["dbname"], "user": said["user"], "sslmode": "disable"}
    if "port" in said:
        config["port"] = int(str(said["port"]))
    add(river.installation, "plant", "postgresql", config)
    yield scene
    server.drop(source)
