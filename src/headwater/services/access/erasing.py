"""Somebody's personal values in records are erased: their key is deleted, and with it all that it sealed is lost.

Rows and figures stay, and say nothing of whom they were about. The audit chain says which rows they were, so that
`verify` knows why their values do not open. Files that speak of them are replaced by redacted copies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from headwater.engine.duck import small_engine
from headwater.errors import Misuse, NotFound
from headwater.services.access.encrypting import tables
from headwater.services.access.keys import keyring, seals_of
from headwater.services.access.policy import Right
from headwater.services.access.redacting import Copies, RedactedFile, not_there, settle_what_was_left
from headwater.services.access.sealing import NOTICED, REFUSED, UNCUT, joined_texts
from headwater.services.access.seals import subject_of
from headwater.services.access.theirs import Search
from headwater.services.imports import stored_logic
from headwater.services.logic import compile_logic
from headwater.services.reasons import reason_said
from headwater.services.records import contract_of
from headwater.services.replay.deletions import SUBJECT_ERASED, as_payload
from headwater.store import audit, imports, jobs, kept_errors, requests, runs, subject_keys
from headwater.store.erasures import RowsOfSubject, first_records, refused_by_run
from headwater.store.samples import forget_samples
from headwater.values import OWN_FORMAT
from headwater.values.canonical import SEPARATOR

if TYPE_CHECKING:
    from uuid import UUID

    from headwater.contracts import Document
    from headwater.services.access.seals import Seals, Subject
    from headwater.services.installation import Installation
    from headwater.store.database import TenantConnection
    from headwater.store.erasures import Origin

UNKNOWN = "unknown"
"""Who is erased again, of whom no key is kept."""


@dataclass(frozen=True, kw_only=True)
class Erasure:
    """What was erased, and what is not.

    rows        how many rows of each contract, past ones included, hold values of theirs that nobody opens any more
    refused     how many records in quarantine were theirs
    unknown     how many records in quarantine say of nobody whose they are: look at them, and dismiss what is theirs
    files       what became of the files that spoke of them
    subject_id  None where they were erased before, and files brought since, or left then, still spoke of them
    """

    subject_id: str | None
    rows: Mapping[str, int]
    refused: int
    unknown: int
    files: Sequence[RedactedFile]

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def erase_subject(installation: Installation, reference: str, text: str, *, reason: str) -> Erasure:
    """Erase whom records of a contract are about, in all contracts that know them by fields of the same names.

    text: what the contract's subject fields say, `|` between them; its key where it names no subject. Misuse where its
    records are about nobody; NotFound where no key is kept, and no file speaks of them: nobody is known by it, or they
    are erased already. RetryLater while a file that speaks of them is loaded, or one that may was planned meanwhile;
    Stopped where a file is there and cannot be read; one that is lost is told of. What inspection showed of files that
    wait goes too, what errors quote, what requests were answered, and kept rows of sources, whomever they are of.
    """
    installation.require(Right.DELETE, on=f"records/{reference}")
    document = contract_of(installation, reference)
    why, told = reason_said(reason), _told(document, text)
    with installation.database.connect(installation.tenant_id) as connection:
        keyring(installation, connection)  # for good, as copies of files are encrypted before this is done
    with installation.database.connect(installation.tenant_id) as connection:
        settle_what_was_left(installation, connection)
        copies = Copies(installation, connection)
        seals = seals_of(installation.settings, connection, installation.tenant_id)
        subject = seals.subjects(document.subject_domain, [told]).get(told)
        refused, unknown = _refused(installation, connection, document, told)
        rows: dict[str, list[Origin]] = {}
        hashes: set[str] = set()
        if subject is not None:
            # From here on no load seals by this key: who holds it to do so is waited for.
            subject_keys.remove_keys(connection, installation.tenant_id, [subject.subject_id])
            rows, hashes = _rows(installation, connection, subject)
        origins = [origin for each in rows.values() for origin in each]
        search = Search(installation, connection, document.subject_domain, told)
        search.look(origins, hashes)
        if subject is None and not search.found:
            raise _nobody(document, text)
        copies.make(search.found.values())
        _forget(installation, connection, seals, refused, origins)
        _forget_quoted(connection, installation.tenant_id)
        subject_id = None if subject is None else str(subject.subject_id)
        audit.append(
            connection,
            installation.tenant_id,
            action=SUBJECT_ERASED,
            resource=f"subject/{subject_id or UNKNOWN}",
            payload={
                "reason": why,
                "rows": {name: as_payload(set(each)) for name, each in rows.items()},
                "refused": sorted(refused),
                "files": sorted(sha256.hex() for sha256 in search.found),
                **({"not_there": sorted(sha256.hex() for sha256 in search.gone)} if search.gone else {}),
                **installation.actor.came_by(),
            },
        )
        files = copies.note() + [not_there(sha256, name) for sha256, name in sorted(search.gone.items())]
        search.refuse_planned_since()
    copies.settle()
    return Erasure(
        subject_id=subject_id,
        rows={name: len(each) for name, each in rows.items()},
        refused=len(refused),
        unknown=unknown,
        files=files,
    )


def _nobody(document: Document, text: str) -> NotFound:
    return NotFound(
        "nobody is known by this, or they are erased",
        where=document.name,
        value=text,
        valid="what the fields that tell whom a record is about say of somebody, with | between several",
        remedy=f"`headwater contracts show {document.reference}` names these fields.",
    )


def _rows(installation: Installation, connection: Any, subject: Subject) -> tuple[dict[str, list[Origin]], set[str]]:
    """Where rows of theirs came from, by contract, and their hashes; those beside their values are taken off."""
    theirs = RowsOfSubject(connection, installation.tenant_id, subject.mark)
    found: dict[str, list[Origin]] = {}
    hashes: set[str] = set()
    for document in _personal(installation):
        origins: list[Origin] = []
        for table in tables(document):
            rows = theirs.origins(table, document.personal)
            origins += [origin for origin, _ in rows]
            hashes.update(row_hash for _, row_hash in rows)
            theirs.strip(table, document.personal)
        if origins:
            found[f"{document.name}@{document.major}"] = origins
    theirs.strip_marks()
    return found, hashes


def _forget(
    installation: Installation, connection: Any, seals: Seals, refused: Mapping[str, UUID], origins: Sequence[Origin]
) -> None:
    """Delete the keys of what was refused of them, and noticed about them."""
    tenant_id = installation.tenant_id
    first = first_records(connection, tenant_id, {chunk for chunk, _ in origins})
    noticed = {f"{chunk}.{first[chunk] + number}" for chunk, number in origins}
    of_them = [*seals.subjects(REFUSED, set(refused)).values(), *seals.subjects(NOTICED, noticed).values()]
    subject_keys.remove_keys(connection, tenant_id, [each.subject_id for each in of_them])


def _forget_quoted(connection: TenantConnection, tenant_id: UUID) -> None:
    """Keep nothing that may quote them beside records: of files that wait, of why something failed, of what sources
    hold, and what was answered to requests.
    """
    imports.forget_cells(connection, tenant_id)
    jobs.forget_values(connection, tenant_id)
    quoted = kept_errors.forget_values(connection, tenant_id)
    subject_keys.remove_keys(connection, tenant_id, [subject_of(each) for each in quoted])
    forget_samples(connection, tenant_id)
    # Whoever writes notes it with their request, the chain's head locked after it: so this comes last before the chain.
    requests.forget_answers(connection, tenant_id, but=connection.request)


def _refused(installation: Installation, connection: Any, document: Document, text: str) -> tuple[dict[str, UUID], int]:
    """Records in quarantine that are about them, each with the chunk that refused it last, as the mapping that refused
    them reads them; and how many it can say of nobody.
    """
    found: dict[str, UUID] = {}
    unknown = 0
    for contract in _personal(installation):
        if contract.subject_domain != document.subject_domain:
            continue
        named = f"{contract.name}@{contract.major}."
        for run_id, records in refused_by_run(connection, installation.tenant_id, named):
            cut = [record for record in records if UNCUT not in record[1]]
            run = runs.get_run(connection, installation.tenant_id, run_id)
            said = _said(installation, run, contract, [cells for _, cells, _ in cut])
            unknown += len(records) - len(cut) + said.count(None)
            found |= {refused.hex: chunk for (refused, _, chunk), whose in zip(cut, said, strict=True) if whose == text}
    return found, unknown


def _said(
    installation: Installation, run: runs.Run, contract: Document, cells: Sequence[Mapping[str, str | None]]
) -> list[str | None]:
    """Whom each record is about, as the run read it; None where it did not say."""
    if not cells:
        return []
    logic = stored_logic(installation, run)
    columns = tuple(run.layout.get("mends", run.layout)["columns"])
    raw = pa.table({name: pa.array([each.get(name) or "" for each in cells], pa.string()) for name in columns})
    names = [spec.name for spec in contract.subject_fields]
    with small_engine() as duck:
        transform, _ = compile_logic(installation, duck, logic, columns=columns, source_id=run.source_id)
        read = transform.values(raw, np.arange(len(cells), dtype=np.int32), names)
    return joined_texts(contract.subject_fields, read)


def _personal(installation: Installation) -> list[Document]:
    """The newest minor version of every contract with something personal."""
    majors = {(each.name, each.major) for pack in installation.packs for each in pack.documents()}
    newest = (installation.contract(name, major) for name, major in sorted(majors))
    return [document for document in newest if document.personal]


def _told(document: Document, text: str) -> str:
    """What is said of a subject, as it is looked up by."""
    if not document.is_of_people:
        raise Misuse(
            "records of this contract tell of nobody whom they are about",
            where=document.name,
            remedy="Enter such a record anew without what is personal, or destroy it: `headwater records destroy`.",
        )
    fields = document.subject_fields
    parts = text.split("|") if len(fields) > 1 else [text]
    parsed = [spec.kind.parse(part, OWN_FORMAT).value for spec, part in zip(fields, parts, strict=False)]
    if len(parts) != len(fields) or None in parsed:
        raise Misuse(
            "this names nobody that records of the contract are about",
            where=document.name,
            value=text,
            valid="|".join(spec.name for spec in fields),
        )
    return SEPARATOR.join(spec.kind.canonical(value) for spec, value in zip(fields, parsed, strict=True))
