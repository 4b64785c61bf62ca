"""Lists of what happened and of the messages that tell it, read on by a cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.services.access.policy import Right
from headwater.services.listing import Listed, ask, by_name
from headwater.store import notifications
from headwater.store.listing import Column, Order

if TYPE_CHECKING:
    from headwater.services.installation import Installation
    from headwater.services.listing import Page, Question

_HAPPENED = by_name(
    [
        Column(name="notification_id", type="uuid", nullable=False),
        Column(name="event", type="text", nullable=False),
        Column(name="severity", type="text", nullable=False),
        Column(name="resource", type="text", nullable=False),
        Column(name="correlation_id", type="text", nullable=False),
        Column(name="summary", type="text", nullable=False),
        Column(name="data", type="jsonb", nullable=False),
        Column(name="happened_at", type="timestamptz", nullable=False),
    ]
)
HAPPENED = Listed(
    what="notifications",
    table="notifications",
    columns=_HAPPENED,
    order=[Order(column=_HAPPENED["happened_at"], descending=True)],
    key=["notification_id"],
    filters=frozenset(_HAPPENED) - {"data", "summary"},
)
_DELIVERIES = by_name(
    [
        Column(name="delivery_id", type="uuid", nullable=False),
        Column(name="channel_id", type="uuid", nullable=False),
        Column(name="event", type="text", nullable=False),
        Column(name="severity", type="text", nullable=False),
        Column(name="state", type="text", nullable=False),
        Column(name="told", type="integer", nullable=False),
        Column(name="attempts", type="integer", nullable=False),
        Column(name="opened_at", type="timestamptz", nullable=False),
        Column(name="next_at", type="timestamptz"),
        Column(name="sent_at", type="timestamptz"),
        Column(name="response_status", type="integer"),
        Column(name="last_error", type="text"),
    ]
)
DELIVERIES = Listed(
    what="messages",
    table="notification_deliveries",
    columns=_DELIVERIES,
    order=[Order(column=_DELIVERIES["opened_at"], descending=True)],
    key=["delivery_id"],
    filters=frozenset(_DELIVERIES) - {"last_error"},
)


def happened(installation: Installation, question: Question) -> Page:
    """What channels were told of, the latest first."""
    installation.require(Right.READ)
    return ask(installation, HAPPENED, question)


def deliveries(installation: Installation, question: Question) -> Page:
    """Messages to channels, the latest first, each with the name of its channel."""
    installation.require(Right.READ)
    page = ask(installation, DELIVERIES, question)
    with installation.database.connect(installation.tenant_id) as connection:
        names = notifications.names_of_channels(connection, installation.tenant_id)
    for item in page.items:
        item["channel"] = names.get(item["channel_id"])
    return page
