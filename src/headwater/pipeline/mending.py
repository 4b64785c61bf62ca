"""Resubmission: rows of an edited export become the records they stand for, once each, where something was mended.

An export has the columns `quarantine` (which record), `reasons`, `line`, then the record's own. Records that could not
be cut into columns stand whole in a further column `record`, which is there only where an export holds such records.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headwater.connectors.csv_file.records import Dialect
from headwater.pipeline.refusals import UNCUT

if TYPE_CHECKING:
    import numpy.typing as npt

    from headwater.connectors.csv_file import RawChunk

KEY, REASONS, LINE, RECORD = "quarantine", "reasons", "line", "record"

ALREADY_SETTLED = "already_settled"
"""The record is not open any more: resubmitted before, dismissed or expired."""
NOT_MENDED = "not_mended"
"""The row says what the record said when it was refused."""
NOT_IN_QUARANTINE = "not_in_quarantine"
"""The row's first cell names no record in quarantine."""
NAMED_TWICE = "named_twice"
"""An earlier row of the file stands for the same record."""
RAGGED = "ragged"
"""The row, or its `record`, has another number of fields than the columns."""

_TO_GUARD = re.compile(r"'*[=+\-@\t\r]")
_GUARDED = r"^'('*[=+\-@\t\r])"


def guard(cell: str) -> str:
    """A cell that a spreadsheet cannot take for a formula: an apostrophe goes before = + - @, tab and carriage return,
    and before apostrophes that already stand there, so that `unguarded` gives back every text as it was.
    """
    return f"'{cell}" if _TO_GUARD.match(cell) else cell


def unguarded(cells: pa.ChunkedArray[Any]) -> pa.ChunkedArray[Any]:
    """What `guard` was given. A person's own `-5`, typed without the apostrophe, stays as it is."""
    return pc.replace_substring_regex(cells, _GUARDED, r"\1")


class Held(Protocol):
    """A refused record as quarantine holds it."""

    @property
    def state(self) -> str:
        """Only what is `open` can be mended."""

    @property
    def raw(self) -> Mapping[str, str | None]:
        """Its cells by column, or `{"": text}`."""

    @property
    def rules(self) -> Collection[str]:
        """The rules that refused it."""

    @property
    def was_sent(self) -> bool:
        """Whether a committed chunk of this run stands for it already."""


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A row of a resubmitted file.

    key    the record it stands for
    cells  by column: those of `record`, cut again, where it is there and the record's own columns are blank; None where
           it cannot be cut into the columns
    text   `record`, where it counts
    """

    key: str
    cells: tuple[str, ...] | None
    text: str | None = None


@dataclass(frozen=True, kw_only=True)
class MendForm:
    """How a resubmitted file is to be read; fixed when its run is planned and kept with it.

    columns       the record's own, as the run that refused it names them
    dialect       of the source, by which `record` is cut
    has_record    whether the file has the column `record`
    settled_from  when the run began that refused the records: what it or a later one loaded is not replaced
    fix           where it is the mapping that was mended: how; the records are sent as they were refused
    places        where the file is made of an edited workbook: for each row the record it stands for, and the sheet,
                  the row and the record in that row
    file          with `places`: the name of the original, which a column `_file` holds whatever the copy is called
    """

    columns: tuple[str, ...]
    dialect: Dialect
    has_record: bool
    settled_from: datetime
    fix: Mapping[str, Any] | None = None
    places: Sequence[tuple[str, str, int, int]] | None = None
    file: str | None = None

    @property
    def special(self) -> tuple[str, ...]:
        """The columns before the record's own."""
        return (KEY, REASONS, LINE, RECORD) if self.has_record else (KEY, REASONS, LINE)

    @property
    def header(self) -> tuple[str, ...]:
        """All columns of the file, in order."""
        return (*self.special, *self.columns)

    def as_json(self) -> dict[str, Any]:
        """As it is kept with a run."""
        body = {**asdict(self), "columns": list(self.columns), "settled_from": self.settled_from.isoformat()}
        return {
            name: value for name, value in body.items() if name not in {"fix", "places", "file"} or value is not None
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> MendForm:
        """As it was kept."""
        return cls(
            columns=tuple(body["columns"]),
            dialect=Dialect(**body["dialect"]),
            has_record=body["has_record"],
            settled_from=datetime.fromisoformat(body["settled_from"]),
            fix=body.get("fix"),
            places=[tuple(place) for place in body["places"]] if "places" in body else None,
            file=body.get("file"),
        )

    @staticmethod
    def keys(table: pa.Table) -> list[str]:
        """Which record each row stands for, as it is written there."""
        return [str(key).strip().lower() for key in table.column(0).to_pylist()]

    def rows(self, table: pa.Table) -> list[Sent]:
        """What each row of a resubmitted chunk says, guards removed."""
        keys = self.keys(table)
        own = [unguarded(column).to_pylist() for column in table.columns[len(self.special) :]]
        cells = list(zip(*own, strict=True)) if own else [()] * len(keys)
        if not self.has_record:
            return [Sent(key=key, cells=row) for key, row in zip(keys, cells, strict=True)]
        texts = unguarded(table.column(len(self.special) - 1)).to_pylist()
        return [
            Sent(key=key, cells=self.cut(text), text=text) if text and not any(row) else Sent(key=key, cells=row)
            for key, text, row in zip(keys, texts, cells, strict=True)
        ]

    def cut(self, text: str) -> tuple[str, ...] | None:
        """The fields of a record's text; None where they are not as many as the columns."""
        reader = csv.reader(
            io.StringIO(text, newline=""),
            delimiter=self.dialect.delimiter,
            quotechar=self.dialect.quote or None,
            quoting=csv.QUOTE_MINIMAL if self.dialect.quote else csv.QUOTE_NONE,
            strict=True,
        )
        try:
            records = list(reader)
        except csv.Error:
            return None
        return tuple(records[0]) if len(records) == 1 and len(records[0]) == len(self.columns) else None


class Mending:
    """Takes the records of a resubmission that may be loaded; the others are counted with the reason.

    `find` is asked for the records that rows name (`<id>.<occurrence>`), and leaves out those it does not know. A
    record that nothing but these rules of `references` refused may be as it was: what mends it is loaded elsewhere.
    """

    def __init__(
        self,
        form: MendForm,
        find: Callable[[Sequence[str]], Mapping[str, Held]],
        *,
        references: Collection[str] = (),
    ) -> None:
        self.form = form
        self._find = find
        self._references = frozenset(references)
        self._taken: dict[str, int] = {}  # record -> the line that stands for it, so that a chunk can be taken again

    def take(
        self, raw: RawChunk
    ) -> tuple[pa.Table, npt.NDArray[np.int32], npt.NDArray[np.int64], pa.ChunkedArray[Any], Counter[str]]:
        """The records without the special columns, their numbers and lines, which each stands for; reason -> count."""
        rows = self.form.rows(raw.table)
        held = self._find([row.key for row in rows])
        skipped: Counter[str] = Counter({RAGGED: len(raw.ragged)} if raw.ragged else {})
        places = []
        for place, (row, line) in enumerate(zip(rows, raw.lines.tolist(), strict=True)):
            reason = self._reason(held.get(row.key), row, line)
            if reason is None:
                self._taken[row.key] = line
                places.append(place)
            else:
                skipped[reason] += 1
        return (
            self._table([rows[place] for place in places]),
            raw.record_nos[places],
            raw.lines[places],
            pa.chunked_array([pa.array([rows[place].key for place in places], pa.string())]),
            skipped,
        )

    def again(self, raw: RawChunk, taken: Sequence[int]) -> pa.Table:
        """The records of a chunk that was resubmitted, by their numbers in it: what went through the engine then."""
        rows = self.form.rows(raw.table)
        return self._table([rows[place] for place in np.searchsorted(raw.record_nos, taken).tolist()])

    def _table(self, rows: Sequence[Sent]) -> pa.Table:
        columns = zip(*(row.cells or () for row in rows), strict=True) if rows else ((),) * len(self.form.columns)
        return pa.table(
            {name: pa.array(cells, pa.string()) for name, cells in zip(self.form.columns, columns, strict=True)}
        )

    def _reason(self, held: Held | None, row: Sent, line: int) -> str | None:
        if held is None:
            return NOT_IN_QUARANTINE
        if self._taken.get(row.key, line) != line or held.was_sent:
            return NAMED_TWICE
        if held.state != "open":
            return ALREADY_SETTLED
        if row.text is not None and row.text == held.raw.get(UNCUT):
            return NOT_MENDED
        if row.cells is None:
            return RAGGED
        if UNCUT in held.raw:
            return None if any(row.cells) else NOT_MENDED
        if self.form.fix is not None or (held.rules and self._references.issuperset(held.rules)):
            return None
        was = tuple(held.raw.get(column, "") for column in self.form.columns)  # a column may have come since
        return NOT_MENDED if row.cells == was else None
