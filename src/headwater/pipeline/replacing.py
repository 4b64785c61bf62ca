"""Records that took the place of what another source had brought: loaded, and said to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from headwater.pipeline.transform import FINDINGS_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwater.contracts.document import Document
    from headwater.pipeline.ports import Replaced

REPLACED_RULE = "record.replaced"


def replaced_findings(replaced: Sequence[Replaced], document: Document) -> pa.Table:
    """A finding for each, by its number in the chunk: which record of which source it replaced."""
    keys = ", ".join(spec.name for spec in document.key)
    return pa.Table.from_pylist(
        [
            {
                "record_no": each.record_no,
                "rule_id": REPLACED_RULE,
                "field": keys,
                "value": None,
                "message": (
                    f"It took the place of record {each.stored_record} of {each.stored_source}, which had the same"
                    f" {keys} and other content."
                ),
            }
            for each in replaced
        ],
        schema=FINDINGS_SCHEMA,
    )
