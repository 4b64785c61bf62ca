"""Which requests that read are worked on just now.

Most of a short request is Python, of which one thread runs at a time. Many at once change places with every question to
the database, each waits for all others, and all end late: a few at once, in the order they came, end sooner.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

AT_ONCE = 3
SECONDS = 0.25
"""Who takes longer waits for the database mostly, and keeps nobody else waiting: the next has its turn."""


class Turns:
    """Of one process and its event loop."""

    def __init__(self, at_once: int = AT_ONCE, seconds: float = SECONDS) -> None:
        self._places = asyncio.Semaphore(at_once)
        self._seconds = seconds

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """One request's, from when it comes to be worked on."""
        await self._places.acquire()
        own = [self._places]

        def give_back() -> None:
            while own:
                own.pop().release()

        lasts = asyncio.get_running_loop().call_later(self._seconds, give_back)
        try:
            yield
        finally:
            lasts.cancel()
            give_back()
