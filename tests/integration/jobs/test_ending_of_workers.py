"""A worker that ends, and an attempt that does, leave nothing behind, and there is nothing to warn of."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from headwater.jobs.attempt import CANCELLED, ENDED, TAKEN
from headwater.jobs.worker import FORKING, Attempt, Serving, _ended, serve
from headwater.services.job_ends import end_job
from tests.integration.jobs.test_asking import ask, begun
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


def attempt_of(river: River) -> tuple[Attempt, Any]:
    """A worker's side of an attempt that has begun, and the job."""
    job = begun(river.installation, ask(river.installation, river))
    made = Attempt(river.installation, job.job_id, cast("Any", None), Serving(heartbeat=0.05))
    made._fence = job.fence
    return made, job


def test_an_attempt_that_has_ended_its_job_is_not_interrupted(river: River) -> None:
    """Its process exits a moment later; a sign of life that is due between says nothing that nobody did."""
    made, job = attempt_of(river)

    async def watched() -> None:
        lasts = FORKING.Event()
        process = FORKING.Process(target=lasts.wait)
        process.start()
        ended = asyncio.create_task(_ended(process))
        end_job(river.installation, job, "succeeded", None)
        await made._watch(process, ended, None)
        assert (made._why, ended.done(), process.is_alive()) == (ENDED, False, True)
        lasts.set()
        await made._watch(process, ended, None)
        assert (ended.done(), process.exitcode) == (True, 0)

    with capture_logs() as told:
        asyncio.run(watched())
    assert "a job is interrupted" not in [each["event"] for each in told]


@pytest.mark.parametrize("state", ["running", "cancelled", "succeeded"])
def test_what_somebody_asked_to_end_is_told_from_what_came_to_its_own_end(river: River, state: str) -> None:
    made, job = attempt_of(river)
    assert made._beat() is None
    river.change("UPDATE jobs SET cancel_asked_at = now(), cancel_asked_by = 'x' WHERE job_id = %(id)s", id=job.job_id)
    if state != "running":
        end_job(river.installation, job, state, None)
    assert made._beat() is (ENDED if state == "succeeded" else CANCELLED)
    made._fence -= 1
    assert made._beat() is TAKEN
