"""A record that two files hold is that of the one loaded last. Where this one holds it no longer, the other is told of.

Which keys a file has given up is noted when it is read, with the chunks of its earlier runs. A file that is left out as
unchanged is not read for it: that would overwrite its other records too, with what was loaded or corrected since.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headwater.documents.counted import counted
from headwater.pipeline.seen import SeenKeys
from headwater.services.full_loads import KeysRead
from headwater.store import given_up
from headwater.store.sweep import key_hashes, reading_chunks, settled_keys

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from headwater.services.installation import Installation
    from headwater.store.runs import Run

WRONG = ("open", "repaired", "resubmitted", "dismissed")
"""Refused records that their file sends: it holds them, however wrong."""


def note_given_up(installation: Installation, run: Run) -> None:
    """Once a file is read whole: note what its earlier runs read and it holds no longer, and what it holds again.

    Nothing where it sends a record whose key cannot be read: that may be any of them.
    """
    tenant_id = installation.tenant_id
    if run.kind != "import":
        return
    with installation.database.connect(tenant_id) as connection:
        if not given_up.is_last_and_whole(connection, tenant_id, run):
            return
        reading = reading_chunks(connection, tenant_id, run.run_id)
        refused = settled_keys(connection, tenant_id, reading, WRONG)
        if refused.unread or refused.unknown:
            return
        read = KeysRead(reading, refused.hashes)
        changed: dict[UUID, bytes | None] = {}
        with SeenKeys(lambda: read.hashes(installation)) as held:
            for chunk_id, keys, noted in given_up.held_before(connection, tenant_id, run, reading):
                gone = keys[~held.among(keys)].tobytes() or None
                if gone != noted:
                    changed[chunk_id] = gone
        for chunk_id, gone in changed.items():
            given_up.note(connection, tenant_id, chunk_id, gone)
            connection.commit()  # each by itself: two that load may wait for these chunks in another order


def told(records: int) -> str | None:
    """What stands otherwise than a file says that is left out, and what to do; None where nothing does."""
    if not records:
        return None
    said = counted(records, "record of it was", "records of it were")
    return (
        f"{said} replaced by another file, which holds the key no longer or is gone: what stands is not what"
        " this file says; --all reads all files again, in their order"
    )


def records_given_up(installation: Installation, last: Run, gone: Sequence[UUID] = ()) -> int:
    """How many keys of a file another has read after the file's `last` run and given up, and none loaded since holds.

    `gone` are the runs of files that are there no more: they hold nothing.
    """
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        free = np.unique(given_up.given_up_since(connection, tenant_id, last, gone))
        if not free.size:
            return 0
        own = reading_chunks(connection, tenant_id, last.run_id)
        found = [np.intersect1d(keys, free) for keys in key_hashes(connection, tenant_id, own)]
        left = np.unique(np.concatenate(found)) if found else free[:0]
        if not left.size:
            return 0
        holding = given_up.holding_since(connection, tenant_id, last, gone)
        left = np.setdiff1d(left, settled_keys(connection, tenant_id, holding, WRONG).hashes)
        for keys in key_hashes(connection, tenant_id, holding):
            left = np.setdiff1d(left, keys)
    return int(left.size)
