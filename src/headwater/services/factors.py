"""Emission factors: a form to import them in, and what stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from headwater.services.factor_sets import FACTORS
from headwater.services.imports import plan_file
from headwater.store.stored_rows import current_rows, parse_rows

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    from headwater.services.installation import Installation

FORM = "emission_factor_form"
"""The mapping whose columns are named as the contract's fields."""


def plan_factors(installation: Installation, path: Path, mapping: str = FORM) -> UUID:
    """Plan the import of a file of factors; the run's id, for `carry_out`."""
    return plan_file(installation, path, mapping)


def list_factors(
    installation: Installation, *, activity_type: str | None, region: str | None, limit: int
) -> tuple[list[dict[str, Any]], int]:
    """The first factors that stand, by key, as canonical texts, and how many there are of those asked for."""
    with installation.database.connect(installation.tenant_id) as connection:
        table = parse_rows(current_rows(connection, installation.contract(*FACTORS)))
    for column, wanted in (("activity_type", activity_type), ("region", region)):
        if wanted is not None:
            table = table.filter(pc.equal(table[column], pa.scalar(wanted)))
    return table.slice(0, limit).to_pylist(), table.num_rows
