"""What the audit chain holds of the keys of refused records lets nobody try out whose they were."""

from __future__ import annotations

import pytest

from headwater.pipeline.refusals import KEYED, keys_digest
from headwater.services.access.erasing import erase_subject
from headwater.services.access.sealing import ChunkSealing
from headwater.services.verification import verify
from headwater.telemetry import SilentProgress
from tests.integration.access.test_personal_values import ANN, BOB, CLARA, load, proved
from tests.river import River

pytestmark = pytest.mark.server
CHANGED = "UPDATE quarantine SET key_hash = set_byte(key_hash, 0, get_byte(key_hash, 0) # 1)"


def held(river: River) -> str:
    """Of the one chunk that refused a record."""
    rows = river.rows(
        "SELECT payload::jsonb ->> 'refused_keys' AS held FROM audit_entries WHERE payload ~ 'refused_keys'"
    )
    return str(rows[0]["held"])


def guessed(river: River) -> str:
    """What anybody makes of a key: its hash needs no secret."""
    (row,) = river.rows("SELECT key_hash FROM quarantine")
    return keys_digest([bytes(row["key_hash"])])


def differing(river: River) -> set[tuple[str, str]]:
    found = verify(river.installation, progress=SilentProgress())
    return {(each.table, each.column) for each in found.differences}


@pytest.mark.parametrize("is_erased", [False, True])
def test_a_key_that_may_be_personal_is_held_keyed_and_proved_also_once_they_are_erased(
    river: River, *, is_erased: bool
) -> None:
    load(river, ANN, CLARA)
    assert held(river).startswith(KEYED)
    assert guessed(river) not in held(river)
    proved(river)
    if is_erased:
        erase_subject(river.installation, "erp.worker", "hr/4713", reason="asked for")
        proved(river)

    river.change(CHANGED)
    assert differing(river) == {("quarantine", "key_hash")}


def test_one_that_was_held_as_it_is_before_is_proved_as_it_is(river: River) -> None:
    with pytest.MonkeyPatch.context() as before:
        before.setattr(ChunkSealing, "held", lambda _, digest: digest)
        load(river, ANN, CLARA)
    assert held(river) == guessed(river)
    proved(river)

    river.change(CHANGED)
    assert differing(river) == {("quarantine", "key_hash")}


def test_keys_are_proved_beside_somebody_erased_where_some_were_refused_again(river: River) -> None:
    dora, emmy = (CLARA.replace("hr/4713", worker) for worker in ("hr/4716", "hr/4717"))
    load(river, ANN, CLARA, dora, emmy)
    load(river, ANN, BOB, dora)
    erase_subject(river.installation, "erp.worker", "hr/4711", reason="asked for")
    proved(river)

    for worker in river.rows("SELECT quarantine_id, key_hash FROM quarantine"):
        river.change(f"{CHANGED} WHERE quarantine_id = %(id)s", id=worker["quarantine_id"])
        assert differing(river) == {("quarantine", "key_hash")}
        river.change(
            "UPDATE quarantine SET key_hash = %(key)s WHERE quarantine_id = %(id)s",
            key=worker["key_hash"], id=worker["quarantine_id"],
        )  # fmt: skip
    proved(river)
