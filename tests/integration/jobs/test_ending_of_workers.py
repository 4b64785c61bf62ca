"""A worker that ends leaves nothing behind in its process, and has nothing to warn of."""

from __future__ import annotations

import asyncio

import pytest

from headwater.jobs.worker import Serving, serve
from tests.river import River

TIMES = 5
"""Whether a last sign of life is on its way when a worker ends differs from time to time."""


def test_a_worker_that_ends_waits_for_its_last_sign_of_life(river: River, caplog: pytest.LogCaptureFixture) -> None:
    async def left() -> set[str]:
        before = asyncio.all_tasks()
        await serve(river.installation, Serving(once=True, heartbeat=0.5))
        return {str(task.get_coro()) for task in asyncio.all_tasks() - before}

    for _ in range(TIMES):
        assert asyncio.run(left()) == set()
    assert [record.message for record in caplog.records if record.name.startswith("psycopg")] == []
