"""What a message says, to people and to programs, however many things it tells of and whatever they are called."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.parser import BytesParser
from email.policy import default
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from headwater.services.notifications import mail, slack, webhook
from headwater.services.notifications.events import EVENTS, KIND_OF, SEVERITIES, SEVERITY_OF, WORDS, Happening, wants
from headwater.services.notifications.wording import FEW, MANY, Message
from headwater.store.notifications import Notification
from tests.notified import as_slack_takes

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
BODY = b'{"type":"test"}'


def message(
    summaries: list[str], told: int | None = None, event: str = "run.failed", organisation: str = "default"
) -> Message:
    items = [
        Notification(
            notification_id=UUID(int=number), event=event, severity="error", resource=f"run/{UUID(int=number)}",
            occurrence="1", correlation_id="c", summary=summary, data={"n": number}, happened_at=NOW,
        )
        for number, summary in enumerate(summaries)
    ]  # fmt: skip
    return Message(
        message_id=UUID(int=7), event=event, severity="error", organisation=organisation, told=told or len(items),
        first=items[:MANY], opened_at=NOW,
    )  # fmt: skip


messages = st.builds(
    message,
    st.lists(st.text(max_size=4000), min_size=1, max_size=8),
    st.none(),
    st.sampled_from(sorted(WORDS)),
    st.text(max_size=300),
)


@given(messages)
def test_chats_can_show_whatever_is_told(told: Message) -> None:
    assert as_slack_takes(json.loads(json.dumps(slack.payload(told)))) == []


def test_names_of_files_are_no_mark_up() -> None:
    payload = slack.payload(message(["The run of <!channel> & <https://evil.example|click>.csv has failed"]))
    assert "<!channel>" not in json.dumps(payload)
    assert "&lt;!channel&gt; &amp; &lt;https" in payload["blocks"][1]["text"]["text"]


@given(messages)
def test_mail_reads_back_as_text_and_html_and_its_headers_hold(told: Message) -> None:
    composed = mail.composed(told, "headwater@example.org", ["ann@example.org"], at=NOW)
    read = BytesParser(policy=default).parsebytes(composed.as_bytes())
    assert [part.get_content_type() for part in read.iter_parts()] == ["text/plain", "text/html"]
    assert read["To"] == "ann@example.org"
    assert read["Message-ID"] == f"<{UUID(int=7).hex}@example.org>"
    assert "\n" not in read["Subject"]
    assert set(read.keys()) == set(composed.keys()), "no header comes in by a name"


def test_html_is_escaped() -> None:
    composed = mail.composed(message(["<script>alert(1)</script>"]), "h@example.org", ["a@example.org"], at=NOW)
    body = composed.get_body(("html",))
    assert body is not None
    assert "<script>" not in body.get_content()
    assert "&lt;script&gt;" in body.get_content()


@pytest.mark.parametrize(("told", "more"), [(1, None), (FEW, None), (FEW + 1, "And 1 more"), (1234, "And 1,229 more")])
def test_many_are_told_as_how_many_and_the_first_few(told: int, more: str | None) -> None:
    made = message([f"s{number}" for number in range(min(told, MANY))], told)
    assert len(made.lines) == min(told, FEW)
    assert (made.more or "").startswith(more or "")
    assert bool(made.more) == bool(more)
    assert made.subject == ("A run has failed (default)" if told == 1 else f"{told:,} runs have failed (default)")
    data = made.as_json()["data"]
    assert (data["count"], len(data["items"]) + data["left_out"]) == (told, told)


def test_a_strangers_library_believes_our_signatures_of_both_secrets_and_no_others() -> None:
    secrets = [webhook.new_secret(), webhook.new_secret()]
    now = datetime.now(UTC)
    headers = webhook.signed_headers("msg_1", now, BODY, secrets)
    for secret in secrets:
        assert Webhook(secret).verify(BODY, headers) == {"type": "test"}
    with pytest.raises(WebhookVerificationError):
        Webhook(webhook.new_secret()).verify(BODY, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secrets[0]).verify(BODY + b" ", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secrets[0]).verify(BODY, headers | {"webhook-id": "msg_2"})
    old = webhook.signed_headers("msg_1", now - timedelta(minutes=6), BODY, secrets)
    with pytest.raises(WebhookVerificationError):
        Webhook(secrets[0]).verify(BODY, old)
    assert headers["webhook-signature"].split(" ")[0] == Webhook(secrets[0]).sign("msg_1", now, BODY.decode())


def happening(event: str, share: float | None = None) -> Happening:
    return Happening(
        event=event,  # type: ignore[arg-type]
        resource="run/1",
        occurrence="1",
        correlation_id="c",
        summary="s",
        share=share,
        happened_at=NOW,
    )


class Wishes:
    def __init__(self, events: list[str], least: str = "info", above: float = 5.0) -> None:
        self.events, self.least_severity, self.quarantine_above = events, least, above


def test_who_wants_failed_runs_hears_of_syncs_imports_and_schedules_and_not_the_other_way_round() -> None:
    assert {event for event in EVENTS if wants(Wishes(["run.failed"]), happening(event))} == {
        "run.failed", "sync.failed", "import.failed", "schedule.failed",
    }  # fmt: skip
    assert {event for event in EVENTS if wants(Wishes(["sync.failed"]), happening(event))} == {"sync.failed"}


@given(st.sampled_from(EVENTS), st.sampled_from(SEVERITIES), st.floats(0, 100), st.floats(0, 99))
def test_a_channel_hears_of_what_is_grave_enough_and_above_its_share(
    event: str, least: str, share: float, above: float
) -> None:
    told = wants(Wishes([event], least, above), happening(event, share if event == "quarantine.above" else None))
    grave = SEVERITIES.index(SEVERITY_OF[event]) >= SEVERITIES.index(least)
    assert told == (grave and (event != "quarantine.above" or share > above))


def test_every_event_has_its_words_and_gravity() -> None:
    assert set(SEVERITY_OF) == set(EVENTS)
    assert set(WORDS) == {*EVENTS, "test"}
    assert set(KIND_OF) | set(KIND_OF.values()) <= set(EVENTS)
