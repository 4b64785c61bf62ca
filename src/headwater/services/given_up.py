"""A record that two files hold is that of the one loaded last. Where this holds it no longer, the other is read again.

Which keys a file has given up is noted when it is read, with the chunks of its earlier runs; whether a file is to be
read again is asked where it would be left out. So it does not matter which of them is looked at first, and when.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headwater.pipeline.seen import SeenKeys
from headwater.services.full_loads import KeysRead
from headwater.store import given_up
from headwater.store.sweep import key_hashes, reading_chunks, settled_keys

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from headwater.services.installation import Installation
    from headwater.store.runs import Run

WRONG = ("open", "repaired", "resubmitted", "dismissed")
"""Refused records that their file sends: it holds them, however wrong."""


def note_given_up(installation: Installation, run: Run) -> None:
    """Once a file is read whole: note what its earlier runs read and it holds no longer, and what it holds again."""
    tenant_id = installation.tenant_id
    if run.kind != "import":
        return
    with installation.database.connect(tenant_id) as connection:
        if not given_up.is_last_and_whole(connection, tenant_id, run):
            return
        reading = reading_chunks(connection, tenant_id, run.run_id)
        refused = settled_keys(connection, tenant_id, reading, WRONG)
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


def note_gone(installation: Installation, connector_id: UUID, prefix: str, names: Collection[str]) -> None:
    """Files of a store that are not among its `names` any more have given up all they held; `prefix` is what the names
    of a recipe's sources begin with.
    """
    there = set(names)
    with installation.database.connect(installation.tenant_id) as connection:
        latest = given_up.latest_of_connector(connection, installation.tenant_id, connector_id)
        gone = [run_id for run_id, name in latest if name.startswith(prefix) and not _stands(name, there)]
        given_up.give_up_all(connection, installation.tenant_id, gone)


def _stands(name: str, there: Collection[str]) -> bool:
    """Itself, or the archive that it lies in."""
    parts = name.split("/")
    return any("/".join(parts[:end]) in there for end in range(1, len(parts) + 1))


def is_to_be_read_again(installation: Installation, last: Run) -> bool:
    """Whether a file holds a key that another, loaded after its last run, has given up, and none loaded since holds;
    or was gone itself.
    """
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        if given_up.is_gone(connection, tenant_id, last):
            return True
        free = np.unique(given_up.given_up_since(connection, tenant_id, last))
        if not free.size:
            return False
        own = [np.intersect1d(keys, free) for keys in
               key_hashes(connection, tenant_id, reading_chunks(connection, tenant_id, last.run_id))]  # fmt: skip
        wanted = np.unique(np.concatenate(own)) if own else free[:0]
        if not wanted.size:
            return False
        for keys in given_up.held_since(connection, tenant_id, last):
            wanted = np.setdiff1d(wanted, keys)
            if not wanted.size:
                return False
    return True
