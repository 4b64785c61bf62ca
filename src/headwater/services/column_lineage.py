"""Column lineage of a run: read from the SQL it runs, once for each such SQL, kept as a document that runs cite."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from headwater.accounting import lookup_sql
from headwater.accounting.timeline import TIMELINE_SCHEMA
from headwater.lineage.columns import LineageReader, Origins, Relation
from headwater.lineage.document import ColumnLineage, fingerprint
from headwater.pipeline.calculation import SPELLINGS, TIMELINE
from headwater.pipeline.references import CODE
from headwater.store.documents import find_document, put_document

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from headwater.contracts import Document
    from headwater.pipeline.calculation import Calculation
    from headwater.pipeline.transform import ChunkTransform
    from headwater.services.logic import Logic
    from headwater.store.database import TenantConnection

SOURCE = "raw"
"""What lineage calls the source's own columns, as the SQL does."""
MAX_READ = 100
_READ: dict[tuple[str, str, tuple[str, ...]], str] = {}
"""What this process has read: it takes seconds, and each organisation keeps a document of its own."""


@dataclass(frozen=True, kw_only=True)
class SqlLineage:
    """The lineage of the statements of one run. It is read from them only where no earlier run had the same."""

    contract: Document
    name: str
    transform: ChunkTransform
    calculation: Calculation | None
    columns: Sequence[str]

    def cite(self, connection: TenantConnection, tenant_id: UUID) -> bytes:
        """The hash of the document that holds it."""
        version = fingerprint(*self._statements())
        known = find_document(connection, tenant_id, kind="column_lineage", name=self.name, version=version)
        if known is not None:
            return known
        told = (self.name, version, tuple(self.columns))
        if told not in _READ:
            if len(_READ) >= MAX_READ:
                _READ.clear()
            _READ[told] = self.read().to_json()
        body = _READ[told]
        return put_document(connection, tenant_id, kind="column_lineage", name=self.name, version=version, body=body)

    def read(self) -> ColumnLineage:
        """What each field of the records, and of what is calculated from them, was made of."""
        reader = LineageReader()
        reader.add_source(SOURCE, [*self.columns, "_record_no"])
        reader.add_columns(SOURCE, self.transform.made_of)
        reader.add_source(TIMELINE, TIMELINE_SCHEMA.names)
        for reference in self.transform.refers_to:
            reader.add_source(reference, [CODE])
        for statement in lookup_sql(TIMELINE, SPELLINGS) if self.calculation else ():
            reader.read(statement)
        chunk = reader.read(self.transform.sql)
        loaded = chunk.filter | chunk.columns["is_loaded"].all
        results = {self.contract.reference: Relation(columns=_fields(chunk, self.contract), filter=loaded)}
        if self.calculation is not None:
            calculated = reader.read(self.calculation.results_sql)
            document = self.calculation.document
            results[document.reference] = Relation(columns=_fields(calculated, document), filter=calculated.filter)
        return ColumnLineage(
            name=self.name,
            sql_sha256=fingerprint(*self._statements()),
            results=results,
            unread=tuple(sorted(reader.unread)),
        )

    def _statements(self) -> list[str]:
        calculated = [*lookup_sql(TIMELINE, SPELLINGS), self.calculation.results_sql] if self.calculation else []
        return [self.transform.sql, *calculated]


def lineage_of(
    logic: Logic, transform: ChunkTransform, calculation: Calculation | None, columns: Sequence[str]
) -> SqlLineage:
    """The lineage of a run, named after its mapping."""
    return SqlLineage(
        contract=logic.contract,
        name=logic.mapping.mapping,
        transform=transform,
        calculation=calculation,
        columns=columns,
    )


def _fields(relation: Relation, contract: Document) -> dict[str, Origins]:
    return {spec.name: relation.columns[spec.name] for spec in contract.fields}
