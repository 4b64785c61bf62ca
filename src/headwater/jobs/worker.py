"""A worker: takes jobs from the queue and has each attempted in a process of its own, until it is told to stop."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from multiprocessing import forkserver, get_context
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from procrastinate import App, BaseRetryStrategy, RetryDecision
from procrastinate.exceptions import ConnectorException
from procrastinate.job_context import AbortReason, JobContext
from procrastinate.worker import Worker

from headwater.errors import HeadwaterError
from headwater.jobs import attempt
from headwater.jobs.attempt import CANCELLED, ENDED, STOPPING, TAKEN, TOO_LONG, Why, settle
from headwater.jobs.own_rows import OwnRows
from headwater.services.jobs import NOTIFICATIONS, SCHEDULES
from headwater.services.notifications.delivering import deliver
from headwater.services.notifications.forgetting import forget_messages
from headwater.services.notifications.stuck import tell_stuck_jobs
from headwater.services.schedules import tick
from headwater.services.uploads.looking import go_on_if_left
from headwater.services.uploads.sweeping import sweep
from headwater.store import jobs
from headwater.store.queue import AT_WORK, GIVE_BACK, HAS_WORK
from headwater.telemetry import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
    from multiprocessing.context import ForkServerProcess

    from procrastinate.jobs import Job as QueuedJob

    from headwater.services.installation import Installation
    from headwater.store.jobs import Taken

Found = TypeVar("Found")
FORKING = get_context("forkserver")
KILL_AFTER = 60.0
"""Seconds that an attempt has to end by itself once it is interrupted, or has ended its job."""
MESSAGES_AT_ONCE = 4
"""A receiver that takes its time keeps few others waiting."""
LOOK_FOR_STUCK = 60.0
"""Seconds between looks at whether jobs at work get on."""
SWEEP_EVERY = 3600.0
"""Seconds between looks at uploads that nobody goes on with, and at messages that are old."""
START_AGAIN_AFTER = 5.0
"""Seconds after which a worker whose database went away tries again."""


@dataclass(frozen=True, kw_only=True)
class Serving:
    """How a worker works.

    queues      those it serves; () for all
    at_once     jobs that it has in hand at the same time
    once        end when there is nothing left to do now
    grace       seconds that jobs in hand have to end once it is told to stop; then they are given back
    heartbeat   seconds between signs of life
    silence     seconds without one after which another worker's jobs are taken up
    until_input_ends  stop too when whoever holds the other end of standard input is gone, killed perhaps
    """

    queues: Sequence[str] = ()
    at_once: int = 1
    once: bool = False
    grace: float = 5.0
    heartbeat: float = 10.0
    silence: float = 30.0
    until_input_ends: bool = False


class Later(Exception):
    """The job is to be tried again after so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"again in {seconds:.0f} s")
        self.seconds = seconds


class AsTold(BaseRetryStrategy):
    """Again when the attempt has said, and never for another reason."""

    def get_retry_decision(self, *, exception: BaseException, job: QueuedJob) -> RetryDecision | None:  # noqa: ARG002
        """By `Later`."""
        return (
            RetryDecision(retry_in={"seconds": max(0, round(exception.seconds))})
            if isinstance(exception, Later)
            else None
        )


async def serve(installation: Installation, serving: Serving) -> None:
    """Work until SIGTERM or Ctrl-C, or with `once` until nothing is left. A database that goes away is waited for."""
    _start_forking()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if serving.until_input_ends:
        _stop_with_input(stop)
    sweeping = [] if serving.once else [asyncio.create_task(each) for each in _sweeps(installation)]
    try:
        while not stop.is_set():
            ended = await _serve_until(stop, installation, serving)
            if ended:
                return
            get_logger(__name__).warning("the worker lost the database and starts again")
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), START_AGAIN_AFTER)
    finally:
        for each in sweeping:
            each.cancel()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def _stop_with_input(stop: asyncio.Event) -> None:
    """Stop as by SIGTERM when standard input ends: it does so however its holder ends, by SIGKILL too."""
    loop, end = asyncio.get_running_loop(), sys.stdin.fileno()

    def look() -> None:
        if not os.read(end, 1024):
            loop.remove_reader(end)
            get_logger(__name__).warning("whoever started the worker is gone: it stops")
            stop.set()

    loop.add_reader(end, look)


def _sweeps(installation: Installation) -> Iterator[Coroutine[Any, Any, None]]:
    """Have what nobody needs any more given up or forgotten, at the start and once an hour."""
    for swept, failed in (
        (sweep, "abandoned uploads could not be swept"),
        (forget_messages, "old messages could not be forgotten"),
    ):
        yield _every(SWEEP_EVERY, partial(asyncio.to_thread, swept, installation), failed=failed)


async def _every(seconds: float, look: Callable[[], Awaitable[object]], *, failed: str) -> None:
    """Look after something for as long as the worker lives, whatever becomes of it this time."""
    while True:
        try:
            await look()
        except (HeadwaterError, ConnectorException) as error:
            get_logger(__name__).warning(failed, error=str(error))
        except Exception:  # noqa: BLE001 - nobody else would look again
            get_logger(__name__).exception(failed)
        await asyncio.sleep(seconds)


def _start_forking() -> None:
    """The server that attempts are forked from, now, so that it has the libraries loaded when the first job comes.

    It ends with this process and not before: who stops a service may send SIGTERM to all of its processes.
    """
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    FORKING.set_forkserver_preload(["__main__", "headwater.jobs.attempt"])
    forkserver.ensure_running()
    signal.signal(signal.SIGTERM, before)


async def _serve_until(stop: asyncio.Event, installation: Installation, serving: Serving) -> bool:
    """Serve until told to stop or done: True. False where the queue could not be reached."""
    app = App(connector=installation.database.queue(connections=serving.at_once + MESSAGES_AT_ONCE + 7))
    app.job_manager = OwnRows(app.connector)
    _add_tasks(app, installation, serving)
    try:
        async with app.open_async():
            # Schedules and messages have workers of their own, so that a long job does not make them late.
            workers = [
                _worker(app, serving, queues=list(serving.queues) or None, at_once=serving.at_once),
                _worker(app, serving, queues=[SCHEDULES], at_once=1),
                _worker(app, serving, queues=[NOTIFICATIONS], at_once=MESSAGES_AT_ONCE),
            ]
            running = [asyncio.create_task(worker.run()) for worker in workers]  # type: ignore[no-untyped-call]
            others = [asyncio.create_task(_look_after(app, workers, serving)), asyncio.create_task(stop.wait())]
            looking = asyncio.create_task(_look_for_stuck(app, installation))
            await asyncio.wait([*running, *others], return_when=asyncio.FIRST_COMPLETED)
            looking.cancel()
            is_done = stop.is_set() or (others[0].done() and others[0].exception() is None)
            for worker in workers:
                worker.stop()  # type: ignore[no-untyped-call]
            for task in others:
                task.cancel()
            await asyncio.gather(*others, looking, return_exceptions=True)
            # The queue's own signs of life end with the order to stop; jobs in hand must not be taken for left behind.
            ended = asyncio.Event()
            beating = asyncio.create_task(_beat(app, workers, serving, ended))
            # Of two workers the one that fails waits for the other: nobody else may take up what that has in hand.
            ends = await asyncio.gather(*running, return_exceptions=True)
            # The last sign may be on its way: cancelled, the driver would warn of a question that was cut off.
            ended.set()
            await beating
            for end in ends:
                if isinstance(end, BaseException):
                    raise end
            return is_done
    except ConnectorException as error:
        get_logger(__name__).warning("the queue cannot be reached", error=str(error))
        return False


async def _beat(app: App, workers: Sequence[Worker], serving: Serving, ended: asyncio.Event) -> None:
    """Signs of life of workers that see to their last jobs, until these have ended. A database that is away is tried
    again.
    """
    while not ended.is_set():
        try:
            for worker in workers:
                if worker.worker_id is not None:
                    await app.job_manager.update_heartbeat(worker.worker_id)
        except ConnectorException as error:
            get_logger(__name__).warning("a sign of life could not be written", error=str(error))
        with suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), serving.heartbeat)


def _worker(app: App, serving: Serving, *, queues: list[str] | None, at_once: int) -> Worker:
    return Worker(
        app,
        queues=queues,
        concurrency=at_once,
        install_signal_handlers=False,
        delete_jobs="always",
        shutdown_graceful_timeout=serving.grace,
        update_heartbeat_interval=serving.heartbeat,
        stalled_worker_timeout=serving.silence,
        fetch_job_polling_interval=min(5.0, serving.heartbeat),
    )


async def _look_after(app: App, workers: Sequence[Worker], serving: Serving) -> None:
    """Take up what silent workers left, for as long as these live; with `once` until nothing is left to do."""
    loop = asyncio.get_running_loop()
    queues = [*serving.queues, SCHEDULES, NOTIFICATIONS] if serving.queues else None
    look_at = loop.time()
    while True:
        ids = [worker.worker_id for worker in workers]
        if loop.time() >= look_at and None not in ids:
            look_at = loop.time() + serving.heartbeat
            found = await app.connector.execute_query_one_async(GIVE_BACK, seconds=serving.silence, own=ids)
            if found["given_back"]:
                get_logger(__name__).warning("jobs of silent workers are taken up", jobs=found["given_back"])
        if serving.once and None not in ids:
            left = await app.connector.execute_query_one_async(HAS_WORK, queues=queues, workers=ids)
            if not left["has_work"]:
                return
        await asyncio.sleep(0.1 if serving.once else serving.heartbeat)


async def _look_for_stuck(app: App, installation: Installation) -> None:
    """Have channels told of jobs that do not get on, whichever worker is at them."""

    async def look() -> None:
        for found in await app.connector.execute_query_all_async(AT_WORK):
            opened = replace(installation, tenant_id=UUID(found["tenant_id"]))
            await asyncio.to_thread(tell_stuck_jobs, opened, now=datetime.now(UTC))

    await asyncio.sleep(LOOK_FOR_STUCK)
    await _every(LOOK_FOR_STUCK, look, failed="jobs at work could not be looked at")


def _add_tasks(app: App, installation: Installation, serving: Serving) -> None:
    @app.task(name="carry_out", retry=AsTold(), pass_context=True)
    async def carry_out(context: JobContext, tenant_id: str, id: str) -> None:  # noqa: A002 - as the queue has it
        opened = replace(installation, tenant_id=UUID(tenant_id))
        try:
            seconds = await Attempt(opened, UUID(id), context, serving).run()
        except Exception as unforeseen:
            get_logger(__name__).exception("a job could not be attempted", job_id=id)
            raise Later(attempt.FIRST_WAIT) from unforeseen
        if seconds is not None:
            raise Later(seconds)

    @app.task(name="tick", queue=SCHEDULES, retry=AsTold(), pass_context=True)
    async def see_to_schedule(context: JobContext, tenant_id: str, id: str) -> None:  # noqa: A002 - as the queue has it
        opened = replace(installation, tenant_id=UUID(tenant_id))
        try:
            await _to_its_end(tick, opened, UUID(id), queue_id=context.job.id, now=datetime.now(UTC))
        except Exception as unforeseen:
            get_logger(__name__).exception("a schedule could not be seen to", schedule_id=id)
            raise Later(attempt.FIRST_WAIT) from unforeseen

    @app.task(name="deliver", queue=NOTIFICATIONS, retry=AsTold())
    async def send_message(tenant_id: str, id: str) -> None:  # noqa: A002 - as the queue has it
        opened = replace(installation, tenant_id=UUID(tenant_id))
        try:
            seconds = await _to_its_end(deliver, opened, UUID(id), now=datetime.now(UTC))
        except Exception as unforeseen:
            get_logger(__name__).exception("a message could not be seen to", delivery_id=id)
            raise Later(attempt.FIRST_WAIT) from unforeseen
        if seconds is not None:
            raise Later(seconds)

    _add_going_on(app, installation)


def _add_going_on(app: App, installation: Installation) -> None:
    @app.task(name="go_on", queue=SCHEDULES, retry=AsTold())
    async def see_to_import(tenant_id: str, id: str) -> None:  # noqa: A002 - as the queue has it
        opened = replace(installation, tenant_id=UUID(tenant_id))
        try:
            seconds = await _to_its_end(go_on_if_left, opened, UUID(id))
        except Exception as unforeseen:
            get_logger(__name__).exception("a file that was sent could not be seen to", import_id=id)
            raise Later(attempt.LONGEST_WAIT) from unforeseen
        if seconds is not None:
            raise Later(seconds)


async def _to_its_end(work: Callable[..., Found], *given: Any, **named: Any) -> Found:
    """Do it in a thread. A worker that ends waits for it: what became of it decides whether it stays in the queue."""
    working = asyncio.create_task(asyncio.to_thread(work, *given, **named))
    while not working.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait({working})
    return working.result()


class Attempt:
    """The worker's side of one attempt: starts its process, watches over it, interrupts it where it must."""

    def __init__(self, installation: Installation, job_id: UUID, context: JobContext, serving: Serving) -> None:
        self._installation = installation
        self._job_id = job_id
        self._context = context
        self._serving = serving
        self._why: Why | None = None
        self._fence = 0

    async def run(self) -> float | None:
        """Until the process has ended; seconds until the next attempt, None where the job has ended."""
        taking = asyncio.create_task(asyncio.to_thread(self._take))
        await self._uninterrupted(taking)
        self._fence, limit = taking.result().fence, taking.result().time_limit
        process: ForkServerProcess = FORKING.Process(
            target=attempt.main, args=(self._installation, self._job_id, self._fence), name=f"job {self._job_id}"
        )
        starting = asyncio.create_task(asyncio.to_thread(process.start))
        await self._uninterrupted(starting)
        ended = asyncio.create_task(_ended(process))
        if self._why is not None:
            self._interrupt(process, self._why)
        deadline = None if limit is None else asyncio.get_running_loop().time() + limit
        while not ended.done():
            await self._watch(process, ended, deadline)
        exit_code = process.exitcode
        process.close()
        settling = asyncio.create_task(
            asyncio.to_thread(settle, self._installation, self._job_id, self._why, exit_code, fence=self._fence)
        )
        await self._uninterrupted(settling)
        return settling.result()

    async def _watch(self, process: ForkServerProcess, ended: asyncio.Task[None], deadline: float | None) -> None:
        """Until the next sign of life is due; an interrupted process that does not end is killed."""
        now = asyncio.get_running_loop().time()
        rest = self._serving.heartbeat if deadline is None else min(self._serving.heartbeat, max(0.0, deadline - now))
        if self._why is not None:
            rest = KILL_AFTER
        try:
            await asyncio.wait({ended}, timeout=rest)
            if ended.done():
                return
            if self._why is not None:
                process.kill()
            elif deadline is not None and asyncio.get_running_loop().time() >= deadline:
                self._interrupt(process, TOO_LONG)
            elif (why := await asyncio.to_thread(self._beat)) is not None:
                self._interrupt(process, why)
        except asyncio.CancelledError:
            if self._why is None:  # what it was interrupted for first decides how the job ends
                self._interrupt(process, self._reason())

    async def _uninterrupted(self, task: asyncio.Task[Any]) -> None:
        """Until it is done, whatever the queue wants meanwhile: that is kept for later."""
        while not task.done():
            try:
                await asyncio.wait({task})
            except asyncio.CancelledError:
                self._why = self._why or self._reason()
        task.result()

    def _reason(self) -> Why:
        return CANCELLED if self._context.abort_reason() == AbortReason.USER_REQUEST else STOPPING

    def _interrupt(self, process: ForkServerProcess, why: Why) -> None:
        """Have it end by itself: from now on it is waited for only. Of what has ended nobody interrupts anything."""
        self._why = why
        if process.pid is not None and why is not ENDED:
            with suppress(ProcessLookupError):  # it ended a moment ago, which is not noticed yet
                os.kill(process.pid, signal.SIGINT)
            get_logger(__name__).warning("a job is interrupted", job_id=str(self._job_id), why=why.message)

    def _take(self) -> Taken:
        with self._installation.database.connect(self._installation.tenant_id) as connection:
            return jobs.take(connection, self._installation.tenant_id, self._job_id)

    def _beat(self) -> Why | None:
        """Why the job is to end, if it is. A database that is away for a moment is no reason to stop."""
        try:
            with self._installation.database.connect(self._installation.tenant_id) as connection:
                found = jobs.beat(connection, self._installation.tenant_id, self._job_id, self._fence)
        except HeadwaterError as error:
            get_logger(__name__).warning(
                "a sign of life could not be written", job_id=str(self._job_id), error=str(error)
            )
            return None
        return {None: TAKEN, "unwanted": CANCELLED, "ended": ENDED, "wanted": None}[found]


async def _ended(process: ForkServerProcess) -> None:
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    loop.add_reader(process.sentinel, over.set)
    try:
        await over.wait()
    finally:
        loop.remove_reader(process.sentinel)
    process.join()
