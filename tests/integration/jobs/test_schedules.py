"""Schedules: due, missed, paused, one after another; what time it is, is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from headwater.errors import Misuse
from headwater.jobs.attempt import attempt
from headwater.pipeline.recipe import load_recipe
from headwater.services import house_lists, schedules
from headwater.services.imports import file_recipe
from headwater.services.installation import Installation
from headwater.services.job_ends import end_job
from headwater.services.jobs import Manner, retry_job, show_job
from headwater.services.listing import Question
from headwater.services.schedules import When
from headwater.store import jobs
from tests.river import River, activities, factors
from tests.servers import Installation as Made

pytestmark = pytest.mark.server

NOW = datetime(2026, 3, 28, 12, tzinfo=UTC)
PLANS = Path(__file__).parents[3] / "examples/update-plans"


class Planner:
    """Schedules of one organisation, whose time is said."""

    def __init__(self, river: River) -> None:
        self.river = river
        self.installation = river.installation

    def add(self, name: str, **when: Any) -> UUID:
        path = self.river.folder / f"{name}.csv"
        path.write_text(activities([{"activity_id": name}, {"activity_id": f"{name}-bad", "quantity": "much"}]))
        recipe = file_recipe(path.name, self.river.mapping("activity_form"))
        view = schedules.add(
            self.installation, name, recipe, self.river.folder, When(**when), manner=Manner(priority=5), now=NOW
        )
        return view.schedule.schedule_id

    def tick(self, name: str, now: datetime, *, queue_id: int | None = None) -> int | None:
        """As a worker does with the row of the queue that is the schedule's next time, or another; which that was."""
        found = schedules.show_schedule(self.installation, name).schedule
        schedules.tick(self.installation, found.schedule_id, queue_id=queue_id or found.queue_id, now=now)
        return found.queue_id

    def history(self, name: str) -> Sequence[tuple[str, str, str | None, str | None]]:
        found = house_lists.schedule_history(self.installation, name, Question()).items
        return [(f"{each['due_at']:%m-%d %H:%M}", each["outcome"], each["reason"], each["state"]) for each in found]

    def end(self, name: str, state: str = "succeeded") -> None:
        """The latest job of a schedule ends."""
        job_id = house_lists.schedule_history(self.installation, name, Question()).items[0]["job_id"]
        end_job(self.installation, show_job(self.installation, job_id).job, state, None)

    def next(self, name: str) -> str | None:
        at = schedules.show_schedule(self.installation, name).schedule.next_at
        queued = self.river.rows("SELECT scheduled_at FROM headwater_queue.procrastinate_jobs WHERE task_name = 'tick'")
        assert at is None or {"scheduled_at": at} in queued
        return None if at is None else f"{at:%m-%d %H:%M}"


@pytest.fixture
def planner(river: River) -> Planner:
    return Planner(river)


def test_a_schedule_is_due_in_its_time_zone_and_asks_for_its_job_once(planner: Planner) -> None:
    schedule_id = planner.add("night", cron="30 2 * * *", time_zone="Europe/Berlin")
    assert planner.next("night") == "03-29 01:00", "the clocks skip half past two"
    due = NOW.replace(day=29, hour=1)
    planner.tick("night", due - timedelta(minutes=1))  # nothing yet
    row = planner.tick("night", due)
    planner.tick("night", due, queue_id=row)  # as when its worker was killed before the queue knew
    assert planner.history("night") == [("03-29 01:00", "asked", None, "pending")]
    assert planner.next("night") == "03-30 00:30"
    job = show_job(
        planner.installation, house_lists.schedule_history(planner.installation, "night", Question()).items[0]["job_id"]
    ).job
    assert (job.asked_by, job.priority, job.label) == (f"schedule/{schedule_id}", 5, "night.csv")

    planner.tick("night", due.replace(day=30, hour=0, minute=30))
    assert planner.history("night")[0] == ("03-30 00:30", "skipped", "its job of before has not ended", None)


def test_what_was_missed_is_skipped_or_made_good_by_one_job(planner: Planner) -> None:
    planner.add("skipping", cron="0 * * * *")
    planner.add("catching_up", cron="0 * * * *", missed="catch_up")
    late = NOW + timedelta(hours=3, minutes=30)
    for each in ("skipping", "catching_up"):
        planner.tick(each, late)
    reason = "3 times were missed, the first at 2026-03-28 13:00 UTC: no worker was at work"
    assert planner.history("skipping") == [("03-28 15:00", "skipped", reason, None)]
    assert planner.history("catching_up") == [("03-28 15:00", "asked", reason, "pending")]
    assert planner.next("skipping") == planner.next("catching_up") == "03-28 16:00"
    # The time that has just come is no missed one, whatever was before.
    planner.tick("skipping", NOW + timedelta(hours=6, minutes=1))
    assert planner.history("skipping")[0][:2] == ("03-28 18:00", "asked")


def test_one_comes_after_others_once_all_have_succeeded(planner: Planner) -> None:
    for name in ("a", "b"):
        planner.add(name, cron="@daily")
    planner.add("last", after=("a", "b"))
    tomorrow = NOW.replace(day=29, hour=2)
    for name in ("a", "b"):
        planner.tick(name, tomorrow)
    planner.end("a", "succeeded_with_quarantine")
    assert planner.history("last") == []
    planner.end("b", "failed")
    assert planner.history("last") == []
    schedules.run_now(planner.installation, "b", now=tomorrow + timedelta(hours=1))
    planner.end("b")
    assert [each[1:] for each in planner.history("last")] == [("asked", "after b", "pending")]
    with pytest.raises(Misuse, match="others come after it"):
        schedules.remove(planner.installation, "a")


def test_paused_resumed_run_now_removed(planner: Planner, installation: Made) -> None:
    schedule_id = planner.add("daily", cron="@daily")
    other = replace(planner.installation, tenant_id=installation.add_tenant("other"))
    assert schedules.list_schedules(other) == []
    row = schedules.show_schedule(planner.installation, "daily").schedule.queue_id
    schedules.tick(other, schedule_id, queue_id=row, now=NOW.replace(day=30))
    schedules.pause(planner.installation, "daily")
    assert planner.next("daily") is None
    planner.tick("daily", NOW.replace(day=30), queue_id=row)
    assert planner.history("daily") == []
    schedules.run_now(planner.installation, "daily", now=NOW)
    assert planner.history("daily") == [("03-28 12:00", "asked", "run now by headwater", "pending")]
    schedules.resume(planner.installation, "daily", now=NOW)
    assert planner.next("daily") == "03-29 02:00"
    schedules.remove(planner.installation, "daily")
    assert planner.river.rows("SELECT FROM headwater_queue.procrastinate_jobs WHERE task_name = 'tick'") == []
    schedules.tick(planner.installation, schedule_id, queue_id=row, now=NOW.replace(day=30))
    with pytest.raises(Misuse, match="no such schedule"):
        house_lists.schedule_history(planner.installation, "daily", Question())
    planner.add("daily", cron="@daily")


@pytest.mark.parametrize(
    ("when", "why"),
    [
        ({}, "has times, or comes after others"),
        ({"cron": "@daily", "after": ("x",)}, "has times, or comes after others"),
        ({"after": ("x",)}, "there is no such schedule"),
        ({"cron": "0 26 * * *"}, "no cron expression"),
        ({"cron": "@daily", "time_zone": "Mars/Base"}, "no such time zone"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused(planner: Planner, when: dict[str, Any], why: str) -> None:
    with pytest.raises(Misuse, match=why):
        planner.add("wrong", **when)


def test_the_update_log_says_what_each_job_did(planner: Planner) -> None:
    planner.add("meters", cron="@daily")
    path = planner.river.folder / "meters.csv"
    for number, quantity in enumerate(("much", "7")):
        path.write_text(
            activities([{"activity_id": "a", "quantity": str(number)}, {"activity_id": "b", "quantity": quantity}])
        )
        job_id = schedules.run_now(planner.installation, "meters", now=NOW + timedelta(hours=number))
        _carry_out(planner.installation, job_id)
    second, first = house_lists.updates(planner.installation, Question(), name="meters").items
    assert (first["read"], first["inserted"], first["quarantined"]) == (2, 1, 1)
    assert list(first["errors"]) == ["refused_by_rule"] and not first["improvements"]  # noqa: PT018
    assert (second["inserted"], second["updated"], second["quarantined"], second["errors"]) == (1, 1, 0, {})
    assert second["improvements"] == {"no_longer_refused": 1, "records_corrected": 1}


def test_the_update_log_says_that_a_schedule_works_again(planner: Planner) -> None:
    planner.add("meters", cron="@daily")
    path = planner.river.folder / "meters.csv"
    hours = iter(range(24))

    def run() -> dict[str, Any]:
        job_id = schedules.run_now(planner.installation, "meters", now=NOW + timedelta(hours=next(hours)))
        _carry_out(planner.installation, job_id)
        newest: dict[str, Any] = house_lists.updates(planner.installation, Question(limit=1), name="meters").items[0]
        assert newest["job_id"] == job_id
        return newest

    path.write_text(activities([{"activity_id": "a"}]))
    assert run()["improvements"] == {}
    path.rename(path.with_suffix(".away"))
    assert "failed_of" in run()["errors"]
    assert "failed_of" in run()["errors"]
    path.with_suffix(".away").rename(path)
    again = run()
    assert (again["unchanged"], again["errors"], again["improvements"]) == (1, {}, {"failures_ended": 2})
    assert run()["improvements"] == {}


def test_a_job_that_is_done_again_is_told_to_work_again(planner: Planner) -> None:
    planner.add("meters", cron="@daily")
    path = planner.river.folder / "meters.csv"
    path.write_text(activities([{"activity_id": "a"}]))
    path.rename(path.with_suffix(".away"))
    job_id = schedules.run_now(planner.installation, "meters", now=NOW)
    _carry_out(planner.installation, job_id)
    path.with_suffix(".away").rename(path)
    retry_job(planner.installation, job_id)
    _carry_out(planner.installation, job_id)
    newest = house_lists.updates(planner.installation, Question(), name="meters").items[0]
    assert (newest["inserted"], newest["errors"], newest["improvements"]) == (1, {}, {"failures_ended": 1})


@pytest.mark.parametrize(
    ("plan", "content"),
    [("meters", activities([{"activity_id": "a"}])), ("factors", factors([{"factor_id": "f"}]))],
)
def test_an_update_plan_of_the_examples_brings_in_what_is_laid_down(planner: Planner, plan: str, content: str) -> None:
    file = planner.river.folder / "incoming" / plan / f"{plan}.csv"
    file.parent.mkdir(parents=True)
    file.write_text(content)
    recipe, when = load_recipe(PLANS / f"{plan}.recipe.yaml"), When(cron="@daily", time_zone="Europe/Berlin")
    ours = planner.installation
    schedules.add(ours, plan, recipe, planner.river.folder, when, manner=Manner(priority=10), now=NOW)
    for hours in range(2):
        _carry_out(ours, schedules.run_now(ours, plan, now=NOW + timedelta(hours=hours)))
    again, first = house_lists.updates(ours, Question(), name=plan).items
    assert (first["source_name"], first["read"], first["inserted"], first["errors"]) == (file.name, 1, 1, {})
    assert (again["source_name"], again["run_id"], again["errors"]) == (file.name, None, {})


def _carry_out(installation: Installation, job_id: UUID) -> None:
    """As the process of a worker does."""
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        job = jobs.begin(connection, tenant_id, job_id, jobs.take(connection, tenant_id, job_id).fence)
    assert job is not None
    attempt(replace(installation, database=installation.database.for_job(job_id, job.asked_by)), job)
