"""Secrets by reference: kept so that the database alone does not give them away, and never shown by what goes wrong."""

from __future__ import annotations

import base64
import os
import stat
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import pytest
from pydantic import SecretStr

from headwater.errors import Misuse, Stopped
from headwater.services.connectors.secrets import (
    KEY_FILE,
    MAX_SECRET_BYTES,
    _make_key_file,
    forget,
    keys_of,
    resolve,
    rotate,
    store_secret,
    stored,
)
from headwater.services.installation import Installation
from headwater.settings import Settings
from headwater.store.credentials import Sealed, encrypt_again, list_credentials
from tests.planted import planted, planted_file
from tests.river import River

SECRET = planted("correct horse battery staple")
K1 = "k1:" + base64.b64encode(b"1" * 32).decode()
K2 = "k2:" + base64.b64encode(b"2" * 32).decode()


def with_keys(river: River, text: str) -> Installation:
    """The same installation as a process sees it that was started with these keys."""
    settings = river.installation.settings.model_copy(update={"credentials_keys": SecretStr(text)})
    return replace(river.installation, settings=settings)


@pytest.mark.server
def test_a_stored_secret_comes_back_to_who_has_its_key_and_to_nobody_else(river: River) -> None:
    first = with_keys(river, K1)
    store_secret(first, "plant", SECRET)
    assert resolve(first, "stored:plant") == SECRET
    assert [(each.name, each.key) for each in stored(first)] == [("plant", "k1")]
    (row,) = river.rows("SELECT c::text AS said, ciphertext FROM credentials c")
    assert SECRET.encode() not in bytes(row["ciphertext"])
    assert SECRET not in row["said"]
    entries = river.rows("SELECT action, resource, payload::text AS said FROM audit_entries")
    assert (entries[-1]["action"], entries[-1]["resource"]) == ("credential.stored", "credential/plant")
    assert not [entry for entry in entries if SECRET in entry["said"]]

    with pytest.raises(Misuse, match="encrypted by the key k1, which is not known here; known are: k2") as unknown:
        resolve(with_keys(river, K2), "stored:plant")
    assert (unknown.value.value, unknown.value.valid) == (None, None)
    assert "Add the k1 it was encrypted by" in str(unknown.value.remedy)
    with pytest.raises(Stopped, match="the key k1 known here does not open it"):
        resolve(with_keys(river, K2.replace("k2:", "k1:")), "stored:plant")

    store_secret(first, "plant", "another")
    assert resolve(first, "stored:plant") == "another"
    forget(first, "plant")
    with pytest.raises(Misuse, match=r"no credential is stored under the name plant.*credentials set plant"):
        resolve(first, "stored:plant")
    with pytest.raises(Misuse, match="no credential is stored under this name"):
        forget(first, "plant")
    with pytest.raises(Misuse, match="no name for a credential"):
        store_secret(first, "No Name", SECRET)


@pytest.mark.server
def test_keys_are_changed_while_everybody_goes_on_reading(river: River) -> None:
    """Each step of the how-to, with processes that were not started again yet beside those that were."""
    old, knowing, both = with_keys(river, K1), with_keys(river, f"{K1},{K2}"), with_keys(river, f"{K2}, {K1}")
    new = with_keys(river, K2)
    store_secret(old, "plant", SECRET)

    store_secret(knowing, "lab", "meanwhile")  # step 1: the new key encrypts nothing yet
    assert [each.key for each in stored(old)] == ["k1", "k1"]
    for reader in (old, knowing):
        assert (resolve(reader, "stored:plant"), resolve(reader, "stored:lab")) == (SECRET, "meanwhile")

    store_secret(both, "lab", "other")  # step 2: it encrypts
    store_secret(knowing, "office", "late")  # by one that was not started again yet
    assert {each.name: each.key for each in stored(both)} == {"lab": "k2", "office": "k1", "plant": "k1"}
    for reader in (knowing, both):
        assert [resolve(reader, f"stored:{name}") for name in ("plant", "lab", "office")] == [SECRET, "other", "late"]
    with pytest.raises(Misuse, match="encrypted by the key k2, which is not known here"):
        resolve(old, "stored:lab")  # why the first step has to be everywhere before the second

    with both.database.connect(both.tenant_id) as connection:
        looked_at = {each.name: each for each in list_credentials(connection, both.tenant_id)}
    assert rotate(both) == 2
    assert rotate(both) == 0
    for reader in (knowing, both, new):
        assert (resolve(reader, "stored:plant"), resolve(reader, "stored:lab")) == (SECRET, "other")
    assert [each.key for each in stored(new)] == ["k2"] * 3

    store_secret(new, "lab", "set meanwhile")
    with both.database.connect(both.tenant_id) as connection:
        late = Sealed(key_id="k2", nonce=b"n" * 12, ciphertext=b"the old secret")
        assert not encrypt_again(connection, both.tenant_id, looked_at["lab"], sealed=late)
    assert resolve(new, "stored:lab") == "set meanwhile"


@pytest.mark.server
def test_what_somebody_changed_in_the_database_is_found_and_never_used(river: River) -> None:
    installation = with_keys(river, K1)
    store_secret(installation, "plant", SECRET)
    river.change("INSERT INTO tenants (tenant_id, name) VALUES (gen_random_uuid(), 'other')")
    (other,) = river.rows("SELECT tenant_id FROM tenants WHERE name = 'other'")
    river.change(
        "INSERT INTO credentials (tenant_id, name, key_id, nonce, ciphertext)"
        " SELECT %(other)s, name, key_id, nonce, ciphertext FROM credentials"
        " UNION ALL SELECT tenant_id, 'copied', key_id, nonce, ciphertext FROM credentials"
        " UNION ALL SELECT tenant_id, 'cut', key_id, nonce, substr(ciphertext, 1, 5) FROM credentials"
        " UNION ALL SELECT tenant_id, 'nonce', key_id, set_byte(nonce, 3, 255 - get_byte(nonce, 3)), ciphertext"
        " FROM credentials",
        other=other["tenant_id"],
    )
    assert resolve(installation, "stored:plant") == SECRET
    river.change(
        "UPDATE credentials SET ciphertext = set_byte(ciphertext, 0, get_byte(ciphertext, 0) # 1) WHERE name = 'plant'"
        " AND tenant_id <> %(other)s",
        other=other["tenant_id"],
    )
    elsewhere = replace(installation, tenant_id=other["tenant_id"])
    for reader, name in ((elsewhere, "plant"), *((installation, n) for n in ("plant", "copied", "cut", "nonce"))):
        with pytest.raises(Stopped, match="another key of that name, or was changed since") as refused:
            resolve(reader, f"stored:{name}")
        assert SECRET not in str(refused.value)


@pytest.mark.server
def test_secrets_of_the_environment_and_of_files(river: River, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANT_PASSWORD", SECRET)
    monkeypatch.setenv("EMPTY", "")
    planted_file(tmp_path / "good", f"{SECRET}\r\n")
    (tmp_path / "long").write_bytes(b"x" * (MAX_SECRET_BYTES + 1))
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\xfd")
    assert resolve(river.installation, "env:PLANT_PASSWORD") == SECRET
    assert resolve(river.installation, f"file:{tmp_path / 'good'}") == SECRET
    for reference, why in {
        "env:EMPTY": "the environment variable EMPTY is not set, or it is empty",
        "env:NOWHERE": "the environment variable NOWHERE is not set, or it is empty",
        f"file:{tmp_path / 'long'}": f"{tmp_path / 'long'}, is too long for a secret",
        f"file:{tmp_path / 'bytes'}": f"{tmp_path / 'bytes'}, cannot be read: it is no text",
        f"file:{tmp_path / 'nowhere'}": f"{tmp_path / 'nowhere'}, cannot be read: No such file or directory",
    }.items():
        with pytest.raises(Misuse, match=why):
            resolve(river.installation, reference)
    for raw in (SECRET, "stored:", "vault:plant", ""):
        with pytest.raises(Misuse, match="no reference to a secret") as refused:
            resolve(river.installation, raw)
        assert refused.value.value is None


def test_one_key_is_made_where_there_is_none_whoever_asks_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")  # as of disks that have none

    monkeypatch.setattr(os, "link", no_links)
    for number in range(10):
        settings = Settings(data_dir=tmp_path / str(number))
        if number % 2:  # a process was killed as it made one
            settings.data_dir.mkdir()
            (settings.data_dir / f".{KEY_FILE}.new").write_text("k1:" + "A" * 100)
        together = Barrier(4)

        def ask(settings: Settings = settings, together: Barrier = together) -> Mapping[str, bytes]:
            together.wait()
            return keys_of(settings).by_id

        with ThreadPoolExecutor(4) as pool:
            found = [each.result() for each in [pool.submit(ask) for _ in range(4)]]
        assert [list(each) for each in found] == [["k1"]] * 4
        assert len({each["k1"] for each in found}) == 1
        assert [path.name for path in settings.data_dir.iterdir()] == [KEY_FILE]
    path = settings.data_dir / KEY_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_text()
    _make_key_file(path)  # the slower of two that saw none
    assert path.read_text() == before
    assert before.split(":")[1] not in repr(keys_of(settings))


@pytest.mark.parametrize("content", ["", "k1:c2hvcnQ=", f"{K1},{K1}", "no keys", "k1:\u00fc"])
def test_a_file_that_holds_no_keys_is_told_and_not_shown(tmp_path: Path, content: str) -> None:
    (tmp_path / KEY_FILE).write_text(content, encoding="utf-8")
    with pytest.raises(Stopped, match="holds none") as refused:
        keys_of(Settings(data_dir=tmp_path))
    assert not content or content not in str(refused.value)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Stopped, match="cannot be read or made"):
        keys_of(Settings(data_dir=tmp_path / "file" / "data"))
