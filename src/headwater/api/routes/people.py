"""People, units and tokens: who belongs where, with which roles, and what opens the API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Header, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from headwater.api.access import Here, needs, router
from headwater.api.asking import Change, Cursor, Limit, etag, expected_hash, expected_version, page_of
from headwater.services import organisations_view
from headwater.services.access import people, record_units, roles, units
from headwater.services.access.people_view import PersonView
from headwater.services.access.policy import Right, Role
from headwater.services.access.units import UnitShown, UnitView
from headwater.services.answers.kinds import Page
from headwater.services.answers.people import (
    GrantGiven,
    OrganisationShown,
    PersonInvited,
    RoleChanged,
    SessionsEnded,
    SourceAssigned,
    SourceShown,
    TokenMade,
    UnitsArchived,
    UnitsRestored,
)
from headwater.services.listing import USUAL
from headwater.services.sign_in import links, sessions, tokens
from headwater.services.sign_in.links import Link
from headwater.services.sign_in.sessions import Session
from headwater.store.tokens import Token

routes = router("people")
IfMatch = Annotated[str | None, Header(description="The ETag of the version that was looked at; else 412.")]
Kind = Literal["division", "department", "laboratory", "site"]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Invitation(_Body):
    """Somebody who is to come in."""

    email: str = Field(max_length=320)
    name: str = Field(max_length=200)
    role: Role
    unit_id: UUID | None = None


class Assigned(_Body):
    """Whose records a source brings."""

    unit_id: UUID | None = Field(description="The unit; null: the organisation.")


class PersonChange(Change):
    """What is to be another; what is left out stays."""

    name: str | None = Field(default=None, max_length=200)
    email: str | None = Field(default=None, max_length=320)
    state: Literal["active", "suspended"] | None = None


class GivenRole(_Body):
    """A role in the organisation, or in a unit and all below it."""

    role: Role
    unit_id: UUID | None = None


class NewGrant(_Body):
    """One right more, perhaps for a while."""

    right: Right
    unit_id: UUID | None = None
    expires_at: datetime | None = None


class NewUnit(_Body):
    """A unit below another, or directly in the organisation."""

    name: str = Field(max_length=200)
    kind: Kind
    parent_id: UUID | None = None


class UnitChange(Change):
    """Another name, kind or place; what is left out stays."""

    may_be_null = frozenset({"parent_id"})

    name: str | None = Field(default=None, max_length=200)
    kind: Kind | None = None
    parent_id: UUID | None = Field(default=None, description="The unit above; null: the organisation.")


class NewToken(_Body):
    """A token: one's own or, with a role, that of a service."""

    name: str = Field(max_length=200)
    role: Role | None = None
    unit_id: UUID | None = None
    scopes: list[Right] | None = None
    days: int | None = Field(default=None, ge=1, le=36_500)


@routes.get("/organisation", **needs(Right.READ, anywhere=True))
def show_organisation(here: Here) -> OrganisationShown:
    """The organisation that the token belongs to, and what its holder may do."""
    return organisations_view.show(here)


@routes.get("/people", **needs(Right.READ, anywhere=True))
def list_people(
    here: Here,
    *,
    state: Literal["invited", "active", "suspended", "erased"] | None = None,
    cursor: Cursor = None,
    limit: Limit = USUAL,
    clear: Annotated[
        bool, Query(description="Names and addresses unmasked: needs manage_users, and is noted.")
    ] = False,
) -> Page[PersonView]:
    """People in the order they came, masked; the erased only where their state is asked for."""
    return page_of(people.page_of_people(here, state=state, cursor=cursor, limit=limit, clear=clear))


@routes.post("/people", status_code=201, **needs(Right.MANAGE_USERS, 404, 409, anywhere=True))
def invite(here: Here, invitation: Invitation) -> PersonInvited:
    """Somebody who may come in, by a link that `POST /people/{person_id}/links` gives."""
    found = people.invite(here, invitation.email, invitation.name, invitation.role, invitation.unit_id)
    return {"person_id": str(found)}


@routes.get("/people/{person_id}", **needs(Right.READ, 404, anywhere=True))
def show_person(here: Here, person_id: UUID, response: Response, *, clear: bool = False) -> PersonView:
    """Somebody with roles and grants."""
    found = people.person(here, person_id, clear=clear)
    response.headers["ETag"] = etag(found.version)
    return found


@routes.patch("/people/{person_id}", **needs(Right.MANAGE_USERS, 404, 409, 412, anywhere=True))
def change_person(
    here: Here, person_id: UUID, change: PersonChange, response: Response, if_match: IfMatch = None
) -> PersonView:
    """Another name, address or state."""
    if not change.model_fields_set:
        return show_person(here, person_id, response)
    found = people.change(
        here, person_id, name=change.name, email=change.email, state=change.state, expected=expected_version(if_match)
    )
    response.headers["ETag"] = etag(found.version)
    return found


@routes.delete("/people/{person_id}", status_code=204, **needs(Right.MANAGE_USERS, 404, 409, 412, anywhere=True))
def erase_person(here: Here, person_id: UUID, if_match: IfMatch = None) -> None:
    """Erase somebody: their key goes, and with it all that is known of them; what they did stays without a name."""
    people.erase(here, person_id, expected=expected_version(if_match))


@routes.post("/people/{person_id}/roles", status_code=201, **needs(Right.MANAGE_USERS, 404, 409, 412, anywhere=True))
def give_role(here: Here, person_id: UUID, role: GivenRole, if_match: IfMatch = None) -> RoleChanged:
    """Give a role; `changed` is false where they had it."""
    return {"changed": roles.give_role(here, person_id, role.role, role.unit_id, expected=expected_version(if_match))}


@routes.delete("/people/{person_id}/roles/{role}", **needs(Right.MANAGE_USERS, 404, 409, 412, anywhere=True))
def take_role(
    here: Here, person_id: UUID, role: Role, unit_id: UUID | None = None, if_match: IfMatch = None
) -> RoleChanged:
    """Take a role away; `changed` is false where they did not have it."""
    return {"changed": roles.take_role(here, person_id, role, unit_id, expected=expected_version(if_match))}


@routes.post("/people/{person_id}/grants", status_code=201, **needs(Right.MANAGE_USERS, 404, 409, 412, anywhere=True))
def give_grant(here: Here, person_id: UUID, grant: NewGrant, if_match: IfMatch = None) -> GrantGiven:
    """Give one right more."""
    expected = expected_version(if_match)
    found = roles.grant(here, person_id, grant.right, grant.unit_id, expires_at=grant.expires_at, expected=expected)
    return {"grant_id": str(found)}


@routes.delete("/grants/{grant_id}", status_code=204, **needs(Right.MANAGE_USERS, 404, anywhere=True))
def end_grant(here: Here, grant_id: UUID) -> None:
    """End a grant before its time."""
    roles.revoke(here, grant_id)


@routes.post(
    "/people/{person_id}/links", status_code=201, **needs(Right.MANAGE_USERS, 404, 409, anywhere=True, shown_once=True)
)
def make_link(here: Here, person_id: UUID) -> Link:
    """A link for somebody to accept an invitation or set a password by, once. It is in this answer only."""
    return links.link_for(here, person_id)


@routes.get("/people/{person_id}/sessions", **needs(Right.READ, 404, anywhere=True))
def list_sessions(here: Here, person_id: UUID) -> list[Session]:
    """Somebody's sessions that hold."""
    people.person(here, person_id)
    return sessions.list_sessions(here, person_id)


@routes.delete("/people/{person_id}/sessions", **needs(Right.READ, 404, anywhere=True))
def end_sessions(here: Here, person_id: UUID) -> SessionsEnded:
    """End all sessions of somebody."""
    people.person(here, person_id)
    return {"ended": sessions.end_sessions(here, person_id)}


@routes.delete("/people/{person_id}/sessions/{session_id}", status_code=204, **needs(Right.READ, 404, anywhere=True))
def end_session(here: Here, person_id: UUID, session_id: UUID) -> None:
    """End one session of somebody."""
    people.person(here, person_id)
    sessions.end_session(here, session_id, person_id)


@routes.get("/units", **needs(Right.READ, anywhere=True))
def list_units(here: Here, *, archived: bool = False) -> list[UnitView]:
    """Units as a tree is read, each below its parent."""
    return units.list_units(here, archived=archived)


@routes.post("/units", status_code=201, **needs(Right.MANAGE_USERS, 404, 409, anywhere=True))
def add_unit(here: Here, unit: NewUnit, response: Response) -> UnitView:
    """Add a unit."""
    found = units.add(here, unit.name, unit.kind, unit.parent_id)
    response.headers["ETag"] = etag(found.version)
    return found


@routes.get("/units/{unit_id}", **needs(Right.READ, 404, anywhere=True))
def show_unit(here: Here, unit_id: UUID, response: Response) -> UnitShown:
    """A unit, and what archiving it would take out of use."""
    found = units.unit(here, unit_id)
    response.headers["ETag"] = etag(found.version)
    return UnitShown(**vars(found), hanging_on=units.hanging_on(here, unit_id))


@routes.patch("/units/{unit_id}", **needs(Right.MANAGE_USERS, 404, 409, 412, anywhere=True))
def change_unit(
    here: Here, unit_id: UUID, change: UnitChange, response: Response, if_match: IfMatch = None
) -> UnitView:
    """Rename a unit or move it, with all below it, or both: all that is said or nothing."""
    found = (
        units.change(
            here,
            unit_id,
            name=change.name,
            kind=change.kind,
            moves="parent_id" in change.model_fields_set,
            parent_id=change.parent_id,
            expected=expected_version(if_match),
        )
        if change.model_fields_set
        else units.unit(here, unit_id)
    )
    response.headers["ETag"] = etag(found.version)
    return found


@routes.delete("/units/{unit_id}", **needs(Right.MANAGE_USERS, 404, 409, 412, anywhere=True))
def archive_unit(here: Here, unit_id: UUID, if_match: IfMatch = None) -> UnitsArchived:
    """Take a unit and all below it out of use; `POST …/restoration` brings them back."""
    return {"archived": units.archive(here, unit_id, expected=expected_version(if_match))}


@routes.post("/units/{unit_id}/restoration", **needs(Right.MANAGE_USERS, 404, 409))
def restore_unit(here: Here, unit_id: UUID) -> UnitsRestored:
    """Take an archived unit into use again, with what was archived together with it."""
    return {"restored": units.restore(here, unit_id)}


@routes.get("/sources", **needs(Right.READ, anywhere=True))
def list_sources(here: Here) -> list[SourceShown]:
    """Sources that records came from, each with the unit that they belong to."""
    return record_units.list_sources(here)


@routes.get("/sources/{source_id}", **needs(Right.READ, 404, anywhere=True))
def show_source(here: Here, source_id: str, response: Response) -> SourceShown:
    """A source, and the unit that it belongs to."""
    found = record_units.show(here, source_id)
    response.headers["ETag"] = etag(found["version"])
    return found


@routes.put("/sources/{source_id}/unit", **needs(Right.MANAGE_USERS, 404, 409, 412))
def assign_source(
    here: Here, source_id: str, assigned: Assigned, response: Response, if_match: IfMatch = None
) -> SourceAssigned:
    """Give a source, with all records that came and will come from it, to a unit, or to the organisation."""
    expected = expected_hash(if_match)
    found = record_units.assign(here, source_id, assigned.unit_id, expected=expected)
    response.headers["ETag"] = etag(found["version"])
    return found


@routes.get("/tokens", **needs(Right.READ, anywhere=True))
def list_tokens(here: Here, *, everybody: bool = False) -> list[Token]:
    """One's own tokens; with the right manage_users, those of everybody and of services. Never their texts."""
    return tokens.list_tokens(here, everybody=everybody)


@routes.post("/tokens", status_code=201, **needs(Right.READ, 404, anywhere=True, shown_once=True))
def make_token(here: Here, token: NewToken) -> TokenMade:
    """Make a token, of oneself or of a service. Its text is in this answer only. A token makes no tokens."""
    if token.role is None:
        scopes = token.scopes or [Right.READ]
        made = tokens.create_personal(here, token.name, scopes=scopes, days=token.days)
    else:
        made = tokens.create_for_service(
            here, token.name, token.role, unit_id=token.unit_id, scopes=token.scopes, days=token.days
        )
    return {"token_id": str(made.token_id), "expires_at": made.expires_at, "text": made.text}


@routes.delete("/tokens/{token_id}", status_code=204, **needs(Right.READ, 404, anywhere=True))
def revoke_token(here: Here, token_id: UUID) -> None:
    """End a token before its time: one's own or, with the right manage_users, another."""
    tokens.revoke(here, token_id)
