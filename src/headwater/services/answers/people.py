"""The organisation, its people and its units, and whom sources belong to."""

from __future__ import annotations

from datetime import datetime

from typing_extensions import TypedDict

from headwater.services.answers.kinds import Hash, Id, Moment


class OrganisationShown(TypedDict):
    """The organisation that a token belongs to, and what its holder may do.

    organisation  its name
    actor         who asks, as the audit chain calls them
    rights        what they may in all of the organisation
    in_units      unit → what they may in it and all below it
    """

    organisation: str
    organisation_id: Id
    actor: str
    rights: list[str]
    in_units: dict[str, list[str]]


class PersonInvited(TypedDict):
    """Somebody who may come in, once they have a link."""

    person_id: Id


class RoleChanged(TypedDict):
    """Whether anything is another now.

    changed  false where it was so already
    """

    changed: bool


class GrantGiven(TypedDict):
    """A right that was given.

    grant_id  by which it is ended before its time
    """

    grant_id: Id


class SessionsEnded(TypedDict):
    """What became of somebody's sessions.

    ended  how many held until now
    """

    ended: int


class UnitsArchived(TypedDict):
    """Units taken out of use.

    archived  how many, with those below
    """

    archived: int


class UnitsRestored(TypedDict):
    """Units taken into use again.

    restored  how many, with those below
    """

    restored: int


class TokenMade(TypedDict):
    """A token that was just made.

    text  what opens the interface; shown this once
    """

    token_id: Id
    expires_at: datetime
    text: str


class SourceShown(TypedDict):
    """A source that records came from, and whose they are.

    unit_id   null: the organisation's
    last_run  the latest run that read it
    last_at   when that began
    version   what another assignment must name, as ETag
    """

    source_id: Hash
    name: str
    unit_id: Id | None
    last_run: Id
    last_at: Moment
    version: str


class SourceAssigned(SourceShown):
    """The same, given to another.

    rows  how many rows of records moved with it
    """

    rows: int
