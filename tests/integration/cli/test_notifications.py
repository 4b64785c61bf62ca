"""`headwater notifications`: channels from adding to removing, and messages that did not get there."""

from __future__ import annotations

import pytest

from tests.integration.cli.conftest import Headwater
from tests.notified import Answering, receiving
from tests.planted import planted
from tests.river import River, activities

pytestmark = pytest.mark.server
CHAT = planted("/services/T11111111/B11111111/plantedbythecommandline")
CHANNELS = ("notifications", "channels")


@pytest.mark.tells_secrets("a webhook's is shown once, when it is made")
def test_channels_by_command_line(headwater: Headwater, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWATER_API_NETWORKS", "127.0.0.0/8,::1/128")
    with receiving() as receiver:
        added = headwater(*CHANNELS, "add", "oncall", "--webhook", receiver.url, "--quarantine-above", 20, "--json")
        assert added.code == 0, added.err
        secret = planted(added.json["secret"])
        assert secret.startswith("whsec_")
        team = headwater(
            *CHANNELS, "add", "team", "--slack", "--event", "run.failed", "--event", "job.stuck", "--quiet",
            "22:00-07:00", "--time-zone", "Europe/Berlin", "--urgent-passes", "--group", 300, "--least", "error",
            typed=receiver.url + CHAT,
        )  # fmt: skip
        assert "22:00-07:00 Europe/Berlin, urgent passes" in team.out
        shown = headwater(*CHANNELS, "show", "team", "--json").json
        assert (shown["target"], shown["events"]) == ({"host": "localhost"}, ["run.failed", "job.stuck"])
        headwater(*CHANNELS, "edit", "team", "--urgent-waits", "--time-zone", "UTC")
        quiet = headwater(*CHANNELS, "show", "team", "--json").json["quiet"]
        assert quiet == {"from": "22:00", "to": "07:00", "time_zone": "UTC", "urgent_passes": False}
        headwater(*CHANNELS, "edit", "team", "--quiet", "never", "--event", "run.partial")
        listed = headwater(*CHANNELS, "list")
        assert "team" in listed.out
        assert [(each["name"], each["quiet"]) for each in headwater(*CHANNELS, "list", "--json").json] == [
            ("oncall", None), ("team", None),
        ]  # fmt: skip
        assert headwater(*CHANNELS, "test", "team").out == "team was told\n"
        receiver.answer(Answering(404, body=b"no_service"))
        failed = headwater(*CHANNELS, "test", "team")
        assert (failed.code, failed.out) == (1, "team was not told: the chat answered 404 (no_service)\n")
        another = headwater(*CHANNELS, "new-secret", "oncall", "--json").json["secret"]
        assert planted(another) != secret
        assert headwater(*CHANNELS, "remove", "team").out == "team is removed\n"
    to_program = ("add", "x", "--webhook", "https://example.org")
    for wrong, said in (
        (("add", "x"), "leads somewhere"),
        (("add", "x", "--webhook", "http://10.0.0.1/", "--slack"), "one place"),
        (("add", "x", "--webhook", "ftp://example.org"), "no address that can be sent to"),
        ((*to_program, "--event", "run.exploded"), "cannot be wished for"),
        ((*to_program, "--quiet", "22-7"), "cannot be wished for"),
        ((*to_program, "--quiet", "22:00-22:00"), "never end"),
        ((*to_program, "--time-zone", "Mars/Olympus", "--quiet", "22:00-07:00"), "time zone"),
        (("add", "oncall", "--webhook", "https://example.org"), "a channel of this name"),
        (("add", "X", "--webhook", "https://example.org"), "no name for a channel"),
        (("show", "team"), "no such channel"),
        (("add", "x", "--email", "ann@example.org"), "no server for e-mail"),
        (("edit", "oncall", "--time-zone", "UTC"), "no quiet"),
    ):
        refused = headwater(*CHANNELS, *wrong)
        assert (refused.code, said in refused.err) == (2, True), (wrong, refused.err)


def test_messages_by_command_line(headwater: Headwater, river: River) -> None:
    headwater(*CHANNELS, "add", "oncall", "--webhook", "https://hooks.invalid/x", "--event", "run.completed")
    river.load(activities([{"activity_id": "a"}]))
    (message,) = headwater("notifications", "list", "--json").json["messages"]
    assert (message["channel"], message["event"], message["state"], message["told"]) == (
        "oncall", "run.completed", "pending", 1,
    )  # fmt: skip
    refused = headwater("notifications", "retry", message["delivery_id"])
    assert (refused.code, "nothing to send again" in refused.err) == (2, True)
    river.change("UPDATE notification_deliveries SET state = 'failed', last_error = 'the receiver answered 500'")
    assert "the receiver answered 500" in headwater("notifications", "list", "--state", "failed").out
    assert headwater("notifications", "retry", message["delivery_id"][:8]).out.endswith(": pending\n")
    assert "1 message\n" in headwater("notifications", "list").out
    assert headwater("notifications", "list", "--state", "lost").code == 2
