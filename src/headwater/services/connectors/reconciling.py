"""After a sync: counts and sums of what was read beside those of what stands here now.

Sums are exact: of whole numbers and decimals, and of decimals that come as text. They are compared field by field where
a column fills the field as it stands; what was refused or skipped shows as the difference, and is counted beside it. Of
other fields of numbers it is told why they are not compared, in words that hold no value: they are kept for good.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from headwater.connectors.protocol import Selection
from headwater.services.connectors.extraction import selection_of
from headwater.store.chunks import chunks_of
from headwater.store.source_sums import made_by_other_mappings, sums_of_source

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from headwater.services.installation import Installation
    from headwater.services.logic import Logic
    from headwater.store.chunks import Ledger
    from headwater.store.database import TenantConnection
    from headwater.store.runs import Run

WIDE = pa.decimal128(38, 12)
NO_NUMBER = (
    "comes as text, and not each is a plain number: digits, a point before at most 12 decimals, nothing between"
    " thousands, no blank"
)
NESTED = "is part of a nested column"


def reconcile(
    installation: Installation, connection: TenantConnection, run: Run, logic: Logic, ledger: Ledger
) -> dict[str, Any]:
    """What a sync read and what became of it. Sums of rows that stand are those of the whole source, so that they are
    compared only where all of it was read; where only what changed was, rows are counted that another mapping made.
    """
    layout = dict(run.layout)
    selection: Selection = selection_of(layout["selection"])
    compared, otherwise = _compared(logic, layout)
    read, left_out = _sums_read(installation, connection, run, set(compared.values()))
    told: dict[str, Any] = {
        "read": ledger.read,
        "stands": ledger.inserted + ledger.updated + ledger.unchanged,
        "merged": ledger.merged,
        "quarantined": ledger.quarantined + ledger.quarantined_raw,
        "skipped": sum(ledger.skipped.values()),
        "sums_read": {column: str(value) for column, value in sorted(read.items())},
    }
    if selection.since is not None:
        others = made_by_other_mappings(connection, installation.tenant_id, logic.contract, run.run_id)
        return {**told, "made_by_other_mappings": others} if others else told
    rows, sums = sums_of_source(connection, installation.tenant_id, logic.contract, run.source_id, list(compared))
    fields = {
        field: {"column": column, "read": str(read[column]), "stands": str(sums[field]),
                "difference": str(read[column] - sums[field])}
        for field, column in compared.items()
        if column in read
    }  # fmt: skip
    not_compared = [
        {"field": field, "column": column, "why": left_out[column]}
        for field, column in compared.items()
        if column in left_out
    ] + otherwise
    return {
        **told, "rows_of_source": rows, "fields": fields, **({"not_compared": not_compared} if not_compared else {}),
    }  # fmt: skip


def _compared(logic: Logic, layout: Mapping[str, Any]) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """The fields of numbers that a column fills as it stands, each with the column; and those that are made of columns
    otherwise, with how.
    """
    rules = logic.mapping.for_columns(tuple(layout["columns"])).fields
    told = [spec for spec in logic.contract.fields if not (spec.key or spec.personal)]
    numbers = {spec.name for spec in told if spec.type in {"decimal", "integer"}}
    columns: dict[str, str] = {}
    otherwise: list[dict[str, Any]] = []
    for name, rule in rules.items():
        if name not in numbers or rule.constant is not None:
            continue
        if rule.names and rule.values is None:
            columns[name] = rule.names[0]
            continue
        column = rule.names[0] if rule.names else None
        by = "an expression fills it" if column is None else "the mapping translates it by its `values`"
        otherwise.append({"field": name, "column": column, "why": by})
    return columns, otherwise


def _sums_read(
    installation: Installation, connection: TenantConnection, run: Run, columns: set[str]
) -> tuple[dict[str, Decimal], dict[str, str]]:
    """Sums over the extracts of the committed chunks, of the columns that hold whole numbers or decimals; and why the
    others have none.
    """
    sums: dict[str, Decimal] = {}
    left_out: dict[str, str] = {}
    for chunk in chunks_of(connection, installation.tenant_id, run.run_id):
        if chunk.extract_sha256 is None:
            continue
        with (
            installation.blobs.open(installation.tenant_id, chunk.extract_sha256) as extract,
            pq.ParquetFile(extract) as file,
        ):
            kinds = {field.name: field.type for field in file.schema_arrow}
            left_out |= {
                name: f"comes as {kinds[name]}, of which no exact sum is made" if name in kinds else NESTED
                for name in columns
                if name not in kinds or not _is_exact(kinds[name])
            }
            names = sorted(columns - left_out.keys())
            for name in names:
                sums.setdefault(name, Decimal(0))
            left_out |= dict.fromkeys(_add(sums, file.iter_batches(columns=names) if names else ()), NO_NUMBER)
    return {name: value for name, value in sums.items() if name not in left_out}, left_out


def _is_exact(kind: pa.DataType) -> bool:
    if pa.types.is_decimal(kind):
        return bool(kind.precision - kind.scale <= WIDE.precision - WIDE.scale)
    return pa.types.is_integer(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _add(sums: dict[str, Decimal], batches: Iterable[pa.RecordBatch]) -> set[str]:
    """Add up; the columns that hold a text that is no such number."""
    none: set[str] = set()
    for batch in batches:
        for name in set(batch.schema.names) - none:
            try:
                total: Decimal | None = pc.sum(batch.column(name).cast(WIDE)).as_py()
            except pa.ArrowInvalid:
                none.add(name)
                continue
            sums[name] += total or Decimal(0)
    return none
