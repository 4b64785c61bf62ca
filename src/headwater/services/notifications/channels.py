"""Channels: added, shown, changed, removed; secrets shown once, when they are made."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

from headwater.errors import Misuse
from headwater.services.access.changing import changed_meanwhile
from headwater.services.access.masking import mask
from headwater.services.access.policy import Right
from headwater.services.notifications import webhook
from headwater.services.notifications.events import URGENT
from headwater.services.notifications.mail import refuse_without_server
from headwater.services.notifications.posting import Reach, check_url
from headwater.services.notifications.sealing import sealed
from headwater.services.notifications.telling import quiet_of
from headwater.services.notifications.times import due
from headwater.services.notifications.wishes import (
    ChannelWishes,
    Target,
    addresses,
    wanted_of,
    wishes_as_json,
    wishes_of,
)
from headwater.store import audit, notifications

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headwater.services.answers.notifications import ChannelShown
    from headwater.services.installation import Installation
    from headwater.services.notifications.wishes import Kind
    from headwater.store.database import TenantConnection
    from headwater.store.notifications import Channel

KEPT_HOURS = 24
MOST_HOURS = 24 * 30


@dataclass(frozen=True, kw_only=True)
class ChannelView:
    """A channel as it is shown. `secret`: what webhooks are signed by, where it was made just now; never again.

    whole: whoever may change it sees the address of a webhook, in which receivers like to have a key; others its host
    """

    channel: Channel
    secret: str | None = field(default=None, repr=False)
    whole: bool = True

    def as_json(self) -> ChannelShown:
        """Plain values, but for times and ids."""
        found = self.channel
        told: Any = {
            "name": found.name,
            "kind": found.kind,
            "target": self._target(),
            **wishes_as_json(found),
            "version": found.version,
            "created_by": found.created_by,
            "created_at": found.created_at,
            **({"secret": self.secret} if self.secret else {}),
        }
        shown: ChannelShown = told
        return shown

    def _target(self) -> dict[str, Any]:
        url = self.channel.config.get("url")
        return dict(self.channel.config) if self.whole or url is None else {"host": urlsplit(url).hostname}


@dataclass(frozen=True, kw_only=True)
class _Led:
    """Where a channel leads: what may be seen of it, and what is kept as a secret."""

    config: Mapping[str, Any]
    secret: str = field(repr=False)


def add(installation: Installation, name: str, kind: Kind, target: Target, wishes: ChannelWishes) -> ChannelView:
    """Keep a channel. A webhook's signing secret is in the answer, once. Misuse for a target that cannot be told."""
    installation.require(Right.TRANSFORM, on="notification-channels")
    led, wanted = _led(installation, kind, target), wanted_of(wishes)
    channel_id, tenant_id = uuid4(), installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        notifications.add_channel(
            connection, tenant_id, channel_id, name=name, kind=kind, config=led.config, wanted=wanted,
            by=installation.actor.name,
        )  # fmt: skip
        notifications.set_secret(connection, tenant_id, channel_id, sealed(installation, channel_id, led.secret))
        made = notifications.get_channel(connection, tenant_id, channel_id)
        _note(connection, installation, "channel.added", made, kind=kind, events=list(wanted.events))
    return ChannelView(channel=made, secret=led.secret if kind == "webhook" else None)


def list_channels(installation: Installation) -> list[ChannelView]:
    """All of them, by name."""
    installation.require(Right.READ)
    with installation.database.connect(installation.tenant_id) as connection:
        found = notifications.list_channels(connection, installation.tenant_id)
    whole = installation.actor.may(Right.TRANSFORM)
    return [ChannelView(channel=each, whole=whole) for each in found]


def show(installation: Installation, name: str) -> ChannelView:
    """One of them."""
    installation.require(Right.READ)
    with installation.database.connect(installation.tenant_id) as connection:
        found = notifications.find_channel(connection, installation.tenant_id, name)
    return ChannelView(channel=found, whole=installation.actor.may(Right.TRANSFORM))


def change(
    installation: Installation,
    name: str,
    changes: Mapping[str, Any],
    *,
    target: Target | None = None,
    expected: int | None = None,
) -> ChannelView:
    """Other wishes, those not named stay; another target, where one is said. Conflict where it is another by now.

    A webhook keeps its signing secret. What waits for the channel goes by the new quiet hours.
    """
    installation.require(Right.TRANSFORM, on=f"notification-channel/{name}")
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        found = notifications.lock_channel(connection, tenant_id, name)
        _refuse_another(found, expected, mine=dict(changes))
        wanted = wanted_of(wishes_of(wishes_as_json(found) | dict(changes)))
        config = found.config
        if target is not None:
            led = _led(installation, found.kind, target)
            config = led.config
            if found.kind != "webhook":
                again = sealed(installation, found.channel_id, led.secret)
                notifications.set_secret(connection, tenant_id, found.channel_id, again)
        notifications.change_channel(connection, tenant_id, found.channel_id, config=config, wanted=wanted)
        changed = notifications.get_channel(connection, tenant_id, found.channel_id)
        _let_go(connection, installation, changed)
        _note(connection, installation, "channel.changed", changed, **_change(found, changed, changes, target))
    return ChannelView(channel=changed)


def remove(installation: Installation, name: str, *, expected: int | None = None) -> None:
    """Let go of a channel and its secret; what waits for it is dropped, what it was told stays listed.

    Conflict where it is another by now than was looked at.
    """
    installation.require(Right.TRANSFORM, on=f"notification-channel/{name}")
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        found = notifications.lock_channel(connection, tenant_id, name)
        _refuse_another(found, expected, mine="removed")
        notifications.remove_channel(connection, tenant_id, found.channel_id)
        _note(connection, installation, "channel.removed", found)


def new_secret(installation: Installation, name: str, *, keep_hours: float = KEPT_HOURS) -> ChannelView:
    """Another signing secret for a webhook, shown once; for so many hours the one before signs beside it."""
    installation.require(Right.TRANSFORM, on=f"notification-channel/{name}")
    if not 0 <= keep_hours <= MOST_HOURS:
        raise Misuse(
            "it cannot be kept so long", where="keep_hours", value=keep_hours, valid=f"hours from 0 to {MOST_HOURS}"
        )
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        found = notifications.lock_channel(connection, tenant_id, name)
        if found.kind != "webhook":
            raise Misuse(
                "only webhooks are signed", where="kind", value=found.kind, remedy="Change its target in place of that."
            )
        secret = webhook.new_secret()
        again = sealed(installation, found.channel_id, secret)
        notifications.set_secret(connection, tenant_id, found.channel_id, again, keep_seconds=keep_hours * 3600)
        _note(connection, installation, "channel.secret_changed", found, keep_hours=keep_hours)
    return ChannelView(channel=found, secret=secret)


def _refuse_another(stands: Channel, expected: int | None, *, mine: object) -> None:
    if expected is not None and stands.version != expected:
        theirs = ChannelView(channel=stands).as_json()
        raise changed_meanwhile("If-Match", stands.version, mine=mine, theirs=theirs)


def _led(installation: Installation, kind: str, target: Target) -> _Led:
    """Misuse for what a channel of this kind cannot be told by."""
    if kind == "email":
        if not target.to or target.url is not None:
            raise Misuse("e-mail goes to people", where="to", valid="one address or more, and no url")
        refuse_without_server(installation.settings)
        to = addresses(target.to)
        return _Led(config={"to": [mask(each) for each in to]}, secret=json.dumps(to))
    if not target.url or target.to is not None:
        raise Misuse(f"a {kind} goes to an address", where="url", valid="one that begins with https://")
    host = check_url(target.url, Reach.of(installation.settings))
    if kind == "slack":  # whoever knows the address may write there
        return _Led(config={"host": host}, secret=target.url)
    return _Led(config={"url": target.url}, secret=webhook.new_secret())


def _let_go(connection: TenantConnection, installation: Installation, channel: Channel) -> None:
    """What quiet hours held goes when those there are now are over: at once where there are none."""
    now, quiet, tenant_id = datetime.now(UTC), quiet_of(channel), installation.tenant_id
    for each in notifications.held_of_channel(connection, tenant_id, channel.channel_id):
        at = due(now, timedelta(0), quiet, urgent=each.severity == URGENT)
        if at != each.next_at:
            notifications.put_off(connection, tenant_id, each.delivery_id, at, held=at > now)
            notifications.queue(connection, tenant_id, each.delivery_id, at)


def _change(was: Channel, now: Channel, changes: Mapping[str, Any], target: Target | None) -> dict[str, object]:
    """What was wished before and is now. A target is told of by name only: it may be somebody's address, or secret."""
    before, after = wishes_as_json(was), wishes_as_json(now)
    return {
        "changed": sorted([*changes, *(["target"] if target else [])]),
        "before": {name: before.get(name) for name in changes},
        "after": {name: after.get(name) for name in changes},
    }


def _note(
    connection: TenantConnection, installation: Installation, action: str, channel: Channel, **payload: object
) -> None:
    resource = f"notification-channel/{channel.channel_id}"
    said = {"name": channel.name, **payload}
    audit.append(connection, installation.tenant_id, action=action, resource=resource, payload=said)
