"""The database's schema: how far it is, and bringing it up, as the role that owns it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from headwater.errors import Misuse
from headwater.services.installation import documents
from headwater.store import embedded, upgrade

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headwater.settings import Settings
    from headwater.store.upgrade import SchemaStatus, Upgraded


def schema_status(settings: Settings) -> tuple[SchemaStatus, tuple[str, ...]]:
    """What the database has, and the contracts of this installation that it has no table for yet ("activity 1.0.0")."""
    if settings.database_url is not None:
        found = upgrade.status(settings.database_url.get_secret_value())
    else:
        with embedded.EmbeddedServer.start(settings.data_dir / "postgres") as server:
            found = upgrade.status(server.url(embedded.APP))
    wanted = (f"{document.name} {document.version}" for document in documents())
    return found, tuple(contract for contract in wanted if contract not in found.contracts)


def upgrade_schema(settings: Settings) -> Upgraded:
    """Bring the database to the schema of this version. Misuse where the owner's URL is not set."""
    with owner_of(settings) as (owner_url, app_role):
        return upgrade.upgrade(owner_url, app_role, documents(), organisation=settings.organisation)


@contextmanager
def owner_of(settings: Settings) -> Iterator[tuple[str, str]]:
    """The owner's URL and the application's role."""
    if settings.database_url is None:
        with embedded.EmbeddedServer.start(settings.data_dir / "postgres") as server:
            yield server.url(embedded.OWNER), embedded.APP
        return
    if settings.owner_url is None:
        raise Misuse(
            "only the owner of the tables can upgrade them",
            where="HEADWATER_OWNER_URL",
            valid="the same database as the role that owns the tables",
            remedy="Set it for this command only.",
        )
    role = urlsplit(settings.database_url.get_secret_value()).username
    if not role:
        raise Misuse(
            "the URL names no role",
            where="HEADWATER_DATABASE_URL",
            valid="a URL like postgresql://role:password@host:5432/database",
            remedy="Name the application's role in it: the upgrade grants it its rights.",
        )
    yield settings.owner_url.get_secret_value(), unquote(role)
