"""A worker's hands on the queue: it ends and puts back only rows that are its own still.

procrastinate goes by a row's id alone, so that a worker that was silent for too long would take away the row that
another works on by now.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from procrastinate.exceptions import ConnectorException
from procrastinate.manager import JobManager

from headwater.store.queue import FINISH, PUT_BACK
from headwater.telemetry import get_logger

if TYPE_CHECKING:
    from datetime import datetime

    from procrastinate.jobs import Job, Status

TRIES, AGAIN_AFTER = 5, 2.0
"""A write that meets a database that goes away is tried again after so many seconds, and each try waits for it. Away
for longer than that, its worker gives no sign of life either, and others take up what it had in hand."""


class OwnRows(JobManager):
    """What a worker does with rows of the queue that it has taken."""

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:  # noqa: ARG002, FBT001 - as it is called
        """Take a row out of the queue, however it ended: what became of the job stands in the table of jobs."""
        await self._write(job, FINISH)

    async def retry_job(
        self,
        job: Job,
        retry_at: datetime | None = None,
        priority: int | None = None,  # noqa: ARG002 - as it is called
        queue: str | None = None,  # noqa: ARG002
        lock: str | None = None,  # noqa: ARG002
    ) -> None:
        """Put a row back, for then or, where somebody wants its end meanwhile, for now."""
        await self._write(job, PUT_BACK, retry_at=retry_at, attempts=job.attempts)

    async def _write(self, job: Job, query: str, **values: Any) -> None:
        """Lost on its way, the row would be at work for as long as its worker lives, and nobody come back to it."""
        values = {"job_id": job.id, "worker_id": job.worker_id, **values}
        for tried in range(1, TRIES + 1):
            try:
                found = await self.connector.execute_query_one_async(query, **values)
            except ConnectorException as error:
                if tried == TRIES:
                    raise
                get_logger(__name__).warning("a row of the queue could not be written", row=job.id, error=str(error))
                await asyncio.sleep(AGAIN_AFTER)
            else:
                if not found["rows"] and tried == 1:  # later, perhaps only the answer was lost before
                    get_logger(__name__).warning("a row of the queue is another worker's by now", row=job.id)
                return
