"""Which unit records belong to: that of the source they came from. A source without a unit is the organisation's.

So records move with their source, at once and all of them, and what a source brings later goes where it belongs.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from headwater.errors import Misuse, NotFound
from headwater.services.access.changing import changed_meanwhile, in_use
from headwater.services.access.policy import Right
from headwater.services.answers.people import SourceAssigned, SourceShown
from headwater.store import audit, source_units

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from headwater.contracts import Document
    from headwater.services.installation import Installation
    from headwater.store.database import TenantConnection


def list_sources(installation: Installation) -> list[SourceShown]:
    """Sources by name, each with its unit; to whom reads in single units only, those of these."""
    seen = installation.seeing(Right.READ, on="sources")
    units = None if seen.units is None else sorted(seen.units)
    with installation.database.connect(installation.tenant_id) as connection:
        return [_told(row) for row in source_units.sources(connection, installation.tenant_id, units=units)]


def show(installation: Installation, source: str) -> SourceShown:
    """One source, by name or id; what of it an edit must name is its `version`."""
    seen = installation.seeing(Right.READ, on=f"source/{source}")
    units = None if seen.units is None else sorted(seen.units)
    with installation.database.connect(installation.tenant_id) as connection:
        return _told(_one(connection, installation.tenant_id, source, units=units))


def assign(
    installation: Installation, source: str, unit_id: UUID | None, *, expected: str | None = None
) -> SourceAssigned:
    """A source, by name or id, and all records that came from it belong to a unit, or to none. Conflict while a run of
    it is at work, and where it is in another version than is expected.
    """
    installation.require(Right.MANAGE_USERS, on=f"source/{source}")
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        in_use(connection, tenant_id, unit_id)
        source_id = bytes(_one(connection, tenant_id, source)["source_id"])
        source_units.hold(connection, tenant_id, source_id)  # else it might load into one more meanwhile
        was = _one(connection, tenant_id, source_id.hex())
        stands = _told(was)
        if expected is not None and stands["version"] != expected:
            mine = {"unit_id": str(unit_id) if unit_id else None}
            raise changed_meanwhile("If-Match", stands["version"], mine=mine, theirs=stands)
        tables = _tables(installation, source_units.loads(connection, tenant_id, source_id))
        rows = source_units.assign(connection, tenant_id, source_id, unit_id, tables)
        told = {"name": was["source_name"], "rows": rows, "was": stands["unit_id"]}
        note_assigned(connection, tenant_id, source_id, unit_id, **told)
    return {**_told(was | {"unit_id": unit_id}), "rows": rows}


def _one(
    connection: TenantConnection, tenant_id: UUID, source: str, *, units: Sequence[UUID] | None = None
) -> dict[str, Any]:
    found = source_units.sources(connection, tenant_id, text=source, units=units)
    if not found:
        raise NotFound(
            "there is no such source", where="source", value=source, remedy="`headwater units sources` lists them."
        )
    if len(found) > 1:
        ids = ", ".join(bytes(each["source_id"]).hex() for each in found)
        raise Misuse("several sources have this name", where="source", value=source, valid=f"one of {ids}")
    return found[0]


def note_assigned(
    connection: TenantConnection, tenant_id: UUID, source_id: bytes, unit_id: UUID | None, **told: object
) -> None:
    """The entry of the audit chain from which `verify` knows it."""
    audit.append(
        connection,
        tenant_id,
        action=source_units.ASSIGNED,
        resource=f"source/{source_id.hex()}",
        payload={"unit": str(unit_id) if unit_id else None, **told},
    )


def _tables(installation: Installation, loaded: list[tuple[str, int]]) -> list[Document]:
    """The contracts that a source was loaded into, and those calculated from them."""
    names = {name for name, _ in loaded}
    calculated = {
        (document.name, document.major)
        for pack in installation.packs
        for document in pack.documents()
        if document.calculated_from in names
    }
    return [installation.contract(name, major) for name, major in sorted({*loaded, *calculated})]


def _told(row: dict[str, Any]) -> SourceShown:
    return {
        "source_id": bytes(row["source_id"]).hex(),
        "name": row["source_name"],
        "unit_id": str(row["unit_id"]) if row["unit_id"] else None,
        "last_run": str(row["run_id"]),
        "last_at": row["started_at"].isoformat(),
        "version": hashlib.sha256(bytes(row["source_id"]) + str(row["unit_id"]).encode()).hexdigest()[:32],
    }
