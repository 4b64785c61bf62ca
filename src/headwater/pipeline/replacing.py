"""Records that took the place of what another source had brought, said to be; and keys as findings tell them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from headwater.pipeline.transform import FINDINGS_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwater.contracts.document import Document
    from headwater.pipeline.ports import Replaced
    from headwater.pipeline.refusals import Conflict
    from headwater.pipeline.transform import Transformed

REPLACED_RULE = "record.replaced"


def replaced_findings(replaced: Sequence[Replaced], document: Document, records: pa.Table) -> pa.Table:
    """A finding for each of these records of a chunk, by its number: its key, unless that is personal, and which record
    of which source it replaced.
    """
    keys = ", ".join(spec.name for spec in document.key)
    told = keys_told([each.record_no for each in replaced], document, records)
    return pa.Table.from_pylist(
        [
            {
                "record_no": each.record_no,
                "rule_id": REPLACED_RULE,
                "field": keys,
                "value": told.get(each.record_no),
                "message": (
                    f"It took the place of record {each.stored_record:,} of {each.stored_source}, which had the same"
                    f" {keys} and other content."
                ),
            }
            for each in replaced
        ],
        schema=FINDINGS_SCHEMA,
    )


def keys_told(record_nos: Sequence[int], document: Document, records: pa.Table) -> dict[int, str]:
    """The keys of these records of a chunk, by number, as a finding tells them; of none where they are personal."""
    if not record_nos or any(spec.personal for spec in document.key):
        return {}
    wanted = pa.array(record_nos, records.schema.field("record_no").type)
    rows = records.filter(pc.is_in(records["record_no"], wanted))
    columns = [[spec.kind.canonical(value) for value in rows[spec.name].to_pylist()] for spec in document.key]
    return {
        number: "|".join(map(str, key))
        for number, key in zip(rows["record_no"].to_numpy().tolist(), zip(*columns, strict=True), strict=True)
    }


def firsts(transformed: Transformed) -> dict[int, int]:
    """Records of a chunk whose key an earlier one of it has -> that one."""
    repeated = dict(transformed.merged)
    return repeated | {each.record_no: each.first for each in transformed.conflicts if each.first is not None}


def told_of(conflicts: Sequence[Conflict], transformed: Transformed, document: Document) -> dict[int, str]:
    """The keys of records in conflict, by number, as findings tell them."""
    if not conflicts:
        return {}
    first = firsts(transformed)
    named = {each.record_no: first.get(each.record_no, each.record_no) for each in conflicts}
    told = keys_told(list(named.values()), document, transformed.records)
    return {number: told[of] for number, of in named.items() if of in told}
