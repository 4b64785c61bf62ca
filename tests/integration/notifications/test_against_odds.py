"""What a hostile receiver, another worker or another hand at the channel does to messages: no more than it should."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import cast
from zoneinfo import ZoneInfo

import pytest

from headwater.jobs.attempt import attempt
from headwater.jobs.work import WORK
from headwater.services.access.policy import RIGHTS_OF, Actor, Role
from headwater.services.installation import Installation
from headwater.services.notifications import channels
from headwater.services.notifications.delivering import WAITS, deliver
from headwater.services.notifications.events import EVENTS
from headwater.services.notifications.telling import tell
from headwater.services.notifications.wishes import Target
from tests.integration.jobs.test_asking import ask, begun, job_of
from tests.integration.notifications.conftest import Told
from tests.integration.notifications.test_telling import happening, tell_each
from tests.notified import Answering, Receiver
from tests.workers import Workshop, until

pytestmark = pytest.mark.server
VALUE = "Jane's 12 kWh"
BERLIN = ZoneInfo("Europe/Berlin")


def test_whatever_goes_wrong_with_a_message_it_is_given_up_after_the_last_attempt(
    told: Told, receiver: Receiver
) -> None:
    told.add("oncall", "webhook", Target(url=receiver.url))
    tell_each(told, happening("run.failed", datetime.now(UTC)))
    receiver.answer(Answering(429, {"Retry-After": "Mon, 01 Jan 2024 00:00:00 +99999999999999999999"}))
    at = datetime.now(UTC)
    assert told.deliver(at) != [None], "a date that there is not is no wish to be left alone"
    assert told.messages()[0]["last_error"] == "the receiver answered 429"

    # What nobody has foreseen: a channel that says less than it should.
    told.river.change("UPDATE notification_channels SET config = '{}'")
    for _ in WAITS:
        at += timedelta(days=1)
        told.deliver(at)
    (message,) = told.messages()
    assert (message["state"], message["last_error"]) == ("failed", "it could not be sent: KeyError")
    assert len(receiver.requests) == 1


def test_a_message_that_stands_in_the_queue_twice_is_sent_once(told: Told, receiver: Receiver) -> None:
    told.add("oncall", "webhook", Target(url=receiver.url))
    tell_each(told, happening("run.failed", datetime.now(UTC)))
    (message,) = told.messages()
    over = Event()
    receiver.answer(Answering(after=over))
    now = datetime.now(UTC) + timedelta(seconds=1)
    with ThreadPoolExecutor(1) as another:
        sending = another.submit(deliver, told.installation, message["delivery_id"], now=now)
        assert receiver.came.wait(60)
        again = deliver(told.installation, message["delivery_id"], now=now)
        over.set()
        assert sending.result() is None
    assert again, "it is looked at again"
    assert [row["state"] for row in told.messages()] == ["sent"]
    assert deliver(told.installation, message["delivery_id"], now=now) is None
    assert len(receiver.requests) == 1


def test_who_changes_a_channel_does_not_undo_what_tells_it_something(told: Told, receiver: Receiver) -> None:
    """A run that ends holds a message that it has joined, and opens another; the change waits for the first."""
    told.add("oncall", "webhook", Target(url=receiver.url), group_seconds=3600)
    tenant_id, now = told.installation.tenant_id, datetime.now(UTC)
    tell_each(told, happening("run.partial", now))
    with ThreadPoolExecutor(1) as another, told.installation.database.connect(tenant_id) as ends:
        tell(ends, tenant_id, [happening("run.partial", now)])
        changing = another.submit(channels.change, told.installation, "oncall", {"least_severity": "warning"})
        until(lambda: changing.done() or Workshop(told.river).someone_waits(), "the change waits for the message")
        tell(ends, tenant_id, [happening("quarantine.above", now)])
        ends.commit()
        changing.result()
    assert sorted((row["event"], row["told"]) for row in told.messages()) == [
        ("quarantine.above", 1), ("run.partial", 2),
    ]  # fmt: skip


def test_what_is_held_goes_by_the_new_quiet_hours_also_when_it_was_tried_before(told: Told, receiver: Receiver) -> None:
    now = datetime.now(UTC)

    def clock(hours: float) -> str:
        return f"{(now + timedelta(hours=hours)).astimezone(BERLIN):%H:%M}"

    def quiet(until: float) -> dict[str, object]:
        return {"quiet": {"from": clock(-1), "to": clock(until), "time_zone": "Europe/Berlin"}}

    told.add("night", "webhook", Target(url=receiver.url), events=list(EVENTS))
    receiver.answer(Answering(500), Answering(200))
    tell_each(told, happening("run.failed", now))
    told.deliver(now)  # tried once, to be tried again in a few seconds
    channels.change(told.installation, "night", quiet(8))
    tell_each(told, happening("run.partial", now))
    told.deliver(now + timedelta(minutes=1))
    assert [row["state"] for row in told.messages()] == ["held", "held"]
    channels.change(told.installation, "night", quiet(4))
    assert {row["next_at"] < now + timedelta(hours=5) for row in told.messages()} == {True}
    channels.change(told.installation, "night", {"quiet": None})
    told.deliver(now + timedelta(minutes=2))
    assert [row["state"] for row in told.messages()] == ["sent", "sent"]


@pytest.mark.parametrize("said", ["text", "database"])
def test_a_job_that_fails_of_something_unforeseen_tells_nobody_what_that_said(
    told: Told, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    """What a library says may quote values of records, or an address with its key."""
    told.add("oncall", "webhook", Target(url=receiver.url), events=["run.failed"])
    tenant_id = told.installation.tenant_id

    def fails(installation: Installation, *_: object) -> None:
        if said == "text":
            raise ValueError(VALUE)
        with installation.database.connect(tenant_id) as connection:
            connection.execute("SELECT CAST(%s AS integer)", (VALUE,))

    monkeypatch.setitem(cast("dict[str, object]", WORK), "import", fails)
    job = begun(told.installation, ask(told.installation, told.river))
    attempt(told.installation, job)
    ended = job_of(told.installation, job.job_id)
    told.deliver()
    (request,) = receiver.requests
    assert ended.state == "failed"
    assert VALUE not in f"{ended.error and ended.error['what']}{request.body.decode()}"
    assert ("ValueError" if said == "text" else "invalid input syntax") in request.body.decode()


def test_who_may_not_change_a_webhook_sees_its_host_and_no_key_in_its_address(told: Told) -> None:
    url = "https://localhost/x?key=key-of-a-receiver"
    made = told.add("oncall", "webhook", Target(url=url))
    viewer = told.installation.acting(Actor(name="viewer", rights=RIGHTS_OF[Role.VIEWER]))
    assert made.as_json()["target"] == channels.show(told.installation, "oncall").as_json()["target"] == {"url": url}
    shown = [channels.show(viewer, "oncall"), *channels.list_channels(viewer)]
    assert [each.as_json()["target"] for each in shown] == [{"host": "localhost"}] * 2
