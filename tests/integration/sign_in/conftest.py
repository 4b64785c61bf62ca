"""An organisation whose administrator is signed in, and cheap password hashes: what they cost is tested elsewhere.

One database for all of them, and in it an organisation for each test, which is made in no time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from headwater.contracts import Document
from headwater.services.installation import Installation
from headwater.services.sign_in import passwords
from headwater.services.sign_in.authentication import authenticate
from headwater.services.sign_in.first_admin import invite_first_admin
from headwater.services.sign_in.links import PATH, Link, accept
from headwater.services.sign_in.sessions import Origin, SignedIn
from headwater.store import audit
from tests.planted import planted
from tests.river import River, make_river
from tests.servers import Installation as TestDatabase
from tests.servers import TestServer
from tests.servers_oidc import OidcServer, oidc_provider

PASSWORD = planted("marsh lantern oboe quilt")
ADMIN = "ada@example.org"
HERE = Origin(address="192.0.2.7", agent="Firefox")
_NUMBERS = count()


@dataclass(frozen=True, kw_only=True)
class Organisation:
    """One organisation of an installation, in which nobody is yet."""

    name: str
    installation: Installation
    river: River

    def change(self, statement: str) -> None:
        """As superuser, an UPDATE of all rows of this organisation."""
        self.river.change(f"{statement} WHERE tenant_id = %(tenant)s", tenant=self.installation.tenant_id)

    def rows(self, query: str) -> list[dict[str, Any]]:
        """As superuser, all rows of this organisation."""
        return self.river.rows(f"{query} WHERE tenant_id = %(tenant)s", tenant=self.installation.tenant_id)

    def audited(self) -> list[tuple[str, str, str, str]]:
        """Actor, action, result and payload of every entry."""
        tenant = self.installation.tenant_id
        with self.installation.database.connect(tenant) as connection:
            return [(each.actor, each.action, each.result, each.payload) for each in audit.entries(connection, tenant)]


@dataclass(frozen=True, kw_only=True)
class Scene(Organisation):
    """One with whoever is signed in as its first administrator."""

    admin: SignedIn

    def acting(self, text: str | None = None) -> Installation:
        return authenticate(self.installation, self.admin.text if text is None else text, HERE)


def text_of(link: Link | None) -> str:
    assert link is not None
    return link.url.partition(PATH)[2]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture(scope="session")
def shared_database(server: TestServer, documents: tuple[Document, ...]) -> Iterator[TestDatabase]:
    made = server.upgraded(documents)
    yield made
    server.drop(made)


@pytest.fixture(scope="session")
def oidc_server() -> Iterator[OidcServer]:
    with oidc_provider() as provider:
        yield provider


@pytest.fixture
def organisation(shared_database: TestDatabase, tmp_path: Path) -> Organisation:
    name, river = f"organisation-{next(_NUMBERS)}", make_river(shared_database, tmp_path)
    settings = river.installation.settings.model_copy(update={"organisation": name})
    tenant = shared_database.add_tenant(name)
    return Organisation(
        name=name, installation=replace(river.installation, settings=settings, tenant_id=tenant), river=river
    )


@pytest.fixture
def scene(organisation: Organisation) -> Scene:
    installation = organisation.installation
    link = invite_first_admin(installation)
    signed_in = accept(installation, text_of(link), PASSWORD, email=ADMIN, name="Ada", origin=HERE)
    assert signed_in is not None
    return Scene(name=organisation.name, installation=installation, river=organisation.river, admin=signed_in)
