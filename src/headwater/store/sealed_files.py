"""Files encrypted by a key of their own, which stands at their beginning, encrypted by the organisation's.

    header, 256 bytes   magic "HWSEALED" | version | size of the clear content | at 64 and 128: two slots of 64 bytes
    frames              the clear content in pieces of 64 KiB, each AES-256-GCM, 16 bytes longer

- A slot is the number of the organisation's key (0: it is empty), a nonce, and the file's key encrypted by it, bound to
  what the file is and to its size. A file that is moved to another name or organisation does not open.
- The nonce of a frame is its number and, last, whether it is the last, as of the construction STREAM, which age uses
  too: frames that are cut off, turned round or taken from another file do not open. No key is used for two files.
- To change the organisation's key takes a new slot, not a new file. It is written and durable before the old one is
  overwritten by zeros, so that a process may be killed between any two bytes of it.
"""

from __future__ import annotations

import fcntl
import io
import os
import secrets
import struct
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from headwater.errors import HeadwaterError, Stopped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from uuid import UUID

MAGIC, VERSION = b"HWSEALED", 1
HEADER_BYTES, FRAME, TAG, KEY_BYTES = 256, 64 * 2**10, 16, 32
AT_ONCE = 16
"""Frames that are read at once where much is wanted."""

_FIXED, _SLOT = struct.Struct(">8sIQ"), struct.Struct(">I12s48s")
_SLOTS = (64, 128)

Wrapped = tuple[int, bytes, bytes]
"""The number of an organisation's key, a nonce, and what it encrypts."""


class FileKeys(Protocol):
    """The keys of organisations, by which those of files are encrypted."""

    def wrap(self, tenant_id: UUID, key: bytes, bound_to: bytes) -> Wrapped:
        """Encrypt a key by the organisation's newest."""

    def unwrap(self, tenant_id: UUID, wrapped: Wrapped, bound_to: bytes, where: str) -> bytes:
        """The key; Stopped where this is not what was encrypted, or by what is not known."""


@dataclass(frozen=True, kw_only=True)
class Belonging:
    """Whose file it is and what: the content of which blob, or a copy that stands for it."""

    keys: FileKeys
    tenant_id: UUID
    what: bytes

    def wrap(self, key: bytes, size: int) -> Wrapped:
        """The file's key, encrypted for a content of so many bytes."""
        return self.keys.wrap(self.tenant_id, key, self._bound(size))

    def unwrap(self, wrapped: Wrapped, size: int, where: str) -> bytes:
        """The file's key; Stopped where it was encrypted for another file, or by what is not known."""
        return self.keys.unwrap(self.tenant_id, wrapped, self._bound(size), where)

    def _bound(self, size: int) -> bytes:
        return b"file/%s/%d" % (self.what, size)


class Changed(Stopped):
    """What is kept is not what was kept."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            "the kept file was changed, cut or moved since it was encrypted: it does not open",
            where=str(path),
            remedy="Put it back from a backup, or remove it and import it again; and find out who changed it.",
        )


def sealed_size(size: int) -> int:
    """How long a sealed file is of a content of so many bytes."""
    return HEADER_BYTES + size + TAG * _frames(size)


class SealedWriter:
    """Encrypts as it is written to; `finish` makes it whole."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._key = secrets.token_bytes(KEY_BYTES)
        self._cipher = AESGCM(self._key)
        self._waiting = bytearray()
        self._frame = 0
        self._size = 0
        file.write(bytes(HEADER_BYTES))

    def write(self, block: bytes) -> None:
        """Add a block. What may be the last frame waits, at most 64 KiB."""
        self._size += len(block)
        rest = memoryview(block)
        if self._waiting:
            lacking = FRAME - len(self._waiting)
            self._waiting += rest[:lacking]
            rest = rest[lacking:]
            if not rest:
                return
            self._seal(self._waiting, is_last=False)
            self._waiting = bytearray()
        whole = max(0, len(rest) - 1) // FRAME * FRAME
        for start in range(0, whole, FRAME):
            self._seal(rest[start : start + FRAME], is_last=False)
        self._waiting += rest[whole:]

    def finish(self, belonging: Belonging) -> None:
        """Write the last frame and the header; to be synced by the caller."""
        self._seal(self._waiting, is_last=True)
        wrapped = belonging.wrap(self._key, self._size)
        header = bytearray(HEADER_BYTES)
        _FIXED.pack_into(header, 0, MAGIC, VERSION, self._size)
        _SLOT.pack_into(header, _SLOTS[0], *wrapped)
        self._file.seek(0)
        self._file.write(header)
        self._file.flush()

    def _seal(self, frame: Any, *, is_last: bool) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._frame, is_last=is_last), frame, None))
        self._frame += 1


class SealedReader(io.RawIOBase):
    """The clear content of a sealed file; of it, only the frames are decrypted that are asked for.

    Changed, from the beginning or where the frame is read that was changed.
    """

    def __init__(self, path: Path, belonging: Belonging) -> None:
        super().__init__()
        self._path = path
        self._file = path.open("rb", buffering=0)
        try:
            self._size, key = _opened(self._file.fileno(), path, belonging)
        except BaseException:
            self._file.close()
            raise
        self._cipher = AESGCM(key)
        self._position = 0
        self._last = _frames(self._size) - 1
        self._at_hand: tuple[int, bytes] = (-1, b"")

    def readable(self) -> bool:
        """It is read from."""
        return True

    def seekable(self) -> bool:
        """Any place costs the same."""
        return True

    def tell(self) -> int:
        """Where the next byte is read."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place, maybe beyond the end."""
        begin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if begin + offset < 0:
            raise ValueError("a place before the beginning")
        self._position = begin + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer, less at the end."""
        view = memoryview(buffer).cast("B")
        wanted = max(0, min(len(view), self._size - self._position))
        filled = 0
        while filled < wanted:
            number, offset = divmod(self._position, FRAME)
            most = min(AT_ONCE, (offset + wanted - filled - 1) // FRAME + 1)
            for frame in self._frames_from(number, most):
                part = memoryview(frame)[offset : offset + wanted - filled]
                view[filled : filled + len(part)] = part
                filled += len(part)
                self._position += len(part)
                offset = 0
        return filled

    def close(self) -> None:
        """Close the file, too."""
        self._file.close()
        super().close()

    def _frames_from(self, number: int, count: int) -> Sequence[bytes]:
        if count == 1 and self._at_hand[0] == number:
            return [self._at_hand[1]]
        sealed = memoryview(os.pread(self._file.fileno(), count * (FRAME + TAG), HEADER_BYTES + number * (FRAME + TAG)))
        opened = []
        for place in range(count):
            piece = sealed[place * (FRAME + TAG) : (place + 1) * (FRAME + TAG)]
            nonce = _nonce(number + place, is_last=number + place == self._last)
            try:
                opened.append(self._cipher.decrypt(nonce, piece, None))
            except (InvalidTag, ValueError) as error:
                raise Changed(self._path) from error
        self._at_hand = (number + count - 1, opened[-1])
        return opened


def open_sealed(path: Path, belonging: Belonging) -> BinaryIO:
    """The clear content, to be closed by the caller."""
    return io.BufferedReader(SealedReader(path, belonging), FRAME)


def wrap_again(path: Path, belonging: Belonging, *, newest: int) -> bool:
    """Have the organisation's newest key, of that number, encrypt the key of a file; False where it does.

    Who reads the file meanwhile goes on, and so does who keeps it again: what is written goes to the very file whose
    header was read, or nowhere.
    """
    with path.open("rb", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        size, slots = _slots(os.pread(file.fileno(), HEADER_BYTES, 0), path)
        filled = {at: wrapped for at, wrapped in slots.items() if wrapped[0]}
        if all(wrapped[0] >= newest for wrapped in filled.values()) and len(filled) == 1:
            return False
        at, key = _unwrapped(filled, size, path, belonging)
        other = _SLOTS[1 - _SLOTS.index(at)]
        wrapped = _SLOT.pack(*belonging.wrap(key, size))
        with _writing(path, file.fileno()) as handle:
            if handle is None:
                return False  # another was put in its place, and is looked at when this is begun again
            _write(handle, other, wrapped)
            _write(handle, at, bytes(_SLOT.size))
        return True


def _write(handle: int, at: int, content: bytes) -> None:
    os.pwrite(handle, content, at)
    os.fsync(handle)


@contextmanager
def _writing(path: Path, opened: int) -> Iterator[int | None]:
    """A handle that writes to a file that is open for reading, which nobody may write to else; None where another has
    its name by now.
    """
    status = os.fstat(opened)
    os.fchmod(opened, status.st_mode | 0o200)
    try:
        handle = None
        with suppress(PermissionError):  # what has the name now is closed as this was
            handle = os.open(path, os.O_WRONLY)
        try:
            is_same = handle is not None and os.path.samestat(os.fstat(handle), status)
            yield handle if is_same else None
        finally:
            if handle is not None:
                os.close(handle)
    finally:
        os.fchmod(opened, status.st_mode)


def _opened(handle: int, path: Path, belonging: Belonging) -> tuple[int, bytes]:
    """Size of the content, and the file's key."""
    status, header = os.fstat(handle), os.pread(handle, HEADER_BYTES, 0)
    while True:
        size, slots = _slots(header, path)
        if status.st_size != sealed_size(size):
            raise Changed(path)
        try:
            return size, _unwrapped(slots, size, path, belonging)[1]
        except HeadwaterError:
            again = os.pread(handle, HEADER_BYTES, 0)
            if again == header:
                raise
            header = again  # its key was changed at this moment


def _slots(header: bytes, path: Path) -> tuple[int, dict[int, Wrapped]]:
    if len(header) < HEADER_BYTES:
        raise Changed(path)
    magic, version, size = _FIXED.unpack_from(header)
    if magic != MAGIC or any(header[_FIXED.size : _SLOTS[0]]) or any(header[_SLOTS[1] + _SLOT.size :]):
        raise Changed(path)
    if version != VERSION:
        raise Stopped(
            "it was encrypted in a form that this version does not know",
            where=str(path), value=version, valid=str(VERSION), remedy="Read it by the version that wrote it or newer.",
        )  # fmt: skip
    return size, {at: _SLOT.unpack_from(header, at) for at in _SLOTS}


def _unwrapped(slots: Mapping[int, Wrapped], size: int, path: Path, belonging: Belonging) -> tuple[int, bytes]:
    """The slot of the newest key that opens, and the file's key."""
    refused: HeadwaterError = Changed(path)
    for at, wrapped in sorted(slots.items(), key=lambda slot: slot[1][0], reverse=True):
        if wrapped[0]:
            try:
                return at, belonging.unwrap(wrapped, size, str(path))
            except Stopped as error:
                refused = error
    raise refused


def _frames(size: int) -> int:
    return max(1, -(-size // FRAME))


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])
