"""One file a day, one reading a line."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from headwater.connectors.protocol import Column, Problem, Resolve, Selection, SourceChunk, SourcePlan, Table
from headwater.errors import InputRefused, Misuse
from headwater_meter_log.config import MeterLogConfig

TABLE = "readings"
KEY = "reading"
CURSOR = "read_at"
COLUMNS = (
    Column(name="reading", type="number", arrow=pa.int64(), nullable=False),
    Column(name="read_at", type="time with offset", arrow=pa.timestamp("us", tz="UTC"), nullable=False),
    Column(name="kwh", type="number with three decimals", arrow=pa.decimal128(18, 3)),
    Column(name="remark", type="text", arrow=pa.string()),
)
BATCH = 10_000


class MeterLog:
    """The connector. Nothing is kept between calls: any chunk can be read by another process, later."""

    def __init__(self, config: MeterLogConfig, resolve: Resolve) -> None:  # noqa: ARG002 - a folder has no login
        self._folder = config.folder

    def validate(self, selection: Selection | None = None) -> Sequence[Problem]:
        """The folder must be there, and the table be the one there is."""
        if not self._folder.is_dir():
            valid = "the folder that the gateway writes to"
            return [Problem(cause="not_found", what="there is no such folder", where=str(self._folder), valid=valid)]
        if selection is None:
            return []
        try:
            self._check(selection)
        except Misuse as error:
            cause = "config" if selection.table == TABLE else "not_found"
            return [Problem(cause=cause, what=error.what, where=selection.table, valid=error.valid)]
        return []

    def discover(self) -> Sequence[Table]:
        """One table, however many days."""
        rows = sum(1 for day in self._days() for _ in self._lines(day))
        return [Table(name=TABLE, columns=COLUMNS, key=(KEY,), cursors=(CURSOR,), rows=rows)]

    def sample(self, table: str, rows: int = 20) -> pa.Table:
        """The first readings of the first days."""
        self._check(Selection(table=table))
        found: list[dict[str, Any]] = []
        for day in self._days():
            found += self._readings(day)
            if len(found) >= rows:
                break
        return pa.Table.from_batches([_batch(COLUMNS, found[:rows])])

    def plan(self, selection: Selection) -> SourcePlan:
        """A chunk a day. The first begins before all days and the last never ends, so that no new file is left out."""
        self._check(selection)
        since = _moment(selection.since) - datetime.timedelta(seconds=selection.lag) if selection.since else None
        counted = [(day, moments) for day in self._days() if (moments := self._moments(day, since))]
        starts = [None, *(day.isoformat() for day, _ in counted[1:])]
        chunks, upto = [], selection.since
        for number, start in enumerate(starts):
            rows = len(counted[number][1]) if counted else 0
            if rows and selection.cursor:
                upto = (
                    max(_moment(upto), *counted[number][1]).isoformat() if upto else max(counted[number][1]).isoformat()
                )
            end = starts[number + 1] if number + 1 < len(starts) else None
            locator = {"from_day": start, "before_day": end, "since": since.isoformat() if since else None}
            cursor_to = upto if selection.cursor else None
            chunks.append(SourceChunk(chunk_no=number + 1, locator=locator, rows=rows, cursor_to=cursor_to))
        return SourcePlan(
            columns=_chosen(selection),
            key=(KEY,),
            chunks=tuple(chunks),
            upto=upto if selection.cursor else None,
        )

    @contextmanager
    def read(self, selection: Selection, chunk: SourceChunk) -> Iterator[Iterator[pa.RecordBatch]]:
        """The readings of the days of a chunk, by number."""
        self._check(selection)
        start, end, since = (chunk.locator[name] for name in ("from_day", "before_day", "since"))
        days = [day for day in self._days() if (start or "") <= day.isoformat() and (not end or day.isoformat() < end)]
        found = [reading for day in days for reading in self._readings(day)]
        if since is not None:
            found = [reading for reading in found if reading[CURSOR] >= _moment(since)]
        found.sort(key=lambda reading: reading[KEY])
        pieces = range(0, max(len(found), 1), BATCH)
        yield (_batch(_chosen(selection), found[piece : piece + BATCH]) for piece in pieces)

    def close(self) -> None:
        """Nothing is held."""

    def _check(self, selection: Selection) -> None:
        names = [column.name for column in COLUMNS]
        if selection.table != TABLE:
            message = "there is no such table"
            raise Misuse(message, where=str(self._folder), value=selection.table, valid=TABLE)
        for name in (*selection.columns, *selection.key):
            if name not in names:
                message = "there is no such column"
                raise Misuse(message, where=TABLE, value=name, valid=", ".join(names))
        if selection.cursor not in {None, CURSOR}:
            message = "this column does not tell what changed"
            raise Misuse(message, where=TABLE, value=selection.cursor, valid=CURSOR)

    def _days(self) -> list[datetime.date]:
        if not self._folder.is_dir():
            message = "there is no such folder"
            raise Misuse(message, where=str(self._folder), valid="the folder that the gateway writes to")
        return sorted(datetime.date.fromisoformat(path.stem) for path in self._folder.glob("????-??-??.jsonl"))

    def _path(self, day: datetime.date) -> Path:
        return self._folder / f"{day}.jsonl"

    def _lines(self, day: datetime.date) -> Iterator[str]:
        with self._path(day).open(encoding="utf-8", newline="\n") as lines:
            yield from (line for line in lines if line.strip())

    def _moments(self, day: datetime.date, since: datetime.datetime | None) -> list[datetime.datetime]:
        moments = [reading[CURSOR] for reading in self._readings(day)]
        return [moment for moment in moments if since is None or moment >= since]

    def _readings(self, day: datetime.date) -> list[dict[str, Any]]:
        found = []
        for number, line in enumerate(self._lines(day), 1):
            try:
                reading = json.loads(line, parse_float=Decimal)
                found.append({**reading, CURSOR: _moment(reading[CURSOR])})
            except (ValueError, KeyError, TypeError):
                where = f"{self._path(day).name}, line {number}"
                message = "the line is no reading"
                raise InputRefused(
                    message, where=where, value=line.strip(), valid="a JSON object with read_at"
                ) from None
        return found


def _moment(text: str) -> datetime.datetime:
    moment = datetime.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        message = "a time without offset"
        raise ValueError(message)
    return moment.astimezone(datetime.UTC)


def _chosen(selection: Selection) -> tuple[Column, ...]:
    return tuple(column for column in COLUMNS if not selection.columns or column.name in selection.columns)


def _batch(columns: Sequence[Column], readings: Sequence[dict[str, Any]]) -> pa.RecordBatch:
    made = [pa.array([reading.get(column.name) for reading in readings], column.arrow) for column in columns]
    return pa.record_batch(made, names=[column.name for column in columns])
