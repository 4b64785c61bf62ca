"""An import as whoever acts reaches it: of the organisation, or of a unit in which they have the right.

It belongs to the unit that was said when it was begun, and once it is a run to that of the run's source.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.services.access.within_units import unbound
from headwater.store import imports

if TYPE_CHECKING:
    from uuid import UUID

    from headwater.services.access.policy import Right
    from headwater.services.installation import Installation
    from headwater.store.imports import Import


def reached_import(installation: Installation, right: Right, import_id: UUID) -> tuple[Installation, Import]:
    """An import, and the installation to go on with it, in which all is seen. NotFound where it is not theirs."""
    seen, tenant_id = installation.seeing(right, on=f"import/{import_id}"), installation.tenant_id
    with seen.database.connect(tenant_id) as connection:
        import_ = imports.get_import(connection, tenant_id, import_id)
        unit_id = imports.units_of(connection, tenant_id, [import_id])[import_id]
    if seen.units is None:
        return installation, import_
    if unit_id not in seen.units:
        raise imports.no_such_import(import_id)
    return unbound(installation), import_
