"""What a connector is: records of a source, as Arrow batches, chunk by chunk.

A kind of connector is described by a `Kind` and opened with its config; what is open follows the protocol `Connector`:

    validate   can it be reached, may we read what is asked; every problem found, none where all is well
    discover   the tables there are: columns, keys, columns that tell what changed
    sample     the first rows of a table
    plan       chunks that hold every row once: of a whole table, or of what changed since a cursor
    read       one chunk, as a consistent read, in the order of the key

Where a source can count its own rows, it is a `Tallying` as well: it says of a chunk what it holds, so that what was
read can be held against it.

A connector knows no contract and no database of ours and keeps nothing between calls but its connection, so that any
chunk can be read by another process, later. Stores of files (`FileStore`) list and fetch what the readers of files then
open, each file a run of its own.

Errors are those of the house: `RetryLater` for what may pass by itself, `Misuse` for a wrong config or a missing right,
`InputRefused` for data that cannot be read, `Stopped` where a person must look. Nobody else's error leaves a connector,
and none holds a secret.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, Protocol

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from headwater.errors import Misuse

Cause = Literal[
    "config", "name_not_found", "refused", "timeout", "tls", "login", "missing_right", "not_found", "protocol"
]
"""What stands in the way, sorted by who can help: the config, the network, or whoever runs the source.

config          a value of the config is wrong
name_not_found  the host has no address
refused         nothing listens there
timeout         no answer in time
tls             no trusted connection: certificate, or TLS asked of a server that has none
login           user, password or token are not taken
missing_right   the login may not read what is asked; the problem names right and object
not_found       the database, schema, table or service does not exist
protocol        it answers, but not as this kind of source does
"""

Unit = Literal["month", "week", "day"]
"""Of the calendar; weeks begin with Monday."""
Window = Literal["none", "month", "week", "day"]
"""What of the calendar chunks of times end with: `none` for nothing."""

Resolve = Callable[[str], str]
"""From a reference to a secret (`env:NAME`, `file:/PATH`, `stored:NAME`) to the secret. Misuse where there is none."""


class Config(BaseModel):
    """Base of the typed configs. A secret stands in it as a reference, in a field whose name ends in `_ref`.

    What is wrong with a value is said without the value: it may be a secret in the wrong place.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Why a source cannot be read as configured."""

    cause: Cause
    what: str
    where: str
    valid: str | None = None
    remedy: str | None = None


NUMBERS = {b"headwater.texts": b"numbers"}
"""Metadata of a field of texts in which whatever looks like a plain number is one, with a point before its decimals:
1234.50. What is written otherwise, as NaN, or JSON in a column that may hold a bare number, is left as it is.
"""

MIXED = {b"headwater.texts": b"mixed"}
"""Metadata of a field of texts in which numbers may stand among texts, each with the sign of `Selection.decimal` before
its decimals: which of them were numbers nobody can tell any more.
"""


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column as the source has it.

    type     in the source's own words: numeric(38,10)
    arrow    how `read` gives it; what Arrow has no exact type for comes as text
    numbers  whether it comes as text and its values are numbers nevertheless: see `NUMBERS`
    mixed    whether it comes as text and its values may be numbers or texts: see `MIXED`
    bare     whether it comes as text and none can begin or end with a blank: the source writes it from a number, a time
             or a uuid
    """

    name: str
    type: str
    arrow: pa.DataType
    nullable: bool = True
    numbers: bool = False
    mixed: bool = False
    bare: bool = False

    @property
    def field(self) -> pa.Field[Any]:
        """The field of a batch in which it comes."""
        told = NUMBERS if self.numbers else MIXED if self.mixed else None
        return pa.field(self.name, self.arrow, self.nullable, metadata=told)


@dataclass(frozen=True, kw_only=True)
class ForeignKey:
    """Columns whose values stand in columns of another table, `to` in the same order, as the source declares it."""

    columns: tuple[str, ...]
    table: str
    to: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Table:
    """Something with rows: a table, a view, an entity set, a report.

    key         columns that together tell one row from all others; () where the source declares none
    cursors     columns that tell what changed, as declared or by their names: times and counters, best first
    times       other columns that a selection may name as its cursor, such as business dates; hardly one of them moves
                when a row is changed
    rows        how many, as the source estimates; None where it does not say
    references  foreign keys, as the source declares them; () where it declares none, or does not tell
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    cursors: tuple[str, ...] = ()
    times: tuple[str, ...] = ()
    rows: int | None = None
    comment: str = ""
    references: tuple[ForeignKey, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What a sync reads of a source.

    columns     () for all
    key         columns that order the rows and tell them apart; () for what the source declares
    cursor      column that tells what changed; None reads the whole table
    since       cursor to begin at, itself included, as an earlier plan gave it in `upto`; None for all. Rows that share
                it are read again: some may have come after that plan
    lag         how far before `since` to read again, for rows that come late: seconds, or units of a number
    chunk_rows  rows a chunk is to have; None leaves it to `rows_a_chunk`
    window      of the calendar, what chunks of times end with, where it has no more rows than a chunk; None leaves it
                to `window_of`. Misuse where it is one and the table cannot be cut so
    decimal     the sign before the decimals of numbers that `read` gives among texts, as JSON mixes them, in columns
                marked by `MIXED`; a column of numbers alone is of a type of its own, or marked by `NUMBERS`
    """

    table: str
    columns: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    cursor: str | None = None
    since: str | None = None
    lag: int = 0
    chunk_rows: int | None = None
    window: Window | None = None
    decimal: str = "."


@dataclass(frozen=True, kw_only=True)
class SourceChunk:
    """A part of a selection, small enough to be read at once.

    locator       what `read` needs to know, as JSON: enough to read the same rows again, and to tell a person which
    rows          as counted or estimated by the plan
    cursor_to     once this chunk and all before it are in, everything up to here has been read
    window_start  first moment a chunk that is a window of time covers, ISO 8601
    window_end    the moment after its last
    """

    chunk_no: int
    locator: Mapping[str, Any]
    rows: int
    cursor_to: str | None = None
    window_start: str | None = None
    window_end: str | None = None


@dataclass(frozen=True, kw_only=True)
class SourcePlan:
    """The chunks of a selection in the order they are to be committed; `upto` is the cursor all of them end at.

    identity  columns of which the source itself sees to it that no two rows have the same; () where it does not
    notices   what whoever syncs is to be told of the plan, in words
    window    of the calendar, what chunks end with; None where they end wherever they are full
    """

    columns: tuple[Column, ...]
    key: tuple[str, ...]
    chunks: tuple[SourceChunk, ...]
    upto: str | None = None
    identity: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    window: Unit | None = None


class Connector(Protocol):
    """A source that is open."""

    def validate(self, selection: Selection | None = None) -> Sequence[Problem]:
        """Everything that stands in the way of reading, worst first."""

    def discover(self) -> Sequence[Table]:
        """Every table the login may read, by name."""

    def sample(self, table: str, rows: int = 20) -> pa.Table:
        """The first rows of a table."""

    def plan(self, selection: Selection) -> SourcePlan:
        """Chunks that hold every row of the selection once, whatever is inserted or deleted meanwhile."""

    def read(self, selection: Selection, chunk: SourceChunk) -> AbstractContextManager[Iterator[pa.RecordBatch]]:
        """The rows of a chunk, ordered by the key; at least one batch, which may be empty and tells the schema.

        Leaving the context before the end gives up what the source still holds for it.
        """

    def close(self) -> None:
        """Give up the connection."""


@dataclass(frozen=True, kw_only=True)
class ColumnTally:
    """Of a column of numbers how many values it has, nulls not counted, and the exact sum of those that are numbers:
    NaN and infinity are none. None where the source makes no exact one.
    """

    values: int
    sum: Decimal | None


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What a source says of the rows of a chunk; of the columns asked for those that hold numbers exactly.

    at_once  whether it is of the same moment as the rows that were read; else the source may have changed between
    """

    rows: int
    columns: Mapping[str, ColumnTally]
    at_once: bool


class Tallying(Protocol):
    """A connector whose source counts and sums for itself. A question the less: it need not be one."""

    def read_tallied(
        self, selection: Selection, chunk: SourceChunk, columns: Sequence[str]
    ) -> AbstractContextManager[tuple[Iterator[pa.RecordBatch], Callable[[], Tally]]]:
        """As `read`, and what to call, once all rows are taken, to have the source say how many there are and the sums
        of these columns.
        """


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """A file of a store. `version` changes whenever its bytes do: an ETag or a version id. `address` is where it lies
    for whoever looks for it there, as in s3://bucket/key; never with a login.
    """

    name: str
    size: int
    version: str
    modified: str | None = None
    address: str | None = None


class FileStore(Protocol):
    """A store of files that is open."""

    def validate(self, selection: Selection | None = None) -> Sequence[Problem]:
        """Everything that stands in the way of reading, worst first."""

    def files(self) -> Sequence[RemoteFile]:
        """The files that the config's pattern means, by name."""

    def fetch(self, file: RemoteFile, to: Path) -> None:
        """Write a file's bytes. InputRefused where they are not of that version any more."""

    def close(self) -> None:
        """Give up the connection."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of connector, as an entry point names it.

    config          what a user says, with a JSON Schema made from it
    open            open a source; nothing is reached before the first call
    chunks          ways it cuts a table: key_range, time_window, pages, whole, files
    cursor          whether it can read only what changed since a cursor
    reads_by        what it asks by, and in which form rows come: a library, a protocol
    proven_against  server and version each, as run by the tests, which hold what `Case.against` tells to it
    unproven        what no test has met; where nothing is proven, why not and what stands in
    """

    name: str
    title: str
    config: type[Config]
    open: Callable[[Any, Resolve], Connector | FileStore]
    chunks: tuple[str, ...]
    cursor: bool
    reads_by: str = ""
    proven_against: tuple[str, ...] = ()
    unproven: str = ""
    read_ahead: int | None = None
    """How many chunks a sync reads at once before their turn comes, where its recipe does not say; None where an open
    source cannot be read by several threads.
    """
    needs: str = field(default="")
    """The extra that brings its library, as `headwater[snowflake]`; "" for none."""


def rows_a_chunk(rows: int) -> int:
    """How many rows a chunk of a table of so many is to have."""
    if rows < 100_000:
        return 10_000
    return 50_000 if rows <= 1_000_000 else 100_000


_WINDOWS: tuple[tuple[int, Unit], ...] = ((100_000, "month"), (1_000_001, "week"), (10_000_001, "day"))
"""From how many rows on chunks of times end with which unit of the calendar."""


def window_of(rows: int, said: Window | None = None) -> Unit | None:
    """What chunks of a time end with, of so many rows; what is `said` goes first."""
    if said is not None:
        return None if said == "none" else said
    return next((unit for least, unit in reversed(_WINDOWS) if rows >= least), None)


def refuse_window(selection: Selection) -> None:
    """Misuse where chunks are to end with the calendar, of a table that is not cut by a time."""
    if selection.window in {None, "none"}:
        return
    raise Misuse(
        "this table is not cut by windows of the calendar",
        where=selection.table,
        value=selection.window,
        valid="`none`; others with a column of times as the cursor, of a source that can count and order its rows",
    )
