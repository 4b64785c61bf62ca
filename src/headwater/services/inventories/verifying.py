"""Every inventory computed again from what was pinned, and held against what is stored and what the chain says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pyarrow as pa

from headwater.accounting.inventory.lines import KEY, NAMES
from headwater.errors import HeadwaterError
from headwater.services.inventories.calculating import Making, logic, opened_engine, stored_document
from headwater.services.inventories.inputs import PINNED_ROWS
from headwater.store import inventories
from headwater.store.stored_rows import parse_rows
from headwater.telemetry import SilentProgress

if TYPE_CHECKING:
    import duckdb

    from headwater.audit.chain import Entry
    from headwater.pipeline.replay.differences import Differences
    from headwater.services.installation import Installation
    from headwater.store.database import TenantConnection
    from headwater.store.inventories import StoredInventory

CALCULATED, PUBLISHED = "inventory.calculated", "inventory.published"
TEXTS = pa.schema([pa.field(name, pa.string()) for name in NAMES])
EXPECTED, STORED = "lines_expected", "lines_stored"
CHAINED = "as the audit chain says"
AGAIN = "computed again from what was pinned"
KEPT = "as its file of lines says"
BLOBS = {
    "activities": PINNED_ROWS, "factors": PINNED_ROWS, "instruments": PINNED_ROWS, "potentials": "potentials",
    "rates": "rates", "lines": "inventory_lines",
}  # fmt: skip
"""Kinds of the blobs that an inventory cites, by what they are of."""


@dataclass(kw_only=True)
class InventoryCheck:
    """Takes the chain's entries on inventories, then holds what is stored against them and against the pins."""

    installation: Installation
    connection: TenantConnection
    differences: Differences
    erased: set[str]
    not_recomputed: dict[str, str] = field(default_factory=dict)
    lines: int = 0
    _calculated: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    _published: dict[int, UUID] = field(default_factory=dict)

    def take(self, entry: Entry) -> None:
        """Note what an entry says of an inventory."""
        if entry.action not in {CALCULATED, PUBLISHED}:
            return
        inventory_id, payload = UUID(entry.resource.removeprefix("inventory/")), json.loads(entry.payload)
        if entry.action == CALCULATED:
            self._calculated[inventory_id] = payload
        else:
            self._published[payload["number"]] = inventory_id

    def finish(self) -> dict[str, int]:
        """Compare everything; how many of each were checked."""
        stored = {each.inventory_id: each for each in self._stored()}
        for inventory_id in self._calculated.keys() - stored.keys():
            self.differences.missing("inventories", str(inventory_id), CHAINED)
        for inventory_id, inventory in stored.items():
            payload = self._calculated.get(inventory_id)
            if payload is None:
                self.differences.unexplained("inventories", str(inventory_id), "the audit chain does not know it")
                continue
            self._columns(inventory, payload)
            try:
                self._again(inventory, payload)
            except HeadwaterError as error:
                self.not_recomputed[f"inventory {inventory.name} {inventory_id}"] = str(error)
        self._orphans(stored)
        self._publications()
        counts = {"inventories": len(stored), "inventory_lines": self.lines}
        return {name: count for name, count in counts.items() if count}

    def _stored(self) -> list[StoredInventory]:
        return inventories.all_inventories(self.connection, self.installation.tenant_id)

    def _columns(self, inventory: StoredInventory, payload: dict[str, Any]) -> None:
        for name, value in asdict(inventory).items():
            if name in payload:
                stored = value.hex() if isinstance(value, bytes) else value
                self.differences.compare(
                    "inventories", str(inventory.inventory_id), name,
                    stored=stored, expected=payload[name], why=CHAINED,
                )  # fmt: skip

    def _again(self, inventory: StoredInventory, payload: dict[str, Any]) -> None:
        """Lines and findings from the pins; where other code gives other lines now, those of their file."""
        right = _of_chain(inventory, payload)
        if any(value in self.erased for name, value in payload.items() if name in BLOBS):
            return
        document = stored_document(self.installation, right)
        with opened_engine(self.installation) as duck:
            _fill(duck, EXPECTED, ())
            hashes = {name: getattr(right, name) for name in BLOBS if name != "lines"}
            making = Making(self.installation, duck, document, hashes, SilentProgress())
            digest = hashlib.sha256()
            making.write(digest.update, each=lambda texts: _add(duck, EXPECTED, texts))
            is_same_code = payload["logic"] == logic()
            if not is_same_code and digest.digest() != right.lines:
                _fill(duck, EXPECTED, [parse_rows(self._blob(right.lines))])
                self._compare(duck, right, KEPT)
                self.not_recomputed[f"inventory {right.name} {right.inventory_id}"] = (
                    f"it was calculated by {payload['logic']}, and {logic()} gives other lines; they are held against"
                    " their file"
                )
                return
            self.differences.compare(
                "inventories", str(right.inventory_id), "lines",
                stored=inventory.lines, expected=digest.digest(), why=AGAIN,
            )  # fmt: skip
            if is_same_code:
                self._findings(right, [asdict(finding) for finding in making.calculation.findings()])
            self._compare(duck, right, AGAIN)

    def _blob(self, sha256: bytes) -> bytes:
        with self.installation.blobs.open(self.installation.tenant_id, sha256) as file:
            return file.read()

    def _compare(self, duck: duckdb.DuckDBPyConnection, inventory: StoredInventory, why: str) -> None:
        """Name each line that differs, by its key, in the order of the file."""
        stored = inventories.stored_lines(self.connection, inventory.inventory_id, NAMES)
        _fill(duck, STORED, map(_table, stored))
        self.lines += duck.sql("SELECT count(*) FROM lines_stored").fetchall()[0][0]
        differing = " OR ".join(f"s.{name} IS DISTINCT FROM e.{name}" for name in NAMES)
        sides = ", ".join(f"s.{name}, e.{name}" for name in NAMES)
        on = " AND ".join(f"s.{name} = e.{name}" for name in KEY)
        found = duck.sql(
            f"SELECT {sides} FROM lines_stored AS s FULL JOIN lines_expected AS e ON {on} WHERE {differing}"
            f" ORDER BY {', '.join(f'coalesce(s.{name}, e.{name})' for name in KEY)}"
        ).fetchall()
        for row in found:
            self._differ(inventory, dict(zip(NAMES, zip(row[::2], row[1::2], strict=True), strict=True)), why)

    def _differ(self, inventory: StoredInventory, line: dict[str, tuple[str | None, str | None]], why: str) -> None:
        is_stored, is_expected = (each is not None for each in line["activity_id"])
        side = 0 if is_stored else 1
        key = "|".join([str(inventory.inventory_id), *(str(line[name][side]) for name in KEY)])
        if not is_expected:
            self.differences.unexplained("inventory_lines", key, why)
        elif not is_stored:
            self.differences.missing("inventory_lines", key, why)
        else:
            for name, (stored, expected) in line.items():
                self.differences.compare("inventory_lines", key, name, stored=stored, expected=expected, why=why)

    def _findings(self, inventory: StoredInventory, expected: list[dict[str, Any]]) -> None:
        stored = inventories.findings_by_number(self.connection, self.installation.tenant_id, inventory.inventory_id)
        again = dict(enumerate(expected, start=1))
        for number in sorted(stored.keys() | again.keys()):
            key = f"{inventory.inventory_id}|{number}"
            if number not in stored:
                self.differences.missing("inventory_findings", key, AGAIN)
            elif number not in again:
                self.differences.unexplained("inventory_findings", key, AGAIN)
            else:
                for name, value in asdict(stored[number]).items():
                    self.differences.compare(
                        "inventory_findings", key, name, stored=_plain(value), expected=_plain(again[number][name]),
                        why=AGAIN,
                    )  # fmt: skip

    def _orphans(self, known: dict[UUID, StoredInventory]) -> None:
        """Lines and findings of inventories that are not there."""
        for table, inventory_id in inventories.owners(self.connection, self.installation.tenant_id):
            if inventory_id not in known:
                self.differences.unexplained(table, str(inventory_id), "there is no such inventory")

    def _publications(self) -> None:
        stored = inventories.publications(self.connection, self.installation.tenant_id)
        for number in sorted(stored.keys() | self._published.keys()):
            if number not in stored:
                self.differences.missing("inventory_publications", str(number), CHAINED)
            elif number not in self._published:
                self.differences.unexplained("inventory_publications", str(number), "the audit chain does not know it")
            else:
                inventory_id, name = stored[number]
                right = self._published[number]
                self.differences.compare(
                    "inventory_publications", str(number), "inventory_id",
                    stored=inventory_id, expected=right, why=CHAINED,
                )  # fmt: skip
                self.differences.compare(
                    "inventory_publications", str(number), "name",
                    stored=name, expected=self._calculated.get(right, {}).get("name"), why=CHAINED,
                )  # fmt: skip


def _of_chain(inventory: StoredInventory, payload: dict[str, Any]) -> StoredInventory:
    """The inventory with everything it was made of as the chain has it."""
    values = asdict(inventory)
    hashes = {"document", *BLOBS}
    for name in values:
        if name in payload:
            values[name] = bytes.fromhex(payload[name]) if name in hashes and payload[name] else payload[name]
    return type(inventory)(**values)


def _fill(duck: duckdb.DuckDBPyConnection, name: str, tables: Iterable[pa.Table]) -> None:
    duck.register("lines_given", TEXTS.empty_table())
    duck.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS FROM lines_given")
    for table in tables:
        _add(duck, name, table)


def _add(duck: duckdb.DuckDBPyConnection, name: str, table: pa.Table) -> None:
    duck.register("lines_given", table.select(TEXTS.names).cast(TEXTS))
    duck.execute(f"INSERT INTO {name} FROM lines_given")
    duck.unregister("lines_given")


def _table(batch: pa.RecordBatch) -> pa.Table:
    return pa.Table.from_batches([batch])


def _plain(value: Any) -> str | None:
    return None if value is None else str(value.normalize() if hasattr(value, "normalize") else value)
