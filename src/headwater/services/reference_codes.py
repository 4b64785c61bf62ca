"""The codes that a run's records may refer to, pinned: what stood in the fields they refer to, kept as a blob."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.errors import Misuse
from headwater.store.cited_blobs import cite_blob
from headwater.store.stored_rows import code_batches, parsed_batches, write_codes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

    from headwater.contracts import Document
    from headwater.contracts.document import FieldSpec
    from headwater.services.installation import Installation


def pin(installation: Installation, contract: Document) -> bytes | None:
    """Keep the codes that stand now; the SHA-256 under which they are kept, None for a contract without references."""
    fields = referenced(contract, _known(installation))
    if not fields:
        return None
    with installation.database.connect(installation.tenant_id) as connection:
        with installation.blobs.writer(installation.tenant_id) as writer:
            write_codes(connection, writer, fields)
        if installation.keeps:
            cite_blob(
                connection, installation.tenant_id, writer.blob, kind="reference_codes", name="reference_codes.csv"
            )
    return writer.blob.sha256


def read(installation: Installation, sha256: bytes) -> Iterator[pa.RecordBatch]:
    """The codes of a pinned set: `reference` and `code`, batch by batch."""
    with installation.blobs.open(installation.tenant_id, sha256) as file:
        yield from parsed_batches(file)


def standing(installation: Installation, contract: Document) -> Iterator[pa.RecordBatch]:
    """The codes that stand now, without pinning them."""
    fields = referenced(contract, _known(installation))
    if fields:
        with installation.database.connect(installation.tenant_id) as connection:
            yield from code_batches(connection, fields)


def referenced(contract: Document, known: Sequence[Document]) -> Mapping[str, Sequence[tuple[Document, FieldSpec]]]:
    """By reference, "<contract>.<field>", the field it names in each major version of that contract: rows that were not
    carried over stand in the table of the older one.

    Misuse where no contract has the field, or where it holds values of another type.
    """
    return {
        field.reference: _tables(contract, field, field.reference, known)
        for field in contract.fields
        if field.reference is not None
    }


def _tables(
    contract: Document, field: FieldSpec, reference: str, known: Sequence[Document]
) -> list[tuple[Document, FieldSpec]]:
    name, _, code = reference.partition(".")
    newest: dict[int, Document] = {}
    for document in sorted(known, key=_release):
        if document.name == name and code in document.by_name:
            newest[document.major] = document
    where = f"contract {contract.reference}, field {field.name}"
    if not newest:
        raise Misuse(
            "it refers to a field that no contract of this installation has",
            where=where,
            value=reference,
            valid=f"a field of {', '.join(sorted({document.name for document in known}))}",
            remedy="Install the pack that brings the contract, or correct the reference.",
        )
    found = [(document, document.by_name[code]) for document in newest.values()]
    for document, other in found:
        if other.kind.duckdb_type != field.kind.duckdb_type:
            raise Misuse(
                f"it holds another type of values than the field of {document.reference} that it refers to",
                where=where,
                value=f"{field.type} {reference} is {other.type}",
                valid=f"a field like {reference}",
            )
    return found


def _known(installation: Installation) -> list[Document]:
    return [document for pack in installation.packs for document in pack.documents()]


def _release(document: Document) -> list[int]:
    return [int(part) for part in document.version.split(".")]
