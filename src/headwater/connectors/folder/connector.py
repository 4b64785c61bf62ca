"""A folder opened as a store of files."""

from __future__ import annotations

import datetime
import os
import shutil
import stat
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

from headwater.connectors.folder.config import FolderConfig
from headwater.connectors.object_store.limits import changed, chosen, nothing_meant
from headwater.connectors.object_store.patterns import Pattern
from headwater.connectors.protocol import Problem, RemoteFile, Resolve, Selection
from headwater.errors import Misuse

TICK_NS = 50_000_000
"""Longer than a file system's clock takes to move on. A file younger than this could be written again unnoticed."""


class Folder:
    """A file's version is what its file system notes when bytes change: inode, size, both times in nanoseconds."""

    def __init__(self, config: FolderConfig, resolve: Resolve) -> None:  # noqa: ARG002 - a folder has no login
        self._config = config
        self._top = config.path.expanduser().absolute()
        self._where = str(self._top)

    def validate(self, selection: Selection | None = None) -> Sequence[Problem]:  # noqa: ARG002 - files, no tables
        """Whether the folder can be listed, and its files read."""
        problem = self._of_the_top()
        if problem is not None:
            return [problem]
        paths = list(self._paths())
        if not paths:
            return [nothing_meant(self._config, self._where, self._names())]
        unreadable = [name for name, path in paths if not os.access(path, os.R_OK)]
        return [self._missing_right("a file may not be read", f"{self._where}, {name}") for name in unreadable[:10]]

    def _of_the_top(self) -> Problem | None:
        if not self._top.is_dir():
            what = "this is no folder" if self._top.exists() else "the folder does not exist"
            return Problem(cause="not_found", what=what, where=self._where, valid="the path of a folder")
        if not os.access(self._top, os.R_OK | os.X_OK):
            return self._missing_right("the folder may not be listed", self._where)
        return None

    def files(self) -> Sequence[RemoteFile]:
        """The files that the pattern means, by name. Links to folders are not followed."""
        problem = self._of_the_top()
        if problem is not None:
            raise Misuse(problem.what, where=self._where, valid=problem.valid, remedy=problem.remedy)
        return chosen(self._config, self._where, self._listed())

    def fetch(self, file: RemoteFile, to: Path) -> None:
        """Copy a file's bytes, of the version that was listed and of no other."""
        part = to.with_name(f"{to.name}.part")
        path = self._top / file.name
        try:
            self._copy(file, path, part)
            part.replace(to)
        finally:
            part.unlink(missing_ok=True)

    def put(self, name: str, path: Path) -> None:
        """Write a file under a name; one of that name is replaced, whole or not at all.

        The folder itself is not made: where it is missing, something is not mounted.
        """
        if not self._top.is_dir():
            raise Misuse("the folder does not exist", where=self._where, valid="the path of a folder")
        to = self._top / name
        # Of its own: two that write the same file at once do not write into each other's.
        part = to.with_name(f".{to.name}.{uuid.uuid4().hex}.part")
        try:
            to.parent.mkdir(parents=True, exist_ok=True)
            try:
                with path.open("rb") as source, part.open("xb") as target:
                    shutil.copyfileobj(source, target, 2**20)
                    target.flush()
                    os.fsync(target.fileno())
                part.replace(to)
                _synced(to.parent)
            finally:
                part.unlink(missing_ok=True)
        except OSError as error:
            what = f"the file cannot be written: {error.strerror}"
            remedy = "Make room there, or give the user that Headwater runs as the right to write"
            raise Misuse(what, where=f"{self._where}, {name}", remedy=remedy) from error

    def close(self) -> None:
        """Nothing is held."""

    def _copy(self, file: RemoteFile, path: Path, part: Path) -> None:
        try:
            source = path.open("rb")
        except FileNotFoundError:
            raise changed(self._where, file.name, "the file is gone since it was listed") from None
        except PermissionError:
            told = self._missing_right("a file may not be read", f"{self._where}, {file.name}")
            raise Misuse(told.what, where=told.where, remedy=told.remedy) from None
        with source, part.open("wb") as target:
            if _version(os.fstat(source.fileno())) != file.version:
                raise changed(self._where, file.name)
            shutil.copyfileobj(source, target, 2**20)
            if _version(os.fstat(source.fileno())) != file.version:
                raise changed(self._where, file.name, "the file changed while it was copied")

    def _listed(self) -> Iterator[RemoteFile]:
        for name, path in self._paths():
            status = _settled(path)
            if status is not None:
                moment = datetime.datetime.fromtimestamp(status.st_mtime, datetime.UTC)
                yield RemoteFile(
                    name=name,
                    size=status.st_size,
                    version=_version(status),
                    modified=moment.isoformat(),
                    address=str(path),
                )

    def _paths(self) -> Iterator[tuple[str, Path]]:
        """Plain files that the pattern means."""
        pattern = Pattern(self._config.pattern)
        for told in self._names(pattern.folder):
            path = self._top / told
            if pattern.means(told) and path.is_file():
                yield told, path

    def _names(self, below: str = "") -> Iterator[str]:
        """Of everything that is there, meant or not."""
        for folder, _, names in os.walk(self._top / below):
            for name in names:
                yield (Path(folder) / name).relative_to(self._top).as_posix()

    @staticmethod
    def _missing_right(what: str, where: str) -> Problem:
        remedy = "Give the user that Headwater runs as the right to read it"
        return Problem(cause="missing_right", what=what, where=where, remedy=remedy)


def _settled(path: Path) -> os.stat_result | None:
    """What the file system says of a file, once it is old enough that a change would show; None where it is gone."""
    while True:
        try:
            found = path.stat()
        except FileNotFoundError:
            return None
        age = time.time_ns() - max(found.st_mtime_ns, found.st_ctime_ns)
        if not stat.S_ISREG(found.st_mode) or not 0 <= age < TICK_NS:
            return found
        time.sleep((TICK_NS - age) / 1e9)


def _synced(folder: Path) -> None:
    """Have the names in a folder outlast a loss of power."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _version(found: os.stat_result) -> str:
    return f"{found.st_ino:x}-{found.st_size:x}-{found.st_mtime_ns:x}-{found.st_ctime_ns:x}"
