"""What was mended is proved where the file that was mended is erased or lost: what was sent in its place is kept."""

from __future__ import annotations

import pytest

from headwater.services.quarantine import quarantines
from headwater.services.verification import Verification, verify
from headwater.telemetry import SilentProgress
from tests.integration.river.test_full_loads import full, mend, of, states
from tests.integration.river.test_keys_of_refused_records import erase_files
from tests.river import River

pytestmark = pytest.mark.server


def checked(river: River) -> Verification:
    return verify(river.installation, progress=SilentProgress())


def lose_file(river: River, name: str) -> None:
    for row in river.rows("SELECT sha256 FROM blobs WHERE name = %(name)s", name=name):
        river.installation.blobs.path(river.installation.tenant_id, bytes(row["sha256"])).unlink()


def refused_and_mended(river: River) -> None:
    """Of five refused records two are mended, one sent wrong again, one dismissed, and one left as it was."""
    full(river, of("a", "b", one="many", two="lots", three="much", four="some", five="few"))
    mend(river, {"one": {"quantity": "12"}, "two": {"quantity": "13"}, "three": {"quantity": "all"}})
    (four,) = [row["key"] for row in river.rows(
        "SELECT quarantine_id || '.' || occurrence AS key FROM quarantine WHERE raw->>'activity_id' = 'four'"
    )]  # fmt: skip
    quarantines.dismiss_records(river.installation, [four], reason="never mind")


def test_what_was_mended_is_proved_where_the_file_that_was_mended_is_erased(river: River) -> None:
    refused_and_mended(river)
    assert sorted(states(river)) == ["dismissed", "open", "open", "resubmitted", "resubmitted"]
    assert checked(river).ok
    erase_files(river, "activities.csv")
    found = checked(river)
    assert (found.differences, found.erased) == ((), ("activities.csv",))
    assert found.ok

    for change in (
        "UPDATE activity_v1 SET quantity = 14 WHERE activity_id = 'two'",
        "UPDATE quarantine_repairs SET outcome = 'loaded' WHERE outcome <> 'loaded'",
        "UPDATE quarantine SET state = 'open', state_reason = NULL WHERE raw->>'activity_id' = 'one'",
    ):
        river.change(change)
        assert found.found < checked(river).found, change
        found = checked(river)


def test_what_was_mended_is_proved_where_the_file_that_was_mended_is_lost(river: River) -> None:
    refused_and_mended(river)
    lose_file(river, "activities.csv")
    found = checked(river)
    assert {each.table for each in found.differences} == {"blob store"}
    assert len(found.not_recomputed) == 1


def test_what_was_mended_swept_and_sent_wrong_again_is_proved_where_files_are_erased(river: River) -> None:
    full(river, of("a", one="many", two="lots"))
    mend(river, {"one": {"quantity": "12"}, "two": {"quantity": "13"}})
    assert full(river, of("a", two="lots")) is None
    full(river, of("a", one="many", two="lots"))
    assert sorted(states(river)) == ["open", "resubmitted"]
    assert checked(river).ok
    erase_files(river, "activities.csv")
    assert checked(river).differences == ()


@pytest.mark.parametrize("name", ["one", "another"])
def test_what_was_mended_swept_and_sent_wrong_again_is_proved_where_what_was_sent_is_erased(
    river: River, name: str
) -> None:
    full(river, of("a", one="many", two="lots"))
    mend(river, {"one": {"activity_id": name, "quantity": "12"}, "two": {"quantity": "13"}})
    assert full(river, of("a", two="lots")) is None
    full(river, of("a", one="many", two="lots"))
    erase_files(river, "mend.csv")
    assert checked(river).differences == ()
    erase_files(river)
    assert checked(river).differences == ()
