"""Schedules get another plan: the next time follows it at once, and the chain says what it was and is."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from headwater.errors import Misuse, NotFound
from headwater.services import house_lists, schedule_changes, schedules
from headwater.services.imports import file_recipe
from headwater.services.jobs import show_job
from headwater.services.listing import Question
from tests.integration.jobs.test_order_of_locks import holding, waiting
from tests.integration.jobs.test_schedules import NOW, Planner
from tests.river import River, activities

pytestmark = pytest.mark.server


@pytest.fixture
def planner(river: River) -> Planner:
    return Planner(river)


def change(planner: Planner, name: str, **changes: Any) -> schedules.ScheduleView:
    return schedule_changes.change(planner.installation, name, changes, now=NOW)


def told(planner: Planner) -> list[dict[str, Any]]:
    """What the chain holds of changes."""
    entries = planner.river.rows("SELECT payload FROM audit_entries WHERE action = 'schedule.changed' ORDER BY seq")
    return [json.loads(each["payload"]) for each in entries]


def rows_of_queue(planner: Planner) -> int:
    return len(planner.river.rows("SELECT FROM headwater_queue.procrastinate_jobs WHERE task_name = 'tick'"))


def test_the_next_time_is_of_the_new_plan_at_once(planner: Planner) -> None:
    planner.add("night", cron="30 2 * * *", time_zone="Europe/Berlin")
    old = schedules.show_schedule(planner.installation, "night").schedule.queue_id
    changed = change(planner, "night", cron="0 4 * * *", time_zone="UTC", missed="catch_up", priority=7, attempts=2)
    assert planner.next("night") == "03-29 04:00"
    assert (rows_of_queue(planner), changed.schedule.most_attempts) == (1, 2)
    planner.tick("night", NOW.replace(day=29, hour=2), queue_id=old)  # as a worker that had it in hand already
    assert planner.history("night") == []
    planner.tick("night", NOW.replace(day=29, hour=4))
    job = show_job(
        planner.installation, house_lists.schedule_history(planner.installation, "night", Question()).items[0]["job_id"]
    ).job
    assert (job.priority, job.most_attempts) == (7, 2)
    (entry,) = told(planner)
    assert entry["changed"] == ["attempts", "cron", "missed", "priority", "time_zone"]
    assert (entry["before"]["cron"], entry["after"]["cron"]) == ("30 2 * * *", "0 4 * * *")
    assert (entry["before"]["attempts"], entry["after"]["priority"]) == (5, 7)


def test_what_is_said_as_it_stands_is_no_change(planner: Planner) -> None:
    planner.add("night", cron="@daily")
    stands = schedules.show_schedule(planner.installation, "night")
    same = change(planner, "night", cron="@daily", priority=5)
    assert (same, told(planner)) == (stands, [])
    other = change(planner, "night", time_limit=60)
    assert (other.schedule.queue_id, other.version == stands.version) == (stands.schedule.queue_id, False)
    assert change(planner, "night", time_limit=None).version == stands.version


def test_a_time_that_had_come_is_told_of_where_the_plan_is_changed_before_a_worker_saw_it(planner: Planner) -> None:
    planner.add("hourly", cron="0 * * * *")
    later = NOW + timedelta(hours=1, minutes=1)
    schedule_changes.change(planner.installation, "hourly", {"cron": "@daily"}, now=later)
    reason = "its times were changed before a worker came to it"
    assert planner.history("hourly") == [("03-28 13:00", "skipped", reason, None)]
    assert planner.next("hourly") == "03-29 02:00"


def test_a_paused_schedule_stays_paused_and_goes_on_by_the_new_plan(planner: Planner) -> None:
    planner.add("night", cron="@daily")
    schedules.pause(planner.installation, "night")
    change(planner, "night", cron="0 5 * * *")
    assert (planner.next("night"), rows_of_queue(planner)) == (None, 0)
    schedules.resume(planner.installation, "night", now=NOW)
    assert planner.next("night") == "03-29 05:00"


def test_times_give_way_to_others_and_others_to_times(planner: Planner) -> None:
    for name in ("a", "b", "last"):
        planner.add(name, cron="@daily")
    assert change(planner, "last", after=["b", "a", "b"]).after == ["a", "b"]
    assert planner.next("last") is None
    for name in ("a", "b"):
        planner.tick(name, NOW.replace(day=29, hour=2))
    planner.end("a")
    change(planner, "last", after=["a"])
    assert planner.history("last") == []
    planner.end("b")
    assert planner.history("last") == []  # it comes after `a` alone by now
    schedules.run_now(planner.installation, "a", now=NOW + timedelta(days=2))
    planner.end("a")
    assert [each[1] for each in planner.history("last")] == ["asked"]
    back = change(planner, "last", cron="@weekly")
    assert (back.after, planner.next("last")) == ([], "03-30 03:00")
    schedules.remove(planner.installation, "a")
    assert [(each["before"]["after"], each["after"]["after"]) for each in told(planner)] == [
        ([], ["a", "b"]), (["a", "b"], ["a"]), (["a"], []),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"cron": "0 26 * * *"}, "no cron expression"),
        ({"time_zone": "Mars/Base"}, "no such time zone"),
        ({"cron": "@daily", "after": ["first"]}, "has times, or comes after others"),
        ({"cron": None}, "has times, or comes after others"),
        ({"after": ["nobodys"]}, "there is no such schedule"),
        ({"after": ["next"]}, "it would come after itself"),
        ({"after": ["third"]}, "it would come after itself"),
        ({"queue": "schedules"}, "no queue of jobs"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_and_nothing_is_changed(
    planner: Planner, changes: dict[str, Any], why: str
) -> None:
    planner.add("next", cron="@daily")
    planner.add("second", after=["next"])
    planner.add("third", after=["second"])
    planner.add("first", cron="@daily")
    stands = schedules.list_schedules(planner.installation)
    with pytest.raises(Misuse, match=why):
        change(planner, "next", **changes)
    assert (schedules.list_schedules(planner.installation), told(planner)) == (stands, [])
    with pytest.raises(NotFound):
        change(planner, "nobodys", priority=1)


def test_of_two_that_put_each_other_after_themselves_at_once_one_is_refused(planner: Planner) -> None:
    for name in ("a", "b"):
        planner.add(name, cron="@daily")
    with ThreadPoolExecutor(2) as beside:
        with holding(planner.river, "SELECT FROM audit_heads FOR UPDATE"):  # where the first is about to commit
            changes = [beside.submit(change, planner, name, after=[other]) for name, other in (("a", "b"), ("b", "a"))]
            waiting(planner.river, 2)
        wrong = [each.exception() for each in changes]
    assert [each.what for each in wrong if isinstance(each, Misuse)] == ["it would come after itself"], wrong
    assert None in wrong


def test_another_recipe_is_run_and_the_folder_is_no_business_of_the_chain(planner: Planner) -> None:
    planner.add("meters", cron="@daily")
    folder = planner.river.folder / "elsewhere"
    folder.mkdir()
    (folder / "other.csv").write_text(activities([{"activity_id": "o"}]))
    recipe = file_recipe("other.csv", planner.river.mapping("activity_form"))
    view = schedule_changes.change(planner.installation, "meters", {}, recipe=(recipe, folder), now=NOW)
    assert (view.schedule.label, planner.next("meters")) == ("other.csv", "03-29 02:00")
    job_id = schedules.run_now(planner.installation, "meters", now=NOW)
    assert show_job(planner.installation, job_id).job.label == "other.csv"
    (entry,) = told(planner)
    assert entry["changed"] == ["folder", "label", "runs"]
    assert (entry["before"]["label"], entry["after"]["label"]) == ("meters.csv", "other.csv")
    assert str(folder) not in json.dumps(entry)


def test_whoever_changes_one_waits_for_whoever_sees_to_it(planner: Planner) -> None:
    planner.add("night", cron="@daily")
    with ThreadPoolExecutor(1) as beside:
        with psycopg.connect(planner.river.superuser_url) as other:
            other.execute("SELECT FROM scheduled_jobs FOR NO KEY UPDATE")
            changed = beside.submit(change, planner, "night", cron="@weekly")
            waiting(planner.river)
            other.execute("UPDATE scheduled_jobs SET removed_at = now()")
        with pytest.raises(NotFound):
            changed.result()
