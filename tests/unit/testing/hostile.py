"""Connectors that do one thing wrong each, as bad ones in the field do; the suite must find every one.

Each class says in `fails` which check must fail.
"""

from __future__ import annotations

import contextlib
import datetime
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import pyarrow as pa

from headwater.connectors.protocol import Column, Config, Problem, Selection, SourceChunk, SourcePlan, Table
from headwater.errors import HeadwaterError, RetryLater
from tests.unit.testing.memory import Memory, Server, Stored


class Hostile(Memory):
    """Base: which check must fail, and what its kind says of itself."""

    fails: ClassVar[str]
    kind: ClassVar[dict[str, Any]] = {}


# ------------------------------------------------------------------------------------------------------------ the kind


class PlainPasswordConfig(Config):
    password: str = ""


class PlainPassword(Hostile):
    fails = "kind"
    kind: ClassVar = {"config": PlainPasswordConfig}


class SaysNotWhatItIsProvenAgainst(Hostile):
    fails = "kind"
    kind: ClassVar = {"proven_against": ()}


class IsProvenAgainstAnother(Hostile):
    """Its docs name a version that nobody has tried for a while."""

    fails = "proven against"
    kind: ClassVar = {"proven_against": ("itself, of last year",)}


class ReachesOutWhenOpened(Hostile):
    """Raises where it is opened what should be told by `validate`."""

    fails = "validate tells refused"

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.server()


class ClosesOnce(Hostile):
    fails = "open"
    closed = False

    def close(self) -> None:
        if self.closed:
            raise ValueError("this connection is closed already")
        self.closed = True


class AlwaysFindsFault(Hostile):
    fails = "open"

    def validate(self, selection: Selection | None = None) -> Sequence[Problem]:
        found = Problem(cause="config", what="the schema is named public", where="schema", remedy="Name another")
        return [*super().validate(selection), found]


class TakesACursorItHasNot(Hostile):
    fails = "cursor declared"
    kind: ClassVar = {"cursor": False}


# ------------------------------------------------------------------------------------------------------------ reaching


class SwallowsValidation(Hostile):
    """Must fail for each cause."""

    fails = "validate tells name_not_found"

    def validate(self, selection: Selection | None = None) -> Sequence[Problem]:  # noqa: ARG002 - it looks at nothing
        return []


class SwallowsRefusal(SwallowsValidation):
    fails = "validate tells refused"


class SwallowsTimeout(SwallowsValidation):
    fails = "validate tells timeout"


class SwallowsTls(SwallowsValidation):
    fails = "validate tells tls"


class SwallowsLogin(SwallowsValidation):
    fails = "validate tells login"


class SwallowsMissingRight(SwallowsValidation):
    fails = "validate tells missing_right"


class SwallowsWrongTable(SwallowsValidation):
    fails = "validate tells a wrong table"


class OneCauseForAll(Hostile):
    fails = "validate tells login"

    def obstacle(self, table: str | None = None) -> Problem | None:
        found = super().obstacle(table)
        return replace(found, cause="refused") if found else None


class SaysNoMoreThanError(Hostile):
    fails = "validate tells tls"

    def obstacle(self, table: str | None = None) -> Problem | None:
        found = super().obstacle(table)
        return replace(found, what="SSLError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]')") if found else None


class SaysNotWhatToDo(Hostile):
    fails = "validate tells timeout"

    def obstacle(self, table: str | None = None) -> Problem | None:
        found = super().obstacle(table)
        return replace(found, remedy=None) if found else None


class RaisesForeignErrors(Hostile):
    fails = "validate tells name_not_found"

    def server(self, table: str | None = None) -> Server:
        try:
            return super().server(table)
        except HeadwaterError as error:
            raise ConnectionError(str(error)) from None


class AsksToRetryAWrongLogin(Hostile):
    fails = "validate tells login"

    def error(self, problem: Problem) -> Exception:
        return RetryLater(problem.what, where=problem.where)


class InventsATable(Hostile):
    fails = "validate tells a wrong table"

    def stored(self, selection: Selection) -> Stored:
        try:
            return super().stored(selection)
        except HeadwaterError:
            return Stored(columns=(Column(name="id", type="int", arrow=pa.int64()),), key=("id",))


# ------------------------------------------------------------------------------------------------------------ covering


class HidesEmptyTables(Hostile):
    fails = "discovery"

    def discover(self) -> Sequence[Table]:
        return [table for table in super().discover() if table.rows]


class ForgetsTheKey(Hostile):
    fails = "discovery"

    def described(self, name: str, table: Stored) -> Table:
        return replace(super().described(name, table), key=())


class MistellsAType(Hostile):
    fails = "discovery"

    def described(self, name: str, table: Stored) -> Table:
        columns = tuple(replace(column, arrow=pa.string()) for column in table.columns)
        return replace(super().described(name, table), columns=columns)


class LosesRowsAtBounds(Hostile):
    fails = "every row once"

    def within(self, value: Any, locator: Any) -> bool:
        return super().within(value, locator) and value != self.understood(locator.get("upto"))


class RepeatsRowsAtBounds(Hostile):
    fails = "every row once"

    def within(self, value: Any, locator: Any) -> bool:
        return super().within(value, locator) or (value is not None and value == self.understood(locator.get("after")))


class ReadsInNoOrder(Hostile):
    fails = "every row once"

    def chosen(self, selection: Selection, table: Stored, chunk: SourceChunk) -> list[tuple[Any, ...]]:
        return super().chosen(selection, table, chunk)[::-1]


class ReadsAllAtOnce(Hostile):
    fails = "every row once"

    def bounds(self, values: list[Any], size: int) -> list[Any]:  # noqa: ARG002 - it looks at nothing
        return []


class SaysNothingOfAnEmptyTable(Hostile):
    fails = "empty table"

    def batches(self, selection: Selection, table: Stored, chunk: SourceChunk) -> Iterator[pa.RecordBatch]:
        return (batch for batch in super().batches(selection, table, chunk) if batch.num_rows)


class ReadsAllColumns(Hostile):
    fails = "chosen columns"

    def batches(self, selection: Selection, table: Stored, chunk: SourceChunk) -> Iterator[pa.RecordBatch]:
        return super().batches(replace(selection, columns=()), table, chunk)


class ChangesOrder(Hostile):
    fails = "read twice"

    def chosen(self, selection: Selection, table: Stored, chunk: SourceChunk) -> list[tuple[Any, ...]]:
        found = super().chosen(selection, table, chunk)
        return random.sample(found, len(found))


class KeepsItsLocatorsToItself(Hostile):
    """Another process knows nothing of what this one remembers."""

    fails = "read twice"

    def plan(self, selection: Selection) -> SourcePlan:
        found = super().plan(selection)
        self.remembered = {chunk.chunk_no: chunk.locator for chunk in found.chunks}
        return replace(found, chunks=tuple(replace(chunk, locator={"no": chunk.chunk_no}) for chunk in found.chunks))

    def chosen(self, selection: Selection, table: Stored, chunk: SourceChunk) -> list[tuple[Any, ...]]:
        return super().chosen(selection, table, replace(chunk, locator=self.remembered[chunk.chunk_no]))


class ReadsOneAtATime(Hostile):
    """It remembers which chunk it reads: one begun meanwhile takes the first one's place."""

    fails = "read side by side"
    kind: ClassVar = {"read_ahead": 2}

    @contextlib.contextmanager
    def read(self, selection: Selection, chunk: SourceChunk) -> Iterator[Iterator[pa.RecordBatch]]:
        self.current = chunk
        with super().read(selection, chunk) as stream:
            yield stream

    def chosen(self, selection: Selection, table: Stored, chunk: SourceChunk) -> list[tuple[Any, ...]]:  # noqa: ARG002 - that is its fault
        return super().chosen(selection, table, self.current)


class LocksItsTable(Hostile):
    """Others are refused while it reads, another process of ours among them."""

    fails = "read side by side"
    locked: ClassVar[set[str]] = set()

    @contextlib.contextmanager
    def read(self, selection: Selection, chunk: SourceChunk) -> Iterator[Iterator[pa.RecordBatch]]:
        if self.config.host in self.locked:
            raise RetryLater("somebody else reads", where=selection.table)
        self.locked.add(self.config.host)
        try:
            with super().read(selection, chunk) as stream:
                yield stream
        finally:
            self.locked.discard(self.config.host)


class ClosedAbove(Hostile):
    """The last chunk ends at the last row that there was."""

    fails = "rows inserted meanwhile"

    def bounds(self, values: list[Any], size: int) -> list[Any]:
        return [*super().bounds(values, size), *values[-1:]]

    def within(self, value: Any, locator: Any) -> bool:
        return super().within(value, locator) and (value is None or locator["upto"] is not None)


class PagesByOffset(Hostile):
    """The n-th ten rows of what there is when they are asked for."""

    fails = "rows deleted meanwhile"

    def chosen(self, selection: Selection, table: Stored, chunk: SourceChunk) -> list[tuple[Any, ...]]:
        whole = replace(chunk, locator={**chunk.locator, "after": None, "upto": None})
        found, size = super().chosen(selection, table, whole), selection.chunk_rows or 10
        nulls = bool(chunk.locator.get("null"))
        return found if nulls else found[(chunk.chunk_no - 2) * size : (chunk.chunk_no - 1) * size]


class DropsNulls(Hostile):
    fails = "null in the key"

    def within(self, value: Any, locator: Any) -> bool:
        return value is not None and super().within(value, locator)


# ------------------------------------------------------------------------------------------------------------- cursors


class DropsNullCursors(DropsNulls):
    fails = "null in the cursor"


class ReadsNullCursorsOnce(Hostile):
    fails = "null in the cursor later"

    def plan(self, selection: Selection) -> SourcePlan:
        found = super().plan(selection)
        dated = tuple(chunk for chunk in found.chunks if not chunk.locator.get("null"))
        return found if selection.since is None else replace(found, chunks=dated)


class RoundsUptoUp(Hostile):
    fails = "cursor chain"

    def told(self, value: Any) -> Any:
        if isinstance(value, datetime.datetime):
            value = value.replace(microsecond=0) + datetime.timedelta(seconds=1)
        return super().told(value)


class ReadsEverythingAgain(Hostile):
    fails = "cursor chain"

    def plan(self, selection: Selection) -> SourcePlan:
        return super().plan(replace(selection, since=None))


class LeavesOutTheCursorItself(Hostile):
    fails = "cursor chain"

    def within(self, value: Any, locator: Any) -> bool:
        since = self.understood(locator.get("since"))
        return super().within(value, locator) and (since is None or value != since)


class EndsAhead(Hostile):
    """A chunk claims what only the last one reads."""

    fails = "cursor ties"

    def plan(self, selection: Selection) -> SourcePlan:
        found = super().plan(selection)
        return replace(found, chunks=tuple(replace(chunk, cursor_to=found.upto) for chunk in found.chunks))


class SplitsTies(Hostile):
    """The rest of a tie is lost, as `LIMIT` loses it."""

    fails = "cursor ties"

    def chosen(self, selection: Selection, table: Stored, chunk: SourceChunk) -> list[tuple[Any, ...]]:
        return super().chosen(selection, table, chunk)[: (selection.chunk_rows or 10) + 4]


class KnowsNoLag(Hostile):
    fails = "late rows"

    def lowest(self, selection: Selection) -> datetime.datetime | None:
        return super().lowest(replace(selection, lag=0))


class EndsNow(ClosedAbove):
    """It reads to the last row there was, and says it read up to this day."""

    fails = "rows moved meanwhile"

    def plan(self, selection: Selection) -> SourcePlan:
        return replace(super().plan(selection), upto=datetime.datetime.now(datetime.UTC).isoformat())


class ThinksInLocalTime(Hostile):
    fails = "time zones"

    def told(self, value: Any) -> Any:
        return super().told(value.replace(tzinfo=None) if isinstance(value, datetime.datetime) else value)

    def understood(self, value: Any) -> Any:
        found = super().understood(value)
        return found.astimezone() if isinstance(found, datetime.datetime) else found


def all_of(base: type[Hostile] = Hostile) -> list[type[Hostile]]:
    """Every hostile connector, those that others are made from included."""
    return [one for direct in base.__subclasses__() for one in (direct, *all_of(direct))]
