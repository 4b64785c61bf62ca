"""A worker's hands on the queue: it ends and puts back only rows that are its own still.

procrastinate goes by a row's id alone, so that a worker that was silent for too long would take away the row that
another works on by now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from procrastinate.manager import JobManager

from headwater.store.queue import FINISH, PUT_BACK
from headwater.telemetry import get_logger

if TYPE_CHECKING:
    from datetime import datetime

    from procrastinate.jobs import Job, Status


class OwnRows(JobManager):
    """What a worker does with rows of the queue that it has taken."""

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:  # noqa: ARG002, FBT001 - as it is called
        """Take a row out of the queue, however it ended: what became of the job stands in the table of jobs."""
        self._say(job, await self.connector.execute_query_one_async(FINISH, job_id=job.id, worker_id=job.worker_id))

    async def retry_job(
        self,
        job: Job,
        retry_at: datetime | None = None,
        priority: int | None = None,  # noqa: ARG002 - as it is called
        queue: str | None = None,  # noqa: ARG002
        lock: str | None = None,  # noqa: ARG002
    ) -> None:
        """Put a row back, for then or, where somebody wants its end meanwhile, for now."""
        values = {"job_id": job.id, "worker_id": job.worker_id, "retry_at": retry_at}
        self._say(job, await self.connector.execute_query_one_async(PUT_BACK, **values))

    def _say(self, job: Job, found: dict[str, int]) -> None:
        if not found["rows"]:
            get_logger(__name__).warning("a row of the queue is another worker's by now", row=job.id)
