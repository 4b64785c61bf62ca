"""Connectors that change values, hold on to what they should let go of, or tell a secret."""

from __future__ import annotations

import base64
import contextlib
import datetime
import json
import logging
import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, ClassVar

import pyarrow as pa

from headwater.connectors.protocol import ColumnTally, Problem, Selection, SourceChunk, SourcePlan, Tally
from headwater.errors import HeadwaterError, RetryLater
from headwater.values.sums import exact_sum
from tests.unit.testing.hostile import Hostile
from tests.unit.testing.memory import Server, Stored

# -------------------------------------------------------------------------------------------------------------- values


class Changes(Hostile):
    """Values of one type are given as another."""

    of: ClassVar[pa.DataType] = pa.string()
    arrow: ClassVar[pa.DataType] = pa.string()

    def change(self, value: Any) -> Any:
        return value

    def stored(self, selection: Selection) -> Stored:
        found = super().stored(selection)
        columns = tuple(replace(c, arrow=self.arrow) if c.arrow == self.of else c for c in found.columns)
        changed = [number for number, c in enumerate(found.columns) if c.arrow == self.of]
        rows = [
            tuple(self.change(v) if n in changed and v is not None else v for n, v in enumerate(row))
            for row in found.rows
        ]
        return replace(found, columns=columns, rows=rows)


class CountsInFloats(Changes):
    fails, of, arrow = "integer lossless", pa.int64(), pa.float64()

    def change(self, value: Any) -> Any:
        return float(value)


class RoundsDecimals(Changes):
    fails, of, arrow = "decimal lossless", pa.decimal128(38, 10), pa.float64()

    def change(self, value: Any) -> Any:
        return float(value)


class CutsDecimals(Changes):
    fails, of, arrow = "decimal lossless", pa.decimal128(38, 10), pa.decimal128(38, 2)

    def change(self, value: Any) -> Any:
        return Decimal(int(value * 100)) / 100 if abs(value) < 1 else Decimal(int(value))


class KnowsNoNaN(Changes):
    fails, of, arrow = "float lossless", pa.float64(), pa.float64()

    def change(self, value: Any) -> Any:
        return None if math.isnan(value) else value


class TakesEmptyForNull(Changes):
    fails = "text lossless"

    def change(self, value: Any) -> Any:
        return value or None


class Strips(Changes):
    fails = "text lossless"

    def change(self, value: Any) -> Any:
        return value.strip()


class ReadsBytesAsText(Changes):
    fails, of = "bytes lossless", pa.binary()

    def change(self, value: Any) -> Any:
        return value.decode("utf-8", "replace")


class CannotSayNo(Changes):
    fails, of, arrow = "boolean lossless", pa.bool_(), pa.string()

    def change(self, value: Any) -> Any:
        return str(value or "")


class CountsNanoseconds(Changes):
    """Which begin in 1677 and end in 2262."""

    fails, of, arrow = "date lossless", pa.date32(), pa.timestamp("ns")

    def change(self, value: Any) -> Any:
        return datetime.datetime.combine(value, datetime.time())


class CutsMicroseconds(Changes):
    fails, of, arrow = "timestamp lossless", pa.timestamp("us"), pa.timestamp("s")

    def change(self, value: Any) -> Any:
        return value.replace(microsecond=0)


class DropsTimeZones(Changes):
    fails, of, arrow = "timestamptz lossless", pa.timestamp("us", tz="UTC"), pa.timestamp("us")

    def change(self, value: Any) -> Any:
        return value.replace(tzinfo=None)


class CutsSeconds(Changes):
    fails, of, arrow = "time lossless", pa.time64("us"), pa.time32("s")

    def change(self, value: Any) -> Any:
        return value.replace(microsecond=0)


class ReadsJsonIntoFloats(Changes):
    fails = "json lossless"

    def change(self, value: Any) -> Any:
        try:
            return json.dumps(json.loads(value))
        except ValueError:
            return value


class PrintsArrays(Changes):
    fails, of = "array lossless", pa.list_(pa.int64())

    def change(self, value: Any) -> Any:
        return str(value).replace("[", "{").replace("]", "}")


class CutsEnums(Changes):
    fails = "enum lossless"

    def change(self, value: Any) -> Any:
        return value.split()[0] if value.strip() else value


class CutsUuids(Changes):
    fails = "uuid lossless"

    def change(self, value: Any) -> Any:
        return value[:32]


class SaysNotThatTextsAreNumbers(Changes):
    """Exact, and for a mapping that takes a point for the sign of thousands a thousand times too large."""

    fails, of = "decimal under every locale", pa.decimal128(38, 10)

    def change(self, value: Any) -> Any:
        return format(value, "f")


class WritesFloatsAsTexts(Changes):
    fails, of = "float under every locale", pa.float64()

    def change(self, value: Any) -> Any:
        return repr(value)


class WritesWholeNumbersWithDecimals(Changes):
    fails, of = "integer under every locale", pa.int64()

    def change(self, value: Any) -> Any:
        return f"{value}.0"


class SaysNotThatJsonMayBeANumber(Changes):
    fails = "json under every locale"

    def stored(self, selection: Selection) -> Stored:
        found = super().stored(selection)
        return replace(found, columns=tuple(replace(c, numbers=False) for c in found.columns))


class SaysOfTextsThatTheyAreNumbers(Changes):
    fails = "text under every locale"

    def stored(self, selection: Selection) -> Stored:
        found = super().stored(selection)
        columns = tuple(replace(c, numbers=True) if c.arrow == self.of else c for c in found.columns)
        return replace(found, columns=columns)


# ------------------------------------------------------------------------------------------------------------ tallying


class CountsForItself(Hostile):
    """Base: its server counts, and sums whole numbers and decimals."""

    @contextlib.contextmanager
    def read_tallied(
        self, selection: Selection, chunk: SourceChunk, columns: Sequence[str]
    ) -> Iterator[tuple[Iterator[pa.RecordBatch], Callable[[], Tally]]]:
        table = self.stored(selection)

        def tally() -> Tally:
            rows = self.counted(selection, table, chunk)
            found = {name: [row[self.place(table, name)] for row in rows] for name in columns}
            return Tally(rows=len(rows), columns={n: self.summed(v) for n, v in found.items()}, at_once=True)

        with self.read(selection, chunk) as batches:
            yield batches, tally

    def counted(self, selection: Selection, table: Stored, chunk: SourceChunk) -> list[tuple[Any, ...]]:
        return self.chosen(selection, table, chunk)

    def summed(self, values: Sequence[Any]) -> ColumnTally:
        there = [value for value in values if value is not None]
        is_exact = all(isinstance(each, int | Decimal) for each in there)
        return ColumnTally(values=len(there), sum=exact_sum(map(Decimal, there)) if is_exact else None)


class LosesWhatItCounts(CountsForItself):
    """Its server counts one row that a chunk does not bring."""

    fails = "tally"

    def batches(self, selection: Selection, table: Stored, chunk: SourceChunk) -> Iterator[pa.RecordBatch]:
        return (batch.slice(1) for batch in super().batches(selection, table, chunk))


class CountsTheWholeTable(CountsForItself):
    fails = "tally"

    def counted(self, selection: Selection, table: Stored, chunk: SourceChunk) -> list[tuple[Any, ...]]:
        del selection, chunk
        return table.rows


class SumsAsFloatingPoint(CountsForItself):
    fails = "tally"

    def summed(self, values: Sequence[Any]) -> ColumnTally:
        found = super().summed(values)
        return found if found.sum is None else replace(found, sum=Decimal(float(found.sum)))


class LosesAllDecimals(CountsForItself):
    fails = "tally"

    def summed(self, values: Sequence[Any]) -> ColumnTally:
        found = super().summed(values)
        return found if found.sum is None else replace(found, sum=found.sum.to_integral_value())


class SumsNothing(CountsForItself):
    """It gives no sum, and its author does not say why."""

    fails = "tally"

    def summed(self, values: Sequence[Any]) -> ColumnTally:
        return replace(super().summed(values), sum=None)


class CountsNulls(CountsForItself):
    fails = "tally"

    def summed(self, values: Sequence[Any]) -> ColumnTally:
        return replace(super().summed(values), values=len(values))


# ------------------------------------------------------------------------------------------------------------- holding


class SwallowsErrors(Hostile):
    fails = "reads left early"

    @contextlib.contextmanager
    def read(self, selection: Selection, chunk: SourceChunk) -> Iterator[Iterator[pa.RecordBatch]]:
        with contextlib.suppress(Exception), super().read(selection, chunk) as stream:
            yield stream


class LeavesFilesOpen(Hostile):
    fails = "reads left early"

    def batches(self, selection: Selection, table: Stored, chunk: SourceChunk) -> Iterator[pa.RecordBatch]:
        self.opened = [*getattr(self, "opened", []), os.open(os.devnull, os.O_RDONLY)]
        return super().batches(selection, table, chunk)

    def close(self) -> None:
        while getattr(self, "opened", []):
            os.close(self.opened.pop())


class IgnoresCancellation(Hostile):
    """Frees the source only after the last batch."""

    fails = "source freed"

    @contextlib.contextmanager
    def read(self, selection: Selection, chunk: SourceChunk) -> Iterator[Iterator[pa.RecordBatch]]:
        server = self.server()
        server.reading += 1

        def stream() -> Iterator[pa.RecordBatch]:
            yield from self.batches(selection, self.stored(selection), chunk)
            server.reading -= 1

        yield stream()


class HoldsEverything(Hostile):
    fails = "memory bounded"

    def batches(self, selection: Selection, table: Stored, chunk: SourceChunk) -> Iterator[pa.RecordBatch]:
        return iter(list(super().batches(selection, table, chunk)))


# ------------------------------------------------------------------------------------------------------------- secrecy


class Leaky(Hostile):
    fails = "no secret told"

    @property
    def password(self) -> str:
        return self.resolve(self.config.password_ref)


class LeaksInErrors(Leaky):
    def error(self, problem: Problem) -> Exception:
        return RetryLater(problem.what, where=f"memory://reader:{self.password}@{self.config.host}")


class LeaksInProblems(Leaky):
    def obstacle(self, table: str | None = None) -> Problem | None:
        found = super().obstacle(table)
        return replace(found, remedy=f"Is {self.password} the password?") if found else None


class LeaksInLocators(Leaky):
    def plan(self, selection: Selection) -> SourcePlan:
        found = super().plan(selection)
        header = base64.b64encode(f"{self.config.user}:{self.password}".encode()).decode()
        changed = (replace(chunk, locator={**chunk.locator, "header": header}) for chunk in found.chunks)
        return replace(found, chunks=tuple(changed))


class LeaksInLogs(Leaky):
    def server(self, table: str | None = None) -> Server:
        logging.getLogger("hostile").debug("connecting with %s", {"password": self.password})
        return super().server(table)


class LeaksInRepr(Leaky):
    def __repr__(self) -> str:
        return f"Memory({self.config.host}, {self.password})"


class LeaksInCauses(Leaky):
    """The error is clean, what it came from is not."""

    def server(self, table: str | None = None) -> Server:
        try:
            return super().server(table)
        except HeadwaterError as error:
            raise error from ConnectionError(f"password={self.password}")
