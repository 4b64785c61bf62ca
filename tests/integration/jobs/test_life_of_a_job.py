"""A job through the hands of several workers: killed, told to stop, cancelled, done again; nothing lost or doubled."""

from __future__ import annotations

import signal

import pytest

from headwater.services.imports import plan_file
from headwater.services.jobs import Manner, ask_resume, cancel_job, retry_job, show_job
from headwater.services.run_progress import progress
from headwater.store.jobs import Job
from tests.river import activities, factors
from tests.workers import LONGEST, Workshop, until

pytestmark = pytest.mark.server

ROWS = 90


def test_a_job_outlives_its_workers(workshop: Workshop) -> None:
    river = workshop.river
    river.load(factors([{"factor_id": "f"}]), name="factors.csv", mapping="factor_form")
    path = river.folder / "meters.csv"
    path.write_text(activities({"activity_id": f"a{number}"} for number in range(ROWS)))
    run_id = plan_file(river.installation, path, river.mapping("activity_form"), chunk_size=10)
    job_id = ask_resume(river.installation, str(run_id))

    def job() -> Job:
        return show_job(river.installation, job_id).job

    with workshop.held(run_id, 5):
        with workshop.held(run_id, 3):
            killed = workshop.worker()
            until(workshop.someone_waits, "the first worker commits chunk 3")
            killed.send_signal(signal.SIGKILL)
            killed.wait()
            # Its attempt dies with it, and with that its hold on the run: another takes the job up.
            stopped = workshop.worker("--grace", "0")
            until(lambda: job().attempts == 2, "the second worker takes the job up")
        until(workshop.someone_waits, "the second worker commits chunk 5")
        assert river.ledger(run_id).committed == 4
        stopped.send_signal(signal.SIGTERM)
        until(lambda: workshop.interrupted() == 1, "the second worker interrupts the run")
    assert stopped.wait(LONGEST) == 0
    given_back = job()
    assert (given_back.state, given_back.attempts) == ("pending", 1), "a worker that stops is no failed attempt"
    assert river.rows("SELECT state FROM runs WHERE run_id = %(run)s", run=run_id) == [{"state": "cancelled"}]

    left = river.ledger(run_id).committed
    assert 4 <= left < ROWS // 10
    with workshop.held(run_id, left + 1):
        last = workshop.worker()
        until(workshop.someone_waits, "the third worker goes on")
        assert cancel_job(river.installation, job_id).state == "running"
        until(lambda: workshop.interrupted() == 2, "the third worker interrupts the run")
    until(lambda: job().state == "cancelled", "the job is cancelled as a run is by Ctrl-C")
    before = river.ledger(run_id).committed
    assert before < ROWS // 10

    retry_job(river.installation, job_id)
    until(lambda: job().has_ended, "the third worker does it again")
    view = show_job(river.installation, job_id)
    assert (view.job.state, view.job.error, [run.run_id for run in view.runs]) == ("succeeded", None, [run_id])
    (last_time,) = river.rows(
        "SELECT extract(epoch FROM finished_at - (SELECT max(at) FROM audit_entries WHERE action = 'run.started'))"
        "::float AS seconds FROM runs WHERE run_id = %(run)s",
        run=run_id,
    )
    rate = progress(river.installation, run_id).rate
    assert rate == round((ROWS - 10 * before) / last_time["seconds"], 1), (
        "of when it was gone on with last, and no wait"
    )
    ledger = river.ledger(run_id)
    assert (ledger.read, ledger.inserted, ledger.unchanged, ledger.quarantined) == (ROWS, ROWS, 0, 0)
    assert river.rows("SELECT count(*) AS n, count(DISTINCT activity_id) AS d FROM activity_v1") == [
        {"n": ROWS, "d": ROWS}
    ]
    assert river.rows("SELECT count(*) AS n FROM emission_v1") == [{"n": ROWS}]
    until(lambda: river.rows("SELECT FROM headwater_queue.procrastinate_jobs") == [], "the queue lets go of the job")
    assert last.poll() is None


def test_an_attempt_that_takes_too_long_is_ended_and_what_it_committed_stays(workshop: Workshop) -> None:
    river = workshop.river
    path = river.folder / "meters.csv"
    path.write_text(activities({"activity_id": f"a{number}"} for number in range(ROWS)))
    run_id = plan_file(river.installation, path, river.mapping("activity_form"), chunk_size=10)
    limited = Manner(time_limit=1, most_attempts=1)
    job_id = ask_resume(river.installation, str(run_id), manner=limited)
    with workshop.held(run_id, 3):
        workshop.worker()
        until(lambda: workshop.interrupted() == 1, "the worker interrupts what takes longer than its second")
    until(lambda: show_job(river.installation, job_id).job.has_ended, "the job ends")
    job = show_job(river.installation, job_id).job
    assert (job.state, job.attempts) == ("failed", 1)
    assert "longer than its time limit" in str(job.error)
    committed = river.ledger(run_id).committed
    assert committed < ROWS // 10

    again = ask_resume(river.installation, str(run_id))
    until(lambda: show_job(river.installation, again).job.has_ended, "it is gone on with, without a limit")
    assert river.ledger(run_id).inserted == ROWS
