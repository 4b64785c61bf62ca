"""Reading the rows of a chunk, answer after answer, so that none is lost or doubled without a word.

An answer begins after the last key of the one before: rows that come or go meanwhile move no others. Where the source
cuts an answer itself, its own links are followed first. At the end the rows are compared with the source's count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from headwater.connectors.http.exact_json import Record
from headwater.connectors.http.failures import not_now
from headwater.connectors.http.ranges import Filterable, beyond
from headwater.documents.counted import counted


@dataclass(frozen=True, kw_only=True)
class Page:
    """One answer; `total` as the source counts the rows of the condition, None where it does not say."""

    records: list[Record]
    total: int | None = None


class Readable(Filterable, Protocol):
    """A table whose rows can be read in an order."""

    def pages(self, condition: str, order: Sequence[str], rows: int | None) -> Iterator[Page]:
        """The first rows, or all, in one answer or as many as the source makes of it."""

    def key_of(self, record: Record, key: Sequence[str]) -> tuple[str, ...]:
        """The key of a record as texts, to be compared with."""


def read(table: Readable, condition: str, key: tuple[str, ...], page_rows: int) -> Iterator[list[Record]]:
    """All rows of the condition, in the order of the key. RetryLater where the table changed too much meanwhile."""
    seen: set[tuple[str, ...]] = set()
    total: int | None = None
    read, last = 0, None
    while True:
        after = table.joined([condition, beyond(table, key, last, ">")], "and") if last else condition
        got = 0
        for page in table.pages(after, key, page_rows if key else None):
            total = page.total if last is None and total is None else total
            _check_new(table, page.records, key, seen)
            got += len(page.records)
            if page.records:
                yield page.records
                newest = page.records[-1]
        read += got
        if not key or not got or (total is not None and read >= total):
            break
        last = table.key_of(newest, key)
    if total is not None and read != total:
        _check_count(table, read, total, lambda: table.count(condition))


def _check_new(table: Readable, records: list[Record], key: tuple[str, ...], seen: set[tuple[str, ...]]) -> None:
    if not key:
        return
    for record in records:
        known = table.key_of(record, key)
        if known in seen:
            error = not_now("a row came twice: the source changed while it was read", table.name, "protocol")
            error.value = dict(zip(key, known, strict=True))
            raise error
        seen.add(known)


def _check_count(table: Readable, read: int, before: int, count: Callable[[], int | None]) -> None:
    """Rows that came or went meanwhile explain the difference, or nothing does."""
    now = count()
    if now is not None and min(before, now) <= read <= max(before, now):
        return
    raise not_now(
        f"{counted(read, 'row')} came, {counted(before, 'was', 'were')} counted before, {now or 0:,} after: the source"
        " changed while it was read",
        table.name,
        "protocol",
    )
