from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import InputRefused, Misuse, Stopped
from headwater.store.blobs import BLOCK, INCOMING, NO_CONTENT, BlobStore

TENANT = UUID("6f9d5ea4-7c9f-4a7e-9f2e-000000000001")
OTHER = UUID("6f9d5ea4-7c9f-4a7e-9f2e-000000000002")


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "blobs")


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A file of two blocks and a bit."""
    path = tmp_path / "large.csv"
    path.write_bytes(bytes(range(256)) * (2 * BLOCK // 256) + b"and a bit")
    return path


def files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def test_a_file_is_kept_whole_under_its_hash(store: BlobStore, large: Path, tmp_path: Path) -> None:
    blob = store.put_file(TENANT, large)
    content = large.read_bytes()
    assert (blob.sha256, blob.size) == (sha256(content).digest(), len(content))
    digest = blob.sha256.hex()
    kept = store.path(TENANT, blob.sha256)
    assert kept == tmp_path / "blobs" / str(TENANT) / digest[:2] / digest
    with store.open(TENANT, blob.sha256) as file:
        assert file.read() == content
    assert store.measure(TENANT, blob.sha256) == blob
    assert list(files(tmp_path / "blobs")) == [kept]
    assert stat.S_IMODE(kept.stat().st_mode) == 0o400
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700


def test_blocks_are_seen_in_order_in_the_pass_that_hashes(store: BlobStore, large: Path) -> None:
    for perhaps_held in (False, True):
        seen: list[bytes] = []
        store.put_file(TENANT, large, on_block=seen.append, perhaps_held=perhaps_held)
        assert b"".join(seen) == large.read_bytes()
        assert [len(block) for block in seen] == [BLOCK, BLOCK, len("and a bit")]


def test_what_is_held_is_not_copied_again(store: BlobStore, large: Path) -> None:
    first = store.put_file(TENANT, large, perhaps_held=True)
    kept = store.path(TENANT, first.sha256).stat()
    assert store.put_file(TENANT, large, perhaps_held=True) == first
    assert store.path(TENANT, first.sha256).stat().st_ino == kept.st_ino
    assert store.put_file(TENANT, large) == first


def test_a_file_that_changes_between_hashing_and_copying_is_refused(
    store: BlobStore, large: Path, tmp_path: Path
) -> None:
    def rewrite_at_the_end(block: bytes) -> None:
        if len(block) < BLOCK:
            large.write_bytes(b"other")

    with pytest.raises(InputRefused, match="changed while it was read"):
        store.put_file(TENANT, large, on_block=rewrite_at_the_end, perhaps_held=True)
    assert list(files(tmp_path / "blobs")) == []


def test_of_a_file_that_grows_what_was_read_is_kept(store: BlobStore, large: Path) -> None:
    seen: list[bytes] = []

    def grow(block: bytes) -> None:
        seen.append(block)
        if len(seen) == 1:
            with large.open("ab") as file:
                file.write(b"more")

    blob = store.put_file(TENANT, large, on_block=grow)
    assert blob.sha256 == sha256(b"".join(seen)).digest()
    assert store.measure(TENANT, blob.sha256) == blob


def test_tenants_do_not_share_blobs(store: BlobStore) -> None:
    blob = store.put_bytes(TENANT, b"a")
    with pytest.raises(Stopped, match="cited and not there"):
        store.path(OTHER, blob.sha256)


@given(st.lists(st.binary(max_size=50), max_size=5))
def test_what_is_written_in_blocks_is_kept_as_one(
    tmp_path_factory: pytest.TempPathFactory, blocks: list[bytes]
) -> None:
    store = BlobStore(tmp_path_factory.mktemp("blobs"))
    with store.writer(TENANT) as writer:
        for block in blocks:
            writer.write(block)
    with store.open(TENANT, writer.blob.sha256) as file:
        assert file.read() == b"".join(blocks)


def test_nothing_stays_of_a_blob_whose_writing_failed(store: BlobStore, tmp_path: Path) -> None:
    writer = store.writer(TENANT)
    with suppress(ZeroDivisionError), writer:
        writer.write(b"half")
        raise ZeroDivisionError
    assert list(files(tmp_path / "blobs")) == []
    with pytest.raises(Misuse):
        writer.write(b"more")


def test_what_a_killed_process_left_is_removed_and_what_another_writes_is_not(store: BlobStore, tmp_path: Path) -> None:
    program = f"""
        import os, signal
        from pathlib import Path
        from uuid import UUID
        from headwater.store.blobs import BlobStore
        with BlobStore(Path({str(tmp_path / "blobs")!r})).writer(UUID({str(TENANT)!r})) as writer:
            writer.write(b"half" * 10000)
            os.kill(os.getpid(), signal.SIGKILL)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=False)
    assert done.returncode == -signal.SIGKILL
    incoming = tmp_path / "blobs" / str(TENANT) / INCOMING
    assert len(list(incoming.iterdir())) == 1
    with store.writer(TENANT) as first:
        assert len(list(incoming.iterdir())) == 1
        first.write(b"first")
        second = store.put_bytes(TENANT, b"second")
    assert list(incoming.iterdir()) == []
    assert store.measure(TENANT, first.blob.sha256) == first.blob
    assert store.measure(TENANT, second.sha256) == second


def test_a_changed_blob_is_measured_as_it_is_now(store: BlobStore) -> None:
    blob = store.put_bytes(TENANT, b"as it came")
    path = store.path(TENANT, blob.sha256)
    path.chmod(0o600)
    path.write_bytes(b"as it cane")
    assert store.measure(TENANT, blob.sha256) != blob


def test_a_file_that_cannot_be_read_is_refused_in_words(store: BlobStore, tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="No such file"):
        store.put_file(TENANT, tmp_path / "nowhere.csv")
    with pytest.raises(InputRefused, match="directory"):
        store.put_file(TENANT, tmp_path)
    assert list(files(tmp_path)) == []


def test_a_folder_that_cannot_be_written_stops(tmp_path: Path) -> None:
    (tmp_path / "blobs").write_text("a file where a folder should be")
    with pytest.raises(Stopped, match="cannot be kept"):
        BlobStore(tmp_path / "blobs").put_bytes(TENANT, b"a")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a small disk")
def test_a_full_disk_stops_and_leaves_nothing(tmp_path: Path, large: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", small], check=True)
    try:
        store = BlobStore(small / "blobs")
        with pytest.raises(Stopped, match=r"No space left on device.*Free space"):
            store.put_file(TENANT, large)
        assert list(files(small)) == []
        kept = store.put_bytes(TENANT, b"small enough")
        assert store.measure(TENANT, kept.sha256) == kept
    finally:
        subprocess.run(["umount", small], check=True)


def test_a_redacted_copy_stands_for_its_blob_which_is_not_taken_in_again(store: BlobStore, tmp_path: Path) -> None:
    blob, other = store.put_bytes(TENANT, b"of Ann"), store.put_bytes(TENANT, b"of Bob")
    with store.copy_writer(TENANT, blob.sha256) as writer:
        writer.write(b"of ***")
    copy = writer.blob.sha256
    assert store.prepared(TENANT) == {(blob.sha256, copy)}
    assert store.path(TENANT, blob.sha256).read_bytes() == b"of Ann"
    for _ in range(2):
        store.replace(TENANT, blob.sha256, copy)
        assert store.path(TENANT, blob.sha256).read_bytes() == b"of ***"
    assert store.measure(TENANT, blob.sha256).sha256 == copy
    assert sorted(path.read_bytes() for path in files(tmp_path)) == [b"of ***", b"of Bob"]
    path = tmp_path / "again"
    path.write_bytes(b"of Ann")
    for perhaps_held in (False, True):
        with pytest.raises(InputRefused, match="erased"):
            store.put_file(TENANT, path, perhaps_held=perhaps_held)
    assert store.put_bytes(OTHER, b"of Ann") == blob
    assert store.path(TENANT, other.sha256).read_bytes() == b"of Bob"


def test_of_what_is_erased_wholly_nothing_is_left_and_a_copy_given_up_goes(store: BlobStore, tmp_path: Path) -> None:
    blob = store.put_bytes(TENANT, b"of Ann")
    with store.copy_writer(TENANT, blob.sha256) as writer:
        writer.write(b"of A**")
    store.discard(TENANT, blob.sha256, writer.blob.sha256)
    with store.copy_writer(TENANT, blob.sha256):
        pass
    assert store.prepared(TENANT) == {(blob.sha256, NO_CONTENT)}
    store.replace(TENANT, blob.sha256, NO_CONTENT)
    with pytest.raises(Stopped, match="erased"):
        store.path(TENANT, blob.sha256)
    assert [path.read_bytes() for path in files(tmp_path)] == [b""]
