"""What is done after the answer, so that neither the answer nor the time it takes tells what comes of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

from headwater.errors import HeadwaterError
from headwater.telemetry import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

AT_ONCE, MOST_WAITING = 2, 200


class Afterwards:
    """A few threads of this process; what more than so many wait for is left out, and the log says so."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="afterwards")
        self._places = BoundedSemaphore(MOST_WAITING)

    def __call__(self, work: Callable[[], None]) -> None:
        """Have it done; with the correlation id of whoever asks."""
        if not self._places.acquire(blocking=False):
            get_logger(__name__).warning("too much waits to be done after answers: this is left out")
            return
        self._threads.submit(copy_context().run, self._do, work).add_done_callback(lambda _: self._places.release())

    def close(self) -> None:
        """Wait for what is begun; what is not is given up."""
        self._threads.shutdown(cancel_futures=True)

    def _do(self, work: Callable[[], None]) -> None:
        try:
            work()
        except HeadwaterError as error:
            get_logger(__name__).warning("what was to be done after an answer was not", error=str(error))
        except Exception:  # noqa: BLE001 - whatever it is, nobody waits for it: the log has it
            get_logger(__name__).exception("what was to be done after an answer failed of something unforeseen")
