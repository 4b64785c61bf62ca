"""Emission factors: a form to import them in, and what stands."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from headwater.errors import Misuse
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
            _check_known(table[column].unique().to_pylist(), wanted, where=column)
            table = table.filter(pc.equal(table[column], pa.scalar(wanted)))
    return table.slice(0, limit).to_pylist(), table.num_rows


def _check_known(there: list[Any], wanted: str, *, where: str) -> None:
    """Misuse where there are factors, and none of what is wanted."""
    if there and wanted not in there:
        near = difflib.get_close_matches(wanted, there, n=5, cutoff=0.4) or sorted(there)[:10]
        raise Misuse(
            f"no factor has this {where.replace('_', ' ')}",
            where=where,
            value=wanted,
            valid=", ".join(near) + (f" and {len(there) - len(near):,} more" if len(there) > len(near) else ""),
        )
