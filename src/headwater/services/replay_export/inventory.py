"""An inventory in one file that checks itself: its document, all it pinned, its lines, how each factor was chosen."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any, BinaryIO

from headwater import __version__
from headwater.accounting.units import find_unit, registry_text
from headwater.pipeline.inventory import InventoryCalculation
from headwater.replay import inventory as members
from headwater.replay.chain import CHAIN, entry_as_json
from headwater.replay.container import Writer
from headwater.services.inventories.calculating import opened_engine, stored_document
from headwater.services.inventories.inputs import inputs_of
from headwater.services.replay_export.factors import gated, lines_of
from headwater.services.replay_export.script import script
from headwater.services.replay_export.withheld import Redaction
from headwater.store import audit, runs
from headwater.store.documents import get_document
from headwater.store.origins import origins
from headwater.store.stored_rows import parsed_batches

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from headwater.accounting.inventory.tables import PlacedPiece, Tables
    from headwater.services.installation import Installation
    from headwater.store.database import TenantConnection
    from headwater.store.inventories import StoredInventory

PINS = ("activities", "factors", "instruments", "potentials", "rates")
RUNS_NAMED = 20


class InventoryExport:
    """Writes the file of one inventory."""

    def __init__(
        self, installation: Installation, connection: TenantConnection, inventory: StoredInventory, out: IO[bytes]
    ) -> None:
        self._installation = installation
        self._connection = connection
        self._inventory = inventory
        self._tenant_id = installation.tenant_id
        self._writer = Writer(out)

    def write(self) -> None:
        """Write everything, and the seal."""
        with self._writer:
            self._write()

    def _write(self) -> None:
        inventory = self._inventory
        for name, content in script().items():
            self._writer.add(name, content)
        kept_back = self._pinned()
        self._writer.add_records(members.CHOICES, self._choices())
        anchor = self._chain()
        about = {"name": inventory.name, "number": inventory.number, "inventory_id": str(inventory.inventory_id)}
        self._writer.seal(
            {
                "kind": "inventory",
                "about": {name: value for name, value in about.items() if value is not None},
                "made_by": f"headwater {__version__}",
                "inventory": {"inventory_id": str(inventory.inventory_id)},
                "chain": {"tenant_id": str(self._tenant_id), "anchor": anchor},
                **kept_back,
                "notes": self._notes(),
            }
        )

    def _pinned(self) -> dict[str, Any]:
        """Documents and pinned tables; what was left out or kept back of them, and the licences of all."""
        inventory, write = self._inventory, self._writer
        document = get_document(self._connection, self._tenant_id, inventory.document)
        write.add(members.DOCUMENT, document.body.encode())
        for name in members.CONTRACTS.values():
            contract = self._installation.contract(name, 1)
            write.add(f"documents/{name}.json", contract.to_json().encode())
        factors = gated(self._blob(inventory.factors))
        write.add_lines(members.FACTORS, lines_of(factors.content))
        instruments = gated(self._blob(inventory.instruments), "instrument_id")
        write.add_lines(members.INSTRUMENTS, lines_of(instruments.content))
        write.add_lines(members.UNITS, lines_of(registry_text().encode()))
        for member, digest in ((members.LINES, inventory.lines), (members.POTENTIALS, inventory.potentials)):
            with self._opened(digest) as file:
                write.add_lines(member, file)
        if inventory.rates is not None:
            write.add(members.RATES, self._blob(inventory.rates))
        activities = Redaction(self._installation.contract("activity", 1))
        with self._opened(inventory.activities) as file:
            write.add_lines(members.ACTIVITIES, activities.lines(file))
        return {
            "left_out": factors.left_out,
            "instruments_left_out": instruments.left_out,
            "licences": factors.licences + instruments.licences,
            "kept_back": {members.ACTIVITIES: activities.rows} if activities.rows else {},
        }

    def _choices(self) -> Iterator[dict[str, Any]]:
        """Every figure that was looked for, with every candidate and why it was not taken."""
        document = stored_document(self._installation, self._inventory)
        hashes = {name: getattr(self._inventory, name) for name in PINS}
        with opened_engine(self._installation) as duck:
            inputs = inputs_of(self._installation, duck, document, hashes)
            calculation = InventoryCalculation(connection=duck, inputs=inputs)
            calculation.prepare()
            kinds = duck.sql("SELECT activity_type, region, unit FROM inventory_demands ORDER BY ALL").fetchall()
        for activity_type, region, unit in kinds:
            if find_unit(unit) is not None and not activity_type.startswith("instrument "):
                for piece in calculation.tables.pieces_of(activity_type, region, unit):
                    yield _choice(piece, calculation.tables)

    def _chain(self) -> str:
        resource = f"inventory/{self._inventory.inventory_id}"
        first = audit.entries_of(self._connection, self._tenant_id, resource)[0]
        head = audit.head(self._connection, self._tenant_id)
        entries = audit.entries(self._connection, self._tenant_id, first=first.seq)
        self._writer.add_records(CHAIN, map(entry_as_json, entries))
        return str(head)

    def _notes(self) -> list[str]:
        """Where the activities came from, and what is not done again."""
        came = ", ".join(self._runs()) or "no run that stands"
        return [
            f"activities are the rows that were pinned; `replay export run` shows the records they came from: {came}",
            "which kWh an instrument covers is taken from the lines, and held against its energy and the activity's",
        ]

    def _runs(self) -> list[str]:
        """The files that the activities came from, by the runs of them that stand."""
        contract, files = self._installation.contract("activity", 1), set[str]()
        with self._opened(self._inventory.activities) as file:
            for batch in parsed_batches(file):
                hashes = [text for text in batch.column("row_hash").to_pylist() if text is not None]
                found_in = origins(self._connection, self._tenant_id, contract, hashes)
                files |= {came_from for _, came_from, _, _ in found_in}
        found = [
            f"{str(run.run_id)[:8]} ({run.source_name})"
            for run in runs.all_runs(self._connection, self._tenant_id)
            if run.blob_sha256.hex() in files
        ]
        return [*found[:RUNS_NAMED], *([f"and {len(found) - RUNS_NAMED} more"] if len(found) > RUNS_NAMED else [])]

    def _blob(self, sha256: bytes) -> bytes:
        with self._opened(sha256) as file:
            return file.read()

    def _opened(self, sha256: bytes) -> AbstractContextManager[BinaryIO]:
        return self._installation.blobs.open(self._tenant_id, sha256)


def _choice(piece: PlacedPiece, tables: Tables) -> dict[str, Any]:
    wanted, factor = piece.wanted, piece.choice.factor
    unit = find_unit(wanted.unit)
    return {
        "activity_type": wanted.activity_type,
        "region": wanted.region,
        "unit": wanted.unit,
        "stage": wanted.stage,
        "method": piece.method,
        "tier": piece.tier,
        "valid_from": piece.valid_from.isoformat(),
        "valid_to": piece.valid_to.isoformat(),
        "taken": None if factor is None else factor["factor_id"],
        "substitutions": list(piece.choice.substitutions),
        "by_rates": unit is not None and unit.dimension.startswith("money in "),
        "candidates": [
            [each.factor["factor_id"], each.factor["source"], each.reason]
            for each in tables.policy.candidates(wanted, piece.valid_from)
        ],
    }
