"""What a worker looks after now and then."""

from __future__ import annotations

import asyncio

from headwater.errors import RetryLater
from headwater.jobs.worker import _every


def test_what_goes_wrong_once_does_not_end_the_looking() -> None:
    failures: list[Exception] = [ValueError("a folder"), RetryLater("away"), OSError("a disk")]

    async def looking() -> None:
        again = asyncio.Event()

        async def look() -> None:
            if failures:
                raise failures.pop()
            again.set()

        task = asyncio.create_task(_every(0.0, look, failed="it could not be looked at"))
        waiting = asyncio.create_task(again.wait())
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        assert not task.done()
        task.cancel()

    asyncio.run(looking())
    assert failures == []
