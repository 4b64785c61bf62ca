"""Rows that two sources deliver: equal ones stand once, in the chunk of the one that brought them first."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from itertools import chain
from typing import TYPE_CHECKING

import pyarrow as pa

from headwater.engine.duck import engine
from headwater.pipeline.seen import SeenKeys
from headwater.services.connectors.sums_read import sum_of
from headwater.services.full_loads import KeysRead, held_by_others, stored_key_hashes
from headwater.store.sealed import opened_keys
from headwater.store.source_sums import rows_met_elsewhere
from headwater.store.sweep import SETTLED, older_keys, reading_chunks, settled_keys
from headwater.values.sums import exact_difference, exact_sum

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    import numpy.typing as npt

    from headwater.contracts import Document
    from headwater.contracts.document import FieldSpec
    from headwater.services.installation import Installation
    from headwater.store.database import TenantConnection
    from headwater.store.runs import Run

    Chosen = Callable[[npt.NDArray[np.uint64]], npt.NDArray[np.bool_]]


@dataclass(kw_only=True)
class Rows:
    """How many, and the sums of fields of numbers over them."""

    count: int = 0
    sums: dict[str, Decimal] = field(default_factory=dict)

    def with_these(self, more: Rows) -> Rows:
        """Both together."""
        sums = {name: exact_sum((total, more.sums[name])) for name, total in self.sums.items()}
        return Rows(count=self.count + more.count, sums=sums)

    def without_these(self, fewer: Rows) -> Rows:
        """The rest."""
        sums = {name: exact_difference(total, fewer.sums[name]) for name, total in self.sums.items()}
        return Rows(count=self.count - fewer.count, sums=sums)

    def add(self, rows: pa.Table, fields: Sequence[str]) -> None:
        """More of them, the fields as texts."""
        self.count += rows.num_rows
        for name in fields:
            parts = [sum_of(batch.column(name)) for batch in rows.to_batches()]
            self.sums[name] = exact_sum((self.sums[name], *(part for part in parts if part is not None)))


def brought_by_others(
    installation: Installation, connection: TenantConnection, document: Document, run: Run, fields: Sequence[str]
) -> Rows:
    """Rows that a run has read and found standing as another source had brought them."""
    beside = _specs(document, fields)
    batches = rows_met_elsewhere(connection, installation.tenant_id, document, run, beside=beside)
    read = _read_by(installation, connection, run)
    with SeenKeys(lambda: read.hashes(installation)) as seen:
        return _among(connection, document, batches, fields, seen.among)


def left_to_others(
    installation: Installation, connection: TenantConnection, document: Document, run: Run, fields: Sequence[str]
) -> Rows:
    """Rows that earlier runs of a source brought, that this one has not read, and that other sources hold."""
    beside = _specs(document, fields)
    batches = older_keys(connection, installation.tenant_id, document, run, beside=beside)
    read = _read_by(installation, connection, run)
    others = held_by_others(connection, installation.tenant_id, document, run.source_id)
    with (
        SeenKeys(lambda: read.hashes(installation)) as seen,
        SeenKeys(lambda: others.hashes(installation)) as held,
    ):
        return _among(connection, document, batches, fields, lambda keys: ~seen.among(keys) & held.among(keys))


def _specs(document: Document, names: Sequence[str]) -> list[FieldSpec]:
    of = {spec.name: spec for spec in document.fields}
    return [of[name] for name in names]


def _read_by(installation: Installation, connection: TenantConnection, run: Run) -> KeysRead:
    chunks = reading_chunks(connection, installation.tenant_id, run.run_id)
    return KeysRead(chunks, settled_keys(connection, installation.tenant_id, chunks, SETTLED).hashes)


def _among(
    connection: TenantConnection,
    document: Document,
    batches: Iterator[pa.RecordBatch],
    fields: Sequence[str],
    chosen: Chosen,
) -> Rows:
    found = Rows(sums=dict.fromkeys(fields, Decimal(0)))
    names = [spec.name for spec in document.key]
    if (first := next(batches, None)) is None:
        return found
    with engine() as duck:
        for batch in chain((first,), batches):
            rows = pa.Table.from_batches([batch])
            hashes = stored_key_hashes(duck, document, opened_keys(connection, document, rows.select(names)))
            found.add(rows.filter(pa.array(chosen(hashes))), fields)
    return found
