"""Records deleted by hand: taken out of lists and figures with their past kept, restored as they were, or destroyed.

What is deleted stays so: a load that brings it again leaves it out and says how many. What is destroyed leaves the raw
file it came from, what was refused, and the audit chain, by which `verify` still proves everything else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from headwater.errors import Conflict, Misuse, NotFound
from headwater.services.access.masking import mask, personal_fields
from headwater.services.access.policy import Right
from headwater.services.access.within_units import inside
from headwater.services.contracts_view import loadable
from headwater.services.listing import Listed, Page, Question, ask, by_name
from headwater.services.reasons import reason_said
from headwater.services.records import contract_of, show_record
from headwater.services.replay.deletions import ADMITTED, DELETED, DESTROYED, RESTORED, as_payload
from headwater.services.tracing.tracer import no_such_record, parse_key
from headwater.store import audit
from headwater.store.deletions import Deleting, Keys, made_of_destroyed
from headwater.store.listing import Column, Condition, Order
from headwater.store.load_names import contract_of as table_of
from headwater.store.sealed import opened_key, stored_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwater.contracts import Document
    from headwater.services.installation import Installation
    from headwater.store.database import TenantConnection
    from headwater.store.deletions import Marked, Origin, Standing

MOST = 10_000
CITED_IN_LINES = {"activity": "activity_id", "emission_factor": "factor_id", "energy_instrument": "instrument_id"}
"""Contracts whose records inventories name in their lines, and in which column."""
NEVER_DESTROYED = {"emission_factor", "warming_potential"}
"""What figures were calculated by is superseded, and never destroyed."""
_COLUMNS = by_name(
    [
        Column(name=name, type=kind, nullable=name == "record_key")
        for name, kind in {
            "record_key": "text", "deletion_id": "uuid", "destroyed": "boolean", "reason": "text", "deleted_by": "text",
            "deleted_at": "timestamptz", "contract": "text", "key_hash": "bytea", "chunk_id": "uuid",
            "record_no": "integer",
        }.items()
    ]
)  # fmt: skip
_SHOWN = ("record_key", "deletion_id", "destroyed", "reason", "deleted_by", "deleted_at")


@dataclass(frozen=True, kw_only=True)
class Deletion:
    """What was deleted or put back.

    rows         by contract, those calculated from the records included
    deletion_id  null of what was put back
    """

    contract: str
    records: int
    rows: Mapping[str, int]
    deletion_id: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Hanging:
    """What would be gone with records that are destroyed, and what stays and rests on them.

    standing  rows that stand, by contract: the records, and the figures calculated from them
    versions  older versions of these rows, by contract
    findings  what was noticed about them
    refused   refused records that they were mended from, which stay in quarantine
    drafts    lines of inventories that are not published, by name
    published lines of published ones, by number: where there is one, nothing is destroyed
    confirmation  the ETag by which a destruction is confirmed
    """

    contract: str
    records: int
    standing: Mapping[str, int]
    versions: Mapping[str, int]
    findings: int
    refused: int
    drafts: Mapping[str, int]
    published: Mapping[str, int]
    confirmation: str = ""

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def delete(
    installation: Installation, reference: str, keys: Sequence[str], *, reason: str, expected: str | None = None
) -> Deletion:
    """Take records out, and what was calculated from them; their past is kept. All of them or none.

    expected: the version of the one record that is named; Conflict with both where it is another by now.
    """
    installation = installation.seeing(Right.DELETE, on=f"records/{reference}")
    document, named = _named(installation, reference, keys)
    why, deletion_id = reason_said(reason), uuid4()
    with installation.database.connect(installation.tenant_id) as connection:
        deleting = _deleting(installation, connection, named)
        standing = {each.key: each for each in deleting.lock()}
        _refuse_missing(deleting, named, standing, whole=installation.units is None)
        if expected is not None:
            _refuse_changed(installation, reference, named, next(iter(standing.values())), expected)
        rows = deleting.to_history(deletion_id)
        origins = {key: (each.chunk_id, each.record_no) for key, each in standing.items()}
        deleting.mark(deletion_id, origins, reason=why, destroyed=False)
        lasts = list(origins.values())
        done = _Done(action=DELETED, deletion_id=deletion_id, reason=why, lasts=lasts, rows=rows)
        _note(installation, connection, named, done)
    return Deletion(contract=table_of(document), records=len(named), rows=rows, deletion_id=str(deletion_id))


def restore(installation: Installation, reference: str, keys: Sequence[str], *, reason: str = "restored") -> Deletion:
    """Put deleted records back exactly as they were, and what was calculated from them. All of them or none."""
    installation = installation.seeing(Right.DELETE, on=f"records/{reference}")
    document, named = _named(installation, reference, keys)
    why, rows = reason_said(reason), dict[str, int]()
    with installation.database.connect(installation.tenant_id) as connection:
        marked = _marked(_deleting(installation, connection, named), named)
        gone = sorted(each.key for each in marked if each.destroyed)
        if gone and installation.units is not None:
            raise _no_deleted(document, named.as_said(gone[0]))
        if gone:
            raise Conflict(
                "it was destroyed, and nothing is left to restore",
                where=document.name,
                value=named.as_said(gone[0]),
                remedy="Admit it, and import its source again.",
            )
        for deletion_id in sorted({each.deletion_id for each in marked}):
            of_it = [each for each in marked if each.deletion_id == deletion_id]
            deleting = _deleting(installation, connection, _only(named, of_it))
            back = {name: len(each) for name, each in deleting.put_back(deletion_id).items()}
            if back[table_of(document)] != len(of_it):  # rows of other units are not there
                raise _no_deleted(document, named.as_said(of_it[0].key))
            deleting.unmark()
            origins = [(each.chunk_id, each.record_no) for each in of_it]
            done = _Done(action=RESTORED, deletion_id=deletion_id, reason=why, lasts=origins, rows=back)
            _note(installation, connection, named, done)
            rows = {name: rows.get(name, 0) + count for name, count in back.items()}
    return Deletion(contract=table_of(document), records=len(named), rows=rows)


def hanging_on(installation: Installation, reference: str, keys: Sequence[str]) -> Hanging:
    """What hangs on records, whether they stand or are deleted; nothing is changed."""
    installation.require(Right.DELETE, on=f"records/{reference}")
    _, named = _named(installation, reference, keys)
    with installation.database.connect(installation.tenant_id) as connection:
        deleting = _deleting(installation, connection, named)
        hanging, _ = _hanging(deleting, named, _lasts(deleting, named))
        connection.rollback()
    return hanging


def destroy(
    installation: Installation, reference: str, keys: Sequence[str], *, reason: str, confirmation: str
) -> Deletion:
    """Destroy records with all that hangs on them: rows, figures, older versions, findings. There is no way back.

    confirmation: what `hanging_on` gave; Conflict with both where something else hangs on them by now. Conflict too
    where a published inventory stands on one.
    """
    installation.require(Right.DELETE, on=f"records/{reference}")
    document, named = _named(installation, reference, keys)
    if document.name in NEVER_DESTROYED:
        raise Conflict(
            f"what figures were calculated by is never destroyed: {document.name}",
            where="contract",
            value=reference,
            remedy="Supersede it by another that is valid from a later day, or delete it, which can be taken back.",
        )
    why, deletion_id = reason_said(reason), uuid4()
    with installation.database.connect(installation.tenant_id) as connection:
        deleting = _deleting(installation, connection, named)
        deleting.lock()
        lasts = _lasts(deleting, named)
        audit.lock_head(connection, installation.tenant_id)  # nobody publishes an inventory from now on
        hanging, versions = _hanging(deleting, named, lasts)
        _refuse_standing(hanging)
        if confirmation != hanging.confirmation:
            error = Conflict(
                "something else hangs on it by now",
                where="If-Match",
                value=confirmation,
                valid=hanging.confirmation,
                remedy="Look at what hangs on it now, then decide.",
            )
            error.mine, error.theirs = confirmation, hanging.as_json()
            raise error
        rows = deleting.destroy(versions)
        deleting.mark(deletion_id, lasts, reason=why, destroyed=True)
        done = _Done(
            action=DESTROYED, deletion_id=deletion_id, reason=why, lasts=list(lasts.values()), rows=rows,
            versions=versions,
        )  # fmt: skip
        _note(installation, connection, named, done)
    return Deletion(contract=table_of(document), records=len(named), rows=rows, deletion_id=str(deletion_id))


def admit(installation: Installation, reference: str, keys: Sequence[str], *, reason: str) -> int:
    """Let destroyed records come in again when a source brings them; how many. Nothing is brought back by it."""
    installation.require(Right.DELETE, on=f"records/{reference}")
    document, named = _named(installation, reference, keys)
    why = reason_said(reason)
    with installation.database.connect(installation.tenant_id) as connection:
        deleting = _deleting(installation, connection, named)
        marked = _marked(deleting, named)
        kept = sorted(each.key for each in marked if not each.destroyed)
        if kept:
            key = named.as_said(kept[0])
            raise Conflict("it is deleted, not destroyed", where=document.name, value=key, remedy="Restore it.")
        deleting.unmark()
        for deletion_id in sorted({each.deletion_id for each in marked}):
            of_it = [each for each in marked if each.deletion_id == deletion_id]
            origins = [(each.chunk_id, each.record_no) for each in of_it]
            done = _Done(action=ADMITTED, deletion_id=deletion_id, reason=why, lasts=origins, rows={})
            _note(installation, connection, named, done)
    return len(marked)


def deleted_records(installation: Installation, reference: str, question: Question) -> Page:
    """Records of a contract that are deleted or destroyed, the latest first; personal keys are masked.

    To whom reads in single units only, those that came from their sources.
    """
    seen = installation.seeing(Right.READ)
    document = contract_of(installation, reference)
    is_personal = bool(personal_fields(document) & {spec.name for spec in document.key})
    listed = Listed(
        what=f"deleted records of {document.name}",
        table="deleted_records",
        columns=_COLUMNS,
        order=[Order(column=_COLUMNS["deleted_at"], descending=True)],
        key=["key_hash"],
        filters=frozenset(_SHOWN) - ({"record_key"} if is_personal else set()),
    )
    own = Condition(column=_COLUMNS["contract"], operator="eq", value=table_of(document))
    page = ask(seen, listed, question, also=[own])
    items = [{name: _plain(row[name]) for name in _SHOWN} for row in page.items]
    if is_personal:
        with installation.database.connect(installation.tenant_id) as connection:
            for item in items:
                item["record_key"] = mask(opened_key(connection, document, item["record_key"]))
    return replace(page, items=items)


def _plain(value: Any) -> Any:
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def _named(installation: Installation, reference: str, keys: Sequence[str]) -> tuple[Document, Keys]:
    document = contract_of(installation, reference)
    loadable(document, where="contract")
    if not 1 <= len(keys) <= MOST:
        raise Misuse("so many records are not taken at once", where="keys", value=len(keys), valid=f"1 to {MOST:,}")
    columns: dict[str, list[str]] = {spec.name: [] for spec in document.key}
    seen: dict[tuple[str, ...], str] = {}
    with installation.database.connect(installation.tenant_id) as connection:
        for key in keys:
            texts = stored_key(connection, document, parse_key(document, key))
            if texts not in seen:
                seen[texts] = key
                for spec, text in zip(document.key, texts, strict=True):
                    columns[spec.name].append(text)
    return document, Keys(document=document, columns=columns, said=list(seen.values()))


def _deleting(installation: Installation, connection: TenantConnection, named: Keys) -> Deleting:
    calculated = {
        (document.name, document.major)
        for pack in installation.packs
        for document in pack.documents()
        if document.calculated_from == named.document.name
    }
    results = [installation.contract(name, major) for name, major in sorted(calculated)]
    return Deleting(connection, installation.tenant_id, named, results)


def _refuse_missing(deleting: Deleting, named: Keys, standing: Mapping[str, Standing], *, whole: bool) -> None:
    """To whom acts in single units it is not told what was deleted in others."""
    missing = [key for key in named.texts() if key not in standing]
    if missing:
        if whole and any(each.key == missing[0] for each in deleting.marked()):
            raise Conflict(
                "it is deleted already",
                where=named.document.name,
                value=named.as_said(missing[0]),
                valid="a record that stands",
                remedy=f"`headwater records deleted {named.document.name}@{named.document.major}` shows when and why.",
            )
        raise no_such_record(named.document, named.as_said(missing[0]))


def _refuse_changed(installation: Installation, reference: str, named: Keys, stands: Standing, expected: str) -> None:
    """Conflict with what stands: its values, masked, for who may read it."""
    if stands.row_hash.hex() != expected:
        error = Conflict(
            "it was changed since you looked",
            where="If-Match",
            value=expected,
            valid=stands.row_hash.hex(),
            remedy="Look again, then decide.",
        )
        key, read_in = named.as_said(stands.key), installation.actor.units_with(Right.READ)
        theirs: dict[str, Any] = {"key": key, "version": stands.row_hash.hex()}
        if read_in is None or (installation.units is not None and installation.units <= read_in):
            theirs["values"] = dict(show_record(inside(installation), reference, key).values)
        error.mine, error.theirs = "deleted", theirs
        raise error


def refuse_made_of_destroyed(installation: Installation, connection: TenantConnection, inventory_id: UUID) -> None:
    """Conflict where an inventory that is about to be published is made of a record that was destroyed meanwhile."""
    for pack in installation.packs:
        for document in pack.documents():
            if document.name in CITED_IN_LINES.keys() - NEVER_DESTROYED and made_of_destroyed(
                connection, installation.tenant_id, inventory_id, document
            ):
                raise Conflict(
                    "a record that it is made of was destroyed since it was calculated",
                    where="inventory",
                    value=inventory_id,
                    remedy="Calculate it again, and publish that.",
                )


def _refuse_standing(hanging: Hanging) -> None:
    if hanging.published:
        numbers = ", ".join(hanging.published)
        raise Conflict(
            f"the published inventory {numbers} stands on it, and what is published stands",
            where="inventory",
            value=numbers,
            remedy="Delete it, which keeps its past, and publish another inventory beside the one that is published.",
        )


def _marked(deleting: Deleting, named: Keys) -> list[Marked]:
    marked = deleting.marked()
    missing = set(named.texts()) - {each.key for each in marked}
    if missing:
        raise _no_deleted(named.document, named.as_said(min(missing)))
    return marked


def _lasts(deleting: Deleting, named: Keys) -> dict[str, Origin]:
    """Of each record the row that stands, or stood when it was deleted; NotFound where one is neither."""
    lasts = {each.key: (each.chunk_id, each.record_no) for each in deleting.marked() if not each.destroyed}
    lasts |= {each.key: (each.chunk_id, each.record_no) for each in deleting.lock()}
    missing = [key for key in named.texts() if key not in lasts]
    if missing:
        raise no_such_record(named.document, named.as_said(missing[0]))
    return lasts


def _hanging(deleting: Deleting, named: Keys, lasts: Mapping[str, Origin]) -> tuple[Hanging, list[Origin]]:
    versions = deleting.versions()
    column = CITED_IN_LINES.get(named.document.name)
    lines = deleting.lines_of(column) if column else []
    found = Hanging(
        contract=table_of(named.document),
        records=len(named),
        standing=deleting.count(past=False),
        versions=deleting.count(past=True),
        findings=deleting.findings(versions),
        refused=deleting.refused(versions),
        drafts={name: count for name, number, count in lines if number is None},
        published={str(number): count for _, number, count in lines if number is not None},
    )
    told = json.dumps([found.as_json(), sorted(lasts.items()), versions], sort_keys=True, default=str)
    return replace(found, confirmation=hashlib.sha256(told.encode()).hexdigest()), versions


def _only(named: Keys, marked: Sequence[Marked]) -> Keys:
    wanted = {each.key for each in marked}
    return named.only([place for place, key in enumerate(named.texts()) if key in wanted])


@dataclass(frozen=True, kw_only=True)
class _Done:
    """What the chain is told. `lasts` are the rows that stood last, `versions` all rows concerned."""

    action: str
    deletion_id: UUID
    reason: str
    lasts: Sequence[Origin]
    rows: Mapping[str, int]
    versions: Sequence[Origin] | None = None


def _note(installation: Installation, connection: TenantConnection, named: Keys, done: _Done) -> None:
    """The chain names rows by where they came from: keys may be personal."""
    audit.append(
        connection,
        installation.tenant_id,
        action=done.action,
        resource=f"records/{table_of(named.document)}",
        payload={
            "deletion": str(done.deletion_id),
            "reason": done.reason,
            "keys": [[str(chunk), number] for chunk, number in sorted(done.lasts)],
            "rows": as_payload(done.lasts if done.versions is None else done.versions),
            "counts": dict(done.rows),
            **installation.actor.came_by(),
        },
    )


def _no_deleted(document: Document, key: str) -> NotFound:
    return NotFound(
        "there is no such deleted record",
        where=document.name,
        value=key,
        valid="the key of a record that is deleted",
        remedy=f"`headwater records deleted {document.name}@{document.major}` shows them.",
    )
