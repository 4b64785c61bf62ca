"""Organisations: made known and listed by the owner of the tables, never by the application's role."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from headwater.errors import Conflict, Misuse
from headwater.services.access.policy import Right
from headwater.services.schema import owner_of, upgrade_schema
from headwater.store import tenants
from headwater.store.tenants import tenant_id

if TYPE_CHECKING:
    from headwater.services.installation import Installation
    from headwater.settings import Settings
    from headwater.store.tenants import Organisation


_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class OrganisationView:
    """One organisation, as it sees itself."""

    name: str
    tenant_id: UUID
    people: int
    units: int
    keys: int


def add_organisation(settings: Settings, name: str) -> UUID:
    """Make an organisation known. Misuse for no name or without the owner's URL, Conflict where it is taken."""
    if not _NAME.fullmatch(name):
        raise Misuse(
            "this is no name of an organisation",
            where="organisation",
            value=name,
            valid="1 to 63 of a-z, 0-9, _ and -, beginning with a letter",
        )
    if settings.database_url is None:
        upgrade_schema(settings)  # as whenever the embedded database is opened
    with owner_of(settings) as (owner_url, _):
        if not tenants.make_known(owner_url, name):
            raise Conflict(
                "this organisation is there already",
                where="organisation",
                value=name,
                remedy="Use it as it is, or take another name; `headwater organisations list` shows all.",
            )
    return tenant_id(name)


def list_organisations(settings: Settings) -> list[Organisation]:
    """All of them, by name. Misuse without the owner's URL."""
    if settings.database_url is None:
        upgrade_schema(settings)
    with owner_of(settings) as (owner_url, _):
        return tenants.organisations(owner_url)


def show_organisation(installation: Installation) -> OrganisationView:
    """The organisation at hand, and how large it is."""
    installation.require(Right.READ)
    with installation.database.connect(installation.tenant_id) as connection:
        name = tenants.name_of(connection, installation.tenant_id)
        people, units, keys = tenants.sizes(connection, installation.tenant_id)
    return OrganisationView(name=name, tenant_id=installation.tenant_id, people=people, units=units, keys=keys)
