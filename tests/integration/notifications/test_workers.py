"""A schedule that fails, and workers that die while they tell of it: it is told, under one id."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from headwater.services import schedules
from headwater.services.imports import file_recipe
from headwater.services.jobs import Manner
from headwater.services.notifications.wishes import Target
from headwater.services.schedules import When
from tests.integration.notifications.conftest import Told
from tests.notified import Answering, Receiver
from tests.river import activities
from tests.workers import Workshop, until

pytestmark = [pytest.mark.server, pytest.mark.long]


@pytest.fixture
def workshop(told: Told, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    monkeypatch.setenv("HEADWATER_API_NETWORKS", told.installation.settings.api_networks)
    made = Workshop(told.river)
    yield made
    made.stop()


def test_a_message_outlives_the_worker_that_sends_it(told: Told, receiver: Receiver, workshop: Workshop) -> None:
    told.add("oncall", "webhook", Target(url=receiver.url), events=["run.failed", "run.completed"])
    now = datetime.now(UTC)
    path = told.river.folder / "nightly.csv"
    path.write_text(activities([{"activity_id": "a"}]))
    recipe = file_recipe(path.name, told.river.mapping("activity_form"))
    when = When(cron="0 2 1 1 *")
    schedules.add(told.installation, "nightly", recipe, told.river.folder, when, manner=Manner(), now=now)
    path.unlink()
    job_id = schedules.run_now(told.installation, "nightly", now=now)

    receiver.answer(Answering(trickles=True), Answering(200))
    killed = workshop.worker()
    until(receiver.came.is_set, "the first worker carries out the job, and sends")
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    (waiting,) = told.messages()
    assert (waiting["state"], waiting["event"], waiting["attempts"]) == ("pending", "schedule.failed", 1)
    workshop.worker()
    until(lambda: told.messages()[0]["state"] == "sent", "the second worker sends it again")

    first, second = receiver.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == f"msg_{waiting['delivery_id'].hex}"
    assert (first.body, told.messages()[0]["attempts"]) == (second.body, 2)
    (item,) = second.json["data"]["items"]
    assert (item["correlation_id"], item["data"]["schedule"]) == (str(job_id), "nightly")
    assert item["resource"].startswith("schedule/")

    path.write_text(activities([{"activity_id": "a"}, {"activity_id": "b", "quantity": "much"}]))
    schedules.run_now(told.installation, "nightly", now=datetime.now(UTC))
    until(lambda: len(receiver.requests) == 3, "what succeeds is told too")
    (item,) = receiver.requests[2].json["data"]["items"]
    assert (item["event"], item["data"]["inserted"], item["data"]["refused"]) == ("run.completed", 1, 1)
    until(
        lambda: not told.river.rows("SELECT FROM headwater_queue.procrastinate_jobs WHERE task_name = 'deliver'"),
        "no rest",
    )
