"""What databases in one file have in common: the file is looked at before the library opens it."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from headwater.connectors.protocol import Problem
from headwater.connectors.sql.source import Session, Source


class FileSource(Source):
    """Tables and views of one file.

    engine    whose file it is, for messages
    marks     what stands in its first bytes, `marked_at` so many from the beginning
    """

    engine: ClassVar[str]
    marks: ClassVar[frozenset[bytes]]
    marked_at: ClassVar[int] = 0
    no_database: ClassVar[str]

    def __init__(self, path: Path) -> None:
        self._path = path

    def reach(self) -> list[Problem]:
        """What stands in the way of the file: it is gone, closed to us, or nobody's database."""
        where = str(self._path)
        length = max(map(len, self.marks))
        try:
            with self._path.open("rb") as file:
                mark = file.read(self.marked_at + length)[self.marked_at :]
        except FileNotFoundError:
            return [Problem(cause="not_found", what="there is no such file", where=where, remedy="Check `path`")]
        except OSError as error:
            return [
                Problem(
                    cause="missing_right",
                    what=f"the file cannot be opened: {error.strerror}",
                    where=where,
                    remedy="Give the account that runs Headwater the right to read it",
                )
            ]
        if mark in self.marks:
            return []
        return [
            Problem(
                cause="protocol",
                what=self.no_database,
                where=where,
                valid=f"a file that {self.engine} wrote",
                remedy="Check `path`",
            )
        ]

    def nothing(self, session: Session) -> Problem:
        del session
        return Problem(
            cause="not_found",
            what="the file has no table or view",
            where=str(self._path),
            remedy="Check `path`, or fill the database first",
        )

    def missing(self, session: Session, table: str) -> Problem:
        names = ", ".join(found.name for found in self.tables(session))
        return Problem(
            cause="not_found",
            what=f"there is no table or view {table!r}",
            where=str(self._path),
            valid=names or "the file has no tables",
        )
