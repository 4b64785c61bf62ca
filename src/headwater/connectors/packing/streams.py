"""Streams of one file: gzip, zstd, bzip2, xz. Several streams after one another are one file."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Protocol

from headwater.connectors.packing.kinds import packing_of
from headwater.connectors.packing.limits import Limits
from headwater.errors import InputRefused

_BLOCK = 256 * 1024
_XZ_MEMORY = 256 * 1024 * 1024


class Sink(Protocol):
    """What takes a file block by block."""

    def write(self, block: bytes, /) -> object:
        """Take a block."""


def copy(blocks: Iterator[bytes], into: Sink, *, packed: int, where: str, limits: Limits) -> int:
    """Write the blocks and return how many bytes they are. Raises InputRefused before a limit is passed."""
    size = 0
    for block in blocks:
        if not size and packing_of(block):
            _refuse_packed_again(block, where)
        size += len(block)
        limits.check(size, packed, where)
        into.write(block)
    return size


def streamed(file: BinaryIO, packing: str, where: str) -> Iterator[bytes]:
    """The unpacked blocks. Raises InputRefused where the file is damaged or cut off; checksums are compared."""
    if packing == "zstd":
        return _zstd(file, where)
    made: dict[str, Callable[[], Any]] = {
        "gzip": _Gzip,
        "bzip2": bz2.BZ2Decompressor,
        "xz": lambda: lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=_XZ_MEMORY),
    }
    return _unpacked(file, made[packing], packing, where)


class _Gzip:
    """zlib's object under the names that those of bz2 and lzma have."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data


def _unpacked(file: BinaryIO, make: Callable[[], Any], packing: str, where: str) -> Iterator[bytes]:
    stream, data = make(), file.read(_BLOCK)
    try:
        while True:
            block = stream.decompress(data, _BLOCK)
            if block:
                yield block
            if stream.eof:
                # Zeros behind the end are padding of tapes and blocks.
                data = (stream.unused_data or file.read(_BLOCK)).lstrip(b"\0")
                while not data and (more := file.read(_BLOCK)):
                    data = more.lstrip(b"\0")
                if not data:
                    return
                stream = make()
                continue
            data = file.read(_BLOCK) if stream.needs_input else b""
            if stream.needs_input and not data and not block:
                raise _damaged(packing, "it ends in the middle", where)
    except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError) as error:
        raise _damaged(packing, str(error), where) from error


def _zstd(file: Any, where: str) -> Iterator[bytes]:
    import pyarrow as pa  # noqa: PLC0415 - heavy, and only for this packing

    try:
        with pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd") as stream:
            while block := stream.read(_BLOCK):
                yield block
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _damaged("zstd", str(error), where) from error


def _refuse_packed_again(block: bytes, where: str) -> None:
    packing = packing_of(block)
    # A workbook is a zip, and no archive to us.
    if packing == "zip" and (b"[Content_Types].xml" in block or b"xl/" in block or b"mimetypeapplication" in block):
        return
    raise InputRefused(
        "the archive holds an archive",
        where=where,
        value=packing,
        valid="a file packed once",
        remedy="Unpack the outer one and load what is inside.",
    )


def _damaged(packing: str, why: str, where: str) -> InputRefused:
    return InputRefused(
        f"the {packing} file is damaged or cut off: {why}",
        where=where,
        valid="a file that can be unpacked whole",
        remedy="Fetch it again.",
    )
