"""Members of a packed file, and the way out of it: no name in an archive is ever used as a path."""

from __future__ import annotations

import fnmatch
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from headwater.connectors.packing.kinds import ENDINGS, packing_of, unpacked_name
from headwater.connectors.packing.limits import Limits
from headwater.connectors.packing.streams import Sink, copy, streamed
from headwater.errors import InputRefused, Misuse, cannot_open

_DIRECTORY_BYTES = 16 * 1024 * 1024
_NOT_DATA = re.compile(r"(^|/)(__MACOSX/|\.DS_Store$|Thumbs\.db$|desktop\.ini$|\._)", re.IGNORECASE)
_UNSAFE = re.compile(r"(^[/\\])|(^[A-Za-z]:)|((^|[/\\])\.\.([/\\]|$))|[\x00-\x1f]")
_NESTED = (*ENDINGS, "7z", "rar", "tar")
_END = struct.Struct("<4s4H2LH")
_ENCRYPTED = 0x1
_DEFAULT = Limits()


@dataclass(frozen=True, kw_only=True)
class Member:
    """A file in an archive; `size` is what the archive says of it once unpacked, None where it says nothing."""

    name: str
    size: int | None


def members(path: Path, *, name: str, limits: Limits = _DEFAULT) -> tuple[Member, ...]:
    """The files that hold data, in the order of their names; what systems leave behind and folders are left out.

    Raises InputRefused for a damaged archive, too many entries, and names that lead out of it.
    """
    packing = _packing(path, name)
    if packing != "zip":
        return (Member(name=unpacked_name(name), size=None),)
    with _zip(path, name, limits) as archive:
        infos = [info for info in archive.infolist() if not info.is_dir()]
        for info in infos:
            _check_name(info, name)
        data = [info for info in infos if not _NOT_DATA.search(info.filename)]
    _check_unique([info.filename for info in data], name)
    return tuple(Member(name=info.filename, size=info.file_size) for info in sorted(data, key=lambda i: i.filename))


def names_in_zip(path: Path, *, name: str, limits: Limits = _DEFAULT) -> tuple[str, ...]:
    """All names in a zip as they stand, to tell a workbook from an archive; only to be looked at."""
    with _zip(path, name, limits) as archive:
        return tuple(archive.namelist())


def pick(found: tuple[Member, ...], pattern: str | None, *, name: str) -> tuple[Member, ...]:
    """Those that a name or a pattern of `source.member` means; all of them where nothing is said."""
    picked = tuple(member for member in found if pattern is None or fnmatch.fnmatchcase(member.name, pattern))
    exact = tuple(member for member in found if member.name == pattern)
    if exact or picked:
        return exact or picked
    shown = ", ".join(member.name for member in found[:10])
    raise InputRefused(
        "the archive holds no files" if pattern is None else "no file in the archive has such a name",
        where=name,
        value=pattern,
        valid=f"{shown} ({min(10, len(found))} of {len(found)} shown)" if found else "an archive with a file in it",
        remedy="Correct source.member." if found else "Pack it again, or leave it out.",
    )


def unpack(path: Path, member: str | None, into: Sink, *, name: str, limits: Limits = _DEFAULT) -> int:
    """Write one member to `into` and return its size; None means the only one there is.

    Raises InputRefused for what is damaged, cut off, encrypted, packed again inside, or swells beyond `limits`.
    """
    packing = _packing(path, name)
    packed = path.stat().st_size
    if packing != "zip":
        only = unpacked_name(name)
        if member not in {None, only}:
            pick((Member(name=only, size=None),), member, name=name)
        _refuse_nested(only, name)
        with path.open("rb") as file:
            return copy(streamed(file, packing, name), into, packed=packed, where=name, limits=limits)
    found = members(path, name=name, limits=limits)
    if member is None and len(found) > 1:
        raise Misuse(
            "the archive holds several files", where=name, value=len(found), remedy="Say which: source.member."
        )
    chosen = pick(found, member and _literal(member), name=name)[0].name
    _refuse_nested(chosen, name)
    with _zip(path, name, limits) as archive:
        info = archive.getinfo(chosen)
        _check_readable(info, name)
        where = f"{name}, {chosen}"
        return copy(_zipped(archive, info, where), into, packed=info.compress_size, where=where, limits=limits)


def _literal(member: str) -> str:
    return re.sub(r"([*?\[])", r"[\1]", member)


def _packing(path: Path, name: str) -> str:
    try:
        with path.open("rb") as file:
            packing = packing_of(file.read(16))
    except OSError as error:
        raise cannot_open(path, error) from error
    if not packing:
        raise InputRefused("this is no packed file", where=name, valid="gzip, zip, zstd, bzip2 or xz")
    return packing


@contextmanager
def _zip(path: Path, name: str, limits: Limits) -> Iterator[zipfile.ZipFile]:
    with path.open("rb") as file:
        _check_directory(file, name, limits)
        try:
            archive = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, struct.error, EOFError) as error:
            raise _damaged(name, str(error)) from error
        with archive:
            if len(archive.filelist) > limits.entries:
                raise _too_many(name, len(archive.filelist), limits)
            yield archive


def _check_directory(file: BinaryIO, name: str, limits: Limits) -> None:
    """Look at the size of the list of entries before all of it is held in memory."""
    size = file.seek(0, 2)
    file.seek(max(0, size - 65_557))
    tail = file.read()
    at = tail.rfind(b"PK\5\6")
    if 0 <= at <= len(tail) - _END.size:
        _, _, _, _, entries, directory, _, _ = _END.unpack_from(tail, at)
        wide = tail.rfind(b"PK\6\6", 0, at)
        if wide >= 0 and len(tail) >= wide + 48:
            entries, directory = struct.unpack_from("<QQ", tail, wide + 32)
        if entries > limits.entries or (directory > _DIRECTORY_BYTES and directory != 0xFFFFFFFF):
            raise _too_many(name, entries, limits)
        if directory == 0xFFFFFFFF:
            raise _damaged(name, "the size of its list of files is not told")
    file.seek(0)


def _check_name(info: zipfile.ZipInfo, name: str) -> None:
    original = info.orig_filename
    if _UNSAFE.search(original) or _UNSAFE.search(info.filename) or not original.strip():
        raise InputRefused(
            "the archive holds a name that leads out of it or cannot be shown",
            where=name,
            value=ascii(original),
            valid="names below the archive's own top",
            remedy="Whoever made it may mean harm; pack the files again by their plain names.",
        )


def _check_unique(names: list[str], name: str) -> None:
    twice = sorted({each for each in names if names.count(each) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise InputRefused(
            "the archive holds two files of the same name",
            where=name,
            value=twice[0],
            valid="each name once",
            remedy="Pack the files again.",
        )


def _check_readable(info: zipfile.ZipInfo, name: str) -> None:
    if info.flag_bits & _ENCRYPTED:
        raise InputRefused(
            "the file in the archive is encrypted",
            where=f"{name}, {info.filename}",
            remedy="Unpack it with its password and load the file itself.",
        )


def _refuse_nested(member: str, name: str) -> None:
    ending = member.rpartition(".")[2].lower()
    if ending in _NESTED and "." in member:
        raise nested_refused(f"{name}, {member}", ending)


def nested_refused(where: str, what: str) -> InputRefused:
    return InputRefused(
        "the archive holds an archive",
        where=where,
        value=what,
        valid="a file packed once",
        remedy="Unpack the outer one and load what is inside.",
    )


def _zipped(archive: zipfile.ZipFile, info: zipfile.ZipInfo, where: str) -> Iterator[bytes]:
    try:
        with archive.open(info) as file:
            while block := file.read(1024 * 1024):
                yield block
    except (
        zipfile.BadZipFile,
        lzma.LZMAError,
        zlib.error,
        NotImplementedError,
        RuntimeError,
        OSError,
        EOFError,
        ValueError,
        struct.error,
    ) as error:
        raise _damaged(where, str(error) or "it ends too early") from error


def _too_many(name: str, entries: int, limits: Limits) -> InputRefused:
    return InputRefused(
        "the archive holds too many files",
        where=name,
        value=entries,
        valid=f"at most {limits.entries:,}",
        remedy="Pack fewer files into one archive.",
    )


def _damaged(where: str, why: str) -> InputRefused:
    return InputRefused(
        f"the archive is damaged or cut off: {why}",
        where=where,
        valid="an archive that can be unpacked whole",
        remedy="Fetch it again.",
    )
