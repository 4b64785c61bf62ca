"""What runs come to, told to programs, chats and people: in the transaction that ends them, together, in its time."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from standardwebhooks import Webhook

from headwater.errors import Conflict, HeadwaterError, Misuse, NotFound
from headwater.services.imports import carry_out, plan_file
from headwater.services.notifications import channels
from headwater.services.notifications.delivering import WAITS, list_deliveries, retry, send_test
from headwater.services.notifications.events import EVENTS, Happening
from headwater.services.notifications.sealing import encrypt_again
from headwater.services.notifications.stuck import STUCK_AFTER, tell_stuck_jobs
from headwater.services.notifications.telling import quiet_of, tell
from headwater.services.notifications.times import due
from headwater.services.notifications.wishes import ChannelWishes, Target
from headwater.settings import load_settings
from headwater.telemetry import SilentProgress
from tests.integration.notifications.conftest import Told
from tests.notified import Answering, Receiver, as_slack_takes, grouped
from tests.planted import planted
from tests.river import activities

pytestmark = pytest.mark.server
CHAT = planted("/services/T00000000/B00000000/plantedplantedplanted")
QUIET = {"from": "22:00", "to": "07:00", "time_zone": "Europe/Berlin"}


def happening(event: str, at: datetime, resource: str | None = None) -> Happening:
    return Happening(
        event=event, resource=resource or f"run/{uuid4()}", occurrence="1", correlation_id="c",  # type: ignore[arg-type]
        summary=f"{event} at {at}", happened_at=at,
    )  # fmt: skip


def tell_each(told: Told, *happenings: Happening) -> None:
    with told.installation.database.connect(told.installation.tenant_id) as connection:
        tell(connection, told.installation.tenant_id, happenings)


def test_a_run_is_told_of_signed_once_and_by_both_secrets_while_they_change(told: Told, receiver: Receiver) -> None:
    made = told.add("oncall", "webhook", Target(url=f"{receiver.url}/hook"), quarantine_above=10)
    assert made.secret is not None
    rows = [{"activity_id": f"a{n}", "quantity": "much" if n == 0 else "1"} for n in range(9)]
    told.river.load(activities(rows))
    assert [row["event"] for row in told.messages()] == ["quarantine.above", "run.completed"]
    receiver.answer(Answering(500), Answering(200))
    waits = told.deliver()
    assert sorted(wait is None for wait in waits) == [False, True], "one was taken, the other is tried again"
    assert told.deliver(datetime.now(UTC) + timedelta(seconds=1)) != [None], "not before its time"
    assert told.deliver(datetime.now(UTC) + timedelta(seconds=10)) == [None]
    assert [(row["state"], row["response_status"], row["last_error"]) for row in told.messages()] == [
        ("sent", 200, None), ("sent", 200, None),
    ]  # fmt: skip
    bodies = [Webhook(made.secret).verify(request.body, request.headers) for request in receiver.requests]
    assert {body["type"] for body in bodies} == {"run.completed", "quarantine.above"}
    ids = [request.headers["webhook-id"] for request in receiver.requests]
    assert (len(ids), len(set(ids))) == (3, 2), "what is sent again keeps its id"
    (item,) = next(body for body in bodies if body["type"] == "quarantine.above")["data"]["items"]
    assert (item["data"]["refused"], item["data"]["read"], item["data"]["refused_percent"]) == (1, 9, 11.11)
    assert "much" not in str(bodies), "no value of a record leaves"

    newer = channels.new_secret(told.installation, "oncall", keep_hours=1)
    assert send_test(told.installation, "oncall").is_sent
    last = receiver.requests[-1]
    for secret in (made.secret, newer.secret or ""):
        assert Webhook(secret).verify(last.body, last.headers)["type"] == "test"
    newest = channels.new_secret(told.installation, "oncall", keep_hours=0)
    assert send_test(told.installation, "oncall").is_sent
    assert receiver.requests[-1].headers["webhook-signature"].count("v1,") == 1
    assert Webhook(newest.secret or "").verify(receiver.requests[-1].body, receiver.requests[-1].headers)


def test_a_run_that_fails_is_told_without_the_value_it_failed_of_and_a_clean_one_only_where_wanted(
    told: Told, receiver: Receiver
) -> None:
    told.add("failures", "webhook", Target(url=receiver.url), events=["run.failed"])
    told.river.load(activities([{"activity_id": "fine"}]), name="fine.csv")
    path = told.river.folder / "lost.csv"
    path.write_text(activities([{"activity_id": "x"}]))
    run_id = plan_file(told.installation, path, told.river.mapping("activity_form"))
    (run,) = told.river.rows("SELECT blob_sha256 FROM runs WHERE run_id = %(run)s", run=run_id)
    told.installation.blobs.path(told.installation.tenant_id, bytes(run["blob_sha256"])).unlink()
    with pytest.raises(HeadwaterError):
        carry_out(told.installation, run_id, progress=SilentProgress())
    told.deliver()
    (request,) = receiver.requests
    (item,) = request.json["data"]["items"]
    assert (item["event"], item["resource"], item["data"]["state"]) == ("run.failed", f"run/{run_id}", "failed")
    assert item["summary"].startswith("The run of lost.csv has failed: ")
    assert str(told.river.folder) not in request.body.decode()


def test_a_transaction_that_is_undone_tells_nothing_and_nothing_is_told_twice(told: Told, receiver: Receiver) -> None:
    told.add("oncall", "webhook", Target(url=receiver.url))
    tenant_id, one = told.installation.tenant_id, happening("run.failed", datetime.now(UTC), "run/1")
    with told.installation.database.connect(tenant_id) as connection:
        tell(connection, tenant_id, [one])
        connection.rollback()
    assert (told.messages(), told.deliver()) == ([], [])
    tell_each(told, one)
    tell_each(told, one)
    assert told.deliver() == [None]
    assert len(receiver.requests) == 1


def test_what_comes_together_goes_together_as_the_model_says(told: Told, receiver: Receiver) -> None:
    """Whatever happens when, in quiet hours and around the change of clocks; a worker sends what is due in between."""
    rng = random.Random(7)
    view = told.add("oncall", "webhook", Target(url=receiver.url), events=list(EVENTS), quiet=QUIET, group_seconds=1200)
    at, things = datetime(2026, 10, 24, 18, tzinfo=UTC), []
    for _ in range(40):
        at += timedelta(minutes=rng.choice((1, 5, 15, 90)))
        things.append((rng.choice(("run.failed", "run.partial")), at))
        told.deliver(at)
        tell_each(told, happening(*things[-1]))
    told.deliver(at + timedelta(days=1))
    quiet = quiet_of(view.channel)
    groups = grouped(things, lambda begun: due(begun, timedelta(seconds=1200), quiet, urgent=False))
    expected = sorted((group[0][1], group[0][0], len(group)) for group in groups)
    assert sorted((row["opened_at"], row["event"], row["told"]) for row in told.messages()) == expected
    assert len(expected) < len(things) / 2
    assert sum(request.json["data"]["count"] for request in receiver.requests) == len(things)
    assert {row["state"] for row in told.messages()} == {"sent"}


def test_quiet_hours_hold_but_for_what_is_urgent_and_let_go_when_they_are_taken_away(
    told: Told, receiver: Receiver
) -> None:
    told.add("night", "webhook", Target(url=receiver.url), events=list(EVENTS), quiet=QUIET | {"urgent_passes": True})
    night = datetime.now(UTC).replace(hour=23, minute=0) - timedelta(days=1)
    tell_each(told, happening("run.failed", night), happening("job.stuck", night))
    assert {row["event"]: row["state"] for row in told.messages()} == {"run.failed": "held", "job.stuck": "pending"}
    told.deliver(night)
    assert [request.json["type"] for request in receiver.requests] == ["job.stuck"]
    before = channels.show(told.installation, "night").channel.version
    with pytest.raises(Conflict) as changed:
        channels.change(told.installation, "night", {"quiet": None}, expected=before + 1)
    assert changed.value.mine == {"quiet": None}
    assert channels.change(told.installation, "night", {"quiet": None}, expected=before).channel.version == before + 1
    told.deliver(datetime.now(UTC) + timedelta(seconds=1))
    assert [request.json["type"] for request in receiver.requests] == ["job.stuck", "run.failed"]


def test_a_chat_is_told_in_its_form_and_its_address_is_nowhere(
    told: Told, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    told.add("team", "slack", Target(url=receiver.url + CHAT))
    for number in range(3):
        tell_each(told, happening("run.failed", datetime.now(UTC), f"run/{number}"))
        receiver.answer(
            [Answering(429, {"Retry-After": "1800"}, b""), Answering(400, body=b"invalid_payload"), Answering(503)][
                number
            ]
        )
        told.deliver()
    first, second, third = told.messages()
    assert (first["state"], first["last_error"]) == ("pending", "the chat answered 429")
    assert first["next_at"] > datetime.now(UTC) + timedelta(seconds=1700), "it has asked to be left alone"
    assert (second["state"], second["last_error"]) == ("failed", "the chat answered 400 (invalid_payload)")
    assert (third["state"], third["attempts"]) == ("pending", 1)
    receiver.answer(Answering())
    assert retry(told.installation, str(second["delivery_id"])[:8]).state == "pending"
    told.deliver(datetime.now(UTC) + timedelta(hours=1))
    assert {row["state"] for row in told.messages()} == {"sent"}
    assert [request.path for request in receiver.requests] == [CHAT] * 6
    assert [as_slack_takes(request.json) for request in receiver.requests] == [[]] * 6
    assert "plantedplanted" not in caplog.text + str(channels.show(told.installation, "team").as_json())


def test_after_the_last_attempt_it_has_failed_is_listed_and_can_be_sent_again(told: Told, receiver: Receiver) -> None:
    told.add("oncall", "webhook", Target(url=receiver.url))
    tell_each(told, happening("run.failed", datetime.now(UTC)))
    receiver.answer(Answering(404))
    at, said = datetime.now(UTC), []
    while (wait := told.deliver(at)) != [None]:
        said.append(wait[0] or 0.0)
        at += timedelta(days=1)
    assert len(receiver.requests) == len(WAITS) + 1
    assert all(0.8 * due_in <= waited <= 1.2 * due_in for due_in, waited in zip(WAITS, said, strict=True))
    (failed,), total = list_deliveries(told.installation, state="failed")
    assert (total, failed["last_error"], failed["channel"]) == (1, "the receiver answered 404", "oncall")
    receiver.answer(Answering(410), Answering(204))
    retry(told.installation, failed["delivery_id"])
    assert told.deliver(at) == [None], "a receiver that says it is gone is believed at once"
    retry(told.installation, failed["delivery_id"])
    assert told.deliver(at) == [None]
    assert list_deliveries(told.installation)[0][0]["state"] == "sent"
    with pytest.raises(Misuse, match="nothing to send again"):
        retry(told.installation, failed["delivery_id"])


def test_what_waits_for_a_channel_that_goes_is_dropped_and_its_secret_is_gone(told: Told, receiver: Receiver) -> None:
    told.add("oncall", "webhook", Target(url=receiver.url))
    tell_each(told, happening("run.failed", datetime.now(UTC)))
    channels.remove(told.installation, "oncall")
    told.deliver()
    assert [row["state"] for row in told.messages()] == ["dropped"]
    assert (receiver.requests, told.river.rows("SELECT FROM notification_secrets")) == ([], [])
    with pytest.raises(NotFound):
        channels.show(told.installation, "oncall")
    told.add("oncall", "webhook", Target(url=receiver.url))


def test_where_only_the_server_reaches_nothing_goes_unless_it_is_allowed(told: Told, receiver: Receiver) -> None:
    told.add("inside", "webhook", Target(url=f"https://localhost:{receiver.port}/"))
    strict = replace(told.installation, settings=told.river.installation.settings)
    outcome = send_test(strict, "inside")
    assert (outcome.is_sent, outcome.passes) == (False, False)
    assert "only this server reaches" in (outcome.error or "")
    with pytest.raises(Misuse, match="no address that can be sent to"):
        channels.add(strict, "plain", "webhook", Target(url=receiver.url), ChannelWishes())
    assert receiver.requests == []


def test_secrets_of_channels_follow_the_key_of_credentials(told: Told, receiver: Receiver) -> None:
    told.add("team", "slack", Target(url=receiver.url + CHAT))
    before = (told.installation.settings.data_dir / "credentials.key").read_text()
    both = load_settings(environ={"HEADWATER_CREDENTIALS_KEYS": f"k2:{'B' * 43}=,{before}"}).credentials_keys
    only = load_settings(environ={"HEADWATER_CREDENTIALS_KEYS": f"k2:{'B' * 43}="}).credentials_keys

    def keyed(keys: Any) -> Any:
        settings = told.installation.settings.model_copy(update={"credentials_keys": keys})
        return replace(told.installation, settings=settings)

    lost = send_test(keyed(only), "team")
    assert "which is not known here" in (lost.error or "")
    assert (encrypt_again(keyed(both)), encrypt_again(keyed(both))) == (1, 0)
    assert send_test(keyed(only), "team").is_sent


def test_jobs_that_do_not_get_on_are_told_once_a_standstill(told: Told, receiver: Receiver) -> None:
    told.add("oncall", "webhook", Target(url=receiver.url), events=["job.stuck"])
    job = uuid4()
    told.river.change(
        "INSERT INTO jobs (tenant_id, job_id, kind, label, arguments, asked_by, state, started_at, heartbeat)"
        " VALUES (%(tenant)s, %(job)s, 'sync', 'crm/meters', '{}', 'test', 'running', now(), now())",
        tenant=told.installation.tenant_id, job=job,
    )  # fmt: skip
    now = datetime.now(UTC)
    assert tell_stuck_jobs(told.installation, now=now) == 0
    for minutes in (1, 2, 3):
        assert tell_stuck_jobs(told.installation, now=now + STUCK_AFTER + timedelta(minutes=minutes)) == 1
    told.deliver(now + timedelta(hours=1))
    (request,) = receiver.requests
    assert request.json["data"]["items"][0]["resource"] == f"job/{job}"
