"""Records that took the place of what another source had brought: loaded, and said to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from headwater.pipeline.transform import FINDINGS_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwater.contracts.document import Document
    from headwater.pipeline.ports import Replaced

REPLACED_RULE = "record.replaced"


def replaced_findings(replaced: Sequence[Replaced], document: Document, records: pa.Table) -> pa.Table:
    """A finding for each of these records of a chunk, by its number: its key, unless that is personal, and which record
    of which source it replaced.
    """
    keys = ", ".join(spec.name for spec in document.key)
    told = {} if any(spec.personal for spec in document.key) else _keys(replaced, document, records)
    return pa.Table.from_pylist(
        [
            {
                "record_no": each.record_no,
                "rule_id": REPLACED_RULE,
                "field": keys,
                "value": told.get(each.record_no),
                "message": (
                    f"It took the place of record {each.stored_record} of {each.stored_source}, which had the same"
                    f" {keys} and other content."
                ),
            }
            for each in replaced
        ],
        schema=FINDINGS_SCHEMA,
    )


def _keys(replaced: Sequence[Replaced], document: Document, records: pa.Table) -> dict[int, str]:
    wanted = pa.array([each.record_no for each in replaced], records.schema.field("record_no").type)
    rows = records.filter(pc.is_in(records["record_no"], wanted))
    columns = [[spec.kind.canonical(value) for value in rows[spec.name].to_pylist()] for spec in document.key]
    return {
        number: "|".join(map(str, key))
        for number, key in zip(rows["record_no"].to_numpy().tolist(), zip(*columns, strict=True), strict=True)
    }
