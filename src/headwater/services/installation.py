"""One installation, opened for one organisation: its database, its blobs, its packs."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from headwater import plugins
from headwater.errors import Forbidden, NotFound, Stopped
from headwater.mapping import Mapping, load_mapping, read_mapping
from headwater.services.access.file_keys import OrganisationFileKeys
from headwater.services.access.keys import Openers
from headwater.services.access.policy import OPERATOR, Actor
from headwater.services.contract_forms import form_of, names_a_form
from headwater.store import audit, embedded, upgrade
from headwater.store.blobs import BlobStore
from headwater.store.database import Database
from headwater.store.pooled import pooled
from headwater.store.tenants import is_known, tenant_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from importlib.resources.abc import Traversable
    from pathlib import Path
    from uuid import UUID

    from headwater.contracts import Document
    from headwater.packs import Pack
    from headwater.services.access.policy import Right
    from headwater.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Installation:
    """What every use case works with. One that does not keep is for trying: its blobs lie, in clear, in a folder that
    goes, and of a run nothing is written; that a source fails, and when it was asked, is noted as ever.
    """

    settings: Settings
    database: Database
    blobs: BlobStore
    tenant_id: UUID
    keeps: bool = True
    actor: Actor = OPERATOR
    units: frozenset[UUID] | None = None  # whose records are seen, and no others; None where all are

    def __post_init__(self) -> None:
        """Whoever reads through its database opens personal values by the keys of its settings, which its files are
        encrypted by, too.
        """
        if getattr(self.database.opens, "settings", None) is not self.settings:
            object.__setattr__(self, "database", self.database.opening(Openers(self.settings)))
        if self.keeps:
            object.__setattr__(self, "blobs", self.blobs.sealed_by(OrganisationFileKeys(self.settings, self.database)))

    def acting(self, actor: Actor, tenant_id: UUID | None = None) -> Installation:
        """The same installation for somebody who signed in, of this organisation or another."""
        database = self.database.acting(actor.name, actor.signed_in_by())
        return replace(self, database=database, tenant_id=tenant_id or self.tenant_id, actor=actor)

    def require(self, right: Right, unit_id: UUID | None = None, *, on: str = "organisation") -> None:
        """Forbidden, naming the right, where whoever acts has it not; the audit chain has that they tried.

        on: what they wanted to reach, as the audit chain names it. Call it before a transaction writes to the chain.
        """
        try:
            self.actor.require(right, unit_id)
        except Forbidden:
            self.note_refused(right, unit_id, on=on)
            raise

    def note_refused(self, right: Right | None, unit_id: UUID | None = None, *, on: str) -> None:
        """Have the audit chain hold that whoever acts tried; None where it is no right that is missing. It is held
        whatever becomes of the transaction that is open, which must not have written to the chain yet.
        """
        lacked = None if right is None else right.value
        with self.database.connect(self.tenant_id) as connection:
            audit.append(
                connection,
                self.tenant_id,
                action="access.refused",
                resource=on,
                payload={"right": lacked, "unit": str(unit_id) if unit_id else None, **self.actor.came_by()},
                result="refused",
            )

    def seeing(self, right: Right, *, on: str = "organisation") -> Installation:
        """The same, in which records are those that whoever acts has the right to: all, or those of their units.

        Of one that is bound to units already no more is seen. Forbidden, as by `require`, where they have it nowhere.
        """
        units = self.actor.units_with(right)
        if units is None:
            return self
        if not units:
            self.require(right, on=on)
        if self.units is not None:
            units &= self.units
        return replace(self, database=self.database.within(units), units=units)

    @cached_property
    def packs(self) -> tuple[Pack, ...]:
        """Packs found through the plug-in door."""
        return installed_packs()

    def contract(self, name: str, major: int) -> Document:
        """The newest minor version of a contract; Misuse naming those there are."""
        known = [document for pack in self.packs for document in pack.documents()]
        fitting = [document for document in known if (document.name, document.major) == (name, major)]
        if not fitting:
            raise NotFound(
                "there is no such contract",
                where="contract",
                value=f"{name}@{major}",
                valid=", ".join(sorted({f"{document.name}@{document.major}" for document in known})),
                remedy="`headwater contracts list` shows them.",
            )
        return max(fitting, key=lambda document: [int(part) for part in document.version.split(".")])

    def mapping(self, reference: str, base: Path) -> Mapping:
        """A mapping by path (from `base`), or by the name under which a pack brings it."""
        return find_mapping(self.packs, reference, base)


def find_mapping(packs: Sequence[Pack], reference: str, base: Path) -> Mapping:
    """A mapping by path (from `base`), by the name under which one of the packs brings it, or by a contract, in whose
    form the file is then.
    """
    if names_a_form(reference):
        return form_of((document for pack in packs for document in pack.documents()), reference)
    path = base / reference
    if path.suffix in {".yaml", ".yml", ".json"} or path.is_file():
        return load_mapping(path)
    shipped = shipped_mappings(packs)
    if reference not in shipped:
        raise NotFound(
            "there is no such mapping",
            where="mapping",
            value=reference,
            valid=f"the path of a YAML file, a contract, as activity@1, in whose form the file is, or one of "
            f"{', '.join(sorted(shipped))}",
        )
    return read_mapping(shipped[reference].read_text(encoding="utf-8"), where=reference)


def shipped_mappings(packs: Sequence[Pack]) -> dict[str, Traversable]:
    """The mappings that packs bring, by name."""
    return {
        entry.name.removesuffix(".yaml"): entry
        for pack in packs
        if pack.mappings.is_dir()
        for entry in pack.mappings.iterdir()
        if entry.name.endswith(".yaml")
    }


def installed_packs() -> tuple[Pack, ...]:
    """Packs of this installation."""
    return tuple(plugins.load(plugins.PACKS).values())


def documents() -> Sequence[Document]:
    """Every contract of every pack."""
    return [document for pack in installed_packs() for document in pack.documents()]


def is_set_up(settings: Settings) -> bool:
    """Whether there is a database to open; an embedded one is made by whoever opens the installation first."""
    return settings.database_url is not None or embedded.is_made(settings.data_dir / "postgres")


@contextmanager
def open_installation(settings: Settings) -> Iterator[Installation]:
    """Open the installation the settings name.

    The embedded database is started and upgraded; any other must be up to date.
    """
    if settings.database_url is None:
        with embedded.EmbeddedServer.start(settings.data_dir / "postgres") as server:
            app_url = server.url(embedded.APP)
            opened = _opened(settings, app_url)
            if _is_behind(app_url) or not _is_known(opened):
                owner_url = server.url(embedded.OWNER)
                upgrade.upgrade(owner_url, embedded.APP, documents(), organisation=settings.organisation)
            yield opened
        return
    app_url = settings.database_url.get_secret_value()
    if _is_behind(app_url):
        raise Stopped(
            "the database is not at the schema of this version",
            where="HEADWATER_DATABASE_URL",
            remedy="Run `headwater db upgrade` with HEADWATER_OWNER_URL set.",
        )
    opened = _opened(settings, app_url)
    if not _is_known(opened):
        raise Stopped(
            "the database does not know this organisation",
            where="HEADWATER_ORGANISATION",
            value=settings.organisation,
            remedy="Check its spelling, or make it known: `headwater db upgrade` with HEADWATER_OWNER_URL set.",
        )
    yield opened


@contextmanager
def serving(installation: Installation) -> Iterator[Installation]:
    """The same installation for a server: its connections are kept open between requests."""
    documents()  # compiled now, and not by each of the first requests, side by side
    with pooled(installation.database.url) as database:
        yield replace(installation, database=database)


def _is_known(installation: Installation) -> bool:
    with installation.database.connect(installation.tenant_id) as connection:
        return is_known(connection, installation.tenant_id)


def is_behind(installation: Installation) -> bool:
    """Whether the database is not at the schema of this version."""
    return _is_behind(installation.database.url)


def _is_behind(url: str) -> bool:
    # By their names, for every command asks this, and to compile all contracts takes half a second.
    status = upgrade.status(url)
    contracts = (contract for pack in installed_packs() for contract in pack.contracts)
    wanted = {f"{contract.contract_name} {contract.contract_version}" for contract in contracts}
    return bool(status.pending) or not wanted <= set(status.contracts)


def _opened(settings: Settings, app_url: str) -> Installation:
    return Installation(
        settings=settings,
        database=Database(app_url),
        blobs=BlobStore(settings.blob_dir),
        tenant_id=tenant_id(settings.organisation),
    )
