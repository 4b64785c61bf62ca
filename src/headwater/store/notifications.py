"""Channels, what happened that they want to be told of, and the messages that tell them, each in the queue too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from headwater.errors import Conflict, Misuse, NotFound
from headwater.store.credentials import Sealed
from headwater.store.queries import named_queries
from headwater.store.records import ids_beginning, number, select

QUERIES = named_queries("notifications")
STATES = ("pending", "held", "sent", "failed", "dropped")
FORGOTTEN_AT_ONCE = 1_000


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a channel wants to be told, and when. quarantine_above: percent of a run's records."""

    events: Sequence[str]
    least_severity: str
    quarantine_above: float
    quiet_from: time | None
    quiet_to: time | None
    quiet_time_zone: str | None
    urgent_passes: bool
    group_seconds: int


@dataclass(frozen=True, kw_only=True)
class Channel(Wanted):
    """A channel as kept; its config holds no secret."""

    channel_id: UUID
    name: str
    kind: str  # email, slack, webhook
    config: Mapping[str, Any]
    version: int
    created_by: str
    created_at: datetime
    removed_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class ChannelSecret(Sealed):
    """A secret of a channel, encrypted; `expires_at` of one that another has taken the place of."""

    channel_id: UUID
    secret_no: int
    expires_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Notification:
    """What happened.

    resource        what with
    occurrence      which of several of the same
    correlation_id  in every log entry about it
    summary         in a sentence
    data            what else is told; its fields depend on `event`
    """

    notification_id: UUID
    event: str
    severity: str
    resource: str
    occurrence: str
    correlation_id: str
    summary: str
    data: Mapping[str, Any]
    happened_at: datetime


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One message to one channel.

    state            pending, held, sent, failed or dropped
    told             how many things it tells of
    attempts         how often it was sent
    next_at          when it is sent next; null where it is not
    closed_at        since when nothing more is added to it
    sent_at          when the receiver had it
    response_status  what the receiver has answered: of HTTP, or of SMTP
    last_error       why it has not got there
    """

    delivery_id: UUID
    channel_id: UUID
    event: str
    severity: str
    state: str
    told: int
    attempts: int
    opened_at: datetime
    next_at: datetime | None
    closed_at: datetime | None
    sent_at: datetime | None
    response_status: int | None
    last_error: str | None


@dataclass(frozen=True, kw_only=True)
class StuckJob:
    """A job at work of which nothing was heard since."""

    job_id: UUID
    kind: str
    label: str
    since: datetime


def add_channel(
    connection: psycopg.Connection[Any],
    tenant_id: UUID,
    channel_id: UUID,
    *,
    name: str,
    kind: str,
    config: Mapping[str, Any],
    wanted: Wanted,
    by: str,
) -> None:
    """Keep a channel; Conflict where the name is taken."""
    values = {"tenant_id": tenant_id, "channel_id": channel_id, "name": name, "kind": kind, "created_by": by}
    try:
        with connection.transaction():
            connection.execute(QUERIES["add_channel"], values | _values(config, wanted))
    except psycopg.errors.UniqueViolation as error:
        raise Conflict(
            "there is a channel of this name",
            where="name",
            value=name,
            valid="a name that none has",
            remedy="`headwater notifications channels list` shows them.",
        ) from error
    except psycopg.errors.CheckViolation as error:
        raise Misuse(
            "no name for a channel",
            where="name",
            value=name,
            valid="small letters, digits, _ and -, a letter first, at most 63",
        ) from error


def change_channel(
    connection: psycopg.Connection[Any],
    tenant_id: UUID,
    channel_id: UUID,
    *,
    config: Mapping[str, Any],
    wanted: Wanted,
) -> None:
    """Another target or other wishes."""
    values = {"tenant_id": tenant_id, "channel_id": channel_id}
    connection.execute(QUERIES["change_channel"], values | _values(config, wanted))


def _values(config: Mapping[str, Any], wanted: Wanted) -> dict[str, Any]:
    return {**asdict(wanted), "events": list(wanted.events), "config": Jsonb(config)}


def lock_channel(connection: psycopg.Connection[Any], tenant_id: UUID, name: str) -> Channel:
    """The channel of a name, which nobody else changes until the transaction ends; NotFound where there is none."""
    connection.execute(QUERIES["lock_channel"], {"tenant_id": tenant_id, "name": name})
    return find_channel(connection, tenant_id, name)


def find_channel(connection: psycopg.Connection[Any], tenant_id: UUID, name: str) -> Channel:
    """The channel of a name; NotFound where there is none."""
    found = select(connection, Channel, QUERIES["named"], {"tenant_id": tenant_id, "name": name})
    if not found:
        raise NotFound(
            "there is no such channel",
            where="channel",
            value=name,
            valid=", ".join(each.name for each in list_channels(connection, tenant_id)) or None,
            remedy="`headwater notifications channels list` shows them.",
        )
    return found[0]


def get_channel(connection: psycopg.Connection[Any], tenant_id: UUID, channel_id: UUID) -> Channel:
    """A channel by id, removed ones too."""
    values = {"tenant_id": tenant_id, "channel_id": channel_id}
    (found,) = select(connection, Channel, QUERIES["get_channel"], values)
    return found


def list_channels(connection: psycopg.Connection[Any], tenant_id: UUID) -> list[Channel]:
    """Those there are, by name."""
    return select(connection, Channel, QUERIES["channels"], {"tenant_id": tenant_id})


def names_of_channels(connection: psycopg.Connection[Any], tenant_id: UUID) -> dict[UUID, str]:
    """Names by id, of removed channels too."""
    return dict(connection.execute(QUERIES["names"], {"tenant_id": tenant_id}).fetchall())


def remove_channel(connection: psycopg.Connection[Any], tenant_id: UUID, channel_id: UUID) -> None:
    """Let go of a channel and its secrets; what waits for it is dropped."""
    values = {"tenant_id": tenant_id, "channel_id": channel_id}
    connection.execute(QUERIES["remove_channel"], values)
    connection.execute(QUERIES["drop_open"], values | {"why": "the channel was removed"})
    connection.execute(QUERIES["remove_secrets"], values | {"every": True})


def set_secret(
    connection: psycopg.Connection[Any], tenant_id: UUID, channel_id: UUID, sealed: Sealed, *, keep_seconds: float = 0.0
) -> None:
    """A secret that holds from now on; those before it hold for so many seconds more."""
    values = {"tenant_id": tenant_id, "channel_id": channel_id}
    connection.execute(QUERIES["expire_secrets"], values | {"seconds": keep_seconds})
    connection.execute(QUERIES["add_secret"], values | asdict(sealed))
    connection.execute(QUERIES["remove_secrets"], values | {"every": False})


def secrets_of(connection: psycopg.Connection[Any], tenant_id: UUID, channel_id: UUID) -> list[ChannelSecret]:
    """The secrets of a channel that hold, the newest first."""
    values = {"tenant_id": tenant_id, "channel_id": channel_id}
    return select(connection, ChannelSecret, QUERIES["secrets"], values)


def all_secrets(connection: psycopg.Connection[Any], tenant_id: UUID) -> list[ChannelSecret]:
    """Those of all channels."""
    return select(connection, ChannelSecret, QUERIES["all_secrets"], {"tenant_id": tenant_id})


def encrypt_again(connection: psycopg.Connection[Any], tenant_id: UUID, secret: ChannelSecret, sealed: Sealed) -> None:
    """The same secret by another key."""
    which = {"tenant_id": tenant_id, "channel_id": secret.channel_id, "secret_no": secret.secret_no}
    connection.execute(QUERIES["encrypt_again"], which | asdict(sealed))


def one_at_a_time(connection: psycopg.Connection[Any], tenant_id: UUID) -> None:
    """Until the transaction ends nobody else tells channels of the organisation anything."""
    connection.execute(QUERIES["one_at_a_time"], {"tenant_id": tenant_id})


def add_notification(connection: psycopg.Connection[Any], tenant_id: UUID, notification: Notification) -> bool:
    """Note what happened; False where it stands already."""
    values = {**asdict(notification), "data": Jsonb(notification.data), "tenant_id": tenant_id}
    return connection.execute(QUERIES["add_notification"], values).rowcount == 1


def join_open(
    connection: psycopg.Connection[Any], tenant_id: UUID, channel_id: UUID, notification: Notification
) -> bool:
    """Tell it in the message of its event that waits for the channel; False where none waits."""
    values = {"tenant_id": tenant_id, "channel_id": channel_id, "event": notification.event}
    row = connection.execute(QUERIES["join_open"], values).fetchone()
    if row is not None:
        _add_item(connection, tenant_id, row[0], notification)
    return row is not None


def open_delivery(
    connection: psycopg.Connection[Any],
    tenant_id: UUID,
    channel_id: UUID,
    notification: Notification,
    *,
    due: datetime,
    held: bool,
) -> None:
    """Begin a message, and put it into the queue for when it is due."""
    delivery_id = uuid4()
    values = {"tenant_id": tenant_id, "delivery_id": delivery_id, "channel_id": channel_id, "event": notification.event}
    values |= {"severity": notification.severity, "state": "held" if held else "pending"}
    connection.execute(QUERIES["open"], values | {"opened_at": notification.happened_at, "next_at": due})
    _add_item(connection, tenant_id, delivery_id, notification)
    queue(connection, tenant_id, delivery_id, due)


def _add_item(
    connection: psycopg.Connection[Any], tenant_id: UUID, delivery_id: UUID, notification: Notification
) -> None:
    values = {"delivery_id": delivery_id, "notification_id": notification.notification_id}
    connection.execute(QUERIES["add_item"], {"tenant_id": tenant_id, **values})


def queue(connection: psycopg.Connection[Any], tenant_id: UUID, delivery_id: UUID, at: datetime | None) -> None:
    """Have a worker see to a message at a time, or at once. One too often does no harm."""
    connection.execute(QUERIES["queue"], {"tenant_id": tenant_id, "delivery_id": delivery_id, "next_at": at})


def lock_delivery(connection: psycopg.Connection[Any], tenant_id: UUID, delivery_id: UUID) -> Delivery | None:
    """A message, for this transaction only; None where there is none."""
    values = {"tenant_id": tenant_id, "delivery_id": delivery_id}
    found = select(connection, Delivery, QUERIES["lock_delivery"], values)
    return found[0] if found else None


def find_delivery(connection: psycopg.Connection[Any], tenant_id: UUID, text: str) -> Delivery:
    """The one message whose id begins with `text`; NotFound where there is none, Misuse where there are more."""
    found = ids_beginning(connection, QUERIES["delivery_named"], tenant_id, text)
    if not found:
        raise NotFound(
            "there is no such message",
            where="delivery",
            value=text,
            remedy="`headwater notifications list` shows them.",
        )
    if len(found) > 1:
        raise Misuse(
            "more than one message begins so", where="delivery", value=text, valid="enough of the id to name one"
        )
    values = {"tenant_id": tenant_id, "delivery_id": found[0]}
    return select(connection, Delivery, QUERIES["get_delivery"], values)[0]


def list_deliveries(
    connection: psycopg.Connection[Any], tenant_id: UUID, *, state: str | None, limit: int
) -> tuple[list[dict[str, Any]], int]:
    """The latest messages first, each with its channel, and how many there are."""
    values = {"tenant_id": tenant_id, "state": state, "limit": limit}
    with connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(QUERIES["deliveries"], values).fetchall()
    return found, number(connection, QUERIES["count_deliveries"], values)


def held_of_channel(connection: psycopg.Connection[Any], tenant_id: UUID, channel_id: UUID) -> list[Delivery]:
    """Messages that wait for the end of quiet hours, locked until the transaction ends."""
    values = {"tenant_id": tenant_id, "channel_id": channel_id}
    return select(connection, Delivery, QUERIES["held_of_channel"], values)


def told_in(
    connection: psycopg.Connection[Any], tenant_id: UUID, delivery_id: UUID, *, limit: int
) -> list[Notification]:
    """The first of what a message tells of."""
    values = {"tenant_id": tenant_id, "delivery_id": delivery_id, "limit": limit}
    return select(connection, Notification, QUERIES["told_in"], values)


def put_off(
    connection: psycopg.Connection[Any], tenant_id: UUID, delivery_id: UUID, until: datetime, *, held: bool
) -> None:
    """Have a message wait until then; `held` by quiet hours."""
    values = {"tenant_id": tenant_id, "delivery_id": delivery_id, "next_at": until}
    connection.execute(QUERIES["put_off"], values | {"state": "held" if held else "pending"})


def begin(connection: psycopg.Connection[Any], tenant_id: UUID, delivery_id: UUID) -> None:
    """An attempt at a message begins."""
    connection.execute(QUERIES["begin"], {"tenant_id": tenant_id, "delivery_id": delivery_id})


def end_attempt(
    connection: psycopg.Connection[Any],
    tenant_id: UUID,
    delivery_id: UUID,
    state: str,
    *,
    status: int | None,
    error: str | None,
    seconds: float | None,
) -> None:
    """What came of an attempt, and in how many seconds the next one is made; None where none is."""
    values = {"tenant_id": tenant_id, "delivery_id": delivery_id, "state": state, "seconds": seconds}
    connection.execute(QUERIES["end_attempt"], values | {"response_status": status, "last_error": error})


def try_again(connection: psycopg.Connection[Any], tenant_id: UUID, delivery_id: UUID) -> bool:
    """Have a message that failed be sent again; False where it has not."""
    values = {"tenant_id": tenant_id, "delivery_id": delivery_id}
    if connection.execute(QUERIES["try_again"], values).fetchone() is None:
        return False
    queue(connection, tenant_id, delivery_id, None)
    return True


def import_of_run(connection: psycopg.Connection[Any], tenant_id: UUID, run_id: UUID) -> UUID | None:
    """The file that was sent and became this run."""
    row = connection.execute(QUERIES["import_of_run"], {"tenant_id": tenant_id, "run_id": run_id}).fetchone()
    return row[0] if row else None


def stuck_jobs(connection: psycopg.Connection[Any], tenant_id: UUID, before: datetime) -> list[StuckJob]:
    """Jobs at work that have neither begun nor committed anything since before then."""
    with connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(QUERIES["stuck_jobs"], {"tenant_id": tenant_id, "before": before}).fetchall()
    return [StuckJob(**each) for each in found]


def forget_some(connection: psycopg.Connection[Any], tenant_id: UUID, *, age: timedelta) -> int:
    """Forget messages that came to their end and are older than so long, the oldest first, and what they alone told.

    How many messages there were: FORGOTTEN_AT_ONCE at most.
    """
    values = {"tenant_id": tenant_id, "age": age, "limit": FORGOTTEN_AT_ONCE}
    found = [row[0] for row in connection.execute(QUERIES["old_deliveries"], values).fetchall()]
    connection.execute(QUERIES["forget_items"], {"tenant_id": tenant_id, "deliveries": found})
    connection.execute(QUERIES["forget_deliveries"], {"tenant_id": tenant_id, "deliveries": found})
    connection.execute(QUERIES["forget_untold"], values)
    return len(found)
