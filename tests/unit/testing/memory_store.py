"""An honest store of files in memory, reached as the tables in memory are."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from headwater.connectors.object_store.config import FilesConfig
from headwater.connectors.object_store.limits import changed, chosen
from headwater.connectors.protocol import Cause, Kind, Problem, RemoteFile, Selection
from headwater.testing import FileCase
from tests.unit.testing import memory
from tests.unit.testing.memory_case import PASSWORD, MemoryCase


class MemoryStoreConfig(memory.MemoryConfig):
    pattern: str = "**"
    max_files: int = 1000
    max_bytes: int = 2**40


@dataclass
class StoreServer(memory.Server):
    files: dict[str, bytes] = field(default_factory=dict)


class MemoryStore(memory.Memory):
    """The store: what reaches a server, and files in place of tables."""

    config: MemoryStoreConfig

    def validate(self, selection: Selection | None = None) -> Sequence[Problem]:  # noqa: ARG002 - files, no tables
        problem = self.obstacle()
        return [problem] if problem else []

    def obstacle(self, table: str | None = None) -> Problem | None:  # noqa: ARG002 - likewise
        found = super().obstacle()
        if found is None and self.config.user == "nobody":
            return self.problem("missing_right", "nobody may not list files", self.config.host, "Grant the right")
        return found

    def stored_files(self) -> dict[str, bytes]:
        server = self.server()
        assert isinstance(server, StoreServer)
        return server.files

    def version(self, name: str, data: bytes) -> str:  # noqa: ARG002 - for those that know no better
        return hashlib.sha256(data).hexdigest()

    def files(self) -> Sequence[RemoteFile]:
        told = FilesConfig(
            pattern=self.config.pattern, max_files=self.config.max_files, max_bytes=self.config.max_bytes
        )
        listed = [
            RemoteFile(name=name, size=len(data), version=self.version(name, data))
            for name, data in self.stored_files().items()
        ]
        return chosen(told, self.config.host, listed)

    def fetch(self, file: RemoteFile, to: Path) -> None:
        data = self.stored_files().get(file.name)
        if data is None or self.version(file.name, data) != file.version:
            raise changed(self.config.host, file.name)
        self.write(data, to)

    def write(self, data: bytes, to: Path) -> None:
        with to.open("wb") as target:
            for start in range(0, len(data), 2**20):
                target.write(memoryview(data)[start : start + 2**20])


kind = Kind(
    name="memory_store",
    title="Files in memory",
    config=MemoryStoreConfig,
    open=MemoryStore,
    chunks=("files",),
    cursor=False,
    proven_against=("itself",),
)


class MemoryStoreCase(FileCase):
    kind: ClassVar[Kind] = kind
    many_bytes = 48 * 2**20
    memory = 16 * 2**20

    def __init__(self) -> None:
        self.tables = MemoryCase()
        self.server = StoreServer(passwords=self.tables.server.passwords, readers=self.tables.server.readers)
        memory.NETWORK[self.tables.host][1] = self.server

    def config(self, pattern: str = "**") -> MemoryStoreConfig:
        return MemoryStoreConfig(**self.tables.config().model_dump(), pattern=pattern)

    def resolve(self, reference: str) -> str:
        assert reference
        return PASSWORD

    def against(self) -> str:
        return self.tables.against()

    def wrong(self, cause: Cause) -> MemoryStoreConfig:
        return MemoryStoreConfig(**self.tables.wrong(cause).model_dump())

    def put(self, name: str, data: bytes) -> None:
        self.server.files[name] = data

    def remove(self, name: str) -> None:
        del self.server.files[name]

    def empty(self) -> None:
        self.server.files.clear()

    def limited(self, *, files: int | None = None, size: int | None = None) -> MemoryStoreConfig:
        given: dict[str, Any] = {"max_files": files, "max_bytes": size}
        return self.config().model_copy(update={name: limit for name, limit in given.items() if limit is not None})
