"""Bring a database to the schema of this version: migrations first, then the tables of the contracts, then rights.

Run as the owner; the application's role is only ever given rights. What was applied once is never applied again, and a
migration whose text changed after it was applied is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from importlib import resources

import psycopg
from psycopg import sql

from headwater.contracts.document import Document
from headwater.errors import Misuse, Stopped
from headwater.store.contract_tables import upgrade_contracts
from headwater.store.documents import list_contracts
from headwater.store.failures import translated
from headwater.store.queries import named_queries
from headwater.store.queue import pending_of_queue, upgrade_queue
from headwater.store.tenants import DEFAULT_TENANT, add_tenant

QUERIES = named_queries("schema")
GRANTS = named_queries("grants")
OLDEST_SERVER = 150000


@dataclass(frozen=True, kw_only=True)
class Migration:
    """A file of `migrations/`; applied in the order of names."""

    name: str
    text: str

    @property
    def sha256(self) -> bytes:
        """Hash of the text, noted when it is applied."""
        return sha256(self.text.encode()).digest()


@dataclass(frozen=True, kw_only=True)
class Upgraded:
    """What an upgrade did; all empty when there was nothing to do."""

    migrations: tuple[str, ...]
    contracts: tuple[str, ...]  # "activity 1.0.0", as registered now


@dataclass(frozen=True, kw_only=True)
class SchemaStatus:
    """How far a database is behind (or ahead of) this version."""

    server_version: int  # 180006 for 18.6
    applied: tuple[tuple[str, datetime], ...]
    pending: tuple[str, ...]
    contracts: tuple[str, ...]  # "activity 1.0.0", as registered


def migrations() -> tuple[Migration, ...]:
    """The migrations this version comes with, in order."""
    folder = resources.files("headwater.store").joinpath("migrations")
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return tuple(Migration(name=f.name.removesuffix(".sql"), text=f.read_text(encoding="utf-8")) for f in files)


def upgrade(
    owner_url: str,
    app_role: str,
    contracts: Sequence[Document],
    *,
    known: Sequence[Migration] | None = None,
    organisation: str = DEFAULT_TENANT,
) -> Upgraded:
    """Bring the database to this version's schema, one transaction a migration, one upgrade at a time.

    `known` stands in for the migrations of this version; `organisation` is made known where it is not. Running it again
    changes nothing. Stopped when history does not fit the code, Misuse when the application's role could get round
    row-level security.
    """
    with (
        translated("upgrade the database"),
        psycopg.connect(owner_url, autocommit=True, application_name="headwater upgrade") as owner,
    ):
        owner.execute(QUERIES["lock"])
        check_server(owner)
        check_app_role(owner, app_role)
        owner.execute(QUERIES["create_history"])
        done = apply_migrations(owner, migrations() if known is None else known)
        done += upgrade_queue(owner)
        registered = upgrade_contracts(owner, app_role, contracts)
        grant(owner, app_role)
        with owner.transaction():
            for name in {DEFAULT_TENANT, organisation}:
                add_tenant(owner, name)
        check_tenants_never_meet(owner, app_role)
    return Upgraded(migrations=done, contracts=registered)


def status(url: str) -> SchemaStatus:
    """Compare a database with this version; either role's URL will do."""
    with (
        translated("read the database's status"),
        psycopg.connect(url, autocommit=True, application_name="headwater status") as connection,
    ):
        version = server_version(connection)
        of_queue = pending_of_queue(connection)
        exists = connection.execute(QUERIES["history_exists"]).fetchone()
        if exists is None or not exists[0]:
            pending = (*(migration.name for migration in migrations()), *of_queue)
            return SchemaStatus(server_version=version, applied=(), pending=pending, contracts=())
        applied = connection.execute(QUERIES["history"]).fetchall()
        names = {name for name, _, _ in applied}
        published = list_contracts(connection)
    return SchemaStatus(
        server_version=version,
        applied=tuple((name, at) for name, _, at in applied),
        pending=(*(migration.name for migration in migrations() if migration.name not in names), *of_queue),
        contracts=tuple(f"{contract.name} {contract.version}" for contract in published),
    )


def server_version(connection: psycopg.Connection) -> int:
    """The server's version as a number, 150004 for 15.4."""
    row = connection.execute(QUERIES["server_version"]).fetchone()
    return int(row[0]) if row else 0


def check_server(connection: psycopg.Connection) -> None:
    """Refuse a server older than the oldest supported."""
    version = server_version(connection)
    if version < OLDEST_SERVER:
        raise Stopped(
            "the database server is too old",
            where="HEADWATER_DATABASE_URL",
            value=f"{version // 10000}.{version % 10000}",
            valid="PostgreSQL 15 or newer",
            remedy="Upgrade the server, or leave the URL out to use the embedded one.",
        )


def check_app_role(owner: psycopg.Connection, role: str) -> None:
    """Refuse an application's role that row-level security would not bind."""
    row = owner.execute(QUERIES["app_role"], {"role": role}).fetchone()
    where = "the application's role"
    make = f'CREATE ROLE "{role}" LOGIN NOSUPERUSER NOBYPASSRLS'
    if row is None:
        raise Misuse("there is no such role", where=where, value=role, remedy=f"Make it with: {make} PASSWORD '…'")
    superuser, bypasses, is_owner, owned = row
    wrong = (
        "it is a superuser"
        if superuser
        else "it may bypass row-level security"
        if bypasses
        else "it is the owner or a member of the owner's role"
        if is_owner
        else f"it owns {owned} relations of this database"
        if owned
        else None
    )
    if wrong:
        raise Misuse(
            f"the role would not be bound by row-level security: {wrong}",
            where=where,
            value=role,
            valid="a role of its own that is NOSUPERUSER, NOBYPASSRLS and owns nothing",
            remedy=f"Make another with: {make} PASSWORD '…', and put it into HEADWATER_DATABASE_URL.",
        )


def unguarded(connection: psycopg.Connection, app_role: str) -> list[tuple[str, str]]:
    """Tables, views and functions through which tenants could meet, and why; empty when there are none."""
    return connection.execute(QUERIES["unguarded"], {"role": app_role}).fetchall()


def check_tenants_never_meet(owner: psycopg.Connection, app_role: str) -> None:
    """Refuse a schema with a way round row-level security, whoever made it."""
    found = unguarded(owner, app_role)
    if found:
        raise Stopped(
            "tenants could meet: " + "; ".join(f"{name}: {why}" for name, why in found),
            where=f"database {owner.info.dbname}",
            remedy="Correct or drop what is named, as the owner, and upgrade again.",
        )


def apply_migrations(owner: psycopg.Connection, known: Sequence[Migration]) -> tuple[str, ...]:
    """Apply what is not applied yet; names of what was."""
    applied = {name: bytes(digest) for name, digest, _ in owner.execute(QUERIES["history"])}
    check_history(applied, known)
    done = []
    for migration in known:
        if migration.name in applied:
            continue
        with translated(f"migration {migration.name}"), owner.transaction():
            owner.execute(migration.text)
            owner.execute(QUERIES["record"], {"name": migration.name, "sha256": migration.sha256})
        done.append(migration.name)
    return tuple(done)


def check_history(applied: dict[str, bytes], known: Sequence[Migration]) -> None:
    """Refuse a database whose history is not a beginning of ours."""
    by_name = {migration.name: migration for migration in known}
    for name, digest in applied.items():
        if name not in by_name:
            raise Stopped(
                "the database was upgraded by a newer version",
                where=f"migration {name}",
                remedy="Install that version or a newer one.",
            )
        if by_name[name].sha256 != digest:
            raise Stopped(
                "a migration changed after it was applied",
                where=f"migration {name}",
                value=by_name[name].sha256.hex(),
                valid=f"the text whose SHA-256 is {digest.hex()}",
                remedy="Put its text back, and write a new migration for the change.",
            )
    latest = max(applied, default="")
    for migration in known:
        if migration.name not in applied and migration.name < latest:
            raise Stopped(
                "a migration was never applied, though later ones were",
                where=f"migration {migration.name}",
                valid=f"a name after {latest}",
                remedy="Rename it.",
            )


def grant(owner: psycopg.Connection, app_role: str) -> None:
    """Give the application's role what it needs, in one transaction, whatever it had before."""
    names = {"app": sql.Identifier(app_role), "database": sql.Identifier(owner.info.dbname)}
    with owner.transaction():
        owner.execute(sql.SQL(GRANTS["house"]).format(**names))
        owner.execute(sql.SQL(GRANTS["jobs"]).format(**names))
        owner.execute(sql.SQL(GRANTS["queue"]).format(**names))
        owner.execute(sql.SQL(GRANTS["database"]).format(**names))
    row = owner.execute(QUERIES["may_use_temporary_tables"], {"role": app_role}).fetchone()
    if row is None or not row[0]:
        raise Misuse(
            "the application's role may not make temporary tables",
            where=f"database {owner.info.dbname}",
            value=app_role,
            remedy=f'As the owner of the database: GRANT TEMPORARY ON DATABASE "{owner.info.dbname}" TO "{app_role}".',
        )
