"""Tables of the contracts: made from the documents by the owner, widened by minor versions, never by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import psycopg
from psycopg import sql

from headwater.contracts.difference import diff
from headwater.contracts.document import Document, FieldSpec
from headwater.contracts.table import column_definition, history_name, table_ddl, table_name
from headwater.errors import Misuse
from headwater.store.documents import PublishedContract, list_contracts
from headwater.store.failures import translated
from headwater.store.queries import named_queries
from headwater.store.stored_rows import canonical_text

SCHEMA = named_queries("schema")
GRANTS = named_queries("grants")


def upgrade_contracts(owner: psycopg.Connection, app_role: str, documents: Sequence[Document]) -> tuple[str, ...]:
    """Register each document and make or widen its tables, one transaction each; names with version of those new.

    Misuse for a version that was published with other content, for what runs cite must not change, and for a minor
    version that would break what the one before it promised.
    """
    new = []
    for document in sorted(documents, key=lambda document: (document.name, _numbers(document.version))):
        published = [contract for contract in list_contracts(owner) if contract.name == document.name]
        known = next((contract for contract in published if contract.version == document.version), None)
        if known is None:
            _check_promises(document, published)
        elif known.hash != document.hash:
            raise Misuse(
                "this version of the contract was published with other content",
                where=f"contract {document.name} {document.version}",
                value=document.hash.hex(),
                valid=f"the document whose SHA-256 is {known.hash.hex()}",
                remedy="Give the changed contract a new version; `headwater contracts diff` says which.",
            )
        with translated(f"contract {document.name} {document.version}"), owner.transaction():
            if known is None:
                _register(owner, document)
                new.append(f"{document.name} {document.version}")
            _make_or_widen(owner, document)
            _grant(owner, app_role, document)
    return tuple(new)


def _check_promises(document: Document, published: Sequence[PublishedContract]) -> None:
    """Rows of one major version stand in one table, so what the version before allowed must stay allowed."""
    release = _numbers(document.version)
    before = [
        contract
        for contract in published
        if _numbers(contract.version)[0] == release[0] and _numbers(contract.version) < release
    ]
    if not before:
        return
    latest = max(before, key=lambda contract: _numbers(contract.version))
    broken = [change for change in diff(Document.from_json(latest.body), document) if change.breaking]
    if broken:
        raise Misuse(
            f"the change from {latest.version} breaks it: "
            + "; ".join(f"{change.what} ({change.why})" for change in broken),
            where=f"contract {document.name} {document.version}",
            valid=f"version {release[0] + 1}.0.0 for such a change",
            remedy="Raise the major version; its rows get a table of their own.",
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _register(owner: psycopg.Connection, document: Document) -> None:
    owner.execute(
        SCHEMA["register_contract"],
        {"hash": document.hash, "name": document.name, "version": document.version, "body": document.to_json()},
    )


def _make_or_widen(owner: psycopg.Connection, document: Document) -> None:
    """A minor version only adds nullable columns: rows of before have no value there."""
    columns = {name for (name,) in owner.execute(SCHEMA["columns"], {"table": table_name(document)})}
    if not columns:
        owner.execute(table_ddl(document))
        return
    for field in document.fields:
        if field.name in columns:
            if field.personal:
                _widen_personal(owner, document, field)
            continue
        for table in (table_name(document), history_name(document)):
            owner.execute(
                sql.SQL(SCHEMA["add_column"]).format(
                    table=sql.Identifier(table),
                    column=sql.SQL(column_definition(field)),
                )
            )


def _widen_personal(owner: psycopg.Connection, document: Document, field: FieldSpec) -> None:
    """What stood in clear in a column of its own type becomes text, in which a ciphertext fits."""
    for table in (table_name(document), history_name(document)):
        row = owner.execute(SCHEMA["column_type"], {"table": table, "column": field.name}).fetchone()
        if row is not None and row[0] != "text":
            owner.execute(
                sql.SQL(SCHEMA["column_to_text"]).format(
                    table=sql.Identifier(table),
                    column=sql.Identifier(field.name),
                    text=canonical_text(replace(field, personal=False)),
                )
            )


def _grant(owner: psycopg.Connection, app_role: str, document: Document) -> None:
    owner.execute(
        sql.SQL(GRANTS["contract_table"]).format(
            app=sql.Identifier(app_role),
            table=sql.Identifier(table_name(document)),
            history=sql.Identifier(history_name(document)),
            sealed=sql.SQL("").join(sql.SQL(", {}").format(sql.Identifier(name)) for name in document.personal),
        )
    )
