"""A job that another worker has taken, and rows of the queue that somebody lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg
import pytest
from procrastinate import App
from procrastinate.jobs import Status

from headwater.errors import RetryLater, Stopped
from headwater.jobs.attempt import attempt, put_off, settle
from headwater.jobs.own_rows import OwnRows
from headwater.jobs.worker import Serving, _beat
from headwater.services import schedules
from headwater.services.imports import file_recipe, plan_file
from headwater.services.installation import Installation
from headwater.services.job_ends import end_job
from headwater.services.jobs import AT_ONCE, Manner, ask_recipe, ask_resume, cancel_job, retry_job
from headwater.services.verification import verify
from headwater.store import jobs, runs
from headwater.store.queue import GIVE_BACK
from headwater.telemetry import SilentProgress
from tests.integration.jobs.test_asking import ask, begun, job_of, take
from tests.integration.jobs.test_schedules import NOW, Planner
from tests.river import River, activities

pytestmark = pytest.mark.server
DROP_ROWS = "DELETE FROM headwater_queue.procrastinate_jobs"


def test_what_a_late_worker_writes_counts_no_more(river: River) -> None:
    installation, tenant_id = river.installation, river.installation.tenant_id
    path = river.folder / "meters.csv"
    path.write_text(activities([{"activity_id": "a"}]))
    run_id = plan_file(installation, path, river.mapping("activity_form"))
    job_id = ask_resume(installation, str(run_id))
    late = begun(installation, job_id)
    theirs = replace(installation, database=installation.database.for_job(job_id, late.asked_by, late.fence))
    connection = theirs.database.connect(tenant_id)
    runs.hold_run(connection, tenant_id, run_id)
    runs.finish_run(connection, tenant_id, run_id, "failed")
    job = begun(installation, job_id)  # by another worker: what is not committed by now is undone, and the hold let go
    with pytest.raises(psycopg.OperationalError):
        connection.commit()
    with installation.database.connect(tenant_id) as connection:
        runs.hold_run(connection, tenant_id, run_id)
    with pytest.raises(Stopped, match="another worker has taken this job"):
        theirs.database.connect(tenant_id)

    end_job(installation, late, "failed", None)
    put_off(installation, late, RetryLater("away"))
    assert settle(installation, job_id, None, -9, fence=late.fence) is None
    with installation.database.connect(tenant_id) as connection:
        assert jobs.begin(connection, tenant_id, job_id, late.fence) is None
        assert jobs.beat(connection, tenant_id, job_id, late.fence) is None
        assert jobs.beat(connection, tenant_id, job_id, job.fence) == "wanted"
    now = job_of(installation, job_id)
    assert (now.state, now.attempts, now.error, now.not_before) == ("running", 2, None, None)
    assert river.rows("SELECT state FROM runs WHERE run_id = %(run)s", run=run_id) == [{"state": "pending"}]
    end_job(installation, job, "succeeded", None)
    assert job_of(installation, job_id).state == "succeeded"


def test_who_waits_for_another_s_hold_loses_no_attempt_and_takes_no_worker(
    river: River, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation, tenant_id = river.installation, river.installation.tenant_id
    path = river.folder / "meters.csv"
    path.write_text(activities([{"activity_id": "a"}]))
    mapping = river.mapping("activity_form")
    run_id = plan_file(installation, path, mapping)
    resumed = ask_resume(installation, str(run_id))
    same = ask_recipe(installation, file_recipe(str(path), mapping), river.folder, every=False)
    assert (take(river), take(river)) == (resumed, None), "runs of one source come one after another"
    monkeypatch.setattr(runs, "HOLD_SECONDS", 0.01)
    job = begun(installation, resumed)
    theirs = replace(installation, database=installation.database.for_job(resumed, job.asked_by, job.fence))
    with installation.database.connect(tenant_id) as other:
        with installation.database.connect(tenant_id) as connection:
            run = runs.get_run(connection, tenant_id, run_id)
        runs.hold_source(other, tenant_id, run)
        attempt(theirs, job)
    held = job_of(installation, resumed)
    assert (held.state, held.attempts) == ("pending", 0)
    assert held.error is not None
    assert held.error["what"] == "another run of meters.csv is at work"
    end_job(installation, held, "succeeded", None)
    assert [take(river), take(river)] == [resumed, same]


def test_the_place_of_a_job_that_is_put_off_is_another_s_at_once(river: River) -> None:
    asked = [ask(river.installation, river) for _ in range(AT_ONCE + 1)]
    assert [take(river) for _ in range(AT_ONCE + 1)] == [*asked[:AT_ONCE], None]
    river.change("UPDATE jobs SET queue_id = 0 WHERE job_id <> %(last)s", last=asked[-1])  # as if still there
    put_off(river.installation, begun(river.installation, asked[0]), RetryLater("away"))
    assert take(river) is not None


def at_queue(installation: Installation, work: Callable[[App], Coroutine[Any, Any, None]]) -> None:
    """Work at the queue as a worker does."""

    async def done() -> None:
        app = App(connector=installation.database.queue(connections=2))
        app.job_manager = OwnRows(app.connector)
        async with app.open_async():
            await work(app)

    asyncio.run(done())


def test_only_whose_row_it_is_ends_it_or_puts_it_back(river: River) -> None:
    job_id = ask(river.installation, river)

    async def work(app: App) -> None:
        late, next_one = await app.job_manager.register_worker(), await app.job_manager.register_worker()
        taken = await app.job_manager.fetch_job(None, late)
        assert taken is not None
        river.change("UPDATE headwater_queue.procrastinate_workers SET last_heartbeat = '2026-01-01' WHERE id = 1")
        given = await app.connector.execute_query_one_async(GIVE_BACK, seconds=30.0, own=[next_one])
        assert given["given_back"] == 1
        again = await app.job_manager.fetch_job(None, next_one)
        assert again is not None
        await app.job_manager.finish_job(taken, Status.SUCCEEDED, delete_job=True)
        await app.job_manager.retry_job(taken)
        (row,) = river.rows("SELECT status::text, worker_id FROM headwater_queue.procrastinate_jobs")
        assert row == {"status": "doing", "worker_id": next_one}
        # Somebody wants the end of it while its worker puts it back: it comes again at once, and ends.
        cancel_job(river.installation, job_id)
        await app.job_manager.retry_job(again)
        once_more = await app.job_manager.fetch_job(None, next_one)
        assert once_more is not None
        attempt(river.installation, begun(river.installation, job_id))
        await app.job_manager.finish_job(once_more, Status.SUCCEEDED, delete_job=True)

    at_queue(river.installation, work)
    assert job_of(river.installation, job_id).state == "cancelled"
    assert river.rows("SELECT FROM headwater_queue.procrastinate_jobs") == []


def test_a_row_that_was_called_failed_is_given_back(river: River) -> None:
    ask(river.installation, river)
    river.change("UPDATE headwater_queue.procrastinate_jobs SET status = 'failed', abort_requested = true")

    async def work(app: App) -> None:
        assert (await app.connector.execute_query_one_async(GIVE_BACK, seconds=30.0, own=[]))["given_back"] == 1

    at_queue(river.installation, work)
    assert take(river) is not None


@pytest.mark.parametrize("ends", [True, False], ids=["taken out", "put back"])
def test_what_becomes_of_a_row_is_written_though_the_database_goes_away(river: River, ends: bool) -> None:
    """Else it would be at work for as long as its worker lives, and nobody would come back to the job."""
    ask(river.installation, river)
    waiting = "FROM pg_stat_activity WHERE query LIKE '%procrastinate_jobs%' AND wait_event_type = 'Lock'"

    async def work(app: App) -> None:
        own = await app.job_manager.register_worker()
        taken = await app.job_manager.fetch_job(None, own)
        assert taken is not None
        with psycopg.connect(river.superuser_url) as other:
            other.execute("SELECT FROM headwater_queue.procrastinate_jobs FOR UPDATE")
            manager = app.job_manager
            done = manager.finish_job(taken, Status.SUCCEEDED, delete_job=True) if ends else manager.retry_job(taken)
            writing = asyncio.create_task(done)
            while not river.rows(f"SELECT {waiting}"):
                assert not writing.done(), writing.result()
                await asyncio.sleep(0.02)
            assert river.rows(f"SELECT pg_terminate_backend(pid) AS ended {waiting}") == [{"ended": True}]
        await writing

    at_queue(river.installation, work)
    rows = river.rows("SELECT status::text, worker_id FROM headwater_queue.procrastinate_jobs")
    assert rows == ([] if ends else [{"status": "todo", "worker_id": None}])


def test_a_row_that_was_taken_again_is_not_put_back_once_more(river: River) -> None:
    """As where it was put back, and the answer that it was is lost: the same worker may be at it again."""
    ask(river.installation, river)

    async def work(app: App) -> None:
        own = await app.job_manager.register_worker()
        first = await app.job_manager.fetch_job(None, own)
        assert first is not None
        await app.job_manager.retry_job(first)
        assert await app.job_manager.fetch_job(None, own) is not None
        await app.job_manager.retry_job(first)
        (row,) = river.rows("SELECT status::text, worker_id FROM headwater_queue.procrastinate_jobs")
        assert row == {"status": "doing", "worker_id": own}

    at_queue(river.installation, work)


def test_signs_of_life_go_on_when_the_database_is_back(river: River) -> None:
    async def work(app: App) -> None:
        worker = app._worker(queues=[])
        worker.worker_id = await app.job_manager.register_worker()
        ended = asyncio.Event()
        beating = asyncio.create_task(_beat(app, [worker], Serving(heartbeat=0.05), ended))
        query = "SELECT last_heartbeat FROM headwater_queue.procrastinate_workers"
        for _ in range(2):
            (before,) = river.rows(query)
            while river.rows(query) == [before]:
                assert not beating.done(), beating.result()
                await asyncio.sleep(0.02)
            river.change("ALTER TABLE headwater_queue.procrastinate_workers RENAME TO away")
            await asyncio.sleep(0.2)  # several signs of life long
            river.change("ALTER TABLE headwater_queue.away RENAME TO procrastinate_workers")
        ended.set()
        await beating

    at_queue(river.installation, work)


def test_a_next_time_that_was_lost_from_the_queue_is_put_back(river: River) -> None:
    planner = Planner(river)
    planner.add("first", cron="@daily")
    planner.add("second", cron="@hourly")
    river.change(DROP_ROWS)
    schedules.list_schedules(planner.installation)
    assert (planner.next("first"), planner.next("second")) == ("03-29 02:00", "03-28 13:00")
    river.change(f"{DROP_ROWS} WHERE args ->> 'id' = %(id)s", id=str(_id(planner, "first")))
    planner.tick("second", NOW.replace(hour=13))
    assert planner.next("first") == "03-29 02:00"


def test_a_schedule_s_jobs_go_into_a_queue_that_workers_serve(river: River) -> None:
    Planner(river).add("first", cron="@daily")
    for queue in ("schedules", "No Queue"):
        with pytest.raises(psycopg.errors.CheckViolation):
            river.change("UPDATE scheduled_jobs SET queue = %(queue)s", queue=queue)


def _id(planner: Planner, name: str) -> UUID:
    return schedules.show_schedule(planner.installation, name).schedule.schedule_id


def test_a_job_that_takes_its_workers_down_fails_in_the_end_and_others_go_on(river: River) -> None:
    """Each worker is gone without a word, as where the system kills what takes too much memory."""
    installation = river.installation
    path = river.folder / "meters.csv"
    path.write_text(activities([{"activity_id": "a"}]))
    run_id = plan_file(installation, path, river.mapping("activity_form"))
    hostile, good = ask_resume(installation, str(run_id), manner=Manner(most_attempts=3)), ask(installation, river)
    for _ in range(3):
        begun(installation, hostile)
        with installation.database.connect(installation.tenant_id) as connection:
            runs.note_job(connection, installation.tenant_id, hostile, run_id)
    attempt(*as_attempted(installation, hostile))
    failed = job_of(installation, hostile)
    assert failed.state == "failed"
    assert failed.error is not None
    assert "3 attempts came to no end" in failed.error["what"]
    assert "memory" in failed.error["remedy"]
    (run,) = river.rows("SELECT state, error FROM runs WHERE run_id = %(run)s", run=run_id)
    assert (run["state"], run["error"]["message"]) == ("failed", failed.error["what"])
    told = river.rows("SELECT result FROM audit_entries WHERE action = 'run.ended'")
    assert told == [{"result": "failed"}]
    assert verify(installation, progress=SilentProgress()).differences == ()
    attempt(*as_attempted(installation, good))
    assert job_of(installation, good).state == "succeeded"

    retry_job(installation, hostile)  # a person may have it tried again: it goes on with the run
    attempt(*as_attempted(installation, hostile))
    assert job_of(installation, hostile).state == "succeeded"
    assert river.rows("SELECT state FROM runs WHERE run_id = %(run)s", run=run_id) == [{"state": "succeeded"}]


def as_attempted(installation: Installation, job_id: UUID) -> tuple[Installation, jobs.Job]:
    """What the process of an attempt is given."""
    job = begun(installation, job_id)
    return replace(installation, database=installation.database.for_job(job_id, job.asked_by, job.fence)), job
