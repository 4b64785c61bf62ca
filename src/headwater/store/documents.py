"""What runs rest on, frozen, cited by hash: mappings, recipes, lineage of a tenant; contracts of the installation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, TypeVar
from uuid import UUID

import psycopg

from headwater.errors import Stopped
from headwater.store.queries import named_queries
from headwater.store.records import select

QUERIES = named_queries("documents")


@dataclass(frozen=True, kw_only=True)
class PublishedContract:
    """A contract's document as registered by `db upgrade`; the hash is that of the body in UTF-8."""

    hash: bytes
    name: str
    version: str
    body: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class StoredDocument(PublishedContract):
    """A document of the tenant; kinds are contract, mapping, recipe, column_lineage, unit_registry."""

    kind: str


Kept = TypeVar("Kept", bound=PublishedContract)


def put_document(
    connection: psycopg.Connection[Any], tenant_id: UUID, *, kind: str, name: str, version: str, body: str
) -> bytes:
    """Keep a document; its hash, by which runs cite it. One that is kept already stays as it is."""
    digest = sha256(body.encode()).digest()
    connection.execute(
        QUERIES["put"],
        {"tenant_id": tenant_id, "hash": digest, "kind": kind, "name": name, "version": version, "body": body},
    )
    return digest


def find_document(
    connection: psycopg.Connection[Any], tenant_id: UUID, *, kind: str, name: str, version: str
) -> bytes | None:
    """The hash of a document by name, None where there is none."""
    values = {"tenant_id": tenant_id, "kind": kind, "name": name, "version": version}
    row = connection.execute(QUERIES["named"], values).fetchone()
    return bytes(row[0]) if row else None


def get_document(connection: psycopg.Connection[Any], tenant_id: UUID, digest: bytes) -> StoredDocument:
    """The document that `digest` cites; Stopped where it is missing or not what was written."""
    found = select(connection, StoredDocument, QUERIES["get"], {"tenant_id": tenant_id, "hash": digest})
    return _sound(found, "document", digest)


def all_documents(connection: psycopg.Connection[Any], tenant_id: UUID) -> list[StoredDocument]:
    """Every document of the tenant as it stands, unchecked: `verify` compares body with hash."""
    return select(connection, StoredDocument, QUERIES["all"], {"tenant_id": tenant_id})


def get_contract(connection: psycopg.Connection[Any], digest: bytes) -> PublishedContract:
    """The contract that `digest` cites; Stopped where it is missing or not what was published."""
    found = select(connection, PublishedContract, QUERIES["contract"], {"hash": digest})
    return _sound(found, "contract", digest)


def all_contracts(connection: psycopg.Connection[Any]) -> list[PublishedContract]:
    """Every contract as it stands, unchecked: `verify` compares body with hash."""
    return select(connection, PublishedContract, QUERIES["all_contracts"], {})


def list_contracts(connection: psycopg.Connection[Any]) -> list[PublishedContract]:
    """Every contract of this installation, by name and version, unchecked."""
    return select(connection, PublishedContract, QUERIES["contracts"], {})


def _sound(found: list[Kept], kind: str, digest: bytes) -> Kept:
    if not found:
        raise Stopped(
            "it is cited and not there", where=f"{kind} {digest.hex()}", remedy="Restore the database from a backup."
        )
    if sha256(found[0].body.encode()).digest() != digest:
        raise Stopped(
            "it is not what was written: its hash differs",
            where=f"{kind} {found[0].name} {found[0].version}",
            value=digest.hex(),
            remedy="Run `headwater verify`, and restore the database from a backup.",
        )
    return found[0]
