"""Which source it is that a recipe reads, and the unit that it belongs to from its first row on.

A source is a name read through a mapping. Where a unit is said it is the source of that name in that unit, so that two
units send files of one name without meeting; one that was given to the unit before stays what it was.
"""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from headwater.errors import Conflict
from headwater.services.access.changing import in_use
from headwater.services.access.record_units import note_assigned
from headwater.services.access.units import named
from headwater.store import runs, source_units

if TYPE_CHECKING:
    from collections.abc import Callable

    from headwater.pipeline.recipe import Recipe
    from headwater.services.installation import Installation
    from headwater.store.database import TenantConnection
    from headwater.store.runs import Run

    Together = Callable[[TenantConnection, Run], None]


def unit_said(installation: Installation, recipe: Recipe) -> UUID | None:
    """The unit that a recipe names by its path or id; None where it names none.

    NotFound where there is no such unit, Conflict where it is archived.
    """
    if recipe.unit is None:
        return None
    try:
        unit_id = UUID(recipe.unit)
    except ValueError:
        unit_id = named(installation, recipe.unit)
    with installation.database.connect(installation.tenant_id) as connection:
        in_use(connection, installation.tenant_id, unit_id)
    return unit_id


def source_id_by_name(mapping: str, source_name: str) -> bytes:
    """The source of a name, read through a mapping, whatever the mapping's version."""
    return hashlib.sha256(f"{mapping}\x1f{source_name}".encode()).digest()


def source_id_in(installation: Installation, mapping: str, source_name: str, unit_id: UUID | None) -> bytes:
    """The same, or that of a unit, where one is said."""
    plain = source_id_by_name(mapping, source_name)
    if unit_id is None:
        return plain
    with installation.database.connect(installation.tenant_id) as connection:
        if source_units.unit_of(connection, installation.tenant_id, plain) == unit_id:
            return plain
    return hashlib.sha256(f"{mapping}\x1f{source_name}\x1f{unit_id}".encode()).digest()


def unit_of_source(installation: Installation, recipe: Recipe, mapping: str, source_name: str) -> UUID | None:
    """The unit that what a recipe reads by this name belongs to, or will; None where it is the organisation's."""
    said = unit_said(installation, recipe)
    if said is not None:
        return said
    with installation.database.connect(installation.tenant_id) as connection:
        return source_units.unit_of(connection, installation.tenant_id, source_id_by_name(mapping, source_name))


def placed(installation: Installation, unit_id: UUID | None, together: Together | None) -> Together | None:
    """Gives the source of a run that is planned to the unit that was said, in the same transaction; beside `together`.

    Conflict where it belongs elsewhere by now.
    """
    return together if unit_id is None else partial(_place, installation, unit_id, together)


def _place(
    installation: Installation, unit_id: UUID, together: Together | None, connection: TenantConnection, run: Run
) -> None:
    tenant_id = installation.tenant_id
    stands = source_units.unit_of(connection, tenant_id, run.source_id)
    if stands != unit_id:
        if stands is not None or runs.is_loaded_before(connection, tenant_id, run.source_id, run.run_id):
            raise Conflict(
                "the source was given to another unit, or to the organisation, since it was first loaded here",
                where="source",
                value=run.source_name,
                remedy="Give it back with `headwater units assign`, or leave the unit out to load it where it is.",
            )
        source_units.assign(connection, tenant_id, run.source_id, unit_id, ())
    if together is not None:
        together(connection, run)
    if stands != unit_id:  # last, since it locks the end of the audit chain
        note_assigned(connection, tenant_id, run.source_id, unit_id, name=run.source_name, rows=0)
