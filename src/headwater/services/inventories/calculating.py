"""An inventory made: inputs pinned, lines computed from what was pinned, all of it stored in one transaction."""

from __future__ import annotations

import os
import tempfile
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from headwater.accounting.inventory.document import Inventory, read_document
from headwater.accounting.inventory.lines import NAMES
from headwater.accounting.units import registry_hash
from headwater.documents.reading import read_text
from headwater.documents.strict_yaml import parse_yaml
from headwater.engine.duck import ENGINE_VERSION, engine
from headwater.pipeline.inventory import INVENTORY_VERSION, InventoryCalculation
from headwater.services.access.policy import Right
from headwater.services.inventories.inputs import PINNED_ROWS, Pins, inputs_of, pin
from headwater.store import audit, inventories
from headwater.store.blobs import Blob
from headwater.store.cited_blobs import cite_blob
from headwater.store.documents import get_document, put_document
from headwater.store.inventories import NewInventory
from headwater.values import record_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path
    from uuid import UUID

    import duckdb

    from headwater.accounting.inventory.findings import Finding
    from headwater.services.installation import Installation
    from headwater.store.database import TenantConnection
    from headwater.telemetry import Progress

KIND = "inventory"
_WRITING = arrow_csv.WriteOptions(quoting_style="all_valid")


@dataclass(frozen=True, kw_only=True)
class Calculated:
    """What a calculation came to. `is_new` is False where the very same inventory stood already.

    was_discarded  whether it had been put away, and is back by this
    """

    inventory_id: UUID
    is_new: bool
    lines: int
    activities: int
    was_discarded: bool = False


def load_document(path: Path) -> Inventory:
    """Read an inventory document from a file."""
    return read_document(parse_yaml(read_text(path, "inventory document"), where=str(path)), where=str(path))


def stored_document(installation: Installation, inventory: NewInventory) -> Inventory:
    """The document of an inventory, as it was."""
    with installation.database.connect(installation.tenant_id) as connection:
        found = get_document(connection, installation.tenant_id, inventory.document)
    return read_document(parse_yaml(found.body, where=f"inventory {found.name}"), where=f"inventory {found.name}")


def logic() -> str:
    """What besides its inputs decides about the lines: versions of the code, and of its units."""
    return f"inventory {INVENTORY_VERSION}, units {registry_hash().hex()[:16]}"


def calculate(installation: Installation, path: Path, *, progress: Progress) -> Calculated:
    """Make the inventory that the document at `path` describes, of what stands now. The same again changes nothing."""
    installation.require(Right.TRANSFORM)
    document = load_document(path)
    rates = None if document.factors.rates is None else path.parent / document.factors.rates
    return make(installation, document, rates, progress=progress)


def make(installation: Installation, document: Inventory, rates: Path | None, *, progress: Progress) -> Calculated:
    """The same of a document that was read; `rates` is the file of exchange rates that it names."""
    installation.require(Right.TRANSFORM)
    pins = pin(installation, document, rates)
    names = [logic(), document.hash.hex(), *(value.hex() if value else "" for value in pins.hashes().values())]
    inventory_id = record_id(str(installation.tenant_id), *names)
    with installation.database.connect(installation.tenant_id) as connection:
        known = inventories.all_inventories(connection, installation.tenant_id)
        same = next((each for each in known if each.inventory_id == inventory_id), None)
        if same is not None:
            if same.discarded_at is not None:
                _bring_back(connection, installation.tenant_id, same)
            return Calculated(
                inventory_id=inventory_id,
                is_new=False,
                lines=same.line_count,
                activities=same.activity_count,
                was_discarded=same.discarded_at is not None,
            )
    with tempfile.TemporaryFile(prefix="headwater-lines-") as file, opened_engine(installation) as duck:
        made = Making(installation, duck, document, pins.hashes(), progress)
        count = made.write(file.write)
        file.seek(0)
        with installation.blobs.writer(installation.tenant_id) as writer:
            while block := file.read(2**20):
                writer.write(block)
        file.seek(0)
        inventory = NewInventory(
            inventory_id=inventory_id,
            name=document.inventory,
            document=document.hash,
            lines=writer.blob.sha256,
            logic=logic(),
            activity_count=made.activities,
            line_count=count,
            **pins.hashes(),  # type: ignore[arg-type]  # rates alone may be missing
        )
        kept = _Kept(inventory=inventory, document=document, pins=pins, lines=writer.blob)
        _store(installation, kept, file, made.calculation.findings())
    return Calculated(inventory_id=inventory_id, is_new=True, lines=count, activities=made.activities)


def _bring_back(connection: TenantConnection, tenant_id: UUID, inventory: inventories.StoredInventory) -> None:
    """Say of a discarded draft that it is to be seen again."""
    audit.append(
        connection,
        tenant_id,
        action=inventories.RESTORED,
        resource=f"inventory/{inventory.inventory_id}",
        payload={"name": inventory.name, "lines": inventory.lines.hex()},
    )


def opened_engine(installation: Installation) -> Any:
    """An engine with the memory that the settings allow, on every processor: nothing else works meanwhile."""
    return engine(memory_limit=f"{installation.settings.memory_limit // 2**20}MiB", threads=processors())


def processors() -> int:
    """How many this process may use."""
    return max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


class Making:
    """The lines of an inventory from its pins, as canonical text: to be stored, or compared with what is stored."""

    def __init__(
        self,
        installation: Installation,
        duck: duckdb.DuckDBPyConnection,
        document: Inventory,
        hashes: Mapping[str, bytes | None],
        progress: Progress,
    ) -> None:
        self.calculation = InventoryCalculation(
            connection=duck, inputs=inputs_of(installation, duck, document, dict(hashes))
        )
        self.activities = 0
        self._progress = progress

    def write(self, out: Callable[[bytes], object], *, each: Callable[[pa.Table], object] | None = None) -> int:
        """Write the file of lines; how many there are. `each` is handed the lines too, batch by batch."""
        count = 0
        self.activities = sum(batch.num_rows for batch in self.calculation.inputs.activities())
        self._progress.start("calculating", total=self.activities, unit="activities")
        try:
            for number, texts in enumerate(self.texts()):
                block = pa.BufferOutputStream()
                arrow_csv.write_csv(texts, block, write_options=_WRITING if number == 0 else _without_header())
                out(block.getvalue().to_pybytes())
                if each is not None:
                    each(texts)
                count += texts.num_rows
        finally:
            self._progress.finish()
        return count

    def texts(self) -> Iterator[pa.Table]:
        """Lines as canonical texts, in order, batch by batch; at least one, maybe empty."""
        told = 0
        for table in self.calculation.lines():
            yield pa.table({name: pc.cast(table[name], pa.string()) for name in NAMES})
            self._progress.advance(self.calculation.done - told)
            told = self.calculation.done


def _without_header() -> arrow_csv.WriteOptions:
    return arrow_csv.WriteOptions(quoting_style="all_valid", include_header=False)


@dataclass(frozen=True, kw_only=True)
class _Kept:
    inventory: NewInventory
    document: Inventory
    pins: Pins
    lines: Blob


def _store(installation: Installation, kept: _Kept, file: BinaryIO, findings: list[Finding]) -> None:
    tenant_id, inventory, document = installation.tenant_id, kept.inventory, kept.document
    kinds = {"activities": PINNED_ROWS, "factors": PINNED_ROWS, "instruments": PINNED_ROWS,
             "potentials": "potentials", "rates": "rates"}  # fmt: skip
    with installation.database.connect(tenant_id) as connection:
        for name, kind in kinds.items():
            blob = getattr(kept.pins, name)
            if blob is not None:
                cite_blob(connection, tenant_id, blob, kind=kind, name=blob_name(name, document))
        cite_blob(connection, tenant_id, kept.lines, kind="inventory_lines", name=blob_name("lines", document))
        put_document(
            connection,
            tenant_id,
            kind=KIND,
            name=document.inventory,
            version=document.version,
            body=document.to_json(),
        )
        inventories.add_inventory(
            connection,
            tenant_id,
            inventory,
            columns=NAMES,
            lines=file,
            findings=[asdict(finding) for finding in findings],
        )
        audit.append(
            connection,
            tenant_id,
            action="inventory.calculated",
            resource=f"inventory/{inventory.inventory_id}",
            payload=payload_of(inventory, findings),
        )


def blob_name(name: str, document: Inventory) -> str:
    """What a pinned blob is called."""
    return document.factors.rates or name if name == "rates" else f"{name}.csv"


def payload_of(inventory: NewInventory, findings: list[Finding]) -> dict[str, Any]:
    """What the audit chain holds of an inventory: everything it was made of, and what came out."""
    stated = {
        name: value.hex() if isinstance(value, bytes) else value
        for name, value in asdict(inventory).items()
        if name != "inventory_id"
    }
    return stated | {"findings": len(findings), "engine": ENGINE_VERSION}
