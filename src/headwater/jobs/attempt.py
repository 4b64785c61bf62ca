"""One attempt at a job, in a process of its own: begun, carried out, ended or put off.

The process is forked by a server that has the libraries loaded, and dies with the worker that asked for it. The worker
interrupts it as Ctrl-C would, and ends the job by what the process has left in the table (`settle`).

A worker that was silent for too long may find its job with another. Each has taken it under a number of its own
(`fence`), which all that it writes carries: only the last one's counts.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
from dataclasses import dataclass, replace
from multiprocessing import connection as waiting
from multiprocessing import parent_process
from typing import TYPE_CHECKING, Any

from headwater.errors import HeadwaterError, RetryLater
from headwater.jobs.work import carry_out
from headwater.services.job_ends import end_job, put_off_job
from headwater.store import jobs
from headwater.telemetry import CORRELATION, bind_context, configure_logging, get_logger

if TYPE_CHECKING:
    from uuid import UUID

    from headwater.services.installation import Installation
    from headwater.store.jobs import Job

FIRST_WAIT, LONGEST_WAIT = 5.0, 900.0
"""Seconds before the second attempt; each after it waits twice as long, up to the longest."""
JITTER = 0.25
OUT_OF_MEMORY = (
    "The system kills what takes too much memory: give workers more, or set memory_limit or chunk_size lower."
)


@dataclass(frozen=True, kw_only=True)
class Why:
    """Why a worker interrupts an attempt."""

    state: str | None  # in which the job ends; None where it is given back to the queue
    message: str


CANCELLED = Why(state="cancelled", message="somebody asked for its end")
TOO_LONG = Why(state="failed", message="it took longer than its time limit")
STOPPING = Why(state=None, message="its worker was stopped")
TAKEN = Why(state=None, message="another worker has taken it")
ENDED = Why(state=None, message="it has ended, and its process is about to")


def main(installation: Installation, job_id: UUID, fence: int) -> None:
    """Attempt a job of the organisation for which `installation` is open; the process's target."""
    os.setpgid(0, 0)  # Ctrl-C in the worker's terminal is the worker's: it says when an attempt is to be interrupted
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # so is whoever stops all processes of a service
    threading.Thread(target=_end_with_worker, daemon=True).start()
    settings = installation.settings
    configure_logging(settings.log_level, settings.log_format)
    try:
        with installation.database.connect(installation.tenant_id) as connection:
            job = jobs.begin(connection, installation.tenant_id, job_id, fence)
        if job is None:
            return
        correlation = job.correlation_id or job_id.hex
        with bind_context(tenant_id=str(installation.tenant_id), job_id=str(job_id), **{CORRELATION: correlation}):
            get_logger(__name__).info("job begun", kind=job.kind, attempt=job.attempts)
            database = installation.database.for_job(job_id, job.asked_by, fence)
            attempt(replace(installation, database=database), job)
    except KeyboardInterrupt:
        sys.exit(130)
    except HeadwaterError as error:  # what became of it could not be written: the worker tries to, or another does
        get_logger(__name__).warning("an attempt ends without a word", job_id=str(job_id), error=str(error))
        sys.exit(1)


def attempt(installation: Installation, job: Job) -> None:
    """Carry a job out and end it, or put it off where what failed may pass by itself."""
    if job.cancel_asked_at is not None:
        end_job(installation, job, "cancelled", None)
        return
    if job.attempts > job.most_attempts:  # workers that were killed beside their attempts could not count
        times = f"{job.most_attempts} attempts came to no end: each time the worker itself was gone in the middle"
        end_job(installation, job, "failed", {"kind": "Stopped", "what": times, "remedy": OUT_OF_MEMORY})
        return
    try:
        done = carry_out(installation, job)
    except RetryLater as passing:
        put_off(installation, job, passing)
    except HeadwaterError as stopped:
        end_job(installation, job, "failed", told(stopped))
    except Exception as unforeseen:  # noqa: BLE001 - whatever it is, the job has ended, and says of what
        get_logger(__name__).exception("a job failed of something unforeseen")
        kind = type(unforeseen).__name__  # what it says may quote a value, and is for the log alone
        end_job(installation, job, "failed", {"kind": kind, "what": f"{kind}, which nobody has foreseen: see the log"})
    else:
        error = told(done.error) if done.error else None
        end_job(installation, job, done.state, error, without_run=done.without_run, result=done.result)
        get_logger(__name__).info("job ended", state=done.state)


def put_off(installation: Installation, job: Job, error: RetryLater) -> None:
    """Another attempt later, each time after twice as long, or when whoever refused has said; failed after the last."""
    spread = random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - spreads load
    if error.is_held:  # it has not even begun, and another is at work there: no attempt of its own
        put_off_job(installation, job, seconds=FIRST_WAIT * spread, error=told(error), counts=False)
        return
    if job.attempts >= job.most_attempts:
        end_job(installation, job, "failed", told(error))
        return
    seconds = min(FIRST_WAIT * 2 ** (job.attempts - 1), LONGEST_WAIT) * spread
    if error.after is not None:
        seconds = min(error.after, LONGEST_WAIT)
    put_off_job(installation, job, seconds=seconds, error=told(error))


def settle(
    installation: Installation, job_id: UUID, why: Why | None, exit_code: int | None, *, fence: int
) -> float | None:
    """End a job by what its attempt has left: seconds until the next attempt, or None where there will be none.

    why: what the attempt was interrupted for, if it was. Where another worker has taken the job it is left to that.
    """
    with installation.database.connect(installation.tenant_id) as connection:
        job = jobs.get_job(connection, installation.tenant_id, job_id)
    if job.has_ended or job.fence != fence:
        return None
    if job.cancel_asked_at is not None:  # the queue hears no wish to cancel while its worker stops
        end_job(installation, job, CANCELLED.state or "cancelled", None)
        return None
    if why is not None and why.state is not None and (why is CANCELLED or job.state == "running"):
        error = None if why is CANCELLED else {"kind": "Stopped", "what": why.message}
        end_job(installation, job, why.state, error)
        return None
    if job.state == "running":
        lost = {"kind": "Stopped", "what": why.message} if why else _lost(exit_code)
        if why is None and job.attempts >= job.most_attempts:
            end_job(installation, job, "failed", lost)
            return None
        put_off_job(installation, job, seconds=0.0, error=lost, counts=why is None)
        return 0.0
    if job.not_before is None:
        return FIRST_WAIT  # its process ended before it had begun
    with installation.database.connect(installation.tenant_id) as connection:
        return jobs.seconds_left(connection, installation.tenant_id, job_id)


def _lost(exit_code: int | None) -> dict[str, Any]:
    """Of what the process of an attempt has ended without a word."""
    if exit_code != -signal.SIGKILL:
        return {"kind": "Stopped", "what": f"its process ended with {exit_code}"}
    return {"kind": "Stopped", "what": "its process was killed", "remedy": OUT_OF_MEMORY}


def told(error: HeadwaterError) -> dict[str, Any]:
    """The facts of an error, as commands tell them."""
    return {
        "kind": type(error).__name__,
        "what": error.what,
        "where": error.where,
        "value": None if error.value is None else str(error.value)[:200],
        "valid": error.valid,
        "remedy": error.remedy,
    }


def _end_with_worker() -> None:
    """An attempt whose worker is gone would hold the run against the worker that takes the job up again."""
    worker = parent_process()
    if worker is not None:
        waiting.wait([worker.sentinel])
        os.kill(os.getpid(), signal.SIGKILL)
