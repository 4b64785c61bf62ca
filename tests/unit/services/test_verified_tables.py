"""Every table of the schema is evidence that `verify` checks, or is named as none with its reason."""

from __future__ import annotations

import re
from pathlib import Path

import headwater.store
from headwater.services.verification import TABLES_NOT_EVIDENCE

EVIDENCE = {
    "audit_entries", "audit_heads", "blobs", "chunks", "contract_registry", "documents", "findings", "inventories",
    "deleted_records", "inventory_findings", "inventory_lines", "inventory_publications", "quarantine",
    "quarantine_repairs", "runs", "source_chunks", "source_units",
}  # fmt: skip
MADE_BY_MIGRATING = {"schema_migrations"}


def test_each_table_is_evidence_or_says_why_not() -> None:
    migrations = Path(headwater.store.__file__).parent / "migrations"
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(migrations.glob("*.sql")))
    called = dict(re.findall(r"^ALTER TABLE (\w+) RENAME TO (\w+)", text, re.MULTILINE))
    made = {called.get(name, name) for name in re.findall(r"^CREATE TABLE (\w+)", text, re.MULTILINE)}
    assert (made | MADE_BY_MIGRATING) == EVIDENCE | set(TABLES_NOT_EVIDENCE)
