"""After a sync: counts and sums of the source itself beside those of what was read, and these beside what stands here.

Sums are exact: of whole numbers and decimals, and of numbers that come as text, as the mapping reads them. They are
compared field by field where a column fills the field as it stands; what was refused or skipped shows as the
difference, and is counted beside it. Of other fields of numbers it is told why they are not compared, in words that
hold no value: they are kept for good.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from headwater.connectors.protocol import Tally
from headwater.mapping.compile import text_format
from headwater.services.connectors.delivered_twice import Rows, brought_by_others, left_to_others
from headwater.services.connectors.extraction import selection_of
from headwater.services.connectors.sums_read import SumsRead, sums_read
from headwater.services.connectors.tallying import AtSource, kept_in
from headwater.store.chunks import chunks_of
from headwater.store.source_sums import made_by_other_mappings, sums_of_source
from headwater.values.sums import exact_difference

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headwater.services.answers.runs import Reconciliation, SumLeftOut
    from headwater.services.installation import Installation
    from headwater.services.logic import Logic
    from headwater.store.brought import BroughtKeys
    from headwater.store.chunks import Ledger
    from headwater.store.database import TenantConnection
    from headwater.store.runs import Run
    from headwater.values import TextFormat

RESUMED = (
    "the run was gone on with after it broke off, and which rows were brought before is not known any more; a full load"
    " (`--full`) compares all"
)


def reads_what_changed(run: Run) -> bool:
    """Whether a run reads only what changed since an earlier one."""
    return run.kind == "sync" and selection_of(dict(run.layout)["selection"]).since is not None


def reconcile(
    installation: Installation,
    connection: TenantConnection,
    run: Run,
    logic: Logic,
    *,
    ledger: Ledger,
    brought: BroughtKeys,
) -> Reconciliation:
    """What a sync read and what became of it. Sums of what stands are those of all rows of the source, where all of it
    was read, those included that another source brought before it; where only what changed was, of the rows that this
    run brought, and rows are counted that another mapping made.
    """
    compared, otherwise = _compared(logic, dict(run.layout))
    written = text_format(logic.mapping.for_columns(tuple(dict(run.layout)["columns"])))
    found, at_source = _sums_read(installation, connection, run, set(compared.values()), written=written)
    read = {column: found.sums[column] for column in compared.values() if column in found.sums}
    told: Reconciliation = {
        "read": ledger.read,
        "stands": ledger.inserted + ledger.updated + ledger.unchanged,
        "merged": ledger.merged,
        "quarantined": ledger.quarantined + ledger.quarantined_raw,
        "skipped": sum(ledger.skipped.values()),
        "sums_read": {column: str(value) for column, value in sorted(read.items())},
        "source": at_source.as_json(),
    }
    if not reads_what_changed(run):
        is_whole = ledger.committed == run.chunks_planned
        rows = _of_source(installation, connection, run, logic, fields=list(compared), is_whole=is_whole, told=told)
        sums, told["rows_of_source"] = rows.sums, rows.count
    else:
        if others := made_by_other_mappings(connection, installation.tenant_id, logic.contract, run.run_id):
            told["made_by_other_mappings"] = others
        if brought.chunks != ledger.committed:
            told["not_compared"] = [{"field": None, "column": None, "why": RESUMED}]
            return told
        told["rows_of_sync"], sums = brought.sums(connection, installation.tenant_id, list(compared))
    told["fields"] = {
        field: {"column": column, "read": str(read[column]), "stands": str(sums[field]),
                "difference": str(exact_difference(read[column], sums[field]))}
        for field, column in compared.items()
        if column in read
    }  # fmt: skip
    not_compared: list[SumLeftOut] = [
        {"field": field, "column": column, "why": found.left_out[column]}
        for field, column in compared.items()
        if column in found.left_out
    ]
    not_compared += otherwise
    if not_compared:
        told["not_compared"] = not_compared
    return told


def _of_source(
    installation: Installation,
    connection: TenantConnection,
    run: Run,
    logic: Logic,
    *,
    fields: Sequence[str],
    is_whole: bool,
    told: Reconciliation,
) -> Rows:
    """The rows that stand of a source of which all was read, or was to be. Of rows that two sources deliver one stands,
    in a chunk of the one that brought it first: those are counted that this run has read, and of a run that `is_whole`
    none that it has not.
    """
    tenant_id, contract = installation.tenant_id, logic.contract
    count, sums = sums_of_source(connection, tenant_id, contract, run.source_id, fields)
    rows = Rows(count=count, sums=sums)
    met = brought_by_others(installation, connection, contract, run, fields)
    if met.count:
        told["rows_of_others"] = met.count
        rows = rows.with_these(met)
    if is_whole and rows.count > told["stands"]:  # else nothing is left to others, and the table may be long
        left = left_to_others(installation, connection, contract, run, fields)
        if left.count:
            told["rows_left_to_others"] = left.count
            rows = rows.without_these(left)
    return rows


def _compared(logic: Logic, layout: Mapping[str, Any]) -> tuple[dict[str, str], list[SumLeftOut]]:
    """The fields of numbers that a column fills as it stands, each with the column; and those that are made of columns
    otherwise, with how.
    """
    rules = logic.mapping.for_columns(tuple(layout["columns"])).fields
    told = [spec for spec in logic.contract.fields if not (spec.key or spec.personal)]
    numbers = {spec.name for spec in told if spec.type in {"decimal", "integer"}}
    columns: dict[str, str] = {}
    otherwise: list[SumLeftOut] = []
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
    installation: Installation, connection: TenantConnection, run: Run, columns: set[str], *, written: TextFormat
) -> tuple[SumsRead, AtSource]:
    """Sums over the extracts of the committed chunks, and what the source itself said of them."""
    read, at_source = SumsRead(), AtSource()
    for chunk in chunks_of(connection, installation.tenant_id, run.run_id):
        if chunk.extract_sha256 is None:
            continue
        with (
            installation.blobs.open(installation.tenant_id, chunk.extract_sha256) as extract,
            pq.ParquetFile(extract) as file,
        ):
            told = kept_in(file)
            numbers = told.columns.keys() if isinstance(told, Tally) else set()
            found = sums_read(file, columns | numbers, numbers=numbers, written=written)
        at_source.add(chunk.chunk_no, told, found)
        read.add(found)
    return read, at_source
