"""Stores of files that do one thing wrong each; `fails` is the check that must find it."""

from __future__ import annotations

import fnmatch
import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from headwater.connectors.protocol import Problem, RemoteFile, Selection
from tests.unit.testing.memory_store import MemoryStore


class HostileStore(MemoryStore):
    """Base: which check must fail."""

    fails: ClassVar[str]


class LetsStarsCrossFolders(HostileStore):
    fails = "patterns"

    def files(self) -> Sequence[RemoteFile]:
        pattern, self.config = self.config.pattern, self.config.model_copy(update={"pattern": "**"})
        found = [file for file in super().files() if fnmatch.fnmatch(file.name, pattern)]
        self.config = self.config.model_copy(update={"pattern": pattern})
        return found


class ListsInNoOrder(HostileStore):
    fails = "patterns"

    def files(self) -> Sequence[RemoteFile]:
        return super().files()[::-1]


class ForgetsTheZoneOfTimes(HostileStore):
    fails = "patterns"

    def files(self) -> Sequence[RemoteFile]:
        return [replace(file, modified="2024-03-30T10:00:00") for file in super().files()]


class ReadsLinesOnly(HostileStore):
    fails = "bytes"

    def write(self, data: bytes, to: Path) -> None:
        super().write(data.replace(b"\r", b""), to)


class TakesTheSizeForTheVersion(HostileStore):
    fails = "versions"

    def version(self, name: str, data: bytes) -> str:
        return f"{name} {len(data)}"


class FindsNewVersionsEachTime(HostileStore):
    fails = "versions"
    looks: ClassVar = itertools.count()

    def version(self, name: str, data: bytes) -> str:
        return f"{name} {len(data)} {next(self.looks)}"


class FetchesWhateverIsThere(HostileStore):
    fails = "changed meanwhile"

    def fetch(self, file: RemoteFile, to: Path) -> None:
        self.write(self.stored_files().get(file.name, b""), to)


class LeavesAPieceBehind(HostileStore):
    fails = "changed meanwhile"

    def fetch(self, file: RemoteFile, to: Path) -> None:
        to.write_bytes(b"")
        super().fetch(file, to)


class LeavesOutWhatIsTooMuch(HostileStore):
    fails = "limits"

    def files(self) -> Sequence[RemoteFile]:
        many, large = self.config.max_files, self.config.max_bytes
        self.config = self.config.model_copy(update={"max_files": 10**6, "max_bytes": 2**40})
        return [file for file in super().files() if file.size <= large][:many]


class HoldsTheWholeFile(HostileStore):
    fails = "streamed"

    def write(self, data: bytes, to: Path) -> None:
        to.write_bytes(b"".join(bytes([sign]) * 2**16 for sign in range(256)) + bytes(bytearray(data)))
        to.write_bytes(data)


class SwallowsWhatStandsInTheWay(HostileStore):
    fails = "validate tells missing_right"

    def validate(self, selection: Selection | None = None) -> Sequence[Problem]:  # noqa: ARG002 - it looks at nothing
        return []


class NamesThePassword(HostileStore):
    fails = "no secret told"

    def obstacle(self, table: str | None = None) -> Problem | None:
        found = super().obstacle(table)
        password = self.resolve(self.config.password_ref)
        return replace(found, where=f"store://reader:{password}@{found.where}") if found else None


def all_of() -> list[type[HostileStore]]:
    """Every hostile store."""
    return HostileStore.__subclasses__()
