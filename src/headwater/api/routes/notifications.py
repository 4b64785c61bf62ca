"""Notifications: channels that are told what happened, and the messages that tell them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Header, Path, Response
from fastapi.encoders import jsonable_encoder
from pydantic import BaseModel, ConfigDict, Field

from headwater.api.access import Here, needs, router
from headwater.api.asking import Asked, Change, etag, expected_version, page_of
from headwater.services.access.policy import Right
from headwater.services.answers.kinds import Page
from headwater.services.answers.notifications import ChannelShown, ChannelTried, DeliveryListed, NotificationListed
from headwater.services.notifications import channels, delivering, viewing
from headwater.services.notifications.delivering import DeliveryShown
from headwater.services.notifications.events import Event, Severity
from headwater.services.notifications.wishes import ChannelWishes, Kind, QuietHours, Target
from headwater.store.notifications import Delivery

routes = router("notifications")
NAME = r"^[a-z][a-z0-9_-]{0,62}$"
Name = Annotated[str, Path(pattern=NAME, description="Name of the channel.")]
Which = Annotated[str, Path(pattern=r"^[0-9a-fA-F-]{4,36}$", description="Id of the message, or its beginning.")]
IfMatch = Annotated[str | None, Header(description="The ETag of the version that was looked at; else 412.")]


class NewChannel(ChannelWishes):
    """A channel by name: `target` has the `url` of a webhook or chat, or the addresses (`to`) of e-mail."""

    name: str = Field(pattern=NAME)
    kind: Kind
    target: Target


class ChannelChange(Change):
    """What is to be another; what is left out stays."""

    may_be_null = frozenset({"quiet"})
    target: Target | None = None
    events: list[Event] | None = Field(default=None, min_length=1, max_length=20)
    least_severity: Severity | None = None
    quarantine_above: float | None = Field(default=None, ge=0, lt=100)
    quiet: QuietHours | None = Field(default=None, description="Null: none any more.")
    group_seconds: int | None = Field(default=None, ge=0, le=86_400)


class NewSecret(BaseModel):
    """How long the secret before signs beside the new one."""

    model_config = ConfigDict(extra="forbid")
    keep_hours: float = Field(default=channels.KEPT_HOURS, ge=0, le=channels.MOST_HOURS)


@routes.get("/notification-channels", **needs(Right.READ))
def list_channels(here: Here) -> list[ChannelShown]:
    """Channels by name, without their secrets; addresses of people are masked."""
    return [_plain(each) for each in channels.list_channels(here)]


@routes.post("/notification-channels", status_code=201, **needs(Right.TRANSFORM, 409, shown_once=True))
def add_channel(here: Here, channel: NewChannel, response: Response) -> ChannelShown:
    """Add a channel. The answer for a webhook has the `secret` that its messages are signed by, this once."""
    wishes = ChannelWishes.model_validate(channel.model_dump(exclude={"name", "kind", "target"}))
    made = channels.add(here, channel.name, channel.kind, channel.target, wishes)
    response.headers["ETag"] = etag(made.channel.version)
    return _plain(made)


@routes.get("/notification-channels/{channel}", **needs(Right.READ, 404))
def show_channel(here: Here, channel: Name, response: Response) -> ChannelShown:
    """One channel."""
    found = channels.show(here, channel)
    response.headers["ETag"] = etag(found.channel.version)
    return _plain(found)


@routes.patch("/notification-channels/{channel}", **needs(Right.TRANSFORM, 404, 412))
def change_channel(
    here: Here, channel: Name, change: ChannelChange, response: Response, if_match: IfMatch = None
) -> ChannelShown:
    """Other wishes, or another target. A webhook keeps its secret."""
    said = change.model_dump(exclude_unset=True, by_alias=True, exclude={"target"})
    changed = channels.change(here, channel, said, target=change.target, expected=expected_version(if_match))
    response.headers["ETag"] = etag(changed.channel.version)
    return _plain(changed)


@routes.delete("/notification-channels/{channel}", status_code=204, **needs(Right.TRANSFORM, 404, 412))
def remove_channel(here: Here, channel: Name, if_match: IfMatch = None) -> None:
    """Let go of a channel and its secret; what waits for it is dropped."""
    channels.remove(here, channel, expected=expected_version(if_match))


@routes.post("/notification-channels/{channel}/test", **needs(Right.TRANSFORM, 404, long="write"))
def test_channel(here: Here, channel: Name) -> ChannelTried:
    """Send a test at once: `ok`, or what stands in the way."""
    outcome = delivering.send_test(here, channel)
    return {"ok": outcome.is_sent, "status": outcome.status, "error": outcome.error}


@routes.post("/notification-channels/{channel}/secret", **needs(Right.TRANSFORM, 404, shown_once=True))
def change_secret(here: Here, channel: Name, wanted: NewSecret) -> ChannelShown:
    """Another signing secret for a webhook, shown this once; the one before signs beside it for a while."""
    return _plain(channels.new_secret(here, channel, keep_hours=wanted.keep_hours))


@routes.get("/notifications", **needs(Right.READ))
def list_notifications(here: Here, question: Asked) -> Page[NotificationListed]:
    """What happened that a channel wanted to be told of, the latest first."""
    return page_of(viewing.happened(here, question))


@routes.get("/notification-deliveries", **needs(Right.READ))
def list_deliveries(here: Here, question: Asked) -> Page[DeliveryListed]:
    """Messages to channels, the latest first: whether they got there, and why not."""
    return page_of(viewing.deliveries(here, question))


@routes.get("/notification-deliveries/{delivery}", **needs(Right.READ, 404))
def show_delivery(here: Here, delivery: Which) -> DeliveryShown:
    """One message, and the first of what it tells."""
    found, told = delivering.show_delivery(here, delivery)
    shown: DeliveryShown = jsonable_encoder(DeliveryShown(**vars(found), notifications=told))
    return shown


@routes.post("/notification-deliveries/{delivery}/repetition", **needs(Right.TRANSFORM, 404))
def retry(here: Here, delivery: Which) -> Delivery:
    """Have a message that failed be sent again, under its id."""
    shown: Delivery = jsonable_encoder(delivering.retry(here, delivery))
    return shown


def _plain(view: channels.ChannelView) -> ChannelShown:
    shown: ChannelShown = jsonable_encoder(view.as_json())
    return shown
