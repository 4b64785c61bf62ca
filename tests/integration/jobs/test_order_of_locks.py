"""Who ends, cancels, puts off or does again: locks are taken in one order, and what others did meanwhile is seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from headwater.services import schedules
from headwater.services.job_ends import end_job, put_off_job
from headwater.services.jobs import cancel_job, retry_job, show_job
from tests.integration.jobs.test_asking import ask, job_of
from tests.integration.jobs.test_schedules import NOW, Planner
from tests.river import River
from tests.workers import until

pytestmark = pytest.mark.server


@pytest.fixture
def planner(river: River) -> Planner:
    return Planner(river)


@pytest.fixture
def beside() -> Iterator[ThreadPoolExecutor]:
    """What others do at the same time."""
    with ThreadPoolExecutor(4) as threads:
        yield threads


@contextmanager
def holding(river: River, statement: str, **values: Any) -> Iterator[None]:
    """Somebody's open transaction, committed at the end."""
    with psycopg.connect(river.superuser_url) as other:
        other.execute(statement, values or None)
        yield


def waiting(river: River, count: int = 1) -> None:
    """Until so many wait for a lock."""
    query = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    until(lambda: len(river.rows(query)) >= count, f"{count} wait")


def due(planner: Planner, *names: str) -> None:
    """Their jobs are asked for."""
    for name in names:
        planner.tick(name, NOW.replace(day=29, hour=2))


def test_of_two_that_end_at_once_the_later_has_what_follows_both_done(
    planner: Planner, beside: ThreadPoolExecutor
) -> None:
    for name in ("a", "b"):
        planner.add(name, cron="@daily")
    planner.add("last", after=("a", "b"))
    due(planner, "a", "b")
    with holding(planner.river, "SELECT FROM audit_heads FOR UPDATE"):  # where every end stands before it is committed
        ends = [beside.submit(planner.end, name) for name in ("a", "b")]
        waiting(planner.river, 2)
    for end in ends:
        end.result()
    assert [each[1] for each in planner.history("last")] == ["asked"]


def test_whoever_waits_for_a_schedule_holds_no_end_of_the_chain(planner: Planner, beside: ThreadPoolExecutor) -> None:
    planner.add("first", cron="@daily")
    for name in ("next", "other"):
        planner.add(name, after=("first",))
    for held in ("next", "other"):
        due(planner, "first") if held == "next" else schedules.run_now(planner.installation, "first", now=NOW)
        with holding(planner.river, "SELECT FROM scheduled_jobs WHERE name = %(name)s FOR UPDATE", name=held):
            end = beside.submit(planner.end, "first")
            waiting(planner.river)
            with holding(planner.river, "SELECT FROM audit_heads FOR UPDATE NOWAIT"):
                pass
        end.result()
        for name in ("next", "other"):
            assert planner.history(name)[0][1] == "asked"
            planner.end(name)


def test_what_is_paused_while_another_ends_is_not_asked_for(planner: Planner, beside: ThreadPoolExecutor) -> None:
    planner.add("first", cron="@daily")
    planner.add("next", after=("first",))
    due(planner, "first")
    with holding(planner.river, "UPDATE scheduled_jobs SET paused_at = now() WHERE name = 'next'"):
        end = beside.submit(planner.end, "first")
        waiting(planner.river)
    end.result()
    assert planner.history("next") == []


def test_no_job_is_locked_before_the_turn_of_its_organisation(river: River, beside: ThreadPoolExecutor) -> None:
    """Whoever has the turn lets others' jobs in: their rows must be free."""
    installation = river.installation
    ended = ask(installation, river)
    cancel_job(installation, ended)
    fenced = [show_job(installation, ask(installation, river)).job for _ in range(3)]
    does: dict[Any, Callable[[], object]] = {
        ended: lambda: retry_job(installation, ended),
        fenced[0].job_id: lambda: cancel_job(installation, fenced[0].job_id),
        fenced[1].job_id: lambda: end_job(installation, fenced[1], "succeeded", None),
        fenced[2].job_id: lambda: put_off_job(installation, fenced[2], seconds=60, error={"kind": "RetryLater"}),
    }
    turn = "SELECT pg_advisory_xact_lock(hashtextextended('jobs/' || %(tenant)s, 0))"
    with holding(river, turn, tenant=str(installation.tenant_id)):
        done: list[Future[object]] = [beside.submit(each) for each in does.values()]
        waiting(river, len(does))
        with holding(river, "SELECT FROM jobs FOR UPDATE NOWAIT"):
            pass
    for each in done:
        each.result()
    assert [job_of(installation, job_id).state for job_id in does] == ["pending", "cancelled", "succeeded", "pending"]
