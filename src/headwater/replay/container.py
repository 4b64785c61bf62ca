"""The file of a replay: a zip that Python runs, sealed to its last byte, and opened within limits.

    manifest.json       what the file is about, and the SHA-256 of every other member
    lines/MEMBER.bin    for each member of many lines, 4 bytes of SHA-256 a line: so that a changed line can be named
    (the zip's comment) the seal: SHA-256 of the manifest, and of all bytes before it

Equal contents give equal bytes: members in order, no times. Nothing is compressed: a changed byte changes one line,
which can be named, and no member can hold more than the file does.
"""

from __future__ import annotations

import copy
import csv
import hashlib
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, Self

from headwater.errors import InputRefused, Misuse

FORMAT = 1
MANIFEST = "manifest.json"
LINES = "lines/"
SEAL = b"headwater replay, manifest: sha256 %b, sealed: sha256 "
SEAL_BYTES = len(SEAL % (b"0" * 64)) + 64

MOST_MEMBERS = 20_000
MOST_BYTES = 4 * 1024**3
"""Of compressed members, all together: an export writes none, and what is not compressed is as long as it is."""
MOST_BYTES_A_LINE = 64 * 1024**2
csv.field_size_limit(max(csv.field_size_limit(), MOST_BYTES_A_LINE))
MOST_BYTES_A_DOCUMENT = 256 * 1024**2
MOST_TIMES_COMPRESSED = 500
"""A member that says it holds more than this times its compressed bytes is no evidence but a trap."""
_LINE_DIGEST_BYTES = 4
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError, OverflowError, struct.error,
)  # fmt: skip
"""What `zipfile` answers an archive with that was changed; one of a form it does not know is a RuntimeError."""
_BLOCK_BYTES = 1024**2
_SMALL = 1024**2


def canonical_json(body: object) -> str:
    """JSON in the one form that is written."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


class Writer:
    """Writes a file member by member; `seal` ends it. Left before that, what is there is no replay."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._zip = zipfile.ZipFile(file, "w", compression=zipfile.ZIP_STORED)
        self._members: dict[str, str] = {}
        self._line_digests: dict[str, bytes] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the zip while its file is still open."""
        self._zip.close()

    def add(self, name: str, content: bytes) -> None:
        """A member as a whole."""
        self._members[name] = hashlib.sha256(content).hexdigest()
        with self._zip.open(_info(name), "w") as member:
            member.write(content)

    def add_lines(self, name: str, lines: Iterable[bytes]) -> None:
        """A member line by line, each with its line end."""
        digest, digests = hashlib.sha256(), bytearray()
        with self._zip.open(_info(name), "w", force_zip64=True) as member:
            for line in lines:
                member.write(line)
                digest.update(line)
                digests += hashlib.sha256(line).digest()[:_LINE_DIGEST_BYTES]
        self._members[name] = digest.hexdigest()
        self._line_digests[name] = bytes(digests)

    def add_records(self, name: str, records: Iterable[object]) -> None:
        """A member of one canonical JSON a line."""
        self.add_lines(name, (f"{canonical_json(record)}\n".encode("utf-8", "surrogatepass") for record in records))

    def seal(self, manifest: dict[str, Any]) -> None:
        """Write the manifest and the seal; nothing comes after it."""
        for name, digests in self._line_digests.items():
            self.add(f"{LINES}{name}.bin", digests)
        body = {"format": FORMAT, **manifest, "members": self._members}
        content = canonical_json(body).encode()
        with self._zip.open(_info(MANIFEST), "w") as member:
            member.write(content)
        self._zip.comment = SEAL % hashlib.sha256(content).hexdigest().encode() + b"0" * 64
        self._zip.close()
        self._file.seek(-64, io.SEEK_END)
        self._file.write(_seal_of(self._file).encode())


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    info.compress_type = zipfile.ZIP_STORED
    info.create_system = 3
    info.external_attr = 0o100644 << 16
    return info


def _seal_of(file: IO[bytes]) -> str:
    """SHA-256 of all but the seal; leaves the file where the seal's digits begin."""
    size = file.seek(0, io.SEEK_END) - 64
    file.seek(0)
    digest = hashlib.sha256()
    while size:
        block = file.read(min(_BLOCK_BYTES, size))
        digest.update(block)
        size -= len(block)
    return digest.hexdigest()


class Reader:
    """A file opened for its check. `is_whole`: its seal holds; `knows_manifest`: the seal is of the manifest inside."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise InputRefused("the file cannot be read", where=str(path), value=error.strerror) from error
        try:
            self._zip = zipfile.ZipFile(self._file)
            self._check_sizes()
            self.is_whole = self._holds()
            self.manifest = self._manifest()
            self.knows_manifest = self.digest(MANIFEST).encode() in self._tail()
        except _DAMAGED as error:
            self._file.close()
            raise _not_a_replay(self.name, str(error)) from error
        except InputRefused:
            self._file.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    @property
    def members(self) -> list[str]:
        """Names of all members, in the order of the file."""
        return [info.filename for info in self._zip.infolist()]

    def has(self, name: str) -> bool:
        """Whether there is such a member."""
        return name in self._zip.NameToInfo

    def content(self, name: str) -> bytes:
        """A member as a whole."""
        return b"".join(self._blocks(name, MOST_BYTES_A_DOCUMENT))

    def document(self, name: str) -> Any:
        """A member that is one JSON document."""
        try:
            return json.loads(self.content(name))
        except (ValueError, RecursionError) as error:
            raise InputRefused("it cannot be read as JSON", where=name, value=str(error)[:200]) from error

    def lines(self, name: str) -> Iterator[bytes]:
        """The lines of a member, each with its line end."""
        left = bytearray()
        for block in self._blocks(name):
            *whole, rest = (bytes(left) + block).split(b"\n")
            for line in whole:
                yield line + b"\n"
            left = bytearray(rest)
            if len(left) > MOST_BYTES_A_LINE:
                raise InputRefused("a line is too long", where=name, valid=f"{MOST_BYTES_A_LINE:,} bytes")
        if left:
            yield bytes(left)

    def table(self, name: str) -> Iterator[dict[str, str | None]]:
        """The rows of a member that is a CSV with a header, one at a time: a text each, None where there is none."""
        rows = csv.reader((line.decode() for line in self.lines(name)), strict=True)
        try:
            header = next(rows, [])
            for row in rows:
                yield {column: value or None for column, value in zip(header, row, strict=True)}
        except (csv.Error, ValueError) as error:
            raise InputRefused(
                "it cannot be read as CSV", where=f"{name}, line {rows.line_num}", value=str(error)[:200]
            ) from error

    def records(self, name: str) -> Iterator[tuple[int, Any]]:
        """The JSON documents of a member, with the number of each one's line from 1."""
        for number, line in enumerate(self.lines(name), start=1):
            try:
                record = json.loads(line)
                is_canonical = f"{canonical_json(record)}\n".encode("utf-8", "surrogatepass") == line
            except (ValueError, RecursionError) as error:
                raise InputRefused("it cannot be read as JSON", where=f"{name}, line {number}") from error
            if not is_canonical:
                raise InputRefused("it is not written as an export writes it", where=f"{name}, line {number}")
            yield number, record

    def first_changed_line(self, name: str) -> int | None:
        """The first line of a member that is not the one that was written, from 1; None where that cannot be told."""
        digests = f"{LINES}{name}.bin"
        if not self.has(digests):
            return None
        try:
            noted = self.content(digests)
            number = 0
            for number, line in enumerate(self.lines(name), start=1):
                place = (number - 1) * _LINE_DIGEST_BYTES
                if hashlib.sha256(line).digest()[:_LINE_DIGEST_BYTES] != noted[place : place + _LINE_DIGEST_BYTES]:
                    return number
        except InputRefused:
            return number + 1
        return number + 1 if number * _LINE_DIGEST_BYTES < len(noted) else None

    def digest(self, name: str) -> str:
        """SHA-256 of a member."""
        digest = hashlib.sha256()
        for block in self._blocks(name):
            digest.update(block)
        return digest.hexdigest()

    def _blocks(self, name: str, most: int | None = None) -> Iterator[bytes]:
        """What stands in a member, damaged or not: no more of it than its directory says, nor than `most`."""
        done = 0
        try:
            info = copy.copy(self._zip.getinfo(name))
            del info.CRC  # what was changed is to be read and named; SHA-256 holds every member
            with self._zip.open(info) as member:
                while block := member.read(_BLOCK_BYTES):
                    done += len(block)
                    if most is not None and done > most:
                        raise InputRefused("it holds more than is opened", where=name, valid=f"at most {most:,} bytes")
                    yield block
        except KeyError as error:
            raise InputRefused("it is missing", where=name) from error
        except _DAMAGED as error:
            raise InputRefused("it cannot be unpacked", where=name, value=str(error)[:200]) from error

    def _check_sizes(self) -> None:
        infos = self._zip.infolist()
        if len(infos) > MOST_MEMBERS:
            raise InputRefused("it has too many members", where=self.name, valid=f"at most {MOST_MEMBERS:,}")
        if len({info.filename for info in infos}) < len(infos):
            raise InputRefused("two members have one name", where=self.name)
        if sum(info.file_size for info in infos if info.compress_type != zipfile.ZIP_STORED) > MOST_BYTES:
            raise InputRefused("it would unpack to too much", where=self.name, valid=f"at most {MOST_BYTES:,} bytes")
        for info in infos:
            if info.file_size > max(_SMALL, info.compress_size * MOST_TIMES_COMPRESSED):
                raise InputRefused(
                    "a member is packed too tightly to be evidence",
                    where=f"{self.name}, {info.filename}",
                    valid=f"at most {MOST_TIMES_COMPRESSED} times its packed size",
                )

    def _holds(self) -> bool:
        return self._tail()[-64:] == _seal_of(self._file).encode()

    def _tail(self) -> bytes:
        """Where the seal stands."""
        size = self._file.seek(0, io.SEEK_END)
        self._file.seek(max(0, size - SEAL_BYTES))
        return self._file.read()

    def _manifest(self) -> dict[str, Any]:
        body = self.document(MANIFEST)
        if not isinstance(body, dict) or body.get("format") != FORMAT or not isinstance(body.get("members"), dict):
            raise InputRefused(
                "this is a replay of a form that is not known here",
                where=f"{self.name}, {MANIFEST}",
                value=body.get("format") if isinstance(body, dict) else None,
                valid=f'"format": {FORMAT}',
                remedy="Check it with the version of Headwater that wrote it, or with the script inside it.",
            )
        return body


def _not_a_replay(name: str, why: str) -> InputRefused:
    return InputRefused(
        f"this is not a file of `headwater replay export`, or what is left of one: {why}",
        where=name,
        remedy="Fetch it again, or export it anew.",
    )


def only_known(kind: str, known: Iterable[str]) -> None:
    """Misuse for a kind of replay that is not known."""
    if kind not in known:
        raise Misuse("there is no replay of this kind", where=MANIFEST, value=kind, valid=", ".join(known))
