"""A run, chunk by chunk: read ahead, transform, and write behind, with commits in the order of the plan.

Reader and writer each have a thread; the engine works on the caller's. At most one chunk waits on either side, so that
memory is that of a few chunks whatever the size of the source.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING, Protocol, TypeVar

from headwater.errors import HeadwaterError, RetryLater, Stopped
from headwater.telemetry import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Executor

    from headwater.connectors.csv_file import ChunkSpan
    from headwater.pipeline.ports import ChunkStore
    from headwater.pipeline.prepare import Preparation
    from headwater.pipeline.work import ReadChunk, Written
    from headwater.pipeline.writer import ChunkWriter

RETRY_AFTER_SECONDS = (2.0, 4.0, 8.0)
T = TypeVar("T")


class Progress(Protocol):
    """Told of each chunk that is done."""

    def advance(self, records: int) -> None:
        """So many more of the planned records are done."""


@dataclass(kw_only=True)
class Outcome:
    """How a run ended: chunks committed now, and gaps with their errors."""

    committed: int = 0
    failed: dict[int, HeadwaterError] = field(default_factory=dict)


class ChunkRun:
    """Takes the open chunks of one run through reader, engine and writer."""

    def __init__(self, *, preparation: Preparation, writer: ChunkWriter, store: ChunkStore, progress: Progress) -> None:
        self._preparation = preparation
        self._writer = writer
        self._store = store
        self._progress = progress
        self._outcome = Outcome()
        self._given_up = Event()

    def execute(self, spans: Sequence[ChunkSpan]) -> Outcome:
        """Bring the chunks in, in order. A chunk whose input is refused is a gap and the rest goes on.

        `Stopped` ends the run, and so does `RetryLater` once trying again did not help: a gap of its making would be
        filled after later records have come in, and which record of a key came first would hang on an accident. So does
        Ctrl-C, at once: whoever waits for the source, or to try again, waits no longer.
        """
        with ThreadPoolExecutor(1, "reader") as reader, ThreadPoolExecutor(1, "writer") as writer:
            try:
                self._each(spans, reader, writer)
            except BaseException:
                self._given_up.set()
                reader.shutdown(wait=False, cancel_futures=True)
                self._preparation.give_up()
                raise
        return self._outcome

    def _each(self, spans: Sequence[ChunkSpan], reader: Executor, writer: Executor) -> None:
        behind: tuple[ChunkSpan, Future[Written]] | None = None
        ahead = [reader.submit(self._preparation.read, span) for span in spans[:1]]
        for number, span in enumerate(spans):
            following = spans[number + 1 : number + 2]
            reading, ahead = ahead, [reader.submit(self._preparation.read, each) for each in following]
            try:
                write = self._ready_to_write(reading[0])
            except HeadwaterError as error:
                self._settle(behind)
                behind = None
                self._fail(span, error)
                continue
            self._settle(behind)
            behind = (span, writer.submit(self._retried, write))
        self._settle(behind)

    def _ready_to_write(self, reading: Future[ReadChunk]) -> Callable[[], Written]:
        chunk = reading.result()
        earlier = chunk.earlier
        if earlier is not None:
            return lambda: self._writer.reuse(chunk, earlier)
        prepared = self._retried(lambda: self._preparation.prepare(chunk))
        return lambda: self._writer.write(prepared)

    def _settle(self, behind: tuple[ChunkSpan, Future[Written]] | None) -> None:
        """Wait for the chunk being written; one whose ground moved meanwhile is done again in full."""
        if behind is None:
            return
        span, writing = behind
        try:
            written = writing.result()
            if written.stale:
                prepared = self._retried(
                    lambda: self._preparation.prepare(self._preparation.read(span, afresh=True), afresh=True)
                )
                written = self._retried(lambda: self._writer.write(prepared))
        except HeadwaterError as error:
            self._fail(span, error)
            return
        self._outcome.committed += written.committed
        get_logger(__name__).info("chunk committed", chunk_no=span.chunk_no, records=span.records)
        self._progress.advance(span.records)

    def _fail(self, span: ChunkSpan, error: HeadwaterError) -> None:
        if isinstance(error, RetryLater | Stopped):
            raise error
        self._outcome.failed[span.chunk_no] = error
        get_logger(__name__).info("chunk failed", chunk_no=span.chunk_no, kind=type(error).__name__)
        self._store.fail(span.chunk_no, error)

    def _retried(self, attempt: Callable[[], T]) -> T:
        """Try again what may pass by itself; the last error stands."""
        for seconds in RETRY_AFTER_SECONDS:
            try:
                return attempt()
            except RetryLater:
                if self._given_up.wait(seconds):
                    raise
        return attempt()
