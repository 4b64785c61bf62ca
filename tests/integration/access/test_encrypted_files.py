"""Kept files lie encrypted by the organisation's key, and are read, proved and traced as ever."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from headwater.errors import Stopped
from headwater.services.access.encrypting_files import encrypt_files, encrypt_files_again
from headwater.services.access.keys import rotate
from headwater.services.installation import Installation
from headwater.services.tracing.tracer import trace_record
from headwater.services.verification import verify
from headwater.services.watching.report import report
from headwater.store.blobs import SEALED
from headwater.store.clear_files import Sample, look_for_clear
from headwater.store.erasures import hold_erasing
from headwater.telemetry import SilentProgress
from tests.kept import contents, in_clear
from tests.river import River, activities, factors
from tests.workers import until

pytestmark = pytest.mark.server
WORKS = "Lovelace-Works"
ROWS = [{"activity_id": f"{WORKS}-{number}", "quantity": str(number)} for number in range(5)]


def load(river: River, name: str = "a.csv") -> None:
    river.load(factors([{"factor_id": "f1", "note": WORKS}]), name="factors.csv", mapping="factor_form")
    river.load(activities([*ROWS, {"activity_id": WORKS, "quantity": "many"}]), name=name)


def names_that_say(river: River, text: bytes) -> list[str]:
    """Files below the whole data folder, the database of the test lying elsewhere."""
    folder = river.installation.settings.data_dir
    return [path.name for path in folder.rglob("*") if path.is_file() and text in path.read_bytes()]


def another_process(river: River) -> Installation:
    """The same installation as a process sees it that begins now."""
    return replace(river.installation, settings=river.installation.settings.model_copy())


def is_proved(installation: Installation) -> bool:
    found = verify(installation, progress=SilentProgress())
    assert found.differences == ()
    assert found.not_recomputed == {}
    return found.ok


def test_nothing_that_was_loaded_stands_in_the_data_folder_in_clear(river: River) -> None:
    load(river)
    assert any(WORKS.encode() in content for content in contents(river.installation).values())
    assert names_that_say(river, WORKS.encode()) == []
    assert is_proved(another_process(river))
    (row,) = [each for each in river.rows("SELECT activity_id FROM activity_v1") if each["activity_id"].endswith("-3")]
    assert WORKS in str(trace_record(river.installation, "activity", row["activity_id"]))
    assert names_that_say(river, WORKS.encode()) == []


def test_files_of_before_are_read_on_and_can_be_encrypted(river: River) -> None:
    load(river)
    for row in river.rows("SELECT sha256 FROM blobs"):
        in_clear(river.installation, bytes(row["sha256"]))
    before = contents(river.installation)
    assert not [name for name in before if name.endswith(SEALED)]
    assert names_that_say(river, WORKS.encode()) != []
    assert is_proved(river.installation)
    load(river, "again.csv")
    assert is_proved(river.installation)

    assert encrypt_files(river.installation) == len(before)
    assert encrypt_files(river.installation) == 0
    assert names_that_say(river, WORKS.encode()) == []
    assert contents(river.installation).items() >= before.items()
    assert is_proved(another_process(river))


def test_health_tells_of_files_in_clear_until_they_are_encrypted(river: River) -> None:
    def told(most: int = 5000) -> Sample:
        installation = river.installation
        return look_for_clear(installation.settings.blob_dir, installation.tenant_id, most=most)

    def part() -> tuple[str, str, str | None]:
        (found,) = (each for each in report(river.installation).parts if each.name == "files")
        return found.state, found.says, found.remedy

    assert part() == ("ok", "no kept file lies in clear of 0 files", None)
    load(river)
    files = len(contents(river.installation))
    assert part() == ("ok", f"no kept file lies in clear of {files} files", None)
    blobs = [bytes(row["sha256"]) for row in river.rows("SELECT sha256 FROM blobs")]
    for sha256 in blobs:
        in_clear(river.installation, sha256)
    assert told() == Sample(files=files, clear=len(blobs), is_all=True)
    some = told(most=1)
    assert (some.is_all, some.files < files, some.clear == some.files) == (False, True, True)
    state, says, remedy = part()
    assert (state, says) == ("warn", f"{len(blobs)} lie in clear of {files} files")
    assert "`headwater people keys encrypt-files`" in str(remedy)
    encrypt_files(river.installation)
    assert part()[0] == "ok"


def test_a_clear_file_that_is_not_what_its_name_says_is_left_for_verify_to_name(river: River) -> None:
    load(river)
    (row,) = river.rows("SELECT sha256 FROM blobs WHERE name = 'a.csv'")
    path = in_clear(river.installation, bytes(row["sha256"]))
    path.write_bytes(path.read_bytes().replace(b"many", b"more"))
    assert encrypt_files(river.installation) == 0
    assert path.exists()
    assert not verify(river.installation, progress=SilentProgress()).ok


def test_a_new_key_encrypts_the_keys_of_all_files_while_they_are_read(river: River) -> None:
    load(river)
    reading, files = another_process(river), len(contents(river.installation))
    assert is_proved(reading)
    with ThreadPoolExecutor() as pool:
        proving = pool.submit(is_proved, reading)
        rotate(river.installation)
        assert encrypt_files_again(river.installation) == files
        assert proving.result()
    assert encrypt_files_again(river.installation) == 0
    assert is_proved(another_process(river))
    river.load(activities([{"activity_id": "b"}]), name="b.csv")
    assert encrypt_files_again(river.installation) == 0
    entries = river.rows("SELECT payload FROM audit_entries WHERE action = 'files.encrypted'")
    assert len(entries) == 1


def test_a_file_that_does_not_open_keeps_no_other_from_the_new_key(river: River) -> None:
    load(river)
    store, tenant_id = river.installation.blobs, river.installation.tenant_id
    digests = sorted(bytes(row["sha256"]) for row in river.rows("SELECT sha256 FROM blobs"))
    first = store.path(tenant_id, digests[0])
    first.chmod(0o600)
    content = bytearray(first.read_bytes())
    content[64 + 20] ^= 1  # of its key, as the organisation's encrypts it
    first.write_bytes(content)

    rotate(river.installation)
    with pytest.raises(Stopped) as refused:
        encrypt_files_again(river.installation)
    assert first.name in str(refused.value.where)
    (entry,) = river.rows("SELECT payload::jsonb AS payload FROM audit_entries WHERE action = 'files.encrypted'")
    assert entry["payload"] == {"key": 2, "files": len(digests) - 1}


def test_files_are_encrypted_once_nobody_is_being_erased(river: River) -> None:
    load(river)
    (row,) = river.rows("SELECT sha256 FROM blobs WHERE name = 'a.csv'")
    path = in_clear(river.installation, bytes(row["sha256"]))
    waiting = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    with ThreadPoolExecutor() as pool:
        with river.installation.database.connect(river.installation.tenant_id) as erasing:
            hold_erasing(erasing, river.installation.tenant_id)
            encrypting = pool.submit(encrypt_files, river.installation)
            until(lambda: bool(river.rows(waiting)) or encrypting.done(), "it waits")
            assert path.is_file()
            assert not encrypting.done()
        assert encrypting.result() == 1


def test_without_the_key_of_their_organisation_files_say_nothing_and_that_is_told(river: River) -> None:
    load(river)
    (row,) = river.rows("SELECT sha256 FROM blobs WHERE name = 'a.csv'")
    (key,) = river.rows("SELECT * FROM organisation_keys")
    river.change("DELETE FROM organisation_keys")
    with pytest.raises(Stopped, match="by a key of the organisation that is not there") as refused:
        another_process(river).blobs.open(river.installation.tenant_id, bytes(row["sha256"]))
    assert "it is lost for good" in str(refused.value.remedy)
    assert river.rows("SELECT * FROM organisation_keys") == []
    river.change(
        "INSERT INTO organisation_keys (tenant_id, key_no, wrapped_by, nonce, wrapped, created_at)"
        " VALUES (%(tenant_id)s, %(key_no)s, %(wrapped_by)s, %(nonce)s, %(wrapped)s, %(created_at)s)",
        **key,
    )
    assert is_proved(another_process(river))
