"""Raw inputs kept whole in a folder, by tenant and SHA-256: `<tenant>/<first two digits>/<digest>.sealed`, read-only.

They are encrypted by keys of their tenant (`sealed_files`); the SHA-256 is of the clear content. What was kept before
files were encrypted has no `.sealed` at the end of its name, and is read as it lies there.

What was personal of somebody who is erased is taken out of a blob by a redacted copy, `<digest>.redacted.sealed`,
beside which the blob itself is not kept any more; an empty one, `<digest>.redacted`, stands for a blob that was erased
wholly. Who brings that very file again is refused, so that nobody comes back unnoticed. Until the database knows of a
copy its name has its own digest and `.copy`.

A blob is there whole and durable or not at all: it is written under another name, synced, and renamed. What a killed
process left half written is removed by the next one.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import io
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self
from uuid import UUID

from headwater.errors import HeadwaterError, InputRefused, Misuse, Stopped
from headwater.store.sealed_files import (
    Belonging,
    Changed,
    FileKeys,
    SealedWriter,
    open_sealed,
    sealed_size,
    wrap_again,
)

BLOCK = 8 * 2**20
INCOMING = "incoming"
REDACTED, PREPARED, SEALED = ".redacted", ".copy", ".sealed"
NO_CONTENT = hashlib.sha256().digest()

ANY = "[0-9a-f][0-9a-f]"
_IS_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
OnBlock = Callable[[bytes], object]


@dataclass(frozen=True, kw_only=True)
class Blob:
    """A whole input: its hash and its size in bytes."""

    sha256: bytes
    size: int


class BlobStore:
    """A folder of blobs. Every method that adds one returns only when it is durable.

    keys: by which blobs are encrypted; without, they are kept in clear, and those that are encrypted cannot be read
    """

    def __init__(self, folder: Path, keys: FileKeys | None = None) -> None:
        self._folder = folder
        self._keys = keys

    def sealed_by(self, keys: FileKeys) -> BlobStore:
        """The same folder, in which blobs are encrypted by these keys."""
        return BlobStore(self._folder, keys)

    def tenants(self) -> set[UUID]:
        """Organisations that have a folder here."""
        try:
            names = [entry.name for entry in self._folder.iterdir()]
        except OSError:
            return set()
        return {UUID(name) for name in names if _IS_ID.fullmatch(name)}

    def put_file(
        self, tenant_id: UUID, path: Path, *, on_block: OnBlock | None = None, perhaps_held: bool = False
    ) -> Blob:
        """Keep a file; `on_block` sees every block of up to 8 MiB in order, in the pass that hashes it.

        Where it is `perhaps_held` it is hashed first and copied only if it was not held after all. InputRefused where
        the file cannot be read, Stopped where the disk is full.
        """
        if perhaps_held:
            hashed = _hash_blocks(_blocks(path), on_block)
            if self._is_held(tenant_id, hashed):
                return hashed
            return self._copy(tenant_id, path, None, expected=hashed)
        return self._copy(tenant_id, path, on_block)

    def put_bytes(self, tenant_id: UUID, content: bytes) -> Blob:
        """Keep what is in memory."""
        with self.writer(tenant_id) as writer:
            writer.write(content)
        return writer.blob

    def writer(self, tenant_id: UUID) -> BlobWriter:
        """A blob to be written block by block; it is kept when the `with` block ends without an error."""
        return BlobWriter(self._folder, tenant_id, self._keys)

    def copy_writer(self, tenant_id: UUID, sha256: bytes) -> BlobWriter:
        """A redacted copy of a blob, to be put in its place by `replace`; nothing written stands for no content."""
        return BlobWriter(self._folder, tenant_id, self._keys, prepares=sha256)

    def prepared(self, tenant_id: UUID) -> set[tuple[bytes, bytes]]:
        """Copies that are not in their places: the hash of the blob, and that of the copy."""
        folder = self._folder / str(tenant_id)
        names = (path.name for suffix in (PREPARED, PREPARED + SEALED) for path in folder.glob(f"{ANY}/*{suffix}"))
        found = (name.removesuffix(SEALED).removesuffix(PREPARED).split(".") for name in names)
        return {(bytes.fromhex(digest), bytes.fromhex(copy)) for digest, copy in found}

    def replace(self, tenant_id: UUID, sha256: bytes, copy_sha256: bytes) -> None:
        """Put a prepared copy in place of the blob, durably; done again it does what is left to do."""
        path = blob_path(self._folder / str(tenant_id), sha256)
        with _disk(path):
            sealed, clear = _both(_beside(path, REDACTED))
            for copy, place in zip(_both(_prepared(path, copy_sha256)), (sealed, clear), strict=True):
                with suppress(FileNotFoundError):
                    copy.rename(place)
                    _sync_folder(path.parent)
            now, before = (clear, sealed) if copy_sha256 == NO_CONTENT else (sealed, clear)
            if now.is_file() and before.is_file():
                before.unlink(missing_ok=True)
                _sync_folder(path.parent)
            if self.is_beside_its_copy(tenant_id, sha256):
                _remove(_both(path))
                _sync_folder(path.parent)

    def is_beside_its_copy(self, tenant_id: UUID, sha256: bytes) -> bool:
        """Whether a blob is still there although its redacted copy is in its place: left by a killed process."""
        path = blob_path(self._folder / str(tenant_id), sha256)
        return _kept(path) is not None and _kept(_beside(path, REDACTED)) is not None

    def discard(self, tenant_id: UUID, sha256: bytes, copy_sha256: bytes) -> None:
        """Remove a prepared copy that was given up."""
        with _disk(self._folder):
            _remove(_both(_prepared(blob_path(self._folder / str(tenant_id), sha256), copy_sha256)))

    def path(self, tenant_id: UUID, sha256: bytes) -> Path:
        """Where the blob lies, or its redacted copy, encrypted as a rule; Stopped where it is not, for what is cited
        must be there.
        """
        path = blob_path(self._folder / str(tenant_id), sha256)
        redacted = _kept(_beside(path, REDACTED))
        if redacted is not None:
            if redacted.stat().st_size == 0:
                raise Stopped("the file was erased; its hash is left", where=str(path))
            return redacted
        found = _kept(path)
        if found is None:
            raise Stopped(
                "the blob is cited and not there",
                where=str(path),
                remedy="Put the file back, from a backup or by importing it again.",
            )
        return found

    def clear_path(self, tenant_id: UUID, sha256: bytes) -> Path | None:
        """Where the content itself lies; None where it is encrypted."""
        path = self.path(tenant_id, sha256)
        return None if path.suffix == SEALED else path

    def is_gone(self, tenant_id: UUID, sha256: bytes) -> bool:
        """Whether neither the blob nor a redacted copy is there. Stopped where the tenant's whole folder is not: then
        nothing is known of any.
        """
        path = blob_path(self._folder / str(tenant_id), sha256)
        if not path.parent.parent.is_dir():
            raise Stopped(
                "the folder of kept files is not there", where=str(path.parent.parent), remedy="Look to its disk."
            )
        return _kept(path) is None and _kept(_beside(path, REDACTED)) is None

    def open(self, tenant_id: UUID, sha256: bytes) -> BinaryIO:
        """The blob's content, to be closed by the caller. Stopped where it was changed, or its key is not known: at
        once or, where one place of it was changed, when that is read.
        """
        path = self.path(tenant_id, sha256)
        if path.suffix != SEALED:
            with suppress(FileNotFoundError):
                return path.open("rb")
            path = self.path(tenant_id, sha256)  # it was encrypted since it was looked for
        return self._open_sealed(tenant_id, path)

    def measure(self, tenant_id: UUID, sha256: bytes) -> Blob:
        """Hash and size of what is there now, read anew: equal to what it was kept as, unless it was changed. Of what
        does not open any more they are of the file as it lies there.
        """
        path = self.path(tenant_id, sha256)
        if path.suffix != SEALED:
            return _hash_blocks(_blocks(path), None)
        try:
            with self._open_sealed(tenant_id, path) as file:
                return _hash_blocks(iter(lambda: file.read(BLOCK), b""), None)
        except Changed:
            return _hash_blocks(_blocks(path), None)

    def wrap_again(self, tenant_id: UUID, *, newest: int) -> tuple[int, Stopped | None]:
        """Have the organisation's newest key, of that number, encrypt the keys of all files that an older one
        encrypts; how many, and why the first did not open that does not. Begun again it goes on; who reads or writes
        meanwhile goes on too.
        """
        if self._keys is None:
            return 0, None
        count, refused = 0, None
        for path in sorted((self._folder / str(tenant_id)).glob(f"{ANY}/*{SEALED}")):
            try:
                with _disk(path), suppress(FileNotFoundError):  # replaced or given up meanwhile
                    count += wrap_again(path, _belonging(self._keys, tenant_id, path.name), newest=newest)
            except Stopped as error:
                refused = refused or error
        return count, refused

    def seal_clear(self, tenant_id: UUID) -> int:
        """Encrypt blobs and redacted copies that were kept in clear; how many. Begun again it goes on. What is not what
        its name says stays, and so does a blob beside its redacted copy. Nobody may be erased meanwhile.
        """
        count = 0
        for path in sorted((self._folder / str(tenant_id)).glob(f"{ANY}/*")):
            digest, _, rest = path.name.partition(".")
            if rest == REDACTED[1:] and path.stat().st_size:
                with self.copy_writer(tenant_id, bytes.fromhex(digest)) as writer:
                    writer.take(path)
                self.replace(tenant_id, bytes.fromhex(digest), writer.blob.sha256)
                count += 1
            elif not rest and _kept(_beside(path, REDACTED)) is None and _hashed(path).hex() == digest:
                with self.writer(tenant_id) as writer:
                    writer.take(path)
                if writer.blob.sha256.hex() != digest:
                    raise Stopped("the file changed while it was read", where=str(path), remedy="Look to its disk.")
                with _disk(path):
                    path.unlink(missing_ok=True)
                    _sync_folder(path.parent)
                count += 1
        return count

    def _open_sealed(self, tenant_id: UUID, path: Path) -> BinaryIO:
        if self._keys is None:
            raise Stopped("the blob is encrypted, and no keys are at hand", where=str(path))
        return open_sealed(path, _belonging(self._keys, tenant_id, path.name))

    def _copy(self, tenant_id: UUID, path: Path, on_block: OnBlock | None, *, expected: Blob | None = None) -> Blob:
        with self.writer(tenant_id) as writer:
            for block in _blocks(path):
                writer.write(block)
                if on_block is not None:
                    on_block(block)
            if expected not in {None, writer.blob}:
                raise InputRefused(
                    "the file changed while it was read", where=str(path), remedy="Import it when it is complete."
                )
        return writer.blob

    def _is_held(self, tenant_id: UUID, blob: Blob) -> bool:
        path = blob_path(self._folder / str(tenant_id), blob.sha256)
        _refuse_erased(path)
        found = _kept(path)
        if found is None or found.suffix != SEALED:
            return found is not None and found.stat().st_size == blob.size
        with suppress(Stopped), self._open_sealed(tenant_id, found):
            return found.stat().st_size == sealed_size(blob.size)
        return False


class BlobWriter:
    """A blob that is being written. `blob` says what it was, once the `with` block has ended.

    InputRefused, at the end, where it is a file that was redacted; `prepares` is the blob whose redacted copy it is.
    """

    def __init__(self, store: Path, tenant_id: UUID, keys: FileKeys | None, *, prepares: bytes | None = None) -> None:
        self._folder = store / str(tenant_id)
        self._tenant_id = tenant_id
        self._keys = keys
        self._prepares = prepares
        self._sealed: SealedWriter | None = None
        self._hash = hashlib.sha256()
        self._size = 0
        self._file: BinaryIO | None = None
        self._name = ""

    @property
    def blob(self) -> Blob:
        """Hash and size of what was written so far."""
        return Blob(sha256=self._hash.digest(), size=self._size)

    def write(self, block: bytes) -> int:
        """Add a block."""
        if self._file is None:
            raise Misuse("a blob is written inside its with block", where="blob store")
        with _disk(self._folder):
            if self._keys is None:
                self._file.write(block)
            elif block:
                if self._sealed is None:
                    self._sealed = SealedWriter(self._file)
                self._sealed.write(block)
        self._hash.update(block)
        self._size += len(block)
        return len(block)

    def take(self, path: Path) -> None:
        """Add all of a file."""
        for block in _blocks(path):
            self.write(block)

    def __enter__(self) -> Self:
        with _disk(self._folder):
            incoming = self._folder / INCOMING
            incoming.mkdir(mode=0o700, parents=True, exist_ok=True)
            _remove_orphans(incoming)
            self._file, self._name = _locked_file(incoming)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        if self._file is None:
            return
        try:
            if exc_type is None:
                with _disk(self._folder):
                    self._keep(self._file)
        finally:
            self._file.close()
            self._file = None
            with suppress(FileNotFoundError):
                os.unlink(self._name)  # noqa: PTH108 - a name of mkstemp's

    def _keep(self, file: BinaryIO) -> None:
        blob = blob_path(self._folder, self._hash.digest())
        target = (
            blob if self._prepares is None else _prepared(blob_path(self._folder, self._prepares), self._hash.digest())
        )
        if self._keys is not None and (self._size or self._prepares is None):
            target = _beside(target, SEALED)
            sealed = self._sealed or SealedWriter(file)
            sealed.finish(_belonging(self._keys, self._tenant_id, target.name))
        file.flush()
        os.fchmod(file.fileno(), 0o400)
        os.fsync(file.fileno())
        if self._prepares is None:
            _refuse_erased(blob)
        target.parent.mkdir(mode=0o700, exist_ok=True)
        os.rename(self._name, target)  # noqa: PTH104 - a name of mkstemp's
        if self._prepares is None:
            try:
                _refuse_erased(blob)  # by an erasure since it was asked above
            except InputRefused:
                target.unlink(missing_ok=True)
                raise
        for folder in (target.parent, self._folder, self._folder.parent):
            _sync_folder(folder)


class BlobFile(io.RawIOBase):
    """A blob's writer as the file that Arrow writes to."""

    def __init__(self, writer: BlobWriter) -> None:
        super().__init__()
        self._writer = writer

    def writable(self) -> bool:
        """It is written to."""
        return True

    def write(self, data: Any) -> int:
        """Take some more bytes."""
        return self._writer.write(bytes(data))


def blob_path(tenant_folder: Path, sha256: bytes) -> Path:
    """Two levels, so that no folder grows beyond what a file system likes."""
    digest = sha256.hex()
    return tenant_folder / digest[:2] / digest


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _prepared(path: Path, copy_sha256: bytes) -> Path:
    return _beside(path, f".{copy_sha256.hex()}{PREPARED}")


def _both(path: Path) -> tuple[Path, Path]:
    """The names under which it lies, encrypted or in clear."""
    return _beside(path, SEALED), path


def _kept(path: Path) -> Path | None:
    """Where it lies, encrypted or in clear, if it is there. It is encrypted, perhaps, between two looks."""
    sealed, clear = _both(path)
    return next((each for each in (sealed, clear, sealed) if each.is_file()), None)


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _belonging(keys: FileKeys, tenant_id: UUID, name: str) -> Belonging:
    """What the file of that name is: a blob, or a redacted copy of it; whose, and of which SHA-256."""
    digest, _, rest = name.removesuffix(SEALED).partition(".")
    what = f"{'copy' if rest else 'blob'}/{tenant_id}/{digest}".encode()
    return Belonging(keys=keys, tenant_id=tenant_id, what=what)


def _refuse_erased(path: Path) -> None:
    """Nobody who was erased comes back by the file that was redacted for them."""
    if _kept(_beside(path, REDACTED)) is not None:
        raise InputRefused(
            "this file says what was erased: it is, byte for byte, one that was redacted when somebody was erased",
            where=f"SHA-256 {path.name}",
            remedy="Take whoever was erased out of it, at its source too, and bring it again.",
        )


def _blocks(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb", buffering=0) as file:
            while block := file.read(BLOCK):
                yield block
    except OSError as error:
        raise InputRefused(
            f"the file cannot be read: {error.strerror}",
            where=str(path),
            remedy="Look whether it is there and whether you may read it.",
        ) from error


def _hash_blocks(blocks: Iterator[bytes], on_block: OnBlock | None) -> Blob:
    digest, size = hashlib.sha256(), 0
    for block in blocks:
        digest.update(block)
        size += len(block)
        if on_block is not None:
            on_block(block)
    return Blob(sha256=digest.digest(), size=size)


def _hashed(path: Path) -> bytes:
    return _hash_blocks(_blocks(path), None).sha256


def _sync_folder(folder: Path) -> None:
    """A rename is durable once its folder is."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _locked_file(incoming: Path) -> tuple[BinaryIO, str]:
    """A new file and its name, locked; made again where somebody took it for an orphan before it was locked."""
    while True:
        handle, name = tempfile.mkstemp(dir=incoming)
        fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:
            return os.fdopen(handle, "wb"), name
        os.close(handle)


def _remove_orphans(incoming: Path) -> None:
    """Whoever writes a file holds its lock, so one that nobody holds was left by a process that is gone."""
    for path in incoming.iterdir():
        with suppress(FileNotFoundError, BlockingIOError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()


@contextmanager
def _disk(folder: Path) -> Iterator[None]:
    """Errors of the disk, in words."""
    try:
        yield
    except HeadwaterError:
        raise
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        raise Stopped(
            f"the blob cannot be kept: {error.strerror}",
            where=str(folder),
            remedy="Free space on its disk, then resume." if full else "Look at the rights of the folder and its disk.",
        ) from error
