"""Units of an organisation: divisions, departments, laboratories, sites, one below another to any depth."""

from __future__ import annotations

import unicodedata
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from headwater.errors import Conflict, InputRefused, NotFound
from headwater.services.access.changing import changed_meanwhile, changing, in_use
from headwater.services.access.kinds import UnitKind
from headwater.services.access.policy import Right
from headwater.store import audit, units

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headwater.services.installation import Installation
    from headwater.store.units import Unit

LONGEST_NAME = 200


@dataclass(frozen=True, kw_only=True)
class UnitView:
    """A unit in its place.

    parent_id    null: directly in the organisation
    path         the names from the organisation down to it
    version      what an edit must name, as ETag
    archived_at  since when it is out of use; null while it is in use
    """

    unit_id: UUID
    parent_id: UUID | None
    kind: str
    name: str
    path: tuple[str, ...]
    version: int
    archived_at: datetime | None

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class HangingOn:
    """What goes out of use with a unit: units below it, and the roles, grants and tokens of services in all of them."""

    units: int
    roles: int
    grants: int
    tokens: int


@dataclass(frozen=True, kw_only=True)
class UnitShown(UnitView):
    """A unit in its place, and what hangs on it.

    hanging_on  what archiving it would take out of use
    """

    hanging_on: HangingOn


def add(installation: Installation, name: str, kind: UnitKind | str, parent_id: UUID | None = None) -> UnitView:
    """A unit below another, or directly in the organisation."""
    installation.require(Right.MANAGE_USERS, parent_id, on="units")
    name, kind = _name(name), _kind(kind)
    tenant_id, unit_id = installation.tenant_id, uuid4()
    with changing(installation) as (connection, _):
        in_use(connection, tenant_id, parent_id)
        units.add_unit(connection, tenant_id, unit_id, parent_id=parent_id, kind=kind, name=name)
        return _done(installation, connection, "unit.added", unit_id)


def list_units(installation: Installation, *, archived: bool = False) -> list[UnitView]:
    """As a tree is read, each below its parent; to whom reads in single units only, those."""
    allowed = installation.actor.units_with(Right.READ)
    if allowed is not None and not allowed:
        installation.require(Right.READ, on="units")
    with installation.database.connect(installation.tenant_id) as connection:
        shown = _views(units.list_units(connection, installation.tenant_id, archived=True))
    return [
        view
        for view in sorted(shown.values(), key=lambda view: (view.path, str(view.unit_id)))
        if (archived or view.archived_at is None) and (allowed is None or view.unit_id in allowed)
    ]


def unit(installation: Installation, unit_id: UUID) -> UnitView:
    """One unit."""
    installation.require(Right.READ, unit_id, on=f"unit/{unit_id}")
    with installation.database.connect(installation.tenant_id) as connection:
        return _view(installation, connection, unit_id)


def named(installation: Installation, reference: str) -> UUID:
    """The unit of an id, or of a path like `Europe/Site Berlin`; NotFound where none is meant."""
    names = tuple(part.strip() for part in reference.split("/"))
    for view in list_units(installation, archived=True):
        if str(view.unit_id) == reference.lower() or (view.path == names and view.archived_at is None):
            return view.unit_id
    raise NotFound("there is no such unit", where="unit", value=reference, remedy="`headwater units list` shows them.")


def change(
    installation: Installation,
    unit_id: UUID,
    *,
    name: str | None = None,
    kind: UnitKind | str | None = None,
    moves: bool = False,
    parent_id: UUID | None = None,
    expected: int | None = None,
) -> UnitView:
    """Another name or kind, what is None stays; and, where it `moves`, another place for it and all below it. All of it
    or nothing. Conflict with both versions where `expected` is old, and where the new place is below it.
    """
    for place in (unit_id, parent_id) if moves else (unit_id,):
        installation.require(Right.MANAGE_USERS, place, on=f"unit/{unit_id}")
    name, kind = None if name is None else _name(name), None if kind is None else _kind(kind)
    tenant_id = installation.tenant_id
    mine = ({} if name is None else {"name": name}) | ({} if kind is None else {"kind": kind})
    with changing(installation) as (connection, _):
        found = _expected(
            installation, connection, unit_id, expected, mine | ({"parent_id": parent_id} if moves else {})
        )
        if moves:
            _may_move(installation, connection, unit_id, parent_id)
        place = parent_id if moves else found.parent_id
        units.change_unit(
            connection, tenant_id, unit_id, parent_id=place, kind=kind or found.kind, name=name or found.name
        )
        if mine or not moves:
            _done(installation, connection, "unit.renamed", unit_id, before=found.name)
        if moves:
            before = str(found.parent_id) if found.parent_id else None
            _done(installation, connection, "unit.moved", unit_id, before=before)
        return _view(installation, connection, unit_id)


def _may_move(installation: Installation, connection: Any, unit_id: UUID, parent_id: UUID | None) -> None:
    in_use(connection, installation.tenant_id, parent_id)
    # What one may do in the new place, one may do in the unit from now on, and so may others: who moves gives that.
    for right in Right:
        if parent_id is not None and installation.actor.may(right, parent_id):
            installation.require(right, unit_id, on=f"unit/{unit_id}")
    if parent_id is not None and parent_id in units.units_below(connection, installation.tenant_id, unit_id):
        raise Conflict(
            "a unit cannot stand below itself",
            where="parent",
            value=parent_id,
            valid="a unit that is not below this one, or none: the organisation",
        )


def hanging_on(installation: Installation, unit_id: UUID) -> HangingOn:
    """What archiving would take out of use."""
    installation.require(Right.READ, unit_id, on=f"unit/{unit_id}")
    with installation.database.connect(installation.tenant_id) as connection:
        _view(installation, connection, unit_id)
        below = units.units_below(connection, installation.tenant_id, unit_id)
        roles, grants, tokens = units.hanging_on(connection, installation.tenant_id, below)
    return HangingOn(units=len(below) - 1, roles=roles, grants=grants, tokens=tokens)


def archive(installation: Installation, unit_id: UUID, *, expected: int | None = None) -> int:
    """Take a unit and all below it out of use; how many. What was given in them holds again when they are restored."""
    installation.require(Right.MANAGE_USERS, unit_id, on=f"unit/{unit_id}")
    tenant_id = installation.tenant_id
    with changing(installation) as (connection, _):
        _expected(installation, connection, unit_id, expected, {"archived": True})
        below = units.units_below(connection, tenant_id, unit_id)
        count = units.archive_units(connection, tenant_id, below, datetime.now(UTC))
        _done(installation, connection, "unit.archived", unit_id, units=count)
    return count


def restore(installation: Installation, unit_id: UUID) -> int:
    """Take a unit, and what was archived together with it, into use again; how many."""
    installation.require(Right.MANAGE_USERS, on=f"unit/{unit_id}")  # nobody has rights in what is archived
    tenant_id = installation.tenant_id
    with changing(installation) as (connection, _):
        found = _get(connection, tenant_id, unit_id)
        if found.archived_at is None:
            return 0
        in_use(connection, tenant_id, found.parent_id)
        below = units.units_below(connection, tenant_id, unit_id)
        count = units.restore_units(connection, tenant_id, below, found.archived_at)
        _done(installation, connection, "unit.restored", unit_id, units=count)
    return count


def _get(connection: Any, tenant_id: UUID, unit_id: UUID) -> Unit:
    found = units.get_unit(connection, tenant_id, unit_id)
    if found is None:
        raise NotFound(
            "there is no such unit", where="unit", value=unit_id, remedy="`headwater units list` shows them."
        )
    return found


def _expected(installation: Installation, connection: Any, unit_id: UUID, expected: int | None, mine: object) -> Unit:
    """A unit in use, in the version that is expected, if any."""
    found = _get(connection, installation.tenant_id, unit_id)
    in_use(connection, installation.tenant_id, unit_id)
    if expected is not None and found.version != expected:
        theirs = _view(installation, connection, unit_id).as_json()
        raise changed_meanwhile("unit", found.version, mine=mine, theirs=theirs)
    return found


def _view(installation: Installation, connection: Any, unit_id: UUID) -> UnitView:
    _get(connection, installation.tenant_id, unit_id)
    return _views(units.list_units(connection, installation.tenant_id, archived=True))[unit_id]


def _views(found: Sequence[Unit]) -> dict[UUID, UnitView]:
    by_id = {each.unit_id: each for each in found}
    paths: dict[UUID, tuple[str, ...]] = {}
    for each in found:
        chain, at = [], each
        while at.unit_id not in paths:
            chain.append(at)
            if at.parent_id is None:
                break
            at = by_id[at.parent_id]
        for below in reversed(chain):
            paths[below.unit_id] = (*(paths[below.parent_id] if below.parent_id else ()), below.name)
    return {each.unit_id: _as_view(each, paths) for each in found}


def _as_view(each: Unit, paths: Mapping[UUID, tuple[str, ...]]) -> UnitView:
    return UnitView(
        unit_id=each.unit_id,
        parent_id=each.parent_id,
        kind=each.kind,
        name=each.name,
        path=paths[each.unit_id],
        version=each.version,
        archived_at=each.archived_at,
    )


def _done(installation: Installation, connection: Any, action: str, unit_id: UUID, **more: object) -> UnitView:
    """The unit as it is now, and its entry in the audit chain."""
    view = _view(installation, connection, unit_id)
    payload = {
        "name": view.name, "kind": view.kind, "parent": str(view.parent_id) if view.parent_id else None,
        "version": view.version, **more,
    }  # fmt: skip
    audit.append(connection, installation.tenant_id, action=action, resource=f"unit/{unit_id}", payload=payload)
    return view


def _kind(kind: str) -> str:
    if kind not in set(UnitKind):
        raise InputRefused("this is no kind of unit", where="kind", value=kind, valid=", ".join(UnitKind))
    return UnitKind(kind).value


def _name(text: str) -> str:
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable() or "/" in name:
        raise InputRefused(
            "this is no name of a unit", where="name", value=text,
            valid=f"1 to {LONGEST_NAME} signs that can be printed, without /",
        )  # fmt: skip
    return name
