"""Keys of refused records decide what a full load deletes: whoever changes one is found out."""

from __future__ import annotations

import pytest

from headwater.services.verification import Verification, verify
from headwater.store import audit
from headwater.telemetry import SilentProgress
from tests.integration.river.test_full_loads import full, mend, of
from tests.river import River

CHANGES = {
    "taken away": "NULL",
    "changed": "set_byte(key_hash, 0, get_byte(key_hash, 0) # 1)",
    "the second changed": "CASE WHEN octet_length(key_hash) = 16 THEN set_byte(key_hash, 8, get_byte(key_hash, 8) # 1)"
    " ELSE set_byte(key_hash, 7, get_byte(key_hash, 7) # 1) END",
    "emptied": "''",
}


def checked(river: River) -> Verification:
    return verify(river.installation, progress=SilentProgress())


def refused(river: River) -> None:
    """A record that is open, one that no key can be read of, and one mended to another key."""
    full(river, of("a", "b", wronger="lots") + "a,too,few\n")
    mend(river, {"wronger": {"activity_id": "right", "quantity": "13"}})
    full(river, of("a", "b", wrong="many"), name="other.csv")


def erase_files(river: River, *names: str) -> None:
    """As somebody does who must: chain and ledger say so. Those of these names, or all."""
    tenant_id = river.installation.tenant_id
    for row in river.rows("SELECT sha256, name FROM blobs WHERE kind IN ('utf8', 'raw')"):
        if names and row["name"] not in names:
            continue
        path = river.installation.blobs.path(tenant_id, bytes(row["sha256"]))
        path.chmod(0o600)
        path.write_bytes(b"erased on request")
        river.change("UPDATE blobs SET state = 'erased' WHERE sha256 = %(blob)s", blob=row["sha256"])
        with river.installation.database.connect(tenant_id) as connection:
            resource = f"blob/{bytes(row['sha256']).hex()}"
            audit.append(
                connection, tenant_id, action="blob.erased", resource=resource, payload={"reason": "asked for"}
            )


@pytest.mark.parametrize("is_erased", [False, True], ids=["file kept", "file erased"])
def test_a_key_that_was_changed_is_named(river: River, *, is_erased: bool) -> None:
    refused(river)
    if is_erased:
        erase_files(river)
    found = checked(river)
    assert found.ok, found.differences
    assert bool(found.erased) == is_erased

    for what, change in CHANGES.items():
        for state in ("open", "resubmitted"):
            which = f"state = '{state}' AND octet_length(key_hash) > 0"
            before = river.rows(f"SELECT quarantine_id, key_hash FROM quarantine WHERE {which}")
            assert before, (what, state)
            river.change(f"UPDATE quarantine SET key_hash = {change} WHERE {which}")
            named = {(each.table, each.column) for each in checked(river).differences}
            assert named == {("quarantine", "key_hash")}, (what, state)
            for row in before:
                river.change(
                    "UPDATE quarantine SET key_hash = %(key)s WHERE quarantine_id = %(id)s",
                    key=row["key_hash"], id=row["quarantine_id"],
                )  # fmt: skip
    assert checked(river).ok
