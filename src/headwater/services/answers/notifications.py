"""Channels that are told what happened, the messages to them, and the health of an installation."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NotRequired
from uuid import UUID

from typing_extensions import TypedDict

from headwater.services.answers.kinds import FreeObject
from headwater.services.notifications.events import Event, Severity
from headwater.services.notifications.wishes import Kind
from headwater.services.watching.report import Part, State

DeliveryState = Literal["pending", "held", "sent", "failed", "dropped"]


class TargetShown(TypedDict):
    """Where a channel leads; of an address in which there may be a key only its host, to whoever may not change it.

    url   of a webhook or chat
    host  of the same
    to    addresses of e-mail, masked
    """

    url: NotRequired[str]
    host: NotRequired[str | None]
    to: NotRequired[list[str]]


QuietShown = TypedDict("QuietShown", {"from": str, "to": str, "time_zone": str, "urgent_passes": bool})
QuietShown.__doc__ = """Hours in which nothing comes; what happens then comes when they are over.

from           HH:MM by the clocks of the time zone
to             likewise
time_zone      as Europe/Berlin
urgent_passes  whether what is critical comes all the same
"""


class ChannelShown(TypedDict):
    """A channel.

    events            that it is told of
    quarantine_above  percent of a run's records; of what refused more it is told
    quiet             null where it has no quiet hours
    group_seconds     what is of one event and comes within this time comes as one message
    version           what an edit must name, as ETag
    secret            that messages of a webhook are signed by; only where it was made just now
    """

    name: str
    kind: Kind
    target: TargetShown
    events: list[Event]
    least_severity: Severity
    quarantine_above: float
    quiet: QuietShown | None
    group_seconds: int
    version: int
    created_by: str
    created_at: datetime
    secret: NotRequired[str]


class ChannelTried(TypedDict):
    """What came of a test.

    ok      whether the receiver has it
    status  what the receiver has answered: of HTTP, or of SMTP
    error   what stands in the way, without anything secret
    """

    ok: bool
    status: int | None
    error: str | None


class NotificationListed(TypedDict):
    """Something that happened.

    resource        what with
    correlation_id  in every log entry about it
    summary         in a sentence
    data            what else is told; its fields depend on `event`
    """

    notification_id: UUID
    event: str
    severity: str
    resource: str
    correlation_id: str
    summary: str
    data: FreeObject
    happened_at: datetime


class DeliveryListed(TypedDict):
    """A message to a channel.

    told             how many things it tells of
    attempts         how often it was sent
    next_at          when it is sent next; null where it is not
    sent_at          when the receiver had it
    response_status  what the receiver has answered: of HTTP, or of SMTP
    last_error       why it has not got there
    channel          its name
    """

    delivery_id: UUID
    channel_id: UUID
    event: str
    severity: str
    state: DeliveryState
    told: int
    attempts: int
    opened_at: datetime
    next_at: datetime | None
    sent_at: datetime | None
    response_status: int | None
    last_error: str | None
    channel: str | None


class HealthShown(TypedDict):
    """The health of an installation, as bad as the worst of its parts."""

    state: State
    parts: list[Part]
