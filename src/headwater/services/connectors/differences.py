"""What a difference may come from, and where to look: between what a source says itself and what was read of it, and
between the sums that a sync read and those that stand here.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from headwater.documents.counted import counted, written

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

SHOWN = 10
"""So many numbers of chunks are said in a sentence."""


def explained(run_id: UUID, reconciliation: Mapping[str, Any], *, gaps: int) -> tuple[str, ...]:
    """Sentences, those that the counts of the run bear out; the usual causes where none does. () without a difference.

    gaps  chunks that are not loaded
    """
    fields = reconciliation.get("fields", {})
    if not any(Decimal(each["difference"]) for each in fields.values()):
        return ()
    if found := _of_counts(run_id, reconciliation, gaps=gaps):
        return tuple(found)
    usual = (
        "No record of this run was refused, skipped or merged. Left are: numbers rounded to the decimals of their"
        " field, records that stand as they were mended in quarantine, and a row that moved while the source was read"
        f" and was read twice. Sync again when the source is at rest. What was counted: headwater runs show {run_id}"
    )
    return (usual,)


def also_delivered(reconciliation: Mapping[str, Any]) -> tuple[str, ...]:
    """Sentences on rows that this source and another deliver, and that stand once; () where there are none."""
    found = []
    if met := reconciliation.get("rows_of_others", 0):
        them = "it" if met == 1 else "them"
        found.append(
            f"{counted(met, 'record is', 'records are')} also delivered by another source, which brought {them} first"
        )
    if left := reconciliation.get("rows_left_to_others", 0):
        stay = "stays: it is" if left == 1 else "stay: they are"
        found.append(
            f"{counted(left, 'record is', 'records are')} not in this source any more, and {stay} also delivered by"
            " another"
        )
    return tuple(found)


def at_source(reconciliation: Mapping[str, Any]) -> tuple[str, ...]:
    """Sentences on what the source itself counts and sums otherwise than what was read; () where all is as it says."""
    told = reconciliation.get("source", {})
    if not told.get("chunks_that_differ"):
        return ()
    found = []
    if told["rows"] != told["rows_read"]:
        found.append(
            f"The source counts {counted(told['rows'], 'row')}, and {counted(told['rows_read'], 'was', 'were')} read."
        )
    for name, each in told["columns"].items():
        if each["values"] != each["values_read"]:
            found.append(
                f"Column {name}: the source counts {counted(each['values'], 'value')},"
                f" and {counted(each['values_read'], 'was', 'were')} read."
            )
        elif each.get("sum") != each.get("sum_read") and Decimal(each["sum"]) != Decimal(each["sum_read"]):
            found.append(
                f"Column {name}: the source sums to {written(each['sum'])}, what was read of it to"
                f" {written(each['sum_read'])}."
            )
    if not found:
        found.append("All chunks together agree with the source; taken one by one they do not.")
    chunks = told["chunks_that_differ"]
    shown = ", ".join(map(str, chunks[:SHOWN])) + (f" and {len(chunks) - SHOWN} more" if len(chunks) > SHOWN else "")
    which = f"{counted(len(chunks), 'chunk differs', 'chunks differ')}: {shown}."
    if told["at_once"]:
        todo = (
            "Both are of one moment, so that values were lost or changed on their way. Read all of it again (`--full`);"
            " where it differs again, the connector is at fault: tell its author."
        )
    else:
        todo = (
            "This source cannot count at the moment at which it is read, and may have changed between: sync all of it"
            " again (`--full`) when it is at rest; where it differs again, the connector is at fault."
        )
    return (*found, which, todo)


def _of_counts(run_id: UUID, told: Mapping[str, Any], *, gaps: int) -> list[str]:
    found = []
    if refused := told.get("quarantined", 0):
        found.append(
            f"{_records(refused)} refused: read, and not standing here as read:"
            f" headwater quarantine list --run {run_id}"
        )
    if skipped := told.get("skipped", 0):
        found.append(f"{_records(skipped)} skipped: read, and left out for the reason that the ledger tells.")
    if merged := told.get("merged", 0):
        found.append(f"{_records(merged)} merged: equal to another of the same key, so that both stand as one.")
    if gaps:
        chunks = counted(gaps, "chunk is", "chunks are")
        found.append(
            f"{chunks} not loaded: what stands of it is of an earlier sync. Go on with: headwater runs resume {run_id}"
        )
    if "rows_of_sync" in told:
        return [*found, *_of_changed(told["stands"] - told["rows_of_sync"])]
    more = told.get("rows_of_source", 0) - told.get("stands", 0)
    if more > 0:
        found.append(
            f"{_records(more)} standing here and not loaded by this run: mended in quarantine, in a chunk that is not"
            " loaded, or no longer in the source, where a full load (`--full`) deletes them."
        )
    if more < 0:
        found.append(
            f"{_records(-more)} loaded or found unchanged, and not standing each for itself: read twice in this run,"
            " replaced by another source meanwhile, or erased."
        )
    return found


def _of_changed(fewer: int) -> list[str]:
    """Of rows that a sync of what changed brought, and that do not stand each for itself."""
    if fewer <= 0:
        return []
    told = (
        f"{_records(fewer)} loaded or found unchanged, and not standing each for itself: read twice in this run, where"
        " the later reading stands, or deleted here."
    )
    return [told]


def _records(count: int) -> str:
    return counted(count, "record was", "records were")
