"""Files brought through the whole river, and what they left behind: used by the tests of loading."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import yaml
from psycopg.rows import dict_row

from headwater.audit.chain import GENESIS, canonical_payload, entry_hash
from headwater.services.imports import run_recipe
from headwater.services.installation import Installation
from headwater.settings import Settings
from headwater.store import audit
from headwater.store.blobs import BlobStore
from headwater.store.chunks import Ledger, ledger_of
from headwater.telemetry import SilentProgress
from tests.servers import Installation as TestDatabase

ACTIVITY_COLUMNS = (
    "activity_id", "activity_type", "facility_code", "region", "period_start", "period_end", "quantity", "unit",
    "data_quality", "supplier", "document_no", "cost", "currency", "note",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class River:
    """An installation over a test's database, and a folder for its files."""

    installation: Installation
    superuser_url: str
    app_url: str
    folder: Path

    def load(
        self,
        content: str | bytes,
        *,
        name: str = "activities.csv",
        mapping: str = "activity_form",
        chunk_size: int = 50_000,
        strategy: str = "delta",
        version: str | None = None,
        unit: str | None = None,
    ) -> tuple[UUID, Ledger]:
        """Import a file of this content; run id and ledger."""
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        recipe = self.folder / f"{path.stem}.recipe.yaml"
        load = {"strategy": strategy, "chunk_size": chunk_size, "version": version}
        body = {"recipe": "test", "source": {"path": path.name}, "mapping": self.mapping(mapping), "load": load}
        body |= {} if unit is None else {"unit": unit}
        recipe.write_text(yaml.safe_dump(body))
        run_id = run_recipe(self.installation, recipe, progress=SilentProgress())
        return run_id, self.ledger(run_id)

    def ledger(self, run_id: UUID) -> Ledger:
        with self.installation.database.connect(self.installation.tenant_id) as connection:
            return ledger_of(connection, self.installation.tenant_id, run_id)

    def mapping(self, name: str) -> str:
        """The path of a mapping whose columns are called as the fields are, or the name of a shipped one."""
        contract = {"activity_form": "activity", "factor_form": "emission_factor"}.get(name)
        if contract is None:
            return name
        path = self.folder / f"{name}.yaml"
        if not path.exists():
            document = self.installation.contract(contract, 1)
            fields = {spec.name: {"column": spec.name} for spec in document.first}
            path.write_text(
                yaml.safe_dump({"mapping": name, "version": "1.0.0", "contract": f"{contract}@1", "fields": fields})
            )
        return str(path)

    def rows(self, query: str, **values: Any) -> list[dict[str, Any]]:
        """As superuser: everything there is."""
        with psycopg.connect(self.superuser_url, row_factory=dict_row) as connection:
            return connection.execute(query, values or None).fetchall()

    def change(self, statement: str, **values: Any) -> None:
        """As superuser, whom no right holds back: what an audit must find."""
        with psycopg.connect(self.superuser_url) as connection:
            connection.execute(statement, values or None)


def make_river(database: TestDatabase, folder: Path) -> River:
    settings = Settings(data_dir=folder / "data", database_url=None)
    installation = Installation(
        settings=settings,
        database=database.database,
        blobs=BlobStore(settings.blob_dir),
        tenant_id=database.tenant_id,
    )
    return River(
        installation=installation, superuser_url=database.superuser_url, app_url=database.app_url, folder=folder
    )


def activities(rows: Iterable[Mapping[str, str]], columns: Sequence[str] = ACTIVITY_COLUMNS) -> str:
    """A CSV of activities; what a row leaves out is filled with something valid."""
    usual = dict.fromkeys(columns, "") | {
        "activity_type": "electricity", "region": "DE", "period_start": "2024-01-01", "quantity": "1", "unit": "kWh",
    }  # fmt: skip
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({**usual, **row} for row in rows)
    return out.getvalue()


def factors(rows: Iterable[Mapping[str, str]]) -> str:
    """A CSV of emission factors, each for electricity in Germany unless it says otherwise."""
    columns = (
        "factor_id", "source", "publication_year", "activity_type", "region", "unit", "scope", "category", "method",
        "gwp_set", "co2e_kg_per_unit", "co2_kg_per_unit", "ch4_kg_per_unit", "n2o_kg_per_unit",
        "valid_from", "valid_to", "licence", "redistributable", "note",
    )  # fmt: skip
    usual = dict.fromkeys(columns, "") | {
        "source": "test", "publication_year": "2024", "activity_type": "electricity", "region": "DE", "unit": "kWh",
        "scope": "2", "method": "location_based", "gwp_set": "AR5", "co2e_kg_per_unit": "0.5",
        "valid_from": "2020-01-01", "valid_to": "2030-01-01", "licence": "CC0", "redistributable": "true",
    }  # fmt: skip
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({**usual, **row} for row in rows)
    return out.getvalue()


def never_held(river: River, name: str) -> None:
    """The audit chain as versions wrote it that did not hold something yet."""
    tenant_id, last = river.installation.tenant_id, GENESIS
    with river.installation.database.connect(tenant_id) as connection:
        entries = list(audit.entries(connection, tenant_id))
    for written in entries:
        payload = {key: value for key, value in json.loads(written.payload).items() if key != name}
        entry = replace(written, payload=canonical_payload(payload), prev_hash=last)
        last = entry_hash(entry)
        river.change(
            "UPDATE audit_entries SET payload = %(payload)s, prev_hash = %(before)s, entry_hash = %(own)s"
            " WHERE tenant_id = %(tenant)s AND seq = %(seq)s",
            payload=entry.payload, before=entry.prev_hash, own=last, tenant=tenant_id, seq=entry.seq,
        )  # fmt: skip
    river.change("UPDATE audit_heads SET entry_hash = %(own)s WHERE tenant_id = %(tenant)s", own=last, tenant=tenant_id)
