"""Jobs as they are asked for: turns between organisations, locks, retries, cancelling; no worker is needed for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from headwater.errors import InputRefused, Misuse, RetryLater
from headwater.jobs.attempt import CANCELLED, STOPPING, TOO_LONG, put_off, settle
from headwater.services.access.policy import Actor, Right
from headwater.services.connectors.keeping import add
from headwater.services.imports import file_recipe, plan_file, resume
from headwater.services.installation import Installation
from headwater.services.job_ends import end_job
from headwater.services.jobs import (
    AT_ONCE,
    Manner,
    ask_recipe,
    ask_resume,
    ask_retry_failed,
    cancel_job,
    list_jobs,
    retry_job,
    show_job,
)
from headwater.services.verification import verify
from headwater.store import jobs
from headwater.store.jobs import Job
from headwater.telemetry import SilentProgress
from tests.river import River, activities
from tests.servers import Installation as Made

pytestmark = pytest.mark.server

TAKE = "SELECT args ->> 'id' FROM headwater_queue.procrastinate_fetch_job_v2(NULL, NULL)"


@pytest.fixture
def theirs(river: River, installation: Made) -> Installation:
    """The same installation, for another organisation."""
    return replace(river.installation, tenant_id=installation.add_tenant("other"))


def ask(installation: Installation, river: River, **how: Any) -> UUID:
    path = river.folder / f"meters-{uuid4()}.csv"
    path.write_text(activities([{"activity_id": "a"}]))
    recipe = file_recipe(str(path), river.mapping("activity_form"))
    return ask_recipe(installation, recipe, river.folder, every=False, manner=Manner(**how))


def job_of(installation: Installation, job_id: UUID) -> Job:
    return show_job(installation, job_id).job


def begun(installation: Installation, job_id: UUID) -> Job:
    """As a worker takes a job, and the process of its attempt begins it."""
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        job = jobs.begin(connection, tenant_id, job_id, jobs.take(connection, tenant_id, job_id).fence)
    assert job is not None
    return job


def take(river: River) -> UUID | None:
    """What a worker takes next, done at once."""
    with psycopg.connect(river.app_url, autocommit=True) as worker:
        row = worker.execute(TAKE).fetchone()
        if row is None or row[0] is None:
            return None
        worker.execute("DELETE FROM headwater_queue.procrastinate_jobs WHERE args ->> 'id' = %s", (row[0],))
    return UUID(row[0])


def test_one_with_many_jobs_keeps_the_others_waiting_for_a_few_only(river: River, theirs: Installation) -> None:
    ours = river.installation
    many = [ask(ours, river) for _ in range(2 * AT_ONCE)]
    urgent = ask(ours, river, priority=50)
    few = [ask(theirs, river) for _ in range(2)]
    taken = []
    while (job_id := take(river)) is not None:
        owner = theirs if job_id in few else ours
        end_job(owner, job_of(owner, job_id), "succeeded", None)
        taken.append(job_id)
    assert taken == [*many[:AT_ONCE], *few, urgent, *many[AT_ONCE:]]
    with psycopg.connect(river.app_url) as app:
        assert app.execute("SELECT count(*) FROM jobs").fetchone() == (0,), "without an organisation nothing is seen"
    assert list_jobs(theirs)[1] == len(few)


def test_jobs_of_one_connector_come_one_after_another(river: River) -> None:
    add(river.installation, "crm", "sqlite", {"path": str(river.folder / "crm.db")})
    first, second = (ask_retry_failed(river.installation, "crm") for _ in range(2))
    other = ask(river.installation, river)
    assert (take(river), take(river), take(river)) == (first, other, None)
    end_job(river.installation, job_of(river.installation, first), "failed", {"kind": "Misuse", "what": "x"})
    assert take(river) == second


def test_only_what_may_pass_is_tried_again_and_not_for_ever(river: River) -> None:
    installation = river.installation
    job_id = ask(installation, river, most_attempts=2)
    waits = []
    for _ in range(2):
        job = begun(installation, job_id)
        put_off(installation, job, RetryLater("the source is away", where="crm"))
        waits.append(settle(installation, job_id, None, 0, fence=job.fence))
    assert waits[0] is not None
    assert 3 < waits[0] < 7
    assert waits[1] is None
    failed = job_of(installation, job_id)
    assert (failed.state, failed.attempts) == ("failed", 2)
    assert failed.error == {
        "kind": "RetryLater", "what": "the source is away", "where": "crm", "value": None, "valid": None, "remedy": None
    }  # fmt: skip
    again = retry_job(installation, job_id)
    assert (again.state, again.attempts, again.error) == ("pending", 0, None)


@pytest.mark.parametrize(
    ("why", "state", "attempts", "seconds"),
    [
        (CANCELLED, "cancelled", 1, None),
        (TOO_LONG, "failed", 1, None),
        (STOPPING, "pending", 0, 0.0),
        (None, "pending", 1, 0.0),  # its process was killed
    ],
)
def test_what_becomes_of_a_job_whose_attempt_was_interrupted(
    river: River, why: Any, state: str, attempts: int, seconds: float | None
) -> None:
    installation = river.installation
    job_id = ask(installation, river)
    assert settle(installation, job_id, None, 1, fence=0) == 5.0, "a process that did not even begin"
    job = begun(installation, job_id)
    assert settle(installation, job_id, why, -9, fence=job.fence) == seconds
    assert (job_of(installation, job_id).state, job_of(installation, job_id).attempts) == (state, attempts)


def test_a_job_that_nobody_is_at_is_cancelled_at_once(river: River, theirs: Installation) -> None:
    waiting = [ask(river.installation, river) for _ in range(AT_ONCE + 1)]
    for job_id in (waiting[0], waiting[-1]):
        with pytest.raises(Misuse, match="no such job"):
            cancel_job(theirs, job_id)
        assert cancel_job(river.installation, job_id).state == "cancelled"
    with pytest.raises(Misuse, match="the job has ended"):
        cancel_job(river.installation, waiting[0])
    assert [take(river) for _ in range(AT_ONCE)] == [*waiting[1:-1], None]


def test_a_run_that_nobody_has_begun_is_cancelled_with_its_job(river: River) -> None:
    def states() -> dict[UUID, str]:
        return {row["run_id"]: row["state"] for row in river.rows("SELECT run_id, state FROM runs")}

    (river.folder / "meters.csv").write_text(activities([{"activity_id": "a"}]))
    run_ids = [plan_file(river.installation, river.folder / "meters.csv", river.mapping("activity_form")) for _ in "12"]
    jobs_asked = [ask_resume(river.installation, str(run_id)) for run_id in run_ids]
    assert cancel_job(river.installation, jobs_asked[0]).state == "cancelled"
    assert states() == {run_ids[0]: "cancelled", run_ids[1]: "pending"}
    (entry,) = river.rows(
        "SELECT resource, payload::jsonb ->> 'state' AS state FROM audit_entries WHERE action = 'run.ended'"
    )
    assert entry == {"resource": f"run/{run_ids[0]}", "state": "cancelled"}

    resume(river.installation, str(run_ids[1]), progress=SilentProgress())  # by hand, whatever its job waits for
    cancel_job(river.installation, jobs_asked[1])
    assert states() == {run_ids[0]: "cancelled", run_ids[1]: "succeeded"}
    resume(river.installation, str(run_ids[0]), progress=SilentProgress())
    assert states()[run_ids[0]] == "succeeded"
    assert verify(river.installation, progress=SilentProgress()).differences == ()


def test_what_cannot_be_done_is_refused_when_it_is_asked_for(river: River) -> None:
    with pytest.raises(Misuse, match="there is no such file"):
        ask_recipe(river.installation, file_recipe("none.csv", "activity_form"), river.folder, every=False)
    with pytest.raises((Misuse, InputRefused), match="no such mapping"):
        ask_recipe(river.installation, file_recipe("none.csv", "none"), river.folder, every=False)
    with pytest.raises(Misuse, match="none"):
        ask_retry_failed(river.installation, "none")
    assert list_jobs(river.installation) == ([], 0)


def test_who_cancels_over_http_is_told_and_all_is_found_as_it_was(river: River) -> None:
    actor = Actor(name="person/ann", rights=frozenset(Right), session_id=uuid4(), address_index=b"address")
    there = river.installation.acting(actor)
    path = river.folder / "meters.csv"
    path.write_text(activities([{"activity_id": "a"}]), encoding="utf-8")
    run_id = plan_file(there, path, river.mapping("activity_form"))
    cancel_job(there, ask_resume(there, str(run_id)))

    ended = "SELECT payload::jsonb AS payload FROM audit_entries WHERE action = 'run.ended'"
    ((told,),) = (row.values() for row in river.rows(ended))
    assert (told["state"], told["by"]) == ("cancelled", {"session": str(actor.session_id)})
    assert verify(river.installation, progress=SilentProgress()).differences == ()
