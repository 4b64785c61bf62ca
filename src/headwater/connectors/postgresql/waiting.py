"""Calls that may never come back, as libpq's do over a connection that is up and silent: waited for a limited time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, wait
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

T = TypeVar("T")


class NoAnswer(Exception):
    """A call has not come back in its time. It goes on by itself, and nothing more is to be asked meanwhile."""


class Caller:
    """A thread that makes one call after another, so that whoever wants the answer can give up waiting for it.

    The thread ends with the last call. One that never comes back keeps it, and no process from ending.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._calls: SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = SimpleQueue()
        self._latest: Future[Any] | None = None
        Thread(target=self._work, name="postgresql", daemon=True).start()

    @property
    def is_waiting(self) -> bool:
        """Whether a call has not come back: its time was up, or whoever waited was interrupted."""
        return self._latest is not None and not self._latest.done()

    def ask(self, call: Callable[[], T]) -> T:
        """What the call gives or raises; NoAnswer once its time is up."""
        answer = self._begin(call)
        if not wait([answer], self._seconds).done:
            raise NoAnswer
        return answer.result()

    def end(self, call: Callable[[], object], seconds: float) -> None:
        """Make the last call once the one before has come back, and wait so long for it. What it raises is let go."""
        answer = self._begin(call)
        self._calls.put(None)
        wait([answer], seconds)

    def _begin(self, call: Callable[[], T]) -> Future[T]:
        answer: Future[T] = Future()
        self._latest = answer
        self._calls.put((call, answer))
        return answer

    def _work(self) -> None:
        while (asked := self._calls.get()) is not None:
            call, answer = asked
            try:
                answer.set_result(call())
            except BaseException as error:  # noqa: BLE001 - it is raised where the answer is taken
                answer.set_exception(error)
            del call, answer, asked
