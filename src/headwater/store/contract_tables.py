"""Tables of the contracts: made from the documents by the owner, widened by minor versions, never by hand."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
from psycopg import sql

from headwater.contracts.document import Document
from headwater.contracts.table import column_definition, history_name, table_ddl, table_name
from headwater.errors import Misuse
from headwater.store.failures import translated
from headwater.store.queries import named_queries

SCHEMA = named_queries("schema")
GRANTS = named_queries("grants")


def upgrade_contracts(owner: psycopg.Connection, app_role: str, documents: Sequence[Document]) -> tuple[str, ...]:
    """Register each document and make or widen its tables, one transaction each; names with version of those new.

    A version published once with other content is refused as Misuse: what runs cite by hash must not change.
    """
    registered = {(name, version): bytes(digest) for name, version, digest in owner.execute(SCHEMA["registered"])}
    new = []
    for document in sorted(documents, key=_release):
        known = registered.get((document.name, document.version))
        if known is not None and known != document.hash:
            raise Misuse(
                "this version of the contract was published with other content",
                where=f"contract {document.name} {document.version}",
                value=document.hash.hex(),
                valid=f"the document whose SHA-256 is {known.hex()}",
                remedy="Give the changed contract a new version; `headwater contracts diff` says which.",
            )
        with translated(f"contract {document.name} {document.version}"), owner.transaction():
            if known is None:
                owner.execute(
                    SCHEMA["register_contract"],
                    {
                        "hash": document.hash,
                        "name": document.name,
                        "version": document.version,
                        "body": document.to_json(),
                    },
                )
                new.append(f"{document.name} {document.version}")
            _make_or_widen(owner, document)
            _grant(owner, app_role, document)
    return tuple(new)


def _release(document: Document) -> tuple[str, tuple[int, ...]]:
    return document.name, tuple(int(part) for part in document.version.split("."))


def _make_or_widen(owner: psycopg.Connection, document: Document) -> None:
    """A minor version only adds nullable columns, so an older reader and an older row stay right."""
    columns = {name for (name,) in owner.execute(SCHEMA["columns"], {"table": table_name(document)})}
    if not columns:
        owner.execute(table_ddl(document))
        return
    for field in document.fields:
        if field.name in columns:
            continue
        for table in (table_name(document), history_name(document)):
            owner.execute(
                sql.SQL(SCHEMA["add_column"]).format(
                    table=sql.Identifier(table),
                    column=sql.SQL(column_definition(field)),
                )
            )


def _grant(owner: psycopg.Connection, app_role: str, document: Document) -> None:
    owner.execute(
        sql.SQL(GRANTS["contract_table"]).format(
            app=sql.Identifier(app_role),
            table=sql.Identifier(table_name(document)),
            history=sql.Identifier(history_name(document)),
        )
    )
