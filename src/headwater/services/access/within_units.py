"""What who acts in units reaches: runs, imports and refused records of the sources of these units, and no others.

Reading is done by a session that is bound to the units, in which the others' rows are not there. What is then done, as
to load, needs all there is: it is done by the house, once it is known that they may.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from headwater.services.access.policy import Right
from headwater.store import runs, source_units

if TYPE_CHECKING:
    from uuid import UUID

    from headwater.services.installation import Installation
    from headwater.store.database import TenantConnection
    from headwater.store.runs import Run


def inside(installation: Installation) -> Installation:
    """For what is asked of the whole organisation and done in one unit, to what was chosen by who may.

    Units stay as they are: no others are seen.
    """
    rights = installation.actor.rights | {Right.READ, Right.WRITE}
    return replace(installation, actor=replace(installation.actor, rights=rights))


def unbound(installation: Installation) -> Installation:
    """The same in which all is seen: to load, every record must be known that there is. Give it to nobody who has not
    been found to have the right to the very run or import that it is for.
    """
    return replace(inside(installation), database=installation.database.within(None), units=None)


def may_reach(installation: Installation, connection: TenantConnection, run: Run) -> UUID | None:
    """The unit of a run, that of its source; NotFound where it is none of those that are seen."""
    unit_id = source_units.unit_of(connection, installation.tenant_id, run.source_id)
    if installation.units is not None and unit_id not in installation.units:
        raise runs.no_such_run(str(run.run_id))
    return unit_id


def reached_run(installation: Installation, right: Right, run: str, *, on: str) -> tuple[Installation, Run]:
    """A run, by its id or the beginning of it, in which whoever acts has the right; and the installation to go on with
    it, in which all is seen.
    """
    seen = installation.seeing(right, on=on)
    with seen.database.connect(seen.tenant_id) as connection:
        found = runs.find_run(connection, seen.tenant_id, run)
        may_reach(seen, connection, found)
    return unbound(installation) if seen.units is not None else installation, found


def sources_seen(installation: Installation) -> list[str] | None:
    """The ids of the sources of the units that are seen; None where all are."""
    if installation.units is None:
        return None
    with installation.database.connect(installation.tenant_id) as connection:
        units = source_units.all_units(connection, installation.tenant_id)
    return ["\\x" + source.hex() for source, unit in units.items() if unit in installation.units]
