"""A run goes on where something passes by itself, also where a chunk's ground has moved under it."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.connectors.csv_file import ChunkSpan
from headwater.errors import RetryLater
from headwater.pipeline import run
from headwater.pipeline.work import ReadChunk, Written
from headwater.telemetry import SilentProgress

SPAN = ChunkSpan(chunk_no=1, byte_start=0, byte_end=1, first_record=1, first_line=2, records=1)


class LosesItsConnectionOnce:
    """Reads and prepares a chunk; the first preparation afresh meets a connection that is gone."""

    def __init__(self) -> None:
        self.asked: list[bool] = []

    def read(self, span: ChunkSpan, *, afresh: bool = False) -> ReadChunk:  # noqa: ARG002  as the real one
        return ReadChunk(span=span, raw_sha256=b"", raw=None)

    def prepare(self, chunk: ReadChunk, *, afresh: bool = False) -> ReadChunk:
        self.asked.append(afresh)
        if self.asked == [False, True]:
            raise RetryLater("the connection is gone")
        return chunk


class FindsTheFirstStale:
    """A writer for which what the first attempt relied on has changed."""

    def __init__(self) -> None:
        self.written = 0

    def write(self, _: Any) -> Written:
        self.written += 1
        return Written(committed=self.written == 2, stale=self.written == 1)


def test_a_chunk_whose_ground_moved_is_prepared_again_though_the_connection_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run, "RETRY_AFTER_SECONDS", (0.0,))
    preparation: Any = LosesItsConnectionOnce()
    writer: Any = FindsTheFirstStale()
    store: Any = None
    work = run.ChunkRun(preparation=preparation, writer=writer, store=store, progress=SilentProgress())

    outcome = work.execute([SPAN])
    assert (outcome.committed, outcome.failed) == (1, {})
    assert preparation.asked == [False, True, True]
