"""What the suite must be told of a store of files."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from headwater.connectors.protocol import Config
from headwater.testing.case import Opened, not_given


class FileCase(Opened):
    """A store that the suite fills with files below a folder or prefix of its own.

    many_bytes  size of the file by which memory is measured
    memory      how many bytes the process may grow by while that is fetched
    """

    many_bytes: ClassVar[int] = 96 * 2**20
    memory: ClassVar[int] = 48 * 2**20

    @abstractmethod
    def config(self, pattern: str = "**") -> Config:
        """Of a store that answers, with a login that may read, for the files that a pattern means."""

    @abstractmethod
    def put(self, name: str, data: bytes) -> None:
        """A file is there, new or in place of another, or of the same bytes."""

    @abstractmethod
    def remove(self, name: str) -> None:
        """A file goes."""

    @abstractmethod
    def empty(self) -> None:
        """No file is there."""

    def limited(self, *, files: int | None = None, size: int | None = None) -> Config:  # noqa: ARG002 - as above
        """A config that takes no more files, or no larger ones."""
        raise not_given("limits", "a config in `limited`")
