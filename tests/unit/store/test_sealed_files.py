from __future__ import annotations

import io
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import Stopped
from headwater.store import sealed_files
from headwater.store.blobs import NO_CONTENT, SEALED, BlobStore
from headwater.store.sealed_files import (
    FRAME,
    HEADER_BYTES,
    MAGIC,
    TAG,
    Belonging,
    SealedReader,
    SealedWriter,
    Wrapped,
    open_sealed,
    sealed_size,
    wrap_again,
)

TENANT = UUID("6f9d5ea4-7c9f-4a7e-9f2e-000000000001")
OTHER = UUID("6f9d5ea4-7c9f-4a7e-9f2e-000000000002")
WHAT = b"blob/of/somebody"
SIZES = st.one_of(
    st.integers(0, 100),
    st.integers(FRAME - 2, FRAME + 2),
    st.integers(2 * FRAME - 2, 2 * FRAME + 2),
    st.just(5 * FRAME),
)


class Keys:
    """Keys of organisations as a process has them at hand; `add` makes the newest."""

    def __init__(self) -> None:
        self.by_no: dict[tuple[UUID, int], bytes] = {}
        self.newest = 0
        self.add()

    def add(self) -> None:
        self.newest += 1
        self.by_no |= {(tenant, self.newest): secrets.token_bytes(32) for tenant in (TENANT, OTHER)}

    def wrap(self, tenant_id: UUID, key: bytes, bound_to: bytes) -> Wrapped:
        nonce = secrets.token_bytes(12)
        return self.newest, nonce, AESGCM(self.by_no[tenant_id, self.newest]).encrypt(nonce, key, bound_to)

    def unwrap(self, tenant_id: UUID, wrapped: Wrapped, bound_to: bytes, where: str) -> bytes:
        by = self.by_no.get((tenant_id, wrapped[0]))
        if by is None:
            raise Stopped("no such key", where=where)
        try:
            return AESGCM(by).decrypt(wrapped[1], wrapped[2], bound_to)
        except InvalidTag as error:
            raise Stopped("it does not open", where=where) from error


KEYS = Keys()


def theirs(keys: Keys) -> Belonging:
    return Belonging(keys=keys, tenant_id=TENANT, what=WHAT)


def content(size: int) -> bytes:
    """Bytes that tell where they stand."""
    return b"".join(b"%08d" % place for place in range(-(-size // 8)))[:size]


def sealed(path: Path, text: bytes, *, keys: Keys = KEYS, cuts: tuple[int, ...] = ()) -> Path:
    with path.open("wb") as file:
        writer = SealedWriter(file)
        for first, last in zip((0, *sorted(cuts)), (*sorted(cuts), len(text)), strict=True):
            writer.write(text[first:last])
        writer.finish(theirs(keys))
    return path


def read(path: Path, keys: Keys = KEYS, *, tenant: UUID = TENANT, what: bytes = WHAT) -> bytes:
    with open_sealed(path, Belonging(keys=keys, tenant_id=tenant, what=what)) as file:
        return file.read()


@given(SIZES, st.lists(st.integers(0, 2 * FRAME), max_size=4))
def test_what_is_written_in_whatever_pieces_is_read_and_is_as_long_as_said(
    tmp_path_factory: pytest.TempPathFactory, size: int, cuts: list[int]
) -> None:
    text = content(size)
    path = sealed(tmp_path_factory.mktemp("a") / "a", text, cuts=tuple(min(cut, size) for cut in cuts))
    assert read(path) == text
    assert path.stat().st_size == sealed_size(size)


@given(SIZES, st.lists(st.tuples(st.integers(0, 5 * FRAME + 9), st.integers(0, 3 * FRAME)), max_size=8))
def test_any_piece_at_any_place_is_what_it_is_in_clear(
    tmp_path_factory: pytest.TempPathFactory, size: int, asked: list[tuple[int, int]]
) -> None:
    text = content(size)
    path = sealed(tmp_path_factory.mktemp("a") / "a", text)
    clear = io.BytesIO(text)
    with SealedReader(path, theirs(KEYS)) as raw, open_sealed(path, theirs(KEYS)) as buffered:
        for place, length in asked:
            for file in (clear, raw, buffered):
                assert file.seek(place) == place
            wanted = clear.read(length)
            assert raw.read(length) == wanted
            assert buffered.read(length) == wanted
            assert raw.tell() == buffered.tell() == clear.tell()
        assert raw.seek(0, io.SEEK_END) == size
        assert raw.read() == b""


def test_nothing_of_the_content_lies_in_the_file_and_no_file_is_encrypted_as_another(tmp_path: Path) -> None:
    text = b"of Ann Lovelace " * 10_000
    first, second = sealed(tmp_path / "a", text).read_bytes(), sealed(tmp_path / "b", text).read_bytes()
    assert b"Lovelace" not in first
    assert first[HEADER_BYTES:] != second[HEADER_BYTES:]


@given(st.data())
def test_a_byte_that_is_changed_is_refused_or_of_no_account(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    text = content(2 * FRAME + 100)
    path = sealed(tmp_path_factory.mktemp("a") / "a", text)
    whole = bytearray(path.read_bytes())
    place = data.draw(st.one_of(st.integers(0, HEADER_BYTES - 1), st.integers(0, len(whole) - 1)))
    whole[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(whole)
    if 128 <= place < 192:  # the slot that holds no key
        assert read(path) == text
        return
    with pytest.raises(Stopped):
        read(path)


def cut_at_the_end(whole: bytes) -> bytes:
    return whole[:-1]


def without_its_last_frame(whole: bytes) -> bytes:
    return whole[: HEADER_BYTES + 2 * (FRAME + TAG)]


def without_its_first_frame(whole: bytes) -> bytes:
    return whole[:HEADER_BYTES] + whole[HEADER_BYTES + FRAME + TAG :]


def turned_round(whole: bytes) -> bytes:
    first, second = (whole[HEADER_BYTES + n * (FRAME + TAG) :][: FRAME + TAG] for n in (0, 1))
    return whole[:HEADER_BYTES] + second + first + whole[HEADER_BYTES + 2 * (FRAME + TAG) :]


def longer(whole: bytes) -> bytes:
    return whole + b"x"


def nothing(_whole: bytes) -> bytes:
    return b""


def clear(_whole: bytes) -> bytes:
    return b"activity_id,quantity\n" * 100


@pytest.mark.parametrize(
    "change",
    [cut_at_the_end, without_its_last_frame, without_its_first_frame, turned_round, longer, nothing, clear],
)
def test_a_file_that_is_cut_turned_round_or_another_is_refused_in_words(
    tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    path = sealed(tmp_path / "a", content(3 * FRAME))
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(Stopped, match="changed, cut or moved since it was encrypted") as refused:
        read(path)
    assert refused.value.where == str(path)


def test_frames_of_another_file_are_refused_whoever_wrote_it(tmp_path: Path) -> None:
    mine, other = sealed(tmp_path / "a", content(3 * FRAME)), sealed(tmp_path / "b", content(3 * FRAME))
    mine.write_bytes(mine.read_bytes()[:HEADER_BYTES] + other.read_bytes()[HEADER_BYTES:])
    with pytest.raises(Stopped, match="changed, cut or moved"):
        read(mine)


def test_a_file_opens_for_what_it_is_and_for_its_organisation_alone(tmp_path: Path) -> None:
    path = sealed(tmp_path / "a", content(10))
    for tenant, what in ((OTHER, WHAT), (TENANT, b"copy/of/somebody")):
        with pytest.raises(Stopped, match="does not open"):
            read(path, tenant=tenant, what=what)


def test_a_form_that_is_not_known_is_told_of(tmp_path: Path) -> None:
    path = sealed(tmp_path / "a", content(10))
    path.write_bytes(MAGIC + b"\0\0\0\2" + path.read_bytes()[12:])
    with pytest.raises(Stopped, match="a form that this version does not know"):
        read(path)


def test_a_new_key_takes_the_place_of_the_old_one_which_opens_the_file_no_more(tmp_path: Path) -> None:
    keys, text = Keys(), content(2 * FRAME)
    path = sealed(tmp_path / "a", text, keys=keys)
    path.chmod(0o400)
    frames = path.read_bytes()[HEADER_BYTES:]
    with open_sealed(path, theirs(keys)) as reading:
        for number in (2, 3, 4):
            keys.add()
            assert wrap_again(path, theirs(keys), newest=number)
            assert not wrap_again(path, theirs(keys), newest=number)
            del keys.by_no[TENANT, number - 1]
            assert read(path, keys) == text
        assert reading.read() == text
    assert path.read_bytes()[HEADER_BYTES:] == frames
    assert path.stat().st_mode & 0o777 == 0o400


class Killed(BaseException):
    """What a kill is to a process."""


@pytest.mark.parametrize("written", range(3))
@pytest.mark.parametrize("torn", [0, 1, 30, 63])
def test_who_is_killed_while_a_key_is_changed_leaves_a_file_that_opens_and_the_next_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: int, torn: int
) -> None:
    """After so many whole writes, `torn` bytes into the next."""
    keys, text = Keys(), content(100)
    path = sealed(tmp_path / "a", text, keys=keys)
    keys.add()
    left, write = written, sealed_files._write

    def killed(handle: int, at: int, content: bytes) -> None:
        nonlocal left
        if left == 0:
            write(handle, at, content[:torn])
            raise Killed
        left -= 1
        write(handle, at, content)

    monkeypatch.setattr(sealed_files, "_write", killed)
    try:
        wrap_again(path, theirs(keys), newest=2)
    except Killed:
        assert written < 2
    else:
        assert written == 2
    monkeypatch.undo()
    assert read(path, keys) == text
    wrap_again(path, theirs(keys), newest=2)
    del keys.by_no[TENANT, 1]
    assert read(path, keys) == text


def test_a_file_that_is_kept_again_while_its_key_is_changed_opens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The header that was read is of the file before; by its key the new one would never open again."""
    keys, text = Keys(), content(100)
    path = sealed(tmp_path / "a", text, keys=keys)
    keys.add()
    again, wrap = sealed(tmp_path / "again", text, keys=keys), keys.wrap

    def meanwhile(*given: Any) -> Wrapped:
        if again.exists():
            again.rename(path)
        return wrap(*given)

    monkeypatch.setattr(keys, "wrap", meanwhile)
    wrap_again(path, theirs(keys), newest=2)
    assert read(path, keys) == text


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "blobs", KEYS)


def everything(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_a_blob_lies_encrypted_under_the_hash_of_its_clear_content(store: BlobStore, tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_bytes(b"of Ann Lovelace\n" * 10_000)
    clear = BlobStore(tmp_path / "other").put_file(TENANT, path)
    for perhaps_held in (False, True):
        assert store.put_file(TENANT, path, perhaps_held=perhaps_held) == clear
    kept = store.path(TENANT, clear.sha256)
    assert kept.name == clear.sha256.hex() + SEALED
    assert kept.stat().st_mode & 0o777 == 0o400
    assert store.clear_path(TENANT, clear.sha256) is None
    assert store.measure(TENANT, clear.sha256) == clear
    assert b"Lovelace" not in everything(tmp_path / "blobs")
    empty = store.put_bytes(TENANT, b"")
    assert store.measure(TENANT, empty.sha256) == empty


def test_what_was_kept_in_clear_is_read_on_and_held(store: BlobStore, tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_bytes(b"of Ann")
    before = BlobStore(tmp_path / "blobs").put_file(TENANT, path)
    assert store.put_file(TENANT, path, perhaps_held=True) == before
    assert store.clear_path(TENANT, before.sha256) == store.path(TENANT, before.sha256)
    with store.open(TENANT, before.sha256) as file:
        assert file.read() == b"of Ann"


def test_a_blob_that_does_not_open_is_not_held_and_is_kept_anew(store: BlobStore, tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_bytes(b"of Ann")
    lost = BlobStore(tmp_path / "blobs", Keys()).put_file(TENANT, path)
    with pytest.raises(Stopped, match="does not open"):
        store.open(TENANT, lost.sha256)
    assert store.put_file(TENANT, path, perhaps_held=True) == lost
    assert store.measure(TENANT, lost.sha256) == lost


def test_a_file_that_looks_like_an_encrypted_one_is_a_file_as_any_other(store: BlobStore, tmp_path: Path) -> None:
    path = sealed(tmp_path / "upload", b"of Ann")
    for each in (store, BlobStore(tmp_path / "clear")):
        blob = each.put_file(TENANT, path)
        with each.open(TENANT, blob.sha256) as file:
            assert file.read() == path.read_bytes()


def test_a_blob_in_the_place_of_another_does_not_open(store: BlobStore) -> None:
    first, second = store.put_bytes(TENANT, b"of Ann"), store.put_bytes(TENANT, b"of Bob")
    place = store.path(TENANT, second.sha256)
    store.path(TENANT, first.sha256).rename(place)
    with pytest.raises(Stopped, match="does not open"):
        store.open(TENANT, second.sha256)


def test_a_changed_blob_is_measured_as_another(store: BlobStore) -> None:
    blob = store.put_bytes(TENANT, b"as it came")
    path = store.path(TENANT, blob.sha256)
    whole = path.read_bytes()
    path.chmod(0o600)
    for changed in (whole[:-1] + bytes([whole[-1] ^ 1]), whole[:-1], b"z" + whole[1:], b"as it cane"):
        path.write_bytes(changed)
        assert store.measure(TENANT, blob.sha256).sha256 != blob.sha256


def test_redacted_copies_take_the_place_of_blobs_of_either_kind(store: BlobStore, tmp_path: Path) -> None:
    was_clear = BlobStore(tmp_path / "blobs").put_bytes(TENANT, b"of Ann")
    was_sealed = store.put_bytes(TENANT, b"of Ada")
    for blob in (was_clear, was_sealed):
        with store.copy_writer(TENANT, blob.sha256) as writer:
            writer.write(b"of ***")
        copy = writer.blob.sha256
        assert store.prepared(TENANT) == {(blob.sha256, copy)}
        store.replace(TENANT, blob.sha256, copy)
        assert not store.is_beside_its_copy(TENANT, blob.sha256)
        assert store.measure(TENANT, blob.sha256).sha256 == copy
    assert b"of A" not in everything(tmp_path)
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 2


@pytest.mark.parametrize("before", ["in clear", "encrypted"])
def test_what_was_redacted_and_is_erased_wholly_is_gone_also_where_that_was_broken_off(
    store: BlobStore, tmp_path: Path, before: str
) -> None:
    store_before = store if before == "encrypted" else BlobStore(tmp_path / "blobs")
    blob = store_before.put_bytes(TENANT, b"of Ann and Bob")
    with store_before.copy_writer(TENANT, blob.sha256) as writer:
        writer.write(b"of *** and Bob")
    store_before.replace(TENANT, blob.sha256, writer.blob.sha256)
    with store.copy_writer(TENANT, blob.sha256):
        pass
    (prepared,) = (tmp_path / "blobs").rglob("*.copy")
    prepared.rename(prepared.parent / f"{blob.sha256.hex()}.redacted")  # killed here
    store.replace(TENANT, blob.sha256, NO_CONTENT)
    with pytest.raises(Stopped, match="was erased"):
        store.path(TENANT, blob.sha256)
    assert everything(tmp_path) == b""


def test_all_files_of_an_organisation_are_encrypted_by_its_newest_key(tmp_path: Path) -> None:
    keys = Keys()
    store = BlobStore(tmp_path, keys)
    blobs = [store.put_bytes(TENANT, text) for text in (b"of Ann", b"of Bob", b"")]
    others = store.put_bytes(OTHER, b"of Ann")
    with store.copy_writer(TENANT, blobs[0].sha256) as writer:
        writer.write(b"of ***")
    store.replace(TENANT, blobs[0].sha256, writer.blob.sha256)
    with store.copy_writer(TENANT, blobs[1].sha256) as prepared:
        prepared.write(b"of **b")
    keys.add()
    assert [store.wrap_again(TENANT, newest=2), store.wrap_again(TENANT, newest=2)] == [(4, None), (0, None)]
    del keys.by_no[TENANT, 1]
    store.replace(TENANT, blobs[1].sha256, prepared.blob.sha256)
    texts = []
    for blob in blobs:
        with store.open(TENANT, blob.sha256) as file:
            texts.append(file.read())
    assert texts == [b"of ***", b"of **b", b""]
    assert store.measure(OTHER, others.sha256) == others
