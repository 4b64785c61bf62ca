"""Chunks read from a source by threads before their turn comes, so that the source's answers are not waited for.

Only what is read is ahead. Whoever asks, asks chunk by chunk in order: tries, waits, the circuit and gaps are decided
there. A chunk that failed ahead has had its first try; nothing more is read ahead until the source answers again.
"""

from __future__ import annotations

from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING, Generic, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

T = TypeVar("T")
Item = TypeVar("Item")


class ReadingAhead(Generic[T]):
    """Reads chunks by number. A context: what is still being read when it is left is given up.

    read      reads one chunk; called by several threads where `ahead` is more than 0
    order     the chunks that will be asked for, in order
    ahead     how many are read before their turn comes
    given_up  set when there is nobody to read for any more: when the context is left, or before by whoever gave it
    """

    def __init__(
        self, read: Callable[[int], T], order: Sequence[int], ahead: int, given_up: Event | None = None
    ) -> None:
        self._read = read
        self._order = order
        self._place = {chunk_no: place for place, chunk_no in enumerate(order)}
        self._ahead = ahead
        self._given_up = given_up or Event()
        self._begun: dict[int, Future[T]] = {}
        self._next = 0
        self._threads: ThreadPoolExecutor | None = None

    def __enter__(self) -> Self:
        self._threads = ThreadPoolExecutor(self._ahead, "ahead") if self._ahead else None
        return self

    def __exit__(self, *_: object) -> None:
        self._given_up.set()
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)

    def take(self, chunk_no: int) -> T:
        """The chunk as it was read ahead, once; read now where it was not, or was taken before."""
        begun = self._begun.pop(chunk_no, None)
        return self._read(chunk_no) if begun is None else begun.result()

    def go_on(self, after: int) -> None:
        """The source has answered for this chunk: those that follow it may be read."""
        if self._threads is None or after not in self._place:
            return
        first = self._place[after] + 1
        for chunk_no in self._order[max(self._next, first) : first + self._ahead]:
            self._begun[chunk_no] = self._threads.submit(self._read, chunk_no)
        self._next = max(self._next, first + self._ahead)

    def until_given_up(self, items: Iterable[Item]) -> Iterator[Item]:
        """These items, for as long as there is somebody to read for."""
        for item in items:
            if self._given_up.is_set():
                raise CancelledError
            yield item
