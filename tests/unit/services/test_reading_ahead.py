"""Chunks read before their turn: side by side, no further than said, each once, none where nobody waits for it."""

from __future__ import annotations

from concurrent.futures import CancelledError
from itertools import repeat
from threading import Barrier, Event

import pytest

from headwater.errors import RetryLater
from headwater.services.connectors.reading_ahead import ReadingAhead

SECONDS = 10


class Source:
    """Notes which chunks it was asked for; those in `failing` fail as often as it says."""

    def __init__(self, **failing: int) -> None:
        self.asked: list[int] = []
        self._failing = {int(name.removeprefix("chunk_")): times for name, times in failing.items()}

    def read(self, chunk_no: int) -> str:
        self.asked.append(chunk_no)
        if self._failing.get(chunk_no, 0):
            self._failing[chunk_no] -= 1
            raise RetryLater("the connection was lost")
        return f"chunk {chunk_no}"


def test_what_follows_an_answer_is_read_side_by_side_and_taken_once() -> None:
    met = Barrier(2, timeout=SECONDS)
    asked: list[int] = []

    def read(chunk_no: int) -> int:
        asked.append(chunk_no)
        if chunk_no in {2, 3}:
            met.wait()  # passes only when both are read at the same time
        return chunk_no * 10

    with ReadingAhead(read, [1, 2, 3, 4], ahead=2) as ahead:
        assert ahead.take(1) == 10
        assert asked == [1]
        ahead.go_on(after=1)
        assert [ahead.take(2), ahead.take(3)] == [20, 30]
        assert sorted(asked) == [1, 2, 3]
        ahead.go_on(after=3)
        assert ahead.take(4) == 40
        ahead.go_on(after=4)
    assert sorted(asked) == [1, 2, 3, 4]


def test_a_chunk_that_failed_ahead_has_had_its_first_try_and_nothing_is_read_beyond_it() -> None:
    source = Source(chunk_2=1)
    with ReadingAhead(source.read, [1, 2, 3, 4, 5], ahead=1) as ahead:
        ahead.take(1)
        ahead.go_on(after=1)
        with pytest.raises(RetryLater):
            ahead.take(2)
        assert source.asked == [1, 2]
        assert ahead.take(2) == "chunk 2"
        assert source.asked == [1, 2, 2]


def test_chunks_not_said_to_follow_are_read_when_asked_for() -> None:
    source = Source()
    with ReadingAhead(source.read, [1, 2], ahead=3) as ahead:
        assert ahead.take(9) == "chunk 9"
        ahead.go_on(after=9)
    assert source.asked == [9]


def test_what_nobody_waits_for_is_given_up() -> None:
    begun = Event()
    stopped: list[int] = []

    def read(chunk_no: int) -> int:
        if chunk_no == 1:
            return 1
        try:
            for _ in ahead.until_given_up(repeat("a batch, again and again")):
                begun.set()
        except CancelledError:
            stopped.append(chunk_no)
            raise
        return chunk_no

    with ReadingAhead(read, [1, 2, 3], ahead=1) as ahead:
        ahead.take(1)
        ahead.go_on(after=1)
        assert begun.wait(SECONDS)
    assert stopped == [2]
