"""What a channel may be told to do, as faces hand it over: checked here, in words of the house."""

from __future__ import annotations

import re
from datetime import time
from typing import TYPE_CHECKING, Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from headwater.documents.wrong_document import sentences
from headwater.errors import Misuse
from headwater.services.notifications.events import USUAL, Event, Severity
from headwater.store.notifications import Wanted

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal["email", "slack", "webhook"]
_TIME = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
_ATOM, _LABEL = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+", r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_EMAIL = re.compile(rf"(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})+")
"""Dot-atoms of RFC 5322: quoted parts, comments, groups and literals are read differently by whoever reads them."""


class QuietHours(BaseModel):
    """Hours in which nothing comes; what happens then comes when they are over."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    since: Annotated[str, Field(alias="from", pattern=_TIME, description="HH:MM by the clocks of the zone.")]
    until: Annotated[str, Field(alias="to", pattern=_TIME)]
    time_zone: Annotated[str, Field(max_length=100, description="As Europe/Berlin.")]
    urgent_passes: bool = Field(default=False, description="What is critical comes all the same.")


class ChannelWishes(BaseModel):
    """What a channel is told, and when."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    events: list[Event] = Field(default=list(USUAL), min_length=1, max_length=20)
    least_severity: Severity = "info"
    quarantine_above: float = Field(
        default=5.0, ge=0, lt=100, description="Percent of a run's records; of what refused more it is told."
    )
    quiet: QuietHours | None = None
    group_seconds: int = Field(
        default=60, ge=0, le=86_400, description="What is of one event and comes within this time comes as one message."
    )


class Target(BaseModel):
    """Where a channel leads: an address for `webhook` and `slack`, people for `email`."""

    model_config = ConfigDict(extra="forbid")
    url: str | None = Field(default=None, min_length=1, max_length=2000)
    to: list[str] | None = Field(default=None, min_length=1, max_length=50)


def wishes_of(values: Mapping[str, Any]) -> ChannelWishes:
    """Wishes from plain values; Misuse naming each that is wrong."""
    try:
        return ChannelWishes.model_validate(values)
    except ValidationError as error:
        said = sentences(error.errors(include_url=False), ChannelWishes, {_TIME: "a time such as 22:00"})
        raise Misuse(
            f"this cannot be wished for: {'; '.join(said)}",
            where="channel",
            remedy="`headwater notifications channels add --help` tells what can.",
        ) from None


def wanted_of(wishes: ChannelWishes) -> Wanted:
    """As kept. Misuse for a zone that there is not, or quiet hours that never end."""
    quiet = wishes.quiet
    if quiet is not None:
        try:
            ZoneInfo(quiet.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise Misuse(
                "there is no such time zone",
                where="quiet.time_zone",
                value=quiet.time_zone,
                valid="a name as UTC or Europe/Berlin",
            ) from error
        if quiet.since == quiet.until:
            raise Misuse(
                "these quiet hours would never end, or never begin",
                where="quiet",
                value=f"{quiet.since}-{quiet.until}",
                valid="two different times, as 22:00-07:00",
            )
    return Wanted(
        events=tuple(dict.fromkeys(wishes.events)),
        least_severity=wishes.least_severity,
        quarantine_above=wishes.quarantine_above,
        quiet_from=time.fromisoformat(quiet.since) if quiet else None,
        quiet_to=time.fromisoformat(quiet.until) if quiet else None,
        quiet_time_zone=quiet.time_zone if quiet else None,
        urgent_passes=quiet.urgent_passes if quiet else False,
        group_seconds=wishes.group_seconds,
    )


def wishes_as_json(wanted: Wanted) -> dict[str, Any]:
    """As faces show them, and as `wishes_of` takes them."""
    quiet = None
    if wanted.quiet_from is not None and wanted.quiet_to is not None:
        quiet = {
            "from": f"{wanted.quiet_from:%H:%M}",
            "to": f"{wanted.quiet_to:%H:%M}",
            "time_zone": wanted.quiet_time_zone,
            "urgent_passes": wanted.urgent_passes,
        }
    return {
        "events": list(wanted.events),
        "least_severity": wanted.least_severity,
        "quarantine_above": wanted.quarantine_above,
        "quiet": quiet,
        "group_seconds": wanted.group_seconds,
    }


def addresses(said: list[str]) -> list[str]:
    """Addresses of e-mail, each once; Misuse for what is none."""
    for each in said:
        if not _EMAIL.fullmatch(each) or len(each) > 254 or not each.isascii():
            raise Misuse("this is no address of e-mail", where="to", valid="one like jane@example.org, in ASCII")
    return list(dict.fromkeys(said))
