"""The files of a source: one, those of a folder, those that fit a pattern, those inside an archive."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from headwater.connectors.files import data_members
from headwater.errors import InputRefused, Misuse

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_FILES = 10_000
_PATTERN = frozenset("*?[")


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """One file to read.

    name    what it is called from run to run: its path from the folder, with the member's where it is in an archive
    member  of an archive with several files, the one that is meant
    alone   whether the source stands for this one file, rather than for those of a folder, a pattern or an archive
    """

    path: Path
    name: str
    member: str | None = None
    alone: bool = False


def files_of(said: str, base: Path, *, member: str | None) -> tuple[SourceFile, ...]:
    """The files that a path stands for, sorted by name; hidden files and those a spreadsheet locks with are left out.

    `member` is a pattern for the files inside archives. Misuse where there is no such file, or none that fits.
    """
    path = base / said
    if path.is_file():
        found = [SourceFile(path=path, name=path.name, alone=True)]
    elif path.is_dir():
        found = _below(path, "**/*")
    elif _PATTERN & set(said):
        folder = _fixed_part(path)
        found = _below(folder, path.relative_to(folder).as_posix())
    else:
        raise Misuse("there is no such file", where=said, valid="a file, a folder, or a pattern such as 'data/*.xlsx'")
    if not found:
        raise InputRefused("there is no file to read", where=said, remedy="Look at the folder or the pattern.")
    if len(found) > MAX_FILES:
        raise Misuse(
            "so many files are most likely not one source",
            where=said,
            value=f"{len(found):,} files",
            valid=f"at most {MAX_FILES:,}",
            remedy="Choose a narrower pattern.",
        )
    return tuple(file for each in found for file in members_of(each, member))


def _below(folder: Path, pattern: str) -> list[SourceFile]:
    """Files of a folder that fit, but for those whose own or whose folder's name begins with a dot or `~$`."""
    named = ((path, path.relative_to(folder)) for path in folder.glob(pattern) if path.is_file())
    shown = ((path, name) for path, name in named if not any(part.startswith((".", "~$")) for part in name.parts))
    return [SourceFile(path=path, name=name.as_posix()) for path, name in sorted(shown)]


def _fixed_part(pattern: Path) -> Path:
    """The folder above the first part of a pattern that is one."""
    fixed = [*pattern.parts[:-1]]
    for place, part in enumerate(pattern.parts[:-1]):
        if _PATTERN & set(part):
            fixed = [*pattern.parts[:place]]
            break
    return Path(*fixed)


def members_of(file: SourceFile, pattern: str | None) -> Iterator[SourceFile]:
    """A file itself, or where it is an archive of several files each of those. A damaged one is refused when read."""
    try:
        inside = data_members(file.path, file.name, pattern)
    except InputRefused:
        inside = ()
    if len(inside) < 2:
        yield file
        return
    for member in inside:
        yield SourceFile(path=file.path, name=f"{file.name}/{member}", member=member)
