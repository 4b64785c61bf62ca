"""What a repair changed: the record as it was refused beside what was sent in its place.

What was sent is not kept a second time: it stands in the file that was resubmitted, which the repair names by chunk and
record and which `verify` holds against its hash. Where that file was erased, it is gone from here too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headwater.services.imports import stored_logic
from headwater.services.quarantine.mending import mending_of
from headwater.services.run_texts import RunTexts, span_of
from headwater.store import runs
from headwater.store.chunks import get_chunk
from headwater.store.cited_blobs import get_cited_blob

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headwater.services.installation import Installation
    from headwater.store.quarantine import Quarantined, Repair

Changes = dict[str, tuple[str | None, str | None]]


def changes_of(installation: Installation, record: Quarantined, repair: Repair) -> Changes | None:
    """Column -> what the cell said and what it says now, of those that differ; None where the file was erased."""
    sent = _sent(installation, repair)
    if sent is None:
        return None
    was = record.raw
    columns = [*was, *(name for name in sent if name not in was)]
    return {
        name: (was.get(name), sent.get(name)) for name in columns if (was.get(name) or "") != (sent.get(name) or "")
    }


def _sent(installation: Installation, repair: Repair) -> Mapping[str, str] | None:
    """The cells that a repair sent, by column."""
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        chunk = get_chunk(connection, tenant_id, repair.chunk_id)
        if chunk is None:
            return None
        run = runs.get_run(connection, tenant_id, chunk.run_id)
        state = get_cited_blob(connection, tenant_id, run.blob_sha256).state
    mending = mending_of(installation, run, stored_logic(installation, run).contract)
    if mending is None or state != "held":
        return None
    span = span_of(chunk)
    with RunTexts(installation, run) as texts:
        raw = texts.chunk(span)
    number = repair.record_no - span.first_record
    if number not in np.asarray(raw.record_nos):
        return None
    cells = mending.again(raw, [number])
    return {name: str(cells[name][0].as_py()) for name in cells.column_names}
